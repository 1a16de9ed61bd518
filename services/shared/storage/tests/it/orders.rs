//! Parties, price lists, order blanks and materials: PostgreSQL refuses what no code may write, and rows that no code
//! wrote are found when they are read.

use chrono::NaiveDate;
use namoyish_domain::calendar::DayKind;
use namoyish_domain::delivery::extra_period::{EndedExtraPeriod, ExtraPeriod, ExtraPeriodEnd};
use namoyish_domain::ids::{CustomerId, ExtraPeriodId, LineId, OrderBlankId};
use namoyish_domain::money::{Money, Rate, UnitPrice};
use namoyish_domain::orders::moderation::ModerationState;
use namoyish_domain::orders::order_blank::{BlankState, Budget, BudgetMode, LineKind, Prepayment, VatTerms};
use namoyish_domain::orders::placement::RegionCode;
use namoyish_domain::orders::price_list::{ItemKind, Names, NewItem, SoldIn, Unit};
use namoyish_storage::DbError;
use namoyish_storage::calendar_days::CalendarEdit;
use namoyish_storage::placements::Region;
use namoyish_storage::price_lists::PriceList;
use namoyish_testkit::contracts::{self, BlankSpec, LineSpec};
use namoyish_testkit::{TestContext, context};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn money(text: &str) -> Money {
    Money::parse(text).unwrap()
}

async fn signed(seed: u64) -> (TestContext, CustomerId, OrderBlankId, LineId) {
    let ctx = context(seed).await;
    contracts::operator(&ctx, true).await;
    let customer = contracts::customer(&ctx, "osh", 1).await;
    let spec = BlankSpec {
        customer,
        code: "OB-1",
        prepayment: Prepayment::Full,
        vat: VatTerms::Payer(Rate::parse("0.12").unwrap()),
        lines: vec![LineSpec {
            code: "OB-1/1",
            kind: LineKind::Media,
            unit_price: "12000.00",
            term: ("2026-11-01", "2026-11-30"),
            budget: Some(Budget {
                mode: BudgetMode::Total,
                amount: money("300000.00"),
            }),
            ready_from: Some("2026-11-01"),
        }],
    };
    let (blank, lines) = contracts::signed_blank(&ctx, &spec).await;
    (ctx, customer, blank, lines[0])
}

/// Runs a statement as somebody with a database console might; gives the constraint that refuses it.
async fn by_hand(ctx: &TestContext, sql: &'static str) -> Option<String> {
    match sqlx::query(sql).execute(&ctx.database.pool()).await {
        Ok(_) => None,
        Err(error) => Some(
            error
                .as_database_error()
                .unwrap()
                .constraint()
                .unwrap_or("type")
                .to_owned(),
        ),
    }
}

#[tokio::test]
async fn what_was_written_is_read_back() {
    let (ctx, customer, blank, line) = signed(1).await;
    let mut tx = ctx.store.begin().await.unwrap();
    let read = tx.order_blanks().find(blank).await.unwrap().unwrap();
    assert_eq!(
        (read.state, read.vat.rate()),
        (BlankState::Signed, Rate::parse("0.12").unwrap())
    );
    assert_eq!(
        tx.order_blanks().find_by_code("OB-1").await.unwrap().unwrap(),
        read
    );
    assert_eq!(tx.order_blanks().lock(blank).await.unwrap().unwrap(), read);
    assert_eq!(
        tx.order_blanks()
            .list(Some(customer), true, None, 10)
            .await
            .unwrap(),
        [read]
    );
    let media = tx.order_lines().lock(line).await.unwrap().unwrap();
    assert_eq!(media.budget.unwrap().amount, money("300000.00"));
    assert_eq!(
        tx.order_lines().of_blank(blank).await.unwrap(),
        std::slice::from_ref(&media)
    );
    assert_eq!(
        tx.order_lines().find_by_code("OB-1/1").await.unwrap().unwrap(),
        media
    );
    let versions = tx.materials().of_line(line, 0, 10).await.unwrap();
    assert_eq!(versions.len(), 1);
    assert_eq!(versions[0].decision.state, ModerationState::Approved);
    assert_eq!((versions[0].blank, versions[0].customer), (blank, customer));
    let queue = tx.materials().queue(None, 10, None, None).await.unwrap();
    assert_eq!(queue, [], "nothing waits for a moderator");
    assert_eq!(
        tx.materials()
            .queue(None, 10, Some(ModerationState::Approved), Some(customer))
            .await
            .unwrap(),
        versions
    );
}

