//! What changes because a day has come: extra periods run out, lines that stand still move on, order blanks enter service,
//! complete it, or end before their time.
//!
//! Rules: delivery.md §5 (an extra period ends after its last day, with its line, or when the line's whole budget is
//! spent); orders.md §3 (`signed → in_service` on the first day of service, `→ completed` after the last one); §8
//! (`→ terminated` when no line goes on and a term was cut short).
//!
//! Lines that stand still are moved first ([`super::stand_still`]), so that none is completed by a day that it lost.
//!
//! A blank with a line that has no approved material yet isn't completed: its term is still going to move [003 §3.4.1].

use super::{JobError, Summary, stand_still};
use namoyish_domain::calendar::{day_start, minus_days};
use namoyish_domain::delivery::extra_period::{EndedExtraPeriod, ExtraPeriodEnd, over_by_itself};
use namoyish_domain::money::{Exact, Money, MoneyError};
use namoyish_domain::orders::order_blank::{BlankState, MoveRefused};
use namoyish_runtime::context::Context;
use namoyish_storage::periods::BlankToMove;
use namoyish_storage::plans::OpenExtraPeriod;
use serde_json::json;

/// The job's name in `job_runs`.
pub const NAME: &str = "move_by_calendar";
/// Blanks in a transaction.
const BATCH: u32 = 500;

/// Moves what is due. `done` counts extra periods and moves of blanks.
pub async fn run(ctx: &Context) -> Result<Summary, JobError> {
    let moved = stand_still::run(ctx).await?;
    let done = moved
        + end_extra_periods(ctx).await?
        + end_extra_periods_of_ended(ctx).await?
        + move_blanks(ctx).await?;
    Ok(Summary {
        done,
        ..Summary::default()
    })
}

async fn end_extra_periods(ctx: &Context) -> Result<u64, JobError> {
    let now = ctx.now();
    let mut tx = ctx.store.begin().await?;
    let mut done = 0;
    for open in tx.plans().open_extra_periods(ctx.today()).await? {
        let Some(ended) = over_by_itself(&open.period, has_budget_left(&open)?, now) else {
            continue;
        };
        if tx.extra_periods().end(&ended).await? {
            let details = json!({
                "extra_period": ended.id.to_string(),
                "ended": ended.end.code(),
                "ended_on": ended.ended_on.map(|day| day.to_string()),
            });
            tx.order_lines()
                .insert_change(open.line, now, "billing", "extra_period_ended", details)
                .await?;
            done += 1;
        }
    }
    if done > 0 {
        tx.bump_snapshot().await?;
        tx.save().await?;
    }
    Ok(done)
}

/// Extra periods end with their lines (orders.md §8): the line's last day was their last.
async fn end_extra_periods_of_ended(ctx: &Context) -> Result<u64, JobError> {
    let mut tx = ctx.store.begin().await?;
    let mut done = 0;
    for (line, ended_on, period) in tx.terminations().extra_periods_of_ended(ctx.today()).await? {
        let last_paced = minus_days(ended_on, 1);
        let ended = EndedExtraPeriod {
            id: period.id,
            end: ExtraPeriodEnd::SwitchedOff,
            ended_at: day_start(ended_on),
            ended_on: (period.first_day <= last_paced).then_some(last_paced),
        };
        if tx.extra_periods().end(&ended).await? {
            let details = json!({
                "extra_period": ended.id.to_string(),
                "ended": ended.end.code(),
                "ended_on": ended.ended_on.map(|day| day.to_string()),
            });
            tx.order_lines()
                .insert_change(line, ctx.now(), "billing", "extra_period_ended", details)
                .await?;
            done += 1;
        }
    }
    if done > 0 {
        tx.bump_snapshot().await?;
        tx.save().await?;
    }
    Ok(done)
}

/// Whether the budget (of the month, where it is monthly) pays for one more impression.
fn has_budget_left(open: &OpenExtraPeriod) -> Result<bool, MoneyError> {
    let budget: Exact = Money::exact(open.budget.amount);
    Ok(open.counted < open.price.impressions_for(budget)?)
}

