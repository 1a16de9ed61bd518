//! Price lists: what can be ordered, and at what price from which day on [003 §3.1.1–3.1.3].
//!
//! A list is in force from `valid_from` until the next one. One that is in force or past never changes; what was ordered
//! at it keeps its price, because a line freezes the unit price at signing (orders.md §2).
//!
//! **Choice:** whether an additional service is charged per month or once is said by the order line, not by the item, so
//! that one item can be sold both ways; its unit says how the price is meant by default.

use crate::ids::{AppId, PlacementId};
use crate::money::UnitPrice;
use crate::orders::order_blank::LineKind;
use crate::orders::text::{self, TextRefused};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::collections::BTreeSet;

/// What an item's price is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ItemKind {
    /// Price per 1,000 impressions.
    Impressions,
    /// Price per reporting period.
    Period,
    /// An additional service.
    Additional,
}

impl ItemKind {
    /// The form of the API and the database.
    pub fn code(self) -> &'static str {
        match self {
            ItemKind::Impressions => "impressions",
            ItemKind::Period => "period",
            ItemKind::Additional => "additional",
        }
    }

    /// Parses [`ItemKind::code`].
    pub fn parse(code: &str) -> Option<ItemKind> {
        [ItemKind::Impressions, ItemKind::Period, ItemKind::Additional]
            .into_iter()
            .find(|kind| kind.code() == code)
    }

    /// The kind of line that buys it.
    pub fn line_kind(self) -> LineKind {
        match self {
            ItemKind::Impressions => LineKind::Media,
            ItemKind::Period => LineKind::Period,
            ItemKind::Additional => LineKind::Additional,
        }
    }
}

/// What one unit of an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// 1,000 impressions.
    ThousandImpressions,
    /// One calendar month.
    Month,
    /// One piece, charged once.
    Piece,
}

impl Unit {
    /// The form of the API and the database.
    pub fn code(self) -> &'static str {
        match self {
            Unit::ThousandImpressions => "thousand_impressions",
            Unit::Month => "month",
            Unit::Piece => "piece",
        }
    }

    /// Parses [`Unit::code`].
    pub fn parse(code: &str) -> Option<Unit> {
        [Unit::ThousandImpressions, Unit::Month, Unit::Piece]
            .into_iter()
            .find(|unit| unit.code() == code)
    }

    /// Whether an item of this kind may be counted in this unit.
    pub fn fits(self, kind: ItemKind) -> bool {
        match kind {
            ItemKind::Impressions => self == Unit::ThousandImpressions,
            ItemKind::Period => self == Unit::Month,
            ItemKind::Additional => matches!(self, Unit::Month | Unit::Piece),
        }
    }
}

/// A name in the languages of the platform; Uzbek is in Latin letters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Names {
    /// Uzbek.
    pub uz: String,
    /// Russian.
    pub ru: String,
    /// English.
    pub en: String,
}

impl Names {
    /// Checks the three names; all are required.
    pub fn check(uz: &str, ru: &str, en: &str) -> Result<Names, TextRefused> {
        Ok(Names {
            uz: text::required("name_uz", uz, 200)?,
            ru: text::required("name_ru", ru, 200)?,
            en: text::required("name_en", en, 200)?,
        })
    }
}

/// What an item buys a place in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SoldIn {
    /// Any placement that the line names; an additional service has none.
    Anywhere,
    /// Placements of one app.
    App(AppId),
    /// One placement.
    Placement(PlacementId),
}

/// The most characters of an item's requirements of the material.
pub const REQUIREMENTS_CHARS_MAX: usize = 2_000;

/// An item of a price list, without its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewItem {
    /// Unique in its list: letters, digits, `-`, `_`, `.`.
    pub code: String,
    /// What is sold.
    pub kind: ItemKind,
    /// Its names.
    pub names: Names,
    /// What the price is for.
    pub unit: Unit,
    /// So'm for one unit; net when the operator is a VAT payer, final otherwise [003 §5.3].
    pub unit_price: UnitPrice,
    /// Where it is shown.
    pub sold_in: SoldIn,
    /// Technical requirements of the material [003 §3.1.1]; may be empty.
    pub material_requirements: String,
}

/// The largest price of a unit, so'm: with the largest coefficient of a group it still fits every sum.
pub const PRICE_MAX: u64 = 100_000_000_000;

/// The most items of one list.
pub const ITEMS_MAX: usize = 1_000;

