//! Operator and type names as the format spells them.

use crate::tflite;

/// The operator that an entry of the operator-code table stands for: the larger of the old 8-bit and the new 32-bit
/// code, so that files from before and after operator 127 read alike.
pub fn operator_code(code: &tflite::OperatorCode<'_>) -> tflite::BuiltinOperator {
    let old = i32::from(code.deprecated_builtin_code());
    tflite::BuiltinOperator(code.builtin_code().0.max(old))
}

/// The format's name of an operator, such as `CONV_2D`; `UNKNOWN` for a code this schema does not have.
pub fn builtin_name(operator: tflite::BuiltinOperator) -> &'static str {
    operator.variant_name().unwrap_or("UNKNOWN")
}

/// The operator with this exact name.
pub fn builtin_from_name(name: &str) -> Option<tflite::BuiltinOperator> {
    tflite::BuiltinOperator::ENUM_VALUES.iter().copied().find(|value| builtin_name(*value) == name)
}

/// The format's name of an element type, such as `FLOAT32`; `UNKNOWN` for a value this schema does not have.
pub fn tensor_type_name(kind: tflite::TensorType) -> &'static str {
    kind.variant_name().unwrap_or("UNKNOWN")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(deprecated: i8, builtin: i32) -> alloc::vec::Vec<u8> {
        let mut builder = flatbuffers::FlatBufferBuilder::new();
        let code = tflite::OperatorCodeT {
            deprecated_builtin_code: deprecated,
            builtin_code: tflite::BuiltinOperator(builtin),
            ..Default::default()
        };
        let model = tflite::ModelT { operator_codes: Some(alloc::vec![code]), ..Default::default() };
        let root = model.pack(&mut builder);
        builder.finish(root, Some(crate::MODEL_IDENTIFIER));
        builder.finished_data().to_vec()
    }

    fn operator(deprecated: i8, builtin: i32) -> &'static str {
        let bytes = code(deprecated, builtin);
        let model = crate::verified_root(&bytes).expect("just written");
        builtin_name(operator_code(&model.operator_codes().expect("one code").get(0)))
    }

    #[test]
    fn larger_code_wins() {
        assert_eq!(operator(3, 0), "CONV_2D");
        assert_eq!(operator(127, 150), "GELU");
        assert_eq!(operator(25, 25), "SOFTMAX");
    }

    #[test]
    fn unknown_code_has_a_name_too() {
        assert_eq!(operator(0, 100_000), "UNKNOWN");
    }

    #[test]
    fn names_lead_back_to_codes() {
        assert_eq!(builtin_from_name("DEPTHWISE_CONV_2D"), Some(tflite::BuiltinOperator::DEPTHWISE_CONV_2D));
        assert_eq!(builtin_from_name("NO_SUCH_OP"), None);
    }
}
