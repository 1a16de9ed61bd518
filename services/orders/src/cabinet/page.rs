//! What every page has: the layout's view, the answer for each refusal, security headers.
//!
//! Handlers answer `Result<Response, Refusal>`. A [`Refusal`] travels as an extension of an empty response to
//! [`around`], which knows the visitor and makes the page in the visitor's language, so that no handler and no
//! extractor has to.

use super::Cabinet;
use super::assets;
use super::password::PasswordError;
use super::visitor::{Asked, Visitor};
use super::words;
use crate::i18n::{self, Translator, number, text};
use askama::Template;
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use namoyish_runtime::problem::chain;
use namoyish_storage::DbError;

/// Why a page isn't shown.
#[derive(Debug, Clone)]
pub(crate) enum Refusal {
    /// Nobody is signed in: off to the sign-in page, and back afterwards.
    SignIn,
    /// A member of staff has no cabinet.
    NoCabinet,
    /// No such page, or another customer's.
    NotFound,
    /// The role doesn't allow it.
    RoleTooLow,
    /// The form is another session's, another site's, or too old.
    Stale,
    /// The body isn't a form, or is too large.
    BadForm(StatusCode),
    /// Another request changed the same thing at the same time: try again.
    Busy,
    /// Something failed inside; it is logged already.
    Failed,
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Refusal::SignIn => StatusCode::UNAUTHORIZED,
            Refusal::NoCabinet | Refusal::RoleTooLow | Refusal::Stale => StatusCode::FORBIDDEN,
            Refusal::NotFound => StatusCode::NOT_FOUND,
            Refusal::BadForm(status) => *status,
            Refusal::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Refusal::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Logs what failed with its causes, once.
    pub fn failed(error: &dyn std::error::Error) -> Refusal {
        tracing::error!(error = %chain(error), "a page failed inside the platform");
        Refusal::Failed
    }
}

impl From<DbError> for Refusal {
    fn from(error: DbError) -> Refusal {
        match error {
            DbError::Retry(_) => Refusal::Busy,
            other => Refusal::failed(&other),
        }
    }
}

impl From<askama::Error> for Refusal {
    fn from(error: askama::Error) -> Refusal {
        Refusal::failed(&error)
    }
}

impl From<PasswordError> for Refusal {
    fn from(error: PasswordError) -> Refusal {
        Refusal::failed(&error)
    }
}

