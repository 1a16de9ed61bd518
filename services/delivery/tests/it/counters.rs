//! Counter stores against a real Redis, and how they are rebuilt from PostgreSQL (delivery.md §6).

use crate::ship::{add_plan, apply_events, day, event, make_lines};
use chrono::TimeDelta;
use namoyish_delivery::counters::conformance::{TwoNodes, check_all};
use namoyish_delivery::counters::memory::MemoryCounters;
use namoyish_delivery::counters::redis::{RedisCounters, RedisCountersOptions};
use namoyish_delivery::counters::{
    Counters, CountersError, Epoch, GrantReply, GrantRequest, InForce, InstallBase, Mark, Shown,
    install_from_store,
};
use namoyish_delivery::journal::{Event, EventKind};
use namoyish_domain::calendar::{Timestamp, day_start, tashkent_day};
use namoyish_domain::ids::LineId;
use namoyish_runtime::embedded::{Redis, RedisOptions};
use namoyish_storage::Store;
use namoyish_testkit::{START, TestDatabase, redis_url};
use sqlx::PgPool;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use uuid::Uuid;

fn handle(url: &str, prefix: &str) -> Arc<RedisCounters> {
    let options = RedisCountersOptions {
        prefix: prefix.to_owned(),
        ..RedisCountersOptions::default()
    };
    Arc::new(RedisCounters::open(url, options).unwrap())
}

/// A server of the test's own, for tests that empty it or stop it.
struct OwnServer {
    redis: Redis,
    _dir: tempfile::TempDir,
}

impl OwnServer {
    async fn start() -> OwnServer {
        tokio::task::spawn_blocking(|| {
            let dir = tempfile::tempdir().unwrap();
            let redis = Redis::start(dir.path(), RedisOptions { persist: false }).unwrap();
            OwnServer { redis, _dir: dir }
        })
        .await
        .unwrap()
    }

    async fn run(&self, command: &[&str]) -> redis::Value {
        let mut connection = self.connection().await;
        let mut said = redis::cmd(command[0]);
        for arg in &command[1..] {
            said.arg(*arg);
        }
        said.query_async(&mut connection).await.unwrap()
    }

    async fn connection(&self) -> redis::aio::MultiplexedConnection {
        redis::Client::open(self.redis.url())
            .unwrap()
            .get_multiplexed_async_connection()
            .await
            .unwrap()
    }
}

fn line(n: u128) -> LineId {
    LineId::from_uuid(Uuid::from_u128(n))
}

fn base(line: LineId, generation: u32, now: Timestamp) -> InstallBase {
    InstallBase {
        line,
        scope: 0,
        generation,
        counted_before_day: 0,
        day: tashkent_day(now),
        counted_in_day: 0,
        reserved: 0,
        reserved_before_day: 0,
        reserved_until_seconds: 0,
    }
}

fn request(line: LineId, want: u32, cap: u64, now: Timestamp) -> GrantRequest {
    GrantRequest {
        line,
        scope: 0,
        cap,
        day: tashkent_day(now),
        day_limit: cap,
        plan_version: 1,
        want,
        epoch: Epoch::of(now),
        now_seconds: now.timestamp(),
    }
}

