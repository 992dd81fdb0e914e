//! What a filter's text says, before any name in it has been looked up.

use std::sync::Arc;

/// A parsed filter. Cloning is cheap, so parsed filters may be cached by their text.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    pub(super) group: Arc<Group>,
    roots: u16,
    /// Bytes of the text.
    pub(super) length: usize,
    /// Whether the text names, if only in quotes, what clients may not look at.
    pub(super) restricted: bool,
}

/// Where the identifiers of a filter start: what its outcome may depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Root {
    /// Fields of the record the filter is about.
    Record,
    /// `@request.context`.
    Context,
    /// `@request.method`.
    Method,
    /// `@request.headers.*`.
    Headers,
    /// `@request.query.*`.
    Query,
    /// `@request.auth.*`.
    Auth,
    /// `@request.body.*`.
    Body,
    /// `@collection.*`.
    Collection,
    /// `@now` and its kin.
    Clock,
}

/// Comparisons and groups in the order written. `&&` binds tighter than `||`; a group is never empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Group(pub(super) Vec<(Join, Item)>);

/// How an item is tied to what stands before it; of no meaning for the first of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Join {
    And,
    Or,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item {
    Comparison(Comparison),
    Group(Group),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Comparison {
    pub(super) left: Term,
    pub(super) operator: Operator,
    pub(super) right: Term,
}

/// One side of a comparison, or an argument of a function.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Term {
    Identifier(String),
    Number(f64),
    Text(String),
    Call(String, Vec<Term>),
}

/// An operator; `any` is the form with `?`, content with one matching row of many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Operator {
    pub(super) relation: Relation,
    pub(super) any: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    Equal,
    NotEqual,
    Like,
    NotLike,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Filter {
    pub(super) fn new(group: Group, text: &str) -> Filter {
        let mut roots = 0;
        note_roots(&group, &mut roots);
        Filter { group: Arc::new(group), roots, length: text.len(), restricted: is_restricted(text) }
    }

    /// Whether some identifier starts there. `@request.body.f:changed` also reads the record.
    pub fn mentions(&self, root: Root) -> bool {
        self.roots & bit(root) != 0
    }

    /// Whether the caller's identity may matter.
    pub fn mentions_auth(&self) -> bool {
        self.mentions(Root::Auth)
    }

    /// Whether anything of the request may matter, the caller's identity included.
    pub fn mentions_request(&self) -> bool {
        use Root::{Auth, Body, Context, Headers, Method, Query};
        [Auth, Body, Context, Headers, Method, Query].into_iter().any(|root| self.mentions(root))
    }

    /// Whether the record itself matters.
    pub fn mentions_record(&self) -> bool {
        self.mentions(Root::Record)
    }
}

impl Join {
    /// How it is written.
    pub(super) fn symbol(self) -> &'static str {
        match self {
            Join::And => "&&",
            Join::Or => "||",
        }
    }
}

impl Term {
    /// How an error names it.
    pub(super) fn name(&self) -> String {
        match self {
            Term::Identifier(name) | Term::Text(name) | Term::Call(name, _) => name.clone(),
            Term::Number(number) => number.to_string(),
        }
    }

    /// What kind of term an error says it is.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Term::Identifier(_) => "identifier",
            Term::Number(_) => "number",
            Term::Text(_) => "text",
            Term::Call(..) => "function",
        }
    }
}

impl Operator {
    /// How it is written.
    pub(super) fn symbol(self) -> &'static str {
        let symbol = match self.relation {
            Relation::Equal => "?=",
            Relation::NotEqual => "?!=",
            Relation::Like => "?~",
            Relation::NotLike => "?!~",
            Relation::Less => "?<",
            Relation::LessOrEqual => "?<=",
            Relation::Greater => "?>",
            Relation::GreaterOrEqual => "?>=",
        };
        if self.any { symbol } else { &symbol[1..] }
    }

    /// The operator written that way.
    pub(super) fn from_symbol(symbol: &str) -> Option<Operator> {
        let (any, plain) = match symbol.strip_prefix('?') {
            Some(rest) => (true, rest),
            None => (false, symbol),
        };
        let relation = match plain {
            "=" => Relation::Equal,
            "!=" => Relation::NotEqual,
            "~" => Relation::Like,
            "!~" => Relation::NotLike,
            "<" => Relation::Less,
            "<=" => Relation::LessOrEqual,
            ">" => Relation::Greater,
            ">=" => Relation::GreaterOrEqual,
            _ => return None,
        };
        Some(Operator { relation, any })
    }
}

/// Whether a client's text names what only rules and superusers may look at. Quotes do not excuse it.
pub(super) fn is_restricted(text: &str) -> bool {
    text.contains("@request.") || text.contains("@collection.")
}

fn note_roots(group: &Group, roots: &mut u16) {
    for (_, item) in &group.0 {
        match item {
            Item::Group(inner) => note_roots(inner, roots),
            Item::Comparison(comparison) => {
                note_term(&comparison.left, roots);
                note_term(&comparison.right, roots);
            }
        }
    }
}

fn note_term(term: &Term, roots: &mut u16) {
    match term {
        Term::Identifier(name) => *roots |= identifier_roots(name),
        Term::Call(_, arguments) => arguments.iter().for_each(|argument| note_term(argument, roots)),
        Term::Number(_) | Term::Text(_) => {}
    }
}

fn identifier_roots(name: &str) -> u16 {
    let Some(special) = name.strip_prefix('@') else {
        // in other letter cases they may be fields
        return if matches!(name, "null" | "true" | "false") { 0 } else { bit(Root::Record) };
    };
    let mut segments = special.split('.');
    match (segments.next(), segments.next()) {
        (Some("collection"), _) => bit(Root::Collection),
        (Some("request"), Some("context")) => bit(Root::Context),
        (Some("request"), Some("method")) => bit(Root::Method),
        (Some("request"), Some("headers")) => bit(Root::Headers),
        (Some("request"), Some("query")) => bit(Root::Query),
        (Some("request"), Some("auth")) => bit(Root::Auth),
        (Some("request"), Some("body")) if name.ends_with(":changed") => bit(Root::Body) | bit(Root::Record),
        (Some("request"), Some("body")) => bit(Root::Body),
        _ => bit(Root::Clock),
    }
}

fn bit(root: Root) -> u16 {
    1 << root as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::parse;

    #[test]
    fn a_filter_knows_what_it_may_depend_on() {
        let filter = parse("(a = 1 || @request.auth.id = b) && d > @now").expect("a sound filter");
        assert!(filter.mentions_record() && filter.mentions_auth() && filter.mentions_request());
        assert!(filter.mentions(Root::Clock) && !filter.mentions(Root::Body));

        let filter = parse("@request.body.f:changed = TRUE").expect("a sound filter");
        assert!(filter.mentions_record() && !filter.mentions_auth());

        let filter = parse("@request.query.q = null && 1 = 1").expect("a sound filter");
        assert!(filter.mentions_request() && !filter.mentions_record());
    }

    #[test]
    fn functions_mention_what_their_arguments_do() {
        let filter = parse("strftime('%Y', @collection.x.d) = ''").expect("a sound filter");
        assert!(filter.mentions(Root::Collection) && !filter.mentions_record());
    }
}
