//! The use cases: what people and the system itself may do, one file each.
//!
//! This crate owns the ports that its use cases need and knows no adapter, no driver and no web framework.
//! Every change goes through [`execute`]: load, fold, decide, append. There is no second such loop.

pub mod ports;
