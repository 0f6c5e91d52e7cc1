"""Parses encoded responses with botocore and compares them with the published results.

Reads a JSON list of {id, file, suite, case, response} from standard input, where the response's
body is base64; the first argument is the folder of the published output cases. Prints a JSON list
of [id, difference] for those that do not come back as published.
"""

import base64
import datetime
import json
import math
import os
import sys

from botocore.awsrequest import HeadersDict
from botocore.model import OperationModel, ServiceModel
from botocore.parsers import create_parser


def main():
    folder = sys.argv[1]
    files = {}
    differences = []
    for entry in json.load(sys.stdin):
        name = entry["file"]
        if name not in files:
            with open(os.path.join(folder, name + ".json"), encoding="utf-8") as file:
                files[name] = json.load(file)
        suite = files[name][entry["suite"]]
        case = suite["cases"][entry["case"]]
        try:
            difference = compare(suite, case, entry["response"])
        except Exception as error:  # whatever botocore raises is a difference
            difference = f"{type(error).__name__}: {error}"
        if difference:
            body = base64.b64decode(entry["response"]["body"])
            differences.append([entry["id"], f"{difference}\n    in {body!r}"])
    json.dump(differences, sys.stdout)


def compare(suite, case, response):
    service = ServiceModel({"metadata": suite["metadata"], "shapes": suite["shapes"]})
    operation = OperationModel(with_result_wrapper(suite, case["given"]), service)
    parser = create_parser(suite["metadata"]["protocol"])
    http = {
        "status_code": response["status_code"],
        "headers": HeadersDict(response["headers"]),
        "body": base64.b64decode(response["body"]),
        "context": {"operation_name": operation.name},
    }
    if "error" in case:
        return compare_error(parser, operation, case, http)
    parsed = parser.parse(http, operation.output_shape)
    metadata = parsed.pop("ResponseMetadata", {})
    # The CBOR parser gives no metadata where there is no output.
    if operation.output_shape and not metadata.get("RequestId"):
        return "the request id is missing"
    return unequal(plain(parsed), case["result"])


def with_result_wrapper(suite, given):
    """Query models name the wrapper by convention; the published cases leave it out."""
    if suite["metadata"]["protocol"] == "query" and "output" in given:
        output = {"resultWrapper": given["name"] + "Result", **given["output"]}
        return {**given, "output": output}
    return given


def compare_error(parser, operation, case, http):
    parsed = parser.parse(http, operation.output_shape)
    error = parsed.get("Error", {})
    if error.get("Code") != case["errorCode"]:
        return f"code {error.get('Code')!r}, expected {case['errorCode']!r}"
    if "errorMessage" in case and error.get("Message") != case["errorMessage"]:
        return f"message {error.get('Message')!r}, expected {case['errorMessage']!r}"
    if not parsed.get("ResponseMetadata", {}).get("RequestId"):
        return "the request id is missing"
    # Clients look the shape up by the code, or by the Query code where there is one.
    codes = {case["errorCode"], error.get("QueryErrorCode")}
    for shape in operation.error_shapes:
        if shape.name in codes or shape.error_code in codes:
            modelled = parser.parse(http, shape)
            modelled.pop("ResponseMetadata", None)
            expected = dict(case["error"])
            return unequal(plain(modelled), expected)
    return None


def plain(value):
    """The vectors' spelling: text for blobs, epoch seconds for times, names for odd floats."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if isinstance(value, datetime.datetime):
        seconds = value.timestamp()
        return int(seconds) if seconds == int(seconds) else seconds
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    if isinstance(value, float) and math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def unequal(found, expected):
    return None if found == expected else f"found {found!r}\n    expected {expected!r}"


main()
