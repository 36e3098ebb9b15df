//! Tensors: names, types, shapes, quantization, constants.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use edgebench_schema::{tensor_type_name, tflite};

use super::limits::{MAX_RANK, MAX_TENSOR_BYTES};
use super::{Blocks, Spot, TensorInfo, place_of_tensor, sparse};
use crate::error::Fault;
use crate::tensor::{DType, Quantization};

/// Reads and checks every tensor of a subgraph.
pub(super) fn read<'b>(
    file: &tflite::Model<'b>,
    subgraph: &tflite::SubGraph<'b>,
    bytes: &'b [u8],
    room: &mut usize,
) -> Result<Vec<TensorInfo<'b>>, Fault> {
    let Some(list) = subgraph.tensors() else { return Ok(Vec::new()) };
    let read = |(index, tensor)| read_tensor(file, &tensor, index, bytes, room);
    list.iter().enumerate().map(read).collect()
}

fn read_tensor<'b>(
    file: &tflite::Model<'b>,
    tensor: &tflite::Tensor<'b>,
    index: usize,
    bytes: &'b [u8],
    room: &mut usize,
) -> Result<TensorInfo<'b>, Fault> {
    let name = tensor.name().unwrap_or_default();
    let place = place_of_tensor(index, name);
    let dtype = DType::of(tensor.type_()).unwrap_or(DType::Other);
    let mut read = TensorInfo {
        name,
        dtype,
        shape: read_shape(tensor, dtype, place)?,
        shape_signature: read_signature(tensor),
        quantization: None,
        data: read_data(file, tensor, place, bytes)?,
        dense: None,
        is_variable: tensor.is_variable(),
        blocks: blocks(tensor),
        lack: lack(tensor, dtype),
    };
    if read.lack.is_some() {
        // Its values, where it has some, are not looked at.
        let has_data = read.data.is_some() || tensor.external_buffer() != 0;
        return Ok(TensorInfo { data: has_data.then_some(&[]), ..read });
    }
    read = expand_sparse(read, tensor, place, room)?;
    check_data(&read, place)?;
    if matches!(read.dtype, DType::Int2 | DType::Int4) && read.data.is_none() {
        return Ok(TensorInfo { lack: Some(format!("computed {}", read.dtype)), ..read });
    }
    let quantization = read_quantization(tensor, &read, place)?;
    Ok(TensorInfo { quantization, ..read })
}

/// What no operator here can work with.
fn lack(tensor: &tflite::Tensor, dtype: DType) -> Option<String> {
    if dtype == DType::Other {
        return Some(format!("element type {}", tensor_type_name(tensor.type_())));
    }
    if tensor.external_buffer() != 0 {
        return Some("data in another file".into());
    }
    let details = tensor.quantization().map(|parameters| parameters.details_type());
    let is_plain = matches!(details, None | Some(tflite::QuantizationDetails::NONE));
    (!is_plain && blocks(tensor).is_none()).then(|| "quantization finer than one axis".into())
}

/// The scales of blocks of 4-bit weights.
fn blocks(tensor: &tflite::Tensor) -> Option<Blocks> {
    let parameters = tensor.quantization().filter(|_| tensor.type_() == tflite::TensorType::INT4)?;
    let details = parameters.details_as_blockwise_quantization()?;
    let is_line = details.block_shape().is_none_or(|shape| shape.is_empty());
    let (scales, zero_points, size) = (details.scales(), details.zero_points(), details.block_size());
    is_line.then_some(Blocks { scales, zero_points, size })
}

/// Dimensions that are not negative and whose product is a size.
fn read_shape(tensor: &tflite::Tensor, dtype: DType, place: Spot<'_>) -> Result<Vec<usize>, Fault> {
    let Some(dims) = tensor.shape() else { return Ok(Vec::new()) };
    if dims.len() > MAX_RANK {
        return Err(Fault::limit(place, "rank", dims.len() as u64, MAX_RANK as u64));
    }
    let mut shape = Vec::with_capacity(dims.len());
    let mut size_bytes = Some(dtype.size_bytes());
    for dim in dims {
        let known = usize::try_from(dim)
            .map_err(|_| Fault::mismatch(place, "dimensions of at least 0", format!("{dim}")))?;
        // A zero dimension must not hide that the others are too large.
        size_bytes = size_bytes.and_then(|bytes| bytes.checked_mul(known.max(1)));
        shape.push(known);
    }
    match size_bytes {
        Some(bytes) if bytes <= MAX_TENSOR_BYTES => Ok(shape),
        bytes => {
            let found = bytes.map_or(u64::MAX, |bytes| bytes as u64);
            Err(Fault::limit(place, "size in bytes", found, MAX_TENSOR_BYTES as u64))
        }
    }
}

/// The open and the fixed dimensions; none where the file leaves them out, as it does for static shapes.
fn read_signature(tensor: &tflite::Tensor) -> Option<Vec<Option<usize>>> {
    let dims = tensor.shape_signature().filter(|dims| !dims.is_empty() && dims.len() <= MAX_RANK)?;
    Some(dims.iter().map(|dim| usize::try_from(dim).ok()).collect())
}

fn read_data<'b>(
    file: &tflite::Model<'b>,
    tensor: &tflite::Tensor<'b>,
    place: Spot<'_>,
    bytes: &'b [u8],
) -> Result<Option<&'b [u8]>, Fault> {
    let buffers = file.buffers().ok_or_else(|| Fault::missing("model", "buffers"))?;
    let index = usize::try_from(tensor.buffer()).ok().filter(|index| *index < buffers.len());
    let index = index.ok_or_else(|| {
        let expected = format!("buffer index below {}", buffers.len());
        Fault::mismatch(place, expected, format!("{}", tensor.buffer()))
    })?;
    let buffer = buffers.get(index);
    if let Some(data) = buffer.data().filter(|data| !data.is_empty()) {
        return Ok(Some(data.bytes()));
    }
    // Files beyond 2 GiB keep data behind the flatbuffer; offsets 0 and 1 mean "none" there.
    if buffer.offset() > 1 && buffer.size() > 0 {
        return behind_the_flatbuffer(&buffer, place, bytes).map(Some);
    }
    Ok(None)
}

