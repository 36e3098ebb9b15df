//! What readers see: snapshots of the texts, and what must hold for every run however odd.
#![forbid(unsafe_code)]

#[path = "synthetic/beside.rs"]
mod beside;
#[path = "synthetic/picture.rs"]
mod picture;
mod synthetic;

use edgebench_reports::beside::Beside;
use edgebench_reports::record::{Energy, EvaluationRecord, Outcome, RunRecord};
use edgebench_reports::render::{
    EXAMPLES_SHOWN, TerminalOptions, csv, html, json, markdown, plots, terminal,
};
use synthetic::{Plan, SMALL, run, troubled};
use unicode_width::UnicodeWidthStr;

const PLAIN: TerminalOptions = TerminalOptions { width: 100, color: false };

#[test]
fn terminal_tables() {
    for width in [80, 120, 200] {
        let options = TerminalOptions { width, color: false };
        insta::assert_snapshot!(format!("terminal_{width}"), terminal(&run(SMALL), options));
    }
    insta::assert_snapshot!("terminal_troubled", terminal(&troubled(SMALL), PLAIN));
    insta::assert_snapshot!("terminal_emulated", terminal(&emulated(), PLAIN));
}

#[test]
fn markdown_and_csv() {
    insta::assert_snapshot!("markdown", markdown(&run(SMALL)));
    insta::assert_snapshot!("markdown_troubled", markdown(&troubled(SMALL)));
    insta::assert_snapshot!("csv", csv(&troubled(SMALL)).replace("\r\n", "\n"));
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for record in [run(SMALL), troubled(SMALL), emulated(), two_devices()] {
        for width in [40, 57, 80, 99, 120, 161, 200] {
            let text = terminal(&record, TerminalOptions { width, color: false });
            for line in text.lines() {
                assert!(line.width() <= width, "{} columns of {width}: {line}", line.width());
            }
        }
    }
}

#[test]
fn colours_come_only_when_asked_for_and_change_no_letter() {
    let plain = terminal(&troubled(SMALL), PLAIN);
    let colored = terminal(&troubled(SMALL), TerminalOptions { color: true, ..PLAIN });
    assert!(!plain.contains('\u{1b}') && colored.contains('\u{1b}'));
    let mut stripped = String::new();
    let mut rest = colored.as_str();
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        stripped.push_str(before);
        rest = after.split_once('m').expect("an end of the colour").1;
    }
    stripped.push_str(rest);
    assert_eq!(stripped, plain);
}

#[test]
fn json_holds_figures_and_record() {
    let record = troubled(SMALL);
    let value: serde_json::Value = serde_json::from_str(&json(&record).expect("json")).expect("parses");
    assert_eq!(value["format_version"], 3);
    assert_eq!(value["cells"][3]["outcome"], "failed");
    assert_eq!(value["cells"][0]["file_bytes"], 1_634_224);
    assert!(value["cells"][3]["top1"].is_null());
    assert_eq!(serde_json::from_value::<RunRecord>(value["record"].clone()).expect("record"), record);
}

#[test]
fn counts_of_an_emulated_device_are_called_times_nowhere() {
    let record = emulated();
    let value: serde_json::Value = serde_json::from_str(&json(&record).expect("json")).expect("parses");
    let cell = value["cells"][0].as_object().expect("a cell");
    let block = value["record"]["cells"][0]["blocks"][0].as_object().expect("a block");
    for (name, value) in cell.iter().chain(block) {
        assert!(!name.contains("nanos") || value.is_null(), "{name}: {value}");
    }
    assert!(cell["median_instructions"].is_number() && cell["init_instructions"].is_number());
    assert_eq!(block["steady_instructions"], serde_json::json!(record.cells[0].blocks[0].steady_nanos));
    for text in
        [markdown(&record), terminal(&record, PLAIN), html(&record, &Beside::default()).expect("html")]
    {
        let figures = text.split("How to read this page").next().unwrap_or_default();
        assert!(!figures.contains(" ms") && !figures.contains(" µs"), "{figures}");
    }
}

#[test]
fn csv_has_a_value_for_every_column() {
    let text = csv(&hostile());
    let lines = csv_records(&text);
    assert_eq!(lines.len(), 5);
    assert!(lines.iter().all(|fields| fields.len() == lines[0].len()), "{text}");
    assert_eq!(lines[1][2], HOSTILE);
}

