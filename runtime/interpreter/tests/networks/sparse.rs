//! Sparse constants: one that holds, and each way in which it may not.

use edgebench_interpreter::{Interpreter, Model, Options};
use edgebench_schema::tflite::*;

use crate::build::{Net, table};

fn vector(values: &[i32]) -> SparseIndexVectorT {
    SparseIndexVectorT::Int32Vector(Box::new(table!(Int32VectorT { values: Some(values.to_vec()) })))
}

/// `[[0, 5, 0], [7, 0, 9]]`, rows dense and columns compressed.
fn parameters() -> SparsityParametersT {
    let rows = table!(DimensionMetadataT { format: DimensionType::DENSE, dense_size: 2 });
    let columns = table!(DimensionMetadataT {
        format: DimensionType::SPARSE_CSR,
        array_segments: vector(&[0, 1, 3]),
        array_indices: vector(&[1, 0, 2]),
    });
    table!(SparsityParametersT { traversal_order: Some(vec![0, 1]), dim_metadata: Some(vec![rows, columns]) })
}

fn outcome(change: impl FnOnce(&mut SparsityParametersT)) -> Result<Vec<f32>, String> {
    let mut net = Net::new();
    let stored = net.float_constant(&[2, 3], &[5.0, 7.0, 9.0]);
    let whole = net.floats(&[2, 3]);
    let mut sparsity = parameters();
    change(&mut sparsity);
    net.tensors()[stored as usize].sparsity = Some(Box::new(sparsity));
    let options = BuiltinOptionsT::DensifyOptions(Box::default());
    net.node(BuiltinOperator::DENSIFY, &[stored], &[whole], options);
    net.door(&[], &[whole]);
    let bytes = net.bytes();
    let model = Model::load(&bytes).map_err(|error| error.to_string())?;
    let mut interpreter = Interpreter::new(&model, &Options::default()).map_err(|error| error.to_string())?;
    interpreter.invoke().map_err(|error| error.to_string())?;
    Ok(interpreter.output(0).and_then(|view| view.real_values()).expect("values"))
}

fn refusal(change: impl FnOnce(&mut SparsityParametersT)) -> String {
    outcome(change).expect_err("refused")
}

fn columns(sparsity: &mut SparsityParametersT) -> &mut DimensionMetadataT {
    &mut sparsity.dim_metadata.as_mut().expect("dimensions")[1]
}

#[test]
fn a_sparse_constant_becomes_dense() {
    assert_eq!(outcome(|_| ()), Ok(vec![0.0, 5.0, 0.0, 7.0, 0.0, 9.0]));
}

#[test]
fn levels_that_do_not_hold_are_refused() {
    let place = |rest: &str| format!("tensor 0 \"t0\": {rest}");
    assert_eq!(
        refusal(|sparsity| columns(sparsity).array_indices = vector(&[1, 0, 3])),
        place("expected ascending segments from 0, and indices below 3, found others")
    );
    assert_eq!(
        refusal(|sparsity| columns(sparsity).array_indices = vector(&[1, 0, -1])),
        place("missing sparse segments or indices")
    );
    assert_eq!(
        refusal(|sparsity| columns(sparsity).array_segments = vector(&[0, 3, 1])),
        place("expected ascending segments from 0, and indices below 3, found others")
    );
    assert_eq!(
        refusal(|sparsity| columns(sparsity).array_segments = vector(&[0, 3])),
        place("expected 3 segments over 3 indices, found 2")
    );
    assert_eq!(
        refusal(|sparsity| columns(sparsity).array_segments = vector(&[0, 1, 2])),
        place("expected 3 segments over 3 indices, found 3")
    );
    assert_eq!(
        refusal(|sparsity| {
            columns(sparsity).array_segments = vector(&[0, 1, 2]);
            columns(sparsity).array_indices = vector(&[1, 0]);
        }),
        place("expected 2 sparse values, found 3")
    );
    assert_eq!(
        refusal(|sparsity| columns(sparsity).format = DimensionType(9)),
        place("unsupported sparse format 9")
    );
}

#[test]
fn orders_and_blocks_that_do_not_hold_are_refused() {
    let place = |rest: &str| format!("tensor 0 \"t0\": {rest}");
    for order in [vec![0, 0], vec![0, 2], vec![0, -1]] {
        let message = refusal(|sparsity| sparsity.traversal_order = Some(order));
        assert_eq!(message, place("expected a traversal order of 2, found others"));
    }
    assert_eq!(
        refusal(|sparsity| sparsity.traversal_order = Some(vec![0])),
        place("expected sparse dimensions for rank 2 and 0 blocks, found others")
    );
    let blocks = |block: i32, size: i32| {
        refusal(|sparsity| {
            sparsity.traversal_order = Some(vec![0, 1, 2]);
            sparsity.block_map = Some(vec![block]);
            let level = table!(DimensionMetadataT { format: DimensionType::DENSE, dense_size: size });
            sparsity.dim_metadata.as_mut().expect("dimensions").push(level);
        })
    };
    assert_eq!(blocks(2, 1), place("expected blocks in different dimensions below 2, found others"));
    assert_eq!(blocks(1, 2), place("expected blocks that divide [2, 3], found others"));
    assert_eq!(blocks(1, 0), place("expected blocks that divide [2, 3], found others"));
    assert_eq!(
        refusal(|sparsity| sparsity.dim_metadata.as_mut().expect("dimensions")[0].dense_size = 3),
        place("expected dense size 2, found 3")
    );
}
