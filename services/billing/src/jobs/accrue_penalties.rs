//! Accrues the late penalty of every invoice that is overdue, day by day through today.
//!
//! Rule: billing.md §6. What is unpaid when a day begins is known as soon as it has begun, so the run of a day accrues that
//! day too. A run that comes after days of standstill catches up with all of them. A payment that becomes known late takes
//! days back by itself (`orders::app::record_payment`): each invoice is a transaction of its own that takes the customer's
//! lock first, as a payment does, so that neither works with what the other is about to change. Beyond the operator's cap
//! a day accrues nothing and is written all the same.

use super::{JobError, Summary};
use namoyish_domain::billing::late_penalty::{OverdueInvoice, accrue_capped};
use namoyish_runtime::context::Context;

/// The job's name in `job_runs`.
pub const NAME: &str = "accrue_penalties";
/// Invoices looked up at once.
const BATCH: u32 = 200;

/// Accrues through today. `done` counts days of invoices.
pub async fn run(ctx: &Context) -> Result<Summary, JobError> {
    let Some(_lock) = ctx.store.lock_job(NAME).await? else {
        return Ok(Summary::other_worker());
    };
    let today = ctx.today();
    let mut summary = Summary::default();
    let mut after = None;
    loop {
        let mut tx = ctx.store.begin().await?;
        let behind = tx.penalties().behind(today, after, BATCH).await?;
        let Some(last) = behind.last() else {
            return Ok(summary);
        };
        after = Some(last.invoice);
        tx.save().await?;
        for item in &behind {
            let mut tx = ctx.store.begin().await?;
            tx.ledger().lock_customer(item.customer).await?;
            let last_accrued = tx.penalties().last_accrued(item.invoice).await?;
            let overdue = OverdueInvoice {
                gross: item.gross,
                due_on: item.begins_after,
                paid: tx.invoices().paid_parts(item.invoice).await?,
            };
            let cap = tx.penalty_claims().cap_percent().await?;
            let days = accrue_capped(&overdue, cap, last_accrued, today)?;
            tx.penalties().add(item.invoice, &days).await?;
            tx.save().await?;
            summary.done += u64::try_from(days.len()).unwrap_or(u64::MAX);
        }
    }
}
