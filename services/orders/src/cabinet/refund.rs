//! Refunds: what could be given back, asking for it, how it stands, and the settlements of ended contracts (billing.md §8)
//! [003 §10.3].
//!
//! The page says beforehand what speaks against a refund; the command checks it again under its lock, and a refusal comes
//! back to the page in words.

use super::Cabinet;
use super::extra_period::command_failed;
use super::form::{self, Form, Once, Posted};
use super::page::{self, Answer, Layout, Refusal};
use super::visitor::{self, SignedIn};
use super::words::say;
use crate::app::request_refund::{
    CancelRefund, OWN_ROLES, Refundable, RequestRefund, RequestRefundError, cancel_refund_in, refundable_in,
    request_refund_in,
};
use crate::i18n::{Translator, text};
use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use namoyish_domain::billing::refund::{RefundRefused, RefundState};
use namoyish_domain::ids::RefundId;
use namoyish_storage::refunds::RefundRecord;
use namoyish_storage::settlements::Settlement;

/// The most refunds and settlements that the page shows; older ones are in the API.
const SHOWN_MAX: u32 = 50;
const PATH: &str = "/cabinet/refunds";

#[derive(Debug)]
struct RefundView {
    requested_on: String,
    state: String,
    amount: String,
    note: String,
    /// Where the request is taken back; empty when it can't be.
    cancel_path: String,
}

impl RefundView {
    fn of(t: Translator, row: &RefundRecord, may_ask: bool) -> RefundView {
        let note = match (row.state, row.waits_until, row.paid_on) {
            (RefundState::Requested, Some(end), _) => t.with(
                "refund-note-waits",
                &[("day", text(t.date(end))), ("due", text(t.date(row.due_on)))],
            ),
            (RefundState::Requested | RefundState::Fixed, ..) => {
                t.with("refund-note-due", &[("due", text(t.date(row.due_on)))])
            }
            (RefundState::Paid, _, Some(day)) => t.with(
                "refund-note-paid",
                &[
                    ("day", text(t.date(day))),
                    (
                        "account",
                        text(row.settlement_account.clone().unwrap_or_default()),
                    ),
                ],
            ),
            (RefundState::Refused, ..) => say(t, "refund-refused", &row.reason),
            _ => String::new(),
        };
        let cancel_path = if may_ask && row.state == RefundState::Requested {
            format!("{PATH}/{}/cancel", row.id)
        } else {
            String::new()
        };
        RefundView {
            requested_on: t.date(row.requested_on),
            state: say(t, "refund-state", row.state.name()),
            amount: row
                .amount
                .map_or_else(|| "—".to_owned(), |amount| t.money(amount)),
            note,
            cancel_path,
        }
    }
}

#[derive(Debug)]
struct SettlementView {
    contract: String,
    ended_on: String,
    due_on: String,
    paid: String,
    rendered: String,
    surplus: String,
    debt: String,
}

impl SettlementView {
    fn of(t: Translator, row: &Settlement) -> SettlementView {
        SettlementView {
            contract: row.contract_number.clone(),
            ended_on: t.date(row.ended_on),
            due_on: t.date(row.due_on),
            paid: t.money(row.paid),
            rendered: t.money(row.rendered),
            surplus: t.money(row.surplus),
            debt: t.money(row.debt),
        }
    }
}

#[derive(Template)]
#[template(path = "refunds.html")]
struct RefundsPage {
    t: Translator,
    layout: Layout,
    refundable: String,
    /// Why nothing can be asked for now; empty when something can.
    hindrance: String,
    /// Said beside the button: a contract that is ending.
    waits: String,
    may_ask: bool,
    refusal: String,
    command_key: String,
    refunds: Vec<RefundView>,
    settlements: Vec<SettlementView>,
}

/// What speaks against a refund now, in the reader's words; empty when nothing does.
fn hindrance(t: Translator, refundable: &Refundable, is_open: bool) -> String {
    if is_open {
        t.get("refund-refused-refund-already-requested")
    } else if refundable.debt.is_positive() {
        t.with(
            "refund-hindered-by-debt",
            &[("sum", text(t.money(refundable.debt)))],
        )
    } else if !refundable.has_account {
        t.get("refund-refused-no-settlement-account")
    } else if refundable.ends_on.is_none() && !refundable.amount.is_positive() {
        t.get("refund-refused-nothing-to-refund")
    } else {
        String::new()
    }
}

