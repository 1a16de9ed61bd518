//! The ledger: accounts, entries, and postings whose debits equal their credits.
//!
//! Rule: billing.md §1.
//!
//! ```text
//! a posting:   sum of debits = sum of credits, at least two entries, every amount more than nothing
//! a payment:   Dr bank | cash | payment provider   Cr receivable (what is owed), Cr advance (the rest)
//! ```
//!
//! Invariants, each a property test of the same name:
//! - `an_unbalanced_posting_cannot_exist`: the fields are private and [`Posting::new`] is the only way in; PostgreSQL
//!   refuses an unbalanced posting once more.
//! - `a_reversal_undoes_its_posting`: a posting is never changed; the same entries with the sides exchanged are posted.
//!
//! Not here: who calls when (the services), the rendering of a month (`primary_document`), how balances are kept
//! (`storage::ledger`).

use crate::ids::CustomerId;
use crate::money::{Money, MoneyError};
use chrono::NaiveDate;

/// A provider through which money may come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PaymentProvider {
    /// Click.
    Click,
    /// Payme.
    Payme,
}

/// An account. The first four belong to one customer, the rest to the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Account {
    /// Money received and not yet used.
    Advance(CustomerId),
    /// Services rendered and not yet paid.
    Receivable(CustomerId),
    /// Late penalty claimed and not yet paid.
    PenaltyReceivable(CustomerId),
    /// Money to be paid back.
    RefundPayable(CustomerId),
    /// The operator's settlement account.
    Bank,
    /// The operator's cash desk.
    Cash,
    /// Money that a payment provider holds for the operator.
    PaymentProvider(PaymentProvider),
    /// Services rendered, net.
    Revenue,
    /// VAT owed to the state.
    VatPayable,
    /// Late penalties claimed.
    PenaltyIncome,
    /// Bonuses given.
    BonusExpense,
}

/// A name and an owner that are no account.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is no account {}", if *.with_customer { "of a customer" } else { "of the operator" })]
pub struct NoSuchAccount {
    /// The name that was read.
    pub name: String,
    /// Whether a customer was named.
    pub with_customer: bool,
}

/// On which side of an account its balance normally stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// Left: what the operator has or is owed, and expenses.
    Debit,
    /// Right: what the operator owes, and income.
    Credit,
}

impl Side {
    /// The other side.
    pub fn other(self) -> Side {
        match self {
            Side::Debit => Side::Credit,
            Side::Credit => Side::Debit,
        }
    }
}

