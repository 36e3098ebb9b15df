//! The command line: one file a verb, each with its arguments and how it runs. No measuring, no arithmetic and no
//! wording of errors here.

mod agree;
mod benchmark_model;
mod cells;
mod compare;
mod convert;
mod devices;
mod diff_outputs;
mod doctor;
mod gate;
mod infer;
mod inspect;
mod layers;
mod locations;
mod parity;
mod plan;
mod report;
mod run;
mod self_check;
mod suites;
mod trend;

use std::io::IsTerminal;

use clap::{Parser, Subcommand, ValueEnum};

use edgebench_reports::render::TerminalOptions;
use tokio_util::sync::CancellationToken;

use crate::error::{BenchError, ExitCode};
use crate::run::Display;

/// Exit codes as `--help` documents them.
fn exit_codes() -> String {
    let lines = ExitCode::TABLE.iter().map(|(code, meaning)| format!("  {:<4} {meaning}\n", code.code()));
    format!("Exit codes:\n{}", lines.collect::<String>())
}

/// Measure quantized networks on real edge devices: size, latency, memory and accuracy of every variant.
#[derive(Parser, Debug)]
#[command(name = "bench", version, after_help = exit_codes(), propagate_version = true, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Verb,
}

/// Options of every verb.
#[derive(clap::Args, Debug)]
struct Global {
    /// Colours in what is printed.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    color: Color,
    /// Print no progress, only results and what went wrong.
    #[arg(long, short, global = true)]
    quiet: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    Always,
    Never,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Measure a suite's variants on devices and write a report.
    Run(Box<run::RunArgs>),
    /// Show the report of an earlier run, or write it in another format.
    Report(report::ReportArgs),
    /// Judge a run against the one it has to be compared with, by the suite's limits.
    Gate(Box<gate::GateArgs>),
    /// Tell how many pairs and minutes it takes to see a change of a given size, from the history of the device.
    Plan(plan::PlanArgs),
    /// Tell whether devices gave the same outputs, bit by bit, in runs that kept them.
    Agree(agree::AgreeArgs),
    /// Tell whether one revision is slower than another: both built, measured pair by pair on the same device.
    Compare(Box<compare::CompareArgs>),
    /// Show how figures went over runs, and which commits changed them; write it as a static site.
    Trend(trend::TrendArgs),
    /// Compare this build with itself: how far comparisons on a device can be trusted, and how small a change they show.
    SelfCheck(Box<self_check::SelfCheckArgs>),
    /// Time one model here, with the flags and in the words of LiteRT's benchmark_model.
    BenchmarkModel(Box<benchmark_model::BenchmarkModelArgs>),
    /// Write a quantized variant of a float .tflite model.
    Convert(convert::ConvertArgs),
    /// Tell what is in a .tflite model: operators, tensors, bytes, multiply-accumulates, memory.
    Inspect(inspect::InspectArgs),
    /// Run a model once on given tensors and write its outputs, or every tensor, to a .npz file.
    Infer(infer::InferArgs),
    /// Compare the tensors of two .npz files: how far apart, and which differs first.
    DiffOutputs(diff_outputs::DiffArgs),
    /// Tell which operator of a quantized model does the harm: each quantized by itself in the float network.
    Layers(layers::LayersArgs),
    /// Compare a model with LiteRT, operator by operator: equal, rounded elsewhere, or apart.
    Parity(parity::ParityArgs),
    /// List the suites, or check one.
    Suites(suites::SuitesArgs),
    /// List the devices, or check that they answer.
    Devices(devices::DevicesArgs),
    /// Check this machine: what is there, what is missing, what to do about it.
    Doctor(doctor::DoctorArgs),
}

/// How to write to the person at the terminal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Terminal {
    color: bool,
    width: usize,
    display: Display,
}

impl Terminal {
    fn new(global: &Global) -> Self {
        let color = match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                std::io::stdout().is_terminal()
                    && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            }
        };
        let display = match (global.quiet, std::io::stderr().is_terminal()) {
            (true, _) => Display::Quiet,
            (false, true) => Display::Bars,
            (false, false) => Display::Lines,
        };
        Self { color, width: terminal_width(), display }
    }
}

impl Terminal {
    /// For a table on standard output, or plain for a file.
    fn options(self, on_terminal: bool) -> TerminalOptions {
        TerminalOptions { width: self.width, color: self.color && on_terminal }
    }
}

/// The first Ctrl-C (or SIGTERM) stops the work in order; the second ends the program at once.
async fn listen(cancel: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminated) = signal(SignalKind::terminate()) else { return };
    for attempt in 0..2 {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminated.recv() => {}
        }
        if attempt == 0 {
            cancel.cancel();
        } else {
            std::process::exit(i32::from(ExitCode::Interrupted.code()));
        }
    }
}

/// Columns of the terminal; 100 where there is none.
fn terminal_width() -> usize {
    const WITHOUT_TERMINAL: usize = 100;
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok().map(|size| usize::from(size.ws_col));
    size.filter(|columns| *columns > 0).unwrap_or(WITHOUT_TERMINAL)
}

impl Cli {
    /// Does what was asked for. What goes wrong is told on standard error.
    pub fn execute(self) -> std::process::ExitCode {
        let terminal = Terminal::new(&self.global);
        let done = match self.verb {
            Verb::Run(arguments) => run::run(&arguments, terminal),
            Verb::Report(arguments) => report::run(&arguments, terminal),
            Verb::Gate(arguments) => gate::run(&arguments, terminal),
            Verb::Plan(arguments) => plan::run(&arguments, terminal),
            Verb::Agree(arguments) => agree::run(&arguments, terminal),
            Verb::Compare(arguments) => compare::run(&arguments, terminal),
            Verb::Trend(arguments) => trend::run(&arguments, terminal),
            Verb::SelfCheck(arguments) => self_check::run(&arguments, terminal),
            Verb::BenchmarkModel(arguments) => benchmark_model::run(&arguments, terminal),
            Verb::Convert(arguments) => convert::run(&arguments, terminal),
            Verb::Inspect(arguments) => inspect::run(&arguments, terminal),
            Verb::Infer(arguments) => infer::run(&arguments, terminal),
            Verb::DiffOutputs(arguments) => diff_outputs::run(&arguments, terminal),
            Verb::Layers(arguments) => layers::run(&arguments, terminal),
            Verb::Parity(arguments) => parity::run(&arguments, terminal),
            Verb::Suites(arguments) => suites::run(&arguments, terminal),
            Verb::Devices(arguments) => devices::run(&arguments, terminal),
            Verb::Doctor(arguments) => doctor::run(&arguments, terminal),
        };
        done.unwrap_or_else(|error| tell(&error)).into()
    }
}

fn tell(error: &BenchError) -> ExitCode {
    let color =
        std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    // Nothing can be told when standard error is closed; the exit code still says it.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), error.render(color).as_bytes());
    error.exit_code()
}

/// Writes text to standard output. A reader that has seen enough (`| head`) is no error.
fn print(text: &str) -> Result<(), BenchError> {
    match std::io::Write::write_all(&mut std::io::stdout().lock(), text.as_bytes()) {
        Err(cause) if cause.kind() != std::io::ErrorKind::BrokenPipe => Err(BenchError::output(cause)),
        _ => Ok(()),
    }
}
