//! Refunds that customers asked for, and the money that went into them.
//!
//! Rule: billing.md §8. One open refund a customer (`one_open_refund_at_a_time`); a fixed sum never moves, a closed refund
//! is never changed.

use crate::{DbError, Store, Tx};
use chrono::NaiveDate;
use namoyish_domain::billing::refund::RefundState;
use namoyish_domain::calendar::Timestamp;
use namoyish_domain::ids::{CustomerId, DocumentId, PaymentId, RefundId};
use namoyish_domain::money::Money;
use rust_decimal::Decimal;
use sqlx::FromRow;
use uuid::Uuid;

statements! {
    INSERT = "insert into refunds (id, customer_id, requested_at, requested_on, requested_by, waits_until, due_on, state)
        values ($1, $2, $3, $4, $5, $6, $7, 'requested')";
    FIX = "update refunds set state = 'fixed', amount = $2, fixed_at = $3, document_id = $4, bank_name = $5, mfo = $6, settlement_account = $7
        where id = $1 and state = 'requested'";
    PAY = "update refunds set state = 'paid', paid_on = $2, bank_reference = $3, closed_at = $4, closed_by = $5 where id = $1 and state = 'fixed'";
    CLOSE = "update refunds set state = $2, closed_at = $3, closed_by = $4, reason = $5 where id = $1 and state in ('requested', 'fixed')";
    TAKE = "insert into refund_takes (refund_id, payment_id, amount) values ($1, $2, $3)";
    CUSTOMER_OF = "select customer_id from refunds where id = $1";
    REFUND = "select r.id, r.customer_id, r.requested_at, r.requested_on, r.requested_by, r.waits_until, r.due_on, r.state, r.amount, r.fixed_at, r.document_id,
            d.number as document_number, r.bank_name, r.mfo, r.settlement_account, r.paid_on, r.bank_reference, r.closed_at, r.closed_by, r.reason
        from refunds r left join documents d on d.id = r.document_id where r.id = $1";
    OPEN_OF = "select r.id, r.customer_id, r.requested_at, r.requested_on, r.requested_by, r.waits_until, r.due_on, r.state, r.amount, r.fixed_at, r.document_id,
            d.number as document_number, r.bank_name, r.mfo, r.settlement_account, r.paid_on, r.bank_reference, r.closed_at, r.closed_by, r.reason
        from refunds r left join documents d on d.id = r.document_id where r.customer_id = $1 and r.state in ('requested', 'fixed')";
    PAGE = "select r.id, r.customer_id, r.requested_at, r.requested_on, r.requested_by, r.waits_until, r.due_on, r.state, r.amount, r.fixed_at, r.document_id,
            d.number as document_number, r.bank_name, r.mfo, r.settlement_account, r.paid_on, r.bank_reference, r.closed_at, r.closed_by, r.reason
        from refunds r left join documents d on d.id = r.document_id
        where ($1::uuid is null or r.customer_id = $1) and ($2::uuid is null or r.id < $2) order by r.id desc limit $3";
    TO_FIX = "select id, customer_id from refunds where state = 'requested' and (waits_until is null or waits_until <= $1)
        and ($2::uuid is null or id > $2) order by id limit $3";
    OVERDUE = "select r.id, r.customer_id, r.requested_at, r.requested_on, r.requested_by, r.waits_until, r.due_on, r.state, r.amount, r.fixed_at, r.document_id,
            d.number as document_number, r.bank_name, r.mfo, r.settlement_account, r.paid_on, r.bank_reference, r.closed_at, r.closed_by, r.reason
        from refunds r left join documents d on d.id = r.document_id where r.state in ('requested', 'fixed') and r.due_on < $1 order by r.due_on, r.id limit $2";
}

/// A refund as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundRecord {
    /// The refund.
    pub id: RefundId,
    /// Whose.
    pub customer: CustomerId,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// The Tashkent day of that.
    pub requested_on: NaiveDate,
    /// By whom.
    pub requested_by: String,
    /// The end of the contract that it waits for.
    pub waits_until: Option<NaiveDate>,
    /// The last day for paying it.
    pub due_on: NaiveDate,
    /// Its state.
    pub state: RefundState,
    /// How much, once it is fixed.
    pub amount: Option<Money>,
    /// When it was fixed.
    pub fixed_at: Option<Timestamp>,
    /// Its document, once it is fixed.
    pub document: Option<DocumentId>,
    /// The number of its document.
    pub document_number: Option<String>,
    /// The customer's bank when it was fixed.
    pub bank_name: String,
    /// That bank's MFO.
    pub mfo: Option<String>,
    /// The customer's account when it was fixed.
    pub settlement_account: Option<String>,
    /// When it was paid.
    pub paid_on: Option<NaiveDate>,
    /// The bank's reference of the payment.
    pub bank_reference: String,
    /// When it was paid, cancelled or refused.
    pub closed_at: Option<Timestamp>,
    /// By whom.
    pub closed_by: Option<String>,
    /// Why it was cancelled or refused.
    pub reason: String,
}

