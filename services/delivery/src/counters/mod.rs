//! Counter stores: the shared budget counters of all serving nodes, and how a lost one is rebuilt.
//!
//! Rule: delivery.md §6. The contract is [`namoyish_domain::delivery::counters`]; two stores keep it, [`memory`] for one
//! node and [`redis`] for many, under one conformance suite ([`conformance`]).
//!
//! ```text
//! node            store                        PostgreSQL
//! grant      ->   Unknown
//! install_from_store                      ->   what was counted, a new generation
//! install    ->   generation in force
//! grant      ->   Granted first..first+count
//! ```
//!
//! **Rebuilding.** The first generation of a line and scope starts from nothing. A later one means that a store was lost:
//! everything that the plan had admitted so far may have been handed out and may still be shown. When a node was alive
//! within the life of an epoch's tokens, that much is reserved until the last such token has expired:
//!
//! ```text
//! reserved = day_limit - counted in the day        until now + epoch + token life + grace
//! ```
//!
//! Meanwhile what pacing admits beyond it is granted, so that serving goes on at the plan's pace. Then the store answers
//! `Unknown` once more and the reservation is replaced by what the older generations really showed. Two nodes that install
//! a line's first counter at once take the second for a loss: then what is admitted at that instant, the plan's first
//! burst, is reserved; rather that than a guess.
//!
//! What only a node that is gone for good knew (marks it never told, a journal on a lost disk) no counter can know: such
//! numbers are granted again, and the cap in PostgreSQL records what is beyond the budget as `over_cap`.
//!
//! Not here: when to ask (the node's `grants`), what pacing admits (`domain::delivery::pacing`).

pub mod conformance;
pub mod memory;
pub mod redis;

pub use namoyish_domain::delivery::counters::{
    ClosedEpoch, Epoch, GrantReply, GrantRequest, InForce, InstallBase, LineCounter, Mark, Shown,
};

use async_trait::async_trait;
use chrono::NaiveDate;
use namoyish_domain::calendar::{Timestamp, day_start};
use namoyish_domain::delivery::counters::EPOCH_CLOSES_AFTER_SECONDS;
use namoyish_domain::delivery::pacing::UNLIMITED;
use namoyish_domain::ids::LineId;
use namoyish_storage::counting::{InstallAsk, InstallFacts};
use namoyish_storage::{DbError, Store};

/// The most lines that one rebuild reads at once.
const INSTALL_BATCH: usize = 1000;

/// Why a counter store gave no answer. What it did is unknown then; whatever it granted comes back by itself when the
/// epoch closes, so no call is repeated.
#[derive(Debug, thiserror::Error)]
pub enum CountersError {
    /// No answer in time.
    #[error("the counter store gave no answer within {milliseconds} ms")]
    Timeout {
        /// The limit.
        milliseconds: u64,
    },
    /// The server can't be reached or refused the command.
    #[error("the counter store failed")]
    Failed(#[source] ::redis::RedisError),
    /// The answer has a form that the script doesn't make.
    #[error("the counter store answered `{0}`")]
    Protocol(String),
    /// The server knows less than this node was told before: it failed over to a copy with lost writes, or restarted from
    /// an old one. All its counters are treated as lost; the next grant answers `Unknown`.
    #[error("the counter store went back in time: it said {told} where {known} was known")]
    WentBack {
        /// What this node was told before.
        known: u64,
        /// What the server says now.
        told: u64,
    },
}

impl CountersError {
    /// Stable code for logs, metrics and reports.
    pub fn code(&self) -> &'static str {
        match self {
            CountersError::Timeout { .. } => "counter_store_timeout",
            CountersError::Failed(_) => "counter_store_failed",
            CountersError::Protocol(_) => "counter_store_protocol",
            CountersError::WentBack { .. } => "counter_store_went_back",
        }
    }
}

/// Numbers that a node never handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GiveBack {
    /// The line.
    pub line: LineId,
    /// Scope as in [`GrantRequest`].
    pub scope: u32,
    /// Generation of the numbers.
    pub generation: u32,
    /// Epoch of the numbers.
    pub epoch: Epoch,
    /// How many.
    pub count: u32,
}

/// A counter store. Answers come in the order of what was asked.
#[async_trait]
pub trait Counters: Send + Sync {
    /// Grants blocks of numbers; one round trip for all requests.
    async fn grant(&self, requests: &[GrantRequest]) -> Result<Vec<GrantReply>, CountersError>;

    /// Gives back numbers that were never handed out. Not to be repeated after an error: what got lost comes back when
    /// the epoch closes.
    async fn give_back_all(&self, given: &[GiveBack]) -> Result<(), CountersError>;

