//! Reading a notice: its customer's users say that it was read, once (cabinet.md "notices with read state").

use crate::app::{NotAllowed, Refusal, Told, code_of, require_own_or_staff};
use namoyish_domain::ids::NoticeId;
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_storage::notices::NoticeRecord;
use namoyish_storage::{DbError, Tx};

/// Why it isn't marked.
#[derive(Debug, thiserror::Error)]
pub enum ReadNoticeError {
    /// The operator's side doesn't read for the customer.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// There is no such notice.
    #[error("there is no notice {notice}")]
    NoSuchNotice {
        /// The id.
        notice: NoticeId,
    },
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for ReadNoticeError {
    fn told(&self) -> Told {
        match self {
            ReadNoticeError::NotAllowed(_) => Told::not_allowed(),
            ReadNoticeError::NoSuchNotice { .. } => Told::not_found("no_such_notice"),
            ReadNoticeError::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(ReadNoticeError);

/// Marks a notice as read; one that was read stays as it was read first.
pub async fn read_notice_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    id: NoticeId,
) -> Result<NoticeRecord, ReadNoticeError> {
    let no_such_notice = || ReadNoticeError::NoSuchNotice { notice: id };
    let notice = tx.notices().find(id).await?.ok_or_else(no_such_notice)?;
    let own = [Role::Owner, Role::Manager, Role::Accountant, Role::Viewer];
    if !require_own_or_staff(actor, notice.customer, &own, &[], "read notices for a customer")? {
        return Err(no_such_notice());
    }
    tx.notices().mark_read(id, ctx.now(), &actor.name).await?;
    tx.notices().find(id).await?.ok_or_else(no_such_notice)
}
