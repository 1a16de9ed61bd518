//! Raising and lowering the budget of a signed media line.
//!
//! Rule: orders.md §6; offer [003 §5.2].
//!
//! ```text
//! added sum = amount + VAT, once for a total budget, for each month from the current one on for a monthly budget
//! paid by     free advance, then (monthly budget) money paid for later months of the line, the latest month first
//! missing   = added sum - what they pay; due 30 calendar days after the request
//! a later month is asked for what it lacks: its own added sum and what it lent; due 3 business days before its service
//! ```
//!
//! **Choice:** a request that the free advance and the loans don't cover whole borrows only from months that begin after its
//! due date, so that a month never has to pay back before the budget that it paid for is in force.
//!
//! Invariants, each a property test of the same name:
//! - `a_budget_that_is_raised_at_once_is_paid_for`
//! - `what_is_lent_is_asked_for_again`
//! - `the_parts_of_a_sum_add_up_to_it`
//! - `a_pending_request_borrows_from_no_month_that_can_begin_before_it_is_paid`
//!
//! Not here: the invoices' numbers and allocations, the re-plan of the day (`delivery::pacing`), other changes of a signed
//! line, which are amendments.

use crate::calendar::{BusinessCalendar, ReportingPeriod, plus_days};
use crate::money::{Exact, Money, MoneyError, Rate};
use crate::orders::order_blank::{Budget, BudgetMode, LineKind, Term};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// Calendar days within which the missing sum is paid [003 §5.2].
pub const DAYS_TO_PAY: u64 = 30;
/// Business days before a month's first day of service by which it is paid for [003 §5.11.2].
pub const BUSINESS_DAYS_BEFORE: u32 = 3;
/// The largest budget that a line can be raised to, net: a million million so'm.
pub const BUDGET_MAX_TIYIN: i64 = 100_000_000_000_000;

/// A sum with its VAT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaxedSum {
    /// Net of VAT.
    pub net: Money,
    /// VAT.
    pub vat: Money,
    /// Both.
    pub gross: Money,
}

impl TaxedSum {
    /// A net sum with VAT at a rate, rounded half-up to tiyin.
    pub fn of_net(net: Money, rate: Rate) -> Result<TaxedSum, MoneyError> {
        let vat = rate.of(net)?;
        Ok(TaxedSum {
            net,
            vat,
            gross: net.checked_add(vat)?,
        })
    }

    /// Both together.
    pub fn checked_add(self, other: TaxedSum) -> Result<TaxedSum, MoneyError> {
        Ok(TaxedSum {
            net: self.net.checked_add(other.net)?,
            vat: self.vat.checked_add(other.vat)?,
            gross: self.gross.checked_add(other.gross)?,
        })
    }

    /// Splits it into parts of given gross sums, which add up to its own. Each part gets the difference of the rounded
    /// shares of VAT up to its end, so that net and VAT add up too and none is less than nothing.
    pub fn split(self, gross_parts: &[Money]) -> Result<Vec<TaxedSum>, MoneyError> {
        let mut so_far = Money::ZERO;
        let mut vat_so_far = Money::ZERO;
        gross_parts
            .iter()
            .map(|gross| {
                so_far = so_far.checked_add(*gross)?;
                let vat_up_to_here = if self.gross.is_zero() {
                    Money::ZERO
                } else {
                    self.vat
                        .exact()
                        .checked_mul(so_far.decimal())?
                        .checked_div(self.gross.decimal())?
                        .round_half_up()?
                };
                let vat = vat_up_to_here.checked_sub(vat_so_far)?;
                vat_so_far = vat_up_to_here;
                Ok(TaxedSum {
                    net: gross.checked_sub(vat)?,
                    vat,
                    gross: *gross,
                })
            })
            .collect()
    }
}

/// A line as a change of its budget sees it.
#[derive(Debug, Clone, Copy)]
pub struct LineForBudgetChange {
    /// Its kind.
    pub kind: LineKind,
    /// Whether its order blank is signed and not over.
    pub blank_in_force: bool,
    /// The term in force.
    pub term: Term,
    /// First day without service, when it was ended early.
    pub ended_on: Option<NaiveDate>,
    /// Its budget; none for lines that aren't media.
    pub budget: Option<Budget>,
    /// Whether a request waits for its money.
    pub pending: bool,
}

