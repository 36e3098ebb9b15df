//! Framing under everything a stream can do: cut anywhere, damaged anywhere, or not ours at all.
#![forbid(unsafe_code)]

use edgebench_wire::{
    Decoder, Digest, FrameError, MAX_CHUNK_BYTES, MAX_FRAME_BYTES, Phase, Prediction, Reply, Request, encode,
};
use proptest::collection::vec;
use proptest::prelude::*;

fn request() -> impl Strategy<Value = Request> {
    prop_oneof![
        any::<u16>().prop_map(|protocol| Request::Hello { protocol }),
        Just(Request::Facts),
        Just(Request::Bye),
        (any::<[u8; 32]>(), any::<u64>(), any::<u64>(), vec(any::<u8>(), 0..2000)).prop_map(
            |(digest, total_bytes, offset, chunk)| Request::Put {
                digest: Digest(digest),
                total_bytes,
                offset,
                chunk
            }
        ),
    ]
}

fn reply() -> impl Strategy<Value = Reply> {
    prop_oneof![
        vec(any::<u64>(), 0..500).prop_map(|nanos| Reply::Samples { phase: Phase::Steady, nanos }),
        (
            any::<u32>(),
            vec((any::<u32>(), -1e6_f32..1e6), 0..9),
            proptest::option::of(vec(any::<u8>(), 0..99))
        )
            .prop_map(|(first, top, raw)| Reply::Predictions {
                first,
                items: vec![Prediction { top, raw }; 3]
            }),
    ]
}

fn stream<T: serde::Serialize>(messages: &[T]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for message in messages {
        encode(message, &mut bytes).expect("small enough");
    }
    bytes
}

/// Everything that comes out when `bytes` arrive in pieces of the given lengths, in turn.
fn arrive<T: serde::de::DeserializeOwned>(bytes: &[u8], pieces: &[usize]) -> Result<Vec<T>, FrameError> {
    let (mut decoder, mut messages, mut rest) = (Decoder::new(), Vec::new(), bytes);
    for piece in pieces.iter().cycle() {
        let (now, later) = rest.split_at((*piece).clamp(1, rest.len().max(1)).min(rest.len()));
        decoder.push(now);
        while let Some(message) = decoder.next()? {
            messages.push(message);
        }
        rest = later;
        if rest.is_empty() {
            break;
        }
    }
    Ok(messages)
}

proptest! {
    #[test]
    fn messages_arrive_however_the_stream_is_cut(
        messages in vec(request(), 1..6), pieces in vec(1..700_usize, 1..8),
    ) {
        prop_assert_eq!(arrive(&stream(&messages), &pieces), Ok(messages));
    }

    #[test]
    fn replies_arrive_however_the_stream_is_cut(messages in vec(reply(), 1..6), pieces in vec(1..90_usize, 1..8)) {
        prop_assert_eq!(arrive(&stream(&messages), &pieces), Ok(messages));
    }

    #[test]
    fn a_cut_stream_gives_the_whole_messages_and_says_that_something_is_left(
        messages in vec(request(), 1..4), cut in any::<proptest::sample::Index>(),
    ) {
        let bytes = stream(&messages);
        let end = cut.index(bytes.len());
        let mut decoder = Decoder::new();
        decoder.push(&bytes[..end]);
        let mut whole = Vec::new();
        while let Some(message) = decoder.next::<Request>().expect("undamaged") {
            whole.push(message);
        }
        prop_assert!(whole.len() < messages.len());
        prop_assert_eq!(&whole[..], &messages[..whole.len()]);
        prop_assert_eq!(decoder.pending_bytes(), end - stream(&whole).len());
    }

    #[test]
    fn garbage_never_panics_nor_is_it_kept(bytes in vec(any::<u8>(), 0..4000), pieces in vec(1..99_usize, 1..4)) {
        if let Ok(messages) = arrive::<Request>(&bytes, &pieces) {
            prop_assert!(messages.is_empty());
        }
    }

    #[test]
    fn garbage_in_a_sound_frame_never_panics(payload in vec(any::<u8>(), 0..2000)) {
        // A tuple of bytes is written as they are: the frame is sound, its content is anything.
        let mut bytes = Vec::new();
        encode(&Raw(&payload), &mut bytes).expect("small enough");
        let mut decoder = Decoder::new();
        decoder.push(&bytes);
        if let Err(error) = decoder.next::<Reply>() {
            prop_assert!(error.stream_is_intact(), "{}", error);
        }
        prop_assert_eq!(decoder.pending_bytes(), 0);
    }
}

/// Serializes as exactly these bytes, without a length before them.
struct Raw<'a>(&'a [u8]);

impl serde::Serialize for Raw<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeTuple;
        let mut tuple = serializer.serialize_tuple(self.0.len())?;
        for byte in self.0 {
            tuple.serialize_element(byte)?;
        }
        tuple.end()
    }
}

#[test]
fn every_flipped_bit_is_detected_at_once() {
    let message = Request::Put { digest: Digest([7; 32]), total_bytes: 3, offset: 0, chunk: vec![1, 2, 3] };
    let sound = stream(std::slice::from_ref(&message));
    for bit in 0..sound.len() * 8 {
        let mut damaged = sound.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let mut decoder = Decoder::new();
        decoder.push(&damaged);
        let error = decoder.next::<Request>().expect_err("a flipped bit");
        assert!(!error.stream_is_intact(), "bit {bit}: {error}");
    }
}

#[test]
fn a_whole_chunk_fits_into_a_frame() {
    let largest = Request::Put {
        digest: Digest([0xff; 32]),
        total_bytes: u64::MAX,
        offset: u64::MAX,
        chunk: vec![0xff; MAX_CHUNK_BYTES],
    };
    let bytes = stream(std::slice::from_ref(&largest));
    assert!(bytes.len() <= MAX_FRAME_BYTES);
    assert_eq!(arrive(&bytes, &[64 * 1024]), Ok(vec![largest]));
}

#[test]
fn a_message_over_the_limit_is_not_written() {
    let mut out = b"before".to_vec();
    let too_large = Reply::Samples { phase: Phase::Warmup, nanos: vec![u64::MAX; MAX_FRAME_BYTES / 10] };
    let error = encode(&too_large, &mut out).expect_err("too large");
    assert_eq!(error.to_string(), "message Reply: expected at most 266224 bytes, found more");
    assert_eq!(out, b"before");
}

#[test]
fn a_list_that_promises_more_than_the_frame_holds_is_refused() {
    // Samples, steady, and a count of 2^63: taken at its word it would be the end of the process.
    let mut bytes = Vec::new();
    encode(&Raw(&[4, 1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01, 7]), &mut bytes)
        .expect("small");
    let mut decoder = Decoder::new();
    decoder.push(&bytes);
    assert!(matches!(decoder.next::<Reply>(), Err(FrameError::Payload { .. })));
}

#[test]
fn a_message_of_a_later_version_does_not_break_the_stream() {
    // Variant 200 is in no version yet.
    let mut bytes = Vec::new();
    encode(&200_u8, &mut bytes).expect("small");
    encode(&Request::Bye, &mut bytes).expect("small");
    let mut decoder = Decoder::new();
    decoder.push(&bytes);
    let error = decoder.next::<Request>().expect_err("unknown variant");
    assert!(error.stream_is_intact());
    assert_eq!(decoder.next::<Request>(), Ok(Some(Request::Bye)));
}
