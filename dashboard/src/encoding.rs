//! Which compressed twin of a file a client may be given.
//!
//! The twins are made once, at build time, at the highest level: nothing is compressed while answering.

use http::HeaderMap;
use http::header::ACCEPT_ENCODING;

/// How the bytes of a file are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Brotli,
    Gzip,
    Plain,
}

impl Encoding {
    /// The compressed ones, smallest result first.
    pub(crate) const TWINS: [Encoding; 2] = [Encoding::Brotli, Encoding::Gzip];

    /// What this client accepts, best first; the plain bytes are always last.
    pub(crate) fn accepted(headers: &HeaderMap) -> impl Iterator<Item = Encoding> {
        let twins = Encoding::TWINS.into_iter().filter(|twin| twin.name().is_some_and(|name| accepts(headers, name)));
        twins.chain([Encoding::Plain])
    }

    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Encoding::Brotli => Some("br"),
            Encoding::Gzip => Some("gzip"),
            Encoding::Plain => None,
        }
    }

    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Encoding::Brotli => ".br",
            Encoding::Gzip => ".gz",
            Encoding::Plain => "",
        }
    }
}

/// Whether `name` is listed and not refused with `q=0`.
fn accepts(headers: &HeaderMap, name: &str) -> bool {
    headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|item| {
            let (coding, parameters) = item.split_once(';').unwrap_or((item, ""));
            coding.trim().eq_ignore_ascii_case(name) && !is_zero(parameters)
        })
}

fn is_zero(parameters: &str) -> bool {
    let weight = parameters.trim().strip_prefix("q=").and_then(|weight| weight.trim().parse::<f32>().ok());
    weight.is_some_and(|weight| weight <= 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(value: &'static str) -> Vec<Encoding> {
        let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, http::HeaderValue::from_static(value))]);
        Encoding::accepted(&headers).collect()
    }

    #[test]
    fn brotli_comes_before_gzip_whatever_the_order() {
        assert_eq!(accepted("gzip, deflate, br, zstd"), [Encoding::Brotli, Encoding::Gzip, Encoding::Plain]);
    }

    #[test]
    fn a_coding_refused_with_zero_is_not_used() {
        assert_eq!(accepted("br;q=0, gzip;q=0.5"), [Encoding::Gzip, Encoding::Plain]);
    }

    #[test]
    fn who_accepts_nothing_gets_the_plain_bytes() {
        assert_eq!(Encoding::accepted(&HeaderMap::new()).collect::<Vec<_>>(), [Encoding::Plain]);
    }
}
