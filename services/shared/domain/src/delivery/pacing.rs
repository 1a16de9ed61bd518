//! Even pacing: how much a media line may spend today, and how much of it by now.
//!
//! Rule: delivery.md §5; offer [003 §1.1 "Bir tekis aylantirish"].
//!
//! ```text
//! target(D)  = remaining_budget(D) / days_left(D)                 days_left counts D itself
//! planned(D) = spent on D so far + R × q / (q + full days left)   after a change during the day; q = 1 at its start
//! quota(D)   = floor((spent + target) × 1000 / price) − counted   impressions; both over the budget's scope
//! admitted   = quota × elapsed share of the expected traffic + burst, never above quota
//! ```
//!
//! What one day missed is spread over all days left, not piled on the next one. While an extra period is active, R and
//! the days are its own; it covers whole Tashkent days from its first day on, so what was spent on its first day before
//! it was set is spent in it [003 §5.2]. A monthly budget has the month's money and the month's days, cut to the term.
//!
//! The spend is a whole number of impressions times the price, so "the floor of the cumulative target less what is
//! counted" is the floor of what the rest of the money buys: no fraction is dropped before the last day.
//!
//! Invariants, each a property test of the same name:
//! - `budget_is_never_exceeded`: no sequence of days admits more than floor(budget × 1000 / price).
//! - `nothing_is_lost_to_rounding`: when every day meets its quota, the last day ends with nothing left.
//!
//! Sums are exact decimals down to the floor to impressions; a stored target keeps twelve places. Tiyin are rounded in
//! `billing::rendered`. Not here: which line wins a request (`decision`), who counts (`counters`), where the curve is
//! learned from (the caller passes it), what day it is (the caller passes it).

use crate::calendar::{ReportingPeriod, Timestamp, day_start, days_inclusive, plus_days};
use crate::delivery::counters::Epoch;
use crate::ids::ExtraPeriodId;
use crate::money::{Exact, MoneyError, UnitPrice};
use crate::orders::order_blank::{Budget, BudgetMode, Term};
use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;

/// More impressions than any line will ever have: the limit of a line without a budget. Exact in a double, because the
/// counter's script counts in doubles.
pub const UNLIMITED: u64 = 1 << 50;

/// Places of a stored target.
const TARGET_PLACES: u32 = 12;

const HOUR_MILLISECONDS: u128 = 3_600_000;

/// Relative weight of each Tashkent hour of a day: what share of the day's audience is expected in it. At least one
/// hour has a weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrafficCurve([u32; 24]);

impl TrafficCurve {
    /// Every hour alike: used until a curve is learned.
    pub const FLAT: TrafficCurve = TrafficCurve([1; 24]);

    /// Largest weight of an hour; larger ones are cut to it.
    pub const WEIGHT_MAX: u32 = 1_000_000;

    /// A curve of these weights. All zero makes [`TrafficCurve::FLAT`].
    pub fn new(weights: [u32; 24]) -> TrafficCurve {
        if weights.iter().all(|weight| *weight == 0) {
            return TrafficCurve::FLAT;
        }
        TrafficCurve(weights.map(|weight| weight.min(TrafficCurve::WEIGHT_MAX)))
    }

    /// The weights, hour 0 first.
    pub fn weights(&self) -> &[u32; 24] {
        &self.0
    }

    /// A curve from requests seen per hour, scaled so that the day's weights sum to about 100,000. Every hour keeps a
    /// weight of at least 1, so that no hour is shut for want of data.
    pub fn from_requests(requests: &[u64; 24]) -> TrafficCurve {
        let total: u128 = requests.iter().map(|n| u128::from(*n)).sum();
        if total == 0 {
            return TrafficCurve::FLAT;
        }
        TrafficCurve(requests.map(|n| {
            let scaled = (u128::from(n) * 100_000) / total;
            u32::try_from(scaled).unwrap_or(TrafficCurve::WEIGHT_MAX).max(1)
        }))
    }

    /// Weight × milliseconds of the whole day.
    fn whole(&self) -> u128 {
        self.0
            .iter()
            .map(|weight| u128::from(*weight) * HOUR_MILLISECONDS)
            .sum()
    }

    /// Weight × milliseconds from the day's start to `at` (0 before the day, the whole after it).
    fn elapsed(&self, day: NaiveDate, at: Timestamp) -> u128 {
        let since = (at - day_start(day)).num_milliseconds();
        let Ok(mut left) = u128::try_from(since) else {
            return 0;
        };
        let mut sum = 0;
        for weight in self.0 {
            let part = left.min(HOUR_MILLISECONDS);
            sum += u128::from(weight) * part;
            left -= part;
        }
        sum
    }
}

