//! Lists by cursor: a page, where the next one begins, and a limit.
//!
//! The cursor is opaque to clients: the text form of the last item's id or number. One more item than asked for is read
//! to know whether there is a next page.

use namoyish_runtime::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// The most items of a page.
pub(crate) const LIMIT_MAX: u32 = 200;
/// The items of a page when nothing is asked.
pub(crate) const LIMIT_DEFAULT: u32 = 50;

/// Where a page begins and how long it is.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    /// `next` of the page before; none for the first page.
    cursor: Option<String>,
    /// 1 to 200; 50 when left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// A page of a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Cursor of the next page; none on the last one.
    pub next: Option<String>,
}

/// A page as asked for.
pub(crate) struct Asked<C> {
    /// The item after which it begins.
    pub after: Option<C>,
    limit: u32,
}

impl<C> Asked<C> {
    /// How many items to read: one more than the page has.
    pub(crate) fn to_read(&self) -> u32 {
        self.limit + 1
    }

    /// Makes the page of what was read.
    pub(crate) fn page<R, T>(
        &self,
        mut read: Vec<R>,
        cursor: impl Fn(&R) -> String,
        view: impl Fn(R) -> T,
    ) -> Page<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = read.len() > limit;
        read.truncate(limit);
        let next = if more { read.last().map(cursor) } else { None };
        Page {
            items: read.into_iter().map(view).collect(),
            next,
        }
    }
}

impl PageQuery {
    /// Of a list that has more parameters than these two.
    pub(crate) fn new(cursor: Option<String>, limit: Option<u32>) -> PageQuery {
        PageQuery { cursor, limit }
    }

    /// The same page, shorter when it asks for more than `limit_max` heavy items.
    pub(crate) fn at_most(mut self, limit_max: u32) -> PageQuery {
        self.limit = Some(self.limit.unwrap_or(limit_max)).map(|limit| {
            if limit > LIMIT_MAX {
                limit
            } else {
                limit.min(limit_max)
            }
        });
        self
    }

    /// Checks limit and cursor.
    pub(crate) fn asked<C>(&self, parse: impl Fn(&str) -> Option<C>) -> Result<Asked<C>, Problem> {
        let limit = self.limit.unwrap_or(LIMIT_DEFAULT);
        if limit == 0 || limit > LIMIT_MAX {
            return Err(Problem::refused(
                "limit_out_of_range",
                format!("limit is {limit}; 1 to {LIMIT_MAX} are taken"),
            )
            .field("limit")
            .limit(LIMIT_MAX.to_string()));
        }
        let after = match &self.cursor {
            None => None,
            Some(text) => Some(parse(text).ok_or_else(|| {
                Problem::bad_request(
                    "bad_cursor",
                    "the cursor is not the `next` of a page of this list",
                )
                .field("cursor")
            })?),
        };
        Ok(Asked { after, limit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(cursor: Option<&str>, limit: Option<u32>) -> PageQuery {
        PageQuery {
            cursor: cursor.map(str::to_owned),
            limit,
        }
    }

    #[test]
    fn limits_and_cursors_out_of_bounds_are_refused() {
        let number = |text: &str| text.parse::<u32>().ok();
        let code = |query: PageQuery| query.asked(number).map(|_| ()).map_err(|problem| problem.code());
        assert_eq!(code(query(None, Some(200))), Ok(()));
        assert_eq!(code(query(None, Some(201))), Err("limit_out_of_range"));
        assert_eq!(code(query(None, Some(0))), Err("limit_out_of_range"));
        assert_eq!(code(query(Some("x"), None)), Err("bad_cursor"));
    }

    #[test]
    fn the_next_page_begins_after_the_last_item() {
        let asked = query(None, Some(2))
            .asked(|text| text.parse::<u32>().ok())
            .unwrap();
        let page = asked.page(vec![1, 2, 3], ToString::to_string, |item| item);
        assert_eq!((page.items, page.next.as_deref()), (vec![1, 2], Some("2")));
        let last = asked.page(vec![3, 4], ToString::to_string, |item| item);
        assert_eq!((last.items, last.next), (vec![3, 4], None));
    }
}
