//! Tidiness as a test: what reviewers would otherwise have to look for by eye. Each finding names file and line.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        reason = "a test that fails should panic"
    )
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("the workspace root exists")
}

/// Files below `folder` whose name ends with `ending`, in a stable order.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    fn walk(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                if !matches!(
                    entry.file_name().to_str(),
                    Some("target" | "node_modules" | "var" | ".git")
                ) {
                    walk(&path, ending, found);
                }
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(folder), ending, &mut found);
    found.sort();
    found
}

fn sources() -> Vec<PathBuf> {
    let mut all = files("services", ".rs");
    all.extend(files("loadtests", ".rs"));
    assert!(
        all.len() > 40,
        "the sources are not where this test looks for them"
    );
    all
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

fn refuse(findings: Vec<String>) {
    assert!(
        findings.is_empty(),
        "{} findings:\n{}",
        findings.len(),
        findings.join("\n")
    );
}

/// `docs/architecture.md`, "Direction": which of our crates each crate may use.
const DIRECTION: &[(&str, &[&str])] = &[
    ("services/shared/domain", &[]),
    ("services/shared/storage", &["domain"]),
    ("services/shared/documents", &["domain"]),
    ("services/shared/runtime", &["domain", "storage"]),
    (
        "services/shared/settlement",
        &["domain", "storage", "documents", "runtime"],
    ),
    ("services/shared/testkit", &["domain", "storage", "runtime"]),
    (
        "services/orders",
        &["domain", "storage", "documents", "runtime", "settlement"],
    ),
    ("services/delivery", &["domain", "storage", "runtime"]),
    (
        "services/billing",
        &["domain", "storage", "documents", "runtime", "settlement"],
    ),
    (
        "services/shared/simulation",
        &[
            "domain",
            "storage",
            "documents",
            "runtime",
            "orders",
            "delivery",
            "billing",
        ],
    ),
    (
        "services/namoyish",
        &[
            "domain",
            "storage",
            "documents",
            "runtime",
            "orders",
            "delivery",
            "billing",
            "simulation",
        ],
    ),
];

/// What the pure crate may use beside the standard library.
const DOMAIN_ALLOWED: &[&str] = &["rust_decimal", "chrono", "thiserror", "uuid", "sha2", "hmac"];

fn dependencies(manifest: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(manifest).expect("the manifest is readable");
    let mut inside = false;
    let mut found = BTreeSet::new();
    for line in text.lines() {
        if line.starts_with('[') {
            inside = line == "[dependencies]";
        } else if inside
            && let Some(name) = line.split(['.', '=', ' ']).next()
            && !name.is_empty()
            && !name.starts_with('#')
        {
            found.insert(name.to_owned());
        }
    }
    found
}

#[test]
fn crates_depend_in_one_direction_only() {
    let mut findings = Vec::new();
    for (folder, allowed) in DIRECTION {
        for dependency in dependencies(&root().join(folder).join("Cargo.toml")) {
            if let Some(ours) = dependency.strip_prefix("namoyish-")
                && !allowed.contains(&ours)
            {
                findings.push(format!("{folder}/Cargo.toml: may not depend on {dependency}"));
            }
            if *folder == "services/shared/domain" && !DOMAIN_ALLOWED.contains(&dependency.as_str()) {
                findings.push(format!(
                    "{folder}/Cargo.toml: {dependency} is not on the pure crate's allow-list"
                ));
            }
        }
    }
    refuse(findings);
}

#[test]
fn domain_modules_use_only_those_before_them() {
    let order = ["money", "calendar", "ids", "orders", "delivery", "billing"];
    let rank: BTreeMap<&str, usize> = order
        .iter()
        .enumerate()
        .map(|(index, name)| (*name, index))
        .collect();
    let mut findings = Vec::new();
    for path in files("services/shared/domain/src", ".rs") {
        let inside = shown(&path);
        let Some(own) = order.iter().find(|name| {
            inside.contains(&format!("src/{name}/")) || inside.ends_with(&format!("src/{name}.rs"))
        }) else {
            continue;
        };
        for (number, line) in fs::read_to_string(&path).expect("readable").lines().enumerate() {
            for (other, place) in &rank {
                if line.contains(&format!("crate::{other}::")) && place > &rank[own] {
                    findings.push(format!(
                        "{inside}:{}: {own} uses {other}, which comes after it",
                        number + 1
                    ));
                }
            }
        }
    }
    refuse(findings);
}

#[test]
fn sql_is_only_in_storage() {
    let mut findings = Vec::new();
    for path in sources() {
        let inside = shown(&path);
        let is_test = inside.contains("/tests/") || inside.contains("/examples/");
        if inside.contains("shared/storage/") || inside.contains("shared/testkit/") || is_test {
            continue;
        }
        for (number, line) in fs::read_to_string(&path).expect("readable").lines().enumerate() {
            if line.contains("sqlx::query") || line.contains("QueryBuilder") {
                findings.push(format!(
                    "{inside}:{}: SQL belongs into services/shared/storage",
                    number + 1
                ));
            }
        }
    }
    refuse(findings);
}

#[test]
fn storage_lists_its_statements() {
    // A literal in a query call would escape the test that prepares every statement.
    let mut findings = Vec::new();
    for path in files("services/shared/storage/src", ".rs") {
        let text = fs::read_to_string(&path).expect("readable");
        for (number, line) in text.lines().enumerate() {
            let call = line.find("sqlx::query").map(|at| &line[at..]);
            if call.is_some_and(|call| call.contains("(\"") || call.contains("(r#\"")) {
                findings.push(format!(
                    "{}:{}: put the statement into `statements!`",
                    shown(&path),
                    number + 1
                ));
            }
        }
        let module = path
            .file_stem()
            .and_then(|name| name.to_str())
            .unwrap_or_default()
            .to_owned();
        let lib = fs::read_to_string(root().join("services/shared/storage/src/lib.rs")).expect("readable");
        if text.contains("statements! {")
            && module != "lib"
            && !lib.contains(&format!("{module}::STATEMENTS"))
        {
            findings.push(format!("{}: not in storage::all_statements()", shown(&path)));
        }
    }
    refuse(findings);
}

#[test]
fn every_file_begins_with_a_header() {
    let findings = sources()
        .into_iter()
        .filter(|path| {
            let text = fs::read_to_string(path).expect("readable");
            !text
                .lines()
                .find(|line| !line.trim().is_empty())
                .is_some_and(|line| line.starts_with("//!") || line.starts_with("#![doc"))
        })
        .map(|path| format!("{}: begins without a `//!` header", shown(&path)))
        .collect();
    refuse(findings);
}

#[test]
fn no_file_is_two_things() {
    let findings = sources()
        .into_iter()
        .filter(|path| fs::metadata(path).expect("readable").len() > 40 * 1024)
        .map(|path| format!("{}: over 40 kB", shown(&path)))
        .collect();
    refuse(findings);
}

/// Synonyms that the glossary rules out, as identifiers (docs/architecture.md, "Names").
const BANNED_NAMES: &[(&str, &str)] = &[
    ("struct Creative", "AdMaterial"),
    ("struct Advertiser", "Customer"),
    ("struct Bill ", "Invoice"),
    ("struct Tariff", "PriceList"),
    ("struct Fine", "LatePenalty"),
    ("struct Boost", "ExtraPeriod"),
    ("fn accrue_fine", "late penalty"),
    ("struct AdSlot", "Placement"),
    ("struct OrderForm", "OrderBlank"),
];

#[test]
fn names_are_those_of_the_glossary() {
    let mut findings = Vec::new();
    for path in sources()
        .into_iter()
        .filter(|path| !shown(path).ends_with("tests/tidy.rs"))
    {
        for (number, line) in fs::read_to_string(&path).expect("readable").lines().enumerate() {
            for (banned, instead) in BANNED_NAMES {
                if line.contains(banned) {
                    findings.push(format!(
                        "{}:{}: `{banned}` is called {instead}",
                        shown(&path),
                        number + 1
                    ));
                }
            }
        }
    }
    refuse(findings);
}

#[test]
fn clock_and_chance_are_read_in_runtime_alone() {
    let mut findings = Vec::new();
    for path in sources() {
        let inside = shown(&path);
        if inside.contains("shared/runtime/src/") || inside.ends_with("tests/tidy.rs") {
            continue;
        }
        for (number, line) in fs::read_to_string(&path).expect("readable").lines().enumerate() {
            for banned in [
                concat!("Utc::", "now("),
                concat!("Local::", "now("),
                concat!("SystemTime::", "now("),
                concat!("thread_", "rng("),
                "from_os_rng(",
            ] {
                if line.contains(banned) && !line.trim_start().starts_with("//") {
                    findings.push(format!(
                        "{inside}:{}: {banned}…) outside services/shared/runtime",
                        number + 1
                    ));
                }
            }
        }
    }
    refuse(findings);
}

#[test]
fn nothing_is_left_unfinished_or_ignored() {
    let marks = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("#[", "ignore"),
    ];
    let mut findings = Vec::new();
    let mut all = sources();
    all.extend(files("web", ".html"));
    all.extend(files("migrations", ".sql"));
    for path in all
        .into_iter()
        .filter(|path| !shown(path).ends_with("tests/tidy.rs"))
    {
        for (number, line) in fs::read_to_string(&path).expect("readable").lines().enumerate() {
            if let Some(mark) = marks.iter().find(|mark| line.contains(**mark)) {
                findings.push(format!("{}:{}: {mark}", shown(&path), number + 1));
            }
        }
    }
    refuse(findings);
}