impl Account {
    /// The name in the tables and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Account::Advance(_) => "advance",
            Account::Receivable(_) => "receivable",
            Account::PenaltyReceivable(_) => "penalty_receivable",
            Account::RefundPayable(_) => "refund_payable",
            Account::Bank => "bank",
            Account::Cash => "cash",
            Account::PaymentProvider(PaymentProvider::Click) => "payment_provider:click",
            Account::PaymentProvider(PaymentProvider::Payme) => "payment_provider:payme",
            Account::Revenue => "revenue",
            Account::VatPayable => "vat_payable",
            Account::PenaltyIncome => "penalty_income",
            Account::BonusExpense => "bonus_expense",
        }
    }

    /// The customer that the account belongs to.
    pub fn customer(self) -> Option<CustomerId> {
        match self {
            Account::Advance(customer)
            | Account::Receivable(customer)
            | Account::PenaltyReceivable(customer)
            | Account::RefundPayable(customer) => Some(customer),
            _ => None,
        }
    }

    /// The account of a name and an owner, as the tables keep it.
    pub fn parse(name: &str, customer: Option<CustomerId>) -> Result<Account, NoSuchAccount> {
        let account = match (name, customer) {
            ("advance", Some(customer)) => Account::Advance(customer),
            ("receivable", Some(customer)) => Account::Receivable(customer),
            ("penalty_receivable", Some(customer)) => Account::PenaltyReceivable(customer),
            ("refund_payable", Some(customer)) => Account::RefundPayable(customer),
            ("bank", None) => Account::Bank,
            ("cash", None) => Account::Cash,
            ("payment_provider:click", None) => Account::PaymentProvider(PaymentProvider::Click),
            ("payment_provider:payme", None) => Account::PaymentProvider(PaymentProvider::Payme),
            ("revenue", None) => Account::Revenue,
            ("vat_payable", None) => Account::VatPayable,
            ("penalty_income", None) => Account::PenaltyIncome,
            ("bonus_expense", None) => Account::BonusExpense,
            _ => {
                return Err(NoSuchAccount {
                    name: name.chars().take(64).collect(),
                    with_customer: customer.is_some(),
                });
            }
        };
        Ok(account)
    }

    /// The side on which its balance normally stands.
    pub fn normal_side(self) -> Side {
        match self {
            Account::Receivable(_)
            | Account::PenaltyReceivable(_)
            | Account::Bank
            | Account::Cash
            | Account::PaymentProvider(_)
            | Account::BonusExpense => Side::Debit,
            Account::Advance(_)
            | Account::RefundPayable(_)
            | Account::Revenue
            | Account::VatPayable
            | Account::PenaltyIncome => Side::Credit,
        }
    }

    /// A balance kept as debit less credit, told on the account's normal side: an advance of 100.00 is 100.00.
    pub fn on_normal_side(self, debit_less_credit: Money) -> Result<Money, MoneyError> {
        match self.normal_side() {
            Side::Debit => Ok(debit_less_credit),
            Side::Credit => Money::ZERO.checked_sub(debit_less_credit),
        }
    }
}

/// One side of one account. The amount is more than nothing in every entry of a [`Posting`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The account.
    pub account: Account,
    /// Debit or credit.
    pub side: Side,
    /// So'm.
    pub amount: Money,
}

impl Entry {
    /// A debit.
    pub fn debit(account: Account, amount: Money) -> Entry {
        Entry {
            account,
            side: Side::Debit,
            amount,
        }
    }

    /// A credit.
    pub fn credit(account: Account, amount: Money) -> Entry {
        Entry {
            account,
            side: Side::Credit,
            amount,
        }
    }
}

/// Why entries are no posting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unbalanced {
    /// Debits and credits differ.
    #[error("debits of {debits} don't equal credits of {credits}")]
    SidesDiffer {
        /// Sum of the debits.
        debits: Money,
        /// Sum of the credits.
        credits: Money,
    },
    /// One entry or none.
    #[error("a posting has at least two entries, this one has {0}")]
    TooFewEntries(usize),
    /// An entry of nothing or of less.
    #[error("the entry on {account} is {amount}; an entry is more than 0.00")]
    AmountNotPositive {
        /// Name of the account.
        account: &'static str,
        /// What was given.
        amount: Money,
    },
    /// The sums are too large.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

impl Unbalanced {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Unbalanced::SidesDiffer { .. } => "posting_sides_differ",
            Unbalanced::TooFewEntries(_) => "posting_too_few_entries",
            Unbalanced::AmountNotPositive { .. } => "posting_amount_not_positive",
            Unbalanced::Money(_) => "sum_too_large",
        }
    }
}

/// Why a posting was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PostingReason {
    /// Money came in; the document is the payment.
    Payment,
    /// Services of a closed period; the document is the primary document.
    Rendering,
    /// The sum of a refund is fixed; the document is the refund.
    Refund,
    /// A refund is paid; the document is the refund.
    RefundPaid,
    /// The difference to a closed period; the document is the correction.
    Correction,
    /// Late penalty claimed; the document is the claim.
    PenaltyClaim,
    /// Claimed penalty paid; the document is the payment.
    PenaltyPaid,
    /// An earlier posting is undone; the document is that posting.
    Reversal,
}

