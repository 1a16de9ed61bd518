//! The ad server over real connections: plain requests answered without the router, everything else by it, the end.

use crate::world::{OWN_KEY, Wanted, World};
use chrono::TimeDelta;
use namoyish_delivery::geo::Geo;
use namoyish_delivery::http::{AdServer, Listeners};
use namoyish_delivery::journal::{Journal, JournalOptions};
use namoyish_delivery::node::Node;
use namoyish_delivery::run::Delivery;
use namoyish_domain::ids::LineId;
use namoyish_runtime::shutdown::Shutdown;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

const PATIENCE: Duration = Duration::from_secs(20);

struct Running {
    world: World,
    line: LineId,
    delivery: Delivery,
    address: SocketAddr,
    shutdown: Shutdown,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Running {
    /// A node with a journal on disk, on two threads.
    async fn new(seed: u64) -> Running {
        let mut world = World::new(seed).await;
        let line = world.line(Wanted::default()).await;
        let mut parts = world.parts("node-1", world.counters.clone());
        let options = JournalOptions::new("node-1", world.ctx.now(), parts.ids.fork("journal"));
        parts.journal = Arc::new(Journal::open(world.journals.path().join("synced"), options).unwrap());
        parts.settings.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
        parts.settings.requests_per_minute_max = 40;
        parts.settings.grant_min = 200;
        let node = Node::start(parts, world.ctx.now()).await.unwrap();
        world.ctx.clock.advance_to(world.ctx.now() + TimeDelta::hours(12));
        node.refill(world.ctx.now()).await.unwrap();
        let delivery = Delivery::new(node, Geo::built_in().unwrap(), world.ctx.clock.clone());
        let shutdown = Shutdown::new();
        let server = AdServer::new(delivery.clone(), world.ctx.ids.clone(), shutdown.clone());
        let listeners = Listeners::open("127.0.0.1:0".parse().unwrap(), 2).unwrap();
        let address = listeners.address();
        assert!(
            Listeners::open(address, 1).is_err() && Listeners::open(address, 2).is_err(),
            "the port is taken"
        );
        let serving = tokio::spawn(server.serve(listeners));
        Running {
            world,
            line,
            delivery,
            address,
            shutdown,
            serving,
        }
    }

    async fn client(&self) -> Client {
        Client(TcpStream::connect(self.address).await.unwrap())
    }

    async fn counted(&self) -> u64 {
        let now = self.world.ctx.now();
        self.delivery.node.ship(&self.world.ctx.store, now).await.unwrap();
        self.world.counted(self.line).await
    }
}

struct Client(TcpStream);

struct Told {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Told {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl Client {
    async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    async fn told(&mut self) -> Told {
        tokio::time::timeout(PATIENCE, self.read_one()).await.unwrap()
    }

    async fn read_one(&mut self) -> Told {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await.expect("an answer"));
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |text| text.parse().unwrap());
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await.unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Told { status, head, body }
    }