/// Requests seen in a line's placements and regions: what a curve is learned from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrafficHistory {
    /// Requests by hour of the week; hour 0 is that of [`TrafficHistory::hour_of_week`].
    pub requests: [u64; 168],
    /// Days of which requests are known.
    pub days: u32,
}

impl TrafficHistory {
    /// Nothing is known yet.
    pub const EMPTY: TrafficHistory = TrafficHistory {
        requests: [0; 168],
        days: 0,
    };

    /// Days that must be known before a curve is learned at all.
    pub const DAYS_MIN: u32 = 7;
    /// Days from which weekdays are told apart.
    pub const DAYS_FOR_WEEKDAYS: u32 = 14;
    /// Requests that must be known before a curve is learned at all.
    pub const REQUESTS_MIN: u64 = 1000;

    /// The hour of the week of an hour that begins at `at`: whole Tashkent hours since Thursday, 1 January 1970,
    /// modulo a week.
    pub fn hour_of_week(at: Timestamp) -> usize {
        let hours = (at - day_start(NaiveDate::default())).num_hours().rem_euclid(168);
        usize::try_from(hours).unwrap_or(0)
    }

    /// Adds what is known of another placement or region.
    pub fn add(&mut self, other: &TrafficHistory) {
        for (sum, more) in self.requests.iter_mut().zip(other.requests) {
            *sum = sum.saturating_add(more);
        }
        self.days = self.days.max(other.days);
    }

    /// The curve of a day: of its weekday from two weeks on, of all days from one week on, flat before and as long as
    /// there are too few requests to tell.
    pub fn curve_of(&self, day: NaiveDate) -> TrafficCurve {
        let total: u64 = self.requests.iter().fold(0, |sum, n| sum.saturating_add(*n));
        if self.days < TrafficHistory::DAYS_MIN || total < TrafficHistory::REQUESTS_MIN {
            return TrafficCurve::FLAT;
        }
        let mut weekday = [0_u64; 24];
        let first = TrafficHistory::hour_of_week(day_start(day));
        for (sum, n) in weekday.iter_mut().zip(self.requests.iter().skip(first)) {
            *sum = *n;
        }
        let of_weekday: u64 = weekday.iter().fold(0, |sum, n| sum.saturating_add(*n));
        if self.days >= TrafficHistory::DAYS_FOR_WEEKDAYS && of_weekday >= TrafficHistory::REQUESTS_MIN {
            return TrafficCurve::from_requests(&weekday);
        }
        let mut all_days = [0_u64; 24];
        for day_of_week in self.requests.chunks(24) {
            for (sum, n) in all_days.iter_mut().zip(day_of_week) {
                *sum = sum.saturating_add(*n);
            }
        }
        TrafficCurve::from_requests(&all_days)
    }
}

/// The instant from which a day's plan spreads what is left: the beginning of the epoch of the last change of the day
/// (budget, extra period on or off), the day's start without one. Whole epochs, because impressions are counted by
/// epoch.
pub fn base_of(day: NaiveDate, last_change: Option<Timestamp>) -> Timestamp {
    let start = day_start(day);
    let Some(change) = last_change.filter(|change| *change > start) else {
        return start;
    };
    let begins = Epoch::of(change).start_seconds();
    chrono::DateTime::from_timestamp(begins, 0).map_or(start, |base| base.max(start))
}

/// An extra period that covers the day to be planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActiveExtraPeriod {
    /// Which one.
    pub id: ExtraPeriodId,
    /// Its last day, counted.
    pub last_day: NaiveDate,
    /// Its budget, net.
    pub extra_budget: Exact,
    /// Impressions counted on its days before the day to be planned.
    pub counted_before_day: u64,
}

/// What a day's plan is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanInputs {
    /// The day, Tashkent; it lies in the term.
    pub day: NaiveDate,
    /// From when on this plan spreads what is left: the day's start, or the instant of a change during the day.
    pub base_at: Timestamp,
    /// The term in force.
    pub term: Term,
    /// Budget, net of VAT.
    pub budget: Budget,
    /// Per 1,000 impressions, net of VAT.
    pub price: UnitPrice,
    /// Impressions counted before the day: in the whole term, or in the day's month when the budget is monthly.
    pub counted_before_day: u64,
    /// Impressions counted on the day before `base_at`.
    pub counted_before_base: u64,
    /// The extra period that covers the day, if any.
    pub extra_period: Option<ActiveExtraPeriod>,
    /// Expected traffic of the day.
    pub curve: TrafficCurve,
}

