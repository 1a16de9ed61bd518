//! Amendments of signed order blanks: proposed, offered, signed on paper, given up; the chain and its frozen texts.

use crate::api::caller::{Caller, Writer};
use crate::api::fields::{decimal, field, id_in_path, json_body, money, no_such, price};
use crate::api::order_blanks::targeting;
use crate::api::page::{Page, PageQuery};
use crate::api::signing::{PaperSignature, PaperSignatureForm, json_text, own_blank, scan_file};
use crate::api::write::{Begin, Write, problem};
use crate::api::{Api, Refusals};
use crate::app::propose_amendment::{
    ProposeAmendment, cancel_amendment_in, offer_amendment_in, propose_amendment_in,
};
use crate::app::sign_amendment::sign_amendment_on_paper_in;
use axum::Json;
use axum::body::Bytes;
use axum::extract::multipart::{Multipart, MultipartRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, NaiveDate, Utc};
use namoyish_domain::ids::{AdMaterialId, AmendmentId, LineId, OrderBlankId, PlacementId};
use namoyish_domain::orders::amendment::LineAmendment;
use namoyish_domain::orders::placement::RegionCode;
use namoyish_runtime::context::Actor;
use namoyish_runtime::idempotency::{Answer, IdempotencyKey};
use namoyish_runtime::problem::Problem;
use namoyish_storage::Tx;
use namoyish_storage::amendments::Amendment;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An amendment of a signed order blank.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AmendmentView {
    id: String,
    order_blank: String,
    /// 1, 2, 3, … in the order blank.
    number: i32,
    /// draft, offered, signed or cancelled.
    state: String,
    own_due_on: Option<NaiveDate>,
    note: String,
    made_out_on: NaiveDate,
    created_at: DateTime<Utc>,
    created_by: String,
    offered_at: Option<DateTime<Utc>>,
    signed_at: Option<DateTime<Utc>>,
    signed_on: Option<NaiveDate>,
    /// cabinet_code or paper.
    signature_kind: Option<String>,
    /// SHA-256 of the frozen text, hexadecimal.
    sha256: Option<String>,
    /// SHA-256 of what it follows: the order blank's terms, or the amendment before.
    previous_sha256: Option<String>,
    /// SHA-256 of the scan of a signed paper; its bytes are at `…/scan`.
    scan_sha256: Option<String>,
}

impl From<Amendment> for AmendmentView {
    fn from(amendment: Amendment) -> AmendmentView {
        let signature = amendment.signature.as_ref();
        AmendmentView {
            id: amendment.id.to_string(),
            order_blank: amendment.blank.to_string(),
            number: amendment.number,
            state: amendment.state.code().to_owned(),
            own_due_on: amendment.own_due_on,
            made_out_on: amendment.made_out_on,
            created_at: amendment.created_at,
            offered_at: amendment.offered_at,
            signed_at: signature.map(|signature| signature.signed_at),
            signed_on: signature.map(|signature| signature.signed_on),
            signature_kind: signature.map(|signature| signature.kind.code().to_owned()),
            sha256: signature.map(|signature| signature.sha256.clone()),
            previous_sha256: signature.map(|signature| signature.previous_sha256.clone()),
            scan_sha256: signature.and_then(|signature| signature.scan.clone()),
            note: amendment.note,
            created_by: amendment.created_by,
        }
    }
}

/// What changes of a line; what is left out stays. A list replaces the whole list.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LineAmendmentRequest {
    line: String,
    /// Before the line's first service only.
    #[schema(example = "15000.00")]
    unit_price: Option<String>,
    first_day: Option<NaiveDate>,
    last_day: Option<NaiveDate>,
    /// A media line's, net, in its mode. Never below what is spent.
    budget: Option<String>,
    /// An additional service's, before it begins.
    quantity: Option<String>,
    #[schema(max_items = 64)]
    placements: Option<Vec<String>>,
    /// Empty: everywhere.
    #[schema(max_items = 256)]
    regions: Option<Vec<String>>,
    /// A media line's rubrics, phrases, schedule and cap, as a whole.
    targeting: Option<TargetingRequest>,
    /// A material with a second advertised subject that this revised price releases.
    material: Option<String>,
}

