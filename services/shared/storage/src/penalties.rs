//! Late penalty as it accrues, a row for each invoice and day of delay.
//!
//! Rule: billing.md §6; the formula is `domain::billing::late_penalty`. Accrued days are shown, not posted: a claim is an
//! act of the accountant. So a payment that turns out to have come in earlier may still take days back. An invoice of a
//! signature that was recorded late costs nothing for the days before it was issued: nobody could have paid it.

use crate::{DbError, Tx};
use chrono::NaiveDate;
use namoyish_domain::billing::late_penalty::PenaltyDay;
use namoyish_domain::ids::{CustomerId, InvoiceId};
use namoyish_domain::money::Money;
use rust_decimal::Decimal;
use uuid::Uuid;

statements! {
    /// The invoice of a budget increase costs nothing late: unpaid, its request lapses.
    BEHIND = "select s.id, s.customer_id, s.gross, s.begins_after
        from (select i.*, greatest(i.due_on + due_date_moved(i.id), i.issued_on) as begins_after from invoice_standings i) s
        left join lateral (select max(day) as last_accrued from penalty_accruals where invoice_id = s.id) l on true
        where s.kind <> 'budget_increase' and s.begins_after < $1
            and coalesce(l.last_accrued, s.begins_after) < least(coalesce(s.open_through, $1), $1)
            and ($2::uuid is null or s.id > $2)
        order by s.id limit $3";
    LAST_ACCRUED = "select max(day) from penalty_accruals where invoice_id = $1";
    INSERT_DAYS = "insert into penalty_accruals (invoice_id, day, base, amount)
        select $1, d.day, d.base, d.amount from unnest($2::date[], $3::numeric[], $4::numeric[]) as d (day, base, amount)
        on conflict (invoice_id, day) do nothing";
    FORGET_AFTER = "delete from penalty_accruals where invoice_id = $1 and day > $2";
}

/// An invoice whose penalty isn't accrued up to the day asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvoiceBehind {
    /// The invoice.
    pub invoice: InvoiceId,
    /// Who owes it.
    pub customer: CustomerId,
    /// Its sum.
    pub gross: Money,
    /// The last day without delay: its due date, or the date of issue where that is later.
    pub begins_after: NaiveDate,
}

/// Penalties inside a transaction.
#[derive(Debug)]
pub struct Penalties<'a> {
    tx: &'a mut Tx,
}

impl Tx {
    /// Penalties.
    pub fn penalties(&mut self) -> Penalties<'_> {
        Penalties { tx: self }
    }
}

impl Penalties<'_> {
    /// Invoices whose delay through `through` isn't fully accrued, at most `limit` after the id `after`.
    pub async fn behind(
        &mut self,
        through: NaiveDate,
        after: Option<InvoiceId>,
        limit: u32,
    ) -> Result<Vec<InvoiceBehind>, DbError> {
        let rows: Vec<(Uuid, Uuid, Decimal, NaiveDate)> = sqlx::query_as(BEHIND)
            .bind(through)
            .bind(after.map(InvoiceId::uuid))
            .bind(i64::from(limit))
            .fetch_all(self.tx.conn())
            .await?;
        rows.into_iter()
            .map(|(id, customer, gross, begins_after)| {
                Ok(InvoiceBehind {
                    invoice: InvoiceId::from_uuid(id),
                    customer: CustomerId::from_uuid(customer),
                    gross: Money::from_decimal(gross)?,
                    begins_after,
                })
            })
            .collect()
    }

    /// The last day accrued of an invoice.
    pub async fn last_accrued(&mut self, invoice: InvoiceId) -> Result<Option<NaiveDate>, DbError> {
        Ok(sqlx::query_scalar(LAST_ACCRUED)
            .bind(invoice.uuid())
            .fetch_one(self.tx.conn())
            .await?)
    }

    /// Writes days; days that are there already stay as they are.
    pub async fn add(&mut self, invoice: InvoiceId, days: &[PenaltyDay]) -> Result<(), DbError> {
        if days.is_empty() {
            return Ok(());
        }
        sqlx::query(INSERT_DAYS)
            .bind(invoice.uuid())
            .bind(days.iter().map(|day| day.day).collect::<Vec<_>>())
            .bind(days.iter().map(|day| day.base.decimal()).collect::<Vec<_>>())
            .bind(days.iter().map(|day| day.amount.decimal()).collect::<Vec<_>>())
            .execute(self.tx.conn())
            .await?;
        Ok(())
    }

    /// Takes back the days after `day`: a payment of that day has become known.
    pub async fn forget_after(&mut self, invoice: InvoiceId, day: NaiveDate) -> Result<(), DbError> {
        sqlx::query(FORGET_AFTER)
            .bind(invoice.uuid())
            .bind(day)
            .execute(self.tx.conn())
            .await?;
        Ok(())
    }
}
