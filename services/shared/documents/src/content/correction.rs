//! A correcting document: it refers to a closed month's primary document and states the difference (billing.md §5).

use super::check::{Signed, check_head, check_lines};
use super::{ContentError, ContentKind, DocumentRef, LocalizedName, Party, Unit, text_form};
use chrono::NaiveDate;
use namoyish_domain::calendar::ReportingPeriod;
use namoyish_domain::money::{Money, Rate};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Why a month is corrected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CorrectionReason {
    /// The customer's objection was upheld.
    Objection,
    /// Statistics came in after the month was closed.
    LateStatistics,
}

/// Net, VAT and gross of one side of a correction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sums {
    /// So'm without VAT.
    #[serde(with = "text_form::money")]
    pub net: Money,
    /// VAT.
    #[serde(with = "text_form::money")]
    pub vat: Money,
    /// `net + vat`.
    #[serde(with = "text_form::money")]
    pub gross: Money,
}

/// A line that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorrectionLine {
    /// 1, 2, 3 …
    pub position: u32,
    /// Number of the order blank (the contract).
    pub contract_number: String,
    /// Its signing date.
    pub contract_date: NaiveDate,
    /// What was rendered.
    pub service: LocalizedName,
    /// The order line's code.
    pub line_code: String,
    /// What the quantities count.
    pub unit: Unit,
    /// Quantity as it was charged.
    #[serde(with = "text_form::quantity")]
    pub quantity_before: Decimal,
    /// Quantity as it is now: the same where only the sum changes.
    #[serde(with = "text_form::quantity")]
    pub quantity: Decimal,
    /// Share: "0.12" is 12 %.
    #[serde(with = "text_form::rate")]
    pub vat_rate: Rate,
    /// As charged.
    pub before: Sums,
    /// As it should be.
    pub after: Sums,
    /// `after − before`.
    pub difference: Sums,
}

/// A correcting document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorrectionContent {
    /// [`super::CONTENT_VERSION`].
    pub version: u32,
    /// [`ContentKind::Correction`].
    pub kind: ContentKind,
    /// Gapless number within the year.
    pub number: String,
    /// City.
    pub place: String,
    /// Date: it is posted on it.
    pub issued_on: NaiveDate,
    /// The period that is corrected; it stays closed.
    #[serde(with = "text_form::period")]
    pub period: ReportingPeriod,
    /// The primary document that it refers to.
    pub corrects: DocumentRef,
    /// Why.
    pub reason: CorrectionReason,
    /// The decision in the operator's words; empty for late statistics.
    pub explanation: String,
    /// The operator.
    pub operator: Party,
    /// The customer.
    pub customer: Party,
    /// Whether VAT is shown.
    pub vat_payer: bool,
    /// The lines that change; never empty.
    pub lines: Vec<CorrectionLine>,
    /// Sum of the lines' differences, net.
    #[serde(with = "text_form::money")]
    pub net: Money,
    /// Sum of the lines' differences, VAT.
    #[serde(with = "text_form::money")]
    pub vat: Money,
    /// Sum of the lines' differences, gross: less than nothing in the customer's favour.
    #[serde(with = "text_form::money")]
    pub gross: Money,
    /// The customer's debt for rendered services after it.
    #[serde(with = "text_form::money")]
    pub receivable_left: Money,
    /// The customer's advance after it.
    #[serde(with = "text_form::money")]
    pub advance_left: Money,
}

impl CorrectionContent {
    /// Refuses contradictions; every renderer calls it, and so should whoever issues it.
    pub fn check(&self) -> Result<(), ContentError> {
        check_head(self.version, self.kind, ContentKind::Correction, self.lines.len())?;
        let sums = |sums: &Sums| (sums.net, sums.vat, sums.gross);
        check_lines(
            Signed::Either,
            (self.net, self.vat, self.gross),
            self.lines.iter().map(|line| sums(&line.difference)),
        )?;
        for line in &self.lines {
            let due = Sums {
                net: line.after.net.checked_sub(line.before.net)?,
                vat: line.after.vat.checked_sub(line.before.vat)?,
                gross: line.after.gross.checked_sub(line.before.gross)?,
            };
            if due != line.difference {
                return Err(ContentError::DifferenceDisagrees {
                    position: line.position,
                    difference: line.difference.gross,
                    due: due.gross,
                });
            }
        }
        Ok(())
    }
}
