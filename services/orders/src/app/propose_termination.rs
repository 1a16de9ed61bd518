//! Ending by agreement: one party proposes a day, the other confirms it (orders.md §8) [003 §10.2.1].
//!
//! A proposal binds nobody. It is judged when it is made and again when it is confirmed: what has ended meanwhile, or a day
//! that has passed, can't be agreed any more. Nobody confirms its own proposal.

use crate::app::give_notice_of_termination::{
    Assessed, COMMENT_CHARS_MAX, GiveNoticeOfTerminationError, Given, Lock, end_lines, judge, load_blank,
};
use crate::app::{Refusal, Told, code_of};
use chrono::NaiveDate;
use namoyish_domain::ids::{LineId, OrderBlankId, TerminationProposalId};
use namoyish_domain::orders::termination::{Ground, LineEnd, Notice, Party, Scope};
use namoyish_domain::orders::text;
use namoyish_runtime::context::{Actor, Context};
use namoyish_storage::terminations::{NoticeRecord, ProposalRecord};
use namoyish_storage::{DbError, Tx};
use serde_json::json;

/// What is proposed.
#[derive(Debug, Clone)]
pub struct ProposeTermination {
    /// The contract.
    pub blank: OrderBlankId,
    /// What is to end.
    pub scope: Scope,
    /// The chosen lines of [`Scope::Lines`].
    pub lines: Vec<LineId>,
    /// The first day without service, today or later.
    pub effective_on: NaiveDate,
    /// In the proposer's words; may be empty.
    pub comment: String,
}

/// Why it can't be proposed or confirmed.
#[derive(Debug, thiserror::Error)]
pub enum TerminationProposalError {
    /// There is no such proposal.
    #[error("there is no proposal {proposal}")]
    NoSuchProposal {
        /// The id.
        proposal: TerminationProposalId,
    },
    /// The other party is to confirm.
    #[error("a proposal is confirmed by the other party, the {}", .by.code())]
    OwnProposal {
        /// Who is to confirm.
        by: Party,
    },
    /// It was confirmed before.
    #[error("the proposal has been confirmed already")]
    Confirmed,
    /// What holds for every notice.
    #[error(transparent)]
    Notice(#[from] GiveNoticeOfTerminationError),
}

impl From<DbError> for TerminationProposalError {
    fn from(error: DbError) -> TerminationProposalError {
        TerminationProposalError::Notice(error.into())
    }
}

impl Refusal for TerminationProposalError {
    fn told(&self) -> Told {
        match self {
            TerminationProposalError::NoSuchProposal { .. } => {
                Told::not_found("no_such_termination_proposal")
            }
            TerminationProposalError::OwnProposal { .. } => Told::conflict("termination_own_proposal"),
            TerminationProposalError::Confirmed => Told::conflict("termination_proposal_confirmed"),
            TerminationProposalError::Notice(refused) => refused.told(),
        }
    }
}

code_of!(TerminationProposalError);

fn party_of(actor: &Actor) -> Party {
    if actor.is_operator() {
        Party::Operator
    } else {
        Party::Customer
    }
}

/// Proposes to end by agreement.
pub async fn propose_termination(
    ctx: &Context,
    actor: &Actor,
    cmd: ProposeTermination,
) -> Result<ProposalRecord, TerminationProposalError> {
    let mut tx = ctx.store.begin().await?;
    let proposal = propose_termination_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(proposal)
}

/// The same inside the caller's transaction.
pub async fn propose_termination_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: ProposeTermination,
) -> Result<ProposalRecord, TerminationProposalError> {
    let comment =
        text::long("comment", &cmd.comment, COMMENT_CHARS_MAX).map_err(GiveNoticeOfTerminationError::from)?;
    let blank = load_blank(tx, actor, cmd.blank, Lock::Yes).await?;
    let notice = agreement(party_of(actor), cmd.scope, cmd.effective_on, ctx.today());
    judge(tx, ctx, &blank, &notice, &cmd.lines, Lock::Yes).await?;
    let proposal = ProposalRecord {
        id: TerminationProposalId::from_uuid(ctx.uuid()),
        blank: blank.id,
        by: notice.by,
        scope: cmd.scope,
        lines: if cmd.scope == Scope::Lines {
            cmd.lines
        } else {
            Vec::new()
        },
        effective_on: cmd.effective_on,
        comment,
        proposed_at: ctx.now(),
        proposed_by: actor.name.clone(),
        notice: None,
    };
    tx.terminations().insert_proposal(&proposal).await?;
    let details = json!({
        "proposal": proposal.id.to_string(),
        "by": proposal.by.code(),
        "scope": proposal.scope.code(),
        "effective_on": proposal.effective_on.to_string(),
    });
    tx.audit(
        ctx.now(),
        &actor.name,
        "propose_termination",
        &blank.id.to_string(),
        details,
    )
    .await?;
    Ok(proposal)
}

