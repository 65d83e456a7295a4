"""Coffea processors and the runner that accounts for every event."""

from processors.kernel_cache import use_kernel_cache

use_kernel_cache()
