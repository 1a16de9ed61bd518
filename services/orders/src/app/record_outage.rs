//! An outage of a placement by the operator's fault: it moves the end of every period line there (orders.md §8)
//! [003 §7.2].
//!
//! What is due is recomputed from all outages of a line's placements, so that overlapping ones count once; only the
//! difference is moved. Lines whose service is over aren't moved: what is owed to them then is agreed or paid back. Media
//! lines aren't either: their money spreads over the days left by itself.

use crate::app::{NotAllowed, Refusal, Told, code_of, require_staff};
use chrono::TimeDelta;
use namoyish_domain::calendar::{Timestamp, minus_days, tashkent_day};
use namoyish_domain::ids::{LineId, OutageId, PlacementId};
use namoyish_domain::orders::interruption::outage_days;
use namoyish_domain::orders::order_blank::Term;
use namoyish_domain::orders::text::{self, TextRefused};
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_runtime::notices;
use namoyish_storage::interruptions::{LineToMove, MoveCause, OutageRecord};
use namoyish_storage::{DbError, Tx};
use serde_json::json;

/// The longest outage, days.
pub const DAYS_MAX: i64 = 366;
/// The longest description, characters.
pub const COMMENT_CHARS_MAX: usize = 4_000;

/// What happened.
#[derive(Debug, Clone)]
pub struct RecordOutage {
    /// Where.
    pub placement: PlacementId,
    /// From when.
    pub began_at: Timestamp,
    /// Until when, exclusive; may be still to come.
    pub ended_at: Timestamp,
    /// What happened.
    pub comment: String,
}

/// A line that was moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MovedLine {
    /// The line.
    pub line: LineId,
    /// By how many days.
    pub days: u32,
    /// The term in force from now on.
    pub term: Term,
}

/// An outage with what it moved.
#[derive(Debug, Clone)]
pub struct RecordedOutage {
    /// The record.
    pub outage: OutageRecord,
    /// The lines that it moved.
    pub moved: Vec<MovedLine>,
}

/// Why it isn't recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordOutageError {
    /// The actor's role.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// A placement that isn't there.
    #[error("there is no placement {placement}")]
    NoSuchPlacement {
        /// The id.
        placement: PlacementId,
    },
    /// The description's text.
    #[error(transparent)]
    Text(#[from] TextRefused),
    /// It lasts some time, and not for ever.
    #[error("an outage lasts more than nothing and at most {DAYS_MAX} days")]
    Length,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for RecordOutageError {
    fn told(&self) -> Told {
        match self {
            RecordOutageError::NotAllowed(_) => Told::not_allowed(),
            RecordOutageError::NoSuchPlacement { .. } => {
                Told::refused("no_such_placement").field("placement")
            }
            RecordOutageError::Text(refused) => Told::refused(refused.code())
                .field(refused.field())
                .limit(refused.limit()),
            RecordOutageError::Length => Told::refused("outage_length_out_of_range")
                .field("ended_at")
                .limit(Some(format!("{DAYS_MAX} days"))),
            RecordOutageError::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(RecordOutageError);

/// Records an outage and moves the lines that it hit.
pub async fn record_outage(
    ctx: &Context,
    actor: &Actor,
    cmd: RecordOutage,
) -> Result<RecordedOutage, RecordOutageError> {
    let mut tx = ctx.store.begin().await?;
    let recorded = record_outage_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(recorded)
}

/// The same inside the caller's transaction.
pub async fn record_outage_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: RecordOutage,
) -> Result<RecordedOutage, RecordOutageError> {
    require_staff(
        actor,
        &[Role::Sales, Role::Traffic, Role::Admin],
        "record outages",
    )?;
    let length = cmd.ended_at - cmd.began_at;
    if length <= TimeDelta::zero() || length > TimeDelta::days(DAYS_MAX) {
        return Err(RecordOutageError::Length);
    }
    let comment = text::long("comment", &cmd.comment, COMMENT_CHARS_MAX)?;
    if tx.placements().find_many(&[cmd.placement]).await?.is_empty() {
        return Err(RecordOutageError::NoSuchPlacement {
            placement: cmd.placement,
        });
    }
    let outage = OutageRecord {
        id: OutageId::from_uuid(ctx.uuid()),
        placement: cmd.placement,
        began_at: cmd.began_at,
        ended_at: cmd.ended_at,
        comment,
        recorded_at: ctx.now(),
        recorded_by: actor.name.clone(),
    };
    tx.interruptions().insert_outage(&outage).await?;
    // Locked after the outage is there: of two outages at once the later one sees both.
    let lines = tx
        .interruptions()
        .lock_period_lines(cmd.placement, ctx.today())
        .await?;
    let mut moved = Vec::new();
    for line in lines {
        let due = served(&line).map_or(0, |served| outage_days(&line.outages, served));
        let days = due.saturating_sub(line.moved);
        if days > 0 {
            moved.push(move_term(tx, ctx, actor, &line, MoveCause::Outage, days).await?);
        }
    }
    if !moved.is_empty() {
        tx.bump_snapshot().await?;
    }
    let details = json!({
        "placement": cmd.placement.to_string(),
        "began_on": tashkent_day(cmd.began_at).to_string(),
        "ended_at": cmd.ended_at.to_rfc3339(),
        "lines": moved.iter().map(|line| json!({"line": line.line.to_string(), "days": line.days})).collect::<Vec<_>>(),
    });
    tx.audit(
        ctx.now(),
        &actor.name,
        "record_outage",
        &outage.id.to_string(),
        details,
    )
    .await?;
    Ok(RecordedOutage { outage, moved })
}

/// The days on which a line is served by the facts known now; none while it has nothing to show.
fn served(line: &LineToMove) -> Option<Term> {
    let last_day = match line.ended_on {
        Some(ended_on) => line.term.last_day().min(minus_days(ended_on, 1)),
        None => line.term.last_day(),
    };
    Term::new(line.term.first_day().max(line.ready_on?), last_day)
}

/// Moves a line's last day and tells its history and its customer.
pub(super) async fn move_term(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    line: &LineToMove,
    cause: MoveCause,
    days: u32,
) -> Result<MovedLine, DbError> {
    let term = tx
        .interruptions()
        .move_line(line.line, cause, days, ctx.now(), &actor.name)
        .await?;
    let details = json!({
        "reason": cause.code(),
        "days": days,
        "from": [line.term.first_day().to_string(), line.term.last_day().to_string()],
        "to": [term.first_day().to_string(), term.last_day().to_string()],
    });
    tx.order_lines()
        .insert_change(line.line, ctx.now(), &actor.name, "term_moved", details)
        .await?;
    if let Some(kept) = tx.order_lines().find(line.line).await?
        && let Some(blank) = tx.order_blanks().find(kept.blank).await?
    {
        let told = notices::Notice::TermMoved {
            line: kept.code,
            first_day: term.first_day(),
            last_day: term.last_day(),
        };
        notices::tell(tx, ctx, blank.customer, Some(blank.id), told).await?;
    }
    Ok(MovedLine {
        line: line.line,
        days,
        term,
    })
}
