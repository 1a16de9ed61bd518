//! Editing the business-day calendar (spec README rule 3): who made which day a business day or a day off, and why.
//!
//! Due dates and deadlines that are fixed already stay: they are kept as dates. The next one is counted by the new days.

use crate::app::{NotAllowed, Refusal, Told, code_of, require_staff};
use chrono::NaiveDate;
use namoyish_domain::calendar::DayKind;
use namoyish_domain::orders::text::{self, TextRefused};
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_storage::calendar_days::CalendarEdit;
use namoyish_storage::{DbError, Tx};
use serde_json::json;

/// The longest reason, characters.
pub const REASON_CHARS_MAX: usize = 300;

/// What to make of a day.
#[derive(Debug, Clone)]
pub struct EditCalendar {
    /// The day.
    pub day: NaiveDate,
    /// What it becomes; `None`: what ships with the program.
    pub kind: Option<DayKind>,
    /// A decree's number, for instance.
    pub reason: String,
}

/// Why the day stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum EditCalendarError {
    /// Not an administrator.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// No reason, or too long.
    #[error(transparent)]
    Text(#[from] TextRefused),
    /// The day isn't edited, so it can't be given back.
    #[error("{day} is not edited: it is what ships with the program")]
    NotEdited {
        /// The day.
        day: NaiveDate,
    },
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for EditCalendarError {
    fn told(&self) -> Told {
        match self {
            EditCalendarError::NotAllowed(_) => Told::not_allowed(),
            EditCalendarError::Text(refused) => Told::refused(refused.code())
                .field(refused.field())
                .limit(refused.limit()),
            EditCalendarError::NotEdited { .. } => Told::not_found("day_not_edited").field("day"),
            EditCalendarError::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(EditCalendarError);

/// Edits a day.
pub async fn edit_calendar_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: EditCalendar,
) -> Result<(), EditCalendarError> {
    require_staff(actor, &[Role::Admin], "edit the calendar")?;
    let reason = text::required("reason", &cmd.reason, REASON_CHARS_MAX)?;
    let edit = CalendarEdit {
        by: &actor.name,
        at: ctx.now(),
        reason: &reason,
    };
    let becomes = match cmd.kind {
        Some(kind) => {
            tx.calendar_days().put(cmd.day, kind, edit).await?;
            match kind {
                DayKind::Working => "working",
                DayKind::DayOff => "day_off",
            }
        }
        None if tx.calendar_days().give_back(cmd.day, edit).await? => "shipped",
        None => return Err(EditCalendarError::NotEdited { day: cmd.day }),
    };
    let details = json!({"becomes": becomes, "reason": reason});
    tx.audit(
        ctx.now(),
        &actor.name,
        "edit_calendar",
        &cmd.day.to_string(),
        details,
    )
    .await?;
    Ok(())
}
