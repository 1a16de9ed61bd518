//! Static files, built into the program and named by their own hash, so that browsers keep them for a year.

use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

struct Asset {
    stem: &'static str,
    extension: &'static str,
    media_type: &'static str,
    bytes: &'static [u8],
}

const STYLE: Asset = Asset {
    stem: "app",
    extension: "css",
    media_type: "text/css; charset=utf-8",
    bytes: include_bytes!("../../../../web/static/app.css"),
};
const LIVE: Asset = Asset {
    stem: "live",
    extension: "js",
    media_type: "text/javascript; charset=utf-8",
    bytes: include_bytes!("../../../../web/static/live.js"),
};
const ICON: Asset = Asset {
    stem: "icon",
    extension: "svg",
    media_type: "image/svg+xml",
    bytes: include_bytes!("../../../../web/static/icon.svg"),
};

impl Asset {
    fn path(&self) -> String {
        let hash = hex::encode(Sha256::digest(self.bytes));
        format!(
            "/static/{}-{}.{}",
            self.stem,
            hash.get(..16).unwrap_or_default(),
            self.extension
        )
    }
}

/// Paths of the static files as pages link them.
#[derive(Debug)]
pub(crate) struct Paths {
    pub style: String,
    pub live: String,
    pub icon: String,
}

pub(crate) static PATHS: LazyLock<Paths> = LazyLock::new(|| Paths {
    style: STYLE.path(),
    live: LIVE.path(),
    icon: ICON.path(),
});

/// Serves the static files, and `/favicon.ico` for those who ask without looking.
pub(crate) fn router() -> Router {
    let mut router = Router::new().route("/favicon.ico", get(|| async { icon() }));
    for asset in [&STYLE, &LIVE, &ICON] {
        router = router.route(&asset.path(), get(move || async move { answer(asset) }));
    }
    router
}

fn icon() -> Response {
    (
        StatusCode::OK,
        [
            (header::CONTENT_TYPE, ICON.media_type),
            (header::CACHE_CONTROL, "public, max-age=86400"),
        ],
        ICON.bytes,
    )
        .into_response()
}

fn answer(asset: &'static Asset) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.media_type)),
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("public, max-age=31536000, immutable"),
        ),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
    ];
    (headers, asset.bytes).into_response()
}