#[test]
fn the_page_stands_alone() {
    let page = html(&run(SMALL), &Beside::default()).expect("page");
    let outside = page.replace("http://www.w3.org/2000/svg", "");
    for forbidden in ["<script", "http:", "https:", "url(", "@import", "<link", "<img", "NaN"] {
        assert!(!outside.contains(forbidden), "the page contains {forbidden}");
    }
    for wanted in [
        "prefers-color-scheme: dark",
        "@media print",
        "<caption>",
        "scope=\"col\"",
        "<desc id=",
        "role=\"img\"",
    ] {
        assert!(page.contains(wanted), "the page lacks {wanted}");
    }
    // Latencies, operators, two kinds of accuracy, conditions.
    assert_eq!(page.matches("<svg").count(), 5);
    assert!(!page.contains("#0101") && !page.contains("#0202"), "a stand-in colour was left");
}

#[test]
fn pages_and_pictures_are_well_formed() {
    for record in odd_runs() {
        let page = html(&record, &Beside::default()).expect("page");
        well_formed(page.strip_prefix("<!doctype html>").expect("doctype"));
        for plot in plots(&record).expect("plots") {
            well_formed(&plot.svg);
            well_formed(&plot.standalone());
            assert!(plot.standalone().contains("--series-0"));
        }
    }
}

#[test]
fn troubles_are_on_every_page() {
    let record = troubled(SMALL);
    let texts = [
        terminal(&record, PLAIN),
        markdown(&record),
        csv(&record),
        html(&record, &Beside::default()).expect("page"),
    ];
    for text in texts {
        assert!(text.contains("the agent ended with signal 11 in block 2"), "{text}");
        assert!(text.contains("unfinished"), "{text}");
    }
    let mut record = two_devices();
    record.artifacts[3].problem = Some("no calibration data".to_owned());
    for text in
        [terminal(&record, PLAIN), markdown(&record), html(&record, &Beside::default()).expect("page")]
    {
        assert!(text.contains("no answer within 30 s") && text.contains("no calibration data"), "{text}");
    }
}

#[test]
fn the_page_says_first_what_to_ship_and_why_not_the_others() {
    let page = html(&run(SMALL), &Beside::default()).expect("page").replace("&#x2f;", "/");
    let (before, after) = page.split_once("What to ship").expect("the verdict");
    assert!(!before.contains("<table") && after.contains("Ship dynamic."), "the verdict is not first");
    let fp16 = "Quantization made it slower; what takes longer: CONV_2D block/project (portable) 1.63 ms instead of 1.60 ms";
    assert!(after.contains(fp16), "{after}");
    assert!(after.contains("loses 6 of 360 examples, more than chance explains (mid-p 0.016)"));
    let mut unprofiled = run(SMALL);
    unprofiled.cells.iter_mut().for_each(|cell| cell.ops.clear());
    let page = html(&unprofiled, &Beside::default()).expect("page");
    assert!(page.contains("it was measured without --profile") && !page.contains("by kind of operator"));
}

#[test]
fn a_variant_that_is_no_faster_is_shipped_for_its_size_and_an_accurate_reference_before_a_broken_one() {
    let mut record = run(SMALL);
    for cell in &mut record.cells[1..] {
        cell.evaluation.as_mut().expect("evaluated").predictions.iter_mut().for_each(|one| one.top[0].0 = 7);
    }
    assert!(markdown(&record).contains("Ship fp32, as it is."), "{}", markdown(&record));
    assert!(
        markdown(&record).contains("not int8 (answers class 7 to everything)")
            || markdown(&record).contains("answers class 7")
    );
    let mut record = run(SMALL);
    record.cells.iter_mut().for_each(|cell| cell.evaluation = None);
    assert!(markdown(&record).contains("Accuracy is not known."), "{}", markdown(&record));
}

#[test]
fn flips_are_shown_with_their_pictures_within_bounds() {
    let record = run(SMALL);
    let page = html(&record, &beside::beside(&record)).expect("page");
    well_formed(page.strip_prefix("<!doctype html>").expect("doctype"));
    // The six answers that int8 loses; two of them are lost by dynamic too.
    assert_eq!(page.matches("<img src=\"data:image/png;base64,iVBOR").count(), 6);
    assert!(page.contains("alt=\"Example ") && page.contains("Class by class"));
    let mut many = run(Plan { examples: 3000, ..SMALL });
    many.cells[3]
        .evaluation
        .as_mut()
        .expect("evaluated")
        .predictions
        .iter_mut()
        .for_each(|one| one.top[0].0 = 11);
    let mut heavy = beside::beside(&many);
    assert_eq!(heavy.pictures.len(), EXAMPLES_SHOWN);
    heavy.pictures.values_mut().for_each(|picture| picture.png = vec![0; 300_000]);
    let page = html(&many, &heavy).expect("page");
    assert!(page.len() < 6 << 20, "{} bytes", page.len());
    assert!(page.contains("more are in the Parquet file"));
}

