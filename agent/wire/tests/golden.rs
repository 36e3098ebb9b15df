//! The bytes of every message, written down: a change of the format that nobody meant cannot pass unnoticed, and
//! frames of a release that is out are still read.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;
use std::fmt::Write;

use edgebench_wire::{
    Condition, Decoder, Digest, Facts, Failure, FailureKind, Hello, Limits, Measured, Opened, OperatorTimes,
    Phase, Prediction, Reply, Request, RunOptions, TensorInfo, encode,
};

/// Lines of `name frame-in-hex`. Written once from this very encoder and never changed within a protocol version.
const GOLDEN: &str = include_str!("golden/messages.txt");

/// A name for each variant. Exhaustive, so that a new one cannot be forgotten here.
fn request_name(request: &Request) -> &'static str {
    match request {
        Request::Hello { .. } => "request-hello",
        Request::Stat { .. } => "request-stat",
        Request::Put { .. } => "request-put",
        Request::Open { .. } => "request-open",
        Request::Measure { .. } => "request-measure",
        Request::Evaluate { .. } => "request-evaluate",
        Request::Facts => "request-facts",
        Request::Close => "request-close",
        Request::Bye => "request-bye",
        Request::StillHere => "request-still-here",
        Request::OpenPeer { .. } => "request-open-peer",
        Request::Profile { .. } => "request-profile",
    }
}

fn reply_name(reply: &Reply) -> String {
    match reply {
        Reply::Hello(_) => "reply-hello".into(),
        Reply::Stat { .. } => "reply-stat".into(),
        Reply::Stored { .. } => "reply-stored".into(),
        Reply::Opened(_) => "reply-opened".into(),
        Reply::Samples { phase: Phase::Warmup, .. } => "reply-samples-warmup".into(),
        Reply::Samples { phase: Phase::Steady, .. } => "reply-samples-steady".into(),
        Reply::Measured(_) => "reply-measured".into(),
        Reply::Predictions { .. } => "reply-predictions".into(),
        Reply::Evaluated { .. } => "reply-evaluated".into(),
        Reply::Facts(_) => "reply-facts".into(),
        Reply::Closed => "reply-closed".into(),
        Reply::Alive => "reply-alive".into(),
        Reply::Operators { .. } => "reply-operators".into(),
        Reply::Profiled { .. } => "reply-profiled".into(),
        Reply::Failed(failure) => format!("reply-failed-{}", failure_name(failure.kind)),
    }
}

fn failure_name(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Protocol => "protocol",
        FailureKind::State => "state",
        FailureKind::Missing => "missing",
        FailureKind::Digest => "digest",
        FailureKind::Model => "model",
        FailureKind::Data => "data",
        FailureKind::Store => "store",
        FailureKind::Clock => "clock",
    }
}

fn requests() -> Vec<Request> {
    let digest = Digest(core::array::from_fn(|index| u8::try_from(index).expect("32 of them") + 0x80));
    let limits = Limits { min_runs: 50, min_micros: 1_000_000, max_micros: 150_000_000 };
    vec![
        Request::Hello { protocol: 1 },
        Request::Stat { digest },
        Request::Put { digest, total_bytes: 300, offset: 256, chunk: vec![1, 2, 0xff] },
        Request::Open { model: digest, options: RunOptions { threads: 4, kernels: "auto".into() } },
        Request::Measure {
            pack: Some(digest),
            warmup: Limits { min_runs: 1, min_micros: 500_000, max_micros: 150_000_000 },
            steady: limits,
        },
        Request::Evaluate { pack: digest, first: 128, count: 300, top: 5, raw_outputs: true },
        Request::Facts,
        Request::Close,
        Request::Bye,
        Request::StillHere,
        Request::OpenPeer {
            runtime: "litert".into(),
            model: digest,
            options: RunOptions { threads: 2, kernels: "auto".into() },
        },
        Request::Profile { pack: Some(digest), limits },
    ]
}

fn condition() -> Condition {
    Condition {
        load_1m: Some(0.25),
        cpu_khz: Some(1_800_000),
        temperature_millicelsius: Some(-1500),
        throttle_count: Some(2),
        steal_ticks: Some(0),
    }
}

fn opened() -> Opened {
    Opened {
        init_nanos: 1_234_567,
        model_bytes: 600_000,
        arena_bytes: 110_592,
        packed_bytes: 0,
        inputs: vec![TensorInfo {
            name: "x".into(),
            dtype: "INT8".into(),
            shape: vec![1, 96, 96, 3],
            scale_zero_point: Some((0.5, -128)),
        }],
        outputs: vec![TensorInfo {
            name: "y".into(),
            dtype: "FLOAT32".into(),
            shape: vec![1, 10],
            scale_zero_point: None,
        }],
        kernels: vec![("CONV_2D portable".into(), 36)],
    }
}

