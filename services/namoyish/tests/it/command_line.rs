//! The command line: help that helps, and settings whose mistakes are all told at once.

use crate::program::{Start, folder};
use std::fs;

#[tokio::test]
async fn help_names_every_command_and_gives_examples() {
    let folder = folder();
    let output = Start::new(folder.path(), &["--help"]).output().await;
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).unwrap();
    let expected = [
        "up",
        "orders",
        "delivery",
        "billing",
        "migrate",
        "simulate",
        "geo",
        "--settings",
        "--data",
        "Examples:",
        "NAMOYISH_<SECTION>__<KEY>",
    ];
    for word in expected {
        assert!(help.contains(word), "{word} is missing:\n{help}");
    }
}

#[tokio::test]
async fn an_unknown_command_is_refused() {
    let folder = folder();
    let output = Start::new(folder.path(), &["serve-everything"]).output().await;
    assert_eq!(output.status.code(), Some(2));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("serve-everything")
    );
}

#[tokio::test]
async fn all_mistakes_of_the_settings_are_told_at_once_and_nothing_starts() {
    let folder = folder();
    let file = folder.path().join("wrong.toml");
    let wrong = "[orders]\nlisten = \"everywhere\"\nsesion_hours = 3\n\n\
        [delivery]\ntoken_life_seconds = 5\ntrusted_proxies = [\"10.0.0.0/8\", \"a neighbour\"]\n\n\
        [redis]\nstore = \"cloud\"\n";
    fs::write(&file, wrong).unwrap();
    let start = Start::new(
        folder.path(),
        &["--settings", file.to_str().unwrap(), "up", "--no-demo"],
    );
    let output = start
        .with("NAMOYISH_BILLING__TICK_SECONDS", "soon")
        .output()
        .await;
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    let mistakes = [
        "orders.listen",
        "orders.sesion_hours",
        "delivery.trusted_proxies",
        "redis.store",
        "NAMOYISH_BILLING__TICK_SECONDS",
    ];
    for mistake in mistakes {
        assert!(told.contains(mistake), "{mistake} is not told:\n{told}");
    }
    assert!(
        !folder.path().join("data").exists(),
        "nothing is made before the settings are right"
    );
}

#[tokio::test]
async fn values_out_of_range_are_told_with_their_limits() {
    let folder = folder();
    let start = Start::new(folder.path(), &["delivery"])
        .with("NAMOYISH_DELIVERY__TOKEN_LIFE_SECONDS", "5")
        .with("NAMOYISH_DATABASE__CONNECTIONS_MAX", "1")
        .with("NAMOYISH_ORDERS__PUBLIC_URL", "ftp://example.uz");
    let output = start.output().await;
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    for part in [
        "delivery.token_life_seconds",
        "30",
        "database.connections_max",
        "orders.public_url",
    ] {
        assert!(told.contains(part), "{part} is not told:\n{told}");
    }
}