fn block(reply: &GrantReply) -> (u32, u32, u32) {
    match reply {
        GrantReply::Granted {
            generation,
            first,
            count,
            ..
        } => (*generation, *first, *count),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_redis_store_keeps_the_contract() {
    let url = redis_url().await;
    let nodes = TwoNodes {
        one: handle(&url, "conformance"),
        other: handle(&url, "conformance"),
    };
    for seed in 0..12 {
        check_all(&nodes, seed * 1000).await.unwrap();
    }
}

#[tokio::test]
async fn a_thousand_lines_are_granted_and_marked_in_one_call() {
    let counters = handle(&redis_url().await, "thousand");
    let bases: Vec<InstallBase> = (1..=1000).map(|n| base(line(n), 1, START)).collect();
    counters.install_all(&bases, START.timestamp()).await.unwrap();
    let requests: Vec<GrantRequest> = (1..=1000).map(|n| request(line(n), 10, 1000, START)).collect();
    let begun = Instant::now();
    let replies = counters.grant(&requests).await.unwrap();
    eprintln!("1,000 lines granted in {:?}", begun.elapsed());
    assert!(replies.iter().all(|reply| block(reply) == (1, 0, 10)));
    let mark = |n, number| Mark {
        line: line(n),
        scope: 0,
        generation: 1,
        epoch: Epoch::of(START),
        number,
    };
    let marks: Vec<Mark> = (1..=1000)
        .flat_map(|n| (0..10).map(move |number| mark(n, number)))
        .collect();
    let begun = Instant::now();
    let shown = counters.mark_shown(&marks).await.unwrap();
    eprintln!("10,000 marks of 1,000 lines in {:?}", begun.elapsed());
    assert!(shown.iter().all(|shown| *shown == Shown::First));
    // One line's many marks are cut into several calls.
    counters
        .grant(&[GrantRequest {
            want: 5000,
            cap: 9000,
            day_limit: 9000,
            ..requests[0]
        }])
        .await
        .unwrap();
    let many: Vec<Mark> = (0..5000).map(|number| mark(1, number)).collect();
    let shown = counters.mark_shown(&many).await.unwrap();
    assert_eq!(shown.iter().filter(|shown| **shown == Shown::Again).count(), 10);
    assert_eq!(shown.iter().filter(|shown| **shown == Shown::First).count(), 4990);
}

#[tokio::test]
async fn scripts_that_the_server_forgot_are_loaded_again() {
    let server = OwnServer::start().await;
    let counters = handle(&server.redis.url(), "scripts");
    counters
        .install(&base(line(1), 1, START), START.timestamp())
        .await
        .unwrap();
    server.run(&["SCRIPT", "FLUSH"]).await;
    let replies = counters
        .grant(&[request(line(1), 3, 10, START), request(line(2), 3, 10, START)])
        .await
        .unwrap();
    assert_eq!(
        block(&replies[0]),
        (1, 0, 3),
        "granted once, though the call was made twice"
    );
    assert_eq!(replies[1], GrantReply::Unknown);
    let keys: Vec<String> = redis::from_redis_value(server.run(&["KEYS", "*"]).await).unwrap();
    assert!(
        keys.iter()
            .all(|key| key == "scripts:life" || key.contains(&format!("{{{}}}", line(1).uuid().simple())))
    );
}

#[tokio::test]
async fn an_emptied_server_knows_nothing_and_numbers_of_the_lost_generation_count_nothing() {
    let server = OwnServer::start().await;
    let (one, other) = (handle(&server.redis.url(), "n"), handle(&server.redis.url(), "n"));
    one.install(&base(line(1), 1, START), START.timestamp())
        .await
        .unwrap();
    other.grant(&[request(line(1), 5, 10, START)]).await.unwrap();
    server.run(&["FLUSHALL"]).await;
    for counters in [&one, &other] {
        assert_eq!(
            counters.grant(&[request(line(1), 5, 10, START)]).await.unwrap(),
            [GrantReply::Unknown]
        );
    }
    assert_eq!(one.in_force(&[(line(1), 0)]).await.unwrap(), [None]);
    assert_eq!(
        one.install(&base(line(1), 2, START), START.timestamp())
            .await
            .unwrap(),
        2
    );
    assert_eq!(
        other
            .install(&base(line(1), 3, START), START.timestamp())
            .await
            .unwrap(),
        2
    );
    assert_eq!(
        block(&other.grant(&[request(line(1), 5, 10, START)]).await.unwrap()[0]),
        (2, 0, 5)
    );
    let old = Mark {
        line: line(1),
        scope: 0,
        generation: 1,
        epoch: Epoch::of(START),
        number: 0,
    };
    let new = Mark { generation: 2, ..old };
    assert_eq!(
        one.mark_shown(&[old, new]).await.unwrap(),
        [Shown::Late, Shown::First]
    );
}

/// Every key with its value, as a replica or an old file would bring it back.
async fn dump(server: &OwnServer) -> Vec<(String, Vec<u8>)> {
    let mut connection = server.connection().await;
    let keys: Vec<String> = redis::cmd("KEYS")
        .arg("*")
        .query_async(&mut connection)
        .await
        .unwrap();
    let mut all = Vec::new();
    for key in keys {
        all.push((
            key.clone(),
            redis::cmd("DUMP")
                .arg(&key)
                .query_async(&mut connection)
                .await
                .unwrap(),
        ));
    }
    all
}

async fn go_back(server: &OwnServer, dump: &[(String, Vec<u8>)]) {
    let mut connection = server.connection().await;
    let () = redis::cmd("FLUSHALL").query_async(&mut connection).await.unwrap();
    for (key, value) in dump {
        let () = redis::cmd("RESTORE")
            .arg(key)
            .arg(0)
            .arg(value)
            .query_async(&mut connection)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_server_that_went_back_in_time_is_found_out_and_all_its_counters_are_lost() {
    let server = OwnServer::start().await;
    let (one, other) = (handle(&server.redis.url(), "n"), handle(&server.redis.url(), "n"));
    one.install(&base(line(1), 1, START), START.timestamp())
        .await
        .unwrap();
    one.install(&base(line(2), 1, START), START.timestamp())
        .await
        .unwrap();
    one.grant(&[request(line(1), 5, 100, START)]).await.unwrap();
    let before = dump(&server).await;
    one.grant(&[request(line(1), 5, 100, START)]).await.unwrap();
    other.grant(&[request(line(2), 5, 100, START)]).await.unwrap();
    go_back(&server, &before).await;

    // The node that was granted more than the server knows finds out, whatever line it asks for.
    let refused = one.grant(&[request(line(2), 5, 100, START)]).await.unwrap_err();
    assert!(matches!(refused, CountersError::WentBack { .. }), "{refused}");
    assert_eq!(refused.code(), "counter_store_went_back");
    // From then on every counter is unknown to every node.
    for counters in [&one, &other] {
        let replies = counters
            .grant(&[request(line(1), 5, 100, START), request(line(2), 5, 100, START)])
            .await
            .unwrap();
        assert_eq!(replies, [GrantReply::Unknown; 2]);
    }
    one.install(&base(line(1), 2, START), START.timestamp())
        .await
        .unwrap();
    assert_eq!(
        block(&other.grant(&[request(line(1), 5, 100, START)]).await.unwrap()[0]),
        (2, 0, 5)
    );
}

#[tokio::test]
async fn numbers_of_the_next_epoch_taken_ahead_are_no_way_back_in_time() {
    let server = OwnServer::start().await;
    let store = handle(&server.redis.url(), "n");
    store
        .install(&base(line(1), 1, START), START.timestamp())
        .await
        .unwrap();
    let now = |want| request(line(1), want, 1000, START);
    let ahead = |want| GrantRequest {
        epoch: Epoch(now(want).epoch.0 + 1),
        ..now(want)
    };
    let mut blocks = Vec::new();
    for asked in [
        &[now(25)][..],
        &[ahead(2), now(5)],
        &[now(5), ahead(3)],
        &[ahead(1)],
        &[now(1)],
    ] {
        let replies = store.grant(asked).await.unwrap();
        blocks.extend(replies.iter().map(block));
    }
    assert_eq!(
        blocks,
        [
            (1, 0, 25),
            (1, 0, 2),
            (1, 25, 5),
            (1, 30, 5),
            (1, 2, 3),
            (1, 5, 1),
            (1, 35, 1)
        ]
    );
}

#[tokio::test]
async fn a_block_below_one_that_was_granted_is_found_out_though_the_call_number_grew() {
    let server = OwnServer::start().await;
    let (one, other) = (handle(&server.redis.url(), "n"), handle(&server.redis.url(), "n"));
    one.install(&base(line(1), 1, START), START.timestamp())
        .await
        .unwrap();
    let before = dump(&server).await;
    one.grant(&[request(line(1), 5, 100, START)]).await.unwrap();
    go_back(&server, &before).await;
    for _ in 0..5 {
        other.grant(&[request(line(9), 1, 100, START)]).await.unwrap();
    }
    let refused = one.grant(&[request(line(1), 5, 100, START)]).await.unwrap_err();
    assert!(
        matches!(refused, CountersError::WentBack { known: 5, told: 0 }),
        "{refused}"
    );
    assert_eq!(
        other.grant(&[request(line(1), 5, 100, START)]).await.unwrap(),
        [GrantReply::Unknown]
    );
}

#[tokio::test]
async fn a_server_that_is_gone_or_stopped_answers_with_an_error_in_time() {
    let nobody = handle("redis://127.0.0.1:1/", "n");
    let begun = Instant::now();
    let refused = nobody
        .grant(&[request(line(1), 5, 100, START)])
        .await
        .unwrap_err();
    assert!(
        matches!(refused.code(), "counter_store_failed" | "counter_store_timeout"),
        "{refused}"
    );
    assert!(begun.elapsed() < Duration::from_secs(10));

    let server = OwnServer::start().await;
    let options = RedisCountersOptions {
        prefix: "n".to_owned(),
        timeout: Duration::from_millis(300),
    };
    let counters = RedisCounters::open(&server.redis.url(), options).unwrap();
    counters
        .install(&base(line(1), 1, START), START.timestamp())
        .await
        .unwrap();
    server.run(&["CLIENT", "PAUSE", "1500", "ALL"]).await;
    let refused = counters
        .grant(&[request(line(1), 5, 100, START)])
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "counter_store_timeout");
    // What that call granted comes back with its epoch; the next call is answered when the server is.
    let mut reply = counters.grant(&[request(line(1), 5, 100, START)]).await;
    let patience = Instant::now();
    while reply.is_err() && patience.elapsed() < Duration::from_secs(20) {
        reply = counters.grant(&[request(line(1), 5, 100, START)]).await;
    }
    assert_eq!(block(&reply.unwrap()[0]).2, 5);
}

#[test]
fn an_address_that_is_none_is_refused() {
    assert!(RedisCounters::open("not an address", RedisCountersOptions::default()).is_err());
}

async fn node_is_alive(pool: &PgPool, at: Timestamp) {
    sqlx::query("insert into nodes (name, started_at, last_seen_at) values ('n', $1, $1) on conflict (name) do update set last_seen_at = $1")
        .bind(at)
        .execute(pool)
        .await
        .unwrap();
}

async fn install(
    store: &Store,
    counters: &dyn Counters,
    line: LineId,
    day_limit: u64,
    now: Timestamp,
) -> u32 {
    install_from_store(store, counters, line, 0, tashkent_day(now), day_limit, now)
        .await
        .unwrap()
}

#[tokio::test]
async fn the_first_generation_of_a_line_starts_from_nothing() {
    let database = TestDatabase::create().await;
    let (store, counters) = (database.store(), MemoryCounters::new());
    let lines = make_lines(&database.pool(), 1, 100).await;
    node_is_alive(&database.pool(), START).await;
    let generation = install(&store, &counters, lines.media[0], 50, START).await;
    let in_force = InForce {
        generation,
        reserved_until_seconds: 0,
    };
    assert_eq!(
        counters.in_force(&[(lines.media[0], 0)]).await.unwrap(),
        [Some(in_force)]
    );
    assert_eq!(
        install(&store, &counters, lines.media[0], 50, START).await,
        generation,
        "a second node finds it there"
    );
    // A monthly budget's month is a counter of its own.
    let day = tashkent_day(START);
    let month = install_from_store(&store, &counters, lines.media[0], 202_611, day, 50, START)
        .await
        .unwrap();
    assert!(month > generation);
    assert_eq!(
        counters.in_force(&[(lines.media[0], 202_611)]).await.unwrap()[0]
            .unwrap()
            .reserved_until_seconds,
        0
    );
}

#[tokio::test]
async fn what_was_admitted_and_not_counted_is_reserved_until_it_is_settled() {
    let database = TestDatabase::create().await;
    let (store, counters) = (database.store(), MemoryCounters::new());
    let line = make_lines(&database.pool(), 1, 1000).await.media[0];
    let first = install(&store, &counters, line, 50, START).await;
    // 50 are granted; 20 are shown and counted before the store is lost.
    assert_eq!(
        block(&counters.grant(&[request(line, 50, 1000, START)]).await.unwrap()[0]).2,
        50
    );
    let shown = |numbers: std::ops::Range<u32>| -> Vec<Event> {
        numbers
            .map(|number| Event {
                generation: first,
                ..event(line, EventKind::Impression, number, START)
            })
            .collect()
    };
    apply_events(&store, 1, &shown(0..20)).await;
    counters.lose();
    node_is_alive(&database.pool(), START).await;
    let now = START + TimeDelta::seconds(40);
    let second = install(&store, &counters, line, 50, now).await;
    assert!(second > first);
    let ask = GrantRequest {
        day_limit: 50,
        ..request(line, 100, 1000, now)
    };
    let reply = counters.grant(&[ask]).await.unwrap()[0];
    assert_eq!(
        reply,
        GrantReply::Granted {
            generation: second,
            first: 0,
            count: 0,
            day_used: 50,
            scope_used: 50
        }
    );
    // What pacing admits beyond it is granted: serving goes on.
    let ask = GrantRequest { day_limit: 53, ..ask };
    assert_eq!(block(&counters.grant(&[ask]).await.unwrap()[0]), (second, 0, 3));

    // 25 of the thirty were shown in the meantime; the three of the new generation were not.
    apply_events(&store, 2, &shown(20..45)).await;
    let later = now + TimeDelta::seconds(960);
    let ask = GrantRequest {
        day_limit: 100,
        ..request(line, 100, 1000, later)
    };
    assert_eq!(counters.grant(&[ask]).await.unwrap(), [GrantReply::Unknown]);
    assert_eq!(
        install(&store, &counters, line, 100, later).await,
        second,
        "settled, not lost again"
    );
    let reply = counters.grant(&[ask]).await.unwrap()[0];
    assert_eq!(
        reply,
        GrantReply::Granted {
            generation: second,
            first: 0,
            count: 55,
            day_used: 100,
            scope_used: 100
        }
    );
}

#[tokio::test]
async fn nothing_is_reserved_when_no_node_was_alive_within_the_life_of_its_tokens() {
    let database = TestDatabase::create().await;
    let (store, counters) = (database.store(), MemoryCounters::new());
    let line = make_lines(&database.pool(), 1, 1000).await.media[0];
    let first = install(&store, &counters, line, 50, START).await;
    let events: Vec<Event> = (0..20)
        .map(|number| Event {
            generation: first,
            ..event(line, EventKind::Impression, number, START)
        })
        .collect();
    apply_events(&store, 1, &events).await;
    counters.lose();
    node_is_alive(&database.pool(), START).await;
    let now = START + TimeDelta::seconds(961);
    install(&store, &counters, line, 50, now).await;
    let ask = GrantRequest {
        day_limit: 50,
        ..request(line, 100, 1000, now)
    };
    assert_eq!(block(&counters.grant(&[ask]).await.unwrap()[0]).2, 30);
}

#[tokio::test]
async fn just_after_midnight_yesterdays_tokens_are_reserved_in_the_budget_only() {
    let database = TestDatabase::create().await;
    let (store, counters) = (database.store(), MemoryCounters::new());
    let line = make_lines(&database.pool(), 1, 1000).await.media[0];
    // Its quota is a tenth of the cap: 100, of which 90 are counted.
    add_plan(&database.pool(), line, day("2026-11-02"), 1, 0, 1000).await;
    let midnight = day_start(day("2026-11-03"));
    let evening = midnight - TimeDelta::seconds(60);
    let first = install(&store, &counters, line, 100, evening).await;
    let events: Vec<Event> = (0..90)
        .map(|number| Event {
            generation: first,
            ..event(line, EventKind::Impression, number, evening)
        })
        .collect();
    apply_events(&store, 1, &events).await;
    counters.lose();
    node_is_alive(&database.pool(), evening).await;
    let now = midnight + TimeDelta::seconds(30);
    let second = install(&store, &counters, line, 2, now).await;
    let ask = GrantRequest {
        day_limit: 5,
        ..request(line, 100, 1000, now)
    };
    let reply = counters.grant(&[ask]).await.unwrap()[0];
    assert_eq!(
        reply,
        GrantReply::Granted {
            generation: second,
            first: 0,
            count: 3,
            day_used: 5,
            scope_used: 105
        }
    );
}

#[tokio::test]
async fn without_the_database_nothing_is_rebuilt() {
    let counters = MemoryCounters::new();
    let lazy = sqlx::postgres::PgPoolOptions::new().acquire_timeout(Duration::from_millis(200));
    let store = Store::from_pool(lazy.connect_lazy("postgres://127.0.0.1:9/none").unwrap());
    let refused = install_from_store(&store, &counters, line(1), 0, day("2026-11-02"), 5, START)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "install_database_failed");
    assert!(counters.is_empty());
}

/// A serving node of the test: it holds blocks, hands numbers out, and some of them are shown within their token's life.
struct TestNode {
    counters: Arc<dyn Counters>,
    held: Vec<(u32, Epoch, u32)>,
    draw: u64,
}

impl TestNode {
    fn below(&mut self, n: u64) -> u64 {
        self.draw = self
            .draw
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.draw >> 33) % n
    }

    async fn refill(&mut self, store: &Store, line: LineId, cap: u64, day_limit: u64, now: Timestamp) {
        self.held.retain(|(_, epoch, _)| *epoch == Epoch::of(now));
        let want = u32::try_from(1 + self.below(12)).unwrap();
        let ask = GrantRequest {
            day_limit,
            ..request(line, want, cap, now)
        };
        match self.counters.grant(&[ask]).await.map(|replies| replies[0]) {
            Ok(GrantReply::Granted {
                generation,
                first,
                count,
                ..
            }) => {
                self.held
                    .extend((first..first + count).map(|number| (generation, Epoch::of(now), number)));
            }
            Ok(GrantReply::Unknown) => {
                install(store, self.counters.as_ref(), line, day_limit, now).await;
            }
            Ok(GrantReply::StalePlan) => panic!("there is one plan"),
            Err(CountersError::WentBack { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// Two nodes over three and a half hours; the server is emptied every now and then while both serve. Whatever was handed out and shown
/// is in PostgreSQL in the end: never one over the budget, nothing over the cap, no number twice, and all of it delivered.
#[tokio::test]
async fn a_server_lost_in_the_middle_costs_a_delay_and_never_an_impression_over() {
    const CAP: u64 = 400;
    let server = OwnServer::start().await;
    for seed in 1..=3 {
        let database = TestDatabase::create().await;
        let (store, pool) = (database.store(), database.pool());
        let line = make_lines(&pool, 1, i64::try_from(CAP).unwrap()).await.media[0];
        let prefix = format!("seed{seed}");
        let mut nodes: Vec<TestNode> = (0..2)
            .map(|n| TestNode {
                counters: handle(&server.redis.url(), &prefix),
                held: Vec::new(),
                draw: seed * 100 + n,
            })
            .collect();
        let mut waiting: Vec<(Timestamp, Event)> = Vec::new();
        let mut handed_out: BTreeSet<(u32, u32, u32)> = BTreeSet::new();
        let (mut sum, mut segment) = (0, 0);
        for step in 0..420i64 {
            let now = START + TimeDelta::seconds(step * 30);
            node_is_alive(&pool, now).await;
            if matches!(step, 20 | 37 | 38 | 110) {
                server.run(&["FLUSHALL"]).await;
            }
            // Pacing admits the whole within an hour.
            let day_limit = (CAP * u64::try_from(step + 1).unwrap() / 120).min(CAP);
            for node in &mut nodes {
                node.refill(&store, line, CAP, day_limit, now).await;
                for _ in 0..node.below(10) {
                    let Some((generation, epoch, number)) = node.held.pop() else {
                        break;
                    };
                    assert!(
                        handed_out.insert((generation, epoch.0, number)),
                        "seed {seed}: {number} handed out twice"
                    );
                    // A part is never shown; the rest up to the end of the token's life.
                    if node.below(4) > 0 {
                        let shown_at = now + TimeDelta::seconds(i64::try_from(node.below(600)).unwrap());
                        let shown = event(line, EventKind::Impression, number, now);
                        waiting.push((shown_at, Event { generation, ..shown }));
                    }
                }
            }
            let (due, later): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|(at, _)| *at <= now);
            waiting = later;
            let events: Vec<Event> = due.into_iter().map(|(_, event)| event).collect();
            let marks: Vec<Mark> = events
                .iter()
                .map(|e| Mark {
                    line,
                    scope: 0,
                    generation: e.generation,
                    epoch: e.epoch,
                    number: e.number,
                })
                .collect();
            nodes[0].counters.mark_shown(&marks).await.unwrap();
            segment += 1;
            let counts = apply_events(&store, segment, &events).await;
            assert_eq!(
                (counts.over_cap, counts.again),
                (0, 0),
                "seed {seed}, step {step}"
            );
            sum += counts.impressions;
            assert!(sum <= CAP, "seed {seed}, step {step}: {sum}");
        }
        assert_eq!(sum, CAP, "seed {seed}: the losses cost only a delay");
    }
}

/// Eight tasks over two handles with a real PostgreSQL behind; the server is emptied while they ask.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_tasks_and_an_emptied_server_never_get_one_over() {
    const CAP: u64 = 600;
    let server = OwnServer::start().await;
    let database = TestDatabase::create().await;
    let store = database.store();
    let line = make_lines(&database.pool(), 1, i64::try_from(CAP).unwrap())
        .await
        .media[0];
    node_is_alive(&database.pool(), START).await;
    let answered = Arc::new(Semaphore::new(0));
    let nodes = [handle(&server.redis.url(), "n"), handle(&server.redis.url(), "n")];
    let tasks: Vec<_> = (0..8usize)
        .map(|task| {
            let (counters, store) = (Arc::clone(&nodes[task % 2]), store.clone());
            let answered = Arc::clone(&answered);
            tokio::spawn(async move {
                let mut numbers: HashMap<u32, Vec<u32>> = HashMap::new();
                for round in 0..30u64 {
                    // Pacing admits more with time; all of it before the loss may be out.
                    let ask = GrantRequest {
                        day_limit: CAP * (round + 1) / 30,
                        ..request(line, 7, CAP, START)
                    };
                    match counters.grant(&[ask]).await.unwrap()[0] {
                        GrantReply::Granted {
                            generation,
                            first,
                            count,
                            ..
                        } => {
                            numbers
                                .entry(generation)
                                .or_default()
                                .extend(first..first + count);
                        }
                        GrantReply::Unknown => {
                            // The plan is one for all nodes: by now it has admitted what the newest asks for.
                            install(&store, counters.as_ref(), line, CAP, START).await;
                        }
                        GrantReply::StalePlan => panic!("there is one plan"),
                    }
                    answered.add_permits(1);
                }
                numbers
            })
        })
        .collect();
    // In the middle: after a third of the calls.
    let _ = answered.acquire_many(80).await.unwrap();
    server.run(&["FLUSHALL"]).await;
    let (mut all, mut count) = (BTreeSet::new(), 0);
    for task in tasks {
        for (generation, numbers) in task.await.unwrap() {
            count += numbers.len();
            all.extend(numbers.into_iter().map(|number| (generation, number)));
        }
    }
    assert_eq!(all.len(), count, "a number was granted twice");
    assert!(u64::try_from(count).unwrap() <= CAP, "{count} of {CAP}");
}
