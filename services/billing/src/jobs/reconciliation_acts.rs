//! Reconciliation acts after each quarter, after the year and after a contract's end; reminders of those not returned.
//!
//! Rule: billing.md §7; offer [003 §5.14–5.15]. One transaction per act: number, document, mails. An act of a quarter is
//! made as soon as the quarter's last month is closed, together with its primary documents; one of a contract's end when
//! the contract is settled. A customer without movements gets none. What a run finds made already it passes over, so that
//! a worker killed anywhere goes on where it stopped.
//!
//! Services of ended lines that no document has when the act is made are a row of their own; they are valued anew, so that
//! a month that was closed in between isn't shown twice.

use super::{JobError, Summary};
use crate::{content, mail_text};
use chrono::{Datelike, NaiveDate};
use namoyish_documents::content::{
    ActDocument, ActRow, CONTENT_VERSION, ContentKind, ContractRef, ReconciliationActContent,
};
use namoyish_documents::{Language, canonical_json, sha256_hex};
use namoyish_domain::billing::document::Series;
use namoyish_domain::billing::reconciliation_act::{
    BUSINESS_DAYS_TO_RETURN, Columns, Interval, Occasion, Turnover, return_by, send_by, turnover,
};
use namoyish_domain::calendar::{BusinessCalendar, ReportingPeriod, minus_days};
use namoyish_domain::ids::{CustomerId, DocumentId, MailId};
use namoyish_domain::money::Money;
use namoyish_runtime::context::Context;
use namoyish_settlement::ended::{gross_by_line, unposted};
use namoyish_storage::customers::Customer;
use namoyish_storage::documents::NewDocument;
use namoyish_storage::outbox::NewMail;
use namoyish_storage::reconciliation_acts::{ActRecord, Movement, NewAct};
use namoyish_storage::{DbError, Tx};

/// The name in `job_runs` of the acts themselves.
pub const NAME: &str = "reconciliation_acts";
/// The name in `job_runs` of the reminders; the key is the day.
pub const REMIND_NAME: &str = "remind_of_acts";
/// Things looked up at once.
const BATCH: u32 = 200;
/// How far back a quarter's acts are made up for: a year.
const MONTHS_BACK: usize = 12;
const ACTOR: &str = "billing";

/// Quarters whose acts are due: their last month is closed. Oldest first, at most a year back.
pub async fn quarters_due(ctx: &Context) -> Result<Vec<ReportingPeriod>, DbError> {
    let Some(mut period) = ctx.store.last_closed_period().await? else {
        return Ok(vec![]);
    };
    let mut due = Vec::new();
    for _ in 0..MONTHS_BACK {
        if Occasion::at_end_of(period).is_some() {
            due.push(period);
        }
        period = period.previous();
    }
    due.reverse();
    Ok(due)
}

/// Makes the acts of the quarter that a closed period ends. `done` counts acts.
pub async fn run_quarter(ctx: &Context, last: ReportingPeriod) -> Result<Summary, JobError> {
    let mut summary = Summary::default();
    let Some(occasion) = Occasion::at_end_of(last) else {
        return Ok(summary);
    };
    let interval = Interval::through(last);
    let quarter_begins = last.previous().previous().first_day();
    let calendar = calendar(ctx).await?;
    let mut first_failure = None;
    let mut after = None;
    loop {
        let customers = ctx
            .store
            .customers_without_act(occasion, interval, quarter_begins, after, BATCH)
            .await?;
        let Some(last_customer) = customers.last() else {
            return first_failure.map_or(Ok(summary), Err);
        };
        after = Some(*last_customer);
        for customer in customers {
            let due = DueAct {
                customer,
                occasion,
                interval,
                period: Some(last),
                send_by: send_by(&calendar, interval.last_day),
            };
            match make(ctx, &due).await {
                Ok(true) => summary.done += 1,
                Ok(false) => summary.skipped += 1,
                Err(error) => {
                    tracing::error!(customer.id = %customer, error = %error, "can't make a reconciliation act");
                    first_failure.get_or_insert(error);
                }
            }
        }
    }
}

/// Makes the acts of contracts that ended and are settled. `done` counts acts.
pub async fn run_ends(ctx: &Context) -> Result<Summary, JobError> {
    let mut summary = Summary::default();
    let ends = ctx.store.ends_without_act(BATCH).await?;
    if ends.is_empty() {
        return Ok(summary);
    }
    let calendar = calendar(ctx).await?;
    let mut first_failure = None;
    for (customer, ended_on) in ends {
        let due = DueAct {
            customer,
            occasion: Occasion::ContractEnd,
            interval: Interval::before_end(ended_on),
            period: None,
            send_by: send_by(&calendar, ended_on),
        };
        match make(ctx, &due).await {
            Ok(true) => summary.done += 1,
            Ok(false) => summary.skipped += 1,
            Err(error) => {
                tracing::error!(customer.id = %customer, error = %error, "can't make a reconciliation act");
                first_failure.get_or_insert(error);
            }
        }
    }
    first_failure.map_or(Ok(summary), Err)
}

