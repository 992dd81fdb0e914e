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
        (0, b"\xff\xf3", "audio/mpeg", ".mp3"),
        (0, b"\xff\xf2", "audio/mpeg", ".mp3"),
        (0, b"\xff\xf1", "audio/aac", ".aac"),
        (0, b"\xff\xf9", "audio/aac", ".aac"),
        (0, b"OggS", "application/ogg", ".ogg"),
        (0, b"fLaC", "audio/flac", ".flac"),
        (0, b"MThd", "audio/midi", ".midi"),
        (0, b"%PDF-", "application/pdf", ".pdf"),
        (0, b"PK\x05\x06", "application/zip", ".zip"),
        (0, b"\x1f\x8b", "application/gzip", ".gz"),
        (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed", ".7z"),
        (0, b"Rar!\x1a\x07", "application/x-rar-compressed", ".rar"),
        (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage", ""),
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
    if head.starts_with(ENTRY) {
        return sniff_zip(head);
    }
    if head.iter().any(|byte| matches!(byte, 0..=8 | 0x0e..=0x1a | 0x1c..=0x1f)) {
        return ("application/octet-stream", "");
    }
    sniff_text(head)
}

/// What begins an entry of a zip.
const ENTRY: &[u8] = b"PK\x03\x04";

/// Documents that are zips are told by the names of their first entries.
fn sniff_zip(head: &[u8]) -> (&'static str, &'static str) {
    const OPEN_DOCUMENTS: &[(&[u8], &str, &str)] = &[
        (b"application/epub+zip", "application/epub+zip", ".epub"),
        (b"application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.text", ".odt"),
        (b"application/vnd.oasis.opendocument.spreadsheet", "application/vnd.oasis.opendocument.spreadsheet", ".ods"),
        (b"application/vnd.oasis.opendocument.presentation", "application/vnd.oasis.opendocument.presentation", ".odp"),
    ];
    const OFFICE: &[(&[u8], &str, &str)] = &[
        (b"word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", ".docx"),
        (b"xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".xlsx"),
        (b"ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation", ".pptx"),
    ];
    // The name of an entry is behind 30 bytes; that first one is stored as it is.
    let first = head.get(30..).unwrap_or_default();
    let declared = first.strip_prefix(b"mimetype").unwrap_or_default();
    let kinds = OPEN_DOCUMENTS.iter().filter(|(kind, ..)| declared.starts_with(kind));
    if let Some((_, content_type, extension)) = kinds.max_by_key(|(kind, ..)| kind.len()) {
        return (content_type, extension);
    }
    let entries = (0..head.len()).filter(|at| head[*at..].starts_with(ENTRY));
    for name in entries.filter_map(|at| head.get(at + 30..)) {
        if let Some((_, content_type, extension)) = OFFICE.iter().find(|(folder, ..)| name.starts_with(folder)) {
            return (content_type, extension);
        }
    }
    ("application/zip", ".zip")
}

/// Whether two names mean one type, whatever parameters either brings.
pub fn is_same(one: &str, other: &str) -> bool {
    const ALIASES: &[&[&str]] = &[
        &["application/gzip", "application/x-gzip", "application/x-gunzip", "application/gzipped"],
        &["application/ogg", "application/x-ogg"],
        &["application/pdf", "application/x-pdf"],
        &["application/vnd.sqlite3", "application/x-sqlite3"],
        &["application/x-rar-compressed", "application/x-rar"],
        &["application/zip", "application/x-zip", "application/x-zip-compressed"],
        &["audio/midi", "audio/mid", "audio/sp-midi", "audio/x-mid", "audio/x-midi"],
        &["audio/mpeg", "audio/x-mpeg", "audio/mp3"],
        &["audio/wav", "audio/x-wav", "audio/vnd.wave", "audio/wave"],
        &["image/bmp", "image/x-bmp", "image/x-ms-bmp"],
        &["text/xml", "application/xml"],
        &["video/x-msvideo", "video/avi", "video/msvideo"],
    ];
    let essence = |text: &str| text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let (one, other) = (essence(one), essence(other));
    one == other || ALIASES.iter().any(|names| names.contains(&one.as_str()) && names.contains(&other.as_str()))
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
    match is_table(text) {
        true => ("text/csv; charset=utf-8", ".csv"),
        false => ("text/plain; charset=utf-8", ".txt"),
    }
}

/// Whether there are lines, each of as many cells, and of more than one. What is cut off at the end does not count.
fn is_table(text: &str) -> bool {
    let cells = |line: &str| {
        let mut is_quoted = false;
        let commas = line.chars().filter(|letter| {
            is_quoted ^= *letter == '"';
            *letter == ',' && !is_quoted
        });
        commas.count() + 1
    };
    let mut lines = text.lines().map(cells);
    let first = lines.next().unwrap_or_default();
    let others: Vec<usize> = lines.collect();
    let whole = if text.ends_with('\n') { others.len() } else { others.len().saturating_sub(1).max(1) };
    first > 1 && !others.is_empty() && others.iter().take(whole).all(|cells| *cells == first)
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
            (b"name,age\nAnn,\"4,2\"\n", "text/csv; charset=utf-8"),
            (b"Dear Ann,\n\nhow are you?", "text/plain; charset=utf-8"),
            (b"PK\x03\x04..........................file.txt", "application/zip"),
            (b"PK\x03\x04..........................mimetypeapplication/epub+zipPK", "application/epub+zip"),
            (b"\0\x01\x02", "application/octet-stream"),
        ] {
            assert_eq!(sniff(head).0, content_type, "{:?}", String::from_utf8_lossy(head));
        }
    }

    #[test]
    fn a_type_has_several_names() {
        assert!(is_same("application/zip", "application/X-Zip-Compressed; a=b") && is_same("a/b", "a/b"));
        assert!(!is_same("application/zip", "application/gzip"));
    }
}
