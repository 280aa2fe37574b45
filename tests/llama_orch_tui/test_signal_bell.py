"""Waiting for signals and for other threads."""

from __future__ import annotations

import os
import signal
import sys
import threading

from llama_orch_tui.signal_bell import SignalBell

assert sys.platform != "win32"  # tells the type checker which half of the world this is


def test_a_signal_wakes_and_is_named() -> None:
    with SignalBell([signal.SIGHUP, signal.SIGTERM]) as bell:
        os.kill(os.getpid(), signal.SIGHUP)
        assert bell.wait(5) == {signal.SIGHUP}
        assert bell.wait(0) == frozenset()


def test_another_thread_wakes_without_a_signal() -> None:
    with SignalBell([signal.SIGHUP]) as bell:
        ringer = threading.Thread(target=bell.ring)
        ringer.start()
        assert bell.wait(None) == frozenset()
        ringer.join()


def test_the_handlers_of_before_come_back() -> None:
    before = signal.getsignal(signal.SIGHUP)
    with SignalBell([signal.SIGHUP]):
        assert signal.getsignal(signal.SIGHUP) is not before
    assert signal.getsignal(signal.SIGHUP) is before
