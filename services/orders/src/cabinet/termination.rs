//! Ending a contract, or a part of it: the notice of the customer's owner with the day on which each line would end, and a
//! proposal to end by agreement (orders.md §8) [003 §10, §13.4].
//!
//! Nothing is ended by looking: the form is read (GET), judged by the command's own rules, and what it would end is shown;
//! only the confirmation (POST) gives the notice, once.

use super::Cabinet;
use super::form::{self, Form, Once, Posted, parse_day};
use super::line;
use super::page::{self, Answer, Layout, Refusal};
use super::visitor::{self, SignedIn};
use super::words::say;
use crate::app::give_notice_of_termination::{
    COMMENT_CHARS_MAX, GiveNoticeOfTermination, give_notice_of_termination_in, preview_of_termination,
};
use crate::app::propose_termination::{ProposeTermination, preview_of_proposal, propose_termination_in};
use crate::app::{Nature, Refusal as _, Told};
use crate::i18n::Translator;
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use chrono::NaiveDate;
use namoyish_domain::ids::{LineId, OrderBlankId};
use namoyish_domain::orders::order_blank::BlankState;
use namoyish_domain::orders::termination::{Ground, LineEnd, Party, Scope};
use namoyish_runtime::context::Role;
use namoyish_storage::cabinet::{LineRow, OrderBlankRow};
use std::collections::BTreeMap;

/// Grounds that a customer gives in the cabinet.
pub(super) const GROUNDS: [Ground; 3] = [Ground::Ordinary, Ground::Agreement, Ground::Corruption];

/// Where an order blank is ended; empty where it can't be, or not by this visitor.
pub(super) fn path_of(who: &SignedIn, blank: OrderBlankId, state: BlankState) -> String {
    if state.is_contract() && who.session.role == Role::Owner {
        format!("/cabinet/orders/{blank}/termination")
    } else {
        String::new()
    }
}

/// Something to choose.
#[derive(Debug)]
struct Choice {
    value: String,
    name: String,
    chosen: bool,
}

/// A line that would end, in the reader's words.
#[derive(Debug)]
struct EndView {
    line: String,
    term: String,
    ends: String,
}

#[derive(Template)]
#[template(path = "termination.html")]
struct TerminationPage {
    t: Translator,
    layout: Layout,
    order_path: String,
    order: String,
    what: Vec<Choice>,
    grounds: Vec<Choice>,
    form: Form,
    ends: Vec<EndView>,
    agreement: bool,
    refusal: String,
    today: String,
    comment_chars_max: usize,
    command_key: String,
}

/// The customer's own contract with its lines.
async fn load(cabinet: &Cabinet, who: &SignedIn, id: &str) -> Result<(OrderBlankRow, Vec<LineRow>), Refusal> {
    let id = OrderBlankId::parse(id).map_err(|_| Refusal::NotFound)?;
    let reads = cabinet.ctx.store.cabinet(who.customer);
    let blank = reads.order_blank(id).await?.ok_or(Refusal::NotFound)?;
    if who.session.role != Role::Owner {
        return Err(Refusal::RoleTooLow);
    }
    let lines = reads.lines_of(id, cabinet.ctx.today()).await?;
    Ok((blank, lines))
}

/// What the form asks for.
struct Asked {
    ground: Ground,
    scope: Scope,
    lines: Vec<LineId>,
    effective_on: Option<NaiveDate>,
    comment: String,
}

fn read(form: &mut Form, t: Translator) -> Option<Asked> {
    let (scope, lines) = match form.value("what") {
        "contract" => (Scope::Contract, Vec::new()),
        "additional" => (Scope::AdditionalServices, Vec::new()),
        line => match LineId::parse(line) {
            Ok(line) => (Scope::Lines, vec![line]),
            Err(_) => {
                form.refuse("what", t.get("field-needed"));
                return None;
            }
        },
    };
    let ground = Ground::parse(form.value("ground")).filter(|ground| GROUNDS.contains(ground));
    if ground.is_none() {
        form.refuse("ground", t.get("field-needed"));
    }
    let effective_on = parse_day(form.value("effective_on"));
    if ground == Some(Ground::Agreement) && effective_on.is_none() {
        let key = if form.value("effective_on").is_empty() {
            "field-needed"
        } else {
            "field-day"
        };
        form.refuse("effective_on", t.get(key));
    }
    let asked = Asked {
        ground: ground?,
        scope,
        lines,
        effective_on: effective_on.filter(|_| ground == Some(Ground::Agreement)),
        comment: form.value("comment").to_owned(),
    };
    form.is_sound().then_some(asked)
}

