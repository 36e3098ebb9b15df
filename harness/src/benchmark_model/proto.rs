//! The figures as LiteRT's `BenchmarkResult` (`tools/benchmark/proto/benchmark_result.proto`, proto2), which programs read
//! that do not read lines. Three flat messages of numbers: written by hand in protobuf's wire format.

use super::Results;

/// Wire types of protobuf.
const VARINT: u32 = 0;
const LENGTH_DELIMITED: u32 = 2;
const FIXED_32: u32 = 5;

/// Numbers of the fields of `BenchmarkResult`.
const LATENCY_METRICS: u32 = 2;
const MEMORY_METRICS: u32 = 3;
const MISC_METRICS: u32 = 4;

/// The whole message.
pub(super) fn encoded(results: &Results) -> Vec<u8> {
    let mut message = Message::default();
    message.part(LATENCY_METRICS, &latency(results));
    if let Some(memory) = memory(results) {
        message.part(MEMORY_METRICS, &memory);
    }
    message.part(MISC_METRICS, &misc(results));
    message.0
}

fn latency(results: &Results) -> Message {
    let (regular, warmup) = (&results.regular, &results.warmup);
    // Fields 1 to 10, in the order of the file.
    let micros = [
        regular.avg(),
        regular.min() as f64,
        regular.max() as f64,
        regular.std_deviation() as f64,
        regular.percentile(50) as f64,
        regular.percentile(5) as f64,
        regular.percentile(95) as f64,
        results.init_us as f64,
        warmup.first() as f64,
        warmup.avg(),
    ];
    let mut message = Message::default();
    (1..).zip(micros).for_each(|(field, micros)| message.float(field, micros / 1000.0));
    message
}

fn memory(results: &Results) -> Option<Message> {
    let mut message = Message::default();
    message.integer(1, results.init_kb?);
    message.integer(2, results.overall_kb?);
    if let Some(peak_kb) = results.peak_kb {
        message.float(3, peak_kb as f64 / 1024.0);
    }
    Some(message)
}

fn misc(results: &Results) -> Message {
    let mut message = Message::default();
    message.float(1, results.model_size_mb);
    message.integer(2, results.regular.count() as u64);
    message.integer(3, results.warmup.count() as u64);
    // Bytes of the inputs by the mean time of a run: bytes a microsecond are MB a second.
    message.float(4, results.input_bytes as f64 / results.regular.avg());
    message
}

#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn tag(&mut self, field: u32, wire_type: u32) {
        self.varint(u64::from(field << 3 | wire_type));
    }

    fn integer(&mut self, field: u32, value: u64) {
        self.tag(field, VARINT);
        self.varint(value);
    }

    fn float(&mut self, field: u32, value: f64) {
        self.tag(field, FIXED_32);
        self.0.extend((value as f32).to_le_bytes());
    }

    fn part(&mut self, field: u32, message: &Self) {
        self.tag(field, LENGTH_DELIMITED);
        self.varint(message.0.len() as u64);
        self.0.extend(&message.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::benchmark_model::Stat;

    #[test]
    fn numbers_are_in_protobuf_s_wire_format() {
        let mut stat = Stat::default();
        stat.add(2000);
        let results = Results {
            model_size_mb: 1.0,
            init_us: 3000,
            warmup: stat.clone(),
            regular: stat,
            init_kb: Some(300),
            overall_kb: Some(301),
            peak_kb: None,
            input_bytes: 4000,
        };
        let bytes = encoded(&results);
        // Ten floats of five bytes, tag 2 and length first.
        assert_eq!(bytes[..2], [0x12, 50]);
        assert_eq!(bytes[2..7], [0x0d, 0, 0, 0, 0x40], "avg_ms 2.0");
        assert_eq!(bytes[52..54], [0x1a, 6]);
        // 300 is AC 02 as a varint (Protocol Buffers, Encoding).
        assert_eq!(bytes[54..60], [0x08, 0xac, 0x02, 0x10, 0xad, 0x02]);
        assert_eq!(bytes[60..62], [0x22, 14]);
        assert_eq!(bytes[62..67], [0x0d, 0, 0, 0x80, 0x3f], "model_size_mb 1.0");
        assert_eq!(bytes[67..71], [0x10, 1, 0x18, 1]);
        assert_eq!(bytes[71..76], [0x25, 0, 0, 0, 0x40], "2 MB a second");
    }
}
