//! Events that settle an ended contract (billing.md §8).

use super::{Commands, NotDone, chain};
use namoyish_domain::ids::CustomerId;
use namoyish_orders::app::pay_refund::{PayRefund, pay_refund};
use namoyish_orders::app::request_refund::{RequestRefund, request_refund};
use namoyish_storage::refunds::RefundRecord;

impl Commands {
    /// The customer asks for its money back.
    pub(crate) async fn request_refund(&self, customer: &str) -> Result<(), NotDone> {
        let customer = self.customer(customer)?;
        not_done!(request_refund(&self.ctx, &self.actor, RequestRefund { customer }).await).map(drop)
    }

    /// The operator pays it: the newest refund of the customer.
    pub(crate) async fn pay_refund(&self, customer: &str) -> Result<(), NotDone> {
        let customer = self.customer(customer)?;
        let refund = self.newest_refund(customer).await?;
        let cmd = PayRefund {
            refund: refund
                .ok_or_else(|| NotDone::Refused("no_such_refund".to_owned()))?
                .id,
            paid_on: self.ctx.today(),
            bank_reference: "ssenariy".to_owned(),
        };
        not_done!(pay_refund(&self.ctx, &self.actor, cmd).await).map(drop)
    }

    async fn newest_refund(&self, customer: CustomerId) -> Result<Option<RefundRecord>, NotDone> {
        let failed = |error| NotDone::Failed(chain(&error));
        let mut tx = self.ctx.store.begin().await.map_err(failed)?;
        let newest = tx.refunds().page(Some(customer), None, 1).await.map_err(failed)?;
        Ok(newest.into_iter().next())
    }
}
