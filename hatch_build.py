"""Compiles the C files of classifier/ when the package is built or installed editable.

The machine's own C compiler is used where there is one; else pip fetches one as a wheel (ziglang), so that a
machine with only Python and pip can install from source. docs/decisions/0004-build-the-kernel-in-c.md says why.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NAMES = ("_kernel", "_unmask", "_english", "_deep")
# No -march=native, no -ffast-math and no fused arithmetic: a wheel runs on other machines, and scores must not depend
# on which.
FLAGS = ("-O3", "-std=c11", "-fPIC", "-shared", "-fvisibility=default", "-ffp-contract=off", "-Wall", "-Wextra")

# Unlike the others, zig builds for the processor at hand unless told not to.
ZIG = (sys.executable, "-m", "ziglang", "cc", "-mcpu=baseline")


def compiler() -> list[str] | None:
    """The command of a C compiler on this machine, or None."""
    named = os.environ.get("CC")
    for name in (named,) if named else ("cc", "gcc", "clang"):
        if shutil.which(name.split()[0]):
            return name.split()
    return None


class BuildKernel(BuildHookInterface):
    def dependencies(self) -> list[str]:
        return [] if compiler() else ["ziglang>=0.13"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        if self.target_name != "wheel":
            return
        platform = sysconfig.get_platform().replace("-", "_")
        for name in NAMES:
            target = Path(self.root, "classifier", f"{name}.{platform}.so")
            fresh = target.with_suffix(".building")
            command = [*(compiler() or ZIG), *FLAGS]
            source = target.with_name(f"{name}.c")
            subprocess.run([*command, "-o", str(fresh), str(source), "-lm"], check=True)
            # Replaced, not rewritten: a running service has the old file mapped.
            fresh.replace(target)
            build_data["artifacts"].append(f"classifier/{target.name}")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform.replace('.', '_')}"
