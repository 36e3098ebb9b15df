//! x86-64.

pub(crate) mod avx2;
pub(crate) mod avx512;
pub(crate) mod finish_avx2;
pub(crate) mod finish_avx512;

use super::{elementwise, packers};
