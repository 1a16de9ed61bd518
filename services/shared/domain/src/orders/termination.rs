//! Ending a contract, or a part of it, before its time: from which day on there is no service.
//!
//! Rule: orders.md §8; offer [003 §8.5, §10.2–10.5, §13.4]. N is the Tashkent day on which the notice is sent, E the first
//! day without service.
//!
//! ```text
//! agreement                     the agreed day, today or later, when both parties have agreed
//! ordinary                      F if F − N ≥ 14 days, else the first day of the period after F
//! ordinary, additional alone    the day after the 3rd business day after N
//! breach (operator)             N + 3 calendar days or later
//! breach (operator), media      the day after the 3rd business day after N, or later
//! overdue (operator)            the day it decides, N or later
//! corruption                    as ordinary with 10 days; media: the day after the 3rd business day after N
//! force majeure (the affected)  N, when it has lasted longer than three months
//! ```
//!
//! F is the first day of the reporting period after the one N lies in. **Choice:** a notice whose lines are all additional
//! services follows §10.2.4, however it names them; in one that ends anything else, additional services follow the rest.
//!
//! A notice may bring a line's end forward, never put it off. A line whose term ends before E keeps its end.
//!
//! Invariants, each a property test of the same name:
//! - `an_ordinary_end_begins_a_reporting_period_and_keeps_its_notice`
//! - `three_whole_business_days_lie_before_the_end`
//! - `a_notice_never_puts_an_end_off`
//!
//! Not here: who may send what through which door (the command), the money (`billing`), serving (`runnable`).

use crate::calendar::{BusinessCalendar, ReportingPeriod, plus_days};
use crate::ids::LineId;
use crate::orders::order_blank::{BlankState, LineKind, Term};
use chrono::{Months, NaiveDate};

/// Days between an ordinary notice and the first day without service [003 §10.2.3].
pub const ORDINARY_DAYS: i64 = 14;
/// The same under the corruption clause [003 §13.4.1].
pub const CORRUPTION_DAYS: i64 = 10;
/// Calendar days between a notice of breach and the end [003 §10.2.2].
pub const BREACH_DAYS: u64 = 3;
/// Business days that pass before media and additional services end [003 §10.2.2, §10.2.4, §13.4].
pub const BUSINESS_DAYS: u32 = 3;
/// Force majeure that lasts longer lets the affected party go [003 §8.5].
pub const FORCE_MAJEURE_MONTHS: u32 = 3;

/// A party of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Party {
    /// The advertiser.
    Customer,
    /// The contractor.
    Operator,
}

impl Party {
    /// The form of the API and the database.
    pub fn code(self) -> &'static str {
        match self {
            Party::Customer => "customer",
            Party::Operator => "operator",
        }
    }

    /// Parses [`Party::code`].
    pub fn parse(code: &str) -> Option<Party> {
        [Party::Customer, Party::Operator]
            .into_iter()
            .find(|party| party.code() == code)
    }

    /// The other one.
    pub fn other(self) -> Party {
        match self {
            Party::Customer => Party::Operator,
            Party::Operator => Party::Customer,
        }
    }
}

/// Why the contract is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ground {
    /// Either party's right [003 §10.2.3–10.2.4].
    Ordinary,
    /// The customer broke the rules or the contract [003 §10.2.2].
    Breach,
    /// A payment is overdue or a material late [003 §10.5].
    Overdue,
    /// The corruption clause [003 §13.4].
    Corruption,
    /// Both agree [003 §10.2.1].
    Agreement,
    /// Force majeure longer than three months [003 §8.5].
    ForceMajeure,
}

impl Ground {
    /// All grounds.
    pub const ALL: [Ground; 6] = [
        Ground::Ordinary,
        Ground::Breach,
        Ground::Overdue,
        Ground::Corruption,
        Ground::Agreement,
        Ground::ForceMajeure,
    ];

