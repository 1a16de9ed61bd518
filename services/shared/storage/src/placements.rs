//! Apps, their placements, and the region tree (orders.md §3–4; delivery.md §1–2).

use crate::{DbError, Tx};
use namoyish_domain::ids::{AppId, PlacementId};
use namoyish_domain::orders::placement::{PlacementFormat, PlacementKind, RegionCode};
use namoyish_domain::orders::price_list::Names;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

statements! {
    INSERT_APP = "insert into apps (id, code, name, partner, publishable_key) values ($1, $2, $3, $4, $5)";
    APP = "select id, code, name, partner, publishable_key from apps where id = $1";
    APPS = "select id, code, name, partner, publishable_key from apps where ($1::uuid is null or id > $1) order by id limit $2";
    INSERT = "insert into placements (id, code, app_id, name_uz, name_ru, name_en, kind, width, height, bytes_max, text_max)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    FIND_MANY = "select * from placements where id = any($1)";
    FIND_BY_CODE = "select * from placements where code = $1";
    LIST = "select * from placements where ($1::uuid is null or id > $1) order by id limit $2";
    PUT_REGION = "insert into regions (code, parent, name_uz, name_ru, name_en) values ($1, $2, $3, $4, $5)
        on conflict (code) do update set parent = excluded.parent, name_uz = excluded.name_uz, name_ru = excluded.name_ru,
            name_en = excluded.name_en";
    REGIONS = "select code, name_uz, name_ru, name_en from regions where code > $1 order by code limit $2";
    REGIONS_NAMED = "select code, name_uz, name_ru, name_en from regions where code = any($1) order by code";
    UNKNOWN_REGIONS = "select asked from unnest($1::text[]) as asked where not exists (select 1 from regions where code = asked)
        order by asked";
}

/// An app that shows ads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// Id.
    pub id: AppId,
    /// Short name, unique.
    pub code: String,
    /// Name.
    pub name: String,
    /// Whether it is partner inventory [003 §6.6].
    pub partner: bool,
    /// The key by which the app authenticates; it is in every page that shows ads, so it is no secret.
    pub publishable_key: String,
}

/// A placement in an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// Id.
    pub id: PlacementId,
    /// Short name, unique.
    pub code: String,
    /// Its app.
    pub app: AppId,
    /// Names.
    pub names: Names,
    /// What a material must keep to.
    pub format: PlacementFormat,
}

/// A node of the region tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// Code.
    pub code: RegionCode,
    /// Names.
    pub names: Names,
}

/// See [`Tx::placements`].
#[derive(Debug)]
pub struct Placements<'a>(&'a mut Tx);

impl Tx {
    /// Apps, placements and regions.
    pub fn placements(&mut self) -> Placements<'_> {
        Placements(self)
    }
}

