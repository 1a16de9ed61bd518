//! The results: a table on standard output and as Markdown, all rounds as JSON, the medians as an SVG bar chart.

use crate::figures::{Figures, Measured, Verdict};
use anyhow::Context as _;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Writes `ads_vs_bare.{md,json,svg}`, with the number of lines in the name when it isn't the usual one.
pub fn write(figures: &Figures, folder: &Path) -> anyhow::Result<()> {
    let text = markdown(figures)?;
    println!("\n{text}");
    fs::create_dir_all(folder).with_context(|| format!("can't create {}", folder.display()))?;
    let name = match figures.lines {
        1000 => "ads_vs_bare".to_owned(),
        n => format!("ads_vs_bare_{n}"),
    };
    fs::write(folder.join(format!("{name}.md")), text)?;
    fs::write(
        folder.join(format!("{name}.json")),
        serde_json::to_string_pretty(&json_of(figures))? + "\n",
    )?;
    fs::write(folder.join(format!("{name}.svg")), svg(figures)?)?;
    println!("written to {}/{name}.{{md,json,svg}}", folder.display());
    Ok(())
}

fn conditions(figures: &Figures) -> String {
    format!(
        "{} runnable lines, counters: {}, {} connections, {} rounds of {} s, {:.1} % of the answers ads with a body of {} bytes, \
         node started in {:.2} s",
        figures.lines,
        figures.counters,
        figures.connections,
        figures.rounds.len(),
        figures.seconds,
        figures.ad_share() * 100.0,
        figures.size.body,
        figures.node_start.as_secs_f64()
    )
}

fn shown(verdict: &Verdict) -> String {
    let (sign, held) = (
        if verdict.at_least { "≥" } else { "≤" },
        if verdict.holds() { "held" } else { "**missed**" },
    );
    format!(
        "{} | {:.2} | {sign} {:.2} | {held}",
        verdict.what, verdict.got, verdict.floor
    )
}

fn markdown(figures: &Figures) -> anyhow::Result<String> {
    let mut text = String::from("# Ads against a bare handler\n\n");
    writeln!(
        text,
        "{}. Medians of the rounds; both servers on one core, wrk on the other.\n",
        conditions(figures)
    )?;
    text.push_str("| what | requests/s | p50, ms | p99, ms | server CPU a request, µs | bytes an answer |\n");
    text.push_str("|---|---:|---:|---:|---:|---:|\n");
    for (what, measured) in figures.rows() {
        let Measured {
            rate,
            p50,
            p99,
            cpu,
            bytes,
            ..
        } = measured;
        writeln!(
            text,
            "| {what} | {rate:.0} | {p50:.2} | {p99:.2} | {cpu:.1} | {bytes:.0} |"
        )?;
    }
    text.push_str("\n| floor (delivery.md §8) | got | floor | |\n|---|---:|---:|---|\n");
    for verdict in figures.verdicts() {
        writeln!(text, "| {} |", shown(&verdict))?;
    }
    for (what, ratio) in figures.cpu_ratios() {
        writeln!(
            text,
            "| {what}: the bare handler's CPU of its own | {ratio:.2} | | no floor |"
        )?;
    }
    Ok(text)
}

fn json_of(figures: &Figures) -> Value {
    let measured = |m: &Measured| {
        json!({
            "requests": m.requests, "requests_per_second": round(m.rate, 1), "p50_ms": round(m.p50, 3),
            "p99_ms": round(m.p99, 3), "server_cpu_us": round(m.cpu, 3), "answer_bytes": round(m.bytes, 1),
        })
    };
    json!({
        "lines": figures.lines,
        "counters": figures.counters,
        "connections": figures.connections,
        "seconds": figures.seconds,
        "body_bytes": figures.size.body,
        "ad_share": round(figures.ad_share(), 4),
        "node_start_seconds": round(figures.node_start.as_secs_f64(), 3),
        "rounds": figures.rounds.iter().map(|round| json!({
            "ads": measured(&round.ads),
            "bare_ads": measured(&round.bare_ads),
            "impressions": measured(&round.impressions),
            "bare_impressions": measured(&round.bare_impressions),
        })).collect::<Vec<_>>(),
        "floors": figures.verdicts().iter().map(|verdict| json!({
            "what": verdict.what, "got": round(verdict.got, 3), "floor": verdict.floor, "held": verdict.holds(),
        })).collect::<Vec<_>>(),
    })
}

fn round(value: f64, places: i32) -> f64 {
    let scale = 10f64.powi(places);
    (value * scale).round() / scale
}

const WIDTH: f64 = 860.0;
const LEFT: f64 = 230.0;
const ROW: f64 = 34.0;
/// The node's bars and the bare handlers'.
const COLOURS: [&str; 2] = ["#1f6f8b", "#c9a227"];

/// Bars of one figure.
struct Chart {
    title: &'static str,
    figure: fn(&Measured) -> f64,
    /// Decimal places of the figure.
    places: usize,
}

/// Two charts below each other: requests a second, and server CPU a request.
fn svg(figures: &Figures) -> anyhow::Result<String> {
    let rows = figures.rows();
    let mut text = String::new();
    let mut y = 64.0;
    let charts = [
        Chart {
            title: "Requests a second (more is better)",
            figure: |measured| measured.rate,
            places: 0,
        },
        Chart {
            title: "Server CPU a request, µs (less is better)",
            figure: |measured| measured.cpu,
            places: 1,
        },
    ];
    for Chart {
        title,
        figure,
        places,
    } in charts
    {
        writeln!(text, r#"<text x="20" y="{y}" font-weight="600">{title}</text>"#)?;
        y += 14.0;
        let most = rows
            .iter()
            .map(|(_, measured)| figure(measured))
            .fold(f64::MIN_POSITIVE, f64::max);
        for (n, (name, measured)) in rows.iter().enumerate() {
            let value = figure(measured);
            let width = (WIDTH - LEFT - 110.0) * value / most;
            let colour = COLOURS[n % 2];
            let middle = y + ROW / 2.0 + 4.0;
            writeln!(
                text,
                r#"<text x="{}" y="{middle}" text-anchor="end">{name}</text>"#,
                LEFT - 10.0
            )?;
            writeln!(
                text,
                r#"<rect x="{LEFT}" y="{}" width="{width:.1}" height="{}" rx="3" fill="{colour}"/>"#,
                y + 5.0,
                ROW - 10.0
            )?;
            writeln!(
                text,
                r#"<text x="{:.1}" y="{middle}">{value:.places$}</text>"#,
                LEFT + width + 8.0
            )?;
            y += ROW;
        }
        y += 34.0;
    }
    for verdict in figures.verdicts() {
        let line = shown(&verdict).replace('|', "·").replace('*', "");
        let colour = if verdict.holds() { "#2e7d32" } else { "#b3261e" };
        writeln!(text, r#"<text x="20" y="{y}" fill="{colour}">{line}</text>"#)?;
        y += 22.0;
    }
    let height = y + 6.0;
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"14\" fill=\"#1b1b1b\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"20\" y=\"30\" font-size=\"18\" font-weight=\"700\">Ads against a bare axum handler, one core each</text>\n\
         {text}</svg>\n"
    ))
}
