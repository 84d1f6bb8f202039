"""What the benchmarks share: environments of the peers, made with pip when first asked for, and a line on the run."""

import os
import platform
import subprocess
import sys
import venv
from pathlib import Path

ENVIRONMENTS = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "cic_assets" / "benchmarks"


def python_of(name: str, packages: tuple[str, ...], alone: tuple[str, ...] = ()) -> Path:
    """The interpreter of an environment; without any package, our own.

    Args:
        name: of the environment's folder.
        packages: pinned, installed with what they depend on.
        alone: pinned, installed without.
    """
    if not packages:
        return Path(sys.executable)
    folder = ENVIRONMENTS / name
    python, complete = folder / "bin" / "python", folder / "complete"
    wanted = "\n".join((*packages, *alone))
    if not complete.exists() or complete.read_text() != wanted:
        print(f"installing {', '.join((*packages, *alone))} into {folder}", flush=True)
        venv.create(folder, with_pip=True, clear=True)
        install = [python, "-m", "pip", "install", "--quiet"]
        subprocess.run([*install, *packages], check=True)
        if alone:
            subprocess.run([*install, "--no-deps", *alone], check=True)
        complete.write_text(wanted)
    return python


def machine() -> str:
    """The machine and the commit, in a line."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(": ")[1] for line in lines if "model name" in line), platform.processor())
    load = f"load {os.getloadavg()[1]:.1f} at the end"
    python = f"Python {platform.python_version()}"
    return f"{os.cpu_count()} cores of {model}, {platform.system()}, {python}, {load}; commit {commit()}"


def commit() -> str:
    """Which state of the project is measured: results lie longer than it stays."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty=, with changes"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
