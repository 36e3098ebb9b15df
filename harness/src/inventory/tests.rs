use super::*;

fn parse(text: &str) -> Result<Inventory, ConfigError> {
    Inventory::parse(Path::new("devices.toml"), text)
}

/// The only device of the text.
fn device(text: &str) -> Device {
    parse(text).unwrap_or_else(|error| panic!("{error}")).devices.remove(0)
}

/// What is wrong with the text, one line each.
fn wrong(text: &str) -> Vec<String> {
    let error = parse(text).expect_err("the text is wrong");
    error.problems().iter().map(|problem| format!("{problem}: {}", problem.label())).collect()
}

#[test]
fn the_example_fleet_is_right() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../devices.toml");
    let Ok(text) = std::fs::read_to_string(&file) else { panic!("no {}", file.display()) };
    let inventory = parse(&text).unwrap_or_else(|error| panic!("{error}"));
    let names: Vec<&str> = inventory.devices().iter().map(|device| device.name.as_str()).collect();
    assert_eq!(names, ["host", "pi4", "pi5", "pi-zero2", "pixel", "mps2-m4"]);
    let pi4 = inventory.device("pi4").expect("is there");
    assert_eq!(pi4.threads, [1, 4]);
    assert_eq!(pi4.energy, Some(EnergyMeter::Ina219 { bus: 1, address: 0x40, shunt_ohms: 0.1 }));
    let settle = pi4.settle.as_ref().expect("settles");
    assert_eq!((settle.zone.as_str(), settle.below_celsius), ("cpu-thermal", 60.0));
    assert_eq!(settle.timeout, Duration::from_secs(600));
    assert_eq!(pi4.emulate, Some(Emulate { cpu: "cortex-a72".to_owned() }));
    assert_eq!(inventory.devices()[5].transport, Transport::Qemu { machine: "mps2-an386".to_owned() });
    for device in &inventory.devices()[..5] {
        let emulated = device.emulated().expect("each has a CPU to emulate");
        assert_eq!((emulated.threads.as_slice(), emulated.energy.is_none()), (&[1][..], true));
        assert_eq!(emulated.agent_target(), device.agent_target());
    }
}

#[test]
fn defaults_are_the_documented_ones() {
    let host = device("[host]\ntransport = \"local\"");
    assert_eq!(host, Inventory::built_in().devices[0]);
    let board = device("[b]\ntransport = \"ssh\"\nhost = \"b\"");
    let ssh = Ssh { host: "b".to_owned(), port: None, user: None, identity: None, host_key: None };
    assert_eq!(board.transport, Transport::Ssh(ssh));
}

#[test]
fn devices_keep_the_order_of_the_file() {
    let text = "[zeta]\ntransport = \"local\"\n[alpha]\ntransport = \"local\"\n";
    let inventory = parse(text).expect("right");
    let names: Vec<&str> = inventory.devices().iter().map(|device| device.name.as_str()).collect();
    assert_eq!(names, ["zeta", "alpha"]);
    let selected = inventory.select(&["alpha", "zeta", "alpha"]).expect("known");
    let names: Vec<&str> = selected.iter().map(|device| device.name.as_str()).collect();
    assert_eq!(names, ["alpha", "zeta"]);
}

#[test]
fn all_mistakes_of_all_devices_are_told() {
    let told = wrong(
        "[Host]\ntransport = \"local\"\nhost = \"x\"\n\
         [pi4]\ntransport = \"ssh\"\nthreads = [0, 4, 4]\nsettle = { zone = \"z\", below_celsius = 1e9 }\n\
         [a]\nthreads = [1]\nwhatever = 1\n\
         [b]\ntransport = \"telepathy\"\n",
    );
    let expected = [
        "wrong value of `device name`: expected at most 100 of a-z, 0-9, `.`, `_` and `-`, starting with a letter or \
         a digit, found \"Host\"",
        "unknown key `host` in Host: expected one of: transport, target, threads, cpus, frequency, tags, energy, settle, emulate",
        "missing key `host` in pi4: expected a host name or address",
        "wrong value of `threads[0]` in pi4: expected an integer from 1 to 1024, found 0",
        "`threads[2]` does not fit in pi4: expected every number of threads once, found 4",
        "wrong value of `below_celsius` in pi4.settle: expected a number from -40 to 150, found 1e9",
        "missing key `transport` in a: expected one of: local, ssh, adb, qemu",
        "unknown choice `telepathy` in b: expected one of: local, ssh, adb, qemu",
    ];
    assert_eq!(told, expected);
}

