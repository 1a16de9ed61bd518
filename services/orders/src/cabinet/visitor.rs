//! Who visits: the session behind the cookie, the form token, the language.
//!
//! A session's token is 256 drawn bits; the browser holds it in an `HttpOnly`, `SameSite=Lax` cookie (`Secure` and with
//! the `__Host-` prefix when the cabinet is reached by https), the table holds its SHA-256. A session lasts twelve
//! hours after its last use. A visitor without a session has a form token too, made from a drawn cookie, so that the
//! sign-in form is protected like any other.

use super::{Cabinet, page::Refusal};
use crate::i18n::{self, Translator};
use axum::extract::{ConnectInfo, FromRequestParts, Request};
use axum::http::header::{ACCEPT_LANGUAGE, COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use chrono::TimeDelta;
use namoyish_documents::Language;
use namoyish_domain::calendar::Timestamp;
use namoyish_domain::ids::{CustomerId, UserId};
use namoyish_runtime::context::{Actor, Role};
use namoyish_storage::DbError;
use namoyish_storage::access::NewSession;
use sha2::{Digest, Sha256};
use std::net::SocketAddr;

/// A session is extended when at least this much of it is used up: not with every request.
const EXTEND_AFTER_SECONDS: i64 = 600;
const LANGUAGE_SECONDS: i64 = 365 * 86_400;
const FLASH_SECONDS: i64 = 60;

/// A visitor of a page.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    /// Speaks the visitor's language.
    pub t: Translator,
    /// The token that this visitor's forms carry.
    pub form_token: String,
    /// The session, when the visitor is signed in.
    pub session: Option<Session>,
    /// Path and query of the page asked for.
    pub path: String,
    /// Code of the message to show once.
    pub flash: Option<String>,
    /// The peer's address.
    pub address: String,
    /// Cookies to be set with the answer.
    pub cookies: Vec<HeaderValue>,
}

/// A live session.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    /// SHA-256 of its token.
    pub token_hash: [u8; 32],
    /// The user.
    pub user: UserId,
    /// The user's login.
    pub login: String,
    /// What the user may do.
    pub role: Role,
    /// The customer whose cabinet it opens; `None` for staff.
    pub customer: Option<CustomerId>,
    /// The customer's name.
    pub customer_name: String,
}

impl Session {
    /// The user as the commands know it.
    pub fn actor(&self) -> Actor {
        Actor {
            name: self.login.clone(),
            role: self.role,
            customer: self.customer,
        }
    }
}

/// A signed-in user of a customer: the extractor of every page below `/cabinet`. Others are sent to the sign-in page;
/// staff, who have no cabinet, are refused.
#[derive(Debug, Clone)]
pub(crate) struct SignedIn {
    /// The visitor.
    pub visitor: Visitor,
    /// The session.
    pub session: Session,
    /// The customer whose cabinet it opens.
    pub customer: CustomerId,
}

impl SignedIn {
    /// The signed-in customer's user behind a visit, or why there is none.
    pub fn of(visitor: &Visitor) -> Result<SignedIn, Refusal> {
        let session = visitor.session.clone().ok_or(Refusal::SignIn)?;
        let customer = session.customer.ok_or(Refusal::NoCabinet)?;
        Ok(SignedIn {
            visitor: visitor.clone(),
            session,
            customer,
        })
    }

