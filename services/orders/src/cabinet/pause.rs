//! Pausing a line and letting it go on, from its page (orders.md §5, §8).

use super::Cabinet;
use super::form::{self, Once, Posted};
use super::line;
use super::page::{self, Answer, Refusal};
use super::visitor::{self, SignedIn};
use crate::app::pause_line::{pause_line_in, resume_line_in};
use crate::app::{Nature, Refusal as _};
use axum::extract::{Path, State};

/// `POST /cabinet/lines/{line}/pause`
pub(super) async fn pause(State(cabinet): State<Cabinet>, Path(id): Path<String>, posted: Posted) -> Answer {
    change(&cabinet, &id, posted, true).await
}

/// `POST /cabinet/lines/{line}/resume`
pub(super) async fn resume(State(cabinet): State<Cabinet>, Path(id): Path<String>, posted: Posted) -> Answer {
    change(&cabinet, &id, posted, false).await
}

async fn change(cabinet: &Cabinet, id: &str, posted: Posted, pause: bool) -> Answer {
    let who = SignedIn::of(&posted.visitor)?;
    let row = line::load(cabinet, &who, id).await?;
    if !who.may_change() {
        return Err(Refusal::RoleTooLow);
    }
    let ctx = &cabinet.ctx;
    let path = format!("/cabinet/lines/{}", row.id);
    let flash = if pause { "line-paused" } else { "line-resumed" };
    let done = page::see_other(&path, [visitor::flash_cookie(cabinet, flash)]);
    let mut tx = ctx.store.begin().await?;
    let scope = format!("cabinet:{}:{flash}:{}", who.session.user, row.id);
    let taken = match form::take_once(&mut tx, scope, &posted.form).await? {
        Once::Again => return Ok(done),
        Once::First(taken) => taken,
    };
    let actor = who.session.actor();
    let changed = if pause {
        pause_line_in(&mut tx, ctx, &actor, row.id).await
    } else {
        resume_line_in(&mut tx, ctx, &actor, row.id).await
    };
    match changed {
        Ok(_) => {
            taken.finish(&mut tx, &path, ctx.now()).await?;
            tx.save().await?;
            Ok(done)
        }
        Err(error) => match error.told().nature {
            // Somebody else has done it meanwhile, or the line is over: its page says how it stands.
            Nature::Conflict | Nature::Refused => Ok(page::see_other(&path, [])),
            Nature::NotAllowed => Err(Refusal::RoleTooLow),
            Nature::NotFound => Err(Refusal::NotFound),
            Nature::TryAgain => Err(Refusal::Busy),
            Nature::Internal => Err(Refusal::failed(&error)),
        },
    }
}
