//! Payments received and what they pay.
//!
//! Rule: billing.md §3. A payment and its allocations are never changed; an allocation that an invoice no longer needs is
//! released by a record of its own. What isn't allocated, or is released, is free advance.

use crate::{DbError, Store, Tx};
use chrono::NaiveDate;
use namoyish_domain::billing::allocation::{Allocation, FreeMoney};
use namoyish_domain::billing::ledger::PaymentMethod;
use namoyish_domain::calendar::Timestamp;
use namoyish_domain::ids::{CustomerId, InvoiceId, PaymentId};
use namoyish_domain::money::Money;
use rust_decimal::Decimal;
use uuid::Uuid;

statements! {
    INSERT_PAYMENT = "insert into payments (id, customer_id, received_on, amount, method, named_invoice, reference, recorded_at, recorded_by, idempotency_key)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    BY_KEY = "select id, customer_id, received_on, amount, method, named_invoice, reference, recorded_at, recorded_by, idempotency_key
        from payments where idempotency_key = $1";
    OF_CUSTOMER = "select id, customer_id, received_on, amount, method, named_invoice, reference, recorded_at, recorded_by, idempotency_key
        from payments where customer_id = $1 order by received_on desc, id desc limit $2";
    INSERT_ALLOCATION = "insert into payment_allocations (payment_id, invoice_id, allocated_on, amount) values ($1, $2, $3, $4)";
    INSERT_RELEASE = "insert into allocation_releases (payment_id, invoice_id, released_on, amount, recorded_at, recorded_by)
        values ($1, $2, $3, $4, $5, $6)";
    /// The newest money first: it is given back first.
    HELD_BY = "select p.id, (select sum(a.amount) from payment_allocations a where a.payment_id = p.id and a.invoice_id = $1)
                - coalesce((select sum(r.amount) from allocation_releases r where r.payment_id = p.id and r.invoice_id = $1), 0) as held
        from payments p where exists (select 1 from payment_allocations a where a.payment_id = p.id and a.invoice_id = $1)
        order by p.received_on desc, p.id desc";
    ALLOCATIONS_OF = "select h.invoice_id, h.amount, h.allocated_on from (
            select a.invoice_id, min(a.allocated_on) as allocated_on, sum(a.amount) - coalesce((select sum(r.amount)
                from allocation_releases r where r.payment_id = $1 and r.invoice_id = a.invoice_id), 0) as amount
            from payment_allocations a where a.payment_id = $1 group by a.invoice_id) h
        join invoices i on i.id = h.invoice_id where h.amount > 0 order by h.allocated_on, i.due_on, i.number";
    FREE_OF = "select p.id, p.received_on, s.free from payments p join payment_standings s on s.payment_id = p.id
        where p.customer_id = $1 and s.free > 0 order by p.received_on, p.id";
}

/// A payment as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentRecord {
    /// The payment.
    pub id: PaymentId,
    /// Who paid.
    pub customer: CustomerId,
    /// The day on which the money reached the operator.
    pub received_on: NaiveDate,
    /// How much.
    pub amount: Money,
    /// How.
    pub method: PaymentMethod,
    /// The invoice that the payer named.
    pub named_invoice: Option<InvoiceId>,
    /// The payer's reference (number of the payment order).
    pub reference: String,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// Who recorded it.
    pub recorded_by: String,
    /// Key of the command.
    pub idempotency_key: String,
}

#[derive(sqlx::FromRow)]
struct PaymentRow {
    id: Uuid,
    customer_id: Uuid,
    received_on: NaiveDate,
    amount: Decimal,
    method: String,
    named_invoice: Option<Uuid>,
    reference: String,
    recorded_at: Timestamp,
    recorded_by: String,
    idempotency_key: String,
}

impl TryFrom<PaymentRow> for PaymentRecord {
    type Error = DbError;
    fn try_from(row: PaymentRow) -> Result<PaymentRecord, DbError> {
        let method = PaymentMethod::parse(&row.method)
            .ok_or_else(|| DbError::Inconsistent(format!("`{}` is no payment method", row.method)))?;
        Ok(PaymentRecord {
            id: PaymentId::from_uuid(row.id),
            customer: CustomerId::from_uuid(row.customer_id),
            received_on: row.received_on,
            amount: Money::from_decimal(row.amount)?,
            method,
            named_invoice: row.named_invoice.map(InvoiceId::from_uuid),
            reference: row.reference,
            recorded_at: row.recorded_at,
            recorded_by: row.recorded_by,
            idempotency_key: row.idempotency_key,
        })
    }
}

/// A part of an allocation that becomes free advance again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release {
    /// Whose money it is.
    pub payment: PaymentId,
    /// The invoice that held it.
    pub invoice: InvoiceId,
    /// From the start of this day on.
    pub released_on: NaiveDate,
    /// How much.
    pub amount: Money,
}

/// Payments inside a transaction.
#[derive(Debug)]
pub struct Payments<'a> {
    tx: &'a mut Tx,
}

impl Tx {
    /// Payments.
    pub fn payments(&mut self) -> Payments<'_> {
        Payments { tx: self }
    }
}

