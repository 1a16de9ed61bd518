//! The business-day calendar (spec README rule 3): what ships with the program, what the operator made of it, and who
//! did.

use crate::api::caller::{Caller, Writer, staff_only};
use crate::api::fields::{is_sound_day, json_body, no_such};
use crate::api::page::{Page, PageQuery};
use crate::api::write::{Begin, Write, problem};
use crate::api::{Api, Refusals};
use crate::app::edit_calendar::{EditCalendar, edit_calendar_in};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use namoyish_domain::calendar::DayKind;
use namoyish_runtime::idempotency::{Answer, IdempotencyKey};
use namoyish_runtime::problem::Problem;
use namoyish_storage::Tx;
use namoyish_storage::calendar_days::CalendarChange;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which year.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct YearQuery {
    /// The current one when left out.
    #[param(minimum = 1900, maximum = 2200)]
    year: Option<i32>,
}

/// A calendar year.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CalendarView {
    year: i32,
    /// How many business days it has.
    business_days: u32,
    /// Days that aren't what their weekday says.
    exceptions: Vec<ExceptionView>,
}

/// A weekday off, or a weekend day that is worked.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExceptionView {
    day: NaiveDate,
    working: bool,
    /// Who made it so; none: it ships with the program.
    changed_by: Option<String>,
    changed_at: Option<DateTime<Utc>>,
    reason: Option<String>,
}

/// What a day becomes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DayRequest {
    working: bool,
    /// Why: a decree, for instance.
    #[schema(max_length = 300)]
    reason: String,
}

/// Why a day is given back to what ships with the program.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GiveBackRequest {
    #[schema(max_length = 300)]
    reason: String,
}

/// An edit of the calendar.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CalendarChangeView {
    id: i64,
    day: NaiveDate,
    /// None: what ships with the program.
    working: Option<bool>,
    reason: String,
    changed_by: String,
    changed_at: DateTime<Utc>,
}

impl From<CalendarChange> for CalendarChangeView {
    fn from(change: CalendarChange) -> CalendarChangeView {
        CalendarChangeView {
            id: change.id,
            day: change.day,
            working: change.working,
            reason: change.reason,
            changed_by: change.changed_by,
            changed_at: change.changed_at,
        }
    }
}

/// The exceptions of a year and how many business days it has.
#[utoipa::path(
    get, path = "/api/v1/calendar", tag = "calendar", params(YearQuery),
    responses((status = 200, body = CalendarView), Refusals)
)]
pub(crate) async fn get_calendar(
    State(api): State<Api>,
    Caller(_): Caller,
    Query(query): Query<YearQuery>,
) -> Result<Json<CalendarView>, Problem> {
    let year = query.year.unwrap_or_else(|| api.ctx.today().year());
    let mut tx = api.ctx.store.begin().await?;
    year_view(&mut tx, year).await.map(Json)
}

async fn year_view(tx: &mut Tx, year: i32) -> Result<CalendarView, Problem> {
    let first = NaiveDate::from_ymd_opt(year, 1, 1).filter(|day| is_sound_day(*day));
    let last = NaiveDate::from_ymd_opt(year, 12, 31);
    let (Some(first), Some(last)) = (first, last) else {
        return Err(
            Problem::refused("year_out_of_range", "the calendar knows the years 1900 to 2200")
                .field("year")
                .limit("1900..2200"),
        );
    };
    let calendar = tx.calendar_days().calendar().await?;
    let edited = tx.calendar_days().edited(first, last).await?;
    let exceptions = calendar
        .exceptions()
        .filter(|(day, _)| day.year() == year)
        .map(|(day, kind)| {
            let edit = edited.iter().find(|edit| edit.day == day);
            ExceptionView {
                day,
                working: kind == DayKind::Working,
                changed_by: edit.map(|edit| edit.changed_by.clone()),
                changed_at: edit.map(|edit| edit.changed_at),
                reason: edit.map(|edit| edit.reason.clone()),
            }
        })
        .collect();
    Ok(CalendarView {
        year,
        business_days: calendar.business_days_of_year(year),
        exceptions,
    })
}

/// Makes a day a business day or a day off. Due dates and deadlines that are fixed already stay.
#[utoipa::path(
    put, path = "/api/v1/calendar/{day}", tag = "calendar", request_body = DayRequest,
    params(("day" = String, Path, description = "2026-12-31"), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = CalendarView), Refusals)
)]
pub(crate) async fn put_calendar_day(
    State(api): State<Api>,
    Writer(actor): Writer,
    key: IdempotencyKey,
    Path(day): Path<String>,
    body: Bytes,
) -> Result<Answer, Problem> {
    let request: DayRequest = json_body(&body)?;
    let day = day_in_path(&day)?;
    let operation = format!("put_calendar_day {day}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let command = EditCalendar {
        day,
        kind: Some(if request.working {
            DayKind::Working
        } else {
            DayKind::DayOff
        }),
        reason: request.reason,
    };
    edit_calendar_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    let view = year_view(&mut write.tx, day.year()).await?;
    write.finish(StatusCode::OK, &view).await
}

/// Makes a day again what ships with the program.
#[utoipa::path(
    delete, path = "/api/v1/calendar/{day}", tag = "calendar", request_body = GiveBackRequest,
    params(("day" = String, Path, description = "2026-12-31"), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = CalendarView), Refusals)
)]
pub(crate) async fn delete_calendar_day(
    State(api): State<Api>,
    Writer(actor): Writer,
    key: IdempotencyKey,
    Path(day): Path<String>,
    body: Bytes,
) -> Result<Answer, Problem> {
    let request: GiveBackRequest = json_body(&body)?;
    let day = day_in_path(&day)?;
    let operation = format!("delete_calendar_day {day}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let command = EditCalendar {
        day,
        kind: None,
        reason: request.reason,
    };
    edit_calendar_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    let view = year_view(&mut write.tx, day.year()).await?;
    write.finish(StatusCode::OK, &view).await
}

/// Who edited which day, newest first.
#[utoipa::path(
    get, path = "/api/v1/calendar-changes", tag = "calendar", params(PageQuery),
    responses((status = 200, body = Page<CalendarChangeView>), Refusals)
)]
pub(crate) async fn list_calendar_changes(
    State(api): State<Api>,
    Caller(actor): Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<CalendarChangeView>>, Problem> {
    let asked = query.asked(|text| text.parse::<i64>().ok())?;
    // Who of the staff does what is the operator's own business: a customer's list is empty.
    let mut tx = api.ctx.store.begin().await?;
    let changes = if staff_only(&actor).is_ok() {
        tx.calendar_days().changes(asked.after, asked.to_read()).await?
    } else {
        Vec::new()
    };
    Ok(Json(asked.page(
        changes,
        |change| change.id.to_string(),
        CalendarChangeView::from,
    )))
}

fn day_in_path(day: &str) -> Result<NaiveDate, Problem> {
    day.parse::<NaiveDate>()
        .ok()
        .filter(|day| is_sound_day(*day))
        .ok_or_else(|| no_such("day"))
}