impl PostingReason {
    /// The name in the tables.
    pub fn name(self) -> &'static str {
        match self {
            PostingReason::Payment => "payment",
            PostingReason::Rendering => "rendering",
            PostingReason::Refund => "refund",
            PostingReason::RefundPaid => "refund_paid",
            PostingReason::Correction => "correction",
            PostingReason::PenaltyClaim => "penalty_claim",
            PostingReason::PenaltyPaid => "penalty_paid",
            PostingReason::Reversal => "reversal",
        }
    }
}

/// What a posting says besides its entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostingHead {
    /// Business date, Tashkent.
    pub posted_on: NaiveDate,
    /// Why.
    pub reason: PostingReason,
    /// The document behind the reason (a typed id or a document number).
    pub document_ref: String,
    /// A second posting with the same key is refused by the database.
    pub idempotency_key: String,
}

/// A balanced posting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    head: PostingHead,
    entries: Vec<Entry>,
}

impl Posting {
    /// Refuses entries that don't balance.
    pub fn new(head: PostingHead, entries: Vec<Entry>) -> Result<Posting, Unbalanced> {
        if entries.len() < 2 {
            return Err(Unbalanced::TooFewEntries(entries.len()));
        }
        if let Some(entry) = entries.iter().find(|entry| !entry.amount.is_positive()) {
            return Err(Unbalanced::AmountNotPositive {
                account: entry.account.name(),
                amount: entry.amount,
            });
        }
        let side_sum = |side| {
            Money::sum(
                entries
                    .iter()
                    .filter(|entry| entry.side == side)
                    .map(|entry| entry.amount),
            )
        };
        let (debits, credits) = (side_sum(Side::Debit)?, side_sum(Side::Credit)?);
        if debits != credits {
            return Err(Unbalanced::SidesDiffer { debits, credits });
        }
        Ok(Posting { head, entries })
    }

    /// Date, reason, document, key.
    pub fn head(&self) -> &PostingHead {
        &self.head
    }

    /// The entries, at least two.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The posting that undoes this one. `reversed` names it in the reversal's document reference and key.
    pub fn reversal(&self, posted_on: NaiveDate, reversed: &str) -> Posting {
        Posting {
            head: PostingHead {
                posted_on,
                reason: PostingReason::Reversal,
                document_ref: reversed.to_owned(),
                idempotency_key: format!("reversal:{reversed}"),
            },
            entries: self
                .entries
                .iter()
                .map(|entry| Entry {
                    side: entry.side.other(),
                    ..*entry
                })
                .collect(),
        }
    }
}

/// How money came in [003 §5.12].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PaymentMethod {
    /// Bank transfer.
    Bank,
    /// Cash desk.
    Cash,
    /// Click.
    Click,
    /// Payme.
    Payme,
}

impl PaymentMethod {
    /// The name in the tables and in the API.
    pub fn name(self) -> &'static str {
        match self {
            PaymentMethod::Bank => "bank",
            PaymentMethod::Cash => "cash",
            PaymentMethod::Click => "click",
            PaymentMethod::Payme => "payme",
        }
    }

    /// The method of a name; `None` for any other text.
    pub fn parse(name: &str) -> Option<PaymentMethod> {
        match name {
            "bank" => Some(PaymentMethod::Bank),
            "cash" => Some(PaymentMethod::Cash),
            "click" => Some(PaymentMethod::Click),
            "payme" => Some(PaymentMethod::Payme),
            _ => None,
        }
    }

    /// The account that the money lies on.
    pub fn account(self) -> Account {
        match self {
            PaymentMethod::Bank => Account::Bank,
            PaymentMethod::Cash => Account::Cash,
            PaymentMethod::Click => Account::PaymentProvider(PaymentProvider::Click),
            PaymentMethod::Payme => Account::PaymentProvider(PaymentProvider::Payme),
        }
    }
}

/// Money that came in, as [`posting_of_payment`] posts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentToPost {
    /// Who paid.
    pub customer: CustomerId,
    /// How much; more than nothing.
    pub amount: Money,
    /// How.
    pub method: PaymentMethod,
    /// What the customer owes for rendered services: that part settles the receivable, the rest is advance.
    pub receivable: Money,
    /// Business date of the posting.
    pub posted_on: NaiveDate,
    /// The payment's id.
    pub document_ref: String,
}

