//! More budget for a media line: asking for it, and what became of each request (orders.md §6).

use crate::api::caller::{Caller, Writer};
use crate::api::fields::{id_in_path, json_body, money};
use crate::api::lines::own_line;
use crate::api::page::{Page, PageQuery};
use crate::api::write::{Begin, Write, problem};
use crate::api::{Api, Refusals};
use crate::app::increase_budget::{IncreaseBudget, increase_budget_in};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use chrono::{DateTime, NaiveDate, Utc};
use namoyish_domain::ids::{BudgetIncreaseId, LineId};
use namoyish_runtime::idempotency::{Answer, IdempotencyKey};
use namoyish_runtime::problem::Problem;
use namoyish_storage::budget_increases::BudgetIncrease;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// More budget.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BudgetIncreaseRequest {
    /// Net of VAT; of a monthly budget: for each month from the current one on.
    #[schema(example = "100000.00")]
    amount: String,
}

/// A request of more budget.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BudgetIncreaseView {
    id: String,
    line: String,
    /// What is added, net; each month for a monthly budget.
    amount: String,
    /// The added sum with VAT that is paid before the budget is raised: of a monthly budget, one month's.
    gross: String,
    /// Of it, from free advance.
    from_free_advance: String,
    /// Of it, from money paid in for later months of the line.
    from_later_months: String,
    /// Of it, still to be paid in when it was asked for.
    missing: String,
    /// Last day for the missing sum; unpaid then, the request lapses.
    due_on: NaiveDate,
    /// pending, in_force or lapsed.
    state: String,
    requested_at: DateTime<Utc>,
    requested_by: String,
    /// When it came into force or lapsed.
    decided_at: Option<DateTime<Utc>>,
    /// The first month with the new budget, of a monthly one.
    period: Option<String>,
    budget_before: Option<String>,
    budget_after: Option<String>,
}

impl From<BudgetIncrease> for BudgetIncreaseView {
    fn from(request: BudgetIncrease) -> BudgetIncreaseView {
        let (before, after) = match request.budgets {
            Some((before, after)) => (Some(before.to_string()), Some(after.to_string())),
            None => (None, None),
        };
        BudgetIncreaseView {
            id: request.id.to_string(),
            line: request.line.to_string(),
            amount: request.amount.to_string(),
            gross: request.gross.to_string(),
            from_free_advance: request.covered.to_string(),
            from_later_months: request.borrowed.to_string(),
            missing: request.missing.to_string(),
            due_on: request.due_on,
            state: request.state.code().to_owned(),
            requested_at: request.requested_at,
            requested_by: request.requested_by,
            decided_at: request.decided_at,
            period: request.period.map(|period| period.to_string()),
            budget_before: before,
            budget_after: after,
        }
    }
}

/// A request as it was answered, with the invoice to pay.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BudgetIncreasedView {
    #[serde(flatten)]
    request: BudgetIncreaseView,
    /// Number of the invoice over the missing sum; none when the new budget is in force.
    invoice_to_pay: Option<String>,
}

/// Asks for more budget. Free advance covers it: in force at once, and in every serving node within 5 s. Else an invoice over
/// the missing sum is issued, due in 30 calendar days; the budget is raised when it is paid.
#[utoipa::path(
    post, path = "/api/v1/lines/{line}/budget-increases", tag = "lines", request_body = BudgetIncreaseRequest,
    params(("line" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = BudgetIncreasedView), Refusals)
)]
pub(crate) async fn increase_budget(
    State(api): State<Api>,
    Writer(actor): Writer,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let line = id_in_path("line", LineId::parse(&id))?;
    let request: BudgetIncreaseRequest = json_body(&body)?;
    let amount = money("amount", &request.amount)?;
    let operation = format!("increase_budget {line}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let increased = increase_budget_in(&mut write.tx, &api.ctx, &actor, IncreaseBudget { line, amount })
        .await
        .map_err(problem)?;
    let view = BudgetIncreasedView {
        request: BudgetIncreaseView::from(increased.request),
        invoice_to_pay: increased.to_pay.map(|(_, number)| number),
    };
    write.finish(StatusCode::CREATED, &view).await
}

/// The requests of a line, the newest first.
#[utoipa::path(
    get, path = "/api/v1/lines/{line}/budget-increases", tag = "lines", params(("line" = String, Path), PageQuery),
    responses((status = 200, body = Page<BudgetIncreaseView>), Refusals)
)]
pub(crate) async fn list_budget_increases(
    State(api): State<Api>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<BudgetIncreaseView>>, Problem> {
    let asked = query.asked(|text| BudgetIncreaseId::parse(text).ok())?;
    let mut tx = api.ctx.store.begin().await?;
    let (line, _) = own_line(&mut tx, &actor, &id).await?;
    drop(tx);
    let requests = api
        .ctx
        .store
        .budget_increases_of(line.id, asked.after, asked.to_read())
        .await?;
    Ok(Json(asked.page(
        requests,
        |request| request.id.to_string(),
        BudgetIncreaseView::from,
    )))
}
