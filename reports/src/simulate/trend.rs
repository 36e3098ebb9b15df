//! The promises about trends (S7, S8, S9, S11) for any detector of changes.

use std::time::{Duration, Instant};

use super::score::Score;
use super::series::{SeriesNoise, labelled};
use super::table::{Line, Wanted};

/// Points of a series, and steps in it where it has any.
const POINTS: usize = 500;
const STEPS: usize = 5;

/// A found change counts for a known one this far away.
const TOLERANCE: usize = 5;

/// Points before a new step, and after it until one stops waiting for it.
const HISTORY: usize = 100;
const PATIENCE: usize = 40;

/// A new step counts as seen when a change is reported this close to it.
const DELAY_TOLERANCE: usize = 5;

/// Seeds are drawn apart for each question.
const SEED_QUIET: u64 = 1_000_000;
const SEED_STEPS: u64 = 2_000_000;
const SEED_DELAY: u64 = 3_000_000;

/// Anything that finds the changes in each of many series.
pub trait Detector {
    /// Indices of the first points of new levels, a list a series, each ascending.
    fn changes(&mut self, series: &[Vec<f64>]) -> Vec<Vec<usize>>;
}

impl<F: FnMut(&[f64]) -> Vec<usize>> Detector for F {
    fn changes(&mut self, series: &[Vec<f64>]) -> Vec<Vec<usize>> {
        series.iter().map(|values| self(values)).collect()
    }
}

/// False alarms per 1,000 points of `count` series without any change.
pub fn false_alarms(detector: &mut dyn Detector, noise: SeriesNoise, count: u64) -> f64 {
    let series: Vec<Vec<f64>> =
        (0..count).map(|seed| labelled(noise, POINTS, 0, 0.0, SEED_QUIET + seed).values).collect();
    let alarms: usize = detector.changes(&series).iter().map(Vec::len).sum();
    alarms as f64 * 1000.0 / (POINTS as f64 * count as f64)
}

/// Hits and misses in `count` series with five steps of `size` standard deviations.
pub fn steps(detector: &mut dyn Detector, noise: SeriesNoise, size: f64, count: u64) -> Score {
    let known: Vec<_> =
        (0..count).map(|seed| labelled(noise, POINTS, STEPS, size, SEED_STEPS + seed)).collect();
    let series: Vec<Vec<f64>> = known.iter().map(|one| one.values.clone()).collect();
    let mut score = Score::default();
    for (found, known) in detector.changes(&series).iter().zip(&known) {
        score.add(found, &known.steps, TOLERANCE);
    }
    score
}

/// Points after a step of `size` standard deviations in white noise until it is seen: the median over `count` series.
/// A step that is not seen within 40 points counts as 41.
pub fn delay(detector: &mut dyn Detector, size: f64, count: u64) -> f64 {
    let whole: Vec<Vec<f64>> = (0..count).map(|seed| with_new_step(size, SEED_DELAY + seed)).collect();
    let mut delays = vec![PATIENCE + 1; whole.len()];
    for points in 1..=PATIENCE {
        let waiting: Vec<usize> = (0..whole.len()).filter(|at| delays[*at] > PATIENCE).collect();
        let series: Vec<Vec<f64>> =
            waiting.iter().map(|at| whole[*at][..HISTORY + points].to_vec()).collect();
        for (at, found) in waiting.iter().zip(detector.changes(&series)) {
            if found.iter().any(|change| change.abs_diff(HISTORY) <= DELAY_TOLERANCE) {
                delays[*at] = points;
            }
        }
    }
    delays.sort_unstable();
    delays.get(delays.len() / 2).map_or(0.0, |delay| *delay as f64)
}

fn with_new_step(size: f64, seed: u64) -> Vec<f64> {
    let mut values = labelled(SeriesNoise::White, HISTORY + PATIENCE, 0, 0.0, seed).values;
    values.iter_mut().skip(HISTORY).for_each(|value| *value += size);
    values
}

/// Shortest time of `rounds` searches through a series of `points` with a step of 3 standard deviations every 100.
pub fn time(detector: &mut dyn Detector, points: usize, rounds: u32) -> Duration {
    let series = vec![labelled(SeriesNoise::White, points, points / 100, 3.0, 9).values];
    let one = |_| {
        let started = Instant::now();
        std::hint::black_box(detector.changes(&series));
        started.elapsed()
    };
    (0..rounds).map(one).min().unwrap_or_default()
}

/// Lines of S7, S8 and S9, for both detectors on the same `count` series a question (four times as many without
/// steps).
pub fn lines(ours: &mut dyn Detector, otava: Option<&mut dyn Detector>, count: u64) -> Vec<Line> {
    let mut lines = questions();
    for question in &mut lines {
        question.line.ours = question.kind.ask(ours, count);
    }
    if let Some(otava) = otava {
        for question in &mut lines {
            question.line.otava = Some(question.kind.ask(otava, count));
        }
    }
    lines.into_iter().map(|question| question.line).collect()
}

struct Question {
    kind: QuestionKind,
    line: Line,
}

#[derive(Clone, Copy)]
enum QuestionKind {
    FalseAlarms(SeriesNoise),
    F1(SeriesNoise, f64),
    Located(f64),
    Delay(f64),
}

impl QuestionKind {
    fn ask(self, detector: &mut dyn Detector, count: u64) -> f64 {
        match self {
            Self::FalseAlarms(noise) => false_alarms(detector, noise, 4 * count),
            Self::F1(noise, size) => steps(detector, noise, size, count).f1(),
            Self::Located(size) => steps(detector, SeriesNoise::White, size, count).located(),
            Self::Delay(size) => delay(detector, size, count),
        }
    }
}

/// The targets of S7, S8 and S9.
fn questions() -> Vec<Question> {
    use SeriesNoise::{Autoregressive, Drift, Heavy, White};
    let alarms = |noise: SeriesNoise, target| {
        let what = format!("false alarms per 1,000 points, {}", noise.name());
        question("S7", what, Wanted::AtMost, target, QuestionKind::FalseAlarms(noise))
    };
    let f1 = |noise: SeriesNoise, size, target| {
        let what = format!("F1 at {size} σ, {}", noise.name());
        question("S8", what, Wanted::AtLeast, target, QuestionKind::F1(noise, size))
    };
    let delay = |size, target| {
        let what = format!("points until a step of {size} σ is seen, median");
        question("S9", what, Wanted::AtMost, target, QuestionKind::Delay(size))
    };
    let located = "share of steps of 3 σ located within 1 point".to_owned();
    vec![
        alarms(White, 0.1),
        alarms(Heavy, 0.1),
        alarms(Autoregressive(0.3), 0.1),
        alarms(Autoregressive(0.6), 0.1),
        alarms(Drift, 2.0),
        f1(White, 1.0, 0.64),
        f1(White, 2.0, 0.97),
        f1(White, 3.0, 0.99),
        f1(Heavy, 3.0, 0.95),
        f1(Autoregressive(0.3), 3.0, 0.99),
        f1(Autoregressive(0.6), 3.0, 0.90),
        f1(Drift, 3.0, 0.85),
        delay(2.0, 4.0),
        delay(3.0, 2.0),
        delay(5.0, 2.0),
        question("S9", located, Wanted::AtLeast, 0.97, QuestionKind::Located(3.0)),
    ]
}

fn question(id: &'static str, what: String, wanted: Wanted, target: f64, kind: QuestionKind) -> Question {
    Question { kind, line: Line { id, what, wanted, target, ours: f64::NAN, otava: None } }
}
