"""``scripts/bench NAME``: a module named here has ``add_arguments(parser)`` and ``run(arguments)``."""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module

_NAMES = ("accuracy", "cluster", "fuzz", "reconcile", "review", "soak", "speed", "spreadsheets")


def main() -> int:
    """Run the measurement that the command line names; returns the exit status."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__.partition(":")[0])
    commands = parser.add_subparsers(dest="name", required=True)
    modules = {name: import_module(f"scripts.benchmarks.{name}") for name in _NAMES}
    for name, module in modules.items():
        summary = (module.__doc__ or "").splitlines()[0]
        module.add_arguments(commands.add_parser(name, help=summary, description=summary))
    arguments = parser.parse_args()
    return int(modules[arguments.name].run(arguments))


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
