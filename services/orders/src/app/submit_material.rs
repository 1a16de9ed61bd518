//! Submitting an ad material, or a new version of it (orders.md §4) [003 §3.3–3.4].
//!
//! The file is kept by its hash. The first material of a line decides whether the term moves; a later one waits for the
//! first day whose deadline it meets. **Choice:** versions that were never approved and were all rejected or still wait for
//! documents don't count as submitted, so the next one is a first material again: a line can't have run without one.

use crate::app::image_file::{check_decodes, image_facts};
use crate::app::{NotAllowed, Refusal, Told, code_of, require_own_or_staff};
use chrono::NaiveDate;
use namoyish_domain::ids::{AdMaterialId, CustomerId, LineId};
use namoyish_domain::orders::deadlines::{changed_material, first_material};
use namoyish_domain::orders::material::{
    CheckedMaterial, ImageFacts, MaterialKind, MaterialRefused, NewMaterial, check_material, check_weight,
};
use namoyish_domain::orders::moderation::ModerationState;
use namoyish_domain::orders::order_blank::{BlankState, Term};
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_runtime::notices::{Notice, tell};
use namoyish_storage::materials::{AdMaterial, Decision, NewAdMaterial};
use namoyish_storage::order_blanks::OrderBlank;
use namoyish_storage::order_lines::OrderLine;
use namoyish_storage::{DbError, Tx};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// The most versions of a line's material.
pub const VERSIONS_MAX: u32 = 200;

/// What to submit.
#[derive(Debug, Clone)]
pub struct SubmitMaterial {
    /// For which line.
    pub line: LineId,
    /// What it is.
    pub kind: MaterialKind,
    /// Title.
    pub title: String,
    /// Text; empty for a banner.
    pub body: String,
    /// Where a click leads.
    pub target_url: String,
    /// The file's bytes.
    pub file: Option<Arc<[u8]>>,
}

/// What was submitted, and what it did to the line.
#[derive(Debug, Clone)]
pub struct SubmittedMaterial {
    /// The new version.
    pub material: AdMaterial,
    /// The term in force from now on, when the first material came late.
    pub moved: Option<Term>,
}

