//! TFLite_Detection_PostProcess: boxes from anchors, and non-maximum suppression (`detection_postprocess.cc`). Equal scores come
//! out in the source's order, which for the classes of one box is that of its C++ library's heap.

use alloc::vec;
use alloc::vec::Vec;

/// What the operator is told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detection {
    /// Boxes.
    pub boxes: usize,
    /// Elements of a box's encoding, 4 or more; those after the fourth are not read.
    pub encoding: usize,
    /// Scores of a box, the background's among them.
    pub scores: usize,
    /// Classes; one less than `scores` when the first score is the background's.
    pub classes: usize,
    /// Divisors of y, x, height and width.
    pub scales: [f32; 4],
    /// Boxes that come out.
    pub max_detections: usize,
    /// Classes of one box that come out.
    pub max_classes: usize,
    /// Boxes of one class that stay when each class is suppressed by itself.
    pub per_class: usize,
    /// Whether each class is suppressed by itself.
    pub regular: bool,
    /// Scores below this do not count.
    pub score_threshold: f32,
    /// Boxes that overlap more than this with a better one go; in 0..=1.
    pub overlap_threshold: f32,
}

/// Top, left, bottom, right.
type Corners = [f32; 4];

/// Outputs, all zero before.
#[derive(Debug)]
pub struct Detections<'a> {
    /// `[max_detections * max_classes, 4]`.
    pub boxes: &'a mut [f32],
    /// `[max_detections * max_classes]`.
    pub classes: &'a mut [f32],
    /// `[max_detections * max_classes]`.
    pub scores: &'a mut [f32],
    /// How many there are.
    pub count: &'a mut f32,
}

impl Detection {
    /// Corners of every box; none when one of them is turned inside out.
    pub fn decode(&self, encodings: &[f32], anchors: &[f32]) -> Option<Vec<Corners>> {
        let anchors = anchors.as_chunks::<4>().0.iter();
        let boxes = encodings.chunks_exact(self.encoding).zip(anchors).map(|(encoding, anchor)| {
            let [y, x, height, width] = anchor.map(f64::from);
            let part = |index: usize| f64::from(encoding[index]) / f64::from(self.scales[index]);
            let center_y = (part(0) * height + y) as f32;
            let center_x = (part(1) * width + x) as f32;
            let half_height = (0.5 * libm::exp(part(2)) * height) as f32;
            let half_width = (0.5 * libm::exp(part(3)) * width) as f32;
            let corners: Corners = [
                center_y - half_height,
                center_x - half_width,
                center_y + half_height,
                center_x + half_width,
            ];
            let inside_out = corners[0] > corners[2] || corners[1] > corners[3];
            (!inside_out).then_some(corners)
        });
        boxes.collect()
    }

    /// Chooses boxes by `scores` (`[boxes, scores]`).
    pub fn run(&self, corners: &[Corners], scores: &[f32], output: Detections<'_>) {
        if self.regular {
            self.each_class(corners, scores, output);
        } else {
            self.best_class(corners, scores, output);
        }
    }

    fn background(&self) -> usize {
        self.scores - self.classes
    }

    /// One suppression for all classes, by each box's best score.
    fn best_class(&self, corners: &[Corners], scores: &[f32], output: Detections<'_>) {
        let kept = self.max_classes.min(self.classes);
        let rows: Vec<&[f32]> =
            scores.chunks_exact(self.scores).map(|row| &row[self.background()..]).collect();
        let ranked: Vec<Vec<usize>> = rows.iter().map(|row| best_first(row, kept)).collect();
        let best: Vec<f32> = rows.iter().zip(&ranked).map(|(row, ranked)| row[ranked[0]]).collect();
        let selected = self.suppress(corners, &best, self.max_detections);
        for (place, index) in selected.iter().enumerate() {
            for (rank, class) in ranked[*index].iter().enumerate().take(kept) {
                let at = place * self.max_classes + rank;
                output.boxes[at * 4..][..4].copy_from_slice(&corners[*index]);
                output.classes[at] = *class as f32;
                output.scores[at] = rows[*index][*class];
            }
        }
        *output.count = selected.len() as f32;
    }

    /// A suppression for every class; the best of all come out.
    fn each_class(&self, corners: &[Corners], scores: &[f32], output: Detections<'_>) {
        let limit = self.per_class.min(self.max_detections);
        // Box and class with their score, best first; of equal ones those of earlier classes.
        let mut found: Vec<(usize, usize, f32)> = Vec::new();
        for class in 0..self.classes {
            let column = scores.iter().skip(self.background() + class).step_by(self.scores);
            let column: Vec<f32> = column.copied().collect();
            let selected = self.suppress(corners, &column, limit);
            found.extend(selected.into_iter().map(|index| (index, class, column[index])));
            found.sort_by(|a, b| b.2.total_cmp(&a.2));
            found.truncate(self.max_detections);
        }
        for (at, (index, class, score)) in found.iter().enumerate() {
            output.boxes[at * 4..][..4].copy_from_slice(&corners[*index]);
            output.classes[at] = *class as f32;
            output.scores[at] = *score;
        }
        *output.count = found.len() as f32;
    }

