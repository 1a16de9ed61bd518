//! The commented file against the types, the layers, and mistakes.

use super::*;
use std::collections::BTreeSet;

fn with(file: &str, environment: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let environment = environment
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Settings::from_layers(Some((Path::new("test.toml"), file)), environment)
}

fn mistakes(file: &str, environment: &[(&str, &str)]) -> Vec<String> {
    with(file, environment)
        .unwrap_err()
        .mistakes
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn the_commented_file_names_every_key_and_no_other() {
    let defaults: toml::Table = DEFAULTS.parse().unwrap();
    let in_file: BTreeSet<String> = defaults
        .iter()
        .flat_map(|(section, keys)| {
            keys.as_table()
                .unwrap()
                .keys()
                .map(move |key| format!("{section}.{key}"))
        })
        .collect();
    let in_types: BTreeSet<String> = Settings::KEYS.iter().map(ToString::to_string).collect();
    assert_eq!(in_file, in_types);
    Settings::defaults().unwrap();
}

#[test]
fn every_key_of_the_commented_file_has_a_comment_above_it() {
    let lines: Vec<&str> = DEFAULTS.lines().collect();
    for (above, line) in lines.iter().zip(lines.iter().skip(1)) {
        if line.contains(" = ") && !line.starts_with('#') {
            assert!(above.starts_with('#'), "no comment above `{line}`");
        }
    }
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
    let settings = with(
        "[orders]\nlisten = \"127.0.0.1:1\"\nsession_hours = 3\n[database]\nurl = \"postgres://file/x\"",
        &[
            ("NAMOYISH_ORDERS__LISTEN", "[::1]:2"),
            ("DATABASE_URL", "postgres://environment/x"),
            ("REDIS_URL", "redis://first"),
            ("NAMOYISH_REDIS__URL", "redis://second"),
            ("NAMOYISH_DELIVERY__TRUSTED_PROXIES", "10.0.0.0/8, 192.168.1.1"),
            ("NAMOYISH_DELIVERY__TOKEN_LIFE_SECONDS", "60"),
            ("NAMOYISH_METRICS__LISTEN", ""),
            ("NAMOYISH_POSTGRES_BIN", "/not/a/setting"),
            ("PATH", "/bin"),
        ],
    )
    .unwrap();
    assert_eq!(settings.orders.listen.to_string(), "[::1]:2");
    assert_eq!(settings.orders.session_hours, 3);
    assert_eq!(settings.database.url.expose(), "postgres://environment/x");
    assert_eq!(settings.redis.url.expose(), "redis://second");
    assert_eq!(settings.delivery.trusted_proxies.len(), 2);
    assert_eq!(settings.delivery.token_life_seconds, 60);
    assert_eq!(settings.metrics.listen, None);
    assert_eq!(settings.data.dir, Path::new("var"));
}

#[test]
fn all_mistakes_are_told_at_once_with_key_and_place() {
    let told = mistakes(
        "[orders]\nlisten = \"nowhere\"\nlisten_twice = 1\n[other]\nkey = 1\n[billing]\nclose_time = 20\n[redis]\nstore = \"etcd\"\n",
        &[
            ("NAMOYISH_DELIVERY__TOKEN_LIFE_SECONDS", "long"),
            ("NAMOYISH_DELIVERY__TRUSTED_PROXIES", "ten"),
        ],
    );
    let all = told.join("\n");
    for due in [
        "orders.listen_twice (test.toml): there is no such key; there are listen, public_url",
        "other.key (test.toml): there is no such key; there are data, database",
        "orders.listen (test.toml): `nowhere` is not an address",
        "redis.store (test.toml): is not one of auto, redis, memory",
        "billing.close_time (test.toml): is a whole number, not a text",
        "delivery.token_life_seconds (NAMOYISH_DELIVERY__TOKEN_LIFE_SECONDS): is a text, not a whole number",
        "delivery.trusted_proxies (NAMOYISH_DELIVERY__TRUSTED_PROXIES): `ten` is not a network",
    ] {
        assert!(all.contains(due), "missing: {due}\nin:\n{all}");
    }
    assert_eq!(told.len(), 7, "{all}");
}

#[test]
fn values_beyond_their_limits_are_refused() {
    for (name, value, due) in [
        (
            "NAMOYISH_DATABASE__CONNECTIONS_MAX",
            "1",
            "1 is not between 2 and 1000",
        ),
        (
            "NAMOYISH_DATABASE__CONNECTIONS_MAX",
            "-1",
            "-1 is not between 0 and",
        ),
        (
            "NAMOYISH_DELIVERY__TOKEN_LIFE_SECONDS",
            "86400",
            "86400 is not between 30 and 600",
        ),
        ("NAMOYISH_BILLING__CLOSE_TIME", "00:05", "00:05 is before 00:20"),
        (
            "NAMOYISH_ORDERS__PUBLIC_URL",
            "https://example.uz/",
            "without a slash at the end",
        ),
        ("NAMOYISH_DELIVERY__NODE", "../x", "is not a name"),
        ("NAMOYISH_MAIL__SMTP_URL", "http://x", "does not begin with smtp:"),
    ] {
        let told = mistakes("", &[(name, value)]);
        assert!(
            told.len() == 1 && told[0].contains(due),
            "{name}={value}: {told:?}"
        );
    }
}

#[test]
fn a_file_that_is_no_toml_and_one_that_is_not_there_are_told() {
    assert!(mistakes("[orders", &[])[0].starts_with("test.toml (settings file)"));
    assert!(mistakes("orders = 1", &[])[0].contains("is a whole number, not a section"));
    let missing = Settings::load(Some(Path::new("/nonexistent/settings.toml"))).unwrap_err();
    assert!(missing.to_string().contains("/nonexistent/settings.toml"));
}

#[test]
fn secrets_are_not_printed() {
    let environment = [
        ("DATABASE_URL", "postgres://app:hunter2@db/x"),
        ("NAMOYISH_MAIL__SMTP_URL", "smtps://u:hunter2@mail"),
    ];
    assert!(!format!("{:?}", with("", &environment).unwrap()).contains("hunter2"));
    let refused = mistakes(
        "",
        &[
            ("DATABASE_URL", "mysql://app:hunter2@db/x"),
            ("REDIS_URL", "hunter2"),
        ],
    );
    assert_eq!(refused.len(), 2);
    assert!(!refused.concat().contains("hunter2"), "{refused:?}");
}
