//! Every row of the tables on the layers of MobileNetV2 0.35 at 96 x 96 and MobileNetV1 0.25 at 224 x 224.
//! Throughput is in operations, a multiply-accumulate being two: `Gelem/s` are GOPS. Name a part to run only that, for
//! instance `cargo bench -p edgebench-kernels --bench layers -- i8/pointwise`. How near that is to the CPU's peak: the bench
//! `shares`; operators without weights: the bench `elements`.

use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use edgebench_kernels::reference::integer::{ConvInteger, Rescale, Walk};
use edgebench_kernels::spec::{
    ConvF32, ConvHybrid, ConvI8, FilterScales, FloatWeights, FullyConnectedF32, FullyConnectedHybrid,
    FullyConnectedI8, FullyConnectedRealI8, InputQuantization, OutputStage, RealStage,
};
use edgebench_kernels::table::{
    CONV_2D_F32, CONV_2D_HYBRID, CONV_2D_I8, CONV_2D_I16, CONV_2D_I16_NARROW, DEPTHWISE_CONV_2D_F32,
    DEPTHWISE_CONV_2D_HYBRID, DEPTHWISE_CONV_2D_I8, FULLY_CONNECTED_F32, FULLY_CONNECTED_HYBRID,
    FULLY_CONNECTED_I8, FULLY_CONNECTED_REAL_I8, PackConvF32, PackConvHybrid, PackConvI8, PackConvInteger,
    Table,
};
use edgebench_kernels::{
    Clamp, Conv2dShape, FullyConnectedShape, Multiplier, Packed, Row, SCRATCH_ALIGN, Window2d,
};

/// A layer: its name and geometry.
struct Layer {
    name: &'static str,
    shape: Conv2dShape,
    depthwise: bool,
}

/// A SAME layer on a square image.
fn layer(name: &'static str, size: usize, channels: (usize, usize), filter: usize, stride: usize) -> Layer {
    let out = size.div_ceil(stride);
    let padding = ((out - 1) * stride + filter).saturating_sub(size);
    let depthwise = name.starts_with("depthwise");
    let shape = Conv2dShape {
        batch: 1,
        in_height: size,
        in_width: size,
        in_channels: channels.0,
        out_height: out,
        out_width: out,
        out_channels: channels.1,
        groups: if depthwise { channels.0 } else { 1 },
        window: Window2d {
            filter_height: filter,
            filter_width: filter,
            stride_height: stride,
            stride_width: stride,
            pad_top: padding / 2,
            pad_left: padding / 2,
            ..Window2d::POINT
        },
    };
    Layer { name, shape, depthwise }
}

/// First layers, a wide and a narrow pointwise layer of each network, and depthwise layers of both strides.
fn layers() -> Vec<Layer> {
    vec![
        layer("first v1 224", 224, (3, 8), 3, 2),
        layer("first v2 96", 96, (3, 16), 3, 2),
        layer("pointwise v1 56", 56, (32, 32), 1, 1),
        layer("pointwise v1 14", 14, (128, 128), 1, 1),
        layer("pointwise v2 24", 24, (8, 48), 1, 1),
        layer("pointwise v2 6", 6, (32, 192), 1, 1),
        layer("pointwise v2 3", 3, (112, 1280), 1, 1),
        layer("depthwise v1 112", 112, (8, 8), 3, 1),
        layer("depthwise v1 14", 14, (128, 128), 3, 1),
        layer("depthwise v2 48", 48, (48, 48), 3, 2),
        layer("depthwise v2 6", 6, (192, 192), 3, 1),
    ]
}

/// A sequence of numbers that no kernel can profit from.
fn bytes(len: usize) -> Vec<i8> {
    (0..len as u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as i8).collect()
}

fn floats(len: usize) -> Vec<f32> {
    bytes(len).into_iter().map(|byte| f32::from(byte) / 128.0).collect()
}

fn macs(layer: &Layer) -> u64 {
    if layer.depthwise { layer.shape.depthwise_macs() } else { layer.shape.macs() }
}

fn filter_len(layer: &Layer) -> usize {
    if layer.depthwise { layer.shape.depthwise_filter_len() } else { layer.shape.filter_len() }
}

