//! The printed invoice (billing.md §2): requisites, what is paid for, the purpose line to copy into the payment order.
//!
//! It is made from the invoice's rows, which never change, and the parties' requisites as they are: an invoice is a request
//! for payment, and is paid to the account that is in force.

use crate::i18n::{Translator, text};
use chrono::NaiveDate;
use namoyish_documents::Language;
use namoyish_documents::content::{
    CONTENT_VERSION, ContentKind, InvoiceContent, InvoiceLine, LocalizedName, Party, PartyKind, Unit,
};
use namoyish_domain::calendar::ReportingPeriod;
use namoyish_domain::money::{Rate, UnitPrice};
use namoyish_storage::DbError;
use namoyish_storage::cabinet::{InvoiceRow, InvoiceSheet, InvoiceSheetLine, PartyRow};
use rust_decimal::Decimal;

/// The invoice in the words of a language, out of its rows.
pub(crate) fn invoice_content(
    language: Language,
    invoice: &InvoiceRow,
    sheet: InvoiceSheet,
) -> Result<InvoiceContent, DbError> {
    let t = Translator::new(language);
    let order_number = sheet.blank_number.clone().unwrap_or_default();
    let order_date = sheet.signed_on.unwrap_or(invoice.issued_on);
    let purpose = t.with(
        "invoice-purpose",
        &[
            ("number", text(invoice.number.clone())),
            ("day", text(t.date(invoice.issued_on))),
            ("order", text(order_number.clone())),
        ],
    );
    let lines = sheet
        .lines
        .iter()
        .map(|line| invoice_line(line, invoice, sheet.vat_rate))
        .collect::<Result<Vec<_>, DbError>>()?;
    Ok(InvoiceContent {
        version: CONTENT_VERSION,
        kind: ContentKind::Invoice,
        number: invoice.number.clone(),
        issued_on: invoice.issued_on,
        due_on: invoice.due_on,
        operator: party(sheet.operator)?,
        customer: party(sheet.customer)?,
        order_number,
        order_date,
        vat_payer: sheet.vat_payer,
        lines,
        net: invoice.net,
        vat: invoice.vat,
        gross: invoice.gross,
        purpose,
    })
}

fn party(row: PartyRow) -> Result<Party, DbError> {
    let kind = match row.kind.as_str() {
        "legal_entity" => PartyKind::LegalEntity,
        "sole_trader" => PartyKind::SoleTrader,
        "person" => PartyKind::Person,
        other => return Err(DbError::Inconsistent(format!("a party of the kind {other}"))),
    };
    Ok(Party {
        kind,
        name: row.name,
        address: row.address,
        stir_or_pinfl: row.stir_or_pinfl,
        bank_name: row.bank_name,
        mfo: row.mfo,
        settlement_account: row.settlement_account,
        oked: row.oked,
        vat_code: row.vat_code,
        signatory: row.director,
        authority: row.authority,
        accountant: row.accountant,
        email: row.email,
        phone: row.phone,
    })
}

fn invoice_line(
    line: &InvoiceSheetLine,
    invoice: &InvoiceRow,
    vat_rate: Rate,
) -> Result<InvoiceLine, DbError> {
    let (unit, quantity) = quantity(line)?;
    let covers = |day: Option<NaiveDate>| day.map(ReportingPeriod::of);
    Ok(InvoiceLine {
        service: LocalizedName {
            uz: line.name.uz.clone(),
            ru: line.name.ru.clone(),
            en: line.name.en.clone(),
        },
        line_code: line.code.clone(),
        period_from: covers(line.first_period)
            .map_or(line.first_day, |period| period.first_day().max(line.first_day)),
        period_to: covers(line.last_period)
            .map_or(line.last_day, |period| period.last_day().min(line.last_day)),
        unit,
        quantity,
        net: line.net,
        vat_rate: if invoice.vat.is_zero() {
            Rate::ZERO
        } else {
            vat_rate
        },
        vat: line.vat,
        gross: line.net.checked_add(line.vat)?,
    })
}

/// What the sum of a line buys, in kind.
fn quantity(line: &InvoiceSheetLine) -> Result<(Unit, Decimal), DbError> {
    let price: UnitPrice = line.unit_price;
    Ok(match (line.kind.as_str(), line.one_off) {
        ("media", _) => (
            Unit::Impressions,
            Decimal::from(price.impressions_for(line.net.exact())?),
        ),
        ("additional", true) => (Unit::Piece, line.quantity.unwrap_or(Decimal::ONE)),
        _ => {
            let months = match (line.first_period, line.last_period) {
                (Some(first), Some(last)) => ReportingPeriod::of(first)
                    .through(ReportingPeriod::of(last))
                    .count(),
                _ => ReportingPeriod::of(line.first_day)
                    .through(ReportingPeriod::of(line.last_day))
                    .count(),
            };
            (
                Unit::Month,
                Decimal::from(u32::try_from(months).unwrap_or(u32::MAX)),
            )
        }
    })
}
