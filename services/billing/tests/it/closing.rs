//! billing.md §4–5: closing a period.

use crate::fixture::{
    Worker, count, media_line, operator_at, pay, period, period_line, primaries, sign, sum, tashkent, vat,
};
use namoyish_billing::content::CatalogCodes;
use namoyish_billing::jobs::close_period::{self, close_customer};
use namoyish_billing::jobs::{JobError, Waiting, check_ledger, compare_counts};
use namoyish_documents::{PrimaryDocumentContent, canonical_json, sha256_hex};
use namoyish_domain::delivery::counters::{ClosedEpoch, Epoch};
use namoyish_domain::money::Money;
use namoyish_domain::orders::order_blank::VatTerms;
use namoyish_testkit::contracts;

async fn content_of(
    ctx: &namoyish_testkit::TestContext,
    customer: namoyish_domain::ids::CustomerId,
) -> (PrimaryDocumentContent, String, String) {
    let document = ctx.store.documents_of(customer, 1).await.unwrap().remove(0);
    let (json, sha256) = ctx.store.document_content(document.id).await.unwrap().unwrap();
    (serde_json::from_str(&json).unwrap(), json, sha256)
}

#[tokio::test]
async fn one_document_holds_all_contracts_of_the_customer_and_its_own_hash_is_true() {
    let ctx = operator_at("2026-10-20T10:00:00", true).await;
    let worker = Worker::new();
    let customer = contracts::customer(&ctx, "osh", 1).await;
    let media = vec![media_line(
        "OB-1/1",
        "2026-11-01",
        "2026-11-30",
        "12000.00",
        "300000.00",
    )];
    let (_, media) = sign(&ctx, customer, "OB-1", vat(), media).await;
    sign(
        &ctx,
        customer,
        "OB-2",
        vat(),
        vec![period_line(
            "OB-2/1",
            "2026-11-01",
            "2026-12-31",
            Some("2026-10-20"),
        )],
    )
    .await;
    pay(&ctx, customer, "336000.00").await;
    count(&ctx, media[0], "2026-11-10", 5_000).await;
    ctx.clock.advance_to(tashkent("2026-12-01T00:20:00"));
    let summary = close_period::run(&ctx, &worker.settings, period("2026-11"))
        .await
        .unwrap();
    assert_eq!((summary.done, summary.waiting), (1, None));

    let (content, json, sha256) = content_of(&ctx, customer).await;
    assert_eq!(
        (content.number.as_str(), content.issued_on.to_string()),
        ("BH-2026-000001", "2026-12-01".to_owned())
    );
    // 5,000 × 12,000 / 1,000 and a whole month.
    let nets: Vec<(&str, Money)> = content
        .lines
        .iter()
        .map(|line| (line.line_code.as_str(), line.net))
        .collect();
    assert_eq!(nets, [("OB-1/1", sum("60000.00")), ("OB-2/1", sum("1000000.00"))]);
    assert_eq!(
        (content.net, content.vat, content.gross),
        (sum("1060000.00"), sum("127200.00"), sum("1187200.00"))
    );
    assert_eq!(
        (
            content.advance_used,
            content.receivable_left,
            content.advance_left
        ),
        (sum("336000.00"), sum("851200.00"), Money::ZERO)
    );
    assert_eq!(
        (sha256_hex(&json), canonical_json(&content).unwrap()),
        (sha256, json)
    );
    assert_eq!(content.impressions_fingerprint.len(), 64);
    assert_eq!(
        ctx.store.balances_of(customer).await.unwrap().receivable,
        sum("851200.00")
    );
    assert_eq!(
        ctx.store.last_closed_period().await.unwrap(),
        Some(period("2026-11"))
    );
}

#[tokio::test]
async fn an_impression_more_changes_the_fingerprint() {
    let mut fingerprints = vec![];
    for n in [10, 11] {
        let ctx = operator_at("2026-10-20T10:00:00", true).await;
        let worker = Worker::new();
        let customer = contracts::customer(&ctx, "osh", 1).await;
        let media = vec![media_line(
            "OB-1/1",
            "2026-11-01",
            "2026-11-30",
            "12000.00",
            "300000.00",
        )];
        let (_, media) = sign(&ctx, customer, "OB-1", vat(), media).await;
        count(&ctx, media[0], "2026-11-10", n).await;
        ctx.clock.advance_to(tashkent("2026-12-01T00:20:00"));
        close_period::run(&ctx, &worker.settings, period("2026-11"))
            .await
            .unwrap();
        fingerprints.push(content_of(&ctx, customer).await.0.impressions_fingerprint);
    }
    assert_ne!(fingerprints[0], fingerprints[1]);
}

