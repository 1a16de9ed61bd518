//! Attaching a copy of a licence or certificate to an ad material (orders.md §4) [003 §3.5].
//!
//! A material that waits for papers goes back into review. For a first placement they belong to the material: it counts as
//! submitted on the day on which they are there, so the line's start and its term are decided again by that day. A copy that
//! takes the place of one that has run out or was revoked lets the material run again at once.

use crate::app::image_file::{check_decodes, image_facts};
use crate::app::submit_material::{VERSIONS_MAX, check_open, move_term};
use crate::app::{NotAllowed, Refusal, Told, code_of, require_own_or_staff};
use chrono::NaiveDate;
use namoyish_domain::ids::{AdMaterialId, MaterialDocumentId};
use namoyish_domain::orders::deadlines::first_material;
use namoyish_domain::orders::licence::{CopyFormat, CopyRefused, DOCUMENTS_MAX, NewCopy};
use namoyish_domain::orders::material::MaterialRefused;
use namoyish_domain::orders::moderation::{Moderation, ModerationState};
use namoyish_domain::orders::order_blank::Term;
use namoyish_domain::orders::placement::PIXELS_MAX;
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_storage::material_documents::{MaterialDocument, NewMaterialDocument};
use namoyish_storage::materials::{AdMaterial, Decision};
use namoyish_storage::order_lines::OrderLine;
use namoyish_storage::{DbError, Tx};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// What to attach.
#[derive(Debug, Clone)]
pub struct AttachDocument {
    /// To which version of a material.
    pub material: AdMaterialId,
    /// Kind, number, issuer and days.
    pub copy: NewCopy,
    /// The document whose place it takes; `None`: the rule of `NewCopy::place` finds it.
    pub replaces: Option<MaterialDocumentId>,
    /// PDF, JPEG or PNG.
    pub file: Arc<[u8]>,
}

/// A copy that was attached, and what it did.
#[derive(Debug, Clone)]
pub struct AttachedDocument {
    /// The copy.
    pub document: MaterialDocument,
    /// The material as it stands now.
    pub material: AdMaterial,
    /// The line's term in force from now on, when a first material became late by its papers.
    pub moved: Option<Term>,
}

