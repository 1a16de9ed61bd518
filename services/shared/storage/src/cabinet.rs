//! What the pages of the personal cabinet read.
//!
//! Rule: cabinet.md; a customer sees only its own data. Every statement but the two marked public takes the customer as
//! its first parameter and filters by it, so that a page can't show another customer's row however its URL is made
//! (the test `every_statement_filters_by_the_customer` reads the statements).
//!
//! Every list has a limit. Counts come from what the month is billed from (`line_epochs`, `line_totals`), viewable
//! impressions and clicks from the hourly statistics.

mod rows;

pub use rows::{
    Balance, DemoPlacement, DocumentContentRow, DocumentRow, ExtraPeriodRow, GenuineDocument, InvoiceRow,
    InvoiceSheet, InvoiceSheetLine, LineChangeRow, LineDay, LineRow, MaterialRow, Names, OrderBlankRow,
    PartyRow, PaymentRow,
};

use crate::{DbError, Store};
use chrono::NaiveDate;
use namoyish_domain::ids::{
    AdMaterialId, CustomerId, DocumentId, ExtraPeriodId, InvoiceId, LineId, OrderBlankId, PaymentId,
};
use namoyish_domain::money::{Exact, Money, Rate, UnitPrice};
use namoyish_domain::orders::runnable::LineFacts;
use rust_decimal::Decimal;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

/// The most rows that a list of the cabinet shows.
pub const ROWS_MAX: i64 = 500;

