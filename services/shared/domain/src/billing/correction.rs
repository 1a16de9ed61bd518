//! Correcting documents: what a closed month should have cost, posted as a difference in the open one.
//!
//! Rule: billing.md §5; offer [003 §5.8–5.9].
//!
//! ```text
//! difference of a line = (net it should be − net charged), VAT of the net it should be − VAT charged
//! a total it should be is spread over the lines pro rata to tiyin; what is left over goes to the largest remainders
//! cheaper:  Dr revenue, Dr vat_payable   Cr receivable (what is owed), Cr advance (the rest)
//! dearer:   Dr advance (as far as it goes), Dr receivable   Cr revenue, Cr vat_payable
//! ```
//!
//! **Choice:** an upheld objection changes what the month costs and not what was counted in it: the media line's basis of
//! later months stays the counted impressions, so that a later month neither charges the difference again nor gives it
//! back twice. An objection never makes a document dearer.
//!
//! Invariants, each a property test of the same name:
//! - `a_total_is_spread_to_the_tiyin`
//! - `a_correction_posts_its_difference_and_nothing_else`
//!
//! Not here: the closed period, which stays as it is; who decides; the document's text.

use super::ledger::{Account, Entry, Posting, PostingHead, PostingReason, Unbalanced};
use super::primary_document::AdvanceAndDebt;
use crate::ids::{CustomerId, LineId};
use crate::money::{Money, MoneyError, Rate};
use chrono::NaiveDate;

/// A line as its document charged it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChargedLine {
    /// The line.
    pub line: LineId,
    /// VAT rate of its blank.
    pub vat_rate: Rate,
    /// Net as charged.
    pub net: Money,
    /// VAT as charged.
    pub vat: Money,
}

/// What a document should cost, net of VAT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShouldBe {
    /// All its lines together.
    Total(Money),
    /// These lines; the others stay.
    Lines(Vec<(LineId, Money)>),
}

/// Why there is nothing to correct.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CorrectionRefused {
    /// A sum below nothing.
    #[error("net: {net} is less than 0.00")]
    Negative {
        /// What was given.
        net: Money,
    },
    /// Not less than what was charged.
    #[error("net: {net} is not less than the {charged} that were charged")]
    NotLess {
        /// What was given.
        net: Money,
        /// What was charged.
        charged: Money,
    },
    /// A line that the document doesn't have.
    #[error("lines: {line} is no line of the document")]
    NoSuchLine {
        /// The line.
        line: LineId,
    },
    /// A line named twice.
    #[error("lines: {line} is named twice")]
    LineTwice {
        /// The line.
        line: LineId,
    },
    /// Sums too large.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

impl CorrectionRefused {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            CorrectionRefused::Negative { .. } => "corrected_sum_negative",
            CorrectionRefused::NotLess { .. } => "corrected_sum_not_less",
            CorrectionRefused::NoSuchLine { .. } => "no_such_document_line",
            CorrectionRefused::LineTwice { .. } => "document_line_named_twice",
            CorrectionRefused::Money(_) => "sum_too_large",
        }
    }
}

/// A line before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CorrectedLine {
    /// The line as charged.
    pub before: ChargedLine,
    /// Net that it should be.
    pub net: Money,
    /// VAT of that net, rounded half-up.
    pub vat: Money,
}

impl CorrectedLine {
    fn new(before: ChargedLine, net: Money) -> Result<CorrectedLine, MoneyError> {
        Ok(CorrectedLine {
            before,
            net,
            vat: before.vat_rate.of(net)?,
        })
    }

    /// By how much the net changes.
    pub fn net_difference(&self) -> Result<Money, MoneyError> {
        self.net.checked_sub(self.before.net)
    }

    /// By how much the VAT changes.
    pub fn vat_difference(&self) -> Result<Money, MoneyError> {
        self.vat.checked_sub(self.before.vat)
    }
}

/// A difference to a closed month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    lines: Vec<CorrectedLine>,
    net: Money,
    vat: Money,
    gross: Money,
}

