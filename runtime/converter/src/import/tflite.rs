//! The `.tflite` importer. Checks every index and every constant's size here, once; later passes trust the graph.

use edgebench_schema::tflite::{Model, Operator as FileOperator, SubGraph, Tensor as FileTensor, TensorType};
use edgebench_schema::{operator_code, tensor_type_name, verified_root};

use crate::error::ImportError;
use crate::graph::{Graph, Operator, Quantization, Signature, Tensor};

/// Reads the network of a `.tflite` file.
///
/// # Errors
/// When the bytes do not verify, an index or a constant's size does not hold, or the file has more than one subgraph,
/// sparse tensors or quantization finer than one axis.
pub fn tflite(bytes: &[u8]) -> Result<Graph, ImportError> {
    let model = verified_root(bytes)?;
    let subgraph = only_subgraph(&model)?;
    let tensors = read_tensors(&model, &subgraph, bytes)?;
    let operators = read_operators(&model, &subgraph, tensors.len())?;
    let graph = Graph {
        description: model.description().map(str::to_owned),
        name: subgraph.name().map(str::to_owned),
        inputs: door(subgraph.inputs().into_iter().flatten(), "graph inputs", tensors.len())?,
        outputs: door(subgraph.outputs().into_iter().flatten(), "graph outputs", tensors.len())?,
        signatures: read_signatures(&model, tensors.len())?,
        dropped_metadata: metadata_names(&model),
        tensors,
        operators,
    };
    check_writers(&graph)?;
    Ok(graph)
}

fn only_subgraph<'a>(model: &Model<'a>) -> Result<SubGraph<'a>, ImportError> {
    let subgraphs = model.subgraphs().filter(|list| !list.is_empty());
    let subgraphs = subgraphs.ok_or(ImportError::Missing { place: "model".into(), what: "subgraph" })?;
    match subgraphs.len() {
        1 => Ok(subgraphs.get(0)),
        count => Err(unsupported("model", format!("number of subgraphs {count}"))),
    }
}

fn unsupported(place: &str, what: String) -> ImportError {
    ImportError::Unsupported { place: place.to_owned(), what }
}

fn checked(index: i64, place: &str, what: &'static str, limit: usize) -> Result<usize, ImportError> {
    let valid = usize::try_from(index).ok().filter(|index| *index < limit);
    valid.ok_or_else(|| ImportError::Index { place: place.to_owned(), what, found: index, limit })
}

fn door(indices: impl Iterator<Item = i32>, place: &str, limit: usize) -> Result<Vec<usize>, ImportError> {
    indices.map(|index| checked(i64::from(index), place, "tensor", limit)).collect()
}

fn read_tensors(model: &Model, subgraph: &SubGraph, file: &[u8]) -> Result<Vec<Tensor>, ImportError> {
    let list = subgraph.tensors().into_iter().flatten();
    list.enumerate().map(|(index, tensor)| read_tensor(model, &tensor, index, file)).collect()
}

fn read_tensor(model: &Model, tensor: &FileTensor, index: usize, file: &[u8]) -> Result<Tensor, ImportError> {
    let name = tensor.name().unwrap_or_default();
    let place = format!("tensor {index} ({name})");
    if tensor.sparsity().is_some() {
        return Err(unsupported(&place, "sparse data".into()));
    }
    if tensor.external_buffer() != 0 {
        return Err(unsupported(&place, "data in another file".into()));
    }
    let read = Tensor {
        name: name.to_owned(),
        dtype: tensor.type_(),
        shape: tensor.shape().into_iter().flatten().collect(),
        shape_signature: tensor.shape_signature().map(|dims| dims.iter().collect()),
        has_rank: tensor.has_rank(),
        is_variable: tensor.is_variable(),
        quantization: read_quantization(tensor, &place)?,
        data: read_data(model, tensor, &place, file)?,
    };
    check_constant(&read, &place)?;
    Ok(read)
}

