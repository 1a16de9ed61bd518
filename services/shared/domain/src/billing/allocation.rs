//! Which invoices a payment pays.
//!
//! Rule: billing.md §3; offer [003 §5.12–5.13].
//!
//! ```text
//! named invoice first, then open invoices by (due date, number); what is left stays free advance
//! ```
//!
//! Invariants, each a property test of the same name:
//! - `every_tiyin_is_either_allocated_or_free`
//! - `an_invoice_is_never_paid_over_its_sum`
//!
//! Not here: penalties come after invoices (principal before penalty); they are paid once a claim exists.

use crate::ids::{InvoiceId, PaymentId};
use crate::money::{Money, MoneyError};
use chrono::NaiveDate;

/// An invoice that isn't fully paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenInvoice {
    /// The invoice.
    pub invoice: InvoiceId,
    /// Its number: the order among invoices due on one day.
    pub number: String,
    /// Day of issue: nothing is allocated to it with an earlier date.
    pub issued_on: NaiveDate,
    /// Due date.
    pub due_on: NaiveDate,
    /// What is still to pay.
    pub unpaid: Money,
}

/// A part of a payment that pays an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allocation {
    /// The invoice.
    pub invoice: InvoiceId,
    /// How much of it; more than nothing.
    pub amount: Money,
    /// From when on it counts: the day the money came in, or the invoice's day of issue where that is later.
    pub allocated_on: NaiveDate,
}

/// What becomes of a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allocated {
    /// The invoices paid, in the order in which they were.
    pub parts: Vec<Allocation>,
    /// What stays free.
    pub free: Money,
}

/// Money that came in, or what is still free of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MoneyReceived {
    /// So'm; nothing is allocated of less than 0.01.
    pub amount: Money,
    /// The day on which it reached the operator's account or desk [003 §5.13].
    pub received_on: NaiveDate,
    /// The invoice that the payer named, if any. One that isn't among the open ones is as if none was named.
    pub named: Option<InvoiceId>,
}

/// Allocates money to open invoices. `open` may come in any order; an invoice with nothing unpaid is passed over.
pub fn allocate(money: MoneyReceived, open: &[OpenInvoice]) -> Result<Allocated, MoneyError> {
    let mut order: Vec<&OpenInvoice> = open.iter().collect();
    order.sort_by(|a, b| {
        let named_first = |item: &OpenInvoice| money.named != Some(item.invoice);
        (named_first(a), a.due_on, &a.number).cmp(&(named_first(b), b.due_on, &b.number))
    });
    let mut free = money.amount;
    let mut parts = Vec::new();
    for item in order {
        let amount = item.unpaid.min(free);
        if amount.is_positive() {
            free = free.checked_sub(amount)?;
            parts.push(Allocation {
                invoice: item.invoice,
                amount,
                allocated_on: money.received_on.max(item.issued_on),
            });
        }
    }
    Ok(Allocated { parts, free })
}

/// What is still free of an earlier payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreeMoney {
    /// The payment.
    pub payment: PaymentId,
    /// When it came in.
    pub received_on: NaiveDate,
    /// What no invoice has taken yet.
    pub free: Money,
}

