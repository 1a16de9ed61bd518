//! Claims and waivers of late penalty, and what payments pay of claims.
//!
//! Rule: billing.md §6; the rules are `domain::billing::penalty_claim`. Lock the customer first (`ledger().lock_customer`).

use crate::{DbError, Tx};
use chrono::NaiveDate;
use namoyish_domain::billing::late_penalty::PenaltyDay;
use namoyish_domain::billing::penalty_claim::{Claimable, OpenClaim, PenaltyStanding};
use namoyish_domain::calendar::Timestamp;
use namoyish_domain::ids::{CustomerId, DocumentId, InvoiceId, PaymentId};
use namoyish_domain::money::{Exact, Money};
use rust_decimal::Decimal;
use uuid::Uuid;

statements! {
    STANDING = "select greatest(i.due_on, i.issued_on) as begins_after, w.through as waived_through,
            coalesce((select sum(amount) from penalty_accruals a where a.invoice_id = i.id and (w.through is null or a.day > w.through)), 0) as accrued,
            (select min(day) from penalty_accruals a where a.invoice_id = i.id and a.day > coalesce(greatest(w.through, c.through), i.due_on)) as first_unclaimed,
            (select max(day) from penalty_accruals a where a.invoice_id = i.id and (w.through is null or a.day > w.through)) as through,
            coalesce(c.amount, 0) as claimed
        from invoices i
        left join lateral (select max(through) as through from penalty_waivers where invoice_id = i.id) w on true
        left join lateral (select sum(amount) as amount, max(through) as through from penalty_claims
            where invoice_id = i.id and (w.through is null or penalty_claims.through > w.through)) c on true
        where i.id = $1";
    DAYS_AFTER = "select day, base, amount from penalty_accruals where invoice_id = $1 and ($2::date is null or day > $2) order by day";
    INSERT_CLAIM = "insert into penalty_claims (document_id, invoice_id, customer_id, amount, first_day, through, due_on, claimed_at, claimed_by)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    INSERT_WAIVER = "insert into penalty_waivers (invoice_id, through, amount, reason, waived_at, waived_by) values ($1, $2, $3, $4, $5, $6)";
    OPEN_OF = "select c.document_id, d.number, c.due_on, c.amount - coalesce(p.paid, 0) as unpaid
        from penalty_claims c join documents d on d.id = c.document_id
        left join lateral (select sum(amount) as paid from penalty_allocations where claim_id = c.document_id) p on true
        where c.customer_id = $1 and c.amount > coalesce(p.paid, 0) order by c.due_on, d.number";
    ALLOCATE = "insert into penalty_allocations (payment_id, claim_id, allocated_on, amount) values ($1, $2, $3, $4)";
    PAID_BY = "select coalesce(sum(amount), 0) from penalty_allocations where payment_id = $1";
    CAP = "select penalty_cap_percent from operator";
    ACCRUED_OF = "select i.id from invoices i where i.customer_id = $1 and exists (select 1 from penalty_accruals a where a.invoice_id = i.id)
        order by i.due_on, i.number limit 1000";
}

/// A claim to be written beside its document.
#[derive(Debug, Clone, Copy)]
pub struct NewClaim<'a> {
    /// Its document.
    pub document: DocumentId,
    /// Of which invoice.
    pub invoice: InvoiceId,
    /// Who owes it.
    pub customer: CustomerId,
    /// Sum and days.
    pub claim: Claimable,
    /// Last day to pay it.
    pub due_on: NaiveDate,
    /// Who claimed it.
    pub by: &'a str,
}

/// See [`Tx::penalty_claims`].
#[derive(Debug)]
pub struct PenaltyClaims<'a>(&'a mut Tx);

impl Tx {
    /// Claims and waivers of penalty.
    pub fn penalty_claims(&mut self) -> PenaltyClaims<'_> {
        PenaltyClaims(self)
    }
}

#[derive(sqlx::FromRow)]
struct StandingRow {
    begins_after: NaiveDate,
    waived_through: Option<NaiveDate>,
    accrued: Decimal,
    first_unclaimed: Option<NaiveDate>,
    through: Option<NaiveDate>,
    claimed: Decimal,
}

