//! What interrupts service (orders.md §8): force majeure, outages, lost access; pausing a line by hand.

use crate::api::caller::{Caller, Writer};
use crate::api::fields::{id_in_path, json_body, one_of};
use crate::api::lines::own_line;
use crate::api::order_blanks::OrderLineView;
use crate::api::page::{Page, PageQuery};
use crate::api::write::{Begin, Write, problem};
use crate::api::{Api, Refusals};
use crate::app::claim_lost_access::{
    ClaimLostAccess, DecideLostAccess, claim_lost_access_in, decide_lost_access_in,
};
use crate::app::pause_line::{pause_line_in, resume_line_in};
use crate::app::record_force_majeure::{
    EndForceMajeure, RecordForceMajeure, end_force_majeure_in, record_force_majeure_in,
};
use crate::app::record_outage::{MovedLine, RecordOutage, record_outage_in};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use chrono::{DateTime, NaiveDate, Utc};
use namoyish_domain::ids::{CustomerId, ForceMajeureId, LineId, LostAccessClaimId, OutageId, PlacementId};
use namoyish_domain::orders::termination::Party;
use namoyish_runtime::context::Actor;
use namoyish_runtime::idempotency::{Answer, IdempotencyKey};
use namoyish_runtime::problem::Problem;
use namoyish_storage::interruptions::{ClaimRecord, ForceMajeureRecord, OutageRecord};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Force majeure.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ForceMajeureView {
    id: String,
    /// The party that it keeps from its duty: operator or customer.
    affected: String,
    first_day: NaiveDate,
    /// The first day without it; none while that isn't known.
    until: Option<NaiveDate>,
    /// The day of the written notice.
    noticed_on: NaiveDate,
    certificate: String,
    comment: String,
    recorded_at: DateTime<Utc>,
    recorded_by: String,
    /// Only contracts of these; none: of all. A customer sees itself alone.
    customers: Vec<String>,
    /// Only lines in these; none: in all.
    placements: Vec<String>,
}

fn view_for(actor: &Actor, record: ForceMajeureRecord) -> ForceMajeureView {
    ForceMajeureView {
        id: record.id.to_string(),
        affected: record.affected.code().to_owned(),
        first_day: record.standstill.first_day,
        until: record.standstill.until,
        noticed_on: record.noticed_on,
        certificate: record.certificate,
        comment: record.comment,
        recorded_at: record.recorded_at,
        recorded_by: record.recorded_by,
        customers: record
            .customers
            .iter()
            .filter(|customer| actor.may_see(**customer))
            .map(ToString::to_string)
            .collect(),
        placements: record.placements.iter().map(ToString::to_string).collect(),
    }
}

/// Force majeure to be recorded.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ForceMajeureRequest {
    /// The party that it keeps from its duty: operator (when left out) or customer.
    affected: Option<String>,
    first_day: NaiveDate,
    /// The first day without it, when that is known.
    until: Option<NaiveDate>,
    /// The day of the written notice, at most three days after the first; today when left out.
    noticed_on: Option<NaiveDate>,
    /// Number of the certificate.
    certificate: String,
    #[serde(default)]
    comment: String,
    /// None: contracts of all customers.
    #[serde(default)]
    #[schema(max_items = 200)]
    customers: Vec<String>,
    /// None: lines in all placements.
    #[serde(default)]
    #[schema(max_items = 200)]
    placements: Vec<String>,
}

fn ids<T, E>(
    field: &'static str,
    texts: &[String],
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<Vec<T>, Problem> {
    let code = match field {
        "customers" => "no_such_customer",
        _ => "no_such_placement",
    };
    texts
        .iter()
        .map(|text| {
            parse(text).map_err(|_| {
                Problem::refused(code, format!("{field} has a value that is no id")).field(field)
            })
        })
        .collect()
}

/// Force majeure, newest first.
#[utoipa::path(
    get, path = "/api/v1/force-majeure", tag = "interruptions", params(PageQuery),
    responses((status = 200, body = Page<ForceMajeureView>), Refusals)
)]
pub(crate) async fn list_force_majeure(
    State(api): State<Api>,
    Caller(actor): Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<ForceMajeureView>>, Problem> {
    let asked = query.asked(|text| ForceMajeureId::parse(text).ok())?;
    let mut tx = api.ctx.store.begin().await?;
    let records = tx
        .interruptions()
        .list_force_majeure(actor.customer, asked.after, asked.to_read())
        .await?;
    Ok(Json(asked.page(
        records,
        |record| record.id.to_string(),
        |record| view_for(&actor, record),
    )))
}

/// Records force majeure with its certificate: lines that it concerns stand still, their terms move by its length.
#[utoipa::path(
    post, path = "/api/v1/force-majeure", tag = "interruptions", request_body = ForceMajeureRequest,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = ForceMajeureView), Refusals)
)]
pub(crate) async fn record_force_majeure(
    State(api): State<Api>,
    Writer(actor): Writer,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let request: ForceMajeureRequest = json_body(&body)?;
    let affected = match &request.affected {
        None => Party::Operator,
        Some(text) => one_of("affected", text, "operator, customer", Party::parse)?,
    };
    let command = RecordForceMajeure {
        affected,
        first_day: request.first_day,
        until: request.until,
        noticed_on: request.noticed_on,
        certificate: request.certificate,
        comment: request.comment,
        customers: ids("customers", &request.customers, CustomerId::parse)?,
        placements: ids("placements", &request.placements, PlacementId::parse)?,
    };
    let mut write = match Write::begin(&api, &actor, "record_force_majeure", &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let record = record_force_majeure_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    write.finish(StatusCode::CREATED, &view_for(&actor, record)).await
}

/// The end of force majeure.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndForceMajeureRequest {
    /// The first day without it.
    until: NaiveDate,
}

