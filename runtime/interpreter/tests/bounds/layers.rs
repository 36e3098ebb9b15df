//! Operators that add many terms up: convolutions, products of matrices, means, and what is divided by sums.

use edgebench_schema::tflite::{BuiltinOperator as Op, *};

use crate::build::{Net, table};
use crate::measure::{Draw, Exact, Subject, Unit};
use crate::pointwise::values;
use crate::random::Random;

fn size(random: &mut Random, most: u64) -> usize {
    1 + random.below(most) as usize
}

fn dims(sizes: &[usize]) -> Vec<i32> {
    sizes.iter().map(|size| *size as i32).collect()
}

/// Products of pairs, and one more term.
fn products(pairs: impl Iterator<Item = (f32, f32)>, bias: f32) -> Exact {
    let products = pairs.map(|(left, right)| f64::from(left) * f64::from(right));
    Exact::sum(products.chain([f64::from(bias)]))
}

fn fully_connected(random: &mut Random) -> Draw {
    let [batch, depth, outputs] = [3, 150, 40].map(|most| size(random, most));
    let input = values(random, batch * depth, -2.0, 2.0);
    let weights = values(random, outputs * depth, -1.0, 1.0);
    let bias = values(random, outputs, -1.0, 1.0);
    let mut net = Net::new();
    let (x, y) = (net.floats(&dims(&[batch, depth])), net.floats(&dims(&[batch, outputs])));
    let w = net.float_constant(&dims(&[outputs, depth]), &weights);
    let b = net.float_constant(&dims(&[outputs]), &bias);
    net.node(Op::FULLY_CONNECTED, &[x, w, b], &[y], BuiltinOptionsT::FullyConnectedOptions(Box::default()));
    net.door(&[x], &[y]);
    let mut expected = Vec::new();
    for row in input.chunks(depth) {
        for (filter, bias) in weights.chunks(depth).zip(&bias) {
            expected.push(products(row.iter().copied().zip(filter.iter().copied()), *bias));
        }
    }
    Draw { file: net.bytes(), inputs: vec![input], expected }
}

fn batch_matmul(random: &mut Random) -> Draw {
    let [batch, rows, depth, columns] = [2, 6, 60, 7].map(|most| size(random, most));
    let left = values(random, batch * rows * depth, -2.0, 2.0);
    let right = values(random, batch * depth * columns, -2.0, 2.0);
    let mut net = Net::new();
    let inputs = [net.floats(&dims(&[batch, rows, depth])), net.floats(&dims(&[batch, depth, columns]))];
    let output = net.floats(&dims(&[batch, rows, columns]));
    net.node(Op::BATCH_MATMUL, &inputs, &[output], BuiltinOptionsT::BatchMatMulOptions(Box::default()));
    net.door(&inputs, &[output]);
    let mut expected = Vec::new();
    for (row, values) in left.chunks(depth).enumerate() {
        let matrix = &right[row / rows * depth * columns..][..depth * columns];
        for column in 0..columns {
            let pairs = values.iter().zip(matrix[column..].iter().step_by(columns));
            expected.push(products(pairs.map(|(l, r)| (*l, *r)), 0.0));
        }
    }
    Draw { file: net.bytes(), inputs: vec![left, right], expected }
}

