//! Reconciliation acts: the movements between the parties, the acts made of them, and what came back signed.
//!
//! Rule: billing.md §7. A movement is a posting by what it changes between the parties: the sum of its entries on the
//! customer's accounts. One that moves money only between those accounts is none.

use crate::{DbError, Store, Tx};
use chrono::NaiveDate;
use namoyish_domain::billing::reconciliation_act::{Interval, Occasion};
use namoyish_domain::calendar::Timestamp;
use namoyish_domain::ids::{CustomerId, DocumentId, OrderBlankId};
use namoyish_domain::money::Money;
use rust_decimal::Decimal;
use sqlx::FromRow;
use uuid::Uuid;

statements! {
    OPENING = "select coalesce(sum(e.debit - e.credit), 0) from entries e join postings p on p.id = e.posting_id
        where e.customer_id = $1 and p.posted_on < $2";
    MOVEMENTS = "select m.posted_on, m.reason, m.document_ref, m.amount, pay.reference,
            coalesce(d.contracts, '') as contracts
        from (
            select p.id, p.posted_on, p.recorded_at, p.reason, p.document_ref, sum(e.debit - e.credit) as amount
            from entries e join postings p on p.id = e.posting_id
            where e.customer_id = $1 and p.posted_on between $2 and $3
            group by p.id having sum(e.debit - e.credit) <> 0
        ) m
        left join (select 'pay_' || replace(id::text, '-', '') as ref, reference from payments where customer_id = $1) pay
            on m.reason = 'payment' and pay.ref = m.document_ref
        left join (
            select o.number, string_agg(distinct b.number, ', ' order by b.number) as contracts
            from documents o join document_lines dl on dl.document_id = o.id join order_lines l on l.id = dl.line_id
            join order_blanks b on b.id = l.order_blank_id
            where o.customer_id = $1 group by o.number
        ) d on d.number = m.document_ref
        order by m.posted_on, m.recorded_at, m.id";
    ENDED_BLANKS = "select b.id, b.number from contract_settlements s join order_blanks b on b.id = s.order_blank_id
        where s.customer_id = $1 and s.ended_on = $2 order by b.number";
    CONTRACTS = "select b.number, b.signed_on from order_blanks b
        where b.customer_id = $1 and b.signed_on is not null and b.signed_on <= $3
            and exists (select 1 from order_lines l where l.order_blank_id = b.id and least(l.last_day, l.ended_on - 1) >= $2)
        order by b.signed_on, b.number limit 200";
    NOTICE_EMAILS = "select b.notice_emails from order_blanks b where b.customer_id = $1 and b.signed_at is not null
        order by b.signed_at desc limit 1";
    EXISTS = "select exists (select 1 from reconciliation_acts where customer_id = $1 and occasion = $2 and first_day = $3 and last_day = $4)";
    INSERT_ACT = "insert into reconciliation_acts (document_id, customer_id, occasion, first_day, last_day, opening, debit, credit, undocumented, closing, send_by)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    CUSTOMERS_OF_QUARTER = "select distinct e.customer_id from postings p join entries e on e.posting_id = p.id
        where p.posted_on between $1 and $3 and e.customer_id is not null and ($5::uuid is null or e.customer_id > $5)
            and not exists (select 1 from reconciliation_acts a where a.customer_id = e.customer_id and a.occasion = $4 and a.first_day = $2 and a.last_day = $3)
        order by e.customer_id limit $6";
    ENDS_WITHOUT_ACT = "select distinct s.customer_id, s.ended_on from contract_settlements s
        where s.act_due and not exists (select 1 from reconciliation_acts a
            where a.customer_id = s.customer_id and a.occasion = 'contract_end' and a.last_day = s.ended_on - 1)
        order by s.ended_on, s.customer_id limit $1";
    ACT = "select a.document_id, d.number, d.issued_on, a.customer_id, a.occasion, a.first_day, a.last_day, a.opening, a.debit, a.credit, a.undocumented, a.closing, a.send_by,
            (select min(e.happened_on) from document_events e where e.document_id = a.document_id and e.state = 'sent') as sent_on,
            r.returned_on, r.customer_balance, r.agreed, r.note
        from reconciliation_acts a join documents d on d.id = a.document_id left join reconciliation_act_returns r on r.document_id = a.document_id
        where a.document_id = $1";
    ACTS = "select a.document_id, d.number, d.issued_on, a.customer_id, a.occasion, a.first_day, a.last_day, a.opening, a.debit, a.credit, a.undocumented, a.closing, a.send_by,
            (select min(e.happened_on) from document_events e where e.document_id = a.document_id and e.state = 'sent') as sent_on,
            r.returned_on, r.customer_balance, r.agreed, r.note
        from reconciliation_acts a join documents d on d.id = a.document_id left join reconciliation_act_returns r on r.document_id = a.document_id
        where ($1::uuid is null or a.customer_id = $1) and ($2::uuid is null or a.document_id < $2) order by a.document_id desc limit $3";
    NOT_RETURNED = "select a.document_id, d.number, d.issued_on, a.customer_id, a.occasion, a.first_day, a.last_day, a.opening, a.debit, a.credit, a.undocumented, a.closing, a.send_by,
            s.sent_on, null::date as returned_on, null::numeric as customer_balance, null::boolean as agreed, null::text as note
        from reconciliation_acts a join documents d on d.id = a.document_id
        join lateral (select min(e.happened_on) as sent_on from document_events e where e.document_id = a.document_id and e.state = 'sent') s on s.sent_on < $1
        where not exists (select 1 from reconciliation_act_returns r where r.document_id = a.document_id)
            and not exists (select 1 from mail_outbox m where m.dedupe_key = 'act-reminder:' || a.document_id::text)
            and ($2::uuid is null or a.document_id > $2)
        order by a.document_id limit $3";
    INSERT_RETURN = "insert into reconciliation_act_returns (document_id, returned_on, customer_balance, agreed, note, recorded_at, recorded_by)
        values ($1, $2, $3, $4, $5, $6, $7)";
}

