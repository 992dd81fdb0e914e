//! Pages of the backend's own: the files of its public folder, for every path no endpoint answers.

use std::path::{Path, PathBuf};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, Method, StatusCode, header};
use percent_encoding::percent_decode_str;
use tokio::fs;
use tokio::io::AsyncReadExt as _;
use tower::ServiceExt as _;
use tower_http::services::ServeFile;

use super::activity::Quiet;
use crate::app::{App, Site};
use crate::error::ApiError;
use crate::files::content_type::sniff;

const INDEX: &str = "index.html";
/// What tells a file's type when its name does not.
const SNIFFED: usize = 512;

/// Answers what no endpoint does.
pub async fn serve(State(app): State<App>, request: Request) -> Response {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let Some(root) = app.site().public_dir.as_deref().filter(|_| is_read) else {
        return ApiError::not_found("").into_response();
    };
    let mut answer = match find(app.site(), root, request.uri().path()).await {
        Page::File(file) => send(&file, request).await,
        Page::Moved(path) => moved(&path),
        Page::Missing => missing(),
    };
    answer.extensions_mut().insert(Quiet);
    answer
}

/// What a path of the site stands for.
#[derive(Debug, PartialEq)]
enum Page {
    File(PathBuf),
    /// The same under its proper name.
    Moved(String),
    Missing,
}

async fn find(site: &Site, root: &Path, path: &str) -> Page {
    if let Some(file) = locate(root, path)
        && let Ok(metadata) = fs::metadata(&file).await
    {
        let (folder, has_slash) = (metadata.is_dir(), path.ends_with('/'));
        match path.strip_suffix(INDEX).filter(|parent| parent.ends_with('/')) {
            Some(parent) if !folder => return Page::Moved(parent.to_owned()),
            _ if folder && !has_slash => return Page::Moved(format!("{path}/")),
            _ if folder && is_file(&file.join(INDEX)).await => return Page::File(file.join(INDEX)),
            _ if !folder && has_slash => return Page::Moved(path.trim_end_matches('/').to_owned()),
            _ if !folder => return Page::File(file),
            _ => {}
        }
    }
    let first = root.join(INDEX);
    if site.index_fallback && is_file(&first).await { Page::File(first) } else { Page::Missing }
}

/// Where a path leads inside the folder; nowhere for what would lead out of it.
fn locate(root: &Path, path: &str) -> Option<PathBuf> {
    let inner = path.strip_prefix('/')?;
    let inner = inner.strip_suffix('/').unwrap_or(inner);
    let mut file = root.to_owned();
    for segment in inner.split('/').filter(|_| !inner.is_empty()) {
        let name = percent_decode_str(segment).decode_utf8().ok()?;
        if matches!(&*name, "" | "." | "..") || name.contains(['/', '\\', '\0']) {
            return None;
        }
        file.push(&*name);
    }
    Some(file)
}

async fn is_file(path: &Path) -> bool {
    fs::metadata(path).await.is_ok_and(|metadata| metadata.is_file())
}

/// The file or the range of it that is asked for.
async fn send(file: &Path, request: Request) -> Response {
    let Ok(response) = ServeFile::new(file).oneshot(request).await;
    if response.status() == StatusCode::NOT_FOUND {
        return missing();
    }
    let mut response = response.map(Body::new);
    if let Some(guessed) = response.headers().get(header::CONTENT_TYPE).cloned()
        && let Some(better) = content_type(file, guessed.to_str().unwrap_or_default()).await
    {
        response.headers_mut().insert(header::CONTENT_TYPE, better);
    }
    response
}

/// Texts are taken for UTF-8; what has no telling name is judged by its beginning.
async fn content_type(file: &Path, guessed: &str) -> Option<HeaderValue> {
    let essence = match guessed {
        "application/octet-stream" => {
            let mut head = Vec::with_capacity(SNIFFED);
            fs::File::open(file).await.ok()?.take(SNIFFED as u64).read_to_end(&mut head).await.ok()?;
            sniff(&head).0
        }
        guessed => guessed,
    };
    if essence.starts_with("text/") && !essence.contains("charset") {
        return HeaderValue::try_from(format!("{essence}; charset=utf-8")).ok();
    }
    HeaderValue::try_from(essence).ok()
}

fn moved(path: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::MOVED_PERMANENTLY;
    if let Ok(location) = HeaderValue::try_from(path) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

fn missing() -> Response {
    ApiError::not_found("File not found.").into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn paths_find_files_folders_and_the_first_page() {
        let dir = tempfile::tempdir().expect("a directory");
        let root = dir.path();
        std::fs::create_dir_all(root.join("sub")).expect("makes");
        std::fs::create_dir_all(root.join("bare")).expect("makes");
        for file in ["index.html", "sub/index.html", "a.css", "with space"] {
            std::fs::write(root.join(file), file).expect("writes");
        }
        let site = Site { index_fallback: true, ..Site::default() };
        let file = |name: &str| Page::File(root.join(name));
        let moved = |path: &str| Page::Moved(path.to_owned());
        for (path, expected) in [
            ("/", file("index.html")),
            ("/index.html", moved("/")),
            ("/sub", moved("/sub/")),
            ("/sub/", file("sub/index.html")),
            ("/sub/index.html", moved("/sub/")),
            ("/a.css", file("a.css")),
            ("/a.css/", moved("/a.css")),
            ("/with%20space", file("with space")),
            ("/bare", moved("/bare/")),
            ("/bare/", file("index.html")),
            ("/bare/index.html", file("index.html")),
            ("/missing/x.png", file("index.html")),
            ("/%2e%2e/secret", file("index.html")),
            ("//example.com/..", file("index.html")),
        ] {
            assert_eq!(find(&site, root, path).await, expected, "{path}");
        }
        let strict = Site::default();
        assert_eq!(find(&strict, root, "/missing").await, Page::Missing);
    }

    #[test]
    fn nothing_leads_out_of_the_folder() {
        let root = Path::new("/srv");
        for path in ["/..", "/../x", "/%2e%2e/x", "/a/..%2fx", "/a%00", "//x", "/a//b", "/./a", "/a\\..", "x"] {
            assert_eq!(locate(root, path), None, "{path}");
        }
        assert_eq!(locate(root, "/a/b/"), Some(PathBuf::from("/srv/a/b")));
    }
}
