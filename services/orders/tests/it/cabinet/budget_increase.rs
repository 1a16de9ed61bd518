//! "Byudjetni oshirish" → amount → "Toʻldirish" (orders.md §6) [003 §5.2].

use super::{made, signed_in};
use crate::cabinet::sample::money;
use http::StatusCode;
use namoyish_domain::billing::ledger::PaymentMethod;
use namoyish_domain::money::Money;
use namoyish_orders::app::record_payment::{RecordPayment, record_payment};
use namoyish_runtime::context::{Actor, Role};
use namoyish_storage::budget_increases::IncreaseState;
use namoyish_testkit::TestContext;

async fn pay(test: &TestContext, customer: namoyish_domain::ids::CustomerId, amount: &str) -> Money {
    let payment = RecordPayment {
        customer,
        amount: money(amount),
        received_on: test.context.today(),
        method: PaymentMethod::Bank,
        named_invoice: None,
        reference: String::new(),
        idempotency_key: test.context.uuid().to_string(),
    };
    let accountant = Actor::staff("dilnoza", Role::Accountant);
    let recorded = record_payment(&test.context, &accountant, payment).await.unwrap();
    let mut tx = test.context.store.begin().await.unwrap();
    let free = tx.payments().free_of(customer).await.unwrap();
    assert!(recorded.free.is_positive());
    Money::sum(free.iter().map(|money| money.free)).unwrap()
}

#[tokio::test]
async fn an_increase_is_previewed_asked_for_once_and_listed_with_its_state() {
    let (test, sample) = made(31).await;
    // Pays whatever is open, and leaves more than 112,000.00 free.
    let free = pay(&test, sample.customer, "90000000.00").await;
    let mut browser = signed_in(&test, "aziza").await;
    let line = format!("/cabinet/lines/{}", sample.media);
    let page = browser.get(&line).await.body;
    assert!(
        page.contains(&format!("href=\"{line}/budget\">Byudjetni oshirish</a>")),
        "{page}"
    );
    let preview = browser.get(&format!("{line}/budget?amount=100+000%2C00")).await;
    assert_eq!(preview.status, StatusCode::OK, "{}", preview.body);
    for said in [
        "112\u{a0}000,00\u{a0}soʻm",
        "400\u{a0}000,00\u{a0}soʻm",
        "Toʻldirish",
        "Yangi byudjet bir necha soniyada",
    ] {
        assert!(
            preview.body.contains(said),
            "{said} is missing in {}",
            preview.body
        );
    }
    let asked = async || {
        test.context
            .store
            .budget_increases_of(sample.media, None, 10)
            .await
            .unwrap()
    };
    assert!(asked().await.is_empty(), "a preview asks for nothing");

    let key = preview.hidden("command_key");
    let fields = [("amount", "100 000,00"), ("command_key", key.as_str())];
    for _ in 0..2 {
        let answer = browser.post(&format!("{line}/budget"), &fields).await;
        assert_eq!(
            (answer.status, answer.location()),
            (StatusCode::SEE_OTHER, format!("{line}#budget").as_str())
        );
    }
    let requests = asked().await;
    assert_eq!(
        (
            requests.len(),
            requests[0].state,
            requests[0].requested_by.as_str()
        ),
        (1, IncreaseState::InForce, "aziza")
    );
    let page = browser.get(&line).await.body;
    for said in [
        "kuchda",
        "Byudjet oshirildi",
        "300\u{a0}000,00\u{a0}soʻm → 400\u{a0}000,00\u{a0}soʻm",
    ] {
        assert!(page.contains(said), "{said} is missing in {page}");
    }

    // More than what is free: it waits for its invoice, and no second one is offered.
    let more = free.checked_add(money("1000.00")).unwrap().to_string();
    let preview = browser.get(&format!("{line}/budget?amount={more}")).await;
    assert!(
        preview
            .body
            .contains("Hisob toʻlanganda yangi byudjet kuchga kiradi"),
        "{}",
        preview.body
    );
    let key = preview.hidden("command_key");
    let fields = [("amount", more.as_str()), ("command_key", key.as_str())];
    browser.post(&format!("{line}/budget"), &fields).await;
    assert_eq!(asked().await[0].state, IncreaseState::Pending);
    let page = browser.get(&line).await.body;
    assert!(page.contains("toʻlov kutilmoqda"), "{page}");
    assert!(
        !page.contains(&format!("href=\"{line}/budget\"")),
        "one at a time"
    );
    let again = browser.get(&format!("{line}/budget?amount=1")).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        again.body.contains("oldingi soʻrovi hali toʻlovni kutmoqda"),
        "{}",
        again.body
    );
}

#[tokio::test]
async fn a_refused_increase_says_why_at_its_field_and_keeps_what_was_entered() {
    let (test, sample) = made(32).await;
    let mut browser = signed_in(&test, "aziza").await;
    let path = format!("/cabinet/lines/{}/budget", sample.media);
    for (amount, reason) in [
        ("", "Bu maydonni toʻldiring."),
        ("besh", "Soʻmdagi summani"),
        ("0", "Noldan katta summani kiriting."),
        ("1000000000000", "dan oshmasligi kerak."),
    ] {
        let fields = [
            ("amount", amount),
            ("command_key", "0123456789abcdef0123456789abcdef"),
        ];
        let posted = browser.post(&path, &fields).await;
        let shown = browser.get(&format!("{path}?amount={amount}")).await;
        for answer in [posted, shown] {
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{amount}");
            assert!(answer.body.contains(reason), "{amount}: {}", answer.body);
            assert!(answer.body.contains("id=\"amount-error\""), "{}", answer.body);
        }
    }
    assert!(
        test.context
            .store
            .budget_increases_of(sample.media, None, 10)
            .await
            .unwrap()
            .is_empty()
    );
    // A line without a budget has no such page, and a viewer none at all.
    let period = format!("/cabinet/lines/{}/budget", sample.period);
    assert_eq!(browser.get(&period).await.status, StatusCode::NOT_FOUND);
    let mut viewer = signed_in(&test, "bobur").await;
    assert_eq!(viewer.get(&path).await.status, StatusCode::FORBIDDEN);
    let fields = [
        ("amount", "1"),
        ("command_key", "0123456789abcdef0123456789abcdef"),
    ];
    assert_eq!(viewer.post(&path, &fields).await.status, StatusCode::FORBIDDEN);
}
