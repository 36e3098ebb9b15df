//! What controller and agent say to each other. Enums are append-only: postcard writes the index of a variant, so a
//! variant that moved would change its meaning. Any other change raises [`crate::PROTOCOL_VERSION`].

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

/// BLAKE3 of a file: its name on every device.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Digest(pub [u8; 32]);

/// What the controller asks. Each request but [`Request::StillHere`] is answered by exactly one closing [`Reply`]; some
/// send others before it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Request {
    /// First of all. Answered by [`Reply::Hello`], or [`Reply::Failed`] when the version is not spoken.
    Hello {
        /// [`crate::PROTOCOL_VERSION`] of the controller.
        protocol: u16,
    },
    /// Is a file there? Answered by [`Reply::Stat`].
    Stat {
        /// Its name.
        digest: Digest,
    },
    /// A piece of a file, in order from offset 0. Answered by [`Reply::Stored`] for each piece; after the last one the
    /// agent has hashed the whole and taken it into its store, or answers [`Reply::Failed`] and forgets the pieces.
    Put {
        /// Hash of the whole file.
        digest: Digest,
        /// Length of the whole file.
        total_bytes: u64,
        /// Where this piece goes.
        offset: u64,
        /// At most [`crate::MAX_CHUNK_BYTES`].
        chunk: Vec<u8>,
    },
    /// Load a model from the store and prepare it for running. Answered by [`Reply::Opened`].
    Open {
        /// The model file.
        model: Digest,
        /// How to run it.
        options: RunOptions,
    },
    /// Run the open model on zeros or on the given pack's examples in turn, and time every run. Answered by
    /// [`Reply::Samples`] as they come and [`Reply::Measured`].
    Measure {
        /// Inputs to run on, in turn; zeros when none.
        pack: Option<Digest>,
        /// Runs that are timed but kept apart.
        warmup: Limits,
        /// Runs that count.
        steady: Limits,
    },
    /// Run the open model once on each example of a pack. Answered by [`Reply::Predictions`] as they come and
    /// [`Reply::Evaluated`].
    Evaluate {
        /// A tensor pack in the store.
        pack: Digest,
        /// First example.
        first: u32,
        /// How many.
        count: u32,
        /// How many of the best classes to return.
        top: u8,
        /// Whether to return output 0 as it lies in memory.
        raw_outputs: bool,
    },
    /// What the machine is and how it is now. Answered by [`Reply::Facts`].
    Facts,
    /// Forget the open model. Answered by [`Reply::Closed`].
    Close,
    /// The end of the session. Answered by [`Reply::Closed`]; the agent then exits.
    Bye,
    /// The controller is there and waits. Not answered; an agent may end when it hears nothing for long.
    StillHere,
    /// Load a model from the store in a runtime beside ours. Answered by [`Reply::Opened`].
    OpenPeer {
        /// Its name, such as `litert`.
        runtime: String,
        /// The model file.
        model: Digest,
        /// How to run it; the kernel sets are the runtime's own.
        options: RunOptions,
    },
    /// Run the open model as [`Request::Measure`] does, and look at the clock between its operators. Answered by
    /// [`Reply::Operators`] as they come and [`Reply::Profiled`]. One run before them is not counted.
    Profile {
        /// Inputs to run on, in turn; zeros when none.
        pack: Option<Digest>,
        /// Runs that count, at most [`crate::MAX_PROFILED_RUNS`] whatever they ask.
        limits: Limits,
    },
}

/// What the agent answers.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Reply {
    /// To [`Request::Hello`].
    Hello(Hello),
    /// To [`Request::Stat`].
    Stat {
        /// Length of the stored file, or none when it is not there.
        bytes: Option<u64>,
    },
    /// To [`Request::Put`].
    Stored {
        /// Bytes of the file that have arrived so far.
        received_bytes: u64,
        /// Whether the file is whole, verified and in the store.
        complete: bool,
    },
    /// To [`Request::Open`].
    Opened(Opened),
    /// Some timings, in order.
    Samples {
        /// What they belong to.
        phase: Phase,
        /// Duration of each run in nanoseconds, timer overhead included; or its instructions when the agent was started to
        /// count them. The same holds for [`Opened::init_nanos`].
        nanos: Vec<u64>,
    },
    /// To [`Request::Measure`], after the last [`Reply::Samples`].
    Measured(Measured),
    /// Some predictions, in order.
    Predictions {
        /// Index of the first one's example.
        first: u32,
        /// One an example.
        items: Vec<Prediction>,
    },
    /// To [`Request::Evaluate`], after the last [`Reply::Predictions`].
    Evaluated {
        /// How many examples ran.
        count: u32,
    },
    /// To [`Request::Facts`].
    Facts(Facts),
    /// To [`Request::Close`] and [`Request::Bye`].
    Closed,
    /// To any request that could not be done. The session goes on unless the stream itself is broken.
    Failed(Failure),
    /// The agent is there and works. Not an answer; sent when nothing else was for a while, by agents that can.
    Alive,
    /// Some operators, in the order they run.
    Operators {
        /// How many came before them.
        first: u32,
        /// One an operator that computes something.
        items: Vec<OperatorTimes>,
    },
    /// To [`Request::Profile`], after the last [`Reply::Operators`].
    Profiled {
        /// Runs that were looked at.
        runs: u32,
    },
}

