//! Counters in Redis (6.2 or newer) or Valkey: shared by all serving nodes (delivery.md §6).
//!
//! Each operation is one Lua script, so it is atomic; scripts are called by their hash and loaded when the server does not
//! know them. Many lines go in one pipeline. Every call has a timeout and none is repeated by itself.
//!
//! Keys, all of a line under one hash tag `{<line>}` so that Redis Cluster keeps them together:
//! ```text
//! <prefix>:life                                hash    life: name of the server's present life; number: grows with each grant call
//! <prefix>:<life>:{<line>}:<scope>             hash    the counter: fields in lua/prelude.lua
//! <prefix>:<life>:{<line>}:<scope>:<gen>:<e>   bitmap  shown numbers of an open epoch; its count is taken when it closes
//! <prefix>:<life>:{<line>}:<scope>:closed      list    totals of closed epochs until they are recorded, at most 1,024
//! ```
//! All but the first expire 40 days after the last grant (bitmaps later than their counter). The server must not evict
//! (`maxmemory-policy noeviction`): an evicted bitmap would be an undercounted epoch.
//!
//! **A server that lost its data** has no `life`: it gets a new one, and every counter is `Unknown` under its new name.
//! **A server that went back in time** (failover to a replica with lost writes, restart from an old file) is found out in
//! two ways: `number` is not above what this node was told before, or a block of numbers begins below one that this node
//! was granted. Then the life is renewed, which makes all counters of all nodes `Unknown`, and the call answers
//! [`CountersError::WentBack`]. Grants are discarded when the life changed under them.
//!
//! Counts are exact up to 2^53; larger caps ("unlimited") are cut to that. Not here: a Redis Cluster client (one server or
//! a failover pair behind one address is what this connects to; the keys are ready for a cluster).

use super::{
    ClosedEpoch, Counters, CountersError, Epoch, GiveBack, GrantReply, GrantRequest, InForce, InstallBase,
    Mark, Shown,
};
use async_trait::async_trait;
use chrono::{Datelike, NaiveDate};
use namoyish_domain::ids::LineId;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Cmd, ErrorKind, RedisResult, Script, ServerErrorKind, Value};
use std::collections::HashMap;
use std::future::Future;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Commands in one pipeline.
const PIPELINE_COMMANDS_MAX: usize = 500;
/// Numbers in one call of the mark script.
const MARKS_PER_CALL_MAX: usize = 1000;
/// The largest count that Lua's numbers hold exactly.
const EXACT_MAX: u64 = (1 << 53) - 1;
/// How often a grant is tried again because the server's life changed under it.
const LIFE_CHANGES_MAX: u32 = 3;
/// Days from 0001-01-01 to 1970-01-01.
const DAYS_TO_1970: i32 = 719_163;
/// Epochs for which this node remembers what it was granted.
const EPOCHS_REMEMBERED: u32 = 2;

struct LuaScript {
    text: String,
    hash: String,
}

impl LuaScript {
    fn new(text: String) -> LuaScript {
        let hash = Script::new(&text).get_hash().to_owned();
        LuaScript { text, hash }
    }
}

type LazyScript = LazyLock<LuaScript>;

macro_rules! counter_script {
    ($file:literal) => {
        LazyLock::new(|| LuaScript::new([include_str!("lua/prelude.lua"), include_str!($file)].concat()))
    };
}

static GRANT: LazyScript = counter_script!("lua/grant.lua");
static MARK: LazyScript = counter_script!("lua/mark.lua");
static GIVE_BACK: LazyScript = counter_script!("lua/give_back.lua");
static INSTALL: LazyScript = counter_script!("lua/install.lua");
static SETTLE: LazyScript = counter_script!("lua/settle.lua");
static CLOSED: LazyScript = counter_script!("lua/closed.lua");
static LIFE: LazyScript = LazyLock::new(|| LuaScript::new(include_str!("lua/life.lua").to_owned()));
static RENEW: LazyScript = LazyLock::new(|| LuaScript::new(include_str!("lua/renew.lua").to_owned()));

