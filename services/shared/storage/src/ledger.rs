//! The ledger's rows: postings with their entries, kept balances, balances at a past instant.
//!
//! Rule: billing.md §1. The database refuses what the domain can't express already: an unbalanced posting (deferred, at
//! the commit), a change, a deletion, and a posting into a closed period.
//!
//! Kept balances are debit less credit in the table; everything that leaves this module is told on the account's normal
//! side (an advance of 100.00 is 100.00).
//!
//! **Locks.** Commands that read balances and then post take [`Ledger::lock_customer`] first, so that two of them never
//! see the same advance. Entries are written in the order of their accounts, so that two postings never wait for each
//! other's balances in a circle.

use crate::{DbError, Store, Tx};
use chrono::NaiveDate;
use namoyish_domain::billing::ledger::{Account, Posting, Side};
use namoyish_domain::calendar::Timestamp;
use namoyish_domain::ids::{CustomerId, PostingId};
use namoyish_domain::money::Money;
use rust_decimal::Decimal;
use uuid::Uuid;

statements! {
    LOCK_CUSTOMER = "select id from customers where id = $1 for no key update";
    INSERT_POSTING = "insert into postings (id, posted_on, recorded_at, reason, document_ref, idempotency_key)
        values ($1, $2, $3, $4, $5, $6)";
    INSERT_ENTRIES = "insert into entries (posting_id, position, account, customer_id, debit, credit)
        select $1, e.position, e.account, e.customer_id, e.debit, e.credit
        from unnest($2::smallint[], $3::text[], $4::uuid[], $5::numeric[], $6::numeric[])
            with ordinality as e (position, account, customer_id, debit, credit, n)
        order by e.n";
    CUSTOMER_BALANCES = "select account, balance from account_balances
        where account in ('advance', 'receivable', 'penalty_receivable', 'refund_payable') and customer_id = $1";
    OPERATOR_BALANCE = "select balance from account_balances where account = $1 and customer_id is null";
    CUSTOMER_BALANCE_AT = "select coalesce(sum(e.debit - e.credit), 0)
        from entries e join postings p on p.id = e.posting_id
        where e.customer_id = $1 and e.account = $2 and p.posted_on <= $3 and p.recorded_at <= $4";
    OPERATOR_BALANCE_AT = "select coalesce(sum(e.debit - e.credit), 0)
        from entries e join postings p on p.id = e.posting_id
        where e.customer_id is null and e.account = $1 and p.posted_on <= $2 and p.recorded_at <= $3";
    TRIAL_BALANCE = "select e.account, sum(e.debit) as debit, sum(e.credit) as credit
        from entries e join postings p on p.id = e.posting_id
        where p.posted_on <= $1 and p.recorded_at <= $2
        group by e.account order by e.account";
    DIFFERENCES = "select account, customer_id, sum(kept) as kept, sum(summed) as summed
        from (
            select account, customer_id, balance as kept, 0::numeric as summed from account_balances
            union all
            select account, customer_id, 0::numeric, debit - credit from entries
        ) both_ways
        group by account, customer_id having sum(kept) <> sum(summed)
        order by account, customer_id limit 100";
    IMBALANCE = "select coalesce(sum(debit - credit), 0) from entries";
    FIRST_POSTED_ON = "select min(posted_on) from postings";
}

/// Up to when postings count, in both of their times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LedgerInstant {
    /// Business dates up to and including this one.
    pub posted_through: NaiveDate,
    /// Recorded up to and including this instant.
    pub recorded_through: Timestamp,
}

impl LedgerInstant {
    /// What the ledger says about a business date as it is known now.
    pub fn business_day(day: NaiveDate) -> LedgerInstant {
        LedgerInstant {
            posted_through: day,
            recorded_through: LAST_INSTANT,
        }
    }

    /// What the ledger said at an instant, whatever the business dates.
    pub fn recorded(at: Timestamp) -> LedgerInstant {
        LedgerInstant {
            posted_through: LAST_DAY,
            recorded_through: at,
        }
    }
}

/// Later than any posting, and still a date for PostgreSQL.
const LAST_DAY: NaiveDate = match NaiveDate::from_ymd_opt(9999, 12, 31) {
    Some(day) => day,
    None => NaiveDate::MAX,
};
const LAST_INSTANT: Timestamp = LAST_DAY.and_time(chrono::NaiveTime::MIN).and_utc();

