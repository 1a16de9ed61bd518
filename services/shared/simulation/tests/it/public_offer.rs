//! A service used without a signed blank lands in the month's one document (orders.md §2) [003 §5.2 para 2]: the contract
//! that its use makes is billed as any other, prepaid from free advance or left as a receivable.

use namoyish_billing::BillingSettings;
use namoyish_billing::jobs::{close_period, move_by_calendar};
use namoyish_documents::content::PrimaryDocumentContent;
use namoyish_domain::calendar::{ReportingPeriod, at_tashkent};
use namoyish_domain::ids::CustomerId;
use namoyish_domain::money::{Money, UnitPrice};
use namoyish_domain::orders::order_blank::BlankState;
use namoyish_orders::app::use_additional_service::{UseAdditionalService, use_additional_service};
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_storage::price_groups::CategoryService;
use namoyish_testkit::contracts;

fn sum(text: &str) -> Money {
    Money::parse(text).unwrap()
}

async fn use_service(
    ctx: &Context,
    customer: CustomerId,
    quantity: u32,
) -> namoyish_domain::ids::OrderBlankId {
    let owner = Actor::customer("aziza", Role::Owner, customer);
    let cmd = UseAdditionalService {
        customer,
        item: "SERVICE".into(),
        quantity: quantity.into(),
        day: None,
        used_from: "192.0.2.7".into(),
    };
    let accepted = use_additional_service(ctx, &owner, cmd).await.unwrap();
    accepted.signed.blank.id
}

#[tokio::test]
async fn a_used_service_is_charged_in_the_months_document_and_a_given_one_at_nothing() {
    let at = |text: &str| at_tashkent(text.parse().unwrap());
    let ctx = namoyish_testkit::context_at(950, at("2026-11-10T10:00:00")).await;
    contracts::operator(&ctx, true).await;
    let customer = contracts::customer(&ctx, "osh", 1).await;
    let used = use_service(&ctx, customer, 3).await;

    // From 15 November on the category is given the service [003 §2.5].
    let mut tx = ctx.store.begin().await.unwrap();
    let given = CategoryService {
        category: "regular".into(),
        item_code: "SERVICE".into(),
        valid_from: "2026-11-15".parse().unwrap(),
        unit_price: Some(UnitPrice::parse("0.00").unwrap()),
    };
    assert!(
        tx.price_groups()
            .put_service(&given, "admin", ctx.now())
            .await
            .unwrap()
    );
    tx.save().await.unwrap();
    ctx.clock.advance_to(at("2026-11-20T10:00:00"));
    use_service(&ctx, customer, 1).await;

    ctx.clock.advance_to(at("2026-12-01T00:20:00"));
    move_by_calendar::run(&ctx).await.unwrap();
    let settings = BillingSettings::default();
    let november = ReportingPeriod::parse("2026-11").unwrap();
    let closed = close_period::run(&ctx, &settings, november).await.unwrap();
    assert_eq!((closed.done, closed.waiting), (1, None));
    let documents = ctx.store.documents_of(customer, 5).await.unwrap();
    let document = documents
        .iter()
        .find(|document| document.number.starts_with("BH-"))
        .unwrap();
    let (json, _) = ctx.store.document_content(document.id).await.unwrap().unwrap();
    let content: PrimaryDocumentContent = serde_json::from_str(&json).unwrap();
    let nets: Vec<Money> = content
        .lines
        .iter()
        .map(|line| line.net)
        .filter(|net| !net.is_zero())
        .collect();
    assert_eq!(nets, [sum("3000.00")]);
    // Nothing was prepaid: all of it is a receivable.
    assert_eq!(
        (content.gross, content.receivable_left),
        (sum("3360.00"), sum("3360.00"))
    );
    let mut tx = ctx.store.begin().await.unwrap();
    let blank = tx.order_blanks().find(used).await.unwrap().unwrap();
    assert_eq!(blank.state, BlankState::Completed);
}