#[tokio::test]
async fn a_signed_blank_is_signed_once_and_frozen_whole() {
    let (ctx, _, blank, _) = signed(2).await;
    let mut tx = ctx.store.begin().await.unwrap();
    let signature = tx
        .order_blanks()
        .find(blank)
        .await
        .unwrap()
        .unwrap()
        .signature
        .unwrap();
    assert!(matches!(
        tx.order_blanks().sign(blank, &signature).await,
        Err(DbError::Inconsistent(_))
    ));
    drop(tx);
    for change in [
        "update order_blanks set sha256 = null",
        "update order_blanks set vat_rate = 0.15",
        "update order_blanks set prepayment = 'monthly'",
    ] {
        assert_eq!(
            by_hand(&ctx, change).await.as_deref(),
            Some("append_only"),
            "{change}"
        );
    }
}

#[tokio::test]
async fn a_move_is_written_only_from_the_state_that_was_read() {
    let (ctx, _, blank, _) = signed(3).await;
    let mut tx = ctx.store.begin().await.unwrap();
    let moved = tx
        .order_blanks()
        .set_state(blank, BlankState::Draft, BlankState::Cancelled)
        .await;
    assert!(matches!(moved, Err(DbError::Inconsistent(_))));
    tx.order_blanks()
        .set_state(blank, BlankState::Signed, BlankState::InService)
        .await
        .unwrap();
}

#[tokio::test]
async fn rows_that_no_code_may_write_are_refused() {
    let (ctx, ..) = signed(4).await;
    for (sql, constraint) in [
        ("update order_lines set budget = null", "media_line_has_a_budget"),
        ("update order_lines set budget = -1", "order_lines_budget_check"),
        ("update order_lines set last_day = first_day - 1", "term_is_not_empty"),
        ("update order_blanks set state = 'lost'", "order_blanks_state_check"),
        ("update customers set stir = '12'", "customers_stir_check"),
        ("update customers set stir = null, pinfl = null", "customer_has_a_tax_number"),
        ("update customers set language = 'kaa'", "customers_language_check"),
        ("insert into regions values ('uz', null, 'a', 'a', 'a')", "regions_code_check"),
        ("insert into regions values ('UZ-TK', 'UZ', 'a', 'a', 'a')", "regions_parent_fkey"),
        ("insert into operator (id, legal_name, city, address, stir, bank_name, mfo, settlement_account, director, email, phone)
          select 2, legal_name, city, address, stir, bank_name, mfo, settlement_account, director, email, phone from operator",
            "operator_id_check"),
        ("insert into files values ('AB', 'image/png', '', now())", "files_sha256_check"),
    ] {
        assert_eq!(by_hand(&ctx, sql).await.as_deref(), Some(constraint), "{sql}");
    }
}

