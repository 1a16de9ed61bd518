//! A node under a virtual clock: decisions, pacing, counting, and what it survives (delivery.md §3–§6).

use crate::world::{Wanted, World, drive, offer, partner, request, side, tashkent, top};
use chrono::TimeDelta;
use namoyish_delivery::counters::{Counters, Epoch};
use namoyish_delivery::journal::{EventKind, Journal, JournalOptions, Position};
use namoyish_delivery::node::{CountOutcome, Node, NodeParts, PlacementAnswer};
use namoyish_delivery::token_keys::rotate_token_keys;
use namoyish_domain::calendar::{day_start, plus_days};
use namoyish_domain::delivery::decision::NoAdReason;
use namoyish_domain::delivery::token::TokenRefused;
use namoyish_domain::ids::{AppId, LineId};
use namoyish_domain::orders::order_blank::LineKind;
use namoyish_storage::Store;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use uuid::Uuid;

fn reason(answer: PlacementAnswer) -> &'static str {
    match answer {
        PlacementAnswer::Ad(_) => "ad",
        PlacementAnswer::NoAd(reason) => reason.code(),
    }
}

#[tokio::test]
async fn a_day_is_spent_evenly_to_its_quota_and_not_one_more() {
    let mut world = World::new(1).await;
    let line = world
        .line(Wanted {
            regions: &["UZ-TK"],
            ..Wanted::default()
        })
        .await;
    let node = world.node("node-1").await;
    let day = world.ctx.today();
    let asked = request(&[top()], Some("UZ-TK"));
    let morning = (day_start(day), day_start(day) + TimeDelta::hours(12));
    drive(&[&node], &world, morning, TimeDelta::seconds(5), 20, &asked).await;
    let by_noon = world.counted(line).await;
    // 833 for the day: half of it, less what is on its way back, plus the burst.
    assert!((410..=418).contains(&by_noon), "{by_noon} by noon");
    let evening = (morning.1, day_start(plus_days(day, 1)));
    drive(&[&node], &world, evening, TimeDelta::seconds(5), 20, &asked).await;
    let by_night = world.counted(line).await;
    assert!((831..=833).contains(&by_night), "{by_night} by night");
}

#[tokio::test]
async fn two_nodes_together_never_pass_the_quota() {
    let mut world = World::new(2).await;
    let line = world
        .line(Wanted {
            budget: "3000.00",
            last_day: "2026-11-01",
            ..Wanted::default()
        })
        .await;
    let (a, b) = (world.node("node-1").await, world.node("node-2").await);
    let day = (
        day_start(world.ctx.today()),
        day_start(plus_days(world.ctx.today(), 1)),
    );
    let asked = request(&[top()], None);
    let acknowledged = drive(&[&a, &b], &world, day, TimeDelta::seconds(20), 1_000_000, &asked).await;
    assert_eq!(world.counted(line).await, 250);
    assert_eq!(acknowledged, 250);
}

// delivery.md §8: no blackout. A request at an epoch's first instant finds numbers that were taken before it.
#[tokio::test]
async fn at_the_turn_of_an_epoch_a_line_has_numbers_already() {
    let mut world = World::new(38).await;
    let line = world.line(Wanted::default()).await;
    let node = world.node("node-1").await;
    for at in [
        "2026-11-01T12:04:10",
        "2026-11-01T12:04:40",
        "2026-11-01T12:04:50",
    ] {
        node.refill(tashkent(at)).await.unwrap();
    }
    let held = node.numbers_in_hand();
    let now = tashkent("2026-11-01T12:05:00");
    let offer = offer(&node, top(), None, now).expect("numbers of the new epoch, without a refill");
    assert_eq!(offer.claims.line, line);
    assert_eq!(i64::from(offer.claims.epoch.0) * 300, now.timestamp());
    // What the node holds at its end of both epochs goes back.
    node.refill(tashkent("2026-11-01T12:09:45")).await.unwrap();
    assert!(held > 0 && node.numbers_in_hand() > 0);
    node.finish(tashkent("2026-11-01T12:09:50")).await.unwrap();
    assert_eq!(node.numbers_in_hand(), 0);
}

