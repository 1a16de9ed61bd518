//! Price groups: what the price list's annex makes of a list price [003 §3.1.2].
//!
//! Rule: orders.md §2. An annex names groups, each by city, by category of customer or by both, with a coefficient.
//! It is in force from its `valid_from` until the next annex, and immutable as price lists are.
//!
//! ```text
//! price = list price × coefficient, rounded half-up to six places
//! ```
//!
//! **Choice:** six places are the most that a unit price has, so that the group takes nothing from small prices; whole
//! tiyin come once, in the amount (spec README rule 2).
//!
//! **Choice:** one group gives the price, the narrowest: one that names city and category, else the city's, else the
//! category's, else none (the list price itself). Coefficients are never multiplied with each other.

use crate::money::{MoneyError, UnitPrice};
use crate::orders::text::{self, TextRefused};
use chrono::NaiveDate;
use rust_decimal::{Decimal, RoundingStrategy};
use std::collections::BTreeSet;

/// The most groups of an annex.
pub const GROUPS_MAX: usize = 500;
/// The largest coefficient.
pub const COEFFICIENT_MAX: u32 = 100;
/// Decimal places of a unit price.
const PRICE_PLACES: u32 = 6;

/// A factor above 0 and at most 100, with four decimal places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Coefficient(Decimal);

impl Coefficient {
    /// Refuses what is out of bounds.
    pub fn new(value: Decimal) -> Result<Coefficient, PriceGroupRefused> {
        let fits = value > Decimal::ZERO
            && value <= Decimal::from(COEFFICIENT_MAX)
            && value.normalize().scale() <= 4;
        if fits {
            Ok(Coefficient(value))
        } else {
            Err(PriceGroupRefused::Coefficient { given: value })
        }
    }

    /// The factor.
    pub fn decimal(self) -> Decimal {
        self.0
    }
}

/// A group of an annex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceGroup {
    /// Unique in its annex.
    pub name: String,
    /// The city in which the order blank is made out; `None`: any.
    pub city: Option<String>,
    /// The category of the customer; `None`: any.
    pub category: Option<String>,
    /// What a list price is multiplied by.
    pub coefficient: Coefficient,
}

impl PriceGroup {
    /// Checks the texts of a group; at least one of city and category is given.
    pub fn check(
        name: &str,
        city: &str,
        category: &str,
        coefficient: Decimal,
    ) -> Result<PriceGroup, PriceGroupRefused> {
        let name = text::required("name", name, 100)?;
        let some = |text: String| (!text.is_empty()).then_some(text);
        let city = some(text::optional("city", city, 100)?);
        let category = some(text::optional("category", category, 40)?);
        if city.is_none() && category.is_none() {
            return Err(PriceGroupRefused::OfNobody { name });
        }
        Ok(PriceGroup {
            name,
            city,
            category,
            coefficient: Coefficient::new(coefficient)?,
        })
    }
}

/// Why an annex can't be published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PriceGroupRefused {
    /// A text.
    #[error(transparent)]
    Text(#[from] TextRefused),
    /// A coefficient out of bounds.
    #[error(
        "a coefficient is more than 0 and at most {COEFFICIENT_MAX} with four decimal places; {given} is not"
    )]
    Coefficient {
        /// What was given.
        given: Decimal,
    },
    /// Neither a city nor a category.
    #[error("the price group {name} names neither a city nor a category")]
    OfNobody {
        /// Its name.
        name: String,
    },
    /// More than an annex may have.
    #[error("{groups} price groups were given; at most {GROUPS_MAX} are taken")]
    TooMany {
        /// How many were given.
        groups: usize,
    },
    /// Two groups of one name, or for the same city and category.
    #[error("the price group {name} is there twice, by its name or by its city and category")]
    Twice {
        /// Its name.
        name: String,
    },
    /// A day that has begun can't get other prices.
    #[error("an annex is published before its first day: {valid_from} is not after {today}")]
    AlreadyInForce {
        /// First day asked for.
        valid_from: NaiveDate,
        /// The day of publication.
        today: NaiveDate,
    },
}

impl PriceGroupRefused {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            PriceGroupRefused::Text(refused) => refused.code(),
            PriceGroupRefused::Coefficient { .. } => "coefficient_out_of_range",
            PriceGroupRefused::OfNobody { .. } => "price_group_of_nobody",
            PriceGroupRefused::TooMany { .. } => "too_many_price_groups",
            PriceGroupRefused::Twice { .. } => "duplicate_price_group",
            PriceGroupRefused::AlreadyInForce { .. } => "price_annex_already_in_force",
        }
    }

    /// The field at fault.
    pub fn field(&self) -> &'static str {
        match self {
            PriceGroupRefused::Text(refused) => refused.field(),
            PriceGroupRefused::Coefficient { .. } => "coefficient",
            PriceGroupRefused::OfNobody { .. } => "city",
            PriceGroupRefused::TooMany { .. } | PriceGroupRefused::Twice { .. } => "groups",
            PriceGroupRefused::AlreadyInForce { .. } => "valid_from",
        }
    }
}

/// Checks a new annex; without a group it ends all groups.
pub fn check_annex(
    groups: &[PriceGroup],
    valid_from: NaiveDate,
    today: NaiveDate,
    may_be_past: bool,
) -> Result<(), PriceGroupRefused> {
    if groups.len() > GROUPS_MAX {
        return Err(PriceGroupRefused::TooMany { groups: groups.len() });
    }
    if valid_from <= today && !may_be_past {
        return Err(PriceGroupRefused::AlreadyInForce { valid_from, today });
    }
    let mut names = BTreeSet::new();
    let mut given = BTreeSet::new();
    for group in groups {
        let whom = (folded(group.city.as_deref()), folded(group.category.as_deref()));
        if !names.insert(group.name.as_str()) || !given.insert(whom) {
            return Err(PriceGroupRefused::Twice {
                name: group.name.clone(),
            });
        }
    }
    Ok(())
}

