//! Sums of money in so'm, exact to the tiyin.
//!
//! Rule: spec README rule 2. An [`Exact`] is a decimal that nobody has rounded yet (a price times a count, a share of
//! a month); only [`Exact::round_half_up`] turns it into [`Money`], and only [`Money`] can be invoiced, posted or shown.
//! So rounding is visible, has one name, and happens once.
//!
//! Invariants: arithmetic is checked (an overflow is [`MoneyError::Overflow`], never a wrong sum); no floating point.

use rust_decimal::{Decimal, RoundingStrategy};
use std::fmt;
use std::str::FromStr;

/// Why a text is no sum, or an operation has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The text isn't a decimal number with a dot.
    #[error("`{0}` is not a decimal number")]
    NotANumber(String),
    /// More decimal places than the type has.
    #[error("`{text}` has more than {places_max} decimal places")]
    TooManyPlaces {
        /// What was given.
        text: String,
        /// How many places the type has.
        places_max: u32,
    },
    /// The result doesn't fit.
    #[error("the sum is too large")]
    Overflow,
}

/// The largest sum that the database's `numeric(18,2)` holds, in tiyin.
pub const TIYIN_MAX: i64 = 999_999_999_999_999_999;

/// A sum in whole tiyin (1/100 so'm). May be negative (a difference, a balance).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money(i64);

impl Money {
    /// Nothing.
    pub const ZERO: Money = Money(0);

    /// A sum given in tiyin. Refused beyond [`TIYIN_MAX`] on either side.
    pub fn from_tiyin(tiyin: i64) -> Result<Money, MoneyError> {
        if (-TIYIN_MAX..=TIYIN_MAX).contains(&tiyin) {
            Ok(Money(tiyin))
        } else {
            Err(MoneyError::Overflow)
        }
    }

    /// The sum in tiyin.
    pub fn tiyin(self) -> i64 {
        self.0
    }

    /// Parses "1234567.89" (at most two places; no grouping, no comma). The API's and the database's form.
    pub fn parse(text: &str) -> Result<Money, MoneyError> {
        let value = Decimal::from_str_exact(text).map_err(|_| MoneyError::NotANumber(text.to_owned()))?;
        if value.normalize().scale() > 2 {
            return Err(MoneyError::TooManyPlaces {
                text: text.to_owned(),
                places_max: 2,
            });
        }
        Exact(value).round_half_up()
    }

    /// The exact value, to calculate with.
    pub fn exact(self) -> Exact {
        Exact(Decimal::new(self.0, 2))
    }

    /// The decimal in so'm with two places, for the database.
    pub fn decimal(self) -> Decimal {
        Decimal::new(self.0, 2)
    }

    /// A decimal from the database. More than two places that aren't zero are refused, not rounded.
    pub fn from_decimal(value: Decimal) -> Result<Money, MoneyError> {
        if value.normalize().scale() > 2 {
            return Err(MoneyError::TooManyPlaces {
                text: value.to_string(),
                places_max: 2,
            });
        }
        Exact(value).round_half_up()
    }

    /// The sum of both, or [`MoneyError::Overflow`].
    pub fn checked_add(self, other: Money) -> Result<Money, MoneyError> {
        self.0
            .checked_add(other.0)
            .ok_or(MoneyError::Overflow)
            .and_then(Money::from_tiyin)
    }

    /// This less the other, or [`MoneyError::Overflow`].
    pub fn checked_sub(self, other: Money) -> Result<Money, MoneyError> {
        self.0
            .checked_sub(other.0)
            .ok_or(MoneyError::Overflow)
            .and_then(Money::from_tiyin)
    }

    /// The sum of all, or [`MoneyError::Overflow`].
    pub fn sum(items: impl IntoIterator<Item = Money>) -> Result<Money, MoneyError> {
        items.into_iter().try_fold(Money::ZERO, Money::checked_add)
    }

    /// Whether it is exactly nothing.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Whether it is more than nothing.
    pub fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// Whether it is less than nothing.
    pub fn is_negative(self) -> bool {
        self.0 < 0
    }
}

/// "1234567.89": always two places, no grouping.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let tiyin = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", tiyin / 100, tiyin % 100)
    }
}

impl FromStr for Money {
    type Err = MoneyError;
    fn from_str(text: &str) -> Result<Money, MoneyError> {
        Money::parse(text)
    }
}

/// An amount in so'm that isn't rounded yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Exact(Decimal);

impl Exact {
    /// Nothing.
    pub const ZERO: Exact = Exact(Decimal::ZERO);

