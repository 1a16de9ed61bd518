//! The operator's own facts: requisites, VAT status by date, VAT rates, editions of the rules (orders.md §1).

use crate::customers::{RequisitesChange, change_of_row};
use crate::{DbError, Tx};
use chrono::NaiveDate;
use namoyish_domain::calendar::Timestamp;
use namoyish_domain::money::Rate;
use namoyish_domain::orders::order_blank::VatTerms;
use namoyish_domain::orders::party::{OperatorForm, OperatorRequisites};
use rust_decimal::Decimal;
use sqlx::Row;

statements! {
    FIND = "select legal_name, city, address, stir, bank_name, mfo, settlement_account, oked, vat_code, director, accountant,
            email, phone, penalty_cap_percent from operator";
    PUT = "insert into operator (id, legal_name, city, address, stir, bank_name, mfo, settlement_account, oked, vat_code,
            director, accountant, email, phone, penalty_cap_percent)
        values (1, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
        on conflict (id) do update set legal_name = excluded.legal_name, city = excluded.city, address = excluded.address,
            stir = excluded.stir, bank_name = excluded.bank_name, mfo = excluded.mfo,
            settlement_account = excluded.settlement_account, oked = excluded.oked, vat_code = excluded.vat_code,
            director = excluded.director, accountant = excluded.accountant, email = excluded.email, phone = excluded.phone,
            penalty_cap_percent = excluded.penalty_cap_percent";
    PUT_VAT_STATUS = "insert into operator_vat_status (valid_from, vat_payer) values ($1, $2)
        on conflict (valid_from) do update set vat_payer = excluded.vat_payer";
    VAT_STATUS_ON = "select vat_payer from operator_vat_status where valid_from <= $1 order by valid_from desc limit 1";
    VAT_STATUSES = "select valid_from, vat_payer from operator_vat_status
        where ($1::date is null or valid_from < $1) order by valid_from desc limit $2";
    INSERT_CHANGE = "insert into operator_changes (changed_at, changed_by, before, after) values ($1, $2, $3, $4)";
    CHANGES = "select id, changed_at, changed_by, before, after from operator_changes
        where ($1::bigint is null or id < $1) order by id desc limit $2";
    PUT_VAT_RATE = "insert into vat_rates (valid_from, rate) values ($1, $2) on conflict (valid_from) do update set rate = excluded.rate";
    VAT_RATE_ON = "select rate from vat_rates where valid_from <= $1 order by valid_from desc limit 1";
    /// A scenario that names a rate of its own means it for all days.
    DELETE_VAT_RATES = "delete from vat_rates";
    INSERT_EDITION = "insert into rules_editions (number, text, sha256, published_on, in_force_from)
        select coalesce(max(number), 0) + 1, $1, $2, $3, $4 from rules_editions returning number";
    EDITION_ON = "select number from rules_editions where in_force_from <= $1 order by in_force_from desc, number desc limit 1";
    EDITION = "select number, text, sha256, published_on, in_force_from from rules_editions where number = $1";
    EDITIONS = "select number, text, sha256, published_on, in_force_from from rules_editions where number < $1
        order by number desc limit $2";
    /// Without their texts, which may be long.
    EDITION_HEADS = "select number, '' as text, sha256, published_on, in_force_from from rules_editions order by number desc limit $1";
    LOCK_EDITIONS = "select pg_advisory_xact_lock(7302001)";
}

/// The operator as kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// Requisites.
    pub requisites: OperatorRequisites,
    /// Cap of the late penalty in percent of the overdue sum; `None`: no cap, as in the offer.
    pub penalty_cap_percent: Option<Decimal>,
}

/// An edition of the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulesEdition {
    /// 1, 2, 3, …
    pub number: i32,
    /// The whole text.
    pub text: String,
    /// SHA-256 of the text, hexadecimal.
    pub sha256: String,
    /// When it was published.
    pub published_on: NaiveDate,
    /// First day on which it applies.
    pub in_force_from: NaiveDate,
}

