//! What becomes of a request of more budget: in force once it is paid, lapsed when it isn't paid in time (orders.md §6).
//!
//! A request is decided by the payment that completes it, or by the worker's next tick. It is in force when its missing sum
//! was received by the end of the 30th day and the line still has service; else it lapses, its invoices are void, and what
//! was paid on them is free advance again.
//!
//! **Choice:** a request lapses with its line's service too: it could buy nothing any more.

use crate::{allocate_free, reduce_invoice};
use chrono::{Datelike, NaiveDate};
use namoyish_domain::billing::document::Series;
use namoyish_domain::billing::invoice::{InvoiceDraft, InvoiceLine};
use namoyish_domain::calendar::ReportingPeriod;
use namoyish_domain::ids::{BudgetIncreaseId, InvoiceId, LineId};
use namoyish_domain::money::{Money, MoneyError, Rate};
use namoyish_domain::orders::budget_change::{
    Funding, LineForBudgetChange, TaxedSum, current_period, last_day_of_service, later_lacks,
};
use namoyish_domain::orders::order_blank::{Budget, BudgetMode};
use namoyish_runtime::context::Context;
use namoyish_runtime::notices::{Notice, tell};
use namoyish_storage::budget_increases::{BudgetIncrease, IncreaseState, InvoicePart};
use namoyish_storage::invoices::{InvoiceKind, InvoiceReduction, IssueInvoice, ReductionReason};
use namoyish_storage::order_blanks::OrderBlank;
use namoyish_storage::order_lines::OrderLine;
use namoyish_storage::{DbError, Tx};
use serde_json::json;

/// What became of a pending request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decided {
    /// It waits on, or was decided before.
    Nothing,
    /// The budget is raised.
    InForce,
    /// It has lapsed.
    Lapsed,
}

/// A line as a change of its budget sees it.
pub fn line_for_budget_change(line: &OrderLine, blank: &OrderBlank, pending: bool) -> LineForBudgetChange {
    LineForBudgetChange {
        kind: line.kind,
        blank_in_force: blank.state.is_contract(),
        term: line.term,
        ended_on: line.ended_on,
        budget: line.budget,
        pending,
    }
}

/// Decides a pending request, if there is something to decide. Takes the locks of the line and of the customer, in this
/// order; a caller that has the customer's lock already must have taken the line's before it.
pub async fn decide(
    tx: &mut Tx,
    ctx: &Context,
    actor: &str,
    id: BudgetIncreaseId,
    line: LineId,
) -> Result<Decided, DbError> {
    let gone = |what: &str| DbError::Inconsistent(format!("{id}: its {what} has gone"));
    let line = tx.order_lines().lock(line).await?.ok_or_else(|| gone("line"))?;
    let blank = tx.order_blanks().find(line.blank).await?;
    let blank = blank.ok_or_else(|| gone("order blank"))?;
    tx.ledger().lock_customer(blank.customer).await?;
    let Some(request) = tx.budget_increases().lock(id).await? else {
        return Err(gone("row"));
    };
    if request.state != IncreaseState::Pending {
        return Ok(Decided::Nothing);
    }
    let today = ctx.today();
    let paid_on = tx.budget_increases().missing_paid_on(id).await?;
    let facts = line_for_budget_change(&line, &blank, false);
    let serves = facts.blank_in_force && last_day_of_service(&facts) >= today;
    match paid_on {
        Some(day) if serves && day <= request.due_on => {
            put_in_force(tx, ctx, actor, &line, &blank, &request).await?;
            Ok(Decided::InForce)
        }
        None if serves && today <= request.due_on => Ok(Decided::Nothing),
        _ => {
            lapse(tx, ctx, actor, &line, &blank, &request).await?;
            Ok(Decided::Lapsed)
        }
    }
}

/// Raises the budget: the line's locks and the customer's are held, the request is paid for.
pub async fn put_in_force(
    tx: &mut Tx,
    ctx: &Context,
    actor: &str,
    line: &OrderLine,
    blank: &OrderBlank,
    request: &BudgetIncrease,
) -> Result<Budget, DbError> {
    let budget = line
        .budget
        .ok_or_else(|| DbError::Inconsistent(format!("{} has no budget", line.id)))?;
    let raised = budget.amount.checked_add(request.amount)?;
    let today = ctx.today();
    let current = current_period(line.term, today);
    let period = (budget.mode == BudgetMode::Monthly).then_some(current);
    tx.budget_increases()
        .put_in_force(request, ctx.now(), period, budget.amount, raised)
        .await?;
    let details = json!({
        "increase": request.id.to_string(),
        "amount": request.amount.to_string(),
        "old": budget.amount.to_string(),
        "new": raised.to_string(),
        "free_advance": request.covered.to_string(),
        "later_months": request.borrowed.to_string(),
        "paid_in": request.missing.to_string(),
        "period": period.map(|period| period.to_string()),
    });
    tx.order_lines()
        .insert_change(line.id, ctx.now(), actor, "budget_increased", details.clone())
        .await?;
    if period.is_some() {
        invoice_later_months(tx, ctx, line, blank, request, current).await?;
    }
    allocate_free(tx, blank.customer).await?;
    let told = Notice::BudgetIncreased {
        line: line.code.clone(),
        budget: raised,
    };
    tell(tx, ctx, blank.customer, Some(blank.id), told).await?;
    tx.bump_snapshot().await?;
    tx.audit(
        ctx.now(),
        actor,
        "put_budget_increase_in_force",
        &line.id.to_string(),
        details,
    )
    .await?;
    Ok(Budget {
        amount: raised,
        ..budget
    })
}

