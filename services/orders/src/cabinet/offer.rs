//! The public offer for everybody to read: the rules with the history of their editions, and the price list with its
//! archive (orders.md §1–2) [003 §3.1.1–3.1.3, §11.2].

use super::Cabinet;
use super::page::{self, Answer, Layout, Refusal};
use super::visitor::Visitor;
use crate::i18n::{Translator, text};
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use chrono::{Datelike, NaiveDate};
use namoyish_domain::orders::price_list::Unit;
use namoyish_storage::operator::RulesEdition;
use namoyish_storage::price_lists::PriceListItem;
use serde::Deserialize;

/// The most editions and lists that a history shows, newest first.
const HISTORY_MAX: u32 = 100;

/// An entry of a history.
#[derive(Debug)]
struct Entry {
    path: String,
    title: String,
    note: String,
    is_current: bool,
}

#[derive(Template)]
#[template(path = "rules.html")]
struct RulesPage {
    t: Translator,
    layout: Layout,
    heading: String,
    dates: String,
    sha256: String,
    paragraphs: Vec<String>,
    history: Vec<Entry>,
}

/// `GET /rules`: the edition in force, or the first one while none is.
pub(super) async fn rules(State(cabinet): State<Cabinet>, visitor: Visitor) -> Answer {
    rules_page(&cabinet, &visitor, None).await
}

/// `GET /rules/{number}`
pub(super) async fn edition(
    State(cabinet): State<Cabinet>,
    visitor: Visitor,
    Path(number): Path<String>,
) -> Answer {
    let number = number.parse::<i32>().map_err(|_| Refusal::NotFound)?;
    rules_page(&cabinet, &visitor, Some(number)).await
}

async fn rules_page(cabinet: &Cabinet, visitor: &Visitor, asked: Option<i32>) -> Answer {
    let t = visitor.t;
    let mut tx = cabinet.ctx.store.begin().await?;
    let in_force = tx.operator().edition_on(cabinet.ctx.today()).await?;
    let history = tx.operator().edition_heads(HISTORY_MAX).await?;
    let shown = asked
        .or(in_force)
        .or_else(|| history.last().map(|edition| edition.number));
    let shown = shown.ok_or(Refusal::NotFound)?;
    let edition = tx.operator().edition(shown).await?.ok_or(Refusal::NotFound)?;
    let name = |edition: i32| t.with("rules-edition", &[("number", text(edition.to_string()))]);
    let dates = |edition: &RulesEdition| {
        t.with(
            "rules-dates",
            &[
                ("published", text(t.date(edition.published_on))),
                ("from", text(t.date(edition.in_force_from))),
            ],
        )
    };
    let page = RulesPage {
        t,
        layout: Layout::new(cabinet, visitor, "rules", t.get("rules-title")),
        heading: name(edition.number),
        dates: dates(&edition),
        sha256: edition.sha256.clone(),
        paragraphs: edition.text.lines().map(str::to_owned).collect(),
        history: history
            .iter()
            .map(|head| Entry {
                path: format!("/rules/{}", head.number),
                title: name(head.number),
                note: dates(head),
                is_current: Some(head.number) == in_force,
            })
            .collect(),
    };
    page::html(StatusCode::OK, &page)
}

/// A price in the list.
#[derive(Debug)]
struct PriceView {
    code: String,
    name: String,
    unit: String,
    price: String,
    requirements: String,
}

#[derive(Template)]
#[template(path = "prices.html")]
struct PricesPage {
    t: Translator,
    layout: Layout,
    heading: String,
    base: String,
    groups: Vec<Entry>,
    items: Vec<PriceView>,
    history: Vec<Entry>,
}

/// Which list.
#[derive(Debug, Default, Deserialize)]
pub(super) struct OnDay {
    #[serde(default)]
    on: String,
}

/// `GET /prices?on=2026-01-01`: the list in force on a day; today when none is given.
pub(super) async fn prices(
    State(cabinet): State<Cabinet>,
    visitor: Visitor,
    Query(asked): Query<OnDay>,
) -> Answer {
    let t = visitor.t;
    let today = cabinet.ctx.today();
    let day = match asked.on.trim() {
        "" => today,
        given => given
            .parse::<NaiveDate>()
            .ok()
            .filter(|day| (1900..=2200).contains(&day.year()) && *day <= today)
            .ok_or(Refusal::NotFound)?,
    };
    let mut tx = cabinet.ctx.store.begin().await?;
    let list = tx.price_lists().in_force(day).await?.ok_or(Refusal::NotFound)?;
    let items = tx.price_lists().items(list.id).await?;
    let groups = tx.price_groups().in_force(day).await?;
    let archive = tx.price_lists().archive(today, HISTORY_MAX).await?;
    let vat = tx.operator().vat_terms_on(day).await?;
    let name = |from: NaiveDate| t.with("prices-from", &[("from", text(t.date(from)))]);
    let page = PricesPage {
        t,
        layout: Layout::new(&cabinet, &visitor, "prices", t.get("prices-title")),
        heading: name(list.valid_from),
        base: if vat.is_some_and(|vat| vat.is_payer()) {
            t.get("prices-net")
        } else {
            t.get("prices-final")
        },
        groups: groups
            .into_iter()
            .flat_map(|(_, groups)| groups)
            .map(|group| Entry {
                path: String::new(),
                title: group.name,
                note: t.with(
                    "prices-group",
                    &[
                        ("city", text(group.city.unwrap_or_else(|| "—".to_owned()))),
                        ("category", text(group.category.unwrap_or_else(|| "—".to_owned()))),
                        (
                            "coefficient",
                            text(group.coefficient.decimal().normalize().to_string()),
                        ),
                    ],
                ),
                is_current: false,
            })
            .collect(),
        items: items.into_iter().map(|item| price_view(t, item)).collect(),
        history: archive
            .iter()
            .map(|kept| Entry {
                path: format!("/prices?on={}", kept.valid_from),
                title: name(kept.valid_from),
                note: String::new(),
                is_current: kept.id == list.id,
            })
            .collect(),
    };
    page::html(StatusCode::OK, &page)
}

fn price_view(t: Translator, item: PriceListItem) -> PriceView {
    let item = item.item;
    let names = &item.names;
    PriceView {
        name: match t.code() {
            "ru" => names.ru.clone(),
            "en" => names.en.clone(),
            _ => names.uz.clone(),
        },
        unit: match item.unit {
            Unit::ThousandImpressions => t.get("unit-thousand-impressions"),
            Unit::Month => t.get("unit-month"),
            Unit::Piece => t.get("unit-piece"),
        },
        price: namoyish_documents::format_unit_price(item.unit_price, t.language()),
        requirements: item.material_requirements,
        code: item.code,
    }
}
