//! Lots: which cell is next, and which arm goes first. They depend on the seed, the round and names only, so that the
//! same seed gives the same order on every machine.

use edgebench_reports::record::Cell;

use crate::artifact::Digest;

/// The numbers below `count` in the order of a round.
pub(super) fn cells(seed: u64, round: u32, count: usize) -> Vec<usize> {
    let mut lots: Vec<(Digest, usize)> =
        (0..count).map(|cell| (lot(seed, round, &cell.to_le_bytes()), cell)).collect();
    lots.sort_unstable();
    lots.into_iter().map(|(_, cell)| cell).collect()
}

/// Whether the base is the first of a pair: a fair coin for each pair, on which the exactness of the tests rests.
pub(super) fn base_first(seed: u64, round: u32, cell: &Cell) -> bool {
    let name = format!("{} {} {} {} {}", cell.device, cell.model, cell.variant, cell.runtime, cell.threads);
    lot(seed, round, name.as_bytes()).bytes()[0] & 1 == 0
}

fn lot(seed: u64, round: u32, what: &[u8]) -> Digest {
    let mut text = Vec::from(seed.to_le_bytes());
    text.extend(round.to_le_bytes());
    text.extend(what);
    Digest::of(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_has_one_turn_a_round_and_rounds_differ() {
        let mut first = cells(1, 0, 24);
        assert_ne!(first, cells(1, 1, 24));
        assert_eq!(first, cells(1, 0, 24));
        first.sort_unstable();
        assert_eq!(first, (0..24).collect::<Vec<_>>());
    }

    #[test]
    fn coins_are_fair() {
        let text = |text: &str| text.to_owned();
        let cell = Cell {
            device: text("host"),
            model: text("m"),
            variant: text("int8"),
            runtime: text("edgebench"),
            threads: 1,
        };
        let heads = (0..1000).filter(|round| base_first(7, *round, &cell)).count();
        assert!((430..570).contains(&heads), "{heads}");
    }
}
