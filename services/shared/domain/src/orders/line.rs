//! A new line of an order blank: what each kind must have before it can be offered (orders.md §3).
//!
//! - Media: a term, a budget that pays for at least one impression in each of its scopes, placements of one format.
//! - Period: whole reporting periods, placements of one format.
//! - Additional: a term or one day, a quantity.
//!
//! **Choice:** all placements of a line take the same kind and size of material, so that any approved material of the
//! line may be shown in any of them.
//!
//! Not here: whether the due date can still be kept (`billing::invoice` refuses that at signing), whether traffic is
//! enough (a forecast).

use crate::calendar::{ReportingPeriod, days_inclusive};
use crate::ids::PlacementId;
use crate::money::{Money, MoneyError, UnitPrice};
use crate::orders::order_blank::{Budget, LineKind, Term};
use crate::orders::placement::{PlacementFormat, RegionCode};
use crate::orders::price_list::ItemKind;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::collections::BTreeSet;

/// The longest term, days.
pub const TERM_DAYS_MAX: u32 = 1_827;
/// The most placements of a line.
pub const PLACEMENTS_MAX: usize = 64;
/// The most regions of a line.
pub const REGIONS_MAX: usize = 256;
/// The most lines of a blank.
pub const LINES_MAX: usize = 100;
/// The largest quantity of an additional service.
pub const QUANTITY_MAX: u32 = 1_000_000;

/// What a line orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Service {
    /// Impressions.
    Media {
        /// Term in days.
        term: Term,
        /// Budget, net.
        budget: Budget,
    },
    /// Months of placement.
    Period {
        /// First month.
        first: ReportingPeriod,
        /// Last month.
        last: ReportingPeriod,
    },
    /// An additional service over a term, charged per month.
    AdditionalTerm {
        /// Term in days.
        term: Term,
        /// How many units.
        quantity: Decimal,
    },
    /// An additional service rendered and charged once.
    AdditionalOnce {
        /// The day.
        day: NaiveDate,
        /// How many units.
        quantity: Decimal,
    },
}

impl Service {
    /// The kind of line.
    pub fn kind(&self) -> LineKind {
        match self {
            Service::Media { .. } => LineKind::Media,
            Service::Period { .. } => LineKind::Period,
            Service::AdditionalTerm { .. } | Service::AdditionalOnce { .. } => LineKind::Additional,
        }
    }

    /// The term in days. `None` when a period line's last month lies before its first.
    pub fn term(&self) -> Option<Term> {
        match self {
            Service::Media { term, .. } | Service::AdditionalTerm { term, .. } => Some(*term),
            Service::Period { first, last } => Term::new(first.first_day(), last.last_day()),
            Service::AdditionalOnce { day, .. } => Term::new(*day, *day),
        }
    }

    /// The budget of a media line.
    pub fn budget(&self) -> Option<Budget> {
        match self {
            Service::Media { budget, .. } => Some(*budget),
            _ => None,
        }
    }

    /// The quantity of an additional service.
    pub fn quantity(&self) -> Option<Decimal> {
        match self {
            Service::AdditionalTerm { quantity, .. } | Service::AdditionalOnce { quantity, .. } => {
                Some(*quantity)
            }
            _ => None,
        }
    }

    /// Whether it is charged once.
    pub fn is_one_off(&self) -> bool {
        matches!(self, Service::AdditionalOnce { .. })
    }
}

/// A line as ordered, with what the book knows of its item and placements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLine {
    /// What is ordered.
    pub service: Service,
    /// Kind of the price-list item.
    pub item_kind: ItemKind,
    /// Price of the item in force.
    pub unit_price: UnitPrice,
    /// Placements with their formats; none for an additional service.
    pub placements: Vec<(PlacementId, PlacementFormat)>,
    /// Regions; empty: everywhere.
    pub regions: Vec<RegionCode>,
}

