//! Whole-database reads for the simulation's report and its auditor (simulation.md "Report").
//!
//! These read everything in one go and are meant for the small private database of a simulation, never for serving.
//! The auditor's reads go to the raw tables (bits, entries, numbers) and not through the sums that other modules keep.

use crate::{DbError, Tx};
use chrono::NaiveDate;
use namoyish_domain::calendar::Timestamp;
use namoyish_domain::money::{Money, UnitPrice};
use rust_decimal::Decimal;
use sqlx::FromRow;
use uuid::Uuid;

statements! {
    LINES = "select l.id, l.code, l.kind, b.code as order_code, b.state as order_state,
            c.code as customer_code, l.first_day, l.last_day, l.ended_on, l.paused_at, l.budget_mode, l.budget, l.unit_price
        from order_lines l join order_blanks b on b.id = l.order_blank_id join customers c on c.id = b.customer_id
        where b.signed_at is not null order by l.code";
    LINE_DAYS = "select line_id, (hour at time zone interval '05:00')::date as day, sum(impressions)::bigint as impressions,
            sum(invalid)::bigint as invalid, sum(over_cap)::bigint as over_cap
        from line_hours group by 1, 2 order by 1, 2";
    PLANS = "select distinct on (line_id, day) line_id, day, target, quota from day_plans order by line_id, day, version desc";
    DEMAND = "select line_id, day, opportunities from line_demand order by line_id, day";
    EXTRA_PERIODS = "select line_id, first_day, last_day, extra_budget, ended, ended_on from extra_periods
        order by line_id, set_at, id";
    INVOICES = "select i.id, i.number, c.code as customer_code, b.code as order_code, i.kind, i.issued_on, i.due_on, i.net,
            i.vat, i.gross, i.due_gross, i.paid_on
        from invoice_standings i join customers c on c.id = i.customer_id left join order_blanks b on b.id = i.order_blank_id
        where not i.voided order by i.number";
    ALLOCATIONS = "select m.invoice_id, m.day, sum(m.amount) as amount from (
            select invoice_id, allocated_on as day, amount from payment_allocations
            union all select invoice_id, released_on, -amount from allocation_releases) m
        group by 1, 2 order by 1, 2";
    ACCRUALS = "select invoice_id, day, amount from penalty_accruals order by invoice_id, day";
    DOCUMENTS = "select d.id, d.kind, d.number, c.code as customer_code, d.period, d.issued_on, d.net, d.vat, d.gross, d.sha256
        from documents d join customers c on c.id = d.customer_id order by d.kind, d.number";
    DOCUMENT_EVENTS = "select document_id, state, happened_on from document_events order by document_id, id";
    DOCUMENT_LINES = "select d.document_id, d.position, d.line_id, l.code, d.quantity, d.net, d.vat, d.gross
        from document_lines d join order_lines l on l.id = d.line_id order by d.document_id, d.position";
    BALANCES = "select c.code as customer_code, a.account, a.balance from customers c
        join account_balances a on a.customer_id = c.id order by c.code, a.account";
    CUSTOMERS = "select code from customers order by code";
    UNBALANCED_POSTINGS = "select count(*) from (select p.id from postings p left join entries e on e.posting_id = p.id
        group by p.id having count(e.posting_id) < 2 or sum(e.debit) <> sum(e.credit)) as wrong";
    BALANCE_DIFFERENCES = "select count(*) from (select account, customer_id, sum(debit - credit) as due from entries
            group by account, customer_id) as e
        full join account_balances a on a.account = e.account and a.customer_id is not distinct from e.customer_id
        where coalesce(a.balance, 0) <> coalesce(e.due, 0)";
    BITS_BY_EPOCH = "select line_id, epoch, sum(bit_count(bits))::bigint as count from epoch_bitmaps where kind = 1
        group by 1, 2 order by 1, 2";
    EPOCHS = "select line_id, epoch, impressions as count from line_epochs order by line_id, epoch";
    /// A counter that was lost with its store, and has a successor, can't tell its epochs any more: the journals tell them.
    COUNTER_SHOWN_BY_EPOCH = "select line_id, epoch, sum(n)::bigint as count from (
            select line_id, epoch, shown as n from counter_totals
            union all
            select b.line_id, b.epoch, bit_count(b.bits) from epoch_bitmaps b
                join counter_generations o on o.id = b.generation
                where b.kind = 1
                    and not exists (select 1 from counter_totals t
                        where t.line_id = b.line_id and t.generation = b.generation and t.epoch = b.epoch)
                    and exists (select 1 from counter_generations g
                        where g.line_id = o.line_id and g.scope = o.scope and g.id > o.id)) told
        group by 1, 2 order by 1, 2";
    TOTALS = "select line_id, scope, counted, cap from line_totals order by line_id, scope";
    OPERATOR_TURNOVER = "select account, sum(credit - debit) as amount from entries
        where account in ('revenue', 'vat_payable', 'penalty_income') group by account order by account";
    REFERENCES = "select document_id, refers_to, relation from document_references order by document_id";
    SERIES = "select kind, year, last_number from number_series order by kind, year";
    REFUNDS = "select c.code as customer_code, sum(r.amount) as refunded,
            (select coalesce(sum(p.amount), 0) from payments p where p.customer_id = r.customer_id) as paid_in
        from refunds r join customers c on c.id = r.customer_id where r.state in ('fixed', 'paid')
        group by c.code, r.customer_id order by c.code";
    ACTS = "select d.number, a.opening, a.closing - a.undocumented as closing,
            (select coalesce(sum(e.debit - e.credit), 0) from entries e join postings p on p.id = e.posting_id
                where e.customer_id = a.customer_id and p.posted_on < a.first_day and p.recorded_at <= d.issued_at) as booked_before,
            (select coalesce(sum(e.debit - e.credit), 0) from entries e join postings p on p.id = e.posting_id
                where e.customer_id = a.customer_id and p.posted_on <= a.last_day and p.recorded_at <= d.issued_at) as booked
        from reconciliation_acts a join documents d on d.id = a.document_id order by d.number";
    NUMBERS_IN_USE = "select 'order_blank' as kind, number from order_blanks
        union all select 'invoice', number from invoices
        union all select kind, number from documents";
}

