//! What an agent tells is a stranger's word: it decides nothing before it was compared with what is possible. Counts must
//! be those that were asked for, times must fit into the time that passed, figures must be figures, texts are kept short
//! and plain.

use std::time::{Duration, Instant};

use edgebench_wire::{
    Condition, Facts, Failure, Hello, Limits, MAX_PROFILED_RUNS, Measured, Opened, OperatorTimes, Phase,
    Prediction,
};

/// Samples that are taken beyond one a microsecond of waiting.
const SPARE_SAMPLES: u128 = 1_000_000;

/// A device's clock may go faster than ours by so much before we think that it lies: clocks of boards drift by parts in
/// a million, those of emulators by more.
const CLOCK_PERCENT: u128 = 125;

/// And by so much however short the time: what our own scheduler may do to us.
const CLOCK_SLACK: Duration = Duration::from_secs(1);

/// Temperatures of working electronics, in thousandths of a degree.
const MILLICELSIUS: std::ops::RangeInclusive<i32> = -100_000..=250_000;

/// Properties of a machine, and letters of each, that are kept.
const MAX_PROPERTIES: usize = 256;
const MAX_LETTERS: usize = 1024;

/// Operators of one network that are taken, some hundred times those of the largest that we know.
const MAX_OPERATORS: usize = 100_000;

/// Something that cannot be so.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{what}: expected {expected}, found {found}")]
pub struct Unbelievable {
    /// What was told.
    pub what: &'static str,
    /// What would be possible.
    pub expected: String,
    /// What was told of it.
    pub found: String,
}

fn check(
    fine: bool,
    what: &'static str,
    expected: impl ToString,
    found: impl ToString,
) -> Result<(), Unbelievable> {
    if fine {
        return Ok(());
    }
    Err(Unbelievable { what, expected: expected.to_string(), found: found.to_string() })
}

/// A measurement as it is told, piece by piece.
pub(super) struct Told {
    pub(super) warmup_nanos: Vec<u64>,
    pub(super) steady_nanos: Vec<u64>,
    warmup: Limits,
    steady: Limits,
    counts: bool,
    total_nanos: u128,
    since: Instant,
}

impl Told {
    /// To be made when it is asked for. With `counts` the samples are instructions and not times.
    pub(super) fn new(warmup: Limits, steady: Limits, counts: bool) -> Self {
        let (warmup_nanos, steady_nanos) = (Vec::new(), Vec::new());
        Self { warmup_nanos, steady_nanos, warmup, steady, counts, total_nanos: 0, since: Instant::now() }
    }

    /// Some more samples. Refused before they take memory when there can not be so many yet.
    pub(super) fn add(&mut self, phase: Phase, nanos: &[u64]) -> Result<(), Unbelievable> {
        let most = SPARE_SAMPLES + self.since.elapsed().as_micros();
        let count = self.warmup_nanos.len() + self.steady_nanos.len() + nanos.len();
        check(count as u128 <= most, "number of samples", format!("at most {most} so far"), count)?;
        self.total_nanos += nanos.iter().map(|nanos| u128::from(*nanos)).sum::<u128>();
        self.check_time("sum of the samples", self.total_nanos)?;
        match phase {
            Phase::Warmup => {
                check(self.steady_nanos.is_empty(), "samples", "warm-up before the rest", "it behind")?;
                self.warmup_nanos.extend_from_slice(nanos);
            }
            Phase::Steady => self.steady_nanos.extend_from_slice(nanos),
        }
        Ok(())
    }

    /// The agent's account of the whole.
    pub(super) fn check(&self, measured: &Measured) -> Result<(), Unbelievable> {
        self.check_count("warm-up runs", measured.warmup_runs, &self.warmup_nanos, &self.warmup)?;
        self.check_count("runs", measured.steady_runs, &self.steady_nanos, &self.steady)?;
        condition(&measured.before)?;
        condition(&measured.after)?;
        if self.counts {
            return Ok(());
        }
        let wall = u128::from(measured.steady_wall_nanos);
        let sum: u128 = self.steady_nanos.iter().map(|nanos| u128::from(*nanos)).sum();
        check(sum <= wall, "wall time of the runs", format!("at least their sum, {sum} ns"), wall)?;
        check(sum > 0 || self.steady_nanos.is_empty(), "sum of the samples", "more than nothing", sum)?;
        self.check_time("wall time of the runs", wall)?;
        self.check_early_end(wall)
    }

