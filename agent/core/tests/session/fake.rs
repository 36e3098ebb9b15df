//! A device in memory whose every part can be made to fail, and a controller that has said everything in advance.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use edgebench_agent_core::{
    Clock, Device, End, Identity, Meter, SessionError, Store, StoreError, StoredFile, Transport,
    TransportError, serve,
};
use edgebench_wire::{Condition, Decoder, Digest, FailureKind, PROTOCOL_VERSION, Reply, Request, encode};

/// What a controller has written, and what it gets.
pub(crate) struct Wire {
    incoming: VecDeque<u8>,
    /// Bytes that arrive at once.
    pub(crate) piece_bytes: usize,
    pub(crate) outgoing: Vec<u8>,
    /// Sending fails once so many bytes have been sent.
    pub(crate) breaks_after_bytes: Option<usize>,
    /// The controller is gone once so many frames have been sent.
    pub(crate) gone_after_frames: Option<usize>,
    pub(crate) frames_sent: usize,
}

impl Wire {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self {
            incoming: bytes.iter().copied().collect(),
            piece_bytes: usize::MAX,
            outgoing: Vec::new(),
            breaks_after_bytes: None,
            gone_after_frames: None,
            frames_sent: 0,
        }
    }
}

impl Transport for Wire {
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, TransportError> {
        let count = self.incoming.len().min(buffer.len()).min(self.piece_bytes);
        for (place, byte) in buffer.iter_mut().zip(self.incoming.drain(..count)) {
            *place = byte;
        }
        Ok(count)
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        self.frames_sent += 1;
        let room = self.breaks_after_bytes.map_or(usize::MAX, |limit| limit - self.outgoing.len());
        self.outgoing.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if bytes.len() > room { Err(TransportError("stdout: broken pipe".into())) } else { Ok(()) }
    }

    fn peer_is_gone(&mut self) -> bool {
        self.gone_after_frames.is_some_and(|frames| self.frames_sent >= frames)
    }
}

/// A clock that goes a step further with every look at it, and once jumps.
pub(crate) struct Ticking {
    now: u64,
    pub(crate) step_nanos: u64,
    pub(crate) looks: usize,
    /// At this look the clock is moved by so much.
    pub(crate) jump: Option<(usize, i64)>,
}

impl Clock for Ticking {
    fn now_nanos(&mut self) -> u64 {
        self.looks += 1;
        self.now += self.step_nanos;
        if let Some((look, nanos)) = self.jump
            && look == self.looks
        {
            self.now = self.now.saturating_add_signed(nanos);
        }
        self.now
    }
}

/// A meter whose figures count how often it was asked.
#[derive(Default)]
pub(crate) struct Counting {
    asked: u64,
    /// Whether the machine tells nothing.
    pub(crate) silent: bool,
}

impl Meter for Counting {
    fn cpu_nanos(&mut self) -> Option<u64> {
        self.asked += 1;
        (!self.silent).then_some(self.asked * 1000)
    }

    fn peak_rss_bytes(&mut self) -> Option<u64> {
        (!self.silent).then_some(4096)
    }

    fn condition(&mut self) -> Condition {
        self.asked += 1;
        Condition { throttle_count: (!self.silent).then_some(self.asked), ..Condition::default() }
    }

    fn properties(&mut self) -> Vec<(String, String)> {
        vec![("cpu_cores".into(), "1".into())]
    }
}

/// A store in memory with a limited capacity.
pub(crate) struct Shelf {
    pub(crate) files: BTreeMap<Digest, Rc<Vec<u8>>>,
    pub(crate) incoming: Option<(Digest, Vec<u8>)>,
    pub(crate) capacity_bytes: usize,
    /// Whether files lie in memory, as in flash.
    pub(crate) in_memory: bool,
    /// The store's n-th operation from now on fails.
    pub(crate) fails_at: Option<usize>,
    operations: usize,
}

impl Shelf {
    fn operate(&mut self) -> Result<(), StoreError> {
        self.operations += 1;
        match self.fails_at {
            Some(at) if at == self.operations => Err(StoreError("shelf: input/output error".into())),
            _ => Ok(()),
        }
    }
}

impl Store for Shelf {
    fn open(&mut self, digest: &Digest) -> Result<Option<Box<dyn StoredFile>>, StoreError> {
        self.operate()?;
        let file = |bytes: &Rc<Vec<u8>>| -> Box<dyn StoredFile> {
            Box::new(Sheet { bytes: Rc::clone(bytes), in_memory: self.in_memory })
        };
        Ok(self.files.get(digest).map(file))
    }

