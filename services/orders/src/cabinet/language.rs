//! The choice of a language: kept in a cookie, and with the user when one is signed in.

use super::Cabinet;
use super::form::Posted;
use super::page::{self, Answer};
use super::visitor;
use crate::i18n;
use axum::extract::State;

/// `POST /language`: keeps the choice and goes back to the page where it was made.
pub(super) async fn choose(State(cabinet): State<Cabinet>, posted: Posted) -> Answer {
    let back = page::own_path(posted.form.value("back")).to_owned();
    let Some(language) = i18n::parse(posted.form.value("language")) else {
        return Ok(page::see_other(&back, []));
    };
    if let Some(session) = &posted.visitor.session {
        let mut tx = cabinet.ctx.store.begin().await?;
        tx.access().set_language(session.user, language.code()).await?;
        tx.save().await?;
    }
    Ok(page::see_other(
        &back,
        [visitor::language_cookie(&cabinet, language)],
    ))
}
