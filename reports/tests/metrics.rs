//! Every metric against its reference implementation: scikit-learn and pycocotools, frozen by `ci/metrics/make_golden.py`.

use edgebench_reports::metrics::{
    BoundingBox, Confusion, Detection, GroundTruth, average_precision, cosine_similarity, mean_squared_error,
    roc_auc, top_k,
};
use serde_json::Value;

fn cases(name: &str) -> Vec<Value> {
    let golden: Value = serde_json::from_str(include_str!("data/metrics.json")).expect("JSON");
    let cases = golden[name].as_array().expect("cases").clone();
    assert!(!cases.is_empty());
    cases
}

fn list<T: serde::de::DeserializeOwned>(value: &Value) -> Vec<T> {
    serde_json::from_value(value.clone()).expect("a list")
}

#[track_caller]
fn same(found: Option<f64>, golden: &Value) {
    let (found, golden) = (found.expect("a figure"), golden.as_f64().expect("a figure"));
    assert!((found - golden).abs() < 1e-12, "{found} is not {golden}");
}

#[test]
fn top_k_is_scikit_learn_s() {
    for case in cases("top_k") {
        let classes = case["classes"].as_u64().expect("classes") as usize;
        let (scores, labels) = (list::<f64>(&case["scores"]), list::<usize>(&case["labels"]));
        same(top_k(&scores, classes, &labels, 1), &case["top1"]);
        same(top_k(&scores, classes, &labels, 5), &case["top5"]);
    }
    assert_eq!(top_k(&[0.5], 2, &[0], 1), None);
    assert_eq!(top_k(&[0.5, 0.5], 2, &[7], 1), None);
}

#[test]
fn auc_is_scikit_learn_s() {
    for case in cases("auc") {
        same(roc_auc(&list(&case["scores"]), &list::<bool>(&case["positive"])), &case["auc"]);
    }
    assert_eq!(roc_auc(&[1.0, 2.0], &[true, true]), None);
    assert_eq!(roc_auc(&[f64::NAN, 2.0], &[true, false]), None);
    assert_eq!(roc_auc(&[1.0, 1.0], &[true, false]), Some(0.5));
}

#[test]
fn distances_are_scikit_learn_s() {
    for case in cases("distances") {
        let (one, other) = (list::<f64>(&case["one"]), list::<f64>(&case["other"]));
        same(mean_squared_error(&one, &other), &case["mse"]);
        same(cosine_similarity(&one, &other), &case["cosine"]);
    }
    assert_eq!(cosine_similarity(&[0.0], &[1.0]), None);
    assert_eq!(mean_squared_error(&[], &[]), None);
}

#[test]
fn mean_iou_is_scikit_learn_s() {
    for case in cases("iou") {
        let mut confusion = Confusion::new(case["classes"].as_u64().expect("classes") as usize);
        for (truth, answer) in list::<usize>(&case["truth"]).into_iter().zip(list::<usize>(&case["answer"])) {
            assert!(confusion.add(truth, answer));
        }
        assert!(!confusion.add(255, 0), "the open border does not count");
        same(confusion.mean(), &case["mean_iou"]);
    }
    assert_eq!(Confusion::new(3).mean(), None);
}

#[test]
fn average_precision_is_that_of_pycocotools() {
    let place = |one: &Value| {
        let sides = list::<f64>(&one["bbox"]);
        BoundingBox { left: sides[0], top: sides[1], width: sides[2], height: sides[3] }
    };
    let image = |one: &Value| one["image_id"].as_u64().expect("image");
    let class = |one: &Value| one["category_id"].as_u64().expect("class") as u32;
    for case in cases("average_precision") {
        let truth: Vec<GroundTruth> = list::<Value>(&case["truth"])
            .iter()
            .map(|one| GroundTruth {
                image: image(one),
                class: class(one),
                place: place(one),
                crowd: one["iscrowd"] == 1,
            })
            .collect();
        let detections: Vec<Detection> = list::<Value>(&case["detections"])
            .iter()
            .map(|one| Detection {
                image: image(one),
                class: class(one),
                place: place(one),
                score: one["score"].as_f64().expect("score"),
            })
            .collect();
        same(average_precision(&truth, &detections), &case["average_precision"]);
    }
    assert_eq!(average_precision(&[], &[]), None);
}