impl Placements<'_> {
    /// The nodes with these codes, by code.
    pub async fn regions_named(&mut self, codes: &[RegionCode]) -> Result<Vec<Region>, DbError> {
        let codes: Vec<String> = codes.iter().map(ToString::to_string).collect();
        let rows = sqlx::query(REGIONS_NAMED)
            .bind(codes)
            .fetch_all(self.0.conn())
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Region {
                    code: region_code(&row.try_get::<String, _>("code")?)?,
                    names: names_of_row(row)?,
                })
            })
            .collect()
    }

    /// Adds an app. Refused by `app_code_is_unique`.
    pub async fn insert_app(&mut self, app: &App) -> Result<(), DbError> {
        sqlx::query(INSERT_APP)
            .bind(app.id.uuid())
            .bind(&app.code)
            .bind(&app.name)
            .bind(app.partner)
            .bind(&app.publishable_key)
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// An app by id.
    pub async fn app(&mut self, id: AppId) -> Result<Option<App>, DbError> {
        let row = sqlx::query(APP)
            .bind(id.uuid())
            .fetch_optional(self.0.conn())
            .await?;
        row.as_ref().map(app_of_row).transpose()
    }

    /// Apps after a cursor.
    pub async fn apps(&mut self, after: Option<AppId>, limit: u32) -> Result<Vec<App>, DbError> {
        let rows = sqlx::query(APPS)
            .bind(after.map(AppId::uuid))
            .bind(i64::from(limit))
            .fetch_all(self.0.conn())
            .await?;
        rows.iter().map(app_of_row).collect()
    }

    /// Adds a placement. Refused by `placement_code_is_unique`.
    pub async fn insert(&mut self, placement: &Placement) -> Result<(), DbError> {
        let format = placement.format;
        sqlx::query(INSERT)
            .bind(placement.id.uuid())
            .bind(&placement.code)
            .bind(placement.app.uuid())
            .bind(&placement.names.uz)
            .bind(&placement.names.ru)
            .bind(&placement.names.en)
            .bind(format.kind.code())
            .bind(to_column("width", format.width)?)
            .bind(to_column("height", format.height)?)
            .bind(to_column("bytes_max", format.bytes_max)?)
            .bind(to_column("text_max", format.text_max)?)
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// Those of the placements that exist, in no order.
    pub async fn find_many(&mut self, ids: &[PlacementId]) -> Result<Vec<Placement>, DbError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
        let rows = sqlx::query(FIND_MANY).bind(ids).fetch_all(self.0.conn()).await?;
        rows.iter().map(placement_of_row).collect()
    }

    /// A placement by its code.
    pub async fn find_by_code(&mut self, code: &str) -> Result<Option<Placement>, DbError> {
        let row = sqlx::query(FIND_BY_CODE)
            .bind(code)
            .fetch_optional(self.0.conn())
            .await?;
        row.as_ref().map(placement_of_row).transpose()
    }

    /// Placements after a cursor.
    pub async fn list(&mut self, after: Option<PlacementId>, limit: u32) -> Result<Vec<Placement>, DbError> {
        let rows = sqlx::query(LIST)
            .bind(after.map(PlacementId::uuid))
            .bind(i64::from(limit))
            .fetch_all(self.0.conn())
            .await?;
        rows.iter().map(placement_of_row).collect()
    }

    /// Adds a region or changes its names. Its parent must be there.
    pub async fn put_region(&mut self, region: &Region) -> Result<(), DbError> {
        sqlx::query(PUT_REGION)
            .bind(region.code.as_str())
            .bind(region.code.parent().as_ref().map(RegionCode::as_str))
            .bind(&region.names.uz)
            .bind(&region.names.ru)
            .bind(&region.names.en)
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// Regions with a code after `after` ("" for the first page).
    pub async fn regions(&mut self, after: &str, limit: u32) -> Result<Vec<Region>, DbError> {
        let rows = sqlx::query(REGIONS)
            .bind(after)
            .bind(i64::from(limit))
            .fetch_all(self.0.conn())
            .await?;
        rows.iter()
            .map(|row| {
                let code: String = row.try_get("code")?;
                Ok(Region {
                    code: region_code(&code)?,
                    names: names_of_row(row)?,
                })
            })
            .collect()
    }

    /// Those of the codes that aren't in the tree.
    pub async fn unknown_regions(&mut self, codes: &[RegionCode]) -> Result<Vec<String>, DbError> {
        let codes: Vec<String> = codes.iter().map(RegionCode::to_string).collect();
        Ok(sqlx::query_scalar(UNKNOWN_REGIONS)
            .bind(codes)
            .fetch_all(self.0.conn())
            .await?)
    }
}

/// A region code from a column.
pub(crate) fn region_code(text: &str) -> Result<RegionCode, DbError> {
    RegionCode::parse(text).map_err(|error| DbError::Inconsistent(error.to_string()))
}

/// A number for an `integer` column.
fn to_column(name: &str, value: impl TryInto<i32>) -> Result<i32, DbError> {
    value
        .try_into()
        .map_err(|_| DbError::Inconsistent(format!("placement: {name} does not fit its column")))
}

/// A number that is never negative from an `integer` column.
pub(crate) fn from_column(row: &PgRow, name: &str) -> Result<u32, DbError> {
    u32::try_from(row.try_get::<i32, _>(name)?)
        .map_err(|_| DbError::Inconsistent(format!("{name} is negative")))
}

fn names_of_row(row: &PgRow) -> Result<Names, DbError> {
    Ok(Names {
        uz: row.try_get("name_uz")?,
        ru: row.try_get("name_ru")?,
        en: row.try_get("name_en")?,
    })
}

fn app_of_row(row: &PgRow) -> Result<App, DbError> {
    Ok(App {
        id: AppId::from_uuid(row.try_get("id")?),
        code: row.try_get("code")?,
        name: row.try_get("name")?,
        partner: row.try_get("partner")?,
        publishable_key: row.try_get("publishable_key")?,
    })
}

fn placement_of_row(row: &PgRow) -> Result<Placement, DbError> {
    let id = PlacementId::from_uuid(row.try_get("id")?);
    Ok(Placement {
        id,
        code: row.try_get("code")?,
        app: AppId::from_uuid(row.try_get("app_id")?),
        names: names_of_row(row)?,
        format: format_of_row(row)?,
    })
}

/// The format columns of a placement.
pub(crate) fn format_of_row(row: &PgRow) -> Result<PlacementFormat, DbError> {
    let kind: String = row.try_get("kind")?;
    Ok(PlacementFormat {
        kind: PlacementKind::parse(&kind)
            .ok_or_else(|| DbError::Inconsistent(format!("placement kind {kind}")))?,
        width: from_column(row, "width")?,
        height: from_column(row, "height")?,
        bytes_max: u64::from(from_column(row, "bytes_max")?),
        text_max: from_column(row, "text_max")?,
    })
}
