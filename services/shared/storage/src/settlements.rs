//! Contracts that ended: what they were paid and rendered, their settlements, and the money of a customer as a refund
//! sees it.
//!
//! Rules: orders.md §8 "On E"; billing.md §8. A blank's lines with one end are settled once (`contract_settlements`), when
//! the counts of their last day are in.

use crate::{DbError, Store, Tx};
use chrono::NaiveDate;
use namoyish_domain::billing::refund::{BlankMoney, CustomerMoney, Debt};
use namoyish_domain::billing::settlement::{InvoiceToSettle, InvoicedPart, RenderedPart};
use namoyish_domain::calendar::{ReportingPeriod, Timestamp, day_start};
use namoyish_domain::delivery::counters::Epoch;
use namoyish_domain::ids::{CustomerId, InvoiceId, LineId, OrderBlankId};
use namoyish_domain::money::{Money, Rate};
use rust_decimal::Decimal;
use sqlx::FromRow;
use std::collections::BTreeMap;
use uuid::Uuid;

statements! {
    /// Ends by termination, by line; and the end of every blank that is over. A line's end counts where it cut its term.
    TO_SETTLE = "select t.order_blank_id, t.customer_id, t.ended_on, bool_or(t.early) as early, bool_or(t.whole) as whole,
            (select max(e.day) from line_epochs e join order_lines l on l.id = e.line_id
                where l.order_blank_id = t.order_blank_id and e.day >= t.ended_on and coalesce(l.ended_on, l.last_day + 1) <= t.ended_on) as counted_through
        from (
            select l.order_blank_id, b.customer_id, l.ended_on, true as early, b.state in ('completed', 'terminated') as whole
            from order_lines l join order_blanks b on b.id = l.order_blank_id
            where l.ended_on is not null and l.ended_on <= $1 and l.ended_on <= l.last_day and b.signed_at is not null
            union all
            select b.id, b.customer_id, (select max(least(l.last_day, l.ended_on - 1)) + 1 from order_lines l where l.order_blank_id = b.id), false, true
            from order_blanks b
            where b.state in ('completed', 'terminated')
                and not exists (select 1 from contract_settlements s where s.order_blank_id = b.id and s.whole)
        ) t
        where t.ended_on <= $1 and not exists (select 1 from contract_settlements s where s.order_blank_id = t.order_blank_id and s.ended_on = t.ended_on)
        group by t.order_blank_id, t.customer_id, t.ended_on
        order by t.ended_on, t.order_blank_id limit $2";
    IS_SETTLED = "select exists (select 1 from contract_settlements where order_blank_id = $1 and ended_on = $2)";
    COUNTS_BEHIND = "select count(*) from order_lines l join counter_totals t on t.line_id = l.id
        left join lateral (select counted from epoch_bitmaps where line_id = t.line_id and generation = t.generation and epoch = t.epoch and kind = 1) b on true
        where l.order_blank_id = $1 and t.epoch >= $2 and t.shown > coalesce(b.counted, 0)";
    INVOICES_OF_BLANK = "select id, due_net, due_vat, paid, vat_rate from invoice_standings
        where order_blank_id = $1 and not voided order by due_on, number";
    PARTS_OF_BLANK = "select i.invoice_id, i.line_id, i.first_period, i.last_period, i.net, i.vat,
            coalesce(l.ended_on <= $2 and l.ended_on <= l.last_day, false) as ended
        from invoice_lines i join invoices v on v.id = i.invoice_id join order_lines l on l.id = i.line_id
        where v.order_blank_id = $1 order by i.invoice_id, i.position";
    DOCUMENTED = "select p.line_id, d.period, sum(p.net) as net, sum(p.vat) as vat
        from order_lines l join document_lines p on p.line_id = l.id join documents d on d.id = p.document_id
        where l.order_blank_id = $1 and d.kind in ('primary_document', 'correction') and d.period is not null
        group by p.line_id, d.period order by p.line_id, d.period";
    ENDED_LINES = "select l.id from order_lines l
        where l.order_blank_id = $1 and coalesce(case when l.ended_on <= l.last_day then l.ended_on end, l.last_day + 1) <= $2 order by l.position";
    HAS_MOVEMENTS = "select exists (select 1 from entries e join postings p on p.id = e.posting_id
        where e.customer_id = $1 and p.posted_on between $2 and $3)";
    INSERT_SETTLEMENT = "insert into contract_settlements (order_blank_id, ended_on, customer_id, early, whole, due_on, paid, rendered, surplus, debt,
            undocumented, act_due, made_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    SETTLEMENTS = "select s.order_blank_id, b.number as contract_number, s.ended_on, s.customer_id, s.early, s.whole, s.due_on, s.paid, s.rendered,
            s.surplus, s.debt, s.undocumented, s.act_due, s.made_at
        from contract_settlements s join order_blanks b on b.id = s.order_blank_id
        where ($1::uuid is null or s.customer_id = $1)
            and ($2::uuid is null or (s.order_blank_id, s.ended_on) > ($2, $3))
        order by s.order_blank_id, s.ended_on limit $4";
    NEWEST_SETTLEMENTS = "select s.order_blank_id, b.number as contract_number, s.ended_on, s.customer_id, s.early, s.whole, s.due_on, s.paid, s.rendered,
            s.surplus, s.debt, s.undocumented, s.act_due, s.made_at
        from contract_settlements s join order_blanks b on b.id = s.order_blank_id
        where s.customer_id = $1 order by s.ended_on desc, s.order_blank_id limit $2";
    /// The end of a contract that isn't settled yet: the latest, in the future or just past.
    UNSETTLED_END = "select max(t.ended_on) from (
            select l.order_blank_id, l.ended_on from order_lines l join order_blanks b on b.id = l.order_blank_id
            where b.customer_id = $1 and b.signed_at is not null and l.ended_on <= l.last_day
            union all
            select b.id, (select max(least(l.last_day, l.ended_on - 1)) + 1 from order_lines l where l.order_blank_id = b.id)
            from order_blanks b where b.customer_id = $1 and b.state in ('completed', 'terminated')
        ) t where not exists (select 1 from contract_settlements s where s.order_blank_id = t.order_blank_id and s.ended_on = t.ended_on)
            and ($2::date is null or t.ended_on <= $2)";
    FIRST_SERVICE_DAY = "select min(l.first_day) from order_lines l join order_blanks b on b.id = l.order_blank_id
        where b.customer_id = $1 and b.signed_at is not null";
    LAST_END = "select max(ended_on) from contract_settlements where customer_id = $1";
    BLANKS_OF = "select b.id, b.number, b.signed_on, coalesce((select sum(s.paid) from invoice_standings s where s.order_blank_id = b.id), 0) as allocated
        from order_blanks b where b.customer_id = $1 and b.signed_at is not null order by b.signed_at, b.number";
    LINES_OF = "select l.id, l.order_blank_id,
            (b.state in ('completed', 'terminated') or coalesce(l.ended_on <= $2 and l.ended_on <= l.last_day, false)) as released,
            coalesce((select sum(i.net + i.vat) from invoice_lines i join invoice_standings s on s.id = i.invoice_id
                where i.line_id = l.id and not s.voided), 0) as invoiced,
            coalesce((select sum(p.gross) from document_lines p join documents d on d.id = p.document_id
                where p.line_id = l.id and d.kind in ('primary_document', 'correction')), 0) as posted
        from order_lines l join order_blanks b on b.id = l.order_blank_id
        where b.customer_id = $1 and b.signed_at is not null order by b.signed_at, b.number, l.position";
    PAID_IN = "select coalesce((select sum(amount) from payments where customer_id = $1), 0) as paid_in,
        coalesce((select sum(amount) from refunds where customer_id = $1 and state in ('fixed', 'paid')), 0) as refunded,
        coalesce((select sum(due_gross - paid) from invoice_standings
            where customer_id = $1 and kind <> 'budget_increase' and due_on <= $2 and paid < due_gross), 0) as due_unpaid";
}

