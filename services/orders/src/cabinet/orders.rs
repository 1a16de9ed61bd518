//! Order blanks: the list, and one with its lines.

use super::Cabinet;
use super::amendments::{self, AmendmentCard};
use super::documents::{FileLanguage, file_languages};
use super::line::{self, LineCard};
use super::page::{self, Answer, Layout, Refusal};
use super::visitor::SignedIn;
use super::words::say;
use crate::i18n::{Translator, number, text};
use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use namoyish_domain::ids::OrderBlankId;
use namoyish_domain::orders::order_blank::BlankState;
use namoyish_storage::cabinet::OrderBlankRow;

/// An order blank as pages show it.
#[derive(Debug)]
struct OrderBlankView {
    path: String,
    number: String,
    state: String,
    in_force: bool,
    made_out_on: String,
    signed_on: String,
    term: String,
    lines: String,
}

impl OrderBlankView {
    fn of(t: Translator, row: &OrderBlankRow) -> OrderBlankView {
        let lines = u64::try_from(row.lines).unwrap_or(0);
        OrderBlankView {
            path: format!("/cabinet/orders/{}", row.id),
            number: row.number.clone(),
            state: say(t, "blank-state", &row.state),
            in_force: matches!(row.state.as_str(), "signed" | "in_service"),
            made_out_on: t.date(row.made_out_on),
            signed_on: row.signed_on.map_or_else(|| "—".to_owned(), |day| t.date(day)),
            term: match (row.first_day, row.last_day) {
                (Some(first), Some(last)) => line::term(t, first, last),
                _ => "—".to_owned(),
            },
            lines: t.with(
                "order-lines",
                &[("count", text(t.count(lines))), ("n", number(lines))],
            ),
        }
    }
}

#[derive(Template)]
#[template(path = "orders.html")]
struct OrdersPage {
    t: Translator,
    layout: Layout,
    blanks: Vec<OrderBlankView>,
}

#[derive(Template)]
#[template(path = "order.html")]
struct OrderPage {
    t: Translator,
    layout: Layout,
    blank: OrderBlankView,
    lines: Vec<LineCard>,
    /// Whether the customer is asked to sign.
    offered: bool,
    /// SHA-256 of the frozen terms; empty while nothing is signed.
    sha256: String,
    has_scan: bool,
    languages: Vec<FileLanguage>,
    invoices: Vec<InvoiceLink>,
    amendments: Vec<AmendmentCard>,
    /// Where the contract is ended; empty where it can't be.
    termination_path: String,
}

/// An invoice of the blank.
#[derive(Debug)]
struct InvoiceLink {
    path: String,
    number: String,
    gross: String,
    due_on: String,
    open: String,
}

/// `GET /cabinet/orders`
pub(super) async fn list(State(cabinet): State<Cabinet>, who: SignedIn) -> Answer {
    let t = who.visitor.t;
    let blanks = cabinet.ctx.store.cabinet(who.customer).order_blanks().await?;
    let page = OrdersPage {
        t,
        layout: Layout::new(&cabinet, &who.visitor, "orders", t.get("orders-title")),
        blanks: blanks.iter().map(|row| OrderBlankView::of(t, row)).collect(),
    };
    page::html(StatusCode::OK, &page)
}

/// `GET /cabinet/orders/{order_blank}`
pub(super) async fn show(State(cabinet): State<Cabinet>, who: SignedIn, Path(id): Path<String>) -> Answer {
    let t = who.visitor.t;
    let today = cabinet.ctx.today();
    let id = OrderBlankId::parse(&id).map_err(|_| Refusal::NotFound)?;
    let reads = cabinet.ctx.store.cabinet(who.customer);
    let blank = reads.order_blank(id).await?.ok_or(Refusal::NotFound)?;
    let rows = reads.lines_of(id, today).await?;
    let mut tx = cabinet.ctx.store.begin().await?;
    let whole = tx.order_blanks().find(id).await?.ok_or(Refusal::NotFound)?;
    drop(tx);
    let invoices = reads
        .invoices()
        .await?
        .into_iter()
        .filter(|invoice| invoice.blank_number.as_ref() == Some(&blank.number))
        .map(|invoice| InvoiceLink {
            path: format!("/cabinet/invoices#{}", invoice.id),
            gross: t.money(invoice.gross),
            due_on: t.date(invoice.due_on),
            open: if invoice.open().is_positive() {
                t.money(invoice.open())
            } else {
                String::new()
            },
            number: invoice.number,
        })
        .collect();
    let signature = whole.signature.as_ref();
    let title = t.with("order-title", &[("number", text(blank.number.clone()))]);
    let page = OrderPage {
        t,
        layout: Layout::new(&cabinet, &who.visitor, "orders", title),
        blank: OrderBlankView::of(t, &blank),
        lines: rows
            .iter()
            .map(|row| LineCard::of(t, row, today))
            .collect::<Result<_, Refusal>>()?,
        offered: whole.state == BlankState::Offered,
        sha256: signature.map_or_else(String::new, |signature| signature.sha256.clone()),
        has_scan: signature.is_some_and(|signature| signature.scan.is_some()),
        languages: file_languages(t),
        invoices,
        amendments: amendments::of_blank(&cabinet, t, &whole).await?,
        termination_path: super::termination::path_of(&who, id, whole.state),
    };
    page::html(StatusCode::OK, &page)
}
