//! Invoices with their lines and what is paid of them.
//!
//! Rule: billing.md §2. An invoice is never changed. What it still asks for is its sum less its reductions (a request of
//! more budget that lapsed, a service that ended early); what is paid is the sum of its allocations less what was released
//! of them. The view `invoice_standings` is where both are made.

use crate::{DbError, Store, Tx};
use chrono::NaiveDate;
use namoyish_domain::billing::allocation::OpenInvoice;
use namoyish_domain::billing::invoice::{InvoiceDraft, InvoiceLine};
use namoyish_domain::billing::late_penalty::PaidPart;
use namoyish_domain::calendar::{ReportingPeriod, Timestamp, tashkent_day};
use namoyish_domain::ids::{CustomerId, InvoiceId, LineId, OrderBlankId};
use namoyish_domain::money::{Exact, Money, Rate};
use rust_decimal::Decimal;
use uuid::Uuid;

statements! {
    INSERT_INVOICE = "insert into invoices (id, number, customer_id, order_blank_id, kind, issued_on, due_on, net, vat_rate, vat, gross, issued_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    INSERT_LINE = "insert into invoice_lines (invoice_id, position, line_id, first_period, last_period, net, vat)
        values ($1, $2, $3, $4, $5, $6, $7)";
    OPEN_OF = "select id, number, issued_on, due_on, due_gross - paid as unpaid
        from invoice_standings where customer_id = $1 and paid < due_gross order by due_on, number";
    /// A reduction and a release count from the start of their day on, a payment from its end.
    PAID_PARTS = "select p.counts_on, sum(p.amount) as amount from (
            select allocated_on as counts_on, amount from payment_allocations where invoice_id = $1
            union all select reduced_on - 1, gross from invoice_reductions where invoice_id = $1
            union all select released_on - 1, -amount from allocation_releases where invoice_id = $1) p
        group by p.counts_on order by p.counts_on";
    INSERT_REDUCTION = "insert into invoice_reductions (invoice_id, reduced_on, net, vat, gross, reason, recorded_at, recorded_by)
        values ($1, $2, $3, $4, $5, $6, $7, $8)";
    INVOICE = "select s.id, s.number, s.customer_id, c.code as customer_code, s.order_blank_id, b.number as order_number, b.code as order_code,
            s.kind, s.issued_on, s.due_on, s.net, s.vat_rate, s.vat, s.gross, s.paid, s.paid_on, s.issued_at,
            s.due_net, s.due_vat, s.due_gross, s.voided, s.open_through,
            coalesce(p.accrued, 0) as penalty_accrued, coalesce(p.overdue, 0) as overdue
        from invoice_standings s join customers c on c.id = s.customer_id left join order_blanks b on b.id = s.order_blank_id
        left join lateral (select sum(amount) as accrued, (array_agg(base order by day))[1] as overdue from penalty_accruals where invoice_id = s.id) p on true
        where s.id = $1";
    INVOICES_OF = "select s.id, s.number, s.customer_id, c.code as customer_code, s.order_blank_id, b.number as order_number, b.code as order_code,
            s.kind, s.issued_on, s.due_on, s.net, s.vat_rate, s.vat, s.gross, s.paid, s.paid_on, s.issued_at,
            s.due_net, s.due_vat, s.due_gross, s.voided, s.open_through,
            coalesce(p.accrued, 0) as penalty_accrued, coalesce(p.overdue, 0) as overdue
        from invoice_standings s join customers c on c.id = s.customer_id left join order_blanks b on b.id = s.order_blank_id
        left join lateral (select sum(amount) as accrued, (array_agg(base order by day))[1] as overdue from penalty_accruals where invoice_id = s.id) p on true
        where s.customer_id = $1 and s.number > $2 order by s.number limit $3";
    INVOICES = "select s.id, s.number, s.customer_id, c.code as customer_code, s.order_blank_id, b.number as order_number, b.code as order_code,
            s.kind, s.issued_on, s.due_on, s.net, s.vat_rate, s.vat, s.gross, s.paid, s.paid_on, s.issued_at,
            s.due_net, s.due_vat, s.due_gross, s.voided, s.open_through,
            coalesce(p.accrued, 0) as penalty_accrued, coalesce(p.overdue, 0) as overdue
        from invoice_standings s join customers c on c.id = s.customer_id left join order_blanks b on b.id = s.order_blank_id
        left join lateral (select sum(amount) as accrued, (array_agg(base order by day))[1] as overdue from penalty_accruals where invoice_id = s.id) p on true
        where s.number > $1 order by s.number limit $2";
    ID_OF_NUMBER = "select id from invoices where customer_id = $1 and number = $2";
    LINES_OF = "select line_id, first_period, last_period, net, vat from invoice_lines where invoice_id = $1 order by position";
}

