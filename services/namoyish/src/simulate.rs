//! `namoyish simulate`: a scenario on the virtual clock, its report, its plots.

use anyhow::bail;
use clap::Args;
use namoyish_simulation::{GivenServers, SimulateOptions, simulate, summary};
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Instant;

/// Options of `simulate`.
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// The scenario file (version 1).
    scenario: PathBuf,
    /// Write the report as JSON to this file.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Use this seed in place of the scenario's.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Write a plot of each media line (SVG) into this folder.
    #[arg(long, value_name = "FOLDER")]
    plots: Option<PathBuf>,
}

/// Runs the scenario and prints a summary. Fails when a check of the auditor is broken. Servers that have to be obtained as
/// packages are kept in `data`.
pub async fn run(args: SimulateArgs, data: PathBuf) -> anyhow::Result<()> {
    let begun = Instant::now();
    let options = SimulateOptions {
        seed: args.seed,
        report: args.report.clone(),
        plots: args.plots.clone(),
        progress: std::io::stderr().is_terminal(),
        binaries: Some(data),
        servers: GivenServers::default(),
    };
    let report = simulate(&args.scenario, &options).await?;
    println!("{}", summary::table(&report));
    if let Some(path) = args.report {
        println!("Report: {}", path.display());
    }
    if let Some(folder) = args.plots {
        println!("Plots:  {}", folder.display());
    }
    println!("Took {:.1} s.", begun.elapsed().as_secs_f32());
    if !report.checks.all_hold() {
        bail!("the auditor disagrees:\n  {}", report.findings.join("\n  "));
    }
    Ok(())
}
