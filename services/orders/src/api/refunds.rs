//! Settlements of ended contracts, refunds, and reconciliation acts that come back (billing.md §7–§8; orders.md §8).

use crate::api::caller::{Caller, Writer};
use crate::api::fields::{id_in_path, json_body, money, no_such};
use crate::api::page::{Page, PageQuery};
use crate::api::write::{Begin, Write, problem};
use crate::api::{Api, Refusals};
use crate::app::pay_refund::{PayRefund, pay_refund_in};
use crate::app::record_act_return::{RecordActReturn, record_act_return_in};
use crate::app::request_refund::{
    CancelRefund, RequestRefund, cancel_refund_in, refundable_in, request_refund_in,
};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use chrono::{DateTime, NaiveDate, Utc};
use namoyish_domain::billing::reconciliation_act::Comparison;
use namoyish_domain::ids::{CustomerId, DocumentId, OrderBlankId, RefundId};
use namoyish_runtime::idempotency::{Answer, IdempotencyKey};
use namoyish_runtime::problem::Problem;
use namoyish_storage::reconciliation_acts::ActRecord;
use namoyish_storage::refunds::RefundRecord;
use namoyish_storage::settlements::Settlement;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The settlement of a contract's ended lines.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SettlementView {
    order_blank: String,
    contract_number: String,
    customer: String,
    /// The first day without service.
    ended_on: NaiveDate,
    /// Whether lines were terminated before their term was over.
    early: bool,
    /// Whether the whole order blank was over.
    whole: bool,
    /// Refund or debt is settled by this day.
    due_on: NaiveDate,
    /// What payments held on the blank's invoices.
    paid: String,
    /// What the blank rendered, with VAT.
    rendered: String,
    /// What may be refunded of it.
    surplus: String,
    /// What the customer still owed.
    debt: String,
    made_at: DateTime<Utc>,
}

impl From<Settlement> for SettlementView {
    fn from(settlement: Settlement) -> SettlementView {
        SettlementView {
            order_blank: settlement.blank.to_string(),
            contract_number: settlement.contract_number,
            customer: settlement.customer.to_string(),
            ended_on: settlement.ended_on,
            early: settlement.early,
            whole: settlement.whole,
            due_on: settlement.due_on,
            paid: settlement.paid.to_string(),
            rendered: settlement.rendered.to_string(),
            surplus: settlement.surplus.to_string(),
            debt: settlement.debt.to_string(),
            made_at: settlement.made_at,
        }
    }
}

/// `next` of a page of settlements: blank and end.
fn settlement_cursor(text: &str) -> Option<(OrderBlankId, NaiveDate)> {
    let (blank, ended_on) = text.split_once('.')?;
    Some((OrderBlankId::parse(blank).ok()?, ended_on.parse().ok()?))
}

/// Settlements of ended contracts. A customer's key sees its own.
#[utoipa::path(
    get, path = "/api/v1/settlements", tag = "settlement", params(PageQuery),
    responses((status = 200, body = Page<SettlementView>), Refusals)
)]
pub(crate) async fn list_settlements(
    State(api): State<Api>,
    Caller(actor): Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<SettlementView>>, Problem> {
    let asked = query.asked(settlement_cursor)?;
    let mut tx = api.ctx.store.begin().await?;
    let settlements = tx
        .settlements()
        .page(actor.customer, asked.after, asked.to_read())
        .await?;
    Ok(Json(asked.page(
        settlements,
        |settlement| format!("{}.{}", settlement.blank, settlement.ended_on),
        SettlementView::from,
    )))
}

/// What could be given back to a customer now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RefundableView {
    /// How much, if nothing speaks against it.
    #[schema(example = "2016000.00")]
    amount: String,
    /// What the customer owes under all its contracts; with a debt nothing is given back.
    debt: String,
    /// The end of a contract that is ending: what it leaves is known then.
    ends_on: Option<NaiveDate>,
    /// Whether the customer has a settlement account to pay to.
    has_account: bool,
}

