//! Outputs that are kept for other runtimes.

use crate::place::Place;

#[test]
fn outputs_are_kept_with_a_manifest_that_says_what_they_are_of() {
    let place = Place::new();
    place.run(&["run", "--suite", "small", "--variants", "fp32", "--keep_outputs"]).expect_code(0);
    let manifest = std::fs::read_to_string(place.run_file("outputs/manifest.json")).expect("a manifest");
    let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
    let cell = &manifest["cells"][0];
    assert_eq!(
        (cell["variant"].as_str(), cell["labels"].as_array().map(Vec::len)),
        (Some("fp32"), Some(360))
    );
    for file in ["model_file", "pack"] {
        assert!(std::path::Path::new(cell[file].as_str().expect("a path")).is_file(), "{file}");
    }
    let outputs = place.run_file(&format!("outputs/{}", cell["outputs"].as_str().expect("a name")));
    // Ten float32 scores an example.
    assert_eq!(std::fs::metadata(outputs).expect("outputs").len(), 360 * 10 * 4);
}
