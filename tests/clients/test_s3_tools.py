"""What people use S3 with besides SDKs: the AWS CLI, rclone, s3cmd, and the Python packages minio and s3fs."""

import hashlib
import io
import os
import subprocess
import textwrap

import pytest
import urllib3

from cloud import ENVIRONMENT, REGION
from s3_shared import body, bucket, keys, name, s3  # noqa: F401

CLI = os.environ["CLOUDLING_TEST_AWS_CLI"]
S3FS_PYTHON = ENVIRONMENT / "venv-s3fs/bin/python"
MEBIBYTE = 1024 * 1024


@pytest.fixture
def run(account, tmp_path):
    """Runs a program as the account; answers what it prints."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_ENDPOINT_URL": account.cloud.endpoint,
        "AWS_ACCESS_KEY_ID": account.id,
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_PAGER": "",
    }

    def run(*words, fails=False, **more):
        done = subprocess.run(
            [str(word) for word in words],
            env=environment | more,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stderr if fails else done.stdout

    run.folder, run.account = tmp_path, account
    return run


@pytest.fixture
def tree(tmp_path):
    """A folder with a few files, one of them large enough to be uploaded in parts."""
    folder = tmp_path / "tree"
    for path, content in {
        "a.txt": b"a",
        "sub folder/b+c.txt": b"bb",
        "sub folder/deep/ü.bin": os.urandom(100_000),
        "large.bin": os.urandom(9 * MEBIBYTE),
    }.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return folder


def contents(folder):
    return {
        str(path.relative_to(folder)): hashlib.md5(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_aws_cli(run, tree, s3):
    made = name()
    run(CLI, "s3", "mb", f"s3://{made}")
    run(CLI, "s3", "sync", tree, f"s3://{made}/tree")
    assert len(keys(s3.list_objects_v2(Bucket=made))) == 4
    assert run(CLI, "s3", "sync", tree, f"s3://{made}/tree") == ""
    run(CLI, "s3", "sync", f"s3://{made}/tree", "back")
    assert contents(run.folder / "back") == contents(tree)
    (tree / "a.txt").unlink()
    assert "delete" in run(CLI, "s3", "sync", "--delete", tree, f"s3://{made}/tree")
    run(CLI, "s3", "mv", f"s3://{made}/tree/large.bin", f"s3://{made}/moved.bin")
    run(CLI, "s3", "cp", f"s3://{made}/moved.bin", "one.bin")
    assert (run.folder / "one.bin").read_bytes() == (tree / "large.bin").read_bytes()
    listed = run(CLI, "s3", "ls", f"s3://{made}/")
    assert "moved.bin" in listed and "PRE tree/" in listed
    url = run(CLI, "s3", "presign", f"s3://{made}/moved.bin").strip()
    assert urllib3.request("GET", url).data == (tree / "large.bin").read_bytes()
    assert "BucketNotEmpty" in run(CLI, "s3", "rb", f"s3://{made}", fails=True)
    run(CLI, "s3", "rm", "--recursive", f"s3://{made}/tree")
    run(CLI, "s3", "rb", "--force", f"s3://{made}")
    assert made not in run(CLI, "s3", "ls")


def test_the_aws_cli_s3api(run, bucket):
    (run.folder / "f").write_text("hello")
    told = run(CLI, "s3api", "put-object", "--bucket", bucket, "--key", "k", "--body", "f")
    assert hashlib.md5(b"hello").hexdigest() in told
    run(CLI, "s3api", "get-object", "--bucket", bucket, "--key", "k", "--range", "bytes=1-3", "out")
    assert (run.folder / "out").read_text() == "ell"
    versioning = "Status=Enabled"
    run(CLI, "s3api", "put-bucket-versioning", "--bucket", bucket, "--versioning-configuration", versioning)
    assert "Enabled" in run(CLI, "s3api", "get-bucket-versioning", "--bucket", bucket)
    assert "NoSuchKey" in run(CLI, "s3api", "get-object", "--bucket", bucket, "--key", "no", "out", fails=True)


def test_rclone(run, tree):
    made = name()
    remote = (
        f":s3,provider=Other,access_key_id={run.account.id},secret_access_key=secret,region={REGION},"
        f"endpoint='{run.account.cloud.endpoint}',chunk_size=5Mi,upload_cutoff=5Mi:"
    )
    run("rclone", "mkdir", f"{remote}{made}")
    run("rclone", "sync", tree, f"{remote}{made}/tree")
    run("rclone", "check", tree, f"{remote}{made}/tree")
    listed = run("rclone", "lsf", "--recursive", f"{remote}{made}")
    assert "tree/sub folder/deep/ü.bin" in listed
    run("rclone", "copy", f"{remote}{made}/tree", "back")
    assert contents(run.folder / "back") == contents(tree)
    run("rclone", "moveto", f"{remote}{made}/tree/large.bin", f"{remote}{made}/moved.bin")
    assert run("rclone", "cat", "--count", "1", f"{remote}{made}/tree/a.txt") == "a"
    run("rclone", "purge", f"{remote}{made}")
    assert made not in run("rclone", "lsd", remote)


def test_s3cmd(run, tree):
    made, host = name(), run.account.cloud.address
    (run.folder / ".s3cfg").write_text(
        f"[default]\naccess_key = {run.account.id}\nsecret_key = secret\nhost_base = {host}\n"
        f"host_bucket = {host}/%(bucket)\nuse_https = False\nbucket_location = {REGION}\n"
    )

    def s3cmd(*words):
        return run("s3cmd", "--no-progress", "--multipart-chunk-size-mb=5", *words)

    s3cmd("mb", f"s3://{made}")
    s3cmd("put", "--recursive", tree, f"s3://{made}/")
    assert f"s3://{made}/tree/large.bin" in s3cmd("ls", "--recursive", f"s3://{made}")
    assert "DIR" in s3cmd("ls", f"s3://{made}/tree/")
    s3cmd("get", f"s3://{made}/tree/large.bin", "large")
    assert (run.folder / "large").read_bytes() == (tree / "large.bin").read_bytes()
    s3cmd("cp", f"s3://{made}/tree/a.txt", f"s3://{made}/copy.txt")
    assert "MD5 sum:   0cc175b9c0f1b6a831c399e269772661" in s3cmd("info", f"s3://{made}/copy.txt")
    s3cmd("del", "--recursive", "--force", f"s3://{made}/")
    s3cmd("rb", f"s3://{made}")


def test_minio(account):
    from minio import Minio
    from minio.commonconfig import ComposeSource, CopySource, Tags
    from minio.deleteobjects import DeleteObject
    from minio.error import S3Error

    client = Minio(account.cloud.address, account.id, "secret", secure=False, region=REGION)
    made, content = name(), os.urandom(11 * MEBIBYTE)
    client.make_bucket(made)
    assert client.bucket_exists(made) and not client.bucket_exists(name())
    client.put_object(made, "small", io.BytesIO(b"small"), 5, metadata={"x-amz-meta-m": "1"})
    client.put_object(made, "d/large", io.BytesIO(content), -1, part_size=5 * MEBIBYTE)
    assert client.stat_object(made, "small").metadata["x-amz-meta-m"] == "1"
    with client.get_object(made, "d/large", offset=5, length=100) as got:
        assert got.read() == content[5:105]
    assert sorted(entry.object_name for entry in client.list_objects(made, recursive=True)) == ["d/large", "small"]
    assert {entry.object_name: entry.is_dir for entry in client.list_objects(made)} == {"d/": True, "small": False}
    client.copy_object(made, "copy", CopySource(made, "small"))
    client.compose_object(made, "composed", [ComposeSource(made, "d/large"), ComposeSource(made, "small")])
    with client.get_object(made, "composed") as got:
        assert got.read() == content + b"small"
    tags = Tags.new_object_tags()
    tags["a"] = "b"
    client.set_object_tags(made, "small", tags)
    assert client.get_object_tags(made, "small") == tags
    assert urllib3.request("GET", client.presigned_get_object(made, "copy")).data == b"small"
    with pytest.raises(S3Error, match="NoSuchKey"):
        client.get_object(made, "absent")
    named = [DeleteObject(key) for key in ("small", "copy", "composed", "d/large")]
    assert list(client.remove_objects(made, named)) == []
    client.remove_bucket(made)


def test_s3fs(run, bucket):
    script = textwrap.dedent(
        f"""
        import os, s3fs
        fs = s3fs.S3FileSystem(endpoint_url=os.environ["AWS_ENDPOINT_URL"])
        content = os.urandom(6 * 1024 * 1024)
        with fs.open("{bucket}/d/large", "wb", block_size=5 * 1024 * 1024) as file:
            file.write(content)
        with fs.open("{bucket}/d/large", "rb") as file:
            file.seek(5 * 1024 * 1024)
            assert file.read(100) == content[5 * 1024 * 1024 :][:100]
        fs.pipe("{bucket}/d/small", b"small")
        assert fs.cat("{bucket}/d/small") == b"small"
        assert sorted(fs.find("{bucket}")) == ["{bucket}/d/large", "{bucket}/d/small"]
        assert fs.info("{bucket}/d/small")["size"] == 5
        fs.mv("{bucket}/d/small", "{bucket}/e/moved")
        assert fs.exists("{bucket}/e/moved") and not fs.exists("{bucket}/d/small")
        fs.rm("{bucket}/d", recursive=True)
        fs.invalidate_cache()
        assert fs.ls("{bucket}") == ["{bucket}/e"]
        """
    )
    run(S3FS_PYTHON, "-c", script)
