//! Notices about a contract's execution: what is told to whom, in the cabinet and by mail (cabinet.md "Notices";
//! orders.md §1, §4, §8).
//!
//! [`tell`] is called in the transaction that has something to tell, so that a notice without its cause, or a cause
//! without its notice, can't exist. What was told is kept as values ([`Notice`]), not as a sentence: the cabinet shows it
//! in the reader's language, the mail goes out in the customer's.
//!
//! A notice that a job tells from the state alone has a key without the time ([`Notice::told_once`]): the job may run as
//! often as it likes. One that a command tells is told each time the command is carried out.
//!
//! Every notice here is about the contract's execution and therefore mandatory; there is no advertising of others
//! [003 §12.4]. Not here: mails that carry a document (`billing`), one-time codes (`orders`).

mod letters;

use crate::context::Context;
use chrono::NaiveDate;
use namoyish_domain::ids::{CustomerId, MailId, NoticeId, OrderBlankId};
use namoyish_domain::money::Money;
use namoyish_storage::notices::{NewNotice, Recipient};
use namoyish_storage::outbox::NewMail;
use namoyish_storage::{DbError, Tx};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use letters::Letter;

/// The most characters of a text that a notice carries; the rest is cut.
pub const TEXT_CHARS_MAX: usize = 500;

/// What is told. Texts are cut to [`TEXT_CHARS_MAX`]; `line` and `order` are numbers or codes as the customer knows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "the fields are the values of the sentence that `letters` makes of them"
)]
pub enum Notice {
    /// A new edition of the rules is published [003 §11.2–11.3].
    RulesEditionPublished { number: i32, in_force_from: NaiveDate },
    /// A licence or certificate is about to expire.
    DocumentExpires {
        document: String,
        line: String,
        expires_on: NaiveDate,
    },
    /// It has expired: the line isn't served any more [003 §4.3.4].
    DocumentExpired {
        document: String,
        line: String,
        expired_on: NaiveDate,
    },
    /// It was reported as revoked: the line isn't served any more [003 §4.3.4].
    DocumentRevoked { document: String, line: String },
    /// Copies of documents are asked for [003 §3.5].
    DocumentsRequired {
        material: String,
        due_on: NaiveDate,
        comment: String,
    },
    /// They didn't come in time: the material doesn't run.
    DocumentsOverdue { material: String, due_on: NaiveDate },
    /// A material is approved.
    MaterialApproved { material: String, line: String },
    /// A material is rejected; `comment` says why.
    MaterialRejected {
        material: String,
        line: String,
        comment: String,
    },
    /// An approval is withdrawn: the material isn't served any more [003 §3.6].
    ApprovalWithdrawn {
        material: String,
        line: String,
        comment: String,
    },
    /// A line's term has moved [003 §3.4, §7.2, §8].
    TermMoved {
        line: String,
        first_day: NaiveDate,
        last_day: NaiveDate,
    },
    /// A budget is increased and in force [003 §5.2].
    BudgetIncreased {
        line: String,
        #[serde(with = "sum")]
        budget: Money,
    },
    /// An increase waits for a payment.
    BudgetIncreaseInvoiced {
        line: String,
        invoice: String,
        #[serde(with = "sum")]
        amount: Money,
        due_on: NaiveDate,
    },
    /// An increase wasn't paid in time.
    BudgetIncreaseLapsed {
        line: String,
        #[serde(with = "sum")]
        amount: Money,
    },
    /// Notice of termination; `effective` is the first day without service [003 §10].
    TerminationNotice { order: String, effective: NaiveDate },
    /// A contract has ended; `ended_on` is the first day without service.
    ContractEnded { order: String, ended_on: NaiveDate },
    /// Service is interrupted: force majeure, or an outage on the operator's side [003 §7.2, §8].
    Interrupted {
        order: String,
        force_majeure: bool,
        from: NaiveDate,
        until: Option<NaiveDate>,
    },
    /// What is to be paid back is fixed [003 §10.3].
    RefundFixed {
        order: String,
        #[serde(with = "sum")]
        amount: Money,
        due_on: NaiveDate,
    },
    /// It is paid back.
    RefundPaid {
        #[serde(with = "sum")]
        amount: Money,
    },
    /// A reconciliation act is to be signed and returned [003 §5.14–5.15].
    ActReturnReminder { act: String, due_on: NaiveDate },
}

