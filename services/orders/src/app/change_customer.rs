//! Changing a customer's requisites (orders.md §1). What they were is kept: the history is append-only, and what was
//! signed or issued before keeps the requisites of its day.
//!
//! The customer's owner changes how the customer is reached, paid back and represented; who the customer is in law
//! (kind, name, STIR, PINFL) and its category, only the operator, who has seen the papers.

use crate::app::requisites_json::of_customer;
use crate::app::{NotAllowed, Refusal, Told, code_of, require_own_or_staff, sentence_of_form, told_of_form};
use namoyish_documents::Language;
use namoyish_domain::ids::CustomerId;
use namoyish_domain::orders::customer::{CustomerForm, Requisites};
use namoyish_domain::orders::party::RequisiteError;
use namoyish_domain::orders::text::{self, TextRefused};
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_storage::customers::Customer;
use namoyish_storage::{DbError, Tx};
use serde_json::json;

/// What to change; all requisites are given again.
#[derive(Debug, Clone)]
pub struct ChangeCustomer {
    /// Whose.
    pub customer: CustomerId,
    /// Requisites as typed.
    pub form: CustomerForm,
    /// regular, partner, …; `None`: stays.
    pub category: Option<String>,
    /// Language of its documents; `None`: stays.
    pub language: Option<Language>,
}

/// Why nothing is changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeCustomerError {
    /// The actor's role.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// There is no such customer.
    #[error("there is no customer {customer}")]
    NoSuchCustomer {
        /// The id.
        customer: CustomerId,
    },
    /// Mistakes in the requisites, at least one.
    #[error("{}", sentence_of_form(.0))]
    Requisites(Vec<RequisiteError>),
    /// A text.
    #[error(transparent)]
    Text(#[from] TextRefused),
    /// A customer can't change who it is in law.
    #[error("{field} is changed by the operator, who sees the papers")]
    Identity {
        /// The field.
        field: &'static str,
    },
    /// Another customer has this tax number.
    #[error("another customer with this {field} is registered")]
    AlreadyRegistered {
        /// `stir` or `pinfl`.
        field: &'static str,
    },
    /// The database failed.
    #[error(transparent)]
    Db(DbError),
}

impl From<DbError> for ChangeCustomerError {
    fn from(error: DbError) -> ChangeCustomerError {
        if error.is_constraint("customer_stir_is_unique") {
            ChangeCustomerError::AlreadyRegistered { field: "stir" }
        } else if error.is_constraint("customer_pinfl_is_unique") {
            ChangeCustomerError::AlreadyRegistered { field: "pinfl" }
        } else {
            ChangeCustomerError::Db(error)
        }
    }
}

impl Refusal for ChangeCustomerError {
    fn told(&self) -> Told {
        match self {
            ChangeCustomerError::NotAllowed(_) => Told::not_allowed(),
            ChangeCustomerError::NoSuchCustomer { .. } => Told::not_found("no_such_customer"),
            ChangeCustomerError::Requisites(mistakes) => told_of_form(mistakes),
            ChangeCustomerError::Text(refused) => Told::refused(refused.code())
                .field(refused.field())
                .limit(refused.limit()),
            ChangeCustomerError::Identity { field } => Told::refused("changed_by_the_operator").field(*field),
            ChangeCustomerError::AlreadyRegistered { field } => {
                Told::conflict("customer_already_registered").field(*field)
            }
            ChangeCustomerError::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(ChangeCustomerError);

/// Changes a customer.
pub async fn change_customer(
    ctx: &Context,
    actor: &Actor,
    cmd: ChangeCustomer,
) -> Result<Customer, ChangeCustomerError> {
    let mut tx = ctx.store.begin().await?;
    let customer = change_customer_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(customer)
}

/// The same inside the caller's transaction.
pub async fn change_customer_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: ChangeCustomer,
) -> Result<Customer, ChangeCustomerError> {
    // Load.
    let no_such_customer = ChangeCustomerError::NoSuchCustomer {
        customer: cmd.customer,
    };
    let staff = [Role::Sales, Role::Admin];
    if !require_own_or_staff(actor, cmd.customer, &[Role::Owner], &staff, "change customers")? {
        return Err(no_such_customer);
    }
    let old = tx.customers().lock(cmd.customer).await?.ok_or(no_such_customer)?;

    // Decide.
    let requisites = Requisites::check(&cmd.form).map_err(ChangeCustomerError::Requisites)?;
    let category = match &cmd.category {
        Some(category) => text::required("category", category, 40)?,
        None => old.category.clone(),
    };
    let new = Customer {
        requisites,
        category,
        language: cmd
            .language
            .map_or_else(|| old.language.clone(), |language| language.code().to_owned()),
        ..old.clone()
    };
    if !actor.is_operator()
        && let Some(field) = other_identity(&old, &new)
    {
        return Err(ChangeCustomerError::Identity { field });
    }
    if new == old {
        return Ok(old);
    }

    // Commit.
    tx.customers().update(&new).await?;
    let (before, after) = (of_customer(&old), of_customer(&new));
    tx.customers()
        .insert_change(new.id, ctx.now(), &actor.name, before, after)
        .await?;
    // The values are in the history; the audit log says that and who, without personal data.
    tx.audit(
        ctx.now(),
        &actor.name,
        "change_customer",
        &new.id.to_string(),
        json!({"code": new.code}),
    )
    .await?;
    Ok(new)
}

/// The first field by which the new one is another party than the old one.
fn other_identity(old: &Customer, new: &Customer) -> Option<&'static str> {
    let (was, is) = (&old.requisites, &new.requisites);
    [
        ("kind", was.kind != is.kind),
        ("name", was.name != is.name),
        ("stir", was.stir != is.stir),
        ("pinfl", was.pinfl != is.pinfl),
        ("category", old.category != new.category),
    ]
    .into_iter()
    .find_map(|(field, differs)| differs.then_some(field))
}
