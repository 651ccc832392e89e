"""The page docs/doctor.md: everything that `projects doctor` finds, from the table of findings."""

from __future__ import annotations

from projects_cli.diagnosis.findings import DEPLOYMENT, MEMBERS, PROJECTS
from tools.pages import MARK, code, plain, table

HEAD = """\
# What the doctor finds

`projects doctor` looks through a company's projects, tasks and models, the indexes, the journal and the server, and
writes nothing. The exit status is 6 if there is an error or a warning,
and 0 if there are only notes, or nothing. `--only FINDING` looks for one kind.

`projects doctor --fix` mends what is certain: with a dry run, a question, the lock, the journal and `projects undo`, as
every change. It is asked about with a yes where only tags and basenames change, else with the name of the database.
What is ambiguous stays for a person, and is found again; a dry run ends with 0.

- Only the company's own documents are judged, and public ones never changed. Another company's are neither read nor
  counted: whether a project that is not there is gone or another company's is one finding, so that nobody learns which.
- The projects are read in one pass, tasks and models grouped by the server; nothing is asked for each project. Memory
  is for the projects' ids, names and places, not for tasks.
- What the user may not look at, or what fails or needs a primary where there is none, is left out and told (`skipped`
  in JSON); where it was asked for with `--only`, the command ends with that (77 where a right is missing). The
  documents themselves need `read`.
- A place is what a project's name, its parent and the end of its path say. Two that agree outvote the third; one that
  speaks alone, both others pointing nowhere, is believed. Ties and cycles stay.
- While a change is stopped in the middle `--fix` waits: what looks wrong may be the half that is not done yet.
- An error gives wrong answers or stops work, a warning may, a note is there to be known: ordinary servers cause some.
- Errors come first, then warnings, then notes. In a terminal a finding has a few examples with ids, the advice, and
  what `--fix` would do; `-o json` has the same fields.
- Values of types that JSON does not have are shown as Extended JSON; see `projects help output`.
"""


def doctor_page() -> str:
    """Give the tables of everything that the doctor finds."""
    lines = [MARK, HEAD]
    parts = (("Projects", PROJECTS), ("Tasks and models", MEMBERS), ("Indexes, journal, server", DEPLOYMENT))
    for title, kinds in parts:
        rows = [(code(one.name), one.severity, *map(plain, (one.meaning, one.advice, one.mends))) for one in kinds]
        lines += [f"## {title}", "", *table(("finding", "severity", "what it means", "what to do", "--fix"), rows), ""]
    return "\n".join(lines)
