"""Layers: published in versions, mounted below /opt in the order of the function's list."""

import urllib3

from cloud import refused, sha256_base64, zip_of

LISTS_OPT = "const fs = require('fs'); exports.handler = async () => fs.readFileSync('/opt/which.txt', 'utf8') + ' ' + fs.readdirSync('/opt').sort();"


def layer(account, name, files, **settings):
    content = zip_of(files)
    return content, account.functions.publish_layer_version(
        LayerName=name, Content={"ZipFile": content}, **settings
    )


def test_layer_life(account):
    functions = account.functions
    content, first = layer(
        account,
        "tools",
        {"which.txt": "first"},
        Description="handy",
        CompatibleRuntimes=["nodejs20.x", "python3.12"],
        LicenseInfo="MIT",
    )
    arn = f"arn:aws:lambda:us-east-1:{account.id}:layer:tools"
    assert (first["LayerArn"], first["LayerVersionArn"], first["Version"]) == (arn, f"{arn}:1", 1)
    assert first["Content"]["CodeSha256"] == sha256_base64(content) and first["Content"]["CodeSize"] == len(
        content
    )
    assert (first["Description"], first["LicenseInfo"]) == ("handy", "MIT")
    assert first["CompatibleRuntimes"] == ["nodejs20.x", "python3.12"]
    _, second = layer(account, "tools", {"which.txt": "second"}, CompatibleRuntimes=["python3.12"])
    assert second["Version"] == 2

    read = functions.get_layer_version(LayerName="tools", VersionNumber=1)
    assert urllib3.request("GET", read["Content"]["Location"]).data == content
    assert functions.get_layer_version_by_arn(Arn=f"{arn}:2")["Version"] == 2
    versions = functions.list_layer_versions(LayerName="tools")["LayerVersions"]
    assert [version["Version"] for version in versions] == [2, 1]
    listed = functions.list_layers()["Layers"]
    assert [(entry["LayerName"], entry["LatestMatchingVersion"]["Version"]) for entry in listed] == [
        ("tools", 2)
    ]
    matching = functions.list_layers(CompatibleRuntime="nodejs20.x")["Layers"]
    assert [entry["LatestMatchingVersion"]["Version"] for entry in matching] == [1]

    functions.delete_layer_version(LayerName="tools", VersionNumber=1)
    functions.delete_layer_version(LayerName="tools", VersionNumber=1)
    with refused("ResourceNotFoundException", 404):
        functions.get_layer_version(LayerName="tools", VersionNumber=1)
    assert layer(account, "tools", {"which.txt": "third"})[1]["Version"] == 3


def test_layers_are_listed_in_pages(account):
    for number in range(3):
        layer(account, f"layer-{number}", {"a": "b"})
    pages = list(account.functions.get_paginator("list_layers").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["Layers"]) for page in pages] == [2, 1]


def test_later_layers_win(account):
    _, low = layer(account, "low", {"which.txt": "low", "only-low.txt": ""})
    _, high = layer(account, "high", {"which.txt": "high", "only-high.txt": ""})
    arns = [low["LayerVersionArn"], high["LayerVersionArn"]]
    created = account.node("layered", LISTS_OPT, Layers=arns)
    assert [used["Arn"] for used in created["Layers"]] == arns
    assert all(used["CodeSize"] > 0 for used in created["Layers"])
    assert account.invoke("layered").json() == "high only-high.txt,only-low.txt,which.txt"
    account.functions.update_function_configuration(FunctionName="layered", Layers=arns[::-1])
    account.functions.get_waiter("function_updated_v2").wait(
        FunctionName="layered", WaiterConfig={"Delay": 1}
    )
    assert account.invoke("layered").json() == "low only-high.txt,only-low.txt,which.txt"


def test_a_deleted_layer_version_still_serves_its_functions(account):
    _, used = layer(account, "used", {"which.txt": "still here"})
    account.node("layered", LISTS_OPT, Layers=[used["LayerVersionArn"]])
    account.functions.delete_layer_version(LayerName="used", VersionNumber=1)
    assert account.invoke("layered").json() == "still here which.txt"


def test_packages_in_layers_are_found(account):
    _, node = layer(
        account, "node", {"nodejs/node_modules/from-layer/index.js": "module.exports = 'node package';"}
    )
    account.node(
        "node", "exports.handler = async () => require('from-layer');", Layers=[node["LayerVersionArn"]]
    )
    assert account.invoke("node").json() == "node package"
    _, python = layer(account, "python", {"python/from_layer.py": "VALUE = 'python package'\n"})
    account.python(
        "python",
        "import from_layer\ndef handler(event, context): return from_layer.VALUE\n",
        Layers=[python["LayerVersionArn"]],
    )
    assert account.invoke("python").json() == "python package"


def test_what_is_wrong_with_a_layer_is_said(account):
    arn = f"arn:aws:lambda:us-east-1:{account.id}:layer:absent:1"
    with refused("InvalidParameterValueException", 400, f"Layer version {arn} does not exist"):
        account.node("layered", LISTS_OPT, Layers=[arn])
    with refused("InvalidParameterValueException", 400, "[Uu]nzip"):
        account.functions.publish_layer_version(LayerName="broken", Content={"ZipFile": b"not a zip"})
    _, one = layer(account, "one", {"a": "b"})
    with refused("InvalidParameterValueException", 400):
        account.node("layered", LISTS_OPT, Layers=[one["LayerVersionArn"]] * 6)
    with refused("ResourceNotFoundException", 404):
        account.functions.get_function(FunctionName="layered")
