"""The JSON file that a benchmark leaves: what was measured, of which versions, and where."""

import importlib.metadata
import json
import os
import pathlib
import platform

_PACKAGES = ("ganzoo", "keras", "tensorflow")


def write(path, arguments, **figures):
    """Writes `figures` with the command's arguments and the machine they were measured on."""
    settings = {name: str(value) for name, value in vars(arguments).items() if name != "json"}
    content = {"settings": settings, "machine": describe_machine(), **figures}
    path.write_text(json.dumps(content, indent=2) + "\n")


def describe_machine():
    """Versions, the processor's name and how many cores this process may use, as a dict."""
    may_use = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count()))
    return {
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in _PACKAGES},
        "processor": _processor(),
        "cores": len(may_use(0)),
    }


def _processor():
    cpuinfo = pathlib.Path("/proc/cpuinfo")  # Python knows no more than "x86_64" there.
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else ()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
