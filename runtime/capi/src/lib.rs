//! The interpreter for programs in C: `include/edgebench.h` says what each function does. Here pointers of callers are
//! checked and become references; everything else is the interpreter's. A panic ends the process: none can leave a
//! function for C.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(not(feature = "std"))]
mod bare;
mod network;

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use core::ffi::{CStr, c_char, c_void};

use edgebench_interpreter::{DType, Interpreter, Options, TensorView};

use crate::network::{Network, Status};

/// The version of the interface, as in the header.
const VERSION: u32 = 1;

/// `edgebench_options` of the header.
#[repr(C)]
pub struct COptions {
    memory_limit_bytes: usize,
    kernels: *const c_char,
}

/// `edgebench_tensor` of the header.
#[repr(C)]
pub struct CTensor {
    name: *const c_char,
    name_bytes: usize,
    dtype: i32,
    dims: *const usize,
    rank: usize,
    data: *const c_void,
    data_bytes: usize,
    scale: f32,
    zero_point: i32,
}

/// `edgebench_network` of the header.
pub struct CNetwork(Network);

/// The version of the interface that this library has.
#[unsafe(no_mangle)]
pub extern "C" fn edgebench_version() -> u32 {
    VERSION
}

/// Opens a network.
///
/// # Safety
/// `file` points to `file_bytes` bytes that stay as they are until the network is closed; `options` is null or points to
/// options whose `kernels` is null or ends with a zero byte; `network` is null or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgebench_open(
    file: *const c_void,
    file_bytes: usize,
    options: *const COptions,
    network: *mut *mut CNetwork,
) -> i32 {
    if network.is_null() {
        return Status::WrongCall as i32;
    }
    // SAFETY: the caller says so.
    let options = unsafe { options.as_ref() };
    let (opened, status) = match (file.is_null() || file_bytes > isize::MAX as usize, prepared(options)) {
        (true, _) => refused(&"null file"),
        (_, Err(message)) => refused(&message),
        (false, Ok(options)) => {
            // SAFETY: the caller says that the bytes are there, and stay for as long as the network.
            Network::open(unsafe { core::slice::from_raw_parts(file.cast(), file_bytes) }, &options)
        }
    };
    // SAFETY: not null, and the caller says that it can be written.
    unsafe { network.write(Box::into_raw(Box::new(CNetwork(opened)))) };
    status as i32
}

fn refused(message: &dyn core::fmt::Display) -> (Network, Status) {
    let mut network = Network::closed();
    let status = network.fail(Status::WrongCall, message);
    (network, status)
}

/// The options of a caller.
fn prepared(options: Option<&COptions>) -> Result<Options, String> {
    let mut prepared = Options::default();
    let Some(options) = options else { return Ok(prepared) };
    if options.memory_limit_bytes > 0 {
        prepared.memory_limit_bytes = options.memory_limit_bytes;
    }
    if !options.kernels.is_null() {
        // SAFETY: the caller says that it ends with a zero byte.
        let name = unsafe { CStr::from_ptr(options.kernels) }.to_string_lossy();
        prepared.kernels =
            name.parse().map_err(|error: edgebench_interpreter::UnknownKernels| error.to_string())?;
    }
    Ok(prepared)
}

/// Gives back what a network holds.
///
/// # Safety
/// `network` is null, or comes from [`edgebench_open`] and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgebench_close(network: *mut CNetwork) {
    if !network.is_null() {
        // SAFETY: it was made by `Box::into_raw`, and the caller does not use it again.
        drop(unsafe { Box::from_raw(network) });
    }
}

/// What was wrong with the last call that failed.
///
/// # Safety
/// `network` is null or comes from [`edgebench_open`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgebench_message(network: *const CNetwork) -> *const c_char {
    // SAFETY: the caller says so.
    unsafe { network.as_ref() }.map_or(c"null network", |network| network.0.message()).as_ptr()
}

/// Number of inputs.
///
/// # Safety
/// `network` is null or comes from [`edgebench_open`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgebench_input_count(network: *const CNetwork) -> usize {
    // SAFETY: the caller says so.
    unsafe { network.as_ref() }
        .and_then(|network| network.0.interpreter())
        .map_or(0, Interpreter::input_count)
}

/// Number of outputs.
///
/// # Safety
/// `network` is null or comes from [`edgebench_open`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgebench_output_count(network: *const CNetwork) -> usize {
    // SAFETY: the caller says so.
    unsafe { network.as_ref() }
        .and_then(|network| network.0.interpreter())
        .map_or(0, Interpreter::output_count)
}

/// An input as it is now.
///
/// # Safety
/// `network` is null or comes from [`edgebench_open`]; `tensor` is null or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgebench_input(network: *mut CNetwork, index: usize, tensor: *mut CTensor) -> i32 {
    // SAFETY: the caller says so.
    unsafe { look(network, index, tensor, "input", Interpreter::input) }
}

/// An output as it is now.
///
/// # Safety
/// `network` is null or comes from [`edgebench_open`]; `tensor` is null or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgebench_output(network: *mut CNetwork, index: usize, tensor: *mut CTensor) -> i32 {
    // SAFETY: the caller says so.
    unsafe { look(network, index, tensor, "output", Interpreter::output) }
}

