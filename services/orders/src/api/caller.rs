//! Who calls: the actor of the API key in `Authorization: Bearer nk_…`.
//!
//! [`Caller`] is enough to read; [`Writer`] refuses viewers before the body is even read. What exactly a role may do is
//! each command's own matter.

use crate::api::Api;
use crate::app::api_key::hash_of_key;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::header;
use axum::http::request::Parts;
use namoyish_runtime::context::{Actor, Role};
use namoyish_runtime::problem::Problem;
use namoyish_storage::DbError;
use std::convert::Infallible;
use std::net::SocketAddr;

/// The longest key that is looked at.
const KEY_CHARS_MAX: usize = 200;

/// The actor of a live key.
pub(crate) struct Caller(pub(crate) Actor);

/// The actor of a live key that isn't a viewer's.
pub(crate) struct Writer(pub(crate) Actor);

impl FromRequestParts<Api> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Caller, Problem> {
        let secret = parts
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, secret)| secret.trim())
            .filter(|secret| (1..=KEY_CHARS_MAX).contains(&secret.len()))
            .ok_or_else(Problem::unauthorized)?;
        // A hash is looked up, so the time of the look-up tells nothing of the key.
        let mut tx = api.ctx.store.begin().await?;
        let key = tx
            .api_keys()
            .live(&hash_of_key(secret))
            .await?
            .ok_or_else(Problem::unauthorized)?;
        let role = Role::parse(&key.role)
            .ok_or_else(|| DbError::Inconsistent(format!("api key {}: role {}", key.id, key.role)))?;
        Ok(Caller(Actor {
            name: key.name,
            role,
            customer: key.customer,
        }))
    }
}

impl FromRequestParts<Api> for Writer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Writer, Problem> {
        let Caller(actor) = Caller::from_request_parts(parts, api).await?;
        if actor.role == Role::Viewer {
            return Err(Problem::forbidden("a viewer's key reads only"));
        }
        Ok(Writer(actor))
    }
}

/// The address that a request came from; empty when the server doesn't know it.
pub(crate) struct CallerAddress(pub(crate) String);

impl FromRequestParts<Api> for CallerAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<CallerAddress, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(CallerAddress(
            peer.map_or_else(String::new, |peer| peer.0.ip().to_string()),
        ))
    }
}

/// Lets only the operator's side read.
pub(crate) fn staff_only(actor: &Actor) -> Result<(), Problem> {
    if actor.is_operator() {
        Ok(())
    } else {
        Err(Problem::forbidden("only the operator's keys may read this"))
    }
}
