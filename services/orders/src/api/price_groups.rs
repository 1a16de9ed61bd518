//! The annex of the price list (price groups), and additional services given to a category of customers (orders.md §2)
//! [003 §2.5, §3.1.2].

use crate::api::caller::{Caller, Writer};
use crate::api::fields::{decimal, id_in_path, json_body, no_such, plain, price, sound_day};
use crate::api::page::{Page, PageQuery};
use crate::api::write::{Begin, Write, problem};
use crate::api::{Api, Refusals};
use crate::app::give_service::{GiveService, give_service_in};
use crate::app::publish_price_annex::{PublishPriceAnnex, publish_price_annex_in};
use crate::app::withdraw_price_list::withdraw_price_annex_in;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use chrono::{DateTime, NaiveDate, Utc};
use namoyish_domain::ids::PriceAnnexId;
use namoyish_domain::orders::price_group::PriceGroup;
use namoyish_domain::orders::price_list::PRICE_MAX;
use namoyish_runtime::idempotency::{Answer, IdempotencyKey};
use namoyish_runtime::problem::Problem;
use namoyish_storage::price_groups::{CategoryService, PriceAnnex};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An annex without its groups.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PriceAnnexView {
    id: String,
    /// In force from this day until the next annex.
    valid_from: NaiveDate,
    published_at: DateTime<Utc>,
    /// When it was withdrawn, before its first day.
    withdrawn_at: Option<DateTime<Utc>>,
}

impl From<PriceAnnex> for PriceAnnexView {
    fn from(annex: PriceAnnex) -> PriceAnnexView {
        PriceAnnexView {
            id: annex.id.to_string(),
            valid_from: annex.valid_from,
            published_at: annex.published_at,
            withdrawn_at: annex.withdrawn_at,
        }
    }
}

/// A price group.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PriceGroupView {
    /// Unique in its annex.
    name: String,
    /// The city in which the order blank is made out; none: any.
    #[serde(default)]
    city: Option<String>,
    /// The customer's category; none: any.
    #[serde(default)]
    category: Option<String>,
    /// What a list price is multiplied by: above 0, at most 100, four decimal places.
    #[schema(example = "0.85")]
    coefficient: String,
}

impl From<PriceGroup> for PriceGroupView {
    fn from(group: PriceGroup) -> PriceGroupView {
        PriceGroupView {
            name: group.name,
            city: group.city,
            category: group.category,
            coefficient: plain(group.coefficient.decimal()),
        }
    }
}

/// An annex with its groups.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WholePriceAnnexView {
    #[serde(flatten)]
    annex: PriceAnnexView,
    groups: Vec<PriceGroupView>,
}

impl WholePriceAnnexView {
    fn of(annex: PriceAnnex, groups: Vec<PriceGroup>) -> WholePriceAnnexView {
        WholePriceAnnexView {
            annex: annex.into(),
            groups: groups.into_iter().map(PriceGroupView::from).collect(),
        }
    }
}

/// An annex to publish.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PriceAnnexRequest {
    /// After today.
    valid_from: NaiveDate,
    /// None ends all groups.
    #[schema(max_items = 500)]
    groups: Vec<PriceGroupView>,
}

