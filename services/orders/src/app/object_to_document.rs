//! An objection to a month's primary document, in writing (billing.md §5) [003 §5.8–5.9]: by the customer in the cabinet or
//! over the API, or recorded by the operator from paper. The document and its VAT invoice become `disputed`.
//!
//! Through the end of the 20th of the next month in Tashkent, by the day on which it is recorded; after it every objection
//! is refused as too late.

use crate::app::{NotAllowed, Refusal, Told, code_of, require_own_or_staff};
use namoyish_domain::billing::document::{DocumentState, Series};
use namoyish_domain::billing::objection::{ObjectedTo, ObjectionRefused, object};
use namoyish_domain::ids::DocumentId;
use namoyish_domain::orders::text::{self, TextRefused};
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_storage::documents::DocumentRecord;
use namoyish_storage::objections::{NewObjection, Relation};
use namoyish_storage::{DbError, Tx};
use serde_json::json;

/// The longest reasons, characters.
pub const REASONS_CHARS_MAX: usize = 4_000;
/// Who may object for a customer.
pub const OWN_ROLES: &[Role] = &[Role::Owner, Role::Accountant];
/// Who may record a paper.
const STAFF_ROLES: &[Role] = &[Role::Accountant, Role::Admin];

/// An objection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectToDocument {
    /// To which document.
    pub document: DocumentId,
    /// In the customer's words.
    pub reasons: String,
}

/// Why it isn't taken.
#[derive(Debug, thiserror::Error)]
pub enum ObjectToDocumentError {
    /// The role may not.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// No such document, or another customer's.
    #[error("there is no document {0}")]
    NoSuchDocument(DocumentId),
    /// The reasons' text.
    #[error(transparent)]
    Text(#[from] TextRefused),
    /// The rules refuse it.
    #[error(transparent)]
    Refused(#[from] ObjectionRefused),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for ObjectToDocumentError {
    fn told(&self) -> Told {
        match self {
            ObjectToDocumentError::NotAllowed(_) => Told::not_allowed(),
            ObjectToDocumentError::NoSuchDocument(_) => Told::not_found("no_such_document"),
            ObjectToDocumentError::Text(refused) => Told::refused(refused.code())
                .field(refused.field())
                .limit(refused.limit()),
            ObjectToDocumentError::Refused(refused @ ObjectionRefused::TooLate { last_day, .. }) => {
                Told::conflict(refused.code()).limit(Some(last_day.to_string()))
            }
            ObjectToDocumentError::Refused(refused) => Told::conflict(refused.code()),
            ObjectToDocumentError::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(ObjectToDocumentError);

/// Objects.
pub async fn object_to_document(
    ctx: &Context,
    actor: &Actor,
    cmd: ObjectToDocument,
) -> Result<DocumentRecord, ObjectToDocumentError> {
    let mut tx = ctx.store.begin().await?;
    let document = object_to_document_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(document)
}

/// The same inside the caller's transaction.
pub async fn object_to_document_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: ObjectToDocument,
) -> Result<DocumentRecord, ObjectToDocumentError> {
    let now = ctx.now();
    let missing = || ObjectToDocumentError::NoSuchDocument(cmd.document);
    let document = tx.documents().find(cmd.document).await?.ok_or_else(missing)?;
    if !require_own_or_staff(
        actor,
        document.customer,
        OWN_ROLES,
        STAFF_ROLES,
        "object to documents",
    )? {
        return Err(missing());
    }
    let reasons = text::long("reasons", &cmd.reasons, REASONS_CHARS_MAX)?;
    if reasons.is_empty() {
        return Err(TextRefused::Missing { field: "reasons" }.into());
    }
    // The worker may have accepted it in between: the locked state decides.
    let state = tx
        .documents()
        .lock_state(cmd.document)
        .await?
        .ok_or_else(missing)?;
    let kind = Series::parse(&document.kind)
        .ok_or_else(|| DbError::Inconsistent(format!("`{}` is no kind of document", document.kind)))?;
    let objected_to = ObjectedTo {
        kind,
        period: document.period,
        state,
    };
    let disputed = object(objected_to, ctx.today())?;

    let objection = NewObjection {
        document: cmd.document,
        by: &actor.name,
        on_paper: actor.is_operator(),
        reasons: &reasons,
    };
    tx.objections().insert(&objection, now).await?;
    enter_both(tx, ctx, cmd.document, disputed, actor).await?;
    let details = json!({
        "document": document.number,
        "customer": document.customer.to_string(),
        "on_paper": actor.is_operator(),
    });
    tx.audit(
        now,
        &actor.name,
        "object_to_document",
        &cmd.document.to_string(),
        details,
    )
    .await?;
    tracing::info!(document.id = %cmd.document, "a document is disputed");
    tx.documents().find(cmd.document).await?.ok_or_else(missing)
}

/// A document and its VAT invoice enter a state together.
pub(crate) async fn enter_both(
    tx: &mut Tx,
    ctx: &Context,
    document: DocumentId,
    state: DocumentState,
    actor: &Actor,
) -> Result<(), DbError> {
    let now = ctx.now();
    tx.documents()
        .enter(document, state, now, &actor.name, "")
        .await?;
    let invoice = tx
        .objections()
        .referring(document, Relation::VatInvoiceOf)
        .await?;
    if let Some(invoice) = invoice {
        let from = tx.documents().lock_state(invoice).await?;
        if let Some(Ok(state)) = from.map(|from| from.become_next(state)) {
            tx.documents().enter(invoice, state, now, &actor.name, "").await?;
        }
    }
    Ok(())
}
