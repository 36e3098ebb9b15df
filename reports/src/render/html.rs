//! The run as one page: opens offline, reads without scripts, light and dark, prints well. The template and the style
//! sheet lie beside this file and are compiled in; this file only names what the template may show.

use minijinja::{Environment, UndefinedBehavior, Value, context};

use super::columns::{self, Column, Place};
use super::outside::printable_lines;
use super::plot::{self, Panel};
use super::shipping::{self, Advice, Tone};
use super::{RenderError, agreement, examples, figures, findings, layers};
use crate::beside::Beside;
use crate::record::{ArtifactRecord, BlockRecord, CellRecord, DeviceRecord, OpRecord, Outcome, RunRecord};
use crate::stats::quantile::median_of;
use crate::summary::{CellSummary, Group, RunSummary, Warning, summarize};

/// Digits of a digest that a reader compares by eye.
const DIGEST_DIGITS: usize = 12;

/// Operators of a cell that are listed; all of them are in the Parquet file.
const OPS_SHOWN: usize = 16;

/// The whole page, with what was gathered beside the records. Text that came from outside is escaped by the template
/// engine.
///
/// # Errors
/// When a picture or the template does not come out, which is a mistake of ours.
pub fn html(run: &RunRecord, beside: &Beside) -> Result<String, RenderError> {
    let summary = summarize(run);
    let panels = plot::panels(&summary);
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_template("report.html", include_str!("html/report.html"))?;
    let style = format!("{}\n{}", plot::PALETTE, include_str!("html/report.css"));
    let page = environment.get_template("report.html")?;
    let page = page.render(context! {
        style => Value::from_safe_string(style),
        run => run_info(run),
        tally => findings::tally(&summary),
        duration => findings::duration(&run.run),
        troubles => troubles(run, &summary),
        advice => shipping::advice(run, &summary.groups).iter().map(advice).collect::<Vec<_>>(),
        agreements => agreement::matrices(beside),
        layers => layers::reports(beside),
        flipped => examples::of_models(run, beside),
        conditions => plot::of_devices(run)?.into_iter().map(figure).collect::<Vec<_>>(),
        panels => panels.iter().enumerate().map(|(at, one)| panel(run, one, at)).collect::<Result<Vec<_>, _>>()?,
        meanings => meanings(&summary),
        devices => run.devices.iter().map(device).collect::<Vec<_>>(),
        artifacts => run.artifacts.iter().map(artifact).collect::<Vec<_>>(),
        records => run.cells.iter().map(|record| cell_record(run, record)).collect::<Vec<_>>(),
    })?;
    Ok(printable_lines(&page))
}

fn run_info(run: &RunRecord) -> Value {
    let info = &run.run;
    context! {
        id => info.id.as_str(),
        suite => info.suite.as_str(),
        description => info.suite_description.as_str(),
        started_at => info.started_at.as_str(),
        started => findings::moment(&info.started_at),
        finished => info.finished_at.as_deref().map(findings::moment),
        command => info.arguments.join(" "),
        tool_version => info.tool_version.as_str(),
        git_revision => info.git_revision.as_deref(),
        source_hash => info.source_hash.as_str(),
        // As text: a seed may be larger than the template engine's integers.
        seed => info.seed.to_string(),
        controller => pairs(info.controller.iter()),
        format_version => crate::record::FORMAT_VERSION,
    }
}

fn pairs<'a>(properties: impl Iterator<Item = (&'a String, &'a String)>) -> Vec<Value> {
    properties.map(|(name, value)| context! { name => name.as_str(), value => value.as_str() }).collect()
}

/// Everything that is not complete and why, first what no cell could use.
fn troubles(run: &RunRecord, summary: &RunSummary) -> Vec<Value> {
    let line = |place: String, text: String| context! { place, text };
    let unusable = findings::unusable(run).into_iter().map(|(place, text)| line(place, text));
    let cells = summary.groups.iter().flat_map(|group| {
        let title = findings::group_title(group);
        let about = move |cell: &CellSummary| {
            Some(line(format!("{} · {title}", cell.cell.variant), findings::trouble(&cell.outcome)?))
        };
        group.cells.iter().filter_map(about)
    });
    unusable.chain(cells).collect()
}

