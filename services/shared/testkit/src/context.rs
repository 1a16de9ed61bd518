//! A context for application functions: a fresh database, a virtual clock, a seeded generator.

use crate::TestDatabase;
use namoyish_domain::calendar::Timestamp;
use namoyish_runtime::clock::Clock;
use namoyish_runtime::context::Context;
use namoyish_runtime::ids::Generator;
use std::ops::Deref;

/// When a test's clock begins: Monday, 2 November 2026, 09:00 in Tashkent.
pub const START: Timestamp = match chrono::DateTime::from_timestamp(1_793_592_000, 0) {
    Some(start) => start,
    None => chrono::DateTime::<chrono::Utc>::UNIX_EPOCH,
};

/// A [`Context`] with the database that it stands on; derefs to the context. Keep it until the test ends.
#[derive(Debug)]
pub struct TestContext {
    /// The context.
    pub context: Context,
    /// Its database.
    pub database: TestDatabase,
}

impl Deref for TestContext {
    type Target = Context;

    fn deref(&self) -> &Context {
        &self.context
    }
}

/// A context whose clock shows [`START`]; ids and draws follow from `seed`.
pub async fn context(seed: u64) -> TestContext {
    context_at(seed, START).await
}

/// A context whose clock shows `now`.
pub async fn context_at(seed: u64, now: Timestamp) -> TestContext {
    let database = TestDatabase::create().await;
    let context = Context {
        store: database.store(),
        clock: Clock::virtual_at(now),
        ids: Generator::seeded(seed),
    };
    TestContext { context, database }
}
