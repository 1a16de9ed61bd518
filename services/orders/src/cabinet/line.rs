//! A line: what it does today, its plot of target against actual, its extra periods, materials and history.
//!
//! The figures of today refresh themselves by a small script that asks [`today`] every few seconds; without it they are
//! those of the moment when the page was made.

use super::Cabinet;
use super::budget_increase::{self, IncreaseView};
use super::page::{self, Answer, Layout, Refusal};
use super::plot::{Plot, PlotDay};
use super::visitor::SignedIn;
use super::words::say;
use crate::i18n::{Translator, text};
use askama::Template;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use chrono::NaiveDate;
use namoyish_domain::calendar::{days_inclusive, tashkent_day};
use namoyish_domain::ids::LineId;
use namoyish_domain::money::{Money, MoneyError};
use namoyish_domain::orders::checklist::Checklist;
use namoyish_domain::orders::moderation::ModerationState;
use namoyish_domain::orders::order_blank::BlankState;
use namoyish_domain::orders::runnable::{NotRunning, why_not_running};
use namoyish_storage::budget_increases::IncreaseState;
use namoyish_storage::cabinet::{ExtraPeriodRow, LineChangeRow, LineDay, LineRow, MaterialRow};
use serde::Serialize;

/// Kinds of changes in a line's history that have their own words.
pub(super) const CHANGES: &[&str] = &[
    "termination_notice",
    "paused",
    "resumed",
    "extra_period_set",
    "extra_period_ended",
    "budget_increased",
    "budget_decreased",
    "amended",
    "budget_increase_requested",
    "budget_increase_lapsed",
    "term_moved",
    "material_submitted",
    "material_decided",
    "document_attached",
    "document_revoked",
    "documents_overdue",
    "licence_expired",
    "second_subject_flagged",
    "second_subject_cleared",
];

/// A line as lists show it.
#[derive(Debug)]
pub(super) struct LineCard {
    pub path: String,
    pub code: String,
    pub name: String,
    pub kind: String,
    pub term: String,
    pub blank_number: String,
    /// Whether it is served today.
    pub runs: bool,
    /// Whether all that keeps it from running is a first day still to come.
    pub waits: bool,
    /// Everything that keeps it from running, in words.
    pub reasons: Vec<String>,
    /// "Spent 70 000 of 300 000": nothing for a line without a progress.
    pub progress: String,
    /// Tenths of a percent.
    pub progress_tenths: u64,
    pub progress_percent: String,
    /// Today's figures of a media line.
    pub today: String,
}

/// What a count of a line's impressions costs.
fn cost(row: &LineRow, impressions: u64) -> Result<Money, MoneyError> {
    row.unit_price.of_impressions(impressions)?.round_half_up()
}

/// Tenths of a percent that `part` is of `whole`; 0 when there is no whole.
fn tenths(part: Money, whole: Money) -> u64 {
    if !whole.is_positive() || !part.is_positive() {
        return 0;
    }
    let share = i128::from(part.tiyin()) * 1000 / i128::from(whole.tiyin());
    u64::try_from(share).unwrap_or(0)
}

impl LineCard {
    /// The card of a line on a day.
    pub fn of(t: Translator, row: &LineRow, today: NaiveDate) -> Result<LineCard, Refusal> {
        let reasons = why_not_running(&row.facts, today);
        let (progress, progress_tenths, now) = match row.budget {
            Some(budget) => {
                let spent = cost(row, row.counted_in_scope)?;
                let key = if row.monthly {
                    "line-spent-of-month"
                } else {
                    "line-spent-of"
                };
                let progress = t.with(
                    key,
                    &[("spent", text(t.money(spent))), ("budget", text(t.money(budget)))],
                );
                let now = match row.target_today {
                    Some(target) => t.with(
                        "line-today-of",
                        &[
                            ("spent", text(t.money(cost(row, row.counted_today)?))),
                            ("target", text(t.exact(target))),
                        ],
                    ),
                    None => String::new(),
                };
                (progress, tenths(spent, budget), now)
            }
            None => {
                let whole = days_inclusive(row.first_day, row.last_day);
                let served = days_inclusive(row.first_day, today.min(row.last_day)).min(whole);
                let progress = t.with(
                    "line-days-of",
                    &[
                        ("served", text(t.count(served.into()))),
                        ("whole", text(t.count(whole.into()))),
                    ],
                );
                (
                    progress,
                    u64::from(served) * 1000 / u64::from(whole.max(1)),
                    String::new(),
                )
            }
        };
        Ok(LineCard {
            path: format!("/cabinet/lines/{}", row.id),
            code: row.code.clone(),
            name: t.name(&row.name),
            kind: say(t, "line-kind", &row.kind),
            term: term(t, row.first_day, row.last_day),
            blank_number: row.blank_number.clone(),
            runs: reasons.is_empty(),
            waits: reasons == [NotRunning::TermNotBegun],
            reasons: reasons
                .into_iter()
                .map(|reason| say(t, "not-running", reason.code()))
                .collect(),
            progress,
            progress_tenths: progress_tenths.min(1000),
            progress_percent: t.percent(progress_tenths),
            today: now,
        })
    }
}

