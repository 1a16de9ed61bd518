//! The layers around every service, over a real socket.

use axum::body::Bytes;
use axum::extract::ConnectInfo;
use axum::routing::{get, post};
use axum::{Json, Router};
use namoyish_runtime::http::{self, AroundOptions};
use namoyish_runtime::idempotency::IdempotencyKey;
use namoyish_runtime::ids::Generator;
use namoyish_runtime::problem::Problem;
use namoyish_runtime::shutdown::Shutdown;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

struct Served {
    address: SocketAddr,
    shutdown: Shutdown,
    serving: tokio::task::JoinHandle<std::io::Result<()>>,
}

async fn serve(router: Router) -> Served {
    let router = http::around(
        router.fallback(http::no_such_path),
        AroundOptions {
            service: "test",
            timeout: Duration::from_millis(300),
            body_bytes_max: 64,
            content_security_policy: Some(http::OWN_PAGES_POLICY),
            ids: Generator::seeded(1),
        },
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = Shutdown::new();
    let serving = tokio::spawn(http::serve(listener, router, shutdown.clone()));
    Served {
        address,
        shutdown,
        serving,
    }
}

/// The status and the whole answer, in lower case.
async fn ask(address: SocketAddr, request: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let text = String::from_utf8(bytes).unwrap().to_lowercase();
    let status = text.split(' ').nth(1).unwrap().parse().unwrap();
    (status, text)
}

async fn fetch(address: SocketAddr, path: &str) -> (u16, String) {
    ask(
        address,
        &format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"),
    )
    .await
}

fn router() -> Router {
    async fn panics() -> &'static str {
        panic!("the secret is hunter2")
    }
    async fn never() -> &'static str {
        std::future::pending().await
    }
    async fn echo(body: Bytes) -> Bytes {
        body
    }
    async fn json(
        body: Result<Json<u32>, axum::extract::rejection::JsonRejection>,
    ) -> Result<String, Problem> {
        Ok(body?.0.to_string())
    }
    async fn key(key: IdempotencyKey) -> String {
        key.as_str().to_owned()
    }
    Router::new()
        .route("/panics", get(panics))
        .route("/never", get(never))
        .route("/echo", post(echo))
        .route("/json", post(json))
        .route("/key", post(key))
        .route(
            "/peer",
            get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.ip().to_string() }),
        )
}

#[tokio::test]
async fn a_panic_is_a_problem_that_tells_nothing() {
    let served = serve(router()).await;
    let (status, text) = fetch(served.address, "/panics").await;
    assert_eq!(status, 500);
    assert!(
        text.contains("\"code\":\"internal_error\"") && !text.contains("hunter2"),
        "{text}"
    );
    // And the service goes on.
    assert_eq!(fetch(served.address, "/peer").await.0, 200);
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_cut_off() {
    let served = serve(router()).await;
    let (status, text) = fetch(served.address, "/never").await;
    assert_eq!(status, 503);
    assert!(
        text.contains("\"code\":\"timeout\"") && text.contains("retry-after: 1"),
        "{text}"
    );
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused_with_the_limit() {
    let served = serve(router()).await;
    let post = |path: &str, head: &str, body: &str| {
        format!("POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{head}\r\n{body}")
    };
    let long = "x".repeat(65);
    let (status, text) = ask(served.address, &post("/echo", "content-length: 65\r\n", &long)).await;
    assert_eq!(status, 413);
    assert!(
        text.contains("\"code\":\"body_too_large\"") && text.contains("\"limit\":\"64\""),
        "{text}"
    );
    let chunked = format!("41\r\n{long}\r\n0\r\n\r\n");
    let (status, _) = ask(
        served.address,
        &post("/echo", "transfer-encoding: chunked\r\n", &chunked),
    )
    .await;
    assert_eq!(status, 413);
    let (status, _) = ask(served.address, &post("/echo", "content-length: 2\r\n", "ab")).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn what_is_no_json_and_what_has_no_key_are_problems() {
    let served = serve(router()).await;
    let json = "POST /json HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n\
                content-length: 3\r\n\r\n1;;";
    let (status, text) = ask(served.address, json).await;
    assert_eq!(status, 400);
    assert!(
        text.contains("\"code\":\"bad_json\"") && text.contains("application/problem+json"),
        "{text}"
    );
    let key = "POST /key HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    let (status, text) = ask(served.address, key).await;
    assert_eq!(status, 400);
    assert!(text.contains("idempotency_key_missing"), "{text}");
}

#[tokio::test]
async fn every_answer_has_an_id_and_protecting_headers() {
    let served = serve(router()).await;
    for path in ["/peer", "/nowhere"] {
        let (status, text) = fetch(served.address, path).await;
        assert_eq!(status, if path == "/peer" { 200 } else { 404 });
        for header in [
            "x-request-id: ",
            "x-content-type-options: nosniff",
            "frame-ancestors 'none'",
            "x-frame-options",
        ] {
            assert!(text.contains(header), "{path} has no {header}: {text}");
        }
    }
}

#[tokio::test]
async fn readiness_tells_what_is_missing_and_ends_with_the_program() {
    let ready = Arc::new(AtomicBool::new(false));
    let shutdown = Shutdown::new();
    let check = {
        let ready = ready.clone();
        http::ready_check(move || {
            let ready = ready.load(Ordering::SeqCst);
            async move {
                if ready {
                    Ok(())
                } else {
                    Err("no snapshot yet".to_owned())
                }
            }
        })
    };
    let served = serve(http::health(check, shutdown.clone())).await;
    assert_eq!(fetch(served.address, "/healthz").await.0, 200);
    let (status, text) = fetch(served.address, "/readyz").await;
    assert!(status == 503 && text.contains("no snapshot yet"), "{text}");
    ready.store(true, Ordering::SeqCst);
    assert_eq!(fetch(served.address, "/readyz").await.0, 200);
    shutdown.begin();
    assert_eq!(fetch(served.address, "/readyz").await.0, 503);
}

#[tokio::test]
async fn requests_under_way_are_finished_before_the_end() {
    let (entered, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let slow = {
        let (entered, go_on) = (entered.clone(), go_on.clone());
        move || async move {
            entered.notify_one();
            go_on.notified().await;
            "done"
        }
    };
    let served = serve(Router::new().route("/slow", get(slow))).await;
    let asked = tokio::spawn(async move { fetch(served.address, "/slow").await });
    entered.notified().await;
    served.shutdown.begin();
    go_on.notify_one();
    let (status, text) = asked.await.unwrap();
    assert!(status == 200 && text.ends_with("done"), "{text}");
    served.serving.await.unwrap().unwrap();
    assert!(TcpStream::connect(served.address).await.is_err());
}
