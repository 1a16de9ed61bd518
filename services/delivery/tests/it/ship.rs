//! Applying journal segments to PostgreSQL: exactly once, never over the budget (delivery.md §5, §6a).

use chrono::{NaiveDate, TimeDelta};
use namoyish_delivery::counters::{ClosedEpoch, Epoch};
use namoyish_delivery::journal::{Event, EventKind, Journal, JournalOptions, SealedSegment};
use namoyish_delivery::ship;
use namoyish_domain::calendar::{Timestamp, day_start};
use namoyish_domain::ids::{AdMaterialId, LineId, PlacementId, SegmentId};
use namoyish_domain::orders::placement::RegionCode;
use namoyish_runtime::ids::Generator;
use namoyish_storage::Store;
use namoyish_storage::counting::{SegmentCounts, SegmentFacts};
use namoyish_testkit::{START, TestDatabase};
use sqlx::PgPool;
use std::sync::Arc;
use std::time::Instant;
use uuid::Uuid;

/// Lines of one order blank: `media` with a plan that pays for `cap` impressions, then one paid per period.
pub struct Lines {
    pub media: Vec<LineId>,
    pub period: LineId,
}

pub async fn make_lines(pool: &PgPool, media: usize, cap: i64) -> Lines {
    let id = |n: u128| Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0000 | n);
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
        "insert into rules_editions values (1, 'rules', 'x', '2026-01-01', '2026-01-01');
         insert into customers (id, code, kind, name, stir, address, email, phone, signatory, authority, created_at)
           values ('{customer}', 'c', 'legal_entity', 'C', '123456789', 'a', 'e', 'p', 's', 'a', now());
         insert into price_lists values ('{list}', '2026-01-01', now());
         insert into price_list_items values ('{item}', '{list}', 'I', 'impressions', 'u', 'r', 'e', 'u', 12000);
         insert into order_blanks (id, number, code, customer_id, city, state, rules_edition, prepayment, notice_emails,
             made_out_on, vat_rate, vat_payer, created_at)
           values ('{blank}', '1', 'OB-1', '{customer}', 'T', 'draft', 1, 'full', '{{e}}', '2026-01-01', 0.12, true, now());",
        customer = id(1),
        list = id(2),
        item = id(3),
        blank = id(4),
    )))
    .execute(pool)
    .await
    .unwrap();
    let mut lines = Vec::new();
    for n in 0..=media {
        let line = id(1000 + u128::try_from(n).unwrap());
        let is_media = n < media;
        sqlx::query(
            "insert into order_lines (id, order_blank_id, position, code, kind, price_list_item_id, unit_price,
                 ordered_first_day, ordered_last_day, first_day, last_day, budget_mode, budget)
               values ($1, $2, $3, $4, $5, $6, 12000, '2026-11-01', '2026-11-30', '2026-11-01', '2026-11-30', $7, $8)",
        )
        .bind(line)
        .bind(id(4))
        .bind(i32::try_from(n).unwrap())
        .bind(format!("OB-1/{n}"))
        .bind(if is_media { "media" } else { "period" })
        .bind(id(3))
        .bind(is_media.then_some("total"))
        .bind(is_media.then(|| rust_decimal::Decimal::from(300_000)))
        .execute(pool)
        .await
        .unwrap();
        if is_media {
            add_plan(pool, LineId::from_uuid(line), day("2026-11-01"), 1, 0, cap).await;
        }
        lines.push(LineId::from_uuid(line));
    }
    let period = lines.pop().unwrap();
    Lines { media: lines, period }
}

pub async fn add_plan(pool: &PgPool, line: LineId, day: NaiveDate, version: i64, scope: i32, cap: i64) {
    sqlx::query(
        "insert into day_plans (line_id, day, version, planned_at, base_at, target, quota, scope, cap, curve)
         values ($1, $2, $3, now(), now(), 10000, $4, $5, $6, array_fill(1, array[24]))",
    )
    .bind(line.uuid())
    .bind(day)
    .bind(version)
    .bind(cap / 10)
    .bind(scope)
    .bind(cap)
    .execute(pool)
    .await
    .unwrap();
}

