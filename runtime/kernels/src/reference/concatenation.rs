//! CONCATENATION of legacy uint8 inputs whose scales differ from the output's (`reference/concatenation.h`,
//! `ConcatenationWithScaling`). Everything else is copied as it is.

/// A change of scale, in floats.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RescaleU8 {
    scale: f32,
    bias: f32,
    zero_point: i32,
}

impl RescaleU8 {
    /// From one (scale, zero point) to another.
    pub fn new(from: (f32, i32), to: (f32, i32)) -> Self {
        let scale = from.0 * (1.0 / to.0);
        Self { scale, bias: -from.1 as f32 * scale, zero_point: to.1 }
    }

    /// Rescales every element.
    pub fn run(&self, input: &[u8], output: &mut [u8]) {
        for (store, value) in output.iter_mut().zip(input) {
            let real = libm::roundf(f32::from(*value) * self.scale + self.bias) as i32;
            *store = real.saturating_add(self.zero_point).clamp(0, 255) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_change_their_scale() {
        let mut output = [0; 4];
        RescaleU8::new((0.5, 128), (0.25, 100)).run(&[128, 129, 0, 255], &mut output);
        assert_eq!(output, [100, 102, 0, 255]);
    }
}
