//! Price lists. Lists in force or past stay readable: the archive.

use crate::api::caller::{Caller, Writer};
use crate::api::fields::{id_in_path, json_body, no_such, one_of, price, text};
use crate::api::page::{Page, PageQuery};
use crate::api::write::{Begin, Write, problem};
use crate::api::{Api, Refusals};
use crate::app::publish_price_list::{PublishPriceList, PublishedPriceList, publish_price_list_in};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use chrono::{DateTime, NaiveDate, Utc};
use namoyish_domain::ids::PriceListId;
use namoyish_domain::orders::price_list::{ItemKind, Names, NewItem, Unit};
use namoyish_runtime::idempotency::{Answer, IdempotencyKey};
use namoyish_runtime::problem::Problem;
use namoyish_storage::price_lists::{PriceList, PriceListItem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A price list without its items.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PriceListView {
    id: String,
    /// In force from this day until the next list.
    valid_from: NaiveDate,
    published_at: DateTime<Utc>,
}

impl From<PriceList> for PriceListView {
    fn from(list: PriceList) -> PriceListView {
        PriceListView {
            id: list.id.to_string(),
            valid_from: list.valid_from,
            published_at: list.published_at,
        }
    }
}

/// An item of a price list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PriceListItemView {
    id: String,
    code: String,
    /// impressions, period or additional.
    kind: String,
    name_uz: String,
    name_ru: String,
    name_en: String,
    /// thousand_impressions, month or piece.
    unit: String,
    /// So'm for one unit; net when the operator is a VAT payer, final otherwise.
    #[schema(example = "12000.00")]
    unit_price: String,
}

impl From<PriceListItem> for PriceListItemView {
    fn from(item: PriceListItem) -> PriceListItemView {
        PriceListItemView {
            id: item.id.to_string(),
            code: item.item.code,
            kind: item.item.kind.code().to_owned(),
            name_uz: item.item.names.uz,
            name_ru: item.item.names.ru,
            name_en: item.item.names.en,
            unit: item.item.unit.code().to_owned(),
            unit_price: item.item.unit_price.to_string(),
        }
    }
}

/// A price list with its items.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WholePriceListView {
    #[serde(flatten)]
    list: PriceListView,
    items: Vec<PriceListItemView>,
}

impl From<PublishedPriceList> for WholePriceListView {
    fn from(published: PublishedPriceList) -> WholePriceListView {
        WholePriceListView {
            list: published.list.into(),
            items: published.items.into_iter().map(PriceListItemView::from).collect(),
        }
    }
}

/// An item to publish.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PriceListItemRequest {
    /// 1 to 64 letters, digits, hyphens, underscores, dots.
    code: String,
    /// impressions, period or additional.
    kind: String,
    name_uz: String,
    name_ru: String,
    name_en: String,
    /// thousand_impressions, month or piece; by the kind when left out (additional: month).
    unit: Option<String>,
    /// At most six decimal places.
    #[schema(example = "12000.00")]
    unit_price: String,
}

/// A list to publish.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PriceListRequest {
    /// After today, unless it is the first list.
    valid_from: NaiveDate,
    #[schema(min_items = 1, max_items = 1000)]
    items: Vec<PriceListItemRequest>,
}

impl PriceListRequest {
    fn command(self) -> Result<PublishPriceList, Problem> {
        let items = self
            .items
            .into_iter()
            .enumerate()
            .map(|(index, item)| item.new_item(index + 1))
            .collect::<Result<_, _>>()?;
        Ok(PublishPriceList {
            valid_from: self.valid_from,
            items,
        })
    }
}

impl PriceListItemRequest {
    fn new_item(self, position: usize) -> Result<NewItem, Problem> {
        let name = |field: &str| format!("items[{position}].{field}");
        let kind = one_of(
            &name("kind"),
            &self.kind,
            "impressions, period, additional",
            ItemKind::parse,
        )?;
        let unit = match &self.unit {
            Some(unit) => one_of(
                &name("unit"),
                unit,
                "thousand_impressions, month, piece",
                Unit::parse,
            )?,
            None if kind == ItemKind::Impressions => Unit::ThousandImpressions,
            None => Unit::Month,
        };
        Ok(NewItem {
            code: self.code,
            kind,
            names: text(
                &name(""),
                Names::check(&self.name_uz, &self.name_ru, &self.name_en),
            )?,
            unit,
            unit_price: price(&name("unit_price"), &self.unit_price)?,
        })
    }
}

/// Price lists, newest first.
#[utoipa::path(
    get, path = "/api/v1/price-lists", tag = "price lists", params(PageQuery),
    responses((status = 200, body = Page<PriceListView>), Refusals)
)]
pub(crate) async fn list_price_lists(
    State(api): State<Api>,
    Caller(_): Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<PriceListView>>, Problem> {
    let asked = query.asked(|text| PriceListId::parse(text).ok())?;
    let mut tx = api.ctx.store.begin().await?;
    let lists = tx.price_lists().list(asked.after, asked.to_read()).await?;
    Ok(Json(asked.page(
        lists,
        |list| list.id.to_string(),
        PriceListView::from,
    )))
}

/// A price list with its items; `in-force` for the one in force today.
#[utoipa::path(
    get, path = "/api/v1/price-lists/{price_list}", tag = "price lists", params(("price_list" = String, Path)),
    responses((status = 200, body = WholePriceListView), Refusals)
)]
pub(crate) async fn get_price_list(
    State(api): State<Api>,
    Caller(_): Caller,
    Path(id): Path<String>,
) -> Result<Json<WholePriceListView>, Problem> {
    let mut tx = api.ctx.store.begin().await?;
    let list = if id == "in-force" {
        tx.price_lists().in_force(api.ctx.today()).await?
    } else {
        tx.price_lists()
            .find(id_in_path("price list", PriceListId::parse(&id))?)
            .await?
    };
    let list = list.ok_or_else(|| no_such("price list"))?;
    let items = tx.price_lists().items(list.id).await?;
    Ok(Json(PublishedPriceList { list, items }.into()))
}

/// Publishes a price list.
#[utoipa::path(
    post, path = "/api/v1/price-lists", tag = "price lists", request_body = PriceListRequest,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = WholePriceListView), Refusals)
)]
pub(crate) async fn publish_price_list(
    State(api): State<Api>,
    Writer(actor): Writer,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let command = json_body::<PriceListRequest>(&body)?.command()?;
    let mut write = match Write::begin(&api, &actor, "publish_price_list", &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let published = publish_price_list_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    write
        .finish(StatusCode::CREATED, &WholePriceListView::from(published))
        .await
}
