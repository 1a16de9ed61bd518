//! billing.md §5–§6: objections, their decisions, paper copies, claims and waivers of penalty.

use namoyish_domain::billing::correction::ShouldBe;
use namoyish_domain::billing::document::{DocumentState, Series};
use namoyish_domain::billing::invoice::{InvoiceTerms, LineCharge, LineToInvoice, draw_up};
use namoyish_domain::billing::late_penalty::{OverdueInvoice, accrue};
use namoyish_domain::billing::primary_document::{AdvanceAndDebt, LineToRender, PrimaryDocument, Tariff};
use namoyish_domain::billing::rendered::ServiceBounds;
use namoyish_domain::calendar::{BusinessCalendar, ReportingPeriod, at_tashkent};
use namoyish_domain::ids::{CustomerId, DocumentId, InvoiceId, LineId, OrderBlankId, PostingId};
use namoyish_domain::money::{Money, Rate, UnitPrice};
use namoyish_domain::orders::order_blank::{LineKind, Prepayment, Term, VatTerms};
use namoyish_orders::app::claim_penalty::{ClaimPenalty, claim_penalty};
use namoyish_orders::app::decide_objection::{DecideObjection, ObjectionVerdict, decide_objection};
use namoyish_orders::app::hand_over_paper::{HandOverPaper, hand_over_paper};
use namoyish_orders::app::object_to_document::{ObjectToDocument, object_to_document};
use namoyish_orders::app::record_payment::{RecordPayment, record_payment};
use namoyish_orders::app::waive_penalty::{WaivePenalty, waive_penalty};
use namoyish_runtime::context::{Actor, Role};
use namoyish_storage::documents::NewDocument;
use namoyish_storage::invoices::{InvoiceKind, IssueInvoice};
use namoyish_testkit::contracts::{self, BlankSpec, LineSpec};
use namoyish_testkit::{TestContext, context_at};

fn sum(text: &str) -> Money {
    Money::parse(text).unwrap()
}

fn accountant() -> Actor {
    Actor::staff("dilnoza", Role::Accountant)
}

struct World {
    ctx: TestContext,
    customer: CustomerId,
    blank: OrderBlankId,
    lines: Vec<LineId>,
    document: DocumentId,
}

/// November of two period lines of 1,000,000.00 net, in a primary document of the 1st of December that nobody has paid.
async fn december() -> World {
    let ctx = context_at(1, at_tashkent("2026-10-20T10:00:00".parse().unwrap())).await;
    contracts::operator(&ctx, true).await;
    let customer = contracts::customer(&ctx, "osh", 1).await;
    let rate = Rate::parse("0.12").unwrap();
    let line = |code| LineSpec {
        code,
        kind: LineKind::Period,
        unit_price: "1000000.00",
        term: ("2026-11-01", "2026-11-30"),
        budget: None,
        ready_from: Some("2026-10-20"),
    };
    let spec = BlankSpec {
        customer,
        code: "OB-1",
        prepayment: Prepayment::Monthly,
        vat: VatTerms::Payer(rate),
        lines: vec![line("OB-1/1"), line("OB-1/2")],
    };
    let (blank, lines) = contracts::signed_blank(&ctx, &spec).await;
    ctx.clock
        .advance_to(at_tashkent("2026-12-01T00:20:00".parse().unwrap()));
    let term = Term::new("2026-11-01".parse().unwrap(), "2026-11-30".parse().unwrap()).unwrap();
    let to_render: Vec<LineToRender> = lines
        .iter()
        .map(|line| LineToRender {
            line: *line,
            bounds: ServiceBounds {
                term,
                ended_on: None,
                ready_on: Some(term.first_day()),
            },
            unit_price: UnitPrice::parse("1000000.00").unwrap(),
            tariff: Tariff::Month,
            vat_rate: rate,
        })
        .collect();
    let held = AdvanceAndDebt {
        advance: Money::ZERO,
        receivable: Money::ZERO,
    };
    let period = ReportingPeriod::parse("2026-11").unwrap();
    let primary = PrimaryDocument::draw_up(customer, period, &to_render, held)
        .unwrap()
        .unwrap();
    let document = DocumentId::from_uuid(ctx.uuid());
    let mut tx = ctx.store.begin().await.unwrap();
    let ordinal = tx.take_number("primary_document", 2026).await.unwrap();
    let number = Series::PrimaryDocument.number(2026, ordinal);
    let new = NewDocument {
        id: document,
        kind: Series::PrimaryDocument,
        number: &number,
        customer,
        period: Some(period),
        net: primary.net(),
        vat: primary.vat(),
        gross: primary.gross(),
        content: "{}",
        sha256: "0",
        issued_at: ctx.now(),
    };
    tx.documents()
        .issue(&new, primary.lines(), "sinov")
        .await
        .unwrap();
    let posting = primary.posting(&number).unwrap().unwrap();
    tx.ledger()
        .append(PostingId::from_uuid(ctx.uuid()), &posting, ctx.now())
        .await
        .unwrap();
    tx.periods().close(period, ctx.now()).await.unwrap();
    tx.save().await.unwrap();
    World {
        ctx,
        customer,
        blank,
        lines,
        document,
    }
}