statements! {
    BALANCES = "select account, balance from account_balances where customer_id = $1";
    ORDER_BLANKS = "select b.id, b.number, b.state, b.made_out_on, b.signed_on,
            count(l.id) as lines, min(l.first_day) as first_day, max(l.last_day) as last_day
        from order_blanks b left join order_lines l on l.order_blank_id = b.id
        where b.customer_id = $1 and b.state <> 'draft' and ($2::uuid is null or b.id = $2)
        group by b.id order by b.made_out_on desc, b.number desc limit $3";
    /// $2 today, $3 the month as a number (202611), $4 one line, $5 one blank, $6 only lines not over on that day.
    LINES = "select l.id, l.code, l.kind, l.position, l.unit_price, l.first_day, l.last_day, l.ordered_first_day,
            l.ordered_last_day, l.budget_mode, l.budget, l.quantity, l.one_off, l.paused_at is not null as paused, l.ended_on,
            b.id as blank_id, b.number as blank_number, b.state as blank_state,
            p.name_uz, p.name_ru, p.name_en, p.unit,
            coalesce((select sum(t.counted) from line_totals t where t.line_id = l.id), 0)::bigint as counted,
            coalesce((select t.counted from line_totals t where t.line_id = l.id
                and t.scope = case when l.budget_mode = 'monthly' then $3 else 0 end), 0)::bigint as counted_in_scope,
            coalesce((select sum(e.impressions) from line_epochs e where e.line_id = l.id and e.day = $2), 0)::bigint as counted_today,
            (select d.target from day_plans d where d.line_id = l.id and d.day = $2 order by d.version desc limit 1) as target_today,
            (select d.quota from day_plans d where d.line_id = l.id and d.day = $2 order by d.version desc limit 1) as quota_today
        from order_lines l join order_blanks b on b.id = l.order_blank_id
            join price_list_items p on p.id = l.price_list_item_id
        where b.customer_id = $1 and b.state <> 'draft'
            and ($4::uuid is null or l.id = $4) and ($5::uuid is null or b.id = $5)
            and (not $6 or (b.state in ('signed', 'in_service') and l.last_day >= $2 and (l.ended_on is null or l.ended_on > $2)))
        order by b.made_out_on desc, b.number desc, l.position limit $7";
    LINE_PLACES = "select coalesce(array_agg(p.name_uz order by p.code), '{}') as uz, coalesce(array_agg(p.name_ru order by p.code), '{}') as ru,
            coalesce(array_agg(p.name_en order by p.code), '{}') as en
        from line_placements lp join placements p on p.id = lp.placement_id
            join order_lines l on l.id = lp.line_id join order_blanks b on b.id = l.order_blank_id
        where b.customer_id = $1 and l.id = $2";
    LINE_REGIONS = "select coalesce(array_agg(r.name_uz order by r.code), '{}') as uz, coalesce(array_agg(r.name_ru order by r.code), '{}') as ru,
            coalesce(array_agg(r.name_en order by r.code), '{}') as en
        from line_regions lr join regions r on r.code = lr.region
            join order_lines l on l.id = lr.line_id join order_blanks b on b.id = l.order_blank_id
        where b.customer_id = $1 and l.id = $2";
    LINE_PLANS = "select distinct on (d.day) d.day, d.target, d.quota, d.extra_period_id is not null as extra
        from day_plans d join order_lines l on l.id = d.line_id join order_blanks b on b.id = l.order_blank_id
        where b.customer_id = $1 and l.id = $2 and d.day <= $3 order by d.day, d.version desc";
    LINE_COUNTS = "select e.day, sum(e.impressions)::bigint as impressions
        from line_epochs e join order_lines l on l.id = e.line_id join order_blanks b on b.id = l.order_blank_id
        where b.customer_id = $1 and l.id = $2 group by e.day order by e.day";
    LINE_REACTIONS = "select (h.hour at time zone 'UTC' + interval '5 hours')::date as day,
            sum(h.viewable)::bigint as viewable, sum(h.clicks)::bigint as clicks, sum(h.invalid)::bigint as invalid
        from line_hours h join order_lines l on l.id = h.line_id join order_blanks b on b.id = l.order_blank_id
        where b.customer_id = $1 and l.id = $2 group by 1 order by 1";
    SCOPE_COUNTS = "select t.scope, t.counted from line_totals t join order_lines l on l.id = t.line_id join order_blanks b on b.id = l.order_blank_id
        where b.customer_id = $1 and l.id = $2";
    LINE_CHANGES = "select ch.changed_at, ch.actor, ch.kind, ch.details
        from line_changes ch join order_lines l on l.id = ch.line_id join order_blanks b on b.id = l.order_blank_id
        where b.customer_id = $1 and l.id = $2 order by ch.id desc limit $3";
    EXTRA_PERIODS = "select x.id, x.first_day, x.last_day, x.extra_budget, x.set_at, x.set_by, x.ended, x.ended_on
        from extra_periods x join order_lines l on l.id = x.line_id join order_blanks b on b.id = l.order_blank_id
        where b.customer_id = $1 and l.id = $2 order by x.set_at desc limit $3";
    MATERIALS = "select m.id, m.line_id, l.code as line_code, m.version, m.kind, m.title, m.target_url, m.width, m.height, d.live_from,
            d.decided_at, d.state, coalesce(d.reasons, '{}') as reasons, coalesce(d.comment, '') as comment, d.documents_until
        from ad_materials m join order_lines l on l.id = m.line_id join order_blanks b on b.id = l.order_blank_id
            join material_standings d on d.material_id = m.id
        where b.customer_id = $1 and l.id = $2 order by m.version desc limit $3";
    MATERIALS_TO_FIX = "select m.id, m.line_id, l.code as line_code, m.version, m.kind, m.title, m.target_url, m.width, m.height, d.live_from,
            d.decided_at, d.state, coalesce(d.reasons, '{}') as reasons, coalesce(d.comment, '') as comment, d.documents_until
        from order_lines l join order_blanks b on b.id = l.order_blank_id
            join lateral (select * from ad_materials where line_id = l.id order by version desc limit 1) m on true
            join material_standings d on d.material_id = m.id
        where b.customer_id = $1 and b.state in ('signed', 'in_service') and l.last_day >= $2
            and d.state in ('rejected', 'documents_required', 'documents_overdue') order by m.submitted_at limit $3";
    INVOICES = "select i.id, i.number, i.issued_on, i.due_on, i.net, i.vat, i.gross, b.number as blank_number,
            i.paid, i.due_gross, i.voided
        from invoice_standings i left join order_blanks b on b.id = i.order_blank_id
        where i.customer_id = $1 and ($2::uuid is null or i.id = $2) order by i.due_on desc, i.number desc limit $3";
    OPEN_INVOICES = "select * from (select i.id, i.number, i.issued_on, i.due_on, i.net, i.vat, i.gross, b.number as blank_number,
            i.paid, i.due_gross, i.voided
        from invoice_standings i left join order_blanks b on b.id = i.order_blank_id
        where i.customer_id = $1) open where due_gross > paid order by due_on, number limit $2";
    /// The parties as they were on the day of issue: before the first change since (orders.md §1).
    INVOICE_SHEET = "select i.vat_rate, b.number as blank_number, b.signed_on, b.vat_payer,
            o.legal_name as o_name, o.city as o_city, o.address as o_address, o.stir as o_stir, o.bank_name as o_bank, o.mfo as o_mfo,
            o.settlement_account as o_account, coalesce(o.oked, '') as o_oked, coalesce(o.vat_code, '') as o_vat_code, o.director as o_director,
            o.accountant as o_accountant, o.email as o_email, o.phone as o_phone,
            c.kind as c_kind, c.name as c_name, c.address as c_address, coalesce(c.stir, c.pinfl, '') as c_stir, coalesce(c.bank_name, '') as c_bank,
            coalesce(c.mfo, '') as c_mfo, coalesce(c.settlement_account, '') as c_account, coalesce(c.oked, '') as c_oked,
            coalesce(c.vat_code, '') as c_vat_code,
            c.signatory as c_signatory, c.authority as c_authority, c.email as c_email, c.phone as c_phone
        from invoices i join customers now_c on now_c.id = i.customer_id left join order_blanks b on b.id = i.order_blank_id
            cross join operator now_o
            left join lateral (select before from customer_changes where customer_id = i.customer_id and changed_at > i.issued_at
                order by id limit 1) was_c on true
            left join lateral (select before from operator_changes where changed_at > i.issued_at order by id limit 1) was_o on true
            cross join lateral jsonb_populate_record(now_c, coalesce(was_c.before, '{}')) c
            cross join lateral jsonb_populate_record(now_o, coalesce(was_o.before, '{}')) o
        where i.customer_id = $1 and i.id = $2";
    INVOICE_LINES = "select il.position, il.net, il.vat, il.first_period, il.last_period, l.code, l.kind, l.first_day, l.last_day, l.unit_price,
            l.one_off, l.quantity, p.name_uz, p.name_ru, p.name_en
        from invoice_lines il join invoices i on i.id = il.invoice_id join order_lines l on l.id = il.line_id
            join price_list_items p on p.id = l.price_list_item_id
        where i.customer_id = $1 and i.id = $2 order by il.position";
    PAYMENTS = "select p.id, p.received_on, p.amount, p.method, p.reference, i.number as invoice_number,
            s.used as allocated
        from payments p join payment_standings s on s.payment_id = p.id left join invoices i on i.id = p.named_invoice
        where p.customer_id = $1 order by p.received_on desc, p.recorded_at desc limit $2";
    DOCUMENTS = "select d.id, d.kind, d.number, d.period, d.issued_on, d.net, d.vat, d.gross, d.sha256,
            coalesce((select e.state from document_events e where e.document_id = d.id order by e.id desc limit 1), 'issued') as state
        from documents d where d.customer_id = $1 order by d.issued_on desc, d.number desc limit $2";
    DOCUMENT_CONTENT = "select kind, number, content, sha256 from documents where customer_id = $1 and id = $2";
    /// Public: the places of the demo page. Whoever opens a page with the tag reads the same keys there.
    DEMO_PLACEMENTS = "select p.code, p.name_uz, p.name_ru, p.name_en, p.width, p.height, a.publishable_key
        from placements p join apps a on a.id = p.app_id where not a.partner and p.kind = 'banner' order by p.code limit 16";
    /// The kinds are named so that the index of numbers, which begins with the kind, is used. Public: who holds both the number and the hash learns that the document is genuine.
    VERIFY_DOCUMENT = "select kind, number, period, issued_on, gross from documents where kind in ('primary_document', 'vat_invoice', 'correction', 'reconciliation_act', 'penalty_claim', 'refund')
            and number = $1 and sha256 = $2 limit 1";
}

