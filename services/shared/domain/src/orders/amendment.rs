//! Amendments: how a signed line changes by the agreement of both parties [003 §5.2, §10.1.1] (orders.md §6).
//!
//! ```text
//! draft → offered → signed
//!   └───────┴→ cancelled
//! ```
//!
//! An amendment changes price, term, budget, quantity, places or targeting of chosen lines; what it leaves out stays.
//!
//! **Choice: a price changes only before the line's first service** (media: before its first counted impression; others:
//! before the first day). Counted impressions are valued, capped and charged as `price × count` over the line's life, so a
//! second price would re-price what was shown. A line that runs gets another price by ending it earlier and ordering the
//! rest on a new blank.
//!
//! **Choice: term and budget are cut only while no extra period is set**: its bounds were checked against them.
//!
//! Not here: invoices and reductions of the difference (`billing::invoice`), the text that is signed (`orders::terms`).

use crate::calendar::ReportingPeriod;
use crate::ids::{AdMaterialId, LineId, PlacementId};
use crate::money::{Exact, Money, UnitPrice};
use crate::orders::line::{LineRefused, NewLine, Service};
use crate::orders::order_blank::{Budget, LineKind, Term};
use crate::orders::placement::{PlacementFormat, RegionCode};
use crate::orders::price_list::ItemKind;
use crate::orders::targeting::Targeting;
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// The most lines that one amendment changes.
pub const LINES_MAX: usize = 100;

/// Where an amendment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AmendmentState {
    /// Being made out by the operator.
    Draft,
    /// Offered to the customer.
    Offered,
    /// Agreed by both: in force.
    Signed,
    /// Given up or declined.
    Cancelled,
}

/// A move that the state doesn't allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an amendment that is {} can't become {}", .from.code(), .to.code())]
pub struct AmendmentMoveRefused {
    /// The state it is in.
    pub from: AmendmentState,
    /// The state asked for.
    pub to: AmendmentState,
}

impl AmendmentMoveRefused {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self.from {
            AmendmentState::Signed => "amendment_already_signed",
            AmendmentState::Cancelled => "amendment_cancelled",
            AmendmentState::Draft => "amendment_not_offered",
            AmendmentState::Offered => "amendment_not_draft",
        }
    }
}

impl AmendmentState {
    /// All states.
    pub const ALL: [AmendmentState; 4] = [
        AmendmentState::Draft,
        AmendmentState::Offered,
        AmendmentState::Signed,
        AmendmentState::Cancelled,
    ];

    /// The form of the API and the database.
    pub fn code(self) -> &'static str {
        match self {
            AmendmentState::Draft => "draft",
            AmendmentState::Offered => "offered",
            AmendmentState::Signed => "signed",
            AmendmentState::Cancelled => "cancelled",
        }
    }

    /// Parses [`AmendmentState::code`].
    pub fn parse(code: &str) -> Option<AmendmentState> {
        AmendmentState::ALL.into_iter().find(|state| state.code() == code)
    }

    fn step(
        self,
        from: &[AmendmentState],
        to: AmendmentState,
    ) -> Result<AmendmentState, AmendmentMoveRefused> {
        if from.contains(&self) {
            Ok(to)
        } else {
            Err(AmendmentMoveRefused { from: self, to })
        }
    }

    /// The operator offers it.
    pub fn offer(self) -> Result<AmendmentState, AmendmentMoveRefused> {
        self.step(&[AmendmentState::Draft], AmendmentState::Offered)
    }

    /// Both agree.
    pub fn sign(self) -> Result<AmendmentState, AmendmentMoveRefused> {
        self.step(&[AmendmentState::Offered], AmendmentState::Signed)
    }

    /// It is given up or declined.
    pub fn cancel(self) -> Result<AmendmentState, AmendmentMoveRefused> {
        self.step(
            &[AmendmentState::Draft, AmendmentState::Offered],
            AmendmentState::Cancelled,
        )
    }
}

