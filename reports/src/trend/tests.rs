use super::*;
use crate::record::Cell;
use crate::simulate::series::{SeriesNoise, labelled};
use crate::trend::series::Figure;

fn row(at: usize, fingerprint: &str, ratio: f64) -> Row {
    let text = |text: &str| text.to_owned();
    Row {
        run: format!("r{at:05}"),
        started_at: format!("2026-{:02}-{:02}T00:00:00Z", at / 28 % 12 + 1, at % 28 + 1),
        revision: Some(format!("{at:040x}")),
        suite: text("s"),
        cell: Cell {
            device: text("pi <4>"),
            model: text("net"),
            variant: text("int8"),
            runtime: text("edgebench"),
            threads: 1,
        },
        fingerprint: text(fingerprint),
        reference: Some(text("edgebench fp32")),
        median_nanos: Some(ratio * 1e6),
        ratio: Some(ratio),
        file_bytes: Some(1000),
        top1: Some(0.9),
    }
}

fn history() -> Vec<Row> {
    let mut values = labelled(SeriesNoise::White, 60, 0, 0.0, 5).values;
    values[40..].iter_mut().for_each(|value| *value += 6.0);
    values.iter().enumerate().map(|(at, value)| row(at, "a", value / 100.0)).collect()
}

#[test]
fn a_change_is_told_with_its_commits_and_its_direction() {
    let mut rows = history();
    rows.reverse();
    let found = detected(series(&rows));
    let ratio = found.iter().find(|one| one.name.figure == Figure::LatencyRatio).expect("a series of ratios");
    assert_eq!(ratio.changes.len(), 1, "{:?}", ratio.changes);
    let change = &ratio.changes[0];
    assert!(change.worse && change.effect.starts_with('+'), "{change:?}");
    assert!(change.index.abs_diff(40) <= 1 && change.range.contains(".."), "{change:?}");
    assert!(found.iter().all(|one| one.name.figure != Figure::Latency), "the ratio stands for the latency");
    let text = terminal(&found);
    assert!(text.contains("1 changes") && text.contains("worse") && text.contains("net int8"), "{text}");
    assert!(json(&found).expect("figures").contains("\"latency_ratio\""));
}

#[test]
fn another_environment_is_another_series() {
    let rows: Vec<Row> =
        (0..40).map(|at| if at < 20 { row(at, "a", 1.0) } else { row(at, "b", 2.0) }).collect();
    let found = detected(series(&rows));
    assert!(found.iter().all(|one| one.changes.is_empty() && one.points.len() == 20), "{found:?}");
}

#[test]
fn a_run_that_is_there_twice_counts_once() {
    let mut rows = history();
    rows.extend(history());
    assert!(series(&rows).iter().all(|one| one.points.len() == 60));
}

#[test]
fn rows_survive_the_file() {
    let mut rows = history();
    rows[3].revision = None;
    rows[4].ratio = None;
    rows[5].top1 = None;
    let bytes = write_rows(&rows).expect("written");
    assert_eq!(read_rows(bytes.clone()).expect("read"), rows);
    assert!(read_rows(Vec::new()).is_err() && read_rows(b"PAR1 no".to_vec()).is_err());
    for cut in [10, bytes.len() / 2, bytes.len() - 1] {
        assert!(read_rows(bytes[..cut].to_vec()).is_err(), "cut at {cut}");
    }
    assert_eq!(read_rows(write_rows(&[]).expect("written")), Ok(Vec::new()));
}

#[test]
fn the_site_is_whole_and_harmless() {
    let rows = history();
    let found = detected(series(&rows));
    let pages = site(&found, Some("../results")).expect("pages");
    assert_eq!(pages.len(), 2);
    assert_eq!(pages[0].name, "index.html");
    for page in &pages {
        assert!(page.html.contains("default-src 'none'"), "{}", page.name);
        assert!(!page.html.contains("<script") && !page.html.contains("pi <4>"), "{}", page.html);
        assert!(page.html.contains("pi &lt;4&gt;"));
    }
    assert!(pages[0].html.contains(&format!("href=\"{}\"", pages[1].name)));
    assert!(
        pages[1].html.contains("<svg") && pages[1].html.contains("..&#x2f;results&#x2f;r000"),
        "{}",
        pages[1].html
    );
    assert!(pages[1].name.chars().all(|one| one.is_ascii_alphanumeric() || "-.".contains(one)));
}

#[test]
fn an_empty_history_has_a_page_that_says_so() {
    let pages = site(&[], None).expect("pages");
    assert!(pages.len() == 1 && pages[0].html.contains("No changes"));
}
