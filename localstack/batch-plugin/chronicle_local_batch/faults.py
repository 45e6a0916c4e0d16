"""Faults that tests ask for.

A fault is a JSON object: which jobs it meets, how often, and one of the things that go wrong.

jobs        glob on the job's name; "*"
attempt     only this attempt of a job, counted from 1; any
times       how many attempts (or submits) it meets before it is used up; 1

throttle    true: SubmitJob answers TooManyRequestsException
unplaced    true: the job is given up while it waits, as its queue's time limit says
delayMs     the attempt stays RUNNABLE for this long
kill        signal name sent to the job's processes
afterMs     … this long after its start; 0
afterOutput … when it has written this text
spot        … and with what AWS Batch says of a Spot interruption on Fargate
timeout     seconds that the attempt may take, in place of the job's (AWS allows no less than 60)
exitCode    the attempt is said to have ended with this code
instead     … and the program is not run at all
duplicate   true: a second copy of the program runs beside the first
endpoint    the attempt's AWS endpoint, such as a proxy that loses answers
"""

import fnmatch
import signal
import threading
import uuid

_KEYS = {
    "jobs": str,
    "attempt": int,
    "times": int,
    "throttle": bool,
    "unplaced": bool,
    "delayMs": int,
    "kill": str,
    "afterMs": int,
    "afterOutput": str,
    "spot": bool,
    "timeout": int,
    "exitCode": int,
    "instead": bool,
    "duplicate": bool,
    "endpoint": str,
}


class Faults:
    def __init__(self):
        self._lock = threading.Lock()
        self._faults: dict[str, dict] = {}

    def add(self, fault: dict) -> str:
        """Raises ValueError for a key or a value that no fault has."""
        for key, value in fault.items():
            if type(value) is not _KEYS.get(key):
                raise ValueError(f"expected one of {', '.join(_KEYS)} with its type, found {key}: {value!r}")
        if "kill" in fault:
            signal.Signals[fault["kill"]]  # KeyError for a name that is none
        if "instead" in fault and "exitCode" not in fault:
            raise ValueError("instead needs an exitCode")
        key = uuid.uuid4().hex
        with self._lock:
            self._faults[key] = {"jobs": "*", "times": 1, **fault, "met": []}
        return key

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def all(self) -> dict[str, dict]:
        with self._lock:
            return {key: dict(fault) for key, fault in self._faults.items()}

    def take(self, kind: str, job_name: str, attempt: int) -> dict | None:
        """The first fault of a kind (the key that names it) that is meant for this attempt; counts it as met."""
        with self._lock:
            for fault in self._faults.values():
                if (
                    kind in fault
                    and len(fault["met"]) < fault["times"]
                    and fnmatch.fnmatchcase(job_name, fault["jobs"])
                    and fault.get("attempt", attempt) == attempt
                ):
                    fault["met"].append(f"{job_name}#{attempt}")
                    return fault
        return None
