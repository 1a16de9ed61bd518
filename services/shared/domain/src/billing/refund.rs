//! A refund: what may be given back, when, to whom, and its postings.
//!
//! Rule: billing.md §8; offer [003 §7.6, §10.2.3, §10.3].
//!
//! ```text
//! refundable = advance − what running contracts still hold of it − what ended ones rendered and no document says yet
//! held by a blank = max(rendered and not posted, min(allocated to its invoices, need) − posted)
//!     need: what its running lines are invoiced for + what its ended lines rendered
//! due = 30 calendar days from the later of the request and the contract's end
//! sum fixed:  Dr advance         Cr refund_payable
//! paid:       Dr refund_payable  Cr bank
//! ```
//!
//! Only on request, only to a customer that has no debt under any contract, only to its own settlement account, never
//! more than it paid. A line that was terminated is released at its end; a term that ran out (under-delivered media, [003
//! §7.6]) when the whole blank is over. One open request a customer; asked for before an end it waits for it.
//!
//! **Choice:** money left on the invoices of an ended contract pays no new invoice by itself: only a refund moves it.
//!
//! Invariants, each a property test of the same name:
//! - `never_more_than_the_advance_or_than_was_paid`
//! - `running_contracts_keep_what_they_hold`
//!
//! Not here: who asks (`orders::app::request_refund`), when it is fixed (`billing::jobs::fix_refunds`).

use super::allocation::FreeMoney;
use super::ledger::{Account, Entry, Posting, PostingHead, PostingReason, Unbalanced};
use crate::calendar::plus_days;
use crate::ids::{CustomerId, PaymentId, RefundId};
use crate::money::{Money, MoneyError};
use chrono::NaiveDate;
use std::fmt;

/// Calendar days within which a refund is paid [003 §10.3].
pub const DAYS_TO_REFUND: u64 = 30;

/// The last day for paying a refund: 30 calendar days from the later of the request and the contract's end.
pub fn due_on(requested_on: NaiveDate, contract_end: Option<NaiveDate>) -> NaiveDate {
    let from = contract_end.map_or(requested_on, |end| end.max(requested_on));
    plus_days(from, DAYS_TO_REFUND)
}

/// The money of one signed blank, gross.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BlankMoney {
    /// What payments hold on its invoices.
    pub allocated: Money,
    /// What its running lines are invoiced for, and what its ended lines rendered.
    pub need: Money,
    /// What documents have charged.
    pub posted: Money,
    /// What is rendered and in no document yet.
    pub unposted: Money,
}

impl BlankMoney {
    /// What it still holds of the advance.
    pub fn held(self) -> Result<Money, MoneyError> {
        let rest = self.allocated.min(self.need).checked_sub(self.posted)?;
        Ok(rest.max(self.unposted).max(Money::ZERO))
    }

    /// What of its money will never be used.
    pub fn surplus(self) -> Result<Money, MoneyError> {
        Ok(self.allocated.checked_sub(self.need)?.max(Money::ZERO))
    }
}

/// What a customer owes now, under all its contracts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Debt {
    /// Unpaid of invoices that are due.
    pub invoices: Money,
    /// Services rendered and not paid.
    pub receivable: Money,
    /// Penalties claimed and not paid.
    pub penalties: Money,
}

impl Debt {
    /// The whole debt. A service that was rendered on an unpaid invoice is owed once.
    pub fn sum(self) -> Result<Money, MoneyError> {
        self.invoices
            .max(self.receivable)
            .max(Money::ZERO)
            .checked_add(self.penalties.max(Money::ZERO))
    }
}

/// Everything that decides on a refund.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CustomerMoney {
    /// Balance of `advance`.
    pub advance: Money,
    /// All that the customer ever paid.
    pub paid_in: Money,
    /// Refunds fixed or paid.
    pub refunded: Money,
    /// Its signed blanks.
    pub blanks: Vec<BlankMoney>,
    /// Its debt.
    pub debt: Debt,
}

