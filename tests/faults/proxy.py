"""A misbehaving network: a proxy between the program and a server that cuts, delays and truncates the stream."""

from __future__ import annotations

import shutil
import socket
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from projects_cli.config.connection import socket_uri

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

PIECE = 4096


@dataclass
class Weather:
    """What happens to connections: after how many bytes, at random up to `calm`, one is cut; in which way.

    `ways` are `cut` (both ends are closed), `truncate` (a part of what was read is still passed on) and `stall`
    (nothing passes for `pause` seconds, then it is cut).
    """

    random: Random
    calm: int
    ways: tuple[str, ...] = ("cut", "truncate", "stall")
    pause: float = 0.3
    storms: int = 1_000_000
    """How many more connections are broken."""


@dataclass
class Proxy:
    """Listens on a socket of its own and passes bytes on to a server's, as the weather lets it."""

    target: Path
    folder: Path
    weather: Weather
    broken: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ends: list[socket.socket] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)

    @property
    def uri(self) -> str:
        """Return the URI of the server as seen through this."""
        return socket_uri(self.folder / "proxy.sock")

    def serve(self, listener: socket.socket) -> None:
        """Take connections until the listener is closed."""
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            self._ends += [near, far]
            try:
                far.connect(str(self.target))
            except OSError:
                near.shutdown(socket.SHUT_RDWR)
                continue
            fate = self._fate()
            for source, sink in ((near, far), (far, near)):
                thread = threading.Thread(target=self._pass, args=(source, sink, fate), daemon=True)
                self._threads.append(thread)
                thread.start()

    def close(self) -> None:
        """End all connections."""
        for end in self._ends:
            _shut(end)
        for thread in self._threads:
            thread.join(5)
        for end in self._ends:
            end.close()

    def _fate(self) -> _Fate:
        """Decide how a new connection ends: after how many bytes in both directions, and in which way."""
        with self._lock:
            return _Fate(
                self.weather.random.randrange(1, self.weather.calm), self.weather.random.choice(self.weather.ways)
            )

    def _pass(self, source: socket.socket, sink: socket.socket, fate: _Fate) -> None:
        with suppress(OSError):
            while data := source.recv(PIECE):
                rest = fate.spend(len(data))
                if rest < 0 and self._breaks(fate):
                    self._break(data[:rest], sink, fate)
                    break
                sink.sendall(data)
        for end in (source, sink):
            _shut(end)

    def _breaks(self, fate: _Fate) -> bool:
        """Return whether a connection whose bytes are spent is broken now."""
        with self._lock:
            if self.weather.storms <= 0:
                return False
            self.weather.storms -= 1
            self.broken[fate.way] = self.broken.get(fate.way, 0) + 1
            return True

    def _break(self, part: bytes, sink: socket.socket, fate: _Fate) -> None:
        if fate.way == "truncate":
            sink.sendall(part)
        elif fate.way == "stall":
            time.sleep(self.weather.pause)


def _shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


@dataclass
class _Fate:
    left: int
    way: str

    def spend(self, count: int) -> int:
        self.left -= count
        return self.left


@contextmanager
def proxy(target: Path, weather: Weather) -> Iterator[Proxy]:
    """Run a proxy for as long as the block lasts."""
    folder = Path(tempfile.mkdtemp(prefix="px-"))
    made = Proxy(target, folder, weather)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "proxy.sock"))
        listener.listen(64)
        server = threading.Thread(target=made.serve, args=(listener,), daemon=True)
        server.start()
        try:
            yield made
        finally:
            _shut(listener)
            server.join(5)
            made.close()
    shutil.rmtree(folder, ignore_errors=True)
