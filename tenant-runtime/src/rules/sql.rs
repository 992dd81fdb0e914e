//! Pieces of SQL with their parameters.

/// A bound parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Param {
    /// `NULL`.
    Null,
    /// To be bound as the integers 1 and 0.
    Bool(bool),
    /// INTEGER: a count or a part of a date.
    Integer(i64),
    /// To be bound as REAL, never as INTEGER: `title = 1` must not match the text `1`.
    Number(f64),
    /// TEXT.
    Text(String),
}

/// SQL text and what its `?` stand for, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sql {
    /// The text.
    pub text: String,
    /// One for each `?`.
    pub params: Vec<Param>,
}

impl Sql {
    /// A text without parameters.
    pub fn raw(text: impl Into<String>) -> Sql {
        Sql { text: text.into(), params: Vec::new() }
    }

    /// A lone parameter.
    pub fn bound(param: Param) -> Sql {
        let mut sql = Sql::default();
        sql.bind(param);
        sql
    }

    /// Appends text.
    pub fn push(&mut self, text: &str) -> &mut Sql {
        self.text.push_str(text);
        self
    }

    /// Appends a piece.
    pub fn append(&mut self, piece: &Sql) -> &mut Sql {
        self.text.push_str(&piece.text);
        self.params.extend_from_slice(&piece.params);
        self
    }

    /// Appends a `?`. What has one spelling only is written out, so that texts stay few and statements cached.
    pub fn bind(&mut self, param: Param) -> &mut Sql {
        match param {
            Param::Null => self.text.push_str("NULL"),
            Param::Bool(true) => self.text.push('1'),
            Param::Bool(false) => self.text.push('0'),
            param => {
                self.text.push('?');
                self.params.push(param);
            }
        }
        self
    }

    /// `before` + this + `after`.
    pub(super) fn wrapped(mut self, before: &str, after: &str) -> Sql {
        self.text.insert_str(0, before);
        self.text.push_str(after);
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

/// A name as SQL takes it, whatever it contains.
pub fn quote(name: &str) -> String {
    let mut quoted = String::with_capacity(name.len() + 2);
    quoted.push('`');
    for c in name.chars().filter(|&c| c != '\0') {
        if c == '`' {
            quoted.push('`');
        }
        quoted.push(c);
    }
    quoted.push('`');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_name_stays_a_name() {
        assert_eq!(quote("a` = 1 --"), "`a`` = 1 --`");
    }

    #[test]
    fn parameters_stand_in_the_order_of_their_marks() {
        let mut sql = Sql::raw("a = ");
        sql.bind(Param::Number(1.0)).push(" AND b IS ").bind(Param::Null);
        sql.push(" AND ").append(&Sql::bound(Param::Text("x".into())));
        assert_eq!(sql.text, "a = ? AND b IS NULL AND ?");
        assert_eq!(sql.params, [Param::Number(1.0), Param::Text("x".into())]);
    }
}
