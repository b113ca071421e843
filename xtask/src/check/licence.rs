//! Licence expressions as in SPDX: names, `AND`, `OR`, `WITH`, parentheses, and the old `/` for `OR`.

/// Whether `allowed` lets one use what is under `expression`. What cannot be read is not allowed.
pub fn permits(expression: &str, allowed: &[&str]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut reader = Reader { words: spaced.split_whitespace().collect(), at: 0, allowed };
    let permitted = reader.either();
    permitted == Some(true) && reader.at == reader.words.len()
}

struct Reader<'a> {
    words: Vec<&'a str>,
    at: usize,
    allowed: &'a [&'a str],
}

impl Reader<'_> {
    fn either(&mut self) -> Option<bool> {
        let mut permitted = self.both()?;
        while self.take("OR") {
            permitted |= self.both()?;
        }
        Some(permitted)
    }

    fn both(&mut self) -> Option<bool> {
        let mut permitted = self.single()?;
        while self.take("AND") {
            permitted &= self.single()?;
        }
        Some(permitted)
    }

    fn single(&mut self) -> Option<bool> {
        if self.take("(") {
            let inner = self.either()?;
            return self.take(")").then_some(inner);
        }
        let mut name = self.next()?.to_owned();
        if self.take("WITH") {
            name = format!("{name} WITH {}", self.next()?);
        }
        Some(self.allowed.contains(&name.as_str()))
    }

    fn take(&mut self, word: &str) -> bool {
        let is_next = self.words.get(self.at) == Some(&word);
        self.at += usize::from(is_next);
        is_next
    }

    fn next(&mut self) -> Option<&str> {
        self.at += 1;
        self.words.get(self.at - 1).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_side_of_or_suffices_and_both_of_and_are_needed() {
        let permitted = |expression: &str| permits(expression, &["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"]);

        let yes =
            ["MIT", "GPL-3.0 OR MIT", "GPL-3.0/MIT", "(GPL-3.0 OR MIT) AND ISC", "Apache-2.0 WITH LLVM-exception"];
        let no = ["", "GPL-3.0", "MIT AND GPL-3.0", "MIT OR", "(MIT", "MIT ISC", "Apache-2.0", "GPL-3.0 OR MIT AND X"];
        assert_eq!(yes.map(permitted), [true; 5]);
        assert_eq!(no.map(permitted), [false; 8]);
    }
}