/// Says when force majeure ends.
#[utoipa::path(
    post, path = "/api/v1/force-majeure/{force_majeure}/end", tag = "interruptions",
    request_body = EndForceMajeureRequest,
    params(("force_majeure" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = ForceMajeureView), Refusals)
)]
pub(crate) async fn end_force_majeure(
    State(api): State<Api>,
    Writer(actor): Writer,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let id = id_in_path("force majeure", ForceMajeureId::parse(&id))?;
    let request: EndForceMajeureRequest = json_body(&body)?;
    let operation = format!("end_force_majeure {id}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let command = EndForceMajeure {
        id,
        until: request.until,
    };
    let record = end_force_majeure_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    write.finish(StatusCode::OK, &view_for(&actor, record)).await
}

/// A line whose end was moved.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MovedLineView {
    line: String,
    days: u32,
    /// The term in force from now on.
    first_day: NaiveDate,
    last_day: NaiveDate,
}

impl From<MovedLine> for MovedLineView {
    fn from(moved: MovedLine) -> MovedLineView {
        MovedLineView {
            line: moved.line.to_string(),
            days: moved.days,
            first_day: moved.term.first_day(),
            last_day: moved.term.last_day(),
        }
    }
}

/// An outage of a placement.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OutageView {
    id: String,
    placement: String,
    began_at: DateTime<Utc>,
    /// Exclusive.
    ended_at: DateTime<Utc>,
    comment: String,
    recorded_at: DateTime<Utc>,
    recorded_by: String,
}

impl From<OutageRecord> for OutageView {
    fn from(outage: OutageRecord) -> OutageView {
        OutageView {
            id: outage.id.to_string(),
            placement: outage.placement.to_string(),
            began_at: outage.began_at,
            ended_at: outage.ended_at,
            comment: outage.comment,
            recorded_at: outage.recorded_at,
            recorded_by: outage.recorded_by,
        }
    }
}

/// An outage with the period lines that it moved.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RecordedOutageView {
    #[serde(flatten)]
    outage: OutageView,
    moved: Vec<MovedLineView>,
}

/// An outage to be recorded.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutageRequest {
    placement: String,
    began_at: DateTime<Utc>,
    /// Exclusive; may be still to come.
    ended_at: DateTime<Utc>,
    #[serde(default)]
    comment: String,
}

/// Outages, newest first.
#[utoipa::path(
    get, path = "/api/v1/outages", tag = "interruptions", params(PageQuery),
    responses((status = 200, body = Page<OutageView>), Refusals)
)]
pub(crate) async fn list_outages(
    State(api): State<Api>,
    Caller(_): Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<OutageView>>, Problem> {
    let asked = query.asked(|text| OutageId::parse(text).ok())?;
    let mut tx = api.ctx.store.begin().await?;
    let outages = tx.interruptions().outages(asked.after, asked.to_read()).await?;
    Ok(Json(asked.page(
        outages,
        |outage| outage.id.to_string(),
        OutageView::from,
    )))
}

/// Records an outage by the operator's fault: it moves the end of each period line in the placement.
#[utoipa::path(
    post, path = "/api/v1/outages", tag = "interruptions", request_body = OutageRequest,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = RecordedOutageView), Refusals)
)]
pub(crate) async fn record_outage(
    State(api): State<Api>,
    Writer(actor): Writer,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let request: OutageRequest = json_body(&body)?;
    let placement = PlacementId::parse(&request.placement)
        .map_err(|error| Problem::refused("no_such_placement", error.to_string()).field("placement"))?;
    let command = RecordOutage {
        placement,
        began_at: request.began_at,
        ended_at: request.ended_at,
        comment: request.comment,
    };
    let mut write = match Write::begin(&api, &actor, "record_outage", &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let recorded = record_outage_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    let view = RecordedOutageView {
        outage: recorded.outage.into(),
        moved: recorded.moved.into_iter().map(MovedLineView::from).collect(),
    };
    write.finish(StatusCode::CREATED, &view).await
}

/// A claim that paid access was lost.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LostAccessClaimView {
    id: String,
    line: String,
    first_day: NaiveDate,
    last_day: NaiveDate,
    comment: String,
    claimed_at: DateTime<Utc>,
    claimed_by: String,
    /// What the operator found; none while it is open.
    justified: Option<bool>,
}