impl CustomerMoney {
    /// What could be given back now, whatever the customer owes.
    pub fn refundable(&self) -> Result<Money, MoneyError> {
        let mut free = self.advance;
        for blank in &self.blanks {
            free = free.checked_sub(blank.held()?)?;
        }
        let paid_and_not_refunded = self.paid_in.checked_sub(self.refunded)?;
        Ok(free.min(paid_and_not_refunded).max(Money::ZERO))
    }

    /// The sum of a refund, or why there is none.
    pub fn refund(&self) -> Result<Money, RefundRefused> {
        let debt = self.debt.sum()?;
        if debt.is_positive() {
            return Err(RefundRefused::CustomerHasDebt { debt });
        }
        let refundable = self.refundable()?;
        if refundable.is_positive() {
            Ok(refundable)
        } else {
            Err(RefundRefused::NothingToRefund)
        }
    }
}

/// Why nothing is given back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefundRefused {
    /// The customer owes something under a contract.
    #[error("the customer owes {debt}: a refund is paid only to a customer without debt")]
    CustomerHasDebt {
        /// How much.
        debt: Money,
    },
    /// No advance is left that no contract needs.
    #[error("there is nothing to refund")]
    NothingToRefund,
    /// The customer has no settlement account of its own.
    #[error("the customer has no settlement account: a refund is paid only to the customer's own")]
    NoSettlementAccount,
    /// An earlier request is open.
    #[error("the refund asked for on {requested_on} is still open")]
    AlreadyRequested {
        /// When it was asked for.
        requested_on: NaiveDate,
    },
    /// Sums are too large.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

impl RefundRefused {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            RefundRefused::CustomerHasDebt { .. } => "customer_has_debt",
            RefundRefused::NothingToRefund => "nothing_to_refund",
            RefundRefused::NoSettlementAccount => "no_settlement_account",
            RefundRefused::AlreadyRequested { .. } => "refund_already_requested",
            RefundRefused::Money(_) => "sum_too_large",
        }
    }
}

/// State of a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefundState {
    /// Asked for; its sum isn't known yet.
    Requested,
    /// The sum is fixed and owed.
    Fixed,
    /// Paid.
    Paid,
    /// Taken back by the customer, or called off by the accountant.
    Cancelled,
    /// When its sum was to be fixed there was a debt, or nothing to refund.
    Refused,
}

/// Why a refund isn't moved on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RefundMoveRefused {
    /// Its sum isn't fixed yet.
    #[error("the sum of the refund is not fixed yet")]
    NotFixed,
    /// It was paid.
    #[error("the refund was paid already")]
    AlreadyPaid,
    /// It was cancelled or refused.
    #[error("the refund was {0}")]
    Closed(RefundState),
    /// Its sum is fixed: only the operator's accountant calls it off.
    #[error("the sum of the refund is fixed already")]
    AlreadyFixed,
}

impl RefundMoveRefused {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            RefundMoveRefused::NotFixed => "refund_not_fixed",
            RefundMoveRefused::AlreadyPaid => "refund_already_paid",
            RefundMoveRefused::Closed(_) => "refund_closed",
            RefundMoveRefused::AlreadyFixed => "refund_already_fixed",
        }
    }
}

impl RefundState {
    /// All states.
    pub const ALL: [RefundState; 5] = [
        RefundState::Requested,
        RefundState::Fixed,
        RefundState::Paid,
        RefundState::Cancelled,
        RefundState::Refused,
    ];