/// What an amendment changes of a line; `None`: stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineAmendment {
    /// Which line.
    pub line: LineId,
    /// Price, before the first service only.
    pub unit_price: Option<UnitPrice>,
    /// First day, before the line begins only.
    pub first_day: Option<NaiveDate>,
    /// Last day.
    pub last_day: Option<NaiveDate>,
    /// Budget of a media line, net, in its mode.
    pub budget: Option<Money>,
    /// Quantity of an additional service.
    pub quantity: Option<Decimal>,
    /// Where it is shown, whole list.
    pub placements: Option<Vec<PlacementId>>,
    /// To whom, whole list; empty: everywhere.
    pub regions: Option<Vec<RegionCode>>,
    /// To whom and when, as a whole.
    pub targeting: Option<Targeting>,
    /// A material with a second advertised subject that this revised price releases (orders.md §4).
    pub material: Option<AdMaterialId>,
}

impl LineAmendment {
    /// One that changes nothing yet.
    pub fn of(line: LineId) -> LineAmendment {
        LineAmendment {
            line,
            unit_price: None,
            first_day: None,
            last_day: None,
            budget: None,
            quantity: None,
            placements: None,
            regions: None,
            targeting: None,
            material: None,
        }
    }
}

/// A line as it stands, with what the rules ask about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineToAmend {
    /// Kind.
    pub kind: LineKind,
    /// Whether an additional service is charged once.
    pub one_off: bool,
    /// Price in force.
    pub unit_price: UnitPrice,
    /// Term in force.
    pub term: Term,
    /// First day without service, when an end is set already.
    pub ended_on: Option<NaiveDate>,
    /// Budget in force.
    pub budget: Option<Budget>,
    /// Quantity in force.
    pub quantity: Option<Decimal>,
    /// Placements in force.
    pub placements: Vec<(PlacementId, PlacementFormat)>,
    /// Regions in force.
    pub regions: Vec<RegionCode>,
    /// Targeting in force.
    pub targeting: Targeting,
    /// Impressions counted over its life.
    pub counted: u64,
    /// What is spent in the budget's scope: of the whole term, or of the month in which most was spent.
    pub spent: Exact,
    /// Whether an extra period is active or scheduled.
    pub extra_period_open: bool,
}

/// The line as the amendment leaves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmendedLine {
    /// Price.
    pub unit_price: UnitPrice,
    /// Term.
    pub term: Term,
    /// Budget.
    pub budget: Option<Budget>,
    /// Quantity.
    pub quantity: Option<Decimal>,
    /// Placements.
    pub placements: Vec<PlacementId>,
    /// Regions.
    pub regions: Vec<RegionCode>,
    /// Targeting.
    pub targeting: Targeting,
}

/// Why a line can't be amended so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmendRefused {
    /// The same as it is.
    #[error("the amendment changes nothing of the line")]
    Nothing,
    /// The line has ended, or its end is set.
    #[error("the line ended on {ended_on}: an ended line is not amended")]
    LineEnded {
        /// First day without service.
        ended_on: NaiveDate,
    },
    /// A field of another kind of line.
    #[error("{field} is not a field of a {kind} line")]
    AnotherKind {
        /// The field.
        field: &'static str,
        /// The line's kind.
        kind: &'static str,
    },
    /// A price after the first impression.
    #[error("{counted} impressions were shown at the agreed price: it is not changed any more")]
    PriceAfterImpressions {
        /// How many.
        counted: u64,
    },
    /// A price after the first day.
    #[error("the service began on {first_day}: its price is not changed any more")]
    PriceAfterBegin {
        /// First day of the line.
        first_day: NaiveDate,
    },
    /// The first day of a line that has begun.
    #[error("the line began on {first_day}: its first day is not moved any more")]
    HasBegun {
        /// First day in force.
        first_day: NaiveDate,
    },
    /// A term that lies in the past, in part.
    #[error("{field} {given} lies before {today}")]
    TermPast {
        /// `first_day` or `last_day`.
        field: &'static str,
        /// The day given.
        given: NaiveDate,
        /// Today.
        today: NaiveDate,
    },
    /// A period line is served by whole months.
    #[error("{field} {given} is not the {due} day of a month: a period line has whole months")]
    NotAWholeMonth {
        /// `first_day` or `last_day`.
        field: &'static str,
        /// The day given.
        given: NaiveDate,
        /// "first" or "last".
        due: &'static str,
    },
    /// Less than what is spent [003 §5.2].
    #[error("the budget {given} is below the {} that is spent", .spent.decimal().normalize())]
    BelowSpent {
        /// The budget given.
        given: Money,
        /// What is spent.
        spent: Exact,
    },
    /// An extra period is set.
    #[error("an extra period is set: switch it off before term or budget are cut")]
    ExtraPeriodOpen,
    /// A second subject is paid for.
    #[error("a second advertised subject needs a revised price")]
    PriceNotRevised,
    /// Placements that take other materials than those in force.
    #[error("the new placements take another kind or size of material than the line's materials have")]
    AnotherFormat,
    /// A rule of lines.
    #[error(transparent)]
    Line(#[from] LineRefused),
}

