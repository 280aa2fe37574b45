"""The ways in which a home is attacked. Each move breaks one thing, says which, and sees to its repair."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress

import psutil

from engine.errors import ExitCode
from engine.snapshots import Act
from tests.fakes import headless
from tests.fakes.homes import command_server
from tests.faults.chaos.census import Role
from tests.faults.chaos.den import NAMES, Den, Want, hold_database, hold_port

MOST_SUPERVISORS = 3
CLOCK_JUMPS_S = (-86400.0, -3600.0, -5.0, 0.0, 5.0, 3600.0, 86400.0)
STATE_FILES = ("state.sqlite", "state.sqlite-wal", "state.sqlite-shm")

Move = Callable[[Den], None]


# -- what people do


def ask_for_something(den: Den) -> None:
    """One act on one or two instances, from another terminal."""
    names = den.chance.sample(NAMES, den.chance.choice((1, 1, 2)))
    den.ask(den.chance.choice((Act.START, Act.START, Act.STOP, Act.RESTART)), *names)


def start_and_stop_at_once(den: Den) -> None:
    """A start, and a stop right behind it."""
    name = den.chance.choice(NAMES)
    den.ask(Act.START, name)
    den.pause(den.chance.uniform(0.0, 0.6))
    den.ask(Act.STOP, name)


def two_commands_at_once(den: Den) -> None:
    """Two terminals start two instances at the same moment."""
    for name in den.chance.sample(NAMES, 2):
        den.ask(Act.START, name)


def one_more_supervisor(den: Den) -> None:
    """Another console is opened."""
    if len(den.living_supervisors()) < MOST_SUPERVISORS:
        den.add_supervisor()


# -- what is killed and frozen


def kill_a_supervisor(den: Den) -> None:
    """Kill -9 of a console, rather of the leader than of another."""
    living = den.living_supervisors()
    leader = den.find_leader()
    if not living:
        return
    victim = leader if leader is not None and den.chance.random() < 0.7 else den.chance.choice(living)
    den.note(f"kill -9 supervisor {victim.pid}{' (leads)' if victim is leader else ''}")
    victim.kill()
    victim.wait()
    den.supervisors.remove(victim)


def end_a_supervisor(den: Den) -> None:
    """A console is closed in good order."""
    if living := den.living_supervisors():
        victim = den.chance.choice(living)
        den.note(f"TERM supervisor {victim.pid}")
        victim.terminate()
        thaw(psutil.Process(victim.pid))
        victim.wait(30.0)
        den.supervisors.remove(victim)


def kill_a_member(den: Den) -> None:
    """Kill -9 of a keeper, a server or a leader's fork server."""
    if (victim := den.pick(den.chance.choice(list(Role)))) is not None:
        den.note(f"kill -9 {victim}")
        with suppress(psutil.NoSuchProcess):
            victim.process.kill()


def freeze_a_member(den: Den) -> None:
    """A keeper, a server or a leader's fork server hears nothing for a while."""
    if (victim := den.pick(den.chance.choice(list(Role)))) is not None:
        _freeze(den, victim.process, str(victim))


def freeze_a_supervisor(den: Den) -> None:
    """A console hears nothing for a while, as after ctrl+z."""
    if living := den.living_supervisors():
        victim = den.find_leader() or den.chance.choice(living)
        _freeze(den, psutil.Process(victim.pid), f"supervisor {victim.pid}")


def _freeze(den: Den, process: psutil.Process, who: str) -> None:
    seconds = den.chance.uniform(0.2, 4.0)
    den.note(f"frozen for {seconds:.1f} s: {who}")
    with suppress(psutil.NoSuchProcess):
        process.suspend()
        den.break_for(seconds, f"{who} thaws", lambda: thaw(process))


def thaw(process: psutil.Process) -> None:
    """Let a process go on; it may be gone."""
    with suppress(psutil.NoSuchProcess):
        process.resume()


def end_a_server_with_a_code(den: Den) -> None:
    """A server ends by itself; its exit code must be told."""
    name = den.chance.choice(("a", "b"))
    code = den.chance.randrange(3, 120)
    with suppress(OSError):
        command_server(den.ports[name], do="exit", code=code)
        den.note(f"{name} ends with {code}")


