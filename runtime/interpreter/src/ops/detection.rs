//! TFLite_Detection_PostProcess, the custom operator at the end of SSD networks.

use alloc::format;
use alloc::vec::Vec;

use edgebench_kernels::Set;
use edgebench_kernels::reference::detection::{Detection, Detections};

use super::{Operand, Prepared, Site, Step};
use crate::error::Fault;
use crate::flexbuffer::{Options, required};
use crate::memory::Frame;
use crate::tensor::DType;

/// Boxes of one class that stay when the options do not say.
const DEFAULT_PER_CLASS: i32 = 100;

/// Prepares the operator: box encodings `[1, boxes, 4 or more]`, scores `[1, boxes, classes]`, anchors `[boxes, 4]`; outputs
/// boxes `[1, n, 4]`, classes `[1, n]`, scores `[1, n]` and their number `[1]`, all float32.
pub(crate) fn detection_postprocess(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (encodings, scores, anchors) = (site.input(0)?, site.input(1)?, site.input(2)?);
    let bytes = site.node().table.custom_options().map(|list| list.bytes()).unwrap_or_default();
    let options = required(Options::read(bytes), site.place(), "options")?;
    let detection = detection(site, &options, &encodings, &scores)?;
    anchors.expect_shape(&[detection.boxes, 4])?;
    let found = detection.max_detections * detection.max_classes;
    let shapes: [&[usize]; 4] = [&[1, found, 4], &[1, found], &[1, found], &[1]];
    for (slot, shape) in shapes.iter().enumerate() {
        let output = site.output(slot)?;
        output.expect_dtype(DType::Float32)?;
        output.expect_shape(shape)?;
    }
    // Encodings and anchors are of one type; LiteRT reads anchors by the type of the encodings.
    anchors.expect_dtype(encodings.dtype())?;
    let step = PostProcess {
        detection,
        place: site.place(),
        encodings: Reals::of(site, &encodings)?,
        scores: Reals::of(site, &scores)?,
        anchors: Reals::of(site, &anchors)?,
    };
    Ok(Prepared::run(Set::Reference.name(), step))
}

fn detection(
    site: &Site<'_, '_>,
    options: &Options<'_>,
    encodings: &Operand<'_>,
    scores: &Operand<'_>,
) -> Result<Detection, Fault> {
    let [one, boxes, encoding] = encodings.dims()?;
    if one != 1 || encoding < 4 {
        return Err(encodings.fault("shape [1, boxes, 4 or more]", format!("shape {:?}", encodings.shape())));
    }
    let [_, _, all_scores] = scores.dims()?;
    scores.expect_shape(&[1, boxes, all_scores])?;
    let count = |name: &'static str| count(site, options.int(name), name);
    let real = |name: &'static str| required(options.float(name), site.place(), name);
    let classes = count("num_classes")?;
    if all_scores != classes && all_scores != classes + 1 {
        let expected = format!("{classes} or {} scores a box", classes + 1);
        return Err(scores.fault(expected, format!("{all_scores}")));
    }
    let overlap_threshold = real("nms_iou_threshold")?;
    if !(overlap_threshold > 0.0 && overlap_threshold <= 1.0) {
        let found = format!("{overlap_threshold:?}");
        return Err(Fault::mismatch(site.place(), "a nms_iou_threshold above 0 and up to 1", found));
    }
    let per_class = options.int("detections_per_class").unwrap_or(DEFAULT_PER_CLASS);
    Ok(Detection {
        boxes,
        encoding,
        scores: all_scores,
        classes,
        scales: [real("y_scale")?, real("x_scale")?, real("h_scale")?, real("w_scale")?],
        max_detections: count("max_detections")?,
        max_classes: count("max_classes_per_detection")?,
        per_class: self::count(site, Some(per_class), "detections_per_class")?,
        regular: options.bool("use_regular_nms").unwrap_or(false),
        score_threshold: real("nms_score_threshold")?,
        overlap_threshold,
    })
}

fn count(site: &Site<'_, '_>, value: Option<i32>, name: &'static str) -> Result<usize, Fault> {
    /// Far above what a network detects, and small enough for products.
    const MOST: usize = 1 << 15;
    let value = required(value, site.place(), name)?;
    let count = usize::try_from(value).ok().filter(|count| (1..=MOST).contains(count));
    count.ok_or_else(|| Fault::mismatch(site.place(), format!("{name} from 1 to {MOST}"), format!("{value}")))
}

/// How an input becomes floats.
#[derive(Clone, Copy)]
enum Reals {
    AsTheyAre,
    UInt8 { scale: f32, zero_point: i32 },
}

impl Reals {
    fn of(site: &Site<'_, '_>, operand: &Operand<'_>) -> Result<Self, Fault> {
        match operand.dtype() {
            DType::Float32 => Ok(Self::AsTheyAre),
            DType::UInt8 => {
                let (scale, zero_point) = operand.per_tensor()?;
                Ok(Self::UInt8 { scale, zero_point })
            }
            other => Err(site.unsupported(format!("type {other}"))),
        }
    }

    fn read(self, frame: &Frame<'_>, slot: usize) -> Vec<f32> {
        match self {
            Self::AsTheyAre => frame.inputs.of::<f32>(slot).to_vec(),
            Self::UInt8 { scale, zero_point } => {
                let real = |value: &u8| (f32::from(*value) - zero_point as f32) * scale;
                frame.inputs.bytes(slot).iter().map(real).collect()
            }
        }
    }
}

struct PostProcess {
    detection: Detection,
    place: alloc::string::String,
    encodings: Reals,
    scores: Reals,
    anchors: Reals,
}

impl Step for PostProcess {
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault> {
        let (encodings, anchors) = (self.encodings.read(&frame, 0), self.anchors.read(&frame, 2));
        let scores = self.scores.read(&frame, 1);
        let corners = self.detection.decode(&encodings, &anchors).ok_or_else(|| {
            Fault::mismatch(self.place.as_str(), "boxes with their corners in order", "one turned inside out")
        })?;
        let mut outputs = frame.outputs.all().map(|bytes| {
            bytes.fill(0);
            bytemuck::cast_slice_mut::<u8, f32>(bytes)
        });
        let (Some(boxes), Some(classes), Some(found), Some([count, ..])) =
            (outputs.next(), outputs.next(), outputs.next(), outputs.next())
        else {
            return Ok(());
        };
        self.detection.run(&corners, &scores, Detections { boxes, classes, scores: found, count });
        Ok(())
    }
}
