//! Drawing up an order blank (orders.md §3): a draft with its lines, at the price list, the VAT terms and the rules in
//! force on the day.
//!
//! The number is taken from the gapless series of the year in the same transaction, so a draft that is refused leaves
//! no hole. A draft is the operator's own paper: its customer sees it once it is offered. Not here: a blank that the
//! customer makes in the cabinet.

use crate::app::line_price::{PriceTerms, given_lines, sold_elsewhere};
use crate::app::{CODE_CHARS_MAX, NotAllowed, Refusal, Told, code_of, is_short_name, require_staff};
use chrono::{Datelike, NaiveDate};
use namoyish_domain::ids::{CustomerId, LineId, OrderBlankId, PlacementId};
use namoyish_domain::orders::line::{LINES_MAX, LineRefused, NewLine, PLACEMENTS_MAX, Service};
use namoyish_domain::orders::order_blank::{BlankState, LineKind, MoveRefused, Prepayment, StatisticsSource};
use namoyish_domain::orders::party::{Email, RequisiteError};
use namoyish_domain::orders::placement::{PlacementFormat, RegionCode};
use namoyish_domain::orders::price_list::NewItem;
use namoyish_domain::orders::targeting::Targeting;
use namoyish_domain::orders::text::{self, TextRefused};
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_storage::order_blanks::OrderBlank;
use namoyish_storage::order_lines::OrderLine;
use namoyish_storage::price_lists::PriceList;
use namoyish_storage::{DbError, Tx};
use serde_json::json;

/// The most addresses that notices go to.
pub const NOTICE_EMAILS_MAX: usize = 10;
/// The longest own payment term, days after the signing.
pub const OWN_DUE_DAYS_MAX: u16 = 365;

/// What to draw up.
#[derive(Debug, Clone)]
pub struct DrawUpOrderBlank {
    /// The operator's short name for it; `None`: its number.
    pub code: Option<String>,
    /// For whom.
    pub customer: CustomerId,
    /// City; `None`: the operator's.
    pub city: Option<String>,
    /// How the prepayment is invoiced.
    pub prepayment: Prepayment,
    /// Its own payment term, if it states one.
    pub own_due_on: Option<NaiveDate>,
    /// The same as days after the signing [003 §5.11.1]; one of both.
    pub own_due_days: Option<u16>,
    /// Whose counts count.
    pub statistics_source: StatisticsSource,
    /// Where notices go; empty: the customer's own address.
    pub notice_emails: Vec<String>,
    /// What is ordered; at least one line.
    pub lines: Vec<DrawUpLine>,
}

/// A line to draw up.
#[derive(Debug, Clone)]
pub struct DrawUpLine {
    /// Short name, unique over all blanks; `None`: the blank's code and the position.
    pub code: Option<String>,
    /// Code of the item in the price list in force.
    pub item: String,
    /// What is ordered.
    pub service: Service,
    /// Where it is shown.
    pub placements: Vec<PlacementId>,
    /// To whom; empty: everywhere.
    pub regions: Vec<RegionCode>,
    /// To whom and when, beside the regions; a media line's.
    pub targeting: Targeting,
}

/// A blank with its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrawnUp {
    /// The blank.
    pub blank: OrderBlank,
    /// Its lines by position.
    pub lines: Vec<OrderLine>,
}