impl AmendRefused {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            AmendRefused::Nothing => "amendment_changes_nothing",
            AmendRefused::LineEnded { .. } => "line_has_ended",
            AmendRefused::AnotherKind { .. } => "field_of_another_kind",
            AmendRefused::PriceAfterImpressions { .. } => "price_after_first_impression",
            AmendRefused::PriceAfterBegin { .. } => "price_after_begin",
            AmendRefused::HasBegun { .. } => "line_has_begun",
            AmendRefused::TermPast { .. } => "term_in_the_past",
            AmendRefused::NotAWholeMonth { .. } => "not_a_whole_month",
            AmendRefused::BelowSpent { .. } => "budget_below_spent",
            AmendRefused::ExtraPeriodOpen => "extra_period_is_set",
            AmendRefused::PriceNotRevised => "second_subject_needs_a_price",
            AmendRefused::AnotherFormat => "another_placement_format",
            AmendRefused::Line(refused) => refused.code(),
        }
    }

    /// The field that is refused.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            AmendRefused::Nothing | AmendRefused::LineEnded { .. } | AmendRefused::ExtraPeriodOpen => None,
            AmendRefused::AnotherKind { field, .. }
            | AmendRefused::TermPast { field, .. }
            | AmendRefused::NotAWholeMonth { field, .. } => Some(field),
            AmendRefused::PriceNotRevised
            | AmendRefused::PriceAfterImpressions { .. }
            | AmendRefused::PriceAfterBegin { .. } => Some("unit_price"),
            AmendRefused::HasBegun { .. } => Some("first_day"),
            AmendRefused::BelowSpent { .. } => Some("budget"),
            AmendRefused::AnotherFormat => Some("placements"),
            AmendRefused::Line(refused) => Some(refused.field()),
        }
    }

    /// The limit that was passed, in words.
    pub fn limit(&self) -> Option<String> {
        match self {
            AmendRefused::BelowSpent { spent, .. } => Some(spent.decimal().normalize().to_string()),
            AmendRefused::TermPast { today, .. } => Some(today.to_string()),
            AmendRefused::Line(refused) => refused.limit(),
            _ => None,
        }
    }
}

