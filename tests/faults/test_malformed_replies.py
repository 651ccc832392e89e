"""A hostile or broken server: whatever it replies, a command ends in time with 69 and a message."""

from __future__ import annotations

import os
import re
import struct
import time
from typing import TYPE_CHECKING, Any

import bson
import pytest
from bson.int64 import Int64

from tests.faults.tampering import BEFORE_DOCUMENT, OP_MSG, Document, Message, Silence, lying
from tests.fuzz.trial import bounded
from tests.running import run
from tests.worlds.site import Site, empty_site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Cli
    from tests.servers import Server

    Answer = Callable[[Message], bytes | Silence]
    Change = Callable[[Document], Document]

TIMEOUTS = (0.25, 1, 5)
"""Seconds; the next one if a busy machine was too slow for the first tampered reply to come in time."""

SLOW_MACHINE = 15
"""Seconds that may be added on a busy machine, and for a command that asks several things."""

READS = {"find", "aggregate", "getmore"}
WRITES = {"insert", "update", "delete", "findandmodify"}
COMMANDS = [
    ("list",),
    ("list", "--stats"),
    ("get", "vision"),
    ("status",),
    ("doctor",),
    ("task-tags",),
    ("metrics",),
    ("hyperparams",),
    ("create", "new", "-d", "x"),
    ("delete", "vision", "--force"),  # the last one, since it may succeed
]


@pytest.fixture
def site(standalone: Server, cli: Cli) -> Iterator[Site]:
    with empty_site(standalone, cli) as site:
        site.task(site.project("vision/deep", tags=["a"]), tags=["t"], last_metrics={}, hyperparams={})
        yield site
        standalone.drop(f"{site.name}_journal")


def document_start(reply: Message) -> int:
    return BEFORE_DOCUMENT[reply.code]


def with_inner_length(length: int) -> Answer:
    def answer(reply: Message) -> bytes:
        start = document_start(reply)
        return reply.packed(reply.body[:start] + struct.pack("<i", length) + reply.body[start + 4 :])

    return answer


BYTES: dict[str, Answer] = {
    "garbage": lambda _: os.urandom(200),
    "HTTP": lambda _: b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
    "a huge length": lambda reply: reply.packed(length=2**31 - 1),
    "a tiny length": lambda reply: reply.packed(length=3),
    "a negative length": lambda reply: reply.packed(length=-5),
    "a length that is too short": lambda reply: reply.packed(length=13 + len(reply.body)),
    "the reply to something else": lambda reply: reply.packed(response_to=99),
    "an unknown kind of message": lambda reply: reply.packed(code=77),
    "a compressed message": lambda reply: reply.packed(code=2012),
    "an unknown compressor": lambda reply: reply.packed(b"\xdd\x07\0\0\x10\0\0\0\x09abc", code=2012),
    "half a reply": lambda reply: Silence(reply.packed()[:30], closed=True),
    "half a reply, then nothing": lambda reply: Silence(reply.packed()[:30]),
    "nothing": lambda _: Silence(),
    "a closed connection": lambda _: Silence(closed=True),
    "a document that is longer than the message": with_inner_length(2**30),
    "a document that is too short": with_inner_length(7),
    "an unknown type of BSON": lambda reply: reply.having(b"\x0e\0\0\0\x77ok\0\0\0\0\0\0\0"),
    "a text without an end": lambda reply: reply.having(struct.pack("<i", 16) + b"\x02ok\0\xff\xff\xff\x7fab\0\0"),
    "bytes after the document": lambda reply: reply.packed(reply.body + b"extra bytes"),
    "bytes after the message": lambda reply: reply.packed() + b"xx",
    "an unknown section": lambda reply: reply.packed(reply.body[:4] + b"\x05" + reply.body[5:]),
    "no body": lambda reply: reply.packed(b""),
    "flags and no more": lambda reply: reply.packed(reply.body[:4]),
    "flipped bits": lambda reply: reply.packed(bytes(byte ^ 0x55 for byte in reply.body)),
}
"""Replies that cannot be read at all."""


