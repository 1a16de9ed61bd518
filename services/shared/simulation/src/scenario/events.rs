//! `[[event]]`: what happens when.
//!
//! Every event of simulation.md is read with its fields; one that it doesn't know is refused by name, with its line.

use super::reader::{
    At, Fields, Mistakes, boolean, date, decimal, id, instant, integer, money, one_of, period, text,
};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use namoyish_domain::calendar::ReportingPeriod;
use namoyish_domain::money::Money;
use namoyish_domain::orders::order_blank::{BudgetMode, LineKind, Prepayment, Term};
use namoyish_domain::orders::placement::RegionCode;
use namoyish_domain::orders::targeting::Targeting;
use rust_decimal::Decimal;
use std::collections::BTreeSet;
use toml::de::DeValue;

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
        /// Last day of the licence that comes with it.
        licence_expires: Option<NaiveDate>,
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
    /// The customer raises a media line's budget.
    IncreaseBudget {
        /// Id of the line.
        line: String,
        /// So'm, net; more each month for a monthly budget.
        amount: Money,
    },
    /// A new version of a line's material is submitted and decided at once.
    ChangeMaterial {
        /// Id of the line.
        line: String,
        /// What the moderator says.
        verdict: MaterialVerdict,
        /// Last day of the licence that comes with it.
        licence_expires: Option<NaiveDate>,
    },
    /// A line is paused.
    PauseLine {
        /// Id of the line.
        line: String,
    },
    /// A paused line goes on.
    ResumeLine {
        /// Id of the line.
        line: String,
    },
    /// A notice of termination is sent.
    NoticeOfTermination(NoticeOfTermination),
    /// The customer objects to a month's primary document.
    Object {
        /// Id of the customer.
        customer: String,
        /// The month.
        period: ReportingPeriod,
    },
    /// The operator decides on an objection.
    DecideObjection {
        /// Id of the customer.
        customer: String,
        /// The month.
        period: ReportingPeriod,
        /// Whether the customer is right.
        uphold: bool,
        /// What the document should have come to, net; asked for when the customer is right.
        net: Option<Money>,
    },
    /// The accountant claims the penalty of an invoice.
    ClaimPenalty {
        /// Id of the customer.
        customer: String,
        /// Number of the invoice; `None`: every overdue one.
        invoice: Option<String>,
    },
    /// The accountant waives the penalty of an invoice.
    WaivePenalty {
        /// Id of the customer.
        customer: String,
        /// Number of the invoice; `None`: every overdue one.
        invoice: Option<String>,
    },
    /// The customer asks for its money back.
    RequestRefund {
        /// Id of the customer.
        customer: String,
    },
    /// The operator pays what was asked for.
    PayRefund {
        /// Id of the customer.
        customer: String,
    },
    /// A placement can't be reached, by the operator's fault.
    Outage {
        /// Id of the placement.
        placement: String,
        /// From when, Tashkent.
        from: NaiveDateTime,
        /// Until when, exclusive.
        until: NaiveDateTime,
    },
    /// Force majeure is recorded with its certificate.
    ForceMajeure {
        /// From when, Tashkent.
        from: NaiveDateTime,
        /// Until when, exclusive.
        until: NaiveDateTime,
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
    /// Redis ends and starts again empty.
    LoseRedis,
    /// PostgreSQL ends and starts again on its disk.
    RestartDatabase,
    /// The billing worker is killed in each of its rounds until the end of the day.
    KillBilling,
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
            EventKind::IncreaseBudget { .. } => "increase_budget",
            EventKind::ChangeMaterial { .. } => "change_material",
            EventKind::PauseLine { .. } => "pause_line",
            EventKind::ResumeLine { .. } => "resume_line",
            EventKind::NoticeOfTermination(_) => "notice_of_termination",
            EventKind::Object { .. } => "object",
            EventKind::DecideObjection { .. } => "decide_objection",
            EventKind::ClaimPenalty { .. } => "claim_penalty",
            EventKind::WaivePenalty { .. } => "waive_penalty",
            EventKind::RequestRefund { .. } => "request_refund",
            EventKind::PayRefund { .. } => "pay_refund",
            EventKind::Outage { .. } => "outage",
            EventKind::ForceMajeure { .. } => "force_majeure",
            EventKind::KillNode { .. } => "kill_node",
            EventKind::StartNode { .. } => "start_node",
            EventKind::LoseRedis => "lose_redis",
            EventKind::RestartDatabase => "restart_database",
            EventKind::KillBilling => "kill_billing",
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

/// `notice_of_termination`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeOfTermination {
    /// What is to end.
    pub of: Ended,
    /// Who sends it.
    pub by: NoticeBy,
    /// On which ground.
    pub ground: NoticeGround,
    /// The first day without service, where the ground leaves it open.
    pub effective: Option<NaiveDate>,
}

