//! The table that a simulation ends in: a line a promise, with the target and what was measured.

use std::fmt::Write as _;

/// Which side of the target is good.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wanted {
    /// At most the target.
    AtMost,
    /// At least the target.
    AtLeast,
}

/// One promise.
#[derive(Clone, PartialEq, Debug)]
pub struct Line {
    /// Its number, such as `S7`.
    pub id: &'static str,
    /// What is measured, and on what.
    pub what: String,
    /// Which side of the target is good.
    pub wanted: Wanted,
    /// The target.
    pub target: f64,
    /// What we measured.
    pub ours: f64,
    /// What Otava measured on the same series, where it was asked.
    pub otava: Option<f64>,
}

impl Line {
    /// Whether the target is met, rounded to the digits that the table shows.
    pub fn is_met(&self) -> bool {
        let (ours, target) = (rounded(self.ours), rounded(self.target));
        match self.wanted {
            Wanted::AtMost => ours <= target,
            Wanted::AtLeast => ours >= target,
        }
    }
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// The lines as a Markdown table, with a sentence that names each miss.
pub fn markdown(lines: &[Line]) -> String {
    let mut text = String::from("| | what | target | ours | Otava 0.8.0 | |\n|---|---|---|---|---|---|\n");
    for line in lines {
        let sign = if line.wanted == Wanted::AtMost { "≤" } else { "≥" };
        let otava = line.otava.map_or("–".to_owned(), |value| format!("{value:.3}"));
        let met = if line.is_met() { "met" } else { "**missed**" };
        let Line { id, what, target, ours, .. } = line;
        let _ = writeln!(text, "| {id} | {what} | {sign} {target} | {ours:.3} | {otava} | {met} |");
    }
    let missed: Vec<&Line> = lines.iter().filter(|line| !line.is_met()).collect();
    let _ = writeln!(text, "\n{} of {} targets met.", lines.len() - missed.len(), lines.len());
    for line in missed {
        let _ =
            writeln!(text, "- missed: {} {}: {:.3}, wanted {}", line.id, line.what, line.ours, line.target);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misses_are_named() {
        let line = |wanted, ours| Line {
            id: "S7",
            what: "alarms".to_owned(),
            wanted,
            target: 0.1,
            ours,
            otava: Some(1.0),
        };
        let text = markdown(&[line(Wanted::AtMost, 0.1004), line(Wanted::AtLeast, 0.05)]);
        assert!(text.contains("| S7 | alarms | ≤ 0.1 | 0.100 | 1.000 | met |"), "{text}");
        assert!(text.contains("1 of 2 targets met.\n- missed: S7 alarms: 0.050, wanted 0.1"), "{text}");
    }
}