fn all_scripts() -> [&'static LuaScript; 8] {
    [
        &GRANT, &MARK, &GIVE_BACK, &INSTALL, &SETTLE, &CLOSED, &LIFE, &RENEW,
    ]
}

/// How to reach the server.
#[derive(Debug, Clone)]
pub struct RedisCountersOptions {
    /// Before every key: letters, digits, `-`, `_` and `:`; other characters are dropped.
    pub prefix: String,
    /// The longest wait for one pipeline's answer.
    pub timeout: Duration,
}

impl Default for RedisCountersOptions {
    fn default() -> RedisCountersOptions {
        RedisCountersOptions {
            prefix: "namoyish".to_owned(),
            timeout: Duration::from_secs(2),
        }
    }
}

/// The counters of one server; one handle a node.
pub struct RedisCounters {
    connection: ConnectionManager,
    options: RedisCountersOptions,
    known: Mutex<Known>,
}

/// What this node was told by the server in its present life.
#[derive(Debug, Default, Clone)]
struct Known {
    life: Option<String>,
    number: u64,
    /// By line, scope and epoch: numbers of the next epoch are granted before this one ends.
    granted: HashMap<(LineId, u32, Epoch), Block>,
    pruned_in: Option<Epoch>,
}

/// The end of the newest block that this node was granted of a line in an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Block {
    generation: u32,
    epoch: Epoch,
    end: u32,
}

struct Call {
    script: &'static LuaScript,
    key: String,
    args: Vec<String>,
}

impl Call {
    fn command(&self) -> Cmd {
        let mut command = redis::cmd("EVALSHA");
        command.arg(&self.script.hash).arg(1).arg(&self.key);
        for arg in &self.args {
            command.arg(arg);
        }
        command
    }
}

