//! Which samples of many: the same seed, the same samples, on every machine.

/// `wanted` different indices below `available` in ascending order, all of them when there are fewer. Every subset is
/// equally likely over the seeds (partial Fisher-Yates shuffle).
pub(super) fn pick(available: usize, wanted: usize, seed: u64) -> Vec<usize> {
    let mut indices: Vec<usize> = (0..available).collect();
    if wanted >= available {
        return indices;
    }
    let mut random = SplitMix64(seed);
    for place in 0..wanted {
        let other = place + random.below(available - place);
        indices.swap(place, other);
    }
    indices.truncate(wanted);
    indices.sort_unstable();
    indices
}

/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (OOPSLA 2014); constants of the published
/// 64-bit variant.
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`. The high half of a 128-bit product; its bias is below 2^-32 for any list that fits in
    /// memory.
    fn below(&mut self, limit: usize) -> usize {
        ((u128::from(self.next()) * limit as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_sequence_of_seed_zero() {
        let mut random = SplitMix64(0);
        assert_eq!(random.next(), 0xe220_a839_7b1d_cdaf);
        assert_eq!(random.next(), 0x6e78_9e6a_a1b9_65f4);
    }

    #[test]
    fn picks_differ_by_seed_and_never_repeat() {
        let first = pick(1000, 100, 1);
        assert_eq!(first, pick(1000, 100, 1));
        assert_ne!(first, pick(1000, 100, 2));
        assert!(first.windows(2).all(|pair| pair[0] < pair[1]) && first[99] < 1000);
    }

    #[test]
    fn fewer_than_wanted_is_all() {
        assert_eq!(pick(3, 10, 7), [0, 1, 2]);
        assert_eq!(pick(0, 10, 7), []);
    }
}
