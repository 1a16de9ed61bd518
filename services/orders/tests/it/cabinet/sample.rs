//! Two customers in the middle of a month: rows for the cabinet's tests and for the example that serves it.
//!
//! Everything that has a command is made by the command; plans and counts, which other services make, by their own
//! storage functions. The clock ends on Wednesday, 11 November 2026, 14:00 in Tashkent.

use chrono::NaiveDate;
use namoyish_documents::content::{
    CONTENT_VERSION, ContentKind, DocumentLine, LocalizedName, Party, PartyKind, PrimaryDocumentContent,
    StatisticsSource, Unit as DocumentUnit,
};
use namoyish_documents::{Language, canonical_json, sha256_hex};
use namoyish_domain::billing::document::Series;
use namoyish_domain::billing::ledger::PaymentMethod;
use namoyish_domain::calendar::{ReportingPeriod, Timestamp, at_tashkent, day_start, plus_days};
use namoyish_domain::delivery::counters::{Epoch, Event, EventKind};
use namoyish_domain::delivery::pacing::{PlanInputs, TrafficCurve, plan_day};
use namoyish_domain::ids::{
    AdMaterialId, CustomerId, DocumentId, InvoiceId, LineId, OrderBlankId, PlacementId, SegmentId,
};
use namoyish_domain::money::{Money, Rate, UnitPrice};
use namoyish_domain::orders::customer::CustomerForm;
use namoyish_domain::orders::line::Service;
use namoyish_domain::orders::material::MaterialKind;
use namoyish_domain::orders::moderation::{ModerationReason, Verdict};
use namoyish_domain::orders::order_blank::{
    Budget, BudgetMode, Prepayment, StatisticsSource as BlankStatistics, Term,
};
use namoyish_domain::orders::party::OperatorForm;
use namoyish_domain::orders::placement::{PlacementFormat, PlacementKind};
use namoyish_domain::orders::price_list::{ItemKind, Names, NewItem, SoldIn, Unit};
use namoyish_domain::orders::targeting::Targeting;
use namoyish_orders::app::add_app::{AddApp, add_app};
use namoyish_orders::app::add_placement::{AddPlacement, add_placement};
use namoyish_orders::app::create_user::{CreateUser, create_user};
use namoyish_orders::app::decide_material::{DecideMaterial, decide_material};
use namoyish_orders::app::draw_up_order_blank::{DrawUpLine, DrawUpOrderBlank, draw_up_order_blank};
use namoyish_orders::app::offer_order_blank::{OfferOrderBlank, offer_order_blank};
use namoyish_orders::app::publish_price_list::{PublishPriceList, publish_price_list};
use namoyish_orders::app::publish_rules_edition::{PublishRulesEdition, publish_rules_edition};
use namoyish_orders::app::record_payment::{RecordPayment, record_payment};
use namoyish_orders::app::register_customer::{RegisterCustomer, register_customer};
use namoyish_orders::app::set_up_operator::{SetUpOperator, set_up_operator};
use namoyish_orders::app::sign_order_blank::{HowSigned, SignOrderBlank, sign_order_blank};
use namoyish_orders::app::submit_material::{SubmitMaterial, submit_material};
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_storage::counting::SegmentFacts;
use namoyish_storage::documents::NewDocument;
use namoyish_storage::plans::StoredPlan;
use rust_decimal::Decimal;

/// The password of every user of the sample.
pub const PASSWORD: &str = "tilla-baliq-7";

/// What tests ask for by id.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The customer of `aziza` (owner), `bobur` (viewer).
    pub customer: CustomerId,
    /// Its blank.
    pub blank: OrderBlankId,
    /// Its media line, 1–30 November, 300,000 so'm, running.
    pub media: LineId,
    /// Its period line, November and December, whose invoice is overdue.
    pub period: LineId,
    /// Its paid and its overdue invoice, by due date.
    pub invoices: Vec<InvoiceId>,
    /// Its primary document of October.
    pub document: DocumentId,
    /// The document's hash.
    pub document_sha256: String,
    /// Another customer's things, of `malika`.
    pub other: Other,
}