impl Correction {
    /// The correction of an upheld objection. `charged`: all lines of the document, in its order.
    pub fn of_objection(
        charged: &[ChargedLine],
        should_be: &ShouldBe,
    ) -> Result<Correction, CorrectionRefused> {
        let whole = Money::sum(charged.iter().map(|line| line.net))?;
        let nets = match should_be {
            ShouldBe::Total(net) => {
                check_sum(*net, whole)?;
                spread(*net, &charged.iter().map(|line| line.net).collect::<Vec<_>>())?
            }
            ShouldBe::Lines(lines) => {
                for (index, (line, net)) in lines.iter().enumerate() {
                    let known = charged.iter().find(|charged| charged.line == *line);
                    let known = known.ok_or(CorrectionRefused::NoSuchLine { line: *line })?;
                    if lines.iter().take(index).any(|(earlier, _)| earlier == line) {
                        return Err(CorrectionRefused::LineTwice { line: *line });
                    }
                    check_sum(*net, known.net)?;
                }
                charged
                    .iter()
                    .map(|charged| {
                        let named = lines.iter().find(|(line, _)| *line == charged.line);
                        named.map_or(charged.net, |(_, net)| *net)
                    })
                    .collect()
            }
        };
        let mut lines = Vec::new();
        for (before, net) in charged.iter().zip(nets) {
            lines.push(CorrectedLine::new(*before, net)?);
        }
        let correction = Correction::of(lines)?;
        if correction.lines.is_empty() {
            return Err(CorrectionRefused::NotLess {
                net: whole,
                charged: whole,
            });
        }
        Ok(correction)
    }

    /// The correction of statistics that came after the month was closed: each line costs more by its sum.
    pub fn of_late_statistics(lines: &[(ChargedLine, Money)]) -> Result<Correction, MoneyError> {
        let lines = lines
            .iter()
            .map(|(before, more)| CorrectedLine::new(*before, before.net.checked_add(*more)?))
            .collect::<Result<Vec<_>, MoneyError>>()?;
        Correction::of(lines)
    }

    fn of(lines: Vec<CorrectedLine>) -> Result<Correction, MoneyError> {
        let lines: Vec<CorrectedLine> = lines
            .into_iter()
            .filter(|line| line.net != line.before.net)
            .collect();
        let mut net = Money::ZERO;
        let mut vat = Money::ZERO;
        for line in &lines {
            net = net.checked_add(line.net_difference()?)?;
            vat = vat.checked_add(line.vat_difference()?)?;
        }
        Ok(Correction {
            lines,
            net,
            vat,
            gross: net.checked_add(vat)?,
        })
    }

    /// The lines that change, in the order of their document.
    pub fn lines(&self) -> &[CorrectedLine] {
        &self.lines
    }

    /// Difference of the net: less than nothing when the document gets cheaper.
    pub fn net(&self) -> Money {
        self.net
    }

    /// Difference of the VAT.
    pub fn vat(&self) -> Money {
        self.vat
    }

    /// Difference of net and VAT.
    pub fn gross(&self) -> Money {
        self.gross
    }

    /// What the customer owes and has paid ahead afterwards.
    pub fn settled(&self, held: AdvanceAndDebt) -> Result<AdvanceAndDebt, MoneyError> {
        if self.gross.is_negative() {
            let back = Money::ZERO.checked_sub(self.gross)?;
            let from_debt = held.receivable.max(Money::ZERO).min(back);
            return Ok(AdvanceAndDebt {
                advance: held.advance.checked_add(back.checked_sub(from_debt)?)?,
                receivable: held.receivable.checked_sub(from_debt)?,
            });
        }
        let settlement = held.settle(self.gross)?;
        Ok(AdvanceAndDebt {
            advance: settlement.advance_left,
            receivable: settlement.receivable_left,
        })
    }

    /// The posting of the difference. `posted_on` lies in an open period. `None` when the difference is nothing.
    pub fn posting(
        &self,
        customer: CustomerId,
        held: AdvanceAndDebt,
        document_number: &str,
        posted_on: NaiveDate,
    ) -> Result<Option<Posting>, Unbalanced> {
        let after = self.settled(held)?;
        let mut entries = Vec::new();
        // Each account moves by its difference; the sign says on which side.
        for (account, more_is_debit, difference) in [
            (
                Account::Advance(customer),
                false,
                after.advance.checked_sub(held.advance)?,
            ),
            (
                Account::Receivable(customer),
                true,
                after.receivable.checked_sub(held.receivable)?,
            ),
            (Account::Revenue, false, self.net),
            (Account::VatPayable, false, self.vat),
        ] {
            let (amount, is_debit) = if difference.is_negative() {
                (Money::ZERO.checked_sub(difference)?, !more_is_debit)
            } else {
                (difference, more_is_debit)
            };
            if amount.is_positive() {
                entries.push(if is_debit {
                    Entry::debit(account, amount)
                } else {
                    Entry::credit(account, amount)
                });
            }
        }
        if entries.is_empty() {
            return Ok(None);
        }
        let head = PostingHead {
            posted_on,
            reason: PostingReason::Correction,
            document_ref: document_number.to_owned(),
            idempotency_key: format!("correction:{document_number}"),
        };
        Posting::new(head, entries).map(Some)
    }
}

fn check_sum(net: Money, charged: Money) -> Result<(), CorrectionRefused> {
    if net.is_negative() {
        return Err(CorrectionRefused::Negative { net });
    }
    if net >= charged {
        return Err(CorrectionRefused::NotLess { net, charged });
    }
    Ok(())
}

