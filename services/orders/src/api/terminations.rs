//! Ending a contract (orders.md §8): notices of termination, and proposals to end by agreement.

use crate::api::caller::{Caller, Writer};
use crate::api::fields::{id_in_path, json_body, no_such, one_of};
use crate::api::order_blanks::may_see;
use crate::api::page::{Page, PageQuery};
use crate::api::write::{Begin, Write, problem};
use crate::api::{Api, Refusals};
use crate::app::give_notice_of_termination::{GiveNoticeOfTermination, give_notice_of_termination_in};
use crate::app::propose_termination::{ProposeTermination, confirm_termination_in, propose_termination_in};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use chrono::{DateTime, NaiveDate, Utc};
use namoyish_domain::ids::{LineId, NoticeOfTerminationId, OrderBlankId, TerminationProposalId};
use namoyish_domain::orders::line::LINES_MAX;
use namoyish_domain::orders::termination::{Ground, Party, Scope};
use namoyish_runtime::context::Actor;
use namoyish_runtime::idempotency::{Answer, IdempotencyKey};
use namoyish_runtime::problem::Problem;
use namoyish_storage::Tx;
use namoyish_storage::order_blanks::OrderBlank;
use namoyish_storage::terminations::{NoticeRecord, ProposalRecord};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The end of a line.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LineEndView {
    line: String,
    /// The first day without service.
    effective_on: NaiveDate,
}

/// A notice of termination.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NoticeOfTerminationView {
    id: String,
    order_blank: String,
    /// customer or operator.
    by: String,
    /// ordinary, breach, overdue, corruption, agreement or force_majeure.
    ground: String,
    /// contract, lines or additional.
    scope: String,
    /// The day on which it was sent.
    noticed_on: NaiveDate,
    /// The lines that it ends.
    lines: Vec<LineEndView>,
    /// The proposal that it confirms.
    proposal: Option<String>,
    comment: String,
    given_at: DateTime<Utc>,
    given_by: String,
}

impl From<NoticeRecord> for NoticeOfTerminationView {
    fn from(notice: NoticeRecord) -> NoticeOfTerminationView {
        NoticeOfTerminationView {
            id: notice.id.to_string(),
            order_blank: notice.blank.to_string(),
            by: notice.by.code().to_owned(),
            ground: notice.ground.code().to_owned(),
            scope: notice.scope.code().to_owned(),
            noticed_on: notice.noticed_on,
            lines: notice
                .ends
                .into_iter()
                .map(|(line, effective_on)| LineEndView {
                    line: line.to_string(),
                    effective_on,
                })
                .collect(),
            proposal: notice.proposal.map(|id| id.to_string()),
            comment: notice.comment,
            given_at: notice.given_at,
            given_by: notice.given_by,
        }
    }
}

/// A proposal to end by agreement.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TerminationProposalView {
    id: String,
    order_blank: String,
    /// Who proposes; the other party confirms.
    by: String,
    /// contract, lines or additional.
    scope: String,
    lines: Vec<String>,
    /// The first day without service.
    effective_on: NaiveDate,
    comment: String,
    proposed_at: DateTime<Utc>,
    proposed_by: String,
    /// The notice that confirmed it.
    confirmed_by_notice: Option<String>,
}

impl From<ProposalRecord> for TerminationProposalView {
    fn from(proposal: ProposalRecord) -> TerminationProposalView {
        TerminationProposalView {
            id: proposal.id.to_string(),
            order_blank: proposal.blank.to_string(),
            by: proposal.by.code().to_owned(),
            scope: proposal.scope.code().to_owned(),
            lines: proposal.lines.iter().map(ToString::to_string).collect(),
            effective_on: proposal.effective_on,
            comment: proposal.comment,
            proposed_at: proposal.proposed_at,
            proposed_by: proposal.proposed_by,
            confirmed_by_notice: proposal.notice.map(|id| id.to_string()),
        }
    }
}