    /// The form of the API and the database.
    pub fn code(self) -> &'static str {
        match self {
            Ground::Ordinary => "ordinary",
            Ground::Breach => "breach",
            Ground::Overdue => "overdue",
            Ground::Corruption => "corruption",
            Ground::Agreement => "agreement",
            Ground::ForceMajeure => "force_majeure",
        }
    }

    /// Parses [`Ground::code`].
    pub fn parse(code: &str) -> Option<Ground> {
        Ground::ALL.into_iter().find(|ground| ground.code() == code)
    }

    /// Whether the ground is the operator's alone.
    pub fn is_operators(self) -> bool {
        matches!(self, Ground::Breach | Ground::Overdue)
    }
}

/// What a notice ends [003 §10.4].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The whole contract.
    Contract,
    /// Chosen lines.
    Lines,
    /// The additional services alone.
    AdditionalServices,
}

impl Scope {
    /// The form of the API and the database.
    pub fn code(self) -> &'static str {
        match self {
            Scope::Contract => "contract",
            Scope::Lines => "lines",
            Scope::AdditionalServices => "additional",
        }
    }

    /// Parses [`Scope::code`].
    pub fn parse(code: &str) -> Option<Scope> {
        [Scope::Contract, Scope::Lines, Scope::AdditionalServices]
            .into_iter()
            .find(|scope| scope.code() == code)
    }
}

/// By which column of the table a line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    /// Media placement.
    Media,
    /// Placement by the month, or an additional service that ends together with placement.
    Placement,
    /// An additional service ended alone.
    AdditionalAlone,
}

/// A line in the scope of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineToEnd {
    /// The line.
    pub line: LineId,
    /// Kind.
    pub kind: LineKind,
    /// The term in force.
    pub term: Term,
    /// Whether its term may still move: its first material isn't approved yet.
    pub term_may_move: bool,
    /// The first day without service, by an earlier notice.
    pub ended_on: Option<NaiveDate>,
    /// Whether an invoice that covers it is overdue, or its first material came late or is late.
    pub in_delay: bool,
    /// The force majeure that it stands still for: since when, and which party it keeps from its duty.
    pub stands_still: Option<(NaiveDate, Party)>,
}

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notice {
    /// Who ends.
    pub by: Party,
    /// Why.
    pub ground: Ground,
    /// What.
    pub scope: Scope,
    /// N.
    pub noticed_on: NaiveDate,
    /// The first day without service that is asked for.
    pub requested: Option<NaiveDate>,
    /// Whether both parties have agreed.
    pub agreed_by_both: bool,
}

/// A line's new end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineEnd {
    /// The line.
    pub line: LineId,
    /// E.
    pub effective_on: NaiveDate,
    /// Whether its term would have gone on.
    pub cuts_the_term: bool,
}

/// Why nothing is ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TerminationRefused {
    /// The ground is the other party's.
    #[error("the {} can't end a contract on the ground {}", .by.code(), .ground.code())]
    GroundNotOpen {
        /// The ground.
        ground: Ground,
        /// Who asked.
        by: Party,
    },
    /// Too early for the ground.
    #[error("the first day without service can't be {requested}: {earliest} is the earliest")]
    TooEarly {
        /// The day asked for.
        requested: NaiveDate,
        /// The limit.
        earliest: NaiveDate,
    },
    /// The ground fixes the day.
    #[error("the ground fixes the first day without service: {effective_on}, not {requested}")]
    FixedByRule {
        /// The day asked for.
        requested: NaiveDate,
        /// The day of the rule.
        effective_on: NaiveDate,
    },
    /// The day that was agreed isn't told.
    #[error("the agreed day is missing")]
    NoAgreedDay,
    /// One party alone can't agree.
    #[error("the other party has not agreed")]
    NotAgreed,
    /// Nothing is overdue or late.
    #[error("no payment is overdue and no material is late")]
    NothingInDelay,
    /// No force majeure is going on.
    #[error("no force majeure is going on")]
    NoForceMajeure,
    /// It hasn't lasted long enough.
    #[error("the force majeure has not lasted longer than three months: that is from {opens_on} on")]
    ForceMajeureTooShort {
        /// First day on which the ground is open.
        opens_on: NaiveDate,
    },
    /// Only the party that it keeps from its duty may go.
    #[error("only the {} is kept from its duty by the force majeure", .affected.code())]
    NotTheAffectedParty {
        /// The party that may.
        affected: Party,
    },
    /// The scope holds no line.
    #[error("the notice ends no line")]
    NoLines,
    /// Every line's term is over.
    #[error("the last day was {last_day}")]
    AlreadyOver {
        /// The last of them.
        last_day: NaiveDate,
    },
    /// Every line ends as early or earlier.
    #[error("an earlier notice ends it on {ended_on}: a later one may only bring that forward")]
    EndsAlready {
        /// The end in force.
        ended_on: NaiveDate,
    },
    /// The terms end before the notice would.
    #[error("the term ends by itself on {last_day}, before {effective_on}")]
    EndsByItself {
        /// Last day of the last line.
        last_day: NaiveDate,
        /// E.
        effective_on: NaiveDate,
    },
}

