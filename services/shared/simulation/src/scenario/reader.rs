//! Reads one TOML table key by key, and remembers every mistake with the line of the file that it is on.
//!
//! Rule: simulation.md, last paragraph. Mistakes are collected, not thrown: a file with five of them says so at once.
//! Every key that a caller asks for is thereby known; [`Fields::finish`] reports the ones that nobody asked for.

use chrono::{NaiveDate, NaiveDateTime};
use namoyish_domain::calendar::ReportingPeriod;
use namoyish_domain::money::{Money, Rate, UnitPrice};
use rust_decimal::Decimal;
use std::cell::RefCell;
use std::fmt;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One mistake of a scenario file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// Line of the file, counted from 1.
    pub line: usize,
    /// What is wrong there, and what was due.
    pub message: String,
}

/// "line 12: unknown key `prise`".
impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

/// The mistakes found so far, and where the file's lines begin.
pub(super) struct Mistakes {
    line_starts: Vec<usize>,
    found: RefCell<Vec<Mistake>>,
}

impl Mistakes {
    /// None yet, in this text.
    pub(super) fn of(text: &str) -> Mistakes {
        let line_starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        Mistakes {
            line_starts,
            found: RefCell::new(Vec::new()),
        }
    }

    /// Line of a byte offset, counted from 1.
    pub(super) fn line_of(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset)
    }

    /// Remembers a mistake at a line.
    pub(super) fn add(&self, line: usize, message: impl Into<String>) {
        self.found.borrow_mut().push(Mistake {
            line,
            message: message.into(),
        });
    }

    /// All of them in the order of the file.
    pub(super) fn into_sorted(self) -> Vec<Mistake> {
        let mut found = self.found.into_inner();
        found.sort();
        found.dedup();
        found
    }
}

/// A value with the line it is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Line of the file, counted from 1.
    pub line: usize,
}

/// One table that is being read.
pub(super) struct Fields<'a, 'i> {
    table: &'a DeTable<'i>,
    /// Line of the table's header.
    pub(super) line: usize,
    name: &'static str,
    asked: RefCell<Vec<&'static str>>,
    mistakes: &'a Mistakes,
}

impl<'a, 'i> Fields<'a, 'i> {
    /// `name` is how messages call the table ("[[price]]").
    pub(super) fn new(
        table: &'a DeTable<'i>,
        offset: usize,
        name: &'static str,
        mistakes: &'a Mistakes,
    ) -> Self {
        let line = mistakes.line_of(offset);
        Fields {
            table,
            line,
            name,
            asked: RefCell::new(Vec::new()),
            mistakes,
        }
    }

    fn value(&self, key: &'static str) -> Option<&'a Spanned<DeValue<'i>>> {
        self.asked.borrow_mut().push(key);
        self.table.get(key)
    }

    /// Line of a key's value, or of the table when the key is absent.
    pub(super) fn line_of(&self, key: &str) -> usize {
        self.table
            .get(key)
            .map_or(self.line, |value| self.mistakes.line_of(value.span().start))
    }

    /// Whether the key is there; it counts as asked for.
    pub(super) fn has(&self, key: &'static str) -> bool {
        self.value(key).is_some()
    }