// orders.md §4: a material is immutable; so are its decisions, its files and its documents.
#[tokio::test]
async fn nothing_about_a_material_is_changed_or_deleted() {
    let (ctx, _, _, _) = signed(9).await;
    assert_eq!(
        by_hand(
            &ctx,
            "insert into files values (repeat('a', 64), 'application/pdf', '', now())"
        )
        .await,
        None
    );
    for sql in [
        "insert into material_documents (id, material_id, kind, number, issuer, expires_on, file_sha256, attached_at, attached_by)
         select gen_random_uuid(), id, 'licence', 'L', 'V', '2027-01-01', repeat('a', 64), now(), 'x' from ad_materials",
        "insert into material_document_revocations select id, '', now(), 'x' from material_documents",
        "insert into material_document_notices select id, 'expired', now() from material_documents",
        "insert into material_starts (material_id, live_from, set_at) select id, live_from, now() from ad_materials",
        "insert into material_subject_events (material_id, event, note, at, actor) select id, 'flagged', 'x', now(), 'x' from ad_materials",
    ] {
        assert_eq!(by_hand(&ctx, sql).await, None, "{sql}");
    }
    for (sql, constraint) in [
        ("update ad_materials set title = 'boshqa'", "append_only"),
        ("delete from ad_materials", "append_only"),
        (
            "update moderation_decisions set state = 'approved'",
            "append_only",
        ),
        ("delete from moderation_decisions", "append_only"),
        ("update files set content = 'x'", "append_only"),
        ("delete from files", "append_only"),
        ("truncate files cascade", "append_only"),
        (
            "update material_documents set expires_on = '2030-01-01'",
            "append_only",
        ),
        ("delete from material_document_revocations", "append_only"),
        ("delete from material_document_notices", "append_only"),
        ("delete from material_starts", "append_only"),
        ("delete from material_subject_events", "append_only"),
        ("update moderation_checklist set name_uz = 'x'", "append_only"),
        ("delete from moderation_checklist", "append_only"),
        (
            "insert into material_subject_events (material_id, event, note, at, actor) select id, 'consented', 'x', now(), 'x' from ad_materials",
            "consent_names_its_amendment",
        ),
    ] {
        assert_eq!(by_hand(&ctx, sql).await.as_deref(), Some(constraint), "{sql}");
    }
}

#[tokio::test]
async fn rows_that_no_code_wrote_are_found_when_they_are_read() {
    let (ctx, customer, blank, line) = signed(5).await;
    // The database refuses such rows by itself; this is about the reading side.
    for lifted in [
        "alter table order_blanks disable trigger signed_is_frozen",
        "alter table moderation_decisions disable trigger append_only",
        "alter table price_list_items disable trigger append_only",
    ] {
        assert_eq!(by_hand(&ctx, lifted).await, None, "{lifted}");
    }
    let is_inconsistent = |error: DbError| matches!(error, DbError::Inconsistent(_));
    assert_eq!(by_hand(&ctx, "update customers set email = 'nobody'").await, None);
    assert_eq!(
        by_hand(&ctx, "update order_blanks set notice_emails = '{nobody}'").await,
        None
    );
    assert_eq!(by_hand(&ctx, "update operator set phone = '1'").await, None);
    assert_eq!(
        by_hand(&ctx, "update price_list_items set unit = 'kilo'").await,
        None
    );
    assert_eq!(
        by_hand(&ctx, "update moderation_decisions set reasons = '{Mood!}'").await,
        None
    );
    let mut tx = ctx.store.begin().await.unwrap();
    assert!(is_inconsistent(tx.customers().find(customer).await.unwrap_err()));
    assert!(is_inconsistent(tx.order_blanks().find(blank).await.unwrap_err()));
    assert!(is_inconsistent(tx.operator().find().await.unwrap_err()));
    let list = tx
        .price_lists()
        .in_force(day("2026-11-02"))
        .await
        .unwrap()
        .unwrap();
    assert!(is_inconsistent(
        tx.price_lists().items(list.id).await.unwrap_err()
    ));
    assert!(is_inconsistent(
        tx.materials().of_line(line, 0, 10).await.unwrap_err()
    ));
}

