//! Where the latencies of each cell lie: a density of all samples, and below it the median of each block with the
//! interval made from them.

use plotters::backend::SVGBackend;
use plotters::chart::ChartBuilder;
use plotters::drawing::IntoDrawingArea;
use plotters::element::{Circle, PathElement, Polygon, Text};
use plotters::style::Color;
use plotters::style::text_anchor::HPos;

use super::super::outside::printable;
use super::super::{RenderError, figures};
use super::axis::{Area, Chart, draw_time_axis};
use super::{Panel, Plot, ink};
use crate::stats::quantile::quantile;
use crate::summary::{CellSummary, Latency};

const NAME: &str = "latency";
const WIDTH_PX: u32 = 1120;
const ROW_PX: u32 = 74;
const AXIS_PX: u32 = 52;
const TOP_PX: u32 = 10;
/// Room for figures at the right of each row.
const FIGURE_PX: u32 = 132;

/// The picture ends where for each cell either this share of the samples is shown or [`REACH`] times its upper
/// quartile is reached: interruptions of a busy machine would else press everything else to the left edge. What lies
/// beyond is counted in words.
const SHOWN: f64 = 0.995;
const REACH: f64 = 2.0;

/// Bins of the density over the width of the picture.
const BINS: usize = 260;

/// A row is one unit high; the density stands on its baseline, the block medians hang below it.
const BASELINE: f64 = 0.38;
const DENSITY_HEIGHT: f64 = 0.54;
const MEDIANS: f64 = 0.20;

/// One row of the picture.
struct Row<'a> {
    latency: &'a Latency,
    label: String,
    series: usize,
}

/// None if no cell has latencies.
pub(super) fn draw(panel: &Panel<'_>, number: usize) -> Result<Option<Plot>, RenderError> {
    let row = |cell| Row::of(panel, cell);
    let rows: Vec<Row<'_>> = panel.cells().filter_map(row).collect();
    let Some(range) = range(&rows) else { return Ok(None) };
    let label_px =
        rows.iter().map(|row| ink::text_width(&row.label)).max().unwrap_or(0).clamp(40, 300) as u32 + 24;
    let height = TOP_PX + AXIS_PX + ROW_PX * u32::try_from(rows.len()).unwrap_or(u32::MAX / ROW_PX / 2);
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH_PX, height)).into_drawing_area();
        draw_rows(&area, &rows, range, label_px)?;
        area.present().map_err(ink::failed(NAME))?;
    }
    let title = format!("Latency of {} on {}", panel.model, panel.device);
    let description = rows.iter().map(Row::sentence).collect::<Vec<_>>().join(" ");
    Ok(Some(ink::finish(Plot {
        name: format!("{NAME}-{number}"),
        caption: "Latency".to_owned(),
        title,
        description,
        svg,
    })))
}

impl<'a> Row<'a> {
    fn of(panel: &Panel<'_>, cell: &'a CellSummary) -> Option<Self> {
        let latency = cell.latency.as_ref()?;
        Some(Self { latency, label: printable(&panel.label(cell)), series: panel.series(cell) })
    }

    fn median(&self) -> String {
        figures::latency(self.latency.median.median, self.latency.emulated)
    }

    fn sentence(&self) -> String {
        let interval =
            figures::latency_interval(self.latency).map(|interval| format!(", interval {interval}"));
        format!("{}: median {}{}.", self.label, self.median(), interval.unwrap_or_default())
    }

    fn beyond(&self, largest: f64) -> usize {
        self.latency.ascending.iter().rev().take_while(|value| **value > largest).count()
    }
}

/// Smallest and largest latency shown, with a margin; none if there is nothing to show.
fn range(rows: &[Row<'_>]) -> Option<(f64, f64)> {
    let lowest = rows.iter().filter_map(|row| row.latency.ascending.first().copied()).reduce(f64::min)?;
    let shown = |row: &Row<'_>| {
        let blocks = row.latency.median.block_medians.iter().copied().fold(0.0, f64::max);
        let reach = REACH * quantile(&row.latency.ascending, 0.75)?;
        Some(quantile(&row.latency.ascending, SHOWN)?.min(reach).max(blocks))
    };
    let highest = rows.iter().filter_map(shown).reduce(f64::max)?;
    // One lone value still needs an axis around it.
    let margin = ((highest - lowest) * 0.04).max(highest.abs() * 0.005).max(0.5);
    Some(((lowest - margin).max(0.0), highest + margin))
}

