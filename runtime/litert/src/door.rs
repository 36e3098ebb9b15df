//! The C interface of LiteRT 2, called by the names and types of its headers (`litert/c/*.h` in LiteRT's repository).
//!
//! Handles are owned by the types here and freed exactly once, in the order LiteRT asks for: buffers, compiled model,
//! options, model, environment, library.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::Path;
use std::ptr;
use std::sync::Arc;

use crate::error::LiteRtError;
use crate::network::{Options, TensorInfo};

/// Any of LiteRT's handles: a pointer to something opaque.
type Handle = *mut c_void;

/// `LiteRtStatus`; zero is success.
type Status = c_int;

/// `kLiteRtHwAcceleratorCpu`.
const CPU: c_int = 1;

/// `kLiteRtEnvOptionTagAutoRegisterAccelerators`: which accelerators LiteRT looks for when it starts.
const REGISTERED_ACCELERATORS: c_int = 24;

/// `kLiteRtEnvOptionTagMinLoggerSeverity`.
const LOGGED: c_int = 25;

/// `kLiteRtLogSeverityError`: nothing less goes to the standard error output.
const ERRORS: i64 = 3;

/// `LiteRtEnvOption` with a value of the kind `kLiteRtAnyTypeInt`.
#[repr(C)]
struct EnvironmentOption {
    tag: c_int,
    kind: AnyInt,
    value: i64,
}

/// The start of a `LiteRtAny`, on the 8 bytes its value is aligned to.
#[repr(C, align(8))]
struct AnyInt(c_int);

impl EnvironmentOption {
    fn new(tag: c_int, value: i64) -> Self {
        Self { tag, kind: AnyInt(2), value }
    }
}

const _: () = assert!(size_of::<EnvironmentOption>() == 24, "as LiteRT's header asserts");

/// The signature that runs.
const SIGNATURE: usize = 0;

/// Payload name of LiteRT's CPU options; the payload is TOML text (`litert_cpu_options.cc`).
const CPU_OPTIONS: &CStr = c"xnnpack";

/// `LiteRtTensorBufferLockMode`.
#[derive(Clone, Copy)]
pub(crate) enum Access {
    Read = 0,
    Write = 1,
}

/// `LiteRtRankedTensorType`: element type, then a layout of a rank (7 bits), dimensions and strides. LiteRT fills it
/// and takes it back; only the first ten words are read here. It has more room than any known version needs.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
pub(crate) struct TensorType {
    element_type: u32,
    rank_and_flags: u32,
    dims: [i32; MAX_RANK],
    rest: [u32; 54],
}

/// `LITERT_TENSOR_MAX_RANK`.
const MAX_RANK: usize = 8;

impl TensorType {
    const EMPTY: Self = Self { element_type: 0, rank_and_flags: 0, dims: [0; MAX_RANK], rest: [0; 54] };

    pub(crate) fn element_type(&self) -> u32 {
        self.element_type
    }

    pub(crate) fn rank(&self) -> u32 {
        self.rank_and_flags & 0x7f
    }

    /// Makes open dimensions 1, as they are in a network that nobody resized.
    fn settle(&mut self) {
        self.dims.iter_mut().filter(|dim| **dim < 0).for_each(|dim| *dim = 1);
    }

    /// None for more dimensions than there is room for, or one that is not known.
    pub(crate) fn shape(&self) -> Option<Vec<usize>> {
        let dims = self.dims.get(..usize::try_from(self.rank()).ok()?)?;
        dims.iter().map(|dim| usize::try_from(*dim).ok()).collect()
    }
}

/// Declares the functions as fields and looks all of them up.
macro_rules! functions {
    ($($field:ident = $name:literal: fn($($argument:ty),*) $(-> $result:ty)?;)*) => {
        #[derive(Clone, Copy)]
        struct Functions {
            $($field: unsafe extern "C" fn($($argument),*) $(-> $result)?,)*
        }

        impl Functions {
            fn find(file: &libloading::Library, path: &Path) -> Result<Self, LiteRtError> {
                $(
                    // SAFETY: the type is the one that LiteRT's headers declare for this name, and the pointer is
                    // used only while the library, which `Library` keeps beside it, is open.
                    let $field = *unsafe { file.get(concat!($name, "\0").as_bytes()) }.map_err(|_| {
                        LiteRtError::Symbol { path: path.to_owned(), name: $name.to_owned() }
                    })?;
                )*
                Ok(Self { $($field),* })
            }
        }
    };
}