impl Store {
    /// Banner places of the operator's own apps, for the demo page. Public.
    pub async fn demo_placements(&self) -> Result<Vec<DemoPlacement>, DbError> {
        let rows = sqlx::query(DEMO_PLACEMENTS).fetch_all(self.pool()).await?;
        rows.iter()
            .map(|row| {
                Ok(DemoPlacement {
                    code: row.try_get("code")?,
                    name: names(row)?,
                    width: row.try_get("width")?,
                    height: row.try_get("height")?,
                    app_key: row.try_get("publishable_key")?,
                })
            })
            .collect()
    }

    /// The pages' reads for one customer.
    pub fn cabinet(&self, customer: CustomerId) -> CabinetReads<'_> {
        CabinetReads {
            store: self,
            customer: customer.uuid(),
        }
    }

    /// The document with this number and hash, when there is one. Public.
    pub async fn verify_document(
        &self,
        number: &str,
        sha256: &str,
    ) -> Result<Option<GenuineDocument>, DbError> {
        let row = sqlx::query(VERIFY_DOCUMENT)
            .bind(number)
            .bind(sha256)
            .fetch_optional(self.pool())
            .await?;
        row.map(|row| {
            Ok(GenuineDocument {
                kind: row.try_get("kind")?,
                number: row.try_get("number")?,
                period: row.try_get("period")?,
                issued_on: row.try_get("issued_on")?,
                gross: money(&row, "gross")?,
            })
        })
        .transpose()
    }
}