/// What could be given back to a customer now, and what speaks against it.
#[utoipa::path(
    get, path = "/api/v1/customers/{customer}/refundable", tag = "settlement", params(("customer" = String, Path)),
    responses((status = 200, body = RefundableView), Refusals)
)]
pub(crate) async fn get_refundable(
    State(api): State<Api>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Json<RefundableView>, Problem> {
    let customer = id_in_path("customer", CustomerId::parse(&id))?;
    if !actor.may_see(customer) {
        return Err(no_such("customer"));
    }
    let mut tx = api.ctx.store.begin().await?;
    let refundable = refundable_in(&mut tx, &api.ctx, customer)
        .await
        .map_err(problem)?;
    Ok(Json(RefundableView {
        amount: refundable.amount.to_string(),
        debt: refundable.debt.to_string(),
        ends_on: refundable.ends_on,
        has_account: refundable.has_account,
    }))
}

/// A refund.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RefundView {
    id: String,
    customer: String,
    requested_at: DateTime<Utc>,
    requested_on: NaiveDate,
    requested_by: String,
    /// The end of the contract that it waits for.
    waits_until: Option<NaiveDate>,
    /// The last day for paying it.
    due_on: NaiveDate,
    /// requested, fixed, paid, cancelled or refused.
    state: String,
    /// Once it is fixed.
    amount: Option<String>,
    /// Number of its document, once it is fixed.
    document_number: Option<String>,
    /// The customer's own account, as it was when the sum was fixed.
    settlement_account: Option<String>,
    mfo: Option<String>,
    paid_on: Option<NaiveDate>,
    bank_reference: String,
    /// Code of the refusal.
    reason: String,
}

impl From<RefundRecord> for RefundView {
    fn from(refund: RefundRecord) -> RefundView {
        RefundView {
            id: refund.id.to_string(),
            customer: refund.customer.to_string(),
            requested_at: refund.requested_at,
            requested_on: refund.requested_on,
            requested_by: refund.requested_by,
            waits_until: refund.waits_until,
            due_on: refund.due_on,
            state: refund.state.name().to_owned(),
            amount: refund.amount.map(|amount| amount.to_string()),
            document_number: refund.document_number,
            settlement_account: refund.settlement_account,
            mfo: refund.mfo,
            paid_on: refund.paid_on,
            bank_reference: refund.bank_reference,
            reason: refund.reason,
        }
    }
}

/// Refunds, newest first. A customer's key sees its own.
#[utoipa::path(
    get, path = "/api/v1/refunds", tag = "settlement", params(PageQuery),
    responses((status = 200, body = Page<RefundView>), Refusals)
)]
pub(crate) async fn list_refunds(
    State(api): State<Api>,
    Caller(actor): Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<RefundView>>, Problem> {
    let asked = query.asked(|text| RefundId::parse(text).ok())?;
    let mut tx = api.ctx.store.begin().await?;
    let refunds = tx
        .refunds()
        .page(actor.customer, asked.after, asked.to_read())
        .await?;
    Ok(Json(asked.page(
        refunds,
        |refund| refund.id.to_string(),
        RefundView::from,
    )))
}

/// Nothing to say.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NothingRequest {}

/// Asks for a customer's unused advance back. The sum is fixed when every contract that is ending has ended.
#[utoipa::path(
    post, path = "/api/v1/customers/{customer}/refunds", tag = "settlement", request_body = NothingRequest,
    params(("customer" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = RefundView), Refusals)
)]
pub(crate) async fn request_refund(
    State(api): State<Api>,
    Writer(actor): Writer,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let customer = id_in_path("customer", CustomerId::parse(&id))?;
    let NothingRequest {} = json_body(&body)?;
    let operation = format!("request_refund {customer}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let requested = request_refund_in(&mut write.tx, &api.ctx, &actor, RequestRefund { customer })
        .await
        .map_err(problem)?;
    let refund = write.tx.refunds().find(requested.refund).await?;
    let refund = refund.ok_or_else(|| no_such("refund"))?;
    write.finish(StatusCode::CREATED, &RefundView::from(refund)).await
}

/// Takes a request back, or (the operator's accountant) calls a fixed refund off.
#[utoipa::path(
    post, path = "/api/v1/refunds/{refund}/cancellation", tag = "settlement", request_body = NothingRequest,
    params(("refund" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = RefundView), Refusals)
)]
pub(crate) async fn cancel_refund(
    State(api): State<Api>,
    Writer(actor): Writer,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let refund = id_in_path("refund", RefundId::parse(&id))?;
    let NothingRequest {} = json_body(&body)?;
    let operation = format!("cancel_refund {refund}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    cancel_refund_in(&mut write.tx, &api.ctx, &actor, CancelRefund { refund })
        .await
        .map_err(problem)?;
    let record = write.tx.refunds().find(refund).await?;
    let record = record.ok_or_else(|| no_such("refund"))?;
    write.finish(StatusCode::OK, &RefundView::from(record)).await
}

/// How a refund was paid.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefundPaymentRequest {
    /// The day on which the bank paid; today when left out.
    paid_on: Option<NaiveDate>,
    /// The bank's reference, such as the number of the payment order.
    bank_reference: String,
}

