"""Buckets as websites, and pages of other origins that use buckets."""

import json
import os
import subprocess

import pytest

from cloud import refused
from s3_shared import bucket, s3  # noqa: F401

SITE = {
    "IndexDocument": {"Suffix": "index.html"},
    "ErrorDocument": {"Key": "error.html"},
}


@pytest.fixture
def site(account, s3, bucket):  # noqa: F811
    pages = {"index.html": "home", "docs/index.html": "docs", "error.html": "not here", "a b.html": "spaced"}
    for key, text in pages.items():
        s3.put_object(Bucket=bucket, Key=key, Body=text.encode(), ContentType="text/html")
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=SITE)

    def visit(path, method="GET", **options):
        port = account.cloud.address.split(":")[1]
        host = f"{bucket}.s3-website.localhost.localstack.cloud:{port}"
        return account.cloud.http(method, path, host=host, **options)

    visit.bucket = bucket
    return visit


def test_index_documents_and_redirects_to_folders(site):
    assert (site("/").status, site("/").data) == (200, b"home")
    assert site("/").headers["content-type"] == "text/html"
    assert site("/docs/").data == b"docs"
    moved = site("/docs")
    assert (moved.status, moved.headers["location"]) == (302, "/docs/")
    assert site("/a%20b.html").data == b"spaced"


def test_error_documents(s3, site):  # noqa: F811
    missing = site("/nothing")
    assert (missing.status, missing.data) == (404, b"not here")
    assert missing.headers["content-type"] == "text/html"
    s3.delete_object(Bucket=site.bucket, Key="error.html")
    page = site("/<nothing>")
    assert page.status == 404 and page.headers["x-amz-error-code"] == "NoSuchKey"
    text = page.data.decode()
    assert "<h1>404 Not Found</h1>" in text and "<li>Code: NoSuchKey</li>" in text
    assert "<li>Key: &lt;nothing&gt;</li>" in text
    assert "An Error Occurred While Attempting to Retrieve a Custom Error Document" in text
    assert "<li>Key: error.html</li>" in text


def test_methods_and_conditions(site):
    head = site("/", "HEAD")
    assert (head.status, head.data) == (200, b"")
    etag = head.headers["etag"]
    assert site("/", headers={"If-None-Match": etag}).status == 304
    part = site("/", headers={"Range": "bytes=1-2"})
    assert (part.status, part.data, part.headers["content-range"]) == (206, b"om", "bytes 1-2/4")
    refused_page = site("/", "POST", body=b"x")
    assert refused_page.status == 405
    assert "<li>Code: MethodNotAllowed</li>" in refused_page.data.decode()


def test_what_is_no_website_says_so(account, bucket):  # noqa: F811
    for name, code in [(bucket, "NoSuchWebsiteConfiguration"), ("no-such-bucket-here", "NoSuchBucket")]:
        page = account.cloud.http("GET", "/", host=f"{name}.s3-website-us-east-1.amazonaws.com")
        assert page.status == 404
        assert f"<li>Code: {code}</li>" in page.data.decode()
        assert f"<li>BucketName: {name}</li>" in page.data.decode()


def test_the_path_form_of_a_website(account, site):
    base = f"/_aws/s3-website/{site.bucket}"
    assert account.cloud.http("GET", f"{base}/").data == b"home"
    assert account.cloud.http("GET", base).data == b"home"
    assert account.cloud.http("GET", f"{base}/docs").headers["location"] == f"{base}/docs/"


def test_routing_rules(s3, site):  # noqa: F811
    rules = [
        {
            "Condition": {"KeyPrefixEquals": "old/"},
            "Redirect": {"ReplaceKeyPrefixWith": "docs/", "HttpRedirectCode": "302"},
        },
        {
            "Condition": {"KeyPrefixEquals": "images/", "HttpErrorCodeReturnedEquals": "404"},
            "Redirect": {
                "HostName": "resize.example.com",
                "Protocol": "https",
                "HttpRedirectCode": "307",
                "ReplaceKeyPrefixWith": "prod/resize?key=",
            },
        },
    ]
    s3.put_bucket_website(Bucket=site.bucket, WebsiteConfiguration=SITE | {"RoutingRules": rules})
    moved = site("/old/page.html")
    assert moved.status == 302
    assert moved.headers["location"].startswith(f"http://{site.bucket}.s3-website.")
    assert moved.headers["location"].endswith("/docs/page.html")
    made = site("/images/200x200/cat.png")
    assert made.status == 307
    assert made.headers["location"] == "https://resize.example.com/prod/resize?key=200x200/cat.png"
    assert site("/elsewhere").status == 404
    s3.put_object(Bucket=site.bucket, Key="images/200x200/cat.png", Body=b"png")
    assert site("/images/200x200/cat.png").data == b"png"


