//! A scenario's events as commands of the order service, in the transactions and with the refusals that a person would
//! meet. A refusal is an outcome with its code; a failure of the platform ends the run.

/// A refusal by its code, or a failure when the code says so.
macro_rules! not_done {
    ($result:expr) => {
        $result.map_err(|error| match error.code() {
            "internal" | "internal_error" => NotDone::Failed(chain(&error)),
            code => NotDone::Refused(code.to_owned()),
        })
    };
}

// Below the macro, which they use.
mod budget;
mod disputes;
mod interruptions;
mod materials;
mod settlement;

use crate::scenario::{OrderedLine, OrderedService, SignOrder};
use crate::set_up::SetUp;
use chrono::NaiveDate;
use namoyish_domain::billing::ledger::PaymentMethod;
use namoyish_domain::ids::{CustomerId, LineId, OrderBlankId};
use namoyish_domain::money::Money;
use namoyish_domain::orders::line::Service;
use namoyish_domain::orders::order_blank::{Budget, StatisticsSource};
use namoyish_domain::orders::placement::PlacementKind;
use namoyish_orders::app::draw_up_order_blank::{DrawUpLine, DrawUpOrderBlank, draw_up_order_blank_in};
use namoyish_orders::app::end_extra_period::{EndExtraPeriod, end_extra_period};
use namoyish_orders::app::offer_order_blank::{OfferOrderBlank, offer_order_blank_in};
use namoyish_orders::app::record_payment::{RecordPayment, record_payment};
use namoyish_orders::app::set_extra_period::{SetExtraPeriod, set_extra_period};
use namoyish_orders::app::sign_order_blank::sign_on_paper_in;
use namoyish_runtime::context::{Actor, Context};
use std::collections::BTreeMap;

/// What became of an event that the rules didn't carry out.
#[derive(Debug)]
pub(crate) enum NotDone {
    /// The rules refuse it.
    Refused(String),
    /// The platform failed: the run can't go on.
    Failed(String),
}

/// An error with its sources in one sentence.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}

/// A line that was signed.
#[derive(Debug, Clone, Copy)]
struct SignedLine {
    id: LineId,
    /// What its placements show; `None` for a line without any.
    material: Option<PlacementKind>,
}

/// Runs commands for a scenario.
pub(crate) struct Commands {
    pub(crate) ctx: Context,
    pub(crate) actor: Actor,
    set_up: SetUp,
    /// What each placement shows.
    kinds: BTreeMap<String, PlacementKind>,
    lines: BTreeMap<String, SignedLine>,
    /// Signed blanks by their ids in the file.
    blanks: BTreeMap<String, OrderBlankId>,
}

impl Commands {
    pub(crate) fn new(
        ctx: Context,
        actor: Actor,
        set_up: SetUp,
        kinds: BTreeMap<String, PlacementKind>,
    ) -> Commands {
        Commands {
            ctx,
            actor,
            set_up,
            kinds,
            lines: BTreeMap::new(),
            blanks: BTreeMap::new(),
        }
    }

    fn customer(&self, id: &str) -> Result<CustomerId, NotDone> {
        let customer = self.set_up.customers.get(id).copied();
        customer.ok_or_else(|| NotDone::Refused("no_such_customer".to_owned()))
    }

    fn line(&self, id: &str) -> Result<SignedLine, NotDone> {
        // Known to the file, so its order is signed later, or was refused.
        self.lines
            .get(id)
            .copied()
            .ok_or_else(|| NotDone::Refused("no_such_line".to_owned()))
    }

