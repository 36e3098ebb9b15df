//! Gates that have nothing to judge, and what a verdict means to whoever called us.

use edgebench_reports::verdict::Verdict;

use super::names::choices;
use super::{BenchError, ExitCode, Report};
use crate::gate::GateError;
use crate::revision::RevisionError;

impl From<Verdict> for ExitCode {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass | Verdict::Improved | Verdict::New | Verdict::Waived => Self::Pass,
            Verdict::Regressed => Self::Regression,
            Verdict::Inconclusive => Self::Inconclusive,
            Verdict::Missing | Verdict::Invalid => Self::Device,
        }
    }
}

impl From<GateError> for BenchError {
    fn from(error: GateError) -> Self {
        let report = |exit| Report::new(exit, &error);
        match &error {
            GateError::NoRun { suite, .. } => report(ExitCode::Device)
                .help(format!("measure first: bench run --suite {suite} --devices ..."))
                .help("or name the folder with --results")
                .into(),
            GateError::NoComparison { wanted, known, .. } => choices(report(ExitCode::Usage), wanted, known)
                .help(
                    "expected the identity of a comparison, `latest`, or its folder; bench compare makes one",
                )
                .into(),
            GateError::NoBaseline { looked, .. } => looked
                .iter()
                .fold(report(ExitCode::Device), Report::because)
                .help("measure the revision it should be compared with, or name a run with --baseline")
                .help("if this is the first run there is, say so with --first-run")
                .into(),
            GateError::Itself { .. } => {
                report(ExitCode::Usage).help("name another run with --baseline or --candidate").into()
            }
            GateError::OtherSuite { .. } => report(ExitCode::Usage)
                .help("name a run of the suite, or the run's suite with --suite")
                .into(),
            GateError::NoPolicy { file, .. } => report(ExitCode::Usage)
                .at(file)
                .help("add limits, such as [gate] latency = { max_increase = \"3%\" }")
                .into(),
            GateError::NoCell { known, wanted } => choices(report(ExitCode::Usage), wanted, known)
                .help("words of the cell's name, such as host/mobilenet/int8")
                .into(),
        }
    }
}

impl From<RevisionError> for BenchError {
    fn from(error: RevisionError) -> Self {
        let report = Report::new(ExitCode::Usage, &error);
        match &error {
            RevisionError::NoRepository { said, .. } => {
                report.because(said).help("revisions are those of the repository that the suite lies in").into()
            }
            RevisionError::Unknown { .. } => report
                .help("expected the identity of a run, `latest`, or a branch, tag or commit; a shallow clone may lack it: fetch it first")
                .into(),
            RevisionError::NoFile { .. } => {
                report.help("the suite has to be there in that revision to take its policy from it").into()
            }
        }
    }
}
