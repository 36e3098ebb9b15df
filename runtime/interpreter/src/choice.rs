//! What a caller of the interpreter chooses. Knows nothing of models.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use edgebench_kernels::Set;

/// Which set of kernels runs the operators. A set that has no kernel of its own for an operator takes the next plainer
/// one. Integer results do not depend on it; float results differ in their last digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[non_exhaustive]
pub enum KernelChoice {
    /// The fastest set that this CPU has.
    #[default]
    Auto,
    /// This one.
    Only(Set),
}

impl KernelChoice {
    /// Every choice; the sets from the plainest to the fastest.
    pub fn all() -> impl Iterator<Item = Self> {
        core::iter::once(Self::Auto).chain(Set::ALL.iter().copied().map(Self::Only))
    }

    /// The name in command lines, such as `auto`, `reference` or `avx2`.
    pub fn name(self) -> &'static str {
        self.set().map_or("auto", Set::name)
    }

    /// Whether this CPU, and this build, can run it.
    pub fn is_available(self) -> bool {
        self.set().is_none_or(Set::is_available)
    }

    /// The set that is named; none for the fastest.
    pub(crate) fn set(self) -> Option<Set> {
        match self {
            Self::Auto => None,
            Self::Only(set) => Some(set),
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

    /// Reads a name; `ref` is short for `reference`.
    fn from_str(text: &str) -> Result<Self, UnknownKernels> {
        let name = if text == "ref" { "reference" } else { text };
        let choice = Self::all().find(|choice| choice.name() == name);
        choice.ok_or_else(|| UnknownKernels { found: text.to_owned() })
    }
}

/// A name that stands for no set of kernels.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("unknown kernels \"{found}\", expected one of {}", names())]
pub struct UnknownKernels {
    /// What was given.
    pub found: String,
}

/// The names of all choices.
fn names() -> String {
    KernelChoice::all().map(KernelChoice::name).collect::<Vec<_>>().join(", ")
}

/// How [`crate::Interpreter::new`] shall prepare a model.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Options {
    /// The set of kernels.
    pub kernels: KernelChoice,
    /// Threads that one inference may use; [`crate::Interpreter::set_workers`] brings them. Results do not depend on it.
    pub threads: usize,
    /// Multiply-accumulates that each thread's share of an operator has at least: below this, waking a thread takes longer
    /// than it saves. 0 divides whatever can be divided.
    pub least_macs_of_share: u64,
    /// Whether no memory is reused, so that every tensor can be read after an inference.
    pub keep_all: bool,
    /// What the interpreter may take beside the file, in bytes: arena with scratch, packed weights, constants that are
    /// computed or converted, variables. It is checked before memory is taken, weights of one operator excepted, which
    /// are counted when they are packed. While an input is resized, the old and the new memory are both there.
    pub memory_limit_bytes: usize,
}

/// More than any network for an edge device needs, and little enough that 32-bit offsets hold it.
const MEMORY_LIMIT_BYTES: usize = 1 << 30;

/// Some microseconds on a fast core, some dozens on a slow one.
const LEAST_MACS_OF_SHARE: u64 = 50_000;

impl Default for Options {
    fn default() -> Self {
        Self {
            kernels: KernelChoice::Auto,
            threads: 1,
            least_macs_of_share: LEAST_MACS_OF_SHARE,
            keep_all: false,
            memory_limit_bytes: MEMORY_LIMIT_BYTES,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn names_lead_back_to_choices() {
        for choice in KernelChoice::all() {
            assert_eq!(choice.name().parse(), Ok(choice));
        }
        assert_eq!("ref".parse(), Ok(KernelChoice::Only(Set::Reference)));
    }

    #[test]
    fn every_set_of_kernels_can_be_chosen() {
        for set in Set::ALL {
            assert_eq!(set.name().parse::<KernelChoice>().map(KernelChoice::set), Ok(Some(*set)));
            let listed = UnknownKernels { found: String::new() }.to_string();
            assert!(listed.contains(set.name()), "{listed}");
        }
    }

    #[test]
    fn unknown_name_is_told_with_what_there_is() {
        let error = "avx9".parse::<KernelChoice>().unwrap_err();
        let expected = "unknown kernels \"avx9\", expected one of auto, reference, portable, avx2, avx512vnni, neon, dotprod, i8mm";
        assert_eq!(error.to_string(), expected);
    }
}
