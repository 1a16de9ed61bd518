//! Runs one scenario file: `cargo run --example run_scenario -- SCENARIO.toml [REPORT.json [PLOTS_FOLDER]]`.
//! The program's own command is `namoyish simulate`; this one needs only this crate's build.

use namoyish_simulation::{SimulateOptions, simulate, summary};
use std::path::PathBuf;
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).map(PathBuf::from);
    let Some(scenario) = arguments.next() else {
        eprintln!("usage: run_scenario SCENARIO.toml [REPORT.json [PLOTS_FOLDER]]");
        return ExitCode::FAILURE;
    };
    let options = SimulateOptions {
        report: arguments.next(),
        plots: arguments.next(),
        progress: true,
        ..SimulateOptions::default()
    };
    match simulate(&scenario, &options).await {
        Ok(report) => {
            println!("{}", summary::table(&report));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}: {error}", scenario.display());
            ExitCode::FAILURE
        }
    }
}
