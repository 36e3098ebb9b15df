//! The kernels, one row each. Dispatch ([`Table::select`]), the battery of tests, the benches and the listing of
//! `bench devices --kernels` ([`list`]) all read these tables. To add a kernel, write its function and add its row.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::packed::Packed;
use crate::reference;
use crate::spec::{ConvF32, ConvHybrid, ConvI8, FullyConnectedF32, FullyConnectedHybrid, FullyConnectedI8};

/// A family of kernels that needs the same instructions, from the plainest to the fastest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Set {
    /// Plain loops with LiteRT's reference arithmetic.
    Reference,
    /// Blocked loops over packed weights, for any CPU.
    Portable,
}

impl Set {
    /// Every set, plainest first.
    pub const ALL: &'static [Self] = &[Self::Reference, Self::Portable];

    /// The name that users read and write.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Portable => "portable",
        }
    }

    /// Whether this CPU, and this build, can run it.
    pub fn is_available(self) -> bool {
        match self {
            Self::Reference | Self::Portable => true,
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
            Choice::UpTo(set) => Some(set),
        };
        let fits = |row: &&Row<F>| limit.is_none_or(|set| row.set <= set) && row.set.is_available();
        self.rows.iter().rev().find(fits).unwrap_or(&self.rows[0])
    }
}

/// Packs a float convolution.
pub type PackConvF32 = fn(&ConvF32<'_>) -> Box<dyn Packed<f32, f32>>;
/// Packs an int8 convolution.
pub type PackConvI8 = fn(&ConvI8<'_>) -> Box<dyn Packed<i8, i8>>;
/// Packs a hybrid convolution.
pub type PackConvHybrid = fn(&ConvHybrid<'_>) -> Box<dyn Packed<f32, f32>>;
/// Packs a float FULLY_CONNECTED.
pub type PackFullyConnectedF32 = fn(&FullyConnectedF32<'_>) -> Box<dyn Packed<f32, f32>>;
/// Packs an int8 FULLY_CONNECTED.
pub type PackFullyConnectedI8 = fn(&FullyConnectedI8<'_>) -> Box<dyn Packed<i8, i8>>;
/// Packs a hybrid FULLY_CONNECTED.
pub type PackFullyConnectedHybrid = fn(&FullyConnectedHybrid<'_>) -> Box<dyn Packed<f32, f32>>;

/// CONV_2D on floats, weights float32 or float16.
pub static CONV_2D_F32: Table<PackConvF32> = Table {
    operator: "CONV_2D",
    types: "f32",
    rows: &[Row { set: Set::Reference, name: "plain loops", kernel: reference::conv_2d::pack_f32 }],
};

/// CONV_2D on int8, per-channel scales.
pub static CONV_2D_I8: Table<PackConvI8> = Table {
    operator: "CONV_2D",
    types: "i8",
    rows: &[Row { set: Set::Reference, name: "plain loops", kernel: reference::conv_2d::pack_i8 }],
};

/// CONV_2D on floats with int8 weights.
pub static CONV_2D_HYBRID: Table<PackConvHybrid> = Table {
    operator: "CONV_2D",
    types: "f32 x i8",
    rows: &[Row { set: Set::Reference, name: "plain loops", kernel: reference::conv_2d::pack_hybrid }],
};

/// DEPTHWISE_CONV_2D on floats, weights float32 or float16.
pub static DEPTHWISE_CONV_2D_F32: Table<PackConvF32> = Table {
    operator: "DEPTHWISE_CONV_2D",
    types: "f32",
    rows: &[Row { set: Set::Reference, name: "plain loops", kernel: reference::depthwise_conv_2d::pack_f32 }],
};

/// DEPTHWISE_CONV_2D on int8, per-channel scales.
pub static DEPTHWISE_CONV_2D_I8: Table<PackConvI8> = Table {
    operator: "DEPTHWISE_CONV_2D",
    types: "i8",
    rows: &[Row { set: Set::Reference, name: "plain loops", kernel: reference::depthwise_conv_2d::pack_i8 }],
};

/// DEPTHWISE_CONV_2D on floats with int8 weights.
pub static DEPTHWISE_CONV_2D_HYBRID: Table<PackConvHybrid> = Table {
    operator: "DEPTHWISE_CONV_2D",
    types: "f32 x i8",
    rows: &[Row {
        set: Set::Reference,
        name: "plain loops",
        kernel: reference::depthwise_conv_2d::pack_hybrid,
    }],
};

/// FULLY_CONNECTED on floats, weights float32 or float16.
pub static FULLY_CONNECTED_F32: Table<PackFullyConnectedF32> = Table {
    operator: "FULLY_CONNECTED",
    types: "f32",
    rows: &[Row { set: Set::Reference, name: "plain loops", kernel: reference::fully_connected::pack_f32 }],
};

/// FULLY_CONNECTED on int8.
pub static FULLY_CONNECTED_I8: Table<PackFullyConnectedI8> = Table {
    operator: "FULLY_CONNECTED",
    types: "i8",
    rows: &[Row { set: Set::Reference, name: "plain loops", kernel: reference::fully_connected::pack_i8 }],
};

/// FULLY_CONNECTED on floats with int8 weights.
pub static FULLY_CONNECTED_HYBRID: Table<PackFullyConnectedHybrid> = Table {
    operator: "FULLY_CONNECTED",
    types: "f32 x i8",
    rows: &[Row {
        set: Set::Reference,
        name: "plain loops",
        kernel: reference::fully_connected::pack_hybrid,
    }],
};

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
    let mut rows = Vec::new();
    add(&mut rows, &CONV_2D_F32);
    add(&mut rows, &CONV_2D_I8);
    add(&mut rows, &CONV_2D_HYBRID);
    add(&mut rows, &DEPTHWISE_CONV_2D_F32);
    add(&mut rows, &DEPTHWISE_CONV_2D_I8);
    add(&mut rows, &DEPTHWISE_CONV_2D_HYBRID);
    add(&mut rows, &FULLY_CONNECTED_F32);
    add(&mut rows, &FULLY_CONNECTED_I8);
    add(&mut rows, &FULLY_CONNECTED_HYBRID);
    rows
}

fn add<F>(rows: &mut Vec<Listed>, table: &Table<F>) {
    let &Table { operator, types, .. } = table;
    rows.extend(table.rows.iter().map(|row| Listed {
        operator,
        types,
        set: row.set,
        name: row.name,
        available: row.set.is_available(),
    }));
}