/// Why a line can't be ordered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineRefused {
    /// The last day lies before the first.
    #[error("the term ends ({last}) before it begins ({first})")]
    EmptyTerm {
        /// First day.
        first: NaiveDate,
        /// Last day.
        last: NaiveDate,
    },
    /// A term longer than any contract.
    #[error("the term has {days} days; at most {TERM_DAYS_MAX} are taken")]
    TermTooLong {
        /// Days asked for.
        days: u32,
    },
    /// Nothing of the term is left.
    #[error("the term is over: its last day {last} lies before {today}")]
    TermOver {
        /// Last day asked for.
        last: NaiveDate,
        /// The day on which the blank is made out.
        today: NaiveDate,
    },
    /// An item of another kind.
    #[error("a {line} line can't buy a price list item of the kind {item}")]
    ItemOfAnotherKind {
        /// The line's kind.
        line: &'static str,
        /// The item's kind.
        item: &'static str,
    },
    /// No budget.
    #[error("the budget must be more than nothing; {given} was given")]
    NoBudget {
        /// The sum given.
        given: Money,
    },
    /// A budget that buys nothing.
    #[error("the budget {given} does not pay for one impression; it costs {least}")]
    BudgetBelowOneImpression {
        /// The sum given.
        given: Money,
        /// The least budget, rounded up to a tiyin.
        least: Money,
    },
    /// A line that is shown nowhere.
    #[error("a {line} line needs at least one placement")]
    NoPlacements {
        /// The line's kind.
        line: &'static str,
    },
    /// An additional service is shown nowhere.
    #[error("an additional service has no placements and no regions")]
    PlacementsOfAService,
    /// More placements or regions than a line may have.
    #[error("{field}: {given} were given; at most {limit} are taken")]
    TooMany {
        /// `placements` or `regions`.
        field: &'static str,
        /// How many were given.
        given: usize,
        /// How many are taken.
        limit: usize,
    },
    /// One placement or region twice.
    #[error("{field}: {given} is there twice")]
    Duplicate {
        /// `placements` or `regions`.
        field: &'static str,
        /// Which one.
        given: String,
    },
    /// Placements that take different materials.
    #[error("the placements of a line take one kind and size of material; {first} and {other} were given")]
    MixedFormats {
        /// Format of the first placement.
        first: String,
        /// Format of the one that differs.
        other: String,
    },
    /// No quantity, or more than makes sense.
    #[error(
        "the quantity is {given}; more than 0 and at most {QUANTITY_MAX}, with at most six decimal places, is taken"
    )]
    Quantity {
        /// What was given.
        given: Decimal,
    },
    /// The sums don't fit.
    #[error("the sum is too large")]
    TooLarge,
}

impl From<MoneyError> for LineRefused {
    fn from(_: MoneyError) -> LineRefused {
        LineRefused::TooLarge
    }
}

impl LineRefused {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            LineRefused::EmptyTerm { .. } => "empty_term",
            LineRefused::TermTooLong { .. } => "term_too_long",
            LineRefused::TermOver { .. } => "term_is_over",
            LineRefused::ItemOfAnotherKind { .. } => "item_of_another_kind",
            LineRefused::NoBudget { .. } => "budget_not_positive",
            LineRefused::BudgetBelowOneImpression { .. } => "budget_below_one_impression",
            LineRefused::NoPlacements { .. } => "no_placements",
            LineRefused::PlacementsOfAService => "placements_of_a_service",
            LineRefused::TooMany { .. } => "too_many",
            LineRefused::Duplicate { .. } => "duplicate",
            LineRefused::MixedFormats { .. } => "mixed_placement_formats",
            LineRefused::Quantity { .. } => "quantity_out_of_range",
            LineRefused::TooLarge => "sum_too_large",
        }
    }

    /// The field that is refused.
    pub fn field(&self) -> &'static str {
        match self {
            LineRefused::EmptyTerm { .. }
            | LineRefused::TermTooLong { .. }
            | LineRefused::TermOver { .. } => "last_day",
            LineRefused::ItemOfAnotherKind { .. } => "item",
            LineRefused::NoBudget { .. }
            | LineRefused::BudgetBelowOneImpression { .. }
            | LineRefused::TooLarge => "budget",
            LineRefused::NoPlacements { .. }
            | LineRefused::PlacementsOfAService
            | LineRefused::MixedFormats { .. } => "placements",
            LineRefused::TooMany { field, .. } | LineRefused::Duplicate { field, .. } => field,
            LineRefused::Quantity { .. } => "quantity",
        }
    }

    /// The limit that was passed, in words.
    pub fn limit(&self) -> Option<String> {
        match self {
            LineRefused::TermTooLong { .. } => Some(format!("{TERM_DAYS_MAX} days")),
            LineRefused::BudgetBelowOneImpression { least, .. } => Some(least.to_string()),
            LineRefused::TooMany { limit, .. } => Some(limit.to_string()),
            LineRefused::Quantity { .. } => Some(QUANTITY_MAX.to_string()),
            _ => None,
        }
    }
}

/// A checked line: its term is known to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked {
    /// Term in days.
    pub term: Term,
}

impl NewLine {
    /// Checks the line on the day on which the blank is made out.
    pub fn check(&self, today: NaiveDate) -> Result<Checked, LineRefused> {
        if self.item_kind.line_kind() != self.service.kind() {
            return Err(LineRefused::ItemOfAnotherKind {
                line: self.service.kind().code(),
                item: self.item_kind.code(),
            });
        }
        let term = self.check_term(today)?;
        match &self.service {
            Service::Media { budget, .. } => check_budget(*budget, self.unit_price)?,
            Service::Period { .. } => {}
            Service::AdditionalTerm { quantity, .. } | Service::AdditionalOnce { quantity, .. } => {
                check_quantity(*quantity)?;
            }
        }
        self.check_places()?;
        Ok(Checked { term })
    }

