//! Sample contents: what a month of an ordinary customer looks like. Used by the tests and by `examples/samples.rs`.

use chrono::NaiveDate;
use namoyish_documents::content::{
    ActDocument, ActRow, BlankBudgetMode, BlankPrepayment, BlankSignature, CONTENT_VERSION, ContentKind,
    ContractRef, PartyKind, PaymentDue, ReconciliationActContent, RefundContent, RefundContract,
    SignatureKind, StatisticsSource, Unit,
};
use namoyish_documents::content::{
    CorrectionContent, CorrectionLine, CorrectionReason, DocumentRef, PenaltyClaimContent, PenaltySpan, Sums,
    VatInvoiceContent, VatInvoiceLine, VatInvoiceType,
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
        customer_id: format!("cus_{:032x}", 7),
        rules_edition: 3,
        rules_sha256: "5f".repeat(32),
        rules_in_force_from: day("2026-01-01"),
        statistics_source: StatisticsSource::Own,
        notice_emails: vec![
            "reklama@osh-markazi.example".into(),
            "buxgalteriya@osh-markazi.example".into(),
        ],
        prepayment: BlankPrepayment::Monthly,
        own_due_on: Some(day("2026-10-28")),
        own_due_days: None,
        offered: false,
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
                    line_id: format!("ln_{:032x}", line.position),
                    line_kind: if media { "media" } else { "period" }.into(),
                    item_code: if media { "MEDIA-BANNER" } else { "PRIORITY" }.into(),
                    placement_codes: vec!["home-top".into()],
                    region_codes: if media {
                        vec!["UZ-TK".into(), "UZ-SA".into()]
                    } else {
                        vec![]
                    },
                    rubrics: if media {
                        vec!["Restoranlar".into(), "Kafelar".into()]
                    } else {
                        vec![]
                    },
                    search_phrases: if media { vec!["milliy taom".into()] } else { vec![] },
                    schedule: if media {
                        vec!["mon-fri 09-18".into(), "sat-sun".into()]
                    } else {
                        vec![]
                    },
                    frequency_cap: media.then_some(3),
                    budget: media.then_some(line.net),
                    list_price: None,
                    price_group: None,
                    one_off: false,
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
            due: vec![PaymentDue {
                invoice: "INV-2026-000057".into(),
                due_on: day("2026-10-28"),
                gross: document.gross,
            }],
        }),
    }
}

/// Two months paid ahead, one rendered, ended in the middle of the second.
pub fn reconciliation_act() -> ReconciliationActContent {
    let row =
        |position, on: &str, document, number: &str, contracts: &str, debit: &str, credit: &str| ActRow {
            position,
            on: day(on),
            document,
            number: number.into(),
            contracts: contracts.into(),
            debit: money(debit),
            credit: money(credit),
        };
    ReconciliationActContent {
        version: CONTENT_VERSION,
        kind: ContentKind::ReconciliationAct,
        number: "SD-2026-000017".into(),
        place: "Toshkent".into(),
        issued_on: day("2026-04-16"),
        first_day: day("2026-01-01"),
        last_day: day("2026-04-15"),
        operator: operator(),
        customer: customer(),
        contracts: vec![
            ContractRef {
                number: "OB-2026-000041".into(),
                date: day("2026-02-02"),
            },
            ContractRef {
                number: "OB-2026-000057".into(),
                date: day("2026-02-20"),
            },
        ],
        opening_debit: money("150000.00"),
        opening_credit: Money::ZERO,
        rows: vec![
            row(
                1,
                "2026-02-05",
                ActDocument::Payment,
                "1187",
                "",
                "0.00",
                "3024000.00",
            ),
            row(2, "2026-02-09", ActDocument::Payment, "", "", "0.00", "150000.00"),
            row(
                3,
                "2026-03-31",
                ActDocument::PrimaryDocument,
                "BH-2026-000123",
                "OB-2026-000041, OB-2026-000057",
                "1008000.00",
                "0.00",
            ),
            row(
                4,
                "2026-04-15",
                ActDocument::ServicesToDocument,
                "",
                "OB-2026-000041",
                "504000.00",
                "0.00",
            ),
        ],
        debit: money("1512000.00"),
        credit: money("3174000.00"),
        closing_debit: Money::ZERO,
        closing_credit: money("1512000.00"),
        return_within: 5,
    }
}

pub fn refund() -> RefundContent {
    RefundContent {
        version: CONTENT_VERSION,
        kind: ContentKind::Refund,
        number: "QT-2026-000003".into(),
        place: "Toshkent".into(),
        issued_on: day("2026-04-16"),
        requested_on: day("2026-04-10"),
        due_on: day("2026-05-15"),
        operator: operator(),
        customer: customer(),
        contracts: vec![
            RefundContract {
                number: "OB-2026-000041".into(),
                date: day("2026-02-02"),
                paid: money("3024000.00"),
                rendered: money("1512000.00"),
                held: money("504000.00"),
            },
            RefundContract {
                number: "OB-2026-000057".into(),
                date: day("2026-02-20"),
                paid: money("1120000.00"),
                rendered: Money::ZERO,
                held: money("1120000.00"),
            },
        ],
        advance: money("3136000.00"),
        held: money("1624000.00"),
        amount: money("1512000.00"),
    }
}

pub const VERIFY_URL: &str = "https://reklama.example.uz/verify?kind=primary_document&number=D-2026-000123&sha256=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

