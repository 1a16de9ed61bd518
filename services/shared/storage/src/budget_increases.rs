//! Requests of more budget: how each is paid, and what became of it.
//!
//! Rule: orders.md §6. The rules are in `domain::orders::budget_change`; that one request of a line waits at a time is told
//! by the index `one_pending_increase_at_a_time` as well. Invoices and loans of a request are never changed; the request
//! itself is decided once.

use crate::order_blanks::one_row;
use crate::{DbError, Store, Tx};
use chrono::NaiveDate;
use namoyish_domain::calendar::{ReportingPeriod, Timestamp};
use namoyish_domain::ids::{BudgetIncreaseId, CustomerId, InvoiceId, LineId};
use namoyish_domain::money::Money;
use namoyish_domain::orders::budget_change::{Loan, PaidInvoiceLine};
use rust_decimal::Decimal;
use uuid::Uuid;

statements! {
    INSERT = "insert into budget_increases (id, line_id, customer_id, amount, gross, covered, borrowed, missing,
            requested_at, requested_on, requested_by, due_on, state)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'pending')";
    INSERT_LOAN = "insert into budget_increase_loans (increase_id, period, amount) values ($1, $2, $3)";
    INSERT_INVOICE = "insert into budget_increase_invoices (increase_id, invoice_id, part) values ($1, $2, $3)";
    LOCK = "select id, line_id, customer_id, amount, gross, covered, borrowed, missing, requested_at, requested_on, requested_by,
            due_on, state, decided_at, period, budget_before, budget_after
        from budget_increases where id = $1 for no key update";
    PENDING_OF_LINE = "select exists (select 1 from budget_increases where line_id = $1 and state = 'pending')";
    PENDING_OF_CUSTOMER = "select id, line_id from budget_increases where customer_id = $1 and state = 'pending' order by line_id";
    OF_LINE = "select id, line_id, customer_id, amount, gross, covered, borrowed, missing, requested_at, requested_on, requested_by,
            due_on, state, decided_at, period, budget_before, budget_after
        from budget_increases where line_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3";
    /// Requests whose money is in, and those that nothing can pay any more.
    TO_DECIDE = "select r.id, r.line_id from budget_increases r join order_lines l on l.id = r.line_id
        where r.state = 'pending' and (r.due_on < $1 or l.last_day < $1 or l.ended_on <= $1
            or not exists (select 1 from budget_increase_invoices b join invoice_standings i on i.id = b.invoice_id
                where b.increase_id = r.id and b.part = 'missing' and i.paid < i.due_gross))
            and ($2::uuid is null or r.id > $2)
        order by r.id limit $3";
    PUT_IN_FORCE = "update budget_increases set state = 'in_force', decided_at = $2, period = $3, budget_before = $4, budget_after = $5
        where id = $1 and state = 'pending'";
    LAPSE = "update budget_increases set state = 'lapsed', decided_at = $2 where id = $1 and state = 'pending'";
    SET_BUDGET = "update order_lines set budget = $2 where id = $1";
    INVOICES_OF = "select b.invoice_id, i.number, b.part from budget_increase_invoices b join invoices i on i.id = b.invoice_id
        where b.increase_id = $1 order by i.number";
    MISSING_PAID_ON = "select max(i.paid_on), bool_and(i.paid >= i.due_gross) from budget_increase_invoices b
        join invoice_standings i on i.id = b.invoice_id where b.increase_id = $1 and b.part = 'missing'";
    LOANS_OF = "select period, amount from budget_increase_loans where increase_id = $1 order by period desc";
    LENT_OF_LINE = "select n.period, sum(n.amount) from budget_increase_loans n join budget_increases r on r.id = n.increase_id
        where r.line_id = $1 and r.state <> 'lapsed' group by n.period";
    INVOICE_LINES = "select il.first_period, il.last_period, il.net + il.vat as gross, i.due_gross, i.paid
        from invoice_lines il join invoice_standings i on i.id = il.invoice_id
        where il.line_id = $1 and il.last_period > $2 and i.kind <> 'budget_increase' and i.due_gross > 0
        order by i.due_on, i.number";
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IncreaseState {
    /// It waits for its missing sum.
    Pending,
    /// The budget is raised.
    InForce,
    /// It was not paid in time.
    Lapsed,
}