/// How to run a model.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RunOptions {
    /// Worker threads; 1 runs everything on the calling thread.
    pub threads: u16,
    /// `auto`, `reference`, `portable`, or an instruction set's name.
    pub kernels: String,
}

/// When to stop running: `(runs < min_runs or elapsed < min_micros) and elapsed <= max_micros`, as LiteRT's
/// `benchmark_model` has it; the limit is looked at between runs only.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Limits {
    /// At least so many runs.
    pub min_runs: u32,
    /// At least so long.
    pub min_micros: u64,
    /// No new run after this.
    pub max_micros: u64,
}

/// Which runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Phase {
    /// Before the steady state; the very first run is among them.
    Warmup,
    /// The runs that count.
    Steady,
}

/// Who answers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Hello {
    /// [`crate::PROTOCOL_VERSION`] of the agent.
    pub protocol: u16,
    /// Version of the agent's package.
    pub agent_version: String,
    /// Target triple it was built for.
    pub target: String,
    /// Kernel sets that this CPU can run, best first, as [`RunOptions::kernels`] takes them.
    pub kernels: Vec<String>,
}

/// A tensor at the model's door.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TensorInfo {
    /// Name in the file.
    pub name: String,
    /// Element type as the format spells it, such as `FLOAT32`.
    pub dtype: String,
    /// Dimensions.
    pub shape: Vec<u32>,
    /// real = scale * (stored - zero point), for quantized types.
    pub scale_zero_point: Option<(f32, i32)>,
}

/// A model is loaded and prepared.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Opened {
    /// Time from the bytes in memory to ready for the first run: check, plan, pack.
    pub init_nanos: u64,
    /// Length of the model file.
    pub model_bytes: u64,
    /// High-water mark of the activation arena.
    pub arena_bytes: u64,
    /// Weights rearranged for the kernels.
    pub packed_bytes: u64,
    /// Inputs in order.
    pub inputs: Vec<TensorInfo>,
    /// Outputs in order.
    pub outputs: Vec<TensorInfo>,
    /// Kernel of each operator, with how many operators it serves.
    pub kernels: Vec<(String, u32)>,
}

/// What a measurement was like.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Measured {
    /// Runs in the warm-up.
    pub warmup_runs: u32,
    /// Runs that count.
    pub steady_runs: u32,
    /// Median cost of reading the clock twice, inside every sample.
    pub timer_overhead_nanos: u64,
    /// Largest resident set of the agent since it started.
    pub peak_rss_bytes: Option<u64>,
    /// CPU time of the agent over the steady runs.
    pub steady_cpu_nanos: Option<u64>,
    /// Wall time of the steady runs.
    pub steady_wall_nanos: u64,
    /// The machine before the steady runs.
    pub before: Condition,
    /// The machine after them.
    pub after: Condition,
}

/// An operator of the open model and its part of each run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OperatorTimes {
    /// Place in execution order, from 0.
    pub index: u32,
    /// Its name in the schema, such as `CONV_2D`.
    pub operator: String,
    /// Name of the first tensor that it computes.
    pub output: String,
    /// What ran it: the kernel set, such as `avx2`.
    pub kernel: String,
    /// Multiply-accumulates of one run.
    pub macs: u64,
    /// Of each run, in order; or its instructions, as for [`Reply::Samples`].
    pub nanos: Vec<u64>,
}

/// The best classes of one example.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Prediction {
    /// Class and its real-valued score, best first; equal scores in the order of classes.
    pub top: Vec<(u32, f32)>,
    /// Output 0 as it lies in memory, little-endian, when asked for.
    pub raw: Option<Vec<u8>>,
}

/// What a machine is and how it is now. Nothing is guessed: what cannot be read is absent.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Facts {
    /// Lasting properties by name, such as `cpu_model`, `cpu_cores`, `memory_bytes`, `os`, `kernel`, `governor`.
    pub properties: Vec<(String, String)>,
    /// How it is now.
    pub condition: Condition,
}

/// How a machine is at one moment.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Condition {
    /// Load average over one minute.
    pub load_1m: Option<f32>,
    /// Clock of the CPU the agent runs on, in kHz.
    pub cpu_khz: Option<u32>,
    /// Hottest thermal zone, in thousandths of a degree Celsius.
    pub temperature_millicelsius: Option<i32>,
    /// Times the CPU was throttled since boot, over all cores.
    pub throttle_count: Option<u64>,
    /// Processor time that a hypervisor took away since boot, in ticks.
    pub steal_ticks: Option<u64>,
}

/// Why a request was not done.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Failure {
    /// What kind of trouble.
    pub kind: FailureKind,
    /// Kind, place, expected and found in one line, lower case, no advice.
    pub message: String,
}

/// Kinds of trouble that a controller treats differently.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum FailureKind {
    /// The protocol version is not spoken here.
    Protocol,
    /// The request does not fit the state, such as measuring without an open model.
    State,
    /// A file is not in the store.
    Missing,
    /// Bytes do not have the hash that they should have.
    Digest,
    /// The model cannot be loaded, prepared or run.
    Model,
    /// The data do not fit the model.
    Data,
    /// The store cannot be read or written.
    Store,
    /// The device's clock went backwards: nothing it timed can be trusted.
    Clock,
}
