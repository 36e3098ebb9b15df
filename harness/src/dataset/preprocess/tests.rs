use std::path::Path;

use proptest::prelude::*;

use super::*;

const IDENTITY: Preprocess = Preprocess { central_crop: None, resize: None, scale: 1.0, offset: 0.0 };

/// The golden files that TensorFlow's own arithmetic was compared with; `harness/tests/data/resize/README.md`.
#[test]
fn every_golden_value_is_met_to_the_last_bit() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/resize");
    let read = |name: &str| std::fs::read(folder.join(name)).expect("a golden file");
    let table = String::from_utf8(read("cases.csv")).expect("text");
    let mut cases = 0;
    for line in table.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let number = |place: usize| fields[place].parse::<u32>().expect("a number");
        let (height, width, channels) = (number(4), number(5), number(6));
        let settings = Preprocess {
            central_crop: Some(fields[7].parse().expect("a share")),
            resize: Some([number(8), number(9)]),
            scale: crate::config::factor(fields[10]).expect("a factor") as f32,
            offset: fields[11].parse().expect("a number"),
        };
        let input = read(fields[1]);
        let mut values = Vec::new();
        for pixels in input.chunks(size(height * width * channels)) {
            let image = Image::new(height, width, channels, pixels.to_vec()).expect("an image");
            values.extend(preprocess(&image, &settings).values);
        }
        let expected = read(fields[2]);
        let found: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        assert_eq!(values.len(), expected.len() / 4, "{}", fields[0]);
        assert!(found == expected, "{}: values differ", fields[0]);
        cases += 1;
    }
    assert_eq!(cases, 7);
}

#[test]
fn an_image_has_as_many_bytes_as_its_sides_say() {
    assert!(Image::new(2, 3, 1, vec![0; 6]).is_some());
    assert_eq!(Image::new(2, 3, 1, vec![0; 5]), None);
    assert_eq!(Image::new(0, 3, 1, Vec::new()), None);
    assert_eq!(Image::new(u32::MAX, u32::MAX, u32::MAX, Vec::new()), None);
}

#[test]
fn without_settings_an_image_keeps_its_values() {
    let image = Image::new(2, 3, 2, (0..12).collect()).expect("an image");
    let tensor = preprocess(&image, &IDENTITY);
    assert_eq!(tensor.shape, [2, 3, 2]);
    let expected: Vec<f32> = (0u8..12).map(f32::from).collect();
    assert_eq!(tensor.values, expected);
}

proptest! {
    #[test]
    fn any_image_can_be_cropped_and_resized(
        height in 1u32..40, width in 1u32..40, channels in 1u32..4,
        crop in 0.01f64..=1.0, to_height in 1u32..50, to_width in 1u32..50, seed: u8,
    ) {
        let pixels = (0..height * width * channels).map(|at| (at as u8).wrapping_mul(31) ^ seed).collect();
        let image = Image::new(height, width, channels, pixels).expect("an image");
        let (least, most) = image.pixels.iter().fold((255, 0), |(least, most), pixel| (*pixel.min(&least), *pixel.max(&most)));
        let settings = Preprocess { central_crop: Some(crop), resize: Some([to_height, to_width]), ..IDENTITY };
        let tensor = preprocess(&image, &settings);
        prop_assert_eq!(tensor.shape, [to_height, to_width, channels]);
        prop_assert_eq!(tensor.values.len(), size(to_height * to_width * channels));
        // Between two pixels lies no value outside of them; a thousandth is for rounding.
        let inside = |value: &f32| *value >= f32::from(least) - 1e-3 && *value <= f32::from(most) + 1e-3;
        prop_assert!(tensor.values.iter().all(inside));
    }
}
