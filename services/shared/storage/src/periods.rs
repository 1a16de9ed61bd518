//! Reporting periods: what a customer was rendered in one, which are closed, and which blanks the calendar moves on.
//!
//! Rules: billing.md §4–5; states of an order blank: orders.md §3. A closed period is never opened again.
//!
//! ```text
//! impressions of a media line in a period = counted through the period's end − charged by documents of earlier periods
//! ```
//!
//! So impressions that arrive after their month was closed are charged once, by the next document, even when the line's
//! term is over: such a line is told as served on the first day of that document's period. billing.md §5 wants a
//! correcting document for them; until those exist the next document stands in.

use crate::interruptions::MovesOfLine;
use crate::{DbError, Store, Tx};
use chrono::NaiveDate;
use futures_util::TryStreamExt;
use namoyish_domain::billing::primary_document::{LineToRender, Tariff};
use namoyish_domain::billing::rendered::{MediaCounts, ServiceBounds};
use namoyish_domain::calendar::{ReportingPeriod, Timestamp, day_start};
use namoyish_domain::delivery::counters::Epoch;
use namoyish_domain::ids::{CustomerId, LineId, OrderBlankId};
use namoyish_domain::money::{Rate, UnitPrice};
use namoyish_domain::orders::interruption::Interrupted;
use namoyish_domain::orders::order_blank::{BlankState, Term};
use rust_decimal::Decimal;
use uuid::Uuid;

statements! {
    LAST_CLOSED = "select max(period) from closed_periods";
    IS_CLOSED = "select exists (select 1 from closed_periods where period = $1)";
    CLOSE = "insert into closed_periods (period, closed_at) values ($1, $2) on conflict (period) do nothing";
    FIRST_SERVICE_DAY = "select min(l.first_day) from order_lines l join order_blanks b on b.id = l.order_blank_id where b.signed_at is not null";
    CUSTOMERS_TO_CLOSE = "select distinct b.customer_id
        from order_blanks b join order_lines l on l.order_blank_id = b.id
        where b.signed_at is not null and ($3::uuid is null or b.customer_id > $3)
            and ((l.first_day <= $2 and l.last_day >= $1)
                or exists (select 1 from line_epochs e where e.line_id = l.id and e.day between $1 and $2)
                or (l.kind = 'media' and l.last_day < $1
                    and coalesce((select sum(t.counted) from line_totals t where t.line_id = l.id), 0)
                        > coalesce((select sum(p.quantity) from document_lines p join documents d on d.id = p.document_id
                            where p.line_id = l.id and d.kind = 'primary_document' and d.period < $1), 0)))
            and not exists (select 1 from documents d where d.kind = 'primary_document' and d.customer_id = b.customer_id and d.period = $1)
        order by b.customer_id limit $4";
    LINES_TO_RENDER = "select l.id, l.code, l.kind, l.unit_price, l.first_day,
            case when l.kind = 'media' then greatest(l.last_day, $2) else l.last_day end as last_day, l.ended_on, l.quantity, l.one_off,
            b.number as contract_number, b.signed_on, case when b.vat_payer then b.vat_rate else 0 end as vat_rate,
            i.name_uz, i.name_ru, i.name_en,
            (select min(greatest(m.live_from, ((a.approved_at at time zone 'UTC') + interval '5 hours')::date))
                from ad_materials m
                join lateral (select min(decided_at) as approved_at from moderation_decisions where material_id = m.id and state = 'approved') a
                    on a.approved_at is not null
                where m.line_id = l.id) as ready_on,
            (select coalesce(sum(impressions), 0)::bigint from line_epochs where line_id = l.id and day <= $3) as counted_to_end,
            c.charged::bigint as charged_before
        from order_blanks b
        join order_lines l on l.order_blank_id = b.id
        join price_list_items i on i.id = l.price_list_item_id
        cross join lateral (select coalesce((select sum(p.quantity) from document_lines p join documents d on d.id = p.document_id
            where p.line_id = l.id and d.kind = 'primary_document' and d.period < $2), 0) as charged) c
        where b.customer_id = $1 and b.signed_at is not null
            and ((l.first_day <= $3 and l.last_day >= $2)
                or exists (select 1 from line_epochs e where e.line_id = l.id and e.day between $2 and $3)
                or (l.kind = 'media' and l.last_day < $2
                    and coalesce((select sum(t.counted) from line_totals t where t.line_id = l.id), 0) > c.charged))
        order by b.signed_at, b.number, l.position";
    IMPRESSION_BITS = "select epoch, generation, bits from epoch_bitmaps
        where line_id = $1 and kind = 1 and epoch >= $2 and epoch < $3 order by epoch, generation";
    COUNTS_BEHIND = "select count(*) from counter_totals t
        left join lateral (select counted from epoch_bitmaps where line_id = t.line_id and generation = t.generation and epoch = t.epoch and kind = 1) b on true
        where t.epoch >= $1 and t.epoch < $2 and t.shown > coalesce(b.counted, 0)";
    BLANKS_TO_MOVE = "select b.id, b.state, s.first_day, s.last_served_on, s.last_day, s.waits_for_material, s.is_served
        from order_blanks b
        join lateral (
            select coalesce(min(l.first_day) filter (where l.ended_on is null or l.ended_on > l.first_day),
                    min(l.ended_on)) as first_day,
                max(least(l.last_day, l.ended_on - 1)) as last_served_on, max(l.last_day) as last_day,
                bool_or(l.ended_on is null or l.ended_on > l.first_day) as is_served,
                bool_or(l.kind <> 'additional' and (l.ended_on is null or l.ended_on > $1) and not exists (
                    select 1 from ad_materials m join moderation_decisions d on d.material_id = m.id where m.line_id = l.id and d.state = 'approved'
                )) as waits_for_material
            from order_lines l where l.order_blank_id = b.id
        ) s on true
        where b.state in ('signed', 'in_service') and s.first_day <= $1 and (b.state = 'signed' or s.last_served_on < $1)
            and ($2::uuid is null or b.id > $2)
        order by b.id limit $3 for no key update of b skip locked";
}