/// Spreads a sum over shares pro rata, to the tiyin: each part is cut, and the tiyin that are left over go to the largest
/// remainders, the first of equal ones before the others.
fn spread(sum: Money, shares: &[Money]) -> Result<Vec<Money>, MoneyError> {
    let whole = i128::from(Money::sum(shares.iter().copied())?.tiyin());
    if whole == 0 {
        return Ok(shares.to_vec());
    }
    let mut parts = Vec::new();
    let mut remainders = Vec::new();
    for (index, share) in shares.iter().enumerate() {
        let product = i128::from(sum.tiyin()) * i128::from(share.tiyin());
        let part = i64::try_from(product / whole).map_err(|_| MoneyError::Overflow)?;
        parts.push(part);
        remainders.push((product % whole, index));
    }
    remainders.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let left = sum.tiyin() - parts.iter().sum::<i64>();
    let left = usize::try_from(left).unwrap_or(0);
    for (_, index) in remainders.into_iter().take(left) {
        if let Some(part) = parts.get_mut(index) {
            *part += 1;
        }
    }
    parts.into_iter().map(Money::from_tiyin).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::billing::ledger::Side;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn line(n: u128) -> LineId {
        LineId::from_uuid(Uuid::from_u128(n))
    }

    fn sum(text: &str) -> Money {
        Money::parse(text).unwrap()
    }

    fn charged(n: u128, net: &str) -> ChargedLine {
        let vat_rate = Rate::parse("0.12").unwrap();
        ChargedLine {
            line: line(n),
            vat_rate,
            net: sum(net),
            vat: vat_rate.of(sum(net)).unwrap(),
        }
    }

    fn total(net: &str) -> ShouldBe {
        ShouldBe::Total(sum(net))
    }

    fn held(advance: &str, receivable: &str) -> AdvanceAndDebt {
        AdvanceAndDebt {
            advance: sum(advance),
            receivable: sum(receivable),
        }
    }

    fn entries(correction: &Correction, held: AdvanceAndDebt) -> Vec<(&'static str, Side, String)> {
        let customer = CustomerId::from_uuid(Uuid::from_u128(9));
        let day = "2026-12-15".parse().unwrap();
        let posting = correction.posting(customer, held, "TH-2026-000001", day).unwrap();
        posting
            .iter()
            .flat_map(|posting| posting.entries())
            .map(|entry| (entry.account.name(), entry.side, entry.amount.to_string()))
            .collect()
    }

    #[test]
    fn the_vat_of_each_line_is_rounded_by_itself() {
        // 0.12 × 100.04 = 12.0048 → 12.00; 0.12 × 100.05 = 12.006 → 12.01.
        let lines = [charged(1, "200.00"), charged(2, "200.00")];
        let should_be = ShouldBe::Lines(vec![(line(1), sum("100.04")), (line(2), sum("100.05"))]);
        let correction = Correction::of_objection(&lines, &should_be).unwrap();
        assert_eq!(correction.net(), sum("-199.91"));
        assert_eq!(correction.vat(), sum("-23.99"));
        assert_eq!(correction.gross(), sum("-223.90"));
    }

    #[test]
    fn what_is_owed_is_reduced_first_and_the_rest_is_advance_again() {
        let correction = Correction::of_objection(&[charged(1, "1000.00")], &total("900.00")).unwrap();
        assert_eq!(
            entries(&correction, held("0.00", "50.00")),
            [
                ("advance", Side::Credit, "62.00".to_owned()),
                ("receivable", Side::Credit, "50.00".to_owned()),
                ("revenue", Side::Debit, "100.00".to_owned()),
                ("vat_payable", Side::Debit, "12.00".to_owned()),
            ]
        );
        assert_eq!(
            correction.settled(held("5.00", "50.00")),
            Ok(held("67.00", "0.00"))
        );
    }

    #[test]
    fn late_statistics_take_the_advance_first() {
        let correction = Correction::of_late_statistics(&[(charged(1, "1000.00"), sum("10.00"))]).unwrap();
        assert_eq!(
            entries(&correction, held("4.20", "0.00")),
            [
                ("advance", Side::Debit, "4.20".to_owned()),
                ("receivable", Side::Debit, "7.00".to_owned()),
                ("revenue", Side::Credit, "10.00".to_owned()),
                ("vat_payable", Side::Credit, "1.20".to_owned()),
            ]
        );
    }

    #[test]
    fn a_total_is_spread_pro_rata_and_its_odd_tiyin_go_to_the_largest_remainders() {
        let lines = [charged(1, "100.00"), charged(2, "100.00"), charged(3, "100.00")];
        let correction = Correction::of_objection(&lines, &total("100.00")).unwrap();
        let nets: Vec<String> = correction
            .lines()
            .iter()
            .map(|line| line.net.to_string())
            .collect();
        assert_eq!(nets, ["33.34", "33.33", "33.33"]);
        assert_eq!(correction.net(), sum("-200.00"));
    }

    #[test]
    fn a_month_may_be_corrected_to_nothing_and_a_line_that_stays_isnt_told() {
        let lines = [charged(1, "100.00"), charged(2, "50.00")];
        let nothing = Correction::of_objection(&lines, &total("0.00")).unwrap();
        assert_eq!(nothing.gross(), sum("-168.00"));
        let one = ShouldBe::Lines(vec![(line(2), Money::ZERO)]);
        let one = Correction::of_objection(&lines, &one).unwrap();
        assert_eq!(
            (one.lines().len(), one.lines()[0].before.line, one.net()),
            (1, line(2), sum("-50.00"))
        );
    }

    #[test]
    fn sums_that_correct_nothing_are_refused() {
        let lines = [charged(1, "100.00"), charged(2, "50.00")];
        let code = |should_be: ShouldBe| {
            Correction::of_objection(&lines, &should_be)
                .map_err(|refused| refused.code())
                .unwrap_err()
        };
        assert_eq!(code(total("-0.01")), "corrected_sum_negative");
        assert_eq!(code(total("150.00")), "corrected_sum_not_less");
        assert_eq!(code(total("150.01")), "corrected_sum_not_less");
        let lines = |lines: &[(u128, &str)]| {
            ShouldBe::Lines(lines.iter().map(|(n, net)| (line(*n), sum(net))).collect())
        };
        assert_eq!(code(lines(&[(1, "100.00")])), "corrected_sum_not_less");
        assert_eq!(code(lines(&[(1, "-1.00")])), "corrected_sum_negative");
        assert_eq!(code(lines(&[(3, "1.00")])), "no_such_document_line");
        assert_eq!(
            code(lines(&[(1, "1.00"), (1, "2.00")])),
            "document_line_named_twice"
        );
        assert_eq!(code(lines(&[])), "corrected_sum_not_less");
    }

    proptest! {
        #[test]
        fn a_total_is_spread_to_the_tiyin(shares in prop::collection::vec(0i64..9_000_000_000, 1..20), share in 0i64..1000) {
            let shares: Vec<Money> = shares.into_iter().map(|tiyin| Money::from_tiyin(tiyin).unwrap()).collect();
            let whole = Money::sum(shares.iter().copied()).unwrap();
            let sum = Money::from_tiyin(whole.tiyin() / 1000 * share).unwrap();
            let parts = spread(sum, &shares).unwrap();
            if !whole.is_zero() {
                prop_assert_eq!(Money::sum(parts.iter().copied()).unwrap(), sum);
            }
            for (part, share) in parts.iter().zip(&shares) {
                prop_assert!(!part.is_negative() && part <= share);
            }
        }

        #[test]
        fn a_correction_posts_its_difference_and_nothing_else(
            nets in prop::collection::vec(1i64..9_000_000_000, 1..8), share in 0i64..1000,
            advance in 0i64..9_000_000_000, receivable in 0i64..9_000_000_000,
        ) {
            let lines: Vec<ChargedLine> = nets.iter().zip(1u128..).map(|(net, n)| {
                charged(n, &Money::from_tiyin(*net).unwrap().to_string())
            }).collect();
            let whole: i64 = nets.iter().sum();
            let should_be = ShouldBe::Total(Money::from_tiyin(whole / 1000 * share).unwrap());
            let correction = Correction::of_objection(&lines, &should_be).unwrap();
            let held = AdvanceAndDebt {
                advance: Money::from_tiyin(advance).unwrap(),
                receivable: Money::from_tiyin(receivable).unwrap(),
            };
            let after = correction.settled(held).unwrap();
            prop_assert!(!after.receivable.is_negative());
            // What the customer holds less what it owes moves by exactly the difference.
            let worth = |held: AdvanceAndDebt| held.advance.checked_sub(held.receivable).unwrap();
            prop_assert_eq!(worth(held).checked_sub(worth(after)).unwrap(), correction.gross());
            let customer = CustomerId::from_uuid(Uuid::from_u128(9));
            let posting = correction.posting(customer, held, "TH-2026-000001", "2026-12-15".parse().unwrap()).unwrap().unwrap();
            let debits = Money::sum(posting.entries().iter().filter(|entry| entry.side == Side::Debit).map(|entry| entry.amount)).unwrap();
            prop_assert_eq!(Money::ZERO.checked_sub(debits).unwrap(), correction.gross());
        }
    }
}