    fn check_term(&self, today: NaiveDate) -> Result<Term, LineRefused> {
        let term = match &self.service {
            Service::Period { first, last } => self.service.term().ok_or(LineRefused::EmptyTerm {
                first: first.first_day(),
                last: last.last_day(),
            })?,
            Service::Media { term, .. } | Service::AdditionalTerm { term, .. } => *term,
            Service::AdditionalOnce { day, .. } => Term::new(*day, *day).ok_or(LineRefused::EmptyTerm {
                first: *day,
                last: *day,
            })?,
        };
        let days = days_inclusive(term.first_day(), term.last_day());
        if days > TERM_DAYS_MAX {
            return Err(LineRefused::TermTooLong { days });
        }
        if term.last_day() < today {
            return Err(LineRefused::TermOver {
                last: term.last_day(),
                today,
            });
        }
        Ok(term)
    }

    fn check_places(&self) -> Result<(), LineRefused> {
        if self.service.kind() == LineKind::Additional {
            let nowhere = self.placements.is_empty() && self.regions.is_empty();
            return if nowhere {
                Ok(())
            } else {
                Err(LineRefused::PlacementsOfAService)
            };
        }
        let Some((_, first)) = self.placements.first() else {
            return Err(LineRefused::NoPlacements {
                line: self.service.kind().code(),
            });
        };
        check_list(
            "placements",
            self.placements.iter().map(|(id, _)| id.to_string()),
            PLACEMENTS_MAX,
        )?;
        check_list(
            "regions",
            self.regions.iter().map(RegionCode::to_string),
            REGIONS_MAX,
        )?;
        let shape = |format: &PlacementFormat| (format.kind, format.width, format.height);
        match self
            .placements
            .iter()
            .find(|(_, format)| shape(format) != shape(first))
        {
            None => Ok(()),
            Some((_, other)) => Err(LineRefused::MixedFormats {
                first: shape_text(first),
                other: shape_text(other),
            }),
        }
    }
}

fn shape_text(format: &PlacementFormat) -> String {
    format!("{} {}x{}", format.kind.code(), format.width, format.height)
}

fn check_list(
    field: &'static str,
    given: impl ExactSizeIterator<Item = String>,
    limit: usize,
) -> Result<(), LineRefused> {
    if given.len() > limit {
        return Err(LineRefused::TooMany {
            field,
            given: given.len(),
            limit,
        });
    }
    let mut seen = BTreeSet::new();
    for item in given {
        if seen.contains(&item) {
            return Err(LineRefused::Duplicate { field, given: item });
        }
        seen.insert(item);
    }
    Ok(())
}

/// A budget buys at least one impression; a monthly one does so in each month, because it is one sum per month.
fn check_budget(budget: Budget, price: UnitPrice) -> Result<(), LineRefused> {
    if !budget.amount.is_positive() {
        return Err(LineRefused::NoBudget { given: budget.amount });
    }
    if price.impressions_for(budget.amount.exact())? == 0 {
        let one = price.of_impressions(1)?;
        let rounded = one.round_half_up()?;
        let least = if rounded.exact() < one {
            rounded.checked_add(Money::from_tiyin(1)?)?
        } else {
            rounded
        };
        return Err(LineRefused::BudgetBelowOneImpression {
            given: budget.amount,
            least,
        });
    }
    Ok(())
}

