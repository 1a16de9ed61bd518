//! The order blank service over a real PostgreSQL: one cluster for all modules.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that fails should panic"
)]

mod amendments;
mod api;
mod budget_increases;
mod cabinet;
mod clauses;
mod commands;
mod disputes;
mod record_payment;
mod refunds;
mod signing;
mod simultaneous;
mod terminations;
