//! Payments: recorded by the operator's accountant, listed.

use crate::api::caller::{Caller, Writer};
use crate::api::fields::{field, json_body, money, one_of};
use crate::api::page::{Page, PageQuery};
use crate::api::write::{Begin, Write, problem};
use crate::api::{Api, Refusals};
use crate::app::record_payment::{PaymentRecorded, RecordPayment, record_payment_in};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use chrono::{DateTime, NaiveDate, Utc};
use namoyish_domain::billing::ledger::PaymentMethod;
use namoyish_domain::ids::{CustomerId, PaymentId};
use namoyish_runtime::context::Actor;
use namoyish_runtime::idempotency::{Answer, IdempotencyKey};
use namoyish_runtime::problem::Problem;
use namoyish_storage::registers::PaymentEntry;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

/// A payment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PaymentView {
    id: String,
    customer: String,
    received_on: NaiveDate,
    #[schema(example = "336000.00")]
    amount: String,
    /// bank, cash, click or payme.
    method: String,
    /// Id of the invoice that it named.
    named_invoice: Option<String>,
    reference: String,
    recorded_at: DateTime<Utc>,
    recorded_by: String,
    /// What of it is used: for invoices, claimed penalties and refunds; the rest is free advance.
    allocated: String,
}

impl From<PaymentEntry> for PaymentView {
    fn from(entry: PaymentEntry) -> PaymentView {
        PaymentView {
            id: entry.id.to_string(),
            customer: entry.customer.to_string(),
            received_on: entry.received_on,
            amount: entry.amount.to_string(),
            method: entry.method.name().to_owned(),
            named_invoice: entry.named_invoice.map(|invoice| invoice.to_string()),
            reference: entry.reference,
            recorded_at: entry.recorded_at,
            recorded_by: entry.recorded_by,
            allocated: entry.allocated.to_string(),
        }
    }
}

/// Payments, newest first. A customer's key sees its own.
#[utoipa::path(
    get, path = "/api/v1/payments", tag = "payments", params(PageQuery),
    responses((status = 200, body = Page<PaymentView>), Refusals)
)]
pub(crate) async fn list_payments(
    State(api): State<Api>,
    Caller(actor): Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<PaymentView>>, Problem> {
    let asked = query.asked(|text| PaymentId::parse(text).ok())?;
    let mut tx = api.ctx.store.begin().await?;
    let payments = tx
        .registers()
        .payments(actor.customer, asked.after, asked.to_read())
        .await?;
    Ok(Json(asked.page(
        payments,
        |payment| payment.id.to_string(),
        PaymentView::from,
    )))
}

/// Money that came in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PaymentRequest {
    customer: String,
    #[schema(example = "336000.00")]
    amount: String,
    /// The day on which it reached the operator's account or desk; today when left out.
    received_on: Option<NaiveDate>,
    /// bank (when left out), cash, click or payme.
    method: Option<String>,
    /// Number of the invoice that the payer named.
    named_invoice: Option<String>,
    #[serde(default)]
    reference: String,
}

/// What a payment paid.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RecordedView {
    id: String,
    parts: Vec<PartView>,
    /// What of it is free advance.
    free: String,
}

/// A part of a payment that pays an invoice.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PartView {
    invoice: String,
    allocated_on: NaiveDate,
    amount: String,
}

impl From<PaymentRecorded> for RecordedView {
    fn from(recorded: PaymentRecorded) -> RecordedView {
        let parts = recorded.parts.iter().map(|part| PartView {
            invoice: part.invoice.to_string(),
            allocated_on: part.allocated_on,
            amount: part.amount.to_string(),
        });
        RecordedView {
            id: recorded.payment.to_string(),
            parts: parts.collect(),
            free: recorded.free.to_string(),
        }
    }
}

/// Records a payment and gives it to the invoices: the named one first, then the oldest due.
#[utoipa::path(
    post, path = "/api/v1/payments", tag = "payments", request_body = PaymentRequest,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = RecordedView), Refusals)
)]
pub(crate) async fn record_payment(
    State(api): State<Api>,
    Writer(actor): Writer,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let request: PaymentRequest = json_body(&body)?;
    let command = RecordPayment {
        customer: field("customer", "bad_id", CustomerId::parse(&request.customer))?,
        amount: money("amount", &request.amount)?,
        received_on: request.received_on.unwrap_or_else(|| api.ctx.today()),
        method: match &request.method {
            Some(code) => one_of("method", code, "bank, cash, click, payme", PaymentMethod::parse)?,
            None => PaymentMethod::Bank,
        },
        named_invoice: request.named_invoice,
        reference: request.reference,
        idempotency_key: own_key(&actor, &key),
    };
    let mut write = match Write::begin(&api, &actor, "record_payment", &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let recorded = record_payment_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    write
        .finish(StatusCode::CREATED, &RecordedView::from(recorded))
        .await
}

/// The payment's own key, beside the request's: keys of different clients never meet.
fn own_key(actor: &Actor, key: &IdempotencyKey) -> String {
    let hash = Sha256::new()
        .chain_update(actor.name.as_bytes())
        .chain_update([0])
        .chain_update(key.as_str())
        .finalize();
    format!("api {}", hex::encode(hash))
}