/// Why a budget isn't changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BudgetChangeRefused {
    /// Only media lines have a budget.
    #[error("only a media line has a budget")]
    NotAMediaLine,
    /// Not signed, or over.
    #[error("the order blank is not in force")]
    BlankNotInForce,
    /// Terminated.
    #[error("the line has ended: there is no service from {ended_on} on")]
    LineEnded {
        /// First day without service.
        ended_on: NaiveDate,
    },
    /// The term is over.
    #[error("the line's term was over on {last_day}; today is {today}")]
    TermOver {
        /// Last day of the term.
        last_day: NaiveDate,
        /// Today in Tashkent.
        today: NaiveDate,
    },
    /// Nothing or less.
    #[error("{given} is not more than 0.00")]
    AmountNotPositive {
        /// What was given.
        given: Money,
    },
    /// More than a budget can be.
    #[error("a budget of at most {limit} is taken; it is {budget} now")]
    OverLimit {
        /// The budget in force.
        budget: Money,
        /// The limit.
        limit: Money,
    },
    /// One request at a time waits for its money.
    #[error("an earlier increase of this line still waits for its payment")]
    Pending,
    /// Not lower than it is.
    #[error("{given} is not less than the budget of {budget}")]
    NotADecrease {
        /// What was given.
        given: Money,
        /// The budget in force.
        budget: Money,
    },
    /// A budget is never lowered below what is spent.
    #[error("{given} is less than the {spent} that are spent")]
    BelowSpent {
        /// What was given.
        given: Money,
        /// What is spent in the budget's scope, rounded up to a tiyin.
        spent: Money,
    },
    /// A sum is too large.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

impl BudgetChangeRefused {
    /// Stable code, shared by the API, the translations and the scenario report.
    pub fn code(&self) -> &'static str {
        match self {
            BudgetChangeRefused::NotAMediaLine => "increase_not_a_media_line",
            BudgetChangeRefused::BlankNotInForce => "increase_order_blank_not_in_force",
            BudgetChangeRefused::LineEnded { .. } => "increase_line_ended",
            BudgetChangeRefused::TermOver { .. } => "increase_term_over",
            BudgetChangeRefused::AmountNotPositive { .. } => "increase_not_positive",
            BudgetChangeRefused::OverLimit { .. } | BudgetChangeRefused::Money(_) => "increase_over_limit",
            BudgetChangeRefused::Pending => "increase_pending",
            BudgetChangeRefused::NotADecrease { .. } => "budget_not_decreased",
            BudgetChangeRefused::BelowSpent { .. } => "budget_below_spent",
        }
    }

    /// The field of the request that is at fault, when one is.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            BudgetChangeRefused::AmountNotPositive { .. }
            | BudgetChangeRefused::OverLimit { .. }
            | BudgetChangeRefused::Money(_) => Some("amount"),
            BudgetChangeRefused::NotADecrease { .. } | BudgetChangeRefused::BelowSpent { .. } => {
                Some("budget")
            }
            _ => None,
        }
    }

    /// The limit that was passed, when there is one.
    pub fn limit(&self) -> Option<String> {
        match self {
            BudgetChangeRefused::AmountNotPositive { .. } => Some("0.01".to_owned()),
            BudgetChangeRefused::OverLimit { limit, .. } => Some(limit.to_string()),
            BudgetChangeRefused::TermOver { last_day, .. } => Some(last_day.to_string()),
            BudgetChangeRefused::NotADecrease { budget, .. } => Some(budget.to_string()),
            BudgetChangeRefused::BelowSpent { spent, .. } => Some(spent.to_string()),
            _ => None,
        }
    }
}

/// The budget with `amount` (net) added, if the line may have it.
pub fn check_increase(
    line: &LineForBudgetChange,
    amount: Money,
    today: NaiveDate,
) -> Result<Budget, BudgetChangeRefused> {
    let budget = budget_in_force(line, today)?;
    if !amount.is_positive() {
        return Err(BudgetChangeRefused::AmountNotPositive { given: amount });
    }
    let limit = Money::from_tiyin(BUDGET_MAX_TIYIN)?;
    let raised = budget.amount.checked_add(amount)?;
    if raised > limit {
        return Err(BudgetChangeRefused::OverLimit {
            budget: budget.amount,
            limit,
        });
    }
    if line.pending {
        return Err(BudgetChangeRefused::Pending);
    }
    Ok(Budget {
        amount: raised,
        ..budget
    })
}

/// The budget lowered to `new`, by an amendment that both parties have signed. `spent` is what is spent in the budget's
/// scope: the whole term, or the current month.
pub fn check_decrease(
    line: &LineForBudgetChange,
    new: Money,
    spent: Exact,
    today: NaiveDate,
) -> Result<Budget, BudgetChangeRefused> {
    let budget = budget_in_force(line, today)?;
    if !new.is_positive() {
        return Err(BudgetChangeRefused::AmountNotPositive { given: new });
    }
    if new >= budget.amount {
        return Err(BudgetChangeRefused::NotADecrease {
            given: new,
            budget: budget.amount,
        });
    }
    if new.exact() < spent {
        let rounded = spent.round_half_up()?;
        let spent = if rounded.exact() < spent {
            rounded.checked_add(Money::from_tiyin(1)?)?
        } else {
            rounded
        };
        return Err(BudgetChangeRefused::BelowSpent { given: new, spent });
    }
    Ok(Budget {
        amount: new,
        ..budget
    })
}

