//! Sends what is in the mail outbox, documents with their PDF and XLSX attached, and enters `sent`.
//!
//! Rule: billing.md §5; offer [003 §5.7]: by the 7th. Delivery is at least once: a worker killed between the mail server's
//! answer and the commit sends again, under the same message id. A failed mail is tried again after one minute, then after
//! twice as long each time, at most every six hours; one that the server refused for good once a day, because its address
//! may be put right.

use super::{JobError, Summary};
use crate::settings::BillingSettings;
use chrono::TimeDelta;
use namoyish_documents::Language;
use namoyish_documents::files::{pdf_of, xlsx_of};
use namoyish_domain::billing::document::DocumentState;
use namoyish_domain::ids::DocumentId;
use namoyish_runtime::context::Context;
use namoyish_runtime::mail::{Attachment, Mailer, Message};
use namoyish_storage::objections::Relation;
use namoyish_storage::outbox::Mail;
use namoyish_storage::{DbError, Tx};

/// The job's name in `job_runs`.
pub const NAME: &str = "send_mail";
/// Mails of one run.
const MAILS_MAX: u64 = 500;
const FIRST_RETRY: TimeDelta = TimeDelta::minutes(1);
const LONGEST_RETRY: TimeDelta = TimeDelta::hours(6);
const PERMANENT_RETRY: TimeDelta = TimeDelta::days(1);
/// From so many attempts on a failing mail is an error in the log, before that a warning.
const ATTEMPTS_TO_ALARM: i32 = 5;
const ACTOR: &str = "billing";

/// Sends what is due, at most 500 mails; ends at the first that fails for a while, because the server is the same for the
/// rest. `skipped` counts the failed ones.
pub async fn run(ctx: &Context, settings: &BillingSettings, mailer: &Mailer) -> Result<Summary, JobError> {
    let mut summary = Summary::default();
    while summary.done + summary.skipped < MAILS_MAX {
        let mut tx = ctx.store.begin().await?;
        let Some(mail) = tx.outbox().claim(ctx.now()).await? else {
            break;
        };
        match send(ctx, settings, mailer, &mail).await {
            Ok(()) => {
                let now = ctx.now();
                tx.outbox().mark_sent(mail.mail.id, now).await?;
                if let Some(document) = mail.mail.document {
                    enter_sent(ctx, &mut tx, document).await?;
                    let invoice = tx
                        .objections()
                        .referring(document, Relation::VatInvoiceOf)
                        .await?;
                    if let Some(invoice) = invoice {
                        enter_sent(ctx, &mut tx, invoice).await?;
                    }
                }
                summary.done += 1;
            }
            Err(failed) => {
                let attempt = mail.attempts.saturating_add(1);
                tell(&mail, attempt, &failed);
                let wait = if failed.permanent {
                    PERMANENT_RETRY
                } else {
                    wait_after(attempt)
                };
                tx.outbox()
                    .mark_failed(mail.mail.id, &failed.error, ctx.now() + wait)
                    .await?;
                tx.save().await?;
                summary.skipped += 1;
                if failed.permanent {
                    continue;
                }
                break;
            }
        }
        tx.save().await?;
    }
    Ok(summary)
}

struct SendFailed {
    error: String,
    permanent: bool,
}

impl SendFailed {
    fn permanent(error: impl ToString) -> SendFailed {
        SendFailed {
            error: error.to_string(),
            permanent: true,
        }
    }
}

fn tell(mail: &Mail, attempt: i32, failed: &SendFailed) {
    metrics::counter!("mails_failed_total").increment(1);
    if attempt >= ATTEMPTS_TO_ALARM || failed.permanent {
        tracing::error!(mail.id = %mail.mail.id, attempt, error = failed.error, "a mail can't be sent");
    } else {
        tracing::warn!(mail.id = %mail.mail.id, attempt, error = failed.error, "a mail could not be sent now");
    }
}

/// One minute, doubled with each attempt, at most six hours.
fn wait_after(attempt: i32) -> TimeDelta {
    let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(0).min(16);
    (FIRST_RETRY * 2i32.saturating_pow(doublings)).min(LONGEST_RETRY)
}

async fn send(
    ctx: &Context,
    settings: &BillingSettings,
    mailer: &Mailer,
    mail: &Mail,
) -> Result<(), SendFailed> {
    let attachments = match mail.mail.document {
        None => vec![],
        Some(document) => attachments(ctx, settings, document, &mail.mail.language).await?,
    };
    let message = Message {
        id: mail.mail.id,
        at: ctx.now(),
        to: mail.mail.recipient.clone(),
        subject: mail.mail.subject.clone(),
        body: mail.mail.body.clone(),
        attachments,
    };
    mailer.send(&message).await.map_err(|error| SendFailed {
        permanent: error.is_permanent(),
        error: error.to_string(),
    })
}

/// The document as PDF and XLSX in the mail's language, and its VAT invoice as PDF, rendered from their stored contents and
/// nothing else.
async fn attachments(
    ctx: &Context,
    settings: &BillingSettings,
    document: DocumentId,
    language: &str,
) -> Result<Vec<Attachment>, SendFailed> {
    let for_a_while = |error: DbError| SendFailed {
        error: error.to_string(),
        permanent: false,
    };
    let language = Language::parse(language).map_err(SendFailed::permanent)?;
    let invoice = ctx
        .store
        .referring_document(document, Relation::VatInvoiceOf)
        .await
        .map_err(for_a_while)?;
    let mut stored = Vec::new();
    for (id, with_xlsx) in std::iter::once((document, true)).chain(invoice.map(|id| (id, false))) {
        let record = ctx.store.document(id).await.map_err(for_a_while)?;
        let content = ctx.store.document_content(id).await.map_err(for_a_while)?;
        let (Some(record), Some((content, _))) = (record, content) else {
            return Err(SendFailed::permanent(format!("{id} has gone")));
        };
        let verify_url = settings.verify_url_of(&record.number, &record.sha256);
        stored.push((record, content, verify_url, with_xlsx));
    }
    // Rendering is CPU work of some ten milliseconds: not on the threads that serve others.
    tokio::task::spawn_blocking(move || {
        let mut files = Vec::new();
        for (record, content, verify_url, with_xlsx) in stored {
            let pdf = pdf_of(&record.kind, &content, language, &verify_url).map_err(SendFailed::permanent)?;
            files.push(Attachment {
                name: format!("{}.pdf", record.number),
                media_type: "application/pdf".to_owned(),
                bytes: pdf,
            });
            if with_xlsx {
                let xlsx = xlsx_of(&record.kind, &content, language).map_err(SendFailed::permanent)?;
                files.push(Attachment {
                    name: format!("{}.xlsx", record.number),
                    media_type: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
                        .to_owned(),
                    bytes: xlsx,
                });
            }
        }
        Ok(files)
    })
    .await
    .map_err(|error| SendFailed {
        error: error.to_string(),
        permanent: false,
    })?
}

/// A document that was accepted before its mail went out stays accepted.
async fn enter_sent(ctx: &Context, tx: &mut Tx, document: DocumentId) -> Result<(), JobError> {
    let state = tx.documents().lock_state(document).await?;
    if let Some(Ok(sent)) = state.map(|state| state.become_next(DocumentState::Sent)) {
        tx.documents().enter(document, sent, ctx.now(), ACTOR, "").await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_are_spaced_out_up_to_six_hours() {
        let minutes: Vec<i64> = [1, 2, 3, 9, 10, 40]
            .into_iter()
            .map(|attempt| wait_after(attempt).num_minutes())
            .collect();
        assert_eq!(minutes, [1, 2, 4, 256, 360, 360]);
    }
}
