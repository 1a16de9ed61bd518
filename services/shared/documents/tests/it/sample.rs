//! Sample contents: what a month of an ordinary customer looks like. Used by the tests and by `examples/samples.rs`.

use chrono::NaiveDate;
use namoyish_documents::content::{
    BlankBudgetMode, BlankPrepayment, BlankSignature, CONTENT_VERSION, ContentKind, PartyKind, SignatureKind,
    StatisticsSource, Unit,
};
use namoyish_documents::{
    DocumentLine, InvoiceContent, InvoiceLine, LocalizedName, OrderBlankContent, OrderBlankLine, Party,
    PrimaryDocumentContent,
};
use namoyish_domain::calendar::ReportingPeriod;
use namoyish_domain::money::{Money, Rate, UnitPrice};
use rust_decimal::Decimal;

pub fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub fn money(text: &str) -> Money {
    Money::parse(text).unwrap()
}

fn name(uz: &str, ru: &str, en: &str) -> LocalizedName {
    LocalizedName {
        uz: uz.into(),
        ru: ru.into(),
        en: en.into(),
    }
}

pub fn operator() -> Party {
    Party {
        kind: PartyKind::LegalEntity,
        name: "“Namoyish Media” MChJ".into(),
        address: "100000, Toshkent sh., Mirobod tumani, Amir Temur shohkoʻchasi, 1-uy".into(),
        stir_or_pinfl: "301234567".into(),
        bank_name: "“Namuna” ATB, Bosh amaliyot boʻlimi".into(),
        mfo: "00014".into(),
        settlement_account: "20208000000000000001".into(),
        oked: "73110".into(),
        vat_code: "326000012345".into(),
        signatory: "Karimov A. B.".into(),
        authority: String::new(),
        accountant: "Yoʻldosheva M. Sh.".into(),
        email: "hujjat@namoyish.example".into(),
        phone: "+998 71 200 00 00".into(),
    }
}

pub fn customer() -> Party {
    Party {
        kind: PartyKind::LegalEntity,
        name: "“Oʻzbek Osh Markazi” MChJ".into(),
        address: "140100, Samarqand viloyati, Samarqand sh., Registon koʻchasi, 12-uy".into(),
        stir_or_pinfl: "305987654".into(),
        bank_name: "“Namuna” ATB, Samarqand filiali".into(),
        mfo: "00288".into(),
        settlement_account: "20208000900123456002".into(),
        oked: "56100".into(),
        vat_code: "326000067890".into(),
        signatory: "Gʻaniyeva D. Oʻ.".into(),
        authority: "Ustav".into(),
        accountant: String::new(),
        email: "buxgalteriya@osh-markazi.example".into(),
        phone: "+998 66 233 44 55".into(),
    }
}

/// A document of `count` lines, media and period in turn.
pub fn primary(count: u32, vat_payer: bool) -> PrimaryDocumentContent {
    let rate = if vat_payer {
        Rate::parse("0.12").unwrap()
    } else {
        Rate::ZERO
    };
    let lines: Vec<DocumentLine> = (1..=count)
        .map(|position| {
            let media = position % 2 == 1;
            let impressions = 25_000 * u64::from(position) + 317;
            let price = UnitPrice::parse(if media { "12000.00" } else { "1234567.89" }).unwrap();
            let net = if media {
                price
                    .of_impressions(impressions)
                    .unwrap()
                    .round_half_up()
                    .unwrap()
            } else {
                Money::from_decimal(price.decimal()).unwrap()
            };
            let vat = rate.of(net).unwrap();
            DocumentLine {
                position,
                contract_number: format!("OB-2026-{:06}", 41 + position / 3),
                contract_date: day("2026-10-19"),
                service: if media {
                    name(
                        "Media banner, mobil ilovaning bosh sahifasi, 728×90",
                        "Медийный баннер, главная страница мобильного приложения, 728×90",
                        "Media banner, home page of the mobile app, 728×90",
                    )
                } else {
                    name(
                        "Maʼlumotnomada ustuvor joylashtirish",
                        "Приоритетное размещение в справочнике",
                        "Priority listing in the directory",
                    )
                },
                line_code: format!("OB-{}/{}", 41 + position / 3, position % 3 + 1),
                period_from: day("2026-11-01"),
                period_to: day("2026-11-30"),
                unit: if media { Unit::Impressions } else { Unit::Month },
                quantity: if media {
                    Decimal::from(impressions)
                } else {
                    Decimal::ONE
                },
                unit_price: price,
                vat_rate: rate,
                net,
                vat,
                gross: net.checked_add(vat).unwrap(),
            }
        })
        .collect();
    let net = Money::sum(lines.iter().map(|line| line.net)).unwrap();
    let vat = Money::sum(lines.iter().map(|line| line.vat)).unwrap();
    let gross = net.checked_add(vat).unwrap();
    let advance_left = Money::ZERO;
    let advance_used = gross.checked_sub(money("100000.01")).unwrap();
    PrimaryDocumentContent {
        version: CONTENT_VERSION,
        kind: ContentKind::PrimaryDocument,
        number: "D-2026-000123".into(),
        place: "Toshkent".into(),
        issued_on: day("2026-12-01"),
        period: ReportingPeriod::parse("2026-11").unwrap(),
        operator: operator(),
        customer: customer(),
        statistics_source: StatisticsSource::Own,
        vat_payer,
        lines,
        net,
        vat,
        gross,
        advance_used,
        receivable_left: money("100000.01"),
        advance_left,
        impressions_fingerprint: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
        rules_edition: 3,
    }
}

