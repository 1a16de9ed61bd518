//! Signing in the cabinet (orders.md §3): the whole blank with the hash of its terms, the password again and the one-time
//! code from the notice e-mail; or declining it.
//!
//! The form carries the hash that the page showed: a signature under other terms is refused. Wrong passwords count like
//! those of a sign-in. Without JavaScript: asking for a code and signing are two forms on one page.

use super::Cabinet;
use super::documents::{FileQuery, attachment, file_stem, render};
use super::form::{Form, Posted};
use super::page::{self, Answer, Layout, Refusal};
use super::visitor::{self, SignedIn};
use super::words::say;
use crate::api::saved_scan;
use crate::app::Refusal as _;
use crate::app::cancel_order_blank::{CancelOrderBlank, cancel_order_blank};
use crate::app::sign_order_blank::{HowSigned, SignOrderBlank, SignOrderBlankError, sign_shown_terms};
use crate::app::signing_code::{SendSigningCode, send_signing_code};
use crate::app::terms::{printed_blank, terms_today};
use crate::app::{Nature, Told};
use crate::i18n::{Translator, number, text};
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use namoyish_documents::content::{BlankBudgetMode, BlankPrepayment, OrderBlankContent, OrderBlankLine};
use namoyish_documents::{Labels, render_order_blank_pdf, window_in_words};
use namoyish_domain::ids::OrderBlankId;
use namoyish_domain::orders::order_blank::BlankState;
use namoyish_runtime::context::Role;
use namoyish_storage::order_blanks::OrderBlank;

/// A line of the blank in the reader's words.
#[derive(Debug)]
struct LineView {
    position: u32,
    name: String,
    code: String,
    facts: Vec<(String, String)>,
    net: String,
    vat: String,
    gross: String,
}

#[derive(Template)]
#[template(path = "order_sign.html")]
struct SignPage {
    t: Translator,
    layout: Layout,
    order_path: String,
    number: String,
    facts: Vec<(String, String)>,
    lines: Vec<LineView>,
    vat_payer: bool,
    net: String,
    vat: String,
    gross: String,
    sha256: String,
    sign_path: String,
    code_path: String,
    decline_path: String,
    may_sign: bool,
    may_decline: bool,
    emails: String,
    form: Form,
    refusal: String,
}

/// The customer's own blank, locked by nothing.
async fn load(cabinet: &Cabinet, who: &SignedIn, id: &str) -> Result<OrderBlank, Refusal> {
    let id = OrderBlankId::parse(id).map_err(|_| Refusal::NotFound)?;
    let mut tx = cabinet.ctx.store.begin().await?;
    let found = tx.order_blanks().find(id).await?;
    found
        .filter(|blank| blank.customer == who.customer && blank.state != BlankState::Draft)
        .ok_or(Refusal::NotFound)
}

/// `GET /cabinet/orders/{order_blank}/sign`
pub(super) async fn show(State(cabinet): State<Cabinet>, who: SignedIn, Path(id): Path<String>) -> Answer {
    let blank = load(&cabinet, &who, &id).await?;
    if blank.state != BlankState::Offered {
        return Ok(page::see_other(&format!("/cabinet/orders/{}", blank.id), []));
    }
    sign_page(
        &cabinet,
        &who,
        &blank,
        StatusCode::OK,
        Form::default(),
        String::new(),
    )
    .await
}

async fn sign_page(
    cabinet: &Cabinet,
    who: &SignedIn,
    blank: &OrderBlank,
    status: StatusCode,
    mut form: Form,
    refusal: String,
) -> Answer {
    let t = who.visitor.t;
    let mut tx = cabinet.ctx.store.begin().await?;
    let terms = terms_today(&mut tx, blank, cabinet.ctx.today())
        .await
        .map_err(|error| failed(&error))?;
    drop(tx);
    let content = terms.content;
    form.take_raw("password");
    let title = t.with("sign-title", &[("number", text(blank.number.clone()))]);
    let mut layout = Layout::new(cabinet, &who.visitor, "orders", title);
    layout.path = format!("/cabinet/orders/{}/sign", blank.id);
    let page = SignPage {
        t,
        layout,
        order_path: format!("/cabinet/orders/{}", blank.id),
        number: blank.number.clone(),
        facts: facts(t, &content),
        lines: content.lines.iter().map(|line| line_view(t, line)).collect(),
        vat_payer: content.vat_payer,
        net: t.money(content.net),
        vat: t.money(content.vat),
        gross: t.money(content.gross),
        sha256: terms.sha256,
        sign_path: format!("/cabinet/orders/{}/sign", blank.id),
        code_path: format!("/cabinet/orders/{}/sign/code", blank.id),
        decline_path: format!("/cabinet/orders/{}/decline", blank.id),
        may_sign: who.session.role == Role::Owner,
        may_decline: who.may_change(),
        emails: content.notice_emails.join(", "),
        form,
        refusal,
    };
    page::html(status, &page)
}

