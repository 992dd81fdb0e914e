//! What a name or literal of a filter turns into.

use super::sql::{Param, Sql};

/// One side of a comparison, looked up.
#[derive(Clone, Debug)]
pub(super) struct Operand {
    pub(super) scalar: Scalar,
    /// A condition under which alone a comparison with it may hold.
    pub(super) guard: Option<Sql>,
    /// Present when one record may have many values: all of them, for the operators no value may violate.
    pub(super) every: Option<Box<Every>>,
}

/// All values an operand has for one record: the rows of `joins`, at least one.
#[derive(Clone, Debug)]
pub(super) struct Every {
    /// `LEFT JOIN`s of their own, under names used nowhere else.
    pub(super) joins: Sql,
    pub(super) scalar: Scalar,
    pub(super) guard: Option<Sql>,
}

/// A value of one row.
#[derive(Clone, Debug)]
pub(super) enum Scalar {
    /// Known before any row is read.
    Known(Param),
    /// Read or computed by SQLite.
    Computed(Sql, Blank),
}

/// How a computed value treats `NULL` and the empty text under `=` and `!=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blank {
    /// Both are the same blank.
    Equal,
    /// It is never `NULL`, so the empty text is its only blank.
    Empty,
    /// `NULL` is only `NULL`, as in JSON.
    Distinct,
    /// Taken never to be blank.
    Never,
}

/// Which side of a comparison is looked up; keeps the names of their joins apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

impl Operand {
    /// A value known in advance.
    pub(super) fn known(param: Param) -> Operand {
        Operand::single(Scalar::Known(param))
    }

    /// A computed value there is one of per record.
    pub(super) fn computed(sql: Sql, blank: Blank) -> Operand {
        Operand::single(Scalar::Computed(sql, blank))
    }

    fn single(scalar: Scalar) -> Operand {
        Operand { scalar, guard: None, every: None }
    }
}

impl Scalar {
    /// The value as an SQL expression.
    pub(super) fn to_sql(&self) -> Sql {
        match self {
            Scalar::Known(param) => Sql::bound(param.clone()),
            Scalar::Computed(sql, _) => sql.clone(),
        }
    }

    /// Whether it is surely `NULL` or the empty text.
    pub(super) fn is_blank(&self) -> bool {
        match self {
            Scalar::Known(Param::Null) => true,
            Scalar::Known(Param::Text(text)) => text.is_empty(),
            _ => false,
        }
    }

    /// Whether it is surely neither `NULL` nor the empty text.
    pub(super) fn is_never_blank(&self) -> bool {
        match self {
            Scalar::Known(_) => !self.is_blank(),
            Scalar::Computed(_, blank) => *blank == Blank::Never,
        }
    }

    /// Whether `NULL` and the empty text must be told apart.
    pub(super) fn tells_null(&self) -> bool {
        matches!(self, Scalar::Computed(_, Blank::Distinct))
    }
}
