//! Taking elements out of a text: an entry of a list, an arm, a declaration, with what belongs to it.

/// The text without the elements that begin with such a line. With an element go the documentation and the attributes above it, and the
/// lines up to the one that closes its brackets; an entry that is broken behind its opening bracket is one element, whichever of its lines
/// is meant.
pub fn without(text: &str, is_meant: impl Fn(&str) -> bool) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut is_gone = vec![false; lines.len()];
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        at += 1;
        if is_comment(line) || !is_meant(line) {
            continue;
        }
        let mut first = at - 1;
        let outer = lines[..first].iter().rposition(|above| indent(above) < indent(line));
        if let Some(outer) = outer.filter(|outer| lines[*outer].trim() == "(") {
            first = outer;
        }
        let mut last = first;
        let mut depth = depth_after(lines[first]);
        while depth > 0 && last + 1 < lines.len() {
            last += 1;
            depth += depth_after(lines[last]);
        }
        while first > 0 && belongs_below(lines[first - 1]) {
            first -= 1;
        }
        is_gone[first..=last].fill(true);
        at = at.max(last + 1);
    }
    let kept = lines.iter().zip(&is_gone).filter(|(_, gone)| !**gone).map(|(line, _)| *line);
    kept.map(|line| format!("{line}\n")).collect()
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

/// Documentation and attributes are of what stands below them; a plain comment may be of more than that.
fn belongs_below(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("///") || line.starts_with("#[")
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// How many brackets a line leaves open, those in its texts not counted.
fn depth_after(line: &str) -> i32 {
    let count = |brackets: [char; 3]| code(line).matches(brackets).count() as i32;
    count(['(', '[', '{']) - count([')', ']', '}'])
}

/// A line of Rust without its comment, and without what stands in its texts and characters.
pub fn code(line: &str) -> String {
    let letters: Vec<char> = line.chars().collect();
    let (mut left, mut at, mut is_text) = (String::new(), 0, false);
    while at < letters.len() {
        match letters[at] {
            '\\' if is_text => at += 1,
            '"' => is_text = !is_text,
            _ if is_text => {}
            '/' if letters.get(at + 1) == Some(&'/') => break,
            // A character, and no lifetime.
            '\'' if letters.get(at + 2) == Some(&'\'') => at += 2,
            letter => left.push(letter),
        }
        at += 1;
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = r#"pub enum Thing {
    /// A page.
    Page,
    /// What somebody writes
    /// for themselves.
    #[serde(rename = "note")]
    Note,
}

const ROWS: &[Row] = &[
    // One a line.
    row("GET /notes", &[OK, "(", '[']),
    row(
        "PUT /notes",
        &[OK],
    ),
    (
        Topic::Task,
        tasks::changed,
    ),
    row("GET /tasks", &[OK]),
];
"#;

    #[test]
    fn an_element_goes_with_its_documentation_and_its_attributes() {
        let left = without(LIST, |line| line.trim() == "Note,");
        assert_eq!(left.lines().take(4).collect::<Vec<_>>(), ["pub enum Thing {", "    /// A page.", "    Page,", "}"]);
    }

    #[test]
    fn an_element_of_several_lines_goes_as_a_whole_and_its_neighbours_stay() {
        let left =
            without(LIST, |line| line.contains("GET /notes") || line.trim() == "row(" || line.contains("tasks::"));
        let rows: Vec<_> = left.lines().skip_while(|line| !line.starts_with("const")).collect();
        assert_eq!(rows, ["const ROWS: &[Row] = &[", "    // One a line.", "    row(\"GET /tasks\", &[OK]),", "];"]);
    }

    #[test]
    fn comments_are_never_what_is_meant() {
        let text = "// notes::create is the model\nlet a = 1;\n";
        assert_eq!(without(text, |line| line.contains("notes::")), text);
    }

    #[test]
    fn brackets_in_texts_and_characters_open_nothing() {
        assert_eq!(depth_after(r#"row("GET /(", &["\"[", '{']),"#), 0);
        assert_eq!(depth_after("fn a<'a>(x: &'a str) { // {"), 1);
    }
}
