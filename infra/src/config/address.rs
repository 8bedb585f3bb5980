use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

/// What chooses an adapter: a word, or a URL. It may hold a password, which is never shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Address(String);

impl Address {
    /// The address as configured, with its password.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What stands before `://`, or the word.
    pub fn scheme(&self) -> &str {
        self.0.split_once("://").map_or(&self.0, |(scheme, _)| scheme)
    }
}

impl From<&str> for Address {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((scheme, rest)) = self.0.split_once("://") else { return formatter.write_str(&self.0) };
        // Also where a password holds a slash or an at sign that should have been escaped, nothing of it is before the last one.
        match rest.rsplit_once('@') {
            Some((credentials, host)) => {
                let user = credentials.split_once(':').map(|(user, _)| format!("{user}:")).unwrap_or_default();
                write!(formatter, "{scheme}://{user}***@{host}")
            }
            None => write!(formatter, "{scheme}://{rest}"),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A value that is never shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Hidden(String);

impl Hidden {
    /// The value.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

impl Serialize for Hidden {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for (address, shown) in [
            ("sqlite", "sqlite"),
            ("mysql://user:hunter2@host:3306/db", "mysql://user:***@host:3306/db"),
            ("mysql://user:hun/ter2@host/db", "mysql://user:***@host/db"),
            ("mysql://user:hun@ter2@host/db", "mysql://user:***@host/db"),
            ("nats://hunter2@host", "nats://***@host"),
            ("nats://host:4222", "nats://host:4222"),
        ] {
            assert_eq!(Address::from(address).to_string(), shown);
        }
        assert!(!format!("{:?}", Address::from("amqp://u:secret@h/v")).contains("secret"));
        assert!(!serde_json::to_string(&Address::from("redis://:secret@h")).expect("JSON").contains("secret"));
    }
}