pub fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub fn event(line: LineId, kind: EventKind, number: u32, decided_at: Timestamp) -> Event {
    Event {
        kind,
        line,
        scope: 0,
        generation: 1,
        epoch: Epoch::of(decided_at),
        number,
        material: AdMaterialId::from_uuid(Uuid::from_u128(21)),
        placement: PlacementId::from_uuid(Uuid::from_u128(22)),
        region: Some(RegionCode::parse("UZ-TK").unwrap()),
        decided_at,
        counted_at: decided_at + TimeDelta::seconds(2),
    }
}

fn impressions(line: LineId, numbers: std::ops::Range<u32>) -> Vec<Event> {
    numbers
        .map(|number| event(line, EventKind::Impression, number, START))
        .collect()
}

pub fn journal(dir: &tempfile::TempDir, node: &str, seed: u64) -> Arc<Journal> {
    Arc::new(
        Journal::open(
            dir.path(),
            JournalOptions::new(node, START, Generator::seeded(seed)),
        )
        .unwrap(),
    )
}

fn sealed(journal: &Journal, events: &[Event]) -> SealedSegment {
    for event in events {
        journal.append(event).unwrap();
    }
    journal.seal().unwrap().unwrap()
}

/// Applies events as a segment of their own.
pub async fn apply_events(store: &Store, id: u128, events: &[Event]) -> SegmentCounts {
    let facts = SegmentFacts {
        id: SegmentId::from_uuid(Uuid::from_u128(id)),
        node: "node",
        sha256: "",
        location: "",
        events,
    };
    loop {
        let mut tx = store.begin().await.unwrap();
        match tx.counting().apply_segment(&facts, START).await {
            Ok(counts) => {
                tx.save().await.unwrap();
                return counts;
            }
            Err(namoyish_storage::DbError::Retry(_)) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
}

async fn counted(store: &Store, line: LineId) -> u64 {
    store
        .begin()
        .await
        .unwrap()
        .counting()
        .counted(line, 0)
        .await
        .unwrap()
}

/// Everything that counting keeps, as text: two equal ones mean that nothing changed.
async fn everything(pool: &PgPool) -> Vec<String> {
    let mut all = Vec::new();
    for table in ["epoch_bitmaps", "line_hours", "line_epochs", "line_totals"] {
        let rows: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "select t::text from {table} t order by t::text"
        )))
        .fetch_all(pool)
        .await
        .unwrap();
        all.extend(rows);
    }
    all
}

#[tokio::test]
async fn a_segment_applied_twice_changes_nothing() {
    let database = TestDatabase::create().await;
    let lines = make_lines(&database.pool(), 1, 1000).await;
    let dir = tempfile::tempdir().unwrap();
    let journal = journal(&dir, "node-1", 1);
    let mut events = impressions(lines.media[0], 0..10);
    events.push(event(lines.media[0], EventKind::Impression, 3, START));
    let segment = sealed(&journal, &events);

    let first = ship::apply(&database.store(), &segment, START).await.unwrap();
    assert!(first.is_whole);
    assert_eq!(
        first.counts,
        SegmentCounts {
            impressions: 10,
            again: 1,
            ..SegmentCounts::default()
        }
    );
    let after_one = everything(&database.pool()).await;
    // Killed before the file was put away: it is applied again.
    let second = ship::apply(&database.store(), &segment, START).await.unwrap();
    assert_eq!(
        second.counts,
        SegmentCounts {
            was_applied: true,
            ..SegmentCounts::default()
        }
    );
    assert_eq!(everything(&database.pool()).await, after_one);
    assert_eq!(counted(&database.store(), lines.media[0]).await, 10);
    let mut tx = database.store().begin().await.unwrap();
    assert!(tx.counting().is_applied(segment.id).await.unwrap());
}

#[tokio::test]
async fn a_token_called_on_two_nodes_counts_once() {
    let database = TestDatabase::create().await;
    let lines = make_lines(&database.pool(), 1, 1000).await;
    let one = apply_events(&database.store(), 1, &impressions(lines.media[0], 0..10)).await;
    let other = apply_events(&database.store(), 2, &impressions(lines.media[0], 5..15)).await;
    assert_eq!(
        (one.impressions, one.again, other.impressions, other.again),
        (10, 0, 5, 5)
    );
    assert_eq!(counted(&database.store(), lines.media[0]).await, 15);
    // The same number of another generation or epoch is another impression.
    let other_generation = Event {
        generation: 2,
        ..event(lines.media[0], EventKind::Impression, 3, START)
    };
    let other_epoch = event(
        lines.media[0],
        EventKind::Impression,
        3,
        START + TimeDelta::seconds(300),
    );
    assert_eq!(
        apply_events(&database.store(), 3, &[other_generation, other_epoch])
            .await
            .impressions,
        2
    );
}

