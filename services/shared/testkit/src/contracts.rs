//! Signed contracts for tests: an operator, customers, blanks with lines that are ready to be served.
//!
//! They are written through `storage` as the commands write them, but without the commands' checks and side effects: no
//! invoices, no audit. Tests of the commands themselves call the commands.

use namoyish_domain::calendar::{Timestamp, day_start, tashkent_day};
use namoyish_domain::ids::{AdMaterialId, CustomerId, LineId, OrderBlankId, PriceListId, PriceListItemId};
use namoyish_domain::money::UnitPrice;
use namoyish_domain::orders::customer::{CustomerForm, Requisites};
use namoyish_domain::orders::material::MaterialKind;
use namoyish_domain::orders::moderation::ModerationState;
use namoyish_domain::orders::order_blank::{
    BlankState, Budget, LineKind, Prepayment, SignatureKind, StatisticsSource, Term, VatTerms,
};
use namoyish_domain::orders::party::{OperatorForm, OperatorRequisites};
use namoyish_domain::orders::price_list::{ItemKind, Names, NewItem, SoldIn, Unit};
use namoyish_domain::orders::targeting::Targeting;
use namoyish_runtime::context::Context;
use namoyish_storage::Tx;
use namoyish_storage::customers::Customer;
use namoyish_storage::materials::{Decision, NewAdMaterial};
use namoyish_storage::operator::Operator;
use namoyish_storage::order_blanks::{OrderBlank, Signature};
use namoyish_storage::order_lines::OrderLine;
use namoyish_storage::price_lists::PriceList;
use std::fmt::Debug;

/// A line of a signed blank.
#[derive(Debug, Clone)]
pub struct LineSpec<'a> {
    /// Its code.
    pub code: &'a str,
    /// Kind; a price-list item of that kind is taken.
    pub kind: LineKind,
    /// Its frozen price: "1000000.00".
    pub unit_price: &'a str,
    /// First and last day: "2026-02-01".
    pub term: (&'a str, &'a str),
    /// Budget of a media line.
    pub budget: Option<Budget>,
    /// From when on it has an approved material; `None`: it has none.
    pub ready_from: Option<&'a str>,
}

/// A signed blank.
#[derive(Debug, Clone)]
pub struct BlankSpec<'a> {
    /// Its customer.
    pub customer: CustomerId,
    /// Its code, and its number.
    pub code: &'a str,
    /// How the prepayment is invoiced.
    pub prepayment: Prepayment,
    /// VAT.
    pub vat: VatTerms,
    /// Its lines.
    pub lines: Vec<LineSpec<'a>>,
}

/// Sets up an operator with an edition of the rules, its VAT status and a price list, all in force since 2026-01-01.
pub async fn operator(ctx: &Context, vat_payer: bool) {
    let form = OperatorForm {
        legal_name: "Namoyish MChJ".into(),
        city: "Toshkent".into(),
        address: "Toshkent, Amir Temur shoh ko'chasi 1".into(),
        stir: "305123456".into(),
        bank_name: "Sinov banki".into(),
        mfo: "00401".into(),
        settlement_account: "20208000900000000001".into(),
        oked: "73110".into(),
        vat_code: "326040001234".into(),
        director: "Karimov A. B.".into(),
        accountant: "Aliyeva D. S.".into(),
        email: "hisob@namoyish.example".into(),
        phone: "+998712000000".into(),
    };
    let requisites = good(OperatorRequisites::check(&form));
    let first_day = good("2026-01-01".parse());
    let mut tx = good(ctx.store.begin().await);
    good(
        tx.operator()
            .put(&Operator {
                requisites,
                penalty_cap_percent: None,
            })
            .await,
    );
    good(tx.operator().put_vat_status(first_day, vat_payer).await);
    good(
        tx.operator()
            .insert_edition("Qoidalar", &"0".repeat(64), first_day, first_day)
            .await,
    );
    let list = PriceList {
        id: PriceListId::from_uuid(ctx.uuid()),
        valid_from: first_day,
        published_at: day_start(first_day),
        withdrawn_at: None,
    };
    let items: Vec<(PriceListItemId, NewItem)> = ITEMS
        .iter()
        .map(|(code, kind, unit)| {
            let names = Names {
                uz: format!("{code} uz"),
                ru: format!("{code} ru"),
                en: format!("{code} en"),
            };
            let unit_price = good(UnitPrice::parse("1000.00"));
            let item = NewItem {
                code: (*code).to_owned(),
                kind: *kind,
                names,
                unit: *unit,
                unit_price,
                sold_in: SoldIn::Anywhere,
                material_requirements: String::new(),
            };
            (PriceListItemId::from_uuid(ctx.uuid()), item)
        })
        .collect();
    good(tx.price_lists().insert(&list, &items).await);
    good(tx.save().await);
}

const ITEMS: &[(&str, ItemKind, Unit)] = &[
    ("MEDIA-BANNER", ItemKind::Impressions, Unit::ThousandImpressions),
    ("TEXT-LINE", ItemKind::Period, Unit::Month),
    ("SERVICE", ItemKind::Additional, Unit::Month),
];

fn item_code(kind: LineKind) -> &'static str {
    match kind {
        LineKind::Media => "MEDIA-BANNER",
        LineKind::Period => "TEXT-LINE",
        LineKind::Additional => "SERVICE",
    }
}