#[tokio::test]
async fn scarce_traffic_is_shared_by_need() {
    let mut world = World::new(3).await;
    let small = world.line(Wanted::default()).await;
    let large = world
        .line(Wanted {
            budget: "900000.00",
            ..Wanted::default()
        })
        .await;
    let node = world.node("node-1").await;
    let day = (
        day_start(world.ctx.today()),
        day_start(plus_days(world.ctx.today(), 1)),
    );
    // 833 + 2,500 are due, 1,440 requests come.
    drive(
        &[&node],
        &world,
        day,
        TimeDelta::seconds(60),
        1_000_000,
        &request(&[top()], None),
    )
    .await;
    let (small, large) = (world.counted(small).await, world.counted(large).await);
    assert_eq!(small + large, 1440);
    assert!(
        (355..=365).contains(&small),
        "{small} of 1440 for a quarter of the need"
    );
}

#[tokio::test]
async fn only_viewers_inside_the_region_see_the_line() {
    let mut world = World::new(4).await;
    world
        .line(Wanted {
            regions: &["UZ-TK"],
            ..Wanted::default()
        })
        .await;
    let node = world.node("node-1").await;
    let now = world.ctx.now();
    for outside in [None, Some("UZ"), Some("UZ-SA"), Some("KZ")] {
        let answer = node.serve(&request(&[top()], outside), now).pop().unwrap();
        assert_eq!(reason(answer), "region", "{outside:?}");
    }
    let given = offer(&node, top(), Some("UZ-TK/tashkent"), now).unwrap();
    assert_eq!(given.claims.epoch, Epoch::of(now));
    let elsewhere = node.serve(&request(&[side()], Some("UZ-TK")), now).pop().unwrap();
    assert_eq!(reason(elsewhere), "no_line");
}

#[tokio::test]
async fn a_partners_key_serves_only_its_placements() {
    let mut world = World::new(5).await;
    world
        .line(Wanted {
            placements: vec![top(), partner()],
            ..Wanted::default()
        })
        .await;
    let node = world.node("node-1").await;
    let mut asked = request(&[top(), partner()], None);
    asked.app = Some(AppId::from_uuid(Uuid::from_u128(52)));
    let answers: Vec<_> = node
        .serve(&asked, world.ctx.now())
        .into_iter()
        .map(reason)
        .collect();
    assert_eq!(answers, ["placement_of_another_app", "ad"]);
}

#[tokio::test]
async fn a_page_gets_no_line_twice_while_another_fits() {
    let mut world = World::new(6).await;
    let both = vec![top(), side()];
    world
        .line(Wanted {
            kind: LineKind::Period,
            placements: both.clone(),
            ..Wanted::default()
        })
        .await;
    world
        .line(Wanted {
            kind: LineKind::Period,
            placements: both,
            ..Wanted::default()
        })
        .await;
    let node = world.node("node-1").await;
    let mut shown: HashMap<LineId, u32> = HashMap::new();
    for n in 0..50 {
        let now = world.ctx.now() + TimeDelta::seconds(n * 5);
        node.refill(now).await.unwrap();
        let lines: Vec<LineId> = node
            .serve(&request(&[top(), side()], None), now)
            .into_iter()
            .filter_map(|answer| match answer {
                PlacementAnswer::Ad(offer) => Some(offer.claims.line),
                PlacementAnswer::NoAd(_) => None,
            })
            .collect();
        assert_eq!(lines.len(), 2);
        assert_ne!(lines[0], lines[1]);
        for line in lines {
            *shown.entry(line).or_default() += 1;
        }
    }
    assert_eq!(shown.into_values().collect::<Vec<_>>(), [50, 50]);
}