    /// From a decimal in so'm.
    pub fn new(value: Decimal) -> Exact {
        Exact(value)
    }

    /// The decimal in so'm.
    pub fn decimal(self) -> Decimal {
        self.0
    }

    /// The one rounding of this book: half-up (away from zero at .5) to whole tiyin.
    pub fn round_half_up(self) -> Result<Money, MoneyError> {
        let rounded = self
            .0
            .round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
        let tiyin = rounded
            .checked_mul(Decimal::ONE_HUNDRED)
            .ok_or(MoneyError::Overflow)?;
        i64::try_from(tiyin.trunc())
            .map_err(|_| MoneyError::Overflow)
            .and_then(Money::from_tiyin)
    }

    /// Sum.
    pub fn checked_add(self, other: Exact) -> Result<Exact, MoneyError> {
        self.0.checked_add(other.0).map(Exact).ok_or(MoneyError::Overflow)
    }

    /// Difference.
    pub fn checked_sub(self, other: Exact) -> Result<Exact, MoneyError> {
        self.0.checked_sub(other.0).map(Exact).ok_or(MoneyError::Overflow)
    }

    /// Product with a plain number.
    pub fn checked_mul(self, factor: Decimal) -> Result<Exact, MoneyError> {
        self.0.checked_mul(factor).map(Exact).ok_or(MoneyError::Overflow)
    }

    /// Quotient by a plain number to 28 significant digits; a divisor of zero is [`MoneyError::Overflow`].
    pub fn checked_div(self, divisor: Decimal) -> Result<Exact, MoneyError> {
        self.0.checked_div(divisor).map(Exact).ok_or(MoneyError::Overflow)
    }
}

impl From<Money> for Exact {
    fn from(money: Money) -> Exact {
        money.exact()
    }
}

/// A price: so'm with up to six decimal places, never negative. For impressions it is per 1,000 [003 §5.1].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnitPrice(Decimal);

impl UnitPrice {
    /// Refuses negative prices and more than six places.
    pub fn new(value: Decimal) -> Result<UnitPrice, MoneyError> {
        if value.is_sign_negative() && !value.is_zero() {
            return Err(MoneyError::NotANumber(value.to_string()));
        }
        if value.normalize().scale() > 6 {
            return Err(MoneyError::TooManyPlaces {
                text: value.to_string(),
                places_max: 6,
            });
        }
        Ok(UnitPrice(value))
    }

    /// Parses "12000.00".
    pub fn parse(text: &str) -> Result<UnitPrice, MoneyError> {
        Decimal::from_str_exact(text)
            .map_err(|_| MoneyError::NotANumber(text.to_owned()))
            .and_then(UnitPrice::new)
    }

    /// The decimal in so'm.
    pub fn decimal(self) -> Decimal {
        self.0
    }

    /// What `impressions` cost at this price per 1,000, exactly (delivery.md §5).
    pub fn of_impressions(self, impressions: u64) -> Result<Exact, MoneyError> {
        self.0
            .checked_mul(Decimal::from(impressions))
            .and_then(|product| product.checked_div(Decimal::ONE_THOUSAND))
            .map(Exact)
            .ok_or(MoneyError::Overflow)
    }

    /// How many impressions `amount` pays for: `floor(amount × 1000 / price)` (delivery.md §5). A price of zero pays
    /// for as many as there are (`u64::MAX`); a negative amount for none.
    pub fn impressions_for(self, amount: Exact) -> Result<u64, MoneyError> {
        if amount.0.is_sign_negative() {
            return Ok(0);
        }
        if self.0.is_zero() {
            return Ok(u64::MAX);
        }
        let thousands = amount
            .0
            .checked_mul(Decimal::ONE_THOUSAND)
            .ok_or(MoneyError::Overflow)?;
        // Division is to 28 digits and may round up to a whole number that isn't reached: step back then.
        let quotient = thousands.checked_div(self.0).ok_or(MoneyError::Overflow)?.floor();
        let reached = quotient.checked_mul(self.0).ok_or(MoneyError::Overflow)? <= thousands;
        let whole = if reached {
            quotient
        } else {
            quotient - Decimal::ONE
        };
        u64::try_from(whole).map_err(|_| MoneyError::Overflow)
    }
}

impl fmt::Display for UnitPrice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut value = self.0.normalize();
        if value.scale() < 2 {
            value.rescale(2);
        }
        write!(f, "{value}")
    }
}

