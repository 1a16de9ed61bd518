//! What a node does beside the path of a request, for as long as it runs.
//!
//! ```text
//! refill     when a line runs out, every 250 ms at the latest, and at the begin of each epoch
//! marks      every 200 ms        ship        every second
//! snapshot   on NOTIFY and every 2 s (in force within 5 s: delivery.md §3), with keys and files
//! heartbeat, traffic, totals, geo files, metrics    every 5 s
//! ```
//!
//! Nothing here ends the node: what fails is logged (once until it succeeds again), counted, and tried again. A node that
//! lost its database keeps serving its last snapshot.

use crate::files::FileCache;
use crate::geo::Geo;
use crate::node::Node;
use namoyish_domain::delivery::decision::NoAdReason;
use namoyish_runtime::clock::Clock;
use namoyish_runtime::problem::chain;
use namoyish_runtime::shutdown::Shutdown;
use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

const MARKS_EVERY: Duration = Duration::from_millis(200);
const SHIP_EVERY: Duration = Duration::from_secs(1);
const SNAPSHOT_EVERY: Duration = Duration::from_secs(2);
const SLOW_EVERY: Duration = Duration::from_secs(5);
/// The longest that one round of anything may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest that reading a snapshot of a large platform may take.
const SNAPSHOT_PATIENCE: Duration = Duration::from_secs(60);

/// A node with everything that it works with.
#[derive(Clone)]
pub struct Delivery {
    /// The node.
    pub node: Arc<Node>,
    /// Where viewers are.
    pub geo: Arc<Geo>,
    /// Material files.
    pub files: Arc<FileCache>,
    /// Time.
    pub clock: Clock,
}

impl Delivery {
    /// Puts them together.
    pub fn new(node: Node, geo: Geo, clock: Clock) -> Delivery {
        let files = FileCache::new(node.settings().files_bytes_max);
        Delivery {
            node: Arc::new(node),
            geo: Arc::new(geo),
            files: Arc::new(files),
            clock,
        }
    }

    /// Works until `shutdown` begins. After the HTTP server has drained, the caller ends with [`Node::finish`].
    pub async fn run(&self, shutdown: Shutdown) {
        tokio::join!(
            self.refill_until(&shutdown),
            self.flush_marks_until(&shutdown),
            self.ship_until(&shutdown),
            self.refresh_until(&shutdown),
            self.report_until(&shutdown),
        );
    }

    async fn refill_until(&self, shutdown: &Shutdown) {
        let mut trouble = Trouble::new("grants could not be taken");
        let gap = self.node.settings().refill_gap.to_std().unwrap_or_default();
        loop {
            let until_due = self.node.refill_due_at() - self.clock.now();
            let wait = until_due.to_std().unwrap_or_default().max(gap);
            tokio::select! {
                () = shutdown.wait() => return,
                () = tokio::time::sleep(wait) => {}
                () = self.node.refill_wanted() => tokio::time::sleep(gap).await,
            }
            trouble.note(within(PATIENCE, self.node.refill(self.clock.now())).await);
        }
    }

    async fn flush_marks_until(&self, shutdown: &Shutdown) {
        let mut trouble = Trouble::new("marks could not be told to the counter store");
        while rest(shutdown, MARKS_EVERY).await {
            trouble.note(within(PATIENCE, self.node.flush_marks(self.clock.now())).await);
        }
    }

    async fn ship_until(&self, shutdown: &Shutdown) {
        let mut trouble = Trouble::new("segments could not be applied");
        while rest(shutdown, SHIP_EVERY).await {
            let store = self.node.store();
            trouble.note(
                within(SNAPSHOT_PATIENCE, self.node.ship(store, self.clock.now()))
                    .await
                    .map(|_| ()),
            );
        }
    }

    async fn refresh_until(&self, shutdown: &Shutdown) {
        let mut trouble = Trouble::new("the snapshot could not be refreshed; the last one is served");
        let mut keys_trouble = Trouble::new("the token keys could not be read");
        let mut files_trouble = Trouble::new("material files could not be read");
        files_trouble.note(within(PATIENCE, self.files.fill(&self.node, &self.node.snapshot())).await);
        let mut listener = None;
        loop {
            if listener.is_none() {
                listener = match within(PATIENCE, self.node.store().snapshot_listener()).await {
                    Ok(listening) => Some(listening),
                    Err(failure) => {
                        tracing::debug!(error = %failure, "no notices of snapshots; the version is polled");
                        None
                    }
                };
            }
            tokio::select! {
                () = shutdown.wait() => return,
                () = tokio::time::sleep(SNAPSHOT_EVERY) => {}
                told = notice(&mut listener) => if !told {
                    listener = None;
                    tokio::time::sleep(Duration::from_millis(200)).await;
                },
            }
            let now = self.clock.now();
            let refreshed = within(SNAPSHOT_PATIENCE, self.node.refresh_snapshot(now)).await;
            if matches!(refreshed, Ok(true)) {
                let snapshot = self.node.snapshot();
                files_trouble.note(within(SNAPSHOT_PATIENCE, self.files.fill(&self.node, &snapshot)).await);
            }
            trouble.note(refreshed.map(|_| ()));
            keys_trouble.note(within(PATIENCE, self.node.refresh_keys(now)).await);
        }
    }

