//! Acceptance of the public offer, and additional services used without a signed blank (orders.md §2–3) [003 §5.2].

use crate::api::caller::{Caller, CallerAddress, Writer};
use crate::api::fields::{decimal, field, id_in_path, json_body, no_such};
use crate::api::order_blanks::{OrderBlankView, OrderLineRequest, may_see};
use crate::api::write::{Begin, Write, problem};
use crate::api::{Api, Refusals};
use crate::app::accept_public_offer::{AcceptPublicOffer, Accepted, accept_public_offer_in};
use crate::app::use_additional_service::{UseAdditionalService, use_additional_service_in};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use chrono::{DateTime, NaiveDate, Utc};
use namoyish_domain::ids::{CustomerId, OrderBlankId};
use namoyish_domain::orders::line::LINES_MAX;
use namoyish_runtime::idempotency::{Answer, IdempotencyKey};
use namoyish_runtime::problem::Problem;
use namoyish_storage::acceptances::Acceptance;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who accepted the public offer, when and from where.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AcceptanceView {
    order_blank: String,
    /// acceptance, or use_of_service.
    how: String,
    rules_edition: i32,
    rules_sha256: String,
    accepted_at: DateTime<Utc>,
    accepted_by: String,
    /// The caller's address; empty when the operator recorded a use.
    accepted_from: String,
    /// The day on which a service was used.
    used_on: Option<NaiveDate>,
}

impl From<Acceptance> for AcceptanceView {
    fn from(acceptance: Acceptance) -> AcceptanceView {
        AcceptanceView {
            order_blank: acceptance.blank.to_string(),
            how: acceptance.how.code().to_owned(),
            rules_edition: acceptance.rules_edition,
            rules_sha256: acceptance.rules_sha256,
            accepted_at: acceptance.accepted_at,
            accepted_by: acceptance.accepted_by,
            accepted_from: acceptance.accepted_from,
            used_on: acceptance.used_on,
        }
    }
}

/// A contract made by acceptance, with its invoices.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AcceptedView {
    acceptance: AcceptanceView,
    order_blank: OrderBlankView,
    invoices: Vec<String>,
}

impl From<Accepted> for AcceptedView {
    fn from(accepted: Accepted) -> AcceptedView {
        AcceptedView {
            acceptance: accepted.acceptance.into(),
            order_blank: accepted.signed.blank.into(),
            invoices: accepted.signed.invoices.iter().map(ToString::to_string).collect(),
        }
    }
}

/// What is accepted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcceptanceRequest {
    customer: String,
    /// The edition of the rules that was read: the one in force.
    rules_edition: i32,
    /// SHA-256 of its text, hexadecimal.
    #[schema(max_length = 64)]
    rules_sha256: String,
    /// Services of the price list in force, at its prices.
    #[schema(min_items = 1, max_items = 100)]
    lines: Vec<OrderLineRequest>,
}

/// Accepts the public offer without an order blank of its own. Only the customer's owner may.
#[utoipa::path(
    post, path = "/api/v1/offer-acceptances", tag = "public offer", request_body = AcceptanceRequest,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = AcceptedView), Refusals)
)]
pub(crate) async fn accept_public_offer(
    State(api): State<Api>,
    Writer(actor): Writer,
    CallerAddress(address): CallerAddress,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let request: AcceptanceRequest = json_body(&body)?;
    let customer = field("customer", "bad_id", CustomerId::parse(&request.customer))?;
    let lines = request
        .lines
        .into_iter()
        .take(LINES_MAX + 1)
        .enumerate()
        .map(|(index, line)| line.line(&format!("lines[{}].", index + 1)))
        .collect::<Result<_, _>>()?;
    let command = AcceptPublicOffer {
        customer,
        rules_edition: request.rules_edition,
        rules_sha256: request.rules_sha256,
        lines,
        accepted_from: address,
    };
    let mut write = match Write::begin(&api, &actor, "accept_public_offer", &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let accepted = accept_public_offer_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    write
        .finish(StatusCode::CREATED, &AcceptedView::from(accepted))
        .await
}

/// What was used.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServiceUseRequest {
    customer: String,
    /// Code of an additional service in the price list of the day.
    item: String,
    /// "1" when left out.
    #[schema(example = "1")]
    quantity: Option<String>,
    /// Today when left out; in the current reporting period.
    day: Option<NaiveDate>,
}

/// Records that an additional service was used without a signed blank. It is charged at the price list of the day.
#[utoipa::path(
    post, path = "/api/v1/service-uses", tag = "public offer", request_body = ServiceUseRequest,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = AcceptedView), Refusals)
)]
pub(crate) async fn use_service(
    State(api): State<Api>,
    Writer(actor): Writer,
    CallerAddress(address): CallerAddress,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let request: ServiceUseRequest = json_body(&body)?;
    let command = UseAdditionalService {
        customer: field("customer", "bad_id", CustomerId::parse(&request.customer))?,
        item: request.item,
        quantity: decimal("quantity", request.quantity.as_deref().unwrap_or("1"))?,
        day: request.day,
        used_from: if actor.is_operator() {
            String::new()
        } else {
            address
        },
    };
    let mut write = match Write::begin(&api, &actor, "use_service", &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let accepted = use_additional_service_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    write
        .finish(StatusCode::CREATED, &AcceptedView::from(accepted))
        .await
}

/// The acceptance that made a contract. None: it was signed.
#[utoipa::path(
    get, path = "/api/v1/order-blanks/{order_blank}/acceptance", tag = "public offer",
    params(("order_blank" = String, Path)),
    responses((status = 200, body = AcceptanceView), Refusals)
)]
pub(crate) async fn get_acceptance(
    State(api): State<Api>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Json<AcceptanceView>, Problem> {
    let id = id_in_path("order blank", OrderBlankId::parse(&id))?;
    let mut tx = api.ctx.store.begin().await?;
    let blank = tx.order_blanks().find(id).await?;
    blank
        .filter(|blank| may_see(&actor, blank))
        .ok_or_else(|| no_such("order blank"))?;
    let acceptance = tx.acceptances().find(id).await?;
    acceptance
        .map(|acceptance| Json(acceptance.into()))
        .ok_or_else(|| no_such("acceptance"))
}
