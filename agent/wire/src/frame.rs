//! How a message becomes bytes in a stream, and how it is found again. Knows nothing of what messages mean.
//!
//! One frame is `mark | length | check of mark and length | payload | check of the payload`: four bytes each but the
//! payload, little-endian, both checks CRC-32 (ISO-HDLC, as in Ethernet and zip), the payload postcard. The header has
//! a check of its own because a damaged length could otherwise only be noticed by waiting for bytes that never come.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

use crc::{CRC_32_ISO_HDLC, Crc};
use postcard::ser_flavors::Flavor;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::MAX_CHUNK_BYTES;

/// Most bytes of one frame, header and checks included. A longer one is refused by its header, before anything is
/// allocated for it, and is never written.
pub const MAX_FRAME_BYTES: usize = MAX_CHUNK_BYTES + 4096;

/// Longest output of a network that one [`Prediction`](crate::Prediction) can carry as it is: a frame holds 255 classes of at
/// most 9 bytes, lengths, header and checks beside it.
pub const MAX_RAW_OUTPUT_BYTES: usize = MAX_FRAME_BYTES - 3072;

/// How a frame begins. The first byte is in no text, so that a stray print is told at once; the line feed is last so
/// that a terminal which turns it into two characters is told too.
const MARK: [u8; 4] = [0xEB, b'E', b'B', b'\n'];
const HEADER_BYTES: usize = 12;
const CHECK_BYTES: usize = 4;
const MAX_PAYLOAD_BYTES: usize = MAX_FRAME_BYTES - HEADER_BYTES - CHECK_BYTES;
/// So much of a stray text is shown: enough to recognise where it comes from.
const SHOWN_BYTES: usize = 64;

const CRC32: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// Why bytes are not a frame, or a message does not become one.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// Something else is in the stream, mostly text that a program printed.
    #[error("frame mark: expected \"\\xebEB\\n\", found \"{found}\"")]
    Mark {
        /// The first bytes there, as text with escapes.
        found: String,
    },
    /// Mark and length were damaged on the way.
    #[error("frame header check: expected {expected:08x}, found {found:08x}")]
    HeaderCheck {
        /// CRC-32 of the header that arrived.
        expected: u32,
        /// CRC-32 that came with it.
        found: u32,
    },
    /// The sender wants more memory than any message needs.
    #[error("frame length: expected at most {limit} bytes of payload, found {found}")]
    Length {
        /// Most bytes of a payload.
        limit: usize,
        /// Length in the header.
        found: u32,
    },
    /// The payload was damaged on the way.
    #[error("frame check: expected {expected:08x}, found {found:08x}")]
    Check {
        /// CRC-32 of the payload that arrived.
        expected: u32,
        /// CRC-32 that came with it.
        found: u32,
    },
    /// The frame arrived whole but holds no message that this side knows.
    #[error("frame payload: expected {expected}, found {payload_bytes} bytes that are none: {cause}")]
    Payload {
        /// Type of the message.
        expected: &'static str,
        /// Length of the payload.
        payload_bytes: usize,
        /// What the decoder stumbled on.
        cause: postcard::Error,
    },
    /// A message with something behind it: the sender speaks a later version.
    #[error("frame payload: expected {expected} and nothing else, found {trailing_bytes} bytes behind it")]
    Trailing {
        /// Type of the message.
        expected: &'static str,
        /// Bytes that were left.
        trailing_bytes: usize,
    },
    /// A message that is too large to be sent.
    #[error("message {message}: expected at most {limit} bytes, found more")]
    TooLarge {
        /// Type of the message.
        message: &'static str,
        /// Most bytes of a payload.
        limit: usize,
    },
}

impl FrameError {
    /// Whether the next frame can still be found: the frame was whole, only its content was not understood.
    #[must_use]
    pub fn stream_is_intact(&self) -> bool {
        matches!(self, Self::Payload { .. } | Self::Trailing { .. } | Self::TooLarge { .. })
    }
}