/// See [`Tx::operator`].
#[derive(Debug)]
pub struct OperatorRows<'a>(&'a mut Tx);

impl Tx {
    /// The operator's own facts.
    pub fn operator(&mut self) -> OperatorRows<'_> {
        OperatorRows(self)
    }
}

impl OperatorRows<'_> {
    /// The operator, once set up.
    pub async fn find(&mut self) -> Result<Option<Operator>, DbError> {
        let Some(row) = sqlx::query(FIND).fetch_optional(self.0.conn()).await? else {
            return Ok(None);
        };
        let form = OperatorForm {
            legal_name: row.try_get("legal_name")?,
            city: row.try_get("city")?,
            address: row.try_get("address")?,
            stir: row.try_get("stir")?,
            bank_name: row.try_get("bank_name")?,
            mfo: row.try_get("mfo")?,
            settlement_account: row.try_get("settlement_account")?,
            oked: row.try_get("oked")?,
            vat_code: row.try_get("vat_code")?,
            director: row.try_get("director")?,
            accountant: row.try_get("accountant")?,
            email: row.try_get("email")?,
            phone: row.try_get("phone")?,
        };
        let requisites = OperatorRequisites::check(&form).map_err(|mistakes| {
            let fields: Vec<&str> = mistakes.iter().map(|mistake| mistake.field()).collect();
            DbError::Inconsistent(format!("operator: {}", fields.join(", ")))
        })?;
        Ok(Some(Operator {
            requisites,
            penalty_cap_percent: row.try_get("penalty_cap_percent")?,
        }))
    }

    /// Sets the operator up or changes it.
    pub async fn put(&mut self, operator: &Operator) -> Result<(), DbError> {
        let own = &operator.requisites;
        sqlx::query(PUT)
            .bind(&own.legal_name)
            .bind(&own.city)
            .bind(&own.address)
            .bind(own.stir.as_str())
            .bind(&own.bank.bank_name)
            .bind(own.bank.mfo.as_str())
            .bind(own.bank.account.as_str())
            .bind(own.oked.as_ref().map_or("", |oked| oked.as_str()))
            .bind(own.vat_code.as_ref().map_or("", |code| code.as_str()))
            .bind(&own.director)
            .bind(&own.accountant)
            .bind(own.email.as_str())
            .bind(own.phone.as_str())
            .bind(operator.penalty_cap_percent)
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// Says whether the operator pays VAT from a day on.
    pub async fn put_vat_status(&mut self, valid_from: NaiveDate, vat_payer: bool) -> Result<(), DbError> {
        sqlx::query(PUT_VAT_STATUS)
            .bind(valid_from)
            .bind(vat_payer)
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// The statuses by the day from which they hold, latest first.
    pub async fn vat_statuses(
        &mut self,
        before: Option<NaiveDate>,
        limit: u32,
    ) -> Result<Vec<(NaiveDate, bool)>, DbError> {
        Ok(sqlx::query_as(VAT_STATUSES)
            .bind(before)
            .bind(i64::from(limit))
            .fetch_all(self.0.conn())
            .await?)
    }

    /// Appends to the history of the operator's requisites.
    pub async fn insert_change(
        &mut self,
        at: Timestamp,
        by: &str,
        before: serde_json::Value,
        after: serde_json::Value,
    ) -> Result<(), DbError> {
        sqlx::query(INSERT_CHANGE)
            .bind(at)
            .bind(by)
            .bind(before)
            .bind(after)
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// The history of the operator's requisites, newest first.
    pub async fn changes(
        &mut self,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<RequisitesChange>, DbError> {
        let rows = sqlx::query(CHANGES)
            .bind(before)
            .bind(i64::from(limit))
            .fetch_all(self.0.conn())
            .await?;
        rows.iter().map(change_of_row).collect()
    }

    /// Sets the rate from a day on.
    pub async fn put_vat_rate(&mut self, valid_from: NaiveDate, rate: Rate) -> Result<(), DbError> {
        sqlx::query(PUT_VAT_RATE)
            .bind(valid_from)
            .bind(rate.decimal())
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// Makes `rate` the only one there is, for all days: a scenario's own rate (simulation.md "[operator]").
    pub async fn replace_vat_rates(&mut self, rate: Rate) -> Result<(), DbError> {
        sqlx::query(DELETE_VAT_RATES).execute(self.0.conn()).await?;
        self.put_vat_rate(
            NaiveDate::from_ymd_opt(1992, 1, 1).unwrap_or(NaiveDate::MIN),
            rate,
        )
        .await
    }

    /// The VAT terms of a day [003 §5.3]. `None`: no status or no rate is known for it.
    pub async fn vat_terms_on(&mut self, day: NaiveDate) -> Result<Option<VatTerms>, DbError> {
        let payer: Option<bool> = sqlx::query_scalar(VAT_STATUS_ON)
            .bind(day)
            .fetch_optional(self.0.conn())
            .await?;
        match payer {
            None => Ok(None),
            Some(false) => Ok(Some(VatTerms::NotAPayer)),
            Some(true) => {
                let rate: Option<Decimal> = sqlx::query_scalar(VAT_RATE_ON)
                    .bind(day)
                    .fetch_optional(self.0.conn())
                    .await?;
                Ok(rate.map(Rate::new).transpose()?.map(VatTerms::Payer))
            }
        }
    }

    /// Adds an edition of the rules; gives its number. Two at once wait for each other.
    pub async fn insert_edition(
        &mut self,
        text: &str,
        sha256: &str,
        published_on: NaiveDate,
        in_force_from: NaiveDate,
    ) -> Result<i32, DbError> {
        sqlx::query(LOCK_EDITIONS).execute(self.0.conn()).await?;
        Ok(sqlx::query_scalar(INSERT_EDITION)
            .bind(text)
            .bind(sha256)
            .bind(published_on)
            .bind(in_force_from)
            .fetch_one(self.0.conn())
            .await?)
    }

    /// Number of the edition in force on a day.
    pub async fn edition_on(&mut self, day: NaiveDate) -> Result<Option<i32>, DbError> {
        Ok(sqlx::query_scalar(EDITION_ON)
            .bind(day)
            .fetch_optional(self.0.conn())
            .await?)
    }

    /// An edition by its number.
    pub async fn edition(&mut self, number: i32) -> Result<Option<RulesEdition>, DbError> {
        let row = sqlx::query(EDITION)
            .bind(number)
            .fetch_optional(self.0.conn())
            .await?;
        row.as_ref().map(edition_of_row).transpose()
    }

    /// Editions without their texts, newest first.
    pub async fn edition_heads(&mut self, limit: u32) -> Result<Vec<RulesEdition>, DbError> {
        let rows = sqlx::query(EDITION_HEADS)
            .bind(i64::from(limit))
            .fetch_all(self.0.conn())
            .await?;
        rows.iter().map(edition_of_row).collect()
    }

    /// Editions with a number below `below`, newest first.
    pub async fn editions(&mut self, below: i32, limit: u32) -> Result<Vec<RulesEdition>, DbError> {
        let rows = sqlx::query(EDITIONS)
            .bind(below)
            .bind(i64::from(limit))
            .fetch_all(self.0.conn())
            .await?;
        rows.iter().map(edition_of_row).collect()
    }
}

fn edition_of_row(row: &sqlx::postgres::PgRow) -> Result<RulesEdition, DbError> {
    Ok(RulesEdition {
        number: row.try_get("number")?,
        text: row.try_get("text")?,
        sha256: row.try_get("sha256")?,
        published_on: row.try_get("published_on")?,
        in_force_from: row.try_get("in_force_from")?,
    })
}
