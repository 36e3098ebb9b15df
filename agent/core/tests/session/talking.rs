//! Greeting, leaving, and streams that break.

use edgebench_agent_core::{End, SessionError};
use edgebench_wire::{Decoder, FailureKind, PROTOCOL_VERSION, Reply, Request, encode};

use crate::fake::{Bench, digest, frames, put};
use crate::tiny::{self, runs};

fn whole_conversation() -> Vec<Request> {
    let (model, pack) = (tiny::model(), tiny::pack(&[[1.0, 2.0, 3.0, 4.0], [9.0, 0.0, 0.0, 0.0]]));
    vec![
        Request::Facts,
        Request::Stat { digest: digest(&model) },
        put(&model),
        put(&pack),
        Request::Stat { digest: digest(&model) },
        tiny::open(&model),
        Request::Measure { pack: None, warmup: runs(1), steady: runs(3) },
        Request::Evaluate { pack: digest(&pack), first: 0, count: 2, top: 1, raw_outputs: false },
        Request::Close,
        Request::Bye,
    ]
}

#[test]
fn a_whole_conversation_goes_through_in_pieces_of_any_size() {
    for piece_bytes in [1, 7, 64, usize::MAX] {
        let mut bench = Bench::new(&whole_conversation());
        bench.wire.piece_bytes = piece_bytes;
        assert_eq!(bench.serve(), Ok(End::Bye));
        let replies = bench.replies();
        assert!(!replies.iter().any(|reply| matches!(reply, Reply::Failed(_))), "{replies:?}");
        assert_eq!(replies.last(), Some(&Reply::Closed));
        let closing = replies
            .iter()
            .filter(|reply| !matches!(reply, Reply::Samples { .. } | Reply::Predictions { .. }))
            .count();
        assert_eq!(closing, whole_conversation().len() + 1);
    }
}

#[test]
fn hello_says_who_answers() {
    let mut bench = Bench::new(&[]);
    assert_eq!(bench.serve(), Ok(End::StreamEnded));
    let replies = bench.replies();
    let [Reply::Hello(hello)] = replies.as_slice() else { panic!("{replies:?}") };
    assert_eq!((hello.protocol, hello.agent_version.as_str()), (PROTOCOL_VERSION, "1.2.3"));
    assert_eq!(hello.target, "made-of-fakes");
    assert!(hello.kernels.iter().any(|name| name == "portable"));
}

#[test]
fn another_version_is_refused_and_nothing_else_is_served() {
    let requests = [Request::Hello { protocol: 999 }, Request::Facts, Request::Bye];
    let mut bench = Bench::receiving(&frames(&requests));
    assert_eq!(bench.serve(), Ok(End::Bye));
    let replies = bench.replies();
    let [Reply::Failed(version), Reply::Failed(state), Reply::Closed] = replies.as_slice() else {
        panic!("{replies:?}")
    };
    assert_eq!(version.kind, FailureKind::Protocol);
    assert_eq!(version.message, "protocol version: expected 1, found 999");
    assert_eq!(state.kind, FailureKind::State);
}

#[test]
fn a_request_of_a_later_version_is_refused_and_the_session_goes_on() {
    let mut bytes = frames(&[Request::Hello { protocol: PROTOCOL_VERSION }]);
    encode(&250_u8, &mut bytes).expect("small");
    bytes.extend(frames(&[Request::Facts]));
    let mut bench = Bench::receiving(&bytes);
    let answers = bench.answers();
    let [Reply::Failed(failure), Reply::Facts(_)] = answers.as_slice() else { panic!("{answers:?}") };
    assert_eq!(failure.kind, FailureKind::Protocol);
    assert!(failure.message.starts_with("frame payload: expected Request, found "), "{}", failure.message);
}

