//! `bench benchmark-model`: the flags and the words of LiteRT's `benchmark_model`.

use std::path::PathBuf;

use clap::ValueEnum;
use clap::builder::BoolishValueParser;
use edgebench_reports::render::OpForm;

use super::{Terminal, print};
use crate::benchmark_model::{self, Benchmark, Input, Phase, Profile, Range};
use crate::error::{BenchError, ExitCode};

/// Arguments of `bench benchmark-model`: names, defaults and meaning as LiteRT's tool has them.
#[derive(clap::Args, Debug)]
pub(super) struct BenchmarkModelArgs {
    /// A .tflite file.
    #[arg(long, value_name = "FILE")]
    graph: PathBuf,
    /// Which signature to run, by its key, where the model has several.
    #[arg(long = "signature_to_run_for", value_name = "KEY")]
    signature_to_run_for: Option<String>,
    /// Only list the keys of the model's signatures.
    #[arg(long = "list_signatures", value_parser = BoolishValueParser::new(), num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    list_signatures: Option<bool>,
    /// Worker threads; one when it is below 1 [default: -1]
    #[arg(long = "num_threads", value_name = "N", allow_negative_numbers = true)]
    num_threads: Option<i32>,
    /// Kernel set: auto, reference, portable, or an instruction set. Not a flag of LiteRT's tool.
    #[arg(long = "isa", visible_alias = "kernels", value_name = "SET", default_value = "auto")]
    kernels: String,
    /// Least number of warm-up runs [default: 1]
    #[arg(long = "warmup_runs", value_name = "N", allow_negative_numbers = true)]
    warmup_runs: Option<i32>,
    /// Least duration of the warm-up, in seconds [default: 0.5]
    #[arg(long = "warmup_min_secs", value_name = "SECONDS", allow_negative_numbers = true)]
    warmup_min_secs: Option<f32>,
    /// Least number of runs that count [default: 50]
    #[arg(long = "num_runs", value_name = "N", allow_negative_numbers = true)]
    num_runs: Option<i32>,
    /// Least duration of the runs that count, in seconds [default: 1.0]
    #[arg(long = "min_secs", value_name = "SECONDS", allow_negative_numbers = true)]
    min_secs: Option<f32>,
    /// No new run of a phase after so many seconds [default: 150.0]
    #[arg(long = "max_secs", value_name = "SECONDS", allow_negative_numbers = true)]
    max_secs: Option<f32>,
    /// Pause between runs, in seconds; none below 0 [default: -1.0]
    #[arg(long = "run_delay", value_name = "SECONDS", allow_negative_numbers = true)]
    run_delay: Option<f32>,
    /// Begin so many runs a second, in place of a pause; not so below 0 [default: -1.0]
    #[arg(long = "run_frequency", value_name = "RUNS", allow_negative_numbers = true)]
    run_frequency: Option<f32>,
    /// Names of the inputs, all of them in the model's order, separated by commas.
    #[arg(long = "input_layer", value_name = "NAMES")]
    input_layer: Option<String>,
    /// Their shapes: sizes separated by commas, inputs by colons, such as 1,224,224,3:1,20.
    #[arg(long = "input_layer_shape", value_name = "SHAPES")]
    input_layer_shape: Option<String>,
    /// Integers to fill inputs with: NAME,LOW,HIGH, inputs separated by colons; both ends are in the range.
    #[arg(long = "input_layer_value_range", value_name = "RANGES")]
    input_layer_value_range: Option<String>,
    /// Files to fill inputs with, the bytes as they lie in memory: NAME:FILE, separated by commas; a colon of a name or
    /// path is written twice.
    #[arg(long = "input_layer_value_files", value_name = "FILES")]
    input_layer_value_files: Option<String>,
    /// Time every operator of the runs that count, and print tables of them [default: false]
    #[arg(long = "enable_op_profiling", value_parser = BoolishValueParser::new(), num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    enable_op_profiling: Option<bool>,
    /// How to write the tables.
    #[arg(long = "op_profiling_output_mode", value_enum, default_value_t = OutputMode::Stdout, value_name = "MODE")]
    op_profiling_output_mode: OutputMode,
    /// Where to write the tables; standard output by default.
    #[arg(long = "op_profiling_output_file", value_name = "OUT")]
    op_profiling_output_file: Option<PathBuf>,
    /// Where to write the tables for spreadsheets.
    #[arg(long = "profiling_output_csv_file", value_name = "OUT")]
    profiling_output_csv_file: Option<PathBuf>,
    /// Tell the peak of memory [default: false]
    #[arg(long = "report_peak_memory_footprint", value_parser = BoolishValueParser::new(), num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    report_peak_memory_footprint: Option<bool>,
    /// Make the model ready and run nothing [default: false]
    #[arg(long = "dry_run", value_parser = BoolishValueParser::new(), num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    dry_run: Option<bool>,
    /// Tell the values of all flags, not only of those that were given [default: false]
    #[arg(long, value_parser = BoolishValueParser::new(), num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    verbose: Option<bool>,
    /// Where to write the outputs of the last run, as they lie in memory.
    #[arg(long = "output_filepath", value_name = "OUT")]
    output_filepath: Option<PathBuf>,
    /// Where to write the figures as LiteRT's BenchmarkResult.
    #[arg(long = "result_file_path", value_name = "OUT")]
    result_file_path: Option<PathBuf>,
    #[command(flatten)]
    meaningless: Meaningless,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
enum OutputMode {
    /// Tables for people.
    Stdout,
    /// For spreadsheets.
    Csv,
}

/// Flags of LiteRT's tool that mean nothing here: taken, so that scripts go on, and told.
#[derive(Debug, Default)]
struct Meaningless(Vec<String>);

/// Their names, and why they mean nothing.
const MEANINGLESS: &[(&str, &[&str])] = &[
    (
        "there are no delegates here",
        &[
            "use_xnnpack",
            "xnnpack_force_fp16",
            "use_gpu",
            "gpu_precision_loss_allowed",
            "gpu_experimental_enable_quant",
            "gpu_inference_for_sustained_speed",
            "gpu_backend",
            "gpu_wait_type",
            "gpu_invoke_loop_times",
            "use_nnapi",
            "nnapi_execution_preference",
            "nnapi_execution_priority",
            "nnapi_accelerator_name",
            "disable_nnapi_cpu",
            "nnapi_allow_fp16",
            "nnapi_allow_dynamic_dimensions",
            "nnapi_use_burst_mode",
            "use_hexagon",
            "hexagon_profiling",
            "use_coreml",
            "coreml_version",
            "external_delegate_path",
            "external_delegate_options",
            "max_delegated_partitions",
            "min_nodes_per_partition",
            "delegate_serialize_dir",
            "delegate_serialize_token",
            "stable_delegate_loader_settings",
            "require_full_delegation",
            "disable_delegate_clustering",
            "first_delegate_node_index",
            "last_delegate_node_index",
        ],
    ),
    (
        "memory and packed weights are planned before the first run in any case",
        &[
            "use_caching",
            "release_dynamic_tensors",
            "optimize_memory_for_large_tensors",
            "enable_builtin_cast_constant_cache",
        ],
    ),
    ("floats are computed in their own precision", &["allow_fp16"]),
    (
        "every run is profiled, and the kernel keeps the peak of memory",
        &[
            "max_profiling_buffer_entries",
            "allow_dynamic_profiling_buffer_increase",
            "memory_footprint_check_interval_ms",
        ],
    ),
    (
        "`bench inspect` tells what is in a model, `bench infer` writes tensors",
        &[
            "export_model_runtime_info",
            "model_runtime_info_output_file",
            "print_preinvoke_state",
            "print_postinvoke_state",
            "tensor_name_display_length",
            "tensor_type_display_length",
            "alloc_type_display_length",
            "output_proto_filepath",
        ],
    ),
    ("LiteRT's tool itself does nothing with it", &["benchmark_name", "output_prefix"]),
];

impl clap::Args for Meaningless {
    fn augment_args(command: clap::Command) -> clap::Command {
        let names = MEANINGLESS.iter().flat_map(|(_, names)| *names).copied();
        command.args(names.map(|name| {
            let argument = clap::Arg::new(name).long(name).value_name("VALUE").num_args(0..=1);
            let argument = argument.require_equals(true).default_missing_value("true");
            argument.hide_short_help(true).help("Taken for the sake of scripts; means nothing here")
        }))
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for Meaningless {
    fn from_arg_matches(matches: &clap::ArgMatches) -> Result<Self, clap::Error> {
        let mut given = Vec::new();
        for (why, names) in MEANINGLESS {
            let present = names.iter().filter(|name| matches.contains_id(name));
            given.extend(present.map(|name| format!("--{name} means nothing here: {why}")));
        }
        Ok(Self(given))
    }

    fn update_from_arg_matches(&mut self, matches: &clap::ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

pub(super) fn run(arguments: &BenchmarkModelArgs, _terminal: Terminal) -> Result<ExitCode, BenchError> {
    let benchmark = arguments.benchmark()?;
    let mut tell = |line: &str| print(&format!("INFO: {line}\n"));
    tell("STARTING!")?;
    arguments.tell_flags(&mut tell)?;
    for line in &arguments.meaningless.0 {
        print(&format!("WARN: {line}\n"))?;
    }
    if arguments.list_signatures.unwrap_or_default() {
        benchmark_model::list_signatures(&benchmark.graph, &mut tell)?;
    } else {
        benchmark_model::run(&benchmark, &mut tell)?;
    }
    Ok(ExitCode::Pass)
}

impl BenchmarkModelArgs {
    fn benchmark(&self) -> Result<Benchmark, BenchError> {
        let phase = |runs: Option<i32>, otherwise: i32, secs: Option<f32>, at_least: f32| {
            if self.dry_run.unwrap_or_default() {
                return Phase { runs: 0, min_secs: -1.0 };
            }
            Phase { runs: runs.unwrap_or(otherwise), min_secs: secs.unwrap_or(at_least) }
        };
        Ok(Benchmark {
            graph: self.graph.clone(),
            signature_to_run_for: self.signature_to_run_for.clone().unwrap_or_default(),
            num_threads: usize::try_from(self.num_threads.unwrap_or(-1)).unwrap_or(1).max(1),
            kernels: self.kernels.clone(),
            warmup: phase(self.warmup_runs, 1, self.warmup_min_secs, 0.5),
            regular: phase(self.num_runs, 50, self.min_secs, 1.0),
            max_secs: self.max_secs.unwrap_or(150.0),
            run_delay: self.run_delay.unwrap_or(-1.0),
            run_frequency: self.run_frequency.unwrap_or(-1.0),
            inputs: self.inputs()?,
            profile: self.enable_op_profiling.unwrap_or_default().then(|| self.profile()),
            report_peak_memory_footprint: self.report_peak_memory_footprint.unwrap_or_default(),
            output_filepath: self.output_filepath.clone(),
            result_file_path: self.result_file_path.clone(),
        })
    }

    fn profile(&self) -> Profile {
        if let Some(file) = &self.profiling_output_csv_file {
            return Profile { form: OpForm::Csv, file: Some(file.clone()) };
        }
        let form = match self.op_profiling_output_mode {
            OutputMode::Stdout => OpForm::Text,
            OutputMode::Csv => OpForm::Csv,
        };
        Profile { form, file: self.op_profiling_output_file.clone() }
    }

    fn inputs(&self) -> Result<Vec<Input>, BenchError> {
        let text = |given: &Option<String>| given.clone().unwrap_or_default();
        let (names, shapes) = (text(&self.input_layer), text(&self.input_layer_shape));
        let (names, shapes) = (parts(&names, ','), parts(&shapes, ':'));
        if names.len() != shapes.len() {
            let what = format!(
                "--input_layer_shape: expected as many shapes as --input_layer has names, {}, found {}",
                names.len(),
                shapes.len()
            );
            return Err(BenchError::option(what));
        }
        let one = |(name, shape): (&&str, &&str)| {
            let shape = sizes(shape)?;
            Ok(Input { name: (*name).to_owned(), shape, range: None, file: None })
        };
        let mut inputs = names.iter().zip(&shapes).map(one).collect::<Result<Vec<_>, BenchError>>()?;
        for given in parts(&text(&self.input_layer_value_range), ':') {
            let (name, range) = range(given)?;
            named(&mut inputs, "--input_layer_value_range", &name)?.range = Some(range);
        }
        for given in parts(&text(&self.input_layer_value_files), ',') {
            let (name, file) = value_file(given)?;
            named(&mut inputs, "--input_layer_value_files", &name)?.file = Some(file);
        }
        Ok(inputs)
    }

    /// The values of flags in the words of `benchmark_model`: all of them, or those that were given.
    fn tell_flags(&self, tell: benchmark_model::Tell<'_>) -> Result<(), BenchError> {
        let verbose = self.verbose.unwrap_or_default();
        tell(&format!("Log parameter values verbosely: [{}]", u8::from(verbose)))?;
        let shown =
            |value: Option<String>, otherwise: &str| value.or_else(|| verbose.then(|| otherwise.to_owned()));
        let flag = |value: Option<bool>| value.map(|value| u8::from(value).to_string());
        let path = |value: &Option<PathBuf>| value.as_ref().map(|path| path.display().to_string());
        let number = |value: Option<f32>| value.map(|value| value.to_string());
        let count = |value: Option<i32>| value.map(|value| value.to_string());
        let lines = [
            ("Min num runs", shown(count(self.num_runs), "50")),
            ("Min runs duration (seconds)", shown(number(self.min_secs), "1")),
            ("Max runs duration (seconds)", shown(number(self.max_secs), "150")),
            ("Inter-run delay (seconds)", shown(number(self.run_delay), "-1")),
            ("Number of prorated runs per second", shown(number(self.run_frequency), "-1")),
            ("Num threads", shown(count(self.num_threads), "-1")),
            ("Min warmup runs", shown(count(self.warmup_runs), "1")),
            ("Min warmup runs duration (seconds)", shown(number(self.warmup_min_secs), "0.5")),
            ("Run w/o invoking kernels", shown(flag(self.dry_run), "0")),
            ("Report the peak memory footprint", shown(flag(self.report_peak_memory_footprint), "0")),
            ("Graph", Some(self.graph.display().to_string())),
            ("Signature to run", Some(self.signature_to_run_for.clone().unwrap_or_default())),
            ("Input layers", shown(self.input_layer.clone(), "")),
            ("Input shapes", shown(self.input_layer_shape.clone(), "")),
            ("Input value ranges", shown(self.input_layer_value_range.clone(), "")),
            ("Input value files", shown(self.input_layer_value_files.clone(), "")),
            ("Enable op profiling", shown(flag(self.enable_op_profiling), "0")),
            ("Op profiling output file.", shown(path(&self.op_profiling_output_file), "")),
            ("CSV File to export profiling data to", shown(path(&self.profiling_output_csv_file), "")),
            ("File path to export outputs layer to", shown(path(&self.output_filepath), "")),
        ];
        for (label, value) in lines {
            if let Some(value) = value {
                tell(&format!("{label}: [{value}]"))?;
            }
        }
        Ok(())
    }
}

/// The parts of a list; none of an empty one.
fn parts(text: &str, separator: char) -> Vec<&str> {
    if text.is_empty() { Vec::new() } else { text.split(separator).collect() }
}

fn sizes(shape: &str) -> Result<Vec<usize>, BenchError> {
    let size = |size: &str| size.trim().parse::<usize>().ok();
    let sizes: Option<Vec<usize>> = parts(shape, ',').into_iter().map(size).collect();
    sizes.ok_or_else(|| {
        BenchError::option(format!("--input_layer_shape: expected sizes from 0 on, found \"{shape}\""))
    })
}

fn range(text: &str) -> Result<(String, Range), BenchError> {
    let parsed = match parts(text, ',')[..] {
        [name, low, high] => Some(name).zip(low.parse::<i64>().ok().zip(high.parse::<i64>().ok())),
        _ => None,
    };
    match parsed.filter(|(_, (low, high))| low <= high) {
        Some((name, range)) => Ok((name.to_owned(), range)),
        None => {
            let what = "--input_layer_value_range: expected NAME,LOW,HIGH with integers, LOW not above HIGH";
            Err(BenchError::option(format!("{what}, found \"{text}\"")))
        }
    }
}

/// Name and file, parted by the only colon that does not stand twice.
fn value_file(text: &str) -> Result<(String, PathBuf), BenchError> {
    let doubled = text.replace("::", "\0");
    match doubled.split(':').collect::<Vec<_>>()[..] {
        [name, file] => Ok((name.replace('\0', ":"), PathBuf::from(file.replace('\0', ":")))),
        _ => Err(BenchError::option(format!(
            "--input_layer_value_files: expected NAME:FILE, found \"{text}\""
        ))),
    }
}

fn named<'i>(inputs: &'i mut [Input], flag: &str, name: &str) -> Result<&'i mut Input, BenchError> {
    let known: Vec<String> = inputs.iter().map(|input| input.name.clone()).collect();
    let found = inputs.iter_mut().find(|input| input.name == name);
    found.ok_or_else(|| {
        let expected = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        BenchError::option(format!("{flag}: expected a name of --input_layer: {expected}, found \"{name}\""))
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: BenchmarkModelArgs,
    }

    fn parse(flags: &[&str]) -> Result<BenchmarkModelArgs, clap::Error> {
        let line = ["bench", "--graph=m.tflite"].iter().chain(flags);
        Line::try_parse_from(line).map(|line| line.arguments)
    }

    fn benchmark(flags: &[&str]) -> Result<Benchmark, BenchError> {
        parse(flags).expect("flags").benchmark()
    }

    #[test]
    fn defaults_are_those_of_benchmark_model() {
        let plain = benchmark(&[]).expect("a benchmark");
        assert_eq!(plain.warmup, Phase { runs: 1, min_secs: 0.5 });
        assert_eq!(plain.regular, Phase { runs: 50, min_secs: 1.0 });
        assert_eq!((plain.max_secs, plain.run_delay, plain.num_threads), (150.0, -1.0, 1));
        assert_eq!(plain.profile, None);
        let dry = benchmark(&["--dry_run=true"]).expect("a benchmark");
        assert_eq!(dry.regular, Phase { runs: 0, min_secs: -1.0 });
    }

    #[test]
    fn flags_are_written_as_scripts_write_them() {
        let flags = ["--num_threads=4", "--enable_op_profiling=1", "--run_delay=-1.0", "--use_xnnpack=false"];
        let given = parse(&flags).expect("flags");
        assert_eq!(given.meaningless.0, ["--use_xnnpack means nothing here: there are no delegates here"]);
        let benchmark = given.benchmark().expect("a benchmark");
        assert_eq!(benchmark.num_threads, 4);
        assert_eq!(benchmark.profile.map(|profile| profile.form), Some(OpForm::Text));
        assert!(parse(&["--num_thread=4"]).is_err());
        assert!(parse(&["--op_profiling_output_mode=proto"]).is_err());
    }

    #[test]
    fn inputs_have_names_shapes_ranges_and_files() {
        let given = benchmark(&[
            "--input_layer=a:0,b",
            "--input_layer_shape=1,30:1,10",
            "--input_layer_value_range=b,-3,4",
            "--input_layer_value_files=a::0:dir/x.bin",
        ]);
        let inputs = given.expect("a benchmark").inputs;
        assert_eq!(inputs[0].shape, [1, 30]);
        assert_eq!(inputs[0].file, Some(PathBuf::from("dir/x.bin")));
        assert_eq!((inputs[1].name.as_str(), inputs[1].range), ("b", Some((-3, 4))));
        for wrong in [
            &["--input_layer=a"][..],
            &["--input_layer=a", "--input_layer_shape=1,-1"],
            &["--input_layer=a", "--input_layer_shape=1", "--input_layer_value_range=a,4,3"],
            &["--input_layer=a", "--input_layer_shape=1", "--input_layer_value_range=c,1,3"],
            &["--input_layer=a", "--input_layer_shape=1", "--input_layer_value_files=a"],
        ] {
            assert!(benchmark(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn every_meaningless_flag_is_named_once() {
        let mut names: Vec<&str> = MEANINGLESS.iter().flat_map(|(_, names)| *names).copied().collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
