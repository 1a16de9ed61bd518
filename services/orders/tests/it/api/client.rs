//! A client of the API with one key.

use axum::Router;
use axum::body::Body;
use http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::Value;
use std::sync::atomic::{AtomicU32, Ordering};
use tower::ServiceExt;

pub struct Client {
    router: Router,
    key: Option<String>,
    requests: AtomicU32,
}

/// What came back. A body that isn't JSON is kept as `Value::Null`.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub media_type: String,
    pub replayed: bool,
    pub json: Value,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn text(&self, pointer: &str) -> String {
        match self.json.pointer(pointer) {
            Some(Value::String(text)) => text.clone(),
            other => panic!("{pointer} is {other:?} in {}", self.json),
        }
    }

    /// Status and code of a refusal, which must be an RFC 9457 problem.
    #[track_caller]
    pub fn refusal(&self) -> (u16, String) {
        assert_eq!(
            self.media_type, "application/problem+json",
            "{} {}",
            self.status, self.json
        );
        assert_eq!(self.json["status"], self.status.as_u16());
        assert!(
            self.json["detail"].is_string()
                && self.json["title"].is_string()
                && self.json["type"].is_string()
        );
        (self.status.as_u16(), self.text("/code"))
    }

    #[track_caller]
    pub fn refused_field(&self, status: u16, code: &str, field: &str) {
        assert_eq!(self.refusal(), (status, code.to_owned()), "{}", self.json);
        assert_eq!(self.text("/field"), field, "{}", self.json);
    }

    #[track_caller]
    pub fn ok(self, status: u16) -> Answer {
        assert_eq!(self.status.as_u16(), status, "{}", self.json);
        self
    }
}

impl Client {
    pub fn new(router: Router, key: &str) -> Client {
        Client {
            router,
            key: Some(key.to_owned()),
            requests: AtomicU32::new(0),
        }
    }

    pub fn without_key(router: Router) -> Client {
        Client {
            router,
            key: None,
            requests: AtomicU32::new(0),
        }
    }

    pub async fn send(&self, mut request: Request<Body>) -> Answer {
        if let Some(key) = &self.key {
            request
                .headers_mut()
                .insert(header::AUTHORIZATION, format!("Bearer {key}").parse().unwrap());
        }
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes().to_vec();
        Answer {
            status: parts.status,
            media_type: parts
                .headers
                .get(header::CONTENT_TYPE)
                .map(|value| value.to_str().unwrap().to_owned())
                .unwrap_or_default(),
            replayed: parts.headers.contains_key("idempotency-replayed"),
            json: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
            bytes,
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// A write with a key of its own.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.write("POST", path, &self.fresh_key(), body).await
    }

    pub async fn write(&self, method: &str, path: &str, idempotency_key: &str, body: Value) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/json")
            .header("Idempotency-Key", idempotency_key)
            .body(Body::from(body.to_string()))
            .unwrap();
        self.send(request).await
    }

    /// A multipart form; `file` is its part of that name.
    pub async fn post_form(
        &self,
        path: &str,
        idempotency_key: &str,
        texts: &[(&str, &str)],
        file: Option<&[u8]>,
    ) -> Answer {
        let boundary = format!("b{}", self.requests.fetch_add(1, Ordering::Relaxed));
        let mut body = Vec::new();
        for (name, text) in texts {
            body.extend(
                format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
                    .bytes(),
            );
        }
        if let Some(file) = file {
            // The name and type that a client claims mean nothing.
            body.extend(
                format!(
                    "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.svg\"\r\n\
                     Content-Type: image/svg+xml\r\n\r\n"
                )
                .bytes(),
            );
            body.extend(file);
            body.extend(b"\r\n");
        }
        body.extend(format!("--{boundary}--\r\n").bytes());
        let request = Request::post(path)
            .header(
                header::CONTENT_TYPE,
                format!("multipart/form-data; boundary={boundary}"),
            )
            .header("Idempotency-Key", idempotency_key)
            .body(Body::from(body))
            .unwrap();
        self.send(request).await
    }

    pub fn fresh_key(&self) -> String {
        format!("key-{}", self.requests.fetch_add(1, Ordering::Relaxed))
    }
}