/// Appends one frame with `message` to `out`. On an error `out` is as it was.
///
/// # Errors
/// [`FrameError::TooLarge`] when the frame would be longer than [`MAX_FRAME_BYTES`].
pub fn encode<T: Serialize>(message: &T, out: &mut Vec<u8>) -> Result<(), FrameError> {
    let start = out.len();
    out.extend_from_slice(&[0; HEADER_BYTES]);
    let payload = Payload { out, left_bytes: MAX_PAYLOAD_BYTES };
    if postcard::serialize_with_flavor(message, payload).is_err() {
        out.truncate(start);
        return Err(FrameError::TooLarge { message: short_name::<T>(), limit: MAX_PAYLOAD_BYTES });
    }
    let (header, payload) = out[start..].split_at_mut(HEADER_BYTES);
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    let check = CRC32.checksum(payload).to_le_bytes();
    header[..4].copy_from_slice(&MARK);
    header[4..8].copy_from_slice(&length.to_le_bytes());
    let header_check = CRC32.checksum(&header[..8]);
    header[8..].copy_from_slice(&header_check.to_le_bytes());
    out.extend_from_slice(&check);
    Ok(())
}

/// Cuts messages out of a stream that arrives in pieces of any size.
///
/// Once the stream is broken (see [`FrameError::stream_is_intact`]) nothing behind that point can be trusted: the same
/// error is given again for ever and further bytes are dropped.
#[derive(Default, Debug)]
pub struct Decoder {
    buffer: Vec<u8>,
    taken: usize,
    broken: Option<FrameError>,
}

impl Decoder {
    /// A decoder at the beginning of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of the stream. Ask [`Decoder::next`] until it has none before pushing more, so that no
    /// more than one unfinished frame is ever held.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.broken.is_some() {
            return;
        }
        self.buffer.drain(..self.taken);
        self.taken = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next message, or none when its frame has not arrived completely.
    ///
    /// # Errors
    /// [`FrameError`] when the bytes are no frame or hold no `T`; a frame that holds no `T` is passed over.
    #[expect(clippy::should_implement_trait, reason = "the type of the message is chosen at each call")]
    pub fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, FrameError> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        let payload = match find_payload(&self.buffer[self.taken..]) {
            Ok(Some(payload)) => payload,
            Ok(None) => return Ok(None),
            Err(error) => return Err(self.break_off(error)),
        };
        self.taken += HEADER_BYTES + payload.len() + CHECK_BYTES;
        decode(payload).map(Some)
    }

    /// Bytes that are held and belong to no whole frame yet. A stream that ends with some was cut inside a frame.
    #[must_use]
    pub fn pending_bytes(&self) -> usize {
        self.buffer.len() - self.taken
    }

    fn break_off(&mut self, error: FrameError) -> FrameError {
        self.buffer = Vec::new();
        self.taken = 0;
        self.broken = Some(error.clone());
        error
    }
}

/// The payload of the frame that `bytes` begin with, verified; none while it is incomplete.
fn find_payload(bytes: &[u8]) -> Result<Option<&[u8]>, FrameError> {
    if bytes.iter().zip(&MARK).any(|(found, expected)| found != expected) {
        return Err(FrameError::Mark { found: shown(bytes) });
    }
    let Some((header, rest)) = bytes.split_first_chunk::<HEADER_BYTES>() else { return Ok(None) };
    let [_, _, _, _, l0, l1, l2, l3, c0, c1, c2, c3] = *header;
    let expected = CRC32.checksum(&header[..8]);
    let found = u32::from_le_bytes([c0, c1, c2, c3]);
    if found != expected {
        return Err(FrameError::HeaderCheck { expected, found });
    }
    let found = u32::from_le_bytes([l0, l1, l2, l3]);
    let length = usize::try_from(found)
        .ok()
        .filter(|length| *length <= MAX_PAYLOAD_BYTES)
        .ok_or(FrameError::Length { limit: MAX_PAYLOAD_BYTES, found })?;
    let Some((payload, rest)) = rest.split_at_checked(length) else { return Ok(None) };
    let Some(check) = rest.first_chunk::<CHECK_BYTES>() else { return Ok(None) };
    let (expected, found) = (CRC32.checksum(payload), u32::from_le_bytes(*check));
    if found != expected {
        return Err(FrameError::Check { expected, found });
    }
    Ok(Some(payload))
}

fn decode<T: DeserializeOwned>(payload: &[u8]) -> Result<T, FrameError> {
    let expected = short_name::<T>();
    match postcard::take_from_bytes(payload) {
        Ok((message, [])) => Ok(message),
        Ok((_, rest)) => Err(FrameError::Trailing { expected, trailing_bytes: rest.len() }),
        Err(cause) => Err(FrameError::Payload { expected, payload_bytes: payload.len(), cause }),
    }
}

