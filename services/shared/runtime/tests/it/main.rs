//! The runtime against real servers: embedded PostgreSQL and Redis, kept answers, HTTP layers.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        reason = "a test that fails should panic"
    )
)]

mod embedded;
mod http;
mod idempotency;
mod testkit;
