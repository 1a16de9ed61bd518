//! Pausing a line by hand, and letting it go on (orders.md §5, §8).
//!
//! **Choice:** a paused line isn't served and its term doesn't move. The plans of a media line go on being made, so its money
//! is spread over the days left when it goes on; a period line's place stays held and is charged all the same. Nodes follow
//! within seconds.

use crate::app::set_extra_period::lock_line;
use crate::app::{NotAllowed, Refusal, Told, code_of, require_own_or_staff};
use chrono::NaiveDate;
use namoyish_domain::ids::LineId;
use namoyish_domain::orders::order_blank::{BlankState, LineKind};
use namoyish_domain::orders::termination::LineState;
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_storage::order_lines::OrderLine;
use namoyish_storage::{DbError, Tx};
use serde_json::json;

/// Why it is neither paused nor let go on.
#[derive(Debug, thiserror::Error)]
pub enum PauseLineError {
    /// The actor's role.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// There is no such line.
    #[error("there is no order line {line}")]
    NoSuchLine {
        /// The id.
        line: LineId,
    },
    /// An additional service isn't shown, so there is nothing to pause.
    #[error("only a line that is shown can be paused")]
    NotShown,
    /// No contract is in force.
    #[error("the order blank is {}", .state.code())]
    NotInForce {
        /// The blank's state.
        state: BlankState,
    },
    /// Its service is over.
    #[error("the line is over since {over_on}")]
    Over {
        /// The first day without service.
        over_on: NaiveDate,
    },
    /// It is paused.
    #[error("the line is paused already")]
    AlreadyPaused,
    /// It isn't.
    #[error("the line is not paused")]
    NotPaused,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for PauseLineError {
    fn told(&self) -> Told {
        match self {
            PauseLineError::NotAllowed(_) => Told::not_allowed(),
            PauseLineError::NoSuchLine { .. } => Told::not_found("no_such_line"),
            PauseLineError::NotShown => Told::conflict("line_not_shown"),
            PauseLineError::NotInForce { .. } => Told::conflict("order_blank_not_in_force"),
            PauseLineError::Over { over_on } => Told::conflict("line_over").limit(Some(over_on.to_string())),
            PauseLineError::AlreadyPaused => Told::conflict("line_already_paused"),
            PauseLineError::NotPaused => Told::conflict("line_not_paused"),
            PauseLineError::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(PauseLineError);

/// Pauses a line.
pub async fn pause_line(ctx: &Context, actor: &Actor, line: LineId) -> Result<OrderLine, PauseLineError> {
    let mut tx = ctx.store.begin().await?;
    let line = pause_line_in(&mut tx, ctx, actor, line).await?;
    tx.save().await?;
    Ok(line)
}

/// The same inside the caller's transaction.
pub async fn pause_line_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    line: LineId,
) -> Result<OrderLine, PauseLineError> {
    let line = lock_going_on(tx, ctx, actor, line).await?;
    if line.paused_at.is_some() {
        return Err(PauseLineError::AlreadyPaused);
    }
    set(tx, ctx, actor, line, true).await
}

/// Lets a paused line go on.
pub async fn resume_line(ctx: &Context, actor: &Actor, line: LineId) -> Result<OrderLine, PauseLineError> {
    let mut tx = ctx.store.begin().await?;
    let line = resume_line_in(&mut tx, ctx, actor, line).await?;
    tx.save().await?;
    Ok(line)
}

/// The same inside the caller's transaction.
pub async fn resume_line_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    line: LineId,
) -> Result<OrderLine, PauseLineError> {
    let line = lock_going_on(tx, ctx, actor, line).await?;
    if line.paused_at.is_none() {
        return Err(PauseLineError::NotPaused);
    }
    set(tx, ctx, actor, line, false).await
}

async fn lock_going_on(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    id: LineId,
) -> Result<OrderLine, PauseLineError> {
    let no_such_line = PauseLineError::NoSuchLine { line: id };
    let Some((line, blank)) = lock_line(tx, id).await? else {
        return Err(no_such_line);
    };
    let own = [Role::Owner, Role::Manager];
    let staff = [Role::Sales, Role::Traffic, Role::Admin];
    let is_own = require_own_or_staff(actor, blank.customer, &own, &staff, "pause lines")?;
    if !is_own || (!actor.is_operator() && blank.state == BlankState::Draft) {
        return Err(no_such_line);
    }
    if line.kind == LineKind::Additional {
        return Err(PauseLineError::NotShown);
    }
    if !blank.state.is_contract() {
        return Err(PauseLineError::NotInForce { state: blank.state });
    }
    let state = LineState::of(blank.state, line.term, line.ended_on, ctx.today());
    match (state, line.ended_on) {
        (LineState::Terminated, Some(ended_on)) => Err(PauseLineError::Over { over_on: ended_on }),
        (LineState::Completed | LineState::Terminated, _) => Err(PauseLineError::Over {
            over_on: namoyish_domain::calendar::plus_days(line.term.last_day(), 1),
        }),
        _ => Ok(line),
    }
}

async fn set(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    line: OrderLine,
    pause: bool,
) -> Result<OrderLine, PauseLineError> {
    let paused_at = pause.then_some(ctx.now());
    let (change, action) = if pause {
        ("paused", "pause_line")
    } else {
        ("resumed", "resume_line")
    };
    tx.order_lines().set_paused(line.id, paused_at).await?;
    tx.order_lines()
        .insert_change(line.id, ctx.now(), &actor.name, change, json!({}))
        .await?;
    tx.bump_snapshot().await?;
    tx.audit(
        ctx.now(),
        &actor.name,
        action,
        &line.id.to_string(),
        json!({"line": line.code}),
    )
    .await?;
    Ok(OrderLine { paused_at, ..line })
}
