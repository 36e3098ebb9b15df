//! The documented columns, the columns in code and the columns of a file are the same.
#![forbid(unsafe_code)]

mod synthetic;

use edgebench_reports::frame::{COLUMNS, Frames, Kind, frames, write_run};
use edgebench_reports::record::FORMAT_VERSION;
use polars::prelude::{DataFrame, ParquetReader, SerReader};

const DOCUMENT: &str = include_str!("../src/record/COLUMNS.md");
const CHANGELOG: &str = include_str!("../src/record/CHANGELOG.md");

/// Name, type and kinds as the document's table has them.
fn documented() -> Vec<(String, String, String)> {
    let rows = DOCUMENT.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let mut cells = row.trim_matches('|').split('|').map(str::trim);
        let mut next = || cells.next().expect("four cells").to_owned();
        let (name, column_type, kinds, meaning) = (next(), next(), next(), next());
        assert!(!meaning.is_empty(), "{name} has no meaning");
        (name.trim_matches('`').to_owned(), column_type, kinds)
    })
    .collect()
}

#[test]
fn the_document_lists_exactly_the_columns() {
    let kinds = |kinds: &[Kind]| match kinds.len() {
        8 => "all".to_owned(),
        _ => kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", "),
    };
    let in_code: Vec<(String, String, String)> = COLUMNS
        .iter()
        .map(|one| (one.name.to_owned(), one.column_type.name().to_owned(), kinds(one.kinds)))
        .collect();
    assert_eq!(documented(), in_code);
}

#[test]
fn version_document_and_changelog_agree() {
    assert!(DOCUMENT.contains(&format!("\nVersion {FORMAT_VERSION}. ")));
    let last = CHANGELOG.lines().rfind(|line| line.starts_with("| ")).expect("an entry");
    assert!(last.starts_with(&format!("| {FORMAT_VERSION} |")), "{last}");
}

#[test]
fn each_dataframe_has_the_columns_of_its_kind() {
    let Frames { run, devices, artifacts, cells, blocks, samples, predictions, ops } =
        frames(&synthetic::troubled(synthetic::SMALL)).expect("frames");
    let frames = [run, devices, artifacts, cells, blocks, samples, predictions, ops];
    for (kind, frame) in Kind::ALL.into_iter().zip(&frames) {
        let mut expected: Vec<&str> =
            COLUMNS.iter().filter(|one| one.kinds.contains(&kind)).map(|one| one.name).collect();
        let mut found = names(frame);
        expected.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, expected, "columns of kind {}", kind.name());
    }
    assert_eq!(frames.iter().map(DataFrame::height).collect::<Vec<_>>(), [1, 1, 4, 4, 12, 12 * 253, 720, 12]);
}

#[test]
fn the_file_has_exactly_the_documented_columns() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("run.parquet");
    write_run(&path, &synthetic::run(synthetic::SMALL)).expect("written");
    let file = std::fs::File::open(&path).expect("file");
    let table = ParquetReader::new(file).finish().expect("parquet");
    let documented: Vec<String> = documented().into_iter().map(|(name, _, _)| name).collect();
    assert_eq!(names(&table), documented);
    for spec in COLUMNS {
        let column = table.column(spec.name).expect("column");
        let kinds = table.column("kind").expect("kind").str().expect("text");
        for row in 0..table.height() {
            let kind = kinds.get(row).expect("a kind");
            let may = spec.kinds.iter().any(|one| one.name() == kind);
            let filled = !column.get(row).expect("row").is_null();
            assert!(may || !filled, "{} is filled in a {kind} row", spec.name);
        }
    }
}

fn names(table: &DataFrame) -> Vec<&str> {
    table.get_column_names().into_iter().map(|name| name.as_str()).collect()
}