/// To whom and when a media line is shown.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TargetingRequest {
    /// None: any.
    #[schema(max_items = 64)]
    rubrics: Vec<String>,
    /// None: any.
    #[schema(max_items = 256)]
    search_phrases: Vec<String>,
    /// Windows in Tashkent time, such as "mon-fri 09-18"; none: always.
    #[schema(max_items = 84)]
    schedule: Vec<String>,
    /// The most impressions for one viewer on one day, 1 to 1000.
    #[schema(minimum = 1, maximum = 1000)]
    frequency_cap: Option<i64>,
}

/// An amendment to draw up.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AmendmentRequest {
    #[schema(min_items = 1, max_items = 100)]
    lines: Vec<LineAmendmentRequest>,
    /// Payment term of what is added, where the rule's would lie before the signing.
    own_due_on: Option<NaiveDate>,
    #[serde(default)]
    note: String,
}

impl AmendmentRequest {
    fn command(self, blank: OrderBlankId) -> Result<ProposeAmendment, Problem> {
        let lines = (1usize..)
            .zip(self.lines)
            .map(|(position, line)| line.change(&format!("lines[{position}].")))
            .collect::<Result<_, _>>()?;
        Ok(ProposeAmendment {
            blank,
            lines,
            own_due_on: self.own_due_on,
            note: self.note,
        })
    }
}

impl LineAmendmentRequest {
    fn change(self, at: &str) -> Result<LineAmendment, Problem> {
        let name = |name: &str| format!("{at}{name}");
        Ok(LineAmendment {
            line: field(&name("line"), "bad_id", LineId::parse(&self.line))?,
            unit_price: self
                .unit_price
                .map(|text| price(&name("unit_price"), &text))
                .transpose()?,
            first_day: self.first_day,
            last_day: self.last_day,
            budget: self
                .budget
                .map(|text| money(&name("budget"), &text))
                .transpose()?,
            quantity: self
                .quantity
                .map(|text| decimal(&name("quantity"), &text))
                .transpose()?,
            placements: self
                .placements
                .map(|ids| {
                    ids.iter()
                        .map(|id| field(&name("placements"), "bad_id", PlacementId::parse(id)))
                        .collect()
                })
                .transpose()?,
            regions: self
                .regions
                .map(|codes| {
                    codes
                        .iter()
                        .map(|code| field(&name("regions"), "not_a_region", RegionCode::parse(code)))
                        .collect()
                })
                .transpose()?,
            targeting: self
                .targeting
                .map(|asked| {
                    targeting(
                        &name("targeting."),
                        &asked.rubrics,
                        &asked.search_phrases,
                        &asked.schedule,
                        asked.frequency_cap,
                    )
                })
                .transpose()?,
            material: self
                .material
                .map(|id| field(&name("material"), "bad_id", AdMaterialId::parse(&id)))
                .transpose()?,
        })
    }
}

impl From<LineAmendment> for LineAmendmentRequest {
    fn from(change: LineAmendment) -> LineAmendmentRequest {
        LineAmendmentRequest {
            line: change.line.to_string(),
            unit_price: change.unit_price.map(|price| price.to_string()),
            first_day: change.first_day,
            last_day: change.last_day,
            budget: change.budget.map(|budget| budget.to_string()),
            quantity: change.quantity.map(|quantity| quantity.normalize().to_string()),
            placements: change
                .placements
                .map(|ids| ids.iter().map(ToString::to_string).collect()),
            regions: change
                .regions
                .map(|codes| codes.iter().map(ToString::to_string).collect()),
            targeting: change.targeting.map(|targeting| TargetingRequest {
                rubrics: targeting.rubrics().to_vec(),
                search_phrases: targeting.search_phrases().to_vec(),
                schedule: targeting.schedule(),
                frequency_cap: targeting.frequency_cap().map(i64::from),
            }),
            material: change.material.map(|material| material.to_string()),
        }
    }
}