/// "01.11.2026 – 30.11.2026".
pub(super) fn term(t: Translator, first_day: NaiveDate, last_day: NaiveDate) -> String {
    format!("{} – {}", t.date(first_day), t.date(last_day))
}

/// A material as the page shows it.
#[derive(Debug)]
pub(super) struct MaterialView {
    pub version: String,
    pub title: String,
    pub size: String,
    pub target_url: String,
    pub state: String,
    pub approved: bool,
    pub refused: bool,
    pub live_from: String,
    pub reasons: Vec<String>,
    pub comment: String,
}

impl MaterialView {
    fn of(t: Translator, checklist: &Checklist, row: &MaterialRow) -> MaterialView {
        let state = ModerationState::parse(&row.state);
        MaterialView {
            version: row.version.to_string(),
            title: row.title.clone(),
            size: if row.width > 0 {
                format!("{} × {}", row.width, row.height)
            } else {
                String::new()
            },
            target_url: row.target_url.clone(),
            state: say(t, "material-state", &row.state),
            approved: state == Some(ModerationState::Approved),
            refused: matches!(
                state,
                Some(
                    ModerationState::Rejected
                        | ModerationState::DocumentsRequired
                        | ModerationState::DocumentsOverdue
                        | ModerationState::Withdrawn
                )
            ),
            live_from: t.date(row.live_from),
            reasons: reasons(t, checklist, row),
            comment: row.comment.clone(),
        }
    }
}

/// A moderator's reasons, in the words of the checklist on the day of the decision.
pub(super) fn reasons(t: Translator, checklist: &Checklist, row: &MaterialRow) -> Vec<String> {
    let day = tashkent_day(row.decided_at);
    row.reasons
        .iter()
        .map(|reason| checklist.text(reason, day, t.code()).to_owned())
        .collect()
}

/// An extra period as the page shows it.
#[derive(Debug)]
struct ExtraPeriodView {
    term: String,
    budget: String,
    set: String,
    /// How it ended; nothing while it is active or scheduled.
    ended: String,
    active: bool,
}

impl ExtraPeriodView {
    fn of(t: Translator, row: &ExtraPeriodRow) -> ExtraPeriodView {
        let ended = match (&row.ended, row.ended_on) {
            (None, _) => String::new(),
            (Some(end), Some(day)) => format!("{}, {}", say(t, "extra-ended", end), t.date(day)),
            (Some(end), None) => say(t, "extra-ended", end),
        };
        ExtraPeriodView {
            term: term(t, row.first_day, row.last_day),
            budget: t.money(row.extra_budget),
            set: format!("{}, {}", t.instant(row.set_at), row.set_by),
            active: row.ended.is_none(),
            ended,
        }
    }
}

/// A change as the page shows it.
#[derive(Debug)]
struct ChangeView {
    at: String,
    actor: String,
    what: String,
    details: String,
}

impl ChangeView {
    fn of(t: Translator, row: &LineChangeRow) -> ChangeView {
        let value = |name: &str| row.details.get(name).and_then(|value| value.as_str());
        let day = |name: &str| value(name)?.parse::<NaiveDate>().ok().map(|day| t.date(day));
        let sum = ["extra_budget", "budget", "new_budget", "new", "amount"]
            .into_iter()
            .find_map(value);
        let mut details = Vec::new();
        if let (Some(first), Some(last)) = (day("first_day"), day("last_day")) {
            details.push(format!("{first} – {last}"));
        } else if let Some(only) = day("first_day").or(day("last_day")).or(day("ended_on")) {
            details.push(only);
        }
        if let Some(sum) = sum.and_then(|sum| Money::parse(sum).ok()) {
            details.push(t.money(sum));
        }
        if let Some(end) = value("ended") {
            details.push(say(t, "extra-ended", end));
        }
        ChangeView {
            at: t.instant(row.changed_at),
            actor: row.actor.clone(),
            what: say(t, "change", &row.kind),
            details: details.join(", "),
        }
    }
}

/// A day in the table under the plot.
#[derive(Debug)]
struct DayView {
    day: String,
    target: String,
    spent: String,
    share: String,
    impressions: String,
    viewable: String,
    clicks: String,
    extra: bool,
}

/// Today's figures, ready to be shown; also the answer to the page's script.
#[derive(Debug, Serialize)]
pub(super) struct TodayView {
    impressions: String,
    quota: String,
    spent: String,
    target: String,
    share: String,
    viewable: String,
    clicks: String,
    counted: String,
    spent_in_all: String,
    at: String,
}

