//! From `[gate]` of a `suite.toml`, and from a `gate.toml` beside it, to a policy. Units are written out: a limit
//! without one is a mistake, because a gate that guards the wrong quantity is worse than none.

use edgebench_reports::policy::{Envelope, Limit, LimitKind, Metric, Policy, RuleSet, Scope, Unit, Waiver};
use jiff::civil::Date;

use super::check::optional;
use crate::config::{Percent, ProblemKind, Table, Value, quantity};

/// Rules, waivers and devices of a policy.
const MAX_ENTRIES: usize = 1000;

/// Key of a metric with the limits that it may have.
const METRICS: &[(Metric, &[LimitKind])] = {
    use LimitKind::{Max, MaxDropVsBaseline, MaxDropVsFp32, MaxIncrease, Min};
    &[
        (Metric::Accuracy, &[MaxDropVsFp32, MaxDropVsBaseline, Min]),
        (Metric::WorstClass, &[MaxDropVsFp32, MaxDropVsBaseline]),
        (Metric::Latency, &[MaxIncrease, Max]),
        (Metric::CpuTime, &[MaxIncrease, Max]),
        (Metric::Tail, &[MaxIncrease, Max]),
        (Metric::Init, &[MaxIncrease, Max]),
        (Metric::Energy, &[MaxIncrease, Max]),
        (Metric::Size, &[MaxIncrease, Max]),
        (Metric::Arena, &[MaxIncrease, Max]),
        (Metric::PeakRss, &[MaxIncrease, Max]),
    ]
};

/// The `[gate]` table of a suite.
pub(super) fn of_suite(value: &Value<'_>) -> Option<Policy> {
    policy(value.table()?)
}

/// A policy from a table that holds nothing else.
pub(super) fn policy(mut table: Table<'_>) -> Option<Policy> {
    let defaults = Policy::default();
    let limits = limits(&mut table);
    let alpha = optional(table.get("alpha"), |value| value.number(LEVELS));
    let false_alarm = optional(table.get("false_alarm"), |value| value.number(LEVELS));
    let max_dropped = optional(table.get("max_dropped"), percent);
    let run_noise = optional(table.get("run_noise"), percent);
    let on_set = optional(table.get("accuracy_on"), |value| value.choice(GROUNDS));
    let early_stop = optional(table.get("accuracy_early_stop"), |value| value.boolean());
    let devices = optional(table.get("devices"), names);
    let envelope = optional(table.get("envelope"), envelope);
    let rules = optional(table.get("rule"), |value| entries(value, "[[gate.rule]] tables", rule));
    let waivers = optional(table.get("waiver"), |value| entries(value, "[[gate.waiver]] tables", waiver));
    table.close();
    let general = RuleSet { scope: Scope::default(), limits: limits? };
    let mut policy = Policy {
        alpha: alpha?.unwrap_or(defaults.alpha),
        false_alarm: false_alarm?.unwrap_or(defaults.false_alarm),
        max_dropped: max_dropped?.unwrap_or(defaults.max_dropped),
        envelope: envelope?.unwrap_or(defaults.envelope),
        run_noise: run_noise?,
        accuracy_on_set: on_set?.unwrap_or(defaults.accuracy_on_set),
        accuracy_early_stop: early_stop?.unwrap_or(defaults.accuracy_early_stop),
        waivers: waivers?.unwrap_or_default(),
        ..Policy::default()
    };
    policy.required.devices = devices?.unwrap_or_default();
    policy.rules.extend((!general.limits.is_empty()).then_some(general));
    policy.rules.extend(rules?.unwrap_or_default());
    Some(policy)
}

/// Levels that still mean something: above them a verdict is a guess, below them nothing is ever firm.
const LEVELS: std::ops::RangeInclusive<f64> = 0.0001..=0.2;

const GROUNDS: &[(&str, bool)] = &[("population", false), ("set", true)];

fn percent(value: &Value<'_>) -> Option<f64> {
    value.parse::<Percent>("a percentage such as \"1.5%\"").map(Percent::fraction)
}

fn names(value: &Value<'_>) -> Option<Vec<String>> {
    value.array(0..=MAX_ENTRIES, "names of devices")?.iter().map(Value::name).collect()
}

fn entries<'d, T>(value: &Value<'d>, of: &str, check: impl Fn(Table<'d>) -> Option<T>) -> Option<Vec<T>> {
    let checked: Vec<Option<T>> =
        value.array(0..=MAX_ENTRIES, of)?.iter().map(|entry| entry.table().and_then(&check)).collect();
    checked.into_iter().collect()
}

