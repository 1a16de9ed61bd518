//! The dated moderation checklist (uzbekistan.md §8): what moderators name, in the words and with the basis of each item.

use crate::api::caller::{Caller, Writer, staff_only};
use crate::api::fields::{field, json_body, no_such};
use crate::api::page::{Page, PageQuery};
use crate::api::write::{Begin, Write, problem};
use crate::api::{Api, Refusals};
use crate::app::edit_checklist::{add_checklist_item_in, end_checklist_item_in};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use chrono::NaiveDate;
use namoyish_domain::orders::checklist::{ChecklistItem, ItemTexts, NewItem};
use namoyish_runtime::idempotency::{Answer, IdempotencyKey};
use namoyish_runtime::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A text in every language.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Texts {
    #[serde(rename = "uz-Latn")]
    uz: String,
    #[serde(rename = "uz-Cyrl")]
    uz_cyrl: String,
    ru: String,
    en: String,
}

/// An item of the checklist.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChecklistItemView {
    id: i64,
    /// What a decision names.
    code: String,
    valid_from: NaiveDate,
    /// Last day; none while no end is known.
    valid_to: Option<NaiveDate>,
    texts: Texts,
    /// Where it stands in the law or the offer.
    basis: String,
    /// Which verdicts may name it: reject, require_documents, withdraw.
    verdicts: Vec<String>,
}

impl From<ChecklistItem> for ChecklistItemView {
    fn from(item: ChecklistItem) -> ChecklistItemView {
        ChecklistItemView {
            id: item.id,
            code: item.reason.code().to_owned(),
            valid_from: item.valid_from,
            valid_to: item.valid_to,
            texts: Texts {
                uz: item.texts.uz,
                uz_cyrl: item.texts.uz_cyrl,
                ru: item.texts.ru,
                en: item.texts.en,
            },
            basis: item.basis,
            verdicts: item.verdicts,
        }
    }
}

/// Which items to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ChecklistQuery {
    /// Only what is in force on this day; items of all times when left out.
    day: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// 1 to 200; 50 when left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// The checklist with its history.
#[utoipa::path(
    get, path = "/api/v1/moderation-checklist", tag = "materials", params(ChecklistQuery),
    responses((status = 200, body = Page<ChecklistItemView>), Refusals)
)]
pub(crate) async fn list_checklist(
    State(api): State<Api>,
    Caller(_): Caller,
    Query(query): Query<ChecklistQuery>,
) -> Result<Json<Page<ChecklistItemView>>, Problem> {
    let day = match &query.day {
        None => None,
        Some(text) => Some(field("day", "bad_day", text.parse::<NaiveDate>())?),
    };
    let asked = PageQuery::new(query.cursor, query.limit).asked(|text| text.parse::<i64>().ok())?;
    let checklist = api.ctx.store.begin().await?.checklist().all().await?;
    let items = checklist
        .0
        .into_iter()
        .filter(|item| day.is_none_or(|day| item.is_in_force(day)))
        .filter(|item| asked.after.is_none_or(|after| item.id > after))
        .collect();
    Ok(Json(asked.page(
        items,
        |item| item.id.to_string(),
        ChecklistItemView::from,
    )))
}

/// An item to be added.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChecklistItemRequest {
    /// 2 to 40 small letters, digits and `_`.
    code: String,
    /// Today at the earliest.
    valid_from: NaiveDate,
    texts: Texts,
    basis: String,
    verdicts: Vec<String>,
}

/// Adds an item from a day on.
#[utoipa::path(
    post, path = "/api/v1/moderation-checklist", tag = "materials", request_body = ChecklistItemRequest,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = ChecklistItemView), Refusals)
)]
pub(crate) async fn add_checklist_item(
    State(api): State<Api>,
    Writer(actor): Writer,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    staff_only(&actor)?;
    let request: ChecklistItemRequest = json_body(&body)?;
    let mut write = match Write::begin(&api, &actor, "add_checklist_item", &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let item = NewItem {
        code: request.code,
        valid_from: request.valid_from,
        texts: ItemTexts {
            uz: request.texts.uz,
            uz_cyrl: request.texts.uz_cyrl,
            ru: request.texts.ru,
            en: request.texts.en,
        },
        basis: request.basis,
        verdicts: request.verdicts,
    };
    let added = add_checklist_item_in(&mut write.tx, &api.ctx, &actor, item)
        .await
        .map_err(problem)?;
    write
        .finish(StatusCode::CREATED, &ChecklistItemView::from(added))
        .await
}

/// The last day of an item.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndChecklistItemRequest {
    /// Today at the earliest.
    valid_to: NaiveDate,
}

/// Gives an item its last day; decisions that named it keep its words.
#[utoipa::path(
    post, path = "/api/v1/moderation-checklist/{item}/end", tag = "materials", request_body = EndChecklistItemRequest,
    params(("item" = i64, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = ChecklistItemView), Refusals)
)]
pub(crate) async fn end_checklist_item(
    State(api): State<Api>,
    Writer(actor): Writer,
    Path(item): Path<String>,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    staff_only(&actor)?;
    let item: i64 = item.parse().map_err(|_| no_such("item"))?;
    let request: EndChecklistItemRequest = json_body(&body)?;
    let operation = format!("end_checklist_item {item}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let ended = end_checklist_item_in(&mut write.tx, &api.ctx, &actor, item, request.valid_to)
        .await
        .map_err(problem)?;
    write
        .finish(StatusCode::OK, &ChecklistItemView::from(ended))
        .await
}
