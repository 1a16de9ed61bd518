//! The settings of the platform, typed; every mistake in them is reported at once, with its key and where it was made.
//!
//! ```text
//! deploy/namoyish.toml (built in)  <  a settings file  <  DATABASE_URL, REDIS_URL  <  NAMOYISH_<SECTION>__<KEY>
//! ```
//!
//! `deploy/namoyish.toml` names and explains every key and is itself the defaults, so the explanation can't differ from
//! the program. Secrets ([`Secret`]) print as `***`.
//!
//! **How to add a key.** Add the field here and the commented key to the file; the test
//! `the_commented_file_names_every_key_and_no_other` holds them together.

mod read;
mod value;

pub use read::{Mistake, SettingsError};
pub use value::Secret;

use chrono::NaiveTime;
use ipnet::IpNet;
use read::{Read, sections};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use value::choice;

const DEFAULTS: &str = include_str!("../../../../../deploy/namoyish.toml");

choice! {
    /// Where nodes keep counters.
    CounterStore {
        /// Redis where there is one, else in this process.
        Auto = "auto",
        /// Redis; without one nothing starts.
        Redis = "redis",
        /// In this process.
        Memory = "memory",
    }
}

choice! {
    /// The form of log lines.
    LogFormat {
        /// For people.
        Human = "human",
        /// A JSON object a line.
        Json = "json",
    }
}

sections! {
    /// All settings.
    Settings {
        /// Files.
        data: DataSettings {
            /// Folder for everything kept on disk.
            dir: PathBuf,
        }
        /// PostgreSQL.
        database: DatabaseSettings {
            /// Empty: a private server.
            url: Secret,
            /// Most connections.
            connections_max: u32,
        }
        /// Redis.
        redis: RedisSettings {
            /// Empty: a private server.
            url: Secret,
            /// Where counters are kept.
            store: CounterStore,
        }
        /// The order API and the cabinet.
        orders: OrdersSettings {
            /// Address of the listener.
            listen: SocketAddr,
            /// As people reach it; no slash at the end.
            public_url: String,
            /// Time limit of a request.
            request_seconds_max: u64,
            /// Size limit of a body.
            body_bytes_max: u32,
            /// Life of a sign-in.
            session_hours: u32,
        }
        /// The ad server.
        delivery: DeliverySettings {
            /// Address of the listener.
            listen: SocketAddr,
            /// As browsers reach it; no slash at the end.
            public_url: String,
            /// Name of the node.
            node: String,
            /// Networks whose X-Forwarded-For is believed.
            trusted_proxies: Vec<IpNet>,
            /// Life of an impression token.
            token_life_seconds: u32,
            /// City database; empty for the usual place.
            geo_database: PathBuf,
            /// Table of networks; empty for the built-in one.
            geo_overlay: PathBuf,
            /// Most ad requests of an address in a minute; 0 for no limit.
            requests_per_minute_max: u32,
        }
        /// The billing worker.
        billing: BillingSettings {
            /// Tashkent time on the 1st from which the month before is closed.
            close_time: NaiveTime,
            /// Seconds between two looks at what is due.
            tick_seconds: u64,
            /// Day of the next month on which VAT invoices go out to the e-invoice operator.
            vat_invoice_export_day: u32,
            /// Folder for them.
            vat_invoice_folder: String,
            /// The advertising service's code in the state catalogue.
            catalog_code: String,
            /// Its unit's code there.
            package_code: String,
        }
        /// Mail.
        mail: MailSettings {
            /// Empty: messages go to the folder.
            smtp_url: Secret,
            /// Sender.
            from: String,
            /// Folder for messages without a server.
            folder: PathBuf,
        }
        /// Metrics.
        metrics: MetricsSettings {
            /// Address of the listener; none: no metrics.
            listen: Option<SocketAddr>,
        }
        /// The log.
        log: LogSettings {
            /// Form of a line.
            format: LogFormat,
            /// What is logged.
            filter: String,
        }
    }
}