/// A line of a customer with everything that its period's document says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeriodLineFacts {
    /// What the valuation needs.
    pub line: LineToRender,
    /// Code of the line.
    pub code: String,
    /// Number of its order blank.
    pub contract_number: String,
    /// Signing date of its order blank.
    pub contract_date: NaiveDate,
    /// The price-list item's names in Uzbek, Russian and English.
    pub names: [String; 3],
}

#[derive(sqlx::FromRow)]
struct FactsRow {
    id: Uuid,
    code: String,
    kind: String,
    unit_price: Decimal,
    first_day: NaiveDate,
    last_day: NaiveDate,
    ended_on: Option<NaiveDate>,
    quantity: Option<Decimal>,
    one_off: bool,
    contract_number: String,
    signed_on: Option<NaiveDate>,
    vat_rate: Decimal,
    name_uz: String,
    name_ru: String,
    name_en: String,
    ready_on: Option<NaiveDate>,
    counted_to_end: i64,
    charged_before: i64,
}

impl TryFrom<FactsRow> for PeriodLineFacts {
    type Error = DbError;
    fn try_from(row: FactsRow) -> Result<PeriodLineFacts, DbError> {
        let wrong = |what: &str| DbError::Inconsistent(format!("line {}: {what}", row.code));
        let term = Term::new(row.first_day, row.last_day).ok_or_else(|| wrong("empty term"))?;
        let count = |value: i64| u64::try_from(value).map_err(|_| wrong("a negative count"));
        let quantity = row.quantity.unwrap_or(Decimal::ONE);
        let tariff = match (row.kind.as_str(), row.one_off) {
            ("media", _) => Tariff::Impressions(MediaCounts {
                to_end: count(row.counted_to_end)?,
                to_previous_end: count(row.charged_before)?,
            }),
            ("period", _) => Tariff::Month,
            ("additional", true) => Tariff::OneOff { quantity },
            ("additional", false) => Tariff::MonthlyService { quantity },
            _ => return Err(wrong("no such kind")),
        };
        let needs_material = row.kind != "additional";
        Ok(PeriodLineFacts {
            line: LineToRender {
                line: LineId::from_uuid(row.id),
                bounds: ServiceBounds {
                    term,
                    ended_on: row.ended_on,
                    ready_on: if needs_material {
                        row.ready_on
                    } else {
                        Some(row.first_day)
                    },
                },
                unit_price: UnitPrice::new(row.unit_price)?,
                tariff,
                vat_rate: Rate::new(row.vat_rate)?,
            },
            contract_date: row
                .signed_on
                .ok_or_else(|| wrong("a signed blank without a date"))?,
            code: row.code,
            contract_number: row.contract_number,
            names: [row.name_uz, row.name_ru, row.name_en],
        })
    }
}