impl From<ClaimRecord> for LostAccessClaimView {
    fn from(claim: ClaimRecord) -> LostAccessClaimView {
        LostAccessClaimView {
            id: claim.id.to_string(),
            line: claim.line.to_string(),
            first_day: claim.days.first_day(),
            last_day: claim.days.last_day(),
            comment: claim.comment,
            claimed_at: claim.claimed_at,
            claimed_by: claim.claimed_by,
            justified: claim.justified,
        }
    }
}

/// A claim to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LostAccessClaimRequest {
    /// First and last day without access.
    first_day: NaiveDate,
    last_day: NaiveDate,
    /// The circumstances.
    comment: String,
}

/// What the operator finds.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LostAccessDecisionRequest {
    justified: bool,
    /// A claim that isn't justified needs it.
    #[serde(default)]
    comment: String,
}

/// A claim that was decided, with the service when its end was moved.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DecidedClaimView {
    #[serde(flatten)]
    claim: LostAccessClaimView,
    moved: Option<MovedLineView>,
}

/// The claims of a line, newest first.
#[utoipa::path(
    get, path = "/api/v1/lines/{line}/lost-access-claims", tag = "interruptions",
    params(("line" = String, Path), PageQuery),
    responses((status = 200, body = Page<LostAccessClaimView>), Refusals)
)]
pub(crate) async fn list_lost_access_claims(
    State(api): State<Api>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<LostAccessClaimView>>, Problem> {
    let asked = query.asked(|text| LostAccessClaimId::parse(text).ok())?;
    let mut tx = api.ctx.store.begin().await?;
    let (line, _) = own_line(&mut tx, &actor, &id).await?;
    let claims = tx
        .interruptions()
        .claims_of_line(line.id, asked.after, asked.to_read())
        .await?;
    Ok(Json(asked.page(
        claims,
        |claim| claim.id.to_string(),
        LostAccessClaimView::from,
    )))
}

/// Claims that paid access to an additional service was lost for more than one business day.
#[utoipa::path(
    post, path = "/api/v1/lines/{line}/lost-access-claims", tag = "interruptions",
    request_body = LostAccessClaimRequest, params(("line" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = LostAccessClaimView), Refusals)
)]
pub(crate) async fn claim_lost_access(
    State(api): State<Api>,
    Writer(actor): Writer,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let line = id_in_path("line", LineId::parse(&id))?;
    let request: LostAccessClaimRequest = json_body(&body)?;
    let operation = format!("claim_lost_access {line}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let command = ClaimLostAccess {
        line,
        first_day: request.first_day,
        last_day: request.last_day,
        comment: request.comment,
    };
    let claim = claim_lost_access_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    write
        .finish(StatusCode::CREATED, &LostAccessClaimView::from(claim))
        .await
}

/// Decides on a claim; one that is justified moves the end of the service.
#[utoipa::path(
    post, path = "/api/v1/lost-access-claims/{claim}/decision", tag = "interruptions",
    request_body = LostAccessDecisionRequest, params(("claim" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = DecidedClaimView), Refusals)
)]
pub(crate) async fn decide_lost_access(
    State(api): State<Api>,
    Writer(actor): Writer,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let claim = id_in_path("claim", LostAccessClaimId::parse(&id))?;
    let request: LostAccessDecisionRequest = json_body(&body)?;
    let operation = format!("decide_lost_access {claim}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let command = DecideLostAccess {
        claim,
        justified: request.justified,
        comment: request.comment,
    };
    let decided = decide_lost_access_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    let view = DecidedClaimView {
        claim: decided.claim.into(),
        moved: decided.moved.map(MovedLineView::from),
    };
    write.finish(StatusCode::OK, &view).await
}

/// Pauses a line: nodes stop within 5 s; its term doesn't move.
#[utoipa::path(
    post, path = "/api/v1/lines/{line}/pause", tag = "lines",
    params(("line" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = OrderLineView), Refusals)
)]
pub(crate) async fn pause_line(
    State(api): State<Api>,
    Writer(actor): Writer,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let line = id_in_path("line", LineId::parse(&id))?;
    let operation = format!("pause_line {line}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let line = pause_line_in(&mut write.tx, &api.ctx, &actor, line)
        .await
        .map_err(problem)?;
    write.finish(StatusCode::OK, &OrderLineView::from(&line)).await
}

/// Lets a paused line go on.
#[utoipa::path(
    post, path = "/api/v1/lines/{line}/resume", tag = "lines",
    params(("line" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = OrderLineView), Refusals)
)]
pub(crate) async fn resume_line(
    State(api): State<Api>,
    Writer(actor): Writer,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let line = id_in_path("line", LineId::parse(&id))?;
    let operation = format!("resume_line {line}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let line = resume_line_in(&mut write.tx, &api.ctx, &actor, line)
        .await
        .map_err(problem)?;
    write.finish(StatusCode::OK, &OrderLineView::from(&line)).await
}
