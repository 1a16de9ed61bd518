//! Force majeure, outages and lost access, and the days by which they moved terms and due dates (orders.md §8). The rules
//! are in `domain::orders::interruption`.
//!
//! A move is a row of `line_moves` beside the new term; none is ever taken back. What is due is recomputed from the state,
//! so that only the difference is moved: the same interruption looked at twice moves nothing twice.

use crate::terminations::party;
use crate::{DbError, Tx};
use chrono::NaiveDate;
use namoyish_domain::calendar::Timestamp;
use namoyish_domain::ids::{
    CustomerId, ForceMajeureId, InvoiceId, LineId, LostAccessClaimId, OutageId, PlacementId,
};
use namoyish_domain::orders::interruption::Standstill;
use namoyish_domain::orders::order_blank::Term;
use namoyish_domain::orders::termination::Party;
use std::collections::HashMap;
use uuid::Uuid;

statements! {
    INSERT_FORCE_MAJEURE = "insert into force_majeure (id, affected, first_day, noticed_on, certificate, comment, recorded_at,
            recorded_by) values ($1, $2, $3, $4, $5, $6, $7, $8)";
    INSERT_CUSTOMERS = "insert into force_majeure_customers (force_majeure_id, customer_id) select $1, unnest($2::uuid[])";
    INSERT_PLACEMENTS = "insert into force_majeure_placements (force_majeure_id, placement_id) select $1, unnest($2::uuid[])";
    INSERT_END = "insert into force_majeure_ends (force_majeure_id, until, recorded_at, recorded_by) values ($1, $2, $3, $4)
        on conflict (force_majeure_id) do nothing";
    FORCE_MAJEURE = "select f.id, f.affected, f.first_day, e.until, f.noticed_on, f.certificate, f.comment, f.recorded_at, f.recorded_by,
            array(select customer_id from force_majeure_customers where force_majeure_id = f.id order by 1) as customers,
            array(select placement_id from force_majeure_placements where force_majeure_id = f.id order by 1) as placements
        from force_majeure f left join force_majeure_ends e on e.force_majeure_id = f.id
        where ($1::uuid is null or f.id = $1) and ($2::uuid is null or f.id < $2)
            and ($4::uuid is null or not exists (select 1 from force_majeure_customers c where c.force_majeure_id = f.id)
                or exists (select 1 from force_majeure_customers c where c.force_majeure_id = f.id and c.customer_id = $4))
        order by f.id desc limit $3";
    /// Those that aren't over by a day.
    GOING_ON = "select f.id, f.affected, f.first_day, e.until from force_majeure f
        left join force_majeure_ends e on e.force_majeure_id = f.id
        where f.first_day <= $1 and (e.until is null or e.until >= $1) order by f.id";
    LINES_STANDING_STILL = "select l.id, l.first_day, l.last_day, l.ended_on,
            coalesce((select sum(m.days) from line_moves m where m.line_id = l.id and m.force_majeure_id = $1), 0)::integer as moved
        from order_lines l join order_blanks b on b.id = l.order_blank_id
        where l.id in (select s.line_id from line_standstills s where s.force_majeure_id = $1) and not l.one_off
            and b.state in ('signed', 'in_service')
        order by l.id for no key update of l";
    INVOICES_PUT_OFF = "select i.id, i.issued_on, coalesce((select sum(m.days) from invoice_moves m
                where m.invoice_id = i.id and m.force_majeure_id = $1), 0)::integer as moved
        from invoice_standings i
        where i.order_blank_id in (select s.order_blank_id from line_standstills s where s.force_majeure_id = $1)
            and i.due_on + due_date_moved(i.id) >= $2 and i.issued_on < $3 and i.paid < i.due_gross order by i.id";
    INSERT_INVOICE_MOVE = "insert into invoice_moves (invoice_id, force_majeure_id, days, moved_at, moved_by) values ($1, $2, $3, $4, $5)";
    INSERT_LINE_MOVE = "insert into line_moves (line_id, cause, force_majeure_id, days, moved_at, moved_by) values ($1, $2, $3, $4, $5, $6)";
    MOVE_LAST_DAY = "update order_lines set last_day = last_day + $2::integer where id = $1 returning first_day, last_day";
    INSERT_OUTAGE = "insert into outages (id, placement_id, began_at, ended_at, comment, recorded_at, recorded_by)
        values ($1, $2, $3, $4, $5, $6, $7)";
    OUTAGES = "select id, placement_id, began_at, ended_at, comment, recorded_at, recorded_by from outages
        where ($1::uuid is null or id < $1) order by id desc limit $2";
    /// Period lines in a placement whose term isn't over, with all outages of all their placements.
    PERIOD_LINES_IN = "select l.id, l.first_day, l.last_day, l.ended_on,
            (select min(greatest(m.live_from, ((a.approved_at at time zone 'UTC') + interval '5 hours')::date))
                from ad_materials m
                join lateral (select min(decided_at) as approved_at from moderation_decisions
                    where material_id = m.id and state = 'approved') a on a.approved_at is not null
                where m.line_id = l.id) as ready_on,
            coalesce((select sum(v.days) from line_moves v where v.line_id = l.id and v.cause = 'outage'), 0)::integer as moved,
            array(select o.began_at from outages o join line_placements q on q.placement_id = o.placement_id
                where q.line_id = l.id order by o.id) as began,
            array(select o.ended_at from outages o join line_placements q on q.placement_id = o.placement_id
                where q.line_id = l.id order by o.id) as ended
        from order_lines l join order_blanks b on b.id = l.order_blank_id
        where l.kind = 'period' and b.state in ('signed', 'in_service') and l.last_day >= $2
            and (l.ended_on is null or l.ended_on > $2)
            and exists (select 1 from line_placements p where p.line_id = l.id and p.placement_id = $1)
        order by l.id for no key update of l";
    INSERT_CLAIM = "insert into lost_access_claims (id, line_id, first_day, last_day, comment, claimed_at, claimed_by)
        values ($1, $2, $3, $4, $5, $6, $7)";
    CLAIM = "select c.id, c.line_id, c.first_day, c.last_day, c.comment, c.claimed_at, c.claimed_by, d.justified
        from lost_access_claims c left join lost_access_decisions d on d.claim_id = c.id where c.id = $1";
    CLAIMS_OF_LINE = "select c.id, c.line_id, c.first_day, c.last_day, c.comment, c.claimed_at, c.claimed_by, d.justified
        from lost_access_claims c left join lost_access_decisions d on d.claim_id = c.id
        where c.line_id = $1 and ($2::uuid is null or c.id < $2) order by c.id desc limit $3";
    JUSTIFIED_CLAIMS = "select c.first_day, c.last_day from lost_access_claims c
        join lost_access_decisions d on d.claim_id = c.id and d.justified where c.line_id = $1 order by c.id";
    DAYS_MOVED_FOR_LOST_ACCESS = "select coalesce(sum(days), 0)::integer from line_moves where line_id = $1 and cause = 'lost_access'";
    INSERT_CLAIM_DECISION = "insert into lost_access_decisions (claim_id, justified, comment, decided_at, decided_by)
        values ($1, $2, $3, $4, $5) on conflict (claim_id) do nothing";
    /// What was moved, by line and cause.
    MOVES_OF_LINES = "select m.line_id, m.cause, sum(m.days)::integer, f.first_day, e.until
        from line_moves m left join force_majeure f on f.id = m.force_majeure_id
        left join force_majeure_ends e on e.force_majeure_id = f.id
        where m.line_id = any($1) group by m.line_id, m.cause, m.force_majeure_id, f.first_day, e.until
        order by m.line_id, f.first_day";
}