/// Every limit of a table; all metrics are checked, also where one is wrong.
fn limits(table: &mut Table<'_>) -> Option<Vec<Limit>> {
    let checked: Vec<Option<Vec<Limit>>> = METRICS
        .iter()
        .map(|(metric, kinds)| {
            optional(table.get(metric.key()), |value| limits_of(value, *metric, kinds))
                .map(Option::unwrap_or_default)
        })
        .collect();
    checked.into_iter().collect::<Option<Vec<_>>>().map(|limits| limits.concat())
}

fn limits_of(value: &Value<'_>, metric: Metric, kinds: &[LimitKind]) -> Option<Vec<Limit>> {
    let mut table = value.table()?;
    let checked: Vec<Option<Option<Limit>>> = kinds
        .iter()
        .map(|kind| optional(table.get(kind.key()), |value| limit(value, metric, *kind)))
        .collect();
    table.close();
    checked.into_iter().collect::<Option<Vec<_>>>().map(|limits| limits.into_iter().flatten().collect())
}

fn limit(value: &Value<'_>, metric: Metric, kind: LimitKind) -> Option<Limit> {
    let amount = match (kind, metric.unit()) {
        (LimitKind::Max | LimitKind::Min, Unit::Share) | (LimitKind::MaxIncrease, _) => percent(value),
        (LimitKind::MaxDropVsBaseline | LimitKind::MaxDropVsFp32, _) => percent(value),
        (_, unit) => in_unit(value, unit),
    };
    Some(Limit { metric, kind, value: amount?, text: value.string()?.to_owned() })
}

fn in_unit(value: &Value<'_>, unit: Unit) -> Option<f64> {
    let (units, expected) = match unit {
        Unit::Nanos => (quantity::TIMES, "a time such as \"2.5ms\""),
        Unit::Bytes => (quantity::SIZES, "a size such as \"450kB\" or \"1MiB\""),
        Unit::Microjoules => (quantity::ENERGIES, "an energy such as \"1.2mJ\""),
        Unit::Share => return percent(value),
    };
    match value.string().map(|text| quantity::with_unit(text, units))? {
        Some(amount) => Some(amount),
        None => value.bad(expected),
    }
}

fn scope(table: &mut Table<'_>) -> Option<Scope> {
    let [device, model, variant, runtime] =
        ["device", "model", "variant", "runtime"].map(|key| optional(table.get(key), Value::name));
    Some(Scope { device: device?, model: model?, variant: variant?, runtime: runtime? })
}

fn rule(mut table: Table<'_>) -> Option<RuleSet> {
    let (scope, limits) = (scope(&mut table), limits(&mut table));
    table.close();
    Some(RuleSet { scope: scope?, limits: limits? })
}

fn waiver(mut table: Table<'_>) -> Option<Waiver> {
    let scope = scope(&mut table);
    let known: Vec<(&'static str, Metric)> =
        Metric::ALL.iter().map(|metric| (metric.key(), *metric)).collect();
    let metric = table.require("metric", "the metric that is waived").and_then(|value| value.choice(&known));
    let text = |value: Value<'_>| value.text().map(str::to_owned);
    let owner = table.require("owner", "who answers for it").and_then(text);
    let reason = table.require("reason", "why it is waived").and_then(text);
    let expires = table
        .require("expires", "the last day on which it holds")
        .and_then(|value| value.parse::<Date>("a day such as \"2026-12-31\""));
    let accept = table.require("accept", "the change that is accepted, such as \"8%\"");
    let level = accept.as_ref().and_then(percent);
    table.close();
    Some(Waiver {
        scope: scope?,
        metric: metric?,
        owner: owner?,
        reason: reason?,
        expires: expires?,
        accept: level?,
        accept_text: accept?.string()?.to_owned(),
    })
}

/// Hotter than any processor that still runs.
const MAX_CELSIUS: f64 = 150.0;

fn envelope(value: &Value<'_>) -> Option<Envelope> {
    let defaults = Envelope::default();
    let mut table = value.table()?;
    let throttling = optional(table.get("throttling"), Value::boolean);
    let temperature = optional(table.get("max_temperature_celsius"), |value| value.number(0.0..=MAX_CELSIUS));
    let clock = optional(table.get("max_clock_drop"), percent);
    let load = optional(table.get("max_load"), |value| value.number(0.0..=10_000.0));
    table.close();
    Some(Envelope {
        throttling: throttling?.unwrap_or(defaults.throttling),
        max_temperature_millicelsius: temperature?.map(|celsius| (celsius * 1000.0).round() as i32),
        max_clock_drop: clock?,
        max_load: load?,
    })
}

/// A policy file beside a suite: its rules and waivers come after those of the suite, its other keys replace them.
pub(super) fn file(table: Table<'_>) -> Option<Policy> {
    let empty = table.named().is_empty();
    if empty {
        let kind =
            ProblemKind::MissingKey { key: "latency".to_owned(), expected: "at least one limit".to_owned() };
        table.note_here(kind);
    }
    policy(table).filter(|_| !empty)
}
