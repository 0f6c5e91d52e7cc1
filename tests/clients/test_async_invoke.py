"""Asynchronous invocations: acknowledged once they are safe, run at least once, their outcome told."""

import json
import signal
from concurrent.futures import ThreadPoolExecutor

from cloud import eventually, refused

ECHO = """
def handler(event, context):
    print('ran', event, context.aws_request_id)
    return event
"""
FAIL = """
def handler(event, context):
    print('ran', event)
    raise ValueError('no')
"""


def send(account, name, event, **options):
    answer = account.functions.invoke(
        FunctionName=name, InvocationType="Event", Payload=json.dumps(event), **options
    )
    assert answer["StatusCode"] == 202
    assert answer["Payload"].read() == b""
    return answer["ResponseMetadata"]["RequestId"]


def test_an_event_runs_with_the_id_it_was_acknowledged_with(account):
    account.python("hello", ECHO)
    request_id = send(account, "hello", {"n": 1})
    line = eventually(lambda: account.logged("/aws/lambda/hello", "ran"))[0]["message"]
    assert "{'n': 1}" in line and request_id in line


def test_the_old_form_of_asynchronous_invocation(account):
    account.python("hello", ECHO)
    answer = account.functions.invoke_async(FunctionName="hello", InvokeArgs=b'{"old": true}')
    assert answer["Status"] == 202
    line = eventually(lambda: account.logged("/aws/lambda/hello", "ran"))[0]["message"]
    assert "{'old': True}" in line


def test_outcomes_go_to_their_destinations(account):
    account.python("works", ECHO)
    account.python("fails", FAIL)
    account.python("told", ECHO)
    told = account.arn("told")
    functions = account.functions
    configured = functions.put_function_event_invoke_config(
        FunctionName="works", DestinationConfig={"OnSuccess": {"Destination": told}}
    )
    assert configured["FunctionArn"] == account.arn("works", "$LATEST")
    functions.put_function_event_invoke_config(
        FunctionName="fails",
        MaximumRetryAttempts=0,
        MaximumEventAgeInSeconds=60,
        DestinationConfig={"OnFailure": {"Destination": told}},
    )
    send(account, "works", "well")
    send(account, "fails", "badly")
    events = eventually(lambda: (found := account.logged("/aws/lambda/told", "ran")) and len(found) == 2 and found)
    lines = [event["message"] for event in events]
    assert any("'condition': 'Success'" in line and "'requestPayload': 'well'" in line for line in lines)
    assert any(
        "'condition': 'RetriesExhausted'" in line and "'functionError': 'Unhandled'" in line for line in lines
    )


def test_the_configuration_of_events(account):
    account.python("hello", ECHO)
    functions = account.functions
    functions.publish_version(FunctionName="hello")
    with refused("ResourceNotFoundException", 404, "doesn't have an EventInvokeConfig"):
        functions.get_function_event_invoke_config(FunctionName="hello")
    functions.put_function_event_invoke_config(FunctionName="hello", MaximumRetryAttempts=1)
    functions.put_function_event_invoke_config(FunctionName="hello", Qualifier="1", MaximumRetryAttempts=0)
    functions.update_function_event_invoke_config(FunctionName="hello", MaximumEventAgeInSeconds=120)
    config = functions.get_function_event_invoke_config(FunctionName="hello")
    assert (config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]) == (1, 120)
    assert config["DestinationConfig"] == {"OnSuccess": {}, "OnFailure": {}}
    listed = functions.list_function_event_invoke_configs(FunctionName="hello")["FunctionEventInvokeConfigs"]
    assert [each["MaximumRetryAttempts"] for each in listed] == [1, 0]
    functions.delete_function_event_invoke_config(FunctionName="hello")
    with refused("ResourceNotFoundException", 404):
        functions.delete_function_event_invoke_config(FunctionName="hello")
    with refused("InvalidParameterValueException", 400, "The destination ARN"):
        functions.put_function_event_invoke_config(
            FunctionName="hello", DestinationConfig={"OnFailure": {"Destination": account.arn("absent")}}
        )
    with refused("RequestTooLargeException", 413):
        functions.invoke(FunctionName="hello", InvocationType="Event", Payload=json.dumps("x" * 1_048_576))


def test_acknowledged_events_survive_the_kill(own_cloud):
    account = own_cloud.account()
    # What a run leaves behind is durable before the run ends; a log line need not be.
    account.python(
        "hello",
        """
        import boto3
        logs = boto3.client("logs")

        def handler(event, context):
            try:
                logs.create_log_group(logGroupName=f"/ran/{event}")
            except logs.exceptions.ResourceAlreadyExistsException:
                pass
        """,
        Timeout=60,
        MemorySize=256,
    )
    account.functions.put_function_concurrency(FunctionName="hello", ReservedConcurrentExecutions=4)
    with ThreadPoolExecutor(8) as senders:
        list(senders.map(lambda number: send(account, "hello", number), range(200)))
    own_cloud.stop(signal.SIGKILL)
    own_cloud.start()
    account._clients.clear()

    def all_ran():
        pages = account.logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix="/ran/")
        names = {group["logGroupName"] for page in pages for group in page["logGroups"]}
        return names == {f"/ran/{number}" for number in range(200)}

    eventually(all_ran, deadline_s=120)