/// A share such as a VAT rate: 0.12 is 12 %. Between 0 and 1, four places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(Decimal);

impl Rate {
    /// No share at all: an operator that is no VAT payer.
    pub const ZERO: Rate = Rate(Decimal::ZERO);

    /// Refuses what lies outside 0..=1 or has more than four places.
    pub fn new(value: Decimal) -> Result<Rate, MoneyError> {
        if value < Decimal::ZERO || value > Decimal::ONE {
            return Err(MoneyError::NotANumber(value.to_string()));
        }
        if value.normalize().scale() > 4 {
            return Err(MoneyError::TooManyPlaces {
                text: value.to_string(),
                places_max: 4,
            });
        }
        Ok(Rate(value))
    }

    /// Parses "0.12".
    pub fn parse(text: &str) -> Result<Rate, MoneyError> {
        Decimal::from_str_exact(text)
            .map_err(|_| MoneyError::NotANumber(text.to_owned()))
            .and_then(Rate::new)
    }

    /// The share as a decimal (0.12).
    pub fn decimal(self) -> Decimal {
        self.0
    }

    /// This share of a net sum, rounded half-up: the VAT of one document line (billing.md §4).
    pub fn of(self, net: Money) -> Result<Money, MoneyError> {
        net.exact().checked_mul(self.0)?.round_half_up()
    }

    /// The share in percent without needless zeros: "12".
    pub fn percent(self) -> String {
        (self.0 * Decimal::ONE_HUNDRED).normalize().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn money(text: &str) -> Money {
        Money::parse(text).unwrap()
    }

    #[test]
    fn rounding_is_half_up_away_from_zero() {
        for (exact, rounded) in [
            ("0.005", "0.01"),
            ("-0.005", "-0.01"),
            ("0.33333", "0.33"),
            ("0.335", "0.34"),
        ] {
            let exact = Exact::new(Decimal::from_str_exact(exact).unwrap());
            assert_eq!(exact.round_half_up().unwrap().to_string(), rounded);
        }
    }

    #[test]
    fn vat_is_rounded_once_per_line() {
        let rate = Rate::parse("0.12").unwrap();
        assert_eq!(rate.of(money("1000000.00")).unwrap(), money("120000.00"));
        assert_eq!(rate.of(money("0.04")).unwrap(), money("0.00"));
        assert_eq!(rate.of(money("0.05")).unwrap(), money("0.01"));
    }

    #[test]
    fn bad_sums_are_refused_by_name() {
        assert_eq!(
            Money::parse("1.005"),
            Err(MoneyError::TooManyPlaces {
                text: "1.005".into(),
                places_max: 2
            })
        );
        for text in ["", "1,5", "1e5x", "so'm", "99999999999999999999999999999999"] {
            assert!(
                matches!(Money::parse(text), Err(MoneyError::NotANumber(_))),
                "{text}"
            );
        }
        assert_eq!(Money::parse("10000000000000000.00"), Err(MoneyError::Overflow));
        assert_eq!(
            Money::from_tiyin(TIYIN_MAX).unwrap().checked_add(money("0.01")),
            Err(MoneyError::Overflow)
        );
    }

    #[test]
    fn budget_of_the_books_example_buys_25000_impressions() {
        let price = UnitPrice::parse("12000.00").unwrap();
        assert_eq!(price.impressions_for(money("300000.00").exact()).unwrap(), 25_000);
        assert_eq!(
            price.of_impressions(25_000).unwrap().round_half_up().unwrap(),
            money("300000.00")
        );
    }

    proptest! {
        #[test]
        fn text_form_parses_back(tiyin in -TIYIN_MAX..=TIYIN_MAX) {
            let sum = Money::from_tiyin(tiyin).unwrap();
            prop_assert_eq!(Money::parse(&sum.to_string()).unwrap(), sum);
            prop_assert_eq!(Money::from_decimal(sum.decimal()).unwrap(), sum);
        }

        #[test]
        fn floor_pays_for_what_it_says_and_not_for_one_more(
            tiyin in 0..1_000_000_000_000i64, price_micro in 1..50_000_000_000i64,
        ) {
            let price = UnitPrice::new(Decimal::new(price_micro, 6)).unwrap();
            let budget = Money::from_tiyin(tiyin).unwrap().exact();
            let count = price.impressions_for(budget).unwrap();
            prop_assert!(price.of_impressions(count).unwrap() <= budget);
            prop_assert!(price.of_impressions(count + 1).unwrap() > budget);
        }
    }
}
