//! An amendment in the cabinet (orders.md §6): what changes, with the hash of its text; signed like the blank itself.

use super::Cabinet;
use super::form::{Form, Posted};
use super::page::{self, Answer, Layout, Refusal};
use super::sign::{confirm_password, refused};
use super::visitor::{self, SignedIn};
use super::words::say;
use crate::app::Refusal as _;
use crate::app::amendment_terms::{amendment_terms, changed_values};
use crate::app::propose_amendment::cancel_amendment_in;
use crate::app::sign_amendment::{SignAmendment, send_amendment_code, sign_amendment};
use crate::app::sign_order_blank::HowSigned;
use crate::i18n::{Translator, number, text};
use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use namoyish_documents::window_in_words;
use namoyish_domain::ids::AmendmentId;
use namoyish_domain::money::{Money, UnitPrice};
use namoyish_domain::orders::amendment::AmendmentState;
use namoyish_runtime::context::Role;
use namoyish_storage::amendments::Amendment;
use namoyish_storage::order_blanks::OrderBlank;
use serde_json::Value;

/// The most amendments that a page lists.
const AMENDMENTS_MAX: u32 = 200;

/// An amendment in a list.
#[derive(Debug)]
pub(super) struct AmendmentCard {
    pub path: String,
    pub name: String,
    pub state: String,
    pub in_force: bool,
    pub offered: bool,
    pub signed_on: String,
    pub sha256: String,
}

/// The chain of a blank, as far as the customer may see it.
pub(super) async fn of_blank(
    cabinet: &Cabinet,
    t: Translator,
    blank: &OrderBlank,
) -> Result<Vec<AmendmentCard>, Refusal> {
    let mut tx = cabinet.ctx.store.begin().await?;
    let amendments = tx
        .amendments()
        .of_blank(blank.id, true, None, AMENDMENTS_MAX)
        .await?;
    Ok(amendments.iter().map(|amendment| card(t, amendment)).collect())
}

fn card(t: Translator, amendment: &Amendment) -> AmendmentCard {
    let signature = amendment.signature.as_ref();
    AmendmentCard {
        path: format!("/cabinet/amendments/{}", amendment.id),
        name: name(t, amendment),
        state: say(t, "amendment-state", amendment.state.code()),
        in_force: amendment.state == AmendmentState::Signed,
        offered: amendment.state == AmendmentState::Offered,
        signed_on: signature.map_or_else(String::new, |signature| t.date(signature.signed_on)),
        sha256: signature.map_or_else(String::new, |signature| signature.sha256.clone()),
    }
}

fn name(t: Translator, amendment: &Amendment) -> String {
    let count = u64::try_from(amendment.number).unwrap_or(0);
    t.with(
        "amendment-name",
        &[("number", text(t.count(count))), ("n", number(count))],
    )
}

/// What changes of a line.
#[derive(Debug)]
struct LineView {
    code: String,
    /// Field, before, after.
    changes: Vec<(String, String, String)>,
}

#[derive(Template)]
#[template(path = "amendment.html")]
struct AmendmentPage {
    t: Translator,
    layout: Layout,
    order_path: String,
    order_number: String,
    name: String,
    note: String,
    state: String,
    in_force: bool,
    offered: bool,
    signed_on: String,
    sha256: String,
    previous_sha256: String,
    lines: Vec<LineView>,
    added: String,
    sign_path: String,
    code_path: String,
    decline_path: String,
    may_sign: bool,
    may_decline: bool,
    emails: String,
    form: Form,
    refusal: String,
}

async fn load(cabinet: &Cabinet, who: &SignedIn, id: &str) -> Result<(OrderBlank, Amendment), Refusal> {
    let id = AmendmentId::parse(id).map_err(|_| Refusal::NotFound)?;
    let mut tx = cabinet.ctx.store.begin().await?;
    let found = tx.amendments().find(id).await?;
    let amendment = found
        .filter(|amendment| amendment.offered_at.is_some())
        .ok_or(Refusal::NotFound)?;
    let blank = tx.order_blanks().find(amendment.blank).await?;
    let blank = blank.filter(|blank| blank.customer == who.customer);
    Ok((blank.ok_or(Refusal::NotFound)?, amendment))
}

