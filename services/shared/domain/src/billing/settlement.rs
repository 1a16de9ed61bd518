//! What is still owed for lines that ended early, and until when it is settled.
//!
//! Rule: orders.md §8 "On E"; billing.md §8; offer [003 §10.3].
//!
//! ```text
//! worth of an invoice  = what its ended lines rendered before E in the periods it covers, with VAT
//!                        + its other lines in full
//! still asked for      = max(what is paid of it, its worth), never more than before
//! settled within         30 calendar days of E
//! ```
//!
//! A reduction changes what is still owed, never the money received: an invoice that holds more than it is worth is
//! reduced to what it holds, and the rest is what a refund may give back (`refund`). A fully paid invoice isn't reduced.
//! Several invoices of one line share its services, each up to its own sum: first those of the periods it covers, then
//! what others left, in the order of their due dates.
//!
//! Invariants, each a property test of the same name:
//! - `an_invoice_is_never_reduced_below_what_it_holds_or_is_worth`
//! - `services_are_asked_for_once`
//!
//! Not here: what was rendered (`rendered`, `primary_document`), a term that ran out (its invoices stand as they are).

use crate::calendar::{ReportingPeriod, plus_days};
use crate::ids::{InvoiceId, LineId};
use crate::money::{Exact, Money, MoneyError, Rate};
use chrono::NaiveDate;
use std::collections::BTreeMap;

/// Calendar days within which the parties settle after a contract's end [003 §10.3].
pub const DAYS_TO_SETTLE: u64 = 30;

/// The last day for settling a contract that ended on `ended_on`, its first day without service.
pub fn due_on(ended_on: NaiveDate) -> NaiveDate {
    plus_days(ended_on, DAYS_TO_SETTLE)
}

/// What a line rendered in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RenderedPart {
    /// The line.
    pub line: LineId,
    /// The period.
    pub period: ReportingPeriod,
    /// Net of VAT.
    pub net: Money,
    /// VAT.
    pub vat: Money,
}

/// A line of an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvoicedPart {
    /// The line.
    pub line: LineId,
    /// First period covered.
    pub first_period: ReportingPeriod,
    /// Last period covered.
    pub last_period: ReportingPeriod,
    /// Net of VAT.
    pub net: Money,
    /// VAT.
    pub vat: Money,
    /// Whether the line has ended early by now.
    pub ended: bool,
}

/// An invoice of a blank with ended lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceToSettle {
    /// The invoice.
    pub invoice: InvoiceId,
    /// What it asks for now, net of VAT.
    pub due_net: Money,
    /// What it asks for now, VAT.
    pub due_vat: Money,
    /// What payments hold on it.
    pub paid: Money,
    /// Its VAT rate.
    pub vat_rate: Rate,
    /// Its lines.
    pub parts: Vec<InvoicedPart>,
}

/// What an invoice asks for no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reduction {
    /// The invoice.
    pub invoice: InvoiceId,
    /// Net of VAT.
    pub net: Money,
    /// VAT.
    pub vat: Money,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    net: Money,
    vat: Money,
}

/// The reductions of a blank's invoices, given in the order of their due dates. Empty when nothing is asked for in vain.
pub fn reductions(
    invoices: &[InvoiceToSettle],
    rendered: &[RenderedPart],
) -> Result<Vec<Reduction>, MoneyError> {
    let mut left: BTreeMap<(LineId, ReportingPeriod), Sums> = BTreeMap::new();
    for part in rendered {
        let sums = left.entry((part.line, part.period)).or_default();
        sums.net = sums.net.checked_add(part.net)?;
        sums.vat = sums.vat.checked_add(part.vat)?;
    }
    let mut worths: Vec<Vec<Sums>> = Vec::new();
    for invoice in invoices {
        let mut own = Vec::new();
        for part in &invoice.parts {
            let mut worth = Sums::default();
            if part.ended {
                let covered = left.range_mut((part.line, part.first_period)..=(part.line, part.last_period));
                take(covered, part, invoice.vat_rate, &mut worth)?;
            } else {
                (worth.net, worth.vat) = (part.net, part.vat);
            }
            own.push(worth);
        }
        worths.push(own);
    }
    // A term that moved, or a month that was spent faster, rendered what an invoice of another month asks for.
    for (invoice, own) in invoices.iter().zip(&mut worths) {
        for (part, worth) in invoice.parts.iter().zip(own) {
            if part.ended {
                let all = left.iter_mut().filter(|((line, _), _)| *line == part.line);
                take(all, part, invoice.vat_rate, worth)?;
            }
        }
    }
    let mut all = Vec::new();
    for (invoice, own) in invoices.iter().zip(&worths) {
        if invoice.parts.iter().any(|part| part.ended) {
            let worth = Sums {
                net: Money::sum(own.iter().map(|worth| worth.net))?,
                vat: Money::sum(own.iter().map(|worth| worth.vat))?,
            };
            all.extend(reduction(invoice, worth)?);
        }
    }
    Ok(all)
}

