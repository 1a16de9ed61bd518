//! Events that interrupt or end service (orders.md §8).

use super::{Commands, NotDone, chain};
use crate::scenario::{Ended, NoticeBy, NoticeGround, NoticeOfTermination};
use chrono::NaiveDateTime;
use namoyish_domain::calendar::{at_tashkent, plus_days};
use namoyish_domain::ids::{LineId, OrderBlankId};
use namoyish_domain::orders::termination::{Ground, Party, Scope};
use namoyish_orders::app::give_notice_of_termination::{GiveNoticeOfTermination, give_notice_of_termination};
use namoyish_orders::app::pause_line::{pause_line, resume_line};
use namoyish_orders::app::record_force_majeure::{RecordForceMajeure, record_force_majeure};
use namoyish_orders::app::record_outage::{RecordOutage, record_outage};

impl Commands {
    /// Pauses a line.
    pub(crate) async fn pause_line(&self, line: &str) -> Result<(), NotDone> {
        let line = self.line(line)?.id;
        not_done!(pause_line(&self.ctx, &self.actor, line).await).map(drop)
    }

    /// Lets a paused line go on.
    pub(crate) async fn resume_line(&self, line: &str) -> Result<(), NotDone> {
        let line = self.line(line)?.id;
        not_done!(resume_line(&self.ctx, &self.actor, line).await).map(drop)
    }

    /// Sends a notice of termination; an agreement is recorded from a paper that both signed.
    pub(crate) async fn notice_of_termination(&self, notice: &NoticeOfTermination) -> Result<(), NotDone> {
        let no_such_order = || NotDone::Refused("no_such_order_blank".to_owned());
        let (blank, scope, lines) = match &notice.of {
            Ended::Order(order) => {
                let blank = self.blanks.get(order).copied().ok_or_else(no_such_order)?;
                (blank, Scope::Contract, Vec::new())
            }
            Ended::Line(line) => {
                let line = self.line(line)?.id;
                (self.blank_of(line).await?, Scope::Lines, vec![line])
            }
        };
        let cmd = GiveNoticeOfTermination {
            blank,
            by: match notice.by {
                NoticeBy::Customer => Party::Customer,
                NoticeBy::Operator => Party::Operator,
            },
            ground: match notice.ground {
                NoticeGround::Ordinary => Ground::Ordinary,
                NoticeGround::Breach => Ground::Breach,
                NoticeGround::Overdue => Ground::Overdue,
                NoticeGround::Corruption => Ground::Corruption,
                NoticeGround::Agreement => Ground::Agreement,
                NoticeGround::ForceMajeure => Ground::ForceMajeure,
            },
            scope,
            lines,
            sent_on: None,
            effective_on: notice.effective,
            agreed_on_paper: notice.ground == NoticeGround::Agreement,
            comment: "Ssenariy boʻyicha xabarnoma".to_owned(),
        };
        not_done!(give_notice_of_termination(&self.ctx, &self.actor, cmd).await).map(drop)
    }

    async fn blank_of(&self, line: LineId) -> Result<OrderBlankId, NotDone> {
        let failed = |error: namoyish_storage::DbError| NotDone::Failed(chain(&error));
        let mut tx = self.ctx.store.begin().await.map_err(failed)?;
        let line = tx.order_lines().find(line).await.map_err(failed)?;
        line.map(|line| line.blank)
            .ok_or_else(|| NotDone::Refused("no_such_line".to_owned()))
    }

    /// Records an outage of a placement. Its requests don't come meanwhile ([`crate::traffic`]).
    pub(crate) async fn outage(
        &self,
        placement: &str,
        from: NaiveDateTime,
        until: NaiveDateTime,
    ) -> Result<(), NotDone> {
        let placement = self.set_up.placements.get(placement).copied();
        let cmd = RecordOutage {
            placement: placement.ok_or_else(|| NotDone::Refused("no_such_placement".to_owned()))?,
            began_at: at_tashkent(from),
            ended_at: at_tashkent(until),
            comment: String::new(),
        };
        not_done!(record_outage(&self.ctx, &self.actor, cmd).await).map(drop)
    }

    /// Records force majeure of the operator, by whole days, with the notice given now.
    pub(crate) async fn force_majeure(
        &self,
        from: NaiveDateTime,
        until: NaiveDateTime,
    ) -> Result<(), NotDone> {
        let whole = until.time() == chrono::NaiveTime::MIN;
        let cmd = RecordForceMajeure {
            affected: Party::Operator,
            first_day: from.date(),
            until: Some(if whole {
                until.date()
            } else {
                plus_days(until.date(), 1)
            }),
            noticed_on: None,
            certificate: "Savdo-sanoat palatasi maʼlumotnomasi".to_owned(),
            comment: String::new(),
            customers: Vec::new(),
            placements: Vec::new(),
        };
        not_done!(record_force_majeure(&self.ctx, &self.actor, cmd).await).map(drop)
    }
}
