//! How well found changes fit known ones.

/// Counts over any number of series.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Score {
    /// Known changes that were found.
    pub hits: usize,
    /// Of those, the ones found at their place or beside it.
    pub exact: usize,
    /// Found changes that are none.
    pub false_alarms: usize,
    /// Known changes that were not found.
    pub misses: usize,
}

impl Score {
    /// Counts one series: a known change is found by the nearest change that is at most `tolerance` points away and
    /// has found no other.
    pub fn add(&mut self, found: &[usize], known: &[usize], tolerance: usize) {
        let mut free: Vec<usize> = known.to_vec();
        for one in found {
            let nearest = free.iter().enumerate().min_by_key(|(_, known)| known.abs_diff(*one));
            match nearest.map(|(at, known)| (at, known.abs_diff(*one))) {
                Some((at, distance)) if distance <= tolerance => {
                    free.swap_remove(at);
                    self.hits += 1;
                    self.exact += usize::from(distance <= 1);
                }
                _ => self.false_alarms += 1,
            }
        }
        self.misses += free.len();
    }

    /// Harmonic mean of precision and recall, 0 to 1.
    pub fn f1(self) -> f64 {
        share(2 * self.hits, 2 * self.hits + self.false_alarms + self.misses)
    }

    /// Share of the hits that are at their place or beside it.
    pub fn located(self) -> f64 {
        share(self.exact, self.hits)
    }
}

/// A share; 0 of nothing.
pub fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_known_change_is_found_once() {
        let mut score = Score::default();
        score.add(&[10, 12, 60], &[11, 50, 90], 5);
        assert_eq!(score, Score { hits: 1, exact: 1, false_alarms: 2, misses: 2 });
        score.add(&[45], &[50], 5);
        assert_eq!((score.hits, score.exact), (2, 1));
        assert!((score.f1() - 0.5).abs() < 1e-12 && score.located() == 0.5);
        assert_eq!(Score::default().f1(), 0.0);
    }
}
