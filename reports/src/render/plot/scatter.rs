//! Accuracy against what it costs: one point a cell, with the intervals of both figures.

use plotters::backend::SVGBackend;
use plotters::chart::ChartBuilder;
use plotters::drawing::IntoDrawingArea;
use plotters::element::{Circle, PathElement, Text};
use plotters::style::Color;
use plotters::style::text_anchor::HPos;

use super::super::outside::printable;
use super::super::{RenderError, figures};
use super::axis::{Area, Chart, time_axis};
use super::{Panel, Plot, ink};
use crate::summary::{CellSummary, EnergySummary};

const SIZE_PX: (u32, u32) = (560, 400);

/// What stands on the horizontal axis.
pub(super) struct Cost {
    name: &'static str,
    title: &'static str,
    axis: &'static str,
    /// Value with the ends of its interval.
    value: fn(&CellSummary) -> Option<(f64, f64, f64)>,
    /// Factor and name of the unit for values up to the given one.
    unit: fn(f64, bool) -> (f64, &'static str),
    text: fn(&CellSummary) -> Option<String>,
}

/// Length of the file.
pub(super) const SIZE: Cost = Cost {
    name: "accuracy-size",
    title: "Accuracy against size",
    axis: "model file",
    value: |cell| cell.file_bytes.map(|bytes| (bytes as f64, bytes as f64, bytes as f64)),
    unit: |largest, _| figures::byte_unit(largest),
    text: |cell| cell.file_bytes.map(figures::bytes),
};

/// Median latency.
pub(super) const LATENCY: Cost = Cost {
    name: "accuracy-latency",
    title: "Accuracy against latency",
    axis: "median latency",
    value: |cell| {
        let median = &cell.latency.as_ref()?.median;
        let (lower, upper) =
            median.interval.map_or((median.median, median.median), |one| (one.lower, one.upper));
        Some((median.median, lower, upper))
    },
    unit: time_axis,
    text: |cell| {
        let latency = cell.latency.as_ref()?;
        Some(figures::latency(latency.median.median, latency.emulated))
    },
};

/// Energy of one inference, where a meter measured it.
pub(super) const ENERGY: Cost = Cost {
    name: "accuracy-energy",
    title: "Accuracy against energy",
    axis: "energy of an inference",
    value: |cell| {
        let EnergySummary::PerInference { microjoules, .. } = &cell.energy else { return None };
        let (lower, upper) = microjoules
            .interval
            .map_or((microjoules.median, microjoules.median), |one| (one.lower, one.upper));
        Some((microjoules.median, lower, upper))
    },
    unit: |largest, _| figures::energy_unit(largest),
    text: |cell| match &cell.energy {
        EnergySummary::PerInference { microjoules, .. } => Some(figures::microjoules(microjoules.median)),
        EnergySummary::Unmeasured => None,
    },
};

/// One cell in the picture; accuracy in percent.
struct Point {
    label: String,
    series: usize,
    cost: (f64, f64, f64),
    accuracy: (f64, f64, f64),
    sentence: String,
    /// What is at least as accurate for at most the cost, and better in one of both.
    dominated_by: Option<String>,
}

impl Point {
    fn dominates(&self, other: &Self) -> bool {
        let (cost, accuracy) = (self.cost.0, self.accuracy.0);
        let no_worse = cost <= other.cost.0 && accuracy >= other.accuracy.0;
        no_worse && (cost < other.cost.0 || accuracy > other.accuracy.0)
    }
}

/// Names for each point the first one that dominates it.
fn mark_dominated(points: &mut [Point]) {
    let found: Vec<Option<String>> = points
        .iter()
        .map(|point| points.iter().find(|other| other.dominates(point)).map(|other| other.label.clone()))
        .collect();
    for (point, by) in points.iter_mut().zip(found) {
        if let Some(by) = &by {
            point.sentence.push_str(&format!(" {by} is no worse in both."));
        }
        point.dominated_by = by;
    }
}

/// None if no cell has both figures.
pub(super) fn draw(panel: &Panel<'_>, number: usize, cost: &Cost) -> Result<Option<Plot>, RenderError> {
    let mut points: Vec<Point> = panel.cells().filter_map(|cell| point(panel, cell, cost)).collect();
    if points.is_empty() {
        return Ok(None);
    }
    mark_dominated(&mut points);
    let emulated = panel.groups.iter().any(|group| group.emulated);
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE_PX).into_drawing_area();
        draw_points(&area, &points, cost, emulated)?;
        area.present().map_err(ink::failed(cost.name))?;
    }
    let title = format!("{} of {} on {}", cost.title, panel.model, panel.device);
    let description = points.iter().map(|point| point.sentence.as_str()).collect::<Vec<_>>().join(" ");
    Ok(Some(ink::finish(Plot {
        name: format!("{}-{number}", cost.name),
        caption: cost.title.to_owned(),
        title,
        description,
        svg,
    })))
}

fn point(panel: &Panel<'_>, cell: &CellSummary, cost: &Cost) -> Option<Point> {
    let top1 = cell.accuracy.as_ref()?.top1;
    let label = printable(&panel.label(cell));
    let accuracy = [top1.share(), top1.interval.lower, top1.interval.upper].map(|share| 100.0 * share);
    let sentence =
        format!("{label}: {}, top-1 {}.", (cost.text)(cell)?, figures::percent(top1.share(), top1.total));
    Some(Point {
        series: panel.series(cell),
        cost: (cost.value)(cell)?,
        accuracy: (accuracy[0], accuracy[1], accuracy[2]),
        label,
        sentence,
        dominated_by: None,
    })
}

