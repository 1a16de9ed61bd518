//! `docs/errors.md` lists every stable code that a refusal can have (orders.md §9), with its status and its sentence.
//!
//! The list is made from the sources: `NAMOYISH_WRITE_DOCS=1 cargo test -p namoyish --test error_codes` writes it anew,
//! and without the variable a list that lags behind fails. A code that has gone is thus seen in the review of the change.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test ends at its first surprise"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Calls that make a refusal, and the HTTP status that it is told with.
const MAKERS: &[(&str, &str)] = &[
    ("Told::refused(", "422"),
    ("Told::conflict(", "409"),
    ("Told::not_found(", "404"),
    ("Problem::refused(", "422"),
    ("Problem::conflict(", "409"),
    ("Problem::bad_request(", "400"),
    ("Problem::unavailable(", "503"),
];
const INSIDE: &[&str] = &[
    "billing/src/jobs",
    "delivery/src",
    "documents/src",
    "testkit",
    "simulation/src",
];
const HEADER: &str = "# Refusals by code\n\n\
    Every refusal is a problem document (RFC 9457, `application/problem+json`) with a stable `code`, and where they are \
    known the `field` at fault and the `limit` that it passed. The cabinet's texts and the simulation's report use the \
    same codes. In a sentence, `{…}` stands for a value.\n\n\
    This list is made from the sources by `services/namoyish/tests/error_codes.rs`, which also tells how to renew it.\n\n\
    | code | status | sentence |\n|---|---|---|\n";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !["tests", "target", "examples", "benches"].contains(&name.as_str()) {
            sources(&path, found);
        } else if name.ends_with(".rs") && name != "tests.rs" {
            found.push(path);
        }
    }
}

/// What is known of a code.
#[derive(Default)]
struct Known {
    statuses: BTreeSet<&'static str>,
    sentences: BTreeSet<String>,
}

/// The text literal at the beginning of `text`, spaces before it skipped.
fn literal(text: &str) -> Option<&str> {
    let rest = text.trim_start().strip_prefix('"')?;
    let mut escaped = false;
    let end = rest.char_indices().find(|(_, letter)| {
        let ends = *letter == '"' && !escaped;
        escaped = *letter == '\\' && !escaped;
        ends
    })?;
    Some(&rest[..end.0])
}

