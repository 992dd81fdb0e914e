//! Writing JSON straight into bytes, in the form PocketBase's clients and byte-wise comparisons expect.

use serde_json::Value as Json;

/// Appends a string with its quotes. `<`, `>`, `&` and the two line separators are escaped, as Go's encoder does.
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut start = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        let escape: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0x08 => b"\\b",
            0x0c => b"\\f",
            b'<' | b'>' | b'&' | 0..=0x1f => b"",
            // U+2028 and U+2029 are E2 80 A8 and E2 80 A9.
            0xe2 if bytes[at + 1..].starts_with(&[0x80, 0xa8]) || bytes[at + 1..].starts_with(&[0x80, 0xa9]) => {
                out.extend_from_slice(&bytes[start..at]);
                out.extend_from_slice(if bytes[at + 2] == 0xa8 { b"\\u2028" } else { b"\\u2029" });
                start = at + 3;
                continue;
            }
            _ => continue,
        };
        out.extend_from_slice(&bytes[start..at]);
        start = at + 1;
        if escape.is_empty() {
            out.extend_from_slice(b"\\u00");
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 15)]);
        } else {
            out.extend_from_slice(escape);
        }
    }
    out.extend_from_slice(&bytes[start..]);
    out.push(b'"');
}

/// Appends a number: whole ones without a fraction, an exponent only below 1e-6 and from 1e21.
pub fn write_number(out: &mut Vec<u8>, number: f64) {
    if number == 0.0 {
        out.push(b'0');
    } else if number.is_finite() {
        out.extend_from_slice(ryu_js::Buffer::new().format_finite(number).as_bytes());
    } else {
        out.extend_from_slice(b"null");
    }
}

/// The text of a number, as [`write_number`] writes it.
pub fn number_text(number: f64) -> String {
    let mut out = Vec::new();
    write_number(&mut out, number);
    String::from_utf8(out).unwrap_or_default()
}

/// Appends any value: objects with their keys sorted, numbers as floats.
pub fn write_value(out: &mut Vec<u8>, value: &Json) {
    match value {
        Json::Null => out.extend_from_slice(b"null"),
        Json::Bool(true) => out.extend_from_slice(b"true"),
        Json::Bool(false) => out.extend_from_slice(b"false"),
        Json::Number(number) => write_number(out, number.as_f64().unwrap_or_default()),
        Json::String(text) => write_string(out, text),
        Json::Array(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write_value(out, item);
            }
            out.push(b']');
        }
        Json::Object(keys) => {
            out.push(b'{');
            for (at, (key, item)) in keys.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write_string(out, key);
                out.push(b':');
                write_value(out, item);
            }
            out.push(b'}');
        }
    }
}

/// The text of any value, as [`write_value`] writes it.
pub fn text(value: &Json) -> String {
    let mut out = Vec::new();
    write_value(&mut out, value);
    String::from_utf8(out).unwrap_or_default()
}

/// Appends JSON text as it is but for the white space between its tokens; `null` if it is not JSON.
pub fn write_compact(out: &mut Vec<u8>, text: &str) {
    if serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
        out.extend_from_slice(b"null");
        return;
    }
    let (mut in_string, mut escaped) = (false, false);
    for &byte in text.as_bytes() {
        if in_string {
            out.push(byte);
            if escaped {
                escaped = false;
            } else {
                escaped = byte == b'\\';
                in_string = byte != b'"';
            }
        } else if !byte.is_ascii_whitespace() {
            in_string = byte == b'"';
            out.push(byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(text: &str) -> String {
        let mut out = Vec::new();
        write_string(&mut out, text);
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn strings_are_escaped_as_stock_servers_do() {
        assert_eq!(string("a\"b\\c\n<&>\u{1}\u{2028}é"), r#""a\"b\\c\n\u003c\u0026\u003e\u0001\u2028é""#);
    }

    #[test]
    fn numbers_look_like_javascripts() {
        let numbers = [5.0, -0.0, 1.5, 1e21, 1e-7, 12_345_678_901_234_567_890.0];
        let texts: Vec<String> = numbers.into_iter().map(number_text).collect();
        assert_eq!(texts, ["5", "0", "1.5", "1e+21", "1e-7", "12345678901234567000"]);
    }

    #[test]
    fn compacting_keeps_order_and_number_text() {
        let mut out = Vec::new();
        write_compact(&mut out, "{\"b\": 1, \"a\" : 2.0, \"s\": \" x \\\" y \"}");
        assert_eq!(out, br#"{"b":1,"a":2.0,"s":" x \" y "}"#);
        out.clear();
        write_compact(&mut out, "not json");
        assert_eq!(out, b"null");
    }
}
