//! Innermost loops in a CPU's own instructions: `arch/<cpu>/<isa>.rs`. Each file holds the tiles of one instruction set and
//! the functions of its rows; everything round the tiles is generic.

#[cfg(target_arch = "aarch64")]
pub(crate) mod aarch64;
#[cfg(target_arch = "x86_64")]
pub(crate) mod x86_64;

/// The functions of a set's rows: each packs for the set if the CPU has it, else for the next plainer one.
macro_rules! packers {
    ($set:ident; $(
        $(#[$doc:meta])*
        $name:ident: $spec:ident -> $element:ty, $plainer:path, |$isa:ident, $argument:ident| $kernel:expr;
    )*) => {
        $($(#[$doc])*
        pub(crate) fn $name($argument: &$spec<'_>) -> Box<dyn Packed<$element, $element>> {
            match $set::detect() {
                Some($isa) => $kernel,
                None => $plainer($argument),
            }
        })*
    };
}
use packers;

/// The functions of a set's rows that pack nothing: each runs for the set if the CPU has it, else as the next plainer one.
macro_rules! elementwise {
    ($set:ident; $(
        $(#[$doc:meta])*
        $name:ident($($argument:ident: $type:ty),*), $plainer:path, $kernel:path;
    )*) => {
        $($(#[$doc])*
        pub(crate) fn $name($($argument: $type),*) {
            match $set::detect() {
                Some(isa) => $kernel(isa, $($argument),*),
                None => $plainer($($argument),*),
            }
        })*
    };
}
use elementwise;
