//! The markers are told apart from every instruction that is near them.
#![forbid(unsafe_code)]

#[path = "../src/marker.rs"]
mod marker;

use marker::{Marker, Target};

fn read(target: Target, word: u32) -> Option<Marker> {
    target.marker(&word.to_le_bytes())
}

#[test]
fn hints_0x60_and_0x61_are_the_markers() {
    let a64 = |imm: u32| read(Target::Aarch64, 0xd503_201f | (imm << 5));
    let a32 = |imm: u32| read(Target::Arm, 0xe320_f000 | imm);
    for hint in [a64, a32] {
        assert_eq!(hint(0x60), Some(Marker::Start));
        assert_eq!(hint(0x61), Some(Marker::Stop));
        assert!((0..0x80).filter(|imm| ![0x60, 0x61].contains(imm)).all(|imm| hint(imm).is_none()));
    }
}

#[test]
fn a_marker_of_one_architecture_is_none_of_the_other() {
    assert_eq!(read(Target::Arm, 0xd503_2c1f), None);
    assert_eq!(read(Target::Aarch64, 0xe320_f060), None);
}

#[test]
fn targets_go_by_the_names_of_qemu() {
    assert_eq!(Target::named("aarch64"), Some(Target::Aarch64));
    assert_eq!(Target::named("arm"), Some(Target::Arm));
    assert_eq!(Target::named("x86_64"), Some(Target::X86));
    assert_eq!(Target::named("riscv64"), None);
}

#[test]
fn on_x86_the_displacement_makes_the_marker() {
    let nop = |last: [u8; 4]| Target::X86.marker(&[&[0x0f, 0x1f, 0x84, 0x00][..], &last].concat());
    assert_eq!(nop(0x6564_6760_u32.to_le_bytes()), Some(Marker::Start));
    assert_eq!(nop(0x6564_6761_u32.to_le_bytes()), Some(Marker::Stop));
    assert_eq!(nop([0; 4]), None, "the padding that every assembler writes");
    assert_eq!(Target::X86.marker(&[0x0f, 0x1f, 0x84]), None);
    const { assert!(marker::LONGEST >= 8) };
}
