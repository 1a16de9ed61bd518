//! How a serving node works: its name, what it believes of proxies, how it takes grants, what it may hold.

use chrono::TimeDelta;
use ipnet::IpNet;
use namoyish_domain::delivery::counters::TOKEN_LIFE_SECONDS;
use std::path::PathBuf;

/// Settings of one node. The defaults are those of a small installation.
#[derive(Debug, Clone)]
pub struct NodeSettings {
    /// Unique name.
    pub name: String,
    /// Address as browsers reach it, without a slash at the end: it stands in every URL that is handed out.
    pub public_url: String,
    /// Networks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// How long an impression, viewable or click URL is good for. At most ten minutes: epochs close by that.
    pub token_life_seconds: i64,
    /// How often grants are taken at the latest.
    pub refill_every: TimeDelta,
    /// Least time between two refills when a line runs out before.
    pub refill_gap: TimeDelta,
    /// Numbers that a line without recent traffic holds.
    pub grant_min: u32,
    /// Most numbers that a line holds.
    pub grant_max: u32,
    /// Most marks that wait for the counter store.
    pub marks_max: usize,
    /// Most bytes of material files that are kept in memory.
    pub files_bytes_max: usize,
    /// Most requests for ads that one client address may make in a minute; 0: no limit.
    pub requests_per_minute_max: u32,
    /// City database; none: the overlay alone.
    pub geo_database: Option<PathBuf>,
    /// The operator's table "network,region"; none: the built-in one.
    pub geo_overlay: Option<PathBuf>,
}

impl NodeSettings {
    /// The defaults, for a node of this name that browsers reach at `public_url`.
    pub fn new(name: impl Into<String>, public_url: impl Into<String>) -> NodeSettings {
        let public_url: String = public_url.into();
        NodeSettings {
            name: name.into(),
            public_url: public_url.trim_end_matches('/').to_owned(),
            trusted_proxies: Vec::new(),
            token_life_seconds: TOKEN_LIFE_SECONDS,
            refill_every: TimeDelta::milliseconds(250),
            refill_gap: TimeDelta::milliseconds(20),
            grant_min: 2,
            grant_max: 20_000,
            marks_max: 1_000_000,
            files_bytes_max: 256 << 20,
            requests_per_minute_max: 600,
            geo_database: None,
            geo_overlay: None,
        }
    }

    /// The token's life that is kept: at least a second, at most what the counters wait for.
    pub fn token_life_seconds(&self) -> i64 {
        self.token_life_seconds.clamp(1, TOKEN_LIFE_SECONDS)
    }
}
