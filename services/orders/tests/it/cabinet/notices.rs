//! Notices with their read state, and the public pages of rules and prices (cabinet.md; orders.md §1–2).

use super::{made, settings, signed_in};
use crate::cabinet::browser::Browser;
use http::StatusCode;
use namoyish_orders::cabinet::router;
use namoyish_runtime::notices::{Notice, tell};

#[tokio::test]
async fn a_notice_is_mailed_once_shown_in_the_readers_language_and_read_once() {
    let (test, sample) = made(900).await;
    let tell_it = async || {
        let mut tx = test.store.begin().await.unwrap();
        let notice = Notice::ContractEnded {
            order: "OB-2026-000001".into(),
            ended_on: "2026-12-01".parse().unwrap(),
        };
        tell(
            &mut tx,
            &test.context,
            sample.customer,
            Some(sample.blank),
            notice,
        )
        .await
        .unwrap();
        tx.save().await.unwrap();
        test.store.mails_waiting().await.unwrap()
    };
    // A job may tell it again and again.
    let mails = tell_it().await;
    assert_eq!(tell_it().await, mails);
    let unread = test.store.notices_unread(sample.customer).await.unwrap();
    let mut browser = signed_in(&test, "aziza").await;
    browser
        .post("/language", &[("language", "ru"), ("back", "/cabinet")])
        .await;
    let page = browser.get("/cabinet/notices").await;
    assert!(
        page.body.contains("Договор OB-2026-000001 окончен"),
        "{}",
        page.body
    );
    let (_, rest) = page.body.split_once("/cabinet/notices/").unwrap();
    let (id, _) = rest.split_once("/read").unwrap();
    let read = format!("/cabinet/notices/{id}/read");
    let answer = browser.post(&read, &[]).await;
    assert_eq!(
        (answer.status, answer.location()),
        (StatusCode::SEE_OTHER, "/cabinet/notices")
    );
    let page = browser.get("/cabinet/notices").await;
    assert!(page.body.contains("Прочитано"), "{}", page.body);
    assert_eq!(
        test.store.notices_unread(sample.customer).await.unwrap(),
        unread - 1
    );
    let nothing = browser
        .post(&format!("/cabinet/notices/nt_{}/read", "0".repeat(32)), &[])
        .await;
    assert_eq!(nothing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn rules_and_prices_are_read_by_everybody() {
    // orders.md §2: lists in force or past stay readable (the archive).
    let (test, _) = made(901).await;
    let mut anybody = Browser::new(router(test.context.clone(), settings()));
    let rules = anybody.get("/rules").await;
    assert_eq!(rules.status, StatusCode::OK);
    assert!(rules.body.contains("SHA-256") && rules.body.contains("/rules/1"));
    let prices = anybody.get("/prices").await;
    assert_eq!(prices.status, StatusCode::OK);
    assert!(prices.body.contains("banner"), "{}", prices.body);
    for missing in [
        "/rules/99",
        "/rules/x",
        "/prices?on=1950-01-01",
        "/prices?on=2100-01-01",
        "/prices?on=x",
    ] {
        assert_eq!(
            anybody.get(missing).await.status,
            StatusCode::NOT_FOUND,
            "{missing}"
        );
    }
}
