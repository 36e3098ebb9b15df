//! The promises about comparisons (S1 to S5) on pairs of blocks.

use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::machine::{Machine, Pair, PairNoise, Trace};
use super::score::share;
use super::table::{Line, Wanted};
use crate::compare::{self, CellPairs, Plan};
use crate::record::Cell;
use crate::stats::early_stop::EarlyStop;
use crate::stats::sequential::{Looks, Spending};
use crate::stats::sign_flip::noise_weighted;
use crate::stats::signed_rank;
use crate::verdict::{Evidence, Rule, Verdict};

/// Level of a single comparison, one-sided.
const ALPHA: f64 = 0.05;

/// Pairs of a comparison that does not stop early.
const PAIRS: usize = 30;

/// Cells of a suite.
const CELLS: u32 = 24;

/// Looks of a three-way verdict, and of one that shall stop as soon as it may.
const VERDICT_LOOKS: [u32; 3] = [10, 20, 30];
const EARLY_LOOKS: [u32; 8] = [7, 8, 9, 11, 14, 18, 24, 30];

/// What the looks of [`EARLY_LOOKS`] may spend together: a little less than [`ALPHA`], so that what is measured of it
/// stays below too.
const EARLY_ALPHA: f64 = 0.047;

/// Comparisons of S5 for one of the others: what is measured of it shall not be off by more than 0.0015 in 5,000.
const EARLY_TIMES: u64 = 4;

/// Limit of a three-way verdict.
const MARGIN: f64 = 0.03;

/// A test of whether the candidate takes more: its one-sided p value.
type Test = fn(&[Pair]) -> f64;

fn ratios(pairs: &[Pair]) -> Vec<f64> {
    pairs.iter().map(|pair| pair.log_ratio).collect()
}

/// Wilcoxon's signed-rank test.
fn by_rank(pairs: &[Pair]) -> f64 {
    signed_rank::test(&ratios(pairs)).map_or(1.0, |test| test.p_greater)
}

/// The noise-weighted sign-flip test.
fn by_weight(pairs: &[Pair]) -> f64 {
    let spreads: Vec<f64> = pairs.iter().map(|pair| pair.spread).collect();
    noise_weighted(&ratios(pairs), &spreads).map_or(1.0, |test| test.p_greater)
}

/// Runs the questions: `repetitions` comparisons for each.
pub struct Study {
    /// Comparisons for each question.
    pub repetitions: u64,
    /// Where every draw begins.
    pub seed: u64,
}

impl Study {
    /// Pairs of one comparison.
    fn pairs(&self, noise: PairNoise<'_>, repetition: u64, count: usize, change: f64) -> Vec<Pair> {
        let mut machine = Machine::new(noise, self.random(noise, repetition));
        (0..count).map(|_| machine.pair(change)).collect()
    }

    /// Draws of their own for each kind of noise and each repetition.
    fn random(&self, noise: PairNoise<'_>, repetition: u64) -> Xoshiro256PlusPlus {
        let text = format!("{} {} {repetition}", self.seed, noise.name());
        let hash = blake3::hash(text.as_bytes());
        let eight = hash.as_bytes().first_chunk().copied().unwrap_or_default();
        Xoshiro256PlusPlus::seed_from_u64(u64::from_le_bytes(eight))
    }

    /// Share of comparisons in which `test` finds the candidate slower.
    fn found(&self, noise: PairNoise<'_>, test: Test, count: usize, change: f64) -> f64 {
        let slower = |repetition| test(&self.pairs(noise, repetition, count, change)) <= ALPHA;
        share(
            (0..self.repetitions).filter(|repetition| slower(*repetition)).count(),
            self.repetitions as usize,
        )
    }

