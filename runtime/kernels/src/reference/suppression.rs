//! NON_MAX_SUPPRESSION (`reference/non_max_suppression.h`): boxes are taken by score, and those that overlap a taken one are
//! left out or, with a sigma, lose score (Bodla et al., "Soft-NMS", arXiv 1704.04503).

use alloc::vec::Vec;

/// What decides whether a box is taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Suppression {
    /// Most boxes that are taken.
    pub limit: usize,
    /// Overlap (intersection over union) from which a box is left out.
    pub overlap: f32,
    /// Score above which a box is looked at.
    pub score: f32,
    /// How fast scores fall with the overlap; 0 leaves them.
    pub sigma: f32,
}

#[derive(Clone, Copy)]
struct Candidate {
    index: usize,
    score: f32,
    /// Taken boxes before this one have had their effect.
    compared: usize,
}

impl Suppression {
    /// The taken boxes in order, each with its score in the end. A box is two corners `y1, x1, y2, x2` in any order.
    pub fn take(&self, boxes: &[[f32; 4]], scores: &[f32]) -> Vec<(usize, f32)> {
        let listed = scores.iter().enumerate().filter(|(_, score)| **score > self.score);
        let mut queue = Queue::default();
        listed.for_each(|(index, score)| queue.push(Candidate { index, score: *score, compared: 0 }));
        let wanted = self.limit.min(queue.heap.len());
        let falls = if self.sigma > 0.0 { -0.5 / self.sigma } else { 0.0 };
        let mut taken: Vec<(usize, f32)> = Vec::new();
        while taken.len() < wanted
            && let Some(mut next) = queue.pop()
        {
            let before = next.score;
            let mut is_left_out = false;
            for (other, _) in taken.iter().skip(next.compared).rev() {
                let overlap = overlap(&boxes[next.index], &boxes[*other]);
                if overlap >= self.overlap {
                    is_left_out = true;
                    break;
                }
                if self.sigma > 0.0 {
                    next.score *= libm::expf(falls * overlap * overlap);
                }
                if next.score <= self.score {
                    break;
                }
            }
            next.compared = taken.len();
            if is_left_out {
                continue;
            }
            if next.score == before {
                taken.push((next.index, next.score));
            }
            // A taken one comes back too, and is left out because it overlaps itself; one without an area does not, and
            // the source takes it again and again.
            if next.score > self.score {
                queue.push(next);
            }
        }
        taken
    }
}

/// Intersection over union; 0 for boxes without an area.
fn overlap(left: &[f32; 4], right: &[f32; 4]) -> f32 {
    let corners = |[y1, x1, y2, x2]: &[f32; 4]| [y1.min(*y2), x1.min(*x2), y1.max(*y2), x1.max(*x2)];
    let ([top, start, bottom, end], [other_top, other_start, other_bottom, other_end]) =
        (corners(left), corners(right));
    let area = (bottom - top) * (end - start);
    let other_area = (other_bottom - other_top) * (other_end - other_start);
    if area <= 0.0 || other_area <= 0.0 {
        return 0.0;
    }
    let height = (bottom.min(other_bottom) - top.max(other_top)).max(0.0);
    let width = (end.min(other_end) - start.max(other_start)).max(0.0);
    let common = height * width;
    common / (area + other_area - common)
}

/// The heap of GNU's C++ library, step by step: it decides which of several boxes with one score comes first.
#[derive(Default)]
struct Queue {
    heap: Vec<Candidate>,
}

impl Queue {
    fn push(&mut self, candidate: Candidate) {
        self.heap.push(candidate);
        self.raise(self.heap.len() - 1);
    }

    /// Lets a candidate rise to where its parent has no lower score.
    fn raise(&mut self, mut at: usize) {
        while at > 0 && self.heap[(at - 1) / 2].score < self.heap[at].score {
            self.heap.swap(at, (at - 1) / 2);
            at = (at - 1) / 2;
        }
    }

    /// The hole of the first one sinks to a leaf, the last one goes there and rises.
    fn pop(&mut self) -> Option<Candidate> {
        let last = self.heap.pop()?;
        let Some(first) = self.heap.first().copied() else { return Some(last) };
        let (mut hole, len) = (0, self.heap.len());
        while 2 * hole + 1 < len {
            let (left, right) = (2 * hole + 1, 2 * hole + 2);
            let is_left = right >= len || self.heap[right].score < self.heap[left].score;
            let child = if is_left { left } else { right };
            self.heap[hole] = self.heap[child];
            hole = child;
        }
        self.heap[hole] = last;
        self.raise(hole);
        Some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HARD: Suppression = Suppression { limit: 9, overlap: 0.5, score: 0.0, sigma: 0.0 };
    /// The second overlaps the first by 0.9 / 1.1, the third neither.
    const BOXES: [[f32; 4]; 3] = [[0.0, 0.0, 1.0, 1.0], [1.0, 1.1, 0.0, 0.1], [0.0, 5.0, 1.0, 6.0]];

    #[test]
    fn what_overlaps_a_better_one_is_left_out() {
        assert_eq!(HARD.take(&BOXES, &[0.5, 0.9, 0.7]), [(1, 0.9), (2, 0.7)]);
        assert_eq!(Suppression { limit: 1, ..HARD }.take(&BOXES, &[0.5, 0.9, 0.7]), [(1, 0.9)]);
        assert_eq!(Suppression { score: 0.7, ..HARD }.take(&BOXES, &[0.5, 0.9, 0.7]), [(1, 0.9)]);
    }

    #[test]
    fn equal_scores_come_in_the_order_of_the_heap() {
        let apart: [[f32; 4]; 9] =
            core::array::from_fn(|at| [10.0 * at as f32, 0.0, 10.0 * at as f32 + 1.0, 1.0]);
        let order = |scores: [f32; 9]| -> Vec<usize> {
            HARD.take(&apart, &scores).into_iter().map(|(index, _)| index).collect()
        };
        // As LiteRT 2.3 has them.
        assert_eq!(order([0.5; 9]), [0, 2, 6, 8, 5, 7, 4, 1, 3]);
        assert_eq!(order([0.5, 0.5, 0.7, 0.5, 0.7, 0.5, 0.7, 0.7, 0.5]), [2, 6, 4, 7, 0, 5, 8, 1, 3]);
    }

    #[test]
    fn with_a_sigma_it_loses_score() {
        let soft = Suppression { overlap: 1.0, sigma: 0.5, ..HARD };
        let taken = soft.take(&BOXES, &[0.9, 0.8, 0.6]);
        assert_eq!(taken.iter().map(|taken| taken.0).collect::<Vec<_>>(), [0, 2, 1]);
        let overlap = 0.9f32 / 1.1;
        assert!((taken[2].1 - 0.8 * libm::expf(-overlap * overlap)).abs() < 1e-6);
    }
}
