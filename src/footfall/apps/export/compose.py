"""Turns a deployment into a Compose file: servers, services, volumes and networks of one machine.

What a service is told, and what it may do, is said at each of them: no part of the file refers to another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from footfall.apps.export.addresses import KINDS, RABBITMQ, Address, Kind, without_passwords
from footfall.apps.export.deployment import DATA_DIR, EVERYWHERE, STATUS_PORT, USER, Deployment, Part, in_container
from footfall.apps.export.servers import PASSWORD, Server, check, limits, made, told, volume
from footfall.apps.export.text import as_page
from footfall.apps.supervisor.ports import HOST

INSIDE: Final = "inside"
OUTSIDE: Final = "outside"


def compose_page(deployment: Deployment, *, image: str, build: bool) -> str:
    """The file as text."""
    document = compose_document(deployment, image=image, build=build)
    without_passwords(document)
    return as_page(_head(deployment, build=build), [document])


def compose_document(deployment: Deployment, *, image: str, build: bool) -> dict[str, Any]:
    """The file as a document of the Compose specification; with ``build``, the image is made from this directory."""
    servers = {kind: server for kind in KINDS if (server := made(deployment.addresses[kind])) is not None}
    parts = [*deployment.loads, *deployment.parts]
    ours = {
        part.name: _service(part, deployment, servers, image={"image": image, **({"build": "."} if build else {})})
        for part in parts
    }
    kept = [*(server.volume for server in servers.values()), *(_kept(part) for part in parts if part.keeps)]
    return {
        "name": "footfall",
        "services": {**{server.name: _hardened(server.service) for server in servers.values()}, **ours},
        "volumes": {name: {} for name in kept},
        "networks": {INSIDE: {"internal": _closed(deployment)}, OUTSIDE: {}},
    }


def _service(
    part: Part, deployment: Deployment, servers: Mapping[Kind, Server], *, image: Mapping[str, str]
) -> dict[str, Any]:
    """One of our services."""
    mounts = [_file(name, path) for name, path in deployment.files.items() if part.reads(name)]
    data = [volume(_kept(part), str(DATA_DIR))] if part.keeps else []
    scratch = [] if part.keeps else [f"{DATA_DIR}:size=64m,uid={USER},gid={USER},mode=0700"]
    service: dict[str, Any] = {
        **image,
        "command": [argument.replace("$", "$$") for argument in part.arguments],
        "init": True,
        "user": f"{USER}:{USER}",
        "environment": _environment(part, deployment.addresses),
        "read_only": True,
        "tmpfs": ["/tmp:size=64m", *scratch],  # noqa: S108 - in a container
        "depends_on": _before(part, deployment, servers),
    }
    if mounts or data:
        service["volumes"] = [*data, *mounts]
    if part.port is not None:
        service["ports"] = [f"{HOST}:{part.port}:{part.port}"]
    if part.heartbeat is not None:
        service["healthcheck"] = check("CMD", "footfall", "health", part.heartbeat, start_seconds=60)
    service["deploy"] = limits(part.size, replicas=part.replicas)
    if not part.once:
        service["stop_grace_period"] = "30s"
    return _hardened(service, outside=part.port is not None, restart="no" if part.once else "unless-stopped")


def _hardened(service: Mapping[str, Any], *, outside: bool = False, restart: str = "unless-stopped") -> dict[str, Any]:
    """What holds for every container: no rights beyond its own, little log, back after a crash."""
    return {
        **service,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "networks": [INSIDE, OUTSIDE] if outside else [INSIDE],
        "restart": restart,
        "logging": {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}},
    }


def _environment(part: Part, addresses: Mapping[Kind, Address]) -> dict[str, str]:
    known = {kind.variable: told(addresses[kind]) for kind in part.needs if kind in addresses}
    if RABBITMQ in part.needs:
        known[RABBITMQ.variable] = f"${{{RABBITMQ.variable}:-}}"
    at = {} if part.heartbeat is None else {"FOOTFALL_STATUS_AT": f"{EVERYWHERE}:{STATUS_PORT}"}
    return {"FOOTFALL_DATA_DIR": str(DATA_DIR), **known, **at}


def _before(part: Part, deployment: Deployment, servers: Mapping[Kind, Server]) -> dict[str, Any]:
    """What must be there before this part begins."""
    needed = {server.name: {"condition": "service_healthy"} for kind, server in servers.items() if kind in part.needs}
    loads = {} if part.once else {one.name: {"condition": "service_completed_successfully"} for one in deployment.loads}
    return {**needed, **loads}


def _file(name: str, path: Path) -> dict[str, Any]:
    place = path.as_posix() if path.is_absolute() or path.parts[:1] == ("..",) else f"./{path.as_posix()}"
    return {
        "type": "bind",
        "source": place.replace("$", "$$"),
        "target": in_container(name),
        "read_only": True,
        "bind": {"create_host_path": False},
    }


def _kept(part: Part) -> str:
    return f"{part.name}-data"


def _closed(deployment: Deployment) -> bool:
    """Whether the inner network needs no way out: every server is in it."""
    return all(address.inside for address in deployment.addresses.values())


def _head(deployment: Deployment, *, build: bool) -> Sequence[str]:
    wanted = [kind.variable for kind in KINDS if not deployment.addresses[kind].inside]
    made_here = [kind for kind in KINDS if deployment.addresses[kind].inside]
    secrets = [PASSWORD] if any(kind.setting == "warehouse" for kind in made_here) else []
    return [
        "Footfall, its servers and its services on one machine; written by `footfall export compose`.",
        "",
        "Put this file" + (" beside the Dockerfile" if build else "") + " and a file .env beside it, which says",
        *(f"  {name}=…" for name in [*secrets, *wanted]),
        "and nobody else can read (chmod 600 .env). A password has letters and digits only: it is part of an address.",
        "",
        "  docker compose up --detach --wait",
        "",
        f"Shop and collector: http://{HOST}:{deployment.shop_port}",
        f"Dashboard:          http://{HOST}:{deployment.shop_port + 1}",
    ]
