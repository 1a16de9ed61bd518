//! Claiming and waiving an accrued late penalty: both are acts of the accountant.
//!
//! Rule: billing.md §6; offer [003 §7.4].
//!
//! ```text
//! claimable = round(exact sum of the days accrued since the last waiver) − claimed since then
//! a claim:   Dr penalty_receivable   Cr penalty_income
//! paid by:   Dr advance   Cr penalty_receivable      after all invoices, oldest due claim first
//! ```
//!
//! The sum is rounded once where it is claimed; a second claim takes the rest of the rounded whole, so that claims of parts
//! add up to the claim of all. Nothing accrues on a penalty. A waiver posts nothing: what was accrued until then and isn't
//! claimed can't be claimed any more; later days can.
//!
//! **Choice:** a claim isn't paid out of the free advance, which the customer paid for services to come; money that comes
//! in afterwards pays it, when no invoice is open.
//!
//! Not here: the accrual itself (`late_penalty`), the claim's text.

use super::ledger::{Account, Entry, Posting, PostingHead, PostingReason, Unbalanced};
use crate::calendar::plus_days;
use crate::ids::{CustomerId, DocumentId};
use crate::money::{Exact, Money, MoneyError};
use chrono::NaiveDate;

/// Calendar days from a claim to its due date unless agreed otherwise.
pub const DAYS_TO_PAY: u32 = 10;
/// The most days that may be agreed on.
pub const DAYS_TO_PAY_MAX: u32 = 365;

/// How an invoice's penalty stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PenaltyStanding {
    /// The last day without delay.
    pub begins_after: NaiveDate,
    /// Exact sum of the days accrued after the last waiver.
    pub accrued: Exact,
    /// The first of those days that no claim covers.
    pub first_unclaimed: Option<NaiveDate>,
    /// The last day accrued.
    pub through: Option<NaiveDate>,
    /// What claims since the last waiver took.
    pub claimed: Money,
    /// The last day that is waived.
    pub waived_through: Option<NaiveDate>,
}

/// A penalty that may be claimed, or waived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claimable {
    /// So'm, rounded.
    pub amount: Money,
    /// First day of delay that it is for.
    pub first_day: NaiveDate,
    /// Last one.
    pub through: NaiveDate,
}

/// Why there is nothing to claim or to waive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClaimRefused {
    /// Its due date isn't over.
    #[error("the invoice is not overdue: its term ends with {begins_after}")]
    NotOverdue {
        /// The last day without delay.
        begins_after: NaiveDate,
    },
    /// It was paid in time, or less than half a tiyin has accrued.
    #[error("no penalty has accrued")]
    NothingAccrued,
    /// All of it is waived.
    #[error("the penalty is waived through {through}")]
    Waived {
        /// The last day that is waived.
        through: NaiveDate,
    },
    /// All of it is claimed.
    #[error("{claimed} are claimed already, and nothing has accrued since")]
    AllClaimed {
        /// What was claimed.
        claimed: Money,
    },
    /// A due date of more days than may be agreed on, or of none.
    #[error("days_to_pay: {days} where 1 to {days_max} are allowed")]
    DaysToPay {
        /// What was given.
        days: u32,
        /// The limit.
        days_max: u32,
    },
    /// Sums too large.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

impl ClaimRefused {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            ClaimRefused::NotOverdue { .. } => "invoice_not_overdue",
            ClaimRefused::NothingAccrued => "no_penalty_accrued",
            ClaimRefused::Waived { .. } => "penalty_waived",
            ClaimRefused::AllClaimed { .. } => "penalty_claimed",
            ClaimRefused::DaysToPay { .. } => "days_to_pay_refused",
            ClaimRefused::Money(_) => "sum_too_large",
        }
    }
}

/// What may be claimed, or waived, today.
pub fn claimable(standing: &PenaltyStanding, today: NaiveDate) -> Result<Claimable, ClaimRefused> {
    if today <= standing.begins_after {
        return Err(ClaimRefused::NotOverdue {
            begins_after: standing.begins_after,
        });
    }
    let amount = standing.accrued.round_half_up()?.checked_sub(standing.claimed)?;
    match (standing.first_unclaimed, standing.through) {
        (Some(first_day), Some(through)) if amount.is_positive() => Ok(Claimable {
            amount,
            first_day,
            through,
        }),
        _ if standing.claimed.is_positive() => Err(ClaimRefused::AllClaimed {
            claimed: standing.claimed,
        }),
        _ => Err(match standing.waived_through {
            Some(through) => ClaimRefused::Waived { through },
            None => ClaimRefused::NothingAccrued,
        }),
    }
}

/// The due date of a claim of today.
pub fn due_on(today: NaiveDate, days_to_pay: u32) -> Result<NaiveDate, ClaimRefused> {
    if (1..=DAYS_TO_PAY_MAX).contains(&days_to_pay) {
        Ok(plus_days(today, u64::from(days_to_pay)))
    } else {
        Err(ClaimRefused::DaysToPay {
            days: days_to_pay,
            days_max: DAYS_TO_PAY_MAX,
        })
    }
}

/// The posting of a claim.
pub fn posting_of_claim(
    customer: CustomerId,
    amount: Money,
    document_number: &str,
    posted_on: NaiveDate,
) -> Result<Posting, Unbalanced> {
    let head = PostingHead {
        posted_on,
        reason: PostingReason::PenaltyClaim,
        document_ref: document_number.to_owned(),
        idempotency_key: format!("penalty_claim:{document_number}"),
    };
    let entries = vec![
        Entry::debit(Account::PenaltyReceivable(customer), amount),
        Entry::credit(Account::PenaltyIncome, amount),
    ];
    Posting::new(head, entries)
}

