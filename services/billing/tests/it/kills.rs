//! billing.md §9: killed at any point and run again, the worker ends with the same documents, the same numbers, no gap and
//! no double.

use crate::fixture::{Worker, count, media_line, operator_at, pay, period, period_line, sign, tashkent, vat};
use namoyish_billing::jobs::close_period;
use namoyish_domain::ids::CustomerId;
use namoyish_testkit::{TestContext, contracts};
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context as TaskContext, Poll};

/// A future that is dropped, as by a kill, after so many polls: each stop for the database is one.
struct Killed<'a, F> {
    inner: Pin<&'a mut F>,
    polls_left: u32,
}

impl<F: Future> Future for Killed<'_, F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        if self.polls_left == 0 {
            return Poll::Ready(None);
        }
        self.polls_left -= 1;
        self.inner.as_mut().poll(cx).map(Some)
    }
}

async fn killed_after<F: Future>(polls: u32, future: F) -> Option<F::Output> {
    let inner = pin!(future);
    Killed {
        inner,
        polls_left: polls,
    }
    .await
}

/// Three customers with a month of services.
async fn month() -> (TestContext, Vec<CustomerId>) {
    let ctx = operator_at("2026-10-20T10:00:00", true).await;
    let mut customers = vec![];
    for (code, n) in [("a", 1), ("b", 2), ("c", 3)] {
        let customer = contracts::customer(&ctx, code, n).await;
        let (blank, period_code, media_code) = (
            format!("OB-{code}"),
            format!("OB-{code}/1"),
            format!("OB-{code}/2"),
        );
        let lines = vec![
            period_line(&period_code, "2026-11-01", "2026-11-30", Some("2026-10-20")),
            media_line(&media_code, "2026-11-01", "2026-11-30", "12000.00", "300000.00"),
        ];
        let (_, lines) = sign(&ctx, customer, &blank, vat(), lines).await;
        count(&ctx, lines[1], "2026-11-10", 10 * n).await;
        pay(&ctx, customer, "500000.00").await;
        customers.push(customer);
    }
    ctx.clock.advance_to(tashkent("2026-12-01T00:20:00"));
    (ctx, customers)
}

/// Everything that must be the same however often the worker was killed.
async fn outcome(ctx: &TestContext, customers: &[CustomerId]) -> Vec<String> {
    let mut told = vec![];
    for customer in customers {
        for document in ctx.store.documents_of(*customer, 10).await.unwrap() {
            let lines = ctx.store.document_lines(document.id).await.unwrap().len();
            let mail = ctx
                .store
                .mail(&format!("document:{}", document.id))
                .await
                .unwrap();
            told.push(format!(
                "{} {} {} lines, mail {}",
                document.number,
                document.gross,
                lines,
                mail.is_some()
            ));
        }
        told.push(format!("{:?}", ctx.store.balances_of(*customer).await.unwrap()));
    }
    told.push(format!(
        "closed {:?}",
        ctx.store.last_closed_period().await.unwrap()
    ));
    told.push(format!("gaps {:?}", ctx.store.number_gaps().await.unwrap()));
    told.push(format!(
        "sound {}",
        ctx.store.check_ledger().await.unwrap().is_sound()
    ));
    told
}

#[tokio::test]
async fn a_close_killed_anywhere_and_run_again_ends_the_same() {
    let worker = Worker::new();
    let november = period("2026-11");
    let (ctx, customers) = month().await;
    close_period::run(&ctx, &worker.settings, november).await.unwrap();
    let due = outcome(&ctx, &customers).await;
    assert_eq!(
        due.iter().filter(|line| line.starts_with("BH-2026-")).count(),
        3,
        "{due:#?}"
    );

    let mut kills = 0;
    let mut polls = 1;
    loop {
        let (ctx, customers) = month().await;
        let finished = killed_after(polls, close_period::run(&ctx, &worker.settings, november)).await;
        let was_killed = finished.is_none();
        // The killed worker's locks go with its connections; until then the next one is told that another is at it.
        while close_period::run(&ctx, &worker.settings, november)
            .await
            .unwrap()
            .waiting
            .is_some()
        {
            tokio::task::yield_now().await;
        }
        assert_eq!(outcome(&ctx, &customers).await, due, "killed after {polls} polls");
        if !was_killed {
            break;
        }
        kills += 1;
        // Every point of the first steps, then wider apart: each customer's steps are the same ones.
        polls += if polls < 24 { 1 } else { 5 };
    }
    assert!(kills > 20, "only {kills} kills: the job has more steps than that");
}
