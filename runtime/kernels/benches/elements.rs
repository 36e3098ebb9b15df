//! Every row of the tables of operators without weights, on an image of 28 x 28 x 128 as MobileNets have them in their
//! middle. Throughput is in bytes read and written, for such operators should go at the speed of memory.
//! `cargo bench -p edgebench-kernels --bench elements -- ADD`. A table that is forgotten here ends the program.

use std::collections::BTreeSet;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use edgebench_kernels::reference::binary::{AddI8, MulI8};
use edgebench_kernels::reference::hard_swish::HardSwish;
use edgebench_kernels::reference::lookup::Table256;
use edgebench_kernels::reference::mean::MeanQuantized;
use edgebench_kernels::reference::quantize::Requantize;
use edgebench_kernels::reference::resize::Resize;
use edgebench_kernels::reference::softmax::SoftmaxQuantized;
use edgebench_kernels::table::*;
use edgebench_kernels::{Broadcast, Clamp, Multiplier, Pool2dShape, Window2d};

const SIZE: usize = 28;
const CHANNELS: usize = 128;
const ELEMENTS: usize = SIZE * SIZE * CHANNELS;

/// A scale between two quantizations that is no power of two.
const MULTIPLIER: Multiplier = Multiplier { mantissa: 1_518_500_250, shift: 0 };

/// Values, and room for results.
struct Data {
    bytes: Vec<i8>,
    others: Vec<i8>,
    unsigned: Vec<u8>,
    floats: Vec<f32>,
    other_floats: Vec<f32>,
    out_bytes: Vec<i8>,
    out_unsigned: Vec<u8>,
    out_floats: Vec<f32>,
}

impl Data {
    fn new() -> Self {
        let bytes: Vec<i8> =
            (0..ELEMENTS as u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as i8).collect();
        let floats: Vec<f32> = bytes.iter().map(|byte| f32::from(*byte) / 32.0).collect();
        Self {
            others: bytes.iter().rev().copied().collect(),
            unsigned: bytes.iter().map(|byte| *byte as u8).collect(),
            other_floats: floats.iter().rev().copied().collect(),
            // Four times as much: resizing doubles both sides.
            out_bytes: vec![0; 4 * ELEMENTS],
            out_unsigned: vec![0; ELEMENTS],
            out_floats: vec![0.0; 4 * ELEMENTS],
            bytes,
            floats,
        }
    }
}

/// What is measured, and which tables were.
struct Bench<'c> {
    criterion: &'c mut Criterion,
    seen: BTreeSet<(&'static str, &'static str)>,
}

impl Bench<'_> {
    /// Measures every row that this CPU can run; `bytes` are read and written.
    fn rows<F: Copy>(&mut self, table: &Table<F>, bytes: usize, mut run: impl FnMut(F)) {
        self.seen.insert((table.operator, table.types));
        let mut group = self.criterion.benchmark_group(format!("{} {}", table.operator, table.types));
        group
            .sample_size(10)
            .warm_up_time(Duration::from_millis(50))
            .measurement_time(Duration::from_millis(200))
            .throughput(Throughput::Bytes(bytes as u64));
        for row in table.rows.iter().filter(|row| row.set.is_available()) {
            group.bench_function(BenchmarkId::from_parameter(row.set.name()), |bencher| {
                bencher.iter(|| run(row.kernel));
            });
        }
    }

    /// Tables of operators with weights are the bench `layers`'.
    fn check_complete(&self) {
        let with_weights = ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"];
        let all: BTreeSet<_> = list().into_iter().map(|row| (row.operator, row.types)).collect();
        let missing: Vec<_> =
            all.difference(&self.seen).filter(|(one, _)| !with_weights.contains(one)).collect();
        assert!(missing.is_empty(), "tables without a bench: {missing:?}");
    }
}

fn elements(criterion: &mut Criterion) {
    let mut bench = Bench { criterion, seen: BTreeSet::new() };
    let mut data = Data::new();
    sums(&mut bench, &mut data);
    pools(&mut bench, &mut data);
    images(&mut bench, &mut data);
    rows_of_scores(&mut bench, &mut data);
    curves(&mut bench, &mut data);
    quantizations(&mut bench, &mut data);
    bench.check_complete();
}

