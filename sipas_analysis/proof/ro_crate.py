"""Write an RO-Crate, so that other tools can read which program made which file from which input.

Profile: Process Run Crate 0.5 on RO-Crate 1.1 (https://w3id.org/ro/wfrun/process/0.5). The crate
has no more facts than the receipt. Its date is that of the wave. The profile recommends the time
of the run, which is left out because two runs must give the same bytes.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote

from sipas_analysis.extras import require_library
from sipas_analysis.files import write_whole
from sipas_analysis.proof.program import Facts
from sipas_analysis.proof.receipt import RECEIPT_NAME

if TYPE_CHECKING:
    from rocrate.model.contextentity import ContextEntity
    from rocrate.rocrate import ROCrate

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


def make_crate(facts: Facts, outputs: str = "", inputs: Mapping[str, str] | None = None) -> str:
    """Return the metadata of a run.

    Args:
        facts: The content of its receipt, with ``outputs``.
        outputs: Folder of the outputs below the crate, with ``/`` at its end.
        inputs: Where each input is below the crate, by its name; without it they are not in the
            crate, and each is named by its content (``ni:`` address, RFC 6920), except those that
            hold answers.

    Returns:
        JSON-LD; the same for the same facts.
    """
    require_library("rocrate")
    from rocrate.rocrate import ROCrate

    crate = _Crate(ROCrate(version="1.1"))
    wave, root = facts["wave"], crate.metadata.root_dataset
    root["name"], root["description"] = wave["title"], f"SIPAS {wave['id']}, {wave['year']}"
    root["datePublished"] = datetime.fromisoformat(wave["day"]).isoformat()
    root["conformsTo"] = crate.add_entity(
        PROFILE, "CreativeWork", name="Process Run Crate", version="0.5"
    )
    root["license"] = crate.add_entity(
        "#rights",
        "CreativeWork",
        name="Rights of the publisher",
        description="Not stated here: ask the publisher.",
    )
    run = _add_run(crate, facts, outputs, inputs or {})
    crate.add_file(outputs + RECEIPT_NAME, RECEIPT_NAME)
    if wave["publisher"]:
        root["publisher"] = run["agent"] = crate.add_entity(
            "#publisher", "Organization", name=wave["publisher"]
        )
    root["mentions"] = run
    return json.dumps(crate.metadata.metadata.generate(), ensure_ascii=False, indent=1) + "\n"


def _add_run(
    crate: "_Crate", facts: Facts, outputs: str, inputs: Mapping[str, str]
) -> "ContextEntity":
    """Add the program and its run, with every file that was read or written."""
    wave, program = facts["wave"], facts["program"]
    tool = crate.add_entity(
        "#sipas_analysis",
        "SoftwareApplication",
        name="sipas_analysis",
        softwareVersion=program["version"],
        identifier=program["sha256"],
    )
    return crate.metadata.add_action(
        tool,
        "#run",
        properties={
            "name": f"sipas run {wave['id']}",
            "description": f"{RECEIPT_NAME} holds every figure, rule, seed and library version.",
        },
        object=[crate.add_input(row, inputs) for row in facts["inputs"]],
        result=[
            crate.add_file(quote(outputs + name), name, sha256=sha)
            for name, sha in sorted(facts["outputs"].items())
            if name != CRATE
        ],
    )


@dataclass(frozen=True)
class _Crate:
    """A crate that is being filled; rocrate has no types."""

    metadata: "ROCrate"

    def add_entity(self, key: str, kind: str, **properties: object) -> "ContextEntity":
        """Add an entity that is not a file."""
        from rocrate.model.contextentity import ContextEntity

        entity = ContextEntity(self.metadata, key, properties={"@type": kind, **properties})
        return self.metadata.add(entity)

    def add_file(self, path: str, name: str, **properties: str) -> "ContextEntity":
        """Add a file, by its path below the crate or its address."""
        media_type = KINDS.get(PurePosixPath(name).suffix)
        more = {"encodingFormat": media_type} if media_type else {}
        entity = self.add_entity(path, "File", name=name, **properties, **more)
        self.metadata.root_dataset.append_to("hasPart", entity)
        return entity

    def add_input(self, row: Facts, paths: Mapping[str, str]) -> "ContextEntity":
        """Add a file that was read, by its path or, outside the crate, by its content.

        One that holds answers has no hash; outside the crate it is no file of it.
        """
        name, sha256 = row["file"], row.get("sha256", "")
        content = {"sha256": sha256, "contentSize": str(row["bytes"])} if sha256 else {}
        if name in paths:
            return self.add_file(quote(paths[name]), name, **content)
        if not sha256:
            return self.add_entity(f"#{quote(name)}", "CreativeWork", name=name)
        digest = urlsafe_b64encode(bytes.fromhex(sha256)).decode().rstrip("=")
        address = f"ni:///sha-256;{digest}?file={quote(name, safe='')}"
        return self.add_file(address, name, **content)


def write_crate(facts: Facts, out: Path) -> Path:
    """Write ``ro-crate-metadata.json`` beside the outputs, whole or not at all; return its path."""
    return write_whole(out / CRATE, make_crate(facts))
