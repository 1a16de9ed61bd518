//! A notice of termination: of a whole contract, of chosen lines, or of the additional services alone (orders.md §8)
//! [003 §10, §13.4].
//!
//! N is the Tashkent day of sending: today, or the day of a letter that the operator's staff records afterwards. Each line
//! gets its first day without service at once; nodes stop by themselves at that midnight, within seconds when it is today.
//!
//! Who gives which notice: the customer's owner its own; the operator's sales staff the operator's, and those that a
//! customer sent on paper. An agreement needs both: either a paper that both signed, recorded by the staff, or a proposal
//! that the other party confirms (`propose_termination`).

use crate::app::{NotAllowed, Refusal, Told, code_of, require_own_or_staff};
use chrono::NaiveDate;
use namoyish_domain::calendar::{day_start, minus_days};
use namoyish_domain::delivery::extra_period::{EndedExtraPeriod, ExtraPeriodEnd};
use namoyish_domain::ids::{LineId, NoticeOfTerminationId, OrderBlankId, TerminationProposalId};
use namoyish_domain::orders::deadlines::last_day_to_submit;
use namoyish_domain::orders::order_blank::{BlankState, LineKind};
use namoyish_domain::orders::termination::{
    Ground, LineEnd, LineToEnd, Notice, Party, Scope, TerminationRefused, decide,
};
use namoyish_domain::orders::text::{self, TextRefused};
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_runtime::notices;
use namoyish_storage::order_blanks::OrderBlank;
use namoyish_storage::terminations::NoticeRecord;
use namoyish_storage::{DbError, Tx};
use serde_json::json;

/// The longest text of a notice, characters.
pub const COMMENT_CHARS_MAX: usize = 4_000;

/// What is sent.
#[derive(Debug, Clone)]
pub struct GiveNoticeOfTermination {
    /// The contract.
    pub blank: OrderBlankId,
    /// Who ends it.
    pub by: Party,
    /// Why.
    pub ground: Ground,
    /// What.
    pub scope: Scope,
    /// The chosen lines of [`Scope::Lines`].
    pub lines: Vec<LineId>,
    /// The day on which a letter was sent that is recorded now; `None`: today.
    pub sent_on: Option<NaiveDate>,
    /// The first day without service, where the ground leaves it open.
    pub effective_on: Option<NaiveDate>,
    /// Both parties have signed a paper that says so.
    pub agreed_on_paper: bool,
    /// In the sender's words; a breach, the corruption clause and an agreement on paper need it.
    pub comment: String,
}