#[tokio::test]
async fn one_extra_period_at_a_time_and_each_ends_once() {
    let (ctx, _, _, line) = signed(6).await;
    let period = |first: &str, last: &str| ExtraPeriod {
        id: ExtraPeriodId::from_uuid(ctx.uuid()),
        first_day: day(first),
        last_day: day(last),
        extra_budget: money("150000.00"),
    };
    let mut tx = ctx.store.begin().await.unwrap();
    let first = period("2026-11-11", "2026-11-15");
    tx.extra_periods()
        .insert(line, &first, ctx.now(), "aziza")
        .await
        .unwrap();
    assert_eq!(tx.extra_periods().current(line).await.unwrap(), Some(first));
    assert_eq!(tx.extra_periods().open().await.unwrap(), [(line, first)]);
    let ended = EndedExtraPeriod {
        id: first.id,
        end: ExtraPeriodEnd::SwitchedOff,
        ended_at: ctx.now(),
        ended_on: Some(day("2026-11-12")),
    };
    assert!(tx.extra_periods().end(&ended).await.unwrap());
    assert!(
        !tx.extra_periods().end(&ended).await.unwrap(),
        "what has ended doesn't end again"
    );
    let second = period("2026-11-13", "2026-11-14");
    tx.extra_periods()
        .insert(line, &second, ctx.now(), "aziza")
        .await
        .unwrap();
    let third = tx
        .extra_periods()
        .insert(line, &period("2026-11-16", "2026-11-17"), ctx.now(), "aziza")
        .await;
    assert!(third.unwrap_err().is_constraint("one_extra_period_at_a_time"));
    drop(tx);
    let half = by_hand(
        &ctx,
        "insert into extra_periods select gen_random_uuid(), id, '2026-11-02', '2026-11-01', 1, now(), 'x'
        from order_lines",
    )
    .await;
    assert_eq!(half.as_deref(), Some("extra_period_is_not_empty"));
}

#[tokio::test]
async fn a_list_begins_on_a_day_of_its_own_and_has_each_code_once() {
    let (ctx, ..) = signed(7).await;
    let list = |valid_from: &str| PriceList {
        id: namoyish_domain::ids::PriceListId::from_uuid(ctx.uuid()),
        valid_from: day(valid_from),
        published_at: ctx.now(),
        withdrawn_at: None,
    };
    let item = || {
        let item = NewItem {
            code: "A".into(),
            kind: ItemKind::Impressions,
            names: Names::check("A", "А", "A").unwrap(),
            unit: Unit::ThousandImpressions,
            unit_price: UnitPrice::parse("1.25").unwrap(),
            sold_in: SoldIn::Anywhere,
            material_requirements: String::new(),
        };
        (namoyish_domain::ids::PriceListItemId::from_uuid(ctx.uuid()), item)
    };
    let mut tx = ctx.store.begin().await.unwrap();
    let twice = tx
        .price_lists()
        .insert(&list("2026-12-01"), &[item(), item()])
        .await;
    assert!(twice.unwrap_err().is_constraint("price_list_item_code_is_unique"));
    let mut tx = ctx.store.begin().await.unwrap();
    let december = list("2026-12-01");
    tx.price_lists().insert(&december, &[item()]).await.unwrap();
    assert_eq!(
        tx.price_lists().in_force(day("2026-12-31")).await.unwrap(),
        Some(december.clone())
    );
    assert_ne!(
        tx.price_lists().in_force(day("2026-11-30")).await.unwrap(),
        Some(december)
    );
    let same_day = tx.price_lists().insert(&list("2026-12-01"), &[item()]).await;
    assert!(same_day.unwrap_err().is_constraint("price_list_day_is_unique"));
}

#[tokio::test]
async fn vat_is_that_of_the_day_and_a_scenario_may_set_its_own() {
    let (ctx, ..) = signed(8).await;
    let mut tx = ctx.store.begin().await.unwrap();
    tx.operator()
        .put_vat_status(day("1995-01-01"), true)
        .await
        .unwrap();
    for (on, rate) in [
        ("2019-09-30", "0.20"),
        ("2019-10-01", "0.15"),
        ("2022-12-31", "0.15"),
        ("2023-01-01", "0.12"),
    ] {
        let due = VatTerms::Payer(Rate::parse(rate).unwrap());
        assert_eq!(
            tx.operator().vat_terms_on(day(on)).await.unwrap(),
            Some(due),
            "{on}"
        );
    }
    assert_eq!(tx.operator().vat_terms_on(day("1994-12-31")).await.unwrap(), None);
    tx.operator()
        .put_vat_status(day("2026-12-01"), false)
        .await
        .unwrap();
    assert_eq!(
        tx.operator().vat_terms_on(day("2026-12-01")).await.unwrap(),
        Some(VatTerms::NotAPayer)
    );
    tx.operator()
        .replace_vat_rates(Rate::parse("0.07").unwrap())
        .await
        .unwrap();
    let own = VatTerms::Payer(Rate::parse("0.07").unwrap());
    assert_eq!(
        tx.operator().vat_terms_on(day("2019-10-01")).await.unwrap(),
        Some(own)
    );
}