/// How much a line may spend on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayPlan {
    /// The day, Tashkent.
    pub day: NaiveDate,
    /// From when on it spreads what is left.
    pub base_at: Timestamp,
    /// So'm for the whole day, net, exact to twelve places.
    pub target: Exact,
    /// Impressions for the whole day.
    pub quota: u64,
    /// Impressions of the day counted before `base_at`.
    pub counted_before_base: u64,
    /// 0: the whole term; 202611: the month of a monthly budget.
    pub scope: u32,
    /// Hard limit of impressions in the scope: `floor(budget × 1000 / price)`.
    pub cap: u64,
    /// Expected traffic of the day.
    pub curve: TrafficCurve,
    /// The extra period that the plan follows.
    pub extra_period: Option<ExtraPeriodId>,
}

/// Why a day can't be planned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanRefused {
    /// The day lies outside the term.
    #[error("{day} is outside the term {first_day}..{last_day}")]
    OutsideTerm {
        /// The day asked for.
        day: NaiveDate,
        /// First day of the term.
        first_day: NaiveDate,
        /// Last day of the term.
        last_day: NaiveDate,
    },
    /// A sum too large to calculate with.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

impl PlanRefused {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            PlanRefused::OutsideTerm { .. } => "day_outside_term",
            PlanRefused::Money(_) => "sum_too_large",
        }
    }
}

/// The counter's scope of a budget on a day: 0 for a total budget, the month's number (202611) for a monthly one.
pub fn scope_of(mode: BudgetMode, day: NaiveDate) -> u32 {
    match mode {
        BudgetMode::Total => 0,
        BudgetMode::Monthly => ReportingPeriod::of(day).number(),
    }
}

/// The most impressions that a budget pays for in its scope: `floor(budget × 1000 / price)` (delivery.md §5 "Hard
/// limit").
pub fn cap_of(budget: Budget, price: UnitPrice) -> Result<u64, MoneyError> {
    Ok(price.impressions_for(budget.amount.exact())?.min(UNLIMITED))
}

/// Plans a day (delivery.md §5). The same inputs make the same plan.
pub fn plan_day(inputs: &PlanInputs) -> Result<DayPlan, PlanRefused> {
    let PlanInputs {
        day,
        term,
        price,
        curve,
        ..
    } = *inputs;
    if !term.contains(day) {
        return Err(PlanRefused::OutsideTerm {
            day,
            first_day: term.first_day(),
            last_day: term.last_day(),
        });
    }
    let cap = cap_of(inputs.budget, price)?;
    let counted = inputs
        .counted_before_day
        .saturating_add(inputs.counted_before_base);
    let spent_today = price.of_impressions(inputs.counted_before_base)?;
    let left_of_budget = left(inputs.budget.amount.exact(), price, counted)?;

    let last_day_of_spread = match (inputs.extra_period, inputs.budget.mode) {
        (Some(extra), _) => extra.last_day.min(term.last_day()),
        (None, BudgetMode::Monthly) => ReportingPeriod::of(day).last_day().min(term.last_day()),
        (None, BudgetMode::Total) => term.last_day(),
    };
    let left_to_spread = match inputs.extra_period {
        None => left_of_budget,
        Some(extra) => {
            let counted_in_it = extra
                .counted_before_day
                .saturating_add(inputs.counted_before_base);
            // Never more than the whole budget has left, whatever the extra period was given.
            let left_in_it = left(extra.extra_budget, price, counted_in_it)?;
            // Days after the month are paid by the next month's budget: this month's rest bounds the day (the quota below),
            // not what is spread over them.
            let runs_over_the_month = inputs.budget.mode == BudgetMode::Monthly
                && extra.last_day.min(term.last_day()) > ReportingPeriod::of(day).last_day();
            if left_in_it < left_of_budget || runs_over_the_month {
                left_in_it
            } else {
                left_of_budget
            }
        }
    };

    // q / (q + n) with q = to_come / whole, as whole numbers.
    let whole = curve.whole();
    let to_come = whole.saturating_sub(curve.elapsed(day, inputs.base_at));
    let full_days_left = u128::from(days_inclusive(day, last_day_of_spread).saturating_sub(1));
    let (numerator, denominator) = reduced(to_come, to_come + full_days_left * whole);

    let spread = share_of(left_to_spread, numerator, denominator)?;
    let spread = if spread > left_of_budget {
        left_of_budget
    } else {
        spread
    };
    let target = Exact::new(
        spent_today
            .checked_add(spread)?
            .decimal()
            .round_dp(TARGET_PLACES)
            .normalize(),
    );
    let fresh = impressions_of_share(left_to_spread, numerator, denominator, price)
        .or_else(|_| price.impressions_for(spread))?
        .min(UNLIMITED);
    let quota = inputs
        .counted_before_base
        .saturating_add(fresh)
        .min(cap.saturating_sub(inputs.counted_before_day));
    Ok(DayPlan {
        day,
        base_at: inputs.base_at,
        target,
        quota,
        counted_before_base: inputs.counted_before_base,
        scope: scope_of(inputs.budget.mode, day),
        cap,
        curve,
        extra_period: inputs.extra_period.map(|extra| extra.id),
    })
}

