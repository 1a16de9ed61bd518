//! Lines of order blanks and their history (orders.md §3–6).
//!
//! What was ordered (`ordered_*`, price, budget at signing) never changes here except through a command that writes a row
//! of `line_changes` in the same transaction; the value in force is kept beside it.

use crate::order_blanks::one_row;
use crate::placements::{format_of_row, region_code};
use crate::{DbError, Tx};
use chrono::NaiveDate;
use namoyish_domain::calendar::Timestamp;
use namoyish_domain::ids::{LineId, OrderBlankId, PlacementId, PriceListItemId};
use namoyish_domain::money::{Money, UnitPrice};
use namoyish_domain::orders::order_blank::{Budget, BudgetMode, LineKind, Term};
use namoyish_domain::orders::placement::{PlacementFormat, RegionCode};
use namoyish_domain::orders::targeting::Targeting;
use rust_decimal::Decimal;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

statements! {
    INSERT = "insert into order_lines (id, order_blank_id, position, code, kind, price_list_item_id, unit_price,
            ordered_first_day, ordered_last_day, first_day, last_day, budget_mode, budget, quantity, one_off,
            rubrics, search_phrases, schedule, frequency_cap, list_price, price_group)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)";
    INSERT_PLACEMENTS = "insert into line_placements (line_id, placement_id) select $1, unnest($2::uuid[])";
    INSERT_REGIONS = "insert into line_regions (line_id, region) select $1, unnest($2::text[])";
    OF_BLANK = "select l.*,
            coalesce((select array_agg(p.placement_id order by p.placement_id) from line_placements p where p.line_id = l.id), '{}') as placements,
            coalesce((select array_agg(r.region order by r.region) from line_regions r where r.line_id = l.id), '{}') as regions
        from order_lines l where l.order_blank_id = $1 order by l.position";
    FIND = "select l.*,
            coalesce((select array_agg(p.placement_id order by p.placement_id) from line_placements p where p.line_id = l.id), '{}') as placements,
            coalesce((select array_agg(r.region order by r.region) from line_regions r where r.line_id = l.id), '{}') as regions
        from order_lines l where l.id = $1";
    LOCK = "select l.*,
            coalesce((select array_agg(p.placement_id order by p.placement_id) from line_placements p where p.line_id = l.id), '{}') as placements,
            coalesce((select array_agg(r.region order by r.region) from line_regions r where r.line_id = l.id), '{}') as regions
        from order_lines l where l.id = $1 for no key update of l";
    FIND_BY_CODE = "select l.*,
            coalesce((select array_agg(p.placement_id order by p.placement_id) from line_placements p where p.line_id = l.id), '{}') as placements,
            coalesce((select array_agg(r.region order by r.region) from line_regions r where r.line_id = l.id), '{}') as regions
        from order_lines l where l.code = $1";
    FORMATS = "select p.id, p.kind, p.width, p.height, p.bytes_max, p.text_max from line_placements lp
        join placements p on p.id = lp.placement_id where lp.line_id = $1 order by p.code";
    SET_TERM = "update order_lines set first_day = $2, last_day = $3 where id = $1";
    DELETE_PLACEMENTS = "delete from line_placements where line_id = $1";
    DELETE_REGIONS = "delete from line_regions where line_id = $1";
    DELETE_OF_BLANK_PLACEMENTS = "delete from line_placements where line_id in (select id from order_lines where order_blank_id = $1)";
    DELETE_OF_BLANK_REGIONS = "delete from line_regions where line_id in (select id from order_lines where order_blank_id = $1)";
    DELETE_OF_BLANK = "delete from order_lines where order_blank_id = $1";
    AMEND = "update order_lines set unit_price = $2, first_day = $3, last_day = $4, budget = $5, quantity = $6, rubrics = $7,
            search_phrases = $8, schedule = $9, frequency_cap = $10 where id = $1";
    LOCK_OF_BLANK = "select id from order_lines where order_blank_id = $1 order by id for no key update";
    SET_PAUSED = "update order_lines set paused_at = $2 where id = $1";
    INSERT_CHANGE = "insert into line_changes (line_id, changed_at, actor, kind, details) values ($1, $2, $3, $4, $5)";
    CHANGES = "select id, changed_at, actor, kind, details from line_changes where line_id = $1 and id > $2 order by id limit $3";
}

