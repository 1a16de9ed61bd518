//! Extra periods of media lines (delivery.md §5). The rules are in `domain::delivery::extra_period`; that there is one at
//! a time is told by the index `one_extra_period_at_a_time` as well.

use crate::{DbError, Tx};
use chrono::NaiveDate;
use namoyish_domain::calendar::Timestamp;
use namoyish_domain::delivery::extra_period::{EndedExtraPeriod, ExtraPeriod, ExtraPeriodEnd};
use namoyish_domain::ids::{ExtraPeriodId, LineId};
use namoyish_domain::money::Money;
use rust_decimal::Decimal;
use sqlx::Row;
use sqlx::postgres::PgRow;

statements! {
    CURRENT = "select id, first_day, last_day, extra_budget from extra_periods where line_id = $1 and ended is null";
    OPEN = "select line_id, id, first_day, last_day, extra_budget from extra_periods where ended is null order by line_id";
    INSERT = "insert into extra_periods (id, line_id, first_day, last_day, extra_budget, set_at, set_by)
        values ($1, $2, $3, $4, $5, $6, $7)";
    END = "update extra_periods set ended = $2, ended_at = $3, ended_on = $4 where id = $1 and ended is null";
    OF_LINE = "select id, first_day, last_day, extra_budget, set_at, set_by, ended, ended_at, ended_on
        from extra_periods where line_id = $1 order by set_at, id";
}

/// An extra period with its history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtraPeriodRecord {
    /// What was set.
    pub period: ExtraPeriod,
    /// When.
    pub set_at: Timestamp,
    /// By whom.
    pub set_by: String,
    /// How and when it ended, and the last day it paced.
    pub ended: Option<(ExtraPeriodEnd, Timestamp, Option<NaiveDate>)>,
}

/// See [`Tx::extra_periods`].
#[derive(Debug)]
pub struct ExtraPeriods<'a>(&'a mut Tx);

impl Tx {
    /// Extra periods.
    pub fn extra_periods(&mut self) -> ExtraPeriods<'_> {
        ExtraPeriods(self)
    }
}

impl ExtraPeriods<'_> {
    /// The one of a line that is active or scheduled.
    pub async fn current(&mut self, line: LineId) -> Result<Option<ExtraPeriod>, DbError> {
        let row = sqlx::query(CURRENT)
            .bind(line.uuid())
            .fetch_optional(self.0.conn())
            .await?;
        row.as_ref().map(period_of_row).transpose()
    }

    /// All that are active or scheduled, by line.
    pub async fn open(&mut self) -> Result<Vec<(LineId, ExtraPeriod)>, DbError> {
        let rows = sqlx::query(OPEN).fetch_all(self.0.conn()).await?;
        rows.iter()
            .map(|row| Ok((LineId::from_uuid(row.try_get("line_id")?), period_of_row(row)?)))
            .collect()
    }

    /// Adds one. Refused by `one_extra_period_at_a_time`.
    pub async fn insert(
        &mut self,
        line: LineId,
        period: &ExtraPeriod,
        set_at: Timestamp,
        set_by: &str,
    ) -> Result<(), DbError> {
        sqlx::query(INSERT)
            .bind(period.id.uuid())
            .bind(line.uuid())
            .bind(period.first_day)
            .bind(period.last_day)
            .bind(period.extra_budget.decimal())
            .bind(set_at)
            .bind(set_by)
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// Ends one. False: it had ended already, and nothing is changed.
    pub async fn end(&mut self, ended: &EndedExtraPeriod) -> Result<bool, DbError> {
        let done = sqlx::query(END)
            .bind(ended.id.uuid())
            .bind(ended.end.code())
            .bind(ended.ended_at)
            .bind(ended.ended_on)
            .execute(self.0.conn())
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// All of a line, oldest first.
    pub async fn of_line(&mut self, line: LineId) -> Result<Vec<ExtraPeriodRecord>, DbError> {
        let rows = sqlx::query(OF_LINE)
            .bind(line.uuid())
            .fetch_all(self.0.conn())
            .await?;
        rows.iter().map(record_of_row).collect()
    }
}

fn period_of_row(row: &PgRow) -> Result<ExtraPeriod, DbError> {
    Ok(ExtraPeriod {
        id: ExtraPeriodId::from_uuid(row.try_get("id")?),
        first_day: row.try_get("first_day")?,
        last_day: row.try_get("last_day")?,
        extra_budget: Money::from_decimal(row.try_get::<Decimal, _>("extra_budget")?)?,
    })
}

fn record_of_row(row: &PgRow) -> Result<ExtraPeriodRecord, DbError> {
    let ended: Option<String> = row.try_get("ended")?;
    let ended_at: Option<Timestamp> = row.try_get("ended_at")?;
    let ended = match (ended, ended_at) {
        (None, None) => None,
        (Some(code), Some(at)) => {
            let end = [
                ExtraPeriodEnd::Expired,
                ExtraPeriodEnd::SwitchedOff,
                ExtraPeriodEnd::Exhausted,
            ]
            .into_iter()
            .find(|end| end.code() == code)
            .ok_or_else(|| DbError::Inconsistent(format!("extra period ended `{code}`")))?;
            Some((end, at, row.try_get("ended_on")?))
        }
        _ => return Err(DbError::Inconsistent("extra period half ended".to_owned())),
    };
    Ok(ExtraPeriodRecord {
        period: period_of_row(row)?,
        set_at: row.try_get("set_at")?,
        set_by: row.try_get("set_by")?,
        ended,
    })
}