/// Why it isn't drawn up. Positions count from 1.
#[derive(Debug, thiserror::Error)]
pub enum DrawUpOrderBlankError {
    /// The actor's role.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// There is no such customer.
    #[error("there is no customer {customer}")]
    NoSuchCustomer {
        /// The id.
        customer: CustomerId,
    },
    /// The platform isn't set up: no operator, rules or VAT status for the day.
    #[error("nothing can be ordered on {day}: {missing} is not set up")]
    NotSetUp {
        /// The day.
        day: NaiveDate,
        /// What is missing.
        missing: &'static str,
    },
    /// No price list is in force.
    #[error("no price list is in force on {day}")]
    NoPriceList {
        /// The day.
        day: NaiveDate,
    },
    /// No lines, or too many.
    #[error("an order blank has 1 to {LINES_MAX} lines; {given} were given")]
    LineCount {
        /// How many were given.
        given: usize,
    },
    /// A text.
    #[error(transparent)]
    Text(#[from] TextRefused),
    /// An address.
    #[error(transparent)]
    Email(#[from] RequisiteError),
    /// Too many addresses.
    #[error("{given} notice addresses were given; at most {NOTICE_EMAILS_MAX} are taken")]
    TooManyEmails {
        /// How many were given.
        given: usize,
    },
    /// A short name with other characters.
    #[error("a code has 1 to {CODE_CHARS_MAX} letters, digits, hyphens, underscores, dots or slashes")]
    BadCode,
    /// The short name is taken.
    #[error("the code {code} is taken")]
    CodeTaken {
        /// Which one.
        code: String,
    },
    /// The item isn't in the list in force.
    #[error("line {position}: the price list in force has no item {item}")]
    NoSuchItem {
        /// Which line.
        position: usize,
        /// The code asked for.
        item: String,
    },
    /// The item buys other places.
    #[error("line {position}: the item {item} does not buy the placement {placement}")]
    SoldElsewhere {
        /// Which line.
        position: usize,
        /// Code of the item.
        item: String,
        /// Code of the placement.
        placement: String,
    },
    /// A placement isn't there.
    #[error("line {position}: there is no placement {placement}")]
    NoSuchPlacement {
        /// Which line.
        position: usize,
        /// The id asked for.
        placement: PlacementId,
    },
    /// A region isn't in the tree.
    #[error("line {position}: there is no region {region}")]
    NoSuchRegion {
        /// Which line.
        position: usize,
        /// The code asked for.
        region: String,
    },
    /// A rule of lines.
    #[error("line {position}: {refused}")]
    Line {
        /// Which line.
        position: usize,
        /// Why.
        refused: LineRefused,
    },
    /// The own payment term lies in the past.
    #[error("the own payment term {own_due_on} lies before {today}")]
    OwnTermPast {
        /// The day given.
        own_due_on: NaiveDate,
        /// Today.
        today: NaiveDate,
    },
    /// Two own payment terms.
    #[error("the own payment term is a date or a number of days, not both")]
    TwoOwnTerms,
    /// Too many days.
    #[error("the own payment term is {given} days after the signing; at most {OWN_DUE_DAYS_MAX} are taken")]
    OwnDays {
        /// Days given.
        given: u16,
    },
    /// Targeting of a line that isn't media.
    #[error("line {position}: only a media line has rubrics, search phrases, a schedule or a frequency cap")]
    TargetingOfAnotherKind {
        /// Which line.
        position: usize,
    },
    /// There is no such blank to make out anew.
    #[error("there is no order blank {blank}")]
    NoSuchBlank {
        /// The id.
        blank: OrderBlankId,
    },
    /// Not a draft.
    #[error(transparent)]
    State(#[from] MoveRefused),
    /// A blank keeps its customer.
    #[error("a blank keeps its customer: draw another one up")]
    AnotherCustomer,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for DrawUpOrderBlankError {
    fn told(&self) -> Told {
        use DrawUpOrderBlankError as Error;
        let of_line = |position: &usize, field: &str| format!("lines[{position}].{field}");
        match self {
            Error::NotAllowed(_) => Told::not_allowed(),
            Error::NoSuchCustomer { .. } => Told::not_found("no_such_customer").field("customer"),
            Error::NotSetUp { .. } => Told::conflict("not_set_up"),
            Error::NoPriceList { .. } => Told::conflict("no_price_list_in_force"),
            Error::LineCount { .. } => Told::refused("line_count")
                .field("lines")
                .limit(Some(LINES_MAX.to_string())),
            Error::Text(refused) => Told::refused(refused.code())
                .field(refused.field())
                .limit(refused.limit()),
            Error::Email(refused) => Told::refused(refused.code())
                .field(refused.field())
                .limit(refused.limit()),
            Error::TooManyEmails { .. } => Told::refused("too_many")
                .field("notice_emails")
                .limit(Some(NOTICE_EMAILS_MAX.to_string())),
            Error::BadCode => Told::refused("bad_code")
                .field("code")
                .limit(Some(format!("{CODE_CHARS_MAX} characters"))),
            Error::CodeTaken { .. } => Told::conflict("code_taken").field("code"),
            Error::NoSuchItem { position, .. } => {
                Told::refused("no_such_item").field(of_line(position, "item"))
            }
            Error::SoldElsewhere { position, .. } => {
                Told::refused("item_sold_elsewhere").field(of_line(position, "placements"))
            }
            Error::NoSuchPlacement { position, .. } => {
                Told::refused("no_such_placement").field(of_line(position, "placements"))
            }
            Error::NoSuchRegion { position, .. } => {
                Told::refused("no_such_region").field(of_line(position, "regions"))
            }
            Error::Line { position, refused } => Told::refused(refused.code())
                .field(of_line(position, refused.field()))
                .limit(refused.limit()),
            Error::OwnTermPast { .. } => Told::refused("own_term_past").field("own_due_on"),
            Error::TwoOwnTerms => Told::refused("two_own_terms").field("own_due_days"),
            Error::OwnDays { .. } => Told::refused("own_term_too_long")
                .field("own_due_days")
                .limit(Some(OWN_DUE_DAYS_MAX.to_string())),
            Error::TargetingOfAnotherKind { position } => {
                Told::refused("field_of_another_kind").field(of_line(position, "schedule"))
            }
            Error::NoSuchBlank { .. } => Told::not_found("no_such_order_blank"),
            Error::State(refused) => Told::conflict(refused.code()),
            Error::AnotherCustomer => Told::refused("another_customer").field("customer"),
            Error::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(DrawUpOrderBlankError);

/// Draws a blank up.
pub async fn draw_up_order_blank(
    ctx: &Context,
    actor: &Actor,
    cmd: DrawUpOrderBlank,
) -> Result<DrawnUp, DrawUpOrderBlankError> {
    let mut tx = ctx.store.begin().await?;
    let drawn_up = draw_up_order_blank_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(drawn_up)
}

/// The same inside the caller's transaction.
pub async fn draw_up_order_blank_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: DrawUpOrderBlank,
) -> Result<DrawnUp, DrawUpOrderBlankError> {
    require_staff(actor, &[Role::Sales, Role::Admin], "draw up order blanks")?;
    make_out(tx, ctx, actor, cmd, None).await
}

/// Makes a blank out by what is in force today: a new one, or `before`, a draft that the caller has locked.
pub(crate) async fn make_out(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: DrawUpOrderBlank,
    before: Option<&OrderBlank>,
) -> Result<DrawnUp, DrawUpOrderBlankError> {
    let today = ctx.today();
    let customer = tx
        .customers()
        .find(cmd.customer)
        .await?
        .ok_or(DrawUpOrderBlankError::NoSuchCustomer {
            customer: cmd.customer,
        })?;
    let not_set_up = |missing| DrawUpOrderBlankError::NotSetUp { day: today, missing };
    let operator = tx.operator().find().await?.ok_or(not_set_up("the operator"))?;
    let rules_edition = tx
        .operator()
        .edition_on(today)
        .await?
        .ok_or(not_set_up("an edition of the rules"))?;
    let vat = tx
        .operator()
        .vat_terms_on(today)
        .await?
        .ok_or(not_set_up("the VAT status or rate"))?;
    let list = tx
        .price_lists()
        .in_force(today)
        .await?
        .ok_or(DrawUpOrderBlankError::NoPriceList { day: today })?;

    check_head(&cmd, today)?;
    let notice_emails = notice_emails(&cmd.notice_emails, &customer.requisites.email)?;
    let city = match &cmd.city {
        Some(city) => text::required("city", city, 100)?,
        None => operator.requisites.city.clone(),
    };
    // A gap would be a number that no blank has: a draft that is made out anew keeps its own.
    let (id, number, code, created_at) = match before {
        Some(before) => (
            before.id,
            before.number.clone(),
            before.code.clone(),
            before.created_at,
        ),
        None => {
            let year = today.year();
            let number = format!("OB-{year:04}-{:06}", tx.take_number("order_blank", year).await?);
            let id = OrderBlankId::from_uuid(ctx.uuid());
            (id, number.clone(), number, ctx.now())
        }
    };
    let blank = OrderBlank {
        id,
        code: cmd.code.clone().unwrap_or(code),
        number,
        customer: customer.id,
        city,
        state: BlankState::Draft,
        rules_edition,
        prepayment: cmd.prepayment,
        own_due_on: cmd.own_due_on,
        own_due_days: cmd.own_due_days,
        statistics_source: cmd.statistics_source,
        notice_emails,
        made_out_on: today,
        vat,
        created_at,
        offered_at: None,
        signature: None,
    };
    let prices = Prices {
        list: &list,
        terms: PriceTerms::on(tx, today, &blank.city, &customer.category).await?,
    };
    let mut lines = Vec::with_capacity(cmd.lines.len());
    for (position, line) in (1usize..).zip(&cmd.lines) {
        lines.push(check_line(tx, ctx, &blank, &prices, position, line).await?);
    }
    let given = given_lines(tx, ctx, &blank, &customer, &list, &lines).await?;
    lines.extend(given);

    let written = match before {
        None => tx.order_blanks().insert(&blank).await,
        Some(_) => {
            tx.order_lines().delete_of_draft(blank.id).await?;
            tx.order_blanks().redraw(&blank).await
        }
    };
    match written {
        Err(error) if error.is_constraint("order_blank_code_is_unique") => {
            return Err(DrawUpOrderBlankError::CodeTaken { code: blank.code });
        }
        other => other?,
    }
    for line in &lines {
        match tx.order_lines().insert(line).await {
            Err(error) if error.is_constraint("order_line_code_is_unique") => {
                return Err(DrawUpOrderBlankError::CodeTaken {
                    code: line.code.clone(),
                });
            }
            other => other?,
        }
    }
    let details = json!({
        "number": blank.number,
        "customer": blank.customer.to_string(),
        "price_list": list.id.to_string(),
        "lines": lines.len(),
    });
    tx.audit(
        ctx.now(),
        &actor.name,
        if before.is_some() {
            "change_draft"
        } else {
            "draw_up_order_blank"
        },
        &blank.id.to_string(),
        details,
    )
    .await?;
    Ok(DrawnUp { blank, lines })
}

fn check_head(cmd: &DrawUpOrderBlank, today: NaiveDate) -> Result<(), DrawUpOrderBlankError> {
    if cmd.lines.is_empty() || cmd.lines.len() > LINES_MAX {
        return Err(DrawUpOrderBlankError::LineCount {
            given: cmd.lines.len(),
        });
    }
    let codes = cmd
        .code
        .iter()
        .chain(cmd.lines.iter().filter_map(|line| line.code.as_ref()));
    if !codes.into_iter().all(|code| is_short_name(code)) {
        return Err(DrawUpOrderBlankError::BadCode);
    }
    match cmd.own_due_days {
        Some(_) if cmd.own_due_on.is_some() => return Err(DrawUpOrderBlankError::TwoOwnTerms),
        Some(given) if given > OWN_DUE_DAYS_MAX => return Err(DrawUpOrderBlankError::OwnDays { given }),
        _ => {}
    }
    match cmd.own_due_on.filter(|own_due_on| *own_due_on < today) {
        Some(own_due_on) => Err(DrawUpOrderBlankError::OwnTermPast { own_due_on, today }),
        None => Ok(()),
    }
}

fn notice_emails(given: &[String], of_customer: &Email) -> Result<Vec<Email>, DrawUpOrderBlankError> {
    if given.len() > NOTICE_EMAILS_MAX {
        return Err(DrawUpOrderBlankError::TooManyEmails { given: given.len() });
    }
    if given.is_empty() {
        return Ok(vec![of_customer.clone()]);
    }
    Ok(given
        .iter()
        .map(|address| Email::parse_field("notice_emails", address))
        .collect::<Result<_, _>>()?)
}

/// What makes the prices of a blank.
struct Prices<'a> {
    list: &'a PriceList,
    terms: PriceTerms,
}

/// Loads what a line refers to and applies its rules.
async fn check_line(
    tx: &mut Tx,
    ctx: &Context,
    blank: &OrderBlank,
    prices: &Prices<'_>,
    position: usize,
    line: &DrawUpLine,
) -> Result<OrderLine, DrawUpOrderBlankError> {
    if line.service.kind() != LineKind::Media && !line.targeting.is_everybody() {
        return Err(DrawUpOrderBlankError::TargetingOfAnotherKind { position });
    }
    let item = tx
        .price_lists()
        .item_by_code(prices.list.id, &line.item)
        .await?
        .ok_or_else(|| DrawUpOrderBlankError::NoSuchItem {
            position,
            item: line.item.chars().take(80).collect(),
        })?;
    let price = prices.terms.of(&item.item).map_err(DbError::from)?;
    let new_line = NewLine {
        service: line.service.clone(),
        item_kind: item.item.kind,
        unit_price: price.unit_price,
        placements: formats_of(tx, position, &item.item, &line.placements).await?,
        regions: line.regions.clone(),
    };
    let checked = new_line
        .check(blank.made_out_on)
        .map_err(|refused| DrawUpOrderBlankError::Line { position, refused })?;
    if let Some(region) = tx
        .placements()
        .unknown_regions(&line.regions)
        .await?
        .into_iter()
        .next()
    {
        return Err(DrawUpOrderBlankError::NoSuchRegion { position, region });
    }
    Ok(OrderLine {
        id: LineId::from_uuid(ctx.uuid()),
        blank: blank.id,
        position: i32::try_from(position).unwrap_or(i32::MAX),
        code: line
            .code
            .clone()
            .unwrap_or_else(|| format!("{}/{position}", blank.code)),
        kind: line.service.kind(),
        item: item.id,
        unit_price: price.unit_price,
        list_price: Some(price.list_price),
        price_group: price.price_group,
        ordered_term: checked.term,
        term: checked.term,
        budget: line.service.budget(),
        quantity: line.service.quantity(),
        one_off: line.service.is_one_off(),
        paused_at: None,
        ended_on: None,
        placements: line.placements.clone(),
        regions: line.regions.clone(),
        targeting: line.targeting.clone(),
    })
}

async fn formats_of(
    tx: &mut Tx,
    position: usize,
    item: &NewItem,
    placements: &[PlacementId],
) -> Result<Vec<(PlacementId, PlacementFormat)>, DrawUpOrderBlankError> {
    if placements.len() > PLACEMENTS_MAX {
        let refused = LineRefused::TooMany {
            field: "placements",
            given: placements.len(),
            limit: PLACEMENTS_MAX,
        };
        return Err(DrawUpOrderBlankError::Line { position, refused });
    }
    let known = tx.placements().find_many(placements).await?;
    if let Some(placement) = sold_elsewhere(item, &known) {
        return Err(DrawUpOrderBlankError::SoldElsewhere {
            position,
            item: item.code.clone(),
            placement: placement.code.clone(),
        });
    }
    placements
        .iter()
        .map(|id| {
            known
                .iter()
                .find(|placement| placement.id == *id)
                .map(|placement| (*id, placement.format))
                .ok_or(DrawUpOrderBlankError::NoSuchPlacement {
                    position,
                    placement: *id,
                })
        })
        .collect()
}
