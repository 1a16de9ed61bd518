//! Who may act: users of the cabinet and of the back office, and their sessions.
//!
//! Rules: cabinet.md "sign in"; a password is kept as an argon2id hash only, a session's token as its SHA-256 only, so
//! that a copy of the tables opens no door. A session ends by its expiry, by sign-out, or with its user's lock; the
//! row stays, because the list of past sessions is the user's own history.
//!
//! Not here: hashing and the length of a session (`orders::cabinet`), what a role may do (the services).

use crate::{DbError, Store, Tx};
use namoyish_domain::calendar::Timestamp;
use namoyish_domain::ids::{CustomerId, UserId};
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

statements! {
    INSERT_USER = "insert into users (id, login, password_hash, kind, customer_id, role, language, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)";
    USER_BY_LOGIN = "select id, password_hash, locked_at is not null as locked, language from users where login = $1";
    /// $1 customer or null for staff, $2 after, $3 limit.
    USERS = "select id, login, customer_id, role, language, created_at, locked_at from users
        where customer_id is not distinct from $1 and ($2::uuid is null or id > $2) order by id limit $3";
    LOCK_USER = "select id, login, customer_id, role, language, created_at, locked_at from users where id = $1 for no key update";
    /// Whoever changes who the owners (or the administrators) are goes one by one.
    LOCK_USERS_OF = "select pg_advisory_xact_lock(hashtextextended('namoyish.users.' || coalesce($1::text, 'staff'), 0))";
    OTHERS_WITH_ROLE = "select count(*) from users where customer_id is not distinct from $1 and role = $2 and id <> $3 and locked_at is null";
    SET_ROLE = "update users set role = $2 where id = $1";
    SET_LOCKED = "update users set locked_at = $2 where id = $1 and locked_at is null";
    END_SESSIONS = "update sessions set ended_at = $2 where user_id = $1 and ended_at is null";
    SET_LANGUAGE = "update users set language = $2 where id = $1 and language <> $2";
    INSERT_SESSION = "insert into sessions (token_hash, user_id, csrf, created_at, expires_at) values ($1, $2, $3, $4, $5)";
    SESSION = "select s.user_id, s.csrf, s.expires_at, u.login, u.role, u.language, u.customer_id, c.name as customer_name
        from sessions s join users u on u.id = s.user_id left join customers c on c.id = u.customer_id
        where s.token_hash = $1 and s.ended_at is null and s.expires_at > $2 and u.locked_at is null";
    EXTEND_SESSION = "update sessions set expires_at = $2 where token_hash = $1 and ended_at is null and expires_at < $2";
    END_SESSION = "update sessions set ended_at = $2 where token_hash = $1 and ended_at is null";
}

/// A user to be created.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Id made by the caller.
    pub id: UserId,
    /// Lower case; unique (`login_is_unique`).
    pub login: String,
    /// PHC string of the argon2id hash.
    pub password_hash: String,
    /// The customer whose cabinet it opens; `None` for the operator's staff.
    pub customer: Option<CustomerId>,
    /// Stable code of the role ("owner", …).
    pub role: &'static str,
    /// Language code ("uz-Latn", …).
    pub language: &'static str,
    /// When it was created.
    pub created_at: Timestamp,
}

/// A user as kept, without what opens a door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRecord {
    /// Id.
    pub id: UserId,
    /// Login.
    pub login: String,
    /// The customer whose cabinet it opens; `None` for staff.
    pub customer: Option<CustomerId>,
    /// Stable code of the role.
    pub role: String,
    /// Language code.
    pub language: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// Since when it opens nothing.
    pub locked_at: Option<Timestamp>,
}

/// What signing in needs to know of a user.
#[derive(Debug, Clone)]
pub struct SignInRecord {
    /// The user.
    pub id: UserId,
    /// PHC string of the argon2id hash.
    pub password_hash: String,
    /// Whether the account is locked.
    pub locked: bool,
    /// Language code that the user chose.
    pub language: String,
}