/// Judges the amendment of one line. `placements` are the formats of the new placements, when they are changed.
pub fn amend(
    line: &LineToAmend,
    change: &LineAmendment,
    placements: Option<Vec<(PlacementId, PlacementFormat)>>,
    today: NaiveDate,
) -> Result<AmendedLine, AmendRefused> {
    if let Some(ended_on) = line.ended_on {
        return Err(AmendRefused::LineEnded { ended_on });
    }
    if let Some(ended_on) = line.term.last_day().succ_opt().filter(|day| *day <= today) {
        return Err(AmendRefused::LineEnded { ended_on });
    }
    check_kinds(line, change)?;
    check_price(line, change, today)?;
    let term = new_term(line, change, today)?;
    let budget = match (line.budget, change.budget) {
        (Some(budget), Some(amount)) => Some(Budget { amount, ..budget }),
        (budget, _) => budget,
    };
    let cuts_budget = matches!((line.budget, budget), (Some(old), Some(new)) if new.amount < old.amount);
    if line.extra_period_open && (cuts_budget || term.last_day() < line.term.last_day()) {
        return Err(AmendRefused::ExtraPeriodOpen);
    }
    if let Some(new) = budget.filter(|_| cuts_budget)
        && new.amount.exact() < line.spent
    {
        return Err(AmendRefused::BelowSpent {
            given: new.amount,
            spent: line.spent,
        });
    }
    let unit_price = change.unit_price.unwrap_or(line.unit_price);
    let places = placements.unwrap_or_else(|| line.placements.clone());
    let regions = change.regions.clone().unwrap_or_else(|| line.regions.clone());
    let targeting = change.targeting.clone().unwrap_or_else(|| line.targeting.clone());
    let quantity = change.quantity.or(line.quantity);
    NewLine {
        service: service_of(line, term, budget, quantity),
        item_kind: item_kind(line.kind),
        unit_price,
        placements: places.clone(),
        regions: regions.clone(),
    }
    .check(today)?;
    let shape = |places: &[(PlacementId, PlacementFormat)]| {
        places
            .first()
            .map(|(_, format)| (format.kind, format.width, format.height))
    };
    if shape(&places) != shape(&line.placements) {
        return Err(AmendRefused::AnotherFormat);
    }
    let mut ids: Vec<PlacementId> = places.iter().map(|(id, _)| *id).collect();
    ids.sort_unstable();
    let mut regions = regions;
    regions.sort_by_key(RegionCode::to_string);
    let mut before: Vec<PlacementId> = line.placements.iter().map(|(id, _)| *id).collect();
    before.sort_unstable();
    let mut regions_before = line.regions.clone();
    regions_before.sort_by_key(RegionCode::to_string);
    let unchanged = (unit_price, term, budget, quantity)
        == (line.unit_price, line.term, line.budget, line.quantity)
        && ids == before
        && regions == regions_before
        && targeting == line.targeting;
    if change.material.is_some() && unit_price == line.unit_price {
        return Err(AmendRefused::PriceNotRevised);
    }
    if unchanged {
        return Err(AmendRefused::Nothing);
    }
    Ok(AmendedLine {
        unit_price,
        term,
        budget,
        quantity,
        placements: ids,
        regions,
        targeting,
    })
}

fn check_kinds(line: &LineToAmend, change: &LineAmendment) -> Result<(), AmendRefused> {
    let media = line.kind == LineKind::Media;
    let service = line.kind == LineKind::Additional;
    [
        ("budget", change.budget.is_some() && !media),
        ("targeting", change.targeting.is_some() && !media),
        ("material", change.material.is_some() && service),
        ("quantity", change.quantity.is_some() && !service),
        ("placements", change.placements.is_some() && service),
        ("regions", change.regions.is_some() && service),
    ]
    .into_iter()
    .find(|(_, wrong)| *wrong)
    .map_or(Ok(()), |(field, _)| {
        Err(AmendRefused::AnotherKind {
            field,
            kind: line.kind.code(),
        })
    })
}

fn check_price(line: &LineToAmend, change: &LineAmendment, today: NaiveDate) -> Result<(), AmendRefused> {
    // A quantity is a factor of the price: what was rendered at one isn't charged at another.
    let is_priced = change.unit_price.is_some_and(|price| price != line.unit_price)
        || change
            .quantity
            .is_some_and(|quantity| Some(quantity) != line.quantity);
    if !is_priced {
        return Ok(());
    }
    match line.kind {
        LineKind::Media if line.counted > 0 => Err(AmendRefused::PriceAfterImpressions {
            counted: line.counted,
        }),
        LineKind::Media => Ok(()),
        _ if line.term.first_day() <= today => Err(AmendRefused::PriceAfterBegin {
            first_day: line.term.first_day(),
        }),
        _ => Ok(()),
    }
}

