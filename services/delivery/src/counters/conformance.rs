//! One suite for every counter store: what the pure [`LineCounter`] does, a store does (delivery.md §6).
//!
//! Each check is an async function that answers `Err` with what was violated. [`check_all`] runs them over two handles on
//! one store, as two nodes have; the checks use lines of their own, so one server serves them all.
//! [`behaves_as_the_pure_counter`] is the strictest: a drawn sequence of operations is done on the store and on a
//! [`LineCounter`], and every answer must be the same.

use super::{
    Counters, CountersError, Epoch, GiveBack, GrantReply, GrantRequest, InForce, InstallBase, LineCounter,
    Mark, Shown,
};
use namoyish_domain::delivery::counters::{EPOCH_CLOSES_AFTER_SECONDS, EPOCH_SECONDS};
use namoyish_domain::ids::LineId;
use std::fmt;
use std::sync::Arc;
use uuid::Uuid;

/// 2026-11-01T10:00:00 in Tashkent.
const MORNING: i64 = 1_793_473_200 + 36_000;
/// Tasks that ask at once.
const TASKS: u32 = 8;

/// What a store did that the contract doesn't allow.
#[derive(Debug, thiserror::Error)]
pub enum Violation {
    /// An answer differs.
    #[error("{what}: {found} where {due} was due")]
    Differs {
        /// Which rule.
        what: String,
        /// What the store answered.
        found: String,
        /// What it had to answer.
        due: String,
    },
    /// The store failed.
    #[error(transparent)]
    Failed(#[from] CountersError),
    /// A task of the check panicked.
    #[error("a task of the check panicked")]
    Panicked,
}

/// Two handles on one store.
#[derive(Clone)]
pub struct TwoNodes {
    /// One node's handle.
    pub one: Arc<dyn Counters>,
    /// The other's; the same one where a store serves a single process.
    pub other: Arc<dyn Counters>,
}

/// Runs every check; `seed` makes the lines' ids and the drawn sequence.
pub async fn check_all(nodes: &TwoNodes, seed: u64) -> Result<(), Violation> {
    let lines = |n: u64| LineId::from_uuid(Uuid::from_u64_pair(seed, n));
    a_line_is_unknown_until_it_is_installed(nodes, lines(1)).await?;
    both_limits_hold(nodes, lines(2)).await?;
    an_unlimited_line_is_granted(nodes, lines(3)).await?;
    an_older_plan_is_refused(nodes, lines(4)).await?;
    numbers_come_back_under_new_numbers(nodes, lines(5)).await?;
    a_number_counts_once(nodes, lines(6)).await?;
    an_epoch_closes_by_itself(nodes, lines(7)).await?;
    closed_epochs_are_told_until_they_are_forgotten(nodes, lines(8)).await?;
    a_day_starts_anew_and_a_scope_is_its_own(nodes, lines(9)).await?;
    a_reservation_is_settled(nodes, lines(10)).await?;
    eight_tasks_on_two_nodes_never_get_one_over(nodes, lines(11)).await?;
    for round in 0..6 {
        behaves_as_the_pure_counter(nodes, lines(100 + round), seed.wrapping_add(round)).await?;
    }
    Ok(())
}

/// Nothing is granted before the counter is installed, and it is installed once.
pub async fn a_line_is_unknown_until_it_is_installed(
    nodes: &TwoNodes,
    line: LineId,
) -> Result<(), Violation> {
    let ask = request(line, MORNING, 5, 10);
    same(
        "before",
        nodes.one.grant(&[ask]).await?,
        vec![GrantReply::Unknown],
    )?;
    same(
        "in force before",
        nodes.one.in_force(&[(line, 0)]).await?,
        vec![None],
    )?;
    same(
        "a mark",
        nodes.one.mark_shown(&[mark(line, MORNING, 1, 0)]).await?,
        vec![Shown::Late],
    )?;
    nodes.one.give_back(line, 0, 1, ask.epoch, 5).await?;
    same(
        "closed",
        nodes.one.closed_epochs(line, 0, MORNING).await?,
        Vec::new(),
    )?;
    same("settled", nodes.one.settle(&[base(line, 4)]).await?, vec![false])?;

    same("installed", nodes.one.install(&base(line, 4), MORNING).await?, 4)?;
    same(
        "set if absent",
        nodes.other.install(&base(line, 9), MORNING).await?,
        4,
    )?;
    let in_force = InForce {
        generation: 4,
        reserved_until_seconds: 0,
    };
    same(
        "in force",
        nodes.other.in_force(&[(line, 0), (line, 202_611)]).await?,
        vec![Some(in_force), None],
    )?;
    same(
        "granted",
        nodes.other.grant(&[ask]).await?,
        vec![granted(4, 0, 5, 5, 5)],
    )?;
    same("nothing asked", nodes.one.grant(&[]).await?, Vec::new())
}

/// The budget and the day's limit, over both nodes.
pub async fn both_limits_hold(nodes: &TwoNodes, line: LineId) -> Result<(), Violation> {
    let start = InstallBase {
        counted_before_day: 100,
        counted_in_day: 20,
        ..base(line, 1)
    };
    nodes.one.install(&start, MORNING).await?;
    let ask = GrantRequest {
        day_limit: 27,
        ..request(line, MORNING, 5, 1000)
    };
    same(
        "first",
        nodes.one.grant(&[ask]).await?,
        vec![granted(1, 0, 5, 25, 125)],
    )?;
    same(
        "the day's limit",
        nodes.other.grant(&[ask]).await?,
        vec![granted(1, 5, 2, 27, 127)],
    )?;
    same(
        "reached",
        nodes.one.grant(&[ask]).await?,
        vec![granted(1, 7, 0, 27, 127)],
    )?;
    let wide = request(line, MORNING, 9, 130);
    same(
        "the budget",
        nodes.one.grant(&[wide, wide]).await?,
        vec![granted(1, 7, 3, 30, 130), granted(1, 10, 0, 30, 130)],
    )?;
    let lowered = request(line, MORNING, 9, 3);
    same(
        "a lowered budget",
        nodes.one.grant(&[lowered]).await?,
        vec![granted(1, 10, 0, 30, 130)],
    )
}

/// A line without a budget has the same counter.
pub async fn an_unlimited_line_is_granted(nodes: &TwoNodes, line: LineId) -> Result<(), Violation> {
    nodes.one.install(&base(line, 1), MORNING).await?;
    let ask = request(line, MORNING, 1000, u64::MAX / 4);
    same(
        "unlimited",
        nodes.one.grant(&[ask]).await?,
        vec![granted(1, 0, 1000, 1000, 1000)],
    )
}

/// A node whose snapshot is behind gets nothing by the old limits.
pub async fn an_older_plan_is_refused(nodes: &TwoNodes, line: LineId) -> Result<(), Violation> {
    nodes.one.install(&base(line, 1), MORNING).await?;
    let newer = GrantRequest {
        plan_version: 8,
        ..request(line, MORNING, 1, 10)
    };
    let older = GrantRequest {
        plan_version: 7,
        ..newer
    };
    same(
        "the newer plan",
        nodes.one.grant(&[newer]).await?,
        vec![granted(1, 0, 1, 1, 1)],
    )?;
    same(
        "the older plan",
        nodes.other.grant(&[older]).await?,
        vec![GrantReply::StalePlan],
    )?;
    same(
        "the newer again",
        nodes.other.grant(&[newer]).await?,
        vec![granted(1, 1, 1, 2, 2)],
    )
}

/// What a node never handed out is available at once, under numbers that were not used before.
pub async fn numbers_come_back_under_new_numbers(nodes: &TwoNodes, line: LineId) -> Result<(), Violation> {
    nodes.one.install(&base(line, 1), MORNING).await?;
    let ask = request(line, MORNING, 10, 10);
    same(
        "granted",
        nodes.one.grant(&[ask]).await?,
        vec![granted(1, 0, 10, 10, 10)],
    )?;
    same(
        "shown",
        nodes.one.mark_shown(&[mark(line, MORNING, 1, 0)]).await?,
        vec![Shown::First],
    )?;
    nodes.one.give_back(line, 0, 2, ask.epoch, 3).await?;
    nodes.one.give_back(line, 0, 1, Epoch(7), 3).await?;
    same(
        "neither is its own",
        nodes.other.grant(&[ask]).await?,
        vec![granted(1, 10, 0, 10, 10)],
    )?;
    let back = GiveBack {
        line,
        scope: 0,
        generation: 1,
        epoch: ask.epoch,
        count: 4,
    };
    nodes.one.give_back_all(&[back]).await?;
    same(
        "given back",
        nodes.other.grant(&[ask]).await?,
        vec![granted(1, 10, 4, 10, 10)],
    )?;
    // More than is granted and not shown is never taken.
    nodes.one.give_back_all(&[GiveBack { count: 99, ..back }]).await?;
    same(
        "never what is shown",
        nodes.other.grant(&[ask]).await?,
        vec![granted(1, 14, 9, 10, 10)],
    )
}

/// However often, from whichever node, also twice in one call.
pub async fn a_number_counts_once(nodes: &TwoNodes, line: LineId) -> Result<(), Violation> {
    nodes.one.install(&base(line, 1), MORNING).await?;
    nodes.one.grant(&[request(line, MORNING, 100, 100)]).await?;
    let marks: Vec<Mark> = [3, 99, 3, 100]
        .iter()
        .map(|number| mark(line, MORNING, 1, *number))
        .collect();
    let due = vec![Shown::First, Shown::First, Shown::Again, Shown::Late];
    same("in one call", nodes.one.mark_shown(&marks).await?, due)?;
    let due = vec![Shown::Again, Shown::Again, Shown::Again, Shown::Late];
    same("from another node", nodes.other.mark_shown(&marks).await?, due)?;
    let strange = [
        mark(line, MORNING, 2, 5),
        mark(line, MORNING + EPOCH_SECONDS, 1, 5),
    ];
    same(
        "another generation or epoch",
        nodes.one.mark_shown(&strange).await?,
        vec![Shown::Late; 2],
    )
}

/// Granted and not shown comes back when the last token has expired; a mark after that changes nothing.
pub async fn an_epoch_closes_by_itself(nodes: &TwoNodes, line: LineId) -> Result<(), Violation> {
    nodes.one.install(&base(line, 1), MORNING).await?;
    nodes.one.grant(&[request(line, MORNING, 10, 10)]).await?;
    let marks: Vec<Mark> = (0..3).map(|number| mark(line, MORNING, 1, number)).collect();
    nodes.one.mark_shown(&marks).await?;
    let early = request(line, MORNING + EPOCH_CLOSES_AFTER_SECONDS - 1, 10, 10);
    same(
        "still open",
        nodes.other.grant(&[early]).await?,
        vec![granted(1, 0, 0, 10, 10)],
    )?;
    let due = request(line, MORNING + EPOCH_CLOSES_AFTER_SECONDS, 10, 10);
    same(
        "closed",
        nodes.other.grant(&[due]).await?,
        vec![granted(1, 0, 7, 10, 10)],
    )?;
    same(
        "late",
        nodes.one.mark_shown(&[mark(line, MORNING, 1, 5)]).await?,
        vec![Shown::Late],
    )?;
    let slow_clock = request(line, MORNING + 10, 10, 99);
    same(
        "a slow clock",
        nodes.one.grant(&[slow_clock]).await?,
        vec![granted(1, 0, 0, 10, 10)],
    )
}

/// The two totals can be compared because the counter tells what it closed until somebody has recorded it.
pub async fn closed_epochs_are_told_until_they_are_forgotten(
    nodes: &TwoNodes,
    line: LineId,
) -> Result<(), Violation> {
    nodes.one.install(&base(line, 6), MORNING).await?;
    for (start, want, shown) in [(MORNING, 5, 2), (MORNING + EPOCH_SECONDS, 4, 4)] {
        nodes.one.grant(&[request(line, start, want, 100)]).await?;
        let marks: Vec<Mark> = (0..shown).map(|number| mark(line, start, 6, number)).collect();
        nodes.one.mark_shown(&marks).await?;
    }
    nodes
        .one
        .give_back(line, 0, 6, Epoch::of_seconds(MORNING), 1)
        .await?;
    let now = MORNING + 7200;
    let told = nodes.other.closed_epochs(line, 0, now).await?;
    let totals: Vec<(u32, i64, u64, u64)> = told
        .iter()
        .map(|closed| {
            (
                closed.generation,
                closed.epoch.start_seconds(),
                closed.granted,
                closed.shown,
            )
        })
        .collect();
    same(
        "told",
        totals,
        vec![(6, MORNING, 4, 2), (6, MORNING + EPOCH_SECONDS, 4, 4)],
    )?;
    nodes.one.forget_closed(told.get(..1).unwrap_or_default()).await?;
    same(
        "one is forgotten",
        nodes.one.closed_epochs(line, 0, now).await?.len(),
        1,
    )?;
    nodes.one.forget_closed(&told).await?;
    same("both are", nodes.one.closed_epochs(line, 0, now).await?.len(), 0)
}

/// The next day's limit starts at nothing, the budget goes on; another month's budget is another counter.
pub async fn a_day_starts_anew_and_a_scope_is_its_own(
    nodes: &TwoNodes,
    line: LineId,
) -> Result<(), Violation> {
    nodes.one.install(&base(line, 1), MORNING).await?;
    nodes
        .one
        .install(
            &InstallBase {
                scope: 202_611,
                ..base(line, 2)
            },
            MORNING,
        )
        .await?;
    nodes.one.grant(&[request(line, MORNING, 4, 10)]).await?;
    let marks: Vec<Mark> = (0..3).map(|number| mark(line, MORNING, 1, number)).collect();
    nodes.one.mark_shown(&marks).await?;
    let month = GrantRequest {
        scope: 202_611,
        ..request(line, MORNING, 4, 10)
    };
    same(
        "another scope",
        nodes.other.grant(&[month]).await?,
        vec![granted(2, 0, 4, 4, 4)],
    )?;
    let tomorrow = request(line, MORNING + 86_400, 99, 10);
    same(
        "the next day",
        nodes.other.grant(&[tomorrow]).await?,
        vec![granted(1, 0, 7, 7, 10)],
    )?;
    let yesterday = request(line, MORNING - 86_400, 9, 99);
    same(
        "the day before the base",
        nodes.one.grant(&[yesterday]).await?,
        vec![granted(1, 0, 0, 0, 10)],
    )
}

/// What a lost generation may still show counts as used until the counter is settled, once.
pub async fn a_reservation_is_settled(nodes: &TwoNodes, line: LineId) -> Result<(), Violation> {
    let lost = InstallBase {
        counted_before_day: 100,
        counted_in_day: 20,
        reserved: 30,
        reserved_before_day: 4,
        reserved_until_seconds: MORNING + 1000,
        ..base(line, 5)
    };
    nodes.one.install(&lost, MORNING).await?;
    let ask = GrantRequest {
        day_limit: 52,
        ..request(line, MORNING, 10, 1000)
    };
    same(
        "reserved",
        nodes.one.grant(&[ask]).await?,
        vec![granted(5, 0, 2, 52, 156)],
    )?;
    let due = GrantRequest {
        day_limit: 60,
        ..request(line, MORNING + 1000, 10, 1000)
    };
    same(
        "to be settled",
        nodes.other.grant(&[due]).await?,
        vec![GrantReply::Unknown],
    )?;
    let in_force = InForce {
        generation: 5,
        reserved_until_seconds: MORNING + 1000,
    };
    same(
        "in force",
        nodes.other.in_force(&[(line, 0)]).await?,
        vec![Some(in_force)],
    )?;
    let truth = InstallBase {
        counted_in_day: 27,
        ..lost
    };
    let other_generation = InstallBase {
        generation: 6,
        ..truth
    };
    same(
        "settled",
        nodes.other.settle(&[other_generation, truth, truth]).await?,
        vec![false, true, false],
    )?;
    // Two grants of the first epoch are still out.
    same(
        "after",
        nodes.one.grant(&[due]).await?,
        vec![granted(5, 0, 10, 37, 137)],
    )
}

/// Eight tasks on two nodes ask at once, hand out, show a part, give a part back: never one over the budget, no number
/// twice.
pub async fn eight_tasks_on_two_nodes_never_get_one_over(
    nodes: &TwoNodes,
    line: LineId,
) -> Result<(), Violation> {
    const CAP: u64 = 1000;
    nodes.one.install(&base(line, 1), MORNING).await?;
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let counters = Arc::clone(if task % 2 == 0 { &nodes.one } else { &nodes.other });
            tokio::spawn(async move {
                let mut numbers = Vec::new();
                for round in 0..40 {
                    let ask = request(line, MORNING, 1 + (task * 7 + round) % 13, CAP);
                    if let [GrantReply::Granted { first, count, .. }] =
                        counters.grant(&[ask]).await?.as_slice()
                    {
                        let kept = count - count / 3;
                        counters.give_back(line, 0, 1, ask.epoch, count / 3).await?;
                        numbers.extend(*first..first + kept);
                    }
                }
                Ok::<Vec<u32>, CountersError>(numbers)
            })
        })
        .collect();
    let mut handed_out = Vec::new();
    for task in tasks {
        handed_out.extend(task.await.map_err(|_| Violation::Panicked)??);
    }
    let many = handed_out.len();
    handed_out.sort_unstable();
    handed_out.dedup();
    same("numbers handed out twice", many - handed_out.len(), 0)?;
    same(
        "over the budget",
        u64::try_from(many).unwrap_or(u64::MAX).saturating_sub(CAP),
        0,
    )?;
    let rest = request(line, MORNING, 5000, CAP);
    let used = nodes.one.grant(&[rest]).await?;
    let left = u32::try_from(CAP)
        .unwrap_or(0)
        .saturating_sub(u32::try_from(many).unwrap_or(0));
    match used.as_slice() {
        [
            GrantReply::Granted {
                count,
                scope_used: CAP,
                ..
            },
        ] => same("the rest", *count, left),
        other => same("the rest", format!("{other:?}"), format!("{left} numbers")),
    }
}