/// A notice to be given.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TerminationRequest {
    /// customer or operator; the caller's own side when left out.
    by: Option<String>,
    /// ordinary, breach, overdue, corruption, agreement or force_majeure.
    ground: String,
    /// contract (when left out), lines or additional: the additional services alone.
    scope: Option<String>,
    /// The lines of the scope `lines`.
    #[serde(default)]
    #[schema(max_items = 100)]
    lines: Vec<String>,
    /// The day on which a letter was sent that the operator's staff records now; today when left out.
    sent_on: Option<NaiveDate>,
    /// The first day without service, where the ground leaves it open.
    effective_on: Option<NaiveDate>,
    /// Both parties have signed a paper; recorded by the operator's staff.
    #[serde(default)]
    agreed_on_paper: bool,
    /// A breach, the corruption clause and an agreement on paper need it.
    #[serde(default)]
    comment: String,
}

/// A proposal to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TerminationProposalRequest {
    /// contract (when left out), lines or additional.
    scope: Option<String>,
    /// The lines of the scope `lines`.
    #[serde(default)]
    #[schema(max_items = 100)]
    lines: Vec<String>,
    /// The first day without service, today or later.
    effective_on: NaiveDate,
    #[serde(default)]
    comment: String,
}

fn scope_of(text: Option<&str>) -> Result<Scope, Problem> {
    match text {
        None => Ok(Scope::Contract),
        Some(text) => one_of("scope", text, "contract, lines, additional", Scope::parse),
    }
}

/// The chosen lines. An id that is none is a line that the contract doesn't have.
fn lines_of(scope: Scope, lines: &[String]) -> Result<Vec<LineId>, Problem> {
    if lines.len() > LINES_MAX {
        return Err(Problem::refused(
            "too_many_lines",
            format!(
                "{} lines are named; a contract has at most {LINES_MAX}",
                lines.len()
            ),
        )
        .field("lines")
        .limit(LINES_MAX.to_string()));
    }
    if scope != Scope::Lines && !lines.is_empty() {
        return Err(
            Problem::refused("unknown_value", "lines are chosen with the scope `lines` only").field("lines"),
        );
    }
    lines
        .iter()
        .map(|line| {
            LineId::parse(line)
                .map_err(|error| Problem::refused("no_such_line", error.to_string()).field("lines"))
        })
        .collect()
}

fn party_of(actor: &Actor) -> Party {
    if actor.is_operator() {
        Party::Operator
    } else {
        Party::Customer
    }
}

async fn own_blank(tx: &mut Tx, actor: &Actor, id: &str) -> Result<OrderBlank, Problem> {
    let id = id_in_path("order blank", OrderBlankId::parse(id))?;
    tx.order_blanks()
        .find(id)
        .await?
        .filter(|blank| may_see(actor, blank))
        .ok_or_else(|| no_such("order blank"))
}

