//! How near the kernels come to what one core can do: layers of ResNet-50 and MobileNet for every set of this CPU, beside
//! the peak of multiply-accumulates that the same process measures in turns with them. Prints one line a layer and set:
//! `cargo bench -p edgebench-kernels --bench shares [-- PART]`.
//!
//! GOPS are 10^9 operations a second, a multiply-accumulate being two. Least times count, on both sides, so that the
//! table holds on a machine that others use too.

use std::hint::black_box;
use std::time::{Duration, Instant};

use edgebench_kernels::spec::{
    ConvF32, ConvHybrid, ConvI8, FilterScales, FloatWeights, InputQuantization, OutputStage,
};
use edgebench_kernels::table::{CONV_2D_F32, CONV_2D_HYBRID, CONV_2D_I8, Table};
use edgebench_kernels::{Clamp, Conv2dShape, Multiplier, Packed, Row, SCRATCH_ALIGN, Set, Window2d};

/// Rounds in which peak and kernel take turns.
const ROUNDS: u32 = 12;

/// Least time of one measurement: long beside a look at the clock, short beside a time slice.
const TURN: Duration = Duration::from_millis(2);

fn main() {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with("--")).unwrap_or_default();
    println!("{:34} {:10} {:>8} {:>8} {:>6}", "layer", "kernels", "GOPS", "peak", "share");
    for layer in layers() {
        i8_layer(&layer, &wanted);
        f32_layer(&layer, &wanted);
        hybrid_layer(&layer, &wanted);
    }
}

/// A SAME layer on a square image.
struct Layer {
    name: &'static str,
    shape: Conv2dShape,
}

fn layer(name: &'static str, size: usize, channels: (usize, usize), filter: usize) -> Layer {
    let padding = filter / 2;
    let shape = Conv2dShape {
        batch: 1,
        in_height: size,
        in_width: size,
        in_channels: channels.0,
        out_height: size,
        out_width: size,
        out_channels: channels.1,
        groups: 1,
        window: Window2d {
            filter_height: filter,
            filter_width: filter,
            pad_top: padding,
            pad_left: padding,
            ..Window2d::POINT
        },
    };
    Layer { name, shape }
}

/// One of each kind of each stage of ResNet-50 (He et al. 2015, table 1), and two of MobileNetV1.
fn layers() -> Vec<Layer> {
    vec![
        layer("resnet50 56 64-256 1x1", 56, (64, 256), 1),
        layer("resnet50 56 64-64 3x3", 56, (64, 64), 3),
        layer("resnet50 28 128-512 1x1", 28, (128, 512), 1),
        layer("resnet50 28 128-128 3x3", 28, (128, 128), 3),
        layer("resnet50 14 1024-256 1x1", 14, (1024, 256), 1),
        layer("resnet50 14 256-256 3x3", 14, (256, 256), 3),
        layer("resnet50 7 512-2048 1x1", 7, (512, 2048), 1),
        layer("resnet50 7 512-512 3x3", 7, (512, 512), 3),
        layer("mobilenet_v1 56 128-128 1x1", 56, (128, 128), 1),
        layer("mobilenet_v1 14 512-512 1x1", 14, (512, 512), 1),
    ]
}

fn bytes(len: usize) -> Vec<i8> {
    (0..len as u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as i8).collect()
}

fn floats(len: usize) -> Vec<f32> {
    bytes(len).into_iter().map(|byte| f32::from(byte) / 128.0).collect()
}

fn fast<F>(table: &Table<F>) -> impl Iterator<Item = &'static Row<F>> {
    table.rows.iter().filter(|row| row.set > Set::Reference && row.set.is_available())
}

fn i8_layer(layer: &Layer, wanted: &str) {
    let (filter, input) = (bytes(layer.shape.filter_len()), bytes(layer.shape.input_len()));
    let multipliers = vec![Multiplier { mantissa: 1_518_500_250, shift: -8 }; layer.shape.out_channels];
    let spec = ConvI8 {
        shape: layer.shape,
        filter: &filter,
        bias: None,
        input_zero_point: -5,
        output: OutputStage { multipliers: &multipliers, zero_point: 3, activation: Clamp::<i8>::NONE },
    };
    for row in fast(&CONV_2D_I8) {
        share(layer, ("i8", row.set), wanted, peak::of_bytes(row.set), &*(row.kernel)(&spec), &input);
    }
}

fn f32_layer(layer: &Layer, wanted: &str) {
    let (filter, input) = (floats(layer.shape.filter_len()), floats(layer.shape.input_len()));
    let spec = ConvF32 {
        shape: layer.shape,
        filter: FloatWeights::F32(&filter),
        bias: None,
        activation: Clamp { min: 0.0, max: 6.0 },
    };
    for row in fast(&CONV_2D_F32) {
        share(layer, ("f32", row.set), wanted, peak::of_floats(row.set), &*(row.kernel)(&spec), &input);
    }
}

fn hybrid_layer(layer: &Layer, wanted: &str) {
    let (filter, input) = (bytes(layer.shape.filter_len()), floats(layer.shape.input_len()));
    let spec = ConvHybrid {
        shape: layer.shape,
        filter: &filter,
        filter_scales: FilterScales::PerTensor(0.01),
        bias: None,
        input: InputQuantization::Asymmetric,
        activation: Clamp { min: 0.0, max: 6.0 },
    };
    for row in fast(&CONV_2D_HYBRID) {
        share(layer, ("hybrid", row.set), wanted, peak::of_bytes(row.set), &*(row.kernel)(&spec), &input);
    }
}

