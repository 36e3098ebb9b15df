//! How much one interpreter may take beside the file. What lasts as long as a program is counted here before it is taken,
//! and so is what a run takes for values whose sizes only it knows. Knows no tensors; whoever takes says what for.

use alloc::format;
use alloc::string::String;

use super::Aligned;
use crate::error::Fault;

/// What is counted, in the words of the error.
const WHAT: &str = "memory in bytes";

/// Who takes values of a run, in the words of the error.
const LATE: &str = "values of computed shapes";

/// A limit, and what has been taken of it.
#[derive(Debug)]
pub(crate) struct Room {
    limit_bytes: usize,
    /// By programs and variables.
    planned_bytes: usize,
    /// The part of it that has been taken since the tab was opened.
    tab_bytes: usize,
    /// By values of a run.
    late_bytes: usize,
    late_peak_bytes: usize,
}

/// What had been taken before a tab was opened.
pub(crate) struct Tab(usize);

impl Room {
    pub(crate) fn new(limit_bytes: usize) -> Self {
        Self { limit_bytes, planned_bytes: 0, tab_bytes: 0, late_bytes: 0, late_peak_bytes: 0 }
    }

    /// What may still be taken.
    pub(crate) fn left_bytes(&self) -> usize {
        self.limit_bytes.saturating_sub(self.planned_bytes).saturating_sub(self.late_bytes)
    }

    /// Checks that there are `bytes` left for `place`, and counts nothing.
    ///
    /// # Errors
    /// When there are not.
    pub(crate) fn check<P: Into<String>>(
        &self,
        bytes: usize,
        place: impl FnOnce() -> P,
    ) -> Result<(), Fault> {
        if bytes <= self.left_bytes() {
            return Ok(());
        }
        let found = self.planned_bytes.saturating_add(self.late_bytes).saturating_add(bytes);
        Err(Fault::limit(place(), WHAT, found as u64, self.limit_bytes as u64))
    }

    /// Counts `bytes` that are about to be taken to last, for `place`.
    ///
    /// # Errors
    /// When that is more than is left; nothing is counted then.
    pub(crate) fn plan<P: Into<String>>(
        &mut self,
        bytes: usize,
        place: impl FnOnce() -> P,
    ) -> Result<(), Fault> {
        self.check(bytes, place)?;
        self.planned_bytes += bytes;
        self.tab_bytes += bytes;
        Ok(())
    }

    /// Notes that so much of what was planned is free again.
    pub(crate) fn give_back(&mut self, bytes: usize) {
        self.planned_bytes = self.planned_bytes.saturating_sub(bytes);
    }

    /// Begins to add up what one program takes. Another may begin and end in between.
    pub(crate) fn open_tab(&mut self) -> Tab {
        Tab(core::mem::take(&mut self.tab_bytes))
    }

    /// What has been planned since the tab was opened.
    pub(crate) fn close_tab(&mut self, tab: Tab) -> usize {
        core::mem::replace(&mut self.tab_bytes, tab.0)
    }

    /// Aligned zeros for a value of a run.
    ///
    /// # Errors
    /// When that is more than is left, or there is not that much memory.
    pub(crate) fn take(&mut self, bytes: usize) -> Result<Aligned, Fault> {
        self.check(bytes, || LATE)?;
        let memory = Aligned::zeroed(bytes)
            .ok_or_else(|| Fault::mismatch(LATE, format!("{bytes} bytes of memory"), "less"))?;
        self.late_bytes += bytes;
        self.late_peak_bytes = self.late_peak_bytes.max(self.late_bytes);
        Ok(memory)
    }

    /// An aligned copy, as [`take`](Self::take) has it.
    pub(crate) fn copy(&mut self, bytes: &[u8]) -> Result<Aligned, Fault> {
        let mut memory = self.take(bytes.len())?;
        memory.bytes_mut().copy_from_slice(bytes);
        Ok(memory)
    }

    /// Notes that so much of what a run took is free again.
    pub(crate) fn give(&mut self, bytes: usize) {
        self.late_bytes = self.late_bytes.saturating_sub(bytes);
    }

    /// Says what values of runs take now.
    pub(crate) fn set_late_bytes(&mut self, bytes: usize) {
        self.late_bytes = bytes;
    }

    /// Most that values of runs have taken at one time.
    pub(crate) fn late_peak_bytes(&self) -> usize {
        self.late_peak_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn the_last_byte_may_be_taken_and_no_more() {
        let mut room = Room::new(100);
        let mut plan = |bytes| room.plan(bytes, || "tensor").map_err(|fault| fault.to_string());
        assert_eq!(plan(60), Ok(()));
        assert_eq!(plan(41), Err("tensor: memory in bytes 101 is over the limit of 100".into()));
        assert_eq!(plan(40), Ok(()));
        assert_eq!(
            plan(usize::MAX),
            Err(alloc::format!("tensor: memory in bytes {} is over the limit of 100", usize::MAX))
        );
        assert_eq!(room.left_bytes(), 0);
    }

    #[test]
    fn programs_and_values_of_a_run_share_the_limit() {
        let mut room = Room::new(100);
        room.plan(60, || "tensor").expect("room");
        let message = |result: Result<Aligned, Fault>| result.expect_err("no room").to_string();
        assert_eq!(
            message(room.take(41)),
            "values of computed shapes: memory in bytes 101 is over the limit of 100"
        );
        room.take(40).expect("room");
        assert!(room.plan(1, || "tensor").is_err());
        room.give(40);
        assert_eq!((room.left_bytes(), room.late_peak_bytes()), (40, 40));
        room.give_back(60);
        assert_eq!(room.left_bytes(), 100);
    }

    #[test]
    fn a_tab_within_a_tab_is_not_on_the_outer_one() {
        let mut room = Room::new(100);
        let plan = |room: &mut Room, bytes| room.plan(bytes, || "tensor").expect("room");
        let outer = room.open_tab();
        plan(&mut room, 1);
        let inner = room.open_tab();
        plan(&mut room, 2);
        assert_eq!(room.close_tab(inner), 2);
        plan(&mut room, 4);
        assert_eq!(room.close_tab(outer), 5);
        assert_eq!(room.left_bytes(), 93);
    }
}