/// Measures one packed kernel.
fn measure<In, Out: Copy + Default>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    (set, name): (&str, &str),
    macs: u64,
    kernel: &dyn Packed<In, Out>,
    input: &[In],
) {
    let mut memory = vec![0u8; kernel.scratch_bytes() + SCRATCH_ALIGN];
    let start = memory.as_ptr().align_offset(SCRATCH_ALIGN);
    let scratch = &mut memory[start..start + kernel.scratch_bytes()];
    let mut output = vec![Out::default(); kernel.rows() * kernel.row_len()];
    group.throughput(Throughput::Elements(2 * macs));
    group.bench_function(BenchmarkId::new(name, set), |bencher| {
        bencher.iter(|| kernel.run(input, 0..kernel.rows(), scratch, &mut output));
    });
}

fn available<F>(table: &Table<F>) -> impl Iterator<Item = &'static Row<F>> {
    table.rows.iter().filter(|row| row.set.is_available())
}

fn group<'a>(criterion: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(300));
    group
}

fn table_i8(layer: &Layer) -> &'static Table<PackConvI8> {
    if layer.depthwise { &DEPTHWISE_CONV_2D_I8 } else { &CONV_2D_I8 }
}

fn table_f32(layer: &Layer) -> &'static Table<PackConvF32> {
    if layer.depthwise { &DEPTHWISE_CONV_2D_F32 } else { &CONV_2D_F32 }
}

fn table_hybrid(layer: &Layer) -> &'static Table<PackConvHybrid> {
    if layer.depthwise { &DEPTHWISE_CONV_2D_HYBRID } else { &CONV_2D_HYBRID }
}

fn convolutions_i8(criterion: &mut Criterion) {
    let mut group = group(criterion, "i8");
    for layer in layers() {
        let (filter, input) = (bytes(filter_len(&layer)), bytes(layer.shape.input_len()));
        let multipliers = vec![Multiplier { mantissa: 1_518_500_250, shift: -8 }; layer.shape.out_channels];
        let spec = ConvI8 {
            shape: layer.shape,
            filter: &filter,
            bias: None,
            input_zero_point: -5,
            output: OutputStage { multipliers: &multipliers, zero_point: 3, activation: Clamp::<i8>::NONE },
        };
        for row in available(table_i8(&layer)) {
            let kernel = (row.kernel)(&spec);
            measure(&mut group, (row.set.name(), layer.name), macs(&layer), &*kernel, &input);
        }
    }
}

fn convolutions_f32(criterion: &mut Criterion) {
    let mut group = group(criterion, "f32");
    for layer in layers() {
        let (filter, input) = (floats(filter_len(&layer)), floats(layer.shape.input_len()));
        let spec = ConvF32 {
            shape: layer.shape,
            filter: FloatWeights::F32(&filter),
            bias: None,
            activation: Clamp { min: 0.0, max: 6.0 },
        };
        for row in available(table_f32(&layer)) {
            let kernel = (row.kernel)(&spec);
            measure(&mut group, (row.set.name(), layer.name), macs(&layer), &*kernel, &input);
        }
    }
}

fn convolutions_hybrid(criterion: &mut Criterion) {
    let mut group = group(criterion, "hybrid");
    for layer in layers() {
        let (filter, input) = (bytes(filter_len(&layer)), floats(layer.shape.input_len()));
        let spec = ConvHybrid {
            shape: layer.shape,
            filter: &filter,
            filter_scales: FilterScales::PerTensor(0.01),
            bias: None,
            input: InputQuantization::Asymmetric,
            activation: Clamp { min: 0.0, max: 6.0 },
        };
        for row in available(table_hybrid(&layer)) {
            let kernel = (row.kernel)(&spec);
            measure(&mut group, (row.set.name(), layer.name), macs(&layer), &*kernel, &input);
        }
    }
}

