#![doc = include_str!("../README.md")]
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod context;
pub mod contracts;
mod database;
mod golden;
mod servers;

pub use context::{START, TestContext, context, context_at};
pub use database::TestDatabase;
pub use golden::assert_golden;
pub use servers::redis_url;

/// A fresh database: short for [`TestDatabase::create`].
pub async fn database() -> TestDatabase {
    TestDatabase::create().await
}
