//! HTML as plain text, for mail programs and people that prefer it: links as `[text](address)`, items as `- `.

/// Elements whose content is not for reading.
const SILENT: [&str; 4] = ["style", "script", "head", "title"];
/// Elements that begin and end a line.
const BLOCKS: [&str; 22] = [
    "address",
    "article",
    "blockquote",
    "div",
    "dl",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "li",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "ul",
];

/// What an HTML page says. Never fails: what is no markup is text.
pub(super) fn text(html: &str) -> String {
    let mut page = Page::default();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        page.add(&rest[..at]);
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            continue;
        }
        let Some(end) = rest.find('>') else { break };
        let tag = Tag::parse(&rest[1..end]);
        rest = &rest[end + 1..];
        if !tag.closes && SILENT.contains(&tag.name.as_str()) {
            rest = after_element(rest, &tag.name);
        } else {
            page.turn(&tag);
        }
    }
    page.add(if rest.starts_with('<') { "" } else { rest });
    page.finish()
}

struct Tag {
    name: String,
    closes: bool,
    href: Option<String>,
}

impl Tag {
    fn parse(inside: &str) -> Tag {
        let (closes, inside) = match inside.strip_prefix('/') {
            Some(inside) => (true, inside),
            None => (false, inside),
        };
        let end = inside.find(|c: char| c.is_whitespace() || c == '/').unwrap_or(inside.len());
        let (name, attributes) = inside.split_at(end);
        Tag { name: name.to_ascii_lowercase(), closes, href: attribute(attributes, "href") }
    }
}

/// The value of an attribute, quoted or not.
fn attribute(attributes: &str, name: &str) -> Option<String> {
    let lower = attributes.to_ascii_lowercase();
    let at = lower.find(&format!(" {name}=")).or_else(|| lower.find(&format!("\n{name}=")))?;
    let value = &attributes[at + name.len() + 2..];
    let value = match value.chars().next()? {
        quote @ ('"' | '\'') => value[1..].split(quote).next()?,
        _ => value.split_whitespace().next()?,
    };
    Some(decode(value))
}

fn after_element<'h>(rest: &'h str, name: &str) -> &'h str {
    let lower = rest.to_ascii_lowercase();
    let Some(at) = lower.find(&format!("</{name}")) else { return "" };
    rest[at..].find('>').map_or("", |end| &rest[at + end + 1..])
}

#[derive(Default)]
struct Page {
    lines: Vec<String>,
    line: String,
    /// Where the open links lead.
    links: Vec<Option<String>>,
}

impl Page {
    fn add(&mut self, text: &str) {
        for c in decode(text).chars() {
            if !c.is_whitespace() {
                self.line.push(c);
            } else if !self.line.is_empty() && !self.line.ends_with([' ', '[']) {
                self.line.push(' ');
            }
        }
    }

    fn turn(&mut self, tag: &Tag) {
        match tag.name.as_str() {
            "br" => self.end_line(),
            "hr" => {
                self.end_line();
                self.lines.push("---".to_owned());
            }
            "a" if tag.closes => {
                if let Some(Some(address)) = self.links.pop() {
                    let kept = self.line.trim_end().len();
                    self.line.truncate(kept);
                    self.line.push_str(&format!("]({address})"));
                }
            }
            "a" => {
                if tag.href.is_some() {
                    self.line.push('[');
                }
                self.links.push(tag.href.clone());
            }
            name if BLOCKS.contains(&name) => {
                self.end_line();
                if name == "li" && !tag.closes {
                    self.line.push_str("- ");
                } else if name != "li" && self.lines.last().is_some_and(|line| !line.is_empty()) {
                    self.lines.push(String::new());
                }
            }
            "tr" => self.end_line(),
            "td" | "th" if tag.closes => self.add(" "),
            _ => {}
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if !line.trim().is_empty() {
            self.lines.push(line.trim_end().to_owned());
        }
    }

    fn finish(mut self) -> String {
        self.end_line();
        self.lines.join("\n").trim().to_owned()
    }
}

/// Resolves the entities people write by hand.
fn decode(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        decoded.push_str(&rest[..at]);
        rest = &rest[at..];
        let entity = rest.find(';').filter(|end| *end < 10).and_then(|end| Some((end, character(&rest[1..end])?)));
        match entity {
            Some((end, c)) => {
                decoded.push(c);
                rest = &rest[end + 1..];
            }
            None => {
                decoded.push('&');
                rest = &rest[1..];
            }
        }
    }
    decoded.push_str(rest);
    decoded
}

fn character(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some('\u{a0}'),
        "copy" => Some('©'),
        "mdash" => Some('—'),
        "ndash" => Some('–'),
        "hellip" => Some('…'),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_links_and_lists_stay_readable() {
        let html = "<html><head><style>p{}</style><title>no</title></head><body><p>Hello,</p>\n<p>\n  \
            <a class=\"btn\" href=\"https://x.com/?a=1&amp;b=2\" target=\"_blank\">Verify\n now </a>\n</p>\
            <ul><li>One</li><li>Two &lt;3</li></ul><p>Thanks,<br/>Tree team</p><!-- <p>no</p> --></body></html>";
        assert_eq!(
            text(html),
            "Hello,\n\n[Verify now](https://x.com/?a=1&b=2)\n\n- One\n- Two <3\n\nThanks,\nTree team"
        );
    }

    #[test]
    fn what_is_no_markup_is_text_and_nothing_panics() {
        for (html, expected) in [
            ("", ""),
            ("plain", "plain"),
            ("a < b", "a"),
            ("<p", ""),
            ("<style>", ""),
            ("&unknown; &#9731; &#xZ;", "&unknown; ☃ &#xZ;"),
            ("<a>no link</a></a>", "no link"),
            ("<İ href=x>ß</İ>", "ß"),
        ] {
            assert_eq!(text(html), expected, "{html}");
        }
    }
}