    /// The name in the tables.
    pub fn name(self) -> &'static str {
        match self {
            RefundState::Requested => "requested",
            RefundState::Fixed => "fixed",
            RefundState::Paid => "paid",
            RefundState::Cancelled => "cancelled",
            RefundState::Refused => "refused",
        }
    }

    /// The state of a name; `None` for any other text.
    pub fn parse(name: &str) -> Option<RefundState> {
        RefundState::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether it still waits for something.
    pub fn is_open(self) -> bool {
        matches!(self, RefundState::Requested | RefundState::Fixed)
    }

    /// It is paid, or the refusal.
    pub fn pay(self) -> Result<RefundState, RefundMoveRefused> {
        match self {
            RefundState::Fixed => Ok(RefundState::Paid),
            RefundState::Requested => Err(RefundMoveRefused::NotFixed),
            RefundState::Paid => Err(RefundMoveRefused::AlreadyPaid),
            RefundState::Cancelled | RefundState::Refused => Err(RefundMoveRefused::Closed(self)),
        }
    }

    /// It is cancelled, or the refusal. The customer takes back what isn't fixed; the operator also what isn't paid.
    pub fn cancel(self, by_operator: bool) -> Result<RefundState, RefundMoveRefused> {
        match self {
            RefundState::Requested => Ok(RefundState::Cancelled),
            RefundState::Fixed if by_operator => Ok(RefundState::Cancelled),
            RefundState::Fixed => Err(RefundMoveRefused::AlreadyFixed),
            RefundState::Paid => Err(RefundMoveRefused::AlreadyPaid),
            RefundState::Cancelled | RefundState::Refused => Err(RefundMoveRefused::Closed(self)),
        }
    }
}

impl fmt::Display for RefundState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which unallocated money goes into a refund, oldest payment first. What it doesn't cover comes from money that ended
/// contracts hold.
pub fn takes(amount: Money, free: &[FreeMoney]) -> Result<Vec<(PaymentId, Money)>, MoneyError> {
    let mut payments: Vec<&FreeMoney> = free.iter().collect();
    payments.sort_by_key(|money| (money.received_on, money.payment));
    let mut left = amount;
    let mut all = Vec::new();
    for money in payments {
        let part = money.free.min(left);
        if part.is_positive() {
            left = left.checked_sub(part)?;
            all.push((money.payment, part));
        }
    }
    Ok(all)
}

/// A refund to be posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundToPost {
    /// The refund.
    pub refund: RefundId,
    /// Whose.
    pub customer: CustomerId,
    /// How much.
    pub amount: Money,
    /// Business date.
    pub posted_on: NaiveDate,
    /// Number of its document.
    pub number: String,
}

impl RefundToPost {
    /// The sum is fixed: Dr advance, Cr refund_payable.
    pub fn fixed(&self) -> Result<Posting, Unbalanced> {
        self.posting(
            PostingReason::Refund,
            Account::Advance(self.customer),
            Account::RefundPayable(self.customer),
        )
    }

    /// It is paid by bank: Dr refund_payable, Cr bank.
    pub fn paid(&self) -> Result<Posting, Unbalanced> {
        self.posting(
            PostingReason::RefundPaid,
            Account::RefundPayable(self.customer),
            Account::Bank,
        )
    }

    /// It is called off: the fixing is undone.
    pub fn called_off(&self) -> Result<Posting, Unbalanced> {
        self.posting(
            PostingReason::Reversal,
            Account::RefundPayable(self.customer),
            Account::Advance(self.customer),
        )
    }

