//! Every mistake is told with its line; a good file means what it says.

use super::*;
use chrono::NaiveDate;
use namoyish_domain::orders::order_blank::{BudgetMode, Prepayment};

const GOOD: &str = r#"version = 1
name = "good"
start = "2026-11-01"
end = "2026-12-01"
[[price]]
code = "BANNER"
kind = "impressions"
price = "12000.00"
valid_from = "2026-01-01"
[[placement]]
id = "top"
app = "web"
kind = "banner"
[[customer]]
id = "osh"
kind = "legal_entity"
[[traffic]]
placement = "top"
region = "UZ-TK"
per_day = 100
[[event]]
at = "2026-10-20T10:00:00"
do = "sign_order"
order = "OB-1"
customer = "osh"
[[event.line]]
id = "OB-1/1"
kind = "media"
price = "BANNER"
budget = "300000.00"
first_day = "2026-11-01"
last_day = "2026-11-30"
placements = ["top"]
"#;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn mistakes(text: &str) -> Vec<String> {
    match Scenario::parse(text) {
        Ok(_) => Vec::new(),
        Err(error) => error.mistakes.iter().map(ToString::to_string).collect(),
    }
}

/// The good file with one line replaced; exactly one mistake is due, on that line.
#[track_caller]
fn check(line: usize, replacement: &str, message: &str) {
    let text: Vec<&str> = GOOD
        .lines()
        .enumerate()
        .map(|(at, old)| if at + 1 == line { replacement } else { old })
        .collect();
    let found = mistakes(&text.join("\n"));
    assert_eq!(found.len(), 1, "{replacement}: {found:#?}");
    assert!(found[0].starts_with(&format!("line {line}: ")), "{}", found[0]);
    assert!(found[0].contains(message), "{}", found[0]);
}

/// The good file with something appended; the first mistake is due on a line of the appended text.
#[track_caller]
fn check_appended(appended: &str, line: usize, message: &str) {
    let found = mistakes(&format!("{GOOD}{appended}"));
    let due = format!("line {}: ", GOOD.lines().count() + line);
    assert!(
        found
            .iter()
            .any(|mistake| mistake.starts_with(&due) && mistake.contains(message)),
        "{due}{message} is not in {found:#?}"
    );
}

#[test]
fn a_good_file_means_what_it_says_and_defaults_are_those_of_the_book() {
    let scenario = Scenario::parse(GOOD).unwrap();
    assert_eq!(
        (scenario.start, scenario.end, scenario.seed),
        (day("2026-11-01"), day("2026-12-01"), 0)
    );
    assert!(scenario.operator.vat_payer);
    assert_eq!(
        scenario.delivery,
        DeliveryOptions {
            nodes: 1,
            store: CounterStore::Memory
        }
    );
    let traffic = &scenario.traffic[0];
    assert_eq!(traffic.curve, FLAT);
    assert_eq!(traffic.render_rate.decimal(), rust_decimal::Decimal::ONE);
    assert_eq!(traffic.duplicate_rate, Rate::ZERO);
    assert_eq!((traffic.from, traffic.until), (scenario.start, scenario.end));
    let EventKind::SignOrder(order) = &scenario.events[0].what else {
        panic!("not an order")
    };
    assert_eq!(order.prepayment, Prepayment::Full);
    let OrderedService::Media {
        budget_mode, regions, ..
    } = &order.lines[0].service
    else {
        panic!("not media")
    };
    assert_eq!(*budget_mode, BudgetMode::Total);
    assert!(regions.is_empty());
}

#[test]
fn a_mistake_is_told_with_its_line() {
    check(1, "version = 2", "version 2 is not known");
    check(1, "version = \"1\"", "an integer is due, not a text");
    assert_eq!(
        mistakes(&GOOD.replace("name = \"good\"", "nam = \"good\"")),
        [
            "line 1: `name` is missing in the file",
            "line 2: unknown key `nam` in the file; known are customer, delivery, end, event, name, operator, placement, \
             price, seed, start, traffic, version",
        ]
    );
}