/// The counted bits of one epoch of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochBits {
    /// The epoch.
    pub epoch: i64,
    /// The counter's generation.
    pub generation: i64,
    /// Bit n is the n-th number of the epoch.
    pub bits: Vec<u8>,
}

/// A blank whose service begins or may be over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlankToMove {
    /// The blank.
    pub id: OrderBlankId,
    /// Its state.
    pub state: BlankState,
    /// First day of its first service.
    pub first_day: NaiveDate,
    /// Last day of its last service, by the terms in force.
    pub last_served_on: NaiveDate,
    /// Last day of its terms, whether they were cut short or not.
    pub last_day: NaiveDate,
    /// Whether a line has no approved material yet, so that its term is still going to move.
    pub waits_for_material: bool,
    /// Whether a line has a day of service; without one it was ended before it began.
    pub is_served: bool,
}

/// Periods inside a transaction.
#[derive(Debug)]
pub struct Periods<'a> {
    tx: &'a mut Tx,
}

impl Tx {
    /// Reporting periods.
    pub fn periods(&mut self) -> Periods<'_> {
        Periods { tx: self }
    }
}

impl Periods<'_> {
    /// The latest closed period.
    pub async fn last_closed(&mut self) -> Result<Option<ReportingPeriod>, DbError> {
        let day: Option<NaiveDate> = sqlx::query_scalar(LAST_CLOSED).fetch_one(self.tx.conn()).await?;
        Ok(day.map(ReportingPeriod::of))
    }

    /// Whether a period is closed.
    pub async fn is_closed(&mut self, period: ReportingPeriod) -> Result<bool, DbError> {
        Ok(sqlx::query_scalar(IS_CLOSED)
            .bind(period.first_day())
            .fetch_one(self.tx.conn())
            .await?)
    }

    /// Closes a period: waits for postings under way, then it takes no more. `false` when it is closed already.
    pub async fn close(&mut self, period: ReportingPeriod, at: Timestamp) -> Result<bool, DbError> {
        let done = sqlx::query(CLOSE)
            .bind(period.first_day())
            .bind(at)
            .execute(self.tx.conn())
            .await?;
        Ok(done.rows_affected() > 0)
    }

    /// All lines of a customer that were in service in a period, or have impressions that came too late for their own, in
    /// the order of the document.
    pub async fn lines_to_render(
        &mut self,
        customer: CustomerId,
        period: ReportingPeriod,
    ) -> Result<Vec<PeriodLineFacts>, DbError> {
        let rows: Vec<FactsRow> = sqlx::query_as(LINES_TO_RENDER)
            .bind(customer.uuid())
            .bind(period.first_day())
            .bind(period.last_day())
            .fetch_all(self.tx.conn())
            .await?;
        let ids: Vec<LineId> = rows.iter().map(|row| LineId::from_uuid(row.id)).collect();
        let moves = self.tx.interruptions().moves_of(&ids).await?;
        rows.into_iter()
            .map(|row| {
                let mut facts = PeriodLineFacts::try_from(row)?;
                if let Some(moves) = moves.get(&facts.line.line) {
                    count_interruptions(&mut facts.line, moves, period)?;
                }
                Ok(facts)
            })
            .collect()
    }

    /// Hands the counted bits of a line in a period to `take`, by epoch and generation, one at a time.
    pub async fn impression_bits(
        &mut self,
        line: LineId,
        period: ReportingPeriod,
        mut take: impl FnMut(&EpochBits) + Send,
    ) -> Result<(), DbError> {
        let (first, end) = epochs_of(period);
        let mut rows = sqlx::query_as::<_, (i64, i64, Vec<u8>)>(IMPRESSION_BITS)
            .bind(line.uuid())
            .bind(first)
            .bind(end)
            .fetch(self.tx.conn());
        while let Some((epoch, generation, bits)) = rows.try_next().await? {
            take(&EpochBits {
                epoch,
                generation,
                bits,
            });
        }
        Ok(())
    }

    /// Locks blanks whose first service has begun or whose last may be over, at most `limit` after an id.
    pub async fn lock_blanks_to_move(
        &mut self,
        today: NaiveDate,
        after: Option<OrderBlankId>,
        limit: u32,
    ) -> Result<Vec<BlankToMove>, DbError> {
        let rows: Vec<(Uuid, String, NaiveDate, NaiveDate, NaiveDate, bool, bool)> =
            sqlx::query_as(BLANKS_TO_MOVE)
                .bind(today)
                .bind(after.map(OrderBlankId::uuid))
                .bind(i64::from(limit))
                .fetch_all(self.tx.conn())
                .await?;
        rows.into_iter()
            .map(
                |(id, state, first_day, last_served_on, last_day, waits_for_material, is_served)| {
                    Ok(BlankToMove {
                        id: OrderBlankId::from_uuid(id),
                        state: BlankState::parse(&state).ok_or_else(|| {
                            DbError::Inconsistent(format!("`{state}` is no state of an order blank"))
                        })?,
                        first_day,
                        last_served_on,
                        last_day,
                        waits_for_material,
                        is_served,
                    })
                },
            )
            .collect()
    }
}