impl TerminationRefused {
    /// Stable code, shared by the API, the translations and the scenario report.
    pub fn code(&self) -> &'static str {
        match self {
            TerminationRefused::GroundNotOpen { .. } => "termination_ground_not_open",
            TerminationRefused::TooEarly { .. } => "termination_too_early",
            TerminationRefused::FixedByRule { .. } => "termination_day_is_fixed",
            TerminationRefused::NoAgreedDay => "termination_agreed_day_missing",
            TerminationRefused::NotAgreed => "termination_not_agreed",
            TerminationRefused::NothingInDelay => "termination_nothing_in_delay",
            TerminationRefused::NoForceMajeure => "termination_no_force_majeure",
            TerminationRefused::ForceMajeureTooShort { .. } => "termination_force_majeure_too_short",
            TerminationRefused::NotTheAffectedParty { .. } => "termination_not_the_affected_party",
            TerminationRefused::NoLines => "termination_no_lines",
            TerminationRefused::AlreadyOver { .. } => "termination_already_over",
            TerminationRefused::EndsAlready { .. } => "termination_ends_already",
            TerminationRefused::EndsByItself { .. } => "termination_ends_by_itself",
        }
    }

    /// The field of the request that is at fault.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            TerminationRefused::GroundNotOpen { .. }
            | TerminationRefused::NotAgreed
            | TerminationRefused::NothingInDelay
            | TerminationRefused::NoForceMajeure
            | TerminationRefused::ForceMajeureTooShort { .. }
            | TerminationRefused::NotTheAffectedParty { .. } => Some("ground"),
            TerminationRefused::TooEarly { .. }
            | TerminationRefused::FixedByRule { .. }
            | TerminationRefused::NoAgreedDay => Some("effective_on"),
            TerminationRefused::NoLines => Some("lines"),
            TerminationRefused::AlreadyOver { .. }
            | TerminationRefused::EndsAlready { .. }
            | TerminationRefused::EndsByItself { .. } => None,
        }
    }

    /// The day that is the limit.
    pub fn limit(&self) -> Option<NaiveDate> {
        match self {
            TerminationRefused::TooEarly { earliest: day, .. }
            | TerminationRefused::FixedByRule {
                effective_on: day, ..
            }
            | TerminationRefused::ForceMajeureTooShort { opens_on: day }
            | TerminationRefused::AlreadyOver { last_day: day }
            | TerminationRefused::EndsAlready { ended_on: day }
            | TerminationRefused::EndsByItself { last_day: day, .. } => Some(*day),
            _ => None,
        }
    }
}