fn read_quantization(tensor: &FileTensor, place: &str) -> Result<Option<Quantization>, ImportError> {
    let Some(parameters) = tensor.quantization() else { return Ok(None) };
    if parameters.details_type().0 != 0 {
        return Err(unsupported(place, "quantization details".into()));
    }
    let scales: Vec<f32> = parameters.scale().into_iter().flatten().collect();
    if scales.is_empty() {
        return Ok(None);
    }
    let mut zero_points: Vec<i64> = parameters.zero_point().into_iter().flatten().collect();
    if zero_points.is_empty() {
        zero_points = vec![0; scales.len()];
    }
    if zero_points.len() != scales.len() {
        let expected = format!("{} zero points", scales.len());
        let found = zero_points.len().to_string();
        return Err(ImportError::Mismatch { place: place.to_owned(), expected, found });
    }
    let axis = axis_of(tensor, parameters.quantized_dimension(), scales.len(), place)?;
    Ok(Some(Quantization { scales, zero_points, axis }))
}

/// The axis of the scales. With a single scale the axis says nothing, and genuine files carry wild ones there.
fn axis_of(tensor: &FileTensor, axis: i32, scales: usize, place: &str) -> Result<usize, ImportError> {
    if scales == 1 {
        return Ok(0);
    }
    let shape: Vec<i32> = tensor.shape().into_iter().flatten().collect();
    // A bias of rank 1 with the axis of its weights: known in the wild, and only one reading is possible.
    let axis = if shape.len() == 1 { 0 } else { axis };
    let axis = checked(i64::from(axis), place, "quantized dimension", shape.len())?;
    let dim = usize::try_from(shape[axis]).unwrap_or(0);
    if dim == scales {
        return Ok(axis);
    }
    let expected = format!("{dim} scales along axis {axis}");
    Err(ImportError::Mismatch { place: place.to_owned(), expected, found: scales.to_string() })
}

fn read_data(
    model: &Model,
    tensor: &FileTensor,
    place: &str,
    file: &[u8],
) -> Result<Option<Vec<u8>>, ImportError> {
    let buffers = model.buffers().ok_or(ImportError::Missing { place: "model".into(), what: "buffers" })?;
    let index = checked(i64::from(tensor.buffer()), place, "buffer", buffers.len())?;
    let buffer = buffers.get(index);
    if let Some(data) = buffer.data().filter(|data| !data.is_empty()) {
        return Ok(Some(data.bytes().to_vec()));
    }
    // Files beyond 2 GiB keep data behind the flatbuffer; offsets 0 and 1 mean "none" there.
    if buffer.offset() <= 1 || buffer.size() == 0 {
        let empty = tensor.shape().is_some_and(|shape| shape.iter().any(|dim| dim == 0));
        return Ok(empty.then(Vec::new));
    }
    let start = usize::try_from(buffer.offset()).ok();
    let end = start.and_then(|start| start.checked_add(usize::try_from(buffer.size()).ok()?));
    let data = start.zip(end).and_then(|(start, end)| file.get(start..end));
    let mismatch = || ImportError::Mismatch {
        place: place.to_owned(),
        expected: format!("{} bytes of data at offset {}", buffer.size(), buffer.offset()),
        found: format!("file of {} bytes", file.len()),
    };
    data.map(|data| Some(data.to_vec())).ok_or_else(mismatch)
}

/// Bytes an element takes, for the types whose data this crate reads or converts.
fn element_bytes(dtype: TensorType) -> Option<usize> {
    match dtype {
        TensorType::BOOL | TensorType::INT8 | TensorType::UINT8 => Some(1),
        TensorType::FLOAT16 | TensorType::INT16 => Some(2),
        TensorType::FLOAT32 | TensorType::INT32 => Some(4),
        TensorType::INT64 | TensorType::FLOAT64 => Some(8),
        _ => None,
    }
}

fn check_constant(tensor: &Tensor, place: &str) -> Result<(), ImportError> {
    let (Some(data), Some(size)) = (&tensor.data, element_bytes(tensor.dtype)) else { return Ok(()) };
    let count =
        tensor.shape.iter().try_fold(size, |bytes, dim| bytes.checked_mul(usize::try_from(*dim).ok()?));
    if count == Some(data.len()) {
        return Ok(());
    }
    let expected = format!("{} data of shape {:?}", tensor_type_name(tensor.dtype), tensor.shape);
    let found = format!("{} bytes", data.len());
    Err(ImportError::Mismatch { place: place.to_owned(), expected, found })
}

