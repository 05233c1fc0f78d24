//! A seeded random workload on the whole system, with faults, and the invariants of money checked during and after it.
//!
//! Reading order: `operation` and `generate` (what is asked for), `worker` (how a good client asks), `faults` (what goes wrong meanwhile),
//! `model` (what has to have happened, by the answers alone), `check` and `effects` (whether it has).

mod books;
mod check;
mod effects;
mod faults;
mod generate;
mod model;
mod operation;
mod record;
mod request;
mod run;
mod watch;
mod worker;
mod world;

pub use books::Books;
pub use record::Report;
pub use run::{Trouble, run};
