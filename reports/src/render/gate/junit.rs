//! The verdict as JUnit XML: one case a cell, so that every CI that shows tests shows cells.

use std::fmt::Write as _;

use super::{cell_name, deciding, story};
use crate::gate::{CellVerdict, GateReport};
use crate::verdict::Verdict;

/// One suite with one case a cell. What regressed or is undecided is a failure, what is missing or invalid an error,
/// what is new or waived a skip.
pub fn junit(report: &GateReport) -> String {
    let count =
        |wanted: &[Verdict]| report.cells.iter().filter(|cell| wanted.contains(&cell.verdict)).count();
    let failures = count(&[Verdict::Regressed, Verdict::Inconclusive]);
    let errors = count(&[Verdict::Missing, Verdict::Invalid]);
    let skipped = count(&[Verdict::New, Verdict::Waived]);
    let (name, tests) = (text(&format!("edgebench gate {}", report.suite)), report.cells.len());
    let counts = format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\"");
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(xml, "<testsuites name=\"{name}\" {counts}>");
    let _ = writeln!(xml, "  <testsuite name=\"{name}\" {counts} skipped=\"{skipped}\">");
    xml.push_str("    <properties>\n");
    let baseline = report.baseline.as_deref().unwrap_or("none");
    for (key, value) in
        [("candidate", report.candidate.as_str()), ("baseline", baseline), ("verdict", report.verdict.word())]
    {
        let _ = writeln!(xml, "      <property name=\"{key}\" value=\"{}\"/>", text(value));
    }
    xml.push_str("    </properties>\n");
    report.cells.iter().for_each(|cell| case(&mut xml, cell));
    xml.push_str("  </testsuite>\n</testsuites>\n");
    xml
}

fn case(xml: &mut String, cell: &CellVerdict) {
    let class = text(&format!("{}.{}", cell.cell.device, cell.cell.model));
    let _ = writeln!(
        xml,
        "    <testcase classname=\"{class}\" name=\"{}\" time=\"0\">",
        text(&cell_name(&cell.cell))
    );
    let message = text(&format!("{}: {}", cell.verdict.word(), deciding(cell)));
    let tag = match cell.verdict {
        Verdict::Regressed | Verdict::Inconclusive => Some("failure"),
        Verdict::Missing | Verdict::Invalid => Some("error"),
        Verdict::New | Verdict::Waived => Some("skipped"),
        Verdict::Pass | Verdict::Improved => None,
    };
    match tag {
        Some("skipped") => {
            let _ = writeln!(xml, "      <skipped message=\"{message}\"/>");
        }
        Some(tag) => {
            let _ = writeln!(xml, "      <{tag} type=\"{}\" message=\"{message}\"/>", cell.verdict.word());
        }
        None => {}
    }
    let lines: Vec<String> =
        cell.checks.iter().map(|check| format!("{} {}", check.verdict.word(), story(check))).collect();
    let _ = writeln!(xml, "      <system-out>{}</system-out>", text(&lines.join("\n")));
    xml.push_str("    </testcase>\n");
}

/// Escaped for text and attributes; characters that XML 1.0 cannot carry are replaced.
fn text(raw: &str) -> String {
    let mut escaped = String::with_capacity(raw.len());
    for one in raw.chars() {
        match one {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\n' => escaped.push('\n'),
            one if one.is_control() || matches!(one, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            one => escaped.push(one),
        }
    }
    escaped
}
