//! The two arms of a comparison as the runs of a gate: they took turns, so that every limit on time is judged by pairs.

use std::path::Path;

use edgebench_reports::frame::read_run;
use edgebench_reports::record::RunRecord;

use super::{Chosen, GateError, HISTORY};
use crate::compare::{BASE_RECORD, HEAD_RECORD};
use crate::error::BenchError;
use crate::run::{AGENT_DIGEST, Results, RunFolder};
use crate::suite::Suite;

/// What the folder of a comparison begins with.
const PREFIX: &str = "compare-";

/// The newest comparison of a suite.
const LATEST: &str = "latest";

/// Finds a comparison by its identity, `latest`, or the path of its folder.
///
/// # Errors
/// When there is none, it is of another suite, or a record cannot be read.
pub fn choose_comparison(suite: &Suite, results: &Results, wanted: &str) -> Result<Chosen, BenchError> {
    let known = comparisons(suite, results)?;
    let folder = find(&known, wanted).ok_or_else(|| GateError::NoComparison {
        wanted: wanted.to_owned(),
        folder: results.path().to_owned(),
        known: known.iter().rev().map(|folder| folder.id.clone()).collect(),
    })?;
    let arms = Arms::read(&folder)?;
    if arms.head.run.suite != suite.name {
        let (expected, found) = (suite.name.clone(), arms.head.run.suite);
        return Err(GateError::OtherSuite { run: folder.id, expected, found }.into());
    }
    let how = format!("the base of comparison {}, in turns with its head", folder.id);
    let attempt = attempt(&arms, &folder, &known)?;
    Ok(Chosen { candidate: arms.head, baseline: Some(arms.base), how, history: Vec::new(), attempt })
}

struct Arms {
    base: RunRecord,
    head: RunRecord,
}

impl Arms {
    fn read(folder: &RunFolder) -> Result<Self, BenchError> {
        let read = |name| read_run(&folder.file(name));
        Ok(Self { base: read(BASE_RECORD)?, head: read(HEAD_RECORD)? })
    }

    /// What was compared: the agents of both arms.
    fn agents(&self) -> [Option<String>; 2] {
        let agent = |run: &RunRecord| {
            run.devices.first().and_then(|device| device.properties.get(AGENT_DIGEST).cloned())
        };
        [agent(&self.base), agent(&self.head)]
    }
}

/// Whole comparisons whose name says that they are of the suite, oldest first.
fn comparisons(suite: &Suite, results: &Results) -> Result<Vec<RunFolder>, BenchError> {
    let is_of_suite = |folder: &RunFolder| {
        let rest = folder.id.strip_prefix(PREFIX).and_then(|rest| rest.split_once('-'));
        let of = rest.and_then(|(_, rest)| rest.rsplit_once('-')).map(|(suite, _)| suite);
        of == Some(suite.name.as_str()) && is_whole(folder)
    };
    Ok(results.folders()?.into_iter().filter(is_of_suite).collect())
}

fn is_whole(folder: &RunFolder) -> bool {
    [BASE_RECORD, HEAD_RECORD].iter().all(|name| folder.file(name).is_file())
}

fn find(known: &[RunFolder], wanted: &str) -> Option<RunFolder> {
    if wanted == LATEST {
        return known.last().cloned();
    }
    let by_name = known.iter().find(|folder| folder.id == wanted).cloned();
    by_name.or_else(|| Some(RunFolder::at(Path::new(wanted))).filter(is_whole))
}

/// How many comparisons of the very same agents there are up to this one: each was a chance to pass.
fn attempt(arms: &Arms, folder: &RunFolder, known: &[RunFolder]) -> Result<u32, BenchError> {
    let mut attempt = 1;
    for earlier in known.iter().rev().filter(|one| one.id < folder.id).take(HISTORY) {
        attempt += u32::from(Arms::read(earlier)?.agents() == arms.agents());
    }
    Ok(attempt)
}