fn sums(bench: &mut Bench<'_>, data: &mut Data) {
    let walk = Broadcast::new(&[ELEMENTS], &[ELEMENTS]).expect("equal shapes");
    let (out, left, right) = (&mut data.out_floats[..ELEMENTS], &data.floats, &data.other_floats);
    for table in [&ADD_F32, &SUB_F32, &MUL_F32] {
        bench.rows(table, 12 * ELEMENTS, |kernel| kernel(Clamp::<f32>::NONE, &walk, left, right, out));
    }
    let constants = AddI8 {
        left_zero_point: 3,
        right_zero_point: -7,
        output_zero_point: 5,
        left_shift: 20,
        left: MULTIPLIER,
        right: Multiplier { mantissa: 1_234_567_890, shift: -1 },
        output: Multiplier { mantissa: 1_518_500_250, shift: -18 },
        activation: Clamp::<i8>::NONE,
    };
    let (out, left, right) = (&mut data.out_bytes[..ELEMENTS], &data.bytes, &data.others);
    for table in [&ADD_I8, &SUB_I8] {
        bench.rows(table, 3 * ELEMENTS, |kernel| kernel(&constants, &walk, left, right, out));
    }
    let constants = MulI8 {
        left_zero_point: 3,
        right_zero_point: -7,
        output_zero_point: 5,
        output: Multiplier { mantissa: 1_518_500_250, shift: -6 },
        activation: Clamp::<i8>::NONE,
    };
    bench.rows(&MUL_I8, 3 * ELEMENTS, |kernel| kernel(&constants, &walk, left, right, out));
}

fn pools(bench: &mut Bench<'_>, data: &mut Data) {
    let shape = Pool2dShape {
        batch: 1,
        in_height: SIZE,
        in_width: SIZE,
        out_height: SIZE / 2,
        out_width: SIZE / 2,
        channels: CHANNELS,
        window: Window2d {
            filter_height: 2,
            filter_width: 2,
            stride_height: 2,
            stride_width: 2,
            ..Window2d::POINT
        },
    };
    let moved = ELEMENTS + ELEMENTS / 4;
    let (out, input) = (&mut data.out_floats[..ELEMENTS / 4], &data.floats);
    for table in [&AVERAGE_POOL_2D_F32, &MAX_POOL_2D_F32] {
        bench.rows(table, 4 * moved, |kernel| kernel(&shape, Clamp::<f32>::NONE, input, out));
    }
    let (out, input) = (&mut data.out_bytes[..ELEMENTS / 4], &data.bytes);
    for table in [&AVERAGE_POOL_2D_I8, &MAX_POOL_2D_I8] {
        bench.rows(table, moved, |kernel| kernel(&shape, Clamp::<i8>::NONE, input, out));
    }
}

fn images(bench: &mut Bench<'_>, data: &mut Data) {
    let shape = Resize {
        batch: 1,
        from: [SIZE; 2],
        to: [2 * SIZE; 2],
        channels: CHANNELS,
        align_corners: false,
        half_pixel_centers: true,
    };
    let moved = 5 * ELEMENTS;
    bench.rows(&RESIZE_BILINEAR_F32, 4 * moved, |kernel| kernel(&shape, &data.floats, &mut data.out_floats));
    bench.rows(&RESIZE_BILINEAR_I8, moved, |kernel| kernel(&shape, &data.bytes, &mut data.out_bytes));
    let (dims, reduced) = ([1, SIZE, SIZE, CHANNELS], [false, true, true, false]);
    let constants = MeanQuantized { input_zero_point: 3, output_zero_point: -5, rescale: MULTIPLIER };
    let mut sums = vec![0; CHANNELS];
    bench.rows(&MEAN_F32, 4 * ELEMENTS, |kernel| {
        kernel(&dims, &reduced, &data.floats, &mut data.out_floats[..CHANNELS]);
    });
    bench.rows(&MEAN_I8, ELEMENTS, |kernel| {
        kernel(&constants, &dims, &reduced, &data.bytes, &mut sums, &mut data.out_bytes[..CHANNELS]);
    });
}

