//! The memory plan: greedy by size (Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference",
//! arXiv 2001.03288), as LiteRT's arena planner has it. Buffers are placed from large to small, each into the smallest
//! gap it fits in among the buffers that live at the same time.

use alloc::vec;
use alloc::vec::Vec;

use super::align_up;

/// A buffer that shall have a place from step `first` to step `last`, both included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Request {
    pub(crate) bytes: usize,
    pub(crate) first: usize,
    pub(crate) last: usize,
}

/// An offset for every request. Offsets are aligned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Plan {
    pub(crate) offsets: Vec<usize>,
    /// High-water mark.
    pub(crate) arena_bytes: usize,
}

impl Request {
    /// Bytes that the buffer takes up; 0 for an empty one, which may share its offset with others.
    fn room(&self) -> usize {
        align_up(self.bytes)
    }

    fn meets(&self, other: &Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

impl Plan {
    /// Buffers share memory when their times do not meet.
    pub(crate) fn greedy_by_size(requests: &[Request]) -> Self {
        let mut order: Vec<usize> = (0..requests.len()).collect();
        order.sort_by_key(|index| (core::cmp::Reverse(requests[*index].room()), requests[*index].first));
        let mut offsets = vec![0; requests.len()];
        // Ascending by offset.
        let mut placed: Vec<usize> = Vec::with_capacity(requests.len());
        let mut arena_bytes = 0;
        for index in order {
            let offset = smallest_gap(&requests[index], requests, &placed, &offsets);
            offsets[index] = offset;
            arena_bytes = arena_bytes.max(offset.saturating_add(requests[index].room()));
            let position = placed.partition_point(|other| offsets[*other] <= offset);
            placed.insert(position, index);
        }
        Self { offsets, arena_bytes }
    }

    /// Every buffer has memory of its own, one after the other.
    pub(crate) fn without_reuse(requests: &[Request]) -> Self {
        let mut arena_bytes = 0usize;
        let place = |request: &Request| {
            let offset = arena_bytes;
            arena_bytes = arena_bytes.saturating_add(request.room());
            offset
        };
        let offsets = requests.iter().map(place).collect();
        Self { offsets, arena_bytes }
    }
}

/// Offset of the smallest gap that holds the request among the placed buffers that it meets, or the end of them.
fn smallest_gap(request: &Request, requests: &[Request], placed: &[usize], offsets: &[usize]) -> usize {
    let room = request.room();
    let mut best: Option<(usize, usize)> = None;
    let mut end = 0usize;
    for other in placed.iter().filter(|other| requests[**other].meets(request)) {
        let gap = offsets[*other].saturating_sub(end);
        if gap >= room && offsets[*other] > end && best.is_none_or(|(smallest, _)| gap < smallest) {
            best = Some((gap, end));
        }
        end = end.max(offsets[*other].saturating_add(requests[*other].room()));
    }
    best.map_or(end, |(_, offset)| offset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn request(bytes: usize, first: usize, last: usize) -> Request {
        Request { bytes, first, last }
    }

    /// No plan can do with less: the most that is alive at one time.
    fn lower_bound(requests: &[Request]) -> usize {
        let alive = |step: usize| {
            let living = requests.iter().filter(move |request| request.first <= step && step <= request.last);
            living.map(Request::room).sum()
        };
        requests.iter().map(|request| alive(request.first)).max().unwrap_or(0)
    }

    #[test]
    fn chain_needs_its_two_largest_neighbours() {
        let chain = [request(640, 0, 1), request(320, 1, 2), request(640, 2, 3), request(64, 3, 4)];
        let plan = Plan::greedy_by_size(&chain);
        assert_eq!(plan.arena_bytes, 960);
        assert_eq!(Plan::without_reuse(&chain).arena_bytes, 1664);
    }

    #[test]
    fn the_smallest_gap_is_taken() {
        // Two gaps stay open at step 1, of 128 and of 64 bytes; the last buffer fits both.
        let requests = [
            request(1024, 0, 1),
            request(512, 0, 1),
            request(256, 0, 1),
            request(128, 0, 0),
            request(64, 1, 1),
        ];
        let plan = Plan::greedy_by_size(&requests);
        assert_eq!(plan.offsets[4], plan.offsets[3]);
        assert_eq!(plan.arena_bytes, 1024 + 512 + 256 + 128);
    }

    #[test]
    fn sizes_beyond_memory_saturate() {
        let requests = [request(usize::MAX, 0, 0), request(usize::MAX, 0, 0)];
        assert_eq!(Plan::greedy_by_size(&requests).arena_bytes, usize::MAX);
        assert_eq!(Plan::without_reuse(&requests).arena_bytes, usize::MAX);
    }

    fn any_requests() -> impl Strategy<Value = Vec<Request>> {
        let one = (0usize..5000, 0usize..30, 0usize..8);
        let one = one.prop_map(|(bytes, first, length)| request(bytes, first, first + length));
        prop::collection::vec(one, 0..60)
    }

    proptest! {
        #[test]
        fn buffers_that_live_together_never_overlap(requests in any_requests()) {
            let plan = Plan::greedy_by_size(&requests);
            for (i, a) in requests.iter().enumerate() {
                let a_part = plan.offsets[i]..plan.offsets[i] + a.bytes;
                prop_assert!(a_part.end <= plan.arena_bytes);
                prop_assert_eq!(a_part.start % super::super::aligned::ALIGNMENT_BYTES, 0);
                for (j, b) in requests.iter().enumerate().take(i) {
                    let b_part = plan.offsets[j]..plan.offsets[j] + b.bytes;
                    let apart = a_part.end <= b_part.start || b_part.end <= a_part.start;
                    prop_assert!(apart || !a.meets(b) || a.bytes == 0 || b.bytes == 0, "{:?} and {:?}", a, b);
                }
            }
        }

        #[test]
        fn plan_lies_between_the_bounds(requests in any_requests()) {
            let plan = Plan::greedy_by_size(&requests);
            let bound = lower_bound(&requests);
            prop_assert!(plan.arena_bytes >= bound);
            prop_assert!(plan.arena_bytes <= Plan::without_reuse(&requests).arena_bytes);
        }
    }
}
