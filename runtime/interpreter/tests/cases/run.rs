//! Runs a case with one set of kernels and compares.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

use edgebench_interpreter::{Interpreter, KernelChoice, Model, Options};
use edgebench_pool::Pool;

use crate::case::{Case, Expected, Port, Step, element_bytes};

/// The sets of kernels that every case is run with: all that this CPU has.
pub(crate) fn kernels() -> Vec<KernelChoice> {
    KernelChoice::all().filter(|kernels| kernels.is_available()).collect()
}

/// What became of a case.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Outcome {
    /// Every bit is LiteRT's, or both refuse the model.
    Equal,
    /// Floats within the case's tolerance.
    Close,
    /// The model is refused here and runs in LiteRT: the message.
    Missing(String),
    /// Anything else: what and where.
    Wrong(String),
}

/// Runs one case with one set of kernels.
pub(crate) fn run(case: &Case, kernels: KernelChoice) -> Outcome {
    run_with(case, &Options { kernels, ..Options::default() })
}

/// Runs one case with every operator that can be divided divided among three threads, however small it is.
pub(crate) fn run_divided(case: &Case) -> Outcome {
    run_with(case, &Options { threads: 3, least_macs_of_share: 0, ..Options::default() })
}

fn run_with(case: &Case, options: &Options) -> Outcome {
    let attempt = catch_unwind(AssertUnwindSafe(|| attempt(case, options)));
    match (attempt, case.about.expected) {
        (Err(_), _) => Outcome::Wrong("panicked".to_owned()),
        (Ok(Ok(outcome)), Expected::Outputs) => outcome,
        (Ok(Err(message)), Expected::Outputs) => Outcome::Missing(message),
        (Ok(Err(message)), Expected::Refused) if message.ends_with("unsupported operator") => {
            Outcome::Missing(message)
        }
        (Ok(Err(_)), Expected::Refused) => Outcome::Equal,
        (Ok(Ok(_)), Expected::Refused) => Outcome::Wrong("runs, but LiteRT refuses the model".to_owned()),
    }
}

/// # Errors
/// The message with which the model is refused.
fn attempt(case: &Case, options: &Options) -> Result<Outcome, String> {
    let model = Model::load(&case.model).map_err(|error| error.to_string())?;
    let interpreter = match &case.about.signature {
        Some(key) => Interpreter::for_signature(&model, key, options),
        None => Interpreter::new(&model, options),
    };
    let mut interpreter = interpreter.map_err(|error| error.to_string())?;
    if options.threads > 1 {
        interpreter.set_workers(crew());
    }
    if case.about.expected == Expected::Refused {
        interpreter.invoke().map_err(|error| error.to_string())?;
    }
    let mut worst = Outcome::Equal;
    for (index, step) in case.steps.iter().enumerate() {
        match infer(case, &mut interpreter, step)? {
            Outcome::Wrong(what) => return Ok(Outcome::Wrong(format!("step {index}: {what}"))),
            Outcome::Equal => {}
            other => worst = other,
        }
    }
    Ok(worst)
}

/// Threads for all cases.
fn crew() -> Arc<Pool> {
    static CREW: OnceLock<Arc<Pool>> = OnceLock::new();
    CREW.get_or_init(|| Arc::new(Pool::new(3).expect("threads"))).clone()
}

fn infer(case: &Case, interpreter: &mut Interpreter<'_>, step: &Step) -> Result<Outcome, String> {
    for (index, values) in step.inputs.iter().enumerate() {
        let Some(input) = interpreter.input_bytes_mut(index).filter(|input| input.len() == values.len())
        else {
            return Ok(Outcome::Wrong(format!("input {index}: does not take {} bytes", values.len())));
        };
        input.copy_from_slice(values);
    }
    interpreter.invoke().map_err(|error| error.to_string())?;
    let mut worst = Outcome::Equal;
    for (index, (port, expected)) in case.about.outputs.iter().zip(&step.outputs).enumerate() {
        match compare(case, interpreter, index, port, expected) {
            Outcome::Wrong(what) => return Ok(Outcome::Wrong(format!("output {index}: {what}"))),
            Outcome::Equal => {}
            other => worst = other,
        }
    }
    Ok(worst)
}

fn compare(
    case: &Case,
    interpreter: &Interpreter<'_>,
    index: usize,
    port: &Port,
    expected: &[u8],
) -> Outcome {
    let Some(output) = interpreter.output(index) else { return Outcome::Wrong("is not there".to_owned()) };
    if output.dtype.name() != port.dtype || output.shape != port.shape {
        let ours = format!("{} {:?}", output.dtype, output.shape);
        return Outcome::Wrong(format!("expected {} {:?}, found {ours}", port.dtype, port.shape));
    }
    if output.bytes == expected {
        return Outcome::Equal;
    }
    let size = element_bytes(&port.dtype);
    let pairs = output.bytes.chunks_exact(size).zip(expected.chunks_exact(size)).enumerate();
    let far = pairs.filter(|(_, (ours, theirs))| ours != theirs && !within(case, &port.dtype, ours, theirs));
    let far: Vec<_> = far.collect();
    let Some((at, (ours, theirs))) = far.first() else { return Outcome::Close };
    let first = format!("element {at}: expected {}, found {}", text(port, theirs), text(port, ours));
    Outcome::Wrong(format!("{first} ({} of {} differ)", far.len(), expected.len() / size))
}

/// Whether floats are as near as the case asks for. Infinities and NaN have to be the same.
fn within(case: &Case, dtype: &str, ours: &[u8], theirs: &[u8]) -> bool {
    if case.about.relative == 0.0 && case.about.absolute == 0.0 {
        return same_nan(dtype, ours, theirs);
    }
    let pairs = reals(dtype, ours).into_iter().zip(reals(dtype, theirs));
    pairs.fold(true, |all, (ours, theirs)| {
        let room = case.about.absolute + case.about.relative * theirs.abs();
        all && (ours == theirs || (ours.is_nan() && theirs.is_nan()) || (ours - theirs).abs() <= room)
    })
}

/// Which of the many NaN comes out is the CPU's affair.
fn same_nan(dtype: &str, ours: &[u8], theirs: &[u8]) -> bool {
    let is_nan = |bytes| {
        let reals = reals(dtype, bytes);
        !reals.is_empty() && reals.iter().all(|real| real.is_nan())
    };
    is_nan(ours) && is_nan(theirs)
}

/// The floats of one element; none for integers.
fn reals(dtype: &str, bytes: &[u8]) -> Vec<f64> {
    let float32 = |bytes: &[u8]| f64::from(f32::from_le_bytes(bytes.try_into().expect("four bytes")));
    match dtype {
        "float32" | "complex64" => bytes.chunks_exact(4).map(float32).collect(),
        "float16" => vec![half::f16::from_le_bytes(bytes.try_into().expect("two bytes")).to_f64()],
        "float64" => vec![f64::from_le_bytes(bytes.try_into().expect("eight bytes"))],
        _ => Vec::new(),
    }
}

fn text(port: &Port, bytes: &[u8]) -> String {
    let reals = reals(&port.dtype, bytes);
    if !reals.is_empty() {
        return format!("{reals:?}");
    }
    let mut wide = [if port.dtype.starts_with("int") && bytes.last() > Some(&127) { 0xFF } else { 0 }; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    i64::from_le_bytes(wide).to_string()
}
