#![doc = include_str!("../README.md")]
#![deny(missing_docs)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        reason = "a test that fails should panic"
    )
)]

pub mod clock;
pub mod context;
pub mod embedded;
pub mod http;
pub mod idempotency;
pub mod ids;
pub mod mail;
pub mod notices;
pub mod problem;
pub mod settings;
pub mod shutdown;
pub mod telemetry;
