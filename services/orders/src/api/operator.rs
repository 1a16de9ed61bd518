//! The operator and the editions of its rules.

use crate::api::caller::{Caller, Writer};
use crate::api::customers::RequisitesChangeView;
use crate::api::fields::{decimal, json_body, no_such, plain, sound_day};
use crate::api::page::{Page, PageQuery};
use crate::api::write::{Begin, Write, problem};
use crate::api::{Api, Refusals};
use crate::app::publish_rules_edition::{PublishRulesEdition, publish_rules_edition_in};
use crate::app::set_up_operator::{SetUpOperator, set_up_operator_in, set_vat_status_in};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use chrono::NaiveDate;
use namoyish_domain::orders::party::OperatorForm;
use namoyish_runtime::idempotency::{Answer, IdempotencyKey};
use namoyish_runtime::problem::Problem;
use namoyish_storage::operator::{Operator, RulesEdition};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The operator's requisites.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OperatorView {
    legal_name: String,
    city: String,
    address: String,
    #[schema(example = "301234567")]
    stir: String,
    bank_name: String,
    mfo: String,
    settlement_account: String,
    oked: Option<String>,
    vat_code: Option<String>,
    director: String,
    accountant: String,
    email: String,
    phone: String,
    /// Cap of the late penalty in percent of the overdue sum; none: no cap.
    penalty_cap_percent: Option<String>,
}

impl From<Operator> for OperatorView {
    fn from(operator: Operator) -> OperatorView {
        let own = operator.requisites;
        OperatorView {
            legal_name: own.legal_name,
            city: own.city,
            address: own.address,
            stir: own.stir.to_string(),
            bank_name: own.bank.bank_name,
            mfo: own.bank.mfo.to_string(),
            settlement_account: own.bank.account.to_string(),
            oked: own.oked.map(|oked| oked.to_string()),
            vat_code: own.vat_code.map(|code| code.to_string()),
            director: own.director,
            accountant: own.accountant,
            email: own.email.to_string(),
            phone: own.phone.to_string(),
            penalty_cap_percent: operator.penalty_cap_percent.map(plain),
        }
    }
}

/// What to set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OperatorRequest {
    legal_name: String,
    city: String,
    address: String,
    /// 9 digits.
    stir: String,
    bank_name: String,
    /// 5 digits.
    mfo: String,
    /// 20 digits, currency 000.
    settlement_account: String,
    /// 5 digits.
    #[serde(default)]
    oked: String,
    /// 12 digits.
    #[serde(default)]
    vat_code: String,
    director: String,
    #[serde(default)]
    accountant: String,
    email: String,
    /// 998 and nine digits.
    phone: String,
    vat_payer: bool,
    /// The day from which `vat_payer` holds.
    vat_payer_from: NaiveDate,
    penalty_cap_percent: Option<String>,
}

impl OperatorRequest {
    fn command(self) -> Result<SetUpOperator, Problem> {
        let penalty_cap_percent = self
            .penalty_cap_percent
            .as_deref()
            .map(|text| decimal("penalty_cap_percent", text))
            .transpose()?;
        Ok(SetUpOperator {
            form: OperatorForm {
                legal_name: self.legal_name,
                city: self.city,
                address: self.address,
                stir: self.stir,
                bank_name: self.bank_name,
                mfo: self.mfo,
                settlement_account: self.settlement_account,
                oked: self.oked,
                vat_code: self.vat_code,
                director: self.director,
                accountant: self.accountant,
                email: self.email,
                phone: self.phone,
            },
            vat_payer: self.vat_payer,
            vat_payer_from: sound_day("vat_payer_from", self.vat_payer_from)?,
            penalty_cap_percent,
            only_vat_rate: None,
        })
    }
}

/// The operator's requisites, as on its documents.
#[utoipa::path(get, path = "/api/v1/operator", tag = "operator", responses((status = 200, body = OperatorView), Refusals))]
pub(crate) async fn get_operator(
    State(api): State<Api>,
    Caller(_): Caller,
) -> Result<Json<OperatorView>, Problem> {
    let mut tx = api.ctx.store.begin().await?;
    let operator = tx.operator().find().await?;
    operator
        .map(|operator| Json(operator.into()))
        .ok_or_else(|| Problem::not_found("the operator is not set up yet"))
}

/// Sets the operator up, or changes its requisites.
#[utoipa::path(
    put, path = "/api/v1/operator", tag = "operator", request_body = OperatorRequest,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 200, body = OperatorView), Refusals)
)]
pub(crate) async fn put_operator(
    State(api): State<Api>,
    Writer(actor): Writer,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let command = json_body::<OperatorRequest>(&body)?.command()?;
    let mut write = match Write::begin(&api, &actor, "put_operator", &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let operator = set_up_operator_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    write.finish(StatusCode::OK, &OperatorView::from(operator)).await
}

/// An edition of the rules.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RulesEditionView {
    number: i32,
    text: String,
    /// SHA-256 of the text, hexadecimal.
    sha256: String,
    published_on: NaiveDate,
    in_force_from: NaiveDate,
}

impl From<RulesEdition> for RulesEditionView {
    fn from(edition: RulesEdition) -> RulesEditionView {
        RulesEditionView {
            number: edition.number,
            text: edition.text,
            sha256: edition.sha256,
            published_on: edition.published_on,
            in_force_from: edition.in_force_from,
        }
    }
}

