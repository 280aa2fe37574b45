"""The operating system, as the engine asks for it: one interface, POSIX and Windows behind it."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    from engine.process.windows import (
        ask_to_end,
        await_child,
        connect_private,
        end_child,
        holds_deleted,
        identify_file,
        is_locked,
        is_own_file,
        is_same_file,
        kill_process,
        kill_session,
        listen_private,
        make_private_dir,
        read_boot_id,
        read_start_ticks,
        reap_child,
        send_handles,
        spawn_detached,
    )
else:
    from engine.process.posix import (
        holds_deleted,
        identify_file,
        is_locked,
        is_own_file,
        is_same_file,
        make_private_dir,
        read_boot_id,
        read_start_ticks,
    )
    from engine.process.posix_engine import (
        ask_to_end,
        await_child,
        connect_private,
        end_child,
        kill_process,
        kill_session,
        listen_private,
        reap_child,
        send_handles,
        spawn_detached,
    )

__all__ = [
    "ask_to_end",
    "await_child",
    "connect_private",
    "end_child",
    "holds_deleted",
    "identify_file",
    "is_locked",
    "is_own_file",
    "is_same_file",
    "kill_process",
    "kill_session",
    "listen_private",
    "make_private_dir",
    "read_boot_id",
    "read_start_ticks",
    "reap_child",
    "send_handles",
    "spawn_detached",
]
