//! aarch64. Tiles: `floats`, `octets` (bytes, widening products), `dotprod` and `i8mm`. Rows of the table: `neon` and the last
//! two. `finish` brings sums to outputs, `taps` sums depthwise windows, `lookup` reads
//! tables.

pub(crate) mod dotprod;
pub(crate) mod finish;
mod floats;
pub(crate) mod i8mm;
pub(crate) mod lookup;
pub(crate) mod neon;
mod octets;
mod taps;

use super::{elementwise, packers};