/// See [`Store::cabinet`].
#[derive(Debug)]
pub struct CabinetReads<'a> {
    store: &'a Store,
    customer: Uuid,
}

impl CabinetReads<'_> {
    /// Sums of the customer's accounts.
    pub async fn balance(&self) -> Result<Balance, DbError> {
        let mut balance = Balance::default();
        for row in sqlx::query(BALANCES)
            .bind(self.customer)
            .fetch_all(self.store.pool())
            .await?
        {
            let sum = money(&row, "balance")?;
            match row.try_get::<&str, _>("account")? {
                // Kept as debit less credit; money that the customer holds with the operator is a credit.
                "advance" => balance.advance = Money::ZERO.checked_sub(sum)?,
                "receivable" => balance.receivable = sum,
                "penalty_receivable" => balance.penalty = sum,
                _ => {}
            }
        }
        Ok(balance)
    }

    /// Order blanks that were offered or signed, newest first.
    pub async fn order_blanks(&self) -> Result<Vec<OrderBlankRow>, DbError> {
        self.blanks(None).await
    }

    /// One order blank of this customer.
    pub async fn order_blank(&self, id: OrderBlankId) -> Result<Option<OrderBlankRow>, DbError> {
        Ok(self.blanks(Some(id)).await?.pop())
    }

    async fn blanks(&self, id: Option<OrderBlankId>) -> Result<Vec<OrderBlankRow>, DbError> {
        let rows = sqlx::query(ORDER_BLANKS)
            .bind(self.customer)
            .bind(id.map(OrderBlankId::uuid))
            .bind(ROWS_MAX)
            .fetch_all(self.store.pool())
            .await?;
        rows.iter()
            .map(|row| {
                Ok(OrderBlankRow {
                    id: OrderBlankId::from_uuid(row.try_get("id")?),
                    number: row.try_get("number")?,
                    state: row.try_get("state")?,
                    made_out_on: row.try_get("made_out_on")?,
                    signed_on: row.try_get("signed_on")?,
                    lines: row.try_get("lines")?,
                    first_day: row.try_get("first_day")?,
                    last_day: row.try_get("last_day")?,
                })
            })
            .collect()
    }

    /// Lines of signed blanks whose term isn't over on `today`.
    pub async fn current_lines(&self, today: NaiveDate) -> Result<Vec<LineRow>, DbError> {
        self.lines(today, None, None, true).await
    }

    /// The lines of a blank.
    pub async fn lines_of(&self, blank: OrderBlankId, today: NaiveDate) -> Result<Vec<LineRow>, DbError> {
        self.lines(today, None, Some(blank), false).await
    }

    /// One line of this customer.
    pub async fn line(&self, id: LineId, today: NaiveDate) -> Result<Option<LineRow>, DbError> {
        Ok(self.lines(today, Some(id), None, false).await?.pop())
    }

    async fn lines(
        &self,
        today: NaiveDate,
        line: Option<LineId>,
        blank: Option<OrderBlankId>,
        current_only: bool,
    ) -> Result<Vec<LineRow>, DbError> {
        let month = namoyish_domain::calendar::ReportingPeriod::of(today).number();
        let mut tx = self.store.begin().await?;
        let rows = sqlx::query(LINES)
            .bind(self.customer)
            .bind(today)
            .bind(i32::try_from(month).unwrap_or(0))
            .bind(line.map(LineId::uuid))
            .bind(blank.map(OrderBlankId::uuid))
            .bind(current_only)
            .bind(ROWS_MAX)
            .fetch_all(tx.conn())
            .await?;
        // What keeps a line from running is read by the statement that the serving nodes' snapshot reads it by.
        let ids = rows
            .iter()
            .map(|row| Ok(LineId::from_uuid(row.try_get("id")?)))
            .collect::<Result<Vec<_>, DbError>>()?;
        let mut facts: std::collections::HashMap<LineId, LineFacts> = tx
            .line_facts(&ids, today)
            .await?
            .into_iter()
            .map(|line| (line.id, line.facts))
            .collect();
        rows.iter()
            .zip(ids)
            .map(|(row, id)| {
                let facts = facts
                    .remove(&id)
                    .ok_or_else(|| DbError::Inconsistent(format!("line {id} has no facts")))?;
                line_row(row, facts)
            })
            .collect()
    }

    /// Names of the placements and of the regions of a line.
    pub async fn line_targets(&self, line: LineId) -> Result<(Vec<Names>, Vec<Names>), DbError> {
        let places = sqlx::query(LINE_PLACES)
            .bind(self.customer)
            .bind(line.uuid())
            .fetch_one(self.store.pool())
            .await?;
        let regions = sqlx::query(LINE_REGIONS)
            .bind(self.customer)
            .bind(line.uuid())
            .fetch_one(self.store.pool())
            .await?;
        Ok((names_list(&places)?, names_list(&regions)?))
    }

    /// Plan and counts of every day of a line through `today`, in date order; days without either are left out.
    pub async fn line_days(&self, line: LineId, today: NaiveDate) -> Result<Vec<LineDay>, DbError> {
        let mut days = std::collections::BTreeMap::new();
        let plans = sqlx::query(LINE_PLANS)
            .bind(self.customer)
            .bind(line.uuid())
            .bind(today)
            .fetch_all(self.store.pool())
            .await?;
        for row in &plans {
            let entry = entry_of(&mut days, row)?;
            entry.target = Some((Exact::new(row.try_get("target")?), count(row, "quota")?));
            entry.extra = row.try_get("extra")?;
        }
        let counts = sqlx::query(LINE_COUNTS)
            .bind(self.customer)
            .bind(line.uuid())
            .fetch_all(self.store.pool())
            .await?;
        for row in &counts {
            entry_of(&mut days, row)?.impressions = count(row, "impressions")?;
        }
        let reactions = sqlx::query(LINE_REACTIONS)
            .bind(self.customer)
            .bind(line.uuid())
            .fetch_all(self.store.pool())
            .await?;
        for row in &reactions {
            let entry = entry_of(&mut days, row)?;
            entry.viewable = count(row, "viewable")?;
            entry.clicks = count(row, "clicks")?;
            entry.invalid = count(row, "invalid")?;
        }
        Ok(days.into_values().collect())
    }

    /// Impressions counted by budget scope: 0 for the whole term, 202611 for a month.
    pub async fn scope_counts(&self, line: LineId) -> Result<std::collections::BTreeMap<u32, u64>, DbError> {
        let rows = sqlx::query(SCOPE_COUNTS)
            .bind(self.customer)
            .bind(line.uuid())
            .fetch_all(self.store.pool())
            .await?;
        rows.iter()
            .map(|row| {
                let scope: i32 = row.try_get("scope")?;
                let scope =
                    u32::try_from(scope).map_err(|_| DbError::Inconsistent(format!("scope {scope}")))?;
                Ok((scope, count(row, "counted")?))
            })
            .collect()
    }

    /// A line's history, newest first.
    pub async fn line_changes(&self, line: LineId) -> Result<Vec<LineChangeRow>, DbError> {
        let rows = sqlx::query(LINE_CHANGES)
            .bind(self.customer)
            .bind(line.uuid())
            .bind(ROWS_MAX)
            .fetch_all(self.store.pool())
            .await?;
        rows.iter()
            .map(|row| {
                Ok(LineChangeRow {
                    changed_at: row.try_get("changed_at")?,
                    actor: row.try_get("actor")?,
                    kind: row.try_get("kind")?,
                    details: row.try_get("details")?,
                })
            })
            .collect()
    }

    /// A line's extra periods, newest first.
    pub async fn extra_periods(&self, line: LineId) -> Result<Vec<ExtraPeriodRow>, DbError> {
        let rows = sqlx::query(EXTRA_PERIODS)
            .bind(self.customer)
            .bind(line.uuid())
            .bind(ROWS_MAX)
            .fetch_all(self.store.pool())
            .await?;
        rows.iter()
            .map(|row| {
                Ok(ExtraPeriodRow {
                    id: ExtraPeriodId::from_uuid(row.try_get("id")?),
                    first_day: row.try_get("first_day")?,
                    last_day: row.try_get("last_day")?,
                    extra_budget: money(row, "extra_budget")?,
                    set_at: row.try_get("set_at")?,
                    set_by: row.try_get("set_by")?,
                    ended: row.try_get("ended")?,
                    ended_on: row.try_get("ended_on")?,
                })
            })
            .collect()
    }

    /// A line's ad materials, newest version first.
    pub async fn materials(&self, line: LineId) -> Result<Vec<MaterialRow>, DbError> {
        let rows = sqlx::query(MATERIALS)
            .bind(self.customer)
            .bind(line.uuid())
            .bind(ROWS_MAX)
            .fetch_all(self.store.pool())
            .await?;
        rows.iter().map(material_row).collect()
    }

    /// The newest material of each current line, where the moderator asks for something.
    pub async fn materials_to_fix(&self, today: NaiveDate) -> Result<Vec<MaterialRow>, DbError> {
        let rows = sqlx::query(MATERIALS_TO_FIX)
            .bind(self.customer)
            .bind(today)
            .bind(ROWS_MAX)
            .fetch_all(self.store.pool())
            .await?;
        rows.iter().map(material_row).collect()
    }

    /// All invoices, latest due date first.
    pub async fn invoices(&self) -> Result<Vec<InvoiceRow>, DbError> {
        let rows = sqlx::query(INVOICES)
            .bind(self.customer)
            .bind(None::<Uuid>)
            .bind(ROWS_MAX)
            .fetch_all(self.store.pool())
            .await?;
        rows.iter().map(invoice_row).collect()
    }

    /// Invoices that aren't fully paid, first due first.
    pub async fn open_invoices(&self) -> Result<Vec<InvoiceRow>, DbError> {
        let rows = sqlx::query(OPEN_INVOICES)
            .bind(self.customer)
            .bind(ROWS_MAX)
            .fetch_all(self.store.pool())
            .await?;
        rows.iter().map(invoice_row).collect()
    }

    /// One invoice of this customer with everything that it prints.
    pub async fn invoice(&self, id: InvoiceId) -> Result<Option<(InvoiceRow, InvoiceSheet)>, DbError> {
        let pool = self.store.pool();
        let Some(row) = sqlx::query(INVOICES)
            .bind(self.customer)
            .bind(id.uuid())
            .bind(1_i64)
            .fetch_optional(pool)
            .await?
        else {
            return Ok(None);
        };
        let sheet = sqlx::query(INVOICE_SHEET)
            .bind(self.customer)
            .bind(id.uuid())
            .fetch_one(pool)
            .await?;
        let lines = sqlx::query(INVOICE_LINES)
            .bind(self.customer)
            .bind(id.uuid())
            .fetch_all(pool)
            .await?;
        Ok(Some((invoice_row(&row)?, invoice_sheet(&sheet, &lines)?)))
    }

    /// Payments, newest first.
    pub async fn payments(&self) -> Result<Vec<PaymentRow>, DbError> {
        let rows = sqlx::query(PAYMENTS)
            .bind(self.customer)
            .bind(ROWS_MAX)
            .fetch_all(self.store.pool())
            .await?;
        rows.iter()
            .map(|row| {
                Ok(PaymentRow {
                    id: PaymentId::from_uuid(row.try_get("id")?),
                    received_on: row.try_get("received_on")?,
                    amount: money(row, "amount")?,
                    method: row.try_get("method")?,
                    reference: row.try_get("reference")?,
                    invoice_number: row.try_get("invoice_number")?,
                    allocated: money(row, "allocated")?,
                })
            })
            .collect()
    }

    /// Issued documents, newest first.
    pub async fn documents(&self) -> Result<Vec<DocumentRow>, DbError> {
        let rows = sqlx::query(DOCUMENTS)
            .bind(self.customer)
            .bind(ROWS_MAX)
            .fetch_all(self.store.pool())
            .await?;
        rows.iter()
            .map(|row| {
                Ok(DocumentRow {
                    id: DocumentId::from_uuid(row.try_get("id")?),
                    kind: row.try_get("kind")?,
                    number: row.try_get("number")?,
                    period: row.try_get("period")?,
                    issued_on: row.try_get("issued_on")?,
                    gross: money(row, "gross")?,
                    sha256: row.try_get("sha256")?,
                    state: row.try_get("state")?,
                })
            })
            .collect()
    }

    /// The content of one document of this customer.
    pub async fn document(&self, id: DocumentId) -> Result<Option<DocumentContentRow>, DbError> {
        let row = sqlx::query(DOCUMENT_CONTENT)
            .bind(self.customer)
            .bind(id.uuid())
            .fetch_optional(self.store.pool())
            .await?;
        row.map(|row| {
            Ok(DocumentContentRow {
                kind: row.try_get("kind")?,
                number: row.try_get("number")?,
                content: row.try_get("content")?,
                sha256: row.try_get("sha256")?,
            })
        })
        .transpose()
    }
}

