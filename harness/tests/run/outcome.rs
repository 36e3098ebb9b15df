//! A run that goes well: what it prints and what it leaves.

use edgebench_reports::frame::read_run;
use edgebench_reports::record::Outcome;

use crate::place::{Place, STEPS};

#[test]
fn run_leaves_a_dataframe_a_page_and_a_table() {
    let place = Place::new();
    let ended = place.run(&["run", "--suite", "small", "--devices", "host"]);
    ended.expect_code(0).expect_words(&["report.html", "run.parquet"]);
    assert!(ended.stdout.contains("int8") && ended.stdout.contains("fp32"), "{}", ended.stdout);

    let record = read_run(&place.run_file("run.parquet")).expect("a dataframe");
    assert_eq!(record.cells.len(), 2);
    for cell in &record.cells {
        assert_eq!(cell.outcome, Outcome::Complete);
        assert_eq!(cell.blocks.len(), 2);
        assert!(cell.blocks.iter().all(|block| block.steady_nanos.len() >= 5));
        let evaluation = cell.evaluation.as_ref().expect("accuracy");
        assert_eq!(evaluation.predictions.len(), 360);
        let right = evaluation.predictions.iter().filter(|prediction| prediction.is_right()).count();
        assert!(right >= 350, "{} of 360 right in {}", right, cell.cell.variant);
    }
    let page = std::fs::read_to_string(place.run_file("report.html")).expect("a page");
    assert!(
        page.contains("<svg") && !page.contains("http://") || page.contains("www.w3.org"),
        "a page without plots"
    );
    assert_eq!(place.steps_done(), STEPS);
}

#[test]
fn operators_are_looked_at_when_asked_for_and_the_set_is_kept_to() {
    let place = Place::new();
    let ended = place.run(&["run", "--suite", "small", "--blocks", "1", "--profile", "--isa", "portable"]);
    ended.expect_code(0);
    for word in ["operators of net int8 on host", "Summary by node type", "[kernels]", "DEPTHWISE_CONV_2D"] {
        assert!(ended.stdout.contains(word), "no {word:?} in:\n{}", ended.stdout);
    }
    let record = read_run(&place.run_file("run.parquet")).expect("a dataframe");
    for cell in &record.cells {
        assert_eq!((&cell.outcome, cell.blocks.len()), (&Outcome::Complete, 1));
        assert!(cell.ops.len() > 50, "{} operators", cell.ops.len());
        assert!(cell.ops.iter().all(|op| op.runs > 0 && op.total_nanos >= op.median_nanos));
        assert!(cell.ops.iter().any(|op| op.macs > 0 && op.median_nanos > 0 && op.kernel == "portable"));
        let faster = cell.ops.iter().find(|op| !["portable", "reference"].contains(&&*op.kernel));
        assert_eq!(faster, None, "a set beyond the one asked for");
        let shares: f64 = cell.ops.iter().filter_map(|op| op.share_of(cell)).sum();
        assert!((shares - 1.0).abs() < 1e-9, "{shares}");
    }
    let full = place.run(&["report", "latest", "--format", "operators"]);
    assert_eq!(full.expect_code(0).stdout.matches("Run Order").count(), 2, "{}", full.stdout);
    assert!(place.journal().is_some_and(|text| text.matches(r#""entry":"profile""#).count() == 2));
}

#[test]
fn second_run_reuses_everything_that_the_first_made() {
    let place = Place::new();
    place.run(&["run", "--suite", "small", "--variants", "int8"]).expect_code(0);
    let again = place.run(&["run", "--suite", "small", "--variants", "int8"]);
    again.expect_code(0);
    let made: Vec<&str> = again
        .stderr
        .lines()
        .filter(|line| line.contains("prepared") && !line.contains("as before"))
        .collect();
    assert_eq!(made, Vec::<&str>::new());
}

#[test]
fn dry_run_names_cells_and_files_and_leaves_nothing() {
    let place = Place::new();
    let ended = place.run(&["run", "--suite", "small", "--dry-run"]);
    ended.expect_code(0);
    for word in ["net", "fp32", "int8", "digits", "bytes", "6 steps"] {
        assert!(ended.stdout.contains(word), "no {word:?} in:\n{}", ended.stdout);
    }
    assert!(!place.results().exists());
}

#[test]
fn earlier_run_is_shown_in_every_format() {
    let place = Place::new();
    place.run(&["run", "--suite", "small", "--variants", "fp32"]).expect_code(0);
    for format in ["terminal", "html", "markdown", "csv", "json"] {
        let ended = place.run(&["report", "latest", "--format", format]);
        ended.expect_code(0);
        assert!(ended.stdout.contains("fp32"), "{format}:\n{}", ended.stdout);
    }
}