/// The balances of one customer, each on its normal side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CustomerBalances {
    /// Money received and not yet used.
    pub advance: Money,
    /// Services rendered and not yet paid.
    pub receivable: Money,
    /// Penalty claimed and not yet paid.
    pub penalty_receivable: Money,
    /// Money to be paid back.
    pub refund_payable: Money,
}

/// A row of the trial balance: all accounts of one name together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialBalanceRow {
    /// Name of the account.
    pub account: String,
    /// Sum of the debits.
    pub debit: Money,
    /// Sum of the credits.
    pub credit: Money,
}

/// A kept balance that isn't the sum of its entries. There must never be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BalanceDifference {
    /// Name of the account.
    pub account: String,
    /// Its customer, if it has one.
    pub customer: Option<CustomerId>,
    /// The kept balance, debit less credit.
    pub kept: Money,
    /// The sum of the entries, debit less credit.
    pub summed: Money,
}

/// What the nightly check found; both are nothing in a sound ledger.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LedgerCheck {
    /// Debits less credits over all entries.
    pub imbalance: Money,
    /// Kept balances that differ from their sums (at most 100).
    pub differences: Vec<BalanceDifference>,
}

impl LedgerCheck {
    /// Whether nothing was found.
    pub fn is_sound(&self) -> bool {
        self.imbalance.is_zero() && self.differences.is_empty()
    }
}

/// The ledger inside a transaction.
#[derive(Debug)]
pub struct Ledger<'a> {
    tx: &'a mut Tx,
}

impl Tx {
    /// The ledger.
    pub fn ledger(&mut self) -> Ledger<'_> {
        Ledger { tx: self }
    }
}

impl Ledger<'_> {
    /// Locks a customer's money until the end of the transaction. `false` when there is no such customer.
    pub async fn lock_customer(&mut self, customer: CustomerId) -> Result<bool, DbError> {
        let row: Option<Uuid> = sqlx::query_scalar(LOCK_CUSTOMER)
            .bind(customer.uuid())
            .fetch_optional(self.tx.conn())
            .await?;
        Ok(row.is_some())
    }

    /// Appends a posting. Refused by constraint: `posting_key_is_unique`, `period_is_closed`, and at the commit
    /// `posting_balances`.
    pub async fn append(
        &mut self,
        id: PostingId,
        posting: &Posting,
        recorded_at: Timestamp,
    ) -> Result<(), DbError> {
        let head = posting.head();
        sqlx::query(INSERT_POSTING)
            .bind(id.uuid())
            .bind(head.posted_on)
            .bind(recorded_at)
            .bind(head.reason.name())
            .bind(&head.document_ref)
            .bind(&head.idempotency_key)
            .execute(self.tx.conn())
            .await?;
        let mut entries = posting.entries().to_vec();
        entries.sort_by_key(|entry| entry.account);
        let amount_on = |side: Side| -> Vec<Decimal> {
            entries
                .iter()
                .map(|entry| {
                    if entry.side == side {
                        entry.amount.decimal()
                    } else {
                        Decimal::ZERO
                    }
                })
                .collect()
        };
        let customers: Vec<Option<Uuid>> = entries
            .iter()
            .map(|entry| entry.account.customer().map(CustomerId::uuid))
            .collect();
        sqlx::query(INSERT_ENTRIES)
            .bind(id.uuid())
            .bind((1i16..).take(entries.len()).collect::<Vec<i16>>())
            .bind(
                entries
                    .iter()
                    .map(|entry| entry.account.name())
                    .collect::<Vec<&str>>(),
            )
            .bind(customers)
            .bind(amount_on(Side::Debit))
            .bind(amount_on(Side::Credit))
            .execute(self.tx.conn())
            .await?;
        Ok(())
    }

    /// The kept balances of a customer.
    pub async fn balances_of(&mut self, customer: CustomerId) -> Result<CustomerBalances, DbError> {
        let rows: Vec<(String, Decimal)> = sqlx::query_as(CUSTOMER_BALANCES)
            .bind(customer.uuid())
            .fetch_all(self.tx.conn())
            .await?;
        customer_balances(customer, rows)
    }
}

fn customer_balances(
    customer: CustomerId,
    rows: Vec<(String, Decimal)>,
) -> Result<CustomerBalances, DbError> {
    let mut balances = CustomerBalances::default();
    for (name, balance) in rows {
        let account = account_of(&name, Some(customer))?;
        let told = account.on_normal_side(Money::from_decimal(balance)?)?;
        match account {
            Account::Advance(_) => balances.advance = told,
            Account::Receivable(_) => balances.receivable = told,
            Account::PenaltyReceivable(_) => balances.penalty_receivable = told,
            Account::RefundPayable(_) => balances.refund_payable = told,
            _ => {}
        }
    }
    Ok(balances)
}

