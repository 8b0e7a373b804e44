"""Turns a part into the pod that runs it: one container without any rights, asked for its health over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from footfall.apps.export.addresses import RABBITMQ, Kind
from footfall.apps.export.deployment import DATA_DIR, EVERYWHERE, FILES, STATUS_PORT, USER, Part

NAME: Final = "footfall"
"""Of the Secret, of the ConfigMap, and the beginning of all other names."""
_STATUS: Final = "status"
GRACE_SECONDS: Final = 30


def labels(part: str = "") -> dict[str, str]:
    """What everything of ours, or everything of one part, is found by."""
    return {"app.kubernetes.io/name": NAME, **({"app.kubernetes.io/component": part} if part else {})}


def full_name(part: Part) -> str:
    """What a part's objects are called."""
    return f"{NAME}-{part.name}"


def pod(part: Part, *, image: str, files: Sequence[str], annotations: Mapping[str, str]) -> dict[str, Any]:
    """The template of the part's pods; ``files`` are those of the ConfigMap that it reads."""
    metadata: dict[str, Any] = {"labels": labels(part.name)}
    if files:
        metadata["annotations"] = dict(annotations)
    return {
        "metadata": metadata,
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": GRACE_SECONDS,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": USER,
                "runAsGroup": USER,
                "fsGroup": USER,
                "fsGroupChangePolicy": "OnRootMismatch",
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            **_spread(part),
            "containers": [_container(part, image=image, files=files)],
            "volumes": _volumes(part, files=files),
        },
    }


def _container(part: Part, *, image: str, files: Sequence[str]) -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": part.name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "args": [argument.replace("$(", "$$(") for argument in part.arguments],
        "env": _environment(part),
        "resources": {
            "requests": {"cpu": f"{int(part.size.sure_cpus * 1000)}m", "memory": f"{part.size.memory_mb // 2}Mi"},
            "limits": {"cpu": f"{int(part.size.cpus * 1000)}m", "memory": f"{part.size.memory_mb}Mi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "data", "mountPath": str(DATA_DIR)},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - in a container
            *([{"name": "files", "mountPath": str(FILES), "readOnly": True}] if files else []),
        ],
    }
    if ports := _ports(part):
        container["ports"] = ports
    if part.heartbeat is not None:
        container.update(_probes())
    return container


def _ports(part: Part) -> list[dict[str, Any]]:
    shown = [{"name": "http", "containerPort": part.port}] if part.port is not None else []
    asked = [{"name": _STATUS, "containerPort": STATUS_PORT}] if part.heartbeat is not None else []
    return [*shown, *asked]


def _probes() -> dict[str, Any]:
    """A start may take a minute; who is unwell gets no visitors; only who shows no sign of life is started again."""

    def ask(path: str, *, every: int, times: int) -> dict[str, Any]:
        get = {"path": path, "port": _STATUS}
        return {"httpGet": get, "periodSeconds": every, "timeoutSeconds": 3, "failureThreshold": times}

    return {
        "startupProbe": ask("/alive", every=2, times=30),
        "readinessProbe": ask("/health", every=5, times=3),
        "livenessProbe": ask("/alive", every=10, times=6),
    }


def _environment(part: Part) -> list[dict[str, Any]]:
    known: list[dict[str, Any]] = [{"name": "FOOTFALL_DATA_DIR", "value": str(DATA_DIR)}]
    known += [_secret(kind) for kind in part.needs]
    if part.heartbeat is not None:
        known.append({"name": "FOOTFALL_STATUS_AT", "value": f"{EVERYWHERE}:{STATUS_PORT}"})
    return known


def _secret(kind: Kind) -> dict[str, Any]:
    """Where an address is found: it may hold a password. Without those that are needed, a pod does not start."""
    reference: dict[str, Any] = {"name": NAME, "key": kind.setting}
    if kind is RABBITMQ:
        reference["optional"] = True
    return {"name": kind.variable, "valueFrom": {"secretKeyRef": reference}}


def _spread(part: Part) -> dict[str, Any]:
    """Replicas go to different machines where that is possible."""
    if part.alone:
        return {}
    return {
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": labels(part.name)},
            }
        ]
    }


def _volumes(part: Part, *, files: Sequence[str]) -> list[dict[str, Any]]:
    scratch: dict[str, Any] = {"emptyDir": {"sizeLimit": "256Mi"}}
    data = {"persistentVolumeClaim": {"claimName": full_name(part)}} if part.keeps else scratch
    return [
        {"name": "data", **data},
        {"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}},
        *([{"name": "files", "configMap": {"name": NAME}}] if files else []),
    ]
