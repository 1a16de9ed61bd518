//! orders.md §4: papers that are overdue, licences that run out, and what the customer is told of them.

use crate::fixture::{operator_at, period_line, sign, tashkent, vat};
use chrono::NaiveDate;
use namoyish_billing::jobs::{documents_overdue, licence_expiry};
use namoyish_domain::ids::{AdMaterialId, LineId, MaterialDocumentId};
use namoyish_domain::orders::licence::{CopyFormat, DocumentKind, NewCopy};
use namoyish_domain::orders::moderation::{ModerationReason, ModerationState};
use namoyish_domain::orders::runnable::{NotRunning, why_not_running};
use namoyish_storage::material_documents::NewMaterialDocument;
use namoyish_storage::materials::Decision;
use namoyish_testkit::{TestContext, contracts};

/// A line that runs from 1 November through 31 December with an approved material.
async fn line() -> (TestContext, LineId, AdMaterialId) {
    let ctx = operator_at("2026-10-20T10:00:00", true).await;
    let customer = contracts::customer(&ctx, "dorixona", 1).await;
    let line = period_line("OB-1/1", "2026-11-01", "2026-12-31", Some("2026-11-01"));
    let (_, lines) = sign(&ctx, customer, "OB-1", vat(), vec![line]).await;
    let mut tx = ctx.store.begin().await.unwrap();
    let material = tx.materials().of_line(lines[0], 0, 1).await.unwrap().remove(0);
    (ctx, lines[0], material.material.id)
}

async fn attach(
    ctx: &TestContext,
    material: AdMaterialId,
    expires_on: &str,
    replaces: Option<MaterialDocumentId>,
) -> MaterialDocumentId {
    let id = MaterialDocumentId::from_uuid(ctx.uuid());
    let document = NewMaterialDocument {
        id,
        material,
        copy: NewCopy {
            kind: DocumentKind::Licence,
            number: "L-100".to_owned(),
            issuer: "Vazirlik".to_owned(),
            issued_on: None,
            expires_on: expires_on.parse().unwrap(),
        },
        file_sha256: "d".repeat(64),
        replaces,
        attached_at: ctx.now(),
        attached_by: "aziza".to_owned(),
    };
    let mut tx = ctx.store.begin().await.unwrap();
    tx.material_documents()
        .put_file(
            &document.file_sha256,
            CopyFormat::Pdf,
            b"%PDF-1.7 %%EOF",
            ctx.now(),
        )
        .await
        .unwrap();
    tx.material_documents().insert(&document).await.unwrap();
    tx.save().await.unwrap();
    id
}

async fn ask_for_papers(ctx: &TestContext, material: AdMaterialId, runs_on: bool) {
    let mut tx = ctx.store.begin().await.unwrap();
    let asked = Decision {
        state: ModerationState::DocumentsRequired,
        runs_on,
        reasons: vec![ModerationReason::LICENCE_MISSING],
        comment: String::new(),
        decided_at: ctx.now(),
        decided_by: "moderator".to_owned(),
    };
    tx.materials().insert_decision(material, &asked).await.unwrap();
    tx.save().await.unwrap();
}

async fn state(ctx: &TestContext, material: AdMaterialId) -> ModerationState {
    let mut tx = ctx.store.begin().await.unwrap();
    tx.materials()
        .find(material)
        .await
        .unwrap()
        .unwrap()
        .decision
        .state
}

async fn why(ctx: &TestContext, line: LineId) -> Vec<NotRunning> {
    let day: NaiveDate = ctx.today();
    let mut tx = ctx.store.begin().await.unwrap();
    let facts = tx.line_facts(&[line], day).await.unwrap();
    why_not_running(&facts[0].facts, day)
}

/// Kinds of the notices so far, oldest first.
async fn told(ctx: &TestContext) -> Vec<String> {
    sqlx::query_scalar("select kind from notices order by id")
        .fetch_all(&ctx.database.pool())
        .await
        .unwrap()
}

