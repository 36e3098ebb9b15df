//! Which operators of a variant hurt the network, each quantized by itself: for the page.

use minijinja::{Value, context};

use super::figures;
use crate::beside::{Beside, Layer, LayerReport};

/// Operators that are listed, the most harmful first.
const LAYERS_SHOWN: usize = 10;

/// Errors of an operator beyond so many steps come from more than rounding, which makes 0.29 (a uniform error of one step
/// has the deviation 1/sqrt(12)); sums of clipped and rounded values reach twice that.
const ROUNDING_STEPS: f64 = 0.75;

/// One a variant.
pub(super) fn reports(beside: &Beside) -> Vec<Value> {
    beside.layers.iter().filter_map(report).collect()
}

fn report(report: &LayerReport) -> Option<Value> {
    let worst = report.worst()?;
    let mut layers: Vec<&Layer> = report.layers.iter().collect();
    layers.sort_by(|one, other| one.above_error_db().total_cmp(&other.above_error_db()));
    Some(context! {
        title => format!("{} of {}", report.variant, report.model),
        examples => figures::plural(report.examples as usize, "example", "examples"),
        finding => finding(worst),
        rows => layers.iter().take(LAYERS_SHOWN).map(|layer| row(layer)).collect::<Vec<_>>(),
        more => layers.len().saturating_sub(LAYERS_SHOWN),
    })
}

/// Above this an error moves no answer: the output stands a hundred times as high.
const HARMLESS_DB: f64 = 20.0;

fn finding(worst: &Layer) -> String {
    if worst.above_error_db() > HARMLESS_DB {
        return "No operator does visible harm by itself: what is lost is lost by many together.".to_owned();
    }
    let name = format!("operator {} {} ({})", worst.index, worst.operator, worst.tensor);
    let why = match worst.rmse_steps {
        Some(steps) if steps > ROUNDING_STEPS => {
            "its results are further off than rounding explains: a wrong scale, clipped values or a wrong kernel"
        }
        Some(_) => {
            "its own results are rounded as they should be, but the step is too coarse for what follows"
        }
        None => "its weights are too coarse for what follows",
    };
    format!("Most harm by itself does {name}: {why}.")
}

fn row(layer: &Layer) -> Value {
    context! {
        operator => format!("{} {}", layer.index, layer.operator),
        tensor => layer.tensor.as_str(),
        steps => layer.rmse_steps.map_or_else(|| figures::ABSENT.to_owned(), figures::digits),
        far => layer.rmse_steps.is_some_and(|steps| steps > ROUNDING_STEPS),
        snr => layer.alone_snr_db.map_or_else(|| "no error".to_owned(), |snr| format!("{snr:.1} dB")),
    }
}