#[tokio::test]
async fn materials_of_a_line_rotate_evenly() {
    let mut world = World::new(7).await;
    let line = world
        .line(Wanted {
            kind: LineKind::Period,
            ..Wanted::default()
        })
        .await;
    world
        .sql(
            "with second as (insert into ad_materials (id, line_id, version, kind, title, target_url, submitted_at,
                 submitted_by, live_from)
               select $2, line_id, 2, kind, 'Second', target_url, submitted_at, submitted_by, live_from
               from ad_materials where line_id = $1 returning id, submitted_at)
             insert into moderation_decisions (material_id, state, decided_at, decided_by)
               select id, 'approved', submitted_at, 'sinov' from second",
            &[line.uuid(), Uuid::from_u128(77)],
        )
        .await;
    let node = world.node("node-1").await;
    let mut titles: HashMap<String, u32> = HashMap::new();
    for n in 0..40 {
        let now = world.ctx.now() + TimeDelta::seconds(n * 5);
        node.refill(now).await.unwrap();
        *titles
            .entry(offer(&node, top(), None, now).unwrap().material.title.clone())
            .or_default() += 1;
    }
    assert_eq!(titles.into_values().collect::<Vec<_>>(), [20, 20]);
}

#[tokio::test]
async fn each_token_counts_once_and_only_as_what_it_is() {
    let mut world = World::new(8).await;
    let line = world.line(Wanted::default()).await;
    let node = world.node("node-1").await;
    let now = world.ctx.now();
    let given = offer(&node, top(), None, now).unwrap();
    let impression = node.token(&given, EventKind::Impression);
    let click = node.token(&given, EventKind::Click);

    assert!(matches!(
        node.count(&impression, EventKind::Impression, now),
        CountOutcome::Counted(_)
    ));
    assert!(matches!(
        node.count(&impression, EventKind::Impression, now),
        CountOutcome::Again
    ));
    assert!(matches!(
        node.count(&click, EventKind::Click, now),
        CountOutcome::Counted(_)
    ));
    let refused = |outcome| match outcome {
        CountOutcome::Refused(refused) => refused,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        refused(node.count(&impression, EventKind::Click, now)),
        TokenRefused::WrongKind
    );
    let late = now + TimeDelta::seconds(601);
    let expired = refused(node.count(
        &node.token(&given, EventKind::Viewable),
        EventKind::Viewable,
        late,
    ));
    assert_eq!(expired, TokenRefused::Expired { late_seconds: 1 });
    for at in 0..impression.len() {
        let mut forged = impression.clone().into_bytes();
        forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(forged).unwrap();
        let outcome = node.count(&forged, EventKind::Impression, now);
        // The last letter's spare bits don't belong to the token; then it is the same token again.
        let is_harmless = matches!(outcome, CountOutcome::Refused(_) | CountOutcome::Again);
        assert!(is_harmless, "letter {at}: {outcome:?}");
    }
    node.ship(&world.ctx.store, now).await.unwrap();
    assert_eq!(world.counted(line).await, 1);
}

#[tokio::test]
async fn what_was_journalled_before_a_kill_is_counted_once_after_the_restart() {
    let mut world = World::new(9).await;
    let line = world.line(Wanted::default()).await;
    let now = world.ctx.now();
    let node = world.node("node-1").await;
    let given = offer(&node, top(), None, now).unwrap();
    let token = node.impression_token(&given);
    assert!(matches!(
        node.count(&token, EventKind::Impression, now),
        CountOutcome::Counted(_)
    ));
    // Neither marks nor segments were told.
    drop(node);

    let node = world.node("node-1").await;
    assert!(matches!(
        node.count(&token, EventKind::Impression, now),
        CountOutcome::Again
    ));
    node.flush_marks(now).await.unwrap();
    node.ship(&world.ctx.store, now).await.unwrap();
    assert_eq!(world.counted(line).await, 1);
    let other = world.node("node-2").await;
    assert!(matches!(
        other.count(&token, EventKind::Impression, now),
        CountOutcome::Counted(_)
    ));
    other.ship(&world.ctx.store, now).await.unwrap();
    assert_eq!(
        world.counted(line).await,
        1,
        "a token called on two nodes counts once"
    );

    // The counter store knows it too: the epoch closes with one shown.
    let closed = now + TimeDelta::minutes(20);
    let totals = world
        .counters
        .closed_epochs(line, 0, closed.timestamp())
        .await
        .unwrap();
    assert_eq!(totals.iter().map(|epoch| epoch.shown).sum::<u64>(), 1);
}

