//! From text to a [`Filter`].
//!
//! One pass over the bytes with a stack of open groups: no recursion, so nesting costs memory in proportion to the
//! text and nothing else. A group around a single item is dropped, which bounds the depth of the tree by the number of
//! comparisons.

use super::ParseError;
use super::ast::{Comparison, Filter, Group, Item, Join, Operator, Term};

/// How many comparisons a filter may hold.
const MAX_COMPARISONS: usize = 200;

/// How deep function calls may stand in each other.
const MAX_CALL_DEPTH: usize = 3;

/// Reads a filter. An empty text is none.
pub fn parse(text: &str) -> Result<Filter, ParseError> {
    let mut lexer = Lexer { text, at: 0 };
    let mut open = vec![Level::new()];
    let mut comparisons = 0;
    while let Some(token) = lexer.next()? {
        let Some(level) = open.last_mut() else {
            return Err(unexpected(')'));
        };
        match token {
            Token::Open => open.push(Level::new()),
            Token::Close => {
                let closed = open.pop().map(Level::close).transpose()?;
                match (closed, open.last_mut()) {
                    (Some(group), Some(level)) => level.add_group(group),
                    _ => return Err(unexpected(')')),
                }
            }
            Token::Term(term) => {
                if level.add_term(term)? {
                    comparisons += 1;
                }
            }
            Token::Operator(operator) => level.add_operator(operator)?,
            Token::Join(join) => level.add_join(join)?,
        }
        if comparisons > MAX_COMPARISONS {
            return Err(ParseError::new("max filter expressions limit reached"));
        }
    }
    match (open.pop(), open.is_empty()) {
        (Some(level), true) => Ok(Filter::new(level.close()?, text)),
        _ => {
            let missing = open.len();
            Err(ParseError::new(format!("invalid formatted group - missing {missing} closing bracket(s)")))
        }
    }
}

/// Whether the text is one identifier and nothing else.
pub(super) fn is_identifier(text: &str) -> bool {
    let mut lexer = Lexer { text, at: 0 };
    matches!(lexer.next(), Ok(Some(Token::Term(Term::Identifier(name)))) if name.len() == text.len())
}

const LEFT_OPERAND: &str = "left operand (identifier, function, text or number)";
const RIGHT_OPERAND: &str = "right operand (identifier, function text or number)";

/// A group that is still being read.
struct Level {
    items: Vec<(Join, Item)>,
    join: Join,
    state: State,
}

enum State {
    /// A left operand is due.
    Left,
    /// An operator is due.
    Operator(Term),
    /// A right operand is due.
    Right(Term, Operator),
    /// A join or the end is due.
    Done,
}

impl Level {
    fn new() -> Level {
        Level { items: Vec::new(), join: Join::And, state: State::Left }
    }

    /// Takes an operand; true when it completes a comparison.
    fn add_term(&mut self, term: Term) -> Result<bool, ParseError> {
        match std::mem::replace(&mut self.state, State::Done) {
            State::Left => {
                self.state = State::Operator(term);
                Ok(false)
            }
            State::Right(left, operator) => {
                let comparison = Comparison { left, operator, right: term };
                self.items.push((self.join, Item::Comparison(comparison)));
                Ok(true)
            }
            State::Operator(_) => Err(expected("a sign operator", &term.name(), term.kind())),
            State::Done => Err(expected("&& or ||", &term.name(), term.kind())),
        }
    }

    fn add_operator(&mut self, operator: Operator) -> Result<(), ParseError> {
        match std::mem::replace(&mut self.state, State::Done) {
            State::Operator(left) => {
                self.state = State::Right(left, operator);
                Ok(())
            }
            State::Left => Err(expected(LEFT_OPERAND, operator.symbol(), "sign")),
            State::Right(..) => Err(expected(RIGHT_OPERAND, operator.symbol(), "sign")),
            State::Done => Err(expected("&& or ||", operator.symbol(), "sign")),
        }
    }

    fn add_join(&mut self, join: Join) -> Result<(), ParseError> {
        let due = match self.state {
            State::Left => Some(LEFT_OPERAND),
            State::Operator(_) => Some("a sign operator"),
            State::Right(..) => Some(RIGHT_OPERAND),
            State::Done => None,
        };
        if let Some(due) = due {
            return Err(expected(due, join.symbol(), "join"));
        }
        self.join = join;
        self.state = State::Left;
        Ok(())
    }

    /// A group is welcome anywhere: without a join it takes the last one, and an operand left dangling is forgotten.
    fn add_group(&mut self, mut group: Group) {
        let item = match group.0.pop() {
            Some((_, only)) if group.0.is_empty() => only,
            Some(last) => {
                group.0.push(last);
                Item::Group(group)
            }
            None => return,
        };
        self.items.push((self.join, item));
        self.state = State::Done;
    }

