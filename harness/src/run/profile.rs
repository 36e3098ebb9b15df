//! Where the time of an inference goes: what is asked of an agent, and what the record keeps of its answer.

use edgebench_reports::record::OpRecord;
use edgebench_wire::{Limits, OperatorTimes};

/// Runs that are looked at. LiteRT's `benchmark_model` looks at all that count, 50 by default.
const RUNS: u32 = 50;

/// No new run that is looked at after so long: shares do not need more.
const MAX_MICROS: u64 = 10_000_000;

/// How long to look at operators, where a block of the device is measured under these limits. Counts of an emulator
/// repeat, so that there a few are enough.
pub(super) fn limits(steady: &Limits, emulated: bool) -> Limits {
    let min_runs = if emulated { steady.min_runs } else { RUNS };
    let max_micros = if emulated { steady.max_micros } else { steady.max_micros.min(MAX_MICROS) };
    Limits { min_runs, min_micros: 0, max_micros }
}

/// An operator as the record has it.
pub(crate) fn op_record(times: OperatorTimes) -> OpRecord {
    let OperatorTimes { index, operator, output, kernel, macs, mut nanos } = times;
    let first_nanos = nanos.first().copied().unwrap_or_default();
    let total_nanos = nanos.iter().fold(0u64, |sum, nanos| sum.saturating_add(*nanos));
    let runs = u32::try_from(nanos.len()).unwrap_or(u32::MAX);
    nanos.sort_unstable();
    let median_nanos = nanos.get(nanos.len() / 2).copied().unwrap_or_default();
    OpRecord { index, operator, output, kernel, macs, runs, first_nanos, median_nanos, total_nanos }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_keeps_first_median_and_total() {
        let times = |nanos: &[u64]| OperatorTimes {
            index: 4,
            operator: "CONV_2D".to_owned(),
            output: "y".to_owned(),
            kernel: "avx2".to_owned(),
            macs: 12,
            nanos: nanos.to_vec(),
        };
        let record = op_record(times(&[30, 10, 20]));
        assert_eq!((record.first_nanos, record.median_nanos, record.total_nanos), (30, 20, 60));
        assert_eq!((record.runs, record.index, record.macs), (3, 4, 12));
        assert_eq!(op_record(times(&[])).runs, 0);
        assert_eq!(op_record(times(&[u64::MAX, 1])).total_nanos, u64::MAX);
    }

    #[test]
    fn an_emulated_device_is_looked_at_as_often_as_it_is_measured() {
        let steady = Limits { min_runs: 3, min_micros: 5, max_micros: 3_600_000_000 };
        assert_eq!(limits(&steady, true), Limits { min_runs: 3, min_micros: 0, max_micros: 3_600_000_000 });
        assert_eq!(limits(&steady, false), Limits { min_runs: 50, min_micros: 0, max_micros: MAX_MICROS });
    }
}
