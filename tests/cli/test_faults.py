"""Unexpected exceptions: the message, and that no secret or traceback is printed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from projects_cli.cli.exceptions import Terminated, signal_behind


class Signals:
    """An attribute whose class gets a signal while it is made."""

    def __init__(self, number: signal.Signals) -> None:
        self.number = number

    def __set_name__(self, owner: type, name: str) -> None:
        os.kill(os.getpid(), self.number)


def test_a_signal_that_comes_while_a_class_is_made_is_found() -> None:
    """Until Python 3.12 that is a RuntimeError: a Ctrl-C in the middle of an import is not a fault of the program."""
    with pytest.raises((RuntimeError, KeyboardInterrupt)) as raised:
        type("Made", (), {"attribute": Signals(signal.SIGINT)})
    found = raised.value
    assert isinstance(found, KeyboardInterrupt) or isinstance(signal_behind(found), KeyboardInterrupt)


DESTRUCTOR = """
import os, sys, threading, time
from projects_cli.cli.app import take_signals
from projects_cli.cli.exceptions import Terminated

class Last:
    def __del__(self):
        os.kill(os.getpid(), int(sys.argv[1]))
        time.sleep(0)  # an exception that is raised here is dropped

start = threading.Timer.start

def start_slowly(timer):  # the signal comes before the first timer's thread has reported that it runs
    threading.Timer.start = start
    start(timer)
    time.sleep(0.2)  # far longer than the timer's delay

if sys.argv[2] == "busy":
    threading.Timer.start = start_slowly
take_signals()
try:
    Last()
    time.sleep(20)
except (KeyboardInterrupt, Terminated):
    print("ended")
"""


@pytest.mark.parametrize("machine", ["idle", "busy"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_a_destructor_is_not_lost(number: signal.Signals, machine: str) -> None:
    """Nor does Python print a traceback for it."""
    command = [sys.executable, "-c", DESTRUCTOR, str(int(number)), machine]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert (ended.stdout, ended.stderr) == ("ended\n", "")


IMPORTING = """
import os, sys
from importlib.abc import MetaPathFinder

class Slow(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == sys.argv[1]:
            sys.argv[1:] = ["list"]
            os.kill(os.getpid(), 2)

sys.meta_path.insert(0, Slow())
from projects_cli.__main__ import main
main()
"""


@pytest.mark.parametrize("module", ["gc", "typer", "projects_cli.cli.registry", "projects_cli.cli.app"])
def test_a_ctrl_c_while_the_program_is_imported_ends_it_without_a_traceback(module: str) -> None:
    command = [sys.executable, "-c", IMPORTING, module]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout, ended.stderr) == (-signal.SIGINT, "", "")


def test_it_is_found_behind_several_others_and_nowhere_else() -> None:
    terminated, other, last = Terminated(), ValueError("other"), RuntimeError("last")
    assert signal_behind(last) is None
    last.__cause__ = other
    assert signal_behind(last) is None
    other.__cause__ = terminated
    assert signal_behind(last) is terminated