fn advice(advice: &Advice) -> Value {
    let variant = |(name, tone, text): &(String, Tone, String)| {
        let class = match tone {
            Tone::Good => "good",
            Tone::Bad => "bad",
            Tone::Doubt => "doubt",
        };
        context! { name, class, text }
    };
    context! {
        place => advice.place.as_str(),
        headline => advice.headline.as_str(),
        why => advice.why.as_str(),
        variants => advice.variants.iter().map(variant).collect::<Vec<_>>(),
    }
}

fn figure(plot: plot::Plot) -> Value {
    let wide = !plot.name.starts_with("accuracy");
    context! { caption => plot.caption, wide, svg => Value::from_safe_string(plot.svg) }
}

fn panel(run: &RunRecord, panel: &Panel<'_>, number: usize) -> Result<Value, RenderError> {
    let plots = plot::of_panel(run, panel, number)?;
    Ok(context! {
        number,
        device => panel.device,
        model => panel.model,
        emulated => panel.groups.iter().any(|group| group.emulated),
        groups => panel.groups.iter().map(|group| self::group(group)).collect::<Vec<_>>(),
        plots => plots.into_iter().map(figure).collect::<Vec<_>>(),
    })
}

fn group(group: &Group) -> Value {
    let columns = columns::with_additions(group);
    let heads =
        columns.iter().map(|(column, _)| context! { title => column.title, meaning => column.meaning });
    context! {
        title => findings::execution(group),
        columns => heads.collect::<Vec<_>>(),
        rows => group.cells.iter().map(|cell| row(cell, &columns)).collect::<Vec<_>>(),
        notes => group.cells.iter().filter_map(notes).collect::<Vec<_>>(),
        legend => findings::legend(group),
    }
}

fn row(cell: &CellSummary, columns: &[(&'static Column, Option<&'static Column>)]) -> Value {
    let figure = |(column, addition): &(&Column, Option<&Column>)| {
        let addition = addition.and_then(|addition| (addition.text)(cell));
        context! { text => columns::text(column, cell), addition, is_name => column.place == Place::Name }
    };
    context! {
        state => state(&cell.outcome),
        is_reference => cell.is_reference,
        figures => columns.iter().map(figure).collect::<Vec<_>>(),
    }
}

/// Class of a row, and word beside its name; empty for a complete cell.
fn state(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Complete => "",
        Outcome::Failed { .. } => "failed",
        Outcome::Unfinished => "unfinished",
    }
}

/// What weakens the figures of a cell. Whether it is slower or less accurate was said where the page says what to ship.
fn notes(cell: &CellSummary) -> Option<Value> {
    let said = |warning: &&Warning| {
        !cell.is_reference && matches!(warning, Warning::Slower { .. } | Warning::LessAccurate { .. })
    };
    let trouble = findings::trouble(&cell.outcome);
    let warnings: Vec<String> =
        cell.warnings.iter().filter(|one| !said(one)).map(ToString::to_string).collect();
    let says = trouble.is_some() || !warnings.is_empty();
    says.then(|| context! { variant => cell.cell.variant.as_str(), trouble, warnings })
}

/// What each column of any table means.
fn meanings(summary: &RunSummary) -> Vec<Value> {
    let mut shown: Vec<&'static Column> = Vec::new();
    for column in summary.groups.iter().flat_map(columns::columns_of) {
        if !shown.iter().any(|one| one.title == column.title) {
            shown.push(column);
        }
    }
    shown.iter().map(|column| context! { title => column.title, meaning => column.meaning }).collect()
}