/// The notices of termination of a contract, newest first.
#[utoipa::path(
    get, path = "/api/v1/order-blanks/{order_blank}/terminations", tag = "terminations",
    params(("order_blank" = String, Path), PageQuery),
    responses((status = 200, body = Page<NoticeOfTerminationView>), Refusals)
)]
pub(crate) async fn list_terminations(
    State(api): State<Api>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<NoticeOfTerminationView>>, Problem> {
    let asked = query.asked(|text| NoticeOfTerminationId::parse(text).ok())?;
    let mut tx = api.ctx.store.begin().await?;
    let blank = own_blank(&mut tx, &actor, &id).await?;
    let notices = tx
        .terminations()
        .of_blank(blank.id, asked.after, asked.to_read())
        .await?;
    Ok(Json(asked.page(
        notices,
        |notice| notice.id.to_string(),
        NoticeOfTerminationView::from,
    )))
}

/// Gives notice of termination: of the whole contract, of chosen lines, or of the additional services alone.
#[utoipa::path(
    post, path = "/api/v1/order-blanks/{order_blank}/terminations", tag = "terminations",
    request_body = TerminationRequest, params(("order_blank" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = NoticeOfTerminationView), Refusals)
)]
pub(crate) async fn give_notice_of_termination(
    State(api): State<Api>,
    Writer(actor): Writer,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let blank = id_in_path("order blank", OrderBlankId::parse(&id))?;
    let request: TerminationRequest = json_body(&body)?;
    let by = match &request.by {
        None => party_of(&actor),
        Some(text) => one_of("by", text, "customer, operator", Party::parse)?,
    };
    let known = "ordinary, breach, overdue, corruption, agreement, force_majeure";
    let ground = one_of("ground", &request.ground, known, Ground::parse)?;
    let scope = scope_of(request.scope.as_deref())?;
    let lines = lines_of(scope, &request.lines)?;
    let operation = format!("give_notice_of_termination {blank}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let command = GiveNoticeOfTermination {
        blank,
        by,
        ground,
        scope,
        lines,
        sent_on: request.sent_on,
        effective_on: request.effective_on,
        agreed_on_paper: request.agreed_on_paper,
        comment: request.comment,
    };
    let notice = give_notice_of_termination_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    write
        .finish(StatusCode::CREATED, &NoticeOfTerminationView::from(notice))
        .await
}

/// The proposals to end a contract by agreement, newest first.
#[utoipa::path(
    get, path = "/api/v1/order-blanks/{order_blank}/termination-proposals", tag = "terminations",
    params(("order_blank" = String, Path), PageQuery),
    responses((status = 200, body = Page<TerminationProposalView>), Refusals)
)]
pub(crate) async fn list_termination_proposals(
    State(api): State<Api>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<TerminationProposalView>>, Problem> {
    let asked = query.asked(|text| TerminationProposalId::parse(text).ok())?;
    let mut tx = api.ctx.store.begin().await?;
    let blank = own_blank(&mut tx, &actor, &id).await?;
    let proposals = tx
        .terminations()
        .proposals_of_blank(blank.id, asked.after, asked.to_read())
        .await?;
    Ok(Json(asked.page(
        proposals,
        |proposal| proposal.id.to_string(),
        TerminationProposalView::from,
    )))
}

/// Proposes to end by agreement; the other party confirms.
#[utoipa::path(
    post, path = "/api/v1/order-blanks/{order_blank}/termination-proposals", tag = "terminations",
    request_body = TerminationProposalRequest,
    params(("order_blank" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = TerminationProposalView), Refusals)
)]
pub(crate) async fn propose_termination(
    State(api): State<Api>,
    Writer(actor): Writer,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let blank = id_in_path("order blank", OrderBlankId::parse(&id))?;
    let request: TerminationProposalRequest = json_body(&body)?;
    let scope = scope_of(request.scope.as_deref())?;
    let lines = lines_of(scope, &request.lines)?;
    let operation = format!("propose_termination {blank}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let command = ProposeTermination {
        blank,
        scope,
        lines,
        effective_on: request.effective_on,
        comment: request.comment,
    };
    let proposal = propose_termination_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    write
        .finish(StatusCode::CREATED, &TerminationProposalView::from(proposal))
        .await
}

/// Confirms the other party's proposal: the contract ends on its day.
#[utoipa::path(
    post, path = "/api/v1/termination-proposals/{proposal}/confirm", tag = "terminations",
    params(("proposal" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = NoticeOfTerminationView), Refusals)
)]
pub(crate) async fn confirm_termination(
    State(api): State<Api>,
    Writer(actor): Writer,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let proposal = id_in_path("proposal", TerminationProposalId::parse(&id))?;
    let operation = format!("confirm_termination {proposal}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let notice = confirm_termination_in(&mut write.tx, &api.ctx, &actor, proposal)
        .await
        .map_err(problem)?;
    write
        .finish(StatusCode::CREATED, &NoticeOfTerminationView::from(notice))
        .await
}