    /// Draws a blank up, offers it and records its signature on paper, in one transaction: a refusal leaves nothing.
    pub(crate) async fn sign_order(&mut self, order: &SignOrder) -> Result<(), NotDone> {
        let customer = self.customer(&order.customer)?;
        let cmd = DrawUpOrderBlank {
            code: Some(order.order.clone()),
            customer,
            city: None,
            prepayment: order.prepayment,
            own_due_on: None,
            own_due_days: None,
            statistics_source: StatisticsSource::Own,
            notice_emails: Vec::new(),
            lines: order.lines.iter().map(|line| self.draw_up_line(line)).collect(),
        };
        let mut tx = self
            .ctx
            .store
            .begin()
            .await
            .map_err(|error| NotDone::Failed(chain(&error)))?;
        let drawn_up = not_done!(draw_up_order_blank_in(&mut tx, &self.ctx, &self.actor, cmd).await)?;
        let blank = drawn_up.blank.id;
        not_done!(offer_order_blank_in(&mut tx, &self.ctx, &self.actor, OfferOrderBlank { blank }).await)?;
        not_done!(sign_on_paper_in(&mut tx, &self.ctx, &self.actor, blank, None).await)?;
        tx.save().await.map_err(|error| NotDone::Failed(chain(&error)))?;
        self.blanks.insert(order.order.clone(), blank);
        for line in drawn_up.lines {
            let ordered = order.lines.iter().find(|ordered| ordered.id == line.code);
            let material = ordered
                .and_then(|ordered| self.kinds.get(ordered.placements.first()?))
                .copied();
            self.lines.insert(
                line.code,
                SignedLine {
                    id: line.id,
                    material,
                },
            );
        }
        Ok(())
    }

    fn draw_up_line(&self, line: &OrderedLine) -> DrawUpLine {
        let service = match &line.service {
            OrderedService::Media {
                budget,
                budget_mode,
                term,
                ..
            } => Service::Media {
                term: *term,
                budget: Budget {
                    mode: *budget_mode,
                    amount: *budget,
                },
            },
            OrderedService::Period {
                first_period,
                last_period,
            } => Service::Period {
                first: *first_period,
                last: *last_period,
            },
            OrderedService::Additional {
                term,
                one_off: true,
                quantity,
            } => Service::AdditionalOnce {
                day: term.first_day(),
                quantity: *quantity,
            },
            OrderedService::Additional {
                term,
                one_off: false,
                quantity,
            } => Service::AdditionalTerm {
                term: *term,
                quantity: *quantity,
            },
        };
        let (regions, targeting) = match &line.service {
            OrderedService::Media {
                regions, targeting, ..
            } => (regions.clone(), targeting.clone()),
            _ => Default::default(),
        };
        DrawUpLine {
            code: Some(line.id.clone()),
            item: line.price.clone(),
            service,
            placements: line
                .placements
                .iter()
                .filter_map(|id| self.set_up.placements.get(id))
                .copied()
                .collect(),
            regions,
            targeting,
        }
    }

    /// Records a bank payment received now. `key` is different for every event.
    pub(crate) async fn pay(
        &self,
        customer: &str,
        amount: Money,
        invoice: Option<&str>,
        key: String,
    ) -> Result<(), NotDone> {
        let cmd = RecordPayment {
            customer: self.customer(customer)?,
            amount,
            received_on: self.ctx.today(),
            method: PaymentMethod::Bank,
            named_invoice: invoice.map(str::to_owned),
            reference: String::new(),
            idempotency_key: key,
        };
        not_done!(record_payment(&self.ctx, &self.actor, cmd).await).map(drop)
    }

    /// Sets an extra period.
    pub(crate) async fn set_extra_period(
        &self,
        line: &str,
        first_day: Option<NaiveDate>,
        last_day: NaiveDate,
        extra_budget: Money,
    ) -> Result<(), NotDone> {
        let cmd = SetExtraPeriod {
            line: self.line(line)?.id,
            first_day,
            last_day,
            extra_budget,
        };
        not_done!(set_extra_period(&self.ctx, &self.actor, cmd).await).map(drop)
    }

    /// Switches the extra period off.
    pub(crate) async fn end_extra_period(&self, line: &str) -> Result<(), NotDone> {
        let cmd = EndExtraPeriod {
            line: self.line(line)?.id,
        };
        not_done!(end_extra_period(&self.ctx, &self.actor, cmd).await).map(drop)
    }
}
