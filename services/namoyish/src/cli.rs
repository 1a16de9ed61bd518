//! The command line.

use crate::{geo, roles, simulate, up};
use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use namoyish_runtime::settings::Settings;
use std::path::PathBuf;

/// An advertising order and media-delivery platform: order blanks, ads by IP geography, each impression counted once,
/// one monthly primary document per customer.
///
/// Without a command the whole platform starts on this machine with its own PostgreSQL and Redis and a demo operator.
#[derive(Debug, Parser)]
#[command(name = "namoyish", version, after_help = AFTER_HELP)]
pub struct Cli {
    /// A settings file; only the keys that differ from deploy/namoyish.toml.
    #[arg(long, global = true, value_name = "FILE", env = "NAMOYISH_SETTINGS")]
    settings: Option<PathBuf>,

    /// Folder for everything kept on disk (data.dir of the settings).
    #[arg(long, global = true, value_name = "FOLDER")]
    data: Option<PathBuf>,

    #[command(subcommand)]
    command: Option<Command>,
}

const AFTER_HELP: &str = "\
Examples:
  namoyish                                    the whole platform with a demo, on 127.0.0.1
  namoyish up --no-demo                       the same, empty
  namoyish simulate scenario.toml --report report.json --plots plots/
  namoyish geo fetch                          obtain a free city database
  DATABASE_URL=postgres://… REDIS_URL=redis://… namoyish delivery

Settings: deploy/namoyish.toml names and explains every key; NAMOYISH_<SECTION>__<KEY> in the environment wins.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Start everything: orders and cabinet, ad server, billing worker (the default).
    Up(UpArgs),
    /// Start the order API and the personal cabinet alone.
    Orders,
    /// Start an ad-serving node alone.
    Delivery,
    /// Start the billing worker alone.
    Billing,
    /// Bring the database's schema to this version and end.
    Migrate,
    /// Run months of the platform on a virtual clock and report.
    Simulate(simulate::SimulateArgs),
    /// Geo data: obtain a city database, look an address up.
    #[command(subcommand)]
    Geo(geo::GeoCommand),
}

/// Options of `up`.
#[derive(Debug, Args, Default)]
pub struct UpArgs {
    /// Start without the demo operator, its customers and orders.
    #[arg(long)]
    pub no_demo: bool,
}

impl Cli {
    /// Does what was asked.
    pub async fn run(self) -> anyhow::Result<()> {
        let mut settings = Settings::load(self.settings.as_deref()).context("the settings have mistakes")?;
        if let Some(folder) = self.data {
            settings.data.dir = folder;
        }
        match self.command.unwrap_or(Command::Up(UpArgs::default())) {
            Command::Up(args) => up::run(settings, &args).await,
            Command::Orders => roles::run_alone(settings, roles::Role::Orders).await,
            Command::Delivery => roles::run_alone(settings, roles::Role::Delivery).await,
            Command::Billing => roles::run_alone(settings, roles::Role::Billing).await,
            Command::Migrate => roles::migrate(settings).await,
            Command::Simulate(args) => simulate::run(args, settings.data.dir).await,
            Command::Geo(command) => geo::run(settings, command).await,
        }
    }
}
