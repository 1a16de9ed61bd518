//! Amendments until they are signed: drawn up and offered by the operator, given up by it, declined by the customer
//! (orders.md §6) [003 §5.2, §10.1.1].
//!
//! One amendment of a blank is open at a time, so that each is judged against what the one before left.

use crate::app::amendment_terms::{AmendmentRefused, amendment_terms};
use crate::app::{NotAllowed, Refusal, Told, code_of, require_own_or_staff, require_staff};
use chrono::NaiveDate;
use namoyish_domain::ids::{AmendmentId, OrderBlankId};
use namoyish_domain::orders::amendment::{AmendmentMoveRefused, AmendmentState, LINES_MAX, LineAmendment};
use namoyish_domain::orders::text::{self, TextRefused};
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_storage::amendments::Amendment;
use namoyish_storage::order_blanks::OrderBlank;
use namoyish_storage::{DbError, Tx};
use serde_json::json;

/// The longest note, characters.
pub const NOTE_CHARS_MAX: usize = 1_000;

/// What to draw up.
#[derive(Debug, Clone)]
pub struct ProposeAmendment {
    /// A signed blank.
    pub blank: OrderBlankId,
    /// What changes; at least one line.
    pub lines: Vec<LineAmendment>,
    /// Payment term of what is added, where the rule's would lie before the signing.
    pub own_due_on: Option<NaiveDate>,
    /// A note for both parties.
    pub note: String,
}

