//! One serving node: decides from memory, counts into its journal, and talks to the counter store and PostgreSQL only
//! beside the path of a request.
//!
//! Rule: delivery.md §3–§6a.
//!
//! ```text
//! serve  request -> index by placement and region -> most behind its schedule -> a number in hand -> offer
//! count  token   -> verified -> not called here before -> journal -> mark for the counter store
//! refill, flush_marks, ship, report_traffic, report_totals, refresh_snapshot: beside it, by `run` or by a simulation
//! ```
//!
//! [`Node::serve`] and [`Node::count`] are synchronous, take the instant as an argument and read no clock, so that a
//! simulation drives the same code under a virtual clock. They share one short lock; nothing is awaited under it.
//!
//! **Counted once.** The node remembers the numbers that were called at it until their epoch closes, and answers a second
//! call without a second record. What was called elsewhere, or before a restart, is told apart when the segment is
//! applied (`storage::counting`): the bits there are the authority.

use crate::called::{Called, CalledKey, Unwritten};
use crate::counters::{
    Counters, CountersError, GrantReply, GrantRequest, InstallError, Mark, Shown, install_many_from_store,
};
use crate::geo::Whereabouts;
use crate::grants::{GrantBook, RefillPlan, install_request};
use crate::journal::{Event, EventKind, Journal, JournalError, Position, Relay};
use crate::seen::{Seen, ViewerHash};
use crate::settings::NodeSettings;
use crate::ship::ShipError;
use crate::snapshot::{ServedLine, ServedMaterial, ServedPlacement, Snapshot};
use crate::token_keys::{TokenKeysError, load_token_keys, open_text, seal_text};
use arc_swap::ArcSwap;
use chrono::{DateTime, TimeDelta};
use namoyish_domain::calendar::{Timestamp, tashkent_day};
use namoyish_domain::delivery::decision::{
    LineSlot, NoAdReason, PlacementSlot, ViewerPath, Wish, decide, material_of_turn,
};
use namoyish_domain::delivery::hash::QuickMap;
use namoyish_domain::delivery::token::{Claims, OpenedToken, TokenKeys, TokenRefused};
use namoyish_domain::ids::{AppId, LineId, PlacementId};
use namoyish_domain::orders::placement::RegionCode;
use namoyish_runtime::ids::Generator;
use namoyish_storage::counting::SegmentCounts;
use namoyish_storage::runnable::{DemandSeen, SnapshotData, TrafficSeen};
use namoyish_storage::{DbError, Store};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Most grants or marks of one call of the counter store.
const BATCH: usize = 1000;
/// Most rounds in which unknown counters are installed in one refill.
const INSTALL_ROUNDS: usize = 2;

/// What a node is made of.
pub struct NodeParts {
    /// How it works.
    pub settings: NodeSettings,
    /// PostgreSQL, for what is done beside the path of a request.
    pub store: Store,
    /// The shared budget counters.
    pub counters: Arc<dyn Counters>,
    /// Its own journal.
    pub journal: Arc<Journal>,
    /// Keys and draws.
    pub ids: Generator,
}

/// A request for ads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdRequest {
    /// The app whose key the request carries; `None`: any placement may be asked for.
    pub app: Option<AppId>,
    /// The placements to fill, at most sixteen.
    pub placements: Vec<PlacementId>,
    /// The viewer's region; `None`: unresolvable.
    pub region: Option<RegionCode>,
    /// What else is known of the viewer and the page.
    pub context: PageContext,
}

/// What the app tells of the viewer and the page, beside the region (orders.md §3).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PageContext {
    /// Who it is, hashed; `None`: not told apart, so that lines with a frequency cap aren't shown.
    pub viewer: Option<ViewerHash>,
    /// The page's rubric, by [`context_hash`].
    ///
    /// [`context_hash`]: namoyish_domain::orders::targeting::context_hash
    pub rubric: Option<u64>,
    /// The search's words, each by `context_hash`.
    pub words: Vec<u64>,
}

/// An ad for a placement. Nothing is counted yet; [`Node::token`] makes the URLs' tokens.
#[derive(Debug, Clone)]
pub struct Offer {
    /// What its tokens say.
    pub claims: Claims,
    /// What to show.
    pub material: Arc<ServedMaterial>,
}

/// The answer for one placement, in the order of the request.
#[derive(Debug, Clone)]
pub enum PlacementAnswer {
    /// An ad.
    Ad(Offer),
    /// None, and why.
    NoAd(NoAdReason),
}

/// A question for ads as it comes over HTTP.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    /// The app's publishable key.
    pub(crate) key: &'a str,
    /// Codes of the placements.
    pub(crate) codes: &'a [Cow<'a, str>],
    pub(crate) viewer: Whereabouts,
    pub(crate) context: PageContext,
}

