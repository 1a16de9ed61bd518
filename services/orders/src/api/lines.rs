//! A line: how it stands, why it doesn't run, plan and actual by day, its history, and its extra period.

use crate::api::caller::{Caller, Writer};
use crate::api::fields::{field, id_in_path, json_body, money, no_such};
use crate::api::order_blanks::{OrderLineView, may_see};
use crate::api::page::{Page, PageQuery};
use crate::api::write::{Begin, Write, problem};
use crate::api::{Api, Refusals};
use crate::app::end_extra_period::{EndExtraPeriod, end_extra_period_in};
use crate::app::set_extra_period::{SetExtraPeriod, set_extra_period_in};
use crate::app::submit_material::VERSIONS_MAX;
use crate::cabinet::words::say;
use crate::i18n::{self, Translator};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use namoyish_domain::delivery::extra_period::ExtraPeriod;
use namoyish_domain::ids::LineId;
use namoyish_domain::money::UnitPrice;
use namoyish_domain::orders::deadlines::last_day_to_submit;
use namoyish_domain::orders::runnable::{NotRunning, why_not_running};
use namoyish_domain::orders::termination::LineState;
use namoyish_runtime::context::Actor;
use namoyish_runtime::idempotency::{Answer, IdempotencyKey};
use namoyish_runtime::problem::Problem;
use namoyish_storage::DbError;
use namoyish_storage::Tx;
use namoyish_storage::cabinet::LineDay;
use namoyish_storage::extra_periods::ExtraPeriodRecord;
use namoyish_storage::materials::AdMaterial;
use namoyish_storage::order_blanks::OrderBlank;
use namoyish_storage::order_lines::{LineChangeRecord, OrderLine};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// A day of a line: what was planned and what happened.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LineDayView {
    day: NaiveDate,
    /// The day's target after its last plan, net, rounded to tiyin.
    target: Option<String>,
    /// The day's target in impressions.
    target_impressions: Option<u64>,
    impressions: u64,
    /// Net, rounded to tiyin; none for a line that isn't paid by impressions.
    spent: Option<String>,
    viewable: u64,
    clicks: u64,
    invalid: u64,
    /// Whether the day is paced by an extra period.
    extra: bool,
}

/// An extra period.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExtraPeriodView {
    id: String,
    first_day: NaiveDate,
    last_day: NaiveDate,
    extra_budget: String,
    set_at: Option<DateTime<Utc>>,
    /// expired, switched_off or exhausted; none while it is active or scheduled.
    ended: Option<String>,
    ended_at: Option<DateTime<Utc>>,
}

impl From<ExtraPeriodRecord> for ExtraPeriodView {
    fn from(record: ExtraPeriodRecord) -> ExtraPeriodView {
        let set_at = Some(record.set_at);
        let (ended, ended_at) = match record.ended {
            Some((end, at, _)) => (Some(end.code().to_owned()), Some(at)),
            None => (None, None),
        };
        ExtraPeriodView {
            set_at,
            ended,
            ended_at,
            ..view_of(&record.period)
        }
    }
}

fn view_of(period: &ExtraPeriod) -> ExtraPeriodView {
    ExtraPeriodView {
        id: period.id.to_string(),
        first_day: period.first_day,
        last_day: period.last_day,
        extra_budget: period.extra_budget.to_string(),
        set_at: None,
        ended: None,
        ended_at: None,
    }
}

/// Why a line isn't served.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReasonView {
    code: &'static str,
    /// By language: "uz-Latn", "ru", "en".
    texts: BTreeMap<&'static str, String>,
}

impl From<NotRunning> for ReasonView {
    fn from(reason: NotRunning) -> ReasonView {
        let code = reason.code();
        let texts = i18n::offered()
            .iter()
            .map(|language| {
                let words = say(Translator::new(*language), "not-running", code);
                (language.code(), words)
            })
            .collect();
        ReasonView { code, texts }
    }
}

/// For which day a line is asked about.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DayQuery {
    /// "2026-11-30"; today when left out. Pauses and suspensions are those of now.
    day: Option<String>,
}

