//! Reporting that a licence or certificate was revoked or suspended: its material stops at once (orders.md §4)
//! [003 §4.3.4], and a notice says so. A copy that takes the document's place lets the material run again.

use crate::app::{NotAllowed, Refusal, Told, code_of, require_own_or_staff};
use namoyish_domain::ids::{AdMaterialId, MaterialDocumentId};
use namoyish_domain::orders::text::{self, TextRefused};
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_runtime::notices::{Notice, tell};
use namoyish_storage::material_documents::MaterialDocument;
use namoyish_storage::{DbError, Tx};
use serde_json::json;

/// The longest note, characters.
pub const NOTE_CHARS_MAX: usize = 500;

/// What to report.
#[derive(Debug, Clone)]
pub struct ReportDocumentRevoked {
    /// Its material.
    pub material: AdMaterialId,
    /// The document.
    pub document: MaterialDocumentId,
    /// In the reporter's words; may be empty.
    pub note: String,
}

/// Why it isn't written down.
#[derive(Debug, thiserror::Error)]
pub enum ReportDocumentRevokedError {
    /// The actor's role.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// There is no such document.
    #[error("there is no document {document}")]
    NoSuchDocument {
        /// The id.
        document: MaterialDocumentId,
    },
    /// The note's text.
    #[error(transparent)]
    Text(#[from] TextRefused),
    /// It was reported before.
    #[error("the document was reported revoked before")]
    AlreadyRevoked,
    /// Nothing depends on it any more.
    #[error("another document has taken its place")]
    Replaced,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for ReportDocumentRevokedError {
    fn told(&self) -> Told {
        match self {
            ReportDocumentRevokedError::NotAllowed(_) => Told::not_allowed(),
            ReportDocumentRevokedError::NoSuchDocument { .. } => Told::not_found("no_such_document"),
            ReportDocumentRevokedError::Text(refused) => Told::refused(refused.code())
                .field(refused.field())
                .limit(refused.limit()),
            ReportDocumentRevokedError::AlreadyRevoked => Told::conflict("document_already_revoked"),
            ReportDocumentRevokedError::Replaced => Told::conflict("document_replaced"),
            ReportDocumentRevokedError::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(ReportDocumentRevokedError);

/// Reports a revocation.
pub async fn report_document_revoked(
    ctx: &Context,
    actor: &Actor,
    cmd: ReportDocumentRevoked,
) -> Result<MaterialDocument, ReportDocumentRevokedError> {
    let mut tx = ctx.store.begin().await?;
    let revoked = report_document_revoked_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(revoked)
}

/// The same inside the caller's transaction.
pub async fn report_document_revoked_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: ReportDocumentRevoked,
) -> Result<MaterialDocument, ReportDocumentRevokedError> {
    let no_such_document = || ReportDocumentRevokedError::NoSuchDocument {
        document: cmd.document,
    };
    let material = tx
        .materials()
        .find(cmd.material)
        .await?
        .ok_or_else(no_such_document)?;
    let own = [Role::Owner, Role::Manager];
    let staff = [Role::Sales, Role::Moderator, Role::Admin];
    if !require_own_or_staff(actor, material.customer, &own, &staff, "report documents")? {
        return Err(no_such_document());
    }
    // A copy that takes the document's place and this report go one after the other.
    tx.order_lines().lock(material.material.line).await?;
    tx.materials().lock(cmd.material).await?;
    let document = tx
        .material_documents()
        .find(cmd.document)
        .await?
        .filter(|document| document.document.material == cmd.material)
        .ok_or_else(no_such_document)?;
    let note = text::long("note", &cmd.note, NOTE_CHARS_MAX)?;
    if document.replaced_by.is_some() {
        return Err(ReportDocumentRevokedError::Replaced);
    }
    let first = tx
        .material_documents()
        .revoke(cmd.document, &note, &actor.name, ctx.now())
        .await?;
    if !first {
        return Err(ReportDocumentRevokedError::AlreadyRevoked);
    }
    tx.bump_snapshot().await?;
    let details = json!({
        "material": cmd.material.to_string(),
        "document": cmd.document.to_string(),
        "number": document.document.copy.number,
        "note": note,
    });
    tx.order_lines()
        .insert_change(
            material.material.line,
            ctx.now(),
            &actor.name,
            "document_revoked",
            details.clone(),
        )
        .await?;
    tx.audit(
        ctx.now(),
        &actor.name,
        "report_document_revoked",
        &cmd.material.to_string(),
        details,
    )
    .await?;
    let line = tx.order_lines().find(material.material.line).await?;
    let notice = Notice::DocumentRevoked {
        document: document.document.copy.number.clone(),
        line: line.map_or_else(String::new, |line| line.code),
    };
    tell(tx, ctx, material.customer, Some(material.blank), notice).await?;
    Ok(MaterialDocument {
        revoked: Some((ctx.now(), actor.name.clone(), note)),
        ..document
    })
}
