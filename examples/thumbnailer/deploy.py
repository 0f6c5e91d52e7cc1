"""Deploys the thumbnailer: `python3 deploy.py BUCKET`. Endpoint, region and keys come from the environment."""

import argparse
import io
import json
import zipfile
from pathlib import Path

import boto3

HERE = Path(__file__).parent
FUNCTION = "thumbnailer"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


def package(modules):
    """The function with the npm packages it needs, as a deployment package."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(HERE / "index.mjs", "index.mjs")
        for name in ["sharp", "@img", "detect-libc", "semver"]:
            for path in (modules / name).rglob("*"):
                if path.is_file():
                    archive.write(path, Path("node_modules") / path.relative_to(modules))
    return buffer.getvalue()


def deploy(session, bucket, modules):
    iam, functions, s3 = session.client("iam"), session.client("lambda"), session.client("s3")
    s3.create_bucket(Bucket=bucket)
    role = iam.create_role(RoleName=FUNCTION, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    access = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["s3:GetObject", "s3:PutObject"],
                "Resource": f"arn:aws:s3:::{bucket}/*",
            }
        ],
    }
    iam.put_role_policy(RoleName=FUNCTION, PolicyName="pictures", PolicyDocument=json.dumps(access))
    function = functions.create_function(
        FunctionName=FUNCTION,
        Runtime="nodejs20.x",
        Handler="index.handler",
        Role=role,
        MemorySize=512,
        Timeout=30,
        Code={"ZipFile": package(modules)},
    )["FunctionArn"]
    functions.get_waiter("function_active_v2").wait(FunctionName=FUNCTION)
    functions.add_permission(
        FunctionName=FUNCTION,
        StatementId="uploads",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceArn=f"arn:aws:s3:::{bucket}",
    )
    rule = {
        "LambdaFunctionArn": function,
        "Events": ["s3:ObjectCreated:*"],
        "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "pictures/"}]}},
    }
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"LambdaFunctionConfigurations": [rule]}
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bucket")
    parser.add_argument("--modules", type=Path, default=HERE / "node_modules", help="where npm installed")
    arguments = parser.parse_args()
    deploy(boto3.Session(), arguments.bucket, arguments.modules)
    print(f"Upload pictures to s3://{arguments.bucket}/pictures/")