    /// [`Counters::give_back_all`] for one line.
    async fn give_back(
        &self,
        line: LineId,
        scope: u32,
        generation: u32,
        epoch: Epoch,
        count: u32,
    ) -> Result<(), CountersError> {
        self.give_back_all(&[GiveBack {
            line,
            scope,
            generation,
            epoch,
            count,
        }])
        .await
    }

    /// Tells which numbers were shown. Repeating a mark changes nothing.
    async fn mark_shown(&self, marks: &[Mark]) -> Result<Vec<Shown>, CountersError>;

    /// Installs counters where there is none; answers the generation in force of each.
    async fn install_all(&self, bases: &[InstallBase], now_seconds: i64) -> Result<Vec<u32>, CountersError>;

    /// [`Counters::install_all`] for one line.
    async fn install(&self, base: &InstallBase, now_seconds: i64) -> Result<u32, CountersError> {
        let installed = self.install_all(std::slice::from_ref(base), now_seconds).await?;
        installed
            .first()
            .copied()
            .ok_or_else(|| CountersError::Protocol("no generation".to_owned()))
    }

    /// Replaces reservations by what older generations showed, where the generation in force is that of the base.
    /// Answers which it replaced.
    async fn settle(&self, bases: &[InstallBase]) -> Result<Vec<bool>, CountersError>;

    /// The generation in force of each line and scope.
    async fn in_force(&self, counters: &[(LineId, u32)]) -> Result<Vec<Option<InForce>>, CountersError>;

    /// Totals of closed epochs that were not forgotten yet, oldest first; closes due epochs first.
    async fn closed_epochs(
        &self,
        line: LineId,
        scope: u32,
        now_seconds: i64,
    ) -> Result<Vec<ClosedEpoch>, CountersError>;

    /// Forgets closed epochs whose totals are recorded.
    async fn forget_closed(&self, recorded: &[ClosedEpoch]) -> Result<(), CountersError>;
}

/// Why a counter could not be rebuilt.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// PostgreSQL failed: nothing is granted until it is back.
    #[error("the counters can't be rebuilt without the database")]
    Database(#[from] DbError),
    /// The counter store failed.
    #[error("the counters can't be rebuilt without their store")]
    Counters(#[from] CountersError),
    /// A line has had four thousand million generations.
    #[error("generation {0} does not fit")]
    GenerationTooLarge(i64),
}

impl InstallError {
    /// Stable code for logs, metrics and reports.
    pub fn code(&self) -> &'static str {
        match self {
            InstallError::Database(_) => "install_database_failed",
            InstallError::Counters(error) => error.code(),
            InstallError::GenerationTooLarge(_) => "generation_too_large",
        }
    }
}

/// A counter to be rebuilt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstallRequest {
    /// The line.
    pub line: LineId,
    /// Scope as in [`GrantRequest`].
    pub scope: u32,
    /// The current day, Tashkent.
    pub day: NaiveDate,
    /// The most that pacing admits for the day by now.
    pub day_limit: u64,
    /// When the caller itself may last have handed out numbers of the line, in this life or an earlier one; the others'
    /// signs of life are in PostgreSQL.
    pub own_life: Option<Timestamp>,
}

/// Rebuilds one counter after [`GrantReply::Unknown`]: installs it under a new generation, or settles its reservation.
/// Answers the generation in force. The caller has applied this node's own sealed segments before, so that PostgreSQL
/// knows what it showed.
pub async fn install_from_store(
    store: &Store,
    counters: &dyn Counters,
    line: LineId,
    scope: u32,
    day: NaiveDate,
    day_limit: u64,
    now: Timestamp,
) -> Result<u32, InstallError> {
    let request = InstallRequest {
        line,
        scope,
        day,
        day_limit,
        own_life: None,
    };
    let installed = install_many_from_store(store, counters, "", &[request], now).await?;
    installed
        .first()
        .copied()
        .ok_or(InstallError::GenerationTooLarge(-1))
}

/// [`install_from_store`] for many lines with a few statements and round trips in all; after a lost server that is every
/// line. `own` is the caller's name: its sign of life in PostgreSQL is of this very start, which has handed out nothing
/// yet; what it knows better is in the requests. Answers the generations in force, in the order of the requests.
pub async fn install_many_from_store(
    store: &Store,
    counters: &dyn Counters,
    own: &str,
    requests: &[InstallRequest],
    now: Timestamp,
) -> Result<Vec<u32>, InstallError> {
    let mut generations = Vec::with_capacity(requests.len());
    for batch in requests.chunks(INSTALL_BATCH) {
        generations.extend(install_batch(store, counters, own, batch, now).await?);
    }
    Ok(generations)
}

