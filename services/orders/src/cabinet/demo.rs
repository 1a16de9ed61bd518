//! The demo page: a small city directory with ad places filled by the browser tag, for people who try the platform out.
//!
//! It is public and there only in demo mode. It is the one page whose security policy lets in another address: the
//! delivery service that the tag, its answers and the banners come from.

use super::Cabinet;
use super::page::{self, Answer, Layout};
use super::visitor::Visitor;
use crate::i18n::Translator;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use namoyish_storage::cabinet::DemoPlacement;

/// The most ad places that the page shows.
const PLACES_MAX: usize = 8;

#[derive(Debug)]
struct PlaceView {
    code: String,
    name: String,
    width: i32,
    height: i32,
}

#[derive(Template)]
#[template(path = "demo.html")]
struct DemoPage {
    t: Translator,
    layout: Layout,
    tag_url: String,
    /// Publishable key of the app whose places are shown; nothing when there are none.
    app_key: String,
    /// The widest place, across the page.
    top: Option<PlaceView>,
    /// The others, beside the entries.
    places: Vec<PlaceView>,
}

/// `GET /demo`
pub(super) async fn show(State(cabinet): State<Cabinet>, visitor: Visitor) -> Answer {
    let t = visitor.t;
    let rows = cabinet.ctx.store.demo_placements().await?;
    // One page is one app's: its tag has one key.
    let app_key = rows.first().map(|row| row.app_key.clone()).unwrap_or_default();
    let of_app = rows.iter().filter(|row| row.app_key == app_key);
    let mut places: Vec<PlaceView> = of_app.take(PLACES_MAX).map(|row| view(t, row)).collect();
    places.sort_by_key(|place| std::cmp::Reverse(place.width));
    let top = (!places.is_empty()).then(|| places.remove(0));
    let page = DemoPage {
        t,
        layout: Layout::new(&cabinet, &visitor, "demo", t.get("demo-title")),
        tag_url: format!("{}/tag.js", cabinet.settings.delivery_url),
        app_key,
        top,
        places,
    };
    page::html(StatusCode::OK, &page)
}

fn view(t: Translator, row: &DemoPlacement) -> PlaceView {
    PlaceView {
        code: row.code.clone(),
        name: t.name(&row.name),
        width: row.width,
        height: row.height,
    }
}