impl RedisCounters {
    /// A handle on the server at `url` (`redis://…`, `rediss://…`, `redis+unix://…`). Connects when it is first used, and
    /// again whenever the connection is lost. Must be called inside a tokio runtime.
    pub fn open(url: &str, mut options: RedisCountersOptions) -> Result<RedisCounters, CountersError> {
        options
            .prefix
            .retain(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':'));
        let client = redis::Client::open(url).map_err(CountersError::Failed)?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(options.timeout))
            .set_response_timeout(Some(options.timeout))
            .set_number_of_retries(1)
            .set_max_delay(Duration::from_millis(200));
        let connection =
            ConnectionManager::new_lazy_with_config(client, config).map_err(CountersError::Failed)?;
        Ok(RedisCounters {
            connection,
            options,
            known: Mutex::new(Known::default()),
        })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Each change is a whole one: a poisoned lock guards a state that is as good as any.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn key(&self, life: &str, line: LineId, scope: u32) -> String {
        format!(
            "{}:{life}:{{{}}}:{scope}",
            self.options.prefix,
            line.uuid().simple()
        )
    }

    fn life_call(&self) -> Call {
        Call {
            script: &LIFE,
            key: format!("{}:life", self.options.prefix),
            args: Vec::new(),
        }
    }

    /// The server's life as this node knows it; asks when it does not.
    async fn life(&self) -> Result<String, CountersError> {
        if let Some(life) = self.known().life.clone() {
            return Ok(life);
        }
        let answer = self.call(&[self.life_call()]).await?;
        let (life, number) = read_life(answer.first())?;
        self.adopt(&life, number);
        Ok(life)
    }

    fn adopt(&self, life: &str, number: u64) {
        let mut known = self.known();
        if known.life.as_deref() == Some(life) {
            known.number = known.number.max(number);
        } else {
            *known = Known {
                life: Some(life.to_owned()),
                number,
                ..Known::default()
            };
        }
    }

    /// Calls scripts in pipelines; loads them when the server does not know them. The first refusal fails the whole call.
    async fn call(&self, calls: &[Call]) -> Result<Vec<Value>, CountersError> {
        let mut answers = Vec::with_capacity(calls.len());
        for chunk in calls.chunks(PIPELINE_COMMANDS_MAX) {
            let told = self.pipeline(chunk.iter().map(Call::command)).await?;
            let unknown: Vec<&Call> = chunk
                .iter()
                .zip(&told)
                .filter_map(|(call, told)| is_no_script(told).then_some(call))
                .collect();
            if unknown.is_empty() {
                for told in told {
                    answers.push(told.map_err(CountersError::Failed)?);
                }
                continue;
            }
            for loaded in self.pipeline(all_scripts().into_iter().map(load_command)).await? {
                loaded.map_err(CountersError::Failed)?;
            }
            let mut again = self
                .pipeline(unknown.into_iter().map(Call::command))
                .await?
                .into_iter();
            for told in told {
                let told = if is_no_script(&told) {
                    again.next().unwrap_or(told)
                } else {
                    told
                };
                answers.push(told.map_err(CountersError::Failed)?);
            }
        }
        if answers.len() != calls.len() {
            return Err(CountersError::Protocol(format!(
                "{} answers to {} calls",
                answers.len(),
                calls.len()
            )));
        }
        Ok(answers)
    }

    async fn pipeline(
        &self,
        commands: impl Iterator<Item = Cmd>,
    ) -> Result<Vec<RedisResult<Value>>, CountersError> {
        let mut pipeline = redis::pipe();
        for command in commands {
            pipeline.add_command(command);
        }
        pipeline.ignore_errors();
        let mut connection = self.connection.clone();
        self.within(async move { pipeline.query_async(&mut connection).await })
            .await
    }

    async fn within<T>(&self, call: impl Future<Output = RedisResult<T>>) -> Result<T, CountersError> {
        let milliseconds = u64::try_from(self.options.timeout.as_millis()).unwrap_or(u64::MAX);
        match tokio::time::timeout(self.options.timeout, call).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) if error.is_timeout() => Err(CountersError::Timeout { milliseconds }),
            Ok(Err(error)) => Err(CountersError::Failed(error)),
            Err(_) => Err(CountersError::Timeout { milliseconds }),
        }
    }

    /// One try at granting, in one pipeline. `None`: the server's life changed, nothing that it granted was taken.
    async fn try_grant(&self, requests: &[GrantRequest]) -> Result<Option<Vec<GrantReply>>, CountersError> {
        let life = self.life().await?;
        // Compared with what was known when the call was sent: answers of concurrent calls may overtake each other.
        let (number_before, blocks_before) = {
            let known = self.known();
            let blocks: Vec<[Option<Block>; 2]> = requests
                .iter()
                .map(|request| {
                    let block = |epoch| known.granted.get(&(request.line, request.scope, epoch)).copied();
                    let before = Epoch(request.epoch.0.saturating_sub(1));
                    [block(request.epoch), block(before)]
                })
                .collect();
            (known.number, blocks)
        };
        let mut calls: Vec<Call> = requests
            .iter()
            .map(|request| Call {
                script: &GRANT,
                key: self.key(&life, request.line, request.scope),
                args: vec![
                    request.cap.min(EXACT_MAX).to_string(),
                    day_number(request.day).to_string(),
                    request.day_limit.min(EXACT_MAX).to_string(),
                    request.plan_version.to_string(),
                    request.want.to_string(),
                    request.epoch.0.to_string(),
                    request.now_seconds.to_string(),
                ],
            })
            .collect();
        // Last in the pipeline: a life that is still the same after the grants covers them.
        calls.push(self.life_call());
        let mut answers = self.call(&calls).await?;
        let (life_now, number) = read_life(answers.pop().as_ref())?;
        if life_now != life {
            tracing::warn!("the counter server began a new life: all counters are rebuilt");
            self.adopt(&life_now, number);
            return Ok(None);
        }
        if number <= number_before {
            return Err(self.renew(&life, number_before, number).await);
        }
        let replies: Vec<GrantReply> = answers.iter().map(read_grant).collect::<Result<_, _>>()?;
        for (reply, before) in replies.iter().zip(&blocks_before) {
            if let GrantReply::Granted {
                generation,
                first,
                count: 1..,
                ..
            } = reply
                && let Some(known) = before
                    .iter()
                    .flatten()
                    .find(|known| *generation < known.generation)
                    .or(before[0]
                        .as_ref()
                        .filter(|known| *generation == known.generation && *first < known.end))
            {
                return Err(self.renew(&life, u64::from(known.end), u64::from(*first)).await);
            }
        }
        self.remember(&life, number, requests, &replies);
        Ok(Some(replies))
    }

    fn remember(&self, life: &str, number: u64, requests: &[GrantRequest], replies: &[GrantReply]) {
        let mut known = self.known();
        if known.life.as_deref() != Some(life) {
            return;
        }
        known.number = known.number.max(number);
        for (request, reply) in requests.iter().zip(replies) {
            if let GrantReply::Granted {
                generation,
                first,
                count,
                ..
            } = *reply
                && count > 0
            {
                let new = Block {
                    generation,
                    epoch: request.epoch,
                    end: first.saturating_add(count),
                };
                let block = known
                    .granted
                    .entry((request.line, request.scope, request.epoch))
                    .or_insert(new);
                let is_newer =
                    (new.generation, new.epoch, new.end) > (block.generation, block.epoch, block.end);
                if is_newer {
                    *block = new;
                }
            }
        }
        // Blocks of the next epoch are asked for among those of this one.
        if let Some(newest) = requests.iter().map(|request| request.epoch).max()
            && known.pruned_in < Some(newest)
        {
            known.pruned_in = Some(newest);
            let oldest = newest.0.saturating_sub(EPOCHS_REMEMBERED);
            known.granted.retain(|(_, _, epoch), _| epoch.0 >= oldest);
        }
    }

    /// Ends the server's life after it went back in time; the error to answer. Stays to be found out again when the
    /// server can't be told.
    async fn renew(&self, life: &str, known: u64, told: u64) -> CountersError {
        tracing::error!(
            known,
            told,
            "the counter server went back in time: all counters are rebuilt"
        );
        let call = Call {
            script: &RENEW,
            args: vec![life.to_owned()],
            ..self.life_call()
        };
        let renewed = self
            .call(&[call])
            .await
            .and_then(|answer| read_life(answer.first()));
        match renewed {
            Ok((life, number)) => self.adopt(&life, number),
            Err(error) => tracing::error!(%error, "the counter server's life could not be renewed yet"),
        }
        CountersError::WentBack { known, told }
    }

    async fn base_calls(
        &self,
        script: &'static LuaScript,
        bases: &[InstallBase],
    ) -> Result<Vec<Value>, CountersError> {
        let life = self.life().await?;
        let calls: Vec<Call> = bases
            .iter()
            .map(|base| Call {
                script,
                key: self.key(&life, base.line, base.scope),
                args: vec![
                    base.generation.to_string(),
                    base.counted_before_day.min(EXACT_MAX).to_string(),
                    day_number(base.day).to_string(),
                    base.counted_in_day.min(EXACT_MAX).to_string(),
                    base.reserved_before_day.min(EXACT_MAX).to_string(),
                    base.reserved.min(EXACT_MAX).to_string(),
                    base.reserved_until_seconds.to_string(),
                ],
            })
            .collect();
        self.call(&calls).await
    }
}

