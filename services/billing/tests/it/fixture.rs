//! A customer with a signed blank, its payments and its counted impressions, and a worker's day by day.

use namoyish_billing::BillingSettings;
use namoyish_billing::worker::{self, TickReport};
use namoyish_domain::billing::allocation::{MoneyReceived, allocate};
use namoyish_domain::billing::document::Series;
use namoyish_domain::billing::invoice::{InvoiceTerms, LineCharge, LineToInvoice, draw_up};
use namoyish_domain::billing::ledger::{PaymentMethod, PaymentToPost, posting_of_payment};
use namoyish_domain::calendar::{
    BusinessCalendar, ReportingPeriod, Timestamp, day_start, plus_days, tashkent_day,
};
use namoyish_domain::delivery::counters::{Epoch, Event, EventKind};
use namoyish_domain::ids::{
    AdMaterialId, CustomerId, InvoiceId, LineId, OrderBlankId, PaymentId, PlacementId, PostingId, SegmentId,
};
use namoyish_domain::money::{Money, Rate, UnitPrice};
use namoyish_domain::orders::order_blank::{Budget, BudgetMode, LineKind, Prepayment, VatTerms};
use namoyish_runtime::context::Context;
use namoyish_runtime::mail::Mailer;
use namoyish_storage::counting::SegmentFacts;
use namoyish_storage::invoices::{InvoiceKind, IssueInvoice};
use namoyish_storage::payments::PaymentRecord;
use namoyish_testkit::contracts::{self, BlankSpec, LineSpec};
use namoyish_testkit::{TestContext, context_at};
use uuid::Uuid;

pub fn sum(text: &str) -> Money {
    Money::parse(text).unwrap()
}

pub fn period(text: &str) -> ReportingPeriod {
    ReportingPeriod::parse(text).unwrap()
}

pub fn tashkent(text: &str) -> Timestamp {
    namoyish_domain::calendar::at_tashkent(text.parse().unwrap())
}

pub fn vat() -> VatTerms {
    VatTerms::Payer(Rate::parse("0.12").unwrap())
}

/// A context at an instant of Tashkent, with an operator.
pub async fn operator_at(now: &str, vat_payer: bool) -> TestContext {
    let ctx = context_at(1, tashkent(now)).await;
    contracts::operator(&ctx, vat_payer).await;
    ctx
}

pub fn period_line<'a>(
    code: &'a str,
    first: &'a str,
    last: &'a str,
    ready_from: Option<&'a str>,
) -> LineSpec<'a> {
    LineSpec {
        code,
        kind: LineKind::Period,
        unit_price: "1000000.00",
        term: (first, last),
        budget: None,
        ready_from,
    }
}

pub fn media_line<'a>(
    code: &'a str,
    first: &'a str,
    last: &'a str,
    price: &'a str,
    budget: &str,
) -> LineSpec<'a> {
    LineSpec {
        code,
        kind: LineKind::Media,
        unit_price: price,
        term: (first, last),
        budget: Some(Budget {
            mode: BudgetMode::Total,
            amount: sum(budget),
        }),
        ready_from: Some(first),
    }
}

/// Signs a blank with these lines now.
pub async fn sign(
    ctx: &Context,
    customer: CustomerId,
    code: &str,
    vat: VatTerms,
    lines: Vec<LineSpec<'_>>,
) -> (OrderBlankId, Vec<LineId>) {
    let spec = BlankSpec {
        customer,
        code,
        prepayment: Prepayment::Monthly,
        vat,
        lines,
    };
    contracts::signed_blank(ctx, &spec).await
}

/// Issues the invoices of a blank's lines, as its signing does.
pub async fn issue_invoices(ctx: &Context, customer: CustomerId, blank: OrderBlankId, lines: &[LineId]) {
    issue_invoices_signed_on(ctx, customer, blank, lines, ctx.today()).await;
}

/// The same for a signature that is recorded later than it was given.
pub async fn issue_invoices_signed_on(
    ctx: &Context,
    customer: CustomerId,
    blank: OrderBlankId,
    lines: &[LineId],
    signed_on: chrono::NaiveDate,
) {
    let calendar = BusinessCalendar::shipped();
    let mut tx = ctx.store.begin().await.unwrap();
    let terms = InvoiceTerms {
        signed_on,
        prepayment: Prepayment::Monthly,
        own_due_on: None,
        vat_rate: vat().rate(),
        calendar: &calendar,
    };
    let mut to_invoice = vec![];
    for id in lines {
        let line = tx.order_lines().find(*id).await.unwrap().unwrap();
        let charge = match line.budget {
            Some(budget) => LineCharge::Media(budget),
            None => LineCharge::Period(line.unit_price),
        };
        to_invoice.push(LineToInvoice {
            line: line.id,
            term: line.ordered_term,
            charge,
        });
    }
    for draft in draw_up(terms, &to_invoice).unwrap() {
        let ordinal = tx.take_number(Series::Invoice.name(), 2026).await.unwrap();
        let invoice = IssueInvoice {
            id: InvoiceId::from_uuid(ctx.uuid()),
            number: &Series::Invoice.number(2026, ordinal),
            customer,
            order_blank: Some(blank),
            kind: InvoiceKind::Prepayment,
            issued_at: ctx.now(),
            draft: &draft,
        };
        tx.invoices().issue(&invoice).await.unwrap();
    }
    tx.save().await.unwrap();
}