impl Asked {
    fn notice(&self, blank: OrderBlankId) -> GiveNoticeOfTermination {
        GiveNoticeOfTermination {
            blank,
            by: Party::Customer,
            ground: self.ground,
            scope: self.scope,
            lines: self.lines.clone(),
            sent_on: None,
            effective_on: None,
            agreed_on_paper: false,
            comment: self.comment.clone(),
        }
    }

    /// The proposal of an agreement.
    fn proposal(&self, blank: OrderBlankId) -> Option<ProposeTermination> {
        Some(ProposeTermination {
            blank,
            scope: self.scope,
            lines: self.lines.clone(),
            effective_on: self.effective_on?,
            comment: self.comment.clone(),
        })
    }
}

/// Puts a refusal at its field, or gives it back for the head of the form.
fn refuse(form: &mut Form, t: Translator, told: &Told) -> String {
    let limit = told.limit.clone().unwrap_or_default();
    let limit = limit.parse::<NaiveDate>().map_or(limit, |day| t.date(day));
    let reason = super::words::refusal(t, "termination-refused", told.code, &limit)
        .unwrap_or_else(|| told.code.to_owned());
    let fields = ["effective_on", "comment", "ground"];
    match fields
        .into_iter()
        .find(|field| told.field.as_deref() == Some(*field))
    {
        Some(field) => {
            form.refuse(field, reason);
            String::new()
        }
        None => reason,
    }
}

fn failed(told: &Told, error: &impl std::error::Error) -> Option<Refusal> {
    match told.nature {
        Nature::Conflict | Nature::Refused => None,
        Nature::NotAllowed => Some(Refusal::RoleTooLow),
        Nature::NotFound => Some(Refusal::NotFound),
        Nature::TryAgain => Some(Refusal::Busy),
        Nature::Internal => Some(Refusal::failed(error)),
    }
}

/// What the page shows beside the form.
#[derive(Default)]
struct Outcome {
    ends: Vec<LineEnd>,
    refusal: String,
    refused: bool,
}