/// Why it isn't taken.
#[derive(Debug, thiserror::Error)]
pub enum SubmitMaterialError {
    /// The actor's role.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// There is no such line.
    #[error("there is no order line {line}")]
    NoSuchLine {
        /// The id.
        line: LineId,
    },
    /// The material itself.
    #[error(transparent)]
    Refused(#[from] MaterialRefused),
    /// Materials are for contracts in force.
    #[error("the order blank is {}; materials are taken for one that is signed or in service", .state.code())]
    NoContract {
        /// The blank's state.
        state: BlankState,
    },
    /// The line is over.
    #[error("the line is over since {last_day}")]
    LineOver {
        /// Its last day.
        last_day: NaiveDate,
    },
    /// A change that would be seen by nobody.
    #[error(
        "the new version could run from {live_from} at the earliest, after the line's last day {last_day}"
    )]
    TooLate {
        /// First day that meets the deadline.
        live_from: NaiveDate,
        /// The line's last day.
        last_day: NaiveDate,
    },
    /// Too many versions.
    #[error("the line has {VERSIONS_MAX} versions already")]
    TooManyVersions,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for SubmitMaterialError {
    fn told(&self) -> Told {
        match self {
            SubmitMaterialError::NotAllowed(_) => Told::not_allowed(),
            SubmitMaterialError::NoSuchLine { .. } => Told::not_found("no_such_line"),
            SubmitMaterialError::Refused(refused) => Told::refused(refused.code())
                .field(refused.field())
                .limit(refused.limit()),
            SubmitMaterialError::NoContract { .. } => Told::conflict("order_blank_not_in_force"),
            SubmitMaterialError::LineOver { .. } => Told::conflict("line_over"),
            SubmitMaterialError::TooLate { last_day, .. } => {
                Told::refused("material_too_late").limit(Some(last_day.to_string()))
            }
            SubmitMaterialError::TooManyVersions => {
                Told::conflict("too_many_versions").limit(Some(VERSIONS_MAX.to_string()))
            }
            SubmitMaterialError::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(SubmitMaterialError);

/// Submits a material.
pub async fn submit_material(
    ctx: &Context,
    actor: &Actor,
    cmd: SubmitMaterial,
) -> Result<SubmittedMaterial, SubmitMaterialError> {
    let mut tx = ctx.store.begin().await?;
    let submitted = submit_material_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(submitted)
}

/// The same inside the caller's transaction.
pub async fn submit_material_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: SubmitMaterial,
) -> Result<SubmittedMaterial, SubmitMaterialError> {
    // Load. The line's lock puts versions in a row.
    let (line, blank) = lock_own_line(tx, actor, cmd.line).await?;
    let formats = tx.order_lines().formats(line.id).await?;
    let versions = tx.materials().of_line(line.id, 0, VERSIONS_MAX).await?;
    let calendar = tx.calendar_days().calendar().await?;

    // Decide.
    let today = ctx.today();
    check_open(&line, blank.state, today)?;
    if versions.len() >= usize::try_from(VERSIONS_MAX).unwrap_or(usize::MAX) {
        return Err(SubmitMaterialError::TooManyVersions);
    }
    let image = match &cmd.file {
        Some(bytes) => {
            check_weight(u64::try_from(bytes.len()).unwrap_or(u64::MAX), &formats)?;
            Some(image_facts(bytes)?)
        }
        None => None,
    };
    let new_material = NewMaterial {
        kind: cmd.kind,
        title: cmd.title,
        body: cmd.body,
        target_url: cmd.target_url,
        image,
    };
    let checked = check_material(new_material, &formats)?;
    if let (Some(bytes), Some(image)) = (&cmd.file, image) {
        check_decodes(Arc::clone(bytes), image.media_type).await?;
    }
    let is_first = !versions.iter().any(AdMaterial::counts_as_submitted);
    let takes_none = || SubmitMaterialError::from(MaterialRefused::LineTakesNone);
    let (live_from, moved) = if is_first {
        let first = first_material(line.kind, line.term, today, &calendar).ok_or_else(takes_none)?;
        (first.live_from, first.is_late.then_some(first.term))
    } else {
        let live_from = changed_material(line.kind, line.term, today, &calendar).ok_or_else(takes_none)?;
        if live_from > line.term.last_day() {
            return Err(SubmitMaterialError::TooLate {
                live_from,
                last_day: line.term.last_day(),
            });
        }
        (live_from, None)
    };

    // Commit.
    let version = versions.last().map_or(1, |newest| newest.material.version + 1);
    let file = match (&cmd.file, image) {
        (Some(bytes), Some(image)) => Some(keep_file(tx, ctx, bytes, image).await?),
        _ => None,
    };
    let material = new_version(ctx, actor, &line, version, checked, file, live_from);
    tx.materials().insert(&material).await?;
    if let Some(term) = moved {
        move_term(tx, ctx, actor, blank.customer, &line, term).await?;
    }
    let details = json!({
        "material": material.id.to_string(),
        "version": version,
        "live_from": live_from.to_string(),
        "file": material.file_sha256,
    });
    tx.order_lines()
        .insert_change(
            line.id,
            ctx.now(),
            &actor.name,
            "material_submitted",
            details.clone(),
        )
        .await?;
    tx.audit(
        ctx.now(),
        &actor.name,
        "submit_material",
        &line.id.to_string(),
        details,
    )
    .await?;
    let decision = Decision {
        state: ModerationState::Submitted,
        runs_on: false,
        reasons: Vec::new(),
        comment: String::new(),
        decided_at: material.submitted_at,
        decided_by: material.submitted_by.clone(),
    };
    let material = AdMaterial {
        material,
        blank: blank.id,
        customer: blank.customer,
        decision,
        ever_approved: false,
        documents_until: None,
        document_revoked: false,
        awaiting_amendment: false,
    };
    Ok(SubmittedMaterial { material, moved })
}

async fn lock_own_line(
    tx: &mut Tx,
    actor: &Actor,
    id: LineId,
) -> Result<(OrderLine, OrderBlank), SubmitMaterialError> {
    let no_such_line = SubmitMaterialError::NoSuchLine { line: id };
    let Some(line) = tx.order_lines().lock(id).await? else {
        return Err(no_such_line);
    };
    let Some(blank) = tx.order_blanks().find(line.blank).await? else {
        return Err(no_such_line);
    };
    let own = [Role::Owner, Role::Manager];
    let staff = [Role::Sales, Role::Traffic, Role::Moderator, Role::Admin];
    if require_own_or_staff(actor, blank.customer, &own, &staff, "submit ad materials")? {
        Ok((line, blank))
    } else {
        Err(no_such_line)
    }
}

pub(crate) fn check_open(
    line: &OrderLine,
    state: BlankState,
    today: NaiveDate,
) -> Result<(), SubmitMaterialError> {
    if !state.is_contract() {
        return Err(SubmitMaterialError::NoContract { state });
    }
    if let Some(ended_on) = line.ended_on.filter(|ended_on| *ended_on <= today) {
        return Err(SubmitMaterialError::LineOver { last_day: ended_on });
    }
    Ok(())
}

async fn keep_file(tx: &mut Tx, ctx: &Context, bytes: &[u8], image: ImageFacts) -> Result<String, DbError> {
    let sha256 = hex::encode(Sha256::digest(bytes));
    tx.materials()
        .put_file(&sha256, image.media_type, bytes, ctx.now())
        .await?;
    Ok(sha256)
}

fn new_version(
    ctx: &Context,
    actor: &Actor,
    line: &OrderLine,
    version: i32,
    checked: CheckedMaterial,
    file_sha256: Option<String>,
    live_from: NaiveDate,
) -> NewAdMaterial {
    NewAdMaterial {
        id: AdMaterialId::from_uuid(ctx.uuid()),
        line: line.id,
        version,
        kind: checked.kind,
        title: checked.title,
        body: checked.body,
        target_url: checked.target_url.as_str().to_owned(),
        file_sha256,
        width: checked.image.map_or(0, |image| image.width),
        height: checked.image.map_or(0, |image| image.height),
        submitted_at: ctx.now(),
        submitted_by: actor.name.clone(),
        live_from,
    }
}

pub(crate) async fn move_term(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    customer: CustomerId,
    line: &OrderLine,
    term: Term,
) -> Result<(), DbError> {
    tx.order_lines().set_term(line.id, term).await?;
    let details = json!({
        "reason": "late_material",
        "from": [line.term.first_day().to_string(), line.term.last_day().to_string()],
        "to": [term.first_day().to_string(), term.last_day().to_string()],
    });
    tx.order_lines()
        .insert_change(line.id, ctx.now(), &actor.name, "term_moved", details)
        .await?;
    tx.bump_snapshot().await?;
    let notice = Notice::TermMoved {
        line: line.code.clone(),
        first_day: term.first_day(),
        last_day: term.last_day(),
    };
    tell(tx, ctx, customer, Some(line.blank), notice).await
}
