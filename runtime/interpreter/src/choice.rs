//! What a caller of the interpreter chooses. Knows nothing of models.

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

/// Which set of kernels runs the operators.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[non_exhaustive]
pub enum KernelChoice {
    /// The fastest set that this CPU has.
    #[default]
    Auto,
    /// Plain loops: the arithmetic that every other set has to reproduce.
    Reference,
    /// Blocked loops that any CPU runs.
    Portable,
}

impl KernelChoice {
    /// The name in command lines: `auto`, `reference` or `portable`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Reference => "reference",
            Self::Portable => "portable",
        }
    }
}

impl fmt::Display for KernelChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for KernelChoice {
    type Err = UnknownKernels;

    fn from_str(text: &str) -> Result<Self, UnknownKernels> {
        match text {
            "auto" => Ok(Self::Auto),
            "ref" | "reference" => Ok(Self::Reference),
            "portable" => Ok(Self::Portable),
            _ => Err(UnknownKernels { found: text.to_owned() }),
        }
    }
}

/// A name that stands for no set of kernels.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("unknown kernels \"{found}\", expected auto, reference or portable")]
pub struct UnknownKernels {
    /// What was given.
    pub found: String,
}

/// How [`crate::Interpreter::new`] shall prepare a model.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Options {
    /// The set of kernels.
    pub kernels: KernelChoice,
    /// Threads that one inference may use. More than one is accepted and runs on one: results do not depend on it.
    pub threads: usize,
    /// Whether no memory is reused, so that every tensor can be read after an inference.
    pub keep_all: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { kernels: KernelChoice::Auto, threads: 1, keep_all: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn names_lead_back_to_choices() {
        for choice in [KernelChoice::Auto, KernelChoice::Reference, KernelChoice::Portable] {
            assert_eq!(choice.name().parse(), Ok(choice));
        }
    }

    #[test]
    fn unknown_name_is_told_with_what_there_is() {
        let error = "avx9".parse::<KernelChoice>().unwrap_err();
        assert_eq!(error.to_string(), "unknown kernels \"avx9\", expected auto, reference or portable");
    }
}
