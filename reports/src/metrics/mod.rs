//! What "accurate" means for each kind of network: pure functions from answers and truth to one number, each held to
//! the implementation that its field takes for the reference (`ci/metrics`). Knows no record, no network and no text.

mod agreement;
mod average_precision;
mod overlap;

pub use agreement::{cosine_similarity, mean_squared_error, roc_auc, top_k};
pub use average_precision::{BoundingBox, Detection, GroundTruth, average_precision};
pub use overlap::Confusion;
