//! Predictions on packs, and packs that do not fit.

use edgebench_wire::{FailureKind, Prediction, Reply, Request};

use crate::fake::{Bench, digest};
use crate::tiny;

fn evaluate(pack: &[u8], first: u32, count: u32, top: u8, raw_outputs: bool) -> Request {
    Request::Evaluate { pack: digest(pack), first, count, top, raw_outputs }
}

fn answers(pack: &[u8], request: Request) -> Vec<Reply> {
    let model = tiny::model();
    let mut answers = Bench::new(&[tiny::open(&model), request]).with_files(&[&model, pack]).answers();
    assert!(matches!(answers.remove(0), Reply::Opened(_)));
    answers
}

/// All predictions, which must come in order and without a gap from `first` on.
fn predictions(answers: &[Reply], first: u32) -> Vec<Prediction> {
    let mut all = Vec::new();
    for reply in &answers[..answers.len() - 1] {
        let Reply::Predictions { first: begin, items } = reply else { panic!("unexpected {reply:?}") };
        assert_eq!(*begin, first + all.len() as u32);
        all.extend(items.iter().cloned());
    }
    assert_eq!(answers.last(), Some(&Reply::Evaluated { count: all.len() as u32 }));
    all
}

fn refused(pack: &[u8], request: Request) -> String {
    match <[Reply; 1]>::try_from(answers(pack, request)) {
        Ok([Reply::Failed(failure)]) => {
            assert_eq!(failure.kind, FailureKind::Data);
            failure.message
        }
        other => panic!("expected one failure, found {other:?}"),
    }
}

#[test]
fn the_best_classes_come_first_and_ties_in_their_order() {
    let pack = tiny::pack(&[[1.0, 2.0, 3.0, -9.0], [4.0, 2.0, 2.0, -4.0]]);
    let found = predictions(&answers(&pack, evaluate(&pack, 0, 2, 2, false)), 0);
    let expected = [vec![(2, 9.0), (1, 5.0)], vec![(0, 4.0), (1, 4.0)]];
    assert_eq!(found, expected.map(|top| Prediction { top, raw: None }));
}

#[test]
fn outputs_come_as_they_lie_in_memory_when_asked_for() {
    let pack = tiny::pack(&[[1.0, 2.0, 3.0, 4.0]]);
    let found = predictions(&answers(&pack, evaluate(&pack, 0, 1, 0, true)), 0);
    let raw = [1.0_f32, 5.0, -4.0].iter().flat_map(|value| value.to_le_bytes()).collect();
    assert_eq!(found, [Prediction { top: vec![], raw: Some(raw) }]);
}

#[test]
fn a_part_of_a_pack_may_be_asked_for() {
    let pack = tiny::pack(&[[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, -1.0]]);
    let best = |first, count| -> Vec<u32> {
        let found = predictions(&answers(&pack, evaluate(&pack, first, count, 1, false)), first);
        found.iter().map(|prediction| prediction.top[0].0).collect()
    };
    assert_eq!(best(0, 3), [0, 1, 2]);
    assert_eq!(best(1, 2), [1, 2]);
    assert_eq!(best(3, 0), []);
}

#[test]
fn many_predictions_come_in_pieces_and_none_is_lost() {
    let examples: Vec<[f32; 4]> = (0..6000_u16).map(|index| [f32::from(index), 0.0, 0.0, 0.0]).collect();
    let pack = tiny::pack(&examples);
    let answers = answers(&pack, evaluate(&pack, 0, 6000, 3, true));
    assert!(answers.len() > 2, "more than one piece");
    let found = predictions(&answers, 0);
    assert_eq!(found.len(), 6000);
    assert_eq!(found[5999].top[0], (0, 5999.0));
}