/// A line of a signed blank.
#[derive(Debug, Clone)]
pub struct ReportedLine {
    /// The line.
    pub id: Uuid,
    /// Its code.
    pub code: String,
    /// media | period | additional.
    pub kind: String,
    /// Code of its order blank.
    pub order_code: String,
    /// State of its order blank.
    pub order_state: String,
    /// Code of its customer.
    pub customer_code: String,
    /// First day of the term in force.
    pub first_day: NaiveDate,
    /// Last day of the term in force.
    pub last_day: NaiveDate,
    /// First day without service, when it was ended early.
    pub ended_on: Option<NaiveDate>,
    /// Whether it is paused.
    pub paused: bool,
    /// Whether `budget` is for each month.
    pub monthly: bool,
    /// So'm, net; none for lines that aren't media.
    pub budget: Option<Money>,
    /// Price per 1,000 impressions, per month, or per piece.
    pub unit_price: UnitPrice,
}

/// A day of a line as it was counted (by hour of decision).
#[derive(Debug, Clone, Copy, FromRow)]
pub struct ReportedDay {
    /// The line.
    pub line_id: Uuid,
    /// Tashkent day.
    pub day: NaiveDate,
    /// Charged impressions.
    pub impressions: i64,
    /// Impressions by robots and the like.
    pub invalid: i64,
    /// Impressions beyond the budget, never charged.
    pub over_cap: i64,
}

/// A day's newest plan.
#[derive(Debug, Clone, Copy, FromRow)]
pub struct ReportedPlan {
    /// The line.
    pub line_id: Uuid,
    /// Tashkent day.
    pub day: NaiveDate,
    /// So'm, not rounded.
    pub target: Decimal,
    /// Impressions admitted.
    pub quota: i64,
}

