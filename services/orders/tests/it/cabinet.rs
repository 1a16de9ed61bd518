//! The cabinet's pages: the router in process over a real database.

pub mod browser;
mod budget_increase;
mod materials;
mod notices;
mod refund;
pub mod sample;
mod termination;

use browser::{Browser, settings};
use http::StatusCode;
use namoyish_documents::Language;
use namoyish_domain::ids::CustomerId;
use namoyish_orders::app::create_user::{CreateUser, create_user};
use namoyish_orders::cabinet::{CabinetSettings, router};
use namoyish_runtime::context::{Actor, Role};
use namoyish_testkit::TestContext;
use sample::{PASSWORD, Sample, at, money};

async fn made(seed: u64) -> (TestContext, Sample) {
    let test = namoyish_testkit::context_at(seed, sample::begin()).await;
    let sample = sample::make(&test.context).await;
    (test, sample)
}

async fn signed_in(test: &TestContext, login: &str) -> Browser {
    let mut browser = Browser::new(router(test.context.clone(), settings()));
    let answer = browser.sign_in(login, PASSWORD).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    browser
}

/// Every page that only a signed-in customer may see.
fn pages(sample: &Sample) -> Vec<String> {
    vec![
        "/cabinet".to_owned(),
        "/cabinet/orders".to_owned(),
        format!("/cabinet/orders/{}", sample.blank),
        format!("/cabinet/lines/{}", sample.media),
        format!("/cabinet/lines/{}", sample.period),
        format!("/cabinet/lines/{}/today", sample.media),
        format!("/cabinet/lines/{}/extra-period", sample.media),
        format!("/cabinet/lines/{}/budget", sample.media),
        "/cabinet/documents".to_owned(),
        format!("/cabinet/documents/{}/json", sample.document),
        "/cabinet/invoices".to_owned(),
        format!("/cabinet/invoices/{}/pdf", sample.invoices[0]),
        "/cabinet/payments".to_owned(),
        "/cabinet/notices".to_owned(),
    ]
}

