//! The known ways to break a TFLite interpreter, by the numbers under which they were published: one model for each, as
//! small as it gets. `hostile` and `refusals` have those of convolutions, pools, padding, indices and sizes.

use edgebench_interpreter::{Interpreter, Model, Options};
use edgebench_schema::tflite::BuiltinOperator as Operator;
use edgebench_schema::tflite::*;

use crate::build::{Net, table};

/// What becomes of a network: the words of its refusal, of the value that stops it, or `ran`.
fn fate(net: &Net) -> String {
    let bytes = net.bytes();
    let model = match Model::load(&bytes) {
        Ok(model) => model,
        Err(error) => return error.to_string(),
    };
    match Interpreter::new(&model, &Options::default()) {
        Err(error) => error.to_string(),
        Ok(mut interpreter) => match interpreter.invoke() {
            Err(error) => format!("stopped: {error}"),
            Ok(()) => "ran".to_owned(),
        },
    }
}

/// Every model of a table has the fate beside it.
fn check(models: &[(&str, Net, &str)]) {
    let wrong = models.iter().filter_map(|(name, net, expected)| {
        let found = fate(net);
        // A fate that ends in dots is the beginning of one.
        let fits = match expected.strip_suffix("...") {
            Some(beginning) => found.starts_with(beginning),
            None => found == *expected,
        };
        (!fits).then(|| format!("{name}: expected {expected:?}, found {found:?}"))
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// An operand: of floats, or a constant of int32.
enum Operand {
    Floats(&'static [i32]),
    Integers(&'static [i32]),
    Constant(&'static [i32], &'static [i32]),
}
use Operand::{Constant, Floats, Integers};

/// One node between operands and outputs of floats.
fn node(kind: Operator, inputs: &[Operand], outputs: &[&[i32]], options: BuiltinOptionsT) -> Net {
    let mut net = Net::new();
    let (mut all, mut doors) = (Vec::new(), Vec::new());
    for input in inputs {
        let tensor = match input {
            Floats(shape) => net.floats(shape),
            Integers(shape) => net.tensor(TensorType::INT32, shape),
            Constant(shape, values) => net.int32_constant(shape, values),
        };
        if !matches!(input, Constant(..)) {
            doors.push(tensor);
        }
        all.push(tensor);
    }
    let outputs: Vec<i32> = outputs.iter().map(|shape| net.floats(shape)).collect();
    net.node(kind, &all, &outputs, options);
    net.door(&doors, &outputs);
    net
}

/// Options by the name of their table.
macro_rules! options {
    ($variant:ident($kind:ident { $($field:ident: $value:expr),* })) => {
        BuiltinOptionsT::$variant(Box::new(table!($kind { $($field: $value),* })))
    };
}

/// Damages what [`node`] made.
fn changed(mut net: Net, change: impl FnOnce(&mut Net)) -> Net {
    change(&mut net);
    net
}

#[test]
fn division_by_a_block_of_nothing() {
    let to_depth = |block| options!(SpaceToDepthOptions(SpaceToDepthOptionsT { block_size: block }));
    let to_space = |block| options!(DepthToSpaceOptions(DepthToSpaceOptionsT { block_size: block }));
    let image = || Floats(&[1, 4, 4, 4]);
    let blocks = |kind, sizes, edges| {
        let inputs = [image(), Constant(&[2], sizes), Constant(&[2, 2], edges)];
        node(kind, &inputs, &[&[1, 4, 4, 4]], BuiltinOptionsT::NONE)
    };
    check(&[
        (
            "CVE-2021-29587",
            node(Operator::SPACE_TO_DEPTH, &[image()], &[&[1, 2, 2, 16]], to_depth(0)),
            "node 0 (SPACE_TO_DEPTH): expected a block size of at least 1, found 0",
        ),
        (
            "CVE-2021-29587, product",
            node(Operator::SPACE_TO_DEPTH, &[image()], &[&[1, 2, 2, 16]], to_depth(i32::MAX)),
            "node 0 (SPACE_TO_DEPTH) input 0 \"t0\": expected height and width in multiples of 2147483647, found shape [1, 4, 4, 4]",
        ),
        (
            "CVE-2021-29595",
            node(Operator::DEPTH_TO_SPACE, &[image()], &[&[1, 8, 8, 1]], to_space(0)),
            "node 0 (DEPTH_TO_SPACE): expected a block size of at least 1, found 0",
        ),
        (
            "CVE-2021-29595, product",
            node(Operator::DEPTH_TO_SPACE, &[image()], &[&[1, 8, 8, 1]], to_space(1 << 16)),
            "node 0 (DEPTH_TO_SPACE) input 0 \"t0\": expected channels in multiples of 65536 x 65536, found shape [1, 4, 4, 4]",
        ),
        (
            "CVE-2021-29593",
            blocks(Operator::BATCH_TO_SPACE_ND, &[0, 1], &[0; 4]),
            "node 0 (BATCH_TO_SPACE_ND) input 1 \"t1\": expected block sizes of at least 1, found 0",
        ),
        (
            "CVE-2021-29593, crops",
            blocks(Operator::BATCH_TO_SPACE_ND, &[1, 1], &[i32::MAX, 0, 0, 0]),
            "node 0 (BATCH_TO_SPACE_ND) input 0 \"t0\": expected a batch in multiples of [1, 1] and more than [[2147483647, 0], [0, 0]], found shape [1, 4, 4, 4]",
        ),
        (
            "CVE-2021-29597",
            blocks(Operator::SPACE_TO_BATCH_ND, &[1, 0], &[0; 4]),
            "node 0 (SPACE_TO_BATCH_ND) input 1 \"t1\": expected block sizes of at least 1, found 0",
        ),
        (
            "CVE-2021-29597, padding",
            blocks(Operator::SPACE_TO_BATCH_ND, &[1, 1], &[-1, 0, 0, 0]),
            "node 0 (SPACE_TO_BATCH_ND) input 2 \"t2\": expected at least 0, found -1",
        ),
    ]);
}

#[test]
fn division_by_a_stride_or_channels_of_nothing() {
    let transposed =
        |stride| options!(TransposeConvOptions(TransposeConvOptionsT { stride_w: stride, stride_h: stride }));
    let depthwise = |stride, multiplier| {
        options!(DepthwiseConv2DOptions(DepthwiseConv2DOptionsT {
            stride_w: stride,
            stride_h: stride,
            depth_multiplier: multiplier
        }))
    };
    let image = || Floats(&[1, 4, 4, 2]);
    let conv = || options!(Conv2DOptions(Conv2DOptionsT { stride_w: 1, stride_h: 1 }));
    let up = [Constant(&[4], &[1, 4, 4, 2]), Floats(&[2, 1, 1, 2]), image()];
    let far = [Constant(&[4], &[1, 1 << 20, 1 << 20, 2]), Floats(&[2, 1, 1, 2]), image()];
    let out: &[&[i32]] = &[&[1, 4, 4, 2]];
    check(&[
        (
            "CVE-2021-29588",
            node(Operator::TRANSPOSE_CONV, &up, out, transposed(0)),
            "node 0 (TRANSPOSE_CONV): expected strides of at least 1, found 0",
        ),
        (
            "CVE-2021-29588, shape",
            node(Operator::TRANSPOSE_CONV, &far, out, transposed(1)),
            "tensor 3 \"t3\": number of elements 2199023255552 is over the limit of 268435456",
        ),
        (
            "CVE-2021-29602",
            node(Operator::DEPTHWISE_CONV_2D, &[image(), Floats(&[1, 1, 1, 2])], out, depthwise(0, 1)),
            "node 0 (DEPTHWISE_CONV_2D): expected strides of at least 1, found 0",
        ),
        (
            "CVE-2022-21741",
            node(
                Operator::DEPTHWISE_CONV_2D,
                &[Floats(&[1, 4, 4, 0]), Floats(&[1, 1, 1, 2])],
                out,
                depthwise(1, 1),
            ),
            "node 0 (DEPTHWISE_CONV_2D) input 0 \"t0\": expected rank 4 and dimensions of at least 1, found shape [1, 4, 4, 0]",
        ),
        (
            "CVE-2022-23557",
            changed(
                node(Operator::CONV_2D, &[image(), Floats(&[2, 1, 1, 2]), Floats(&[0])], out, conv()),
                |net| {
                    net.fill(1, vec![0; 16]);
                    net.door(&[0], &[3]);
                },
            ),
            "node 0 (CONV_2D) input 2 \"t2\": expected 2 elements, found shape [0]",
        ),
        (
            "CVE-2023-27579",
            node(Operator::CONV_2D, &[image(), Floats(&[2, 1, 1, 0])], out, conv()),
            "node 0 (CONV_2D) input 1 \"t1\": expected rank 4 and dimensions of at least 1, found shape [2, 1, 1, 0]",
        ),
    ]);
}

#[test]
fn division_by_rows_parts_or_places_of_nothing() {
    let split = |count| options!(SplitOptions(SplitOptionsT { num_splits: count }));
    let one_hot = |axis| options!(OneHotOptions(OneHotOptionsT { axis: axis }));
    let svdf = |rank| options!(SVDFOptions(SVDFOptionsT { rank: rank }));
    let line = [Constant(&[1], &[0]), Floats(&[4])];
    let marks = |places| [Integers(places), Constant(&[], &[3]), Floats(&[]), Floats(&[])];
    let filter = || [Floats(&[1, 3]), Floats(&[4, 3]), Floats(&[4, 2]), Floats(&[4]), Floats(&[1, 8])];
    check(&[
        (
            "CVE-2021-29599",
            node(Operator::SPLIT, &line, &[&[4]], split(0)),
            "node 0 (SPLIT): expected 0 outputs, found 1",
        ),
        (
            "CVE-2021-29599, no output",
            node(Operator::SPLIT, &line, &[], split(0)),
            "node 0 (SPLIT): expected number of outputs 1 or more, found 0",
        ),
        ("CVE-2021-29600", node(Operator::ONE_HOT, &marks(&[0]), &[&[0, 3]], one_hot(-1)), "ran"),
        (
            "CVE-2021-29600, axis",
            node(Operator::ONE_HOT, &marks(&[2]), &[&[2, 3]], one_hot(-2)),
            "node 0 (ONE_HOT): expected an axis up to 1, found -2",
        ),
        (
            "CVE-2021-29589",
            node(
                Operator::GATHER_ND,
                &[Floats(&[0, 2]), Integers(&[1, 1])],
                &[&[1, 2]],
                BuiltinOptionsT::GatherNdOptions(Box::default()),
            ),
            "stopped: node 0 (GATHER_ND) input 1 \"t1\": expected indices below [0], found 0",
        ),
        (
            "CVE-2021-29596",
            node(
                Operator::EMBEDDING_LOOKUP,
                &[Integers(&[2]), Floats(&[0, 4])],
                &[&[2, 4]],
                BuiltinOptionsT::NONE,
            ),
            "stopped: node 0 (EMBEDDING_LOOKUP) input 0 \"t0\": expected indices below 0, found 0",
        ),
        (
            "CVE-2021-29598",
            node(Operator::SVDF, &filter(), &[&[1, 4]], svdf(0)),
            "node 0 (SVDF): expected a rank that divides 4, found 0",
        ),
        (
            "CVE-2021-37681",
            node(Operator::SVDF, &filter(), &[&[1, 4]], svdf(1)),
            "node 0 (SVDF) input 4 \"t4\": expected a variable, found a tensor that is none",
        ),
        (
            "CVE-2021-29604",
            node(
                Operator::HASHTABLE_LOOKUP,
                &[Integers(&[1]), Integers(&[0]), Floats(&[0])],
                &[&[1]],
                BuiltinOptionsT::NONE,
            ),
            "node 0 (HASHTABLE_LOOKUP): unsupported operator",
        ),
        (
            "CVE-2021-37691",
            node(
                Operator::LSH_PROJECTION,
                &[Floats(&[0, 0]), Integers(&[0])],
                &[&[0]],
                BuiltinOptionsT::LSHProjectionOptions(Box::default()),
            ),
            "node 0 (LSH_PROJECTION): unsupported operator",
        ),
    ]);
}

#[test]
fn reading_outside_of_a_tensor() {
    let gather = || options!(GatherOptions(GatherOptionsT { axis: 0 }));
    let many = || BuiltinOptionsT::GatherNdOptions(Box::default());
    let cut = |count| options!(SplitVOptions(SplitVOptionsT { num_splits: count }));
    let lengths = |list: &'static [i32]| [Floats(&[4]), Constant(&[2], list), Constant(&[], &[0])];
    let two: &[&[i32]] = &[&[2], &[2]];
    let picks = |index| node(Operator::GATHER, &[Floats(&[3]), Constant(&[1], index)], &[&[1]], gather());
    check(&[
        (
            "CVE-2021-37687",
            picks(&[-1]),
            "stopped: node 0 (GATHER) input 1 \"t1\": expected indices below 3, found -1",
        ),
        (
            "CVE-2021-37687, above",
            picks(&[3]),
            "stopped: node 0 (GATHER) input 1 \"t1\": expected indices below 3, found 3",
        ),
        (
            "CVE-2021-37687, several axes",
            node(Operator::GATHER_ND, &[Floats(&[3, 2]), Constant(&[1, 2], &[1, -1])], &[&[1]], many()),
            "stopped: node 0 (GATHER_ND) input 1 \"t1\": expected indices below [3, 2], found -1",
        ),
        (
            "CVE-2022-35937",
            node(Operator::GATHER_ND, &[Floats(&[3]), Constant(&[1, 2], &[0, 0])], &[&[1]], many()),
            "node 0 (GATHER_ND) input 1 \"t1\": expected at most 1 indices in the last axis, found shape [1, 2]",
        ),
        (
            "CVE-2021-37685",
            node(
                Operator::EXPAND_DIMS,
                &[Floats(&[3]), Constant(&[1], &[-3])],
                &[&[1, 3]],
                BuiltinOptionsT::NONE,
            ),
            "node 0 (EXPAND_DIMS) input 1 \"t1\": expected axes within rank 2, found -3",
        ),
        (
            "CVE-2021-29606",
            node(Operator::SPLIT_V, &lengths(&[3, 3]), two, cut(2)),
            "node 0 (SPLIT_V) input 1 \"t1\": expected lengths of axis 0 of shape [4], found [3, 3]",
        ),
        (
            "CVE-2021-29606, negative",
            node(Operator::SPLIT_V, &lengths(&[-5, 9]), two, cut(2)),
            "node 0 (SPLIT_V) input 1 \"t1\": expected lengths of axis 0 of shape [4], found [-5, 9]",
        ),
        (
            "CVE-2021-29606, two rests",
            node(Operator::SPLIT_V, &lengths(&[-1, -1]), two, cut(2)),
            "node 0 (SPLIT_V) input 1 \"t1\": expected lengths of axis 0 of shape [4], found [-1, -1]",
        ),
        (
            "CVE-2021-29590",
            node(
                Operator::MINIMUM,
                &[Floats(&[0]), Floats(&[3])],
                &[&[3]],
                BuiltinOptionsT::MaximumMinimumOptions(Box::default()),
            ),
            "node 0 (MINIMUM)...",
        ),
        (
            "CVE-2020-15214",
            node(
                Operator::SEGMENT_SUM,
                &[Floats(&[2, 2]), Constant(&[2], &[1, 0])],
                &[&[1, 2]],
                BuiltinOptionsT::NONE,
            ),
            "node 0 (SEGMENT_SUM)...",
        ),
    ]);
}

#[test]
fn writing_outside_of_a_tensor() {
    let scatter = |index| {
        let inputs = [Constant(&[1, 1], index), Floats(&[1]), Constant(&[1], &[3])];
        node(Operator::SCATTER_ND, &inputs, &[&[3]], BuiltinOptionsT::NONE)
    };
    let slice = |begin| {
        let inputs = [Floats(&[3]), Floats(&[2]), Constant(&[1], begin)];
        node(Operator::DYNAMIC_UPDATE_SLICE, &inputs, &[&[3]], BuiltinOptionsT::NONE)
    };
    let best = |axis| {
        let inputs = [Floats(&[2, 3]), Constant(&[], axis)];
        let options = options!(ArgMaxOptions(ArgMaxOptionsT { output_type: TensorType::INT32 }));
        changed(node(Operator::ARG_MAX, &inputs, &[&[2]], options), |net| {
            net.tensors()[2].type_ = TensorType::INT32;
        })
    };
    check(&[
        (
            "CVE-2022-35939",
            scatter(&[3]),
            "stopped: node 0 (SCATTER_ND) input 0 \"t0\": expected indices below [3], found 3",
        ),
        (
            "CVE-2022-35939, negative",
            scatter(&[-1]),
            "stopped: node 0 (SCATTER_ND) input 0 \"t0\": expected indices below [3], found -1",
        ),
        ("an update behind the end moves in", slice(&[i32::MAX]), "ran"),
        ("CVE-2021-29603", best(&[2]), "node 0 (ARG_MAX)..."),
        ("CVE-2021-29603, negative", best(&[-3]), "node 0 (ARG_MAX)..."),
        (
            "CVE-2020-15212",
            node(
                Operator::SEGMENT_SUM,
                &[Floats(&[2, 2]), Constant(&[2], &[-1, 9])],
                &[&[1, 2]],
                BuiltinOptionsT::NONE,
            ),
            "node 0 (SEGMENT_SUM)...",
        ),
        (
            "CVE-2022-41894",
            node(
                Operator::CONV_3D_TRANSPOSE,
                &[Constant(&[5], &[1, 9, 9, 9, 1]), Floats(&[1, 1, 1, 1, 1]), Floats(&[1, 1, 1, 1, 1])],
                &[&[1, 1, 1, 1, 1]],
                BuiltinOptionsT::NONE,
            ),
            "node 0 (CONV_3D_TRANSPOSE)...",
        ),
    ]);
}

/// A sparse matrix of two rows and four columns that is made dense (CVE-2022-23560 and CVE-2022-23561).
fn sparse(rows: &[i32], columns: &[i32], order: &[i32]) -> Net {
    let mut net = Net::new();
    let packed = net.float_constant(&[2, 4], &[0.0; 8]);
    let list = |values: &[i32]| {
        SparseIndexVectorT::Int32Vector(Box::new(table!(Int32VectorT { values: Some(values.to_vec()) })))
    };
    let dense = table!(DimensionMetadataT { format: DimensionType::DENSE, dense_size: 2 });
    let stored = table!(DimensionMetadataT {
        format: DimensionType::SPARSE_CSR,
        array_segments: list(rows),
        array_indices: list(columns),
    });
    let sparsity = table!(SparsityParametersT {
        traversal_order: Some(order.to_vec()),
        dim_metadata: Some(vec![dense, stored]),
    });
    net.tensors()[packed as usize].sparsity = Some(Box::new(sparsity));
    net.fill(packed, [1.0f32, 2.0].iter().flat_map(|value| value.to_le_bytes()).collect());
    let output = net.floats(&[2, 4]);
    let options = BuiltinOptionsT::DensifyOptions(Box::default());
    net.node(Operator::DENSIFY, &[packed], &[output], options);
    net.door(&[], &[output]);
    net
}

#[test]
fn writing_outside_of_a_dense_tensor() {
    let models = [
        ("CVE-2022-23560, column", sparse(&[0, 1, 2], &[0, 4], &[0, 1])),
        ("CVE-2022-23560, negative column", sparse(&[0, 1, 2], &[0, -1], &[0, 1])),
        ("CVE-2022-23561, segments", sparse(&[0, 2, 1 << 20], &[0, 1], &[0, 1])),
        ("CVE-2022-23561, falling segments", sparse(&[0, 2, 1], &[0, 1], &[0, 1])),
        ("CVE-2022-23561, order", sparse(&[0, 1, 2], &[0, 1], &[0, 7])),
        ("CVE-2022-23561, an axis twice", sparse(&[0, 1, 2], &[0, 1], &[0, 0])),
        ("CVE-2022-23561, no segments", sparse(&[], &[], &[0, 1])),
    ];
    for (name, net) in models {
        let fate = fate(&net);
        assert!(fate.contains("\"t0\": "), "{name}: expected the tensor's name, found {fate}");
    }
}

#[test]
fn sizes_that_overflow() {
    let join = || options!(ConcatenationOptions(ConcatenationOptionsT { axis: 0 }));
    let half = || Floats(&[1 << 27]);
    let fill = |dims| {
        let inputs = [Constant(&[4], dims), Floats(&[])];
        node(Operator::FILL, &inputs, &[&[4]], BuiltinOptionsT::FillOptions(Box::default()))
    };
    let tile = |counts| {
        let inputs = [Floats(&[2, 2]), Constant(&[2], counts)];
        node(Operator::TILE, &inputs, &[&[4, 4]], BuiltinOptionsT::TileOptions(Box::default()))
    };
    let reshape = |dims: &'static [i32], count: &'static [i32]| {
        let inputs = [Floats(&[4]), Constant(count, dims)];
        node(Operator::RESHAPE, &inputs, &[&[4]], BuiltinOptionsT::NONE)
    };
    check(&[
        (
            "CVE-2021-29601",
            node(Operator::CONCATENATION, &[half(), half(), half()], &[&[3 << 27]], join()),
            "tensor 3 \"t3\": size in bytes 1610612736 is over the limit of 1073741824",
        ),
        (
            "CVE-2021-29605",
            fill(&[i32::MAX; 4]),
            "tensor 2 \"t2\": number of elements 18446744073709551615 is over the limit of 268435456",
        ),
        (
            "CVE-2021-29605, negative",
            fill(&[-1, 1, 1, 4]),
            "node 0 (FILL) input 0 \"t0\": expected dimensions of at least 0, found -1",
        ),
        (
            "CVE-2022-23558",
            reshape(&[1 << 16, 1 << 16, 1 << 16, 1 << 16], &[4]),
            "node 0 (RESHAPE) input 0 \"t0\": expected elements for shape [65536, 65536, 65536, 65536], found shape [4]",
        ),
        (
            "CVE-2022-23558, negative",
            reshape(&[-4, -1], &[2]),
            "node 0 (RESHAPE) input 0 \"t0\": expected elements for shape [-4, -1], found shape [4]",
        ),
        (
            "CVE-2022-23558, two rests",
            reshape(&[-1, -1], &[2]),
            "node 0 (RESHAPE) input 0 \"t0\": expected elements for shape [-1, -1], found shape [4]",
        ),
        (
            "CVE-2022-23559",
            node(
                Operator::EMBEDDING_LOOKUP,
                &[Integers(&[2]), Floats(&[4, 1 << 15, 1 << 15])],
                &[&[2, 1 << 15, 1 << 15]],
                BuiltinOptionsT::NONE,
            ),
            "tensor 1 \"t1\": size in bytes 17179869184 is over the limit of 1073741824",
        ),
        (
            "copies without end",
            tile(&[i32::MAX, i32::MAX]),
            "tensor 2 \"t2\": number of elements 18446744056529682436 is over the limit of 268435456",
        ),
        (
            "copies below nothing",
            tile(&[-1, 1]),
            "node 0 (TILE) input 1 \"t1\": expected multiples of at least 0, found [-1, 1]",
        ),
    ]);
}

#[test]
fn what_is_not_there() {
    let reshape = || {
        let inputs = [Floats(&[4]), Constant(&[1], &[4])];
        node(Operator::RESHAPE, &inputs, &[&[4]], BuiltinOptionsT::NONE)
    };
    let no_data = changed(reshape(), |net| net.tensors()[1].buffer = 0);
    let no_shape = changed(reshape(), |net| net.nodes()[0].inputs = Some(vec![0]));
    let no_inputs = changed(reshape(), |net| net.nodes()[0].inputs = None);
    let no_outputs = changed(reshape(), |net| net.nodes()[0].outputs = None);
    let both = changed(reshape(), |net| net.nodes()[0].outputs = Some(vec![0]));
    let bytes = changed(reshape(), |net| {
        net.tensors()[1].type_ = TensorType::INT8;
        net.tensors()[1].shape = Some(vec![4]);
    });
    check(&[
        (
            "CVE-2020-15209",
            no_data,
            "node 0 (RESHAPE) input 1 \"t1\": expected a tensor with a value, found one that nothing has written yet",
        ),
        ("CVE-2021-29592", no_shape, "ran"),
        ("CVE-2021-37688, no inputs", no_inputs, "node 0 (RESHAPE): expected 1 to 2 inputs, found 0"),
        ("CVE-2021-37688, no outputs", no_outputs, "node 0 (RESHAPE): expected number of outputs 1, found 0"),
        (
            "CVE-2020-15210",
            both,
            "node 0 (RESHAPE) output 0 \"t0\": expected a tensor with no other source, found one that has a value",
        ),
        ("a shape of bytes", bytes, "node 0 (RESHAPE) input 1 \"t1\": expected int32, found int8"),
    ]);
}

/// Found by the fuzz target `model`: an error is one line, and a name does not speak to the terminal.
#[test]
fn names_that_break_the_line() {
    let inputs = [Floats(&[4]), Constant(&[1], &[5])];
    let net = node(Operator::RESHAPE, &inputs, &[&[5]], BuiltinOptionsT::NONE);
    let named = |net: Net, tensor: usize| {
        changed(net, |net| net.tensors()[tensor].name = Some("a\nb\u{1b}[2J".into()))
    };
    let computed = node(Operator::RESHAPE, &[Floats(&[4])], &[&[-1]], BuiltinOptionsT::NONE);
    check(&[
        (
            "input",
            named(net, 0),
            "node 0 (RESHAPE) input 0 \"a\\nb\\u{1b}[2J\": expected elements for shape [5], found shape [4]",
        ),
        (
            "tensor",
            named(computed, 1),
            "tensor 1 \"a\\nb\\u{1b}[2J\": expected dimensions of at least 0, found -1",
        ),
    ]);
}

/// A slice of four values with these begins, ends, strides and masks.
fn strided(list: [&'static [i32]; 3], begin_mask: i32, ellipsis_mask: i32, output: &[i32]) -> Net {
    let options = options!(StridedSliceOptions(StridedSliceOptionsT {
        begin_mask: begin_mask,
        ellipsis_mask: ellipsis_mask
    }));
    let count: &'static [i32] = if list[0].len() == 1 { &[1] } else { &[2] };
    let [begin, end, stride] = list.map(|values| Constant(count, values));
    node(Operator::STRIDED_SLICE, &[Floats(&[4]), begin, end, stride], &[output], options)
}

#[test]
fn work_without_end() {
    let slice = |begin, size| {
        let inputs = [Floats(&[4]), Constant(&[1], begin), Constant(&[1], size)];
        node(Operator::SLICE, &inputs, &[&[4]], BuiltinOptionsT::NONE)
    };
    let range = |delta| {
        let inputs = [Constant(&[], &[0]), Constant(&[], &[i32::MAX]), Constant(&[], delta)];
        changed(node(Operator::RANGE, &inputs, &[&[4]], BuiltinOptionsT::NONE), |net| {
            net.tensors()[3].type_ = TensorType::INT32;
        })
    };
    check(&[
        (
            "CVE-2021-37686",
            strided([&[0], &[4], &[0]], 0, 0, &[4]),
            "node 0 (STRIDED_SLICE) input 3 \"t3\": expected strides other than 0, found 0",
        ),
        (
            "CVE-2021-37686, smallest",
            strided([&[3], &[-9], &[i32::MIN]], 0, 0, &[1]),
            "node 0 (STRIDED_SLICE) input 3 \"t3\": expected strides that can be turned round, found -2147483648",
        ),
        ("CVE-2021-37686, two ellipses", strided([&[0, 0], &[4, 4], &[1, 1]], 0, 3, &[4]), "ran"),
        (
            "a slice behind the end",
            slice(&[3], &[2]),
            "node 0 (SLICE) input 2 \"t2\": expected a part of axis 0 of shape [4], found [2]",
        ),
        (
            "a slice that wraps",
            slice(&[i32::MAX], &[i32::MAX]),
            "node 0 (SLICE) input 1 \"t1\": expected a part of axis 0 of shape [4], found [2147483647]",
        ),
        (
            "steps of nothing",
            range(&[0]),
            "node 0 (RANGE): expected a step that leads to the limit, found one that does not",
        ),
        (
            "steps backwards",
            range(&[-1]),
            "node 0 (RANGE): expected a step that leads to the limit, found one that does not",
        ),
        (
            "steps for ever",
            range(&[1]),
            "tensor 3 \"t3\": number of elements 2147483647 is over the limit of 268435456",
        ),
        (
            "CVE-2020-15213",
            node(
                Operator::SEGMENT_SUM,
                &[Floats(&[1]), Constant(&[1], &[i32::MAX])],
                &[&[1]],
                BuiltinOptionsT::NONE,
            ),
            "node 0 (SEGMENT_SUM)...",
        ),
        (
            "CVE-2021-29591",
            node(
                Operator::WHILE,
                &[Floats(&[1])],
                &[&[1]],
                options!(WhileOptions(WhileOptionsT { cond_subgraph_index: 0, body_subgraph_index: 0 })),
            ),
            "model: expected calls of subgraphs that end after 16, found more",
        ),
    ]);
}

/// Offsets that lead back, behind the end, or everywhere at once (the class of CVE-2018-8825).
#[test]
fn offsets_in_circles() {
    let inputs = [Floats(&[4]), Constant(&[1], &[4])];
    let file = node(Operator::RESHAPE, &inputs, &[&[4]], BuiltinOptionsT::NONE).bytes();
    let mut circles = 0;
    for at in (0..file.len() / 4).map(|word| word * 4).filter(|at| *at != 4) {
        for offset in [0u32, 4u32.wrapping_sub(at as u32), 1 << 31, u32::MAX, file.len() as u32] {
            let mut file = file.clone();
            file[at..at + 4].copy_from_slice(&offset.to_le_bytes());
            circles += usize::from(Model::load(&file).is_err());
        }
    }
    assert!(circles > file.len() / 4, "{circles} of {} bytes: the damage misses its aim", file.len());
}