fn new_term(line: &LineToAmend, change: &LineAmendment, today: NaiveDate) -> Result<Term, AmendRefused> {
    let (first, last) = (line.term.first_day(), line.term.last_day());
    let first_day = change.first_day.unwrap_or(first);
    let mut last_day = change.last_day.unwrap_or(last);
    if line.one_off {
        // One day: the first is the last.
        last_day = change.last_day.or(change.first_day).unwrap_or(last);
    }
    if first_day != first {
        if first <= today {
            return Err(AmendRefused::HasBegun { first_day: first });
        }
        if first_day < today {
            return Err(AmendRefused::TermPast {
                field: "first_day",
                given: first_day,
                today,
            });
        }
    }
    if last_day != last && last_day < today {
        return Err(AmendRefused::TermPast {
            field: "last_day",
            given: last_day,
            today,
        });
    }
    if line.kind == LineKind::Period {
        if first_day != ReportingPeriod::of(first_day).first_day() {
            return Err(AmendRefused::NotAWholeMonth {
                field: "first_day",
                given: first_day,
                due: "first",
            });
        }
        if last_day != last && last_day != ReportingPeriod::of(last_day).last_day() {
            return Err(AmendRefused::NotAWholeMonth {
                field: "last_day",
                given: last_day,
                due: "last",
            });
        }
    }
    if line.one_off && first_day != last_day {
        return Err(AmendRefused::AnotherKind {
            field: "last_day",
            kind: "one-off",
        });
    }
    Term::new(first_day, last_day).ok_or(AmendRefused::Line(LineRefused::EmptyTerm {
        first: first_day,
        last: last_day,
    }))
}

fn service_of(line: &LineToAmend, term: Term, budget: Option<Budget>, quantity: Option<Decimal>) -> Service {
    let quantity = quantity.unwrap_or(Decimal::ONE);
    match (line.kind, budget) {
        (LineKind::Media, Some(budget)) => Service::Media { term, budget },
        (LineKind::Additional, _) if line.one_off => Service::AdditionalOnce {
            day: term.first_day(),
            quantity,
        },
        (LineKind::Additional, _) => Service::AdditionalTerm { term, quantity },
        // An outage may have left the last month cut: the rules of whole months were judged on the change itself.
        _ => Service::Period {
            first: ReportingPeriod::of(term.first_day()),
            last: ReportingPeriod::of(term.last_day()),
        },
    }
}

