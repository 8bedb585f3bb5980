//! What was changed in the storage format, one schema after the other.

use serde_json::{Value, json};
use uuid::Uuid;

use super::Upcaster;

/// Every change of schema so far.
pub const UPCASTERS: &[Upcaster] = &[Upcaster { name: "ShareDownloaded", from: 1, lift: visitor_is_told_by_kind }];

/// `visitor` was a text: `account/<id>`, `address/<network>` or `unknown`.
fn visitor_is_told_by_kind(mut data: Value) -> Value {
    let text = data["visitor"].as_str().unwrap_or_default();
    let account = text.strip_prefix("account/").filter(|id| Uuid::try_parse(id).is_ok());
    let visitor = match (account, text.strip_prefix("address/").unwrap_or(text)) {
        (Some(account), _) => json!({ "account": account }),
        (None, "" | "unknown") => json!("unknown"),
        (None, network) => json!({ "network": network }),
    };
    data["visitor"] = visitor;
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visitors_of_the_first_schema_are_told_by_kind() {
        let id = "0b7cf7d6-52c1-4c5e-9f5b-6f9c0f3f7a01";
        for (text, visitor) in [
            (format!("account/{id}"), json!({ "account": id })),
            ("account/nobody".to_owned(), json!({ "network": "account/nobody" })),
            ("address/192.0.2.7".to_owned(), json!({ "network": "192.0.2.7" })),
            ("unknown".to_owned(), json!("unknown")),
            (String::new(), json!("unknown")),
        ] {
            let lifted = visitor_is_told_by_kind(json!({ "visitor": text, "at": 1 }));
            assert_eq!(lifted, json!({ "visitor": visitor, "at": 1 }));
        }
    }
}
