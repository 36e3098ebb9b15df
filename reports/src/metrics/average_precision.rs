//! COCO's mean average precision of detected boxes, over intersections of 0.50 to 0.95 (Lin et al., 2014; the rules
//! are those of `pycocotools.cocoeval`: 101 recall levels, at most 100 detections an image and class, crowds ignored).

use std::collections::BTreeMap;

/// Detections of an image and class that count, the best ones.
const MOST_DETECTIONS: usize = 100;

/// Ten intersections, from 0.50 in steps of 0.05.
const INTERSECTIONS: usize = 10;

/// Levels of recall at which the precision is read.
const RECALLS: usize = 101;

/// A box in pixels: left, top, width, height.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct BoundingBox {
    /// Left edge.
    pub left: f64,
    /// Upper edge.
    pub top: f64,
    /// To the right edge.
    pub width: f64,
    /// To the lower edge.
    pub height: f64,
}

/// What is really there.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct GroundTruth {
    /// In which image.
    pub image: u64,
    /// What it is.
    pub class: u32,
    /// Where it is.
    pub place: BoundingBox,
    /// Whether it is a crowd: answers in it are neither right nor wrong.
    pub crowd: bool,
}

/// What a network says is there.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Detection {
    /// In which image.
    pub image: u64,
    /// What it is.
    pub class: u32,
    /// Where it is.
    pub place: BoundingBox,
    /// How sure it is; only the order counts.
    pub score: f64,
}

/// Mean over classes and intersections, from 0 to 1; none if nothing is there to be found.
pub fn average_precision(truth: &[GroundTruth], detections: &[Detection]) -> Option<f64> {
    let mut classes: BTreeMap<u32, BTreeMap<u64, Image<'_>>> = BTreeMap::new();
    for one in truth {
        classes.entry(one.class).or_default().entry(one.image).or_default().truth.push(one);
    }
    for one in detections.iter().filter(|one| !one.score.is_nan()) {
        if let Some(images) = classes.get_mut(&one.class) {
            images.entry(one.image).or_default().detections.push(one);
        }
    }
    let found: Vec<f64> = classes.values_mut().filter_map(of_class).collect();
    (!found.is_empty()).then(|| found.iter().sum::<f64>() / found.len() as f64)
}

/// Everything of one class in one image.
#[derive(Default)]
struct Image<'a> {
    truth: Vec<&'a GroundTruth>,
    detections: Vec<&'a Detection>,
}

/// Mean over intersections; none where only crowds are there.
fn of_class(images: &mut BTreeMap<u64, Image<'_>>) -> Option<f64> {
    for image in images.values_mut() {
        // Stable, so that equal scores and crowds stay in the order they were given, as in the original.
        image.detections.sort_by(|one, other| other.score.total_cmp(&one.score));
        image.detections.truncate(MOST_DETECTIONS);
        image.truth.sort_by_key(|one| one.crowd);
    }
    let there = images.values().flat_map(|image| &image.truth).filter(|one| !one.crowd).count();
    if there == 0 {
        return None;
    }
    let precisions = (0..INTERSECTIONS).map(|step| {
        // In the steps of numpy's linspace, rounding included.
        let least = 0.5 + (0.95 - 0.5) / 9.0 * step as f64;
        let mut marks: Vec<(f64, bool)> = images.values().flat_map(|image| matched(image, least)).collect();
        marks.sort_by(|one, other| other.0.total_cmp(&one.0));
        interpolated(&marks, there)
    });
    Some(precisions.sum::<f64>() / INTERSECTIONS as f64)
}

/// Score and whether it is right, for each detection that counts at this intersection.
fn matched(image: &Image<'_>, least: f64) -> Vec<(f64, bool)> {
    let mut taken = vec![false; image.truth.len()];
    let mut marks = Vec::with_capacity(image.detections.len());
    for detection in &image.detections {
        let best = best_match(image, detection, least, &taken);
        if let Some(at) = best {
            taken[at] = true;
        }
        let in_crowd = best.is_some_and(|at| image.truth[at].crowd);
        if !in_crowd {
            marks.push((detection.score, best.is_some()));
        }
    }
    marks
}

/// The free truth that overlaps most; a crowd only where nothing else does.
fn best_match(image: &Image<'_>, detection: &Detection, least: f64, taken: &[bool]) -> Option<usize> {
    let (mut bound, mut best): (f64, Option<usize>) = (least.min(1.0 - 1e-10), None);
    for (at, truth) in image.truth.iter().enumerate() {
        if taken[at] && !truth.crowd {
            continue;
        }
        if truth.crowd && best.is_some_and(|best| !image.truth[best].crowd) {
            break;
        }
        let overlap = overlap(&detection.place, &truth.place, truth.crowd);
        if overlap >= bound {
            (bound, best) = (overlap, Some(at));
        }
    }
    best
}

/// Intersection over union; over the detection alone for a crowd.
fn overlap(detection: &BoundingBox, truth: &BoundingBox, crowd: bool) -> f64 {
    let side = |from: f64, length: f64, other_from: f64, other_length: f64| {
        ((from + length).min(other_from + other_length) - from.max(other_from)).max(0.0)
    };
    let width = side(detection.left, detection.width, truth.left, truth.width);
    let height = side(detection.top, detection.height, truth.top, truth.height);
    let (own, others) = (detection.width * detection.height, truth.width * truth.height);
    let both = width * height;
    let whole = if crowd { own } else { own + others - both };
    if whole > 0.0 { both / whole } else { 0.0 }
}

/// Mean of the best precision that is reached at or beyond each level of recall.
fn interpolated(marks: &[(f64, bool)], there: usize) -> f64 {
    let (mut right, mut curve) = (0usize, Vec::with_capacity(marks.len()));
    for (at, (_, is_right)) in marks.iter().enumerate() {
        right += usize::from(*is_right);
        curve.push((right as f64 / there as f64, right as f64 / (at + 1) as f64));
    }
    let mut best = 0.0f64;
    for point in curve.iter_mut().rev() {
        best = best.max(point.1);
        point.1 = best;
    }
    let read = |level: usize| {
        let recall = level as f64 * 0.01;
        let at = curve.partition_point(|point| point.0 < recall);
        curve.get(at).map_or(0.0, |point| point.1)
    };
    (0..RECALLS).map(read).sum::<f64>() / RECALLS as f64
}
