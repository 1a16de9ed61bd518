//! Registering a customer (orders.md §1).

use crate::app::{
    CODE_CHARS_MAX, NotAllowed, Refusal, Told, code_of, is_short_name, require_staff, sentence_of_form,
    told_of_form,
};
use chrono::Datelike;
use namoyish_documents::Language;
use namoyish_domain::ids::CustomerId;
use namoyish_domain::orders::customer::{CustomerForm, Requisites};
use namoyish_domain::orders::party::RequisiteError;
use namoyish_domain::orders::text::{self, TextRefused};
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_storage::customers::Customer;
use namoyish_storage::{DbError, Tx};
use serde_json::json;

/// Whom to register.
#[derive(Debug, Clone)]
pub struct RegisterCustomer {
    /// The operator's short name for it; `None`: the next number, "C-2026-000001".
    pub code: Option<String>,
    /// Requisites as typed.
    pub form: CustomerForm,
    /// "regular", "partner", …
    pub category: String,
    /// Language of its documents.
    pub language: Language,
}

/// Why it isn't registered.
#[derive(Debug, thiserror::Error)]
pub enum RegisterCustomerError {
    /// Not sales.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// Mistakes in the requisites, at least one.
    #[error("{}", sentence_of_form(.0))]
    Requisites(Vec<RequisiteError>),
    /// The category's text.
    #[error(transparent)]
    Text(#[from] TextRefused),
    /// A short name with other characters.
    #[error("a code has 1 to {CODE_CHARS_MAX} letters, digits, hyphens, underscores, dots or slashes")]
    BadCode,
    /// The short name is taken.
    #[error("the code {code} is taken")]
    CodeTaken {
        /// Which one.
        code: String,
    },
    /// A customer with this tax number is there already.
    #[error("a customer with this {field} is registered already")]
    AlreadyRegistered {
        /// `stir` or `pinfl`.
        field: &'static str,
    },
    /// The database failed.
    #[error(transparent)]
    Db(DbError),
}

impl From<DbError> for RegisterCustomerError {
    fn from(error: DbError) -> RegisterCustomerError {
        if error.is_constraint("customer_stir_is_unique") {
            RegisterCustomerError::AlreadyRegistered { field: "stir" }
        } else if error.is_constraint("customer_pinfl_is_unique") {
            RegisterCustomerError::AlreadyRegistered { field: "pinfl" }
        } else {
            RegisterCustomerError::Db(error)
        }
    }
}

impl Refusal for RegisterCustomerError {
    fn told(&self) -> Told {
        match self {
            RegisterCustomerError::NotAllowed(_) => Told::not_allowed(),
            RegisterCustomerError::Requisites(mistakes) => told_of_form(mistakes),
            RegisterCustomerError::Text(refused) => Told::refused(refused.code())
                .field(refused.field())
                .limit(refused.limit()),
            RegisterCustomerError::BadCode => Told::refused("bad_code")
                .field("code")
                .limit(Some(format!("{CODE_CHARS_MAX} characters"))),
            RegisterCustomerError::CodeTaken { .. } => Told::conflict("code_taken").field("code"),
            RegisterCustomerError::AlreadyRegistered { field } => {
                Told::conflict("customer_already_registered").field(*field)
            }
            RegisterCustomerError::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(RegisterCustomerError);

/// Registers a customer.
pub async fn register_customer(
    ctx: &Context,
    actor: &Actor,
    cmd: RegisterCustomer,
) -> Result<Customer, RegisterCustomerError> {
    let mut tx = ctx.store.begin().await?;
    let customer = register_customer_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(customer)
}

/// The same inside the caller's transaction.
pub async fn register_customer_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: RegisterCustomer,
) -> Result<Customer, RegisterCustomerError> {
    require_staff(actor, &[Role::Sales, Role::Admin], "register customers")?;
    let requisites = Requisites::check(&cmd.form).map_err(RegisterCustomerError::Requisites)?;
    let category = text::required("category", &cmd.category, 40)?;
    if cmd.code.as_deref().is_some_and(|code| !is_short_name(code)) {
        return Err(RegisterCustomerError::BadCode);
    }
    let code = match cmd.code {
        Some(code) => code,
        None => {
            let year = ctx.today().year();
            format!("C-{year:04}-{:06}", tx.take_number("customer", year).await?)
        }
    };
    if tx.customers().find_by_code(&code).await?.is_some() {
        return Err(RegisterCustomerError::CodeTaken { code });
    }
    let customer = Customer {
        id: CustomerId::from_uuid(ctx.uuid()),
        code,
        requisites,
        category,
        language: cmd.language.code().to_owned(),
        suspended_at: None,
        consent_withdrawn_at: None,
        created_at: ctx.now(),
    };
    match tx.customers().insert(&customer).await {
        Err(error) if error.is_constraint("customer_code_is_unique") => {
            return Err(RegisterCustomerError::CodeTaken { code: customer.code });
        }
        other => other?,
    }
    let details = json!({"code": customer.code, "kind": customer.requisites.kind.code()});
    tx.audit(
        ctx.now(),
        &actor.name,
        "register_customer",
        &customer.id.to_string(),
        details,
    )
    .await?;
    Ok(customer)
}
