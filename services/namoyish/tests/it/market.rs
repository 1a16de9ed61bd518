//! A market for the tests of serving: an operator, an app with placements, a customer whose lines are signed, paid and
//! approved and run today. All through the commands of the order service, on a virtual clock that begins weeks ago.

use namoyish_billing::{BillingSettings, worker};
use namoyish_documents::Language;
use namoyish_domain::billing::ledger::PaymentMethod;
use namoyish_domain::calendar::{day_start, minus_days, plus_days};
use namoyish_domain::ids::{CustomerId, LineId, PlacementId};
use namoyish_domain::money::{Money, UnitPrice};
use namoyish_domain::orders::customer::CustomerForm;
use namoyish_domain::orders::line::Service;
use namoyish_domain::orders::moderation::Verdict;
use namoyish_domain::orders::order_blank::{Budget, BudgetMode, Prepayment, StatisticsSource, Term};
use namoyish_domain::orders::party::OperatorForm;
use namoyish_domain::orders::placement::{PlacementFormat, PlacementKind, RegionCode};
use namoyish_domain::orders::price_list::{ItemKind, Names, NewItem, SoldIn, Unit};
use namoyish_domain::orders::targeting::Targeting;
use namoyish_orders::app::add_app::{AddApp, add_app};
use namoyish_orders::app::add_placement::{AddPlacement, add_placement};
use namoyish_orders::app::decide_material::{DecideMaterial, decide_material};
use namoyish_orders::app::draw_up_order_blank::{DrawUpLine, DrawUpOrderBlank, draw_up_order_blank_in};
use namoyish_orders::app::offer_order_blank::{OfferOrderBlank, offer_order_blank_in};
use namoyish_orders::app::publish_price_list::{PublishPriceList, publish_price_list};
use namoyish_orders::app::publish_rules_edition::{PublishRulesEdition, publish_rules_edition};
use namoyish_orders::app::record_payment::{RecordPayment, record_payment};
use namoyish_orders::app::register_customer::{RegisterCustomer, register_customer};
use namoyish_orders::app::set_up_operator::{SetUpOperator, set_up_operator};
use namoyish_orders::app::sign_order_blank::sign_on_paper_in;
use namoyish_orders::app::submit_material::{SubmitMaterial, submit_material};
use namoyish_runtime::clock::Clock;
use namoyish_runtime::context::{Actor, Context};
use namoyish_runtime::mail::Mailer;
use namoyish_storage::Store;
use namoyish_storage::placements::Region;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// So'm per 1,000 impressions: one impression costs no whole tiyin, so that rounding shows.
pub const PRICE: &str = "1234.57";
/// Enough for some 700 impressions a second from midnight on.
const BUDGET: &str = "3000000000.00";
const BANNER: &[u8] = include_bytes!("../../demo/osh-markazi-728x90.png");

/// A line to be sold.
pub struct Wanted {
    /// Where it runs.
    pub placement: &'static str,
    /// Title of its material, by which answers are told apart.
    pub title: &'static str,
    /// To whom; empty: everywhere.
    pub regions: &'static [&'static str],
}

/// What is on sale and was sold.
pub struct Market {
    pub customer: CustomerId,
    /// The app's publishable key.
    pub key: String,
    /// Lines by the title of their material.
    pub lines: BTreeMap<&'static str, LineId>,
}

