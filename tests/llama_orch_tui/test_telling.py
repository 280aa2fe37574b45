"""What a daemon prints: everything in order to who reads, nothing that waits for who does not."""

from __future__ import annotations

import os
import re
import threading

from llama_orch_tui.telling import KEPT_LINES, Printer


def read_all(handle: int) -> str:
    parts = []
    while part := os.read(handle, 1 << 20):
        parts.append(part)
    os.close(handle)
    return b"".join(parts).decode()


def test_lines_come_in_order_and_all_of_them_before_the_end() -> None:
    read_end, write_end = os.pipe()
    printer = Printer(write_end)
    for number in range(1000):
        printer.print(f"{number} ö \udcff")
    printer.close()
    os.close(write_end)
    assert read_all(read_end) == "".join(f"{number} ö \\udcff\n" for number in range(1000))


def test_what_nobody_read_is_dropped_counted_and_told_to_the_next_reader() -> None:
    read_end, write_end = os.pipe()
    printer = Printer(write_end)
    lines = [f"{number:0100}" for number in range(3 * KEPT_LINES)]
    for line in lines:
        printer.print(line)  # returns, although the pipe is full
    told = b""
    while told.count(b"\n") < KEPT_LINES:
        told += os.read(read_end, 1 << 20)
    printer.print("after")

    def close() -> None:
        printer.close()
        os.close(write_end)

    closing = threading.Thread(target=close)  # what is left may be more than the pipe holds
    closing.start()
    shown = (told.decode() + read_all(read_end)).splitlines()
    closing.join()
    kept = [line for line in shown if line.isdecimal()]
    dropped = [int(found[1]) for line in shown if (found := re.match(r"\((\d+) events before this one", line))]
    assert kept == sorted(kept)
    assert "after" in shown
    assert dropped
    assert len(kept) + sum(dropped) == len(lines)


def test_a_reader_who_has_gone_is_no_trouble_and_a_stuck_one_is_left() -> None:
    read_end, write_end = os.pipe()
    printer = Printer(write_end)
    os.close(read_end)
    printer.print("to nobody")
    printer.print("likewise")
    printer.close()
    assert not printer._thread.is_alive()
    os.close(write_end)
    read_end, write_end = os.pipe()
    stuck = Printer(write_end)
    stuck.print("." * (1 << 20))
    stuck.close()
    assert stuck._thread.is_alive()
    os.close(read_end)  # its write fails, and it ends
    stuck._thread.join(10.0)
    assert not stuck._thread.is_alive()
    os.close(write_end)
