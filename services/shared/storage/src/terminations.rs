//! Notices of termination and what they ended (orders.md §8). The rules are in `domain::orders::termination`.
//!
//! `order_lines.ended_on` is written when the notice is given; the trigger `end_is_never_put_off` keeps it from moving to a
//! later day.

use crate::order_blanks::one_row;
use crate::{DbError, Tx};
use chrono::NaiveDate;
use namoyish_domain::calendar::Timestamp;
use namoyish_domain::delivery::extra_period::ExtraPeriod;
use namoyish_domain::ids::{
    ExtraPeriodId, LineId, NoticeOfTerminationId, OrderBlankId, TerminationProposalId,
};
use namoyish_domain::money::Money;
use namoyish_domain::orders::order_blank::{LineKind, Term};
use namoyish_domain::orders::termination::{Ground, LineEnd, LineToEnd, Party, Scope};
use rust_decimal::Decimal;
use uuid::Uuid;

statements! {
    LOCK_LINES = "select id from order_lines where order_blank_id = $1 order by id for no key update";
    TO_END = "select l.id, l.kind, l.ordered_first_day, l.first_day, l.last_day, l.ended_on,
            exists (select 1 from ad_materials m join moderation_decisions d on d.material_id = m.id
                where m.line_id = l.id and d.state = 'approved') as has_material,
            (select min(((m.submitted_at at time zone 'UTC') + interval '5 hours')::date) from ad_materials m
                where m.line_id = l.id) as submitted_on,
            exists (select 1 from invoice_lines il join invoice_standings s on s.id = il.invoice_id
                where il.line_id = l.id and s.kind = 'prepayment' and s.due_on + due_date_moved(s.id) < $2
                    and s.paid < s.due_gross) as unpaid,
            f.first_day as still_since, f.affected
        from order_lines l
        left join lateral (select s.first_day, s.affected from line_standstills s
            where s.line_id = l.id and s.first_day <= $2 and (s.until is null or s.until > $2)
            order by s.first_day, s.force_majeure_id limit 1) f on true
        where l.order_blank_id = $1 order by l.position";
    SET_ENDED_ON = "update order_lines set ended_on = $2 where id = $1";
    INSERT_NOTICE = "insert into notices_of_termination (id, order_blank_id, by_party, ground, scope, noticed_on, proposal_id,
            comment, given_at, given_by) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    INSERT_NOTICE_LINES = "insert into notice_lines (notice_id, line_id, effective_on)
        select $1, n.line_id, n.effective_on from unnest($2::uuid[], $3::date[]) as n(line_id, effective_on)";
    NOTICES_OF_BLANK = "select n.id, n.order_blank_id, n.by_party, n.ground, n.scope, n.noticed_on, n.proposal_id, n.comment,
            n.given_at, n.given_by,
            array(select l.line_id from notice_lines l where l.notice_id = n.id order by l.line_id) as lines,
            array(select l.effective_on from notice_lines l where l.notice_id = n.id order by l.line_id) as ends
        from notices_of_termination n where n.order_blank_id = $1 and ($2::uuid is null or n.id < $2) order by n.id desc limit $3";
    INSERT_PROPOSAL = "insert into termination_proposals (id, order_blank_id, by_party, scope, lines, effective_on, comment,
            proposed_at, proposed_by) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    FIND_PROPOSAL = "select p.id, p.order_blank_id, p.by_party, p.scope, p.lines, p.effective_on, p.comment, p.proposed_at,
            p.proposed_by, (select n.id from notices_of_termination n where n.proposal_id = p.id) as notice
        from termination_proposals p where p.id = $1";
    PROPOSALS_OF_BLANK = "select p.id, p.order_blank_id, p.by_party, p.scope, p.lines, p.effective_on, p.comment, p.proposed_at,
            p.proposed_by, (select n.id from notices_of_termination n where n.proposal_id = p.id) as notice
        from termination_proposals p where p.order_blank_id = $1 and ($2::uuid is null or p.id < $2) order by p.id desc limit $3";
    EXTRA_PERIODS_OF_ENDED = "select x.line_id, l.ended_on, x.id, x.first_day, x.last_day, x.extra_budget
        from extra_periods x join order_lines l on l.id = x.line_id
        where x.ended is null and l.ended_on <= $1 order by x.id";
}

