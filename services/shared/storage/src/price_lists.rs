//! Price lists and their items (orders.md §2). All that ever happens to a list is its withdrawal before its first day.
//! Its annex, the price groups, is in `price_groups`.

use crate::{DbError, Tx};
use chrono::NaiveDate;
use namoyish_domain::calendar::Timestamp;
use namoyish_domain::ids::{AppId, PlacementId, PriceListId, PriceListItemId};
use namoyish_domain::money::UnitPrice;
use namoyish_domain::orders::price_list::{ItemKind, Names, NewItem, SoldIn, Unit};
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

statements! {
    INSERT_LIST = "insert into price_lists (id, valid_from, published_at) values ($1, $2, $3)";
    INSERT_ITEM = "insert into price_list_items (id, price_list_id, code, kind, name_uz, name_ru, name_en, unit, unit_price,
            app_id, placement_id, material_requirements)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    ANY = "select exists (select 1 from price_lists)";
    IN_FORCE = "select id, valid_from, published_at, withdrawn_at from price_lists
        where valid_from <= $1 and withdrawn_at is null order by valid_from desc limit 1";
    FIND = "select id, valid_from, published_at, withdrawn_at from price_lists where id = $1";
    LOCK = "select id, valid_from, published_at, withdrawn_at from price_lists where id = $1 for no key update";
    LIST = "select id, valid_from, published_at, withdrawn_at from price_lists where ($1::uuid is null or id < $1)
        order by id desc limit $2";
    /// Not withdrawn, begun by $1, newest first.
    ARCHIVE = "select id, valid_from, published_at, withdrawn_at from price_lists
        where valid_from <= $1 and withdrawn_at is null order by valid_from desc limit $2";
    WITHDRAW = "update price_lists set withdrawn_at = $2 where id = $1 and withdrawn_at is null";
    ITEMS = "select * from price_list_items where price_list_id = $1 order by code";
    ITEM_BY_CODE = "select * from price_list_items where price_list_id = $1 and code = $2";
    ITEM = "select * from price_list_items where id = $1";
}

/// A list without its items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceList {
    /// Id.
    pub id: PriceListId,
    /// First day in force.
    pub valid_from: NaiveDate,
    /// When it was published.
    pub published_at: Timestamp,
    /// When it was withdrawn, before its first day.
    pub withdrawn_at: Option<Timestamp>,
}

/// An item of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceListItem {
    /// Id.
    pub id: PriceListItemId,
    /// Its list.
    pub price_list: PriceListId,
    /// Code, kind, names, unit, price.
    pub item: NewItem,
}

/// See [`Tx::price_lists`].
#[derive(Debug)]
pub struct PriceLists<'a>(&'a mut Tx);

impl Tx {
    /// Price lists.
    pub fn price_lists(&mut self) -> PriceLists<'_> {
        PriceLists(self)
    }
}