async fn calendar(ctx: &Context) -> Result<BusinessCalendar, DbError> {
    let mut tx = ctx.store.begin().await?;
    tx.calendar_days().calendar().await
}

/// An act to be made.
#[derive(Debug, Clone, Copy)]
struct DueAct {
    customer: CustomerId,
    occasion: Occasion,
    interval: Interval,
    /// The quarter's last month.
    period: Option<ReportingPeriod>,
    send_by: NaiveDate,
}

/// Makes one act. `false`: it is there already.
async fn make(ctx: &Context, due: &DueAct) -> Result<bool, JobError> {
    // Load.
    let mut tx = ctx.store.begin().await?;
    tx.ledger().lock_customer(due.customer).await?;
    if tx
        .reconciliation_acts()
        .exists(due.customer, due.occasion, due.interval)
        .await?
    {
        return Ok(false);
    }
    let mut acts = tx.reconciliation_acts();
    let opening = acts.opening(due.customer, due.interval.first_day).await?;
    let movements = acts.movements(due.customer, due.interval).await?;
    let contracts = acts.contracts(due.customer, due.interval).await?;
    let services = match due.occasion {
        Occasion::ContractEnd => undocumented(&mut tx, due).await?,
        _ => vec![],
    };

    // Decide.
    let sums = turnover(
        opening,
        movements
            .iter()
            .map(|movement| movement.amount)
            .chain(services.iter().map(|(_, sum)| *sum)),
    )?;
    let rows = rows(&movements, &services, due.interval.last_day)?;

    // Commit.
    let contracts = contracts
        .into_iter()
        .map(|(number, date)| ContractRef { number, date })
        .collect();
    let undocumented = Money::sum(services.iter().map(|(_, sum)| *sum))?;
    issue(ctx, &mut tx, due, sums, undocumented, rows, contracts).await?;
    tx.save().await?;
    if ctx.today() > due.send_by {
        tracing::warn!(customer.id = %due.customer, send_by = %due.send_by, "a reconciliation act is late");
    }
    metrics::counter!("documents_issued_total", "kind" => Series::ReconciliationAct.name()).increment(1);
    Ok(true)
}

/// What ended lines rendered and no document has, by contract.
async fn undocumented(tx: &mut Tx, due: &DueAct) -> Result<Vec<(String, Money)>, DbError> {
    let ended_on = namoyish_domain::calendar::plus_days(due.interval.last_day, 1);
    let open = gross_by_line(&unposted(tx, due.customer, due.interval.last_day).await?)?;
    let mut sums = Vec::new();
    for (blank, number) in tx
        .reconciliation_acts()
        .ended_blanks(due.customer, ended_on)
        .await?
    {
        let lines = tx.settlements().ended_lines(blank, ended_on).await?;
        let sum = Money::sum(lines.iter().filter_map(|line| open.get(line)).copied())?;
        if sum.is_positive() {
            sums.push((number, sum));
        }
    }
    Ok(sums)
}

fn rows(
    movements: &[Movement],
    services: &[(String, Money)],
    last_day: NaiveDate,
) -> Result<Vec<ActRow>, JobError> {
    let mut rows = Vec::with_capacity(movements.len() + services.len());
    let mut position = 0u32;
    let mut push = |on, document, number: String, contracts: String, sum: Money| {
        position += 1;
        let columns = Columns::of(sum)?;
        rows.push(ActRow {
            position,
            on,
            document,
            number,
            contracts,
            debit: columns.debit,
            credit: columns.credit,
        });
        Ok::<(), JobError>(())
    };
    for movement in movements {
        let document = document_of(&movement.reason);
        let number = match document {
            // Its own id says nothing to the customer.
            ActDocument::Payment => movement.reference.clone().unwrap_or_default(),
            ActDocument::Reversal => String::new(),
            _ => movement.document_ref.clone(),
        };
        push(
            movement.on,
            document,
            number,
            movement.contracts.clone(),
            movement.amount,
        )?;
    }
    for (number, sum) in services {
        push(
            last_day,
            ActDocument::ServicesToDocument,
            String::new(),
            number.clone(),
            *sum,
        )?;
    }
    Ok(rows)
}

fn document_of(reason: &str) -> ActDocument {
    match reason {
        "payment" => ActDocument::Payment,
        "rendering" => ActDocument::PrimaryDocument,
        "correction" => ActDocument::Correction,
        "penalty_claim" | "penalty" => ActDocument::PenaltyClaim,
        "refund" | "refund_paid" => ActDocument::Refund,
        "reversal" => ActDocument::Reversal,
        _ => ActDocument::Other,
    }
}

