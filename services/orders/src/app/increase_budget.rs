//! Raising the budget of a media line (orders.md §6) [003 §5.2 "Byudjetni oshirish"].
//!
//! What free advance and, for a monthly budget, later months of the line can pay of the added sum is taken at once. When
//! that is all of it, the new budget is in force in the same transaction; else an invoice over the rest is issued, due in
//! 30 calendar days, and the budget is raised when it is paid (`settlement::increases`).
//!
//! The line's lock puts two requests for it in a row, the customer's lock keeps two requests from taking the same money.

use crate::app::set_extra_period::lock_line;
use crate::app::{NotAllowed, Refusal, Told, code_of, require_own_or_staff};
use chrono::NaiveDate;
use namoyish_domain::billing::allocation::{self, FreeMoney, OpenInvoice};
use namoyish_domain::calendar::ReportingPeriod;
use namoyish_domain::ids::{BudgetIncreaseId, CustomerId, InvoiceId, LineId};
use namoyish_domain::money::{Money, MoneyError};
use namoyish_domain::orders::budget_change::{
    BudgetChangeRefused, Funding, LaterLack, Means, check_increase, current_period, fund,
    last_day_of_service, later_lacks, paid_for_later,
};
use namoyish_domain::orders::order_blank::{Budget, BudgetMode, LineKind};
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_runtime::notices::{Notice, tell};
use namoyish_settlement::increases::{ToIssue, issue, line_for_budget_change, put_in_force};
use namoyish_settlement::pay;
use namoyish_storage::budget_increases::{BudgetIncrease, IncreaseState, InvoicePart};
use namoyish_storage::invoices::InvoiceKind;
use namoyish_storage::order_blanks::OrderBlank;
use namoyish_storage::order_lines::OrderLine;
use namoyish_storage::{DbError, Tx};
use serde_json::json;

/// What to add.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IncreaseBudget {
    /// A media line of a signed blank, its term not over.
    pub line: LineId,
    /// Net of VAT; more than nothing. For a monthly budget: to each month from the current one on.
    pub amount: Money,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Increased {
    /// The request: in force at once, or pending.
    pub request: BudgetIncrease,
    /// Number and sum of the invoice that is to be paid, when one is.
    pub to_pay: Option<(InvoiceId, String)>,
}

/// What a request would do, shown before it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncreasePreview {
    /// The budget in force.
    pub budget: Budget,
    /// The budget after the increase.
    pub raised: Budget,
    /// The customer's free advance.
    pub free: Money,
    /// How the added sum is paid.
    pub funding: Funding,
    /// The month from which a monthly budget is raised.
    pub period: Option<ReportingPeriod>,
    /// What later months would be asked for, if it were in force today.
    pub later: Vec<LaterLack>,
}

