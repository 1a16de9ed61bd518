//! The extra period of a media line: set it, with its effect shown before it is confirmed, and switch it off
//! (delivery.md §5) [003 §5.2].
//!
//! The first form asks by GET, so the preview is a page of its own that may be reloaded and sent on; it changes nothing.
//! Confirming is a POST to the command `app::set_extra_period`, which checks every rule again under a lock: what was
//! refused comes back to the form with the reason at its field. A confirmation that is sent twice is one command
//! ([`super::form::take_once`]).

use super::Cabinet;
use super::form::{self, Form, Once, Posted, parse_day, parse_sum};
use super::line;
use super::page::{self, Answer, Layout, Refusal};
use super::visitor::{self, SignedIn};
use crate::app::Nature;
use crate::app::end_extra_period::{EndExtraPeriod, EndExtraPeriodError, end_extra_period_in};
use crate::app::set_extra_period::{SetExtraPeriod, SetExtraPeriodError, set_extra_period_in};
use crate::i18n::{Translator, text};
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use chrono::NaiveDate;
use namoyish_domain::calendar::{ReportingPeriod, day_start, days_inclusive, plus_days};
use namoyish_domain::delivery::extra_period::{
    ExtraPeriod, ExtraPeriodRefused, ExtraPeriodRequest, LineForExtraPeriod, NewExtraPeriod, periods_touched,
    set as check,
};
use namoyish_domain::delivery::pacing::{ActiveExtraPeriod, PlanInputs, TrafficCurve, plan_day, scope_of};
use namoyish_domain::ids::ExtraPeriodId;
use namoyish_domain::money::{Exact, Money, MoneyError};
use namoyish_domain::orders::order_blank::{BlankState, Budget, BudgetMode, LineKind, Term};
use namoyish_storage::cabinet::LineRow;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// Net so'm a day: what the line is paced at now, inside the extra period, and after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Effect {
    now: Exact,
    inside: Exact,
    /// Nothing when the extra period ends with the term or with its money.
    after: Option<Exact>,
    days_inside: u32,
}

/// A line as both the rules and the forecast need it.
#[derive(Debug, Clone)]
struct Planned {
    term: Term,
    budget: Budget,
    row: LineRow,
    /// Counted impressions by budget scope (0: the whole term).
    counted: BTreeMap<u32, u64>,
    current: Option<ExtraPeriod>,
}

impl Planned {
    async fn load(cabinet: &Cabinet, who: &SignedIn, id: &str) -> Result<Planned, Refusal> {
        let row = line::load(cabinet, who, id).await?;
        // Only a media line has a budget that could be spent faster: for others there is no such page.
        let amount = row.budget.ok_or(Refusal::NotFound)?;
        let reads = cabinet.ctx.store.cabinet(who.customer);
        let counted = reads.scope_counts(row.id).await?;
        let current = reads
            .extra_periods(row.id)
            .await?
            .into_iter()
            .find(|extra| extra.ended.is_none());
        Ok(Planned {
            term: Term::new(row.first_day, row.last_day).ok_or(Refusal::NotFound)?,
            budget: Budget {
                mode: if row.monthly {
                    BudgetMode::Monthly
                } else {
                    BudgetMode::Total
                },
                amount,
            },
            row,
            counted,
            current: current.map(|extra| ExtraPeriod {
                id: extra.id,
                first_day: extra.first_day,
                last_day: extra.last_day,
                extra_budget: extra.extra_budget,
            }),
        })
    }

    /// What isn't spent of the whole budget, or of the months from `first_day` to `last_day`.
    fn unspent(&self, first_day: NaiveDate, last_day: NaiveDate) -> Result<Exact, MoneyError> {
        let left_of = |scope: u32| -> Result<Exact, MoneyError> {
            let spent = self
                .row
                .unit_price
                .of_impressions(self.counted.get(&scope).copied().unwrap_or(0))?;
            self.budget.amount.exact().checked_sub(spent)
        };
        match self.budget.mode {
            BudgetMode::Total => left_of(0),
            BudgetMode::Monthly => periods_touched(first_day, last_day.max(first_day))
                .take(120)
                .try_fold(Exact::ZERO, |sum, period| {
                    sum.checked_add(left_of(period.number())?)
                }),
        }
    }

    fn for_rules(
        &self,
        request: &ExtraPeriodRequest,
        today: NaiveDate,
    ) -> Result<LineForExtraPeriod, MoneyError> {
        let months = match self.budget.mode {
            BudgetMode::Total => 1,
            BudgetMode::Monthly => self.term.periods().count(),
        };
        let months = Decimal::from(u32::try_from(months).unwrap_or(u32::MAX));
        Ok(LineForExtraPeriod {
            kind: LineKind::Media,
            blank_in_force: BlankState::parse(&self.row.blank_state).is_some_and(BlankState::is_contract),
            term: self.term,
            ended_on: self.row.ended_on,
            whole_budget: self.budget.amount.exact().checked_mul(months)?.round_half_up()?,
            unspent: self.unspent(request.first_day.unwrap_or(today), request.last_day)?,
            current: self.current,
        })
    }