#[tokio::test]
async fn an_empty_month_makes_no_document_and_is_closed() {
    let ctx = operator_at("2026-10-20T10:00:00", true).await;
    let worker = Worker::new();
    let customer = contracts::customer(&ctx, "osh", 1).await;
    // In its term, but without an approved material; and a media line that nobody saw.
    let lines = vec![
        period_line("OB-1/1", "2026-11-01", "2026-11-30", None),
        media_line("OB-1/2", "2026-11-01", "2026-11-30", "12000.00", "300000.00"),
    ];
    sign(&ctx, customer, "OB-1", vat(), lines).await;
    ctx.clock.advance_to(tashkent("2026-12-01T00:20:00"));
    let summary = close_period::run(&ctx, &worker.settings, period("2026-11"))
        .await
        .unwrap();
    assert_eq!((summary.done, summary.skipped), (0, 1));
    assert_eq!(ctx.store.documents_of(customer, 10).await.unwrap(), []);
    assert_eq!(
        ctx.store.last_closed_period().await.unwrap(),
        Some(period("2026-11"))
    );
}

#[tokio::test]
async fn an_operator_that_is_no_vat_payer_makes_documents_without_vat() {
    let ctx = operator_at("2026-10-20T10:00:00", false).await;
    let worker = Worker::new();
    let customer = contracts::customer(&ctx, "osh", 1).await;
    let lines = vec![period_line(
        "OB-1/1",
        "2026-11-01",
        "2026-11-30",
        Some("2026-10-20"),
    )];
    sign(&ctx, customer, "OB-1", VatTerms::NotAPayer, lines).await;
    ctx.clock.advance_to(tashkent("2026-12-01T00:20:00"));
    close_period::run(&ctx, &worker.settings, period("2026-11"))
        .await
        .unwrap();
    let (content, _, _) = content_of(&ctx, customer).await;
    assert_eq!(
        (content.vat_payer, content.vat, content.gross),
        (false, Money::ZERO, sum("1000000.00"))
    );
}

#[tokio::test]
async fn a_line_approved_during_the_month_is_charged_from_that_day() {
    let ctx = operator_at("2026-10-20T10:00:00", true).await;
    let worker = Worker::new();
    let customer = contracts::customer(&ctx, "osh", 1).await;
    let lines = vec![period_line(
        "OB-1/1",
        "2026-11-01",
        "2026-11-30",
        Some("2026-11-16"),
    )];
    sign(&ctx, customer, "OB-1", vat(), lines).await;
    ctx.clock.advance_to(tashkent("2026-12-01T00:20:00"));
    close_period::run(&ctx, &worker.settings, period("2026-11"))
        .await
        .unwrap();
    let (content, _, _) = content_of(&ctx, customer).await;
    assert_eq!(
        (content.lines[0].period_from.to_string(), content.net),
        ("2026-11-16".to_owned(), sum("500000.00"))
    );
}

#[tokio::test]
async fn nothing_is_closed_before_its_time() {
    let ctx = operator_at("2026-10-20T10:00:00", true).await;
    let worker = Worker::new();
    let customer = contracts::customer(&ctx, "osh", 1).await;
    sign(
        &ctx,
        customer,
        "OB-1",
        vat(),
        vec![period_line(
            "OB-1/1",
            "2026-11-01",
            "2026-11-30",
            Some("2026-10-20"),
        )],
    )
    .await;
    ctx.clock.advance_to(tashkent("2026-12-01T00:19:59"));
    let summary = close_period::run(&ctx, &worker.settings, period("2026-11"))
        .await
        .unwrap();
    assert_eq!(summary.done, 0);
    assert_eq!(ctx.store.last_closed_period().await.unwrap(), None);
}

#[tokio::test]
async fn closing_waits_for_impressions_that_are_under_way_but_not_for_ever() {
    let ctx = operator_at("2026-10-20T10:00:00", true).await;
    let worker = Worker::new();
    let customer = contracts::customer(&ctx, "osh", 1).await;
    let media = vec![media_line(
        "OB-1/1",
        "2026-11-01",
        "2026-11-30",
        "12000.00",
        "300000.00",
    )];
    let (_, media) = sign(&ctx, customer, "OB-1", vat(), media).await;
    count(&ctx, media[0], "2026-11-10", 10).await;
    // The counter store saw 3 more in another epoch, whose journal is not here yet.
    let closed = ClosedEpoch {
        line: media[0],
        scope: 0,
        generation: 1,
        epoch: Epoch::of(tashkent("2026-11-20T12:00:00")),
        granted: 5,
        shown: 3,
    };
    let mut tx = ctx.store.begin().await.unwrap();
    tx.counting()
        .record_counter_totals(&[closed], ctx.now())
        .await
        .unwrap();
    tx.save().await.unwrap();
    ctx.clock.advance_to(tashkent("2026-12-01T00:20:00"));
    let waiting = close_period::run(&ctx, &worker.settings, period("2026-11"))
        .await
        .unwrap();
    assert_eq!(
        (waiting.done, waiting.waiting),
        (0, Some(Waiting::Counts { epochs: 1 }))
    );
    assert_eq!(ctx.store.last_closed_period().await.unwrap(), None);
    ctx.clock.advance_to(tashkent("2026-12-03T00:20:00"));
    let closed = close_period::run(&ctx, &worker.settings, period("2026-11"))
        .await
        .unwrap();
    assert_eq!((closed.done, closed.waiting), (1, None));
    let (content, _, _) = content_of(&ctx, customer).await;
    assert_eq!(content.lines[0].quantity.to_string(), "10");
}