/// What a proposal would end once it is confirmed, or why it would be refused. Nothing is written.
pub async fn preview_of_proposal(
    ctx: &Context,
    actor: &Actor,
    cmd: &ProposeTermination,
) -> Result<Vec<LineEnd>, TerminationProposalError> {
    let mut tx = ctx.store.begin().await?;
    let blank = load_blank(&mut tx, actor, cmd.blank, Lock::No).await?;
    let notice = agreement(party_of(actor), cmd.scope, cmd.effective_on, ctx.today());
    Ok(judge(&mut tx, ctx, &blank, &notice, &cmd.lines, Lock::No).await?)
}

fn agreement(by: Party, scope: Scope, effective_on: NaiveDate, today: NaiveDate) -> Notice {
    Notice {
        by,
        ground: Ground::Agreement,
        scope,
        noticed_on: today,
        requested: Some(effective_on),
        agreed_by_both: true,
    }
}

/// Confirms the other party's proposal: the contract ends on its day.
pub async fn confirm_termination(
    ctx: &Context,
    actor: &Actor,
    proposal: TerminationProposalId,
) -> Result<NoticeRecord, TerminationProposalError> {
    let mut tx = ctx.store.begin().await?;
    let notice = confirm_termination_in(&mut tx, ctx, actor, proposal).await?;
    tx.save().await?;
    Ok(notice)
}

/// The same inside the caller's transaction.
pub async fn confirm_termination_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    id: TerminationProposalId,
) -> Result<NoticeRecord, TerminationProposalError> {
    let no_such = TerminationProposalError::NoSuchProposal { proposal: id };
    let Some(known) = tx.terminations().find_proposal(id).await? else {
        return Err(no_such);
    };
    let blank = match load_blank(tx, actor, known.blank, Lock::Yes).await {
        Err(GiveNoticeOfTerminationError::NoSuchBlank { .. }) => return Err(no_such),
        loaded => loaded?,
    };
    // Read again under the blank's lock: two confirmations go one after the other.
    let proposal = tx.terminations().find_proposal(id).await?.ok_or(no_such)?;
    if proposal.notice.is_some() {
        return Err(TerminationProposalError::Confirmed);
    }
    if proposal.by == party_of(actor) {
        return Err(TerminationProposalError::OwnProposal {
            by: proposal.by.other(),
        });
    }
    let notice = agreement(proposal.by, proposal.scope, proposal.effective_on, ctx.today());
    let ends = judge(tx, ctx, &blank, &notice, &proposal.lines, Lock::Yes).await?;
    let given = Given {
        by: proposal.by,
        ground: Ground::Agreement,
        scope: proposal.scope,
        noticed_on: ctx.today(),
        proposal: Some(id),
        comment: proposal.comment,
    };
    Ok(end_lines(tx, ctx, actor, Assessed { blank, ends }, given).await?)
}