/// Why a price list can't be published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PriceListRefused {
    /// Nothing to sell.
    #[error("a price list has at least one item")]
    NoItems,
    /// More than a list may have.
    #[error("{items} items were given; at most {ITEMS_MAX} are taken")]
    TooManyItems {
        /// How many were given.
        items: usize,
    },
    /// A code with other characters, empty or longer than 64.
    #[error("`{code}` is not an item code of 1 to 64 letters, digits, hyphens, underscores or dots")]
    BadItemCode {
        /// What was given.
        code: String,
    },
    /// Two items of one code.
    #[error("the item code {code} is there twice")]
    DuplicateItem {
        /// The code.
        code: String,
    },
    /// The unit doesn't belong to the kind.
    #[error("item {code}: the unit {unit} does not belong to the kind {kind}")]
    UnitOfAnotherKind {
        /// The item's code.
        code: String,
        /// The kind's code.
        kind: &'static str,
        /// The unit's code.
        unit: &'static str,
    },
    /// A price that no sum could hold.
    #[error("item {code}: at most {PRICE_MAX} so'm for a unit is taken")]
    PriceTooLarge {
        /// The item's code.
        code: String,
    },
    /// An additional service isn't shown anywhere.
    #[error("item {code}: an additional service buys no app and no placement")]
    ServiceWithAPlace {
        /// The item's code.
        code: String,
    },
    /// The requirements of the material are too long.
    #[error(
        "item {code}: the material's requirements have {chars} characters; at most {REQUIREMENTS_CHARS_MAX} are taken"
    )]
    RequirementsTooLong {
        /// The item's code.
        code: String,
        /// How many were given.
        chars: usize,
    },
    /// A list in force or past stays as it is: it is the archive [003 §3.1.3].
    #[error(
        "the list that begins on {valid_from} can't be withdrawn on {today}: only a list that has not begun can"
    )]
    Begun {
        /// First day in force.
        valid_from: NaiveDate,
        /// Today.
        today: NaiveDate,
    },
    /// A day that has begun can't get other prices.
    #[error("a list is published before its first day: {valid_from} is not after {today}")]
    AlreadyInForce {
        /// First day asked for.
        valid_from: NaiveDate,
        /// The day of publication.
        today: NaiveDate,
    },
}

impl PriceListRefused {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            PriceListRefused::NoItems => "price_list_without_items",
            PriceListRefused::TooManyItems { .. } => "too_many_items",
            PriceListRefused::BadItemCode { .. } => "bad_item_code",
            PriceListRefused::DuplicateItem { .. } => "duplicate_item",
            PriceListRefused::UnitOfAnotherKind { .. } => "unit_of_another_kind",
            PriceListRefused::AlreadyInForce { .. } => "price_list_already_in_force",
            PriceListRefused::PriceTooLarge { .. } => "price_too_large",
            PriceListRefused::ServiceWithAPlace { .. } => "service_with_a_place",
            PriceListRefused::RequirementsTooLong { .. } => "too_long",
            PriceListRefused::Begun { .. } => "price_list_begun",
        }
    }
}

