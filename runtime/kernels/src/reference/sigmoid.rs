//! LOGISTIC and TANH on int16 (`reference/integer_ops/logistic.h`, `tanh.h`): one table of the logistic function, with
//! straight lines between its points, for `tanh(x) = 2 * logistic(2x) - 1`.

use super::unary::for_each;

/// `logistic(i / 24)` as Q0.16 for the table's 256 points. Data of LiteRT's `internal/common.cc` (also in CMSIS-NN's
/// `arm_nntables.c`); the points are not the rounded values of the function everywhere.
#[rustfmt::skip]
const POINTS: [u16; 256] = [
    32768, 33451, 34133, 34813, 35493, 36169, 36843, 37513, 38180, 38841, 39498, 40149, 40794, 41432, 42064, 42688,
    43304, 43912, 44511, 45102, 45683, 46255, 46817, 47369, 47911, 48443, 48964, 49475, 49975, 50464, 50942, 51409,
    51865, 52311, 52745, 53169, 53581, 53983, 54374, 54755, 55125, 55485, 55834, 56174, 56503, 56823, 57133, 57433,
    57724, 58007, 58280, 58544, 58800, 59048, 59288, 59519, 59743, 59959, 60168, 60370, 60565, 60753, 60935, 61110,
    61279, 61441, 61599, 61750, 61896, 62036, 62172, 62302, 62428, 62549, 62666, 62778, 62886, 62990, 63090, 63186,
    63279, 63368, 63454, 63536, 63615, 63691, 63765, 63835, 63903, 63968, 64030, 64090, 64148, 64204, 64257, 64308,
    64357, 64405, 64450, 64494, 64536, 64576, 64614, 64652, 64687, 64721, 64754, 64786, 64816, 64845, 64873, 64900,
    64926, 64950, 64974, 64997, 65019, 65039, 65060, 65079, 65097, 65115, 65132, 65149, 65164, 65179, 65194, 65208,
    65221, 65234, 65246, 65258, 65269, 65280, 65291, 65301, 65310, 65319, 65328, 65337, 65345, 65352, 65360, 65367,
    65374, 65381, 65387, 65393, 65399, 65404, 65410, 65415, 65420, 65425, 65429, 65433, 65438, 65442, 65445, 65449,
    65453, 65456, 65459, 65462, 65465, 65468, 65471, 65474, 65476, 65479, 65481, 65483, 65485, 65488, 65489, 65491,
    65493, 65495, 65497, 65498, 65500, 65501, 65503, 65504, 65505, 65507, 65508, 65509, 65510, 65511, 65512, 65513,
    65514, 65515, 65516, 65517, 65517, 65518, 65519, 65520, 65520, 65521, 65522, 65522, 65523, 65523, 65524, 65524,
    65525, 65525, 65526, 65526, 65526, 65527, 65527, 65528, 65528, 65528, 65529, 65529, 65529, 65529, 65530, 65530,
    65530, 65530, 65531, 65531, 65531, 65531, 65531, 65532, 65532, 65532, 65532, 65532, 65532, 65533, 65533, 65533,
    65533, 65533, 65533, 65533, 65533, 65534, 65534, 65534, 65534, 65534, 65534, 65534, 65534, 65534, 65534, 65535,
];

/// How an int16 comes to the table's steps: `(q * factor + half) >> shift`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToTable {
    /// In 1..=32767.
    factor: i32,
    /// In 0..=31.
    shift: u32,
}

impl ToTable {
    /// For an input whose scale is `2^(left_shift - 12)`. The factor 3 widens -8..8 to the table's -10.7..10.7.
    pub fn power_of_two(left_shift: u32) -> Self {
        Self { factor: 3 << left_shift, shift: 0 }
    }

    /// For any other input scale.
    pub fn of(input_scale: f32) -> Self {
        // The product of the scale and 4096 is exact.
        let mut factor = f64::from(input_scale) * 4096.0 * 3.0;
        let mut shift = 0;
        while factor <= 32767.0 / 2.0 && shift <= 30 {
            shift += 1;
            factor *= 2.0;
        }
        Self { factor: factor as i32, shift }
    }

    fn apply(self, value: i16) -> i32 {
        let half = if self.shift > 0 { 1i32.wrapping_shl(self.shift - 1) } else { 0 };
        i32::from(value).wrapping_mul(self.factor).wrapping_add(half) >> self.shift.min(31)
    }
}

/// LOGISTIC; the output's scale is 1/32768 and its zero point 0.
pub fn logistic_i16(to_table: ToTable, input: &[i16], output: &mut [i16]) {
    for_each(input, output, |value| {
        let position = to_table.apply(value);
        let magnitude = position.unsigned_abs();
        let line = (magnitude >> 9) as usize;
        let above_half = if line >= 255 {
            0x7fff << 10
        } else {
            let (from, to) = (u32::from(POINTS[line]), u32::from(POINTS[line + 1]));
            (from << 9) + (magnitude & 0x1ff) * (to - from)
        };
        let result =
            if position >= 0 { above_half + (1 << 9) } else { (1 << 25) - above_half + (1 << 9) - 1 };
        (result >> 10) as i16
    });
}

/// TANH; the output's scale is 1/32768 and its zero point 0.
pub fn tanh_i16(to_table: ToTable, input: &[i16], output: &mut [i16]) {
    for_each(input, output, |value| {
        let position = to_table.apply(value);
        let magnitude = position.unsigned_abs();
        let line = (magnitude >> 8) as usize;
        let logistic = if line >= 255 {
            0xffff << 8
        } else {
            let (from, to) = (i32::from(POINTS[line]), i32::from(POINTS[line + 1]));
            (from << 8) + (magnitude & 0xff) as i32 * (to - from)
        };
        let half = 1 << 23;
        let result = if position >= 0 { logistic - half + (1 << 7) } else { half - logistic + (1 << 7) - 1 };
        (result >> 8) as i16
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_functions_are_close() {
        for (scale, to_table) in [
            (1.0 / 4096.0, ToTable::power_of_two(0)),
            (1.0 / 2048.0, ToTable::power_of_two(1)),
            (0.000_37, ToTable::of(0.000_37)),
            (0.02, ToTable::of(0.02)),
        ] {
            for q in (i16::MIN..=i16::MAX).step_by(41) {
                let real = f64::from(q) * scale;
                let (mut logistic, mut tanh) = ([0], [0]);
                logistic_i16(to_table, &[q], &mut logistic);
                tanh_i16(to_table, &[q], &mut tanh);
                let exact = 32768.0 / (1.0 + (-real).exp());
                assert!((exact - f64::from(logistic[0])).abs() < 6.0, "{scale} {q} {exact} {logistic:?}");
                let exact = 32768.0 * real.tanh();
                assert!((exact - f64::from(tanh[0])).abs() < 12.0, "{scale} {q} {exact} {tanh:?}");
            }
        }
    }
}
