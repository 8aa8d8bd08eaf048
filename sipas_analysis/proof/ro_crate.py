"""Write an RO-Crate, so that tools of others can read what made which file from which input.

Profile: Process Run Crate 0.5 on RO-Crate 1.1 (https://w3id.org/ro/wfrun/process/0.5). It says no
more than the receipt and knows no clock: its day is that of the wave, and no time of the run is
given, though the profile wishes for one.
"""

import json
import posixpath
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from sipas_analysis.files import write_whole
from sipas_analysis.proof.program import Facts
from sipas_analysis.proof.receipt import RECEIPT_NAME

CRATE = "ro-crate-metadata.json"
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
OFFICE = "application/vnd.openxmlformats-officedocument."
KINDS = {
    ".csv": "text/csv",
    ".html": "text/html",
    ".json": "application/json",
    ".pdf": "application/pdf",
    ".yaml": "application/yaml",
    ".docx": f"{OFFICE}wordprocessingml.document",
    ".xlsx": f"{OFFICE}spreadsheetml.sheet",
}


def make_crate(facts: Facts, outputs: str = "", inputs: str = "") -> str:
    """Return the metadata of a run.

    Args:
        facts: What its receipt says, with ``outputs``.
        outputs: Folder of the outputs below the crate, with ``/`` at its end.
        inputs: Folder of the inputs; if empty they are not in the crate, and each is named by its
            content (``ni:`` address, RFC 6920).

    Returns:
        JSON-LD; the same for the same facts.
    """
    from rocrate.model.contextentity import ContextEntity
    from rocrate.rocrate import ROCrate

    wave, program = facts["wave"], facts["program"]
    made = ROCrate(version="1.1")
    root = made.root_dataset
    made.name, made.description = wave["title"], f"SIPAS {wave['id']}, {wave['year']}"
    made.datePublished = datetime.fromisoformat(wave["day"])

    def known(key: str, kind: str, **more: object) -> Any:
        return made.add(ContextEntity(made, key, properties={"@type": kind, **more}))

    def file(path: str, name: str, **more: str) -> Any:
        kind = KINDS.get(PurePosixPath(name).suffix)
        own = {"@type": "File", "name": name, **more} | ({"encodingFormat": kind} if kind else {})
        entity = made.add(ContextEntity(made, path, properties=own))
        root.append_to("hasPart", entity)
        return entity

    def read(one: Mapping[str, Any]) -> Any:
        digest = urlsafe_b64encode(bytes.fromhex(one["sha256"])).decode().rstrip("=")
        by_content = f"ni:///sha-256;{digest}?file={quote(one['file'], safe='')}"
        path = quote(posixpath.normpath(inputs + one["file"])) if inputs else by_content
        return file(path, one["file"], sha256=one["sha256"], contentSize=str(one["bytes"]))

    root["conformsTo"] = known(PROFILE, "CreativeWork", name="Process Run Crate", version="0.5")
    root["license"] = known(
        "#rights",
        "CreativeWork",
        name="Rights of the publisher",
        description="Not stated here: ask the publisher.",
    )
    tool = known(
        "#sipas_analysis",
        "SoftwareApplication",
        name="sipas_analysis",
        softwareVersion=program["version"],
        identifier=program["sha256"],
    )
    run = made.add_action(
        tool,
        "#run",
        properties={
            "name": f"sipas run {wave['id']}",
            "description": f"{RECEIPT_NAME} holds every figure, rule, seed and library version.",
        },
        object=[read(one) for one in facts["inputs"]],
        result=[
            file(quote(outputs + name), name, sha256=it)
            for name, it in sorted(facts["outputs"].items())
            if name != CRATE
        ],
    )
    file(outputs + RECEIPT_NAME, RECEIPT_NAME)
    if wave["publisher"]:
        root["publisher"] = run["agent"] = known(
            "#publisher", "Organization", name=wave["publisher"]
        )
    root["mentions"] = run
    return json.dumps(made.metadata.generate(), ensure_ascii=False, indent=1) + "\n"


def write_crate(facts: Facts, out: Path) -> Path:
    """Write ``ro-crate-metadata.json`` beside the outputs, whole or not at all; return its path."""
    return write_whole(out / CRATE, make_crate(facts))