/// A line as kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderLine {
    /// Id.
    pub id: LineId,
    /// Its blank.
    pub blank: OrderBlankId,
    /// 1, 2, 3, … in the blank.
    pub position: i32,
    /// Short name, unique: "OB-2026-000123/1".
    pub code: String,
    /// Kind.
    pub kind: LineKind,
    /// The item of the price list that was in force when the blank was made out.
    pub item: PriceListItemId,
    /// Its price, frozen.
    pub unit_price: UnitPrice,
    /// The list price that it was made of; `None`: agreed on apart from the list, or older than the column.
    pub list_price: Option<UnitPrice>,
    /// The price group whose coefficient made it.
    pub price_group: Option<String>,
    /// The term as ordered.
    pub ordered_term: Term,
    /// The term in force.
    pub term: Term,
    /// Budget of a media line.
    pub budget: Option<Budget>,
    /// Quantity of an additional service.
    pub quantity: Option<Decimal>,
    /// Whether an additional service is charged once.
    pub one_off: bool,
    /// Since when it is paused.
    pub paused_at: Option<Timestamp>,
    /// First day without service, when it was ended early.
    pub ended_on: Option<NaiveDate>,
    /// Where it is shown.
    pub placements: Vec<PlacementId>,
    /// To whom; empty: everywhere.
    pub regions: Vec<RegionCode>,
    /// To whom and when, beside the regions.
    pub targeting: Targeting,
}

/// An entry of a line's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineChangeRecord {
    /// Number, growing.
    pub id: i64,
    /// When.
    pub changed_at: Timestamp,
    /// By whom.
    pub actor: String,
    /// What: term_moved, extra_period_set, extra_period_ended, …
    pub kind: String,
    /// Its values.
    pub details: serde_json::Value,
}

/// See [`Tx::order_lines`].
#[derive(Debug)]
pub struct OrderLines<'a>(&'a mut Tx);

impl Tx {
    /// Lines of order blanks.
    pub fn order_lines(&mut self) -> OrderLines<'_> {
        OrderLines(self)
    }
}

