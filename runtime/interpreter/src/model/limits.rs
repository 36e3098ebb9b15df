//! How much of everything a file may ask for. Genuine models stay far below; a hostile one is stopped before memory is
//! taken or time is spent.

/// Tensors of a graph. The largest models in LiteRT's own collections have some ten thousand.
pub(super) const MAX_TENSORS: usize = 1 << 16;

/// Bytes that all sparse constants of a file together may have when they are dense: some times the file, as pruned
/// networks do, and no more beside it than a hostile file may take (256 MiB, issue 3).
pub(super) fn dense_room(file_bytes: usize) -> usize {
    file_bytes.saturating_mul(16).min(file_bytes.saturating_add(256 << 20))
}

/// Steps of a graph. The memory plan takes time by the square of their number: a tenth of a second at this limit.
pub(super) const MAX_NODES: usize = 1 << 14;

/// Inputs or outputs of one step; the longest known are concatenations of a few dozen.
pub(super) const MAX_NODE_TENSORS: usize = 1 << 10;

/// Subgraphs. Converters make a few for each branch and loop.
pub(super) const MAX_SUBGRAPHS: usize = 1 << 8;

/// Links of a chain of calls. Branches within loops within branches are a handful.
pub(super) const MAX_CALL_DEPTH: usize = 1 << 4;

/// Dimensions of a tensor. LiteRT's kernels take up to six, its delegates eight.
pub(crate) const MAX_RANK: usize = 8;

/// Bytes of one tensor, so that sizes and offsets fit in 32 bits on every target.
pub(crate) const MAX_TENSOR_BYTES: usize = 1 << 30;
