//! The kernels, one row each. Dispatch ([`Table::select`]), the battery of tests, the benches and the listing of
//! `bench devices --kernels` ([`list`]) all read these tables. To add a kernel, write its function and add its row.
//! Operators that only move elements have one implementation each and no row.

use alloc::vec::Vec;

mod rows;

pub use rows::*;

/// A family of kernels that needs the same instructions, from the plainest to the fastest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Set {
    /// Plain loops with LiteRT's reference arithmetic.
    Reference,
    /// Blocked loops over packed weights, for any CPU.
    Portable,
    /// x86-64 with AVX2 and FMA. Floats are summed with one rounding a product.
    Avx2,
    /// x86-64 with AVX-512 and VNNI. Floats are summed with one rounding a product.
    Avx512Vnni,
    /// aarch64 as every CPU of it is. Floats are summed with one rounding a product.
    Neon,
    /// aarch64 with dot products of four bytes (Armv8.2 with DotProd: Cortex-A55 and A75 on, Raspberry Pi 5).
    Dotprod,
    /// aarch64 with matrix products of bytes (Armv8.6 or I8MM: Cortex-A510 and A710 on).
    I8mm,
}

impl Set {
    /// Every set, plainest first.
    pub const ALL: &'static [Self] = &[
        Self::Reference,
        Self::Portable,
        Self::Avx2,
        Self::Avx512Vnni,
        Self::Neon,
        Self::Dotprod,
        Self::I8mm,
    ];

    /// The name that users read and write.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512Vnni => "avx512vnni",
            Self::Neon => "neon",
            Self::Dotprod => "dotprod",
            Self::I8mm => "i8mm",
        }
    }

    /// Whether it is of the architecture that this build is for.
    const fn is_native(self) -> bool {
        match self {
            Self::Reference | Self::Portable => true,
            Self::Avx2 | Self::Avx512Vnni => cfg!(target_arch = "x86_64"),
            Self::Neon | Self::Dotprod | Self::I8mm => cfg!(target_arch = "aarch64"),
        }
    }

    /// Whether this CPU, and this build, can run it.
    pub fn is_available(self) -> bool {
        match self {
            Self::Reference | Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => crate::isa::Avx2::detect().is_some(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => crate::isa::Avx512::detect().is_some(),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => crate::isa::Neon::detect().is_some(),
            #[cfg(target_arch = "aarch64")]
            Self::Dotprod => crate::isa::Dotprod::detect().is_some(),
            #[cfg(target_arch = "aarch64")]
            Self::I8mm => crate::isa::I8mm::detect().is_some(),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Avx512Vnni => false,
            #[cfg(not(target_arch = "aarch64"))]
            Self::Neon | Self::Dotprod | Self::I8mm => false,
        }
    }
}

/// Which kernel to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Choice {
    /// The fastest that this CPU has.
    #[default]
    Auto,
    /// The kernel of this set; where an operator has none, or the CPU cannot run it, the next plainer one.
    UpTo(Set),
}

/// One kernel. `F` is its function: for operators with weights it packs them, for others it computes.
#[derive(Debug, Clone, Copy)]
pub struct Row<F> {
    /// The set it belongs to.
    pub set: Set,
    /// What it is, to be listed: layout and tile.
    pub name: &'static str,
    /// Its function. Safe to call on every CPU: a row whose instructions are absent computes the same without them.
    pub kernel: F,
}

/// The kernels of one operator for one choice of types, plainest first. The first row is the reference.
#[derive(Debug)]
pub struct Table<F: 'static> {
    /// The operator's name in the schema.
    pub operator: &'static str,
    /// Activation and weight types.
    pub types: &'static str,
    /// The kernels.
    pub rows: &'static [Row<F>],
}

impl<F> Table<F> {
    /// The row for `choice` on this CPU.
    pub fn select(&self, choice: Choice) -> &'static Row<F> {
        let limit = match choice {
            Choice::Auto => None,
            Choice::UpTo(set) if set.is_native() => Some(set),
            // What is plainer than a set of another architecture, and not of it.
            Choice::UpTo(_) => Some(Set::Portable),
        };
        let fits = |row: &&Row<F>| limit.is_none_or(|set| row.set <= set) && row.set.is_available();
        self.rows.iter().rev().find(fits).unwrap_or(&self.rows[0])
    }
}

/// A row as it is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// The operator's name in the schema.
    pub operator: &'static str,
    /// Activation and weight types.
    pub types: &'static str,
    /// The set.
    pub set: Set,
    /// What it is.
    pub name: &'static str,
    /// Whether this CPU can run it.
    pub available: bool,
}

/// Every row of every table, in the tables' order.
pub fn list() -> Vec<Listed> {
    let mut listed = Vec::new();
    rows::for_each(&mut |operator, types, set, name| {
        listed.push(Listed { operator, types, set, name, available: set.is_available() });
    });
    listed
}