/// The answer for one placement of a [`Question`].
#[derive(Debug)]
pub(crate) struct Answer {
    /// `None`: there is no placement of the code.
    pub(crate) placement: Option<Arc<ServedPlacement>>,
    pub(crate) ad: Result<Offer, NoAdReason>,
}

/// No app has this key.
#[derive(Debug)]
pub(crate) struct UnknownKey;

/// What became of a call of an impression, viewable or click URL.
#[derive(Debug)]
pub enum CountOutcome {
    /// Counted; acknowledged only when the journal is durable up to here.
    Counted(Position),
    /// This token was called before: nothing is counted again.
    Again,
    /// The token counts nothing.
    Refused(TokenRefused),
    /// The journal can't take it now: the call is not acknowledged and may be repeated.
    NotWritten(JournalError),
}

/// Why a call can't be answered as counted.
#[derive(Debug, thiserror::Error)]
pub enum CountError {
    /// The token counts nothing.
    #[error(transparent)]
    Refused(#[from] TokenRefused),
    /// The journal can't take it now.
    #[error("the impression could not be written")]
    NotWritten(#[from] JournalError),
}

/// Why grants could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum RefillError {
    /// The counter store failed.
    #[error(transparent)]
    Counters(#[from] CountersError),
    /// A counter could not be rebuilt.
    #[error(transparent)]
    Install(#[from] InstallError),
    /// The node's own segments could not be applied before that.
    #[error(transparent)]
    Ship(#[from] ShipError),
}

/// Why a node can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The snapshot can't be read.
    #[error("the snapshot can't be read")]
    Database(#[from] DbError),
    /// There are no keys.
    #[error(transparent)]
    Keys(#[from] TokenKeysError),
}

/// What the node decided since it was asked last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DecisionCounts {
    /// Placements that got an ad.
    pub served: u64,
    /// Placements that stayed empty, in the order of [`NoAdReason::ALL`].
    pub empty: [u64; NoAdReason::ALL.len()],
}

/// What the request path changes, under one short lock.
struct Hot {
    snapshot: Arc<Snapshot>,
    grants: GrantBook,
    traffic: Traffic,
    decisions: DecisionCounts,
    /// Lines of which this node was granted numbers since its start.
    granted: HashSet<LineId>,
    seen: Seen,
}

/// Requests seen since they were last reported.
#[derive(Default)]
struct Traffic {
    /// Hours since 1970 that `now` belongs to.
    hour: i64,
    now: QuickMap<(PlacementSlot, Option<RegionCode>), u64>,
    cells: Vec<TrafficSeen>,
    demand: HashMap<(LineId, chrono::NaiveDate), u64>,
}

/// A serving node.
pub struct Node {
    settings: NodeSettings,
    store: Store,
    counters: Arc<dyn Counters>,
    journal: Arc<Journal>,
    ids: Generator,
    keys: ArcSwap<TokenKeys>,
    public_url: Arc<str>,
    hot: Mutex<Hot>,
    called: Mutex<Called>,
    /// One refill, flush of marks and report of totals at a time.
    refilling: tokio::sync::Mutex<()>,
    flushing: tokio::sync::Mutex<()>,
    reporting: tokio::sync::Mutex<()>,
    wake: Notify,
    started_at: Timestamp,
    /// Its last sign of life before this start.
    life_before: Option<Timestamp>,
}

impl Node {
    /// Starts a node: reads the keys and the snapshot of `now`'s day, and tells the counter store what the journal holds
    /// that isn't applied yet. The first [`Node::refill`] takes numbers.
    pub async fn start(parts: NodeParts, now: Timestamp) -> Result<Node, StartError> {
        let keys = load_token_keys(&parts.store, &parts.ids, now).await?;
        let data = parts.store.load_snapshot(tashkent_day(now)).await?;
        let life_before = parts
            .store
            .begin()
            .await?
            .counting()
            .last_seen(&parts.settings.name)
            .await?;
        let node = Node {
            life_before,
            ..Node::new(parts, keys, data, now)
        };
        node.remember_unapplied(now);
        Ok(node)
    }

    /// A node from keys and a snapshot that the caller has.
    pub fn new(parts: NodeParts, keys: TokenKeys, data: SnapshotData, now: Timestamp) -> Node {
        let public_url: Arc<str> = Arc::from(parts.settings.public_url.as_str());
        let snapshot = Snapshot::of_day(Arc::new(data), tashkent_day(now), Arc::clone(&public_url));
        let snapshot = Arc::new(snapshot);
        let grants = GrantBook::new(&snapshot, parts.ids.draw(), now);
        let NodeParts {
            settings,
            store,
            counters,
            journal,
            ids,
        } = parts;
        Node {
            settings,
            store,
            counters,
            journal,
            keys: ArcSwap::from_pointee(keys),
            public_url,
            hot: Mutex::new(Hot {
                snapshot,
                grants,
                traffic: Traffic {
                    hour: hour_of(now),
                    ..Traffic::default()
                },
                decisions: DecisionCounts::default(),
                granted: HashSet::new(),
                seen: Seen::new(tashkent_day(now)),
            }),
            ids,
            called: Mutex::default(),
            refilling: tokio::sync::Mutex::new(()),
            flushing: tokio::sync::Mutex::new(()),
            reporting: tokio::sync::Mutex::new(()),
            wake: Notify::new(),
            started_at: now,
            life_before: None,
        }
    }

    /// Its settings.
    pub fn settings(&self) -> &NodeSettings {
        &self.settings
    }

    /// PostgreSQL.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// When it was started.
    pub fn started_at(&self) -> Timestamp {
        self.started_at
    }

    /// What it serves from now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.hot().snapshot)
    }

    fn hot(&self) -> MutexGuard<'_, Hot> {
        // What is inside is whole after every statement that can panic, so a poisoned lock may go on.
        self.hot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn called(&self) -> MutexGuard<'_, Called> {
        crate::called::lock(&self.called)
    }

    // ---- the path of a request

    /// Chooses an ad for each placement (delivery.md §3). Never waits; counts nothing.
    pub fn serve(&self, request: &AdRequest, now: Timestamp) -> Vec<PlacementAnswer> {
        let viewer = Whereabouts::of(request.region);
        let mut page = Page::new(viewer, &request.context, request.app, request.placements.len());
        let mut hot = self.hot_at(now);
        let mut answers = Vec::with_capacity(request.placements.len());
        for placement in &request.placements {
            let slot = hot.snapshot.index.slot(*placement);
            answers.push(match hot.answer(&mut page, slot, now, &self.settings) {
                Ok(offer) => PlacementAnswer::Ad(offer),
                Err(reason) => PlacementAnswer::NoAd(reason),
            });
        }
        self.leave(hot, now);
        answers
    }

    /// [`Node::serve`] for a question over HTTP: the app by its key, placements by their codes. Appends to `answers`, in
    /// the question's order.
    pub(crate) fn answer(
        &self,
        question: &Question<'_>,
        now: Timestamp,
        answers: &mut Vec<Answer>,
    ) -> Result<(), UnknownKey> {
        let mut hot = self.hot_at(now);
        let app = hot.snapshot.app_of_key(question.key).ok_or(UnknownKey)?;
        // A partner's key serves only its placements.
        let mut page = Page::new(
            question.viewer,
            &question.context,
            app.partner.then_some(app.id),
            question.codes.len(),
        );
        for code in question.codes {
            // Codes that don't exist are answered as such; the others are decided in one go, so that none gets a line twice.
            let slot = hot.snapshot.slot_of(code);
            let ad = hot.answer(&mut page, slot, now, &self.settings);
            let placement = slot.and_then(|slot| hot.snapshot.placement(slot)).map(Arc::clone);
            answers.push(Answer { placement, ad });
        }
        self.leave(hot, now);
        Ok(())
    }

    fn hot_at(&self, now: Timestamp) -> MutexGuard<'_, Hot> {
        let mut guard = self.hot();
        let hot = &mut *guard;
        hot.grants.turn_epoch(&hot.snapshot.index, now);
        hot.turn_hour(now);
        guard
    }

    /// Lets go of the lock, and wakes whoever takes numbers when it is time.
    fn leave(&self, hot: MutexGuard<'_, Hot>, now: Timestamp) {
        let is_due = hot.grants.refill_due_at() <= now;
        drop(hot);
        if is_due {
            self.wake.notify_one();
        }
    }

    /// The keys that sign.
    pub(crate) fn keys(&self) -> arc_swap::Guard<Arc<TokenKeys>> {
        self.keys.load()
    }

    /// The token of an offer's impression, viewable or click URL.
    pub fn token(&self, offer: &Offer, kind: EventKind) -> String {
        // A target longer than a token takes was refused when the material was submitted; an empty token counts nothing.
        seal_text(&offer.claims, kind, &offer.material.target_url, &self.keys.load()).unwrap_or_default()
    }

    /// The token of an offer's impression URL.
    pub fn impression_token(&self, offer: &Offer) -> String {
        self.token(offer, EventKind::Impression)
    }

    /// Counts a call of an impression, viewable or click URL, once per token (delivery.md §4). The caller waits for the
    /// position itself, or needs no durability (a simulation); a serving node uses [`Node::count_durably`].
    pub fn count(&self, token: &str, kind: EventKind, now: Timestamp) -> CountOutcome {
        match self.open_token(token, kind, now) {
            Ok(opened) => self.count_opened(&mut self.called(), &opened, now),
            Err(refused) => CountOutcome::Refused(refused),
        }
    }

    fn open_token(&self, token: &str, kind: EventKind, now: Timestamp) -> Result<OpenedToken, TokenRefused> {
        open_text(
            token,
            kind,
            &self.keys.load(),
            self.settings.token_life_seconds(),
            now,
        )
    }

    fn count_opened(&self, called: &mut Called, opened: &OpenedToken, now: Timestamp) -> CountOutcome {
        let Claims {
            line,
            material,
            placement,
            region,
            scope,
            generation,
            epoch,
            number,
            decided_at,
        } = opened.claims;
        let key = key_of(opened);
        if !called.set(key, number) {
            return CountOutcome::Again;
        }
        let event = Event {
            kind: opened.kind,
            line,
            scope,
            generation,
            epoch,
            number,
            material,
            placement,
            region,
            decided_at,
            counted_at: now,
        };
        match self.journal.append(&event) {
            Ok(position) => {
                if opened.kind == EventKind::Impression {
                    let mark = Mark {
                        line,
                        scope,
                        generation,
                        epoch,
                        number,
                    };
                    called.mark(mark, self.settings.marks_max);
                }
                CountOutcome::Counted(position)
            }
            Err(error) => {
                called.unset(key, number);
                CountOutcome::NotWritten(error)
            }
        }
    }

    /// [`Node::count`], and waits until the journal is durable: only then may the call be answered. Answers the click's
    /// target, which is empty in the other kinds. A second call waits for the first one's record and fails with it.
    ///
    /// May be dropped half way (the client hung up): the token may then be called again.
    pub async fn count_durably(
        &self,
        token: &str,
        kind: EventKind,
        now: Timestamp,
    ) -> Result<String, CountError> {
        let waits = |position| self.journal.durable(position);
        self.count_and_wait(token, kind, now, waits).await
    }

    /// [`Node::count_durably`] for a task of the relay's thread.
    pub(crate) async fn count_through(
        &self,
        relay: &Relay,
        token: &str,
        kind: EventKind,
        now: Timestamp,
    ) -> Result<String, CountError> {
        self.count_and_wait(token, kind, now, |position| relay.durable(position))
            .await
    }

    /// Where the tasks of one thread wait for the journal.
    pub(crate) fn relay(&self) -> Relay {
        self.journal.relay()
    }

    async fn count_and_wait<W: Future<Output = Result<(), JournalError>>>(
        &self,
        token: &str,
        kind: EventKind,
        now: Timestamp,
        durable: impl FnOnce(Position) -> W,
    ) -> Result<String, CountError> {
        let opened = self.open_token(token, kind, now)?;
        let (key, number) = (key_of(&opened), opened.claims.number);
        let (position, first_call) = {
            let mut called = self.called();
            match self.count_opened(&mut called, &opened, now) {
                CountOutcome::Counted(position) => {
                    let waits = Unwritten::begin(&self.called, &mut called, key, number, position);
                    (position, Some(waits))
                }
                CountOutcome::Again => match called.waits_for(key, number) {
                    Some(position) => (position, None),
                    // The first call's record is on disk.
                    None => return Ok(opened.target),
                },
                CountOutcome::Refused(refused) => return Err(refused.into()),
                CountOutcome::NotWritten(error) => return Err(error.into()),
            }
        };
        let written = durable(position).await;
        match (first_call, written) {
            (Some(first_call), Ok(())) => first_call.written(),
            (Some(first_call), Err(error)) => {
                first_call.failed();
                return Err(error.into());
            }
            (None, written) => written?,
        }
        Ok(opened.target)
    }

    /// The target of a click token that is genuine and past its life.
    pub fn target_of_expired(&self, token: &str, now: Timestamp) -> Result<String, TokenRefused> {
        open_text(token, EventKind::Click, &self.keys.load(), i64::MAX, now).map(|opened| opened.target)
    }

    // ---- beside it

    /// When the next [`Node::refill`] is worth its while: a simulation calls it when the virtual clock has come there.
    pub fn refill_due_at(&self) -> Timestamp {
        self.hot().grants.refill_due_at()
    }

    /// Waits until [`Node::serve`] finds that a refill is due.
    pub(crate) async fn refill_wanted(&self) {
        self.wake.notified().await;
    }

    /// Takes numbers for the lines that need some, installs counters that the store doesn't know, gives back what was
    /// never handed out. Serving goes on from what is in hand, also when this fails.
    pub async fn refill(&self, now: Timestamp) -> Result<(), RefillError> {
        let _one_at_a_time = self.refilling.lock().await;
        let RefillPlan {
            mut slots,
            mut requests,
            returns,
        } = {
            let mut hot = self.hot();
            hot.turn_day(now);
            hot.turn_hour(now);
            let Hot { snapshot, grants, .. } = &mut *hot;
            grants.begin_refill(snapshot, now, &self.settings)
        };
        for round in 0..=INSTALL_ROUNDS {
            let mut unknown_slots = Vec::new();
            let mut unknown = Vec::new();
            for (slots, requests) in slots.chunks(BATCH).zip(requests.chunks(BATCH)) {
                let replies = self.counters.grant(requests).await?;
                self.put_in(slots, requests, &replies, &mut unknown_slots, &mut unknown);
            }
            if unknown.is_empty() || round == INSTALL_ROUNDS {
                break;
            }
            // PostgreSQL must know what this node showed before a counter is rebuilt from it.
            self.ship(&self.store, now).await?;
            let installs: Vec<_> = unknown
                .iter()
                .map(|request| install_request(request, self.own_life(request.line, now)))
                .collect();
            let own = &self.settings.name;
            install_many_from_store(&self.store, self.counters.as_ref(), own, &installs, now).await?;
            (slots, requests) = (unknown_slots, unknown);
        }
        for given in returns.chunks(BATCH) {
            self.counters.give_back_all(given).await?;
        }
        Ok(())
    }

    /// When this node may last have handed out numbers of a line: now, if it was granted any since its start; else at
    /// its last sign of life before.
    fn own_life(&self, line: LineId, now: Timestamp) -> Option<Timestamp> {
        if self.hot().granted.contains(&line) {
            Some(now)
        } else {
            self.life_before
        }
    }

    fn put_in(
        &self,
        slots: &[LineSlot],
        requests: &[GrantRequest],
        replies: &[GrantReply],
        unknown_slots: &mut Vec<LineSlot>,
        unknown: &mut Vec<GrantRequest>,
    ) {
        let mut hot = self.hot();
        for ((slot, request), reply) in slots.iter().zip(requests).zip(replies) {
            if matches!(reply, GrantReply::Granted { count: 1.., .. }) {
                hot.granted.insert(request.line);
            }
            let Hot { snapshot, grants, .. } = &mut *hot;
            if grants.put_in(&snapshot.index, *slot, request, reply) {
                unknown_slots.push(*slot);
                unknown.push(*request);
            }
        }
    }

    /// Tells the counter store which numbers were shown. What can't be told now is kept for the next time, also when the
    /// caller gives up half way; a number told twice is answered as known.
    pub async fn flush_marks(&self, now: Timestamp) -> Result<(), CountersError> {
        let _one_at_a_time = self.flushing.lock().await;
        self.called().forget_closed(now);
        loop {
            let batch = self.called().batch_to_tell(BATCH);
            if batch.is_empty() {
                return Ok(());
            }
            let shown = self.counters.mark_shown(&batch).await?;
            self.called().batch_told();
            let late = shown.iter().filter(|shown| **shown == Shown::Late).count();
            if late > 0 {
                metrics::counter!("marks_late_total").increment(u64::try_from(late).unwrap_or(u64::MAX));
            }
        }
    }

    /// Seals the journal's open segment and applies what is sealed to PostgreSQL, each segment once.
    pub async fn ship(&self, store: &Store, now: Timestamp) -> Result<SegmentCounts, ShipError> {
        crate::ship::ship(&self.journal, store, now).await
    }

    /// Writes the requests seen since the last time: by placement, region and hour, and by line and day. What could not
    /// be written is kept for the next time, also when the caller gives up half way.
    pub async fn report_traffic(&self, store: &Store) -> Result<(), DbError> {
        let seen = {
            let mut hot = self.hot();
            hot.roll_traffic();
            Unreported {
                cells: std::mem::take(&mut hot.traffic.cells),
                demand: std::mem::take(&mut hot.traffic.demand),
                hot: &self.hot,
            }
        };
        if seen.cells.is_empty() && seen.demand.is_empty() {
            return Ok(());
        }
        let told: Vec<DemandSeen> = seen
            .demand
            .iter()
            .map(|((line, day), opportunities)| DemandSeen {
                line: *line,
                day: *day,
                opportunities: *opportunities,
            })
            .collect();
        let mut tx = store.begin().await?;
        tx.node_reports().add_traffic(&seen.cells).await?;
        tx.node_reports().add_demand(&told).await?;
        tx.save().await?;
        seen.reported();
        Ok(())
    }

    /// Records the counter store's own totals of epochs that have closed, and lets the store forget them. Lines whose
    /// totals could not be recorded are asked for again the next time, also when the caller gives up half way.
    pub async fn report_totals(&self, store: &Store, now: Timestamp) -> Result<(), TotalsError> {
        let _one_at_a_time = self.reporting.lock().await;
        let closed = self.hot().grants.closed(now);
        for lines in closed.chunks(BATCH) {
            let mut totals = Vec::new();
            for (line, scope) in lines {
                totals.extend(
                    self.counters
                        .closed_epochs(*line, *scope, now.timestamp())
                        .await?,
                );
            }
            if !totals.is_empty() {
                let mut tx = store.begin().await?;
                tx.counting().record_counter_totals(&totals, now).await?;
                tx.save().await?;
                self.counters.forget_closed(&totals).await?;
            }
            self.hot().grants.totals_recorded(lines);
        }
        Ok(())
    }

    /// Swaps the snapshot in: in force from the next request on.
    pub fn install_snapshot(&self, data: SnapshotData, now: Timestamp) {
        // Built outside the lock: requests go on meanwhile.
        let url = Arc::clone(&self.public_url);
        let snapshot = Snapshot::of_day(Arc::new(data), tashkent_day(now), url);
        self.hot().swap(snapshot, now);
        self.wake.notify_one();
    }

    /// Reads the snapshot again when PostgreSQL has a newer one or the day has changed. Answers whether it did.
    pub async fn refresh_snapshot(&self, now: Timestamp) -> Result<bool, DbError> {
        let today = tashkent_day(now);
        let known = self.snapshot();
        if known.data_day() == today && known.version() == self.store.snapshot_version().await? {
            return Ok(false);
        }
        let data = self.store.load_snapshot(today).await?;
        self.install_snapshot(data, now);
        Ok(true)
    }

    /// Reads the token keys again.
    pub async fn refresh_keys(&self, now: Timestamp) -> Result<(), TokenKeysError> {
        let keys = load_token_keys(&self.store, &self.ids, now).await?;
        self.keys.store(Arc::new(keys));
        Ok(())
    }

    /// Says that the node lives.
    pub async fn heartbeat(&self, now: Timestamp) -> Result<(), DbError> {
        let version = self.snapshot().version();
        let mut tx = self.store.begin().await?;
        tx.node_reports()
            .heartbeat(
                &self.settings.name,
                &self.settings.public_url,
                self.started_at,
                now,
                version,
            )
            .await?;
        tx.save().await
    }

    /// Gives back every number in hand and tells what is still to be told: the last act of a node that ends well.
    pub async fn finish(&self, now: Timestamp) -> Result<(), RefillError> {
        let returns = self.hot().grants.give_back_all();
        for given in returns.chunks(BATCH) {
            self.counters.give_back_all(given).await?;
        }
        self.flush_marks(now).await?;
        self.ship(&self.store, now).await?;
        if let Err(error) = self.report_traffic(&self.store).await {
            tracing::warn!(error = %error, "the last traffic could not be reported");
        }
        Ok(())
    }

    /// What was decided since the last call, for metrics.
    pub fn take_decisions(&self) -> DecisionCounts {
        std::mem::take(&mut self.hot().decisions)
    }

    /// How many numbers are in hand over all lines.
    pub fn numbers_in_hand(&self) -> u64 {
        self.hot().grants.numbers_in_hand()
    }

    /// Marks what the journal still holds from before a restart: it is shown, whatever the counter store knows.
    fn remember_unapplied(&self, now: Timestamp) {
        for segment in self.journal.sealed() {
            let Ok((content, _)) = segment.read() else {
                continue;
            };
            let mut called = self.called();
            for event in content
                .events
                .iter()
                .filter(|event| event.epoch.closes_seconds() > now.timestamp())
            {
                let is_first = called.set(
                    (event.line, event.generation, event.epoch, event.kind),
                    event.number,
                );
                if is_first && event.kind == EventKind::Impression {
                    let mark = Mark {
                        line: event.line,
                        scope: event.scope,
                        generation: event.generation,
                        epoch: event.epoch,
                        number: event.number,
                    };
                    called.mark(mark, self.settings.marks_max);
                }
            }
        }
    }
}

/// Why the counter store's totals could not be recorded.
#[derive(Debug, thiserror::Error)]
pub enum TotalsError {
    /// The counter store failed.
    #[error(transparent)]
    Counters(#[from] CountersError),
    /// PostgreSQL failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl DecisionCounts {
    fn count(&mut self, reason: NoAdReason) {
        for (n, known) in self.empty.iter_mut().zip(NoAdReason::ALL) {
            if known == reason {
                *n += 1;
            }
        }
    }
}

/// What all placements of one request share.
struct Page<'a> {
    viewer: Whereabouts,
    context: &'a PageContext,
    /// Under which lines with a context are looked up: the rubric and the words.
    keys: Vec<u64>,
    /// The app whose placements alone may be asked for.
    app: Option<AppId>,
    /// Whether several placements are asked for.
    has_several: bool,
    /// Lines that placements of the page got already.
    taken: Vec<LineSlot>,
}

impl<'a> Page<'a> {
    fn new(viewer: Whereabouts, context: &'a PageContext, app: Option<AppId>, placements: usize) -> Page<'a> {
        Page {
            viewer,
            context,
            keys: context.rubric.iter().chain(&context.words).copied().collect(),
            app,
            has_several: placements > 1,
            taken: Vec::new(),
        }
    }
}

impl Hot {
    fn answer(
        &mut self,
        page: &mut Page<'_>,
        slot: Option<PlacementSlot>,
        now: Timestamp,
        settings: &NodeSettings,
    ) -> Result<Offer, NoAdReason> {
        let answer = slot
            .ok_or(NoAdReason::UnknownPlacement)
            .and_then(|slot| self.offer(page, slot, now, settings));
        match &answer {
            Ok(_) => self.decisions.served += 1,
            Err(reason) => self.decisions.count(*reason),
        }
        answer
    }

