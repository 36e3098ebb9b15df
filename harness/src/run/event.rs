//! Everything that can be told of a run while it goes on. The list is closed; progress bars and plain lines are two
//! readers of it, and neither can change the run.

use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

/// One thing that happened.
#[derive(Clone, PartialEq, Debug)]
pub enum Event {
    /// Something is being made ready: a variant, a data set, an agent.
    Preparing {
        /// What, such as `mobilenet_v2_0.35_96 int8`.
        what: String,
    },
    /// A compiler begins to make an agent: the first one for a target takes minutes.
    Building {
        /// Target triple.
        target: String,
    },
    /// It is ready.
    Prepared {
        /// What.
        what: String,
        /// Whether it was found as it was made before.
        reused: bool,
        /// How long it took.
        took: Duration,
    },
    /// It cannot be made; the cells that need it will fail.
    NotPrepared {
        /// What.
        what: String,
        /// Why.
        reason: String,
    },
    /// Measuring begins.
    Planned {
        /// A device and the number of its steps, those that were done before left out.
        devices: Vec<(String, usize)>,
        /// Steps that an earlier attempt has done.
        done_before: usize,
    },
    /// A device answered.
    Met {
        /// Its name.
        device: String,
        /// Such as `x86_64 AMD EPYC, 2 cores`.
        description: String,
    },
    /// A device cannot be used.
    Lost {
        /// Its name.
        device: String,
        /// Why.
        reason: String,
    },
    /// The way to a device failed; it is tried again after a pause.
    Again {
        /// Its name.
        device: String,
        /// What failed.
        reason: String,
        /// How long until then.
        pause: Duration,
    },
    /// Nothing of ours goes on at a device any more.
    Left {
        /// Its name.
        device: String,
        /// Bytes of the agent's program that were sent there.
        agent_bytes: u64,
        /// Bytes of models and data that were sent there.
        file_bytes: u64,
        /// All bytes that were sent there.
        all_bytes: u64,
    },
    /// A step begins.
    Step {
        /// The device.
        device: String,
        /// Such as `int8 x1 block 2/5`.
        what: String,
    },
    /// A step goes on.
    Progress {
        /// The device.
        device: String,
        /// Such as `412 runs` or `120/360 examples`.
        how_far: String,
    },
    /// A step is done and on disk.
    Done {
        /// The device.
        device: String,
        /// The step, as in [`Event::Step`].
        what: String,
        /// What came out, such as `median 412 us` or `top-1 98.9 %`.
        result: String,
    },
    /// A step failed; the rest of its cell is left out.
    Failed {
        /// The device.
        device: String,
        /// The step.
        what: String,
        /// Why.
        reason: String,
        /// Steps of the cell that are left out.
        left_out: usize,
    },
}

/// Where events go. Nobody listening is fine.
#[derive(Clone, Debug)]
pub struct Events(UnboundedSender<Event>);

impl Events {
    /// A sender and what it feeds.
    pub fn channel() -> (Self, tokio::sync::mpsc::UnboundedReceiver<Event>) {
        let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    /// Tells one.
    pub fn tell(&self, event: Event) {
        let _ = self.0.send(event);
    }
}