/// A drawn sequence of operations on a store and on the pure counter: every answer is the same.
pub async fn behaves_as_the_pure_counter(nodes: &TwoNodes, line: LineId, seed: u64) -> Result<(), Violation> {
    let mut draws = Draws(seed);
    let start = InstallBase {
        counted_before_day: draws.below(50),
        counted_in_day: draws.below(50),
        reserved: draws.below(30),
        reserved_until_seconds: MORNING + 1500,
        ..base(line, 3)
    };
    let mut pure = LineCounter::install(&start);
    nodes.one.install(&start, MORNING).await?;
    let (mut now, mut plan_version) = (MORNING + 78_000 - 36_000, 1);
    for step in 0..150 {
        let node = if draws.below(2) == 0 {
            &nodes.one
        } else {
            &nodes.other
        };
        let what = |rule: &str| format!("seed {seed}, step {step}, {rule}");
        let epoch = Epoch::of_seconds(now - i64::try_from(draws.below(4)).unwrap_or(0) * EPOCH_SECONDS);
        let generation = if draws.below(20) == 0 { 2 } else { 3 };
        match draws.below(10) {
            0..=3 => {
                plan_version += draws.below(2);
                let ask = GrantRequest {
                    cap: 300 + draws.below(200),
                    day: epoch.day(),
                    day_limit: 100 + draws.below(300),
                    plan_version: plan_version - draws.below(plan_version.min(2)),
                    want: u32::try_from(draws.below(40)).unwrap_or(0),
                    epoch,
                    ..request(line, now, 0, 0)
                };
                same(&what("grant"), node.grant(&[ask]).await?, vec![pure.grant(&ask)])?;
            }
            4..=6 => {
                let marks: Vec<Mark> = (0..draws.below(12))
                    .map(|_| Mark {
                        line,
                        scope: 0,
                        generation,
                        epoch,
                        number: u32::try_from(draws.below(60)).unwrap_or(0),
                    })
                    .collect();
                let due: Vec<Shown> = marks
                    .iter()
                    .map(|mark| pure.mark_shown(mark.generation, mark.epoch, mark.number))
                    .collect();
                same(&what("mark"), node.mark_shown(&marks).await?, due)?;
            }
            7 => {
                let count = u32::try_from(draws.below(10)).unwrap_or(0);
                node.give_back(line, 0, generation, epoch, count).await?;
                pure.give_back(generation, epoch, count);
            }
            8 => {
                let truth = InstallBase {
                    counted_in_day: start.counted_in_day + draws.below(20),
                    ..start
                };
                same(
                    &what("settle"),
                    node.settle(&[truth]).await?,
                    vec![pure.settle(&truth)],
                )?;
            }
            _ => {
                pure.close_due(now);
                let told = node.closed_epochs(line, 0, now).await?;
                same(
                    &what("closed"),
                    told.clone(),
                    pure.unrecorded().copied().collect(),
                )?;
                let forgotten = told.get(..told.len() / 2).unwrap_or_default();
                node.forget_closed(forgotten).await?;
                pure.forget_closed(forgotten);
            }
        }
        now += i64::try_from(draws.below(300)).unwrap_or(0);
    }
    Ok(())
}