    fn offer(
        &mut self,
        page: &mut Page<'_>,
        slot: PlacementSlot,
        now: Timestamp,
        settings: &NodeSettings,
    ) -> Result<Offer, NoAdReason> {
        if page.app.is_some_and(|app| !self.snapshot.is_of_app(slot, app)) {
            return Err(NoAdReason::OtherApp);
        }
        *self.traffic.now.entry((slot, page.viewer.region)).or_default() += 1;
        if !page.keys.is_empty() {
            self.count_context(page, slot, now);
        }
        let Hot {
            snapshot,
            grants,
            seen,
            ..
        } = &*self;
        let may = |line: LineSlot| {
            let served = usize::try_from(line).ok().and_then(|at| snapshot.lines.get(at));
            served.is_some_and(|line| may_see(line, page.context, seen))
        };
        let wish = Wish {
            slot,
            path: &page.viewer.path,
            context: &page.keys,
            taken: &page.taken,
        };
        let line = decide(&snapshot.index, grants.standings(), &wish, may)?;
        if page.has_several {
            page.taken.push(line);
        }
        let served = usize::try_from(line)
            .ok()
            .and_then(|at| self.snapshot.lines.get(at))
            .ok_or(NoAdReason::NoLine)?;
        let (place, materials) = served.materials_in(slot).ok_or(NoAdReason::NoMaterial)?;
        let number = self
            .grants
            .hand_out(&self.snapshot.index, line, place, now, settings)
            .ok_or(NoAdReason::Pace)?;
        if served
            .targeting
            .as_ref()
            .is_some_and(|targeting| targeting.frequency_cap().is_some())
        {
            self.seen.add(page.context.viewer, served.id);
        }
        let material = material_of_turn(number.turn, materials.len())
            .and_then(|at| materials.get(at))
            .ok_or(NoAdReason::NoMaterial)?;
        let placement = self
            .snapshot
            .placement(slot)
            .ok_or(NoAdReason::UnknownPlacement)?;
        let claims = Claims {
            line: served.id,
            material: material.id,
            placement: placement.id,
            region: page.viewer.region,
            scope: served.scope,
            generation: number.generation,
            epoch: number.epoch,
            number: number.number,
            decided_at: whole_milliseconds(now),
        };
        Ok(Offer {
            claims,
            material: Arc::clone(material),
        })
    }

