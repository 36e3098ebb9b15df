//! One series as a drawing: points, the level of each segment, and a mark where the level changed. SVG without scripts;
//! sizes are chosen for a phone's width, and a wide screen only gets more of them beside each other.

use std::fmt::Write as _;

use super::series::Series;
use crate::stats::quantile::{quantile, sorted};

/// Of the drawing, in its own units: about the pixels of a phone.
const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 150.0;

/// Room for the labels of the axis, and above and below the points.
const LEFT: f64 = 62.0;
const RIGHT: f64 = 8.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 22.0;

/// More points than this are drawn as their running extremes: more than the eye or the file needs.
const MOST_POINTS: usize = 600;

/// Up to so many points each is a thing of its own.
const FEW_POINTS: usize = 60;

/// The drawing of one series with at least one point.
pub(super) fn chart(series: &Series<'_>) -> String {
    let scale = Scale::new(series);
    let figure = series.name.figure;
    let mut svg = format!(
        r#"<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{}">"#,
        escaped(&summary(series))
    );
    for value in [scale.low, scale.high] {
        let y = scale.y(value);
        let _ = write!(
            svg,
            r#"<line class="grid" x1="{LEFT}" x2="{:.1}" y1="{y:.1}" y2="{y:.1}"/><text class="tick" x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"#,
            WIDTH - RIGHT,
            LEFT - 6.0,
            y + 4.0,
            escaped(&figure.text(value))
        );
    }
    points(&mut svg, series, &scale);
    levels(&mut svg, series, &scale);
    dates(&mut svg, series);
    svg.push_str("</svg>");
    svg
}

/// What the drawing says, for those who cannot see it.
fn summary(series: &Series<'_>) -> String {
    let count = series.points.len();
    let changes: Vec<String> =
        series.changes.iter().map(|change| format!("{} at {}", change.effect, day(&change.at))).collect();
    let told = if changes.is_empty() { "no change".to_owned() } else { changes.join(", ") };
    format!("{}: {count} runs, {told}", series.name.title())
}

struct Scale {
    low: f64,
    high: f64,
    count: usize,
}

impl Scale {
    /// From the bulk of the points and every level: a single far point is drawn at the edge and does not flatten the
    /// rest.
    fn new(series: &Series<'_>) -> Self {
        let ascending = sorted(series.points.iter().map(|point| point.value).collect());
        let at = |share| quantile(&ascending, share).unwrap_or(0.0);
        let levels = series.changes.iter().flat_map(|change| [change.before, change.after]);
        let (mut low, mut high) =
            levels.fold((at(0.01), at(0.99)), |(low, high), level| (low.min(level), high.max(level)));
        // A flat series in the middle of a band of 2 %.
        let least = 0.02 * at(0.5).abs();
        if high - low < least {
            let middle = (low + high) / 2.0;
            (low, high) = (middle - least / 2.0, middle + least / 2.0);
        }
        Self { low, high, count: series.points.len() }
    }

    fn x(&self, index: usize) -> f64 {
        let share = if self.count > 1 { index as f64 / (self.count - 1) as f64 } else { 0.5 };
        LEFT + 4.0 + share * (WIDTH - LEFT - RIGHT - 8.0)
    }

    fn y(&self, value: f64) -> f64 {
        let span = (self.high - self.low).max(f64::MIN_POSITIVE);
        let share = ((value - self.low) / span).clamp(-0.06, 1.06);
        HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
    }
}

fn points(svg: &mut String, series: &Series<'_>, scale: &Scale) {
    // Few points are drawn large enough to be seen one by one on a phone.
    let radius = if series.points.len() <= FEW_POINTS { 3.0 } else { 1.6 };
    svg.push_str(r#"<g class="points">"#);
    for index in drawn(series) {
        let Some(point) = series.points.get(index) else { continue };
        let _ = write!(
            svg,
            r#"<circle cx="{:.1}" cy="{:.1}" r="{radius}"/>"#,
            scale.x(index),
            scale.y(point.value)
        );
    }
    svg.push_str("</g>");
}

/// Indices of the points to draw: all, or the lowest and the highest of each stretch.
fn drawn(series: &Series<'_>) -> Vec<usize> {
    let count = series.points.len();
    if count <= MOST_POINTS {
        return (0..count).collect();
    }
    let stretch = count.div_ceil(MOST_POINTS / 2);
    let indices: Vec<usize> = (0..count).collect();
    let value = |at: &usize| series.points[*at].value;
    let extremes = |part: &[usize]| {
        let low = part.iter().copied().min_by(|one, other| value(one).total_cmp(&value(other)));
        let high = part.iter().copied().max_by(|one, other| value(one).total_cmp(&value(other)));
        [low, high]
    };
    indices.chunks(stretch).flat_map(extremes).flatten().collect()
}

/// A line at the level of each segment, and a mark at each change.
fn levels(svg: &mut String, series: &Series<'_>, scale: &Scale) {
    let starts: Vec<usize> =
        std::iter::once(0).chain(series.changes.iter().map(|change| change.index)).collect();
    let first = series.changes.first().map(|change| change.before);
    let levels = first.into_iter().chain(series.changes.iter().map(|change| change.after));
    for (segment, level) in levels.enumerate() {
        let from = starts.get(segment).copied().unwrap_or(0);
        let to = starts.get(segment + 1).copied().unwrap_or(series.points.len()).saturating_sub(1);
        let (y, x1, x2) = (scale.y(level), scale.x(from), scale.x(to));
        let _ = write!(svg, r#"<line class="level" x1="{x1:.1}" x2="{x2:.1}" y1="{y:.1}" y2="{y:.1}"/>"#);
    }
    for change in &series.changes {
        let x = scale.x(change.index);
        let (class, sign) = if change.worse { ("worse", "▲") } else { ("better", "▼") };
        let anchor = if x > WIDTH * 0.7 { "end" } else { "start" };
        let shift = if anchor == "end" { -4.0 } else { 4.0 };
        let _ = write!(
            svg,
            r#"<g class="{class}"><title>{}</title><line x1="{x:.1}" x2="{x:.1}" y1="{TOP}" y2="{:.1}"/><text x="{:.1}" y="{:.1}" text-anchor="{anchor}">{sign} {}</text></g>"#,
            escaped(&change.range),
            HEIGHT - BOTTOM,
            x + shift,
            TOP + 3.0,
            escaped(&change.effect)
        );
    }
}

/// When the first and the last run began: their days, or their minutes on the same day.
fn dates(svg: &mut String, series: &Series<'_>) {
    let y = HEIGHT - 6.0;
    let mut write_at = |x: f64, anchor: &str, text: &str| {
        let _ = write!(
            svg,
            r#"<text class="tick" x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{}</text>"#,
            escaped(text)
        );
    };
    if let [first, .., last] = series.points.as_slice() {
        let same_day = day(first.started_at) == day(last.started_at);
        let moment = |time: &str| if same_day { minute(time) } else { day(time).to_owned() };
        write_at(LEFT, "start", &moment(first.started_at));
        write_at(WIDTH - RIGHT, "end", &moment(last.started_at));
    }
}

/// The day of an RFC 3339 time.
pub(super) fn day(time: &str) -> &str {
    time.get(..10).unwrap_or(time)
}

/// Day and minute of an RFC 3339 time.
fn minute(time: &str) -> String {
    time.get(..16).map_or(time.to_owned(), |minute| minute.replace('T', " "))
}

/// Text for SVG and HTML.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for one in text.chars() {
        match one {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}
