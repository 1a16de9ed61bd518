//! The mail outbox: written in the transaction that has something to tell, sent afterwards.
//!
//! A mail is claimed with `for update skip locked` and its row stays locked while it is sent, so that two workers never
//! send the same one. A worker killed between the mail server's answer and the commit sends it again: at least once, and
//! the message id (made of the row's id) lets the receiver's server tell the copy.

use crate::{DbError, Store, Tx};
use namoyish_domain::calendar::Timestamp;
use namoyish_domain::ids::{DocumentId, MailId};
use uuid::Uuid;

statements! {
    PUSH = "insert into mail_outbox (id, dedupe_key, recipient, subject, body, document_id, language, created_at, next_try_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $8) on conflict on constraint mail_is_sent_once do nothing";
    CLAIM = "select id, dedupe_key, recipient, subject, body, document_id, language, created_at, sent_at, attempts, next_try_at, last_error
        from mail_outbox where sent_at is null and next_try_at <= $1 order by next_try_at, id limit 1 for update skip locked";
    SENT = "update mail_outbox set sent_at = $2, attempts = attempts + 1, last_error = null where id = $1";
    FAILED = "update mail_outbox set attempts = attempts + 1, next_try_at = $2, last_error = $3 where id = $1";
    BY_KEY = "select id, dedupe_key, recipient, subject, body, document_id, language, created_at, sent_at, attempts, next_try_at, last_error
        from mail_outbox where dedupe_key = $1";
    WAITING = "select count(*) from mail_outbox where sent_at is null";
}

/// A mail to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMail {
    /// New id.
    pub id: MailId,
    /// A second mail with the same key isn't written.
    pub dedupe_key: String,
    /// Address.
    pub recipient: String,
    /// Subject.
    pub subject: String,
    /// Plain text.
    pub body: String,
    /// The document to attach.
    pub document: Option<DocumentId>,
    /// Language of the attached document ("uz-Latn").
    pub language: String,
}

/// A mail in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// What to send.
    pub mail: NewMail,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was sent.
    pub sent_at: Option<Timestamp>,
    /// Attempts so far.
    pub attempts: i32,
    /// Not tried before this instant.
    pub next_try_at: Timestamp,
    /// The last attempt's error.
    pub last_error: Option<String>,
}

#[derive(sqlx::FromRow)]
struct MailRow {
    id: Uuid,
    dedupe_key: String,
    recipient: String,
    subject: String,
    body: String,
    document_id: Option<Uuid>,
    language: String,
    created_at: Timestamp,
    sent_at: Option<Timestamp>,
    attempts: i32,
    next_try_at: Timestamp,
    last_error: Option<String>,
}

impl From<MailRow> for Mail {
    fn from(row: MailRow) -> Mail {
        Mail {
            mail: NewMail {
                id: MailId::from_uuid(row.id),
                dedupe_key: row.dedupe_key,
                recipient: row.recipient,
                subject: row.subject,
                body: row.body,
                document: row.document_id.map(DocumentId::from_uuid),
                language: row.language,
            },
            created_at: row.created_at,
            sent_at: row.sent_at,
            attempts: row.attempts,
            next_try_at: row.next_try_at,
            last_error: row.last_error,
        }
    }
}

/// The outbox inside a transaction.
#[derive(Debug)]
pub struct Outbox<'a> {
    tx: &'a mut Tx,
}

impl Tx {
    /// The mail outbox.
    pub fn outbox(&mut self) -> Outbox<'_> {
        Outbox { tx: self }
    }
}

impl Outbox<'_> {
    /// Writes a mail, due at once. `false` when one with its key is there already.
    pub async fn push(&mut self, mail: &NewMail, at: Timestamp) -> Result<bool, DbError> {
        let done = sqlx::query(PUSH)
            .bind(mail.id.uuid())
            .bind(&mail.dedupe_key)
            .bind(&mail.recipient)
            .bind(&mail.subject)
            .bind(&mail.body)
            .bind(mail.document.map(DocumentId::uuid))
            .bind(&mail.language)
            .bind(at)
            .execute(self.tx.conn())
            .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Locks the mail that has waited longest and is due, if no other worker has it.
    pub async fn claim(&mut self, now: Timestamp) -> Result<Option<Mail>, DbError> {
        let row: Option<MailRow> = sqlx::query_as(CLAIM)
            .bind(now)
            .fetch_optional(self.tx.conn())
            .await?;
        Ok(row.map(Mail::from))
    }

    /// Writes that a claimed mail was sent.
    pub async fn mark_sent(&mut self, id: MailId, at: Timestamp) -> Result<(), DbError> {
        sqlx::query(SENT)
            .bind(id.uuid())
            .bind(at)
            .execute(self.tx.conn())
            .await?;
        Ok(())
    }

    /// Writes that sending failed and when to try again.
    pub async fn mark_failed(
        &mut self,
        id: MailId,
        error: &str,
        next_try_at: Timestamp,
    ) -> Result<(), DbError> {
        sqlx::query(FAILED)
            .bind(id.uuid())
            .bind(next_try_at)
            .bind(error)
            .execute(self.tx.conn())
            .await?;
        Ok(())
    }
}

impl Store {
    /// A mail by its key.
    pub async fn mail(&self, dedupe_key: &str) -> Result<Option<Mail>, DbError> {
        let row: Option<MailRow> = sqlx::query_as(BY_KEY)
            .bind(dedupe_key)
            .fetch_optional(self.pool())
            .await?;
        Ok(row.map(Mail::from))
    }

    /// How many mails wait to be sent: the queue's depth.
    pub async fn mails_waiting(&self) -> Result<i64, DbError> {
        Ok(sqlx::query_scalar(WAITING).fetch_one(self.pool()).await?)
    }
}