/// Why it isn't done.
#[derive(Debug, thiserror::Error)]
pub enum ProposeAmendmentError {
    /// The actor's role.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// There is no such blank.
    #[error("there is no order blank {blank}")]
    NoSuchBlank {
        /// The id.
        blank: OrderBlankId,
    },
    /// There is no such amendment.
    #[error("there is no amendment {amendment}")]
    NoSuchAmendment {
        /// The id.
        amendment: AmendmentId,
    },
    /// No lines, or too many.
    #[error("an amendment changes 1 to {LINES_MAX} lines; {given} were given")]
    LineCount {
        /// How many were given.
        given: usize,
    },
    /// The note or reason.
    #[error(transparent)]
    Text(#[from] TextRefused),
    /// Another one is open.
    #[error("another amendment of the order blank is open: sign it or give it up first")]
    AnotherOpen,
    /// A rule.
    #[error(transparent)]
    Refused(#[from] AmendmentRefused),
    /// Its state.
    #[error(transparent)]
    State(#[from] AmendmentMoveRefused),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for ProposeAmendmentError {
    fn told(&self) -> Told {
        use ProposeAmendmentError as Error;
        match self {
            Error::NotAllowed(_) => Told::not_allowed(),
            Error::NoSuchBlank { .. } => Told::not_found("no_such_order_blank"),
            Error::NoSuchAmendment { .. } => Told::not_found("no_such_amendment"),
            Error::LineCount { .. } => Told::refused("line_count")
                .field("lines")
                .limit(Some(LINES_MAX.to_string())),
            Error::Text(refused) => Told::refused(refused.code())
                .field(refused.field())
                .limit(refused.limit()),
            Error::AnotherOpen => Told::conflict("amendment_already_open"),
            Error::Refused(refused) => refused.told(),
            Error::State(refused) => Told::conflict(refused.code()),
            Error::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(ProposeAmendmentError, AmendmentRefused);

const STAFF: [Role; 2] = [Role::Sales, Role::Admin];

/// Draws an amendment up.
pub async fn propose_amendment(
    ctx: &Context,
    actor: &Actor,
    cmd: ProposeAmendment,
) -> Result<Amendment, ProposeAmendmentError> {
    let mut tx = ctx.store.begin().await?;
    let amendment = propose_amendment_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(amendment)
}

/// The same inside the caller's transaction.
pub async fn propose_amendment_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: ProposeAmendment,
) -> Result<Amendment, ProposeAmendmentError> {
    require_staff(actor, &STAFF, "propose amendments")?;
    if cmd.lines.is_empty() || cmd.lines.len() > LINES_MAX {
        return Err(ProposeAmendmentError::LineCount {
            given: cmd.lines.len(),
        });
    }
    let note = text::long("note", &cmd.note, NOTE_CHARS_MAX)?;
    let blank = tx
        .order_blanks()
        .lock(cmd.blank)
        .await?
        .ok_or(ProposeAmendmentError::NoSuchBlank { blank: cmd.blank })?;
    tx.order_lines().lock_of_blank(blank.id).await?;
    let amendment = Amendment {
        id: AmendmentId::from_uuid(ctx.uuid()),
        blank: blank.id,
        number: tx.amendments().next_number(blank.id).await?,
        state: AmendmentState::Draft,
        own_due_on: cmd.own_due_on,
        note,
        made_out_on: ctx.today(),
        created_at: ctx.now(),
        created_by: actor.name.clone(),
        offered_at: None,
        signature: None,
    };
    // What can't be signed today isn't proposed.
    amendment_terms(tx, &blank, &amendment, &cmd.lines, ctx.today()).await?;
    match tx.amendments().insert(&amendment, &cmd.lines).await {
        Err(error)
            if error.is_constraint("one_open_amendment_at_a_time")
                || error.is_constraint("amendment_number_is_unique") =>
        {
            return Err(ProposeAmendmentError::AnotherOpen);
        }
        other => other?,
    }
    tell(tx, ctx, actor, &blank, &amendment, "propose_amendment", "").await?;
    Ok(amendment)
}

/// Offers a draft to the customer.
pub async fn offer_amendment_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    id: AmendmentId,
) -> Result<Amendment, ProposeAmendmentError> {
    require_staff(actor, &STAFF, "offer amendments")?;
    let no_such_amendment = ProposeAmendmentError::NoSuchAmendment { amendment: id };
    let Some((blank, mut amendment)) = lock(tx, id).await? else {
        return Err(no_such_amendment);
    };
    let from = amendment.state;
    amendment.state = from.offer()?;
    tx.order_lines().lock_of_blank(blank.id).await?;
    let lines = tx.amendments().lines(id).await?;
    amendment_terms(tx, &blank, &amendment, &lines, ctx.today()).await?;
    tx.amendments()
        .set_state(id, from, amendment.state, ctx.now())
        .await?;
    amendment.offered_at = Some(ctx.now());
    tell(tx, ctx, actor, &blank, &amendment, "offer_amendment", "").await?;
    Ok(amendment)
}

/// Gives an amendment up, or declines it. Its number goes to the next one.
pub async fn cancel_amendment_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    id: AmendmentId,
    reason: &str,
) -> Result<Amendment, ProposeAmendmentError> {
    let no_such_amendment = ProposeAmendmentError::NoSuchAmendment { amendment: id };
    let Some((blank, mut amendment)) = lock(tx, id).await? else {
        return Err(no_such_amendment);
    };
    let own = [Role::Owner, Role::Manager];
    let is_own = require_own_or_staff(actor, blank.customer, &own, &STAFF, "cancel amendments")?;
    // A draft is the operator's own paper.
    if !is_own || (!actor.is_operator() && amendment.offered_at.is_none()) {
        return Err(no_such_amendment);
    }
    let reason = text::optional("reason", reason, 500)?;
    let from = amendment.state;
    amendment.state = from.cancel()?;
    tx.amendments()
        .set_state(id, from, amendment.state, ctx.now())
        .await?;
    tell(tx, ctx, actor, &blank, &amendment, "cancel_amendment", &reason).await?;
    Ok(amendment)
}

/// The amendment with its blank, both locked, the blank first.
pub(crate) async fn lock(tx: &mut Tx, id: AmendmentId) -> Result<Option<(OrderBlank, Amendment)>, DbError> {
    let Some(found) = tx.amendments().find(id).await? else {
        return Ok(None);
    };
    let Some(blank) = tx.order_blanks().lock(found.blank).await? else {
        return Ok(None);
    };
    let amendment = tx.amendments().lock(id).await?;
    Ok(amendment.map(|amendment| (blank, amendment)))
}

async fn tell(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    blank: &OrderBlank,
    amendment: &Amendment,
    action: &str,
    reason: &str,
) -> Result<(), DbError> {
    let details = json!({"order_blank": blank.number, "number": amendment.number, "reason": reason});
    tx.audit(ctx.now(), &actor.name, action, &amendment.id.to_string(), details)
        .await
}
