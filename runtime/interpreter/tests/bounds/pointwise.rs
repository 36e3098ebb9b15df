//! Operators on single elements: functions of one value and of two.

use edgebench_schema::tflite::{BuiltinOperator as Op, *};

use crate::build::{Net, table};
use crate::measure::{Draw, Exact, Subject, Unit};
use crate::random::Random;

/// Elements of one draw.
const COUNT: usize = 96;

fn boxed<T: Default>(wrap: fn(Box<T>) -> BuiltinOptionsT) -> BuiltinOptionsT {
    wrap(Box::default())
}

pub(crate) fn values(random: &mut Random, count: usize, low: f32, high: f32) -> Vec<f32> {
    (0..count).map(|_| random.between(low, high)).collect()
}

fn unary(
    random: &mut Random,
    op: Op,
    options: BuiltinOptionsT,
    range: (f32, f32),
    exact: fn(f64) -> f64,
) -> Draw {
    let mut net = Net::new();
    let shape = [COUNT as i32];
    let (input, output) = (net.floats(&shape), net.floats(&shape));
    net.node(op, &[input], &[output], options);
    net.door(&[input], &[output]);
    let values = values(random, COUNT, range.0, range.1);
    let expected = values.iter().map(|value| Exact::ulp(exact(f64::from(*value)))).collect();
    Draw { file: net.bytes(), inputs: vec![values], expected }
}

fn binary(
    random: &mut Random,
    op: Op,
    options: BuiltinOptionsT,
    ranges: [(f32, f32); 2],
    exact: fn(f64, f64) -> f64,
) -> Draw {
    let mut net = Net::new();
    let shape = [COUNT as i32];
    let (left, right, output) = (net.floats(&shape), net.floats(&shape), net.floats(&shape));
    net.node(op, &[left, right], &[output], options);
    net.door(&[left, right], &[output]);
    let inputs: Vec<Vec<f32>> = ranges.iter().map(|range| values(random, COUNT, range.0, range.1)).collect();
    let pairs = inputs[0].iter().zip(&inputs[1]);
    let expected = pairs.map(|(l, r)| Exact::ulp(exact(f64::from(*l), f64::from(*r)))).collect();
    Draw { file: net.bytes(), inputs, expected }
}

fn gelu(random: &mut Random, approximate: bool, least: f32) -> Draw {
    let options = BuiltinOptionsT::GeluOptions(Box::new(table!(GeluOptionsT { approximate: approximate })));
    let exact: fn(f64) -> f64 = match approximate {
        false => |x| 0.5 * x * libm::erfc(-x / std::f64::consts::SQRT_2),
        // Half of one plus a tangent is a logistic of twice the argument: nothing cancels.
        true => |x| {
            let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x);
            x / (1.0 + (-2.0 * inner).exp())
        },
    };
    unary(random, Op::GELU, options, (least, 8.0), exact)
}

fn subject(
    operator: &'static str,
    inputs: &'static str,
    bound: f64,
    draw: fn(&mut Random) -> Draw,
) -> Subject {
    Subject { operator, inputs, unit: Unit::Ulp, bound, draw }
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn hard_swish(x: f64) -> f64 {
    x * (x + 3.0).clamp(0.0, 6.0) / 6.0
}

pub(crate) fn subjects() -> Vec<Subject> {
    const NONE: BuiltinOptionsT = BuiltinOptionsT::NONE;
    const WIDE: (f32, f32) = (-100.0, 100.0);
    vec![
        subject("EXP", "-20 to 20", 1.0, |r| {
            unary(r, Op::EXP, boxed(BuiltinOptionsT::ExpOptions), (-20.0, 20.0), f64::exp)
        }),
        subject("LOG", "0.001 to 100", 1.0, |r| unary(r, Op::LOG, NONE, (0.001, 100.0), f64::ln)),
        subject("SQRT", "0 to 100", 0.5, |r| unary(r, Op::SQRT, NONE, (0.0, 100.0), f64::sqrt)),
        subject("RSQRT", "0.001 to 100", 2.0, |r| {
            unary(r, Op::RSQRT, NONE, (0.001, 100.0), |x| 1.0 / x.sqrt())
        }),
        subject("SIN", "-100 to 100", 1.0, |r| unary(r, Op::SIN, NONE, WIDE, f64::sin)),
        subject("COS", "-100 to 100", 1.0, |r| {
            unary(r, Op::COS, boxed(BuiltinOptionsT::CosOptions), WIDE, f64::cos)
        }),
        subject("TANH", "-10 to 10", 2.5, |r| unary(r, Op::TANH, NONE, (-10.0, 10.0), f64::tanh)),
        subject("LOGISTIC", "-9 to 20", 3.0, |r| unary(r, Op::LOGISTIC, NONE, (-9.0, 20.0), logistic)),
        // LiteRT takes the power of e alone from there on, and so it is here: off by its own size.
        subject("LOGISTIC", "-20 to -9", 2100.0, |r| unary(r, Op::LOGISTIC, NONE, (-20.0, -9.0), logistic)),
        subject("ELU", "-10 to 10", 1.0, |r| {
            unary(r, Op::ELU, NONE, (-10.0, 10.0), |x| if x < 0.0 { x.exp_m1() } else { x })
        }),
        subject("GELU", "-4 to 8", 32.0, |r| gelu(r, false, -4.0)),
        // One plus the tangent cancels below 0, as in LiteRT.
        subject("GELU, by tanh", "-2 to 8", 64.0, |r| gelu(r, true, -2.0)),
        subject("HARD_SWISH", "-6 to 6", 3.0, |r| {
            unary(r, Op::HARD_SWISH, boxed(BuiltinOptionsT::HardSwishOptions), (-6.0, 6.0), hard_swish)
        }),
        subject("SQUARE", "-100 to 100", 0.5, |r| {
            unary(r, Op::SQUARE, boxed(BuiltinOptionsT::SquareOptions), WIDE, |x| x * x)
        }),
        subject("ADD", "-100 to 100", 0.5, |r| {
            binary(r, Op::ADD, boxed(BuiltinOptionsT::AddOptions), [WIDE; 2], |l, r| l + r)
        }),
        subject("SUB", "-100 to 100", 0.5, |r| {
            binary(r, Op::SUB, boxed(BuiltinOptionsT::SubOptions), [WIDE; 2], |l, r| l - r)
        }),
        subject("MUL", "-100 to 100", 0.5, |r| {
            binary(r, Op::MUL, boxed(BuiltinOptionsT::MulOptions), [WIDE; 2], |l, r| l * r)
        }),
        subject("DIV", "-100 to 100 by 0.01 to 10", 0.5, |r| {
            binary(r, Op::DIV, boxed(BuiltinOptionsT::DivOptions), [WIDE, (0.01, 10.0)], |l, r| l / r)
        }),
        subject("SQUARED_DIFFERENCE", "-100 to 100", 3.0, |r| {
            let options = boxed(BuiltinOptionsT::SquaredDifferenceOptions);
            binary(r, Op::SQUARED_DIFFERENCE, options, [WIDE; 2], |l, r| (l - r) * (l - r))
        }),
        subject("POW", "0.01 to 10 to the -4 to 4", 1.0, |r| {
            binary(r, Op::POW, boxed(BuiltinOptionsT::PowOptions), [(0.01, 10.0), (-4.0, 4.0)], f64::powf)
        }),
        subject("ATAN2", "-100 to 100", 2.0, |r| binary(r, Op::ATAN2, NONE, [WIDE; 2], f64::atan2)),
    ]
}
