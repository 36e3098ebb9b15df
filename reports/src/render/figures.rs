//! How figures are written: units, digits, intervals. Three significant digits, because no latency of ours is known
//! better; decimal units, as in the tools that readers come from.

use crate::stats::Interval;
use crate::stats::quantile::Tail;
use crate::summary::Latency;

/// What stands where there is no figure.
pub(super) const ABSENT: &str = "–";

/// Three significant digits, never an exponent: `0.0421`, `4.21`, `421`, `42100`.
pub(super) fn digits(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if !value.is_finite() {
        return ABSENT.to_owned();
    }
    let magnitude = value.abs().max(1e-9).log10().floor();
    let decimals = (2.0 - magnitude).clamp(0.0, 9.0) as usize;
    let text = format!("{value:.decimals$}");
    // 9.996 rounds to 10.00: one digit too many.
    let rounded: f64 = text.parse().unwrap_or(value);
    let grew = decimals > 0 && rounded.abs().max(1e-9).log10().floor() > magnitude;
    if grew { format!("{value:.*}", decimals - 1) } else { text }
}

/// As [`digits`], without zeros at the end: for the ticks of an axis.
pub(super) fn tick(value: f64) -> String {
    let text = digits(value);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// The largest unit in which a value is at least 1, with its size.
fn unit(value: f64, units: &[(f64, &'static str)]) -> (f64, &'static str) {
    let fits = |(size, _): &&(f64, &'static str)| value.abs() >= *size * 0.9995;
    units.iter().find(fits).or(units.last()).copied().unwrap_or((1.0, ""))
}

const TIMES: &[(f64, &str)] = &[(1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1.0, "ns")];
const SIZES: &[(f64, &str)] = &[(1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B")];
const ENERGIES: &[(f64, &str)] = &[(1e6, "J"), (1e3, "mJ"), (1.0, "µJ")];

/// Size in nanoseconds and name of the unit that suits `value`.
pub(super) fn time_unit(value: f64) -> (f64, &'static str) {
    unit(value, TIMES)
}

/// Size in bytes and name of the unit that suits `value`.
pub(super) fn byte_unit(value: f64) -> (f64, &'static str) {
    unit(value, SIZES)
}

/// Size in microjoules and name of the unit that suits `value`.
pub(super) fn energy_unit(value: f64) -> (f64, &'static str) {
    unit(value, ENERGIES)
}

fn with_unit(value: f64, units: &[(f64, &'static str)]) -> String {
    let (size, name) = unit(value, units);
    format!("{} {name}", digits(value / size))
}

/// `1.62 MB`; decimal units.
pub(super) fn bytes(count: u64) -> String {
    if count < 1000 { format!("{count} B") } else { with_unit(count as f64, SIZES) }
}

/// `4.21 ms`.
pub(super) fn nanos(value: f64) -> String {
    with_unit(value, TIMES)
}

/// `1.30 mJ`.
pub(super) fn microjoules(value: f64) -> String {
    with_unit(value, ENERGIES)
}

/// `12,345,678`.
pub(super) fn count(value: u64) -> String {
    let text = value.to_string();
    let mut grouped = String::with_capacity(text.len() + text.len() / 3);
    for (at, digit) in text.chars().enumerate() {
        if at > 0 && (text.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A latency as a time, or as the bare count of an emulator.
pub(super) fn latency(value: f64, emulated: bool) -> String {
    if emulated { count(value as u64) } else { nanos(value) }
}

/// `4.18 – 4.30`, in the unit of `value`, which stands beside it.
pub(super) fn latency_interval(latency: &Latency) -> Option<String> {
    let Interval { lower, upper, .. } = latency.median.interval?;
    if latency.emulated {
        return Some(format!("{} – {}", count(lower as u64), count(upper as u64)));
    }
    let (size, _) = unit(latency.median.median, TIMES);
    Some(format!("{} – {}", digits(lower / size), digits(upper / size)))
}

/// A quantile, or nothing where there are too few samples.
pub(super) fn tail(tail: Tail, emulated: bool) -> String {
    tail.value().map_or(ABSENT.to_owned(), |value| latency(value, emulated))
}

/// `1.42×`.
pub(super) fn times(ratio: f64) -> String {
    format!("{}×", digits(ratio))
}

/// `1.38 – 1.45`.
pub(super) fn times_interval(interval: Interval) -> String {
    format!("{} – {}", digits(interval.lower), digits(interval.upper))
}

/// Digits after the point that a share of so many examples deserves.
fn percent_decimals(total: u64) -> usize {
    if total < 1000 { 1 } else { 2 }
}

/// `98.6 %`, of `total` examples.
pub(super) fn percent(share: f64, total: u64) -> String {
    format!("{:.*} %", percent_decimals(total), 100.0 * share)
}

/// `96.8 – 99.4`.
pub(super) fn percent_interval(interval: Interval, total: u64) -> String {
    let decimals = percent_decimals(total);
    format!("{:.*} – {:.*}", decimals, 100.0 * interval.lower, decimals, 100.0 * interval.upper)
}

/// `−0.3` points, with a true minus sign, and `±0.0` for no change.
pub(super) fn points(change: f64, total: u64) -> String {
    let text = format!("{:.*}", percent_decimals(total), (100.0 * change).abs());
    let sign = if change == 0.0 {
        "±"
    } else if change < 0.0 {
        "−"
    } else {
        "+"
    };
    format!("{sign}{text}")
}

/// `1.4` points, of a share of `total` examples; without a sign.
pub(super) fn share_points(share: f64, total: u64) -> String {
    format!("{:.*}", percent_decimals(total), 100.0 * share)
}

/// `93.8 %` or `95 %`.
pub(super) fn confidence(level: f64) -> String {
    let text = format!("{:.1}", 100.0 * level);
    format!("{} %", text.strip_suffix(".0").unwrap_or(&text))
}

/// `one`, `many` with its number: `1 thread`, `4 threads`.
pub(super) fn plural(number: usize, one: &str, many: &str) -> String {
    format!("{} {}", count(number as u64), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn three_digits_and_a_fitting_unit() {
        let written =
            [0.4, 999.4, 999.6, 1234.0, 4_210_000.0, 9_996_000.0, 999_960.0, 2.5e9, 7.2e12].map(nanos);
        let expected =
            ["0.400 ns", "999 ns", "1.00 µs", "1.23 µs", "4.21 ms", "10.0 ms", "1.00 ms", "2.50 s", "7200 s"];
        assert_eq!(written, expected);
        assert_eq!([0, 999, 1000, 1_623_456].map(bytes), ["0 B", "999 B", "1.00 kB", "1.62 MB"]);
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(digits(f64::NAN), ABSENT);
        assert_eq!(digits(0.0), "0");
    }

    #[test]
    fn shares_carry_the_digits_that_their_count_deserves() {
        assert_eq!(percent(0.98611, 360), "98.6 %");
        assert_eq!(percent(0.98611, 10_000), "98.61 %");
        assert_eq!([0.0, -0.0028, 0.0028].map(|change| points(change, 360)), ["±0.0", "−0.3", "+0.3"]);
        assert_eq!([0.95, 0.9375].map(confidence), ["95 %", "93.8 %"]);
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_was_meant(value in 1e-3f64..1e6) {
            let read: f64 = digits(value).parse().expect("a number");
            prop_assert!((read / value - 1.0).abs() < 0.0051, "{value} as {read}");
        }
    }
}