/// A session to be begun.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// SHA-256 of the token that the browser holds.
    pub token_hash: [u8; 32],
    /// The user.
    pub user: UserId,
    /// Token that every form of this session carries.
    pub csrf: String,
    /// Begin.
    pub created_at: Timestamp,
    /// End, unless it is extended.
    pub expires_at: Timestamp,
}

/// A live session with its user.
#[derive(Debug, Clone)]
pub struct SessionRecord {
    /// The user.
    pub user: UserId,
    /// The user's login.
    pub login: String,
    /// Stable code of the role.
    pub role: String,
    /// Language code that the user chose.
    pub language: String,
    /// The customer whose cabinet it opens; `None` for staff.
    pub customer: Option<CustomerId>,
    /// The customer's name.
    pub customer_name: Option<String>,
    /// Token that every form of this session carries.
    pub csrf: String,
    /// When it ends, unless it is extended.
    pub expires_at: Timestamp,
}

impl Store {
    /// Reads of users and sessions, each a single statement.
    pub fn access(&self) -> AccessReads<'_> {
        AccessReads { store: self }
    }
}

impl Tx {
    /// Users and sessions.
    pub fn access(&mut self) -> Access<'_> {
        Access { tx: self }
    }
}

/// See [`Store::access`].
#[derive(Debug)]
pub struct AccessReads<'a> {
    store: &'a Store,
}

/// See [`Tx::access`].
#[derive(Debug)]
pub struct Access<'a> {
    tx: &'a mut Tx,
}

impl AccessReads<'_> {
    /// The user with this login (lower case).
    pub async fn user_by_login(&self, login: &str) -> Result<Option<SignInRecord>, DbError> {
        let row = sqlx::query(USER_BY_LOGIN)
            .bind(login)
            .fetch_optional(self.store.pool())
            .await?;
        row.map(|row| {
            Ok(SignInRecord {
                id: UserId::from_uuid(row.try_get("id")?),
                password_hash: row.try_get("password_hash")?,
                locked: row.try_get("locked")?,
                language: row.try_get("language")?,
            })
        })
        .transpose()
    }

    /// The session of a token, when it is neither ended nor past its expiry and its user isn't locked.
    pub async fn session(
        &self,
        token_hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<SessionRecord>, DbError> {
        let row = sqlx::query(SESSION)
            .bind(token_hash.as_slice())
            .bind(now)
            .fetch_optional(self.store.pool())
            .await?;
        row.as_ref().map(session_record).transpose()
    }
}

fn session_record(row: &PgRow) -> Result<SessionRecord, DbError> {
    Ok(SessionRecord {
        user: UserId::from_uuid(row.try_get("user_id")?),
        login: row.try_get("login")?,
        role: row.try_get("role")?,
        language: row.try_get("language")?,
        customer: row
            .try_get::<Option<Uuid>, _>("customer_id")?
            .map(CustomerId::from_uuid),
        customer_name: row.try_get("customer_name")?,
        csrf: row.try_get("csrf")?,
        expires_at: row.try_get("expires_at")?,
    })
}

fn user_record(row: &PgRow) -> Result<UserRecord, DbError> {
    Ok(UserRecord {
        id: UserId::from_uuid(row.try_get("id")?),
        login: row.try_get("login")?,
        customer: row
            .try_get::<Option<Uuid>, _>("customer_id")?
            .map(CustomerId::from_uuid),
        role: row.try_get("role")?,
        language: row.try_get("language")?,
        created_at: row.try_get("created_at")?,
        locked_at: row.try_get("locked_at")?,
    })
}

