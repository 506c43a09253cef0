"""Profiles: how large and how many the instances are on which checks run; what they assert never depends on it."""

from __future__ import annotations

from dataclasses import dataclass

from ...l2o import InputError
from ..support.session import SESSION


@dataclass(frozen=True)
class Profile:
    """Instances of each problem, variables, steps of a run, how often the set is drawn (each time with a seed of its
    own), and how many changes of variables of each kind are tried."""

    name: str
    batch: int
    dim: int
    steps: int
    draws: int
    images: int


PROFILES: dict[str, Profile] = {
    p.name: p
    for p in (
        Profile("dev", batch=2, dim=6, steps=6, draws=1, images=1),
        Profile("ci", batch=3, dim=12, steps=25, draws=1, images=2),
        Profile("thorough", batch=4, dim=30, steps=80, draws=3, images=2),
    )
}
"""dev: seconds, for every save; ci: for every push; thorough: for a release."""


def set_default_profile(name: str) -> None:
    """The profile of tests made by `parametrize_with_checks(profile=None)`; a pytest plugin sets it from its option."""
    SESSION.profile = profile_of(name).name


def profile_of(profile: str | Profile | None) -> Profile:
    """A profile by name; None is the default one."""
    if isinstance(profile, Profile):
        return profile
    name = SESSION.profile if profile is None else profile
    if name not in PROFILES:
        raise InputError(f"profile: expected one of {', '.join(PROFILES)}, got {name!r}.")
    return PROFILES[name]
