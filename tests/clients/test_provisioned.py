"""Provisioned concurrency: workers that are there before anybody calls."""

import signal

from cloud import eventually, refused

SOURCE = """
import os

def handler(event, context):
    return os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]
"""


def test_provisioned_workers_exist_before_they_are_ready(own_cloud):
    account = own_cloud.account()
    account.python("hello", SOURCE)
    functions = account.functions
    functions.publish_version(FunctionName="hello")
    functions.create_alias(FunctionName="hello", Name="live", FunctionVersion="1")
    configured = functions.put_provisioned_concurrency_config(
        FunctionName="hello", Qualifier="live", ProvisionedConcurrentExecutions=2
    )
    assert configured["RequestedProvisionedConcurrentExecutions"] == 2
    assert configured["Status"] == "IN_PROGRESS"
    assert configured["AllocatedProvisionedConcurrentExecutions"] < 2

    def ready():
        config = functions.get_provisioned_concurrency_config(FunctionName="hello", Qualifier="live")
        return config["Status"] == "READY" and config["AvailableProvisionedConcurrentExecutions"] == 2

    eventually(ready)
    assert account.invoke("hello", Qualifier="live").json() == "provisioned-concurrency"
    assert account.invoke("hello").json() == "on-demand"
    listed = functions.list_provisioned_concurrency_configs(FunctionName="hello")["ProvisionedConcurrencyConfigs"]
    assert [(each["FunctionArn"], each["Status"]) for each in listed] == [(account.arn("hello", "live"), "READY")]

    own_cloud.stop(signal.SIGKILL)
    own_cloud.start()
    account._clients.clear()
    functions = account.functions
    eventually(ready)
    assert account.invoke("hello", Qualifier="live").json() == "provisioned-concurrency"

    functions.delete_provisioned_concurrency_config(FunctionName="hello", Qualifier="live")
    with refused("ProvisionedConcurrencyConfigNotFoundException", 404, "No Provisioned Concurrency Config found"):
        functions.get_provisioned_concurrency_config(FunctionName="hello", Qualifier="live")


def test_provisioned_concurrency_has_its_limits(account):
    account.python("hello", "raise ValueError('no')")
    functions = account.functions
    functions.publish_version(FunctionName="hello")

    def put(qualifier, number):
        return functions.put_provisioned_concurrency_config(
            FunctionName="hello", Qualifier=qualifier, ProvisionedConcurrentExecutions=number
        )

    with refused("InvalidParameterValueException", 400, "unpublished function versions"):
        put("$LATEST", 1)
    with refused("ResourceNotFoundException", 404):
        put("9", 1)
    with refused("InvalidParameterValueException", 400, r"below its minimum value of \[100\]"):
        put("1", 901)
    functions.put_function_concurrency(FunctionName="hello", ReservedConcurrentExecutions=3)
    with refused("InvalidParameterValueException", 400, "should not be greater than the reserved"):
        put("1", 4)
    put("1", 1)

    def failed():
        config = functions.get_provisioned_concurrency_config(FunctionName="hello", Qualifier="1")
        return config["Status"] == "FAILED" and config

    assert "ValueError" in eventually(failed)["StatusReason"]
