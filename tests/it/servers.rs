//! The adapters over real servers, each by the contract of its port, and what only several processes can go wrong in.

mod carrying;
mod certificate;
mod eventstore_alone;
mod eventstore_faults;
mod eventstore_log;
mod many_processes;
mod messages_tls;
mod mysql_faults;
mod mysql_grants;
mod mysql_log;
mod mysql_views;
mod nats;
mod nats_drive;
mod rabbitmq;
mod redis;
mod s3_blobs;
mod s3_copies;
mod s3_drive_faults;
mod s3_faults;
mod s3_scrubbing;
mod s3_staging;
mod s3_stores;
mod start_errors;
mod transfer_tasks;
mod transfers;
mod transfers_chaos;
