//! Using an additional service without a signed blank [003 §5.2]: it is charged at the list in force on the day of use.
//!
//! Using it is accepting the public offer: a contract of one line is made, rendered and charged once, on that day. Its
//! invoice takes free advance at once and is otherwise due five calendar days after it is recorded [003 §5.11.1]; the
//! month's primary document has the line as any other, and what isn't prepaid becomes a receivable there.
//!
//! **Choice:** a use is recorded in the reporting period in which it happened, so that a month that is being closed can't
//! lose it.

use crate::app::accept_public_offer::{AcceptPublicOfferError, Accepted, FROM_CHARS_MAX, edition_in_force};
use crate::app::line_price::PriceTerms;
use crate::app::sign_order_blank::{SignOrderBlankError, sign_by_acceptance_in};
use crate::app::{NotAllowed, Refusal, Told, code_of, require_own_or_staff};
use chrono::{Datelike, NaiveDate};
use namoyish_domain::billing::invoice::DAYS_TO_PAY;
use namoyish_domain::calendar::{ReportingPeriod, plus_days};
use namoyish_domain::ids::{CustomerId, LineId, OrderBlankId};
use namoyish_domain::orders::line::{LineRefused, NewLine, Service};
use namoyish_domain::orders::order_blank::{BlankState, LineKind, Prepayment, StatisticsSource, VatTerms};
use namoyish_domain::orders::price_list::ItemKind;
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_storage::acceptances::{Acceptance, HowAccepted};
use namoyish_storage::customers::Customer;
use namoyish_storage::order_blanks::OrderBlank;
use namoyish_storage::order_lines::OrderLine;
use namoyish_storage::price_lists::PriceListItem;
use namoyish_storage::{DbError, Tx};
use rust_decimal::Decimal;
use serde_json::json;

/// What was used.
#[derive(Debug, Clone)]
pub struct UseAdditionalService {
    /// By whom.
    pub customer: CustomerId,
    /// Code of an additional service in the list of the day.
    pub item: String,
    /// How many units.
    pub quantity: Decimal,
    /// The day of use; `None`: today.
    pub day: Option<NaiveDate>,
    /// The caller's address; empty when the operator records it.
    pub used_from: String,
}