def steal_a_port(den: Den) -> None:
    """A server dies, and somebody else takes its port at once."""
    name = den.chance.choice(("a", "b"))
    with suppress(OSError):
        command_server(den.ports[name], do="exit", code=1)
    with suppress(OSError):
        letting_go = hold_port(den.ports[name])
        den.note(f"stolen: port {den.ports[name]} of {name}")
        den.break_for(den.chance.uniform(0.2, 2.0), f"port of {name}", letting_go)


# -- what happens to files and clocks


def delete_the_run_folder(den: Den) -> None:
    """Somebody cleans up too well."""
    den.note("deleted: run/")
    shutil.rmtree(den.home.run_dir, ignore_errors=True)


def delete_a_run_file(den: Den) -> None:
    """One lock, record or socket goes."""
    with suppress(OSError):
        if files := sorted(den.home.run_dir.iterdir()):
            file = den.chance.choice(files)
            den.note(f"deleted: run/{file.name}")
            file.unlink()


def delete_the_database(den: Den) -> None:
    """All that was remembered goes; what runs is found by its keepers."""
    den.note("deleted: state.sqlite")
    den.broken.faults.add("state")
    for name in NAMES:
        if den.wants[name] is Want.RUNNING:
            den.wants[name] = Want.UNKNOWN
    for file in STATE_FILES:
        (den.home.state_dir / file).unlink(missing_ok=True)


def lock_the_database(den: Den) -> None:
    """Another program holds the database for seconds."""
    seconds = den.chance.uniform(0.3, 4.0)
    den.note(f"locked: state.sqlite for {seconds:.1f} s")
    den.broken.faults.add("state")
    den.break_for(seconds, "database unlocked", hold_database(den.home.state_file))


def damage_the_database(den: Den) -> None:
    """The database becomes rubbish, and is moved away after a while, as its message asks for."""
    if "state" in den.broken.faults or not den.home.state_file.exists():
        return  # not while we hold its lock: closing a plain descriptor would drop it
    delete_what = "damaged: state.sqlite"
    den.note(delete_what)
    den.broken.faults.add("state")
    den.refusals.add(int(ExitCode.STATE_DAMAGED))  # a daemon that begins over it
    with den.home.state_file.open("r+b") as file:
        size = max(4096, os.fstat(file.fileno()).st_size)
        file.write(den.chance.randbytes(4096))
        file.truncate(den.chance.choice((4096, size)))
    den.break_for(den.chance.uniform(0.3, 2.0), "damaged database moved away", lambda: delete_the_database(den))


def delete_the_run_folder_and_change_the_leader(den: Den) -> None:
    """The folder goes and a new leader comes, before any keeper has had time to look."""
    delete_the_run_folder(den)
    kill_a_supervisor(den)
    den.add_supervisor()


def break_the_configuration(den: Den) -> None:
    """The file cannot be read, or one table is wrong, for a while."""
    broken = den.chance.choice(("this is [not toml", den.config.replace(f"port = {den.ports['a']}", "port = 99999", 1)))
    den.note("broken: config.toml")
    den.throw_away.write_config(broken)
    den.break_for(den.chance.uniform(0.3, 2.5), "configuration mended", lambda: den.throw_away.write_config(den.config))


def set_the_clock(den: Den) -> None:
    """The wall clock of every console jumps."""
    den.broken.offset_s = den.chance.choice(CLOCK_JUMPS_S)
    den.note(f"clock off by {den.broken.offset_s:+.0f} s")
    headless.set_clock(den.clock_file, den.broken.offset_s)


MOVES: dict[Move, int] = {
    ask_for_something: 5,
    start_and_stop_at_once: 2,
    two_commands_at_once: 2,
    one_more_supervisor: 3,
    kill_a_supervisor: 4,
    end_a_supervisor: 2,
    kill_a_member: 5,
    freeze_a_member: 3,
    freeze_a_supervisor: 2,
    end_a_server_with_a_code: 2,
    steal_a_port: 2,
    delete_the_run_folder: 1,
    delete_a_run_file: 2,
    delete_the_run_folder_and_change_the_leader: 2,
    delete_the_database: 1,
    lock_the_database: 2,
    damage_the_database: 1,
    break_the_configuration: 2,
    set_the_clock: 1,
}
"""Every move, and how often it is chosen in relation to the others."""
