//! The one text form of a document's content: what is stored, hashed and signed (billing.md §5).
//!
//! Canonical JSON here means: keys sorted by Unicode code point, no white space, no floating-point number, strings
//! escaped as little as JSON allows. Money, prices, rates and quantities are strings (`content::text_form`).
//!
//! Invariants: equal values give equal bytes; reading the text back and writing it again gives the same bytes.

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Why a value has no canonical form.
#[derive(Debug, thiserror::Error)]
pub enum CanonicalError {
    /// A floating-point number: its text differs between programs, so it can't be hashed.
    #[error("`{0}` is a floating-point number; amounts are strings")]
    Float(String),
    /// Serde refused the value (a map whose keys aren't strings).
    #[error("the value has no JSON form: {0}")]
    NotJson(#[from] serde_json::Error),
}

impl CanonicalError {
    /// Stable name of the refusal.
    pub fn code(&self) -> &'static str {
        match self {
            CanonicalError::Float(_) => "canonical_float",
            CanonicalError::NotJson(_) => "canonical_not_json",
        }
    }
}

/// The canonical JSON of a value.
pub fn canonical_json(value: &impl Serialize) -> Result<String, CanonicalError> {
    let mut out = String::new();
    write(&serde_json::to_value(value)?, &mut out)?;
    Ok(out)
}

/// SHA-256 of the text's UTF-8 bytes in lower-case hex: the hash printed on the document.
pub fn sha256_hex(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

// serde_json sorts keys only while no crate of the build asks it to keep their order, so the sorting is done here.
fn write(value: &Value, out: &mut String) -> Result<(), CanonicalError> {
    match value {
        Value::Number(number) if number.is_f64() => return Err(CanonicalError::Float(number.to_string())),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            out.push_str(&serde_json::to_string(value)?);
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, out)?;
            }
            out.push(']');
        }
        Value::Object(map) => {
            let mut members: Vec<_> = map.iter().collect();
            members.sort_unstable_by(|a, b| a.0.cmp(b.0));
            out.push('{');
            for (index, (key, item)) in members.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(&serde_json::to_string(key)?);
                out.push(':');
                write(item, out)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn keys_are_sorted_at_every_depth_and_there_is_no_white_space() {
        let value = json!({"b": [{"z": 1, "a": null}], "a": "oʻ\"\n", "Я": true, "B": -2});
        assert_eq!(
            canonical_json(&value).unwrap(),
            "{\"B\":-2,\"a\":\"oʻ\\\"\\n\",\"b\":[{\"a\":null,\"z\":1}],\"Я\":true}"
        );
    }

    #[test]
    fn a_floating_point_number_is_refused_by_name() {
        let refused = canonical_json(&json!({"net": [0.1]})).unwrap_err();
        assert_eq!(refused.code(), "canonical_float");
        assert!(refused.to_string().contains("0.1"));
    }

    #[test]
    fn the_hash_is_of_the_utf8_bytes() {
        assert_eq!(
            sha256_hex("soʻm"),
            hex::encode(Sha256::digest([b's', b'o', 0xca, 0xbb, b'm']))
        );
        assert_eq!(
            sha256_hex(""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(".{0,6}", inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn writing_what_was_read_gives_the_same_bytes(value in any_json()) {
            let text = canonical_json(&value).unwrap();
            let read: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(&read, &value);
            prop_assert_eq!(canonical_json(&read).unwrap(), text);
        }
    }
}
