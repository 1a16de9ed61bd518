//! Ids, keys and draws: the one source of chance, seeded so that a run can be repeated.
//!
//! ```text
//! UUIDv7 = 48 bits milliseconds | 4 bits version | 12 bits count within the millisecond | 2 bits variant | 62 bits drawn
//! ```
//!
//! The count starts at a drawn number below 2048 in each new millisecond, so ids of one generator sort in the order in
//! which they were made (`ids_of_one_instant_keep_their_order`), up to 2,048 of one instant; beyond that they stay
//! different but lose their order. A generator made `from_os` is a ChaCha12 stream keyed by the system's entropy and
//! good for session tokens and keys; a seeded one is for tests and simulations.

use namoyish_domain::calendar::Timestamp;
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha12Rng;
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

const COUNT_MAX: u16 = 0x0fff;

/// Makes ids and draws; clones share one stream.
#[derive(Clone)]
pub struct Generator(Arc<Mutex<Stream>>);

struct Stream {
    chance: ChaCha12Rng,
    last_millisecond: i64,
    count: u16,
}

impl Generator {
    /// A generator keyed by the operating system's entropy.
    pub fn from_os() -> Generator {
        Generator::from_stream(ChaCha12Rng::from_os_rng())
    }

    /// A generator whose whole output follows from `seed`.
    pub fn seeded(seed: u64) -> Generator {
        Generator::from_stream(ChaCha12Rng::seed_from_u64(seed))
    }

    /// A generator of its own for one user, such as a node of a simulation: what it makes depends on this generator's
    /// state now and on `label`, and not on who else draws later.
    pub fn fork(&self, label: &str) -> Generator {
        let key: [u8; 32] = Sha256::new()
            .chain_update(self.bytes::<32>())
            .chain_update(label)
            .finalize()
            .into();
        Generator::from_stream(ChaCha12Rng::from_seed(key))
    }

    fn from_stream(chance: ChaCha12Rng) -> Generator {
        Generator(Arc::new(Mutex::new(Stream {
            chance,
            last_millisecond: i64::MIN,
            count: 0,
        })))
    }

    fn stream(&self) -> MutexGuard<'_, Stream> {
        // A panic elsewhere can't leave the stream half changed in a way that matters: any state is a good state.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A UUIDv7 of the instant `now`.
    pub fn uuid(&self, now: Timestamp) -> Uuid {
        let mut stream = self.stream();
        let millisecond = now.timestamp_millis();
        let drawn = stream.chance.next_u64();
        if millisecond == stream.last_millisecond {
            stream.count = stream.count.saturating_add(1).min(COUNT_MAX);
        } else {
            stream.last_millisecond = millisecond;
            stream.count = u16::try_from(stream.chance.next_u32() & 0x07ff).unwrap_or(0);
        }
        let milliseconds = u64::try_from(millisecond).unwrap_or(0);
        let high = (milliseconds << 16) | 0x7000 | u64::from(stream.count);
        let low = (drawn >> 2) | (1 << 63);
        Uuid::from_u64_pair(high, low)
    }

    /// `N` drawn bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.stream().chance.fill_bytes(&mut bytes);
        bytes
    }

    /// A draw, evenly from all of `u64`.
    pub fn draw(&self) -> u64 {
        self.stream().chance.next_u64()
    }
}

/// Never shows the state: it would tell the keys still to be made.
impl fmt::Debug for Generator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Generator(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn an_id_is_a_version_7_uuid_of_its_instant() {
        let now = at("2026-11-01T06:00:00.123Z");
        let id = Generator::from_os().uuid(now);
        assert_eq!(id.get_version_num(), 7);
        assert_eq!(id.get_variant(), uuid::Variant::RFC4122);
        let (seconds, nanoseconds) = id.get_timestamp().unwrap().to_unix();
        assert_eq!(i64::try_from(seconds).unwrap(), now.timestamp());
        assert_eq!(nanoseconds / 1_000_000, 123);
    }

    #[test]
    fn ids_of_one_instant_keep_their_order() {
        let generator = Generator::seeded(7);
        let now = at("2026-11-01T06:00:00Z");
        let ids: Vec<Uuid> = (0..2048).map(|_| generator.uuid(now)).collect();
        assert!(ids.is_sorted());
        let many: BTreeSet<Uuid> = (0..10_000).map(|_| generator.uuid(now)).collect();
        assert_eq!(many.len(), 10_000);
        assert!(generator.uuid(at("2026-11-01T06:00:00.001Z")) > ids[2047]);
    }

    #[test]
    fn a_seed_repeats_and_a_fork_depends_on_its_label() {
        let (one, same) = (Generator::seeded(1), Generator::seeded(1));
        let now = at("2026-11-01T06:00:00Z");
        assert_eq!(one.uuid(now), same.uuid(now));
        assert_eq!(one.bytes::<16>(), same.bytes::<16>());
        assert_eq!(one.fork("node-1").draw(), same.fork("node-1").draw());
        assert_ne!(one.fork("node-1").draw(), same.fork("node-2").draw());
        assert_ne!(Generator::seeded(1).draw(), Generator::seeded(2).draw());
        assert_ne!(Generator::from_os().draw(), Generator::from_os().draw());
    }

    #[test]
    fn debug_output_tells_nothing_of_the_state() {
        assert_eq!(format!("{:?}", Generator::seeded(1)), "Generator(..)");
    }
}