/// Money as text, as everywhere outside the domain.
mod sum {
    use namoyish_domain::money::Money;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(sum: &Money, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(sum)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Money, D::Error> {
        Money::parse(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}

impl Notice {
    /// The stable code of what it says.
    pub fn kind(&self) -> &'static str {
        match self {
            Notice::RulesEditionPublished { .. } => "rules_edition_published",
            Notice::DocumentExpires { .. } => "document_expires",
            Notice::DocumentExpired { .. } => "document_expired",
            Notice::DocumentRevoked { .. } => "document_revoked",
            Notice::DocumentsRequired { .. } => "documents_required",
            Notice::DocumentsOverdue { .. } => "documents_overdue",
            Notice::MaterialApproved { .. } => "material_approved",
            Notice::MaterialRejected { .. } => "material_rejected",
            Notice::ApprovalWithdrawn { .. } => "approval_withdrawn",
            Notice::TermMoved { .. } => "term_moved",
            Notice::BudgetIncreased { .. } => "budget_increased",
            Notice::BudgetIncreaseInvoiced { .. } => "budget_increase_invoiced",
            Notice::BudgetIncreaseLapsed { .. } => "budget_increase_lapsed",
            Notice::TerminationNotice { .. } => "termination_notice",
            Notice::ContractEnded { .. } => "contract_ended",
            Notice::Interrupted { .. } => "interrupted",
            Notice::RefundFixed { .. } => "refund_fixed",
            Notice::RefundPaid { .. } => "refund_paid",
            Notice::ActReturnReminder { .. } => "act_return_reminder",
        }
    }

    /// Whether the same values are told only once, however often the teller runs: what jobs tell from the state alone.
    pub fn told_once(&self) -> bool {
        matches!(
            self,
            Notice::RulesEditionPublished { .. }
                | Notice::DocumentExpires { .. }
                | Notice::DocumentExpired { .. }
                | Notice::DocumentsOverdue { .. }
                | Notice::ContractEnded { .. }
                | Notice::ActReturnReminder { .. }
        )
    }

    /// Reads what [`Notice`] was kept as.
    pub fn from_details(details: &serde_json::Value) -> Option<Notice> {
        Notice::deserialize(details).ok()
    }

    /// The notice with its texts cut to their limit.
    fn bounded(mut self) -> Notice {
        match &mut self {
            Notice::DocumentExpires { document, line, .. }
            | Notice::DocumentExpired { document, line, .. }
            | Notice::DocumentRevoked { document, line } => cut(&mut [document, line]),
            Notice::DocumentsRequired {
                material, comment, ..
            } => cut(&mut [material, comment]),
            Notice::DocumentsOverdue { material, .. } => cut(&mut [material]),
            Notice::MaterialApproved { material, line } => cut(&mut [material, line]),
            Notice::MaterialRejected {
                material,
                line,
                comment,
            }
            | Notice::ApprovalWithdrawn {
                material,
                line,
                comment,
            } => cut(&mut [material, line, comment]),
            Notice::TermMoved { line, .. }
            | Notice::BudgetIncreased { line, .. }
            | Notice::BudgetIncreaseLapsed { line, .. } => cut(&mut [line]),
            Notice::BudgetIncreaseInvoiced { line, invoice, .. } => cut(&mut [line, invoice]),
            Notice::TerminationNotice { order, .. }
            | Notice::ContractEnded { order, .. }
            | Notice::Interrupted { order, .. }
            | Notice::RefundFixed { order, .. } => cut(&mut [order]),
            Notice::ActReturnReminder { act, .. } => cut(&mut [act]),
            Notice::RulesEditionPublished { .. } | Notice::RefundPaid { .. } => {}
        }
        self
    }
}

fn cut(texts: &mut [&mut String]) {
    for text in texts {
        if let Some((end, _)) = text.char_indices().nth(TEXT_CHARS_MAX) {
            text.truncate(end);
        }
    }
}

/// Writes a notice and the mails that bring it: to the notice addresses of the blank, else to the customer's.
///
/// Told before (see [`Notice::told_once`]): nothing is written.
pub async fn tell(
    tx: &mut Tx,
    ctx: &Context,
    customer: CustomerId,
    blank: Option<OrderBlankId>,
    notice: Notice,
) -> Result<(), DbError> {
    let recipient = tx
        .notices()
        .recipient(customer, blank)
        .await?
        .ok_or_else(|| DbError::Inconsistent(format!("notice to {customer}: no such customer")))?;
    tell_recipient(tx, ctx, &recipient, blank, notice.bounded()).await
}

/// Tells every customer that has a contract in force; gives how many they are.
pub async fn announce(tx: &mut Tx, ctx: &Context, notice: Notice) -> Result<usize, DbError> {
    let parties = tx.notices().contract_parties().await?;
    let notice = notice.bounded();
    for recipient in &parties {
        tell_recipient(tx, ctx, recipient, None, notice.clone()).await?;
    }
    Ok(parties.len())
}

async fn tell_recipient(
    tx: &mut Tx,
    ctx: &Context,
    to: &Recipient,
    blank: Option<OrderBlankId>,
    notice: Notice,
) -> Result<(), DbError> {
    let details = serde_json::to_value(&notice)
        .map_err(|error| DbError::Inconsistent(format!("notice {}: {error}", notice.kind())))?;
    let id = NoticeId::from_uuid(ctx.uuid());
    let dedupe_key = if notice.told_once() {
        let values = Sha256::digest(details.to_string().as_bytes());
        let about = blank.map_or_else(String::new, |blank| blank.to_string());
        format!(
            "{} {} {about} {}",
            notice.kind(),
            to.customer,
            hex::encode(values)
        )
    } else {
        id.to_string()
    };
    let new = NewNotice {
        id,
        customer: to.customer,
        blank,
        kind: notice.kind(),
        details,
        mandatory: true,
        dedupe_key,
        created_at: ctx.now(),
    };
    if !tx.notices().insert(&new).await? {
        return Ok(());
    }
    let Letter { subject, body } = notice.letter(&to.language);
    for address in &to.addresses {
        let mail = NewMail {
            id: MailId::from_uuid(ctx.uuid()),
            dedupe_key: format!("notice {id} {address}"),
            recipient: address.clone(),
            subject: subject.clone(),
            body: body.clone(),
            document: None,
            language: to.language.clone(),
        };
        tx.outbox().push(&mail, ctx.now()).await?;
    }
    Ok(())
}
