//! Every operator against the genuine LiteRT's reference kernels, one small network each.

use std::path::Path;
use std::process::Command;

use edgebench_interpreter::{DType, Interpreter, KernelChoice, Model, Options};

use crate::cases::{self, Agreement, Case};
use crate::random::Random;

const EXAMPLES: usize = 3;
const SEEDS: u64 = 3;

/// Inputs of one example, in order; and after a run the outputs.
fn example(case: &Case, file: &[u8], random: &mut Random) -> Vec<Vec<u8>> {
    let model = Model::load(file).unwrap_or_else(|error| panic!("{}: {error}", case.name));
    let input = |tensor: &usize| {
        let info = &model.tensors()[*tensor];
        match info.dtype {
            DType::Float32 => (0..info.elements())
                .flat_map(|_| random.between(-case.reach, case.reach).to_ne_bytes())
                .collect(),
            _ => (0..info.bytes()).map(|_| random.next() as u8).collect(),
        }
    };
    model.inputs().iter().map(input).collect()
}

fn run(case: &Case, file: &[u8], inputs: &[Vec<u8>], kernels: KernelChoice) -> Vec<u8> {
    let model = Model::load(file).unwrap_or_else(|error| panic!("{}: {error}", case.name));
    let options = Options { kernels, ..Options::default() };
    let mut interpreter =
        Interpreter::new(&model, &options).unwrap_or_else(|error| panic!("{}: {error}", case.name));
    for (index, bytes) in inputs.iter().enumerate() {
        interpreter.input_bytes_mut(index).expect("input").copy_from_slice(bytes);
    }
    interpreter.invoke().expect("runs");
    interpreter.output(0).expect("output").bytes.to_vec()
}

/// What separates two outputs: nothing, or the words for it.
fn difference(agreement: Agreement, ours: &[u8], theirs: &[u8]) -> Option<String> {
    match agreement {
        Agreement::Exact => {
            let differing = ours.iter().zip(theirs).filter(|(a, b)| a != b).count();
            (ours != theirs).then(|| format!("{differing} of {} bytes differ", theirs.len()))
        }
        Agreement::Near(bound) => {
            let floats = |bytes: &[u8]| -> Vec<f32> { bytemuck::pod_collect_to_vec(bytes) };
            let (ours, theirs) = (floats(ours), floats(theirs));
            let largest = theirs.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
            let apart = ours.iter().zip(&theirs).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max);
            let share = apart / f64::from(largest.max(f32::MIN_POSITIVE));
            (ours.len() != theirs.len() || share.is_nan() || share > bound)
                .then(|| format!("differs by {share:e} of the largest value"))
        }
    }
}

#[test]
fn operators_agree_with_litert() {
    let Some(python) = std::env::var_os("EDGEBENCH_PYTHON") else {
        println!("skipped: EDGEBENCH_PYTHON names no Python with ai-edge-litert");
        return;
    };
    let folder = std::env::temp_dir().join(format!("edgebench-operators-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    let cases: Vec<Case> = (1..=SEEDS).flat_map(cases::all).collect();
    let mut random = Random::new(99);
    let mut runs = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        let file = case.net.bytes();
        let examples: Vec<_> = (0..EXAMPLES).map(|_| example(case, &file, &mut random)).collect();
        std::fs::write(folder.join(format!("{index:04}.tflite")), &file).expect("room");
        std::fs::write(folder.join(format!("{index:04}.inputs")), examples.concat().concat()).expect("room");
        runs.push((file, examples));
    }
    run_litert(Path::new(&python), &folder);
    let mut wrong = Vec::new();
    for (index, (case, (file, examples))) in cases.iter().zip(&runs).enumerate() {
        let Ok(theirs) = std::fs::read(folder.join(format!("{index:04}.outputs"))) else {
            let words = std::fs::read_to_string(folder.join(format!("{index:04}.refused")));
            wrong.push(format!("{}: LiteRT refuses it: {}", case.name, words.unwrap_or_default().trim()));
            continue;
        };
        for choice in KernelChoice::all().filter(|choice| choice.is_available()) {
            let ours: Vec<u8> = examples.iter().flat_map(|inputs| run(case, file, inputs, choice)).collect();
            let difference = difference(case.agreement, &ours, &theirs);
            wrong.extend(difference.map(|words| format!("{}, {choice} kernels: {words}", case.name)));
        }
    }
    std::fs::remove_dir_all(&folder).expect("the folder is ours");
    println!("{} networks of one operator, {EXAMPLES} examples each", cases.len());
    assert!(wrong.is_empty(), "{} differ: {wrong:#?}", wrong.len());
}

fn run_litert(python: &Path, folder: &Path) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ci/litert/run_models.py");
    let output = Command::new(python)
        .arg(script)
        .args(["--kernels", "ref"])
        .arg("--folder")
        .arg(folder)
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", python.display()));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
