//! Where the time of an inference goes, in the tables of LiteRT's `benchmark_model` (`tsl/util/stats_calculator.cc`): the
//! operators in the order they run, those that take most, and all of one type together. Scripts read these columns.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::outside::printable;
use crate::record::{OpRecord, RunRecord};

/// How the tables are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OpForm {
    /// As `benchmark_model` writes them.
    Text,
    /// As `benchmark_model` writes them for spreadsheets.
    Csv,
    /// As text, with a column that says which kernel set ran each operator.
    WithKernels,
    /// As [`WithKernels`](Self::WithKernels), of an emulated device: counts of instructions are no milliseconds.
    Counts,
}

/// Operators among those that take most.
const TOP: usize = 10;

/// Every table: run order, the ten that take most, each type.
pub fn op_tables(ops: &[OpRecord], form: OpForm) -> String {
    let mut text = order(ops, form);
    text.push_str(&summary(ops, form));
    text
}

/// For each cell whose operators were looked at: those that take most, and each type. Empty when there is no such cell.
pub fn profiles(run: &RunRecord) -> String {
    cells(run, summary)
}

/// For each cell whose operators were looked at, every table.
pub fn operators(run: &RunRecord) -> String {
    let text = cells(run, op_tables);
    if text.is_empty() { "no operators were looked at in this run\n".to_owned() } else { text }
}

fn cells(run: &RunRecord, tables: fn(&[OpRecord], OpForm) -> String) -> String {
    let mut text = String::new();
    for record in run.cells.iter().filter(|record| !record.ops.is_empty()) {
        let cell = &record.cell;
        let emulated = run.is_emulated(cell);
        let form = if emulated { OpForm::Counts } else { OpForm::WithKernels };
        let unit = if emulated { "thousands of instructions" } else { "milliseconds" };
        let names = printable(&format!("{} {} on {}", cell.model, cell.variant, cell.device));
        let threads = if cell.threads == 1 { String::new() } else { format!(", {} threads", cell.threads) };
        let _ = writeln!(text, "\noperators of {names}{threads}, in {unit}");
        text.push_str(&tables(&record.ops, form));
    }
    text
}

fn order(ops: &[OpRecord], form: OpForm) -> String {
    let all: Vec<&OpRecord> = ops.iter().collect();
    table("Run Order", &all, ops, form)
}

fn summary(ops: &[OpRecord], form: OpForm) -> String {
    let mut sorted: Vec<&OpRecord> = ops.iter().collect();
    sorted.sort_by(|one, other| amount(other).total_cmp(&amount(one)));
    sorted.truncate(TOP);
    table("Top by Computation Time", &sorted, ops, form) + &by_type(ops, form)
}

/// Nanoseconds of an inference, in the mean.
fn amount(op: &OpRecord) -> f64 {
    op.total_nanos as f64 / f64::from(op.runs.max(1))
}

fn all_of(ops: &[OpRecord]) -> f64 {
    ops.iter().map(amount).sum::<f64>().max(f64::MIN_POSITIVE)
}

impl OpForm {
    /// Nanoseconds in milliseconds, or instructions in thousands.
    fn scaled(self, amount: f64) -> f64 {
        if self == Self::Counts { amount / 1e3 } else { amount / 1e6 }
    }

    fn unit(self) -> &'static str {
        if self == Self::Counts { "k" } else { "ms" }
    }

    fn has_kernels(self) -> bool {
        matches!(self, Self::WithKernels | Self::Counts)
    }
}

fn banner(title: &str) -> String {
    let line = "=".repeat(30);
    format!("{line} {title} {line}\n")
}

fn table(title: &str, rows: &[&OpRecord], ops: &[OpRecord], form: OpForm) -> String {
    let mut text = banner(title) + &heading(form);
    let all = all_of(ops);
    let mut so_far = 0.0;
    for op in rows {
        so_far += amount(op);
        let name = format!("[{}]:{}", printable(&op.output), op.index);
        let (first, mean) = (form.scaled(op.first_nanos as f64), form.scaled(amount(op)));
        let (share, sum) = (amount(op) / all * 100.0, so_far / all * 100.0);
        let (operator, kernel) = (printable(&op.operator), printable(&op.kernel));
        // The memory is that of a delegate's own; there is none here, as there is none for LiteRT's own kernels.
        let _ = match form {
            OpForm::Csv => writeln!(
                text,
                "{operator}, {first}, {mean}, {share}%, {sum}%, 0, 1, {}",
                name.replace(',', "\t")
            ),
            _ => write!(
                text,
                "\t{operator:>24}\t{first:>9.3}\t{mean:>9.3}\t{share:>7.3}%\t{sum:>7.3}%\t{:>10.3}\t{:>9}",
                0.0, 1
            )
            .and_then(|()| if form.has_kernels() { write!(text, "\t{kernel:>12}") } else { Ok(()) })
            .and_then(|()| writeln!(text, "\t{name}")),
        };
    }
    text.push('\n');
    text
}

fn heading(form: OpForm) -> String {
    if form == OpForm::Csv {
        return "node type, first, avg_ms, %, cdf%, mem KB, times called, name\n".to_owned();
    }
    let mean = format!("[avg {}]", form.unit());
    let mut text = format!(
        "\t{:>24}\t{:>9}\t{mean:>9}\t{:>8}\t{:>8}\t{:>10}\t{:>9}",
        "[node type]", "[first]", "[%]", "[cdf%]", "[mem KB]", "[times called]"
    );
    if form.has_kernels() {
        let _ = write!(text, "\t{:>12}", "[kernels]");
    }
    text + "\t[Name]\n"
}

fn by_type(ops: &[OpRecord], form: OpForm) -> String {
    let mut types: BTreeMap<&str, (usize, f64)> = BTreeMap::new();
    for op in ops {
        let (count, sum) = types.entry(&op.operator).or_default();
        (*count, *sum) = (*count + 1, *sum + amount(op));
    }
    let mut sorted: Vec<(&str, (usize, f64))> = types.into_iter().collect();
    sorted.sort_by(|(_, (_, one)), (_, (_, other))| other.total_cmp(one));
    let mut text = format!("Number of nodes executed: {}\n", ops.len()) + &banner("Summary by node type");
    text.push_str(&match form {
        OpForm::Csv => "node type, count, avg_ms, avg %, cdf %, mem KB, times called\n".to_owned(),
        _ => format!(
            "\t{:>24}\t{:>9}\t{:>10}\t{:>11}\t{:>11}\t{:>10}\t{:>10}\n",
            "[Node type]",
            "[count]",
            format!("[avg {}]", form.unit()),
            "[avg %]",
            "[cdf %]",
            "[mem KB]",
            "[times called]"
        ),
    });
    let (all, mut so_far) = (all_of(ops), 0.0);
    for (operator, (count, sum)) in sorted {
        so_far += sum;
        let (mean, share, cumulated) = (form.scaled(sum), sum / all * 100.0, so_far / all * 100.0);
        let operator = printable(operator);
        let _ = match form {
            OpForm::Csv => {
                writeln!(text, "{operator}, {count}, {mean}, {share}%, {cumulated}%, 0, {count}")
            }
            _ => writeln!(
                text,
                "\t{operator:>24}\t{count:>9}\t{mean:>10.3}\t{share:>10.3}%\t{cumulated:>10.3}%\t{:>10.3}\t{count:>9}",
                0.0
            ),
        };
    }
    text.push('\n');
    text
}