fn draw_rows(area: &Area<'_>, rows: &[Row<'_>], range: (f64, f64), label_px: u32) -> Result<(), RenderError> {
    let failed = || ink::failed(NAME);
    let mut chart = ChartBuilder::on(area)
        .margin_top(TOP_PX)
        .margin_left(label_px)
        .margin_right(FIGURE_PX)
        .x_label_area_size(AXIS_PX)
        .build_cartesian_2d(range.0..range.1, 0.0..rows.len() as f64)
        .map_err(failed())?;
    let emulated = rows.iter().any(|row| row.latency.emulated);
    draw_time_axis(&mut chart, NAME, range.1, emulated, "latency of one inference")?;
    for (at, row) in rows.iter().enumerate() {
        // The first cell stands on top.
        let bottom = (rows.len() - 1 - at) as f64;
        draw_row(area, &mut chart, row, bottom, range)?;
    }
    Ok(())
}

fn draw_row(
    area: &Area<'_>,
    chart: &mut Chart<'_, '_>,
    row: &Row<'_>,
    bottom: f64,
    range: (f64, f64),
) -> Result<(), RenderError> {
    let failed = || ink::failed(NAME);
    let color = ink::series(row.series);
    let base = bottom + BASELINE;
    let outline = density(&row.latency.ascending, range, base);
    let pale = ink::pale(row.series, 0.28).filled();
    chart.draw_series([Polygon::new(outline.clone(), pale)]).map_err(failed())?;
    chart.draw_series([PathElement::new(outline, color.stroke_width(1))]).map_err(failed())?;
    draw_medians(chart, row, bottom, color)?;
    let (left, y) = chart.backend_coord(&(range.0, bottom + BASELINE + 0.12));
    let (right, _) = chart.backend_coord(&(range.1, base));
    let label = Text::new(row.label.clone(), (left - 12, y), ink::letters(ink::INK, HPos::Right));
    area.draw(&label).map_err(failed())?;
    let figure = Text::new(row.median(), (right + 12, y), ink::letters(ink::INK, HPos::Left));
    area.draw(&figure).map_err(failed())?;
    let beyond = row.beyond(range.1);
    if beyond > 0 {
        let all = row.latency.ascending.len();
        let words = format!("{} of {} →", figures::count(beyond as u64), figures::count(all as u64));
        let place = (right + 12, y + ink::TEXT_PX + 4);
        area.draw(&Text::new(words, place, ink::letters(ink::MUTED, HPos::Left))).map_err(failed())?;
    }
    Ok(())
}

fn draw_medians(
    chart: &mut Chart<'_, '_>,
    row: &Row<'_>,
    bottom: f64,
    color: plotters::style::RGBColor,
) -> Result<(), RenderError> {
    let failed = || ink::failed(NAME);
    let (median, y) = (&row.latency.median, bottom + MEDIANS);
    if let Some(interval) = median.interval {
        let line = PathElement::new(vec![(interval.lower, y), (interval.upper, y)], color.stroke_width(3));
        chart.draw_series([line]).map_err(failed())?;
    }
    let dots =
        median.block_medians.iter().map(|one| Circle::new((*one, y), 3, ink::pale(row.series, 0.6).filled()));
    chart.draw_series(dots).map_err(failed())?;
    let top = bottom + BASELINE + DENSITY_HEIGHT;
    let tick =
        PathElement::new(vec![(median.median, y - 0.09), (median.median, top)], ink::INK.stroke_width(2));
    chart.draw_series([tick]).map_err(failed())?;
    Ok(())
}

/// Outline of the density above `base`, from the left to the right end of where there are samples.
fn density(ascending: &[f64], (lowest, highest): (f64, f64), base: f64) -> Vec<(f64, f64)> {
    let width = (highest - lowest) / BINS as f64;
    let mut counts = vec![0.0f64; BINS];
    for value in ascending {
        // Saturates below 0 and is out of reach above: samples beyond the picture are not drawn.
        let bin = ((value - lowest) / width) as usize;
        if let Some(count) = counts.get_mut(bin) {
            *count += 1.0;
        }
    }
    let smooth = smoothed(&smoothed(&counts));
    let highest_count = smooth.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let point = |(bin, count): (usize, &f64)| {
        (lowest + (bin as f64 + 0.5) * width, base + DENSITY_HEIGHT * count / highest_count)
    };
    let mut outline: Vec<(f64, f64)> =
        smooth.iter().enumerate().filter(|(_, count)| **count > 0.0).map(point).collect();
    if let (Some(first), Some(last)) = (outline.first().copied(), outline.last().copied()) {
        outline.insert(0, (first.0, base));
        outline.push((last.0, base));
    }
    outline
}

/// Each bin with half of its neighbours.
fn smoothed(counts: &[f64]) -> Vec<f64> {
    let at =
        |position: Option<usize>| position.and_then(|position| counts.get(position)).copied().unwrap_or(0.0);
    let one = |position: usize| {
        0.5 * at(Some(position)) + 0.25 * (at(position.checked_sub(1)) + at(Some(position + 1)))
    };
    (0..counts.len()).map(one).collect()
}
