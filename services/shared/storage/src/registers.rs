//! Registers read page by page, for the API: payments and issued documents of one customer or of all.

use crate::{DbError, Tx};
use chrono::NaiveDate;
use namoyish_domain::billing::ledger::PaymentMethod;
use namoyish_domain::calendar::Timestamp;
use namoyish_domain::ids::{CustomerId, DocumentId, InvoiceId, PaymentId};
use namoyish_domain::money::Money;
use rust_decimal::Decimal;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

statements! {
    PAYMENTS = "select p.id, p.customer_id, p.received_on, p.amount, p.method, p.named_invoice, p.reference, p.recorded_at,
            p.recorded_by, s.used as allocated
        from payments p join payment_standings s on s.payment_id = p.id
        where ($1::uuid is null or p.customer_id = $1) and ($2::uuid is null or p.id < $2)
        order by p.id desc limit $3";
    DOCUMENTS = "select d.id, d.kind, d.number, d.customer_id, d.period, d.issued_on, d.net, d.vat, d.gross, d.sha256,
            coalesce((select e.state from document_events e where e.document_id = d.id order by e.id desc limit 1), 'issued') as state
        from documents d where ($1::uuid is null or d.customer_id = $1) and ($2::uuid is null or d.id < $2)
        order by d.id desc limit $3";
    DOCUMENT = "select d.id, d.kind, d.number, d.customer_id, d.period, d.issued_on, d.net, d.vat, d.gross, d.sha256, d.content,
            coalesce((select e.state from document_events e where e.document_id = d.id order by e.id desc limit 1), 'issued') as state
        from documents d where d.id = $1";
}

/// A payment in the register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentEntry {
    /// Id.
    pub id: PaymentId,
    /// Who paid.
    pub customer: CustomerId,
    /// The day on which it reached the operator.
    pub received_on: NaiveDate,
    /// So'm.
    pub amount: Money,
    /// How.
    pub method: PaymentMethod,
    /// The invoice that it named.
    pub named_invoice: Option<InvoiceId>,
    /// The payer's reference.
    pub reference: String,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// By whom.
    pub recorded_by: String,
    /// What of it is used: for invoices, claimed penalties and refunds; the rest is free.
    pub allocated: Money,
}

/// An issued document in the register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentEntry {
    /// Id.
    pub id: DocumentId,
    /// "primary_document", …
    pub kind: String,
    /// Number.
    pub number: String,
    /// For whom.
    pub customer: CustomerId,
    /// First day of its reporting period.
    pub period: Option<NaiveDate>,
    /// Date.
    pub issued_on: NaiveDate,
    /// Net of VAT.
    pub net: Money,
    /// VAT.
    pub vat: Money,
    /// Net and VAT.
    pub gross: Money,
    /// SHA-256 of its content, hexadecimal.
    pub sha256: String,
    /// Its state.
    pub state: String,
}

/// See [`Tx::registers`].
#[derive(Debug)]
pub struct Registers<'a>(&'a mut Tx);

impl Tx {
    /// Registers, page by page.
    pub fn registers(&mut self) -> Registers<'_> {
        Registers(self)
    }
}

impl Registers<'_> {
    /// Payments, newest first.
    pub async fn payments(
        &mut self,
        customer: Option<CustomerId>,
        before: Option<PaymentId>,
        limit: u32,
    ) -> Result<Vec<PaymentEntry>, DbError> {
        let rows = sqlx::query(PAYMENTS)
            .bind(customer.map(CustomerId::uuid))
            .bind(before.map(PaymentId::uuid))
            .bind(i64::from(limit))
            .fetch_all(self.0.conn())
            .await?;
        rows.iter().map(payment_of_row).collect()
    }

    /// Issued documents, newest first.
    pub async fn documents(
        &mut self,
        customer: Option<CustomerId>,
        before: Option<DocumentId>,
        limit: u32,
    ) -> Result<Vec<DocumentEntry>, DbError> {
        let rows = sqlx::query(DOCUMENTS)
            .bind(customer.map(CustomerId::uuid))
            .bind(before.map(DocumentId::uuid))
            .bind(i64::from(limit))
            .fetch_all(self.0.conn())
            .await?;
        rows.iter().map(document_of_row).collect()
    }

    /// A document with its content, the very text whose hash it carries.
    pub async fn document(&mut self, id: DocumentId) -> Result<Option<(DocumentEntry, String)>, DbError> {
        let row = sqlx::query(DOCUMENT)
            .bind(id.uuid())
            .fetch_optional(self.0.conn())
            .await?;
        row.as_ref()
            .map(|row| Ok((document_of_row(row)?, row.try_get("content")?)))
            .transpose()
    }
}

fn money(row: &PgRow, name: &str) -> Result<Money, DbError> {
    Ok(Money::from_decimal(row.try_get::<Decimal, _>(name)?)?)
}

fn payment_of_row(row: &PgRow) -> Result<PaymentEntry, DbError> {
    let method: String = row.try_get("method")?;
    Ok(PaymentEntry {
        id: PaymentId::from_uuid(row.try_get("id")?),
        customer: CustomerId::from_uuid(row.try_get("customer_id")?),
        received_on: row.try_get("received_on")?,
        amount: money(row, "amount")?,
        method: PaymentMethod::parse(&method)
            .ok_or_else(|| DbError::Inconsistent(format!("payment method {method}")))?,
        named_invoice: row
            .try_get::<Option<Uuid>, _>("named_invoice")?
            .map(InvoiceId::from_uuid),
        reference: row.try_get("reference")?,
        recorded_at: row.try_get("recorded_at")?,
        recorded_by: row.try_get("recorded_by")?,
        allocated: money(row, "allocated")?,
    })
}

fn document_of_row(row: &PgRow) -> Result<DocumentEntry, DbError> {
    Ok(DocumentEntry {
        id: DocumentId::from_uuid(row.try_get("id")?),
        kind: row.try_get("kind")?,
        number: row.try_get("number")?,
        customer: CustomerId::from_uuid(row.try_get("customer_id")?),
        period: row.try_get("period")?,
        issued_on: row.try_get("issued_on")?,
        net: money(row, "net")?,
        vat: money(row, "vat")?,
        gross: money(row, "gross")?,
        sha256: row.try_get("sha256")?,
        state: row.try_get("state")?,
    })
}
