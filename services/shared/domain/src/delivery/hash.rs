//! A quick hash for keys that the platform made itself: ids, regions, numbers.
//!
//! The standard library's hasher keeps an attacker from choosing keys that collide and costs five times as much. Use it
//! wherever a stranger chooses the keys; use this one on the path of a request, where ids and region codes are looked up.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A map with keys of our own making.
pub type QuickMap<K, V> = HashMap<K, V, QuickState>;

/// Builds [`QuickHasher`]s.
pub type QuickState = BuildHasherDefault<QuickHasher>;

/// Multiplies eight bytes at a time and folds the upper half of each product onto the lower one.
#[derive(Debug, Clone, Copy, Default)]
pub struct QuickHasher(u64);

const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
/// Without it a word of zeros would lead to zero.
const SALT: u64 = 0x243f_6a88_85a3_08d3;

impl QuickHasher {
    fn add(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word ^ SALT) * u128::from(MULTIPLIER);
        let folded = (product ^ (product >> 64)) & u128::from(u64::MAX);
        // It has 64 bits.
        self.0 = u64::try_from(folded).unwrap_or(0).rotate_left(5);
    }
}

impl Hasher for QuickHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.add(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            let mut last = [0; 8];
            for (to, from) in last.iter_mut().zip(rest) {
                *to = *from;
            }
            self.add(u64::from_le_bytes(last));
        }
    }

    fn write_u8(&mut self, n: u8) {
        self.add(u64::from(n));
    }

    fn write_u32(&mut self, n: u32) {
        self.add(u64::from(n));
    }

    fn write_u64(&mut self, n: u64) {
        self.add(n);
    }

    fn write_usize(&mut self, n: usize) {
        self.add(u64::try_from(n).unwrap_or(u64::MAX));
    }

    fn finish(&self) -> u64 {
        mix(self.0)
    }
}

/// Every bit of the input reaches every bit of the output (the finalizer of splitmix64).
pub(crate) fn mix(n: u64) -> u64 {
    let mut mixed = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::LineId;
    use crate::orders::placement::RegionCode;
    use std::collections::HashSet;
    use std::hash::BuildHasher;
    use uuid::Uuid;

    fn spread<K: std::hash::Hash>(keys: impl Iterator<Item = K>) -> (usize, usize) {
        let hashes: Vec<u64> = keys.map(|key| QuickState::default().hash_one(key)).collect();
        let whole: HashSet<u64> = hashes.iter().copied().collect();
        let low: HashSet<u64> = hashes.iter().map(|hash| hash & 0xffff).collect();
        (whole.len(), low.len())
    }

    #[test]
    fn ids_and_regions_that_differ_in_a_bit_or_two_are_spread_over_all_buckets() {
        // 10,000 keys in 65,536 buckets: about 9,270 of them are hit by chance.
        let (whole, low) = spread((0..10_000_u128).map(|n| LineId::from_uuid(Uuid::from_u128(n << 64))));
        assert!(whole == 10_000 && low > 9_000, "{whole} {low}");
        let regions = (0..10_000).map(|n| RegionCode::parse(&format!("UZ-TK/t{n}")).unwrap());
        let (whole, low) = spread(regions);
        assert!(whole == 10_000 && low > 9_000, "{whole} {low}");
    }
}
