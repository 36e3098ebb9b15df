//! What a gate guards: limits by metric and scope, conditions under which a figure counts, waivers. Plain checked
//! values; where they are read from is the controller's business.
//!
//! Limits are inherited: the rules are gone through in order, and for each (metric, kind of limit) the last rule whose
//! scope holds the cell gives the limit. Nothing here lets one metric pay for another.

use std::fmt;

use crate::record::Cell;

/// A quantity of a cell that can be guarded.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Metric {
    /// Share of right first answers.
    Accuracy,
    /// The class whose share of right answers fell most, corrected for the number of classes.
    WorstClass,
    /// Median of steady inferences.
    Latency,
    /// Processor time of a steady inference, of all threads together: other load on the machine disturbs it less.
    CpuTime,
    /// 99th percentile of steady inferences.
    Tail,
    /// From bytes in memory to ready.
    Init,
    /// Energy of one inference.
    Energy,
    /// Length of the model file.
    Size,
    /// Activation arena.
    Arena,
    /// Largest resident set.
    PeakRss,
}

impl Metric {
    /// Every metric, in the order of reports.
    pub const ALL: [Self; 10] = [
        Self::Accuracy,
        Self::WorstClass,
        Self::Latency,
        Self::CpuTime,
        Self::Tail,
        Self::Init,
        Self::Energy,
        Self::Size,
        Self::Arena,
        Self::PeakRss,
    ];

    /// The key in policies and exports.
    pub fn key(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::WorstClass => "worst_class",
            Self::Latency => "latency",
            Self::CpuTime => "cpu_time",
            Self::Tail => "tail",
            Self::Init => "init",
            Self::Energy => "energy",
            Self::Size => "size",
            Self::Arena => "arena",
            Self::PeakRss => "peak_rss",
        }
    }

    /// What its values are counted in.
    pub fn unit(self) -> Unit {
        match self {
            Self::Accuracy | Self::WorstClass => Unit::Share,
            Self::Latency | Self::CpuTime | Self::Tail | Self::Init => Unit::Nanos,
            Self::Energy => Unit::Microjoules,
            Self::Size | Self::Arena | Self::PeakRss => Unit::Bytes,
        }
    }

    /// Whether the same inputs always give the same figure, so that two figures compare without statistics.
    pub fn is_exact(self) -> bool {
        matches!(self, Self::Size | Self::Arena)
    }
}

/// What a metric is counted in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// From 0 to 1, shown as per cent; differences are points.
    Share,
    /// Nanoseconds.
    Nanos,
    /// Microjoules.
    Microjoules,
    /// Bytes.
    Bytes,
}

/// How a limit limits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum LimitKind {
    /// Most growth over the baseline, as a fraction of it.
    MaxIncrease,
    /// Most fall below the baseline, as a share (points).
    MaxDropVsBaseline,
    /// Most fall below the float variant of the same run, as a share (points).
    MaxDropVsFp32,
    /// Never more than this, whatever the baseline; in the metric's unit.
    Max,
    /// Never less than this; in the metric's unit.
    Min,
}

impl LimitKind {
    /// The key in policies and exports.
    pub fn key(self) -> &'static str {
        match self {
            Self::MaxIncrease => "max_increase",
            Self::MaxDropVsBaseline => "max_drop_vs_baseline",
            Self::MaxDropVsFp32 => "max_drop_vs_fp32",
            Self::Max => "max",
            Self::Min => "min",
        }
    }

    /// Whether it compares with the baseline run.
    pub fn needs_baseline(self) -> bool {
        matches!(self, Self::MaxIncrease | Self::MaxDropVsBaseline)
    }
}

/// One limit.
#[derive(Clone, PartialEq, Debug)]
pub struct Limit {
    /// Of what.
    pub metric: Metric,
    /// How.
    pub kind: LimitKind,
    /// How much: a fraction, a share or a value in the metric's unit, as `kind` says; finite, not negative.
    pub value: f64,
    /// As it was written, for people.
    pub text: String,
}

/// Which cells something is about; an absent name is any.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Scope {
    /// Name of the device.
    pub device: Option<String>,
    /// Name of the model.
    pub model: Option<String>,
    /// Name of the variant.
    pub variant: Option<String>,
    /// What executes the model.
    pub runtime: Option<String>,
}

impl Scope {
    /// Whether the cell is meant.
    pub fn holds(&self, cell: &Cell) -> bool {
        let fits =
            |wanted: &Option<String>, name: &str| wanted.as_deref().is_none_or(|wanted| wanted == name);
        fits(&self.device, &cell.device)
            && fits(&self.model, &cell.model)
            && fits(&self.variant, &cell.variant)
            && fits(&self.runtime, &cell.runtime)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            ("device", &self.device),
            ("model", &self.model),
            ("variant", &self.variant),
            ("runtime", &self.runtime),
        ];
        let given: Vec<String> =
            names.iter().filter_map(|(key, name)| Some(format!("{key} {}", name.as_ref()?))).collect();
        if given.is_empty() { f.write_str("every cell") } else { f.write_str(&given.join(", ")) }
    }
}

/// Limits of a scope.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct RuleSet {
    /// Which cells.
    pub scope: Scope,
    /// What they must keep.
    pub limits: Vec<Limit>,
}

