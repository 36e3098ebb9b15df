//! Text that came from outside (names in suites and device files, words of agents), made harmless for any format.

/// Without control characters, which could drive a terminal or end a line, and without the marks that reorder text,
/// which could make a name look like another. Each leaves a visible sign.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|one| if is_harmful(one) { '\u{fffd}' } else { one }).collect()
}

/// As [`printable`], for a document that has lines of its own.
pub(crate) fn printable_lines(text: &str) -> String {
    text.chars().map(|one| if is_harmful(one) && one != '\n' { '\u{fffd}' } else { one }).collect()
}

fn is_harmful(one: char) -> bool {
    one.is_control() || matches!(one, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