impl Payments<'_> {
    /// Writes a payment. Refused by constraint: `payment_key_is_unique`.
    pub async fn insert(&mut self, payment: &PaymentRecord) -> Result<(), DbError> {
        sqlx::query(INSERT_PAYMENT)
            .bind(payment.id.uuid())
            .bind(payment.customer.uuid())
            .bind(payment.received_on)
            .bind(payment.amount.decimal())
            .bind(payment.method.name())
            .bind(payment.named_invoice.map(InvoiceId::uuid))
            .bind(&payment.reference)
            .bind(payment.recorded_at)
            .bind(&payment.recorded_by)
            .bind(&payment.idempotency_key)
            .execute(self.tx.conn())
            .await?;
        Ok(())
    }

    /// The payment that a command with this key made.
    pub async fn by_key(&mut self, idempotency_key: &str) -> Result<Option<PaymentRecord>, DbError> {
        let row: Option<PaymentRow> = sqlx::query_as(BY_KEY)
            .bind(idempotency_key)
            .fetch_optional(self.tx.conn())
            .await?;
        row.map(PaymentRecord::try_from).transpose()
    }

    /// Writes that a part of a payment pays an invoice.
    pub async fn allocate(&mut self, payment: PaymentId, part: &Allocation) -> Result<(), DbError> {
        sqlx::query(INSERT_ALLOCATION)
            .bind(payment.uuid())
            .bind(part.invoice.uuid())
            .bind(part.allocated_on)
            .bind(part.amount.decimal())
            .execute(self.tx.conn())
            .await?;
        Ok(())
    }

    /// Writes that a part of an allocation is free again. Refused by constraint: `release_within_allocation`.
    pub async fn release(
        &mut self,
        release: &Release,
        recorded_by: &str,
        at: Timestamp,
    ) -> Result<(), DbError> {
        sqlx::query(INSERT_RELEASE)
            .bind(release.payment.uuid())
            .bind(release.invoice.uuid())
            .bind(release.released_on)
            .bind(release.amount.decimal())
            .bind(at)
            .bind(recorded_by)
            .execute(self.tx.conn())
            .await?;
        Ok(())
    }

    /// What each payment holds on an invoice, the newest payment first; nothing that is released already.
    pub async fn held_by(&mut self, invoice: InvoiceId) -> Result<Vec<(PaymentId, Money)>, DbError> {
        let rows: Vec<(Uuid, Decimal)> = sqlx::query_as(HELD_BY)
            .bind(invoice.uuid())
            .fetch_all(self.tx.conn())
            .await?;
        let mut held = Vec::with_capacity(rows.len());
        for (payment, amount) in rows {
            let amount = Money::from_decimal(amount)?;
            if amount.is_positive() {
                held.push((PaymentId::from_uuid(payment), amount));
            }
        }
        Ok(held)
    }

    /// Releases what payments hold on an invoice beyond what it still asks for, the newest payment first. Lock the
    /// customer and write the reduction first; then let the free money pay what is open.
    pub async fn release_surplus(
        &mut self,
        invoice: InvoiceId,
        released_on: NaiveDate,
        recorded_by: &str,
        at: Timestamp,
    ) -> Result<Vec<Release>, DbError> {
        let due = match self.tx.invoices().lookup(invoice).await? {
            Some(record) => record.due_gross,
            None => return Err(DbError::Inconsistent(format!("{invoice} has gone"))),
        };
        let held = self.held_by(invoice).await?;
        let mut surplus = Money::sum(held.iter().map(|(_, amount)| *amount))?.checked_sub(due)?;
        let mut released = Vec::new();
        for (payment, amount) in held {
            let part = amount.min(surplus);
            if !part.is_positive() {
                break;
            }
            surplus = surplus.checked_sub(part)?;
            let release = Release {
                payment,
                invoice,
                released_on,
                amount: part,
            };
            self.release(&release, recorded_by, at).await?;
            released.push(release);
        }
        Ok(released)
    }

    /// What a payment pays: what it holds on each invoice.
    pub async fn allocations_of(&mut self, payment: PaymentId) -> Result<Vec<Allocation>, DbError> {
        let rows: Vec<(Uuid, Decimal, NaiveDate)> = sqlx::query_as(ALLOCATIONS_OF)
            .bind(payment.uuid())
            .fetch_all(self.tx.conn())
            .await?;
        rows.into_iter()
            .map(|(invoice, amount, allocated_on)| {
                Ok(Allocation {
                    invoice: InvoiceId::from_uuid(invoice),
                    amount: Money::from_decimal(amount)?,
                    allocated_on,
                })
            })
            .collect()
    }

    /// What is free of a customer's payments, oldest first. Lock the customer first (`ledger().lock_customer`).
    pub async fn free_of(&mut self, customer: CustomerId) -> Result<Vec<FreeMoney>, DbError> {
        let rows: Vec<(Uuid, NaiveDate, Decimal)> = sqlx::query_as(FREE_OF)
            .bind(customer.uuid())
            .fetch_all(self.tx.conn())
            .await?;
        rows.into_iter()
            .map(|(payment, received_on, free)| {
                Ok(FreeMoney {
                    payment: PaymentId::from_uuid(payment),
                    received_on,
                    free: Money::from_decimal(free)?,
                })
            })
            .collect()
    }
}

impl Store {
    /// The newest payments of a customer, at most `limit`.
    pub async fn payments_of(&self, customer: CustomerId, limit: u32) -> Result<Vec<PaymentRecord>, DbError> {
        let rows: Vec<PaymentRow> = sqlx::query_as(OF_CUSTOMER)
            .bind(customer.uuid())
            .bind(i64::from(limit))
            .fetch_all(self.pool())
            .await?;
        rows.into_iter().map(PaymentRecord::try_from).collect()
    }
}
