//! Damage of every kind to a network of every operator: an error or a run, never a panic. `examples/mutants` does the
//! same to real models, in processes with limits.

use edgebench_interpreter::{Interpreter, Model, Options};

use crate::mutate::Mutants;

/// Enough for some of each kind to run and some to be refused, in a second.
const MUTANTS_EACH: u64 = 12;

#[test]
fn damaged_networks_are_refused_or_run() {
    let (mut refused, mut stopped, mut ran) = (0, 0, 0);
    for case in crate::cases::all(3) {
        let file = case.net.bytes();
        let mutants = Mutants::of(&file, 11);
        for index in 0..MUTANTS_EACH {
            let bytes = mutants.make(index);
            let kind = Mutants::kind(index).name();
            let outcome = std::panic::catch_unwind(|| run(&bytes));
            match outcome.unwrap_or_else(|_| panic!("{} with {kind} panics: mutant {index}", case.name)) {
                None => refused += 1,
                Some(false) => stopped += 1,
                Some(true) => ran += 1,
            }
        }
    }
    println!("{refused} refused, {stopped} stopped, {ran} ran");
    assert!(refused > 100 && ran > 100, "{refused} refused, {ran} ran: the damage misses its aim");
}

/// Whether a network that could be prepared ran to its end.
fn run(bytes: &[u8]) -> Option<bool> {
    let model = Model::load(bytes).ok()?;
    let mut interpreter = Interpreter::new(&model, &Options::default()).ok()?;
    Some(interpreter.invoke().is_ok())
}
