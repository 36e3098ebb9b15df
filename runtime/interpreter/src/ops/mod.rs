//! The operators, one file each. `prepare` gets one node and checks everything that it will rely on: types, ranks, shapes,
//! quantization, options. It picks the kernel and packs the weights. What it returns only computes. No operator knows
//! the arena or another operator.

mod activation;
mod add_n;
mod arg_min_max;
mod arithmetic;
mod batch_matmul;
mod bits;
mod blocks;
mod broadcast_to;
mod cast;
mod comparison;
mod control;
mod conv_2d;
mod conv_3d;
mod densify;
mod depthwise_conv_2d;
mod detection;
mod dynamic_update_slice;
mod extremum;
mod fill;
mod filter;
mod fully_connected;
mod gather;
mod integer;
mod l2_normalization;
mod layout;
mod logical;
mod lstm;
mod map;
mod matrix_diag;
mod mean;
mod moves;
mod neighbours;
mod pair;
mod pool_2d;
mod quantize;
mod quotient;
mod reduce;
mod reduce_window;
mod reshape;
mod resize;
mod reverse;
mod rnn;
mod scatter_nd;
mod search;
mod segment;
mod select;
mod site;
mod slice;
mod softmax;
mod spectrum;
mod split;
mod spread;
mod squared_difference;
mod suppression;
mod svdf;
mod top_k;
mod transpose;
mod transpose_conv;
mod unary;
mod variable;
mod window;

use alloc::boxed::Box;

use edgebench_kernels::parallel::MAX_SHARES;
use edgebench_kernels::reference::lookup::Table256;

use crate::choice::Options;
use crate::error::Fault;
use crate::memory::{Frame, align_up};
use crate::model::{Access, Call};

pub(crate) use activation::{
    hard_swish, leaky_relu, logistic, prelu, relu, relu_0_to_1, relu_n1_to_1, relu6, tanh,
};
pub(crate) use unary::{
    abs, ceil, cos, elu, exp, floor, gelu, log, neg, round, rsqrt, sign, sin, sqrt, square,
};

pub(crate) use add_n::{add_n, zeros_like};
pub(crate) use arg_min_max::{arg_max, arg_min, cumsum};
pub(crate) use arithmetic::{add, mul, sub};
pub(crate) use batch_matmul::batch_matmul;
pub(crate) use bits::{bitcast, bitwise_xor, right_shift};
pub(crate) use blocks::{batch_to_space_nd, depth_to_space, space_to_batch_nd, space_to_depth};
pub(crate) use broadcast_to::{broadcast_args, broadcast_to, tile};
pub(crate) use cast::cast;
pub(crate) use comparison::{equal, greater, greater_equal, less, less_equal, not_equal};
pub(crate) use control::{branch, call, repeat};
pub(crate) use conv_2d::conv_2d;
pub(crate) use conv_3d::{conv_3d, conv_3d_transpose};
pub(crate) use densify::densify;
pub(crate) use depthwise_conv_2d::depthwise_conv_2d;
pub(crate) use detection::detection_postprocess;
pub(crate) use dynamic_update_slice::dynamic_update_slice;
pub(crate) use extremum::{maximum, minimum};
pub(crate) use fill::{fill, one_hot, range, rank, shape};
pub(crate) use fully_connected::fully_connected;
pub(crate) use gather::{embedding_lookup, gather, gather_nd};
pub(crate) use l2_normalization::l2_normalization;
pub(crate) use layout::{concatenation, mirror_pad, pack, pad, pad_v2};
pub(crate) use logical::{logical_and, logical_not, logical_or};
pub(crate) use lstm::{lstm, unidirectional_sequence_lstm};
pub(crate) use matrix_diag::{matrix_diag, matrix_set_diag};
pub(crate) use mean::{mean, sum};
pub(crate) use neighbours::{fake_quant, local_response_normalization};
pub(crate) use pool_2d::{average_pool_2d, l2_pool_2d, max_pool_2d};
pub(crate) use quantize::{dequantize, quantize};
pub(crate) use quotient::{atan2, div, floor_div, floor_mod, pow};
pub(crate) use reduce::{reduce_all, reduce_any, reduce_max, reduce_min, reduce_prod};
pub(crate) use reduce_window::reduce_window;
pub(crate) use reshape::{expand_dims, reshape, squeeze};
pub(crate) use resize::{resize_bilinear, resize_nearest_neighbor};
pub(crate) use reverse::{reverse_sequence, reverse_v2};
pub(crate) use rnn::{rnn, unidirectional_sequence_rnn};
pub(crate) use scatter_nd::scatter_nd;
pub(crate) use search::{bucketize, unique, where_true};
pub(crate) use segment::{
    segment_sum, unsorted_segment_max, unsorted_segment_min, unsorted_segment_prod, unsorted_segment_sum,
};
pub(crate) use select::{select, select_v2};
pub(crate) use site::{ConstantData, Operand, Site};
pub(crate) use slice::{slice, strided_slice};
pub(crate) use softmax::{log_softmax, softmax};
pub(crate) use spectrum::{complex_abs, imag, real, rfft_2d};
pub(crate) use split::{split, split_v, unpack};
pub(crate) use spread::{dilate, sparse_to_dense};
pub(crate) use squared_difference::squared_difference;
pub(crate) use suppression::{non_max_suppression_v4, non_max_suppression_v5};
pub(crate) use svdf::svdf;
pub(crate) use top_k::top_k_v2;
pub(crate) use transpose::transpose;
pub(crate) use transpose_conv::transpose_conv;

