//! The front page and home: what needs doing, the balance, the lines of today (cabinet.md "Home").

use super::Cabinet;
use super::line::{self, LineCard};
use super::page::{self, Answer, Layout, Refusal};
use super::visitor::{SignedIn, Visitor};
use crate::i18n::{Translator, text};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::NaiveDate;
use namoyish_domain::calendar::minus_days;
use namoyish_domain::orders::checklist::Checklist;
use namoyish_storage::cabinet::{InvoiceRow, MaterialRow};

/// `GET /`: to the cabinet, or to the sign-in page.
pub(super) async fn front(visitor: Visitor) -> Answer {
    Ok(page::see_other(
        if visitor.session.is_some() {
            "/cabinet"
        } else {
            "/sign-in"
        },
        [],
    ))
}

/// Something that the customer should do.
#[derive(Debug)]
struct Task {
    urgent: bool,
    what: String,
    more: String,
    path: String,
    link: String,
}

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    t: Translator,
    layout: Layout,
    today: String,
    tasks: Vec<Task>,
    advance: String,
    receivable: String,
    owes: bool,
    penalty: String,
    spent_today: String,
    lines: Vec<LineCard>,
}

/// `GET /cabinet`
pub(super) async fn show(State(cabinet): State<Cabinet>, who: SignedIn) -> Answer {
    let t = who.visitor.t;
    let today = cabinet.ctx.today();
    let reads = cabinet.ctx.store.cabinet(who.customer);
    let balance = reads.balance().await?;
    let invoices = reads.open_invoices().await?;
    let materials = reads.materials_to_fix(today).await?;
    let rows = reads.current_lines(today).await?;
    let lines = rows
        .iter()
        .map(|row| LineCard::of(t, row, today))
        .collect::<Result<Vec<_>, Refusal>>()?;
    let mut spent_today = namoyish_domain::money::Exact::ZERO;
    for row in rows.iter().filter(|row| row.budget.is_some()) {
        spent_today = spent_today.checked_add(row.unit_price.of_impressions(row.counted_today)?)?;
    }

    let mut tasks: Vec<Task> = invoices
        .iter()
        .map(|invoice| invoice_task(t, invoice, today))
        .collect();
    let checklist = cabinet.ctx.store.begin().await?.checklist().all().await?;
    tasks.extend(
        materials
            .iter()
            .map(|material| material_task(t, &checklist, material)),
    );
    tasks.extend(
        lines
            .iter()
            .filter(|line| !line.runs && !line.waits)
            .map(|line| line_task(t, line)),
    );
    // What is late comes first; the order inside each half stays.
    tasks.sort_by_key(|task| !task.urgent);

    let page = HomePage {
        t,
        layout: Layout::new(&cabinet, &who.visitor, "home", t.get("home-title")),
        today: t.long_date(today),
        tasks,
        advance: t.money(balance.advance),
        receivable: t.money(balance.receivable),
        owes: balance.receivable.is_positive(),
        penalty: if balance.penalty.is_positive() {
            t.money(balance.penalty)
        } else {
            String::new()
        },
        spent_today: t.exact(spent_today),
        lines,
    };
    page::html(StatusCode::OK, &page)
}

fn invoice_task(t: Translator, invoice: &InvoiceRow, today: NaiveDate) -> Task {
    let urgent = invoice.due_on < today;
    let due = text(t.date(invoice.due_on));
    let more = if urgent {
        t.with("task-invoice-overdue", &[("due", due)])
    } else if minus_days(invoice.due_on, 1) == today || invoice.due_on == today {
        t.with("task-invoice-soon", &[("due", due)])
    } else {
        t.with("task-invoice-due", &[("due", due)])
    };
    Task {
        urgent,
        what: t.with(
            "task-invoice",
            &[
                ("number", text(invoice.number.clone())),
                ("sum", text(t.money(invoice.open()))),
            ],
        ),
        more,
        path: format!("/cabinet/invoices#{}", invoice.id),
        link: t.get("task-invoice-link"),
    }
}

fn material_task(t: Translator, checklist: &Checklist, material: &MaterialRow) -> Task {
    let key = if material.state == "rejected" {
        "task-material-rejected"
    } else {
        "task-material-documents"
    };
    let mut more = line::reasons(t, checklist, material).join(" ");
    if !material.comment.is_empty() {
        if !more.is_empty() {
            more.push(' ');
        }
        more.push_str(&material.comment);
    }
    Task {
        urgent: true,
        what: t.with(
            key,
            &[
                ("title", text(material.title.clone())),
                ("line", text(material.line_code.clone())),
            ],
        ),
        more,
        path: format!("/cabinet/lines/{}/materials", material.line),
        link: t.get("task-line-link"),
    }
}

fn line_task(t: Translator, line: &LineCard) -> Task {
    Task {
        urgent: false,
        what: t.with(
            "task-line-stopped",
            &[
                ("name", text(line.name.clone())),
                ("line", text(line.code.clone())),
            ],
        ),
        more: line.reasons.join(" "),
        path: line.path.clone(),
        link: t.get("task-line-link"),
    }
}
