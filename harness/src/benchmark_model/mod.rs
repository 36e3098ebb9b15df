//! `bench benchmark-model`: one network timed the way LiteRT's `benchmark_model` times it, told in its words, so that
//! scripts which read that tool's output read ours. In this process, with no device and no suite: for figures that are
//! kept and judged there is [`crate::run`].
//!
//! The texts, two misspellings included, are those of `tflite/tools/benchmark/benchmark_model.cc`.

mod inputs;
mod proto;
mod stat;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use edgebench_converter::{
    ConvertError, InferOptions, LooseTensor, Operator, Ready, RepeatOptions, repeat, signature_keys,
};
use edgebench_reports::record::OpRecord;
use edgebench_reports::render::{OpForm, op_tables};
use edgebench_wire::OperatorTimes;

use crate::error::BenchError;
use crate::run::{op_record, write_whole};
use inputs::{Draws, random};
use stat::general;

pub use inputs::Range;
pub use stat::Stat;

/// What is asked for, under the names of the flags.
#[derive(Clone, Debug)]
pub struct Benchmark {
    /// A `.tflite` file.
    pub graph: PathBuf,
    /// Key of a signature; the only one when it is empty.
    pub signature_to_run_for: String,
    /// Worker threads.
    pub num_threads: usize,
    /// Kernel set.
    pub kernels: String,
    /// Both phases.
    pub warmup: Phase,
    /// The runs that count.
    pub regular: Phase,
    /// No run begins after so long.
    pub max_secs: f32,
    /// Pause between runs, in seconds; none below 0.
    pub run_delay: f32,
    /// Runs a second, in place of a pause; not so when not above 0.
    pub run_frequency: f32,
    /// Inputs with shapes and values of their own: all of them, in order, or none.
    pub inputs: Vec<Input>,
    /// Whether operators are timed one by one.
    pub profile: Option<Profile>,
    /// Whether the peak of memory is told.
    pub report_peak_memory_footprint: bool,
    /// Where the outputs of the last run go, as they lie in memory.
    pub output_filepath: Option<PathBuf>,
    /// Where the figures go, as LiteRT's `BenchmarkResult`.
    pub result_file_path: Option<PathBuf>,
}

/// How long runs of one kind go on.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Phase {
    /// At least so many.
    pub runs: i32,
    /// At least so long.
    pub min_secs: f32,
}

/// An input that is named on the command line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Input {
    /// The tensor's name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Integers that it is filled with.
    pub range: Option<Range>,
    /// A file with its bytes.
    pub file: Option<PathBuf>,
}

/// Where the times of operators go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Profile {
    /// As text or for spreadsheets.
    pub form: OpForm,
    /// A file in place of standard output.
    pub file: Option<PathBuf>,
}

/// Hears each line as it comes: a run takes a while, and whoever waits wants to see it.
pub type Tell<'t> = &'t mut dyn FnMut(&str) -> Result<(), BenchError>;

/// Keys of the model's signatures, as `--list_signatures` tells them.
///
/// # Errors
/// When the file cannot be read or is no model.
pub fn list_signatures(graph: &Path, tell: Tell<'_>) -> Result<(), BenchError> {
    let keys = signature_keys(&read(graph)?).map_err(|error| BenchError::model(graph, &error))?;
    tell(&format!("The Model contains {} signature key(s).", keys.len()))?;
    if !keys.is_empty() {
        tell("They are listed below: ")?;
    }
    keys.iter().try_for_each(|key| tell(&format!("-> Signature Key: {key}")))
}

/// Runs it to its end.
///
/// # Errors
/// When the model cannot be read, made ready or run, an input does not fit it, or a file cannot be written.
pub fn run(benchmark: &Benchmark, tell: Tell<'_>) -> Result<(), BenchError> {
    let graph = &benchmark.graph;
    let start_kb = peak_kb();
    let begun = Instant::now();
    let model = read(graph)?;
    tell(&format!("Loaded model {}", graph.display()))?;
    let options = benchmark.options(&model, tell)?;
    let model_bytes = model.len();
    let worked = repeat(&model, &options, |ready| {
        let init = Init { us: micros(begun.elapsed()), kb: delta(start_kb, peak_kb()), model_bytes };
        benchmark.measure(ready, &init, start_kb, tell)
    });
    worked.map_err(|error| BenchError::model(graph, &error))?
}