    /// Runs may be fewer than the minimum only when their time was up.
    fn check_early_end(&self, wall_nanos: u128) -> Result<(), Unbelievable> {
        let few = self.steady_nanos.len() < self.steady.min_runs as usize;
        let long = wall_nanos >= u128::from(self.steady.max_micros) * 1000;
        check(!few || long, "runs", format!("at least {}", self.steady.min_runs), self.steady_nanos.len())
    }

    /// As many samples as runs, and not one more than the limits ask for (the rule of [`Limits`]).
    fn check_count(
        &self,
        what: &'static str,
        runs: u32,
        nanos: &[u64],
        limits: &Limits,
    ) -> Result<(), Unbelievable> {
        check(runs as usize == nanos.len(), what, format!("{} as sent", nanos.len()), runs)?;
        let Some((_, all_but_last)) = nanos.split_last() else { return Ok(()) };
        let before_last: u128 = all_but_last.iter().map(|nanos| u128::from(*nanos)).sum();
        let wanted =
            nanos.len() <= limits.min_runs as usize || before_last <= u128::from(limits.min_micros) * 1000;
        check(wanted, what, format!("no more than the {} asked for", limits.min_runs), runs)
    }

    fn check_time(&self, what: &'static str, nanos: u128) -> Result<(), Unbelievable> {
        if self.counts { Ok(()) } else { check_time(what, nanos, self.since) }
    }
}

fn check_time(what: &'static str, nanos: u128, since: Instant) -> Result<(), Unbelievable> {
    let passed = since.elapsed();
    let most = (passed.as_nanos() * CLOCK_PERCENT / 100) + CLOCK_SLACK.as_nanos();
    check(nanos <= most, what, format!("at most the time that passed, {} ns", passed.as_nanos()), nanos)
}

/// The operators of a network as they are told, piece by piece.
pub(super) struct ToldOperators {
    pub(super) operators: Vec<OperatorTimes>,
    limits: Limits,
    counts: bool,
    total_nanos: u128,
    since: Instant,
}

impl ToldOperators {
    /// To be made when they are asked for. With `counts` times are instructions.
    pub(super) fn new(limits: Limits, counts: bool) -> Self {
        Self { operators: Vec::new(), limits, counts, total_nanos: 0, since: Instant::now() }
    }

    /// Some more of them: in order, each once, all with equally many times that fit into the time that passed.
    pub(super) fn add(&mut self, first: u32, items: Vec<OperatorTimes>) -> Result<(), Unbelievable> {
        let known = self.operators.len();
        check(first as usize == known, "operators", format!("those from {known} on"), first)?;
        let count = known + items.len();
        check(count <= MAX_OPERATORS, "operators", format!("at most {MAX_OPERATORS}"), count)?;
        for item in items {
            let last = self.operators.last();
            let runs = last.unwrap_or(&item).nanos.len();
            let ascends = last.is_none_or(|last| last.index < item.index);
            check(ascends, "operators", "their places in ascending order", item.index)?;
            check(item.nanos.len() == runs, "times of an operator", runs, item.nanos.len())?;
            self.total_nanos += item.nanos.iter().map(|nanos| u128::from(*nanos)).sum::<u128>();
            let plain = |text: &str| plain(text);
            let (operator, output) = (plain(&item.operator), plain(&item.output));
            self.operators.push(OperatorTimes { kernel: plain(&item.kernel), operator, output, ..item });
        }
        if self.counts { Ok(()) } else { check_time("times of operators", self.total_nanos, self.since) }
    }

    /// The agent's account of the whole.
    pub(super) fn check(&self, runs: u32) -> Result<(), Unbelievable> {
        let most = self.limits.min_runs.max(1).max(MAX_PROFILED_RUNS);
        check(runs <= most, "runs", format!("at most {most}"), runs)?;
        let told = self.operators.first().map_or(runs as usize, |one| one.nanos.len());
        check(told == runs as usize, "runs", format!("{told} as sent"), runs)
    }
}

