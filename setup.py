"""Which folders are which packages; everything else is in pyproject.toml."""

from setuptools import find_packages, setup

FOLDERS = ("bounds", "l2o", "verification")
"""They lie at the top of the checkout and are installed below `l2obound`."""

setup(
    packages=["l2obound"]
    + [f"l2obound.{name}" for name in find_packages(include=[*FOLDERS, *(f"{f}.*" for f in FOLDERS)])],
    package_dir={"l2obound": "l2obound", **{f"l2obound.{name}": name for name in FOLDERS}},
)