    /// Boxes whose score counts, best first and at most `limit`, without those that overlap a better one.
    fn suppress(&self, corners: &[Corners], scores: &[f32], limit: usize) -> Vec<usize> {
        let mut ranked: Vec<usize> =
            (0..scores.len()).filter(|index| scores[*index] >= self.score_threshold).collect();
        ranked.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
        let mut selected: Vec<usize> = Vec::new();
        let mut gone = vec![false; ranked.len()];
        for place in 0..ranked.len() {
            if selected.len() >= limit {
                break;
            }
            if gone[place] {
                continue;
            }
            let own = ranked[place];
            selected.push(own);
            for later in place + 1..ranked.len() {
                gone[later] |= overlap(&corners[own], &corners[ranked[later]]) > self.overlap_threshold;
            }
        }
        selected
    }
}

/// Intersection over union; 0 for boxes without area.
fn overlap(a: &Corners, b: &Corners) -> f32 {
    let area = |corners: &Corners| (corners[2] - corners[0]) * (corners[3] - corners[1]);
    let (area_a, area_b) = (area(a), area(b));
    if area_a <= 0.0 || area_b <= 0.0 {
        return 0.0;
    }
    let extent = |low: usize, high: usize| {
        let length = a[high].min(b[high]) - a[low].max(b[low]);
        length.max(0.0)
    };
    let intersection = extent(0, 2) * extent(1, 3);
    intersection / (area_a + area_b - intersection)
}

/// All positions of `values`, the `count` best ones in front and in order. One alone is the first best; more come as C++'s
/// `partial_sort` leaves them, equal ones in the order of its heap.
fn best_first(values: &[f32], count: usize) -> Vec<usize> {
    if count == 1 {
        let better = |best: usize, index: usize| if values[index] > values[best] { index } else { best };
        return vec![(1..values.len()).fold(0, better)];
    }
    let mut order: Vec<usize> = (0..values.len()).collect();
    let before = |a: usize, b: usize| values[a] > values[b];
    let (heap, rest) = order.split_at_mut(count.min(values.len()));
    for parent in (0..heap.len() / 2).rev() {
        sift(heap, parent, before);
    }
    for other in rest {
        if heap.first().is_some_and(|worst| before(*other, *worst)) {
            core::mem::swap(other, &mut heap[0]);
            sift(heap, 0, before);
        }
    }
    for end in (1..heap.len()).rev() {
        heap.swap(0, end);
        sift(&mut heap[..end], 0, before);
    }
    order
}

/// Lets the element at `start` fall until no child comes after it: on the way down the later child moves up, and then the
/// element rises to its place (libstdc++ `__adjust_heap`).
fn sift(heap: &mut [usize], start: usize, before: impl Fn(usize, usize) -> bool) {
    let Some(element) = heap.get(start).copied() else { return };
    let mut hole = start;
    loop {
        let (left, right) = (2 * hole + 1, 2 * hole + 2);
        let child = if right < heap.len() {
            if before(heap[right], heap[left]) { left } else { right }
        } else if left < heap.len() {
            left
        } else {
            break;
        };
        heap[hole] = heap[child];
        hole = child;
    }
    while hole > start {
        let parent = (hole - 1) / 2;
        if !before(heap[parent], element) {
            break;
        }
        heap[hole] = heap[parent];
        hole = parent;
    }
    heap[hole] = element;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ONE_CLASS: Detection = Detection {
        boxes: 3,
        encoding: 4,
        scores: 2,
        classes: 1,
        scales: [10.0, 10.0, 5.0, 5.0],
        max_detections: 3,
        max_classes: 1,
        per_class: 100,
        regular: false,
        score_threshold: 0.5,
        overlap_threshold: 0.5,
    };

    #[test]
    fn boxes_stand_where_their_anchors_are() {
        let anchors = [0.5, 0.5, 1.0, 1.0];
        assert_eq!(ONE_CLASS.decode(&[0.0; 4], &anchors), Some(vec![[0.0, 0.0, 1.0, 1.0]]));
        assert_eq!(ONE_CLASS.decode(&[0.0; 4], &[0.5, 0.5, -1.0, 1.0]), None);
    }

    #[test]
    fn a_box_within_a_better_one_goes() {
        let corners = [[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 0.9], [2.0, 2.0, 3.0, 3.0]];
        for regular in [false, true] {
            let (mut boxes, mut classes, mut scores, mut count) = ([0.0; 12], [9.0; 3], [0.0; 3], 0.0);
            let output = Detections {
                boxes: &mut boxes,
                classes: &mut classes,
                scores: &mut scores,
                count: &mut count,
            };
            let detection = Detection { regular, ..ONE_CLASS };
            detection.run(&corners, &[0.0, 0.8, 0.0, 0.7, 0.0, 0.9], output);
            assert_eq!((count, &scores[..2], &classes[..2]), (2.0, &[0.9, 0.8][..], &[0.0, 0.0][..]));
            assert_eq!(boxes[..4], [2.0, 2.0, 3.0, 3.0]);
        }
    }

    proptest! {
        #[test]
        fn the_best_come_first(values in prop::collection::vec(-4i8..4, 1..40), count in 1usize..40) {
            let values: Vec<f32> = values.into_iter().map(f32::from).collect();
            let count = count.min(values.len());
            let order = best_first(&values, count);
            let mut sorted = values.clone();
            sorted.sort_by(|a, b| b.total_cmp(a));
            let best: Vec<f32> = order[..count].iter().map(|index| values[*index]).collect();
            prop_assert_eq!(best, sorted[..count].to_vec());
        }
    }
}