/// What a notice of termination ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// A whole order.
    Order(String),
    /// One line.
    Line(String),
}

/// Who sends a notice of termination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeBy {
    /// The customer.
    Customer,
    /// The operator.
    Operator,
}

/// The ground of a notice of termination (orders.md §8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeGround {
    /// Either party's right, §10.2.3 and §10.2.4.
    Ordinary,
    /// The customer's breach, §10.2.2.
    Breach,
    /// Overdue payment or late material, §10.5.
    Overdue,
    /// The corruption clause, §13.4.
    Corruption,
    /// Agreement of the parties.
    Agreement,
    /// Force majeure longer than three months, §8.5.
    ForceMajeure,
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
        /// To whom and when, beside the regions.
        targeting: Targeting,
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
        "increase_budget" => increase_budget(table, named),
        "change_material" => change_material(table, named),
        "pause_line" => line_reference(table, named).map(|line| EventKind::PauseLine { line }),
        "resume_line" => line_reference(table, named).map(|line| EventKind::ResumeLine { line }),
        "notice_of_termination" => notice_of_termination(table, named).map(EventKind::NoticeOfTermination),
        "object" => object(table, known),
        "decide_objection" => decide_objection(table, known),
        "claim_penalty" => customer_and_invoice(table, known)
            .map(|(customer, invoice)| EventKind::ClaimPenalty { customer, invoice }),
        "waive_penalty" => customer_and_invoice(table, known)
            .map(|(customer, invoice)| EventKind::WaivePenalty { customer, invoice }),
        "request_refund" => {
            customer_reference("customer", table, known).map(|customer| EventKind::RequestRefund { customer })
        }
        "pay_refund" => {
            customer_reference("customer", table, known).map(|customer| EventKind::PayRefund { customer })
        }
        "outage" => outage(table, known),
        "force_majeure" => interval(table).map(|(from, until)| EventKind::ForceMajeure { from, until }),
        "lose_redis" => Some(EventKind::LoseRedis),
        "restart_database" => Some(EventKind::RestartDatabase),
        "kill_billing" => Some(EventKind::KillBilling),
        other => {
            // The fields of an unknown event are unknown too: one message is enough.
            table.mistake("do", format!("unknown event `{other}`"));
            return None;
        }
    };
    table.finish();
    what
}

fn increase_budget(table: &Fields<'_, '_>, named: &mut Named) -> Option<EventKind> {
    let line = line_reference(table, named);
    let amount = table.required("amount", money);
    Some(EventKind::IncreaseBudget {
        line: line?,
        amount: amount?,
    })
}

fn change_material(table: &Fields<'_, '_>, named: &mut Named) -> Option<EventKind> {
    let line = line_reference(table, named);
    let verdict = verdict(table);
    let licence_expires = table.optional("licence_expires", date);
    Some(EventKind::ChangeMaterial {
        line: line?,
        verdict,
        licence_expires,
    })
}

fn notice_of_termination(table: &Fields<'_, '_>, named: &mut Named) -> Option<NoticeOfTermination> {
    let by = table.required(
        "by",
        one_of(&[("customer", NoticeBy::Customer), ("operator", NoticeBy::Operator)]),
    );
    let ground = table.required(
        "ground",
        one_of(&[
            ("ordinary", NoticeGround::Ordinary),
            ("breach", NoticeGround::Breach),
            ("overdue", NoticeGround::Overdue),
            ("corruption", NoticeGround::Corruption),
            ("agreed", NoticeGround::Agreement),
            ("agreement", NoticeGround::Agreement),
            ("force_majeure", NoticeGround::ForceMajeure),
        ]),
    );
    let effective = table
        .optional("effective", |value| match text(value)?.as_str() {
            "" => Ok(None),
            _ => date(value).map(Some),
        })
        .flatten();
    let of = match (table.has("order"), table.has("line")) {
        (true, false) => {
            let order = table.required_at("order", id);
            named.order_references.extend(order.clone());
            order.map(|order| Ended::Order(order.value))
        }
        (false, true) => line_reference(table, named).map(Ended::Line),
        _ => {
            table.mistake("do", "a notice names either an `order` or a `line`");
            None
        }
    };
    Some(NoticeOfTermination {
        of: of?,
        by: by?,
        ground: ground?,
        effective,
    })
}