/// What to publish.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RulesEditionRequest {
    text: String,
    /// First day on which it applies: today at the earliest, unless it is the first edition.
    in_force_from: NaiveDate,
}

/// Editions of the rules, newest first. A page has at most 20, because each has its whole text.
#[utoipa::path(
    get, path = "/api/v1/rules-editions", tag = "operator", params(PageQuery),
    responses((status = 200, body = Page<RulesEditionView>), Refusals)
)]
pub(crate) async fn list_rules_editions(
    State(api): State<Api>,
    Caller(_): Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<RulesEditionView>>, Problem> {
    let asked = query.at_most(20).asked(|text| text.parse::<i32>().ok())?;
    let mut tx = api.ctx.store.begin().await?;
    let editions = tx
        .operator()
        .editions(asked.after.unwrap_or(i32::MAX), asked.to_read())
        .await?;
    Ok(Json(asked.page(
        editions,
        |edition| edition.number.to_string(),
        RulesEditionView::from,
    )))
}

/// Publishes an edition of the rules.
#[utoipa::path(
    post, path = "/api/v1/rules-editions", tag = "operator", request_body = RulesEditionRequest,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = RulesEditionView), Refusals)
)]
pub(crate) async fn publish_rules_edition(
    State(api): State<Api>,
    Writer(actor): Writer,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let request: RulesEditionRequest = json_body(&body)?;
    let mut write = match Write::begin(&api, &actor, "publish_rules_edition", &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let command = PublishRulesEdition {
        text: request.text,
        in_force_from: sound_day("in_force_from", request.in_force_from)?,
    };
    let edition = publish_rules_edition_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    write
        .finish(StatusCode::CREATED, &RulesEditionView::from(edition))
        .await
}

/// An edition of the rules by its number; `in-force` for the one in force today.
#[utoipa::path(
    get, path = "/api/v1/rules-editions/{number}", tag = "operator", params(("number" = String, Path)),
    responses((status = 200, body = RulesEditionView), Refusals)
)]
pub(crate) async fn get_rules_edition(
    State(api): State<Api>,
    Caller(_): Caller,
    Path(number): Path<String>,
) -> Result<Json<RulesEditionView>, Problem> {
    let no_such_edition = || no_such("edition of the rules");
    let mut tx = api.ctx.store.begin().await?;
    let number = if number == "in-force" {
        tx.operator().edition_on(api.ctx.today()).await?
    } else {
        number.parse::<i32>().ok()
    };
    let number = number.ok_or_else(no_such_edition)?;
    let edition = tx.operator().edition(number).await?;
    edition
        .map(|edition| Json(edition.into()))
        .ok_or_else(no_such_edition)
}

/// The history of the operator's requisites, newest first.
#[utoipa::path(
    get, path = "/api/v1/operator/changes", tag = "operator", params(PageQuery),
    responses((status = 200, body = Page<RequisitesChangeView>), Refusals)
)]
pub(crate) async fn list_operator_changes(
    State(api): State<Api>,
    Caller(_): Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<RequisitesChangeView>>, Problem> {
    let asked = query.asked(|text| text.parse::<i64>().ok())?;
    let mut tx = api.ctx.store.begin().await?;
    let changes = tx.operator().changes(asked.after, asked.to_read()).await?;
    Ok(Json(asked.page(
        changes,
        |change| change.id.to_string(),
        RequisitesChangeView::from,
    )))
}

/// Whether the operator pays VAT, from a day on.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VatStatusView {
    valid_from: NaiveDate,
    vat_payer: bool,
}

/// The operator's VAT statuses with their dates, latest first.
#[utoipa::path(
    get, path = "/api/v1/operator/vat-statuses", tag = "operator", params(PageQuery),
    responses((status = 200, body = Page<VatStatusView>), Refusals)
)]
pub(crate) async fn list_vat_statuses(
    State(api): State<Api>,
    Caller(_): Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<VatStatusView>>, Problem> {
    let asked = query.asked(|text| text.parse::<NaiveDate>().ok())?;
    let mut tx = api.ctx.store.begin().await?;
    let statuses = tx.operator().vat_statuses(asked.after, asked.to_read()).await?;
    Ok(Json(asked.page(
        statuses,
        |(valid_from, _)| valid_from.to_string(),
        |(valid_from, vat_payer)| VatStatusView {
            valid_from,
            vat_payer,
        },
    )))
}

/// Says whether the operator pays VAT from a day on. What was made out before keeps its VAT terms.
#[utoipa::path(
    post, path = "/api/v1/operator/vat-statuses", tag = "operator", request_body = VatStatusView,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 200, body = VatStatusView), Refusals)
)]
pub(crate) async fn set_vat_status(
    State(api): State<Api>,
    Writer(actor): Writer,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let request: VatStatusView = json_body(&body)?;
    let valid_from = sound_day("valid_from", request.valid_from)?;
    let mut write = match Write::begin(&api, &actor, "set_vat_status", &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    set_vat_status_in(&mut write.tx, &api.ctx, &actor, valid_from, request.vat_payer)
        .await
        .map_err(problem)?;
    write.finish(StatusCode::OK, &request).await
}
