//! Price lists. Lists in force or past stay readable: the archive.

use crate::api::caller::{Caller, Writer};
use crate::api::fields::{field, id_in_path, is_sound_day, json_body, no_such, one_of, price, text};
use crate::api::page::{Page, PageQuery};
use crate::api::write::{Begin, Write, problem};
use crate::api::{Api, Refusals};
use crate::app::publish_price_list::{PublishPriceList, PublishedPriceList, publish_price_list_in};
use crate::app::withdraw_price_list::withdraw_price_list_in;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use chrono::{DateTime, NaiveDate, Utc};
use namoyish_domain::ids::{AppId, PlacementId, PriceListId};
use namoyish_domain::orders::price_list::{ItemKind, Names, NewItem, REQUIREMENTS_CHARS_MAX, SoldIn, Unit};
use namoyish_domain::orders::text::long;
use namoyish_runtime::idempotency::{Answer, IdempotencyKey};
use namoyish_runtime::problem::Problem;
use namoyish_storage::price_lists::{PriceList, PriceListItem};
use namoyish_storage::{DbError, Tx};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A price list without its items.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PriceListView {
    id: String,
    /// In force from this day until the next list.
    valid_from: NaiveDate,
    published_at: DateTime<Utc>,
    /// When it was withdrawn, before its first day.
    withdrawn_at: Option<DateTime<Utc>>,
}

impl From<PriceList> for PriceListView {
    fn from(list: PriceList) -> PriceListView {
        PriceListView {
            id: list.id.to_string(),
            valid_from: list.valid_from,
            published_at: list.published_at,
            withdrawn_at: list.withdrawn_at,
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
    /// The app whose placements it buys.
    app: Option<String>,
    /// The one placement that it buys; with neither, any.
    placement: Option<String>,
    /// Technical requirements of the material.
    material_requirements: String,
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
            app: match item.item.sold_in {
                SoldIn::App(app) => Some(app.to_string()),
                SoldIn::Anywhere | SoldIn::Placement(_) => None,
            },
            placement: match item.item.sold_in {
                SoldIn::Placement(placement) => Some(placement.to_string()),
                SoldIn::Anywhere | SoldIn::App(_) => None,
            },
            material_requirements: item.item.material_requirements,
        }
    }
}

/// A price list with its items.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WholePriceListView {
    #[serde(flatten)]
    list: PriceListView,
    /// net (VAT comes on top) or final, by the operator's VAT status today, or on the list's first day when it lies ahead.
    price_base: &'static str,
    items: Vec<PriceListItemView>,
}

impl WholePriceListView {
    async fn of(tx: &mut Tx, today: NaiveDate, published: PublishedPriceList) -> Result<Self, DbError> {
        let day = today.max(published.list.valid_from);
        let vat = tx.operator().vat_terms_on(day).await?;
        Ok(WholePriceListView {
            list: published.list.into(),
            price_base: if vat.is_some_and(|vat| vat.is_payer()) {
                "net"
            } else {
                "final"
            },
            items: published.items.into_iter().map(PriceListItemView::from).collect(),
        })
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
    /// The app whose placements it buys.
    app: Option<String>,
    /// The one placement that it buys; at most one of the two.
    placement: Option<String>,
    /// Technical requirements of the material.
    #[serde(default)]
    #[schema(max_length = 2000)]
    material_requirements: String,
}

/// A list to publish.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PriceListRequest {
    /// After today, unless it is the first list.
    valid_from: NaiveDate,
    /// A list that has not begun, withdrawn in the same step.
    replaces: Option<String>,
    #[schema(min_items = 1, max_items = 1000)]
    items: Vec<PriceListItemRequest>,
}

impl PriceListRequest {
    fn replaces(&self) -> Result<Option<PriceListId>, Problem> {
        self.replaces
            .as_deref()
            .map(|id| field("replaces", "unknown_value", PriceListId::parse(id)))
            .transpose()
    }

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
        let sold_in = self.sold_in(&name)?;
        Ok(NewItem {
            code: self.code,
            kind,
            names: text(
                &name(""),
                Names::check(&self.name_uz, &self.name_ru, &self.name_en),
            )?,
            unit,
            unit_price: price(&name("unit_price"), &self.unit_price)?,
            sold_in,
            material_requirements: text(
                &name(""),
                long(
                    "material_requirements",
                    &self.material_requirements,
                    REQUIREMENTS_CHARS_MAX,
                ),
            )?,
        })
    }
}

impl PriceListItemRequest {
    fn sold_in(&self, name: &impl Fn(&str) -> String) -> Result<SoldIn, Problem> {
        match (&self.app, &self.placement) {
            (None, None) => Ok(SoldIn::Anywhere),
            (Some(app), None) => field(&name("app"), "unknown_value", AppId::parse(app)).map(SoldIn::App),
            (None, Some(placement)) => {
                field(&name("placement"), "unknown_value", PlacementId::parse(placement))
                    .map(SoldIn::Placement)
            }
            (Some(_), Some(_)) => Err(Problem::refused(
                "two_places",
                "an item buys the placements of an app or one placement, not both",
            )
            .field(name("placement"))),
        }
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

/// A price list with its items: by its id, `in-force` for the one in force today, or a day (`2026-01-01`) for the one that
/// was in force on it.
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
    } else if let Ok(day) = id.parse::<NaiveDate>()
        && is_sound_day(day)
    {
        tx.price_lists().in_force(day).await?
    } else {
        tx.price_lists()
            .find(id_in_path("price list", PriceListId::parse(&id))?)
            .await?
    };
    let list = list.ok_or_else(|| no_such("price list"))?;
    let items = tx.price_lists().items(list.id).await?;
    let published = PublishedPriceList { list, items };
    Ok(Json(
        WholePriceListView::of(&mut tx, api.ctx.today(), published).await?,
    ))
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
    let request = json_body::<PriceListRequest>(&body)?;
    let replaced = request.replaces()?;
    let command = request.command()?;
    let mut write = match Write::begin(&api, &actor, "publish_price_list", &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    if let Some(replaced) = replaced {
        withdraw_price_list_in(&mut write.tx, &api.ctx, &actor, replaced)
            .await
            .map_err(problem)?;
    }
    let published = publish_price_list_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    let view = WholePriceListView::of(&mut write.tx, api.ctx.today(), published).await?;
    write.finish(StatusCode::CREATED, &view).await
}

/// Withdraws a price list before its first day; one in force or past stays as it is.
#[utoipa::path(
    delete, path = "/api/v1/price-lists/{price_list}", tag = "price lists",
    params(("price_list" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = PriceListView), Refusals)
)]
pub(crate) async fn withdraw_price_list(
    State(api): State<Api>,
    Writer(actor): Writer,
    key: IdempotencyKey,
    Path(id): Path<String>,
) -> Result<Answer, Problem> {
    let operation = format!("withdraw_price_list {id}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &[]).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let id = id_in_path("price list", PriceListId::parse(&id))?;
    let list = withdraw_price_list_in(&mut write.tx, &api.ctx, &actor, id)
        .await
        .map_err(problem)?;
    write.finish(StatusCode::OK, &PriceListView::from(list)).await
}
