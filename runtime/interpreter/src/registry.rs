//! The operators that there are: one line each. Adding one touches its file in `ops`, one of these tables, and the
//! kernels.

use alloc::format;
use core::ops::RangeInclusive;

use edgebench_schema::builtin_name;
use edgebench_schema::tflite::BuiltinOperator as Builtin;

use crate::error::Fault;
use crate::model::{Node, Spot};
use crate::ops::{self, Prepared, Site};

type Prepare = for<'s, 'm> fn(&Site<'s, 'm>) -> Result<Prepared, Fault>;

/// One operator.
pub(crate) struct Entry {
    operator: Builtin,
    /// The newest version whose meaning is known here (LiteRT's `register.cc` has the same table).
    newest_version: i32,
    /// How many inputs it may list, absent ones included.
    inputs: RangeInclusive<usize>,
    /// Inputs from this slot on may be absent.
    optional_from: usize,
    /// How many outputs it has; `ANY` for one or more.
    outputs: usize,
    pub(crate) prepare: Prepare,
}

/// The operators that a model may use. Those of a list that a program names nowhere are not linked into it.
#[derive(Clone, Copy)]
pub struct Operators {
    lists: &'static [&'static [Entry]],
    /// By the code in the file.
    custom: &'static [(&'static str, Entry)],
}

const ANY: usize = usize::MAX;

/// What image classifiers are made of: MobileNet v1 to v3 and Inception v3, in every quantized form.
#[rustfmt::skip]
static VISION: &[Entry] = &[
    //    operator                              version   inputs  optional from  outputs  prepare
    entry(Builtin::ADD,                           5,    2..=2,     ANY,        1, ops::add),
    entry(Builtin::AVERAGE_POOL_2D,               3,    1..=1,     ANY,        1, ops::average_pool_2d),
    entry(Builtin::CONCATENATION,                 5,  1..=ANY,     ANY,        1, ops::concatenation),
    entry(Builtin::CONV_2D,                       8,    2..=3,       2,        1, ops::conv_2d),
    entry(Builtin::DEPTHWISE_CONV_2D,             7,    2..=3,       2,        1, ops::depthwise_conv_2d),
    entry(Builtin::DEQUANTIZE,                    6,    1..=1,     ANY,        1, ops::dequantize),
    entry(Builtin::FULLY_CONNECTED,              14,    2..=3,       2,        1, ops::fully_connected),
    entry(Builtin::HARD_SWISH,                    1,    1..=1,     ANY,        1, ops::hard_swish),
    entry(Builtin::LOGISTIC,                      3,    1..=1,     ANY,        1, ops::logistic),
    entry(Builtin::MAX_POOL_2D,                   3,    1..=1,     ANY,        1, ops::max_pool_2d),
    entry(Builtin::MEAN,                          3,    2..=2,     ANY,        1, ops::mean),
    entry(Builtin::MUL,                           7,    2..=2,     ANY,        1, ops::mul),
    entry(Builtin::PACK,                          4,  1..=ANY,     ANY,        1, ops::pack),
    entry(Builtin::PAD,                           5,    2..=2,     ANY,        1, ops::pad),
    entry(Builtin::QUANTIZE,                      4,    1..=1,     ANY,        1, ops::quantize),
    entry(Builtin::RELU,                          3,    1..=1,     ANY,        1, ops::relu),
    entry(Builtin::RELU6,                         3,    1..=1,     ANY,        1, ops::relu6),
    entry(Builtin::RESHAPE,                       1,    1..=2,       1,        1, ops::reshape),
    entry(Builtin::SHAPE,                         1,    1..=1,     ANY,        1, ops::shape),
    entry(Builtin::SOFTMAX,                       3,    1..=1,     ANY,        1, ops::softmax),
    entry(Builtin::SQUEEZE,                       2,    1..=1,     ANY,        1, ops::squeeze),
    entry(Builtin::STRIDED_SLICE,                 8,    4..=4,     ANY,        1, ops::strided_slice),
];

