//! Figures to text, pages and pictures. Derives nothing: every figure comes from [`crate::summary`]. A new format is
//! a new file here.

mod agreement;
mod beside;
mod columns;
mod csv;
mod examples;
mod figures;
mod findings;
pub mod gate;
mod html;
mod json;
mod layers;
mod markdown;
mod ops;
mod outside;
mod plan;
mod plot;
mod shipping;
mod terminal;

pub use beside::beside;
pub use csv::csv;
pub use examples::{EXAMPLES_SHOWN, shown_examples};
pub use html::html;
pub use json::json;
pub use markdown::markdown;
pub use ops::{OpForm, op_tables, operators, profiles};
pub use plan::plan;
pub use plot::{Plot, plots};
pub use terminal::{TerminalOptions, terminal};

pub(crate) use outside::printable_lines;
pub(crate) use plot::PALETTE;

/// Why a report could not be rendered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RenderError {
    /// The page's template.
    #[error("template: {0:#}")]
    Template(#[from] minijinja::Error),
    /// A picture of the page.
    #[error("plot {name}: {reason}")]
    Plot {
        /// Which picture.
        name: &'static str,
        /// What the drawing said.
        reason: String,
    },
    /// The JSON export.
    #[error("json: {0}")]
    Json(#[from] serde_json::Error),
}