#[tokio::test]
async fn impressions_beyond_the_budget_are_recorded_and_never_counted() {
    let database = TestDatabase::create().await;
    let lines = make_lines(&database.pool(), 1, 8).await;
    let counts = apply_events(&database.store(), 1, &impressions(lines.media[0], 0..10)).await;
    assert_eq!((counts.impressions, counts.over_cap), (8, 2));
    assert_eq!(counted(&database.store(), lines.media[0]).await, 8);
    let counts = apply_events(&database.store(), 2, &impressions(lines.media[0], 5..12)).await;
    assert_eq!((counts.impressions, counts.over_cap, counts.again), (0, 2, 5));

    let mut tx = database.store().begin().await.unwrap();
    let hours = tx
        .counting()
        .counted_by_hour(lines.media[0], START, START + TimeDelta::hours(1))
        .await
        .unwrap();
    assert_eq!((hours[0].impressions, hours[0].over_cap), (8, 4));
    let by_day = tx
        .counting()
        .counted_by_day(lines.media[0], day("2026-11-01"), day("2026-11-30"))
        .await
        .unwrap();
    assert_eq!(
        by_day,
        [(day("2026-11-02"), 8)],
        "plans are made from what is counted"
    );
    // The budget is increased: what comes from now on counts, what was beyond it stays so.
    assert_eq!(tx.counting().set_cap(lines.media[0], 0, 20).await.unwrap(), 20);
    tx.save().await.unwrap();
    let counts = apply_events(&database.store(), 3, &impressions(lines.media[0], 0..30)).await;
    assert_eq!((counts.impressions, counts.over_cap), (12, 6));
    // A cap is never set below what is counted: the schema refuses it, so the setter keeps it.
    let mut tx = database.store().begin().await.unwrap();
    assert_eq!(tx.counting().set_cap(lines.media[0], 0, 3).await.unwrap(), 20);
    let refused = sqlx::query("update line_totals set cap = 3")
        .execute(&database.pool())
        .await
        .unwrap_err();
    assert_eq!(
        refused.as_database_error().and_then(|error| error.constraint()),
        Some("never_over_the_budget")
    );
}

#[tokio::test]
async fn the_cap_is_that_of_the_newest_plan_and_a_scope_is_its_own() {
    let database = TestDatabase::create().await;
    let lines = make_lines(&database.pool(), 2, 8).await;
    let line = lines.media[0];
    add_plan(&database.pool(), line, day("2026-11-02"), 1, 0, 9).await;
    add_plan(&database.pool(), line, day("2026-11-02"), 2, 0, 6).await;
    add_plan(&database.pool(), line, day("2026-11-02"), 3, 202_611, 2).await;
    let mut events = impressions(line, 0..10);
    events.extend((0..10).map(|number| Event {
        scope: 202_611,
        generation: 2,
        ..event(line, EventKind::Impression, number, START)
    }));
    // A media line of whose scope there is no plan was never admitted; a line paid per period has no budget.
    events.extend((0..4).map(|number| Event {
        scope: 202_612,
        ..event(lines.media[1], EventKind::Impression, number, START)
    }));
    events.extend(impressions(lines.period, 0..50));
    let counts = apply_events(&database.store(), 1, &events).await;
    assert_eq!((counts.impressions, counts.over_cap), (6 + 2 + 50, 4 + 8 + 4));
    let mut tx = database.store().begin().await.unwrap();
    assert_eq!(tx.counting().counted(line, 0).await.unwrap(), 6);
    assert_eq!(tx.counting().counted(line, 202_611).await.unwrap(), 2);
    assert_eq!(tx.counting().counted(lines.media[1], 202_612).await.unwrap(), 0);
}