/// An amendment with what it changes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WholeAmendmentView {
    #[serde(flatten)]
    amendment: AmendmentView,
    lines: Vec<LineAmendmentRequest>,
}

/// An amendment in force, with the invoices that it made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignedAmendmentView {
    #[serde(flatten)]
    amendment: AmendmentView,
    /// Ids of the invoices of what is added, by due date.
    invoices: Vec<String>,
}

/// The amendments of an order blank, oldest first: its chain. A customer's key sees no drafts.
#[utoipa::path(
    get, path = "/api/v1/order-blanks/{order_blank}/amendments", tag = "amendments",
    params(("order_blank" = String, Path), PageQuery),
    responses((status = 200, body = Page<AmendmentView>), Refusals)
)]
pub(crate) async fn list_amendments(
    State(api): State<Api>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<AmendmentView>>, Problem> {
    let asked = query.asked(|text| AmendmentId::parse(text).ok())?;
    let mut tx = api.ctx.store.begin().await?;
    let blank = own_blank(&mut tx, &actor, &id).await?;
    let amendments = tx
        .amendments()
        .of_blank(blank.id, !actor.is_operator(), asked.after, asked.to_read())
        .await?;
    Ok(Json(asked.page(
        amendments,
        |amendment| amendment.id.to_string(),
        AmendmentView::from,
    )))
}

/// Draws up an amendment of a signed order blank. One is open at a time.
#[utoipa::path(
    post, path = "/api/v1/order-blanks/{order_blank}/amendments", tag = "amendments", request_body = AmendmentRequest,
    params(("order_blank" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = AmendmentView), Refusals)
)]
pub(crate) async fn propose_amendment(
    State(api): State<Api>,
    Writer(actor): Writer,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let blank = id_in_path("order blank", OrderBlankId::parse(&id))?;
    let command = json_body::<AmendmentRequest>(&body)?.command(blank)?;
    let operation = format!("propose_amendment {blank}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let amendment = propose_amendment_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    write
        .finish(StatusCode::CREATED, &AmendmentView::from(amendment))
        .await
}

async fn own_amendment(tx: &mut Tx, actor: &Actor, id: &str) -> Result<(Amendment, String), Problem> {
    let id = id_in_path("amendment", AmendmentId::parse(id))?;
    let amendment = tx
        .amendments()
        .find(id)
        .await?
        .ok_or_else(|| no_such("amendment"))?;
    let blank = tx.order_blanks().find(amendment.blank).await?;
    let blank = blank.filter(|blank| actor.may_see(blank.customer));
    let blank = blank.ok_or_else(|| no_such("amendment"))?;
    if !actor.is_operator() && amendment.offered_at.is_none() {
        return Err(no_such("amendment"));
    }
    Ok((amendment, blank.number))
}

/// An amendment with what it changes.
#[utoipa::path(
    get, path = "/api/v1/amendments/{amendment}", tag = "amendments", params(("amendment" = String, Path)),
    responses((status = 200, body = WholeAmendmentView), Refusals)
)]
pub(crate) async fn get_amendment(
    State(api): State<Api>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Json<WholeAmendmentView>, Problem> {
    let mut tx = api.ctx.store.begin().await?;
    let (amendment, _) = own_amendment(&mut tx, &actor, &id).await?;
    let lines = tx.amendments().lines(amendment.id).await?;
    Ok(Json(WholeAmendmentView {
        amendment: amendment.into(),
        lines: lines.into_iter().map(LineAmendmentRequest::from).collect(),
    }))
}

/// The frozen text of a signed amendment: the very bytes whose SHA-256 it carries.
#[utoipa::path(
    get, path = "/api/v1/amendments/{amendment}/terms", tag = "amendments", params(("amendment" = String, Path)),
    responses((status = 200, content_type = "application/json", body = serde_json::Value), Refusals)
)]
pub(crate) async fn get_amendment_terms(
    State(api): State<Api>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let mut tx = api.ctx.store.begin().await?;
    let (amendment, _) = own_amendment(&mut tx, &actor, &id).await?;
    let signature = amendment
        .signature
        .ok_or_else(|| no_such("file: the amendment isn't signed"))?;
    Ok(json_text(signature.canonical_json))
}

