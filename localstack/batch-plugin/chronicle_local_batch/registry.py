"""Compute environments, job queues and job definitions: everything but jobs."""

from .arns import arn_of, name_of
from .errors import client_error


class Registry:
    def __init__(self):
        self.environments: dict[str, dict] = {}
        self.queues: dict[str, dict] = {}
        self.definitions: dict[str, list[dict]] = {}  # revisions, oldest first

    # Compute environments

    def create_compute_environment(self, context, request):
        name = request["computeEnvironmentName"]
        self._must_be_new(self.environments, name)
        arn = arn_of(context, "compute-environment", name)
        self.environments[name] = {
            **request,
            "computeEnvironmentArn": arn,
            "state": request.get("state", "ENABLED"),
            "status": "VALID",
            "statusReason": "ComputeEnvironment Healthy",
            "containerOrchestrationType": "ECS",
        }
        return {"computeEnvironmentName": name, "computeEnvironmentArn": arn}

    def describe_compute_environments(self, _context, request):
        return {"computeEnvironments": self._named(self.environments, request.get("computeEnvironments"))}

    def update_compute_environment(self, _context, request):
        found = self._existing(self.environments, request["computeEnvironment"])
        changes = {key: value for key, value in request.items() if key != "computeEnvironment"}
        resources = {**found.get("computeResources", {}), **changes.pop("computeResources", {})}
        found.update(changes, computeResources=resources)
        return {key: found[key] for key in ("computeEnvironmentName", "computeEnvironmentArn")}

    def delete_compute_environment(self, _context, request):
        name = name_of(request["computeEnvironment"])
        for queue in self.queues.values():
            if any(name_of(entry["computeEnvironment"]) == name for entry in queue["computeEnvironmentOrder"]):
                raise client_error(f"Cannot delete, found existing JobQueue relationship: {queue['jobQueueName']}")
        self.environments.pop(name, None)
        return {}

    # Job queues

    def create_job_queue(self, context, request):
        name = request["jobQueueName"]
        self._must_be_new(self.queues, name)
        self._check_order(request.get("computeEnvironmentOrder") or [])
        arn = arn_of(context, "job-queue", name)
        self.queues[name] = {
            **request,
            "jobQueueArn": arn,
            "state": request.get("state", "ENABLED"),
            "status": "VALID",
            "statusReason": "JobQueue Healthy",
            "computeEnvironmentOrder": request.get("computeEnvironmentOrder") or [],
        }
        return {"jobQueueName": name, "jobQueueArn": arn}

    def describe_job_queues(self, _context, request):
        return {"jobQueues": self._named(self.queues, request.get("jobQueues"))}

    def update_job_queue(self, _context, request):
        found = self._existing(self.queues, request["jobQueue"])
        self._check_order(request.get("computeEnvironmentOrder") or [])
        found.update({key: value for key, value in request.items() if key != "jobQueue"})
        return {key: found[key] for key in ("jobQueueName", "jobQueueArn")}

    def delete_job_queue(self, _context, request):
        self.queues.pop(name_of(request["jobQueue"]), None)
        return {}

    def queue(self, reference: str) -> dict:
        """The queue to submit to. Raises as SubmitJob does."""
        found = self._existing(self.queues, reference)
        if found["state"] != "ENABLED":
            raise client_error(f"Job queue {reference} is not enabled")
        return found

    # Job definitions

    def register_job_definition(self, context, request):
        name = request["jobDefinitionName"]
        revisions = self.definitions.setdefault(name, [])
        revision = len(revisions) + 1
        arn = arn_of(context, "job-definition", f"{name}:{revision}")
        revisions.append({**request, "jobDefinitionArn": arn, "revision": revision, "status": "ACTIVE"})
        return {"jobDefinitionName": name, "jobDefinitionArn": arn, "revision": revision}

    def describe_job_definitions(self, _context, request):
        found = [each for revisions in self.definitions.values() for each in revisions]
        if wanted := {name_of(reference) for reference in request.get("jobDefinitions") or []}:
            found = [each for each in found if {each["jobDefinitionName"], name_of(each["jobDefinitionArn"])} & wanted]
        for key in ("jobDefinitionName", "status"):
            if request.get(key):
                found = [each for each in found if each[key] == request[key]]
        return {"jobDefinitions": found}

    def deregister_job_definition(self, _context, request):
        self.definition(request["jobDefinition"])["status"] = "INACTIVE"
        return {}

    def definition(self, reference: str) -> dict:
        """The active revision that is meant: the newest where none is named."""
        name, _, revision = name_of(reference).partition(":")
        active = [each for each in self.definitions.get(name, []) if each["status"] == "ACTIVE"]
        found = [each for each in active if not revision or each["revision"] == int(revision)]
        if not found:
            raise client_error(f"JobDefinition {reference} does not exist or is not active")
        return found[-1]

    # Tags

    def tag_resource(self, _context, request):
        self._resource(request["resourceArn"]).setdefault("tags", {}).update(request["tags"])
        return {}

    def untag_resource(self, _context, request):
        tags = self._resource(request["resourceArn"]).get("tags", {})
        for key in request["tagKeys"]:
            tags.pop(key, None)
        return {}

    def list_tags_for_resource(self, _context, request):
        return {"tags": self._resource(request["resourceArn"]).get("tags", {})}

    def _resource(self, arn: str) -> dict:
        name = name_of(arn)
        if ":job-definition/" in arn:
            return self.definition(name)
        return self._existing(self.queues if ":job-queue/" in arn else self.environments, name)

    def _check_order(self, order: list[dict]) -> None:
        for entry in order:
            self._existing(self.environments, entry["computeEnvironment"])

    @staticmethod
    def _must_be_new(resources: dict[str, dict], name: str) -> None:
        if name in resources:
            raise client_error("Object already exists")

    @staticmethod
    def _existing(resources: dict[str, dict], reference: str) -> dict:
        found = resources.get(name_of(reference))
        if found is None:
            raise client_error(f"{reference} does not exist")
        return found

    @staticmethod
    def _named(resources: dict[str, dict], references: list[str] | None) -> list[dict]:
        wanted = {name_of(reference) for reference in references or []}
        return [each for name, each in resources.items() if not wanted or name in wanted]
