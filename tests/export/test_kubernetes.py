"""What `footfall export kubernetes` prints: valid manifests that refer to what is there, and no secret."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from footfall.core.errors import UsageError
from tests.export.exporting import (
    EVERYTHING,
    INSIDE,
    NOTHING,
    OUTSIDE,
    SETTINGS,
    documents,
    export,
    prepare,
    understood,
)
from tests.observing import command, environment

Document = dict[str, Any]
LATEST = kubernetes_validate.latest_version()


@pytest.fixture(params=SETTINGS, autouse=True)
def settings(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each test with each of the settings, in a directory of its own, unless it chooses some."""
    text: str = SETTINGS.get(request.param, request.param)
    prepare(tmp_path, text)
    monkeypatch.chdir(tmp_path)
    return text


@pytest.fixture
def page(settings: str) -> str:
    return export("kubernetes", "--namespace", "shop")


@pytest.fixture
def found(page: str) -> list[Document]:
    return documents(page)


def kind(found: list[Document], name: str) -> dict[str, Document]:
    return {one["metadata"]["name"]: one for one in found if one["kind"] == name}


def pods(found: list[Document]) -> dict[str, Document]:
    return {name: one["spec"]["template"] for name, one in kind(found, "Deployment").items()}


def containers(found: list[Document]) -> dict[str, Document]:
    return {name: one["spec"]["containers"][0] for name, one in pods(found).items()}


def test_every_manifest_is_what_kubernetes_allows(found: list[Document]) -> None:
    for one in found:
        kubernetes_validate.validate(one, LATEST, strict=True)


def test_a_field_that_kubernetes_does_not_know_is_noticed(found: list[Document]) -> None:
    found[-1]["spec"]["sort"] = "none"

    with pytest.raises(kubernetes_validate.ValidationError, match="sort"):
        kubernetes_validate.validate(found[-1], LATEST, strict=True)


def test_every_object_has_a_name_of_its_own_and_is_in_the_namespace(found: list[Document]) -> None:
    names = [(one["kind"], one["metadata"]["name"]) for one in found]

    assert len(names) == len(set(names))
    assert {one["metadata"]["namespace"] for one in found} == {"shop"}


def test_every_command_is_one_of_our_command_line(found: list[Document]) -> None:
    verbs = {name: understood(one["args"]) for name, one in containers(found).items()}

    assert set(verbs.values()) >= {"run", "serve", "dashboard", "sink"}


def test_selectors_find_the_pods_that_they_are_for_and_no_other(found: list[Document]) -> None:
    for one in found:
        name = one["metadata"]["name"]
        wanted = {
            "Deployment": lambda spec: spec["selector"]["matchLabels"],
            "Service": lambda spec: spec["selector"],
            "PodDisruptionBudget": lambda spec: spec["selector"]["matchLabels"],
        }.get(one["kind"])
        if wanted is not None:
            labels = wanted(one["spec"]).items()
            assert [pod for pod, each in pods(found).items() if labels <= each["metadata"]["labels"].items()] == [name]


def test_everything_that_is_referred_to_is_there(found: list[Document], page: str) -> None:
    told = set(re.findall(r"--from-literal=(\w+)=", page)) | {"rabbitmq"}
    config = kind(found, "ConfigMap").get("footfall", {"data": {}})["data"]
    for name, pod in pods(found).items():
        (container,) = pod["spec"]["containers"]
        volumes = {one["name"]: one for one in pod["spec"]["volumes"]}
        assert {mount["name"] for mount in container["volumeMounts"]} == set(volumes)
        claims = [
            one["persistentVolumeClaim"]["claimName"] for one in volumes.values() if "persistentVolumeClaim" in one
        ]
        assert set(claims) <= set(kind(found, "PersistentVolumeClaim"))
        files = {Path(one.rpartition("=")[2]).name for one in container["args"] if "/etc/footfall/" in one}
        assert files <= set(config)
        assert ("files" in volumes) is bool(files), name
        secrets = [one["valueFrom"]["secretKeyRef"] for one in container["env"] if "valueFrom" in one]
        assert {one["name"] for one in secrets} == {"footfall"}
        assert {one["key"] for one in secrets} <= told
        ports = {one["name"]: one["containerPort"] for one in container["ports"]}
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert container[probe]["httpGet"]["port"] in ports
        at = {one["name"]: one.get("value") for one in container["env"]}["FOOTFALL_STATUS_AT"]
        assert at == f"0.0.0.0:{ports['status']}"


def test_services_lead_to_the_ports_that_are_listened_on(found: list[Document]) -> None:
    services = kind(found, "Service")

    assert list(services) == ["footfall-web", "footfall-dashboard"]
    for name, one in services.items():
        container = containers(found)[name]
        ports = {each["name"]: each["containerPort"] for each in container["ports"]}
        (port,) = one["spec"]["ports"]
        assert (
            ports[port["targetPort"]] == port["port"] == int(container["args"][container["args"].index("--port") + 1])
        )
        assert one["spec"]["type"] == "ClusterIP", "nothing is open to the world"