/// Adds to `worth` what a line of an invoice takes out of what its line rendered, at most the invoiced sum.
fn take<'a>(
    left: impl Iterator<Item = (&'a (LineId, ReportingPeriod), &'a mut Sums)>,
    part: &InvoicedPart,
    rate: Rate,
    worth: &mut Sums,
) -> Result<(), MoneyError> {
    for (_, sums) in left {
        let room = part.net.checked_sub(worth.net)?;
        let net = sums.net.min(room);
        let vat = if net == sums.net {
            sums.vat
        } else {
            rate.of(net)?.min(sums.vat)
        };
        // Months are rounded one by one: their VAT may come to a tiyin more than the invoice's.
        let asked = vat.min(part.vat.checked_sub(worth.vat)?);
        sums.net = sums.net.checked_sub(net)?;
        sums.vat = sums.vat.checked_sub(vat)?;
        worth.net = worth.net.checked_add(net)?;
        worth.vat = worth.vat.checked_add(asked)?;
    }
    Ok(())
}

fn reduction(invoice: &InvoiceToSettle, worth: Sums) -> Result<Option<Reduction>, MoneyError> {
    let due = invoice.due_net.checked_add(invoice.due_vat)?;
    if invoice.paid >= due {
        return Ok(None);
    }
    let worth = Sums {
        net: worth.net.min(invoice.due_net),
        vat: worth.vat.min(invoice.due_vat),
    };
    let kept = if worth.net.checked_add(worth.vat)? >= invoice.paid {
        worth
    } else {
        held(invoice, due)?
    };
    let reduction = Reduction {
        invoice: invoice.invoice,
        net: invoice.due_net.checked_sub(kept.net)?,
        vat: invoice.due_vat.checked_sub(kept.vat)?,
    };
    let is_any = !reduction.net.is_zero() || !reduction.vat.is_zero();
    Ok(is_any.then_some(reduction))
}