/// How many impressions of the day the plan admits by `now`, over all nodes (delivery.md §5 "Within the day"): the
/// elapsed share of the expected traffic since the plan's base, plus a burst of one impression and a thousandth of the
/// quota; never more than the quota. Nothing before the base beyond what was counted by then.
pub fn admitted_by(plan: &DayPlan, now: Timestamp) -> u64 {
    let end = day_start(plus_days(plan.day, 1));
    if now >= end {
        return plan.quota;
    }
    if now < plan.base_at || now < day_start(plan.day) {
        return plan.counted_before_base.min(plan.quota);
    }
    let before_base = plan.curve.elapsed(plan.day, plan.base_at);
    let elapsed = plan.curve.elapsed(plan.day, now).saturating_sub(before_base);
    let to_come = plan.curve.whole().saturating_sub(before_base).max(1);
    let fresh = u128::from(plan.quota.saturating_sub(plan.counted_before_base));
    let due = u64::try_from(fresh * elapsed / to_come).unwrap_or(UNLIMITED);
    plan.counted_before_base
        .saturating_add(due)
        .saturating_add(burst(plan.quota))
        .min(plan.quota)
}

/// A number that orders a line's plans over all its days, for counters that must refuse an older one: versions begin at 1
/// again each day. At most 2^53, so that a counter's script can compare it exactly.
pub fn plan_order(day: NaiveDate, version: u64) -> u64 {
    const VERSIONS_OF_A_DAY: u64 = 1_000_000;
    let days = u64::try_from(day.num_days_from_ce()).unwrap_or(0);
    days * VERSIONS_OF_A_DAY + version.min(VERSIONS_OF_A_DAY - 1)
}

/// How far ahead of the curve a line may be: one impression and a thousandth of the day.
fn burst(quota: u64) -> u64 {
    1 + quota / 1000
}

/// `sum − counted × price / 1000`, never below zero.
fn left(sum: Exact, price: UnitPrice, counted: u64) -> Result<Exact, MoneyError> {
    let left = sum.checked_sub(price.of_impressions(counted)?)?;
    Ok(if left < Exact::ZERO { Exact::ZERO } else { left })
}

/// `sum × numerator / denominator`; a product too large to hold is divided first.
fn share_of(sum: Exact, numerator: Decimal, denominator: Decimal) -> Result<Exact, MoneyError> {
    sum.checked_mul(numerator)
        .and_then(|product| product.checked_div(denominator))
        .or_else(|_| sum.checked_div(denominator)?.checked_mul(numerator))
}

/// `floor(sum × numerator × 1000 / (price × denominator))`, divided once so that nothing is rounded on the way.
fn impressions_of_share(
    sum: Exact,
    numerator: Decimal,
    denominator: Decimal,
    price: UnitPrice,
) -> Result<u64, MoneyError> {
    let divisor = price
        .decimal()
        .checked_mul(denominator)
        .ok_or(MoneyError::Overflow)?;
    UnitPrice::new(divisor)?.impressions_for(sum.checked_mul(numerator)?)
}

