//! `bench self-check`: how far can the comparisons of this device be trusted? The same agent is compared with itself.

use edgebench_reports::compare::SelfCheck;
use edgebench_reports::compare::{CellPairs, Plan, resolution};

use super::cells::CellFilter;
use super::compare::{PairArgs, Places, measure, request};
use super::{Terminal, print};
use crate::compare::ArmRequest;
use crate::error::{BenchError, ExitCode};

/// Arguments of `bench self-check`.
#[derive(clap::Args, Debug)]
pub(super) struct SelfCheckArgs {
    #[command(flatten)]
    cells: CellFilter,
    /// Pairs of each cell.
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(5..=10_000))]
    pairs: u32,
    /// Use this agent instead of building one.
    #[arg(long, env = "EDGEBENCH_AGENT", value_name = "PATH")]
    agent: Option<std::path::PathBuf>,
    #[command(flatten)]
    how: PairArgs,
    #[command(flatten)]
    places: Places,
}

pub(super) fn run(arguments: &SelfCheckArgs, terminal: Terminal) -> Result<ExitCode, BenchError> {
    let agent = match &arguments.agent {
        Some(path) => ArmRequest::Agent(path.clone()),
        None => ArmRequest::Revision(".".to_owned()),
    };
    // All pairs in the screen, and no confirmation: what is asked is what so many pairs say.
    let plan = Plan { screen_pairs: arguments.pairs, confirm_looks: Vec::new(), ..Plan::default() };
    let request = request(&arguments.cells, &arguments.how, &arguments.places, (agent.clone(), agent), plan)?;
    let compared = measure(request, &arguments.places, terminal)?;
    let checks: Vec<(&CellPairs, SelfCheck)> =
        compared.cells.iter().filter_map(|cell| Some((cell, resolution(&cell.screen)?))).collect();
    print(&edgebench_reports::compare::self_check_text(&checks))?;
    for cell in compared.cells.iter().filter(|cell| cell.problem.is_some()) {
        eprintln!(
            "{} {}: {}",
            cell.cell.model,
            cell.cell.variant,
            cell.problem.as_deref().unwrap_or_default()
        );
    }
    let all = checks.len() == compared.cells.len();
    Ok(if all { ExitCode::Pass } else { ExitCode::Device })
}
