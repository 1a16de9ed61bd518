//! Creating a user of the cabinet or of the back office (cabinet.md "login and password chosen … or handed out").
//!
//! The password is hashed before the transaction begins, so that no row is locked while the processor works. Nothing of
//! it goes to the audit log. Not here: sign-up by a customer, reset, one-time codes.

use crate::app::{Refusal, Told, code_of};
use crate::cabinet::password::{PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN, PasswordError, Passwords};
use namoyish_documents::Language;
use namoyish_domain::ids::{CustomerId, UserId};
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_storage::access::NewUser;
use namoyish_storage::{DbError, Tx};

/// The fewest characters of a login.
pub const LOGIN_CHARS_MIN: usize = 3;
/// The most characters of a login.
pub const LOGIN_CHARS_MAX: usize = 100;

/// A user to be created.
#[derive(Clone)]
pub struct CreateUser {
    /// Latin letters, digits, `.`, `_`, `-`, `@`, `+`; kept in lower case.
    pub login: String,
    /// In the clear, as it was chosen.
    pub password: String,
    /// The customer whose cabinet it opens; `None` for the operator's staff.
    pub customer: Option<CustomerId>,
    /// What the user may do: a customer's role with a customer, a staff role without.
    pub role: Role,
    /// The language of its pages.
    pub language: Language,
}

/// Never shows the password.
impl std::fmt::Debug for CreateUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreateUser")
            .field("login", &self.login)
            .field("customer", &self.customer)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// Why a user isn't created.
