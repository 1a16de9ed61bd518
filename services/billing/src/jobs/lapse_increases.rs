//! Decides budget increases that wait: in force when their money is in, lapsed when it didn't come in time.
//!
//! Rule: orders.md §6 (unpaid at the end of the 30th day, the request lapses). A payment that completes a request puts it in
//! force by itself (`orders::app::record_payment`); here come those that free advance paid, and those of days of standstill.
//! Each is a transaction of its own, and takes its facts from the state alone.

use super::{JobError, Summary};
use namoyish_domain::ids::{BudgetIncreaseId, LineId};
use namoyish_runtime::context::Context;
use namoyish_settlement::increases::{Decided, decide};
use namoyish_storage::DbError;

/// The job's name in `job_runs`.
pub const NAME: &str = "lapse_increases";
/// Requests looked up at once.
const BATCH: u32 = 200;

/// Decides what is to be decided by now. `done` counts requests.
pub async fn run(ctx: &Context) -> Result<Summary, JobError> {
    let mut summary = Summary::default();
    let mut after = None;
    // One that fails doesn't hold up the others: it is tried again at the next tick.
    let mut first_failure = None;
    loop {
        let mut tx = ctx.store.begin().await?;
        let due = tx.budget_increases().to_decide(ctx.today(), after, BATCH).await?;
        drop(tx);
        let Some((last, _)) = due.last() else {
            return first_failure.map_or(Ok(summary), |error| Err(JobError::Db(error)));
        };
        after = Some(*last);
        for (increase, line) in due {
            match decide_one(ctx, increase, line).await {
                Ok(Decided::Nothing) => summary.skipped += 1,
                Ok(Decided::InForce | Decided::Lapsed) => summary.done += 1,
                Err(error) => {
                    tracing::error!(increase.id = %increase, error = %error, "a budget increase can't be decided");
                    first_failure.get_or_insert(error);
                }
            }
        }
    }
}

async fn decide_one(ctx: &Context, increase: BudgetIncreaseId, line: LineId) -> Result<Decided, DbError> {
    let mut tx = ctx.store.begin().await?;
    let decided = decide(&mut tx, ctx, "billing", increase, line).await?;
    tx.save().await?;
    Ok(decided)
}
