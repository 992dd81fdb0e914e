//! Where in an HTTP/1.1 stream the request lines are: what is between them is counted, never changed. A stream that
//! is not understood, or that turns into something else, is left alone from there on.

/// As much of a header as has to be looked at: the longest name of interest and a length.
const HEADER: usize = 64;

/// How far a stream has been followed.
#[derive(Debug, Default)]
pub(crate) struct Framing {
    at: At,
    /// The beginning of the current header or chunk size, in lower case.
    line: Vec<u8>,
    /// What the headers have said of the body.
    body: Body,
}

#[derive(Debug, Default)]
enum At {
    /// Before or in a request line.
    #[default]
    RequestLine,
    Header,
    /// In as many more bytes of a body of known length, or of a chunk and the line end after it.
    Content {
        left: u64,
        chunked: bool,
    },
    ChunkSize,
    Trailer,
    /// In what is nobody's business here.
    Beyond,
}

#[derive(Debug, Default)]
enum Body {
    #[default]
    None,
    Long(u64),
    Chunked,
    Unknown,
}

impl Framing {
    /// Follows the stream through these bytes. Answers where among them an address has to be encoded.
    pub(crate) fn follow(&mut self, bytes: &[u8]) -> Vec<usize> {
        let mut unsound = Vec::new();
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            match &mut self.at {
                At::Beyond => break,
                At::Content { left, chunked } => {
                    let here = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len() - at);
                    *left -= here as u64;
                    at += here;
                    if *left == 0 {
                        self.at = if *chunked { At::ChunkSize } else { At::RequestLine };
                    }
                    continue;
                }
                At::RequestLine => match byte {
                    b'"' | b'<' | b'>' | b'`' => {
                        unsound.push(at);
                        self.line.push(byte);
                    }
                    // Empty lines may stand before a request.
                    b'\n' if !self.line.is_empty() => self.begin_headers(),
                    b'\r' | b'\n' => {}
                    _ if self.line.is_empty() && !byte.is_ascii_uppercase() => self.at = At::Beyond,
                    _ => self.remember(byte),
                },
                At::Header | At::ChunkSize | At::Trailer if byte == b'\n' => self.end_line(),
                At::Header | At::ChunkSize | At::Trailer => self.remember(byte),
            }
            at += 1;
        }
        unsound
    }

    fn remember(&mut self, byte: u8) {
        if self.line.len() < HEADER {
            self.line.push(byte.to_ascii_lowercase());
        }
    }

    fn begin_headers(&mut self) {
        self.line.clear();
        self.body = Body::None;
        self.at = At::Header;
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let line = line.trim_ascii();
        self.at = match &self.at {
            At::Header if !line.is_empty() => {
                self.note(line);
                return;
            }
            At::Header => match self.body {
                Body::None | Body::Long(0) => At::RequestLine,
                Body::Long(left) => At::Content { left, chunked: false },
                Body::Chunked => At::ChunkSize,
                Body::Unknown => At::Beyond,
            },
            At::ChunkSize => match chunk_size(line) {
                Some(0) => At::Trailer,
                Some(size) => At::Content { left: size.saturating_add(2), chunked: true },
                None => At::Beyond,
            },
            At::Trailer if line.is_empty() => At::RequestLine,
            _ => return,
        };
    }

    fn note(&mut self, header: &[u8]) {
        let Some(colon) = header.iter().position(|&byte| byte == b':') else {
            return;
        };
        let value = header[colon + 1..].trim_ascii();
        match (&header[..colon], &self.body) {
            (b"transfer-encoding", _) => self.body = if value == b"chunked" { Body::Chunked } else { Body::Unknown },
            (b"content-length", Body::None) => self.body = number(value, 10).map_or(Body::Unknown, Body::Long),
            (b"upgrade", _) => self.body = Body::Unknown,
            _ => {}
        }
    }
}

fn chunk_size(line: &[u8]) -> Option<u64> {
    let digits = line.split(|&byte| byte == b';').next().unwrap_or_default();
    number(digits.trim_ascii(), 16)
}

fn number(digits: &[u8], radix: u32) -> Option<u64> {
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which characters of a stream would be encoded, however it is cut.
    fn unsound(stream: &str) -> Vec<usize> {
        let whole = Framing::default().follow(stream.as_bytes());
        let mut framing = Framing::default();
        let single = stream.bytes().enumerate().filter(|(_, byte)| !framing.follow(&[*byte]).is_empty());
        assert_eq!(single.map(|(at, _)| at).collect::<Vec<_>>(), whole);
        whole
    }

    #[test]
    fn only_request_lines_are_touched() {
        let get = "GET /?a=\"b\" HTTP/1.1\r\nHost: \"x\"\r\n\r\n";
        assert_eq!(unsound(get), [8, 10]);
        let second = get.len() + 8;
        assert_eq!(unsound(&format!("{get}{get}")), [8, 10, second, second + 2]);
        assert_eq!(unsound(&format!("\r\n{get}")), [10, 12]);
    }

    #[test]
    fn bodies_are_passed_over() {
        let body = "{\"a\":\"<b>\"}\r\n\r\nGET /\"";
        let long = format!("POST / HTTP/1.1\r\ncontent-LENGTH: {}\r\n\r\n{body}", body.len());
        let chunked = format!(
            "POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n{:X};x=\"y\"\r\n{body}\r\n0\r\nT: \"\r\n\r\n",
            body.len()
        );
        for post in [long, chunked] {
            assert_eq!(unsound(&post), []);
            assert_eq!(unsound(&format!("{post}GET /> HTTP/1.1\r\n\r\n")), [post.len() + 5]);
        }
    }

    #[test]
    fn what_is_not_understood_is_left_alone() {
        for stream in [
            "GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\nGET /\" HTTP/1.1\r\n",
            "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\nGET /\" HTTP/1.1\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\nGET /\" HTTP/1.1\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\"",
            "{\"no\":\"http\"}",
        ] {
            assert_eq!(unsound(stream), [], "{stream:?}");
        }
    }
}