/// E of a service by the ground's rule: the whole table of orders.md §8 but for the facts that a ground needs
/// ([`decide`] looks at those).
pub fn effective_day(
    notice: &Notice,
    service: Service,
    calendar: &BusinessCalendar,
) -> Result<NaiveDate, TerminationRefused> {
    let n = notice.noticed_on;
    if notice.by == Party::Customer && notice.ground.is_operators() {
        return Err(TerminationRefused::GroundNotOpen {
            ground: notice.ground,
            by: notice.by,
        });
    }
    let after_business_days = || plus_days(calendar.business_days_after(n, BUSINESS_DAYS), 1);
    match (notice.ground, service) {
        (Ground::Ordinary, Service::AdditionalAlone) => fixed(notice, after_business_days()),
        (Ground::Ordinary, _) => fixed(notice, first_period_after(n, ORDINARY_DAYS)),
        (Ground::Corruption, Service::Media) => fixed(notice, after_business_days()),
        (Ground::Corruption, _) => fixed(notice, first_period_after(n, CORRUPTION_DAYS)),
        (Ground::ForceMajeure, _) => fixed(notice, n),
        (Ground::Breach, Service::Media) => not_before(notice, after_business_days()),
        (Ground::Breach, _) => not_before(notice, plus_days(n, BREACH_DAYS)),
        (Ground::Overdue, _) => not_before(notice, n),
        (Ground::Agreement, _) if !notice.agreed_by_both => Err(TerminationRefused::NotAgreed),
        (Ground::Agreement, _) if notice.requested.is_none() => Err(TerminationRefused::NoAgreedDay),
        (Ground::Agreement, _) => not_before(notice, n),
    }
}

/// The first day of the next period when it lies `days` days or more after N, else of the one after.
fn first_period_after(n: NaiveDate, days: i64) -> NaiveDate {
    let next = ReportingPeriod::of(n).next();
    if (next.first_day() - n).num_days() >= days {
        next.first_day()
    } else {
        next.next().first_day()
    }
}

fn fixed(notice: &Notice, effective_on: NaiveDate) -> Result<NaiveDate, TerminationRefused> {
    match notice.requested {
        Some(requested) if requested < effective_on => Err(TerminationRefused::TooEarly {
            requested,
            earliest: effective_on,
        }),
        Some(requested) if requested > effective_on => Err(TerminationRefused::FixedByRule {
            requested,
            effective_on,
        }),
        _ => Ok(effective_on),
    }
}

fn not_before(notice: &Notice, earliest: NaiveDate) -> Result<NaiveDate, TerminationRefused> {
    match notice.requested {
        Some(requested) if requested < earliest => Err(TerminationRefused::TooEarly { requested, earliest }),
        Some(requested) => Ok(requested),
        None => Ok(earliest),
    }
}

/// The first day on which force majeure that began on `first_day` has lasted longer than three months.
pub fn force_majeure_opens_on(first_day: NaiveDate) -> NaiveDate {
    let three_months = first_day.checked_add_months(Months::new(FORCE_MAJEURE_MONTHS));
    plus_days(three_months.unwrap_or(NaiveDate::MAX), 1)
}

/// Judges a notice: the new end of each line that it ends, at least one.
pub fn decide(
    notice: &Notice,
    lines: &[LineToEnd],
    calendar: &BusinessCalendar,
) -> Result<Vec<LineEnd>, TerminationRefused> {
    let alone = lines.iter().all(|line| line.kind == LineKind::Additional);
    let mut ends = Vec::new();
    let mut refused = TerminationRefused::NoLines;
    let going_on: Vec<&LineToEnd> = lines
        .iter()
        .filter(|line| line.term.last_day() >= notice.noticed_on || line.term_may_move)
        .collect();
    if let (true, Some(last_day)) = (
        going_on.is_empty(),
        lines.iter().map(|line| line.term.last_day()).max(),
    ) {
        return Err(TerminationRefused::AlreadyOver { last_day });
    }
    for line in &going_on {
        let service = match line.kind {
            LineKind::Media => Service::Media,
            LineKind::Additional if alone => Service::AdditionalAlone,
            LineKind::Period | LineKind::Additional => Service::Placement,
        };
        let effective_on = effective_day(notice, service, calendar)?;
        let last_day = line.term.last_day();
        if let Some(ended_on) = line.ended_on.filter(|ended_on| *ended_on <= effective_on) {
            refused = TerminationRefused::EndsAlready { ended_on };
            continue;
        }
        // E written to a line that ends by itself keeps a later move of its term inside the notice.
        let cuts_the_term = line.term_may_move || effective_on <= last_day;
        if !cuts_the_term && !matches!(refused, TerminationRefused::EndsAlready { .. }) {
            refused = TerminationRefused::EndsByItself {
                last_day,
                effective_on,
            };
        }
        ends.push(LineEnd {
            line: line.line,
            effective_on,
            cuts_the_term,
        });
    }
    if !ends.iter().any(|end| end.cuts_the_term) {
        return Err(refused);
    }
    ground_holds(notice, &going_on)?;
    Ok(ends)
}