/// What belongs to another customer.
#[derive(Debug, Clone)]
pub struct Other {
    /// Its blank.
    pub blank: OrderBlankId,
    /// Its media line.
    pub media: LineId,
    /// Its invoice.
    pub invoice: InvoiceId,
    /// Its document.
    pub document: DocumentId,
}

pub fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub fn money(text: &str) -> Money {
    Money::parse(text).unwrap()
}

/// A wall clock in Tashkent: "2026-11-11T14:00:00".
pub fn at(text: &str) -> Timestamp {
    at_tashkent(text.parse().unwrap())
}

/// The instant at which the sample's clock has to begin.
pub fn begin() -> Timestamp {
    at("2026-10-12T09:00:00")
}

/// Makes everything. The context's clock is virtual and shows [`begin`].
pub async fn make(ctx: &Context) -> Sample {
    let actor = Actor::system("sample");
    set_up(ctx, &actor).await;
    let placement = place(ctx, &actor).await;
    let customer = customer(ctx, &actor, "chinor", "“Chinor Savdo” MCHJ", 1).await;
    let other = self::customer(ctx, &actor, "ziyo", "“Ziyo Kitob” MCHJ", 2).await;
    for (login, customer, role) in [
        ("aziza", Some(customer), Role::Owner),
        ("bobur", Some(customer), Role::Viewer),
        ("malika", Some(other), Role::Owner),
        ("sales", None, Role::Sales),
    ] {
        let cmd = CreateUser {
            login: login.to_owned(),
            password: PASSWORD.to_owned(),
            customer,
            role,
            language: Language::UzLatn,
        };
        create_user(ctx, &actor, cmd).await.unwrap();
    }

    let (blank, lines, invoices) = order(ctx, &actor, customer, placement, true).await;
    let (other_blank, other_lines, other_invoices) = order(ctx, &actor, other, placement, false).await;
    let (media, period) = (lines[0], lines[1]);
    let material = submit(ctx, &actor, media).await;
    decide(ctx, &actor, material, Verdict::Approve, "").await;
    let refused = submit(ctx, &actor, period).await;
    let verdict = Verdict::Reject {
        reasons: vec![ModerationReason::FOREIGN_CURRENCY, ModerationReason::QUALITY],
    };
    decide(ctx, &actor, refused, verdict, "Narxlarni soʻmda yozing.").await;

    ctx.clock.advance_to(at("2026-10-14T10:00:00"));
    // The media line's budget with 12 % VAT, and something over.
    let cmd = RecordPayment {
        customer,
        amount: money("400000.00"),
        received_on: ctx.today(),
        method: PaymentMethod::Bank,
        named_invoice: Some(number_of_media_invoice(ctx, customer).await),
        reference: "TT 118".to_owned(),
        idempotency_key: "sample-1".to_owned(),
    };
    record_payment(ctx, &actor, cmd).await.unwrap();

    let (document, document_sha256) = primary_document(ctx, customer, "“Chinor Savdo” MCHJ", 1).await;
    let (other_document, _) = primary_document(ctx, other, "“Ziyo Kitob” MCHJ", 2).await;
    count(ctx, media, material, placement).await;
    Sample {
        customer,
        blank,
        media,
        period,
        invoices,
        document,
        document_sha256,
        other: Other {
            blank: other_blank,
            media: other_lines[0],
            invoice: other_invoices[0],
            document: other_document,
        },
    }
}

