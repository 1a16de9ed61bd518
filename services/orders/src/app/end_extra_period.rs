//! Switching an extra period off, at any time and at once (delivery.md §5) [003 §5.2].

use crate::app::set_extra_period::{lock_line, may_set};
use crate::app::{NotAllowed, Refusal, Told, code_of};
use namoyish_domain::delivery::extra_period::{
    EndExtraPeriodRefused, EndedExtraPeriod, over_by_itself, switch_off,
};
use namoyish_domain::ids::LineId;
use namoyish_runtime::context::{Actor, Context};
use namoyish_storage::{DbError, Tx};
use serde_json::json;

/// Whose to switch off.
#[derive(Debug, Clone, Copy)]
pub struct EndExtraPeriod {
    /// The line.
    pub line: LineId,
}

/// Why nothing is switched off.
#[derive(Debug, thiserror::Error)]
pub enum EndExtraPeriodError {
    /// The actor's role.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// There is no such line.
    #[error("there is no order line {line}")]
    NoSuchLine {
        /// The id.
        line: LineId,
    },
    /// None is active or scheduled.
    #[error(transparent)]
    Refused(#[from] EndExtraPeriodRefused),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for EndExtraPeriodError {
    fn told(&self) -> Told {
        match self {
            EndExtraPeriodError::NotAllowed(_) => Told::not_allowed(),
            EndExtraPeriodError::NoSuchLine { .. } => Told::not_found("no_such_line"),
            EndExtraPeriodError::Refused(refused) => Told::conflict(refused.code()),
            EndExtraPeriodError::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(EndExtraPeriodError);

/// Switches the line's extra period off.
pub async fn end_extra_period(
    ctx: &Context,
    actor: &Actor,
    cmd: EndExtraPeriod,
) -> Result<EndedExtraPeriod, EndExtraPeriodError> {
    let mut tx = ctx.store.begin().await?;
    let ended = end_extra_period_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(ended)
}

/// The same inside the caller's transaction.
pub async fn end_extra_period_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: EndExtraPeriod,
) -> Result<EndedExtraPeriod, EndExtraPeriodError> {
    let no_such_line = EndExtraPeriodError::NoSuchLine { line: cmd.line };
    let Some((line, blank)) = lock_line(tx, cmd.line).await? else {
        return Err(no_such_line);
    };
    if !may_set(actor, &blank)? {
        return Err(no_such_line);
    }
    // One whose last day is over can't be switched off any more, also when the worker hasn't written that yet.
    let current = tx
        .extra_periods()
        .current(line.id)
        .await?
        .filter(|period| over_by_itself(period, true, ctx.now()).is_none());
    let ended = switch_off(current, ctx.now())?;
    if !tx.extra_periods().end(&ended).await? {
        return Err(EndExtraPeriodRefused::NoneSet.into());
    }
    let details = json!({
        "extra_period": ended.id.to_string(),
        "ended": ended.end.code(),
        "ended_on": ended.ended_on.map(|day| day.to_string()),
    });
    tx.order_lines()
        .insert_change(
            line.id,
            ctx.now(),
            &actor.name,
            "extra_period_ended",
            details.clone(),
        )
        .await?;
    tx.bump_snapshot().await?;
    tx.audit(
        ctx.now(),
        &actor.name,
        "end_extra_period",
        &line.id.to_string(),
        details,
    )
    .await?;
    Ok(ended)
}
