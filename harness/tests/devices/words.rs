//! Hostile text in every field that a user gives: refused, or the same bytes at the other end, and never executed.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use edgebench_harness::build::{ARM64_TARGET, repository, ways};
use edgebench_harness::inventory::{Inventory, Transport};
use edgebench_harness::session::{Adb, AgentFlags, Reach, Ssh, Word};
use edgebench_harness::suite::Suite;

use crate::board::{Board, bench, board_or_skip, place};
use crate::place::{Ended, Place};
use crate::stand_in::Phone;

/// More than two hundred: each trick with each thing that it could do.
fn hostile(canary: &Path) -> Vec<String> {
    let touch = format!("touch {}", canary.display());
    let tricks = [
        "$(X)",
        "`X`",
        ";X;",
        "|X",
        "||X",
        "&X",
        "&&X",
        "\nX\n",
        "'X'",
        "';X;'",
        "\";X;\"",
        "$(X",
        "${X}",
        "<(X)",
        ">X",
        "-oProxyCommand=X",
        "--help;X",
        "a b;X",
        "\r\nX\r\n",
        "\\;X",
        "\\\n;X",
        "%h;X",
        "../X",
        "~;X",
        "!X",
        "*;X",
        "#\nX",
        "x\u{202e};X",
        "\u{200b};X",
        "\u{7f};X",
        "\t;X",
        "(X)",
        "{X;}",
        "[;X]",
        "=;X",
        "a=b X",
        "if X; then :; fi",
        "\u{1b}[2J;X",
    ];
    let acts = [touch.as_str(), "reboot", "id", ":", "sh -c id", "rm -rf /nothing"];
    let mut all: Vec<String> =
        tricks.iter().flat_map(|trick| acts.iter().map(|act| trick.replace('X', act))).collect();
    all.extend(["", "-", "--", "-rf", "..", ".", "/", "~", "'", "\"", "\\", "\u{feff}"].map(str::to_owned));
    all.push("a".repeat(4096));
    all
}