/// Why an invoice was issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InvoiceKind {
    /// The prepayment of a signed blank.
    Prepayment,
    /// The missing sum of a budget increase.
    BudgetIncrease,
}

impl InvoiceKind {
    /// The name in the tables.
    pub fn name(self) -> &'static str {
        match self {
            InvoiceKind::Prepayment => "prepayment",
            InvoiceKind::BudgetIncrease => "budget_increase",
        }
    }

    fn parse(name: &str) -> Result<InvoiceKind, DbError> {
        match name {
            "prepayment" => Ok(InvoiceKind::Prepayment),
            "budget_increase" => Ok(InvoiceKind::BudgetIncrease),
            _ => Err(DbError::Inconsistent(format!("`{name}` is no kind of invoice"))),
        }
    }
}

/// Why an invoice asks for less than it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReductionReason {
    /// The request of more budget that it belongs to lapsed: all of it is void.
    Lapsed,
    /// A service ended before its time: what was not rendered isn't owed.
    Terminated,
    /// An amendment orders less than was invoiced.
    Amended,
}

impl ReductionReason {
    /// The name in the tables.
    pub fn name(self) -> &'static str {
        match self {
            ReductionReason::Lapsed => "lapsed",
            ReductionReason::Terminated => "terminated",
            ReductionReason::Amended => "amended",
        }
    }
}

/// A part of an invoice that is no longer owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvoiceReduction {
    /// The invoice.
    pub invoice: InvoiceId,
    /// From the start of this day on.
    pub reduced_on: NaiveDate,
    /// Net of VAT, taken off.
    pub net: Money,
    /// VAT, taken off.
    pub vat: Money,
    /// Why.
    pub reason: ReductionReason,
}

/// An invoice to be written. The day of issue is the Tashkent day of `issued_at`.
#[derive(Debug, Clone)]
pub struct IssueInvoice<'a> {
    /// New id.
    pub id: InvoiceId,
    /// The next number of its series.
    pub number: &'a str,
    /// Who is to pay.
    pub customer: CustomerId,
    /// The blank that it is for.
    pub order_blank: Option<OrderBlankId>,
    /// Why.
    pub kind: InvoiceKind,
    /// When.
    pub issued_at: Timestamp,
    /// Lines, sums, due date.
    pub draft: &'a InvoiceDraft,
}

/// An issued invoice and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceRecord {
    /// The invoice.
    pub id: InvoiceId,
    /// Its number.
    pub number: String,
    /// Who is to pay.
    pub customer: CustomerId,
    /// The customer's code.
    pub customer_code: String,
    /// The blank.
    pub order_blank: Option<OrderBlankId>,
    /// The blank's number.
    pub order_number: Option<String>,
    /// The blank's code.
    pub order_code: Option<String>,
    /// Why it was issued.
    pub kind: InvoiceKind,
    /// Day of issue.
    pub issued_on: NaiveDate,
    /// Due date.
    pub due_on: NaiveDate,
    /// Net of VAT.
    pub net: Money,
    /// VAT rate.
    pub vat_rate: Rate,
    /// VAT.
    pub vat: Money,
    /// Net and VAT.
    pub gross: Money,
    /// What payments hold on it.
    pub paid: Money,
    /// The day on which it was fully paid; none where nothing was.
    pub paid_on: Option<NaiveDate>,
    /// Net of what it still asks for, paid or not.
    pub due_net: Money,
    /// VAT of what it still asks for.
    pub due_vat: Money,
    /// What it still asks for, paid or not: `gross` less its reductions.
    pub due_gross: Money,
    /// Whether it is void, as its request of more budget lapsed.
    pub voided: bool,
    /// The last day on which something of it was open when the day began; none while something is.
    pub open_through: Option<NaiveDate>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// Late penalty accrued so far, not rounded.
    pub penalty_accrued: Exact,
    /// The sum that was unpaid when the delay began; nothing when there was no delay.
    pub overdue: Money,
}

#[derive(sqlx::FromRow)]
struct InvoiceRow {
    id: Uuid,
    number: String,
    customer_id: Uuid,
    customer_code: String,
    order_blank_id: Option<Uuid>,
    order_number: Option<String>,
    order_code: Option<String>,
    kind: String,
    issued_on: NaiveDate,
    due_on: NaiveDate,
    net: Decimal,
    vat_rate: Decimal,
    vat: Decimal,
    gross: Decimal,
    paid: Decimal,
    paid_on: Option<NaiveDate>,
    due_net: Decimal,
    due_vat: Decimal,
    due_gross: Decimal,
    voided: bool,
    open_through: Option<NaiveDate>,
    issued_at: Timestamp,
    penalty_accrued: Decimal,
    overdue: Decimal,
}

