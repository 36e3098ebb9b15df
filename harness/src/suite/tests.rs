use super::*;

/// The least a suite can be.
const LEAST: &str = "name = \"s\"\n[[model]]\nname = \"m\"\nsource = { path = \"m.tflite\" }\n\
                     [variant.fp32]\nquantize = \"none\"\n";

fn parse(text: &str) -> Result<Suite, ConfigError> {
    Suite::parse(Path::new("suites/s/suite.toml"), text)
}

fn right(text: &str) -> Suite {
    parse(text).unwrap_or_else(|error| panic!("{error}"))
}

/// What is wrong with the text, one line each.
fn wrong(text: &str) -> Vec<String> {
    let error = parse(text).expect_err("the text is wrong");
    error.problems().iter().map(|problem| format!("{problem}: {}", problem.label())).collect()
}

fn suites() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../suites")
}

#[test]
fn the_digits_suite_says_what_its_file_says() {
    let suite = Suite::find("mobilenet", &[suites()]).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(suite.name, "mobilenet");
    let quantize: Vec<_> =
        suite.variants.iter().map(|variant| (variant.name.as_str(), variant.quantize)).collect();
    let expected = [
        ("fp32", Quantize::None),
        ("fp16", Quantize::Fp16),
        ("dynamic", Quantize::DynamicInt8),
        ("int8", Quantize::FullInt8),
    ];
    assert_eq!(quantize, expected);
    let calibration = suite.variants[3].calibration.as_ref().expect("calibrated");
    assert_eq!((calibration.options.samples, calibration.options.seed), (300, 1));
    let model = &suite.models[0];
    let split = |split: &str| Split { dataset: "digits".to_owned(), split: split.to_owned() };
    assert_eq!(calibration.split, split("calibration"));
    assert_eq!(model.evaluation, Some(split("test")));
    let digits = suite.dataset("digits").expect("is there");
    assert_eq!(digits.format, DatasetFormat::Idx { splits: Some("splits.csv".to_owned()) });
    let scale = (1.0f64 / 127.5) as f32;
    let preprocess = Preprocess { central_crop: None, resize: Some([96, 96]), scale, offset: -1.0 };
    assert_eq!(digits.preprocess, preprocess);
    assert!(suite.folder.join("models").is_dir());
    let limits: Vec<String> = suite.gate.rules[0]
        .limits
        .iter()
        .map(|limit| format!("{}.{} {}", limit.metric.key(), limit.kind.key(), limit.value))
        .collect();
    let expected = [
        "accuracy.max_drop_vs_fp32 0.01",
        "accuracy.max_drop_vs_baseline 0.005",
        "latency.max_increase 0.03",
        "size.max_increase 0.01",
    ];
    assert_eq!(limits, expected);
}

#[test]
fn the_imagenet_suite_says_what_its_file_says() {
    let suite = Suite::find("mobilenet-imagenet", &[suites()]).unwrap_or_else(|error| panic!("{error}"));
    let Source::Pinned { url: Some(url), mirror: Some(mirror), .. } = &suite.models[0].source else {
        panic!("{:?}", suite.models[0].source)
    };
    assert!(url.starts_with("https://") && mirror == "mobilenet_v1_0.25_224_fp32.tflite");
    let sample = &suite.datasets[0];
    assert_eq!((&sample.format, sample.label_offset), (&DatasetFormat::ImagesZip, 1));
    assert_eq!(sample.preprocess.central_crop, Some(0.875));
}

#[test]
fn defaults_are_those_of_benchmark_model() {
    let suite = right(LEAST);
    assert_eq!(suite.folder, Path::new("suites/s"));
    assert_eq!(suite.models[0].evaluation, None);
    assert_eq!(suite.gate, Policy::default());
    let Measure { warmup_runs, warmup_min, num_runs, min, max, blocks } = suite.measure;
    assert_eq!((warmup_runs, num_runs, blocks), (1, 50, 5));
    let [half, one, most] = [500, 1000, 150_000].map(Duration::from_millis);
    assert_eq!((warmup_min, min, max), (half, one, most));
    let data = format!("{LEAST}[dataset.d]\nsource = {{ path = \"d\" }}\n");
    let data = right(&data.replace("\"m.tflite\" }", "\"m.tflite\" }\ndataset = \"d\""));
    assert_eq!(data.datasets[0].format, DatasetFormat::Idx { splits: None });
    assert_eq!(data.models[0].evaluation.as_ref().map(|split| split.split.as_str()), Some("all"));
}