/// Measures a kernel and a peak in turns and prints both.
fn share<In, Out: Copy + Default>(
    layer: &Layer,
    (types, set): (&str, Set),
    wanted: &str,
    peak: Option<fn(u64) -> u64>,
    kernel: &dyn Packed<In, Out>,
    input: &[In],
) {
    let name = format!("{types} {}", layer.name);
    if !format!("{name} {}", set.name()).contains(wanted) {
        return;
    }
    let mut memory = vec![0u8; kernel.scratch_bytes() + SCRATCH_ALIGN];
    let start = memory.as_ptr().align_offset(SCRATCH_ALIGN);
    let scratch = &mut memory[start..start + kernel.scratch_bytes()];
    let mut output = vec![Out::default(); kernel.rows() * kernel.row_len()];
    let operations = 2 * layer.shape.macs();
    let mut run = |times: u64| {
        for _ in 0..times {
            kernel.run(input, 0..kernel.rows(), scratch, &mut output);
        }
        operations * times
    };
    let (mut best, mut best_peak) = (0.0f64, 0.0f64);
    let (mut times, mut peak_times) = (1, 1000);
    for _ in 0..ROUNDS {
        best = best.max(gops(&mut run, &mut times));
        if let Some(mut peak) = peak {
            best_peak = best_peak.max(gops(&mut peak, &mut peak_times));
        }
    }
    let share = if best_peak > 0.0 { format!("{:5.1}%", best / best_peak * 100.0) } else { "-".to_owned() };
    println!("{name:34} {:10} {best:8.1} {best_peak:8.1} {share:>6}", set.name());
}

/// Operations a nanosecond of one turn, for which `times` grows until it is long enough.
fn gops(work: &mut dyn FnMut(u64) -> u64, times: &mut u64) -> f64 {
    loop {
        let begun = Instant::now();
        let operations = black_box(work(*times));
        let took = begun.elapsed();
        if took >= TURN || *times > u64::MAX / 4 {
            return operations as f64 / took.as_nanos().max(1) as f64;
        }
        *times *= 2;
    }
}

/// Loops of nothing but multiply-accumulates in registers, on more chains than they have latency.
mod peak {
    use edgebench_kernels::Set;

    /// Accumulators that depend on nothing but themselves: more than latency times ports of any CPU we know.
    #[cfg(target_arch = "x86_64")]
    const CHAINS: usize = 12;

    /// For integers of 8 bits, in the best instruction of the set; none where there is no such loop.
    pub(super) fn of_bytes(set: Set) -> Option<fn(u64) -> u64> {
        #[cfg(target_arch = "x86_64")]
        match set {
            Set::Avx2 => return Some(x86_64::avx2_bytes),
            Set::Avx512Vnni => return Some(x86_64::avx512_bytes),
            _ => {}
        }
        let _ = set;
        None
    }

    /// For floats.
    pub(super) fn of_floats(set: Set) -> Option<fn(u64) -> u64> {
        #[cfg(target_arch = "x86_64")]
        match set {
            Set::Avx2 => return Some(x86_64::avx2_floats),
            Set::Avx512Vnni => return Some(x86_64::avx512_floats),
            _ => {}
        }
        let _ = set;
        None
    }

    #[cfg(target_arch = "x86_64")]
    #[expect(unsafe_code, reason = "instructions of sets that the caller has found on this CPU")]
    mod x86_64 {
        use core::arch::x86_64::*;
        use std::hint::black_box;

        use super::CHAINS;

        /// Makes a loop of `$step` over the chains: returns the operations of `$times` rounds.
        macro_rules! peak {
            ($name:ident, $inside:ident, $features:literal, $lanes:literal, $zero:expr, $step:expr) => {
                pub(super) fn $name(times: u64) -> u64 {
                    #[target_feature(enable = $features)]
                    fn $inside(times: u64) {
                        // Alike, they would be computed once.
                        let mut sums = black_box([$zero; CHAINS]);
                        for _ in 0..times {
                            for sum in &mut sums {
                                *sum = $step(*sum);
                            }
                        }
                        black_box(sums);
                    }
                    // SAFETY: only rows of a set that is available ask for its peak.
                    unsafe { $inside(times) };
                    2 * $lanes * CHAINS as u64 * times
                }
            };
        }

        peak!(avx2_floats, floats_256, "avx2,fma", 8, _mm256_setzero_ps(), |sum| {
            _mm256_fmadd_ps(sum, _mm256_set1_ps(0.5), _mm256_set1_ps(1.0))
        });
        peak!(avx512_floats, floats_512, "avx512f", 16, _mm512_setzero_ps(), |sum| {
            _mm512_fmadd_ps(sum, _mm512_set1_ps(0.5), _mm512_set1_ps(1.0))
        });
        // Pairs of products to 16 bits, pairs of those to 32, and a sum: three instructions for 32 products.
        peak!(avx2_bytes, bytes_256, "avx2", 32, _mm256_setzero_si256(), |sum| {
            let pairs = _mm256_maddubs_epi16(sum, _mm256_set1_epi8(3));
            _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
        });
        peak!(avx512_bytes, bytes_512, "avx512f,avx512vnni", 64, _mm512_setzero_si512(), |sum| {
            _mm512_dpbusd_epi32(sum, _mm512_set1_epi8(3), _mm512_set1_epi8(5))
        });
    }
}
