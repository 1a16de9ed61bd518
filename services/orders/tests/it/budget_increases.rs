//! orders.md §6 [003 §5.2]: more budget for a signed media line, for total and monthly budgets.

use chrono::NaiveDate;
use namoyish_domain::billing::document::Series;
use namoyish_domain::billing::invoice::{InvoiceTerms, LineCharge, LineToInvoice, draw_up};
use namoyish_domain::billing::ledger::PaymentMethod;
use namoyish_domain::calendar::{BusinessCalendar, ReportingPeriod, at_tashkent};
use namoyish_domain::ids::{CustomerId, InvoiceId, LineId};
use namoyish_domain::money::{Money, Rate};
use namoyish_domain::orders::order_blank::{Budget, BudgetMode, LineKind, Prepayment, VatTerms};
use namoyish_domain::orders::runnable::{NotRunning, why_not_running};
use namoyish_orders::app::increase_budget::{IncreaseBudget, Increased, increase_budget, preview_increase};
use namoyish_orders::app::record_payment::{PaymentRecorded, RecordPayment, record_payment};
use namoyish_runtime::context::{Actor, Role};
use namoyish_settlement::increases::{Decided, decide};
use namoyish_storage::budget_increases::{BudgetIncrease, IncreaseState};
use namoyish_storage::invoices::{InvoiceKind, InvoiceRecord, IssueInvoice};
use namoyish_testkit::contracts::{self, BlankSpec, LineSpec};
use namoyish_testkit::{TestContext, context_at};