/// Records that a refund was paid to the customer's own account.
#[utoipa::path(
    post, path = "/api/v1/refunds/{refund}/payment", tag = "settlement", request_body = RefundPaymentRequest,
    params(("refund" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = RefundView), Refusals)
)]
pub(crate) async fn pay_refund(
    State(api): State<Api>,
    Writer(actor): Writer,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let refund = id_in_path("refund", RefundId::parse(&id))?;
    let request: RefundPaymentRequest = json_body(&body)?;
    let command = PayRefund {
        refund,
        paid_on: request.paid_on.unwrap_or_else(|| api.ctx.today()),
        bank_reference: request.bank_reference,
    };
    let operation = format!("pay_refund {refund}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    pay_refund_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    let record = write.tx.refunds().find(refund).await?;
    let record = record.ok_or_else(|| no_such("refund"))?;
    write.finish(StatusCode::OK, &RefundView::from(record)).await
}

/// A reconciliation act and what came back of it. Balances: more than nothing is what the customer owes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReconciliationActView {
    /// Its document.
    document: String,
    number: String,
    customer: String,
    /// quarter, half_year, nine_months, year or contract_end.
    occasion: String,
    first_day: NaiveDate,
    last_day: NaiveDate,
    issued_on: NaiveDate,
    opening: String,
    debit: String,
    credit: String,
    closing: String,
    /// The last day for sending it.
    send_by: NaiveDate,
    sent_on: Option<NaiveDate>,
    returned_on: Option<NaiveDate>,
    /// Closing balance by the customer's books.
    customer_balance: Option<String>,
    /// Whether both books say the same.
    agreed: Option<bool>,
    note: Option<String>,
}

impl From<ActRecord> for ReconciliationActView {
    fn from(record: ActRecord) -> ReconciliationActView {
        let returned = record.returned;
        ReconciliationActView {
            document: record.act.document.to_string(),
            number: record.number,
            customer: record.act.customer.to_string(),
            occasion: record.act.occasion.name().to_owned(),
            first_day: record.act.interval.first_day,
            last_day: record.act.interval.last_day,
            issued_on: record.issued_on,
            opening: record.act.opening.to_string(),
            debit: record.act.debit.to_string(),
            credit: record.act.credit.to_string(),
            closing: record.act.closing.to_string(),
            send_by: record.act.send_by,
            sent_on: record.sent_on,
            returned_on: returned.as_ref().map(|returned| returned.returned_on),
            customer_balance: returned
                .as_ref()
                .map(|returned| returned.customer_balance.to_string()),
            agreed: returned.as_ref().map(|returned| returned.agreed),
            note: returned.map(|returned| returned.note),
        }
    }
}

/// Reconciliation acts, newest first. A customer's key sees its own.
#[utoipa::path(
    get, path = "/api/v1/reconciliation-acts", tag = "settlement", params(PageQuery),
    responses((status = 200, body = Page<ReconciliationActView>), Refusals)
)]
pub(crate) async fn list_acts(
    State(api): State<Api>,
    Caller(actor): Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<ReconciliationActView>>, Problem> {
    let asked = query.asked(|text| DocumentId::parse(text).ok())?;
    let mut tx = api.ctx.store.begin().await?;
    let acts = tx
        .reconciliation_acts()
        .page(actor.customer, asked.after, asked.to_read())
        .await?;
    Ok(Json(asked.page(
        acts,
        |record| record.act.document.to_string(),
        ReconciliationActView::from,
    )))
}

/// An act that came back signed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActReturnRequest {
    /// When; today when left out.
    returned_on: Option<NaiveDate>,
    /// Closing balance by the customer's books, more than nothing when it owes; left out when it agrees.
    #[schema(example = "-2016000.00")]
    customer_balance: Option<String>,
    #[serde(default)]
    note: String,
}

/// What the comparison says.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActComparisonView {
    agreed: bool,
    /// The customer's figure less the operator's.
    discrepancy: String,
}

/// Records that an act came back signed, with the customer's own figure where it differs.
#[utoipa::path(
    post, path = "/api/v1/reconciliation-acts/{document}/return", tag = "settlement", request_body = ActReturnRequest,
    params(("document" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = ActComparisonView), Refusals)
)]
pub(crate) async fn record_act_return(
    State(api): State<Api>,
    Writer(actor): Writer,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let document = id_in_path("document", DocumentId::parse(&id))?;
    let request: ActReturnRequest = json_body(&body)?;
    let customer_balance = match &request.customer_balance {
        None => None,
        Some(text) => Some(money("customer_balance", text)?),
    };
    let command = RecordActReturn {
        document,
        returned_on: request.returned_on.unwrap_or_else(|| api.ctx.today()),
        customer_balance,
        note: request.note,
    };
    let operation = format!("record_act_return {document}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let compared = record_act_return_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    let view = match compared {
        Comparison::Agreed => ActComparisonView {
            agreed: true,
            discrepancy: "0.00".to_owned(),
        },
        Comparison::Discrepancy(difference) => ActComparisonView {
            agreed: false,
            discrepancy: difference.to_string(),
        },
    };
    write.finish(StatusCode::OK, &view).await
}
