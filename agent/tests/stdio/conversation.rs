//! What a controller asks for on a good day.

use std::thread::available_parallelism;

use edgebench_wire::{FailureKind, Limits, Phase, Prediction, Reply, Request, RunOptions};

use crate::controller::{Agent, digest, open};
use crate::digits;

const IMAGES: usize = 12;

#[test]
fn the_digits_network_is_sent_opened_measured_and_evaluated() {
    let store = tempfile::tempdir().expect("a temporary folder");
    let (model, (pack, shown)) = (digits::model(), digits::test_images(IMAGES));
    let mut agent = Agent::greeted(store.path());
    assert_eq!(agent.ask(&Request::Stat { digest: digest(&model) }), Reply::Stat { bytes: None });
    for file in [&model, &pack] {
        let stored = Reply::Stored { received_bytes: file.len() as u64, complete: true };
        assert_eq!(agent.put(file), stored);
    }
    opens(&mut agent, &model);
    measures(&mut agent, &model);
    let alone = recognises(&mut agent, &pack, &shown);
    assert_eq!(agent.ask(&Request::Close), Reply::Closed);
    let processors = available_parallelism().expect("Linux tells it").get() as u16;
    assert!(matches!(agent.ask(&open_with(&model, processors)), Reply::Opened(_)));
    assert_eq!(recognises(&mut agent, &pack, &shown), alone, "{processors} threads");
    refuses_more_threads(&mut agent, &model, processors);
    assert_eq!(agent.ask(&Request::Bye), Reply::Closed);
    let ended = agent.ended();
    assert!(ended.status.success(), "{}", ended.status);
    assert_eq!(ended.stderr, "");
}

fn opens(agent: &mut Agent, model: &[u8]) {
    let Reply::Opened(opened) = agent.ask(&open(model, "auto")) else { panic!("the model opens") };
    assert_eq!(opened.model_bytes, model.len() as u64);
    assert!(opened.init_nanos > 0);
    assert!(opened.arena_bytes >= 4 * 96 * 96, "at least the input, found {}", opened.arena_bytes);
    let [input] = opened.inputs.as_slice() else { panic!("{:?}", opened.inputs) };
    assert_eq!((input.dtype.as_str(), input.shape.as_slice()), ("FLOAT32", &[1, 96, 96, 1][..]));
    let [output] = opened.outputs.as_slice() else { panic!("{:?}", opened.outputs) };
    assert_eq!(output.shape, [1, 10]);
    assert!(opened.kernels.iter().any(|(kernel, count)| kernel.starts_with("CONV_2D ") && *count > 10));
}

fn measures(agent: &mut Agent, model: &[u8]) {
    let warmup = Limits { min_runs: 1, min_micros: 0, max_micros: 1_000_000 };
    let steady = Limits { min_runs: 5, min_micros: 100_000, max_micros: 60_000_000 };
    let replies = agent.ask_all(&Request::Measure { pack: None, warmup, steady });
    let Some(Reply::Measured(measured)) = replies.last() else { panic!("{replies:?}") };
    let of = |wanted: Phase| -> Vec<u64> {
        let samples = replies.iter().filter_map(|reply| match reply {
            Reply::Samples { phase, nanos } if *phase == wanted => Some(nanos.clone()),
            _ => None,
        });
        samples.flatten().collect()
    };
    let (first, steady) = (of(Phase::Warmup), of(Phase::Steady));
    assert_eq!((first.len(), measured.warmup_runs), (1, 1));
    assert_eq!(steady.len(), measured.steady_runs as usize);
    assert!(steady.len() >= 5 && steady.iter().all(|nanos| *nanos > measured.timer_overhead_nanos));
    let (sum, wall) = (steady.iter().sum::<u64>(), measured.steady_wall_nanos);
    assert!(wall >= 100_000_000 && sum <= wall, "{sum} ns of runs in {wall} ns");
    assert!(measured.timer_overhead_nanos < 1_000_000, "{} ns", measured.timer_overhead_nanos);
    let peak = measured.peak_rss_bytes.expect("Linux tells it");
    assert!(peak > model.len() as u64, "the model is in memory, found {peak} bytes");
    let cpu = measured.steady_cpu_nanos.expect("Linux tells it");
    assert!(cpu > 0 && cpu <= wall + 100_000_000, "{cpu} ns of one thread in {wall} ns");
    assert!(measured.before.load_1m.is_some() && measured.after.load_1m.is_some());
}

