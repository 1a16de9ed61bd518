//! The primary document: everything that was rendered to one customer in one reporting period.
//!
//! Rule: billing.md §4–5; offer [003 §5.3–5.6].
//!
//! ```text
//! VAT of a line = net × rate of its blank, rounded half-up; gross = net + VAT
//! rendering, dated the period's last day:  Dr advance (as far as it goes), Dr receivable (the rest)
//!                                          Cr revenue (net), Cr vat_payable (VAT)
//! ```
//!
//! An empty month makes no document. A line of an operator that is no VAT payer has the rate 0 and shows no VAT.
//!
//! Invariants, each a property test of the same name:
//! - `the_lines_add_up_to_the_document_and_the_document_to_its_posting`
//! - `the_advance_is_used_before_a_debt_is_made`
//!
//! Not here: the number, the requisites and the form (`documents::content`), corrections.

use super::ledger::{Account, Entry, Posting, PostingHead, PostingReason, Unbalanced};
use super::rendered::{
    DaysServed, MediaCounts, ServiceBounds, additional_amount, media_amount, months_amount, one_off_amount,
    period_amount,
};
use crate::calendar::ReportingPeriod;
use crate::ids::{CustomerId, LineId};
use crate::money::{Money, MoneyError, Rate, UnitPrice};
use crate::orders::order_blank::Term;
use rust_decimal::Decimal;

/// What a line of a signed blank renders in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tariff {
    /// Media: counted impressions.
    Impressions(MediaCounts),
    /// A period line: a month of placement.
    Month,
    /// An additional service with a monthly tariff.
    MonthlyService {
        /// Pieces.
        quantity: Decimal,
    },
    /// A period line or monthly service that force majeure or an outage has moved (`orders::interruption`).
    MonthsUsed {
        /// Pieces; 1 for a period line.
        quantity: Decimal,
        /// Ordered months that are used up by the end of the period.
        to_end: Decimal,
        /// The same by the end of the period before.
        to_previous_end: Decimal,
    },
    /// An additional service that is paid once, in the period of its first day.
    OneOff {
        /// Pieces.
        quantity: Decimal,
    },
}

/// A line of a signed blank with the facts of the period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineToRender {
    /// The line.
    pub line: LineId,
    /// Days on which it may have been served.
    pub bounds: ServiceBounds,
    /// The price frozen in the blank.
    pub unit_price: UnitPrice,
    /// How it is charged.
    pub tariff: Tariff,
    /// VAT rate of its blank; [`Rate::ZERO`] when the operator was no VAT payer then.
    pub vat_rate: Rate,
}

/// In what a quantity is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Counted impressions.
    Impressions,
    /// Months, or a part of one.
    Month,
    /// Pieces.
    Piece,
}

impl Unit {
    /// The key that documents translate.
    pub fn key(self) -> &'static str {
        match self {
            Unit::Impressions => "impressions",
            Unit::Month => "month",
            Unit::Piece => "piece",
        }
    }
}

/// A line of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RenderedService {
    /// The line of the order blank.
    pub line: LineId,
    /// The days that are charged for.
    pub served: Term,
    /// Unit of the quantity.
    pub unit: Unit,
    /// How much, in kind; at most six places.
    pub quantity: Decimal,
    /// Price of the unit (of 1,000 impressions).
    pub unit_price: UnitPrice,
    /// VAT rate.
    pub vat_rate: Rate,
    /// Net of VAT.
    pub net: Money,
    /// VAT.
    pub vat: Money,
    /// Net and VAT.
    pub gross: Money,
}