    /// The day's target by the formulas of `pacing`, from the day's start, with an extra period or without.
    fn target(&self, day: NaiveDate, counted_before: u64, extra: Option<NewExtraPeriod>) -> Option<Exact> {
        let inputs = PlanInputs {
            day,
            base_at: day_start(day),
            term: self.term,
            budget: self.budget,
            price: self.row.unit_price,
            counted_before_day: counted_before,
            counted_before_base: 0,
            extra_period: extra.map(|extra| ActiveExtraPeriod {
                id: ExtraPeriodId::from_uuid(uuid::Uuid::nil()),
                last_day: extra.last_day,
                extra_budget: extra.extra_budget.exact(),
                counted_before_day: 0,
            }),
            curve: TrafficCurve::FLAT,
        };
        plan_day(&inputs).ok().map(|plan| plan.target)
    }

    /// What the extra period would change, if every day from today on met its target.
    fn effect(&self, extra: &NewExtraPeriod, today: NaiveDate) -> Option<Effect> {
        let scope = |day: NaiveDate| scope_of(self.budget.mode, day);
        let counted = |scope: u32| self.counted.get(&scope).copied().unwrap_or(0);
        let before_today = counted(scope(today)).saturating_sub(self.row.counted_today);
        let now = self.target(today, before_today, None)?;
        let price = self.row.unit_price;
        let buys = |sum: Exact| price.impressions_for(sum).ok();

        // Even pacing goes on until the extra period begins; a later month of a monthly budget begins untouched.
        let waiting = days_inclusive(today, extra.first_day).saturating_sub(1);
        let spent_waiting = now.checked_mul(Decimal::from(waiting)).ok()?;
        let same_scope = scope(today) == scope(extra.first_day);
        let before_extra = if same_scope {
            before_today.saturating_add(buys(spent_waiting)?)
        } else {
            counted(scope(extra.first_day))
        };
        let inside = self.target(extra.first_day, before_extra, Some(*extra))?;

        let next_day = plus_days(extra.last_day, 1);
        let after = if self.term.contains(next_day) {
            let before_next = if scope(next_day) == scope(extra.first_day) {
                before_extra.saturating_add(buys(extra.extra_budget.exact())?)
            } else {
                counted(scope(next_day))
            };
            self.target(next_day, before_next, None)
                .filter(|target| !target.decimal().is_zero())
        } else {
            None
        };
        Some(Effect {
            now,
            inside,
            after,
            days_inside: days_inclusive(extra.first_day, extra.last_day),
        })
    }
}

/// The effect in the reader's words.
#[derive(Debug)]
struct EffectView {
    term: String,
    days: String,
    budget: String,
    now: String,
    inside: String,
    after: String,
}

#[derive(Template)]
#[template(path = "extra_period.html")]
struct ExtraPeriodPage {
    t: Translator,
    layout: Layout,
    line_path: String,
    line_name: String,
    line_code: String,
    form: Form,
    effect: Option<EffectView>,
    /// What was refused for no field's fault.
    refusal: String,
    command_key: String,
    unspent: String,
    today: String,
    last_day_max: String,
}

/// What the form asks for, or its fields refused.
fn read(form: &mut Form, t: Translator) -> Option<ExtraPeriodRequest> {
    let first_day = match form.value("first_day") {
        "" => None,
        entered => match parse_day(entered) {
            Some(day) => Some(day),
            None => {
                form.refuse("first_day", t.get("field-day"));
                None
            }
        },
    };
    let last_day = parse_day(form.value("last_day"));
    if last_day.is_none() {
        let key = if form.value("last_day").is_empty() {
            "field-needed"
        } else {
            "field-day"
        };
        form.refuse("last_day", t.get(key));
    }
    let extra_budget = parse_sum(form.value("extra_budget"));
    if extra_budget.is_none() {
        let key = if form.value("extra_budget").is_empty() {
            "field-needed"
        } else {
            "field-sum"
        };
        form.refuse("extra_budget", t.get(key));
    }
    let request = ExtraPeriodRequest {
        first_day,
        last_day: last_day?,
        extra_budget: extra_budget?,
    };
    form.is_sound().then_some(request)
}

/// Puts a refusal of the rules at its field, or gives it back for the head of the form.
fn refuse(form: &mut Form, t: Translator, refused: &ExtraPeriodRefused) -> String {
    let reason = reason(t, refused);
    match refused.field() {
        Some(field) => {
            form.refuse(field, reason);
            String::new()
        }
        None => reason,
    }
}

