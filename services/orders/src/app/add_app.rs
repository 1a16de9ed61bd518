//! Adding an app that shows ads (delivery.md §1).

use crate::app::{CODE_CHARS_MAX, NotAllowed, Refusal, Told, code_of, is_short_name, require_staff};
use namoyish_domain::ids::AppId;
use namoyish_domain::orders::text::{self, TextRefused};
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_storage::placements::App;
use namoyish_storage::{DbError, Tx};
use serde_json::json;

/// What to add.
#[derive(Debug, Clone)]
pub struct AddApp {
    /// Short name, unique.
    pub code: String,
    /// Name.
    pub name: String,
    /// Whether it is partner inventory [003 §6.6].
    pub partner: bool,
}

/// Why it isn't added.
#[derive(Debug, thiserror::Error)]
pub enum AddAppError {
    /// Not traffic.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// The name.
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
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for AddAppError {
    fn told(&self) -> Told {
        match self {
            AddAppError::NotAllowed(_) => Told::not_allowed(),
            AddAppError::Text(refused) => Told::refused(refused.code())
                .field(refused.field())
                .limit(refused.limit()),
            AddAppError::BadCode => Told::refused("bad_code")
                .field("code")
                .limit(Some(format!("{CODE_CHARS_MAX} characters"))),
            AddAppError::CodeTaken { .. } => Told::conflict("code_taken").field("code"),
            AddAppError::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(AddAppError);

/// Adds an app with a publishable key of its own.
pub async fn add_app(ctx: &Context, actor: &Actor, cmd: AddApp) -> Result<App, AddAppError> {
    let mut tx = ctx.store.begin().await?;
    let app = add_app_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(app)
}

/// The same inside the caller's transaction.
pub async fn add_app_in(tx: &mut Tx, ctx: &Context, actor: &Actor, cmd: AddApp) -> Result<App, AddAppError> {
    require_staff(actor, &[Role::Traffic, Role::Admin], "add apps")?;
    let name = text::required("name", &cmd.name, 200)?;
    if !is_short_name(&cmd.code) {
        return Err(AddAppError::BadCode);
    }
    let app = App {
        id: AppId::from_uuid(ctx.uuid()),
        code: cmd.code,
        name,
        partner: cmd.partner,
        publishable_key: format!("pk_{}", hex::encode(ctx.ids.bytes::<16>())),
    };
    match tx.placements().insert_app(&app).await {
        Err(error) if error.is_constraint("app_code_is_unique") => {
            return Err(AddAppError::CodeTaken { code: app.code });
        }
        other => other?,
    }
    tx.bump_snapshot().await?;
    let details = json!({"code": app.code, "partner": app.partner});
    tx.audit(ctx.now(), &actor.name, "add_app", &app.id.to_string(), details)
        .await?;
    Ok(app)
}