fn behind_the_flatbuffer<'b>(
    buffer: &tflite::Buffer<'b>,
    place: Spot<'_>,
    bytes: &'b [u8],
) -> Result<&'b [u8], Fault> {
    let start = usize::try_from(buffer.offset()).ok();
    let end = start.and_then(|start| start.checked_add(usize::try_from(buffer.size()).ok()?));
    let data = start.zip(end).and_then(|(start, end)| bytes.get(start..end));
    data.ok_or_else(|| {
        let expected = format!("{} bytes of data at offset {}", buffer.size(), buffer.offset());
        Fault::mismatch(place, expected, format!("file of {} bytes", bytes.len()))
    })
}

/// Makes sparse data dense, for which there is `room` in the whole model.
fn expand_sparse<'b>(
    read: TensorInfo<'b>,
    tensor: &tflite::Tensor<'b>,
    place: Spot<'_>,
    room: &mut usize,
) -> Result<TensorInfo<'b>, Fault> {
    let (Some(parameters), Some(stored)) = (tensor.sparsity(), read.data) else { return Ok(read) };
    let Some(rest) = room.checked_sub(read.bytes()) else {
        return Err(Fault::limit(place, "dense size in bytes", read.bytes() as u64, *room as u64));
    };
    *room = rest;
    let dense = sparse::expand(&read, stored, &parameters, place)?;
    Ok(TensorInfo { data: None, dense: Some(dense), ..read })
}

/// A constant fills its shape.
fn check_data(tensor: &TensorInfo, place: Spot<'_>) -> Result<(), Fault> {
    let expected = tensor.bytes();
    match tensor.data {
        Some(data) if data.len() != expected => {
            let expected = format!("{expected} bytes of {} data of shape {:?}", tensor.dtype, tensor.shape);
            Err(Fault::mismatch(place, expected, format!("{} bytes", data.len())))
        }
        _ => Ok(()),
    }
}

fn read_quantization(
    tensor: &tflite::Tensor,
    known: &TensorInfo,
    place: Spot<'_>,
) -> Result<Option<Quantization>, Fault> {
    let Some((lowest, highest)) = integers_of(known.dtype) else { return Ok(None) };
    let Some(parameters) = tensor.quantization() else { return Ok(None) };
    if known.blocks.is_some() {
        return Ok(None);
    }
    let scales: Vec<f32> = parameters.scale().into_iter().flatten().collect();
    if scales.is_empty() {
        return Ok(None);
    }
    if let Some(scale) = scales.iter().find(|scale| !scale.is_finite() || **scale <= 0.0) {
        return Err(Fault::mismatch(place, "finite positive scales", format!("{scale:?}")));
    }
    let zero_points = match parameters.zero_point().filter(|list| !list.is_empty()) {
        None => vec![0; scales.len()],
        Some(list) if list.len() == scales.len() => {
            let fitting = |value: i64| {
                let fits = i32::try_from(value).ok().filter(|value| (lowest..=highest).contains(value));
                let expected = || format!("zero points in {lowest}..={highest}");
                fits.ok_or_else(|| Fault::mismatch(place, expected(), format!("{value}")))
            };
            list.iter().map(fitting).collect::<Result<_, _>>()?
        }
        Some(list) => {
            let expected = format!("{} zero points", scales.len());
            return Err(Fault::mismatch(place, expected, format!("{}", list.len())));
        }
    };
    let axis = axis_of(parameters.quantized_dimension(), scales.len(), &known.shape, place)?;
    Ok(Some(Quantization { scales, zero_points, axis }))
}

/// The values that a quantized type stores; none for types whose quantization parameters mean nothing.
fn integers_of(dtype: DType) -> Option<(i32, i32)> {
    match dtype {
        DType::Int2 => Some((-2, 1)),
        DType::Int4 => Some((-8, 7)),
        DType::Int8 => Some((-128, 127)),
        DType::UInt8 => Some((0, 255)),
        DType::Int16 => Some((-32_768, 32_767)),
        DType::Int32 | DType::Int64 => Some((i32::MIN, i32::MAX)),
        DType::Float32 | DType::Float16 | DType::Bool | DType::Complex64 | DType::Resource => None,
        DType::Other => None,
    }
}

/// The axis of the scales. With a single scale the axis says nothing, and genuine files carry wild ones there.
fn axis_of(axis: i32, scales: usize, shape: &[usize], place: Spot<'_>) -> Result<usize, Fault> {
    if scales == 1 {
        return Ok(0);
    }
    // TFLM's person_detect gives biases of rank 1 the axis of their weights; only one reading is possible.
    let stated = axis;
    let axis = if shape.len() == 1 { Some(0) } else { usize::try_from(axis).ok() };
    match axis.and_then(|axis| Some((axis, *shape.get(axis)?))) {
        Some((axis, dim)) if dim == scales => Ok(axis),
        Some((axis, dim)) => {
            let expected = format!("{dim} scales along axis {axis}");
            Err(Fault::mismatch(place, expected, format!("{scales}")))
        }
        None => {
            let expected = format!("quantized dimension below {}", shape.len());
            Err(Fault::mismatch(place, expected, format!("{stated}")))
        }
    }
}
