//! Acceptance of the public offer without a separate order blank (orders.md §3) [003 §5.2 "Oferta Aksepti"].
//!
//! The customer's owner names the edition of the rules and the hash of the text that was read, and chooses services of
//! the price list in force. What comes of it is a contract like any other: an order blank with frozen terms, its hash and
//! its invoices, so that serving and billing know one kind of contract only. Who accepted what, when and from where is
//! kept beside it (`offer_acceptances`).

use crate::app::draw_up_order_blank::{
    DrawUpLine, DrawUpOrderBlank, DrawUpOrderBlankError, draw_up_order_blank_in,
};
use crate::app::offer_order_blank::{OfferOrderBlank, OfferOrderBlankError, offer_order_blank_in};
use crate::app::sign_order_blank::{SignOrderBlankError, Signed, sign_by_acceptance_in};
use crate::app::{NotAllowed, Refusal, Told, code_of, require_own_or_staff};
use namoyish_domain::ids::CustomerId;
use namoyish_domain::orders::order_blank::{Prepayment, StatisticsSource};
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_storage::acceptances::{Acceptance, HowAccepted};
use namoyish_storage::operator::RulesEdition;
use namoyish_storage::{DbError, Tx};

/// The most characters of the address that an acceptance came from.
pub const FROM_CHARS_MAX: usize = 64;

/// What is accepted.
#[derive(Debug, Clone)]
pub struct AcceptPublicOffer {
    /// Who accepts.
    pub customer: CustomerId,
    /// The edition of the rules that was read.
    pub rules_edition: i32,
    /// SHA-256 of its text, hexadecimal.
    pub rules_sha256: String,
    /// Services of the price list in force; at least one.
    pub lines: Vec<DrawUpLine>,
    /// The caller's address.
    pub accepted_from: String,
}

/// A contract made by acceptance.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// The contract and its invoices.
    pub signed: Signed,
    /// The evidence.
    pub acceptance: Acceptance,
}

/// Why no contract is made.
#[derive(Debug, thiserror::Error)]
pub enum AcceptPublicOfferError {
    /// Not the customer's owner.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// There is no such customer.
    #[error("there is no customer {customer}")]
    NoSuchCustomer {
        /// The id.
        customer: CustomerId,
    },
    /// Another edition is in force.
    #[error("edition {given} of the rules is not the one in force; that is {in_force}")]
    NotInForce {
        /// What was given.
        given: i32,
        /// What is in force.
        in_force: i32,
    },
    /// No rules are in force.
    #[error("no edition of the rules is in force")]
    NoRules,
    /// The hash is another text's.
    #[error("the hash is not that of edition {edition} of the rules")]
    OtherText {
        /// The edition.
        edition: i32,
    },
    /// What was chosen can't be ordered.
    #[error(transparent)]
    DrawUp(#[from] DrawUpOrderBlankError),
    /// The draft can't be offered.
    #[error(transparent)]
    Offer(#[from] OfferOrderBlankError),
    /// The contract can't be made.
    #[error(transparent)]
    Sign(#[from] SignOrderBlankError),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for AcceptPublicOfferError {
    fn told(&self) -> Told {
        match self {
            AcceptPublicOfferError::NotAllowed(_) => Told::not_allowed(),
            AcceptPublicOfferError::NoSuchCustomer { .. } => {
                Told::not_found("no_such_customer").field("customer")
            }
            AcceptPublicOfferError::NotInForce { in_force, .. } => Told::conflict("edition_not_in_force")
                .field("rules_edition")
                .limit(Some(in_force.to_string())),
            AcceptPublicOfferError::NoRules => Told::conflict("not_set_up"),
            AcceptPublicOfferError::OtherText { .. } => {
                Told::refused("other_rules_text").field("rules_sha256")
            }
            AcceptPublicOfferError::DrawUp(error) => error.told(),
            AcceptPublicOfferError::Offer(error) => error.told(),
            AcceptPublicOfferError::Sign(error) => error.told(),
            AcceptPublicOfferError::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(AcceptPublicOfferError);

/// Accepts the public offer.
pub async fn accept_public_offer(
    ctx: &Context,
    actor: &Actor,
    cmd: AcceptPublicOffer,
) -> Result<Accepted, AcceptPublicOfferError> {
    let mut tx = ctx.store.begin().await?;
    let accepted = accept_public_offer_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(accepted)
}

/// The same inside the caller's transaction.
pub async fn accept_public_offer_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: AcceptPublicOffer,
) -> Result<Accepted, AcceptPublicOfferError> {
    // The acceptance is the customer's own act: nobody of the operator's side makes it.
    if !require_own_or_staff(
        actor,
        cmd.customer,
        &[Role::Owner],
        &[],
        "accept the public offer",
    )? {
        return Err(AcceptPublicOfferError::NoSuchCustomer {
            customer: cmd.customer,
        });
    }
    let edition = edition_in_force(tx, ctx).await?;
    if cmd.rules_edition != edition.number {
        return Err(AcceptPublicOfferError::NotInForce {
            given: cmd.rules_edition,
            in_force: edition.number,
        });
    }
    if !cmd.rules_sha256.trim().eq_ignore_ascii_case(&edition.sha256) {
        return Err(AcceptPublicOfferError::OtherText {
            edition: edition.number,
        });
    }
    let draw_up = DrawUpOrderBlank {
        code: None,
        customer: cmd.customer,
        city: None,
        prepayment: Prepayment::Full,
        own_due_on: None,
        own_due_days: None,
        statistics_source: StatisticsSource::Own,
        notice_emails: Vec::new(),
        lines: cmd.lines,
    };
    // The offer itself is the operator's consent: the platform draws the blank up and offers it in its name.
    let platform = Actor::system(&actor.name);
    let drawn_up = draw_up_order_blank_in(tx, ctx, &platform, draw_up).await?;
    let blank = drawn_up.blank.id;
    offer_order_blank_in(tx, ctx, &platform, OfferOrderBlank { blank }).await?;
    let signed = sign_by_acceptance_in(tx, ctx, actor, blank, None).await?;
    let acceptance = Acceptance {
        blank,
        how: HowAccepted::Acceptance,
        rules_edition: edition.number,
        rules_sha256: edition.sha256,
        accepted_at: ctx.now(),
        accepted_by: actor.name.clone(),
        accepted_from: cmd.accepted_from.chars().take(FROM_CHARS_MAX).collect(),
        used_on: None,
    };
    tx.acceptances().insert(&acceptance).await?;
    Ok(Accepted { signed, acceptance })
}

/// The edition of the rules in force today.
pub(super) async fn edition_in_force(
    tx: &mut Tx,
    ctx: &Context,
) -> Result<RulesEdition, AcceptPublicOfferError> {
    let number = tx
        .operator()
        .edition_on(ctx.today())
        .await?
        .ok_or(AcceptPublicOfferError::NoRules)?;
    tx.operator()
        .edition(number)
        .await?
        .ok_or(AcceptPublicOfferError::NoRules)
}