async fn show_page(cabinet: &Cabinet, who: &SignedIn, refusal: String, status: StatusCode) -> Answer {
    let t = who.visitor.t;
    let actor = who.session.actor();
    let mut tx = cabinet.ctx.store.begin().await?;
    let refundable = refundable_in(&mut tx, &cabinet.ctx, who.customer)
        .await
        .map_err(|error| command_failed(&error))?;
    let refunds = tx.refunds().page(Some(who.customer), None, SHOWN_MAX).await?;
    drop(tx);
    let settlements = cabinet.ctx.store.settlements_of(who.customer, SHOWN_MAX).await?;
    let is_open = refunds.iter().any(|refund| refund.state.is_open());
    let may_ask = actor.has_role(OWN_ROLES);
    let mut layout = Layout::new(cabinet, &who.visitor, "payments", t.get("refunds-title"));
    if status != StatusCode::OK {
        PATH.clone_into(&mut layout.path);
    }
    let page = RefundsPage {
        t,
        layout,
        refundable: t.money(refundable.amount),
        hindrance: hindrance(t, &refundable, is_open),
        waits: refundable.ends_on.map_or_else(String::new, |day| {
            t.with("refund-waits", &[("day", text(t.date(day)))])
        }),
        may_ask,
        refusal,
        command_key: form::draw_key(cabinet),
        refunds: refunds
            .iter()
            .map(|row| RefundView::of(t, row, may_ask))
            .collect(),
        settlements: settlements.iter().map(|row| SettlementView::of(t, row)).collect(),
    };
    page::html(status, &page)
}

/// `GET /cabinet/refunds`
pub(super) async fn show(State(cabinet): State<Cabinet>, who: SignedIn) -> Answer {
    show_page(&cabinet, &who, String::new(), StatusCode::OK).await
}

async fn begin(
    cabinet: &Cabinet,
    who: &SignedIn,
    what: &str,
    form: &Form,
) -> Result<(namoyish_storage::Tx, Once), Refusal> {
    let mut tx = cabinet.ctx.store.begin().await?;
    let scope = format!("cabinet:{}:{what}", who.session.user);
    let once = form::take_once(&mut tx, scope, form).await?;
    Ok((tx, once))
}

/// `POST /cabinet/refunds`: asks for it.
pub(super) async fn request(State(cabinet): State<Cabinet>, posted: Posted) -> Answer {
    let who = SignedIn::of(&posted.visitor)?;
    let t = who.visitor.t;
    let done = || page::see_other(PATH, [visitor::flash_cookie(&cabinet, "refund-requested")]);
    let (mut tx, once) = begin(&cabinet, &who, "request_refund", &posted.form).await?;
    let Once::First(taken) = once else {
        return Ok(done());
    };
    let cmd = RequestRefund {
        customer: who.customer,
    };
    match request_refund_in(&mut tx, &cabinet.ctx, &who.session.actor(), cmd).await {
        Ok(_) => {
            taken.finish(&mut tx, PATH, cabinet.ctx.now()).await?;
            tx.save().await?;
            Ok(done())
        }
        Err(RequestRefundError::Refused(refused)) => {
            drop(tx);
            let reason = match &refused {
                RefundRefused::CustomerHasDebt { debt } => {
                    t.with("refund-hindered-by-debt", &[("sum", text(t.money(*debt)))])
                }
                _ => say(t, "refund-refused", refused.code()),
            };
            show_page(&cabinet, &who, reason, StatusCode::UNPROCESSABLE_ENTITY).await
        }
        Err(error) => Err(command_failed(&error)),
    }
}

/// `POST /cabinet/refunds/{refund}/cancel`: takes a request back.
pub(super) async fn cancel(State(cabinet): State<Cabinet>, Path(id): Path<String>, posted: Posted) -> Answer {
    let who = SignedIn::of(&posted.visitor)?;
    let refund = RefundId::parse(&id).map_err(|_| Refusal::NotFound)?;
    let done = || page::see_other(PATH, [visitor::flash_cookie(&cabinet, "refund-cancelled")]);
    let what = format!("cancel_refund:{refund}");
    let (mut tx, once) = begin(&cabinet, &who, &what, &posted.form).await?;
    let Once::First(taken) = once else {
        return Ok(done());
    };
    cancel_refund_in(
        &mut tx,
        &cabinet.ctx,
        &who.session.actor(),
        CancelRefund { refund },
    )
    .await
    .map_err(|error| command_failed(&error))?;
    taken.finish(&mut tx, PATH, cabinet.ctx.now()).await?;
    tx.save().await?;
    Ok(done())
}