functions! {
    create_environment = "LiteRtCreateEnvironment": fn(c_int, *const c_void, *mut Handle) -> Status;
    destroy_environment = "LiteRtDestroyEnvironment": fn(Handle);
    create_model = "LiteRtCreateModelFromBuffer": fn(Handle, *const c_void, usize, *mut Handle) -> Status;
    destroy_model = "LiteRtDestroyModel": fn(Handle);
    signature = "LiteRtGetModelSignature": fn(Handle, usize, *mut Handle) -> Status;
    signature_inputs = "LiteRtGetNumSignatureInputs": fn(Handle, *mut usize) -> Status;
    signature_outputs = "LiteRtGetNumSignatureOutputs": fn(Handle, *mut usize) -> Status;
    input_tensor = "LiteRtGetSignatureInputTensorByIndex": fn(Handle, usize, *mut Handle) -> Status;
    output_tensor = "LiteRtGetSignatureOutputTensorByIndex": fn(Handle, usize, *mut Handle) -> Status;
    tensor_name = "LiteRtGetTensorName": fn(Handle, *mut *const c_char) -> Status;
    tensor_type = "LiteRtGetRankedTensorType": fn(Handle, *mut TensorType) -> Status;
    create_options = "LiteRtCreateOptions": fn(*mut Handle) -> Status;
    destroy_options = "LiteRtDestroyOptions": fn(Handle);
    set_accelerators = "LiteRtSetOptionsHardwareAccelerators": fn(Handle, c_int) -> Status;
    create_opaque = "LiteRtCreateOpaqueOptions":
        fn(*const c_char, *mut c_void, unsafe extern "C" fn(*mut c_void), *mut Handle) -> Status;
    add_opaque = "LiteRtAddOpaqueOptions": fn(Handle, Handle) -> Status;
    compile = "LiteRtCreateCompiledModel": fn(Handle, Handle, Handle, *mut Handle) -> Status;
    destroy_compiled = "LiteRtDestroyCompiledModel": fn(Handle);
    input_needs = "LiteRtGetCompiledModelInputBufferRequirements": fn(Handle, usize, usize, *mut Handle) -> Status;
    output_needs = "LiteRtGetCompiledModelOutputBufferRequirements": fn(Handle, usize, usize, *mut Handle) -> Status;
    create_buffer = "LiteRtCreateManagedTensorBufferFromRequirements":
        fn(Handle, *const TensorType, Handle, *mut Handle) -> Status;
    destroy_buffer = "LiteRtDestroyTensorBuffer": fn(Handle);
    buffer_size = "LiteRtGetTensorBufferPackedSize": fn(Handle, *mut usize) -> Status;
    lock = "LiteRtLockTensorBuffer": fn(Handle, *mut *mut c_void, c_int) -> Status;
    unlock = "LiteRtUnlockTensorBuffer": fn(Handle) -> Status;
    run = "LiteRtRunCompiledModel": fn(Handle, usize, usize, *mut Handle, usize, *mut Handle) -> Status;
}

fn check(call: &'static str, status: Status) -> Result<(), LiteRtError> {
    if status == 0 { Ok(()) } else { Err(LiteRtError::Status { call, status }) }
}

/// The opened library with LiteRT's environment.
pub struct Library {
    functions: Functions,
    environment: Handle,
    // Closed last: every function pointer points into it.
    _file: libloading::Library,
}

// SAFETY: the environment is made once, never changed, and LiteRT guards what its compiled models share of it; all
// other handles are owned by one `Compiled` or `TensorBuffer` and used through `&mut`.
unsafe impl Send for Library {}
// SAFETY: as above.
unsafe impl Sync for Library {}

