"""Deploys the website: `python3 deploy.py BUCKET`. Endpoint, region and keys come from the environment."""

import argparse
import io
import json
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import boto3

HERE = Path(__file__).parent
FUNCTION = "resize-on-the-fly"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


def allow(actions, bucket, **principal):
    statement = {"Effect": "Allow", "Action": actions, "Resource": f"arn:aws:s3:::{bucket}/*"} | principal
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


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


def deploy(session, bucket, website, modules):
    iam, functions, s3 = session.client("iam"), session.client("lambda"), session.client("s3")
    s3.create_bucket(Bucket=bucket)
    # Everybody may look at the pictures.
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=allow("s3:GetObject", bucket, Principal="*"))
    role = iam.create_role(RoleName=FUNCTION, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    access = allow(["s3:GetObject", "s3:PutObject"], bucket)
    iam.put_role_policy(RoleName=FUNCTION, PolicyName="pictures", PolicyDocument=access)
    functions.create_function(
        FunctionName=FUNCTION,
        Runtime="nodejs20.x",
        Handler="index.handler",
        Role=role,
        MemorySize=512,
        Timeout=30,
        Environment={"Variables": {"BUCKET": bucket, "WEBSITE": website}},
        Code={"ZipFile": package(modules)},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=FUNCTION)
    url = functions.create_function_url_config(FunctionName=FUNCTION, AuthType="NONE")["FunctionUrl"]
    functions.add_permission(
        FunctionName=FUNCTION,
        StatementId="everybody",
        Action="lambda:InvokeFunctionUrl",
        Principal="*",
        FunctionUrlAuthType="NONE",
    )
    parts = urlsplit(url)
    rule = {
        "Condition": {"HttpErrorCodeReturnedEquals": "404"},
        "Redirect": {
            "Protocol": parts.scheme,
            "HostName": parts.netloc,
            "HttpRedirectCode": "307",
            "ReplaceKeyPrefixWith": f"{parts.path.strip('/')}?key=",
        },
    }
    s3.put_bucket_website(
        Bucket=bucket,
        WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}, "RoutingRules": [rule]},
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bucket")
    parser.add_argument("--website", help="the website's address, without a slash at its end")
    parser.add_argument("--modules", type=Path, default=HERE / "node_modules", help="where npm installed")
    arguments = parser.parse_args()
    host = f"{arguments.bucket}.s3-website.localhost.localstack.cloud:4566"
    website = arguments.website or f"http://{host}"
    deploy(boto3.Session(), arguments.bucket, website, arguments.modules)
    print(f"Upload pictures to s3://{arguments.bucket}/ and look at {website}/200x100/NAME")