fn account_of(name: &str, customer: Option<CustomerId>) -> Result<Account, DbError> {
    Account::parse(name, customer).map_err(|error| DbError::Inconsistent(error.to_string()))
}

impl Store {
    /// The kept balances of a customer.
    pub async fn balances_of(&self, customer: CustomerId) -> Result<CustomerBalances, DbError> {
        let rows: Vec<(String, Decimal)> = sqlx::query_as(CUSTOMER_BALANCES)
            .bind(customer.uuid())
            .fetch_all(self.pool())
            .await?;
        customer_balances(customer, rows)
    }

    /// The kept balance of an account, on its normal side.
    pub async fn balance(&self, account: Account) -> Result<Money, DbError> {
        if let Some(customer) = account.customer() {
            let all = self.balances_of(customer).await?;
            return Ok(match account {
                Account::Advance(_) => all.advance,
                Account::Receivable(_) => all.receivable,
                Account::PenaltyReceivable(_) => all.penalty_receivable,
                _ => all.refund_payable,
            });
        }
        let kept: Option<Decimal> = sqlx::query_scalar(OPERATOR_BALANCE)
            .bind(account.name())
            .fetch_optional(self.pool())
            .await?;
        Ok(account.on_normal_side(Money::from_decimal(kept.unwrap_or_default())?)?)
    }

    /// An account's balance at a past instant, summed from its entries, on its normal side.
    pub async fn balance_at(&self, account: Account, instant: LedgerInstant) -> Result<Money, DbError> {
        let sum: Decimal = match account.customer() {
            Some(customer) => {
                sqlx::query_scalar(CUSTOMER_BALANCE_AT)
                    .bind(customer.uuid())
                    .bind(account.name())
                    .bind(instant.posted_through)
                    .bind(instant.recorded_through)
                    .fetch_one(self.pool())
                    .await?
            }
            None => {
                sqlx::query_scalar(OPERATOR_BALANCE_AT)
                    .bind(account.name())
                    .bind(instant.posted_through)
                    .bind(instant.recorded_through)
                    .fetch_one(self.pool())
                    .await?
            }
        };
        Ok(account.on_normal_side(Money::from_decimal(sum)?)?)
    }

    /// The sums of both sides of every account's name at an instant; both columns add up to the same.
    pub async fn trial_balance(&self, instant: LedgerInstant) -> Result<Vec<TrialBalanceRow>, DbError> {
        let rows: Vec<(String, Decimal, Decimal)> = sqlx::query_as(TRIAL_BALANCE)
            .bind(instant.posted_through)
            .bind(instant.recorded_through)
            .fetch_all(self.pool())
            .await?;
        rows.into_iter()
            .map(|(account, debit, credit)| {
                Ok(TrialBalanceRow {
                    account,
                    debit: Money::from_decimal(debit)?,
                    credit: Money::from_decimal(credit)?,
                })
            })
            .collect()
    }

    /// Compares kept balances with the sums of their entries. Reads the whole ledger: for the nightly job.
    pub async fn check_ledger(&self) -> Result<LedgerCheck, DbError> {
        let imbalance: Decimal = sqlx::query_scalar(IMBALANCE).fetch_one(self.pool()).await?;
        let rows: Vec<(String, Option<Uuid>, Decimal, Decimal)> =
            sqlx::query_as(DIFFERENCES).fetch_all(self.pool()).await?;
        let differences = rows
            .into_iter()
            .map(|(account, customer, kept, summed)| {
                Ok(BalanceDifference {
                    account,
                    customer: customer.map(CustomerId::from_uuid),
                    kept: Money::from_decimal(kept)?,
                    summed: Money::from_decimal(summed)?,
                })
            })
            .collect::<Result<_, DbError>>()?;
        Ok(LedgerCheck {
            imbalance: Money::from_decimal(imbalance)?,
            differences,
        })
    }

    /// The first business date of the ledger, if anything is posted.
    pub async fn first_posted_on(&self) -> Result<Option<NaiveDate>, DbError> {
        Ok(sqlx::query_scalar(FIRST_POSTED_ON).fetch_one(self.pool()).await?)
    }
}