/// Every form that changes something, with fields that would be accepted.
fn forms(sample: &Sample) -> Vec<(String, Vec<(&'static str, String)>)> {
    let key = "0123456789abcdef0123456789abcdef".to_owned();
    vec![
        (
            "/sign-in".to_owned(),
            vec![("login", "aziza".to_owned()), ("password", PASSWORD.to_owned())],
        ),
        ("/sign-out".to_owned(), vec![]),
        ("/language".to_owned(), vec![("language", "ru".to_owned())]),
        (
            format!("/cabinet/lines/{}/extra-period", sample.media),
            vec![
                ("last_day", "2026-11-15".to_owned()),
                ("extra_budget", "150000".to_owned()),
                ("command_key", key.clone()),
            ],
        ),
        (
            format!("/cabinet/lines/{}/budget", sample.media),
            vec![("amount", "1000".to_owned()), ("command_key", key.clone())],
        ),
        (
            format!("/cabinet/orders/{}/termination", sample.blank),
            vec![
                ("what", "contract".to_owned()),
                ("ground", "ordinary".to_owned()),
                ("command_key", key.clone()),
            ],
        ),
        (
            format!("/cabinet/lines/{}/pause", sample.media),
            vec![("command_key", key.clone())],
        ),
        (
            format!("/cabinet/lines/{}/extra-period/end", sample.media),
            vec![("command_key", key)],
        ),
    ]
}

#[tokio::test]
async fn every_page_of_the_cabinet_asks_for_a_sign_in_and_comes_back_afterwards() {
    let (test, sample) = made(1).await;
    let mut browser = Browser::new(router(test.context.clone(), settings()));
    for page in pages(&sample) {
        let answer = browser.get(&page).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{page}");
        assert_eq!(answer.location(), format!("/sign-in?next={page}"));
    }
    for (form, fields) in forms(&sample)
        .into_iter()
        .filter(|(path, _)| path.starts_with("/cabinet"))
    {
        let fields: Vec<(&str, &str)> = fields
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let answer = browser.post(&form, &fields).await;
        assert_eq!(
            (answer.status, answer.location()),
            (StatusCode::SEE_OTHER, "/sign-in?next=/cabinet"),
            "{form}"
        );
    }
    let line = format!("/cabinet/lines/{}", sample.media);
    let form = browser.get(&format!("/sign-in?next={line}")).await;
    assert_eq!(form.status, StatusCode::OK);
    let answer = browser
        .post(
            "/sign-in",
            &[("login", "Aziza "), ("password", PASSWORD), ("next", &line)],
        )
        .await;
    assert_eq!(
        (answer.status, answer.location()),
        (StatusCode::SEE_OTHER, line.as_str())
    );
    for page in pages(&sample) {
        let answer = browser.get(&page).await;
        assert_eq!(answer.status, StatusCode::OK, "{page}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_wrong_login_and_a_wrong_password_get_the_same_answer() {
    let (test, _sample) = made(2).await;
    let mut answers = Vec::new();
    for (login, password) in [
        ("aziza", "tilla-baliq-8"),
        ("nobody", PASSWORD),
        ("nobody", "boshqa-parol"),
    ] {
        let mut browser = Browser::new(router(test.context.clone(), settings()));
        let answer = browser.sign_in(login, password).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            answer.body.contains("Login yoki parol notoʻgʻri."),
            "{}",
            answer.body
        );
        assert!(!answer.body.contains(password), "the password came back");
        assert!(browser.cookie("namoyish_session").is_none());
        answers.push(
            answer
                .body
                .replace(&format!("value=\"{login}\""), "")
                .replace(browser.form_token(), ""),
        );
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[1], answers[2]);
    let mut browser = Browser::new(router(test.context.clone(), settings()));
    let answer = browser.sign_in("", "").await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer.body.matches("Bu maydonni toʻldiring.").count(), 2);
}

#[tokio::test]
async fn the_sixth_wrong_password_waits_and_so_does_the_right_one() {
    let (test, _sample) = made(3).await;
    let mut browser = Browser::new(router(test.context.clone(), settings()));
    for _ in 0..5 {
        assert_eq!(
            browser.sign_in("aziza", "wrong-wrong").await.status,
            StatusCode::UNPROCESSABLE_ENTITY
        );
    }
    let answer = browser.sign_in("aziza", PASSWORD).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.header("retry-after"), "900");
    assert!(answer.body.contains("15"), "{}", answer.body);
    // Another user isn't kept out by it, and fifteen minutes later the first one is let in again.
    assert_eq!(
        browser.sign_in("malika", PASSWORD).await.status,
        StatusCode::SEE_OTHER
    );
    let mut later = Browser::new(browser.router());
    test.context.clock.advance_to(at("2026-11-11T14:15:00"));
    assert_eq!(
        later.sign_in("aziza", PASSWORD).await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn a_login_is_given_once_and_to_customers_that_exist() {
    let (test, sample) = made(23).await;
    let ctx = &test.context;
    let user = |login: &str, customer| CreateUser {
        login: login.to_owned(),
        password: PASSWORD.to_owned(),
        customer: Some(customer),
        role: Role::Viewer,
        language: Language::Ru,
    };
    let owner = Actor::customer("aziza", Role::Owner, sample.customer);
    let taken = create_user(ctx, &owner, user("Malika", sample.customer))
        .await
        .unwrap_err();
    assert_eq!(taken.code(), "login_taken");
    let nobody = CustomerId::from_uuid(ctx.uuid());
    let refused = create_user(ctx, &Actor::system("sample"), user("davron", nobody))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "no_such_customer");
    // Nothing of a refused user is left: the login is still free, and its pages are in the language that it was given.
    create_user(ctx, &owner, user("davron", sample.customer))
        .await
        .unwrap();
    let mut browser = signed_in(&test, "davron").await;
    assert!(browser.get("/cabinet").await.body.contains("<html lang=\"ru\">"));
}

#[tokio::test]
async fn staff_has_no_cabinet() {
    let (test, sample) = made(4).await;
    let mut browser = signed_in(&test, "sales").await;
    for page in pages(&sample) {
        assert_eq!(browser.get(&page).await.status, StatusCode::FORBIDDEN, "{page}");
    }
}

#[tokio::test]
async fn every_form_without_its_token_is_refused_and_changes_nothing() {
    let (test, sample) = made(5).await;
    for (path, fields) in forms(&sample) {
        let fields: Vec<(&str, &str)> = fields
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let mut browser = signed_in(&test, "aziza").await;
        let foreign = "f".repeat(64);
        for token in ["", "x", foreign.as_str()] {
            let answer = browser.post_with(&path, &fields, token, &[]).await;
            assert_eq!(
                answer.status,
                StatusCode::FORBIDDEN,
                "{path} with the token `{token}`"
            );
        }
        // The right token from another site's page is refused as well.
        let token = browser.form_token().to_owned();
        for header in [
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
        ] {
            let answer = browser.post_with(&path, &fields, &token, &[header]).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} with {header:?}");
        }
        assert_eq!(
            browser.get("/cabinet").await.status,
            StatusCode::OK,
            "{path}: still signed in"
        );
    }
    let extra = test
        .context
        .store
        .cabinet(sample.customer)
        .extra_periods(sample.media)
        .await
        .unwrap();
    assert!(extra.is_empty());
    // One session's token is worth nothing in another one.
    let mut aziza = signed_in(&test, "aziza").await;
    let mut malika = signed_in(&test, "malika").await;
    malika.get("/cabinet").await;
    let token = malika.form_token().to_owned();
    assert_eq!(
        aziza.post_with("/sign-out", &[], &token, &[]).await.status,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let (test, _sample) = made(6).await;
    let mut browser = signed_in(&test, "aziza").await;
    let much = "x".repeat(70 * 1024);
    let answer = browser.post("/language", &[("language", &much)]).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let many: Vec<(String, String)> = (0..70).map(|n| (format!("field{n}"), String::new())).collect();
    let many: Vec<(&str, &str)> = many
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        browser.post("/language", &many).await.status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn another_customers_things_are_not_found() {
    let (test, sample) = made(7).await;
    let mut browser = signed_in(&test, "aziza").await;
    let other = &sample.other;
    for page in [
        format!("/cabinet/orders/{}", other.blank),
        format!("/cabinet/lines/{}", other.media),
        format!("/cabinet/lines/{}/today", other.media),
        format!("/cabinet/lines/{}/extra-period", other.media),
        format!("/cabinet/documents/{}/pdf", other.document),
        format!("/cabinet/documents/{}/xlsx", other.document),
        format!("/cabinet/documents/{}/json", other.document),
        format!("/cabinet/invoices/{}/pdf", other.invoice),
        "/cabinet/lines/ln_0".to_owned(),
        format!("/cabinet/lines/{}", sample.blank),
        format!("/cabinet/documents/{}/exe", sample.document),
    ] {
        assert_eq!(browser.get(&page).await.status, StatusCode::NOT_FOUND, "{page}");
    }
    let fields = [
        ("last_day", "2026-11-15"),
        ("extra_budget", "1000"),
        ("command_key", "0123456789abcdef0123456789abcdef"),
    ];
    let path = format!("/cabinet/lines/{}/extra-period", other.media);
    assert_eq!(browser.post(&path, &fields).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        browser.post(&format!("{path}/end"), &fields).await.status,
        StatusCode::NOT_FOUND
    );
    for page in [
        "/cabinet",
        "/cabinet/orders",
        "/cabinet/documents",
        "/cabinet/invoices",
        "/cabinet/payments",
    ] {
        let body = browser.get(page).await.body;
        for id in [
            other.blank.to_string(),
            other.media.to_string(),
            other.document.to_string(),
            other.invoice.to_string(),
        ] {
            assert!(!body.contains(&id), "{page} shows {id}");
        }
    }
}

#[tokio::test]
async fn signing_out_ends_the_session_also_for_who_kept_its_cookie() {
    let (test, _sample) = made(8).await;
    let mut browser = signed_in(&test, "aziza").await;
    let kept = browser.cookie("namoyish_session").unwrap().to_owned();
    let answer = browser.post("/sign-out", &[]).await;
    assert_eq!(
        (answer.status, answer.location()),
        (StatusCode::SEE_OTHER, "/sign-in")
    );
    assert!(
        browser
            .get("/sign-in")
            .await
            .body
            .contains("Siz kabinetdan chiqdingiz.")
    );
    let mut thief = Browser::new(router(test.context.clone(), settings()));
    thief.set_cookie("namoyish_session", &kept);
    assert_eq!(thief.get("/cabinet").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_session_lasts_twelve_hours_after_its_last_use() {
    let (test, _sample) = made(9).await;
    let mut browser = signed_in(&test, "aziza").await;
    let clock = &test.context.clock;
    clock.advance_to(at("2026-11-12T01:59:00"));
    assert_eq!(browser.get("/cabinet").await.status, StatusCode::OK);
    clock.advance_to(at("2026-11-12T13:58:00"));
    assert_eq!(browser.get("/cabinet").await.status, StatusCode::OK);
    clock.advance_to(at("2026-11-13T01:59:00"));
    let answer = browser.get("/cabinet").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(
        browser.cookie("namoyish_session").is_none(),
        "the dead cookie is taken back"
    );
}

#[tokio::test]
async fn cookies_are_kept_from_scripts_and_from_plain_http() {
    let (test, _sample) = made(10).await;
    let secure = CabinetSettings {
        public_url: "https://cabinet.example.uz".to_owned(),
        ..settings()
    };
    for (settings, name, is_secure) in [
        (settings(), "namoyish_session", false),
        (secure, "__Host-namoyish_session", true),
    ] {
        let mut browser = Browser::new(router(test.context.clone(), settings));
        let answer = browser.sign_in("aziza", PASSWORD).await;
        let cookie = answer
            .cookies
            .iter()
            .find(|cookie| cookie.starts_with(&format!("{name}=")))
            .unwrap();
        assert!(cookie.contains("; HttpOnly; SameSite=Lax"), "{cookie}");
        assert!(cookie.contains("; Path=/; Max-Age=43200;"), "{cookie}");
        assert_eq!(cookie.contains("; Secure"), is_secure, "{cookie}");
    }
}

#[tokio::test]
async fn home_says_what_needs_doing_and_what_runs() {
    let (test, sample) = made(11).await;
    let mut browser = signed_in(&test, "aziza").await;
    let home = browser.get("/cabinet").await.body;
    for said in [
        "400\u{a0}000,00\u{a0}soʻm",
        "hisobini toʻlang: 2\u{a0}624\u{a0}000,00\u{a0}soʻm",
        "Muddati 17.10.2026 da tugagan.",
        "rad etilgan “Kuzgi chegirmalar” materialini almashtiring",
        "Narx yoki tarif chet el valyutasida koʻrsatilgan. Tasvir xira, kesilgan yoki oʻqib boʻlmaydi. Narxlarni soʻmda yozing.",
        "Uni qoplaydigan hisobning muddati oʻtgan.",
        "Material rad etilgan.",
        "300\u{a0}000,00\u{a0}soʻm dan 92\u{a0}100,00\u{a0}soʻm sarflandi · 30,7\u{a0}%",
        "Bugun 6\u{a0}100,00\u{a0}soʻm, reja 10\u{a0}700,00\u{a0}soʻm",
        &format!("/cabinet/lines/{}", sample.media),
    ] {
        assert!(home.contains(said), "{said} is missing in {home}");
    }
    // The paid invoice is nobody's task, and another customer's home is its own.
    assert!(!home.contains("336\u{a0}000,00"));
    let other = signed_in(&test, "malika").await.get("/cabinet").await.body;
    assert!(
        other.contains("336\u{a0}000,00\u{a0}soʻm") && !other.contains("Kuzgi"),
        "{other}"
    );
}

#[tokio::test]
async fn a_line_shows_its_plot_with_a_table_and_todays_figures() {
    let (test, sample) = made(12).await;
    let mut browser = signed_in(&test, "aziza").await;
    let page = browser
        .get(&format!("/cabinet/lines/{}", sample.media))
        .await
        .body;
    // Ten days with a spend: 8 November has none.
    assert_eq!(page.matches("<rect class=\"plot-bar\"").count(), 10);
    assert!(
        page.contains("<title id=\"plot-title\">Kunlar boʻyicha reja va amalda</title>"),
        "{page}"
    );
    assert!(page.contains("rejadan kam kunlar"), "{page}");
    assert!(page.contains("<th scope=\"row\">01.11.2026</th>"), "{page}");
    assert!(page.contains("data-live="), "{page}");
    let today = browser
        .get(&format!("/cabinet/lines/{}/today", sample.media))
        .await;
    assert_eq!(today.header("content-type"), "application/json");
    let figures: serde_json::Value = serde_json::from_str(&today.body).unwrap();
    assert_eq!(figures["impressions"], "61");
    assert_eq!(figures["quota"], "107");
    assert_eq!(figures["spent"], "6\u{a0}100,00\u{a0}soʻm");
    assert_eq!(figures["viewable"], "31");
    assert_eq!(figures["clicks"], "7");
    assert_eq!(figures["at"], "14:00");
}

#[tokio::test]
async fn an_extra_period_is_previewed_set_once_shown_in_the_history_and_switched_off() {
    let (test, sample) = made(13).await;
    let mut browser = signed_in(&test, "aziza").await;
    let line = format!("/cabinet/lines/{}", sample.media);
    let path = format!("{line}/extra-period");

    let preview = browser
        .get(&format!(
            "{path}?first_day=&last_day=15.11.2026&extra_budget=150+000%2C00"
        ))
        .await;
    assert_eq!(preview.status, StatusCode::OK, "{}", preview.body);
    for said in [
        "10\u{a0}700,00\u{a0}soʻm",
        "30\u{a0}000,00\u{a0}soʻm",
        "4\u{a0}266,67\u{a0}soʻm",
        "11.11.2026 – 15.11.2026",
    ] {
        assert!(
            preview.body.contains(said),
            "{said} is missing in {}",
            preview.body
        );
    }
    let reads = test.context.store.cabinet(sample.customer);
    assert!(
        reads.extra_periods(sample.media).await.unwrap().is_empty(),
        "a preview sets nothing"
    );

    let version = test.context.store.snapshot_version().await.unwrap();
    let key = preview.hidden("command_key");
    let fields = [
        ("first_day", ""),
        ("last_day", "15.11.2026"),
        ("extra_budget", "150 000,00"),
        ("command_key", key.as_str()),
    ];
    // Sent twice: one extra period, and the same answer.
    for _ in 0..2 {
        let answer = browser.post(&path, &fields).await;
        assert_eq!(
            (answer.status, answer.location()),
            (StatusCode::SEE_OTHER, format!("{line}#extra").as_str())
        );
    }
    assert!(
        test.context.store.snapshot_version().await.unwrap() > version,
        "the nodes are told"
    );
    let extra = reads.extra_periods(sample.media).await.unwrap();
    assert_eq!(extra.len(), 1);
    assert_eq!(
        (extra[0].extra_budget, extra[0].set_by.as_str()),
        (money("150000.00"), "aziza")
    );

    let page = browser.get(&line).await.body;
    assert!(
        page.contains("Ekstra-davr belgilandi. Yangi reja"),
        "the message is shown: {page}"
    );
    assert!(
        page.contains("Ekstra-davr belgilandi: 11.11.2026 – 15.11.2026, 150\u{a0}000,00\u{a0}soʻm"),
        "{page}"
    );
    assert!(
        !page.contains(&format!("href=\"{path}\"")),
        "no second one can be set"
    );
    assert!(
        !browser.get(&line).await.body.contains("Yangi reja"),
        "the message is shown once"
    );

    // The same key with other entries is refused, and so is a second extra period with a new key.
    let other = [
        ("last_day", "16.11.2026"),
        ("extra_budget", "1000"),
        ("command_key", key.as_str()),
    ];
    assert_eq!(browser.post(&path, &other).await.status, StatusCode::FORBIDDEN);
    let second = [
        ("last_day", "16.11.2026"),
        ("extra_budget", "1000"),
        ("command_key", "0123456789abcdef0123456789abcdef"),
    ];
    let answer = browser.post(&path, &second).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        answer
            .body
            .contains("11.11.2026 – 15.11.2026 ekstra-davri allaqachon belgilangan."),
        "{}",
        answer.body
    );

    let key = browser.get(&line).await.hidden("command_key");
    for _ in 0..2 {
        let answer = browser
            .post(&format!("{path}/end"), &[("command_key", key.as_str())])
            .await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
    }
    let extra = reads.extra_periods(sample.media).await.unwrap();
    assert_eq!(extra[0].ended.as_deref(), Some("switched_off"));
    let page = browser.get(&line).await.body;
    assert!(page.contains("Ekstra-davr oʻchirildi. Qator bir tekis"), "{page}");
    assert!(
        page.contains("Ekstra-davr tugatildi: 11.11.2026, oʻchirilgan"),
        "{page}"
    );
    assert!(
        page.contains(&format!("href=\"{path}\"")),
        "another one can be set"
    );
}

#[tokio::test]
async fn a_refused_extra_period_says_why_at_the_field_and_keeps_what_was_entered() {
    let (test, sample) = made(14).await;
    let mut browser = signed_in(&test, "aziza").await;
    let path = format!("/cabinet/lines/{}/extra-period", sample.media);
    for (first_day, last_day, budget, field, reason) in [
        ("", "", "150000", "last_day", "Bu maydonni toʻldiring."),
        (
            "",
            "yakshanba",
            "150000",
            "last_day",
            "Sanani kiriting, masalan 30.11.2026.",
        ),
        (
            "31.11.2026",
            "2026-11-30",
            "150000",
            "first_day",
            "Sanani kiriting, masalan 30.11.2026.",
        ),
        (
            "2026-11-10",
            "2026-11-15",
            "150000",
            "first_day",
            "Birinchi kun bugundan (11.11.2026) oldin",
        ),
        (
            "2026-11-20",
            "2026-11-19",
            "150000",
            "last_day",
            "Oxirgi kun birinchi kundan (20.11.2026) oldin",
        ),
        (
            "",
            "2026-12-01",
            "150000",
            "last_day",
            "Oxirgi kun 30.11.2026 dan",
        ),
        ("", "2026-11-15", "", "extra_budget", "Bu maydonni toʻldiring."),
        ("", "2026-11-15", "<b>5</b>", "extra_budget", "Soʻmdagi summani"),
        (
            "",
            "2026-11-15",
            "0",
            "extra_budget",
            "Noldan katta summani kiriting.",
        ),
        (
            "",
            "2026-11-15",
            "300000,01",
            "extra_budget",
            "butun byudjetidan koʻp: 300\u{a0}000,00\u{a0}soʻm",
        ),
        // 921 impressions at 100 so'm each are spent.
        (
            "",
            "2026-11-15",
            "207900,01",
            "extra_budget",
            "sarflanmagan qoldiqdan koʻp: 207\u{a0}900,00\u{a0}soʻm",
        ),
    ] {
        let fields = [
            ("first_day", first_day),
            ("last_day", last_day),
            ("extra_budget", budget),
            ("command_key", "0123456789abcdef0123456789abcdef"),
        ];
        let query = fields[..3]
            .iter()
            .map(|(name, value)| format!("{name}={}", browser::encoded(value)));
        let asked = browser
            .get(&format!("{path}?{}", query.collect::<Vec<_>>().join("&")))
            .await;
        let sent = browser.post(&path, &fields).await;
        for answer in [asked, sent] {
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{fields:?}");
            let error = answer
                .body
                .split(&format!("id=\"{field}-error\">"))
                .nth(1)
                .unwrap_or_default();
            assert!(
                error.split('<').next().unwrap().contains(reason),
                "{fields:?}: {error:.200}"
            );
            for (name, value) in &fields[..3] {
                let kept = format!("name=\"{name}\"");
                let input = answer.body.split(&kept).nth(1).unwrap();
                let input = input.split('>').next().unwrap();
                let value = value.replace('<', "&#60;").replace('>', "&#62;");
                assert!(input.contains(&format!("value=\"{value}\"")), "{name}: {input}");
            }
        }
    }
    let reads = test.context.store.cabinet(sample.customer);
    assert!(reads.extra_periods(sample.media).await.unwrap().is_empty());
    // In the reader's language.
    browser.post("/language", &[("language", "ru")]).await;
    let answer = browser
        .get(&format!("{path}?last_day=2026-12-01&extra_budget=1"))
        .await;
    assert!(
        answer.body.contains("Последний день — не позднее 30.11.2026"),
        "{}",
        answer.body
    );
    // A period line has no budget that could be spent faster.
    let period = format!("/cabinet/lines/{}/extra-period", sample.period);
    assert_eq!(browser.get(&period).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_viewer_looks_and_changes_nothing() {
    let (test, sample) = made(15).await;
    let mut browser = signed_in(&test, "bobur").await;
    let line = format!("/cabinet/lines/{}", sample.media);
    let page = browser.get(&line).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.body.contains("/extra-period\""), "{}", page.body);
    let fields = [
        ("last_day", "2026-11-15"),
        ("extra_budget", "1000"),
        ("command_key", "0123456789abcdef0123456789abcdef"),
    ];
    assert_eq!(
        browser.get(&format!("{line}/extra-period")).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        browser
            .post(&format!("{line}/extra-period"), &fields)
            .await
            .status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        browser
            .post(&format!("{line}/extra-period/end"), &fields)
            .await
            .status,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn every_page_is_in_every_language_and_the_choice_is_kept() {
    let (test, sample) = made(16).await;
    let mut browser = signed_in(&test, "aziza").await;
    let mut all = pages(&sample);
    all.retain(|page| !page.ends_with("/json") && !page.ends_with("/pdf") && !page.ends_with("/today"));
    all.extend([
        "/verify".to_owned(),
        "/rules".to_owned(),
        "/rules/1".to_owned(),
        "/prices".to_owned(),
        "/demo".to_owned(),
        "/no-such-page".to_owned(),
    ]);
    for (code, sign_in) in [
        ("uz-Latn", "Kabinetga kirish"),
        ("ru", "Вход в кабинет"),
        ("en", "Sign in to the cabinet"),
    ] {
        let answer = browser
            .post("/language", &[("language", code), ("back", "/cabinet/orders")])
            .await;
        assert_eq!(
            (answer.status, answer.location()),
            (StatusCode::SEE_OTHER, "/cabinet/orders")
        );
        for page in &all {
            let answer = browser.get(page).await;
            assert!(
                answer.body.contains(&format!("<html lang=\"{code}\">")),
                "{page} in {code}"
            );
            assert!(
                !answer.body.contains('⟦'),
                "{page} in {code} lacks words: {}",
                answer.body
            );
        }
        // Kept with the user: another browser of the same user speaks it too, whatever it asks for itself.
        let mut other = signed_in(&test, "aziza").await;
        other.accept_language = "en;q=0.3,ru;q=0.2".to_owned();
        assert!(
            other
                .get("/cabinet")
                .await
                .body
                .contains(&format!("<html lang=\"{code}\">"))
        );
        // Kept in the cookie: also without a session.
        browser.drop_cookie("namoyish_session");
        assert!(browser.get("/sign-in").await.body.contains(sign_in));
        browser.sign_in("aziza", PASSWORD).await;
    }
    // Nobody chose: the browser's own language, else Uzbek.
    for (accepted, code) in [("ru-RU,ru;q=0.9", "ru"), ("de", "uz-Latn"), ("", "uz-Latn")] {
        let mut browser = Browser::new(router(test.context.clone(), settings()));
        browser.accept_language = accepted.to_owned();
        assert!(
            browser
                .get("/sign-in")
                .await
                .body
                .contains(&format!("<html lang=\"{code}\">")),
            "{accepted}"
        );
    }
    // A language that is not offered, and a way back that leads elsewhere, are not followed.
    let answer = browser
        .post(
            "/language",
            &[("language", "de"), ("back", "https://evil.example/")],
        )
        .await;
    assert_eq!(answer.location(), "/");
}

#[tokio::test]
async fn documents_and_invoices_come_as_files_in_any_language_of_documents() {
    let (test, sample) = made(17).await;
    let mut browser = signed_in(&test, "aziza").await;
    let document = format!("/cabinet/documents/{}", sample.document);
    for language in ["uz-Latn", "uz-Cyrl", "ru", "en"] {
        let pdf = browser.get(&format!("{document}/pdf?language={language}")).await;
        assert_eq!(pdf.status, StatusCode::OK);
        assert_eq!(pdf.header("content-type"), "application/pdf");
        let name = format!("attachment; filename=\"primary-document-2026-000001-{language}.pdf\"");
        assert_eq!(pdf.header("content-disposition"), name);
        assert!(pdf.bytes.starts_with(b"%PDF-"));
    }
    let first = browser.get(&format!("{document}/pdf?language=ru")).await;
    let again = browser.get(&format!("{document}/pdf?language=ru")).await;
    assert!(
        first.bytes == again.bytes,
        "a document rendered again is the same to the byte"
    );
    let xlsx = browser.get(&format!("{document}/xlsx?language=en")).await;
    assert!(xlsx.bytes.starts_with(b"PK"), "a workbook is a zip file");
    let json = browser.get(&format!("{document}/json")).await;
    assert_eq!(
        namoyish_documents::sha256_hex(&json.body),
        sample.document_sha256,
        "the hash is of these very bytes"
    );
    for invoice in &sample.invoices {
        let pdf = browser
            .get(&format!("/cabinet/invoices/{invoice}/pdf?language=uz-Latn"))
            .await;
        assert_eq!(pdf.status, StatusCode::OK, "{}", pdf.body);
        assert!(pdf.bytes.starts_with(b"%PDF-"));
    }
}

#[tokio::test]
async fn money_pages_show_what_is_paid_and_what_is_not() {
    let (test, _sample) = made(18).await;
    let mut browser = signed_in(&test, "aziza").await;
    browser.post("/language", &[("language", "en")]).await;
    let invoices = browser.get("/cabinet/invoices").await.body;
    // 336,000 for the media line is paid; the rest of the 400,000 went to the other invoice.
    for said in [
        "Overdue",
        "Paid",
        "to be paid <strong>2\u{a0}624\u{a0}000,00\u{a0}UZS</strong>",
        "paid 64\u{a0}000,00\u{a0}UZS",
    ] {
        assert!(invoices.contains(said), "{said} is missing in {invoices}");
    }
    let payments = browser.get("/cabinet/payments").await.body;
    for said in [
        "14.10.2026",
        "400\u{a0}000,00\u{a0}UZS",
        "bank transfer",
        "TT 118",
    ] {
        assert!(payments.contains(said), "{said} is missing in {payments}");
    }
}

#[tokio::test]
async fn anybody_can_check_that_a_document_is_genuine() {
    let (test, sample) = made(19).await;
    let mut browser = Browser::new(router(test.context.clone(), settings()));
    let hash = &sample.document_sha256;
    assert_eq!(browser.get("/verify").await.status, StatusCode::OK);
    for hash in [hash.clone(), hash.to_uppercase()] {
        let answer = browser
            .get(&format!("/verify?number=2026-000001&hash={hash}"))
            .await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(
            answer.body.contains("Hujjat haqiqiy.") && answer.body.contains("134\u{a0}400,00"),
            "{}",
            answer.body
        );
        assert!(
            !answer.body.contains("Chinor"),
            "it tells nothing that its holder may not know"
        );
    }
    let altered = hash.replace(|c: char| c == hash.chars().next().unwrap(), "0");
    for (number, hash) in [
        ("2026-000002", hash.as_str()),
        ("2026-000001", altered.as_str()),
        ("2026-000001", ""),
        ("'", "\"><b>"),
    ] {
        let page = format!(
            "/verify?number={}&hash={}",
            browser::encoded(number),
            browser::encoded(hash)
        );
        let answer = browser.get(&page).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{page}");
        assert!(
            !answer.body.contains("Hujjat haqiqiy.") && !answer.body.contains("<b>"),
            "{}",
            answer.body
        );
    }
}

#[tokio::test]
async fn no_page_allows_inline_scripts_and_only_the_demo_takes_from_the_ad_server() {
    let (test, sample) = made(20).await;
    let mut browser = signed_in(&test, "aziza").await;
    let delivery = settings().delivery_url;
    let mut all = pages(&sample);
    all.extend([
        "/sign-in".to_owned(),
        "/verify".to_owned(),
        "/demo".to_owned(),
        "/nowhere".to_owned(),
    ]);
    for page in all {
        let answer = browser.get(&page).await;
        let policy = answer.header("content-security-policy").to_owned();
        assert!(
            policy.starts_with("default-src 'none';") && !policy.contains("unsafe"),
            "{page}: {policy}"
        );
        assert_eq!(policy.contains(&delivery), page == "/demo", "{page}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{page}");
        assert_eq!(answer.header("cache-control"), "no-store", "{page}");
        for forbidden in ["<script>", " style=", " onclick=", "javascript:"] {
            assert!(!answer.body.contains(forbidden), "{page} has {forbidden}");
        }
    }
}

#[tokio::test]
async fn the_demo_page_has_the_tag_and_is_there_in_demo_mode_only() {
    let (test, _sample) = made(21).await;
    let mut browser = Browser::new(router(test.context.clone(), settings()));
    let page = browser.get("/demo").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.body
            .contains(&format!("<script src=\"{}/tag.js\"", settings().delivery_url)),
        "{}",
        page.body
    );
    assert!(page.body.contains("data-key=\"pk_"), "{}", page.body);
    for place in ["shahar-top", "shahar-side"] {
        assert!(
            page.body
                .contains(&format!("data-namoyish-placement=\"{place}\"")),
            "{}",
            page.body
        );
    }
    let quiet = CabinetSettings {
        demo: false,
        ..settings()
    };
    let mut browser = Browser::new(router(test.context.clone(), quiet));
    assert_eq!(browser.get("/demo").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn static_files_are_named_by_their_hash_and_kept_by_browsers() {
    let (test, sample) = made(22).await;
    let mut browser = signed_in(&test, "aziza").await;
    let page = browser
        .get(&format!("/cabinet/lines/{}", sample.media))
        .await
        .body;
    let linked: Vec<&str> = page
        .split('"')
        .filter(|text| text.starts_with("/static/"))
        .collect();
    assert_eq!(linked.len(), 3, "style, icon and script: {linked:?}");
    for path in linked {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(
            answer.header("cache-control"),
            "public, max-age=31536000, immutable"
        );
        assert!(!answer.bytes.is_empty());
    }
    assert_eq!(
        browser.get("/static/app-0000000000000000.css").await.status,
        StatusCode::NOT_FOUND
    );
}
