//! Order blanks: drawn up, offered, signed on paper, given up. A customer's key sees its own, and no drafts.

use crate::api::caller::{Caller, Writer};
use crate::api::fields::{decimal, field, id_in_path, json_body, money, no_such, one_of, period, plain};
use crate::api::page::{Page, PageQuery};
use crate::api::write::{Begin, Write, problem};
use crate::api::{Api, Refusals};
use crate::app::cancel_order_blank::{CancelOrderBlank, cancel_order_blank_in};
use crate::app::change_draft::{ChangeDraft, change_draft_in};
use crate::app::draw_up_order_blank::{DrawUpLine, DrawUpOrderBlank, DrawnUp, draw_up_order_blank_in};
use crate::app::offer_order_blank::{OfferOrderBlank, offer_order_blank_in};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use chrono::{DateTime, NaiveDate, Utc};
use namoyish_domain::ids::{CustomerId, OrderBlankId, PlacementId};
use namoyish_domain::orders::line::Service;
use namoyish_domain::orders::order_blank::{
    BlankState, Budget, BudgetMode, Prepayment, StatisticsSource, Term,
};
use namoyish_domain::orders::placement::RegionCode;
use namoyish_domain::orders::targeting::Targeting;
use namoyish_runtime::context::Actor;
use namoyish_runtime::idempotency::{Answer, IdempotencyKey};
use namoyish_runtime::problem::Problem;
use namoyish_storage::order_blanks::OrderBlank;
use namoyish_storage::order_lines::OrderLine;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An order blank.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrderBlankView {
    id: String,
    #[schema(example = "OB-2026-000123")]
    number: String,
    code: String,
    customer: String,
    city: String,
    /// draft, offered, signed, in_service, completed, terminated or cancelled.
    state: String,
    rules_edition: i32,
    /// full or monthly.
    prepayment: String,
    own_due_on: Option<NaiveDate>,
    /// Days after the signing.
    own_due_days: Option<u16>,
    /// own or gam.
    statistics_source: String,
    notice_emails: Vec<String>,
    made_out_on: NaiveDate,
    vat_payer: bool,
    #[schema(example = "0.12")]
    vat_rate: String,
    created_at: DateTime<Utc>,
    offered_at: Option<DateTime<Utc>>,
    signed_at: Option<DateTime<Utc>>,
    signed_on: Option<NaiveDate>,
    /// cabinet_code or paper.
    signature_kind: Option<String>,
    /// SHA-256 of the frozen terms, hexadecimal.
    sha256: Option<String>,
    /// SHA-256 of the scan of a signed paper; its bytes are at `…/scan`.
    scan_sha256: Option<String>,
}

impl From<OrderBlank> for OrderBlankView {
    fn from(blank: OrderBlank) -> OrderBlankView {
        let signature = blank.signature.as_ref();
        OrderBlankView {
            id: blank.id.to_string(),
            customer: blank.customer.to_string(),
            state: blank.state.code().to_owned(),
            rules_edition: blank.rules_edition,
            prepayment: blank.prepayment.code().to_owned(),
            own_due_on: blank.own_due_on,
            own_due_days: blank.own_due_days,
            statistics_source: blank.statistics_source.code().to_owned(),
            notice_emails: blank.notice_emails.iter().map(ToString::to_string).collect(),
            made_out_on: blank.made_out_on,
            vat_payer: blank.vat.is_payer(),
            vat_rate: plain(blank.vat.rate().decimal()),
            created_at: blank.created_at,
            offered_at: blank.offered_at,
            signed_at: signature.map(|signature| signature.signed_at),
            signed_on: signature.map(|signature| signature.signed_on),
            signature_kind: signature.map(|signature| signature.kind.code().to_owned()),
            sha256: signature.map(|signature| signature.sha256.clone()),
            scan_sha256: signature.and_then(|signature| signature.scan.clone()),
            number: blank.number,
            code: blank.code,
            city: blank.city,
        }
    }
}