impl Library {
    /// Opens the shared library at `path`, such as `.../ai_edge_litert/libLiteRt.so`.
    ///
    /// # Errors
    /// When it cannot be opened, a function is missing, or LiteRT does not start.
    pub fn open(path: &Path) -> Result<Arc<Self>, LiteRtError> {
        let failed =
            |cause: libloading::Error| LiteRtError::Open { path: path.to_owned(), cause: cause.to_string() };
        // SAFETY: opening runs the library's initializers. The user named this file as LiteRT, whose initializers
        // only register its parts.
        let file = unsafe { libloading::Library::new(path) }.map_err(failed)?;
        let functions = Functions::find(&file, path)?;
        let mut environment = ptr::null_mut();
        let options = [
            EnvironmentOption::new(REGISTERED_ACCELERATORS, i64::from(CPU)),
            EnvironmentOption::new(LOGGED, ERRORS),
        ];
        let count = c_int::try_from(options.len()).unwrap_or(0);
        // SAFETY: `count` options that LiteRT copies, and a valid place for the handle.
        let status =
            unsafe { (functions.create_environment)(count, options.as_ptr().cast(), &raw mut environment) };
        check("LiteRtCreateEnvironment", status)?;
        Ok(Arc::new(Self { functions, environment, _file: file }))
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        // SAFETY: made by this library; everything that uses it holds the `Arc` and is gone.
        unsafe { (self.functions.destroy_environment)(self.environment) };
    }
}

/// A model that LiteRT has made ready.
pub(crate) struct Compiled {
    library: Arc<Library>,
    handle: Handle,
    signature: Handle,
    model: Handle,
    /// The file, which LiteRT reads where it lies for as long as the model lives.
    _bytes: Vec<u8>,
}

// SAFETY: the handles are owned by this value alone; LiteRT binds none of them to a thread.
unsafe impl Send for Compiled {}

impl Compiled {
    pub(crate) fn new(library: &Arc<Library>, bytes: Vec<u8>, options: Options) -> Result<Self, LiteRtError> {
        let call = &library.functions;
        let mut model = ptr::null_mut();
        let (data, length) = (bytes.as_ptr().cast(), bytes.len());
        // SAFETY: the bytes live as long as the model: both are in `Self`, and a vector's bytes stay when it moves.
        let status = unsafe { (call.create_model)(library.environment, data, length, &raw mut model) };
        check("LiteRtCreateModelFromBuffer", status)?;
        let mut made = Self {
            library: Arc::clone(library),
            handle: ptr::null_mut(),
            signature: ptr::null_mut(),
            model,
            _bytes: bytes,
        };
        // SAFETY: a model that was just made, and a valid place for the handle.
        let status = unsafe { (call.signature)(model, SIGNATURE, &raw mut made.signature) };
        check("LiteRtGetModelSignature", status)?;
        made.compile(options)?;
        Ok(made)
    }

    fn compile(&mut self, options: Options) -> Result<(), LiteRtError> {
        let chosen = CompilationOptions::new(&self.library, options)?;
        let call = self.library.functions;
        // SAFETY: all three handles are alive, and the place for the result is valid.
        let status = unsafe {
            (call.compile)(self.library.environment, self.model, chosen.handle, &raw mut self.handle)
        };
        check("LiteRtCreateCompiledModel", status)
    }

    pub(crate) fn input_count(&self) -> Result<usize, LiteRtError> {
        self.count("LiteRtGetNumSignatureInputs", self.library.functions.signature_inputs)
    }

    pub(crate) fn output_count(&self) -> Result<usize, LiteRtError> {
        self.count("LiteRtGetNumSignatureOutputs", self.library.functions.signature_outputs)
    }

    fn count(
        &self,
        name: &'static str,
        function: unsafe extern "C" fn(Handle, *mut usize) -> Status,
    ) -> Result<usize, LiteRtError> {
        let mut count = 0;
        // SAFETY: the signature belongs to the living model.
        check(name, unsafe { function(self.signature, &raw mut count) })?;
        Ok(count)
    }

    pub(crate) fn input(&self, index: usize) -> Result<(String, TensorType), LiteRtError> {
        self.tensor("LiteRtGetSignatureInputTensorByIndex", self.library.functions.input_tensor, index)
    }