fn sum(text: &str) -> Money {
    Money::parse(text).unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// A customer with one media line at 12,000 per thousand, VAT 12 %, its invoices issued and nothing paid.
struct Contract {
    ctx: TestContext,
    customer: CustomerId,
    line: LineId,
}

async fn contract(mode: BudgetMode, prepayment: Prepayment, budget: &str, last_day: &str) -> Contract {
    let ctx = context_at(1, at_tashkent("2026-10-20T10:00:00".parse().unwrap())).await;
    contracts::operator(&ctx, true).await;
    let customer = contracts::customer(&ctx, "osh", 1).await;
    let line = sign(&ctx, customer, "OB-1", mode, prepayment, budget, last_day).await;
    Contract { ctx, customer, line }
}

async fn sign(
    ctx: &TestContext,
    customer: CustomerId,
    code: &str,
    mode: BudgetMode,
    prepayment: Prepayment,
    budget: &str,
    last_day: &str,
) -> LineId {
    let budget = Budget {
        mode,
        amount: sum(budget),
    };
    let line_code = format!("{code}/1");
    let spec = BlankSpec {
        customer,
        code,
        prepayment,
        vat: VatTerms::Payer(Rate::parse("0.12").unwrap()),
        lines: vec![LineSpec {
            code: &line_code,
            kind: LineKind::Media,
            unit_price: "12000.00",
            term: ("2026-11-01", last_day),
            budget: Some(budget),
            ready_from: Some("2026-10-21"),
        }],
    };
    let (blank, lines) = contracts::signed_blank(ctx, &spec).await;
    let mut tx = ctx.store.begin().await.unwrap();
    let line = tx.order_lines().find(lines[0]).await.unwrap().unwrap();
    let calendar = BusinessCalendar::shipped();
    let terms = InvoiceTerms {
        signed_on: ctx.today(),
        prepayment,
        own_due_on: None,
        vat_rate: Rate::parse("0.12").unwrap(),
        calendar: &calendar,
    };
    let to_invoice = LineToInvoice {
        line: line.id,
        term: line.term,
        charge: LineCharge::Media(budget),
    };
    for draft in draw_up(terms, &[to_invoice]).unwrap() {
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
    line.id
}

impl Contract {
    fn owner(&self) -> Actor {
        Actor::customer("aziza", Role::Owner, self.customer)
    }

    fn at(&self, local: &str) {
        self.ctx.clock.advance_to(at_tashkent(local.parse().unwrap()));
    }

    async fn pay(&self, amount: &str, on: &str, named: Option<String>) -> PaymentRecorded {
        let payment = RecordPayment {
            customer: self.customer,
            amount: sum(amount),
            received_on: day(on),
            method: PaymentMethod::Bank,
            named_invoice: named,
            reference: String::new(),
            idempotency_key: self.ctx.uuid().to_string(),
        };
        let accountant = Actor::staff("dilnoza", Role::Accountant);
        record_payment(&self.ctx, &accountant, payment).await.unwrap()
    }

    async fn increase(&self, amount: &str) -> Increased {
        let cmd = IncreaseBudget {
            line: self.line,
            amount: sum(amount),
        };
        increase_budget(&self.ctx, &self.owner(), cmd).await.unwrap()
    }

    async fn refused(&self, amount: &str) -> &'static str {
        let cmd = IncreaseBudget {
            line: self.line,
            amount: sum(amount),
        };
        increase_budget(&self.ctx, &self.owner(), cmd)
            .await
            .unwrap_err()
            .code()
    }

    async fn budget(&self) -> String {
        let mut tx = self.ctx.store.begin().await.unwrap();
        let line = tx.order_lines().find(self.line).await.unwrap().unwrap();
        line.budget.unwrap().amount.to_string()
    }

    async fn free(&self) -> Money {
        let mut tx = self.ctx.store.begin().await.unwrap();
        let free = tx.payments().free_of(self.customer).await.unwrap();
        Money::sum(free.iter().map(|money| money.free)).unwrap()
    }

    async fn requests(&self) -> Vec<BudgetIncrease> {
        self.ctx
            .store
            .budget_increases_of(self.line, None, 100)
            .await
            .unwrap()
    }

    async fn invoices(&self) -> Vec<InvoiceRecord> {
        self.ctx.store.invoices_of(self.customer, "", 100).await.unwrap()
    }

    async fn reasons(&self, on: &str) -> Vec<NotRunning> {
        let mut tx = self.ctx.store.begin().await.unwrap();
        let facts = tx.line_facts(&[self.line], day(on)).await.unwrap();
        why_not_running(&facts[0].facts, day(on))
    }

    async fn changes(&self) -> Vec<String> {
        let mut tx = self.ctx.store.begin().await.unwrap();
        let changes = tx.order_lines().changes(self.line, 0, 100).await.unwrap();
        changes.into_iter().map(|change| change.kind).collect()
    }

    /// What the worker does at a tick; gives what became of each request that there was something to decide about.
    async fn tick(&self) -> Vec<Decided> {
        let mut tx = self.ctx.store.begin().await.unwrap();
        let due = tx
            .budget_increases()
            .to_decide(self.ctx.today(), None, 100)
            .await
            .unwrap();
        drop(tx);
        let mut decided = vec![];
        for (increase, line) in due {
            let mut tx = self.ctx.store.begin().await.unwrap();
            decided.push(
                decide(&mut tx, &self.ctx, "billing", increase, line)
                    .await
                    .unwrap(),
            );
            tx.save().await.unwrap();
        }
        decided
    }
}

/// 300,000 in November, its invoice of 336,000.00 paid, and more paid in.
async fn november(free: &str) -> Contract {
    let contract = contract(BudgetMode::Total, Prepayment::Full, "300000.00", "2026-11-30").await;
    contract.pay("336000.00", "2026-10-20", None).await;
    if free != "0.00" {
        contract.pay(free, "2026-10-20", None).await;
    }
    contract.at("2026-11-10T14:30:00");
    contract
}

#[tokio::test]
async fn free_advance_that_covers_the_sum_with_vat_raises_the_budget_at_once() {
    // orders.md §6: 100,000.00 and 12,000.00 of VAT.
    let contract = november("112000.00").await;
    let version = contract.ctx.store.snapshot_version().await.unwrap();
    let increased = contract.increase("100000.00").await;
    assert_eq!(
        (increased.request.state, increased.to_pay),
        (IncreaseState::InForce, None)
    );
    assert_eq!(
        increased.request.budgets,
        Some((sum("300000.00"), sum("400000.00")))
    );
    assert_eq!(contract.budget().await, "400000.00");
    assert_eq!(contract.free().await, Money::ZERO);
    assert!(
        contract.ctx.store.snapshot_version().await.unwrap() > version,
        "the serving nodes are told"
    );
    assert_eq!(contract.changes().await, ["budget_increased"]);
    let invoices = contract.invoices().await;
    let issued = &invoices[1];
    assert_eq!(
        (
            issued.kind,
            issued.gross,
            issued.paid,
            issued.due_on,
            issued.paid_on
        ),
        (
            InvoiceKind::BudgetIncrease,
            sum("112000.00"),
            sum("112000.00"),
            day("2026-11-10"),
            Some(day("2026-11-10"))
        )
    );
}

#[tokio::test]
async fn what_free_advance_lacks_is_invoiced_for_30_days_and_the_budget_waits() {
    // orders.md §6: an invoice for the missing sum, due in 30 calendar days.
    let contract = november("50000.00").await;
    let increased = contract.increase("100000.00").await;
    assert_eq!(increased.request.state, IncreaseState::Pending);
    let (_, number) = increased.to_pay.unwrap();
    let invoices = contract.invoices().await;
    let missing = invoices.iter().find(|invoice| invoice.number == number).unwrap();
    assert_eq!(
        (missing.gross, missing.due_on, missing.paid),
        (sum("62000.00"), day("2026-12-10"), Money::ZERO)
    );
    // Both invoices together are the added sum with its VAT, to the tiyin.
    assert_eq!(
        invoices[1].net.checked_add(missing.net).unwrap(),
        sum("100000.00")
    );
    assert_eq!(invoices[1].vat.checked_add(missing.vat).unwrap(), sum("12000.00"));
    assert_eq!(
        (contract.budget().await, contract.free().await),
        ("300000.00".to_owned(), Money::ZERO)
    );
    // The line runs on with the budget that it has, also past the due date of that invoice.
    for on in ["2026-11-11", "2026-11-30"] {
        assert_eq!(contract.reasons(on).await, [], "{on}");
    }
    // A payment in part changes nothing; the rest, on the 20th day, raises the budget in its own transaction.
    contract.at("2026-11-20T09:00:00");
    contract.pay("61999.99", "2026-11-20", Some(number.clone())).await;
    assert_eq!(contract.budget().await, "300000.00");
    contract.at("2026-11-29T09:00:00");
    contract.pay("0.01", "2026-11-29", None).await;
    assert_eq!(contract.budget().await, "400000.00");
    assert_eq!(contract.requests().await[0].state, IncreaseState::InForce);
    assert_eq!(
        contract.changes().await,
        ["budget_increase_requested", "budget_increased"]
    );
    assert_eq!(contract.tick().await, []);
}

/// 300,000 from November to January, paid, with a request of 100,000 on 10 November that lacks 62,000.00.
async fn waiting() -> (Contract, String) {
    let contract = contract(BudgetMode::Total, Prepayment::Full, "300000.00", "2027-01-31").await;
    contract.pay("336000.00", "2026-10-20", None).await;
    contract.pay("50000.00", "2026-10-20", None).await;
    contract.at("2026-11-10T14:30:00");
    let number = contract.increase("100000.00").await.to_pay.unwrap().1;
    (contract, number)
}

#[tokio::test]
async fn unpaid_at_the_end_of_the_30th_day_the_request_lapses_and_its_money_is_free_again() {
    let (contract, number) = waiting().await;
    contract.pay("10000.00", "2026-11-10", Some(number.clone())).await;
    contract.at("2026-12-10T23:59:59");
    assert_eq!(contract.tick().await, []);
    contract.at("2026-12-11T00:00:00");
    assert_eq!(contract.tick().await, [Decided::Lapsed]);
    assert_eq!(contract.tick().await, []);
    assert_eq!(contract.requests().await[0].state, IncreaseState::Lapsed);
    assert_eq!(contract.budget().await, "300000.00");
    // What was taken from free advance and what was paid in: all of it.
    assert_eq!(contract.free().await, sum("60000.00"));
    for invoice in &contract.invoices().await[1..] {
        assert!(invoice.voided && invoice.due_gross.is_zero() && invoice.paid.is_zero());
    }
    assert_eq!(contract.reasons("2026-12-20").await, []);
    // A payment that comes later is free advance, also when it names the void invoice.
    let late = contract.pay("52000.00", "2026-12-11", Some(number)).await;
    assert_eq!((late.parts.len(), late.free), (0, sum("52000.00")));
    assert_eq!(contract.budget().await, "300000.00");
    // And a new request finds it.
    assert_eq!(
        contract.increase("100000.00").await.request.state,
        IncreaseState::InForce
    );
    assert_eq!(
        (contract.budget().await, contract.free().await),
        ("400000.00".to_owned(), Money::ZERO)
    );
}

#[tokio::test]
async fn the_day_on_which_the_money_came_in_counts_and_not_the_day_of_its_entry() {
    // billing.md §3 [003 §5.13], while the worker stood still over the 30th day.
    let (contract, _) = waiting().await;
    contract.at("2026-12-12T10:00:00");
    contract.pay("62000.00", "2026-12-10", None).await;
    assert_eq!(contract.requests().await[0].state, IncreaseState::InForce);

    let (contract, _) = waiting().await;
    contract.at("2026-12-12T10:00:00");
    contract.pay("62000.00", "2026-12-11", None).await;
    assert_eq!(contract.requests().await[0].state, IncreaseState::Lapsed);
    assert_eq!(
        (contract.budget().await, contract.free().await),
        ("300000.00".to_owned(), sum("112000.00"))
    );
}

#[tokio::test]
async fn an_increase_that_free_advance_completes_later_is_put_in_force_by_the_worker() {
    // A second line's request lapses, and what it had taken pays the first one's missing sum.
    let contract = contract(BudgetMode::Total, Prepayment::Full, "300000.00", "2027-01-31").await;
    contract.pay("336000.00", "2026-10-20", None).await;
    let other = sign(
        &contract.ctx,
        contract.customer,
        "OB-2",
        BudgetMode::Total,
        Prepayment::Full,
        "300000.00",
        "2027-01-31",
    )
    .await;
    contract.pay("336000.00", "2026-10-20", None).await;
    contract.pay("50000.00", "2026-10-20", None).await;
    contract.at("2026-11-10T14:30:00");
    let of_other = IncreaseBudget {
        line: other,
        amount: sum("100000.00"),
    };
    increase_budget(&contract.ctx, &contract.owner(), of_other)
        .await
        .unwrap();
    contract.at("2026-11-20T14:30:00");
    contract.increase("40000.00").await;
    assert_eq!(contract.budget().await, "300000.00");
    contract.at("2026-12-11T00:00:00");
    assert_eq!(contract.tick().await, [Decided::Lapsed]);
    assert_eq!(contract.tick().await, [Decided::InForce]);
    assert_eq!(
        (contract.budget().await, contract.free().await),
        ("340000.00".to_owned(), sum("5200.00"))
    );
}

#[tokio::test]
async fn a_request_lapses_with_its_lines_service() {
    let contract = november("0.00").await;
    contract.increase("100000.00").await;
    contract.at("2026-12-01T00:00:00");
    assert_eq!(contract.tick().await, [Decided::Lapsed]);
}

#[tokio::test]
async fn every_refusal_of_an_increase_has_its_own_code() {
    let contract = november("0.00").await;
    assert_eq!(contract.refused("0.00").await, "increase_not_positive");
    assert_eq!(contract.refused("-1.00").await, "increase_not_positive");
    assert_eq!(contract.refused("1000000000000.00").await, "increase_over_limit");
    let cmd = IncreaseBudget {
        line: contract.line,
        amount: sum("1.00"),
    };
    let code = async |actor: Actor| {
        increase_budget(&contract.ctx, &actor, cmd)
            .await
            .unwrap_err()
            .code()
    };
    let other = contracts::customer(&contract.ctx, "bek", 2).await;
    assert_eq!(
        code(Actor::customer("x", Role::Owner, other)).await,
        "no_such_line"
    );
    assert_eq!(
        code(Actor::customer("x", Role::Viewer, contract.customer)).await,
        "not_allowed"
    );
    assert_eq!(code(Actor::staff("x", Role::Moderator)).await, "not_allowed");
    let nowhere = IncreaseBudget {
        line: LineId::from_uuid(contract.ctx.uuid()),
        ..cmd
    };
    assert_eq!(
        increase_budget(&contract.ctx, &contract.owner(), nowhere)
            .await
            .unwrap_err()
            .code(),
        "no_such_line"
    );
    // One request at a time waits for its money, however small the next one.
    contract.increase("100000.00").await;
    assert_eq!(contract.refused("0.01").await, "increase_pending");
    contract.at("2026-12-01T00:00:00");
    assert_eq!(contract.refused("1.00").await, "increase_term_over");
    assert_eq!(contract.changes().await, ["budget_increase_requested"]);
}

#[tokio::test]
async fn a_line_that_is_no_media_line_not_signed_or_ended_gets_no_more_budget() {
    let contract = november("112000.00").await;
    let pool = contract.ctx.database.pool();
    let set = async |statement: &'static str| {
        sqlx::query(statement).execute(&pool).await.unwrap();
    };
    set("update order_blanks set state = 'completed'").await;
    assert_eq!(
        contract.refused("1.00").await,
        "increase_order_blank_not_in_force"
    );
    set("update order_blanks set state = 'in_service'").await;
    set("update order_lines set ended_on = '2026-11-10'").await;
    assert_eq!(contract.refused("1.00").await, "increase_line_ended");
    let spec = BlankSpec {
        customer: contract.customer,
        code: "OB-2",
        prepayment: Prepayment::Full,
        vat: VatTerms::Payer(Rate::parse("0.12").unwrap()),
        lines: vec![LineSpec {
            code: "OB-2/1",
            kind: LineKind::Period,
            unit_price: "1000000.00",
            term: ("2026-11-01", "2026-11-30"),
            budget: None,
            ready_from: None,
        }],
    };
    let (_, lines) = contracts::signed_blank(&contract.ctx, &spec).await;
    let cmd = IncreaseBudget {
        line: lines[0],
        amount: sum("1.00"),
    };
    let refused = increase_budget(&contract.ctx, &contract.owner(), cmd)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "increase_not_a_media_line");
}

