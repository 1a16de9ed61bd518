//! A claim of late penalty with its calculation (billing.md §6) [003 §7.4].

use super::check::check_head;
use super::{ContentError, ContentKind, DocumentRef, Party, text_form};
use chrono::NaiveDate;
use namoyish_domain::money::{Money, Rate};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Days of delay on which one sum was unpaid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PenaltySpan {
    /// First day.
    pub from: NaiveDate,
    /// Last day.
    pub through: NaiveDate,
    /// How many.
    pub days: u32,
    /// What was unpaid when each of them began.
    #[serde(with = "text_form::money")]
    pub base: Money,
    /// Their penalty, not rounded.
    #[serde(with = "text_form::quantity")]
    pub amount: Decimal,
}

/// A claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PenaltyClaimContent {
    /// [`super::CONTENT_VERSION`].
    pub version: u32,
    /// [`ContentKind::PenaltyClaim`].
    pub kind: ContentKind,
    /// Gapless number within the year.
    pub number: String,
    /// City.
    pub place: String,
    /// Date.
    pub issued_on: NaiveDate,
    /// Last day to pay it.
    pub due_on: NaiveDate,
    /// The operator.
    pub operator: Party,
    /// The customer.
    pub customer: Party,
    /// The invoice that was paid late.
    pub invoice: DocumentRef,
    /// Its due date.
    pub invoice_due_on: NaiveDate,
    /// Its sum.
    #[serde(with = "text_form::money")]
    pub invoice_gross: Money,
    /// Number of its order blank; empty where it has none.
    pub order_number: String,
    /// Share of the unpaid sum for each day: "0.001".
    #[serde(with = "text_form::rate")]
    pub daily_rate: Rate,
    /// The calculation; never empty.
    pub spans: Vec<PenaltySpan>,
    /// What earlier claims took of these days.
    #[serde(with = "text_form::money")]
    pub claimed_before: Money,
    /// The claim.
    #[serde(with = "text_form::money")]
    pub amount: Money,
    /// The line to copy into the payment order.
    pub purpose: String,
}

impl PenaltyClaimContent {
    /// The spans' exact sum.
    pub fn accrued(&self) -> Decimal {
        self.spans.iter().map(|span| span.amount).sum()
    }

    /// Refuses contradictions; every renderer calls it, and so should whoever issues it.
    pub fn check(&self) -> Result<(), ContentError> {
        check_head(
            self.version,
            self.kind,
            ContentKind::PenaltyClaim,
            self.spans.len(),
        )?;
        if !self.amount.is_positive() {
            return Err(ContentError::Negative {
                field: "amount",
                sum: self.amount,
            });
        }
        let whole = namoyish_domain::money::Exact::new(self.accrued()).round_half_up()?;
        let due = whole.checked_sub(self.claimed_before)?;
        if due != self.amount {
            return Err(ContentError::TotalDisagrees {
                field: "amount",
                sum: due,
                stated: self.amount,
            });
        }
        Ok(())
    }
}