fn same<T: PartialEq + fmt::Debug>(what: &str, found: T, due: T) -> Result<(), Violation> {
    if found == due {
        return Ok(());
    }
    Err(Violation::Differs {
        what: what.to_owned(),
        found: format!("{found:?}"),
        due: format!("{due:?}"),
    })
}

fn granted(generation: u32, first: u32, count: u32, day_used: u64, scope_used: u64) -> GrantReply {
    GrantReply::Granted {
        generation,
        first,
        count,
        day_used,
        scope_used,
    }
}

fn base(line: LineId, generation: u32) -> InstallBase {
    InstallBase {
        line,
        scope: 0,
        generation,
        counted_before_day: 0,
        day: Epoch::of_seconds(MORNING).day(),
        counted_in_day: 0,
        reserved: 0,
        reserved_before_day: 0,
        reserved_until_seconds: 0,
    }
}

fn request(line: LineId, now_seconds: i64, want: u32, cap: u64) -> GrantRequest {
    let epoch = Epoch::of_seconds(now_seconds);
    GrantRequest {
        line,
        scope: 0,
        cap,
        day: epoch.day(),
        day_limit: cap,
        plan_version: 1,
        want,
        epoch,
        now_seconds,
    }
}

fn mark(line: LineId, at_seconds: i64, generation: u32, number: u32) -> Mark {
    Mark {
        line,
        scope: 0,
        generation,
        epoch: Epoch::of_seconds(at_seconds),
        number,
    }
}

/// A small seeded stream (SplitMix64), so that a failure can be repeated.
struct Draws(u64);

impl Draws {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counters::memory::MemoryCounters;

    #[tokio::test]
    async fn the_memory_store_keeps_the_contract() {
        let store: Arc<dyn Counters> = Arc::new(MemoryCounters::new());
        for seed in 0..20 {
            let nodes = TwoNodes {
                one: Arc::clone(&store),
                other: Arc::clone(&store),
            };
            check_all(&nodes, seed * 1000).await.unwrap();
        }
    }
}