/// Lines of a blank with one end, not settled yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndToSettle {
    /// The blank.
    pub blank: OrderBlankId,
    /// Its customer.
    pub customer: CustomerId,
    /// The first day without service.
    pub ended_on: NaiveDate,
    /// Whether lines were terminated before their term was over.
    pub early: bool,
    /// Whether the whole blank is over.
    pub whole: bool,
    /// The last day with impressions from the end on: a line ended in the middle of its last day.
    pub counted_through: Option<NaiveDate>,
}

#[derive(FromRow)]
struct EndRow {
    order_blank_id: Uuid,
    customer_id: Uuid,
    ended_on: NaiveDate,
    early: bool,
    whole: bool,
    counted_through: Option<NaiveDate>,
}

/// A contract's settlement, gross.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// The blank.
    pub blank: OrderBlankId,
    /// Its number; empty in a settlement that is to be written.
    pub contract_number: String,
    /// The first day without service.
    pub ended_on: NaiveDate,
    /// Its customer.
    pub customer: CustomerId,
    /// Whether lines were terminated.
    pub early: bool,
    /// Whether the whole blank was over.
    pub whole: bool,
    /// Settled by this day.
    pub due_on: NaiveDate,
    /// What payments hold on the blank's invoices.
    pub paid: Money,
    /// What the blank rendered.
    pub rendered: Money,
    /// What may be refunded of it.
    pub surplus: Money,
    /// What the customer still owes.
    pub debt: Money,
    /// What of the ended lines' services no document had yet.
    pub undocumented: Money,
    /// Whether a reconciliation act is due.
    pub act_due: bool,
    /// When it was made.
    pub made_at: Timestamp,
}

