//! Runs a scenario file of this crate in a database of its own.

use namoyish_domain::money::Money;
use namoyish_simulation::report::{DayReport, LineReport};
use namoyish_simulation::{GivenServers, Report, SimulateOptions, simulate_text};
use namoyish_testkit::TestDatabase;
use std::path::{Path, PathBuf};
use std::process::Command;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

/// The text of a scenario file.
pub fn text_of(name: &str) -> String {
    std::fs::read_to_string(folder().join(format!("{name}.toml"))).unwrap()
}

/// Runs a scenario's text.
pub async fn run_text(text: &str, seed: Option<u64>) -> Report {
    let database = TestDatabase::create().await;
    let servers = GivenServers {
        database_url: Some(database.url()),
        redis_url: if text.contains("\"redis\"") {
            Some(namoyish_testkit::redis_url().await)
        } else {
            None
        },
    };
    let options = SimulateOptions {
        seed,
        servers,
        ..SimulateOptions::default()
    };
    simulate_text(text, &options).await.unwrap()
}

/// Runs a scenario file of this crate; every check of the auditor holds, and so does the independent checker where the
/// environment names one (`NAMOYISH_CHECK_REPORT`) and Python is there.
pub async fn run(name: &str) -> Report {
    let report = run_text(&text_of(name), None).await;
    assert_eq!(report.findings, Vec::<String>::new(), "{name}");
    assert!(report.checks.all_hold(), "{name}: {:?}", report.checks);
    if let Some(checker) = std::env::var_os("NAMOYISH_CHECK_REPORT").filter(|path| Path::new(path).exists()) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), report.to_json().unwrap()).unwrap();
        let scenario = folder().join(format!("{name}.toml"));
        match Command::new("python3")
            .arg(checker)
            .arg(scenario)
            .arg(file.path())
            .output()
        {
            Ok(output) => assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stdout)
            ),
            Err(error) => eprintln!("the independent checker was not run: {error}"),
        }
    }
    report
}

/// A line of a report.
pub fn line<'a>(report: &'a Report, id: &str) -> &'a LineReport {
    report
        .lines
        .iter()
        .find(|line| line.id == id)
        .unwrap_or_else(|| panic!("no line {id}"))
}

/// A day of a line.
pub fn day<'a>(line: &'a LineReport, day: &str) -> &'a DayReport {
    let day = day.parse().unwrap();
    line.days
        .iter()
        .find(|entry| entry.day == day)
        .unwrap_or_else(|| panic!("no day {day} of {}", line.id))
}

/// Tiyin of a printed sum.
pub fn tiyin(sum: &str) -> i64 {
    Money::parse(sum).unwrap().tiyin()
}