/// Issues the invoice of the blank's lines, due before it exists: its delay begins after its day of issue.
async fn issue_whole(world: &World) -> InvoiceId {
    let mut tx = world.ctx.store.begin().await.unwrap();
    let calendar = BusinessCalendar::shipped();
    let terms = InvoiceTerms {
        signed_on: "2026-10-20".parse().unwrap(),
        prepayment: Prepayment::Full,
        own_due_on: None,
        vat_rate: Rate::parse("0.12").unwrap(),
        calendar: &calendar,
    };
    let mut to_invoice = vec![];
    for line in &world.lines {
        let line = tx.order_lines().find(*line).await.unwrap().unwrap();
        to_invoice.push(LineToInvoice {
            line: line.id,
            term: line.term,
            charge: LineCharge::Period(line.unit_price),
        });
    }
    let drafts = draw_up(terms, &to_invoice).unwrap();
    let [draft] = drafts.as_slice() else {
        panic!("{drafts:?}");
    };
    let ordinal = tx.take_number("invoice", 2026).await.unwrap();
    let id = InvoiceId::from_uuid(world.ctx.uuid());
    let invoice = IssueInvoice {
        id,
        number: &Series::Invoice.number(2026, ordinal),
        customer: world.customer,
        order_blank: Some(world.blank),
        kind: InvoiceKind::Prepayment,
        issued_at: world.ctx.now(),
        draft,
    };
    tx.invoices().issue(&invoice).await.unwrap();
    tx.save().await.unwrap();
    id
}

impl World {
    fn owner(&self) -> Actor {
        Actor::customer("egasi", Role::Owner, self.customer)
    }

    fn at(&self, text: &str) {
        self.ctx.clock.advance_to(at_tashkent(text.parse().unwrap()));
    }

