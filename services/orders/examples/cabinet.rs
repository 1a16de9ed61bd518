//! Serves the cabinet over sample rows in a throw-away database: to look at the pages while working on them.
//!
//! `cargo run -p namoyish-orders --example cabinet`, then http://127.0.0.1:8090/ with the login `aziza` and the password
//! `tilla-baliq-7`. The rows and the sign-in end with the program.
#![expect(
    clippy::unwrap_used,
    reason = "a sample that can't be made should stop with its reason"
)]

#[expect(
    dead_code,
    reason = "the tests read more of the sample than this program prints"
)]
#[path = "../tests/it/cabinet/sample.rs"]
mod sample;

use namoyish_orders::cabinet::{CabinetSettings, router};

#[tokio::main]
async fn main() {
    let test = namoyish_testkit::context_at(11, sample::begin()).await;
    let sample = sample::make(&test.context).await;
    let address = "127.0.0.1:8090";
    let settings = CabinetSettings {
        public_url: format!("http://{address}"),
        demo: true,
        ..CabinetSettings::default()
    };
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    println!("http://{address}/  aziza / {}", sample::PASSWORD);
    println!(
        "the line with the plot: http://{address}/cabinet/lines/{}",
        sample.media
    );
    axum::serve(listener, router(test.context.clone(), settings))
        .await
        .unwrap();
}