fn measured() -> Measured {
    Measured {
        warmup_runs: 25,
        steady_runs: 50,
        timer_overhead_nanos: 31,
        peak_rss_bytes: Some(7_340_032),
        steady_cpu_nanos: None,
        steady_wall_nanos: 1_000_000_001,
        before: condition(),
        after: Condition::default(),
    }
}

fn operator_times() -> OperatorTimes {
    OperatorTimes {
        index: 3,
        operator: "CONV_2D".into(),
        output: "stem/Relu6".into(),
        kernel: "avx2".into(),
        macs: 1_204_224,
        nanos: vec![127, 128, u64::MAX],
    }
}

fn replies() -> Vec<Reply> {
    let prediction = Prediction { top: vec![(7, 0.99), (1, -0.0)], raw: Some(vec![0x7f, 0x80]) };
    let kinds = [
        FailureKind::Protocol,
        FailureKind::State,
        FailureKind::Missing,
        FailureKind::Digest,
        FailureKind::Model,
        FailureKind::Data,
        FailureKind::Store,
        FailureKind::Clock,
    ];
    let mut replies = vec![
        Reply::Hello(Hello {
            protocol: 1,
            agent_version: "0.1.0".into(),
            target: "aarch64-unknown-linux-musl".into(),
            kernels: vec!["portable".into(), "reference".into()],
        }),
        Reply::Stat { bytes: Some(4096) },
        Reply::Stored { received_bytes: 300, complete: true },
        Reply::Opened(opened()),
        Reply::Samples { phase: Phase::Warmup, nanos: vec![9_000_000] },
        Reply::Samples { phase: Phase::Steady, nanos: vec![8_000_000, 127, 128, u64::MAX] },
        Reply::Measured(measured()),
        Reply::Predictions { first: 128, items: vec![prediction, Prediction { top: vec![], raw: None }] },
        Reply::Evaluated { count: 300 },
        Reply::Facts(Facts { properties: vec![("cpu_cores".into(), "4".into())], condition: condition() }),
        Reply::Closed,
    ];
    replies.extend(kinds.map(|kind| Reply::Failed(Failure { kind, message: failure_name(kind).into() })));
    replies.push(Reply::Alive);
    replies.push(Reply::Operators { first: 128, items: vec![operator_times()] });
    replies.push(Reply::Profiled { runs: 50 });
    replies
}

fn line<T: serde::Serialize>(name: &str, message: &T) -> String {
    let mut frame = Vec::new();
    encode(message, &mut frame).expect("small");
    let mut line = format!("{name} ");
    for byte in frame {
        write!(line, "{byte:02x}").expect("a string takes everything");
    }
    line
}

#[test]
fn every_message_has_the_bytes_written_down() {
    let mut lines: Vec<String> =
        requests().iter().map(|request| line(request_name(request), request)).collect();
    lines.extend(replies().iter().map(|reply| line(&reply_name(reply), reply)));
    let names: BTreeSet<&str> = lines.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(names.len(), lines.len(), "each variant once");
    let now = lines.join("\n") + "\n";
    assert!(now == GOLDEN, "the format has changed; now it is\n{now}");
}

#[test]
fn the_bytes_written_down_are_still_read() {
    let frames: Vec<Vec<u8>> =
        GOLDEN.lines().map(|line| bytes(line.split(' ').nth(1).expect("hex"))).collect();
    let (to_agent, to_controller) = frames.split_at(requests().len());
    let mut decoder = Decoder::new();
    decoder.push(&to_agent.concat());
    for request in requests() {
        assert_eq!(decoder.next(), Ok(Some(request)));
    }
    decoder.push(&to_controller.concat());
    for reply in replies() {
        assert_eq!(decoder.next(), Ok(Some(reply)));
    }
    assert_eq!(decoder.pending_bytes(), 0);
}

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("ascii"), 16).expect("hex"))
        .collect()
}

#[test]
fn the_changelog_ends_at_the_version_that_is_spoken() {
    let newest = include_str!("../CHANGELOG.md").lines().filter_map(|line| line.strip_prefix("## ")).next();
    assert_eq!(newest, Some(edgebench_wire::PROTOCOL_VERSION.to_string().as_str()));
}