    async fn object(&self, actor: &Actor) -> Result<(), &'static str> {
        let cmd = ObjectToDocument {
            document: self.document,
            reasons: "Ikkinchi joy ishlamadi.".to_owned(),
        };
        object_to_document(&self.ctx, actor, cmd)
            .await
            .map(drop)
            .map_err(|error| error.code())
    }

    async fn decide(&self, actor: &Actor, verdict: ObjectionVerdict) -> Result<DocumentState, &'static str> {
        let cmd = DecideObjection {
            document: self.document,
            verdict,
            reasons: "Jurnal tekshirildi.".to_owned(),
        };
        decide_objection(&self.ctx, actor, cmd)
            .await
            .map(|decided| decided.state)
            .map_err(|error| error.code())
    }

    async fn balances(&self) -> (String, String, String) {
        let held = self.ctx.store.balances_of(self.customer).await.unwrap();
        (
            held.advance.to_string(),
            held.receivable.to_string(),
            held.penalty_receivable.to_string(),
        )
    }

    /// The blank's invoice of 2,240,000.00, due long ago, with its penalty accrued through a day.
    async fn overdue(&self, through: &str) -> InvoiceId {
        let invoice = issue_whole(self).await;
        self.accrue(invoice, through).await;
        invoice
    }

    async fn accrue(&self, invoice: InvoiceId, through: &str) {
        let mut tx = self.ctx.store.begin().await.unwrap();
        let record = tx.invoices().lookup(invoice).await.unwrap().unwrap();
        let overdue = OverdueInvoice {
            gross: record.gross,
            due_on: record.due_on.max(record.issued_on),
            paid: tx.invoices().paid_parts(invoice).await.unwrap(),
        };
        let last = tx.penalties().last_accrued(invoice).await.unwrap();
        let days = accrue(&overdue, last, through.parse().unwrap()).unwrap();
        tx.penalties().add(invoice, &days).await.unwrap();
        tx.save().await.unwrap();
    }

    async fn claim(&self, invoice: InvoiceId) -> Result<String, &'static str> {
        let cmd = ClaimPenalty {
            invoice,
            days_to_pay: None,
        };
        claim_penalty(&self.ctx, &accountant(), cmd)
            .await
            .map(|claimed| {
                format!(
                    "{} {} by {}",
                    claimed.number, claimed.claim.amount, claimed.due_on
                )
            })
            .map_err(|error| error.code())
    }

    async fn waive(&self, invoice: InvoiceId) -> Result<String, &'static str> {
        let cmd = WaivePenalty {
            invoice,
            reason: "Kelishuv".to_owned(),
        };
        waive_penalty(&self.ctx, &accountant(), cmd)
            .await
            .map(|waived| waived.amount.to_string())
            .map_err(|error| error.code())
    }

    async fn pay(&self, amount: &str, key: &str) -> String {
        let cmd = RecordPayment {
            customer: self.customer,
            amount: sum(amount),
            received_on: self.ctx.today(),
            method: namoyish_domain::billing::ledger::PaymentMethod::Bank,
            named_invoice: None,
            reference: String::new(),
            idempotency_key: key.to_owned(),
        };
        let first = record_payment(&self.ctx, &accountant(), cmd.clone())
            .await
            .unwrap();
        let again = record_payment(&self.ctx, &accountant(), cmd).await.unwrap();
        assert_eq!(first.free, again.free, "told again it answers the same");
        first.free.to_string()
    }
}

#[tokio::test]
async fn objections_are_taken_through_the_end_of_the_20th() {
    let world = december().await;
    world.at("2026-12-20T23:59:59");
    assert_eq!(world.object(&world.owner()).await, Ok(()));
    assert_eq!(world.object(&world.owner()).await, Err("objection_exists"));
    let late = december().await;
    late.at("2026-12-21T00:00:00");
    assert_eq!(late.object(&late.owner()).await, Err("objection_too_late"));
    assert_eq!(late.object(&accountant()).await, Err("objection_too_late"));
}

#[tokio::test]
async fn only_the_owner_the_accountant_and_the_desk_object_and_only_staff_decides() {
    let world = december().await;
    let own = |role| Actor::customer("x", role, world.customer);
    for role in [Role::Manager, Role::Viewer] {
        assert_eq!(world.object(&own(role)).await, Err("not_allowed"), "{role:?}");
    }
    let stranger = Actor::customer("x", Role::Owner, contracts::customer(&world.ctx, "bek", 2).await);
    assert_eq!(world.object(&stranger).await, Err("no_such_document"));
    assert_eq!(
        world.object(&Actor::staff("x", Role::Traffic)).await,
        Err("not_allowed")
    );
    assert_eq!(world.object(&own(Role::Accountant)).await, Ok(()));
    let reject = ObjectionVerdict::Reject;
    assert_eq!(
        world.decide(&world.owner(), reject.clone()).await,
        Err("not_allowed")
    );
    assert_eq!(
        world.decide(&Actor::staff("x", Role::Sales), reject).await,
        Err("not_allowed")
    );
}

