//! Pages of long lists, the newest first: where one ends the next begins, so nothing is told twice while the list grows.

use crate::error::{Error, Result};

/// How many entries a page has.
const SIZE: usize = 50;
/// How many to read for one: if there is one more, there is another page.
pub const READ: i64 = SIZE as i64 + 1;

/// Where a page begins: before this moment, or in it with a lower id. Without a `next` of the page before, at the newest.
///
/// # Errors
/// `invalid_page` for what was never a `next`.
pub fn begin(before: &str) -> Result<(i64, &str)> {
    if before.is_empty() {
        return Ok((i64::MAX, ""));
    }
    let parsed = before.split_once('-').and_then(|(at, id)| Some((at.parse().ok()?, id)));
    parsed.ok_or_else(|| Error::field("before", "invalid_page", "There is no such page."))
}

/// Cuts what was read to one page. The `next` of it, if there is another; `place` is the moment and the id of an entry.
pub fn end<T>(items: &mut Vec<T>, place: impl Fn(&T) -> (i64, &str)) -> Option<String> {
    if items.len() <= SIZE {
        return None;
    }
    items.truncate(SIZE);
    items.last().map(place).map(|(at_ms, id)| format!("{at_ms}-{id}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_begins_where_the_one_before_ended() {
        fn place(n: &i64) -> (i64, &str) {
            (*n, "abc")
        }
        let mut items: Vec<i64> = (0..READ).rev().collect();
        let next = end(&mut items, place).expect("one is left");
        assert_eq!((items.len(), begin(&next).expect("fits")), (SIZE, (1, "abc")));
        assert_eq!(end(&mut items, place), None);
        assert_eq!(begin("").expect("fits").0, i64::MAX);
        assert!(begin("yesterday").is_err());
    }
}
