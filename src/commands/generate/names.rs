//! What a feature and its things are called, in every spelling that is needed.

use anyhow::{Result, bail, ensure};

use super::reserved::{is_rust_word, is_sql_word, is_taken_word};

/// Most characters of a name: PostgreSQL cuts identifiers at 63 bytes, and ours get ends such as `_user_id_idx`.
const NAME_MAX: usize = 40;

/// The name of a feature, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// `tv_shows`
    pub many: String,
    /// `tv_show`
    pub one: String,
}

impl Names {
    /// Checks the name and finds the singular.
    ///
    /// # Errors
    /// One sentence about what is wrong with it.
    pub fn of(many: &str, singular: Option<&str>) -> Result<Self> {
        check_word(many)?;
        ensure!(!is_sql_word(many), "`{many}` is a word of SQL");
        let one = match singular {
            Some(one) => one.to_owned(),
            None => match singular_of(many) {
                Some(one) => one,
                None => bail!("`{many}` has no singular by rule: say it with --singular"),
            },
        };
        check_word(&one)?;
        ensure!(
            one != many,
            "`{many}` must differ from its singular, or a list and one of its things could not be told apart"
        );
        for name in [many, &one] {
            ensure!(!is_taken_word(name), "`{name}` is what generated code calls something else");
        }
        Ok(Self { many: many.to_owned(), one })
    }

    /// The name of types about one thing: `TvShow`.
    pub fn type_of_one(&self) -> String {
        pascal(&self.one)
    }

    /// `TvShows`
    pub fn type_of_many(&self) -> String {
        pascal(&self.many)
    }

    /// The name in addresses: `tv-shows`.
    pub fn url(&self) -> String {
        self.many.replace('_', "-")
    }

    /// `tv-show`
    pub fn key(&self) -> String {
        self.one.replace('_', "-")
    }

    /// `tv shows`
    pub fn words(&self) -> String {
        self.many.replace('_', " ")
    }

    /// `tv show`
    pub fn word(&self) -> String {
        self.one.replace('_', " ")
    }

    /// The article of one of them.
    pub fn article(&self) -> &'static str {
        if self.one.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
    }
}

/// Refuses what can not be a name in Rust, in SQL and in a path at once.
pub fn check_word(name: &str) -> Result<()> {
    let parts = || name.split('_');
    let is_snake = name.starts_with(|first: char| first.is_ascii_lowercase())
        && parts().all(|part| !part.is_empty())
        && name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
    ensure!(
        is_snake,
        "`{name}` must be in snake case: lower case letters, digits, and single underscores between words"
    );
    ensure!(name.len() <= NAME_MAX, "`{name}` must have at most {NAME_MAX} characters");
    ensure!(!is_rust_word(name), "`{name}` is a word of Rust");
    Ok(())
}

/// `printed_on` as a label: `Printed on`.
pub fn capital(words: &str) -> String {
    let words = words.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn pascal(snake: &str) -> String {
    snake.split('_').map(capital).collect()
}

/// Words that no rule finds.
const IRREGULAR: [(&str, &str); 16] = [
    ("people", "person"),
    ("children", "child"),
    ("men", "man"),
    ("women", "woman"),
    ("mice", "mouse"),
    ("geese", "goose"),
    ("feet", "foot"),
    ("teeth", "tooth"),
    ("indices", "index"),
    ("matrices", "matrix"),
    ("criteria", "criterion"),
    ("movies", "movie"),
    ("cookies", "cookie"),
    ("shoes", "shoe"),
    ("quizzes", "quiz"),
    ("knives", "knife"),
];

/// Ends of a plural, the first that fits, and what the singular has there.
const ENDS: [(&str, &str); 14] = [
    ("ss", ""),
    ("is", ""),
    ("ies", "y"),
    ("xes", "x"),
    ("ches", "ch"),
    ("shes", "sh"),
    ("sses", "ss"),
    ("oes", "o"),
    ("lves", "lf"),
    ("ouses", "ouse"),
    ("auses", "ause"),
    ("uses", "us"),
    ("us", ""),
    ("s", ""),
];

/// The singular by the rules of English; none where they do not help.
fn singular_of(many: &str) -> Option<String> {
    let start = many.rfind('_').map_or(0, |at| at + 1);
    let (before, last) = many.split_at(start);
    if let Some((_, one)) = IRREGULAR.iter().find(|(plural, _)| *plural == last) {
        return Some(format!("{before}{one}"));
    }
    let (end, instead) = ENDS.iter().find(|(end, _)| last.ends_with(end))?;
    let stem = last.strip_suffix(end)?;
    // `glass`, `analysis` and `status` are singular themselves.
    let is_plural = !matches!(*end, "ss" | "is" | "us") && !stem.is_empty();
    is_plural.then(|| format!("{before}{stem}{instead}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_singular_follows_the_rules_of_english() {
        for (many, one) in [
            ("books", "book"),
            ("categories", "category"),
            ("boxes", "box"),
            ("churches", "church"),
            ("dishes", "dish"),
            ("classes", "class"),
            ("heroes", "hero"),
            ("shelves", "shelf"),
            ("houses", "house"),
            ("buses", "bus"),
            ("statuses", "status"),
            ("days", "day"),
            ("archives", "archive"),
            ("orders", "order"),
            ("mice", "mouse"),
            ("tv_shows", "tv_show"),
            ("lunch_boxes", "lunch_box"),
        ] {
            assert_eq!(singular_of(many).as_deref(), Some(one), "{many}");
        }
        assert_eq!(Names::of("axes", Some("axe")).unwrap().one, "axe");
    }

    #[test]
    fn a_name_that_can_not_be_one_is_refused_by_one_sentence() {
        for (name, singular, why) in [
            ("", None, "snake case"),
            ("Books", None, "snake case"),
            ("bo-oks", None, "snake case"),
            ("books/", None, "snake case"),
            ("../books", None, "snake case"),
            ("..", None, "snake case"),
            ("büchers", None, "snake case"),
            ("_books", None, "snake case"),
            ("tv__shows", None, "snake case"),
            ("7books", None, "snake case"),
            ("books; drop table users", None, "snake case"),
            ("r#books", None, "snake case"),
            ("yields", Some("yield"), "a word of Rust"),
            ("traits", None, "a word of Rust"),
            ("boxes", None, "a word of Rust"),
            ("types", None, "a word of Rust"),
            ("supers", None, "a word of Rust"),
            ("values", None, "a word of SQL"),
            ("references", None, "a word of SQL"),
            ("pages", None, "calls something else"),
            ("options", None, "calls something else"),
            ("results", None, "calls something else"),
            ("sheep", None, "--singular"),
            ("status", None, "--singular"),
            ("glass", None, "--singular"),
            ("sheep", Some("sheep"), "must differ"),
            ("axes", Some("../axe"), "snake case"),
            ("an_exceedingly_long_name_for_a_list_of_things", None, "at most 40"),
        ] {
            let refused = Names::of(name, singular).unwrap_err().to_string();
            assert!(refused.contains(why) && !refused.contains('\n'), "{name}: {refused}");
        }
    }

    #[test]
    fn a_name_has_a_spelling_for_each_place() {
        let names = Names::of("idea_boxes", None).unwrap();
        assert_eq!((names.type_of_one(), names.type_of_many()), ("IdeaBox".into(), "IdeaBoxes".into()));
        assert_eq!((names.url(), names.key()), ("idea-boxes".into(), "idea-box".into()));
        assert_eq!(
            (names.word(), names.article(), capital(&names.words())),
            ("idea box".into(), "an", "Idea boxes".into())
        );
    }
}
