//! Which known name a mistyped one was meant to be.

/// The known name with the fewest edits to `given`, if they are few: at most a third of its length, and at least one
/// is always allowed.
pub fn nearest<'k>(given: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    if given.len() > MAX_LENGTH {
        return None;
    }
    let allowed = (given.chars().count() / 3).max(1);
    known
        .into_iter()
        .filter(|name| name.len() <= MAX_LENGTH)
        .map(|name| (edits(given, name), name))
        .filter(|(edits, _)| *edits <= allowed)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, name)| name)
}

/// Longer names are not compared: the cost is the product of the two lengths.
const MAX_LENGTH: usize = 100;

/// Insertions, deletions, replacements and swaps of neighbours that lead from one to the other (optimal string
/// alignment distance), upper and lower case taken as equal, `-` and `_` as well.
fn edits(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().map(fold).collect();
    let to: Vec<char> = to.chars().map(fold).collect();
    let mut before_last = vec![0; to.len() + 1];
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for (row, left) in from.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, right) in to.iter().enumerate() {
            let replaced = last[column] + usize::from(left != right);
            let mut best = replaced.min(last[column + 1] + 1).min(current[column] + 1);
            if row > 0 && column > 0 && *left == to[column - 1] && from[row - 1] == *right {
                best = best.min(before_last[column - 1] + 1);
            }
            current.push(best);
        }
        before_last = std::mem::replace(&mut last, current);
    }
    last[to.len()]
}

fn fold(letter: char) -> char {
    if letter == '_' { '-' } else { letter.to_ascii_lowercase() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        assert_eq!(edits("quantise", "quantize"), 1);
        assert_eq!(edits("hsot", "host"), 1);
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(edits("num-runs", "NUM_RUNS"), 0);
        assert_eq!(edits("kitten", "sitting"), 3);
    }

    #[test]
    fn far_names_are_not_suggested() {
        assert_eq!(nearest("quantise", ["io", "quantize", "calibration"]), Some("quantize"));
        assert_eq!(nearest("banana", ["io", "quantize", "calibration"]), None);
        assert_eq!(nearest(&"x".repeat(1000), ["x"]), None);
        assert_eq!(nearest("pi", ["pi4", "pixel"]), Some("pi4"));
    }
}
