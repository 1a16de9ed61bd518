//! Events about documents and penalties (billing.md §5–§6).

use super::{Commands, NotDone, chain};
use namoyish_domain::billing::correction::ShouldBe;
use namoyish_domain::calendar::ReportingPeriod;
use namoyish_domain::ids::{CustomerId, DocumentId, InvoiceId};
use namoyish_domain::money::Money;
use namoyish_orders::app::claim_penalty::{ClaimPenalty, claim_penalty};
use namoyish_orders::app::decide_objection::{DecideObjection, ObjectionVerdict, decide_objection};
use namoyish_orders::app::object_to_document::{ObjectToDocument, object_to_document};
use namoyish_orders::app::waive_penalty::{WaivePenalty, waive_penalty};
use namoyish_storage::{DbError, Tx};

fn failed(error: DbError) -> NotDone {
    NotDone::Failed(chain(&error))
}

/// A refusal, or a failure of the platform, of a command with a stable code.
macro_rules! refusal {
    ($error:expr) => {{
        let error = $error;
        match error.code() {
            "internal" | "internal_error" => NotDone::Failed(chain(&error)),
            code => NotDone::Refused(code.to_owned()),
        }
    }};
}

impl Commands {
    async fn read(&self) -> Result<Tx, NotDone> {
        self.ctx.store.begin().await.map_err(failed)
    }

    async fn primary_document(&self, customer: &str, period: ReportingPeriod) -> Result<DocumentId, NotDone> {
        let customer = self.customer(customer)?;
        let mut tx = self.read().await?;
        let found = tx
            .objections()
            .primary_of(customer, period)
            .await
            .map_err(failed)?;
        found.ok_or_else(|| NotDone::Refused("no_such_document".to_owned()))
    }

    /// The customer objects to a month's primary document.
    pub(crate) async fn object(&self, customer: &str, period: ReportingPeriod) -> Result<(), NotDone> {
        let cmd = ObjectToDocument {
            document: self.primary_document(customer, period).await?,
            reasons: format!("{period}: hisoblangan summaga rozi emasmiz."),
        };
        object_to_document(&self.ctx, &self.actor, cmd)
            .await
            .map(drop)
            .map_err(|error| refusal!(error))
    }

    /// The operator decides on the objection.
    pub(crate) async fn decide_objection(
        &self,
        customer: &str,
        period: ReportingPeriod,
        uphold: bool,
        net: Option<Money>,
    ) -> Result<(), NotDone> {
        let document = self.primary_document(customer, period).await?;
        let verdict = match (uphold, net) {
            (true, Some(net)) => ObjectionVerdict::Uphold(ShouldBe::Total(net)),
            (true, None) => return Err(NotDone::Refused("corrected_sum_unclear".to_owned())),
            (false, _) => ObjectionVerdict::Reject,
        };
        let cmd = DecideObjection {
            document,
            verdict,
            reasons: "Statistika qayta tekshirildi.".to_owned(),
        };
        decide_objection(&self.ctx, &self.actor, cmd)
            .await
            .map(drop)
            .map_err(|error| refusal!(error))
    }

    /// The invoice that is named, or every invoice of the customer with an accrued penalty, oldest due first.
    async fn invoices_for_penalty(
        &self,
        customer: CustomerId,
        invoice: Option<&str>,
    ) -> Result<Vec<InvoiceId>, NotDone> {
        let mut tx = self.read().await?;
        match invoice.filter(|number| !number.is_empty()) {
            Some(number) => {
                let found = tx
                    .invoices()
                    .id_of_number(customer, number)
                    .await
                    .map_err(failed)?;
                let id = found.ok_or_else(|| NotDone::Refused("no_such_invoice".to_owned()))?;
                Ok(vec![id])
            }
            None => tx.penalty_claims().accrued_of(customer).await.map_err(failed),
        }
    }

    /// The accountant claims the penalty: of the invoice named, or of the oldest due one that has something to claim.
    pub(crate) async fn claim_penalty(&self, customer: &str, invoice: Option<&str>) -> Result<(), NotDone> {
        let customer = self.customer(customer)?;
        let mut refused = NotDone::Refused("no_penalty_accrued".to_owned());
        for invoice in self.invoices_for_penalty(customer, invoice).await? {
            let cmd = ClaimPenalty {
                invoice,
                days_to_pay: None,
            };
            match claim_penalty(&self.ctx, &self.actor, cmd).await {
                Ok(_) => return Ok(()),
                Err(error) => refused = refusal!(error),
            }
        }
        Err(refused)
    }

    /// The accountant waives the penalty: of the invoice named, or of the oldest due one that has something to waive.
    pub(crate) async fn waive_penalty(&self, customer: &str, invoice: Option<&str>) -> Result<(), NotDone> {
        let customer = self.customer(customer)?;
        let mut refused = NotDone::Refused("no_penalty_accrued".to_owned());
        for invoice in self.invoices_for_penalty(customer, invoice).await? {
            let cmd = WaivePenalty {
                invoice,
                reason: "Buyurtmachi bilan kelishuv.".to_owned(),
            };
            match waive_penalty(&self.ctx, &self.actor, cmd).await {
                Ok(_) => return Ok(()),
                Err(error) => refused = refusal!(error),
            }
        }
        Err(refused)
    }
}
