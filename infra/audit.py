"""`make audit`: the locked dependencies against the published faults. Not to have asked is not to be well."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

LOCK = Path(__file__).parents[1] / "requirements.lock"


def judge(report: dict[str, Any]) -> tuple[int, list[str]]:
    """0: all were asked for and nothing is known; 1: faults; 2: some could not be asked for. With what to say."""
    dependencies = report["dependencies"]
    faulty = [
        f"{each['name']} {each['version']}: {fault['id']}" for each in dependencies for fault in each.get("vulns", ())
    ]
    skipped = [each["name"] for each in dependencies if "skip_reason" in each]
    said = [*faulty]
    if skipped:
        some = f"{len(skipped)} of {len(dependencies)}"
        said.append(
            f"*** NOT AUDITED: {some} dependencies are unknown to the source of advisories, or it was away. ***"
        )
    if faulty:
        return 1, said
    return (2, said) if skipped or not dependencies else (0, ["No known faults."])


def main() -> int:
    argv = [sys.executable, "-m", "pip_audit", "-r", str(LOCK), "--disable-pip", "--require-hashes", "-f", "json"]
    done = subprocess.run([*argv, "--timeout", "15"], capture_output=True, text=True, check=False)  # noqa: S603
    try:
        code, said = judge(json.loads(done.stdout))
    except (ValueError, KeyError):
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        code, said = 2, [f"*** NOT AUDITED: the source of advisories was not reached. ***\n{last}"]
    print("\n".join(said), file=sys.stderr if code else sys.stdout)
    return code


if __name__ == "__main__":
    sys.exit(main())
