//! Another role for a user, or the end of its access (cabinet.md "Users of the customer with roles").
//!
//! A customer keeps at least one owner, and the staff at least one administrator: nobody can lock everybody out. A user
//! who is locked out keeps its row, because what it did stays in the log; its sessions end at once.

use crate::app::create_user::{may_manage, role_fits};
use crate::app::{NotAllowed, Refusal, Told, code_of};
use namoyish_domain::ids::UserId;
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_storage::access::UserRecord;
use namoyish_storage::{DbError, Tx};
use serde_json::json;

/// Why a user stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum ChangeUserError {
    /// The actor's role.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// There is no such user, or it is another customer's.
    #[error("there is no user {user}")]
    NoSuchUser {
        /// The id.
        user: UserId,
    },
    /// A customer's role for staff, or the other way round.
    #[error("the role {role} {}", if *.with_customer { "is not a customer's" } else { "needs a customer" })]
    RoleMismatch {
        /// The role.
        role: Role,
        /// Whether the user is a customer's.
        with_customer: bool,
    },
    /// Nobody would be left who may manage users.
    #[error("this is the last {role}: make another one first")]
    Last {
        /// owner or admin.
        role: Role,
    },
    /// It is locked out already.
    #[error("the user {user} is locked out already")]
    LockedOut {
        /// The id.
        user: UserId,
    },
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for ChangeUserError {
    fn told(&self) -> Told {
        match self {
            ChangeUserError::NotAllowed(_) => Told::not_allowed(),
            ChangeUserError::NoSuchUser { .. } => Told::not_found("no_such_user"),
            ChangeUserError::RoleMismatch { .. } => Told::refused("role_mismatch").field("role"),
            ChangeUserError::Last { .. } => Told::conflict("last_of_role").field("role"),
            ChangeUserError::LockedOut { .. } => Told::conflict("user_locked_out"),
            ChangeUserError::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(ChangeUserError);

/// Gives a user another role.
pub async fn change_role_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    id: UserId,
    role: Role,
) -> Result<UserRecord, ChangeUserError> {
    let mut user = lock(tx, actor, id).await?;
    let with_customer = user.customer.is_some();
    if !role_fits(role, with_customer) {
        return Err(ChangeUserError::RoleMismatch { role, with_customer });
    }
    if user.role == role.code() {
        return Ok(user);
    }
    keep_one(tx, &user).await?;
    tx.access().set_role(id, role.code()).await?;
    let details = json!({"from": user.role, "to": role.code()});
    tx.audit(
        ctx.now(),
        &actor.name,
        "change_user_role",
        &id.to_string(),
        details,
    )
    .await?;
    user.role = role.code().to_owned();
    Ok(user)
}

/// Locks a user out.
pub async fn lock_out_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    id: UserId,
) -> Result<UserRecord, ChangeUserError> {
    let mut user = lock(tx, actor, id).await?;
    keep_one(tx, &user).await?;
    if !tx.access().lock_out(id, ctx.now()).await? {
        return Err(ChangeUserError::LockedOut { user: id });
    }
    tx.audit(
        ctx.now(),
        &actor.name,
        "lock_user_out",
        &id.to_string(),
        json!({}),
    )
    .await?;
    user.locked_at = Some(ctx.now());
    Ok(user)
}

async fn lock(tx: &mut Tx, actor: &Actor, id: UserId) -> Result<UserRecord, ChangeUserError> {
    let found = tx.access().lock_user(id).await?;
    let user = found
        .filter(|user| actor.is_operator() || actor.customer == user.customer)
        .ok_or(ChangeUserError::NoSuchUser { user: id })?;
    if may_manage(actor, user.customer) {
        Ok(user)
    } else {
        let action = "change users";
        Err(NotAllowed {
            role: actor.role,
            action,
        }
        .into())
    }
}

/// Refuses to take away the last owner of a customer, or the last administrator.
async fn keep_one(tx: &mut Tx, user: &UserRecord) -> Result<(), ChangeUserError> {
    let role = if user.customer.is_some() {
        Role::Owner
    } else {
        Role::Admin
    };
    if user.role != role.code() || user.locked_at.is_some() {
        return Ok(());
    }
    let others = tx
        .access()
        .others_with_role(user.customer, role.code(), user.id)
        .await?;
    if others == 0 {
        Err(ChangeUserError::Last { role })
    } else {
        Ok(())
    }
}
