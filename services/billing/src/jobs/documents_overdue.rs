//! Says of materials whose papers didn't come in time that they are overdue.
//!
//! Rule: orders.md §4 [003 §3.5]: copies of licences and certificates asked for are due within three calendar days. The
//! material stops at midnight by the day alone (`domain::orders::runnable`); here its state, its history and the customer
//! are told. Each material is a transaction of its own.

use super::{JobError, Summary};
use namoyish_domain::calendar::{day_start, minus_days, tashkent_day};
use namoyish_domain::ids::AdMaterialId;
use namoyish_domain::orders::licence::{DAYS_TO_HAND_IN, hand_in_by};
use namoyish_runtime::context::Context;
use namoyish_runtime::notices::{Notice, tell};
use namoyish_storage::DbError;
use namoyish_storage::materials::Decision;
use serde_json::json;

/// The job's name in `job_runs`.
pub const NAME: &str = "documents_overdue";
/// Materials of one run.
const BATCH: u32 = 500;

/// Enters what is overdue today. `done` counts materials.
pub async fn run(ctx: &Context) -> Result<Summary, JobError> {
    let mut tx = ctx.store.begin().await?;
    // Asked for on day N, due through N + 3: overdue is what was asked for before the day three days ago began.
    let asked_before = day_start(minus_days(ctx.today(), DAYS_TO_HAND_IN));
    let due = tx.materials().papers_overdue(asked_before, BATCH).await?;
    drop(tx);
    let mut summary = Summary::default();
    for material in due {
        if enter(ctx, material).await? {
            summary.done += 1;
        } else {
            summary.skipped += 1;
        }
    }
    Ok(summary)
}

async fn enter(ctx: &Context, id: AdMaterialId) -> Result<bool, DbError> {
    let mut tx = ctx.store.begin().await?;
    // The papers or a moderator may have come in between: the locked state decides.
    let Some(material) = tx.materials().lock(id).await? else {
        return Ok(false);
    };
    let due_on = hand_in_by(tashkent_day(material.decision.decided_at));
    let Some(next) = material
        .moderation()
        .papers_overdue()
        .filter(|_| due_on < ctx.today())
    else {
        return Ok(false);
    };
    let decision = Decision {
        state: next.state,
        runs_on: next.runs_on,
        reasons: material.decision.reasons.clone(),
        comment: String::new(),
        decided_at: ctx.now(),
        decided_by: "billing".to_owned(),
    };
    tx.materials().insert_decision(id, &decision).await?;
    tx.bump_snapshot().await?;
    let details = json!({"material": id.to_string(), "due_on": due_on.to_string()});
    let line = material.material.line;
    tx.order_lines()
        .insert_change(line, ctx.now(), "billing", "documents_overdue", details.clone())
        .await?;
    tx.audit(
        ctx.now(),
        "billing",
        "documents_overdue",
        &id.to_string(),
        details,
    )
    .await?;
    let notice = Notice::DocumentsOverdue {
        material: material.material.title.clone(),
        due_on,
    };
    tell(&mut tx, ctx, material.customer, Some(material.blank), notice).await?;
    tx.save().await?;
    Ok(true)
}