/// A line of an order blank.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrderLineView {
    id: String,
    order_blank: String,
    position: i32,
    code: String,
    /// media, period or additional.
    kind: String,
    item: String,
    #[schema(example = "12000.00")]
    unit_price: String,
    /// The price by the list that it was made of.
    list_price: Option<String>,
    /// The price group whose coefficient made it.
    price_group: Option<String>,
    /// The term in force.
    first_day: NaiveDate,
    last_day: NaiveDate,
    /// The term as ordered.
    ordered_first_day: NaiveDate,
    ordered_last_day: NaiveDate,
    /// total or monthly.
    budget_mode: Option<String>,
    /// Net of VAT.
    #[schema(example = "300000.00")]
    budget: Option<String>,
    quantity: Option<String>,
    one_off: bool,
    paused_at: Option<DateTime<Utc>>,
    /// First day without service, when it was ended early.
    ended_on: Option<NaiveDate>,
    placements: Vec<String>,
    /// None: everywhere.
    regions: Vec<String>,
    /// None: any.
    rubrics: Vec<String>,
    /// None: any.
    search_phrases: Vec<String>,
    /// Windows in Tashkent time, such as "mon-fri 09-18"; none: always.
    schedule: Vec<String>,
    /// The most impressions for one viewer on one day.
    frequency_cap: Option<u16>,
}

impl From<&OrderLine> for OrderLineView {
    fn from(line: &OrderLine) -> OrderLineView {
        OrderLineView {
            id: line.id.to_string(),
            order_blank: line.blank.to_string(),
            position: line.position,
            code: line.code.clone(),
            kind: line.kind.code().to_owned(),
            item: line.item.to_string(),
            unit_price: line.unit_price.to_string(),
            list_price: line.list_price.map(|price| price.to_string()),
            price_group: line.price_group.clone(),
            first_day: line.term.first_day(),
            last_day: line.term.last_day(),
            ordered_first_day: line.ordered_term.first_day(),
            ordered_last_day: line.ordered_term.last_day(),
            budget_mode: line.budget.map(|budget| budget.mode.code().to_owned()),
            budget: line.budget.map(|budget| budget.amount.to_string()),
            quantity: line.quantity.map(plain),
            one_off: line.one_off,
            paused_at: line.paused_at,
            ended_on: line.ended_on,
            placements: line.placements.iter().map(ToString::to_string).collect(),
            regions: line.regions.iter().map(ToString::to_string).collect(),
            rubrics: line.targeting.rubrics().to_vec(),
            search_phrases: line.targeting.search_phrases().to_vec(),
            schedule: line.targeting.schedule(),
            frequency_cap: line.targeting.frequency_cap(),
        }
    }
}

/// An order blank with its lines.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WholeOrderBlankView {
    #[serde(flatten)]
    blank: OrderBlankView,
    lines: Vec<OrderLineView>,
    /// The frozen terms: the canonical JSON whose hash is `sha256`.
    terms: Option<String>,
}

impl From<DrawnUp> for WholeOrderBlankView {
    fn from(drawn_up: DrawnUp) -> WholeOrderBlankView {
        let terms = drawn_up
            .blank
            .signature
            .as_ref()
            .map(|signature| signature.canonical_json.clone());
        WholeOrderBlankView {
            blank: drawn_up.blank.into(),
            lines: drawn_up.lines.iter().map(OrderLineView::from).collect(),
            terms,
        }
    }
}

/// A line to order. `media`: first_day, last_day, budget, placements. `period`: first_period, last_period, placements.
/// `additional`: quantity with first_day and last_day, or with `once`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct OrderLineRequest {
    code: Option<String>,
    /// media, period or additional.
    kind: String,
    /// Code of the item in the price list in force.
    item: String,
    first_day: Option<NaiveDate>,
    last_day: Option<NaiveDate>,
    /// "2026-11".
    first_period: Option<String>,
    /// "2027-01".
    last_period: Option<String>,
    /// The day on which an additional service is rendered and charged once.
    once: Option<NaiveDate>,
    /// total (when left out) or monthly.
    budget_mode: Option<String>,
    /// Net of VAT.
    #[schema(example = "300000.00")]
    budget: Option<String>,
    /// 1 when left out.
    quantity: Option<String>,
    #[schema(max_items = 64)]
    placements: Vec<String>,
    /// None: everywhere.
    #[schema(max_items = 256)]
    regions: Vec<String>,
    /// A media line's; none: any.
    #[schema(max_items = 64)]
    rubrics: Vec<String>,
    /// A media line's; none: any. One phrase of which every word is searched for is enough.
    #[schema(max_items = 256)]
    search_phrases: Vec<String>,
    /// A media line's windows in Tashkent time, such as "mon-fri 09-18" or "sun"; none: always.
    #[schema(max_items = 84)]
    schedule: Vec<String>,
    /// A media line's: the most impressions for one viewer on one day, 1 to 1000.
    #[schema(minimum = 1, maximum = 1000)]
    frequency_cap: Option<i64>,
}