#[test]
fn the_top_level_holds_what_it_is_meant_to() {
    let allowed = [
        "Cargo.toml",
        "Cargo.lock",
        "services",
        "web",
        "migrations",
        "deploy",
        "loadtests",
        "README.md",
        "docs",
        "LICENSE",
        "CHANGELOG.md",
        "clippy.toml",
        "rustfmt.toml",
        ".gitignore",
        ".git",
        ".ci",
        ".cargo",
        "target",
        "var",
    ];
    let findings = fs::read_dir(root())
        .expect("readable")
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !allowed.contains(&name.as_str()))
        .map(|name| format!("{name}: not a part of the top level"))
        .collect();
    refuse(findings);
}

#[test]
fn documents_in_the_repository_exist_where_they_are_linked() {
    let mut findings = Vec::new();
    let mut pages = files("docs", ".md");
    pages.push(root().join("README.md"));
    for page in pages {
        let text = fs::read_to_string(&page).expect("readable");
        for (number, line) in text.lines().enumerate() {
            for part in line.split("](").skip(1) {
                let target = part.split([')', '#']).next().unwrap_or_default();
                if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                    continue;
                }
                if !page
                    .parent()
                    .expect("a page lies in a folder")
                    .join(target)
                    .exists()
                {
                    findings.push(format!("{}:{}: {target} doesn't exist", shown(&page), number + 1));
                }
            }
        }
    }
    refuse(findings);
}
