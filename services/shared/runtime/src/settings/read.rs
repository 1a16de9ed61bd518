//! Reading settings in layers, collecting mistakes instead of stopping at the first.

use super::value::kind;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use toml::{Table, Value};

const PREFIX: &str = "NAMOYISH_";

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// "delivery.listen", or the file when it can't be read at all.
    pub key: String,
    /// Where it was said: a file, an environment variable, "the defaults".
    pub origin: String,
    /// What is wrong, without repeating secrets.
    pub problem: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.key, self.origin, self.problem)
    }
}

/// All that is wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError {
    /// In the order of the sections.
    pub mistakes: Vec<Mistake>,
}

impl SettingsError {
    pub(super) fn unread(path: &Path, error: &std::io::Error) -> SettingsError {
        let mistake = Mistake {
            key: path.display().to_string(),
            origin: "settings file".to_owned(),
            problem: format!("can't be read: {error}"),
        };
        SettingsError {
            mistakes: vec![mistake],
        }
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the settings have {} mistake(s):", self.mistakes.len())?;
        self.mistakes
            .iter()
            .try_for_each(|mistake| write!(f, "\n  - {mistake}"))
    }
}

impl std::error::Error for SettingsError {}

/// Settings on their way from text to types.
pub(super) struct Read {
    values: Table,
    origins: BTreeMap<String, String>,
    mistakes: Vec<Mistake>,
}

impl Read {
    pub(super) fn new(defaults: &str) -> Read {
        let mut read = Read {
            values: Table::new(),
            origins: BTreeMap::new(),
            mistakes: Vec::new(),
        };
        match defaults.parse() {
            Ok(values) => read.values = values,
            Err(error) => read.note("defaults", "deploy/namoyish.toml", error.to_string()),
        }
        read
    }

    fn note(&mut self, key: &str, origin: &str, problem: String) {
        self.mistakes.push(Mistake {
            key: key.to_owned(),
            origin: origin.to_owned(),
            problem,
        });
    }

    /// A mistake of a key, wherever its value came from.
    pub(super) fn mistake(&mut self, key: &str, problem: String) {
        let origin = self
            .origins
            .get(key)
            .map_or("the defaults", String::as_str)
            .to_owned();
        self.note(key, &origin, problem);
    }

    pub(super) fn file(&mut self, path: &Path, text: &str) {
        let origin = path.display().to_string();
        let table: Table = match text.parse() {
            Ok(table) => table,
            Err(error) => return self.note(&origin, "settings file", error.to_string().trim().to_owned()),
        };
        for (section, values) in table {
            match values {
                Value::Table(values) => {
                    for (key, value) in values {
                        self.set(&section, &key, value, &origin);
                    }
                }
                other => self.note(&section, &origin, format!("is {}, not a section", kind(&other))),
            }
        }
    }

    pub(super) fn environment(&mut self, environment: impl IntoIterator<Item = (String, String)>) {
        // Sorted, so that the list of mistakes doesn't depend on the order of the environment.
        let environment: BTreeMap<String, String> = environment.into_iter().collect();
        for (name, key) in [("DATABASE_URL", "database"), ("REDIS_URL", "redis")] {
            if let Some(url) = environment.get(name).filter(|url| !url.is_empty()) {
                self.set(key, "url", Value::String(url.clone()), name);
            }
        }
        for (name, text) in &environment {
            // NAMOYISH_POSTGRES_BIN and the like have no double underscore: they are not settings.
            let Some((section, key)) = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once("__"))
            else {
                continue;
            };
            let (section, key) = (section.to_lowercase(), key.to_lowercase());
            let value = self.parse_like_default(&section, &key, text);
            self.set(&section, &key, value, name);
        }
    }

    /// An environment variable is a text; the default says what it should be.
    fn parse_like_default(&self, section: &str, key: &str, text: &str) -> Value {
        let as_text = || Value::String(text.to_owned());
        match self.value(section, key) {
            Some(Value::Integer(_)) => text.trim().parse().map_or_else(|_| as_text(), Value::Integer),
            Some(Value::Boolean(_)) => text.trim().parse().map_or_else(|_| as_text(), Value::Boolean),
            Some(Value::Array(_)) => {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                Value::Array(parts.map(|part| Value::String(part.to_owned())).collect())
            }
            _ => as_text(),
        }
    }

    fn value(&self, section: &str, key: &str) -> Option<&Value> {
        self.values.get(section)?.as_table()?.get(key)
    }

    fn set(&mut self, section: &str, key: &str, value: Value, origin: &str) {
        let name = format!("{section}.{key}");
        let place = self
            .values
            .get_mut(section)
            .and_then(Value::as_table_mut)
            .and_then(|table| table.get_mut(key));
        match place {
            Some(place) => {
                *place = value;
                self.origins.insert(name, origin.to_owned());
            }
            None => {
                let known: Vec<String> = self
                    .values
                    .get(section)
                    .and_then(Value::as_table)
                    .map(|table| table.keys().cloned().collect())
                    .unwrap_or_else(|| self.values.keys().cloned().collect());
                self.note(
                    &name,
                    origin,
                    format!("there is no such key; there are {}", known.join(", ")),
                );
            }
        }
    }

    /// One value as its type; a mistake is noted and answered with `None`.
    pub(super) fn take<T: super::value::FromValue>(&mut self, section: &str, key: &str) -> Option<T> {
        let taken = match self.value(section, key) {
            Some(value) => T::from_value(value),
            None => Err("is missing in the defaults".to_owned()),
        };
        taken
            .map_err(|problem| self.mistake(&format!("{section}.{key}"), problem))
            .ok()
    }

    pub(super) fn finish<T>(self, settings: Option<T>) -> Result<T, SettingsError> {
        match settings {
            Some(settings) if self.mistakes.is_empty() => Ok(settings),
            _ => Err(SettingsError {
                mistakes: self.mistakes,
            }),
        }
    }
}

/// Declares the sections as structs, with `take` to read them and `KEYS` to compare with the commented file.
macro_rules! sections {
    (
        $(#[$all_doc:meta])* $all:ident {
            $($(#[$section_doc:meta])* $section:ident: $section_type:ident {
                $($(#[$doc:meta])* $key:ident: $type:ty,)*
            })*
        }
    ) => {
        $(#[$all_doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $all { $($(#[$section_doc])* pub $section: $section_type,)* }

        $(
            $(#[$section_doc])*
            #[derive(Debug, Clone, PartialEq, Eq)]
            pub struct $section_type { $($(#[$doc])* pub $key: $type,)* }

            impl $section_type {
                fn take(read: &mut $crate::settings::read::Read) -> Option<$section_type> {
                    // All values first, so that every mistake is noted; then the struct, if there was none.
                    $(let $key = read.take(stringify!($section), stringify!($key));)*
                    Some($section_type { $($key: $key?,)* })
                }
            }
        )*

        impl $all {
            /// Every key, "section.key".
            pub const KEYS: &[&str] = &[$($(concat!(stringify!($section), ".", stringify!($key))),*),*];

            fn take(read: &mut $crate::settings::read::Read) -> Option<$all> {
                $(let $section = $section_type::take(read);)*
                Some($all { $($section: $section?,)* })
            }
        }
    };
}
pub(super) use sections;