#[tokio::test]
async fn an_upheld_objection_posts_the_difference_in_the_open_period_and_nothing_else() {
    let world = december().await;
    assert_eq!(world.balances().await.1, "2240000.00");
    world.at("2026-12-10T12:00:00");
    world.object(&world.owner()).await.unwrap();
    world.at("2026-12-15T12:00:00");
    let refuse = |net: &str| ObjectionVerdict::Uphold(ShouldBe::Total(sum(net)));
    for (verdict, code) in [
        (refuse("2000000.00"), "corrected_sum_not_less"),
        (refuse("-1.00"), "corrected_sum_negative"),
        (
            ObjectionVerdict::Uphold(ShouldBe::Lines(vec![(
                LineId::from_uuid(world.document.uuid()),
                Money::ZERO,
            )])),
            "no_such_document_line",
        ),
    ] {
        assert_eq!(world.decide(&accountant(), verdict).await, Err(code));
    }
    let verdict = ObjectionVerdict::Uphold(ShouldBe::Lines(vec![(world.lines[1], sum("333333.33"))]));
    assert_eq!(
        world.decide(&accountant(), verdict).await,
        Ok(DocumentState::Corrected)
    );
    // 1,000,000.00 − 333,333.33 = 666,666.67; VAT 120,000.00 − 40,000.00 = 80,000.00.
    assert_eq!(world.balances().await.1, "1493333.33");
    let documents = world.ctx.store.documents_of(world.customer, 10).await.unwrap();
    let correction = documents
        .iter()
        .find(|document| document.kind == "correction")
        .unwrap();
    assert_eq!(
        (correction.number.as_str(), correction.gross.to_string().as_str()),
        ("TH-2026-000001", "-746666.67")
    );
    assert_eq!(correction.issued_on.to_string(), "2026-12-15");
    // The first document stays as it was issued.
    let primary = world.ctx.store.document(world.document).await.unwrap().unwrap();
    assert_eq!(
        (primary.gross, primary.state),
        (sum("2240000.00"), DocumentState::Corrected)
    );
    assert!(world.ctx.store.check_ledger().await.unwrap().is_sound());
    assert_eq!(world.ctx.store.number_gaps().await.unwrap(), []);
    let again = world.decide(&accountant(), ObjectionVerdict::Reject).await;
    assert_eq!(again, Err("document_not_disputed"));
}

#[tokio::test]
async fn a_rejected_objection_leaves_the_document_and_the_ledger_as_they_are() {
    let world = december().await;
    let undisputed = world.decide(&accountant(), ObjectionVerdict::Reject).await;
    assert_eq!(undisputed, Err("document_not_disputed"));
    world.object(&world.owner()).await.unwrap();
    let before = world.balances().await;
    let decided = world.decide(&accountant(), ObjectionVerdict::Reject).await;
    assert_eq!(
        (decided, world.balances().await),
        (Ok(DocumentState::Upheld), before)
    );
    // A decision needs its reasons.
    let cmd = DecideObjection {
        document: world.document,
        verdict: ObjectionVerdict::Reject,
        reasons: " ".to_owned(),
    };
    let error = decide_objection(&world.ctx, &accountant(), cmd)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "missing");
}