impl PriceAnnexRequest {
    fn command(self) -> Result<PublishPriceAnnex, Problem> {
        let valid_from = sound_day("valid_from", self.valid_from)?;
        let groups = (1usize..)
            .zip(self.groups)
            .map(|(position, group)| {
                let at = |field: &str| format!("groups[{position}].{field}");
                let coefficient = decimal(&at("coefficient"), &group.coefficient)?;
                let (city, category) = (group.city.unwrap_or_default(), group.category.unwrap_or_default());
                PriceGroup::check(&group.name, &city, &category, coefficient).map_err(|refused| {
                    Problem::refused(refused.code(), refused.to_string()).field(at(refused.field()))
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(PublishPriceAnnex { valid_from, groups })
    }
}

/// Annexes of the price list, newest first.
#[utoipa::path(
    get, path = "/api/v1/price-annexes", tag = "price lists", params(PageQuery),
    responses((status = 200, body = Page<PriceAnnexView>), Refusals)
)]
pub(crate) async fn list_price_annexes(
    State(api): State<Api>,
    Caller(_): Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<PriceAnnexView>>, Problem> {
    let asked = query.asked(|text| PriceAnnexId::parse(text).ok())?;
    let mut tx = api.ctx.store.begin().await?;
    let annexes = tx.price_groups().list(asked.after, asked.to_read()).await?;
    Ok(Json(asked.page(
        annexes,
        |annex| annex.id.to_string(),
        PriceAnnexView::from,
    )))
}

/// An annex with its groups; `in-force` for the one in force today.
#[utoipa::path(
    get, path = "/api/v1/price-annexes/{price_annex}", tag = "price lists", params(("price_annex" = String, Path)),
    responses((status = 200, body = WholePriceAnnexView), Refusals)
)]
pub(crate) async fn get_price_annex(
    State(api): State<Api>,
    Caller(_): Caller,
    Path(id): Path<String>,
) -> Result<Json<WholePriceAnnexView>, Problem> {
    let mut tx = api.ctx.store.begin().await?;
    if id == "in-force" {
        let in_force = tx.price_groups().in_force(api.ctx.today()).await?;
        let (annex, groups) = in_force.ok_or_else(|| no_such("price annex"))?;
        return Ok(Json(WholePriceAnnexView::of(annex, groups)));
    }
    let id = id_in_path("price annex", PriceAnnexId::parse(&id))?;
    let annex = tx.price_groups().find(id).await?;
    let annex = annex.ok_or_else(|| no_such("price annex"))?;
    let groups = tx.price_groups().groups(id).await?;
    Ok(Json(WholePriceAnnexView::of(annex, groups)))
}

/// Publishes an annex of the price list.
#[utoipa::path(
    post, path = "/api/v1/price-annexes", tag = "price lists", request_body = PriceAnnexRequest,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = WholePriceAnnexView), Refusals)
)]
pub(crate) async fn publish_price_annex(
    State(api): State<Api>,
    Writer(actor): Writer,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let command = json_body::<PriceAnnexRequest>(&body)?.command()?;
    let mut write = match Write::begin(&api, &actor, "publish_price_annex", &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let (annex, groups) = publish_price_annex_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    write
        .finish(StatusCode::CREATED, &WholePriceAnnexView::of(annex, groups))
        .await
}

/// Withdraws an annex before its first day.
#[utoipa::path(
    delete, path = "/api/v1/price-annexes/{price_annex}", tag = "price lists",
    params(("price_annex" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = PriceAnnexView), Refusals)
)]
pub(crate) async fn withdraw_price_annex(
    State(api): State<Api>,
    Writer(actor): Writer,
    key: IdempotencyKey,
    Path(id): Path<String>,
) -> Result<Answer, Problem> {
    let operation = format!("withdraw_price_annex {id}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &[]).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let id = id_in_path("price annex", PriceAnnexId::parse(&id))?;
    let annex = withdraw_price_annex_in(&mut write.tx, &api.ctx, &actor, id)
        .await
        .map_err(problem)?;
    write.finish(StatusCode::OK, &PriceAnnexView::from(annex)).await
}

/// A service given to a category of customers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CategoryServiceView {
    category: String,
    /// Code of an additional service of the price list.
    item: String,
    /// First day.
    valid_from: NaiveDate,
    /// What they pay per unit; none: given no more from that day on.
    unit_price: Option<String>,
}

impl From<CategoryService> for CategoryServiceView {
    fn from(service: CategoryService) -> CategoryServiceView {
        CategoryServiceView {
            category: service.category,
            item: service.item_code,
            valid_from: service.valid_from,
            unit_price: service.unit_price.map(|price| price.to_string()),
        }
    }
}

/// What to give.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CategoryServiceRequest {
    category: String,
    /// Code of an additional service of the price list in force.
    item: String,
    /// After today.
    valid_from: NaiveDate,
    /// "0.00" is a gift; none ends the gift.
    #[schema(example = "0.00")]
    unit_price: Option<String>,
}

impl CategoryServiceRequest {
    fn command(self) -> Result<GiveService, Problem> {
        let unit_price = self
            .unit_price
            .as_deref()
            .map(|text| price("unit_price", text))
            .transpose()?;
        if unit_price.is_some_and(|price| price.decimal() > Decimal::from(PRICE_MAX)) {
            return Err(Problem::refused("price_too_large", "the price is too large")
                .field("unit_price")
                .limit(PRICE_MAX.to_string()));
        }
        Ok(GiveService {
            category: self.category,
            item: self.item,
            valid_from: sound_day("valid_from", self.valid_from)?,
            unit_price,
        })
    }
}

/// Services given to categories of customers, by category, service and first day.
#[utoipa::path(
    get, path = "/api/v1/category-services", tag = "price lists", params(PageQuery),
    responses((status = 200, body = Page<CategoryServiceView>), Refusals)
)]
pub(crate) async fn list_category_services(
    State(api): State<Api>,
    Caller(_): Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<CategoryServiceView>>, Problem> {
    let asked = query.asked(service_cursor)?;
    let after = asked.after.as_ref();
    let after = after.map(|(category, item, day)| (category.as_str(), item.as_str(), *day));
    let mut tx = api.ctx.store.begin().await?;
    let services = tx.price_groups().services(after, asked.to_read()).await?;
    Ok(Json(asked.page(
        services,
        |service| {
            format!(
                "{}|{}|{}",
                service.valid_from, service.item_code, service.category
            )
        },
        CategoryServiceView::from,
    )))
}

/// A row by its first day, item and category.
fn service_cursor(text: &str) -> Option<(String, String, NaiveDate)> {
    let mut parts = text.splitn(3, '|');
    let day = parts.next()?.parse().ok()?;
    let item = parts.next()?.to_owned();
    Some((parts.next()?.to_owned(), item, day))
}

/// Gives an additional service to a category of customers, or gives it no more.
#[utoipa::path(
    post, path = "/api/v1/category-services", tag = "price lists", request_body = CategoryServiceRequest,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = CategoryServiceView), Refusals)
)]
pub(crate) async fn give_service(
    State(api): State<Api>,
    Writer(actor): Writer,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let command = json_body::<CategoryServiceRequest>(&body)?.command()?;
    let mut write = match Write::begin(&api, &actor, "give_service", &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let service = give_service_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    write
        .finish(StatusCode::CREATED, &CategoryServiceView::from(service))
        .await
}
