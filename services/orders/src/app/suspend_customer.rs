//! Suspending a customer, and the consent of a person to the processing of its data (orders.md §5) [003 §4.2.1].
//!
//! While a customer is suspended, or a person's consent is withdrawn, none of its lines is served; terms don't move. The
//! consent is a person's own: the owner of its cabinet withdraws it, or the operator's staff records the letter.

use crate::app::{NotAllowed, Refusal, Told, code_of, require_own_or_staff, require_staff};
use namoyish_domain::ids::CustomerId;
use namoyish_domain::orders::customer::CustomerKind;
use namoyish_domain::orders::text::{self, TextRefused};
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_storage::customers::Customer;
use namoyish_storage::{DbError, Tx};
use serde_json::json;

/// The longest reason, characters.
pub const REASON_CHARS_MAX: usize = 1_000;

/// What is done to a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// None of its lines is served from now on.
    Suspend,
    /// They go on.
    Reinstate,
    /// A person withdraws its consent.
    WithdrawConsent,
    /// It gives it again.
    RestoreConsent,
}

impl Standing {
    fn action(self) -> &'static str {
        match self {
            Standing::Suspend => "suspend_customer",
            Standing::Reinstate => "reinstate_customer",
            Standing::WithdrawConsent => "withdraw_consent",
            Standing::RestoreConsent => "restore_consent",
        }
    }
}

/// Whose standing changes, and why.
#[derive(Debug, Clone)]
pub struct ChangeStanding {
    /// Customer.
    pub customer: CustomerId,
    /// What.
    pub standing: Standing,
    /// Why; a suspension needs it.
    pub reason: String,
}

/// Why nothing changes.
#[derive(Debug, thiserror::Error)]
pub enum ChangeStandingError {
    /// The actor's role.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// There is no such customer.
    #[error("there is no customer {customer}")]
    NoSuchCustomer {
        /// The id.
        customer: CustomerId,
    },
    /// The reason's text.
    #[error(transparent)]
    Text(#[from] TextRefused),
    /// It is suspended.
    #[error("the customer is suspended already")]
    AlreadySuspended,
    /// It isn't.
    #[error("the customer is not suspended")]
    NotSuspended,
    /// Only a person has personal data of its own.
    #[error("only a person gives and withdraws the consent")]
    NotAPerson,
    /// It is withdrawn.
    #[error("the consent is withdrawn already")]
    AlreadyWithdrawn,
    /// It isn't.
    #[error("the consent is not withdrawn")]
    NotWithdrawn,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for ChangeStandingError {
    fn told(&self) -> Told {
        match self {
            ChangeStandingError::NotAllowed(_) => Told::not_allowed(),
            ChangeStandingError::NoSuchCustomer { .. } => Told::not_found("no_such_customer"),
            ChangeStandingError::Text(refused) => Told::refused(refused.code())
                .field(refused.field())
                .limit(refused.limit()),
            ChangeStandingError::AlreadySuspended => Told::conflict("customer_already_suspended"),
            ChangeStandingError::NotSuspended => Told::conflict("customer_not_suspended"),
            ChangeStandingError::NotAPerson => Told::refused("consent_of_a_person_only"),
            ChangeStandingError::AlreadyWithdrawn => Told::conflict("consent_already_withdrawn"),
            ChangeStandingError::NotWithdrawn => Told::conflict("consent_not_withdrawn"),
            ChangeStandingError::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(ChangeStandingError);

/// Changes a customer's standing.
pub async fn change_standing(
    ctx: &Context,
    actor: &Actor,
    cmd: ChangeStanding,
) -> Result<Customer, ChangeStandingError> {
    let mut tx = ctx.store.begin().await?;
    let customer = change_standing_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(customer)
}

/// The same inside the caller's transaction.
pub async fn change_standing_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: ChangeStanding,
) -> Result<Customer, ChangeStandingError> {
    let no_such_customer = ChangeStandingError::NoSuchCustomer {
        customer: cmd.customer,
    };
    let staff = [Role::Sales, Role::Admin];
    match cmd.standing {
        Standing::Suspend | Standing::Reinstate => require_staff(actor, &staff, "suspend customers")?,
        Standing::WithdrawConsent | Standing::RestoreConsent => {
            let own = [Role::Owner];
            if !require_own_or_staff(actor, cmd.customer, &own, &staff, "change the consent")? {
                return Err(no_such_customer);
            }
        }
    }
    let Some(mut customer) = tx.customers().lock(cmd.customer).await? else {
        return Err(no_such_customer);
    };
    let reason = match cmd.standing {
        Standing::Suspend => text::required("reason", &cmd.reason, REASON_CHARS_MAX)?,
        _ => text::optional("reason", &cmd.reason, REASON_CHARS_MAX)?,
    };
    let is_person = customer.requisites.kind == CustomerKind::Person;
    match cmd.standing {
        Standing::Suspend if customer.suspended_at.is_some() => {
            return Err(ChangeStandingError::AlreadySuspended);
        }
        Standing::Reinstate if customer.suspended_at.is_none() => {
            return Err(ChangeStandingError::NotSuspended);
        }
        Standing::WithdrawConsent | Standing::RestoreConsent if !is_person => {
            return Err(ChangeStandingError::NotAPerson);
        }
        Standing::WithdrawConsent if customer.consent_withdrawn_at.is_some() => {
            return Err(ChangeStandingError::AlreadyWithdrawn);
        }
        Standing::RestoreConsent if customer.consent_withdrawn_at.is_none() => {
            return Err(ChangeStandingError::NotWithdrawn);
        }
        Standing::Suspend => customer.suspended_at = Some(ctx.now()),
        Standing::Reinstate => customer.suspended_at = None,
        Standing::WithdrawConsent => customer.consent_withdrawn_at = Some(ctx.now()),
        Standing::RestoreConsent => customer.consent_withdrawn_at = None,
    }
    tx.customers()
        .set_suspended(customer.id, customer.suspended_at)
        .await?;
    tx.customers()
        .set_consent_withdrawn(customer.id, customer.consent_withdrawn_at)
        .await?;
    tx.bump_snapshot().await?;
    tx.audit(
        ctx.now(),
        &actor.name,
        cmd.standing.action(),
        &customer.id.to_string(),
        json!({"reason": reason}),
    )
    .await?;
    Ok(customer)
}
