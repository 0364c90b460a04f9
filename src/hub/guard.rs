//! Who may speak to the hub from a browser: a page of the hub's own, under a name that is the hub's.
//!
//! A foreign page must not reach the hub through its visitor's browser, neither by a WebSocket or POST (`Origin`) nor by
//! a name of its own that it lets point here (`Host`, DNS rebinding). Programs that are no browsers send no
//! `Origin` and are not hindered. Roles and tokens are another matter and not here.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderValue};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// The names, besides addresses and `localhost`, under which the hub answers.
#[derive(Clone, Debug, Default)]
pub struct Names(pub Arc<Vec<String>>);

/// The middleware: refuses with 403 and a sentence, and puts the headers every answer has.
pub async fn guard(State(names): State<Names>, request: Request, next: Next) -> Response {
    let mut response = match refusal(&names.0, request.headers(), request.uri()) {
        Some(sentence) => (StatusCode::FORBIDDEN, format!("{sentence}\n")).into_response(),
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    let all = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "SAMEORIGIN"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; \
             font-src 'self'; connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
        ),
    ];
    for (name, value) in all {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// Why the request is refused, or `None`.
fn refusal(names: &[String], headers: &HeaderMap, uri: &Uri) -> Option<String> {
    let host = match headers.get(header::HOST) {
        Some(host) => host.to_str().ok(),
        None => uri.authority().map(|authority| authority.as_str()),
    };
    // HTTP/1.0 without a Host comes from no browser.
    let Some(host) = host else {
        return headers.contains_key(header::ORIGIN).then(|| "a request with an Origin needs a Host".to_owned());
    };
    if !is_own(names, host) {
        return Some(format!(
            "this hub does not answer to the name {:?}: use its address, or start it with --name",
            host.chars().take(80).collect::<String>()
        ));
    }
    let origin = headers.get(header::ORIGIN)?;
    let origin_host = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    if origin_host.is_some_and(|origin_host| origin_host.eq_ignore_ascii_case(host)) {
        return None;
    }
    Some("a page from another address may not use this hub (Origin and Host differ)".to_owned())
}

/// An address, `localhost`, or a name that was given. A name an attacker owns is none of these.
fn is_own(names: &[String], host: &str) -> bool {
    let name = without_port(host);
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<IpAddr>().is_ok()
        || name.eq_ignore_ascii_case("localhost")
        || names.iter().any(|own| own.eq_ignore_ascii_case(name))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        // `[::1]` holds colons but no port.
        Some((name, port)) if !port.contains(']') && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(host: &str, origin: Option<&str>) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        refusal(&["wall.example.cn".to_owned()], &headers, &Uri::from_static("/ws"))
    }

    #[test]
    fn addresses_localhost_and_given_names_are_the_hubs_own() {
        for host in [
            "127.0.0.1:8189",
            "127.0.0.1",
            "[::1]:8189",
            "[::1]",
            "localhost:8189",
            "Wall.Example.cn:80",
            "10.0.0.7:8189",
        ] {
            assert_eq!(asked(host, None), None, "{host}");
            assert_eq!(asked(host, Some(&format!("http://{host}"))), None, "{host}");
        }
    }

    #[test]
    fn a_rebound_name_and_a_foreign_page_are_refused() {
        assert!(asked("evil.example", None).is_some());
        assert!(asked("evil.example:8189", Some("http://evil.example:8189")).is_some());
        assert!(asked("127.0.0.1.evil.example", None).is_some());
        for origin in
            ["http://evil.example", "null", "http://127.0.0.1:9999", "http://localhost:8189", "127.0.0.1:8189"]
        {
            assert!(asked("127.0.0.1:8189", Some(origin)).is_some(), "{origin}");
        }
    }
}
