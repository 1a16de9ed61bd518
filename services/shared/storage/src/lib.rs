//! PostgreSQL: the only crate with SQL.
//!
//! **How to add a query.** Put the statement into the `statements!` block of its module and use the constant; the test
//! `every_statement_prepares` then prepares it against the migrated schema. Rows are private; domain types and the
//! record structs of the module go in and out.
//!
//! **A [`Tx`] is the unit of work.** Nothing is written unless [`Tx::save`] is reached; dropping it rolls back. There
//! are no repository traits: rules take values, so they need no mock.
#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        reason = "a test that fails should panic"
    )
)]

/// Declares a module's SQL: constants, and the list `STATEMENTS` that the schema test prepares.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:literal;)*) => {
        $($(#[$doc])* const $name: &str = $sql;)*
        /// Every statement of this module, by name.
        pub(crate) const STATEMENTS: &[(&str, &str)] = &[$((concat!(module_path!(), "::", stringify!($name)), $name)),*];
    };
}

pub mod acceptances;
pub mod access;
pub mod amendments;
pub mod api_keys;
pub mod budget_increases;
pub mod cabinet;
pub mod calendar_days;
pub mod checklist;
pub mod counting;
pub mod customers;
pub mod databases;
pub mod documents;
mod error;
pub mod extra_periods;
pub mod idempotency;
pub mod interruptions;
pub mod invoices;
pub mod jobs;
pub mod ledger;
pub mod material_documents;
pub mod materials;
pub mod notices;
pub mod objections;
pub mod operator;
pub mod order_blanks;
pub mod order_lines;
pub mod outbox;
pub mod payments;
pub mod penalties;
pub mod penalty_claims;
pub mod periods;
pub mod placements;
pub mod plans;
pub mod price_groups;
pub mod price_lists;
pub mod reconciliation_acts;
pub mod refunds;
pub mod registers;
pub mod reporting;
pub mod runnable;
mod segment_draft;
pub mod settlements;
mod store;
pub mod terminations;
pub mod vat_invoices;

pub use error::DbError;
/// What [`Store::snapshot_listener`] gives.
pub use sqlx::postgres::PgListener as ChangeListener;
pub use store::{Store, Tx};

/// Every SQL statement of the crate by name, for the test that prepares each one against the migrated schema.
pub fn all_statements() -> impl Iterator<Item = (&'static str, &'static str)> {
    [
        store::STATEMENTS,
        counting::STATEMENTS,
        plans::STATEMENTS,
        runnable::STATEMENTS,
        api_keys::STATEMENTS,
        registers::STATEMENTS,
        price_lists::STATEMENTS,
        price_groups::STATEMENTS,
        acceptances::STATEMENTS,
        placements::STATEMENTS,
        order_lines::STATEMENTS,
        order_blanks::STATEMENTS,
        operator::STATEMENTS,
        checklist::STATEMENTS,
        material_documents::STATEMENTS,
        materials::STATEMENTS,
        notices::STATEMENTS,
        budget_increases::STATEMENTS,
        extra_periods::STATEMENTS,
        customers::STATEMENTS,
        calendar_days::STATEMENTS,
        documents::STATEMENTS,
        interruptions::STATEMENTS,
        invoices::STATEMENTS,
        terminations::STATEMENTS,
        jobs::STATEMENTS,
        ledger::STATEMENTS,
        outbox::STATEMENTS,
        payments::STATEMENTS,
        penalties::STATEMENTS,
        vat_invoices::STATEMENTS,
        penalty_claims::STATEMENTS,
        objections::STATEMENTS,
        periods::STATEMENTS,
        databases::STATEMENTS,
        idempotency::STATEMENTS,
        reporting::STATEMENTS,
        access::STATEMENTS,
        amendments::STATEMENTS,
        cabinet::STATEMENTS,
        settlements::STATEMENTS,
        refunds::STATEMENTS,
        reconciliation_acts::STATEMENTS,
    ]
    .into_iter()
    .flatten()
    .copied()
}
