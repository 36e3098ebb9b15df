//! How a device was while it measured: the medians of the blocks over time, and below them temperature, clock and load,
//! each as far as it could be read. What moved the figures stands under the figures that moved.

use jiff::Timestamp;
use plotters::backend::SVGBackend;
use plotters::chart::ChartBuilder;
use plotters::drawing::IntoDrawingArea;
use plotters::element::{Circle, PathElement, Text};
use plotters::style::Color;
use plotters::style::text_anchor::HPos;

use super::super::outside::printable;
use super::super::{RenderError, figures};
use super::axis::{Area, Chart};
use super::{Plot, ink};
use crate::record::{BlockRecord, CellRecord, ConditionRecord, RunRecord};
use crate::stats::quantile::median_of;

const NAME: &str = "conditions";
const WIDTH_PX: u32 = 1120;
const STRIP_PX: u32 = 96;
const AXIS_PX: u32 = 52;
const LABEL_PX: u32 = 190;
const SCALE_PX: u32 = 66;

/// A block in time.
struct Moment {
    /// Seconds since the first block of the device.
    from: f64,
    until: f64,
    /// Median of the block by the median of its cell's blocks, in percent above it.
    latency: Option<f64>,
    before: ConditionRecord,
    after: ConditionRecord,
    counts: bool,
}

impl Moment {
    fn is_throttled(&self) -> bool {
        self.before.throttle_count.is_some() && self.after.throttle_count > self.before.throttle_count
    }
}

/// Seconds, value, whether the block counts.
type Reading = (f64, f64, bool);

/// One line of the picture.
struct Strip {
    title: &'static str,
    unit: &'static str,
    /// Of a condition; none for the strip of latencies.
    read: Option<fn(&ConditionRecord) -> Option<f64>>,
}

const STRIPS: [Strip; 4] = [
    Strip { title: "block median", unit: "% from the cell's", read: None },
    Strip {
        title: "temperature",
        unit: "°C",
        read: Some(|one| one.temperature_millicelsius.map(|heat| f64::from(heat) / 1000.0)),
    },
    Strip { title: "clock", unit: "MHz", read: Some(|one| one.cpu_khz.map(|khz| f64::from(khz) / 1000.0)) },
    Strip {
        title: "load",
        unit: "over one minute",
        read: Some(|one| one.load_1m.map(f64::from).filter(|load| load.is_finite())),
    },
];

impl Strip {
    /// Seconds, value, whether the block counts.
    fn points(&self, moments: &[Moment]) -> Vec<Reading> {
        let of = |moment: &Moment| match self.read {
            None => vec![moment.latency.map(|value| (moment.from, value, moment.counts))],
            Some(read) => {
                let at = |second, condition| read(condition).map(|value| (second, value, moment.counts));
                vec![at(moment.from, &moment.before), at(moment.until, &moment.after)]
            }
        };
        moments.iter().flat_map(of).flatten().collect()
    }
}

/// One picture a device that says how it was; none for an emulated one, whose conditions are the controller's.
pub(super) fn draw(run: &RunRecord, device: &str, number: usize) -> Result<Option<Plot>, RenderError> {
    let moments = moments(run, device);
    let strips: Vec<(&Strip, Vec<Reading>)> = STRIPS
        .iter()
        .map(|strip| (strip, strip.points(&moments)))
        .filter(|(_, points)| !points.is_empty())
        .collect();
    // Latencies alone are in the picture above.
    if strips.iter().all(|(strip, _)| strip.read.is_none()) {
        return Ok(None);
    }
    let seconds = moments.iter().map(|moment| moment.until).fold(1.0, f64::max);
    let height = AXIS_PX + STRIP_PX * u32::try_from(strips.len()).unwrap_or(1);
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH_PX, height)).into_drawing_area();
        let mut rest = area.clone();
        for (at, (strip, points)) in strips.iter().enumerate() {
            let last = at + 1 == strips.len();
            let (upper, lower) = rest.split_vertically(if last { STRIP_PX + AXIS_PX } else { STRIP_PX });
            draw_strip(&upper, (strip, points), &moments, seconds, last)?;
            rest = lower;
        }
        area.present().map_err(ink::failed(NAME))?;
    }
    let title = format!("Conditions of {} while it measured", printable(device));
    let description =
        strips.iter().map(|(strip, points)| sentence(strip, points)).collect::<Vec<_>>().join(" ");
    let description = format!("{description}{}", throttling(&moments));
    let plot = Plot {
        name: format!("{NAME}-{number}"),
        caption: format!("Conditions over time on {}", printable(device)),
        title,
        description,
        svg,
    };
    Ok(Some(ink::finish(plot)))
}

/// Every block of a device, in the order of time.
fn moments(run: &RunRecord, device: &str) -> Vec<Moment> {
    let cells = run.cells.iter().filter(|one| one.cell.device == device && !run.is_emulated(&one.cell));
    let begins = |block: &BlockRecord| block.started_at.parse::<Timestamp>().ok();
    let Some(first) = cells.clone().flat_map(|cell| &cell.blocks).filter_map(begins).min() else {
        return Vec::new();
    };
    let moment = |cell: &CellRecord, block: &BlockRecord| {
        let from = begins(block)?.duration_since(first).as_secs_f64();
        let nanos = block.warmup_nanos.iter().map(|nanos| *nanos as f64).sum::<f64>()
            + block.steady_wall_nanos as f64;
        Some(Moment {
            from,
            until: from + (nanos / 1e9).min(86_400.0),
            latency: relative_median(cell, block),
            before: block.before.clone(),
            after: block.after.clone(),
            counts: block.invalid.is_none(),
        })
    };
    let mut moments: Vec<Moment> =
        cells.flat_map(|cell| cell.blocks.iter().filter_map(move |block| moment(cell, block))).collect();
    moments.sort_by(|one, other| one.from.total_cmp(&other.from));
    moments
}