/// The scan of the signed paper.
#[utoipa::path(
    get, path = "/api/v1/amendments/{amendment}/scan", tag = "amendments", params(("amendment" = String, Path)),
    responses((status = 200, content_type = "application/octet-stream", body = [u8]), Refusals)
)]
pub(crate) async fn get_amendment_scan(
    State(api): State<Api>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let mut tx = api.ctx.store.begin().await?;
    let (amendment, blank) = own_amendment(&mut tx, &actor, &id).await?;
    let sha256 = amendment.signature.and_then(|signature| signature.scan);
    let name = format!("{}-{}", super::documents::file_name(&blank), amendment.number);
    scan_file(&mut tx, sha256, &name).await
}

/// Offers a draft to the customer.
#[utoipa::path(
    post, path = "/api/v1/amendments/{amendment}/offer", tag = "amendments",
    params(("amendment" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = AmendmentView), Refusals)
)]
pub(crate) async fn offer_amendment(
    State(api): State<Api>,
    Writer(actor): Writer,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let amendment = id_in_path("amendment", AmendmentId::parse(&id))?;
    let operation = format!("offer_amendment {amendment}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let offered = offer_amendment_in(&mut write.tx, &api.ctx, &actor, amendment)
        .await
        .map_err(problem)?;
    write.finish(StatusCode::OK, &AmendmentView::from(offered)).await
}

/// Records a paper signature with its scan: the lines take their new values at once. The customer's own signature is given
/// in the cabinet.
#[utoipa::path(
    post, path = "/api/v1/amendments/{amendment}/sign-paper", tag = "amendments",
    request_body(content = PaperSignatureForm, content_type = "multipart/form-data"),
    params(("amendment" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = SignedAmendmentView), Refusals)
)]
pub(crate) async fn sign_amendment_on_paper(
    State(api): State<Api>,
    Writer(actor): Writer,
    Path(id): Path<String>,
    key: IdempotencyKey,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Answer, Problem> {
    let amendment = id_in_path("amendment", AmendmentId::parse(&id))?;
    let paper = PaperSignature::read(form).await?;
    let scan = paper.scan().await;
    let operation = format!("sign_amendment {amendment}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &paper.digest()).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let signed =
        sign_amendment_on_paper_in(&mut write.tx, &api.ctx, &actor, amendment, paper.signed_on, scan)
            .await
            .map_err(problem)?;
    let view = SignedAmendmentView {
        amendment: signed.amendment.into(),
        invoices: signed.invoices.iter().map(ToString::to_string).collect(),
    };
    write.finish(StatusCode::OK, &view).await
}

/// Why it is given up.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CancelAmendmentRequest {
    #[serde(default)]
    reason: String,
}

/// Gives an amendment up; a customer's key declines one that was offered.
#[utoipa::path(
    post, path = "/api/v1/amendments/{amendment}/cancel", tag = "amendments", request_body = CancelAmendmentRequest,
    params(("amendment" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = AmendmentView), Refusals)
)]
pub(crate) async fn cancel_amendment(
    State(api): State<Api>,
    Writer(actor): Writer,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let amendment = id_in_path("amendment", AmendmentId::parse(&id))?;
    let request: CancelAmendmentRequest = json_body(&body)?;
    let operation = format!("cancel_amendment {amendment}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let cancelled = cancel_amendment_in(&mut write.tx, &api.ctx, &actor, amendment, &request.reason)
        .await
        .map_err(problem)?;
    write
        .finish(StatusCode::OK, &AmendmentView::from(cancelled))
        .await
}