fn money(row: &PgRow, column: &str) -> Result<Money, DbError> {
    Ok(Money::from_decimal(row.try_get(column)?)?)
}

fn count(row: &PgRow, column: &str) -> Result<u64, DbError> {
    let value: i64 = row.try_get(column)?;
    u64::try_from(value).map_err(|_| DbError::Inconsistent(format!("{column} is {value}")))
}

fn count_option(row: &PgRow, column: &str) -> Result<Option<u64>, DbError> {
    let value: Option<i64> = row.try_get(column)?;
    value
        .map(|value| u64::try_from(value).map_err(|_| DbError::Inconsistent(format!("{column} is {value}"))))
        .transpose()
}

fn names(row: &PgRow) -> Result<Names, DbError> {
    Ok(Names {
        uz: row.try_get("name_uz")?,
        ru: row.try_get("name_ru")?,
        en: row.try_get("name_en")?,
    })
}

fn names_list(row: &PgRow) -> Result<Vec<Names>, DbError> {
    let (uz, ru, en): (Vec<String>, Vec<String>, Vec<String>) =
        (row.try_get("uz")?, row.try_get("ru")?, row.try_get("en")?);
    Ok(uz
        .into_iter()
        .zip(ru)
        .zip(en)
        .map(|((uz, ru), en)| Names { uz, ru, en })
        .collect())
}

