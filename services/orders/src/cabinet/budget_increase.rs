//! "Byudjetni oshirish": more budget for a media line, with its price and how it is paid shown before it is confirmed by
//! "Toʻldirish" (orders.md §6) [003 §5.2].
//!
//! As with the extra period, the first form asks by GET and changes nothing; confirming is a POST to the command
//! `app::increase_budget`, which decides again under its locks. When the money that the preview saw is gone by then, the
//! request waits for its invoice instead, and the next page says so.

use super::Cabinet;
use super::extra_period::command_failed;
use super::form::{self, Form, Once, Posted, parse_sum};
use super::line;
use super::page::{self, Answer, Layout, Refusal};
use super::visitor::{self, SignedIn};
use super::words::say;
use crate::app::increase_budget::{
    IncreaseBudget, IncreaseBudgetError, IncreasePreview, increase_budget_in, preview_increase,
};
use crate::i18n::{Translator, text};
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use namoyish_domain::money::Money;
use namoyish_domain::orders::budget_change::BudgetChangeRefused;
use namoyish_domain::orders::order_blank::{Budget, BudgetMode};
use namoyish_storage::budget_increases::{BudgetIncrease, IncreaseState};
use namoyish_storage::cabinet::LineRow;
use std::collections::BTreeMap;

/// The most requests that the line's page lists.
pub(super) const SHOWN_MAX: u32 = 50;

/// A request as the line's page lists it.
#[derive(Debug)]
pub(super) struct IncreaseView {
    pub amount: String,
    pub state: String,
    pub in_force: bool,
    pub lapsed: bool,
    pub asked: String,
    /// What is to be paid by when, or what the budget became.
    pub note: String,
}

impl IncreaseView {
    pub(super) fn of(t: Translator, row: &BudgetIncrease) -> IncreaseView {
        let note = match (row.state, row.budgets) {
            (IncreaseState::Pending, _) => t.with(
                "increase-note-pending",
                &[
                    ("sum", text(t.money(row.missing))),
                    ("day", text(t.date(row.due_on))),
                ],
            ),
            (IncreaseState::InForce, Some((before, after))) => t.with(
                "increase-note-in-force",
                &[("before", text(t.money(before))), ("after", text(t.money(after)))],
            ),
            _ => String::new(),
        };
        IncreaseView {
            amount: t.money(row.amount),
            state: say(t, "increase-state", row.state.code()),
            in_force: row.state == IncreaseState::InForce,
            lapsed: row.state == IncreaseState::Lapsed,
            asked: format!("{}, {}", t.instant(row.requested_at), row.requested_by),
            note,
        }
    }
}

/// What later months are asked for.
#[derive(Debug)]
struct LackView {
    period: String,
    sum: String,
    due_on: String,
}

/// The preview in the reader's words.
#[derive(Debug)]
struct PreviewView {
    now: String,
    raised: String,
    added: String,
    added_gross: String,
    free: String,
    covered: String,
    borrowed: String,
    missing: String,
    due_on: String,
    whole: bool,
    period: String,
    later: Vec<LackView>,
}

impl PreviewView {
    fn of(t: Translator, amount: Money, preview: &IncreasePreview) -> Result<PreviewView, Refusal> {
        let sum_or_none = |sum: Money| {
            if sum.is_positive() {
                t.money(sum)
            } else {
                String::new()
            }
        };
        Ok(PreviewView {
            now: budget(t, preview.budget),
            raised: budget(t, preview.raised),
            added: t.money(amount),
            added_gross: t.money(preview.funding.added.gross),
            free: t.money(preview.free),
            covered: t.money(preview.funding.covered),
            borrowed: sum_or_none(preview.funding.borrowed()?),
            missing: sum_or_none(preview.funding.missing),
            due_on: t.date(preview.funding.due_on),
            whole: preview.funding.is_whole(),
            period: preview
                .period
                .map_or_else(String::new, |period| t.date(period.first_day())),
            later: preview
                .later
                .iter()
                .map(|lack| LackView {
                    period: lack.period.to_string(),
                    sum: t.money(lack.sum.gross),
                    due_on: t.date(lack.due_on),
                })
                .collect(),
        })
    }
}

fn budget(t: Translator, budget: Budget) -> String {
    let key = match budget.mode {
        BudgetMode::Monthly => "budget-each-month",
        BudgetMode::Total => "budget-in-all",
    };
    t.with(key, &[("sum", text(t.money(budget.amount)))])
}

#[derive(Template)]
#[template(path = "budget_increase.html")]
struct IncreasePage {
    t: Translator,
    layout: Layout,
    line_path: String,
    line_name: String,
    line_code: String,
    budget: String,
    monthly: bool,
    form: Form,
    preview: Option<PreviewView>,
    refusal: String,
    command_key: String,
}

fn read(form: &mut Form, t: Translator) -> Option<Money> {
    let amount = parse_sum(form.value("amount"));
    if amount.is_none() {
        let key = if form.value("amount").is_empty() {
            "field-needed"
        } else {
            "field-sum"
        };
        form.refuse("amount", t.get(key));
    }
    amount
}

/// Puts a refusal of the rules at its field, or gives it back for the head of the form.
fn refuse(form: &mut Form, t: Translator, refused: &BudgetChangeRefused) -> String {
    let reason = reason(t, refused);
    if refused.field() == Some("amount") {
        form.refuse("amount", reason);
        return String::new();
    }
    reason
}

