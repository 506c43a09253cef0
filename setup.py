"""Which folders are which packages, and the kernel in C where it can be compiled; all else is in pyproject.toml."""

import glob
import os
import shlex
import shutil
import sysconfig

from setuptools import Extension, find_packages, setup

FOLDERS = ("bounds", "l2o", "verification")
"""They lie at the top of the checkout and are installed below `l2obound`."""


def compiler_is_there() -> bool:
    """Whether the program is installed that would compile C; True where it is only found out by compiling (Windows)."""
    command = os.environ.get("CC") or sysconfig.get_config_var("CC")
    return not command or shutil.which(shlex.split(command)[0]) is not None


# Plain torch does the same work as the kernel. Without a compiler the wheel is one of Python alone, for every platform;
# with `optional`, a compiler that fails ends no installation.
KERNEL = Extension(
    "l2obound.l2o.support.native._kernel",
    ["l2o/support/native/kernel.c"],
    depends=sorted(glob.glob("l2o/support/native/*.h")),
    extra_compile_args=["-O3", "-fno-math-errno", "-fno-trapping-math", "-fno-signed-zeros"],
    libraries=[] if os.name == "nt" else ["m"],
    optional=True,
)

setup(
    packages=["l2obound"]
    + [f"l2obound.{name}" for name in find_packages(include=[*FOLDERS, *(f"{f}.*" for f in FOLDERS)])],
    package_dir={"l2obound": "l2obound", **{f"l2obound.{name}": name for name in FOLDERS}},
    ext_modules=[KERNEL] if compiler_is_there() else [],
)