fn entry_of<'a>(
    days: &'a mut std::collections::BTreeMap<NaiveDate, LineDay>,
    row: &PgRow,
) -> Result<&'a mut LineDay, DbError> {
    let day: NaiveDate = row.try_get("day")?;
    Ok(days.entry(day).or_insert(LineDay {
        day,
        target: None,
        extra: false,
        impressions: 0,
        viewable: 0,
        clicks: 0,
        invalid: 0,
    }))
}

fn line_row(row: &PgRow, facts: LineFacts) -> Result<LineRow, DbError> {
    let budget: Option<Decimal> = row.try_get("budget")?;
    let target: Option<Decimal> = row.try_get("target_today")?;
    Ok(LineRow {
        id: LineId::from_uuid(row.try_get("id")?),
        code: row.try_get("code")?,
        kind: row.try_get("kind")?,
        unit_price: UnitPrice::new(row.try_get("unit_price")?)?,
        first_day: row.try_get("first_day")?,
        last_day: row.try_get("last_day")?,
        ordered_first_day: row.try_get("ordered_first_day")?,
        ordered_last_day: row.try_get("ordered_last_day")?,
        monthly: row.try_get::<Option<&str>, _>("budget_mode")? == Some("monthly"),
        budget: budget.map(Money::from_decimal).transpose()?,
        quantity: row.try_get("quantity")?,
        one_off: row.try_get("one_off")?,
        paused: row.try_get("paused")?,
        ended_on: row.try_get("ended_on")?,
        blank: OrderBlankId::from_uuid(row.try_get("blank_id")?),
        blank_number: row.try_get("blank_number")?,
        blank_state: row.try_get("blank_state")?,
        name: names(row)?,
        unit: row.try_get("unit")?,
        counted: count(row, "counted")?,
        counted_in_scope: count(row, "counted_in_scope")?,
        counted_today: count(row, "counted_today")?,
        target_today: target.map(Exact::new),
        quota_today: count_option(row, "quota_today")?,
        facts,
    })
}

