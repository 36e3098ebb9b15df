//! Where the time of an inference goes: one bar a cell, its parts by kind of operator, so that variants can be compared at
//! a glance. From runs of their own that looked at the clock between operators.

use std::collections::BTreeMap;

use plotters::backend::SVGBackend;
use plotters::chart::ChartBuilder;
use plotters::drawing::IntoDrawingArea;
use plotters::element::{Rectangle, Text};
use plotters::style::Color;
use plotters::style::text_anchor::HPos;

use super::super::outside::printable;
use super::super::{RenderError, figures};
use super::axis::{Area, Chart, draw_time_axis};
use super::{Panel, Plot, ink};
use crate::record::{CellRecord, RunRecord};

const NAME: &str = "operators";
const WIDTH_PX: u32 = 1120;
const ROW_PX: u32 = 48;
const AXIS_PX: u32 = 52;
const LEGEND_PX: u32 = 28;
/// Room for the sum at the right of each bar.
const FIGURE_PX: u32 = 132;

/// Kinds with a colour of their own; all others are one part.
const KINDS: usize = 7;
const OTHERS: &str = "others";

/// One bar.
struct Bar {
    label: String,
    /// Nanoseconds, or instructions, by number of the kind.
    parts: Vec<f64>,
}

impl Bar {
    fn total(&self) -> f64 {
        self.parts.iter().sum()
    }
}

/// None if no cell of the panel has times of operators.
pub(super) fn draw(run: &RunRecord, panel: &Panel<'_>, number: usize) -> Result<Option<Plot>, RenderError> {
    let profiled: Vec<(String, &CellRecord)> = panel
        .cells()
        .filter_map(|cell| Some((panel.label(cell), run.cells.iter().find(|one| one.cell == cell.cell)?)))
        .filter(|(_, record)| !record.ops.is_empty())
        .collect();
    if profiled.is_empty() {
        return Ok(None);
    }
    let kinds = kinds(profiled.iter().map(|(_, record)| *record));
    let bars: Vec<Bar> = profiled
        .iter()
        .map(|(label, record)| Bar { label: printable(label), parts: parts(record, &kinds) })
        .collect();
    let emulated = panel.groups.iter().any(|group| group.emulated);
    let legend = legend(&kinds);
    let height = AXIS_PX + 12 + count(bars.len(), ROW_PX) + count(legend.len(), LEGEND_PX);
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH_PX, height)).into_drawing_area();
        draw_bars(&area, &bars, legend.len(), emulated)?;
        draw_legend(&area, &legend, height)?;
        area.present().map_err(ink::failed(NAME))?;
    }
    let sentence = |bar: &Bar| sentence(bar, &kinds, emulated);
    Ok(Some(ink::finish(Plot {
        name: format!("{NAME}-{number}"),
        caption: "Where the time goes, by kind of operator".to_owned(),
        title: format!("Operators of {} on {}", panel.model, panel.device),
        description: bars.iter().map(sentence).collect::<Vec<_>>().join(" "),
        svg,
    })))
}

fn count(number: usize, each: u32) -> u32 {
    each.saturating_mul(u32::try_from(number).unwrap_or(1)).min(u32::MAX / 4)
}

/// The kinds of operators that take most over all cells, then one name for the rest.
fn kinds<'a>(records: impl Iterator<Item = &'a CellRecord>) -> Vec<String> {
    let mut totals: BTreeMap<&str, f64> = BTreeMap::new();
    for op in records.flat_map(|record| &record.ops) {
        *totals.entry(&op.operator).or_default() += op.median_nanos as f64;
    }
    let mut order: Vec<(&str, f64)> = totals.into_iter().collect();
    order.sort_by(|one, other| other.1.total_cmp(&one.1));
    let more = order.len() > KINDS;
    let mut kinds: Vec<String> = order.into_iter().take(KINDS).map(|(kind, _)| printable(kind)).collect();
    if more {
        kinds.push(OTHERS.to_owned());
    }
    kinds
}

fn parts(record: &CellRecord, kinds: &[String]) -> Vec<f64> {
    let mut parts = vec![0.0; kinds.len()];
    for op in &record.ops {
        let own = printable(&op.operator);
        let place = kinds.iter().position(|kind| *kind == own).unwrap_or(kinds.len().saturating_sub(1));
        if let Some(part) = parts.get_mut(place) {
            *part += op.median_nanos as f64;
        }
    }
    parts
}