    /// The value of a key if it is there; one that doesn't convert is a mistake, and `None`.
    pub(super) fn optional<T>(
        &self,
        key: &'static str,
        convert: impl Fn(&DeValue<'i>) -> Result<T, String>,
    ) -> Option<T> {
        let value = self.value(key)?;
        match convert(value.get_ref()) {
            Ok(converted) => Some(converted),
            Err(message) => {
                self.mistakes.add(
                    self.mistakes.line_of(value.span().start),
                    format!("`{key}`: {message}"),
                );
                None
            }
        }
    }

    /// The value of a key that must be there.
    pub(super) fn required<T>(
        &self,
        key: &'static str,
        convert: impl Fn(&DeValue<'i>) -> Result<T, String>,
    ) -> Option<T> {
        if !self.has(key) {
            self.mistakes
                .add(self.line, format!("`{key}` is missing in {}", self.name));
            return None;
        }
        self.optional(key, convert)
    }

    /// The same with its line.
    pub(super) fn required_at<T>(
        &self,
        key: &'static str,
        convert: impl Fn(&DeValue<'i>) -> Result<T, String>,
    ) -> Option<At<T>> {
        self.required(key, convert).map(|value| At {
            value,
            line: self.line_of(key),
        })
    }

    /// The value of a key, or a default when it isn't there.
    pub(super) fn or<T>(
        &self,
        key: &'static str,
        default: T,
        convert: impl Fn(&DeValue<'i>) -> Result<T, String>,
    ) -> T {
        self.optional(key, convert).unwrap_or(default)
    }

    /// A list, each item with its line; an absent key is the empty list.
    pub(super) fn list<T>(
        &self,
        key: &'static str,
        convert: impl Fn(&DeValue<'i>) -> Result<T, String>,
    ) -> Vec<At<T>> {
        let Some(value) = self.value(key) else {
            return Vec::new();
        };
        let DeValue::Array(items) = value.get_ref() else {
            let line = self.mistakes.line_of(value.span().start);
            self.mistakes.add(
                line,
                format!("`{key}`: a list is due, not {}", kind_of(value.get_ref())),
            );
            return Vec::new();
        };
        let mut list = Vec::with_capacity(items.len());
        for item in items.iter() {
            let line = self.mistakes.line_of(item.span().start);
            match convert(item.get_ref()) {
                Ok(value) => list.push(At { value, line }),
                Err(message) => self.mistakes.add(line, format!("`{key}`: {message}")),
            }
        }
        list
    }

    /// A table under a key (`[operator]`).
    pub(super) fn table(&self, key: &'static str, name: &'static str) -> Option<Fields<'a, 'i>> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::Table(table) => Some(Fields::new(table, value.span().start, name, self.mistakes)),
            other => {
                let line = self.mistakes.line_of(value.span().start);
                self.mistakes
                    .add(line, format!("`{key}`: a table is due, not {}", kind_of(other)));
                None
            }
        }
    }

    /// The tables under a key (`[[price]]`).
    pub(super) fn tables(&self, key: &'static str, name: &'static str) -> Vec<Fields<'a, 'i>> {
        let Some(value) = self.value(key) else {
            return Vec::new();
        };
        let items = match value.get_ref() {
            DeValue::Array(items) => items,
            other => {
                let line = self.mistakes.line_of(value.span().start);
                self.mistakes
                    .add(line, format!("`{key}`: write {name}, not {}", kind_of(other)));
                return Vec::new();
            }
        };
        let mut tables = Vec::with_capacity(items.len());
        for item in items.iter() {
            match item.get_ref() {
                DeValue::Table(table) => {
                    tables.push(Fields::new(table, item.span().start, name, self.mistakes));
                }
                other => {
                    let line = self.mistakes.line_of(item.span().start);
                    self.mistakes
                        .add(line, format!("`{key}`: write {name}, not {}", kind_of(other)));
                }
            }
        }
        tables
    }

    /// Remembers a mistake at the value of a key.
    pub(super) fn mistake(&self, key: &str, message: impl Into<String>) {
        self.mistakes.add(self.line_of(key), message);
    }

    /// Remembers a mistake on a line (of an item of a list).
    pub(super) fn mistake_on_line(&self, line: usize, message: impl Into<String>) {
        self.mistakes.add(line, message);
    }

    /// Reports the keys that nobody asked for.
    pub(super) fn finish(&self) {
        let asked = self.asked.borrow();
        for (key, _) in self.table.iter() {
            if !asked.contains(&key.get_ref().as_ref()) {
                let mut known = asked.clone();
                known.sort_unstable();
                known.dedup();
                let line = self.mistakes.line_of(key.span().start);
                let message = format!(
                    "unknown key `{}` in {}; known are {}",
                    key.get_ref(),
                    self.name,
                    known.join(", ")
                );
                self.mistakes.add(line, message);
            }
        }
    }
}

fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a decimal number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date without quotes",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// A text of at most 200 characters.
pub(super) fn text(value: &DeValue<'_>) -> Result<String, String> {
    match value {
        DeValue::String(text) if text.chars().count() <= 200 => Ok(text.to_string()),
        DeValue::String(_) => Err("at most 200 characters are allowed".to_owned()),
        other => Err(format!("a text in quotes is due, not {}", kind_of(other))),
    }
}

/// An id: 1 to 64 letters, digits, `-`, `_`, `.` and `/`, as the platform's own short names.
pub(super) fn id(value: &DeValue<'_>) -> Result<String, String> {
    short_name(value, "-_./")
}

/// A code of a price-list item: as an id, without `/`.
pub(super) fn item_code(value: &DeValue<'_>) -> Result<String, String> {
    short_name(value, "-_.")
}

fn short_name(value: &DeValue<'_>, marks: &str) -> Result<String, String> {
    let id = text(value)?;
    let is_known = |letter: char| letter.is_ascii_alphanumeric() || marks.contains(letter);
    if (1..=64).contains(&id.len()) && id.chars().all(is_known) {
        return Ok(id);
    }
    let marks: Vec<String> = marks.chars().map(|mark| mark.to_string()).collect();
    Err(format!(
        "`{id}` is no id: 1 to 64 letters, digits and {} are due",
        marks.join(" ")
    ))
}

/// true or false.
pub(super) fn boolean(value: &DeValue<'_>) -> Result<bool, String> {
    match value {
        DeValue::Boolean(is) => Ok(*is),
        other => Err(format!("true or false is due, not {}", kind_of(other))),
    }
}

/// An integer in a range, both ends allowed.
pub(super) fn integer(least: u64, most: u64) -> impl Fn(&DeValue<'_>) -> Result<u64, String> {
    move |value| match value {
        DeValue::Integer(number) => u64::from_str_radix(number.as_str(), number.radix())
            .ok()
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| format!("{number} is not between {least} and {most}")),
        other => Err(format!("an integer is due, not {}", kind_of(other))),
    }
}

/// A date that exists, "2026-11-01".
pub(super) fn date(value: &DeValue<'_>) -> Result<NaiveDate, String> {
    let text = text(value)?;
    let date = NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok();
    date.filter(|_| text.len() == 10)
        .ok_or_else(|| format!("`{text}` is no date of the form YYYY-MM-DD"))
}

/// A Tashkent date and time, "2026-11-01T10:00:00".
pub(super) fn instant(value: &DeValue<'_>) -> Result<NaiveDateTime, String> {
    let text = text(value)?;
    let instant = NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S").ok();
    instant
        .filter(|_| text.len() == 19)
        .ok_or_else(|| format!("`{text}` is no time of the form YYYY-MM-DDTHH:MM:SS"))
}

/// A reporting period, "2026-11".
pub(super) fn period(value: &DeValue<'_>) -> Result<ReportingPeriod, String> {
    ReportingPeriod::parse(&text(value)?).map_err(|error| error.to_string())
}

/// A sum with at most two places, "300000.00".
pub(super) fn money(value: &DeValue<'_>) -> Result<Money, String> {
    Money::parse(&text(value)?).map_err(|error| error.to_string())
}

/// A price with at most six places.
pub(super) fn price(value: &DeValue<'_>) -> Result<UnitPrice, String> {
    UnitPrice::parse(&text(value)?).map_err(|error| error.to_string())
}

/// A share between 0 and 1 with at most four places, "0.12".
pub(super) fn rate(value: &DeValue<'_>) -> Result<Rate, String> {
    let text = text(value)?;
    Rate::parse(&text).map_err(|_| format!("`{text}` is no share between 0 and 1 with at most four places"))
}

/// A decimal that isn't negative, "1.5".
pub(super) fn decimal(value: &DeValue<'_>) -> Result<Decimal, String> {
    let text = text(value)?;
    Decimal::from_str_exact(&text)
        .ok()
        .filter(|decimal| !decimal.is_sign_negative() && decimal.scale() <= 6)
        .ok_or_else(|| format!("`{text}` is no decimal number from 0 with at most six places"))
}

/// One of a few words.
pub(super) fn one_of<T: Copy>(
    choices: &'static [(&'static str, T)],
) -> impl Fn(&DeValue<'_>) -> Result<T, String> {
    move |value| {
        let text = text(value)?;
        choices
            .iter()
            .find(|(word, _)| *word == text)
            .map(|(_, choice)| *choice)
            .ok_or_else(|| {
                let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
                format!("`{text}` is none of {}", words.join(", "))
            })
    }
}

/// A relative weight: an integer or a decimal with at most six places, in millionths.
pub(super) fn weight(value: &DeValue<'_>) -> Result<u64, String> {
    let written = match value {
        DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
        DeValue::Float(number) => number.as_str(),
        other => return Err(format!("a number is due, not {}", kind_of(other))),
    };
    Decimal::from_str_exact(written)
        .ok()
        .filter(|decimal| !decimal.is_sign_negative() && *decimal <= Decimal::from(1_000_000))
        .and_then(|decimal| decimal.checked_mul(Decimal::from(1_000_000)))
        .filter(|millionths| millionths.is_integer())
        .and_then(|millionths| u64::try_from(millionths).ok())
        .ok_or_else(|| format!("{written} is no weight from 0 to 1000000 with at most six places"))
}