/// A posting as an act shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    /// Business date.
    pub on: NaiveDate,
    /// Name of the posting's reason.
    pub reason: String,
    /// What the posting refers to: a document's number, a payment's id.
    pub document_ref: String,
    /// More than nothing: the customer owes more.
    pub amount: Money,
    /// The payer's reference of a payment.
    pub reference: Option<String>,
    /// Numbers of the contracts that the document is about.
    pub contracts: String,
}

#[derive(FromRow)]
struct MovementRow {
    posted_on: NaiveDate,
    reason: String,
    document_ref: String,
    amount: Decimal,
    reference: Option<String>,
    contracts: String,
}

/// An act to be written; its document is written first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewAct {
    /// The document.
    pub document: DocumentId,
    /// Whose.
    pub customer: CustomerId,
    /// Why.
    pub occasion: Occasion,
    /// What it covers.
    pub interval: Interval,
    /// Balance at the start; more than nothing: the customer owes.
    pub opening: Money,
    /// Sum of the debits.
    pub debit: Money,
    /// Sum of the credits.
    pub credit: Money,
    /// The part of the debits that no document had.
    pub undocumented: Money,
    /// Balance at the end.
    pub closing: Money,
    /// The last day for sending it.
    pub send_by: NaiveDate,
}

/// An act and what came back of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActRecord {
    /// The act.
    pub act: NewAct,
    /// Its number.
    pub number: String,
    /// Its date.
    pub issued_on: NaiveDate,
    /// When it was sent.
    pub sent_on: Option<NaiveDate>,
    /// What came back.
    pub returned: Option<ReturnedAct>,
}

/// An act that came back signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnedAct {
    /// When.
    pub returned_on: NaiveDate,
    /// Closing balance by the customer's books.
    pub customer_balance: Money,
    /// Whether both books say the same.
    pub agreed: bool,
    /// A remark.
    pub note: String,
}

#[derive(FromRow)]
struct ActRow {
    document_id: Uuid,
    number: String,
    issued_on: NaiveDate,
    customer_id: Uuid,
    occasion: String,
    first_day: NaiveDate,
    last_day: NaiveDate,
    opening: Decimal,
    debit: Decimal,
    credit: Decimal,
    undocumented: Decimal,
    closing: Decimal,
    send_by: NaiveDate,
    sent_on: Option<NaiveDate>,
    returned_on: Option<NaiveDate>,
    customer_balance: Option<Decimal>,
    agreed: Option<bool>,
    note: Option<String>,
}