fn budget_in_force(line: &LineForBudgetChange, today: NaiveDate) -> Result<Budget, BudgetChangeRefused> {
    let Some(budget) = line.budget.filter(|_| line.kind == LineKind::Media) else {
        return Err(BudgetChangeRefused::NotAMediaLine);
    };
    if let Some(ended_on) = line.ended_on.filter(|day| *day <= today) {
        return Err(BudgetChangeRefused::LineEnded { ended_on });
    }
    if line.term.last_day() < today {
        return Err(BudgetChangeRefused::TermOver {
            last_day: line.term.last_day(),
            today,
        });
    }
    if !line.blank_in_force {
        return Err(BudgetChangeRefused::BlankNotInForce);
    }
    Ok(budget)
}

/// The reporting period from which an increase applies: today's, or the term's first one before it has begun.
pub fn current_period(term: Term, today: NaiveDate) -> ReportingPeriod {
    ReportingPeriod::of(today.max(term.first_day()))
}

/// Last day of service: of the term, or the day before a line's early end.
pub fn last_day_of_service(line: &LineForBudgetChange) -> NaiveDate {
    let before_end = line.ended_on.and_then(|day| day.pred_opt());
    before_end.map_or(line.term.last_day(), |day| day.min(line.term.last_day()))
}

/// A line of an invoice, and what is paid of the invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaidInvoiceLine {
    /// First month that it pays for.
    pub first_period: ReportingPeriod,
    /// Last month that it pays for.
    pub last_period: ReportingPeriod,
    /// The line's sum with VAT.
    pub gross: Money,
    /// What the whole invoice asks for.
    pub invoice_due: Money,
    /// What is paid of the whole invoice.
    pub invoice_paid: Money,
}

/// Money that is paid in for each month of a line after `current`, with VAT. A sum for several months is for each of them
/// alike; what is missing on an invoice is missing first from its later months, and from this line before others.
pub fn paid_for_later(
    lines: &[PaidInvoiceLine],
    current: ReportingPeriod,
) -> Result<BTreeMap<ReportingPeriod, Money>, MoneyError> {
    let mut paid_for: BTreeMap<ReportingPeriod, Money> = BTreeMap::new();
    for line in lines {
        let shares = shares_by_month(line)?;
        let later: Vec<_> = shares
            .into_iter()
            .filter(|(period, _)| *period > current)
            .collect();
        let all_later = Money::sum(later.iter().map(|(_, share)| *share))?;
        let unpaid = line.invoice_due.checked_sub(line.invoice_paid)?.max(Money::ZERO);
        let mut paid = all_later
            .min(line.invoice_due)
            .checked_sub(unpaid)?
            .max(Money::ZERO);
        for (period, share) in later {
            let part = share.min(paid);
            if part.is_positive() {
                paid = paid.checked_sub(part)?;
                let sum = paid_for.entry(period).or_insert(Money::ZERO);
                *sum = sum.checked_add(part)?;
            }
        }
    }
    Ok(paid_for)
}

fn shares_by_month(line: &PaidInvoiceLine) -> Result<Vec<(ReportingPeriod, Money)>, MoneyError> {
    let months: Vec<ReportingPeriod> = line.first_period.through(line.last_period).collect();
    let all = Decimal::from(u32::try_from(months.len()).unwrap_or(u32::MAX));
    let mut given = Money::ZERO;
    let mut so_far = Decimal::ZERO;
    months
        .into_iter()
        .map(|month| {
            so_far += Decimal::ONE;
            let up_to_here = line
                .gross
                .exact()
                .checked_mul(so_far)?
                .checked_div(all)?
                .round_half_up()?;
            let share = up_to_here.checked_sub(given)?;
            given = up_to_here;
            Ok((month, share))
        })
        .collect()
}

/// What a request can be paid from.
#[derive(Debug, Clone, Default)]
pub struct Means {
    /// The customer's free advance.
    pub free: Money,
    /// What later months of the line can lend: paid in for them and not lent yet, with VAT.
    pub lendable: BTreeMap<ReportingPeriod, Money>,
}

/// Money of a later month that raises the budget of an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loan {
    /// The month that lends.
    pub period: ReportingPeriod,
    /// With VAT.
    pub gross: Money,
}