fn read_operators(model: &Model, subgraph: &SubGraph, tensors: usize) -> Result<Vec<Operator>, ImportError> {
    let list = subgraph.operators().into_iter().flatten();
    list.enumerate().map(|(index, operator)| read_operator(model, &operator, index, tensors)).collect()
}

fn read_operator(
    model: &Model,
    operator: &FileOperator,
    index: usize,
    tensors: usize,
) -> Result<Operator, ImportError> {
    let place = format!("operator {index}");
    let codes = model.operator_codes();
    let codes = codes.ok_or(ImportError::Missing { place: "model".into(), what: "operator codes" })?;
    let code = codes.get(checked(i64::from(operator.opcode_index()), &place, "operator code", codes.len())?);
    if operator.large_custom_options_size() != 0 {
        return Err(unsupported(&place, "custom options behind the flatbuffer".into()));
    }
    let index_of = |tensor: i32| checked(i64::from(tensor), &place, "tensor", tensors);
    let optional = |tensor: i32| if tensor == -1 { Ok(None) } else { index_of(tensor).map(Some) };
    let intermediates =
        operator.intermediates().map(|list| list.iter().map(index_of).collect()).transpose()?;
    let unpacked = operator.unpack();
    Ok(Operator {
        origin: Some(index),
        kind: operator_code(&code),
        version: code.version(),
        custom_code: code.custom_code().map(str::to_owned),
        inputs: operator.inputs().into_iter().flatten().map(optional).collect::<Result<_, _>>()?,
        outputs: operator.outputs().into_iter().flatten().map(index_of).collect::<Result<_, _>>()?,
        options: unpacked.builtin_options,
        options2: unpacked.builtin_options2,
        custom_options: unpacked.custom_options,
        mutating_variable_inputs: unpacked.mutating_variable_inputs,
        intermediates,
    })
}

fn read_signatures(model: &Model, tensors: usize) -> Result<Vec<Signature>, ImportError> {
    let list = model.signature_defs().into_iter().flatten().enumerate();
    list.map(|(index, signature)| {
        let place = format!("signature {index}");
        checked(i64::from(signature.subgraph_index()), &place, "subgraph", 1)?;
        let named = |map: edgebench_schema::tflite::TensorMap| {
            let tensor = checked(i64::from(map.tensor_index()), &place, "tensor", tensors)?;
            Ok((map.name().unwrap_or_default().to_owned(), tensor))
        };
        Ok(Signature {
            key: signature.signature_key().map(str::to_owned),
            inputs: signature
                .inputs()
                .into_iter()
                .flatten()
                .map(named)
                .collect::<Result<_, ImportError>>()?,
            outputs: signature
                .outputs()
                .into_iter()
                .flatten()
                .map(named)
                .collect::<Result<_, ImportError>>()?,
        })
    })
    .collect()
}

fn metadata_names(model: &Model) -> Vec<String> {
    let entries = model.metadata().into_iter().flatten();
    entries.map(|entry| entry.name().unwrap_or_default().to_owned()).collect()
}

/// Every tensor has one source: a constant, the door, or one operator that runs before its readers.
fn check_writers(graph: &Graph) -> Result<(), ImportError> {
    let mut written: Vec<bool> =
        graph.tensors.iter().map(|tensor| tensor.data.is_some() || tensor.is_variable).collect();
    graph.inputs.iter().for_each(|input| written[*input] = true);
    for (index, operator) in graph.operators.iter().enumerate() {
        if let Some(early) = operator.inputs.iter().flatten().find(|input| !written[**input]) {
            return Err(unsupported(
                &graph.operator_place(index),
                format!("read of tensor {early} before it is written"),
            ));
        }
        for output in &operator.outputs {
            if std::mem::replace(&mut written[*output], true) {
                return Err(unsupported(
                    &graph.operator_place(index),
                    format!("second write of tensor {output}"),
                ));
            }
        }
    }
    Ok(())
}
