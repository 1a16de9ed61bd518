//! Customers (orders.md §1). A row goes through [`Requisites::check`] on the way out, so a value that no code wrote is
//! found at once.

use crate::order_blanks::one_row;
use crate::{DbError, Tx};
use namoyish_domain::calendar::Timestamp;
use namoyish_domain::ids::CustomerId;
use namoyish_domain::orders::customer::{CustomerForm, Requisites};
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

statements! {
    INSERT = "insert into customers (id, code, kind, name, stir, pinfl, address, bank_name, mfo, settlement_account, oked,
            vat_code, email, phone, signatory, authority, category, language, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)";
    FIND = "select * from customers where id = $1";
    LOCK = "select * from customers where id = $1 for no key update";
    FIND_BY_CODE = "select * from customers where code = $1";
    SET_SUSPENDED = "update customers set suspended_at = $2 where id = $1";
    SET_CONSENT_WITHDRAWN = "update customers set consent_withdrawn_at = $2 where id = $1";
    UPDATE = "update customers set kind = $2, name = $3, stir = $4, pinfl = $5, address = $6, bank_name = $7, mfo = $8,
            settlement_account = $9, oked = $10, vat_code = $11, email = $12, phone = $13, signatory = $14, authority = $15,
            category = $16, language = $17 where id = $1";
    INSERT_CHANGE = "insert into customer_changes (customer_id, changed_at, changed_by, before, after) values ($1, $2, $3, $4, $5)";
    CHANGES = "select id, changed_at, changed_by, before, after from customer_changes
        where customer_id = $1 and ($2::bigint is null or id < $2) order by id desc limit $3";
    /// $3: only this customer (a customer's own key), or null for all.
    LIST = "select * from customers where ($1::uuid is null or id > $1) and ($3::uuid is null or id = $3) order by id limit $2";
}

/// A customer as kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// Id.
    pub id: CustomerId,
    /// The operator's short name for it, unique.
    pub code: String,
    /// Requisites.
    pub requisites: Requisites,
    /// regular, partner, …
    pub category: String,
    /// Language of its documents: uz-Latn, uz-Cyrl, ru, en.
    pub language: String,
    /// Since when it is suspended.
    pub suspended_at: Option<Timestamp>,
    /// Since when its consent to the processing of personal data is withdrawn.
    pub consent_withdrawn_at: Option<Timestamp>,
    /// When it was registered.
    pub created_at: Timestamp,
}

/// What a party's requisites were and became.
#[derive(Debug, Clone, PartialEq)]
pub struct RequisitesChange {
    /// Number, growing.
    pub id: i64,
    /// When.
    pub changed_at: Timestamp,
    /// By whom.
    pub changed_by: String,
    /// What they were.
    pub before: serde_json::Value,
    /// What they became.
    pub after: serde_json::Value,
}

/// See [`Tx::customers`].
#[derive(Debug)]
pub struct Customers<'a>(&'a mut Tx);

impl Tx {
    /// Customers.
    pub fn customers(&mut self) -> Customers<'_> {
        Customers(self)
    }
}

