"""The three AWS::Batch resource types that the stack has, for LocalStack's CloudFormation.

A resource is created, changed and deleted through this plugin's own Batch operations. Properties have the names of the
API's members but for the first letter, and CloudFormation alone knows a few of them.
"""

import localstack.services.cloudformation.provider_utils as util
from localstack.services.cloudformation.resource_provider import (
    CloudFormationResourceProviderPlugin,
    OperationStatus,
    ProgressEvent,
    ResourceProvider,
    ResourceRequest,
)

# Maps whose keys are names of their own, not members.
_FREE_MAPS = {"Parameters", "Tags", "Options"}


class _BatchResource(ResourceProvider):
    NAME: str
    ARN: str
    CREATE: str
    UPDATE: str
    DELETE: str
    REFERENCE: str  # the member that names an existing resource
    ONLY_CREATED: frozenset[str] = frozenset()
    ONLY_CLOUDFORMATION: frozenset[str] = frozenset()

    def create(self, request: ResourceRequest) -> ProgressEvent:
        model = request.desired_state
        model[self.NAME] = model.get(self.NAME) or util.generate_default_name(request.stack_name, request.logical_resource_id)
        made = self._call(request, self.CREATE, self._members(model))
        return _done({**model, self.ARN: made[_member(self.ARN)]})

    def update(self, request: ResourceRequest) -> ProgressEvent:
        kept = {key: request.previous_state[key] for key in (self.NAME, self.ARN)}
        members = self._members({key: value for key, value in request.desired_state.items() if key not in self.ONLY_CREATED})
        self._call(request, self.UPDATE, {**members, self.REFERENCE: kept[self.ARN]})
        return _done({**request.desired_state, **kept})

    def delete(self, request: ResourceRequest) -> ProgressEvent:
        self._call(request, self.DELETE, {self.REFERENCE: request.desired_state[self.ARN]})
        return _done(request.desired_state)

    def read(self, request: ResourceRequest) -> ProgressEvent:
        return _done(request.desired_state)

    def _members(self, model: dict) -> dict:
        left_out = {self.ARN, *self.ONLY_CLOUDFORMATION}
        known = {key: value for key, value in model.items() if key not in left_out}
        return util.keys_pascalcase_to_lower_camelcase(known, _FREE_MAPS)

    @staticmethod
    def _call(request: ResourceRequest, operation: str, members: dict) -> dict:
        return getattr(request.aws_client_factory.batch, operation)(**members)


class ComputeEnvironment(_BatchResource):
    TYPE = "AWS::Batch::ComputeEnvironment"
    NAME, ARN, REFERENCE = "ComputeEnvironmentName", "ComputeEnvironmentArn", "computeEnvironment"
    CREATE, UPDATE, DELETE = "create_compute_environment", "update_compute_environment", "delete_compute_environment"
    ONLY_CREATED = frozenset({"ComputeEnvironmentName", "Type", "Tags", "EksConfiguration"})
    ONLY_CLOUDFORMATION = frozenset({"ReplaceComputeEnvironment", "UpdatePolicy"})

    def _members(self, model: dict) -> dict:
        members = super()._members(model)
        if "type" in members:
            members["type"] = members["type"].upper()
        members.get("computeResources", {}).pop("updateToLatestImageVersion", None)
        return members


class JobQueue(_BatchResource):
    TYPE = "AWS::Batch::JobQueue"
    NAME, ARN, REFERENCE = "JobQueueName", "JobQueueArn", "jobQueue"
    CREATE, UPDATE, DELETE = "create_job_queue", "update_job_queue", "delete_job_queue"
    ONLY_CREATED = frozenset({"JobQueueName", "JobQueueType", "Tags"})


class JobDefinition(_BatchResource):
    TYPE = "AWS::Batch::JobDefinition"
    NAME, ARN, REFERENCE = "JobDefinitionName", "JobDefinitionArn", "jobDefinition"
    CREATE, DELETE = "register_job_definition", "deregister_job_definition"
    ONLY_CLOUDFORMATION = frozenset({"ResourceRetentionPolicy"})

    def update(self, request: ResourceRequest) -> ProgressEvent:
        """A change is another revision; the one before it stays active where that is asked for."""
        retention = request.desired_state.get("ResourceRetentionPolicy") or {}
        if not retention.get("SkipDeregisterOnUpdate"):
            self._call(request, self.DELETE, {self.REFERENCE: request.previous_state[self.ARN]})
        request.desired_state[self.NAME] = request.previous_state[self.NAME]
        return self.create(request)


def _member(name: str) -> str:
    return util.convert_pascalcase_to_lower_camelcase(name)


def _done(model: dict) -> ProgressEvent:
    return ProgressEvent(status=OperationStatus.SUCCESS, resource_model=model)


def _plugin(resource: type[_BatchResource]) -> type[CloudFormationResourceProviderPlugin]:
    resource.SCHEMA = {
        "typeName": resource.TYPE,
        "properties": {key: {"type": "string"} for key in (resource.NAME, resource.ARN)},
        "primaryIdentifier": [f"/properties/{resource.ARN}"],
        "readOnlyProperties": [f"/properties/{resource.ARN}"],
        "createOnlyProperties": [f"/properties/{key}" for key in sorted({resource.NAME, *resource.ONLY_CREATED} - {"Tags"})],
        "handlers": {},
    }

    class Plugin(CloudFormationResourceProviderPlugin):
        name = resource.TYPE

        def load(self):
            self.factory = resource

    return Plugin


ComputeEnvironmentPlugin = _plugin(ComputeEnvironment)
JobQueuePlugin = _plugin(JobQueue)
JobDefinitionPlugin = _plugin(JobDefinition)
