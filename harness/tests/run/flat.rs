//! Faults planted into `.tflite` files: just enough of the flatbuffer to find the numbers of one operator and change them
//! where they lie. Field numbers are those of TFLite's schema.

/// CONV_2D in the schema's `BuiltinOperator`.
const CONV_2D: i32 = 3;

/// A file that is changed in place.
pub(crate) struct Flat {
    pub(crate) bytes: Vec<u8>,
}

/// A convolution by its place in the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Conv {
    pub(crate) index: usize,
    pub(crate) input: usize,
    pub(crate) weights: usize,
    pub(crate) bias: usize,
    pub(crate) output: usize,
    /// Whether nothing is clamped behind it.
    pub(crate) linear: bool,
}

impl Flat {
    pub(crate) fn read(path: &std::path::Path) -> Self {
        Self { bytes: std::fs::read(path).expect("a model") }
    }

    fn u16(&self, at: usize) -> usize {
        usize::from(u16::from_le_bytes([self.bytes[at], self.bytes[at + 1]]))
    }

    fn i32(&self, at: usize) -> i32 {
        i32::from_le_bytes(self.bytes[at..at + 4].try_into().expect("four bytes"))
    }

    fn follow(&self, at: usize) -> usize {
        at + self.i32(at) as usize
    }

    /// Where a field of a table lies; none where it has its default.
    fn field(&self, table: usize, number: usize) -> Option<usize> {
        let vtable = (table as i64 - i64::from(self.i32(table))) as usize;
        let entry = 4 + 2 * number;
        let offset = if entry < self.u16(vtable) { self.u16(vtable + entry) } else { 0 };
        (offset > 0).then_some(table + offset)
    }

    /// Places of the elements of a vector, `size` bytes each.
    fn vector(&self, table: usize, number: usize, size: usize) -> Vec<usize> {
        let Some(field) = self.field(table, number) else { return Vec::new() };
        let vector = self.follow(field);
        (0..self.i32(vector) as usize).map(|at| vector + 4 + at * size).collect()
    }

    fn tables(&self, table: usize, number: usize) -> Vec<usize> {
        self.vector(table, number, 4).into_iter().map(|at| self.follow(at)).collect()
    }

    fn model(&self) -> usize {
        self.follow(0)
    }

    fn graph(&self) -> usize {
        self.tables(self.model(), 2)[0]
    }

    fn operators(&self) -> Vec<usize> {
        self.tables(self.graph(), 3)
    }

    fn indices(&self, table: usize, number: usize) -> Vec<usize> {
        self.vector(table, number, 4).into_iter().map(|at| self.i32(at) as usize).collect()
    }

    /// Every convolution with a bias, in the order of execution.
    pub(crate) fn convolutions(&self) -> Vec<Conv> {
        let codes = self.tables(self.model(), 1);
        let is_conv = |operator: usize| {
            let code = codes[self.field(operator, 0).map_or(0, |at| self.i32(at) as usize)];
            let old = self.field(code, 0).map_or(0, |at| i32::from(self.bytes[at]));
            self.field(code, 3).map_or(0, |at| self.i32(at)).max(old) == CONV_2D
        };
        let conv = |(index, operator): (usize, usize)| {
            let (inputs, outputs) = (self.indices(operator, 1), self.indices(operator, 2));
            let activation = self.field(operator, 4).and_then(|at| self.field(self.follow(at), 3));
            let linear = activation.is_none_or(|at| self.bytes[at] == 0);
            let [input, weights, bias] = inputs[..] else { return None };
            Some(Conv { index, input, weights, bias, output: outputs[0], linear })
        };
        self.operators().into_iter().enumerate().filter(|(_, one)| is_conv(*one)).filter_map(conv).collect()
    }

    /// How many operators read a tensor.
    pub(crate) fn readers(&self, tensor: usize) -> usize {
        self.operators().iter().filter(|one| self.indices(**one, 1).contains(&tensor)).count()
    }

    fn tensor(&self, index: usize) -> usize {
        self.tables(self.graph(), 0)[index]
    }

    pub(crate) fn name(&self, tensor: usize) -> String {
        let bytes = self.vector(self.tensor(tensor), 3, 1);
        bytes.into_iter().map(|at| char::from(self.bytes[at])).collect()
    }

    /// Dimensions of a tensor.
    pub(crate) fn shape(&self, tensor: usize) -> Vec<usize> {
        self.indices(self.tensor(tensor), 0)
    }

    /// Multiplies every scale of a tensor.
    pub(crate) fn scale_steps(&mut self, tensor: usize, factor: f32) {
        let quantization = self.field(self.tensor(tensor), 4).expect("a quantized tensor");
        for at in self.vector(self.follow(quantization), 2, 4) {
            self.multiply(at, factor);
        }
    }

    /// Multiplies the elements of a float constant that `wanted` picks by their number.
    pub(crate) fn scale_values(&mut self, tensor: usize, factor: f32, wanted: impl Fn(usize) -> bool) {
        let buffer = self.field(self.tensor(tensor), 2).map_or(0, |at| self.i32(at) as usize);
        let buffer = self.tables(self.model(), 4)[buffer];
        let bytes = self.vector(buffer, 0, 1);
        for (number, at) in bytes.into_iter().step_by(4).enumerate() {
            if wanted(number) {
                self.multiply(at, factor);
            }
        }
    }

    fn multiply(&mut self, at: usize, factor: f32) {
        let value = f32::from_bits(self.i32(at) as u32) * factor;
        self.bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
}
