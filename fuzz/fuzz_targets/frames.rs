//! Any stream is messages or an error. The first byte chooses: the bytes as they come, or as the payload of a whole
//! frame, behind checks that no fuzzer guesses. A message that was read is written and read again.
#![no_main]

use core::fmt::Debug;

use crc::{CRC_32_ISO_HDLC, Crc};
use edgebench_wire::{Decoder, Reply, Request, encode};
use libfuzzer_sys::fuzz_target;
use serde::Serialize;
use serde::de::DeserializeOwned;

const CRC32: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, rest)) = bytes.split_first() else { return };
    let framed;
    let stream = if choice & 1 == 0 {
        rest
    } else {
        framed = frame(rest);
        &framed
    };
    let piece = usize::from(choice >> 2).max(1);
    match choice & 2 {
        0 => read::<Request>(stream, piece),
        _ => read::<Reply>(stream, piece),
    }
});

fn frame(payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xEB, b'E', b'B', b'\n'];
    bytes.extend((payload.len() as u32).to_le_bytes());
    bytes.extend(CRC32.checksum(&bytes).to_le_bytes());
    bytes.extend(payload);
    bytes.extend(CRC32.checksum(payload).to_le_bytes());
    bytes
}

fn read<T: Serialize + DeserializeOwned + Debug>(stream: &[u8], piece: usize) {
    let mut decoder = Decoder::new();
    for piece in stream.chunks(piece) {
        decoder.push(piece);
        loop {
            match decoder.next::<T>() {
                Ok(Some(message)) => write_and_read(&message),
                Ok(None) => break,
                Err(error) if error.stream_is_intact() => {}
                Err(_) => return,
            }
        }
    }
}

/// What was read says the same when it is written: postcard has several forms of a number, and one of its own.
fn write_and_read<T: Serialize + DeserializeOwned + Debug>(message: &T) {
    let mut once = Vec::new();
    encode(message, &mut once).expect("as long as what was read, or shorter");
    let mut decoder = Decoder::new();
    decoder.push(&once);
    let again = decoder.next::<T>().expect("a frame").expect("whole");
    let mut twice = Vec::new();
    encode(&again, &mut twice).expect("written before");
    assert_eq!(once, twice, "{message:?}");
}