/// Asks for what each month after `current` lacks: its own added sum and what it lent.
async fn invoice_later_months(
    tx: &mut Tx,
    ctx: &Context,
    line: &OrderLine,
    blank: &OrderBlank,
    request: &BudgetIncrease,
    current: ReportingPeriod,
) -> Result<(), DbError> {
    let rate = blank.vat.rate();
    let funding = funding_of(tx, request, rate).await?;
    let calendar = tx.calendar_days().calendar().await?;
    let last_day = last_day_of_service(&line_for_budget_change(line, blank, false));
    let loans = funding.parts()?.loans;
    for lack in later_lacks(funding.added, &loans, current, last_day, &calendar, ctx.today())? {
        let invoice = ToIssue {
            kind: InvoiceKind::Prepayment,
            part: InvoicePart::Later,
            sum: lack.sum,
            due_on: lack.due_on,
            periods: (lack.period, lack.period),
        };
        issue(tx, ctx, line, blank, request.id, &invoice).await?;
    }
    Ok(())
}

/// How a request was to be paid, as it was written down.
async fn funding_of(tx: &mut Tx, request: &BudgetIncrease, rate: Rate) -> Result<Funding, DbError> {
    Ok(Funding {
        added: TaxedSum::of_net(request.amount, rate)?,
        covered: request.covered,
        loans: tx.budget_increases().loans_of(request.id).await?,
        missing: request.missing,
        due_on: request.due_on,
    })
}

/// An invoice of a request.
#[derive(Debug, Clone, Copy)]
pub struct ToIssue {
    /// Its kind.
    pub kind: InvoiceKind,
    /// What it is for.
    pub part: InvoicePart,
    /// How much.
    pub sum: TaxedSum,
    /// Due date.
    pub due_on: NaiveDate,
    /// First and last month that it pays for.
    pub periods: (ReportingPeriod, ReportingPeriod),
}

/// Issues an invoice of a request. The customer's lock is held.
pub async fn issue(
    tx: &mut Tx,
    ctx: &Context,
    line: &OrderLine,
    blank: &OrderBlank,
    request: BudgetIncreaseId,
    invoice: &ToIssue,
) -> Result<(InvoiceId, String), DbError> {
    let year = ctx.today().year();
    let number = Series::Invoice.number(year, tx.take_number(Series::Invoice.name(), year).await?);
    let id = InvoiceId::from_uuid(ctx.uuid());
    let draft = draft_of(line.id, blank.vat.rate(), invoice);
    let issued = IssueInvoice {
        id,
        number: &number,
        customer: blank.customer,
        order_blank: Some(blank.id),
        kind: invoice.kind,
        issued_at: ctx.now(),
        draft: &draft,
    };
    tx.invoices().issue(&issued).await?;
    tx.budget_increases()
        .insert_invoice(request, id, invoice.part)
        .await?;
    Ok((id, number))
}

fn draft_of(line: LineId, vat_rate: Rate, invoice: &ToIssue) -> InvoiceDraft {
    let TaxedSum { net, vat, gross } = invoice.sum;
    InvoiceDraft {
        due_on: invoice.due_on,
        lines: vec![InvoiceLine {
            line,
            first_period: invoice.periods.0,
            last_period: invoice.periods.1,
            net,
            vat,
        }],
        vat_rate,
        net,
        vat,
        gross,
    }
}

/// Ends a request that isn't paid: its invoices are void from today on, and their money pays what else is open.
async fn lapse(
    tx: &mut Tx,
    ctx: &Context,
    actor: &str,
    line: &OrderLine,
    blank: &OrderBlank,
    request: &BudgetIncrease,
) -> Result<(), DbError> {
    tx.budget_increases().lapse(request.id, ctx.now()).await?;
    let mut freed = Money::ZERO;
    for item in tx.budget_increases().invoices_of(request.id).await? {
        let Some(invoice) = tx.invoices().lookup(item.invoice).await? else {
            return Err(DbError::Inconsistent(format!("{} has gone", item.invoice)));
        };
        let reduction = InvoiceReduction {
            invoice: item.invoice,
            reduced_on: ctx.today(),
            net: invoice.due_net,
            vat: invoice.due_vat,
            reason: ReductionReason::Lapsed,
        };
        let released = reduce_invoice(tx, &reduction, actor, ctx.now()).await?;
        freed = sum_of(freed, released.iter().map(|release| release.amount))?;
    }
    allocate_free(tx, blank.customer).await?;
    let details = json!({
        "increase": request.id.to_string(),
        "amount": request.amount.to_string(),
        "due_on": request.due_on.to_string(),
        "freed": freed.to_string(),
    });
    tx.order_lines()
        .insert_change(
            line.id,
            ctx.now(),
            actor,
            "budget_increase_lapsed",
            details.clone(),
        )
        .await?;
    let told = Notice::BudgetIncreaseLapsed {
        line: line.code.clone(),
        amount: request.amount,
    };
    tell(tx, ctx, blank.customer, Some(blank.id), told).await?;
    tx.audit(
        ctx.now(),
        actor,
        "lapse_budget_increase",
        &line.id.to_string(),
        details,
    )
    .await?;
    tracing::info!(line.id = %line.id, increase.id = %request.id, "a budget increase lapsed");
    Ok(())
}

fn sum_of(first: Money, more: impl Iterator<Item = Money>) -> Result<Money, MoneyError> {
    Money::sum(std::iter::once(first).chain(more))
}
