//! Columns of numbers from a text file: any series, for the detector alone.

use std::path::{Path, PathBuf};

/// A longer file is no series.
const MAX_BYTES: u64 = 256 << 20;

/// Why a file gives no columns.
#[derive(Debug, thiserror::Error)]
pub enum NumbersError {
    /// It cannot be read.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A field is not what it should be.
    #[error("{}:{line}, column {column}: expected {expected}, found {found:?}", path.display())]
    Field {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// Its name, or its number from 1.
        column: String,
        /// What should stand there.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// No column of this name.
    #[error("{}: no column {wanted}", path.display())]
    Column {
        /// The file.
        path: PathBuf,
        /// The name.
        wanted: String,
        /// The names there are.
        known: Vec<String>,
    },
}

/// Every column of numbers, or the one named: the first line names them unless it consists of numbers. Columns that
/// hold anything else (times, revisions) are left out unless named.
///
/// # Errors
/// When the file cannot be read, or a named column is missing or not of numbers.
pub fn numbers(path: &Path, wanted: Option<&str>) -> Result<Vec<(String, Vec<f64>)>, NumbersError> {
    let io = |source| NumbersError::Io { path: path.to_owned(), source };
    let length = std::fs::metadata(path).map_err(io)?.len();
    if length > MAX_BYTES {
        return Err(io(std::io::Error::other(format!("expected at most {MAX_BYTES} bytes, found {length}"))));
    }
    parse(path, &std::fs::read_to_string(path).map_err(io)?, wanted)
}

fn parse(path: &Path, text: &str, wanted: Option<&str>) -> Result<Vec<(String, Vec<f64>)>, NumbersError> {
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).peekable();
    let first: Vec<String> = lines.peek().map(|(_, line)| fields(line)).unwrap_or_default();
    let named = first.iter().any(|field| field.parse::<f64>().is_err());
    let names: Vec<String> =
        if named { first } else { (1..=first.len()).map(|number| number.to_string()).collect() };
    if named {
        lines.next();
    }
    if let Some(wanted) = wanted.filter(|wanted| !names.iter().any(|name| name == wanted)) {
        return Err(NumbersError::Column { path: path.to_owned(), wanted: wanted.to_owned(), known: names });
    }
    let mut columns: Vec<(String, Option<Vec<f64>>)> =
        names.into_iter().map(|name| (name, Some(Vec::new()))).collect();
    for (line, text) in lines {
        let fields = fields(text);
        for (at, (name, column)) in columns.iter_mut().enumerate() {
            let field = fields.get(at).map_or("", String::as_str);
            match (field.parse::<f64>().ok().filter(|value| value.is_finite()), wanted == Some(name)) {
                (Some(value), _) => column.iter_mut().for_each(|column| column.push(value)),
                (None, false) => *column = None,
                (None, true) => {
                    let (column, found) = (name.clone(), field.to_owned());
                    let expected = "a number";
                    return Err(NumbersError::Field {
                        path: path.to_owned(),
                        line: line + 1,
                        column,
                        expected,
                        found,
                    });
                }
            }
        }
    }
    let chosen = columns.into_iter().filter(|(name, _)| wanted.is_none_or(|wanted| wanted == name));
    Ok(chosen.filter_map(|(name, column)| Some((name, column?))).collect())
}

/// Fields of a line; quotes round one are taken off. A comma within quotes belongs to the field.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    for one in line.trim_end_matches('\r').chars() {
        match one {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => fields.last_mut().into_iter().for_each(|field| field.push(other)),
        }
    }
    fields.iter().map(|field| field.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str, wanted: Option<&str>) -> Result<Vec<(String, Vec<f64>)>, String> {
        parse(Path::new("x.csv"), text, wanted).map_err(|error| error.to_string())
    }

    #[test]
    fn columns_of_numbers_are_found_by_themselves() {
        let text = "time,\"a, b\",commit\n1,2.5,abc\n2,-3e1,def\n";
        let expected = [("time".to_owned(), vec![1.0, 2.0]), ("a, b".to_owned(), vec![2.5, -30.0])];
        assert_eq!(parsed(text, None), Ok(expected.to_vec()));
        assert_eq!(parsed("5\r\n6\r\n", None), Ok(vec![("1".to_owned(), vec![5.0, 6.0])]));
        assert_eq!(parsed("", None), Ok(Vec::new()));
    }

    #[test]
    fn a_named_column_must_be_there_and_of_numbers() {
        let text = "time,commit\n1,abc\n";
        assert_eq!(parsed(text, Some("time")), Ok(vec![("time".to_owned(), vec![1.0])]));
        assert_eq!(parsed(text, Some("speed")), Err("x.csv: no column speed".to_owned()));
        let error = parsed(text, Some("commit")).expect_err("no numbers");
        assert_eq!(error, "x.csv:2, column commit: expected a number, found \"abc\"");
        assert!(parsed("v\nnan\n", Some("v")).is_err());
        assert!(parsed("a,v\n1\n", Some("v")).is_err());
    }
}
