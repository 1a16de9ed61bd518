//! Force majeure moves what it holds up: the terms of the lines that stand still, and the due dates of a customer that is the
//! affected party (orders.md §8) [003 §8.4].
//!
//! Part of `move_by_calendar`. What is due is computed from the record and the terms as they stand, and only the difference
//! to what was moved before is moved: run twice, it moves nothing twice. Force majeure without a known end moves a term by a
//! day each day, so that no line is over by a day that it lost.
//!
//! **Choice:** a due date is moved when the obligation wasn't due before the force majeure and wasn't met yet, whether it
//! falls into it or after it.

use super::JobError;
use namoyish_domain::calendar::{days_inclusive, minus_days, plus_days};
use namoyish_domain::orders::order_blank::Term;
use namoyish_domain::orders::termination::Party;
use namoyish_runtime::context::Context;
use namoyish_runtime::notices::{self, Notice};
use namoyish_storage::Tx;
use namoyish_storage::interruptions::{GoingOn, MoveCause};
use serde_json::json;

const ACTOR: &str = "billing";

/// Moves what is due by today. Answers how many lines and invoices were moved.
pub async fn run(ctx: &Context) -> Result<u64, JobError> {
    let today = ctx.today();
    let mut tx = ctx.store.begin().await?;
    let going_on = tx.interruptions().going_on(today).await?;
    drop(tx);
    let mut done = 0;
    for force_majeure in going_on {
        let mut tx = ctx.store.begin().await?;
        let lines = move_lines(ctx, &mut tx, &force_majeure).await?;
        let invoices = match force_majeure.affected {
            Party::Customer => put_invoices_off(ctx, &mut tx, &force_majeure).await?,
            Party::Operator => 0,
        };
        if lines + invoices > 0 {
            tx.bump_snapshot().await?;
            tx.save().await?;
            done += lines + invoices;
        }
    }
    Ok(done)
}

async fn move_lines(ctx: &Context, tx: &mut Tx, force_majeure: &GoingOn) -> Result<u64, JobError> {
    let standstill = force_majeure.standstill;
    let cause = MoveCause::ForceMajeure(force_majeure.id);
    let mut done = 0;
    for line in tx
        .interruptions()
        .lock_lines_standing_still(force_majeure.id)
        .await?
    {
        // The term as it stood before this force majeure.
        let last_day = minus_days(line.term.last_day(), u64::from(line.moved));
        let Some(before) = Term::new(line.term.first_day(), last_day) else {
            continue;
        };
        let due = standstill.days_moved(before, line.ended_on, ctx.today());
        let days = due.saturating_sub(line.moved);
        if days == 0 {
            continue;
        }
        let term = tx
            .interruptions()
            .move_line(line.line, cause, days, ctx.now(), ACTOR)
            .await?;
        let details = json!({
            "reason": cause.code(),
            "force_majeure": force_majeure.id.to_string(),
            "days": days,
            "from": [line.term.first_day().to_string(), line.term.last_day().to_string()],
            "to": [term.first_day().to_string(), term.last_day().to_string()],
        });
        tx.order_lines()
            .insert_change(line.line, ctx.now(), ACTOR, "term_moved", details)
            .await?;
        // Told when it begins to hold the line up, not each day.
        if line.moved == 0
            && let Some(kept) = tx.order_lines().find(line.line).await?
            && let Some(blank) = tx.order_blanks().find(kept.blank).await?
        {
            let told = Notice::Interrupted {
                order: blank.number,
                force_majeure: true,
                from: standstill.first_day,
                until: standstill.until,
            };
            notices::tell(tx, ctx, blank.customer, Some(blank.id), told).await?;
        }
        done += 1;
    }
    Ok(done)
}

async fn put_invoices_off(ctx: &Context, tx: &mut Tx, force_majeure: &GoingOn) -> Result<u64, JobError> {
    let standstill = force_majeure.standstill;
    let until = standstill.until.unwrap_or_else(|| plus_days(ctx.today(), 1));
    let invoices = tx
        .interruptions()
        .invoices_put_off(force_majeure.id, standstill.first_day, until)
        .await?;
    let mut done = 0;
    for (invoice, issued_on, moved) in invoices {
        let due = days_inclusive(standstill.first_day.max(issued_on), minus_days(until, 1));
        let days = due.saturating_sub(moved);
        if days > 0 {
            tx.interruptions()
                .put_off(invoice, force_majeure.id, days, ctx.now(), ACTOR)
                .await?;
            done += 1;
        }
    }
    Ok(done)
}
