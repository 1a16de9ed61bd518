//! `docs/clauses.md` names a test or a scenario for every clause of the order book; each of them must exist.
//!
//! A row is `| clause | tests | note |`. In its second column every name in back quotes is `path::test` below `services/`,
//! a scenario file, or another file of the repository. Whether a test shows what its clause says is for a reader to judge.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test ends at its first surprise"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const SCENARIOS: &str = "services/shared/simulation/scenarios";
const SECTIONS: [&str; 10] = ["§1", "§2", "§3", "§4", "§5", "§6", "§7", "§8", "§9", "Calendar"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The names in back quotes of a cell.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// The cells of a row of a table; none for a heading of one or another line.
fn cells(line: &str) -> Option<[&str; 3]> {
    let inner = line.strip_prefix("| ")?.strip_suffix(" |")?;
    let mut parts = inner.splitn(3, " | ").map(str::trim);
    let row = [parts.next()?, parts.next()?, parts.next().unwrap_or_default()];
    (row[1] != "tests").then_some(row)
}

/// Whether a source has a test of this name: `fn name(` with `#[test]` or `#[tokio::test…]` among the attributes above it.
fn has_test(source: &str, name: &str) -> bool {
    let (plain, of_tokio) = (format!("fn {name}("), format!("async fn {name}("));
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    lines.iter().enumerate().any(|(at, line)| {
        (line.starts_with(&plain) || line.starts_with(&of_tokio))
            && lines[..at]
                .iter()
                .rev()
                .take_while(|above| above.starts_with('#') || above.starts_with("//"))
                .any(|above| above.starts_with("#[test]") || above.starts_with("#[tokio::test"))
    })
}

/// What is wrong with a name, if anything.
fn missing(name: &str) -> Option<String> {
    if let Some((path, test)) = name.split_once("::") {
        return match fs::read_to_string(root().join("services").join(path)) {
            Err(error) => Some(format!("services/{path}: {error}")),
            Ok(source) if !has_test(&source, test) => Some(format!("services/{path} has no test `{test}`")),
            Ok(_) => None,
        };
    }
    let file = if name.ends_with(".toml") {
        root().join(SCENARIOS).join(name)
    } else {
        root().join(name)
    };
    (!file.is_file()).then(|| format!("{name} doesn't exist"))
}

#[test]
fn every_clause_of_the_order_book_has_a_test_that_exists() {
    let text = fs::read_to_string(root().join("docs/clauses.md")).unwrap();
    let mut findings = Vec::new();
    let mut shown = BTreeSet::new();
    let mut section = "";
    for (number, line) in text.lines().enumerate() {
        if let Some(heading) = line.strip_prefix("## ") {
            section = heading.split_whitespace().next().unwrap_or_default();
        }
        let Some([clause, tests, _]) = cells(line) else {
            continue;
        };
        let names = quoted(tests);
        if names.is_empty() {
            findings.push(format!("{}: no test for: {clause}", number + 1));
        } else {
            shown.insert(section);
        }
        findings.extend(
            names
                .into_iter()
                .filter_map(missing)
                .map(|finding| format!("{}: {finding}", number + 1)),
        );
    }
    findings.extend(
        SECTIONS
            .iter()
            .filter(|section| !shown.contains(*section))
            .map(|section| format!("{section} has no row")),
    );
    assert!(findings.is_empty(), "docs/clauses.md:\n{}", findings.join("\n"));
}

#[test]
fn a_name_that_is_none_is_found() {
    let source = "#[tokio::test(flavor = \"multi_thread\")]\n// why\nasync fn one() {}\n\nfn two() {}\n";
    assert!(has_test(source, "one"));
    assert!(!has_test(source, "two") && !has_test(source, "on"));
    assert!(missing("namoyish/tests/clauses.rs::no_such_test").is_some());
    assert!(missing("00-no-such-scenario.toml").is_some());
    assert_eq!(cells("| clause | tests | note |"), None);
    assert_eq!(cells("| a | `x` |  |"), Some(["a", "`x`", ""]));
    assert_eq!(quoted("`a`<br>`b`"), ["a", "b"]);
}
