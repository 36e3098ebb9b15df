//! Machines that measure a pair of blocks, each with its own kind of noise, and one that was recorded.

use rand::RngExt;
use rand_distr::{Distribution, StandardNormal, StudentT};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::stats::quantile::{median, quantile, sorted};

/// Runs of a block.
const RUNS: usize = 10;

/// Wall and processor times of iterations in many fresh processes on a loaded machine, without any change.
#[derive(Clone, PartialEq, Debug)]
pub struct Trace {
    wall: Vec<Vec<f64>>,
    cpu: Vec<Vec<f64>>,
}

impl Trace {
    /// From lines of comma-separated microseconds: the wall times of a process, then as many processor times. None
    /// where a line is anything else, or there are fewer than two lines.
    pub fn parse(text: &str) -> Option<Self> {
        let (mut wall, mut cpu) = (Vec::new(), Vec::new());
        for line in text.lines() {
            let values: Option<Vec<f64>> =
                line.split(',').map(|one| one.parse().ok().filter(|value| *value > 0.0)).collect();
            let values = values?;
            let (first, second) = values.split_at(values.len() / 2);
            if first.len() < 4 || first.len() != second.len() {
                return None;
            }
            wall.push(first.to_vec());
            cpu.push(second.to_vec());
        }
        (wall.len() >= 2).then_some(Self { wall, cpu })
    }
}

/// What a machine is like.
#[derive(Clone, Copy, Debug)]
pub enum PairNoise<'t> {
    /// Runs 0.6 %, blocks 0.3 %, drift 0.5 %.
    QuietPi,
    /// Correlated runs 2 %, drift 3 %, throttled by 15 % for a fifth of the time, 3 % of the runs far out.
    Phone,
    /// Runs with tails (t with 4 degrees of freedom) 5 %, drift 8 %, bursts of other load.
    SharedCi,
    /// Processor times of a recorded machine; each block is the next process.
    RecordedCpu(&'t Trace),
    /// Its wall times.
    RecordedWall(&'t Trace),
    /// Its processor times, the two arms alternating within one process.
    AlternatingCpu(&'t Trace),
}

impl PairNoise<'_> {
    /// Name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::QuietPi => "quiet Pi",
            Self::Phone => "phone",
            Self::SharedCi => "shared CI",
            Self::RecordedCpu(_) => "recorded CPU time",
            Self::RecordedWall(_) => "recorded wall time",
            Self::AlternatingCpu(_) => "recorded CPU time, alternating",
        }
    }
}

/// A pair: how much more the candidate took, and the spread that both arms share.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Pair {
    /// Logarithm of candidate by base.
    pub log_ratio: f64,
    /// Mean of the relative interquartile ranges of both blocks.
    pub spread: f64,
}

/// A machine in the middle of its life.
pub struct Machine<'t> {
    noise: PairNoise<'t>,
    random: Xoshiro256PlusPlus,
    drift: f64,
    correlated: f64,
    busy: bool,
    next: usize,
}

impl<'t> Machine<'t> {
    /// In a state drawn by `random`.
    pub fn new(noise: PairNoise<'t>, mut random: Xoshiro256PlusPlus) -> Self {
        let (drift, correlated) = (normal(&mut random), normal(&mut random));
        let (busy, next) = (random.random_bool(0.19), random.random_range(0..1_000_000));
        Self { noise, random, drift, correlated, busy, next }
    }

    /// The next pair; the candidate takes `change` (0.05 for 5 %) more. Which arm is first, a coin decides.
    pub fn pair(&mut self, change: f64) -> Pair {
        let (first, second) = match self.noise {
            PairNoise::AlternatingCpu(trace) => self.alternating(trace),
            _ => (self.block(), self.block()),
        };
        let base_first = self.random.random_bool(0.5);
        let (base, mut candidate) = if base_first { (first, second) } else { (second, first) };
        candidate.iter_mut().for_each(|run| *run *= 1.0 + change);
        let ((base, base_spread), (candidate, spread)) = (middle(base), middle(candidate));
        Pair { log_ratio: libm::log(candidate / base), spread: (base_spread + spread) / 2.0 }
    }

