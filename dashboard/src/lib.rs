//! Roost's console, embedded in the binary: the built pages and the service that answers with them.
//!
//! The console is a single-page app, so every path that is not a file answers with `index.html` and the browser
//! does the routing. Two trees are never the app's: `/api`, whose routes belong to the server, and `/assets`,
//! where a missing file must look missing. Without `npm run build` the crate still compiles; it then answers with
//! a page that names the missing command.

mod encoding;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use encoding::Encoding;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{StatusCode, Uri};
use rust_embed::{EmbeddedFile, RustEmbed};

/// The files `npm run build` leaves behind, each with its compressed twins beside it.
#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/dist/console"]
#[allow_missing = true]
struct Pages;

/// What every answer says to the browser: load nothing from elsewhere, run no inline script, be in nobody's frame.
/// Style *attributes* stay allowed because scroll locks and positioned menus set them.
const SECURITY: [(HeaderName, &str); 4] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'self'; script-src 'self'; style-src-elem 'self'; style-src-attr 'unsafe-inline'; \
         img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'; object-src 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// The console as a router of its own; merge the API's routes in front of it.
pub fn console() -> Router {
    Router::new().fallback_service(get(serve))
}

async fn serve(request: Request) -> Response {
    let mut response = answer(request.uri(), request.headers());
    for (name, value) in SECURITY {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn answer(uri: &Uri, headers: &HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    if is_under(path, "api") {
        return unknown_route();
    }
    if let Some(file) = File::find(path, headers) {
        return file.respond(headers);
    }
    if is_under(path, "assets") {
        return (StatusCode::NOT_FOUND, "There is no such file.\n").into_response();
    }
    match File::find("index.html", headers) {
        Some(page) => page.respond(headers),
        None => not_built(),
    }
}

fn is_under(path: &str, tree: &str) -> bool {
    path.strip_prefix(tree).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// One file in the representation this client likes best.
struct File {
    name: String,
    encoding: Encoding,
    content: EmbeddedFile,
}

impl File {
    /// The twins are not addressable: they are representations, not files.
    fn find(name: &str, headers: &HeaderMap) -> Option<File> {
        if Encoding::TWINS.iter().any(|twin| name.ends_with(twin.suffix())) {
            return None;
        }
        Encoding::accepted(headers).find_map(|encoding| {
            let content = Pages::get(&format!("{name}{}", encoding.suffix()))?;
            Some(File { name: name.to_owned(), encoding, content })
        })
    }

    fn respond(self, request: &HeaderMap) -> Response {
        let tag = self.entity_tag();
        let mut response = if holds(request, &tag) { StatusCode::NOT_MODIFIED.into_response() } else { self.whole() };
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(self.caching()));
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            headers.insert(header::ETAG, tag);
        }
        response
    }

    fn whole(&self) -> Response {
        let mut response = Body::from(self.content.data.clone().into_owned()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(&self.name)));
        if let Some(name) = self.encoding.name() {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
        }
        response
    }

    /// A hash of these very bytes, so each encoding has a tag of its own.
    fn entity_tag(&self) -> String {
        let hash = self.content.metadata.sha256_hash();
        let hex: String = hash[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("\"{hex}\"")
    }

    /// Names under `assets/` carry a hash of their content; everything else keeps its name between releases.
    fn caching(&self) -> &'static str {
        if is_under(&self.name, "assets") { "public, max-age=31536000, immutable" } else { "no-cache" }
    }
}

/// Whether the client said that it already has the bytes under this tag.
fn holds(request: &HeaderMap, tag: &str) -> bool {
    request
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|candidate| candidate.trim().trim_start_matches("W/") == tag)
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        Some("png") => "image/png",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// What the API answers to a path it does not know, in its usual envelope.
fn unknown_route() -> Response {
    let body = r#"{"data":{},"message":"The requested resource wasn't found.","status":404}"#;
    (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn not_built() -> Response {
    let page = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Roost</title>\
                <h1>The console is not built</h1>\
                <p>Run <code>npm ci</code> and <code>npm run build</code> in <code>dashboard/</code>, then build \
                the server again. The API answers as usual.</p></html>";
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    (StatusCode::SERVICE_UNAVAILABLE, headers, page).into_response()
}

#[cfg(test)]
mod tests;