#[tokio::test]
async fn a_paused_line_is_out_with_the_next_snapshot() {
    let mut world = World::new(10).await;
    let line = world.line(Wanted::default()).await;
    let node = world.node("node-1").await;
    let now = world.ctx.now();
    assert!(offer(&node, top(), None, now).is_some());
    assert!(!node.refresh_snapshot(now).await.unwrap(), "nothing has changed");
    world
        .sql(
            "update order_lines set paused_at = now() where id = $1",
            &[line.uuid()],
        )
        .await;
    let mut tx = world.ctx.store.begin().await.unwrap();
    tx.bump_snapshot().await.unwrap();
    tx.save().await.unwrap();
    assert!(node.refresh_snapshot(now).await.unwrap());
    let answer = node.serve(&request(&[top()], None), now).pop().unwrap();
    assert_eq!(reason(answer), NoAdReason::NoLine.code());
    assert_eq!(node.numbers_in_hand(), 0);
}

/// Attaches a licence to a line's material by hand.
const LICENSE: &str = "with file as (insert into files values (repeat('e', 64), 'application/pdf', '', now()) returning sha256)
    insert into material_documents (id, material_id, kind, number, issuer, expires_on, file_sha256, attached_at, attached_by)
    select $2, m.id, 'licence', 'L-1', 'Vazirlik', '2026-11-01', file.sha256, now(), 'sinov' from ad_materials m, file where m.line_id = $1";

// orders.md §4: the line stops being served on the day after its licence expires, even by a node that hears no more.
#[tokio::test]
async fn a_line_stops_by_itself_at_the_midnight_after_its_licences_last_day() {
    let mut world = World::new(31).await;
    let line = world.line(Wanted::default()).await;
    let other = world
        .line(Wanted {
            placements: vec![side()],
            ..Wanted::default()
        })
        .await;
    world.sql(LICENSE, &[line.uuid(), Uuid::from_u128(501)]).await;
    let tomorrow = plus_days(world.ctx.today(), 1);
    world.plan(tomorrow).await;
    let node = world.node("node-1").await;
    let evening = day_start(tomorrow) - TimeDelta::minutes(10);
    node.refill(evening).await.unwrap();
    assert!(
        offer(&node, top(), None, evening).is_some(),
        "through its last day"
    );
    let morning = day_start(tomorrow) + TimeDelta::minutes(1);
    node.refill(morning).await.unwrap();
    let answer = node.serve(&request(&[top()], None), morning).pop().unwrap();
    assert_ne!(reason(answer), "ad");
    assert!(
        offer(&node, side(), None, morning).is_some(),
        "{other} has no licence to lose"
    );
}