impl Settings {
    /// The settings from a file, if one is named, and the process's environment.
    pub fn load(file: Option<&Path>) -> Result<Settings, SettingsError> {
        let text = match file {
            Some(path) => Some((
                path,
                std::fs::read_to_string(path).map_err(|error| SettingsError::unread(path, &error))?,
            )),
            None => None,
        };
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Settings::from_layers(
            text.as_ref().map(|(path, text)| (*path, text.as_str())),
            environment,
        )
    }

    /// The defaults alone.
    pub fn defaults() -> Result<Settings, SettingsError> {
        Settings::from_layers(None, std::iter::empty())
    }

    /// The settings from a file's text and an environment.
    pub fn from_layers(
        file: Option<(&Path, &str)>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Settings, SettingsError> {
        let mut read = Read::new(DEFAULTS);
        if let Some((path, text)) = file {
            read.file(path, text);
        }
        read.environment(environment);
        let settings = Settings::take(&mut read);
        if let Some(settings) = &settings {
            settings.check(&mut read);
        }
        read.finish(settings)
    }

    /// What types alone don't say.
    fn check(&self, read: &mut Read) {
        let mut limit = |key: &str, value: u64, least: u64, most: u64| {
            if !(least..=most).contains(&value) {
                read.mistake(key, format!("{value} is not between {least} and {most}"));
            }
        };
        limit(
            "database.connections_max",
            self.database.connections_max.into(),
            2,
            1000,
        );
        limit(
            "orders.request_seconds_max",
            self.orders.request_seconds_max,
            1,
            600,
        );
        limit(
            "orders.body_bytes_max",
            self.orders.body_bytes_max.into(),
            1024,
            64 << 20,
        );
        limit(
            "orders.session_hours",
            self.orders.session_hours.into(),
            1,
            24 * 30,
        );
        limit(
            "delivery.token_life_seconds",
            self.delivery.token_life_seconds.into(),
            30,
            600,
        );
        limit("billing.tick_seconds", self.billing.tick_seconds, 1, 3600);
        limit(
            "billing.vat_invoice_export_day",
            self.billing.vat_invoice_export_day.into(),
            1,
            28,
        );
        if NaiveTime::from_hms_opt(0, 20, 0).is_some_and(|least| self.billing.close_time < least) {
            read.mistake(
                "billing.close_time",
                format!("{} is before 00:20", self.billing.close_time.format("%H:%M")),
            );
        }
        for (key, url) in [
            ("orders.public_url", &self.orders.public_url),
            ("delivery.public_url", &self.delivery.public_url),
        ] {
            let scheme = url.starts_with("http://") || url.starts_with("https://");
            if !scheme || url.ends_with('/') || url.contains(char::is_whitespace) {
                read.mistake(
                    key,
                    format!("`{url}` is not an http or https address without a slash at the end"),
                );
            }
        }
        let catalog_code = &self.billing.catalog_code;
        let is_catalog_code =
            catalog_code.len() == 17 && catalog_code.bytes().all(|byte| byte.is_ascii_digit());
        if !catalog_code.is_empty() && !is_catalog_code {
            read.mistake(
                "billing.catalog_code",
                format!("`{catalog_code}` is not a code of 17 digits"),
            );
        }
        let node = &self.delivery.node;
        let plain = node
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if !plain || !(1..=40).contains(&node.len()) {
            read.mistake(
                "delivery.node",
                format!("`{node}` is not a name of 1 to 40 letters, digits, `-` and `_`"),
            );
        }
        let schemes = |url: &Secret, known: &[&str]| {
            url.is_empty()
                || known
                    .iter()
                    .any(|scheme| url.expose().starts_with(&format!("{scheme}:")))
        };
        if !schemes(&self.database.url, &["postgres", "postgresql"]) {
            read.mistake("database.url", "does not begin with postgres:".to_owned());
        }
        if !schemes(
            &self.redis.url,
            &[
                "redis",
                "rediss",
                "redis+unix",
                "unix",
                "valkey",
                "valkeys",
                "valkey+unix",
            ],
        ) {
            read.mistake(
                "redis.url",
                "does not begin with redis:, rediss: or redis+unix:".to_owned(),
            );
        }
        if !schemes(&self.mail.smtp_url, &["smtp", "smtps"]) {
            read.mistake("mail.smtp_url", "does not begin with smtp: or smtps:".to_owned());
        }
    }
}

#[cfg(test)]
mod tests;