/// What making ready took.
struct Init {
    us: u64,
    kb: Option<u64>,
    model_bytes: usize,
}

/// Everything that is told at the end.
pub(crate) struct Results {
    pub(crate) model_size_mb: f64,
    pub(crate) init_us: u64,
    pub(crate) warmup: Stat,
    pub(crate) regular: Stat,
    pub(crate) init_kb: Option<u64>,
    pub(crate) overall_kb: Option<u64>,
    pub(crate) peak_kb: Option<u64>,
    pub(crate) input_bytes: usize,
}

impl Benchmark {
    fn options(&self, model: &[u8], tell: Tell<'_>) -> Result<RepeatOptions, BenchError> {
        let keys = signature_keys(model).map_err(|error| BenchError::model(&self.graph, &error))?;
        let signature = match (&*self.signature_to_run_for, &keys[..]) {
            ("", [only]) => Some(only.clone()),
            ("", []) => None,
            (given, keys) if keys.iter().any(|key| key == given) => Some(given.to_owned()),
            (given, _) => return Err(BenchError::signature(&self.graph, given, &keys)),
        };
        if let Some(key) = &signature {
            tell(&format!("Using signature: {key}"))?;
        }
        let how = InferOptions {
            threads: self.num_threads,
            kernels: self.kernels.clone(),
            dump_all: false,
            signature,
        };
        Ok(RepeatOptions { how, shapes: self.inputs.iter().map(|input| input.shape.clone()).collect() })
    }

    fn measure(
        &self,
        ready: &mut Ready<'_>,
        init: &Init,
        start_kb: Option<u64>,
        tell: Tell<'_>,
    ) -> Result<(), BenchError> {
        let model_size_mb = init.model_bytes as f64 / 1e6;
        tell(&format!("The input model file size (MB): {}", general(model_size_mb)))?;
        tell(&format!("Initialized session in {}ms.", general(init.us as f64 / 1e3)))?;
        let input_bytes = self.fill(ready)?;
        let warmup = self.runs(self.warmup, tell, &mut || ready.invoke())?;
        let mut looks = Looks::new(self.profile.is_some().then(|| ready.operators()));
        let regular = self.runs(self.regular, tell, &mut || looks.invoke(ready))?;
        let results = Results {
            model_size_mb,
            init_us: init.us,
            warmup,
            regular,
            init_kb: init.kb,
            overall_kb: delta(start_kb, peak_kb()),
            peak_kb: peak_kb().filter(|_| self.report_peak_memory_footprint),
            input_bytes,
        };
        results.tell(tell)?;
        self.write_profile(init.us, looks, tell)?;
        self.write_results(ready, &results, tell)
    }

    /// Gives every input its values; returns their bytes.
    fn fill(&self, ready: &mut Ready<'_>) -> Result<usize, BenchError> {
        let wrong = |error: ConvertError| BenchError::model(&self.graph, &error);
        let tensors = ready.inputs();
        self.check_names(&tensors)?;
        let mut draws = Draws::new();
        for (slot, tensor) in tensors.iter().enumerate() {
            let given = self.inputs.get(slot);
            let bytes = match given.and_then(|given| given.file.as_deref()) {
                Some(file) => read(file)?,
                None => random(tensor, given.and_then(|given| given.range), &mut draws),
            };
            ready.set_input(slot, &bytes).map_err(wrong)?;
        }
        Ok(tensors.iter().map(|tensor| tensor.bytes.len()).sum())
    }

