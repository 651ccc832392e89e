"""A server with malformed replies: a proxy that reads each reply of a real server and changes it."""

from __future__ import annotations

import shutil
import socket
import struct
import tempfile
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import bson
from bson.codec_options import CodecOptions, DatetimeConversion

from projects_cli.config.connection import socket_uri

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Document = dict[str, Any]

TOLERANT: CodecOptions[Document] = CodecOptions(
    datetime_conversion=DatetimeConversion.DATETIME_AUTO, unicode_decode_error_handler="replace"
)
HEADER = struct.Struct("<iiii")
OP_REPLY, OP_QUERY, OP_MSG = 1, 2004, 2013
BEFORE_DOCUMENT = {OP_REPLY: 20, OP_MSG: 5}
"""Bytes between the header and the document of a reply."""


class Message(NamedTuple):
    """A message of MongoDB's wire protocol: header and what follows."""

    request_id: int
    response_to: int
    code: int
    body: bytes

    @property
    def document(self) -> Document:
        """The document of a reply, or the command of a request."""
        if self.code == OP_QUERY:  # flags, name of the collection, two numbers
            return bson.decode(self.body[self.body.index(b"\0", 4) + 9 :], TOLERANT)
        start = BEFORE_DOCUMENT[self.code]
        (length,) = struct.unpack_from("<i", self.body, start)
        return bson.decode(self.body[start : start + length], TOLERANT)

    def having(self, document: bytes) -> bytes:
        """Return the bytes of a reply with another document."""
        return self.packed(self.body[: BEFORE_DOCUMENT[self.code]] + document)

    def packed(self, body: bytes | None = None, **header: int) -> bytes:
        """Return the bytes of the message, with another body or other numbers in the header."""
        body = self.body if body is None else body
        fields = {"length": HEADER.size + len(body), **self._asdict(), **header}
        return HEADER.pack(fields["length"], fields["request_id"], fields["response_to"], fields["code"]) + body


@dataclass(frozen=True)
class Silence:
    """A reply that does not come: after these bytes the connection stays open, or is closed."""

    first: bytes = b""
    closed: bool = False


@dataclass
class Liar:
    """Passes requests on to a server, and tampers with its replies."""

    target: Path
    folder: Path
    tamper: Callable[[str, Document, Message], bytes | Silence]
    met: int = 0
    _ends: list[socket.socket] = field(default_factory=list)

    @property
    def uri(self) -> str:
        """The URI of the server as seen through this."""
        return socket_uri(self.folder / "liar.sock")

    def serve(self, listener: socket.socket) -> None:
        """Take connections until the listener is closed."""
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self._ends.append(client)
            threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def close(self) -> None:
        """Close all connections."""
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _talk(self, client: socket.socket) -> None:
        with suppress(OSError, EOFError), client, socket.socket(socket.AF_UNIX) as server:
            server.connect(str(self.target))
            while True:
                request = _read(client)
                server.sendall(request.packed())
                reply = self._answer(request, _read(server))
                if isinstance(reply, bytes):
                    client.sendall(reply)
                    continue
                client.sendall(reply.first)
                while not reply.closed and client.recv(4096):
                    pass
                return

    def _answer(self, request: Message, reply: Message) -> bytes | Silence:
        command = request.document
        name = next(iter(command)).lower()
        if name in {"hello", "ismaster"}:
            document = reply.document
            document.pop("topologyVersion", None)  # else the driver expects a stream of replies
            reply = reply._replace(body=reply.having(bson.encode(document))[HEADER.size :])
            name = "hello"
        made = self.tamper(name, command, reply)
        self.met += made != reply.packed()
        return made


def _read(end: socket.socket) -> Message:
    length, request_id, response_to, code = HEADER.unpack(_exactly(end, HEADER.size))
    return Message(request_id, response_to, code, _exactly(end, length - HEADER.size))


def _exactly(end: socket.socket, count: int) -> bytes:
    read = b""
    while len(read) < count:
        part = end.recv(count - len(read))
        if not part:
            raise EOFError
        read += part
    return read


@contextmanager
def lying(target: Path, tamper: Callable[[str, Document, Message], bytes | Silence]) -> Iterator[Liar]:
    """Run a server that lies for as long as the block lasts."""
    folder = Path(tempfile.mkdtemp(prefix="ly-"))
    liar = Liar(target, folder, tamper)
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(folder / "liar.sock"))
            listener.listen(64)
            thread = threading.Thread(target=liar.serve, args=(listener,), daemon=True)
            thread.start()
            try:
                yield liar
            finally:
                with suppress(OSError):
                    listener.shutdown(socket.SHUT_RDWR)
                thread.join(5)
                liar.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
