//! `[[event]]`: what happens when.
//!
//! Every event of simulation.md is read with its fields, so that a misspelt one is always told from one that this
//! version can't run yet: the latter is refused by name, with its line.

use super::reader::{
    At, Fields, Mistakes, boolean, date, decimal, id, instant, integer, money, one_of, period, text,
};
use chrono::{NaiveDate, NaiveDateTime};
use namoyish_domain::calendar::ReportingPeriod;
use namoyish_domain::money::Money;
use namoyish_domain::orders::order_blank::{BudgetMode, LineKind, Prepayment, Term};
use namoyish_domain::orders::placement::RegionCode;
use rust_decimal::Decimal;
use std::collections::BTreeSet;

/// One thing that happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When, Tashkent.
    pub at: NaiveDateTime,
    /// Line of the file.
    pub line: usize,
    /// What.
    pub what: EventKind,
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// An order blank is drawn up, offered and signed.
    SignOrder(SignOrder),
    /// A material is submitted for a line and decided at once.
    SubmitMaterial {
        /// Id of the line.
        line: String,
        /// What the moderator says.
        verdict: MaterialVerdict,
    },
    /// Money reaches the operator's account.
    Pay {
        /// Id of the customer.
        customer: String,
        /// So'm.
        amount: Money,
        /// Number of the invoice that the payment names.
        invoice: Option<String>,
    },
    /// An extra period is set, from `start` (now when absent) to `until`.
    SetExtraPeriod {
        /// Id of the line.
        line: String,
        /// First day, when it isn't today.
        start: Option<NaiveDate>,
        /// Last day.
        until: NaiveDate,
        /// So'm, net.
        extra_budget: Money,
    },
    /// The extra period is switched off.
    EndExtraPeriod {
        /// Id of the line.
        line: String,
    },
    /// A serving node ends without a word; its journal stays on its disk.
    KillNode {
        /// Its place among the nodes, from 0.
        node: usize,
    },
    /// A killed node starts again on its disk.
    StartNode {
        /// Its place among the nodes, from 0.
        node: usize,
    },
}

impl EventKind {
    /// The event's name in the file and in the report.
    pub fn name(&self) -> &'static str {
        match self {
            EventKind::SignOrder(_) => "sign_order",
            EventKind::SubmitMaterial { .. } => "submit_material",
            EventKind::Pay { .. } => "pay",
            EventKind::SetExtraPeriod { .. } => "set_extra_period",
            EventKind::EndExtraPeriod { .. } => "end_extra_period",
            EventKind::KillNode { .. } => "kill_node",
            EventKind::StartNode { .. } => "start_node",
        }
    }
}

/// What the moderator says of a material.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaterialVerdict {
    /// It may run.
    Approve,
    /// It may not.
    Reject,
    /// Copies of licences or certificates are asked for.
    Documents,
}

/// `sign_order`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignOrder {
    /// Id of the order; the blank's code.
    pub order: String,
    /// Id of the customer.
    pub customer: String,
    /// One invoice for all, or one per period.
    pub prepayment: Prepayment,
    /// At least one.
    pub lines: Vec<OrderedLine>,
}

/// `[[event.line]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderedLine {
    /// Id of the line; its code.
    pub id: String,
    /// Code of the price-list item.
    pub price: String,
    /// Ids of the placements.
    pub placements: Vec<String>,
    /// What is ordered.
    pub service: OrderedService,
}

/// What a line orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderedService {
    /// Impressions.
    Media {
        /// So'm, net, for the term or for each month.
        budget: Money,
        /// Which of both.
        budget_mode: BudgetMode,
        /// First and last day.
        term: Term,
        /// Where it may be shown; empty: everywhere.
        regions: Vec<RegionCode>,
    },
    /// Months of placement.
    Period {
        /// First month.
        first_period: ReportingPeriod,
        /// Last month.
        last_period: ReportingPeriod,
    },
    /// An additional service.
    Additional {
        /// First and last day; for a one-off service its only day.
        term: Term,
        /// Whether it is rendered once.
        one_off: bool,
        /// How many.
        quantity: Decimal,
    },
}

