//! One decision in process: targeting, pacing, choice and the hand-out of a number, without HTTP (delivery.md §8).
//!
//! The node is a real one with counters in process; only its `serve` is timed, in blocks of requests between which it
//! takes numbers as it does beside the path of a request. Two markets, each with 1,000, 10,000 and 100,000 lines:
//!
//! ```text
//! spread    lines over 50 placements and 16 regions: what matches a request grows with the lines, 3 to 375
//! crowded   every line in one placement for everybody: all lines match each request
//! ```
//!
//! Time is the thread's CPU time, so that a machine with other work tells the same. A
//! figure is the median of the rounds. Of all blocks the fastest is told too: what the core's caches allow when nobody
//! else uses them.

#![forbid(unsafe_code)]

mod market;

use anyhow::{Context as _, ensure};
use clap::Parser;
use market::Market;
use namoyish_delivery::node::PlacementAnswer;
use namoyish_testkit::TestDatabase;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The executable's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Lines of each market.
const LINES: [u32; 3] = [1_000, 10_000, 100_000];
/// Requests between two looks at the clock.
const BLOCK: usize = 1_000;
/// Floors of delivery.md §8, µs: with the fewest lines and with the most.
const FLOORS: [(u32, f64); 2] = [(1_000, 1.5), (100_000, 2.5)];

/// Measures one decision in process.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Blocks of a thousand requests in a round.
    #[arg(long, default_value_t = 300)]
    blocks: usize,
    /// Rounds; the median counts.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Folder for the results.
    #[arg(long, default_value = "loadtests/results")]
    results: PathBuf,
}

/// A row of the table.
struct Row {
    market: &'static str,
    lines: u32,
    matching: usize,
    /// Median of the rounds, µs a decision.
    median: f64,
    /// Fastest block, µs a decision.
    best: f64,
    /// Time to build the snapshot and take the first numbers.
    built_in: Duration,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    // The node has a store, which it doesn't ask here: counters are installed beforehand.
    let database = TestDatabase::create().await;
    let mut rows = Vec::new();
    for (name, crowded) in [("spread", false), ("crowded", true)] {
        for lines in LINES {
            let row = measure(&args, Market::new(&database.store(), lines, crowded).await?, name).await?;
            println!(
                "{name}, {lines} lines: {:.2} µs a decision (fastest block {:.2} µs), {} lines match",
                row.median, row.best, row.matching
            );
            rows.push(row);
        }
    }
    write(&args.results, &rows)
}

async fn measure(args: &Args, market: Market, name: &'static str) -> anyhow::Result<Row> {
    let mut rounds = Vec::new();
    let mut best = f64::MAX;
    for _ in 0..args.rounds {
        let (mut spent, mut asked, mut served) = (Duration::ZERO, 0usize, 0usize);
        for block in 0..args.blocks {
            let now = market.now();
            market.node.refill(now).await?;
            let requests = market
                .requests
                .iter()
                .cycle()
                .skip(block * BLOCK % market.requests.len());
            let begun = cpu_time()?;
            for request in requests.take(BLOCK) {
                for answer in market.node.serve(request, now) {
                    served += usize::from(matches!(answer, PlacementAnswer::Ad(_)));
                }
            }
            let elapsed = cpu_time()? - begun;
            best = best.min(micros(elapsed, BLOCK));
            spent += elapsed;
            asked += BLOCK;
        }
        ensure!(
            served * 100 >= asked * 99,
            "{served} of {asked} requests got an ad: it is the choice that is measured"
        );
        rounds.push(micros(spent, asked));
    }
    rounds.sort_by(f64::total_cmp);
    Ok(Row {
        market: name,
        lines: market.lines,
        matching: market.matching,
        median: rounds.get(rounds.len() / 2).copied().context("a round")?,
        best,
        built_in: market.built_in,
    })
}

/// CPU time of this thread so far. The program has one thread while it measures.
fn cpu_time() -> anyhow::Result<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Ok(Duration::new(
        u64::try_from(time.tv_sec)?,
        u32::try_from(time.tv_nsec)?,
    ))
}

fn micros(time: Duration, n: usize) -> f64 {
    time.as_secs_f64() * 1e6 / f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

fn write(folder: &Path, rows: &[Row]) -> anyhow::Result<()> {
    let mut text = String::from(
        "# One decision in process\n\nTargeting, pacing, choice and the hand-out of a number (`Node::serve`), one placement a \
         request, counters in process. CPU time of the thread, medians of the rounds.\n\n\
         | market | lines | of them match a request | µs a decision | fastest block, µs | snapshot and first numbers, s |\n\
         |---|---:|---:|---:|---:|---:|\n",
    );
    for row in rows {
        writeln!(
            text,
            "| {} | {} | {} | {:.2} | {:.2} | {:.2} |",
            row.market,
            row.lines,
            row.matching,
            row.median,
            row.best,
            row.built_in.as_secs_f64()
        )?;
    }
    text.push_str("\n| floor (delivery.md §8) | got | floor | |\n|---|---:|---:|---|\n");
    for row in rows {
        for (lines, floor) in FLOORS {
            if row.lines == lines {
                let held = if row.median <= floor { "held" } else { "**missed**" };
                writeln!(
                    text,
                    "| one decision, {lines} lines, {}, µs | {:.2} | ≤ {floor:.2} | {held} |",
                    row.market, row.median
                )?;
            }
        }
    }
    println!("\n{text}");
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("decision.md"), text)?;
    std::fs::write(folder.join("decision.svg"), svg(rows)?)?;
    println!("written to {}/decision.{{md,svg}}", folder.display());
    Ok(())
}

const WIDTH: f64 = 860.0;
const LEFT: f64 = 230.0;
const ROW: f64 = 34.0;

/// Bars, with the floor of the most lines as a line.
fn svg(rows: &[Row]) -> anyhow::Result<String> {
    let most = rows.iter().map(|row| row.median).fold(2.6, f64::max);
    let scale = (WIDTH - LEFT - 110.0) / most;
    let mut text = String::new();
    let mut y = 60.0;
    for row in rows {
        let middle = y + ROW / 2.0 + 4.0;
        let (name, lines, median) = (row.market, row.lines, row.median);
        writeln!(
            text,
            r#"<text x="{}" y="{middle}" text-anchor="end">{name}, {lines} lines</text>"#,
            LEFT - 10.0
        )?;
        writeln!(
            text,
            r##"<rect x="{LEFT}" y="{}" width="{:.1}" height="{}" rx="3" fill="#1f6f8b"/>"##,
            y + 5.0,
            median * scale,
            ROW - 10.0
        )?;
        writeln!(
            text,
            r#"<text x="{:.1}" y="{middle}">{median:.2}</text>"#,
            LEFT + median * scale + 8.0
        )?;
        y += ROW;
    }
    for (lines, floor) in FLOORS {
        let x = LEFT + floor * scale;
        writeln!(
            text,
            r##"<line x1="{x:.1}" y1="50" x2="{x:.1}" y2="{y}" stroke="#b3261e" stroke-dasharray="4 3"/>
<text x="{x:.1}" y="{}" text-anchor="middle" fill="#b3261e" font-size="12">≤ {floor} with {lines}</text>"##,
            y + 16.0
        )?;
    }
    let height = y + 30.0;
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"14\" fill=\"#1b1b1b\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"20\" y=\"30\" font-size=\"18\" font-weight=\"700\">One decision in process, µs (less is better)</text>\n\
         {text}</svg>\n"
    ))
}
