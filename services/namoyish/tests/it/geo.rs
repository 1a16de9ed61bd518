//! Whose region a request has, from the socket to the ad (delivery.md §2): a MaxMind database, the operator's overlay,
//! IPv4 and IPv6, behind a trusted proxy and not.

use crate::http::Client;
use crate::market::{self, Market, Wanted};
use crate::program::{Start, folder, free_port, until};
use namoyish_testkit::TestDatabase;
use std::fs;
use std::path::Path;
use std::time::Duration;

const DATABASE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../delivery/testdata/geo/GeoIP2-City-Test.mmdb"
);
const OVERLAY: &str = "\
# The longest prefix wins, and the operator's data goes before the database's.
198.51.100.0/24,UZ-TK
198.51.100.128/25,UZ-SA
2001:db8:7::/48,UZ-TK
81.2.69.161/32,UZ-TK
127.0.0.2/32,UZ-SA
";
const REGIONS: &[&str] = &["UZ", "UZ-TK", "UZ-SA", "GB", "GB-ENG", "JP"];
const LINES: &[Wanted] = &[
    Wanted {
        placement: "mintaqa",
        title: "toshkent",
        regions: &["UZ-TK"],
    },
    Wanted {
        placement: "mintaqa",
        title: "angliya",
        regions: &["GB-ENG"],
    },
    Wanted {
        placement: "mintaqa",
        title: "yaponiya",
        regions: &["JP"],
    },
    Wanted {
        placement: "hamma",
        title: "hammaga",
        regions: &[],
    },
    Wanted {
        placement: "ozbekiston",
        title: "butun",
        regions: &["UZ"],
    },
];
/// What `no_ad` says when lines run there, but none for the viewer's region.
const ELSEWHERE: &str = "region";

/// The peer, its `X-Forwarded-For`, the placement, and whose ad is due.
type Case = (&'static str, Option<&'static str>, &'static str, &'static str);

/// 127.0.0.1 is the trusted proxy, 127.0.0.2 a stranger in Samarkand, by the overlay.
const CASES: &[Case] = &[
    // The database: city and country, IPv4 and IPv6.
    ("127.0.0.1", Some("81.2.69.160"), "mintaqa", "angliya"),
    ("127.0.0.1", Some("::ffff:81.2.69.160"), "mintaqa", "angliya"),
    ("127.0.0.1", Some("2001:218::1"), "mintaqa", "yaponiya"),
    ("127.0.0.1", Some("[2001:218::1]:443"), "mintaqa", "yaponiya"),
    ("127.0.0.1", Some("216.160.83.56"), "mintaqa", ELSEWHERE),
    ("127.0.0.1", Some("81.2.69.160"), "ozbekiston", ELSEWHERE),
    // The overlay, before the database and by the longest prefix.
    ("127.0.0.1", Some("198.51.100.7"), "mintaqa", "toshkent"),
    ("127.0.0.1", Some("198.51.100.200"), "mintaqa", ELSEWHERE),
    ("127.0.0.1", Some("198.51.100.200"), "ozbekiston", "butun"),
    ("127.0.0.1", Some("2001:db8:7::9"), "mintaqa", "toshkent"),
    ("127.0.0.1", Some("81.2.69.161"), "mintaqa", "toshkent"),
    // An address that resolves to nothing matches untargeted lines only.
    ("127.0.0.1", Some("192.0.2.1"), "mintaqa", ELSEWHERE),
    ("127.0.0.1", Some("2001:db8:8::1"), "ozbekiston", ELSEWHERE),
    ("127.0.0.1", Some("192.0.2.1"), "hamma", "hammaga"),
    ("127.0.0.1", Some("81.2.69.160"), "hamma", "hammaga"),
    // The right-most untrusted entry, whatever stands left of it.
    (
        "127.0.0.1",
        Some("2001:218::1, 198.51.100.7"),
        "mintaqa",
        "toshkent",
    ),
    (
        "127.0.0.1",
        Some("198.51.100.7, 81.2.69.160, 127.0.0.1"),
        "mintaqa",
        "angliya",
    ),
    // A broken header proves nothing: then the peer counts, and this one resolves to nothing.
    ("127.0.0.1", Some("198.51.100.7, nonsense"), "mintaqa", ELSEWHERE),
    ("127.0.0.1", None, "mintaqa", ELSEWHERE),
    // A stranger's header is not believed.
    ("127.0.0.2", Some("81.2.69.160"), "mintaqa", ELSEWHERE),
    ("127.0.0.2", Some("198.51.100.7"), "mintaqa", ELSEWHERE),
    ("127.0.0.2", Some("81.2.69.160"), "ozbekiston", "butun"),
    ("127.0.0.2", None, "ozbekiston", "butun"),
];

#[tokio::test]
async fn geo_and_trusted_proxy() {
    let database = TestDatabase::create().await;
    let folder = folder();
    let market = market::open(&database.store(), &folder.path().join("mail"), REGIONS, LINES).await;
    let overlay = folder.path().join("overlay.csv");
    fs::write(&overlay, OVERLAY).unwrap();
    let port = free_port();
    let mut node = Start::new(folder.path(), &["delivery"])
        .with_delivery_port(port)
        .with("DATABASE_URL", database.url())
        .with("NAMOYISH_REDIS__STORE", "memory")
        .with("NAMOYISH_DELIVERY__TRUSTED_PROXIES", "127.0.0.1/32,fd00::/8")
        .with("NAMOYISH_DELIVERY__GEO_DATABASE", DATABASE)
        .with("NAMOYISH_DELIVERY__GEO_OVERLAY", overlay.display())
        .run();
    node.ready_at(port).await;

    for case in CASES {
        check(port, &market, *case).await;
    }

    // The operator corrects its data: in force without a restart.
    move_to_tashkent(&overlay);
    let viewer = ("127.0.0.1", Some("198.51.100.200"), "mintaqa");
    until(
        "the changed overlay is read",
        Duration::from_secs(15),
        async || (answer(port, &market, viewer).await == "toshkent").then_some(()),
    )
    .await;
    assert!(node.interrupt().await.success());
}

fn move_to_tashkent(overlay: &Path) {
    let corrected = OVERLAY.replace("128/25,UZ-SA", "128/25,UZ-TK") + "# moved to Tashkent\n";
    fs::write(overlay, corrected).unwrap();
}

async fn check(port: u16, market: &Market, (peer, forwarded, placement, due): Case) {
    // A node that has just started may not hold numbers of the line yet: that is no answer about regions.
    let got = until("an answer", Duration::from_secs(15), async || {
        let got = answer(port, market, (peer, forwarded, placement)).await;
        (got != "pace").then_some(got)
    })
    .await;
    assert_eq!(
        got, due,
        "peer {peer}, X-Forwarded-For {forwarded:?}, placement {placement}"
    );
}

/// The title of the ad, or why there is none.
async fn answer(
    port: u16,
    market: &Market,
    (peer, forwarded, placement): (&str, Option<&str>, &str),
) -> String {
    let bearer = format!("Bearer {}", market.key);
    let mut headers = vec![("authorization", bearer.as_str())];
    headers.extend(forwarded.map(|value| ("x-forwarded-for", value)));
    let body = serde_json::json!({ "placements": [placement] }).to_string();
    let answer = Client::of_port(port)
        .from(peer)
        .post("/v1/ads", &headers, body)
        .await
        .unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    let told = answer.json();
    let ad = &told["ads"][0];
    ad["ad"]["title"]
        .as_str()
        .or(ad["no_ad"].as_str())
        .unwrap_or_else(|| panic!("{told}"))
        .to_owned()
}