    fn close(self) -> Result<Group, ParseError> {
        match self.state {
            State::Done => Ok(Group(self.items)),
            State::Left if self.items.is_empty() => Err(ParseError::new("empty filter expression")),
            _ => Err(ParseError::new("invalid or incomplete filter expression")),
        }
    }
}

enum Token {
    Open,
    Close,
    Term(Term),
    Operator(Operator),
    Join(Join),
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn next(&mut self) -> Result<Option<Token>, ParseError> {
        self.skip_blanks();
        let Some(first) = self.peek() else {
            return Ok(None);
        };
        let token = match first {
            b'(' => {
                self.at += 1;
                Token::Open
            }
            b')' => {
                self.at += 1;
                Token::Close
            }
            b'&' | b'|' => self.join()?,
            b'=' | b'?' | b'!' | b'>' | b'<' | b'~' => self.operator()?,
            _ => Token::Term(self.term(MAX_CALL_DEPTH)?),
        };
        Ok(Some(token))
    }

    fn term(&mut self, calls: usize) -> Result<Term, ParseError> {
        match self.peek() {
            Some(quote @ (b'\'' | b'"')) => self.quoted(char::from(quote)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(first) if starts_identifier(first) => {
                let name = self.identifier()?;
                if self.peek() != Some(b'(') {
                    return Ok(Term::Identifier(name.to_owned()));
                }
                self.at += 1;
                let Some(calls) = calls.checked_sub(1) else {
                    return Err(ParseError::new("function calls are nested too deep"));
                };
                Ok(Term::Call(name.to_owned(), self.arguments(name, calls)?))
            }
            _ => match self.text[self.at..].chars().next() {
                Some('/') => Err(ParseError::new("invalid comment")),
                Some(other) => Err(unexpected(other)),
                None => Err(ParseError::new("unexpected end")),
            },
        }
    }

    /// What stands between the parentheses of a call; the last argument may have a comma after it.
    fn arguments(&mut self, function: &str, calls: usize) -> Result<Vec<Term>, ParseError> {
        let mut arguments = Vec::new();
        loop {
            self.skip_blanks();
            if self.peek() == Some(b')') {
                self.at += 1;
                return Ok(arguments);
            }
            arguments.push(self.term(calls)?);
            self.skip_blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b')') => {}
                _ => {
                    let reason = format!("expected comma after the last argument in function {function:?}");
                    return Err(ParseError::new(reason));
                }
            }
        }
    }

    /// A text up to its closing quote. A backslash stands for itself except before a quote, another backslash, `n`, `r`
    /// and `t`.
    fn quoted(&mut self, quote: char) -> Result<Term, ParseError> {
        let mut text = String::new();
        let mut chars = self.text[self.at..].char_indices().skip(1).peekable();
        while let Some((at, c)) = chars.next() {
            if c == quote {
                self.at += at + 1;
                return Ok(Term::Text(text));
            }
            let meant = match (c, chars.peek()) {
                ('\\', Some((_, escaped @ ('\'' | '"' | '\\')))) => Some(*escaped),
                ('\\', Some((_, 'n'))) => Some('\n'),
                ('\\', Some((_, 'r'))) => Some('\r'),
                ('\\', Some((_, 't'))) => Some('\t'),
                _ => None,
            };
            text.push(meant.unwrap_or(c));
            if meant.is_some() {
                chars.next();
            }
        }
        Err(ParseError::new(format!("invalid quoted text {:?}", &self.text[self.at..])))
    }

    fn number(&mut self) -> Result<Term, ParseError> {
        let start = self.at;
        self.at += 1;
        self.run(start, |byte| byte.is_ascii_digit());
        if self.peek() == Some(b'.') {
            self.at += 1;
        }
        let literal = self.run(start, |byte| byte.is_ascii_digit());
        let digits = literal.strip_prefix('-').unwrap_or(literal);
        let sound = digits.ends_with(|c: char| c.is_ascii_digit());
        match literal.parse() {
            Ok(number) if sound => Ok(Term::Number(number)),
            _ => Err(ParseError::new(format!("invalid number {literal:?}"))),
        }
    }

    fn identifier(&mut self) -> Result<&'a str, ParseError> {
        let start = self.at;
        self.at += 1;
        let name = self.run(start, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':'));
        if name.ends_with(['.', ':']) || matches!(name, "@" | "_" | "#") {
            return Err(ParseError::new(format!("invalid identifier {name:?}")));
        }
        Ok(name)
    }

    fn operator(&mut self) -> Result<Token, ParseError> {
        let symbol = self.run(self.at, |byte| matches!(byte, b'=' | b'?' | b'!' | b'>' | b'<' | b'~'));
        Operator::from_symbol(symbol)
            .map(Token::Operator)
            .ok_or_else(|| ParseError::new(format!("invalid sign operator {symbol:?}")))
    }

    fn join(&mut self) -> Result<Token, ParseError> {
        match self.run(self.at, |byte| matches!(byte, b'&' | b'|')) {
            "&&" => Ok(Token::Join(Join::And)),
            "||" => Ok(Token::Join(Join::Or)),
            other => Err(ParseError::new(format!("invalid join operator {other:?}"))),
        }
    }

    /// The text from `start` to the end of the run of such bytes, all ASCII.
    fn run(&mut self, start: usize, belongs: impl Fn(u8) -> bool) -> &'a str {
        while self.peek().is_some_and(&belongs) {
            self.at += 1;
        }
        &self.text[start..self.at]
    }

    fn skip_blanks(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\n') => self.at += 1,
                Some(b'/') if self.text[self.at..].starts_with("//") => {
                    let rest = &self.text[self.at..];
                    self.at += rest.find('\n').unwrap_or(rest.len());
                }
                _ => return,
            }
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}

