//! A browser without a screen: follows nothing by itself, keeps cookies, sends forms with their token.

use axum::Router;
use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use namoyish_orders::cabinet::CabinetSettings;
use std::collections::BTreeMap;
use tower::ServiceExt;

/// The settings of the tests.
pub fn settings() -> CabinetSettings {
    CabinetSettings {
        public_url: "http://127.0.0.1:8080".to_owned(),
        delivery_url: "http://127.0.0.1:8081".to_owned(),
        demo: true,
        ..CabinetSettings::default()
    }
}

/// Percent-encodes a value of a query or a form.
pub fn encoded(value: &str) -> String {
    value
        .bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

/// What came back.
pub struct Answer {
    pub status: StatusCode,
    headers: http::HeaderMap,
    pub cookies: Vec<String>,
    pub bytes: Vec<u8>,
    /// The bytes as text, where they are one.
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn location(&self) -> &str {
        self.header("location")
    }

    /// The value of the first hidden field with this name.
    pub fn hidden(&self, name: &str) -> String {
        let marked = format!("name=\"{name}\" value=\"");
        let rest = self
            .body
            .split(&marked)
            .nth(1)
            .unwrap_or_else(|| panic!("no field {name} in {}", self.body));
        rest.split('"').next().unwrap().to_owned()
    }
}

pub struct Browser {
    router: Router,
    cookies: BTreeMap<String, String>,
    form_token: String,
    pub accept_language: String,
}

impl Browser {
    pub fn new(router: Router) -> Browser {
        Browser {
            router,
            cookies: BTreeMap::new(),
            form_token: String::new(),
            accept_language: String::new(),
        }
    }

    /// The router, for a second browser on the same program.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// The token of the last page with a form.
    pub fn form_token(&self) -> &str {
        &self.form_token
    }

    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    pub fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.insert(name.to_owned(), value.to_owned());
    }

    pub fn drop_cookie(&mut self, name: &str) {
        self.cookies.remove(name);
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        let request = Request::get(path).body(Body::empty()).unwrap();
        self.send(request).await
    }

    /// Posts a form with the token of the last page seen; a page is fetched for it when there is none yet.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        if self.form_token.is_empty() {
            self.get("/verify").await;
        }
        let token = self.form_token.clone();
        self.post_with(path, fields, &token, &[]).await
    }

    pub async fn post_with(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
        token: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut pairs = vec![format!("form_token={}", encoded(token))];
        pairs.extend(
            fields
                .iter()
                .map(|(name, value)| format!("{name}={}", encoded(value))),
        );
        let mut request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(pairs.join("&"))).unwrap())
            .await
    }

    /// Posts a multipart form with a file and the token of the last page seen.
    pub async fn post_file(&mut self, path: &str, fields: &[(&str, &str)], file: Option<&[u8]>) -> Answer {
        let token = self.form_token.clone();
        let mut body = Vec::new();
        for (name, value) in [("form_token", token.as_str())].iter().chain(fields) {
            body.extend(
                format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes(),
            );
        }
        body.extend(b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x.html\"\r\n\r\n");
        body.extend(file.unwrap_or_default());
        body.extend(b"\r\n--b--\r\n");
        let request = Request::post(path)
            .header("content-type", "multipart/form-data; boundary=b")
            .body(Body::from(body))
            .unwrap();
        self.send(request).await
    }

    /// Signs in from the sign-in page, and fetches a page for the new session's token.
    pub async fn sign_in(&mut self, login: &str, password: &str) -> Answer {
        self.get("/sign-in").await;
        let answer = self
            .post("/sign-in", &[("login", login), ("password", password)])
            .await;
        if answer.status == StatusCode::SEE_OTHER {
            self.get("/verify").await;
        }
        answer
    }

    async fn send(&mut self, mut request: Request<Body>) -> Answer {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let headers = request.headers_mut();
        if !cookies.is_empty() {
            headers.insert("cookie", cookies.join("; ").parse().unwrap());
        }
        if !self.accept_language.is_empty() {
            headers.insert("accept-language", self.accept_language.parse().unwrap());
        }
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes().to_vec();
        let cookies: Vec<String> = parts
            .headers
            .get_all("set-cookie")
            .iter()
            .map(|value| value.to_str().unwrap().to_owned())
            .collect();
        for cookie in &cookies {
            let (name, rest) = cookie.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if rest.contains("Max-Age=0") {
                self.cookies.remove(name)
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned())
            };
        }
        let body = String::from_utf8(bytes.clone()).unwrap_or_default();
        if let Some(rest) = body.split("name=\"form_token\" value=\"").nth(1) {
            self.form_token = rest.split('"').next().unwrap().to_owned();
        }
        Answer {
            status: parts.status,
            headers: parts.headers,
            cookies,
            bytes,
            body,
        }
    }
}
