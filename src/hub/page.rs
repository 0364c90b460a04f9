//! The page at `/` and what it needs: read once at the start, sent as they are.
//!
//! A missing file is no reason for a hub not to start: its place is answered with 404 and the sentence that says so.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::collections::HashMap;
use std::sync::Arc;

use super::shared::Shared;
use crate::model::assets;

/// Path on the hub, file under `assets/`, type.
const FILES: [(&str, &str, &str); 6] = [
    ("index.html", "web/index.html", "text/html; charset=utf-8"),
    ("page.css", "web/page.css", "text/css; charset=utf-8"),
    ("page.js", "web/page.js", "text/javascript; charset=utf-8"),
    ("figures.ttf", "fonts/Barlow-600SemiBold-tabular.ttf", "font/ttf"),
    ("figures-bold.ttf", "fonts/Barlow-700Bold-tabular.ttf", "font/ttf"),
    ("icon.svg", "web/icon.svg", "image/svg+xml"),
];

#[derive(Default)]
pub struct Page {
    files: HashMap<&'static str, (&'static str, Bytes)>,
}

impl Page {
    pub fn load() -> Page {
        let mut files = HashMap::new();
        for (name, file, kind) in FILES {
            let path = assets::path(file);
            match std::fs::read(&path) {
                Ok(bytes) => {
                    files.insert(name, (kind, Bytes::from(bytes)));
                }
                Err(error) => tracing::warn!("the page lacks {}: {error}", path.display()),
            }
        }
        Page { files }
    }

    fn answer(&self, name: &str) -> Response {
        match self.files.get(name) {
            Some((kind, bytes)) => {
                ([(header::CONTENT_TYPE, *kind), (header::CACHE_CONTROL, "no-cache")], bytes.clone()).into_response()
            }
            None => (StatusCode::NOT_FOUND, "there is no such page; / shows the wall\n").into_response(),
        }
    }
}

pub async fn index(State(shared): State<Arc<Shared>>) -> Response {
    shared.page.answer("index.html")
}

pub async fn file(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Response {
    shared.page.answer(&name)
}
