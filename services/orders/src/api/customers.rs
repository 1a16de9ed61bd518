//! Customers. A customer's own key sees itself and no other.

use crate::api::caller::{Caller, Writer};
use crate::api::fields::{field, id_in_path, json_body, no_such};
use crate::api::page::{Page, PageQuery};
use crate::api::write::{Begin, Write, problem};
use crate::api::{Api, Refusals};
use crate::app::change_customer::{ChangeCustomer, change_customer_in};
use crate::app::register_customer::{RegisterCustomer, register_customer_in};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use namoyish_documents::Language;
use namoyish_domain::ids::CustomerId;
use namoyish_domain::orders::customer::CustomerForm;
use namoyish_runtime::idempotency::{Answer, IdempotencyKey};
use namoyish_runtime::problem::Problem;
use namoyish_storage::customers::{Customer, RequisitesChange};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A customer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CustomerView {
    #[schema(example = "cus_01928c7e6d5a7b3e8f90123456789abc")]
    id: String,
    code: String,
    /// legal_entity, sole_trader or person.
    kind: String,
    name: String,
    stir: Option<String>,
    pinfl: Option<String>,
    address: String,
    bank_name: Option<String>,
    mfo: Option<String>,
    settlement_account: Option<String>,
    oked: Option<String>,
    vat_code: Option<String>,
    email: String,
    phone: String,
    signatory: String,
    authority: String,
    category: String,
    language: String,
    suspended_at: Option<DateTime<Utc>>,
    consent_withdrawn_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl From<Customer> for CustomerView {
    fn from(customer: Customer) -> CustomerView {
        let own = customer.requisites;
        let (bank_name, mfo, account) = match own.bank {
            Some(bank) => (
                Some(bank.bank_name),
                Some(bank.mfo.to_string()),
                Some(bank.account.to_string()),
            ),
            None => (None, None, None),
        };
        CustomerView {
            id: customer.id.to_string(),
            code: customer.code,
            kind: own.kind.code().to_owned(),
            name: own.name,
            stir: own.stir.map(|stir| stir.to_string()),
            pinfl: own.pinfl.map(|pinfl| pinfl.to_string()),
            address: own.address,
            bank_name,
            mfo,
            settlement_account: account,
            oked: own.oked.map(|oked| oked.to_string()),
            vat_code: own.vat_code.map(|code| code.to_string()),
            email: own.email.to_string(),
            phone: own.phone.to_string(),
            signatory: own.signatory,
            authority: own.authority,
            category: customer.category,
            language: customer.language,
            suspended_at: customer.suspended_at,
            consent_withdrawn_at: customer.consent_withdrawn_at,
            created_at: customer.created_at,
        }
    }
}

/// Whom to register. A legal entity has `stir` and an account, a sole trader `stir` or `pinfl`, a person `pinfl`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CustomerRequest {
    /// Short name; the next number when left out.
    code: Option<String>,
    /// legal_entity, sole_trader or person.
    kind: String,
    name: String,
    /// 9 digits.
    #[serde(default)]
    stir: String,
    /// 14 digits with a check digit.
    #[serde(default)]
    pinfl: String,
    address: String,
    #[serde(default)]
    bank_name: String,
    /// 5 digits.
    #[serde(default)]
    mfo: String,
    /// 20 digits, currency 000.
    #[serde(default)]
    settlement_account: String,
    #[serde(default)]
    oked: String,
    #[serde(default)]
    vat_code: String,
    email: String,
    /// 998 and nine digits.
    phone: String,
    signatory: String,
    /// By what right the signatory signs.
    authority: String,
    /// "regular" when left out.
    category: Option<String>,
    /// uz-Latn (when left out), uz-Cyrl, ru or en.
    language: Option<String>,
}

impl CustomerRequest {
    fn language(&self) -> Result<Option<Language>, Problem> {
        self.language
            .as_deref()
            .map(|code| field("language", "unknown_value", Language::parse(code)))
            .transpose()
    }

    fn change(self, customer: CustomerId) -> Result<ChangeCustomer, Problem> {
        if self.code.is_some() {
            return Err(Problem::refused("code_stays", "a customer keeps its code").field("code"));
        }
        Ok(ChangeCustomer {
            customer,
            category: self.category.clone(),
            language: self.language()?,
            form: self.form(),
        })
    }

    fn command(self) -> Result<RegisterCustomer, Problem> {
        Ok(RegisterCustomer {
            code: self.code.clone(),
            category: self.category.clone().unwrap_or_else(|| "regular".to_owned()),
            language: self.language()?.unwrap_or(Language::UzLatn),
            form: self.form(),
        })
    }

