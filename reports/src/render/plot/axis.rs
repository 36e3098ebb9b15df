//! What pictures with an axis of times, or of instructions, have in common.

use plotters::backend::SVGBackend;
use plotters::chart::ChartContext;
use plotters::coord::Shift;
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::types::RangedCoordf64;
use plotters::drawing::DrawingArea;
use plotters::style::Color as _;
use plotters::style::text_anchor::HPos;

use super::super::{RenderError, figures};
use super::ink;

/// A part of a picture.
pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// A picture with numbers along both sides.
pub(super) type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// Draws the axis below: up to `largest` nanoseconds, or instructions, of `what`. `name` is the picture's.
pub(super) fn draw_time_axis(
    chart: &mut Chart<'_, '_>,
    name: &'static str,
    largest: f64,
    emulated: bool,
    what: &str,
) -> Result<(), RenderError> {
    let (size, unit) = time_axis(largest, emulated);
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .x_labels(7)
        .x_label_formatter(&|value| figures::tick(value / size))
        .x_desc(if emulated { unit.to_owned() } else { format!("{what}, {unit}") })
        .axis_style(ink::GRID)
        .bold_line_style(ink::GRID)
        .light_line_style(ink::GRID.mix(0.0))
        .label_style(ink::letters(ink::MUTED, HPos::Center))
        .axis_desc_style(ink::letters(ink::MUTED, HPos::Center))
        .draw()
        .map_err(ink::failed(name))
}

/// The unit in which an axis up to `largest` nanoseconds is labelled, with its name.
pub(super) fn time_axis(largest: f64, emulated: bool) -> (f64, &'static str) {
    if emulated { count_unit(largest) } else { figures::time_unit(largest) }
}

/// The unit of an axis of instructions: thousands, millions or thousand millions.
fn count_unit(largest: f64) -> (f64, &'static str) {
    const UNITS: &[(f64, &str)] = &[
        (1e9, "10⁹ instructions (emulated)"),
        (1e6, "10⁶ instructions (emulated)"),
        (1e3, "10³ instructions (emulated)"),
    ];
    let fitting = UNITS.iter().find(|(size, _)| largest >= *size);
    fitting.copied().unwrap_or((1.0, "instructions (emulated)"))
}
