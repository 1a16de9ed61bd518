//! A line that is ended stops at midnight (orders.md §8 "On E").

use crate::world::{Wanted, World, offer, side, top};
use chrono::TimeDelta;
use namoyish_domain::calendar::{day_start, plus_days};

// orders.md §8: on E serving stops at 00:00 Tashkent; also in a node that hears no more, and with a plan for that day.
#[tokio::test]
async fn a_line_stops_by_itself_at_the_midnight_of_its_end() {
    let mut world = World::new(41).await;
    let line = world.line(Wanted::default()).await;
    let other = world
        .line(Wanted {
            placements: vec![side()],
            ..Wanted::default()
        })
        .await;
    let tomorrow = plus_days(world.ctx.today(), 1);
    world.plan(tomorrow).await;
    world
        .sql(
            "update order_lines set ended_on = '2026-11-02' where id = $1",
            &[line.uuid()],
        )
        .await;
    let node = world.node("node-1").await;
    let midnight = day_start(tomorrow);
    for (at, served) in [
        (midnight - TimeDelta::minutes(10), true),
        (midnight - TimeDelta::milliseconds(1), true),
        (midnight, false),
        (midnight + TimeDelta::minutes(1), false),
    ] {
        node.refill(at).await.unwrap();
        assert_eq!(offer(&node, top(), None, at).is_some(), served, "{at}");
    }
    let morning = midnight + TimeDelta::minutes(1);
    assert!(offer(&node, side(), None, morning).is_some(), "{other} goes on");
}