#[tokio::test]
async fn a_customer_that_cannot_be_closed_holds_up_the_period_but_no_other_customer() {
    let ctx = operator_at("2026-10-20T10:00:00", true).await;
    let worker = Worker::new();
    let mut customers = vec![];
    for (code, n) in [("a", 1), ("b", 2), ("c", 3)] {
        let customer = contracts::customer(&ctx, code, n).await;
        let blank = format!("OB-{code}");
        sign(
            &ctx,
            customer,
            &blank,
            vat(),
            vec![period_line(
                &format!("{blank}/1"),
                "2026-11-01",
                "2026-11-30",
                Some("2026-10-20"),
            )],
        )
        .await;
        customers.push(customer);
    }
    let pool = ctx.database.pool();
    sqlx::query("update customers set email = 'broken' where code = 'b'")
        .execute(&pool)
        .await
        .unwrap();
    ctx.clock.advance_to(tashkent("2026-12-01T00:20:00"));
    let failed = close_period::run(&ctx, &worker.settings, period("2026-11"))
        .await
        .unwrap_err();
    assert_eq!(failed.code(), "customers_failed");
    assert!(
        matches!(&failed, JobError::CustomersFailed { failed: 1, customer, .. } if *customer == customers[1]),
        "{failed}"
    );
    assert_eq!(ctx.store.last_closed_period().await.unwrap(), None);

    sqlx::query("update customers set email = 'b@example.uz' where code = 'b'")
        .execute(&pool)
        .await
        .unwrap();
    let summary = close_period::run(&ctx, &worker.settings, period("2026-11"))
        .await
        .unwrap();
    assert_eq!(summary.done, 1);
    let mut numbers = vec![];
    for customer in customers {
        numbers.push(
            ctx.store
                .documents_of(customer, 10)
                .await
                .unwrap()
                .remove(0)
                .number,
        );
    }
    assert_eq!(numbers, ["BH-2026-000001", "BH-2026-000003", "BH-2026-000002"]);
    assert_eq!(ctx.store.number_gaps().await.unwrap(), []);
}

#[tokio::test]
async fn two_workers_at_once_make_each_document_once() {
    let ctx = operator_at("2026-10-20T10:00:00", true).await;
    let worker = Worker::new();
    let mut customers = vec![];
    for (code, n) in [("a", 1), ("b", 2), ("c", 3)] {
        let customer = contracts::customer(&ctx, code, n).await;
        let blank = format!("OB-{code}");
        sign(
            &ctx,
            customer,
            &blank,
            vat(),
            vec![period_line(
                &format!("{blank}/1"),
                "2026-11-01",
                "2026-11-30",
                Some("2026-10-20"),
            )],
        )
        .await;
        customers.push(customer);
    }
    ctx.clock.advance_to(tashkent("2026-12-01T00:20:00"));
    let (one, other) = tokio::join!(
        close_period::run(&ctx, &worker.settings, period("2026-11")),
        close_period::run(&ctx, &worker.settings, period("2026-11"))
    );
    assert_eq!(one.unwrap().done + other.unwrap().done, 3);
    // Even past the job's lock a customer gets one document: its own lock and the unique index decide.
    let december = period("2026-12");
    sign(
        &ctx,
        customers[0],
        "OB-D",
        vat(),
        vec![period_line(
            "OB-D/1",
            "2026-12-01",
            "2026-12-31",
            Some("2026-12-01"),
        )],
    )
    .await;
    ctx.clock.advance_to(tashkent("2027-01-01T00:20:00"));
    let catalog = CatalogCodes::default();
    let (one, other) = tokio::join!(
        close_customer(&ctx, &catalog, december, customers[0]),
        close_customer(&ctx, &catalog, december, customers[0])
    );
    assert_eq!(
        [one.unwrap(), other.unwrap()]
            .into_iter()
            .filter(|made| *made)
            .count(),
        1
    );
    assert_eq!(ctx.store.number_gaps().await.unwrap(), []);
}