fn toml_string(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[test]
fn hostile_fields_of_the_inventory_are_refused_or_plain() {
    let canary = tempfile::tempdir().expect("folder");
    let strings = hostile(&canary.path().join("canary"));
    assert!(strings.len() >= 200, "{}", strings.len());
    let fields = [
        "[D]\ntransport = \"local\"\n",
        "[a]\ntransport = D\n",
        "[a]\ntransport = \"ssh\"\nhost = D\n",
        "[a]\ntransport = \"ssh\"\nhost = \"h\"\nuser = D\n",
        "[a]\ntransport = \"ssh\"\nhost = \"h\"\nhost_key = D\n",
        "[a]\ntransport = \"adb\"\nserial = D\n",
        "[a]\ntransport = \"qemu\"\nmachine = D\n",
        "[a]\ntransport = \"local\"\ntarget = D\n",
        "[a]\ntransport = \"local\"\ncpus = D\n",
        "[a]\ntransport = \"local\"\ntags = [D]\n",
        "[a]\ntransport = \"local\"\nemulate = { cpu = D }\n",
        "[a]\ntransport = \"local\"\nsettle = { zone = D, below_celsius = 1 }\n",
    ];
    let mut taken = Vec::new();
    for field in fields {
        for text in &strings {
            let toml = field.replace('D', &toml_string(text));
            if let Ok(inventory) = Inventory::parse(Path::new("devices.toml"), &toml) {
                taken.push(format!("{:?}", inventory.devices()));
            }
        }
    }
    let acted = [' ', ';', '$', '`', '|', '&', '\'', '<', '>', '*', '\\', '\n', '\u{202e}', '\u{1b}'];
    for device in taken {
        // The Debug form itself has spaces, quotes and backslashes; what is looked for are texts inside of quotes.
        let texts = device.split('"').skip(1).step_by(2);
        for text in texts {
            assert!(!text.contains(acted) && !text.starts_with('-'), "{text:?} was taken");
        }
    }
}

#[test]
fn hostile_names_in_a_suite_are_refused() {
    let canary = tempfile::tempdir().expect("folder");
    for text in hostile(&canary.path().join("canary")) {
        for field in [
            "name = D\n[[model]]\nname = \"m\"\nsource = { path = \"m\" }\n[variant.v]\nquantize = \"none\"\n",
            "name = \"s\"\n[[model]]\nname = D\nsource = { path = \"m\" }\n[variant.v]\nquantize = \"none\"\n",
            "name = \"s\"\n[[model]]\nname = \"m\"\nsource = { path = \"m\" }\n[variant.D]\nquantize = \"none\"\n",
        ] {
            let toml = field.replace('D', &toml_string(&text));
            assert!(Suite::parse(Path::new("suite.toml"), &toml).is_err(), "{text:?} was taken");
        }
    }
}

fn way(board: &Board) -> Ssh {
    let inventory = Inventory::parse(Path::new("devices.toml"), &board.table("pi")).expect("right");
    let Transport::Ssh(ssh) = &inventory.devices()[0].transport else { panic!("ssh") };
    Ssh::new(ssh, AgentFlags::default()).expect("a way")
}

/// Every string is an argument of a command on the device, and what the device says it got.
async fn expect_words_to_arrive(way: &dyn Reach, strings: &[String]) {
    for some in strings.chunks(40) {
        let mut words: Vec<Word> = ["printf", "%s\\n."].map(|word| Word::fixed(word).into()).to_vec();
        words.extend(some.iter().map(|text| Word::new(text.clone()).expect("no NUL")));
        // busybox has printf as an applet of its shell only.
        let mut all: Vec<Word> =
            ["sh", "-c", "printf \"$@\"", "sh"].map(|word| Word::fixed(word).into()).to_vec();
        all.extend(words.into_iter().skip(1));
        let output = way.run(&all, Duration::from_secs(30)).await.expect("the device answers");
        let expected: String = some.iter().map(|text| format!("{text}\n.")).collect();
        assert_eq!((output.code, output.stdout), (Some(0), expected));
    }
}

#[tokio::test]
async fn hostile_words_arrive_at_the_board_as_they_are() {
    let board = board_or_skip!("hostile_words_arrive_at_the_board_as_they_are");
    expect_words_to_arrive(&way(&board), &hostile(Path::new("/tmp/canary"))).await;
    assert!(!board.file("root/tmp/canary").exists());
}

/// Holds the serial number of the phone, in the process that has the environment of its adb server.
const SERIAL: &str = "EDGEBENCH_TEST_SERIAL";

#[tokio::test]
async fn hostile_words_arrive_at_the_phone_as_they_are() {
    const NAME: &str = "words::hostile_words_arrive_at_the_phone_as_they_are";
    if let Ok(serial) = std::env::var(SERIAL) {
        let canary = std::env::temp_dir().join("canary");
        let adb = Adb::new(Some(&serial), AgentFlags::default()).expect("adb");
        adb.knock().await.expect("the phone answers");
        expect_words_to_arrive(&adb, &hostile(&canary)).await;
        assert!(!canary.exists());
        return;
    }
    let Some(phone) = Phone::new("none") else { return };
    // The client takes its server from the environment, and that of this process is everybody's.
    let mut again = Command::new(std::env::current_exe().expect("this program"));
    again.args(["--exact", NAME]).env(SERIAL, &phone.serial).env("TMPDIR", phone.home.path());
    let output = phone.environment(&mut again).output().expect("it starts again");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    assert!(!phone.home.path().join("canary").exists());
}

#[test]
fn a_hostile_user_name_of_ours_is_only_shown_to_a_phone() {
    let Some(phone) = Phone::new("none") else { return };
    if !has_agent_for_phones() {
        return;
    }
    let canary = phone.home.path().join("canary");
    let name = format!("$(touch {0})`touch {0}`';touch {0};'\"", canary.display());
    let place = Place::new();
    let mut command = phone.command(&place, &["devices", "--check", "phone"]);
    let ended = Ended::of(command.env("USER", name).output().expect("bench starts"));
    assert!(ended.expect_code(0).stdout.contains("aarch64-unknown-linux"), "{}", ended.stdout);
    assert!(!canary.exists());
}

/// Says so where it cannot be built.
fn has_agent_for_phones() -> bool {
    let found = ways(ARM64_TARGET, repository()).iter().any(|way| way.found.is_ok());
    if !found {
        println!("skipped: no toolchain for {ARM64_TARGET}");
    }
    found
}

#[test]
fn a_hostile_user_name_of_ours_is_only_shown() {
    let board = board_or_skip!("a_hostile_user_name_of_ours_is_only_shown");
    let place = place(&board.table("pi"));
    let mut command =
        bench(&place, &["run", "--suite", "small", "--devices", "pi", "--variants", "fp32", "--blocks", "1"]);
    let ended = Ended::of(
        command
            .env("USER", "$(touch /tmp/canary)`touch /tmp/canary`';touch /tmp/canary;'")
            .output()
            .expect("bench starts"),
    );
    ended.expect_code(0);
    assert!(!board.file("root/tmp/canary").exists() && !Path::new("/tmp/canary").exists());
}
