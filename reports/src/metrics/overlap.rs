//! Mean intersection over union of segmentations.

/// How often each class was answered where each was true; grows pixel by pixel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Confusion {
    classes: usize,
    counts: Vec<u64>,
}

impl Confusion {
    /// Of so many classes.
    pub fn new(classes: usize) -> Self {
        Self { classes, counts: vec![0; classes * classes] }
    }

    /// Counts one pixel; one with a class that there is not (such as the border that annotators leave open) is not
    /// counted, and false is given back.
    pub fn add(&mut self, truth: usize, answer: usize) -> bool {
        let known = truth < self.classes && answer < self.classes;
        let place = self.counts.get_mut(truth * self.classes + answer).filter(|_| known);
        place.map(|count| *count += 1).is_some()
    }

    /// Intersection over union of a class (Jaccard, 1912); none if it is neither true nor answered anywhere.
    pub fn intersection_over_union(&self, class: usize) -> Option<f64> {
        let count = |truth: usize, answer: usize| {
            self.counts.get(truth * self.classes + answer).copied().unwrap_or(0)
        };
        if class >= self.classes {
            return None;
        }
        let both = count(class, class);
        let either: u64 = (0..self.classes).map(|other| count(class, other) + count(other, class)).sum();
        let union = either - both;
        (union > 0).then(|| both as f64 / union as f64)
    }

    /// Mean over the classes that occur, as scikit-learn's `jaccard_score(average="macro")` has it; from 0 to 1.
    pub fn mean(&self) -> Option<f64> {
        let found: Vec<f64> =
            (0..self.classes).filter_map(|class| self.intersection_over_union(class)).collect();
        (!found.is_empty()).then(|| found.iter().sum::<f64>() / found.len() as f64)
    }
}
