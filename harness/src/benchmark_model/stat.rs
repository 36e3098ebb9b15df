//! Figures over runs as LiteRT's `benchmark_model` computes and writes them (`tsl/util/stats_calculator.h`), oddities
//! included: scripts compare them with those of other tools.

/// Whole microseconds, in the order they came.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Stat {
    samples_us: Vec<u64>,
}

impl Stat {
    /// One more.
    pub(super) fn add(&mut self, micros: u64) {
        self.samples_us.push(micros);
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.samples_us.len()
    }

    /// The first one; 0 when there is none.
    pub(super) fn first(&self) -> u64 {
        self.samples_us.first().copied().unwrap_or_default()
    }

    fn newest(&self) -> u64 {
        self.samples_us.last().copied().unwrap_or_default()
    }

    pub(super) fn min(&self) -> u64 {
        self.samples_us.iter().min().copied().unwrap_or_default()
    }

    pub(super) fn max(&self) -> u64 {
        self.samples_us.iter().max().copied().unwrap_or_default()
    }

    /// Not a number when there is none.
    pub(super) fn avg(&self) -> f64 {
        self.samples_us.iter().map(|micros| *micros as f64).sum::<f64>() / self.count() as f64
    }

    /// Deviation of the population, cut to whole microseconds.
    pub(super) fn std_deviation(&self) -> u64 {
        let mean = self.avg();
        let squares: f64 = self.samples_us.iter().map(|micros| (*micros as f64 - mean).powi(2)).sum();
        (squares / self.count().max(1) as f64).sqrt() as u64
    }

    /// Element `count * percent / 100` of the sorted values; at 100 the newest, as there.
    pub(super) fn percentile(&self, percent: usize) -> u64 {
        if percent >= 100 {
            return self.newest();
        }
        let mut sorted = self.samples_us.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() * percent / 100).copied().unwrap_or_default()
    }

    /// Without percentiles.
    pub(super) fn plain_line(&self) -> String {
        let count = self.count();
        match count {
            0 => "count=0".to_owned(),
            1 => format!("count=1 curr={}", self.newest()),
            _ if self.min() == self.max() => format!("count={count} curr={}(all same)", self.newest()),
            _ => format!(
                "count={count} first={} curr={} min={} max={} avg={} std={}",
                self.first(),
                self.newest(),
                self.min(),
                self.max(),
                general(self.avg()),
                self.std_deviation()
            ),
        }
    }

    /// The line that scripts read.
    pub(super) fn line(&self) -> String {
        let [low, median, high] = [5, 50, 95].map(|percent| self.percentile(percent));
        format!("{} p5={low} median={median} p95={high}", self.plain_line())
    }
}

/// Significant digits of a number that a C++ stream writes.
const DIGITS: i32 = 6;

/// A number as a C++ stream writes it by default: six significant digits, no trailing zeros, an exponent where that is
/// shorter (`%g`).
pub(super) fn general(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        let text = if value.is_nan() { "nan".to_owned() } else { format!("{value}") };
        return text;
    }
    let scientific = format!("{value:.*e}", (DIGITS - 1) as usize);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..DIGITS).contains(&exponent) {
        let decimals = usize::try_from(DIGITS - 1 - exponent).unwrap_or_default();
        return trimmed(&format!("{value:.decimals$}"));
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trimmed(mantissa), exponent.abs())
}

fn trimmed(number: &str) -> String {
    let text = if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number };
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(samples: &[u64]) -> Stat {
        Stat { samples_us: samples.to_vec() }
    }

    #[test]
    fn lines_are_those_of_benchmark_model() {
        assert_eq!(stat(&[]).line(), "count=0 p5=0 median=0 p95=0");
        assert_eq!(stat(&[7]).line(), "count=1 curr=7 p5=7 median=7 p95=7");
        assert_eq!(stat(&[7, 7]).line(), "count=2 curr=7(all same) p5=7 median=7 p95=7");
        let line = "count=4 first=40 curr=20 min=10 max=40 avg=25 std=11 p5=10 median=30 p95=40";
        assert_eq!(stat(&[40, 10, 30, 20]).line(), line);
        assert_eq!(stat(&[3, 1, 2]).percentile(100), 2);
    }

    #[test]
    fn numbers_are_those_of_a_stream() {
        let cases = [
            (20_300.1, "20300.1"),
            (3.577_76, "3.57776"),
            (0.5, "0.5"),
            (1.0, "1"),
            (150.0, "150"),
            (1_234_567.0, "1.23457e+06"),
            (999_999.6, "1e+06"),
            (0.000_012_34, "1.234e-05"),
            (100_000.0, "100000"),
            (-1.0, "-1"),
            (0.0, "0"),
            (f64::NAN, "nan"),
        ];
        for (value, text) in cases {
            assert_eq!(general(value), text);
        }
    }
}