/// Percent above the median of the cell's blocks.
fn relative_median(cell: &CellRecord, block: &BlockRecord) -> Option<f64> {
    let median = |block: &BlockRecord| median_of(block.steady_nanos.iter().map(|nanos| *nanos as f64));
    let of_cell = median_of(cell.blocks.iter().filter_map(median))?;
    let percent = 100.0 * (median(block)? / of_cell - 1.0);
    percent.is_finite().then_some(percent)
}

fn draw_strip(
    area: &Area<'_>,
    (strip, points): (&Strip, &[Reading]),
    moments: &[Moment],
    seconds: f64,
    last: bool,
) -> Result<(), RenderError> {
    let failed = || ink::failed(NAME);
    let (low, high) = range(points);
    let (size, unit) = if seconds >= 120.0 { (60.0, "minutes") } else { (1.0, "seconds") };
    let mut chart = ChartBuilder::on(area)
        .margin_top(10)
        .margin_left(LABEL_PX)
        .margin_right(16)
        .x_label_area_size(if last { AXIS_PX } else { 6 })
        .y_label_area_size(SCALE_PX)
        .build_cartesian_2d(0.0..seconds * 1.01, low..high)
        .map_err(failed())?;
    let plain = |value: &f64| figures::tick(*value);
    let in_unit = |value: &f64| figures::tick(value / size);
    let mut mesh = chart.configure_mesh();
    mesh.x_labels(if last { 8 } else { 0 })
        .y_labels(3)
        .x_label_formatter(&in_unit)
        .y_label_formatter(&plain)
        .axis_style(ink::GRID)
        .bold_line_style(ink::GRID)
        .light_line_style(ink::GRID.mix(0.0))
        .x_label_style(ink::letters(ink::MUTED, HPos::Center))
        .y_label_style(ink::letters(ink::MUTED, HPos::Right))
        .axis_desc_style(ink::letters(ink::MUTED, HPos::Center));
    if last {
        mesh.x_desc(format!("{unit} since the first block"));
    }
    mesh.draw().map_err(failed())?;
    for moment in moments.iter().filter(|moment| moment.is_throttled()) {
        let line = vec![(moment.from, low), (moment.from, high)];
        chart.draw_series([PathElement::new(line, ink::BAD.stroke_width(2))]).map_err(failed())?;
    }
    draw_points(&mut chart, strip, points)?;
    let middle = i32::try_from(STRIP_PX / 2).unwrap_or(0);
    let at = |y: i32| (12, y);
    area.draw(&Text::new(strip.title, at(middle - 9), ink::letters(ink::INK, HPos::Left)))
        .map_err(failed())?;
    area.draw(&Text::new(strip.unit, at(middle + 11), ink::letters(ink::MUTED, HPos::Left)))
        .map_err(failed())?;
    Ok(())
}

/// A line joins what was read; a hollow dot is a block that does not count.
fn draw_points(chart: &mut Chart<'_, '_>, strip: &Strip, points: &[Reading]) -> Result<(), RenderError> {
    let failed = || ink::failed(NAME);
    if strip.read.is_some() {
        let line: Vec<(f64, f64)> = points.iter().map(|(x, y, _)| (*x, *y)).collect();
        let line = PathElement::new(line, ink::pale(1, 0.7).stroke_width(1));
        chart.draw_series([line]).map_err(failed())?;
    }
    let dot = |(x, y, counts): &Reading| {
        let style = if *counts { ink::series(1).filled() } else { ink::BAD.stroke_width(2) };
        Circle::new((*x, *y), 3, style)
    };
    chart.draw_series(points.iter().map(dot)).map_err(failed())?;
    Ok(())
}

/// Around all values, never flat.
fn range(points: &[Reading]) -> (f64, f64) {
    let low = points.iter().map(|(_, y, _)| *y).fold(f64::INFINITY, f64::min);
    let high = points.iter().map(|(_, y, _)| *y).fold(f64::NEG_INFINITY, f64::max);
    let margin = ((high - low) * 0.15).max(high.abs() * 0.01).max(0.5);
    (low - margin, high + margin)
}

fn sentence(strip: &Strip, points: &[Reading]) -> String {
    let low = points.iter().map(|(_, y, _)| *y).fold(f64::INFINITY, f64::min);
    let high = points.iter().map(|(_, y, _)| *y).fold(f64::NEG_INFINITY, f64::max);
    let (low, high) = (figures::digits(low), figures::digits(high));
    format!("{}: {low} to {high} {}.", strip.title, strip.unit)
}

fn throttling(moments: &[Moment]) -> String {
    match moments.iter().filter(|moment| moment.is_throttled()).count() {
        0 => String::new(),
        count => format!(" Throttled in {}.", figures::plural(count, "block", "blocks")),
    }
}
