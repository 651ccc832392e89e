"""The contents of the sample: projects, users and words from machine-learning practice, as tables."""

from __future__ import annotations

from typing import Any, NamedTuple


class Kind(NamedTuple):
    """How a project of the sample differs from an ordinary one."""

    tags: tuple[str, ...] = ()
    system_tags: tuple[str, ...] = ()
    public: bool = False
    legacy: bool = False
    tasks: int = 0
    task_type: str = ""


def plain(tasks: int, *tags: str) -> Kind:
    """Return the kind of an ordinary project."""
    return Kind(tags=tags, tasks=tasks)


DATASETS = Kind(system_tags=("dataset", "hidden"))
PIPELINES = Kind(system_tags=("hidden", "pipeline"))
REPORTS = Kind(system_tags=("hidden", "reports"), tasks=3, task_type="report")


def dataset(versions: int, *tags: str) -> Kind:
    """Return the kind of a dataset, each of whose versions is a task."""
    return Kind(tags, ("dataset", "hidden"), tasks=versions, task_type="data_processing")


def pipeline(runs: int, *tags: str) -> Kind:
    """Return the kind of a pipeline, each of whose runs is a task."""
    return Kind(tags, ("hidden", "pipeline"), tasks=runs, task_type="controller")


PROJECTS: dict[str, Kind] = {
    "vision": plain(0, "team-vision"),
    "vision/classification": plain(6, "cv"),
    "vision/classification/imagenet": plain(14, "cv", "benchmark"),
    "vision/classification/imagenet/resnet": plain(22, "prod", "baseline", "cv"),
    "vision/classification/imagenet/resnet/ablations": plain(18, "paper"),
    "vision/classification/imagenet/vit": plain(12, "paper", "cv"),
    "vision/detection": plain(4, "cv"),
    "vision/detection/yolo": plain(28, "prod", "edge"),
    "vision/detection/yolo/anchors": plain(6),
    "vision/detection/detr": plain(11, "transformer"),
    "vision/detection/faster-rcnn": plain(9, "baseline"),
    "vision/segmentation": plain(3),
    "vision/segmentation/unet": plain(15, "medical", "cv"),
    "vision/segmentation/sam-finetune": plain(8),
    "vision/ocr [pilot]": plain(5, "pilot"),
    "vision/.datasets": DATASETS,
    "vision/.datasets/coco-2017": dataset(4, "images", "public-data"),
    "vision/.datasets/street-signs": dataset(6, "images", "eu"),
    "vision/.pipelines": PIPELINES,
    "vision/.pipelines/nightly-retrain": pipeline(7, "nightly"),
    "vision/.reports": REPORTS,
    "nlp": plain(0, "team-nlp"),
    "nlp/ner": plain(5),
    "nlp/ner/bert": plain(16, "baseline", "Prod"),
    "nlp/ner/bert/distilled": plain(9, "edge"),
    "nlp/sentiment": plain(3),
    "nlp/sentiment/reviews": plain(12, "weekly", "customer"),
    "nlp/translation": plain(0),
    "nlp/translation/en-de": plain(10, "transformer"),
    "nlp/translation/en-日本語": plain(7, "transformer", "日本語"),
    "nlp/summarization": plain(8, "llm"),
    "nlp/.datasets": DATASETS,
    "nlp/.datasets/wiki-articles": dataset(5, "text"),
    "nlp/.reports": REPORTS,
    "speech": plain(0),
    "speech/asr": plain(4),
    "speech/asr/whisper": plain(13, "prod", "gpu"),
    "speech/asr/whisper/large-v3": plain(6, "gpu"),
    "speech/tts": plain(5, "pilot"),
    "recommender": plain(2, "team-growth"),
    "recommender/ranking": plain(14, "prod", "ab-test"),
    "recommender/retrieval": plain(4),
    "recommender/retrieval/two tower": plain(11, "baseline"),
    "recommender/.pipelines": PIPELINES,
    "recommender/.pipelines/weekly features": pipeline(5, "weekly"),
    "forecasting": plain(0),
    "forecasting/energy demand": plain(9, "customer"),
    "forecasting/energy demand/2024": plain(7),
    "forecasting/retail": Kind(("old",), ("archived",), tasks=6),
    "tabular": plain(0),
    "tabular/churn": plain(10, "customer", "weekly"),
    "tabular/fraud": plain(12, "prod", "audit"),
    "research": plain(1, "research"),
    "research/diffusion": plain(8, "paper", "gpu"),
    "research/reinforcement": plain(5, "research"),
    "research/reinforcement/atari": plain(9, "paper", "baseline"),
    "Прогноз погоды": plain(4, "погода"),
    "internal metrics": Kind(system_tags=("hidden",), tasks=2),
    "old experiments": Kind(legacy=True, tasks=5),
    "scratch": Kind(legacy=True, tasks=3),
    "examples": Kind(("shared",), public=True, tasks=3),
    "examples/pytorch": Kind(("shared", "example"), public=True, tasks=5),
    "shared baselines": Kind(("shared", "baseline"), public=True, tasks=4),
}
"""Every project by its full name, parents before their children."""

