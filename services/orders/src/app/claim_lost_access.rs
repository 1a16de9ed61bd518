//! Paid access to an additional service that was lost: the customer's written claim, and what the operator finds
//! (orders.md §8) [003 §7.3].
//!
//! Access that was lost for more than one business day is claimed with its circumstances and days. A claim that is found
//! justified moves the end of the service by the days lost, each counted once.

use crate::app::record_outage::{MovedLine, move_term};
use crate::app::set_extra_period::lock_line;
use crate::app::{NotAllowed, Refusal, Told, code_of, require_own_or_staff, require_staff};
use chrono::NaiveDate;
use namoyish_domain::calendar::{BusinessCalendar, minus_days, plus_days};
use namoyish_domain::ids::{LineId, LostAccessClaimId};
use namoyish_domain::orders::interruption::{DAYS_MAX, claimed_days};
use namoyish_domain::orders::order_blank::{BlankState, LineKind, Term};
use namoyish_domain::orders::text::{self, TextRefused};
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_storage::interruptions::{ClaimRecord, LineToMove, MoveCause};
use namoyish_storage::order_lines::OrderLine;
use namoyish_storage::{DbError, Tx};
use serde_json::json;

/// The longest description, characters.
pub const COMMENT_CHARS_MAX: usize = 4_000;
/// Access must have been lost on more business days than this.
pub const BUSINESS_DAYS: usize = 1;

/// What is claimed.
#[derive(Debug, Clone)]
pub struct ClaimLostAccess {
    /// The additional service.
    pub line: LineId,
    /// First day without access.
    pub first_day: NaiveDate,
    /// Last day without access.
    pub last_day: NaiveDate,
    /// The circumstances.
    pub comment: String,
}

/// What the operator finds.
#[derive(Debug, Clone)]
pub struct DecideLostAccess {
    /// The claim.
    pub claim: LostAccessClaimId,
    /// Whether it is justified.
    pub justified: bool,
    /// Why; a claim that isn't justified needs it.
    pub comment: String,
}

/// A claim that was decided.
#[derive(Debug, Clone)]
pub struct DecidedClaim {
    /// The claim.
    pub claim: ClaimRecord,
    /// The service, when its end was moved.
    pub moved: Option<MovedLine>,
}