    async fn is_closed(&mut self) -> bool {
        let read = tokio::time::timeout(PATIENCE, self.0.read(&mut [0]))
            .await
            .unwrap();
        matches!(read, Ok(0) | Err(_))
    }
}

fn question(key: &str, placements: &[&str], more: &str) -> String {
    let body = json!({ "placements": placements }).to_string();
    format!(
        "POST /v1/ads HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nX-Forwarded-For: 213.230.64.1\r\n{more}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn call(url: &Value) -> String {
    let path = url
        .as_str()
        .unwrap()
        .strip_prefix("http://127.0.0.1:8081")
        .unwrap();
    format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")
}

/// What two answers to the same question have in common: everything but the tokens.
fn without_tokens(mut answer: Value) -> Value {
    for ad in answer["ads"].as_array_mut().unwrap() {
        for url in ["click_url", "impression_url", "viewable_url"] {
            if let Some(text) = ad["ad"][url].as_str() {
                let cut = text.rfind('/').unwrap();
                ad["ad"][url] = json!(text[..cut]);
            }
        }
    }
    answer
}

// delivery.md §1: the answer doesn't depend on how plainly it is asked for.
#[tokio::test]
async fn a_plain_question_and_an_unusual_one_get_the_same_answer() {
    let running = Running::new(61).await;
    let placements = ["site-top", "site-side", "nowhere \"\u{e9}\""];
    let (mut plain, mut unusual) = (running.client().await, running.client().await);
    plain.send(&question(OWN_KEY, &placements, "")).await;
    // The second goes to the router, with every request after it.
    unusual
        .send(&question(OWN_KEY, &placements, "Expect: 100-continue\r\n"))
        .await;
    let (one, mut other) = (plain.told().await, unusual.told().await);
    if other.status == 100 {
        other = unusual.told().await;
    }
    for told in [&one, &other] {
        assert_eq!(told.status, 200, "{}", told.head);
        for header in [
            "content-type: application/json",
            "cache-control: no-store",
            "access-control-allow-origin: *",
            "date: ",
        ] {
            assert!(told.head.contains(header), "{header} in {}", told.head);
        }
    }
    assert_eq!(without_tokens(one.json()), without_tokens(other.json()));
    let ad = &one.json()["ads"][0]["ad"];
    assert_eq!(ad["kind"], "text");
    assert_eq!(one.json()["ads"][1]["no_ad"], "no_line");
    assert_eq!(one.json()["ads"][2]["placement"], "nowhere \"\u{e9}\"");
    assert_eq!(one.json()["ads"][2]["no_ad"], "unknown_placement");
    unusual.send(&question(OWN_KEY, &placements, "")).await;
    assert_eq!(unusual.told().await.status, 200);
}

// delivery.md §4: counted once on either way, and answered only when it is in the journal.
#[tokio::test]
async fn a_token_counts_once_whichever_way_it_comes() {
    let running = Running::new(62).await;
    let mut client = running.client().await;
    client.send(&question(OWN_KEY, &["site-top"], "")).await;
    let ad = client.told().await.json()["ads"][0]["ad"].clone();
    let (shown, viewed) = (call(&ad["impression_url"]), call(&ad["viewable_url"]));
    // Three requests in one piece: answered in their order.
    client
        .send(&format!("{shown}{viewed}{}", question(OWN_KEY, &["nowhere"], "")))
        .await;
    for status in [204, 204, 200] {
        let told = client.told().await;
        assert_eq!(told.status, status, "{}", told.head);
        assert!(told.head.contains("cache-control: no-store"));
    }
    // Again: here, on another connection, by way of the router; and byte by byte.
    client.send(&shown).await;
    assert_eq!(client.told().await.status, 204);
    let mut other = running.client().await;
    other
        .send(&shown.replace("Host: x\r\n", "Host: x\r\nConnection: close\r\n"))
        .await;
    let told = other.told().await;
    assert_eq!(told.status, 204, "{}", told.head);
    assert!(other.is_closed().await);
    let mut slow = running.client().await;
    for byte in shown.as_bytes().chunks(7) {
        slow.0.write_all(byte).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(slow.told().await.status, 204);
    assert_eq!(running.counted().await, 1);
}

// delivery.md §1, §4: what is refused is refused by the router, with its problem document.
#[tokio::test]
async fn refusals_are_the_routers() {
    let running = Running::new(63).await;
    let mut client = running.client().await;
    client.send(&question(OWN_KEY, &["site-top"], "")).await;
    let ad = client.told().await.json()["ads"][0]["ad"].clone();
    let forged = call(&ad["impression_url"]).replace(" HTTP", "AAAA HTTP");
    let expired = call(&ad["impression_url"]);
    let head = expired.replace("GET", "HEAD");
    let with_body = |body: &str| {
        format!(
            "POST /v1/ads HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {OWN_KEY}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    for (text, status, code) in [
        (question("guess", &["site-top"], ""), 401, "publishable_key_wrong"),
        (with_body("{"), 400, "bad_json"),
        (with_body("{\"placements\":[]}"), 400, "placements_out_of_range"),
        (forged, 400, "token_signature_wrong"),
        (
            "GET /v1/i/abc HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
            400,
            "token_malformed",
        ),
        (
            "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
            404,
            "not_found",
        ),
    ] {
        let mut client = running.client().await;
        client.send(&text).await;
        let told = client.told().await;
        assert_eq!(told.status, status, "{text}");
        assert_eq!(told.json()["code"], code, "{text}");
        assert!(told.head.contains("application/problem+json"), "{text}");
    }
    let mut client = running.client().await;
    client.send(&head).await;
    let mut line = [0; 12];
    client.0.read_exact(&mut line).await.unwrap();
    assert_eq!(&line, b"HTTP/1.1 405");
    let huge = format!("POST /v1/ads HTTP/1.1\r\nx: {}", "y".repeat(600_000));
    let mut client = running.client().await;
    let _ = client.0.write_all(huge.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, client.0.read_to_end(&mut answer))
        .await
        .unwrap();
    let answer = String::from_utf8_lossy(&answer);
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
        "{answer}"
    );
    running
        .world
        .ctx
        .clock
        .advance_to(running.world.ctx.now() + TimeDelta::seconds(601));
    let mut client = running.client().await;
    client.send(&expired).await;
    assert_eq!(client.told().await.status, 410);
    assert_eq!(running.counted().await, 0);
}

#[tokio::test]
async fn one_address_is_limited_on_both_ways_together() {
    let running = Running::new(64).await;
    let mut client = running.client().await;
    for n in 0..40 {
        client.send(&question(OWN_KEY, &["nowhere"], "")).await;
        assert_eq!(client.told().await.status, 200, "{n}");
    }
    client.send(&question(OWN_KEY, &["nowhere"], "")).await;
    let told = client.told().await;
    assert_eq!(
        (told.status, told.json()["code"].as_str()),
        (429, Some("too_many_requests"))
    );
}

// Graceful drain: who waits is told the connection ends, and the server ends with its last connection.
#[tokio::test]
async fn the_end_closes_idle_connections_and_stops_accepting() {
    let running = Running::new(65).await;
    let (mut idle, mut handed_over) = (running.client().await, running.client().await);
    idle.send(&question(OWN_KEY, &["nowhere"], "")).await;
    assert_eq!(idle.told().await.status, 200);
    handed_over.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!(handed_over.told().await.status, 200);
    running.shutdown.begin();
    assert!(idle.is_closed().await);
    assert!(handed_over.is_closed().await);
    tokio::time::timeout(PATIENCE, running.serving)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert!(TcpStream::connect(running.address).await.is_err());
}
