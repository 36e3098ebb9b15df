"""Writes reports/tests/data/metrics.json: made-up questions and what the reference implementations answer.

Needs the packages of requirements.txt beside this file; nothing else in the repository does. The questions come from
a seed, so that only another version of a package changes the file.
"""

import contextlib
import io
import json
import pathlib

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from sklearn import metrics
from sklearn.metrics.pairwise import cosine_similarity

OUT = pathlib.Path(__file__).resolve().parents[2] / "reports/tests/data/metrics.json"


def top_k(random):
    classes, examples = 12, 40
    scores = np.round(random.normal(size=(examples, classes)), 1)  # rounded: ties occur
    labels = random.integers(0, classes, examples)
    answer = {k: metrics.top_k_accuracy_score(labels, scores, k=k, labels=range(classes)) for k in (1, 5)}
    return {"classes": classes, "scores": scores.ravel().tolist(), "labels": labels.tolist(), "top1": answer[1], "top5": answer[5]}


def auc(random):
    positive = random.random(60) < 0.3
    scores = np.round(random.normal(size=60) + positive, 1)
    return {"scores": scores.tolist(), "positive": positive.tolist(), "auc": metrics.roc_auc_score(positive, scores)}


def distances(random):
    one, other = random.normal(size=50), random.normal(size=50)
    return {
        "one": one.tolist(),
        "other": other.tolist(),
        "mse": metrics.mean_squared_error(one, other),
        "cosine": float(cosine_similarity([one], [other])[0, 0]),
    }


def iou(random):
    truth, answer = random.integers(0, 5, 300), random.integers(0, 5, 300)
    answer = np.where(random.random(300) < 0.6, truth, answer)
    truth, answer = truth[truth != 3], answer[truth != 3]  # a class that is answered and never true
    return {
        "classes": 6,
        "truth": truth.tolist(),
        "answer": answer.tolist(),
        "mean_iou": metrics.jaccard_score(truth, answer, average="macro"),
    }


def boxes(random, count, spread):
    corner = random.random((count, 2)) * spread
    size = 10 + random.random((count, 2)) * 40
    return np.round(np.concatenate([corner, size], axis=1), 2)


def average_precision(random):
    truth, detections = [], []
    for image in range(1, 16):
        for box in boxes(random, random.integers(1, 8), 100):
            crowd = int(random.random() < 0.1)
            truth.append({"id": len(truth) + 1, "image_id": image, "category_id": int(random.integers(1, 4)),
                          "bbox": box.tolist(), "area": float(box[2] * box[3]), "iscrowd": crowd})
    for one in truth:
        for _ in range(random.integers(0, 3)):
            shift = random.normal(size=4) * 4
            box = np.maximum(np.round(np.array(one["bbox"]) + shift, 2), 1)
            detections.append({"image_id": one["image_id"], "category_id": one["category_id"],
                               "bbox": box.tolist(), "score": float(np.round(random.random(), 2))})
    for image in range(1, 16):
        for box in boxes(random, 4, 100):
            detections.append({"image_id": image, "category_id": int(random.integers(1, 4)),
                               "bbox": box.tolist(), "score": float(np.round(random.random() * 0.8, 2))})
    with contextlib.redirect_stdout(io.StringIO()):
        known = COCO()
        known.dataset = {"images": [{"id": image} for image in range(1, 16)], "annotations": truth,
                         "categories": [{"id": 1}, {"id": 2}, {"id": 3}]}
        known.createIndex()
        evaluation = COCOeval(known, known.loadRes([dict(one) for one in detections]), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    keep = ("image_id", "category_id", "bbox")
    return {
        "truth": [{key: one[key] for key in keep + ("iscrowd",)} for one in truth],
        "detections": [{key: one[key] for key in keep + ("score",)} for one in detections],
        "average_precision": float(evaluation.stats[0]),
    }


def main():
    random = np.random.default_rng(20261125)
    cases = {make.__name__: [make(random) for _ in range(3)] for make in (top_k, auc, distances, iou, average_precision)}
    OUT.write_text(json.dumps(cases, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