/// What ids the file has so far.
pub(super) struct Known {
    pub(super) prices: BTreeSet<String>,
    pub(super) placements: BTreeSet<String>,
    pub(super) customers: BTreeSet<String>,
    pub(super) end: Option<NaiveDate>,
    pub(super) nodes: usize,
}

/// How a field of an event that can't be run yet is read.
#[derive(Clone, Copy)]
enum Field {
    Line,
    Order,
    Customer,
    Placement,
    Money,
    Period,
    Date,
    Boolean,
    Text,
}

type EventToCome = (
    &'static str,
    &'static [(&'static str, Field)],
    &'static [(&'static str, Field)],
);

/// Events of simulation.md whose commands aren't built yet: name, required fields, optional fields.
const EVENTS_TO_COME: &[EventToCome] = &[
    (
        "increase_budget",
        &[("line", Field::Line), ("amount", Field::Money)],
        &[],
    ),
    ("change_material", &[("line", Field::Line)], &[]),
    ("pause_line", &[("line", Field::Line)], &[]),
    ("resume_line", &[("line", Field::Line)], &[]),
    (
        "notice_of_termination",
        &[("by", Field::Text), ("ground", Field::Text)],
        &[
            ("order", Field::Order),
            ("line", Field::Line),
            ("effective", Field::Text),
        ],
    ),
    (
        "object",
        &[("customer", Field::Customer), ("period", Field::Period)],
        &[],
    ),
    (
        "decide_objection",
        &[
            ("customer", Field::Customer),
            ("period", Field::Period),
            ("uphold", Field::Boolean),
        ],
        &[("net", Field::Money)],
    ),
    (
        "claim_penalty",
        &[("customer", Field::Customer)],
        &[("invoice", Field::Text)],
    ),
    (
        "waive_penalty",
        &[("customer", Field::Customer)],
        &[("invoice", Field::Text)],
    ),
    ("request_refund", &[("customer", Field::Customer)], &[]),
    ("pay_refund", &[("customer", Field::Customer)], &[]),
    (
        "outage",
        &[
            ("placement", Field::Placement),
            ("from", Field::Date),
            ("until", Field::Date),
        ],
        &[],
    ),
    (
        "force_majeure",
        &[("from", Field::Date), ("until", Field::Date)],
        &[],
    ),
    ("lose_redis", &[], &[]),
    ("restart_database", &[], &[]),
    ("kill_billing", &[], &[]),
];

/// Ids that events name, to be checked when all events are read: an event may stand before the order in the file.
#[derive(Default)]
struct Named {
    orders: BTreeSet<String>,
    lines: BTreeSet<String>,
    line_references: Vec<At<String>>,
    order_references: Vec<At<String>>,
}

/// Reads all events, in order of time.
pub(super) fn read(file: &Fields<'_, '_>, known: &Known, mistakes: &Mistakes) -> Vec<Event> {
    let mut named = Named::default();
    let mut events = Vec::new();
    for table in file.tables("event", "[[event]]") {
        let at = table.required("at", instant);
        let name = table.required("do", text);
        let is_after_the_run = matches!((at, known.end), (Some(at), Some(end)) if at.date() >= end);
        let what = name.and_then(|name| read_kind(&name, &table, known, &mut named, mistakes));
        // A scenario that was cut to end in the middle keeps its later events: they are read for their mistakes and never
        // happen.
        if let (Some(at), Some(what)) = (at, what)
            && !is_after_the_run
        {
            events.push(Event {
                at,
                line: table.line,
                what,
            });
        }
    }
    for reference in &named.line_references {
        if !named.lines.contains(&reference.value) {
            mistakes.add(
                reference.line,
                format!("no order has a line with the id `{}`", reference.value),
            );
        }
    }
    for reference in &named.order_references {
        if !named.orders.contains(&reference.value) {
            mistakes.add(
                reference.line,
                format!("no order has the id `{}`", reference.value),
            );
        }
    }
    events.sort_by_key(|event| event.at);
    events
}