use control::calling;
pub(crate) use variable::{assign_variable, call_once, read_variable, var_handle};

/// What a node does when it is run.
pub(crate) trait Step: Send + Sync {
    /// Computes the outputs from the inputs. Preparation has checked types and lengths.
    ///
    /// # Errors
    /// Only when a value that was computed during the run cannot be worked with, such as an index out of range.
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault>;
}

/// The step that has nothing to compute.
struct Nothing;

impl Step for Nothing {
    fn run(&self, _: Frame<'_>) -> Result<(), Fault> {
        Ok(())
    }
}

/// How a node gets its output.
pub(crate) enum Action {
    /// By computing it.
    Run(Box<dyn Step>),
    /// By running other subgraphs.
    Call(Call),
    /// From a variable, or a variable gets a value.
    Access(Access),
    /// Output 0 has the very bytes of input 0.
    View,
    /// The output is a constant, taken by its readers from where it is stored.
    Folded,
    /// As is known once the node is prepared in the run.
    Late,
}

impl Action {
    /// Whether it computes outputs in a run.
    pub(crate) fn computes(&self) -> bool {
        matches!(self, Self::Run(_) | Self::Call(_) | Self::Access(_))
    }
}

/// Which inputs an action reads when it runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reads {
    All,
    /// These slots; the others were packed.
    Only(&'static [usize]),
}

/// What a node on int8 makes of the values of its inputs, for 256 elements at once. Each output depends on the elements at
/// the same place alone.
pub(crate) type OfBytes = Box<dyn Fn(&[Table256<i8>]) -> Table256<i8>>;

/// A node that is ready to run.
pub(crate) struct Prepared {
    pub(crate) action: Action,
    /// Name of the kernel.
    pub(crate) kernel: &'static str,
    pub(crate) reads: Reads,
    /// Input slots of variables that the run changes. Each is another tensor.
    pub(crate) states: &'static [usize],
    /// Memory for the time of the run.
    pub(crate) scratch_bytes: usize,
    /// Weights in the kernel's own order.
    pub(crate) packed_bytes: usize,
    /// Multiply-accumulates of one run.
    pub(crate) macs: u64,
    /// Rows that threads can share out among themselves; each share needs scratch of its own. 1 for a step in one piece.
    pub(crate) rows: usize,
    /// Into how many shares a run is divided.
    pub(crate) shares: usize,
    /// For a node that may become part of a table.
    pub(crate) of_bytes: Option<OfBytes>,
}

impl Prepared {
    pub(crate) fn run(kernel: &'static str, step: impl Step + 'static) -> Self {
        Self::new(kernel, Action::Run(Box::new(step)))
    }

    pub(crate) fn call(call: Call) -> Self {
        Self::new("call", Action::Call(call))
    }

    pub(crate) fn access(access: Access) -> Self {
        Self::new("variable", Action::Access(access))
    }

    pub(crate) fn view() -> Self {
        Self::new("view", Action::View)
    }

    pub(crate) fn late() -> Self {
        Self::new("late", Action::Late)
    }

    pub(crate) fn folded() -> Self {
        Self::new("folded", Action::Folded)
    }

    /// A node whose outputs have no elements.
    pub(crate) fn empty() -> Self {
        Self { reads: Reads::Only(&[]), ..Self::run("empty", Nothing) }
    }

    fn new(kernel: &'static str, action: Action) -> Self {
        Self {
            action,
            kernel,
            reads: Reads::All,
            states: &[],
            scratch_bytes: 0,
            packed_bytes: 0,
            macs: 0,
            rows: 1,
            shares: 1,
            of_bytes: None,
        }
    }

    /// The step, divided among so many threads as it is worth.
    pub(crate) fn shared(self, options: &Options) -> Self {
        let worthwhile = self.macs.checked_div(options.least_macs_of_share).unwrap_or(u64::MAX);
        let worthwhile = usize::try_from(worthwhile).unwrap_or(usize::MAX);
        let shares = options.threads.min(worthwhile).min(self.rows).clamp(1, MAX_SHARES);
        if shares == 1 {
            return self;
        }
        let scratch_bytes = align_up(self.scratch_bytes).saturating_mul(shares);
        Self { shares, scratch_bytes, ..self }
    }

    pub(crate) fn reads(&self, slot: usize) -> bool {
        match self.reads {
            Reads::All => true,
            Reads::Only(slots) => slots.contains(&slot),
        }
    }
}

/// An axis of a tensor of rank `rank`; a negative one counts from the last.
fn axis(value: i32, rank: usize) -> Option<usize> {
    let from_last = if value < 0 { i64::from(value) + rank as i64 } else { i64::from(value) };
    usize::try_from(from_last).ok().filter(|axis| *axis < rank)
}
