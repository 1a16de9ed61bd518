//! Checks that the ledger is sound: debits equal credits, kept balances are the sums of their entries, numbers have no gaps.
//!
//! Rule: billing.md §1, §11: each of these must be zero after any kill. A difference is an alarm: an error in the log, the
//! gauges `ledger_imbalance_tiyin`, `ledger_balances_differing` and `document_number_gaps` above zero, and a failed run.

use super::{JobError, Summary};
use namoyish_runtime::context::Context;

/// The job's name in `job_runs`.
pub const NAME: &str = "check_ledger";

/// Checks everything; fails when anything is found.
#[expect(
    clippy::cast_precision_loss,
    clippy::as_conversions,
    reason = "a gauge is a float; what is posted stays exact"
)]
pub async fn run(ctx: &Context) -> Result<Summary, JobError> {
    let check = ctx.store.check_ledger().await?;
    let gaps = ctx.store.number_gaps().await?;
    metrics::gauge!("ledger_imbalance_tiyin").set(check.imbalance.tiyin() as f64);
    metrics::gauge!("ledger_balances_differing").set(check.differences.len() as f64);
    metrics::gauge!("document_number_gaps").set(gaps.len() as f64);
    for difference in &check.differences {
        tracing::error!(
            account = %difference.account,
            kept_tiyin = difference.kept.tiyin(),
            summed_tiyin = difference.summed.tiyin(),
            "a kept balance isn't the sum of its entries"
        );
    }
    for gap in &gaps {
        tracing::error!(series = %gap.kind, year = gap.year, last = gap.last_number, used = gap.used, "a number series has a gap");
    }
    if check.is_sound() && gaps.is_empty() {
        return Ok(Summary {
            done: 1,
            ..Summary::default()
        });
    }
    Err(JobError::LedgerNotSound {
        imbalance: check.imbalance,
        differences: check.differences.len(),
        gaps: gaps.len(),
    })
}
