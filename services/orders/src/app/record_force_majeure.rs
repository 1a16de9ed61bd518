//! Force majeure with its certificate, and its end (orders.md §8) [003 §8].
//!
//! The written notice to the other party is due within three days of the beginning; a later one can't be relied on, so it
//! isn't recorded at all. What follows from the record (lines that stand still, terms and due dates that move day by day)
//! is drawn from it by the nodes' snapshot and by the worker (`billing::jobs::stand_still`).
//!
//! **Choice:** an end may be told for a day to come or for one that has passed; days on which a line stood still for want
//! of that news are not taken back.

use crate::app::{NotAllowed, Refusal, Told, code_of, require_staff};
use chrono::NaiveDate;
use namoyish_domain::calendar::plus_days;
use namoyish_domain::ids::{CustomerId, ForceMajeureId, PlacementId};
use namoyish_domain::orders::interruption::{NOTICE_DAYS, Standstill};
use namoyish_domain::orders::termination::Party;
use namoyish_domain::orders::text::{self, TextRefused};
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_storage::interruptions::ForceMajeureRecord;
use namoyish_storage::{DbError, Tx};
use serde_json::json;

/// The most customers or placements that one is recorded for; more are all.
pub const CONCERNED_MAX: usize = 200;
/// The longest number of a certificate, characters.
pub const CERTIFICATE_CHARS_MAX: usize = 200;
/// The longest description, characters.
pub const COMMENT_CHARS_MAX: usize = 4_000;

/// What happened.
#[derive(Debug, Clone)]
pub struct RecordForceMajeure {
    /// The party that it keeps from its duty.
    pub affected: Party,
    /// Its first day.
    pub first_day: NaiveDate,
    /// The first day without it, when that is known.
    pub until: Option<NaiveDate>,
    /// The day of the written notice; `None`: today.
    pub noticed_on: Option<NaiveDate>,
    /// The certificate of the chamber of commerce or another body [003 §8.2].
    pub certificate: String,
    /// What happened.
    pub comment: String,
    /// Only contracts of these customers; none: of all.
    pub customers: Vec<CustomerId>,
    /// Only lines in these placements; none: in all.
    pub placements: Vec<PlacementId>,
}

