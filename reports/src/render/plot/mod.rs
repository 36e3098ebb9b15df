//! Pictures of a run as SVG: where latencies lie and where the time goes, accuracy against its costs, how the devices were.
//!
//! Colours are custom properties (`palette.css`), so that one picture is right in light and in dark. plotters knows
//! only colours of three bytes; it draws with stand-ins that are exchanged for the properties at the end.

mod axis;
mod conditions;
mod distribution;
mod ink;
mod profile;
mod scatter;

use super::RenderError;
use crate::record::RunRecord;
use crate::summary::{CellSummary, Group, RunSummary, summarize};

/// The colours of pictures and page.
pub(crate) const PALETTE: &str = include_str!("palette.css");

/// One picture.
#[derive(Clone, PartialEq, Debug)]
pub struct Plot {
    /// For file names: `latency`, `accuracy-size`, `accuracy-latency`, `accuracy-energy`, `operators` or `conditions`, with a
    /// number.
    pub name: String,
    /// What it shows, in a few words.
    pub caption: String,
    /// What it shows, with model and device.
    pub title: String,
    /// The same in a sentence, with the figures, for those who do not see it.
    pub description: String,
    /// An `<svg>` element whose colours come from the page around it.
    pub svg: String,
}

impl Plot {
    /// The picture as a file of its own, with its colours inside.
    pub fn standalone(&self) -> String {
        let style = format!("<style>{PALETTE} svg {{ background: var(--paper) }}</style>\n<title");
        self.svg.replacen("<title", &style, 1)
    }
}

/// What is drawn together: every cell of one model on one device.
pub(super) struct Panel<'a> {
    /// Name of the device.
    pub(super) device: &'a str,
    /// Name of the model.
    pub(super) model: &'a str,
    /// By runtime and threads.
    pub(super) groups: Vec<&'a Group>,
}

/// Panels in the order of the plan.
pub(super) fn panels(summary: &RunSummary) -> Vec<Panel<'_>> {
    let mut panels: Vec<Panel<'_>> = Vec::new();
    for group in &summary.groups {
        match panels.iter_mut().find(|panel| panel.device == group.device && panel.model == group.model) {
            Some(panel) => panel.groups.push(group),
            None => panels.push(Panel { device: &group.device, model: &group.model, groups: vec![group] }),
        }
    }
    panels
}

impl Panel<'_> {
    fn cells(&self) -> impl Iterator<Item = &CellSummary> {
        self.groups.iter().flat_map(|group| &group.cells)
    }

    /// What tells a cell from the others of the panel.
    fn label(&self, cell: &CellSummary) -> String {
        let several = |same: fn(&Group, &Group) -> bool| {
            self.groups.iter().any(|group| self.groups.iter().any(|other| !same(group, other)))
        };
        let mut label = cell.cell.variant.clone();
        if several(|one, other| one.runtime == other.runtime) {
            label.push_str(&format!(" {}", cell.cell.runtime));
        }
        if several(|one, other| one.threads == other.threads) {
            label.push_str(&format!(" ×{}", cell.cell.threads));
        }
        label
    }

    /// Number of the variant, for its colour: the same in every picture of the panel.
    fn series(&self, cell: &CellSummary) -> usize {
        let mut seen: Vec<&str> = Vec::new();
        for one in self.cells() {
            if !seen.contains(&one.cell.variant.as_str()) {
                seen.push(&one.cell.variant);
            }
        }
        seen.iter().position(|variant| *variant == cell.cell.variant).unwrap_or(0)
    }
}

/// Every picture of the run that there are figures for.
pub fn plots(run: &RunRecord) -> Result<Vec<Plot>, RenderError> {
    let summary = summarize(run);
    let panels = panels(&summary);
    let mut plots = Vec::new();
    for (at, panel) in panels.iter().enumerate() {
        plots.extend(of_panel(run, panel, at)?);
    }
    plots.extend(of_devices(run)?);
    Ok(plots)
}

/// How each device was while it measured, as far as that could be read.
pub(super) fn of_devices(run: &RunRecord) -> Result<Vec<Plot>, RenderError> {
    let drawn = run.devices.iter().enumerate().map(|(at, device)| conditions::draw(run, &device.name, at));
    Ok(drawn.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// The pictures of one panel; `number` makes their names and their anchors in a page unique.
pub(super) fn of_panel(run: &RunRecord, panel: &Panel<'_>, number: usize) -> Result<Vec<Plot>, RenderError> {
    let drawn = [
        distribution::draw(panel, number)?,
        profile::draw(run, panel, number)?,
        scatter::draw(panel, number, &scatter::SIZE)?,
        scatter::draw(panel, number, &scatter::LATENCY)?,
        scatter::draw(panel, number, &scatter::ENERGY)?,
    ];
    Ok(drawn.into_iter().flatten().collect())
}
