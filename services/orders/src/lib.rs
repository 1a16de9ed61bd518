//! The order blank service: the commands, the REST API and the personal cabinet (orders.md, cabinet.md).
//!
//! `app` holds the commands; `api` and `cabinet` parse and answer; the rules are in `namoyish_domain`, the SQL in
//! `namoyish_storage`. Delivery and billing are met in the database only.
#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        reason = "a test that fails should panic"
    )
)]

pub mod api;
pub mod app;
pub mod cabinet;
pub mod i18n;
mod router;
mod settings;

pub use router::router;
pub use settings::OrdersSettings;
