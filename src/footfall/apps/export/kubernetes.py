"""Turns a deployment into manifests for Kubernetes: all services, and nothing that keeps data but a key.

Kafka, Redis and PostgreSQL are expected to be there; their addresses are in a Secret that is never written here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from footfall.apps.export.addresses import KINDS, without_passwords
from footfall.apps.export.deployment import Deployment, Part
from footfall.apps.export.pods import NAME, full_name, labels, pod
from footfall.apps.export.text import as_page, as_yaml
from footfall.core.errors import UsageError

REPLAY: Final = "replay"
MANAGED: Final = {"app.kubernetes.io/managed-by": "footfall-export"}
_CONFIG_LIMIT: Final = 1_000_000
"""A ConfigMap holds 1 MiB, names and all."""
_BUSY_PERCENT: Final = 70
_CALM_SECONDS: Final = 300
"""So long it must be quiet before a worker goes: each that comes or goes makes all others pause for a moment."""


def kubernetes_page(deployment: Deployment, *, image: str, namespace: str | None) -> str:
    """The manifests as text."""
    documents = kubernetes_documents(deployment, image=image, namespace=namespace)
    without_passwords(documents)
    return as_page(_head(deployment, namespace=namespace), documents)


def kubernetes_documents(deployment: Deployment, *, image: str, namespace: str | None) -> list[dict[str, Any]]:
    """The manifests, in the order in which they are best applied."""
    parts = [part for part in deployment.parts if part.name != REPLAY]
    config = _config(deployment, parts)
    found = [*_config_map(config)]
    for part in parts:
        files = [name for name in config if part.reads(name)]
        found += [*_claim(part), _deployment(part, image=image, files=files, config=config), *_service(part)]
        if part.name == "worker":
            found += [_budget(part), _scaler(part, most=max(part.replicas, deployment.partitions))]
    return [_placed(one, namespace) for one in found]


def _placed(document: dict[str, Any], namespace: str | None) -> dict[str, Any]:
    if namespace is not None:
        document["metadata"]["namespace"] = namespace
    return document


def _metadata(name: str, part: str = "") -> dict[str, Any]:
    return {"name": name, "labels": {**labels(part), **MANAGED}}


def _config(deployment: Deployment, parts: Sequence[Part]) -> dict[str, str]:
    """The files that parts read, as text. Of the settings only what services read themselves: no address."""
    found: dict[str, str] = {}
    for name, path in deployment.files.items():
        if not any(part.reads(name) for part in parts):
            continue
        try:
            own = name == "footfall.yaml"
            found[name] = as_yaml(deployment.sections) if own else path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{path} cannot be read as text: {error}.") from error
    if sum(len(text.encode()) for text in found.values()) > _CONFIG_LIMIT:
        raise UsageError(
            f"{', '.join(found)} are more than a ConfigMap can hold (1 MB).",
            remedy="Put large files into an image of your own, and name it with --image.",
        )
    return found


def _config_map(config: Mapping[str, str]) -> list[dict[str, Any]]:
    if not config:
        return []
    return [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": _metadata(NAME), "data": dict(config)}]


def _deployment(part: Part, *, image: str, files: Sequence[str], config: Mapping[str, str]) -> dict[str, Any]:
    read = "\0".join(config[name] for name in files)
    # Other files, other pods: a ConfigMap's change alone starts nothing anew.
    annotations = {"footfall/files": hashlib.sha256(read.encode()).hexdigest()[:16]}
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(full_name(part), part.name),
        "spec": {
            "replicas": part.replicas,
            "revisionHistoryLimit": 3,
            "selector": {"matchLabels": labels(part.name)},
            "strategy": {"type": "Recreate"} if part.alone else rolling,
            "template": pod(part, image=image, files=files, annotations=annotations),
        },
    }


def _service(part: Part) -> list[dict[str, Any]]:
    if part.port is None:
        return []
    spec = {
        "type": "ClusterIP",
        "selector": labels(part.name),
        "ports": [{"name": "http", "port": part.port, "targetPort": "http"}],
    }
    return [{"apiVersion": "v1", "kind": "Service", "metadata": _metadata(full_name(part), part.name), "spec": spec}]


def _claim(part: Part) -> list[dict[str, Any]]:
    """Room for what must outlive the pod: the key that signs visitors' cookies."""
    if not part.keeps:
        return []
    return [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": _metadata(full_name(part), part.name),
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        }
    ]


def _budget(part: Part) -> dict[str, Any]:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": _metadata(full_name(part), part.name),
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": labels(part.name)}},
    }


def _scaler(part: Part, *, most: int) -> dict[str, Any]:
    """As many workers as the processors need; more than partitions would have nothing to do."""
    target = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": _BUSY_PERCENT}}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": _metadata(full_name(part), part.name),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": full_name(part)},
            "minReplicas": part.replicas,
            "maxReplicas": most,
            "metrics": [{"type": "Resource", "resource": target}],
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": _CALM_SECONDS}},
        },
    }


def _replays(deployment: Deployment) -> bool:
    return any(part.name == REPLAY for part in deployment.parts)


def _head(deployment: Deployment, *, namespace: str | None) -> list[str]:
    there = f" --namespace {namespace}" if namespace else ""
    left_out = (
        ["The replay of a file is left out: here, clicks come from the collector."] if _replays(deployment) else []
    )
    by_hand = [f"  footfall {' '.join(one.arguments[:2])} FILE" for one in deployment.loads]
    return [
        "Footfall's services for Kubernetes; written by `footfall export kubernetes`.",
        "Kafka, Redis and PostgreSQL are expected to be there. Where, and with which password, says a Secret:",
        "",
        f"  kubectl create secret generic {NAME}{there} \\",
        *(f"    --from-literal={kind.setting}='{deployment.addresses[kind].shown()}' \\" for kind in KINDS[:-1]),
        f"    --from-literal={KINDS[-1].setting}='{deployment.addresses[KINDS[-1]].shown()}'",
        "",
        "Without it no pod starts. A key `rabbitmq` may be added.",
        *left_out,
        *(["Look-up data are not in this file; load them once from a pod:", *by_hand] if by_hand else []),
    ]