fn item_kind(kind: LineKind) -> ItemKind {
    match kind {
        LineKind::Media => ItemKind::Impressions,
        LineKind::Period => ItemKind::Period,
        LineKind::Additional => ItemKind::Additional,
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

    fn money(text: &str) -> Money {
        Money::parse(text).unwrap()
    }

    fn place(n: u128, width: u32) -> (PlacementId, PlacementFormat) {
        let format = PlacementFormat {
            kind: PlacementKind::Banner,
            width,
            height: 400,
            bytes_max: 50_000,
            text_max: 0,
        };
        (PlacementId::from_uuid(Uuid::from_u128(n)), format)
    }

    /// November 2026, 300,000.00 at 12,000 per 1,000; 10,000 impressions counted for 120,000.00.
    fn media() -> LineToAmend {
        LineToAmend {
            kind: LineKind::Media,
            one_off: false,
            unit_price: UnitPrice::parse("12000.00").unwrap(),
            term: Term::new(day("2026-11-01"), day("2026-11-30")).unwrap(),
            ended_on: None,
            budget: Some(Budget {
                mode: BudgetMode::Total,
                amount: money("300000.00"),
            }),
            quantity: None,
            placements: vec![place(1, 240)],
            regions: vec![],
            targeting: Targeting::default(),
            counted: 10_000,
            spent: money("120000.00").exact(),
            extra_period_open: false,
        }
    }

    fn period() -> LineToAmend {
        LineToAmend {
            kind: LineKind::Period,
            term: Term::new(day("2026-12-01"), day("2027-02-28")).unwrap(),
            budget: None,
            counted: 0,
            spent: Exact::ZERO,
            ..media()
        }
    }

    fn service() -> LineToAmend {
        LineToAmend {
            kind: LineKind::Additional,
            quantity: Some(Decimal::TWO),
            placements: vec![],
            ..period()
        }
    }

    fn change(set: impl FnOnce(&mut LineAmendment)) -> LineAmendment {
        let mut change = LineAmendment::of(LineId::from_uuid(Uuid::nil()));
        set(&mut change);
        change
    }

    fn code(line: &LineToAmend, set: impl FnOnce(&mut LineAmendment)) -> &'static str {
        match amend(line, &change(set), None, day("2026-11-16")) {
            Ok(_) => "ok",
            Err(refused) => refused.code(),
        }
    }

    // orders.md §6: never decreased below what is spent; a decrease is an amendment.
    #[test]
    fn a_budget_is_lowered_to_what_is_spent_and_no_further() {
        for (budget, due) in [
            ("119999.99", "budget_below_spent"),
            ("120000.00", "ok"),
            ("299999.99", "ok"),
            ("300000.00", "amendment_changes_nothing"),
            ("300000.01", "ok"),
        ] {
            assert_eq!(
                code(&media(), |c| c.budget = Some(money(budget))),
                due,
                "{budget}"
            );
        }
        let set = LineToAmend {
            extra_period_open: true,
            ..media()
        };
        assert_eq!(
            code(&set, |c| c.budget = Some(money("200000.00"))),
            "extra_period_is_set"
        );
        assert_eq!(
            code(&set, |c| c.last_day = Some(day("2026-11-29"))),
            "extra_period_is_set"
        );
        assert_eq!(code(&set, |c| c.budget = Some(money("400000.00"))), "ok");
        assert_eq!(code(&set, |c| c.last_day = Some(day("2026-12-31"))), "ok");
    }

    // orders.md §6: prices of a signed line change only by an amendment [003 §5.2].
    #[test]
    fn a_price_changes_before_the_first_service_only() {
        let price = |c: &mut LineAmendment| c.unit_price = Some(UnitPrice::parse("15000.00").unwrap());
        assert_eq!(code(&media(), price), "price_after_first_impression");
        assert_eq!(
            code(
                &LineToAmend {
                    counted: 0,
                    spent: Exact::ZERO,
                    ..media()
                },
                price
            ),
            "ok"
        );
        assert_eq!(code(&period(), price), "ok");
        let begun = LineToAmend {
            term: Term::new(day("2026-11-01"), day("2026-12-31")).unwrap(),
            ..period()
        };
        assert_eq!(code(&begun, price), "price_after_begin");
        // orders.md §4: a second advertised subject waits for a re-priced amendment [003 §6.5].
        let material = AdMaterialId::from_uuid(Uuid::nil());
        assert_eq!(
            code(&period(), |c| c.material = Some(material)),
            "second_subject_needs_a_price"
        );
        assert_eq!(
            code(&period(), |c| {
                price(c);
                c.material = Some(material);
            }),
            "ok"
        );
        assert_eq!(code(&service(), |c| c.quantity = Some(Decimal::TEN)), "ok");
        let begun = LineToAmend {
            term: Term::new(day("2026-11-16"), day("2026-12-31")).unwrap(),
            ..service()
        };
        assert_eq!(
            code(&begun, |c| c.quantity = Some(Decimal::TEN)),
            "price_after_begin"
        );
        assert_eq!(
            code(&service(), |c| c.quantity = Some(Decimal::ZERO)),
            "quantity_out_of_range"
        );
    }

    #[test]
    fn a_term_is_not_moved_into_the_past_nor_begun_again() {
        let last = |text| move |c: &mut LineAmendment| c.last_day = Some(day(text));
        let first = |text| move |c: &mut LineAmendment| c.first_day = Some(day(text));
        assert_eq!(code(&media(), last("2026-11-15")), "term_in_the_past");
        assert_eq!(code(&media(), last("2026-11-16")), "ok");
        assert_eq!(code(&media(), last("2032-11-30")), "term_too_long");
        assert_eq!(code(&media(), first("2026-11-20")), "line_has_begun");
        assert_eq!(code(&period(), first("2026-11-01")), "term_in_the_past");
        assert_eq!(code(&period(), first("2027-01-15")), "not_a_whole_month");
        assert_eq!(code(&period(), last("2027-02-27")), "not_a_whole_month");
        assert_eq!(code(&period(), first("2027-03-01")), "empty_term");
        assert_eq!(code(&period(), last("2027-03-31")), "ok");
        assert_eq!(code(&period(), first("2027-01-01")), "ok");
    }

    #[test]
    fn an_ended_line_is_not_amended() {
        let ended = LineToAmend {
            ended_on: Some(day("2026-12-01")),
            ..media()
        };
        let more = |c: &mut LineAmendment| c.budget = Some(money("400000.00"));
        assert_eq!(code(&ended, more), "line_has_ended");
        let over = LineToAmend {
            term: Term::new(day("2026-10-01"), day("2026-11-15")).unwrap(),
            ..media()
        };
        assert_eq!(code(&over, more), "line_has_ended");
    }

    #[test]
    fn a_field_of_another_kind_of_line_is_refused_by_name() {
        let budget = |c: &mut LineAmendment| c.budget = Some(money("1.00"));
        let quantity = |c: &mut LineAmendment| c.quantity = Some(Decimal::ONE);
        let targeting = |c: &mut LineAmendment| c.targeting = Some(Targeting::default());
        let regions = |c: &mut LineAmendment| c.regions = Some(vec![]);
        assert_eq!(code(&period(), budget), "field_of_another_kind");
        assert_eq!(code(&media(), quantity), "field_of_another_kind");
        assert_eq!(code(&period(), targeting), "field_of_another_kind");
        assert_eq!(code(&service(), regions), "field_of_another_kind");
        assert_eq!(code(&media(), |_| ()), "amendment_changes_nothing");
    }

    #[test]
    fn new_placements_take_the_same_material() {
        let ask = |places: Vec<(PlacementId, PlacementFormat)>| {
            let change = change(|c| c.placements = Some(places.iter().map(|(id, _)| *id).collect()));
            amend(&media(), &change, Some(places), day("2026-11-16"))
                .map(|amended| amended.placements.len())
                .map_err(|refused| refused.code())
        };
        assert_eq!(ask(vec![place(1, 240), place(2, 240)]), Ok(2));
        assert_eq!(ask(vec![place(2, 240)]), Ok(1));
        assert_eq!(ask(vec![place(1, 240)]), Err("amendment_changes_nothing"));
        assert_eq!(ask(vec![place(2, 300)]), Err("another_placement_format"));
        assert_eq!(
            ask(vec![place(1, 240), place(2, 300)]),
            Err("mixed_placement_formats")
        );
        assert_eq!(ask(vec![]), Err("no_placements"));
    }

    #[test]
    fn only_an_offered_amendment_is_signed_and_a_signed_one_stays() {
        type Move = fn(AmendmentState) -> Result<AmendmentState, AmendmentMoveRefused>;
        use AmendmentState::*;
        let moves: [(&str, Move, &[AmendmentState], AmendmentState); 3] = [
            ("offer", AmendmentState::offer, &[Draft], Offered),
            ("sign", AmendmentState::sign, &[Offered], Signed),
            ("cancel", AmendmentState::cancel, &[Draft, Offered], Cancelled),
        ];
        for (name, step, from, to) in moves {
            for state in AmendmentState::ALL {
                assert_eq!(AmendmentState::parse(state.code()), Some(state));
                match step(state) {
                    Ok(next) => assert!(from.contains(&state) && next == to, "{name} {}", state.code()),
                    Err(refused) => {
                        assert!(!from.contains(&state), "{name} {}", state.code());
                        assert!(refused.code().starts_with("amendment_"));
                    }
                }
            }
        }
    }
}