pub fn vat_invoice(additional: bool) -> VatInvoiceContent {
    let [net, vat, gross] = if additional {
        ["-30000.00", "-3600.00", "-33600.00"].map(money)
    } else {
        ["300000.00", "36000.00", "336000.00"].map(money)
    };
    let reference = |number: &str, date: &str| DocumentRef {
        number: number.into(),
        date: day(date),
    };
    VatInvoiceContent {
        version: CONTENT_VERSION,
        kind: ContentKind::VatInvoice,
        number: if additional {
            "HF-2026-000002"
        } else {
            "HF-2026-000001"
        }
        .into(),
        invoice_type: if additional {
            VatInvoiceType::Additional
        } else {
            VatInvoiceType::Standard
        },
        issued_on: day(if additional { "2026-12-15" } else { "2026-11-30" }),
        period: ReportingPeriod::parse("2026-11").unwrap(),
        place: "Toshkent".into(),
        document: if additional {
            reference("TH-2026-000001", "2026-12-15")
        } else {
            reference("BH-2026-000001", "2026-12-01")
        },
        corrects: additional.then(|| reference("HF-2026-000001", "2026-11-30")),
        operator: operator(),
        customer: customer(),
        catalog_code: "10123456789012345".into(),
        package_code: "1501".into(),
        lines: vec![VatInvoiceLine {
            position: 1,
            contract_number: "BB-2026-000017".into(),
            contract_date: day("2026-10-20"),
            service: name(
                "Sayt yuqorisidagi banner",
                "Баннер вверху сайта",
                "Banner at the top of the site",
            ),
            line_code: "OB-1/1".into(),
            unit: if additional {
                Unit::Piece
            } else {
                Unit::Impressions
            },
            quantity: Decimal::from(if additional { 1 } else { 25_000 }),
            unit_price: (!additional).then(|| UnitPrice::parse("12000.00").unwrap()),
            vat_rate: Rate::parse("0.12").unwrap(),
            net,
            vat,
            gross,
        }],
        net,
        vat,
        gross,
    }
}

pub fn correction() -> CorrectionContent {
    let sums = |[net, vat, gross]: [&str; 3]| Sums {
        net: money(net),
        vat: money(vat),
        gross: money(gross),
    };
    CorrectionContent {
        version: CONTENT_VERSION,
        kind: ContentKind::Correction,
        number: "TH-2026-000001".into(),
        place: "Toshkent".into(),
        issued_on: day("2026-12-15"),
        period: ReportingPeriod::parse("2026-11").unwrap(),
        corrects: DocumentRef {
            number: "BH-2026-000001".into(),
            date: day("2026-12-01"),
        },
        reason: CorrectionReason::Objection,
        explanation: "12-noyabr kuni banner noto\u{2bb}g\u{2bb}ri sahifada ko\u{2bb}rsatilgan.".into(),
        operator: operator(),
        customer: customer(),
        vat_payer: true,
        lines: vec![CorrectionLine {
            position: 1,
            contract_number: "BB-2026-000017".into(),
            contract_date: day("2026-10-20"),
            service: name(
                "Sayt yuqorisidagi banner",
                "Баннер вверху сайта",
                "Banner at the top of the site",
            ),
            line_code: "OB-1/1".into(),
            unit: Unit::Impressions,
            quantity_before: Decimal::from(25_000),
            quantity: Decimal::from(25_000),
            vat_rate: Rate::parse("0.12").unwrap(),
            before: sums(["300000.00", "36000.00", "336000.00"]),
            after: sums(["270000.00", "32400.00", "302400.00"]),
            difference: sums(["-30000.00", "-3600.00", "-33600.00"]),
        }],
        net: money("-30000.00"),
        vat: money("-3600.00"),
        gross: money("-33600.00"),
        receivable_left: money("0.00"),
        advance_left: money("33600.00"),
    }
}

pub fn penalty_claim() -> PenaltyClaimContent {
    let span = |from: &str, through: &str, days: u32, base: &str, amount: i64| PenaltySpan {
        from: day(from),
        through: day(through),
        days,
        base: money(base),
        amount: Decimal::from(amount),
    };
    PenaltyClaimContent {
        version: CONTENT_VERSION,
        kind: ContentKind::PenaltyClaim,
        number: "JT-2026-000001".into(),
        place: "Toshkent".into(),
        issued_on: day("2026-02-10"),
        due_on: day("2026-02-20"),
        operator: operator(),
        customer: customer(),
        invoice: DocumentRef {
            number: "HS-2026-000007".into(),
            date: day("2026-01-10"),
        },
        invoice_due_on: day("2026-01-25"),
        invoice_gross: money("1120000.00"),
        order_number: "BB-2026-000003".into(),
        daily_rate: Rate::parse("0.001").unwrap(),
        // billing.md §6: 5 × 1,120 + 10 × 620 = 11,800.00.
        spans: vec![
            span("2026-01-26", "2026-01-30", 5, "1120000.00", 5_600),
            span("2026-01-31", "2026-02-09", 10, "620000.00", 6_200),
        ],
        claimed_before: money("0.00"),
        amount: money("11800.00"),
        purpose: "JT-2026-000001-sonli talabnoma bo\u{2bb}yicha jarima (HS-2026-000007-sonli hisob)".into(),
    }
}