async fn set_up(ctx: &Context, actor: &Actor) {
    let form = OperatorForm {
        legal_name: "“Namoyish Reklama” MCHJ".to_owned(),
        city: "Toshkent".to_owned(),
        address: "Toshkent, Amir Temur koʻchasi, 1-uy".to_owned(),
        stir: "305123456".to_owned(),
        bank_name: "Namuna bank".to_owned(),
        mfo: "00440".to_owned(),
        settlement_account: "20208000900123456001".to_owned(),
        oked: "73110".to_owned(),
        vat_code: "326060000001".to_owned(),
        director: "A. Karimov".to_owned(),
        accountant: "B. Yusupova".to_owned(),
        email: "hisob@namoyish.example.uz".to_owned(),
        phone: "998710000001".to_owned(),
    };
    let cmd = SetUpOperator {
        form,
        vat_payer: true,
        vat_payer_from: day("2020-01-01"),
        penalty_cap_percent: None,
        only_vat_rate: None,
    };
    set_up_operator(ctx, actor, cmd).await.unwrap();
    let cmd = PublishRulesEdition {
        text: "Reklama xizmatlarini koʻrsatish qoidalari.".to_owned(),
        in_force_from: ctx.today(),
    };
    publish_rules_edition(ctx, actor, cmd).await.unwrap();
    let item = |code: &str, kind, unit, price: &str, uz: &str, ru: &str, en: &str| NewItem {
        code: code.to_owned(),
        kind,
        names: Names {
            uz: uz.to_owned(),
            ru: ru.to_owned(),
            en: en.to_owned(),
        },
        unit,
        unit_price: UnitPrice::parse(price).unwrap(),
        sold_in: SoldIn::Anywhere,
        material_requirements: String::new(),
    };
    let items = vec![
        item(
            "banner",
            ItemKind::Impressions,
            Unit::ThousandImpressions,
            "100000",
            "Bosh sahifadagi banner",
            "Баннер на главной странице",
            "Banner on the front page",
        ),
        item(
            "priority",
            ItemKind::Period,
            Unit::Month,
            "1200000",
            "Maʼlumotnomada ustuvor joylashtirish",
            "Приоритетное размещение в справочнике",
            "Priority placement in the directory",
        ),
    ];
    publish_price_list(
        ctx,
        actor,
        PublishPriceList {
            valid_from: day("2026-01-01"),
            items,
        },
    )
    .await
    .unwrap();
}

async fn place(ctx: &Context, actor: &Actor) -> PlacementId {
    let cmd = AddApp {
        code: "shahar".to_owned(),
        name: "Shahar.demo".to_owned(),
        partner: false,
    };
    let app = add_app(ctx, actor, cmd).await.unwrap();
    let mut first = None;
    for (code, uz, ru, en, width, height) in [
        (
            "shahar-top",
            "Bosh sahifa, yuqorida",
            "Главная, вверху",
            "Front page, top",
            728,
            90,
        ),
        (
            "shahar-side",
            "Bosh sahifa, yonda",
            "Главная, сбоку",
            "Front page, side",
            300,
            250,
        ),
    ] {
        let cmd = AddPlacement {
            code: code.to_owned(),
            app: app.id,
            names: Names {
                uz: uz.to_owned(),
                ru: ru.to_owned(),
                en: en.to_owned(),
            },
            format: PlacementFormat {
                kind: PlacementKind::Banner,
                width,
                height,
                bytes_max: 307_200,
                text_max: 0,
            },
        };
        let placement = add_placement(ctx, actor, cmd).await.unwrap();
        first.get_or_insert(placement.id);
    }
    first.unwrap()
}

async fn customer(ctx: &Context, actor: &Actor, code: &str, name: &str, serial: u32) -> CustomerId {
    let form = CustomerForm {
        kind: "legal_entity".to_owned(),
        name: name.to_owned(),
        stir: format!("30512345{serial}"),
        address: "Toshkent, Navoiy koʻchasi, 5-uy".to_owned(),
        bank_name: "Namuna bank".to_owned(),
        mfo: "00440".to_owned(),
        settlement_account: format!("2020800090012345{serial}002"),
        email: format!("{code}@mijoz.example.uz"),
        phone: format!("99890123456{serial}"),
        signatory: "D. Rahimov".to_owned(),
        authority: "Ustav".to_owned(),
        ..CustomerForm::default()
    };
    let cmd = RegisterCustomer {
        code: Some(code.to_owned()),
        form,
        category: "regular".to_owned(),
        language: Language::UzLatn,
    };
    register_customer(ctx, actor, cmd).await.unwrap().id
}