    pub(crate) fn output(&self, index: usize) -> Result<(String, TensorType), LiteRtError> {
        self.tensor("LiteRtGetSignatureOutputTensorByIndex", self.library.functions.output_tensor, index)
    }

    fn tensor(
        &self,
        name: &'static str,
        function: unsafe extern "C" fn(Handle, usize, *mut Handle) -> Status,
        index: usize,
    ) -> Result<(String, TensorType), LiteRtError> {
        let call = &self.library.functions;
        let mut tensor = ptr::null_mut();
        // SAFETY: the signature belongs to the living model; LiteRT checks the index.
        check(name, unsafe { function(self.signature, index, &raw mut tensor) })?;
        let mut text = ptr::null();
        // SAFETY: the tensor belongs to the living model.
        check("LiteRtGetTensorName", unsafe { (call.tensor_name)(tensor, &raw mut text) })?;
        // SAFETY: LiteRT gives a string that ends in zero and lives as long as the model; it is copied here.
        let text = if text.is_null() { c"" } else { unsafe { CStr::from_ptr(text) } };
        let mut tensor_type = TensorType::EMPTY;
        // SAFETY: `TensorType` has at least the room of LiteRT's structure.
        check("LiteRtGetRankedTensorType", unsafe { (call.tensor_type)(tensor, &raw mut tensor_type) })?;
        tensor_type.settle();
        Ok((text.to_string_lossy().into_owned(), tensor_type))
    }

    pub(crate) fn input_buffer(&self, index: usize, typed: &TensorType) -> Result<TensorBuffer, LiteRtError> {
        let name = "LiteRtGetCompiledModelInputBufferRequirements";
        self.buffer(name, self.library.functions.input_needs, index, typed)
    }

    pub(crate) fn output_buffer(
        &self,
        index: usize,
        typed: &TensorType,
    ) -> Result<TensorBuffer, LiteRtError> {
        let name = "LiteRtGetCompiledModelOutputBufferRequirements";
        self.buffer(name, self.library.functions.output_needs, index, typed)
    }

    fn buffer(
        &self,
        name: &'static str,
        needs_of: unsafe extern "C" fn(Handle, usize, usize, *mut Handle) -> Status,
        index: usize,
        typed: &TensorType,
    ) -> Result<TensorBuffer, LiteRtError> {
        let call = &self.library.functions;
        let mut needs = ptr::null_mut();
        // SAFETY: the compiled model is alive and owns what it returns.
        check(name, unsafe { needs_of(self.handle, SIGNATURE, index, &raw mut needs) })?;
        let mut handle = ptr::null_mut();
        // SAFETY: the type came from LiteRT for this tensor, the requirements from the living compiled model.
        let status = unsafe { (call.create_buffer)(self.library.environment, typed, needs, &raw mut handle) };
        check("LiteRtCreateManagedTensorBufferFromRequirements", status)?;
        let mut buffer = TensorBuffer { library: Arc::clone(&self.library), handle, bytes: 0 };
        // SAFETY: a buffer that was just made.
        let status = unsafe { (call.buffer_size)(buffer.handle, &raw mut buffer.bytes) };
        check("LiteRtGetTensorBufferPackedSize", status)?;
        Ok(buffer)
    }

    pub(crate) fn run(
        &mut self,
        inputs: &mut [(TensorInfo, TensorBuffer)],
        outputs: &mut [(TensorInfo, TensorBuffer)],
    ) -> Result<(), LiteRtError> {
        let handles = |list: &[(TensorInfo, TensorBuffer)]| -> Vec<Handle> {
            list.iter().map(|(_, buffer)| buffer.handle).collect()
        };
        let (mut sent, mut received) = (handles(inputs), handles(outputs));
        // SAFETY: as many living buffers as the signature has inputs and outputs, made from its own requirements, and
        // borrowed for the call.
        let status = unsafe {
            (self.library.functions.run)(
                self.handle,
                SIGNATURE,
                sent.len(),
                sent.as_mut_ptr(),
                received.len(),
                received.as_mut_ptr(),
            )
        };
        check("LiteRtRunCompiledModel", status)
    }
}

