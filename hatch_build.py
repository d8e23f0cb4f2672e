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

NAMES = ("_kernel", "_unmask", "_english", "_deep", "_prints")
# No -march=native, no -ffast-math and no fused arithmetic: a wheel runs on other machines, and scores must not depend
# on which.
FLAGS = ("-O3", "-std=c11", "-fPIC", "-shared", "-fvisibility=default", "-ffp-contract=off", "-Wall", "-Wextra")

# For a wheel that runs on other machines zig compiles for a glibc that all of them have (PEP 600).
PORTABLE, GLIBC = ("x86_64", "aarch64"), "2.17"
# Unlike the others, zig builds for the processor at hand unless told not to.
ZIG = (sys.executable, "-m", "ziglang", "cc", "-mcpu=baseline")


def compiler() -> list[str] | None:
    """The command of a C compiler on this machine, or None."""
    named = os.environ.get("CC")
    for name in (named,) if named else ("cc", "gcc", "clang"):
        if shutil.which(name.split()[0]):
            return name.split()
    return None


def portable() -> str | None:
    """x86_64 or aarch64, if a wheel for other machines was asked for (`make wheels`); None: for this machine."""
    wanted = os.environ.get("STEWARD_WHEEL_FOR")
    if wanted not in (None, *PORTABLE):
        raise ValueError(f"STEWARD_WHEEL_FOR is {wanted}; it must be one of {', '.join(PORTABLE)}")
    return wanted


class BuildKernel(BuildHookInterface):
    def dependencies(self) -> list[str]:
        return [] if compiler() and not portable() else ["ziglang>=0.17"]  # older ones refuse the AVX-512 of _deep.c

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        if self.target_name != "wheel":
            return
        wanted = portable()
        platform = f"linux_{wanted}" if wanted else sysconfig.get_platform().replace("-", "_")
        of_machine = [*ZIG[:-1], "-target", f"{wanted}-linux-gnu.{GLIBC}"] if wanted else [*(compiler() or ZIG)]
        for name in NAMES:
            target = Path(self.root, "build" if wanted else "classifier", f"{name}.{platform}.so")
            target.parent.mkdir(exist_ok=True)
            fresh = target.with_suffix(".building")
            command = [*of_machine, *FLAGS]
            source = Path(self.root, "classifier", f"{name}.c")
            subprocess.run([*command, "-o", str(fresh), str(source), "-lm"], check=True)
            # Replaced, not rewritten: a running service has the old file mapped.
            fresh.replace(target)
            if wanted:  # not beside the source, where this machine would load it
                build_data["force_include"][str(target)] = f"classifier/{target.name}"
            else:
                build_data["artifacts"].append(f"classifier/{target.name}")
        build_data["pure_python"] = False
        tag = f"manylinux_{GLIBC.replace('.', '_')}_{wanted}" if wanted else platform.replace(".", "_")
        build_data["tag"] = f"py3-none-{tag}"