impl IncreaseState {
    /// The name in the tables and in the API.
    pub fn code(self) -> &'static str {
        match self {
            IncreaseState::Pending => "pending",
            IncreaseState::InForce => "in_force",
            IncreaseState::Lapsed => "lapsed",
        }
    }

    fn parse(code: &str) -> Result<IncreaseState, DbError> {
        [
            IncreaseState::Pending,
            IncreaseState::InForce,
            IncreaseState::Lapsed,
        ]
        .into_iter()
        .find(|state| state.code() == code)
        .ok_or_else(|| DbError::Inconsistent(format!("an increase in the state `{code}`")))
    }
}

/// What an invoice of a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InvoicePart {
    /// What free advance paid at once.
    Covered,
    /// What must be paid before the budget is raised.
    Missing,
    /// What a later month lacks once it is raised.
    Later,
}

impl InvoicePart {
    /// The name in the tables and in the API.
    pub fn code(self) -> &'static str {
        match self {
            InvoicePart::Covered => "covered",
            InvoicePart::Missing => "missing",
            InvoicePart::Later => "later",
        }
    }

    fn parse(code: &str) -> Result<InvoicePart, DbError> {
        [InvoicePart::Covered, InvoicePart::Missing, InvoicePart::Later]
            .into_iter()
            .find(|part| part.code() == code)
            .ok_or_else(|| DbError::Inconsistent(format!("an increase's invoice for `{code}`")))
    }
}

/// A request as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetIncrease {
    /// Id.
    pub id: BudgetIncreaseId,
    /// The line.
    pub line: LineId,
    /// Whose line it is.
    pub customer: CustomerId,
    /// What is added, net; each month for a monthly budget.
    pub amount: Money,
    /// The added sum with VAT that must be paid before the budget is raised.
    pub gross: Money,
    /// Of it, from free advance.
    pub covered: Money,
    /// Of it, from later months.
    pub borrowed: Money,
    /// Of it, still to be paid in when it was asked for.
    pub missing: Money,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// The Tashkent day of that.
    pub requested_on: NaiveDate,
    /// By whom.
    pub requested_by: String,
    /// Last day for the missing sum.
    pub due_on: NaiveDate,
    /// What became of it.
    pub state: IncreaseState,
    /// When.
    pub decided_at: Option<Timestamp>,
    /// The first month with the new budget, of a monthly one.
    pub period: Option<ReportingPeriod>,
    /// The budget before and after, once it is in force.
    pub budgets: Option<(Money, Money)>,
}

#[derive(sqlx::FromRow)]
struct IncreaseRow {
    id: Uuid,
    line_id: Uuid,
    customer_id: Uuid,
    amount: Decimal,
    gross: Decimal,
    covered: Decimal,
    borrowed: Decimal,
    missing: Decimal,
    requested_at: Timestamp,
    requested_on: NaiveDate,
    requested_by: String,
    due_on: NaiveDate,
    state: String,
    decided_at: Option<Timestamp>,
    period: Option<NaiveDate>,
    budget_before: Option<Decimal>,
    budget_after: Option<Decimal>,
}

impl TryFrom<IncreaseRow> for BudgetIncrease {
    type Error = DbError;
    fn try_from(row: IncreaseRow) -> Result<BudgetIncrease, DbError> {
        let budgets = match (row.budget_before, row.budget_after) {
            (Some(before), Some(after)) => Some((Money::from_decimal(before)?, Money::from_decimal(after)?)),
            _ => None,
        };
        Ok(BudgetIncrease {
            id: BudgetIncreaseId::from_uuid(row.id),
            line: LineId::from_uuid(row.line_id),
            customer: CustomerId::from_uuid(row.customer_id),
            amount: Money::from_decimal(row.amount)?,
            gross: Money::from_decimal(row.gross)?,
            covered: Money::from_decimal(row.covered)?,
            borrowed: Money::from_decimal(row.borrowed)?,
            missing: Money::from_decimal(row.missing)?,
            requested_at: row.requested_at,
            requested_on: row.requested_on,
            requested_by: row.requested_by,
            due_on: row.due_on,
            state: IncreaseState::parse(&row.state)?,
            decided_at: row.decided_at,
            period: row.period.map(ReportingPeriod::of),
            budgets,
        })
    }
}

/// An invoice of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncreaseInvoice {
    /// The invoice.
    pub invoice: InvoiceId,
    /// Its number.
    pub number: String,
    /// What it is for.
    pub part: InvoicePart,
}

/// See [`Tx::budget_increases`].
#[derive(Debug)]
pub struct BudgetIncreases<'a>(&'a mut Tx);