impl PriceLists<'_> {
    /// Adds a list with its items. Refused by `price_list_day_is_unique`, `price_list_item_code_is_unique`.
    pub async fn insert(
        &mut self,
        list: &PriceList,
        items: &[(PriceListItemId, NewItem)],
    ) -> Result<(), DbError> {
        sqlx::query(INSERT_LIST)
            .bind(list.id.uuid())
            .bind(list.valid_from)
            .bind(list.published_at)
            .execute(self.0.conn())
            .await?;
        for (id, item) in items {
            sqlx::query(INSERT_ITEM)
                .bind(id.uuid())
                .bind(list.id.uuid())
                .bind(&item.code)
                .bind(item.kind.code())
                .bind(&item.names.uz)
                .bind(&item.names.ru)
                .bind(&item.names.en)
                .bind(item.unit.code())
                .bind(item.unit_price.decimal())
                .bind(match item.sold_in {
                    SoldIn::App(app) => Some(app.uuid()),
                    SoldIn::Anywhere | SoldIn::Placement(_) => None,
                })
                .bind(match item.sold_in {
                    SoldIn::Placement(placement) => Some(placement.uuid()),
                    SoldIn::Anywhere | SoldIn::App(_) => None,
                })
                .bind(&item.material_requirements)
                .execute(self.0.conn())
                .await?;
        }
        Ok(())
    }

    /// Whether there is any list yet.
    pub async fn any(&mut self) -> Result<bool, DbError> {
        Ok(sqlx::query_scalar(ANY).fetch_one(self.0.conn()).await?)
    }

    /// The list in force on a day.
    pub async fn in_force(&mut self, day: NaiveDate) -> Result<Option<PriceList>, DbError> {
        let row = sqlx::query(IN_FORCE)
            .bind(day)
            .fetch_optional(self.0.conn())
            .await?;
        row.as_ref().map(list_of_row).transpose()
    }

    /// A list by id.
    pub async fn find(&mut self, id: PriceListId) -> Result<Option<PriceList>, DbError> {
        let row = sqlx::query(FIND)
            .bind(id.uuid())
            .fetch_optional(self.0.conn())
            .await?;
        row.as_ref().map(list_of_row).transpose()
    }

    /// A list by id, locked until the transaction ends.
    pub async fn lock(&mut self, id: PriceListId) -> Result<Option<PriceList>, DbError> {
        let row = sqlx::query(LOCK)
            .bind(id.uuid())
            .fetch_optional(self.0.conn())
            .await?;
        row.as_ref().map(list_of_row).transpose()
    }

    /// Withdraws a list. False: it was withdrawn before.
    pub async fn withdraw(&mut self, id: PriceListId, at: Timestamp) -> Result<bool, DbError> {
        let done = sqlx::query(WITHDRAW)
            .bind(id.uuid())
            .bind(at)
            .execute(self.0.conn())
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// The lists that have begun by a day, newest first.
    pub async fn archive(&mut self, day: NaiveDate, limit: u32) -> Result<Vec<PriceList>, DbError> {
        let rows = sqlx::query(ARCHIVE)
            .bind(day)
            .bind(i64::from(limit))
            .fetch_all(self.0.conn())
            .await?;
        rows.iter().map(list_of_row).collect()
    }

    /// Lists, newest first.
    pub async fn list(&mut self, before: Option<PriceListId>, limit: u32) -> Result<Vec<PriceList>, DbError> {
        let rows = sqlx::query(LIST)
            .bind(before.map(PriceListId::uuid))
            .bind(i64::from(limit))
            .fetch_all(self.0.conn())
            .await?;
        rows.iter().map(list_of_row).collect()
    }

    /// The items of a list by code. A list has at most `price_list::ITEMS_MAX`.
    pub async fn items(&mut self, list: PriceListId) -> Result<Vec<PriceListItem>, DbError> {
        let rows = sqlx::query(ITEMS)
            .bind(list.uuid())
            .fetch_all(self.0.conn())
            .await?;
        rows.iter().map(item_of_row).collect()
    }

    /// An item of a list by its code.
    pub async fn item_by_code(
        &mut self,
        list: PriceListId,
        code: &str,
    ) -> Result<Option<PriceListItem>, DbError> {
        let row = sqlx::query(ITEM_BY_CODE)
            .bind(list.uuid())
            .bind(code)
            .fetch_optional(self.0.conn())
            .await?;
        row.as_ref().map(item_of_row).transpose()
    }

    /// An item by id.
    pub async fn item(&mut self, id: PriceListItemId) -> Result<Option<PriceListItem>, DbError> {
        let row = sqlx::query(ITEM)
            .bind(id.uuid())
            .fetch_optional(self.0.conn())
            .await?;
        row.as_ref().map(item_of_row).transpose()
    }
}

fn list_of_row(row: &PgRow) -> Result<PriceList, DbError> {
    Ok(PriceList {
        id: PriceListId::from_uuid(row.try_get("id")?),
        valid_from: row.try_get("valid_from")?,
        published_at: row.try_get("published_at")?,
        withdrawn_at: row.try_get("withdrawn_at")?,
    })
}

fn item_of_row(row: &PgRow) -> Result<PriceListItem, DbError> {
    let id = PriceListItemId::from_uuid(row.try_get("id")?);
    let inconsistent = |what: &str| DbError::Inconsistent(format!("price list item {id}: {what}"));
    let kind: String = row.try_get("kind")?;
    let unit: String = row.try_get("unit")?;
    let app: Option<Uuid> = row.try_get("app_id")?;
    let placement: Option<Uuid> = row.try_get("placement_id")?;
    let sold_in = match (app, placement) {
        (None, None) => SoldIn::Anywhere,
        (Some(app), None) => SoldIn::App(AppId::from_uuid(app)),
        (None, Some(placement)) => SoldIn::Placement(PlacementId::from_uuid(placement)),
        (Some(_), Some(_)) => return Err(inconsistent("two places")),
    };
    Ok(PriceListItem {
        id,
        price_list: PriceListId::from_uuid(row.try_get("price_list_id")?),
        item: NewItem {
            code: row.try_get("code")?,
            kind: ItemKind::parse(&kind).ok_or_else(|| inconsistent("kind"))?,
            names: Names {
                uz: row.try_get("name_uz")?,
                ru: row.try_get("name_ru")?,
                en: row.try_get("name_en")?,
            },
            unit: Unit::parse(&unit).ok_or_else(|| inconsistent("unit"))?,
            unit_price: UnitPrice::new(row.try_get("unit_price")?)?,
            sold_in,
            material_requirements: row.try_get("material_requirements")?,
        },
    })
}