fn reason(t: Translator, refused: &ExtraPeriodRefused) -> String {
    let day = |day: &NaiveDate| text(t.date(*day));
    match refused {
        ExtraPeriodRefused::NotAMediaLine => t.get("extra-refused-not-media"),
        ExtraPeriodRefused::BlankNotInForce => t.get("extra-refused-not-in-force"),
        ExtraPeriodRefused::LineEnded { ended_on } => {
            t.with("extra-refused-line-ended", &[("day", day(ended_on))])
        }
        ExtraPeriodRefused::OutsideTerm {
            first_day, last_day, ..
        } => t.with(
            "extra-refused-outside-term",
            &[("first", day(first_day)), ("last", day(last_day))],
        ),
        ExtraPeriodRefused::OneAtATime { first_day, last_day } => t.with(
            "extra-refused-already-set",
            &[("first", day(first_day)), ("last", day(last_day))],
        ),
        ExtraPeriodRefused::FirstDayPast { today, .. } => {
            t.with("extra-refused-first-day-past", &[("today", day(today))])
        }
        ExtraPeriodRefused::LastDayBeforeFirst { first_day, .. } => {
            t.with("extra-refused-last-before-first", &[("first", day(first_day))])
        }
        ExtraPeriodRefused::BeyondTerm { line_last_day, .. } => {
            t.with("extra-refused-beyond-term", &[("last", day(line_last_day))])
        }
        ExtraPeriodRefused::BudgetNotPositive { .. } => t.get("extra-refused-not-positive"),
        ExtraPeriodRefused::OverBudget { whole, .. } => {
            t.with("extra-refused-over-budget", &[("limit", text(t.money(*whole)))])
        }
        ExtraPeriodRefused::OverUnspent { left, .. } => {
            t.with("extra-refused-over-unspent", &[("limit", text(floor(t, *left)))])
        }
    }
}

/// A limit that may be entered as it is shown: cut to the tiyin, not rounded up.
fn floor(t: Translator, amount: Exact) -> String {
    let cut = amount
        .decimal()
        .round_dp_with_strategy(2, rust_decimal::RoundingStrategy::ToZero);
    Money::from_decimal(cut).map_or_else(|_| "—".to_owned(), |sum| t.money(sum))
}

/// What the page shows beside the form.
struct Outcome {
    status: StatusCode,
    effect: Option<EffectView>,
    refusal: String,
}

fn form_page(
    cabinet: &Cabinet,
    who: &SignedIn,
    planned: &Planned,
    entered: Form,
    outcome: Outcome,
) -> Answer {
    let t = who.visitor.t;
    let today = cabinet.ctx.today();
    let last_day = planned
        .row
        .ended_on
        .and_then(|day| day.pred_opt())
        .unwrap_or(planned.row.last_day);
    let mut layout = Layout::new(cabinet, &who.visitor, "orders", t.get("extra-title"));
    if outcome.status != StatusCode::OK {
        // The page of a refused POST is read in another language by asking for the form again.
        layout.path = format!("/cabinet/lines/{}/extra-period", planned.row.id);
    }
    let page = ExtraPeriodPage {
        t,
        layout,
        line_path: format!("/cabinet/lines/{}", planned.row.id),
        line_name: t.name(&planned.row.name),
        line_code: planned.row.code.clone(),
        form: entered,
        effect: outcome.effect,
        refusal: outcome.refusal,
        command_key: form::draw_key(cabinet),
        unspent: floor(t, planned.unspent(today, ReportingPeriod::of(today).last_day())?),
        today: today.to_string(),
        last_day_max: last_day.to_string(),
    };
    page::html(outcome.status, &page)
}