impl Tx {
    /// Requests of more budget.
    pub fn budget_increases(&mut self) -> BudgetIncreases<'_> {
        BudgetIncreases(self)
    }
}

impl BudgetIncreases<'_> {
    /// Writes a pending request with its loans. Refused by `one_pending_increase_at_a_time`.
    pub async fn insert(&mut self, request: &BudgetIncrease, loans: &[Loan]) -> Result<(), DbError> {
        sqlx::query(INSERT)
            .bind(request.id.uuid())
            .bind(request.line.uuid())
            .bind(request.customer.uuid())
            .bind(request.amount.decimal())
            .bind(request.gross.decimal())
            .bind(request.covered.decimal())
            .bind(request.borrowed.decimal())
            .bind(request.missing.decimal())
            .bind(request.requested_at)
            .bind(request.requested_on)
            .bind(&request.requested_by)
            .bind(request.due_on)
            .execute(self.0.conn())
            .await?;
        for loan in loans {
            sqlx::query(INSERT_LOAN)
                .bind(request.id.uuid())
                .bind(loan.period.first_day())
                .bind(loan.gross.decimal())
                .execute(self.0.conn())
                .await?;
        }
        Ok(())
    }

    /// Writes that an invoice belongs to a request.
    pub async fn insert_invoice(
        &mut self,
        id: BudgetIncreaseId,
        invoice: InvoiceId,
        part: InvoicePart,
    ) -> Result<(), DbError> {
        sqlx::query(INSERT_INVOICE)
            .bind(id.uuid())
            .bind(invoice.uuid())
            .bind(part.code())
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// A request, locked until the transaction ends. Lock its line and its customer first.
    pub async fn lock(&mut self, id: BudgetIncreaseId) -> Result<Option<BudgetIncrease>, DbError> {
        let row: Option<IncreaseRow> = sqlx::query_as(LOCK)
            .bind(id.uuid())
            .fetch_optional(self.0.conn())
            .await?;
        row.map(BudgetIncrease::try_from).transpose()
    }

    /// Whether a request of the line waits for its money.
    pub async fn has_pending(&mut self, line: LineId) -> Result<bool, DbError> {
        Ok(sqlx::query_scalar(PENDING_OF_LINE)
            .bind(line.uuid())
            .fetch_one(self.0.conn())
            .await?)
    }

    /// The customer's requests that wait for their money, by line.
    pub async fn pending_of_customer(
        &mut self,
        customer: CustomerId,
    ) -> Result<Vec<(BudgetIncreaseId, LineId)>, DbError> {
        let rows: Vec<(Uuid, Uuid)> = sqlx::query_as(PENDING_OF_CUSTOMER)
            .bind(customer.uuid())
            .fetch_all(self.0.conn())
            .await?;
        Ok(pairs(rows))
    }

    /// Pending requests that are paid, or that can't be paid any more, at most `limit` after the id `after`.
    pub async fn to_decide(
        &mut self,
        today: NaiveDate,
        after: Option<BudgetIncreaseId>,
        limit: u32,
    ) -> Result<Vec<(BudgetIncreaseId, LineId)>, DbError> {
        let rows: Vec<(Uuid, Uuid)> = sqlx::query_as(TO_DECIDE)
            .bind(today)
            .bind(after.map(BudgetIncreaseId::uuid))
            .bind(i64::from(limit))
            .fetch_all(self.0.conn())
            .await?;
        Ok(pairs(rows))
    }

    /// Raises the line's budget and writes that the request is in force. The line and the request are locked.
    pub async fn put_in_force(
        &mut self,
        request: &BudgetIncrease,
        at: Timestamp,
        period: Option<ReportingPeriod>,
        before: Money,
        after: Money,
    ) -> Result<(), DbError> {
        let done = sqlx::query(PUT_IN_FORCE)
            .bind(request.id.uuid())
            .bind(at)
            .bind(period.map(ReportingPeriod::first_day))
            .bind(before.decimal())
            .bind(after.decimal())
            .execute(self.0.conn())
            .await?;
        one_row(done.rows_affected(), "increase was decided under its lock")?;
        let done = sqlx::query(SET_BUDGET)
            .bind(request.line.uuid())
            .bind(after.decimal())
            .execute(self.0.conn())
            .await?;
        one_row(done.rows_affected(), "order line has gone under its lock")
    }

    /// Writes that a request has lapsed. It is locked.
    pub async fn lapse(&mut self, id: BudgetIncreaseId, at: Timestamp) -> Result<(), DbError> {
        let done = sqlx::query(LAPSE)
            .bind(id.uuid())
            .bind(at)
            .execute(self.0.conn())
            .await?;
        one_row(done.rows_affected(), "increase was decided under its lock")
    }

    /// The invoices of a request by number.
    pub async fn invoices_of(&mut self, id: BudgetIncreaseId) -> Result<Vec<IncreaseInvoice>, DbError> {
        let rows: Vec<(Uuid, String, String)> = sqlx::query_as(INVOICES_OF)
            .bind(id.uuid())
            .fetch_all(self.0.conn())
            .await?;
        rows.into_iter()
            .map(|(invoice, number, part)| {
                Ok(IncreaseInvoice {
                    invoice: InvoiceId::from_uuid(invoice),
                    number,
                    part: InvoicePart::parse(&part)?,
                })
            })
            .collect()
    }

    /// The day on which the missing sum was fully paid, if it is.
    pub async fn missing_paid_on(&mut self, id: BudgetIncreaseId) -> Result<Option<NaiveDate>, DbError> {
        let (paid_on, paid): (Option<NaiveDate>, Option<bool>) = sqlx::query_as(MISSING_PAID_ON)
            .bind(id.uuid())
            .fetch_one(self.0.conn())
            .await?;
        Ok(paid_on.filter(|_| paid == Some(true)))
    }

    /// What months lend to a request, the latest first.
    pub async fn loans_of(&mut self, id: BudgetIncreaseId) -> Result<Vec<Loan>, DbError> {
        let rows: Vec<(NaiveDate, Decimal)> = sqlx::query_as(LOANS_OF)
            .bind(id.uuid())
            .fetch_all(self.0.conn())
            .await?;
        rows.into_iter()
            .map(|(period, amount)| {
                Ok(Loan {
                    period: ReportingPeriod::of(period),
                    gross: Money::from_decimal(amount)?,
                })
            })
            .collect()
    }

    /// What months of a line have lent to requests that are in force or pending.
    pub async fn lent_of(&mut self, line: LineId) -> Result<Vec<(ReportingPeriod, Money)>, DbError> {
        let rows: Vec<(NaiveDate, Decimal)> = sqlx::query_as(LENT_OF_LINE)
            .bind(line.uuid())
            .fetch_all(self.0.conn())
            .await?;
        rows.into_iter()
            .map(|(period, amount)| Ok((ReportingPeriod::of(period), Money::from_decimal(amount)?)))
            .collect()
    }

    /// The line's part of every invoice that pays for a month after `current`.
    pub async fn paid_invoice_lines(
        &mut self,
        line: LineId,
        current: ReportingPeriod,
    ) -> Result<Vec<PaidInvoiceLine>, DbError> {
        type Row = (Option<NaiveDate>, Option<NaiveDate>, Decimal, Decimal, Decimal);
        let rows: Vec<Row> = sqlx::query_as(INVOICE_LINES)
            .bind(line.uuid())
            .bind(current.first_day())
            .fetch_all(self.0.conn())
            .await?;
        rows.into_iter()
            .map(|(first, last, gross, due, paid)| {
                let period = |day: Option<NaiveDate>| {
                    day.map(ReportingPeriod::of).ok_or_else(|| {
                        DbError::Inconsistent(format!("an invoice of {line} covers no period"))
                    })
                };
                Ok(PaidInvoiceLine {
                    first_period: period(first)?,
                    last_period: period(last)?,
                    gross: Money::from_decimal(gross)?,
                    invoice_due: Money::from_decimal(due)?,
                    invoice_paid: Money::from_decimal(paid)?,
                })
            })
            .collect()
    }
}

impl Store {
    /// At most `limit` requests of a line before the id `before`, the newest first.
    pub async fn budget_increases_of(
        &self,
        line: LineId,
        before: Option<BudgetIncreaseId>,
        limit: u32,
    ) -> Result<Vec<BudgetIncrease>, DbError> {
        let rows: Vec<IncreaseRow> = sqlx::query_as(OF_LINE)
            .bind(line.uuid())
            .bind(before.map(BudgetIncreaseId::uuid))
            .bind(i64::from(limit))
            .fetch_all(self.pool())
            .await?;
        rows.into_iter().map(BudgetIncrease::try_from).collect()
    }
}

fn pairs(rows: Vec<(Uuid, Uuid)>) -> Vec<(BudgetIncreaseId, LineId)> {
    rows.into_iter()
        .map(|(id, line)| (BudgetIncreaseId::from_uuid(id), LineId::from_uuid(line)))
        .collect()
}