/// An order blank to draw up.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrderBlankRequest {
    code: Option<String>,
    customer: String,
    /// The operator's when left out.
    city: Option<String>,
    /// full (when left out) or monthly.
    prepayment: Option<String>,
    /// Its own payment term.
    own_due_on: Option<NaiveDate>,
    /// The same as days after the signing; one of both.
    #[schema(maximum = 365)]
    own_due_days: Option<u16>,
    /// own (when left out) or gam.
    statistics_source: Option<String>,
    /// The customer's address when left out.
    #[serde(default)]
    notice_emails: Vec<String>,
    #[schema(min_items = 1, max_items = 100)]
    lines: Vec<OrderLineRequest>,
}

impl OrderBlankRequest {
    fn command(self) -> Result<DrawUpOrderBlank, Problem> {
        let lines = (1usize..)
            .zip(self.lines)
            .map(|(position, line)| line.line(&format!("lines[{position}].")))
            .collect::<Result<_, _>>()?;
        Ok(DrawUpOrderBlank {
            code: self.code,
            customer: field("customer", "bad_id", CustomerId::parse(&self.customer))?,
            city: self.city,
            prepayment: match &self.prepayment {
                Some(code) => one_of("prepayment", code, "full, monthly", Prepayment::parse)?,
                None => Prepayment::Full,
            },
            own_due_on: self.own_due_on,
            own_due_days: self.own_due_days,
            statistics_source: match &self.statistics_source {
                Some(code) => one_of("statistics_source", code, "own, gam", StatisticsSource::parse)?,
                None => StatisticsSource::Own,
            },
            notice_emails: self.notice_emails,
            lines,
        })
    }
}

impl OrderLineRequest {
    pub(crate) fn line(self, at: &str) -> Result<DrawUpLine, Problem> {
        let placements = self
            .placements
            .iter()
            .map(|id| field(&format!("{at}placements"), "bad_id", PlacementId::parse(id)))
            .collect::<Result<_, _>>()?;
        let regions = self
            .regions
            .iter()
            .map(|code| field(&format!("{at}regions"), "not_a_region", RegionCode::parse(code)))
            .collect::<Result<_, _>>()?;
        let service = self.service(at)?;
        let targeting = targeting(
            at,
            &self.rubrics,
            &self.search_phrases,
            &self.schedule,
            self.frequency_cap,
        )?;
        Ok(DrawUpLine {
            code: self.code,
            item: self.item,
            service,
            placements,
            regions,
            targeting,
        })
    }

