//! Money: invoices with their PDF, and payments (billing.md §2, §3).

use super::Cabinet;
use super::documents::{FileLanguage, FileQuery, attachment, file_languages, file_stem, render};
use super::page::{self, Answer, Layout, Refusal};
use super::visitor::SignedIn;
use super::words::say;
use crate::i18n::{Translator, text};
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use chrono::NaiveDate;
use namoyish_documents::content::{
    CONTENT_VERSION, ContentKind, InvoiceContent, InvoiceLine, LocalizedName, Party, PartyKind, Unit,
};
use namoyish_documents::render_invoice_pdf;
use namoyish_domain::calendar::ReportingPeriod;
use namoyish_domain::ids::InvoiceId;
use namoyish_domain::money::{Money, Rate, UnitPrice};
use namoyish_storage::DbError;
use namoyish_storage::cabinet::{InvoiceRow, InvoiceSheet, InvoiceSheetLine, PartyRow};
use rust_decimal::Decimal;

#[derive(Debug)]
struct InvoiceView {
    id: String,
    path: String,
    number: String,
    blank_number: String,
    issued_on: String,
    due_on: String,
    gross: String,
    paid: String,
    open: String,
    state: String,
    is_open: bool,
    overdue: bool,
}

impl InvoiceView {
    fn of(t: Translator, row: &InvoiceRow, today: NaiveDate) -> InvoiceView {
        let is_open = row.open().is_positive();
        let overdue = is_open && row.due_on < today;
        let state = match (is_open, overdue, row.paid.is_positive()) {
            (false, _, _) => t.get("invoice-state-paid"),
            (true, true, _) => t.get("invoice-state-overdue"),
            (true, false, true) => t.get("invoice-state-part"),
            (true, false, false) => t.get("invoice-state-open"),
        };
        InvoiceView {
            id: row.id.to_string(),
            path: format!("/cabinet/invoices/{}/pdf", row.id),
            number: row.number.clone(),
            blank_number: row.blank_number.clone().unwrap_or_default(),
            issued_on: t.date(row.issued_on),
            due_on: t.date(row.due_on),
            gross: t.money(row.gross),
            paid: t.money(row.paid),
            open: t.money(row.open()),
            state,
            is_open,
            overdue,
        }
    }
}

#[derive(Template)]
#[template(path = "invoices.html")]
struct InvoicesPage {
    t: Translator,
    layout: Layout,
    invoices: Vec<InvoiceView>,
    languages: Vec<FileLanguage>,
    open_in_all: String,
}

/// `GET /cabinet/invoices`
pub(super) async fn invoices(State(cabinet): State<Cabinet>, who: SignedIn) -> Answer {
    let t = who.visitor.t;
    let today = cabinet.ctx.today();
    let rows = cabinet.ctx.store.cabinet(who.customer).invoices().await?;
    let page = InvoicesPage {
        t,
        layout: Layout::new(&cabinet, &who.visitor, "invoices", t.get("invoices-title")),
        open_in_all: t.money(Money::sum(rows.iter().map(InvoiceRow::open))?),
        invoices: rows.iter().map(|row| InvoiceView::of(t, row, today)).collect(),
        languages: file_languages(t),
    };
    page::html(StatusCode::OK, &page)
}

/// `GET /cabinet/invoices/{invoice}/pdf`
pub(super) async fn invoice_pdf(
    State(cabinet): State<Cabinet>,
    who: SignedIn,
    Path(id): Path<String>,
    Query(query): Query<FileQuery>,
) -> Answer {
    let t = who.visitor.t;
    let id = InvoiceId::parse(&id).map_err(|_| Refusal::NotFound)?;
    let found = cabinet.ctx.store.cabinet(who.customer).invoice(id).await?;
    let (invoice, sheet) = found.ok_or(Refusal::NotFound)?;
    let language = query.language(t);
    let content = content_of(Translator::new(language), &invoice, sheet)?;
    let name = file_stem("invoice", &invoice.number, Some(language));
    let bytes = render(&cabinet, move || render_invoice_pdf(&content, language)).await?;
    Ok(attachment("application/pdf", &format!("{name}.pdf"), bytes))
}

fn content_of(t: Translator, invoice: &InvoiceRow, sheet: InvoiceSheet) -> Result<InvoiceContent, Refusal> {
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
        .collect::<Result<Vec<_>, Refusal>>()?;
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

fn party(row: PartyRow) -> Result<Party, Refusal> {
    let kind = match row.kind.as_str() {
        "legal_entity" => PartyKind::LegalEntity,
        "sole_trader" => PartyKind::SoleTrader,
        "person" => PartyKind::Person,
        other => return Err(DbError::Inconsistent(format!("a party of the kind {other}")).into()),
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
) -> Result<InvoiceLine, Refusal> {
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
fn quantity(line: &InvoiceSheetLine) -> Result<(Unit, Decimal), Refusal> {
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

#[derive(Debug)]
struct PaymentView {
    received_on: String,
    amount: String,
    method: String,
    reference: String,
    invoice: String,
    allocated: String,
    free: String,
}

#[derive(Template)]
#[template(path = "payments.html")]
struct PaymentsPage {
    t: Translator,
    layout: Layout,
    advance: String,
    payments: Vec<PaymentView>,
}

/// `GET /cabinet/payments`
pub(super) async fn payments(State(cabinet): State<Cabinet>, who: SignedIn) -> Answer {
    let t = who.visitor.t;
    let reads = cabinet.ctx.store.cabinet(who.customer);
    let balance = reads.balance().await?;
    let rows = reads.payments().await?;
    let payments = rows
        .iter()
        .map(|row| {
            Ok(PaymentView {
                received_on: t.date(row.received_on),
                amount: t.money(row.amount),
                method: say(t, "payment-method", &row.method),
                reference: row.reference.clone(),
                invoice: row.invoice_number.clone().unwrap_or_else(|| "—".to_owned()),
                allocated: t.money(row.allocated),
                free: t.money(row.amount.checked_sub(row.allocated)?),
            })
        })
        .collect::<Result<Vec<_>, Refusal>>()?;
    let layout = Layout::new(&cabinet, &who.visitor, "payments", t.get("payments-title"));
    page::html(
        StatusCode::OK,
        &PaymentsPage {
            t,
            layout,
            advance: t.money(balance.advance),
            payments,
        },
    )
}
