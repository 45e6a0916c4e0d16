"""JSONPaths of state machines, each parsed once.

LocalStack parses the text of a path each time that a state looks at its input, and the parser makes its grammar's tables
anew for it: 20 ms of Python, in which nothing else of LocalStack goes on, a dozen times for each task of a run. What is
parsed has no state, so that a path found again is the same as one parsed again.
"""

import functools

# Paths are written in definitions, of which few are deployed.
_PATHS = 4096


def parse_once() -> None:
    from localstack.services.stepfunctions.asl.component.common.path import result_path
    from localstack.services.stepfunctions.asl.utils import json_path

    for module in (json_path, result_path):
        module.parse = functools.lru_cache(maxsize=_PATHS)(module.parse)
