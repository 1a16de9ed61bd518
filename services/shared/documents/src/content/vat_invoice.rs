//! The VAT invoice (hisob-faktura) of a primary document, and the additional one of its correction (billing.md §5)
//! [003 §5.10]; uzbekistan.md §3.2.

use super::check::{Signed, check_head, check_lines};
use super::{ContentError, ContentKind, LocalizedName, Party, Unit, text_form};
use chrono::NaiveDate;
use namoyish_domain::calendar::ReportingPeriod;
use namoyish_domain::money::{Money, Rate, UnitPrice};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Another document by its number and date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentRef {
    /// Number.
    pub number: String,
    /// Date.
    pub date: NaiveDate,
}

/// Whether it is the invoice of a month or of a difference to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VatInvoiceType {
    /// Of a primary document.
    Standard,
    /// Of a correction: its sums are differences.
    Additional,
}

/// A line: that of the document it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VatInvoiceLine {
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
    /// What `quantity` counts.
    pub unit: Unit,
    /// Quantity in kind; 1 piece for a difference of the sum alone.
    #[serde(with = "text_form::quantity")]
    pub quantity: Decimal,
    /// So'm for 1,000 impressions, a month or a piece; none for a difference.
    #[serde(with = "text_form::optional_unit_price")]
    pub unit_price: Option<UnitPrice>,
    /// Share: "0.12" is 12 %.
    #[serde(with = "text_form::rate")]
    pub vat_rate: Rate,
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

/// A VAT invoice. Its sums are those of `document`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VatInvoiceContent {
    /// [`super::CONTENT_VERSION`].
    pub version: u32,
    /// [`ContentKind::VatInvoice`].
    pub kind: ContentKind,
    /// Gapless number within the year.
    pub number: String,
    /// Of a month or of a difference.
    pub invoice_type: VatInvoiceType,
    /// Its date: the last day of the period; an additional one has the date of its correction.
    pub issued_on: NaiveDate,
    /// The reporting period.
    #[serde(with = "text_form::period")]
    pub period: ReportingPeriod,
    /// City.
    pub place: String,
    /// The primary document, or the correction, that it belongs to.
    pub document: DocumentRef,
    /// The first VAT invoice, for an additional one.
    pub corrects: Option<DocumentRef>,
    /// The operator (seller).
    pub operator: Party,
    /// The customer (buyer).
    pub customer: Party,
    /// Code of the service in the state catalogue (MXIK), 17 digits; empty where the operator hasn't set it.
    pub catalog_code: String,
    /// Code of the unit in that catalogue.
    pub package_code: String,
    /// Never empty.
    pub lines: Vec<VatInvoiceLine>,
    /// Sum of the lines' net.
    #[serde(with = "text_form::money")]
    pub net: Money,
    /// Sum of the lines' VAT.
    #[serde(with = "text_form::money")]
    pub vat: Money,
    /// Sum of the lines' gross.
    #[serde(with = "text_form::money")]
    pub gross: Money,
}

impl VatInvoiceContent {
    /// Reads stored content back.
    pub fn read(json: &str) -> Result<VatInvoiceContent, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// Refuses contradictions; every renderer calls it, and so should whoever issues it.
    pub fn check(&self) -> Result<(), ContentError> {
        check_head(self.version, self.kind, ContentKind::VatInvoice, self.lines.len())?;
        let signed = match self.invoice_type {
            VatInvoiceType::Standard => Signed::NeverNegative,
            VatInvoiceType::Additional => Signed::Either,
        };
        check_lines(
            signed,
            (self.net, self.vat, self.gross),
            self.lines.iter().map(|line| (line.net, line.vat, line.gross)),
        )?;
        if (self.invoice_type == VatInvoiceType::Additional) != self.corrects.is_some() {
            return Err(ContentError::ReferenceDisagrees);
        }
        Ok(())
    }
}