/// An image, a filter of VALID padding and stride 1, and for each output its products.
fn convolution(random: &mut Random, is_depthwise: bool) -> Draw {
    let [side, channels] = [6, 20].map(|most| size(random, most));
    let taps = 1 + random.below(side.min(3) as u64) as usize;
    let outputs = if is_depthwise { channels } else { size(random, 20) };
    let own = if is_depthwise { 1 } else { channels };
    let image = values(random, side * side * channels, -2.0, 2.0);
    let filter = values(random, taps * taps * own * outputs, -1.0, 1.0);
    let bias = values(random, outputs, -1.0, 1.0);
    let places = side - taps + 1;
    let mut net = Net::new();
    let (x, y) =
        (net.floats(&dims(&[1, side, side, channels])), net.floats(&dims(&[1, places, places, outputs])));
    let shape = if is_depthwise { [1, taps, taps, outputs] } else { [outputs, taps, taps, own] };
    let (w, b) = (net.float_constant(&dims(&shape), &filter), net.float_constant(&dims(&[outputs]), &bias));
    let (op, options) = if is_depthwise {
        let options = table!(DepthwiseConv2DOptionsT {
            padding: Padding::VALID,
            stride_w: 1,
            stride_h: 1,
            depth_multiplier: 1,
        });
        (Op::DEPTHWISE_CONV_2D, BuiltinOptionsT::DepthwiseConv2DOptions(Box::new(options)))
    } else {
        (Op::CONV_2D, crate::build::conv(Padding::VALID, 1, ActivationFunctionType::NONE))
    };
    net.node(op, &[x, w, b], &[y], options);
    net.door(&[x], &[y]);
    let mut expected = Vec::new();
    for place in 0..places * places {
        for (output, bias) in bias.iter().enumerate() {
            let tap = |tap: usize| {
                let (row, column) = (place / places + tap / taps, place % places + tap % taps);
                let pixel = &image[(row * side + column) * channels..][..channels];
                let pairs: Vec<(f32, f32)> = if is_depthwise {
                    vec![(pixel[output], filter[tap * outputs + output])]
                } else {
                    let weights = &filter[(output * taps * taps + tap) * own..][..own];
                    pixel.iter().copied().zip(weights.iter().copied()).collect()
                };
                pairs
            };
            expected.push(products((0..taps * taps).flat_map(tap), *bias));
        }
    }
    Draw { file: net.bytes(), inputs: vec![image], expected }
}

/// Rows, each of which comes to one number.
fn reduction(random: &mut Random, op: Op, is_mean: bool) -> Draw {
    let [rows, depth] = [6, 200].map(|most| size(random, most));
    let input = values(random, rows * depth, -2.0, 2.0);
    let mut net = Net::new();
    let (x, y) = (net.floats(&dims(&[rows, depth])), net.floats(&dims(&[rows])));
    let axis = net.int32_constant(&[1], &[1]);
    net.node(op, &[x, axis], &[y], BuiltinOptionsT::ReducerOptions(Box::default()));
    net.door(&[x], &[y]);
    // The division is one rounding more.
    let sum = |row: &[f32]| Exact::sum(row.iter().map(|value| f64::from(*value)).chain([0.0]));
    let divisor = if is_mean { depth as f64 } else { 1.0 };
    let expected = input.chunks(depth).map(|row| sum(row).over(divisor)).collect();
    Draw { file: net.bytes(), inputs: vec![input], expected }
}

fn average_pool(random: &mut Random) -> Draw {
    let [side, channels] = [6, 20].map(|most| size(random, most));
    let taps = size(random, side as u64);
    let places = side - taps + 1;
    let image = values(random, side * side * channels, -2.0, 2.0);
    let mut net = Net::new();
    let (x, y) =
        (net.floats(&dims(&[1, side, side, channels])), net.floats(&dims(&[1, places, places, channels])));
    let options = table!(Pool2DOptionsT {
        padding: Padding::VALID,
        stride_w: 1,
        stride_h: 1,
        filter_width: taps as i32,
        filter_height: taps as i32,
    });
    net.node(Op::AVERAGE_POOL_2D, &[x], &[y], BuiltinOptionsT::Pool2DOptions(Box::new(options)));
    net.door(&[x], &[y]);
    let mut expected = Vec::new();
    for place in 0..places * places {
        for channel in 0..channels {
            let value = |tap: usize| {
                let (row, column) = (place / places + tap / taps, place % places + tap % taps);
                f64::from(image[(row * side + column) * channels + channel])
            };
            expected.push(Exact::sum((0..taps * taps).map(value).chain([0.0])).over((taps * taps) as f64));
        }
    }
    Draw { file: net.bytes(), inputs: vec![image], expected }
}

