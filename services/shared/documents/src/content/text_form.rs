//! How typed amounts are written in JSON: always strings, in one form each.

use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

macro_rules! text_form {
    ($($(#[$doc:meta])* $name:ident: $type:ty, $write:expr, $read:expr;)*) => {$(
        $(#[$doc])*
        pub(super) mod $name {
            use super::*;

            pub(in crate::content) fn serialize<S: Serializer>(
                value: &$type,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                let write: fn(&$type) -> String = $write;
                serializer.serialize_str(&write(value))
            }

            pub(in crate::content) fn deserialize<'de, D: Deserializer<'de>>(
                deserializer: D,
            ) -> Result<$type, D::Error> {
                let read: fn(&str) -> Result<$type, String> = $read;
                read(&String::deserialize(deserializer)?).map_err(D::Error::custom)
            }
        }
    )*};
}

text_form! {
    /// "1234567.89".
    money: namoyish_domain::money::Money,
        |value| value.to_string(),
        |text| text.parse().map_err(|error: namoyish_domain::money::MoneyError| error.to_string());
    /// "1234567.89", or nothing.
    optional_money: Option<namoyish_domain::money::Money>,
        |value| value.map_or_else(String::new, |sum| sum.to_string()),
        |text| if text.is_empty() {
            Ok(None)
        } else {
            text.parse().map(Some).map_err(|error: namoyish_domain::money::MoneyError| error.to_string())
        };
    /// "12000.00", up to six places.
    unit_price: namoyish_domain::money::UnitPrice,
        |value| value.to_string(),
        |text| namoyish_domain::money::UnitPrice::parse(text).map_err(|error| error.to_string());
    /// "12000.00", or nothing.
    optional_unit_price: Option<namoyish_domain::money::UnitPrice>,
        |value| value.map_or_else(String::new, |price| price.to_string()),
        |text| if text.is_empty() {
            Ok(None)
        } else {
            namoyish_domain::money::UnitPrice::parse(text).map(Some).map_err(|error| error.to_string())
        };
    /// "0.12".
    rate: namoyish_domain::money::Rate,
        |value| value.decimal().normalize().to_string(),
        |text| namoyish_domain::money::Rate::parse(text).map_err(|error| error.to_string());
    /// "25000", "0.5": without needless zeros.
    quantity: rust_decimal::Decimal,
        |value| value.normalize().to_string(),
        |text| rust_decimal::Decimal::from_str_exact(text).map_err(|error| error.to_string());
    /// "2026-11".
    period: namoyish_domain::calendar::ReportingPeriod,
        |value| value.to_string(),
        |text| namoyish_domain::calendar::ReportingPeriod::parse(text).map_err(|error| error.to_string());
}
