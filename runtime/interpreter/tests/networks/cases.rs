//! Networks of one operator each, over its types, shapes and options, with arbitrary scales.

use edgebench_schema::tflite::ActivationFunctionType as Activation;
use edgebench_schema::tflite::BuiltinOperator as Operator;
use edgebench_schema::tflite::*;

use crate::build::{Net, table};
use crate::random::Random;

/// How near our outputs must be to LiteRT's.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Agreement {
    /// Every bit.
    Exact,
    /// Float values whose sums may be ordered differently: relative to the largest output.
    Near(f64),
}

/// A network, and what is expected of it.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) net: Net,
    pub(crate) agreement: Agreement,
    /// Half of the range from which float inputs are drawn.
    pub(crate) reach: f32,
}

/// Float outputs of the same sums in the same order; the last bit may differ by the compiler's choice of instructions.
const SUMS: Agreement = Agreement::Near(1e-5);

/// Exponentials: two mathematical libraries.
const EXPONENTIALS: Agreement = Agreement::Near(1e-6);

/// Every case; the seed changes scales and weights.
pub(crate) fn all(seed: u64) -> Vec<Case> {
    let mut cases = Cases { random: Random::new(seed), cases: Vec::new() };
    cases.convolutions();
    cases.fully_connected();
    cases.arithmetic();
    cases.pools();
    cases.means();
    cases.functions();
    cases.layouts();
    cases.conversions();
    cases.cases
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Kind {
    Float,
    Half,
    Int8,
    Int8PerTensor,
    Hybrid,
    HybridPerTensor,
}

struct Window {
    padding: Padding,
    stride: i32,
    dilation: i32,
    filter: i32,
    activation: Activation,
}

struct Cases {
    random: Random,
    cases: Vec<Case>,
}

impl Cases {
    fn push(&mut self, name: impl Into<String>, net: Net, agreement: Agreement) {
        self.cases.push(Case { name: name.into(), net, agreement, reach: 4.0 });
    }

    /// An activation of this kind.
    fn activation(&mut self, net: &mut Net, kind: Kind, shape: &[i32]) -> i32 {
        match kind {
            Kind::Int8 | Kind::Int8PerTensor => {
                let (scale, zero_point) = self.random.scale_zero_point();
                net.quantized(TensorType::INT8, shape, scale, zero_point)
            }
            _ => net.floats(shape),
        }
    }

    fn floats(&mut self, count: i32) -> Vec<f32> {
        (0..count).map(|_| self.random.between(-1.0, 1.0)).collect()
    }

    /// Weights of this kind with `channels` along `axis`.
    fn weights(&mut self, net: &mut Net, kind: Kind, shape: &[i32], axis: usize) -> i32 {
        let count = shape.iter().product();
        match kind {
            Kind::Float => {
                let values = self.floats(count);
                net.float_constant(shape, &values)
            }
            Kind::Half => {
                let half = net.tensor(TensorType::FLOAT16, shape);
                let values = self.floats(count);
                net.fill(half, values.iter().flat_map(|v| half::f16::from_f32(*v).to_le_bytes()).collect());
                let wide = net.floats(shape);
                net.node(Operator::DEQUANTIZE, &[half], &[wide], BuiltinOptionsT::NONE);
                wide
            }
            _ => {
                let per_tensor = matches!(kind, Kind::Int8PerTensor | Kind::HybridPerTensor);
                let scales = if per_tensor { 1 } else { shape[axis] };
                let weights = net.tensor(TensorType::INT8, shape);
                let scales: Vec<f32> = (0..scales).map(|_| self.random.scale()).collect();
                net.set_scales(weights, &scales, &vec![0; scales.len()], axis as i32);
                net.fill(
                    weights,
                    (0..count).map(|_| self.random.below(255).wrapping_sub(127) as u8).collect(),
                )
            }
        }
    }

    /// A bias for the input and weights of a node.
    fn bias(&mut self, net: &mut Net, kind: Kind, input: i32, weights: i32, channels: i32) -> i32 {
        match kind {
            Kind::Int8 | Kind::Int8PerTensor => {
                let values: Vec<i32> =
                    (0..channels).map(|_| self.random.below(20_000) as i32 - 10_000).collect();
                let bias = net.int32_constant(&[channels], &values);
                let input_scale = net.scales(input)[0];
                let scales: Vec<f32> = net.scales(weights).iter().map(|scale| scale * input_scale).collect();
                net.set_scales(bias, &scales, &vec![0; scales.len()], 0);
                bias
            }
            Kind::Half => self.weights(net, Kind::Half, &[channels], 0),
            _ => {
                let values = self.floats(channels);
                net.float_constant(&[channels], &values)
            }
        }
    }

    fn convolutions(&mut self) {
        use Activation as A;
        let windows = [
            (Padding::SAME, 1, 1, 3, A::NONE),
            (Padding::SAME, 2, 1, 3, A::RELU6),
            (Padding::VALID, 1, 1, 1, A::RELU),
            (Padding::VALID, 2, 1, 2, A::NONE),
            (Padding::SAME, 1, 2, 3, A::RELU_N1_TO_1),
            (Padding::SAME, 3, 1, 5, A::NONE),
        ];
        let kinds =
            [Kind::Float, Kind::Half, Kind::Int8, Kind::Int8PerTensor, Kind::Hybrid, Kind::HybridPerTensor];
        for kind in kinds {
            for (padding, stride, dilation, filter, activation) in windows {
                let window = Window { padding, stride, dilation, filter, activation };
                self.conv(kind, &window, 1);
                if matches!(kind, Kind::Float | Kind::Int8) && dilation == 1 {
                    self.conv(kind, &window, 2);
                }
                // LiteRT has no hybrid depthwise kernel for a single scale.
                if kind != Kind::HybridPerTensor {
                    self.depthwise(kind, &window, 1);
                    self.depthwise(kind, &window, 3);
                }
            }
        }
    }

    fn conv(&mut self, kind: Kind, window: &Window, groups: i32) {
        let (channels, out_channels) = (6, 10);
        let mut net = Net::new();
        let input = self.activation(&mut net, kind, &[2, 9, 8, channels]);
        let filter_shape = [out_channels, window.filter, window.filter, channels / groups];
        let filter = self.weights(&mut net, kind, &filter_shape, 0);
        let bias = self.bias(&mut net, kind, input, filter, out_channels);
        let [height, width] = window.output([9, 8]);
        let output = self.activation(&mut net, kind, &[2, height, width, out_channels]);
        self.fit_output(&mut net, kind, input, filter, output, filter_shape[1..].iter().product());
        let options = table!(Conv2DOptionsT {
            padding: window.padding,
            stride_w: window.stride,
            stride_h: window.stride,
            dilation_w_factor: window.dilation,
            dilation_h_factor: window.dilation,
            fused_activation_function: window.activation,
        });
        let options = BuiltinOptionsT::Conv2DOptions(Box::new(options));
        net.node(Operator::CONV_2D, &[input, filter, bias], &[output], options);
        net.door(&[input], &[output]);
        self.push(format!("conv {kind:?} {groups} groups {window}"), net, kind.agreement());
    }

    fn depthwise(&mut self, kind: Kind, window: &Window, multiplier: i32) {
        let (channels, out_channels) = (5, 5 * multiplier);
        let mut net = Net::new();
        let input = self.activation(&mut net, kind, &[2, 9, 8, channels]);
        let filter = self.weights(&mut net, kind, &[1, window.filter, window.filter, out_channels], 3);
        let bias = self.bias(&mut net, kind, input, filter, out_channels);
        let [height, width] = window.output([9, 8]);
        let output = self.activation(&mut net, kind, &[2, height, width, out_channels]);
        self.fit_output(&mut net, kind, input, filter, output, window.filter * window.filter);
        let options = table!(DepthwiseConv2DOptionsT {
            padding: window.padding,
            stride_w: window.stride,
            stride_h: window.stride,
            depth_multiplier: multiplier,
            dilation_w_factor: window.dilation,
            dilation_h_factor: window.dilation,
            fused_activation_function: window.activation,
        });
        let options = BuiltinOptionsT::DepthwiseConv2DOptions(Box::new(options));
        net.node(Operator::DEPTHWISE_CONV_2D, &[input, filter, bias], &[output], options);
        net.door(&[input], &[output]);
        self.push(format!("depthwise {kind:?} x{multiplier} {window}"), net, kind.agreement());
    }

    /// Gives an int8 output a scale in which sums of `depth` products spread over its range instead of saturating.
    fn fit_output(&mut self, net: &mut Net, kind: Kind, input: i32, weights: i32, output: i32, depth: i32) {
        if !matches!(kind, Kind::Int8 | Kind::Int8PerTensor) {
            return;
        }
        let product = net.scales(input)[0] * net.scales(weights)[0];
        let spread = 100.0 * (depth as f32).sqrt() * self.random.between(0.5, 2.0);
        let zero_point = net.zero_point(output);
        net.set_scales(output, &[product * spread], &[zero_point], 0);
    }

    fn fully_connected(&mut self) {
        let kinds =
            [Kind::Float, Kind::Half, Kind::Int8, Kind::Int8PerTensor, Kind::Hybrid, Kind::HybridPerTensor];
        for kind in kinds {
            for (batch, activation) in [(1, Activation::NONE), (3, Activation::RELU)] {
                for asymmetric in [false, true] {
                    let hybrid = matches!(kind, Kind::Hybrid | Kind::HybridPerTensor);
                    if hybrid || asymmetric {
                        self.connected(kind, batch, activation, asymmetric);
                    }
                }
            }
        }
    }

    fn connected(&mut self, kind: Kind, batch: i32, activation: Activation, asymmetric: bool) {
        let (features, out_features) = (70, 19);
        let mut net = Net::new();
        let input = self.activation(&mut net, kind, &[batch, features]);
        let filter = self.weights(&mut net, kind, &[out_features, features], 0);
        let bias = if batch == 1 { -1 } else { self.bias(&mut net, kind, input, filter, out_features) };
        let output = self.activation(&mut net, kind, &[batch, out_features]);
        self.fit_output(&mut net, kind, input, filter, output, features);
        let options = table!(FullyConnectedOptionsT {
            fused_activation_function: activation,
            asymmetric_quantize_inputs: asymmetric && kind != Kind::Half,
        });
        let options = BuiltinOptionsT::FullyConnectedOptions(Box::new(options));
        net.node(Operator::FULLY_CONNECTED, &[input, filter, bias], &[output], options);
        net.door(&[input], &[output]);
        let how = if asymmetric { "asymmetric" } else { "symmetric" };
        self.push(format!("fully connected {kind:?} batch {batch} {how}"), net, kind.agreement());
    }

    fn arithmetic(&mut self) {
        let shapes: [(&[i32], &[i32], &[i32]); 4] = [
            (&[1, 4, 5, 6], &[1, 4, 5, 6], &[1, 4, 5, 6]),
            (&[2, 4, 5, 6], &[1], &[2, 4, 5, 6]),
            (&[1, 4, 1, 6], &[2, 1, 5, 1], &[2, 4, 5, 6]),
            (&[7], &[3, 7], &[3, 7]),
        ];
        for (operator, name) in [(Operator::ADD, "add"), (Operator::SUB, "sub"), (Operator::MUL, "mul")] {
            for kind in [Kind::Float, Kind::Int8] {
                for (index, (left, right, out)) in shapes.iter().enumerate() {
                    let activation = if index == 0 { Activation::RELU6 } else { Activation::NONE };
                    let mut net = Net::new();
                    let left = self.activation(&mut net, kind, left);
                    let right = self.activation(&mut net, kind, right);
                    let out = self.activation(&mut net, kind, out);
                    let options = binary_options(operator, activation);
                    net.node(operator, &[left, right], &[out], options);
                    net.door(&[left, right], &[out]);
                    self.push(format!("{name} {kind:?} {index}"), net, Agreement::Exact);
                }
            }
        }
    }

    fn pools(&mut self) {
        for (operator, name) in [(Operator::AVERAGE_POOL_2D, "average"), (Operator::MAX_POOL_2D, "max")] {
            for kind in [Kind::Float, Kind::Int8] {
                for (padding, stride, filter, activation) in [
                    (Padding::SAME, 2, 3, Activation::NONE),
                    (Padding::VALID, 1, 2, Activation::RELU),
                    (Padding::VALID, 7, 7, Activation::NONE),
                    (Padding::SAME, 3, 2, Activation::RELU6),
                ] {
                    let window = Window { padding, stride, dilation: 1, filter, activation };
                    let mut net = Net::new();
                    let input = self.activation(&mut net, kind, &[2, 7, 8, 5]);
                    let [height, width] = window.output([7, 8]);
                    let output = self.activation(&mut net, kind, &[2, height, width, 5]);
                    net.same_scale(input, output);
                    let options = table!(Pool2DOptionsT {
                        padding: padding,
                        stride_w: stride,
                        stride_h: stride,
                        filter_width: filter,
                        filter_height: filter,
                        fused_activation_function: activation,
                    });
                    net.node(
                        operator,
                        &[input],
                        &[output],
                        BuiltinOptionsT::Pool2DOptions(Box::new(options)),
                    );
                    net.door(&[input], &[output]);
                    let agreement = if kind == Kind::Float { SUMS } else { Agreement::Exact };
                    self.push(format!("{name} pool {kind:?} {window}"), net, agreement);
                }
            }
        }
    }

    fn means(&mut self) {
        let axes: [(&[i32], &[i32]); 4] =
            [(&[1, 2], &[2, 6]), (&[-1], &[2, 5, 7]), (&[0], &[5, 7, 6]), (&[1, 2, 3], &[2])];
        for kind in [Kind::Float, Kind::Int8] {
            for keep_dims in [false, true] {
                for (axes, shape) in axes {
                    let mut net = Net::new();
                    let dims = [2, 5, 7, 6];
                    let input = self.activation(&mut net, kind, &dims);
                    let kept = |axis: i32| {
                        if axes.contains(&axis) || axes.contains(&(axis - 4)) {
                            1
                        } else {
                            dims[axis as usize]
                        }
                    };
                    let shape = if keep_dims { (0..4).map(kept).collect() } else { shape.to_vec() };
                    let list = net.int32_constant(&[axes.len() as i32], axes);
                    let output = self.activation(&mut net, kind, &shape);
                    let options = BuiltinOptionsT::ReducerOptions(Box::new(table!(ReducerOptionsT {
                        keep_dims: keep_dims
                    })));
                    net.node(Operator::MEAN, &[input, list], &[output], options);
                    net.door(&[input], &[output]);
                    let agreement = if kind == Kind::Float { SUMS } else { Agreement::Exact };
                    self.push(format!("mean {kind:?} {axes:?} keep {keep_dims}"), net, agreement);
                }
            }
        }
    }

    fn functions(&mut self) {
        for kind in [Kind::Float, Kind::Int8] {
            let exponentials = if kind == Kind::Float { EXPONENTIALS } else { Agreement::Exact };
            for round in 0..4 {
                let softmax = table!(SoftmaxOptionsT {
                    beta: if round == 0 { 1.0 } else { self.random.between(0.3, 2.0) }
                });
                let softmax = BuiltinOptionsT::SoftmaxOptions(Box::new(softmax));
                self.function(Operator::SOFTMAX, kind, softmax, Some((1.0 / 256.0, -128)), exponentials);
                let none = BuiltinOptionsT::NONE;
                self.function(
                    Operator::LOGISTIC,
                    kind,
                    none.clone(),
                    Some((1.0 / 256.0, -128)),
                    exponentials,
                );
                self.function(Operator::RELU, kind, none.clone(), None, Agreement::Exact);
                self.function(Operator::RELU6, kind, none.clone(), None, Agreement::Exact);
                let (scale, zero_point) =
                    (self.random.between(0.02, 0.06), self.random.below(100) as i64 - 100);
                self.function(
                    Operator::HARD_SWISH,
                    kind,
                    none,
                    Some((scale, zero_point)),
                    SUMS.or_exact(kind),
                );
            }
        }
    }

    fn function(
        &mut self,
        operator: Operator,
        kind: Kind,
        options: BuiltinOptionsT,
        output_scale: Option<(f32, i64)>,
        agreement: Agreement,
    ) {
        let mut net = Net::new();
        let input = self.activation(&mut net, kind, &[3, 4, 40]);
        if kind == Kind::Int8 {
            let (scale, zero_point) = (self.random.between(0.02, 0.08), self.random.below(256) as i64 - 128);
            net.set_scales(input, &[scale], &[zero_point], 0);
        }
        let output = self.activation(&mut net, kind, &[3, 4, 40]);
        if let Some((scale, zero_point)) = output_scale.filter(|_| kind == Kind::Int8) {
            net.set_scales(output, &[scale], &[zero_point], 0);
        }
        net.node(operator, &[input], &[output], options);
        net.door(&[input], &[output]);
        let name = operator.variant_name().unwrap_or_default().to_lowercase();
        self.push(format!("{name} {kind:?} {}", self.cases.len()), net, agreement);
    }

    fn layouts(&mut self) {
        for kind in [Kind::Float, Kind::Int8] {
            let mut net = Net::new();
            let input = self.activation(&mut net, kind, &[1, 3, 4, 2]);
            let paddings = net.int32_constant(&[4, 2], &[0, 0, 1, 2, 3, 0, 0, 1]);
            let output = self.activation(&mut net, kind, &[1, 6, 7, 3]);
            net.same_scale(input, output);
            let options = BuiltinOptionsT::PadOptions(Default::default());
            net.node(Operator::PAD, &[input, paddings], &[output], options);
            net.door(&[input], &[output]);
            self.push(format!("pad {kind:?}"), net, Agreement::Exact);
            for (axis, out) in [(3, [2, 3, 4, 9]), (-3, [2, 9, 4, 3]), (0, [6, 3, 4, 3])] {
                let mut net = Net::new();
                let inputs: Vec<i32> =
                    (0..3).map(|_| self.activation(&mut net, kind, &[2, 3, 4, 3])).collect();
                let output = self.activation(&mut net, kind, &out);
                inputs.iter().for_each(|input| net.same_scale(output, *input));
                let options = table!(ConcatenationOptionsT { axis: axis });
                let options = BuiltinOptionsT::ConcatenationOptions(Box::new(options));
                net.node(Operator::CONCATENATION, &inputs, &[output], options);
                net.door(&inputs, &[output]);
                self.push(format!("concatenation {kind:?} axis {axis}"), net, Agreement::Exact);
            }
            let mut net = Net::new();
            let input = self.activation(&mut net, kind, &[1, 3, 1, 4]);
            let output = self.activation(&mut net, kind, &[3, 4]);
            net.same_scale(input, output);
            let options = BuiltinOptionsT::SqueezeOptions(Box::new(table!(SqueezeOptionsT {
                squeeze_dims: Some(vec![0, 2])
            })));
            net.node(Operator::SQUEEZE, &[input], &[output], options);
            net.door(&[input], &[output]);
            self.push(format!("squeeze {kind:?}"), net, Agreement::Exact);
        }
    }

    fn conversions(&mut self) {
        use TensorType as T;
        let pairs = [
            (T::FLOAT32, T::INT8),
            (T::FLOAT32, T::UINT8),
            (T::INT8, T::INT8),
            (T::INT8, T::UINT8),
            (T::UINT8, T::INT8),
            (T::INT8, T::FLOAT32),
            (T::UINT8, T::FLOAT32),
        ];
        for (from, to) in pairs {
            let mut net = Net::new();
            let input = self.typed(&mut net, from);
            let output = self.typed(&mut net, to);
            let (operator, options) = if to == T::FLOAT32 {
                (Operator::DEQUANTIZE, BuiltinOptionsT::DequantizeOptions(Default::default()))
            } else {
                (Operator::QUANTIZE, BuiltinOptionsT::QuantizeOptions(Default::default()))
            };
            net.node(operator, &[input], &[output], options);
            net.door(&[input], &[output]);
            self.push(format!("{from:?} to {to:?}"), net, Agreement::Exact);
        }
    }

    fn typed(&mut self, net: &mut Net, dtype: TensorType) -> i32 {
        let (scale, zero_point) = self.random.scale_zero_point();
        match dtype {
            TensorType::INT8 => net.quantized(dtype, &[2, 150], scale, zero_point),
            TensorType::UINT8 => net.quantized(dtype, &[2, 150], scale, zero_point + 128),
            _ => net.floats(&[2, 150]),
        }
    }
}

impl Kind {
    fn agreement(self) -> Agreement {
        match self {
            Self::Int8 | Self::Int8PerTensor => Agreement::Exact,
            _ => SUMS,
        }
    }
}

impl Agreement {
    fn or_exact(self, kind: Kind) -> Self {
        if kind == Kind::Int8 { Self::Exact } else { self }
    }
}

impl Window {
    fn output(&self, input: [i32; 2]) -> [i32; 2] {
        let reach = (self.filter - 1) * self.dilation + 1;
        input.map(|size| match self.padding {
            Padding::SAME => (size + self.stride - 1) / self.stride,
            _ => (size - reach) / self.stride + 1,
        })
    }
}

impl std::fmt::Display for Window {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { padding, stride, dilation, filter, activation } = self;
        write!(f, "{filter}x{filter} stride {stride} dilation {dilation} {padding:?} {activation:?}")
    }
}

fn binary_options(operator: Operator, activation: Activation) -> BuiltinOptionsT {
    match operator {
        Operator::ADD => BuiltinOptionsT::AddOptions(Box::new(table!(AddOptionsT {
            fused_activation_function: activation
        }))),
        Operator::SUB => BuiltinOptionsT::SubOptions(Box::new(table!(SubOptionsT {
            fused_activation_function: activation
        }))),
        _ => BuiltinOptionsT::MulOptions(Box::new(table!(MulOptionsT {
            fused_activation_function: activation
        }))),
    }
}
