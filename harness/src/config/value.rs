//! A TOML value being checked: its type, its range, its name.

use std::fmt::Display;
use std::ops::{Range, RangeInclusive};
use std::str::FromStr;

use toml::Spanned;
use toml::de::{DeInteger, DeValue};

use super::problem::{Problem, ProblemKind, Problems};
use super::table::Table;

/// A value that is being checked. Methods that give `Option` have noted the problem when they give `None`.
#[derive(Clone)]
pub struct Value<'d> {
    value: &'d DeValue<'d>,
    span: Range<usize>,
    key: String,
    key_span: Option<Range<usize>>,
    table: String,
    problems: &'d Problems,
}

impl<'d> Value<'d> {
    pub(super) fn new(
        value: &'d Spanned<DeValue<'d>>,
        key: String,
        table: String,
        problems: &'d Problems,
    ) -> Self {
        Self { value: value.get_ref(), span: value.span(), key, key_span: None, table, problems }
    }

    pub(super) fn named(
        value: &'d Spanned<DeValue<'d>>,
        key: String,
        key_span: Range<usize>,
        table: String,
        problems: &'d Problems,
    ) -> Self {
        Self { key_span: Some(key_span), ..Self::new(value, key, table, problems) }
    }

    /// The last part of its path: a key, or a key with an index such as `model[0]`.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Text.
    pub fn string(&self) -> Option<&'d str> {
        match self.value {
            DeValue::String(text) => Some(text.as_ref()),
            _ => self.wrong_type("a string"),
        }
    }

    /// The text if it is text, nothing noted if it is not.
    pub fn as_text(&self) -> Option<&'d str> {
        if let DeValue::String(text) = self.value { Some(text.as_ref()) } else { None }
    }

    /// The keys if it is a table, nothing noted if it is not.
    pub fn keys(&self) -> Vec<String> {
        let DeValue::Table(entries) = self.value else { return Vec::new() };
        entries.keys().map(|key| key.get_ref().to_string()).collect()
    }

    /// Text that is not empty.
    pub fn text(&self) -> Option<&'d str> {
        let text = self.string()?;
        if text.trim().is_empty() { self.bad("a string that is not empty") } else { Some(text) }
    }

    /// `true` or `false`.
    pub fn boolean(&self) -> Option<bool> {
        match self.value {
            DeValue::Boolean(value) => Some(*value),
            _ => self.wrong_type("true or false"),
        }
    }

    /// A whole number in the range.
    pub fn integer<N>(&self, range: RangeInclusive<N>) -> Option<N>
    where
        N: TryFrom<i128> + PartialOrd + Display + Copy,
    {
        let expected = format!("an integer from {} to {}", range.start(), range.end());
        let DeValue::Integer(integer) = self.value else { return self.wrong_type(&expected) };
        let number = whole(integer).and_then(|number| N::try_from(number).ok());
        match number.filter(|number| range.contains(number)) {
            Some(number) => Some(number),
            None => self.bad(&expected),
        }
    }

    /// A finite number in the range, written as an integer or a float.
    pub fn number(&self, range: RangeInclusive<f64>) -> Option<f64> {
        let expected = match (*range.start(), *range.end()) {
            (f64::MIN, f64::MAX) => "a finite number".to_owned(),
            (least, most) => format!("a number from {least} to {most}"),
        };
        let number = match self.value {
            DeValue::Integer(integer) => whole(integer).map(|number| number as f64),
            DeValue::Float(float) => float.as_str().parse().ok(),
            _ => return self.wrong_type(&expected),
        };
        match number.filter(|number| range.contains(number)) {
            Some(number) => Some(number),
            None => self.bad(&expected),
        }
    }

    /// Text that `T` understands; `expected` says what that is.
    pub fn parse<T: FromStr>(&self, expected: &str) -> Option<T> {
        let DeValue::String(text) = self.value else { return self.wrong_type(expected) };
        match text.parse() {
            Ok(parsed) => Some(parsed),
            Err(_) => self.bad(expected),
        }
    }

    /// One of the names in `choices`.
    pub fn choice<T: Copy>(&self, choices: &[(&'static str, T)]) -> Option<T> {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let DeValue::String(text) = self.value else {
            return self.wrong_type(&format!("one of the strings {}", names.join(", ")));
        };
        let found = choices.iter().find(|(name, _)| name == text);
        if found.is_none() {
            let known = names.into_iter().map(str::to_owned).collect();
            self.note(ProblemKind::UnknownName { what: "choice", found: text.to_string(), known });
        }
        found.map(|(_, choice)| *choice)
    }

    /// The elements of an array of `lengths`; each is then called `key[0]`, `key[1]`, ...
    pub fn array(&self, lengths: RangeInclusive<usize>, of: &str) -> Option<Vec<Value<'d>>> {
        let DeValue::Array(array) = self.value else { return self.wrong_type(&format!("an array of {of}")) };
        if !lengths.contains(&array.len()) {
            let (least, most) = (lengths.start(), lengths.end());
            let many = match (least, most) {
                (least, most) if least == most => format!("{least}"),
                (least, &usize::MAX) => format!("{least} or more"),
                (least, most) => format!("{least} to {most}"),
            };
            return self.bad_as(&format!("an array of {many} {of}"), &format!("{} elements", array.len()));
        }
        let elements = array.iter().enumerate().map(|(index, element)| {
            let key = format!("{}[{index}]", self.key);
            Value::new(element, key, self.table.clone(), self.problems)
        });
        Some(elements.collect())
    }

    /// A table.
    pub fn table(&self) -> Option<Table<'d>> {
        let DeValue::Table(entries) = self.value else { return self.wrong_type("a table") };
        let path =
            if self.table.is_empty() { self.key.clone() } else { format!("{}.{}", self.table, self.key) };
        let span = self.key_span.clone().unwrap_or_else(|| self.span.clone());
        Some(Table::new(entries, span, path, self.problems))
    }

    /// The key as the name of a `what`, of the user's choosing: letters (perhaps only lower-case ones), digits, `.`,
    /// `_` and `-`, the first a letter or digit.
    pub fn key_as_name(&self, what: &str, lower_case: bool) -> Option<String> {
        if is_name(&self.key, lower_case) {
            return Some(self.key.clone());
        }
        let span = self.key_span.clone().unwrap_or_else(|| self.span.clone());
        let expected = name_rule(lower_case).to_owned();
        let kind = ProblemKind::BadValue { key: format!("{what} name"), expected, found: quoted(&self.key) };
        self.problems.note(Problem { kind, table: self.table.clone(), span });
        None
    }

    /// The value as a name, by the rule of [`Value::key_as_name`].
    pub fn name(&self) -> Option<String> {
        let text = self.string()?;
        if is_name(text, false) { Some(text.to_owned()) } else { self.bad(name_rule(false)) }
    }

    /// Notes a problem with this value.
    pub fn note(&self, kind: ProblemKind) {
        self.problems.note(Problem { kind, table: self.table.clone(), span: self.span.clone() });
    }

    /// Notes that the value is not what was expected, as found in the text.
    pub fn bad<T>(&self, expected: &str) -> Option<T> {
        self.bad_as(expected, &self.shown())
    }

    /// Notes that this value contradicts another one.
    pub fn conflict<T>(&self, expected: &str, found: &str) -> Option<T> {
        let key = self.key.clone();
        self.note(ProblemKind::Conflict { key, expected: expected.to_owned(), found: found.to_owned() });
        None
    }

    fn bad_as<T>(&self, expected: &str, found: &str) -> Option<T> {
        let key = self.key.clone();
        self.note(ProblemKind::BadValue { key, expected: expected.to_owned(), found: found.to_owned() });
        None
    }

    fn wrong_type<T>(&self, expected: &str) -> Option<T> {
        let found = match self.value {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a float",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "an array",
            DeValue::Table(_) => "a table",
        };
        self.note(ProblemKind::WrongType { key: self.key.clone(), expected: expected.to_owned(), found });
        None
    }

    fn shown(&self) -> String {
        match self.value {
            DeValue::String(text) => quoted(text),
            DeValue::Integer(integer) => integer.as_str().chars().take(MAX_SHOWN).collect(),
            DeValue::Float(float) => float.as_str().chars().take(MAX_SHOWN).collect(),
            DeValue::Boolean(value) => value.to_string(),
            other => other.type_str().to_owned(),
        }
    }
}

/// Characters of a wrong value that are repeated in its error.
const MAX_SHOWN: usize = 60;

/// Longest name, in bytes: it becomes part of file names.
const MAX_NAME: usize = 100;

fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(MAX_SHOWN).collect();
    if text.chars().nth(MAX_SHOWN).is_some() {
        shown.push_str("...");
    }
    format!("\"{}\"", shown.escape_debug())
}

fn whole(integer: &DeInteger<'_>) -> Option<i128> {
    i128::from_str_radix(integer.as_str(), integer.radix()).ok()
}

fn is_name(text: &str, lower_case: bool) -> bool {
    let fits = |letter: char| {
        letter.is_ascii_digit() || letter.is_ascii_lowercase() || (!lower_case && letter.is_ascii_uppercase())
    };
    text.starts_with(fits)
        && text.len() <= MAX_NAME
        && text.chars().all(|letter| fits(letter) || matches!(letter, '.' | '_' | '-'))
}

fn name_rule(lower_case: bool) -> &'static str {
    if lower_case {
        "at most 100 of a-z, 0-9, `.`, `_` and `-`, starting with a letter or a digit"
    } else {
        "at most 100 of A-Z, a-z, 0-9, `.`, `_` and `-`, starting with a letter or a digit"
    }
}