    /// S1: alarms in comparisons of the same with the same.
    fn false_alarms(&self, noises: &[PairNoise<'_>]) -> Vec<Line> {
        let tests: [(&str, Test); 2] = [("signed rank", by_rank), ("noise-weighted", by_weight)];
        let each = noises.iter().flat_map(|noise| tests.map(|(name, test)| (*noise, name, test)));
        let line = |(noise, name, test): (PairNoise<'_>, &str, Test)| {
            let what = format!("false alarms of {name}, {}", noise.name());
            line("S1", what, Wanted::AtMost, 0.06, self.found(noise, test, PAIRS, 0.0))
        };
        each.map(line).collect()
    }

    /// S2: clean runs of 24 cells with an alarm, and pairs a cell.
    fn suites(&self, noises: &[PairNoise<'_>]) -> Vec<Line> {
        let (mut blocked, mut pairs, mut suites) = (0usize, 0u64, 0usize);
        for noise in noises {
            for suite in 0..self.repetitions {
                let (alarm, cost) = self.suite(*noise, suite);
                blocked += usize::from(alarm);
                pairs += cost;
                suites += 1;
            }
        }
        let cells = suites as f64 * f64::from(CELLS);
        vec![
            line(
                "S2",
                "clean runs of 24 cells blocked".to_owned(),
                Wanted::AtMost,
                0.012,
                share(blocked, suites),
            ),
            line("S2", "pairs a clean cell".to_owned(), Wanted::AtMost, 12.5, pairs as f64 / cells),
        ]
    }

    /// Whether one of 24 clean cells is blamed, and the pairs that were measured: by the very plan of `bench compare`.
    fn suite(&self, noise: PairNoise<'_>, suite: u64) -> (bool, u64) {
        let plan = Plan::default();
        let cells: Vec<CellPairs> = (0..CELLS)
            .map(|cell| self.cell(&plan, noise, suite * u64::from(CELLS) + u64::from(cell)))
            .collect();
        let cost = cells.iter().map(|cell| cell.screen.len() + cell.confirm.len()).sum::<usize>();
        (plan.blames(&cells).contains(&true), cost as u64)
    }

    /// A clean cell: screened, and confirmed where it is suspect.
    fn cell(&self, plan: &Plan, noise: PairNoise<'_>, repetition: u64) -> CellPairs {
        let mut machine = Machine::new(noise, self.random(noise, repetition));
        let mut fresh = || {
            let pair = machine.pair(0.0);
            compare::Pair { base_nanos: 1.0, head_nanos: libm::exp(pair.log_ratio), spread: pair.spread }
        };
        let mut cell = CellPairs::new(nameless());
        cell.screen = (0..plan.screen_pairs).map(|_| fresh()).collect();
        while plan.is_suspect(&cell) && !plan.is_confirmed(&cell, CELLS as usize) {
            cell.confirm.push(fresh());
        }
        cell
    }

    /// S3: how often a true change is found.
    fn power(&self, trace: &Trace) -> Vec<Line> {
        let (cpu, alternating) = (PairNoise::RecordedCpu(trace), PairNoise::AlternatingCpu(trace));
        let wanted = [
            (PairNoise::QuietPi, 10, 0.01, 0.99),
            (PairNoise::Phone, PAIRS, 0.01, 0.65),
            (PairNoise::Phone, PAIRS, 0.03, 0.99),
            (PairNoise::SharedCi, PAIRS, 0.03, 0.95),
            (cpu, PAIRS, 0.03, 0.73),
            (alternating, PAIRS, 0.01, 0.65),
            (alternating, PAIRS, 0.03, 0.99),
        ];
        let one = |(noise, count, change, target): (PairNoise<'_>, usize, f64, f64)| {
            let what = format!("+{:.0} % found in {count} pairs, {}", change * 100.0, noise.name());
            line("S3", what, Wanted::AtLeast, target, self.found(noise, by_weight, count, change))
        };
        wanted.into_iter().map(one).collect()
    }

    /// S4: firm verdicts that are wrong.
    fn wrong_verdicts(&self, noises: &[PairNoise<'_>]) -> Vec<Line> {
        let looks = Looks::plan(&VERDICT_LOOKS, ALPHA, Spending::Pocock);
        let mut lines = Vec::new();
        for noise in noises {
            let target = if matches!(noise, PairNoise::QuietPi) { 0.01 } else { 0.05 };
            for (wrong, change) in [(Verdict::Regressed, 0.0), (Verdict::Pass, MARGIN + 0.02)] {
                let is_wrong = |repetition: &u64| {
                    let pairs = self.pairs(*noise, *repetition, PAIRS, change);
                    looks.as_ref().is_some_and(|looks| three_way(&pairs, looks) == wrong)
                };
                let found = share((0..self.repetitions).filter(is_wrong).count(), self.repetitions as usize);
                let what = format!("{} although {:+.0} %, {}", wrong.word(), change * 100.0, noise.name());
                lines.push(line("S4", what, Wanted::AtMost, target, found));
            }
        }
        lines
    }

    /// S5: stopping early, and what it costs.
    fn early_stops(&self, noises: &[PairNoise<'_>]) -> Vec<Line> {
        let repetitions = EARLY_TIMES * self.repetitions;
        let Some(looks) = EarlyStop::plan(&EARLY_LOOKS, EARLY_ALPHA, Spending::Pocock) else {
            return Vec::new();
        };
        let stops = |noise: PairNoise<'_>, change: f64| {
            let stop = |repetition| stopped(&self.pairs(noise, repetition, PAIRS, change), &looks);
            (0..repetitions).map(stop).collect::<Vec<_>>()
        };
        let mut lines: Vec<Line> = Vec::new();
        for noise in noises {
            let alarms = stops(*noise, 0.0).iter().filter(|stop| stop.is_some()).count();
            let what = format!("false alarms with early stop, {}", noise.name());
            let found = share(alarms, repetitions as usize);
            lines.push(line("S5", what, Wanted::AtMost, 0.05, found));
        }
        for (noise, target) in [(PairNoise::Phone, 8.0), (PairNoise::SharedCi, 13.0)] {
            let pairs = stops(noise, 0.05).into_iter().map(|stop| stop.unwrap_or(PAIRS as u32));
            let mean = pairs.map(f64::from).sum::<f64>() / repetitions as f64;
            let what = format!("mean pairs until +5 % is found, {}", noise.name());
            lines.push(line("S5", what, Wanted::AtMost, target, mean));
        }
        lines
    }

    /// All of S1 to S5, or the promise of this number only.
    pub fn lines(&self, trace: &Trace, only: Option<&str>) -> Vec<Line> {
        let noises = [
            PairNoise::QuietPi,
            PairNoise::Phone,
            PairNoise::SharedCi,
            PairNoise::RecordedCpu(trace),
            PairNoise::RecordedWall(trace),
        ];
        let promises: [(&str, &dyn Fn() -> Vec<Line>); 5] = [
            ("S1", &|| self.false_alarms(&noises)),
            ("S2", &|| self.suites(&noises)),
            ("S3", &|| self.power(trace)),
            ("S4", &|| self.wrong_verdicts(&noises)),
            ("S5", &|| self.early_stops(&noises)),
        ];
        let asked = promises.into_iter().filter(|(id, _)| only.is_none_or(|only| only == *id));
        asked.flat_map(|(_, lines)| lines()).collect()
    }
}

/// The verdict at the first look that gives a firm one.
fn three_way(pairs: &[Pair], looks: &Looks) -> Verdict {
    let limit = libm::log(1.0 + MARGIN);
    for (count, level) in looks.pairs.iter().zip(&looks.levels) {
        let so_far = pairs.get(..*count as usize).unwrap_or(pairs);
        let Some(shift) = signed_rank::signed_rank(&ratios(so_far), 1.0 - 2.0 * level) else { continue };
        let verdict = Rule { margin: limit, alpha: *level }.judge(&Evidence::paired(&shift));
        if verdict != Verdict::Inconclusive {
            return verdict;
        }
    }
    Verdict::Inconclusive
}

/// Pairs after which the candidate is found slower; none if it never is.
fn stopped(pairs: &[Pair], looks: &EarlyStop) -> Option<u32> {
    let spreads: Vec<f64> = pairs.iter().map(|pair| pair.spread).collect();
    looks.enough_after(&ratios(pairs), &spreads)
}

/// A cell whose name nobody asks for.
fn nameless() -> Cell {
    let empty = String::new;
    Cell { device: empty(), model: empty(), variant: empty(), runtime: empty(), threads: 1 }
}

fn line(id: &'static str, what: String, wanted: Wanted, target: f64, ours: f64) -> Line {
    Line { id, what, wanted, target, ours, otava: None }
}