/// `GET /cabinet/amendments/{amendment}`
pub(super) async fn show(State(cabinet): State<Cabinet>, who: SignedIn, Path(id): Path<String>) -> Answer {
    let loaded = load(&cabinet, &who, &id).await?;
    amendment_page(
        &cabinet,
        &who,
        loaded,
        StatusCode::OK,
        Form::default(),
        String::new(),
    )
    .await
}

async fn amendment_page(
    cabinet: &Cabinet,
    who: &SignedIn,
    (blank, amendment): (OrderBlank, Amendment),
    status: StatusCode,
    mut form: Form,
    mut refusal: String,
) -> Answer {
    let t = who.visitor.t;
    form.take_raw("password");
    let mut lines = Vec::new();
    let mut added = String::new();
    let (mut sha256, mut previous_sha256) = (String::new(), String::new());
    if let Some(signature) = &amendment.signature {
        sha256.clone_from(&signature.sha256);
        previous_sha256.clone_from(&signature.previous_sha256);
        let frozen: Value = serde_json::from_str(&signature.canonical_json).unwrap_or_default();
        lines = frozen_lines(t, &frozen);
        added = frozen
            .pointer("/added/gross")
            .and_then(Value::as_str)
            .map_or_else(String::new, |sum| shown(t, "budget", &Value::from(sum)));
    } else if amendment.state == AmendmentState::Offered {
        let mut tx = cabinet.ctx.store.begin().await?;
        let changes = tx.amendments().lines(amendment.id).await?;
        match amendment_terms(&mut tx, &blank, &amendment, &changes, cabinet.ctx.today()).await {
            Ok(terms) => {
                sha256 = terms.sha256;
                previous_sha256 = terms.previous_sha256;
                lines = terms
                    .judged
                    .iter()
                    .map(|judged| LineView {
                        code: judged.before.code.clone(),
                        changes: changed_values(judged)
                            .into_iter()
                            .map(|(field, from, to)| change(t, field, &from, &to))
                            .collect(),
                    })
                    .collect();
                added = t.money(Money::sum(terms.invoices.iter().map(|draft| draft.gross))?);
            }
            Err(error) if refusal.is_empty() => refusal = refused(t, &error.told(), &error.to_string())?,
            Err(_) => {}
        }
    }
    let card = card(t, &amendment);
    let mut layout = Layout::new(cabinet, &who.visitor, "orders", card.name.clone());
    layout.path = card.path.clone();
    let may_sign = card.offered && who.session.role == Role::Owner && !sha256.is_empty();
    let page = AmendmentPage {
        t,
        layout,
        order_path: format!("/cabinet/orders/{}", blank.id),
        order_number: blank.number.clone(),
        sign_path: format!("{}/sign", card.path),
        code_path: format!("{}/code", card.path),
        decline_path: format!("{}/decline", card.path),
        name: card.name,
        note: amendment.note.clone(),
        state: card.state,
        in_force: card.in_force,
        offered: card.offered,
        signed_on: card.signed_on,
        sha256,
        previous_sha256,
        lines,
        added,
        may_sign,
        may_decline: card.offered && who.may_change(),
        emails: blank
            .notice_emails
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", "),
        form,
        refusal,
    };
    page::html(status, &page)
}

/// The changes that a frozen text holds.
fn frozen_lines(t: Translator, frozen: &Value) -> Vec<LineView> {
    let lines = frozen.get("lines").and_then(Value::as_array);
    lines
        .into_iter()
        .flatten()
        .map(|line| LineView {
            code: line
                .get("code")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            changes: line
                .get("changes")
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
                .map(|(field, values)| {
                    let value = |name| values.get(name).cloned().unwrap_or_default();
                    change(t, field, &value("from"), &value("to"))
                })
                .collect(),
        })
        .collect()
}

fn change(t: Translator, field: &str, from: &Value, to: &Value) -> (String, String, String) {
    (
        say(t, "amended-field", field),
        shown(t, field, from),
        shown(t, field, to),
    )
}

