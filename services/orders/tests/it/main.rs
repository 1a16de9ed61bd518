//! The order blank service over a real PostgreSQL: one cluster for all modules.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that fails should panic"
)]

mod api;
mod cabinet;
mod commands;
mod record_payment;