    /// Inputs that are named must be all of them, in the model's order.
    fn check_names(&self, tensors: &[LooseTensor]) -> Result<(), BenchError> {
        let own = |tensor: &LooseTensor| tensor.name.clone().unwrap_or_default();
        let named = self.inputs.iter().map(|input| &input.name);
        let same =
            named.len() == tensors.len() && named.zip(tensors).all(|(name, tensor)| *name == own(tensor));
        if self.inputs.is_empty() || same {
            return Ok(());
        }
        let expected: Vec<String> = tensors.iter().map(own).collect();
        let found: Vec<&str> = self.inputs.iter().map(|input| input.name.as_str()).collect();
        let what = format!("--input_layer: expected {}, found {}", expected.join(","), found.join(","));
        Err(BenchError::option(what))
    }

    /// Runs of one kind, by the rule of `benchmark_model`: the limits are looked at between runs only.
    fn runs(
        &self,
        phase: Phase,
        tell: Tell<'_>,
        invoke: &mut dyn FnMut() -> Result<(), ConvertError>,
    ) -> Result<Stat, BenchError> {
        tell(&format!(
            "Running benchmark for at least {} iterations and at least {} seconds but terminate if exceeding {} seconds.",
            phase.runs,
            general(f64::from(phase.min_secs)),
            general(f64::from(self.max_secs))
        ))?;
        let begun = Instant::now();
        let passed = || begun.elapsed().as_secs_f64();
        let mut stat = Stat::default();
        let wants_another = |count: usize, now: f64| {
            let few = i32::try_from(count).is_ok_and(|count| count < phase.runs);
            (few || now < f64::from(phase.min_secs)) && now <= f64::from(self.max_secs)
        };
        while wants_another(stat.count(), passed()) {
            let run_begun = Instant::now();
            let done = invoke();
            stat.add(micros(run_begun.elapsed()));
            done.map_err(|error| BenchError::model(&self.graph, &error))?;
            self.pause(stat.count(), passed());
        }
        tell(&format!("{}\n", stat.line()))?;
        Ok(stat)
    }

    /// Waits until the next run is due; `now` is since the first began.
    fn pause(&self, done: usize, now: f64) {
        let seconds = if self.run_frequency > 0.0 {
            done as f64 / f64::from(self.run_frequency) - now
        } else {
            f64::from(self.run_delay)
        };
        if let Ok(pause) = Duration::try_from_secs_f64(seconds) {
            std::thread::sleep(pause);
        }
    }

    fn write_profile(&self, init_us: u64, looks: Looks, tell: Tell<'_>) -> Result<(), BenchError> {
        let Some(profile) = &self.profile else { return Ok(()) };
        let init = "Profiling Info for Benchmark Initialization:";
        let runs = "Operator-wise Profiling Info for Regular Benchmark Runs:";
        let mut one = Stat::default();
        one.add(init_us);
        let start = section(init, &[allocation(init_us)], profile.form, &one);
        let totals = looks.totals.clone();
        let all = section(runs, &looks.records(), profile.form, &totals);
        match &profile.file {
            None => [start, all].iter().try_for_each(|text| tell(text)),
            Some(file) => write(file, format!("{start}\n{all}\n").as_bytes()),
        }
    }

    fn write_results(&self, ready: &Ready<'_>, results: &Results, tell: Tell<'_>) -> Result<(), BenchError> {
        if let Some(path) = &self.output_filepath {
            let bytes: Vec<u8> = ready.outputs().into_iter().flat_map(|output| output.bytes).collect();
            write(path, &bytes)?;
        }
        let Some(path) = &self.result_file_path else { return Ok(()) };
        tell(&format!("Saving benchmark result to: {}", path.display()))?;
        write(path, &proto::encoded(results))?;
        tell(&format!("Saved benchmark result to: {}", path.display()))
    }
}