/// Why a budget isn't raised.
#[derive(Debug, thiserror::Error)]
pub enum IncreaseBudgetError {
    /// The actor's role.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// There is no such line.
    #[error("there is no order line {line}")]
    NoSuchLine {
        /// The id.
        line: LineId,
    },
    /// A rule of budget changes.
    #[error(transparent)]
    Refused(#[from] BudgetChangeRefused),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<MoneyError> for IncreaseBudgetError {
    fn from(error: MoneyError) -> IncreaseBudgetError {
        IncreaseBudgetError::Refused(BudgetChangeRefused::Money(error))
    }
}

impl Refusal for IncreaseBudgetError {
    fn told(&self) -> Told {
        match self {
            IncreaseBudgetError::NotAllowed(_) => Told::not_allowed(),
            IncreaseBudgetError::NoSuchLine { .. } => Told::not_found("no_such_line"),
            IncreaseBudgetError::Refused(refused) => told_of_rule(refused),
            IncreaseBudgetError::Db(error) => Told::of_database(error),
        }
    }
}

fn told_of_rule(refused: &BudgetChangeRefused) -> Told {
    let told = match refused {
        BudgetChangeRefused::BlankNotInForce
        | BudgetChangeRefused::LineEnded { .. }
        | BudgetChangeRefused::TermOver { .. }
        | BudgetChangeRefused::Pending => Told::conflict(refused.code()),
        _ => Told::refused(refused.code()),
    };
    match refused.field() {
        Some(field) => told.field(field).limit(refused.limit()),
        None => told.limit(refused.limit()),
    }
}

code_of!(IncreaseBudgetError);

/// Asks for more budget; see the module.
pub async fn increase_budget(
    ctx: &Context,
    actor: &Actor,
    cmd: IncreaseBudget,
) -> Result<Increased, IncreaseBudgetError> {
    let mut tx = ctx.store.begin().await?;
    let increased = increase_budget_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(increased)
}

/// The same inside the caller's transaction.
pub async fn increase_budget_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: IncreaseBudget,
) -> Result<Increased, IncreaseBudgetError> {
    // Load and decide. The line's lock comes before the customer's.
    let no_such_line = IncreaseBudgetError::NoSuchLine { line: cmd.line };
    let Some((line, blank)) = lock_line(tx, cmd.line).await? else {
        return Err(no_such_line);
    };
    if !may_increase(actor, &blank)? {
        return Err(no_such_line);
    }
    tx.ledger().lock_customer(blank.customer).await?;
    let (preview, free) = decide(tx, &line, &blank, cmd.amount, ctx.today()).await?;

    // Commit.
    let request = request_of(ctx, actor, &cmd, &blank, &preview.funding)?;
    tx.budget_increases()
        .insert(&request, &preview.funding.loans)
        .await?;
    let to_pay = issue_invoices(tx, ctx, &line, &blank, &request, &preview, &free).await?;
    let details = json!({
        "increase": request.id.to_string(),
        "amount": request.amount.to_string(),
        "free_advance": request.covered.to_string(),
        "later_months": request.borrowed.to_string(),
        "missing": request.missing.to_string(),
        "due_on": request.due_on.to_string(),
    });
    tx.audit(
        ctx.now(),
        &actor.name,
        "increase_budget",
        &line.id.to_string(),
        details.clone(),
    )
    .await?;
    if let Some((_, number)) = &to_pay {
        tx.order_lines()
            .insert_change(
                line.id,
                ctx.now(),
                &actor.name,
                "budget_increase_requested",
                details,
            )
            .await?;
        let told = Notice::BudgetIncreaseInvoiced {
            line: line.code.clone(),
            invoice: number.clone(),
            amount: request.missing,
            due_on: request.due_on,
        };
        tell(tx, ctx, blank.customer, Some(blank.id), told).await?;
        return Ok(Increased { request, to_pay });
    }
    put_in_force(tx, ctx, &actor.name, &line, &blank, &request).await?;
    let request = tx.budget_increases().lock(request.id).await?.unwrap_or(request);
    Ok(Increased { request, to_pay })
}

/// What a request would do. Nothing is written; who may ask is checked as for the request itself.
pub async fn preview_increase(
    ctx: &Context,
    actor: &Actor,
    cmd: IncreaseBudget,
) -> Result<IncreasePreview, IncreaseBudgetError> {
    let mut tx = ctx.store.begin().await?;
    let no_such_line = IncreaseBudgetError::NoSuchLine { line: cmd.line };
    let Some(line) = tx.order_lines().find(cmd.line).await? else {
        return Err(no_such_line);
    };
    let Some(blank) = tx.order_blanks().find(line.blank).await? else {
        return Err(no_such_line);
    };
    if !may_increase(actor, &blank)? {
        return Err(no_such_line);
    }
    let (preview, _) = decide(&mut tx, &line, &blank, cmd.amount, ctx.today()).await?;
    Ok(preview)
}

/// Who may raise a budget: the customer's owner and manager, and the operator's staff for them.
fn may_increase(actor: &Actor, blank: &OrderBlank) -> Result<bool, NotAllowed> {
    let own = [Role::Owner, Role::Manager];
    let staff = [Role::Sales, Role::Traffic, Role::Admin];
    require_own_or_staff(actor, blank.customer, &own, &staff, "increase budgets")
}