/// What a network is told to have said: `room` more examples are expected, each with the best classes of `classes`.
pub(super) fn predictions(
    items: &[Prediction],
    room: usize,
    top: u8,
    raw: bool,
    classes: Option<u64>,
) -> Result<(), Unbelievable> {
    check(items.len() <= room, "predictions", format!("at most {room} more"), items.len())?;
    for item in items {
        check(item.top.len() <= usize::from(top), "classes", format!("at most {top}"), item.top.len())?;
        check(item.raw.is_some() == raw, "raw output", raw, item.raw.is_some())?;
        let mut above = f32::INFINITY;
        for (position, (class, score)) in item.top.iter().enumerate() {
            check(score.is_finite(), "score", "a finite number", score)?;
            check(*score <= above, "scores", "the best in front", score)?;
            above = *score;
            let known = classes.is_none_or(|classes| u64::from(*class) < classes);
            check(known, "class", format!("below {}", classes.unwrap_or_default()), class)?;
            let again = item.top.iter().take(position).any(|(earlier, _)| earlier == class);
            check(!again, "classes", "each once", format!("{class} twice"))?;
        }
    }
    Ok(())
}

/// Elements of the output that classes are counted in.
pub(super) fn classes(opened: &Opened) -> Option<u64> {
    let output = opened.outputs.first()?;
    output.shape.iter().try_fold(1u64, |product, size| product.checked_mul(u64::from(*size)))
}

fn condition(condition: &Condition) -> Result<(), Unbelievable> {
    if let Some(load) = condition.load_1m {
        check(load.is_finite() && load >= 0.0, "load", "a number from 0 on", load)?;
    }
    if let Some(heat) = condition.temperature_millicelsius {
        check(MILLICELSIUS.contains(&heat), "temperature", "-100 to 250 degrees", format!("{heat} / 1000"))?;
    }
    Ok(())
}

pub(super) fn facts(facts: Facts) -> Result<Facts, Unbelievable> {
    condition(&facts.condition)?;
    let properties = facts.properties.into_iter().take(MAX_PROPERTIES);
    let properties = properties.map(|(name, value)| (plain(&name), plain(&value))).collect();
    Ok(Facts { properties, condition: facts.condition })
}

pub(super) fn hello(hello: Hello) -> Hello {
    Hello {
        agent_version: plain(&hello.agent_version),
        target: plain(&hello.target),
        kernels: hello.kernels.iter().take(MAX_PROPERTIES).map(|kernel| plain(kernel)).collect(),
        ..hello
    }
}

pub(super) fn opened(opened: Opened) -> Opened {
    let kernels = opened.kernels.iter().take(MAX_PROPERTIES).map(|(name, count)| (plain(name), *count));
    Opened { kernels: kernels.collect(), ..opened }
}

pub(super) fn failure(failure: Failure) -> Failure {
    Failure { message: plain(&failure.message), ..failure }
}

