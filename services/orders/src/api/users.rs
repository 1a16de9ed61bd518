//! Users and API keys: a customer's owner manages its own, an administrator all (cabinet.md "Users of the customer with
//! roles", "API keys").
//!
//! A first password and a key's secret are made here, shown in the one answer that makes them and never again: they are
//! neither kept nor repeated, also not under the same idempotency key.

use crate::api::caller::{Caller, Writer};
use crate::api::fields::{field, id_in_path, json_body, no_such, one_of};
use crate::api::page::{Page, PageQuery};
use crate::api::write::{Begin, Write, problem};
use crate::api::{Api, Refusals};
use crate::app::api_key::{MakeApiKey, make_api_key_in, revoke_api_key_in};
use crate::app::change_user::{change_role_in, lock_out_in};
use crate::app::create_user::{CreateUser, create_user_in, prepare_user};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use namoyish_documents::Language;
use namoyish_domain::ids::{ApiKeyId, CustomerId, UserId};
use namoyish_runtime::context::{Actor, Role};
use namoyish_runtime::idempotency::{Answer, IdempotencyKey};
use namoyish_runtime::problem::Problem;
use namoyish_storage::access::UserRecord;
use namoyish_storage::api_keys::{ApiKey, KeptApiKey};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// The roles, as refusals list them.
const ROLES: &str = "owner, manager, accountant, viewer, sales, moderator, traffic, admin";
/// Characters of a first password: none that is mistaken for another.
const PASSWORD_ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Its length.
const PASSWORD_CHARS: usize = 20;

/// A user.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserView {
    id: String,
    login: String,
    /// The customer whose cabinet it opens; none: the operator's staff.
    customer: Option<String>,
    /// owner, manager, accountant, viewer; or sales, moderator, traffic, accountant, admin.
    role: String,
    language: String,
    created_at: DateTime<Utc>,
    /// Since when it opens nothing.
    locked_at: Option<DateTime<Utc>>,
}

impl From<UserRecord> for UserView {
    fn from(user: UserRecord) -> UserView {
        UserView {
            id: user.id.to_string(),
            login: user.login,
            customer: user.customer.map(|customer| customer.to_string()),
            role: user.role,
            language: user.language,
            created_at: user.created_at,
            locked_at: user.locked_at,
        }
    }
}

/// A new user with its first password.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NewUserView {
    #[serde(flatten)]
    user: UserView,
    /// Shown this once; none when the same request comes again.
    password: Option<String>,
}

/// Whom to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserRequest {
    /// 3 to 100 characters of a-z, 0-9 and . _ - @ +.
    login: String,
    /// None: the operator's staff; a customer's own key may leave it out.
    customer: Option<String>,
    role: String,
    /// uz-Latn (when left out), uz-Cyrl, ru or en.
    language: Option<String>,
}

/// Whose users or keys, page by page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnerQuery {
    /// `next` of the page before; none for the first page.
    cursor: Option<String>,
    /// 1 to 200; 50 when left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// Of this customer; when left out, the caller's own, or the operator's.
    customer: Option<String>,
}

impl OwnerQuery {
    fn owner(&self, actor: &Actor) -> Result<Option<CustomerId>, Problem> {
        owner(actor, self.customer.as_deref())
    }
}

/// Whose: a customer's own key always its own.
fn owner(actor: &Actor, asked: Option<&str>) -> Result<Option<CustomerId>, Problem> {
    let asked = asked
        .map(|id| field("customer", "bad_id", CustomerId::parse(id)))
        .transpose()?;
    match (actor.customer, asked) {
        (Some(own), Some(asked)) if own != asked => Err(no_such("customer")),
        (Some(own), _) => Ok(Some(own)),
        (None, asked) => Ok(asked),
    }
}