    fn service(&self, at: &str) -> Result<Service, Problem> {
        match self.kind.as_str() {
            "media" => {
                self.refuse_others(at, &["first_day", "last_day", "budget", "budget_mode"])?;
                let mode = match &self.budget_mode {
                    Some(code) => one_of(
                        &format!("{at}budget_mode"),
                        code,
                        "total, monthly",
                        BudgetMode::parse,
                    )?,
                    None => BudgetMode::Total,
                };
                let amount = given(at, "budget", self.budget.as_deref())?;
                let amount = money(&format!("{at}budget"), amount)?;
                Ok(Service::Media {
                    term: self.term(at)?,
                    budget: Budget { mode, amount },
                })
            }
            "period" => {
                self.refuse_others(at, &["first_period", "last_period"])?;
                let first = given(at, "first_period", self.first_period.as_deref())?;
                let last = given(at, "last_period", self.last_period.as_deref())?;
                Ok(Service::Period {
                    first: period(&format!("{at}first_period"), first)?,
                    last: period(&format!("{at}last_period"), last)?,
                })
            }
            "additional" => {
                self.refuse_others(at, &["first_day", "last_day", "once", "quantity"])?;
                let quantity = match &self.quantity {
                    Some(text) => decimal(&format!("{at}quantity"), text)?,
                    None => Decimal::ONE,
                };
                match self.once {
                    Some(day) if self.first_day.is_none() && self.last_day.is_none() => {
                        Ok(Service::AdditionalOnce { day, quantity })
                    }
                    Some(_) => Err(not_of_kind(at, "once", "additional service with a term")),
                    None => Ok(Service::AdditionalTerm {
                        term: self.term(at)?,
                        quantity,
                    }),
                }
            }
            other => one_of(&format!("{at}kind"), other, "media, period, additional", |_| None),
        }
    }

    fn term(&self, at: &str) -> Result<Term, Problem> {
        let first_day = given(at, "first_day", self.first_day)?;
        let last_day = given(at, "last_day", self.last_day)?;
        Term::new(first_day, last_day).ok_or_else(|| {
            Problem::refused(
                "empty_term",
                format!("the term ends ({last_day}) before it begins ({first_day})"),
            )
            .field(format!("{at}last_day"))
        })
    }

    /// A field of another kind of line is a mistake, not noise.
    fn refuse_others(&self, at: &str, own: &[&str]) -> Result<(), Problem> {
        let present = [
            ("first_day", self.first_day.is_some()),
            ("last_day", self.last_day.is_some()),
            ("first_period", self.first_period.is_some()),
            ("last_period", self.last_period.is_some()),
            ("once", self.once.is_some()),
            ("budget", self.budget.is_some()),
            ("budget_mode", self.budget_mode.is_some()),
            ("quantity", self.quantity.is_some()),
        ];
        match present
            .into_iter()
            .find(|(name, is_there)| *is_there && !own.contains(name))
        {
            Some((name, _)) => Err(not_of_kind(at, name, &self.kind)),
            None => Ok(()),
        }
    }
}

/// Targeting of a line, with the problem of the field that is refused.
pub(super) fn targeting(
    at: &str,
    rubrics: &[String],
    search_phrases: &[String],
    schedule: &[String],
    frequency_cap: Option<i64>,
) -> Result<Targeting, Problem> {
    Targeting::new(rubrics, search_phrases, schedule, frequency_cap).map_err(|refused| {
        let problem =
            Problem::refused(refused.code(), refused.to_string()).field(format!("{at}{}", refused.field()));
        match refused.limit() {
            Some(limit) => problem.limit(limit),
            None => problem,
        }
    })
}

fn given<T>(at: &str, name: &str, value: Option<T>) -> Result<T, Problem> {
    value
        .ok_or_else(|| Problem::refused("missing", format!("{name} is missing")).field(format!("{at}{name}")))
}

fn not_of_kind(at: &str, name: &str, kind: &str) -> Problem {
    Problem::refused(
        "field_of_another_kind",
        format!("{name} is not a field of a {kind} line"),
    )
    .field(format!("{at}{name}"))
}

