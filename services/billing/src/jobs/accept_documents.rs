//! Accepts primary documents without an objection when the 21st begins, and their VAT invoices with them; a correction
//! on the 21st of the month after its own date.
//!
//! Rule: billing.md §5; offer [003 §5.9]: objections run through the end of the 20th; not receiving a document doesn't
//! release from payment, so one that was never sent is accepted as well.

use super::{JobError, Summary};
use chrono::Datelike;
use namoyish_domain::billing::document::{DocumentState, LAST_DAY_OF_OBJECTIONS};
use namoyish_domain::calendar::{ReportingPeriod, Timestamp};
use namoyish_domain::ids::DocumentId;
use namoyish_runtime::context::Context;
use namoyish_storage::Tx;
use namoyish_storage::objections::Relation;

/// The job's name in `job_runs`.
pub const NAME: &str = "accept_documents";
/// Documents looked up at once.
const BATCH: u32 = 500;

/// The VAT invoice of a document enters the same state with it.
async fn move_vat_invoice(
    tx: &mut Tx,
    document: DocumentId,
    to: DocumentState,
    now: Timestamp,
) -> Result<(), JobError> {
    let Some(invoice) = tx
        .objections()
        .referring(document, Relation::VatInvoiceOf)
        .await?
    else {
        return Ok(());
    };
    let state = tx.documents().lock_state(invoice).await?;
    if let Some(Ok(state)) = state.map(|state| state.become_next(to)) {
        tx.documents().enter(invoice, state, now, "billing", "").await?;
    }
    Ok(())
}

/// Accepts what is due now.
pub async fn run(ctx: &Context) -> Result<Summary, JobError> {
    let now = ctx.now();
    let today = ctx.today();
    // Through the 20th the month before is still open to objections; the one before that no more.
    let month_before = ReportingPeriod::of(today).previous();
    let last_period = if today.day() > LAST_DAY_OF_OBJECTIONS {
        month_before
    } else {
        month_before.previous()
    };
    let mut summary = Summary::default();
    let mut after = None;
    loop {
        let ids = ctx.store.documents_to_accept(last_period, after, BATCH).await?;
        let Some(last) = ids.last() else {
            return Ok(summary);
        };
        after = Some(*last);
        for id in ids {
            let mut tx = ctx.store.begin().await?;
            // An objection or another worker may have come in between: the locked state decides.
            let accepted = tx
                .documents()
                .lock_state(id)
                .await?
                .map(|state| state.become_next(DocumentState::Accepted));
            if let Some(Ok(state)) = accepted {
                tx.documents().enter(id, state, now, "billing", "").await?;
                move_vat_invoice(&mut tx, id, state, now).await?;
                tx.save().await?;
                summary.done += 1;
            } else {
                summary.skipped += 1;
            }
        }
    }
}