impl TryFrom<InvoiceRow> for InvoiceRecord {
    type Error = DbError;
    fn try_from(row: InvoiceRow) -> Result<InvoiceRecord, DbError> {
        Ok(InvoiceRecord {
            id: InvoiceId::from_uuid(row.id),
            number: row.number,
            customer: CustomerId::from_uuid(row.customer_id),
            customer_code: row.customer_code,
            order_blank: row.order_blank_id.map(OrderBlankId::from_uuid),
            order_number: row.order_number,
            order_code: row.order_code,
            kind: InvoiceKind::parse(&row.kind)?,
            issued_on: row.issued_on,
            due_on: row.due_on,
            net: Money::from_decimal(row.net)?,
            vat_rate: Rate::new(row.vat_rate)?,
            vat: Money::from_decimal(row.vat)?,
            gross: Money::from_decimal(row.gross)?,
            paid: Money::from_decimal(row.paid)?,
            paid_on: row.paid_on,
            due_net: Money::from_decimal(row.due_net)?,
            due_vat: Money::from_decimal(row.due_vat)?,
            due_gross: Money::from_decimal(row.due_gross)?,
            voided: row.voided,
            open_through: row.open_through,
            issued_at: row.issued_at,
            penalty_accrued: Exact::new(row.penalty_accrued),
            overdue: Money::from_decimal(row.overdue)?,
        })
    }
}

#[derive(sqlx::FromRow)]
struct LineRow {
    line_id: Uuid,
    first_period: Option<NaiveDate>,
    last_period: Option<NaiveDate>,
    net: Decimal,
    vat: Decimal,
}

/// Invoices inside a transaction.
#[derive(Debug)]
pub struct Invoices<'a> {
    tx: &'a mut Tx,
}

impl Tx {
    /// Invoices.
    pub fn invoices(&mut self) -> Invoices<'_> {
        Invoices { tx: self }
    }
}

impl Invoices<'_> {
    /// Writes an invoice with its lines. Refused by constraint: `invoice_number_is_unique`.
    pub async fn issue(&mut self, invoice: &IssueInvoice<'_>) -> Result<(), DbError> {
        let draft = invoice.draft;
        sqlx::query(INSERT_INVOICE)
            .bind(invoice.id.uuid())
            .bind(invoice.number)
            .bind(invoice.customer.uuid())
            .bind(invoice.order_blank.map(OrderBlankId::uuid))
            .bind(invoice.kind.name())
            .bind(tashkent_day(invoice.issued_at))
            .bind(draft.due_on)
            .bind(draft.net.decimal())
            .bind(draft.vat_rate.decimal())
            .bind(draft.vat.decimal())
            .bind(draft.gross.decimal())
            .bind(invoice.issued_at)
            .execute(self.tx.conn())
            .await?;
        for (position, line) in (1i16..).zip(&draft.lines) {
            sqlx::query(INSERT_LINE)
                .bind(invoice.id.uuid())
                .bind(position)
                .bind(line.line.uuid())
                .bind(line.first_period.first_day())
                .bind(line.last_period.first_day())
                .bind(line.net.decimal())
                .bind(line.vat.decimal())
                .execute(self.tx.conn())
                .await?;
        }
        Ok(())
    }

    /// The open invoices of a customer, oldest due date first. Lock the customer first (`ledger().lock_customer`).
    pub async fn open_of(&mut self, customer: CustomerId) -> Result<Vec<OpenInvoice>, DbError> {
        let rows: Vec<(Uuid, String, NaiveDate, NaiveDate, Decimal)> = sqlx::query_as(OPEN_OF)
            .bind(customer.uuid())
            .fetch_all(self.tx.conn())
            .await?;
        rows.into_iter()
            .map(|(id, number, issued_on, due_on, unpaid)| {
                Ok(OpenInvoice {
                    invoice: InvoiceId::from_uuid(id),
                    number,
                    issued_on,
                    due_on,
                    unpaid: Money::from_decimal(unpaid)?,
                })
            })
            .collect()
    }

    /// Writes that a part of an invoice is no longer owed. Release what was paid of that part (`payments().release`).
    /// Refused by constraint: `reduction_within_invoice`. Lock the customer first.
    pub async fn reduce(
        &mut self,
        reduction: &InvoiceReduction,
        recorded_by: &str,
        at: Timestamp,
    ) -> Result<(), DbError> {
        let gross = reduction.net.checked_add(reduction.vat)?;
        sqlx::query(INSERT_REDUCTION)
            .bind(reduction.invoice.uuid())
            .bind(reduction.reduced_on)
            .bind(reduction.net.decimal())
            .bind(reduction.vat.decimal())
            .bind(gross.decimal())
            .bind(reduction.reason.name())
            .bind(at)
            .bind(recorded_by)
            .execute(self.tx.conn())
            .await?;
        Ok(())
    }

    /// What lowers the unpaid sum of an invoice, by the day from whose end on it counts: payments, and of the day before
    /// theirs reductions and (the other way) releases, which count when their day begins.
    pub async fn paid_parts(&mut self, invoice: InvoiceId) -> Result<Vec<PaidPart>, DbError> {
        let rows: Vec<(NaiveDate, Decimal)> = sqlx::query_as(PAID_PARTS)
            .bind(invoice.uuid())
            .fetch_all(self.tx.conn())
            .await?;
        rows.into_iter()
            .map(|(on, amount)| {
                Ok(PaidPart {
                    on,
                    amount: Money::from_decimal(amount)?,
                })
            })
            .collect()
    }

    /// The id of a customer's invoice by its number.
    pub async fn id_of_number(
        &mut self,
        customer: CustomerId,
        number: &str,
    ) -> Result<Option<InvoiceId>, DbError> {
        let id: Option<Uuid> = sqlx::query_scalar(ID_OF_NUMBER)
            .bind(customer.uuid())
            .bind(number)
            .fetch_optional(self.tx.conn())
            .await?;
        Ok(id.map(InvoiceId::from_uuid))
    }

    /// An invoice.
    pub async fn lookup(&mut self, id: InvoiceId) -> Result<Option<InvoiceRecord>, DbError> {
        let row: Option<InvoiceRow> = sqlx::query_as(INVOICE)
            .bind(id.uuid())
            .fetch_optional(self.tx.conn())
            .await?;
        row.map(InvoiceRecord::try_from).transpose()
    }
}

