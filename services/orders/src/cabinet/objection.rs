//! Objecting to a month's primary document, with the days that are left (billing.md §5) [003 §5.8–5.9].
//!
//! Open through the end of the 20th of the next month; afterwards, and once somebody has objected, the page says how it
//! stands. The command checks everything again: a page that lay open over midnight is told that it is too late.

use super::Cabinet;
use super::form::{self, Form, Once, Posted};
use super::page::{self, Answer, Layout, Refusal};
use super::visitor::{self, SignedIn};
use super::words::say;
use crate::app::object_to_document::{OWN_ROLES, ObjectToDocument, object_to_document_in};
use crate::app::{Nature, Refusal as _};
use crate::i18n::{Translator, number, text};
use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use chrono::NaiveDate;
use namoyish_domain::billing::objection::last_day;
use namoyish_domain::calendar::{ReportingPeriod, days_inclusive};
use namoyish_domain::ids::DocumentId;
use namoyish_storage::cabinet::DocumentRow;
use namoyish_storage::documents::DocumentRecord;
use namoyish_storage::objections::ObjectionRecord;

/// Where a document is objected to, or its objection shown; empty where neither can be.
pub(super) fn path_of(row: &DocumentRow, today: NaiveDate) -> String {
    let in_time = row
        .period
        .is_some_and(|day| today <= last_day(ReportingPeriod::of(day)));
    let objected = matches!(row.state.as_str(), "disputed" | "corrected" | "upheld");
    if row.kind == "primary_document" && (in_time || objected) {
        format!("/cabinet/documents/{}/objection", row.id)
    } else {
        String::new()
    }
}

/// An objection in the reader's words.
#[derive(Debug)]
struct Made {
    on: String,
    by: String,
    reasons: String,
    decided_on: String,
    verdict: String,
    decision: String,
}

impl Made {
    fn of(t: Translator, record: ObjectionRecord) -> Made {
        let (decided_on, verdict, decision) = match record.decision {
            None => (String::new(), String::new(), String::new()),
            Some(decision) => {
                let key = if decision.upheld {
                    "objection-upheld"
                } else {
                    "objection-rejected"
                };
                (t.date(decision.on), t.get(key), decision.reasons)
            }
        };
        Made {
            on: t.date(record.on),
            by: record.by,
            reasons: record.reasons,
            decided_on,
            verdict,
            decision,
        }
    }
}

#[derive(Template)]
#[template(path = "objection.html")]
struct ObjectionPage {
    t: Translator,
    layout: Layout,
    document: String,
    period: String,
    gross: String,
    state: String,
    made: Option<Made>,
    open: bool,
    countdown: String,
    form: Form,
    refusal: String,
    command_key: String,
}

/// The customer's own primary document with its objection.
async fn load(
    cabinet: &Cabinet,
    who: &SignedIn,
    id: &str,
) -> Result<(DocumentRecord, Option<ObjectionRecord>), Refusal> {
    let id = DocumentId::parse(id).map_err(|_| Refusal::NotFound)?;
    let mut tx = cabinet.ctx.store.begin().await?;
    let document = tx
        .documents()
        .find(id)
        .await?
        .filter(|document| document.customer == who.customer && document.kind == "primary_document")
        .ok_or(Refusal::NotFound)?;
    let objection = tx.objections().find(id).await?;
    Ok((document, objection))
}

/// "5 days are left: through the end of 20.12.2026", or that it is over.
fn countdown(t: Translator, last_day: NaiveDate, today: NaiveDate) -> String {
    if today > last_day {
        return t.with("objection-over", &[("day", text(t.date(last_day)))]);
    }
    let days = days_inclusive(today, last_day);
    t.with(
        "objection-countdown",
        &[("n", number(days.into())), ("day", text(t.date(last_day)))],
    )
}

