//! Money: invoices with their PDF, and payments (billing.md §2, §3).

use super::Cabinet;
use super::documents::{FileLanguage, FileQuery, attachment, file_languages, file_stem, render};
use super::page::{self, Answer, Layout, Refusal};
use super::visitor::SignedIn;
use super::words::say;
use crate::app::invoice_document::invoice_content;
use crate::i18n::Translator;
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use chrono::NaiveDate;
use namoyish_documents::render_invoice_pdf;
use namoyish_domain::ids::InvoiceId;
use namoyish_domain::money::Money;
use namoyish_storage::cabinet::InvoiceRow;

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
            (false, _, _) if row.due_gross.is_zero() => t.get("invoice-state-void"),
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
    let content = invoice_content(language, &invoice, sheet)?;
    let name = file_stem("invoice", &invoice.number, Some(language));
    let bytes = render(&cabinet, move || render_invoice_pdf(&content, language)).await?;
    Ok(attachment("application/pdf", &format!("{name}.pdf"), bytes))
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