/// Why nothing is ended.
#[derive(Debug, thiserror::Error)]
pub enum GiveNoticeOfTerminationError {
    /// The actor's role.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// There is no such blank.
    #[error("there is no order blank {blank}")]
    NoSuchBlank {
        /// The id.
        blank: OrderBlankId,
    },
    /// A line that isn't the contract's.
    #[error("the order blank has no line {line}")]
    NoSuchLine {
        /// The id.
        line: LineId,
    },
    /// No contract is in force.
    #[error("the order blank is {}; only one that is signed or in service is ended", .state.code())]
    NotInForce {
        /// The blank's state.
        state: BlankState,
    },
    /// A customer gives its own notice, not the operator's.
    #[error("a customer gives its own notice only")]
    NotYourNotice,
    /// A letter is sent after the contract is signed, and not tomorrow.
    #[error("the day of sending {sent_on} lies outside {earliest}..{today}")]
    SentOn {
        /// The day given.
        sent_on: NaiveDate,
        /// The day of signing.
        earliest: NaiveDate,
        /// Today.
        today: NaiveDate,
    },
    /// The text.
    #[error(transparent)]
    Text(#[from] TextRefused),
    /// A rule of termination.
    #[error(transparent)]
    Refused(#[from] TerminationRefused),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for GiveNoticeOfTerminationError {
    fn told(&self) -> Told {
        match self {
            GiveNoticeOfTerminationError::NotAllowed(_) => Told::not_allowed(),
            GiveNoticeOfTerminationError::NoSuchBlank { .. } => Told::not_found("no_such_order_blank"),
            GiveNoticeOfTerminationError::NoSuchLine { .. } => Told::refused("no_such_line").field("lines"),
            GiveNoticeOfTerminationError::NotInForce { .. } => Told::conflict("order_blank_not_in_force"),
            GiveNoticeOfTerminationError::NotYourNotice => {
                Told::refused("termination_not_your_notice").field("by")
            }
            GiveNoticeOfTerminationError::SentOn { today, .. } => {
                Told::refused("termination_sent_on_out_of_range")
                    .field("sent_on")
                    .limit(Some(today.to_string()))
            }
            GiveNoticeOfTerminationError::Text(refused) => Told::refused(refused.code())
                .field(refused.field())
                .limit(refused.limit()),
            GiveNoticeOfTerminationError::Refused(refused) => told_of_rule(refused),
            GiveNoticeOfTerminationError::Db(error) => Told::of_database(error),
        }
    }
}

pub(super) fn told_of_rule(refused: &TerminationRefused) -> Told {
    let told = match refused {
        TerminationRefused::AlreadyOver { .. }
        | TerminationRefused::EndsAlready { .. }
        | TerminationRefused::EndsByItself { .. }
        | TerminationRefused::NothingInDelay
        | TerminationRefused::NoForceMajeure
        | TerminationRefused::ForceMajeureTooShort { .. } => Told::conflict(refused.code()),
        _ => Told::refused(refused.code()),
    };
    let told = told.limit(refused.limit().map(|day| day.to_string()));
    match refused.field() {
        Some(field) => told.field(field),
        None => told,
    }
}

code_of!(GiveNoticeOfTerminationError);

/// A notice that would be accepted: what it would end.
#[derive(Debug, Clone)]
pub struct Assessed {
    /// The contract.
    pub blank: OrderBlank,
    /// The first day without service of each line that it would end.
    pub ends: Vec<LineEnd>,
}

/// Gives a notice.
pub async fn give_notice_of_termination(
    ctx: &Context,
    actor: &Actor,
    cmd: GiveNoticeOfTermination,
) -> Result<NoticeRecord, GiveNoticeOfTerminationError> {
    let mut tx = ctx.store.begin().await?;
    let notice = give_notice_of_termination_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(notice)
}

/// The same inside the caller's transaction.
pub async fn give_notice_of_termination_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: GiveNoticeOfTermination,
) -> Result<NoticeRecord, GiveNoticeOfTerminationError> {
    // Load and decide, with the blank and its lines locked: notices go one by one.
    let comment = comment_of(&cmd)?;
    let assessed = assess(tx, ctx, actor, &cmd, Lock::Yes).await?;
    // Commit.
    let given = Given {
        by: cmd.by,
        ground: cmd.ground,
        scope: cmd.scope,
        noticed_on: cmd.sent_on.unwrap_or(ctx.today()),
        proposal: None,
        comment,
    };
    end_lines(tx, ctx, actor, assessed, given).await
}

/// What a notice would end, or why it would be refused. Nothing is written.
pub async fn preview_of_termination(
    ctx: &Context,
    actor: &Actor,
    cmd: &GiveNoticeOfTermination,
) -> Result<Assessed, GiveNoticeOfTerminationError> {
    let mut tx = ctx.store.begin().await?;
    comment_of(cmd)?;
    assess(&mut tx, ctx, actor, cmd, Lock::No).await
}

fn comment_of(cmd: &GiveNoticeOfTermination) -> Result<String, TextRefused> {
    let comment = text::long("comment", &cmd.comment, COMMENT_CHARS_MAX)?;
    let must_tell = matches!(cmd.ground, Ground::Breach | Ground::Corruption) || cmd.agreed_on_paper;
    if must_tell && comment.trim().is_empty() {
        return Err(TextRefused::Missing { field: "comment" });
    }
    Ok(comment)
}

/// Whether what is judged is going to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lock {
    /// Rows are locked until the transaction ends.
    Yes,
    /// They are only read.
    No,
}