impl Access<'_> {
    /// Adds a user. A login that exists is refused by the constraint `login_is_unique`.
    pub async fn insert_user(&mut self, user: &NewUser) -> Result<(), DbError> {
        sqlx::query(INSERT_USER)
            .bind(user.id.uuid())
            .bind(&user.login)
            .bind(&user.password_hash)
            .bind(if user.customer.is_some() {
                "customer"
            } else {
                "staff"
            })
            .bind(user.customer.map(CustomerId::uuid))
            .bind(user.role)
            .bind(user.language)
            .bind(user.created_at)
            .execute(self.tx.conn())
            .await?;
        Ok(())
    }

    /// The users of a customer, or of the staff, oldest first.
    pub async fn users(
        &mut self,
        customer: Option<CustomerId>,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<UserRecord>, DbError> {
        let rows = sqlx::query(USERS)
            .bind(customer.map(CustomerId::uuid))
            .bind(after.map(UserId::uuid))
            .bind(i64::from(limit))
            .fetch_all(self.tx.conn())
            .await?;
        rows.iter().map(user_record).collect()
    }

    /// A user, locked until the transaction ends.
    pub async fn lock_user(&mut self, id: UserId) -> Result<Option<UserRecord>, DbError> {
        let row = sqlx::query(LOCK_USER)
            .bind(id.uuid())
            .fetch_optional(self.tx.conn())
            .await?;
        row.as_ref().map(user_record).transpose()
    }

    /// How many other users of the same customer, or of the staff, have a role. Taken under a lock that every change of
    /// roles takes, so that the last one can't be lost by two changes at once.
    pub async fn others_with_role(
        &mut self,
        customer: Option<CustomerId>,
        role: &str,
        but: UserId,
    ) -> Result<i64, DbError> {
        sqlx::query(LOCK_USERS_OF)
            .bind(customer.map(|customer| customer.to_string()))
            .execute(self.tx.conn())
            .await?;
        Ok(sqlx::query_scalar(OTHERS_WITH_ROLE)
            .bind(customer.map(CustomerId::uuid))
            .bind(role)
            .bind(but.uuid())
            .fetch_one(self.tx.conn())
            .await?)
    }

    /// Gives a user another role.
    pub async fn set_role(&mut self, id: UserId, role: &str) -> Result<(), DbError> {
        sqlx::query(SET_ROLE)
            .bind(id.uuid())
            .bind(role)
            .execute(self.tx.conn())
            .await?;
        Ok(())
    }

    /// Locks a user out and ends its sessions. False: it was locked before.
    pub async fn lock_out(&mut self, id: UserId, at: Timestamp) -> Result<bool, DbError> {
        let done = sqlx::query(SET_LOCKED)
            .bind(id.uuid())
            .bind(at)
            .execute(self.tx.conn())
            .await?;
        sqlx::query(END_SESSIONS)
            .bind(id.uuid())
            .bind(at)
            .execute(self.tx.conn())
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Keeps the language that a user chose.
    pub async fn set_language(&mut self, user: UserId, language: &str) -> Result<(), DbError> {
        sqlx::query(SET_LANGUAGE)
            .bind(user.uuid())
            .bind(language)
            .execute(self.tx.conn())
            .await?;
        Ok(())
    }

    /// Begins a session.
    pub async fn insert_session(&mut self, session: &NewSession) -> Result<(), DbError> {
        sqlx::query(INSERT_SESSION)
            .bind(session.token_hash.as_slice())
            .bind(session.user.uuid())
            .bind(&session.csrf)
            .bind(session.created_at)
            .bind(session.expires_at)
            .execute(self.tx.conn())
            .await?;
        Ok(())
    }

    /// Moves a live session's end to `expires_at`; never back.
    pub async fn extend_session(
        &mut self,
        token_hash: &[u8; 32],
        expires_at: Timestamp,
    ) -> Result<(), DbError> {
        sqlx::query(EXTEND_SESSION)
            .bind(token_hash.as_slice())
            .bind(expires_at)
            .execute(self.tx.conn())
            .await?;
        Ok(())
    }

    /// Ends a session: its token opens nothing from now on.
    pub async fn end_session(&mut self, token_hash: &[u8; 32], now: Timestamp) -> Result<(), DbError> {
        sqlx::query(END_SESSION)
            .bind(token_hash.as_slice())
            .bind(now)
            .execute(self.tx.conn())
            .await?;
        Ok(())
    }
}
