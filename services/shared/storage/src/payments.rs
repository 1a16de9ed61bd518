//! Payments received and what they pay.
//!
//! Rule: billing.md §3. A payment and its allocations are never changed; what isn't allocated is free advance.

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
    ALLOCATIONS_OF = "select a.invoice_id, a.amount, a.allocated_on from payment_allocations a join invoices i on i.id = a.invoice_id
        where a.payment_id = $1 order by a.allocated_on, i.due_on, i.number";
    FREE_OF = "select p.id, p.received_on, p.amount - coalesce(sum(a.amount), 0) as free
        from payments p left join payment_allocations a on a.payment_id = p.id
        where p.customer_id = $1 group by p.id having p.amount > coalesce(sum(a.amount), 0)
        order by p.received_on, p.id";
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

    /// What a payment pays.
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
