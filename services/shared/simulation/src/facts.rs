//! What a finished run left in the database: read once, in one transaction, for the report and the auditor.

use namoyish_storage::reporting::{
    EpochCount, InvoiceDay, NumberInUse, OperatorTurnover, ReportedAct, ReportedBalance, ReportedDay,
    ReportedDemand, ReportedDocument, ReportedDocumentEvent, ReportedDocumentLine, ReportedExtraPeriod,
    ReportedInvoice, ReportedLine, ReportedPlan, ReportedReference, ReportedRefunds, ScopeTotal, SeriesEnd,
};
use namoyish_storage::{DbError, Store};

/// The rows, as `storage::reporting` gives them.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "each field is what the read of the same name says")]
pub struct Facts {
    pub lines: Vec<ReportedLine>,
    pub line_days: Vec<ReportedDay>,
    pub plans: Vec<ReportedPlan>,
    pub demand: Vec<ReportedDemand>,
    pub extra_periods: Vec<ReportedExtraPeriod>,
    pub invoices: Vec<ReportedInvoice>,
    pub allocations: Vec<InvoiceDay>,
    pub accruals: Vec<InvoiceDay>,
    pub documents: Vec<ReportedDocument>,
    pub document_events: Vec<ReportedDocumentEvent>,
    pub document_lines: Vec<ReportedDocumentLine>,
    pub references: Vec<ReportedReference>,
    pub operator_turnovers: Vec<OperatorTurnover>,
    pub balances: Vec<ReportedBalance>,
    pub customers: Vec<String>,
    pub unbalanced_postings: i64,
    pub balance_differences: i64,
    pub bits_by_epoch: Vec<EpochCount>,
    pub epochs: Vec<EpochCount>,
    pub counter_shown_by_epoch: Vec<EpochCount>,
    pub totals: Vec<ScopeTotal>,
    pub series: Vec<SeriesEnd>,
    pub numbers_in_use: Vec<NumberInUse>,
    pub refunds: Vec<ReportedRefunds>,
    pub acts: Vec<ReportedAct>,
}

impl Facts {
    /// Reads them all.
    pub async fn load(store: &Store) -> Result<Facts, DbError> {
        let mut tx = store.begin().await?;
        let mut read = tx.reporting();
        Ok(Facts {
            lines: read.lines().await?,
            line_days: read.line_days().await?,
            plans: read.plans().await?,
            demand: read.demand().await?,
            extra_periods: read.extra_periods().await?,
            invoices: read.invoices().await?,
            allocations: read.allocations().await?,
            accruals: read.accruals().await?,
            documents: read.documents().await?,
            document_events: read.document_events().await?,
            document_lines: read.document_lines().await?,
            references: read.references().await?,
            operator_turnovers: read.operator_turnovers().await?,
            balances: read.balances().await?,
            customers: read.customers().await?,
            unbalanced_postings: read.unbalanced_postings().await?,
            balance_differences: read.balance_differences().await?,
            bits_by_epoch: read.bits_by_epoch().await?,
            epochs: read.epochs().await?,
            counter_shown_by_epoch: read.counter_shown_by_epoch().await?,
            totals: read.totals().await?,
            series: read.series().await?,
            numbers_in_use: read.numbers_in_use().await?,
            refunds: read.refunds().await?,
            acts: read.acts().await?,
        })
    }
}