#[test]
fn all_mistakes_of_a_suite_are_told() {
    let told = wrong(
        "name = \"a b\"\ndescripton = \"x\"\n\
         [[model]]\nname = \"m\"\nsource = { path = \"m\", url = \"https://x\" }\ndataset = \"digit\"\n\
         [[model]]\nname = \"m\"\nsource = { url = \"ftp://x\", sha256 = \"12\" }\nsplit = \"test\"\n\
         [[model]]\nsource = { mirror = \"../m\", sha256 = 5 }\n\
         [variant.int8]\nquantise = \"full-int8\"\n\
         [variant.other]\nquantize = \"full-int8\"\n\
         [variant.fp16]\nquantize = \"fp16\"\nio = \"int8\"\n\
         [dataset.digits]\nsource = { path = \"d\" }\npreprocess = { resize = [0, 96, 96], scale = \"1/0\" }\n\
         [measure]\nmin_secs = -1\nblocks = 0\n\
         [gate]\nlatency = { max_increase = 3 }\naccuracy = { max_drop = \"1%\" }\n",
    );
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn names_are_compared_with_the_data_sets_of_the_suite() {
    let text = format!(
        "{LEAST}[variant.int8]\nquantize = \"full-int8\"\ncalibration = {{ dataset = \"digit\" }}\n\
         [dataset.digits]\nsource = {{ path = \"d\" }}\n"
    );
    assert_eq!(wrong(&text), ["unknown data set `digit` in variant.int8.calibration: expected digits"]);
    assert_eq!(
        wrong(&format!("{LEAST}[variant.int8]\nquantize = \"full-int8\"\n")),
        [
            "missing key `calibration` in variant.int8: expected { dataset, split, samples, seed }: full-int8 takes \
          activation ranges from it"
        ]
    );
}

#[test]
fn variants_may_be_files_that_others_made() {
    let text =
        format!("made_by = \"make it\"\n{LEAST}[variant.int8]\nfiles = \"models/{{model}}_int8.tflite\"\n");
    let suite = right(&text);
    assert_eq!(suite.made_by.as_deref(), Some("make it"));
    let given = &suite.variants[1];
    assert_eq!(given.quantize_name(), "given");
    let source = given.given("net").expect("a file");
    assert_eq!(source.name(), "models/net_int8.tflite");
    assert_eq!(suite.variants[0].given("net"), None);
}

#[test]
fn values_that_contradict_each_other_are_told() {
    let variant = |lines: &str| {
        let data = "[dataset.d]\nsource = { path = \"d\" }\n";
        wrong(&format!("{LEAST}[variant.v]\n{lines}\n{data}"))
    };
    assert_eq!(
        variant("quantize = \"fp16\"\ncalibration = { dataset = \"d\" }"),
        ["`calibration` does not fit in variant.v: expected quantize = \"full-int8\", found \"fp16\""]
    );
    assert_eq!(
        variant("files = \"x.tflite\""),
        ["`files` does not fit in variant.v: expected a path with {model} in it, found \"x.tflite\""]
    );
    assert_eq!(
        variant("files = \"{model}.tflite\"\nquantize = \"none\""),
        ["`quantize` does not fit in variant.v: expected no `files`, which are not quantized, found `files`"]
    );
    assert_eq!(
        variant("quantize = \"none\"\nio = \"uint8\""),
        ["`io` does not fit in variant.v: expected quantize = \"full-int8\", found \"none\""]
    );
    assert_eq!(
        wrong(&format!("{LEAST}[measure]\nmin_secs = 10\nmax_secs = 5\n")),
        ["`max_secs` does not fit in measure: expected min_secs at most max_secs (5 s), found 10 s"]
    );
    assert_eq!(
        wrong(&format!("{LEAST}[measure]\nmin_secs = 200\n")),
        ["`min_secs` does not fit in measure: expected min_secs at most max_secs (150 s), found 200 s"]
    );
    let sum = "0".repeat(64);
    let data = |line: &str| wrong(&format!("{LEAST}[dataset.d]\n{line}\n"));
    assert_eq!(
        data(&format!("source = {{ mirror = \"d\", sha256 = \"{sum}\" }}")),
        [
            "`source` does not fit in dataset.d: expected `path` for format = \"idx\", found a file known by its sum"
        ]
    );
    assert_eq!(
        data("source = { path = \"d\" }\nformat = \"images-zip\"\nsplits = \"s.csv\""),
        ["unknown key `splits` in dataset.d: expected one of: source, format, label_offset, preprocess"]
    );
}

#[test]
fn a_file_name_does_not_lead_out_of_its_folder() {
    let sum = "0".repeat(64);
    for name in ["../x", "/etc/passwd", "a/b", "..", "", "c:x", "a\\\\b"] {
        let text = LEAST.replace("path = \"m.tflite\"", &format!("mirror = \"{name}\", sha256 = \"{sum}\""));
        let told = wrong(&text);
        assert!(told[0].starts_with("wrong value of `mirror` in model[0].source"), "{name}: {told:?}");
        let told = wrong(&format!("{LEAST}[dataset.d]\nsource = {{ path = \"d\" }}\nsplits = \"{name}\"\n"));
        assert!(told[0].starts_with("wrong value of `splits` in dataset.d"), "{name}: {told:?}");
    }
}

#[test]
fn a_suite_is_found_by_name_or_by_path() {
    let dirs = [PathBuf::from("/nowhere"), suites()];
    let names: Vec<String> = Suite::list(&dirs).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["mobilenet", "mobilenet-imagenet", "speed"]);
    let folder = suites().join("mobilenet");
    for path in [folder.clone(), folder.join(FILE_NAME)] {
        let path = path.to_string_lossy().into_owned();
        assert!(Suite::find(&path, &[]).is_ok_and(|suite| suite.name == "mobilenet"), "{path}");
    }
    let error = locate("mobilnet", &dirs).expect_err("unknown");
    let known = ["mobilenet", "mobilenet-imagenet", "speed"].map(str::to_owned).to_vec();
    assert_eq!(error, SuiteError::Unknown { name: "mobilnet".to_owned(), known, searched: dirs.to_vec() });
    let error = locate("./nowhere", &dirs).expect_err("unknown");
    assert_eq!(error, SuiteError::NoFile { path: PathBuf::from("./nowhere") });
}