/// Users of a customer, or of the staff, oldest first.
#[utoipa::path(
    get, path = "/api/v1/users", tag = "users", params(OwnerQuery),
    responses((status = 200, body = Page<UserView>), Refusals)
)]
pub(crate) async fn list_users(
    State(api): State<Api>,
    Caller(actor): Caller,
    Query(query): Query<OwnerQuery>,
) -> Result<Json<Page<UserView>>, Problem> {
    let customer = query.owner(&actor)?;
    let asked = PageQuery::new(query.cursor, query.limit).asked(|text| UserId::parse(text).ok())?;
    let mut tx = api.ctx.store.begin().await?;
    let users = tx.access().users(customer, asked.after, asked.to_read()).await?;
    Ok(Json(asked.page(
        users,
        |user| user.id.to_string(),
        UserView::from,
    )))
}

/// Creates a user. Its first password is in the answer, this once.
#[utoipa::path(
    post, path = "/api/v1/users", tag = "users", request_body = UserRequest,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = NewUserView), Refusals)
)]
pub(crate) async fn create_user(
    State(api): State<Api>,
    Writer(actor): Writer,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Response, Problem> {
    let request: UserRequest = json_body(&body)?;
    let password = first_password(&api);
    let command = CreateUser {
        login: request.login,
        password: password.clone(),
        customer: owner(&actor, request.customer.as_deref())?,
        role: one_of("role", &request.role, ROLES, Role::parse)?,
        language: match &request.language {
            Some(code) => field("language", "unknown_value", Language::parse(code))?,
            None => Language::UzLatn,
        },
    };
    let ready = prepare_user(&api.ctx, &actor, command).await.map_err(problem)?;
    let mut write = match Write::begin(&api, &actor, "create_user", &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer.into_response()),
        Begin::Fresh(write) => write,
    };
    let id = create_user_in(&mut write.tx, &api.ctx, &actor, ready)
        .await
        .map_err(problem)?;
    let user = write.tx.access().lock_user(id).await?;
    let user = user.ok_or_else(|| no_such("user"))?;
    let view = |password| NewUserView {
        user: user.clone().into(),
        password,
    };
    write
        .finish_once(StatusCode::CREATED, &view(None), &view(Some(password)))
        .await
}

fn first_password(api: &Api) -> String {
    api.ctx
        .ids
        .bytes::<PASSWORD_CHARS>()
        .into_iter()
        .filter_map(|byte| PASSWORD_ALPHABET.get(usize::from(byte % 32)))
        .map(|byte| char::from(*byte))
        .collect()
}

/// Another role.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleRequest {
    role: String,
}

/// Gives a user another role. A customer keeps at least one owner, the staff at least one admin.
#[utoipa::path(
    put, path = "/api/v1/users/{user}/role", tag = "users", request_body = RoleRequest,
    params(("user" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = UserView), Refusals)
)]
pub(crate) async fn change_role(
    State(api): State<Api>,
    Writer(actor): Writer,
    key: IdempotencyKey,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Answer, Problem> {
    let request: RoleRequest = json_body(&body)?;
    let role = one_of("role", &request.role, ROLES, Role::parse)?;
    let operation = format!("change_role {id}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let id = id_in_path("user", UserId::parse(&id))?;
    let user = change_role_in(&mut write.tx, &api.ctx, &actor, id, role)
        .await
        .map_err(problem)?;
    write.finish(StatusCode::OK, &UserView::from(user)).await
}

/// Locks a user out: its sessions end at once.
#[utoipa::path(
    delete, path = "/api/v1/users/{user}", tag = "users",
    params(("user" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = UserView), Refusals)
)]
pub(crate) async fn lock_user_out(
    State(api): State<Api>,
    Writer(actor): Writer,
    key: IdempotencyKey,
    Path(id): Path<String>,
) -> Result<Answer, Problem> {
    let operation = format!("lock_user_out {id}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &[]).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let id = id_in_path("user", UserId::parse(&id))?;
    let user = lock_out_in(&mut write.tx, &api.ctx, &actor, id)
        .await
        .map_err(problem)?;
    write.finish(StatusCode::OK, &UserView::from(user)).await
}

/// An API key without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApiKeyView {
    id: String,
    /// What logs call it.
    name: String,
    role: String,
    /// The customer it acts for; none: the operator.
    customer: Option<String>,
    created_at: DateTime<Utc>,
    revoked_at: Option<DateTime<Utc>>,
}

