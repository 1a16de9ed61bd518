//! Single values of settings: from a TOML value to a type, with a sentence for what does not fit.

use chrono::NaiveTime;
use ipnet::IpNet;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use toml::Value;

/// A value that must not be printed: a password, or a URL with one.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Secret {
        Secret(value.into())
    }

    /// The value, for its one use.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "\"\"" } else { "***" })
    }
}

/// From a TOML value. The refusal is a sentence that doesn't repeat a secret.
pub(super) trait FromValue: Sized {
    fn from_value(value: &Value) -> Result<Self, String>;
}

fn text(value: &Value) -> Result<&str, String> {
    value
        .as_str()
        .ok_or_else(|| format!("is {}, not a text", kind(value)))
}

/// A value's type in words.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number with a fraction",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date or time",
        Value::Array(_) => "a list",
        Value::Table(_) => "a section",
    }
}

impl FromValue for String {
    fn from_value(value: &Value) -> Result<String, String> {
        text(value).map(str::to_owned)
    }
}

impl FromValue for Secret {
    fn from_value(value: &Value) -> Result<Secret, String> {
        text(value).map(Secret::new)
    }
}

impl FromValue for PathBuf {
    fn from_value(value: &Value) -> Result<PathBuf, String> {
        text(value).map(PathBuf::from)
    }
}

macro_rules! whole_numbers {
    ($($number:ty),*) => {$(
        impl FromValue for $number {
            fn from_value(value: &Value) -> Result<$number, String> {
                let number = value.as_integer().ok_or_else(|| format!("is {}, not a whole number", kind(value)))?;
                <$number>::try_from(number)
                    .map_err(|_| format!("{number} is not between 0 and {}", <$number>::MAX))
            }
        }
    )*};
}
whole_numbers!(u32, u64);

impl FromValue for SocketAddr {
    fn from_value(value: &Value) -> Result<SocketAddr, String> {
        let text = text(value)?;
        text.parse()
            .map_err(|_| format!("`{text}` is not an address with a port, such as 127.0.0.1:8080"))
    }
}

impl FromValue for Option<SocketAddr> {
    fn from_value(value: &Value) -> Result<Option<SocketAddr>, String> {
        if text(value)?.is_empty() {
            Ok(None)
        } else {
            SocketAddr::from_value(value).map(Some)
        }
    }
}

impl FromValue for NaiveTime {
    fn from_value(value: &Value) -> Result<NaiveTime, String> {
        let text = text(value)?;
        NaiveTime::parse_from_str(text, "%H:%M").map_err(|_| format!("`{text}` is not a time such as 00:20"))
    }
}

impl FromValue for IpNet {
    fn from_value(value: &Value) -> Result<IpNet, String> {
        let text = text(value)?;
        let network = text
            .parse::<IpNet>()
            .or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from));
        network.map_err(|_| format!("`{text}` is not a network such as 10.0.0.0/8"))
    }
}

impl<T: FromValue> FromValue for Vec<T> {
    fn from_value(value: &Value) -> Result<Vec<T>, String> {
        let list = value
            .as_array()
            .ok_or_else(|| format!("is {}, not a list", kind(value)))?;
        list.iter().map(T::from_value).collect()
    }
}

/// Declares an enum of named choices.
macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$choice_doc:meta])* $choice:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$choice_doc])* $choice,)* }

        impl $crate::settings::value::FromValue for $name {
            fn from_value(value: &toml::Value) -> Result<$name, String> {
                match value.as_str() {
                    $(Some($text) => Ok($name::$choice),)*
                    _ => Err(format!("is not one of {}", [$($text),*].join(", "))),
                }
            }
        }
    };
}
pub(super) use choice;
