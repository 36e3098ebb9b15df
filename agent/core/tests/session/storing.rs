//! Files on their way in.

use edgebench_wire::{Digest, FailureKind, MAX_CHUNK_BYTES, Reply, Request};

use crate::fake::{Bench, digest, put};

fn piece(content: &[u8], range: std::ops::Range<usize>) -> Request {
    Request::Put {
        digest: digest(content),
        total_bytes: content.len() as u64,
        offset: range.start as u64,
        chunk: content[range].to_vec(),
    }
}

fn stored(received_bytes: u64, complete: bool) -> Reply {
    Reply::Stored { received_bytes, complete }
}

/// The kind of each failure among the answers, none for the others.
fn kinds(answers: &[Reply]) -> Vec<Option<FailureKind>> {
    let kind = |reply: &Reply| if let Reply::Failed(failure) = reply { Some(failure.kind) } else { None };
    answers.iter().map(kind).collect()
}

#[test]
fn a_file_in_pieces_is_there_after_the_last() {
    let content = b"0123456789";
    let stat = Request::Stat { digest: digest(content) };
    let requests =
        [stat.clone(), piece(content, 0..4), stat.clone(), piece(content, 4..9), piece(content, 9..10), stat];
    let expected = [
        Reply::Stat { bytes: None },
        stored(4, false),
        Reply::Stat { bytes: None },
        stored(9, false),
        stored(10, true),
        Reply::Stat { bytes: Some(10) },
    ];
    assert_eq!(Bench::new(&requests).answers(), expected);
}

#[test]
fn an_empty_file_is_a_file() {
    let requests = [put(b""), Request::Stat { digest: digest(b"") }];
    assert_eq!(Bench::new(&requests).answers(), [stored(0, true), Reply::Stat { bytes: Some(0) }]);
}

#[test]
fn content_that_does_not_have_its_hash_is_never_stored() {
    let wrong = Request::Put { digest: Digest([1; 32]), total_bytes: 3, offset: 0, chunk: b"abc".to_vec() };
    let mut bench = Bench::new(&[wrong]);
    let (kind, message) = bench.failure();
    assert_eq!(kind, FailureKind::Digest);
    let expected = format!("blake3 of a file: expected {}, found {}", "01".repeat(32), blake3::hash(b"abc"));
    assert_eq!(message, expected);
    assert!(bench.store.files.is_empty());
    assert_eq!(bench.store.incoming, None);
}

#[test]
fn a_full_store_is_told_and_the_file_is_forgotten() {
    let content = [7; 100];
    let mut bench = Bench::new(&[piece(&content, 0..60), piece(&content, 60..100)]);
    bench.store.capacity_bytes = 80;
    let answers = bench.answers();
    assert_eq!(answers[0], stored(60, false));
    let Reply::Failed(failure) = &answers[1] else { panic!("{answers:?}") };
    assert_eq!((failure.kind, failure.message.as_str()), (FailureKind::Store, "shelf: no space left"));
    assert_eq!(bench.store.incoming, None);
}

#[test]
fn pieces_out_of_order_are_refused_and_the_file_begins_anew() {
    let content = b"0123456789";
    let requests = [
        piece(content, 4..8),
        piece(content, 0..4),
        piece(content, 5..8),
        piece(content, 4..8),
        piece(content, 0..4),
        piece(content, 4..10),
    ];
    let answers = Bench::new(&requests).answers();
    let state = Some(FailureKind::State);
    assert_eq!(kinds(&answers), [state, None, state, state, None, None]);
    assert_eq!(answers[5], stored(10, true));
    let Reply::Failed(failure) = &answers[2] else { panic!("{answers:?}") };
    assert!(failure.message.ends_with(": expected 4, found 5"), "{}", failure.message);
}

#[test]
fn a_piece_of_another_file_or_beyond_the_end_is_refused() {
    let other = Request::Put { digest: digest(b"other"), total_bytes: 10, offset: 4, chunk: b"x".to_vec() };
    let beyond =
        Request::Put { digest: digest(b"0123"), total_bytes: 4, offset: 0, chunk: b"01234".to_vec() };
    let requests = [piece(b"0123456789", 0..4), other, beyond];
    let state = Some(FailureKind::State);
    assert_eq!(kinds(&Bench::new(&requests).answers()), [None, state, state]);
}

#[test]
fn a_piece_over_the_limit_is_refused() {
    let content = vec![0; MAX_CHUNK_BYTES + 1];
    let (kind, message) = Bench::new(&[put(&content)]).failure();
    assert_eq!(kind, FailureKind::State);
    assert_eq!(message, "length of a piece: expected at most 262144 bytes, found 262145");
}

#[test]
fn a_file_that_is_there_may_be_sent_again() {
    let requests = [put(b"twice"), put(b"twice")];
    assert_eq!(Bench::new(&requests).answers(), [stored(5, true), stored(5, true)]);
}