#[tokio::test]
async fn viewables_and_clicks_count_once_for_each_impression() {
    let database = TestDatabase::create().await;
    let lines = make_lines(&database.pool(), 1, 1000).await;
    let line = lines.media[0];
    let kinds = [
        EventKind::Impression,
        EventKind::Viewable,
        EventKind::Click,
        EventKind::Click,
        EventKind::Viewable,
    ];
    let events: Vec<Event> = kinds.iter().map(|kind| event(line, *kind, 7, START)).collect();
    let counts = apply_events(&database.store(), 1, &events).await;
    assert_eq!(
        (counts.impressions, counts.viewable, counts.clicks, counts.again),
        (1, 1, 1, 2)
    );
    let counts = apply_events(&database.store(), 2, &events).await;
    assert_eq!(
        (counts.impressions, counts.viewable, counts.clicks, counts.again),
        (0, 0, 0, 5)
    );
    let mut tx = database.store().begin().await.unwrap();
    let hours = tx
        .counting()
        .counted_by_hour(line, START, START + TimeDelta::hours(1))
        .await
        .unwrap();
    assert_eq!(
        (hours[0].impressions, hours[0].viewable, hours[0].clicks),
        (1, 1, 1)
    );
}

#[tokio::test]
async fn an_impression_belongs_to_the_day_and_hour_of_its_decision() {
    let database = TestDatabase::create().await;
    let lines = make_lines(&database.pool(), 1, 1000).await;
    let midnight = day_start(day("2026-11-03"));
    let before = Event {
        counted_at: midnight + TimeDelta::minutes(5),
        ..event(
            lines.media[0],
            EventKind::Impression,
            0,
            midnight - TimeDelta::milliseconds(1),
        )
    };
    let after = event(lines.media[0], EventKind::Impression, 0, midnight);
    apply_events(&database.store(), 1, &[before, after]).await;
    let mut tx = database.store().begin().await.unwrap();
    let mut counting = tx.counting();
    let by_day = counting
        .counted_by_day(lines.media[0], day("2026-11-01"), day("2026-11-30"))
        .await
        .unwrap();
    assert_eq!(by_day, [(day("2026-11-02"), 1), (day("2026-11-03"), 1)]);
    let hours = counting
        .counted_by_hour(
            lines.media[0],
            midnight - TimeDelta::hours(2),
            midnight + TimeDelta::hours(2),
        )
        .await;
    let hours: Vec<Timestamp> = hours.unwrap().iter().map(|hour| hour.hour).collect();
    assert_eq!(hours, [midnight - TimeDelta::hours(1), midnight]);
    let first = Epoch::of(midnight);
    let in_epochs = counting
        .counted_in_epochs(lines.media[0], Epoch(first.0 - 1), first)
        .await
        .unwrap();
    assert_eq!(in_epochs, 1);
}

