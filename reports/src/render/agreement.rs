//! Whether devices and runtimes gave the same outputs: a matrix for each variant, for the page.

use minijinja::{Value, context};

use super::figures;
use crate::beside::{Beside, Closeness, OutputPair};

/// One a variant, in the order of the pairs.
pub(super) fn matrices(beside: &Beside) -> Vec<Value> {
    let mut variants: Vec<(&str, &str)> = Vec::new();
    for pair in &beside.agreements {
        let variant = (pair.model.as_str(), pair.variant.as_str());
        if !variants.contains(&variant) {
            variants.push(variant);
        }
    }
    variants.into_iter().map(|variant| matrix(beside, variant)).collect()
}

fn matrix(beside: &Beside, (model, variant): (&str, &str)) -> Value {
    let pairs: Vec<&OutputPair> =
        beside.agreements.iter().filter(|pair| pair.model == model && pair.variant == variant).collect();
    let mut places: Vec<&str> = Vec::new();
    for place in pairs.iter().copied().flat_map(|pair| [pair.one.as_str(), pair.other.as_str()]) {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    let between = |one: &str, other: &str| {
        pairs
            .iter()
            .find(|pair| (pair.one == one && pair.other == other) || (pair.one == other && pair.other == one))
    };
    let row = |one: &&str| {
        let cell = |other: &&str| match between(one, other) {
            _ if one == other => context! { text => "", class => "self" },
            Some(pair) => context! { text => word(pair), class => class(pair) },
            None => context! { text => figures::ABSENT, class => "" },
        };
        context! { place => *one, cells => places.iter().map(cell).collect::<Vec<_>>() }
    };
    context! {
        title => format!("{variant} of {model}"),
        places => places.iter().map(|place| Value::from(*place)).collect::<Vec<_>>(),
        rows => places.iter().map(row).collect::<Vec<_>>(),
        notes => pairs.iter().filter_map(|pair| note(pair)).collect::<Vec<_>>(),
    }
}

fn word(pair: &OutputPair) -> String {
    let share = |values: u64, of: u64| format!("{} of {}", figures::count(values), figures::count(of));
    match pair.agreement {
        Closeness::Equal => "equal".to_owned(),
        Closeness::OneStep { values, of } => format!("one step: {}", share(values, of)),
        Closeness::Different { values, of, .. } => format!("different: {}", share(values, of)),
    }
}

/// A difference that may be is a doubt; one that may not is bad.
fn class(pair: &OutputPair) -> &'static str {
    match pair.agreement {
        Closeness::Equal => "good",
        _ if pair.must_be_equal => "bad",
        Closeness::OneStep { .. } | Closeness::Different { .. } => "doubt",
    }
}

/// What stands below the matrix of a pair that is not equal.
fn note(pair: &OutputPair) -> Option<Value> {
    let how = match pair.agreement {
        Closeness::Equal => return None,
        Closeness::OneStep { .. } => "one rounding step apart".to_owned(),
        Closeness::Different { largest, .. } if largest.is_finite() => {
            format!("different by up to {}", figures::digits(largest))
        }
        Closeness::Different { .. } => "different: one side is not a number".to_owned(),
    };
    let first = match &pair.first_operator {
        Some(operator) => format!("the first operator that differs is {operator}"),
        None => "which operator differs first was not looked for".to_owned(),
    };
    let mistake = if pair.must_be_equal { "; an integer network must be equal everywhere" } else { "" };
    Some(context! {
        pair => format!("{} and {}", pair.one, pair.other),
        text => format!("{how}; {first}{mistake}"),
        class => class(pair),
    })
}