async fn assess(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: &GiveNoticeOfTermination,
    lock: Lock,
) -> Result<Assessed, GiveNoticeOfTerminationError> {
    let blank = load_blank(tx, actor, cmd.blank, lock).await?;
    if !actor.is_operator() && (cmd.by != Party::Customer || cmd.sent_on.is_some() || cmd.agreed_on_paper) {
        return Err(GiveNoticeOfTerminationError::NotYourNotice);
    }
    let today = ctx.today();
    if let Some(sent_on) = cmd.sent_on {
        let earliest = blank
            .signature
            .as_ref()
            .map_or(today, |signature| signature.signed_on);
        if sent_on < earliest || sent_on > today {
            return Err(GiveNoticeOfTerminationError::SentOn {
                sent_on,
                earliest,
                today,
            });
        }
    }
    let notice = Notice {
        by: cmd.by,
        ground: cmd.ground,
        scope: cmd.scope,
        noticed_on: cmd.sent_on.unwrap_or(today),
        requested: cmd.effective_on,
        agreed_by_both: cmd.agreed_on_paper,
    };
    let ends = judge(tx, ctx, &blank, &notice, &cmd.lines, lock).await?;
    Ok(Assessed { blank, ends })
}

/// The blank of a contract in force, when the actor may end it.
pub(super) async fn load_blank(
    tx: &mut Tx,
    actor: &Actor,
    id: OrderBlankId,
    lock: Lock,
) -> Result<OrderBlank, GiveNoticeOfTerminationError> {
    let found = match lock {
        Lock::Yes => tx.order_blanks().lock(id).await?,
        Lock::No => tx.order_blanks().find(id).await?,
    };
    let no_such_blank = GiveNoticeOfTerminationError::NoSuchBlank { blank: id };
    let Some(blank) = found else {
        return Err(no_such_blank);
    };
    let staff = [Role::Sales, Role::Admin];
    let is_own = require_own_or_staff(actor, blank.customer, &[Role::Owner], &staff, "end contracts")?;
    // A customer doesn't see drafts.
    if !is_own || (!actor.is_operator() && blank.state == BlankState::Draft) {
        return Err(no_such_blank);
    }
    if !blank.state.is_contract() {
        return Err(GiveNoticeOfTerminationError::NotInForce { state: blank.state });
    }
    Ok(blank)
}

/// Judges a notice by the lines as they stand.
pub(super) async fn judge(
    tx: &mut Tx,
    ctx: &Context,
    blank: &OrderBlank,
    notice: &Notice,
    chosen: &[LineId],
    lock: Lock,
) -> Result<Vec<LineEnd>, GiveNoticeOfTerminationError> {
    if lock == Lock::Yes {
        tx.terminations().lock_lines(blank.id).await?;
    }
    let calendar = tx.calendar_days().calendar().await?;
    let today = ctx.today();
    let all = tx.terminations().lines_to_end(blank.id, today).await?;
    let missing = chosen
        .iter()
        .find(|line| !all.iter().any(|known| known.facts.line == **line));
    if let Some(line) = missing {
        return Err(GiveNoticeOfTerminationError::NoSuchLine { line: *line });
    }
    let lines: Vec<LineToEnd> = all
        .into_iter()
        .filter(|line| match notice.scope {
            Scope::Contract => true,
            Scope::Lines => chosen.contains(&line.facts.line),
            Scope::AdditionalServices => line.facts.kind == LineKind::Additional,
        })
        .map(|line| {
            let deadline = last_day_to_submit(line.facts.kind, line.ordered_first_day, &calendar);
            let is_late = deadline.is_some_and(|deadline| line.submitted_on.unwrap_or(today) > deadline);
            LineToEnd {
                in_delay: line.facts.in_delay || is_late,
                ..line.facts
            }
        })
        .collect();
    let ends = decide(notice, &lines, &calendar)?;
    // A letter that is recorded late ends nothing that was served already.
    if let Some(end) = ends.iter().find(|end| end.effective_on < today) {
        return Err(TerminationRefused::TooEarly {
            requested: end.effective_on,
            earliest: today,
        }
        .into());
    }
    Ok(ends)
}

