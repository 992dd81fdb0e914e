//! A stored file as an answer: what a browser may do with it, and which of its bytes it gets.

use axum::body::Body;
use axum::response::Response;
use chrono::DateTime;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use super::request::{self, Head};
use crate::error::Result;
use crate::files::key::FileKey;
use crate::files::storage::{About, Storage};

/// Types a browser may show by itself.
const INLINE: &[&str] = &[
    "image/png",
    "image/jpg",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "image/x-icon",
    "image/bmp",
    "video/webm",
    "video/mp4",
    "video/3gpp",
    "video/quicktime",
    "video/x-ms-wmv",
    "audio/basic",
    "audio/aiff",
    "audio/mpeg",
    "audio/midi",
    "audio/mp3",
    "audio/wave",
    "audio/wav",
    "audio/x-wav",
    "audio/x-mpeg",
    "audio/x-m4a",
    "audio/aac",
    "application/pdf",
    "application/x-pdf",
];
const POLICY: &str = "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'; sandbox";
const CACHE: &str = "max-age=2592000, stale-while-revalidate=86400";

/// Answers with a stored file, or with the part of it that is asked for.
pub(super) async fn serve(storage: &Storage, key: &FileKey, head: &Head) -> Result<Response> {
    let text = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
    // What is wanted whole is fetched at once, for a bucket may be far away.
    let is_wanted_whole = head.method == Method::GET && text(header::RANGE).is_none();
    let (about, content) = match is_wanted_whole {
        true => storage.open(key).await.map(|(about, content)| (about, Some(content)))?,
        false => (storage.about(key).await?, None),
    };
    let (mut response, part) = begin(key.name(), &about, head);
    if let Some((start, length)) = part {
        *response.body_mut() = match content {
            Some(content) => Body::from_stream(content),
            None if head.method == Method::HEAD => Body::empty(),
            None => Body::from_stream(storage.part(key, start, length).await?),
        };
    }
    Ok(response)
}

/// Whether what was last changed then, to the second, is what somebody had at that moment.
fn is_unchanged(modified: &str, since: &str) -> bool {
    let moment = DateTime::parse_from_rfc2822;
    moment(since).is_ok_and(|since| moment(modified).is_ok_and(|modified| modified <= since))
}

/// An answer without its body, and which bytes are to be that: where they start, and how many.
pub(super) fn begin(name: &str, about: &About, head: &Head) -> (Response, Option<(u64, u64)>) {
    let text = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
    let modified = about.modified.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    let attachment = head.parameter("download").and_then(request::parse_bool).unwrap_or(false);
    describe(headers, name, &about.content_type, attachment);
    insert(headers, header::LAST_MODIFIED, &modified);
    if text(header::IF_MODIFIED_SINCE).is_some_and(|since| is_unchanged(&modified, since)) {
        headers.remove(header::CONTENT_TYPE);
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return (response, None);
    }
    let (size, unchanged) = (about.size, text(header::IF_RANGE).is_none_or(|date| date == modified));
    let (start, length) = match text(header::RANGE).filter(|_| unchanged).map(|range| parse_range(range, size)) {
        None | Some(Range::Whole) => (0, size),
        Some(Range::Part { start, length }) => {
            insert(headers, header::CONTENT_RANGE, &format!("bytes {start}-{}/{size}", start + length - 1));
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            (start, length)
        }
        Some(Range::Outside) => {
            insert(headers, header::CONTENT_RANGE, &format!("bytes */{size}"));
            *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            return (response, None);
        }
    };
    insert(response.headers_mut(), header::CONTENT_LENGTH, &length.to_string());
    (response, Some((start, length)))
}

fn describe(headers: &mut HeaderMap, name: &str, stored_type: &str, attachment: bool) {
    let essence = stored_type.split(';').next().unwrap_or_default();
    let disposition = if INLINE.contains(&essence) && !attachment { "inline" } else { "attachment" };
    insert(headers, header::CONTENT_DISPOSITION, &format!("{disposition}; filename={name}"));
    let content_type = match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("svg") => "image/svg+xml",
        Some("css") => "text/css",
        Some("js" | "mjs") => "text/javascript",
        Some("xlsx") => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        Some("docx") => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        Some("pptx") => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        _ => stored_type,
    };
    insert(headers, header::CONTENT_TYPE, content_type);
    insert(headers, header::CONTENT_SECURITY_POLICY, POLICY);
    insert(headers, header::CACHE_CONTROL, CACHE);
    insert(headers, header::ACCEPT_RANGES, "bytes");
}

fn insert(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

#[derive(Debug, PartialEq)]
enum Range {
    Whole,
    Part { start: u64, length: u64 },
    Outside,
}

/// One range of bytes; several, or what is none, mean the whole.
fn parse_range(text: &str, size: u64) -> Range {
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|range| range.trim().split_once('-')) else {
        return Range::Whole;
    };
    let part = |start: u64, end: u64| match start < size && start <= end {
        true => Range::Part { start, length: end.min(size - 1) - start + 1 },
        false => Range::Outside,
    };
    match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(start), Ok(end)) => part(start, end),
        (Ok(start), Err(_)) if last.is_empty() => part(start, u64::MAX),
        (Err(_), Ok(count)) if first.is_empty() && count > 0 && size > 0 => part(size.saturating_sub(count), u64::MAX),
        (Err(_), Ok(_)) if first.is_empty() => Range::Outside,
        _ => Range::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_did_not_change_since_is_unchanged() {
        let modified = "Sat, 21 Nov 2026 12:00:00 GMT";
        assert!(is_unchanged(modified, modified));
        assert!(is_unchanged(modified, "Sun, 22 Nov 2026 00:00:00 GMT"));
        for since in ["Sat, 21 Nov 2026 11:59:59 GMT", "yesterday", ""] {
            assert!(!is_unchanged(modified, since), "{since}");
        }
    }

    #[test]
    fn ranges_are_read() {
        for (text, range) in [
            ("bytes=0-4", Range::Part { start: 0, length: 5 }),
            ("bytes=8-", Range::Part { start: 8, length: 2 }),
            ("bytes=-3", Range::Part { start: 7, length: 3 }),
            ("bytes=5-99", Range::Part { start: 5, length: 5 }),
            ("bytes=10-", Range::Outside),
            ("bytes=0-1,3-4", Range::Whole),
            ("lines=1-2", Range::Whole),
        ] {
            assert_eq!(parse_range(text, 10), range, "{text}");
        }
    }
}
