//! Setting an extra period of a media line (delivery.md §5; orders.md §7) [003 §5.2].

use crate::app::line_budget::{unspent, whole_budget};
use crate::app::{NotAllowed, Refusal, Told, code_of, require_own_or_staff};
use chrono::NaiveDate;
use namoyish_domain::delivery::extra_period::{
    ExtraPeriod, ExtraPeriodRefused, ExtraPeriodRequest, LineForExtraPeriod, over_by_itself, set,
};
use namoyish_domain::ids::{ExtraPeriodId, LineId};
use namoyish_domain::money::{Exact, Money};
use namoyish_domain::orders::order_blank::LineKind;
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_storage::order_blanks::OrderBlank;
use namoyish_storage::order_lines::OrderLine;
use namoyish_storage::{DbError, Tx};
use serde_json::json;

/// What to set.
#[derive(Debug, Clone, Copy)]
pub struct SetExtraPeriod {
    /// A media line in its term.
    pub line: LineId,
    /// First day; `None`: today.
    pub first_day: Option<NaiveDate>,
    /// Last day.
    pub last_day: NaiveDate,
    /// Net of VAT.
    pub extra_budget: Money,
}

/// Why it isn't set.
#[derive(Debug, thiserror::Error)]
pub enum SetExtraPeriodError {
    /// The actor's role.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// There is no such line.
    #[error("there is no order line {line}")]
    NoSuchLine {
        /// The id.
        line: LineId,
    },
    /// A rule of extra periods.
    #[error(transparent)]
    Refused(#[from] ExtraPeriodRefused),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for SetExtraPeriodError {
    fn told(&self) -> Told {
        match self {
            SetExtraPeriodError::NotAllowed(_) => Told::not_allowed(),
            SetExtraPeriodError::NoSuchLine { .. } => Told::not_found("no_such_line"),
            SetExtraPeriodError::Refused(refused) => told_of_rule(refused),
            SetExtraPeriodError::Db(error) => Told::of_database(error),
        }
    }
}

fn told_of_rule(refused: &ExtraPeriodRefused) -> Told {
    let told = match refused {
        ExtraPeriodRefused::OneAtATime { .. }
        | ExtraPeriodRefused::BlankNotInForce
        | ExtraPeriodRefused::LineEnded { .. }
        | ExtraPeriodRefused::OutsideTerm { .. } => Told::conflict(refused.code()),
        _ => Told::refused(refused.code()),
    };
    let limit = match refused {
        ExtraPeriodRefused::BeyondTerm { line_last_day, .. } => Some(line_last_day.to_string()),
        ExtraPeriodRefused::FirstDayPast { today, .. } => Some(today.to_string()),
        ExtraPeriodRefused::OverBudget { whole, .. } => Some(whole.to_string()),
        ExtraPeriodRefused::OverUnspent { left, .. } => Some(left.decimal().normalize().to_string()),
        _ => None,
    };
    match refused.field() {
        Some(field) => told.field(field).limit(limit),
        None => told.limit(limit),
    }
}

code_of!(SetExtraPeriodError);

/// Sets an extra period.
pub async fn set_extra_period(
    ctx: &Context,
    actor: &Actor,
    cmd: SetExtraPeriod,
) -> Result<ExtraPeriod, SetExtraPeriodError> {
    let mut tx = ctx.store.begin().await?;
    let period = set_extra_period_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(period)
}

/// The same inside the caller's transaction.
pub async fn set_extra_period_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: SetExtraPeriod,
) -> Result<ExtraPeriod, SetExtraPeriodError> {
    // Load. The line's lock puts two requests in a row.
    let no_such_line = SetExtraPeriodError::NoSuchLine { line: cmd.line };
    let Some((line, blank)) = lock_line(tx, cmd.line).await? else {
        return Err(no_such_line);
    };
    if !may_set(actor, &blank)? {
        return Err(no_such_line);
    }
    let today = ctx.today();
    let request = ExtraPeriodRequest {
        first_day: cmd.first_day,
        last_day: cmd.last_day,
        extra_budget: cmd.extra_budget,
    };
    let facts = line_facts(tx, ctx, &line, &blank, &request).await?;

    // Decide.
    let new = set(&facts, &request, today)?;

    // Commit.
    let period = ExtraPeriod {
        id: ExtraPeriodId::from_uuid(ctx.uuid()),
        first_day: new.first_day,
        last_day: new.last_day,
        extra_budget: new.extra_budget,
    };
    tx.extra_periods()
        .insert(line.id, &period, ctx.now(), &actor.name)
        .await?;
    let details = json!({
        "extra_period": period.id.to_string(),
        "first_day": period.first_day.to_string(),
        "last_day": period.last_day.to_string(),
        "extra_budget": period.extra_budget.to_string(),
    });
    tx.order_lines()
        .insert_change(
            line.id,
            ctx.now(),
            &actor.name,
            "extra_period_set",
            details.clone(),
        )
        .await?;
    tx.bump_snapshot().await?;
    tx.audit(
        ctx.now(),
        &actor.name,
        "set_extra_period",
        &line.id.to_string(),
        details,
    )
    .await?;
    Ok(period)
}

/// The line, locked, with its blank.
pub(super) async fn lock_line(tx: &mut Tx, id: LineId) -> Result<Option<(OrderLine, OrderBlank)>, DbError> {
    let Some(line) = tx.order_lines().lock(id).await? else {
        return Ok(None);
    };
    let blank = tx.order_blanks().find(line.blank).await?;
    Ok(blank.map(|blank| (line, blank)))
}

/// Who may set and end extra periods: the customer's owner and manager, and the operator's staff for them.
pub(super) fn may_set(actor: &Actor, blank: &OrderBlank) -> Result<bool, NotAllowed> {
    let own = [Role::Owner, Role::Manager];
    let staff = [Role::Sales, Role::Traffic, Role::Admin];
    require_own_or_staff(actor, blank.customer, &own, &staff, "set extra periods")
}

async fn line_facts(
    tx: &mut Tx,
    ctx: &Context,
    line: &OrderLine,
    blank: &OrderBlank,
    request: &ExtraPeriodRequest,
) -> Result<LineForExtraPeriod, DbError> {
    let today = ctx.today();
    let (whole, unspent) = match line.budget.filter(|_| line.kind == LineKind::Media) {
        None => (Money::ZERO, Exact::ZERO),
        Some(budget) => {
            let first_day = request.first_day.unwrap_or(today);
            (
                whole_budget(line, budget)?,
                unspent(tx, line, budget, first_day, request.last_day).await?,
            )
        }
    };
    let mut current = tx.extra_periods().current(line.id).await?;
    // One whose last day is over is over, also when the worker hasn't written that yet.
    if let Some(ended) = current
        .as_ref()
        .and_then(|period| over_by_itself(period, true, ctx.now()))
    {
        tx.extra_periods().end(&ended).await?;
        let details = json!({"extra_period": ended.id.to_string(), "ended": ended.end.code()});
        tx.order_lines()
            .insert_change(line.id, ctx.now(), "platform", "extra_period_ended", details)
            .await?;
        current = None;
    }
    Ok(LineForExtraPeriod {
        kind: line.kind,
        blank_in_force: blank.state.is_contract(),
        term: line.term,
        ended_on: line.ended_on,
        whole_budget: whole,
        unspent,
        current,
    })
}
