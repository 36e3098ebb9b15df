//! Controllers and files that mean harm: whatever they send, each request gets exactly one closing reply.

use edgebench_agent_core::End;
use edgebench_wire::{Digest, Limits, Reply, Request, RunOptions};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::fake::{Bench, digest};
use crate::tiny;

/// The digest of something that may be in the store.
fn name() -> impl Strategy<Value = Digest> {
    prop_oneof![
        Just(digest(&tiny::model())),
        Just(digest(&tiny::pack(&[[1.0; 4]; 3]))),
        Just(digest(b"junk")),
        any::<[u8; 32]>().prop_map(Digest),
    ]
}

fn limits() -> impl Strategy<Value = Limits> {
    // Short enough for a test; `max_micros` of the fake clock's 100 ns steps is the harshest bound.
    (any::<u32>(), any::<u64>(), 0..20_u64).prop_map(|(min_runs, min_micros, max_micros)| Limits {
        min_runs,
        min_micros,
        max_micros,
    })
}

fn request() -> impl Strategy<Value = Request> {
    let options = (0..3_u16, prop_oneof![Just("auto"), Just("portable"), Just("reference"), Just("?")])
        .prop_map(|(threads, kernels)| RunOptions { threads, kernels: kernels.into() });
    prop_oneof![
        any::<u16>().prop_map(|protocol| Request::Hello { protocol: protocol % 3 }),
        name().prop_map(|digest| Request::Stat { digest }),
        (name(), 0..99_u64, 0..99_u64, vec(any::<u8>(), 0..60)).prop_map(
            |(digest, total_bytes, offset, chunk)| Request::Put { digest, total_bytes, offset, chunk }
        ),
        (name(), options.clone()).prop_map(|(model, options)| Request::Open { model, options }),
        options.prop_map(|options| Request::Open { model: digest(&tiny::model()), options }),
        (proptest::option::of(name()), limits(), limits())
            .prop_map(|(pack, warmup, steady)| Request::Measure { pack, warmup, steady }),
        (name(), any::<u32>(), any::<u32>(), any::<u8>(), any::<bool>()).prop_map(
            |(pack, first, count, top, raw_outputs)| Request::Evaluate {
                pack,
                first: first % 5,
                count: count % 5,
                top,
                raw_outputs
            }
        ),
        Just(Request::Facts),
        Just(Request::Close),
    ]
}

fn is_closing(reply: &Reply) -> bool {
    !matches!(reply, Reply::Samples { .. } | Reply::Predictions { .. })
}

proptest! {
    #[test]
    fn every_request_gets_exactly_one_closing_reply(requests in vec(request(), 0..25)) {
        let (model, pack) = (tiny::model(), tiny::pack(&[[1.0; 4]; 3]));
        let mut bench = Bench::new(&requests).with_files(&[&model, &pack, b"junk"]);
        prop_assert_eq!(bench.serve(), Ok(End::StreamEnded));
        let replies = bench.replies();
        prop_assert_eq!(replies.iter().filter(|reply| is_closing(reply)).count(), requests.len() + 1);
        for (name, content) in &bench.store.files {
            prop_assert_eq!(*name, digest(content), "an unverified file is in the store");
        }
    }

    #[test]
    fn a_damaged_model_with_a_right_hash_is_refused_or_runs(place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut model = tiny::model();
        let place = place.index(model.len());
        model[place] = byte;
        let limits = Limits { min_runs: 1, min_micros: 0, max_micros: 1 };
        let measure = Request::Measure { pack: None, warmup: limits, steady: limits };
        let mut bench = Bench::new(&[tiny::open(&model), measure]).with_files(&[&model]);
        prop_assert_eq!(bench.answers().iter().filter(|reply| is_closing(reply)).count(), 2);
    }

    #[test]
    fn any_bytes_for_a_pack_are_refused_or_evaluated(header in vec(0..6_u8, 0..40)) {
        let mut pack = b"EBPACK01".to_vec();
        pack.extend(header);
        let model = tiny::model();
        let evaluate =
            Request::Evaluate { pack: digest(&pack), first: 0, count: 1, top: 1, raw_outputs: false };
        let mut bench = Bench::new(&[tiny::open(&model), evaluate]).with_files(&[&model, &pack]);
        prop_assert_eq!(bench.answers().iter().filter(|reply| is_closing(reply)).count(), 2);
    }
}
