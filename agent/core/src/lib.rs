//! What an agent does: the command state machine over [`Transport`], [`Clock`], [`Meter`] and [`Store`], with [`Peer`] for a
//! runtime beside ours.
//!
//! [`serve`] answers one controller from its first byte to its last. Everything that differs between a phone, a
//! Raspberry Pi and a microcontroller is behind the four traits of `device.rs`; this crate knows no files, sockets,
//! processes or operating systems. Whatever comes from outside (messages, files of the store, models, tensor packs) is
//! checked where it enters, and a request that cannot be done is answered with a failure: only a broken stream ends
//! a session.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod channel;
mod device;
mod evaluate;
mod failure;
mod measure;
mod network;
mod pack;
mod profile;
mod running;
mod session;
mod stored;
mod timer;
mod upload;

pub use channel::SessionError;
pub use device::{
    Clock, Counter, CounterError, Crew, CrewError, Device, Identity, Meter, Store, StoreError, StoredFile,
    Transport, TransportError,
};
pub use network::{Network, NetworkError, Peer};
pub use session::{End, serve};
