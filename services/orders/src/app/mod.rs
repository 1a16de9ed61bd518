//! The commands of the order blank service: load, decide, commit, each in one function.
//!
//! Every command comes as a pair: `command(ctx, actor, cmd)` is a unit of work of its own; `command_in(tx, …)` does the
//! same inside a transaction that the caller saves, which is how the API keeps the answer of an idempotency key in the
//! transaction of its effect. A refusal writes nothing.
//!
//! Every command authorises its actor itself, so that pages, API and scenarios can't differ. What belongs to another
//! customer is "not found", never "not allowed": an id can't be probed.

pub mod accept_public_offer;
pub mod add_app;
pub mod add_placement;
pub mod amendment_terms;
pub mod api_key;
pub mod attach_document;
pub mod cancel_order_blank;
pub mod change_customer;
pub mod change_draft;
pub mod change_user;
pub mod claim_lost_access;
pub mod claim_penalty;
pub mod create_user;
pub mod decide_material;
pub mod decide_objection;
pub mod draw_up_order_blank;
pub mod edit_calendar;
pub mod edit_checklist;
pub mod end_extra_period;
pub mod give_notice_of_termination;
pub mod give_service;
pub mod hand_over_paper;
mod image_file;
pub mod increase_budget;
pub(crate) mod invoice_document;
pub mod line_budget;
pub mod line_price;
pub mod object_to_document;
pub mod offer_order_blank;
pub mod pause_line;
pub mod pay_refund;
pub mod propose_amendment;
pub mod propose_termination;
pub mod publish_price_annex;
pub mod publish_price_list;
pub mod publish_rules_edition;
pub mod read_notice;
pub mod record_act_return;
pub mod record_force_majeure;
pub mod record_outage;
pub mod record_payment;
pub mod register_customer;
pub mod report_document_revoked;
pub mod request_refund;
mod requisites_json;
pub mod scan;
pub mod second_subject;
pub mod set_extra_period;
pub mod set_up_operator;
pub mod sign_amendment;
pub mod sign_order_blank;
pub mod signing_code;
pub mod submit_material;
pub mod suspend_customer;
pub(crate) mod terms;
pub mod use_additional_service;
pub mod waive_penalty;
pub mod withdraw_price_list;

use namoyish_domain::ids::CustomerId;
use namoyish_domain::orders::party::RequisiteError;
use namoyish_runtime::context::{Actor, Role};
use namoyish_storage::DbError;
use std::borrow::Cow;

/// What kind of refusal it is: the API's status, the cabinet's page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    /// The actor's role doesn't allow it.
    NotAllowed,
    /// There is no such thing, or it is another customer's.
    NotFound,
    /// The state doesn't allow it now.
    Conflict,
    /// A rule refuses what was given.
    Refused,
    /// It lost a race with another command: the same may succeed when tried again.
    TryAgain,
    /// The platform failed.
    Internal,
}

/// A refusal as it is told: its nature, stable code, field and limit. The sentence is the error's `Display`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Nature.
    pub nature: Nature,
    /// Stable code, shared by the API, the translations and the scenario report.
    pub code: &'static str,
    /// The field at fault.
    pub field: Option<Cow<'static, str>>,
    /// The limit that was passed.
    pub limit: Option<String>,
}

impl Told {
    fn new(nature: Nature, code: &'static str) -> Told {
        Told {
            nature,
            code,
            field: None,
            limit: None,
        }
    }

    pub(crate) fn not_allowed() -> Told {
        Told::new(Nature::NotAllowed, "not_allowed")
    }

    pub(crate) fn not_found(code: &'static str) -> Told {
        Told::new(Nature::NotFound, code)
    }

    pub(crate) fn conflict(code: &'static str) -> Told {
        Told::new(Nature::Conflict, code)
    }

    pub(crate) fn refused(code: &'static str) -> Told {
        Told::new(Nature::Refused, code)
    }

    pub(crate) fn internal() -> Told {
        Told::new(Nature::Internal, "internal_error")
    }

    pub(crate) fn of_database(error: &DbError) -> Told {
        match error {
            DbError::Retry(_) => Told::new(Nature::TryAgain, "try_again"),
            _ => Told::internal(),
        }
    }