#[test]
fn disagreement_names_the_operator_and_layers_the_harm() {
    let record = run(SMALL);
    let page = html(&record, &beside::beside(&record)).expect("page").replace("&#x2f;", "/");
    assert!(page.contains("the first operator that differs is 2 CONV_2D (block/project)"));
    assert!(page.contains("one step: 12 of 3,600") && page.contains("different: 3,402 of 3,600"));
    let finding = "Most harm by itself does operator 1 DEPTHWISE_CONV_2D (block/depthwise): its own results are rounded as \
                   they should be";
    assert!(page.contains(finding));
}

#[test]
fn names_from_outside_make_no_markup() {
    let record = hostile();
    let page = html(&record, &Beside::default()).expect("page");
    assert!(
        !page.contains("<b>") && !page.contains("onload=\"") && !page.contains("</style><"),
        "markup got through"
    );
    assert!(page.contains("&lt;b&gt;"));
    let text = terminal(&record, PLAIN);
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}') && !text.contains('\u{7}'), "{text:?}");
    let markdown = markdown(&record);
    // What stands in the code span of the run's id is shown as it is.
    let (before, rest) = markdown.split_once("Run `").expect("the id");
    let (_, after) = rest.split_once("`, edgebench").expect("the end of the id");
    let spoken = format!("{before}{after}").replace("\\]", "").replace("\\`", "");
    assert!(!spoken.contains("<b>") && !spoken.contains("](") && !spoken.contains('`'), "{spoken}");
    for plot in plots(&record).expect("plots") {
        assert!(!plot.svg.contains("<b>") && !plot.svg.contains('\u{1b}'), "{}", plot.svg);
    }
}

#[test]
fn odd_runs_render() {
    for (at, record) in odd_runs().into_iter().enumerate() {
        for width in [0, 1, 40, 80, 500] {
            assert!(!terminal(&record, TerminalOptions { width, color: true }).is_empty(), "run {at}");
        }
        let texts = [
            markdown(&record),
            csv(&record),
            json(&record).expect("json"),
            html(&record, &Beside::default()).expect("page"),
        ];
        for text in texts {
            let no_number = |word: &&str| matches!(*word, "NaN" | "inf");
            let found = text.split(|one: char| !one.is_alphanumeric()).find(no_number);
            assert_eq!(found, None, "run {at}");
        }
    }
}

const HOSTILE: &str =
    "\"><b>x</b></style><svg onload=\"a\"> | `[l](u)` \u{1b}[31m\u{7}\u{202e}\n{{ 1 }} '\u{0}";

/// Every name is an attempt.
fn hostile() -> RunRecord {
    let mut record = run(SMALL);
    record.run.suite = HOSTILE.to_owned();
    record.run.id = HOSTILE.to_owned();
    record.run.arguments = vec![HOSTILE.to_owned()];
    record.devices[0].name = HOSTILE.to_owned();
    record.devices[0].properties.insert(HOSTILE.to_owned(), HOSTILE.to_owned());
    for artifact in &mut record.artifacts {
        artifact.model = HOSTILE.to_owned();
        artifact.left_alone = vec![HOSTILE.to_owned()];
    }
    for cell in &mut record.cells {
        cell.cell.model = HOSTILE.to_owned();
        cell.cell.device = HOSTILE.to_owned();
        cell.outcome = Outcome::Failed { stage: HOSTILE.to_owned(), reason: HOSTILE.to_owned() };
        cell.blocks[0].invalid = Some(HOSTILE.to_owned());
    }
    record
}

#[test]
fn operators_stand_in_the_columns_that_scripts_know() {
    use edgebench_reports::render::{OpForm, op_tables, operators, profiles};
    let record = run(SMALL);
    insta::assert_snapshot!("operators", op_tables(&record.cells[0].ops, OpForm::Text));
    insta::assert_snapshot!("operators_csv", op_tables(&record.cells[0].ops, OpForm::Csv));
    insta::assert_snapshot!("operators_emulated", {
        let mut emulated = emulated();
        emulated.cells.truncate(1);
        operators(&emulated)
    });
    assert_eq!(profiles(&record).matches("Summary by node type").count(), 4);
    let mut without = run(SMALL);
    without.cells.iter_mut().for_each(|cell| cell.ops.clear());
    assert_eq!(profiles(&without), "");
    assert_eq!(operators(&without), "no operators were looked at in this run\n");
}

