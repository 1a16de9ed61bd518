//! Storage against a real, migrated PostgreSQL.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        reason = "a test that fails should panic"
    )
)]

mod billing;
mod ledger;
mod orders;
mod schema;