fn check_quantity(quantity: Decimal) -> Result<(), LineRefused> {
    let fits = quantity > Decimal::ZERO
        && quantity <= Decimal::from(QUANTITY_MAX)
        && quantity.normalize().scale() <= 6;
    if fits {
        Ok(())
    } else {
        Err(LineRefused::Quantity { given: quantity })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::order_blank::BudgetMode;
    use crate::orders::placement::PlacementKind;
    use uuid::Uuid;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn placement(number: u128, width: u32) -> (PlacementId, PlacementFormat) {
        let format = PlacementFormat {
            kind: PlacementKind::Banner,
            width,
            height: 400,
            bytes_max: 307_200,
            text_max: 0,
        };
        (PlacementId::from_uuid(Uuid::from_u128(number)), format)
    }

    fn media(budget: &str) -> NewLine {
        NewLine {
            service: Service::Media {
                term: Term::new(day("2026-12-01"), day("2026-12-31")).unwrap(),
                budget: Budget {
                    mode: BudgetMode::Total,
                    amount: Money::parse(budget).unwrap(),
                },
            },
            item_kind: ItemKind::Impressions,
            unit_price: UnitPrice::parse("12000.00").unwrap(),
            placements: vec![placement(1, 240)],
            regions: vec![RegionCode::parse("UZ-TK").unwrap()],
        }
    }

    fn period(first: &str, last: &str) -> NewLine {
        NewLine {
            service: Service::Period {
                first: ReportingPeriod::parse(first).unwrap(),
                last: ReportingPeriod::parse(last).unwrap(),
            },
            item_kind: ItemKind::Period,
            ..media("1.00")
        }
    }

    fn once(quantity: &str) -> NewLine {
        NewLine {
            service: Service::AdditionalOnce {
                day: day("2026-12-05"),
                quantity: quantity.parse().unwrap(),
            },
            item_kind: ItemKind::Additional,
            placements: Vec::new(),
            regions: Vec::new(),
            ..media("1.00")
        }
    }

    fn refusal(line: &NewLine) -> (&'static str, &'static str) {
        match line.check(day("2026-11-21")) {
            Ok(_) => ("", ""),
            Err(refused) => (refused.field(), refused.code()),
        }
    }

    #[test]
    fn good_lines_keep_their_term() {
        assert_eq!(
            media("300000.00")
                .check(day("2026-11-21"))
                .unwrap()
                .term
                .last_day(),
            day("2026-12-31")
        );
        let term = period("2026-12", "2027-02")
            .check(day("2026-11-21"))
            .unwrap()
            .term;
        assert_eq!(
            (term.first_day(), term.last_day()),
            (day("2026-12-01"), day("2027-02-28"))
        );
        assert_eq!(refusal(&once("2.5")), ("", ""));
    }

    #[test]
    fn a_budget_must_pay_for_one_impression() {
        assert_eq!(refusal(&media("12.00")), ("", ""));
        assert_eq!(
            refusal(&media("11.99")),
            ("budget", "budget_below_one_impression")
        );
        assert_eq!(refusal(&media("0.00")), ("budget", "budget_not_positive"));
        assert_eq!(refusal(&media("-5.00")), ("budget", "budget_not_positive"));
        let odd = NewLine {
            unit_price: UnitPrice::parse("12345.678901").unwrap(),
            ..media("12.34")
        };
        assert_eq!(
            odd.check(day("2026-11-21")).unwrap_err().limit().as_deref(),
            Some("12.35")
        );
    }

    #[test]
    fn an_item_of_another_kind_is_refused() {
        let line = NewLine {
            item_kind: ItemKind::Period,
            ..media("300000.00")
        };
        assert_eq!(refusal(&line), ("item", "item_of_another_kind"));
        assert_eq!(
            refusal(&NewLine {
                item_kind: ItemKind::Impressions,
                ..once("1")
            }),
            ("item", "item_of_another_kind")
        );
    }

    #[test]
    fn a_term_that_is_empty_over_or_endless_is_refused() {
        assert_eq!(refusal(&period("2027-02", "2027-01")), ("last_day", "empty_term"));
        assert_eq!(
            refusal(&period("2026-09", "2026-10")),
            ("last_day", "term_is_over")
        );
        assert_eq!(refusal(&period("2026-11", "2026-11")), ("", ""));
        assert_eq!(
            refusal(&period("2027-01", "2032-01")),
            ("last_day", "term_too_long")
        );
    }

    #[test]
    fn placements_must_be_there_once_and_of_one_format() {
        assert_eq!(
            refusal(&NewLine {
                placements: vec![],
                ..media("300000.00")
            }),
            ("placements", "no_placements")
        );
        assert_eq!(
            refusal(&NewLine {
                placements: vec![],
                ..period("2026-12", "2026-12")
            }),
            ("placements", "no_placements")
        );
        let twice = NewLine {
            placements: vec![placement(1, 240), placement(1, 240)],
            ..media("300000.00")
        };
        assert_eq!(refusal(&twice), ("placements", "duplicate"));
        let mixed = NewLine {
            placements: vec![placement(1, 240), placement(2, 300)],
            ..media("300000.00")
        };
        assert_eq!(refusal(&mixed), ("placements", "mixed_placement_formats"));
        let many = NewLine {
            placements: (0..65).map(|n| placement(n, 240)).collect(),
            ..media("300000.00")
        };
        assert_eq!(refusal(&many), ("placements", "too_many"));
        let regions = vec![RegionCode::parse("UZ").unwrap(); 2];
        assert_eq!(
            refusal(&NewLine {
                regions,
                ..media("300000.00")
            }),
            ("regions", "duplicate")
        );
    }

    #[test]
    fn an_additional_service_has_a_quantity_and_no_place() {
        for quantity in ["0", "-1", "1000001", "0.0000001"] {
            assert_eq!(
                refusal(&once(quantity)),
                ("quantity", "quantity_out_of_range"),
                "{quantity}"
            );
        }
        assert_eq!(
            refusal(&NewLine {
                placements: vec![placement(1, 240)],
                ..once("1")
            }),
            ("placements", "placements_of_a_service")
        );
    }
}