pub fn invoice(vat_payer: bool) -> InvoiceContent {
    let document = primary(2, vat_payer);
    InvoiceContent {
        version: CONTENT_VERSION,
        kind: ContentKind::Invoice,
        number: "INV-2026-000057".into(),
        issued_on: day("2026-10-19"),
        due_on: day("2026-10-24"),
        operator: document.operator,
        customer: document.customer,
        order_number: "OB-2026-000041".into(),
        order_date: day("2026-10-19"),
        vat_payer,
        lines: document
            .lines
            .into_iter()
            .map(|line| InvoiceLine {
                service: line.service,
                line_code: line.line_code,
                period_from: line.period_from,
                period_to: line.period_to,
                unit: line.unit,
                quantity: line.quantity,
                net: line.net,
                vat_rate: line.vat_rate,
                vat: line.vat,
                gross: line.gross,
            })
            .collect(),
        net: document.net,
        vat: document.vat,
        gross: document.gross,
        purpose: "00668 INV-2026-000057-sonli hisob boʻyicha reklama xizmatlari uchun oldindan toʻlov, 19.10.2026 dagi OB-2026-000041 shartnoma".into(),
    }
}

pub fn order_blank(signed: bool, vat_payer: bool) -> OrderBlankContent {
    let document = primary(2, vat_payer);
    let regions = vec![
        name("Toshkent shahri", "город Ташкент", "Tashkent city"),
        name("Samarqand viloyati", "Самаркандская область", "Samarkand region"),
    ];
    OrderBlankContent {
        version: CONTENT_VERSION,
        kind: ContentKind::OrderBlank,
        number: "OB-2026-000041".into(),
        place: "Toshkent".into(),
        made_out_on: day("2026-10-19"),
        operator: document.operator,
        customer: document.customer,
        rules_edition: 3,
        rules_in_force_from: day("2026-01-01"),
        statistics_source: StatisticsSource::Own,
        notice_emails: vec![
            "reklama@osh-markazi.example".into(),
            "buxgalteriya@osh-markazi.example".into(),
        ],
        prepayment: BlankPrepayment::Monthly,
        own_due_on: Some(day("2026-10-28")),
        vat_payer,
        vat_rate: if vat_payer {
            Rate::parse("0.12").unwrap()
        } else {
            Rate::ZERO
        },
        lines: document
            .lines
            .into_iter()
            .map(|line| {
                let media = line.unit == Unit::Impressions;
                OrderBlankLine {
                    position: line.position,
                    line_code: line.line_code,
                    service: line.service,
                    placements: vec![name(
                        "Bosh sahifa, yuqori banner",
                        "Главная, верхний баннер",
                        "Home page, top banner",
                    )],
                    regions: if media { regions.clone() } else { Vec::new() },
                    first_day: line.period_from,
                    last_day: line.period_to,
                    unit: line.unit,
                    unit_price: line.unit_price,
                    quantity: line.quantity,
                    budget_mode: media.then_some(BlankBudgetMode::Total),
                    net: line.net,
                    vat: line.vat,
                    gross: line.gross,
                }
            })
            .collect(),
        net: document.net,
        vat: document.vat,
        gross: document.gross,
        signature: signed.then(|| BlankSignature {
            kind: SignatureKind::CabinetCode,
            signed_by: "Gʻaniyeva D. Oʻ.".into(),
            signed_at: "2026-10-19T09:14:31Z".parse().unwrap(),
            sha256: "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9".into(),
        }),
    }
}

pub const VERIFY_URL: &str = "https://reklama.example.uz/verify?kind=primary_document&number=D-2026-000123&sha256=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
