//! A model and its interpreter in one value that can be handed out, and the text of what went wrong last. Knows no
//! pointers of callers.

use alloc::boxed::Box;
use alloc::ffi::CString;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ffi::CStr;
use core::fmt::Display;
use core::ptr::NonNull;

use edgebench_interpreter::{Interpreter, Model, Operators, Options};

/// The operators of this build.
const OPERATORS: Operators = if cfg!(feature = "all-ops") { Operators::ALL } else { Operators::VISION };

/// How a call went, in the numbers of the header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i32)]
pub(crate) enum Status {
    Ok = 0,
    WrongCall = 1,
    WrongModel = 2,
    WrongValue = 3,
}

/// What is behind `edgebench_network`.
pub(crate) struct Network {
    open: Option<Open>,
    message: CString,
}

/// A model that runs.
struct Open {
    /// Reads `model`, so it goes first.
    interpreter: Option<Interpreter<'static>>,
    model: NonNull<Model<'static>>,
}

impl Network {
    /// A network over bytes, or one that holds the reason why there is none.
    pub(crate) fn open(file: &'static [u8], options: &Options) -> (Self, Status) {
        let mut network = Self { open: None, message: CString::default() };
        let status = match Open::new(file, options) {
            Ok(open) => {
                network.open = Some(open);
                Status::Ok
            }
            Err(message) => network.fail(Status::WrongModel, &message),
        };
        (network, status)
    }

    /// One that did not open.
    pub(crate) fn closed() -> Self {
        Self { open: None, message: CString::default() }
    }

    pub(crate) fn message(&self) -> &CStr {
        &self.message
    }

    pub(crate) fn interpreter(&self) -> Option<&Interpreter<'static>> {
        self.open.as_ref()?.interpreter.as_ref()
    }

    pub(crate) fn interpreter_mut(&mut self) -> Option<&mut Interpreter<'static>> {
        self.open.as_mut()?.interpreter.as_mut()
    }

    /// Notes why a call fails.
    pub(crate) fn fail(&mut self, status: Status, message: &dyn Display) -> Status {
        // Names of the file are escaped, so there is no zero byte; if there were, the text would end there.
        let text: Vec<u8> =
            message.to_string().into_bytes().into_iter().take_while(|byte| *byte != 0).collect();
        self.message = CString::new(text).unwrap_or_default();
        status
    }
}

impl Open {
    fn new(file: &'static [u8], options: &Options) -> Result<Self, String> {
        let model = Model::load_with(file, &OPERATORS).map_err(|error| error.to_string())?;
        let model = NonNull::from(Box::leak(Box::new(model)));
        let mut open = Self { interpreter: None, model };
        // SAFETY: the model was just leaked, is not changed by anybody, and is given back only by `drop`, which gives the
        // interpreter back first.
        let model: &'static Model<'static> = unsafe { open.model.as_ref() };
        open.interpreter = Some(Interpreter::new(model, options).map_err(|error| error.to_string())?);
        Ok(open)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.interpreter = None;
        // SAFETY: it was leaked from a box in `new`, and the interpreter, the only one who reads it, is gone.
        drop(unsafe { Box::from_raw(self.model.as_ptr()) });
    }
}