impl PenaltyClaims<'_> {
    /// How an invoice's penalty stands.
    pub async fn standing(&mut self, invoice: InvoiceId) -> Result<Option<PenaltyStanding>, DbError> {
        let row: Option<StandingRow> = sqlx::query_as(STANDING)
            .bind(invoice.uuid())
            .fetch_optional(self.0.conn())
            .await?;
        row.map(|row| {
            Ok(PenaltyStanding {
                begins_after: row.begins_after,
                accrued: Exact::new(row.accrued),
                first_unclaimed: row.first_unclaimed,
                through: row.through,
                claimed: Money::from_decimal(row.claimed)?,
                waived_through: row.waived_through,
            })
        })
        .transpose()
    }

    /// The days accrued after a day, or all.
    pub async fn days_after(
        &mut self,
        invoice: InvoiceId,
        after: Option<NaiveDate>,
    ) -> Result<Vec<PenaltyDay>, DbError> {
        let rows: Vec<(NaiveDate, Decimal, Decimal)> = sqlx::query_as(DAYS_AFTER)
            .bind(invoice.uuid())
            .bind(after)
            .fetch_all(self.0.conn())
            .await?;
        rows.into_iter()
            .map(|(day, base, amount)| {
                Ok(PenaltyDay {
                    day,
                    base: Money::from_decimal(base)?,
                    amount: Exact::new(amount),
                })
            })
            .collect()
    }

    /// Writes a claim.
    pub async fn insert(&mut self, new: &NewClaim<'_>, at: Timestamp) -> Result<(), DbError> {
        sqlx::query(INSERT_CLAIM)
            .bind(new.document.uuid())
            .bind(new.invoice.uuid())
            .bind(new.customer.uuid())
            .bind(new.claim.amount.decimal())
            .bind(new.claim.first_day)
            .bind(new.claim.through)
            .bind(new.due_on)
            .bind(at)
            .bind(new.by)
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// Writes a waiver of everything that a claim could take.
    pub async fn waive(
        &mut self,
        invoice: InvoiceId,
        waived: Claimable,
        reason: &str,
        by: &str,
        at: Timestamp,
    ) -> Result<(), DbError> {
        sqlx::query(INSERT_WAIVER)
            .bind(invoice.uuid())
            .bind(waived.through)
            .bind(waived.amount.decimal())
            .bind(reason)
            .bind(at)
            .bind(by)
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// A customer's claims that aren't fully paid, oldest due date first.
    pub async fn open_of(&mut self, customer: CustomerId) -> Result<Vec<OpenClaim>, DbError> {
        let rows: Vec<(Uuid, String, NaiveDate, Decimal)> = sqlx::query_as(OPEN_OF)
            .bind(customer.uuid())
            .fetch_all(self.0.conn())
            .await?;
        rows.into_iter()
            .map(|(claim, number, due_on, unpaid)| {
                Ok(OpenClaim {
                    claim: DocumentId::from_uuid(claim),
                    number,
                    due_on,
                    unpaid: Money::from_decimal(unpaid)?,
                })
            })
            .collect()
    }

    /// Writes that a part of a payment pays a claim.
    pub async fn allocate(
        &mut self,
        payment: PaymentId,
        claim: DocumentId,
        on: NaiveDate,
        amount: Money,
    ) -> Result<(), DbError> {
        sqlx::query(ALLOCATE)
            .bind(payment.uuid())
            .bind(claim.uuid())
            .bind(on)
            .bind(amount.decimal())
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// What a payment pays of claims.
    pub async fn paid_by(&mut self, payment: PaymentId) -> Result<Money, DbError> {
        let paid: Decimal = sqlx::query_scalar(PAID_BY)
            .bind(payment.uuid())
            .fetch_one(self.0.conn())
            .await?;
        Ok(Money::from_decimal(paid)?)
    }

    /// The operator's cap in percent of the overdue sum; none unless set.
    pub async fn cap_percent(&mut self) -> Result<Option<Decimal>, DbError> {
        let cap: Option<Option<Decimal>> = sqlx::query_scalar(CAP).fetch_optional(self.0.conn()).await?;
        Ok(cap.flatten())
    }

    /// The customer's invoices that have accrued a penalty, oldest due date first; at most 1,000.
    pub async fn accrued_of(&mut self, customer: CustomerId) -> Result<Vec<InvoiceId>, DbError> {
        let ids: Vec<Uuid> = sqlx::query_scalar(ACCRUED_OF)
            .bind(customer.uuid())
            .fetch_all(self.0.conn())
            .await?;
        Ok(ids.into_iter().map(InvoiceId::from_uuid).collect())
    }
}