/// 100,000 each month from November to January, the invoices of 112,000.00 each paid one by one.
async fn three_months(prepayment: Prepayment) -> Contract {
    let contract = contract(BudgetMode::Monthly, prepayment, "100000.00", "2027-01-31").await;
    contract.pay("336000.00", "2026-10-20", None).await;
    contract.at("2026-11-10T14:30:00");
    contract
}

fn told(invoices: &[InvoiceRecord]) -> Vec<(String, String, String)> {
    invoices
        .iter()
        .map(|invoice| {
            (
                invoice.due_on.to_string(),
                invoice.due_gross.to_string(),
                invoice.paid.to_string(),
            )
        })
        .collect()
}

#[tokio::test]
async fn money_paid_in_for_later_months_raises_a_monthly_budget_and_they_ask_for_it_again() {
    // orders.md §6: 60,000.00 more a month cost 67,200.00; January, the latest month, lends them to November.
    for prepayment in [Prepayment::Monthly, Prepayment::Full] {
        let contract = three_months(prepayment).await;
        let before = contract.invoices().await.len();
        let increased = contract.increase("60000.00").await;
        assert_eq!(
            (increased.request.state, increased.request.borrowed),
            (IncreaseState::InForce, sum("67200.00"))
        );
        assert_eq!(increased.request.period, ReportingPeriod::parse("2026-11").ok());
        assert_eq!(contract.budget().await, "160000.00");
        // December lacks its own added sum, January that and what it lent; due 3 business days before each begins.
        assert_eq!(
            told(&contract.invoices().await[before..]),
            [
                ("2026-11-26".to_owned(), "67200.00".to_owned(), "0.00".to_owned()),
                ("2026-12-28".to_owned(), "134400.00".to_owned(), "0.00".to_owned()),
            ]
        );
        // Unpaid, it stops December and no day of November.
        assert_eq!(contract.reasons("2026-11-30").await, [], "{prepayment:?}");
        assert_eq!(contract.reasons("2026-12-01").await, [NotRunning::InvoiceUnpaid]);
        contract.at("2026-12-02T09:00:00");
        contract.pay("67200.00", "2026-12-02", None).await;
        assert_eq!(contract.reasons("2026-12-02").await, []);
        assert_eq!(contract.reasons("2027-01-01").await, [NotRunning::InvoiceUnpaid]);
    }
}