impl Customers<'_> {
    /// Adds a customer. Refused by `customer_code_is_unique`, `customer_stir_is_unique`, `customer_pinfl_is_unique`.
    pub async fn insert(&mut self, customer: &Customer) -> Result<(), DbError> {
        let own = &customer.requisites;
        sqlx::query(INSERT)
            .bind(customer.id.uuid())
            .bind(&customer.code)
            .bind(own.kind.code())
            .bind(&own.name)
            .bind(own.stir.as_ref().map(|stir| stir.as_str()))
            .bind(own.pinfl.as_ref().map(|pinfl| pinfl.as_str()))
            .bind(&own.address)
            .bind(own.bank.as_ref().map_or("", |bank| bank.bank_name.as_str()))
            .bind(own.bank.as_ref().map(|bank| bank.mfo.as_str()))
            .bind(own.bank.as_ref().map(|bank| bank.account.as_str()))
            .bind(own.oked.as_ref().map_or("", |oked| oked.as_str()))
            .bind(own.vat_code.as_ref().map_or("", |code| code.as_str()))
            .bind(own.email.as_str())
            .bind(own.phone.as_str())
            .bind(&own.signatory)
            .bind(&own.authority)
            .bind(&customer.category)
            .bind(&customer.language)
            .bind(customer.created_at)
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// A customer by id.
    pub async fn find(&mut self, id: CustomerId) -> Result<Option<Customer>, DbError> {
        let row = sqlx::query(FIND)
            .bind(id.uuid())
            .fetch_optional(self.0.conn())
            .await?;
        row.as_ref().map(customer_of_row).transpose()
    }

    /// A customer by id, locked until the transaction ends: whoever moves its money or its state goes one by one.
    pub async fn lock(&mut self, id: CustomerId) -> Result<Option<Customer>, DbError> {
        let row = sqlx::query(LOCK)
            .bind(id.uuid())
            .fetch_optional(self.0.conn())
            .await?;
        row.as_ref().map(customer_of_row).transpose()
    }

    /// Changes requisites, category and language. Refused by `customer_stir_is_unique`, `customer_pinfl_is_unique`.
    /// The caller appends to the history in the same transaction.
    pub async fn update(&mut self, customer: &Customer) -> Result<(), DbError> {
        let own = &customer.requisites;
        let done = sqlx::query(UPDATE)
            .bind(customer.id.uuid())
            .bind(own.kind.code())
            .bind(&own.name)
            .bind(own.stir.as_ref().map(|stir| stir.as_str()))
            .bind(own.pinfl.as_ref().map(|pinfl| pinfl.as_str()))
            .bind(&own.address)
            .bind(own.bank.as_ref().map_or("", |bank| bank.bank_name.as_str()))
            .bind(own.bank.as_ref().map(|bank| bank.mfo.as_str()))
            .bind(own.bank.as_ref().map(|bank| bank.account.as_str()))
            .bind(own.oked.as_ref().map_or("", |oked| oked.as_str()))
            .bind(own.vat_code.as_ref().map_or("", |code| code.as_str()))
            .bind(own.email.as_str())
            .bind(own.phone.as_str())
            .bind(&own.signatory)
            .bind(&own.authority)
            .bind(&customer.category)
            .bind(&customer.language)
            .execute(self.0.conn())
            .await?;
        one_row(done.rows_affected(), "customer has gone under its lock")
    }

    /// Appends to the history of a customer's requisites.
    pub async fn insert_change(
        &mut self,
        id: CustomerId,
        at: Timestamp,
        by: &str,
        before: serde_json::Value,
        after: serde_json::Value,
    ) -> Result<(), DbError> {
        sqlx::query(INSERT_CHANGE)
            .bind(id.uuid())
            .bind(at)
            .bind(by)
            .bind(before)
            .bind(after)
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// The history of a customer's requisites, newest first.
    pub async fn changes(
        &mut self,
        id: CustomerId,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<RequisitesChange>, DbError> {
        let rows = sqlx::query(CHANGES)
            .bind(id.uuid())
            .bind(before)
            .bind(i64::from(limit))
            .fetch_all(self.0.conn())
            .await?;
        rows.iter().map(change_of_row).collect()
    }

    /// Suspends a customer, or lets it go on.
    pub async fn set_suspended(&mut self, id: CustomerId, since: Option<Timestamp>) -> Result<(), DbError> {
        let done = sqlx::query(SET_SUSPENDED)
            .bind(id.uuid())
            .bind(since)
            .execute(self.0.conn())
            .await?;
        one_row(done.rows_affected(), "customer has gone under its lock")
    }

    /// Keeps that the consent to the processing of personal data is withdrawn, or given again.
    pub async fn set_consent_withdrawn(
        &mut self,
        id: CustomerId,
        since: Option<Timestamp>,
    ) -> Result<(), DbError> {
        let done = sqlx::query(SET_CONSENT_WITHDRAWN)
            .bind(id.uuid())
            .bind(since)
            .execute(self.0.conn())
            .await?;
        one_row(done.rows_affected(), "customer has gone under its lock")
    }

    /// A customer by its code.
    pub async fn find_by_code(&mut self, code: &str) -> Result<Option<Customer>, DbError> {
        let row = sqlx::query(FIND_BY_CODE)
            .bind(code)
            .fetch_optional(self.0.conn())
            .await?;
        row.as_ref().map(customer_of_row).transpose()
    }

    /// Customers after a cursor, oldest first; `only` narrows the list to one.
    pub async fn list(
        &mut self,
        after: Option<CustomerId>,
        limit: u32,
        only: Option<CustomerId>,
    ) -> Result<Vec<Customer>, DbError> {
        let rows = sqlx::query(LIST)
            .bind(after.map(CustomerId::uuid))
            .bind(i64::from(limit))
            .bind(only.map(CustomerId::uuid))
            .fetch_all(self.0.conn())
            .await?;
        rows.iter().map(customer_of_row).collect()
    }
}

/// A row of a history of requisites.
pub(crate) fn change_of_row(row: &PgRow) -> Result<RequisitesChange, DbError> {
    Ok(RequisitesChange {
        id: row.try_get("id")?,
        changed_at: row.try_get("changed_at")?,
        changed_by: row.try_get("changed_by")?,
        before: row.try_get("before")?,
        after: row.try_get("after")?,
    })
}

fn customer_of_row(row: &PgRow) -> Result<Customer, DbError> {
    let id = CustomerId::from_uuid(row.try_get::<Uuid, _>("id")?);
    let or_empty = |name: &str| {
        row.try_get::<Option<String>, _>(name)
            .map(Option::unwrap_or_default)
    };
    let form = CustomerForm {
        kind: row.try_get("kind")?,
        name: row.try_get("name")?,
        stir: or_empty("stir")?,
        pinfl: or_empty("pinfl")?,
        address: row.try_get("address")?,
        bank_name: row.try_get("bank_name")?,
        mfo: or_empty("mfo")?,
        settlement_account: or_empty("settlement_account")?,
        oked: row.try_get("oked")?,
        vat_code: row.try_get("vat_code")?,
        email: row.try_get("email")?,
        phone: row.try_get("phone")?,
        signatory: row.try_get("signatory")?,
        authority: row.try_get("authority")?,
    };
    let requisites = Requisites::check(&form).map_err(|mistakes| {
        let fields: Vec<&str> = mistakes.iter().map(|mistake| mistake.field()).collect();
        DbError::Inconsistent(format!("customer {id}: {}", fields.join(", ")))
    })?;
    Ok(Customer {
        id,
        code: row.try_get("code")?,
        requisites,
        category: row.try_get("category")?,
        language: row.try_get("language")?,
        suspended_at: row.try_get("suspended_at")?,
        consent_withdrawn_at: row.try_get("consent_withdrawn_at")?,
        created_at: row.try_get("created_at")?,
    })
}
