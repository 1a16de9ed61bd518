//! Extra periods: a stretch of a media line's term with its own, accelerated budget.
//!
//! Rule: delivery.md §5 "Extra period"; offer [003 §1.1 "Ekstra-davr", §5.2]. Set and switched off by the customer any
//! number of times during the term, at most one active or scheduled at a time.
//!
//! ```text
//! last day ≤ the line's last day        today ≤ first day ≤ last day
//! extra_budget ≤ whole budget           extra_budget ≤ what remains unspent
//! ```
//!
//! **Choice:** the offer names only the first bound of the budget; a sum that is already spent can't be spent again, so
//! the second is the effective one, and the refusal says which. A monthly budget's "whole" is the sum over the months
//! of the term, and "unspent" the sum over the months that the extra period touches.
//!
//! An extra period covers whole Tashkent days from its first day on; how it paces is in `pacing`. When it ends the line
//! goes back to even pacing with what is left of the whole budget. Not here: history and audit (the command writes
//! them), the notice to the nodes.

use crate::calendar::Timestamp;
use crate::calendar::{ReportingPeriod, tashkent_day};
use crate::ids::ExtraPeriodId;
use crate::money::{Exact, Money};
use crate::orders::order_blank::{LineKind, Term};
use chrono::NaiveDate;

/// How an extra period ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExtraPeriodEnd {
    /// Its last day is over.
    Expired,
    /// The customer (or the operator for him) switched it off.
    SwitchedOff,
    /// The line's whole budget was spent before its last day.
    Exhausted,
}

impl ExtraPeriodEnd {
    /// The word of the table and the report.
    pub fn code(self) -> &'static str {
        match self {
            ExtraPeriodEnd::Expired => "expired",
            ExtraPeriodEnd::SwitchedOff => "switched_off",
            ExtraPeriodEnd::Exhausted => "exhausted",
        }
    }
}

/// An extra period that was set and hasn't ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExtraPeriod {
    /// Which one.
    pub id: ExtraPeriodId,
    /// First day, counted whole.
    pub first_day: NaiveDate,
    /// Last day, counted whole.
    pub last_day: NaiveDate,
    /// Net of VAT.
    pub extra_budget: Money,
}

/// What the rules need to know of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineForExtraPeriod {
    /// What the line buys.
    pub kind: LineKind,
    /// Whether its order blank is signed or in service (and not completed, terminated or cancelled).
    pub blank_in_force: bool,
    /// The term in force.
    pub term: Term,
    /// First day without service, when the line was ended before its term.
    pub ended_on: Option<NaiveDate>,
    /// Budget for the whole term, net: the amount itself, or the monthly amount times the months of the term.
    pub whole_budget: Money,
    /// What of it isn't spent yet, net: of the whole budget, or of the months that the extra period touches.
    pub unspent: Exact,
    /// The one that is active or scheduled.
    pub current: Option<ExtraPeriod>,
}

/// What the customer asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExtraPeriodRequest {
    /// First day; none: today.
    pub first_day: Option<NaiveDate>,
    /// Last day.
    pub last_day: NaiveDate,
    /// Net of VAT.
    pub extra_budget: Money,
}

/// An extra period to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewExtraPeriod {
    /// First day.
    pub first_day: NaiveDate,
    /// Last day.
    pub last_day: NaiveDate,
    /// Net of VAT.
    pub extra_budget: Money,
}

