use super::*;

#[test]
fn paths_that_lead_out_are_known() {
    for inside in ["a", "a/b.png", "a..b", "..a/b", ".hidden"] {
        assert!(stays_inside(inside), "{inside}");
    }
    for outside in ["", "/a", "../a", "a/../b", "a/..", "./a", "a//b", "a\\b", "c:a", "a\0b", "a/"] {
        assert!(!stays_inside(outside), "{outside}");
    }
}

/// The name of the decoder goes into records, so it must be the decoder that is built.
#[test]
fn the_decoder_is_named_as_it_is_built() {
    let lock =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock")).expect("a lock file");
    let version = |package: &str| {
        let (_, after) =
            lock.split_once(&format!("name = \"{package}\"\nversion = \"")).expect("in the lock file");
        after.split('"').next().expect("a version").to_owned()
    };
    let built = ["image", "zune-jpeg", "png"].map(version);
    let [image, jpeg, png] = built;
    assert_eq!(DECODER, format!("image {image} (zune-jpeg {jpeg}, png {png})"));
}