/// Force majeure as kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForceMajeureRecord {
    /// Id.
    pub id: ForceMajeureId,
    /// The party that it keeps from its duty.
    pub affected: Party,
    /// Its first day, and the first day without it.
    pub standstill: Standstill,
    /// The day of the written notice.
    pub noticed_on: NaiveDate,
    /// Number of the certificate.
    pub certificate: String,
    /// What happened.
    pub comment: String,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// By whom.
    pub recorded_by: String,
    /// Only contracts of these; none: of all.
    pub customers: Vec<CustomerId>,
    /// Only lines in these; none: in all.
    pub placements: Vec<PlacementId>,
}

/// Force majeure that isn't over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GoingOn {
    /// Id.
    pub id: ForceMajeureId,
    /// The party that it keeps from its duty.
    pub affected: Party,
    /// Its days.
    pub standstill: Standstill,
}

/// A line that an interruption may move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineToMove {
    /// The line.
    pub line: LineId,
    /// The term in force.
    pub term: Term,
    /// The first day without service, where it was ended.
    pub ended_on: Option<NaiveDate>,
    /// The first day on which it could be served, where that was asked for.
    pub ready_on: Option<NaiveDate>,
    /// Days by which it was moved for this cause already.
    pub moved: u32,
    /// Outages of its placements, where they were asked for.
    pub outages: Vec<(Timestamp, Timestamp)>,
}

