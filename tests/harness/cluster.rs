//! One drive in many processes, over servers that all of them share.

use cairn_servers::MariaDb;

use super::drive::Drive;

/// What every process of the drive is told, and the databases behind it.
pub(crate) struct Cluster {
    _primary: MariaDb,
    pub(crate) replica: MariaDb,
    environment: Vec<(String, String)>,
}

const DATABASE: &str = "cairn";
/// The same in every process, so that what one has signed is good in another.
const SECRET: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

impl Cluster {
    /// A drive of which no process runs yet. The settings come on top of those for the databases.
    pub(crate) fn new(settings: &[(&str, &str)]) -> Self {
        let primary = MariaDb::start().expect("a database server");
        let replica = MariaDb::start_replica_of(&primary).expect("a copy of it");
        let url = primary.create_database(DATABASE).expect("a database");
        replica.wait_for(&primary).expect("a copy that is up to date");
        let databases = [
            ("CAIRN_LOG__URL", url.as_str()),
            ("CAIRN_VIEWS__URL", &url),
            ("CAIRN_VIEWS__REPLICAS", &replica.url_of(DATABASE)),
            ("CAIRN_SERVER__SECRET", SECRET),
        ];
        let environment = databases.iter().chain(settings).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { _primary: primary, replica, environment }
    }

    /// One more process, ready. The first projector has to be there before any other.
    pub(crate) fn process(&self, services: &str) -> Drive {
        let mut settings: Vec<(&str, &str)> =
            self.environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        settings.push(("CAIRN_SERVER__SERVICES", services));
        Drive::with(&settings)
    }
}
