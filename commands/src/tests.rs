//! The use cases over the in-memory twins: fast, and every moment of a crash can be chosen.

mod accounts;
mod crashes;
mod files;
mod instant;
mod overtaken;
mod retries;
mod stage;
mod uploads;
