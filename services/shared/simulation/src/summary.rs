//! The report for people: a table on the terminal, and a plot of target against actual for each media line.
//!
//! Presentation only. Positions in a plot are whole pixels of integer arithmetic on tiyin; nothing here is money again.

use crate::report::{DayReport, LineReport, Report};
use namoyish_domain::money::Money;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Findings of the auditor that are told in full.
const FINDINGS_MAX: usize = 40;

/// A table of lines, invoices, documents and refusals, and how the checks ended.
pub fn table(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a String can't fail.
    let _ = write_table(&mut text, report);
    text
}

fn write_table(out: &mut String, report: &Report) -> std::fmt::Result {
    writeln!(out, "{} (seed {})", report.name, report.seed)?;
    if !report.lines.is_empty() {
        writeln!(
            out,
            "\n{:<14} {:<23} {:<17} {:>12} {:>18} {:>18}",
            "line", "term", "state", "impressions", "spent", "budget"
        )?;
        for line in &report.lines {
            let [first, last] = line.term;
            writeln!(
                out,
                "{:<14} {first}–{last} {:<17} {:>12} {:>18} {:>18}",
                line.id, line.state, line.impressions, line.spent, line.budget
            )?;
        }
    }
    if !report.invoices.is_empty() {
        writeln!(
            out,
            "\n{:<14} {:<10} {:<10} {:<10} {:>18} {:>18} {:<10} {:>14}",
            "invoice", "customer", "issued", "due", "gross", "paid", "paid on", "penalty"
        )?;
        for invoice in &report.invoices {
            writeln!(
                out,
                "{:<14} {:<10} {} {} {:>18} {:>18} {:<10} {:>14}",
                invoice.number,
                invoice.customer,
                invoice.issued,
                invoice.due,
                invoice.gross,
                invoice.paid,
                invoice.paid_on,
                invoice.penalty
            )?;
        }
    }
    if !report.documents.is_empty() {
        writeln!(
            out,
            "\n{:<14} {:<18} {:<10} {:<7} {:<10} {:<9} {:>18}",
            "document", "kind", "customer", "period", "issued", "state", "gross"
        )?;
        for document in &report.documents {
            writeln!(
                out,
                "{:<14} {:<18} {:<10} {:<7} {} {:<9} {:>18}",
                document.number,
                document.kind,
                document.customer,
                document.period,
                document.issued,
                document.state,
                document.gross
            )?;
        }
    }
    for refused in &report.refused {
        writeln!(
            out,
            "\nrefused at {}: {} ({})",
            refused.at, refused.r#do, refused.code
        )?;
    }
    let checks = [
        ("ledger balanced", report.checks.ledger_balanced),
        ("no overspend", report.checks.no_overspend),
        ("counts agree", report.checks.counts_agree),
        ("numbers gapless", report.checks.numbers_gapless),
        (
            "every charge has impressions",
            report.checks.every_charge_has_impressions,
        ),
    ];
    writeln!(out)?;
    for (what, holds) in checks {
        writeln!(out, "{} {what}", if holds { "holds " } else { "BROKEN" })?;
    }
    for finding in report.findings.iter().take(FINDINGS_MAX) {
        writeln!(out, "  {finding}")?;
    }
    if report.findings.len() > FINDINGS_MAX {
        writeln!(out, "  and {} more", report.findings.len() - FINDINGS_MAX)?;
    }
    Ok(())
}

/// Writes `<line id>.svg` into a folder for each media line that has days; answers the files.
pub fn write_plots(report: &Report, folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    std::fs::create_dir_all(folder)?;
    let mut files = Vec::new();
    for line in &report.lines {
        let is_media = line.budget != Money::ZERO.to_string();
        if !is_media || line.days.is_empty() {
            continue;
        }
        let name: String = line
            .id
            .chars()
            .map(|letter| {
                if letter.is_ascii_alphanumeric() {
                    letter
                } else {
                    '-'
                }
            })
            .collect();
        let file = folder.join(format!("{name}.svg"));
        std::fs::write(&file, plot(line))?;
        files.push(file);
    }
    Ok(files)
}

const WIDTH: i64 = 960;
const HEIGHT: i64 = 360;
const LEFT: i64 = 110;
const RIGHT: i64 = 20;
const TOP: i64 = 48;
const BOTTOM: i64 = 48;

