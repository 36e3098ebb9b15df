//! Which instructions are markers. Written against the encodings alone; knows nothing of QEMU.
//!
//! A marker is an instruction that every processor executes as a no-op and that no compiler emits. `runtime/kernels/src/marker.rs` holds the same encodings as instructions.

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
    /// x86 in 64-bit mode.
    X86,
}

/// Bytes of the longest marker.
pub(crate) const LONGEST: usize = 8;

impl Target {
    /// By QEMU's name for it; none where there are no markers.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "aarch64" => Some(Self::Aarch64),
            "arm" => Some(Self::Arm),
            "x86_64" => Some(Self::X86),
            _ => None,
        }
    }

    /// Reads the bytes of one instruction as they lie in memory.
    ///
    /// A64 `HINT #imm7` is `0xd503201f | imm << 5` (Arm ARM, C6.2 HINT); A32 `HINT #imm8` is `0xe320f000 | imm` (F5.1
    /// NOP and its neighbours): the markers are the hints 0x60 and 0x61. On x86-64 they are `0f 1f 84 00` and four bytes
    /// of displacement (Intel SDM, NOP, the form of 8 bytes), which no assembler pads with unless they are 0.
    pub(crate) fn marker(self, instruction: &[u8]) -> Option<Marker> {
        let (start, stop): (&[u8], &[u8]) = match self {
            Self::Aarch64 => (&[0x1f, 0x2c, 0x03, 0xd5], &[0x3f, 0x2c, 0x03, 0xd5]),
            Self::Arm => (&[0x60, 0xf0, 0x20, 0xe3], &[0x61, 0xf0, 0x20, 0xe3]),
            Self::X86 => (b"\x0f\x1f\x84\x00\x60gde", b"\x0f\x1f\x84\x00\x61gde"),
        };
        match instruction {
            bytes if bytes == start => Some(Marker::Start),
            bytes if bytes == stop => Some(Marker::Stop),
            _ => None,
        }
    }
}
