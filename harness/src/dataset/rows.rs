//! Small CSV tables: a header that names the columns, one line a row, no quotes. What needs quoting is refused.

use super::DatasetError;

/// Longest table that is read, in bytes.
pub(super) const MAX_TABLE_BYTES: u64 = 256 << 20;

/// A table with the columns that were asked for.
pub(super) struct Rows<'t> {
    file: &'t str,
    /// For each wanted column its place in the file, if it is there.
    places: Vec<Option<usize>>,
    columns: usize,
    lines: Vec<&'t str>,
}

/// One row: the wanted columns.
pub(super) struct Row<'t> {
    /// Number of its line, from 1.
    pub(super) line: usize,
    /// In the order asked for; none where the table has no such column.
    pub(super) fields: Vec<Option<&'t str>>,
}

impl<'t> Rows<'t> {
    /// Finds the columns: the first `required` ones must be there, the others may be.
    pub(super) fn read(
        file: &'t str,
        text: &'t str,
        wanted: &[&str],
        required: usize,
    ) -> Result<Self, DatasetError> {
        let mut lines = text.strip_prefix('\u{feff}').unwrap_or(text).lines();
        let header: Vec<&str> = lines.next().unwrap_or_default().split(',').map(str::trim).collect();
        let places: Vec<Option<usize>> =
            wanted.iter().map(|name| header.iter().position(|column| column == name)).collect();
        if places.iter().take(required).any(Option::is_none) {
            let expected = format!("a header with {}", wanted.get(..required).unwrap_or(wanted).join(", "));
            let found = format!("\"{}\"", short(&header.join(",")));
            return Err(DatasetError::Entry {
                file: file.to_owned(),
                entry: "line 1".to_owned(),
                expected,
                found,
            });
        }
        Ok(Self { file, places, columns: header.len(), lines: lines.collect() })
    }

    /// The rows, empty lines left out.
    pub(super) fn rows(&self) -> impl Iterator<Item = Result<Row<'t>, DatasetError>> + '_ {
        let numbered = (2..).zip(&self.lines).filter(|(_, line)| !line.trim().is_empty());
        numbered.map(|(line, text)| self.row(line, text))
    }

    /// An error about one line.
    pub(super) fn wrong(&self, line: usize, expected: &str, found: &str) -> DatasetError {
        let (file, entry) = (self.file.to_owned(), format!("line {line}"));
        DatasetError::Entry {
            file,
            entry,
            expected: expected.to_owned(),
            found: format!("\"{}\"", short(found)),
        }
    }

    fn row(&self, line: usize, text: &'t str) -> Result<Row<'t>, DatasetError> {
        if text.contains('"') {
            return Err(self.wrong(line, "no quotes", text));
        }
        let fields: Vec<&str> = text.split(',').map(str::trim).collect();
        if fields.len() != self.columns {
            return Err(self.wrong(line, &format!("{} fields", self.columns), text));
        }
        let pick = |place: &Option<usize>| place.and_then(|place| fields.get(place).copied());
        Ok(Row { line, fields: self.places.iter().map(pick).collect() })
    }
}

fn short(text: &str) -> String {
    const MOST: usize = 80;
    text.chars().take(MOST).collect()
}