/// Why an extra period can't be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExtraPeriodRefused {
    /// Only media lines have a budget to spend faster.
    #[error("only a media line can have an extra period")]
    NotAMediaLine,
    /// The order blank isn't signed, or its service is over.
    #[error("the order blank is not in force")]
    BlankNotInForce,
    /// The line was ended before its term.
    #[error("the line ended on {ended_on}")]
    LineEnded {
        /// First day without service.
        ended_on: NaiveDate,
    },
    /// It is set during the term.
    #[error("today, {today}, is outside the line's term {first_day}..{last_day}")]
    OutsideTerm {
        /// Today in Tashkent.
        today: NaiveDate,
        /// First day of the term.
        first_day: NaiveDate,
        /// Last day of the term.
        last_day: NaiveDate,
    },
    /// At most one active or scheduled at a time.
    #[error("an extra period {first_day}..{last_day} is active or scheduled already")]
    OneAtATime {
        /// First day of that one.
        first_day: NaiveDate,
        /// Last day of that one.
        last_day: NaiveDate,
    },
    /// It can't begin in the past.
    #[error("the first day {first_day} lies before today, {today}")]
    FirstDayPast {
        /// The day asked for.
        first_day: NaiveDate,
        /// Today in Tashkent.
        today: NaiveDate,
    },
    /// It has at least one day.
    #[error("the last day {last_day} lies before the first day {first_day}")]
    LastDayBeforeFirst {
        /// First day asked for.
        first_day: NaiveDate,
        /// Last day asked for.
        last_day: NaiveDate,
    },
    /// It ends with the line at the latest.
    #[error("the last day {last_day} lies after the line's last day {line_last_day}")]
    BeyondTerm {
        /// Last day asked for.
        last_day: NaiveDate,
        /// The limit.
        line_last_day: NaiveDate,
    },
    /// Nothing can't be spent faster.
    #[error("the extra budget {asked} must be above zero")]
    BudgetNotPositive {
        /// Sum asked for.
        asked: Money,
    },
    /// Over the whole budget of the line.
    #[error("the extra budget {asked} is over the line's whole budget {whole}")]
    OverBudget {
        /// Sum asked for.
        asked: Money,
        /// The limit.
        whole: Money,
    },
    /// Over what is left of it.
    #[error("the extra budget {asked} is over what remains unspent, {}", left.decimal())]
    OverUnspent {
        /// Sum asked for.
        asked: Money,
        /// The limit, exact.
        left: Exact,
    },
}

impl ExtraPeriodRefused {
    /// Stable code, shared by the API, the translations and the scenario report.
    pub fn code(&self) -> &'static str {
        match self {
            ExtraPeriodRefused::NotAMediaLine => "extra_period_not_a_media_line",
            ExtraPeriodRefused::BlankNotInForce => "extra_period_order_blank_not_in_force",
            ExtraPeriodRefused::LineEnded { .. } => "extra_period_line_ended",
            ExtraPeriodRefused::OutsideTerm { .. } => "extra_period_outside_term",
            ExtraPeriodRefused::OneAtATime { .. } => "extra_period_already_set",
            ExtraPeriodRefused::FirstDayPast { .. } => "extra_period_first_day_past",
            ExtraPeriodRefused::LastDayBeforeFirst { .. } => "extra_period_last_day_before_first",
            ExtraPeriodRefused::BeyondTerm { .. } => "extra_period_beyond_term",
            ExtraPeriodRefused::BudgetNotPositive { .. } => "extra_budget_not_positive",
            ExtraPeriodRefused::OverBudget { .. } => "extra_budget_over_budget",
            ExtraPeriodRefused::OverUnspent { .. } => "extra_budget_over_unspent",
        }
    }

    /// The field of the request that is at fault, when one is.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            ExtraPeriodRefused::FirstDayPast { .. } => Some("first_day"),
            ExtraPeriodRefused::LastDayBeforeFirst { .. } | ExtraPeriodRefused::BeyondTerm { .. } => {
                Some("last_day")
            }
            ExtraPeriodRefused::BudgetNotPositive { .. }
            | ExtraPeriodRefused::OverBudget { .. }
            | ExtraPeriodRefused::OverUnspent { .. } => Some("extra_budget"),
            _ => None,
        }
    }
}