    fn begin(&mut self, digest: &Digest, _: u64) -> Result<(), StoreError> {
        self.operate()?;
        self.incoming = Some((*digest, Vec::new()));
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.operate()?;
        let (_, content) = self.incoming.as_mut().expect("the session begins before it appends");
        if content.len() + bytes.len() > self.capacity_bytes {
            return Err(StoreError("shelf: no space left".into()));
        }
        content.extend_from_slice(bytes);
        Ok(())
    }

    fn keep(&mut self) -> Result<(), StoreError> {
        self.operate()?;
        let (digest, content) = self.incoming.take().expect("the session begins before it keeps");
        self.files.insert(digest, Rc::new(content));
        Ok(())
    }

    fn discard(&mut self) {
        self.incoming = None;
    }

    fn remove(&mut self, digest: &Digest) -> Result<(), StoreError> {
        self.operate()?;
        self.files.remove(digest);
        Ok(())
    }
}

struct Sheet {
    bytes: Rc<Vec<u8>>,
    in_memory: bool,
}

impl StoredFile for Sheet {
    fn len_bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&mut self, offset: u64, into: &mut [u8]) -> Result<(), StoreError> {
        let start = usize::try_from(offset).expect("small");
        into.copy_from_slice(&self.bytes[start..start + into.len()]);
        Ok(())
    }

    fn in_memory(&self) -> Option<&[u8]> {
        self.in_memory.then_some(&self.bytes)
    }
}

/// Everything together.
pub(crate) struct Bench {
    pub(crate) wire: Wire,
    pub(crate) clock: Ticking,
    pub(crate) meter: Counting,
    pub(crate) store: Shelf,
}

impl Bench {
    /// A device whose controller says hello and then these requests.
    pub(crate) fn new(requests: &[Request]) -> Self {
        let hello = Request::Hello { protocol: PROTOCOL_VERSION };
        Self::receiving(&frames(std::iter::once(&hello).chain(requests)))
    }

    /// A device whose controller sends these bytes.
    pub(crate) fn receiving(bytes: &[u8]) -> Self {
        Self {
            wire: Wire::new(bytes),
            clock: Ticking { now: 1_000_000, step_nanos: 100, looks: 0, jump: None },
            meter: Counting::default(),
            store: Shelf {
                files: BTreeMap::new(),
                incoming: None,
                capacity_bytes: usize::MAX,
                in_memory: false,
                fails_at: None,
                operations: 0,
            },
        }
    }

    /// With files that are there already.
    pub(crate) fn with_files(mut self, files: &[&[u8]]) -> Self {
        self.store.files = files.iter().map(|bytes| (digest(bytes), Rc::new(bytes.to_vec()))).collect();
        self
    }

    pub(crate) fn serve(&mut self) -> Result<End, SessionError> {
        let device = Device {
            peer: None,
            crew: None,
            transport: &mut self.wire,
            clock: &mut self.clock,
            meter: &mut self.meter,
            store: &mut self.store,
        };
        serve(device, &Identity { agent_version: "1.2.3".into(), target: "made-of-fakes".into() })
    }

    /// Everything that was answered so far, hello included.
    pub(crate) fn replies(&self) -> Vec<Reply> {
        let mut decoder = Decoder::new();
        decoder.push(&self.wire.outgoing);
        std::iter::from_fn(|| decoder.next().expect("only frames are sent")).collect()
    }

    /// The answers behind hello of a session that ends with its stream.
    pub(crate) fn answers(&mut self) -> Vec<Reply> {
        assert_eq!(self.serve(), Ok(End::StreamEnded));
        let mut replies = self.replies();
        assert!(matches!(replies.remove(0), Reply::Hello(_)));
        replies
    }

    /// The kind and text of the only answer behind hello.
    pub(crate) fn failure(&mut self) -> (FailureKind, String) {
        match <[Reply; 1]>::try_from(self.answers()) {
            Ok([Reply::Failed(failure)]) => (failure.kind, failure.message),
            other => panic!("expected one failure, found {other:?}"),
        }
    }
}

pub(crate) fn frames<'r>(requests: impl IntoIterator<Item = &'r Request>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for request in requests {
        encode(request, &mut bytes).expect("small enough");
    }
    bytes
}

pub(crate) fn digest(bytes: &[u8]) -> Digest {
    Digest(*blake3::hash(bytes).as_bytes())
}

/// A file as one piece.
pub(crate) fn put(bytes: &[u8]) -> Request {
    Request::Put { digest: digest(bytes), total_bytes: bytes.len() as u64, offset: 0, chunk: bytes.to_vec() }
}