/// A signed blank with a media line, and for the first customer a period line.
async fn order(
    ctx: &Context,
    actor: &Actor,
    customer: CustomerId,
    placement: PlacementId,
    with_period: bool,
) -> (OrderBlankId, Vec<LineId>, Vec<InvoiceId>) {
    let line = |item: &str, service| DrawUpLine {
        code: None,
        item: item.to_owned(),
        service,
        placements: vec![placement],
        regions: Vec::new(),
        targeting: Targeting::default(),
    };
    let mut lines = vec![line(
        "banner",
        Service::Media {
            term: Term::new(day("2026-11-01"), day("2026-11-30")).unwrap(),
            budget: Budget {
                mode: BudgetMode::Total,
                amount: money("300000.00"),
            },
        },
    )];
    if with_period {
        let month = |text| ReportingPeriod::parse(text).unwrap();
        lines.push(line(
            "priority",
            Service::Period {
                first: month("2026-11"),
                last: month("2026-12"),
            },
        ));
    }
    let cmd = DrawUpOrderBlank {
        code: None,
        customer,
        city: None,
        prepayment: Prepayment::Full,
        own_due_on: None,
        own_due_days: None,
        statistics_source: BlankStatistics::Own,
        notice_emails: Vec::new(),
        lines,
    };
    let drawn_up = draw_up_order_blank(ctx, actor, cmd).await.unwrap();
    let blank = drawn_up.blank.id;
    offer_order_blank(ctx, actor, OfferOrderBlank { blank })
        .await
        .unwrap();
    let how = HowSigned::Paper { signed_on: None };
    let signed = sign_order_blank(ctx, actor, SignOrderBlank { blank, how })
        .await
        .unwrap();
    (
        blank,
        drawn_up.lines.iter().map(|line| line.id).collect(),
        signed.invoices,
    )
}

async fn submit(ctx: &Context, actor: &Actor, line: LineId) -> AdMaterialId {
    let cmd = SubmitMaterial {
        line,
        kind: MaterialKind::Banner,
        title: "Kuzgi chegirmalar".to_owned(),
        body: String::new(),
        target_url: "https://chinor.example.uz/kuz".to_owned(),
        file: Some(picture().into()),
    };
    submit_material(ctx, actor, cmd)
        .await
        .unwrap()
        .material
        .material
        .id
}

/// A plain picture of the placement's size.
pub fn picture() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let picture = image::RgbImage::from_pixel(728, 90, image::Rgb([11, 110, 95]));
    picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

async fn decide(ctx: &Context, actor: &Actor, material: AdMaterialId, verdict: Verdict, comment: &str) {
    let cmd = DecideMaterial {
        material,
        verdict,
        comment: comment.to_owned(),
    };
    decide_material(ctx, actor, cmd).await.unwrap();
}

async fn number_of_media_invoice(ctx: &Context, customer: CustomerId) -> String {
    let invoices = ctx.store.cabinet(customer).open_invoices().await.unwrap();
    invoices
        .iter()
        .find(|invoice| invoice.net == money("300000.00"))
        .unwrap()
        .number
        .clone()
}

/// A plan and counts for every day from the first to the clock's last.
async fn count(ctx: &Context, line: LineId, material: AdMaterialId, placement: PlacementId) {
    let term = Term::new(day("2026-11-01"), day("2026-11-30")).unwrap();
    let mut counted = 0;
    // 100 impressions are the even target of 10,000 so'm; some days miss it, and the days after make up for it.
    for (place, shown) in [70, 101, 101, 64, 102, 103, 103, 0, 108, 108, 61]
        .into_iter()
        .enumerate()
    {
        let today = plus_days(term.first_day(), place as u64);
        ctx.clock.advance_to(day_start(today));
        let plan = plan_day(&PlanInputs {
            day: today,
            base_at: day_start(today),
            term,
            budget: Budget {
                mode: BudgetMode::Total,
                amount: money("300000.00"),
            },
            price: UnitPrice::parse("100000").unwrap(),
            counted_before_day: counted,
            counted_before_base: 0,
            extra_period: None,
            curve: TrafficCurve::FLAT,
        })
        .unwrap();
        let mut tx = ctx.store.begin().await.unwrap();
        let stored = StoredPlan {
            line,
            version: place as u64 + 1,
            plan,
        };
        tx.plans().insert_all(today, &[stored], ctx.now()).await.unwrap();
        show(
            &mut tx,
            ctx,
            line,
            material,
            placement,
            at(&format!("{today}T13:30:00")),
            shown,
        )
        .await;
        tx.save().await.unwrap();
        counted += u64::from(shown);
    }
    ctx.clock.advance_to(at("2026-11-11T14:00:00"));
}

