"""The page docs/doctor.md, from the table of findings."""

from __future__ import annotations

from projects_cli.diagnosis.findings import DEPLOYMENT, MEMBERS, PROJECTS
from tools.pages import MARK, code, plain, table

HEAD = """\
# Findings of the doctor

`projects doctor` checks a company's projects, tasks and models, the indexes, the journal and the server. It writes
nothing. The exit status is 6 if there is an error or a warning, and 0 otherwise. `--only FINDING` checks for one kind.

`projects doctor --fix` repairs what is unambiguous. Like every change it has a dry run, a confirmation, the lock, the
journal and `projects undo`. If only tags and basenames change, the confirmation is a yes, else the name of the
database. Ambiguous problems are left alone and reported again. A dry run ends with 0.

- Only the company's own documents are checked, and public ones are never changed. Another company's are neither read
  nor counted: a missing project and another company's project are the same finding, so that nothing about the other
  company is disclosed.
- The projects are read in one pass, and the server groups the tasks and models: there is no query for each project.
  Memory is needed for the ids, names and parents of projects, not for tasks.
- A check that fails, that the user may not make, or that needs a missing primary is skipped with a warning (`skipped`
  in JSON). With `--only` it is an error (77 if a privilege is missing). The documents themselves need `read`.
- A project's name, its `parent` and the end of its `path` each name its parent. Two that agree outvote the third. A
  single one is believed if both others name nothing. Ties and cycles are left alone.
- After an interrupted change `--fix` waits until it is finished or undone: what looks wrong may be its other half.
- An error makes answers wrong or stops work, a warning may, and a note is for information: ordinary servers cause some.
- Errors come first, then warnings, then notes. In a terminal a finding has a few examples with ids, the advice, and
  what `--fix` would do; `-o json` has the same fields.
- Values of types that JSON does not have are shown as Extended JSON; see `projects help output`.
"""


def doctor_page() -> str:
    """Return the page."""
    lines = [MARK, HEAD]
    parts = (("Projects", PROJECTS), ("Tasks and models", MEMBERS), ("Indexes, journal, server", DEPLOYMENT))
    for title, kinds in parts:
        rows = [
            (code(kind.name), kind.severity, *map(plain, (kind.description, kind.advice, kind.fix))) for kind in kinds
        ]
        lines += [f"## {title}", "", *table(("finding", "severity", "description", "advice", "--fix"), rows), ""]
    return "\n".join(lines)
