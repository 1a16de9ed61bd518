//! Records a reconciliation act that the customer returned signed, with its own figure where it differs.
//!
//! Rule: billing.md §7; offer [003 §5.14–5.15]. Recorded once, by the operator's accountant, from the day of issue to
//! today. An act on which both books agree is accepted; one with another figure is disputed, and the difference is kept.

use crate::app::{NotAllowed, Refusal, Told, code_of, require_staff};
use chrono::NaiveDate;
use namoyish_domain::billing::document::DocumentState;
use namoyish_domain::billing::reconciliation_act::{Comparison, compare};
use namoyish_domain::ids::DocumentId;
use namoyish_domain::money::{Money, MoneyError};
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_storage::reconciliation_acts::ReturnedAct;
use namoyish_storage::{DbError, Tx};
use serde_json::json;

/// Most characters of a note.
pub const NOTE_CHARACTERS_MAX: usize = 1_000;
const STAFF: &[Role] = &[Role::Accountant, Role::Admin];

/// An act that came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordActReturn {
    /// The act's document.
    pub document: DocumentId,
    /// When it came back.
    pub returned_on: NaiveDate,
    /// The closing balance by the customer's books, more than nothing when it owes; none when it agrees.
    pub customer_balance: Option<Money>,
    /// A remark; may be empty.
    pub note: String,
}

/// Why nothing is recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordActReturnError {
    /// The actor's role may not.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// No reconciliation act with this id.
    #[error("there is no reconciliation act {0}")]
    NoSuchAct(DocumentId),
    /// It came back before.
    #[error("the act came back on {returned_on} already")]
    AlreadyReturned {
        /// When.
        returned_on: NaiveDate,
    },
    /// Before it was issued, or tomorrow.
    #[error("returned_on: {returned_on} doesn't lie between the act's date, {issued_on}, and today, {today}")]
    DayOutOfRange {
        /// What was given.
        returned_on: NaiveDate,
        /// The act's date.
        issued_on: NaiveDate,
        /// Today in Tashkent.
        today: NaiveDate,
    },
    /// The note is too long.
    #[error("note: {characters} characters where {NOTE_CHARACTERS_MAX} are allowed")]
    NoteLength {
        /// What was given.
        characters: usize,
    },
    /// A sum is too large.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for RecordActReturnError {
    fn told(&self) -> Told {
        match self {
            RecordActReturnError::NotAllowed(_) => Told::not_allowed(),
            RecordActReturnError::NoSuchAct(_) => Told::not_found("no_such_act"),
            RecordActReturnError::AlreadyReturned { .. } => Told::conflict("act_already_returned"),
            RecordActReturnError::DayOutOfRange {
                returned_on,
                issued_on,
                today,
            } => {
                let limit = if returned_on > today { today } else { issued_on };
                Told::refused("day_out_of_range")
                    .field("returned_on")
                    .limit(Some(limit.to_string()))
            }
            RecordActReturnError::NoteLength { .. } => Told::refused("text_length")
                .field("note")
                .limit(Some(NOTE_CHARACTERS_MAX.to_string())),
            RecordActReturnError::Money(_) => Told::refused("sum_too_large").field("customer_balance"),
            RecordActReturnError::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(RecordActReturnError);

/// Records what came back; see the module.
pub async fn record_act_return(
    ctx: &Context,
    actor: &Actor,
    cmd: RecordActReturn,
) -> Result<Comparison, RecordActReturnError> {
    let mut tx = ctx.store.begin().await?;
    let compared = record_act_return_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(compared)
}

/// The same inside the caller's transaction.
pub async fn record_act_return_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: RecordActReturn,
) -> Result<Comparison, RecordActReturnError> {
    require_staff(actor, STAFF, "record a returned reconciliation act")?;
    let (now, today) = (ctx.now(), ctx.today());
    let characters = cmd.note.chars().count();
    if characters > NOTE_CHARACTERS_MAX {
        return Err(RecordActReturnError::NoteLength { characters });
    }

    // Load: the document's lock comes first, so that one of two records is the first.
    let state = tx.documents().lock_state(cmd.document).await?;
    let Some((state, act)) = state.zip(tx.reconciliation_acts().find(cmd.document).await?) else {
        return Err(RecordActReturnError::NoSuchAct(cmd.document));
    };
    if let Some(returned) = act.returned {
        return Err(RecordActReturnError::AlreadyReturned {
            returned_on: returned.returned_on,
        });
    }

    // Decide.
    let issued_on = act.issued_on;
    if cmd.returned_on < issued_on || cmd.returned_on > today {
        return Err(RecordActReturnError::DayOutOfRange {
            returned_on: cmd.returned_on,
            issued_on,
            today,
        });
    }
    let customers = cmd.customer_balance.unwrap_or(act.act.closing);
    let compared = compare(act.act.closing, customers)?;
    let agreed = compared == Comparison::Agreed;

    // Commit.
    let returned = ReturnedAct {
        returned_on: cmd.returned_on,
        customer_balance: customers,
        agreed,
        note: cmd.note,
    };
    tx.reconciliation_acts()
        .insert_return(cmd.document, &returned, now, &actor.name)
        .await?;
    let to = if agreed {
        DocumentState::Accepted
    } else {
        DocumentState::Disputed
    };
    if let Ok(next) = state.become_next(to) {
        tx.documents()
            .enter(cmd.document, next, now, &actor.name, &returned.note)
            .await?;
    }
    let details = json!({
        "returned_on": returned.returned_on.to_string(),
        "customer_balance": customers.to_string(),
        "agreed": agreed,
    });
    tx.audit(
        now,
        &actor.name,
        "record_act_return",
        &cmd.document.to_string(),
        details,
    )
    .await?;
    Ok(compared)
}