impl TodayView {
    fn of(
        t: Translator,
        row: &LineRow,
        days: &[LineDay],
        at: String,
        today: NaiveDate,
    ) -> Result<TodayView, Refusal> {
        let day = days.iter().find(|day| day.day == today);
        let spent = cost(row, row.counted_today)?;
        let target = row
            .target_today
            .map(|target| target.round_half_up())
            .transpose()?;
        Ok(TodayView {
            impressions: t.count(row.counted_today),
            quota: row
                .quota_today
                .map_or_else(|| "—".to_owned(), |quota| t.count(quota)),
            spent: t.money(spent),
            target: target.map_or_else(|| "—".to_owned(), |target| t.money(target)),
            share: target.map_or_else(|| "—".to_owned(), |target| t.percent(tenths(spent, target))),
            viewable: t.count(day.map_or(0, |day| day.viewable)),
            clicks: t.count(day.map_or(0, |day| day.clicks)),
            counted: t.count(row.counted),
            spent_in_all: t.money(cost(row, row.counted)?),
            at,
        })
    }
}

#[derive(Template)]
#[template(path = "line.html")]
struct LinePage {
    t: Translator,
    layout: Layout,
    card: LineCard,
    blank_path: String,
    media: bool,
    price: String,
    quantity: String,
    budget: String,
    ordered_term: String,
    places: String,
    regions: String,
    figures: TodayView,
    plot: Option<Plot>,
    days: Vec<DayView>,
    may_change: bool,
    command_key: String,
    can_set: bool,
    can_pause: bool,
    paused: bool,
    extra: Vec<ExtraPeriodView>,
    can_increase: bool,
    increases: Vec<IncreaseView>,
    materials: Vec<MaterialView>,
    changes: Vec<ChangeView>,
}

/// The line of a path, when it is one of this customer's.
pub(super) async fn load(cabinet: &Cabinet, who: &SignedIn, id: &str) -> Result<LineRow, Refusal> {
    let id = LineId::parse(id).map_err(|_| Refusal::NotFound)?;
    let line = cabinet
        .ctx
        .store
        .cabinet(who.customer)
        .line(id, cabinet.ctx.today())
        .await?;
    line.ok_or(Refusal::NotFound)
}

/// `GET /cabinet/lines/{line}`
pub(super) async fn show(State(cabinet): State<Cabinet>, who: SignedIn, Path(id): Path<String>) -> Answer {
    let t = who.visitor.t;
    let today = cabinet.ctx.today();
    let row = load(&cabinet, &who, &id).await?;
    let reads = cabinet.ctx.store.cabinet(who.customer);
    let days = reads.line_days(row.id, today).await?;
    let (places, regions) = reads.line_targets(row.id).await?;
    let extra = reads.extra_periods(row.id).await?;
    let materials = reads.materials(row.id).await?;
    let checklist = cabinet.ctx.store.begin().await?.checklist().all().await?;
    let changes = reads.line_changes(row.id).await?;
    let join = |names: &[namoyish_storage::cabinet::Names], none: &str| {
        let names: Vec<String> = names.iter().map(|name| t.name(name)).collect();
        if names.is_empty() {
            t.get(none)
        } else {
            names.join(", ")
        }
    };
    let media = row.budget.is_some();
    let mut layout = Layout::new(
        &cabinet,
        &who.visitor,
        "orders",
        format!("{} · {}", t.name(&row.name), row.code),
    );
    layout.live = media;
    let in_force = BlankState::parse(&row.blank_state).is_some_and(BlankState::is_contract);
    let can_set = media
        && in_force
        && row.first_day <= today
        && today <= row.last_day
        && row.ended_on.is_none_or(|ended_on| ended_on > today)
        && extra.iter().all(|extra| extra.ended.is_some());
    let can_pause = row.kind != "additional"
        && in_force
        && today <= row.last_day
        && row.ended_on.is_none_or(|ended_on| ended_on > today);
    let store = &cabinet.ctx.store;
    let increases = store
        .budget_increases_of(row.id, None, budget_increase::SHOWN_MAX)
        .await?;
    let can_increase = media
        && in_force
        && today <= row.last_day
        && row.ended_on.is_none_or(|ended_on| ended_on > today)
        && increases
            .iter()
            .all(|increase| increase.state != IncreaseState::Pending);
    let page = LinePage {
        t,
        layout,
        card: LineCard::of(t, &row, today)?,
        blank_path: format!("/cabinet/orders/{}", row.blank),
        media,
        price: price(t, &row),
        quantity: row
            .quantity
            .map_or_else(String::new, |quantity| t.quantity(quantity)),
        budget: row.budget.map_or_else(String::new, |budget| {
            let key = if row.monthly {
                "budget-each-month"
            } else {
                "budget-in-all"
            };
            t.with(key, &[("sum", text(t.money(budget)))])
        }),
        ordered_term: if (row.first_day, row.last_day) == (row.ordered_first_day, row.ordered_last_day) {
            String::new()
        } else {
            term(t, row.ordered_first_day, row.ordered_last_day)
        },
        places: join(&places, "line-places-none"),
        regions: join(&regions, "line-regions-all"),
        figures: TodayView::of(t, &row, &days, t.clock(cabinet.ctx.now()), today)?,
        plot: if media {
            plot_of(t, &row, &days, today)?
        } else {
            None
        },
        days: if media {
            day_views(t, &row, &days)?
        } else {
            Vec::new()
        },
        may_change: who.may_change(),
        command_key: super::form::draw_key(&cabinet),
        can_set,
        can_pause,
        paused: row.paused,
        extra: extra.iter().map(|row| ExtraPeriodView::of(t, row)).collect(),
        can_increase,
        increases: increases.iter().map(|row| IncreaseView::of(t, row)).collect(),
        materials: materials
            .iter()
            .map(|row| MaterialView::of(t, &checklist, row))
            .collect(),
        changes: changes.iter().map(|row| ChangeView::of(t, row)).collect(),
    };
    page::html(StatusCode::OK, &page)
}

