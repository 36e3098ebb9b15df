use super::*;

fn tensor(dtype: &str, bytes: Vec<u8>) -> LooseTensor {
    let size = if dtype == "float32" { 4 } else { 1 };
    LooseTensor { name: Some("x".into()), dtype: dtype.into(), shape: vec![bytes.len() / size], bytes }
}

fn floats(values: &[f32]) -> LooseTensor {
    tensor("float32", values.iter().flat_map(|value| value.to_ne_bytes()).collect())
}

fn compared(ours: LooseTensor, theirs: LooseTensor) -> Comparison {
    comparison(Some(0), "ADD", &[ours], Ok(vec![theirs]))
}

#[test]
fn one_step_is_rounding_and_two_are_not() {
    let of = |theirs: u8| compared(tensor("int8", vec![5, 5]), tensor("int8", vec![5, theirs])).closeness;
    assert_eq!(of(5), Some(Closeness::Equal));
    assert_eq!(of(6), Some(Closeness::Rounding));
    assert_eq!(of(7), Some(Closeness::Apart));
}

#[test]
fn float_rounding_goes_by_the_largest_value() {
    let of = |theirs: f32| compared(floats(&[1000.0, 0.0]), floats(&[1000.0, theirs])).closeness;
    assert_eq!(of(0.005), Some(Closeness::Rounding));
    assert_eq!(of(0.02), Some(Closeness::Apart));
    assert_eq!(of(f32::NAN), Some(Closeness::Apart));
}

#[test]
fn another_shape_or_a_failure_is_not_compared_and_says_why() {
    let other = compared(floats(&[1.0]), floats(&[1.0, 2.0]));
    assert_eq!(
        (other.closeness, other.reason.as_deref()),
        (None, Some("float32 [1] here, float32 [2] there"))
    );
    let failed = comparison(None, "ADD", &[floats(&[1.0])], Err("LiteRT ended".into()));
    assert_eq!((failed.closeness, failed.reason.as_deref()), (None, Some("LiteRT ended")));
}
