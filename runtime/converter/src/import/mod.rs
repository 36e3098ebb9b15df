//! From model files to one editable [`crate::Graph`]: one file a format. An importer knows its format and the graph,
//! and nothing of what will be made of it.

mod tflite;

pub use tflite::tflite;
