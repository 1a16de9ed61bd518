//! Signing in and out (cabinet.md).
//!
//! A wrong login, a wrong password and a locked account get the same answer after the same work, so that nobody learns
//! which logins exist. The limit of attempts ([`super::sign_in_limit`]) counts for unknown logins just the same.

use super::Cabinet;
use super::form::{Form, Posted};
use super::page::{self, Answer, Layout, Refusal};
use super::visitor::{self, Visitor};
use crate::i18n::{Translator, number, text};
use askama::Template;
use axum::extract::{Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use serde::Deserialize;

/// The most characters of a login.
const LOGIN_CHARS_MAX: usize = 100;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    t: Translator,
    layout: Layout,
    form: Form,
    next: String,
    /// What was refused, above the form.
    refusal: String,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Next {
    #[serde(default)]
    next: String,
}

/// `GET /sign-in`
pub(super) async fn show(
    State(cabinet): State<Cabinet>,
    visitor: Visitor,
    Query(query): Query<Next>,
) -> Answer {
    if visitor.session.is_some() {
        return Ok(page::see_other("/cabinet", []));
    }
    form_page(
        &cabinet,
        &visitor,
        StatusCode::OK,
        Form::default(),
        &query.next,
        String::new(),
    )
}

fn form_page(
    cabinet: &Cabinet,
    visitor: &Visitor,
    status: StatusCode,
    form: Form,
    next: &str,
    refusal: String,
) -> Answer {
    let t = visitor.t;
    let next = page::own_path(next).to_owned();
    let layout = Layout::new(cabinet, visitor, "sign-in", t.get("sign-in-title"));
    page::html(
        status,
        &SignInPage {
            t,
            layout,
            form,
            next,
            refusal,
        },
    )
}

/// `POST /sign-in`
pub(super) async fn sign_in(State(cabinet): State<Cabinet>, posted: Posted) -> Answer {
    let Posted { visitor, mut form } = posted;
    let t = visitor.t;
    let login = form.value("login").to_lowercase();
    // A password may begin or end with a space: taken as it was typed.
    let password = form.take_raw("password");
    let next = form.value("next").to_owned();
    if login.is_empty() {
        form.refuse("login", t.get("field-needed"));
    }
    if password.is_empty() {
        form.refuse("password", t.get("field-needed"));
    }
    if !form.is_sound() {
        return form_page(
            &cabinet,
            &visitor,
            StatusCode::UNPROCESSABLE_ENTITY,
            form,
            &next,
            String::new(),
        );
    }
    let too_long =
        login.chars().count() > LOGIN_CHARS_MAX || password.len() > super::password::PASSWORD_BYTES_MAX;
    if too_long {
        return form_page(
            &cabinet,
            &visitor,
            StatusCode::UNPROCESSABLE_ENTITY,
            form,
            &next,
            t.get("sign-in-wrong"),
        );
    }
    if let Err(seconds) = cabinet.limit.admit(&login, &visitor.address, cabinet.ctx.now()) {
        let minutes = u64::try_from((seconds + 59) / 60).unwrap_or(1);
        let refusal = t.with(
            "sign-in-too-often",
            &[("minutes", text(t.count(minutes))), ("n", number(minutes))],
        );
        let mut response = form_page(
            &cabinet,
            &visitor,
            StatusCode::TOO_MANY_REQUESTS,
            form,
            &next,
            refusal,
        )?;
        if let Ok(seconds) = HeaderValue::from_str(&seconds.to_string()) {
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        return Ok(response);
    }
    let user = cabinet.ctx.store.access().user_by_login(&login).await?;
    let right = cabinet
        .passwords
        .verify(password, user.as_ref().map(|user| user.password_hash.clone()))
        .await?;
    let Some(user) = user.filter(|user| right && !user.locked) else {
        return form_page(
            &cabinet,
            &visitor,
            StatusCode::UNPROCESSABLE_ENTITY,
            form,
            &next,
            t.get("sign-in-wrong"),
        );
    };
    cabinet.limit.forget(&login, &visitor.address);
    let cookie = visitor::begin_session(&cabinet, user.id).await?;
    tracing::info!(user.id = %user.id, "a user signed in");
    let next = match page::own_path(&next) {
        "/" => "/cabinet",
        path => path,
    };
    Ok(page::see_other(next, [cookie]))
}

/// `POST /sign-out`
pub(super) async fn sign_out(State(cabinet): State<Cabinet>, posted: Posted) -> Answer {
    let session = posted.visitor.session.as_ref().ok_or(Refusal::SignIn)?;
    let ended = visitor::end_session(&cabinet, session).await?;
    Ok(page::see_other(
        "/sign-in",
        [ended, visitor::flash_cookie(&cabinet, "signed-out")],
    ))
}
