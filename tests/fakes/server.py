"""A stand-in for llama-server, for the faults that the real one does not produce on demand.

Run it as ``python -I -S tests/fakes/server.py --port N [flags]``; it needs the standard library only and listens
within 30 ms. Like llama-server it binds before it "loads", logs to stderr, dies by SIGTERM while it loads, ends with 0
on SIGTERM once it is ready, and ends with 1 when the port is taken. POSIX only.

Flags (``--port`` is required unless ``--no-bind``; 0 picks a free port and logs it):

=========================  ======================================================================
``--host H``               address to listen on, 127.0.0.1 by default
``--load-seconds S``       /health answers 503 "Loading model" for so long
``--hang-after N``         after N health answers, further requests are accepted and never answered
``--exit-code N``          end with this code …
``--exit-after S``         … so many seconds after the start (0 by default)
``--ignore-term``          SIGTERM and SIGINT do nothing
``--flood N``              write N numbered lines a second
``--lines N``              write N numbered lines at the start
``--partial-line``         end the start with text that no newline follows
``--stdout-too``           write every line to stdout as well as stderr
``--spawn-grandchild``     start a process in a session of its own that ignores SIGTERM, holds the
                           streams open and outlives this one
``--no-bind``              never listen
=========================  ======================================================================

Flags of llama-server that say what to serve (``-m``, ``-c``, ``-np`` …) are taken with their value, and ignored.

Requests: ``GET /health`` (and ``/v1/health``) as llama-server answers it, and ``POST /command`` with a JSON object that
is answered with 200 when it is done (before it, for those that end the server), also while the server hangs:

=====================================  ==========================================================
``{"do": "exit", "code": 3}``           end with this code
``{"do": "crash"}``                     die by SIGSEGV
``{"do": "hang"}``                      never answer /health again
``{"do": "resume"}``                    answer again
``{"do": "load", "seconds": 2}``        503 for so long
``{"do": "status", "code": 500}``       answer /health with this status
``{"do": "lines", "count": 100}``       write so many numbered lines
``{"do": "text", "text": "abc"}``       write exactly this to stderr (and stdout)
``{"do": "flood", "rate": 5000}``       write so many lines a second; 0 ends it
``{"do": "ignore_term"}``               from now on SIGTERM and SIGINT do nothing
``{"do": "grandchild"}``                as ``--spawn-grandchild``
``{"do": "unlisten"}``                  listen no more, and live on
=====================================  ==========================================================

Lines read ``0.00.000.000 I fake        line: NUMBER``, numbered from 1 without a gap over every source.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:  # the real one costs five milliseconds
    from typing import NoReturn

LOADING = '{"error":{"message":"Loading model","type":"unavailable_error","code":503}}'
READY = '{"status":"ok"}'
NOT_FOUND = '{"error":{"message":"File Not Found","type":"not_found_error","code":404}}'
REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 503: "Service Unavailable"}

LAST_ACTS = frozenset({"exit", "crash"})
"""Commands after which nobody is left to answer."""

FLOOD_TICK_S = 0.01
SWITCHES = frozenset({"ignore-term", "partial-line", "stdout-too", "spawn-grandchild", "no-bind"})
VALUES = frozenset({"port", "host", "load-seconds", "hang-after", "exit-code", "exit-after", "flood", "lines"})
IGNORED = frozenset(
    "-m --model -c --ctx-size -np --parallel -ngl --gpu-layers --n-gpu-layers -t --threads -a --alias".split()  # noqa: SIM905 - reads as typed
)


def parse_flags(argv: list[str]) -> dict[str, str]:
    """The flags by name, switches as "1". An unknown flag ends the program as it ends llama-server."""
    flags: dict[str, str] = {}
    words = iter(argv)
    for word in words:
        name = word.removeprefix("--")
        if name in SWITCHES:
            flags[name] = "1"
        elif name in VALUES or word in IGNORED:
            value = next(words, None)
            if value is None:
                stop_with(f'error while handling argument "{word}": expected value for argument')
            flags[name] = value
        else:
            stop_with(f"error: invalid argument: {word}")
    return flags


def stop_with(message: str) -> NoReturn:
    """Say why on stderr and end with 1."""
    os.write(2, f"{message}\n".encode())
    sys.exit(1)


class Fake:
    """The server's state; everything happens on the main thread, one event after the other."""

    def __init__(self, flags: dict[str, str]) -> None:
        self.started = time.monotonic()
        self.outputs = (2, 1) if "stdout-too" in flags else (2,)
        self.ready_at = self.started + float(flags.get("load-seconds", "0"))
        self.answers_left = int(flags["hang-after"]) if "hang-after" in flags else None
        self.exit_code = int(flags.get("exit-code", "0"))
        self.exit_at = (
            self.started + float(flags.get("exit-after", "0")) if {"exit-code", "exit-after"} & set(flags) else None
        )
        self.ignores_term = "ignore-term" in flags
        self.flood_rate = float(flags.get("flood", "0"))
        self.flood_from = (self.started, 0)
        self.status: int | None = None
        self.line = 0
        self.is_loading = True
        self.held: list[socket.socket] = []
        """Clients that are never answered."""
        self.silent: list[socket.socket] = []
        """Clients that have asked nothing yet."""
        self.asking: socket.socket | None = None
        """The client whose request is being served."""
        self.listener: socket.socket | None = None

    def listen(self, host: str, port: int) -> None:
        """Bind before the load, as llama-server does."""
        listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError:
            self.write(
                f"0.00.000.000 E srv         start: couldn't bind HTTP server socket, hostname: {host}, port: {port}\n"
            )
            sys.exit(1)
        listener.listen(128)
        self.listener = listener

    def write(self, text: str) -> None:
        """Write the text whole to every output; blocks while a reader is slow."""
        for output in self.outputs:
            rest = text.encode()
            while rest:
                rest = rest[os.write(output, rest) :]

    def write_lines(self, count: int) -> None:
        """Write the next numbered lines."""
        numbers = range(self.line + 1, self.line + count + 1)
        self.line += count
        self.write("".join(f"0.00.000.000 I fake        line: {number}\n" for number in numbers))

    def set_flood(self, rate: float) -> None:
        """Write `rate` lines a second from now on."""
        self.flood_rate, self.flood_from = rate, (time.monotonic(), 0)

    def run(self) -> None:
        """Serve until the end."""
        while True:
            now = time.monotonic()
            if self.exit_at is not None and now >= self.exit_at:
                os._exit(self.exit_code)
            if self.is_loading and now >= self.ready_at:
                self.become_ready()
            self.pour(now)
            listeners = [self.listener] if self.listener else []
            for one in select.select([*listeners, *self.silent], [], [], self.next_wait(now))[0]:
                if one is self.listener:
                    self.silent.append(one.accept()[0])
                else:
                    self.serve(one)

    def next_wait(self, now: float) -> float | None:
        """Seconds until something is due without a request; None when nothing is."""
        due = [
            self.exit_at,
            self.ready_at if self.is_loading else None,
            now + FLOOD_TICK_S if self.flood_rate else None,
        ]
        return max(0.0, min((at for at in due if at is not None), default=now + 3600.0) - now)

    def become_ready(self) -> None:
        """End the load."""
        self.is_loading = False
        if not self.ignores_term:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: os._exit(0))
        if self.listener:
            host, port = self.listener.getsockname()[:2]
            self.write(f"0.00.000.000 I srv  llama_server: listening on http://{host}:{port}\n")

    def pour(self, now: float) -> None:
        """Write what the flood owes."""
        since, written = self.flood_from
        owed = int((now - since) * self.flood_rate) - written
        if owed > 0:
            self.flood_from = (since, written + owed)
            self.write_lines(owed)

    def serve(self, client: socket.socket) -> None:
        """Read one request and answer it, or hold it for ever."""
        client.settimeout(5)
        self.asking = client
        self.silent.remove(client)
        try:
            method, path, body = read_request(client)
            if (method, path) == ("POST", "/command"):
                self.obey(client, body)
            elif path in {"/health", "/v1/health"}:
                self.answer_health(client)
            else:
                respond(client, 404, NOT_FOUND)
        except EOFError:  # a client that only looked whether the port is open
            client.close()
        except (OSError, ValueError, LookupError) as error:  # a client that makes no sense ends only itself
            self.write(f"0.00.000.000 W fake     serve: {error}\n")
            client.close()

    def answer_health(self, client: socket.socket) -> None:
        """Answer as the state demands."""
        if self.answers_left == 0:
            self.held.append(client)
            return
        if self.answers_left is not None:
            self.answers_left -= 1
        if self.is_loading:
            respond(client, 503, LOADING)
        else:
            respond(client, self.status or 200, READY if self.status in {None, 200} else '{"status":"told so"}')

    def obey(self, client: socket.socket, body: bytes) -> None:
        """Answer, then do what the command says."""
        import json  # noqa: PLC0415 - takes a tenth of the start, and most runs need no command

        command = json.loads(body)
        acts = {
            "exit": lambda: os._exit(int(command.get("code", 0))),
            "crash": crash,
            "hang": lambda: setattr(self, "answers_left", 0),
            "resume": lambda: setattr(self, "answers_left", None),
            "load": lambda: self.load_again(float(command["seconds"])),
            "status": lambda: setattr(self, "status", int(command["code"])),
            "lines": lambda: self.write_lines(int(command["count"])),
            "text": lambda: self.write(str(command["text"])),
            "flood": lambda: self.set_flood(float(command["rate"])),
            "ignore_term": self.ignore_term,
            "grandchild": self.spawn_grandchild,
            "unlisten": self.unlisten,
        }
        act = acts.get(command.get("do"))
        if act is None:
            respond(client, 400, '{"error":"no such command"}')
            return
        if command["do"] in LAST_ACTS:
            respond(client, 200, "{}")
        act()
        respond(client, 200, "{}")

    def unlisten(self) -> None:
        """Free the port."""
        if self.listener is not None:
            self.listener.close()
            self.listener = None

    def load_again(self, seconds: float) -> None:
        """Be loading for so long."""
        self.is_loading, self.ready_at = True, time.monotonic() + seconds

    def spawn_grandchild(self) -> None:
        """Start a process that leaves the session, ignores the polite signals and sleeps; the port stays ours."""
        if sys.platform == "win32" or os.fork() != 0:
            return
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        for one in (*self.held, *self.silent, self.asking, self.listener):
            if one:
                one.close()
        os.setsid()  # last, so that whoever sees the session sees all of it done
        while True:
            signal.pause()

    def ignore_term(self) -> None:
        """Do nothing on the polite signals from now on."""
        self.ignores_term = True
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)


