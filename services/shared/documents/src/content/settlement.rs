//! What follows a contract: the reconciliation act (billing.md §7) and the refund (billing.md §8).

use super::{CONTENT_VERSION, ContentError, ContentKind, LINES_MAX, Party, text_form};
use chrono::NaiveDate;
use namoyish_domain::money::Money;
use serde::{Deserialize, Serialize};

/// What a row of an act is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActDocument {
    /// Money from the customer; the number is the payer's reference.
    Payment,
    /// A primary document.
    PrimaryDocument,
    /// A correcting document.
    Correction,
    /// A claim of late penalty.
    PenaltyClaim,
    /// A refund paid to the customer.
    Refund,
    /// An earlier entry undone.
    Reversal,
    /// Services rendered before a contract's end that no document has yet.
    ServicesToDocument,
    /// Anything else.
    Other,
}

/// A contract that an act or a refund is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContractRef {
    /// Number of the order blank.
    pub number: String,
    /// Its signing date.
    pub date: NaiveDate,
}

/// A row of an act, as the operator's books have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActRow {
    /// 1, 2, 3 …
    pub position: u32,
    /// Business date.
    pub on: NaiveDate,
    /// What it is.
    pub document: ActDocument,
    /// Its number; may be empty where a payer gave none.
    pub number: String,
    /// Numbers of the contracts, where the document is about some.
    pub contracts: String,
    /// The customer owes more.
    #[serde(with = "text_form::money")]
    pub debit: Money,
    /// The customer owes less.
    #[serde(with = "text_form::money")]
    pub credit: Money,
}

/// A reconciliation act (hisoblarni solishtirish dalolatnomasi) [003 §5.14–5.15]. Balances stand in two columns, one of
/// which is nothing: debit is what the customer owes, credit what the operator owes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReconciliationActContent {
    /// [`super::CONTENT_VERSION`].
    pub version: u32,
    /// [`ContentKind::ReconciliationAct`].
    pub kind: ContentKind,
    /// Gapless number within the year.
    pub number: String,
    /// City where it was drawn up.
    pub place: String,
    /// Date of drawing up.
    pub issued_on: NaiveDate,
    /// First day covered.
    pub first_day: NaiveDate,
    /// Last day covered.
    pub last_day: NaiveDate,
    /// The operator (ijrochi).
    pub operator: Party,
    /// The customer (buyurtmachi).
    pub customer: Party,
    /// The contracts in force in the interval.
    pub contracts: Vec<ContractRef>,
    /// Balance at the start: the customer owes.
    #[serde(with = "text_form::money")]
    pub opening_debit: Money,
    /// Balance at the start: the operator owes.
    #[serde(with = "text_form::money")]
    pub opening_credit: Money,
    /// What happened in the interval.
    pub rows: Vec<ActRow>,
    /// Sum of the rows' debits.
    #[serde(with = "text_form::money")]
    pub debit: Money,
    /// Sum of the rows' credits.
    #[serde(with = "text_form::money")]
    pub credit: Money,
    /// Balance at the end: the customer owes.
    #[serde(with = "text_form::money")]
    pub closing_debit: Money,
    /// Balance at the end: the operator owes.
    #[serde(with = "text_form::money")]
    pub closing_credit: Money,
    /// Business days within which the customer returns it signed.
    pub return_within: u32,
}

/// A contract's money in a refund, gross.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefundContract {
    /// Number of the order blank.
    pub number: String,
    /// Its signing date.
    pub date: NaiveDate,
    /// What was paid for it.
    #[serde(with = "text_form::money")]
    pub paid: Money,
    /// What it rendered.
    #[serde(with = "text_form::money")]
    pub rendered: Money,
    /// What it keeps for services still to come or in no document yet.
    #[serde(with = "text_form::money")]
    pub held: Money,
}

/// A refund of unused advance (avansni qaytarish) [003 §10.3].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefundContent {
    /// [`super::CONTENT_VERSION`].
    pub version: u32,
    /// [`ContentKind::Refund`].
    pub kind: ContentKind,
    /// Gapless number within the year.
    pub number: String,
    /// City where it was drawn up.
    pub place: String,
    /// Date of drawing up.
    pub issued_on: NaiveDate,
    /// When the customer asked for it.
    pub requested_on: NaiveDate,
    /// The last day for paying it.
    pub due_on: NaiveDate,
    /// Who pays.
    pub operator: Party,
    /// Who gets it; its settlement account is where the money goes.
    pub customer: Party,
    /// The customer's contracts.
    pub contracts: Vec<RefundContract>,
    /// The whole advance before the refund.
    #[serde(with = "text_form::money")]
    pub advance: Money,
    /// What contracts keep of it.
    #[serde(with = "text_form::money")]
    pub held: Money,
    /// What is paid back.
    #[serde(with = "text_form::money")]
    pub amount: Money,
}

fn check_head(version: u32, given: ContentKind, due: ContentKind, lines: usize) -> Result<(), ContentError> {
    if version != CONTENT_VERSION {
        return Err(ContentError::UnknownVersion {
            given: version,
            known: CONTENT_VERSION,
        });
    }
    if given != due {
        return Err(ContentError::WrongKind { given, due });
    }
    if lines > LINES_MAX {
        return Err(ContentError::TooManyLines {
            lines,
            lines_max: LINES_MAX,
        });
    }
    Ok(())
}

fn never_negative(sums: &[(&'static str, Money)]) -> Result<(), ContentError> {
    match sums.iter().find(|(_, sum)| sum.is_negative()) {
        Some((field, sum)) => Err(ContentError::Negative { field, sum: *sum }),
        None => Ok(()),
    }
}

impl ReconciliationActContent {
    /// Refuses contradictions; every renderer calls it. An act may have no row: then its balances are the same.
    pub fn check(&self) -> Result<(), ContentError> {
        check_head(
            self.version,
            self.kind,
            ContentKind::ReconciliationAct,
            self.rows.len(),
        )?;
        never_negative(&[
            ("opening_debit", self.opening_debit),
            ("opening_credit", self.opening_credit),
            ("closing_debit", self.closing_debit),
            ("closing_credit", self.closing_credit),
        ])?;
        let mut due = self.opening_debit.checked_sub(self.opening_credit)?;
        for row in &self.rows {
            never_negative(&[("debit", row.debit), ("credit", row.credit)])?;
            due = due.checked_add(row.debit)?.checked_sub(row.credit)?;
        }
        for (field, sum, stated) in [
            (
                "debit",
                Money::sum(self.rows.iter().map(|row| row.debit))?,
                self.debit,
            ),
            (
                "credit",
                Money::sum(self.rows.iter().map(|row| row.credit))?,
                self.credit,
            ),
        ] {
            if sum != stated {
                return Err(ContentError::TotalDisagrees { field, sum, stated });
            }
        }
        let stated = self.closing_debit.checked_sub(self.closing_credit)?;
        if due == stated {
            Ok(())
        } else {
            Err(ContentError::BalanceDisagrees { due, stated })
        }
    }
}

impl RefundContent {
    /// Refuses contradictions; every renderer calls it. Money without a contract may be refunded too.
    pub fn check(&self) -> Result<(), ContentError> {
        check_head(self.version, self.kind, ContentKind::Refund, self.contracts.len())?;
        never_negative(&[
            ("advance", self.advance),
            ("held", self.held),
            ("amount", self.amount),
        ])?;
        let left = self.advance.checked_sub(self.held)?;
        if self.amount > left {
            return Err(ContentError::RefundBeyondAdvance {
                amount: self.amount,
                left,
            });
        }
        Ok(())
    }
}