#[derive(Debug, thiserror::Error)]
pub enum CreateUserError {
    /// The actor may not create such a user.
    #[error("{actor} may not create a user with the role {role}")]
    NotAllowed {
        /// Who asked.
        actor: String,
        /// For which role.
        role: Role,
    },
    /// The login has the wrong length or characters.
    #[error(
        "a login has {LOGIN_CHARS_MIN} to {LOGIN_CHARS_MAX} characters of a-z, 0-9 and . _ - @ +; `{login}` has not"
    )]
    BadLogin {
        /// What was given, cut.
        login: String,
    },
    /// The password is too short or too long.
    #[error(
        "a password has at least {PASSWORD_CHARS_MIN} characters and at most {PASSWORD_BYTES_MAX} bytes; this one has {chars} and {bytes}"
    )]
    BadPassword {
        /// Characters given.
        chars: usize,
        /// Bytes given.
        bytes: usize,
    },
    /// A customer's role without a customer, or the other way round.
    #[error("the role {role} {}", if *.with_customer { "isn't a customer's" } else { "needs a customer" })]
    RoleMismatch {
        /// The role.
        role: Role,
        /// Whether a customer was given.
        with_customer: bool,
    },
    /// Somebody has this login already.
    #[error("the login `{login}` is taken")]
    LoginTaken {
        /// The login.
        login: String,
    },
    /// There is no such customer.
    #[error("there is no customer {customer}")]
    NoSuchCustomer {
        /// The customer asked for.
        customer: CustomerId,
    },
    /// Hashing failed.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for CreateUserError {
    fn told(&self) -> Told {
        match self {
            CreateUserError::NotAllowed { .. } => Told::not_allowed(),
            CreateUserError::BadLogin { .. } => Told::refused("bad_login")
                .field("login")
                .limit(Some(format!("{LOGIN_CHARS_MIN} to {LOGIN_CHARS_MAX} characters"))),
            CreateUserError::BadPassword { .. } => Told::refused("bad_password")
                .field("password")
                .limit(Some(format!("{PASSWORD_CHARS_MIN} characters"))),
            CreateUserError::RoleMismatch { .. } => Told::refused("role_mismatch").field("role"),
            CreateUserError::LoginTaken { .. } => Told::conflict("login_taken").field("login"),
            CreateUserError::NoSuchCustomer { .. } => Told::not_found("no_such_customer").field("customer"),
            CreateUserError::Password(_) => Told::internal(),
            CreateUserError::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(CreateUserError);

/// Creates a user. The platform and an admin may create any; a customer's owner, users of the own customer.
pub async fn create_user(ctx: &Context, actor: &Actor, cmd: CreateUser) -> Result<UserId, CreateUserError> {
    let ready = prepare_user(ctx, actor, cmd).await?;
    let mut tx = ctx.store.begin().await?;
    let id = create_user_in(&mut tx, ctx, actor, ready).await?;
    tx.save().await?;
    Ok(id)
}

/// A user that is allowed and whose password is hashed, to be written.
pub struct ReadyUser {
    cmd: CreateUser,
    login: String,
    password_hash: String,
}

/// Decides and hashes, before any transaction: hashing takes the processor a while.
pub async fn prepare_user(
    ctx: &Context,
    actor: &Actor,
    mut cmd: CreateUser,
) -> Result<ReadyUser, CreateUserError> {
    let login = cmd.login.trim().to_ascii_lowercase();
    decide(actor, &cmd, &login)?;
    let password_hash = Passwords::default()
        .hash(std::mem::take(&mut cmd.password), ctx.ids.bytes::<16>())
        .await?;
    Ok(ReadyUser {
        cmd,
        login,
        password_hash,
    })
}

/// Writes a prepared user inside the caller's transaction.
pub async fn create_user_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    ready: ReadyUser,
) -> Result<UserId, CreateUserError> {
    let ReadyUser {
        cmd,
        login,
        password_hash,
    } = ready;
    let now = ctx.now();
    let id = UserId::from_uuid(ctx.uuid());
    let user = NewUser {
        id,
        login: login.clone(),
        password_hash,
        customer: cmd.customer,
        role: cmd.role.code(),
        language: cmd.language.code(),
        created_at: now,
    };
    match tx.access().insert_user(&user).await {
        Err(error) if error.is_constraint("login_is_unique") => {
            return Err(CreateUserError::LoginTaken { login });
        }
        Err(error) if error.is_constraint("users_customer_id_fkey") => {
            return Err(match cmd.customer {
                Some(customer) => CreateUserError::NoSuchCustomer { customer },
                None => error.into(),
            });
        }
        other => other?,
    }
    let details = serde_json::json!({
        "login": login,
        "role": cmd.role.code(),
        "customer": cmd.customer.map(|customer| customer.to_string()),
    });
    tx.audit(now, &actor.name, "create_user", &id.to_string(), details)
        .await?;
    Ok(id)
}

/// Who may create users and keys, change their roles and end them: a customer's owner its own, an administrator all.
pub(crate) fn may_manage(actor: &Actor, customer: Option<CustomerId>) -> bool {
    match customer {
        Some(customer) if actor.customer == Some(customer) => actor.has_role(&[Role::Owner]),
        _ => actor.is_operator() && actor.has_role(&[Role::Admin]),
    }
}

/// Whether a role is a customer's, the staff's, or both.
pub(crate) fn role_fits(role: Role, with_customer: bool) -> bool {
    match role {
        Role::Owner | Role::Manager | Role::Viewer => with_customer,
        Role::Accountant => true,
        Role::Sales | Role::Moderator | Role::Traffic | Role::Admin => !with_customer,
        Role::System => false,
    }
}

fn decide(actor: &Actor, cmd: &CreateUser, login: &str) -> Result<(), CreateUserError> {
    if !may_manage(actor, cmd.customer) {
        return Err(CreateUserError::NotAllowed {
            actor: actor.name.clone(),
            role: cmd.role,
        });
    }
    let chars = login.chars().count();
    let sound = login
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-' | '@' | '+'));
    if !sound || !(LOGIN_CHARS_MIN..=LOGIN_CHARS_MAX).contains(&chars) {
        return Err(CreateUserError::BadLogin {
            login: login.chars().take(LOGIN_CHARS_MAX).collect(),
        });
    }
    let (chars, bytes) = (cmd.password.chars().count(), cmd.password.len());
    if chars < PASSWORD_CHARS_MIN || bytes > PASSWORD_BYTES_MAX {
        return Err(CreateUserError::BadPassword { chars, bytes });
    }
    let with_customer = cmd.customer.is_some();
    if role_fits(cmd.role, with_customer) {
        Ok(())
    } else {
        Err(CreateUserError::RoleMismatch {
            role: cmd.role,
            with_customer,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn customer() -> CustomerId {
        CustomerId::from_uuid(Uuid::from_u128(1))
    }

    fn owner() -> CreateUser {
        CreateUser {
            login: "aziza".to_owned(),
            password: "tilla-baliq-7".to_owned(),
            customer: Some(customer()),
            role: Role::Owner,
            language: Language::UzLatn,
        }
    }

    fn code(actor: &Actor, cmd: &CreateUser) -> &'static str {
        decide(actor, cmd, &cmd.login).map_or_else(|error| error.code(), |()| "created")
    }

    #[test]
    fn who_may_create_whom() {
        let other = CustomerId::from_uuid(Uuid::from_u128(2));
        for (actor, due) in [
            (Actor::system("demo"), "created"),
            (Actor::staff("bobur", Role::Admin), "created"),
            (Actor::staff("bobur", Role::Sales), "not_allowed"),
            (Actor::customer("aziza", Role::Owner, customer()), "created"),
            (Actor::customer("aziza", Role::Manager, customer()), "not_allowed"),
            (Actor::customer("malika", Role::Owner, other), "not_allowed"),
        ] {
            assert_eq!(code(&actor, &owner()), due, "{} as {}", actor.name, actor.role);
        }
        let staff = CreateUser {
            customer: None,
            role: Role::Admin,
            ..owner()
        };
        assert_eq!(
            code(&Actor::customer("aziza", Role::Owner, customer()), &staff),
            "not_allowed"
        );
    }

    #[test]
    fn logins_passwords_and_roles_are_refused_by_name() {
        let actor = Actor::system("demo");
        let login = |login: &str| CreateUser {
            login: login.to_owned(),
            ..owner()
        };
        for bad in [
            "",
            "ab",
            "a b c",
            "aziza\n",
            "азиза",
            "aziza'--",
            &"a".repeat(101),
        ] {
            assert_eq!(code(&actor, &login(bad)), "bad_login", "{bad}");
        }
        assert_eq!(code(&actor, &login("aziza+demo@example.uz")), "created");
        let password = |password: &str| CreateUser {
            password: password.to_owned(),
            ..owner()
        };
        assert_eq!(code(&actor, &password("1234567")), "bad_password");
        assert_eq!(code(&actor, &password("ўзбекча!")), "created");
        assert_eq!(code(&actor, &password(&"x".repeat(257))), "bad_password");
        assert_eq!(
            code(
                &actor,
                &CreateUser {
                    role: Role::Admin,
                    ..owner()
                }
            ),
            "role_mismatch"
        );
        assert_eq!(
            code(
                &actor,
                &CreateUser {
                    role: Role::System,
                    ..owner()
                }
            ),
            "role_mismatch"
        );
        assert_eq!(
            code(
                &actor,
                &CreateUser {
                    customer: None,
                    ..owner()
                }
            ),
            "role_mismatch"
        );
    }

    #[test]
    fn debug_output_tells_no_password() {
        assert!(!format!("{:?}", owner()).contains("tilla"));
    }
}