#[derive(FromRow)]
struct SettlementRow {
    order_blank_id: Uuid,
    contract_number: String,
    ended_on: NaiveDate,
    customer_id: Uuid,
    early: bool,
    whole: bool,
    due_on: NaiveDate,
    paid: Decimal,
    rendered: Decimal,
    surplus: Decimal,
    debt: Decimal,
    undocumented: Decimal,
    act_due: bool,
    made_at: Timestamp,
}

impl TryFrom<SettlementRow> for Settlement {
    type Error = DbError;
    fn try_from(row: SettlementRow) -> Result<Settlement, DbError> {
        Ok(Settlement {
            blank: OrderBlankId::from_uuid(row.order_blank_id),
            contract_number: row.contract_number,
            ended_on: row.ended_on,
            customer: CustomerId::from_uuid(row.customer_id),
            early: row.early,
            whole: row.whole,
            due_on: row.due_on,
            paid: Money::from_decimal(row.paid)?,
            rendered: Money::from_decimal(row.rendered)?,
            surplus: Money::from_decimal(row.surplus)?,
            debt: Money::from_decimal(row.debt)?,
            undocumented: Money::from_decimal(row.undocumented)?,
            act_due: row.act_due,
            made_at: row.made_at,
        })
    }
}

#[derive(FromRow)]
struct PartRow {
    invoice_id: Uuid,
    line_id: Uuid,
    first_period: Option<NaiveDate>,
    last_period: Option<NaiveDate>,
    net: Decimal,
    vat: Decimal,
    ended: bool,
}

#[derive(FromRow)]
struct LineMoneyRow {
    id: Uuid,
    order_blank_id: Uuid,
    released: bool,
    invoiced: Decimal,
    posted: Decimal,
}

/// A signed blank with its money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlankOfCustomer {
    /// The blank.
    pub blank: OrderBlankId,
    /// Its number.
    pub number: String,
    /// When it was signed.
    pub signed_on: Option<NaiveDate>,
    /// Its money.
    pub money: BlankMoney,
}