/// All others.
#[rustfmt::skip]
static OTHERS: &[Entry] = &[
    //    operator                              version   inputs  optional from  outputs  prepare
    entry(Builtin::ABS,                           5,    1..=1,     ANY,        1, ops::abs),
    entry(Builtin::ADD_N,                         1,  2..=ANY,     ANY,        1, ops::add_n),
    entry(Builtin::ARG_MAX,                       3,    2..=2,     ANY,        1, ops::arg_max),
    entry(Builtin::ARG_MIN,                       3,    2..=2,     ANY,        1, ops::arg_min),
    entry(Builtin::ASSIGN_VARIABLE,               1,    2..=2,     ANY,        0, ops::assign_variable),
    entry(Builtin::ATAN2,                         1,    2..=2,     ANY,        1, ops::atan2),
    entry(Builtin::BATCH_MATMUL,                  4,    2..=2,     ANY,        1, ops::batch_matmul),
    entry(Builtin::BATCH_TO_SPACE_ND,             4,    3..=3,     ANY,        1, ops::batch_to_space_nd),
    entry(Builtin::BITCAST,                       1,    1..=1,     ANY,        1, ops::bitcast),
    entry(Builtin::BITWISE_XOR,                   1,    2..=2,     ANY,        1, ops::bitwise_xor),
    entry(Builtin::BROADCAST_ARGS,                1,    2..=2,     ANY,        1, ops::broadcast_args),
    entry(Builtin::BROADCAST_TO,                  3,    2..=2,     ANY,        1, ops::broadcast_to),
    entry(Builtin::BUCKETIZE,                     1,    1..=1,     ANY,        1, ops::bucketize),
    entry(Builtin::CALL,                          1,  0..=ANY,     ANY,      ANY, ops::call),
    entry(Builtin::CALL_ONCE,                     1,    0..=0,     ANY,        0, ops::call_once),
    entry(Builtin::CAST,                          8,    1..=1,     ANY,        1, ops::cast),
    entry(Builtin::CEIL,                          1,    1..=1,     ANY,        1, ops::ceil),
    entry(Builtin::COMPLEX_ABS,                   1,    1..=1,     ANY,        1, ops::complex_abs),
    entry(Builtin::CONV_3D,                       1,    2..=3,       2,        1, ops::conv_3d),
    entry(Builtin::CONV_3D_TRANSPOSE,             1,    3..=4,       3,        1, ops::conv_3d_transpose),
    entry(Builtin::COS,                           1,    1..=1,     ANY,        1, ops::cos),
    entry(Builtin::CUMSUM,                        1,    2..=2,     ANY,        1, ops::cumsum),
    entry(Builtin::DENSIFY,                       1,    1..=1,     ANY,        1, ops::densify),
    entry(Builtin::DEPTH_TO_SPACE,                2,    1..=1,     ANY,        1, ops::depth_to_space),
    entry(Builtin::DILATE,                        1,    3..=3,     ANY,        1, ops::dilate),
    entry(Builtin::DIV,                           2,    2..=2,     ANY,        1, ops::div),
    entry(Builtin::DYNAMIC_UPDATE_SLICE,          5,    3..=3,     ANY,        1, ops::dynamic_update_slice),
    entry(Builtin::ELU,                           1,    1..=1,     ANY,        1, ops::elu),
    entry(Builtin::EMBEDDING_LOOKUP,              5,    2..=2,     ANY,        1, ops::embedding_lookup),
    entry(Builtin::EQUAL,                         5,    2..=2,     ANY,        1, ops::equal),
    entry(Builtin::EXP,                           2,    1..=1,     ANY,        1, ops::exp),
    entry(Builtin::EXPAND_DIMS,                   1,    2..=2,     ANY,        1, ops::expand_dims),
    entry(Builtin::FAKE_QUANT,                    2,    1..=1,     ANY,        1, ops::fake_quant),
    entry(Builtin::FILL,                          4,    2..=2,     ANY,        1, ops::fill),
    entry(Builtin::FLOOR,                         1,    1..=1,     ANY,        1, ops::floor),
    entry(Builtin::FLOOR_DIV,                     3,    2..=2,     ANY,        1, ops::floor_div),
    entry(Builtin::FLOOR_MOD,                     2,    2..=2,     ANY,        1, ops::floor_mod),
    entry(Builtin::GATHER,                        7,    2..=2,     ANY,        1, ops::gather),
    entry(Builtin::GATHER_ND,                     5,    2..=2,     ANY,        1, ops::gather_nd),
    entry(Builtin::GELU,                          2,    1..=1,     ANY,        1, ops::gelu),
    entry(Builtin::GREATER,                       2,    2..=2,     ANY,        1, ops::greater),
    entry(Builtin::GREATER_EQUAL,                 3,    2..=2,     ANY,        1, ops::greater_equal),
    entry(Builtin::IF,                            1,  1..=ANY,     ANY,      ANY, ops::branch),
    entry(Builtin::IMAG,                          1,    1..=1,     ANY,        1, ops::imag),
    entry(Builtin::L2_NORMALIZATION,              2,    1..=1,     ANY,        1, ops::l2_normalization),
    entry(Builtin::L2_POOL_2D,                    1,    1..=1,     ANY,        1, ops::l2_pool_2d),
    entry(Builtin::LEAKY_RELU,                    2,    1..=1,     ANY,        1, ops::leaky_relu),
    entry(Builtin::LESS,                          3,    2..=2,     ANY,        1, ops::less),
    entry(Builtin::LESS_EQUAL,                    2,    2..=2,     ANY,        1, ops::less_equal),
    entry(Builtin::LOCAL_RESPONSE_NORMALIZATION,  1,    1..=1,     ANY,        1, ops::local_response_normalization),
    entry(Builtin::LOG,                           2,    1..=1,     ANY,        1, ops::log),
    entry(Builtin::LOGICAL_AND,                   1,    2..=2,     ANY,        1, ops::logical_and),
    entry(Builtin::LOGICAL_NOT,                   1,    1..=1,     ANY,        1, ops::logical_not),
    entry(Builtin::LOGICAL_OR,                    1,    2..=2,     ANY,        1, ops::logical_or),
    entry(Builtin::LOG_SOFTMAX,                   2,    1..=1,     ANY,        1, ops::log_softmax),
    entry(Builtin::LSTM,                           4,   5..=24,       1,      ANY, ops::lstm),
    entry(Builtin::MATRIX_DIAG,                   1,    1..=1,     ANY,        1, ops::matrix_diag),
    entry(Builtin::MATRIX_SET_DIAG,               1,    2..=2,     ANY,        1, ops::matrix_set_diag),
    entry(Builtin::MAXIMUM,                       4,    2..=2,     ANY,        1, ops::maximum),
    entry(Builtin::MINIMUM,                       4,    2..=2,     ANY,        1, ops::minimum),
    entry(Builtin::MIRROR_PAD,                    3,    2..=2,     ANY,        1, ops::mirror_pad),
    entry(Builtin::NEG,                           1,    1..=1,     ANY,        1, ops::neg),
    entry(Builtin::NON_MAX_SUPPRESSION_V4,        1,    5..=5,     ANY,        2, ops::non_max_suppression_v4),
    entry(Builtin::NON_MAX_SUPPRESSION_V5,        1,    6..=6,     ANY,        3, ops::non_max_suppression_v5),
    entry(Builtin::NOT_EQUAL,                     4,    2..=2,     ANY,        1, ops::not_equal),
    entry(Builtin::ONE_HOT,                       1,    4..=4,     ANY,        1, ops::one_hot),
    entry(Builtin::PADV2,                         5,    3..=3,     ANY,        1, ops::pad_v2),
    entry(Builtin::POW,                           1,    2..=2,     ANY,        1, ops::pow),
    entry(Builtin::PRELU,                         1,    2..=2,     ANY,        1, ops::prelu),
    entry(Builtin::RANGE,                         2,    3..=3,     ANY,        1, ops::range),
    entry(Builtin::RANK,                          1,    1..=1,     ANY,        1, ops::rank),
    entry(Builtin::READ_VARIABLE,                 1,    1..=1,     ANY,        1, ops::read_variable),
    entry(Builtin::REAL,                          1,    1..=1,     ANY,        1, ops::real),
    entry(Builtin::REDUCE_ALL,                    1,    2..=2,     ANY,        1, ops::reduce_all),
    entry(Builtin::REDUCE_ANY,                    1,    2..=2,     ANY,        1, ops::reduce_any),
    entry(Builtin::REDUCE_MAX,                    3,    2..=2,     ANY,        1, ops::reduce_max),
    entry(Builtin::REDUCE_MIN,                    3,    2..=2,     ANY,        1, ops::reduce_min),
    entry(Builtin::REDUCE_PROD,                   2,    2..=2,     ANY,        1, ops::reduce_prod),
    entry(Builtin::REDUCE_WINDOW,                 1,    5..=5,     ANY,        1, ops::reduce_window),
    entry(Builtin::RELU_0_TO_1,                   1,    1..=1,     ANY,        1, ops::relu_0_to_1),
    entry(Builtin::RELU_N1_TO_1,                  1,    1..=1,     ANY,        1, ops::relu_n1_to_1),
    entry(Builtin::RESIZE_BILINEAR,               4,    2..=2,     ANY,        1, ops::resize_bilinear),
    entry(Builtin::RESIZE_NEAREST_NEIGHBOR,       4,    2..=2,     ANY,        1, ops::resize_nearest_neighbor),
    entry(Builtin::REVERSE_SEQUENCE,              1,    2..=2,     ANY,        1, ops::reverse_sequence),
    entry(Builtin::REVERSE_V2,                    3,    2..=2,     ANY,        1, ops::reverse_v2),
    entry(Builtin::RFFT2D,                        1,    2..=2,     ANY,        1, ops::rfft_2d),
    entry(Builtin::RIGHT_SHIFT,                   1,    2..=2,     ANY,        1, ops::right_shift),
    entry(Builtin::RNN,                           3,    5..=5,     ANY,        1, ops::rnn),
    entry(Builtin::ROUND,                         1,    1..=1,     ANY,        1, ops::round),
    entry(Builtin::RSQRT,                         3,    1..=1,     ANY,        1, ops::rsqrt),
    entry(Builtin::SCATTER_ND,                    1,    3..=3,     ANY,        1, ops::scatter_nd),
    entry(Builtin::SEGMENT_SUM,                   1,    2..=2,     ANY,        1, ops::segment_sum),
    entry(Builtin::SELECT,                        4,    3..=3,     ANY,        1, ops::select),
    entry(Builtin::SELECT_V2,                     2,    3..=3,     ANY,        1, ops::select_v2),
    entry(Builtin::SIGN,                          2,    1..=1,     ANY,        1, ops::sign),
    entry(Builtin::SIN,                           1,    1..=1,     ANY,        1, ops::sin),
    entry(Builtin::SLICE,                         7,    3..=3,     ANY,        1, ops::slice),
    entry(Builtin::SPACE_TO_BATCH_ND,             4,    3..=3,     ANY,        1, ops::space_to_batch_nd),
    entry(Builtin::SPACE_TO_DEPTH,                2,    1..=1,     ANY,        1, ops::space_to_depth),
    entry(Builtin::SPARSE_TO_DENSE,               3,    4..=4,     ANY,        1, ops::sparse_to_dense),
    entry(Builtin::SPLIT,                         4,    2..=2,     ANY,      ANY, ops::split),
    entry(Builtin::SPLIT_V,                       2,    3..=3,     ANY,      ANY, ops::split_v),
    entry(Builtin::SQRT,                          2,    1..=1,     ANY,        1, ops::sqrt),
    entry(Builtin::SQUARE,                        1,    1..=1,     ANY,        1, ops::square),
    entry(Builtin::SQUARED_DIFFERENCE,            2,    2..=2,     ANY,        1, ops::squared_difference),
    entry(Builtin::STABLEHLO_COMPOSITE,           1,  0..=ANY,     ANY,      ANY, ops::call),
    entry(Builtin::SUB,                           5,    2..=2,     ANY,        1, ops::sub),
    entry(Builtin::SUM,                           2,    2..=2,     ANY,        1, ops::sum),
    entry(Builtin::SVDF,                          4,    5..=5,       3,        1, ops::svdf),
    entry(Builtin::TANH,                          3,    1..=1,     ANY,        1, ops::tanh),
    entry(Builtin::TILE,                          3,    2..=2,     ANY,        1, ops::tile),
    entry(Builtin::TOPK_V2,                       3,    2..=2,     ANY,        2, ops::top_k_v2),
    entry(Builtin::TRANSPOSE,                     7,    2..=2,     ANY,        1, ops::transpose),
    entry(Builtin::TRANSPOSE_CONV,                5,    3..=4,       3,        1, ops::transpose_conv),
    entry(Builtin::UNIDIRECTIONAL_SEQUENCE_LSTM,  4,  20..=24,       1,        1, ops::unidirectional_sequence_lstm),
    entry(Builtin::UNIDIRECTIONAL_SEQUENCE_RNN,   3,    5..=5,     ANY,        1, ops::unidirectional_sequence_rnn),
    entry(Builtin::UNIQUE,                        1,    1..=1,     ANY,        2, ops::unique),
    entry(Builtin::UNPACK,                        4,    1..=1,     ANY,      ANY, ops::unpack),
    entry(Builtin::UNSORTED_SEGMENT_MAX,          1,    3..=3,     ANY,        1, ops::unsorted_segment_max),
    entry(Builtin::UNSORTED_SEGMENT_MIN,          1,    3..=3,     ANY,        1, ops::unsorted_segment_min),
    entry(Builtin::UNSORTED_SEGMENT_PROD,         1,    3..=3,     ANY,        1, ops::unsorted_segment_prod),
    entry(Builtin::UNSORTED_SEGMENT_SUM,          1,    3..=3,     ANY,        1, ops::unsorted_segment_sum),
    entry(Builtin::VAR_HANDLE,                    1,    0..=0,     ANY,        1, ops::var_handle),
    entry(Builtin::WHERE,                         2,    1..=1,     ANY,        1, ops::where_true),
    entry(Builtin::WHILE,                         1,  1..=ANY,     ANY,      ANY, ops::repeat),
    entry(Builtin::ZEROS_LIKE,                    1,    1..=1,     ANY,        1, ops::zeros_like),
];