    async fn report_until(&self, shutdown: &Shutdown) {
        let mut heartbeat = Trouble::new("the heartbeat could not be written");
        let mut traffic = Trouble::new("traffic could not be reported");
        let mut totals = Trouble::new("the counter store's totals could not be recorded");
        let mut geo = Trouble::new("the location files could not be reloaded; the old ones stay in force");
        loop {
            let now = self.clock.now();
            let store = self.node.store();
            heartbeat.note(within(PATIENCE, self.node.heartbeat(now)).await);
            traffic.note(within(PATIENCE, self.node.report_traffic(store)).await);
            totals.note(within(PATIENCE, self.node.report_totals(store, now)).await);
            geo.note(self.reload_geo().await);
            self.tell_metrics();
            if !rest(shutdown, SLOW_EVERY).await {
                return;
            }
        }
    }

    async fn reload_geo(&self) -> Result<(), Failure> {
        let geo = Arc::clone(&self.geo);
        let done = tokio::task::spawn_blocking(move || geo.reload_if_changed()).await;
        match done {
            Ok(Ok(true)) => {
                tracing::info!("location files were reloaded: {}", self.geo.describe());
                Ok(())
            }
            Ok(Ok(false)) => Ok(()),
            Ok(Err(error)) => Err(Failure(chain(&error))),
            Err(error) => Err(Failure(chain(&error))),
        }
    }

    fn tell_metrics(&self) {
        let decisions = self.node.take_decisions();
        metrics::counter!("ad_decisions_total", "result" => "ad", "reason" => "").increment(decisions.served);
        for (reason, n) in NoAdReason::ALL.into_iter().zip(decisions.empty) {
            metrics::counter!("ad_decisions_total", "result" => "no_ad", "reason" => reason.code())
                .increment(n);
        }
        let snapshot = self.node.snapshot();
        metrics::gauge!("snapshot_lines").set(count(snapshot.lines_running()));
        metrics::gauge!("snapshot_version")
            .set(f64::from(i32::try_from(snapshot.version()).unwrap_or(i32::MAX)));
        let in_hand = u32::try_from(self.node.numbers_in_hand()).unwrap_or(u32::MAX);
        metrics::gauge!("numbers_in_hand").set(f64::from(in_hand));
    }
}

fn count(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

/// A notice of a new snapshot; `false` when the connection is gone. Never ends without a listener.
async fn notice(listener: &mut Option<namoyish_storage::runnable::SnapshotListener>) -> bool {
    match listener {
        Some(listener) => listener.recv().await.is_ok(),
        None => std::future::pending().await,
    }
}

/// Waits; `false` when the program ends.
async fn rest(shutdown: &Shutdown, time: Duration) -> bool {
    tokio::select! {
        () = shutdown.wait() => false,
        () = tokio::time::sleep(time) => true,
    }
}

/// An error with its causes, or that it took too long.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Failure(String);

async fn within<T, E: Error>(time: Duration, work: impl Future<Output = Result<T, E>>) -> Result<T, Failure> {
    match tokio::time::timeout(time, work).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Failure(chain(&error))),
        Err(_) => Err(Failure(format!("no answer within {} s", time.as_secs()))),
    }
}

/// Says once that something fails, and once that it works again.
struct Trouble {
    what: &'static str,
    is_on: bool,
}

impl Trouble {
    fn new(what: &'static str) -> Trouble {
        Trouble { what, is_on: false }
    }

    fn note(&mut self, outcome: Result<(), Failure>) {
        match outcome {
            Ok(()) if self.is_on => {
                self.is_on = false;
                tracing::info!("no longer: {}", self.what);
            }
            Ok(()) => {}
            Err(failure) => {
                metrics::counter!("delivery_failures_total", "what" => self.what).increment(1);
                if !self.is_on {
                    self.is_on = true;
                    tracing::warn!(error = %failure, "{}", self.what);
                }
            }
        }
    }
}