fn device(device: &DeviceRecord) -> Value {
    context! {
        name => device.name.as_str(),
        transport => device.transport.as_str(),
        emulated => device.emulated,
        agent_version => device.agent_version.as_deref(),
        agent_target => device.agent_target.as_deref(),
        agent_bytes => device.agent_bytes.map(figures::bytes),
        properties => pairs(device.properties.iter()),
    }
}

fn artifact(artifact: &ArtifactRecord) -> Value {
    context! {
        model => artifact.model.as_str(),
        variant => artifact.variant.as_str(),
        quantize => artifact.quantize.as_str(),
        bytes => if artifact.problem.is_none() { figures::count(artifact.file_bytes) } else { figures::ABSENT.to_owned() },
        digest => artifact.digest.as_str(),
        short_digest => artifact.digest.chars().take(DIGEST_DIGITS).collect::<String>(),
        source_digest => artifact.source_digest.chars().take(DIGEST_DIGITS).collect::<String>(),
        calibration => artifact.calibration_samples.map(figures::count),
        left_alone => artifact.left_alone.clone(),
    }
}

/// The blocks of a cell as they were recorded, invalid ones too.
fn cell_record(run: &RunRecord, record: &CellRecord) -> Value {
    let cell = &record.cell;
    let emulated = run.devices.iter().any(|device| device.name == cell.device && device.emulated);
    let kernels = record.memory.iter().flat_map(|memory| &memory.kernels);
    let kernel = |(name, operators): &(String, u32)| format!("{operators} × {name}");
    context! {
        title => format!("{} · {} · {} · {} · ×{}", cell.device, cell.model, cell.variant, cell.runtime, cell.threads),
        blocks => record.blocks.iter().map(|one| block(one, emulated)).collect::<Vec<_>>(),
        ops => ops(record, emulated),
        more_ops => record.ops.len().saturating_sub(OPS_SHOWN),
        kernels => kernels.map(kernel).collect::<Vec<_>>().join(", "),
    }
}

/// The operators of a cell that take most: what they are, and a bar as long as their share.
fn ops(record: &CellRecord, emulated: bool) -> Vec<Value> {
    let mut ops: Vec<&OpRecord> = record.ops.iter().collect();
    ops.sort_by_key(|op| std::cmp::Reverse(op.median_nanos));
    let row = |op: &&OpRecord| {
        let share = 100.0 * op.share_of(record).unwrap_or(0.0);
        context! {
            index => op.index,
            operator => op.operator.as_str(),
            output => op.output.as_str(),
            kernel => op.kernel.as_str(),
            median => figures::latency(op.median_nanos as f64, emulated),
            share => format!("{share:.1}"),
        }
    };
    ops.iter().take(OPS_SHOWN).map(row).collect()
}

fn block(block: &BlockRecord, emulated: bool) -> Value {
    let absent = || figures::ABSENT.to_owned();
    let latency = |value: f64| figures::latency(value, emulated);
    let median = median_of(block.steady_nanos.iter().map(|nanos| *nanos as f64));
    let load = |load: Option<f32>| match load.filter(|load| load.is_finite()) {
        Some(load) => format!("{load:.1}"),
        None => absent(),
    };
    let heat = block.after.temperature_millicelsius.map(|heat| format!("{:.1} °C", f64::from(heat) / 1000.0));
    let clock = block.after.cpu_khz.map(|khz| format!("{} MHz", khz / 1000));
    let state = block.invalid.as_ref().map_or("counts".to_owned(), |reason| format!("left out: {reason}"));
    let cells = vec![
        block.block.to_string(),
        findings::moment(&block.started_at),
        figures::count(block.steady_nanos.len() as u64),
        median.map_or_else(absent, latency),
        latency(block.init_nanos as f64),
        block.warmup_nanos.first().map_or_else(absent, |nanos| latency(*nanos as f64)),
        block.peak_rss_bytes.map_or_else(absent, figures::bytes),
        format!("{} → {}", load(block.before.load_1m), load(block.after.load_1m)),
        heat.unwrap_or_else(absent),
        clock.unwrap_or_else(absent),
        state,
    ];
    Value::from(cells)
}
