//! The delivery service against a real PostgreSQL and Redis.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        reason = "a test that fails should panic"
    )
)]

mod counters;
mod ending;
mod http;
mod journal;
mod node;
mod server;
mod ship;
mod targeting;
mod world;
