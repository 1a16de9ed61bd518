//! Every measured row of delivery.md §8, one program after the other, with one table of all floors at the end.
//!
//! ```text
//! ads_vs_bare                     /v1/ads and the impression URL against bare handlers, 1,000 lines
//! ads_vs_bare --lines 100000      the same with 100,000, and the start of the node
//! decision                        one decision in process
//! ```
//!
//! Each is run through cargo, which builds it; what they print goes by, what they write lies in the folder of results.

#![forbid(unsafe_code)]

use anyhow::{Context as _, ensure};
use clap::Parser;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

/// A program with its arguments, and the table that it writes.
const PROGRAMS: [(&str, &[&str], &str); 3] = [
    ("ads_vs_bare", &[], "ads_vs_bare.md"),
    (
        "ads_vs_bare",
        &["--lines", "100000", "--rounds", "3"],
        "ads_vs_bare_100000.md",
    ),
    ("decision", &[], "decision.md"),
];

/// Measures everything.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Folder for the results.
    #[arg(long, default_value = "loadtests/results")]
    results: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut table = String::from(
        "# Floors of delivery.md §8\n\nEach row links to its table with the conditions it was measured under.\n\n\
         | floor | got | floor | | from |\n|---|---:|---:|---|---|\n",
    );
    for (program, arguments, written) in PROGRAMS {
        println!("\n=== {program} {}", arguments.join(" "));
        let ended = Command::new(&cargo)
            .args([
                "run",
                "--release",
                "-p",
                "namoyish-loadtests",
                "--bin",
                program,
                "--",
            ])
            .args(arguments)
            .arg("--results")
            .arg(&args.results)
            .status()
            .with_context(|| format!("{cargo} can't be run"))?;
        ensure!(ended.success(), "{program} failed: {ended}");
        let path = args.results.join(written);
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        for row in floors(&text) {
            writeln!(table, "{row} [{written}]({written}) |")?;
        }
    }
    println!("\n{table}");
    std::fs::write(args.results.join("all.md"), table)?;
    println!("written to {}/all.md", args.results.display());
    Ok(())
}

/// The rows of the table of floors, the last in a result.
fn floors(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .skip_while(|line| !line.starts_with("| floor"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
}
