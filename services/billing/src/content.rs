//! From a valued period to the content of its primary document: requisites, contracts, names, totals.
//!
//! Rule: billing.md §5. Everything that the document will ever show is copied into the content when it is issued; later
//! changes of names or requisites don't reach it.

use chrono::NaiveDate;
use namoyish_documents::content::{
    CONTENT_VERSION, ContentKind, LocalizedName, PartyKind, StatisticsSource, Unit as ContentUnit,
};
use namoyish_documents::{DocumentLine, Party, PrimaryDocumentContent};
use namoyish_domain::billing::primary_document::{PrimaryDocument, RenderedService, Unit};
use namoyish_domain::orders::customer::{CustomerKind, Requisites};
use namoyish_domain::orders::party::{BankAccount, OperatorRequisites};
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
    let bank = bank(Some(&own.bank));
    Party {
        kind: PartyKind::LegalEntity,
        name: own.legal_name.clone(),
        address: own.address.clone(),
        stir_or_pinfl: own.stir.as_str().to_owned(),
        bank_name: bank.name,
        mfo: bank.mfo,
        settlement_account: bank.account,
        oked: own
            .oked
            .as_ref()
            .map(|oked| oked.as_str().to_owned())
            .unwrap_or_default(),
        vat_code: own
            .vat_code
            .as_ref()
            .map(|code| code.as_str().to_owned())
            .unwrap_or_default(),
        signatory: own.director.clone(),
        authority: "Ustav".to_owned(),
        accountant: own.accountant.clone(),
        email: own.email.as_str().to_owned(),
        phone: own.phone.as_str().to_owned(),
    }
}

/// A customer's requisites as documents print them.
pub fn customer(own: &Requisites) -> Party {
    let bank = bank(own.bank.as_ref());
    let stir = own.stir.as_ref().map(|stir| stir.as_str());
    let pinfl = own.pinfl.as_ref().map(|pinfl| pinfl.as_str());
    Party {
        kind: match own.kind {
            CustomerKind::LegalEntity => PartyKind::LegalEntity,
            CustomerKind::SoleTrader => PartyKind::SoleTrader,
            CustomerKind::Person => PartyKind::Person,
        },
        name: own.name.clone(),
        address: own.address.clone(),
        stir_or_pinfl: stir.or(pinfl).unwrap_or_default().to_owned(),
        bank_name: bank.name,
        mfo: bank.mfo,
        settlement_account: bank.account,
        oked: own
            .oked
            .as_ref()
            .map(|oked| oked.as_str().to_owned())
            .unwrap_or_default(),
        vat_code: own
            .vat_code
            .as_ref()
            .map(|code| code.as_str().to_owned())
            .unwrap_or_default(),
        signatory: own.signatory.clone(),
        authority: own.authority.clone(),
        accountant: String::new(),
        email: own.email.as_str().to_owned(),
        phone: own.phone.as_str().to_owned(),
    }
}

#[derive(Default)]
struct BankText {
    name: String,
    mfo: String,
    account: String,
}

fn bank(account: Option<&BankAccount>) -> BankText {
    account.map_or_else(BankText::default, |bank| BankText {
        name: bank.bank_name.clone(),
        mfo: bank.mfo.as_str().to_owned(),
        account: bank.account.as_str().to_owned(),
    })
}