    /// An opportunity for each line that this page's context suits; those of every page are told by [`Hot::roll_traffic`].
    fn count_context(&mut self, page: &Page<'_>, slot: PlacementSlot, now: Timestamp) {
        let index = &self.snapshot.index;
        let mut lines: Vec<LineSlot> = index
            .matching_context(slot, &page.viewer.path, &page.keys)
            .collect();
        lines.sort_unstable();
        lines.dedup();
        let day = tashkent_day(now);
        for line in lines {
            let served = usize::try_from(line)
                .ok()
                .and_then(|at| self.snapshot.lines.get(at));
            if let Some(line) = served
                && fits_page(line, page.context)
            {
                *self.traffic.demand.entry((line.id, day)).or_default() += 1;
            }
        }
    }

    fn swap(&mut self, snapshot: Snapshot, now: Timestamp) {
        self.roll_traffic();
        self.grants.turn_epoch(&self.snapshot.index, now);
        self.snapshot = Arc::new(snapshot);
        self.grants.install(&self.snapshot, now);
    }

    /// Goes on with the same data when a day has begun.
    fn turn_day(&mut self, now: Timestamp) {
        let today = tashkent_day(now);
        if today != self.snapshot.day() {
            let next = self.snapshot.on(today);
            self.swap(next, now);
        }
    }

