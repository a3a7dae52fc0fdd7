"""Measure the quality of images."""

from ganzoo.metrics.accuracy import LabelAccuracy
from ganzoo.metrics.classification import ClassificationAccuracy
from ganzoo.metrics.copies import TrainingCopies
from ganzoo.metrics.features import Embedding, extractor_names, get_extractor
from ganzoo.metrics.frechet import FrechetDistance
from ganzoo.metrics.inception_score import InceptionScore
from ganzoo.metrics.kernel import KernelDistance
from ganzoo.metrics.mode_coverage import ModeCoverage
from ganzoo.metrics.naturalness import niqe
from ganzoo.metrics.neighbours import TrainingNeighbours
from ganzoo.metrics.parzen import ParzenLogLikelihood
from ganzoo.metrics.perceptual import lpips
from ganzoo.metrics.precision_recall import PrecisionRecall
from ganzoo.metrics.restoration import psnr, ssim
from ganzoo.metrics.result import Result
from ganzoo.metrics.training_classifiers import predict, train_classifier

__all__ = [
    "ClassificationAccuracy",
    "Embedding",
    "FrechetDistance",
    "InceptionScore",
    "KernelDistance",
    "LabelAccuracy",
    "ModeCoverage",
    "ParzenLogLikelihood",
    "PrecisionRecall",
    "Result",
    "TrainingCopies",
    "TrainingNeighbours",
    "extractor_names",
    "get_extractor",
    "lpips",
    "niqe",
    "predict",
    "psnr",
    "ssim",
    "train_classifier",
]