def read_request(client: socket.socket) -> tuple[str, str, bytes]:
    """Method, path and body of one request."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += receive(client)
    head, _, body = received.partition(b"\r\n\r\n")
    first, *headers = head.decode("latin-1").split("\r\n")
    fields = {name.lower(): value for name, _, value in (header.partition(":") for header in headers)}
    while len(body) < int(fields.get("content-length", "0")):
        body += receive(client)
    method, path, _ = first.split(" ")
    return method, path, body


def receive(client: socket.socket) -> bytes:
    """The next bytes; a client that is gone is an error."""
    data = client.recv(65536)
    if not data:
        raise EOFError
    return data


def respond(client: socket.socket, status: int, body: str) -> None:
    """Answer and close."""
    head = f"HTTP/1.1 {status} {REASONS.get(status, 'Told So')}\r\nContent-Type: application/json; charset=utf-8\r\n"
    client.sendall(f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode())
    client.close()


def crash() -> None:
    """Die by SIGSEGV, without a word."""
    signal.signal(signal.SIGSEGV, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGSEGV)


def main() -> None:
    """Run the program; it ends only by a flag, a command or a signal."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    flags = parse_flags(sys.argv[1:])
    if "no-bind" not in flags and "port" not in flags:
        stop_with("error: no port given: add --port N, or --no-bind")
    try:
        fake = Fake(flags)
        port = int(flags.get("port", "0"))
    except ValueError as error:
        stop_with(f"error: a flag's value is no number: {error}")
    if "ignore-term" in flags:
        fake.ignore_term()
    if "spawn-grandchild" in flags:
        fake.spawn_grandchild()
    if "no-bind" not in flags:
        fake.listen(flags.get("host", "127.0.0.1"), port)
    if "lines" in flags:
        fake.write_lines(int(flags["lines"]))
    if "partial-line" in flags:
        fake.write("0.00.000.000 I fake     a line without an end")
    fake.run()


if __name__ == "__main__":
    main()