impl OrderLines<'_> {
    /// Adds a line with its placements and regions. Refused by `order_line_code_is_unique`,
    /// `order_line_position_is_unique`, `media_line_has_a_budget`.
    pub async fn insert(&mut self, line: &OrderLine) -> Result<(), DbError> {
        sqlx::query(INSERT)
            .bind(line.id.uuid())
            .bind(line.blank.uuid())
            .bind(line.position)
            .bind(&line.code)
            .bind(line.kind.code())
            .bind(line.item.uuid())
            .bind(line.unit_price.decimal())
            .bind(line.ordered_term.first_day())
            .bind(line.ordered_term.last_day())
            .bind(line.budget.map(|budget| budget.mode.code()))
            .bind(line.budget.map(|budget| budget.amount.decimal()))
            .bind(line.quantity)
            .bind(line.one_off)
            .bind(line.targeting.rubrics())
            .bind(line.targeting.search_phrases())
            .bind(line.targeting.schedule())
            .bind(cap_column(&line.targeting))
            .bind(line.list_price.map(UnitPrice::decimal))
            .bind(&line.price_group)
            .execute(self.0.conn())
            .await?;
        self.insert_places(line).await
    }

    async fn insert_places(&mut self, line: &OrderLine) -> Result<(), DbError> {
        let placements: Vec<Uuid> = line.placements.iter().map(|id| id.uuid()).collect();
        sqlx::query(INSERT_PLACEMENTS)
            .bind(line.id.uuid())
            .bind(placements)
            .execute(self.0.conn())
            .await?;
        let regions: Vec<String> = line.regions.iter().map(RegionCode::to_string).collect();
        sqlx::query(INSERT_REGIONS)
            .bind(line.id.uuid())
            .bind(regions)
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// Writes what an amendment changed: term, price, budget, quantity, places, targeting. Refused by `amendment_needed`
    /// unless this transaction signs an amendment of the line.
    pub async fn amend(&mut self, line: &OrderLine) -> Result<(), DbError> {
        let done = sqlx::query(AMEND)
            .bind(line.id.uuid())
            .bind(line.unit_price.decimal())
            .bind(line.term.first_day())
            .bind(line.term.last_day())
            .bind(line.budget.map(|budget| budget.amount.decimal()))
            .bind(line.quantity)
            .bind(line.targeting.rubrics())
            .bind(line.targeting.search_phrases())
            .bind(line.targeting.schedule())
            .bind(cap_column(&line.targeting))
            .execute(self.0.conn())
            .await?;
        one_row(done.rows_affected(), "order line has gone under its lock")?;
        for statement in [DELETE_PLACEMENTS, DELETE_REGIONS] {
            sqlx::query(statement)
                .bind(line.id.uuid())
                .execute(self.0.conn())
                .await?;
        }
        self.insert_places(line).await
    }

    /// Removes the lines of a draft. Refused by `append_only` once the blank is signed.
    pub async fn delete_of_draft(&mut self, blank: OrderBlankId) -> Result<(), DbError> {
        for statement in [
            DELETE_OF_BLANK_PLACEMENTS,
            DELETE_OF_BLANK_REGIONS,
            DELETE_OF_BLANK,
        ] {
            sqlx::query(statement)
                .bind(blank.uuid())
                .execute(self.0.conn())
                .await?;
        }
        Ok(())
    }

    /// Locks all lines of a blank, in the order of their ids, until the transaction ends.
    pub async fn lock_of_blank(&mut self, blank: OrderBlankId) -> Result<(), DbError> {
        sqlx::query(LOCK_OF_BLANK)
            .bind(blank.uuid())
            .fetch_all(self.0.conn())
            .await?;
        Ok(())
    }

    /// The lines of a blank by position.
    pub async fn of_blank(&mut self, blank: OrderBlankId) -> Result<Vec<OrderLine>, DbError> {
        let rows = sqlx::query(OF_BLANK)
            .bind(blank.uuid())
            .fetch_all(self.0.conn())
            .await?;
        rows.iter().map(line_of_row).collect()
    }

    /// A line by id.
    pub async fn find(&mut self, id: LineId) -> Result<Option<OrderLine>, DbError> {
        let row = sqlx::query(FIND)
            .bind(id.uuid())
            .fetch_optional(self.0.conn())
            .await?;
        row.as_ref().map(line_of_row).transpose()
    }

    /// A line by id, locked until the transaction ends.
    pub async fn lock(&mut self, id: LineId) -> Result<Option<OrderLine>, DbError> {
        let row = sqlx::query(LOCK)
            .bind(id.uuid())
            .fetch_optional(self.0.conn())
            .await?;
        row.as_ref().map(line_of_row).transpose()
    }

    /// A line by its code.
    pub async fn find_by_code(&mut self, code: &str) -> Result<Option<OrderLine>, DbError> {
        let row = sqlx::query(FIND_BY_CODE)
            .bind(code)
            .fetch_optional(self.0.conn())
            .await?;
        row.as_ref().map(line_of_row).transpose()
    }

    /// The formats of a line's placements, which its materials must keep to.
    pub async fn formats(&mut self, id: LineId) -> Result<Vec<PlacementFormat>, DbError> {
        let rows = sqlx::query(FORMATS)
            .bind(id.uuid())
            .fetch_all(self.0.conn())
            .await?;
        rows.iter().map(format_of_row).collect()
    }

    /// Moves the term in force.
    pub async fn set_term(&mut self, id: LineId, term: Term) -> Result<(), DbError> {
        let done = sqlx::query(SET_TERM)
            .bind(id.uuid())
            .bind(term.first_day())
            .bind(term.last_day())
            .execute(self.0.conn())
            .await?;
        one_row(done.rows_affected(), "order line has gone under its lock")
    }

    /// Pauses a line, or lets it go on.
    pub async fn set_paused(&mut self, id: LineId, since: Option<Timestamp>) -> Result<(), DbError> {
        let done = sqlx::query(SET_PAUSED)
            .bind(id.uuid())
            .bind(since)
            .execute(self.0.conn())
            .await?;
        one_row(done.rows_affected(), "order line has gone under its lock")
    }

    /// Appends to a line's history.
    pub async fn insert_change(
        &mut self,
        id: LineId,
        at: Timestamp,
        actor: &str,
        kind: &str,
        details: serde_json::Value,
    ) -> Result<(), DbError> {
        sqlx::query(INSERT_CHANGE)
            .bind(id.uuid())
            .bind(at)
            .bind(actor)
            .bind(kind)
            .bind(details)
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// The history of a line after the entry `after` (0: from the beginning), oldest first.
    pub async fn changes(
        &mut self,
        id: LineId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<LineChangeRecord>, DbError> {
        let rows = sqlx::query(CHANGES)
            .bind(id.uuid())
            .bind(after)
            .bind(i64::from(limit))
            .fetch_all(self.0.conn())
            .await?;
        rows.iter()
            .map(|row| {
                Ok(LineChangeRecord {
                    id: row.try_get("id")?,
                    changed_at: row.try_get("changed_at")?,
                    actor: row.try_get("actor")?,
                    kind: row.try_get("kind")?,
                    details: row.try_get("details")?,
                })
            })
            .collect()
    }
}

fn cap_column(targeting: &Targeting) -> Option<i16> {
    targeting.frequency_cap().and_then(|cap| i16::try_from(cap).ok())
}

/// Targeting out of its four columns.
pub(crate) fn targeting_of_row(row: &PgRow) -> Result<Targeting, DbError> {
    targeting_of_columns(
        &row.try_get::<Vec<String>, _>("rubrics")?,
        &row.try_get::<Vec<String>, _>("search_phrases")?,
        &row.try_get::<Vec<String>, _>("schedule")?,
        row.try_get("frequency_cap")?,
    )
}

/// Targeting out of the values of its columns.
pub(crate) fn targeting_of_columns(
    rubrics: &[String],
    search_phrases: &[String],
    schedule: &[String],
    frequency_cap: Option<i16>,
) -> Result<Targeting, DbError> {
    Targeting::new(rubrics, search_phrases, schedule, frequency_cap.map(i64::from))
        .map_err(|refused| DbError::Inconsistent(format!("targeting: {refused}")))
}

fn line_of_row(row: &PgRow) -> Result<OrderLine, DbError> {
    let id = LineId::from_uuid(row.try_get::<Uuid, _>("id")?);
    let inconsistent = |what: &str| DbError::Inconsistent(format!("order line {id}: {what}"));
    let term = |first: &str, last: &str| {
        Term::new(row.try_get(first)?, row.try_get(last)?).ok_or_else(|| inconsistent("empty term"))
    };
    let kind: String = row.try_get("kind")?;
    let budget_mode: Option<String> = row.try_get("budget_mode")?;
    let budget: Option<Decimal> = row.try_get("budget")?;
    let budget = match (budget_mode, budget) {
        (None, None) => None,
        (Some(mode), Some(amount)) => Some(Budget {
            mode: BudgetMode::parse(&mode).ok_or_else(|| inconsistent("budget_mode"))?,
            amount: Money::from_decimal(amount)?,
        }),
        _ => return Err(inconsistent("half a budget")),
    };
    let placements: Vec<Uuid> = row.try_get("placements")?;
    let regions: Vec<String> = row.try_get("regions")?;
    Ok(OrderLine {
        id,
        blank: OrderBlankId::from_uuid(row.try_get("order_blank_id")?),
        position: row.try_get("position")?,
        code: row.try_get("code")?,
        kind: LineKind::parse(&kind).ok_or_else(|| inconsistent("kind"))?,
        item: PriceListItemId::from_uuid(row.try_get("price_list_item_id")?),
        unit_price: UnitPrice::new(row.try_get("unit_price")?)?,
        list_price: row
            .try_get::<Option<Decimal>, _>("list_price")?
            .map(UnitPrice::new)
            .transpose()?,
        price_group: row.try_get("price_group")?,
        ordered_term: term("ordered_first_day", "ordered_last_day")?,
        term: term("first_day", "last_day")?,
        budget,
        quantity: row.try_get("quantity")?,
        one_off: row.try_get("one_off")?,
        paused_at: row.try_get("paused_at")?,
        ended_on: row.try_get("ended_on")?,
        placements: placements.into_iter().map(PlacementId::from_uuid).collect(),
        regions: regions
            .iter()
            .map(|code| region_code(code))
            .collect::<Result<_, _>>()?,
        targeting: targeting_of_row(row)?,
    })
}
