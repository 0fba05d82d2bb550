"""The files of tests that take longest. Whoever shares them out among processes begins with these.

xdist gives a file to one process, and the files with the most tests first. A long file with few tests would come last,
and one process would work at it while the others have nothing left to do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

LONGEST = (
    "tests/test_linear_time.py",
    "tests/test_main_job.py",
    "tests/api/test_command_line.py",
    "tests/api/test_shutdown.py",
    "tests/api/test_connections.py",
    "tests/api/test_under_attack.py",
    "tests/ingest/test_archive_hostile.py",
    "tests/ingest/test_e5.py",
    "tests/ingest/test_embedding.py",
    "tests/ingest/test_web_hostile.py",
    "tests/ingest/test_faults.py",
    "tests/api/test_openapi_cases.py",
    "tests/api/test_page.py",
)
"""From the longest down, by the seconds that `make test` spends on them: some fifteen or more."""


def longest_first(files: Sequence[str]) -> list[int]:
    """The places of the tests in `files`, which has the file of each, in the order in which they are to be run.

    The files of `LONGEST` come first, then those with the most tests, as xdist would have it. The tests of one file
    keep their order.
    """
    tests, rank = Counter(files), {file: number for number, file in enumerate(LONGEST)}
    first = {file: place for place, file in reversed(list(enumerate(files)))}
    return sorted(
        range(len(files)),
        key=lambda place: (rank.get(files[place], len(LONGEST)), -tests[files[place]], first[files[place]]),
    )