def all_values(value: Any) -> Change:
    return lambda reply: {name: reply[name] if name == "ok" else value for name in reply}


REPLIES: dict[str, Change] = {
    "an empty document": lambda _: {},
    "no ok": lambda reply: {name: value for name, value in reply.items() if name != "ok"},
    "ok is a document": lambda reply: {**reply, "ok": {}},
    "ok is null": lambda reply: {**reply, "ok": None},
    "ok: 0 without more": lambda _: {"ok": 0},
    "ok: 0 without a code": lambda _: {"ok": 0, "errmsg": "broken"},
    "a code that is a text": lambda _: {"ok": 0, "errmsg": "broken", "code": "text"},
    "an errmsg that is a document": lambda _: {"ok": 0, "errmsg": {"a": 1}, "code": [1]},
    "labels that are a number": lambda _: {"ok": 0, "errmsg": "x", "code": 91, "errorLabels": 5},
    "nothing but ok": lambda _: {"ok": 1},
    "texts": all_values("text"),
    "nulls": all_values(None),
    "numbers": all_values(5),
    "lists": all_values([1]),
    "documents": all_values({"a": 1}),
}
"""Documents that are not a reply."""


def cursor(change: Change) -> Change:
    return lambda reply: {**reply, "cursor": change(reply["cursor"])} if "cursor" in reply else reply


def batch(documents: Any) -> Change:
    return cursor(lambda old: {**old, ("firstBatch" if "firstBatch" in old else "nextBatch"): documents})


CURSORS: dict[str, Change] = {
    "no cursor": lambda reply: {name: value for name, value in reply.items() if name != "cursor"},
    "a cursor that is a number": cursor(lambda _: {"cursor": 5}),
    "a cursor without documents": cursor(lambda old: {"id": old["id"], "ns": old["ns"]}),
    "a cursor without an id": cursor(lambda old: {name: old[name] for name in old if name != "id"}),
    "an id that is a text": cursor(lambda old: {**old, "id": "text"}),
    "documents that are a text": batch("text"),
    "documents that are a number": batch(5),
    "documents that are null": batch(None),
    "documents that are a document": batch({"a": 1}),
    "documents that are numbers": batch([1, 2]),
    "empty documents": batch([{}]),
}
"""Replies of cursors."""


class Endless:
    """A cursor that never ends: each batch is the first one, or empty."""

    def __init__(self, *, empty: bool) -> None:
        self._empty = empty
        self._documents: list[Document] = []

    def __call__(self, name: str, _: Document, reply: Message) -> bytes:
        document = reply.document
        if name in {"find", "aggregate"} and isinstance(document.get("cursor"), dict):
            first = document["cursor"]["firstBatch"]
            if first or self._empty:
                self._documents = [] if self._empty else first
                document["cursor"] |= {"id": Int64(7), "firstBatch": self._documents}
            return reply.having(bson.encode(document))
        if name == "getmore":
            following = {"id": Int64(7), "ns": "a.b", "nextBatch": self._documents}
            return reply._replace(code=OP_MSG).having(bson.encode({"cursor": following, "ok": 1.0}))
        return reply.packed()


def at(names: set[str], answer: Answer) -> Callable[[str, Document, Message], bytes | Silence]:
    """Tamper with the replies to these commands."""
    return lambda name, _, reply: answer(reply) if name in names else reply.packed()


def changed(change: Change) -> Answer:
    return lambda reply: reply.having(bson.encode(change(reply.document)))


