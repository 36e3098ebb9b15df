//! Phones, through the genuine `adb` client and a stand-in of our own for the daemon on the phone.

use crate::emulated::can_cross_build;
use crate::place::Place;
use crate::stand_in::Phone;

#[test]
fn a_phone_is_measured_and_gets_its_agent_once() {
    let Some(phone) = Phone::new("ask") else { return };
    if !can_cross_build() {
        return;
    }
    let place = Place::new();
    let words = ["run", "--suite", "small", "--variants", "int8", "--blocks", "1", "--devices", "phone"];
    let cold = phone.bench(&place, &words);
    assert!(cold.expect_code(0).stdout.contains("int8"), "{}", cold.stdout);
    let agents =
        std::fs::read_dir(phone.home.path().join("phone/data/local/tmp/edgebench")).expect("the folder");
    let names: Vec<String> =
        agents.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    assert_eq!(names.iter().filter(|name| name.starts_with("agent-")).count(), 1, "{names:?}");
    assert!(!names.iter().any(|name| name.ends_with(".part")), "{names:?}");
    let checked = phone.bench(&place, &["devices", "--check", "phone"]);
    for word in ["Nobody Stand-in", "Android 16 (API 36)", "81 %, charging", "screen", "off"] {
        assert!(checked.expect_code(0).stdout.contains(word), "no {word:?} in:\n{}", checked.stdout);
    }
}

#[test]
fn a_phone_that_does_not_trust_us_is_told_as_such() {
    let Some(phone) = Phone::new("never") else { return };
    if !can_cross_build() {
        return;
    }
    let checked = phone.bench(&Place::new(), &["devices", "--check", "phone"]);
    let stdout = &checked.expect_code(4).stdout;
    assert!(stdout.contains("unauthorized") && stdout.contains("allow this computer"), "{stdout}");
}

#[test]
fn a_phone_that_is_not_there_is_told_as_such() {
    let Some(mut phone) = Phone::new("none") else { return };
    if !can_cross_build() {
        return;
    }
    phone.serial = "8A1X0".to_owned();
    let checked = phone.bench(&Place::new(), &["devices", "--check", "phone"]);
    let stdout = &checked.expect_code(4).stdout;
    assert!(stdout.contains("phone 8A1X0: not among the devices: none"), "{stdout}");
}