/// A figure that is filed under so many threads must come from so many processors.
fn refuses_more_threads(agent: &mut Agent, model: &[u8], processors: u16) {
    let Reply::Failed(failure) = agent.ask(&open_with(model, processors + 1)) else { panic!("refused") };
    assert!(failure.message.starts_with("threads: expected 1"), "{}", failure.message);
}

fn open_with(model: &[u8], threads: u16) -> Request {
    Request::Open { model: digest(model), options: RunOptions { threads, kernels: "auto".into() } }
}

fn recognises(agent: &mut Agent, pack: &[u8], shown: &[u32]) -> Vec<Prediction> {
    let request = Request::Evaluate {
        pack: digest(pack),
        first: 0,
        count: shown.len() as u32,
        top: 2,
        raw_outputs: true,
    };
    let replies = agent.ask_all(&request);
    let mut predictions = Vec::new();
    for reply in &replies {
        if let Reply::Predictions { first, items } = reply {
            assert_eq!(*first as usize, predictions.len());
            predictions.extend(items.clone());
        }
    }
    assert_eq!(replies.last(), Some(&Reply::Evaluated { count: shown.len() as u32 }));
    assert_eq!(predictions.len(), shown.len());
    for prediction in &predictions {
        assert_eq!(prediction.top.len(), 2);
        assert!(prediction.top[0].1 >= prediction.top[1].1);
        assert_eq!(prediction.raw.as_ref().map(Vec::len), Some(40), "ten floats");
    }
    let right = predictions.iter().zip(shown).filter(|(prediction, digit)| prediction.top[0].0 == **digit);
    let right = right.count();
    assert!(right + 1 >= shown.len(), "{right} of {} digits were recognised", shown.len());
    predictions
}

#[test]
fn facts_describe_this_machine() {
    let store = tempfile::tempdir().expect("a temporary folder");
    let mut agent = Agent::greeted(store.path());
    let Reply::Facts(facts) = agent.ask(&Request::Facts) else { panic!("facts") };
    let value = |name: &str| {
        let property = facts.properties.iter().find(|(known, _)| known == name);
        property.map(|(_, value)| value.as_str()).unwrap_or_default()
    };
    assert!(value("kernel").starts_with("Linux "), "{:?}", facts.properties);
    assert!(value("cpu_cores").parse::<u32>().is_ok_and(|cores| cores > 0));
    assert!(value("memory_bytes").parse::<u64>().is_ok_and(|bytes| bytes > 1 << 20));
    assert!(facts.properties.iter().all(|(_, value)| !value.is_empty()));
    assert!(facts.condition.load_1m.is_some_and(|load| load >= 0.0));
}

#[test]
fn another_version_is_refused_and_the_agent_waits_for_its_own() {
    let store = tempfile::tempdir().expect("a temporary folder");
    let mut agent = Agent::start(store.path());
    let Reply::Failed(failure) = agent.ask(&Request::Hello { protocol: 7 }) else { panic!("refused") };
    assert_eq!(failure.kind, FailureKind::Protocol);
    assert_eq!(failure.message, "protocol version: expected 1, found 7");
    let Reply::Hello(hello) = agent.ask(&Request::Hello { protocol: 1 }) else { panic!("greeted") };
    assert_eq!(hello.agent_version, env!("CARGO_PKG_VERSION"));
    assert!(hello.target.contains("linux"), "{}", hello.target);
}

#[test]
fn the_end_of_input_is_the_end_of_the_agent() {
    let store = tempfile::tempdir().expect("a temporary folder");
    let mut agent = Agent::greeted(store.path());
    agent.close_input();
    let ended = agent.ended();
    assert!(ended.status.success(), "{}", ended.status);
    assert_eq!(ended.stderr, "");
}

#[test]
fn stray_prints_go_to_standard_error() {
    let store = tempfile::tempdir().expect("a temporary folder");
    let agent = Agent::greeted(store.path());
    let stream = |number: u32| std::fs::read_link(format!("/proc/{}/fd/{number}", agent.id())).expect("open");
    assert_eq!(stream(1), stream(2));
}