/// A claim that isn't fully paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenClaim {
    /// The claim's document.
    pub claim: DocumentId,
    /// Its number: the order among claims due on one day.
    pub number: String,
    /// Due date.
    pub due_on: NaiveDate,
    /// What is still to pay.
    pub unpaid: Money,
}

/// Gives money that no invoice took to claims, oldest due date first.
pub fn allocate(free: Money, open: &[OpenClaim]) -> Result<Vec<(DocumentId, Money)>, MoneyError> {
    let mut order: Vec<&OpenClaim> = open.iter().collect();
    order.sort_by(|a, b| (a.due_on, &a.number).cmp(&(b.due_on, &b.number)));
    let mut free = free;
    let mut parts = Vec::new();
    for claim in order {
        let amount = claim.unpaid.min(free);
        if amount.is_positive() {
            free = free.checked_sub(amount)?;
            parts.push((claim.claim, amount));
        }
    }
    Ok(parts)
}

/// The posting of what a payment pays of claims: the payment itself has credited it to the advance.
pub fn posting_of_paid_claims(
    customer: CustomerId,
    amount: Money,
    payment: &str,
    posted_on: NaiveDate,
) -> Result<Posting, Unbalanced> {
    let head = PostingHead {
        posted_on,
        reason: PostingReason::PenaltyPaid,
        document_ref: payment.to_owned(),
        idempotency_key: format!("penalty_paid:{payment}"),
    };
    let entries = vec![
        Entry::debit(Account::Advance(customer), amount),
        Entry::credit(Account::PenaltyReceivable(customer), amount),
    ];
    Posting::new(head, entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::Decimal;
    use uuid::Uuid;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn sum(text: &str) -> Money {
        Money::parse(text).unwrap()
    }

    fn standing(accrued: &str, claimed: &str, days: Option<(&str, &str)>) -> PenaltyStanding {
        PenaltyStanding {
            begins_after: day("2026-01-25"),
            accrued: Exact::new(Decimal::from_str_exact(accrued).unwrap()),
            first_unclaimed: days.map(|(first, _)| day(first)),
            through: days.map(|(_, last)| day(last)),
            claimed: sum(claimed),
            waived_through: None,
        }
    }

    fn told(standing: &PenaltyStanding, today: &str) -> Result<String, &'static str> {
        claimable(standing, day(today))
            .map(|claim| claim.amount.to_string())
            .map_err(|refused| refused.code())
    }

    #[test]
    fn the_exact_sum_is_rounded_once_and_claims_of_parts_add_up_to_it() {
        // billing.md §6: 333.33 one day late → 0.33333 → 0.33; the second day makes 0.66666 → 0.67 of both.
        let first = standing("0.33333", "0.00", Some(("2026-01-26", "2026-01-26")));
        assert_eq!(told(&first, "2026-01-26"), Ok("0.33".to_owned()));
        let second = standing("0.66666", "0.33", Some(("2026-01-27", "2026-01-27")));
        assert_eq!(told(&second, "2026-01-27"), Ok("0.34".to_owned()));
    }

    #[test]
    fn nothing_is_claimed_before_the_delay_twice_or_after_a_waiver() {
        let nothing = standing("0", "0.00", None);
        assert_eq!(told(&nothing, "2026-01-25"), Err("invoice_not_overdue"));
        assert_eq!(told(&nothing, "2026-01-26"), Err("no_penalty_accrued"));
        let claimed = standing("10000", "10000.00", None);
        assert_eq!(told(&claimed, "2026-02-10"), Err("penalty_claimed"));
        let waived = PenaltyStanding {
            waived_through: Some(day("2026-02-01")),
            ..nothing
        };
        assert_eq!(told(&waived, "2026-02-02"), Err("penalty_waived"));
        let later = PenaltyStanding {
            waived_through: Some(day("2026-02-01")),
            ..standing("1000", "0.00", Some(("2026-02-02", "2026-02-02")))
        };
        assert_eq!(told(&later, "2026-02-02"), Ok("1000.00".to_owned()));
    }

    #[test]
    fn days_taken_back_by_a_payment_that_came_to_light_leave_nothing_to_claim() {
        let taken_back = standing("400", "1000.00", Some(("2026-02-02", "2026-02-02")));
        assert_eq!(told(&taken_back, "2026-02-10"), Err("penalty_claimed"));
    }

    #[test]
    fn a_claim_has_ten_days_unless_agreed_otherwise() {
        assert_eq!(due_on(day("2026-02-20"), DAYS_TO_PAY), Ok(day("2026-03-02")));
        for days in [0, 366] {
            assert_eq!(
                due_on(day("2026-02-20"), days).unwrap_err().code(),
                "days_to_pay_refused"
            );
        }
    }

    #[test]
    fn money_pays_the_oldest_due_claim_first() {
        let id = |n| DocumentId::from_uuid(Uuid::from_u128(n));
        let open = |n, number: &str, due, unpaid| OpenClaim {
            claim: id(n),
            number: number.to_owned(),
            due_on: day(due),
            unpaid: sum(unpaid),
        };
        let claims = [
            open(1, "JT-2026-000003", "2026-03-02", "5.00"),
            open(2, "JT-2026-000002", "2026-02-20", "3.00"),
            open(3, "JT-2026-000001", "2026-03-02", "4.00"),
        ];
        assert_eq!(
            allocate(sum("8.00"), &claims),
            Ok(vec![
                (id(2), sum("3.00")),
                (id(3), sum("4.00")),
                (id(1), sum("1.00"))
            ])
        );
        assert_eq!(allocate(Money::ZERO, &claims), Ok(vec![]));
    }
}