impl Store {
    /// An invoice.
    pub async fn invoice(&self, id: InvoiceId) -> Result<Option<InvoiceRecord>, DbError> {
        let row: Option<InvoiceRow> = sqlx::query_as(INVOICE)
            .bind(id.uuid())
            .fetch_optional(self.pool())
            .await?;
        row.map(InvoiceRecord::try_from).transpose()
    }

    /// At most `limit` invoices of a customer after a number ("" for the first page), by number.
    pub async fn invoices_of(
        &self,
        customer: CustomerId,
        after_number: &str,
        limit: u32,
    ) -> Result<Vec<InvoiceRecord>, DbError> {
        let rows: Vec<InvoiceRow> = sqlx::query_as(INVOICES_OF)
            .bind(customer.uuid())
            .bind(after_number)
            .bind(i64::from(limit))
            .fetch_all(self.pool())
            .await?;
        rows.into_iter().map(InvoiceRecord::try_from).collect()
    }

    /// At most `limit` invoices of all customers after a number ("" for the first page), by number.
    pub async fn invoices(&self, after_number: &str, limit: u32) -> Result<Vec<InvoiceRecord>, DbError> {
        let rows: Vec<InvoiceRow> = sqlx::query_as(INVOICES)
            .bind(after_number)
            .bind(i64::from(limit))
            .fetch_all(self.pool())
            .await?;
        rows.into_iter().map(InvoiceRecord::try_from).collect()
    }

    /// The lines of an invoice.
    pub async fn invoice_lines(&self, id: InvoiceId) -> Result<Vec<InvoiceLine>, DbError> {
        let rows: Vec<LineRow> = sqlx::query_as(LINES_OF)
            .bind(id.uuid())
            .fetch_all(self.pool())
            .await?;
        rows.into_iter()
            .map(|row| {
                let period = |day: Option<NaiveDate>| {
                    day.map(ReportingPeriod::of)
                        .ok_or_else(|| DbError::Inconsistent(format!("a line of {id} covers no period")))
                };
                Ok(InvoiceLine {
                    line: LineId::from_uuid(row.line_id),
                    first_period: period(row.first_period)?,
                    last_period: period(row.last_period)?,
                    net: Money::from_decimal(row.net)?,
                    vat: Money::from_decimal(row.vat)?,
                })
            })
            .collect()
    }
}
