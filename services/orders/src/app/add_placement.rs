//! Adding a placement to an app (orders.md §4).

use crate::app::{CODE_CHARS_MAX, NotAllowed, Refusal, Told, code_of, is_short_name, require_staff};
use namoyish_domain::ids::{AppId, PlacementId};
use namoyish_domain::orders::placement::{FormatRefused, PlacementFormat};
use namoyish_domain::orders::price_list::Names;
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_storage::placements::Placement;
use namoyish_storage::{DbError, Tx};
use serde_json::json;

/// What to add.
#[derive(Debug, Clone)]
pub struct AddPlacement {
    /// Short name, unique over all apps.
    pub code: String,
    /// Its app.
    pub app: AppId,
    /// Names.
    pub names: Names,
    /// What a material must keep to.
    pub format: PlacementFormat,
}

/// Why it isn't added.
#[derive(Debug, thiserror::Error)]
pub enum AddPlacementError {
    /// Not traffic.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// A limit of the format.
    #[error(transparent)]
    Format(#[from] FormatRefused),
    /// A short name with other characters.
    #[error("a code has 1 to {CODE_CHARS_MAX} letters, digits, hyphens, underscores, dots or slashes")]
    BadCode,
    /// The short name is taken.
    #[error("the code {code} is taken")]
    CodeTaken {
        /// Which one.
        code: String,
    },
    /// There is no such app.
    #[error("there is no app {app}")]
    NoSuchApp {
        /// The id.
        app: AppId,
    },
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for AddPlacementError {
    fn told(&self) -> Told {
        match self {
            AddPlacementError::NotAllowed(_) => Told::not_allowed(),
            AddPlacementError::Format(refused) => Told::refused(refused.code()).field(refused.field()),
            AddPlacementError::BadCode => Told::refused("bad_code")
                .field("code")
                .limit(Some(format!("{CODE_CHARS_MAX} characters"))),
            AddPlacementError::CodeTaken { .. } => Told::conflict("code_taken").field("code"),
            AddPlacementError::NoSuchApp { .. } => Told::refused("no_such_app").field("app"),
            AddPlacementError::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(AddPlacementError);

/// Adds a placement.
pub async fn add_placement(
    ctx: &Context,
    actor: &Actor,
    cmd: AddPlacement,
) -> Result<Placement, AddPlacementError> {
    let mut tx = ctx.store.begin().await?;
    let placement = add_placement_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(placement)
}

/// The same inside the caller's transaction.
pub async fn add_placement_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: AddPlacement,
) -> Result<Placement, AddPlacementError> {
    require_staff(actor, &[Role::Traffic, Role::Admin], "add placements")?;
    if !is_short_name(&cmd.code) {
        return Err(AddPlacementError::BadCode);
    }
    let format = cmd.format.check()?;
    if tx.placements().app(cmd.app).await?.is_none() {
        return Err(AddPlacementError::NoSuchApp { app: cmd.app });
    }
    let placement = Placement {
        id: PlacementId::from_uuid(ctx.uuid()),
        code: cmd.code,
        app: cmd.app,
        names: cmd.names,
        format,
    };
    match tx.placements().insert(&placement).await {
        Err(error) if error.is_constraint("placement_code_is_unique") => {
            return Err(AddPlacementError::CodeTaken { code: placement.code });
        }
        other => other?,
    }
    tx.bump_snapshot().await?;
    let details =
        json!({"code": placement.code, "app": placement.app.to_string(), "kind": format.kind.code()});
    tx.audit(
        ctx.now(),
        &actor.name,
        "add_placement",
        &placement.id.to_string(),
        details,
    )
    .await?;
    Ok(placement)
}
