//! FAKE_QUANT (`reference_ops.h`, `FakeQuant` and `NudgeQuantizationRange`): floats brought to the steps that an integer type
//! would give them.

/// Steps within a range that has been moved so that 0 is one of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FakeQuant {
    least: f32,
    greatest: f32,
    scale: f32,
}

impl FakeQuant {
    /// The steps of a type of `bits` bits (2 to 16) over `least..=greatest`, in which 0 lies.
    pub fn new(least: f32, greatest: f32, bits: u32) -> Self {
        let high = ((1u32 << bits) - 1) as f32;
        let scale = (greatest - least) / high;
        let zero_point = libm::roundf((-least / scale).clamp(0.0, high));
        Self { least: -zero_point * scale, greatest: (high - zero_point) * scale, scale }
    }

    /// The nearest step.
    pub fn apply(&self, value: f32) -> f32 {
        let inverse = 1.0 / self.scale;
        let held = value.max(self.least).min(self.greatest);
        libm::roundf((held - self.least) * inverse) * self.scale + self.least
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_a_step_and_ends_are_moved() {
        let steps = FakeQuant::new(-1.0, 1.0, 8);
        assert_eq!(steps.apply(0.0), 0.0);
        assert!((steps.apply(9.0) - 1.003_921_6).abs() < 1e-6);
        assert!((steps.apply(-9.0) + 0.996_078_4).abs() < 1e-6);
    }
}