fn facts(t: Translator, content: &OrderBlankContent) -> Vec<(String, String)> {
    let labels = Labels::of(t.language());
    let rules = labels
        .rules_edition
        .replace("{edition}", &content.rules_edition.to_string())
        .replace("{date}", &t.date(content.rules_in_force_from));
    let prepayment = match content.prepayment {
        BlankPrepayment::Full => labels.prepayment_full,
        BlankPrepayment::Monthly => labels.prepayment_monthly,
    };
    let mut facts = vec![
        (labels.operator.to_owned(), content.operator.name.clone()),
        (labels.customer.to_owned(), content.customer.name.clone()),
        (labels.place.to_owned(), content.place.clone()),
        (labels.date.to_owned(), t.date(content.made_out_on)),
        (labels.rules.to_owned(), rules),
        (labels.prepayment.to_owned(), prepayment.to_owned()),
    ];
    facts.extend(content.own_due_on.map(|day| {
        let by = labels.due_by.replace("{date}", &t.date(day));
        (labels.due.to_owned(), by)
    }));
    facts.extend(content.own_due_days.map(|days| {
        let within = labels.due_within.replace("{days}", &days.to_string());
        (labels.due.to_owned(), within)
    }));
    facts.push((labels.notices.to_owned(), content.notice_emails.join(", ")));
    facts
}

