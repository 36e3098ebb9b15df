//! News of a run for the person who waits: live bars on a terminal, one line an event elsewhere. Everything goes to
//! standard error; standard output is the report's.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::sync::mpsc::UnboundedReceiver;

use super::event::Event;

/// How news is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Display {
    /// A bar a device, redrawn in place.
    Bars,
    /// A line an event.
    Lines,
    /// Only what went wrong, a line each.
    Quiet,
}

/// Bars are redrawn at most this often: drawing takes time from what is measured on this machine.
const DRAWS_PER_SECOND: u8 = 4;

const BAR: &str = "{prefix:>12} [{bar:24}] {pos}/{len} {wide_msg} {eta}";
const SPINNER: &str = "{prefix:>12} {wide_msg}";

/// Shows events until the run has no more.
pub async fn show(mut events: UnboundedReceiver<Event>, display: Display) {
    match display {
        Display::Bars => {
            let mut bars = Bars::new();
            while let Some(event) = events.recv().await {
                bars.show(&event);
            }
            bars.finish();
        }
        Display::Lines | Display::Quiet => {
            let started = Instant::now();
            while let Some(event) = events.recv().await {
                let line = if display == Display::Quiet { trouble(&event) } else { line(&event) };
                if let Some(line) = line {
                    // A closed standard error must not end a run.
                    let _ = writeln!(std::io::stderr(), "[{:>7.1}s] {line}", started.elapsed().as_secs_f64());
                }
            }
        }
    }
}

/// An event as a line, where it is worth one.
fn line(event: &Event) -> Option<String> {
    Some(match event {
        Event::Building { target } => {
            format!("building the agent for {target}: minutes the first time, once for all devices like it")
        }
        Event::Prepared { what, reused: true, .. } => format!("prepared {what} (as before)"),
        Event::Prepared { what, took, .. } => format!("prepared {what} in {}", seconds(*took)),
        Event::Planned { devices, done_before } => planned(devices, *done_before),
        Event::Met { device, description } => format!("{device}: {description}"),
        Event::Again { device, reason, pause } => {
            format!("{device}: again in {}: {reason}", seconds(*pause))
        }
        Event::Left { device, agent_bytes, file_bytes, all_bytes } => format!(
            "{device}: sent {all_bytes} bytes: {agent_bytes} of the agent, {file_bytes} of models and data"
        ),
        Event::Done { device, what, result } => format!("{device}: {what}: {result}"),
        Event::Preparing { .. } | Event::Step { .. } | Event::Progress { .. } => return None,
        Event::NotPrepared { .. } | Event::Lost { .. } | Event::Failed { .. } => return trouble(event),
    })
}

fn trouble(event: &Event) -> Option<String> {
    Some(match event {
        Event::NotPrepared { what, reason } => format!("cannot prepare {what}: {reason}"),
        Event::Lost { device, reason } => format!("{device}: cannot be used: {reason}"),
        Event::Failed { device, what, reason, left_out: 0 } => format!("{device}: {what}: failed: {reason}"),
        Event::Failed { device, what, reason, left_out } => {
            format!("{device}: {what}: failed: {reason} (the cell's other {left_out} steps are left out)")
        }
        _ => return None,
    })
}

fn planned(devices: &[(String, usize)], done_before: usize) -> String {
    let each: Vec<String> = devices.iter().map(|(name, steps)| format!("{steps} steps on {name}")).collect();
    let before = if done_before > 0 { format!("; {done_before} were done before") } else { String::new() };
    format!("measuring: {}{before}", each.join(", "))
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

/// One spinner while things are prepared, then one bar a device.
struct Bars {
    all: MultiProgress,
    preparing: Option<ProgressBar>,
    devices: BTreeMap<String, DeviceBar>,
}

struct DeviceBar {
    bar: ProgressBar,
    step: String,
}

impl Bars {
    fn new() -> Self {
        let target = indicatif::ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND);
        Self { all: MultiProgress::with_draw_target(target), preparing: None, devices: BTreeMap::new() }
    }

    fn show(&mut self, event: &Event) {
        match event {
            Event::Preparing { what } => self.spinner().set_message(what.clone()),
            Event::Planned { devices, .. } => self.plan(devices),
            Event::Step { device, what } => self.step(device, what),
            Event::Progress { device, how_far } => self.progress(device, how_far),
            Event::Done { device, .. } => self.advance(device, 1),
            Event::Failed { device, left_out, .. } => self.advance(device, 1 + *left_out as u64),
            _ => {}
        }
        if let Some(text) = worth_keeping(event) {
            // A closed standard error must not end a run.
            let _ = self.all.println(text);
        }
    }

    fn spinner(&mut self) -> &ProgressBar {
        let all = &self.all;
        self.preparing.get_or_insert_with(|| {
            let bar = all.add(ProgressBar::no_length().with_prefix("preparing"));
            bar.set_style(
                ProgressStyle::with_template(SPINNER).unwrap_or_else(|_| ProgressStyle::default_spinner()),
            );
            bar
        })
    }

    fn plan(&mut self, devices: &[(String, usize)]) {
        if let Some(spinner) = self.preparing.take() {
            spinner.finish_and_clear();
        }
        for (name, steps) in devices {
            let bar = self.all.add(ProgressBar::new(*steps as u64).with_prefix(name.clone()));
            let style = ProgressStyle::with_template(BAR).unwrap_or_else(|_| ProgressStyle::default_bar());
            bar.set_style(style.progress_chars("=> "));
            self.devices.insert(name.clone(), DeviceBar { bar, step: String::new() });
        }
    }

    fn step(&mut self, device: &str, what: &str) {
        if let Some(device) = self.devices.get_mut(device) {
            device.step = what.to_owned();
            device.bar.set_message(what.to_owned());
        }
    }

    fn progress(&mut self, device: &str, how_far: &str) {
        if let Some(device) = self.devices.get(device) {
            device.bar.set_message(format!("{}: {how_far}", device.step));
        }
    }

    fn advance(&mut self, device: &str, steps: u64) {
        if let Some(device) = self.devices.get(device) {
            device.bar.inc(steps);
        }
    }

    fn finish(&self) {
        for device in self.devices.values() {
            device.bar.finish_and_clear();
        }
    }
}

/// What stays on the screen above the bars.
fn worth_keeping(event: &Event) -> Option<String> {
    match event {
        Event::Building { .. } | Event::Prepared { reused: false, .. } | Event::Met { .. } => line(event),
        _ => trouble(event),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(left_out: usize) -> Event {
        Event::Failed {
            device: "host".into(),
            what: "net int8 x1 block 1/5".into(),
            reason: "agent went away".into(),
            left_out,
        }
    }

    #[test]
    fn trouble_is_told_in_every_display() {
        let text = "host: net int8 x1 block 1/5: failed: agent went away";
        assert_eq!(line(&failed(0)).as_deref(), Some(text));
        assert_eq!(trouble(&failed(0)).as_deref(), Some(text));
        assert_eq!(worth_keeping(&failed(0)).as_deref(), Some(text));
    }

    #[test]
    fn steps_that_are_left_out_are_told() {
        assert!(
            line(&failed(4)).is_some_and(|text| text.ends_with("(the cell's other 4 steps are left out)"))
        );
    }

    #[test]
    fn resumed_runs_say_what_was_done_before() {
        let event = Event::Planned { devices: vec![("host".into(), 7)], done_before: 3 };
        assert_eq!(line(&event).as_deref(), Some("measuring: 7 steps on host; 3 were done before"));
    }
}
