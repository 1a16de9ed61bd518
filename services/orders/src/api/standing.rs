//! Suspending a customer, and a person's consent to the processing of its data (orders.md §5) [003 §4.2.1].

use crate::api::caller::Writer;
use crate::api::customers::CustomerView;
use crate::api::fields::{id_in_path, json_body};
use crate::api::write::{Begin, Write, problem};
use crate::api::{Api, Refusals};
use crate::app::suspend_customer::{ChangeStanding, Standing, change_standing_in};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use namoyish_domain::ids::CustomerId;
use namoyish_runtime::context::Actor;
use namoyish_runtime::idempotency::{Answer, IdempotencyKey};
use namoyish_runtime::problem::Problem;
use serde::Deserialize;
use utoipa::ToSchema;

/// Why.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StandingRequest {
    /// A suspension needs it.
    #[serde(default)]
    reason: String,
}

async fn change(
    api: Api,
    actor: Actor,
    id: String,
    key: IdempotencyKey,
    body: Bytes,
    standing: Standing,
) -> Result<Answer, Problem> {
    let customer = id_in_path("customer", CustomerId::parse(&id))?;
    let request: StandingRequest = json_body(&body)?;
    let operation = format!("{standing:?} {customer}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let command = ChangeStanding {
        customer,
        standing,
        reason: request.reason,
    };
    let customer = change_standing_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    write.finish(StatusCode::OK, &CustomerView::from(customer)).await
}

/// Suspends a customer: none of its lines is served.
#[utoipa::path(
    post, path = "/api/v1/customers/{customer}/suspend", tag = "customers", request_body = StandingRequest,
    params(("customer" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = CustomerView), Refusals)
)]
pub(crate) async fn suspend_customer(
    State(api): State<Api>,
    Writer(actor): Writer,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    change(api, actor, id, key, body, Standing::Suspend).await
}

/// Lets a suspended customer's lines go on.
#[utoipa::path(
    post, path = "/api/v1/customers/{customer}/reinstate", tag = "customers", request_body = StandingRequest,
    params(("customer" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = CustomerView), Refusals)
)]
pub(crate) async fn reinstate_customer(
    State(api): State<Api>,
    Writer(actor): Writer,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    change(api, actor, id, key, body, Standing::Reinstate).await
}

/// A person withdraws the consent to the processing of its data: none of its lines is served.
#[utoipa::path(
    post, path = "/api/v1/customers/{customer}/withdraw-consent", tag = "customers", request_body = StandingRequest,
    params(("customer" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = CustomerView), Refusals)
)]
pub(crate) async fn withdraw_consent(
    State(api): State<Api>,
    Writer(actor): Writer,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    change(api, actor, id, key, body, Standing::WithdrawConsent).await
}

/// A person gives the consent again.
#[utoipa::path(
    post, path = "/api/v1/customers/{customer}/restore-consent", tag = "customers", request_body = StandingRequest,
    params(("customer" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = CustomerView), Refusals)
)]
pub(crate) async fn restore_consent(
    State(api): State<Api>,
    Writer(actor): Writer,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    change(api, actor, id, key, body, Standing::RestoreConsent).await
}