async fn issue(
    ctx: &Context,
    tx: &mut Tx,
    due: &DueAct,
    sums: Turnover,
    undocumented: Money,
    rows: Vec<ActRow>,
    contracts: Vec<ContractRef>,
) -> Result<(), JobError> {
    let (now, today) = (ctx.now(), ctx.today());
    let operator = tx
        .operator()
        .find()
        .await?
        .ok_or(JobError::NoOperator)?
        .requisites;
    let customer = customer_of(tx, due.customer).await?;
    let ordinal = tx
        .take_number(Series::ReconciliationAct.name(), today.year())
        .await?;
    let number = Series::ReconciliationAct.number(today.year(), ordinal);
    let (opening, closing) = (Columns::of(sums.opening)?, Columns::of(sums.closing)?);
    let content = ReconciliationActContent {
        version: CONTENT_VERSION,
        kind: ContentKind::ReconciliationAct,
        number: number.clone(),
        place: operator.city.clone(),
        issued_on: today,
        first_day: due.interval.first_day,
        last_day: due.interval.last_day,
        operator: content::operator(&operator),
        customer: content::customer(&customer.requisites),
        contracts,
        opening_debit: opening.debit,
        opening_credit: opening.credit,
        rows,
        debit: sums.debit,
        credit: sums.credit,
        closing_debit: closing.debit,
        closing_credit: closing.credit,
        return_within: BUSINESS_DAYS_TO_RETURN,
    };
    content.check()?;
    let json = canonical_json(&content)?;
    let sha256 = sha256_hex(&json);
    let document = DocumentId::from_uuid(ctx.uuid());
    // The register shows what is owed at the end, whoever owes it.
    let balance = closing.debit.max(closing.credit);
    let new = NewDocument {
        id: document,
        kind: Series::ReconciliationAct,
        number: &number,
        customer: due.customer,
        period: due.period,
        net: balance,
        vat: Money::ZERO,
        gross: balance,
        content: &json,
        sha256: &sha256,
        issued_at: now,
    };
    tx.documents().issue(&new, &[], ACTOR).await?;
    let act = NewAct {
        document,
        customer: due.customer,
        occasion: due.occasion,
        interval: due.interval,
        opening: sums.opening,
        debit: sums.debit,
        credit: sums.credit,
        undocumented,
        closing: sums.closing,
        send_by: due.send_by,
    };
    tx.reconciliation_acts().insert(&act).await?;
    let language = Language::parse(&customer.language).unwrap_or(Language::UzLatn);
    let text = mail_text::reconciliation_act(language, &number, due.interval, &operator.legal_name);
    for (nth, recipient) in recipients(tx, &customer).await?.into_iter().enumerate() {
        let mail = NewMail {
            id: MailId::from_uuid(ctx.uuid()),
            dedupe_key: format!("document:{document}:{nth}"),
            recipient,
            subject: text.subject.clone(),
            body: text.body.clone(),
            document: Some(document),
            language: customer.language.clone(),
        };
        tx.outbox().push(&mail, now).await?;
    }
    Ok(())
}

async fn customer_of(tx: &mut Tx, id: CustomerId) -> Result<Customer, DbError> {
    tx.customers()
        .find(id)
        .await?
        .ok_or_else(|| DbError::Inconsistent(format!("{id} has gone")))
}

/// The addresses of the newest blank [003 §5.14]; the customer's own where it names none.
async fn recipients(tx: &mut Tx, customer: &Customer) -> Result<Vec<String>, DbError> {
    let mut emails = tx.reconciliation_acts().notice_emails(customer.id).await?;
    emails.dedup();
    if emails.is_empty() {
        emails.push(customer.requisites.email.as_str().to_owned());
    }
    Ok(emails)
}

/// Reminds customers of acts that were due back by yesterday, once each. `done` counts reminders.
pub async fn remind(ctx: &Context) -> Result<Summary, JobError> {
    let today = ctx.today();
    let calendar = calendar(ctx).await?;
    let mut summary = Summary::default();
    let mut after = None;
    loop {
        let sent_before = minus_days(today, u64::from(BUSINESS_DAYS_TO_RETURN));
        let acts = ctx.store.acts_not_returned(sent_before, after, BATCH).await?;
        let Some(last) = acts.last() else {
            return Ok(summary);
        };
        after = Some(last.act.document);
        for act in &acts {
            let Some(sent_on) = act.sent_on else { continue };
            let due = return_by(&calendar, sent_on);
            if due < today {
                remind_of(ctx, act, due).await?;
                summary.done += 1;
            }
        }
    }
}

async fn remind_of(ctx: &Context, act: &ActRecord, due: NaiveDate) -> Result<(), JobError> {
    let mut tx = ctx.store.begin().await?;
    let operator = tx
        .operator()
        .find()
        .await?
        .ok_or(JobError::NoOperator)?
        .requisites;
    let customer = customer_of(&mut tx, act.act.customer).await?;
    let language = Language::parse(&customer.language).unwrap_or(Language::UzLatn);
    let text = mail_text::act_reminder(language, &act.number, due, &operator.legal_name);
    let recipient = recipients(&mut tx, &customer).await?.into_iter().next();
    let mail = NewMail {
        id: MailId::from_uuid(ctx.uuid()),
        dedupe_key: format!("act-reminder:{}", act.act.document.uuid()),
        recipient: recipient.unwrap_or_default(),
        subject: text.subject,
        body: text.body,
        document: Some(act.act.document),
        language: customer.language,
    };
    tx.outbox().push(&mail, ctx.now()).await?;
    tx.save().await?;
    Ok(())
}