impl From<namoyish_domain::money::MoneyError> for Refusal {
    fn from(error: namoyish_domain::money::MoneyError) -> Refusal {
        Refusal::failed(&error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// The answer of every page's handler.
pub(crate) type Answer = Result<Response, Refusal>;

/// A language in the switch.
#[derive(Debug)]
pub(crate) struct LanguageChoice {
    pub code: &'static str,
    pub name: &'static str,
    pub current: bool,
}

/// What the layout shows around a page.
#[derive(Debug)]
pub(crate) struct Layout {
    pub title: String,
    /// Which entry of the navigation is the current one.
    pub section: &'static str,
    pub paths: &'static assets::Paths,
    pub signed_in: bool,
    pub has_cabinet: bool,
    pub login: String,
    pub customer_name: String,
    pub form_token: String,
    pub path: String,
    pub flash: String,
    pub languages: Vec<LanguageChoice>,
    /// Whether the page refreshes its figures by script.
    pub live: bool,
    pub demo: bool,
}

impl Layout {
    /// The layout of a page with this title (a message's key) in this section.
    pub fn new(
        cabinet: &Cabinet,
        visitor: &Visitor,
        section: &'static str,
        title: impl Into<String>,
    ) -> Layout {
        let session = visitor.session.as_ref();
        Layout {
            title: title.into(),
            section,
            paths: &assets::PATHS,
            signed_in: session.is_some(),
            has_cabinet: session.is_some_and(|session| session.customer.is_some()),
            login: session.map_or_else(String::new, |session| session.login.clone()),
            customer_name: session.map_or_else(String::new, |session| session.customer_name.clone()),
            form_token: visitor.form_token.clone(),
            path: visitor.path.clone(),
            flash: visitor
                .flash
                .as_deref()
                .and_then(words::flash_key)
                .map_or_else(String::new, |key| visitor.t.get(key)),
            languages: i18n::offered()
                .iter()
                .map(|language| LanguageChoice {
                    code: language.code(),
                    name: i18n::own_name(*language),
                    current: *language == visitor.t.language(),
                })
                .collect(),
            live: false,
            demo: cabinet.settings.demo,
        }
    }
}

/// A rendered page.
pub(crate) fn html(status: StatusCode, template: &impl Template) -> Answer {
    Ok((status, Html(template.render()?)).into_response())
}

/// Off to another page of this site after a POST, with cookies.
pub(crate) fn see_other(path: &str, cookies: impl IntoIterator<Item = HeaderValue>) -> Response {
    let mut response = Redirect::to(path).into_response();
    for cookie in cookies {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// A path of this site that a form may send back to; anything else is the front page.
pub(crate) fn own_path(path: &str) -> &str {
    let own = path.starts_with('/')
        && !path.starts_with("//")
        && path.len() <= 512
        && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if own { path } else { "/" }
}

/// Every path that is no page.
pub(crate) async fn not_found() -> Refusal {
    Refusal::NotFound
}

#[derive(Template)]
#[template(path = "refusal.html")]
struct RefusalPage {
    t: Translator,
    layout: Layout,
    heading: String,
    explanation: String,
}

fn refusal_page(cabinet: &Cabinet, visitor: &Visitor, refusal: &Refusal, method: &Method) -> Response {
    let t = visitor.t;
    let status = refusal.status();
    let (heading, explanation) = match refusal {
        Refusal::SignIn => {
            let next = if method == Method::GET {
                own_path(&visitor.path)
            } else {
                "/cabinet"
            };
            return see_other(&format!("/sign-in?next={}", query_value(next)), []);
        }
        Refusal::NoCabinet => (t.get("refusal-no-cabinet"), t.get("refusal-no-cabinet-more")),
        Refusal::NotFound => (t.get("refusal-not-found"), t.get("refusal-not-found-more")),
        Refusal::RoleTooLow => (t.get("refusal-role"), t.get("refusal-role-more")),
        Refusal::Stale => (t.get("refusal-stale"), t.get("refusal-stale-more")),
        Refusal::BadForm(_) => (
            t.get("refusal-bad-form"),
            t.with(
                "refusal-bad-form-more",
                &[
                    (
                        "limit",
                        text(t.count(super::bytes_max_of(&visitor.path).try_into().unwrap_or(0))),
                    ),
                    ("n", number(64)),
                ],
            ),
        ),
        Refusal::Busy => (t.get("refusal-busy"), t.get("refusal-busy-more")),
        Refusal::Failed => (t.get("refusal-failed"), t.get("refusal-failed-more")),
    };
    let page = RefusalPage {
        t,
        layout: Layout::new(cabinet, visitor, "", heading.clone()),
        heading,
        explanation,
    };
    html(status, &page).unwrap_or_else(|_| status.into_response())
}

/// Characters that a value of a query can't hold as they are.
pub(crate) fn query_value(value: &str) -> String {
    value
        .bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

/// Wraps every page: finds out who visits, renders refusals, sets cookies and security headers.
pub(crate) async fn around(State(cabinet): State<Cabinet>, mut request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let (mut response, visitor) = match Visitor::of(&cabinet, Asked::of(&request)).await {
        Ok(visitor) => {
            request.extensions_mut().insert(visitor.clone());
            (next.run(request).await, visitor)
        }
        Err(error) => {
            let visitor = Visitor::unknown(request.uri().path());
            (Refusal::failed(&error).into_response(), visitor)
        }
    };
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        response = Refusal::NotFound.into_response();
    }
    if let Some(refusal) = response.extensions_mut().remove::<Refusal>() {
        response = refusal_page(&cabinet, &visitor, &refusal, &method);
    }
    set_headers(response.headers_mut(), visitor, &cabinet.settings.delivery_url);
    response
}

fn set_headers(headers: &mut HeaderMap, visitor: Visitor, delivery_url: &str) {
    let replaced: Vec<String> = headers
        .get_all(header::SET_COOKIE)
        .iter()
        .filter_map(|cookie| {
            cookie
                .to_str()
                .ok()?
                .split_once('=')
                .map(|(name, _)| name.to_owned())
        })
        .collect();
    for cookie in visitor.cookies {
        // What the handler set is newer than what the visit would set.
        let name = cookie
            .to_str()
            .ok()
            .and_then(|cookie| cookie.split_once('='))
            .map(|(name, _)| name.to_owned());
        if name.is_none_or(|name| !replaced.contains(&name)) {
            headers.append(header::SET_COOKIE, cookie);
        }
    }
    // Only the demo page takes anything from another address: the tag, its answers and the banners.
    let from_delivery = if visitor.path.split('?').next() == Some("/demo") {
        delivery_url
    } else {
        ""
    };
    let policy = format!(
        "default-src 'none'; style-src 'self'; script-src 'self' {from_delivery}; connect-src 'self' {from_delivery}; \
         img-src 'self' data: {from_delivery}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, policy.as_str()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=()",
        ),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_sends_back_to_this_site_only() {
        for path in ["/", "/cabinet", "/cabinet/lines/ln_1?x=1"] {
            assert_eq!(own_path(path), path);
        }
        for path in [
            "",
            "cabinet",
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "/a b",
            "/a\r\nx: y",
        ] {
            assert_eq!(own_path(path), "/", "{path}");
        }
        assert_eq!(own_path(&format!("/{}", "a".repeat(600))), "/");
    }

    #[test]
    fn a_query_value_holds_no_delimiter() {
        assert_eq!(query_value("/cabinet?a=b&c#d"), "/cabinet%3Fa%3Db%26c%23d");
    }
}
