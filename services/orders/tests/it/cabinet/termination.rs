//! Ending a contract from the order's page (orders.md §8) [003 §10], and pausing a line from its own.

use super::{made, signed_in};
use http::StatusCode;
use namoyish_domain::ids::LineId;
use namoyish_testkit::TestContext;

async fn ended_on(test: &TestContext, line: LineId) -> Option<String> {
    let mut tx = test.context.store.begin().await.unwrap();
    let line = tx.order_lines().find(line).await.unwrap().unwrap();
    line.ended_on.map(|day| day.to_string())
}

#[tokio::test]
async fn a_notice_is_previewed_with_its_days_and_given_once() {
    let (test, sample) = made(81).await;
    let mut browser = signed_in(&test, "aziza").await;
    let order = format!("/cabinet/orders/{}", sample.blank);
    let path = format!("{order}/termination");
    let page = browser.get(&order).await.body;
    assert!(
        page.contains(&format!("href=\"{path}\">Shartnomani bekor qilish</a>")),
        "{page}"
    );
    let preview = browser
        .get(&format!("{path}?what=contract&ground=ordinary"))
        .await;
    assert_eq!(preview.status, StatusCode::OK, "{}", preview.body);
    // The media line's term ends on 30 November, before the notice would end it.
    for said in ["01.12.2026", "undan oldin oʻzi tugaydi", "Xabarnomani joʻnatish"] {
        assert!(
            preview.body.contains(said),
            "{said} is missing in {}",
            preview.body
        );
    }
    assert_eq!(
        ended_on(&test, sample.period).await,
        None,
        "a preview ends nothing"
    );
    let key = preview.hidden("command_key");
    let fields = [
        ("what", "contract"),
        ("ground", "ordinary"),
        ("command_key", key.as_str()),
    ];
    for _ in 0..2 {
        let answer = browser.post(&path, &fields).await;
        assert_eq!(
            (answer.status, answer.location()),
            (StatusCode::SEE_OTHER, order.as_str()),
            "{}",
            answer.body
        );
    }
    assert_eq!(
        ended_on(&test, sample.period).await.as_deref(),
        Some("2026-12-01")
    );
    let again = browser
        .get(&format!("{path}?what=contract&ground=ordinary"))
        .await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        again.body.contains("Avvalgi xabarnoma buni 01.12.2026"),
        "{}",
        again.body
    );
    let mut tx = test.context.store.begin().await.unwrap();
    assert_eq!(
        tx.terminations()
            .of_blank(sample.blank, None, 10)
            .await
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn an_agreement_is_proposed_and_ends_nothing_before_it_is_confirmed() {
    let (test, sample) = made(82).await;
    let mut browser = signed_in(&test, "aziza").await;
    let path = format!("/cabinet/orders/{}/termination", sample.blank);
    let asked = format!("{path}?what={}&ground=agreement", sample.period);
    let refused = browser.get(&asked).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.body.contains("id=\"effective_on-error\""),
        "{}",
        refused.body
    );
    let past = browser.get(&format!("{asked}&effective_on=2026-01-01")).await;
    assert_eq!(past.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(past.body.contains("Eng erta kun"), "{}", past.body);
    let preview = browser.get(&format!("{asked}&effective_on=2026-12-10")).await;
    assert_eq!(preview.status, StatusCode::OK, "{}", preview.body);
    let key = preview.hidden("command_key");
    let line = sample.period.to_string();
    let fields = [
        ("what", line.as_str()),
        ("ground", "agreement"),
        ("effective_on", "2026-12-10"),
        ("command_key", key.as_str()),
    ];
    let answer = browser.post(&path, &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    assert_eq!(ended_on(&test, sample.period).await, None);
    let mut tx = test.context.store.begin().await.unwrap();
    let proposals = tx
        .terminations()
        .proposals_of_blank(sample.blank, None, 10)
        .await
        .unwrap();
    assert_eq!((proposals.len(), proposals[0].proposed_by.as_str()), (1, "aziza"));
}

#[tokio::test]
async fn only_the_owner_ends_its_own_contract() {
    let (test, sample) = made(83).await;
    let path = format!("/cabinet/orders/{}/termination", sample.blank);
    let mut viewer = signed_in(&test, "bobur").await;
    assert_eq!(viewer.get(&path).await.status, StatusCode::FORBIDDEN);
    let page = viewer
        .get(&format!("/cabinet/orders/{}", sample.blank))
        .await
        .body;
    assert!(!page.contains(&path), "{page}");
    let pause = format!("/cabinet/lines/{}/pause", sample.media);
    assert_eq!(viewer.post(&pause, &[]).await.status, StatusCode::FORBIDDEN);
    let mut owner = signed_in(&test, "aziza").await;
    let others = format!("/cabinet/orders/{}/termination", sample.other.blank);
    assert_eq!(owner.get(&others).await.status, StatusCode::NOT_FOUND);
    assert_eq!(owner.post(&others, &[]).await.status, StatusCode::NOT_FOUND);
    let others = format!("/cabinet/lines/{}/pause", sample.other.media);
    assert_eq!(owner.post(&others, &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_line_is_paused_and_goes_on_from_its_page() {
    let (test, sample) = made(84).await;
    let mut browser = signed_in(&test, "aziza").await;
    let path = format!("/cabinet/lines/{}", sample.media);
    for (action, button, next) in [
        ("pause", "Toʻxtatib turish", "Davom ettirish"),
        ("resume", "Davom ettirish", "Toʻxtatib turish"),
    ] {
        let page = browser.get(&path).await;
        assert!(page.body.contains(button), "{}", page.body);
        let key = page.hidden("command_key");
        for _ in 0..2 {
            let answer = browser
                .post(&format!("{path}/{action}"), &[("command_key", key.as_str())])
                .await;
            assert_eq!(
                (answer.status, answer.location()),
                (StatusCode::SEE_OTHER, path.as_str())
            );
        }
        assert!(browser.get(&path).await.body.contains(next));
    }
    let mut tx = test.context.store.begin().await.unwrap();
    assert_eq!(
        tx.order_lines()
            .find(sample.media)
            .await
            .unwrap()
            .unwrap()
            .paused_at,
        None
    );
}