#[test]
fn a_wrong_value_is_told_with_its_line() {
    check(3, "start = \"2026-11-31\"", "no date");
    check(3, "start = 2026-11-01", "a date without quotes");
    check(4, "end = \"2026-11-01\"", "must lie after");
    check(7, "kind = \"clicks\"", "none of impressions, period, additional");
    check(
        8,
        "price = 12000.00",
        "a text in quotes is due, not a decimal number",
    );
    check(8, "price = \"-1\"", "not a decimal number");
    check(13, "kind = \"popup\"", "none of banner");
    check(16, "kind = \"company\"", "none of legal_entity");
    check(
        18,
        "placement = \"bottom\"",
        "no [[placement]] has the id `bottom`",
    );
    check(19, "region = \"Tashkent\"", "region");
    check(20, "per_day = -5", "not between");
    check(20, "per_day = \"100\"", "an integer is due, not a text");
    check(22, "at = \"2026-10-20\"", "no time of the form");
    check(23, "do = \"sign_oder\"", "unknown event `sign_oder`");
    check(25, "customer = \"ohs\"", "no [[customer]] has the id `ohs`");
    check(28, "kind = \"banner\"", "none of media, period, additional");
    check(29, "price = \"BANNERS\"", "no [[price]] has the code `BANNERS`");
    check(30, "budget = \"300000.005\"", "decimal places");
    check(32, "last_day = \"2026-10-30\"", "lies before `first_day`");
    check(
        33,
        "placements = [\"top\", \"side\"]",
        "no [[placement]] has the id `side`",
    );
}

#[test]
fn keys_that_nobody_knows_are_refused_everywhere() {
    check_appended(
        "[[customer]]\nid = \"white space\"\nkind = \"person\"\n",
        2,
        "no id: 1 to 64",
    );
    for (appended, line) in [
        ("surprise = 1\n", 1),
        ("[operator]\nvat = true\n", 2),
        ("[delivery]\nnode = 2\n", 2),
        ("[[customer]]\nid = \"bek\"\nkind = \"person\"\nstir = \"1\"\n", 4),
        ("[[surprise]]\n", 1),
        (
            "[[event]]\nat = \"2026-11-02T00:00:00\"\ndo = \"pay\"\ncustomer = \"osh\"\namount = \"1\"\nnote = \"\"\n",
            6,
        ),
    ] {
        check_appended(appended, line, "unknown key");
    }
}

#[test]
fn missing_keys_are_told_at_the_table() {
    check_appended(
        "[[customer]]\nkind = \"person\"\n",
        1,
        "`id` is missing in [[customer]]",
    );
    check_appended(
        "[[event]]\nat = \"2026-11-02T00:00:00\"\n",
        1,
        "`do` is missing in [[event]]",
    );
    check_appended(
        "[[event]]\nat = \"2026-11-02T00:00:00\"\ndo = \"pay\"\ncustomer = \"osh\"\n",
        1,
        "`amount` is missing",
    );
    assert_eq!(
        mistakes("version = 1\nname = \"x\"\nstart = \"2026-01-01\"\n"),
        ["line 1: `end` is missing in the file"]
    );
}

#[test]
fn ids_are_given_once_and_name_what_exists() {
    check_appended(
        "[[customer]]\nid = \"osh\"\nkind = \"person\"\n",
        2,
        "customer `osh` is there twice",
    );
    check_appended(
        "[[placement]]\nid = \"top\"\napp = \"web\"\nkind = \"banner\"\n",
        2,
        "placement `top` is there twice",
    );
    let event = "[[event]]\nat = \"2026-11-02T00:00:00\"\n";
    check_appended(
        &format!("{event}do = \"submit_material\"\nline = \"OB-1/2\"\n"),
        4,
        "no order has a line",
    );
    let order = format!("{event}do = \"sign_order\"\norder = \"OB-1\"\ncustomer = \"osh\"\n");
    check_appended(&order, 4, "order `OB-1` is signed twice");
    check_appended(&order, 1, "an order has at least one [[event.line]]");
    let line = "[[event.line]]\nid = \"OB-1/1\"\nkind = \"period\"\nprice = \"BANNER\"\nfirst_period = \"2026-11\"\nlast_period = \"2026-13\"\n";
    check_appended(
        &format!("{}{line}", order.replace("OB-1", "OB-2")),
        7,
        "line `OB-1/1` is there twice",
    );
    check_appended(
        &format!("{}{line}", order.replace("OB-1", "OB-2")),
        11,
        "not a reporting period",
    );
}