/// Registers a company with this code; its requisites follow from `n`, which must differ between customers.
pub async fn customer(ctx: &Context, code: &str, n: u32) -> CustomerId {
    let form = CustomerForm {
        kind: "legal_entity".into(),
        name: format!("{code} MChJ"),
        stir: format!("{:09}", 300_000_000 + n),
        pinfl: String::new(),
        address: "Toshkent, Navoiy ko'chasi 2".into(),
        bank_name: "Sinov banki".into(),
        mfo: "00402".into(),
        settlement_account: format!("20208000{n:012}"),
        oked: String::new(),
        vat_code: String::new(),
        email: format!("{code}@example.uz"),
        phone: "+998901234567".into(),
        signatory: "Rahimov B. T.".into(),
        authority: "Ustav".into(),
    };
    let id = CustomerId::from_uuid(ctx.uuid());
    let new = Customer {
        id,
        code: code.to_owned(),
        requisites: good(Requisites::check(&form)),
        category: "regular".to_owned(),
        language: "uz-Latn".to_owned(),
        suspended_at: None,
        consent_withdrawn_at: None,
        created_at: ctx.now(),
    };
    let mut tx = good(ctx.store.begin().await);
    good(tx.customers().insert(&new).await);
    good(tx.save().await);
    id
}

/// Writes a blank that is signed now, with its lines and their approved materials.
pub async fn signed_blank(ctx: &Context, spec: &BlankSpec<'_>) -> (OrderBlankId, Vec<LineId>) {
    let now = ctx.now();
    let mut tx = good(ctx.store.begin().await);
    let id = OrderBlankId::from_uuid(ctx.uuid());
    let Some(customer) = good(tx.customers().find(spec.customer).await) else {
        panic!("no such customer")
    };
    let blank = OrderBlank {
        id,
        number: spec.code.to_owned(),
        code: spec.code.to_owned(),
        customer: spec.customer,
        city: "Toshkent".to_owned(),
        state: BlankState::Draft,
        rules_edition: 1,
        prepayment: spec.prepayment,
        own_due_on: None,
        own_due_days: None,
        statistics_source: StatisticsSource::Own,
        notice_emails: vec![customer.requisites.email],
        made_out_on: tashkent_day(now),
        vat: spec.vat,
        created_at: now,
        offered_at: None,
        signature: None,
    };
    good(tx.order_blanks().insert(&blank).await);
    let mut lines = Vec::new();
    for (position, line) in (1..).zip(&spec.lines) {
        lines.push(insert_line(ctx, &mut tx, id, position, line).await);
    }
    good(tx.order_blanks().set_offered(id, now).await);
    let signature = Signature {
        signed_at: now,
        signed_on: tashkent_day(now),
        kind: SignatureKind::Paper,
        signed_by: "sinov".to_owned(),
        canonical_json: "{}".to_owned(),
        sha256: "0".repeat(64),
        scan: None,
    };
    good(tx.order_blanks().sign(id, &signature).await);
    good(tx.save().await);
    (id, lines)
}

async fn insert_line(
    ctx: &Context,
    tx: &mut Tx,
    blank: OrderBlankId,
    position: i32,
    spec: &LineSpec<'_>,
) -> LineId {
    let Some(list) = good(tx.price_lists().in_force(tashkent_day(ctx.now())).await) else {
        panic!("no price list")
    };
    let Some(item) = good(tx.price_lists().item_by_code(list.id, item_code(spec.kind)).await) else {
        panic!("no item of the kind")
    };
    let Some(term) = Term::new(good(spec.term.0.parse()), good(spec.term.1.parse())) else {
        panic!("empty term")
    };
    let id = LineId::from_uuid(ctx.uuid());
    let line = OrderLine {
        id,
        blank,
        position,
        code: spec.code.to_owned(),
        kind: spec.kind,
        item: item.id,
        unit_price: good(UnitPrice::parse(spec.unit_price)),
        list_price: None,
        price_group: None,
        ordered_term: term,
        term,
        budget: spec.budget,
        quantity: None,
        one_off: false,
        paused_at: None,
        ended_on: None,
        placements: vec![],
        regions: vec![],
        targeting: Targeting::default(),
    };
    good(tx.order_lines().insert(&line).await);
    if let Some(ready_from) = spec.ready_from {
        approve_material(ctx, tx, id, day_start(good(ready_from.parse()))).await;
    }
    id
}

/// Writes a material that is submitted, approved and live at an instant.
async fn approve_material(ctx: &Context, tx: &mut Tx, line: LineId, at: Timestamp) {
    let id = AdMaterialId::from_uuid(ctx.uuid());
    let material = NewAdMaterial {
        id,
        line,
        version: 1,
        kind: MaterialKind::Text,
        title: "Sinov".to_owned(),
        body: String::new(),
        target_url: "https://example.uz/".to_owned(),
        file_sha256: None,
        width: 0,
        height: 0,
        submitted_at: at,
        submitted_by: "sinov".to_owned(),
        live_from: tashkent_day(at),
    };
    good(tx.materials().insert(&material).await);
    let approved = Decision {
        state: ModerationState::Approved,
        runs_on: false,
        reasons: vec![],
        comment: String::new(),
        decided_at: at,
        decided_by: "sinov".to_owned(),
    };
    good(tx.materials().insert_decision(id, &approved).await);
}

/// The value, or the end of the test.
fn good<T, E: Debug>(result: Result<T, E>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("a fixture can't be made: {error:?}"),
    }
}