/// Requests of a day in which the line could have been shown.
#[derive(Debug, Clone, Copy, FromRow)]
pub struct ReportedDemand {
    /// The line.
    pub line_id: Uuid,
    /// Tashkent day.
    pub day: NaiveDate,
    /// How many.
    pub opportunities: i64,
}

/// What an account of the operator has gained: credits less debits.
#[derive(Debug, Clone, FromRow)]
pub struct OperatorTurnover {
    /// revenue | vat_payable | penalty_income.
    pub account: String,
    /// So'm.
    pub amount: Decimal,
}

/// A document that refers to another one.
#[derive(Debug, Clone, FromRow)]
pub struct ReportedReference {
    /// The document.
    pub document_id: Uuid,
    /// The other one.
    pub refers_to: Uuid,
    /// vat_invoice_of | corrects.
    pub relation: String,
}

/// An extra period.
#[derive(Debug, Clone, FromRow)]
pub struct ReportedExtraPeriod {
    /// The line.
    pub line_id: Uuid,
    /// First day.
    pub first_day: NaiveDate,
    /// Last day as it was set.
    pub last_day: NaiveDate,
    /// So'm, net.
    pub extra_budget: Decimal,
    /// expired | switched_off | exhausted.
    pub ended: Option<String>,
    /// Last day paced by it, when it was ended.
    pub ended_on: Option<NaiveDate>,
}

/// An invoice.
#[derive(Debug, Clone, FromRow)]
pub struct ReportedInvoice {
    /// The invoice.
    pub id: Uuid,
    /// Its number.
    pub number: String,
    /// Code of its customer.
    pub customer_code: String,
    /// Code of its order blank.
    pub order_code: Option<String>,
    /// prepayment | budget_increase.
    pub kind: String,
    /// Date of issue.
    pub issued_on: NaiveDate,
    /// Due date.
    pub due_on: NaiveDate,
    /// So'm.
    pub net: Decimal,
    /// So'm.
    pub vat: Decimal,
    /// So'm, as it was issued.
    pub gross: Decimal,
    /// What it still asks for, paid or not.
    pub due_gross: Decimal,
    /// The day on which it was fully paid.
    pub paid_on: Option<NaiveDate>,
}

/// A sum of an invoice on a day: paid, or accrued as a penalty (with eight places).
#[derive(Debug, Clone, Copy, FromRow)]
pub struct InvoiceDay {
    /// The invoice.
    pub invoice_id: Uuid,
    /// The day.
    pub day: NaiveDate,
    /// So'm.
    pub amount: Decimal,
}

/// An issued document.
#[derive(Debug, Clone, FromRow)]
pub struct ReportedDocument {
    /// The document.
    pub id: Uuid,
    /// primary_document, vat_invoice, …
    pub kind: String,
    /// Its number.
    pub number: String,
    /// Code of its customer.
    pub customer_code: String,
    /// First day of its period.
    pub period: Option<NaiveDate>,
    /// Date of issue.
    pub issued_on: NaiveDate,
    /// So'm.
    pub net: Decimal,
    /// So'm.
    pub vat: Decimal,
    /// So'm.
    pub gross: Decimal,
    /// Hash of its content.
    pub sha256: String,
}

/// A state that a document entered.
#[derive(Debug, Clone, FromRow)]
pub struct ReportedDocumentEvent {
    /// The document.
    pub document_id: Uuid,
    /// issued | sent | accepted | …
    pub state: String,
    /// Tashkent day.
    pub happened_on: NaiveDate,
}

/// A line of a document.
#[derive(Debug, Clone, FromRow)]
pub struct ReportedDocumentLine {
    /// The document.
    pub document_id: Uuid,
    /// The order line.
    pub line_id: Uuid,
    /// Its code.
    pub code: String,
    /// Impressions, months or pieces.
    pub quantity: Decimal,
    /// So'm.
    pub net: Decimal,
    /// So'm.
    pub vat: Decimal,
    /// So'm.
    pub gross: Decimal,
}

