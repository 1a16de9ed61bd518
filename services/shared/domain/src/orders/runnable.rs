//! Whether a line may run on a day, and if not, everything that stands in the way (orders.md §5).
//!
//! A line is served on day D when all hold: the contract is signed; D lies in the term in force; no invoice that covers
//! it is overdue; at least one material is approved and live; the customer is neither suspended nor has withdrawn the
//! consent to the processing of personal data; the line is not paused, not terminated by D, and its budget not spent.
//!
//! Not here: placements, regions, pacing (`delivery::decision`): they decide a request, not a day.

use crate::orders::order_blank::{BlankState, LineKind, Term};
use chrono::NaiveDate;

/// What is known of a line on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineFacts {
    /// State of the order blank.
    pub blank_state: BlankState,
    /// Kind of line.
    pub kind: LineKind,
    /// The term in force.
    pub term: Term,
    /// Some invoice that covers the line was due before the day and is not fully paid.
    pub invoice_overdue: bool,
    /// Some material is approved and its first day has come.
    pub has_live_material: bool,
    /// The customer is suspended.
    pub customer_suspended: bool,
    /// The customer, a person, has withdrawn the consent [003 §4.2.1].
    pub consent_withdrawn: bool,
    /// The line is paused.
    pub paused: bool,
    /// First day without service, when it was ended early.
    pub ended_on: Option<NaiveDate>,
    /// The budget (of the month, when it is monthly) doesn't pay for one more impression.
    pub budget_exhausted: bool,
}

/// Why a line isn't served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NotRunning {
    /// No contract is in force: not signed yet, or over.
    NotSigned,
    /// The first day is still to come.
    TermNotBegun,
    /// The last day has passed.
    TermOver,
    /// An invoice that covers it is overdue.
    InvoiceUnpaid,
    /// Nothing approved to show.
    NoApprovedMaterial,
    /// The customer is suspended.
    CustomerSuspended,
    /// The customer has withdrawn the consent to the processing of personal data.
    ConsentWithdrawn,
    /// Paused by hand.
    Paused,
    /// Ended before its time.
    Terminated,
    /// The budget is spent.
    BudgetExhausted,
}

impl NotRunning {
    /// All reasons, in the order in which they are told.
    pub const ALL: [NotRunning; 10] = [
        NotRunning::NotSigned,
        NotRunning::TermNotBegun,
        NotRunning::TermOver,
        NotRunning::InvoiceUnpaid,
        NotRunning::NoApprovedMaterial,
        NotRunning::CustomerSuspended,
        NotRunning::ConsentWithdrawn,
        NotRunning::Paused,
        NotRunning::Terminated,
        NotRunning::BudgetExhausted,
    ];

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            NotRunning::NotSigned => "not_signed",
            NotRunning::TermNotBegun => "term_not_begun",
            NotRunning::TermOver => "term_over",
            NotRunning::InvoiceUnpaid => "invoice_unpaid",
            NotRunning::NoApprovedMaterial => "no_approved_material",
            NotRunning::CustomerSuspended => "customer_suspended",
            NotRunning::ConsentWithdrawn => "consent_withdrawn",
            NotRunning::Paused => "paused",
            NotRunning::Terminated => "terminated",
            NotRunning::BudgetExhausted => "budget_exhausted",
        }
    }

    fn holds(self, facts: &LineFacts, day: NaiveDate) -> bool {
        match self {
            NotRunning::NotSigned => !facts.blank_state.is_contract(),
            NotRunning::TermNotBegun => day < facts.term.first_day(),
            NotRunning::TermOver => day > facts.term.last_day(),
            NotRunning::InvoiceUnpaid => facts.invoice_overdue,
            NotRunning::NoApprovedMaterial => facts.kind != LineKind::Additional && !facts.has_live_material,
            NotRunning::CustomerSuspended => facts.customer_suspended,
            NotRunning::ConsentWithdrawn => facts.consent_withdrawn,
            NotRunning::Paused => facts.paused,
            NotRunning::Terminated => facts.ended_on.is_some_and(|ended_on| ended_on <= day),
            NotRunning::BudgetExhausted => facts.kind == LineKind::Media && facts.budget_exhausted,
        }
    }
}