/// Values a line in a period. `None` when nothing was rendered.
pub fn render(line: &LineToRender, period: ReportingPeriod) -> Result<Option<RenderedService>, MoneyError> {
    let in_period = Term::new(
        line.bounds.term.first_day().max(period.first_day()),
        line.bounds.term.last_day().min(period.last_day()),
    );
    let served = line.bounds.served_in(period);
    let price = line.unit_price;
    let (served, unit, quantity, net) = match (line.tariff, served) {
        // Impressions are charged by their count alone; the days only say where they lie.
        (Tariff::Impressions(counts), served) => {
            let (Some(days), true) = (served.or(in_period), counts.in_period() > 0) else {
                return Ok(None);
            };
            (
                days,
                Unit::Impressions,
                Decimal::from(counts.in_period()),
                media_amount(price, counts)?,
            )
        }
        (_, None) => return Ok(None),
        (Tariff::Month, Some(term)) => {
            let days = DaysServed::of(term, period);
            (term, Unit::Month, days.quantity()?, period_amount(price, days)?)
        }
        (Tariff::MonthlyService { quantity }, Some(term)) => {
            let days = DaysServed::of(term, period);
            let months = days
                .quantity()?
                .checked_mul(quantity)
                .ok_or(MoneyError::Overflow)?;
            (
                term,
                Unit::Month,
                months.round_dp(6),
                additional_amount(price, quantity, days)?,
            )
        }
        (
            Tariff::MonthsUsed {
                quantity,
                to_end,
                to_previous_end,
            },
            Some(term),
        ) => {
            // What an outage took off the last month never makes it negative.
            let used = [to_end.max(to_previous_end), to_previous_end].map(|months| months * quantity);
            if used[0] == used[1] {
                return Ok(None);
            }
            let months = (used[0] - used[1]).round_dp(6).normalize();
            (term, Unit::Month, months, months_amount(price, used[0], used[1])?)
        }
        (Tariff::OneOff { quantity }, Some(term)) => {
            if ReportingPeriod::of(line.bounds.term.first_day()) != period {
                return Ok(None);
            }
            (term, Unit::Piece, quantity, one_off_amount(price, quantity)?)
        }
    };
    let vat = line.vat_rate.of(net)?;
    Ok(Some(RenderedService {
        line: line.line,
        served,
        unit,
        quantity,
        unit_price: price,
        vat_rate: line.vat_rate,
        net,
        vat,
        gross: net.checked_add(vat)?,
    }))
}

/// What the customer has paid ahead and owes, each on its normal side and never below nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdvanceAndDebt {
    /// Balance of `advance`.
    pub advance: Money,
    /// Balance of `receivable`.
    pub receivable: Money,
}

/// How a document is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settlement {
    /// Taken from the advance.
    pub from_advance: Money,
    /// Became a debt.
    pub to_receivable: Money,
    /// Advance afterwards.
    pub advance_left: Money,
    /// Debt afterwards.
    pub receivable_left: Money,
}

impl AdvanceAndDebt {
    /// The advance is used as far as it goes; the rest is owed.
    pub fn settle(self, gross: Money) -> Result<Settlement, MoneyError> {
        let from_advance = self.advance.max(Money::ZERO).min(gross);
        let to_receivable = gross.checked_sub(from_advance)?;
        Ok(Settlement {
            from_advance,
            to_receivable,
            advance_left: self.advance.checked_sub(from_advance)?,
            receivable_left: self.receivable.checked_add(to_receivable)?,
        })
    }
}

/// A period of one customer, valued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrimaryDocument {
    customer: CustomerId,
    period: ReportingPeriod,
    lines: Vec<RenderedService>,
    net: Money,
    vat: Money,
    gross: Money,
    settlement: Settlement,
}

impl PrimaryDocument {
    /// Values all lines of a customer in a period. `None` when nothing was rendered: an empty month makes no document.
    pub fn draw_up(
        customer: CustomerId,
        period: ReportingPeriod,
        lines: &[LineToRender],
        balances: AdvanceAndDebt,
    ) -> Result<Option<PrimaryDocument>, MoneyError> {
        let mut rendered = Vec::new();
        for line in lines {
            rendered.extend(render(line, period)?);
        }
        if rendered.is_empty() {
            return Ok(None);
        }
        let net = Money::sum(rendered.iter().map(|line| line.net))?;
        let vat = Money::sum(rendered.iter().map(|line| line.vat))?;
        let gross = net.checked_add(vat)?;
        Ok(Some(PrimaryDocument {
            customer,
            period,
            lines: rendered,
            net,
            vat,
            gross,
            settlement: balances.settle(gross)?,
        }))
    }

    /// The customer.
    pub fn customer(&self) -> CustomerId {
        self.customer
    }

    /// The reporting period.
    pub fn period(&self) -> ReportingPeriod {
        self.period
    }

    /// The lines, in the order given; at least one.
    pub fn lines(&self) -> &[RenderedService] {
        &self.lines
    }

    /// Sum of the lines' net.
    pub fn net(&self) -> Money {
        self.net
    }

    /// Sum of the lines' VAT.
    pub fn vat(&self) -> Money {
        self.vat
    }

    /// Net and VAT.
    pub fn gross(&self) -> Money {
        self.gross
    }

    /// How it is settled.
    pub fn settlement(&self) -> Settlement {
        self.settlement
    }

