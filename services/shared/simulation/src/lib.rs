//! Months of the platform in seconds: the real code on a virtual clock.
//!
//! Rule: simulation.md. [`simulate`] reads a scenario file, starts a private PostgreSQL (and Redis when the scenario says
//! so) in a temporary folder, sets up the operator, price lists, placements and customers through the real application
//! functions, and then runs events, generated traffic, serving nodes and the billing worker in order of virtual time.
//! What is left in the database becomes the [`Report`], audited by [`auditor`].
//!
//! **Architecture invariant:** no rule of the book is written here a second time, except in `auditor`, which calculates for
//! itself on purpose. No wall clock, no chance but the seed's, no floating point.
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        reason = "a test that fails should panic"
    )
)]

pub mod auditor;
mod commands;
mod driver;
pub mod facts;
mod fleet;
mod progress;
pub mod report;
pub mod scenario;
mod servers;
mod set_up;
pub mod summary;
pub mod timeline;
pub mod traffic;

pub use report::Report;
pub use scenario::{Mistake, Scenario, ScenarioError};
pub use servers::GivenServers;
pub use set_up::SetUpError;

use namoyish_domain::money::MoneyError;
use namoyish_runtime::embedded::EmbeddedError;
use namoyish_storage::DbError;
use std::path::{Path, PathBuf};

/// How a run is made, and where its results go.
#[derive(Debug, Clone, Default)]
pub struct SimulateOptions {
    /// Seed of every draw; `None`: the scenario's own.
    pub seed: Option<u64>,
    /// File for the report.
    pub report: Option<PathBuf>,
    /// Folder for the plots.
    pub plots: Option<PathBuf>,
    /// Whether a bar on standard error says how far the run is.
    pub progress: bool,
    /// Folder that keeps servers which had to be obtained as packages; `None`: obtained anew for each run.
    pub binaries: Option<PathBuf>,
    /// Servers that exist already.
    pub servers: GivenServers,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// The file has mistakes; nothing was run.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The file can't be read.
    #[error("can't read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A result can't be written.
    #[error("can't write {}", path.display())]
    Unwritable {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The temporary folder.
    #[error("the run's temporary folder can't be made")]
    Folder(#[source] std::io::Error),
    /// The run's thread.
    #[error("the run's thread can't be made")]
    Runtime(#[source] std::io::Error),
    /// The private servers.
    #[error(transparent)]
    Embedded(#[from] EmbeddedError),
    /// The schema.
    #[error("the schema can't be made: {0}")]
    Migrate(String),
    /// The set-up.
    #[error(transparent)]
    SetUp(#[from] SetUpError),
    /// An event met a failure of the platform, not a refusal.
    #[error("line {line}: {name} failed: {reason}")]
    Event {
        /// Line of the file.
        line: usize,
        /// The event.
        name: &'static str,
        /// What failed.
        reason: String,
    },
    /// A node failed.
    #[error("delivery failed: {0}")]
    Delivery(String),
    /// A job of the billing worker failed.
    #[error("billing failed: {0}")]
    Billing(String),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A sum doesn't fit.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// The report can't be written as JSON.
    #[error("the report can't be written as JSON")]
    Json(#[from] serde_json::Error),
    /// A thread ended before its work did.
    #[error("the run was cut short")]
    CutShort,
}

/// Runs a scenario file; writes report and plots where the options say.
///
/// # Errors
/// [`SimulateError::Scenario`] when the file has mistakes; any other when the platform failed. What the rules refuse is no
/// error but part of the report.
pub async fn simulate(path: &Path, options: &SimulateOptions) -> Result<Report, SimulateError> {
    let text = std::fs::read_to_string(path).map_err(|source| SimulateError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    simulate_text(&text, options).await
}

/// The same for a scenario's text.
///
/// # Errors
/// As [`simulate`].
pub async fn simulate_text(text: &str, options: &SimulateOptions) -> Result<Report, SimulateError> {
    let scenario = Scenario::parse(text)?;
    let given = options.clone();
    let report = tokio::task::spawn_blocking(move || on_one_thread(&scenario, &given))
        .await
        .map_err(|_| SimulateError::CutShort)??;
    if let Some(path) = &options.report {
        std::fs::write(path, report.to_json()?).map_err(|source| SimulateError::Unwritable {
            path: path.clone(),
            source,
        })?;
    }
    if let Some(folder) = &options.plots {
        summary::write_plots(&report, folder).map_err(|source| SimulateError::Unwritable {
            path: folder.clone(),
            source,
        })?;
    }
    Ok(report)
}

/// A run does one thing after another, so one thread that waits for its own answers is the fastest; and stopping the
/// private servers may block it.
fn on_one_thread(scenario: &Scenario, options: &SimulateOptions) -> Result<Report, SimulateError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(SimulateError::Runtime)?;
    runtime.block_on(driver::run(scenario, options))
}
