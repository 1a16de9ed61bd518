//! Notices about contracts: what was told to a customer, and whether it was read (cabinet.md "Notices").

use crate::api::caller::{Caller, Writer};
use crate::api::fields::{field, id_in_path};
use crate::api::page::{Page, PageQuery};
use crate::api::write::{Begin, Write, problem};
use crate::api::{Api, Refusals};
use crate::app::read_notice::read_notice_in;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use namoyish_documents::Language;
use namoyish_domain::ids::NoticeId;
use namoyish_runtime::idempotency::{Answer, IdempotencyKey};
use namoyish_runtime::notices::Notice;
use namoyish_runtime::problem::Problem;
use namoyish_storage::notices::NoticeRecord;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A notice.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NoticeView {
    id: String,
    customer: String,
    /// The contract that it is about.
    order_blank: Option<String>,
    /// Stable code: rules_edition_published, material_approved, …
    #[schema(example = "rules_edition_published")]
    kind: String,
    subject: String,
    text: String,
    /// Whether the customer can't choose not to get it.
    mandatory: bool,
    created_at: DateTime<Utc>,
    read_at: Option<DateTime<Utc>>,
    read_by: Option<String>,
}

impl NoticeView {
    fn of(record: NoticeRecord, language: Language) -> NoticeView {
        let letter = Notice::from_details(&record.details).map(|notice| notice.letter(language.code()));
        let (subject, text) = letter.map_or_else(
            || (record.kind.clone(), String::new()),
            |letter| (letter.subject, letter.body),
        );
        NoticeView {
            id: record.id.to_string(),
            customer: record.customer.to_string(),
            order_blank: record.blank.map(|blank| blank.to_string()),
            kind: record.kind,
            subject,
            text,
            mandatory: record.mandatory,
            created_at: record.created_at,
            read_at: record.read_at,
            read_by: record.read_by,
        }
    }
}

/// Which notices.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoticesQuery {
    /// `next` of the page before; none for the first page.
    cursor: Option<String>,
    /// 1 to 200; 50 when left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// Only those that nobody has read.
    unread: Option<bool>,
    /// uz-Latn (when left out), uz-Cyrl, ru or en.
    language: Option<String>,
}

/// Notices, newest first; a customer's own, or all for the operator.
#[utoipa::path(
    get, path = "/api/v1/notices", tag = "notices", params(NoticesQuery),
    responses((status = 200, body = Page<NoticeView>), Refusals)
)]
pub(crate) async fn list_notices(
    State(api): State<Api>,
    Caller(actor): Caller,
    Query(query): Query<NoticesQuery>,
) -> Result<Json<Page<NoticeView>>, Problem> {
    let language = match &query.language {
        Some(code) => field("language", "unknown_value", Language::parse(code))?,
        None => Language::UzLatn,
    };
    let asked = PageQuery::new(query.cursor, query.limit).asked(|text| NoticeId::parse(text).ok())?;
    let mut tx = api.ctx.store.begin().await?;
    let only_unread = query.unread.unwrap_or(false);
    let notices = tx
        .notices()
        .list(actor.customer, asked.after, only_unread, asked.to_read())
        .await?;
    Ok(Json(asked.page(
        notices,
        |notice| notice.id.to_string(),
        |notice| NoticeView::of(notice, language),
    )))
}

/// Says that a notice was read. One that was read before stays as it was read first.
#[utoipa::path(
    post, path = "/api/v1/notices/{notice}/read", tag = "notices",
    params(("notice" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = NoticeView), Refusals)
)]
pub(crate) async fn read_notice(
    State(api): State<Api>,
    Writer(actor): Writer,
    key: IdempotencyKey,
    Path(id): Path<String>,
) -> Result<Answer, Problem> {
    let operation = format!("read_notice {id}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &[]).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let id = id_in_path("notice", NoticeId::parse(&id))?;
    let notice = read_notice_in(&mut write.tx, &api.ctx, &actor, id)
        .await
        .map_err(problem)?;
    write
        .finish(StatusCode::OK, &NoticeView::of(notice, Language::UzLatn))
        .await
}
