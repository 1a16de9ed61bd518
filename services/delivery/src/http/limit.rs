//! A limit on requests for ads per client address and minute: a page asks once per view, a script asks a thousand times.
//!
//! Counts in fixed minutes. The table is bounded: when it is full of one minute's addresses, newcomers are let through
//! uncounted, because refusing a viewer is worse than serving a script for a minute.

use namoyish_domain::calendar::Timestamp;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

const ADDRESSES_MAX: usize = 200_000;

#[derive(Debug)]
pub(super) struct RequestLimit {
    per_minute_max: u32,
    minute: Mutex<Minute>,
}

#[derive(Debug, Default)]
struct Minute {
    number: i64,
    requests: HashMap<IpAddr, u32>,
}

impl RequestLimit {
    /// 0: no limit.
    pub(super) fn new(per_minute_max: u32) -> RequestLimit {
        RequestLimit {
            per_minute_max,
            minute: Mutex::default(),
        }
    }

    pub(super) fn per_minute_max(&self) -> u32 {
        self.per_minute_max
    }

    /// Whether one more request of this address is within the limit.
    pub(super) fn admits(&self, address: IpAddr, now: Timestamp) -> bool {
        if self.per_minute_max == 0 {
            return true;
        }
        let number = now.timestamp().div_euclid(60);
        let mut minute = self.minute.lock().unwrap_or_else(PoisonError::into_inner);
        if minute.number != number {
            minute.number = number;
            minute.requests.clear();
        }
        if minute.requests.len() >= ADDRESSES_MAX && !minute.requests.contains_key(&address) {
            return true;
        }
        let requests = minute.requests.entry(address).or_default();
        *requests = requests.saturating_add(1);
        *requests <= self.per_minute_max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_over_the_limit_is_refused_until_the_next_minute() {
        let limit = RequestLimit::new(2);
        let at = |seconds| chrono::DateTime::from_timestamp(seconds, 0).unwrap();
        let (a, b): (IpAddr, IpAddr) = ("192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap());
        assert!(limit.admits(a, at(600)));
        assert!(limit.admits(a, at(659)));
        assert!(!limit.admits(a, at(659)));
        assert!(limit.admits(b, at(659)));
        assert!(limit.admits(a, at(660)));
    }

    #[test]
    fn no_limit_admits_all() {
        let limit = RequestLimit::new(0);
        assert!((0..1000).all(|_| limit.admits("192.0.2.1".parse().unwrap(), Timestamp::default())));
    }
}