// orders.md §4 [003 §4.3.4, §6.5]: a revocation, a withdrawn approval and a second subject stop the line at once.
#[tokio::test]
async fn a_revocation_a_withdrawal_and_a_second_subject_are_out_with_the_next_snapshot() {
    let revoke = "insert into material_document_revocations (document_id, note, reported_at, reported_by)
        select d.id, '', now(), 'sinov' from material_documents d join ad_materials m on m.id = d.material_id where m.line_id = $1";
    let withdraw = "insert into moderation_decisions (material_id, state, decided_at, decided_by)
        select id, 'withdrawn', now(), 'sinov' from ad_materials where line_id = $1";
    let flag = "insert into material_subject_events (material_id, event, note, at, actor)
        select id, 'flagged', 'Mehmonxona', now(), 'sinov' from ad_materials where line_id = $1";
    for (seed, stop) in [(32, revoke), (33, withdraw), (34, flag)] {
        let mut world = World::new(seed).await;
        let line = world.line(Wanted::default()).await;
        world.sql(LICENSE, &[line.uuid(), Uuid::from_u128(501)]).await;
        let node = world.node("node-1").await;
        let now = world.ctx.now();
        assert!(offer(&node, top(), None, now).is_some());
        world.sql(stop, &[line.uuid()]).await;
        let mut tx = world.ctx.store.begin().await.unwrap();
        tx.bump_snapshot().await.unwrap();
        tx.save().await.unwrap();
        assert!(node.refresh_snapshot(now).await.unwrap());
        let answer = node.serve(&request(&[top()], None), now).pop().unwrap();
        assert_eq!(reason(answer), NoAdReason::NoLine.code(), "{stop}");
    }
}

#[tokio::test]
async fn a_line_whose_budget_is_spent_is_no_longer_in_the_snapshot() {
    let mut world = World::new(11).await;
    let wanted = Wanted {
        budget: "24.00",
        last_day: "2026-11-01",
        ..Wanted::default()
    };
    let line = world.line(wanted).await;
    let node = world.node("node-1").await;
    let day = (
        day_start(world.ctx.today()),
        day_start(plus_days(world.ctx.today(), 1)),
    );
    drive(
        &[&node],
        &world,
        day,
        TimeDelta::seconds(60),
        1_000_000,
        &request(&[top()], None),
    )
    .await;
    assert_eq!(world.counted(line).await, 2);
    let data = world.ctx.store.load_snapshot(world.ctx.today()).await.unwrap();
    assert!(data.lines.is_empty());
    let mut tx = world.ctx.store.begin().await.unwrap();
    let facts = tx.line_facts(&[line], world.ctx.today()).await.unwrap();
    assert!(facts[0].facts.budget_exhausted);
}

#[tokio::test]
async fn a_node_that_lost_its_database_serves_on_over_midnight() {
    let mut world = World::new(12).await;
    world.line(Wanted::default()).await;
    let today = world.ctx.today();
    let tomorrow = plus_days(today, 1);
    world.plan(tomorrow).await;
    let node = world.node("node-1").await;
    // A first grant on each day installs nothing new: the counter is there.
    world.ctx.store.close().await;
    let evening = day_start(tomorrow) - TimeDelta::minutes(10);
    assert!(node.refresh_snapshot(evening).await.is_err());
    node.refill(evening).await.unwrap();
    assert!(offer(&node, top(), None, evening).is_some());
    let morning = day_start(tomorrow) + TimeDelta::minutes(10);
    assert!(node.refresh_snapshot(morning).await.is_err());
    node.refill(morning).await.unwrap();
    let given = offer(&node, top(), None, morning).unwrap();
    let token = node.impression_token(&given);
    assert!(matches!(
        node.count(&token, EventKind::Impression, morning),
        CountOutcome::Counted(_)
    ));
    assert_eq!(node.snapshot().day(), tomorrow);
}

#[tokio::test]
async fn unused_numbers_come_back_when_the_node_ends() {
    let mut world = World::new(13).await;
    let line = world
        .line(Wanted {
            kind: LineKind::Period,
            ..Wanted::default()
        })
        .await;
    let node = world.node("node-1").await;
    assert!(node.numbers_in_hand() > 0);
    node.finish(world.ctx.now()).await.unwrap();
    assert_eq!(node.numbers_in_hand(), 0);
    let closed = world.ctx.now() + TimeDelta::minutes(20);
    let totals = world
        .counters
        .closed_epochs(line, 0, closed.timestamp())
        .await
        .unwrap();
    assert_eq!(totals.iter().map(|epoch| epoch.shown).sum::<u64>(), 0);
}