#[test]
fn outputs_that_fill_a_frame_each_come_one_by_one_and_larger_ones_are_refused() {
    // 4 bytes a score; 265,000 bytes are more than a frame has room for beside everything else.
    for (scores, fits) in [(65_000, true), (66_250, false)] {
        let (model, pack) = (tiny::wide_model(scores), tiny::pack(&[[7.0, 0.0, 0.0, 0.0]; 3]));
        let request = evaluate(&pack, 0, 3, 255, true);
        let mut answers = Bench::new(&[tiny::open(&model), request]).with_files(&[&model, &pack]).answers();
        answers.remove(0);
        if fits {
            assert_eq!(answers.len(), 4);
            let found = predictions(&answers, 0);
            assert!(found.iter().all(|one| one.raw.as_ref().is_some_and(|raw| raw.len() == 4 * scores)));
            assert!(found.iter().all(|one| one.top.len() == 255 && one.top[254] == (254, 7.0)));
        } else {
            let [Reply::Failed(failure)] = answers.as_slice() else { panic!("one failure") };
            assert_eq!(failure.kind, FailureKind::Data);
            let expected = "output 0: expected at most 263168 bytes to send as they are, found 265000";
            assert_eq!(failure.message, expected);
        }
    }
}

#[test]
fn examples_that_are_not_there_are_refused() {
    let pack = tiny::pack(&[[0.0; 4]; 3]);
    for (first, count) in [(0, 4), (3, 1), (u32::MAX, 1), (1, u32::MAX)] {
        let message = refused(&pack, evaluate(&pack, first, count, 1, false));
        assert_eq!(message, format!("examples: expected at most 3 in all, found {count} from {first} on"));
    }
}

#[test]
fn a_pack_that_is_not_one_is_refused_with_its_reason() {
    let sound = tiny::pack(&[[1.0; 4]]);
    let with = |place: usize, byte: u8| {
        let mut bytes = sound.clone();
        bytes[place] = byte;
        bytes
    };
    let cases = [
        (b"".to_vec(), "pack header: expected at least 8 bytes, found 0"),
        (b"EBPACK02................".to_vec(), "pack magic: expected EBPACK01, found EBPACK02"),
        (with(8, 1), "pack element type: expected 0 (float32), found 1"),
        (with(12, 9), "pack rank: expected at most 8, found 9"),
        (sound[..22].to_vec(), "pack header: expected at least 24 bytes, found 22"),
        (sound[..39].to_vec(), "pack of 1 examples of [4]: expected 40 bytes, found 39"),
        (with(20, 2), "pack of 2 examples of [4]: expected 56 bytes, found 40"),
        (
            tiny::raw_pack(0, &[u32::MAX, u32::MAX], u32::MAX, &[]),
            "pack of 4294967295 examples of [4294967295, 4294967295]: \
             expected more bytes than can be counted, found 28",
        ),
    ];
    for (pack, expected) in cases {
        assert_eq!(refused(&pack, evaluate(&pack, 0, 1, 1, false)), expected);
    }
}

#[test]
fn a_pack_for_another_model_is_refused() {
    for dimensions in [&[5][..], &[2, 2], &[1, 4], &[]] {
        let size: u32 = dimensions.iter().product();
        let pack = tiny::raw_pack(0, dimensions, 1, &vec![0.0; size as usize]);
        let message = refused(&pack, evaluate(&pack, 0, 1, 1, false));
        let expected =
            format!("pack for input 0: expected [1, 4] with a batch of 1, found examples of {dimensions:?}");
        assert_eq!(message, expected);
    }
}

#[test]
fn a_pack_without_examples_is_refused() {
    let pack = tiny::pack(&[]);
    assert_eq!(
        refused(&pack, evaluate(&pack, 0, 0, 1, false)),
        "pack: expected at least one example, found 0"
    );
}

#[test]
fn values_that_are_no_numbers_are_refused_where_they_stand() {
    let pack = tiny::pack(&[[0.0; 4], [0.0, 0.0, f32::NAN, 0.0]]);
    assert_eq!(
        refused(&pack, evaluate(&pack, 0, 2, 1, false)),
        "example 1 value 2: expected a finite number, found NaN"
    );
}

#[test]
fn a_pack_that_has_rotted_is_not_used() {
    let (model, pack) = (tiny::model(), tiny::pack(&[[1.0; 4]]));
    let mut bench = Bench::new(&[tiny::open(&model), evaluate(&pack, 0, 1, 1, false)]).with_files(&[&model]);
    let mut rotten = pack.clone();
    rotten[30] ^= 1;
    bench.store.files.insert(digest(&pack), std::rc::Rc::new(rotten));
    let answers = bench.answers();
    let Some(Reply::Failed(failure)) = answers.last() else { panic!("{answers:?}") };
    assert_eq!(failure.kind, FailureKind::Digest);
}