impl DayQuery {
    fn day(&self, today: NaiveDate) -> Result<NaiveDate, Problem> {
        let Some(text) = &self.day else { return Ok(today) };
        let day = field("day", "bad_day", text.parse::<NaiveDate>())?;
        if (2000..2200).contains(&day.year()) {
            Ok(day)
        } else {
            Err(
                Problem::refused("day_out_of_range", "days of the years 2000 to 2199 are answered")
                    .field("day"),
            )
        }
    }
}

/// A line as it stands on a day.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LineStandingView {
    #[serde(flatten)]
    line: OrderLineView,
    /// not_signed, signed, in_service, completed or terminated.
    state: String,
    /// The day that the next three are about.
    day: NaiveDate,
    /// Whether it is served on that day.
    runs: bool,
    /// Why it isn't, all reasons at once, by their codes.
    not_running: Vec<String>,
    /// The same in the words of each language.
    reasons: Vec<ReasonView>,
    /// The last day on which a first material would let it start in time; none once one counts as submitted.
    material_due_on: Option<NaiveDate>,
    /// Plan and actual by day, from the first day of the term to today.
    days: Vec<LineDayView>,
    extra_periods: Vec<ExtraPeriodView>,
}

pub(crate) async fn own_line(
    tx: &mut Tx,
    actor: &Actor,
    id: &str,
) -> Result<(OrderLine, OrderBlank), Problem> {
    let id = id_in_path("line", LineId::parse(id))?;
    let line = tx.order_lines().find(id).await?.ok_or_else(|| no_such("line"))?;
    let blank = tx
        .order_blanks()
        .find(line.blank)
        .await?
        .filter(|blank| may_see(actor, blank));
    Ok((line, blank.ok_or_else(|| no_such("line"))?))
}

fn day_view(day: LineDay, price: Option<UnitPrice>) -> Result<LineDayView, DbError> {
    let spent = match price {
        Some(price) => Some(
            price
                .of_impressions(day.impressions)?
                .round_half_up()?
                .to_string(),
        ),
        None => None,
    };
    let target = match day.target {
        Some((target, _)) => Some(target.round_half_up()?.to_string()),
        None => None,
    };
    Ok(LineDayView {
        day: day.day,
        target,
        target_impressions: day.target.map(|(_, impressions)| impressions),
        impressions: day.impressions,
        spent,
        viewable: day.viewable,
        clicks: day.clicks,
        invalid: day.invalid,
        extra: day.extra,
    })
}

/// A line: its terms, whether it runs and why not, plan and actual.
#[utoipa::path(
    get, path = "/api/v1/lines/{line}", tag = "lines", params(("line" = String, Path), DayQuery),
    responses((status = 200, body = LineStandingView), Refusals)
)]
pub(crate) async fn get_line(
    State(api): State<Api>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Query(query): Query<DayQuery>,
) -> Result<Json<LineStandingView>, Problem> {
    let today = api.ctx.today();
    let day = query.day(today)?;
    let mut tx = api.ctx.store.begin().await?;
    let (line, blank) = own_line(&mut tx, &actor, &id).await?;
    let facts = tx.line_facts(&[line.id], day).await?;
    let not_running = facts.first().map_or_else(
        || vec![NotRunning::NotSigned],
        |facts| why_not_running(&facts.facts, day),
    );
    let versions = tx.materials().of_line(line.id, 0, VERSIONS_MAX).await?;
    let calendar = tx.calendar_days().calendar().await?;
    let material_due_on = last_day_to_submit(line.kind, line.term.first_day(), &calendar)
        .filter(|_| !versions.iter().any(AdMaterial::counts_as_submitted));
    let extra_periods = tx.extra_periods().of_line(line.id).await?;
    drop(tx);
    let days = api
        .ctx
        .store
        .cabinet(blank.customer)
        .line_days(line.id, today)
        .await?;
    let price = line.budget.map(|_| line.unit_price);
    Ok(Json(LineStandingView {
        line: OrderLineView::from(&line),
        state: LineState::of(blank.state, line.term, line.ended_on, today)
            .code()
            .to_owned(),
        day,
        runs: not_running.is_empty(),
        not_running: not_running
            .iter()
            .map(|reason| reason.code().to_owned())
            .collect(),
        reasons: not_running.into_iter().map(ReasonView::from).collect(),
        material_due_on,
        days: days
            .into_iter()
            .map(|day| day_view(day, price))
            .collect::<Result<_, _>>()?,
        extra_periods: extra_periods.into_iter().map(ExtraPeriodView::from).collect(),
    }))
}

