//! Made-up things beside made-up records: pictures, agreements, layers. For tests and the example page.

use edgebench_reports::beside::{Beside, Closeness, Layer, LayerReport, OutputPair};
use edgebench_reports::record::RunRecord;
use edgebench_reports::render::shown_examples;

use crate::picture::picture;

/// Something of every kind that a page can show beside the records.
pub(crate) fn beside(run: &RunRecord) -> Beside {
    let pictures = shown_examples(run).into_iter().map(|one| (one.id, picture())).collect();
    Beside { pictures, agreements: agreements(), layers: vec![layers()] }
}

fn agreements() -> Vec<OutputPair> {
    let pair = |one: &str, other: &str, agreement, must_be_equal, first: Option<&str>| OutputPair {
        model: "synthetic-net".to_owned(),
        variant: "int8".to_owned(),
        one: one.to_owned(),
        other: other.to_owned(),
        agreement,
        must_be_equal,
        first_operator: first.map(str::to_owned),
    };
    let step = Closeness::OneStep { values: 12, of: 3600 };
    let different = Closeness::Different { values: 3402, of: 3600, largest: 41.0 };
    vec![
        pair("synthetic-board", "board-b", Closeness::Equal, true, None),
        pair("synthetic-board", "board-c", different, true, Some("2 CONV_2D (block/project)")),
        pair("board-b", "board-c", different, true, None),
        pair("synthetic-board", "synthetic-board litert", step, false, None),
    ]
}

fn layers() -> LayerReport {
    let made = [
        (0, "CONV_2D", "stem", 0.31, 31.0),
        (1, "DEPTHWISE_CONV_2D", "block/depthwise", 0.30, 4.2),
        (2, "CONV_2D", "block/project", 0.29, 28.1),
        (5, "FULLY_CONNECTED", "logits", 0.33, 24.0),
    ];
    let layer = |(index, operator, tensor, steps, snr): (usize, &str, &str, f64, f64)| Layer {
        index,
        operator: operator.to_owned(),
        tensor: tensor.to_owned(),
        rmse_steps: Some(steps),
        alone_snr_db: Some(snr),
    };
    LayerReport {
        model: "synthetic-net".to_owned(),
        variant: "int8".to_owned(),
        examples: 4,
        layers: made.map(layer).to_vec(),
    }
}
