//! `bench gate`: is the newest run as good as the one it has to be compared with?

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use edgebench_reports::beside::Beside;
use edgebench_reports::gate::{GateReport, Inputs, flips, judge};
use edgebench_reports::policy::Policy;
use edgebench_reports::render::gate as render;
use jiff::civil::Date;

use super::locations::{CacheFolder, ResultsFolder, SuiteFolders};
use super::{Terminal, print};
use crate::beside::pictures;
use crate::error::{BenchError, ExitCode};
use crate::gate::{Chosen, GateError, Request, choose, choose_comparison, policy};
use crate::run::write_whole;
use crate::suite::Suite;

/// Arguments of `bench gate`.
#[derive(clap::Args, Debug)]
pub(super) struct GateArgs {
    /// Name of the suite, or the path of its folder or file.
    #[arg(long, value_name = "SUITE")]
    suite: String,
    /// What to compare with: identity of a run, a revision, or `latest`. By default the run of the commit where the
    /// candidate's branch left the main branch, else of the nearest commit before it, else the newest run before it.
    #[arg(long, value_name = "RUN|REV")]
    baseline: Option<String>,
    /// The run that is judged.
    #[arg(long, value_name = "RUN", default_value = "latest")]
    candidate: String,
    /// Judge the two sides of a comparison that `bench compare` made, which took turns: its identity, its folder, or
    /// `latest`. The base is what the head is compared with.
    #[arg(long, value_name = "COMPARISON", conflicts_with_all = ["baseline", "candidate", "onto", "first_run"])]
    compare: Option<String>,
    /// The branch that changes are merged to; by default origin/HEAD, main or master.
    #[arg(long, value_name = "BRANCH")]
    onto: Option<String>,
    /// Take the limits and waivers from this revision, so that a change cannot loosen its own gate.
    #[arg(long, value_name = "REV")]
    policy_from: Option<String>,
    /// Accept that there is no run to compare with yet; absolute limits are still held.
    #[arg(long)]
    first_run: bool,
    /// Tell everything about the cells whose name has these words, such as host/int8.
    #[arg(long, value_name = "CELL")]
    explain: Option<String>,
    /// What to print.
    #[arg(long, short, value_enum, default_value_t = Format::Terminal)]
    format: Format,
    #[command(flatten)]
    files: Files,
    /// The day for waivers, as 2026-12-31; today by default, in UTC.
    #[arg(long, value_name = "DAY", env = "EDGEBENCH_TODAY", hide = true)]
    today: Option<Date>,
    #[command(flatten)]
    suites: SuiteFolders,
    #[command(flatten)]
    results: ResultsFolder,
    #[command(flatten)]
    storage: CacheFolder,
}