def test_no_pod_has_more_rights_than_needed(found: list[Document]) -> None:
    for pod in pods(found).values():
        spec = pod["spec"]
        (container,) = spec["containers"]
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] > 0
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert set(container["resources"]) == {"requests", "limits"}


def test_no_secret_is_written_and_every_address_comes_from_one(found: list[Document], page: str) -> None:
    assert "hunter2" not in page
    assert not kind(found, "Secret")
    for container in containers(found).values():
        for one in container["env"]:
            if one["name"] in {"FOOTFALL_LOG", "FOOTFALL_STORE", "FOOTFALL_WAREHOUSE", "FOOTFALL_RABBITMQ"}:
                assert set(one) == {"name", "valueFrom"}


def test_the_config_map_holds_what_services_read_and_no_address(found: list[Document], settings: str) -> None:
    config = kind(found, "ConfigMap")
    if settings in {NOTHING, OUTSIDE}:
        assert not config
        return
    written = yaml.safe_load(config["footfall"]["data"]["footfall.yaml"])
    given = yaml.safe_load(settings)
    assert written == {name: given[name] for name in ("pipeline", "web") if name in given}


def test_workers_are_scaled_up_to_one_a_partition(found: list[Document], settings: str) -> None:
    given = yaml.safe_load(settings) or {}
    (scaler,) = kind(found, "HorizontalPodAutoscaler").values()
    least, most = given.get("replicas", 1), given.get("pipeline", {}).get("partitions", 2)

    assert scaler["spec"]["scaleTargetRef"] == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": "footfall-worker",
    }
    assert (scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"]) == (least, most)
    assert kind(found, "Deployment")["footfall-worker"]["spec"]["replicas"] == least
    assert "cpu" in containers(found)["footfall-worker"]["resources"]["requests"], "utilization is measured against it"


def test_what_must_be_alone_is_never_two_not_even_for_a_moment(found: list[Document]) -> None:
    for name, one in kind(found, "Deployment").items():
        alone = name in {"footfall-web", "footfall-again"} or name.endswith("-sink")
        assert (one["spec"]["strategy"]["type"] == "Recreate") is alone
        assert one["spec"]["replicas"] == 1 if alone else True


@pytest.mark.parametrize("settings", [EVERYTHING], indirect=True)
def test_a_changed_file_makes_new_pods_of_those_who_read_it(found: list[Document], tmp_path: Path) -> None:
    (tmp_path / "own/shoes.py").write_text("another text\n")

    later = documents(export("kubernetes", "--namespace", "shop"))

    changed = [name for name, pod in pods(found).items() if pod != pods(later)[name]]
    assert changed == ["footfall-shoes"]


@pytest.mark.parametrize("settings", [EVERYTHING], indirect=True)
def test_what_stays_behind_is_said(page: str, found: list[Document]) -> None:
    assert "# The replay of a file is left out" in page
    assert "#   footfall load products FILE" in page
    assert "footfall-replay" not in kind(found, "Deployment")


@pytest.mark.parametrize("settings", [INSIDE], indirect=True)
def test_the_command_for_the_secret_has_the_addresses_of_the_settings(page: str) -> None:
    assert "#   kubectl create secret generic footfall --namespace shop \\" in page
    assert "--from-literal=log='kafka://broker:9092?format=avro&registry=http://registry:8081'" in page
    assert "--from-literal=warehouse='postgresql://shop:PASSWORD@database:5433/clicks'" in page


@pytest.mark.parametrize("settings", [EVERYTHING], indirect=True)
def test_it_is_the_same_each_time_in_whatever_process(page: str) -> None:
    for seed in ("1", "2"):
        done = subprocess.run(
            command("export", "kubernetes", "--namespace", "shop"),
            env={**environment(), "PYTHONHASHSEED": seed, "FOOTFALL_WAREHOUSE": "postgresql://me:hunter2@here/x"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == page


@pytest.mark.parametrize("settings", [NOTHING], indirect=True)
def test_without_a_namespace_kubectl_decides() -> None:
    found = documents(export("kubernetes", "--image", "example.com/footfall:7", "--replicas", "2"))

    assert not any("namespace" in one["metadata"] for one in found)
    assert {one["image"] for one in containers(found).values()} == {"example.com/footfall:7"}
    assert kind(found, "Deployment")["footfall-worker"]["spec"]["replicas"] == 2


@pytest.mark.parametrize("settings", [EVERYTHING], indirect=True)
def test_more_files_than_a_config_map_can_hold_are_refused(tmp_path: Path) -> None:
    (tmp_path / "own/shoes.py").write_text("#" * 1_000_000)

    with pytest.raises(UsageError, match="more than a ConfigMap can hold"):
        export("kubernetes")


@pytest.mark.parametrize("settings", ["log: sqlite.db\n"], indirect=True)
def test_files_of_one_machine_are_no_log_for_pods() -> None:
    with pytest.raises(UsageError, match="log: this is not the address of a server that containers could share"):
        export("kubernetes")


def test_nothing_of_this_machine_is_in_it(page: str, tmp_path: Path) -> None:
    assert str(tmp_path) not in page
    assert sys.prefix not in page