/// Reads the rest of an event; `None` after a mistake.
fn read_kind(
    name: &str,
    table: &Fields<'_, '_>,
    known: &Known,
    named: &mut Named,
    mistakes: &Mistakes,
) -> Option<EventKind> {
    let what = match name {
        "sign_order" => sign_order(table, known, named, mistakes).map(EventKind::SignOrder),
        "submit_material" => submit_material(table, named),
        "pay" => pay(table, known),
        "set_extra_period" => set_extra_period(table, named),
        "end_extra_period" => line_reference(table, named).map(|line| EventKind::EndExtraPeriod { line }),
        "kill_node" => node(table, known).map(|node| EventKind::KillNode { node }),
        "start_node" => node(table, known).map(|node| EventKind::StartNode { node }),
        other => {
            match EVENTS_TO_COME.iter().find(|(name, _, _)| *name == other) {
                Some(event) => read_event_to_come(event, table, known, named),
                // The fields of an unknown event are unknown too: one message is enough.
                None => {
                    table.mistake("do", format!("unknown event `{other}`"));
                    return None;
                }
            }
            None
        }
    };
    table.finish();
    what
}

fn read_event_to_come(event: &EventToCome, table: &Fields<'_, '_>, known: &Known, named: &mut Named) {
    let (name, required, optional) = *event;
    for (key, field) in required {
        if table.required(key, |_| Ok(())).is_some() {
            read_field(key, *field, table, known, named);
        }
    }
    for (key, field) in optional {
        if table.has(key) {
            read_field(key, *field, table, known, named);
        }
    }
    table.mistake("do", format!("event `{name}` is not supported by this version"));
}

fn read_field(key: &'static str, field: Field, table: &Fields<'_, '_>, known: &Known, named: &mut Named) {
    match field {
        Field::Line => named.line_references.extend(table.required_at(key, id)),
        Field::Order => named.order_references.extend(table.required_at(key, id)),
        Field::Customer => drop(customer_reference(key, table, known)),
        Field::Placement => {
            if let Some(placement) = table.required(key, id) {
                known_placement(&placement, table.line_of(key), known, table);
            }
        }
        Field::Money => drop(table.required(key, money)),
        Field::Period => drop(table.required(key, period)),
        Field::Date => drop(table.required(key, |value| {
            date(value).map(drop).or_else(|_| instant(value).map(drop))
        })),
        Field::Boolean => drop(table.required(key, boolean)),
        Field::Text => drop(table.required(key, text)),
    }
}

fn known_placement(placement: &str, line: usize, known: &Known, table: &Fields<'_, '_>) {
    if !known.placements.contains(placement) {
        table.mistake_on_line(line, format!("no [[placement]] has the id `{placement}`"));
    }
}

fn customer_reference(key: &'static str, table: &Fields<'_, '_>, known: &Known) -> Option<String> {
    let customer = table.required(key, id)?;
    if !known.customers.contains(&customer) {
        table.mistake(key, format!("no [[customer]] has the id `{customer}`"));
    }
    Some(customer)
}

fn line_reference(table: &Fields<'_, '_>, named: &mut Named) -> Option<String> {
    let line = table.required_at("line", id)?;
    let value = line.value.clone();
    named.line_references.push(line);
    Some(value)
}

fn submit_material(table: &Fields<'_, '_>, named: &mut Named) -> Option<EventKind> {
    let line = line_reference(table, named);
    let verdict = table.or(
        "verdict",
        MaterialVerdict::Approve,
        one_of(&[
            ("approve", MaterialVerdict::Approve),
            ("reject", MaterialVerdict::Reject),
            ("documents", MaterialVerdict::Documents),
        ]),
    );
    Some(EventKind::SubmitMaterial { line: line?, verdict })
}

fn pay(table: &Fields<'_, '_>, known: &Known) -> Option<EventKind> {
    let customer = customer_reference("customer", table, known);
    let amount = table.required("amount", money);
    let invoice = table
        .optional("invoice", text)
        .filter(|number| !number.is_empty());
    Some(EventKind::Pay {
        customer: customer?,
        amount: amount?,
        invoice,
    })
}

fn set_extra_period(table: &Fields<'_, '_>, named: &mut Named) -> Option<EventKind> {
    let line = line_reference(table, named);
    let start = table.optional("start", date);
    let until = table.required("until", date);
    let extra_budget = table.required("extra_budget", money);
    Some(EventKind::SetExtraPeriod {
        line: line?,
        start,
        until: until?,
        extra_budget: extra_budget?,
    })
}

