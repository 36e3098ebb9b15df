//! A float network of a few thousand bytes with one of each thing a converter can meet: a convolution with a fused
//! ReLU6, a depthwise convolution, an addition, a pool, a reshape, a fully-connected layer, a softmax.

use edgebench_schema::MODEL_IDENTIFIER;
use edgebench_schema::tflite::*;

/// A table of the object API: they may grow fields, so they cannot be written as one expression.
macro_rules! table {
    ($kind:ident { $($field:ident: $value:expr),* $(,)? }) => {{
        let mut table = $kind::default();
        $(table.$field = $value;)*
        table
    }};
}

/// NHWC input of the network.
pub(crate) const INPUT: [i32; 4] = [1, 6, 6, 3];

/// Tensor of the network's input.
pub(crate) const IN: i32 = 0;

/// Tensor of the network's output.
pub(crate) const OUT: i32 = 12;

/// Operators in the network.
pub(crate) const OPERATORS: usize = 7;

/// The network as it is before it becomes a file, for tests that change it first.
pub(crate) fn model() -> ModelT {
    let mut parts = Parts::default();
    parts.activation("serving_default_x:0", &INPUT);
    parts.constant("conv/w;conv/bn", &[8, 3, 3, 3], 0.4);
    parts.constant("conv/b", &[8], 0.2);
    parts.activation("conv/Relu6;conv/bn;conv/add", &[1, 6, 6, 8]);
    parts.constant("dw/w", &[1, 3, 3, 8], 0.9);
    parts.constant("dw/b", &[8], 0.1);
    parts.activation("dw/out", &[1, 6, 6, 8]);
    parts.activation("add/out", &[1, 6, 6, 8]);
    parts.activation("pool/out", &[1, 6, 6, 8]);
    parts.activation("flat", &[1, 288]);
    parts.constant("fc/w", &[4, 288], 0.3);
    parts.activation("logits", &[1, 4]);
    parts.activation("StatefulPartitionedCall:0", &[1, 4]);

    parts.operator(BuiltinOperator::CONV_2D, &[0, 1, 2], 3, conv());
    parts.operator(BuiltinOperator::DEPTHWISE_CONV_2D, &[3, 4, 5], 6, depthwise());
    parts.operator(BuiltinOperator::ADD, &[3, 6], 7, BuiltinOptionsT::AddOptions(Default::default()));
    parts.operator(BuiltinOperator::AVERAGE_POOL_2D, &[7], 8, pool());
    parts.operator(BuiltinOperator::RESHAPE, &[8], 9, reshape());
    parts.operator(BuiltinOperator::FULLY_CONNECTED, &[9, 10, -1], 11, fully_connected());
    parts.operator(BuiltinOperator::SOFTMAX, &[11], 12, softmax());
    parts.finish()
}

/// A network as the bytes of a file.
pub(crate) fn bytes(model: &ModelT) -> Vec<u8> {
    let mut builder = flatbuffers::FlatBufferBuilder::new();
    let root = model.pack(&mut builder);
    builder.finish(root, Some(MODEL_IDENTIFIER));
    builder.finished_data().to_vec()
}

/// The element at `index` of a reproducible sequence in [-1, 1).
pub(crate) fn noise(index: usize) -> f32 {
    let mixed = (index as u32).wrapping_mul(2_654_435_761).wrapping_add(12_345);
    (mixed >> 8) as f32 / (1u32 << 23) as f32 - 1.0
}

/// The only subgraph.
pub(crate) fn subgraph(model: &mut ModelT) -> &mut SubGraphT {
    model.subgraphs.as_mut().and_then(|list| list.first_mut()).expect("one subgraph")
}

#[derive(Default)]
struct Parts {
    tensors: Vec<TensorT>,
    buffers: Vec<BufferT>,
    codes: Vec<OperatorCodeT>,
    operators: Vec<OperatorT>,
}

impl Parts {
    fn activation(&mut self, name: &str, shape: &[i32]) {
        self.tensors.push(table!(TensorT { name: Some(name.into()), shape: Some(shape.to_vec()) }));
    }

    fn constant(&mut self, name: &str, shape: &[i32], size: f32) {
        let count: i32 = shape.iter().product();
        let seed = self.tensors.len() * 10_007;
        let data = (0..count as usize).flat_map(|index| (noise(seed + index) * size).to_le_bytes()).collect();
        self.buffers.push(table!(BufferT { data: Some(data) }));
        self.activation(name, shape);
        // Buffer 0 is the empty one that `finish` puts in front.
        self.tensors.last_mut().expect("just added").buffer = self.buffers.len() as u32;
    }

    fn operator(&mut self, kind: BuiltinOperator, inputs: &[i32], output: i32, options: BuiltinOptionsT) {
        self.codes.push(table!(OperatorCodeT { builtin_code: kind, deprecated_builtin_code: kind.0 as i8 }));
        self.operators.push(table!(OperatorT {
            opcode_index: self.codes.len() as u32 - 1,
            inputs: Some(inputs.to_vec()),
            outputs: Some(vec![output]),
            builtin_options: options,
        }));
    }

    fn finish(mut self) -> ModelT {
        self.buffers.insert(0, BufferT::default());
        let subgraph = table!(SubGraphT {
            tensors: Some(self.tensors),
            inputs: Some(vec![IN]),
            outputs: Some(vec![OUT]),
            operators: Some(self.operators),
            name: Some("main".into()),
        });
        table!(ModelT {
            version: 3,
            operator_codes: Some(self.codes),
            subgraphs: Some(vec![subgraph]),
            description: Some("tiny network of the tests".into()),
            buffers: Some(self.buffers),
            signature_defs: Some(vec![signature()]),
        })
    }
}

fn signature() -> SignatureDefT {
    let named = |name: &str, tensor: i32| {
        Some(vec![table!(TensorMapT { name: Some(name.into()), tensor_index: tensor as u32 })])
    };
    table!(SignatureDefT {
        inputs: named("x", IN),
        outputs: named("y", OUT),
        signature_key: Some("serving_default".into()),
    })
}

fn conv() -> BuiltinOptionsT {
    let options = table!(Conv2DOptionsT {
        padding: Padding::SAME,
        stride_w: 1,
        stride_h: 1,
        fused_activation_function: ActivationFunctionType::RELU6,
    });
    BuiltinOptionsT::Conv2DOptions(Box::new(options))
}

fn depthwise() -> BuiltinOptionsT {
    let options = table!(DepthwiseConv2DOptionsT {
        padding: Padding::SAME,
        stride_w: 1,
        stride_h: 1,
        depth_multiplier: 1,
    });
    BuiltinOptionsT::DepthwiseConv2DOptions(Box::new(options))
}

fn pool() -> BuiltinOptionsT {
    let options = table!(Pool2DOptionsT {
        padding: Padding::SAME,
        stride_w: 1,
        stride_h: 1,
        filter_width: 2,
        filter_height: 2,
    });
    BuiltinOptionsT::Pool2DOptions(Box::new(options))
}

fn reshape() -> BuiltinOptionsT {
    BuiltinOptionsT::ReshapeOptions(Box::new(table!(ReshapeOptionsT { new_shape: Some(vec![1, 288]) })))
}

fn fully_connected() -> BuiltinOptionsT {
    BuiltinOptionsT::FullyConnectedOptions(Default::default())
}

fn softmax() -> BuiltinOptionsT {
    BuiltinOptionsT::SoftmaxOptions(Box::new(table!(SoftmaxOptionsT { beta: 1.0 })))
}