/// Why it isn't attached.
#[derive(Debug, thiserror::Error)]
pub enum AttachDocumentError {
    /// The actor's role.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// There is no such material.
    #[error("there is no ad material {material}")]
    NoSuchMaterial {
        /// The id.
        material: AdMaterialId,
    },
    /// Nothing can be done for a material that is out.
    #[error("the material is {}; hand in another version with its documents", .state.code())]
    MaterialClosed {
        /// Its state.
        state: ModerationState,
    },
    /// The contract or the line is over.
    #[error(transparent)]
    Line(Box<crate::app::submit_material::SubmitMaterialError>),
    /// The copy itself.
    #[error(transparent)]
    Refused(#[from] CopyRefused),
    /// A scan that isn't an image.
    #[error(transparent)]
    Image(#[from] MaterialRefused),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for AttachDocumentError {
    fn told(&self) -> Told {
        match self {
            AttachDocumentError::NotAllowed(_) => Told::not_allowed(),
            AttachDocumentError::NoSuchMaterial { .. } => Told::not_found("no_such_material"),
            AttachDocumentError::MaterialClosed { .. } => Told::conflict("material_closed"),
            AttachDocumentError::Line(refused) => refused.told(),
            AttachDocumentError::Refused(refused) => Told::refused(refused.code())
                .field(refused.field())
                .limit(refused.limit()),
            AttachDocumentError::Image(refused) => Told::refused(refused.code())
                .field(refused.field())
                .limit(refused.limit()),
            AttachDocumentError::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(AttachDocumentError);

/// Attaches a copy.
pub async fn attach_document(
    ctx: &Context,
    actor: &Actor,
    cmd: AttachDocument,
) -> Result<AttachedDocument, AttachDocumentError> {
    let mut tx = ctx.store.begin().await?;
    let attached = attach_document_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(attached)
}

/// The same inside the caller's transaction.
pub async fn attach_document_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: AttachDocument,
) -> Result<AttachedDocument, AttachDocumentError> {
    // Load. The line first, then the material: the order in which every command locks them.
    let (line, material) = lock_material(tx, ctx, actor, cmd.material).await?;
    let documents = tx.material_documents().of_material(cmd.material).await?;
    let versions = tx.materials().of_line(line.id, 0, VERSIONS_MAX).await?;
    let calendar = tx.calendar_days().calendar().await?;

    // Decide.
    let (now, today) = (ctx.now(), ctx.today());
    if documents.len() >= DOCUMENTS_MAX {
        return Err(CopyRefused::TooMany.into());
    }
    let copy = cmd.copy.check(today)?;
    let current: Vec<_> = documents.iter().filter_map(MaterialDocument::current).collect();
    let replaces = copy.place(cmd.replaces, &current, today)?;
    let format = check_file(&cmd.file).await?;
    let next = material.moderation().papers_in();
    // Papers of a first placement come together with it: the day on which all is there decides.
    let others_count = versions
        .iter()
        .any(|version| version.material.id != cmd.material && version.counts_as_submitted());
    let started = (next.is_some() && !material.counts_as_submitted() && !others_count)
        .then(|| first_material(line.kind, line.term, today, &calendar))
        .flatten();

    // Commit.
    let file_sha256 = hex::encode(Sha256::digest(&cmd.file));
    let document = NewMaterialDocument {
        id: MaterialDocumentId::from_uuid(ctx.uuid()),
        material: cmd.material,
        copy,
        file_sha256,
        replaces,
        attached_at: now,
        attached_by: actor.name.clone(),
    };
    tx.material_documents()
        .put_file(&document.file_sha256, format, &cmd.file, now)
        .await?;
    tx.material_documents().insert(&document).await?;
    if let Some(next) = next {
        review_again(tx, ctx, actor, cmd.material, next).await?;
    }
    let moved = match started {
        Some(first) => {
            if first.live_from != material.material.live_from {
                tx.materials()
                    .set_live_from(cmd.material, first.live_from, now)
                    .await?;
            }
            let moved = first.is_late.then_some(first.term);
            if let Some(term) = moved {
                move_term(tx, ctx, actor, material.customer, &line, term).await?;
            }
            moved
        }
        None => None,
    };
    tx.bump_snapshot().await?;
    write_down(tx, ctx, actor, &line, &document).await?;
    let material = tx
        .materials()
        .find(cmd.material)
        .await?
        .ok_or_else(|| DbError::Inconsistent(format!("ad material {} is gone", cmd.material)))?;
    Ok(AttachedDocument {
        document: MaterialDocument {
            document,
            replaced_by: None,
            revoked: None,
        },
        material,
        moved,
    })
}

async fn lock_material(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    id: AdMaterialId,
) -> Result<(OrderLine, AdMaterial), AttachDocumentError> {
    let no_such_material = || AttachDocumentError::NoSuchMaterial { material: id };
    let found = tx.materials().find(id).await?.ok_or_else(no_such_material)?;
    let own = [Role::Owner, Role::Manager];
    let staff = [Role::Sales, Role::Moderator, Role::Admin];
    if !require_own_or_staff(actor, found.customer, &own, &staff, "attach documents")? {
        return Err(no_such_material());
    }
    let line = tx.order_lines().lock(found.material.line).await?;
    let line = line.ok_or_else(no_such_material)?;
    let material = tx.materials().lock(id).await?.ok_or_else(no_such_material)?;
    let blank = tx.order_blanks().find(material.blank).await?;
    let blank = blank.ok_or_else(no_such_material)?;
    check_open(&line, blank.state, ctx.today())
        .map_err(|error| AttachDocumentError::Line(Box::new(error)))?;
    let state = material.decision.state;
    if matches!(state, ModerationState::Rejected | ModerationState::Withdrawn) {
        return Err(AttachDocumentError::MaterialClosed { state });
    }
    Ok((line, material))
}

/// Format by the bytes; a scan is decoded as a whole, so that no other file hides behind its first bytes.
async fn check_file(file: &Arc<[u8]>) -> Result<CopyFormat, AttachDocumentError> {
    let format = CopyFormat::of_bytes(file)?;
    if format != CopyFormat::Pdf {
        let image = image_facts(file)?;
        if image.width > PIXELS_MAX || image.height > PIXELS_MAX {
            return Err(AttachDocumentError::Image(MaterialRefused::WrongSize {
                width: image.width,
                height: image.height,
                due: format!("up to {PIXELS_MAX}x{PIXELS_MAX}"),
            }));
        }
        check_decodes(Arc::clone(file), image.media_type).await?;
    }
    Ok(format)
}

async fn review_again(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    material: AdMaterialId,
    next: Moderation,
) -> Result<(), DbError> {
    let decision = Decision {
        state: next.state,
        runs_on: next.runs_on,
        reasons: Vec::new(),
        comment: String::new(),
        decided_at: ctx.now(),
        decided_by: actor.name.clone(),
    };
    tx.materials().insert_decision(material, &decision).await
}

async fn write_down(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    line: &OrderLine,
    document: &NewMaterialDocument,
) -> Result<(), DbError> {
    let day = |day: NaiveDate| day.to_string();
    let details = json!({
        "material": document.material.to_string(),
        "document": document.id.to_string(),
        "kind": document.copy.kind.code(),
        "number": document.copy.number,
        "expires_on": day(document.copy.expires_on),
        "file": document.file_sha256,
        "replaces": document.replaces.map(|id| id.to_string()),
    });
    tx.order_lines()
        .insert_change(
            line.id,
            ctx.now(),
            &actor.name,
            "document_attached",
            details.clone(),
        )
        .await?;
    tx.audit(
        ctx.now(),
        &actor.name,
        "attach_document",
        &document.material.to_string(),
        details,
    )
    .await
}