/// A value of the text in the reader's words; ids and codes are shown as they are.
fn shown(t: Translator, field: &str, value: &Value) -> String {
    match value {
        Value::Null => "—".to_owned(),
        Value::Array(items) if items.is_empty() => t.get("amended-all"),
        Value::Array(items) => items
            .iter()
            .map(|item| {
                let item = item.as_str().unwrap_or_default();
                if field == "schedule" {
                    window_in_words(item, t.language())
                } else {
                    item.to_owned()
                }
            })
            .collect::<Vec<_>>()
            .join(", "),
        Value::String(written) => match field {
            "budget" => Money::parse(written).map_or_else(|_| written.clone(), |sum| t.money(sum)),
            "unit_price" => {
                UnitPrice::parse(written).map_or_else(|_| written.clone(), |price| t.unit_price(price))
            }
            "first_day" | "last_day" => written
                .parse()
                .map_or_else(|_| written.clone(), |day| t.date(day)),
            _ => written.clone(),
        },
        other => other.to_string(),
    }
}

/// `POST /cabinet/amendments/{amendment}/code`: sends a code.
pub(super) async fn send_code(
    State(cabinet): State<Cabinet>,
    Path(id): Path<String>,
    posted: Posted,
) -> Answer {
    let who = SignedIn::of(&posted.visitor)?;
    let loaded = load(&cabinet, &who, &id).await?;
    let amendment = loaded.1.id;
    match send_amendment_code(&cabinet.ctx, &who.session.actor(), amendment).await {
        Ok(()) => {
            let path = format!("/cabinet/amendments/{amendment}#sign");
            Ok(page::see_other(
                &path,
                [visitor::flash_cookie(&cabinet, "code-sent")],
            ))
        }
        Err(error) => {
            let refusal = refused(who.visitor.t, &error.told(), &error.to_string())?;
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            amendment_page(&cabinet, &who, loaded, status, Form::default(), refusal).await
        }
    }
}

/// `POST /cabinet/amendments/{amendment}/sign`: signs.
pub(super) async fn sign(State(cabinet): State<Cabinet>, Path(id): Path<String>, posted: Posted) -> Answer {
    let who = SignedIn::of(&posted.visitor)?;
    let t = who.visitor.t;
    let loaded = load(&cabinet, &who, &id).await?;
    let path = format!("/cabinet/amendments/{}", loaded.1.id);
    if who.session.role != Role::Owner {
        return Err(Refusal::RoleTooLow);
    }
    if loaded.1.state != AmendmentState::Offered {
        return Ok(page::see_other(&path, []));
    }
    let mut form = posted.form;
    let code = form.value("code").to_owned();
    if code.is_empty() {
        form.refuse("code", t.get("field-needed"));
    }
    let mut refusal = String::new();
    if confirm_password(&cabinet, &who, &mut form).await? && form.is_sound() {
        let cmd = SignAmendment {
            amendment: loaded.1.id,
            how: HowSigned::CabinetCode { code },
            shown_sha256: Some(form.value("sha256").to_owned()),
        };
        match sign_amendment(&cabinet.ctx, &who.session.actor(), cmd).await {
            Ok(_) => {
                let done = [visitor::flash_cookie(&cabinet, "amendment-signed")];
                return Ok(page::see_other(&path, done));
            }
            Err(error) => {
                let told = error.told();
                let reason = refused(t, &told, &error.to_string())?;
                if told.field.as_deref() == Some("code") {
                    form.refuse("code", reason);
                } else {
                    refusal = reason;
                }
            }
        }
    }
    amendment_page(
        &cabinet,
        &who,
        loaded,
        StatusCode::UNPROCESSABLE_ENTITY,
        form,
        refusal,
    )
    .await
}

/// `POST /cabinet/amendments/{amendment}/decline`: gives the offer back.
pub(super) async fn decline(
    State(cabinet): State<Cabinet>,
    Path(id): Path<String>,
    posted: Posted,
) -> Answer {
    let who = SignedIn::of(&posted.visitor)?;
    let loaded = load(&cabinet, &who, &id).await?;
    let amendment = loaded.1.id;
    let mut tx = cabinet.ctx.store.begin().await?;
    let reason = posted.form.value("reason").to_owned();
    let declined = cancel_amendment_in(&mut tx, &cabinet.ctx, &who.session.actor(), amendment, &reason).await;
    match declined {
        Ok(_) => {
            tx.save().await?;
            let path = format!("/cabinet/orders/{}", loaded.0.id);
            Ok(page::see_other(
                &path,
                [visitor::flash_cookie(&cabinet, "amendment-declined")],
            ))
        }
        Err(error) => {
            drop(tx);
            let refusal = refused(who.visitor.t, &error.told(), &error.to_string())?;
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            amendment_page(&cabinet, &who, loaded, status, posted.form, refusal).await
        }
    }
}