#[tokio::test]
async fn events_of_unknown_lines_and_impossible_numbers_are_refused_and_the_rest_counts() {
    let database = TestDatabase::create().await;
    let lines = make_lines(&database.pool(), 1, 1000).await;
    let unknown = LineId::from_uuid(Uuid::from_u128(404));
    let events = [
        event(unknown, EventKind::Impression, 1, START),
        event(lines.media[0], EventKind::Impression, u32::MAX, START),
        Event {
            scope: u32::MAX,
            ..event(lines.media[0], EventKind::Impression, 2, START)
        },
        event(lines.media[0], EventKind::Impression, 3, START),
    ];
    let counts = apply_events(&database.store(), 1, &events).await;
    assert_eq!((counts.impressions, counts.refused), (1, 3));
    assert_eq!(apply_events(&database.store(), 2, &events[..1]).await.refused, 1);
    assert_eq!(
        apply_events(&database.store(), 3, &[]).await,
        SegmentCounts::default()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_segments_sum_up_exactly() {
    const SEGMENTS: u128 = 48;
    let database = TestDatabase::create().await;
    let lines = Arc::new(make_lines(&database.pool(), 12, 700).await);
    // Each number lies in several segments, the lines in a different order in each; each segment is applied by two tasks.
    let segments: Arc<Vec<Vec<Event>>> = Arc::new(
        (0..SEGMENTS)
            .map(|n| {
                let n = usize::try_from(n).unwrap();
                let mut events = Vec::new();
                for k in 0..12 {
                    let line = lines.media[(k * 5 + n) % 12];
                    let from = u32::try_from(n * 17 % 800).unwrap();
                    events.extend(impressions(line, from..from + 60));
                }
                events
            })
            .collect(),
    );
    let tasks: Vec<_> = (0..4)
        .map(|task| {
            let (store, segments) = (database.store(), Arc::clone(&segments));
            tokio::spawn(async move {
                let mut sum = (0, 0);
                for step in 0..SEGMENTS {
                    let n = if task % 2 == 0 { step } else { SEGMENTS - 1 - step };
                    if n % 2 == task / 2 {
                        let counts =
                            apply_events(&store, 1000 + n, &segments[usize::try_from(n).unwrap()]).await;
                        sum = (sum.0 + counts.impressions, sum.1 + counts.over_cap);
                    }
                }
                sum
            })
        })
        .collect();
    let mut sum = (0, 0);
    for task in tasks {
        let (impressions, over_cap) = task.await.unwrap();
        sum = (sum.0 + impressions, sum.1 + over_cap);
    }
    // The numbers that any segment has, counted by hand.
    let mut distinct = std::collections::BTreeSet::new();
    for n in 0..usize::try_from(SEGMENTS).unwrap() {
        let from = n * 17 % 800;
        distinct.extend(from..from + 60);
    }
    let each = u64::try_from(distinct.len()).unwrap();
    assert!(each > 700, "some go beyond the cap: {each}");
    assert_eq!(sum, (12 * 700, 12 * (each - 700)));
    for line in &lines.media {
        assert_eq!(counted(&database.store(), *line).await, 700);
    }
    let (epochs, hours): (i64, i64) = sqlx::query_as(
        "select (select sum(impressions)::bigint from line_epochs), (select sum(impressions)::bigint from line_hours)",
    )
    .fetch_one(&database.pool())
    .await
    .unwrap();
    assert_eq!((epochs, hours), (12 * 700, 12 * 700));
}

#[tokio::test]
async fn shipping_puts_segments_away_and_a_damaged_one_aside() {
    let database = TestDatabase::create().await;
    let lines = make_lines(&database.pool(), 1, 1000).await;
    let dir = tempfile::tempdir().unwrap();
    let journal = journal(&dir, "node-1", 1);
    let whole = sealed(&journal, &impressions(lines.media[0], 0..10));
    let damaged = sealed(&journal, &impressions(lines.media[0], 10..20));
    let hopeless = sealed(&journal, &impressions(lines.media[0], 20..30));
    let mut bytes = std::fs::read(&damaged.path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&damaged.path, &bytes).unwrap();
    std::fs::write(&hopeless.path, b"nothing that a journal wrote").unwrap();
    journal
        .append(&event(lines.media[0], EventKind::Impression, 40, START))
        .unwrap();

    let counts = ship::ship(&journal, &database.store(), START).await.unwrap();
    assert!((11..20).contains(&counts.impressions), "{counts:?}");
    assert_eq!(journal.sealed(), []);
    let name = |segment: &SealedSegment| segment.path.file_name().unwrap().to_owned();
    assert!(dir.path().join("applied").join(name(&whole)).exists());
    assert!(dir.path().join("damaged").join(name(&damaged)).exists());
    assert!(dir.path().join("damaged").join(name(&hopeless)).exists());
    assert_eq!(
        ship::ship(&journal, &database.store(), START).await.unwrap(),
        SegmentCounts::default()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn shipping_from_several_tasks_at_once_counts_each_event_once() {
    let database = TestDatabase::create().await;
    let line = make_lines(&database.pool(), 1, 1000).await.media[0];
    let dir = tempfile::tempdir().unwrap();
    let journal = journal(&dir, "node-1", 1);
    let tasks: Vec<_> = (0..4u32)
        .map(|task| {
            let (journal, store) = (Arc::clone(&journal), database.store());
            tokio::spawn(async move {
                let mut counted = 0;
                for round in 0..8 {
                    for event in impressions(line, task * 100 + round * 5..task * 100 + round * 5 + 5) {
                        journal.append(&event).unwrap();
                    }
                    counted += ship::ship(&journal, &store, START).await.unwrap().impressions;
                }
                counted
            })
        })
        .collect();
    let mut sum = 0;
    for task in tasks {
        sum += task.await.unwrap();
    }
    assert_eq!((sum, counted(&database.store(), line).await), (160, 160));
    assert_eq!(journal.sealed(), []);
}

#[tokio::test]
async fn what_can_not_be_applied_stays_sealed() {
    let database = TestDatabase::create().await;
    let lines = make_lines(&database.pool(), 1, 1000).await;
    let dir = tempfile::tempdir().unwrap();
    let journal = journal(&dir, "node-1", 1);
    sealed(&journal, &impressions(lines.media[0], 0..10));
    let closed = database.store();
    let unreachable = Store::from_pool(
        sqlx::postgres::PgPoolOptions::new()
            .acquire_timeout(std::time::Duration::from_millis(200))
            .connect_lazy("postgres://127.0.0.1:9/none")
            .unwrap(),
    );
    let refused = ship::ship(&journal, &unreachable, START).await.unwrap_err();
    assert_eq!(refused.code(), "ship_database_failed");
    assert_eq!(journal.sealed().len(), 1);
    assert_eq!(
        ship::ship(&journal, &closed, START).await.unwrap().impressions,
        10
    );
}

#[tokio::test]
async fn the_two_totals_are_compared_over_closed_epochs() {
    let database = TestDatabase::create().await;
    let lines = make_lines(&database.pool(), 3, 1000).await;
    let epoch = Epoch::of(START);
    let mut events = impressions(lines.media[0], 0..10);
    events.extend(impressions(lines.media[1], 0..10));
    events.extend(impressions(lines.media[2], 0..10));
    apply_events(&database.store(), 1, &events).await;
    let told = |line: LineId, shown: u64| ClosedEpoch {
        line,
        scope: 0,
        generation: 1,
        epoch,
        granted: 20,
        shown,
    };
    let mut tx = database.store().begin().await.unwrap();
    let mut counting = tx.counting();
    let closed = [
        told(lines.media[0], 10),
        told(lines.media[1], 8),
        told(lines.media[1], 9),
    ];
    counting.record_counter_totals(&closed, START).await.unwrap();
    counting.record_counter_totals(&closed, START).await.unwrap();

    let still_open = counting
        .compare_totals(day("2026-11-02"), START + TimeDelta::minutes(10))
        .await
        .unwrap();
    assert_eq!((still_open.lines, still_open.differences.len()), (0, 0));
    let compared = counting
        .compare_totals(day("2026-11-02"), START + TimeDelta::hours(1))
        .await
        .unwrap();
    assert_eq!(compared.lines, 3);
    let found: Vec<_> = compared
        .differences
        .iter()
        .map(|d| (d.line, d.counter, d.events, d.epochs_not_told))
        .collect();
    assert_eq!(found, [(lines.media[1], 8, 10, 0), (lines.media[2], 0, 10, 1)]);
    let next_day = counting
        .compare_totals(day("2026-11-03"), START + TimeDelta::days(5))
        .await
        .unwrap();
    assert_eq!(next_day.lines, 0);
}

#[tokio::test]
async fn a_large_segment_is_applied_in_one_go() {
    let database = TestDatabase::create().await;
    let lines = make_lines(&database.pool(), 200, 1_000_000).await;
    let events: Vec<Event> = (0..50_000u32)
        .map(|n| {
            let line = lines.media[usize::try_from(n % 200).unwrap()];
            event(
                line,
                EventKind::Impression,
                n / 200,
                START + TimeDelta::milliseconds(i64::from(n) * 12),
            )
        })
        .collect();
    let dir = tempfile::tempdir().unwrap();
    let journal = journal(&dir, "node-1", 1);
    let begun = Instant::now();
    let segment = sealed(&journal, &events);
    let written = begun.elapsed();
    let begun = Instant::now();
    let applied = ship::apply(&database.store(), &segment, START).await.unwrap();
    eprintln!(
        "50,000 events over 200 lines: journalled in {written:?}, applied in {:?}",
        begun.elapsed()
    );
    assert_eq!((applied.counts.impressions, applied.counts.again), (50_000, 0));
    let begun = Instant::now();
    for n in 0..100 {
        apply_events(
            &database.store(),
            5000 + n,
            &impressions(lines.media[0], 600..602),
        )
        .await;
    }
    eprintln!("a small segment: {:?}", begun.elapsed() / 100);
}