impl Drop for Compiled {
    fn drop(&mut self) {
        let call = &self.library.functions;
        if !self.handle.is_null() {
            // SAFETY: made by this library and freed only here; `Network` drops its buffers before.
            unsafe { (call.destroy_compiled)(self.handle) };
        }
        // SAFETY: made by this library and freed only here, after what was compiled from it.
        unsafe { (call.destroy_model)(self.model) };
    }
}

/// `LiteRtOptions`: the CPU, with so many threads and these kernels.
struct CompilationOptions {
    library: Arc<Library>,
    handle: Handle,
}

impl CompilationOptions {
    fn new(library: &Arc<Library>, options: Options) -> Result<Self, LiteRtError> {
        let call = &library.functions;
        let mut handle = ptr::null_mut();
        // SAFETY: a valid place for the handle.
        check("LiteRtCreateOptions", unsafe { (call.create_options)(&raw mut handle) })?;
        let made = Self { library: Arc::clone(library), handle };
        // SAFETY: options that were just made.
        let status = unsafe { (call.set_accelerators)(made.handle, CPU) };
        check("LiteRtSetOptionsHardwareAccelerators", status)?;
        made.add(&format!(
            "kernel_mode = \"{}\"\nnum_threads = {}\n",
            options.kernels.word(),
            options.threads
        ))?;
        Ok(made)
    }

    fn add(&self, text: &str) -> Result<(), LiteRtError> {
        let call = &self.library.functions;
        let payload = CString::new(text).unwrap_or_default().into_raw();
        let mut opaque = ptr::null_mut();
        // SAFETY: the payload is a string that ends in zero; `release` frees it once, when LiteRT is done with it.
        let status =
            unsafe { (call.create_opaque)(CPU_OPTIONS.as_ptr(), payload.cast(), release, &raw mut opaque) };
        if status != 0 {
            // SAFETY: LiteRT made nothing of it, so it is still ours.
            drop(unsafe { CString::from_raw(payload) });
        }
        check("LiteRtCreateOpaqueOptions", status)?;
        // SAFETY: both are alive; the options take the payload over.
        check("LiteRtAddOpaqueOptions", unsafe { (call.add_opaque)(self.handle, opaque) })
    }
}

impl Drop for CompilationOptions {
    fn drop(&mut self) {
        // SAFETY: made by this library and freed only here; a compiled model keeps no reference to its options.
        unsafe { (self.library.functions.destroy_options)(self.handle) };
    }
}

/// Frees the text that [`CompilationOptions::add`] gave away.
unsafe extern "C" fn release(payload: *mut c_void) {
    // SAFETY: `payload` came from `CString::into_raw`, and LiteRT calls this once.
    drop(unsafe { CString::from_raw(payload.cast()) });
}

/// Memory of an input or output.
pub(crate) struct TensorBuffer {
    library: Arc<Library>,
    handle: Handle,
    bytes: usize,
}

// SAFETY: the handle is owned by this value alone; LiteRT binds it to no thread.
unsafe impl Send for TensorBuffer {}

impl TensorBuffer {
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Lets `use_it` read or write the buffer's values.
    pub(crate) fn with<T>(
        &mut self,
        access: Access,
        use_it: impl FnOnce(&mut [u8]) -> T,
    ) -> Result<T, LiteRtError> {
        let call = &self.library.functions;
        let mut memory = ptr::null_mut();
        // SAFETY: a living buffer that nobody else locks: `self` is borrowed exclusively.
        check("LiteRtLockTensorBuffer", unsafe {
            (call.lock)(self.handle, &raw mut memory, access as c_int)
        })?;
        // SAFETY: between lock and unlock LiteRT grants `bytes` bytes at this address to the caller.
        let result = use_it(unsafe { std::slice::from_raw_parts_mut(memory.cast(), self.bytes) });
        // SAFETY: locked above.
        check("LiteRtUnlockTensorBuffer", unsafe { (call.unlock)(self.handle) })?;
        Ok(result)
    }
}

impl Drop for TensorBuffer {
    fn drop(&mut self) {
        // SAFETY: made by this library and freed only here.
        unsafe { (self.library.functions.destroy_buffer)(self.handle) };
    }
}
