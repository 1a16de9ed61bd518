//! The operator's exceptions to Monday–Friday (spec README rule 3).
//!
//! The calendar in force is what ships with the program with the table's rows laid over it, so that an edited day wins
//! and an empty table still knows the holidays.

use crate::{DbError, Tx};
use chrono::NaiveDate;
use namoyish_domain::calendar::{BusinessCalendar, DayKind, Timestamp};

statements! {
    ALL = "select day, working from calendar_days order by day";
    PUT = "insert into calendar_days (day, working, changed_by, changed_at) values ($1, $2, $3, $4)
        on conflict (day) do update set working = excluded.working, changed_by = excluded.changed_by, changed_at = excluded.changed_at";
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

    /// Says what a day is; the last word counts.
    pub async fn put(
        &mut self,
        day: NaiveDate,
        kind: DayKind,
        by: &str,
        at: Timestamp,
    ) -> Result<(), DbError> {
        sqlx::query(PUT)
            .bind(day)
            .bind(kind == DayKind::Working)
            .bind(by)
            .bind(at)
            .execute(self.0.conn())
            .await?;
        Ok(())
    }
}
