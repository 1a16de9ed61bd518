//! Fields of requests, each parsed once with a problem that names it.

use chrono::{Datelike, NaiveDate};
use namoyish_domain::calendar::ReportingPeriod;
use namoyish_domain::money::{Money, UnitPrice};
use namoyish_domain::orders::text::TextRefused;
use namoyish_runtime::problem::Problem;
use rust_decimal::Decimal;
use serde::de::DeserializeOwned;

/// A JSON body. What is wrong is told with line and column, never with what was sent.
pub(crate) fn json_body<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    // The only way in for a character that no text of the database may hold.
    if body.windows(6).any(|six| six == b"\\u0000") {
        return Err(Problem::refused("bad_text", "the body has a NUL character in a text").field("body"));
    }
    serde_json::from_slice(body).map_err(|error| {
        let problem = if error.is_data() {
            Problem::refused("bad_field", format!("the body does not fit: {error}"))
        } else {
            Problem::bad_request("bad_json", format!("the body is not JSON: {error}"))
        };
        problem.field("body")
    })
}

/// A value of a field, or the problem that names it.
pub(crate) fn field<T, E: std::fmt::Display>(
    name: &str,
    code: &'static str,
    parsed: Result<T, E>,
) -> Result<T, Problem> {
    parsed.map_err(|error| Problem::refused(code, error.to_string()).field(name.to_owned()))
}

/// Texts, with the problem of the one that is refused. `prefix` tells where they are: "items[2].", or nothing.
pub(crate) fn text<T>(prefix: &str, parsed: Result<T, TextRefused>) -> Result<T, Problem> {
    parsed.map_err(|refused| {
        let problem = Problem::refused(refused.code(), refused.to_string())
            .field(format!("{prefix}{}", refused.field()));
        match refused.limit() {
            Some(limit) => problem.limit(limit),
            None => problem,
        }
    })
}

/// A sum.
pub(crate) fn money(name: &str, text: &str) -> Result<Money, Problem> {
    field(name, "bad_sum", Money::parse(text))
}

/// A price.
pub(crate) fn price(name: &str, text: &str) -> Result<UnitPrice, Problem> {
    field(name, "bad_price", UnitPrice::parse(text))
}

/// A decimal number.
pub(crate) fn decimal(name: &str, text: &str) -> Result<Decimal, Problem> {
    field(name, "bad_number", Decimal::from_str_exact(text))
}

/// A reporting period.
pub(crate) fn period(name: &str, text: &str) -> Result<ReportingPeriod, Problem> {
    field(name, "bad_period", ReportingPeriod::parse(text))
}

/// One of a list of codes.
pub(crate) fn one_of<T>(
    name: &str,
    text: &str,
    known: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, Problem> {
    parse(text).ok_or_else(|| {
        Problem::refused("unknown_value", format!("{name} is none of {known}"))
            .field(name.to_owned())
            .limit(known)
    })
}

/// An id in a path: one that isn't of the kind is nothing there.
pub(crate) fn id_in_path<T, E>(what: &str, parsed: Result<T, E>) -> Result<T, Problem> {
    parsed.map_err(|_| no_such(what))
}

/// 404 for a thing that isn't there, or is another customer's.
pub(crate) fn no_such(what: &str) -> Problem {
    Problem::not_found(format!("there is no such {what}"))
}

/// Whether a day lies in the centuries that the platform can have to do with, which the database's calendar holds as well.
pub(crate) fn is_sound_day(day: NaiveDate) -> bool {
    (1900..=2200).contains(&day.year())
}

/// A day of a request, within [`is_sound_day`].
pub(crate) fn sound_day(name: &str, day: NaiveDate) -> Result<NaiveDate, Problem> {
    if is_sound_day(day) {
        Ok(day)
    } else {
        Err(
            Problem::refused("day_out_of_range", format!("{name} lies outside 1900..2200"))
                .field(name.to_owned())
                .limit("1900..2200"),
        )
    }
}

/// A decimal without needless zeros.
pub(crate) fn plain(value: Decimal) -> String {
    value.normalize().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        #[expect(dead_code, reason = "only that it parses matters")]
        name: String,
    }

    #[test]
    fn bodies_that_do_not_fit_are_told_apart_from_what_is_no_json() {
        let code = |body: &str| {
            json_body::<Body>(body.as_bytes())
                .map(|_| ())
                .map_err(|problem| problem.code())
        };
        assert_eq!(code(r#"{"name":"a"}"#), Ok(()));
        assert_eq!(code(r#"{"name":1}"#), Err("bad_field"));
        assert_eq!(code(r#"{"name":"a","more":1}"#), Err("bad_field"));
        assert_eq!(code(r#"{"name""#), Err("bad_json"));
        assert_eq!(code(""), Err("bad_json"));
    }
}
