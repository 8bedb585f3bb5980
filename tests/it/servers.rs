//! The adapters over real servers, each by the contract of its port, and what only several processes can go wrong in.

mod eventstore_faults;
mod eventstore_log;
mod mysql_faults;
mod mysql_log;
mod mysql_views;