/// A line of the blank in the reader's words, as the paper says it.
fn line_view(t: Translator, line: &OrderBlankLine) -> LineView {
    let language = t.language();
    let labels = Labels::of(language);
    let names = |names: &[namoyish_documents::LocalizedName]| {
        names
            .iter()
            .map(|name| name.in_language(language))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let mut facts = vec![
        (
            labels.col_term.to_owned(),
            super::line::term(t, line.first_day, line.last_day),
        ),
        (labels.col_price.to_owned(), t.unit_price(line.unit_price)),
        (labels.col_quantity.to_owned(), t.quantity(line.quantity)),
    ];
    if let (Some(mode), Some(budget)) = (line.budget_mode, line.budget) {
        let label = match mode {
            BlankBudgetMode::Total => labels.budget_total,
            BlankBudgetMode::Monthly => labels.budget_monthly,
        };
        facts.push((label.to_owned(), t.money(budget)));
    }
    if !line.placements.is_empty() {
        let regions = if line.regions.is_empty() {
            labels.everywhere.to_owned()
        } else {
            names(&line.regions)
        };
        facts.push((
            labels.col_where.to_owned(),
            format!("{}; {regions}", names(&line.placements)),
        ));
    }
    facts.extend(targeting_facts(
        t,
        &line.rubrics,
        &line.search_phrases,
        &line.schedule,
        line.frequency_cap,
    ));
    LineView {
        position: line.position,
        name: line.service.in_language(language).to_owned(),
        code: line.line_code.clone(),
        facts,
        net: t.money(line.net),
        vat: t.money(line.vat),
        gross: t.money(line.gross),
    }
}

/// To whom and when a line is shown, in the reader's words; what is open to everybody isn't said.
pub(super) fn targeting_facts(
    t: Translator,
    rubrics: &[String],
    search_phrases: &[String],
    schedule: &[String],
    frequency_cap: Option<u16>,
) -> Vec<(String, String)> {
    let labels = Labels::of(t.language());
    let mut facts = Vec::new();
    for (label, values) in [(labels.rubrics, rubrics), (labels.search_phrases, search_phrases)] {
        if !values.is_empty() {
            facts.push((label.to_owned(), values.join(", ")));
        }
    }
    if !schedule.is_empty() {
        let windows: Vec<String> = schedule
            .iter()
            .map(|window| window_in_words(window, t.language()))
            .collect();
        facts.push((labels.shown_at.to_owned(), windows.join("; ")));
    }
    facts.extend(frequency_cap.map(|cap| {
        let count = labels.frequency_cap.replace("{count}", &cap.to_string());
        (t.get("sign-frequency"), count)
    }));
    facts
}

/// What a command refused, in the reader's words; failures of the platform are a page of their own.
pub(super) fn refused(t: Translator, told: &Told, sentence: &str) -> Result<String, Refusal> {
    match told.nature {
        Nature::NotFound => Err(Refusal::NotFound),
        Nature::NotAllowed => Err(Refusal::RoleTooLow),
        Nature::TryAgain => Err(Refusal::Busy),
        Nature::Internal => Err(Refusal::Failed),
        Nature::Conflict | Nature::Refused => {
            let said = say(t, "sign-refused", told.code);
            Ok(if said == told.code {
                t.with("sign-refused-other", &[("reason", text(sentence.to_owned()))])
            } else {
                said
            })
        }
    }
}

fn failed(error: &SignOrderBlankError) -> Refusal {
    match error.told().nature {
        Nature::TryAgain => Refusal::Busy,
        _ => Refusal::failed(error),
    }
}

/// Whether the password is the signed-in user's own; the reason at its field when it isn't. Tries are limited as at the
/// sign-in.
pub(super) async fn confirm_password(
    cabinet: &Cabinet,
    who: &SignedIn,
    form: &mut Form,
) -> Result<bool, Refusal> {
    let t = who.visitor.t;
    let password = form.take_raw("password");
    if password.is_empty() {
        form.refuse("password", t.get("field-needed"));
        return Ok(false);
    }
    let (login, address) = (&who.session.login, &who.visitor.address);
    if let Err(seconds) = cabinet.limit.admit(login, address, cabinet.ctx.now()) {
        let minutes = u64::try_from((seconds + 59) / 60).unwrap_or(1);
        let refusal = t.with(
            "sign-in-too-often",
            &[("minutes", text(t.count(minutes))), ("n", number(minutes))],
        );
        form.refuse("password", refusal);
        return Ok(false);
    }
    let user = cabinet.ctx.store.access().user_by_login(login).await?;
    let too_long = password.len() > super::password::PASSWORD_BYTES_MAX;
    let hash = user
        .as_ref()
        .filter(|_| !too_long)
        .map(|user| user.password_hash.clone());
    let right = cabinet.passwords.verify(password, hash).await?;
    if right && user.is_some_and(|user| !user.locked) {
        cabinet.limit.forget(login, address);
        return Ok(true);
    }
    form.refuse("password", t.get("sign-password-wrong"));
    Ok(false)
}

/// `POST /cabinet/orders/{order_blank}/sign/code`: sends a code.
pub(super) async fn send_code(
    State(cabinet): State<Cabinet>,
    Path(id): Path<String>,
    posted: Posted,
) -> Answer {
    let who = SignedIn::of(&posted.visitor)?;
    let blank = load(&cabinet, &who, &id).await?;
    let cmd = SendSigningCode { blank: blank.id };
    match send_signing_code(&cabinet.ctx, &who.session.actor(), cmd).await {
        Ok(()) => {
            let path = format!("/cabinet/orders/{}/sign#sign", blank.id);
            Ok(page::see_other(
                &path,
                [visitor::flash_cookie(&cabinet, "code-sent")],
            ))
        }
        Err(error) => {
            let refusal = refused(who.visitor.t, &error.told(), &error.to_string())?;
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            sign_page(&cabinet, &who, &blank, status, Form::default(), refusal).await
        }
    }
}

/// `POST /cabinet/orders/{order_blank}/sign`: signs.
pub(super) async fn sign(State(cabinet): State<Cabinet>, Path(id): Path<String>, posted: Posted) -> Answer {
    let who = SignedIn::of(&posted.visitor)?;
    let t = who.visitor.t;
    let blank = load(&cabinet, &who, &id).await?;
    let order_path = format!("/cabinet/orders/{}", blank.id);
    if who.session.role != Role::Owner {
        return Err(Refusal::RoleTooLow);
    }
    if blank.state != BlankState::Offered {
        // The form that was sent twice: the blank's own page says what became of it.
        return Ok(page::see_other(&order_path, []));
    }
    let mut form = posted.form;
    let code = form.value("code").to_owned();
    if code.is_empty() {
        form.refuse("code", t.get("field-needed"));
    }
    let mut refusal = String::new();
    if confirm_password(&cabinet, &who, &mut form).await? && form.is_sound() {
        let shown = form.value("sha256").to_owned();
        let cmd = SignOrderBlank {
            blank: blank.id,
            how: HowSigned::CabinetCode { code },
        };
        match sign_shown_terms(&cabinet.ctx, &who.session.actor(), cmd, Some(&shown)).await {
            Ok(_) => {
                let done = [visitor::flash_cookie(&cabinet, "order-signed")];
                return Ok(page::see_other(&order_path, done));
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
    sign_page(
        &cabinet,
        &who,
        &blank,
        StatusCode::UNPROCESSABLE_ENTITY,
        form,
        refusal,
    )
    .await
}

/// `POST /cabinet/orders/{order_blank}/decline`: gives the offer back.
pub(super) async fn decline(
    State(cabinet): State<Cabinet>,
    Path(id): Path<String>,
    posted: Posted,
) -> Answer {
    let who = SignedIn::of(&posted.visitor)?;
    let blank = load(&cabinet, &who, &id).await?;
    let cmd = CancelOrderBlank {
        blank: blank.id,
        reason: posted.form.value("reason").to_owned(),
    };
    match cancel_order_blank(&cabinet.ctx, &who.session.actor(), cmd).await {
        Ok(_) => {
            let path = format!("/cabinet/orders/{}", blank.id);
            Ok(page::see_other(
                &path,
                [visitor::flash_cookie(&cabinet, "order-declined")],
            ))
        }
        Err(error) => {
            let refusal = refused(who.visitor.t, &error.told(), &error.to_string())?;
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            sign_page(&cabinet, &who, &blank, status, posted.form, refusal).await
        }
    }
}

/// `GET /cabinet/orders/{order_blank}/{pdf|terms|scan}`
pub(super) async fn download(
    State(cabinet): State<Cabinet>,
    who: SignedIn,
    Path((id, file)): Path<(String, String)>,
    Query(query): Query<FileQuery>,
) -> Answer {
    let blank = load(&cabinet, &who, &id).await?;
    let mut tx = cabinet.ctx.store.begin().await?;
    let sha256 = blank.signature.as_ref().map(|signature| signature.sha256.clone());
    match file.as_str() {
        "pdf" => {
            let language = query.language(who.visitor.t);
            let content = printed_blank(&mut tx, &blank, cabinet.ctx.today())
                .await
                .map_err(|error| failed(&error))?
                .ok_or(Refusal::NotFound)?;
            drop(tx);
            let verify_url = format!(
                "{}/verify?number={}&hash={}",
                cabinet.settings.public_url,
                page::query_value(&blank.number),
                sha256.unwrap_or_default()
            );
            let name = file_stem("order-blank", &blank.number, Some(language));
            let bytes = render(&cabinet, move || {
                render_order_blank_pdf(&content, language, &verify_url)
            })
            .await?;
            Ok(attachment("application/pdf", &format!("{name}.pdf"), bytes))
        }
        "terms" => {
            let signature = blank.signature.ok_or(Refusal::NotFound)?;
            let json = HeaderValue::from_static("application/json");
            let headers = [(header::CONTENT_TYPE, json)];
            Ok((headers, signature.canonical_json).into_response())
        }
        "scan" => {
            let scan = blank.signature.and_then(|signature| signature.scan);
            let scan = tx.order_blanks().scan(&scan.ok_or(Refusal::NotFound)?).await?;
            let name = file_stem("order-blank", &blank.number, None);
            Ok(saved_scan(scan.ok_or(Refusal::NotFound)?, &name))
        }
        _ => Err(Refusal::NotFound),
    }
}