/// Sells these lines and plans today.
pub async fn open(store: &Store, mail: &Path, regions: &[&str], wanted: &[Wanted]) -> Market {
    let now = Context::new(store.clone());
    let today = now.today();
    let begin = minus_days(today, 40);
    let ctx = Context {
        clock: Clock::virtual_at(day_start(begin)),
        ..now.clone()
    };
    let by = Actor::system("sinov");

    let set_up = SetUpOperator {
        form: operator(),
        vat_payer: true,
        vat_payer_from: begin,
        penalty_cap_percent: None,
        only_vat_rate: None,
    };
    set_up_operator(&ctx, &by, set_up).await.unwrap();
    let rules = PublishRulesEdition {
        text: "Qoidalar.".to_owned(),
        in_force_from: begin,
    };
    publish_rules_edition(&ctx, &by, rules).await.unwrap();
    let mut tx = ctx.store.begin().await.unwrap();
    for code in regions {
        let region = Region {
            code: RegionCode::parse(code).unwrap(),
            names: names(code),
        };
        tx.placements().put_region(&region).await.unwrap();
    }
    tx.save().await.unwrap();
    let item = NewItem {
        code: "MEDIA".to_owned(),
        kind: ItemKind::Impressions,
        names: names("Media"),
        unit: Unit::ThousandImpressions,
        unit_price: UnitPrice::parse(PRICE).unwrap(),
        sold_in: SoldIn::Anywhere,
        material_requirements: String::new(),
    };
    publish_price_list(
        &ctx,
        &by,
        PublishPriceList {
            valid_from: begin,
            items: vec![item],
        },
    )
    .await
    .unwrap();
    let app = AddApp {
        code: "sinov".to_owned(),
        name: "Sinov".to_owned(),
        partner: false,
    };
    let app = add_app(&ctx, &by, app).await.unwrap();
    let mut placements: BTreeMap<&str, PlacementId> = BTreeMap::new();
    for line in wanted {
        if !placements.contains_key(line.placement) {
            let format = PlacementFormat {
                kind: PlacementKind::Banner,
                width: 728,
                height: 90,
                bytes_max: 153_600,
                text_max: 0,
            };
            let cmd = AddPlacement {
                code: line.placement.to_owned(),
                app: app.id,
                names: names(line.placement),
                format,
            };
            placements.insert(line.placement, add_placement(&ctx, &by, cmd).await.unwrap().id);
        }
    }
    let register = RegisterCustomer {
        code: None,
        form: customer(),
        category: "regular".to_owned(),
        language: Language::UzLatn,
    };
    let customer = register_customer(&ctx, &by, register).await.unwrap().id;

    let term = Term::new(minus_days(today, 20), plus_days(today, 60)).unwrap();
    let budget = Budget {
        mode: BudgetMode::Total,
        amount: Money::parse(BUDGET).unwrap(),
    };
    let draw_up = DrawUpOrderBlank {
        code: None,
        customer,
        city: None,
        prepayment: Prepayment::Full,
        own_due_on: None,
        own_due_days: None,
        statistics_source: StatisticsSource::Own,
        notice_emails: Vec::new(),
        lines: wanted
            .iter()
            .map(|line| DrawUpLine {
                code: None,
                item: "MEDIA".to_owned(),
                service: Service::Media { term, budget },
                placements: vec![placements[line.placement]],
                regions: line
                    .regions
                    .iter()
                    .map(|code| RegionCode::parse(code).unwrap())
                    .collect(),
                targeting: Targeting::default(),
            })
            .collect(),
    };
    let mut tx = ctx.store.begin().await.unwrap();
    let drawn_up = draw_up_order_blank_in(&mut tx, &ctx, &by, draw_up).await.unwrap();
    let blank = drawn_up.blank.id;
    offer_order_blank_in(&mut tx, &ctx, &by, OfferOrderBlank { blank })
        .await
        .unwrap();
    sign_on_paper_in(&mut tx, &ctx, &by, blank, None).await.unwrap();
    tx.save().await.unwrap();
    let open = {
        ctx.store
            .begin()
            .await
            .unwrap()
            .invoices()
            .open_of(customer)
            .await
            .unwrap()
    };
    let pay = RecordPayment {
        customer,
        amount: Money::sum(open.iter().map(|invoice| invoice.unpaid)).unwrap(),
        received_on: ctx.today(),
        method: PaymentMethod::Bank,
        named_invoice: None,
        reference: "1".to_owned(),
        idempotency_key: "sinov-1".to_owned(),
    };
    record_payment(&ctx, &by, pay).await.unwrap();
    let mut lines = BTreeMap::new();
    for (line, sold) in drawn_up.lines.iter().zip(wanted) {
        let submit = SubmitMaterial {
            line: line.id,
            kind: PlacementKind::Banner,
            title: sold.title.to_owned(),
            body: String::new(),
            target_url: format!("https://{}.example.uz/", sold.title),
            file: Some(Arc::from(BANNER)),
        };
        let submitted = submit_material(&ctx, &by, submit).await.unwrap();
        assert_eq!(submitted.moved, None, "the material is in time");
        let material = submitted.material.material.id;
        let decide = DecideMaterial {
            material,
            verdict: Verdict::Approve,
            comment: String::new(),
        };
        decide_material(&ctx, &by, decide).await.unwrap();
        lines.insert(sold.title, line.id);
    }
    // The real worker plans the real day.
    tick(&now, mail).await;
    Market {
        customer,
        key: app.publishable_key,
        lines,
    }
}

/// One look of the billing worker at what is due; nothing may fail.
pub async fn tick(ctx: &Context, mail: &Path) {
    let mailer = Mailer::folder(mail, "hisob@namoyish.example").unwrap();
    let report = worker::tick(ctx, &BillingSettings::default(), &mailer)
        .await
        .unwrap();
    assert!(report.first_failure().is_none(), "{:?}", report.first_failure());
}

fn names(name: &str) -> Names {
    Names {
        uz: name.to_owned(),
        ru: name.to_owned(),
        en: name.to_owned(),
    }
}

pub fn operator() -> OperatorForm {
    OperatorForm {
        legal_name: "«Sinov Reklama» MChJ".to_owned(),
        city: "Toshkent".to_owned(),
        address: "Toshkent, Amir Temur shoh koʻchasi, 1-uy".to_owned(),
        stir: "200000001".to_owned(),
        bank_name: "ATB «Namuna bank»".to_owned(),
        mfo: "00001".to_owned(),
        settlement_account: "20208000900000001001".to_owned(),
        oked: "73110".to_owned(),
        vat_code: "326000000001".to_owned(),
        director: "Karimov A. A.".to_owned(),
        accountant: "Yusupova B. B.".to_owned(),
        email: "hisob@sinov.example.uz".to_owned(),
        phone: "998710000001".to_owned(),
    }
}

fn customer() -> CustomerForm {
    CustomerForm {
        kind: "legal_entity".to_owned(),
        name: "«Mijoz» MChJ".to_owned(),
        stir: "300000012".to_owned(),
        pinfl: String::new(),
        address: "Toshkent, Navoiy koʻchasi, 12-uy".to_owned(),
        bank_name: "ATB «Namuna bank»".to_owned(),
        mfo: "00001".to_owned(),
        settlement_account: "20208000900000012001".to_owned(),
        oked: "56101".to_owned(),
        vat_code: String::new(),
        email: "mijoz@example.uz".to_owned(),
        phone: "998900000012".to_owned(),
        signatory: "Rahimov D. D.".to_owned(),
        authority: "Ustav".to_owned(),
    }
}
