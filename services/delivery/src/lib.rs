//! The ad-serving hot path: decision, tokens, journal, counters (delivery.md).
//!
//! **Architecture invariant:** nothing on the path of a request waits for PostgreSQL or Redis.
#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        reason = "a test that fails should panic"
    )
)]

mod called;
pub mod counters;
pub mod files;
pub mod geo;
mod grants;
pub mod http;
pub mod journal;
pub mod node;
pub mod run;
pub mod seen;
pub mod settings;
pub mod ship;
pub mod snapshot;
pub mod token_keys;