/// Everything that keeps the line from being served on `day`; empty when it runs.
pub fn why_not_running(facts: &LineFacts, day: NaiveDate) -> Vec<NotRunning> {
    NotRunning::ALL
        .into_iter()
        .filter(|reason| reason.holds(facts, day))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn running() -> LineFacts {
        LineFacts {
            blank_state: BlankState::Signed,
            kind: LineKind::Media,
            term: Term::new(day("2026-11-01"), day("2026-11-30")).unwrap(),
            invoice_overdue: false,
            has_live_material: true,
            customer_suspended: false,
            consent_withdrawn: false,
            paused: false,
            ended_on: None,
            budget_exhausted: false,
        }
    }

    fn codes(facts: LineFacts, on: &str) -> Vec<&'static str> {
        why_not_running(&facts, day(on))
            .into_iter()
            .map(NotRunning::code)
            .collect()
    }

    #[test]
    fn a_line_runs_when_nothing_stands_in_the_way() {
        for on in ["2026-11-01", "2026-11-15", "2026-11-30"] {
            assert_eq!(codes(running(), on), [""; 0], "{on}");
        }
        assert_eq!(
            codes(
                LineFacts {
                    blank_state: BlankState::InService,
                    ..running()
                },
                "2026-11-15"
            ),
            [""; 0]
        );
    }

    #[test]
    fn each_condition_of_the_book_stops_it_alone() {
        let table: [(LineFacts, &str, &str); 10] = [
            (
                LineFacts {
                    blank_state: BlankState::Offered,
                    ..running()
                },
                "2026-11-15",
                "not_signed",
            ),
            (running(), "2026-10-31", "term_not_begun"),
            (running(), "2026-12-01", "term_over"),
            (
                LineFacts {
                    invoice_overdue: true,
                    ..running()
                },
                "2026-11-15",
                "invoice_unpaid",
            ),
            (
                LineFacts {
                    has_live_material: false,
                    ..running()
                },
                "2026-11-15",
                "no_approved_material",
            ),
            (
                LineFacts {
                    customer_suspended: true,
                    ..running()
                },
                "2026-11-15",
                "customer_suspended",
            ),
            (
                LineFacts {
                    consent_withdrawn: true,
                    ..running()
                },
                "2026-11-15",
                "consent_withdrawn",
            ),
            (
                LineFacts {
                    paused: true,
                    ..running()
                },
                "2026-11-15",
                "paused",
            ),
            (
                LineFacts {
                    ended_on: Some(day("2026-11-15")),
                    ..running()
                },
                "2026-11-15",
                "terminated",
            ),
            (
                LineFacts {
                    budget_exhausted: true,
                    ..running()
                },
                "2026-11-15",
                "budget_exhausted",
            ),
        ];
        for (facts, on, due) in table {
            assert_eq!(codes(facts, on), [due]);
        }
    }

    #[test]
    fn all_reasons_are_told_at_once() {
        let facts = LineFacts {
            blank_state: BlankState::Draft,
            invoice_overdue: true,
            has_live_material: false,
            paused: true,
            ..running()
        };
        assert_eq!(
            codes(facts, "2026-11-15"),
            ["not_signed", "invoice_unpaid", "no_approved_material", "paused"]
        );
    }

    #[test]
    fn an_ended_line_runs_on_the_day_before() {
        assert_eq!(
            codes(
                LineFacts {
                    ended_on: Some(day("2026-11-15")),
                    ..running()
                },
                "2026-11-14"
            ),
            [""; 0]
        );
    }

    #[test]
    fn a_service_needs_no_material_and_a_period_line_no_budget() {
        let service = LineFacts {
            kind: LineKind::Additional,
            has_live_material: false,
            ..running()
        };
        assert_eq!(codes(service, "2026-11-15"), [""; 0]);
        let period = LineFacts {
            kind: LineKind::Period,
            budget_exhausted: true,
            ..running()
        };
        assert_eq!(codes(period, "2026-11-15"), [""; 0]);
    }
}