/// What else is written, beside what is printed.
#[derive(clap::Args, Debug)]
struct Files {
    /// One self-contained page: the verdict, then why.
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
    /// JUnit XML, one case a cell.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Markdown of less than 1 MiB, to be appended to $GITHUB_STEP_SUMMARY.
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,
    /// Markdown of less than 65,536 characters for a comment, with a mark to find it again by.
    #[arg(long, value_name = "FILE")]
    comment: Option<PathBuf>,
    /// The verdict and everything behind it as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// The examples whose answers changed, against the baseline and the float variant, as CSV.
    #[arg(long, value_name = "FILE")]
    flips: Option<PathBuf>,
    /// The candidate's figures in Bencher Metric Format.
    #[arg(long, value_name = "FILE")]
    bencher: Option<PathBuf>,
    /// The candidate's figures as customSmallerIsBetter of github-action-benchmark.
    #[arg(long, value_name = "FILE")]
    smaller_is_better: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
enum Format {
    /// For this terminal.
    Terminal,
    /// For pull requests and step summaries.
    Markdown,
    /// Everything behind the verdict.
    Json,
    /// JUnit XML.
    Junit,
    /// Workflow commands of GitHub, one an offending cell.
    Annotations,
}

pub(super) fn run(arguments: &GateArgs, terminal: Terminal) -> Result<ExitCode, BenchError> {
    let suite = Suite::find(&arguments.suite, arguments.suites.paths())?;
    let policy = policy(&suite, arguments.policy_from.as_deref())?;
    let results = arguments.results.open();
    let chosen = match &arguments.compare {
        Some(comparison) => choose_comparison(&suite, &results, comparison)?,
        None => choose(&Request {
            suite: &suite,
            results: &results,
            baseline: arguments.baseline.as_deref(),
            candidate: &arguments.candidate,
            onto: arguments.onto.as_deref(),
            first_run: arguments.first_run,
        })?,
    };
    let inputs = inputs(&chosen, &policy, arguments.today);
    let report = judge(&inputs);
    write(arguments, &report, &inputs)?;
    print(&told(arguments, &report, &policy, &chosen, terminal)?)?;
    Ok(report.verdict.into())
}

fn inputs<'a>(chosen: &'a Chosen, policy: &'a Policy, today: Option<Date>) -> Inputs<'a> {
    Inputs {
        candidate: &chosen.candidate,
        baseline: chosen.baseline.as_ref(),
        history: &chosen.history,
        policy,
        today: today
            .unwrap_or_else(|| jiff::Timestamp::now().to_zoned_datetime(jiff::tz::TimeZone::UTC).date()),
        attempt: chosen.attempt,
    }
}

fn told(
    arguments: &GateArgs,
    report: &GateReport,
    policy: &Policy,
    chosen: &Chosen,
    terminal: Terminal,
) -> Result<String, BenchError> {
    if let Some(wanted) = &arguments.explain {
        return render::explain(report, policy, wanted).ok_or_else(|| {
            let known = report.cells.iter().map(|cell| cell.cell.path()).collect();
            GateError::NoCell { wanted: wanted.clone(), known }.into()
        });
    }
    Ok(match arguments.format {
        Format::Terminal => {
            format!("{}baseline: {}\n", render::terminal(report, terminal.options(true)), chosen.how)
        }
        Format::Markdown => render::markdown(report, render::SUMMARY_LIMIT),
        Format::Json => render::json(report),
        Format::Junit => render::junit(report),
        Format::Annotations => render::annotations(report),
    })
}

/// The page with the pictures of the answers that it lists.
fn page(report: &GateReport, inputs: &Inputs<'_>, cache: &CacheFolder) -> Result<String, BenchError> {
    let flips = flips(inputs);
    let shown = flips.iter().take(render::FLIPS_SHOWN).map(|flip| (flip.id.clone(), flip.position));
    // Without a cache there are no pictures; the page is whole without them.
    let pictures = cache.cache().map(|cache| pictures(shown, &cache)).unwrap_or_default();
    Ok(render::page(report, &flips, &Beside { pictures, ..Beside::default() })?)
}

fn write(arguments: &GateArgs, report: &GateReport, inputs: &Inputs<'_>) -> Result<(), BenchError> {
    type Text<'a> = &'a dyn Fn() -> String;
    let files = &arguments.files;
    if let Some(path) = &files.page {
        let page = page(report, inputs, &arguments.storage)?;
        write_whole(path, page.as_bytes()).map_err(|cause| BenchError::write(path, cause))?;
    }
    let wanted: [(&Option<PathBuf>, Text<'_>); 7] = [
        (&files.junit, &|| render::junit(report)),
        (&files.summary, &|| render::markdown(report, render::SUMMARY_LIMIT)),
        (&files.comment, &|| render::markdown(report, render::COMMENT_LIMIT)),
        (&files.json, &|| render::json(report)),
        (&files.flips, &|| render::flips(&flips(inputs))),
        (&files.bencher, &|| render::bencher(inputs.candidate)),
        (&files.smaller_is_better, &|| render::smaller_is_better(inputs.candidate)),
    ];
    let put = |path: &Path, text: String| {
        write_whole(path, text.as_bytes()).map_err(|cause| BenchError::write(path, cause))
    };
    wanted.iter().try_for_each(|(path, text)| path.as_ref().map_or(Ok(()), |path| put(path, text())))
}
