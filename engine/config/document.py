"""A parsed configuration file checked: the configuration that is in force, and everything that is wrong."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass

from engine.config.conflicts import SECRET_KEYS, Conflict, find_conflicts
from engine.config.expand import Surroundings, expand_table
from engine.config.faults import Fault, find_faults, not_a_table, suggest
from engine.config.lines import KeyPath
from engine.config.names import find_name_fault
from engine.config.schema import Config, DefaultsConfig, InstanceConfig, ProfileConfig

_NAMED_TABLES = ("instances", "profiles")

Raw = dict[str, object]


@dataclass(frozen=True, slots=True)
class Checked:
    """What a file amounts to."""

    config: Config
    """Only what is right: faulty keys have their defaults, faulty instances and profiles are left out."""
    faults: tuple[Fault, ...]
    frozen: Mapping[str, tuple[Fault, ...]]
    """The instances that are left out, and why; an inherited fault is among `faults` once."""
    given: Mapping[str, object]
    """What the file itself says, without the keys that are at fault; instances are as written."""


def check_document(document: Mapping[str, object], around: Surroundings) -> Checked:
    """Check everything in `document`, and keep what is right of it."""
    plain, plain_faults = _check_plain_tables(document, around)
    inherited = tuple(fault for fault in plain_faults if _is_inherited_secret(fault.path))
    named, instance_faults = _named_tables(document, "instances")
    instances, frozen = _check_instances(named, plain.get("defaults", {}), inherited, around)
    profiles, profile_faults = _check_profiles(document, named)
    faults = (
        *_unknown_tables(document),
        *plain_faults,
        *instance_faults,
        *(fault for found in frozen.values() for fault in found),
        *profile_faults,
    )
    config = Config.model_validate({**plain, "instances": instances, "profiles": profiles})
    return Checked(config, tuple(dict.fromkeys(faults)), frozen, {**plain, "instances": named, "profiles": profiles})


def _unknown_tables(document: Mapping[str, object]) -> tuple[Fault, ...]:
    known = list(Config.model_fields)
    return tuple(
        Fault((key,), "unknown table", _table_hint(key, known), is_table=True)
        if isinstance(value, dict)
        else Fault((key,), "unknown key", _table_hint(key, known))
        for key, value in document.items()
        if key not in known
    )


def _table_hint(key: str, known: list[str]) -> str:
    if close := suggest(key, known):
        return f"did you mean {close}?"
    return f"remove it; the tables of this file are {', '.join(known)}"


def _is_inherited_secret(path: KeyPath) -> bool:
    """Whether the key at `path` is, or was meant to be, an API key for every instance."""
    return path[0] == "defaults" and bool(suggest(path[-1], list(SECRET_KEYS)))


def _check_plain_tables(
    document: Mapping[str, object], around: Surroundings
) -> tuple[dict[str, Raw], tuple[Fault, ...]]:
    """Everything but instances and profiles: each faulty key falls back to its default."""
    given = {key: document[key] for key in document if key in Config.model_fields and key not in _NAMED_TABLES}
    table, unset = expand_table(Config, given, (), around)
    found = (*unset, *_not_inherited(table.get("defaults")), *find_faults(Config, table, ()))
    faults = tuple({fault.path: fault for fault in reversed(found)}.values())[::-1]  # the first of each key
    kept = _without(table, faults)
    return {key: value for key, value in kept.items() if isinstance(value, dict)}, faults


def _not_inherited(defaults: object) -> tuple[Fault, ...]:
    own = InstanceConfig.model_fields.keys() - DefaultsConfig.model_fields.keys()
    return tuple(
        Fault(("defaults", key), "cannot be inherited", "set it in each [instances.NAME] that needs it")
        for key in (defaults if isinstance(defaults, dict) else ())
        if key in own
    )


def _without(raw: Raw, faults: tuple[Fault, ...]) -> Raw:
    """A copy of `raw` without the keys that are at fault."""
    kept = copy.deepcopy(raw)
    for fault in faults:
        table: object = kept
        for key in fault.path[:-1]:
            table = table.get(key) if isinstance(table, dict) else None
        if isinstance(table, dict):
            table.pop(fault.path[-1], None)
    return kept


def _named_tables(document: Mapping[str, object], key: str) -> tuple[Raw, tuple[Fault, ...]]:
    tables = document.get(key, {})
    if isinstance(tables, dict):
        return tables, ()
    return {}, (not_a_table((key, "NAME"), tables),)


def _check_instances(
    named: Raw, defaults: Raw, inherited: tuple[Fault, ...], around: Surroundings
) -> tuple[dict[str, InstanceConfig], dict[str, tuple[Fault, ...]]]:
    """The instances that are right, in the file's order, and those that are frozen with their faults."""
    right: dict[str, InstanceConfig] = {}
    frozen: dict[str, tuple[Fault, ...]] = {}
    taken: dict[str, str] = {}
    for name, raw in named.items():
        path: KeyPath = ("instances", name)
        if fault := _name_fault(name, taken):
            frozen[name] = (Fault(path, fault, "give it another name", is_table=True),)
            continue
        taken[name.lower()] = name
        if not isinstance(raw, dict):
            frozen[name] = (not_a_table(path, raw),)
            continue
        merged, unset = _inherit(defaults, raw, path, around)
        if faults := _instance_faults(merged, raw, path, unset, inherited):
            frozen[name] = faults
        else:
            right[name] = InstanceConfig.model_validate(merged)
    bad_dependencies = _dependency_faults(right, list(named))
    kept = {name: instance for name, instance in right.items() if name not in bad_dependencies}
    return kept, {**frozen, **bad_dependencies}