impl From<KeptApiKey> for ApiKeyView {
    fn from(kept: KeptApiKey) -> ApiKeyView {
        let ApiKey {
            id,
            name,
            role,
            customer,
            created_at,
        } = kept.key;
        ApiKeyView {
            id: id.to_string(),
            name,
            role,
            customer: customer.map(|customer| customer.to_string()),
            created_at,
            revoked_at: kept.revoked_at,
        }
    }
}

/// A new key with its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NewApiKeyView {
    #[serde(flatten)]
    key: ApiKeyView,
    /// Shown this once; none when the same request comes again.
    secret: Option<String>,
}

/// What to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApiKeyRequest {
    /// What logs call it.
    name: String,
    role: String,
    /// None: the operator's; a customer's own key may leave it out.
    customer: Option<String>,
}

/// API keys of a customer, or of the operator, oldest first, without their secrets.
#[utoipa::path(
    get, path = "/api/v1/api-keys", tag = "users", params(OwnerQuery),
    responses((status = 200, body = Page<ApiKeyView>), Refusals)
)]
pub(crate) async fn list_api_keys(
    State(api): State<Api>,
    Caller(actor): Caller,
    Query(query): Query<OwnerQuery>,
) -> Result<Json<Page<ApiKeyView>>, Problem> {
    let customer = query.owner(&actor)?;
    let asked = PageQuery::new(query.cursor, query.limit).asked(|text| ApiKeyId::parse(text).ok())?;
    let mut tx = api.ctx.store.begin().await?;
    let keys = tx.api_keys().list(customer, asked.after, asked.to_read()).await?;
    Ok(Json(asked.page(
        keys,
        |kept| kept.key.id.to_string(),
        ApiKeyView::from,
    )))
}

/// Makes an API key. Its secret is in the answer, this once.
#[utoipa::path(
    post, path = "/api/v1/api-keys", tag = "users", request_body = ApiKeyRequest,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = NewApiKeyView), Refusals)
)]
pub(crate) async fn make_api_key(
    State(api): State<Api>,
    Writer(actor): Writer,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Response, Problem> {
    let request: ApiKeyRequest = json_body(&body)?;
    let command = MakeApiKey {
        customer: owner(&actor, request.customer.as_deref())?,
        role: one_of("role", &request.role, ROLES, Role::parse)?,
        name: request.name,
    };
    let mut write = match Write::begin(&api, &actor, "make_api_key", &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer.into_response()),
        Begin::Fresh(write) => write,
    };
    let made = make_api_key_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    let kept = KeptApiKey {
        key: made.key,
        revoked_at: None,
    };
    let view = |secret| NewApiKeyView {
        key: kept.clone().into(),
        secret,
    };
    write
        .finish_once(StatusCode::CREATED, &view(None), &view(Some(made.secret)))
        .await
}

/// Ends an API key: the next request with it is refused.
#[utoipa::path(
    delete, path = "/api/v1/api-keys/{api_key}", tag = "users",
    params(("api_key" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = ApiKeyView), Refusals)
)]
pub(crate) async fn revoke_api_key(
    State(api): State<Api>,
    Writer(actor): Writer,
    key: IdempotencyKey,
    Path(id): Path<String>,
) -> Result<Answer, Problem> {
    let operation = format!("revoke_api_key {id}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &[]).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let id = id_in_path("api key", ApiKeyId::parse(&id))?;
    revoke_api_key_in(&mut write.tx, &api.ctx, &actor, id)
        .await
        .map_err(problem)?;
    let kept = write.tx.api_keys().lock(id).await?;
    let kept = kept.ok_or_else(|| no_such("api key"))?;
    write.finish(StatusCode::OK, &ApiKeyView::from(kept)).await
}