#[test]
fn a_peer_is_summed_up_over_all_networks() {
    use edgebench_reports::render::beside;
    let mut record = run(SMALL);
    assert_eq!(beside(&record), "");
    record.devices[0].properties.insert("agent_start_rss_bytes".to_owned(), "2000000".to_owned());
    for model in ["synthetic-net", "other-net"] {
        for at in 0..4 {
            let mut twin = record.cells[at].clone();
            twin.cell.model = model.to_owned();
            if model == "other-net" {
                record.cells.push(twin.clone());
            }
            twin.cell.runtime = "litert".to_owned();
            for block in &mut twin.blocks {
                // One network is twice as slow in the peer, the other takes half.
                let times = |nanos: &mut u64| if model == "other-net" { *nanos /= 2 } else { *nanos *= 2 };
                block.steady_nanos.iter_mut().chain(&mut block.warmup_nanos).for_each(times);
                times(&mut block.init_nanos);
                block.peak_rss_bytes = block.peak_rss_bytes.map(|bytes| bytes * 2 - 2_000_000);
            }
            record.cells.push(twin);
        }
    }
    insta::assert_snapshot!("beside", beside(&record));
}

fn emulated() -> RunRecord {
    let mut record = run(SMALL);
    record.devices[0].emulated = true;
    record
}

fn two_devices() -> RunRecord {
    let mut record = run(SMALL);
    let mut other = record.clone();
    other.devices[0].name = "漢字-board".to_owned();
    other.devices[0].problem = Some("no answer within 30 s".to_owned());
    for cell in &mut other.cells {
        cell.cell.device = "漢字-board".to_owned();
        cell.cell.threads = 4;
    }
    record.devices.extend(other.devices);
    record.cells.extend(other.cells);
    record
}

/// Runs at the edge of what there can be.
fn odd_runs() -> Vec<RunRecord> {
    let tiny = Plan { blocks: 1, samples_per_block: 1, examples: 1, seed: 1 };
    let mut nothing = run(SMALL);
    nothing.cells.clear();
    nothing.devices.clear();
    nothing.artifacts.clear();
    let mut zeros = run(SMALL);
    let mut huge = run(SMALL);
    let mut no_numbers = run(SMALL);
    let mut hollow = run(SMALL);
    for at in 0..4 {
        for block in &mut zeros.cells[at].blocks {
            block.steady_nanos.fill(0);
            block.init_nanos = 0;
            block.warmup_nanos.clear();
            block.steady_wall_nanos = 0;
        }
        for block in &mut huge.cells[at].blocks {
            block.steady_nanos.fill(u64::MAX);
            block.after.steal_ticks = Some(u64::MAX);
            block.peak_rss_bytes = Some(u64::MAX);
        }
        for block in &mut no_numbers.cells[at].blocks {
            block.before.load_1m = Some(f32::NAN);
            block.energy = Energy::Measured { meter: "broken".to_owned(), microjoules: f64::NAN };
        }
        let evaluation = no_numbers.cells[at].evaluation.as_mut().expect("evaluated");
        evaluation.predictions.iter_mut().for_each(|one| one.top = vec![(one.label, f32::NAN)]);
        hollow.cells[at].blocks.iter_mut().for_each(|block| block.steady_nanos.clear());
        hollow.cells[at].evaluation = Some(EvaluationRecord {
            dataset: String::new(),
            split: String::new(),
            pack_digest: String::new(),
            predictions: Vec::new(),
        });
        zeros.artifacts[at].file_bytes = 0;
        huge.artifacts[at].file_bytes = u64::MAX;
    }
    vec![
        run(SMALL),
        troubled(SMALL),
        emulated(),
        two_devices(),
        hostile(),
        run(tiny),
        nothing,
        zeros,
        huge,
        no_numbers,
        hollow,
    ]
}

/// Fields of CSV text by the rules of RFC 4180.
fn csv_records(text: &str) -> Vec<Vec<String>> {
    let (mut records, mut fields, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                fields.push(std::mem::take(&mut field));
                records.push(std::mem::take(&mut fields));
            }
            other => field.push(other),
        }
    }
    records
}

/// Every tag is closed in order; no `<` or stray quote stands in text or attributes.
fn well_formed(markup: &str) {
    let mut open: Vec<String> = Vec::new();
    let mut rest = markup;
    while let Some((_, after)) = rest.split_once('<') {
        let (tag, behind) = after.split_once('>').expect("a tag ends");
        assert!(!tag.contains('<') && tag.matches('"').count() % 2 == 0, "tag <{tag}>");
        rest = behind;
        let name: String =
            tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        if tag.starts_with('/') {
            assert_eq!(open.pop().as_deref(), Some(name.as_str()), "closing tag");
        } else if !tag.ends_with('/') && name != "meta" {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
}
