//! Quantities that TOML has no type for, written as text.

use std::fmt;
use std::str::FromStr;

/// A share, written `"1.5%"`.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug)]
pub struct Percent(f64);

impl Percent {
    /// As a fraction: `1.5%` is 0.015.
    pub fn fraction(self) -> f64 {
        self.0 / 100.0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

/// From 0 to 1000 with `%` behind it.
impl FromStr for Percent {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let number = text.strip_suffix('%').ok_or(())?.trim_end();
        let value = decimal(number).ok_or(())?;
        if (0.0..=1000.0).contains(&value) { Ok(Self(value)) } else { Err(()) }
    }
}

/// Names of units with their size, the longest names of a kind first.
pub(crate) type Units = &'static [(&'static str, f64)];

/// Times, in nanoseconds.
pub(crate) const TIMES: Units = &[("ms", 1e6), ("us", 1e3), ("µs", 1e3), ("ns", 1.0), ("s", 1e9)];

/// Sizes, in bytes.
pub(crate) const SIZES: Units = &[
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
    ("kB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("B", 1.0),
];

/// Energies, in microjoules.
pub(crate) const ENERGIES: Units = &[("mJ", 1e3), ("uJ", 1.0), ("µJ", 1.0), ("J", 1e6)];

/// A number above zero with one of the units behind it, in the smallest unit: `2.5ms` is 2,500,000.
pub(crate) fn with_unit(text: &str, units: Units) -> Option<f64> {
    let (number, size) = units.iter().find_map(|(name, size)| Some((text.strip_suffix(name)?, *size)))?;
    decimal(number.trim_end())
        .map(|number| number * size)
        .filter(|amount| amount.is_finite() && *amount > 0.0)
}

/// A finite factor: a number, or the quotient of two, such as `1/127.5`. Computed in double precision.
pub(crate) fn factor(text: &str) -> Option<f64> {
    let value = match text.split_once('/') {
        None => decimal(text.trim())?,
        Some((above, below)) => decimal(above.trim())? / decimal(below.trim())?,
    };
    value.is_finite().then_some(value)
}

/// A plain decimal number: what Rust would also take for one ("inf", "nan") is not meant.
fn decimal(text: &str) -> Option<f64> {
    let plain = |letter: char| letter.is_ascii_digit() || matches!(letter, '.' | '-' | '+' | 'e' | 'E');
    if !text.chars().all(plain) {
        return None;
    }
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_is_a_number_with_its_sign() {
        assert_eq!("1.5%".parse::<Percent>().map(Percent::fraction), Ok(0.015));
        for wrong in ["1.5", "%", "-1%", "1001%", "inf%", "nan%", "1.5%%", ""] {
            assert_eq!(wrong.parse::<Percent>(), Err(()), "{wrong}");
        }
    }

    #[test]
    fn amounts_have_units() {
        assert_eq!(with_unit("2.5ms", TIMES), Some(2.5e6));
        assert_eq!(with_unit("3 s", TIMES), Some(3e9));
        assert_eq!(with_unit("1MiB", SIZES), Some(1_048_576.0));
        assert_eq!(with_unit("7uJ", ENERGIES), Some(7.0));
        for wrong in ["3", "ms", "-1ms", "0ms", "infms", "nans", "1e400s", "1kB"] {
            assert_eq!(with_unit(wrong, TIMES), None, "{wrong}");
        }
    }

    #[test]
    fn factor_is_a_number_or_a_quotient() {
        assert_eq!(factor("1/127.5"), Some(1.0 / 127.5));
        assert_eq!(factor("-2"), Some(-2.0));
        for wrong in ["1/0", "0/0", "a", "1/", "/2", "1/2/3", "inf", "1e999"] {
            assert_eq!(factor(wrong), None, "{wrong}");
        }
    }
}
