//! The operator's exceptions to Monday–Friday (spec README rule 3), and who made them.
//!
//! The calendar in force is what ships with the program with the table's rows laid over it, so that an edited day wins
//! and an empty table still knows the holidays. A day that is given back is again what ships. Each edit is a row of
//! `calendar_changes` in the same transaction. Due dates and deadlines that are fixed already don't move with it: they
//! are kept as dates where they were fixed.

use crate::{DbError, Tx};
use chrono::NaiveDate;
use namoyish_domain::calendar::{BusinessCalendar, DayKind, Timestamp};

statements! {
    ALL = "select day, working from calendar_days order by day";
    EDITED = "select day, working, reason, changed_by, changed_at from calendar_days where day between $1 and $2 order by day";
    PUT = "insert into calendar_days (day, working, changed_by, changed_at, reason) values ($1, $2, $3, $4, $5)
        on conflict (day) do update set working = excluded.working, changed_by = excluded.changed_by, changed_at = excluded.changed_at,
            reason = excluded.reason";
    DELETE = "delete from calendar_days where day = $1";
    INSERT_CHANGE = "insert into calendar_changes (day, working, reason, changed_by, changed_at) values ($1, $2, $3, $4, $5)";
    CHANGES = "select id, day, working, reason, changed_by, changed_at from calendar_changes
        where ($1::bigint is null or id < $1) order by id desc limit $2";
}

/// A day that the operator edited.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct EditedDay {
    /// The day.
    pub day: NaiveDate,
    /// Whether people work on it.
    pub working: bool,
    /// Why.
    pub reason: String,
    /// By whom.
    pub changed_by: String,
    /// When.
    pub changed_at: Timestamp,
}

/// An entry of the calendar's history.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct CalendarChange {
    /// Number, growing.
    pub id: i64,
    /// The day.
    pub day: NaiveDate,
    /// What it became; `None`: what ships with the program.
    pub working: Option<bool>,
    /// Why.
    pub reason: String,
    /// By whom.
    pub changed_by: String,
    /// When.
    pub changed_at: Timestamp,
}

/// Who edits a day, when and why.
#[derive(Debug, Clone, Copy)]
pub struct CalendarEdit<'a> {
    /// By whom.
    pub by: &'a str,
    /// When.
    pub at: Timestamp,
    /// Why; may be empty.
    pub reason: &'a str,
}

/// See [`Tx::calendar_days`].
#[derive(Debug)]
pub struct CalendarDays<'a>(&'a mut Tx);

impl Tx {
    /// The operator's exceptions to the business calendar.
    pub fn calendar_days(&mut self) -> CalendarDays<'_> {
        CalendarDays(self)
    }
}

impl CalendarDays<'_> {
    /// The calendar in force.
    pub async fn calendar(&mut self) -> Result<BusinessCalendar, DbError> {
        let mut calendar = BusinessCalendar::shipped();
        let rows: Vec<(NaiveDate, bool)> = sqlx::query_as(ALL).fetch_all(self.0.conn()).await?;
        for (day, working) in rows {
            calendar.set(
                day,
                if working {
                    DayKind::Working
                } else {
                    DayKind::DayOff
                },
            );
        }
        Ok(calendar)
    }

    /// The days from `first` to `last` that the operator edited.
    pub async fn edited(&mut self, first: NaiveDate, last: NaiveDate) -> Result<Vec<EditedDay>, DbError> {
        Ok(sqlx::query_as(EDITED)
            .bind(first)
            .bind(last)
            .fetch_all(self.0.conn())
            .await?)
    }

    /// Says what a day is; the last word counts.
    pub async fn put(
        &mut self,
        day: NaiveDate,
        kind: DayKind,
        edit: CalendarEdit<'_>,
    ) -> Result<(), DbError> {
        let working = kind == DayKind::Working;
        sqlx::query(PUT)
            .bind(day)
            .bind(working)
            .bind(edit.by)
            .bind(edit.at)
            .bind(edit.reason)
            .execute(self.0.conn())
            .await?;
        self.insert_change(day, Some(working), edit).await
    }

    /// Makes a day what ships with the program again. False: it was.
    pub async fn give_back(&mut self, day: NaiveDate, edit: CalendarEdit<'_>) -> Result<bool, DbError> {
        let done = sqlx::query(DELETE).bind(day).execute(self.0.conn()).await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        self.insert_change(day, None, edit).await?;
        Ok(true)
    }

    async fn insert_change(
        &mut self,
        day: NaiveDate,
        working: Option<bool>,
        edit: CalendarEdit<'_>,
    ) -> Result<(), DbError> {
        sqlx::query(INSERT_CHANGE)
            .bind(day)
            .bind(working)
            .bind(edit.reason)
            .bind(edit.by)
            .bind(edit.at)
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// The history of edits, newest first.
    pub async fn changes(&mut self, before: Option<i64>, limit: u32) -> Result<Vec<CalendarChange>, DbError> {
        Ok(sqlx::query_as(CHANGES)
            .bind(before)
            .bind(i64::from(limit))
            .fetch_all(self.0.conn())
            .await?)
    }
}