/// Charges a line that is paid by the month by the ordered months it used up, once its end was moved.
fn count_interruptions(
    line: &mut LineToRender,
    moves: &MovesOfLine,
    period: ReportingPeriod,
) -> Result<(), DbError> {
    let quantity = match line.tariff {
        Tariff::Month => Decimal::ONE,
        Tariff::MonthlyService { quantity } => quantity,
        Tariff::Impressions(_) | Tariff::OneOff { .. } | Tariff::MonthsUsed { .. } => return Ok(()),
    };
    let Some(ready_on) = line.bounds.ready_on else {
        return Ok(());
    };
    let interrupted = Interrupted {
        term: line.bounds.term,
        ended_on: line.bounds.ended_on,
        ready_on,
        days_stood_still: moves.days_stood_still,
        days_made_good: moves.days_made_good,
        standstills: moves.standstills.clone(),
    };
    line.tariff = Tariff::MonthsUsed {
        quantity,
        to_end: interrupted.months_used(period.last_day())?,
        to_previous_end: interrupted.months_used(period.previous().last_day())?,
    };
    Ok(())
}

/// The epochs of a period: from the first one, up to but not including the second.
fn epochs_of(period: ReportingPeriod) -> (i64, i64) {
    let of = |day| i64::from(Epoch::of(day_start(day)).0);
    (of(period.first_day()), of(period.next().first_day()))
}

impl Store {
    /// The latest closed period.
    pub async fn last_closed_period(&self) -> Result<Option<ReportingPeriod>, DbError> {
        let day: Option<NaiveDate> = sqlx::query_scalar(LAST_CLOSED).fetch_one(self.pool()).await?;
        Ok(day.map(ReportingPeriod::of))
    }

    /// The first day of any signed service.
    pub async fn first_service_day(&self) -> Result<Option<NaiveDate>, DbError> {
        Ok(sqlx::query_scalar(FIRST_SERVICE_DAY)
            .fetch_one(self.pool())
            .await?)
    }

    /// Customers with service in a period, or with late impressions, and no primary document of it yet, at most `limit` after an id.
    pub async fn customers_to_close(
        &self,
        period: ReportingPeriod,
        after: Option<CustomerId>,
        limit: u32,
    ) -> Result<Vec<CustomerId>, DbError> {
        let ids: Vec<Uuid> = sqlx::query_scalar(CUSTOMERS_TO_CLOSE)
            .bind(period.first_day())
            .bind(period.last_day())
            .bind(after.map(CustomerId::uuid))
            .bind(i64::from(limit))
            .fetch_all(self.pool())
            .await?;
        Ok(ids.into_iter().map(CustomerId::from_uuid).collect())
    }

    /// Epochs of a period of which the counter store saw more impressions than the journals have brought so far.
    pub async fn counts_behind(&self, period: ReportingPeriod) -> Result<i64, DbError> {
        let (first, end) = epochs_of(period);
        Ok(sqlx::query_scalar(COUNTS_BEHIND)
            .bind(first)
            .bind(end)
            .fetch_one(self.pool())
            .await?)
    }
}
