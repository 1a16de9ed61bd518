//! Order blanks: the list, and one with its lines.

use super::Cabinet;
use super::line::{self, LineCard};
use super::page::{self, Answer, Layout, Refusal};
use super::visitor::SignedIn;
use super::words::say;
use crate::i18n::{Translator, number, text};
use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use namoyish_domain::ids::OrderBlankId;
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
    let title = t.with("order-title", &[("number", text(blank.number.clone()))]);
    let page = OrderPage {
        t,
        layout: Layout::new(&cabinet, &who.visitor, "orders", title),
        blank: OrderBlankView::of(t, &blank),
        lines: rows
            .iter()
            .map(|row| LineCard::of(t, row, today))
            .collect::<Result<_, Refusal>>()?,
    };
    page::html(StatusCode::OK, &page)
}