#[derive(FromRow)]
struct RefundRow {
    id: Uuid,
    customer_id: Uuid,
    requested_at: Timestamp,
    requested_on: NaiveDate,
    requested_by: String,
    waits_until: Option<NaiveDate>,
    due_on: NaiveDate,
    state: String,
    amount: Option<Decimal>,
    fixed_at: Option<Timestamp>,
    document_id: Option<Uuid>,
    document_number: Option<String>,
    bank_name: String,
    mfo: Option<String>,
    settlement_account: Option<String>,
    paid_on: Option<NaiveDate>,
    bank_reference: String,
    closed_at: Option<Timestamp>,
    closed_by: Option<String>,
    reason: String,
}

impl TryFrom<RefundRow> for RefundRecord {
    type Error = DbError;
    fn try_from(row: RefundRow) -> Result<RefundRecord, DbError> {
        Ok(RefundRecord {
            id: RefundId::from_uuid(row.id),
            customer: CustomerId::from_uuid(row.customer_id),
            requested_at: row.requested_at,
            requested_on: row.requested_on,
            requested_by: row.requested_by,
            waits_until: row.waits_until,
            due_on: row.due_on,
            state: RefundState::parse(&row.state)
                .ok_or_else(|| DbError::Inconsistent(format!("`{}` is no state of a refund", row.state)))?,
            amount: row.amount.map(Money::from_decimal).transpose()?,
            fixed_at: row.fixed_at,
            document: row.document_id.map(DocumentId::from_uuid),
            document_number: row.document_number,
            bank_name: row.bank_name,
            mfo: row.mfo,
            settlement_account: row.settlement_account,
            paid_on: row.paid_on,
            bank_reference: row.bank_reference,
            closed_at: row.closed_at,
            closed_by: row.closed_by,
            reason: row.reason,
        })
    }
}

/// A refund that a customer asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRefund<'a> {
    /// New id.
    pub id: RefundId,
    /// Whose.
    pub customer: CustomerId,
    /// When.
    pub requested_at: Timestamp,
    /// The Tashkent day of that.
    pub requested_on: NaiveDate,
    /// By whom.
    pub requested_by: &'a str,
    /// The end of the contract that it waits for.
    pub waits_until: Option<NaiveDate>,
    /// The last day for paying it.
    pub due_on: NaiveDate,
}

/// The sum of a refund, and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixedRefund<'a> {
    /// The refund.
    pub id: RefundId,
    /// How much.
    pub amount: Money,
    /// When.
    pub fixed_at: Timestamp,
    /// Its document.
    pub document: DocumentId,
    /// The customer's bank.
    pub bank_name: &'a str,
    /// Its MFO.
    pub mfo: &'a str,
    /// The customer's account.
    pub settlement_account: &'a str,
}

/// Refunds inside a transaction.
#[derive(Debug)]
pub struct Refunds<'a> {
    tx: &'a mut Tx,
}

impl Tx {
    /// Refunds.
    pub fn refunds(&mut self) -> Refunds<'_> {
        Refunds { tx: self }
    }
}

