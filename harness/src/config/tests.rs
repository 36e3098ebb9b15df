use std::path::Path;

use proptest::prelude::*;

use super::*;

fn problems<T: std::fmt::Debug>(read: Result<T, ConfigError>) -> Vec<String> {
    let error = read.expect_err("the text is wrong");
    let ConfigError::Wrong { text, problems, .. } = &error else { panic!("{error}") };
    let told = |problem: &Problem| {
        let Position { line, column } = Position::of(text, problem.span.start);
        format!("{line}:{column} {problem}: {}", problem.label())
    };
    problems.iter().map(told).collect()
}

fn check(text: &str) -> Result<(u8, f64), ConfigError> {
    read(Path::new("test.toml"), text, |mut root| {
        let count = root.require("count", "a number").and_then(|value| value.integer(1..=9));
        let share = root.get("share").map_or(Some(0.5), |value| value.number(0.0..=1.0));
        root.close();
        Some((count?, share?))
    })
}

#[test]
fn right_text_becomes_its_values() {
    assert_eq!(check("count = 3").expect("right"), (3, 0.5));
    assert_eq!(check("count = 0x9\nshare = 1").expect("right"), (9, 1.0));
}

#[test]
fn every_problem_is_told_in_the_order_of_the_text() {
    let told = problems(check("cuont = 3\nshare = 1.5\nother = []\n"));
    assert_eq!(
        told,
        [
            "1:1 unknown key `cuont`: expected one of: count, share",
            "2:9 wrong value of `share`: expected a number from 0 to 1, found 1.5",
            "3:1 unknown key `other`: expected one of: count, share",
        ]
    );
}

#[test]
fn a_missing_key_is_told() {
    assert_eq!(problems(check("share = 1")), ["1:1 missing key `count`: expected a number"]);
}

#[test]
fn types_and_ranges_are_told_with_what_was_found() {
    let told = |text: &str| problems(check(text)).remove(0);
    assert_eq!(
        told("count = \"3\""),
        "1:9 wrong type of `count`: expected an integer from 1 to 9, found a string"
    );
    assert_eq!(told("count = 10"), "1:9 wrong value of `count`: expected an integer from 1 to 9, found 10");
    assert_eq!(
        told("count = 1.0"),
        "1:9 wrong type of `count`: expected an integer from 1 to 9, found a float"
    );
    let huge = format!("count = {}", "9".repeat(60));
    assert!(told(&huge).contains("found 999"), "{}", told(&huge));
    let text = "count = 1\nshare = nan";
    assert_eq!(told(text), "2:9 wrong value of `share`: expected a number from 0 to 1, found nan");
}

#[test]
fn every_syntax_error_is_told() {
    let told = problems(check("count = \n= 3\n[open\n"));
    assert!(told.len() >= 3, "{told:#?}");
    assert!(told[0].starts_with("1:"), "{told:#?}");
    assert!(told.iter().any(|line| line.starts_with("2:")), "{told:#?}");
    assert!(told.iter().any(|line| line.starts_with("3:")), "{told:#?}");
    assert!(!problems(check("count = 1\ncount = 2")).is_empty());
}

#[test]
fn text_that_is_not_utf8_is_told_with_its_line() {
    let file = tempfile::NamedTempFile::new().expect("temporary file");
    std::fs::write(file.path(), b"count = 1\nshare = \"\xff\"\n").expect("written");
    let read = read_file(file.path(), |_| Some(()));
    assert_eq!(problems(read), ["2:10 text is not UTF-8: "]);
}

#[test]
fn a_file_without_end_is_not_read_to_its_end() {
    let error = read_file(Path::new("/dev/zero"), |_| Some(())).expect_err("refused");
    assert!(matches!(error, ConfigError::TooLong { .. }), "{error}");
    let error = read_file(Path::new("/nowhere/test.toml"), |_| Some(())).expect_err("absent");
    assert_eq!(error.to_string(), "cannot read /nowhere/test.toml");
}

#[test]
fn positions_count_characters_and_never_panic() {
    let text = "äö\nx";
    assert_eq!(Position::of(text, 0), Position { line: 1, column: 1 });
    assert_eq!(Position::of(text, 2), Position { line: 1, column: 2 });
    assert_eq!(Position::of(text, 3), Position { line: 1, column: 2 });
    assert_eq!(Position::of(text, 5), Position { line: 2, column: 1 });
    assert_eq!(Position::of(text, 999), Position { line: 2, column: 2 });
}

/// Deeply nested text is refused by the parser; that it is, and does not overflow the stack, is what counts here.
#[test]
fn deep_nesting_is_an_error() {
    let text = format!("count = {}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(!problems(check(&text)).is_empty());
    let text = format!("count{} = 1", ".a".repeat(100_000));
    assert!(!problems(check(&text)).is_empty());
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in any::<String>()) {
        let _ = check(&text).map_err(|error| crate::error::BenchError::from(error).render(true));
    }

    #[test]
    fn text_of_toml_pieces_never_panics(pieces in proptest::collection::vec(piece(), 0..30)) {
        let text = pieces.concat();
        let file = Path::new("test.toml");
        let _ = check(&text).map_err(|error| crate::error::BenchError::from(error).render(true));
        let _ = crate::inventory::Inventory::parse(file, &text).map_err(crate::error::BenchError::from);
        let suite = crate::suite::Suite::parse(file, &text).map_err(crate::error::BenchError::from);
        let _ = suite.map_err(|error| error.render(false));
    }
}

/// What the keys and values of real files are made of.
fn piece() -> impl Strategy<Value = String> {
    let fixed = [
        "[",
        "]",
        "[[",
        "]]",
        "{",
        "}",
        "=",
        " ",
        "\n",
        ".",
        ",",
        "\"",
        "'",
        "\"\"\"",
        "#",
        "\t",
        "\r\n",
        "\u{1b}",
        "name",
        "model",
        "[[model]]\n",
        "[variant.int8]\n",
        "variant",
        "[dataset.digits]\n",
        "source = { path = \"a\" }\n",
        "quantize = \"full-int8\"\n",
        "calibration",
        "[host]\n",
        "transport = \"ssh\"\n",
        "transport = \"local\"\n",
        "threads = [1, 1, 0]\n",
        "energy = { meter = \"ina219\" }\n",
        "1",
        "-1",
        "0x",
        "1e999",
        "nan",
        "inf",
        "true",
        "1979-05-27T07:32:00Z",
        "é",
        "\u{202e}",
        "\u{0}",
    ];
    prop_oneof![4 => proptest::sample::select(fixed.map(str::to_owned).to_vec()), 1 => any::<String>()]
}