/// Why it isn't recorded.
#[derive(Debug, thiserror::Error)]
pub enum UseAdditionalServiceError {
    /// The actor's role.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// There is no such customer.
    #[error("there is no customer {customer}")]
    NoSuchCustomer {
        /// The id.
        customer: CustomerId,
    },
    /// A suspended customer uses nothing.
    #[error("the customer is suspended")]
    Suspended,
    /// Neither in the future nor in another reporting period.
    #[error("a use is recorded in its own reporting period: {day} lies outside {earliest}..{today}")]
    Day {
        /// The day given.
        day: NaiveDate,
        /// The first day of the reporting period.
        earliest: NaiveDate,
        /// Today.
        today: NaiveDate,
    },
    /// The list of the day has no such additional service.
    #[error("the price list in force on {day} has no additional service {item}")]
    NoSuchService {
        /// The code asked for.
        item: String,
        /// The day.
        day: NaiveDate,
    },
    /// The quantity.
    #[error(transparent)]
    Line(#[from] LineRefused),
    /// The platform isn't set up for the day.
    #[error("nothing can be used on {day}: {missing} is not set up")]
    NotSetUp {
        /// The day.
        day: NaiveDate,
        /// What is missing.
        missing: &'static str,
    },
    /// No contract can be made.
    #[error(transparent)]
    Accept(#[from] AcceptPublicOfferError),
    /// No contract can be made.
    #[error(transparent)]
    Sign(#[from] SignOrderBlankError),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for UseAdditionalServiceError {
    fn told(&self) -> Told {
        use UseAdditionalServiceError as Error;
        match self {
            Error::NotAllowed(_) => Told::not_allowed(),
            Error::NoSuchCustomer { .. } => Told::not_found("no_such_customer").field("customer"),
            Error::Suspended => Told::conflict("customer_suspended"),
            Error::Day { earliest, today, .. } => Told::refused("use_outside_period")
                .field("day")
                .limit(Some(format!("{earliest}..{today}"))),
            Error::NoSuchService { .. } => Told::refused("no_such_service").field("item"),
            Error::Line(refused) => Told::refused(refused.code())
                .field(refused.field())
                .limit(refused.limit()),
            Error::NotSetUp { .. } => Told::conflict("not_set_up"),
            Error::Accept(error) => error.told(),
            Error::Sign(error) => error.told(),
            Error::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(UseAdditionalServiceError);

/// Records a use.
pub async fn use_additional_service(
    ctx: &Context,
    actor: &Actor,
    cmd: UseAdditionalService,
) -> Result<Accepted, UseAdditionalServiceError> {
    let mut tx = ctx.store.begin().await?;
    let accepted = use_additional_service_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(accepted)
}

/// The same inside the caller's transaction.
pub async fn use_additional_service_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: UseAdditionalService,
) -> Result<Accepted, UseAdditionalServiceError> {
    // Load.
    let no_such_customer = UseAdditionalServiceError::NoSuchCustomer {
        customer: cmd.customer,
    };
    let (own, staff) = ([Role::Owner, Role::Manager], [Role::Sales, Role::Admin]);
    if !require_own_or_staff(actor, cmd.customer, &own, &staff, "use additional services")? {
        return Err(no_such_customer);
    }
    let customer = tx.customers().find(cmd.customer).await?.ok_or(no_such_customer)?;
    if customer.suspended_at.is_some() {
        return Err(UseAdditionalServiceError::Suspended);
    }
    let today = ctx.today();
    let day = cmd.day.unwrap_or(today);
    let earliest = ReportingPeriod::of(today).first_day();
    if day < earliest || day > today {
        return Err(UseAdditionalServiceError::Day { day, earliest, today });
    }
    let edition = edition_in_force(tx, ctx).await?;
    let not_set_up = |missing| UseAdditionalServiceError::NotSetUp { day, missing };
    let city = tx
        .operator()
        .find()
        .await?
        .ok_or_else(|| not_set_up("the operator"))?
        .requisites
        .city;
    let vat = tx
        .operator()
        .vat_terms_on(day)
        .await?
        .ok_or_else(|| not_set_up("the VAT status or rate"))?;
    let item = service_on(tx, day, &cmd.item).await?;

    // Decide and commit.
    let blank = made_out(tx, ctx, &customer, city, edition.number, day, vat).await?;
    let line = line_of(tx, ctx, &blank, &customer, &item, cmd.quantity).await?;
    tx.order_blanks().insert(&blank).await?;
    tx.order_lines().insert(&line).await?;
    tx.order_blanks().set_offered(blank.id, ctx.now()).await?;
    let signed = sign_by_acceptance_in(tx, ctx, actor, blank.id, Some(day)).await?;
    let acceptance = Acceptance {
        blank: blank.id,
        how: HowAccepted::UseOfService,
        rules_edition: edition.number,
        rules_sha256: edition.sha256,
        accepted_at: ctx.now(),
        accepted_by: actor.name.clone(),
        accepted_from: cmd.used_from.chars().take(FROM_CHARS_MAX).collect(),
        used_on: Some(day),
    };
    tx.acceptances().insert(&acceptance).await?;
    let details = json!({
        "number": blank.number,
        "item": item.item.code,
        "quantity": cmd.quantity.normalize().to_string(),
        "day": day.to_string(),
        "unit_price": line.unit_price.to_string(),
    });
    tx.audit(
        ctx.now(),
        &actor.name,
        "use_additional_service",
        &blank.id.to_string(),
        details,
    )
    .await?;
    Ok(Accepted { signed, acceptance })
}

/// The additional service of the list in force on a day.
async fn service_on(
    tx: &mut Tx,
    day: NaiveDate,
    code: &str,
) -> Result<PriceListItem, UseAdditionalServiceError> {
    let found = match tx.price_lists().in_force(day).await? {
        Some(list) => tx.price_lists().item_by_code(list.id, code).await?,
        None => None,
    };
    found
        .filter(|item| item.item.kind == ItemKind::Additional)
        .ok_or_else(|| UseAdditionalServiceError::NoSuchService {
            item: code.chars().take(80).collect(),
            day,
        })
}

async fn made_out(
    tx: &mut Tx,
    ctx: &Context,
    customer: &Customer,
    city: String,
    rules_edition: i32,
    day: NaiveDate,
    vat: VatTerms,
) -> Result<OrderBlank, DbError> {
    let year = ctx.today().year();
    let number = format!("OB-{year:04}-{:06}", tx.take_number("order_blank", year).await?);
    Ok(OrderBlank {
        id: OrderBlankId::from_uuid(ctx.uuid()),
        code: number.clone(),
        number,
        customer: customer.id,
        city,
        state: BlankState::Draft,
        rules_edition,
        prepayment: Prepayment::Full,
        own_due_on: Some(plus_days(ctx.today(), DAYS_TO_PAY)),
        own_due_days: None,
        statistics_source: StatisticsSource::Own,
        notice_emails: vec![customer.requisites.email.clone()],
        made_out_on: day,
        vat,
        created_at: ctx.now(),
        offered_at: None,
        signature: None,
    })
}

async fn line_of(
    tx: &mut Tx,
    ctx: &Context,
    blank: &OrderBlank,
    customer: &Customer,
    item: &PriceListItem,
    quantity: Decimal,
) -> Result<OrderLine, UseAdditionalServiceError> {
    let day = blank.made_out_on;
    let mut price = PriceTerms::on(tx, day, &blank.city, &customer.category)
        .await?
        .of(&item.item)
        .map_err(DbError::from)?;
    // What the category is given costs what it is given at, also without a blank.
    let given = tx.price_groups().services_on(&customer.category, day).await?;
    if let Some(given) = given
        .iter()
        .find(|service| service.item_code == item.item.code)
        .and_then(|service| service.unit_price)
    {
        price.unit_price = given;
        price.price_group = None;
    }
    let new_line = NewLine {
        service: Service::AdditionalOnce { day, quantity },
        item_kind: item.item.kind,
        unit_price: price.unit_price,
        placements: Vec::new(),
        regions: Vec::new(),
    };
    let checked = new_line.check(day)?;
    Ok(OrderLine {
        id: LineId::from_uuid(ctx.uuid()),
        blank: blank.id,
        position: 1,
        code: format!("{}/1", blank.code),
        kind: LineKind::Additional,
        item: item.id,
        unit_price: price.unit_price,
        list_price: Some(price.list_price),
        price_group: price.price_group,
        ordered_term: checked.term,
        term: checked.term,
        budget: None,
        quantity: Some(quantity),
        one_off: true,
        paused_at: None,
        ended_on: None,
        placements: Vec::new(),
        regions: Vec::new(),
        targeting: Default::default(),
    })
}