/// A line of a blank with what a notice needs to know of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineUnderNotice {
    /// What the rules judge; `in_delay` tells of unpaid invoices only.
    pub facts: LineToEnd,
    /// The first day as ordered, by which the deadline of its first material is told.
    pub ordered_first_day: NaiveDate,
    /// The day on which its first material was submitted.
    pub submitted_on: Option<NaiveDate>,
}

/// A notice as kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeRecord {
    /// Id.
    pub id: NoticeOfTerminationId,
    /// The contract.
    pub blank: OrderBlankId,
    /// Who ends it.
    pub by: Party,
    /// Why.
    pub ground: Ground,
    /// What.
    pub scope: Scope,
    /// N.
    pub noticed_on: NaiveDate,
    /// The proposal that it confirms.
    pub proposal: Option<TerminationProposalId>,
    /// In the sender's words.
    pub comment: String,
    /// When it was recorded.
    pub given_at: Timestamp,
    /// By whom.
    pub given_by: String,
    /// The first day without service of each line that it ended.
    pub ends: Vec<(LineId, NaiveDate)>,
}

/// A proposal to end by agreement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposalRecord {
    /// Id.
    pub id: TerminationProposalId,
    /// The contract.
    pub blank: OrderBlankId,
    /// Who proposes.
    pub by: Party,
    /// What is to end.
    pub scope: Scope,
    /// The chosen lines.
    pub lines: Vec<LineId>,
    /// The first day without service.
    pub effective_on: NaiveDate,
    /// In the proposer's words.
    pub comment: String,
    /// When.
    pub proposed_at: Timestamp,
    /// By whom.
    pub proposed_by: String,
    /// The notice that confirmed it.
    pub notice: Option<NoticeOfTerminationId>,
}

#[derive(sqlx::FromRow)]
struct LineRow {
    id: Uuid,
    kind: String,
    ordered_first_day: NaiveDate,
    first_day: NaiveDate,
    last_day: NaiveDate,
    ended_on: Option<NaiveDate>,
    has_material: bool,
    submitted_on: Option<NaiveDate>,
    unpaid: bool,
    still_since: Option<NaiveDate>,
    affected: Option<String>,
}

#[derive(sqlx::FromRow)]
struct NoticeRow {
    id: Uuid,
    order_blank_id: Uuid,
    by_party: String,
    ground: String,
    scope: String,
    noticed_on: NaiveDate,
    proposal_id: Option<Uuid>,
    comment: String,
    given_at: Timestamp,
    given_by: String,
    lines: Vec<Uuid>,
    ends: Vec<NaiveDate>,
}

#[derive(sqlx::FromRow)]
struct ProposalRow {
    id: Uuid,
    order_blank_id: Uuid,
    by_party: String,
    scope: String,
    lines: Vec<Uuid>,
    effective_on: NaiveDate,
    comment: String,
    proposed_at: Timestamp,
    proposed_by: String,
    notice: Option<Uuid>,
}

fn unknown(what: &str, code: &str) -> DbError {
    DbError::Inconsistent(format!("`{code}` is no {what} of a termination"))
}

pub(crate) fn party(code: &str) -> Result<Party, DbError> {
    Party::parse(code).ok_or_else(|| unknown("party", code))
}

impl LineRow {
    fn line(self) -> Result<LineUnderNotice, DbError> {
        let kind = LineKind::parse(&self.kind).ok_or_else(|| unknown("kind of line", &self.kind))?;
        let term = Term::new(self.first_day, self.last_day)
            .ok_or_else(|| DbError::Inconsistent(format!("line {} has an empty term", self.id)))?;
        let stands_still = match (self.still_since, self.affected) {
            (Some(since), Some(affected)) => Some((since, party(&affected)?)),
            _ => None,
        };
        Ok(LineUnderNotice {
            facts: LineToEnd {
                line: LineId::from_uuid(self.id),
                kind,
                term,
                term_may_move: kind != LineKind::Additional && !self.has_material,
                ended_on: self.ended_on,
                in_delay: self.unpaid,
                stands_still,
            },
            ordered_first_day: self.ordered_first_day,
            submitted_on: self.submitted_on,
        })
    }
}

