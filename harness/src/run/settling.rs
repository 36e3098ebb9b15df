//! Whether a device is fit to be measured: cool enough before a block, and the same machine in the same state behind it.
//! Pure: what the agent tells goes in, what to do comes out.

use std::time::{Duration, Instant};

use edgebench_wire::Facts;

use crate::inventory::Settle;

/// How often a device that has to cool down is asked.
pub(super) const INTERVAL: Duration = Duration::from_secs(2);

/// Properties begin with this and end with the type of a thermal zone; the value is in thousandths of a degree.
const ZONE: &str = "temperature_millicelsius.";

const FLAGS: &str = "throttled_flags";

/// Properties that must not change during a block: what they say decides how fast the device is.
const STEADY: [(&str, &str); 5] = [
    ("boot_id", "the device was restarted during the block"),
    ("governor", "the governor was changed during the block"),
    ("max_khz", "the limit of the clock was changed during the block"),
    ("charging", "the charger was plugged or unplugged during the block"),
    (FLAGS, "the device began or ceased to be throttled during the block"),
];

/// How the waiting ended.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Settled {
    /// Nothing is to be waited for.
    NotAsked,
    /// It is as it should be.
    Cool,
    /// It is not, for this reason.
    Not(String),
}

impl Settled {
    /// Why a block that was measured all the same does not count.
    pub(super) fn doubt(&self) -> Option<String> {
        match self {
            Self::Not(reason) => Some(reason.clone()),
            Self::NotAsked | Self::Cool => None,
        }
    }
}

/// What to do after a look.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Look {
    /// Go on.
    Over(Settled),
    /// Look again in a while.
    Wait {
        /// For the person who waits.
        how_far: String,
    },
}

/// A wait that goes on.
pub(super) struct Settling<'s> {
    wanted: &'s Settle,
    since: Instant,
}

impl<'s> Settling<'s> {
    /// Begins now.
    pub(super) fn new(wanted: &'s Settle) -> Self {
        Self { wanted, since: Instant::now() }
    }

    /// What the device's state means.
    pub(super) fn look(&mut self, facts: &Facts) -> Look {
        let Settle { zone, below_celsius, timeout } = self.wanted;
        let Some(celsius) = celsius(facts, zone) else {
            let known: Vec<&str> =
                facts.properties.iter().filter_map(|(name, _)| name.strip_prefix(ZONE)).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let reason = format!("the device has no thermal zone {zone} to settle by, but {known}");
            return Look::Over(Settled::Not(reason));
        };
        if celsius < *below_celsius {
            return Look::Over(Settled::Cool);
        }
        if self.since.elapsed() >= *timeout {
            let waited = timeout.as_secs();
            return Look::Over(Settled::Not(format!(
                "the device did not settle in {waited} s: {zone} at {celsius:.1} C, expected below {below_celsius:.1} C"
            )));
        }
        Look::Wait {
            how_far: format!("settling: {zone} at {celsius:.1} C, wanted below {below_celsius:.1} C"),
        }
    }
}

fn celsius(facts: &Facts, zone: &str) -> Option<f64> {
    let is_zone = |name: &str| name.strip_prefix(ZONE) == Some(zone);
    let (_, value) = facts.properties.iter().find(|(name, _)| is_zone(name))?;
    value.parse::<i32>().ok().map(|millis| f64::from(millis) / 1000.0)
}

/// Raspberry Pi firmware: bits 0 to 3 of `vcgencmd get_throttled` are under-voltage, capped clock, throttled, and the soft
/// limit of temperature, now; bits 16 to 19 the same since the start.
fn is_throttled(flags: &str) -> bool {
    let digits = flags.trim().trim_start_matches("0x");
    u32::from_str_radix(digits, 16).is_ok_and(|flags| flags & 0xf != 0)
}

/// What changed during a block so that it does not count.
pub(super) fn changed(before: &Facts, after: &Facts) -> Option<String> {
    let value = |facts: &Facts, wanted: &str| {
        facts.properties.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone())
    };
    if value(before, FLAGS).is_some_and(|flags| is_throttled(&flags)) {
        return Some("the device was throttled before the block".to_owned());
    }
    let different = |name: &str| value(before, name) != value(after, name);
    STEADY.iter().find(|(name, _)| different(name)).map(|(_, reason)| (*reason).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(properties: &[(&str, &str)]) -> Facts {
        let owned = properties.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Facts { properties: owned.collect(), ..Facts::default() }
    }

    fn settle(timeout: Duration) -> Settle {
        Settle { zone: "cpu-thermal".to_owned(), below_celsius: 60.0, timeout }
    }

    #[test]
    fn a_hot_device_is_waited_for_until_it_is_cool() {
        let wanted = settle(Duration::from_secs(600));
        let mut settling = Settling::new(&wanted);
        let hot = facts(&[("temperature_millicelsius.cpu-thermal", "71500")]);
        assert!(matches!(settling.look(&hot), Look::Wait { how_far } if how_far.contains("71.5 C")));
        let cool = facts(&[("temperature_millicelsius.cpu-thermal", "59999")]);
        assert_eq!(settling.look(&cool), Look::Over(Settled::Cool));
    }

    #[test]
    fn a_device_that_stays_hot_is_measured_and_not_counted() {
        let wanted = settle(Duration::ZERO);
        let hot = facts(&[("temperature_millicelsius.cpu-thermal", "60000")]);
        let Look::Over(settled) = Settling::new(&wanted).look(&hot) else { panic!("waits for ever") };
        assert!(settled.doubt().is_some_and(|reason| reason.contains("did not settle")));
    }

    #[test]
    fn a_zone_that_is_not_there_is_named_with_those_that_are() {
        let wanted = settle(Duration::from_secs(600));
        let other = facts(&[("temperature_millicelsius.gpu-thermal", "40000")]);
        let Look::Over(settled) = Settling::new(&wanted).look(&other) else { panic!("waits for ever") };
        assert!(settled.doubt().is_some_and(|reason| reason.contains("gpu-thermal")));
    }

    #[test]
    fn a_device_that_changed_is_not_believed() {
        let before = facts(&[("boot_id", "a"), ("governor", "performance")]);
        assert_eq!(changed(&before, &before), None);
        let restarted = facts(&[("boot_id", "b"), ("governor", "performance")]);
        assert!(changed(&before, &restarted).is_some_and(|reason| reason.contains("restarted")));
        let capped = facts(&[(FLAGS, "0x4"), ("governor", "performance")]);
        assert!(changed(&capped, &capped).is_some_and(|reason| reason.contains("throttled")));
        let once = facts(&[(FLAGS, "0x40000")]);
        assert_eq!(changed(&once, &once), None, "long ago");
        let slower = facts(&[("boot_id", "a"), ("governor", "powersave")]);
        assert!(changed(&before, &slower).is_some_and(|reason| reason.contains("governor")));
    }
}