#[tokio::test]
async fn what_a_month_has_lent_it_cannot_lend_again() {
    let contract = three_months(Prepayment::Monthly).await;
    // 224,000.00 are paid in for December and January: they are worth 200,000.00 more in November.
    contract.increase("150000.00").await;
    assert_eq!(contract.budget().await, "250000.00");
    // 56,000.00 are left, of December's money; December may begin before the rest is paid, so it lends nothing.
    let cmd = IncreaseBudget {
        line: contract.line,
        amount: sum("60000.00"),
    };
    let preview = preview_increase(&contract.ctx, &contract.owner(), cmd)
        .await
        .unwrap();
    assert_eq!(
        (preview.funding.borrowed().unwrap(), preview.funding.missing),
        (Money::ZERO, sum("67200.00"))
    );
    let whole = IncreaseBudget {
        amount: sum("50000.00"),
        ..cmd
    };
    let preview = preview_increase(&contract.ctx, &contract.owner(), whole)
        .await
        .unwrap();
    assert_eq!(
        (preview.funding.borrowed().unwrap(), preview.funding.missing),
        (sum("56000.00"), Money::ZERO)
    );
    contract.increase("50000.00").await;
    assert_eq!(contract.budget().await, "300000.00");
    assert_eq!(
        contract.increase("0.01").await.request.state,
        IncreaseState::Pending
    );
}

