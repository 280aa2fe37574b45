"""What health checks cost: 500 targets asked every second, with and without 50 more that hang.

Prints the CPU that the monitor takes (percent of one core), how late checks come, and how long its end takes, beside
the same 500 requests a second through httpx. The targets are one tiny server in a process of its own.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import httpx

from engine.clock import Clock
from engine.health.judge import JudgePolicy
from engine.health.monitor import HealthMonitor
from engine.health.patients import Watch
from engine.health.targets import ProbeKind, ProbeTarget

assert sys.platform != "win32"  # tells the type checker which half of the world this is

from benchmarks.ruler import print_ratio, print_spread  # noqa: E402 - after the type checker was told

TARGETS = 500
HUNG = 50
INTERVAL_S = 1.0
SETTLE_S = 3.0
MEASURE_S = 10.0
CPU_LIMIT = 100.0
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\nConnection: close\r\n\r\n" + b'{"status":"ok"}'


class _Answers(asyncio.Protocol):
    """Says that all is well, whatever was asked."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, _data: bytes) -> None:
        self._transport.write(ANSWER)
        self._transport.close()


def serve(listener: socket.socket) -> None:
    """The targets."""

    async def forever() -> None:
        server = await asyncio.get_running_loop().create_server(_Answers, sock=listener)
        await server.serve_forever()

    with suppress(KeyboardInterrupt):
        asyncio.run(forever())


def main() -> None:
    """Measure and print."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    silent = socket.create_server(("127.0.0.1", 0), backlog=1024)
    port, hung_port = listener.getsockname()[1], silent.getsockname()[1]
    server = multiprocessing.Process(target=serve, args=(listener,), daemon=True)
    server.start()
    try:
        print(f"{TARGETS} targets every {INTERVAL_S:g} s, for {MEASURE_S:g} s")
        _measure_monitor("monitor", server.pid or 0, port, None)
        _measure_monitor(f"monitor, {HUNG} more hang", server.pid or 0, port, hung_port)
        _print_row("httpx, async client", *_measure(lambda stop, late: asyncio.run(_httpx_async(port, stop, late))))
        _print_row("httpx, client, 8 threads", *_measure(lambda stop, late: _httpx_sync(port, stop, late)))
    finally:
        server.terminate()
        server.join()
        silent.close()
        listener.close()


def _measure_monitor(name: str, pid: int, port: int, hung_port: int | None) -> None:
    told: list[tuple[str, float]] = []
    monitor = HealthMonitor(Clock(), lambda run, *_: told.append((run, time.monotonic())), print)
    monitor.start()
    for number in range(TARGETS):
        monitor.watch(f"t{number}", _watch(f"t{number}", pid, port, 5.0))
    for number in range(HUNG if hung_port else 0):
        monitor.watch(f"h{number}", _watch(f"h{number}", os.getpid(), hung_port or 0, 0.9))
    time.sleep(SETTLE_S)
    told.clear()
    cpu, began = time.process_time(), time.monotonic()
    time.sleep(MEASURE_S)
    percent = (time.process_time() - cpu) / (time.monotonic() - began) * 100
    closing = time.monotonic()
    monitor.close()
    took_s = time.monotonic() - closing
    answered = [one for one in told if one[0].startswith("t")]
    _print_row(name, percent, _find_lags(answered), len(answered), CPU_LIMIT)
    print(f"{'':<26} closed in {took_s * 1000:.0f} ms; {threading.active_count()} thread left")


def _watch(run: str, pid: int, port: int, timeout_s: float) -> Watch:
    target = ProbeTarget(run, ProbeKind.HTTP, "127.0.0.1", port, timeout_s=timeout_s)
    return Watch(run, pid, target, JudgePolicy(), INTERVAL_S, time.monotonic())


def _find_lags(told: list[tuple[str, float]]) -> list[float]:
    """Seconds by which the time from one answer of a target to its next was longer than the interval."""
    last: dict[str, float] = {}
    lags = []
    for run, at in told:
        if run in last:
            lags.append(max(0.0, at - last[run] - INTERVAL_S))
        last[run] = at
    return lags


def _measure(ask_all: Callable[[threading.Event, list[float]], None]) -> tuple[float, list[float], int]:
    stop, lags = threading.Event(), list[float]()
    thread = threading.Thread(target=ask_all, args=(stop, lags))
    thread.start()
    time.sleep(SETTLE_S)
    lags.clear()
    cpu, began = time.process_time(), time.monotonic()
    time.sleep(MEASURE_S)
    percent, seen = (time.process_time() - cpu) / (time.monotonic() - began) * 100, list(lags)
    stop.set()
    thread.join()
    return percent, seen, len(seen)


async def _httpx_async(port: int, stop: threading.Event, lags: list[float]) -> None:
    limits = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(trust_env=False, limits=limits, timeout=5.0) as client:

        async def care(number: int) -> None:
            due = asyncio.get_running_loop().time() + number * INTERVAL_S / TARGETS
            while not stop.is_set():
                await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
                await client.get(f"http://127.0.0.1:{port}/health", headers={"Connection": "close"})
                lags.append(max(0.0, asyncio.get_running_loop().time() - due))
                due += INTERVAL_S

        await asyncio.gather(*(care(number) for number in range(TARGETS)))


def _httpx_sync(port: int, stop: threading.Event, lags: list[float]) -> None:
    workers = 8
    began = time.monotonic()

    def care(worker: int, client: httpx.Client) -> None:
        due = began + worker * INTERVAL_S / TARGETS
        while not stop.wait(max(0.0, due - time.monotonic())):
            client.get(f"http://127.0.0.1:{port}/health", headers={"Connection": "close"})
            lags.append(max(0.0, time.monotonic() - due))
            due += INTERVAL_S / TARGETS * workers

    with httpx.Client(trust_env=False, limits=httpx.Limits(max_keepalive_connections=0), timeout=5.0) as client:
        threads = [threading.Thread(target=care, args=(worker, client)) for worker in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def _print_row(name: str, percent: float, lags: list[float], count: int, limit: float | None = None) -> None:
    print_ratio(name, percent, "% of a core", limit)
    print_spread(f"{name}, late", [lag * 1000 for lag in lags])
    print_ratio(f"{name}, done", count / MEASURE_S, "checks/s")


if __name__ == "__main__":
    main()