/// A customer's account. Debit less credit.
#[derive(Debug, Clone, FromRow)]
pub struct ReportedBalance {
    /// Code of the customer.
    pub customer_code: String,
    /// advance, receivable, …
    pub account: String,
    /// So'm; negative where the customer has money with the operator.
    pub balance: Decimal,
}

/// Impressions of a line in an epoch, by one of the three ways to know.
#[derive(Debug, Clone, Copy, FromRow)]
pub struct EpochCount {
    /// The line.
    pub line_id: Uuid,
    /// Number of the five-minute interval.
    pub epoch: i64,
    /// How many.
    pub count: i64,
}

/// A line's total of a scope (0: the term; 202611: a month).
#[derive(Debug, Clone, Copy, FromRow)]
pub struct ScopeTotal {
    /// The line.
    pub line_id: Uuid,
    /// The scope.
    pub scope: i32,
    /// Counted impressions.
    pub counted: i64,
    /// What the budget pays for.
    pub cap: i64,
}

/// The last number of a gapless series.
#[derive(Debug, Clone, FromRow)]
pub struct SeriesEnd {
    /// Kind of document.
    pub kind: String,
    /// Year of the series.
    pub year: i32,
    /// The last number taken.
    pub last_number: i64,
}

/// A number that a blank, an invoice or a document has.
#[derive(Debug, Clone, FromRow)]
pub struct NumberInUse {
    /// order_blank, invoice, or the kind of document.
    pub kind: String,
    /// The whole number as it is printed.
    pub number: String,
}

/// What a customer was refunded of what it paid.
#[derive(Debug, Clone, FromRow)]
pub struct ReportedRefunds {
    /// Code of the customer.
    pub customer_code: String,
    /// So'm, fixed or paid.
    pub refunded: Decimal,
    /// So'm.
    pub paid_in: Decimal,
}

/// A reconciliation act beside the ledger as it was when the act was made; more than nothing: the customer owes.
#[derive(Debug, Clone, FromRow)]
pub struct ReportedAct {
    /// Its number.
    pub number: String,
    /// Opening balance as stated.
    pub opening: Decimal,
    /// Closing balance as stated, without services that no document had.
    pub closing: Decimal,
    /// Sum of the entries before its first day.
    pub booked_before: Decimal,
    /// Sum of the entries through its last day.
    pub booked: Decimal,
}

#[derive(FromRow)]
struct LineRow {
    id: Uuid,
    code: String,
    kind: String,
    order_code: String,
    order_state: String,
    customer_code: String,
    first_day: NaiveDate,
    last_day: NaiveDate,
    ended_on: Option<NaiveDate>,
    paused_at: Option<Timestamp>,
    budget_mode: Option<String>,
    budget: Option<Decimal>,
    unit_price: Decimal,
}

impl TryFrom<LineRow> for ReportedLine {
    type Error = DbError;

    fn try_from(row: LineRow) -> Result<ReportedLine, DbError> {
        let wrong = |what: &str| DbError::Inconsistent(format!("{what} of line {}", row.code));
        Ok(ReportedLine {
            budget: row
                .budget
                .map(Money::from_decimal)
                .transpose()
                .map_err(|_| wrong("budget"))?,
            unit_price: UnitPrice::new(row.unit_price).map_err(|_| wrong("unit_price"))?,
            monthly: row.budget_mode.as_deref() == Some("monthly"),
            paused: row.paused_at.is_some(),
            id: row.id,
            code: row.code,
            kind: row.kind,
            order_code: row.order_code,
            order_state: row.order_state,
            customer_code: row.customer_code,
            first_day: row.first_day,
            last_day: row.last_day,
            ended_on: row.ended_on,
        })
    }
}