impl TryFrom<ActRow> for ActRecord {
    type Error = DbError;
    fn try_from(row: ActRow) -> Result<ActRecord, DbError> {
        let occasion = Occasion::parse(&row.occasion)
            .ok_or_else(|| DbError::Inconsistent(format!("`{}` is no occasion of an act", row.occasion)))?;
        let returned = match (row.returned_on, row.customer_balance, row.agreed) {
            (Some(returned_on), Some(balance), Some(agreed)) => Some(ReturnedAct {
                returned_on,
                customer_balance: Money::from_decimal(balance)?,
                agreed,
                note: row.note.unwrap_or_default(),
            }),
            _ => None,
        };
        Ok(ActRecord {
            act: NewAct {
                document: DocumentId::from_uuid(row.document_id),
                customer: CustomerId::from_uuid(row.customer_id),
                occasion,
                interval: Interval {
                    first_day: row.first_day,
                    last_day: row.last_day,
                },
                opening: Money::from_decimal(row.opening)?,
                debit: Money::from_decimal(row.debit)?,
                credit: Money::from_decimal(row.credit)?,
                undocumented: Money::from_decimal(row.undocumented)?,
                closing: Money::from_decimal(row.closing)?,
                send_by: row.send_by,
            },
            number: row.number,
            issued_on: row.issued_on,
            sent_on: row.sent_on,
            returned,
        })
    }
}

/// Acts inside a transaction.
#[derive(Debug)]
pub struct ReconciliationActs<'a> {
    tx: &'a mut Tx,
}

impl Tx {
    /// Reconciliation acts.
    pub fn reconciliation_acts(&mut self) -> ReconciliationActs<'_> {
        ReconciliationActs { tx: self }
    }
}

impl ReconciliationActs<'_> {
    /// The balance between the parties at the start of a day; more than nothing: the customer owes.
    pub async fn opening(&mut self, customer: CustomerId, day: NaiveDate) -> Result<Money, DbError> {
        let sum: Decimal = sqlx::query_scalar(OPENING)
            .bind(customer.uuid())
            .bind(day)
            .fetch_one(self.tx.conn())
            .await?;
        Ok(Money::from_decimal(sum)?)
    }

    /// The movements of an interval in the order of their dates.
    pub async fn movements(
        &mut self,
        customer: CustomerId,
        interval: Interval,
    ) -> Result<Vec<Movement>, DbError> {
        let rows: Vec<MovementRow> = sqlx::query_as(MOVEMENTS)
            .bind(customer.uuid())
            .bind(interval.first_day)
            .bind(interval.last_day)
            .fetch_all(self.tx.conn())
            .await?;
        rows.into_iter()
            .map(|row| {
                Ok(Movement {
                    on: row.posted_on,
                    reason: row.reason,
                    document_ref: row.document_ref,
                    amount: Money::from_decimal(row.amount)?,
                    reference: row.reference,
                    contracts: row.contracts,
                })
            })
            .collect()
    }

    /// Id and number of the blanks of which something ended on a day.
    pub async fn ended_blanks(
        &mut self,
        customer: CustomerId,
        ended_on: NaiveDate,
    ) -> Result<Vec<(OrderBlankId, String)>, DbError> {
        let rows: Vec<(Uuid, String)> = sqlx::query_as(ENDED_BLANKS)
            .bind(customer.uuid())
            .bind(ended_on)
            .fetch_all(self.tx.conn())
            .await?;
        Ok(rows
            .into_iter()
            .map(|(id, number)| (OrderBlankId::from_uuid(id), number))
            .collect())
    }

    /// Number and date of the contracts in force in an interval, at most 200.
    pub async fn contracts(
        &mut self,
        customer: CustomerId,
        interval: Interval,
    ) -> Result<Vec<(String, NaiveDate)>, DbError> {
        Ok(sqlx::query_as(CONTRACTS)
            .bind(customer.uuid())
            .bind(interval.first_day)
            .bind(interval.last_day)
            .fetch_all(self.tx.conn())
            .await?)
    }

    /// The notice e-mails of the customer's newest signed blank [003 §5.14].
    pub async fn notice_emails(&mut self, customer: CustomerId) -> Result<Vec<String>, DbError> {
        let emails: Option<Vec<String>> = sqlx::query_scalar(NOTICE_EMAILS)
            .bind(customer.uuid())
            .fetch_optional(self.tx.conn())
            .await?;
        Ok(emails.unwrap_or_default())
    }

    /// Whether there is an act of this occasion and interval.
    pub async fn exists(
        &mut self,
        customer: CustomerId,
        occasion: Occasion,
        interval: Interval,
    ) -> Result<bool, DbError> {
        Ok(sqlx::query_scalar(EXISTS)
            .bind(customer.uuid())
            .bind(occasion.name())
            .bind(interval.first_day)
            .bind(interval.last_day)
            .fetch_one(self.tx.conn())
            .await?)
    }

    /// Writes an act. Refused by constraint: `one_act_per_occasion`.
    pub async fn insert(&mut self, act: &NewAct) -> Result<(), DbError> {
        sqlx::query(INSERT_ACT)
            .bind(act.document.uuid())
            .bind(act.customer.uuid())
            .bind(act.occasion.name())
            .bind(act.interval.first_day)
            .bind(act.interval.last_day)
            .bind(act.opening.decimal())
            .bind(act.debit.decimal())
            .bind(act.credit.decimal())
            .bind(act.undocumented.decimal())
            .bind(act.closing.decimal())
            .bind(act.send_by)
            .execute(self.tx.conn())
            .await?;
        Ok(())
    }

    /// An act by its document.
    pub async fn find(&mut self, document: DocumentId) -> Result<Option<ActRecord>, DbError> {
        let row: Option<ActRow> = sqlx::query_as(ACT)
            .bind(document.uuid())
            .fetch_optional(self.tx.conn())
            .await?;
        row.map(ActRecord::try_from).transpose()
    }

    /// Acts, newest first, at most `limit` before a document; of one customer or of all.
    pub async fn page(
        &mut self,
        customer: Option<CustomerId>,
        before: Option<DocumentId>,
        limit: u32,
    ) -> Result<Vec<ActRecord>, DbError> {
        let rows: Vec<ActRow> = sqlx::query_as(ACTS)
            .bind(customer.map(CustomerId::uuid))
            .bind(before.map(DocumentId::uuid))
            .bind(i64::from(limit))
            .fetch_all(self.tx.conn())
            .await?;
        rows.into_iter().map(ActRecord::try_from).collect()
    }

    /// Writes what came back of an act.
    pub async fn insert_return(
        &mut self,
        document: DocumentId,
        returned: &ReturnedAct,
        at: Timestamp,
        by: &str,
    ) -> Result<(), DbError> {
        sqlx::query(INSERT_RETURN)
            .bind(document.uuid())
            .bind(returned.returned_on)
            .bind(returned.customer_balance.decimal())
            .bind(returned.agreed)
            .bind(&returned.note)
            .bind(at)
            .bind(by)
            .execute(self.tx.conn())
            .await?;
        Ok(())
    }
}

