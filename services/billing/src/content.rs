//! From a valued period to the content of its primary document and VAT invoice: requisites, contracts, names, totals.
//!
//! Rule: billing.md §5. Everything that the document will ever show is copied into the content when it is issued; later
//! changes of names or requisites don't reach it.

use chrono::NaiveDate;
use namoyish_documents::content::{
    CONTENT_VERSION, ContentKind, LocalizedName, StatisticsSource, Unit as ContentUnit,
};
use namoyish_documents::content::{DocumentRef, VatInvoiceContent, VatInvoiceLine, VatInvoiceType};
use namoyish_documents::{DocumentLine, Party, PrimaryDocumentContent};
use namoyish_domain::billing::primary_document::{PrimaryDocument, RenderedService, Unit};
use namoyish_domain::orders::customer::Requisites;
use namoyish_domain::orders::party::OperatorRequisites;
use namoyish_storage::periods::PeriodLineFacts;

/// What the content says besides the valued lines.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// The document's number.
    pub number: &'a str,
    /// Date of issue.
    pub issued_on: NaiveDate,
    /// The operator.
    pub operator: &'a OperatorRequisites,
    /// The customer.
    pub customer: &'a Requisites,
    /// Number of the rules edition in force on the period's last day.
    pub rules_edition: u32,
    /// Fingerprint of the counted impressions.
    pub fingerprint: &'a str,
}

/// A rendered line without the facts of its blank: two reads of one transaction that contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{line} was valued and isn't among the facts")]
pub struct UnknownLine {
    /// The line.
    pub line: namoyish_domain::ids::LineId,
}

/// The content of a primary document.
pub fn primary_document(
    document: &PrimaryDocument,
    facts: &[PeriodLineFacts],
    frame: Frame<'_>,
) -> Result<PrimaryDocumentContent, UnknownLine> {
    let lines = (1u32..)
        .zip(document.lines())
        .map(|(position, rendered)| line(position, rendered, facts))
        .collect::<Result<Vec<_>, _>>()?;
    let settlement = document.settlement();
    Ok(PrimaryDocumentContent {
        version: CONTENT_VERSION,
        kind: ContentKind::PrimaryDocument,
        number: frame.number.to_owned(),
        place: frame.operator.city.clone(),
        issued_on: frame.issued_on,
        period: document.period(),
        operator: operator(frame.operator),
        customer: customer(frame.customer),
        statistics_source: StatisticsSource::Own,
        // A blank keeps the VAT terms of the day it was made out [003 §5.3], whatever the operator's status is now.
        vat_payer: document
            .lines()
            .iter()
            .any(|line| !line.vat_rate.decimal().is_zero()),
        lines,
        net: document.net(),
        vat: document.vat(),
        gross: document.gross(),
        advance_used: settlement.from_advance,
        receivable_left: settlement.receivable_left,
        advance_left: settlement.advance_left,
        impressions_fingerprint: frame.fingerprint.to_owned(),
        rules_edition: frame.rules_edition,
    })
}

/// Codes of the service in the state catalogue; empty where the operator hasn't set them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CatalogCodes {
    /// MXIK.
    pub catalog_code: String,
    /// The unit's code.
    pub package_code: String,
}

/// The VAT invoice of a primary document: its parties, lines and sums, dated `dated`.
pub fn vat_invoice(
    document: &PrimaryDocumentContent,
    number: &str,
    dated: NaiveDate,
    codes: &CatalogCodes,
) -> VatInvoiceContent {
    let lines = document.lines.iter().map(|line| VatInvoiceLine {
        position: line.position,
        contract_number: line.contract_number.clone(),
        contract_date: line.contract_date,
        service: line.service.clone(),
        line_code: line.line_code.clone(),
        unit: line.unit,
        quantity: line.quantity,
        unit_price: Some(line.unit_price),
        vat_rate: line.vat_rate,
        net: line.net,
        vat: line.vat,
        gross: line.gross,
    });
    VatInvoiceContent {
        version: CONTENT_VERSION,
        kind: ContentKind::VatInvoice,
        number: number.to_owned(),
        invoice_type: VatInvoiceType::Standard,
        issued_on: dated,
        period: document.period,
        place: document.place.clone(),
        document: DocumentRef {
            number: document.number.clone(),
            date: document.issued_on,
        },
        corrects: None,
        operator: document.operator.clone(),
        customer: document.customer.clone(),
        catalog_code: codes.catalog_code.clone(),
        package_code: codes.package_code.clone(),
        lines: lines.collect(),
        net: document.net,
        vat: document.vat,
        gross: document.gross,
    }
}

fn line(
    position: u32,
    rendered: &RenderedService,
    facts: &[PeriodLineFacts],
) -> Result<DocumentLine, UnknownLine> {
    let known = facts
        .iter()
        .find(|facts| facts.line.line == rendered.line)
        .ok_or(UnknownLine { line: rendered.line })?;
    let [uz, ru, en] = known.names.clone();
    Ok(DocumentLine {
        position,
        contract_number: known.contract_number.clone(),
        contract_date: known.contract_date,
        service: LocalizedName { uz, ru, en },
        line_code: known.code.clone(),
        period_from: rendered.served.first_day(),
        period_to: rendered.served.last_day(),
        unit: match rendered.unit {
            Unit::Impressions => ContentUnit::Impressions,
            Unit::Month => ContentUnit::Month,
            Unit::Piece => ContentUnit::Piece,
        },
        quantity: rendered.quantity,
        unit_price: rendered.unit_price,
        vat_rate: rendered.vat_rate,
        net: rendered.net,
        vat: rendered.vat,
        gross: rendered.gross,
    })
}

/// The operator's requisites as documents print them.
pub fn operator(own: &OperatorRequisites) -> Party {
    Party::of_operator(own)
}

/// A customer's requisites as documents print them.
pub fn customer(own: &Requisites) -> Party {
    Party::of_customer(own)
}