#[tokio::test]
async fn a_penalty_is_claimed_exactly_and_its_rest_later() {
    let world = december().await;
    let invoice = world.overdue("2026-12-01").await;
    assert_eq!(world.claim(invoice).await, Err("invoice_not_overdue"));
    world.at("2026-12-11T09:00:00");
    world.accrue(invoice, "2026-12-11").await;
    // 10 days of 0.1 % of 2,240,000.00, due in ten calendar days.
    assert_eq!(
        world.claim(invoice).await,
        Ok("JT-2026-000001 22400.00 by 2026-12-21".to_owned())
    );
    assert_eq!(world.claim(invoice).await, Err("penalty_claimed"));
    assert_eq!(world.balances().await.2, "22400.00");
    world.at("2026-12-12T09:00:00");
    world.accrue(invoice, "2026-12-12").await;
    assert_eq!(
        world.claim(invoice).await,
        Ok("JT-2026-000002 2240.00 by 2026-12-22".to_owned())
    );
    assert!(world.ctx.store.check_ledger().await.unwrap().is_sound());
}

#[tokio::test]
async fn a_waiver_takes_what_has_accrued_and_not_what_comes() {
    let world = december().await;
    let invoice = world.overdue("2026-12-01").await;
    world.at("2026-12-04T09:00:00");
    assert_eq!(world.waive(invoice).await, Err("no_penalty_accrued"));
    world.accrue(invoice, "2026-12-04").await;
    assert_eq!(world.waive(invoice).await, Ok("6720.00".to_owned()));
    assert_eq!(world.waive(invoice).await, Err("penalty_waived"));
    assert_eq!(world.claim(invoice).await, Err("penalty_waived"));
    assert_eq!(world.balances().await.2, "0.00", "a waiver posts nothing");
    world.at("2026-12-05T09:00:00");
    world.accrue(invoice, "2026-12-05").await;
    assert!(world.claim(invoice).await.unwrap().contains(" 2240.00 "));
    // Acts of the accountant alone.
    let cmd = ClaimPenalty {
        invoice,
        days_to_pay: None,
    };
    let error = claim_penalty(&world.ctx, &world.owner(), cmd).await.unwrap_err();
    assert_eq!(error.code(), "not_allowed");
}

#[tokio::test]
async fn money_pays_invoices_before_claims_and_what_is_left_stays_free() {
    // billing.md §3: principal before penalty.
    let world = december().await;
    let invoice = world.overdue("2026-12-01").await;
    world.at("2026-12-11T09:00:00");
    world.accrue(invoice, "2026-12-11").await;
    world.claim(invoice).await.unwrap();
    assert_eq!(world.pay("2240000.00", "k1").await, "0.00");
    assert_eq!(
        world.balances().await,
        ("0.00".into(), "0.00".into(), "22400.00".into())
    );
    assert_eq!(world.pay("20000.00", "k2").await, "0.00");
    assert_eq!(world.balances().await.2, "2400.00");
    assert_eq!(world.pay("2500.00", "k3").await, "100.00");
    assert_eq!(
        world.balances().await,
        ("100.00".into(), "0.00".into(), "0.00".into())
    );
    // The register tells the same: what pays a penalty isn't free.
    let mut tx = world.ctx.store.begin().await.unwrap();
    let register = tx.registers().payments(None, None, 10).await.unwrap();
    let used: Vec<String> = register.iter().map(|entry| entry.allocated.to_string()).collect();
    assert_eq!(used, ["2400.00", "20000.00", "2240000.00"]);
    drop(tx);
    assert!(world.ctx.store.check_ledger().await.unwrap().is_sound());
}

#[tokio::test]
async fn a_paper_copy_is_handed_over_once() {
    let world = december().await;
    let cmd = HandOverPaper {
        document: world.document,
        to: "Aliyev B.".to_owned(),
    };
    let code = |result: Result<_, namoyish_orders::app::hand_over_paper::HandOverPaperError>| {
        result.map(drop).map_err(|error| error.code())
    };
    assert_eq!(
        code(hand_over_paper(&world.ctx, &world.owner(), cmd.clone()).await),
        Err("not_allowed")
    );
    assert_eq!(
        code(hand_over_paper(&world.ctx, &accountant(), cmd.clone()).await),
        Ok(())
    );
    assert_eq!(
        code(hand_over_paper(&world.ctx, &accountant(), cmd).await),
        Err("paper_handed_over")
    );
}
