//! The public page that says whether a document is genuine (billing.md §5 "Verification"), a signed order blank (orders.md
//! §3) and its amendments among them.
//!
//! Who asks must hold both the number and the hash that the document shows; the answer repeats nothing that isn't on it.

use super::Cabinet;
use super::page::{self, Answer, Layout};
use super::visitor::Visitor;
use super::words::say;
use crate::i18n::Translator;
use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use namoyish_domain::calendar::ReportingPeriod;
use serde::Deserialize;

const NUMBER_BYTES_MAX: usize = 64;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Question {
    #[serde(default)]
    number: String,
    #[serde(default)]
    hash: String,
}

#[derive(Debug)]
struct Genuine {
    kind: String,
    number: String,
    /// Empty on a contract, as the sum is: what it says is on it.
    period: String,
    issued_on: String,
    gross: String,
}

#[derive(Template)]
#[template(path = "verify.html")]
struct VerifyPage {
    t: Translator,
    layout: Layout,
    number: String,
    hash: String,
    asked: bool,
    genuine: Option<Genuine>,
}

/// `GET /verify?number=…&hash=…`
pub(super) async fn show(
    State(cabinet): State<Cabinet>,
    visitor: Visitor,
    Query(question): Query<Question>,
) -> Answer {
    let t = visitor.t;
    let number: String = question.number.trim().chars().take(NUMBER_BYTES_MAX).collect();
    let hash = question.hash.trim().to_ascii_lowercase();
    let is_hash = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    let asked = !number.is_empty() || !hash.is_empty();
    let found = if is_hash {
        cabinet.ctx.store.verify_document(&number, &hash).await?
    } else {
        None
    };
    let contract = if is_hash && found.is_none() {
        cabinet.ctx.store.verify_contract(&number, &hash).await?
    } else {
        None
    };
    let contract = contract.map(|found| Genuine {
        kind: if found.amendment == 0 {
            t.get("order-word")
        } else {
            t.get("verify-amendment")
        },
        number: if found.amendment == 0 {
            found.number
        } else {
            format!("{}/{}", found.number, found.amendment)
        },
        period: String::new(),
        issued_on: t.date(found.signed_on),
        gross: String::new(),
    });
    let genuine = found.map(|found| Genuine {
        kind: say(t, "document-kind", &found.kind),
        number: found.number,
        period: found
            .period
            .map_or_else(|| "—".to_owned(), |day| t.period(ReportingPeriod::of(day))),
        issued_on: t.date(found.issued_on),
        gross: t.money(found.gross),
    });
    let genuine = genuine.or(contract);
    let status = if asked && genuine.is_none() {
        StatusCode::NOT_FOUND
    } else {
        StatusCode::OK
    };
    let layout = Layout::new(&cabinet, &visitor, "verify", t.get("verify-title"));
    let hash = hash.chars().take(64).collect();
    page::html(
        status,
        &VerifyPage {
            t,
            layout,
            number,
            hash,
            asked,
            genuine,
        },
    )
}