def test_everything_elsewhere(s3, site):  # noqa: F811
    there = {"RedirectAllRequestsTo": {"HostName": "example.com", "Protocol": "https"}}
    s3.put_bucket_website(Bucket=site.bucket, WebsiteConfiguration=there)
    moved = site("/a/b?x=1")
    assert (moved.status, moved.headers["location"]) == (301, "https://example.com/a/b?x=1")


def test_objects_that_are_elsewhere(s3, site):  # noqa: F811
    s3.put_object(Bucket=site.bucket, Key="go", Body=b"", WebsiteRedirectLocation="/docs/")
    moved = site("/go")
    assert (moved.status, moved.headers["location"]) == (301, "/docs/")
    assert s3.get_object(Bucket=site.bucket, Key="go")["WebsiteRedirectLocation"] == "/docs/"


def test_the_aws_cli_makes_a_website(account, s3, bucket):  # noqa: F811
    environment = os.environ | {
        "AWS_ENDPOINT_URL": account.cloud.endpoint,
        "AWS_ACCESS_KEY_ID": account.id,
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    aws = os.environ["CLOUDLING_TEST_AWS_CLI"]
    words = ("s3", "website", f"s3://{bucket}/", "--index-document", "i.html", "--error-document", "e.html")
    done = subprocess.run([aws, *words], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = s3.get_bucket_website(Bucket=bucket)
    assert found["IndexDocument"] == {"Suffix": "i.html"} and found["ErrorDocument"] == {"Key": "e.html"}
    words = ("s3api", "get-bucket-website", "--bucket", bucket)
    done = subprocess.run([aws, *words], env=environment, capture_output=True, text=True)
    assert json.loads(done.stdout)["IndexDocument"] == {"Suffix": "i.html"}


ORIGIN = "https://app.example.com"
RULES = {
    "CORSRules": [
        {
            "AllowedMethods": ["PUT", "GET"],
            "AllowedOrigins": [ORIGIN],
            "AllowedHeaders": ["content-type", "x-amz-*"],
            "ExposeHeaders": ["ETag"],
            "MaxAgeSeconds": 600,
        }
    ]
}


def test_browsers_are_told_the_rules_of_a_bucket(account, s3, bucket):  # noqa: F811
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration=RULES)
    s3.put_object(Bucket=bucket, Key="a", Body=b"a")

    def ask(origin, method, headers=""):
        asked = {"Origin": origin, "Access-Control-Request-Method": method}
        if headers:
            asked["Access-Control-Request-Headers"] = headers
        return account.cloud.http("OPTIONS", f"/{bucket}/a", headers=asked)

    told = ask(ORIGIN, "PUT", "Content-Type, x-amz-date")
    assert told.status == 200
    assert told.headers["access-control-allow-origin"] == ORIGIN
    assert told.headers["access-control-allow-methods"] == "PUT, GET"
    assert told.headers["access-control-allow-headers"] == "content-type, x-amz-date"
    assert told.headers["access-control-max-age"] == "600"
    for asked in [ask("https://evil.example.com", "PUT"), ask(ORIGIN, "DELETE"), ask(ORIGIN, "PUT", "x-other")]:
        assert asked.status == 403
        assert b"<Code>AccessForbidden</Code>" in asked.data
        assert "access-control-allow-origin" not in asked.headers
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a"})
    path = url.removeprefix(account.cloud.endpoint)
    read = account.cloud.http("GET", path, headers={"Origin": ORIGIN})
    assert (read.status, read.data) == (200, b"a")
    assert read.headers["access-control-allow-origin"] == ORIGIN
    assert read.headers["access-control-expose-headers"] == "ETag"


def test_redirect_locations_have_a_form(s3, bucket):  # noqa: F811
    with refused("InvalidRedirectLocation", 400, "must have a prefix"):
        s3.put_object(Bucket=bucket, Key="go", Body=b"", WebsiteRedirectLocation="elsewhere")
