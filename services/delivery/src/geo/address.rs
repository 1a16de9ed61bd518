//! Whose request it is: the viewer's address behind trusted proxies (delivery.md §2).
//!
//! The viewer's address is the peer's, or the right-most untrusted entry of `X-Forwarded-For` when the peer is a trusted
//! proxy. Entries further left were written by whoever sent the request and prove nothing. Where the entry to be believed
//! isn't an address, the peer's is taken: a broken header must not choose a region.

use http::HeaderMap;
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

/// The most entries that are looked at: no chain of real proxies is longer.
const ENTRIES_MAX: usize = 32;

/// The viewer's address.
pub fn viewer_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let values = headers.get_all("x-forwarded-for").iter();
    // Several headers are one list, in order. The map walks it forwards only.
    let mut values: Vec<&str> = values.map(|value| value.to_str().unwrap_or("")).collect();
    values.reverse();
    viewer_behind(peer, values.into_iter(), trusted)
}

/// The viewer's address by the values of `X-Forwarded-For`, the last one first.
pub(crate) fn viewer_behind<'a>(
    peer: IpAddr,
    forwarded: impl Iterator<Item = &'a str>,
    trusted: &[IpNet],
) -> IpAddr {
    let peer = peer.to_canonical();
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
    if !is_trusted(peer) {
        return peer;
    }
    let mut nearest = peer;
    for entry in forwarded.flat_map(|value| value.rsplit(',')).take(ENTRIES_MAX) {
        let Some(address) = parse_entry(entry) else {
            return nearest;
        };
        if !is_trusted(address) {
            return address;
        }
        nearest = address;
    }
    nearest
}

/// An entry: an address, in brackets or with a port as some proxies write it.
fn parse_entry(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let bare = entry
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(entry);
    let address = match bare.parse::<IpAddr>() {
        Ok(address) => address,
        Err(_) => entry.parse::<SocketAddr>().ok()?.ip(),
    };
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(peer: &str, forwarded: &[&str], viewer: &str) {
        let trusted: Vec<IpNet> = ["10.0.0.0/8", "fd00::/8"]
            .iter()
            .map(|network| network.parse().unwrap())
            .collect();
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(
                "x-forwarded-for",
                http::HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            );
        }
        let found = viewer_address(peer.parse().unwrap(), &headers, &trusted);
        assert_eq!(found, viewer.parse::<IpAddr>().unwrap(), "{peer} {forwarded:?}");
    }

    #[test]
    fn an_untrusted_peer_is_the_viewer_whatever_it_writes() {
        check("203.0.113.7", &[], "203.0.113.7");
        check("203.0.113.7", &["213.230.64.1"], "203.0.113.7");
        check("2001:db8::7", &["213.230.64.1"], "2001:db8::7");
    }

    #[test]
    fn behind_a_trusted_proxy_the_right_most_untrusted_entry_counts() {
        check("10.0.0.1", &["198.51.100.1, 203.0.113.7"], "203.0.113.7");
        check(
            "10.0.0.1",
            &["198.51.100.1, 203.0.113.7, 10.0.0.9"],
            "203.0.113.7",
        );
        check(
            "10.0.0.1",
            &["198.51.100.1", "203.0.113.7,10.0.0.9"],
            "203.0.113.7",
        );
        check("fd00::1", &["2001:db8::9"], "2001:db8::9");
        check("::ffff:10.0.0.1", &["203.0.113.7"], "203.0.113.7");
        check("10.0.0.1", &["203.0.113.7:4711"], "203.0.113.7");
        check("10.0.0.1", &["[2001:db8::9]:443"], "2001:db8::9");
        check("10.0.0.1", &["[2001:db8::9]"], "2001:db8::9");
    }

    #[test]
    fn a_malformed_header_chooses_nothing() {
        check("10.0.0.1", &[], "10.0.0.1");
        check("10.0.0.1", &[""], "10.0.0.1");
        check("10.0.0.1", &["unknown"], "10.0.0.1");
        check("10.0.0.1", &["213.230.64.1, garbage"], "10.0.0.1");
        check("10.0.0.1", &["213.230.64.1, garbage, 10.0.0.9"], "10.0.0.9");
        check("10.0.0.1", &["213.230.64.1, \u{e9}"], "10.0.0.1");
        check("10.0.0.1", &["10.0.0.2, 10.0.0.3"], "10.0.0.2");
    }
}