    fn turn_hour(&mut self, now: Timestamp) {
        let hour = hour_of(now);
        if hour != self.traffic.hour {
            self.roll_traffic();
            self.traffic.hour = hour;
            // Tashkent's hours and days begin with those of UTC.
            self.seen.turn_day(tashkent_day(now));
            self.grants.turn_hour(&self.snapshot, now);
        }
    }

    /// Moves the running hour's requests to what is to be reported: each is an opportunity of every line that matches.
    fn roll_traffic(&mut self) {
        let traffic = &mut self.traffic;
        let at = DateTime::from_timestamp(traffic.hour * 3600, 0).unwrap_or_default();
        let day = tashkent_day(at);
        // Sorted, so that a simulation writes the same rows in the same order.
        let mut cells: Vec<_> = traffic.now.drain().collect();
        cells.sort_unstable_by_key(|(key, _)| *key);
        for ((slot, region), requests) in cells {
            let Some(placement) = self.snapshot.placement(slot) else {
                continue;
            };
            let placement = placement.id;
            let path = ViewerPath::of(region);
            for line in self.snapshot.index.matching(slot, &path) {
                if let Some(line) = usize::try_from(line)
                    .ok()
                    .and_then(|at| self.snapshot.lines.get(at))
                {
                    *traffic.demand.entry((line.id, day)).or_default() += requests;
                }
            }
            traffic.cells.push(TrafficSeen {
                placement,
                region,
                hour: at,
                requests,
            });
        }
    }
}

impl Traffic {
    /// Takes back what could not be reported. Bounded: sums by key, and traffic is only a forecast's base.
    fn keep(&mut self, cells: Vec<TrafficSeen>, demand: HashMap<(LineId, chrono::NaiveDate), u64>) {
        let mut sums: HashMap<(PlacementId, Option<RegionCode>, Timestamp), u64> = HashMap::new();
        for cell in cells.into_iter().chain(self.cells.drain(..)) {
            *sums.entry((cell.placement, cell.region, cell.hour)).or_default() += cell.requests;
        }
        self.cells = sums
            .into_iter()
            .map(|((placement, region, hour), requests)| TrafficSeen {
                placement,
                region,
                hour,
                requests,
            })
            .collect();
        for (key, n) in demand {
            *self.demand.entry(key).or_default() += n;
        }
    }
}

/// Traffic on its way to PostgreSQL. Dropped before it was written, it is kept for the next report.
struct Unreported<'a> {
    hot: &'a Mutex<Hot>,
    cells: Vec<TrafficSeen>,
    demand: HashMap<(LineId, chrono::NaiveDate), u64>,
}

impl Unreported<'_> {
    fn reported(mut self) {
        self.cells.clear();
        self.demand.clear();
    }
}