/// Why it isn't recorded.
#[derive(Debug, thiserror::Error)]
pub enum ForceMajeureError {
    /// The actor's role.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// There is no such force majeure.
    #[error("there is no force majeure {id}")]
    NoSuchForceMajeure {
        /// The id.
        id: ForceMajeureId,
    },
    /// The certificate's or the description's text.
    #[error(transparent)]
    Text(#[from] TextRefused),
    /// The notice came too late to rely on it [003 §8.3].
    #[error("the notice of {noticed_on} came too late: it was due by {due_on}")]
    NoticeTooLate {
        /// The day of the notice.
        noticed_on: NaiveDate,
        /// The last day.
        due_on: NaiveDate,
    },
    /// A notice isn't sent tomorrow.
    #[error("the notice of {noticed_on} lies after today, {today}")]
    NoticeToCome {
        /// The day of the notice.
        noticed_on: NaiveDate,
        /// Today.
        today: NaiveDate,
    },
    /// It lasts a day at least.
    #[error("it ends on {until}, not after its first day {first_day}")]
    NoDays {
        /// First day.
        first_day: NaiveDate,
        /// First day without it.
        until: NaiveDate,
    },
    /// Its end is known.
    #[error("its end is recorded already")]
    EndKnown,
    /// A customer that isn't there.
    #[error("there is no customer {customer}")]
    NoSuchCustomer {
        /// The id.
        customer: CustomerId,
    },
    /// A placement that isn't there.
    #[error("there is no placement {placement}")]
    NoSuchPlacement {
        /// The id.
        placement: PlacementId,
    },
    /// Too many are named.
    #[error("at most {CONCERNED_MAX} customers and placements are named; none means all")]
    TooMany,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for ForceMajeureError {
    fn told(&self) -> Told {
        match self {
            ForceMajeureError::NotAllowed(_) => Told::not_allowed(),
            ForceMajeureError::NoSuchForceMajeure { .. } => Told::not_found("no_such_force_majeure"),
            ForceMajeureError::Text(refused) => Told::refused(refused.code())
                .field(refused.field())
                .limit(refused.limit()),
            ForceMajeureError::NoticeTooLate { due_on, .. } => Told::refused("force_majeure_notice_too_late")
                .field("noticed_on")
                .limit(Some(due_on.to_string())),
            ForceMajeureError::NoticeToCome { today, .. } => Told::refused("force_majeure_notice_to_come")
                .field("noticed_on")
                .limit(Some(today.to_string())),
            ForceMajeureError::NoDays { .. } => Told::refused("force_majeure_without_days").field("until"),
            ForceMajeureError::EndKnown => Told::conflict("force_majeure_end_known"),
            ForceMajeureError::NoSuchCustomer { .. } => Told::refused("no_such_customer").field("customers"),
            ForceMajeureError::NoSuchPlacement { .. } => {
                Told::refused("no_such_placement").field("placements")
            }
            ForceMajeureError::TooMany => {
                Told::refused("too_many_concerned").limit(Some(CONCERNED_MAX.to_string()))
            }
            ForceMajeureError::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(ForceMajeureError);

/// Records force majeure.
pub async fn record_force_majeure(
    ctx: &Context,
    actor: &Actor,
    cmd: RecordForceMajeure,
) -> Result<ForceMajeureRecord, ForceMajeureError> {
    let mut tx = ctx.store.begin().await?;
    let record = record_force_majeure_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(record)
}

/// The same inside the caller's transaction.
pub async fn record_force_majeure_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: RecordForceMajeure,
) -> Result<ForceMajeureRecord, ForceMajeureError> {
    require_staff(actor, &[Role::Sales, Role::Admin], "record force majeure")?;
    let today = ctx.today();
    let noticed_on = cmd.noticed_on.unwrap_or(today);
    if noticed_on > today {
        return Err(ForceMajeureError::NoticeToCome { noticed_on, today });
    }
    let due_on = plus_days(cmd.first_day, NOTICE_DAYS);
    if noticed_on > due_on {
        return Err(ForceMajeureError::NoticeTooLate { noticed_on, due_on });
    }
    if let Some(until) = cmd.until {
        has_days(cmd.first_day, until)?;
    }
    let certificate = text::required("certificate", &cmd.certificate, CERTIFICATE_CHARS_MAX)?;
    let comment = text::long("comment", &cmd.comment, COMMENT_CHARS_MAX)?;
    let (customers, placements) = concerned(tx, cmd.customers, cmd.placements).await?;
    let record = ForceMajeureRecord {
        id: ForceMajeureId::from_uuid(ctx.uuid()),
        affected: cmd.affected,
        standstill: Standstill {
            first_day: cmd.first_day,
            until: cmd.until,
        },
        noticed_on,
        certificate,
        comment,
        recorded_at: ctx.now(),
        recorded_by: actor.name.clone(),
        customers,
        placements,
    };
    tx.interruptions().insert_force_majeure(&record).await?;
    tx.bump_snapshot().await?;
    let details = json!({
        "affected": record.affected.code(),
        "first_day": cmd.first_day.to_string(),
        "until": cmd.until.map(|day| day.to_string()),
        "noticed_on": noticed_on.to_string(),
        "certificate": record.certificate,
    });
    tx.audit(
        ctx.now(),
        &actor.name,
        "record_force_majeure",
        &record.id.to_string(),
        details,
    )
    .await?;
    Ok(record)
}

fn has_days(first_day: NaiveDate, until: NaiveDate) -> Result<(), ForceMajeureError> {
    if until > first_day {
        Ok(())
    } else {
        Err(ForceMajeureError::NoDays { first_day, until })
    }
}

/// Whom it concerns, each once and each there.
async fn concerned(
    tx: &mut Tx,
    mut customers: Vec<CustomerId>,
    mut placements: Vec<PlacementId>,
) -> Result<(Vec<CustomerId>, Vec<PlacementId>), ForceMajeureError> {
    customers.sort_unstable();
    customers.dedup();
    placements.sort_unstable();
    placements.dedup();
    if customers.len() > CONCERNED_MAX || placements.len() > CONCERNED_MAX {
        return Err(ForceMajeureError::TooMany);
    }
    for customer in &customers {
        if tx.customers().find(*customer).await?.is_none() {
            return Err(ForceMajeureError::NoSuchCustomer { customer: *customer });
        }
    }
    let known = tx.placements().find_many(&placements).await?;
    let missing = placements
        .iter()
        .find(|asked| !known.iter().any(|placement| placement.id == **asked));
    if let Some(placement) = missing {
        return Err(ForceMajeureError::NoSuchPlacement {
            placement: *placement,
        });
    }
    Ok((customers, placements))
}

/// Says when force majeure ends.
#[derive(Debug, Clone, Copy)]
pub struct EndForceMajeure {
    /// Which.
    pub id: ForceMajeureId,
    /// The first day without it.
    pub until: NaiveDate,
}

/// Records the end of force majeure.
pub async fn end_force_majeure(
    ctx: &Context,
    actor: &Actor,
    cmd: EndForceMajeure,
) -> Result<ForceMajeureRecord, ForceMajeureError> {
    let mut tx = ctx.store.begin().await?;
    let record = end_force_majeure_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(record)
}

/// The same inside the caller's transaction.
pub async fn end_force_majeure_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: EndForceMajeure,
) -> Result<ForceMajeureRecord, ForceMajeureError> {
    require_staff(actor, &[Role::Sales, Role::Admin], "record force majeure")?;
    let known = tx.interruptions().find_force_majeure(cmd.id).await?;
    let mut record = known.ok_or(ForceMajeureError::NoSuchForceMajeure { id: cmd.id })?;
    has_days(record.standstill.first_day, cmd.until)?;
    if record.standstill.until.is_some()
        || !tx
            .interruptions()
            .end_force_majeure(cmd.id, cmd.until, ctx.now(), &actor.name)
            .await?
    {
        return Err(ForceMajeureError::EndKnown);
    }
    tx.bump_snapshot().await?;
    tx.audit(
        ctx.now(),
        &actor.name,
        "end_force_majeure",
        &cmd.id.to_string(),
        json!({"until": cmd.until.to_string()}),
    )
    .await?;
    record.standstill.until = Some(cmd.until);
    Ok(record)
}