fn material_row(row: &PgRow) -> Result<MaterialRow, DbError> {
    Ok(MaterialRow {
        id: AdMaterialId::from_uuid(row.try_get("id")?),
        line: LineId::from_uuid(row.try_get("line_id")?),
        line_code: row.try_get("line_code")?,
        version: row.try_get("version")?,
        kind: row.try_get("kind")?,
        title: row.try_get("title")?,
        target_url: row.try_get("target_url")?,
        width: row.try_get("width")?,
        height: row.try_get("height")?,
        live_from: row.try_get("live_from")?,
        state: row
            .try_get::<Option<String>, _>("state")?
            .unwrap_or_else(|| "submitted".to_owned()),
        reasons: row.try_get("reasons")?,
        comment: row.try_get("comment")?,
        decided_at: row.try_get("decided_at")?,
        documents_until: row.try_get("documents_until")?,
    })
}

fn invoice_row(row: &PgRow) -> Result<InvoiceRow, DbError> {
    Ok(InvoiceRow {
        id: InvoiceId::from_uuid(row.try_get("id")?),
        number: row.try_get("number")?,
        issued_on: row.try_get("issued_on")?,
        due_on: row.try_get("due_on")?,
        net: money(row, "net")?,
        vat: money(row, "vat")?,
        gross: money(row, "gross")?,
        paid: money(row, "paid")?,
        due_gross: money(row, "due_gross")?,
        voided: row.try_get("voided")?,
        blank_number: row.try_get("blank_number")?,
    })
}