    fn posting(&self, reason: PostingReason, debit: Account, credit: Account) -> Result<Posting, Unbalanced> {
        let head = PostingHead {
            posted_on: self.posted_on,
            reason,
            document_ref: self.number.clone(),
            idempotency_key: format!("refund:{}:{}", reason.name(), self.refund),
        };
        Posting::new(
            head,
            vec![
                Entry::debit(debit, self.amount),
                Entry::credit(credit, self.amount),
            ],
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::billing::ledger::Side;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn sum(text: &str) -> Money {
        Money::parse(text).unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn blank(allocated: &str, need: &str, posted: &str, unposted: &str) -> BlankMoney {
        BlankMoney {
            allocated: sum(allocated),
            need: sum(need),
            posted: sum(posted),
            unposted: sum(unposted),
        }
    }

    fn money(advance: &str, paid_in: &str, blanks: Vec<BlankMoney>) -> CustomerMoney {
        CustomerMoney {
            advance: sum(advance),
            paid_in: sum(paid_in),
            blanks,
            ..CustomerMoney::default()
        }
    }

    fn told(money: &CustomerMoney) -> String {
        match money.refund() {
            Ok(sum) => sum.to_string(),
            Err(refused) => refused.code().to_owned(),
        }
    }

    // billing.md §8: advance paid − services rendered to the day E.
    #[test]
    fn what_an_ended_contract_did_not_render_is_refundable() {
        // 3,024,000 paid for three months, one rendered and in its document.
        let ended = blank("3024000.00", "1008000.00", "1008000.00", "0.00");
        assert_eq!(
            told(&money("2016000.00", "3024000.00", vec![ended])),
            "2016000.00"
        );
        // Ended in the middle of a month: its services are in no document yet.
        let open = blank("3024000.00", "1308000.00", "1008000.00", "300000.00");
        assert_eq!(told(&money("2016000.00", "3024000.00", vec![open])), "1716000.00");
    }

    #[test]
    fn a_running_contract_keeps_its_money_and_free_money_is_refundable() {
        let running = blank("1000.00", "1000.00", "300.00", "0.00");
        assert_eq!(
            told(&money("700.00", "1000.00", vec![running])),
            "nothing_to_refund"
        );
        assert_eq!(told(&money("750.00", "1050.00", vec![running])), "50.00");
        // Another contract's surplus beside it.
        let ended = blank("500.00", "200.00", "200.00", "0.00");
        assert_eq!(told(&money("1000.00", "1500.00", vec![running, ended])), "300.00");
    }

    // billing.md §8: only when the customer has no debt under any contract.
    #[test]
    fn a_customer_with_a_debt_gets_nothing_and_is_told_the_sum() {
        let mut owing = money("2016000.00", "3024000.00", vec![]);
        owing.debt = Debt {
            invoices: sum("100.00"),
            receivable: sum("40.00"),
            penalties: sum("1.50"),
        };
        assert_eq!(
            owing.refund(),
            Err(RefundRefused::CustomerHasDebt { debt: sum("101.50") })
        );
        owing.debt = Debt {
            penalties: sum("0.01"),
            ..Debt::default()
        };
        assert_eq!(told(&owing), "customer_has_debt");
    }

    #[test]
    fn never_more_is_refunded_than_was_paid() {
        // An advance that a bonus filled is no money of the customer's [003 §7.7].
        assert_eq!(told(&money("500.00", "300.00", vec![])), "300.00");
        let mut refunded = money("500.00", "300.00", vec![]);
        refunded.refunded = sum("300.00");
        assert_eq!(told(&refunded), "nothing_to_refund");
    }

    // billing.md §8: due within 30 calendar days of the request and the blank's end, whichever is later.
    #[test]
    fn the_deadline_counts_from_the_later_of_request_and_end() {
        assert_eq!(
            due_on(day("2026-04-02"), Some(day("2026-04-01"))),
            day("2026-05-02")
        );
        assert_eq!(
            due_on(day("2026-03-20"), Some(day("2026-04-01"))),
            day("2026-05-01")
        );
        assert_eq!(due_on(day("2026-03-20"), None), day("2026-04-19"));
    }

    #[test]
    fn a_refund_is_paid_once_and_only_when_it_is_fixed() {
        use RefundState::{Cancelled, Fixed, Paid, Refused, Requested};
        let codes: Vec<&str> = RefundState::ALL
            .into_iter()
            .map(|state| {
                state
                    .pay()
                    .map_or_else(|refused| refused.code(), RefundState::name)
            })
            .collect();
        assert_eq!(
            codes,
            [
                "refund_not_fixed",
                "paid",
                "refund_already_paid",
                "refund_closed",
                "refund_closed"
            ]
        );
        assert_eq!(Requested.cancel(false), Ok(Cancelled));
        assert_eq!(Fixed.cancel(true), Ok(Cancelled));
        assert_eq!(Fixed.cancel(false), Err(RefundMoveRefused::AlreadyFixed));
        assert_eq!(Paid.cancel(true), Err(RefundMoveRefused::AlreadyPaid));
        assert!(Cancelled.cancel(true).is_err() && Refused.cancel(true).is_err());
        for state in RefundState::ALL {
            assert_eq!(RefundState::parse(state.name()), Some(state));
        }
    }

    #[test]
    fn fixing_moves_the_advance_and_paying_moves_the_bank() {
        let post = RefundToPost {
            refund: RefundId::from_uuid(Uuid::from_u128(1)),
            customer: CustomerId::from_uuid(Uuid::from_u128(2)),
            amount: sum("100.00"),
            posted_on: day("2026-04-02"),
            number: "QT-2026-000001".into(),
        };
        let sides = |posting: Posting| -> Vec<(&'static str, Side)> {
            posting
                .entries()
                .iter()
                .map(|entry| (entry.account.name(), entry.side))
                .collect()
        };
        assert_eq!(
            sides(post.fixed().unwrap()),
            [("advance", Side::Debit), ("refund_payable", Side::Credit)]
        );
        assert_eq!(
            sides(post.paid().unwrap()),
            [("refund_payable", Side::Debit), ("bank", Side::Credit)]
        );
        let keys: std::collections::BTreeSet<String> = [post.fixed(), post.paid(), post.called_off()]
            .into_iter()
            .map(|posting| posting.unwrap().head().idempotency_key.clone())
            .collect();
        assert_eq!(keys.len(), 3);
    }

    #[test]
    fn unallocated_money_goes_first_oldest_payment_first() {
        let payment = |n| PaymentId::from_uuid(Uuid::from_u128(n));
        let free = |n, on: &str, sum_text: &str| FreeMoney {
            payment: payment(n),
            received_on: day(on),
            free: sum(sum_text),
        };
        let money = [free(1, "2026-02-01", "30.00"), free(2, "2026-01-01", "50.00")];
        assert_eq!(
            takes(sum("60.00"), &money).unwrap(),
            [(payment(2), sum("50.00")), (payment(1), sum("10.00"))]
        );
        assert_eq!(takes(sum("500.00"), &money).unwrap().len(), 2);
    }

    fn any_blank() -> impl Strategy<Value = BlankMoney> {
        (0i64..1_000_000, 0i64..1_000_000, 0i64..1_000_000, 0i64..1_000_000).prop_map(
            |(allocated, need, posted, unposted)| {
                let of = |tiyin| Money::from_tiyin(tiyin).unwrap();
                BlankMoney {
                    allocated: of(allocated),
                    need: of(need),
                    posted: of(posted),
                    unposted: of(unposted),
                }
            },
        )
    }

    proptest! {
        #[test]
        fn never_more_than_the_advance_or_than_was_paid(
            advance in 0i64..3_000_000, paid in 0i64..3_000_000, blanks in prop::collection::vec(any_blank(), 0..4),
        ) {
            let money = CustomerMoney {
                advance: Money::from_tiyin(advance).unwrap(),
                paid_in: Money::from_tiyin(paid).unwrap(),
                blanks,
                ..CustomerMoney::default()
            };
            let refundable = money.refundable().unwrap();
            prop_assert!(!refundable.is_negative());
            prop_assert!(refundable <= money.advance && refundable <= money.paid_in);
        }

        #[test]
        fn running_contracts_keep_what_they_hold(
            invoiced in 1i64..1_000_000, share in 0i64..=100, posted in 0i64..=100, free in 0i64..500_000,
        ) {
            // A running blank paid in part, some of it rendered: whatever is free beside it, its own money stays.
            let allocated = invoiced * share / 100;
            let posted = allocated * posted / 100;
            let of = |tiyin| Money::from_tiyin(tiyin).unwrap();
            let money = CustomerMoney {
                advance: of(allocated - posted + free),
                paid_in: of(allocated + free),
                blanks: vec![BlankMoney { allocated: of(allocated), need: of(invoiced), posted: of(posted), unposted: Money::ZERO }],
                ..CustomerMoney::default()
            };
            prop_assert_eq!(money.refundable().unwrap(), of(free));
        }
    }
}