WITHOUT_PROJECT = 3
"""Tasks whose project was deleted."""

MODELS = 60

USERS = ("Ana Souza", "Jürgen Weber", "山田 花子", "nightly robot")

DESCRIPTIONS = (
    "",
    "Baselines and what we compare them with",
    "Everything that runs in production; ask before you change it",
    "Experiments for the paper",
    "50% of the data, $HOME/data on the workers",
    "Moved here from the old server\nsee the wiki",
)

FRAMEWORKS = ("PyTorch", "TensorFlow", "ONNX", "scikit-learn", "XGBoost", "PyTorch Lightning")

METADATA: dict[str, tuple[str, ...]] = {
    "data.set": ("coco", "imagenet-1k"),
    "layers": ("18", "50", "101"),
    "accuracy": ("0.71", "0.83"),
}

STATUSES = {
    "completed": 44,
    "published": 10,
    "failed": 12,
    "stopped": 10,
    "created": 9,
    "in_progress": 5,
    "queued": 4,
    "closed": 3,
    "publishing": 1,
    "unknown": 2,
    "": 3,
}
"""The weight of each status; the empty one is a document without a status."""

NOT_STARTED = frozenset({"created", "queued"})
NOT_FINISHED = frozenset({"created", "queued", "in_progress", ""})

TYPES = {"training": 60, "testing": 14, "inference": 10, "data_processing": 8, "optimizer": 4, "qc": 2, "custom": 2}

SYSTEM_TAGS_BY_TYPE = {"data_processing": ["dataset"], "controller": ["pipeline"], "report": ["hidden", "reports"]}

TASK_CONSTANTS: dict[str, Any] = {
    "report_assets": [],
    "output": {},
    "execution": {"test_split": 0, "parameters": {}, "model_desc": {}, "model_labels": {}, "artifacts": {}},
    "script": {
        "binary": "python",
        "repository": "https://git.example.com/ml/experiments.git",
        "entry_point": "train.py",
        "branch": "main",
        "requirements": {"pip": "torch==2.2.1\nclearml==1.14.4\n"},
    },
    "metric_stats": {},
    "configuration": {},
    "runtime": {},
    "container": {},
}
"""The large sub-documents, which are the same in every task of the sample."""

TASK_NAMES = (
    "train baseline",
    "lr sweep",
    "larger batch",
    "mixed precision",
    "no augmentation",
    "warm restart",
    "evaluate checkpoint",
    "export to onnx",
    "longer schedule",
    "seed",
)

TASK_TAGS = ("best", "candidate", "debug", "gpu-a100", "regression", "v2", "Überprüft", "rerun")

METRICS: dict[str, tuple[float, tuple[str, ...]]] = {
    "loss": (4.0, ("train", "validation")),
    "accuracy": (1.0, ("top1", "top5")),
    "mAP@0.5": (1.0, ("person", "car", "all classes")),
    ":monitor:gpu": (80.0, ("gpu_0_utilization", "gpu_0_mem_used_gb")),
    "learning rate": (0.1, ("lr/group.0",)),
}
"""The metrics that tasks report: highest value and variants of each."""

PARAMETERS: dict[str, dict[str, tuple[str, ...]]] = {
    "Args": {
        "lr": ("0.1", "0.01", "0.003", "1e-4"),
        "epochs": ("10", "50", "90"),
        "batch_size": ("32", "64", "256"),
        "seed": ("0", "1", "42"),
        "data.path": ("/data/train", "s3://bucket/train"),
        "_comment": ("", "rerun after the outage"),
    },
    "General": {"model__name": ("resnet50", "vit-b16"), "dropout%": ("10", "25"), "cost in $": ("1.20", "8.75")},
    "Hydra.main": {"optimizer.name": ("adamw", "sgd"), "scheduler": ("cosine", "step")},
}
"""Sections of hyper-parameters: unescaped names, and the possible values of each."""
