//! "Qaytarishlar va hisob-kitoblar": what can be refunded, asking for it once, how it stands (billing.md §8).

use super::{made, signed_in};
use crate::cabinet::sample::money;
use http::StatusCode;
use namoyish_domain::billing::ledger::PaymentMethod;
use namoyish_domain::billing::refund::RefundState;
use namoyish_orders::app::record_payment::{RecordPayment, record_payment};
use namoyish_runtime::context::{Actor, Role};

const PATH: &str = "/cabinet/refunds";

#[tokio::test]
async fn a_refund_is_asked_for_once_shown_with_its_deadline_and_taken_back() {
    let (test, sample) = made(41).await;
    let mut browser = signed_in(&test, "aziza").await;
    let payment = RecordPayment {
        customer: sample.customer,
        amount: money("90000000.00"),
        received_on: test.context.today(),
        method: PaymentMethod::Bank,
        named_invoice: None,
        reference: String::new(),
        idempotency_key: "refund".to_owned(),
    };
    let accountant = Actor::staff("dilnoza", Role::Accountant);
    record_payment(&test.context, &accountant, payment).await.unwrap();
    let payments = browser.get("/cabinet/payments").await.body;
    assert!(payments.contains("href=\"/cabinet/refunds\""), "{payments}");
    let page = browser.get(PATH).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert!(page.body.contains("Qaytarishni soʻrash"), "{}", page.body);

    let key = page.hidden("command_key");
    for _ in 0..2 {
        let answer = browser.post(PATH, &[("command_key", key.as_str())]).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, PATH));
    }
    let open = async || {
        let mut tx = test.context.store.begin().await.unwrap();
        tx.refunds().page(Some(sample.customer), None, 10).await.unwrap()
    };
    let refunds = open().await;
    assert_eq!(
        (refunds.len(), refunds[0].state, refunds[0].requested_by.as_str()),
        (1, RefundState::Requested, "aziza")
    );
    let page = browser.get(PATH).await;
    for said in ["Soʻralgan", "Toʻlov muddati", "Avvalgi soʻrov hali yopilmagan"] {
        assert!(page.body.contains(said), "{said} is missing in {}", page.body);
    }
    // A second request from a page that lay open comes back with the reason.
    let again = browser
        .post(PATH, &[("command_key", page.hidden("command_key").as_str())])
        .await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    let cancel = format!("{PATH}/{}/cancel", refunds[0].id);
    let key = page.hidden("command_key");
    let answer = browser.post(&cancel, &[("command_key", key.as_str())]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    assert_eq!(open().await[0].state, RefundState::Cancelled);
}

#[tokio::test]
async fn a_viewer_has_no_button_and_asks_for_nothing() {
    let (test, sample) = made(42).await;
    let mut browser = signed_in(&test, "bobur").await;
    let page = browser.get(PATH).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        !page.body.contains("action=\"/cabinet/refunds\""),
        "{}",
        page.body
    );
    let key = page.hidden("form_token");
    assert!(!key.is_empty());
    let draw = "0".repeat(32);
    let answer = browser.post(PATH, &[("command_key", draw.as_str())]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let mut tx = test.context.store.begin().await.unwrap();
    let refunds = tx.refunds().page(Some(sample.customer), None, 10).await.unwrap();
    assert!(refunds.is_empty());
}
