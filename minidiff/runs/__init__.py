"""Runs: folders with a configuration, a history and checkpoints, and training that can stop and resume exactly."""

from minidiff.runs.distill import distill_run
from minidiff.runs.folder import Run, check_new
from minidiff.runs.pipeline import (
    collect,
    describe,
    labels_for,
    load_data,
    load_denoiser,
    load_training_data,
    run_stages,
)
from minidiff.runs.train import network_for, start_run, train_run, training_for

__all__ = [
    "Run", "check_new", "collect", "describe", "distill_run", "labels_for", "load_data", "load_denoiser",
    "load_training_data", "network_for", "run_stages", "start_run", "train_run", "training_for",
]  # fmt: skip