#[tokio::test]
async fn an_edited_day_wins_over_the_shipped_calendar() {
    let (ctx, ..) = signed(9).await;
    let mut tx = ctx.store.begin().await.unwrap();
    let edit = CalendarEdit {
        by: "admin",
        at: ctx.now(),
        reason: "decree",
    };
    let shipped = tx.calendar_days().calendar().await.unwrap();
    assert!(!shipped.is_business_day(day("2026-12-08")) && shipped.is_business_day(day("2026-11-03")));
    tx.calendar_days()
        .put(day("2026-12-08"), DayKind::Working, edit)
        .await
        .unwrap();
    tx.calendar_days()
        .put(day("2026-11-03"), DayKind::Working, edit)
        .await
        .unwrap();
    tx.calendar_days()
        .put(day("2026-11-03"), DayKind::DayOff, edit)
        .await
        .unwrap();
    let edited = tx.calendar_days().calendar().await.unwrap();
    assert!(edited.is_business_day(day("2026-12-08")) && !edited.is_business_day(day("2026-11-03")));
    // A day given back is what ships again, and the history has every word.
    assert!(
        tx.calendar_days()
            .give_back(day("2026-12-08"), edit)
            .await
            .unwrap()
    );
    assert!(
        !tx.calendar_days()
            .give_back(day("2026-12-08"), edit)
            .await
            .unwrap()
    );
    let again = tx.calendar_days().calendar().await.unwrap();
    assert!(!again.is_business_day(day("2026-12-08")));
    let history = tx.calendar_days().changes(None, 10).await.unwrap();
    let words: Vec<Option<bool>> = history.iter().map(|change| change.working).collect();
    assert_eq!(words, [None, Some(false), Some(true), Some(true)]);
    tx.save().await.unwrap();
    // README rule 6: who changed the calendar is append-only.
    assert_eq!(
        by_hand(&ctx, "update calendar_changes set changed_by = 'nobody'").await,
        Some("append_only".to_owned())
    );
}

#[tokio::test]
async fn regions_hang_below_their_parent_and_unknown_ones_are_named() {
    let (ctx, ..) = signed(10).await;
    let region = |code: &str| RegionCode::parse(code).unwrap();
    let mut tx = ctx.store.begin().await.unwrap();
    for code in ["UZ", "UZ-TK", "UZ-TK/tashkent"] {
        let names = Names::check(code, code, code).unwrap();
        tx.placements()
            .put_region(&Region {
                code: region(code),
                names,
            })
            .await
            .unwrap();
    }
    let asked = [region("UZ-TK"), region("UZ-SA"), region("KZ")];
    assert_eq!(
        tx.placements().unknown_regions(&asked).await.unwrap(),
        ["KZ", "UZ-SA"]
    );
    let page = tx.placements().regions("UZ", 1).await.unwrap();
    assert_eq!(page[0].code, region("UZ-TK"));
    let names = Names::check("x", "x", "x").unwrap();
    let orphan = tx
        .placements()
        .put_region(&Region {
            code: region("KZ-ALA"),
            names,
        })
        .await;
    assert!(orphan.unwrap_err().is_constraint("regions_parent_fkey"));
}

#[tokio::test]
async fn editions_are_numbered_one_after_the_other() {
    let (ctx, ..) = signed(11).await;
    let mut tx = ctx.store.begin().await.unwrap();
    let first = tx.operator().editions(i32::MAX, 1).await.unwrap()[0].number;
    let next = tx
        .operator()
        .insert_edition("matn", "0", day("2026-11-02"), day("2026-12-01"))
        .await
        .unwrap();
    assert_eq!(next, first + 1);
    assert_eq!(
        tx.operator().edition_on(day("2026-11-30")).await.unwrap(),
        Some(first)
    );
    assert_eq!(
        tx.operator().edition_on(day("2026-12-01")).await.unwrap(),
        Some(next)
    );
}