/// How a request is paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Funding {
    /// The sum that must be paid before the budget is raised.
    pub added: TaxedSum,
    /// Of it, from free advance.
    pub covered: Money,
    /// Of it, from later months, the latest first.
    pub loans: Vec<Loan>,
    /// Of it, still to be paid in.
    pub missing: Money,
    /// The last day for that.
    pub due_on: NaiveDate,
}

impl Funding {
    /// Whether the budget is raised at once.
    pub fn is_whole(&self) -> bool {
        !self.missing.is_positive()
    }

    /// What is borrowed in all.
    pub fn borrowed(&self) -> Result<Money, MoneyError> {
        Money::sum(self.loans.iter().map(|loan| loan.gross))
    }

    /// The parts with their VAT: from free advance, each loan, missing.
    pub fn parts(&self) -> Result<FundingParts, MoneyError> {
        let mut gross = vec![self.covered];
        gross.extend(self.loans.iter().map(|loan| loan.gross));
        gross.push(self.missing);
        let mut sums = self.added.split(&gross)?.into_iter();
        let nothing = TaxedSum {
            net: Money::ZERO,
            vat: Money::ZERO,
            gross: Money::ZERO,
        };
        let covered = sums.next().unwrap_or(nothing);
        let loans = self
            .loans
            .iter()
            .zip(sums.by_ref())
            .map(|(loan, sum)| (loan.period, sum))
            .collect();
        Ok(FundingParts {
            covered,
            loans,
            missing: sums.next().unwrap_or(nothing),
        })
    }
}

/// The parts of a [`Funding`] with their VAT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FundingParts {
    /// From free advance.
    pub covered: TaxedSum,
    /// By month that lends.
    pub loans: Vec<(ReportingPeriod, TaxedSum)>,
    /// To be paid in.
    pub missing: TaxedSum,
}

/// How an added sum of `amount` net is paid: see the module. `mode` is the budget's.
pub fn fund(
    mode: BudgetMode,
    amount: Money,
    rate: Rate,
    means: &Means,
    today: NaiveDate,
) -> Result<Funding, MoneyError> {
    let added = TaxedSum::of_net(amount, rate)?;
    let due_on = plus_days(today, DAYS_TO_PAY);
    let covered = means.free.max(Money::ZERO).min(added.gross);
    let open = added.gross.checked_sub(covered)?;
    let whole = match mode {
        BudgetMode::Total => vec![],
        BudgetMode::Monthly => borrow(open, &means.lendable, None)?,
    };
    let borrowed = Money::sum(whole.iter().map(|loan| loan.gross))?;
    let loans = match mode {
        BudgetMode::Monthly if borrowed < open => borrow(open, &means.lendable, Some(due_on))?,
        _ => whole,
    };
    let borrowed = Money::sum(loans.iter().map(|loan| loan.gross))?;
    Ok(Funding {
        added,
        covered,
        loans,
        missing: open.checked_sub(borrowed)?,
        due_on,
    })
}

/// Takes `open` from the latest months first; with `after` only from months that begin after that day.
fn borrow(
    open: Money,
    lendable: &BTreeMap<ReportingPeriod, Money>,
    after: Option<NaiveDate>,
) -> Result<Vec<Loan>, MoneyError> {
    let mut open = open;
    let mut loans = Vec::new();
    for (period, sum) in lendable.iter().rev() {
        let gross = open.min(*sum);
        if gross.is_positive() && after.is_none_or(|day| period.first_day() > day) {
            open = open.checked_sub(gross)?;
            loans.push(Loan {
                period: *period,
                gross,
            });
        }
    }
    Ok(loans)
}

/// What a later month asks for when a monthly budget is raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaterLack {
    /// The month.
    pub period: ReportingPeriod,
    /// 3 business days before its first day of service, and not before the invoice is issued.
    pub due_on: NaiveDate,
    /// Its own added sum and what it lent.
    pub sum: TaxedSum,
}

/// What the months after `current` lack once a monthly budget is raised from `current` on.
pub fn later_lacks(
    added: TaxedSum,
    loans: &[(ReportingPeriod, TaxedSum)],
    current: ReportingPeriod,
    last_day: NaiveDate,
    calendar: &BusinessCalendar,
    today: NaiveDate,
) -> Result<Vec<LaterLack>, MoneyError> {
    let last = ReportingPeriod::of(last_day);
    current
        .next()
        .through(last)
        .map(|period| {
            let lent = loans.iter().filter(|(lender, _)| *lender == period);
            let sum = lent.map(|(_, sum)| *sum).try_fold(added, TaxedSum::checked_add)?;
            let due_on = calendar.business_days_before(period.first_day(), BUSINESS_DAYS_BEFORE);
            Ok(LaterLack {
                period,
                due_on: due_on.max(today),
                sum,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests;
