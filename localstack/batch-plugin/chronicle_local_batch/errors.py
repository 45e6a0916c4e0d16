"""The errors that AWS Batch answers with."""

from localstack.aws.api import CommonServiceException


def client_error(message: str) -> CommonServiceException:
    return CommonServiceException("ClientException", message, status_code=400, sender_fault=True)


def too_many_requests() -> CommonServiceException:
    return CommonServiceException("TooManyRequestsException", "Too Many Requests", status_code=429, sender_fault=True)
