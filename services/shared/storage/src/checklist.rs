//! The dated moderation checklist (orders.md §4; uzbekistan.md §8). Items are added and ended, never rewritten.

use crate::{DbError, Tx};
use chrono::NaiveDate;
use namoyish_domain::calendar::Timestamp;
use namoyish_domain::orders::checklist::{Checklist, ChecklistItem, ItemTexts, NewItem};
use namoyish_domain::orders::moderation::ModerationReason;
use sqlx::Row;
use sqlx::postgres::PgRow;

statements! {
    /// One who changes the checklist waits for another: two items of a code never count on one day.
    LOCK = "select pg_advisory_xact_lock(hashtextextended('namoyish.moderation_checklist', 0))";
    ALL = "select id, code, valid_from, valid_to, name_uz, name_uz_cyrl, name_ru, name_en, basis, verdicts from moderation_checklist
        order by id limit 5000";
    INSERT = "insert into moderation_checklist (code, valid_from, name_uz, name_uz_cyrl, name_ru, name_en, basis, verdicts, added_at, added_by)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning id";
    END = "update moderation_checklist set valid_to = $2, ended_at = $3, ended_by = $4 where id = $1 and valid_to is null";
}

/// See [`Tx::checklist`].
#[derive(Debug)]
pub struct ChecklistRows<'a>(&'a mut Tx);

impl Tx {
    /// The moderation checklist.
    pub fn checklist(&mut self) -> ChecklistRows<'_> {
        ChecklistRows(self)
    }
}

impl ChecklistRows<'_> {
    /// Items of all times, in the order in which they were added.
    pub async fn all(&mut self) -> Result<Checklist, DbError> {
        let rows = sqlx::query(ALL).fetch_all(self.0.conn()).await?;
        Ok(Checklist(rows.iter().map(item_of_row).collect::<Result<_, _>>()?))
    }

    /// The same, locked against another change until the transaction ends.
    pub async fn lock(&mut self) -> Result<Checklist, DbError> {
        sqlx::query(LOCK).execute(self.0.conn()).await?;
        self.all().await
    }

    /// Adds a checked item and gives its number.
    pub async fn insert(&mut self, item: &NewItem, by: &str, at: Timestamp) -> Result<i64, DbError> {
        Ok(sqlx::query_scalar(INSERT)
            .bind(&item.code)
            .bind(item.valid_from)
            .bind(&item.texts.uz)
            .bind(&item.texts.uz_cyrl)
            .bind(&item.texts.ru)
            .bind(&item.texts.en)
            .bind(&item.basis)
            .bind(&item.verdicts)
            .bind(at)
            .bind(by)
            .fetch_one(self.0.conn())
            .await?)
    }

    /// Gives an item its last day. `false` when it has one.
    pub async fn end(
        &mut self,
        id: i64,
        valid_to: NaiveDate,
        by: &str,
        at: Timestamp,
    ) -> Result<bool, DbError> {
        let done = sqlx::query(END)
            .bind(id)
            .bind(valid_to)
            .bind(at)
            .bind(by)
            .execute(self.0.conn())
            .await?;
        Ok(done.rows_affected() == 1)
    }
}

fn item_of_row(row: &PgRow) -> Result<ChecklistItem, DbError> {
    let code: String = row.try_get("code")?;
    Ok(ChecklistItem {
        id: row.try_get("id")?,
        reason: ModerationReason::parse(&code)
            .ok_or_else(|| DbError::Inconsistent(format!("checklist item {code}")))?,
        valid_from: row.try_get("valid_from")?,
        valid_to: row.try_get("valid_to")?,
        texts: ItemTexts {
            uz: row.try_get("name_uz")?,
            uz_cyrl: row.try_get("name_uz_cyrl")?,
            ru: row.try_get("name_ru")?,
            en: row.try_get("name_en")?,
        },
        basis: row.try_get("basis")?,
        verdicts: row.try_get("verdicts")?,
    })
}