#[tokio::test]
async fn a_monthly_request_that_is_paid_in_a_later_month_applies_from_that_month() {
    let contract = contract(
        BudgetMode::Monthly,
        Prepayment::Monthly,
        "100000.00",
        "2027-01-31",
    )
    .await;
    contract.pay("112000.00", "2026-10-20", None).await;
    contract.at("2026-11-20T14:30:00");
    let number = contract.increase("100000.00").await.to_pay.unwrap().1;
    contract.at("2026-12-05T09:00:00");
    contract.pay("112000.00", "2026-12-05", Some(number)).await;
    let request = &contract.requests().await[0];
    assert_eq!(
        (request.state, request.period),
        (IncreaseState::InForce, ReportingPeriod::parse("2026-12").ok())
    );
    // Only January is left to be asked for.
    let invoices = contract.invoices().await;
    assert_eq!(
        told(&invoices[4..]),
        [("2026-12-28".to_owned(), "112000.00".to_owned(), "0.00".to_owned())]
    );
}

#[tokio::test]
async fn before_the_term_begins_a_budget_is_raised_for_all_of_it() {
    let contract = contract(
        BudgetMode::Monthly,
        Prepayment::Monthly,
        "100000.00",
        "2026-12-31",
    )
    .await;
    contract.pay("336000.00", "2026-10-20", None).await;
    // 112,000.00 are free, and December's 112,000.00 can lend.
    let increased = contract.increase("150000.00").await;
    assert_eq!(
        (
            increased.request.covered,
            increased.request.borrowed,
            increased.request.state
        ),
        (sum("112000.00"), sum("56000.00"), IncreaseState::InForce)
    );
}