/// Money received: debited to where it lies, credited to what is owed and then to the advance (billing.md §1, §3).
pub fn posting_of_payment(payment: &PaymentToPost) -> Result<Posting, Unbalanced> {
    let settled = payment.receivable.max(Money::ZERO).min(payment.amount);
    let advance = payment.amount.checked_sub(settled)?;
    let mut entries = vec![Entry::debit(payment.method.account(), payment.amount)];
    if settled.is_positive() {
        entries.push(Entry::credit(Account::Receivable(payment.customer), settled));
    }
    if advance.is_positive() {
        entries.push(Entry::credit(Account::Advance(payment.customer), advance));
    }
    let head = PostingHead {
        posted_on: payment.posted_on,
        reason: PostingReason::Payment,
        document_ref: payment.document_ref.clone(),
        idempotency_key: format!("payment:{}", payment.document_ref),
    };
    Posting::new(head, entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn customer() -> CustomerId {
        CustomerId::from_uuid(Uuid::from_u128(1))
    }

    fn sum(text: &str) -> Money {
        Money::parse(text).unwrap()
    }

    fn head() -> PostingHead {
        PostingHead {
            posted_on: "2026-01-20".parse().unwrap(),
            reason: PostingReason::Payment,
            document_ref: "pay_1".into(),
            idempotency_key: "payment:pay_1".into(),
        }
    }

    fn accounts() -> Vec<Account> {
        let customer = customer();
        vec![
            Account::Advance(customer),
            Account::Receivable(customer),
            Account::PenaltyReceivable(customer),
            Account::RefundPayable(customer),
            Account::Bank,
            Account::Cash,
            Account::PaymentProvider(PaymentProvider::Click),
            Account::PaymentProvider(PaymentProvider::Payme),
            Account::Revenue,
            Account::VatPayable,
            Account::PenaltyIncome,
            Account::BonusExpense,
        ]
    }

    #[test]
    fn every_account_is_found_again_by_its_name_and_owner() {
        for account in accounts() {
            assert_eq!(Account::parse(account.name(), account.customer()), Ok(account));
            let wrong_owner = account.customer().is_none().then(customer);
            assert!(
                Account::parse(account.name(), wrong_owner).is_err(),
                "{account:?}"
            );
        }
        assert!(Account::parse("petty_cash", None).is_err());
    }

    #[test]
    fn sides_that_differ_are_refused_with_both_sums() {
        let entries = vec![
            Entry::debit(Account::Bank, sum("100.00")),
            Entry::credit(Account::Advance(customer()), sum("99.99")),
        ];
        let refused = Posting::new(head(), entries).unwrap_err();
        assert_eq!(
            refused,
            Unbalanced::SidesDiffer {
                debits: sum("100.00"),
                credits: sum("99.99")
            }
        );
        assert_eq!(refused.code(), "posting_sides_differ");
    }

    #[test]
    fn an_entry_of_nothing_or_less_is_refused() {
        for amount in ["0.00", "-5.00"] {
            let entries = vec![
                Entry::debit(Account::Bank, sum(amount)),
                Entry::credit(Account::Advance(customer()), sum(amount)),
            ];
            let refused = Posting::new(head(), entries).unwrap_err();
            assert_eq!(refused.code(), "posting_amount_not_positive");
        }
    }

    #[test]
    fn one_entry_is_no_posting() {
        let refused = Posting::new(head(), vec![Entry::debit(Account::Bank, sum("1.00"))]);
        assert_eq!(refused, Err(Unbalanced::TooFewEntries(1)));
    }

    #[test]
    fn a_payment_settles_what_is_owed_and_the_rest_is_advance() {
        for (amount, owed, to_receivable, to_advance) in [
            ("500000.00", "0.00", None, Some("500000.00")),
            ("500000.00", "120000.00", Some("120000.00"), Some("380000.00")),
            ("500000.00", "900000.00", Some("500000.00"), None),
            ("500000.00", "-3.00", None, Some("500000.00")),
        ] {
            let posting = posting_of_payment(&PaymentToPost {
                customer: customer(),
                amount: sum(amount),
                method: PaymentMethod::Bank,
                receivable: sum(owed),
                posted_on: "2026-01-20".parse().unwrap(),
                document_ref: "pay_1".into(),
            })
            .unwrap();
            let credited = |account| {
                posting
                    .entries()
                    .iter()
                    .find(|entry| entry.account == account && entry.side == Side::Credit)
                    .map(|entry| entry.amount)
            };
            assert_eq!(
                credited(Account::Receivable(customer())),
                to_receivable.map(sum),
                "owed {owed}"
            );
            assert_eq!(
                credited(Account::Advance(customer())),
                to_advance.map(sum),
                "owed {owed}"
            );
        }
    }

    #[test]
    fn an_advance_is_told_on_its_credit_side() {
        let advance = Account::Advance(customer());
        assert_eq!(advance.on_normal_side(sum("-100.00")), Ok(sum("100.00")));
        assert_eq!(Account::Bank.on_normal_side(sum("100.00")), Ok(sum("100.00")));
    }

    #[test]
    fn payment_methods_are_parsed_by_name_and_nothing_else_is() {
        for method in [
            PaymentMethod::Bank,
            PaymentMethod::Cash,
            PaymentMethod::Click,
            PaymentMethod::Payme,
        ] {
            assert_eq!(PaymentMethod::parse(method.name()), Some(method));
        }
        assert_eq!(PaymentMethod::parse("Bank"), None);
    }

    fn any_entry() -> impl Strategy<Value = Entry> {
        (0..accounts().len(), any::<bool>(), -3i64..2_000_000).prop_map(|(index, debit, tiyin)| {
            let amount = Money::from_tiyin(tiyin).unwrap();
            let account = accounts()[index];
            if debit {
                Entry::debit(account, amount)
            } else {
                Entry::credit(account, amount)
            }
        })
    }

    fn difference(entries: &[Entry]) -> i64 {
        entries
            .iter()
            .map(|entry| match entry.side {
                Side::Debit => entry.amount.tiyin(),
                Side::Credit => -entry.amount.tiyin(),
            })
            .sum()
    }

    proptest! {
        #[test]
        fn an_unbalanced_posting_cannot_exist(mut entries in prop::collection::vec(any_entry(), 0..8), close in any::<bool>()) {
            let open = difference(&entries);
            if close && open != 0 {
                let amount = Money::from_tiyin(open.abs()).unwrap();
                entries.push(if open > 0 { Entry::credit(Account::Revenue, amount) } else { Entry::debit(Account::Bank, amount) });
            }
            let due = entries.len() >= 2 && entries.iter().all(|entry| entry.amount.is_positive()) && difference(&entries) == 0;
            prop_assert_eq!(Posting::new(head(), entries).is_ok(), due);
        }

        #[test]
        fn a_reversal_undoes_its_posting(amounts in prop::collection::vec(1i64..1_000_000, 1..6)) {
            let total: i64 = amounts.iter().sum();
            let mut entries = vec![Entry::debit(Account::Bank, Money::from_tiyin(total).unwrap())];
            entries.extend(amounts.iter().map(|tiyin| Entry::credit(Account::Advance(customer()), Money::from_tiyin(*tiyin).unwrap())));
            let posting = Posting::new(head(), entries).unwrap();
            let reversal = posting.reversal("2026-02-01".parse().unwrap(), "pst_1");
            for account in accounts() {
                let of = |posting: &Posting| difference(&posting.entries().iter().filter(|entry| entry.account == account).copied().collect::<Vec<_>>());
                prop_assert_eq!(of(&posting) + of(&reversal), 0);
            }
            prop_assert!(Posting::new(reversal.head().clone(), reversal.entries().to_vec()).is_ok());
        }
    }
}