async fn install_batch(
    store: &Store,
    counters: &dyn Counters,
    own: &str,
    requests: &[InstallRequest],
    now: Timestamp,
) -> Result<Vec<u32>, InstallError> {
    let names: Vec<(LineId, u32)> = requests
        .iter()
        .map(|request| (request.line, request.scope))
        .collect();
    let in_force = counters.in_force(&names).await?;
    let absent: Vec<(LineId, u32)> = names
        .iter()
        .zip(&in_force)
        .filter_map(|(name, in_force)| in_force.is_none().then_some(*name))
        .collect();

    let mut tx = store.begin().await?;
    let mut counting = tx.counting();
    let alive_at = counting.newest_sign_of_life(own).await?;
    let mut new_generations = counting.new_generations(&absent, now).await?.into_iter();
    // Each counter starts from what the generations before its own have shown.
    let mut asks = Vec::with_capacity(requests.len());
    for (request, in_force) in requests.iter().zip(&in_force) {
        let generation = match in_force {
            Some(in_force) => i64::from(in_force.generation),
            None => new_generations.next().unwrap_or(0),
        };
        asks.push(InstallAsk {
            line: request.line,
            scope: request.scope,
            generation,
            day: request.day,
        });
    }
    let facts = counting.install_facts(&asks).await?;
    tx.save().await?;

    let mut settled = Vec::new();
    let mut installed = Vec::new();
    let mut generations = Vec::with_capacity(requests.len());
    for (((request, ask), facts), in_force) in requests.iter().zip(&asks).zip(&facts).zip(&in_force) {
        let generation =
            u32::try_from(ask.generation).map_err(|_| InstallError::GenerationTooLarge(ask.generation))?;
        let bare = InstallBase {
            line: request.line,
            scope: request.scope,
            generation,
            counted_before_day: facts.counted_before_day,
            day: request.day,
            counted_in_day: facts.counted_in_day,
            reserved: 0,
            reserved_before_day: 0,
            reserved_until_seconds: 0,
        };
        match in_force {
            // Another node was faster, or the reservation has run out.
            Some(known) if is_due(*known, now) => settled.push(bare),
            Some(_) => {}
            None => installed.push(reserve(bare, request, facts, alive_at.max(request.own_life), now)),
        }
        generations.push(generation);
    }
    if !settled.is_empty() {
        counters.settle(&settled).await?;
    }
    if !installed.is_empty() {
        let in_force_now = counters.install_all(&installed, now.timestamp()).await?;
        let mut in_force_now = in_force_now.into_iter();
        for (generation, known) in generations.iter_mut().zip(&in_force) {
            if known.is_none() {
                *generation = in_force_now.next().unwrap_or(*generation);
            }
        }
    }
    Ok(generations)
}

fn is_due(known: InForce, now: Timestamp) -> bool {
    known.reserved_until_seconds != 0 && now.timestamp() >= known.reserved_until_seconds
}

/// Adds the reservation of a lost generation, if there was one whose tokens may still be alive.
fn reserve(
    bare: InstallBase,
    request: &InstallRequest,
    facts: &InstallFacts,
    alive_at: Option<Timestamp>,
    now: Timestamp,
) -> InstallBase {
    let is_recent =
        |at: Timestamp| now.timestamp().saturating_sub(at.timestamp()) <= EPOCH_CLOSES_AFTER_SECONDS;
    // Without a budget nothing can be overspent, and a reservation of "everything" would be a blackout.
    let is_unlimited = request.day_limit >= UNLIMITED;
    if facts.is_first_generation || is_unlimited || !alive_at.is_some_and(is_recent) {
        return bare;
    }
    // Just after midnight tokens of the day before are alive too; they count in the scope only.
    let reserved_before_day = if is_recent(day_start(request.day)) {
        facts
            .quota_of_day_before
            .saturating_sub(facts.counted_on_day_before)
    } else {
        0
    };
    tracing::warn!(
        line.id = %request.line,
        counter.generation = bare.generation,
        "a counter is rebuilt after a loss; what was admitted and not counted yet is reserved"
    );
    InstallBase {
        reserved: request.day_limit.saturating_sub(facts.counted_in_day),
        reserved_before_day,
        reserved_until_seconds: now.timestamp().saturating_add(EPOCH_CLOSES_AFTER_SECONDS),
        ..bare
    }
}
