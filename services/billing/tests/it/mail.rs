//! billing.md §5: documents are sent by e-mail with their files, tried again when that fails, and accepted on the 21st.

use crate::fixture::{Worker, operator_at, period_line, sign, tashkent, vat};
use namoyish_billing::jobs::{accept_documents, send_mail};
use namoyish_domain::billing::document::DocumentState;
use namoyish_domain::ids::{CustomerId, DocumentId};
use namoyish_runtime::mail::Mailer;
use namoyish_testkit::{TestContext, contracts};

/// A customer whose November document is issued; nothing is sent yet.
async fn issued() -> (TestContext, CustomerId, DocumentId) {
    let ctx = operator_at("2026-10-20T10:00:00", true).await;
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
    ctx.clock.advance_to(tashkent("2026-12-01T00:20:00"));
    let november = crate::fixture::period("2026-11");
    namoyish_billing::jobs::close_period::run(&ctx, &Worker::new().settings, november)
        .await
        .unwrap();
    let document = ctx.store.documents_of(customer, 1).await.unwrap().remove(0).id;
    (ctx, customer, document)
}

async fn states(ctx: &TestContext, document: DocumentId) -> Vec<DocumentState> {
    ctx.store
        .document_events(document)
        .await
        .unwrap()
        .iter()
        .map(|event| event.state)
        .collect()
}

#[tokio::test]
async fn a_document_is_sent_once_with_pdf_and_xlsx() {
    let (ctx, _, document) = issued().await;
    let worker = Worker::new();
    let sent = send_mail::run(&ctx, &worker.settings, &worker.mailer)
        .await
        .unwrap();
    assert_eq!((sent.done, sent.skipped), (1, 0));
    let again = send_mail::run(&ctx, &worker.settings, &worker.mailer)
        .await
        .unwrap();
    assert_eq!(again.done, 0);
    assert_eq!(
        states(&ctx, document).await,
        [DocumentState::Issued, DocumentState::Sent]
    );
    let files: Vec<_> = std::fs::read_dir(worker.folder.path())
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    assert_eq!(files.len(), 1);
    let mail = String::from_utf8_lossy(&std::fs::read(&files[0]).unwrap()).into_owned();
    for part in [
        "To: osh@example.uz",
        "BH-2026-000001.pdf",
        "BH-2026-000001.xlsx",
        "application/pdf",
    ] {
        assert!(
            mail.contains(part),
            "no `{part}` in\n{}",
            &mail[..mail.len().min(2_000)]
        );
    }
}

#[tokio::test]
async fn a_mail_that_fails_is_tried_again_later() {
    let (ctx, _, document) = issued().await;
    let worker = Worker::new();
    // The folder's place is taken by a file: writing fails for a while.
    let taken = worker.folder.path().join("taken");
    std::fs::write(&taken, "").unwrap();
    let broken = Mailer::folder(&taken, "hisob@namoyish.example").unwrap();
    let failed = send_mail::run(&ctx, &worker.settings, &broken).await.unwrap();
    assert_eq!((failed.done, failed.skipped), (0, 1));
    assert_eq!(states(&ctx, document).await, [DocumentState::Issued]);
    let mail = ctx
        .store
        .mail(&format!("document:{document}"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (mail.attempts, mail.next_try_at),
        (1, ctx.now() + chrono::TimeDelta::minutes(1))
    );
    assert!(mail.last_error.is_some());
    let too_early = send_mail::run(&ctx, &worker.settings, &worker.mailer)
        .await
        .unwrap();
    assert_eq!(too_early.done, 0);
    ctx.clock.advance_to(mail.next_try_at);
    let sent = send_mail::run(&ctx, &worker.settings, &worker.mailer)
        .await
        .unwrap();
    assert_eq!(sent.done, 1);
}

#[tokio::test]
async fn two_workers_at_once_send_a_mail_once() {
    let (ctx, _, document) = issued().await;
    let (one, other) = (Worker::new(), Worker::new());
    let (a, b) = tokio::join!(
        send_mail::run(&ctx, &one.settings, &one.mailer),
        send_mail::run(&ctx, &other.settings, &other.mailer)
    );
    assert_eq!(a.unwrap().done + b.unwrap().done, 1);
    assert_eq!(
        states(&ctx, document).await,
        [DocumentState::Issued, DocumentState::Sent]
    );
}

#[tokio::test]
async fn a_document_is_open_to_objections_through_the_20th_and_accepted_when_the_21st_begins() {
    let (ctx, _, document) = issued().await;
    ctx.clock.advance_to(tashkent("2026-12-20T23:59:59"));
    assert_eq!(accept_documents::run(&ctx).await.unwrap().done, 0);
    ctx.clock.advance_to(tashkent("2026-12-21T00:00:00"));
    assert_eq!(accept_documents::run(&ctx).await.unwrap().done, 1);
    assert_eq!(accept_documents::run(&ctx).await.unwrap().done, 0);
    assert_eq!(
        states(&ctx, document).await,
        [DocumentState::Issued, DocumentState::Accepted]
    );
}

#[tokio::test]
async fn a_mail_that_goes_out_after_the_acceptance_leaves_the_document_accepted() {
    let (ctx, _, document) = issued().await;
    let worker = Worker::new();
    ctx.clock.advance_to(tashkent("2026-12-21T00:00:00"));
    accept_documents::run(&ctx).await.unwrap();
    assert_eq!(
        send_mail::run(&ctx, &worker.settings, &worker.mailer)
            .await
            .unwrap()
            .done,
        1
    );
    assert_eq!(
        states(&ctx, document).await,
        [DocumentState::Issued, DocumentState::Accepted]
    );
}

#[tokio::test]
async fn a_disputed_document_is_not_accepted() {
    let (ctx, _, document) = issued().await;
    let mut tx = ctx.store.begin().await.unwrap();
    tx.documents()
        .enter(
            document,
            DocumentState::Disputed,
            ctx.now(),
            "osh",
            "hisob notoʻgʻri",
        )
        .await
        .unwrap();
    tx.save().await.unwrap();
    ctx.clock.advance_to(tashkent("2026-12-25T00:00:00"));
    let run = accept_documents::run(&ctx).await.unwrap();
    assert_eq!((run.done, run.skipped), (0, 0));
    assert_eq!(
        states(&ctx, document).await,
        [DocumentState::Issued, DocumentState::Disputed]
    );
}
