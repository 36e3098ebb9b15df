//! The list of changed answers as CSV (RFC 4180).

use crate::gate::Flip;
use crate::render::outside::printable;

/// One line a changed answer, under a heading; `right` tells which side had it right: `before`, `after` or `neither`.
pub fn flips(found: &[Flip]) -> String {
    let mut text =
        "device,model,variant,runtime,threads,against,example,label,before,after,right\r\n".to_owned();
    for flip in found {
        let cell = &flip.cell;
        let names =
            [&cell.device, &cell.model, &cell.variant, &cell.runtime].map(|name| field(name)).join(",");
        let class = |class: Option<u32>| class.map(|class| class.to_string()).unwrap_or_default();
        let right = match (flip.before == Some(flip.label), flip.after == Some(flip.label)) {
            (true, _) => "before",
            (_, true) => "after",
            _ => "neither",
        };
        let (before, after) = (class(flip.before), class(flip.after));
        text.push_str(&format!(
            "{names},{},{},{},{},{before},{after},{right}\r\n",
            cell.threads,
            field(&flip.against),
            flip.id.example,
            flip.label
        ));
    }
    text
}

/// Quoted where it has to be; a first character that a spreadsheet takes for a formula gets a quote before it.
fn field(name: &str) -> String {
    let text = printable(name);
    let text = if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text };
    if text.contains(['"', ',', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}
