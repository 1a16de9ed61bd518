//! The annex of the price list: price groups by city and category of customer (orders.md §2) [003 §3.1.2], and the
//! additional services given to a category [003 §2.5].

use crate::{DbError, Tx};
use chrono::NaiveDate;
use namoyish_domain::calendar::Timestamp;
use namoyish_domain::ids::PriceAnnexId;
use namoyish_domain::money::UnitPrice;
use namoyish_domain::orders::price_group::{Coefficient, PriceGroup, group_for};
use rust_decimal::Decimal;
use sqlx::Row;
use sqlx::postgres::PgRow;

statements! {
    INSERT_ANNEX = "insert into price_annexes (id, valid_from, published_at) values ($1, $2, $3)";
    INSERT_GROUP = "insert into price_groups (annex_id, name, city, category, coefficient) values ($1, $2, $3, $4, $5)";
    IN_FORCE = "select id, valid_from, published_at, withdrawn_at from price_annexes
        where valid_from <= $1 and withdrawn_at is null order by valid_from desc limit 1";
    LOCK = "select id, valid_from, published_at, withdrawn_at from price_annexes where id = $1 for no key update";
    FIND = "select id, valid_from, published_at, withdrawn_at from price_annexes where id = $1";
    LIST = "select id, valid_from, published_at, withdrawn_at from price_annexes where ($1::uuid is null or id < $1)
        order by id desc limit $2";
    WITHDRAW = "update price_annexes set withdrawn_at = $2 where id = $1 and withdrawn_at is null";
    GROUPS = "select name, city, category, coefficient from price_groups where annex_id = $1 order by name";
    PUT_SERVICE = "insert into category_services (category, item_code, valid_from, unit_price, set_by, set_at)
        values ($1, $2, $3, $4, $5, $6) on conflict (category, item_code, valid_from) do nothing";
    /// The row that counts for each service of a category on a day.
    SERVICES_ON = "select category, item_code, valid_from, unit_price from (
            select distinct on (item_code) category, item_code, valid_from, unit_price from category_services
            where category = $1 and valid_from <= $2 order by item_code, valid_from desc) s
        where unit_price is not null order by item_code";
    SERVICES = "select category, item_code, valid_from, unit_price from category_services
        where ($1::text is null or (category, item_code, valid_from) > ($1, $2::text, $3::date))
        order by category, item_code, valid_from limit $4";
}

/// An annex without its groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceAnnex {
    /// Id.
    pub id: PriceAnnexId,
    /// First day in force.
    pub valid_from: NaiveDate,
    /// When it was published.
    pub published_at: Timestamp,
    /// When it was withdrawn, before its first day.
    pub withdrawn_at: Option<Timestamp>,
}

/// A service given to a category from a day on; without a price it is given no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CategoryService {
    /// Category of customers.
    pub category: String,
    /// Code of an additional service of the price list.
    pub item_code: String,
    /// First day.
    pub valid_from: NaiveDate,
    /// What they pay for it, per unit; `None`: given no more.
    pub unit_price: Option<UnitPrice>,
}

/// See [`Tx::price_groups`].
#[derive(Debug)]
pub struct PriceGroups<'a>(&'a mut Tx);

impl Tx {
    /// Annexes of the price list and services of categories.
    pub fn price_groups(&mut self) -> PriceGroups<'_> {
        PriceGroups(self)
    }
}