/// Text for one line of a terminal: nothing that moves its cursor, colours it or turns its direction.
pub(super) fn plain(text: &str) -> String {
    let turns = |letter: char| matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let shown = |letter: char| if letter.is_control() || turns(letter) { '\u{fffd}' } else { letter };
    text.chars().take(MAX_LETTERS).map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(min_runs: u32, min_micros: u64) -> Limits {
        Limits { min_runs, min_micros, max_micros: 10_000_000 }
    }

    fn measured(warmup_runs: u32, steady_runs: u32, steady_wall_nanos: u64) -> Measured {
        Measured {
            warmup_runs,
            steady_runs,
            timer_overhead_nanos: 30,
            peak_rss_bytes: None,
            steady_cpu_nanos: None,
            steady_wall_nanos,
            before: Condition::default(),
            after: Condition::default(),
        }
    }

    /// What is wrong with one warm-up run and these others.
    fn verdict(samples: &[u64], runs: u32, wall: u64) -> String {
        let mut told = Told::new(limits(1, 0), limits(2, 0), false);
        let added = told.add(Phase::Warmup, &[5]).and_then(|()| told.add(Phase::Steady, samples));
        added
            .and_then(|()| told.check(&measured(1, runs, wall)))
            .map_or_else(|lie| lie.what.to_owned(), |()| "fine".to_owned())
    }

    #[test]
    fn an_honest_account_is_believed() {
        assert_eq!(verdict(&[1000, 2000], 2, 3500), "fine");
    }

    #[test]
    fn lies_about_a_measurement_are_told() {
        assert_eq!(verdict(&[1000, 2000], 3, 3500), "runs");
        assert_eq!(verdict(&[1000], 1, 3500), "runs");
        assert_eq!(verdict(&[1000, 2000, 3000], 3, 7000), "runs");
        assert_eq!(verdict(&[1000, 2000], 2, 2999), "wall time of the runs");
        assert_eq!(verdict(&[1000, 2000], 2, u64::MAX), "wall time of the runs");
        assert_eq!(verdict(&[1000, u64::MAX], 2, u64::MAX), "sum of the samples");
        assert_eq!(verdict(&[0, 0], 2, 0), "sum of the samples");
        assert_eq!(verdict(&vec![0; 3_000_000], 2, 0), "number of samples");
    }

    fn times(index: u32, nanos: &[u64]) -> OperatorTimes {
        OperatorTimes {
            index,
            operator: "ADD".to_owned(),
            output: "a\u{1b}b".to_owned(),
            kernel: "portable".to_owned(),
            macs: 0,
            nanos: nanos.to_vec(),
        }
    }

    /// What is wrong with two operators that come one by one.
    fn operators(one: (u32, OperatorTimes), other: (u32, OperatorTimes), runs: u32) -> String {
        let mut told = ToldOperators::new(limits(2, 0), false);
        let added = told.add(one.0, vec![one.1]).and_then(|()| told.add(other.0, vec![other.1]));
        added.and_then(|()| told.check(runs)).map_or_else(|lie| lie.what.to_owned(), |()| "fine".to_owned())
    }

    #[test]
    fn lies_about_operators_are_told() {
        let one = || (0, times(3, &[10, 20]));
        assert_eq!(operators(one(), (1, times(4, &[1, 2])), 2), "fine");
        assert_eq!(operators(one(), (2, times(4, &[1, 2])), 2), "operators");
        assert_eq!(operators(one(), (1, times(3, &[1, 2])), 2), "operators");
        assert_eq!(operators(one(), (1, times(4, &[1])), 2), "times of an operator");
        assert_eq!(operators(one(), (1, times(4, &[1, u64::MAX])), 2), "times of operators");
        assert_eq!(operators(one(), (1, times(4, &[1, 2])), 3), "runs");
        let mut told = ToldOperators::new(limits(1, 0), true);
        assert_eq!(told.add(0, vec![times(0, &[u64::MAX])]), Ok(()));
        assert_eq!(told.operators[0].output, "a\u{fffd}b");
    }

    fn prediction(top: &[(u32, f32)]) -> Prediction {
        Prediction { top: top.to_vec(), raw: None }
    }

    fn doubt(top: &[(u32, f32)]) -> String {
        let checked = predictions(&[prediction(top)], 1, 3, false, Some(10));
        checked.map_or_else(|lie| lie.what.to_owned(), |()| "fine".to_owned())
    }

    #[test]
    fn lies_about_predictions_are_told() {
        assert_eq!(doubt(&[(9, 0.5), (0, 0.5)]), "fine");
        assert_eq!(doubt(&[(10, 0.5)]), "class");
        assert_eq!(doubt(&[(1, f32::NAN)]), "score");
        assert_eq!(doubt(&[(1, f32::INFINITY)]), "score");
        assert_eq!(doubt(&[(1, 0.1), (2, 0.2)]), "scores");
        assert_eq!(doubt(&[(1, 0.2), (1, 0.1)]), "classes");
        assert_eq!(doubt(&[(1, 0.4), (2, 0.3), (3, 0.2), (4, 0.1)]), "classes");
        let two = [prediction(&[]), prediction(&[])];
        assert!(predictions(&two, 1, 3, false, None).is_err());
    }

    #[test]
    fn figures_that_are_none_are_refused_and_texts_are_plain() {
        let odd = Condition { load_1m: Some(f32::NAN), ..Condition::default() };
        assert!(facts(Facts { properties: Vec::new(), condition: odd }).is_err());
        assert_eq!(plain("a\u{1b}[31mred\n\u{202e}x"), "a\u{fffd}[31mred\u{fffd}\u{fffd}x");
    }
}
