//! The plot of target against actual by day, as SVG made on the server.
//!
//! Bars are what was spent, the stepped line is the day's target; days paced by an extra period are shaded. Coordinates
//! are whole numbers worked out from tiyin, so no sum ever becomes a float. The same figures are in the table below the
//! plot, which is what a screen reader reads; the picture has a title and a description.
//!
//! A long term shows the window of [`DAYS_MAX`] days that ends with today or shortly after.

use crate::i18n::{Translator, number, text};
use chrono::{Datelike, NaiveDate};
use namoyish_domain::calendar::{days_inclusive, minus_days, plus_days};
use namoyish_domain::money::Money;

/// The most days that one plot shows.
pub(super) const DAYS_MAX: u64 = 62;

const LEFT: i64 = 76;
const RIGHT: i64 = 712;
const TOP: i64 = 16;
const BOTTOM: i64 = 216;
const TICKS: i64 = 4;

/// A day to be plotted.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlotDay {
    pub day: NaiveDate,
    pub target: Option<Money>,
    pub actual: Money,
    pub extra: bool,
}

/// A rectangle.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bar {
    pub x: i64,
    pub y: i64,
    pub width: i64,
    pub height: i64,
    pub title: String,
}

/// A mark on an axis.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tick {
    pub at: i64,
    pub label: String,
}

/// Everything that the template places.
#[derive(Debug)]
pub(super) struct Plot {
    pub title: String,
    pub description: String,
    pub bars: Vec<Bar>,
    pub shades: Vec<Bar>,
    /// Path of the stepped line.
    pub target: String,
    pub ticks_up: Vec<Tick>,
    pub ticks_along: Vec<Tick>,
    /// Where today's column is, when the window has it.
    pub today: Option<i64>,
}

impl Plot {
    /// The plot of a term, or nothing when it has neither plans nor counts yet.
    pub fn of(
        t: Translator,
        first_day: NaiveDate,
        last_day: NaiveDate,
        today: NaiveDate,
        days: &[PlotDay],
    ) -> Option<Plot> {
        let (from, to) = window(first_day, last_day, today);
        let shown: Vec<&PlotDay> = days
            .iter()
            .filter(|day| from <= day.day && day.day <= to)
            .collect();
        let highest = shown
            .iter()
            .map(|day| day.actual.max(day.target.unwrap_or(Money::ZERO)))
            .max()?;
        let step = nice_step(highest.tiyin());
        let top = step * TICKS;
        let columns = i64::from(days_inclusive(from, to));
        let column = |index: i64| LEFT + (RIGHT - LEFT) * index / columns;
        let height = |sum: Money| {
            let scaled = i128::from(sum.tiyin().max(0)) * i128::from(BOTTOM - TOP) / i128::from(top.max(1));
            i64::try_from(scaled).unwrap_or(0)
        };
        let index_of = |day: NaiveDate| (day - from).num_days();

        let (mut bars, mut shades, mut target) = (Vec::new(), Vec::new(), String::new());
        let mut line_ends_at = None;
        for day in &shown {
            let (x, next) = (column(index_of(day.day)), column(index_of(day.day) + 1));
            if day.extra {
                shades.push(Bar {
                    x,
                    y: TOP,
                    width: next - x,
                    height: BOTTOM - TOP,
                    title: String::new(),
                });
            }
            if day.actual.is_positive() {
                // At least one pixel: a day with any spend is seen.
                let tall = height(day.actual).max(1);
                let gap = if next - x > 4 { 1 } else { 0 };
                let title = t.with(
                    "plot-bar",
                    &[
                        ("day", text(t.date(day.day))),
                        ("spent", text(t.money(day.actual))),
                    ],
                );
                bars.push(Bar {
                    x: x + gap,
                    y: BOTTOM - tall,
                    width: next - x - 2 * gap,
                    height: tall,
                    title,
                });
            }
            match day.target {
                Some(sum) => {
                    let y = BOTTOM - height(sum);
                    let verb = if line_ends_at == Some(x) { 'L' } else { 'M' };
                    target.push_str(&format!("{verb}{x} {y}H{next}"));
                    line_ends_at = Some(next);
                }
                None => line_ends_at = None,
            }
        }
        let spent = Money::sum(shown.iter().map(|day| day.actual)).unwrap_or(Money::ZERO);
        let behind = shown
            .iter()
            .filter(|day| day.target.is_some_and(|target| day.actual < target))
            .count();
        let behind = u64::try_from(behind).unwrap_or(0);
        Some(Plot {
            title: t.get("plot-title"),
            description: t.with(
                "plot-description",
                &[
                    ("from", text(t.date(from))),
                    ("to", text(t.date(to))),
                    ("spent", text(t.money(spent))),
                    ("behind", text(t.count(behind))),
                    ("n", number(behind)),
                ],
            ),
            bars,
            shades,
            target,
            ticks_up: (0..=TICKS)
                .map(|tick| Tick {
                    at: BOTTOM - (BOTTOM - TOP) * tick / TICKS,
                    label: t.count(u64::try_from(step * tick / 100).unwrap_or(0)),
                })
                .collect(),
            ticks_along: ticks_along(t, from, to, &column),
            today: (from <= today && today <= to)
                .then(|| (column(index_of(today)) + column(index_of(today) + 1)) / 2),
        })
    }
}