/// Order blanks, newest first.
#[utoipa::path(
    get, path = "/api/v1/order-blanks", tag = "order blanks", params(PageQuery),
    responses((status = 200, body = Page<OrderBlankView>), Refusals)
)]
pub(crate) async fn list_order_blanks(
    State(api): State<Api>,
    Caller(actor): Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<OrderBlankView>>, Problem> {
    let asked = query.asked(|text| OrderBlankId::parse(text).ok())?;
    let hide_drafts = !actor.is_operator();
    let mut tx = api.ctx.store.begin().await?;
    let blanks = tx
        .order_blanks()
        .list(actor.customer, hide_drafts, asked.after, asked.to_read())
        .await?;
    Ok(Json(asked.page(
        blanks,
        |blank| blank.id.to_string(),
        OrderBlankView::from,
    )))
}

/// An order blank with its lines and, once signed, its frozen terms.
#[utoipa::path(
    get, path = "/api/v1/order-blanks/{order_blank}", tag = "order blanks", params(("order_blank" = String, Path)),
    responses((status = 200, body = WholeOrderBlankView), Refusals)
)]
pub(crate) async fn get_order_blank(
    State(api): State<Api>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Json<WholeOrderBlankView>, Problem> {
    let id = id_in_path("order blank", OrderBlankId::parse(&id))?;
    let mut tx = api.ctx.store.begin().await?;
    let blank = tx
        .order_blanks()
        .find(id)
        .await?
        .filter(|blank| may_see(&actor, blank));
    let blank = blank.ok_or_else(|| no_such("order blank"))?;
    let lines = tx.order_lines().of_blank(id).await?;
    Ok(Json(DrawnUp { blank, lines }.into()))
}

/// A customer sees its own blanks; a draft is the operator's own paper until it is offered.
pub(super) fn may_see(actor: &Actor, blank: &OrderBlank) -> bool {
    actor.may_see(blank.customer) && (actor.is_operator() || blank.state != BlankState::Draft)
}

/// Draws an order blank up at the price list in force.
#[utoipa::path(
    post, path = "/api/v1/order-blanks", tag = "order blanks", request_body = OrderBlankRequest,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = WholeOrderBlankView), Refusals)
)]
pub(crate) async fn draw_up_order_blank(
    State(api): State<Api>,
    Writer(actor): Writer,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let command = json_body::<OrderBlankRequest>(&body)?.command()?;
    let mut write = match Write::begin(&api, &actor, "draw_up_order_blank", &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let drawn_up = draw_up_order_blank_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    write
        .finish(StatusCode::CREATED, &WholeOrderBlankView::from(drawn_up))
        .await
}

/// Makes a draft out anew, as a whole, by what is in force today. Its number and its customer stay.
#[utoipa::path(
    put, path = "/api/v1/order-blanks/{order_blank}", tag = "order blanks", request_body = OrderBlankRequest,
    params(("order_blank" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = WholeOrderBlankView), Refusals)
)]
pub(crate) async fn change_draft(
    State(api): State<Api>,
    Writer(actor): Writer,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let blank = id_in_path("order blank", OrderBlankId::parse(&id))?;
    let anew = json_body::<OrderBlankRequest>(&body)?.command()?;
    let operation = format!("change_draft {blank}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let drawn_up = change_draft_in(&mut write.tx, &api.ctx, &actor, ChangeDraft { blank, anew })
        .await
        .map_err(problem)?;
    write
        .finish(StatusCode::OK, &WholeOrderBlankView::from(drawn_up))
        .await
}

/// Offers a draft to its customer.
#[utoipa::path(
    post, path = "/api/v1/order-blanks/{order_blank}/offer", tag = "order blanks",
    params(("order_blank" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = OrderBlankView), Refusals)
)]
pub(crate) async fn offer_order_blank(
    State(api): State<Api>,
    Writer(actor): Writer,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let blank = id_in_path("order blank", OrderBlankId::parse(&id))?;
    let operation = format!("offer_order_blank {blank}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let command = OfferOrderBlank { blank };
    let blank = offer_order_blank_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    write.finish(StatusCode::OK, &OrderBlankView::from(blank)).await
}

/// Why it is given up.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CancelRequest {
    #[serde(default)]
    reason: String,
}

/// Gives an order blank up before it is signed.
#[utoipa::path(
    post, path = "/api/v1/order-blanks/{order_blank}/cancel", tag = "order blanks", request_body = CancelRequest,
    params(("order_blank" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = OrderBlankView), Refusals)
)]
pub(crate) async fn cancel_order_blank(
    State(api): State<Api>,
    Writer(actor): Writer,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let blank = id_in_path("order blank", OrderBlankId::parse(&id))?;
    let request: CancelRequest = json_body(&body)?;
    let operation = format!("cancel_order_blank {blank}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let command = CancelOrderBlank {
        blank,
        reason: request.reason,
    };
    let blank = cancel_order_blank_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    write.finish(StatusCode::OK, &OrderBlankView::from(blank)).await
}