    /// Whether the role may change orders and budgets (cabinet.md: owner, manager).
    pub fn may_change(&self) -> bool {
        matches!(self.session.role, Role::Owner | Role::Manager)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Visitor, Refusal> {
        parts
            .extensions
            .get::<Visitor>()
            .cloned()
            .ok_or(Refusal::NotFound)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<SignedIn, Refusal> {
        SignedIn::of(parts.extensions.get::<Visitor>().ok_or(Refusal::NotFound)?)
    }
}

/// What a request says of its visitor, apart from its body.
#[derive(Debug)]
pub(super) struct Asked {
    headers: HeaderMap,
    path: String,
    address: String,
}

impl Asked {
    /// Of a request.
    pub fn of(request: &Request) -> Asked {
        Asked {
            headers: request.headers().clone(),
            path: request
                .uri()
                .path_and_query()
                .map_or("/", |path| path.as_str())
                .to_owned(),
            address: request
                .extensions()
                .get::<ConnectInfo<SocketAddr>>()
                .map_or_else(String::new, |peer| peer.0.ip().to_string()),
        }
    }
}

impl Visitor {
    /// Finds out who asks. Reads the session's row once and extends the session when it is due.
    pub async fn of(cabinet: &Cabinet, asked: Asked) -> Result<Visitor, DbError> {
        let headers = &asked.headers;
        let now = cabinet.ctx.now();
        let names = Names::of(cabinet);
        let mut cookies = Vec::new();
        let mut chosen = cookie(headers, names.language).and_then(i18n::parse);
        let mut form_token = None;
        let mut session = None;
        if let Some(token_hash) = cookie(headers, names.session).and_then(token_hash) {
            if let Some(found) = cabinet.ctx.store.access().session(&token_hash, now).await? {
                let until = now + TimeDelta::seconds(cabinet.settings.session_seconds);
                if until - found.expires_at > TimeDelta::seconds(EXTEND_AFTER_SECONDS) {
                    let mut tx = cabinet.ctx.store.begin().await?;
                    tx.access().extend_session(&token_hash, until).await?;
                    tx.save().await?;
                    if let Some(token) = cookie(headers, names.session) {
                        cookies.push(names.set(names.session, token, cabinet.settings.session_seconds));
                    }
                }
                // What the user chose, wherever that was, wins over what this browser chose.
                chosen = i18n::parse(&found.language).or(chosen);
                form_token = Some(found.csrf);
                session = Some(Session {
                    token_hash,
                    user: found.user,
                    login: found.login,
                    role: Role::parse(&found.role)
                        .ok_or_else(|| DbError::Inconsistent(format!("role {}", found.role)))?,
                    customer: found.customer,
                    customer_name: found.customer_name.unwrap_or_default(),
                });
            } else {
                cookies.push(names.clear(names.session));
            }
        }
        let form_token = match (
            form_token,
            cookie(headers, names.visit).filter(|value| is_token(value)),
        ) {
            (Some(token), _) => token,
            (None, Some(visit)) => form_token_of(visit),
            (None, None) => {
                let visit = hex::encode(cabinet.ctx.ids.bytes::<32>());
                cookies.push(names.set(names.visit, &visit, cabinet.settings.session_seconds));
                form_token_of(&visit)
            }
        };
        let flash = cookie(headers, names.flash).map(str::to_owned);
        if flash.is_some() {
            cookies.push(names.clear(names.flash));
        }
        let accepted = || {
            headers
                .get(ACCEPT_LANGUAGE)?
                .to_str()
                .ok()
                .and_then(i18n::negotiate)
        };
        Ok(Visitor {
            t: Translator::new(chosen.or_else(accepted).unwrap_or(i18n::DEFAULT)),
            form_token,
            session,
            path: asked.path,
            flash,
            address: asked.address,
            cookies,
        })
    }

    /// A visitor of whom nothing could be found out, for the page that says so.
    pub fn unknown(path: &str) -> Visitor {
        Visitor {
            t: Translator::new(i18n::DEFAULT),
            form_token: String::new(),
            session: None,
            path: path.to_owned(),
            flash: None,
            address: String::new(),
            cookies: Vec::new(),
        }
    }
}

/// Begins a session; the answer is the cookie that holds its token.
pub(super) async fn begin_session(cabinet: &Cabinet, user: UserId) -> Result<HeaderValue, DbError> {
    let now: Timestamp = cabinet.ctx.now();
    let token = hex::encode(cabinet.ctx.ids.bytes::<32>());
    let mut tx = cabinet.ctx.store.begin().await?;
    tx.access()
        .insert_session(&NewSession {
            token_hash: sha256(token.as_bytes()),
            user,
            csrf: hex::encode(cabinet.ctx.ids.bytes::<32>()),
            created_at: now,
            expires_at: now + TimeDelta::seconds(cabinet.settings.session_seconds),
        })
        .await?;
    tx.save().await?;
    let names = Names::of(cabinet);
    Ok(names.set(names.session, &token, cabinet.settings.session_seconds))
}

/// Ends a session; the answer is the cookie that takes its token from the browser.
pub(super) async fn end_session(cabinet: &Cabinet, session: &Session) -> Result<HeaderValue, DbError> {
    let mut tx = cabinet.ctx.store.begin().await?;
    tx.access()
        .end_session(&session.token_hash, cabinet.ctx.now())
        .await?;
    tx.save().await?;
    let names = Names::of(cabinet);
    Ok(names.clear(names.session))
}

/// The cookie that keeps the choice of a language.
pub(super) fn language_cookie(cabinet: &Cabinet, language: Language) -> HeaderValue {
    let names = Names::of(cabinet);
    names.set(names.language, language.code(), LANGUAGE_SECONDS)
}

/// The cookie with the code of a message that the next page shows once.
pub(super) fn flash_cookie(cabinet: &Cabinet, code: &'static str) -> HeaderValue {
    let names = Names::of(cabinet);
    names.set(names.flash, code, FLASH_SECONDS)
}

struct Names {
    secure: bool,
    session: &'static str,
    visit: &'static str,
    language: &'static str,
    flash: &'static str,
}

impl Names {
    fn of(cabinet: &Cabinet) -> Names {
        if cabinet.settings.public_url.starts_with("https://") {
            Names {
                secure: true,
                session: "__Host-namoyish_session",
                visit: "__Host-namoyish_visit",
                language: "__Host-namoyish_language",
                flash: "__Host-namoyish_flash",
            }
        } else {
            Names {
                secure: false,
                session: "namoyish_session",
                visit: "namoyish_visit",
                language: "namoyish_language",
                flash: "namoyish_flash",
            }
        }
    }

    fn set(&self, name: &str, value: &str, seconds: i64) -> HeaderValue {
        let secure = if self.secure { "; Secure" } else { "" };
        let cookie = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
        // Names and values are hex, language codes and message codes: always a header's text.
        HeaderValue::from_str(&cookie).unwrap_or_else(|_| HeaderValue::from_static(""))
    }

    fn clear(&self, name: &str) -> HeaderValue {
        self.set(name, "", 0)
    }
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(own, value)| (own == name).then_some(value))
}

fn is_token(value: &str) -> bool {
    value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn token_hash(token: &str) -> Option<[u8; 32]> {
    is_token(token).then(|| sha256(token.as_bytes()))
}

fn form_token_of(visit: &str) -> String {
    hex::encode(sha256(format!("form token of {visit}").as_bytes()))
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