/// The fraction in lowest terms as decimals. Nothing to come at all makes 0 / 1.
fn reduced(numerator: u128, denominator: u128) -> (Decimal, Decimal) {
    let (mut a, mut b) = (numerator, denominator);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    let divisor = a.max(1);
    let decimal = |n: u128| i64::try_from(n / divisor).map_or(Decimal::MAX, Decimal::from);
    if denominator == 0 {
        return (Decimal::ZERO, Decimal::ONE);
    }
    (decimal(numerator), decimal(denominator))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Money;
    use chrono::TimeDelta;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn day_of(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn exact(text: &str) -> Exact {
        Exact::new(Decimal::from_str_exact(text).unwrap())
    }

    fn price(text: &str) -> UnitPrice {
        UnitPrice::parse(text).unwrap()
    }

    /// A line whose days are told one after the other.
    struct Script {
        inputs: PlanInputs,
        /// Impressions by day.
        counted: Vec<(NaiveDate, u64)>,
        extra: Option<(NaiveDate, NaiveDate, Exact)>,
    }

    impl Script {
        fn counted_between(&self, first: NaiveDate, before: NaiveDate) -> u64 {
            self.counted
                .iter()
                .filter(|(day, _)| *day >= first && *day < before)
                .map(|(_, n)| n)
                .sum()
        }

        fn inputs_of(&self, day: NaiveDate, base_at: Timestamp) -> PlanInputs {
            let scope_from = match self.inputs.budget.mode {
                BudgetMode::Total => self.inputs.term.first_day(),
                BudgetMode::Monthly => ReportingPeriod::of(day).first_day(),
            };
            PlanInputs {
                day,
                base_at,
                counted_before_day: self.counted_between(scope_from, day),
                counted_before_base: self.counted_between(day, plus_days(day, 1)),
                extra_period: self
                    .extra
                    .filter(|(first, last, _)| *first <= day && day <= *last)
                    .map(|(first, last_day, extra_budget)| ActiveExtraPeriod {
                        id: ExtraPeriodId::from_uuid(Uuid::nil()),
                        last_day,
                        extra_budget,
                        counted_before_day: self.counted_between(first, day),
                    }),
                ..self.inputs
            }
        }
    }

    /// Runs a table: `budget SUM [monthly]`, `price SUM`, `term A..B`, `spend A[..B] SUM` (a day's spend),
    /// `extra A..B SUM`, `off`, and `plan DAY [TIME] -> SUM`. Dates are full; `|` begins a remark.
    fn check(table: &str) {
        let mut script = Script {
            inputs: PlanInputs {
                day: NaiveDate::MIN,
                base_at: Timestamp::MIN_UTC,
                term: Term::new(NaiveDate::MIN, NaiveDate::MIN).unwrap(),
                budget: Budget {
                    mode: BudgetMode::Total,
                    amount: Money::ZERO,
                },
                price: price("1000.00"),
                counted_before_day: 0,
                counted_before_base: 0,
                extra_period: None,
                curve: TrafficCurve::FLAT,
            },
            counted: Vec::new(),
            extra: None,
        };
        for line in table
            .lines()
            .map(|line| line.split('|').next().unwrap().trim())
            .filter(|line| !line.is_empty())
        {
            let words: Vec<&str> = line.split_whitespace().collect();
            let dates = |text: &str| match text.split_once("..") {
                Some((first, last)) => (day_of(first), day_of(last)),
                None => (day_of(text), day_of(text)),
            };
            match words.as_slice() {
                ["budget", sum, rest @ ..] => {
                    let mode = if rest == ["monthly"] {
                        BudgetMode::Monthly
                    } else {
                        BudgetMode::Total
                    };
                    script.inputs.budget = Budget {
                        mode,
                        amount: Money::parse(sum).unwrap(),
                    };
                }
                ["price", sum] => script.inputs.price = price(sum),
                ["term", days] => {
                    let (first, last) = dates(days);
                    script.inputs.term = Term::new(first, last).unwrap();
                }
                ["spend", days, sum] => {
                    let (first, last) = dates(days);
                    let impressions = script.inputs.price.impressions_for(exact(sum)).unwrap();
                    for n in 0..days_inclusive(first, last) {
                        script.counted.push((plus_days(first, n.into()), impressions));
                    }
                }
                ["extra", days, sum] => {
                    let (first, last) = dates(days);
                    script.extra = Some((first, last, exact(sum)));
                }
                ["off"] => script.extra = None,
                ["plan", day, rest @ .., "->", sum] => {
                    let day = day_of(day);
                    let base_at = match rest {
                        [time] => crate::calendar::at_tashkent(day.and_time(time.parse().unwrap())),
                        _ => day_start(day),
                    };
                    let plan = plan_day(&script.inputs_of(day, base_at)).unwrap();
                    let told = plan.target.round_half_up().unwrap().to_string();
                    assert_eq!(told, *sum, "\n{table}\n   <-- at `{line}`");
                }
                _ => panic!("no such line: {line}"),
            }
        }
    }

    #[test]
    fn a_new_day_with_fewer_versions_than_yesterday_is_newer() {
        let day: NaiveDate = "2026-11-12".parse().unwrap();
        let next = plus_days(day, 1);
        assert!(plan_order(next, 1) > plan_order(day, 40));
        assert!(plan_order(day, 2) > plan_order(day, 1));
        assert!(plan_order(NaiveDate::MAX, u64::MAX) < 1 << 53);
    }

    #[test]
    fn the_shortfall_of_day_one_is_spread_over_the_days_left() {
        // spec delivery.md §5, the first example.
        check(
            "
            budget 310000.00
            term   2026-03-01..2026-03-31
            plan   2026-03-01 -> 10000.00
            spend  2026-03-01     7000.00
            plan   2026-03-02 -> 10100.00      | 303000.00 / 30
        ",
        );
    }

    #[test]
    fn an_extra_period_paces_inside_itself_and_the_rest_is_even_again() {
        // spec delivery.md §5, the second example.
        check(
            "
            budget 300000.00
            price  12000.00
            term   2026-06-01..2026-06-30
            plan   2026-06-01 -> 10000.00
            spend  2026-06-01..2026-06-10 9996.00
            spend  2026-06-10 36.00
            plan   2026-06-11 -> 10000.20      | 200004.00 / 20
            extra  2026-06-11..2026-06-15 150000.00
            plan   2026-06-11 -> 30000.00
            spend  2026-06-11 30000.00
            plan   2026-06-12 -> 30000.00
            spend  2026-06-12..2026-06-15 30000.00
            plan   2026-06-16 -> 3333.60       | 50004.00 / 15
        ",
        );
    }

    #[test]
    fn a_missed_day_of_an_extra_period_stays_in_it() {
        check(
            "
            budget 300000.00
            term   2026-06-01..2026-06-30
            extra  2026-06-11..2026-06-15 150000.00
            spend  2026-06-11 10000.00
            plan   2026-06-12 -> 35000.00      | 140000 / 4
        ",
        );
    }

    #[test]
    fn what_was_spent_on_the_first_day_before_an_extra_period_was_set_is_spent_in_it() {
        check(
            "
            budget 300000.00
            term   2026-06-01..2026-06-30
            spend  2026-06-11 6000.00
            extra  2026-06-11..2026-06-15 150000.00
            plan   2026-06-11 12:00 -> 22000.00   | 6000 + 144000 × 0.5 / 4.5
        ",
        );
    }

    #[test]
    fn a_change_during_the_day_spreads_what_is_left_over_the_rest_of_it() {
        check(
            "
            budget 310000.00
            term   2026-03-01..2026-03-31
            spend  2026-03-01 4000.00
            plan   2026-03-01 18:00 -> 6528.93    | 4000 + 306000 × 0.25 / 30.25
            budget 620000.00
            plan   2026-03-01 18:00 -> 9090.91    | 4000 + 616000 × 0.25 / 30.25
            plan   2026-03-31 23:00 -> 616000.00     | all that is left
        ",
        );
    }

    #[test]
    fn switching_an_extra_period_off_goes_back_to_even_pacing() {
        check(
            "
            budget 300000.00
            term   2026-06-01..2026-06-30
            extra  2026-06-01..2026-06-10 200000.00
            spend  2026-06-01..2026-06-04 20000.00
            spend  2026-06-05 10000.00
            off
            plan   2026-06-05 12:00 -> 14117.65   | 10000 + 210000 × 0.5 / 25.5
            plan   2026-06-06 -> 8400.00          | 210000 / 25
        ",
        );
    }

    #[test]
    fn a_monthly_budget_has_the_days_of_its_month_cut_to_the_term() {
        check(
            "
            budget 100000.00 monthly
            term   2026-01-22..2026-03-10
            plan   2026-01-22 -> 10000.00
            spend  2026-01-22..2026-01-31 1000.00
            plan   2026-02-01 -> 3571.43          | a new month has the whole budget
            plan   2026-03-01 -> 10000.00
        ",
        );
    }

    #[test]
    fn an_extra_period_never_gets_more_than_the_budget_has_left() {
        check(
            "
            budget 300000.00
            term   2026-06-01..2026-06-30
            spend  2026-06-01 250000.00
            extra  2026-06-02..2026-06-03 150000.00
            plan   2026-06-02 -> 25000.00
        ",
        );
    }

    #[test]
    fn a_day_outside_the_term_has_no_plan() {
        let mut inputs = even("300000.00", "12000.00");
        inputs.day = day_of("2026-12-01");
        assert_eq!(plan_day(&inputs).unwrap_err().code(), "day_outside_term");
    }

    fn even(budget: &str, price_text: &str) -> PlanInputs {
        PlanInputs {
            day: day_of("2026-11-01"),
            base_at: day_start(day_of("2026-11-01")),
            term: Term::new(day_of("2026-11-01"), day_of("2026-11-30")).unwrap(),
            budget: Budget {
                mode: BudgetMode::Total,
                amount: Money::parse(budget).unwrap(),
            },
            price: price(price_text),
            counted_before_day: 0,
            counted_before_base: 0,
            extra_period: None,
            curve: TrafficCurve::FLAT,
        }
    }

    #[test]
    fn the_curve_admits_the_elapsed_share_and_a_small_burst() {
        let plan = plan_day(&even("300000.00", "1000.00")).unwrap();
        assert_eq!((plan.quota, plan.cap), (10_000, 300_000));
        let at = |hours: i64| day_start(plan.day) + TimeDelta::hours(hours);
        for (hours, admitted) in [
            (-1, 0),
            (0, 11),
            (6, 2_511),
            (12, 5_011),
            (24, 10_000),
            (48, 10_000),
        ] {
            assert_eq!(admitted_by(&plan, at(hours)), admitted, "after {hours} h");
        }
        let mut evening = [0; 24];
        evening[18..24].fill(10);
        let plan = DayPlan {
            curve: TrafficCurve::new(evening),
            ..plan
        };
        for (hours, admitted) in [(17, 11), (18, 11), (21, 5_011), (24, 10_000)] {
            assert_eq!(
                admitted_by(&plan, at(hours)),
                admitted,
                "evening, after {hours} h"
            );
        }
    }

    #[test]
    fn after_a_change_the_curve_starts_from_what_was_counted() {
        let noon = day_start(day_of("2026-11-01")) + TimeDelta::hours(12);
        let inputs = PlanInputs {
            base_at: noon,
            counted_before_base: 4_000,
            ..even("300000.00", "1000.00")
        };
        let plan = plan_day(&inputs).unwrap();
        assert_eq!(plan.quota, 4_000 + 296_000 * 5 / 295);
        assert_eq!(admitted_by(&plan, noon - TimeDelta::hours(1)), 4_000);
        assert_eq!(admitted_by(&plan, noon), 4_000 + 1 + plan.quota / 1000);
        assert_eq!(admitted_by(&plan, noon + TimeDelta::hours(12)), plan.quota);
    }

    #[test]
    fn a_line_without_a_price_is_not_bounded_by_money() {
        let plan = plan_day(&even("300000.00", "0")).unwrap();
        assert_eq!(plan.cap, UNLIMITED);
        assert!(plan.quota > 1_000_000_000);
    }

    #[test]
    fn a_curve_is_flat_until_a_week_is_known() {
        let mut history = TrafficHistory {
            requests: [10; 168],
            days: 6,
        };
        history.requests[20] = 1_000;
        assert_eq!(history.curve_of(day_of("2026-11-01")), TrafficCurve::FLAT);
        history.days = 7;
        assert_ne!(history.curve_of(day_of("2026-11-01")), TrafficCurve::FLAT);
        let few = TrafficHistory {
            requests: [1; 168],
            days: 30,
        };
        assert_eq!(few.curve_of(day_of("2026-11-01")), TrafficCurve::FLAT);
    }

    #[test]
    fn weekdays_are_told_apart_from_two_weeks_on() {
        // Thursday, 5 November 2026 is the first day of the week that starts with 1 January 1970.
        let thursday = day_of("2026-11-05");
        assert_eq!(TrafficHistory::hour_of_week(day_start(thursday)), 0);
        let mut history = TrafficHistory {
            requests: [100; 168],
            days: 14,
        };
        for hour in 0..24 {
            history.requests[hour] = if hour >= 18 { 10_000 } else { 0 };
        }
        let curve = history.curve_of(thursday);
        assert!(curve.weights()[20] > 1_000 * curve.weights()[3]);
        let friday = history.curve_of(day_of("2026-11-06"));
        assert_eq!(friday.weights()[20], friday.weights()[3]);
        history.days = 13;
        let any_day = history.curve_of(day_of("2026-11-06"));
        assert!(any_day.weights()[20] > any_day.weights()[3]);
    }

    #[test]
    fn a_change_is_planned_from_the_begin_of_its_epoch() {
        let day = day_of("2026-11-11");
        let at = |text: &str| crate::calendar::at_tashkent(text.parse().unwrap());
        assert_eq!(base_of(day, None), day_start(day));
        assert_eq!(base_of(day, Some(day_start(day))), day_start(day));
        assert_eq!(base_of(day, Some(at("2026-11-10T23:00:00"))), day_start(day));
        assert_eq!(
            base_of(day, Some(at("2026-11-11T10:03:59"))),
            at("2026-11-11T10:00:00")
        );
    }

    /// A term day by day: `share` of each day's quota is served, in tenths of a percent.
    fn serve_term(inputs: PlanInputs, shares: &[u16]) -> (u64, DayPlan) {
        let mut counted = 0;
        let mut last = None;
        for (n, share) in (0_u64..).zip(shares) {
            let day = plus_days(inputs.term.first_day(), n);
            let plan = plan_day(&PlanInputs {
                day,
                base_at: day_start(day),
                counted_before_day: counted,
                ..inputs
            })
            .unwrap();
            counted += plan.quota * u64::from(*share) / 1000;
            last = Some(plan);
        }
        (counted, last.unwrap())
    }

    prop_compose! {
        fn a_line()(
            days in 1..60_u64, tiyin in 100..100_000_000_000_i64, micro in 1_000_000..50_000_000_000_i64,
        ) -> PlanInputs {
            let first = day_of("2026-11-01");
            PlanInputs {
                term: Term::new(first, plus_days(first, days - 1)).unwrap(),
                budget: Budget { mode: BudgetMode::Total, amount: Money::from_tiyin(tiyin).unwrap() },
                price: UnitPrice::new(Decimal::new(micro, 6)).unwrap(),
                ..even("1.00", "1.00")
            }
        }
    }

    proptest! {
        #[test]
        fn budget_is_never_exceeded(line in a_line(), shares in prop::collection::vec(0..=1000_u16, 60)) {
            let days = usize::try_from(days_inclusive(line.term.first_day(), line.term.last_day())).unwrap();
            let (counted, plan) = serve_term(line, &shares[..days]);
            prop_assert!(counted <= plan.cap);
            prop_assert!(line.price.of_impressions(counted).unwrap() <= line.budget.amount.exact());
        }

        #[test]
        fn nothing_is_lost_to_rounding(line in a_line(), shares in prop::collection::vec(0..=1000_u16, 60)) {
            let days = usize::try_from(days_inclusive(line.term.first_day(), line.term.last_day())).unwrap();
            // Whatever the days before brought, a last day that meets its quota leaves not one impression unserved.
            let mut shares = shares[..days].to_vec();
            *shares.last_mut().unwrap() = 1000;
            let (counted, plan) = serve_term(line, &shares);
            prop_assert_eq!(counted, plan.cap);
            let (all_met, _) = serve_term(line, &vec![1000; days]);
            prop_assert_eq!(all_met, plan.cap);
        }

        #[test]
        fn a_change_at_any_instant_stays_within_the_budget(
            line in a_line(), minute in 0..1440_i64, before in 0..=1000_u64, weights in prop::array::uniform24(0..1000_u32),
        ) {
            let line = PlanInputs { curve: TrafficCurve::new(weights), ..line };
            let morning = plan_day(&line).unwrap();
            let base_at = day_start(line.day) + TimeDelta::minutes(minute);
            let counted_before_base = admitted_by(&morning, base_at) * before / 1000;
            let plan = plan_day(&PlanInputs { base_at, counted_before_base, ..line }).unwrap();
            prop_assert!(plan.quota >= counted_before_base && plan.quota <= plan.cap);
            let mut admitted = 0;
            for step in 0..=96 {
                let now = admitted_by(&plan, day_start(line.day) + TimeDelta::minutes(step * 15));
                prop_assert!(now >= admitted && now <= plan.quota);
                admitted = now;
            }
            prop_assert_eq!(admitted, plan.quota);
        }

        #[test]
        fn the_target_is_worth_its_impressions(line in a_line()) {
            let plan = plan_day(&line).unwrap();
            let worth = line.price.of_impressions(plan.quota).unwrap();
            let one = line.price.of_impressions(1).unwrap();
            let grain = exact("0.000000000001");
            prop_assert!(worth <= plan.target.checked_add(grain).unwrap());
            prop_assert!(plan.target < worth.checked_add(one).unwrap().checked_add(grain).unwrap());
        }
    }
}
