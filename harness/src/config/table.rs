//! A TOML table being read: which keys were asked for, which were given.

use std::ops::Range;

use toml::de::DeTable;

use super::problem::{Problem, ProblemKind, Problems};
use super::value::Value;

/// A table that is being checked. Every key that is asked for becomes a known one; [`Table::close`] notes the keys of
/// the file that nobody asked for.
pub struct Table<'d> {
    entries: &'d DeTable<'d>,
    span: Range<usize>,
    path: String,
    known: Vec<&'static str>,
    problems: &'d Problems,
}

impl<'d> Table<'d> {
    pub(super) fn new(
        entries: &'d DeTable<'d>,
        span: Range<usize>,
        path: String,
        problems: &'d Problems,
    ) -> Self {
        Self { entries, span, path, known: Vec::new(), problems }
    }

    /// Where the table stands, such as `variant.int8`; empty for the outermost.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The value of a key, if it is there.
    pub fn get(&mut self, key: &'static str) -> Option<Value<'d>> {
        self.knows(key);
        let value = self.entries.get(key)?;
        Some(Value::new(value, key.to_owned(), self.path.clone(), self.problems))
    }

    /// The value of a key that must be there; `expected` says what its value would be.
    pub fn require(&mut self, key: &'static str, expected: &str) -> Option<Value<'d>> {
        let found = self.get(key);
        if found.is_none() {
            let kind = ProblemKind::MissingKey { key: key.to_owned(), expected: expected.to_owned() };
            self.note_here(kind);
        }
        found
    }

    /// Every entry whose key the user chooses (a device, a variant), in the order of the file.
    pub fn named(&self) -> Vec<Value<'d>> {
        let mut entries: Vec<_> = self.entries.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        entries
            .into_iter()
            .map(|(key, value)| {
                Value::named(value, key.get_ref().to_string(), key.span(), self.path.clone(), self.problems)
            })
            .collect()
    }

    /// Notes a problem with the table as a whole.
    pub fn note_here(&self, kind: ProblemKind) {
        self.problems.note(Problem { kind, table: self.path.clone(), span: self.span.clone() });
    }

    /// Notes every key of the file that was not asked for.
    pub fn close(self) {
        let known = self.known;
        for (key, _) in self.entries {
            if !known.contains(&key.get_ref().as_ref()) {
                let kind = ProblemKind::UnknownKey { key: key.get_ref().to_string(), known: known.clone() };
                self.problems.note(Problem { kind, table: self.path.clone(), span: key.span() });
            }
        }
    }

    fn knows(&mut self, key: &'static str) {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
    }
}