/// An outage as kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutageRecord {
    /// Id.
    pub id: OutageId,
    /// Where.
    pub placement: PlacementId,
    /// From when.
    pub began_at: Timestamp,
    /// Until when, exclusive.
    pub ended_at: Timestamp,
    /// What happened.
    pub comment: String,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// By whom.
    pub recorded_by: String,
}

/// A claim of lost access as kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRecord {
    /// Id.
    pub id: LostAccessClaimId,
    /// The additional service.
    pub line: LineId,
    /// Days without access.
    pub days: Term,
    /// The circumstances, in the customer's words.
    pub comment: String,
    /// When.
    pub claimed_at: Timestamp,
    /// By whom.
    pub claimed_by: String,
    /// What was decided; nothing yet.
    pub justified: Option<bool>,
}

/// Why a term was moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoveCause {
    /// Force majeure.
    ForceMajeure(ForceMajeureId),
    /// An outage of a placement.
    Outage,
    /// Lost access to an additional service.
    LostAccess,
}

impl MoveCause {
    /// The form of the database and of `line_changes`.
    pub fn code(self) -> &'static str {
        match self {
            MoveCause::ForceMajeure(_) => "force_majeure",
            MoveCause::Outage => "outage",
            MoveCause::LostAccess => "lost_access",
        }
    }
}

/// Everything that moved a line's end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MovesOfLine {
    /// Days added for force majeure.
    pub days_stood_still: u32,
    /// Days added for outages or lost access.
    pub days_made_good: u32,
    /// The stretches of force majeure.
    pub standstills: Vec<Standstill>,
}

#[derive(sqlx::FromRow)]
struct ForceMajeureRow {
    id: Uuid,
    affected: String,
    first_day: NaiveDate,
    until: Option<NaiveDate>,
    noticed_on: NaiveDate,
    certificate: String,
    comment: String,
    recorded_at: Timestamp,
    recorded_by: String,
    customers: Vec<Uuid>,
    placements: Vec<Uuid>,
}

#[derive(sqlx::FromRow)]
struct OutageRow {
    id: Uuid,
    placement_id: Uuid,
    began_at: Timestamp,
    ended_at: Timestamp,
    comment: String,
    recorded_at: Timestamp,
    recorded_by: String,
}

#[derive(sqlx::FromRow)]
struct ClaimRow {
    id: Uuid,
    line_id: Uuid,
    first_day: NaiveDate,
    last_day: NaiveDate,
    comment: String,
    claimed_at: Timestamp,
    claimed_by: String,
    justified: Option<bool>,
}

fn term_of(line: Uuid, first_day: NaiveDate, last_day: NaiveDate) -> Result<Term, DbError> {
    Term::new(first_day, last_day)
        .ok_or_else(|| DbError::Inconsistent(format!("line {line} has an empty term")))
}

fn days(days: i32) -> Result<u32, DbError> {
    u32::try_from(days).map_err(|_| DbError::Inconsistent(format!("a move of {days} days")))
}

impl TryFrom<ForceMajeureRow> for ForceMajeureRecord {
    type Error = DbError;

    fn try_from(row: ForceMajeureRow) -> Result<ForceMajeureRecord, DbError> {
        Ok(ForceMajeureRecord {
            id: ForceMajeureId::from_uuid(row.id),
            affected: party(&row.affected)?,
            standstill: Standstill {
                first_day: row.first_day,
                until: row.until,
            },
            noticed_on: row.noticed_on,
            certificate: row.certificate,
            comment: row.comment,
            recorded_at: row.recorded_at,
            recorded_by: row.recorded_by,
            customers: row.customers.into_iter().map(CustomerId::from_uuid).collect(),
            placements: row.placements.into_iter().map(PlacementId::from_uuid).collect(),
        })
    }
}

impl TryFrom<ClaimRow> for ClaimRecord {
    type Error = DbError;

    fn try_from(row: ClaimRow) -> Result<ClaimRecord, DbError> {
        Ok(ClaimRecord {
            id: LostAccessClaimId::from_uuid(row.id),
            line: LineId::from_uuid(row.line_id),
            days: term_of(row.line_id, row.first_day, row.last_day)?,
            comment: row.comment,
            claimed_at: row.claimed_at,
            claimed_by: row.claimed_by,
            justified: row.justified,
        })
    }
}