fn form_page(
    cabinet: &Cabinet,
    who: &SignedIn,
    (blank, lines): &(OrderBlankRow, Vec<LineRow>),
    form: Form,
    outcome: Outcome,
) -> Answer {
    let t = who.visitor.t;
    let name = |row: &LineRow| format!("{} · {}", t.name(&row.name), row.code);
    let chosen = match form.value("what") {
        "" => "contract".to_owned(),
        value => value.to_owned(),
    };
    let choice = |value: String, name: String| Choice {
        chosen: value == chosen,
        value,
        name,
    };
    let mut what = vec![choice("contract".to_owned(), t.get("termination-contract"))];
    if lines.iter().any(|line| line.kind == "additional") {
        what.push(choice("additional".to_owned(), t.get("termination-additional")));
    }
    what.extend(lines.iter().map(|row| choice(row.id.to_string(), name(row))));
    let ends = outcome
        .ends
        .iter()
        .filter_map(|end| {
            let row = lines.iter().find(|row| row.id == end.line)?;
            Some(EndView {
                line: name(row),
                term: line::term(t, row.first_day, row.last_day),
                ends: if end.cuts_the_term {
                    t.date(end.effective_on)
                } else {
                    t.get("termination-by-itself")
                },
            })
        })
        .collect();
    let ground = form.value("ground").to_owned();
    let order_path = format!("/cabinet/orders/{}", blank.id);
    let mut layout = Layout::new(cabinet, &who.visitor, "orders", t.get("termination-title"));
    if outcome.refused {
        layout.path = format!("{order_path}/termination");
    }
    let page = TerminationPage {
        t,
        layout,
        order: blank.number.clone(),
        order_path,
        what,
        grounds: GROUNDS
            .into_iter()
            .map(|known| Choice {
                value: known.code().to_owned(),
                name: say(t, "termination-ground", known.code()),
                chosen: ground == known.code() || (ground.is_empty() && known == Ground::Ordinary),
            })
            .collect(),
        agreement: ground == Ground::Agreement.code(),
        ends,
        form,
        refusal: outcome.refusal,
        today: cabinet.ctx.today().to_string(),
        comment_chars_max: COMMENT_CHARS_MAX,
        command_key: form::draw_key(cabinet),
    };
    let status = if outcome.refused {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    page::html(status, &page)
}

/// `GET /cabinet/orders/{order_blank}/termination`: the form; with values, its refusal or what it would end.
pub(super) async fn show(
    State(cabinet): State<Cabinet>,
    who: SignedIn,
    Path(id): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Answer {
    let t = who.visitor.t;
    let loaded = load(&cabinet, &who, &id).await?;
    let asked_for = query.contains_key("what");
    let mut form = Form::of(query);
    let mut outcome = Outcome {
        refused: asked_for,
        ..Outcome::default()
    };
    if asked_for && let Some(asked) = read(&mut form, t) {
        let (ctx, actor, blank) = (&cabinet.ctx, who.session.actor(), loaded.0.id);
        let judged = match asked
            .proposal(blank)
            .filter(|_| asked.ground == Ground::Agreement)
        {
            Some(proposal) => preview_of_proposal(ctx, &actor, &proposal)
                .await
                .map_err(|error| (error.told(), Refusal::failed(&error))),
            None => preview_of_termination(ctx, &actor, &asked.notice(blank))
                .await
                .map(|assessed| assessed.ends)
                .map_err(|error| (error.told(), Refusal::failed(&error))),
        };
        match judged {
            Ok(ends) => {
                outcome = Outcome {
                    ends,
                    ..Outcome::default()
                }
            }
            Err((told, internal)) => match told.nature {
                Nature::Internal => return Err(internal),
                Nature::NotAllowed => return Err(Refusal::RoleTooLow),
                Nature::NotFound => return Err(Refusal::NotFound),
                Nature::TryAgain => return Err(Refusal::Busy),
                Nature::Conflict | Nature::Refused => outcome.refusal = refuse(&mut form, t, &told),
            },
        }
    }
    form_page(&cabinet, &who, &loaded, form, outcome)
}

/// `POST /cabinet/orders/{order_blank}/termination`: gives the notice, or makes the proposal.
pub(super) async fn end(State(cabinet): State<Cabinet>, Path(id): Path<String>, posted: Posted) -> Answer {
    let who = SignedIn::of(&posted.visitor)?;
    let t = who.visitor.t;
    let loaded = load(&cabinet, &who, &id).await?;
    let mut form = posted.form;
    let mut refusal = String::new();
    if let Some(asked) = read(&mut form, t) {
        let (ctx, blank) = (&cabinet.ctx, loaded.0.id);
        let path = format!("/cabinet/orders/{blank}");
        let flash = if asked.ground == Ground::Agreement {
            "termination-proposed"
        } else {
            "termination-noticed"
        };
        let done = page::see_other(&path, [visitor::flash_cookie(&cabinet, flash)]);
        let mut tx = ctx.store.begin().await?;
        let scope = format!("cabinet:{}:terminate:{blank}", who.session.user);
        let taken = match form::take_once(&mut tx, scope, &form).await? {
            Once::Again => return Ok(done),
            Once::First(taken) => taken,
        };
        let actor = who.session.actor();
        let told = match asked
            .proposal(blank)
            .filter(|_| asked.ground == Ground::Agreement)
        {
            Some(proposal) => match propose_termination_in(&mut tx, ctx, &actor, proposal).await {
                Ok(_) => None,
                Err(error) => {
                    let told = error.told();
                    if let Some(refusal) = failed(&told, &error) {
                        return Err(refusal);
                    }
                    Some(told)
                }
            },
            None => match give_notice_of_termination_in(&mut tx, ctx, &actor, asked.notice(blank)).await {
                Ok(_) => None,
                Err(error) => {
                    let told = error.told();
                    if let Some(refusal) = failed(&told, &error) {
                        return Err(refusal);
                    }
                    Some(told)
                }
            },
        };
        match told {
            None => {
                taken.finish(&mut tx, &path, ctx.now()).await?;
                tx.save().await?;
                return Ok(done);
            }
            Some(told) => refusal = refuse(&mut form, t, &told),
        }
    }
    let outcome = Outcome {
        refusal,
        refused: true,
        ..Outcome::default()
    };
    form_page(&cabinet, &who, &loaded, form, outcome)
}