async fn move_blanks(ctx: &Context) -> Result<u64, JobError> {
    let today = ctx.today();
    let mut done = 0;
    let mut after = None;
    loop {
        let mut tx = ctx.store.begin().await?;
        let blanks = tx.periods().lock_blanks_to_move(today, after, BATCH).await?;
        let Some(last) = blanks.last() else {
            return Ok(done);
        };
        after = Some(last.id);
        let mut moved = 0;
        for blank in &blanks {
            for (from, to) in moves_of(blank, today)? {
                tx.order_blanks().set_state(blank.id, from, to).await?;
                moved += 1;
            }
        }
        if moved > 0 {
            tx.bump_snapshot().await?;
            tx.save().await?;
            done += moved;
        }
    }
}

/// The moves that a blank makes by `today`: into service, out of it, both, or none.
fn moves_of(
    blank: &BlankToMove,
    today: chrono::NaiveDate,
) -> Result<Vec<(BlankState, BlankState)>, JobError> {
    let refused = |refused: MoveRefused| namoyish_storage::DbError::Inconsistent(refused.to_string());
    let mut moves = Vec::new();
    let mut state = blank.state;
    if !blank.is_served {
        // Ended before its first day.
        if blank.last_served_on < today {
            moves.push((state, state.terminate().map_err(refused)?));
        }
        return Ok(moves);
    }
    if state == BlankState::Signed && blank.first_day <= today {
        moves.push((state, state.begin_service().map_err(refused)?));
        state = BlankState::InService;
    }
    if state == BlankState::InService && blank.last_served_on < today && !blank.waits_for_material {
        let over = if blank.last_served_on < blank.last_day {
            state.terminate()
        } else {
            state.complete()
        };
        moves.push((state, over.map_err(refused)?));
    }
    Ok(moves)
}

#[cfg(test)]
mod tests {
    use super::*;
    use namoyish_domain::ids::OrderBlankId;
    use uuid::Uuid;

    fn blank(state: BlankState, waits_for_material: bool) -> BlankToMove {
        BlankToMove {
            id: OrderBlankId::from_uuid(Uuid::from_u128(1)),
            state,
            first_day: "2026-11-01".parse().unwrap(),
            last_served_on: "2026-11-30".parse().unwrap(),
            last_day: "2026-11-30".parse().unwrap(),
            waits_for_material,
            is_served: true,
        }
    }

    fn moves_by(blank: &BlankToMove, today: &str) -> Vec<BlankState> {
        moves_of(blank, today.parse().unwrap())
            .unwrap()
            .into_iter()
            .map(|(_, to)| to)
            .collect()
    }

    fn moves(state: BlankState, today: &str, waits_for_material: bool) -> Vec<BlankState> {
        moves_by(&blank(state, waits_for_material), today)
    }

    #[test]
    fn a_blank_whose_term_was_cut_short_is_terminated() {
        // orders.md §8
        let ended = BlankToMove {
            last_day: "2027-01-31".parse().unwrap(),
            ..blank(BlankState::InService, false)
        };
        assert_eq!(moves_by(&ended, "2026-11-30"), []);
        assert_eq!(moves_by(&ended, "2026-12-01"), [BlankState::Terminated]);
        let ended_before_it_began = BlankToMove {
            is_served: false,
            last_served_on: "2026-10-14".parse().unwrap(),
            ..blank(BlankState::Signed, false)
        };
        assert_eq!(moves_by(&ended_before_it_began, "2026-10-14"), []);
        assert_eq!(
            moves_by(&ended_before_it_began, "2026-10-15"),
            [BlankState::Terminated]
        );
    }

    #[test]
    fn a_blank_is_in_service_from_its_first_day_and_completed_after_its_last() {
        assert_eq!(moves(BlankState::Signed, "2026-10-31", false), []);
        assert_eq!(
            moves(BlankState::Signed, "2026-11-01", false),
            [BlankState::InService]
        );
        assert_eq!(moves(BlankState::InService, "2026-11-30", false), []);
        assert_eq!(
            moves(BlankState::InService, "2026-12-01", false),
            [BlankState::Completed]
        );
    }

    #[test]
    fn after_a_standstill_both_moves_are_made() {
        assert_eq!(
            moves(BlankState::Signed, "2026-12-05", false),
            [BlankState::InService, BlankState::Completed]
        );
    }

    #[test]
    fn a_blank_whose_material_is_still_to_come_isnt_completed() {
        assert_eq!(moves(BlankState::InService, "2026-12-05", true), []);
    }
}