impl Refunds<'_> {
    /// Writes a request. Refused by constraint: `one_open_refund_at_a_time`.
    pub async fn insert(&mut self, refund: &NewRefund<'_>) -> Result<(), DbError> {
        sqlx::query(INSERT)
            .bind(refund.id.uuid())
            .bind(refund.customer.uuid())
            .bind(refund.requested_at)
            .bind(refund.requested_on)
            .bind(refund.requested_by)
            .bind(refund.waits_until)
            .bind(refund.due_on)
            .execute(self.tx.conn())
            .await?;
        Ok(())
    }

    /// Whose a refund is. Lock that customer, then read the refund.
    pub async fn customer_of(&mut self, id: RefundId) -> Result<Option<CustomerId>, DbError> {
        let customer: Option<Uuid> = sqlx::query_scalar(CUSTOMER_OF)
            .bind(id.uuid())
            .fetch_optional(self.tx.conn())
            .await?;
        Ok(customer.map(CustomerId::from_uuid))
    }

    /// A refund. Nothing changes it while its customer is locked.
    pub async fn find(&mut self, id: RefundId) -> Result<Option<RefundRecord>, DbError> {
        let row: Option<RefundRow> = sqlx::query_as(REFUND)
            .bind(id.uuid())
            .fetch_optional(self.tx.conn())
            .await?;
        row.map(RefundRecord::try_from).transpose()
    }

    /// The open refund of a customer.
    pub async fn open_of(&mut self, customer: CustomerId) -> Result<Option<RefundRecord>, DbError> {
        let row: Option<RefundRow> = sqlx::query_as(OPEN_OF)
            .bind(customer.uuid())
            .fetch_optional(self.tx.conn())
            .await?;
        row.map(RefundRecord::try_from).transpose()
    }

    /// Writes the sum of a requested refund with the unallocated money that goes into it. `false`: it isn't a request.
    pub async fn fix(
        &mut self,
        refund: &FixedRefund<'_>,
        takes: &[(PaymentId, Money)],
    ) -> Result<bool, DbError> {
        let done = sqlx::query(FIX)
            .bind(refund.id.uuid())
            .bind(refund.amount.decimal())
            .bind(refund.fixed_at)
            .bind(refund.document.uuid())
            .bind(refund.bank_name)
            .bind(refund.mfo)
            .bind(refund.settlement_account)
            .execute(self.tx.conn())
            .await?;
        for (payment, amount) in takes {
            sqlx::query(TAKE)
                .bind(refund.id.uuid())
                .bind(payment.uuid())
                .bind(amount.decimal())
                .execute(self.tx.conn())
                .await?;
        }
        Ok(done.rows_affected() > 0)
    }

    /// Writes that a fixed refund was paid. `false`: it isn't fixed.
    pub async fn pay(
        &mut self,
        id: RefundId,
        paid_on: NaiveDate,
        bank_reference: &str,
        at: Timestamp,
        by: &str,
    ) -> Result<bool, DbError> {
        let done = sqlx::query(PAY)
            .bind(id.uuid())
            .bind(paid_on)
            .bind(bank_reference)
            .bind(at)
            .bind(by)
            .execute(self.tx.conn())
            .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Writes that an open refund was cancelled or refused. `false`: it isn't open.
    pub async fn close(
        &mut self,
        id: RefundId,
        state: RefundState,
        at: Timestamp,
        by: &str,
        reason: &str,
    ) -> Result<bool, DbError> {
        let done = sqlx::query(CLOSE)
            .bind(id.uuid())
            .bind(state.name())
            .bind(at)
            .bind(by)
            .bind(reason)
            .execute(self.tx.conn())
            .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Refunds, newest first, at most `limit` before an id; of one customer or of all.
    pub async fn page(
        &mut self,
        customer: Option<CustomerId>,
        before: Option<RefundId>,
        limit: u32,
    ) -> Result<Vec<RefundRecord>, DbError> {
        let rows: Vec<RefundRow> = sqlx::query_as(PAGE)
            .bind(customer.map(CustomerId::uuid))
            .bind(before.map(RefundId::uuid))
            .bind(i64::from(limit))
            .fetch_all(self.tx.conn())
            .await?;
        rows.into_iter().map(RefundRecord::try_from).collect()
    }
}

impl Store {
    /// Requests whose contract's end has come, at most `limit` after an id.
    pub async fn refunds_to_fix(
        &self,
        today: NaiveDate,
        after: Option<RefundId>,
        limit: u32,
    ) -> Result<Vec<(RefundId, CustomerId)>, DbError> {
        let rows: Vec<(Uuid, Uuid)> = sqlx::query_as(TO_FIX)
            .bind(today)
            .bind(after.map(RefundId::uuid))
            .bind(i64::from(limit))
            .fetch_all(self.pool())
            .await?;
        Ok(rows
            .into_iter()
            .map(|(id, customer)| (RefundId::from_uuid(id), CustomerId::from_uuid(customer)))
            .collect())
    }

    /// Open refunds whose deadline is over, at most `limit`.
    pub async fn refunds_overdue(&self, today: NaiveDate, limit: u32) -> Result<Vec<RefundRecord>, DbError> {
        let rows: Vec<RefundRow> = sqlx::query_as(OVERDUE)
            .bind(today)
            .bind(i64::from(limit))
            .fetch_all(self.pool())
            .await?;
        rows.into_iter().map(RefundRecord::try_from).collect()
    }
}
