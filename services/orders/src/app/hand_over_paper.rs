//! The desk marks the paper copy of a document as handed over (billing.md §5) [003 §5.7]: it is to be collected by the 15th. A
//! copy that is collected later is marked all the same; the day says so.

use crate::app::{NotAllowed, Refusal, Told, code_of, require_staff};
use chrono::NaiveDate;
use namoyish_domain::ids::DocumentId;
use namoyish_domain::orders::text::{self, TextRefused};
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_storage::{DbError, Tx};
use serde_json::json;

/// The longest name, characters.
pub const NAME_CHARS_MAX: usize = 200;
const ROLES: &[Role] = &[Role::Accountant, Role::Sales, Role::Admin];

/// A copy that was collected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandOverPaper {
    /// Of which document.
    pub document: DocumentId,
    /// To whom: surname, initials, power of attorney.
    pub to: String,
}

/// Why it isn't marked.
#[derive(Debug, thiserror::Error)]
pub enum HandOverPaperError {
    /// The role may not.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// No such document.
    #[error("there is no document {0}")]
    NoSuchDocument(DocumentId),
    /// The name's text.
    #[error(transparent)]
    Text(#[from] TextRefused),
    /// It was collected before.
    #[error("the paper copy was handed over on {on}")]
    HandedOver {
        /// When.
        on: NaiveDate,
    },
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for HandOverPaperError {
    fn told(&self) -> Told {
        match self {
            HandOverPaperError::NotAllowed(_) => Told::not_allowed(),
            HandOverPaperError::NoSuchDocument(_) => Told::not_found("no_such_document"),
            HandOverPaperError::Text(refused) => Told::refused(refused.code())
                .field(refused.field())
                .limit(refused.limit()),
            HandOverPaperError::HandedOver { .. } => Told::conflict("paper_handed_over"),
            HandOverPaperError::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(HandOverPaperError);

/// Marks it; gives the day.
pub async fn hand_over_paper(
    ctx: &Context,
    actor: &Actor,
    cmd: HandOverPaper,
) -> Result<NaiveDate, HandOverPaperError> {
    let mut tx = ctx.store.begin().await?;
    let on = hand_over_paper_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(on)
}

/// The same inside the caller's transaction.
pub async fn hand_over_paper_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: HandOverPaper,
) -> Result<NaiveDate, HandOverPaperError> {
    let (now, today) = (ctx.now(), ctx.today());
    require_staff(actor, ROLES, "hand over paper copies")?;
    let to = text::required("to", &cmd.to, NAME_CHARS_MAX)?;
    let document = tx
        .documents()
        .find(cmd.document)
        .await?
        .ok_or(HandOverPaperError::NoSuchDocument(cmd.document))?;
    let first = tx
        .objections()
        .hand_over(cmd.document, today, &to, &actor.name, now)
        .await?;
    if !first {
        let on = tx.objections().handed_over_on(cmd.document).await?;
        return Err(HandOverPaperError::HandedOver {
            on: on.unwrap_or(today),
        });
    }
    let details = json!({ "document": document.number, "to": to });
    tx.audit(
        now,
        &actor.name,
        "hand_over_paper",
        &cmd.document.to_string(),
        details,
    )
    .await?;
    Ok(today)
}
