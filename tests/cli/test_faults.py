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
import os, sys, time
from projects_cli.cli.app import take_signals
from projects_cli.cli.exceptions import Terminated

class Last:
    def __del__(self):
        os.kill(os.getpid(), int(sys.argv[1]))
        time.sleep(0)  # an exception that is raised here is dropped

take_signals()
try:
    Last()
    time.sleep(20)
except (KeyboardInterrupt, Terminated):
    print("ended")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_a_destructor_is_not_lost(number: signal.Signals) -> None:
    """Nor does Python print a traceback for it."""
    command = [sys.executable, "-c", DESTRUCTOR, str(int(number))]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert (ended.stdout, ended.stderr) == ("ended\n", "")


def test_it_is_found_behind_several_others_and_nowhere_else() -> None:
    terminated, other, last = Terminated(), ValueError("other"), RuntimeError("last")
    assert signal_behind(last) is None
    last.__cause__ = other
    assert signal_behind(last) is None
    other.__cause__ = terminated
    assert signal_behind(last) is terminated
