//! The operator's overlay: networks whose region the operator knows better than the database (delivery.md §2).
//!
//! A text file with a line `network,region` each, such as `213.230.64.0/18,UZ-TK`; `-` for a region says that addresses
//! of the network resolve to nothing. Empty lines and what follows a `#` are ignored. The longest prefix wins.

use ipnet::IpNet;
use namoyish_domain::orders::placement::RegionCode;
use std::collections::BTreeMap;
#[cfg(test)]
use std::net::IpAddr;

use super::table::{Bits, Steps, Value};

/// The most networks of an overlay.
pub const NETWORKS_MAX: usize = 200_000;

/// A line that isn't one, or too many.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OverlayRefused {
    /// Not of the form `network,region`.
    #[error("line {line}: `{text}` is not of the form network,region")]
    Form {
        /// Line of the file, from 1.
        line: usize,
        /// What it says, cut to 80 characters.
        text: String,
    },
    /// No network.
    #[error("line {line}: `{text}` is not a network such as 213.230.64.0/18")]
    Network {
        /// Line of the file, from 1.
        line: usize,
        /// What it says.
        text: String,
    },
    /// No region.
    #[error("line {line}: `{text}` is not a region such as UZ-TK")]
    Region {
        /// Line of the file, from 1.
        line: usize,
        /// What it says.
        text: String,
    },
    /// The same network twice with different regions.
    #[error("line {line}: {network} has another region already")]
    Twice {
        /// Line of the file, from 1.
        line: usize,
        /// The network.
        network: String,
    },
    /// More networks than are taken.
    #[error("more than {NETWORKS_MAX} networks")]
    TooMany,
}

/// What the overlay says of an address.
pub type Told = Option<RegionCode>;

/// Networks with their regions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overlay {
    /// By first and last address.
    v4: BTreeMap<(u32, u32), Told>,
    v6: BTreeMap<(u128, u128), Told>,
    networks: usize,
}

impl Overlay {
    /// Reads an overlay's text; refuses the first line that is wrong.
    pub fn parse(text: &str) -> Result<Overlay, OverlayRefused> {
        let mut overlay = Overlay::default();
        for (line, raw) in (1..).zip(text.lines()) {
            let told = raw.split('#').next().unwrap_or("").trim();
            if told.is_empty() {
                continue;
            }
            let cut = |text: &str| text.chars().take(80).collect::<String>();
            let (network, region) = told.split_once(',').ok_or_else(|| OverlayRefused::Form {
                line,
                text: cut(told),
            })?;
            let network: IpNet = network.trim().parse().map_err(|_| OverlayRefused::Network {
                line,
                text: cut(network),
            })?;
            let region = match region.trim() {
                "-" => None,
                code => Some(RegionCode::parse(code).map_err(|_| OverlayRefused::Region {
                    line,
                    text: cut(code),
                })?),
            };
            if !overlay.insert(network, region) {
                return Err(OverlayRefused::Twice {
                    line,
                    network: network.to_string(),
                });
            }
            if overlay.networks > NETWORKS_MAX {
                return Err(OverlayRefused::TooMany);
            }
        }
        Ok(overlay)
    }

    fn insert(&mut self, network: IpNet, region: Told) -> bool {
        self.networks += 1;
        let before = match network {
            IpNet::V4(net) => {
                let range = (u32::from(net.network()), u32::from(net.broadcast()));
                self.v4.insert(range, region)
            }
            IpNet::V6(net) => {
                let range = (u128::from(net.network()), u128::from(net.broadcast()));
                self.v6.insert(range, region)
            }
        };
        before.is_none_or(|before| before == region)
    }

    /// As layers of a table; `number` gives the number of what a network says.
    pub(super) fn layers(&self, mut number: impl FnMut(Told) -> Value) -> (Steps<u32>, Steps<u128>) {
        (layer(&self.v4, &mut number), layer(&self.v6, &mut number))
    }

    /// What the longest matching network says; `None` when no network matches, `Some(None)` when one says that the
    /// address resolves to nothing.
    #[cfg(test)]
    fn lookup(&self, address: IpAddr) -> Option<Told> {
        let mut known = Vec::new();
        let layers = self.layers(|told| {
            known.push(told);
            u32::try_from(known.len()).unwrap()
        });
        let told = super::table::Table::new(layers.0, layers.1).get(address);
        usize::try_from(told).ok()?.checked_sub(1).map(|at| known[at])
    }

    /// How many networks it has.
    pub fn networks(&self) -> usize {
        self.networks
    }
}

fn layer<A: Bits>(networks: &BTreeMap<(A, A), Told>, mut number: impl FnMut(Told) -> Value) -> Steps<A> {
    let networks = networks.iter();
    Steps::of_nested(
        networks
            .map(|((first, last), told)| (*first, *last, number(*told)))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(code: &str) -> Option<RegionCode> {
        Some(RegionCode::parse(code).unwrap())
    }

    #[test]
    fn the_longest_prefix_wins_in_both_families() {
        let overlay = Overlay::parse(
            "# corrections\n0.0.0.0/0,UZ\n10.0.0.0/8,UZ-SA\n10.1.0.0/16 , UZ-TK # centre\n10.1.2.3/32,-\n\
             2001:db8::/32,UZ\n2001:db8:1::/48,UZ-AN\n",
        )
        .unwrap();
        for (address, told) in [
            ("10.1.2.3", Some(None)),
            ("10.1.2.4", Some(region("UZ-TK"))),
            ("10.2.0.1", Some(region("UZ-SA"))),
            ("11.0.0.1", Some(region("UZ"))),
            ("2001:db8:1::7", Some(region("UZ-AN"))),
            ("2001:db8:2::7", Some(region("UZ"))),
            ("2001:db9::7", None),
        ] {
            assert_eq!(overlay.lookup(address.parse().unwrap()), told, "{address}");
        }
        assert_eq!(overlay.networks(), 6);
    }

    #[test]
    fn a_wrong_line_is_refused_by_its_number() {
        for (text, refused) in [
            (
                "\n10.0.0.0/8",
                OverlayRefused::Form {
                    line: 2,
                    text: "10.0.0.0/8".into(),
                },
            ),
            (
                "10.0.0/8,UZ",
                OverlayRefused::Network {
                    line: 1,
                    text: "10.0.0/8".into(),
                },
            ),
            (
                "10.0.0.0/8,Tashkent",
                OverlayRefused::Region {
                    line: 1,
                    text: "Tashkent".into(),
                },
            ),
            (
                "10.0.0.0/8,UZ\n10.0.0.0/8,KZ",
                OverlayRefused::Twice {
                    line: 2,
                    network: "10.0.0.0/8".into(),
                },
            ),
        ] {
            assert_eq!(Overlay::parse(text), Err(refused), "{text}");
        }
    }
}