/// The file counts nodes from 1.
fn node(table: &Fields<'_, '_>, known: &Known) -> Option<usize> {
    let nodes = u64::try_from(known.nodes).unwrap_or(super::NODES_MAX);
    let number = table.required("node", integer(1, nodes))?;
    usize::try_from(number - 1).ok()
}

fn sign_order(
    table: &Fields<'_, '_>,
    known: &Known,
    named: &mut Named,
    mistakes: &Mistakes,
) -> Option<SignOrder> {
    let order = table.required("order", id);
    let customer = customer_reference("customer", table, known);
    let prepayment = table.or(
        "prepayment",
        Prepayment::Full,
        one_of(&[("full", Prepayment::Full), ("monthly", Prepayment::Monthly)]),
    );
    if let Some(order) = &order
        && !named.orders.insert(order.clone())
    {
        table.mistake("order", format!("order `{order}` is signed twice"));
    }
    let tables = table.tables("line", "[[event.line]]");
    if tables.is_empty() {
        mistakes.add(table.line, "an order has at least one [[event.line]]");
    }
    let count = tables.len();
    let mut lines = Vec::with_capacity(count);
    for line in tables {
        if let Some(id) = line.optional("id", id)
            && !named.lines.insert(id.clone())
        {
            line.mistake("id", format!("line `{id}` is there twice"));
        }
        lines.extend(ordered_line(&line, known));
    }
    (lines.len() == count).then_some(SignOrder {
        order: order?,
        customer: customer?,
        prepayment,
        lines,
    })
}

fn ordered_line(table: &Fields<'_, '_>, known: &Known) -> Option<OrderedLine> {
    let line_id = table.required("id", id);
    let kind = table.required(
        "kind",
        one_of(&[
            ("media", LineKind::Media),
            ("period", LineKind::Period),
            ("additional", LineKind::Additional),
        ]),
    );
    let price = table.required("price", id);
    if let Some(price) = &price
        && !known.prices.contains(price)
    {
        table.mistake("price", format!("no [[price]] has the code `{price}`"));
    }
    let placements = table.list("placements", id);
    for placement in &placements {
        known_placement(&placement.value, placement.line, known, table);
    }
    // The other keys of a line of an unknown kind are unknown too: one message is enough.
    let service = match kind? {
        LineKind::Media => media(table),
        LineKind::Period => {
            let first_period = table.required("first_period", period);
            let last_period = table.required("last_period", period);
            first_period
                .zip(last_period)
                .map(|(first_period, last_period)| OrderedService::Period {
                    first_period,
                    last_period,
                })
        }
        LineKind::Additional => additional(table),
    };
    table.finish();
    let placements = placements.into_iter().map(|placement| placement.value).collect();
    Some(OrderedLine {
        id: line_id?,
        price: price?,
        placements,
        service: service?,
    })
}

fn media(table: &Fields<'_, '_>) -> Option<OrderedService> {
    let budget = table.required("budget", money);
    let budget_mode = table.or(
        "budget_mode",
        BudgetMode::Total,
        one_of(&[("total", BudgetMode::Total), ("monthly", BudgetMode::Monthly)]),
    );
    let term = term(table);
    let regions = table.list("regions", |value| {
        RegionCode::parse(&text(value)?).map_err(|error| error.to_string())
    });
    let regions = regions.into_iter().map(|region| region.value).collect();
    Some(OrderedService::Media {
        budget: budget?,
        budget_mode,
        term: term?,
        regions,
    })
}

fn additional(table: &Fields<'_, '_>) -> Option<OrderedService> {
    let quantity = table.or("quantity", Decimal::ONE, decimal);
    if table.has("once") {
        let once = table.required("once", date)?;
        return Some(OrderedService::Additional {
            term: Term::new(once, once)?,
            one_off: true,
            quantity,
        });
    }
    Some(OrderedService::Additional {
        term: term(table)?,
        one_off: false,
        quantity,
    })
}

/// `first_day` and `last_day`.
fn term(table: &Fields<'_, '_>) -> Option<Term> {
    let first_day = table.required("first_day", date);
    let last_day = table.required("last_day", date);
    let (first_day, last_day) = (first_day?, last_day?);
    let term = Term::new(first_day, last_day);
    if term.is_none() {
        table.mistake(
            "last_day",
            format!("`last_day` {last_day} lies before `first_day` {first_day}"),
        );
    }
    term
}
