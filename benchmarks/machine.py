"""The machine and the versions that a figure was measured with, as they are written into every result."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from matchcut.cores import usable_cores

PACKAGES = ("dagster", "torch", "opencv-python", "numpy", "av", "faiss-cpu", "pyarrow")


def machine_facts() -> dict[str, Any]:
    """Processor, cores, memory, Python and package versions."""
    return {
        "processor": _processor(),
        "cores": usable_cores(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": platform.system(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        if names:
            return names[0]
    return platform.processor()


def shared_videos() -> Path:
    """The folder of hand-checked films beside the repository; it need not exist."""
    return Path(__file__).resolve().parents[2] / "shared" / "videos"
