//! ADD, SUB and MUL on int8: the reference's arithmetic, compiled for an instruction set.

use crate::isa::{Body, Isa};
use crate::reference::binary::{AddI8, MulI8, add_quantized, mul_quantized, sub_quantized};
use crate::shape::Broadcast;

/// Two operands, how they are walked, and where the results go.
struct Operands<'a, C> {
    constants: &'a C,
    walk: &'a Broadcast,
    left: &'a [i8],
    right: &'a [i8],
    output: &'a mut [i8],
}

struct Add<'a>(Operands<'a, AddI8>);
struct Sub<'a>(Operands<'a, AddI8>);
struct Mul<'a>(Operands<'a, MulI8>);

impl Body for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Operands { constants, walk, left, right, output } = self.0;
        add_quantized(constants, walk, left, right, output);
    }
}

impl Body for Sub<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Operands { constants, walk, left, right, output } = self.0;
        sub_quantized(constants, walk, left, right, output);
    }
}

impl Body for Mul<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Operands { constants, walk, left, right, output } = self.0;
        mul_quantized(constants, walk, left, right, output);
    }
}

/// `left + right`, see [`add_quantized`].
pub(crate) fn add<I: Isa>(
    isa: I,
    constants: &AddI8,
    walk: &Broadcast,
    left: &[i8],
    right: &[i8],
    output: &mut [i8],
) {
    isa.vectorize(Add(Operands { constants, walk, left, right, output }));
}

/// `left - right`, see [`sub_quantized`].
pub(crate) fn sub<I: Isa>(
    isa: I,
    constants: &AddI8,
    walk: &Broadcast,
    left: &[i8],
    right: &[i8],
    output: &mut [i8],
) {
    isa.vectorize(Sub(Operands { constants, walk, left, right, output }));
}

/// `left * right`, see [`mul_quantized`].
pub(crate) fn mul<I: Isa>(
    isa: I,
    constants: &MulI8,
    walk: &Broadcast,
    left: &[i8],
    right: &[i8],
    output: &mut [i8],
) {
    isa.vectorize(Mul(Operands { constants, walk, left, right, output }));
}
