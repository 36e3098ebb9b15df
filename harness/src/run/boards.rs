//! Which machine each device of a run turned out to be: two names for one board would measure each other's load.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use edgebench_wire::Facts;

/// The property that is the same for two devices only if they are one.
pub(super) const MACHINE: &str = "machine_id";

/// The machines that were met so far.
#[derive(Debug, Default)]
pub(super) struct Boards(Mutex<BTreeMap<String, String>>);

impl Boards {
    /// The device that was met before as the same machine. A machine that does not say who it is has no twin.
    pub(super) fn twin(&self, device: &str, facts: &Facts) -> Option<String> {
        let (_, machine) = facts.properties.iter().find(|(name, _)| name == MACHINE)?;
        let mut met = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = met.entry(machine.clone()).or_insert_with(|| device.to_owned());
        (first != device).then(|| first.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(machine: &str) -> Facts {
        Facts { properties: vec![(MACHINE.to_owned(), machine.to_owned())], ..Facts::default() }
    }

    #[test]
    fn the_second_name_of_a_machine_is_told() {
        let boards = Boards::default();
        assert_eq!(boards.twin("pi4", &facts("a")), None);
        assert_eq!(boards.twin("pi4", &facts("a")), None, "met again");
        assert_eq!(boards.twin("pi5", &facts("b")), None);
        assert_eq!(boards.twin("lab-pi", &facts("a")).as_deref(), Some("pi4"));
        assert_eq!(boards.twin("x", &Facts::default()), None);
    }
}