// orders.md §4: due within 3 days; past that the material is `documents_overdue` and does not run.
#[tokio::test]
async fn papers_asked_for_on_the_10th_are_overdue_on_the_14th() {
    let (ctx, line, material) = line().await;
    ctx.clock.advance_to(tashkent("2026-11-10T23:59:00"));
    ask_for_papers(&ctx, material, true).await;
    for (at, due) in [
        ("2026-11-13T23:59:00", ModerationState::DocumentsRequired),
        ("2026-11-14T00:00:00", ModerationState::DocumentsOverdue),
    ] {
        ctx.clock.advance_to(tashkent(at));
        documents_overdue::run(&ctx).await.unwrap();
        assert_eq!(state(&ctx, material).await, due, "{at}");
    }
    assert_eq!(why(&ctx, line).await, [NotRunning::DocumentsOverdue]);
    assert_eq!(told(&ctx).await, ["documents_overdue"]);
    // The job may be run as often as one likes.
    assert!(documents_overdue::run(&ctx).await.unwrap().is_idle());
    assert_eq!(told(&ctx).await.len(), 1);
}

// orders.md §4: the line stops on the day after the expiry, with a notice; the customer is warned before.
#[tokio::test]
async fn a_licence_is_warned_of_fourteen_days_before_and_told_on_the_day_after() {
    let (ctx, line, material) = line().await;
    ctx.clock.advance_to(tashkent("2026-11-02T10:00:00"));
    attach(&ctx, material, "2026-11-30", None).await;
    for (at, notices, reasons) in [
        ("2026-11-15T23:59:00", 0, vec![]),
        ("2026-11-16T00:00:00", 1, vec![]),
        ("2026-11-30T23:59:00", 1, vec![]),
        ("2026-12-01T00:00:00", 2, vec![NotRunning::LicenceExpired]),
        ("2026-12-02T00:00:00", 2, vec![NotRunning::LicenceExpired]),
    ] {
        ctx.clock.advance_to(tashkent(at));
        licence_expiry::run(&ctx).await.unwrap();
        assert_eq!(told(&ctx).await.len(), notices, "{at}");
        assert_eq!(why(&ctx, line).await, reasons, "{at}");
    }
    assert_eq!(told(&ctx).await, ["document_expires", "document_expired"]);
    let mut tx = ctx.store.begin().await.unwrap();
    let changes = tx.order_lines().changes(line, 0, 10).await.unwrap();
    assert_eq!(
        changes
            .iter()
            .filter(|change| change.kind == "licence_expired")
            .count(),
        1
    );
}

#[tokio::test]
async fn a_copy_that_was_replaced_and_one_that_was_revoked_are_not_warned_of() {
    let (ctx, line, material) = line().await;
    ctx.clock.advance_to(tashkent("2026-11-02T10:00:00"));
    let first = attach(&ctx, material, "2026-11-10", None).await;
    let second = attach(&ctx, material, "2027-11-10", Some(first)).await;
    licence_expiry::run(&ctx).await.unwrap();
    ctx.clock.advance_to(tashkent("2026-11-11T00:00:00"));
    licence_expiry::run(&ctx).await.unwrap();
    assert!(told(&ctx).await.is_empty());
    assert_eq!(why(&ctx, line).await, []);
    let mut tx = ctx.store.begin().await.unwrap();
    assert!(
        tx.material_documents()
            .revoke(second, "", "aziza", ctx.now())
            .await
            .unwrap()
    );
    assert!(
        !tx.material_documents()
            .revoke(second, "", "aziza", ctx.now())
            .await
            .unwrap()
    );
    tx.save().await.unwrap();
    assert_eq!(why(&ctx, line).await, [NotRunning::LicenceRevoked]);
    ctx.clock.advance_to(tashkent("2026-12-01T00:00:00"));
    licence_expiry::run(&ctx).await.unwrap();
    assert!(told(&ctx).await.is_empty());
}