/// Gives the free rest of earlier payments, oldest first, to newly issued invoices (billing.md §3: money paid in early
/// stays free until used).
pub fn allocate_free(
    free: &[FreeMoney],
    open: &[OpenInvoice],
) -> Result<Vec<(PaymentId, Allocation)>, MoneyError> {
    let mut payments: Vec<&FreeMoney> = free.iter().collect();
    payments.sort_by_key(|money| (money.received_on, money.payment));
    let mut open = open.to_vec();
    let mut all = Vec::new();
    for money in payments {
        let received = MoneyReceived {
            amount: money.free,
            received_on: money.received_on,
            named: None,
        };
        for part in allocate(received, &open)?.parts {
            for item in open.iter_mut().filter(|item| item.invoice == part.invoice) {
                item.unpaid = item.unpaid.checked_sub(part.amount)?;
            }
            all.push((money.payment, part));
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn id(n: u128) -> InvoiceId {
        InvoiceId::from_uuid(Uuid::from_u128(n))
    }

    fn sum(text: &str) -> Money {
        Money::parse(text).unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn open(n: u128, due_on: &str, unpaid: &str) -> OpenInvoice {
        OpenInvoice {
            invoice: id(n),
            number: format!("HS-2026-{n:06}"),
            issued_on: day("2026-01-10"),
            due_on: day(due_on),
            unpaid: sum(unpaid),
        }
    }

    fn received(amount: &str, named: Option<InvoiceId>) -> MoneyReceived {
        MoneyReceived {
            amount: sum(amount),
            received_on: day("2026-01-20"),
            named,
        }
    }

    fn told(allocated: &Allocated) -> (Vec<(InvoiceId, String)>, String) {
        let parts = allocated
            .parts
            .iter()
            .map(|part| (part.invoice, part.amount.to_string()))
            .collect();
        (parts, allocated.free.to_string())
    }

    #[test]
    fn oldest_due_date_is_paid_first_then_the_lower_number() {
        let invoices = [
            open(3, "2026-02-25", "100.00"),
            open(2, "2026-01-15", "100.00"),
            open(1, "2026-02-25", "100.00"),
        ];
        let allocated = allocate(received("250.00", None), &invoices).unwrap();
        let parts = vec![
            (id(2), "100.00".to_owned()),
            (id(1), "100.00".to_owned()),
            (id(3), "50.00".to_owned()),
        ];
        assert_eq!(told(&allocated), (parts, "0.00".to_owned()));
    }

    #[test]
    fn the_named_invoice_is_paid_before_older_ones_and_the_rest_goes_on() {
        let invoices = [open(1, "2026-01-15", "100.00"), open(2, "2026-02-25", "30.00")];
        let allocated = allocate(received("80.00", Some(id(2))), &invoices).unwrap();
        assert_eq!(
            told(&allocated),
            (
                vec![(id(2), "30.00".into()), (id(1), "50.00".into())],
                "0.00".into()
            )
        );
        let unknown = allocate(received("80.00", Some(id(9))), &invoices).unwrap();
        assert_eq!(told(&unknown), (vec![(id(1), "80.00".into())], "0.00".into()));
    }

    #[test]
    fn an_overpayment_stays_free() {
        let allocated = allocate(received("150.00", None), &[open(1, "2026-01-15", "100.00")]).unwrap();
        assert_eq!(told(&allocated), (vec![(id(1), "100.00".into())], "50.00".into()));
        let none_open = allocate(received("150.00", None), &[]).unwrap();
        assert_eq!(told(&none_open), (vec![], "150.00".into()));
    }

    #[test]
    fn money_that_came_before_the_invoice_pays_it_on_its_day_of_issue() {
        let early = MoneyReceived {
            amount: sum("10.00"),
            received_on: day("2026-01-05"),
            named: None,
        };
        let allocated = allocate(early, &[open(1, "2026-01-15", "100.00")]).unwrap();
        assert_eq!(allocated.parts[0].allocated_on, day("2026-01-10"));
    }

    #[test]
    fn free_money_pays_new_invoices_oldest_payment_first() {
        let payment = |n| PaymentId::from_uuid(Uuid::from_u128(n));
        let free = [
            FreeMoney {
                payment: payment(2),
                received_on: day("2026-01-09"),
                free: sum("70.00"),
            },
            FreeMoney {
                payment: payment(1),
                received_on: day("2026-01-02"),
                free: sum("50.00"),
            },
        ];
        let parts = allocate_free(&free, &[open(1, "2026-01-15", "100.00")]).unwrap();
        let told: Vec<_> = parts
            .iter()
            .map(|(payment, part)| (*payment, part.amount.to_string()))
            .collect();
        assert_eq!(
            told,
            [(payment(1), "50.00".to_owned()), (payment(2), "50.00".to_owned())]
        );
    }

    fn any_open() -> impl Strategy<Value = Vec<OpenInvoice>> {
        prop::collection::vec((0u64..90, 0i64..5_000_000), 0..12).prop_map(|items| {
            let due = |offset| crate::calendar::plus_days(day("2026-01-15"), offset);
            (1u128..)
                .zip(items)
                .map(|(n, (offset, tiyin))| OpenInvoice {
                    due_on: due(offset),
                    unpaid: Money::from_tiyin(tiyin).unwrap(),
                    ..open(n, "2026-01-15", "0.00")
                })
                .collect()
        })
    }

    proptest! {
        #[test]
        fn every_tiyin_is_either_allocated_or_free(tiyin in 0i64..20_000_000, invoices in any_open(), named in 0u128..14) {
            let amount = Money::from_tiyin(tiyin).unwrap();
            let money = MoneyReceived { amount, received_on: day("2026-01-20"), named: Some(id(named)) };
            let allocated = allocate(money, &invoices).unwrap();
            let paid: i64 = allocated.parts.iter().map(|part| part.amount.tiyin()).sum();
            prop_assert_eq!(paid + allocated.free.tiyin(), tiyin);
            prop_assert!(!allocated.free.is_negative());
            // Money stays free only when no invoice is open any more.
            let open: i64 = invoices.iter().map(|item| item.unpaid.tiyin()).sum();
            prop_assert!(allocated.free.is_zero() || paid == open);
        }

        #[test]
        fn an_invoice_is_never_paid_over_its_sum(
            invoices in any_open(), payments in prop::collection::vec((0i64..9_000_000, 0u64..60), 0..6),
        ) {
            let free: Vec<FreeMoney> = (1u128..).zip(&payments).map(|(n, (tiyin, offset))| FreeMoney {
                payment: PaymentId::from_uuid(Uuid::from_u128(n)),
                received_on: crate::calendar::plus_days(day("2026-01-01"), *offset),
                free: Money::from_tiyin(*tiyin).unwrap(),
            }).collect();
            let parts = allocate_free(&free, &invoices).unwrap();
            for item in &invoices {
                let paid: i64 = parts.iter().filter(|(_, part)| part.invoice == item.invoice).map(|(_, part)| part.amount.tiyin()).sum();
                prop_assert!(paid <= item.unpaid.tiyin());
            }
            for money in &free {
                let used: i64 = parts.iter().filter(|(payment, _)| *payment == money.payment).map(|(_, part)| part.amount.tiyin()).sum();
                prop_assert!(used <= money.free.tiyin());
            }
        }
    }
}