    pub(crate) fn field(mut self, field: impl Into<Cow<'static, str>>) -> Told {
        self.field = Some(field.into());
        self
    }

    pub(crate) fn limit(mut self, limit: Option<String>) -> Told {
        self.limit = limit;
        self
    }
}

/// An error of a command that knows how it is told.
pub trait Refusal: std::error::Error {
    /// How it is told.
    fn told(&self) -> Told;
}

/// Gives each error its inherent `code()`, so that callers need not import [`Refusal`].
macro_rules! code_of {
    ($($error:ty),* $(,)?) => {$(
        impl $error {
            /// Stable code, shared by the API, the translations and the scenario report.
            pub fn code(&self) -> &'static str {
                $crate::app::Refusal::told(self).code
            }
        }
    )*};
}
pub(crate) use code_of;

/// The actor's role doesn't allow a command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the role {} may not {action}", .role.code())]
pub struct NotAllowed {
    /// The actor's role.
    pub role: Role,
    /// What was asked for, in words.
    pub action: &'static str,
}

/// Lets the operator's side pass with one of the roles; the platform itself always passes.
pub(crate) fn require_staff(actor: &Actor, roles: &[Role], action: &'static str) -> Result<(), NotAllowed> {
    if actor.is_operator() && actor.has_role(roles) {
        Ok(())
    } else {
        Err(NotAllowed {
            role: actor.role,
            action,
        })
    }
}

/// Who may act for a customer: the customer's own people with `own`, the operator's with `staff`.
///
/// `Ok(false)`: it is another customer's, and the caller answers "not found".
pub(crate) fn require_own_or_staff(
    actor: &Actor,
    customer: CustomerId,
    own: &[Role],
    staff: &[Role],
    action: &'static str,
) -> Result<bool, NotAllowed> {
    if !actor.may_see(customer) {
        return Ok(false);
    }
    let roles = if actor.is_operator() { staff } else { own };
    if actor.has_role(roles) {
        Ok(true)
    } else {
        Err(NotAllowed {
            role: actor.role,
            action,
        })
    }
}

/// The first mistake of a form is told with its code, field and limit; the sentence names them all.
pub(crate) fn told_of_form(mistakes: &[RequisiteError]) -> Told {
    match mistakes.first() {
        None => Told::internal(),
        Some(first) => Told::refused(first.code())
            .field(first.field())
            .limit(first.limit()),
    }
}

/// All mistakes of a form in one sentence.
pub(crate) fn sentence_of_form(mistakes: &[RequisiteError]) -> String {
    mistakes
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

/// The most characters of a short name: an app's, a customer's, a blank's code.
pub const CODE_CHARS_MAX: usize = 64;

/// A short name of 1 to 64 letters, digits, `-`, `_`, `.` or `/`.
pub(crate) fn is_short_name(code: &str) -> bool {
    (1..=CODE_CHARS_MAX).contains(&code.len())
        && code
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn another_customers_thing_is_not_found_and_a_viewer_is_not_allowed() {
        let own = CustomerId::from_uuid(Uuid::from_u128(1));
        let other = CustomerId::from_uuid(Uuid::from_u128(2));
        let ask = |actor: &Actor| require_own_or_staff(actor, own, &[Role::Owner], &[Role::Sales], "sign");
        assert_eq!(ask(&Actor::customer("a", Role::Owner, own)), Ok(true));
        assert_eq!(ask(&Actor::customer("a", Role::Owner, other)), Ok(false));
        assert!(ask(&Actor::customer("a", Role::Viewer, own)).is_err());
        assert_eq!(ask(&Actor::staff("b", Role::Sales)), Ok(true));
        // A customer's owner is nobody on the operator's side, and the other way round.
        assert!(ask(&Actor::staff("b", Role::Owner)).is_err());
        assert!(
            require_staff(
                &Actor::customer("a", Role::Accountant, own),
                &[Role::Accountant],
                "record"
            )
            .is_err()
        );
        assert_eq!(ask(&Actor::system("demo")), Ok(true));
    }
}
