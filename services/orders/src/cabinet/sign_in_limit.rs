//! How often a wrong password may be tried: five times in fifteen minutes for one login from one address.
//!
//! The map is bounded: when it is full, entries whose time is over go first, then the one that began first. A restart
//! forgets it; the cost of a hash is the floor under that.

use namoyish_domain::calendar::Timestamp;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Wrong attempts allowed within [`WINDOW_SECONDS`].
pub(super) const ATTEMPTS_MAX: u32 = 5;
/// The length of the window, from its first wrong attempt.
pub(super) const WINDOW_SECONDS: i64 = 15 * 60;
const ENTRIES_MAX: usize = 10_000;

#[derive(Debug, Clone, Copy)]
struct Attempts {
    since: Timestamp,
    wrong: u32,
}

/// Counts wrong attempts by login and address.
#[derive(Debug, Default)]
pub(crate) struct SignInLimit {
    entries: Mutex<HashMap<[u8; 32], Attempts>>,
}

impl SignInLimit {
    /// Counts an attempt before it is made. `Err` holds the seconds until the next one is allowed.
    pub fn admit(&self, login: &str, address: &str, now: Timestamp) -> Result<(), i64> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let key = key_of(login, address);
        if !entries.contains_key(&key) && entries.len() >= ENTRIES_MAX {
            entries.retain(|_, attempts| age(attempts, now) < WINDOW_SECONDS);
            if entries.len() >= ENTRIES_MAX
                && let Some(oldest) = entries
                    .iter()
                    .min_by_key(|(_, attempts)| attempts.since)
                    .map(|(key, _)| *key)
            {
                entries.remove(&oldest);
            }
        }
        let attempts = entries.entry(key).or_insert(Attempts { since: now, wrong: 0 });
        if age(attempts, now) >= WINDOW_SECONDS {
            *attempts = Attempts { since: now, wrong: 0 };
        }
        if attempts.wrong >= ATTEMPTS_MAX {
            return Err((WINDOW_SECONDS - age(attempts, now)).max(1));
        }
        // Counted before the password is checked, so that attempts made at the same time count too.
        attempts.wrong += 1;
        Ok(())
    }

    /// Forgets the attempts of a login that signed in.
    pub fn forget(&self, login: &str, address: &str) {
        self.entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&key_of(login, address));
    }
}

fn age(attempts: &Attempts, now: Timestamp) -> i64 {
    (now - attempts.since).num_seconds()
}

fn key_of(login: &str, address: &str) -> [u8; 32] {
    Sha256::new()
        .chain_update(login)
        .chain_update([0])
        .chain_update(address)
        .finalize()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    fn noon() -> Timestamp {
        "2026-11-20T07:00:00Z".parse().unwrap()
    }

    #[test]
    fn the_sixth_attempt_within_the_window_is_refused_with_the_time_left() {
        let limit = SignInLimit::default();
        for _ in 0..ATTEMPTS_MAX {
            assert_eq!(limit.admit("aziza", "10.0.0.1", noon()), Ok(()));
        }
        assert_eq!(
            limit.admit("aziza", "10.0.0.1", noon() + TimeDelta::seconds(60)),
            Err(840)
        );
        // Another address and another login have their own attempts.
        assert_eq!(limit.admit("aziza", "10.0.0.2", noon()), Ok(()));
        assert_eq!(limit.admit("bobur", "10.0.0.1", noon()), Ok(()));
        assert_eq!(
            limit.admit("aziza", "10.0.0.1", noon() + TimeDelta::seconds(900)),
            Ok(())
        );
    }

    #[test]
    fn signing_in_forgets_the_attempts() {
        let limit = SignInLimit::default();
        for _ in 0..ATTEMPTS_MAX {
            assert_eq!(limit.admit("aziza", "", noon()), Ok(()));
        }
        limit.forget("aziza", "");
        assert_eq!(limit.admit("aziza", "", noon()), Ok(()));
    }

    #[test]
    fn the_map_is_bounded() {
        let limit = SignInLimit::default();
        for number in 0..ENTRIES_MAX + 50 {
            assert_eq!(limit.admit(&format!("user-{number}"), "", noon()), Ok(()));
        }
        assert!(limit.entries.lock().unwrap().len() <= ENTRIES_MAX);
    }
}