/// The beginning of `bytes` as text: printable ASCII as it is, all else escaped.
fn shown(bytes: &[u8]) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write!(text, "{}", bytes[..bytes.len().min(SHOWN_BYTES)].escape_ascii());
    if bytes.len() > SHOWN_BYTES {
        text.push_str("...");
    }
    text
}

/// Name of a type without its path, as an error shows it.
fn short_name<T>() -> &'static str {
    let name = core::any::type_name::<T>();
    name.rsplit("::").next().unwrap_or(name)
}

/// Where postcard writes to: the end of a vector, up to a limit.
struct Payload<'a> {
    out: &'a mut Vec<u8>,
    left_bytes: usize,
}

impl Flavor for Payload<'_> {
    type Output = ();

    fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
        let left_bytes = self.left_bytes.checked_sub(data.len());
        self.left_bytes = left_bytes.ok_or(postcard::Error::SerializeBufferFull)?;
        self.out.extend_from_slice(data);
        Ok(())
    }

    fn try_push(&mut self, data: u8) -> postcard::Result<()> {
        self.try_extend(&[data])
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn frame(payload: &[u8]) -> Vec<u8> {
        let mut bytes = MARK.to_vec();
        bytes.extend_from_slice(&u32::try_from(payload.len()).expect("short").to_le_bytes());
        bytes.extend_from_slice(&CRC32.checksum(&bytes).to_le_bytes());
        bytes.extend_from_slice(payload);
        bytes.extend_from_slice(&CRC32.checksum(payload).to_le_bytes());
        bytes
    }

    #[test]
    fn a_payload_with_bytes_behind_the_message_is_refused_and_passed_over() {
        let mut decoder = Decoder::new();
        decoder.push(&frame(&[7, 8]));
        decoder.push(&frame(&[9]));
        assert_eq!(decoder.next::<u8>(), Err(FrameError::Trailing { expected: "u8", trailing_bytes: 1 }));
        assert_eq!(decoder.next::<u8>(), Ok(Some(9)));
        assert_eq!(decoder.next::<u8>(), Ok(None));
    }

    #[test]
    fn a_payload_that_is_no_message_is_refused_and_passed_over() {
        let mut decoder = Decoder::new();
        decoder.push(&frame(&[200]));
        decoder.push(&frame(&[1]));
        let error = decoder.next::<bool>().expect_err("200 is no bool");
        assert!(error.stream_is_intact());
        assert!(error.to_string().starts_with("frame payload: expected bool, found 1 bytes that are none: "));
        assert_eq!(decoder.next::<bool>(), Ok(Some(true)));
    }

    #[test]
    fn a_length_over_the_limit_is_refused_by_the_header_alone() {
        let mut header = MARK.to_vec();
        let too_long = u32::try_from(MAX_PAYLOAD_BYTES + 1).expect("fits");
        header.extend_from_slice(&too_long.to_le_bytes());
        header.extend_from_slice(&CRC32.checksum(&header).to_le_bytes());
        let mut decoder = Decoder::new();
        decoder.push(&header);
        let expected = FrameError::Length { limit: MAX_PAYLOAD_BYTES, found: too_long };
        assert_eq!(decoder.next::<u8>(), Err(expected));
        assert_eq!(decoder.pending_bytes(), 0);
    }

    #[test]
    fn a_broken_stream_stays_broken_and_holds_nothing() {
        let mut decoder = Decoder::new();
        decoder.push(b"warning: line printed by a library\n");
        let error = decoder.next::<u8>().expect_err("text is no frame");
        assert_eq!(
            error.to_string(),
            "frame mark: expected \"\\xebEB\\n\", found \"warning: line printed by a library\\n\""
        );
        decoder.push(&frame(&[1]));
        assert_eq!(decoder.next::<u8>(), Err(error));
        assert_eq!(decoder.pending_bytes(), 0);
    }

    #[test]
    fn a_terminal_that_changes_line_ends_is_told_by_the_mark() {
        let mut text = frame(&[1]);
        text.insert(3, b'\r');
        let mut decoder = Decoder::new();
        decoder.push(&text);
        let error = decoder.next::<u8>().expect_err("changed").to_string();
        assert!(error.contains("found \"\\xebEB\\r\\n"), "{error}");
    }
}