/// What [`Settlements::customer_money`] tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoneyOfCustomer {
    /// What the rule decides on.
    pub money: CustomerMoney,
    /// The blanks behind it, in the same order.
    pub blanks: Vec<BlankOfCustomer>,
}

/// Ended contracts inside a transaction.
#[derive(Debug)]
pub struct Settlements<'a> {
    tx: &'a mut Tx,
}

impl Tx {
    /// Ended contracts.
    pub fn settlements(&mut self) -> Settlements<'_> {
        Settlements { tx: self }
    }
}

impl Settlements<'_> {
    /// Whether an end is settled already.
    pub async fn is_settled(&mut self, blank: OrderBlankId, ended_on: NaiveDate) -> Result<bool, DbError> {
        Ok(sqlx::query_scalar(IS_SETTLED)
            .bind(blank.uuid())
            .bind(ended_on)
            .fetch_one(self.tx.conn())
            .await?)
    }

    /// The invoices of a blank that aren't void, in the order of their due dates. A line has ended when it did by
    /// `ended_on`.
    pub async fn invoices(
        &mut self,
        blank: OrderBlankId,
        ended_on: NaiveDate,
    ) -> Result<Vec<InvoiceToSettle>, DbError> {
        let mut parts: BTreeMap<Uuid, Vec<InvoicedPart>> = BTreeMap::new();
        let rows: Vec<PartRow> = sqlx::query_as(PARTS_OF_BLANK)
            .bind(blank.uuid())
            .bind(ended_on)
            .fetch_all(self.tx.conn())
            .await?;
        for row in rows {
            let period = |day: Option<NaiveDate>| {
                day.map(ReportingPeriod::of)
                    .ok_or_else(|| DbError::Inconsistent(format!("an invoice line of {blank} has no period")))
            };
            parts.entry(row.invoice_id).or_default().push(InvoicedPart {
                line: LineId::from_uuid(row.line_id),
                first_period: period(row.first_period)?,
                last_period: period(row.last_period)?,
                net: Money::from_decimal(row.net)?,
                vat: Money::from_decimal(row.vat)?,
                ended: row.ended,
            });
        }
        let rows: Vec<(Uuid, Decimal, Decimal, Decimal, Decimal)> = sqlx::query_as(INVOICES_OF_BLANK)
            .bind(blank.uuid())
            .fetch_all(self.tx.conn())
            .await?;
        rows.into_iter()
            .map(|(id, due_net, due_vat, paid, vat_rate)| {
                Ok(InvoiceToSettle {
                    invoice: InvoiceId::from_uuid(id),
                    due_net: Money::from_decimal(due_net)?,
                    due_vat: Money::from_decimal(due_vat)?,
                    paid: Money::from_decimal(paid)?,
                    vat_rate: Rate::new(vat_rate)?,
                    parts: parts.remove(&id).unwrap_or_default(),
                })
            })
            .collect()
    }

    /// What documents say of a blank's lines, by line and period.
    pub async fn documented(&mut self, blank: OrderBlankId) -> Result<Vec<RenderedPart>, DbError> {
        let rows: Vec<(Uuid, NaiveDate, Decimal, Decimal)> = sqlx::query_as(DOCUMENTED)
            .bind(blank.uuid())
            .fetch_all(self.tx.conn())
            .await?;
        rows.into_iter()
            .map(|(line, period, net, vat)| {
                Ok(RenderedPart {
                    line: LineId::from_uuid(line),
                    period: ReportingPeriod::of(period),
                    net: Money::from_decimal(net)?,
                    vat: Money::from_decimal(vat)?,
                })
            })
            .collect()
    }

    /// The lines of a blank that have ended by a day, early or by their term.
    pub async fn ended_lines(
        &mut self,
        blank: OrderBlankId,
        ended_on: NaiveDate,
    ) -> Result<Vec<LineId>, DbError> {
        let ids: Vec<Uuid> = sqlx::query_scalar(ENDED_LINES)
            .bind(blank.uuid())
            .bind(ended_on)
            .fetch_all(self.tx.conn())
            .await?;
        Ok(ids.into_iter().map(LineId::from_uuid).collect())
    }

    /// Whether anything was posted to a customer's accounts from `first_day` through `last_day`.
    pub async fn has_movements(
        &mut self,
        customer: CustomerId,
        first_day: NaiveDate,
        last_day: NaiveDate,
    ) -> Result<bool, DbError> {
        Ok(sqlx::query_scalar(HAS_MOVEMENTS)
            .bind(customer.uuid())
            .bind(first_day)
            .bind(last_day)
            .fetch_one(self.tx.conn())
            .await?)
    }

    /// Writes a settlement.
    pub async fn insert(&mut self, settlement: &Settlement) -> Result<(), DbError> {
        sqlx::query(INSERT_SETTLEMENT)
            .bind(settlement.blank.uuid())
            .bind(settlement.ended_on)
            .bind(settlement.customer.uuid())
            .bind(settlement.early)
            .bind(settlement.whole)
            .bind(settlement.due_on)
            .bind(settlement.paid.decimal())
            .bind(settlement.rendered.decimal())
            .bind(settlement.surplus.decimal())
            .bind(settlement.debt.decimal())
            .bind(settlement.undocumented.decimal())
            .bind(settlement.act_due)
            .bind(settlement.made_at)
            .execute(self.tx.conn())
            .await?;
        Ok(())
    }

    /// The latest end of a customer's contract that isn't settled yet, up to a day if one is given.
    pub async fn unsettled_end(
        &mut self,
        customer: CustomerId,
        up_to: Option<NaiveDate>,
    ) -> Result<Option<NaiveDate>, DbError> {
        Ok(sqlx::query_scalar(UNSETTLED_END)
            .bind(customer.uuid())
            .bind(up_to)
            .fetch_one(self.tx.conn())
            .await?)
    }

    /// The first day of a customer's signed services.
    pub async fn first_service_day(&mut self, customer: CustomerId) -> Result<Option<NaiveDate>, DbError> {
        Ok(sqlx::query_scalar(FIRST_SERVICE_DAY)
            .bind(customer.uuid())
            .fetch_one(self.tx.conn())
            .await?)
    }

    /// The latest settled end of a customer's contracts.
    pub async fn last_end(&mut self, customer: CustomerId) -> Result<Option<NaiveDate>, DbError> {
        Ok(sqlx::query_scalar(LAST_END)
            .bind(customer.uuid())
            .fetch_one(self.tx.conn())
            .await?)
    }

    /// The money of a customer as a refund sees it on a day. `unposted`: gross of what is rendered by line and in no
    /// document yet. Lock the customer first.
    pub async fn customer_money(
        &mut self,
        customer: CustomerId,
        today: NaiveDate,
        unposted: &BTreeMap<LineId, Money>,
    ) -> Result<MoneyOfCustomer, DbError> {
        let blanks: Vec<(Uuid, String, Option<NaiveDate>, Decimal)> = sqlx::query_as(BLANKS_OF)
            .bind(customer.uuid())
            .fetch_all(self.tx.conn())
            .await?;
        let lines: Vec<LineMoneyRow> = sqlx::query_as(LINES_OF)
            .bind(customer.uuid())
            .bind(today)
            .fetch_all(self.tx.conn())
            .await?;
        let (paid_in, refunded, due_unpaid): (Decimal, Decimal, Decimal) = sqlx::query_as(PAID_IN)
            .bind(customer.uuid())
            .bind(today)
            .fetch_one(self.tx.conn())
            .await?;
        let balances = self.tx.ledger().balances_of(customer).await?;
        let mut told = Vec::with_capacity(blanks.len());
        for (id, number, signed_on, allocated) in blanks {
            let mut money = BlankMoney {
                allocated: Money::from_decimal(allocated)?,
                ..BlankMoney::default()
            };
            for line in lines.iter().filter(|line| line.order_blank_id == id) {
                let posted = Money::from_decimal(line.posted)?;
                let open = unposted
                    .get(&LineId::from_uuid(line.id))
                    .copied()
                    .unwrap_or_default();
                let rendered = posted.checked_add(open)?;
                let invoiced = Money::from_decimal(line.invoiced)?;
                let need = if line.released {
                    rendered
                } else {
                    invoiced.max(rendered)
                };
                money.need = money.need.checked_add(need)?;
                money.posted = money.posted.checked_add(posted)?;
                money.unposted = money.unposted.checked_add(open)?;
            }
            told.push(BlankOfCustomer {
                blank: OrderBlankId::from_uuid(id),
                number,
                signed_on,
                money,
            });
        }
        Ok(MoneyOfCustomer {
            money: CustomerMoney {
                advance: balances.advance,
                paid_in: Money::from_decimal(paid_in)?,
                refunded: Money::from_decimal(refunded)?,
                blanks: told.iter().map(|blank| blank.money).collect(),
                debt: Debt {
                    invoices: Money::from_decimal(due_unpaid)?,
                    receivable: balances.receivable,
                    penalties: balances.penalty_receivable,
                },
            },
            blanks: told,
        })
    }

    /// Settlements by blank and end, at most `limit` after one; of one customer or of all.
    pub async fn page(
        &mut self,
        customer: Option<CustomerId>,
        after: Option<(OrderBlankId, NaiveDate)>,
        limit: u32,
    ) -> Result<Vec<Settlement>, DbError> {
        let rows: Vec<SettlementRow> = sqlx::query_as(SETTLEMENTS)
            .bind(customer.map(CustomerId::uuid))
            .bind(after.map(|(blank, _)| blank.uuid()))
            .bind(after.map(|(_, ended_on)| ended_on))
            .bind(i64::from(limit))
            .fetch_all(self.tx.conn())
            .await?;
        rows.into_iter().map(Settlement::try_from).collect()
    }
}

