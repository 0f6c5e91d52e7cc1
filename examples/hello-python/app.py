"""Greets whoever the event or the query names; runs behind a function URL and by Invoke."""

import json


def handler(event, context):
    name = event.get("name") or (event.get("queryStringParameters") or {}).get("name", "world")
    print(f"greeting {name}")
    return {
        "statusCode": 200,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps({"message": f"hello {name}", "function": context.function_name}),
    }