/// Custom operators, by the code in the file.
#[rustfmt::skip]
static CUSTOM: &[(&str, Entry)] = &[
    ("TFLite_Detection_PostProcess", entry(Builtin::CUSTOM, 1, 3..=3, ANY, 4, ops::detection_postprocess)),
];

const fn entry(
    operator: Builtin,
    newest_version: i32,
    inputs: RangeInclusive<usize>,
    optional_from: usize,
    outputs: usize,
    prepare: Prepare,
) -> Entry {
    Entry { operator, newest_version, inputs, optional_from, outputs, prepare }
}

impl Operators {
    /// Every operator of this crate.
    pub const ALL: Self = Self { lists: &[VISION, OTHERS], custom: CUSTOM };

    /// What MobileNet v1 to v3 and Inception v3 are made of, in every quantized form.
    pub const VISION: Self = Self { lists: &[VISION], custom: &[] };

    /// The entry of an operator; none when it is not one of these.
    pub(crate) fn find(&self, operator: Builtin, name: &str) -> Option<&'static Entry> {
        if operator == Builtin::CUSTOM {
            return self.custom.iter().find(|(code, _)| *code == name).map(|(_, entry)| entry);
        }
        self.lists.iter().flat_map(|list| list.iter()).find(|entry| entry.operator == operator)
    }
}

