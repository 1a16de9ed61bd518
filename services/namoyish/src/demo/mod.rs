//! The demo operator: what a newcomer finds after the first start.
//!
//! Nothing here is a fixture: customers, price list, order blanks, signatures, payments, materials and their moderation go
//! through the application functions of the order service, on a virtual clock that begins before last month; then
//! [`history`] lets a real node and the real billing worker live through the days until today. So the cabinet has a
//! past whose documents agree with their impressions, and goes on in the present.
//!
//! Only a database without an operator is filled; a second start finds everything as it was.

mod history;
mod people;

use anyhow::Context as _;
use chrono::NaiveDate;
use namoyish_documents::Language;
use namoyish_domain::billing::ledger::PaymentMethod;
use namoyish_domain::calendar::{ReportingPeriod, day_start, minus_days};
use namoyish_domain::ids::{CustomerId, LineId, PlacementId};
use namoyish_domain::money::{Money, UnitPrice};
use namoyish_domain::orders::line::Service;
use namoyish_domain::orders::moderation::Verdict;
use namoyish_domain::orders::order_blank::{Budget, BudgetMode, Prepayment, StatisticsSource, Term};
use namoyish_domain::orders::placement::{PlacementFormat, PlacementKind, RegionCode};
use namoyish_domain::orders::price_list::{ItemKind, Names, NewItem, SoldIn, Unit};
use namoyish_domain::orders::targeting::Targeting;
use namoyish_orders::app::add_app::{AddApp, add_app};
use namoyish_orders::app::add_placement::{AddPlacement, add_placement};
use namoyish_orders::app::api_key::{MakeApiKey, make_api_key};
use namoyish_orders::app::create_user::{CreateUser, create_user};
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
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_runtime::settings::Settings;
use namoyish_storage::Store;
use std::sync::Arc;

pub use people::{PASSWORD, SIGN_INS};

/// What the newcomer is told that can't be looked up later.
#[derive(Debug)]
pub struct Demo {
    /// An administrator's API key, shown once.
    pub api_key: String,
}

/// Whether the database has an operator already, a demo or a real one.
pub async fn is_set_up(store: &Store) -> anyhow::Result<bool> {
    let mut tx = store.begin().await?;
    Ok(tx.operator().find().await?.is_some())
}

/// Whether an earlier [`fill`] didn't come to its end.
pub fn is_half_made(settings: &Settings) -> bool {
    history::folder(settings).exists()
}

/// Fills an empty database; says on standard output how far it is.
pub async fn fill(settings: &Settings, real: &Context) -> anyhow::Result<Demo> {
    // Removed as the last act: what is left of it tells a start that was interrupted.
    let trace = history::folder(settings);
    std::fs::create_dir_all(&trace).with_context(|| format!("can't create {}", trace.display()))?;
    let today = real.today();
    let last_month = ReportingPeriod::of(today).previous();
    let begin = minus_days(last_month.first_day(), 30);
    let ctx = Context {
        clock: Clock::virtual_at(day_start(begin)),
        ..real.clone()
    };
    let by = Actor::system("demo");
    let operator = Filling { ctx: &ctx, by: &by };
    let inventory = operator
        .operator(begin)
        .await
        .context("the demo operator can't be set up")?;
    ctx.clock
        .advance_to(day_start(minus_days(last_month.first_day(), 18)));
    operator
        .orders(&inventory, last_month)
        .await
        .context("the demo orders can't be made")?;
    history::live(settings, &ctx, &inventory.shown(), real.now())
        .await
        .context("the demo's past can't be played")?;

    // The unpaid order is signed today: the cabinet shows why it doesn't run.
    let present = Filling { ctx: real, by: &by };
    present
        .unpaid_order(&inventory, today)
        .await
        .context("the demo's newest order can't be made")?;
    let made = make_api_key(
        real,
        &by,
        MakeApiKey {
            name: "demo-admin".to_owned(),
            role: Role::Admin,
            customer: None,
        },
    )
    .await?;
    std::fs::remove_dir_all(&trace).with_context(|| format!("can't clear {}", trace.display()))?;
    Ok(Demo { api_key: made.secret })
}

/// What can be ordered and by whom.
struct Inventory {
    top: PlacementId,
    side: PlacementId,
    osh: CustomerId,
    nonvoy: CustomerId,
    bek: CustomerId,
}

impl Inventory {
    fn shown(&self) -> [PlacementId; 2] {
        [self.top, self.side]
    }
}

struct Filling<'a> {
    ctx: &'a Context,
    by: &'a Actor,
}

/// A line to be ordered with the banner it shows.
struct Ordered {
    code: &'static str,
    item: &'static str,
    service: Service,
    placement: PlacementId,
    region: Option<&'static str>,
    title: &'static str,
    target_url: &'static str,
    banner: &'static [u8],
}

