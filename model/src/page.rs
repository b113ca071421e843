//! Lists: how many, from where, and where the next part begins.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Problem;

/// Rows of a list when the caller does not say.
pub const DEFAULT_LIMIT: i64 = 50;
/// Rows of a list at the most.
pub const MAX_LIMIT: i64 = 100;
/// The most that a list is counted to: beyond it counting costs more than it says, and people are told "or more".
pub const COUNTED_AT_MOST: i64 = 10_000;
/// The deepest offset; beyond it the cursor is the way.
pub const MAX_OFFSET: i64 = 10_000;

/// How many there are, in words, as far as a list counts.
pub fn counted(total: i64, one: &str) -> String {
    match total {
        1 => format!("1 {one}"),
        COUNTED_AT_MOST.. => format!("{COUNTED_AT_MOST} {one}s or more"),
        total => format!("{total} {one}s"),
    }
}

/// Which part of a list: a page by offset, or what follows the row `after`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct PageRequest {
    /// Rows at the most: 1 to 100; larger values are capped, 50 when absent.
    #[cfg_attr(feature = "openapi", param(minimum = 1))]
    pub limit: Option<i64>,
    /// Rows to skip, at most 10,000.
    #[cfg_attr(feature = "openapi", param(minimum = 0, maximum = 10_000))]
    pub offset: Option<i64>,
    /// The cursor of a `Link: rel="next"` header: the id of the last row seen.
    pub after: Option<Uuid>,
}

impl PageRequest {
    /// The number of rows to read; a negative or zero limit is refused, a large one is capped.
    pub fn limit(&self) -> Result<i64, Problem> {
        match self.limit {
            None => Ok(DEFAULT_LIMIT),
            Some(limit) if limit < 1 => Err(Problem::field("limit", "must be at least 1")),
            Some(limit) => Ok(limit.min(MAX_LIMIT)),
        }
    }

    /// The number of rows to skip; refused when negative or deeper than [`MAX_OFFSET`].
    pub fn offset(&self) -> Result<i64, Problem> {
        match self.offset.unwrap_or(0) {
            offset @ 0..=MAX_OFFSET => Ok(offset),
            _ => Err(Problem::field("offset", format!("must be 0 to {MAX_OFFSET}; use the next cursor beyond"))),
        }
    }
}

/// One part of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Rows that match in all.
    pub total: i64,
    /// Where the next part begins; none at the end.
    pub next: Option<Uuid>,
}

/// Cuts off the row that was read beyond `limit`, which tells that there is a next part; the answer is the cursor that it begins at.
pub fn cut<T>(rows: &mut Vec<T>, limit: i64, id: impl Fn(&T) -> Uuid) -> Option<Uuid> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    rows.last().filter(|_| has_more).map(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_limit_is_capped_and_a_bad_one_refused() {
        let with = |limit| PageRequest { limit: Some(limit), ..Default::default() }.limit();
        assert_eq!(with(1_000_000), Ok(MAX_LIMIT));
        assert_eq!(with(7), Ok(7));
        assert!(with(0).is_err());
        assert!(with(-1).is_err());
    }

    #[test]
    fn one_row_more_than_asked_for_means_a_next_part_that_begins_at_the_last_row_shown() {
        let ids = [1_u128, 2, 3].map(Uuid::from_u128);
        let cut_at = |limit| {
            let mut rows = ids.to_vec();
            (cut(&mut rows, limit, |id| *id), rows.len())
        };
        assert_eq!(cut_at(2), (Some(ids[1]), 2));
        assert_eq!(cut_at(3), (None, 3));
    }

    #[test]
    fn an_offset_below_zero_or_too_deep_is_refused() {
        let with = |offset| PageRequest { offset: Some(offset), ..Default::default() }.offset();
        assert_eq!(with(MAX_OFFSET), Ok(MAX_OFFSET));
        assert!(with(-1).is_err());
        assert!(with(MAX_OFFSET + 1).is_err());
    }
}
