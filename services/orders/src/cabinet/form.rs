//! Forms: where a POST may come from, what it carried, and what was wrong with it.
//!
//! [`Posted`] is the only extractor of a POST. It refuses, before the handler runs, a request that another site made
//! (`Origin`, `Sec-Fetch-Site`) and one without the visitor's form token.
//!
//! A [`Form`] keeps what was entered together with the error of each field, so that a refused form comes back filled in
//! with the reason at its field. A form that is accepted answers with a redirect and a message shown once.

use super::Cabinet;
use super::page::Refusal;
use super::visitor::Visitor;
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};
use chrono::NaiveDate;
use namoyish_domain::calendar::Timestamp;
use namoyish_domain::money::Money;
use namoyish_storage::idempotency::Known;
use namoyish_storage::{DbError, Tx};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use subtle::ConstantTimeEq;

/// The name of the hidden field with the form token.
pub(super) const TOKEN_FIELD: &str = "form_token";
/// The name of the hidden field with the key that makes a form's command happen once.
pub(super) const KEY_FIELD: &str = "command_key";
/// The most fields of a form.
const FIELDS_MAX: usize = 64;

/// A POST whose origin and form token are right.
#[derive(Debug)]
pub(crate) struct Posted {
    /// Who sent it.
    pub visitor: Visitor,
    /// What it carried.
    pub form: Form,
}

impl FromRequest<Cabinet> for Posted {
    type Rejection = Refusal;

    async fn from_request(request: Request, cabinet: &Cabinet) -> Result<Posted, Refusal> {
        let visitor = request
            .extensions()
            .get::<Visitor>()
            .cloned()
            .ok_or(Refusal::Stale)?;
        if !from_this_site(request.headers(), &cabinet.settings.public_url) {
            return Err(Refusal::Stale);
        }
        let fields = axum::Form::<Vec<(String, String)>>::from_request(request, cabinet)
            .await
            .map_err(|rejection| Refusal::BadForm(rejection.status()))?
            .0;
        if fields.len() > FIELDS_MAX {
            return Err(Refusal::BadForm(axum::http::StatusCode::BAD_REQUEST));
        }
        let form = Form::of(fields);
        if is_token_right(&visitor, form.value(TOKEN_FIELD)) {
            Ok(Posted { visitor, form })
        } else {
            Err(Refusal::Stale)
        }
    }
}

/// Whether a form carries its visitor's token.
pub(super) fn is_token_right(visitor: &Visitor, token: &str) -> bool {
    !visitor.form_token.is_empty() && bool::from(token.as_bytes().ct_eq(visitor.form_token.as_bytes()))
}

/// Whether a browser says that the request comes from one of this site's own pages. A client that says nothing is no
/// browser of today and has the form token to show.
pub(super) fn from_this_site(headers: &HeaderMap, public_url: &str) -> bool {
    let value = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if matches!(value("sec-fetch-site"), Some("cross-site" | "same-site")) {
        return false;
    }
    match value(ORIGIN.as_str()) {
        None => true,
        Some(origin) => {
            origin == public_url
                || origin
                    .split_once("://")
                    .is_some_and(|(_, authority)| value(HOST.as_str()) == Some(authority))
        }
    }
}

/// What was entered, and what was wrong with it, field by field.
#[derive(Debug, Clone, Default)]
pub(crate) struct Form {
    values: BTreeMap<String, String>,
    errors: BTreeMap<&'static str, String>,
}

impl Form {
    /// A form with these fields; of two with one name the first counts.
    pub fn of(fields: impl IntoIterator<Item = (String, String)>) -> Form {
        let mut form = Form::default();
        for (name, value) in fields {
            form.values.entry(name).or_insert(value);
        }
        form
    }

    /// What was entered in a field, or nothing.
    pub fn value(&self, field: &str) -> &str {
        self.values.get(field).map_or("", |value| value.trim())
    }

    /// Takes a field out as it was typed, spaces and all: a password, which never comes back in a form.
    pub fn take_raw(&mut self, field: &str) -> String {
        self.values.remove(field).unwrap_or_default()
    }

    /// Says what is wrong with a field, in the reader's words. The first reason stays.
    pub fn refuse(&mut self, field: &'static str, reason: String) {
        self.errors.entry(field).or_insert(reason);
    }

    /// What is wrong with a field, or nothing.
    pub fn error(&self, field: &str) -> &str {
        self.errors.get(field).map_or("", String::as_str)
    }

    /// SHA-256 of the entries without tokens and keys: what makes a repeated form the same.
    fn entries_sha256(&self) -> String {
        let mut hash = Sha256::new();
        for (name, value) in self
            .values
            .iter()
            .filter(|(name, _)| *name != TOKEN_FIELD && *name != KEY_FIELD)
        {
            for part in [name, value] {
                hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
                hash.update(part);
            }
        }
        hex::encode(hash.finalize())
    }

    /// Whether no field was refused.
    pub fn is_sound(&self) -> bool {
        self.errors.is_empty()
    }
}

/// A key for a form's command: drawn when the form is shown.
pub(super) fn draw_key(cabinet: &Cabinet) -> String {
    hex::encode(cabinet.ctx.ids.bytes::<16>())
}

/// Whether a form's command is to be carried out.
#[derive(Debug)]
pub(super) enum Once {
    /// It is the first time: carry it out in this transaction and call [`Taken::finish`] before saving.
    First(Taken),
    /// It was carried out before: answer as then.
    Again,
}