fn starts_identifier(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'@' | b'#')
}

fn unexpected(what: char) -> ParseError {
    ParseError::new(format!("unexpected character {what:?}"))
}

fn expected(due: &str, got: &str, kind: &str) -> ParseError {
    ParseError::new(format!("expected {due}, got {got:?} ({kind})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn right_of(comparison: &str) -> Term {
        let filter = parse(comparison).expect("a sound filter");
        match &filter.group.0[..] {
            [(_, Item::Comparison(only))] => only.right.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_backslash_is_special_before_few_characters_only() {
        for (literal, text) in [
            (r"'a\b'", r"a\b".to_owned()),
            (r"'it\'s'", "it's".to_owned()),
            (r#""\"\'""#, "\"'".to_owned()),
            (r"'\n\r\t'", "\n\r\t".to_owned()),
            (r"'\\n'", r"\n".to_owned()),
            (r"'\x\%\u0041'", r"\x\%\u0041".to_owned()),
            (r"'\\'", r"\".to_owned()),
        ] {
            assert_eq!(right_of(&format!("a = {literal}")), Term::Text(text), "{literal}");
        }
        assert!(parse(r"a = 'x\'").is_err() && parse("a = 'x").is_err());
    }

    #[test]
    fn numbers_have_no_exponent() {
        for (literal, number) in [("1", 1.0), ("-1.50", -1.5), ("007", 7.0), ("-.5", -0.5)] {
            assert_eq!(right_of(&format!("a={literal}")), Term::Number(number));
        }
        for literal in ["1.", ".5", "1.2.3", "1e5", "-", "-.", "--1", "+1", "0x1"] {
            assert!(parse(&format!("a={literal}")).is_err(), "{literal}");
        }
    }

    #[test]
    fn calls_may_be_spread_out() {
        let spread = right_of("a = f( 'x' , g(b) // why not)\n , 2, )");
        assert_eq!(spread, right_of("a=f('x',g(b),2)"));
        assert_eq!(right_of("a = f()"), Term::Call("f".to_owned(), Vec::new()));
        for broken in ["f(,)", "f(1,,2)", "f(1 2)", "f(1", "f((1))", "f(g(h(i(1))))"] {
            assert!(parse(&format!("a = {broken}")).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_group_of_one_is_no_group() {
        let plain = parse("a = 1 && b = 2").expect("a sound filter");
        let nested = parse("(((a = 1))) && ((((b = 2))))").expect("a sound filter");
        assert_eq!(nested.group, plain.group);
    }

    #[test]
    fn a_group_goes_anywhere_and_takes_the_last_join() {
        let filter = parse("a = 1 || (b = 2) (c = 3)").expect("a sound filter");
        let joins: Vec<Join> = filter.group.0.iter().map(|(join, _)| *join).collect();
        assert_eq!(joins, [Join::And, Join::Or, Join::Or]);
        assert_eq!(parse("a (b = 2)").map(|filter| filter.group), parse("b = 2").map(|filter| filter.group));
    }

    #[test]
    fn parentheses_must_pair() {
        for text in ["(a = 1", "a = 1)", ")", "(", "(a = 1))", "()", "((a = 1) && ())"] {
            assert!(parse(text).is_err(), "{text}");
        }
        let deep = 100_000;
        assert!(parse(&format!("{}a = 1{}", "(".repeat(deep), ")".repeat(deep))).is_ok());
        assert!(parse(&"(".repeat(deep)).is_err());
    }
}