/// Checks every rule of setting an extra period; says what is to be written.
pub fn set(
    line: &LineForExtraPeriod,
    request: &ExtraPeriodRequest,
    today: NaiveDate,
) -> Result<NewExtraPeriod, ExtraPeriodRefused> {
    if line.kind != LineKind::Media {
        return Err(ExtraPeriodRefused::NotAMediaLine);
    }
    if !line.blank_in_force {
        return Err(ExtraPeriodRefused::BlankNotInForce);
    }
    if let Some(ended_on) = line.ended_on.filter(|ended_on| *ended_on <= today) {
        return Err(ExtraPeriodRefused::LineEnded { ended_on });
    }
    if !line.term.contains(today) {
        return Err(ExtraPeriodRefused::OutsideTerm {
            today,
            first_day: line.term.first_day(),
            last_day: line.term.last_day(),
        });
    }
    if let Some(current) = line.current {
        return Err(ExtraPeriodRefused::OneAtATime {
            first_day: current.first_day,
            last_day: current.last_day,
        });
    }
    let first_day = request.first_day.unwrap_or(today);
    let last_day = request.last_day;
    if first_day < today {
        return Err(ExtraPeriodRefused::FirstDayPast { first_day, today });
    }
    if last_day < first_day {
        return Err(ExtraPeriodRefused::LastDayBeforeFirst { first_day, last_day });
    }
    if last_day > last_day_served(line) {
        return Err(ExtraPeriodRefused::BeyondTerm {
            last_day,
            line_last_day: last_day_served(line),
        });
    }
    let asked = request.extra_budget;
    if !asked.is_positive() {
        return Err(ExtraPeriodRefused::BudgetNotPositive { asked });
    }
    if asked > line.whole_budget {
        return Err(ExtraPeriodRefused::OverBudget {
            asked,
            whole: line.whole_budget,
        });
    }
    if asked.exact() > line.unspent {
        return Err(ExtraPeriodRefused::OverUnspent {
            asked,
            left: line.unspent,
        });
    }
    Ok(NewExtraPeriod {
        first_day,
        last_day,
        extra_budget: asked,
    })
}

/// The last day with service: of the term, or the day before the line was ended.
fn last_day_served(line: &LineForExtraPeriod) -> NaiveDate {
    line.ended_on
        .and_then(|ended_on| ended_on.pred_opt())
        .map_or(line.term.last_day(), |day| day.min(line.term.last_day()))
}

/// The end of an extra period, to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndedExtraPeriod {
    /// Which one.
    pub id: ExtraPeriodId,
    /// How.
    pub end: ExtraPeriodEnd,
    /// When.
    pub ended_at: Timestamp,
    /// The last day that it paced, in whole or in part; none when it ended before its first day.
    pub ended_on: Option<NaiveDate>,
}

/// Why an extra period can't be switched off.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndExtraPeriodRefused {
    /// None is active or scheduled.
    #[error("no extra period is active or scheduled")]
    NoneSet,
}

impl EndExtraPeriodRefused {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            EndExtraPeriodRefused::NoneSet => "extra_period_not_set",
        }
    }
}

/// Switches an extra period off, at once and at any time.
pub fn switch_off(
    current: Option<ExtraPeriod>,
    now: Timestamp,
) -> Result<EndedExtraPeriod, EndExtraPeriodRefused> {
    let current = current.ok_or(EndExtraPeriodRefused::NoneSet)?;
    Ok(EndedExtraPeriod {
        id: current.id,
        end: ExtraPeriodEnd::SwitchedOff,
        ended_at: now,
        ended_on: paced_until(&current, now),
    })
}

/// Whether an extra period is over by itself at `now`: its last day has passed, or nothing of the line's whole budget
/// is left while it is active. `budget_left` is whether one more impression can be paid for.
pub fn over_by_itself(current: &ExtraPeriod, budget_left: bool, now: Timestamp) -> Option<EndedExtraPeriod> {
    let today = tashkent_day(now);
    let end = if today > current.last_day {
        ExtraPeriodEnd::Expired
    } else if today >= current.first_day && !budget_left {
        ExtraPeriodEnd::Exhausted
    } else {
        return None;
    };
    Some(EndedExtraPeriod {
        id: current.id,
        end,
        ended_at: now,
        ended_on: paced_until(current, now),
    })
}