fn convolutions_i16(criterion: &mut Criterion) {
    let mut group = group(criterion, "i16");
    for layer in layers() {
        let filter = bytes(filter_len(&layer));
        let input: Vec<i16> =
            bytes(layer.shape.input_len()).into_iter().map(|byte| i16::from(byte) * 255).collect();
        let multipliers = vec![Multiplier { mantissa: 1_518_500_250, shift: -8 }; layer.shape.out_channels];
        let walk = if layer.depthwise { Walk::Depthwise } else { Walk::Conv };
        wide(
            &mut group,
            &layer,
            ("64-bit sums", &CONV_2D_I16),
            spec_i16(&layer, walk, &filter, &multipliers),
            &input,
        );
        let narrow = spec_i16(&layer, walk, &filter, &multipliers);
        wide(&mut group, &layer, ("32-bit sums", &CONV_2D_I16_NARROW), narrow, &input);
    }
}

fn spec_i16<'a, S>(
    layer: &Layer,
    walk: Walk,
    filter: &'a [i8],
    multipliers: &'a [Multiplier],
) -> ConvInteger<'a, i8, S> {
    ConvInteger {
        shape: layer.shape,
        walk,
        filter,
        filter_zero_point: 0,
        bias: None,
        input_zero_point: 0,
        rescale: Rescale::Fixed(multipliers),
        output_zero_point: 0,
        activation: Clamp { min: -32_768, max: 32_767 },
    }
}

fn wide<S>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    layer: &Layer,
    (sums, table): (&str, &Table<PackConvInteger<S>>),
    spec: ConvInteger<'_, i8, S>,
    input: &[i16],
) {
    for row in table.rows.iter().filter(|row| row.set.is_available()) {
        let name = format!("{} {sums}", layer.name);
        measure(group, (row.set.name(), &name), macs(layer), &*(row.kernel)(&spec), input);
    }
}

fn fully_connected_i8(criterion: &mut Criterion) {
    let mut group = group(criterion, "fully connected");
    let shape = FullyConnectedShape { batch: 1, in_features: 1280, out_features: 1000 };
    let (weights, input) = (bytes(1280 * 1000), bytes(1280));
    let multipliers = vec![Multiplier { mantissa: 1_518_500_250, shift: -8 }; 1000];
    let spec = FullyConnectedI8 {
        shape,
        filter: &weights,
        bias: None,
        input_zero_point: -5,
        output: OutputStage { multipliers: &multipliers, zero_point: 3, activation: Clamp::<i8>::NONE },
    };
    for row in available(&FULLY_CONNECTED_I8) {
        measure(&mut group, (row.set.name(), "i8 fixed"), shape.macs(), &*(row.kernel)(&spec), &input);
    }
    let spec = FullyConnectedHybrid {
        shape,
        filter: &weights,
        filter_scales: FilterScales::PerTensor(0.01),
        bias: None,
        input: InputQuantization::Symmetric,
        activation: Clamp::<f32>::NONE,
    };
    let input = floats(1280);
    for row in available(&FULLY_CONNECTED_HYBRID) {
        measure(&mut group, (row.set.name(), "hybrid"), shape.macs(), &*(row.kernel)(&spec), &input);
    }
}

fn fully_connected(criterion: &mut Criterion) {
    let mut group = group(criterion, "fully connected");
    let shape = FullyConnectedShape { batch: 1, in_features: 1280, out_features: 1000 };
    let (weights, input) = (bytes(1280 * 1000), bytes(1280));
    let factors = vec![0.002_8; 1000];
    let spec = FullyConnectedRealI8 {
        shape,
        filter: &weights,
        bias: None,
        input_zero_point: -5,
        output: RealStage { factors: &factors, zero_point: 3, activation: Clamp::<i8>::NONE },
    };
    for row in available(&FULLY_CONNECTED_REAL_I8) {
        measure(&mut group, (row.set.name(), "i8"), shape.macs(), &*(row.kernel)(&spec), &input);
    }
    let (weights, input) = (floats(1280 * 1000), floats(1280));
    let spec = FullyConnectedF32 {
        shape,
        filter: FloatWeights::F32(&weights),
        bias: None,
        activation: Clamp::<f32>::NONE,
    };
    for row in available(&FULLY_CONNECTED_F32) {
        measure(&mut group, (row.set.name(), "f32"), shape.macs(), &*(row.kernel)(&spec), &input);
    }
}

criterion_group!(
    benches,
    convolutions_i8,
    convolutions_f32,
    convolutions_hybrid,
    convolutions_i16,
    fully_connected_i8,
    fully_connected
);
criterion_main!(benches);