fn objection_page(
    cabinet: &Cabinet,
    who: &SignedIn,
    (document, objection): (DocumentRecord, Option<ObjectionRecord>),
    form: Form,
    (status, refusal): (StatusCode, String),
) -> Answer {
    let t = who.visitor.t;
    let today = cabinet.ctx.today();
    let period = document.period.ok_or(Refusal::NotFound)?;
    let last_day = last_day(period);
    let page = ObjectionPage {
        t,
        layout: Layout::new(cabinet, &who.visitor, "documents", t.get("objection-title")),
        document: format!("{} {}", say(t, "document-kind", &document.kind), document.number),
        period: t.period(period),
        gross: t.money(document.gross),
        state: say(t, "document-state", document.state.name()),
        open: objection.is_none() && today <= last_day,
        made: objection.map(|record| Made::of(t, record)),
        countdown: countdown(t, last_day, today),
        form,
        refusal,
        command_key: form::draw_key(cabinet),
    };
    page::html(status, &page)
}

/// `GET /cabinet/documents/{document}/objection`
pub(super) async fn show(State(cabinet): State<Cabinet>, who: SignedIn, Path(id): Path<String>) -> Answer {
    let found = load(&cabinet, &who, &id).await?;
    objection_page(
        &cabinet,
        &who,
        found,
        Form::default(),
        (StatusCode::OK, String::new()),
    )
}

/// `POST /cabinet/documents/{document}/objection`
pub(super) async fn object(State(cabinet): State<Cabinet>, Path(id): Path<String>, posted: Posted) -> Answer {
    let who = SignedIn::of(&posted.visitor)?;
    let t = who.visitor.t;
    let found = load(&cabinet, &who, &id).await?;
    if !OWN_ROLES.contains(&who.session.role) {
        return Err(Refusal::RoleTooLow);
    }
    let mut form = posted.form;
    let mut refusal = String::new();
    if form.value("reasons").is_empty() {
        form.refuse("reasons", t.get("field-needed"));
    } else {
        let path = format!("/cabinet/documents/{}/objection", found.0.id);
        let done = page::see_other(&path, [visitor::flash_cookie(&cabinet, "objection-made")]);
        let ctx = &cabinet.ctx;
        let mut tx = ctx.store.begin().await?;
        let scope = format!("cabinet:{}:object:{}", who.session.user, found.0.id);
        let taken = match form::take_once(&mut tx, scope, &form).await? {
            Once::Again => return Ok(done),
            Once::First(taken) => taken,
        };
        let command = ObjectToDocument {
            document: found.0.id,
            reasons: form.value("reasons").to_owned(),
        };
        match object_to_document_in(&mut tx, ctx, &who.session.actor(), command).await {
            Ok(_) => {
                taken.finish(&mut tx, &path, ctx.now()).await?;
                tx.save().await?;
                return Ok(done);
            }
            Err(error) => {
                let told = error.told();
                match told.nature {
                    Nature::Conflict => refusal = reason(t, told.code, told.limit.as_deref()),
                    Nature::Refused => form.refuse("reasons", t.get("objection-reasons-hint")),
                    Nature::NotAllowed => return Err(Refusal::RoleTooLow),
                    Nature::NotFound => return Err(Refusal::NotFound),
                    Nature::TryAgain => return Err(Refusal::Busy),
                    Nature::Internal => return Err(Refusal::failed(&error)),
                }
            }
        }
    }
    let found = load(&cabinet, &who, &id).await?;
    objection_page(
        &cabinet,
        &who,
        found,
        form,
        (StatusCode::UNPROCESSABLE_ENTITY, refusal),
    )
}

/// Why the command refused what the page had let pass.
fn reason(t: Translator, code: &str, limit: Option<&str>) -> String {
    match code {
        "objection_too_late" => {
            let day = limit.and_then(|limit| limit.parse::<NaiveDate>().ok());
            t.with(
                "objection-over",
                &[("day", text(day.map_or_else(String::new, |day| t.date(day))))],
            )
        }
        _ => t.get("objection-exists"),
    }
}
