//! Shares, areas and distances over plain lists of scores.

/// Share of examples whose label is among the `k` best scores, from 0 to 1; `scores` holds one score a class for each
/// example, row by row. A label's rank counts every class with a higher score and, among equal scores, those with a
/// higher index, as scikit-learn's `top_k_accuracy_score` ranks them. None where the shapes do not fit or nothing is
/// given.
pub fn top_k(scores: &[f64], classes: usize, labels: &[usize], k: usize) -> Option<f64> {
    if classes == 0 || labels.is_empty() || scores.len() != labels.len().checked_mul(classes)? {
        return None;
    }
    let mut right = 0usize;
    for (row, label) in scores.chunks_exact(classes).zip(labels) {
        let own = *row.get(*label)?;
        let before =
            row.iter().enumerate().filter(|(at, score)| **score > own || (**score == own && at > label));
        right += usize::from(before.count() < k);
    }
    Some(right as f64 / labels.len() as f64)
}

/// Area under the curve of true against false positives: the chance that a positive example scores higher than a
/// negative one, equal scores counting half (Hanley and McNeil, 1982). From 0 to 1; none without examples of both
/// kinds, where the lengths differ, or where a score is not a number.
pub fn roc_auc(scores: &[f64], positive: &[bool]) -> Option<f64> {
    if scores.len() != positive.len() || scores.iter().any(|score| score.is_nan()) {
        return None;
    }
    let mut order: Vec<(f64, bool)> = scores.iter().copied().zip(positive.iter().copied()).collect();
    order.sort_by(|one, other| one.0.total_cmp(&other.0));
    let positives = positive.iter().filter(|is| **is).count() as f64;
    let negatives = positive.len() as f64 - positives;
    let (mut wins, mut negatives_below) = (0.0, 0.0);
    for tied in order.chunk_by(|one, other| one.0 == other.0) {
        let (mut up, mut down) = (0.0, 0.0);
        for (_, is_positive) in tied {
            if *is_positive { up += 1.0 } else { down += 1.0 }
        }
        wins += up * (negatives_below + down / 2.0);
        negatives_below += down;
    }
    (positives > 0.0 && negatives > 0.0).then(|| wins / (positives * negatives))
}

/// Mean of the squared differences; none where the lengths differ or nothing is given.
pub fn mean_squared_error(truth: &[f64], answers: &[f64]) -> Option<f64> {
    let squares = truth.iter().zip(answers).map(|(one, other)| (one - other) * (one - other));
    (truth.len() == answers.len() && !truth.is_empty()).then(|| squares.sum::<f64>() / truth.len() as f64)
}

/// Cosine of the angle between two vectors, from -1 to 1. None where the lengths differ or a vector has no length:
/// the angle to nothing is not 0.
pub fn cosine_similarity(one: &[f64], other: &[f64]) -> Option<f64> {
    let product = |one: &[f64], other: &[f64]| one.iter().zip(other).map(|(a, b)| a * b).sum::<f64>();
    let lengths = product(one, one).sqrt() * product(other, other).sqrt();
    let usable = one.len() == other.len() && lengths > 0.0 && lengths.is_finite();
    usable.then(|| (product(one, other) / lengths).clamp(-1.0, 1.0))
}