fn tiyin(sum: &str) -> i64 {
    Money::parse(sum).map_or(0, Money::tiyin)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// The plot of one line: bars of what each day spent, steps of what it was to spend, extra periods shaded.
pub fn plot(line: &LineReport) -> String {
    let mut svg = String::new();
    let _ = write_plot(&mut svg, line);
    svg
}

fn write_plot(out: &mut String, line: &LineReport) -> std::fmt::Result {
    let days = &line.days;
    let count = i64::try_from(days.len()).unwrap_or(1).max(1);
    let most = days
        .iter()
        .flat_map(|day| [tiyin(&day.target), tiyin(&day.spent)])
        .max()
        .unwrap_or(0)
        .max(1);
    let top_of_axis = nice_above(most);
    let plot_width = WIDTH - LEFT - RIGHT;
    let plot_height = HEIGHT - TOP - BOTTOM;
    let x = |index: i64| LEFT + plot_width * index / count;
    let y = |sum: i64| {
        let height = i128::from(plot_height) * i128::from(sum) / i128::from(top_of_axis);
        TOP + plot_height - i64::try_from(height).unwrap_or(plot_height)
    };
    writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">"#
    )?;
    writeln!(
        out,
        r##"<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>"##
    )?;
    writeln!(
        out,
        r##"<text x="{LEFT}" y="24" font-size="16" fill="#1d2b3a">{}: target and spend by day, so'm</text>"##,
        escaped(&line.id)
    )?;
    for extra in &line.extra_periods {
        let inside = |day: &&DayReport| extra.from <= day.day && day.day <= extra.until;
        let first = days
            .iter()
            .position(|day| inside(&day))
            .and_then(|at| i64::try_from(at).ok());
        let last = days
            .iter()
            .rposition(|day| inside(&day))
            .and_then(|at| i64::try_from(at).ok());
        if let (Some(first), Some(last)) = (first, last) {
            let width = x(last + 1) - x(first);
            writeln!(
                out,
                r##"<rect x="{}" y="{TOP}" width="{width}" height="{plot_height}" fill="#fdf1d8"/>"##,
                x(first)
            )?;
        }
    }
    for step in 0..=4 {
        let value = top_of_axis / 4 * step;
        writeln!(
            out,
            r##"<line x1="{LEFT}" x2="{}" y1="{2}" y2="{2}" stroke="#d9dfe6"/><text x="{1}" y="{3}" text-anchor="end" fill="#5a6876">{4}</text>"##,
            WIDTH - RIGHT,
            LEFT - 8,
            y(value),
            y(value) + 4,
            grouped(value / 100)
        )?;
    }
    let bar = (plot_width / count * 7 / 10).max(1);
    let mut steps = String::new();
    for (day, index) in days.iter().zip(0i64..) {
        let (target, spent) = (tiyin(&day.target), tiyin(&day.spent));
        writeln!(
            out,
            r##"<rect x="{}" y="{}" width="{bar}" height="{}" fill="#2f7fb8"><title>{}: {} of {}</title></rect>"##,
            x(index) + (plot_width / count - bar) / 2,
            y(spent),
            TOP + plot_height - y(spent),
            day.day,
            day.spent,
            day.target
        )?;
        let command = if index == 0 { "M" } else { "L" };
        write!(
            steps,
            "{command}{} {} L{} {} ",
            x(index),
            y(target),
            x(index + 1),
            y(target)
        )?;
        if index % (count / 12 + 1) == 0 {
            writeln!(
                out,
                r##"<text x="{}" y="{}" fill="#5a6876">{}</text>"##,
                x(index),
                HEIGHT - BOTTOM + 18,
                day.day.format("%d.%m")
            )?;
        }
    }
    writeln!(
        out,
        r##"<path d="{}" fill="none" stroke="#c2410c" stroke-width="2"/>"##,
        steps.trim_end()
    )?;
    writeln!(
        out,
        r##"<text x="{LEFT}" y="{}" fill="#c2410c">— target</text><text x="{}" y="{}" fill="#2f7fb8">■ spent</text>"##,
        HEIGHT - 8,
        LEFT + 90,
        HEIGHT - 8
    )?;
    writeln!(out, "</svg>")
}

/// The next of 4, 8, 12 or 20 times a power of ten (so that a quarter of it is whole) that isn't below.
fn nice_above(value: i64) -> i64 {
    let mut power = 400i64;
    loop {
        for factor in [1, 2, 3, 5] {
            if power * factor >= value {
                return power * factor;
            }
        }
        match power.checked_mul(10).filter(|power| *power < i64::MAX / 100) {
            Some(next) => power = next,
            None => return value,
        }
    }
}

/// "1 234 567".
fn grouped(value: i64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> LineReport {
        let day = |day: &str, target: &str, spent: &str| DayReport {
            day: day.parse().unwrap(),
            target: target.into(),
            spent: spent.into(),
            impressions: 1,
            invalid: 0,
            opportunities: 2,
        };
        LineReport {
            id: "OB-1/1 <&>".into(),
            term: ["2026-11-01".parse().unwrap(), "2026-11-02".parse().unwrap()],
            state: "completed",
            days: vec![
                day("2026-11-01", "10000.00", "9996.00"),
                day("2026-11-02", "10004.00", "0.00"),
            ],
            extra_periods: Vec::new(),
            impressions: 1,
            spent: "9996.00".into(),
            budget: "20000.00".into(),
        }
    }

    #[test]
    fn a_plot_has_a_bar_a_day_and_escapes_ids() {
        let svg = plot(&line());
        assert_eq!(svg.matches("<title>").count(), 2);
        assert!(svg.contains("OB-1/1 &lt;&amp;&gt;"), "{svg}");
        assert!(svg.contains("2026-11-01: 9996.00 of 10000.00"));
    }

    #[test]
    fn axes_end_at_round_figures_above_the_largest() {
        for (value, due) in [
            (1, 400),
            (400, 400),
            (401, 800),
            (1_000_001, 1_200_000),
            (1_200_001, 2_000_000),
        ] {
            assert_eq!(nice_above(value), due);
        }
        assert_eq!(grouped(1_234_567), "1 234 567");
        assert_eq!(grouped(12), "12");
    }
}