#[test]
fn what_becomes_a_command_line_is_plain() {
    for host in ["-oProxyCommand=reboot", "a b", "", "a;b", "$(x)", "a\\nb", "`x`"] {
        let text = format!("[b]\ntransport = \"ssh\"\nhost = \"{host}\"\nport = 22");
        let told = wrong(&text);
        assert!(told[0].starts_with("wrong value of `host` in b"), "{host}: {told:?}");
    }
    for host in ["pi4.local", "10.0.0.7", "[fe80::1%eth0]", "lab_1"] {
        let board = device(&format!("[b]\ntransport = \"ssh\"\nhost = \"{host}\""));
        assert!(matches!(board.transport, Transport::Ssh(ssh) if ssh.host == host));
    }
    let told = wrong("[b]\ntransport = \"qemu\"\nmachine = \"x -monitor stdio\"");
    assert!(told[0].starts_with("wrong value of `machine` in b"), "{told:?}");
}

#[test]
fn a_host_key_is_a_fingerprint() {
    let with = |key: &str| format!("[b]\ntransport = \"ssh\"\nhost = \"b\"\nhost_key = \"{key}\"");
    let right = format!("SHA256:{}", "aB3+/".repeat(9).get(..43).unwrap_or_default());
    let board = device(&with(&right));
    assert!(matches!(board.transport, Transport::Ssh(ssh) if ssh.host_key == Some(right)));
    for key in ["SHA256:", "MD5:00:11", "SHA256:short", &format!("SHA256:{}=", "a".repeat(42))] {
        assert!(wrong(&with(key))[0].starts_with("wrong value of `host_key` in b"), "{key}");
    }
}

#[test]
fn durations_have_a_unit_and_an_end() {
    let with = |timeout: &str| {
        format!(
            "[b]\ntransport = \"local\"\nsettle = {{ zone = \"z\", below_celsius = 50, timeout = \"{timeout}\" }}"
        )
    };
    let settle = device(&with("90s")).settle.expect("settles");
    assert_eq!(settle.timeout, Duration::from_secs(90));
    for timeout in ["90", "-1s", "8days", "9999999999h", "soon", ""] {
        let told = wrong(&with(timeout));
        assert!(told[0].starts_with("wrong value of `timeout` in b.settle"), "{timeout}: {told:?}");
    }
}

#[test]
fn an_inventory_without_devices_is_wrong() {
    let told = wrong("# nothing\n");
    assert!(told[0].starts_with("missing key `host`: expected at least one table"), "{told:?}");
    assert!(!wrong("transport = \"local\"").is_empty());
}

#[test]
fn an_unknown_device_is_told_with_those_there_are() {
    let error = Inventory::built_in().device("hots").expect_err("unknown");
    assert_eq!(error.to_string(), "unknown device `hots`");
    let InventoryError::UnknownDevice { known, file, .. } = error else { panic!("{error}") };
    assert_eq!((known, file), (vec!["host".to_owned()], None));
}

#[test]
fn selectors_choose_by_name_and_tag_and_take_away() {
    let text = "[a]\ntransport = \"local\"\ntags = [\"x\"]\n[b]\ntransport = \"local\"\ntags = [\"x\", \"flaky\"]\n\
                [c]\ntransport = \"local\"\n";
    let inventory = parse(text).expect("right");
    let chosen = |selectors: &[&str]| -> Vec<String> {
        let devices = inventory.select(selectors).unwrap_or_else(|error| panic!("{error}"));
        devices.iter().map(|device| device.name.clone()).collect()
    };
    assert_eq!(chosen(&["c", "tag:x"]), ["c", "a", "b"]);
    assert_eq!(chosen(&["!b", "tag:x", "b"]), ["a"]);
    assert_eq!(chosen(&["!tag:flaky"]), ["a", "c"]);
    assert_eq!(chosen(&["all", "!a"]), ["b", "c"]);
    assert!(chosen(&["a", "!a"]).is_empty());
    let error = inventory.select(&["tag:flakey"]).expect_err("unknown");
    assert_eq!(error.to_string(), "no device with tag `flakey`");
}

#[test]
fn processors_are_numbers_and_ranges() {
    let with = |cpus: &str| format!("[b]\ntransport = \"local\"\ncpus = \"{cpus}\"");
    assert_eq!(device(&with("0,4-7")).cpus.as_deref(), Some("0,4-7"));
    for cpus in ["", "7-4", "a", "1,", "-1", "0; reboot", "99999"] {
        assert!(wrong(&with(cpus))[0].starts_with("wrong value of `cpus` in b"), "{cpus}");
    }
}
