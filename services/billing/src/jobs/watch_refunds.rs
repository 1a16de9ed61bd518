//! Raises the alarm for refunds whose deadline is over and that are not paid (billing.md §8: 30 calendar days).
//!
//! Once a day; the alarm rings until the accountant pays or calls the refund off. `done` counts overdue refunds.

use super::{JobError, Summary};
use namoyish_runtime::context::Context;

/// The job's name in `job_runs`; its key is the day.
pub const NAME: &str = "watch_refunds";
/// Refunds told by name; more than that is an alarm of its own kind.
const TOLD_MAX: u32 = 200;

/// Tells of overdue refunds.
pub async fn run(ctx: &Context) -> Result<Summary, JobError> {
    let overdue = ctx.store.refunds_overdue(ctx.today(), TOLD_MAX).await?;
    let count = u32::try_from(overdue.len()).unwrap_or(TOLD_MAX);
    metrics::gauge!("refunds_overdue").set(f64::from(count));
    for refund in &overdue {
        tracing::error!(
            refund.id = %refund.id, customer.id = %refund.customer, due_on = %refund.due_on,
            sum_tiyin = refund.amount.map(namoyish_domain::money::Money::tiyin), "a refund is overdue"
        );
    }
    Ok(Summary {
        done: u64::from(count),
        ..Summary::default()
    })
}