#[test]
fn an_event_may_stand_before_its_order_in_the_file_and_events_are_sorted_by_time() {
    let event = "[[event]]\nat = \"2026-10-19T00:00:00\"\ndo = \"submit_material\"\nline = \"OB-1/1\"\nverdict = \"reject\"\n";
    let scenario = Scenario::parse(&format!("{GOOD}{event}")).unwrap();
    let names: Vec<&str> = scenario.events.iter().map(|event| event.what.name()).collect();
    assert_eq!(names, ["submit_material", "sign_order"]);
}

#[test]
fn unknown_events_and_mistakes_in_their_fields_are_refused() {
    let event = "[[event]]\nat = \"2026-11-02T00:00:00\"\n";
    check_appended(
        &format!("{event}do = \"kill_accounting\"\n"),
        3,
        "unknown event `kill_accounting`",
    );
    check_appended(
        &format!("{event}do = \"increase_budget\"\nline = \"OB-9\"\namount = \"1\"\n"),
        4,
        "no order has a line",
    );
    check_appended(
        &format!("{event}do = \"object\"\ncustomer = \"osh\"\nperiod = \"11\"\n"),
        5,
        "not a reporting period",
    );
    check_appended(
        &format!(
            "{event}do = \"outage\"\nplacement = \"x\"\nfrom = \"2026-11-01\"\nuntil = \"2026-11-02\"\n"
        ),
        4,
        "no [[placement]]",
    );
    check_appended(
        &format!("{event}do = \"kill_node\"\nnode = 2\n"),
        4,
        "not between 1 and 1",
    );
    check_appended(
        &format!("{event}do = \"lose_redis\"\nhard = true\n"),
        4,
        "unknown key `hard`",
    );
}

#[test]
fn curves_are_words_or_24_weights() {
    let traffic = "[[traffic]]\nplacement = \"top\"\nregion = \"\"\nper_day = 1\ncurve = ";
    let numbers = |count: usize, number: &str| format!("[{}]", vec![number; count].join(", "));
    assert_eq!(
        mistakes(&format!("{GOOD}{traffic}{}\n", numbers(24, "0.5"))),
        Vec::<String>::new()
    );
    assert_eq!(
        mistakes(&format!("{GOOD}{traffic}\"evening\"\n")),
        Vec::<String>::new()
    );
    check_appended(
        &format!("{traffic}{}\n", numbers(23, "1")),
        5,
        "24 numbers are due",
    );
    check_appended(
        &format!("{traffic}{}\n", numbers(24, "0")),
        5,
        "at least one hour",
    );
    check_appended(&format!("{traffic}{}\n", numbers(24, "-1")), 5, "no weight");
    check_appended(&format!("{traffic}\"morning\"\n"), 5, "none of flat, evening");
    check_appended(
        &format!("{traffic}\"flat\"\nrender_rate = \"1.5\"\n"),
        6,
        "no share between 0 and 1",
    );
    check_appended(
        &format!("{traffic}\"flat\"\nfrom = \"2026-11-09\"\nuntil = \"2026-11-09\"\n"),
        7,
        "must lie after",
    );
}

#[test]
fn what_is_not_toml_is_told_with_its_line() {
    let found = mistakes("version = 1\nname = \"x\nstart = 3\n");
    assert!(found[0].starts_with("line 2: not TOML"), "{found:?}");
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_the_file() {
    let found = mistakes(
        &GOOD
            .replace("\"banner\"", "\"popup\"")
            .replace("2026-10-20T", "2026-10-32T"),
    );
    let lines: Vec<&str> = found
        .iter()
        .filter_map(|mistake| mistake.split(':').next())
        .collect();
    assert_eq!(lines, ["line 13", "line 22"], "{found:#?}");
}