/// An entry of a line's history.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LineChangeView {
    changed_at: DateTime<Utc>,
    actor: String,
    /// term_moved, extra_period_set, extra_period_ended, material_submitted, material_decided, …
    kind: String,
    details: serde_json::Value,
}

impl From<LineChangeRecord> for LineChangeView {
    fn from(change: LineChangeRecord) -> LineChangeView {
        LineChangeView {
            changed_at: change.changed_at,
            actor: change.actor,
            kind: change.kind,
            details: change.details,
        }
    }
}

/// The history of a line, oldest first.
#[utoipa::path(
    get, path = "/api/v1/lines/{line}/changes", tag = "lines", params(("line" = String, Path), PageQuery),
    responses((status = 200, body = Page<LineChangeView>), Refusals)
)]
pub(crate) async fn list_line_changes(
    State(api): State<Api>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<LineChangeView>>, Problem> {
    let asked = query.asked(|text| text.parse::<i64>().ok())?;
    let mut tx = api.ctx.store.begin().await?;
    let (line, _) = own_line(&mut tx, &actor, &id).await?;
    let changes = tx
        .order_lines()
        .changes(line.id, asked.after.unwrap_or(0), asked.to_read())
        .await?;
    Ok(Json(asked.page(
        changes,
        |change| change.id.to_string(),
        LineChangeView::from,
    )))
}

/// An extra period to set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExtraPeriodRequest {
    /// Today when left out.
    first_day: Option<NaiveDate>,
    last_day: NaiveDate,
    /// Net of VAT; at most what is unspent of the line's budget.
    #[schema(example = "150000.00")]
    extra_budget: String,
}

/// Sets an extra period of a media line: in every serving node within 5 s.
#[utoipa::path(
    post, path = "/api/v1/lines/{line}/extra-period", tag = "lines", request_body = ExtraPeriodRequest,
    params(("line" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = ExtraPeriodView), Refusals)
)]
pub(crate) async fn set_extra_period(
    State(api): State<Api>,
    Writer(actor): Writer,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let line = id_in_path("line", LineId::parse(&id))?;
    let request: ExtraPeriodRequest = json_body(&body)?;
    let extra_budget = money("extra_budget", &request.extra_budget)?;
    let operation = format!("set_extra_period {line}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let command = SetExtraPeriod {
        line,
        first_day: request.first_day,
        last_day: request.last_day,
        extra_budget,
    };
    let period = set_extra_period_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    let view = ExtraPeriodView {
        set_at: Some(api.ctx.now()),
        ..view_of(&period)
    };
    write.finish(StatusCode::CREATED, &view).await
}

/// How an extra period ended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EndedExtraPeriodView {
    id: String,
    ended: String,
    ended_at: DateTime<Utc>,
    /// The last day that it paced; none when it ended before its first.
    ended_on: Option<NaiveDate>,
}

/// Switches the extra period of a line off, at once.
#[utoipa::path(
    post, path = "/api/v1/lines/{line}/extra-period/end", tag = "lines",
    params(("line" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = EndedExtraPeriodView), Refusals)
)]
pub(crate) async fn end_extra_period(
    State(api): State<Api>,
    Writer(actor): Writer,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let line = id_in_path("line", LineId::parse(&id))?;
    let operation = format!("end_extra_period {line}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let ended = end_extra_period_in(&mut write.tx, &api.ctx, &actor, EndExtraPeriod { line })
        .await
        .map_err(problem)?;
    let view = EndedExtraPeriodView {
        id: ended.id.to_string(),
        ended: ended.end.code().to_owned(),
        ended_at: ended.ended_at,
        ended_on: ended.ended_on,
    };
    write.finish(StatusCode::OK, &view).await
}