impl Drop for Unreported<'_> {
    fn drop(&mut self) {
        if self.cells.is_empty() && self.demand.is_empty() {
            return;
        }
        let (cells, demand) = (std::mem::take(&mut self.cells), std::mem::take(&mut self.demand));
        let mut hot = self.hot.lock().unwrap_or_else(PoisonError::into_inner);
        hot.traffic.keep(cells, demand);
    }
}

/// Whether the page's rubric or search suits a line.
fn fits_page(line: &ServedLine, context: &PageContext) -> bool {
    let targeting = line.targeting.as_ref();
    targeting.is_none_or(|targeting| targeting.allows_context(context.rubric, &context.words))
}

/// Whether a viewer on a page may see a line now, as far as pace and schedule don't say.
fn may_see(line: &ServedLine, context: &PageContext, seen: &Seen) -> bool {
    let Some(targeting) = &line.targeting else {
        return true;
    };
    let cap = targeting.frequency_cap();
    cap.is_none_or(|cap| seen.admits(context.viewer, line.id, cap)) && fits_page(line, context)
}

fn key_of(opened: &OpenedToken) -> CalledKey {
    let claims = &opened.claims;
    (claims.line, claims.generation, claims.epoch, opened.kind)
}

fn hour_of(at: Timestamp) -> i64 {
    at.timestamp().div_euclid(3600)
}

fn whole_milliseconds(at: Timestamp) -> Timestamp {
    at - TimeDelta::nanoseconds(i64::from(at.timestamp_subsec_nanos() % 1_000_000))
}
