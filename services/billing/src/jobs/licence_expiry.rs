//! Tells customers of licences and certificates that run out: fourteen days before their last day, and on the day after it.
//!
//! Rule: orders.md §4 [003 §4.3.4]. Serving stops at midnight by the day alone (`domain::orders::runnable`); here the line's
//! history and the notices are written, once for each document. A copy that has taken the document's place ends both.

use super::{JobError, Summary};
use chrono::NaiveDate;
use namoyish_domain::calendar::plus_days;
use namoyish_domain::orders::licence::WARNING_DAYS;
use namoyish_runtime::context::Context;
use namoyish_runtime::notices::{Notice, tell};
use namoyish_storage::DbError;
use namoyish_storage::material_documents::{DueNotice, NoticeKind};
use serde_json::json;

/// The job's name in `job_runs`.
pub const NAME: &str = "licence_expiry";
/// Notices of one run.
const BATCH: u32 = 500;

/// Tells what is due today. `done` counts notices.
pub async fn run(ctx: &Context) -> Result<Summary, JobError> {
    let today = ctx.today();
    let mut tx = ctx.store.begin().await?;
    let due = tx
        .material_documents()
        .to_tell(today, plus_days(today, WARNING_DAYS), BATCH)
        .await?;
    drop(tx);
    let mut summary = Summary::default();
    for notice in due {
        if tell_one(ctx, today, &notice).await? {
            summary.done += 1;
        } else {
            summary.skipped += 1;
        }
    }
    Ok(summary)
}

async fn tell_one(ctx: &Context, today: NaiveDate, due: &DueNotice) -> Result<bool, DbError> {
    let mut tx = ctx.store.begin().await?;
    if !tx
        .material_documents()
        .tell(due.document, due.kind, ctx.now())
        .await?
    {
        return Ok(false);
    }
    let document = due.number.clone();
    let line = due.line_code.clone();
    let notice = match due.kind {
        NoticeKind::ExpiresSoon => Notice::DocumentExpires {
            document,
            line,
            expires_on: due.expires_on,
        },
        NoticeKind::Expired => {
            let details = json!({
                "material": due.material.to_string(),
                "document": due.document.to_string(),
                "number": due.number,
                "expired_on": due.expires_on.to_string(),
            });
            tx.order_lines()
                .insert_change(due.line, ctx.now(), "billing", "licence_expired", details.clone())
                .await?;
            tx.audit(
                ctx.now(),
                "billing",
                "licence_expired",
                &due.material.to_string(),
                details,
            )
            .await?;
            // The nodes stop by themselves; whoever reads what may run is told as well.
            tx.bump_snapshot().await?;
            tracing::info!(line = %due.line_code, document = %due.document, on = %today, "a licence has expired");
            Notice::DocumentExpired {
                document,
                line,
                expired_on: due.expires_on,
            }
        }
    };
    tell(&mut tx, ctx, due.customer, Some(due.blank), notice).await?;
    tx.save().await?;
    Ok(true)
}
