//! Everything that is known of addresses, flattened once at load: address → number by one jump and a short search.
//!
//! The overlay, the databases and the built-in networks become one step function over all addresses: a sorted array of
//! the addresses at which the answer changes. A lookup in IPv4 jumps by the first sixteen bits to a handful of steps; one
//! in IPv6 halves the array. A database's tree, with a node in another cache line for every bit, is not walked again.
//!
//! Layers lie on each other: where one tells nothing the one below it is asked ([`Steps::over`]).

use std::net::{IpAddr, Ipv4Addr};

/// What a step says: [`NOT_TOLD`], or a number of the caller's.
pub(super) type Value = u32;
/// This layer knows nothing of the address.
pub(super) const NOT_TOLD: Value = 0;

/// An address as a number.
pub(super) trait Bits: Copy + Ord + Default {
    /// The address after this one.
    fn after(self) -> Option<Self>;
}

impl Bits for u32 {
    fn after(self) -> Option<u32> {
        self.checked_add(1)
    }
}

impl Bits for u128 {
    fn after(self) -> Option<u128> {
        self.checked_add(1)
    }
}

/// A step function over all addresses of a family. Before the first step nothing is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Steps<A> {
    starts: Vec<A>,
    values: Vec<Value>,
}

impl<A> Default for Steps<A> {
    fn default() -> Steps<A> {
        Steps {
            starts: Vec::new(),
            values: Vec::new(),
        }
    }
}

impl<A: Bits> Steps<A> {
    /// From networks (first address, last address, value) of which any two are apart or one lies in the other; the
    /// narrowest says what holds.
    pub(super) fn of_nested(mut networks: Vec<(A, A, Value)>) -> Steps<A> {
        // A wider network comes before those inside it.
        networks.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
        let mut steps = Steps::default();
        let mut around: Vec<(A, Value)> = Vec::new();
        for (first, last, value) in networks {
            steps.close(&mut around, Some(first));
            steps.step(first, value);
            around.push((last, value));
        }
        steps.close(&mut around, None);
        steps
    }

    /// Ends the networks that lie before `next`: after each, the one around it holds again.
    fn close(&mut self, around: &mut Vec<(A, Value)>, next: Option<A>) {
        while let Some((last, _)) = around.last().copied() {
            if next.is_some_and(|next| last >= next) {
                return;
            }
            around.pop();
            let outside = around.last().map_or(NOT_TOLD, |(_, value)| *value);
            if let Some(after) = last.after() {
                self.step(after, outside);
            }
        }
    }

    /// From `at` on `value` holds. Steps come in order; of several at one address the last counts.
    fn step(&mut self, at: A, value: Value) {
        if self.starts.last() == Some(&at) {
            self.starts.pop();
            self.values.pop();
        }
        if self.values.last().copied().unwrap_or(NOT_TOLD) != value {
            self.starts.push(at);
            self.values.push(value);
        }
    }

    /// This layer where it tells something, and `below` elsewhere.
    pub(super) fn over(&self, below: &Steps<A>) -> Steps<A> {
        let mut merged = Steps::default();
        let (mut i, mut j) = (0, 0);
        loop {
            let at = match (self.starts.get(i), below.starts.get(j)) {
                (None, None) => return merged,
                (Some(a), None) => *a,
                (None, Some(b)) => *b,
                (Some(a), Some(b)) => *a.min(b),
            };
            i += usize::from(self.starts.get(i) == Some(&at));
            j += usize::from(below.starts.get(j) == Some(&at));
            let told = self.value_before(i);
            merged.step(
                at,
                if told == NOT_TOLD {
                    below.value_before(j)
                } else {
                    told
                },
            );
        }
    }

    /// Each value as `of` says.
    pub(super) fn map(&self, of: impl Fn(Value) -> Value) -> Steps<A> {
        let mut mapped = Steps::default();
        for (at, value) in self.starts.iter().zip(&self.values) {
            mapped.step(*at, of(*value));
        }
        mapped
    }

    /// The value of the step before the `n`-th.
    fn value_before(&self, n: usize) -> Value {
        n.checked_sub(1)
            .and_then(|at| self.values.get(at))
            .copied()
            .unwrap_or(NOT_TOLD)
    }

    pub(super) fn get(&self, address: A) -> Value {
        self.value_before(self.starts.partition_point(|start| *start <= address))
    }
}

/// Both families.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    v4: Steps<u32>,
    v6: Steps<u128>,
    /// How many steps begin before the addresses with these first sixteen bits; one more at the end.
    jumps: Vec<u32>,
}