async fn decide(
    tx: &mut Tx,
    line: &OrderLine,
    blank: &OrderBlank,
    amount: Money,
    today: NaiveDate,
) -> Result<(IncreasePreview, Vec<FreeMoney>), IncreaseBudgetError> {
    let pending = line.kind == LineKind::Media && tx.budget_increases().has_pending(line.id).await?;
    let facts = line_for_budget_change(line, blank, pending);
    let raised = check_increase(&facts, amount, today)?;
    let budget = line.budget.unwrap_or(raised);
    let current = current_period(line.term, today);
    let (means, free) = means_of(tx, blank.customer, line, budget.mode, current).await?;
    let funding = fund(budget.mode, amount, blank.vat.rate(), &means, today)?;
    let (period, later) = match budget.mode {
        BudgetMode::Total => (None, vec![]),
        BudgetMode::Monthly => {
            let calendar = tx.calendar_days().calendar().await?;
            let loans = funding.parts()?.loans;
            let last_day = last_day_of_service(&facts);
            let later = later_lacks(funding.added, &loans, current, last_day, &calendar, today)?;
            (Some(current), later)
        }
    };
    let preview = IncreasePreview {
        budget,
        raised,
        free: means.free,
        funding,
        period,
        later,
    };
    Ok((preview, free))
}

async fn means_of(
    tx: &mut Tx,
    customer: CustomerId,
    line: &OrderLine,
    mode: BudgetMode,
    current: ReportingPeriod,
) -> Result<(Means, Vec<FreeMoney>), IncreaseBudgetError> {
    let free = tx.payments().free_of(customer).await?;
    let mut means = Means {
        free: Money::sum(free.iter().map(|money| money.free))?,
        ..Means::default()
    };
    if mode == BudgetMode::Monthly {
        let lines = tx.budget_increases().paid_invoice_lines(line.id, current).await?;
        means.lendable = paid_for_later(&lines, current)?;
        for (period, lent) in tx.budget_increases().lent_of(line.id).await? {
            if let Some(sum) = means.lendable.get_mut(&period) {
                *sum = sum.checked_sub(lent)?.max(Money::ZERO);
            }
        }
    }
    Ok((means, free))
}

fn request_of(
    ctx: &Context,
    actor: &Actor,
    cmd: &IncreaseBudget,
    blank: &OrderBlank,
    funding: &Funding,
) -> Result<BudgetIncrease, MoneyError> {
    Ok(BudgetIncrease {
        id: BudgetIncreaseId::from_uuid(ctx.uuid()),
        line: cmd.line,
        customer: blank.customer,
        amount: cmd.amount,
        gross: funding.added.gross,
        covered: funding.covered,
        borrowed: funding.borrowed()?,
        missing: funding.missing,
        requested_at: ctx.now(),
        requested_on: ctx.today(),
        requested_by: actor.name.clone(),
        due_on: funding.due_on,
        state: IncreaseState::Pending,
        decided_at: None,
        period: None,
        budgets: None,
    })
}

/// Issues the invoice that free advance pays at once, and the one over what is missing; gives the latter.
async fn issue_invoices(
    tx: &mut Tx,
    ctx: &Context,
    line: &OrderLine,
    blank: &OrderBlank,
    request: &BudgetIncrease,
    preview: &IncreasePreview,
    free: &[FreeMoney],
) -> Result<Option<(InvoiceId, String)>, IncreaseBudgetError> {
    let today = ctx.today();
    let parts = preview.funding.parts()?;
    let current = current_period(line.term, today);
    let last = preview
        .period
        .unwrap_or_else(|| ReportingPeriod::of(line.term.last_day()));
    let to_issue = |part, sum, due_on| ToIssue {
        kind: InvoiceKind::BudgetIncrease,
        part,
        sum,
        due_on,
        periods: (current, last),
    };
    if parts.covered.gross.is_positive() {
        let covered = to_issue(InvoicePart::Covered, parts.covered, today);
        let (invoice, number) = issue(tx, ctx, line, blank, request.id, &covered).await?;
        let open = OpenInvoice {
            invoice,
            number,
            issued_on: today,
            due_on: today,
            unpaid: parts.covered.gross,
        };
        for (payment, part) in allocation::allocate_free(free, &[open])? {
            pay(tx, payment, &part).await?;
        }
    }
    if !parts.missing.gross.is_positive() {
        return Ok(None);
    }
    let missing = to_issue(InvoicePart::Missing, parts.missing, request.due_on);
    Ok(Some(issue(tx, ctx, line, blank, request.id, &missing).await?))
}