impl TryFrom<NoticeRow> for NoticeRecord {
    type Error = DbError;

    fn try_from(row: NoticeRow) -> Result<NoticeRecord, DbError> {
        Ok(NoticeRecord {
            id: NoticeOfTerminationId::from_uuid(row.id),
            blank: OrderBlankId::from_uuid(row.order_blank_id),
            by: party(&row.by_party)?,
            ground: Ground::parse(&row.ground).ok_or_else(|| unknown("ground", &row.ground))?,
            scope: Scope::parse(&row.scope).ok_or_else(|| unknown("scope", &row.scope))?,
            noticed_on: row.noticed_on,
            proposal: row.proposal_id.map(TerminationProposalId::from_uuid),
            comment: row.comment,
            given_at: row.given_at,
            given_by: row.given_by,
            ends: row
                .lines
                .into_iter()
                .map(LineId::from_uuid)
                .zip(row.ends)
                .collect(),
        })
    }
}

impl TryFrom<ProposalRow> for ProposalRecord {
    type Error = DbError;

    fn try_from(row: ProposalRow) -> Result<ProposalRecord, DbError> {
        Ok(ProposalRecord {
            id: TerminationProposalId::from_uuid(row.id),
            blank: OrderBlankId::from_uuid(row.order_blank_id),
            by: party(&row.by_party)?,
            scope: Scope::parse(&row.scope).ok_or_else(|| unknown("scope", &row.scope))?,
            lines: row.lines.into_iter().map(LineId::from_uuid).collect(),
            effective_on: row.effective_on,
            comment: row.comment,
            proposed_at: row.proposed_at,
            proposed_by: row.proposed_by,
            notice: row.notice.map(NoticeOfTerminationId::from_uuid),
        })
    }
}

/// See [`Tx::terminations`].
#[derive(Debug)]
pub struct Terminations<'a>(&'a mut Tx);

impl Tx {
    /// Notices of termination.
    pub fn terminations(&mut self) -> Terminations<'_> {
        Terminations(self)
    }
}