#[test]
fn every_damaged_byte_ends_the_session_with_its_reason() {
    let sound = frames(&[Request::Hello { protocol: PROTOCOL_VERSION }, Request::Facts]);
    for place in 0..sound.len() {
        let mut bytes = sound.clone();
        bytes[place] ^= 0x10;
        let mut bench = Bench::receiving(&bytes);
        let Err(SessionError::Frame(error)) = bench.serve() else { panic!("byte {place}") };
        let Some(Reply::Failed(failure)) = bench.replies().pop() else { panic!("byte {place}") };
        assert_eq!((failure.kind, failure.message), (FailureKind::Protocol, error.to_string()));
    }
}

#[test]
fn a_stream_that_ends_anywhere_leaves_nothing_half_done() {
    let model = tiny::model();
    let bytes = frames(&[Request::Hello { protocol: PROTOCOL_VERSION }, put(&model), tiny::open(&model)]);
    let whole = frames(&[Request::Hello { protocol: PROTOCOL_VERSION }]).len();
    let stored = whole + frames(&[put(&model)]).len();
    for end in 0..bytes.len() {
        let mut bench = Bench::receiving(&bytes[..end]);
        let ended = bench.serve();
        if [0, whole, stored].contains(&end) {
            assert_eq!(ended, Ok(End::StreamEnded));
        } else {
            assert!(matches!(ended, Err(SessionError::Cut { pending_bytes: 1.. })), "{end}: {ended:?}");
        }
        assert_eq!(bench.store.files.contains_key(&digest(&model)), end >= stored);
        assert_eq!(bench.store.incoming, None);
    }
}

#[test]
fn an_upload_that_is_cut_off_is_forgotten() {
    let piece = Request::Put { digest: digest(b"abcd"), total_bytes: 4, offset: 0, chunk: b"ab".to_vec() };
    let mut bench = Bench::new(&[piece]);
    assert_eq!(bench.answers(), [Reply::Stored { received_bytes: 2, complete: false }]);
    assert_eq!(bench.store.incoming, None);
}

#[test]
fn answers_that_cannot_be_sent_end_the_session_wherever_the_stream_breaks() {
    let mut sound = Bench::new(&whole_conversation());
    sound.serve().expect("sound");
    for limit in 0..sound.wire.outgoing.len() {
        let mut bench = Bench::new(&whole_conversation());
        bench.wire.breaks_after_bytes = Some(limit);
        assert!(matches!(bench.serve(), Err(SessionError::Transport(_))), "{limit}");
        assert_eq!(bench.wire.outgoing, sound.wire.outgoing[..limit]);
    }
}

#[test]
fn every_operation_of_the_store_may_fail_and_the_session_goes_on() {
    let mut at = 0;
    loop {
        at += 1;
        let mut bench = Bench::new(&whole_conversation());
        bench.store.fails_at = Some(at);
        assert_eq!(bench.serve(), Ok(End::Bye));
        let failed = |reply: &Reply| match reply {
            Reply::Failed(failure) => Some(failure.kind),
            _ => None,
        };
        let Some(first) = bench.replies().iter().find_map(failed) else { break };
        assert_eq!(first, FailureKind::Store, "operation {at}");
    }
    assert!(at > 9, "more than nine operations were tried, found {at}");
}

#[test]
fn work_is_left_when_the_controller_is_gone() {
    let model = tiny::model();
    let measure = Request::Measure { pack: None, warmup: runs(0), steady: runs(u32::MAX) };
    let mut bench = Bench::new(&[tiny::open(&model), measure]).with_files(&[&model]);
    bench.clock.step_nanos = 50_000_000;
    bench.wire.gone_after_frames = Some(5);
    assert_eq!(bench.serve(), Err(SessionError::Gone));
    assert_eq!(bench.wire.frames_sent, 5);
}

#[test]
fn only_frames_are_sent() {
    let mut bench = Bench::new(&whole_conversation());
    bench.serve().expect("sound");
    let mut decoder = Decoder::new();
    decoder.push(&bench.wire.outgoing);
    while decoder.next::<Reply>().expect("frames").is_some() {}
    assert_eq!(decoder.pending_bytes(), 0);
}