impl Store {
    /// Customers with movements from `quarter_begins` on to the end of an interval and without its act, at most `limit`
    /// after an id.
    pub async fn customers_without_act(
        &self,
        occasion: Occasion,
        interval: Interval,
        quarter_begins: NaiveDate,
        after: Option<CustomerId>,
        limit: u32,
    ) -> Result<Vec<CustomerId>, DbError> {
        let ids: Vec<Uuid> = sqlx::query_scalar(CUSTOMERS_OF_QUARTER)
            .bind(quarter_begins)
            .bind(interval.first_day)
            .bind(interval.last_day)
            .bind(occasion.name())
            .bind(after.map(CustomerId::uuid))
            .bind(i64::from(limit))
            .fetch_all(self.pool())
            .await?;
        Ok(ids.into_iter().map(CustomerId::from_uuid).collect())
    }

    /// Settled ends of contracts whose act is due and not made, oldest first, at most `limit`.
    pub async fn ends_without_act(&self, limit: u32) -> Result<Vec<(CustomerId, NaiveDate)>, DbError> {
        let rows: Vec<(Uuid, NaiveDate)> = sqlx::query_as(ENDS_WITHOUT_ACT)
            .bind(i64::from(limit))
            .fetch_all(self.pool())
            .await?;
        Ok(rows
            .into_iter()
            .map(|(customer, ended_on)| (CustomerId::from_uuid(customer), ended_on))
            .collect())
    }

    /// Acts sent before a day that have neither come back nor been reminded of, at most `limit` after a document.
    pub async fn acts_not_returned(
        &self,
        sent_before: NaiveDate,
        after: Option<DocumentId>,
        limit: u32,
    ) -> Result<Vec<ActRecord>, DbError> {
        let rows: Vec<ActRow> = sqlx::query_as(NOT_RETURNED)
            .bind(sent_before)
            .bind(after.map(DocumentId::uuid))
            .bind(i64::from(limit))
            .fetch_all(self.pool())
            .await?;
        rows.into_iter().map(ActRecord::try_from).collect()
    }
}