/// See [`Tx::interruptions`].
#[derive(Debug)]
pub struct Interruptions<'a>(&'a mut Tx);

impl Tx {
    /// Force majeure, outages and lost access.
    pub fn interruptions(&mut self) -> Interruptions<'_> {
        Interruptions(self)
    }
}

impl Interruptions<'_> {
    /// Keeps force majeure, with its end when that is known.
    pub async fn insert_force_majeure(&mut self, new: &ForceMajeureRecord) -> Result<(), DbError> {
        sqlx::query(INSERT_FORCE_MAJEURE)
            .bind(new.id.uuid())
            .bind(new.affected.code())
            .bind(new.standstill.first_day)
            .bind(new.noticed_on)
            .bind(&new.certificate)
            .bind(&new.comment)
            .bind(new.recorded_at)
            .bind(&new.recorded_by)
            .execute(self.0.conn())
            .await?;
        let customers: Vec<Uuid> = new.customers.iter().map(|id| id.uuid()).collect();
        sqlx::query(INSERT_CUSTOMERS)
            .bind(new.id.uuid())
            .bind(customers)
            .execute(self.0.conn())
            .await?;
        let placements: Vec<Uuid> = new.placements.iter().map(|id| id.uuid()).collect();
        sqlx::query(INSERT_PLACEMENTS)
            .bind(new.id.uuid())
            .bind(placements)
            .execute(self.0.conn())
            .await?;
        if let Some(until) = new.standstill.until {
            self.end_force_majeure(new.id, until, new.recorded_at, &new.recorded_by)
                .await?;
        }
        Ok(())
    }

    /// Says when force majeure is over. `false`: that was told before, and stays.
    pub async fn end_force_majeure(
        &mut self,
        id: ForceMajeureId,
        until: NaiveDate,
        at: Timestamp,
        actor: &str,
    ) -> Result<bool, DbError> {
        let done = sqlx::query(INSERT_END)
            .bind(id.uuid())
            .bind(until)
            .bind(at)
            .bind(actor)
            .execute(self.0.conn())
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Force majeure by id.
    pub async fn find_force_majeure(
        &mut self,
        id: ForceMajeureId,
    ) -> Result<Option<ForceMajeureRecord>, DbError> {
        Ok(self.read_force_majeure(Some(id), None, 1, None).await?.pop())
    }

    /// Force majeure, newest first; `concerned` leaves out what is recorded for other customers only.
    pub async fn list_force_majeure(
        &mut self,
        concerned: Option<CustomerId>,
        before: Option<ForceMajeureId>,
        limit: u32,
    ) -> Result<Vec<ForceMajeureRecord>, DbError> {
        self.read_force_majeure(None, before, limit, concerned).await
    }

    async fn read_force_majeure(
        &mut self,
        only: Option<ForceMajeureId>,
        before: Option<ForceMajeureId>,
        limit: u32,
        concerned: Option<CustomerId>,
    ) -> Result<Vec<ForceMajeureRecord>, DbError> {
        let rows: Vec<ForceMajeureRow> = sqlx::query_as(FORCE_MAJEURE)
            .bind(only.map(ForceMajeureId::uuid))
            .bind(before.map(ForceMajeureId::uuid))
            .bind(i64::from(limit))
            .bind(concerned.map(CustomerId::uuid))
            .fetch_all(self.0.conn())
            .await?;
        rows.into_iter().map(ForceMajeureRecord::try_from).collect()
    }

    /// Force majeure that has begun by a day and isn't over before it.
    pub async fn going_on(&mut self, day: NaiveDate) -> Result<Vec<GoingOn>, DbError> {
        let rows: Vec<(Uuid, String, NaiveDate, Option<NaiveDate>)> = sqlx::query_as(GOING_ON)
            .bind(day)
            .fetch_all(self.0.conn())
            .await?;
        rows.into_iter()
            .map(|(id, affected, first_day, until)| {
                Ok(GoingOn {
                    id: ForceMajeureId::from_uuid(id),
                    affected: party(&affected)?,
                    standstill: Standstill { first_day, until },
                })
            })
            .collect()
    }

    /// Locks the lines in force that force majeure concerns.
    pub async fn lock_lines_standing_still(
        &mut self,
        id: ForceMajeureId,
    ) -> Result<Vec<LineToMove>, DbError> {
        let rows: Vec<(Uuid, NaiveDate, NaiveDate, Option<NaiveDate>, i32)> =
            sqlx::query_as(LINES_STANDING_STILL)
                .bind(id.uuid())
                .fetch_all(self.0.conn())
                .await?;
        rows.into_iter()
            .map(|(line, first_day, last_day, ended_on, moved)| {
                Ok(LineToMove {
                    line: LineId::from_uuid(line),
                    term: term_of(line, first_day, last_day)?,
                    ended_on,
                    ready_on: None,
                    moved: days(moved)?,
                    outages: Vec::new(),
                })
            })
            .collect()
    }

    /// Invoices of the contracts concerned that weren't due before force majeure began and were issued before it ended:
    /// day of issue, and the days by which each was put off for it already.
    pub async fn invoices_put_off(
        &mut self,
        id: ForceMajeureId,
        first_day: NaiveDate,
        until: NaiveDate,
    ) -> Result<Vec<(InvoiceId, NaiveDate, u32)>, DbError> {
        let rows: Vec<(Uuid, NaiveDate, i32)> = sqlx::query_as(INVOICES_PUT_OFF)
            .bind(id.uuid())
            .bind(first_day)
            .bind(until)
            .fetch_all(self.0.conn())
            .await?;
        rows.into_iter()
            .map(|(invoice, issued_on, moved)| Ok((InvoiceId::from_uuid(invoice), issued_on, days(moved)?)))
            .collect()
    }

    /// Puts an invoice's due date off.
    pub async fn put_off(
        &mut self,
        invoice: InvoiceId,
        cause: ForceMajeureId,
        days: u32,
        at: Timestamp,
        actor: &str,
    ) -> Result<(), DbError> {
        sqlx::query(INSERT_INVOICE_MOVE)
            .bind(invoice.uuid())
            .bind(cause.uuid())
            .bind(i32::try_from(days).unwrap_or(i32::MAX))
            .bind(at)
            .bind(actor)
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// Moves a line's last day; answers the term in force from now on.
    pub async fn move_line(
        &mut self,
        line: LineId,
        cause: MoveCause,
        days: u32,
        at: Timestamp,
        actor: &str,
    ) -> Result<Term, DbError> {
        let days = i32::try_from(days).unwrap_or(i32::MAX);
        let force_majeure = match cause {
            MoveCause::ForceMajeure(id) => Some(id.uuid()),
            MoveCause::Outage | MoveCause::LostAccess => None,
        };
        sqlx::query(INSERT_LINE_MOVE)
            .bind(line.uuid())
            .bind(cause.code())
            .bind(force_majeure)
            .bind(days)
            .bind(at)
            .bind(actor)
            .execute(self.0.conn())
            .await?;
        let (first_day, last_day): (NaiveDate, NaiveDate) = sqlx::query_as(MOVE_LAST_DAY)
            .bind(line.uuid())
            .bind(days)
            .fetch_one(self.0.conn())
            .await?;
        term_of(line.uuid(), first_day, last_day)
    }

    /// Keeps an outage.
    pub async fn insert_outage(&mut self, outage: &OutageRecord) -> Result<(), DbError> {
        sqlx::query(INSERT_OUTAGE)
            .bind(outage.id.uuid())
            .bind(outage.placement.uuid())
            .bind(outage.began_at)
            .bind(outage.ended_at)
            .bind(&outage.comment)
            .bind(outage.recorded_at)
            .bind(&outage.recorded_by)
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// Outages, newest first.
    pub async fn outages(
        &mut self,
        before: Option<OutageId>,
        limit: u32,
    ) -> Result<Vec<OutageRecord>, DbError> {
        let rows: Vec<OutageRow> = sqlx::query_as(OUTAGES)
            .bind(before.map(OutageId::uuid))
            .bind(i64::from(limit))
            .fetch_all(self.0.conn())
            .await?;
        Ok(rows
            .into_iter()
            .map(|row| OutageRecord {
                id: OutageId::from_uuid(row.id),
                placement: PlacementId::from_uuid(row.placement_id),
                began_at: row.began_at,
                ended_at: row.ended_at,
                comment: row.comment,
                recorded_at: row.recorded_at,
                recorded_by: row.recorded_by,
            })
            .collect())
    }

    /// Locks the period lines in a placement whose service isn't over on a day.
    pub async fn lock_period_lines(
        &mut self,
        placement: PlacementId,
        day: NaiveDate,
    ) -> Result<Vec<LineToMove>, DbError> {
        type Row = (
            Uuid,
            NaiveDate,
            NaiveDate,
            Option<NaiveDate>,
            Option<NaiveDate>,
            i32,
            Vec<Timestamp>,
            Vec<Timestamp>,
        );
        let rows: Vec<Row> = sqlx::query_as(PERIOD_LINES_IN)
            .bind(placement.uuid())
            .bind(day)
            .fetch_all(self.0.conn())
            .await?;
        rows.into_iter()
            .map(
                |(line, first_day, last_day, ended_on, ready_on, moved, began, ended)| {
                    Ok(LineToMove {
                        line: LineId::from_uuid(line),
                        term: term_of(line, first_day, last_day)?,
                        ended_on,
                        ready_on,
                        moved: days(moved)?,
                        outages: began.into_iter().zip(ended).collect(),
                    })
                },
            )
            .collect()
    }

    /// Keeps a claim.
    pub async fn insert_claim(&mut self, claim: &ClaimRecord) -> Result<(), DbError> {
        sqlx::query(INSERT_CLAIM)
            .bind(claim.id.uuid())
            .bind(claim.line.uuid())
            .bind(claim.days.first_day())
            .bind(claim.days.last_day())
            .bind(&claim.comment)
            .bind(claim.claimed_at)
            .bind(&claim.claimed_by)
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// A claim by id.
    pub async fn find_claim(&mut self, id: LostAccessClaimId) -> Result<Option<ClaimRecord>, DbError> {
        let row: Option<ClaimRow> = sqlx::query_as(CLAIM)
            .bind(id.uuid())
            .fetch_optional(self.0.conn())
            .await?;
        row.map(ClaimRecord::try_from).transpose()
    }

    /// The claims of a line, newest first.
    pub async fn claims_of_line(
        &mut self,
        line: LineId,
        before: Option<LostAccessClaimId>,
        limit: u32,
    ) -> Result<Vec<ClaimRecord>, DbError> {
        let rows: Vec<ClaimRow> = sqlx::query_as(CLAIMS_OF_LINE)
            .bind(line.uuid())
            .bind(before.map(LostAccessClaimId::uuid))
            .bind(i64::from(limit))
            .fetch_all(self.0.conn())
            .await?;
        rows.into_iter().map(ClaimRecord::try_from).collect()
    }

    /// Decides on a claim. `false`: it was decided before.
    pub async fn decide_claim(
        &mut self,
        id: LostAccessClaimId,
        justified: bool,
        comment: &str,
        at: Timestamp,
        actor: &str,
    ) -> Result<bool, DbError> {
        let done = sqlx::query(INSERT_CLAIM_DECISION)
            .bind(id.uuid())
            .bind(justified)
            .bind(comment)
            .bind(at)
            .bind(actor)
            .execute(self.0.conn())
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// The days of a line's justified claims, and the days by which it was moved for them.
    pub async fn lost_access(&mut self, line: LineId) -> Result<(Vec<Term>, u32), DbError> {
        let rows: Vec<(NaiveDate, NaiveDate)> = sqlx::query_as(JUSTIFIED_CLAIMS)
            .bind(line.uuid())
            .fetch_all(self.0.conn())
            .await?;
        let claims = rows
            .into_iter()
            .map(|(first_day, last_day)| term_of(line.uuid(), first_day, last_day))
            .collect::<Result<_, _>>()?;
        let moved: i32 = sqlx::query_scalar(DAYS_MOVED_FOR_LOST_ACCESS)
            .bind(line.uuid())
            .fetch_one(self.0.conn())
            .await?;
        Ok((claims, days(moved)?))
    }

    /// What moved these lines; lines that nothing moved are left out.
    pub async fn moves_of(&mut self, lines: &[LineId]) -> Result<HashMap<LineId, MovesOfLine>, DbError> {
        type Row = (Uuid, String, i32, Option<NaiveDate>, Option<NaiveDate>);
        let ids: Vec<Uuid> = lines.iter().map(|line| line.uuid()).collect();
        let rows: Vec<Row> = sqlx::query_as(MOVES_OF_LINES)
            .bind(ids)
            .fetch_all(self.0.conn())
            .await?;
        let mut moves: HashMap<LineId, MovesOfLine> = HashMap::new();
        for (line, _, moved, first_day, until) in rows {
            let of_line = moves.entry(LineId::from_uuid(line)).or_default();
            match first_day {
                Some(first_day) => {
                    of_line.days_stood_still += days(moved)?;
                    of_line.standstills.push(Standstill { first_day, until });
                }
                None => of_line.days_made_good += days(moved)?,
            }
        }
        Ok(moves)
    }
}
