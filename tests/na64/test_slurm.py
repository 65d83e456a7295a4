"""A run on a real Slurm of one machine: `pytest -m slurm`. tools/slurm_here.sh installs, starts and stops it."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from coffea.processor.executor import WorkItem

from datasets.sources import InputFile
from na64.testing import find_value
from processors.chunk import ChunkError
from processors.cluster_profiles import SlurmProfile
from processors.clusters import Cluster
from processors.executors import ChunkExecutor, open_pool
from processors.invisible import InvisibleProcessor
from processors.result import AnalysisResult
from processors.runner import Execution, Request, opened, prepare, run_items
from tests.conftest import NOT_IN_P348RECO, Told
from tests.na64.blind import PLANTED, make_closed_pair

SCRIPT = Path(__file__).parents[2] / "tools" / "slurm_here.sh"
NEEDED = ("slurmctld", "slurmd", "munged")

pytestmark = pytest.mark.slurm
