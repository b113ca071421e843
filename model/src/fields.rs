//! Fields of plain types: how the text of a form is read, and what a value must keep to.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, SubsecRound, Utc};

use crate::{FieldProblem, Problem};

/// Most characters of a line.
pub const LINE_MAX: usize = 200;
/// Most characters of a text of several lines.
pub const TEXT_MAX: usize = 10_000;
/// The years of a date; PostgreSQL knows fewer than Rust does.
const YEARS: std::ops::RangeInclusive<i32> = 1..=9999;

/// Refuses all fields at once that are wrong, in the order given.
///
/// # Errors
/// [`Problem::Invalid`] with those whose check failed.
pub fn all(checked: impl IntoIterator<Item = (&'static str, Result<(), String>)>) -> Result<(), Problem> {
    let wrong = checked.into_iter().filter_map(|(field, checked)| Some(FieldProblem::new(field, checked.err()?)));
    let fields: Vec<_> = wrong.collect();
    if fields.is_empty() { Ok(()) } else { Err(Problem::Invalid { fields }) }
}

/// A text that says something, of at most so many characters.
pub fn some_text(text: &str, most: usize) -> Result<(), String> {
    let is_good = !text.trim().is_empty() && text.chars().count() <= most;
    if is_good { Ok(()) } else { Err(format!("must have 1 to {most} characters")) }
}

/// A text that may be missing, of at most so many characters.
pub fn any_text(text: &Option<String>, most: usize) -> Result<(), String> {
    let is_good = text.as_ref().is_none_or(|text| text.chars().count() <= most);
    if is_good { Ok(()) } else { Err(format!("must have at most {most} characters")) }
}

/// A number that JSON can say.
pub fn finite(number: Option<f64>) -> Result<(), String> {
    if number.is_none_or(f64::is_finite) { Ok(()) } else { Err("must be a number".into()) }
}

/// A day, or the day of a moment, of the years 1 to 9999.
pub fn usual_day(day: Option<NaiveDate>) -> Result<(), String> {
    let is_good = day.is_none_or(|day| YEARS.contains(&day.year()));
    if is_good { Ok(()) } else { Err("must be of the years 1 to 9999".into()) }
}

/// A text as it is kept; blanks alone say nothing.
pub fn kept(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// A moment as it is kept, and as a form can say it: to the second.
pub fn to_the_second(moment: DateTime<Utc>) -> DateTime<Utc> {
    moment.trunc_subsecs(0)
}

/// Reads the texts of a form and gathers what can not be read.
#[derive(Debug, Default)]
pub struct Reader {
    wrong: Vec<FieldProblem>,
}

impl Reader {
    /// What must be said; where it can not be read, the answer only stands in.
    pub fn needed<T: Default>(&mut self, field: &str, text: &str, read: fn(&str) -> Result<T, &'static str>) -> T {
        if text.trim().is_empty() {
            self.wrong.push(FieldProblem::new(field, "is required"));
        }
        self.optional(field, text, read).unwrap_or_default()
    }

    /// What may be missing.
    pub fn optional<T>(&mut self, field: &str, text: &str, read: fn(&str) -> Result<T, &'static str>) -> Option<T> {
        let text = text.trim();
        let read = (!text.is_empty()).then(|| read(text))?;
        read.map_err(|message| self.wrong.push(FieldProblem::new(field, message))).ok()
    }

    /// The whole form, or all that is wrong with it.
    ///
    /// # Errors
    /// [`Problem::Invalid`] with the fields that could not be read.
    pub fn end<T>(self, form: T) -> Result<T, Problem> {
        if self.wrong.is_empty() { Ok(form) } else { Err(Problem::Invalid { fields: self.wrong }) }
    }
}

/// A whole number of 32 bits.
pub fn whole(text: &str) -> Result<i32, &'static str> {
    text.parse().map_err(|_| "must be a whole number, and not a very large one")
}

/// A number.
pub fn number(text: &str) -> Result<f64, &'static str> {
    text.parse().ok().filter(|number: &f64| number.is_finite()).ok_or("must be a number")
}

/// What a box or a choice of yes and no says.
pub fn yes_or_no(text: &str) -> Result<bool, &'static str> {
    text.parse().map_err(|_| "choose one of the list")
}

/// What an input of type `date` says.
pub fn day(text: &str) -> Result<NaiveDate, &'static str> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| "must be a date")
}

/// What an input of type `datetime-local` says, taken as UTC.
pub fn moment(text: &str) -> Result<DateTime<Utc>, &'static str> {
    let forms = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];
    let read = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    read.map(|moment| moment.and_utc()).ok_or("must be a date and a time")
}

/// The moment as such an input holds it.
pub fn moment_of_form(moment: DateTime<Utc>) -> String {
    moment.format("%Y-%m-%dT%H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_as_a_whole_and_all_that_is_wrong_is_named() {
        let mut reader = Reader::default();
        assert_eq!(reader.needed("pages", " 7 ", whole), 7);
        assert_eq!(reader.optional("price", "", number), None);
        assert_eq!(reader.optional("is_signed", "true", yes_or_no), Some(true));
        assert_eq!(reader.end("read"), Ok("read"));

        let mut reader = Reader::default();
        reader.needed("pages", "9999999999", whole);
        reader.needed("count", " ", whole);
        reader.optional("price", "NaN", number);
        reader.optional("printed_on", "2020-02-30", day);
        reader.optional("read_at", "noon", moment);
        let named: Vec<_> = reader.end(()).unwrap_err().fields().into_iter().map(|field| field.field).collect();
        assert_eq!(named, ["pages", "count", "price", "printed_on", "read_at"]);
    }

    #[test]
    fn what_a_form_says_of_a_moment_is_read_as_it_was() {
        let at = moment("2020-02-29T12:30:45").unwrap();
        assert_eq!(moment(&moment_of_form(at)), Ok(at));
        assert_eq!(moment("2020-02-29T12:30").map(moment_of_form), Ok("2020-02-29T12:30:00".to_owned()));
    }

    #[test]
    fn values_that_the_database_or_json_can_not_hold_are_refused() {
        assert!(some_text("ünïcö", 5).is_ok() && some_text(" ", 5).is_err() && some_text("longer", 5).is_err());
        assert!(any_text(&None, 5).is_ok() && any_text(&Some("longer".into()), 5).is_err());
        assert!(finite(Some(f64::NAN)).is_err() && finite(None).is_ok());
        assert!(usual_day(NaiveDate::from_ymd_opt(0, 1, 1)).is_err());
        assert!(usual_day(NaiveDate::from_ymd_opt(9999, 12, 31)).is_ok());
        assert_eq!(kept(Some(" tea ".into())), Some("tea".into()));
        assert_eq!(kept(Some(" \n".into())), None);
    }
}
