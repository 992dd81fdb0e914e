//! What a file is, judged by its first bytes: a client's word is never taken.

/// The content type and the extension that goes with it.
pub fn sniff(head: &[u8]) -> (&'static str, &'static str) {
    const MAGIC: &[(usize, &[u8], &str, &str)] = &[
        (0, b"\x89PNG\r\n\x1a\n", "image/png", ".png"),
        (0, b"\xff\xd8\xff", "image/jpeg", ".jpg"),
        (0, b"GIF87a", "image/gif", ".gif"),
        (0, b"GIF89a", "image/gif", ".gif"),
        (8, b"WEBP", "image/webp", ".webp"),
        (0, b"BM", "image/bmp", ".bmp"),
        (0, b"\0\0\x01\0", "image/x-icon", ".ico"),
        (0, b"II*\0", "image/tiff", ".tiff"),
        (0, b"MM\0*", "image/tiff", ".tiff"),
        (4, b"ftypavif", "image/avif", ".avif"),
        (4, b"ftypheic", "image/heic", ".heic"),
        (4, b"ftypqt", "video/quicktime", ".mov"),
        (4, b"ftyp3g", "video/3gpp", ".3gp"),
        (4, b"ftypM4A", "audio/x-m4a", ".m4a"),
        (4, b"ftyp", "video/mp4", ".mp4"),
        (0, b"\x1aE\xdf\xa3", "video/webm", ".webm"),
        (8, b"AVI ", "video/x-msvideo", ".avi"),
        (8, b"WAVE", "audio/wav", ".wav"),
        (0, b"ID3", "audio/mpeg", ".mp3"),
        (0, b"\xff\xfb", "audio/mpeg", ".mp3"),
        (0, b"OggS", "application/ogg", ".ogg"),
        (0, b"fLaC", "audio/flac", ".flac"),
        (0, b"MThd", "audio/midi", ".midi"),
        (0, b"%PDF-", "application/pdf", ".pdf"),
        (0, b"PK\x03\x04", "application/zip", ".zip"),
        (0, b"PK\x05\x06", "application/zip", ".zip"),
        (0, b"\x1f\x8b", "application/gzip", ".gz"),
        (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed", ".7z"),
        (0, b"Rar!\x1a\x07", "application/x-rar-compressed", ".rar"),
        (0, b"SQLite format 3\0", "application/vnd.sqlite3", ".sqlite"),
        (0, b"\0asm", "application/wasm", ".wasm"),
        (0, b"wOFF", "font/woff", ".woff"),
        (0, b"wOF2", "font/woff2", ".woff2"),
        (0, b"\x7fELF", "application/x-elf", ""),
    ];
    for (offset, magic, content_type, extension) in MAGIC {
        if head.get(*offset..).is_some_and(|rest| rest.starts_with(magic)) {
            return (content_type, extension);
        }
    }
    if head.iter().any(|byte| matches!(byte, 0..=8 | 0x0e..=0x1a | 0x1c..=0x1f)) {
        return ("application/octet-stream", "");
    }
    sniff_text(head)
}

fn sniff_text(head: &[u8]) -> (&'static str, &'static str) {
    let text = String::from_utf8_lossy(head);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let lower: String = text.chars().take(512).collect::<String>().to_ascii_lowercase();
    let begins = |markers: &[&str]| markers.iter().any(|marker| lower.starts_with(marker));
    if lower.starts_with("<svg") || (begins(&["<?xml", "<!doctype svg", "<!--"]) && lower.contains("<svg")) {
        return ("image/svg+xml", ".svg");
    }
    if begins(&[
        "<!doctype html",
        "<html",
        "<head",
        "<body",
        "<script",
        "<iframe",
        "<h1",
        "<div",
        "<table",
        "<p>",
        "<a ",
    ]) {
        return ("text/html; charset=utf-8", ".html");
    }
    if lower.starts_with("<?xml") {
        return ("text/xml; charset=utf-8", ".xml");
    }
    if begins(&["{", "["]) && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
        return ("application/json", ".json");
    }
    ("text/plain; charset=utf-8", ".txt")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_decides_about_the_type() {
        for (head, content_type) in [
            (&b"\x89PNG\r\n\x1a\n...."[..], "image/png"),
            (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
            (b"hello", "text/plain; charset=utf-8"),
            (b"", "text/plain; charset=utf-8"),
            (b"<?xml version=\"1.0\"?><svg xmlns=\"\"/>", "image/svg+xml"),
            (b"<!DOCTYPE html><p>", "text/html; charset=utf-8"),
            (b"{\"a\": 1}", "application/json"),
            (b"\0\x01\x02", "application/octet-stream"),
        ] {
            assert_eq!(sniff(head).0, content_type, "{:?}", String::from_utf8_lossy(head));
        }
    }
}
