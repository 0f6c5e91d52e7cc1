"""The context object of an invocation."""

import json
import sys
import time


class _Fields:
    """Named values of which absent ones are None."""

    __slots__ = ()

    def __init__(self, values):
        for name in self.__slots__:
            setattr(self, name, values.get(name))

    def __repr__(self):
        fields = ",".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"{type(self).__name__}([{fields}])"


class Client(_Fields):
    __slots__ = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")


class ClientContext(_Fields):
    __slots__ = ("custom", "env", "client")

    def __init__(self, values):
        super().__init__(values)
        if self.client is not None:
            self.client = Client(self.client)


class CognitoIdentity(_Fields):
    __slots__ = ("cognito_identity_id", "cognito_identity_pool_id")


class LambdaContext:
    def __init__(self, assignment, head):
        self.aws_request_id = head["request_id"]
        self.log_group_name = assignment["log_group"]
        self.log_stream_name = assignment["log_stream"]
        self.function_name = assignment["function_name"]
        self.memory_limit_in_mb = assignment["memory_mib"]
        self.function_version = assignment["function_version"]
        self.invoked_function_arn = head["function_arn"]
        self.tenant_id = None
        client_context = head.get("client_context")
        self.client_context = ClientContext(json.loads(client_context)) if client_context else None
        identity = json.loads(head.get("cognito_identity") or "{}")
        self.identity = CognitoIdentity(
            {
                "cognito_identity_id": identity.get("cognitoIdentityId"),
                "cognito_identity_pool_id": identity.get("cognitoIdentityPoolId"),
            }
        )
        self._deadline_epoch_ms = head["deadline_epoch_ms"]

    def get_remaining_time_in_millis(self):
        return max(int(self._deadline_epoch_ms - time.time() * 1000), 0)

    def log(self, message):
        sys.stdout.write(str(message))

    def __repr__(self):
        fields = ",".join(
            f"{name}={getattr(self, name)}"
            for name in (
                "aws_request_id",
                "log_group_name",
                "log_stream_name",
                "function_name",
                "memory_limit_in_mb",
                "function_version",
                "invoked_function_arn",
                "client_context",
                "identity",
                "tenant_id",
            )
        )
        return f"LambdaContext([{fields}])"
