//! Notices about the customer's contracts, newest first, and whether they were read (cabinet.md "notices with read state").

use super::Cabinet;
use super::form::Posted;
use super::page::{self, Answer, Layout, Refusal};
use super::visitor::SignedIn;
use crate::app::Refusal as _;
use crate::app::read_notice::read_notice_in;
use crate::i18n::Translator;
use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use namoyish_domain::ids::NoticeId;
use namoyish_runtime::notices::Notice;
use namoyish_storage::notices::NoticeRecord;

/// The most notices that the page shows; older ones are in the API.
const NOTICES_MAX: u32 = 200;

/// A notice as the page shows it.
#[derive(Debug)]
struct NoticeView {
    read_path: String,
    subject: String,
    text: String,
    at: String,
    is_read: bool,
    order_path: String,
}

impl NoticeView {
    fn of(t: Translator, record: &NoticeRecord) -> NoticeView {
        let letter = Notice::from_details(&record.details).map(|notice| notice.letter(t.code()));
        let (subject, text) = letter.map_or_else(
            || (record.kind.clone(), String::new()),
            |letter| (letter.subject, letter.body),
        );
        NoticeView {
            read_path: format!("/cabinet/notices/{}/read", record.id),
            subject,
            text,
            at: t.instant(record.created_at),
            is_read: record.read_at.is_some(),
            order_path: record
                .blank
                .map_or_else(String::new, |blank| format!("/cabinet/orders/{blank}")),
        }
    }
}

#[derive(Template)]
#[template(path = "notices.html")]
struct NoticesPage {
    t: Translator,
    layout: Layout,
    notices: Vec<NoticeView>,
}

/// `GET /cabinet/notices`
pub(super) async fn list(State(cabinet): State<Cabinet>, who: SignedIn) -> Answer {
    let t = who.visitor.t;
    let mut tx = cabinet.ctx.store.begin().await?;
    let records = tx
        .notices()
        .list(Some(who.customer), None, false, NOTICES_MAX)
        .await?;
    let page = NoticesPage {
        t,
        layout: Layout::new(&cabinet, &who.visitor, "notices", t.get("notices-title")),
        notices: records.iter().map(|record| NoticeView::of(t, record)).collect(),
    };
    page::html(StatusCode::OK, &page)
}

/// `POST /cabinet/notices/{notice}/read`
pub(super) async fn read(State(cabinet): State<Cabinet>, Path(id): Path<String>, posted: Posted) -> Answer {
    let who = SignedIn::of(&posted.visitor)?;
    let id = NoticeId::parse(&id).map_err(|_| Refusal::NotFound)?;
    let mut tx = cabinet.ctx.store.begin().await?;
    match read_notice_in(&mut tx, &cabinet.ctx, &who.session.actor(), id).await {
        Ok(_) => tx.save().await?,
        Err(error) => {
            return Err(match error.told().nature {
                crate::app::Nature::NotFound => Refusal::NotFound,
                crate::app::Nature::NotAllowed => Refusal::RoleTooLow,
                crate::app::Nature::TryAgain => Refusal::Busy,
                _ => Refusal::failed(&error),
            });
        }
    }
    Ok(page::see_other("/cabinet/notices", []))
}
