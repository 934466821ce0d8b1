#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is in the image, as SPDX 2.3 in JSON: the program, each Debian package that a file comes from, and those that are
compiled into the program.

usage: sbom.py DEBIAN BUILT_ON IMAGE VERSION COMPILED_IN…      SOURCE_DATE_EPOCH is its time
"""
import datetime
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

FIELDS = "${binary:Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}\t${Homepage}\n"


def query(debian, *arguments):
    """Asks the dpkg of that Debian: its own program, as this machine may be another one."""
    return subprocess.run(["chroot", debian, "dpkg-query", *arguments], capture_output=True, text=True, check=False).stdout


def owners(image):
    """The packages that the image's files come from: those whose licence has been copied."""
    notices = sorted((image / "usr/share/doc").glob("*/copyright"))
    return [notice.parent.name for notice in notices]


def licences(notice):
    """The short names of a machine-readable debian/copyright; none where it is prose."""
    text = notice.read_text(errors="replace")
    if not text.startswith("Format:"):
        return []
    return sorted(set(re.findall(r"^License:[ \t]*(\S.*?)[ \t]*$", text, re.M)))


def spdx_id(*words):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", "-".join(words))


def debian_package(debian, image, name):
    package, version, architecture, source, source_version, homepage = query(debian, "-W", "-f", FIELDS, name).splitlines()[0].split("\t")
    found = licences(image / "usr/share/doc" / name / "copyright")
    entry = {
        "name": name,
        "SPDXID": spdx_id("Package", name),
        "versionInfo": version,
        "supplier": "Organization: Debian",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "sourceInfo": f"built from Debian's source package {source} {source_version}",
        "licenseComments": f"/usr/share/doc/{name}/copyright" + (": " + ", ".join(found) if found else ""),
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": f"pkg:deb/debian/{package.split(':')[0]}@{version}?arch={architecture}&distro=bookworm".replace("+", "%2B"),
        }],
    }
    if homepage:
        entry["homepage"] = homepage
    return entry


def fusewire(image, version):
    program = (image / "usr/local/bin/fusewire").read_bytes()
    return {
        "name": "fusewire",
        "SPDXID": spdx_id("Package", "fusewire"),
        "versionInfo": version,
        "supplier": "NOASSERTION",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "checksums": [{"algorithm": "SHA256", "checksumValue": hashlib.sha256(program).hexdigest()}],
        "licenseConcluded": "Apache-2.0",
        "licenseDeclared": "Apache-2.0",
        "copyrightText": "NOASSERTION",
        "primaryPackagePurpose": "APPLICATION",
    }


def main():
    debian, built_on, image, version = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]), sys.argv[4]
    compiled_in = sys.argv[5:]
    program = fusewire(image, version)
    libraries = [debian_package(built_on if name in compiled_in else debian, image, name) for name in owners(image) if name != "fusewire"]
    created = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.timezone.utc)
    content = hashlib.sha256(json.dumps([program, libraries], sort_keys=True).encode()).hexdigest()
    relations = [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": program["SPDXID"]}]
    relations += [{"spdxElementId": program["SPDXID"],
                   "relationshipType": "STATIC_LINK" if library["name"] in compiled_in else "DEPENDS_ON",
                   "relatedSpdxElement": library["SPDXID"]} for library in libraries]
    document = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"fusewire-{version}-image",
        "documentNamespace": f"urn:fusewire:sbom:{content}",
        "creationInfo": {"created": created.strftime("%Y-%m-%dT%H:%M:%SZ"), "creators": ["Tool: packaging/image/sbom.py"]},
        "packages": [program, *libraries],
        "relationships": relations,
    }
    json.dump(document, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
