//! What the programs of one interpreter share: the subgraphs that have been prepared, the variables, and the memory that all
//! of them together may take. Knows no operators.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use edgebench_kernels::Workers;

use crate::choice::Options;
use crate::error::Fault;
use crate::interpreter::Memory;
use crate::memory::{Crew, Room};
use crate::model::Model;
use crate::program::Program;
use crate::variables::Variables;

/// What an interpreter has beside the program of its entry.
pub(crate) struct Machine<'m> {
    pub(crate) model: &'m Model<'m>,
    pub(crate) options: Options,
    /// Threads for steps that are divided.
    pub(crate) workers: Option<Arc<dyn Workers>>,
    /// By subgraph: its program; none for one that nothing has called yet, and for one that is running.
    programs: Vec<Option<Box<Program<'m>>>>,
    pub(crate) variables: Variables,
    /// What all programs together were planned to take.
    pub(crate) planned: Memory,
    /// What all of it together may take.
    pub(crate) room: Room,
}

impl<'m> Machine<'m> {
    pub(crate) fn new(model: &'m Model<'m>, options: &Options) -> Self {
        Self {
            model,
            options: *options,
            workers: None,
            programs: model.graphs().iter().map(|_| None).collect(),
            variables: Variables::new(model.variables()),
            planned: Memory::default(),
            room: Room::new(options.memory_limit_bytes),
        }
    }

    /// Who shares a step that is divided.
    pub(crate) fn crew(&self, shares: usize) -> Option<Crew<'_>> {
        let workers = self.workers.as_deref().filter(|_| shares > 1)?;
        Some(Crew { workers, shares })
    }

    /// The program of a subgraph; none when it has none now.
    pub(crate) fn program_of(&self, subgraph: usize) -> Option<&Program<'m>> {
        self.programs.get(subgraph)?.as_deref()
    }

    /// Prepares a subgraph for inputs of these shapes, unless its program has them already.
    ///
    /// # Errors
    /// When the subgraph cannot have them, or there is no memory.
    pub(crate) fn make_ready(&mut self, subgraph: usize, shapes: &[&[usize]]) -> Result<(), Fault> {
        if self.program_of(subgraph).is_some_and(|program| program.has_inputs(shapes)) {
            return Ok(());
        }
        self.variables.count_preparation()?;
        self.forget(subgraph);
        let inputs = &self.model.graphs()[subgraph].inputs;
        let shapes: Vec<(usize, Vec<usize>)> =
            inputs.iter().zip(shapes).map(|(tensor, shape)| (*tensor, shape.to_vec())).collect();
        let program = self.prepare(subgraph, &shapes)?;
        self.put(subgraph, Box::new(program));
        Ok(())
    }

    /// Takes a program out, so that it can run beside those that it calls. No chain of calls comes back to it.
    pub(crate) fn take(&mut self, subgraph: usize) -> Option<Box<Program<'m>>> {
        self.programs.get_mut(subgraph)?.take()
    }

    pub(crate) fn put(&mut self, subgraph: usize, program: Box<Program<'m>>) {
        if let Some(place) = self.programs.get_mut(subgraph) {
            *place = Some(program);
        }
    }

    fn forget(&mut self, subgraph: usize) {
        if let Some(program) = self.take(subgraph) {
            self.planned.remove(&program.memory);
            self.room.give_back(program.planned_bytes);
            self.room.give(program.late_bytes());
        }
    }

    /// Notes that an inference begins. `late_bytes` are those of the entry.
    pub(crate) fn begin(&mut self, late_bytes: usize) {
        self.variables.begin();
        let programs = self.programs.iter().flatten().map(|program| program.late_bytes());
        let used = programs.fold(late_bytes, usize::saturating_add);
        self.room.set_late_bytes(used.saturating_add(self.variables.late_bytes()));
    }

    pub(crate) fn reset_variables(&mut self) {
        self.programs.iter_mut().flatten().for_each(|program| program.reset_variables());
        self.variables.reset();
    }

    /// What all programs take now.
    pub(crate) fn memory(&self) -> Memory {
        let variables = self.variables.planned_bytes();
        let arena_bytes = self.planned.arena_bytes.saturating_add(variables);
        Memory { arena_bytes, late_bytes: self.room.late_peak_bytes(), ..self.planned }
    }
}

impl Memory {
    pub(crate) fn add(&mut self, other: &Self) {
        self.arena_bytes = self.arena_bytes.saturating_add(other.arena_bytes);
        self.without_reuse_bytes = self.without_reuse_bytes.saturating_add(other.without_reuse_bytes);
        self.packed_bytes = self.packed_bytes.saturating_add(other.packed_bytes);
    }

    fn remove(&mut self, other: &Self) {
        self.arena_bytes = self.arena_bytes.saturating_sub(other.arena_bytes);
        self.without_reuse_bytes = self.without_reuse_bytes.saturating_sub(other.without_reuse_bytes);
        self.packed_bytes = self.packed_bytes.saturating_sub(other.packed_bytes);
    }
}
