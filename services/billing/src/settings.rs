//! What the worker may be told.

use crate::content::CatalogCodes;
use chrono::{NaiveTime, TimeDelta};
use namoyish_domain::billing::vat_invoice;
use namoyish_domain::calendar::{ReportingPeriod, Timestamp, at_tashkent};
use namoyish_runtime::settings::Settings;
use std::path::PathBuf;
use std::time::Duration;

/// Settings of the worker.
#[derive(Debug, Clone)]
pub struct BillingSettings {
    /// Tashkent time of the 1st from which the month before is closed: when the last token has expired and its impression
    /// has arrived (delivery.md §4).
    pub close_time: NaiveTime,
    /// How long closing waits for impressions that the counter stores saw and the journals haven't brought. After that the
    /// month is closed by PostgreSQL's own counts, which are the authority for money, and an alarm is raised.
    pub counts_patience: TimeDelta,
    /// Time between two looks at what is due.
    pub tick_every: Duration,
    /// Day of the next month on which VAT invoices go out.
    pub vat_invoice_export_day: u32,
    /// Folder for the e-invoices that go out; none: they are kept in the database alone.
    pub vat_invoice_folder: Option<PathBuf>,
    /// The service's codes in the state catalogue.
    pub catalog: CatalogCodes,
    /// Where documents are verified, without the query: "https://…/verify".
    pub verify_url: String,
}

impl BillingSettings {
    /// The worker's part of the program's settings.
    pub fn of(settings: &Settings) -> BillingSettings {
        BillingSettings {
            close_time: settings.billing.close_time,
            tick_every: Duration::from_secs(settings.billing.tick_seconds),
            vat_invoice_export_day: settings.billing.vat_invoice_export_day,
            vat_invoice_folder: Some(settings.data.dir.join(&settings.billing.vat_invoice_folder)),
            catalog: CatalogCodes {
                catalog_code: settings.billing.catalog_code.clone(),
                package_code: settings.billing.package_code.clone(),
            },
            verify_url: format!("{}/verify", settings.orders.public_url),
            ..BillingSettings::default()
        }
    }

    /// The instant from which a period may be closed.
    pub fn closes_from(&self, period: ReportingPeriod) -> Timestamp {
        at_tashkent(period.next().first_day().and_time(self.close_time))
    }

    /// The address at which a document is verified; the cabinet prints the same one, so that both make the same bytes.
    pub fn verify_url_of(&self, number: &str, sha256: &str) -> String {
        format!("{}?number={number}&hash={sha256}", self.verify_url)
    }
}

/// 00:20, two days, 15 s, the 9th, no folder, the demo's address.
impl Default for BillingSettings {
    fn default() -> BillingSettings {
        BillingSettings {
            close_time: NaiveTime::from_hms_opt(0, 20, 0).unwrap_or(NaiveTime::MIN),
            counts_patience: TimeDelta::days(2),
            tick_every: Duration::from_secs(15),
            vat_invoice_export_day: vat_invoice::EXPORT_DAY,
            vat_invoice_folder: None,
            catalog: CatalogCodes::default(),
            verify_url: "http://127.0.0.1:8080/verify".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_closed_from_twenty_past_midnight_of_the_1st_in_tashkent() {
        let november = ReportingPeriod::parse("2026-11").unwrap();
        let at = BillingSettings::default().closes_from(november);
        assert_eq!(at.to_rfc3339(), "2026-11-30T19:20:00+00:00");
    }
}
