//! Which instructions are markers. Written against the encodings alone; knows nothing of QEMU.
//!
//! A marker is a hint of the architecture that no processor defines and every processor executes as a no-op, and that
//! no compiler emits. `runtime/kernels/src/marker.rs` holds the same encodings as instructions.

/// What a marker says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Marker {
    /// Counting begins behind this instruction.
    Start,
    /// Counting ended before this instruction.
    Stop,
}

/// The instruction set of the program that QEMU runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Target {
    /// A64.
    Aarch64,
    /// A32; T32 code may be mixed in and is counted, but holds no markers.
    Arm,
}

impl Target {
    /// By QEMU's name for it; none where there are no markers.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "aarch64" => Some(Self::Aarch64),
            "arm" => Some(Self::Arm),
            _ => None,
        }
    }

    /// Reads one instruction of 4 bytes as it lies in memory.
    ///
    /// A64 `HINT #imm7` is `0xd503201f | imm << 5` (Arm ARM, C6.2 HINT); A32 `HINT #imm8` is `0xe320f000 | imm` (F5.1
    /// NOP and its neighbours). The markers are the hints 0x60 and 0x61.
    pub(crate) fn marker(self, instruction: [u8; 4]) -> Option<Marker> {
        let (start, stop) = match self {
            Self::Aarch64 => (0xd503_2c1f, 0xd503_2c3f),
            Self::Arm => (0xe320_f060, 0xe320_f061),
        };
        match u32::from_le_bytes(instruction) {
            word if word == start => Some(Marker::Start),
            word if word == stop => Some(Marker::Stop),
            _ => None,
        }
    }
}