fn object(table: &Fields<'_, '_>, known: &Known) -> Option<EventKind> {
    let customer = customer_reference("customer", table, known);
    let period = table.required("period", period);
    Some(EventKind::Object {
        customer: customer?,
        period: period?,
    })
}

fn decide_objection(table: &Fields<'_, '_>, known: &Known) -> Option<EventKind> {
    let customer = customer_reference("customer", table, known);
    let period = table.required("period", period);
    let uphold = table.required("uphold", boolean);
    let net = table
        .optional("net", |value| match text(value)?.as_str() {
            "" => Ok(None),
            _ => money(value).map(Some),
        })
        .flatten();
    Some(EventKind::DecideObjection {
        customer: customer?,
        period: period?,
        uphold: uphold?,
        net,
    })
}

fn customer_and_invoice(table: &Fields<'_, '_>, known: &Known) -> Option<(String, Option<String>)> {
    let customer = customer_reference("customer", table, known);
    let invoice = table
        .optional("invoice", text)
        .filter(|number| !number.is_empty());
    Some((customer?, invoice))
}

fn outage(table: &Fields<'_, '_>, known: &Known) -> Option<EventKind> {
    let placement = table.required("placement", id);
    if let Some(placement) = &placement {
        known_placement(placement, table.line_of("placement"), known, table);
    }
    let (from, until) = interval(table)?;
    Some(EventKind::Outage {
        placement: placement?,
        from,
        until,
    })
}

/// `from` and `until`, each a day (from its 00:00) or an instant.
fn interval(table: &Fields<'_, '_>) -> Option<(NaiveDateTime, NaiveDateTime)> {
    let from = table.required("from", day_or_instant);
    let until = table.required("until", day_or_instant);
    let (from, until) = (from?, until?);
    if until <= from {
        table.mistake(
            "until",
            format!("`until` {until} doesn't lie after `from` {from}"),
        );
        return None;
    }
    Some((from, until))
}

fn day_or_instant(value: &DeValue<'_>) -> Result<NaiveDateTime, String> {
    date(value)
        .map(|day| day.and_time(NaiveTime::MIN))
        .or_else(|_| instant(value))
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

fn verdict(table: &Fields<'_, '_>) -> MaterialVerdict {
    table.or(
        "verdict",
        MaterialVerdict::Approve,
        one_of(&[
            ("approve", MaterialVerdict::Approve),
            ("reject", MaterialVerdict::Reject),
            ("documents", MaterialVerdict::Documents),
        ]),
    )
}

fn submit_material(table: &Fields<'_, '_>, named: &mut Named) -> Option<EventKind> {
    let line = line_reference(table, named);
    let verdict = verdict(table);
    let licence_expires = table.optional("licence_expires", date);
    Some(EventKind::SubmitMaterial {
        line: line?,
        verdict,
        licence_expires,
    })
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
    let targeting = targeting(table);
    Some(OrderedService::Media {
        budget: budget?,
        budget_mode,
        term: term?,
        regions,
        targeting: targeting?,
    })
}

/// Optional: `rubrics`, `search_phrases`, `days_of_week` (1 is Monday), `hours` ("09-18") and `frequency_cap`.
fn targeting(table: &Fields<'_, '_>) -> Option<Targeting> {
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let texts = |key| -> Vec<String> { table.list(key, text).into_iter().map(|item| item.value).collect() };
    let mut days: Vec<String> = table
        .list("days_of_week", integer(1, 7))
        .into_iter()
        .filter_map(|day| DAYS.get(usize::try_from(day.value).ok()?.checked_sub(1)?))
        .map(|day| (*day).to_owned())
        .collect();
    let hours = texts("hours");
    if days.is_empty() && !hours.is_empty() {
        days.push("mon-sun".to_owned());
    }
    let schedule: Vec<String> = if hours.is_empty() {
        days
    } else {
        days.iter()
            .flat_map(|day| hours.iter().map(move |hours| format!("{day} {hours}")))
            .collect()
    };
    let cap = table.optional("frequency_cap", integer(1, 1_000));
    let cap = cap.and_then(|cap| i64::try_from(cap).ok());
    match Targeting::new(&texts("rubrics"), &texts("search_phrases"), &schedule, cap) {
        Ok(targeting) => Some(targeting),
        Err(refused) => {
            let key = if refused.field() == "schedule" {
                "hours"
            } else {
                refused.field()
            };
            table.mistake(key, refused.to_string());
            None
        }
    }
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