/// Why it isn't taken or decided.
#[derive(Debug, thiserror::Error)]
pub enum LostAccessError {
    /// The actor's role.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// There is no such line.
    #[error("there is no order line {line}")]
    NoSuchLine {
        /// The id.
        line: LineId,
    },
    /// There is no such claim.
    #[error("there is no claim {claim}")]
    NoSuchClaim {
        /// The id.
        claim: LostAccessClaimId,
    },
    /// Access is had to additional services that run for a time.
    #[error("only an additional service with a term has access that can be lost")]
    NotAService,
    /// No contract is in force.
    #[error("the order blank is {}", .state.code())]
    NotInForce {
        /// The blank's state.
        state: BlankState,
    },
    /// The days lie in the service and aren't to come.
    #[error("the days must lie in the service, {first_day}..{last_day}, and not after today")]
    OutsideService {
        /// First day of the service.
        first_day: NaiveDate,
        /// Last day of the service, or today.
        last_day: NaiveDate,
    },
    /// One business day is borne by the customer.
    #[error("access must have been lost for more than {BUSINESS_DAYS} business day")]
    TooShort,
    /// The circumstances' or the reason's text.
    #[error(transparent)]
    Text(#[from] TextRefused),
    /// It was decided before.
    #[error("the claim has been decided already")]
    Decided,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for LostAccessError {
    fn told(&self) -> Told {
        match self {
            LostAccessError::NotAllowed(_) => Told::not_allowed(),
            LostAccessError::NoSuchLine { .. } => Told::not_found("no_such_line"),
            LostAccessError::NoSuchClaim { .. } => Told::not_found("no_such_claim"),
            LostAccessError::NotAService => Told::conflict("lost_access_not_a_service"),
            LostAccessError::NotInForce { .. } => Told::conflict("order_blank_not_in_force"),
            LostAccessError::OutsideService { first_day, last_day } => {
                Told::refused("lost_access_outside_service")
                    .field("first_day")
                    .limit(Some(format!("{first_day}..{last_day}")))
            }
            LostAccessError::TooShort => Told::refused("lost_access_too_short").field("last_day"),
            LostAccessError::Text(refused) => Told::refused(refused.code())
                .field(refused.field())
                .limit(refused.limit()),
            LostAccessError::Decided => Told::conflict("lost_access_decided"),
            LostAccessError::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(LostAccessError);

/// Claims lost access.
pub async fn claim_lost_access(
    ctx: &Context,
    actor: &Actor,
    cmd: ClaimLostAccess,
) -> Result<ClaimRecord, LostAccessError> {
    let mut tx = ctx.store.begin().await?;
    let claim = claim_lost_access_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(claim)
}

/// The same inside the caller's transaction.
pub async fn claim_lost_access_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: ClaimLostAccess,
) -> Result<ClaimRecord, LostAccessError> {
    let no_such_line = LostAccessError::NoSuchLine { line: cmd.line };
    let Some((line, blank)) = lock_line(tx, cmd.line).await? else {
        return Err(no_such_line);
    };
    let own = [Role::Owner, Role::Manager];
    let staff = [Role::Sales, Role::Admin];
    let is_own = require_own_or_staff(actor, blank.customer, &own, &staff, "claim lost access")?;
    if !is_own || (!actor.is_operator() && blank.state == BlankState::Draft) {
        return Err(no_such_line);
    }
    if line.kind != LineKind::Additional || line.one_off {
        return Err(LostAccessError::NotAService);
    }
    if !blank.state.is_contract() {
        return Err(LostAccessError::NotInForce { state: blank.state });
    }
    let calendar = tx.calendar_days().calendar().await?;
    let days = days_lost(&line, &cmd, ctx.today(), &calendar)?;
    let comment = text::long("comment", &cmd.comment, COMMENT_CHARS_MAX)?;
    if comment.trim().is_empty() {
        return Err(TextRefused::Missing { field: "comment" }.into());
    }
    let claim = ClaimRecord {
        id: LostAccessClaimId::from_uuid(ctx.uuid()),
        line: line.id,
        days,
        comment,
        claimed_at: ctx.now(),
        claimed_by: actor.name.clone(),
        justified: None,
    };
    tx.interruptions().insert_claim(&claim).await?;
    let details = json!({
        "claim": claim.id.to_string(),
        "first_day": days.first_day().to_string(),
        "last_day": days.last_day().to_string(),
    });
    tx.audit(
        ctx.now(),
        &actor.name,
        "claim_lost_access",
        &line.id.to_string(),
        details,
    )
    .await?;
    Ok(claim)
}

fn served(line: &OrderLine) -> Option<Term> {
    let last_day = match line.ended_on {
        Some(ended_on) => line.term.last_day().min(minus_days(ended_on, 1)),
        None => line.term.last_day(),
    };
    Term::new(line.term.first_day(), last_day)
}

fn days_lost(
    line: &OrderLine,
    cmd: &ClaimLostAccess,
    today: NaiveDate,
    calendar: &BusinessCalendar,
) -> Result<Term, LostAccessError> {
    let last_possible = served(line).map_or(today, |served| served.last_day().min(today));
    let outside = LostAccessError::OutsideService {
        first_day: line.term.first_day(),
        last_day: last_possible,
    };
    let days = Term::new(cmd.first_day, cmd.last_day)
        .filter(|days| days.first_day() >= line.term.first_day() && days.last_day() <= last_possible)
        .ok_or(outside)?;
    let business_days = (0..DAYS_MAX)
        .map(|n| plus_days(days.first_day(), u64::from(n)))
        .take_while(|day| *day <= days.last_day())
        .filter(|day| calendar.is_business_day(*day))
        .count();
    if business_days <= BUSINESS_DAYS {
        return Err(LostAccessError::TooShort);
    }
    Ok(days)
}

/// Decides on a claim.
pub async fn decide_lost_access(
    ctx: &Context,
    actor: &Actor,
    cmd: DecideLostAccess,
) -> Result<DecidedClaim, LostAccessError> {
    let mut tx = ctx.store.begin().await?;
    let decided = decide_lost_access_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(decided)
}

/// The same inside the caller's transaction.
pub async fn decide_lost_access_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: DecideLostAccess,
) -> Result<DecidedClaim, LostAccessError> {
    require_staff(actor, &[Role::Sales, Role::Admin], "decide on claims")?;
    let no_such_claim = LostAccessError::NoSuchClaim { claim: cmd.claim };
    let Some(mut claim) = tx.interruptions().find_claim(cmd.claim).await? else {
        return Err(no_such_claim);
    };
    let Some((line, blank)) = lock_line(tx, claim.line).await? else {
        return Err(no_such_claim);
    };
    let comment = text::long("comment", &cmd.comment, COMMENT_CHARS_MAX)?;
    if !cmd.justified && comment.trim().is_empty() {
        return Err(TextRefused::Missing { field: "comment" }.into());
    }
    if claim.justified.is_some()
        || !tx
            .interruptions()
            .decide_claim(claim.id, cmd.justified, &comment, ctx.now(), &actor.name)
            .await?
    {
        return Err(LostAccessError::Decided);
    }
    claim.justified = Some(cmd.justified);
    let mut moved = None;
    let (claims, days_moved) = tx.interruptions().lost_access(line.id).await?;
    let due = served(&line).map_or(0, |served| claimed_days(&claims, served));
    let days = due.saturating_sub(days_moved);
    // A service that is over can't be made longer: what is owed then is agreed or paid back.
    let goes_on = served(&line).is_some_and(|served| served.last_day() >= ctx.today());
    if days > 0 && goes_on && blank.state.is_contract() {
        let to_move = LineToMove {
            line: line.id,
            term: line.term,
            ended_on: line.ended_on,
            ready_on: None,
            moved: days_moved,
            outages: Vec::new(),
        };
        moved = Some(move_term(tx, ctx, actor, &to_move, MoveCause::LostAccess, days).await?);
        tx.bump_snapshot().await?;
    }
    tx.audit(
        ctx.now(),
        &actor.name,
        "decide_lost_access",
        &claim.id.to_string(),
        json!({"justified": cmd.justified, "days": moved.map(|line| line.days)}),
    )
    .await?;
    Ok(DecidedClaim { claim, moved })
}