/// A code as items, placements, customers and lines have: short, printable, safe in a URL or a file name.
pub fn is_item_code(code: &str) -> bool {
    (1..=64).contains(&code.len())
        && code
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// Checks a new list. `first_list` is the operator's first one, which may begin at any day: there is no older price that
/// it could change.
pub fn check_new_list(
    items: &[NewItem],
    valid_from: NaiveDate,
    today: NaiveDate,
    first_list: bool,
) -> Result<(), PriceListRefused> {
    if items.is_empty() {
        return Err(PriceListRefused::NoItems);
    }
    if items.len() > ITEMS_MAX {
        return Err(PriceListRefused::TooManyItems { items: items.len() });
    }
    if valid_from <= today && !first_list {
        return Err(PriceListRefused::AlreadyInForce { valid_from, today });
    }
    let mut codes = BTreeSet::new();
    for item in items {
        if !is_item_code(&item.code) {
            return Err(PriceListRefused::BadItemCode {
                code: item.code.chars().take(80).collect(),
            });
        }
        if !codes.insert(item.code.as_str()) {
            return Err(PriceListRefused::DuplicateItem {
                code: item.code.clone(),
            });
        }
        if !item.unit.fits(item.kind) {
            return Err(PriceListRefused::UnitOfAnotherKind {
                code: item.code.clone(),
                kind: item.kind.code(),
                unit: item.unit.code(),
            });
        }
        if item.unit_price.decimal() > Decimal::from(PRICE_MAX) {
            return Err(PriceListRefused::PriceTooLarge {
                code: item.code.clone(),
            });
        }
        if item.kind == ItemKind::Additional && item.sold_in != SoldIn::Anywhere {
            return Err(PriceListRefused::ServiceWithAPlace {
                code: item.code.clone(),
            });
        }
        let chars = item.material_requirements.chars().count();
        if chars > REQUIREMENTS_CHARS_MAX {
            return Err(PriceListRefused::RequirementsTooLong {
                code: item.code.clone(),
                chars,
            });
        }
    }
    Ok(())
}

/// Whether a list may be withdrawn: only before its first day.
pub fn check_withdrawal(valid_from: NaiveDate, today: NaiveDate) -> Result<(), PriceListRefused> {
    if today < valid_from {
        Ok(())
    } else {
        Err(PriceListRefused::Begun { valid_from, today })
    }
}

/// Of the days on which lists begin, the one whose list is in force on `day`.
pub fn in_force(beginnings: impl IntoIterator<Item = NaiveDate>, day: NaiveDate) -> Option<NaiveDate> {
    beginnings
        .into_iter()
        .filter(|valid_from| *valid_from <= day)
        .max()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn item(code: &str) -> NewItem {
        NewItem {
            code: code.into(),
            kind: ItemKind::Impressions,
            names: Names::check("Banner", "Баннер", "Banner").unwrap(),
            unit: Unit::ThousandImpressions,
            unit_price: UnitPrice::parse("12000.00").unwrap(),
            sold_in: SoldIn::Anywhere,
            material_requirements: String::new(),
        }
    }

    #[test]
    fn the_list_in_force_is_the_latest_that_has_begun() {
        let lists = [day("2026-01-01"), day("2026-07-01"), day("2027-01-01")];
        assert_eq!(in_force(lists, day("2026-06-30")), Some(day("2026-01-01")));
        assert_eq!(in_force(lists, day("2026-07-01")), Some(day("2026-07-01")));
        assert_eq!(in_force(lists, day("2025-12-31")), None);
    }

    #[test]
    fn bad_lists_are_refused() {
        let check = |items: &[NewItem]| {
            check_new_list(items, day("2026-12-01"), day("2026-11-21"), false)
                .map_err(|refused| refused.code())
        };
        assert_eq!(check(&[item("A")]), Ok(()));
        assert_eq!(check(&[]), Err("price_list_without_items"));
        assert_eq!(check(&[item("A"), item("A")]), Err("duplicate_item"));
        assert_eq!(check(&[item("a b")]), Err("bad_item_code"));
        assert_eq!(check(&[item("")]), Err("bad_item_code"));
        assert_eq!(
            check(&[NewItem {
                unit: Unit::Month,
                ..item("A")
            }]),
            Err("unit_of_another_kind")
        );
        assert_eq!(check(&vec![item("A"); ITEMS_MAX + 1]), Err("too_many_items"));
        assert_eq!(
            check(&[NewItem {
                kind: ItemKind::Additional,
                unit: Unit::Piece,
                sold_in: SoldIn::App(AppId::from_uuid(uuid::Uuid::from_u128(1))),
                ..item("A")
            }]),
            Err("service_with_a_place")
        );
        assert_eq!(
            check(&[NewItem {
                unit_price: UnitPrice::parse("100000000000.01").unwrap(),
                ..item("A")
            }]),
            Err("price_too_large")
        );
        assert_eq!(
            check(&[NewItem {
                material_requirements: "x".repeat(REQUIREMENTS_CHARS_MAX + 1),
                ..item("A")
            }]),
            Err("too_long")
        );
    }

    #[test]
    fn prices_of_a_day_that_has_begun_never_change() {
        let refused = check_new_list(&[item("A")], day("2026-11-21"), day("2026-11-21"), false).unwrap_err();
        assert_eq!(refused.code(), "price_list_already_in_force");
        assert_eq!(
            check_new_list(&[item("A")], day("2026-01-01"), day("2026-11-21"), true),
            Ok(())
        );
    }

    // orders.md §2: lists in force or past are immutable.
    #[test]
    fn only_a_list_that_has_not_begun_is_withdrawn() {
        let check = |today| check_withdrawal(day("2026-12-01"), day(today)).map_err(|refused| refused.code());
        assert_eq!(check("2026-11-30"), Ok(()));
        assert_eq!(check("2026-12-01"), Err("price_list_begun"));
        assert_eq!(check("2027-01-01"), Err("price_list_begun"));
    }

    #[test]
    fn each_kind_is_bought_by_its_own_line() {
        assert_eq!(ItemKind::Impressions.line_kind(), LineKind::Media);
        assert_eq!(ItemKind::Period.line_kind(), LineKind::Period);
        assert_eq!(ItemKind::Additional.line_kind(), LineKind::Additional);
        for kind in ["impressions", "period", "additional"] {
            assert_eq!(ItemKind::parse(kind).unwrap().code(), kind);
        }
        assert_eq!(ItemKind::parse("media"), None);
        assert!(Unit::Piece.fits(ItemKind::Additional) && !Unit::Piece.fits(ItemKind::Period));
    }
}