/// Rows that keep their length; `exact` gives the exact row.
fn rows(random: &mut Random, op: Op, options: BuiltinOptionsT, exact: fn(&[f64]) -> Vec<Exact>) -> Draw {
    let [count, depth] = [4, 60].map(|most| size(random, most));
    let input = values(random, count * depth, -8.0, 8.0);
    let mut net = Net::new();
    let (x, y) = (net.floats(&dims(&[count, depth])), net.floats(&dims(&[count, depth])));
    net.node(op, &[x], &[y], options);
    net.door(&[x], &[y]);
    let wide = |row: &[f32]| exact(&row.iter().map(|value| f64::from(*value)).collect::<Vec<_>>());
    let expected = input.chunks(depth).flat_map(wide).collect();
    Draw { file: net.bytes(), inputs: vec![input], expected }
}

fn softmax(row: &[f64]) -> Vec<Exact> {
    let sum: f64 = row.iter().map(|value| value.exp()).sum();
    row.iter().map(|value| Exact::ulp(value.exp() / sum)).collect()
}

fn log_softmax(row: &[f64]) -> Vec<Exact> {
    let greatest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let rest = row.iter().map(|value| (value - greatest).exp()).sum::<f64>().ln();
    // The difference from the greatest, the logarithm, and the sum of at least 1 in it, whose relative error is the absolute
    // one of the logarithm.
    let exact = |value: &f64| {
        let sum = Exact::sum([value - greatest, -rest, 0.0].into_iter());
        Exact { room: sum.room + Exact::sum([1.0; 3].into_iter()).room / 3.0, ..sum }
    };
    row.iter().map(exact).collect()
}

fn l2_norm(row: &[f64]) -> Vec<Exact> {
    let norm = row.iter().map(|value| value * value).sum::<f64>().sqrt();
    row.iter().map(|value| Exact::ulp(value / norm)).collect()
}

pub(crate) fn subjects() -> Vec<Subject> {
    let terms = |operator, inputs, draw| Subject { operator, inputs, unit: Unit::Terms, bound: 1.0, draw };
    vec![
        terms("CONV_2D", "up to 180 products", |r| convolution(r, false)),
        terms("DEPTHWISE_CONV_2D", "up to 9 products", |r| convolution(r, true)),
        terms("FULLY_CONNECTED", "up to 150 products", fully_connected),
        terms("BATCH_MATMUL", "up to 60 products", batch_matmul),
        terms("MEAN", "up to 200 terms", |r| reduction(r, Op::MEAN, true)),
        terms("SUM", "up to 200 terms", |r| reduction(r, Op::SUM, false)),
        terms("AVERAGE_POOL_2D", "up to 36 terms", average_pool),
        Subject {
            bound: 3.0,
            ..terms("LOG_SOFTMAX", "up to 60 values, -8 to 8", |r| {
                rows(r, Op::LOG_SOFTMAX, BuiltinOptionsT::LogSoftmaxOptions(Box::default()), log_softmax)
            })
        },
        Subject {
            unit: Unit::Ulp,
            bound: 24.0,
            ..terms("SOFTMAX", "up to 60 values, -8 to 8", |r| {
                let options = table!(SoftmaxOptionsT { beta: 1.0 });
                rows(r, Op::SOFTMAX, BuiltinOptionsT::SoftmaxOptions(Box::new(options)), softmax)
            })
        },
        Subject {
            unit: Unit::Ulp,
            bound: 8.0,
            ..terms("L2_NORMALIZATION", "up to 60 values, -8 to 8", |r| {
                rows(r, Op::L2_NORMALIZATION, BuiltinOptionsT::L2NormOptions(Box::default()), l2_norm)
            })
        },
    ]
}