/// Lines of names with their numbers of colour, as many as fit beside each other.
fn legend(kinds: &[String]) -> Vec<Vec<(usize, &str, i32)>> {
    let mut lines: Vec<Vec<(usize, &str, i32)>> = vec![Vec::new()];
    let mut left = 16;
    for (at, kind) in kinds.iter().enumerate() {
        let width = 44 + ink::text_width(kind);
        if left + width > WIDTH_PX as i32 {
            lines.push(Vec::new());
            left = 16;
        }
        if let Some(line) = lines.last_mut() {
            line.push((at, kind, left));
        }
        left += width;
    }
    lines
}

fn draw_bars(area: &Area<'_>, bars: &[Bar], legend_lines: usize, emulated: bool) -> Result<(), RenderError> {
    let failed = || ink::failed(NAME);
    let largest = bars.iter().map(Bar::total).fold(1.0, f64::max);
    let label_px =
        bars.iter().map(|bar| ink::text_width(&bar.label)).max().unwrap_or(0).clamp(40, 300) as u32;
    let mut chart = ChartBuilder::on(area)
        .margin_top(12)
        .margin_bottom(count(legend_lines, LEGEND_PX))
        .margin_left(label_px + 24)
        .margin_right(FIGURE_PX)
        .x_label_area_size(AXIS_PX)
        .build_cartesian_2d(0.0..largest, 0.0..bars.len() as f64)
        .map_err(failed())?;
    draw_time_axis(&mut chart, NAME, largest, emulated, "one inference")?;
    for (at, bar) in bars.iter().enumerate() {
        draw_bar(area, &mut chart, bar, (bars.len() - 1 - at) as f64, emulated)?;
    }
    Ok(())
}

fn draw_bar(
    area: &Area<'_>,
    chart: &mut Chart<'_, '_>,
    bar: &Bar,
    bottom: f64,
    emulated: bool,
) -> Result<(), RenderError> {
    let failed = || ink::failed(NAME);
    let mut from = 0.0;
    for (kind, part) in bar.parts.iter().enumerate().filter(|(_, part)| **part > 0.0) {
        let corners = [(from, bottom + 0.2), (from + part, bottom + 0.8)];
        chart.draw_series([Rectangle::new(corners, ink::series(kind).filled())]).map_err(failed())?;
        chart.draw_series([Rectangle::new(corners, ink::PAPER.stroke_width(1))]).map_err(failed())?;
        from += part;
    }
    let (left, y) = chart.backend_coord(&(0.0, bottom + 0.5));
    let (right, _) = chart.backend_coord(&(from, bottom + 0.5));
    let label = Text::new(bar.label.clone(), (left - 12, y), ink::letters(ink::INK, HPos::Right));
    area.draw(&label).map_err(failed())?;
    let sum = figures::latency(bar.total(), emulated);
    area.draw(&Text::new(sum, (right + 10, y), ink::letters(ink::INK, HPos::Left))).map_err(failed())?;
    Ok(())
}

fn draw_legend(area: &Area<'_>, lines: &[Vec<(usize, &str, i32)>], height: u32) -> Result<(), RenderError> {
    let failed = || ink::failed(NAME);
    let top = i32::try_from(height - count(lines.len(), LEGEND_PX)).unwrap_or(0);
    for (line, names) in (0i32..).zip(lines) {
        let y = top + line * LEGEND_PX as i32 + 12;
        for (kind, name, left) in names {
            let square = Rectangle::new([(*left, y - 6), (left + 12, y + 6)], ink::series(*kind).filled());
            area.draw(&square).map_err(failed())?;
            let text = Text::new((*name).to_owned(), (left + 20, y), ink::letters(ink::MUTED, HPos::Left));
            area.draw(&text).map_err(failed())?;
        }
    }
    Ok(())
}

fn sentence(bar: &Bar, kinds: &[String], emulated: bool) -> String {
    let total = bar.total();
    let part = |(kind, part): (&String, &f64)| format!("{kind} {:.0} %", 100.0 * part / total.max(1.0));
    let parts: Vec<String> =
        kinds.iter().zip(&bar.parts).filter(|(_, part)| **part > 0.0).map(part).collect();
    format!("{}: {}: {}.", bar.label, figures::latency(total, emulated), parts.join(", "))
}