/// The key of a form that is being carried out.
#[derive(Debug)]
pub(super) struct Taken {
    scope: String,
    key: String,
    body_sha256: String,
}

/// Takes the form's key (spec README rule 7): the same form sent twice is one command; the same key with other entries is
/// refused as a stale form. `scope` tells users and operations apart.
pub(super) async fn take_once(tx: &mut Tx, scope: String, form: &Form) -> Result<Once, Refusal> {
    let key = form.value(KEY_FIELD).to_owned();
    if key.len() != 32 || !key.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Refusal::Stale);
    }
    let body_sha256 = form.entries_sha256();
    Ok(match tx.idempotency().begin(&scope, &key, &body_sha256).await? {
        Known::Fresh => Once::First(Taken {
            scope,
            key,
            body_sha256,
        }),
        Known::Replay { .. } => Once::Again,
        Known::Conflict => return Err(Refusal::Stale),
    })
}

impl Taken {
    /// Keeps the answer (the page that the form leads to) in the transaction of the command.
    pub async fn finish(self, tx: &mut Tx, answer: &str, at: Timestamp) -> Result<(), DbError> {
        tx.idempotency()
            .finish(&self.scope, &self.key, &self.body_sha256, 303, answer, at)
            .await
    }
}

/// A day as browsers send it ("2026-11-30") or as people write it ("30.11.2026").
pub(super) fn parse_day(text: &str) -> Option<NaiveDate> {
    if text.len() > 10 {
        return None;
    }
    NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .or_else(|_| NaiveDate::parse_from_str(text, "%d.%m.%Y"))
        .ok()
}

/// A sum as people write it: "150000", "150 000,50", "150 000.5". Parted thousands by spaces of any kind only, because a
/// comma and a dot both mark tiyin.
pub(super) fn parse_sum(text: &str) -> Option<Money> {
    let plain: String = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| if c == ',' { '.' } else { c })
        .collect();
    let number = plain.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && plain.len() <= 24;
    (number && plain.bytes().any(|byte| byte.is_ascii_digit())).then(|| Money::parse(&plain).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn sums_are_read_as_people_write_them() {
        for (text, sum) in [
            ("150000", Some("150000.00")),
            ("150 000,50", Some("150000.50")),
            ("150\u{a0}000\u{202f}000.5", Some("150000000.50")),
            ("0,01", Some("0.01")),
            ("1,5.5", None),
            ("1.234,00", None),
            ("0,001", None),
            ("-5", None),
            ("1e3", None),
            ("", None),
            (".", None),
            ("99999999999999999999999999", None),
        ] {
            assert_eq!(
                parse_sum(text).map(|sum| sum.to_string()).as_deref(),
                sum,
                "{text}"
            );
        }
    }

    #[test]
    fn days_are_read_in_both_forms() {
        let day: NaiveDate = "2026-11-30".parse().unwrap();
        assert_eq!(parse_day("2026-11-30"), Some(day));
        assert_eq!(parse_day("30.11.2026"), Some(day));
        for text in [
            "",
            "31.11.2026",
            "2026-13-01",
            "11/30/2026",
            "2026-11-30T00:00:00",
        ] {
            assert_eq!(parse_day(text), None, "{text}");
        }
    }

    #[test]
    fn another_sites_post_is_told_by_its_headers() {
        let site = "https://cabinet.example.uz";
        let ask = |headers: &[(&'static str, &'static str)]| {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.insert(*name, HeaderValue::from_static(value));
            }
            from_this_site(&map, site)
        };
        assert!(ask(&[]));
        assert!(ask(&[("origin", site)]));
        assert!(ask(&[
            ("origin", "http://127.0.0.1:8080"),
            ("host", "127.0.0.1:8080")
        ]));
        assert!(!ask(&[("origin", "https://evil.example")]));
        assert!(!ask(&[
            ("origin", "https://evil.example"),
            ("host", "cabinet.example.uz")
        ]));
        assert!(!ask(&[("origin", "null"), ("host", "cabinet.example.uz")]));
        assert!(!ask(&[("sec-fetch-site", "cross-site")]));
        assert!(!ask(&[("sec-fetch-site", "same-site"), ("origin", site)]));
    }

    #[test]
    fn the_same_entries_are_the_same_form_whatever_its_tokens_are() {
        let form = |token: &str, a: &str, b: &str| {
            let fields = [(TOKEN_FIELD, token), (KEY_FIELD, token), ("a", a), ("b", b)];
            Form::of(fields.map(|(name, value)| (name.to_owned(), value.to_owned()))).entries_sha256()
        };
        assert_eq!(form("one", "12", "3"), form("two", "12", "3"));
        assert_ne!(form("one", "12", "3"), form("one", "1", "23"));
    }

    #[test]
    fn a_refused_form_keeps_what_was_entered() {
        let mut form = Form::of([
            ("sum".to_owned(), " 12x ".to_owned()),
            ("sum".to_owned(), "13".to_owned()),
        ]);
        form.refuse("sum", "no sum".to_owned());
        form.refuse("sum", "another reason".to_owned());
        assert_eq!(
            (form.value("sum"), form.error("sum"), form.is_sound()),
            ("12x", "no sum", false)
        );
        assert_eq!((form.value("day"), form.error("day")), ("", ""));
    }
}
