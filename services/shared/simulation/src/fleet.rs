//! The serving nodes of a run: real nodes with real journals and counters, driven at the instants of the virtual clock.
//!
//! What a node's own loop does by timers happens here: grants are taken when a request finds them due, marks are told at
//! the latest twenty seconds after the first one waits (the counter store waits sixty after a token's end), journals are
//! shipped when the timeline says so.

use crate::SimulateError;
use crate::commands::chain;
use crate::scenario::{CounterStore, EventKind as Planned, Scenario};
use crate::servers::Servers;
use crate::set_up::SetUp;
use crate::traffic::Traffic;
use chrono::{DateTime, TimeDelta};
use namoyish_delivery::counters::Counters;
use namoyish_delivery::counters::memory::MemoryCounters;
use namoyish_delivery::counters::redis::{RedisCounters, RedisCountersOptions};
use namoyish_delivery::journal::{EventKind, Journal, JournalOptions};
use namoyish_delivery::node::{AdRequest, CountOutcome, Node, NodeParts, PageContext, PlacementAnswer};
use namoyish_delivery::settings::NodeSettings;
use namoyish_domain::calendar::{Timestamp, at_tashkent};
use namoyish_runtime::context::Context;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How often the counter store is asked again before the run is given up.
const COUNTER_TRIES_MAX: u32 = 50;
/// How long a mark may wait to be told.
const MARKS_WAIT_MS: i64 = 20_000;
/// About how many requests a node serves between two refills, and the bounds of that in milliseconds.
const REQUESTS_PER_REFILL: u64 = 20;
const REFILL_MS: (u64, u64) = (250, 30_000);
const DAY_MS: u64 = 86_400_000;

/// A call of an impression URL that is to come. Ordered by time, then by the order of the decisions.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Beacon {
    at_ms: i64,
    serial: u64,
    node: usize,
    token: String,
}

/// One node's place: its disk, and the node while it lives.
struct Place {
    name: String,
    journal: PathBuf,
    node: Option<Node>,
}

/// What a run counted, for the summary on standard error only.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) requests: u64,
    pub(crate) ads: u64,
    pub(crate) counted: u64,
    pub(crate) again: u64,
    pub(crate) refused: u64,
    pub(crate) refills_failed: u64,
}

/// The nodes, their traffic, and what viewers are still going to do.
pub(crate) struct Fleet {
    ctx: Context,
    settings: NodeSettings,
    counters: Arc<dyn Counters>,
    places: Vec<Place>,
    requests: Vec<AdRequest>,
    /// Outages of each entry's placement, unix milliseconds: no page asks for an ad there meanwhile.
    outages: Vec<Vec<(i64, i64)>>,
    traffic: Traffic,
    beacons: BinaryHeap<Reverse<Beacon>>,
    serial: u64,
    marks_due_ms: Option<i64>,
    pub(crate) tally: Tally,
}

fn failed(error: impl std::error::Error) -> SimulateError {
    SimulateError::Delivery(chain(&error))
}