    fn block(&mut self) -> Vec<f64> {
        match self.noise {
            PairNoise::QuietPi => self.quiet_pi(),
            PairNoise::Phone => self.phone(),
            PairNoise::SharedCi => self.shared_ci(),
            PairNoise::RecordedCpu(trace) | PairNoise::AlternatingCpu(trace) => self.recorded(&trace.cpu),
            PairNoise::RecordedWall(trace) => self.recorded(&trace.wall),
        }
    }

    fn quiet_pi(&mut self) -> Vec<f64> {
        self.drift(200.0);
        let level = 0.005 * self.drift + 0.003 * normal(&mut self.random);
        (0..RUNS).map(|_| libm::exp(level + 0.006 * normal(&mut self.random))).collect()
    }

    fn phone(&mut self) -> Vec<f64> {
        self.drift(60.0);
        // Episodes of ten blocks, 19 % of the time.
        self.switch(0.1, 0.1 * 0.19 / 0.81);
        let level = 0.03 * self.drift + if self.busy { libm::log(1.15) } else { 0.0 };
        let run = |_| {
            self.correlated = 0.6 * self.correlated + 0.8 * normal(&mut self.random);
            let far = if self.random.random_bool(0.03) { 0.3 } else { 0.0 };
            libm::exp(level + 0.02 * self.correlated + far)
        };
        (0..RUNS).map(run).collect()
    }

    fn shared_ci(&mut self) -> Vec<f64> {
        self.drift(40.0);
        // Bursts of three blocks, a tenth of the time.
        self.switch(0.33, 0.33 / 9.0);
        let level = 0.08 * self.drift + if self.busy { 0.25 } else { 0.0 };
        let student = StudentT::new(4.0).ok();
        let run = |_| {
            let tail = student.map_or(0.0, |student| student.sample(&mut self.random));
            libm::exp(level + 0.05 * tail)
        };
        (0..RUNS).map(run).collect()
    }

    /// One block further on a slow drift of standard deviation 1.
    fn drift(&mut self, blocks: f64) {
        let keep = libm::exp(-1.0 / blocks);
        self.drift = keep * self.drift + (1.0 - keep * keep).sqrt() * normal(&mut self.random);
    }

    fn switch(&mut self, leave: f64, enter: f64) {
        let switches = self.random.random_bool(if self.busy { leave } else { enter });
        self.busy ^= switches;
    }

    fn recorded(&mut self, times: &[Vec<f64>]) -> Vec<f64> {
        self.next += 1;
        times.get(self.next % times.len()).cloned().unwrap_or_default()
    }

    fn alternating(&mut self, trace: &Trace) -> (Vec<f64>, Vec<f64>) {
        let times = self.recorded(&trace.cpu);
        let every_other = |from| times.iter().skip(from).step_by(2).copied().collect();
        (every_other(0), every_other(1))
    }
}

fn normal(random: &mut Xoshiro256PlusPlus) -> f64 {
    StandardNormal.sample(random)
}

/// Median and relative interquartile range.
fn middle(runs: Vec<f64>) -> (f64, f64) {
    let ascending = sorted(runs);
    let middle = median(&ascending).unwrap_or(1.0);
    let range = quantile(&ascending, 0.75).zip(quantile(&ascending, 0.25)).map_or(0.0, |(up, low)| up - low);
    (middle, range / middle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn traces_are_read_or_refused() {
        assert!(Trace::parse("1,2,3,4,5,6,7,8\n2,3,4,5,6,7,8,9\n").is_some());
        for wrong in ["", "1,2\n1,2\n", "1,2,3,4,x,6,7,8\n", "1,2,3,4,5,6,7,0\n1,2,3,4,5,6,7,8\n"] {
            assert_eq!(Trace::parse(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_change_moves_the_ratio_by_itself() {
        let mut machine = Machine::new(PairNoise::QuietPi, Xoshiro256PlusPlus::seed_from_u64(4));
        let ratios = sorted((0..200).map(|_| machine.pair(0.05).log_ratio).collect());
        let middle = median(&ratios).expect("ratios");
        assert!((middle - 1.05f64.ln()).abs() < 0.002, "{middle}");
    }
}