impl Filling<'_> {
    async fn operator(&self, begin: NaiveDate) -> anyhow::Result<Inventory> {
        let (ctx, by) = (self.ctx, self.by);
        let cmd = SetUpOperator {
            form: people::operator(),
            vat_payer: true,
            vat_payer_from: begin,
            penalty_cap_percent: None,
            only_vat_rate: None,
        };
        set_up_operator(ctx, by, cmd).await?;
        let rules = PublishRulesEdition {
            text: people::RULES.to_owned(),
            in_force_from: begin,
        };
        publish_rules_edition(ctx, by, rules).await?;
        people::regions(ctx).await?;
        let cmd = PublishPriceList {
            valid_from: begin,
            items: items()?,
        };
        publish_price_list(ctx, by, cmd).await?;
        let app = add_app(
            ctx,
            by,
            AddApp {
                code: "shahar".to_owned(),
                name: "Shahar maʼlumotnomasi".to_owned(),
                partner: false,
            },
        )
        .await?;
        let mut places = Vec::new();
        for (code, names, width, height) in people::PLACEMENTS {
            let format = PlacementFormat {
                kind: PlacementKind::Banner,
                width,
                height,
                bytes_max: 153_600,
                text_max: 0,
            };
            let cmd = AddPlacement {
                code: code.to_owned(),
                app: app.id,
                names: people::names(names),
                format,
            };
            places.push(add_placement(ctx, by, cmd).await?.id);
        }
        let [top, side] = places[..] else {
            anyhow::bail!("the demo has two placements")
        };
        let mut customers = Vec::new();
        for (code, form) in people::customers() {
            let cmd = RegisterCustomer {
                code: Some(code.to_owned()),
                form,
                category: "regular".to_owned(),
                language: Language::UzLatn,
            };
            customers.push(register_customer(ctx, by, cmd).await?.id);
        }
        let [osh, nonvoy, bek] = customers[..] else {
            anyhow::bail!("the demo has three customers")
        };
        for (login, customer, role) in [
            ("osh", Some(osh), Role::Owner),
            ("nonvoy", Some(nonvoy), Role::Owner),
            ("bek", Some(bek), Role::Owner),
        ] {
            let cmd = CreateUser {
                login: login.to_owned(),
                password: PASSWORD.to_owned(),
                customer,
                role,
                language: Language::UzLatn,
            };
            create_user(ctx, by, cmd).await?;
        }
        Ok(Inventory {
            top,
            side,
            osh,
            nonvoy,
            bek,
        })
    }

    async fn orders(&self, at: &Inventory, first: ReportingPeriod) -> anyhow::Result<()> {
        let quarter = term(first.first_day(), first.plus_months(2).last_day())?;
        let media = |amount: &str| -> anyhow::Result<Service> {
            Ok(Service::Media {
                term: quarter,
                budget: Budget {
                    mode: BudgetMode::Total,
                    amount: Money::parse(amount)?,
                },
            })
        };
        let osh = vec![
            Ordered {
                code: "OSH/1",
                item: "MEDIA-TOP",
                service: media("1500000.00")?,
                placement: at.top,
                region: None,
                title: "Osh markazi — tepadagi banner",
                target_url: "https://osh.example.uz/",
                banner: include_bytes!("../../demo/osh-markazi-728x90.png"),
            },
            Ordered {
                code: "OSH/2",
                item: "OY-YON",
                service: Service::Period {
                    first,
                    last: first.plus_months(2),
                },
                placement: at.side,
                region: None,
                title: "Osh markazi — yon banner",
                target_url: "https://osh.example.uz/zal",
                banner: include_bytes!("../../demo/osh-markazi-300x250.png"),
            },
        ];
        let nonvoy = vec![
            Ordered {
                code: "NON/1",
                item: "MEDIA-YON",
                service: media("900000.00")?,
                placement: at.side,
                region: Some("UZ-TK"),
                title: "Nonvoy — Toshkent uchun",
                target_url: "https://nonvoy.example.uz/",
                banner: include_bytes!("../../demo/nonvoy-300x250.png"),
            },
            Ordered {
                code: "NON/2",
                item: "OY-TEPA",
                service: Service::Period {
                    first,
                    last: first.plus_months(2),
                },
                placement: at.top,
                region: None,
                title: "Nonvoy — tepadagi banner",
                target_url: "https://nonvoy.example.uz/aksiya",
                banner: include_bytes!("../../demo/nonvoy-728x90.png"),
            },
        ];
        self.order("OSH", at.osh, Prepayment::Full, osh, true).await?;
        self.order("NON", at.nonvoy, Prepayment::Full, nonvoy, true).await
    }

    async fn unpaid_order(&self, at: &Inventory, today: NaiveDate) -> anyhow::Result<()> {
        let next = ReportingPeriod::of(today).next();
        let line = Ordered {
            code: "BEK/1",
            item: "MEDIA-YON",
            service: Service::Media {
                term: term(next.next().first_day(), next.next().last_day())?,
                budget: Budget {
                    mode: BudgetMode::Total,
                    amount: Money::parse("600000.00")?,
                },
            },
            placement: at.side,
            region: Some("UZ"),
            title: "Bek Avtoservis — diagnostika",
            target_url: "https://bek.example.uz/",
            banner: include_bytes!("../../demo/bek-servis-300x250.png"),
        };
        self.order("BEK", at.bek, Prepayment::Full, vec![line], false)
            .await
    }

    /// Draws up, offers and signs a blank, pays its invoices, submits its materials and approves them.
    async fn order(
        &self,
        code: &str,
        customer: CustomerId,
        prepayment: Prepayment,
        lines: Vec<Ordered>,
        is_paid: bool,
    ) -> anyhow::Result<()> {
        let (ctx, by) = (self.ctx, self.by);
        let draw_up = lines
            .iter()
            .map(draw_up_line)
            .collect::<anyhow::Result<Vec<_>>>()?;
        let cmd = DrawUpOrderBlank {
            code: Some(code.to_owned()),
            customer,
            city: None,
            prepayment,
            own_due_on: None,
            own_due_days: None,
            statistics_source: StatisticsSource::Own,
            notice_emails: Vec::new(),
            lines: draw_up,
        };
        let mut tx = ctx.store.begin().await?;
        let drawn_up = draw_up_order_blank_in(&mut tx, ctx, by, cmd).await?;
        offer_order_blank_in(
            &mut tx,
            ctx,
            by,
            OfferOrderBlank {
                blank: drawn_up.blank.id,
            },
        )
        .await?;
        sign_on_paper_in(&mut tx, ctx, by, drawn_up.blank.id, None).await?;
        tx.save().await?;
        if is_paid {
            let open = { ctx.store.begin().await?.invoices().open_of(customer).await? };
            let amount = Money::sum(open.iter().map(|invoice| invoice.unpaid))?;
            let cmd = RecordPayment {
                customer,
                amount,
                received_on: ctx.today(),
                method: PaymentMethod::Bank,
                named_invoice: None,
                reference: "17".to_owned(),
                idempotency_key: format!("demo-{code}"),
            };
            record_payment(ctx, by, cmd).await?;
        }
        for (line, ordered) in drawn_up.lines.iter().zip(lines) {
            self.material(line.id, ordered).await?;
        }
        Ok(())
    }

    async fn material(&self, line: LineId, ordered: Ordered) -> anyhow::Result<()> {
        let cmd = SubmitMaterial {
            line,
            kind: PlacementKind::Banner,
            title: ordered.title.to_owned(),
            body: String::new(),
            target_url: ordered.target_url.to_owned(),
            file: Some(Arc::from(ordered.banner)),
        };
        let submitted = submit_material(self.ctx, self.by, cmd).await?;
        let cmd = DecideMaterial {
            material: submitted.material.material.id,
            verdict: Verdict::Approve,
            comment: String::new(),
        };
        decide_material(self.ctx, self.by, cmd).await?;
        Ok(())
    }
}