#[async_trait]
impl Counters for RedisCounters {
    async fn grant(&self, requests: &[GrantRequest]) -> Result<Vec<GrantReply>, CountersError> {
        if requests.is_empty() {
            return Ok(Vec::new());
        }
        // Each pipeline checks the server's life for itself: a failover between two of them is seen by the second.
        'life: for _ in 0..LIFE_CHANGES_MAX {
            let mut replies = Vec::with_capacity(requests.len());
            for chunk in requests.chunks(PIPELINE_COMMANDS_MAX - 1) {
                match self.try_grant(chunk).await? {
                    Some(granted) => replies.extend(granted),
                    None => continue 'life,
                }
            }
            return Ok(replies);
        }
        Err(CountersError::Protocol(
            "the server's life changes with every call".to_owned(),
        ))
    }

    async fn give_back_all(&self, given: &[GiveBack]) -> Result<(), CountersError> {
        if given.is_empty() {
            return Ok(());
        }
        let life = self.life().await?;
        let calls: Vec<Call> = given
            .iter()
            .map(|back| Call {
                script: &GIVE_BACK,
                key: self.key(&life, back.line, back.scope),
                args: vec![
                    back.generation.to_string(),
                    back.epoch.0.to_string(),
                    back.count.to_string(),
                ],
            })
            .collect();
        self.call(&calls).await.map(|_| ())
    }

    async fn mark_shown(&self, marks: &[Mark]) -> Result<Vec<Shown>, CountersError> {
        if marks.is_empty() {
            return Ok(Vec::new());
        }
        let life = self.life().await?;
        // Marks of one line and epoch go in one call.
        let mut groups: HashMap<(LineId, u32, u32, Epoch), Vec<usize>> = HashMap::new();
        for (index, mark) in marks.iter().enumerate() {
            groups
                .entry((mark.line, mark.scope, mark.generation, mark.epoch))
                .or_default()
                .push(index);
        }
        let mut calls = Vec::new();
        let mut order = Vec::with_capacity(marks.len());
        for ((line, scope, generation, epoch), indices) in &groups {
            for chunk in indices.chunks(MARKS_PER_CALL_MAX) {
                let mut args = vec![generation.to_string(), epoch.0.to_string()];
                args.extend(
                    chunk
                        .iter()
                        .filter_map(|index| marks.get(*index))
                        .map(|mark| mark.number.to_string()),
                );
                calls.push(Call {
                    script: &MARK,
                    key: self.key(&life, *line, *scope),
                    args,
                });
                order.extend_from_slice(chunk);
            }
        }
        let answers = self.call(&calls).await?;
        let told: Vec<i64> = answers
            .iter()
            .map(read_numbers)
            .collect::<Result<Vec<_>, _>>()?
            .concat();
        if told.len() != marks.len() {
            return Err(CountersError::Protocol(format!(
                "{} answers to {} marks",
                told.len(),
                marks.len()
            )));
        }
        let mut shown = vec![Shown::Late; marks.len()];
        for (index, told) in order.into_iter().zip(told) {
            if let Some(shown) = shown.get_mut(index) {
                *shown = match told {
                    1 => Shown::First,
                    2 => Shown::Again,
                    3 => Shown::Late,
                    other => return Err(CountersError::Protocol(format!("a mark answered {other}"))),
                };
            }
        }
        Ok(shown)
    }

    async fn install_all(&self, bases: &[InstallBase], _now_seconds: i64) -> Result<Vec<u32>, CountersError> {
        self.base_calls(&INSTALL, bases)
            .await?
            .iter()
            .map(read_u32)
            .collect()
    }

    async fn settle(&self, bases: &[InstallBase]) -> Result<Vec<bool>, CountersError> {
        let answers = self.base_calls(&SETTLE, bases).await?;
        answers.iter().map(|answer| Ok(read_u32(answer)? == 1)).collect()
    }

    async fn in_force(&self, counters: &[(LineId, u32)]) -> Result<Vec<Option<InForce>>, CountersError> {
        let life = self.life().await?;
        let mut in_force = Vec::with_capacity(counters.len());
        for chunk in counters.chunks(PIPELINE_COMMANDS_MAX) {
            let commands = chunk.iter().map(|(line, scope)| {
                let mut command = redis::cmd("HMGET");
                command.arg(self.key(&life, *line, *scope)).arg("g").arg("ru");
                command
            });
            for told in self.pipeline(commands).await? {
                in_force.push(read_in_force(&told.map_err(CountersError::Failed)?)?);
            }
        }
        Ok(in_force)
    }

    async fn closed_epochs(
        &self,
        line: LineId,
        scope: u32,
        now_seconds: i64,
    ) -> Result<Vec<ClosedEpoch>, CountersError> {
        let life = self.life().await?;
        let call = Call {
            script: &CLOSED,
            key: self.key(&life, line, scope),
            args: vec![now_seconds.to_string()],
        };
        let answers = self.call(&[call]).await?;
        let texts: Vec<String> = answers.into_iter().next().map_or(Ok(Vec::new()), read)?;
        texts.iter().map(|text| read_closed(line, scope, text)).collect()
    }

    async fn forget_closed(&self, recorded: &[ClosedEpoch]) -> Result<(), CountersError> {
        let life = self.life().await?;
        for chunk in recorded.chunks(PIPELINE_COMMANDS_MAX) {
            let commands = chunk.iter().map(|closed| {
                let mut command = redis::cmd("LREM");
                command
                    .arg(format!("{}:closed", self.key(&life, closed.line, closed.scope)))
                    .arg(1)
                    .arg(closed_text(closed));
                command
            });
            for told in self.pipeline(commands).await? {
                told.map_err(CountersError::Failed)?;
            }
        }
        Ok(())
    }
}