#[test]
fn limits_have_units_scopes_and_waivers() {
    let suite = right(&format!(
        "{LEAST}[gate]\nfalse_alarm = 0.02\naccuracy_on = \"set\"\ndevices = [\"pi4\"]\n\
         latency = {{ max_increase = \"3%\", max = \"2.5ms\" }}\nsize = {{ max = \"1MiB\" }}\n\
         envelope = {{ max_temperature_celsius = 80, max_load = 4 }}\n\
         [[gate.rule]]\ndevice = \"pi4\"\nenergy = {{ max = \"1.5mJ\" }}\n\
         [[gate.waiver]]\nmetric = \"latency\"\nvariant = \"int8\"\nowner = \"ann\"\nreason = \"kernel on its way\"\n\
         expires = \"2026-12-31\"\naccept = \"8%\"\n"
    ));
    let policy = suite.policy(None).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((policy.false_alarm, policy.accuracy_on_set), (0.02, true));
    let values: Vec<f64> =
        policy.rules.iter().flat_map(|rule| &rule.limits).map(|limit| limit.value).collect();
    assert_eq!(values, [0.03, 2.5e6, 1_048_576.0, 1500.0]);
    assert_eq!(policy.rules[1].scope.to_string(), "device pi4");
    assert_eq!(policy.envelope.max_temperature_millicelsius, Some(80_000));
    assert_eq!(
        (policy.waivers[0].accept, policy.waivers[0].expires.to_string()),
        (0.08, "2026-12-31".to_owned())
    );
    assert_eq!(policy.required.devices, ["pi4"]);
    assert_eq!(
        (policy.required.models, policy.required.variants),
        (vec!["m".to_owned()], vec!["fp32".to_owned()])
    );
}

#[test]
fn a_gate_file_comes_after_the_suite_and_wins() {
    let suite = right(&format!("{LEAST}[gate]\nlatency = {{ max_increase = \"3%\" }}\n"));
    let file = Path::new("gate.toml");
    let policy = suite
        .policy(Some((file, "latency = { max_increase = \"2%\" }\n")))
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(policy.rules.len(), 2);
    assert!(suite.policy(Some((file, ""))).is_err(), "an empty file guards nothing");
}

/// Each of these would make a gate that guards something else than it says, or nothing.
#[test]
fn policies_that_guard_nothing_they_say_are_refused() {
    let told: Vec<String> = [
        "latency = { max_increase = \"3ms\" }",
        "latency = { max = \"3\" }",
        "latency = { max = \"3%\" }",
        "latency = { max_increase = \"-3%\" }",
        "latency = { max_increase = \"inf%\" }",
        "size = { max = \"nanB\" }",
        "latancy = { max_increase = \"3%\" }",
        "accuracy = { max_increase = \"3%\" }",
        "alpha = 0.9",
        "[[gate.waiver]]\nmetric = \"latency\"\naccept = \"8%\"",
        "[[gate.waiver]]\nmetric = \"speed\"\nowner = \" \"\nreason = \"\"\nexpires = \"soon\"\naccept = \"8\"",
        "[[gate.rule]]\ndevice = \"pi*\"",
    ]
    .iter()
    .flat_map(|text| wrong(&format!("{LEAST}[gate]\n{text}\n")))
    .collect();
    insta::assert_snapshot!(told.join("\n"));
}