fn term(first: NaiveDate, last: NaiveDate) -> anyhow::Result<Term> {
    Term::new(first, last).context("a term ends after it begins")
}

fn draw_up_line(line: &Ordered) -> anyhow::Result<DrawUpLine> {
    Ok(DrawUpLine {
        code: Some(line.code.to_owned()),
        item: line.item.to_owned(),
        service: line.service.clone(),
        placements: vec![line.placement],
        regions: line
            .region
            .map(RegionCode::parse)
            .transpose()?
            .into_iter()
            .collect(),
        targeting: Targeting::default(),
    })
}

fn items() -> anyhow::Result<Vec<NewItem>> {
    let item = |code: &str, kind, names: [&str; 3], unit, price: &str| -> anyhow::Result<NewItem> {
        let [uz, ru, en] = names.map(str::to_owned);
        let names = Names { uz, ru, en };
        Ok(NewItem {
            code: code.to_owned(),
            kind,
            names,
            unit,
            unit_price: UnitPrice::parse(price)?,
            sold_in: SoldIn::Anywhere,
            material_requirements: String::new(),
        })
    };
    Ok(vec![
        item(
            "MEDIA-TOP",
            ItemKind::Impressions,
            [
                "Media reklama, tepadagi banner",
                "Медийная реклама, верхний баннер",
                "Media advertising, top banner",
            ],
            Unit::ThousandImpressions,
            "12000.00",
        )?,
        item(
            "MEDIA-YON",
            ItemKind::Impressions,
            [
                "Media reklama, yon banner",
                "Медийная реклама, боковой баннер",
                "Media advertising, side banner",
            ],
            Unit::ThousandImpressions,
            "9000.00",
        )?,
        item(
            "OY-TEPA",
            ItemKind::Period,
            [
                "Tepadagi banner, oyiga",
                "Верхний баннер, за месяц",
                "Top banner, by the month",
            ],
            Unit::Month,
            "850000.00",
        )?,
        item(
            "OY-YON",
            ItemKind::Period,
            [
                "Yon banner, oyiga",
                "Боковой баннер, за месяц",
                "Side banner, by the month",
            ],
            Unit::Month,
            "600000.00",
        )?,
    ])
}