/// Everything that the report and its auditor read.
pub struct Reporting<'a> {
    tx: &'a mut Tx,
}

impl Tx {
    /// Reads for the simulation's report.
    pub fn reporting(&mut self) -> Reporting<'_> {
        Reporting { tx: self }
    }
}

/// `name: STATEMENT -> row` for a read without parameters.
macro_rules! reads {
    ($($(#[$doc:meta])* $name:ident: $statement:ident -> $row:ty;)*) => {$(
        $(#[$doc])*
        pub async fn $name(&mut self) -> Result<Vec<$row>, DbError> {
            Ok(sqlx::query_as($statement).fetch_all(self.tx.conn()).await?)
        }
    )*};
}

impl Reporting<'_> {
    /// Lines of signed blanks by code.
    pub async fn lines(&mut self) -> Result<Vec<ReportedLine>, DbError> {
        let rows: Vec<LineRow> = sqlx::query_as(LINES).fetch_all(self.tx.conn()).await?;
        rows.into_iter().map(ReportedLine::try_from).collect()
    }

    reads! {
        /// Days of lines with their counts.
        line_days: LINE_DAYS -> ReportedDay;
        /// The newest plan of every line and day.
        plans: PLANS -> ReportedPlan;
        /// Opportunities by line and day.
        demand: DEMAND -> ReportedDemand;
        /// Extra periods in the order in which they were set.
        extra_periods: EXTRA_PERIODS -> ReportedExtraPeriod;
        /// Invoices by number.
        invoices: INVOICES -> ReportedInvoice;
        /// What was paid on invoices, by day.
        allocations: ALLOCATIONS -> InvoiceDay;
        /// Late penalties by day.
        accruals: ACCRUALS -> InvoiceDay;
        /// Documents by kind and number.
        documents: DOCUMENTS -> ReportedDocument;
        /// States of documents in the order in which they were entered.
        document_events: DOCUMENT_EVENTS -> ReportedDocumentEvent;
        /// Lines of documents.
        document_lines: DOCUMENT_LINES -> ReportedDocumentLine;
        /// Accounts of customers.
        balances: BALANCES -> ReportedBalance;
        /// Impressions by the bits themselves.
        bits_by_epoch: BITS_BY_EPOCH -> EpochCount;
        /// Impressions by the sums that plans are made from.
        epochs: EPOCHS -> EpochCount;
        /// Impressions as the counter store told them when the epoch closed.
        counter_shown_by_epoch: COUNTER_SHOWN_BY_EPOCH -> EpochCount;
        /// Totals of lines by scope.
        totals: TOTALS -> ScopeTotal;
        /// What the operator's income accounts have gained.
        operator_turnovers: OPERATOR_TURNOVER -> OperatorTurnover;
        /// Which document refers to which.
        references: REFERENCES -> ReportedReference;
        /// Ends of the gapless series.
        series: SERIES -> SeriesEnd;
        /// Refunds by customer.
        refunds: REFUNDS -> ReportedRefunds;
        /// Reconciliation acts by number.
        acts: ACTS -> ReportedAct;
        /// Every number in use.
        numbers_in_use: NUMBERS_IN_USE -> NumberInUse;
    }

    /// Codes of all customers.
    pub async fn customers(&mut self) -> Result<Vec<String>, DbError> {
        Ok(sqlx::query_scalar(CUSTOMERS).fetch_all(self.tx.conn()).await?)
    }

    /// Postings with fewer than two entries or unequal sides.
    pub async fn unbalanced_postings(&mut self) -> Result<i64, DbError> {
        Ok(sqlx::query_scalar(UNBALANCED_POSTINGS)
            .fetch_one(self.tx.conn())
            .await?)
    }

    /// Accounts whose kept balance isn't the sum of their entries.
    pub async fn balance_differences(&mut self) -> Result<i64, DbError> {
        Ok(sqlx::query_scalar(BALANCE_DIFFERENCES)
            .fetch_one(self.tx.conn())
            .await?)
    }
}
