//! Colours and letters of the pictures, and what makes plotters' output fit for a page.

use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, IntoFont, RGBAColor, RGBColor, TextStyle};

use super::super::RenderError;
use super::super::outside::printable;
use super::Plot;

/// Stand-ins: no picture has these colours by itself.
pub(super) const INK: RGBColor = RGBColor(1, 1, 1);
pub(super) const MUTED: RGBColor = RGBColor(1, 1, 2);
pub(super) const GRID: RGBColor = RGBColor(1, 1, 3);
pub(super) const PAPER: RGBColor = RGBColor(1, 1, 4);
pub(super) const BAD: RGBColor = RGBColor(1, 1, 5);

/// Series have this many colours; more series begin again.
const SERIES: usize = 8;

const FIXED: [(RGBColor, &str); 5] = [
    (INK, "var(--ink)"),
    (MUTED, "var(--muted)"),
    (GRID, "var(--grid)"),
    (PAPER, "var(--paper)"),
    (BAD, "var(--bad)"),
];

/// Size of all letters as plotters counts it, which makes letters of 14 pixels: it divides by 1.24.
pub(super) const TEXT_PX: i32 = 17;

/// The stand-in of a series.
pub(super) fn series(number: usize) -> RGBColor {
    // At most 7, so that the cast is exact.
    RGBColor(2, 2, (number % SERIES) as u8)
}

/// A see-through series.
pub(super) fn pale(number: usize, alpha: f64) -> RGBAColor {
    series(number).mix(alpha)
}

/// Letters in one of the stand-ins, anchored at `horizontal` and in the middle of their height.
pub(super) fn letters(color: RGBColor, horizontal: HPos) -> TextStyle<'static> {
    ("sans-serif", TEXT_PX).into_font().color(&color).pos(Pos::new(horizontal, VPos::Center))
}

/// About how wide a text is; without a font library nobody knows better.
pub(super) fn text_width(text: &str) -> i32 {
    let count = i32::try_from(text.chars().count()).unwrap_or(i32::MAX / 16);
    count.saturating_mul(TEXT_PX).saturating_mul(10) / 20
}

/// An error of the drawing.
pub(super) fn failed<E: std::fmt::Display>(name: &'static str) -> impl Fn(E) -> RenderError {
    move |error| RenderError::Plot { name, reason: error.to_string() }
}

/// Exchanges the stand-ins, names the picture for screen readers and lets the page decide its size.
pub(super) fn finish(mut plot: Plot) -> Plot {
    let hex = |color: RGBColor| format!("\"#{:02X}{:02X}{:02X}\"", color.0, color.1, color.2);
    for (stand_in, property) in FIXED {
        plot.svg = plot.svg.replace(&hex(stand_in), &format!("\"{property}\""));
    }
    for number in 0..SERIES {
        plot.svg = plot.svg.replace(&hex(series(number)), &format!("\"var(--series-{number})\""));
    }
    if let (Some(start), Some(end)) = (plot.svg.find("viewBox"), plot.svg.find('>')) {
        let view = plot.svg.get(start..end).unwrap_or_default().to_owned();
        let body = plot.svg.get(end + 1..).unwrap_or_default();
        let (title, description) = (escape(&plot.title), escape(&plot.description));
        let name = &plot.name;
        plot.svg = format!(
            "<svg {view} role=\"img\" aria-labelledby=\"{name}-title {name}-desc\">\n\
             <title id=\"{name}-title\">{title}</title>\n<desc id=\"{name}-desc\">{description}</desc>{body}"
        );
    }
    plot
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in printable(text).chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            character => escaped.push(character),
        }
    }
    escaped
}
