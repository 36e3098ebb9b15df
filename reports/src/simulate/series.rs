//! Series with known steps under known noise, from a seed. The unit is the standard deviation of one point.

use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal, StudentT};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Level of a series, in standard deviations of a point: a standard deviation is then 1 %.
pub const LEVEL: f64 = 100.0;

/// Fewest points between two steps, and between a step and an end.
const SPACING: usize = 30;

/// How the points of a series vary about its level.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum SeriesNoise {
    /// Independent and normal.
    White,
    /// Student's t with 3 degrees of freedom whose bulk has the scale of a normal one, and 2 % of the points 10 further
    /// off.
    Heavy,
    /// Autoregressive with this correlation, standard deviation 1.
    Autoregressive(f64),
    /// Independent and normal, on a slow drift of standard deviation 1 and time constant 60 (Ornstein-Uhlenbeck).
    Drift,
}

impl SeriesNoise {
    /// The kinds that figures are given for.
    pub const ALL: [Self; 5] =
        [Self::White, Self::Heavy, Self::Autoregressive(0.3), Self::Autoregressive(0.6), Self::Drift];

    /// Name in tables.
    pub fn name(self) -> String {
        match self {
            Self::White => "white".to_owned(),
            Self::Heavy => "heavy tails".to_owned(),
            Self::Autoregressive(correlation) => format!("AR(1) {correlation}"),
            Self::Drift => "drift".to_owned(),
        }
    }

    /// `count` points of noise.
    pub fn sample(self, count: usize, random: &mut Xoshiro256PlusPlus) -> Vec<f64> {
        match self {
            Self::White => (0..count).map(|_| normal(random)).collect(),
            Self::Heavy => (0..count).map(|_| heavy(random)).collect(),
            Self::Autoregressive(correlation) => autoregressive(correlation, count, random),
            Self::Drift => {
                let slow = autoregressive(libm::exp(-1.0 / 60.0), count, random);
                slow.into_iter().map(|level| level + normal(random)).collect()
            }
        }
    }
}

fn normal(random: &mut Xoshiro256PlusPlus) -> f64 {
    StandardNormal.sample(random)
}

fn heavy(random: &mut Xoshiro256PlusPlus) -> f64 {
    // The median absolute value of t with 3 degrees of freedom is 0.7649, that of a normal variable 0.6745.
    const TO_NORMAL_BULK: f64 = 0.6745 / 0.7649;
    let bulk = StudentT::new(3.0).map_or(0.0, |student| student.sample(random)) * TO_NORMAL_BULK;
    let outlier = if random.random_bool(0.02) { 10.0 } else { 0.0 };
    if random.random_bool(0.5) { bulk + outlier } else { bulk - outlier }
}

fn autoregressive(correlation: f64, count: usize, random: &mut Xoshiro256PlusPlus) -> Vec<f64> {
    let innovation = (1.0 - correlation * correlation).sqrt();
    let mut value = normal(random);
    let next = |_| {
        let now = value;
        value = correlation * value + innovation * normal(random);
        now
    };
    (0..count).map(next).collect()
}

/// A series with steps of known places.
#[derive(Clone, PartialEq, Debug)]
pub struct Labelled {
    /// The points.
    pub values: Vec<f64>,
    /// Index of the first point of each new level.
    pub steps: Vec<usize>,
}

/// A series of `count` points with `steps` steps of `size` standard deviations up or down, at random places.
pub fn labelled(noise: SeriesNoise, count: usize, steps: usize, size: f64, seed: u64) -> Labelled {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut values: Vec<f64> = noise.sample(count, &mut random).into_iter().map(|one| LEVEL + one).collect();
    let places = places(count, steps, &mut random);
    for place in &places {
        let up = if random.random_bool(0.5) { size } else { -size };
        values.iter_mut().skip(*place).for_each(|value| *value += up);
    }
    Labelled { values, steps: places }
}

/// `steps` places at least [`SPACING`] apart, ascending: the room that is left over is shared out at random.
fn places(count: usize, steps: usize, random: &mut Xoshiro256PlusPlus) -> Vec<usize> {
    let room = count.saturating_sub(SPACING * (steps + 1));
    let mut extra: Vec<usize> = (0..steps).map(|_| random.random_range(0..=room)).collect();
    extra.sort_unstable();
    extra.into_iter().enumerate().map(|(step, extra)| SPACING * (step + 1) + extra).collect()
}