impl PriceGroups<'_> {
    /// Adds an annex. Refused by `price_annex_day_is_unique`.
    pub async fn insert(&mut self, annex: &PriceAnnex, groups: &[PriceGroup]) -> Result<(), DbError> {
        sqlx::query(INSERT_ANNEX)
            .bind(annex.id.uuid())
            .bind(annex.valid_from)
            .bind(annex.published_at)
            .execute(self.0.conn())
            .await?;
        for group in groups {
            sqlx::query(INSERT_GROUP)
                .bind(annex.id.uuid())
                .bind(&group.name)
                .bind(group.city.as_deref().unwrap_or_default())
                .bind(group.category.as_deref().unwrap_or_default())
                .bind(group.coefficient.decimal())
                .execute(self.0.conn())
                .await?;
        }
        Ok(())
    }

    /// The annex in force on a day, with its groups.
    pub async fn in_force(
        &mut self,
        day: NaiveDate,
    ) -> Result<Option<(PriceAnnex, Vec<PriceGroup>)>, DbError> {
        let row = sqlx::query(IN_FORCE)
            .bind(day)
            .fetch_optional(self.0.conn())
            .await?;
        match row.as_ref().map(annex_of_row).transpose()? {
            None => Ok(None),
            Some(annex) => {
                let groups = self.groups(annex.id).await?;
                Ok(Some((annex, groups)))
            }
        }
    }

    /// The group of a customer of `category` for a blank made out in `city` at the annex of a day.
    pub async fn coefficient_on(
        &mut self,
        day: NaiveDate,
        city: &str,
        category: &str,
    ) -> Result<Option<PriceGroup>, DbError> {
        let annex = self.in_force(day).await?;
        Ok(annex.and_then(|(_, groups)| group_for(&groups, city, category).cloned()))
    }

    /// An annex by id.
    pub async fn find(&mut self, id: PriceAnnexId) -> Result<Option<PriceAnnex>, DbError> {
        let row = sqlx::query(FIND)
            .bind(id.uuid())
            .fetch_optional(self.0.conn())
            .await?;
        row.as_ref().map(annex_of_row).transpose()
    }

    /// An annex by id, locked until the transaction ends.
    pub async fn lock(&mut self, id: PriceAnnexId) -> Result<Option<PriceAnnex>, DbError> {
        let row = sqlx::query(LOCK)
            .bind(id.uuid())
            .fetch_optional(self.0.conn())
            .await?;
        row.as_ref().map(annex_of_row).transpose()
    }

    /// Withdraws an annex. False: it was withdrawn before.
    pub async fn withdraw(&mut self, id: PriceAnnexId, at: Timestamp) -> Result<bool, DbError> {
        let done = sqlx::query(WITHDRAW)
            .bind(id.uuid())
            .bind(at)
            .execute(self.0.conn())
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Annexes, newest first.
    pub async fn list(
        &mut self,
        before: Option<PriceAnnexId>,
        limit: u32,
    ) -> Result<Vec<PriceAnnex>, DbError> {
        let rows = sqlx::query(LIST)
            .bind(before.map(PriceAnnexId::uuid))
            .bind(i64::from(limit))
            .fetch_all(self.0.conn())
            .await?;
        rows.iter().map(annex_of_row).collect()
    }

    /// The groups of an annex by name. An annex has at most `price_group::GROUPS_MAX`.
    pub async fn groups(&mut self, annex: PriceAnnexId) -> Result<Vec<PriceGroup>, DbError> {
        let rows = sqlx::query(GROUPS)
            .bind(annex.uuid())
            .fetch_all(self.0.conn())
            .await?;
        rows.iter()
            .map(|row| {
                let some = |name: &str| {
                    row.try_get::<String, _>(name)
                        .map(|text| (!text.is_empty()).then_some(text))
                };
                let coefficient = Coefficient::new(row.try_get("coefficient")?)
                    .map_err(|refused| DbError::Inconsistent(format!("price annex {annex}: {refused}")))?;
                Ok(PriceGroup {
                    name: row.try_get("name")?,
                    city: some("city")?,
                    category: some("category")?,
                    coefficient,
                })
            })
            .collect()
    }

    /// Gives a service to a category, or gives it no more. False: that day is written already.
    pub async fn put_service(
        &mut self,
        service: &CategoryService,
        by: &str,
        at: Timestamp,
    ) -> Result<bool, DbError> {
        let done = sqlx::query(PUT_SERVICE)
            .bind(&service.category)
            .bind(&service.item_code)
            .bind(service.valid_from)
            .bind(service.unit_price.map(UnitPrice::decimal))
            .bind(by)
            .bind(at)
            .execute(self.0.conn())
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// The services that a category is given on a day.
    pub async fn services_on(
        &mut self,
        category: &str,
        day: NaiveDate,
    ) -> Result<Vec<CategoryService>, DbError> {
        let rows = sqlx::query(SERVICES_ON)
            .bind(category)
            .bind(day)
            .fetch_all(self.0.conn())
            .await?;
        rows.iter().map(service_of_row).collect()
    }

    /// Rows by category, service and first day, after the one that a cursor names.
    pub async fn services(
        &mut self,
        after: Option<(&str, &str, NaiveDate)>,
        limit: u32,
    ) -> Result<Vec<CategoryService>, DbError> {
        let rows = sqlx::query(SERVICES)
            .bind(after.map(|(category, _, _)| category))
            .bind(after.map(|(_, item, _)| item))
            .bind(after.map(|(_, _, valid_from)| valid_from))
            .bind(i64::from(limit))
            .fetch_all(self.0.conn())
            .await?;
        rows.iter().map(service_of_row).collect()
    }
}

fn annex_of_row(row: &PgRow) -> Result<PriceAnnex, DbError> {
    Ok(PriceAnnex {
        id: PriceAnnexId::from_uuid(row.try_get("id")?),
        valid_from: row.try_get("valid_from")?,
        published_at: row.try_get("published_at")?,
        withdrawn_at: row.try_get("withdrawn_at")?,
    })
}

fn service_of_row(row: &PgRow) -> Result<CategoryService, DbError> {
    Ok(CategoryService {
        category: row.try_get("category")?,
        item_code: row.try_get("item_code")?,
        valid_from: row.try_get("valid_from")?,
        unit_price: row
            .try_get::<Option<Decimal>, _>("unit_price")?
            .map(UnitPrice::new)
            .transpose()?,
    })
}
