//! The page of a line's materials: upload, preview, documents, and what is refused (cabinet.md "Materials"; orders.md §4).

use super::{made, signed_in};
use http::StatusCode;

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn png(width: u32, height: u32) -> Vec<u8> {
    crate::api::world::png(width, height)
}

#[tokio::test]
async fn a_version_is_handed_in_once_and_shown_in_its_frame() {
    let (test, sample) = made(80).await;
    let mut browser = signed_in(&test, "aziza").await;
    let path = format!("/cabinet/lines/{}/materials", sample.media);
    let page = browser.get(&path).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert!(page.body.contains("class=\"frame\"") && page.body.contains("/file\" width="));
    assert!(!page.body.contains('⟦'), "{}", page.body);
    let fields = [
        ("command_key", KEY),
        ("title", "Yangi banner"),
        ("target_url", "https://misol.uz"),
    ];
    let wrong = browser.post_file(&path, &fields, Some(&png(10, 10))).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.body.contains("id=\"file-error\"") && wrong.body.contains("Yangi banner"));
    let nothing = browser.post_file(&path, &fields, None).await;
    assert_eq!(nothing.status, StatusCode::UNPROCESSABLE_ENTITY);
    let heavy = browser
        .post_file(&path, &fields, Some(&vec![0; 6 * 1024 * 1024]))
        .await;
    // All of it in one piece, it is too much before its token is read; the page names the limit of this form.
    assert_eq!(heavy.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(heavy.body.contains("5\u{a0}505\u{a0}024"), "{}", heavy.body);
    let banner = super::sample::picture();
    for _ in 0..2 {
        let done = browser.post_file(&path, &fields, Some(&banner)).await;
        assert_eq!(
            (done.status, done.location()),
            (StatusCode::SEE_OTHER, path.as_str())
        );
    }
    let page = browser.get(&path).await;
    assert_eq!(
        page.body.matches("Yangi banner</h2>").count() + page.body.matches("Yangi banner <span").count(),
        1
    );
}

#[tokio::test]
async fn a_copy_of_a_licence_is_handed_in_and_reported_revoked() {
    let (test, sample) = made(81).await;
    let mut browser = signed_in(&test, "aziza").await;
    let path = format!("/cabinet/lines/{}/materials", sample.media);
    let page = browser.get(&path).await;
    let material = page
        .body
        .split("/cabinet/materials/")
        .nth(1)
        .unwrap()
        .split('/')
        .next()
        .unwrap()
        .to_owned();
    let documents = format!("/cabinet/materials/{material}/documents");
    let mut fields = vec![
        ("command_key", KEY),
        ("kind", "licence"),
        ("number", "L-100"),
        ("issuer", "Vazirlik"),
        ("expires_on", "2026-01-01"),
    ];
    let pdf = b"%PDF-1.7\n%%EOF\n";
    let expired = browser.post_file(&documents, &fields, Some(pdf)).await;
    assert_eq!(expired.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        expired.body.contains("id=\"expires_on-1-error\""),
        "{}",
        expired.body
    );
    fields[4].1 = "2027-01-01";
    let script = browser.post_file(&documents, &fields, Some(b"<script>")).await;
    assert_eq!(script.status, StatusCode::UNPROCESSABLE_ENTITY);
    let done = browser.post_file(&documents, &fields, Some(pdf)).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    for language in ["uz-Latn", "ru", "en"] {
        browser
            .post("/language", &[("language", language), ("back", &path)])
            .await;
        let page = browser.get(&path).await;
        assert!(
            page.body.contains("L-100") && !page.body.contains('⟦'),
            "{language}"
        );
    }
    let page = browser.get(&path).await;
    let document = page
        .body
        .split(&format!("{documents}/"))
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let file = browser.get(&format!("{documents}/{document}")).await;
    assert_eq!(file.bytes, pdf);
    assert!(file.header("content-disposition").starts_with("attachment"));
    // Another customer and a viewer.
    let mut stranger = signed_in(&test, "malika").await;
    assert_eq!(stranger.get(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        stranger.get(&format!("{documents}/{document}")).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        stranger
            .get(&format!("/cabinet/materials/{material}/file"))
            .await
            .status,
        StatusCode::NOT_FOUND
    );
    let mut viewer = signed_in(&test, "bobur").await;
    let page = viewer.get(&path).await;
    assert!(!page.body.contains("enctype"), "a viewer has no form");
    assert_eq!(
        viewer.post_file(&documents, &fields, Some(pdf)).await.status,
        StatusCode::FORBIDDEN
    );
    let revoked = format!("{documents}/{document}/revoked");
    assert_eq!(
        viewer.post(&revoked, &[("command_key", KEY)]).await.status,
        StatusCode::FORBIDDEN
    );
    let done = browser.post(&revoked, &[("command_key", KEY)]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    let again = browser
        .post(&revoked, &[("command_key", "1123456789abcdef0123456789abcdef")])
        .await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_form_with_a_file_needs_its_token_and_its_own_site() {
    let (test, sample) = made(82).await;
    let mut browser = signed_in(&test, "aziza").await;
    let path = format!("/cabinet/lines/{}/materials", sample.media);
    let mut other = super::Browser::new(browser.router());
    let answer = other.post_file(&path, &[("command_key", KEY)], None).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let fields = [("form_token", "x"), ("command_key", KEY)];
    let answer = browser.post_with(&path, &fields, "x", &[]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "no multipart form");
}