/// Every payment holds no more than it is, and every raised budget is paid for.
async fn nobodys_money_is_spent_twice(contract: &Contract) {
    let over: i64 = sqlx::query_scalar(
        "select count(*) from payments p where p.amount < coalesce((select sum(a.amount) from payment_allocations a where a.payment_id = p.id), 0)
            - coalesce((select sum(r.amount) from allocation_releases r where r.payment_id = p.id), 0)",
    )
    .fetch_one(&contract.ctx.database.pool())
    .await
    .unwrap();
    assert_eq!(over, 0, "payments that pay more than they are");
    let unpaid: i64 = sqlx::query_scalar(
        "select count(*) from budget_increases r where r.state = 'in_force' and r.gross > r.borrowed + (select coalesce(sum(i.paid), 0)
            from budget_increase_invoices b join invoice_standings i on i.id = b.invoice_id where b.increase_id = r.id and b.part <> 'later')",
    )
    .fetch_one(&contract.ctx.database.pool())
    .await
    .unwrap();
    assert_eq!(unpaid, 0, "budgets that nobody paid for");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_200_simultaneous_increases_none_raises_a_budget_that_nobody_paid_for() {
    // Two lines of one customer ask for 1,000.00 a hundred times each; 56,000.00 are free, worth fifty of them.
    let contract = november("0.00").await;
    let other = {
        let before = contract.ctx.store.snapshot_version().await.unwrap();
        assert!(before > 0);
        let mut tx = contract.ctx.store.begin().await.unwrap();
        let line = tx.order_lines().find(contract.line).await.unwrap().unwrap();
        drop(tx);
        let second = namoyish_storage::order_lines::OrderLine {
            id: LineId::from_uuid(contract.ctx.uuid()),
            position: 2,
            code: "OB-1/2".to_owned(),
            ..line
        };
        let mut tx = contract.ctx.store.begin().await.unwrap();
        tx.order_lines().insert(&second).await.unwrap();
        tx.save().await.unwrap();
        second.id
    };
    contract.pay("56000.00", "2026-11-10", None).await;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..200 {
        let ctx = (*contract.ctx).clone();
        let actor = contract.owner();
        let line = if n % 2 == 0 { contract.line } else { other };
        tasks.spawn(async move {
            let cmd = IncreaseBudget {
                line,
                amount: sum("1000.00"),
            };
            match increase_budget(&ctx, &actor, cmd).await {
                Ok(increased) => increased.request.state.code(),
                Err(error) => error.code(),
            }
        });
    }
    let mut outcomes = std::collections::BTreeMap::new();
    while let Some(outcome) = tasks.join_next().await {
        *outcomes.entry(outcome.unwrap()).or_insert(0) += 1;
    }
    // Fifty are in force, one of each line waits for money, and the others are refused for that.
    assert_eq!(
        outcomes,
        [("in_force", 50), ("increase_pending", 148), ("pending", 2)].into()
    );
    nobodys_money_is_spent_twice(&contract).await;
    let raised: i64 = sqlx::query_scalar("select (sum(budget) - 600000)::bigint from order_lines")
        .fetch_one(&contract.ctx.database.pool())
        .await
        .unwrap();
    assert_eq!(raised, 50_000);
    assert_eq!(contract.free().await, Money::ZERO);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn payments_and_increases_at_once_lock_in_one_order() {
    let contract = november("0.00").await;
    contract.increase("1000.00").await;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..40 {
        let ctx = (*contract.ctx).clone();
        let (actor, line, customer) = (contract.owner(), contract.line, contract.customer);
        tasks.spawn(async move {
            if n % 2 == 0 {
                let cmd = IncreaseBudget {
                    line,
                    amount: sum("100.00"),
                };
                return match increase_budget(&ctx, &actor, cmd).await {
                    Ok(_) => "asked",
                    Err(error) => error.code(),
                };
            }
            let payment = RecordPayment {
                customer,
                amount: sum("112.00"),
                received_on: ctx.today(),
                method: PaymentMethod::Bank,
                named_invoice: None,
                reference: String::new(),
                idempotency_key: format!("k{n}"),
            };
            let accountant = Actor::staff("dilnoza", Role::Accountant);
            match record_payment(&ctx, &accountant, payment).await {
                Ok(_) => "paid",
                Err(error) => error.code(),
            }
        });
    }
    let mut paid = 0;
    while let Some(outcome) = tasks.join_next().await {
        match outcome.unwrap() {
            "paid" => paid += 1,
            "asked" | "increase_pending" => {}
            other => panic!("{other}"),
        }
    }
    assert_eq!(paid, 20, "no payment lost to a deadlock");
    contract.tick().await;
    nobodys_money_is_spent_twice(&contract).await;
}