#[tokio::test]
async fn requests_are_told_by_hour_and_as_opportunities_of_the_lines_that_match() {
    let mut world = World::new(14).await;
    let inside = world
        .line(Wanted {
            regions: &["UZ-TK"],
            ..Wanted::default()
        })
        .await;
    let everywhere = world.line(Wanted::default()).await;
    let node = world.node("node-1").await;
    let start = world.ctx.now();
    for minute in 0..90 {
        let viewer = if minute % 3 == 0 {
            Some("UZ-TK/tashkent")
        } else {
            None
        };
        node.serve(&request(&[top()], viewer), start + TimeDelta::minutes(minute));
    }
    node.report_traffic(&world.ctx.store).await.unwrap();
    node.report_traffic(&world.ctx.store).await.unwrap();
    let hours: Vec<(String, i64)> = sqlx::query_as(
        "select region, requests from traffic_hours where placement_id = $1 order by hour, region",
    )
    .bind(top().uuid())
    .fetch_all(&world.pool)
    .await
    .unwrap();
    let told: Vec<(&str, i64)> = hours.iter().map(|(region, n)| (region.as_str(), *n)).collect();
    assert_eq!(
        told,
        [("", 40), ("UZ-TK/tashkent", 20), ("", 20), ("UZ-TK/tashkent", 10)]
    );
    for (line, expected) in [(inside, 30), (everywhere, 90)] {
        let opportunities: i64 =
            sqlx::query_scalar("select opportunities from line_demand where line_id = $1")
                .bind(line.uuid())
                .fetch_one(&world.pool)
                .await
                .unwrap();
        assert_eq!(opportunities, expected);
    }
}

#[tokio::test]
async fn keys_rotate_without_refusing_a_living_token() {
    let mut world = World::new(15).await;
    world
        .line(Wanted {
            kind: LineKind::Period,
            ..Wanted::default()
        })
        .await;
    let (a, b) = (world.node("node-1").await, world.node("node-2").await);
    let mut now = world.ctx.now();
    let before = a.impression_token(&offer(&a, top(), None, now).unwrap());
    rotate_token_keys(&world.ctx.store, &world.ctx.ids, now)
        .await
        .unwrap();
    // One node has learned the new key, the other not yet: both still understand each other.
    a.refresh_keys(now).await.unwrap();
    let from_a = a.impression_token(&offer(&a, top(), None, now).unwrap());
    assert!(matches!(
        b.count(&from_a, EventKind::Impression, now),
        CountOutcome::Counted(_)
    ));
    now += TimeDelta::seconds(40);
    for node in [&a, &b] {
        node.refresh_keys(now).await.unwrap();
        node.refill(now).await.unwrap();
    }
    assert!(matches!(
        b.count(&before, EventKind::Impression, now),
        CountOutcome::Counted(_)
    ));
    let after = a.impression_token(&offer(&a, top(), None, now).unwrap());
    assert_ne!(key_id(&before), key_id(&after));
    // Past the life of the last token of it, the old key is unknown.
    now += TimeDelta::minutes(20);
    b.refresh_keys(now).await.unwrap();
    let refused = b.count(&before, EventKind::Impression, now);
    assert!(
        matches!(refused, CountOutcome::Refused(TokenRefused::UnknownKey { .. })),
        "{refused:?}"
    );
}

fn key_id(token: &str) -> String {
    // Version and key id are the first two bytes.
    token.chars().take(3).collect()
}

#[tokio::test]
async fn a_counter_store_that_lost_everything_is_rebuilt_and_nothing_is_overspent() {
    let mut world = World::new(16).await;
    let line = world
        .line(Wanted {
            budget: "3000.00",
            last_day: "2026-11-01",
            ..Wanted::default()
        })
        .await;
    let node = world.node("node-1").await;
    let (start, end) = (
        day_start(world.ctx.today()),
        day_start(plus_days(world.ctx.today(), 1)),
    );
    let noon = tashkent("2026-11-01T12:00:00");
    let asked = request(&[top()], None);
    drive(
        &[&node],
        &world,
        (start, noon),
        TimeDelta::seconds(20),
        20,
        &asked,
    )
    .await;
    world.counters.lose();
    drive(&[&node], &world, (noon, end), TimeDelta::seconds(20), 20, &asked).await;
    let counted = world.counted(line).await;
    assert!((247..=250).contains(&counted), "{counted} of 250");
}