fn is_code(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Sentences of `#[error("…")]` by the variant that follows.
fn sentences_of(source: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (at, _) in source.match_indices("#[error(") {
        let Some(sentence) = literal(&source[at + "#[error(".len()..]) else {
            continue;
        };
        let rest = &source[at..];
        let Some(end) = rest.find(")]\n") else { continue };
        let item = rest[end + 3..]
            .lines()
            .map(str::trim)
            .find(|line| !line.starts_with('#') && !line.starts_with("//"));
        let words = item.unwrap_or_default().trim_start_matches("pub ");
        let words = words.trim_start_matches("struct ").trim_start_matches("enum ");
        let name: String = words.chars().take_while(char::is_ascii_alphanumeric).collect();
        let sentence = sentence.split_whitespace().collect::<Vec<_>>().join(" ");
        found.insert(name, sentence.replace("\\ ", "").replace('|', "\\|"));
    }
    found
}

/// The variant of the match arm whose right side begins at `at`: the last capitalised name after a `::` before its `=>`.
fn variant_before(source: &str, at: usize) -> Option<&str> {
    let arm = &source[..at];
    let arrow = arm.rfind("=>")?;
    let pattern_begin = arm[..arrow].rfind(['{', ',', ';']).filter(|begin| {
        // A brace of the pattern itself (`Variant { .. } =>`) is no begin.
        arm[*begin..arrow].contains("::")
    });
    let pattern = match pattern_begin {
        Some(begin) => &arm[begin..arrow],
        None => &arm[arrow.saturating_sub(200).max(last_boundary(arm, arrow))..arrow],
    };
    let after = pattern.rfind("::")? + 2;
    let name = &pattern[after..];
    let end = name
        .find(|letter: char| !letter.is_ascii_alphanumeric())
        .unwrap_or(name.len());
    Some(&name[..end])
}

fn last_boundary(text: &str, before: usize) -> usize {
    let mut at = before.saturating_sub(200);
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

/// Bodies of `fn code(&self)` of error types, with their offset.
fn code_functions(source: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (at, _) in source.match_indices("fn code(&self) -> &'static str {") {
        let of = source[..at]
            .rfind("impl ")
            .map(|begin| &source[begin..at])
            .unwrap_or_default();
        let name = of.lines().next().unwrap_or_default();
        let is_error = ["Refused", "Error", "NotRunning", "Refusal", "Mistake"]
            .iter()
            .any(|ending| name.contains(ending));
        let end = source[at..].find("\n    }").map_or(source.len(), |end| at + end);
        if is_error {
            found.push((at, end));
        }
    }
    found
}

fn collect() -> BTreeMap<String, Known> {
    let mut files = Vec::new();
    sources(&root().join("services"), &mut files);
    files.sort();
    // What fails inside the platform is told to nobody outside it.
    files.retain(|file| {
        !INSIDE
            .iter()
            .any(|inside| file.to_string_lossy().contains(inside))
    });
    let mut codes: BTreeMap<String, Known> = BTreeMap::new();
    for file in files {
        let whole = std::fs::read_to_string(&file).unwrap();
        let source = whole
            .split("\n#[cfg(test)]\nmod tests {")
            .next()
            .unwrap_or_default();
        let sentences = sentences_of(source);
        let mut add = |code: &str, status: Option<&'static str>, at: usize| {
            let known = codes.entry(code.to_owned()).or_default();
            known.statuses.extend(status);
            let sentence = variant_before(source, at).and_then(|variant| sentences.get(variant));
            known.sentences.extend(sentence.cloned());
        };
        for (maker, status) in MAKERS {
            for (at, _) in source.match_indices(maker) {
                if let Some(code) = literal(&source[at + maker.len()..]).filter(|code| is_code(code)) {
                    add(code, Some(status), at);
                }
            }
        }
        for (begin, end) in code_functions(source) {
            let mut at = begin;
            while let Some(quote) = source[at..end].find('"') {
                let Some(text) = literal(&source[at + quote..end]) else {
                    break;
                };
                if is_code(text) {
                    add(text, None, at + quote);
                }
                at += quote + text.len() + 2;
            }
        }
    }
    codes
}

fn table(codes: &BTreeMap<String, Known>) -> String {
    let mut text = HEADER.to_owned();
    for (code, known) in codes {
        let statuses = known.statuses.iter().copied().collect::<Vec<_>>().join(", ");
        let statuses = if statuses.is_empty() {
            "409 or 422"
        } else {
            &statuses
        };
        let sentences = known.sentences.iter().cloned().collect::<Vec<_>>().join("; ");
        text.push_str(&format!("| `{code}` | {statuses} | {sentences} |\n"));
    }
    text
}

#[test]
fn every_stable_code_is_listed_in_the_documentation() {
    let codes = collect();
    assert!(codes.len() > 100, "only {} codes were found", codes.len());
    // One of each kind of source: a state, a page, a command.
    for expected in [
        "order_blank_not_in_force",
        "limit_out_of_range",
        "too_many_versions",
    ] {
        assert!(codes.contains_key(expected), "{expected} was not found");
    }
    let due = table(&codes);
    let path = root().join("docs/errors.md");
    if std::env::var_os("NAMOYISH_WRITE_DOCS").is_some() {
        std::fs::write(&path, &due).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let (due, written): (BTreeSet<&str>, BTreeSet<&str>) = (due.lines().collect(), written.lines().collect());
    let missing: Vec<_> = due.difference(&written).collect();
    let stale: Vec<_> = written.difference(&due).collect();
    assert!(
        missing.is_empty() && stale.is_empty(),
        "docs/errors.md lags behind the sources; NAMOYISH_WRITE_DOCS=1 renews it\nmissing: {missing:#?}\nstale: {stale:#?}"
    );
}
