"""Copies what an attempt wrote into the log stream that its job definition names."""

import logging
from pathlib import Path

from botocore.exceptions import ClientError
from localstack.aws.connect import connect_to

from .job import Job, now_ms

LOG = logging.getLogger(__name__)

_LINES_PER_CALL = 1000
_LINE_CHARACTERS = 60_000


def copy_to_cloudwatch(job: Job, log: Path) -> None:
    group = job.log_options.get("awslogs-group")
    if group is None or not log.exists():
        return
    logs = connect_to(region_name=job.region).logs
    try:
        logs.create_log_stream(logGroupName=group, logStreamName=job.log_stream)
        lines = [line[:_LINE_CHARACTERS] for line in log.read_text(errors="replace").splitlines() if line]
        for start in range(0, len(lines), _LINES_PER_CALL):
            events = [{"timestamp": now_ms(), "message": line} for line in lines[start : start + _LINES_PER_CALL]]
            logs.put_log_events(logGroupName=group, logStreamName=job.log_stream, logEvents=events)
    except ClientError as error:
        LOG.warning("the log of %s is in %s alone: %s", job.name, log, error)