#[tokio::test]
async fn a_ledger_that_isnt_sound_fails_the_nightly_check() {
    let ctx = operator_at("2026-10-20T10:00:00", true).await;
    let customer = contracts::customer(&ctx, "osh", 1).await;
    pay(&ctx, customer, "100.00").await;
    assert_eq!(check_ledger::run(&ctx).await.unwrap().done, 1);
    sqlx::query("update account_balances set balance = 0")
        .execute(&ctx.database.pool())
        .await
        .unwrap();
    let found = check_ledger::run(&ctx).await.unwrap_err();
    assert_eq!(found.code(), "ledger_not_sound");
    assert!(
        matches!(
            found,
            JobError::LedgerNotSound {
                differences: 2,
                gaps: 0,
                ..
            }
        ),
        "{found}"
    );
}

#[tokio::test]
async fn impressions_that_arrive_after_their_months_close_are_charged_once_by_the_next_document() {
    let ctx = operator_at("2026-09-20T10:00:00", true).await;
    let worker = Worker::new();
    let customer = contracts::customer(&ctx, "osh", 1).await;
    // One line goes on in November, the other one's term is over then.
    let lines = vec![
        media_line("OB-1/1", "2026-10-01", "2026-12-31", "0.67", "1000.00"),
        media_line("OB-1/2", "2026-10-01", "2026-10-31", "0.67", "1000.00"),
    ];
    let (_, lines) = sign(&ctx, customer, "OB-1", vat(), lines).await;
    count(&ctx, lines[0], "2026-10-10", 500).await;
    count(&ctx, lines[1], "2026-10-10", 500).await;
    worker.advance(&ctx, "2026-11-02T10:00:00").await;
    count(&ctx, lines[0], "2026-10-31", 500).await;
    count(&ctx, lines[1], "2026-10-31", 500).await;
    count(&ctx, lines[0], "2026-11-05", 500).await;
    worker.advance(&ctx, "2027-01-02T10:00:00").await;
    let mut charged = vec![];
    for document in primaries(&ctx, customer).await {
        let (json, _) = ctx.store.document_content(document.id).await.unwrap().unwrap();
        let content: PrimaryDocumentContent = serde_json::from_str(&json).unwrap();
        for line in content.lines {
            charged.push([
                content.period.to_string(),
                line.line_code,
                line.quantity.normalize().to_string(),
                line.net.to_string(),
            ]);
        }
    }
    charged.sort();
    // 0.335 so'm for each 500: the rounding telescopes over the late ones as well. December has nothing left to charge.
    let due = [
        ["2026-10", "OB-1/1", "500", "0.34"],
        ["2026-10", "OB-1/2", "500", "0.34"],
        ["2026-11", "OB-1/1", "1000", "0.67"],
        ["2026-11", "OB-1/2", "500", "0.33"],
    ];
    assert_eq!(charged, due.map(|row| row.map(str::to_owned)));
}

#[tokio::test]
async fn a_difference_between_the_counter_store_and_the_journals_is_told() {
    let ctx = operator_at("2026-10-20T10:00:00", true).await;
    let customer = contracts::customer(&ctx, "osh", 1).await;
    let lines = vec![
        media_line("OB-1/1", "2026-11-01", "2026-11-30", "12000.00", "300000.00"),
        media_line("OB-1/2", "2026-11-01", "2026-11-30", "12000.00", "300000.00"),
    ];
    let (_, lines) = sign(&ctx, customer, "OB-1", vat(), lines).await;
    let pool = ctx.database.pool();
    for (line, shown) in [(lines[0], 10), (lines[1], 13)] {
        count(&ctx, line, "2026-11-10", 10).await;
        sqlx::query(
            "insert into counter_totals (line_id, generation, epoch, granted, shown, closed_at)
                select line_id, generation, epoch, 20, $2, now() from epoch_bitmaps where line_id = $1 and kind = 1",
        )
        .bind(line.uuid())
        .bind(i64::from(shown))
        .execute(&pool)
        .await
        .unwrap();
    }
    for (now, told) in [
        ("2026-11-11T00:20:00", (1, 1)),
        ("2026-11-12T00:20:00", (1, 1)),
        ("2026-11-13T00:20:00", (0, 0)),
    ] {
        ctx.clock.advance_to(tashkent(now));
        let summary = compare_counts::run(&ctx).await.unwrap();
        assert_eq!((summary.done, summary.skipped), told, "{now}: agree, differ");
    }
}