/// Writes what is to be told of a tensor.
///
/// # Safety
/// `network` is null or comes from [`edgebench_open`]; `tensor` is null or can be written.
unsafe fn look(
    network: *mut CNetwork,
    index: usize,
    tensor: *mut CTensor,
    side: &str,
    of: for<'i> fn(&'i Interpreter<'static>, usize) -> Option<TensorView<'i>>,
) -> i32 {
    // SAFETY: the caller says so.
    let Some(network) = (unsafe { network.as_mut() }) else { return Status::WrongCall as i32 };
    let view = network.0.interpreter().and_then(|interpreter| of(interpreter, index)).map(|view| told(&view));
    match view {
        Some(view) if !tensor.is_null() => {
            // SAFETY: not null, and the caller says that it can be written.
            unsafe { tensor.write(view) };
            Status::Ok as i32
        }
        Some(_) => network.0.fail(Status::WrongCall, &"null tensor") as i32,
        None => network.0.fail(Status::WrongCall, &format_args!("no {side} {index}")) as i32,
    }
}

fn told(view: &TensorView<'_>) -> CTensor {
    let (scale, zero_point) = view.scale_zero_point.unwrap_or_default();
    CTensor {
        name: view.name.as_ptr().cast(),
        name_bytes: view.name.len(),
        dtype: number(view.dtype),
        dims: view.shape.as_ptr(),
        rank: view.shape.len(),
        data: view.bytes.as_ptr().cast(),
        data_bytes: view.bytes.len(),
        scale,
        zero_point,
    }
}

/// The number of a type in the header.
fn number(dtype: DType) -> i32 {
    match dtype {
        DType::Float32 => 1,
        DType::Float16 => 2,
        DType::Int4 => 3,
        DType::Int8 => 4,
        DType::UInt8 => 5,
        DType::Int16 => 6,
        DType::Int32 => 7,
        DType::Int64 => 8,
        DType::Bool => 9,
        DType::Resource => 10,
        DType::Complex64 => 11,
        DType::Int2 => 12,
        // No network with such a tensor can be opened.
        DType::Other => 0,
    }
}

/// The bytes of an input, to be written.
///
/// # Safety
/// `network` is null or comes from [`edgebench_open`]; `bytes` is null or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgebench_input_data(
    network: *mut CNetwork,
    index: usize,
    bytes: *mut usize,
) -> *mut c_void {
    // SAFETY: the caller says so.
    let network = unsafe { network.as_mut() };
    let data = network.and_then(|network| network.0.interpreter_mut()?.input_bytes_mut(index));
    if !bytes.is_null() {
        // SAFETY: not null, and the caller says that it can be written.
        unsafe { bytes.write(data.as_ref().map_or(0, |data| data.len())) };
    }
    data.map_or(core::ptr::null_mut(), |data| data.as_mut_ptr().cast())
}

/// Gives an input another shape.
///
/// # Safety
/// `network` is null or comes from [`edgebench_open`]; `dims` points to `rank` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgebench_resize(
    network: *mut CNetwork,
    index: usize,
    dims: *const usize,
    rank: usize,
) -> i32 {
    /// More dimensions than any tensor has; what says more is no shape.
    const MAX_RANK: usize = 64;
    // SAFETY: the caller says so.
    let Some(network) = (unsafe { network.as_mut() }) else { return Status::WrongCall as i32 };
    if rank > MAX_RANK || (dims.is_null() && rank > 0) {
        return network.0.fail(Status::WrongCall, &"no shape") as i32;
    }
    let dims = match rank {
        0 => &[][..],
        // SAFETY: not null, and the caller says that there are so many.
        _ => unsafe { core::slice::from_raw_parts(dims, rank) },
    };
    call(network, Status::WrongCall, |interpreter| interpreter.resize_input(index, dims))
}

/// Computes the outputs from the inputs.
///
/// # Safety
/// `network` is null or comes from [`edgebench_open`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgebench_invoke(network: *mut CNetwork) -> i32 {
    // SAFETY: the caller says so.
    let Some(network) = (unsafe { network.as_mut() }) else { return Status::WrongCall as i32 };
    call(network, Status::WrongValue, Interpreter::invoke)
}

/// Gives the state of recurrent operators its first values.
///
/// # Safety
/// `network` is null or comes from [`edgebench_open`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgebench_reset(network: *mut CNetwork) {
    // SAFETY: the caller says so.
    if let Some(interpreter) = unsafe { network.as_mut() }.and_then(|network| network.0.interpreter_mut()) {
        interpreter.reset_variables();
    }
}

/// Runs something on an open network, and notes the reason when it fails.
fn call<E: core::fmt::Display>(
    network: &mut CNetwork,
    failure: Status,
    run: impl FnOnce(&mut Interpreter<'static>) -> Result<(), E>,
) -> i32 {
    let result = match network.0.interpreter_mut() {
        Some(interpreter) => run(interpreter),
        None => return Status::WrongCall as i32,
    };
    match result {
        Ok(()) => Status::Ok as i32,
        Err(error) => network.0.fail(failure, &error) as i32,
    }
}