/// The group of a customer of `category` whose order blank is made out in `city`.
pub fn group_for<'a>(groups: &'a [PriceGroup], city: &str, category: &str) -> Option<&'a PriceGroup> {
    let (city, category) = (folded(Some(city)), folded(Some(category)));
    let is = |given: &Option<String>, own: &String| given.as_deref().map(|name| folded(Some(name)) == *own);
    groups
        .iter()
        .filter_map(
            |group| match (is(&group.city, &city), is(&group.category, &category)) {
                (Some(true), Some(true)) => Some((0, group)),
                (Some(true), None) => Some((1, group)),
                (None, Some(true)) => Some((2, group)),
                _ => None,
            },
        )
        .min_by_key(|(order, _)| *order)
        .map(|(_, group)| group)
}

/// Cities and categories are the same whatever the case of their letters.
fn folded(name: Option<&str>) -> String {
    name.unwrap_or_default().to_lowercase()
}

/// What a list price is in a group.
pub fn price_in_group(list: UnitPrice, coefficient: Coefficient) -> Result<UnitPrice, MoneyError> {
    let product = list
        .decimal()
        .checked_mul(coefficient.decimal())
        .ok_or(MoneyError::Overflow)?;
    UnitPrice::new(product.round_dp_with_strategy(PRICE_PLACES, RoundingStrategy::MidpointAwayFromZero))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn number(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn group(name: &str, city: &str, category: &str) -> PriceGroup {
        PriceGroup::check(name, city, category, number("0.9")).unwrap()
    }

    fn price(list: &str, coefficient: &str) -> String {
        let coefficient = Coefficient::new(number(coefficient)).unwrap();
        price_in_group(UnitPrice::parse(list).unwrap(), coefficient)
            .unwrap()
            .to_string()
    }

    // orders.md §2 "Price groups".
    #[test]
    fn a_price_in_a_group_is_rounded_half_up_to_six_places() {
        for (list, coefficient, due) in [
            ("12000.00", "0.85", "10200.00"),
            ("12000.00", "1.0001", "12001.20"),
            ("0.123457", "0.5", "0.061729"),
            ("0.000001", "0.5", "0.000001"),
            ("0.000001", "0.4999", "0.00"),
            ("0.00", "3", "0.00"),
        ] {
            assert_eq!(price(list, coefficient), due, "{list} × {coefficient}");
        }
    }

    #[test]
    fn a_price_beyond_what_can_be_held_is_refused() {
        let list = UnitPrice::new(Decimal::MAX).unwrap();
        assert!(price_in_group(list, Coefficient::new(number("2")).unwrap()).is_err());
    }

    #[test]
    fn the_narrowest_group_gives_the_price() {
        let groups = [
            group("partners", "", "partner"),
            group("Samarqand", "Samarqand", ""),
            group("partners in Samarqand", "Samarqand", "partner"),
        ];
        let of = |city, category| group_for(&groups, city, category).map(|group| group.name.as_str());
        assert_eq!(of("Samarqand", "partner"), Some("partners in Samarqand"));
        assert_eq!(of("samarqand", "regular"), Some("Samarqand"));
        assert_eq!(of("Toshkent", "Partner"), Some("partners"));
        assert_eq!(of("Toshkent", "regular"), None);
    }

    #[test]
    fn bad_annexes_are_refused() {
        let check = |groups: &[PriceGroup], valid_from| {
            check_annex(groups, day(valid_from), day("2026-11-21"), false).map_err(|refused| refused.code())
        };
        let one = group("A", "Samarqand", "");
        assert_eq!(check(std::slice::from_ref(&one), "2026-11-22"), Ok(()));
        assert_eq!(check(&[], "2026-11-22"), Ok(()));
        assert_eq!(
            check(std::slice::from_ref(&one), "2026-11-21"),
            Err("price_annex_already_in_force")
        );
        assert_eq!(
            check(&[one.clone(), group("A", "Buxoro", "")], "2026-11-22"),
            Err("duplicate_price_group")
        );
        assert_eq!(
            check(&[one.clone(), group("B", "SAMARQAND", "")], "2026-11-22"),
            Err("duplicate_price_group")
        );
        assert_eq!(
            check(&vec![one; GROUPS_MAX + 1], "2026-11-22"),
            Err("too_many_price_groups")
        );
        let code = |name, city, category, coefficient| {
            PriceGroup::check(name, city, category, number(coefficient))
                .map(|_| ())
                .map_err(|refused| (refused.code(), refused.field()))
        };
        assert_eq!(code("A", "", " ", "1"), Err(("price_group_of_nobody", "city")));
        assert_eq!(code("", "Buxoro", "", "1"), Err(("missing", "name")));
        for coefficient in ["0", "-1", "100.0001", "1.00001"] {
            assert_eq!(
                code("A", "Buxoro", "", coefficient),
                Err(("coefficient_out_of_range", "coefficient"))
            );
        }
    }

    proptest! {
        #[test]
        fn a_group_of_one_changes_no_price(micro in 0i64..1_000_000_000_000) {
            let list = UnitPrice::new(Decimal::new(micro, 6)).unwrap();
            let one = Coefficient::new(Decimal::ONE).unwrap();
            prop_assert_eq!(price_in_group(list, one).unwrap(), list);
        }
    }
}