impl core::fmt::Debug for Operators {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let builtin =
            self.lists.iter().flat_map(|list| list.iter()).map(|entry| builtin_name(entry.operator));
        f.debug_list().entries(builtin.chain(self.custom.iter().map(|(code, _)| *code))).finish()
    }
}

impl PartialEq for Entry {
    /// Each entry is there once.
    fn eq(&self, other: &Self) -> bool {
        core::ptr::eq(self, other)
    }
}

/// Checks the number of inputs and outputs of a node whose operator is known, and that required inputs are there.
pub(crate) fn check_arity(node: &Node, place: Spot<'_>) -> Result<(), Fault> {
    let Some(entry) = node.entry else { return Ok(()) };
    if !entry.inputs.contains(&node.inputs.len()) {
        let (least, most) = (entry.inputs.start(), entry.inputs.end());
        let expected = if *most == ANY { format!("{least} or more") } else { format!("{least} to {most}") };
        return Err(Fault::mismatch(place, format!("{expected} inputs"), format!("{}", node.inputs.len())));
    }
    let fits =
        if entry.outputs == ANY { !node.outputs.is_empty() } else { node.outputs.len() == entry.outputs };
    if !fits {
        let least = if entry.outputs == ANY { "1 or more".into() } else { format!("{}", entry.outputs) };
        let expected = format!("number of outputs {least}");
        return Err(Fault::mismatch(place, expected, format!("{}", node.outputs.len())));
    }
    let required = node.inputs.iter().enumerate().take(entry.optional_from);
    match required.into_iter().find(|(_, tensor)| tensor.is_none()) {
        Some((slot, _)) => Err(Fault::missing(format!("{place} input {slot}"), "tensor")),
        None => Ok(()),
    }
}

/// The entry that prepares a node.
pub(crate) fn entry_of(node: &Node, place: Spot<'_>) -> Result<&'static Entry, Fault> {
    let entry = node.entry.ok_or_else(|| Fault::unsupported(place, "operator"))?;
    if node.version < 1 || node.version > entry.newest_version {
        let expected = format!("version 1 to {}", entry.newest_version);
        return Err(Fault::mismatch(place, expected, format!("{}", node.version)));
    }
    Ok(entry)
}