fn load_command(script: &'static LuaScript) -> Cmd {
    let mut command = redis::cmd("SCRIPT");
    command.arg("LOAD").arg(&script.text);
    command
}

fn is_no_script(told: &RedisResult<Value>) -> bool {
    matches!(told, Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript))
}

fn day_number(day: NaiveDate) -> i32 {
    day.num_days_from_ce() - DAYS_TO_1970
}

fn protocol(value: &Value) -> CountersError {
    CountersError::Protocol(format!("{value:?}").chars().take(200).collect())
}

fn read<T: redis::FromRedisValue>(value: Value) -> Result<T, CountersError> {
    let text = protocol(&value);
    redis::from_redis_value(value).map_err(|_| text)
}

fn read_u32(value: &Value) -> Result<u32, CountersError> {
    read(value.clone())
}

fn read_numbers(value: &Value) -> Result<Vec<i64>, CountersError> {
    read(value.clone())
}

fn read_life(value: Option<&Value>) -> Result<(String, u64), CountersError> {
    value
        .cloned()
        .map_or_else(|| Err(CountersError::Protocol("no life".to_owned())), read)
}

fn read_grant(value: &Value) -> Result<GrantReply, CountersError> {
    let numbers = read_numbers(value)?;
    let small = |number: i64| u32::try_from(number).map_err(|_| protocol(value));
    let large = |number: i64| u64::try_from(number).map_err(|_| protocol(value));
    match *numbers.as_slice() {
        [0] => Ok(GrantReply::Unknown),
        [2] => Ok(GrantReply::StalePlan),
        [1, generation, first, count, day_used, scope_used] => Ok(GrantReply::Granted {
            generation: small(generation)?,
            first: small(first)?,
            count: small(count)?,
            day_used: large(day_used)?,
            scope_used: large(scope_used)?,
        }),
        _ => Err(protocol(value)),
    }
}

fn read_in_force(value: &Value) -> Result<Option<InForce>, CountersError> {
    let (generation, until): (Option<u32>, Option<i64>) = read(value.clone())?;
    Ok(generation.map(|generation| InForce {
        generation,
        reserved_until_seconds: until.unwrap_or(0),
    }))
}

fn closed_text(closed: &ClosedEpoch) -> String {
    format!(
        "{}:{}:{}:{}",
        closed.generation, closed.epoch.0, closed.granted, closed.shown
    )
}

fn read_closed(line: LineId, scope: u32, text: &str) -> Result<ClosedEpoch, CountersError> {
    let refuse = || CountersError::Protocol(text.chars().take(200).collect());
    let numbers: Vec<u64> = text
        .split(':')
        .map(str::parse)
        .collect::<Result<_, _>>()
        .map_err(|_| refuse())?;
    let [generation, epoch, granted, shown] = *numbers.as_slice() else {
        return Err(refuse());
    };
    Ok(ClosedEpoch {
        line,
        scope,
        generation: u32::try_from(generation).map_err(|_| refuse())?,
        epoch: Epoch(u32::try_from(epoch).map_err(|_| refuse())?),
        granted,
        shown,
    })
}