/// Somebody takes a regression upon themselves until a day.
#[derive(Clone, PartialEq, Debug)]
pub struct Waiver {
    /// Which cells.
    pub scope: Scope,
    /// Which metric.
    pub metric: Metric,
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// The last day on which it holds.
    pub expires: jiff::civil::Date,
    /// The new level that is accepted: a change up to this passes, in the unit of the limit it relaxes.
    pub accept: f64,
    /// The accepted level as it was written.
    pub accept_text: String,
}

/// Conditions outside of which a block does not count. Fixed before anything is measured, and applied to both arms:
/// a pair of which one block is outside is left out whole.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Envelope {
    /// Whether a block during which the processor was throttled is left out.
    pub throttling: bool,
    /// Hottest thermal zone, in thousandths of a degree Celsius.
    pub max_temperature_millicelsius: Option<i32>,
    /// Most that the clock may fall during a block, as a fraction.
    pub max_clock_drop: Option<f64>,
    /// Highest load average over one minute before the block.
    pub max_load: Option<f64>,
}

impl Default for Envelope {
    fn default() -> Self {
        Self { throttling: true, max_temperature_millicelsius: None, max_clock_drop: None, max_load: None }
    }
}

/// Which cells must be there for a gate to pass, beside those of the baseline.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Required {
    /// Devices of which every model and variant is required; empty requires none by itself.
    pub devices: Vec<String>,
    /// The models of the suite.
    pub models: Vec<String>,
    /// The variants of the suite.
    pub variants: Vec<String>,
}

/// Everything that a gate goes by.
#[derive(Clone, PartialEq, Debug)]
pub struct Policy {
    /// One-sided level of each pass: how often a figure beyond its limit may slip through.
    pub alpha: f64,
    /// Level of all regressions of the gate together: how often a clean change may be blamed anywhere.
    pub false_alarm: f64,
    /// Share of blocks that may be left out before a cell says nothing any more.
    pub max_dropped: f64,
    /// Conditions for a block to count.
    pub envelope: Envelope,
    /// Standard deviation of a figure between two runs of the same thing, as a fraction, where the policy states one.
    pub run_noise: Option<f64>,
    /// Whether accuracy is judged on the examples of the set only, in place of the population they stand for.
    pub accuracy_on_set: bool,
    /// Whether the evaluation of both arms of a comparison may end as soon as their answers decide.
    pub accuracy_early_stop: bool,
    /// What must be there.
    pub required: Required,
    /// In order: later ones win.
    pub rules: Vec<RuleSet>,
    /// In the order of the file.
    pub waivers: Vec<Waiver>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            alpha: 0.05,
            false_alarm: 0.01,
            max_dropped: 0.2,
            envelope: Envelope::default(),
            run_noise: None,
            accuracy_on_set: false,
            accuracy_early_stop: false,
            required: Required::default(),
            rules: Vec::new(),
            waivers: Vec::new(),
        }
    }
}

impl Policy {
    /// Whether it guards nothing at all.
    pub fn is_empty(&self) -> bool {
        self.rules.iter().all(|rule| rule.limits.is_empty())
    }

    /// The limits that hold for a cell, ordered by metric and kind.
    pub fn limits_of(&self, cell: &Cell) -> Vec<&Limit> {
        let mut found: Vec<&Limit> = Vec::new();
        for limit in self.rules.iter().filter(|rule| rule.scope.holds(cell)).flat_map(|rule| &rule.limits) {
            match found.iter_mut().find(|one| (one.metric, one.kind) == (limit.metric, limit.kind)) {
                Some(known) => *known = limit,
                None => found.push(limit),
            }
        }
        found.sort_by_key(|limit| (limit.metric, limit.kind));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(device: &str, variant: &str) -> Cell {
        let [device, variant, model, runtime] = [device, variant, "net", "edgebench"].map(str::to_owned);
        Cell { device, model, variant, runtime, threads: 1 }
    }

    fn limit(value: f64) -> Limit {
        Limit {
            metric: Metric::Latency,
            kind: LimitKind::MaxIncrease,
            value,
            text: format!("{}%", value * 100.0),
        }
    }

    #[test]
    fn the_last_rule_that_fits_wins_for_each_limit() {
        let pi = Scope { device: Some("pi4".to_owned()), ..Scope::default() };
        let size = Limit { metric: Metric::Size, ..limit(0.01) };
        let policy = Policy {
            rules: vec![
                RuleSet { scope: Scope::default(), limits: vec![limit(0.03), size] },
                RuleSet { scope: pi, limits: vec![limit(0.1)] },
            ],
            ..Policy::default()
        };
        let values =
            |cell: &Cell| -> Vec<f64> { policy.limits_of(cell).iter().map(|one| one.value).collect() };
        assert_eq!(values(&cell("pi4", "int8")), [0.1, 0.01]);
        assert_eq!(values(&cell("host", "int8")), [0.03, 0.01]);
        assert!(!policy.is_empty() && Policy::default().is_empty());
    }

    #[test]
    fn scopes_say_whom_they_mean() {
        let scope = Scope { variant: Some("int8".to_owned()), ..Scope::default() };
        assert!(scope.holds(&cell("a", "int8")) && !scope.holds(&cell("a", "int8_ignore")));
        assert_eq!(scope.to_string(), "variant int8");
        assert_eq!(Scope::default().to_string(), "every cell");
    }
}
