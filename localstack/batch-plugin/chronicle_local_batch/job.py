"""One job: what was submitted, where it is, what its attempts did."""

import re
import threading
import time
import uuid

from .arns import arn_of, name_of
from .errors import client_error

WAITING = ("SUBMITTED", "PENDING", "RUNNABLE")
ENDED = ("SUCCEEDED", "FAILED")
CONTAINER_EXITED = "Essential container in task exited"

_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$")


def now_ms() -> int:
    return int(time.time() * 1000)


class Job:
    def __init__(self, context, request: dict, queue: dict, definition: dict):
        if not _NAME.match(request["jobName"]):
            raise client_error(f"Job name {request['jobName']!r} should match valid pattern")
        overrides = request.get("containerOverrides") or {}
        properties = definition.get("containerProperties") or {}
        self.id = str(uuid.uuid4())
        self.arn = arn_of(context, "job", self.id)
        self.name = request["jobName"]
        self.region = context.region
        self.queue = queue
        self.definition = definition
        self.parameters = {**(definition.get("parameters") or {}), **(request.get("parameters") or {})}
        self.image = properties.get("image") or ""
        self.command = [self._parameter(word) for word in overrides.get("command") or properties.get("command") or []]
        self.environment = _pairs(properties.get("environment")) | _pairs(overrides.get("environment"))
        self.resources = _resources(properties) | _resources(overrides)
        self.log_options = (properties.get("logConfiguration") or {}).get("options") or {}
        self.retry = request.get("retryStrategy") or definition.get("retryStrategy") or {"attempts": 1}
        self.timeout = request.get("timeout") or definition.get("timeout")
        self.tags = request.get("tags") or {}
        self.status = "SUBMITTED"
        self.status_reason: str | None = None
        self.created_ms = now_ms()
        self.started_ms: int | None = None
        self.stopped_ms: int | None = None
        self.attempts: list[dict] = []
        self.exit_code: int | None = None
        self.reason: str | None = None
        self.log_stream: str | None = None
        # Set by TerminateJob and CancelJob; whoever runs or holds the job ends it then.
        self.stop_reason: str | None = None
        self.stopping = threading.Event()

    @property
    def timeout_seconds(self) -> int | None:
        return (self.timeout or {}).get("attemptDurationSeconds")

    def stop(self, reason: str) -> None:
        self.stop_reason = self.stop_reason or reason
        self.stopping.set()

    def end(self, succeeded: bool, status_reason: str) -> None:
        self.stopped_ms = now_ms()
        self.status_reason = status_reason
        self.status = "SUCCEEDED" if succeeded else "FAILED"

    def summary(self) -> dict:
        """As ListJobs has it."""
        return _known({
            "jobId": self.id,
            "jobArn": self.arn,
            "jobName": self.name,
            "jobDefinition": self.definition["jobDefinitionArn"],
            "createdAt": self.created_ms,
            "startedAt": self.started_ms,
            "stoppedAt": self.stopped_ms,
            "status": self.status,
            "statusReason": self.status_reason,
            "container": _known({"exitCode": self.exit_code, "reason": self.reason}),
        })

    def detail(self) -> dict:
        """As DescribeJobs has it."""
        properties = self.definition.get("containerProperties") or {}
        container = {
            **{key: properties[key] for key in ("jobRoleArn", "executionRoleArn", "logConfiguration") if key in properties},
            "image": self.image,
            "command": self.command,
            "environment": [{"name": key, "value": value} for key, value in self.environment.items()],
            "resourceRequirements": [{"type": key, "value": value} for key, value in self.resources.items()],
            "exitCode": self.exit_code,
            "reason": self.reason,
            "logStreamName": self.log_stream,
        }
        return _known({
            **self.summary(),
            "jobQueue": self.queue["jobQueueArn"],
            "attempts": self.attempts,
            "dependsOn": [],
            "parameters": self.parameters,
            "container": _known(container),
            "retryStrategy": self.retry,
            "timeout": self.timeout,
            "tags": self.tags,
            "platformCapabilities": self.definition.get("platformCapabilities") or ["EC2"],
            "isCancelled": self.stop_reason is not None and not self.attempts,
            "isTerminated": self.stop_reason is not None and bool(self.attempts),
        })

    def next_log_stream(self) -> str:
        prefix = self.log_options.get("awslogs-stream-prefix") or self.definition["jobDefinitionName"]
        self.log_stream = f"{prefix}/default/{uuid.uuid4().hex}"
        return self.log_stream

    def batch_environment(self, attempt: int) -> dict[str, str]:
        """What AWS Batch adds to a container's environment."""
        order = self.queue["computeEnvironmentOrder"]
        return {
            "AWS_BATCH_JOB_ID": self.id,
            "AWS_BATCH_JOB_ATTEMPT": str(attempt),
            "AWS_BATCH_JQ_NAME": self.queue["jobQueueName"],
            "AWS_BATCH_CE_NAME": name_of(order[0]["computeEnvironment"]) if order else "",
        }

    def _parameter(self, word: str) -> str:
        return re.sub(r"^Ref::(\w+)$", lambda found: self.parameters.get(found.group(1), found.group(0)), word)


def _pairs(entries: list[dict] | None) -> dict[str, str]:
    return {entry["name"]: entry.get("value", "") for entry in entries or []}


def _resources(properties: dict) -> dict[str, str]:
    return {entry["type"]: entry["value"] for entry in properties.get("resourceRequirements") or []}


def _known(entries: dict) -> dict:
    return {key: value for key, value in entries.items() if value is not None}
