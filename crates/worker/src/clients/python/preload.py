"""Loads the platform's SDK before there is a function, so that the function finds it loaded."""

import os
import sys

_added = set()
_loader = None

# Building a client reads its descriptions and imports what it needs.
_SERVICES = ("s3", "dynamodb")
_NOBODY = {"region_name": "us-east-1", "aws_access_key_id": "-", "aws_secret_access_key": "-"}


def load(folder):
    global _added, _loader
    before = set(sys.modules)
    sys.path.append(folder)
    try:
        import boto3
        import boto3.dynamodb.conditions
        import botocore.session

        # Only what was read is kept of this session: the variables it saw are not the function's.
        session = botocore.session.Session()
        builder = boto3.session.Session(botocore_session=session)
        for service in _SERVICES:
            builder.client(service, **_NOBODY)
        _loader = session.get_component("data_loader")
    except Exception:
        # A function that needs the SDK meets the same error, where it can be reported.
        _loader = None
    _added = set(sys.modules) - before


def settle(folders):
    """Called with the function's variables set. Modules the function brings itself win over what is loaded."""
    if not _added:
        return
    loaded = {name.partition(".")[0] for name in _added}
    for folder in folders:
        try:
            found = {name.partition(".")[0] for name in os.listdir(folder)}
        except OSError:
            continue
        if loaded & found:
            for name in _added:
                sys.modules.pop(name, None)
            return
    if _loader is not None and "AWS_DATA_PATH" not in os.environ:
        import boto3
        import botocore.session

        session = botocore.session.Session()
        session.register_component("data_loader", _loader)
        boto3.setup_default_session(botocore_session=session)
