//! Compares what the counter stores saw with what the journals brought, for yesterday and the day before.
//!
//! Rule: delivery.md §4: two totals of each line that must be the same. A difference is an alarm: the gauge
//! `count_difference` (lines that differ) above zero and an error in the log with the numbers. PostgreSQL's counts stay the
//! authority for money, so nothing is changed here and the run doesn't fail. The day before yesterday is looked at again
//! because a journal may have come late.

use super::{JobError, Summary};
use namoyish_domain::calendar::minus_days;
use namoyish_runtime::context::Context;

/// The job's name in `job_runs`; its key is the day on which it runs.
pub const NAME: &str = "compare_counts";
/// Days compared.
const DAYS: u64 = 2;

/// Compares the epochs that are closed by now. `done` counts lines and days that agree, `skipped` those that differ.
#[expect(
    clippy::cast_precision_loss,
    clippy::as_conversions,
    reason = "a gauge is a float"
)]
pub async fn run(ctx: &Context) -> Result<Summary, JobError> {
    let mut summary = Summary::default();
    for ago in 1..=DAYS {
        let day = minus_days(ctx.today(), ago);
        let mut tx = ctx.store.begin().await?;
        let compared = tx.counting().compare_totals(day, ctx.now()).await?;
        for difference in &compared.differences {
            tracing::error!(
                %day,
                line.id = %difference.line,
                counter = difference.counter,
                events = difference.events,
                epochs_not_told = difference.epochs_not_told,
                epochs_differing = difference.epochs_differing,
                "the counter store and the journals disagree"
            );
        }
        let differing = u64::try_from(compared.differences.len()).unwrap_or(u64::MAX);
        summary.skipped += differing;
        summary.done += compared.lines.saturating_sub(differing);
    }
    metrics::gauge!("count_difference").set(summary.skipped as f64);
    Ok(summary)
}