    fn form(self) -> CustomerForm {
        CustomerForm {
            kind: self.kind,
            name: self.name,
            stir: self.stir,
            pinfl: self.pinfl,
            address: self.address,
            bank_name: self.bank_name,
            mfo: self.mfo,
            settlement_account: self.settlement_account,
            oked: self.oked,
            vat_code: self.vat_code,
            email: self.email,
            phone: self.phone,
            signatory: self.signatory,
            authority: self.authority,
        }
    }
}

/// Customers, oldest first.
#[utoipa::path(
    get, path = "/api/v1/customers", tag = "customers", params(PageQuery),
    responses((status = 200, body = Page<CustomerView>), Refusals)
)]
pub(crate) async fn list_customers(
    State(api): State<Api>,
    Caller(actor): Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<CustomerView>>, Problem> {
    let asked = query.asked(|text| CustomerId::parse(text).ok())?;
    let mut tx = api.ctx.store.begin().await?;
    let customers = tx
        .customers()
        .list(asked.after, asked.to_read(), actor.customer)
        .await?;
    Ok(Json(asked.page(
        customers,
        |customer| customer.id.to_string(),
        CustomerView::from,
    )))
}

/// A customer.
#[utoipa::path(
    get, path = "/api/v1/customers/{customer}", tag = "customers", params(("customer" = String, Path)),
    responses((status = 200, body = CustomerView), Refusals)
)]
pub(crate) async fn get_customer(
    State(api): State<Api>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Json<CustomerView>, Problem> {
    let id = id_in_path("customer", CustomerId::parse(&id))?;
    let mut tx = api.ctx.store.begin().await?;
    let customer = tx
        .customers()
        .find(id)
        .await?
        .filter(|customer| actor.may_see(customer.id));
    customer
        .map(|customer| Json(customer.into()))
        .ok_or_else(|| no_such("customer"))
}

/// Registers a customer.
#[utoipa::path(
    post, path = "/api/v1/customers", tag = "customers", request_body = CustomerRequest,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = CustomerView), Refusals)
)]
pub(crate) async fn register_customer(
    State(api): State<Api>,
    Writer(actor): Writer,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let command = json_body::<CustomerRequest>(&body)?.command()?;
    let mut write = match Write::begin(&api, &actor, "register_customer", &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let customer = register_customer_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    write
        .finish(StatusCode::CREATED, &CustomerView::from(customer))
        .await
}

/// Changes a customer's requisites; all are given again. What was signed or issued before keeps those of its day. The
/// customer's owner changes everything but kind, name, STIR, PINFL and category.
#[utoipa::path(
    put, path = "/api/v1/customers/{customer}", tag = "customers", request_body = CustomerRequest,
    params(("customer" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = CustomerView), Refusals)
)]
pub(crate) async fn change_customer(
    State(api): State<Api>,
    Writer(actor): Writer,
    key: IdempotencyKey,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Answer, Problem> {
    let request: CustomerRequest = json_body(&body)?;
    let id = id_in_path("customer", CustomerId::parse(&id))?;
    let command = request.change(id)?;
    let operation = format!("change_customer {id}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let customer = change_customer_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    write.finish(StatusCode::OK, &CustomerView::from(customer)).await
}

/// What requisites were and became.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RequisitesChangeView {
    id: i64,
    changed_at: DateTime<Utc>,
    changed_by: String,
    #[schema(value_type = Object)]
    before: serde_json::Value,
    #[schema(value_type = Object)]
    after: serde_json::Value,
}

impl From<RequisitesChange> for RequisitesChangeView {
    fn from(change: RequisitesChange) -> RequisitesChangeView {
        RequisitesChangeView {
            id: change.id,
            changed_at: change.changed_at,
            changed_by: change.changed_by,
            before: change.before,
            after: change.after,
        }
    }
}

/// The history of a customer's requisites, newest first.
#[utoipa::path(
    get, path = "/api/v1/customers/{customer}/changes", tag = "customers",
    params(("customer" = String, Path), PageQuery),
    responses((status = 200, body = Page<RequisitesChangeView>), Refusals)
)]
pub(crate) async fn list_customer_changes(
    State(api): State<Api>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<RequisitesChangeView>>, Problem> {
    let id = id_in_path("customer", CustomerId::parse(&id))?;
    if !actor.may_see(id) {
        return Err(no_such("customer"));
    }
    let asked = query.asked(|text| text.parse::<i64>().ok())?;
    let mut tx = api.ctx.store.begin().await?;
    let changes = tx.customers().changes(id, asked.after, asked.to_read()).await?;
    Ok(Json(asked.page(
        changes,
        |change| change.id.to_string(),
        RequisitesChangeView::from,
    )))
}
