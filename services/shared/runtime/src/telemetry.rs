//! Logs and metrics of the process.
//!
//! Logs: readable sentences with dotted fields, for people or as JSON lines; no personal data, no tokens. A failure is
//! logged once, where it is handled. Metrics: the `metrics` macros anywhere, read in Prometheus' text form; without
//! [`Metrics::install`] they cost nothing and are kept nowhere.

use crate::settings::{LogFormat, LogSettings};
use crate::shutdown::Shutdown;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::io::IsTerminal;
use std::time::Duration;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Logs or metrics can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter isn't understood.
    #[error("the log filter `{filter}` is not understood: {reason}")]
    Filter {
        /// As it was given.
        filter: String,
        /// Why.
        reason: String,
    },
    /// They were set up before in this process.
    #[error("logs or metrics were set up before in this process")]
    Twice,
    /// The buckets of a histogram are not accepted.
    #[error("the metrics can't be set up: {0}")]
    Metrics(String),
}

/// Sets up the process's log, to standard error. Once a process.
pub fn init_log(settings: &LogSettings) -> Result<(), TelemetryError> {
    let filter = EnvFilter::try_new(&settings.filter).map_err(|error| TelemetryError::Filter {
        filter: settings.filter.clone(),
        reason: error.to_string(),
    })?;
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match settings.format {
        LogFormat::Human => registry.with(layer.compact().with_target(false)).try_init(),
        LogFormat::Json => registry.with(layer.json().flatten_event(true)).try_init(),
    }
    .map_err(|_| TelemetryError::Twice)
}

/// The process's metrics.
#[derive(Debug, Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
}

/// What was measured is moved into the buckets this often.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// Upper bounds of durations, from a decision (microseconds) to a month's close.
const DURATION_SECONDS: &[f64] = &[
    0.000_01, 0.000_1, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
    60.0,
];

impl Metrics {
    /// Begins to collect. Once a process. Histograms have fixed buckets, so what is kept doesn't grow with traffic.
    pub fn install() -> Result<Metrics, TelemetryError> {
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("seconds".to_owned()), DURATION_SECONDS)
            .map_err(|error| TelemetryError::Metrics(error.to_string()))?
            .build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).map_err(|_| TelemetryError::Twice)?;
        Ok(Metrics { handle })
    }

    /// All metrics as Prometheus' text.
    pub fn render(&self) -> String {
        self.handle.render()
    }

    /// Serves `GET /metrics` until the program ends, and keeps the histograms small meanwhile. For a listener that only
    /// the operator reaches.
    pub async fn serve(&self, listener: TcpListener, shutdown: Shutdown) -> std::io::Result<()> {
        let metrics = self.clone();
        let page = move || async move { metrics.render() };
        let router = axum::Router::new().route("/metrics", axum::routing::get(page));
        let upkeep = async {
            let mut every = tokio::time::interval(UPKEEP_EVERY);
            loop {
                every.tick().await;
                self.handle.run_upkeep();
            }
        };
        tokio::select! {
            served = crate::http::serve(listener, router, shutdown) => served,
            () = upkeep => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_is_not_understood_is_refused() {
        let settings = LogSettings {
            format: LogFormat::Human,
            filter: "info,[".to_owned(),
        };
        assert!(matches!(init_log(&settings), Err(TelemetryError::Filter { .. })));
    }

    #[test]
    fn durations_come_in_buckets() {
        let metrics = Metrics::install().unwrap();
        metrics::counter!("tests_total").increment(2);
        metrics::histogram!("test_duration_seconds").record(0.003);
        metrics.handle.run_upkeep();
        let text = metrics.render();
        assert!(text.contains("tests_total 2"), "{text}");
        assert!(
            text.contains("test_duration_seconds_bucket{le=\"0.005\"} 1"),
            "{text}"
        );
        assert!(Metrics::install().is_err());
    }
}
