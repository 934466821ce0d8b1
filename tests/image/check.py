#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The image's configuration, and its bill of materials against its files.  check.py ARCHIVE SBOM ROOT"""
import json
import pathlib
import re
import sys
import tarfile

archive, sbom, root = sys.argv[1], json.loads(pathlib.Path(sys.argv[2]).read_text()), pathlib.Path(sys.argv[3])

with tarfile.open(archive) as tar:
    blob = lambda digest: tar.extractfile("./blobs/" + digest.replace(":", "/")).read()
    index = json.load(tar.extractfile("./index.json"))
    manifest = json.loads(blob(index["manifests"][0]["digest"]))
    config = json.loads(blob(manifest["config"]["digest"]))
    assert len(manifest["layers"]) == 1
settings = config["config"]
assert settings["User"] == "65532:65532", settings
assert settings["Entrypoint"] == ["/usr/local/bin/fusewire"] and settings["Cmd"] == ["run"], settings
assert "FUSEWIRE_CONFIG=/etc/fusewire/fusewire.yaml" in settings["Env"], settings
assert set(settings["ExposedPorts"]) == {"8080/tcp", "9902/tcp"}, settings

assert sbom["spdxVersion"] == "SPDX-2.3" and sbom["dataLicense"] == "CC0-1.0"
ids = [package["SPDXID"] for package in sbom["packages"]]
assert len(set(ids)) == len(ids) and all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", one) for one in ids)
for package in sbom["packages"]:
    for key in ("name", "versionInfo", "downloadLocation", "licenseConcluded", "licenseDeclared", "copyrightText"):
        assert package[key], (package["name"], key)
for relation in sbom["relationships"]:
    assert {relation["spdxElementId"], relation["relatedSpdxElement"]} <= {"SPDXRef-DOCUMENT", *ids}
names = {package["name"] for package in sbom["packages"]}
assert {"fusewire", "libc6", "libssl3", "libstdc++6", "ca-certificates", "libboost1.81-dev"} <= names, names
assert all((root / "usr/share/doc" / name / ("LICENSE" if name == "fusewire" else "copyright")).exists() for name in names)
libraries = {path.name for path in root.rglob("*.so.*")}
assert len(names) - 4 <= len(libraries), (names, libraries)
print(f"{len(names)} packages in the bill of materials, {len(libraries)} libraries")
