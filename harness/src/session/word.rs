//! The one boundary between our words and a device's shell. ssh and adb hand a command to a shell as one string; a
//! [`Word`] is one argument of it and arrives there byte for byte, whatever it holds.

/// One argument of a command. It holds no NUL, which no argument can.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Word(String);

/// A NUL in what should become an argument.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("argument: expected no NUL, found one at byte {position}")]
pub struct NulInWord {
    /// Where it is.
    pub position: usize,
}

impl Word {
    /// A word of this text.
    ///
    /// # Errors
    /// When the text holds a NUL.
    pub fn new(text: impl Into<String>) -> Result<Self, NulInWord> {
        let text = text.into();
        match text.find('\0') {
            Some(position) => Err(NulInWord { position }),
            None => Ok(Self(text)),
        }
    }

    /// A word that stands in our own sources.
    pub const fn fixed(text: &'static str) -> FixedWord {
        FixedWord(text)
    }

    /// The argument itself, for programs that are started without a shell.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// As a POSIX shell reads it back (POSIX.1-2024, Shell Command Language, 2.2.2): single quotes keep everything but
    /// a single quote, which is closed, escaped and opened again. Always quoted: a word is then never an assignment, a
    /// reserved word, an alias or a pattern.
    pub fn quoted(&self) -> String {
        format!("'{}'", self.0.replace('\'', r"'\''"))
    }
}

/// See [`Word::fixed`].
#[derive(Clone, Copy, Debug)]
pub struct FixedWord(&'static str);

impl From<FixedWord> for Word {
    fn from(word: FixedWord) -> Self {
        Self(word.0.replace('\0', ""))
    }
}

/// The words as one line for a POSIX shell.
pub fn command_line(words: &[Word]) -> String {
    let quoted: Vec<String> = words.iter().map(Word::quoted).collect();
    quoted.join(" ")
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    /// Strings a shell run, and runs: few by default. EDGEBENCH_SHELL_RUNS=200 makes a hundred thousand strings.
    const BATCH: usize = 500;

    fn runs() -> u32 {
        std::env::var("EDGEBENCH_SHELL_RUNS").ok().and_then(|text| text.parse().ok()).unwrap_or(8)
    }

    /// What the real shell makes of the words: each argument followed by a NUL.
    fn through_the_shell(words: &[Word]) -> Vec<u8> {
        let script = format!("printf '%s\\0' {}", command_line(words));
        let output = Command::new("sh").arg("-c").arg(script).output().expect("a shell");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    fn expected(words: &[Word]) -> Vec<u8> {
        words.iter().flat_map(|word| word.text().bytes().chain([0])).collect()
    }

    /// Much of what a shell acts on, and anything else.
    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            "[^\0]{0,12}",
            "[-'\"$`\\\\;&|<>(){}\\[\\]*?!#~=%^ \n\t\r]{0,12}",
            "-[a-zA-Z]{1,3}",
            "\\$\\([a-z ]{1,6}\\)",
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(runs()))]
        #[test]
        fn words_pass_the_real_shell_unchanged(texts in proptest::collection::vec(text(), BATCH)) {
            let words: Vec<Word> = texts.into_iter().map(|text| Word::new(text).expect("no NUL")).collect();
            prop_assert_eq!(through_the_shell(&words), expected(&words));
        }
    }

    #[test]
    fn a_nul_is_no_word() {
        assert_eq!(Word::new("a\0b"), Err(NulInWord { position: 1 }));
    }

    #[test]
    fn words_are_quoted_whatever_they_are() {
        let line = command_line(&[Word::fixed("kill").into(), Word::new("it's").expect("no NUL")]);
        assert_eq!(line, r"'kill' 'it'\''s'");
    }
}
