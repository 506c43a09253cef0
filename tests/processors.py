"""Runs the tests as other processors would: `python -m tests.processors`.

OpenBLAS, torch and MKL choose their kernels by the processor, and other kernels add in another order. These variables
make them choose as if on another one, so that a test that depends on the last bits of a result, or on the path that a
solver takes through them, fails here and not on a user's machine.

    python -m tests.processors                    the whole suite (without the slow tests), each setting in turn
    python -m tests.processors --part             the tests whose numbers are most sensitive, under the oldest processor
    python -m tests.processors --setting haswell  one setting
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
SETTINGS = {
    "nehalem": {
        "OPENBLAS_CORETYPE": "Nehalem",
        "ATEN_CPU_CAPABILITY": "default",
        "MKL_CBWR": "COMPATIBLE",
        **ONE_THREAD,
    },
    "haswell": {"OPENBLAS_CORETYPE": "Haswell", "ATEN_CPU_CAPABILITY": "avx2"},
    "zen": {"OPENBLAS_CORETYPE": "Zen", "ATEN_CPU_CAPABILITY": "default", **ONE_THREAD},
    "skylakex": {"OPENBLAS_CORETYPE": "SkylakeX", "ATEN_CPU_CAPABILITY": "avx512"},
}
"""What each setting puts into the environment. MKL_CBWR takes MKL's matrix products to SSE2 as well."""
NEEDS = {"haswell": "avx2", "zen": "avx2", "skylakex": "avx512f"}
"""The instructions without which a setting would crash."""
PART = (
    "tests/bounds/test_tight.py",
    "tests/bounds/worst_cases/test_records.py",
    "tests/l2o/test_optimizers.py",
    "tests/l2o/test_parity.py",
    "tests/l2o/test_problems.py",
    "tests/l2o/test_rollout.py",
    "tests/verification/studies/drift/test_shifts.py",
    "tests/verification/optima/test_certificates.py",
    "tests/verification/optima/test_optimum.py",
    "tests/verification/studies/speedup/test_calls_and_timing.py",
    "tests/verification/verdicts/test_wild_scales.py",
)


def instructions() -> set[str]:
    """The instruction sets of this processor, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return set()
    return next((set(line.split()) for line in lines if line.startswith("flags")), set())


def run(setting: str, arguments: list[str]) -> int:
    """pytest under a setting; its exit code."""
    print(f"== {setting}: {SETTINGS[setting]}", flush=True)
    begun = time.monotonic()
    command = [sys.executable, "-m", "pytest", *arguments]
    code = subprocess.run(command, cwd=ROOT, env={**os.environ, **SETTINGS[setting]}, check=False).returncode
    print(f"== {setting}: exit code {code} after {time.monotonic() - begun:.0f} s", flush=True)
    return code


def main() -> int:
    """Exit code 0 if all passed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", action="store_true", help="the sensitive tests only, under the oldest processor")
    parser.add_argument("--setting", choices=SETTINGS, action="append", help="this setting only; may be repeated")
    options, rest = parser.parse_known_args()
    arguments = [*rest, *(PART if options.part else ())]
    wanted = options.setting or (["nehalem"] if options.part else list(SETTINGS))
    there, codes = instructions(), {}
    for setting in wanted:
        if setting in NEEDS and NEEDS[setting] not in there:
            print(f"== {setting}: not run, this processor has no {NEEDS[setting]}", flush=True)
        else:
            codes[setting] = run(setting, arguments)
    print("== " + ", ".join(f"{name}: {'passed' if code == 0 else 'FAILED'}" for name, code in codes.items()))
    return 0 if codes and not any(codes.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