fn draw_points(area: &Area<'_>, points: &[Point], cost: &Cost, emulated: bool) -> Result<(), RenderError> {
    let failed = || ink::failed(cost.name);
    let largest = points.iter().map(|point| point.cost.2).fold(1.0, f64::max);
    let (low, high) = accuracy_range(points);
    let (size, unit) = (cost.unit)(largest, emulated);
    let mut chart = ChartBuilder::on(area)
        .margin_top(12)
        .margin_right(20)
        .margin_left(4)
        .x_label_area_size(52)
        .y_label_area_size(66)
        .build_cartesian_2d(0.0..largest * 1.15, low..high)
        .map_err(failed())?;
    chart
        .configure_mesh()
        .x_labels(6)
        .y_labels(6)
        .x_label_formatter(&|value| figures::tick(value / size))
        .y_label_formatter(&|value| format!("{value:.*}", usize::from(high - low < 8.0)))
        .x_desc(format!("{}, {unit}", cost.axis))
        .y_desc("top-1, %")
        .axis_style(ink::GRID)
        .bold_line_style(ink::GRID)
        .light_line_style(ink::GRID.mix(0.0))
        .x_label_style(ink::letters(ink::MUTED, HPos::Center))
        .y_label_style(ink::letters(ink::MUTED, HPos::Right))
        .axis_desc_style(ink::letters(ink::MUTED, HPos::Center))
        .draw()
        .map_err(failed())?;
    draw_front(&mut chart, points, cost.name)?;
    for point in points {
        draw_point(&mut chart, point, cost.name)?;
    }
    draw_labels(area, &chart, points, cost.name)
}

/// Around all intervals, with a margin, inside 0 to 100.
fn accuracy_range(points: &[Point]) -> (f64, f64) {
    let low = points.iter().map(|point| point.accuracy.1).fold(100.0, f64::min);
    let high = points.iter().map(|point| point.accuracy.2).fold(0.0, f64::max);
    let margin = ((high - low) * 0.08).max(0.2);
    ((low - margin).max(0.0), (high + margin).min(100.0))
}

/// The stairs that no point lies above and left of.
fn draw_front(chart: &mut Chart<'_, '_>, points: &[Point], name: &'static str) -> Result<(), RenderError> {
    let mut front: Vec<(f64, f64)> = points
        .iter()
        .filter(|point| point.dominated_by.is_none())
        .map(|point| (point.cost.0, point.accuracy.0))
        .collect();
    front.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut stairs: Vec<(f64, f64)> = Vec::new();
    for (x, y) in front {
        if let Some((_, before)) = stairs.last().copied() {
            stairs.push((x, before));
        }
        stairs.push((x, y));
    }
    chart.draw_series([PathElement::new(stairs, ink::MUTED.stroke_width(1))]).map_err(ink::failed(name))?;
    Ok(())
}

fn draw_point(chart: &mut Chart<'_, '_>, point: &Point, name: &'static str) -> Result<(), RenderError> {
    let failed = || ink::failed(name);
    let (x, left, right) = point.cost;
    let (y, low, high) = point.accuracy;
    let whisker = ink::pale(point.series, 0.6).stroke_width(2);
    chart.draw_series([PathElement::new(vec![(x, low), (x, high)], whisker)]).map_err(failed())?;
    chart.draw_series([PathElement::new(vec![(left, y), (right, y)], whisker)]).map_err(failed())?;
    let ring = Circle::new((x, y), 7, ink::PAPER.filled());
    chart.draw_series([ring]).map_err(failed())?;
    let color = ink::series(point.series);
    // Hollow where another point is no worse in both: told by its form, not by colour alone.
    let style = if point.dominated_by.is_some() { color.stroke_width(2) } else { color.filled() };
    chart.draw_series([Circle::new((x, y), 5, style)]).map_err(failed())?;
    Ok(())
}

/// A place on the picture: left, top, right, bottom, in pixels.
type Box = (i32, i32, i32, i32);

fn draw_labels(
    area: &Area<'_>,
    chart: &Chart<'_, '_>,
    points: &[Point],
    name: &'static str,
) -> Result<(), RenderError> {
    let dots: Vec<(i32, i32)> =
        points.iter().map(|point| chart.backend_coord(&(point.cost.0, point.accuracy.0))).collect();
    let mut taken: Vec<Box> = dots.iter().map(|(x, y)| (x - 7, y - 7, x + 7, y + 7)).collect();
    for (point, dot) in points.iter().zip(&dots) {
        let place = free_place(*dot, ink::text_width(&point.label), &taken);
        let middle = (place.0, i32::midpoint(place.1, place.3));
        let text =
            Text::new(point.label.clone(), middle, ink::letters(ink::series(point.series), HPos::Left));
        area.draw(&text).map_err(ink::failed(name))?;
        taken.push(place);
    }
    Ok(())
}

/// The first place round a dot that is inside the picture and hides nothing; beside the dot if there is none.
fn free_place((x, y): (i32, i32), width: i32, taken: &[Box]) -> Box {
    let half = ink::TEXT_PX / 2 + 2;
    let at = |left: i32, middle: i32| (left, middle - half, left + width, middle + half);
    let sides = [x + 12, x - 12 - width];
    let heights = [0, -16, 16, -32, 32, -48, 48];
    let places = heights.iter().flat_map(|offset| sides.map(|left| at(left, y + offset)));
    let inside = |place: &Box| place.0 > 72 && place.2 < SIZE_PX.0 as i32 && place.1 > 0;
    let free = |place: &Box| taken.iter().all(|other| apart(place, other));
    places.clone().find(|place| inside(place) && free(place)).unwrap_or_else(|| at(x + 12, y))
}

fn apart(one: &Box, other: &Box) -> bool {
    one.2 <= other.0 || other.2 <= one.0 || one.3 <= other.1 || other.3 <= one.1
}
