"""Options that the scripts which train have in common."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path


def training_options() -> argparse.ArgumentParser:
    """What is trained on what, as a parent of a script's own parser."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--stores", required=True, nargs="+", type=Path, help="token store folders")
    parser.add_argument("--tokenizer", required=True, type=Path, help="tokenizer folder")
    parser.add_argument("--spec", required=True, type=json.loads, help="run spec, as JSON; its seed may be replaced")
    parser.add_argument("--weights", nargs="?", type=Path, help="model to start from, where the spec's names `weights`")
    parser.add_argument("--micro-batch", required=True, type=int, help="sequences a device takes at once")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    return parser


def job_options() -> argparse.ArgumentParser:
    """How a job that may be cut off saves and stops, and what it refuses, as a parent of a script's own parser."""
    seconds = float(os.environ.get("EMULSION_CHECKPOINT_SECONDS", "120"))
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--checkpoints", required=True, type=Path, help="folder to go on from")
    parser.add_argument("--checkpoint-seconds", type=float, default=seconds, help="time between checkpoints")
    parser.add_argument("--minutes", type=float, default=None, help="time the job has; it saves and stops before")
    parser.add_argument("--most-epochs", type=int, default=0, help="refuse to repeat a source more often; 0: no limit")
    return parser