fn invoice_sheet(row: &PgRow, lines: &[PgRow]) -> Result<InvoiceSheet, DbError> {
    Ok(InvoiceSheet {
        operator: PartyRow {
            kind: "legal_entity".to_owned(),
            name: row.try_get("o_name")?,
            address: row.try_get("o_address")?,
            stir_or_pinfl: row.try_get("o_stir")?,
            bank_name: row.try_get("o_bank")?,
            mfo: row.try_get("o_mfo")?,
            settlement_account: row.try_get("o_account")?,
            oked: row.try_get("o_oked")?,
            vat_code: row.try_get("o_vat_code")?,
            director: row.try_get("o_director")?,
            authority: String::new(),
            accountant: row.try_get("o_accountant")?,
            email: row.try_get("o_email")?,
            phone: row.try_get("o_phone")?,
        },
        customer: PartyRow {
            kind: row.try_get("c_kind")?,
            name: row.try_get("c_name")?,
            address: row.try_get("c_address")?,
            stir_or_pinfl: row.try_get("c_stir")?,
            bank_name: row.try_get("c_bank")?,
            mfo: row.try_get("c_mfo")?,
            settlement_account: row.try_get("c_account")?,
            oked: row.try_get("c_oked")?,
            vat_code: row.try_get("c_vat_code")?,
            director: row.try_get("c_signatory")?,
            authority: row.try_get("c_authority")?,
            accountant: String::new(),
            email: row.try_get("c_email")?,
            phone: row.try_get("c_phone")?,
        },
        blank_number: row.try_get("blank_number")?,
        signed_on: row.try_get("signed_on")?,
        vat_payer: row.try_get::<Option<bool>, _>("vat_payer")?.unwrap_or(true),
        vat_rate: Rate::new(row.try_get("vat_rate")?)?,
        lines: lines
            .iter()
            .map(|line| {
                Ok(InvoiceSheetLine {
                    code: line.try_get("code")?,
                    kind: line.try_get("kind")?,
                    name: names(line)?,
                    first_day: line.try_get("first_day")?,
                    last_day: line.try_get("last_day")?,
                    unit_price: UnitPrice::new(line.try_get("unit_price")?)?,
                    one_off: line.try_get("one_off")?,
                    quantity: line.try_get("quantity")?,
                    first_period: line.try_get("first_period")?,
                    last_period: line.try_get("last_period")?,
                    net: money(line, "net")?,
                    vat: money(line, "vat")?,
                })
            })
            .collect::<Result<_, DbError>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::STATEMENTS;

    #[test]
    fn every_statement_filters_by_the_customer() {
        for (name, sql) in STATEMENTS {
            let public = name.ends_with("::VERIFY_DOCUMENT") || name.ends_with("::DEMO_PLACEMENTS");
            assert!(
                public || sql.contains("customer_id = $1"),
                "{name} doesn't filter by the customer"
            );
        }
    }
}