fn reason(t: Translator, refused: &BudgetChangeRefused) -> String {
    match refused {
        BudgetChangeRefused::NotAMediaLine => t.get("increase-refused-not-media"),
        BudgetChangeRefused::BlankNotInForce => t.get("extra-refused-not-in-force"),
        BudgetChangeRefused::LineEnded { ended_on } => {
            t.with("extra-refused-line-ended", &[("day", text(t.date(*ended_on)))])
        }
        BudgetChangeRefused::TermOver { last_day, .. } => {
            t.with("increase-refused-term-over", &[("day", text(t.date(*last_day)))])
        }
        BudgetChangeRefused::AmountNotPositive { .. } => t.get("extra-refused-not-positive"),
        BudgetChangeRefused::OverLimit { limit, .. } => {
            t.with("increase-refused-over-limit", &[("limit", text(t.money(*limit)))])
        }
        BudgetChangeRefused::Money(_) => t.get("field-sum"),
        BudgetChangeRefused::Pending => t.get("increase-refused-pending"),
        // A decrease is an amendment: no page asks for one.
        BudgetChangeRefused::NotADecrease { .. } | BudgetChangeRefused::BelowSpent { .. } => String::new(),
    }
}

fn form_page(
    cabinet: &Cabinet,
    who: &SignedIn,
    row: &LineRow,
    entered: Form,
    preview: Option<PreviewView>,
    refusal: String,
    status: StatusCode,
) -> Answer {
    let t = who.visitor.t;
    let mut layout = Layout::new(cabinet, &who.visitor, "orders", t.get("increase-title"));
    if status != StatusCode::OK {
        layout.path = format!("/cabinet/lines/{}/budget", row.id);
    }
    let mode = if row.monthly {
        BudgetMode::Monthly
    } else {
        BudgetMode::Total
    };
    let page = IncreasePage {
        t,
        layout,
        line_path: format!("/cabinet/lines/{}", row.id),
        line_name: t.name(&row.name),
        line_code: row.code.clone(),
        budget: row
            .budget
            .map_or_else(String::new, |amount| budget(t, Budget { mode, amount })),
        monthly: row.monthly,
        form: entered,
        preview,
        refusal,
        command_key: form::draw_key(cabinet),
    };
    page::html(status, &page)
}

/// The line of a path that has a budget, for somebody who may change it.
async fn load(cabinet: &Cabinet, who: &SignedIn, id: &str) -> Result<LineRow, Refusal> {
    let row = line::load(cabinet, who, id).await?;
    if row.budget.is_none() {
        return Err(Refusal::NotFound);
    }
    if !who.may_change() {
        return Err(Refusal::RoleTooLow);
    }
    Ok(row)
}

/// `GET /cabinet/lines/{line}/budget`: the form; with an amount, its refusal or what it costs.
pub(super) async fn show(
    State(cabinet): State<Cabinet>,
    who: SignedIn,
    Path(id): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Answer {
    let t = who.visitor.t;
    let row = load(&cabinet, &who, &id).await?;
    let asked = query.contains_key("amount");
    let mut form = Form::of(query);
    if !asked {
        return form_page(&cabinet, &who, &row, form, None, String::new(), StatusCode::OK);
    }
    let mut refusal = String::new();
    let mut preview = None;
    if let Some(amount) = read(&mut form, t) {
        let cmd = IncreaseBudget { line: row.id, amount };
        match preview_increase(&cabinet.ctx, &who.session.actor(), cmd).await {
            Ok(found) => preview = Some(PreviewView::of(t, amount, &found)?),
            Err(IncreaseBudgetError::Refused(refused)) => refusal = refuse(&mut form, t, &refused),
            Err(error) => return Err(command_failed(&error)),
        }
    }
    let status = if preview.is_some() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    form_page(&cabinet, &who, &row, form, preview, refusal, status)
}

/// `POST /cabinet/lines/{line}/budget`: asks for it.
pub(super) async fn increase(
    State(cabinet): State<Cabinet>,
    Path(id): Path<String>,
    posted: Posted,
) -> Answer {
    let who = SignedIn::of(&posted.visitor)?;
    let t = who.visitor.t;
    let row = load(&cabinet, &who, &id).await?;
    let mut form = posted.form;
    let mut refusal = String::new();
    if let Some(amount) = read(&mut form, t) {
        let line_path = format!("/cabinet/lines/{}#budget", row.id);
        let told = |code| page::see_other(&line_path, [visitor::flash_cookie(&cabinet, code)]);
        let ctx = &cabinet.ctx;
        let mut tx = ctx.store.begin().await?;
        let scope = format!("cabinet:{}:increase_budget:{}", who.session.user, row.id);
        let taken = match form::take_once(&mut tx, scope, &form).await? {
            Once::Again => return Ok(told("budget-asked")),
            Once::First(taken) => taken,
        };
        let cmd = IncreaseBudget { line: row.id, amount };
        match increase_budget_in(&mut tx, ctx, &who.session.actor(), cmd).await {
            Ok(increased) => {
                taken.finish(&mut tx, &line_path, ctx.now()).await?;
                tx.save().await?;
                return Ok(told(if increased.to_pay.is_some() {
                    "budget-invoiced"
                } else {
                    "budget-increased"
                }));
            }
            Err(IncreaseBudgetError::Refused(refused)) => refusal = refuse(&mut form, t, &refused),
            Err(error) => return Err(command_failed(&error)),
        }
    }
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    form_page(&cabinet, &who, &row, form, None, refusal, status)
}