/// The unit price with what it is for.
fn price(t: Translator, row: &LineRow) -> String {
    let key = match (row.kind.as_str(), row.one_off) {
        ("media", _) => "price-per-thousand",
        (_, true) => "price-once",
        (_, false) => "price-per-month",
    };
    t.with(key, &[("sum", text(t.unit_price(row.unit_price)))])
}

/// `GET /cabinet/lines/{line}/today`: today's figures for the page's script.
pub(super) async fn today(State(cabinet): State<Cabinet>, who: SignedIn, Path(id): Path<String>) -> Answer {
    let t = who.visitor.t;
    let today = cabinet.ctx.today();
    let row = load(&cabinet, &who, &id).await?;
    let days = cabinet
        .ctx
        .store
        .cabinet(who.customer)
        .line_days(row.id, today)
        .await?;
    Ok(Json(TodayView::of(t, &row, &days, t.clock(cabinet.ctx.now()), today)?).into_response())
}

fn day_views(t: Translator, row: &LineRow, days: &[LineDay]) -> Result<Vec<DayView>, Refusal> {
    days.iter()
        .rev()
        .map(|day| {
            let spent = cost(row, day.impressions)?;
            let target = day.target.map(|(target, _)| target.round_half_up()).transpose()?;
            Ok(DayView {
                day: t.date(day.day),
                target: target.map_or_else(|| "—".to_owned(), |target| t.sum(target)),
                spent: t.sum(spent),
                share: target.map_or_else(|| "—".to_owned(), |target| t.percent(tenths(spent, target))),
                impressions: t.count(day.impressions),
                viewable: t.count(day.viewable),
                clicks: t.count(day.clicks),
                extra: day.extra,
            })
        })
        .collect()
}

fn plot_of(
    t: Translator,
    row: &LineRow,
    days: &[LineDay],
    today: NaiveDate,
) -> Result<Option<Plot>, Refusal> {
    let plotted = days
        .iter()
        .map(|day| {
            Ok(PlotDay {
                day: day.day,
                target: day.target.map(|(target, _)| target.round_half_up()).transpose()?,
                actual: cost(row, day.impressions)?,
                extra: day.extra,
            })
        })
        .collect::<Result<Vec<_>, MoneyError>>()?;
    Ok(Plot::of(t, row.first_day, row.last_day, today, &plotted))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(text: &str) -> Money {
        Money::parse(text).unwrap()
    }

    #[test]
    fn a_share_is_cut_to_tenths_of_a_percent() {
        assert_eq!(tenths(money("70000"), money("300000")), 233);
        assert_eq!(tenths(money("300000"), money("300000")), 1000);
        assert_eq!(tenths(money("1"), Money::ZERO), 0);
        assert_eq!(tenths(money("-1"), money("5")), 0);
    }

    #[test]
    fn every_reason_and_state_of_the_domain_has_words() {
        let keys = crate::cabinet::words::coded_keys();
        let has = |prefix: &str, code: &str| {
            let key = format!("{prefix}-{}", code.replace('_', "-"));
            assert!(keys.contains(&key), "no words for {key}");
        };
        for reason in NotRunning::ALL {
            has("not-running", reason.code());
        }
        for state in ModerationState::ALL {
            has("material-state", state.code());
        }
        for state in BlankState::ALL {
            has("blank-state", state.code());
        }
    }
}