def check_ends(site: Site, tamper: Any, *arguments: str, statuses: tuple[int, ...] = (69,)) -> str:
    """Run a command on a server that lies; returns what it printed as an error."""
    variables = {"PROJECTS_DATABASE": site.name, "PROJECTS_JOURNAL_DB": f"{site.name}_journal", "PROJECTS_USER": "u"}
    for timeout in TIMEOUTS[1:] if statuses == (0,) else TIMEOUTS:
        with lying(site.server.socket, tamper) as liar, bounded(arguments):  # type: ignore[attr-defined]
            started = time.monotonic()
            result = site.cli(*arguments, f"--timeout={timeout}s", uri=liar.uri, **variables)
            took = time.monotonic() - started
        if liar.met or result.exit_code in {0, 6}:
            break
    said = str(result.stderr)
    assert "Traceback" not in said, (arguments, said)
    assert "unexpected failure" not in said, (arguments, said)
    assert result.exit_code in (statuses if liar.met else (0, 6)), (arguments, result.exit_code, said, result.stdout)
    assert took < timeout + SLOW_MACHINE, arguments
    assert not re.search(r"Error|object|NoneType|\b0x[0-9a-f]{8}", said), (arguments, said)
    return said


@pytest.mark.parametrize("kind", BYTES)
def test_a_first_reply_that_cannot_be_read(site: Site, kind: str) -> None:
    for names in ({"hello"}, {"ping"}):
        said = check_ends(site, at(names, BYTES[kind]), "list")
        assert said.startswith("error: "), said


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # a monitor of the driver dies
@pytest.mark.parametrize("kind", REPLIES)
def test_a_first_reply_that_is_none(site: Site, kind: str) -> None:
    check_ends(site, at({"hello"}, changed(REPLIES[kind])), "list")
    fine = kind in {"nothing but ok", "texts", "nulls", "numbers", "lists", "documents"}  # a ping needs no more
    check_ends(site, at({"ping"}, changed(REPLIES[kind])), "list", statuses=(0,) if fine else (69,))


@pytest.mark.parametrize("kind", ["texts", "lists", "an empty document"])
def test_a_process_prints_nothing_about_the_threads_of_the_driver(site: Site, kind: str) -> None:
    with lying(site.server.socket, at({"hello"}, changed(REPLIES[kind]))) as liar:  # type: ignore[attr-defined]
        done = run(None, "list", "--timeout=1s", PROJECTS_MONGO_URI=liar.uri, PROJECTS_DATABASE=site.name)
    assert (done.returncode, done.stdout) == (69, "")
    assert done.stderr.startswith("error: "), done.stderr
    assert len(done.stderr.splitlines()) == 2, done.stderr  # and a hint


@pytest.mark.parametrize("kind", BYTES)
def test_replies_that_cannot_be_read(site: Site, kind: str) -> None:
    for arguments in COMMANDS:
        # The status leaves out what it gets no answer to; what comes after a reply may never be read.
        statuses = (69, 0) if arguments[0] == "status" or kind == "bytes after the message" else (69,)
        check_ends(site, at(READS, BYTES[kind]), *arguments, statuses=statuses)


@pytest.mark.parametrize("kind", [*REPLIES, *CURSORS])
def test_replies_that_are_none(site: Site, kind: str) -> None:
    change = (REPLIES | CURSORS)[kind]
    statuses = (69, 0) if kind == "labels that are a number" else (69,)
    for arguments in COMMANDS:
        check_ends(site, at(READS, changed(change)), *arguments, statuses=statuses)


@pytest.mark.parametrize("empty", [True, False], ids=["empty batches", "the same batch"])
def test_a_cursor_that_never_ends(site: Site, *, empty: bool) -> None:
    for arguments in COMMANDS:
        limited = not empty and arguments[0] in {"status", "create", "get"}  # these ask for one document, and get it
        check_ends(site, Endless(empty=empty), *arguments, statuses=(69, 0) if limited else (69,))


@pytest.mark.parametrize("arguments", [("create", "new", "-d", "x"), ("delete", "vision", "--force")], ids=" ".join)
@pytest.mark.parametrize("kind", [*REPLIES, "garbage", "HTTP", "half a reply", "a closed connection"])
def test_replies_to_writes(site: Site, kind: str, arguments: tuple[str, ...]) -> None:
    """A reply that a lease was not taken, for whatever reason, is that another change holds it."""
    answer = changed(REPLIES[kind]) if kind in REPLIES else BYTES[kind]
    check_ends(site, at(WRITES, answer), *arguments, "--lock-wait=0.2s", statuses=(69, 75))
