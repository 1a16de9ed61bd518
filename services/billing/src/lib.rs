//! The billing worker: everything that happens because time passes (billing.md §9).
//!
//! **Architecture invariant:** a job takes its work from the state in PostgreSQL and nothing else, and every step is one
//! transaction. So a worker may be killed anywhere and run again, several may run at once, and the end is the same: the
//! same documents, the same numbers, no gap and no double. `job_runs` is for the operator's eyes and the back-off.
//!
//! [`worker::tick`] looks at what is due and does it; [`worker::run`] calls it by timer and when a day plan may have
//! changed; the simulation calls it at the instants of its virtual clock.
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        reason = "a test that fails should panic"
    )
)]

pub mod content;
pub mod fingerprint;
pub mod jobs;
pub mod mail_text;
pub mod settings;
pub mod worker;

pub use settings::BillingSettings;
