//! Isolated outliers drawn in: what lies far from the running median is put at the edge of what is plausible. A step
//! that lasts for half a window moves the median and stays.

/// Points of the running median; odd. A step of five points survives.
const WINDOW: usize = 9;

/// Distance from the running median, in scales of the noise, that a point keeps.
const REACH: f64 = 3.0;

/// The values with outliers drawn in; `scale` is the standard deviation of the bulk of the noise.
pub(super) fn clean(values: &[f64], scale: f64) -> Vec<f64> {
    let reach = REACH * scale;
    let medians = running_median(values);
    values.iter().zip(medians).map(|(value, middle)| value.clamp(middle - reach, middle + reach)).collect()
}

/// Median of the window round each point; at the ends of the window that lies wholly inside.
fn running_median(values: &[f64]) -> Vec<f64> {
    let width = WINDOW.min(values.len() - (values.len() + 1) % 2);
    let half = width / 2;
    let last_start = values.len() - width;
    let mut window: Vec<f64> = values.iter().take(width).copied().collect();
    window.sort_unstable_by(f64::total_cmp);
    let mut start = 0;
    let mut medians = Vec::with_capacity(values.len());
    for at in 0..values.len() {
        let wanted = at.saturating_sub(half).min(last_start);
        while start < wanted {
            replace(&mut window, values[start], values[start + width]);
            start += 1;
        }
        medians.push(window[half]);
    }
    medians
}

/// Takes one value out of an ascending window and puts another in.
fn replace(window: &mut Vec<f64>, old: f64, new: f64) {
    let position = |window: &[f64], value: f64| window.partition_point(|one| one.total_cmp(&value).is_lt());
    let out = position(window, old);
    window.remove(out);
    let into = position(window, new);
    window.insert(into, new);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outlier_is_drawn_in_and_a_step_stays() {
        let mut values: Vec<f64> = (0..40).map(|at| f64::from(at % 2)).collect();
        values[10] = 100.0;
        for value in &mut values[30..] {
            *value += 50.0;
        }
        let cleaned = clean(&values, 1.0);
        assert!(cleaned[10] <= 4.0, "{}", cleaned[10]);
        assert!(cleaned[29] <= 4.0 && cleaned[30] >= 47.0, "{:?}", &cleaned[28..32]);
        assert_eq!(&cleaned[..10], &values[..10]);
    }

    #[test]
    fn running_medians_are_medians() {
        let values: Vec<f64> = (0..30).map(|at| f64::from((at * 7) % 11)).collect();
        let medians = running_median(&values);
        for at in 4..26 {
            let mut window = values[at - 4..=at + 4].to_vec();
            window.sort_unstable_by(f64::total_cmp);
            assert_eq!(medians[at], window[4], "at {at}");
        }
    }
}