/// What an invoice holds, split into net and VAT in the proportion of the invoice.
fn held(invoice: &InvoiceToSettle, due: Money) -> Result<Sums, MoneyError> {
    let share: Exact = invoice
        .paid
        .exact()
        .checked_mul(invoice.due_vat.decimal())?
        .checked_div(due.decimal())?;
    let vat = share.round_half_up()?.min(invoice.due_vat);
    let vat = vat.max(invoice.paid.checked_sub(invoice.due_net)?);
    Ok(Sums {
        net: invoice.paid.checked_sub(vat)?,
        vat,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn sum(text: &str) -> Money {
        Money::parse(text).unwrap()
    }

    fn period(text: &str) -> ReportingPeriod {
        ReportingPeriod::parse(text).unwrap()
    }

    fn line(n: u128) -> LineId {
        LineId::from_uuid(Uuid::from_u128(n))
    }

    fn rate() -> Rate {
        Rate::parse("0.12").unwrap()
    }

    fn part(n: u128, first: &str, last: &str, net: &str, ended: bool) -> InvoicedPart {
        InvoicedPart {
            line: line(n),
            first_period: period(first),
            last_period: period(last),
            net: sum(net),
            vat: rate().of(sum(net)).unwrap(),
            ended,
        }
    }

    fn invoice(n: u128, paid: &str, parts: Vec<InvoicedPart>) -> InvoiceToSettle {
        InvoiceToSettle {
            invoice: InvoiceId::from_uuid(Uuid::from_u128(n)),
            due_net: Money::sum(parts.iter().map(|part| part.net)).unwrap(),
            due_vat: Money::sum(parts.iter().map(|part| part.vat)).unwrap(),
            paid: sum(paid),
            vat_rate: rate(),
            parts,
        }
    }

    fn rendered(n: u128, of: &str, net: &str) -> RenderedPart {
        RenderedPart {
            line: line(n),
            period: period(of),
            net: sum(net),
            vat: rate().of(sum(net)).unwrap(),
        }
    }

    fn told(invoices: &[InvoiceToSettle], done: &[RenderedPart]) -> Vec<(u128, String, String)> {
        reductions(invoices, done)
            .unwrap()
            .into_iter()
            .map(|reduction| {
                (
                    reduction.invoice.uuid().as_u128(),
                    reduction.net.to_string(),
                    reduction.vat.to_string(),
                )
            })
            .collect()
    }

    #[test]
    fn the_settlement_is_due_thirty_calendar_days_after_the_end() {
        // orders.md §8; [003 §10.3].
        assert_eq!(due_on("2026-04-01".parse().unwrap()).to_string(), "2026-05-01");
    }

    #[test]
    fn an_unpaid_invoice_asks_for_what_was_rendered_before_the_end() {
        // 3 × 900,000 for March to May, ended on 1 April: one month is owed.
        let whole = invoice(1, "0.00", vec![part(1, "2026-03", "2026-05", "2700000.00", true)]);
        let march = [rendered(1, "2026-03", "900000.00")];
        assert_eq!(
            told(&[whole], &march),
            [(1, "1800000.00".into(), "216000.00".into())]
        );
    }

    #[test]
    fn an_invoice_for_periods_after_the_end_asks_for_nothing() {
        let monthly = [
            invoice(
                1,
                "1008000.00",
                vec![part(1, "2026-03", "2026-03", "900000.00", true)],
            ),
            invoice(2, "0.00", vec![part(1, "2026-04", "2026-04", "900000.00", true)]),
        ];
        let march = [rendered(1, "2026-03", "900000.00")];
        assert_eq!(
            told(&monthly, &march),
            [(2, "900000.00".into(), "108000.00".into())]
        );
    }

    #[test]
    fn an_invoice_that_holds_more_than_it_is_worth_is_reduced_to_what_it_holds() {
        let half_paid = invoice(
            1,
            "1512000.00",
            vec![part(1, "2026-03", "2026-05", "2700000.00", true)],
        );
        let march = [rendered(1, "2026-03", "900000.00")];
        // 1,512,000 stay: 1,350,000 and 162,000 of VAT.
        assert_eq!(
            told(&[half_paid], &march),
            [(1, "1350000.00".into(), "162000.00".into())]
        );
    }

    #[test]
    fn a_fully_paid_invoice_and_lines_that_go_on_are_left_alone() {
        let paid = invoice(
            1,
            "3024000.00",
            vec![part(1, "2026-03", "2026-05", "2700000.00", true)],
        );
        assert_eq!(told(&[paid], &[]), []);
        let other = invoice(
            2,
            "0.00",
            vec![part(2, "2026-03", "2026-05", "2700000.00", false)],
        );
        assert_eq!(told(&[other], &[]), []);
        // A line that goes on is asked for in full on the same invoice.
        let both = invoice(
            3,
            "0.00",
            vec![
                part(1, "2026-03", "2026-05", "2700000.00", true),
                part(2, "2026-03", "2026-05", "300000.00", false),
            ],
        );
        assert_eq!(
            told(&[both], &[rendered(1, "2026-03", "900000.00")]),
            [(3, "1800000.00".into(), "216000.00".into())]
        );
    }

    #[test]
    fn two_invoices_of_a_line_share_its_services_in_the_order_of_their_due_dates() {
        // A media line of 300,000 raised by 100,000; 350,000 were rendered before the end.
        let two = [
            invoice(1, "0.00", vec![part(1, "2026-03", "2026-03", "300000.00", true)]),
            invoice(2, "0.00", vec![part(1, "2026-03", "2026-03", "100000.00", true)]),
        ];
        assert_eq!(
            told(&two, &[rendered(1, "2026-03", "350000.00")]),
            [(2, "50000.00".into(), "6000.00".into())]
        );
    }

    // A late material moved the line by a month: what it renders in June is what the invoice for March to May asks for.
    #[test]
    fn a_moved_term_is_still_worth_its_invoice() {
        let whole = invoice(1, "0.00", vec![part(1, "2026-03", "2026-05", "2700000.00", true)]);
        let done = [
            rendered(1, "2026-05", "900000.00"),
            rendered(1, "2026-06", "900000.00"),
        ];
        assert_eq!(
            told(&[whole], &done),
            [(1, "900000.00".into(), "108000.00".into())]
        );
    }

    fn any_invoices() -> impl Strategy<Value = (Vec<InvoiceToSettle>, Vec<RenderedPart>)> {
        let one = (1i64..5_000_000, 0i64..7_000_000, 0u32..4, any::<bool>());
        let done = prop::collection::vec(0i64..3_000_000, 4);
        (prop::collection::vec(one, 1..5), done).prop_map(|(invoices, done)| {
            let first = period("2026-03");
            let invoices = (1u128..)
                .zip(invoices)
                .map(|(n, (net, paid, months, ended))| {
                    let net = Money::from_tiyin(net).unwrap();
                    let mut made = invoice(
                        n,
                        "0.00",
                        vec![InvoicedPart {
                            line: line(if ended { 1 } else { 2 }),
                            first_period: first,
                            last_period: first.plus_months(months),
                            net,
                            vat: rate().of(net).unwrap(),
                            ended,
                        }],
                    );
                    let due = made.due_net.checked_add(made.due_vat).unwrap();
                    made.paid = Money::from_tiyin(paid).unwrap().min(due);
                    made
                })
                .collect();
            let rendered = (0u32..)
                .zip(done)
                .map(|(n, tiyin)| {
                    let net = Money::from_tiyin(tiyin).unwrap();
                    RenderedPart {
                        line: line(1),
                        period: first.plus_months(n),
                        net,
                        vat: rate().of(net).unwrap(),
                    }
                })
                .collect();
            (invoices, rendered)
        })
    }

    proptest! {
        #[test]
        fn an_invoice_is_never_reduced_below_what_it_holds_or_is_worth((invoices, done) in any_invoices()) {
            for reduction in reductions(&invoices, &done).unwrap() {
                let invoice = invoices.iter().find(|invoice| invoice.invoice == reduction.invoice).unwrap();
                prop_assert!(invoice.parts[0].ended);
                prop_assert!(!reduction.net.is_negative() && !reduction.vat.is_negative());
                let net = invoice.due_net.checked_sub(reduction.net).unwrap();
                let vat = invoice.due_vat.checked_sub(reduction.vat).unwrap();
                prop_assert!(!net.is_negative() && !vat.is_negative());
                prop_assert!(net.checked_add(vat).unwrap() >= invoice.paid);
            }
        }

        #[test]
        fn services_are_asked_for_once((invoices, done) in any_invoices()) {
            let reduced = reductions(&invoices, &done).unwrap();
            let asked = |invoice: &InvoiceToSettle| {
                let less = reduced.iter().find(|reduction| reduction.invoice == invoice.invoice);
                invoice.due_net.checked_sub(less.map_or(Money::ZERO, |less| less.net)).unwrap()
            };
            // Of invoices that nobody paid, no more is asked for than was rendered.
            let unpaid: Vec<Money> = invoices.iter()
                .filter(|invoice| invoice.parts[0].ended && invoice.paid.is_zero()).map(asked).collect();
            let rendered = Money::sum(done.iter().map(|part| part.net)).unwrap();
            prop_assert!(Money::sum(unpaid).unwrap() <= rendered);
        }
    }
}
