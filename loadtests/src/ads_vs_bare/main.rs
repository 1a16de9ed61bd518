//! `POST /v1/ads` and the impression URL of a real node against bare axum handlers, in one run (delivery.md §8).
//!
//! ```text
//! core 0   the node, or the bare server: a process with one thread for requests
//! core 1   wrk, PostgreSQL, Redis and this program
//! round    node /v1/ads, bare, node /v1/i, bare 204, and again: neighbours in time are compared
//! ```
//!
//! The node is the one that `namoyish delivery` runs: snapshot from PostgreSQL, grants from the counter store, journal
//! with `fdatasync`, all background work on its core. The bare handlers answer a fixed body of the same size. A figure is
//! the median of its rounds. Server CPU a request is the steadier one: wrk shares its core with the databases.

#![forbid(unsafe_code)]

mod figures;
mod lines;
mod report;
mod servers;
mod wrk;

use anyhow::{Context as _, ensure};
use clap::{Args, Parser, Subcommand};
use figures::{Figures, Round};
use namoyish_testkit::TestDatabase;
use servers::{NodeArgs, Server, Size};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// The executable's allocator, for both servers.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The longest that the node may need to take numbers of all lines.
const LEARNS_WITHIN: Duration = Duration::from_secs(120);

/// Measures the ad server against bare axum handlers.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    run: RunArgs,
    #[command(subcommand)]
    server: Option<ServerCommand>,
}

#[derive(Debug, Args)]
struct RunArgs {
    /// Lines that may run.
    #[arg(long, default_value_t = 1000)]
    lines: u32,
    /// Seconds of a measurement.
    #[arg(long, default_value_t = 5)]
    seconds: u32,
    /// Rounds; the median counts.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Connections that wrk keeps.
    #[arg(long, default_value_t = 64)]
    connections: u32,
    /// Impression URLs that are made for a measurement; more calls than that would be second calls.
    #[arg(long, default_value_t = 400_000)]
    urls: usize,
    /// Keep the counters in the node instead of Redis.
    #[arg(long)]
    memory: bool,
    /// Folder for the results.
    #[arg(long, default_value = "loadtests/results")]
    results: PathBuf,
}

/// Started by the program itself.
#[derive(Debug, Subcommand)]
enum ServerCommand {
    /// A serving node.
    #[command(hide = true)]
    Node(NodeArgs),
    /// A bare axum server.
    #[command(hide = true)]
    Bare,
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let mut builder = match cli.server {
        // A server gets one thread for its requests; blocking work of the node has the same core.
        Some(_) => tokio::runtime::Builder::new_current_thread(),
        None => {
            // Before any thread is started: threads and children inherit the core.
            pin_self(1)?;
            tokio::runtime::Builder::new_multi_thread()
        }
    };
    builder.enable_all().build()?.block_on(async {
        match cli.server {
            Some(ServerCommand::Node(args)) => servers::run_node(args).await,
            Some(ServerCommand::Bare) => servers::run_bare().await,
            None => run(&cli.run).await,
        }
    })
}

fn pin_self(core: u32) -> anyhow::Result<()> {
    let pinned = Command::new("taskset")
        .args(["-cp", &core.to_string(), &std::process::id().to_string()])
        .output()
        .context("taskset can't be run; two cores and util-linux are needed")?;
    ensure!(
        pinned.status.success(),
        "taskset: {}",
        String::from_utf8_lossy(&pinned.stderr)
    );
    Ok(())
}

async fn run(args: &RunArgs) -> anyhow::Result<()> {
    wrk::check().await?;
    let work = tempfolder()?;
    let outcome = measure(args, &work).await;
    let cleared = std::fs::remove_dir_all(&work).with_context(|| format!("can't clear {}", work.display()));
    let figures = outcome?;
    report::write(&figures, &args.results)?;
    cleared
}

/// On a disk, because the journal's `fdatasync` is part of what is measured.
fn tempfolder() -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe()?;
    let beside = program.parent().context("a program lies in a folder")?;
    let folder = beside.join(format!("ads_vs_bare-{}", std::process::id()));
    std::fs::create_dir_all(&folder).with_context(|| format!("can't create {}", folder.display()))?;
    Ok(folder)
}

async fn measure(args: &RunArgs, work: &Path) -> anyhow::Result<Figures> {
    let database = TestDatabase::create().await;
    let begun = Instant::now();
    let market = lines::sell(&database.store(), args.lines).await?;
    println!(
        "{} lines were written in {:.1} s",
        args.lines,
        begun.elapsed().as_secs_f32()
    );
    let redis = if args.memory {
        None
    } else {
        Some(namoyish_testkit::redis_url().await)
    };
    let node_args = NodeArgs {
        database: database.url(),
        redis,
        folder: work.join("journal"),
        threads: 1,
    };
    let node = Server::start_node(&node_args).await?;
    println!("the node started in {:.2} s", node.started_in.as_secs_f32());
    let bare = Server::start_bare().await?;

    let ask = wrk::Script::ads(work, &market, args.connections)?;
    let call = wrk::Script::impressions(work, args.connections)?;
    // The first seconds teach the node how many numbers each line needs.
    let size = learn(&ask, &node, &market).await?;
    servers::match_size(&bare, size).await?;
    println!(
        "an answer with an ad has {} bytes, {} of them its body",
        size.whole, size.body
    );

    let mut figures = Figures::new(args, node.started_in, size);
    for n in 1..=args.rounds {
        // What it unlearned while others were measured.
        ask.run(&node, 2).await?;
        let ads = ask.run(&node, args.seconds).await?;
        let bare_ads = ask.run(&bare, args.seconds).await?;
        let urls = node.fresh_impressions(args.urls).await?;
        call.put_urls(&urls)?;
        let impressions = call.run(&node, args.seconds).await?;
        let bare_impressions = call.run(&bare, args.seconds).await?;
        ensure!(
            impressions.requests <= urls.len(),
            "{} calls of {} URLs: make more with --urls",
            impressions.requests,
            urls.len()
        );
        let round = Round {
            ads,
            bare_ads,
            impressions,
            bare_impressions,
        };
        println!("round {n}: {}", round.line());
        figures.rounds.push(round);
    }
    Ok(figures)
}

/// Loads the node until nearly every answer is an ad.
async fn learn(script: &wrk::Script, node: &Server, market: &lines::Market) -> anyhow::Result<Size> {
    let begun = Instant::now();
    loop {
        let measured = script.run(node, 3).await?;
        if let Ok(size) = servers::size_of_ad(node, market).await {
            let share = figures::ad_share(&measured, size);
            if share > 0.99 {
                return Ok(size);
            }
            println!("learning: {:.1} % of the answers are ads", share * 100.0);
        }
        ensure!(
            begun.elapsed() < LEARNS_WITHIN,
            "the node doesn't come to serve ads alone"
        );
    }
}