def _name_fault(name: str, taken: Mapping[str, str]) -> str:
    if other := taken.get(name.lower()):
        return f"differs from {other} only in case: both would use the same files"
    return find_name_fault(name)


def _inherit(defaults: Raw, raw: Raw, path: KeyPath, around: Surroundings) -> tuple[Raw, tuple[Fault, ...]]:
    """The instance's own table, its paths made whole, over the defaults; and the faults of its paths."""
    own, unset = expand_table(InstanceConfig, raw, path, around)
    base = copy.deepcopy(defaults)
    if any(own.get(key) for key in SECRET_KEYS):  # its own key replaces the inherited one, wherever either stands
        base = {key: value for key, value in base.items() if key not in SECRET_KEYS}
    merged = _merge(base, own)
    if not merged.get("cwd"):
        merged["cwd"] = str(around.folder)
    return merged, unset


def _merge(under: Raw, over: Raw) -> Raw:
    merged = dict(under)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _instance_faults(
    merged: Raw, raw: Raw, path: KeyPath, unset: tuple[Fault, ...], inherited: tuple[Fault, ...]
) -> tuple[Fault, ...]:
    """Everything wrong with one instance; without its inherited key it would serve anybody, so that freezes it, too."""
    conflicts = tuple(_conflict_fault(path, conflict) for conflict in find_conflicts(merged))
    found = (*unset, *find_faults(InstanceConfig, merged, path), *conflicts)
    if not any(raw.get(key) for key in SECRET_KEYS):
        found = (*found, *inherited)
    return tuple(dict.fromkeys(found))


def _conflict_fault(path: KeyPath, conflict: Conflict) -> Fault:
    return Fault((*path, *conflict.keys), conflict.message, conflict.fix, is_table=not conflict.keys)


def _dependency_faults(instances: Mapping[str, InstanceConfig], known: list[str]) -> dict[str, tuple[Fault, ...]]:
    graph = {name: instance.depends_on for name, instance in instances.items()}
    found: dict[str, tuple[Fault, ...]] = {}
    for name, needs in graph.items():
        path = ("instances", name, "depends_on")
        faults = [_unknown_instance(path, need, known) for need in dict.fromkeys(needs) if need not in known]
        if cycle := _find_cycle(name, graph):
            faults.append(Fault(path, f"waits for itself: {' → '.join(cycle)}", "take one of them out of the circle"))
        if faults:
            found[name] = tuple(faults)
    return found


def _unknown_instance(path: KeyPath, name: str, known: list[str]) -> Fault:
    close = suggest(name, known)
    return Fault(path, f"no instance is named {name}", f"did you mean {close}?" if close else "remove it from the list")


def _find_cycle(start: str, graph: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The shortest way from `start` back to itself along the dependencies; empty when there is none."""
    ways: list[tuple[str, ...]] = [(start,)]
    seen: set[str] = set()
    for way in ways:
        for need in graph.get(way[-1], ()):
            if need == start:
                return (*way, need)
            if need not in seen:
                seen.add(need)
                ways.append((*way, need))
    return ()


def _check_profiles(
    document: Mapping[str, object], instances: Mapping[str, object]
) -> tuple[dict[str, ProfileConfig], tuple[Fault, ...]]:
    """The profiles that are right; one with a fault is left out whole, as using it would stop what it fails to name."""
    named, not_table = _named_tables(document, "profiles")
    right: dict[str, ProfileConfig] = {}
    faults = list(not_table)
    for name, raw in named.items():
        path: KeyPath = ("profiles", name)
        found = find_faults(ProfileConfig, raw, path) if isinstance(raw, dict) else (not_a_table(path, raw),)
        if not found:
            profile = ProfileConfig.model_validate(raw)
            unknown = [one for one in profile.instances if one not in instances]
            found = tuple(_unknown_instance((*path, "instances"), one, list(instances)) for one in unknown)
            right |= {} if found else {name: profile}
        faults += found
    return right, tuple(faults)