fn rows_of_scores(bench: &mut Bench<'_>, data: &mut Data) {
    let (floats, bytes) = (&mut data.out_floats[..ELEMENTS], &mut data.out_bytes[..ELEMENTS]);
    bench.rows(&SOFTMAX_F32, 8 * ELEMENTS, |kernel| kernel(1.0, CHANNELS, &data.floats, floats));
    // beta * scale = 1 / 16, as `CalculateInputRadius` of LiteRT has it.
    let constants = SoftmaxQuantized { input_mantissa: 1 << 30, input_left_shift: 23, diff_min: -248 };
    bench.rows(&SOFTMAX_I8, 2 * ELEMENTS, |kernel| kernel(&constants, CHANNELS, &data.bytes, bytes));
}

fn curves(bench: &mut Bench<'_>, data: &mut Data) {
    let (floats, bytes) = (&mut data.out_floats[..ELEMENTS], &mut data.out_bytes[..ELEMENTS]);
    for table in [&LOGISTIC_F32, &HARD_SWISH_F32] {
        bench.rows(table, 8 * ELEMENTS, |kernel| kernel(&data.floats, floats));
    }
    bench.rows(&RELU_F32, 8 * ELEMENTS, |kernel| kernel(Clamp { min: 0.0, max: 6.0 }, &data.floats, floats));
    let table = Table256(core::array::from_fn(|index| (index as u8).wrapping_mul(37) as i8));
    bench.rows(&LOGISTIC_I8, 2 * ELEMENTS, |kernel| kernel(&table, &data.bytes, bytes));
    let rescale = Requantize { input_zero_point: 3, multiplier: MULTIPLIER, output_zero_point: -5 };
    bench.rows(&RELU_I8, 2 * ELEMENTS, |kernel| {
        kernel(&rescale, Clamp { min: -5, max: 100 }, &data.bytes, bytes);
    });
    let constants = HardSwish {
        input_zero_point: 3,
        output_zero_point: -5,
        output_mantissa: 23_170,
        output_exponent: -1,
        reluish_mantissa: 23_170,
        reluish_exponent: 2,
    };
    bench.rows(&HARD_SWISH_I8, 2 * ELEMENTS, |kernel| kernel(&constants, &data.bytes, bytes));
}

fn quantizations(bench: &mut Bench<'_>, data: &mut Data) {
    let (floats, bytes) = (&mut data.out_floats[..ELEMENTS], &mut data.out_bytes[..ELEMENTS]);
    let unsigned = &mut data.out_unsigned[..];
    bench.rows(&QUANTIZE_F32_I8, 5 * ELEMENTS, |kernel| kernel(0.031, 3, &data.floats, bytes));
    bench.rows(&QUANTIZE_F32_U8, 5 * ELEMENTS, |kernel| kernel(0.031, 131, &data.floats, unsigned));
    let rescale = Requantize { input_zero_point: 3, multiplier: MULTIPLIER, output_zero_point: -5 };
    bench.rows(&QUANTIZE_I8_I8, 2 * ELEMENTS, |kernel| kernel(&rescale, &data.bytes, bytes));
    bench.rows(&QUANTIZE_I8_U8, 2 * ELEMENTS, |kernel| kernel(&rescale, &data.bytes, unsigned));
    bench.rows(&QUANTIZE_U8_I8, 2 * ELEMENTS, |kernel| kernel(&rescale, &data.unsigned, bytes));
    bench.rows(&DEQUANTIZE_I8, 5 * ELEMENTS, |kernel| kernel(0.031, 3, &data.bytes, floats));
    bench.rows(&DEQUANTIZE_U8, 5 * ELEMENTS, |kernel| kernel(0.031, 131, &data.unsigned, floats));
}

criterion_group!(benches, elements);
criterion_main!(benches);
