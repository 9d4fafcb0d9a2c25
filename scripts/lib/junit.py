"""Print what became of each test of a JUnit report, the failed ones last and with their reason."""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree

REASON_CHARACTERS = 300


def main(paths: list[str]) -> int:
    """Return 1 when a test failed, or none was run, or the suite ended before it could report."""
    if not all(Path(path).exists() for path in paths):
        print("no report: the suite ended in the middle")
        return 1
    passed, failed = [], []
    for case in (case for path in paths for case in ElementTree.parse(path).iter("testcase")):
        line = f"{float(case.get('time') or 0):6.1f} s  {case.get('name')}"
        trouble = case.find("failure") if case.find("failure") is not None else case.find("error")
        if case.find("skipped") is not None or not (case.get("name") or "").startswith("[It]"):
            continue
        if trouble is None:
            passed.append(f"pass {line}")
        else:
            reason = " ".join((trouble.get("message") or trouble.text or "").split())[:REASON_CHARACTERS]
            failed.append(f"FAIL {line}\n     {reason}")
    print(*sorted(passed), *sorted(failed), f"{len(passed)} passed, {len(failed)} failed", sep="\n")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