/// Money that comes in today, as the command records it.
pub async fn pay(ctx: &Context, customer: CustomerId, amount: &str) {
    let mut tx = ctx.store.begin().await.unwrap();
    tx.ledger().lock_customer(customer).await.unwrap();
    let id = PaymentId::from_uuid(ctx.uuid());
    let payment = PaymentRecord {
        id,
        customer,
        received_on: ctx.today(),
        amount: sum(amount),
        method: PaymentMethod::Bank,
        named_invoice: None,
        reference: String::new(),
        recorded_at: ctx.now(),
        recorded_by: "sinov".to_owned(),
        idempotency_key: id.to_string(),
    };
    let open = tx.invoices().open_of(customer).await.unwrap();
    let receivable = tx.ledger().balances_of(customer).await.unwrap().receivable;
    let money = MoneyReceived {
        amount: payment.amount,
        received_on: payment.received_on,
        named: None,
    };
    tx.payments().insert(&payment).await.unwrap();
    for part in allocate(money, &open).unwrap().parts {
        tx.payments().allocate(id, &part).await.unwrap();
    }
    let posting = posting_of_payment(&PaymentToPost {
        customer,
        amount: payment.amount,
        method: payment.method,
        receivable,
        posted_on: payment.received_on,
        document_ref: id.to_string(),
    })
    .unwrap();
    tx.ledger()
        .append(PostingId::from_uuid(ctx.uuid()), &posting, ctx.now())
        .await
        .unwrap();
    tx.save().await.unwrap();
}

/// Counts `n` impressions of a line at noon of a day, through a journal's segment.
pub async fn count(ctx: &Context, line: LineId, day: &str, n: u32) {
    let at = day_start(day.parse().unwrap()) + chrono::TimeDelta::hours(12);
    let mut tx = ctx.store.begin().await.unwrap();
    tx.counting().set_cap(line, 0, 1_000_000_000).await.unwrap();
    let generation = u32::try_from(tx.counting().new_generation(line, 0, ctx.now()).await.unwrap()).unwrap();
    let events: Vec<Event> = (0..n)
        .map(|number| Event {
            kind: EventKind::Impression,
            line,
            scope: 0,
            generation,
            epoch: Epoch::of(at),
            number,
            material: AdMaterialId::from_uuid(Uuid::from_u128(1)),
            placement: PlacementId::from_uuid(Uuid::from_u128(1)),
            region: None,
            decided_at: at,
            counted_at: at,
        })
        .collect();
    let segment = SegmentFacts {
        id: SegmentId::from_uuid(ctx.uuid()),
        node: "sinov",
        sha256: "0",
        location: "",
        events: &events,
    };
    let counted = tx.counting().apply_segment(&segment, ctx.now()).await.unwrap();
    assert_eq!(counted.impressions, u64::from(n), "{counted:?}");
    tx.save().await.unwrap();
}

/// A worker with its mail folder.
pub struct Worker {
    pub settings: BillingSettings,
    pub mailer: Mailer,
    pub folder: tempfile::TempDir,
}

impl Worker {
    pub fn new() -> Worker {
        let folder = tempfile::tempdir().unwrap();
        let mailer = Mailer::folder(folder.path(), "hisob@namoyish.example").unwrap();
        Worker {
            settings: BillingSettings::default(),
            mailer,
            folder,
        }
    }

    pub async fn tick(&self, ctx: &Context) -> TickReport {
        worker::tick(ctx, &self.settings, &self.mailer).await.unwrap()
    }

    /// Advances the clock through every instant that matters, up to `until`; every tick must succeed.
    pub async fn advance(&self, ctx: &Context, until: &str) {
        let until = tashkent(until);
        let mut day = tashkent_day(ctx.now());
        while day_start(day) <= until {
            for at in worker::instants_of(&self.settings, day) {
                if at > ctx.now() && at <= until {
                    ctx.clock.advance_to(at);
                    let report = self.tick(ctx).await;
                    assert!(
                        report.first_failure().is_none(),
                        "{at}: {:?}",
                        report.first_failure()
                    );
                }
            }
            day = plus_days(day, 1);
        }
        ctx.clock.advance_to(until);
    }
}

/// The sum that a number of impressions costs, rounded once.
pub fn cost(price: &str, impressions: u64) -> Money {
    UnitPrice::parse(price)
        .unwrap()
        .of_impressions(impressions)
        .unwrap()
        .round_half_up()
        .unwrap()
}

/// A customer's primary documents, newest first.
pub async fn primaries(
    ctx: &Context,
    customer: CustomerId,
) -> Vec<namoyish_storage::documents::DocumentRecord> {
    let mut documents = ctx.store.documents_of(customer, 100).await.unwrap();
    documents.retain(|document| document.kind == "primary_document");
    documents
}
