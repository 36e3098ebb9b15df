//! Plain loops with the arithmetic of LiteRT's reference kernels (`tflite/kernels/internal/reference`), operation by
//! operation and in their order: the oracle that every other kernel is held to. Speed is no aim here, only that a reader can
//! see that it is right.

pub mod activation;
pub mod batch_matmul;
pub mod binary;
pub mod concatenation;
pub mod conv_2d;
pub mod depthwise_conv_2d;
pub mod detection;
pub mod fixed_point;
pub mod fully_connected;
pub mod gather;
pub mod hard_swish;
pub mod hybrid;
pub mod integer;
pub mod logistic;
pub mod lstm;
pub mod lstm_i8;
pub mod mean;
pub mod mirror_pad;
pub mod one_hot;
mod owned;
pub mod pad;
pub mod pool_2d;
pub mod quantize;
pub mod range;
pub mod resize;
pub mod reverse_sequence;
pub mod scatter_nd;
pub mod softmax;
pub mod strided_copy;
pub mod svdf;
pub mod top_k;
pub mod transpose_conv;
