//! Notices to customers (orders.md §1; cabinet.md "Notices"). A notice is written once and read once; a second one with
//! the same key isn't written, so a job may tell the same thing as often as it runs.

use crate::{DbError, Store, Tx};
use namoyish_domain::calendar::Timestamp;
use namoyish_domain::ids::{CustomerId, NoticeId, OrderBlankId};
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

/// The most addresses that one customer's notice is mailed to.
pub const ADDRESSES_MAX: i32 = 10;

statements! {
    INSERT = "insert into notices (id, customer_id, order_blank_id, kind, details, mandatory, dedupe_key, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict on constraint notice_is_told_once do nothing";
    LIST = "select id, customer_id, order_blank_id, kind, details, mandatory, created_at, read_at, read_by from notices
        where ($1::uuid is null or customer_id = $1) and ($2::uuid is null or id < $2) and (not $3 or read_at is null)
        order by id desc limit $4";
    FIND = "select id, customer_id, order_blank_id, kind, details, mandatory, created_at, read_at, read_by from notices where id = $1";
    READ = "update notices set read_at = $2, read_by = $3 where id = $1 and read_at is null";
    UNREAD = "select count(*) from notices where customer_id = $1 and read_at is null";
    /// $2 the blank whose addresses are asked for, or null for the customer's own.
    RECIPIENT = "select c.id, c.language, coalesce((select b.notice_emails from order_blanks b where b.id = $2 and b.customer_id = c.id),
            array[c.email]) as addresses
        from customers c where c.id = $1";
    /// Every customer with a contract in force; $1 at most so many addresses of each.
    CONTRACT_PARTIES = "select c.id, c.language, array(select distinct e from order_blanks b, unnest(b.notice_emails) e
            where b.customer_id = c.id and b.state in ('signed', 'in_service') order by e limit $1) as addresses
        from customers c where exists (select 1 from order_blanks b where b.customer_id = c.id and b.state in ('signed', 'in_service'))
        order by c.id";
}

/// A notice to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct NewNotice {
    /// New id.
    pub id: NoticeId,
    /// To whom.
    pub customer: CustomerId,
    /// The contract that it is about.
    pub blank: Option<OrderBlankId>,
    /// Stable code of what it says.
    pub kind: &'static str,
    /// Its values.
    pub details: serde_json::Value,
    /// Whether the customer can't choose not to get it.
    pub mandatory: bool,
    /// A second notice with the same key isn't written.
    pub dedupe_key: String,
    /// When.
    pub created_at: Timestamp,
}

/// A notice as kept.
#[derive(Debug, Clone, PartialEq)]
pub struct NoticeRecord {
    /// Id.
    pub id: NoticeId,
    /// To whom.
    pub customer: CustomerId,
    /// The contract that it is about.
    pub blank: Option<OrderBlankId>,
    /// Stable code of what it says.
    pub kind: String,
    /// Its values.
    pub details: serde_json::Value,
    /// Whether the customer can't choose not to get it.
    pub mandatory: bool,
    /// When.
    pub created_at: Timestamp,
    /// When it was read.
    pub read_at: Option<Timestamp>,
    /// By whom.
    pub read_by: Option<String>,
}

/// Where a customer's notices go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The customer.
    pub customer: CustomerId,
    /// Its language code.
    pub language: String,
    /// Addresses, at least one.
    pub addresses: Vec<String>,
}

/// See [`Tx::notices`].
#[derive(Debug)]
pub struct Notices<'a>(&'a mut Tx);

impl Tx {
    /// Notices to customers.
    pub fn notices(&mut self) -> Notices<'_> {
        Notices(self)
    }
}

impl Notices<'_> {
    /// Writes a notice. False: it was told before.
    pub async fn insert(&mut self, notice: &NewNotice) -> Result<bool, DbError> {
        let done = sqlx::query(INSERT)
            .bind(notice.id.uuid())
            .bind(notice.customer.uuid())
            .bind(notice.blank.map(OrderBlankId::uuid))
            .bind(notice.kind)
            .bind(&notice.details)
            .bind(notice.mandatory)
            .bind(&notice.dedupe_key)
            .bind(notice.created_at)
            .execute(self.0.conn())
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Where notices about a blank of a customer go; without a blank, the customer's own address.
    pub async fn recipient(
        &mut self,
        customer: CustomerId,
        blank: Option<OrderBlankId>,
    ) -> Result<Option<Recipient>, DbError> {
        let row = sqlx::query(RECIPIENT)
            .bind(customer.uuid())
            .bind(blank.map(OrderBlankId::uuid))
            .fetch_optional(self.0.conn())
            .await?;
        row.as_ref().map(recipient_of_row).transpose()
    }

    /// Every customer that has a contract in force, with the notice addresses of its contracts.
    pub async fn contract_parties(&mut self) -> Result<Vec<Recipient>, DbError> {
        let rows = sqlx::query(CONTRACT_PARTIES)
            .bind(ADDRESSES_MAX)
            .fetch_all(self.0.conn())
            .await?;
        rows.iter().map(recipient_of_row).collect()
    }

    /// Notices, newest first; `customer` narrows the list to one.
    pub async fn list(
        &mut self,
        customer: Option<CustomerId>,
        before: Option<NoticeId>,
        only_unread: bool,
        limit: u32,
    ) -> Result<Vec<NoticeRecord>, DbError> {
        let rows = sqlx::query(LIST)
            .bind(customer.map(CustomerId::uuid))
            .bind(before.map(NoticeId::uuid))
            .bind(only_unread)
            .bind(i64::from(limit))
            .fetch_all(self.0.conn())
            .await?;
        rows.iter().map(notice_of_row).collect()
    }

    /// A notice by id.
    pub async fn find(&mut self, id: NoticeId) -> Result<Option<NoticeRecord>, DbError> {
        let row = sqlx::query(FIND)
            .bind(id.uuid())
            .fetch_optional(self.0.conn())
            .await?;
        row.as_ref().map(notice_of_row).transpose()
    }

    /// Writes that it was read. False: it was read before.
    pub async fn mark_read(&mut self, id: NoticeId, at: Timestamp, by: &str) -> Result<bool, DbError> {
        let done = sqlx::query(READ)
            .bind(id.uuid())
            .bind(at)
            .bind(by)
            .execute(self.0.conn())
            .await?;
        Ok(done.rows_affected() == 1)
    }
}

impl Store {
    /// How many notices a customer hasn't read.
    pub async fn notices_unread(&self, customer: CustomerId) -> Result<i64, DbError> {
        Ok(sqlx::query_scalar(UNREAD)
            .bind(customer.uuid())
            .fetch_one(self.pool())
            .await?)
    }
}

fn recipient_of_row(row: &PgRow) -> Result<Recipient, DbError> {
    Ok(Recipient {
        customer: CustomerId::from_uuid(row.try_get::<Uuid, _>("id")?),
        language: row.try_get("language")?,
        addresses: row.try_get("addresses")?,
    })
}

fn notice_of_row(row: &PgRow) -> Result<NoticeRecord, DbError> {
    Ok(NoticeRecord {
        id: NoticeId::from_uuid(row.try_get("id")?),
        customer: CustomerId::from_uuid(row.try_get("customer_id")?),
        blank: row
            .try_get::<Option<Uuid>, _>("order_blank_id")?
            .map(OrderBlankId::from_uuid),
        kind: row.try_get("kind")?,
        details: row.try_get("details")?,
        mandatory: row.try_get("mandatory")?,
        created_at: row.try_get("created_at")?,
        read_at: row.try_get("read_at")?,
        read_by: row.try_get("read_by")?,
    })
}