impl Results {
    fn tell(&self, tell: Tell<'_>) -> Result<(), BenchError> {
        tell(&format!(
            "Inference timings in us: Init: {}, First inference: {}, Warmup (avg): {}, Inference (avg): {}",
            self.init_us,
            self.warmup.first(),
            general(self.warmup.avg()),
            general(self.regular.avg())
        ))?;
        let (Some(init), Some(overall)) = (self.init_kb, self.overall_kb) else { return Ok(()) };
        tell(
            "Note: as the benchmark tool itself affects memory footprint, the following is only APPROXIMATE to the actual \
             memory footprint of the model at runtime. Take the information at your discretion.",
        )?;
        tell(&format!(
            "Memory footprint delta from the start of the tool (MB): init={} overall={}",
            megabytes(init),
            megabytes(overall)
        ))?;
        let Some(peak) = self.peak_kb else { return Ok(()) };
        tell(&format!("Overall peak memory footprint (MB) via periodic monitoring: {}", megabytes(peak)))?;
        let Some([all, shared]) = resident_mb() else { return Ok(()) };
        tell("Memory status at the end of exeution:")?;
        tell(&format!("- VmRSS              : {all} MB"))?;
        tell(&format!("+ RssAnnon           : {} MB", all.saturating_sub(shared)))?;
        tell(&format!("+ RssFile + RssShmem : {shared} MB"))
    }
}

/// Times of operators, where they are wanted.
struct Looks {
    operators: Option<Vec<Operator>>,
    nanos: Vec<Vec<u64>>,
    /// All operators of a run together.
    totals: Stat,
}

impl Looks {
    fn new(operators: Option<Vec<Operator>>) -> Self {
        let count = operators.as_ref().map_or(0, Vec::len);
        Self { operators, nanos: vec![Vec::new(); count], totals: Stat::default() }
    }

    fn invoke(&mut self, ready: &mut Ready<'_>) -> Result<(), ConvertError> {
        if self.operators.is_none() {
            return ready.invoke();
        }
        let begun = Instant::now();
        let mut clock = || u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let mut total = 0u64;
        ready.invoke_profiled(&mut clock, &mut |index, nanos| {
            total = total.saturating_add(nanos);
            if let Some(all) = self.nanos.get_mut(index) {
                all.push(nanos);
            }
        })?;
        self.totals.add(total / 1000);
        Ok(())
    }

    fn records(self) -> Vec<OpRecord> {
        let operators = self.operators.unwrap_or_default().into_iter().zip(self.nanos);
        let computed = operators.filter(|(_, nanos)| !nanos.is_empty());
        let record = |(operator, nanos): (Operator, Vec<u64>)| {
            op_record(OperatorTimes {
                index: u32::try_from(operator.index).unwrap_or(u32::MAX),
                operator: operator.name,
                output: operator.output,
                kernel: operator.kernel.to_owned(),
                macs: operator.macs,
                nanos,
            })
        };
        computed.map(record).collect()
    }
}

/// What `benchmark_model` calls the making ready, as the only row of its table.
fn allocation(init_us: u64) -> OpRecord {
    op_record(OperatorTimes {
        index: 0,
        operator: "AllocateTensors".to_owned(),
        output: "AllocateTensors/0".to_owned(),
        kernel: String::new(),
        macs: 0,
        nanos: vec![init_us.saturating_mul(1000)],
    })
}

fn section(title: &str, ops: &[OpRecord], form: OpForm, totals: &Stat) -> String {
    let tables = op_tables(ops, form);
    let (count, line) = (ops.len(), totals.plain_line());
    format!(
        "{title}\n{tables}Timings (microseconds): {line}\nMemory (bytes): count=0\n{count} nodes observed\n\n"
    )
}

fn read(path: &Path) -> Result<Vec<u8>, BenchError> {
    std::fs::read(path).map_err(|cause| BenchError::read(path, cause))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), BenchError> {
    write_whole(path, bytes).map_err(|cause| BenchError::write(path, cause))
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn megabytes(kilobytes: u64) -> String {
    general(kilobytes as f64 / 1024.0)
}

fn delta(before: Option<u64>, after: Option<u64>) -> Option<u64> {
    Some(after?.saturating_sub(before?))
}

/// Peak of resident memory so far; none where the system does not tell.
fn peak_kb() -> Option<u64> {
    status_kb("VmHWM:")
}

/// Resident memory now and what of it is of files or shared, in whole MB.
fn resident_mb() -> Option<[u64; 2]> {
    let shared = status_kb("RssFile:")?.saturating_add(status_kb("RssShmem:")?);
    Some([status_kb("VmRSS:")? >> 10, shared >> 10])
}

/// A line of what Linux tells of this process.
fn status_kb(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}
