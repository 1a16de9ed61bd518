//! Setting the operator up and changing its requisites (orders.md §1).

use crate::app::requisites_json::of_operator;
use crate::app::{NotAllowed, Refusal, Told, code_of, require_staff, sentence_of_form, told_of_form};
use chrono::NaiveDate;
use namoyish_domain::money::Rate;
use namoyish_domain::orders::party::{OperatorForm, OperatorRequisites, RequisiteError};
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_storage::operator::Operator;
use namoyish_storage::{DbError, Tx};
use rust_decimal::Decimal;
use serde_json::json;

/// The largest cap of the late penalty, percent of the overdue sum.
pub const PENALTY_CAP_PERCENT_MAX: u32 = 1_000;

/// What to set.
#[derive(Debug, Clone)]
pub struct SetUpOperator {
    /// Requisites as typed.
    pub form: OperatorForm,
    /// Whether the operator pays VAT …
    pub vat_payer: bool,
    /// … from this day on.
    pub vat_payer_from: NaiveDate,
    /// Cap of the late penalty in percent of the overdue sum; `None`: no cap.
    pub penalty_cap_percent: Option<Decimal>,
    /// Replaces the whole history of VAT rates by one rate for all days: a scenario's own. `None` in real life.
    pub only_vat_rate: Option<Rate>,
}

/// Why it isn't set.
#[derive(Debug, thiserror::Error)]
pub enum SetUpOperatorError {
    /// Not an administrator.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// Mistakes in the requisites, at least one.
    #[error("{}", sentence_of_form(.0))]
    Requisites(Vec<RequisiteError>),
    /// A cap that is none.
    #[error(
        "the penalty cap is {given} %; more than 0 and at most {PENALTY_CAP_PERCENT_MAX} with four decimal places is taken"
    )]
    PenaltyCap {
        /// What was given.
        given: Decimal,
    },
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for SetUpOperatorError {
    fn told(&self) -> Told {
        match self {
            SetUpOperatorError::NotAllowed(_) => Told::not_allowed(),
            SetUpOperatorError::Requisites(mistakes) => told_of_form(mistakes),
            SetUpOperatorError::PenaltyCap { .. } => Told::refused("penalty_cap_out_of_range")
                .field("penalty_cap_percent")
                .limit(Some(PENALTY_CAP_PERCENT_MAX.to_string())),
            SetUpOperatorError::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(SetUpOperatorError);

/// Sets the operator up, or changes what is set.
pub async fn set_up_operator(
    ctx: &Context,
    actor: &Actor,
    cmd: SetUpOperator,
) -> Result<Operator, SetUpOperatorError> {
    let mut tx = ctx.store.begin().await?;
    let operator = set_up_operator_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(operator)
}

/// The same inside the caller's transaction.
pub async fn set_up_operator_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: SetUpOperator,
) -> Result<Operator, SetUpOperatorError> {
    require_staff(actor, &[Role::Admin], "change the operator's requisites")?;
    let requisites = OperatorRequisites::check(&cmd.form).map_err(SetUpOperatorError::Requisites)?;
    if let Some(given) = cmd.penalty_cap_percent {
        let fits = given > Decimal::ZERO
            && given <= Decimal::from(PENALTY_CAP_PERCENT_MAX)
            && given.normalize().scale() <= 4;
        if !fits {
            return Err(SetUpOperatorError::PenaltyCap { given });
        }
    }
    let operator = Operator {
        requisites,
        penalty_cap_percent: cmd.penalty_cap_percent,
    };
    let before = tx.operator().find().await?;
    tx.operator().put(&operator).await?;
    // What was issued before keeps the requisites of its day: documents hold their own, invoices find them here.
    if let Some(before) = before.filter(|before| before.requisites != operator.requisites) {
        let (before, after) = (of_operator(&before.requisites), of_operator(&operator.requisites));
        tx.operator()
            .insert_change(ctx.now(), &actor.name, before, after)
            .await?;
    }
    tx.operator()
        .put_vat_status(cmd.vat_payer_from, cmd.vat_payer)
        .await?;
    if let Some(rate) = cmd.only_vat_rate {
        tx.operator().replace_vat_rates(rate).await?;
    }
    let details = json!({
        "vat_payer": cmd.vat_payer,
        "vat_payer_from": cmd.vat_payer_from.to_string(),
        "only_vat_rate": cmd.only_vat_rate.map(|rate| rate.decimal().to_string()),
        "penalty_cap_percent": cmd.penalty_cap_percent.map(|cap| cap.to_string()),
    });
    tx.audit(ctx.now(), &actor.name, "set_up_operator", "operator", details)
        .await?;
    Ok(operator)
}

/// Says whether the operator pays VAT from a day on (orders.md §1). What was made out before keeps its VAT terms.
pub async fn set_vat_status_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    valid_from: NaiveDate,
    vat_payer: bool,
) -> Result<(), SetUpOperatorError> {
    require_staff(actor, &[Role::Admin], "change the operator's VAT status")?;
    tx.operator().put_vat_status(valid_from, vat_payer).await?;
    let details = json!({"vat_payer": vat_payer, "vat_payer_from": valid_from.to_string()});
    tx.audit(ctx.now(), &actor.name, "set_vat_status", "operator", details)
        .await?;
    Ok(())
}