    /// The rendering posting, dated the last day of the period. `None` when the whole document costs nothing.
    pub fn posting(&self, document_number: &str) -> Result<Option<Posting>, Unbalanced> {
        let sides = [
            Entry::debit(Account::Advance(self.customer), self.settlement.from_advance),
            Entry::debit(Account::Receivable(self.customer), self.settlement.to_receivable),
            Entry::credit(Account::Revenue, self.net),
            Entry::credit(Account::VatPayable, self.vat),
        ];
        let entries: Vec<Entry> = sides
            .into_iter()
            .filter(|entry| entry.amount.is_positive())
            .collect();
        if entries.is_empty() {
            return Ok(None);
        }
        let head = PostingHead {
            posted_on: self.period.last_day(),
            reason: PostingReason::Rendering,
            document_ref: document_number.to_owned(),
            idempotency_key: format!("rendering:{}:{}", self.customer, self.period),
        };
        Posting::new(head, entries).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::billing::ledger::Side;
    use chrono::NaiveDate;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn sum(text: &str) -> Money {
        Money::parse(text).unwrap()
    }

    fn period(text: &str) -> ReportingPeriod {
        ReportingPeriod::parse(text).unwrap()
    }

    fn customer() -> CustomerId {
        CustomerId::from_uuid(Uuid::from_u128(1))
    }

    fn line(first: &str, last: &str, price: &str, tariff: Tariff) -> LineToRender {
        LineToRender {
            line: LineId::from_uuid(Uuid::from_u128(7)),
            bounds: ServiceBounds {
                term: Term::new(day(first), day(last)).unwrap(),
                ended_on: None,
                ready_on: Some(day(first)),
            },
            unit_price: UnitPrice::parse(price).unwrap(),
            tariff,
            vat_rate: Rate::parse("0.12").unwrap(),
        }
    }

    fn balances(advance: &str, receivable: &str) -> AdvanceAndDebt {
        AdvanceAndDebt {
            advance: sum(advance),
            receivable: sum(receivable),
        }
    }

    #[test]
    fn a_month_of_media_and_a_period_line_make_one_document() {
        let lines = [
            line(
                "2026-11-01",
                "2026-11-30",
                "12000.00",
                Tariff::Impressions(MediaCounts {
                    to_end: 25_000,
                    to_previous_end: 0,
                }),
            ),
            line("2026-11-01", "2026-12-31", "1000000.00", Tariff::Month),
        ];
        let document = PrimaryDocument::draw_up(
            customer(),
            period("2026-11"),
            &lines,
            balances("1000000.00", "0.00"),
        )
        .unwrap()
        .unwrap();
        assert_eq!(
            (document.net(), document.vat(), document.gross()),
            (sum("1300000.00"), sum("156000.00"), sum("1456000.00"))
        );
        let settlement = document.settlement();
        assert_eq!(
            (
                settlement.from_advance,
                settlement.to_receivable,
                settlement.receivable_left
            ),
            (sum("1000000.00"), sum("456000.00"), sum("456000.00"))
        );
        let posting = document.posting("BH-2026-000001").unwrap().unwrap();
        assert_eq!(posting.head().posted_on, day("2026-11-30"));
        assert_eq!(posting.entries().len(), 4);
    }

    #[test]
    fn an_empty_month_makes_no_document() {
        let lines = [
            line(
                "2026-11-01",
                "2026-11-30",
                "12000.00",
                Tariff::Impressions(MediaCounts {
                    to_end: 25_000,
                    to_previous_end: 25_000,
                }),
            ),
            line("2026-12-01", "2026-12-31", "1000000.00", Tariff::Month),
        ];
        let drawn = PrimaryDocument::draw_up(customer(), period("2026-11"), &lines, balances("0.00", "0.00"));
        assert_eq!(drawn, Ok(None));
    }

    #[test]
    fn without_an_approved_material_a_period_line_renders_nothing() {
        let mut unready = line("2026-11-01", "2026-11-30", "1000000.00", Tariff::Month);
        unready.bounds.ready_on = None;
        assert_eq!(render(&unready, period("2026-11")), Ok(None));
    }

    #[test]
    fn an_operator_that_is_no_vat_payer_charges_the_list_price_and_posts_no_vat() {
        let mut no_vat = line("2026-11-01", "2026-11-30", "1000000.00", Tariff::Month);
        no_vat.vat_rate = Rate::ZERO;
        let document =
            PrimaryDocument::draw_up(customer(), period("2026-11"), &[no_vat], balances("0.00", "5.00"))
                .unwrap()
                .unwrap();
        assert_eq!(
            (document.gross(), document.vat()),
            (sum("1000000.00"), Money::ZERO)
        );
        let posting = document.posting("BH-2026-000001").unwrap().unwrap();
        let accounts: Vec<&str> = posting
            .entries()
            .iter()
            .map(|entry| entry.account.name())
            .collect();
        assert_eq!(accounts, ["receivable", "revenue"]);
        assert_eq!(document.settlement().receivable_left, sum("1000005.00"));
    }

    #[test]
    fn a_document_that_costs_nothing_posts_nothing() {
        let free = line("2026-11-01", "2026-11-30", "0", Tariff::Month);
        let document =
            PrimaryDocument::draw_up(customer(), period("2026-11"), &[free], balances("9.00", "0.00"))
                .unwrap()
                .unwrap();
        assert_eq!(document.posting("BH-2026-000001"), Ok(None));
    }

    #[test]
    fn a_one_off_service_is_charged_once_in_the_month_of_its_first_day() {
        let once = line(
            "2026-11-05",
            "2026-12-05",
            "200000.00",
            Tariff::OneOff {
                quantity: Decimal::from(2),
            },
        );
        let november = render(&once, period("2026-11")).unwrap().unwrap();
        assert_eq!((november.net, november.unit), (sum("400000.00"), Unit::Piece));
        assert_eq!(render(&once, period("2026-12")), Ok(None));
    }

    #[test]
    fn a_terminated_month_is_charged_by_its_days() {
        let mut ended = line("2026-11-01", "2026-12-31", "900000.00", Tariff::Month);
        ended.bounds.ended_on = Some(day("2026-11-11"));
        let november = render(&ended, period("2026-11")).unwrap().unwrap();
        assert_eq!(november.net, sum("300000.00"));
        assert_eq!(
            november.served,
            Term::new(day("2026-11-01"), day("2026-11-10")).unwrap()
        );
    }

    fn any_line() -> impl Strategy<Value = LineToRender> {
        (
            0i64..9_000_000_000,
            0u64..100_000,
            0u64..100_000,
            0u64..40,
            0u64..60,
            0u8..3,
            prop::bool::ANY,
        )
            .prop_map(|(price_micro, before, counted, start, days, kind, vat_payer)| {
                let first = crate::calendar::plus_days(day("2026-10-15"), start);
                let term = Term::new(first, crate::calendar::plus_days(first, days)).unwrap();
                let tariff = match kind {
                    0 => Tariff::Impressions(MediaCounts {
                        to_end: before + counted,
                        to_previous_end: before,
                    }),
                    1 => Tariff::Month,
                    _ => Tariff::MonthlyService {
                        quantity: Decimal::from(3),
                    },
                };
                LineToRender {
                    line: LineId::from_uuid(Uuid::from_u128(7)),
                    bounds: ServiceBounds {
                        term,
                        ended_on: None,
                        ready_on: Some(first),
                    },
                    unit_price: UnitPrice::new(Decimal::new(price_micro, 6)).unwrap(),
                    tariff,
                    vat_rate: if vat_payer {
                        Rate::parse("0.12").unwrap()
                    } else {
                        Rate::ZERO
                    },
                }
            })
    }

    proptest! {
        #[test]
        fn the_lines_add_up_to_the_document_and_the_document_to_its_posting(
            lines in prop::collection::vec(any_line(), 0..8), advance in 0i64..900_000_000,
        ) {
            let held = AdvanceAndDebt { advance: Money::from_tiyin(advance).unwrap(), receivable: Money::ZERO };
            let Some(document) = PrimaryDocument::draw_up(customer(), period("2026-11"), &lines, held).unwrap() else {
                return Ok(());
            };
            let of = |field: fn(&RenderedService) -> Money| Money::sum(document.lines().iter().map(field)).unwrap();
            prop_assert_eq!(document.net(), of(|line| line.net));
            prop_assert_eq!(document.vat(), of(|line| line.vat));
            prop_assert_eq!(document.gross(), of(|line| line.gross));
            let debits = document.posting("BH-2026-000001").unwrap().map_or(Money::ZERO, |posting| {
                Money::sum(posting.entries().iter().filter(|entry| entry.side == Side::Debit).map(|entry| entry.amount)).unwrap()
            });
            prop_assert_eq!(debits, document.gross());
        }

        #[test]
        fn the_advance_is_used_before_a_debt_is_made(advance in 0i64..1_000_000, receivable in 0i64..1_000_000, gross in 0i64..2_000_000) {
            let sum = |tiyin| Money::from_tiyin(tiyin).unwrap();
            let settled = AdvanceAndDebt { advance: sum(advance), receivable: sum(receivable) }.settle(sum(gross)).unwrap();
            prop_assert_eq!(settled.from_advance.tiyin() + settled.to_receivable.tiyin(), gross);
            prop_assert!(settled.to_receivable.is_zero() || settled.advance_left.is_zero());
            prop_assert!(!settled.advance_left.is_negative());
        }
    }
}
