//! Putting a line into a list of another file. The place is found by what encloses it, never by a number, and whatever layout it has;
//! `cargo fmt` lays out the result.

use anyhow::{Context, Result, bail, ensure};

/// A line of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wire {
    /// From the root of the checkout.
    pub file: &'static str,
    pub place: Place,
    pub text: String,
}

/// Where a line goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// At the end inside the bracket that follows these texts, each looked for after the one before it. Where an array says its length before
    /// that bracket, the length grows by this many.
    EndOf(&'static [&'static str], usize),
    /// After the last line that begins so.
    AfterLast(&'static str),
    /// Before the first line that begins so.
    Before(&'static str),
    /// At the end of the Markdown table with this head.
    EndOfTable(&'static str),
    /// At the end of this section of a Markdown file, which is of points.
    EndOfSection(&'static str),
    /// As a paragraph of its own before the last one.
    BeforeLastParagraph,
}

impl Wire {
    /// The text of the file with the line in it; as it is where the line is there already.
    ///
    /// # Errors
    /// Names what was not found.
    pub fn apply(&self, text: &str) -> Result<String> {
        let list = match self.place {
            Place::EndOf(needles, _) => inside(text, needles)?,
            _ => text,
        };
        if has(list, &self.text) {
            return Ok(text.to_owned());
        }
        match self.place {
            Place::EndOf(needles, entries) => end_of(text, needles, entries, &self.text),
            Place::AfterLast(start) => after_last(text, start, &self.text),
            Place::Before(start) => before(text, start, &self.text),
            Place::EndOfTable(head) => end_of_table(text, head, &self.text),
            Place::EndOfSection(head) => end_of_section(text, head, &self.text),
            Place::BeforeLastParagraph => before_last_paragraph(text, &self.text),
        }
    }
}

/// Without what a formatter may change.
fn squeezed(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_whitespace()).collect()
}

/// Whether the line is there as a whole: `Book` is not in `Bookmark`.
fn has(list: &str, line: &str) -> bool {
    let (list, line) = (squeezed(list), squeezed(line));
    let line = line.trim_end_matches(',');
    let is_letter = |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    let (starts, ends) = (is_letter(line.chars().next()), is_letter(line.chars().next_back()));
    list.match_indices(line).any(|(at, _)| {
        let (before, after) = (list[..at].chars().next_back(), list[at + line.len()..].chars().next());
        !(starts && is_letter(before) || ends && is_letter(after))
    })
}

/// Where the inside of the bracket begins and ends that follows the texts.
fn bracket(text: &str, needles: &[&str]) -> Result<(usize, usize)> {
    let mut at = 0;
    for needle in needles {
        let found = text[at..].find(needle).with_context(|| format!("`{}` is not found", needles.join(" … ")))?;
        at += found + needle.len();
    }
    let opens = |letter: char| matches!(letter, '(' | '[' | '{');
    // The bracket may be the last letter of the text that was looked for.
    let begin = match text[..at].chars().next_back() {
        Some(last) if opens(last) => at,
        _ => {
            let gap =
                text[at..].find(opens).with_context(|| format!("no bracket follows `{}`", needles.join(" … ")))?;
            ensure!(!text[at..at + gap].contains([';', '=']), "no bracket follows `{}`", needles.join(" … "));
            at + gap + 1
        }
    };
    let mut depth = 1;
    let end = code(&text[begin..]).find(|(_, letter)| {
        match letter {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        depth == 0
    });
    let (end, _) = end.with_context(|| format!("the bracket after `{}` is not closed", needles.join(" … ")))?;
    Ok((begin, begin + end))
}

/// What is inside the bracket that follows the texts.
pub fn inside<'a>(text: &'a str, needles: &[&str]) -> Result<&'a str> {
    let (begin, end) = bracket(text, needles)?;
    Ok(&text[begin..end])
}

/// The letters of code with their places, without strings, comments and single letters in quotes.
fn code(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut rest = text.char_indices().peekable();
    std::iter::from_fn(move || {
        loop {
            let (at, letter) = rest.next()?;
            let after = &text[at + letter.len_utf8()..];
            let end = match letter {
                '"' => at + 1 + end_of_string(after)?,
                '/' if after.starts_with('/') => at + after.find('\n').unwrap_or(after.len()),
                // A lifetime has no quote behind it.
                '\'' => match after.char_indices().nth(1) {
                    Some((length, '\'')) => at + 1 + length,
                    Some(_) if after.starts_with('\\') => at + 2 + after[1..].find('\'').unwrap_or_default(),
                    _ => return Some((at, letter)),
                },
                _ => return Some((at, letter)),
            };
            while rest.next_if(|(place, _)| *place <= end).is_some() {}
        }
    })
}

/// The place of the quote that ends a string.
fn end_of_string(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.char_indices().find_map(|(at, letter)| {
        let ends = letter == '"' && !is_escaped;
        is_escaped = letter == '\\' && !is_escaped;
        ends.then_some(at)
    })
}

fn end_of(text: &str, needles: &[&str], entries: usize, line: &str) -> Result<String> {
    let (begin, end) = bracket(text, needles)?;
    let start = text[..begin].rfind(needles.first().copied().unwrap_or_default()).unwrap_or_default();
    let head = grown(&text[start..begin], entries);
    let body = text[begin..end].trim_end();
    let comma = if body.is_empty() || body.ends_with([',', '}']) { "" } else { "," };
    // As the lines before it, where it is one of several.
    let gap = &text[begin + body.len()..end];
    let lead = gap.rfind('\n').map_or(" ".to_owned(), |at| format!("\n{}    ", &gap[at + 1..]));
    let lines: String = line.lines().map(|line| format!("{lead}{}", line.trim_start())).collect();
    Ok(format!("{}{head}{body}{comma}{lines}{gap}{}", &text[..start], &text[end..]))
}

/// `[Rule; 41] = [` with a larger number; a slice says none.
fn grown(head: &str, entries: usize) -> String {
    let number = head.find("; ").map(|at| at + 2).and_then(|at| {
        let length = head[at..].find(']')?;
        let number: usize = head[at..at + length].parse().ok()?;
        Some((at, length, number))
    });
    match number {
        Some((at, length, number)) => format!("{}{}{}", &head[..at], number + entries, &head[at + length..]),
        None => head.to_owned(),
    }
}

/// Where the line begins, and the line.
fn lines(text: &str) -> impl DoubleEndedIterator<Item = (usize, &str)> {
    let begin = text.as_ptr() as usize;
    text.split_inclusive('\n').map(move |line| (line.as_ptr() as usize - begin, line))
}

fn inserted(text: &str, at: usize, line: &str) -> String {
    let (before, after) = text.split_at(at);
    let gap = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
    format!("{before}{gap}{line}\n{after}")
}

fn after_last(text: &str, start: &str, line: &str) -> Result<String> {
    let found = lines(text).rfind(|(_, one)| one.trim_start().starts_with(start));
    let (at, one) = found.with_context(|| format!("no line begins with `{start}`"))?;
    // A statement may go on in the lines below.
    let end = match one.trim_end().ends_with([';', ',', '>', '}']) {
        true => at + one.len(),
        false => at + text[at..].find(";\n").with_context(|| format!("`{start}` has no end"))? + 2,
    };
    Ok(inserted(text, end, line))
}

fn before(text: &str, start: &str, line: &str) -> Result<String> {
    let found = lines(text).find(|(_, one)| one.trim_start().starts_with(start));
    let (at, _) = found.with_context(|| format!("no line begins with `{start}`"))?;
    Ok(inserted(text, at, line))
}

fn end_of_table(text: &str, head: &str, line: &str) -> Result<String> {
    let mut rows =
        lines(text).skip_while(|(_, one)| !one.starts_with(head)).take_while(|(_, one)| one.starts_with('|'));
    let Some((at, last)) = rows.by_ref().last() else { bail!("there is no table with the head `{head}`") };
    Ok(inserted(text, at + last.len(), line))
}

fn end_of_section(text: &str, head: &str, line: &str) -> Result<String> {
    let (at, first) =
        lines(text).find(|(_, one)| one.trim_end() == head).with_context(|| format!("there is no section `{head}`"))?;
    let begin = at + first.len();
    let section = text[begin..].find("\n#").map_or(&text[begin..], |end| &text[begin..begin + end]);
    Ok(inserted(
        text,
        begin + section.trim_end().len() + usize::from(text[begin..].trim_end().len() > section.trim_end().len()),
        line,
    ))
}

fn before_last_paragraph(text: &str, paragraph: &str) -> Result<String> {
    let at = text.trim_end().rfind("\n\n").context("there is only one paragraph")? + 2;
    Ok(format!("{}{paragraph}\n\n{}", &text[..at], &text[at..]))
}

#[cfg(test)]
mod tests;
