//! Nothing is untranslated: keys of the languages against each other and against what templates and code ask for.

use super::*;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn web() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web")
}

fn files_under(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_under(&path, extension));
        } else if path.extension().is_some_and(|own| own == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Message keys and, for each, the names of the values that it uses.
fn messages_of(language: &str) -> Vec<(String, BTreeSet<String>)> {
    let mut messages: Vec<(String, BTreeSet<String>)> = Vec::new();
    for file in files_under(&web().join("translations").join(language), "ftl") {
        for line in std::fs::read_to_string(file).unwrap().lines() {
            if line.starts_with(|first: char| first.is_ascii_lowercase())
                && let Some((key, _)) = line.split_once('=')
            {
                messages.push((key.trim().to_owned(), BTreeSet::new()));
            }
            let mut rest = line;
            while let Some(start) = rest.find('$') {
                rest = &rest[start + 1..];
                let end = rest
                    .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                    .unwrap_or(rest.len());
                messages.last_mut().unwrap().1.insert(rest[..end].to_owned());
            }
        }
    }
    messages
}

fn keys_of(language: &str) -> BTreeSet<String> {
    messages_of(language).into_iter().map(|(key, _)| key).collect()
}

/// Every literal key that follows `.get("` or `.with("` in a text.
fn keys_asked_for(source: &str) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for call in [".get(", ".with("] {
        for after in source.split(call).skip(1) {
            if let Some(literal) = after.trim_start().strip_prefix('"')
                && let Some((key, _)) = literal.split_once('"')
                && key.contains('-')
            {
                keys.insert(key.to_owned());
            }
        }
    }
    keys
}

fn sources() -> Vec<(PathBuf, String)> {
    let code = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = files_under(&web().join("templates"), "html");
    files.extend(files_under(&code.join("cabinet"), "rs"));
    files.push(code.join("i18n.rs"));
    files.push(code.join("app/invoice_document.rs"));
    files
        .into_iter()
        .map(|path| (path.clone(), std::fs::read_to_string(path).unwrap()))
        .collect()
}

#[test]
fn a_language_is_offered_exactly_when_its_folder_has_messages() {
    let folders: BTreeSet<String> = std::fs::read_dir(web().join("translations"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("main.ftl").is_file())
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    let offered: BTreeSet<String> = super::offered()
        .iter()
        .map(|language| language.code().to_owned())
        .collect();
    assert_eq!(offered, folders);
    assert!(offered.contains(DEFAULT.code()));
}

#[test]
fn every_language_has_every_key() {
    let default = messages_of(DEFAULT.code());
    for language in super::offered() {
        let messages = messages_of(language.code());
        let keys: BTreeSet<&String> = messages.iter().map(|(key, _)| key).collect();
        assert_eq!(keys.len(), messages.len(), "{language}: some key is there twice");
        for (key, values) in &default {
            let found = messages.iter().find(|(own, _)| own == key);
            let (_, own) = found.unwrap_or_else(|| panic!("{language} lacks {key}"));
            assert_eq!(own, values, "{language}: {key} uses other values than {DEFAULT}");
        }
        assert_eq!(
            keys.len(),
            default.len(),
            "{language} has keys that {DEFAULT} lacks"
        );
    }
}

#[test]
fn every_key_asked_for_exists() {
    let keys = keys_of(DEFAULT.code());
    for (path, source) in sources() {
        for key in keys_asked_for(&source) {
            assert!(keys.contains(&key), "{} asks for {key}", path.display());
        }
    }
    for key in crate::cabinet::words::coded_keys() {
        assert!(keys.contains(&key), "a code asks for {key}");
    }
}

#[test]
fn every_key_is_asked_for() {
    let mut asked: BTreeSet<String> = crate::cabinet::words::coded_keys().into_iter().collect();
    for (_, source) in sources() {
        asked.extend(keys_asked_for(&source));
        // Keys that are passed on in a variable stand in the source as plain literals.
        asked.extend(
            source
                .split('"')
                .skip(1)
                .step_by(2)
                .filter(|text| text.contains('-'))
                .map(str::to_owned),
        );
        asked.extend(
            source
                .split('"')
                .filter(|text| text.contains('-'))
                .map(str::to_owned),
        );
    }
    let unused: Vec<String> = keys_of(DEFAULT.code())
        .into_iter()
        .filter(|key| !asked.contains(key))
        .collect();
    assert!(unused.is_empty(), "nobody asks for {unused:?}");
}

#[test]
fn uzbek_letters_are_the_ones_of_the_standard() {
    // uzbekistan.md §7: oʻ and gʻ with U+02BB, the other apostrophe U+02BC; no typewriter or quotation marks for them.
    for file in files_under(&web().join("translations/uz-Latn"), "ftl") {
        for (number, line) in std::fs::read_to_string(&file).unwrap().lines().enumerate() {
            let Some((_, message)) = line.split_once('=') else {
                continue;
            };
            for wrong in ['\'', '`', '‘', '’', '´'] {
                assert!(
                    !message.contains(wrong),
                    "{}:{}: {wrong} in {message}",
                    file.display(),
                    number + 1
                );
            }
        }
    }
}

#[test]
fn a_missing_key_is_seen_and_never_borrowed_from_another_language() {
    let english = Translator::new(Language::En);
    assert_eq!(english.get("no-such-key"), "⟦no-such-key⟧");
    assert!(!english.has("no-such-key"));
}

#[test]
fn the_browsers_languages_are_weighed() {
    for (header, wanted) in [
        ("uz", Some(Language::UzLatn)),
        ("uz-Latn-UZ,ru;q=0.8", Some(Language::UzLatn)),
        ("de-DE,de;q=0.9,ru;q=0.8,en;q=0.7", Some(Language::Ru)),
        ("en;q=0.5, ru;q=0.9", Some(Language::Ru)),
        ("ru;q=0, en;q=0.1", Some(Language::En)),
        ("de, fr;q=0.9, *", None),
        ("", None),
        ("ru;q=abc", None),
    ] {
        assert_eq!(negotiate(header), wanted, "{header}");
    }
    assert_eq!(negotiate(&"de,".repeat(100_000)), None);
}

#[test]
fn numbers_and_dates_are_in_the_readers_convention() {
    let sum = Money::parse("1234567.89").unwrap();
    let day: NaiveDate = "2026-03-07".parse().unwrap();
    for (language, money, long) in [
        (
            Language::UzLatn,
            "1\u{a0}234\u{a0}567,89\u{a0}soʻm",
            "2026-yil 7-mart",
        ),
        (Language::Ru, "1\u{a0}234\u{a0}567,89\u{a0}сум", "7 марта 2026 г."),
        (Language::En, "1\u{a0}234\u{a0}567,89\u{a0}UZS", "7 March 2026"),
    ] {
        let t = Translator::new(language);
        assert_eq!(t.money(sum), money);
        assert_eq!(t.long_date(day), long);
        assert_eq!(t.date(day), "07.03.2026");
    }
    let t = Translator::new(Language::Ru);
    assert_eq!(t.period(ReportingPeriod::of(day)), "март 2026 г.");
    assert_eq!(t.sum(Money::parse("-0.05").unwrap()), "\u{2212}0,05");
    assert_eq!(t.percent(125), "12,5\u{a0}%");
    assert_eq!(t.percent(1000), "100\u{a0}%");
    assert_eq!(t.count(1000), "1\u{a0}000");
    assert_eq!(t.count(999), "999");
    // Tashkent is five hours ahead of UTC.
    assert_eq!(
        t.instant("2026-03-06T20:05:00Z".parse().unwrap()),
        "07.03.2026 01:05"
    );
}
