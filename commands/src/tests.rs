//! The use cases over the in-memory twins: fast, and every moment of a crash can be chosen.

mod accounts;
mod breaking;
mod collecting;
mod contents;
mod crashes;
mod damaged;
mod files;
mod folders;
mod histories;
mod instant;
mod logged;
mod moving;
mod offline;
mod overtaken;
mod quotas;
mod retries;
mod scrubbing;
mod sharing;
mod stage;
mod traces;
mod transfers;
mod trash;
mod uploads;
mod versions;
mod watching;
mod world;
