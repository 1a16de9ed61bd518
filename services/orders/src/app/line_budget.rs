//! A media line's budget against what the counters say: whole, spent, unspent (delivery.md §5).

use chrono::NaiveDate;
use namoyish_domain::calendar::ReportingPeriod;
use namoyish_domain::delivery::extra_period::periods_touched;
use namoyish_domain::money::{Exact, Money};
use namoyish_domain::orders::order_blank::{Budget, BudgetMode};
use namoyish_storage::order_lines::OrderLine;
use namoyish_storage::{DbError, Tx};
use rust_decimal::Decimal;

/// The most months over which a monthly budget is summed: the longest term.
const MONTHS_MAX: usize = 120;

/// The budget of the whole term, net: the amount itself, or the monthly amount times the months of the term.
pub fn whole_budget(line: &OrderLine, budget: Budget) -> Result<Money, DbError> {
    match budget.mode {
        BudgetMode::Total => Ok(budget.amount),
        BudgetMode::Monthly => {
            let months = Decimal::from(u32::try_from(line.term.periods().count()).unwrap_or(u32::MAX));
            Ok(budget.amount.exact().checked_mul(months)?.round_half_up()?)
        }
    }
}

/// What is spent in a scope (0: the whole term; 202611: a month), exactly.
pub async fn spent_in_scope(tx: &mut Tx, line: &OrderLine, scope: u32) -> Result<Exact, DbError> {
    let counted = tx.counting().counted(line.id, scope).await?;
    Ok(line.unit_price.of_impressions(counted)?)
}

/// What isn't spent yet: of the whole budget, or of the months from `first_day` to `last_day`.
pub async fn unspent(
    tx: &mut Tx,
    line: &OrderLine,
    budget: Budget,
    first_day: NaiveDate,
    last_day: NaiveDate,
) -> Result<Exact, DbError> {
    let of_scope = budget.amount.exact();
    match budget.mode {
        BudgetMode::Total => Ok(of_scope.checked_sub(spent_in_scope(tx, line, 0).await?)?),
        BudgetMode::Monthly => {
            let mut left = Exact::ZERO;
            let months: Vec<ReportingPeriod> = periods_touched(first_day, last_day.max(first_day))
                .take(MONTHS_MAX)
                .collect();
            for month in months {
                let spent = spent_in_scope(tx, line, month.number()).await?;
                left = left.checked_add(of_scope.checked_sub(spent)?)?;
            }
            Ok(left)
        }
    }
}