/// A judged notice to be written.
pub(super) struct Given {
    pub(super) by: Party,
    pub(super) ground: Ground,
    pub(super) scope: Scope,
    pub(super) noticed_on: NaiveDate,
    pub(super) proposal: Option<TerminationProposalId>,
    pub(super) comment: String,
}

/// Writes a notice and what it ends.
pub(super) async fn end_lines(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    assessed: Assessed,
    given: Given,
) -> Result<NoticeRecord, GiveNoticeOfTerminationError> {
    let (now, today) = (ctx.now(), ctx.today());
    let blank = assessed.blank;
    let notice = NoticeRecord {
        id: NoticeOfTerminationId::from_uuid(ctx.uuid()),
        blank: blank.id,
        by: given.by,
        ground: given.ground,
        scope: given.scope,
        noticed_on: given.noticed_on,
        proposal: given.proposal,
        comment: given.comment,
        given_at: now,
        given_by: actor.name.clone(),
        ends: assessed
            .ends
            .iter()
            .map(|end| (end.line, end.effective_on))
            .collect(),
    };
    tx.terminations().insert(&notice).await?;
    for end in &assessed.ends {
        tx.terminations().set_ended_on(end).await?;
        let details = json!({
            "notice": notice.id.to_string(),
            "by": notice.by.code(),
            "ground": notice.ground.code(),
            "ended_on": end.effective_on.to_string(),
        });
        tx.order_lines()
            .insert_change(end.line, now, &actor.name, "termination_notice", details)
            .await?;
        if end.effective_on <= today {
            end_extra_period_of(tx, ctx, actor, end).await?;
        }
    }
    tx.bump_snapshot().await?;
    let details = json!({
        "notice": notice.id.to_string(),
        "number": blank.number,
        "by": notice.by.code(),
        "ground": notice.ground.code(),
        "scope": notice.scope.code(),
        "noticed_on": notice.noticed_on.to_string(),
        "lines": notice.ends.iter()
            .map(|(line, day)| json!({"line": line.to_string(), "effective_on": day.to_string()}))
            .collect::<Vec<_>>(),
    });
    tx.audit(
        now,
        &actor.name,
        "give_notice_of_termination",
        &blank.id.to_string(),
        details,
    )
    .await?;
    // The last day is the one from which nothing of what the notice ends goes on.
    if let Some(effective) = notice.ends.iter().map(|(_, day)| *day).max() {
        let told = notices::Notice::TerminationNotice {
            order: blank.number.clone(),
            effective,
        };
        notices::tell(tx, ctx, blank.customer, Some(blank.id), told).await?;
    }
    Ok(notice)
}

/// An extra period ends with its line, at once when the line ends today.
async fn end_extra_period_of(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    end: &LineEnd,
) -> Result<(), DbError> {
    let Some(current) = tx.extra_periods().current(end.line).await? else {
        return Ok(());
    };
    let last_paced = minus_days(end.effective_on, 1);
    let ended = EndedExtraPeriod {
        id: current.id,
        end: ExtraPeriodEnd::SwitchedOff,
        ended_at: ctx.now().max(day_start(end.effective_on)),
        ended_on: (current.first_day <= last_paced).then_some(last_paced),
    };
    tx.extra_periods().end(&ended).await?;
    let details = json!({"extra_period": ended.id.to_string(), "ended": ended.end.code()});
    tx.order_lines()
        .insert_change(end.line, ctx.now(), &actor.name, "extra_period_ended", details)
        .await
}