#[tokio::test]
async fn a_retry_after_a_hang_up_is_not_answered_before_its_record_is_written() {
    let mut world = World::new(18).await;
    let line = world
        .line(Wanted {
            kind: LineKind::Period,
            ..Wanted::default()
        })
        .await;
    let now = world.ctx.now();
    let dir = world.journals.path().join("synced");
    let parts = world.parts("node-1", world.counters.clone());
    let options = JournalOptions::new("node-1", now, parts.ids.clone());
    let journal = Arc::new(Journal::open(&dir, options).unwrap());
    let parts = NodeParts {
        journal: Arc::clone(&journal),
        ..parts
    };
    let node = Node::start(parts, now).await.unwrap();
    node.refill(now).await.unwrap();
    let first = node.impression_token(&offer(&node, top(), None, now).unwrap());
    let second = node.impression_token(&offer(&node, top(), None, now).unwrap());

    // The disk fails; the client hangs up before it is told.
    std::fs::remove_dir_all(&dir).unwrap();
    let call = node.count_durably(&first, EventKind::Impression, now);
    assert!(!matches!(timeout(Duration::ZERO, call).await, Ok(Ok(_))));
    journal.durable(Position(1)).await.unwrap_err();
    // The disk works again: a newer record is written.
    std::fs::create_dir_all(&dir).unwrap();
    node.count_durably(&second, EventKind::Impression, now)
        .await
        .unwrap();
    for _ in 0..2 {
        node.count_durably(&first, EventKind::Impression, now)
            .await
            .unwrap();
    }
    node.ship(&world.ctx.store, now).await.unwrap();
    assert_eq!(
        world.counted(line).await,
        2,
        "each acknowledged call is counted once"
    );
}

#[tokio::test]
async fn what_could_not_be_reported_is_reported_the_next_time() {
    let mut world = World::new(19).await;
    let line = world.line(Wanted::default()).await;
    let node = world.node("node-1").await;
    let now = world.ctx.now();
    for _ in 0..7 {
        node.serve(&request(&[top()], None), now);
    }
    let closed = now + TimeDelta::minutes(20);
    let lost = Store::from_pool(sqlx::PgPool::connect_lazy(&world.ctx.database.url()).unwrap());
    lost.close().await;
    node.report_traffic(&lost).await.unwrap_err();
    node.report_totals(&lost, closed).await.unwrap_err();
    // Given up half way, as by a time limit.
    let store = &world.ctx.store;
    timeout(Duration::ZERO, node.report_traffic(store))
        .await
        .unwrap_err();
    timeout(Duration::ZERO, node.report_totals(store, closed))
        .await
        .unwrap_err();

    node.report_traffic(store).await.unwrap();
    node.report_totals(store, closed).await.unwrap();
    let (requests, totals): (i64, i64) = sqlx::query_as(
        "select (select sum(requests)::bigint from traffic_hours where placement_id = $1),
            (select count(*) from counter_totals where line_id = $2)",
    )
    .bind(top().uuid())
    .bind(line.uuid())
    .fetch_one(&world.pool)
    .await
    .unwrap();
    assert_eq!((requests, totals), (7, 1));
}

/// What a node can't start without.
#[tokio::test]
async fn a_node_starts_from_an_empty_platform() {
    let world = World::new(17).await;
    let node: Node = world.node("node-1").await;
    let answer = node
        .serve(&request(&[top()], None), world.ctx.now())
        .pop()
        .unwrap();
    assert_eq!(reason(answer), "no_line");
    node.heartbeat(world.ctx.now()).await.unwrap();
    let known: i64 = sqlx::query_scalar("select count(*) from nodes")
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert_eq!(known, 1);
}
