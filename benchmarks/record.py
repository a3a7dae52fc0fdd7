"""Write the JSON file of a benchmark: its results, versions and machine."""

import importlib.metadata
import json
import os
import pathlib
import platform

_PACKAGES = ("keras-ganzoo", "keras", "tensorflow")


def write(path, arguments, **figures):
    """Write the results of a benchmark as JSON.

    Args:
        path: file to write.
        arguments: parsed command line arguments.
        **figures: results.
    """
    settings = {name: str(value) for name, value in vars(arguments).items() if name != "json"}
    content = {"settings": settings, "machine": describe_machine(), **figures}
    path.write_text(json.dumps(content, indent=2) + "\n")


def describe_machine():
    """Return versions, the name of the processor and the number of usable cores."""
    may_use = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count()))
    return {
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in _PACKAGES},
        "processor": _processor(),
        "cores": len(may_use(0)),
    }


def _processor():
    # On Linux, `platform` only returns "x86_64".
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else ()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