fn paced_until(current: &ExtraPeriod, now: Timestamp) -> Option<NaiveDate> {
    let day = tashkent_day(now).min(current.last_day);
    (day >= current.first_day).then_some(day)
}

/// The reporting periods that an extra period touches: what a monthly budget's unspent rest is summed over.
pub fn periods_touched(first_day: NaiveDate, last_day: NaiveDate) -> impl Iterator<Item = ReportingPeriod> {
    ReportingPeriod::of(first_day).through(ReportingPeriod::of(last_day))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::day_start;
    use uuid::Uuid;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn money(text: &str) -> Money {
        Money::parse(text).unwrap()
    }

    /// The line of the book's example: 300,000 in June, 100,000 spent by 11 June.
    fn line() -> LineForExtraPeriod {
        LineForExtraPeriod {
            kind: LineKind::Media,
            blank_in_force: true,
            term: Term::new(day("2026-06-01"), day("2026-06-30")).unwrap(),
            ended_on: None,
            whole_budget: money("300000.00"),
            unspent: money("200000.00").exact(),
            current: None,
        }
    }

    fn ask(first_day: Option<&str>, last_day: &str, extra_budget: &str) -> ExtraPeriodRequest {
        ExtraPeriodRequest {
            first_day: first_day.map(day),
            last_day: day(last_day),
            extra_budget: money(extra_budget),
        }
    }

    fn current() -> ExtraPeriod {
        ExtraPeriod {
            id: ExtraPeriodId::from_uuid(Uuid::nil()),
            first_day: day("2026-06-12"),
            last_day: day("2026-06-15"),
            extra_budget: money("150000.00"),
        }
    }

    fn code(line: &LineForExtraPeriod, request: &ExtraPeriodRequest, today: &str) -> &'static str {
        match set(line, request, day(today)) {
            Ok(_) => "set",
            Err(refused) => refused.code(),
        }
    }

    #[test]
    fn the_books_example_is_set_from_today() {
        let new = set(&line(), &ask(None, "2026-06-15", "150000.00"), day("2026-06-11")).unwrap();
        assert_eq!(
            (new.first_day, new.last_day),
            (day("2026-06-11"), day("2026-06-15"))
        );
        let later = set(
            &line(),
            &ask(Some("2026-06-20"), "2026-06-30", "200000.00"),
            day("2026-06-11"),
        )
        .unwrap();
        assert_eq!(later.first_day, day("2026-06-20"));
        // One day, the last one, to the last tiyin.
        assert_eq!(
            code(&line(), &ask(None, "2026-06-30", "200000.00"), "2026-06-30"),
            "set"
        );
    }

    #[test]
    fn dates_outside_the_rules_are_refused() {
        for (request, today, refused) in [
            (
                ask(None, "2026-07-01", "1.00"),
                "2026-06-11",
                "extra_period_beyond_term",
            ),
            (
                ask(Some("2026-06-10"), "2026-06-15", "1.00"),
                "2026-06-11",
                "extra_period_first_day_past",
            ),
            (
                ask(None, "2026-06-10", "1.00"),
                "2026-06-11",
                "extra_period_last_day_before_first",
            ),
            (
                ask(Some("2026-06-20"), "2026-06-19", "1.00"),
                "2026-06-11",
                "extra_period_last_day_before_first",
            ),
            (
                ask(None, "2026-06-15", "1.00"),
                "2026-05-31",
                "extra_period_outside_term",
            ),
            (
                ask(None, "2026-07-02", "1.00"),
                "2026-07-01",
                "extra_period_outside_term",
            ),
        ] {
            assert_eq!(code(&line(), &request, today), refused, "{request:?} on {today}");
        }
    }

    #[test]
    fn the_second_bound_of_the_budget_is_the_effective_one_and_says_so() {
        let refused = set(&line(), &ask(None, "2026-06-15", "200000.01"), day("2026-06-11")).unwrap_err();
        assert_eq!(refused.code(), "extra_budget_over_unspent");
        assert_eq!(
            refused.to_string(),
            "the extra budget 200000.01 is over what remains unspent, 200000.00"
        );
        let refused = set(&line(), &ask(None, "2026-06-15", "300000.01"), day("2026-06-11")).unwrap_err();
        assert_eq!(refused.code(), "extra_budget_over_budget");
        assert_eq!(
            code(&line(), &ask(None, "2026-06-15", "0.00"), "2026-06-11"),
            "extra_budget_not_positive"
        );
        assert_eq!(
            code(&line(), &ask(None, "2026-06-15", "-1.00"), "2026-06-11"),
            "extra_budget_not_positive"
        );
    }

    #[test]
    fn one_at_a_time_active_or_scheduled() {
        let with_one = LineForExtraPeriod {
            current: Some(current()),
            ..line()
        };
        for today in ["2026-06-11", "2026-06-12"] {
            let request = ask(None, "2026-06-20", "10000.00");
            assert_eq!(code(&with_one, &request, today), "extra_period_already_set");
        }
    }

    #[test]
    fn only_a_media_line_in_service_has_one() {
        let request = ask(None, "2026-06-15", "1.00");
        let period = LineForExtraPeriod {
            kind: LineKind::Period,
            ..line()
        };
        assert_eq!(
            code(&period, &request, "2026-06-11"),
            "extra_period_not_a_media_line"
        );
        let draft = LineForExtraPeriod {
            blank_in_force: false,
            ..line()
        };
        assert_eq!(
            code(&draft, &request, "2026-06-11"),
            "extra_period_order_blank_not_in_force"
        );
        let ended = LineForExtraPeriod {
            ended_on: Some(day("2026-06-11")),
            ..line()
        };
        assert_eq!(code(&ended, &request, "2026-06-11"), "extra_period_line_ended");
        // Ended in the future: until the day before it.
        let ending = LineForExtraPeriod {
            ended_on: Some(day("2026-06-15")),
            ..line()
        };
        assert_eq!(code(&ending, &request, "2026-06-11"), "extra_period_beyond_term");
        assert_eq!(
            code(&ending, &ask(None, "2026-06-14", "1.00"), "2026-06-11"),
            "set"
        );
    }

    #[test]
    fn it_is_switched_off_at_once_and_at_any_time() {
        let noon = |text: &str| day_start(day(text)) + chrono::TimeDelta::hours(12);
        let active = switch_off(Some(current()), noon("2026-06-13")).unwrap();
        assert_eq!(
            (active.end, active.ended_on),
            (ExtraPeriodEnd::SwitchedOff, Some(day("2026-06-13")))
        );
        let scheduled = switch_off(Some(current()), noon("2026-06-11")).unwrap();
        assert_eq!(scheduled.ended_on, None);
        assert_eq!(
            switch_off(None, noon("2026-06-13")).unwrap_err().code(),
            "extra_period_not_set"
        );
    }

    #[test]
    fn it_expires_after_its_last_day_and_is_exhausted_with_the_whole_budget() {
        let over = |on: &str, budget_left| over_by_itself(&current(), budget_left, day_start(day(on)));
        assert_eq!(over("2026-06-15", true), None);
        let expired = over("2026-06-16", true).unwrap();
        assert_eq!(
            (expired.end, expired.ended_on),
            (ExtraPeriodEnd::Expired, Some(day("2026-06-15")))
        );
        assert_eq!(over("2026-06-16", false).unwrap().end, ExtraPeriodEnd::Expired);
        let exhausted = over("2026-06-13", false).unwrap();
        assert_eq!(
            (exhausted.end, exhausted.ended_on),
            (ExtraPeriodEnd::Exhausted, Some(day("2026-06-13")))
        );
        // Not begun: a budget that is spent may be increased before it.
        assert_eq!(over("2026-06-11", false), None);
    }
}