/// Whether the facts bear the ground: for a whole contract one line is enough, chosen lines must each be concerned.
fn ground_holds(notice: &Notice, lines: &[&LineToEnd]) -> Result<(), TerminationRefused> {
    let holds = |concerned: &dyn Fn(&LineToEnd) -> bool| match notice.scope {
        Scope::Contract => lines.iter().any(|line| concerned(line)),
        Scope::Lines | Scope::AdditionalServices => lines.iter().all(|line| concerned(line)),
    };
    match notice.ground {
        Ground::Overdue if !holds(&|line| line.in_delay) => Err(TerminationRefused::NothingInDelay),
        Ground::ForceMajeure => {
            if !holds(&|line| line.stands_still.is_some()) {
                return Err(TerminationRefused::NoForceMajeure);
            }
            let affected = lines
                .iter()
                .filter_map(|line| line.stands_still)
                .find(|(_, affected)| *affected != notice.by);
            if let Some((_, affected)) = affected.filter(|_| {
                !holds(&|line| {
                    line.stands_still
                        .is_some_and(|(_, affected)| affected == notice.by)
                })
            }) {
                return Err(TerminationRefused::NotTheAffectedParty { affected });
            }
            let is_long = |line: &LineToEnd| {
                line.stands_still.is_some_and(|(first_day, affected)| {
                    affected == notice.by && force_majeure_opens_on(first_day) <= notice.noticed_on
                })
            };
            if holds(&is_long) {
                return Ok(());
            }
            let first_days = lines
                .iter()
                .filter_map(|line| line.stands_still)
                .map(|(day, _)| day);
            let opens_on = match notice.scope {
                Scope::Contract => first_days.min(),
                Scope::Lines | Scope::AdditionalServices => first_days.max(),
            };
            Err(TerminationRefused::ForceMajeureTooShort {
                opens_on: opens_on.map_or(notice.noticed_on, force_majeure_opens_on),
            })
        }
        _ => Ok(()),
    }
}

/// Where a line stands, for people and reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LineState {
    /// Its order blank isn't a contract yet, or was given up.
    NotSigned,
    /// Signed; its first day is still to come.
    Signed,
    /// In its term.
    InService,
    /// Its last day is over.
    Completed,
    /// Ended before its time.
    Terminated,
}

impl LineState {
    /// The form of the API.
    pub fn code(self) -> &'static str {
        match self {
            LineState::NotSigned => "not_signed",
            LineState::Signed => "signed",
            LineState::InService => "in_service",
            LineState::Completed => "completed",
            LineState::Terminated => "terminated",
        }
    }

    /// The state on a day.
    pub fn of(blank: BlankState, term: Term, ended_on: Option<NaiveDate>, today: NaiveDate) -> LineState {
        match blank {
            BlankState::Draft | BlankState::Offered | BlankState::Cancelled => LineState::NotSigned,
            _ if ended_on.is_some_and(|ended_on| ended_on <= today.min(term.last_day())) => {
                LineState::Terminated
            }
            _ if term.last_day() < today => LineState::Completed,
            _ if today < term.first_day() => LineState::Signed,
            _ => LineState::InService,
        }
    }
}

#[cfg(test)]
mod tests;