/// A connection notices only at its next call that its server has started anew; a server that stays away ends the run.
async fn wait_for_the_counters(tries: u32, error: impl std::error::Error) -> Result<(), SimulateError> {
    if tries >= COUNTER_TRIES_MAX {
        return Err(failed(error));
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    Ok(())
}

/// The outages of a placement in a scenario.
fn outages_of(scenario: &Scenario, of: &str) -> Vec<(i64, i64)> {
    let at = |local| at_tashkent(local).timestamp_millis();
    scenario
        .events
        .iter()
        .filter_map(|event| match &event.what {
            Planned::Outage {
                placement,
                from,
                until,
            } if placement == of => Some((at(*from), at(*until))),
            _ => None,
        })
        .collect()
}

fn instant(ms: i64) -> Timestamp {
    DateTime::from_timestamp_millis(ms).unwrap_or_default()
}

impl Fleet {
    /// Starts all nodes of a scenario.
    pub(crate) async fn start(
        ctx: &Context,
        servers: &Servers,
        scenario: &Scenario,
        set_up: &SetUp,
        seed: u64,
    ) -> Result<Fleet, SimulateError> {
        let counters: Arc<dyn Counters> = match (scenario.delivery.store, &servers.redis_url) {
            (CounterStore::Redis, Some(url)) => {
                let options = RedisCountersOptions {
                    prefix: servers.key_prefix(),
                    ..RedisCountersOptions::default()
                };
                Arc::new(RedisCounters::open(url, options).map_err(failed)?)
            }
            _ => Arc::new(MemoryCounters::new()),
        };
        let requests = scenario.traffic.iter().map(|row| AdRequest {
            context: PageContext::default(),
            app: None,
            placements: set_up
                .placements
                .get(&row.placement)
                .copied()
                .into_iter()
                .collect(),
            region: row.region,
        });
        let mut fleet = Fleet {
            ctx: ctx.clone(),
            settings: settings(scenario),
            counters,
            places: (1..=scenario.delivery.nodes)
                .map(|number| {
                    let name = format!("node-{number}");
                    Place {
                        journal: servers.folder(&name),
                        name,
                        node: None,
                    }
                })
                .collect(),
            requests: requests.collect(),
            outages: scenario
                .traffic
                .iter()
                .map(|row| outages_of(scenario, &row.placement))
                .collect(),
            traffic: Traffic::new(&scenario.traffic, seed),
            beacons: BinaryHeap::new(),
            serial: 0,
            marks_due_ms: None,
            tally: Tally::default(),
        };
        for place in 0..fleet.places.len() {
            fleet.start_node(place).await?;
        }
        Ok(fleet)
    }

    /// Starts a node on its disk. `false`: it lives already.
    pub(crate) async fn start_node(&mut self, place: usize) -> Result<bool, SimulateError> {
        let now = self.ctx.now();
        let Some(place) = self.places.get_mut(place) else {
            return Ok(false);
        };
        if place.node.is_some() {
            return Ok(false);
        }
        let ids = self.ctx.ids.fork(&place.name);
        let options = JournalOptions {
            sync: false,
            keep_applied: false,
            ..JournalOptions::new(&place.name, now, ids.clone())
        };
        let parts = NodeParts {
            settings: NodeSettings {
                name: place.name.clone(),
                ..self.settings.clone()
            },
            store: self.ctx.store.clone(),
            counters: Arc::clone(&self.counters),
            journal: Arc::new(Journal::open(&place.journal, options).map_err(failed)?),
            ids,
        };
        let node = Node::start(parts, now).await.map_err(failed)?;
        node.heartbeat(now).await?;
        place.node = Some(node);
        Ok(true)
    }

    /// Ends a node without a word: what it holds is gone, what it acknowledged is on its disk. `false`: it was dead.
    pub(crate) fn kill_node(&mut self, place: usize) -> bool {
        self.places
            .get_mut(place)
            .and_then(|place| place.node.take())
            .is_some()
    }

    fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.places.iter().filter_map(|place| place.node.as_ref())
    }

    /// Serves and counts everything that happens before `until`.
    pub(crate) async fn run_until(&mut self, until: Timestamp) -> Result<(), SimulateError> {
        let until_ms = until.timestamp_millis();
        loop {
            let request = self.traffic.next_at_ms().unwrap_or(i64::MAX);
            let beacon = self
                .beacons
                .peek()
                .map_or(i64::MAX, |Reverse(beacon)| beacon.at_ms);
            let marks = self.marks_due_ms.unwrap_or(i64::MAX);
            let next = request.min(beacon).min(marks);
            if next >= until_ms {
                return Ok(());
            }
            self.ctx.clock.advance_to(instant(next));
            if marks == next {
                self.flush_marks(instant(next)).await?;
            } else if beacon == next {
                self.count();
            } else {
                self.serve().await?;
            }
        }
    }

    async fn serve(&mut self) -> Result<(), SimulateError> {
        let Some(request) = self.traffic.take() else {
            return Ok(());
        };
        let is_out = |outage: &(i64, i64)| (outage.0..outage.1).contains(&request.at_ms);
        if self
            .outages
            .get(request.entry)
            .is_some_and(|of_entry| of_entry.iter().any(is_out))
        {
            return Ok(());
        }
        self.tally.requests += 1;
        let place = self.traffic.pick_node(self.places.len());
        // A load balancer goes on to the next node that lives.
        let living = (place..self.places.len()).chain(0..place);
        let node = living
            .into_iter()
            .find_map(|at| Some((at, self.places.get(at)?.node.as_ref()?)));
        let (Some((place, node)), Some(asked)) = (node, self.requests.get(request.entry)) else {
            return Ok(());
        };
        let now = instant(request.at_ms);
        if node.refill_due_at() <= now
            && let Err(error) = node.refill(now).await
        {
            // A counter store that is gone stops no node: it goes on with what it holds and asks again.
            tracing::debug!(error = %error, "no grants");
            self.tally.refills_failed += 1;
        }
        let answers = node.serve(asked, now);
        let Some(PlacementAnswer::Ad(offer)) = answers.first() else {
            return Ok(());
        };
        self.tally.ads += 1;
        let view = self.traffic.view(request.entry);
        let Some(after) = view.rendered_after_ms else {
            return Ok(());
        };
        let token = node.impression_token(offer);
        let at_ms = request.at_ms + after;
        if let Some(again) = view.again_after_ms {
            let node = if view.again_elsewhere { place + 1 } else { place };
            self.later(at_ms + again, node, token.clone());
        }
        self.later(at_ms, place, token);
        Ok(())
    }

    fn later(&mut self, at_ms: i64, place: usize, token: String) {
        let node = place % self.places.len().max(1);
        self.beacons.push(Reverse(Beacon {
            at_ms,
            serial: self.serial,
            node,
            token,
        }));
        self.serial += 1;
    }

    fn count(&mut self) {
        let Some(Reverse(beacon)) = self.beacons.pop() else {
            return;
        };
        let living = (beacon.node..self.places.len()).chain(0..beacon.node);
        let node = living
            .into_iter()
            .find_map(|at| self.places.get(at)?.node.as_ref());
        let Some(node) = node else { return };
        match node.count(&beacon.token, EventKind::Impression, instant(beacon.at_ms)) {
            CountOutcome::Counted(_) => {
                self.tally.counted += 1;
                self.marks_due_ms.get_or_insert(beacon.at_ms + MARKS_WAIT_MS);
            }
            CountOutcome::Again => self.tally.again += 1,
            CountOutcome::Refused(_) | CountOutcome::NotWritten(_) => self.tally.refused += 1,
        }
    }

    async fn flush_marks(&mut self, now: Timestamp) -> Result<(), SimulateError> {
        self.marks_due_ms = None;
        for node in self.nodes() {
            let mut tries = 0;
            while let Err(error) = node.flush_marks(now).await {
                tries += 1;
                wait_for_the_counters(tries, error).await?;
            }
        }
        Ok(())
    }

    /// Tells the counters and PostgreSQL what the nodes counted and saw.
    pub(crate) async fn ship(&mut self) -> Result<(), SimulateError> {
        let now = self.ctx.now();
        self.flush_marks(now).await?;
        let store = &self.ctx.store;
        for node in self.nodes() {
            node.ship(store, now).await.map_err(failed)?;
            node.report_traffic(store).await?;
            node.heartbeat(now).await?;
        }
        Ok(())
    }

    /// Tells PostgreSQL the counter store's own totals of closed epochs, which the bits are compared with.
    pub(crate) async fn report_totals(&self) -> Result<(), SimulateError> {
        let now = self.ctx.now();
        for node in self.nodes() {
            let mut tries = 0;
            while let Err(error) = node.report_totals(&self.ctx.store, now).await {
                tries += 1;
                wait_for_the_counters(tries, error).await?;
            }
        }
        Ok(())
    }

    /// Reads the snapshot again where there is a newer one.
    pub(crate) async fn refresh(&self) -> Result<(), SimulateError> {
        let now = self.ctx.now();
        for node in self.nodes() {
            node.refresh_snapshot(now).await?;
        }
        Ok(())
    }
}

/// Refills as often as the scenario's traffic is worth.
fn settings(scenario: &Scenario) -> NodeSettings {
    let per_day: u64 = scenario.traffic.iter().map(|row| row.per_day).sum();
    let nodes = u64::try_from(scenario.delivery.nodes).unwrap_or(1);
    let every = (DAY_MS * REQUESTS_PER_REFILL * nodes / per_day.max(1)).clamp(REFILL_MS.0, REFILL_MS.1);
    NodeSettings {
        refill_every: TimeDelta::milliseconds(i64::try_from(every).unwrap_or(1_000)),
        requests_per_minute_max: 0,
        ..NodeSettings::new("node", "https://ads.namoyish.example.uz")
    }
}