impl Store {
    /// Ends of contracts through `today` that aren't settled, oldest first, at most `limit`.
    pub async fn ends_to_settle(&self, today: NaiveDate, limit: u32) -> Result<Vec<EndToSettle>, DbError> {
        let rows: Vec<EndRow> = sqlx::query_as(TO_SETTLE)
            .bind(today)
            .bind(i64::from(limit))
            .fetch_all(self.pool())
            .await?;
        Ok(rows
            .into_iter()
            .map(|row| EndToSettle {
                blank: OrderBlankId::from_uuid(row.order_blank_id),
                customer: CustomerId::from_uuid(row.customer_id),
                ended_on: row.ended_on,
                early: row.early,
                whole: row.whole,
                counted_through: row.counted_through,
            })
            .collect())
    }

    /// Epochs of a blank's lines from a day on of which the counter store saw more impressions than have arrived.
    pub async fn blank_counts_behind(&self, blank: OrderBlankId, from: NaiveDate) -> Result<i64, DbError> {
        Ok(sqlx::query_scalar(COUNTS_BEHIND)
            .bind(blank.uuid())
            .bind(i64::from(Epoch::of(day_start(from)).0))
            .fetch_one(self.pool())
            .await?)
    }

    /// The newest settlements of a customer, at most `limit`.
    pub async fn settlements_of(&self, customer: CustomerId, limit: u32) -> Result<Vec<Settlement>, DbError> {
        let rows: Vec<SettlementRow> = sqlx::query_as(NEWEST_SETTLEMENTS)
            .bind(customer.uuid())
            .bind(i64::from(limit))
            .fetch_all(self.pool())
            .await?;
        rows.into_iter().map(Settlement::try_from).collect()
    }
}