/// Counts impressions, half of them viewable and a tenth clicked, as a sealed segment of a node does.
pub async fn show(
    tx: &mut namoyish_storage::Tx,
    ctx: &Context,
    line: LineId,
    material: AdMaterialId,
    placement: PlacementId,
    decided_at: Timestamp,
    shown: u32,
) {
    let event = |kind, number| Event {
        kind,
        line,
        scope: 0,
        generation: 1,
        epoch: Epoch::of(decided_at),
        number,
        material,
        placement,
        region: None,
        decided_at,
        counted_at: decided_at,
    };
    let mut events = Vec::new();
    for number in 0..shown {
        events.push(event(EventKind::Impression, number));
        if number % 2 == 0 {
            events.push(event(EventKind::Viewable, number));
        }
        if number % 10 == 0 {
            events.push(event(EventKind::Click, number));
        }
    }
    let segment = SegmentFacts {
        id: SegmentId::from_uuid(ctx.uuid()),
        node: "sample",
        sha256: "",
        location: "",
        events: &events,
    };
    let counts = tx.counting().apply_segment(&segment, ctx.now()).await.unwrap();
    assert_eq!(counts.impressions, u64::from(shown));
}

fn party(name: &str) -> Party {
    Party {
        kind: PartyKind::LegalEntity,
        name: name.to_owned(),
        address: "Toshkent, Navoiy koʻchasi, 5-uy".to_owned(),
        stir_or_pinfl: "305123451".to_owned(),
        bank_name: "Namuna bank".to_owned(),
        mfo: "00440".to_owned(),
        settlement_account: "20208000900123451002".to_owned(),
        oked: String::new(),
        vat_code: String::new(),
        signatory: "D. Rahimov".to_owned(),
        authority: "Ustav".to_owned(),
        accountant: String::new(),
        email: "chinor@mijoz.example.uz".to_owned(),
        phone: "998901234561".to_owned(),
    }
}

/// An issued primary document for October, as the month's close makes them.
async fn primary_document(
    ctx: &Context,
    customer: CustomerId,
    name: &str,
    serial: u32,
) -> (DocumentId, String) {
    let number = format!("2026-{serial:06}");
    let (net, vat, gross) = (money("120000.00"), money("14400.00"), money("134400.00"));
    let content = PrimaryDocumentContent {
        version: CONTENT_VERSION,
        kind: ContentKind::PrimaryDocument,
        number: number.clone(),
        place: "Toshkent".to_owned(),
        issued_on: day("2026-11-01"),
        period: ReportingPeriod::parse("2026-10").unwrap(),
        operator: party("“Namoyish Reklama” MCHJ"),
        customer: party(name),
        statistics_source: StatisticsSource::Own,
        vat_payer: true,
        lines: vec![DocumentLine {
            position: 1,
            contract_number: "2026-000001".to_owned(),
            contract_date: day("2026-10-12"),
            service: LocalizedName {
                uz: "Bosh sahifadagi banner".to_owned(),
                ru: "Баннер на главной странице".to_owned(),
                en: "Banner on the front page".to_owned(),
            },
            line_code: "m1".to_owned(),
            period_from: day("2026-10-15"),
            period_to: day("2026-10-31"),
            unit: DocumentUnit::Impressions,
            quantity: Decimal::from(1200),
            unit_price: UnitPrice::parse("100000").unwrap(),
            vat_rate: Rate::parse("0.12").unwrap(),
            net,
            vat,
            gross,
        }],
        net,
        vat,
        gross,
        advance_used: gross,
        receivable_left: Money::ZERO,
        advance_left: Money::ZERO,
        impressions_fingerprint: "ab".repeat(32),
        rules_edition: 1,
    };
    let text = canonical_json(&content).unwrap();
    let sha256 = sha256_hex(&text);
    let id = DocumentId::from_uuid(ctx.uuid());
    let mut tx = ctx.store.begin().await.unwrap();
    let document = NewDocument {
        id,
        kind: Series::PrimaryDocument,
        number: &number,
        customer,
        period: Some(content.period),
        net,
        vat,
        gross,
        content: &text,
        sha256: &sha256,
        issued_at: ctx.now(),
    };
    tx.documents().issue(&document, &[], "sample").await.unwrap();
    tx.save().await.unwrap();
    (id, sha256)
}