/// `GET /cabinet/lines/{line}/extra-period`: the form; with values, its refusal or its effect.
pub(super) async fn show(
    State(cabinet): State<Cabinet>,
    who: SignedIn,
    Path(id): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Answer {
    let t = who.visitor.t;
    let planned = Planned::load(&cabinet, &who, &id).await?;
    if !who.may_change() {
        return Err(Refusal::RoleTooLow);
    }
    let asked = query.contains_key("last_day") || query.contains_key("extra_budget");
    let mut form = Form::of(query);
    let mut outcome = Outcome {
        status: StatusCode::OK,
        effect: None,
        refusal: String::new(),
    };
    let today = cabinet.ctx.today();
    if asked && let Some(request) = read(&mut form, t) {
        match check(&planned.for_rules(&request, today)?, &request, today) {
            Ok(extra) => {
                outcome.effect = planned
                    .effect(&extra, today)
                    .map(|effect| view(t, &extra, &effect))
            }
            Err(refused) => outcome.refusal = refuse(&mut form, t, &refused),
        }
    }
    if asked && outcome.effect.is_none() {
        outcome.status = StatusCode::UNPROCESSABLE_ENTITY;
    }
    form_page(&cabinet, &who, &planned, form, outcome)
}

fn view(t: Translator, extra: &NewExtraPeriod, effect: &Effect) -> EffectView {
    EffectView {
        term: line::term(t, extra.first_day, extra.last_day),
        days: t.count(effect.days_inside.into()),
        budget: t.money(extra.extra_budget),
        now: t.exact(effect.now),
        inside: t.exact(effect.inside),
        after: effect
            .after
            .map_or_else(|| t.get("extra-effect-after-none"), |after| t.exact(after)),
    }
}

/// `POST /cabinet/lines/{line}/extra-period`: sets it.
pub(super) async fn set(State(cabinet): State<Cabinet>, Path(id): Path<String>, posted: Posted) -> Answer {
    let who = SignedIn::of(&posted.visitor)?;
    let t = who.visitor.t;
    let planned = Planned::load(&cabinet, &who, &id).await?;
    if !who.may_change() {
        return Err(Refusal::RoleTooLow);
    }
    let mut form = posted.form;
    let mut refusal = String::new();
    if let Some(request) = read(&mut form, t) {
        let line_path = format!("/cabinet/lines/{}#extra", planned.row.id);
        let done = page::see_other(&line_path, [visitor::flash_cookie(&cabinet, "extra-period-set")]);
        let ctx = &cabinet.ctx;
        let mut tx = ctx.store.begin().await?;
        let scope = format!("cabinet:{}:set_extra_period:{}", who.session.user, planned.row.id);
        let taken = match form::take_once(&mut tx, scope, &form).await? {
            Once::Again => return Ok(done),
            Once::First(taken) => taken,
        };
        let command = SetExtraPeriod {
            line: planned.row.id,
            first_day: request.first_day,
            last_day: request.last_day,
            extra_budget: request.extra_budget,
        };
        match set_extra_period_in(&mut tx, ctx, &who.session.actor(), command).await {
            Ok(_) => {
                taken.finish(&mut tx, &line_path, ctx.now()).await?;
                tx.save().await?;
                return Ok(done);
            }
            Err(SetExtraPeriodError::Refused(refused)) => refusal = refuse(&mut form, t, &refused),
            Err(error) => return Err(command_failed(&error)),
        }
    }
    let outcome = Outcome {
        status: StatusCode::UNPROCESSABLE_ENTITY,
        effect: None,
        refusal,
    };
    form_page(&cabinet, &who, &planned, form, outcome)
}

/// `POST /cabinet/lines/{line}/extra-period/end`: switches it off. Switching off what is off already changes nothing.
pub(super) async fn end(State(cabinet): State<Cabinet>, Path(id): Path<String>, posted: Posted) -> Answer {
    let who = SignedIn::of(&posted.visitor)?;
    let row = line::load(&cabinet, &who, &id).await?;
    if !who.may_change() {
        return Err(Refusal::RoleTooLow);
    }
    let line_path = format!("/cabinet/lines/{}#extra", row.id);
    let done = page::see_other(
        &line_path,
        [visitor::flash_cookie(&cabinet, "extra-period-ended")],
    );
    let ctx = &cabinet.ctx;
    let mut tx = ctx.store.begin().await?;
    let scope = format!("cabinet:{}:end_extra_period:{}", who.session.user, row.id);
    let taken = match form::take_once(&mut tx, scope, &posted.form).await? {
        Once::Again => return Ok(done),
        Once::First(taken) => taken,
    };
    match end_extra_period_in(
        &mut tx,
        ctx,
        &who.session.actor(),
        EndExtraPeriod { line: row.id },
    )
    .await
    {
        Ok(_) => {
            taken.finish(&mut tx, &line_path, ctx.now()).await?;
            tx.save().await?;
            Ok(done)
        }
        // It ended by itself, or somebody else was quicker: what was asked for is so.
        Err(EndExtraPeriodError::Refused(_)) => Ok(done),
        Err(error) => Err(command_failed(&error)),
    }
}

/// What a command refused that the page had let pass: told by its nature.
pub(super) fn command_failed<E: crate::app::Refusal>(error: &E) -> Refusal {
    match error.told().nature {
        Nature::NotAllowed => Refusal::RoleTooLow,
        Nature::NotFound => Refusal::NotFound,
        Nature::Conflict | Nature::Refused => Refusal::Stale,
        Nature::TryAgain => Refusal::Busy,
        Nature::Internal => Refusal::failed(error),
    }
}

#[cfg(test)]
mod tests;
