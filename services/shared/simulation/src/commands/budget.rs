//! Events that change a budget (orders.md §6).

use super::{Commands, NotDone, chain};
use namoyish_domain::money::Money;
use namoyish_orders::app::increase_budget::{IncreaseBudget, increase_budget};

impl Commands {
    /// Raises a media line's budget, or asks for what is missing.
    pub(crate) async fn increase_budget(&self, line: &str, amount: Money) -> Result<(), NotDone> {
        let line = self.line(line)?.id;
        not_done!(increase_budget(&self.ctx, &self.actor, IncreaseBudget { line, amount }).await)?;
        Ok(())
    }
}