/// The days shown: the whole term, or the window that has today in its last fifth.
fn window(first_day: NaiveDate, last_day: NaiveDate, today: NaiveDate) -> (NaiveDate, NaiveDate) {
    if u64::from(days_inclusive(first_day, last_day)) <= DAYS_MAX {
        return (first_day, last_day);
    }
    let to = plus_days(today, DAYS_MAX / 5).clamp(plus_days(first_day, DAYS_MAX - 1), last_day);
    (minus_days(to, DAYS_MAX - 1), to)
}

/// The distance of the marks: 1, 2, 2.5, 3, 4 or 5 times a power of ten of so'm, so that four of them reach the highest value.
fn nice_step(highest_tiyin: i64) -> i64 {
    let needed = (highest_tiyin.max(1) + TICKS - 1) / TICKS;
    let mut power = 100_i64;
    loop {
        for factor in [10, 20, 25, 30, 40, 50] {
            let step = power * factor / 10;
            if step >= needed && step % 100 == 0 {
                return step;
            }
        }
        match power.checked_mul(10) {
            Some(next) if next < i64::MAX / 10 => power = next,
            _ => return needed,
        }
    }
}

fn ticks_along(t: Translator, from: NaiveDate, to: NaiveDate, column: &impl Fn(i64) -> i64) -> Vec<Tick> {
    let days = i64::from(days_inclusive(from, to));
    let tick = |index: i64, day: NaiveDate| Tick {
        at: (column(index) + column(index + 1)) / 2,
        label: t.short_date(day),
    };
    (0..days)
        .zip(from.iter_days())
        // Up to ten days every day; beyond that Mondays, or every second Monday of a long window.
        .filter(|(_, day)| match days {
            ..=10 => true,
            11..=45 => day.weekday() == chrono::Weekday::Mon,
            _ => day.weekday() == chrono::Weekday::Mon && day.iso_week().week() % 2 == 0,
        })
        .map(|(index, day)| tick(index, day))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use namoyish_documents::Language;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn money(text: &str) -> Money {
        Money::parse(text).unwrap()
    }

    fn plot(days: &[PlotDay]) -> Option<Plot> {
        let t = Translator::new(Language::En);
        Plot::of(t, day("2026-11-01"), day("2026-11-10"), day("2026-11-03"), days)
    }

    #[test]
    fn a_line_without_plans_and_counts_has_no_plot() {
        assert!(plot(&[]).is_none());
    }

    #[test]
    fn bars_stand_on_the_axis_and_reach_their_value() {
        let days = [
            PlotDay {
                day: day("2026-11-01"),
                target: Some(money("10000")),
                actual: money("7000"),
                extra: false,
            },
            PlotDay {
                day: day("2026-11-02"),
                target: Some(money("10100")),
                actual: money("0"),
                extra: true,
            },
            PlotDay {
                day: day("2026-11-03"),
                target: None,
                actual: money("0.01"),
                extra: false,
            },
        ];
        let plot = plot(&days).unwrap();
        // The highest value, 10,100, needs marks of 3,000: the axis ends at 12,000.
        assert_eq!(
            plot.ticks_up
                .iter()
                .map(|tick| tick.label.as_str())
                .collect::<Vec<_>>(),
            ["0", "3\u{a0}000", "6\u{a0}000", "9\u{a0}000", "12\u{a0}000"]
        );
        assert_eq!(plot.bars.len(), 2, "a day without spend has no bar");
        assert_eq!((plot.bars[0].y, plot.bars[0].height), (BOTTOM - 116, 116));
        assert_eq!(plot.bars[1].height, 1, "a spend of a tiyin is seen");
        assert_eq!(plot.shades.len(), 1);
        assert_eq!(plot.target, "M76 50H139L139 48H203");
        assert!(plot.today.is_some());
        assert!(plot.description.contains("10.11.2026"), "{}", plot.description);
    }

    #[test]
    fn marks_reach_any_sum() {
        for tiyin in [0, 1, 99, 100, 399, 1_234_567, 999_999_999_999_999_999] {
            let step = nice_step(tiyin);
            assert!(step > 0 && step >= tiyin / TICKS, "{tiyin}: {step}");
        }
        assert_eq!(nice_step(1_000_000), 250_000);
        assert_eq!(nice_step(400), 100);
    }

    #[test]
    fn a_long_term_shows_a_window_with_today_in_it() {
        let (first, last) = (day("2026-01-01"), day("2026-12-31"));
        for today in [
            "2025-12-01",
            "2026-01-01",
            "2026-06-15",
            "2026-12-31",
            "2027-03-01",
        ] {
            let (from, to) = window(first, last, day(today));
            assert_eq!(u64::from(days_inclusive(from, to)), DAYS_MAX, "{today}");
            assert!(first <= from && to <= last, "{today}: {from}..{to}");
        }
        let (from, to) = window(first, last, day("2026-06-15"));
        assert!(from < day("2026-06-15") && day("2026-06-15") < to);
    }
}