impl Terminations<'_> {
    /// Locks every line of a blank until the transaction ends. The blank itself is locked before.
    pub async fn lock_lines(&mut self, blank: OrderBlankId) -> Result<(), DbError> {
        sqlx::query(LOCK_LINES)
            .bind(blank.uuid())
            .fetch_all(self.0.conn())
            .await?;
        Ok(())
    }

    /// The lines of a blank by position, as they stand on a day.
    pub async fn lines_to_end(
        &mut self,
        blank: OrderBlankId,
        day: NaiveDate,
    ) -> Result<Vec<LineUnderNotice>, DbError> {
        let rows: Vec<LineRow> = sqlx::query_as(TO_END)
            .bind(blank.uuid())
            .bind(day)
            .fetch_all(self.0.conn())
            .await?;
        rows.into_iter().map(LineRow::line).collect()
    }

    /// Ends a line. Refused by `end_is_never_put_off`.
    pub async fn set_ended_on(&mut self, end: &LineEnd) -> Result<(), DbError> {
        let done = sqlx::query(SET_ENDED_ON)
            .bind(end.line.uuid())
            .bind(end.effective_on)
            .execute(self.0.conn())
            .await?;
        one_row(done.rows_affected(), "order line has gone under its lock")
    }

    /// Keeps a notice with its lines. Refused by `proposal_is_confirmed_once`.
    pub async fn insert(&mut self, notice: &NoticeRecord) -> Result<(), DbError> {
        sqlx::query(INSERT_NOTICE)
            .bind(notice.id.uuid())
            .bind(notice.blank.uuid())
            .bind(notice.by.code())
            .bind(notice.ground.code())
            .bind(notice.scope.code())
            .bind(notice.noticed_on)
            .bind(notice.proposal.map(TerminationProposalId::uuid))
            .bind(&notice.comment)
            .bind(notice.given_at)
            .bind(&notice.given_by)
            .execute(self.0.conn())
            .await?;
        let (lines, days): (Vec<Uuid>, Vec<NaiveDate>) =
            notice.ends.iter().map(|(line, day)| (line.uuid(), *day)).unzip();
        sqlx::query(INSERT_NOTICE_LINES)
            .bind(notice.id.uuid())
            .bind(lines)
            .bind(days)
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// The notices of a blank, newest first.
    pub async fn of_blank(
        &mut self,
        blank: OrderBlankId,
        before: Option<NoticeOfTerminationId>,
        limit: u32,
    ) -> Result<Vec<NoticeRecord>, DbError> {
        let rows: Vec<NoticeRow> = sqlx::query_as(NOTICES_OF_BLANK)
            .bind(blank.uuid())
            .bind(before.map(NoticeOfTerminationId::uuid))
            .bind(i64::from(limit))
            .fetch_all(self.0.conn())
            .await?;
        rows.into_iter().map(NoticeRecord::try_from).collect()
    }

    /// Keeps a proposal.
    pub async fn insert_proposal(&mut self, proposal: &ProposalRecord) -> Result<(), DbError> {
        let lines: Vec<Uuid> = proposal.lines.iter().map(|line| line.uuid()).collect();
        sqlx::query(INSERT_PROPOSAL)
            .bind(proposal.id.uuid())
            .bind(proposal.blank.uuid())
            .bind(proposal.by.code())
            .bind(proposal.scope.code())
            .bind(lines)
            .bind(proposal.effective_on)
            .bind(&proposal.comment)
            .bind(proposal.proposed_at)
            .bind(&proposal.proposed_by)
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// A proposal by id.
    pub async fn find_proposal(
        &mut self,
        id: TerminationProposalId,
    ) -> Result<Option<ProposalRecord>, DbError> {
        let row: Option<ProposalRow> = sqlx::query_as(FIND_PROPOSAL)
            .bind(id.uuid())
            .fetch_optional(self.0.conn())
            .await?;
        row.map(ProposalRecord::try_from).transpose()
    }

    /// The proposals of a blank, newest first.
    pub async fn proposals_of_blank(
        &mut self,
        blank: OrderBlankId,
        before: Option<TerminationProposalId>,
        limit: u32,
    ) -> Result<Vec<ProposalRecord>, DbError> {
        let rows: Vec<ProposalRow> = sqlx::query_as(PROPOSALS_OF_BLANK)
            .bind(blank.uuid())
            .bind(before.map(TerminationProposalId::uuid))
            .bind(i64::from(limit))
            .fetch_all(self.0.conn())
            .await?;
        rows.into_iter().map(ProposalRecord::try_from).collect()
    }

    /// Extra periods of lines that have ended by a day, with the line's first day without service.
    pub async fn extra_periods_of_ended(
        &mut self,
        day: NaiveDate,
    ) -> Result<Vec<(LineId, NaiveDate, ExtraPeriod)>, DbError> {
        type Row = (Uuid, NaiveDate, Uuid, NaiveDate, NaiveDate, Decimal);
        let rows: Vec<Row> = sqlx::query_as(EXTRA_PERIODS_OF_ENDED)
            .bind(day)
            .fetch_all(self.0.conn())
            .await?;
        rows.into_iter()
            .map(|(line, ended_on, id, first_day, last_day, extra_budget)| {
                let period = ExtraPeriod {
                    id: ExtraPeriodId::from_uuid(id),
                    first_day,
                    last_day,
                    extra_budget: Money::from_decimal(extra_budget)?,
                };
                Ok((LineId::from_uuid(line), ended_on, period))
            })
            .collect()
    }
}