const JUMP_BITS: u32 = 16;

impl Table {
    /// Makes lookups in these steps quick.
    pub(super) fn new(v4: Steps<u32>, v6: Steps<u128>) -> Table {
        let mut jumps = Vec::with_capacity((1 << JUMP_BITS) + 1);
        let mut before = 0;
        for block in 0..1_u32 << JUMP_BITS {
            let first = block << (u32::BITS - JUMP_BITS);
            while v4.starts.get(before).is_some_and(|start| *start < first) {
                before += 1;
            }
            jumps.push(u32::try_from(before).unwrap_or(u32::MAX));
        }
        jumps.push(u32::try_from(v4.starts.len()).unwrap_or(u32::MAX));
        Table { v4, v6, jumps }
    }

    /// What is told of an address.
    pub(super) fn get(&self, address: IpAddr) -> Value {
        match address {
            IpAddr::V4(v4) => self.get_v4(v4),
            IpAddr::V6(v6) => match (self.v6.get(u128::from(v6)), v6.segments()) {
                // 6to4: the IPv4 address that it stands for.
                (NOT_TOLD, [0x2002, high, low, ..]) => {
                    self.get_v4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)))
                }
                (told, _) => told,
            },
        }
    }

    fn get_v4(&self, address: Ipv4Addr) -> Value {
        let bits = u32::from(address);
        let place = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
        let block = place(bits >> (u32::BITS - JUMP_BITS));
        let (Some(from), Some(to)) = (self.jumps.get(block), self.jumps.get(block + 1)) else {
            return NOT_TOLD;
        };
        let (from, to) = (place(*from), place(*to));
        let near = self.v4.starts.get(from..to).unwrap_or_default();
        self.v4
            .value_before(from + near.partition_point(|start| *start <= bits))
    }

    /// How many steps both families have.
    pub(super) fn steps(&self) -> usize {
        self.v4.starts.len() + self.v6.starts.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Networks as (first bits, prefix length, value).
    fn networks() -> impl Strategy<Value = Vec<(u32, u32, Value)>> {
        // Few bits, so that networks nest and touch; the ends of the address space among them.
        prop::collection::vec((0..64_u32, 0..=6_u32, 1..5_u32), 0..20)
    }

    fn ranges(networks: &[(u32, u32, Value)]) -> Vec<(u32, u32, Value)> {
        let mut seen = std::collections::BTreeMap::new();
        for (top, length, value) in networks {
            let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
            let first = (top << 26) & mask;
            seen.insert((first, first | !mask), *value);
        }
        seen.into_iter()
            .map(|((first, last), value)| (first, last, value))
            .collect()
    }

    fn narrowest(ranges: &[(u32, u32, Value)], at: u32) -> Value {
        let around = ranges
            .iter()
            .filter(|(first, last, _)| (*first..=*last).contains(&at));
        around
            .min_by_key(|(first, last, _)| last - first)
            .map_or(NOT_TOLD, |(_, _, value)| *value)
    }

    proptest! {
        #[test]
        fn the_table_says_what_the_layers_say(above in networks(), below in networks(), near: u32) {
            let (above, below) = (ranges(&above), ranges(&below));
            let steps = Steps::of_nested(above.clone()).over(&Steps::of_nested(below.clone()));
            let table = Table::new(steps.clone(), Steps::default());
            let edges = (0..64_u32).map(|top| top << 26);
            for at in edges.flat_map(|edge| [edge, edge.wrapping_sub(1), edge + 1, edge ^ near >> 6]) {
                let due = match narrowest(&above, at) {
                    NOT_TOLD => narrowest(&below, at),
                    told => told,
                };
                prop_assert_eq!(steps.get(at), due);
                prop_assert_eq!(table.get(IpAddr::V4(Ipv4Addr::from(at))), due);
            }
        }
    }

    #[test]
    fn a_6to4_address_is_where_its_ipv4_address_is() {
        let v4 = Steps::of_nested(vec![(0x0909_0900, 0x0909_09ff, 7)]);
        let v6 = Steps::of_nested(vec![(0x2002_0a00 << 96, 0x2002_0aff << 96, 8)]);
        let table = Table::new(v4, v6);
        assert_eq!(table.get("2002:909:909::1".parse().unwrap()), 7);
        assert_eq!(table.get("2002:a01::1".parse().unwrap()), 8);
        assert_eq!(table.get("2002:1::1".parse().unwrap()), NOT_TOLD);
        assert_eq!(table.steps(), 4);
    }
}
