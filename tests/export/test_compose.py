"""What `footfall export compose` prints: what Compose understands, names of what is there, and no secret."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import psycopg.conninfo
import pytest

from footfall.apps.supervisor.display import PlainDisplay
from footfall.apps.supervisor.ports import Ports
from footfall.apps.supervisor.services import arguments_of
from footfall.apps.supervisor.settings import read_settings
from footfall.apps.supervisor.up import services as started
from footfall.core.errors import UsageError
from footfall.engine.sinking import SINKS
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

SCHEMA = json.loads(Path(__file__).with_name("compose.schema.json").read_text())
VARIABLE = re.compile(r"\$\{([A-Z_]+):([?-])([^}]*)\}")
Document = dict[str, Any]


@pytest.fixture(params=SETTINGS, autouse=True)
def settings(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each test with each of the settings, in a directory of its own, unless it chooses some."""
    text: str = SETTINGS.get(request.param, request.param)
    prepare(tmp_path, text)
    monkeypatch.chdir(tmp_path)
    return text


@pytest.fixture
def page(settings: str) -> str:
    return export("compose")


@pytest.fixture
def document(page: str) -> Document:
    (found,) = documents(page)
    return found


def ours(document: Document) -> Document:
    return {name: one for name, one in document["services"].items() if one["image"].startswith("footfall:")}


def texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for one in value.values() for text in texts(one)]
    if isinstance(value, list):
        return [text for one in value for text in texts(one)]
    return [value] if isinstance(value, str) else []


def without_places(arguments: Sequence[str]) -> list[str]:
    """The command line less what differs from place to place; of files, the names."""
    places = {"--data-dir", "--settings", "--patterns", "--port", "--host", "--dashboard"}
    told = dict(pairwise(arguments))
    left_out = places | {told[one] for one in places if one in told}
    return [Path(one).name for one in arguments if one not in left_out]


def filled(text: str, **variables: str) -> str:
    """The text as Compose sees it, with these variables in `.env`."""
    return VARIABLE.sub(lambda found: variables.get(found[1], found[3] if found[2] == "-" else ""), text).replace(
        "$$", "$"
    )


def test_it_is_what_the_schema_of_compose_allows(document: Document) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(document)


def test_the_schema_refuses_what_compose_does_not_know(document: Document) -> None:
    document["services"]["worker"]["restarts"] = "always"

    with pytest.raises(jsonschema.ValidationError, match="'restarts' was unexpected"):
        jsonschema.Draft202012Validator(SCHEMA).validate(document)


def test_every_command_is_one_of_our_command_line(document: Document) -> None:
    for name, service in ours(document).items():
        verb = understood([filled(one) for one in service["command"]])
        assert verb in {"run", "serve", "dashboard", "sink", "replay", "load"}, name
        if "healthcheck" in service:
            program, *arguments = service["healthcheck"]["test"][1:]
            assert (program, understood(arguments)) == ("footfall", "health")


def test_an_option_that_the_command_line_does_not_know_is_noticed(document: Document) -> None:
    with pytest.raises(Exception, match="No such option"):
        understood([*document["services"]["worker"]["command"], "--unknown"])


def test_everything_that_is_referred_to_is_there(document: Document) -> None:
    services, volumes, networks = document["services"], document["volumes"], document["networks"]
    mounts = [(name, mount) for name, one in services.items() for mount in one.get("volumes", ())]

    assert {network for one in services.values() for network in one["networks"]} == set(networks)
    assert {needed for one in services.values() for needed in one.get("depends_on", ())} <= set(services)
    assert {mount["source"] for _, mount in mounts if mount["type"] == "volume"} == set(volumes)
    assert [mount for _, mount in mounts if mount["type"] == "bind" and not Path(mount["source"]).is_file()] == []
    for name, one in ours(document).items():
        named = {text.rpartition("=")[2] for text in one["command"] if "/etc/footfall/" in text}
        assert named == {mount["target"] for other, mount in mounts if other == name and mount["type"] == "bind"}


def test_who_is_waited_for_can_say_that_it_is_ready(document: Document) -> None:
    for one in document["services"].values():
        for needed, how in one.get("depends_on", {}).items():
            other = document["services"][needed]
            assert "healthcheck" in other if how["condition"] == "service_healthy" else other["restart"] == "no"


def test_it_is_the_list_that_up_starts(document: Document, settings: str) -> None:
    given = read_settings(None, data=Path("clicks.tsv"))
    given = given.model_copy(update={"warehouse": "postgresql://here/x", "products": None, "users": None})
    given.data_dir.mkdir()
    up = {one.name: one for one in started(given, Ports(1, 2, 3), PlainDisplay(), ())}
    if settings != EVERYTHING:
        del up["replay"]  # the demo's clicks stay at home

    exported = {name: one for name, one in ours(document).items() if not name.startswith("load-")}

    assert list(exported) == list(up)
    for name, one in exported.items():
        assert without_places(one["command"]) == without_places(arguments_of(up[name])), name
        assert one["deploy"]["replicas"] == up[name].replicas


def test_every_sink_that_there_is_fills_its_table(document: Document) -> None:
    filled_by = [one["command"][1] for one in ours(document).values() if one["command"][0] == "sink"]

    assert filled_by == list(SINKS)


def test_only_shop_and_dashboard_can_be_reached_and_from_this_machine_only(document: Document) -> None:
    published = {name: one["ports"] for name, one in document["services"].items() if "ports" in one}
    port = int(published["web"][0].split(":")[1])

    assert published == {
        "web": [f"127.0.0.1:{port}:{port}"],
        "dashboard": [f"127.0.0.1:{port + 1}:{port + 1}"],
    }
    for name, at in (("web", port), ("dashboard", port + 1)):
        command = document["services"][name]["command"]
        assert command[command.index("--port") + 1] == str(at)
        assert command[command.index("--host") + 1] == "0.0.0.0"  # noqa: S104 - in the container
    inner = [one for name, one in document["services"].items() if name not in published]
    assert all(one["networks"] == ["inside"] for one in inner)


def test_nobody_has_more_rights_than_needed(document: Document) -> None:
    for name, one in document["services"].items():
        writable = name in {"kafka", "broker"}  # its start writes into its own file system
        assert one.get("read_only", False) is not writable, name
        assert writable or one["user"] not in {"root", "0:0"}
        if one.get("read_only"):  # Compose copies such files into the container, which then refuses them
            assert not {"configs", "secrets"} & set(one)


def test_variables_are_asked_for_and_nothing_else_is_replaced(document: Document) -> None:
    known = {"POSTGRES_PASSWORD", "FOOTFALL_LOG", "FOOTFALL_STORE", "FOOTFALL_WAREHOUSE", "FOOTFALL_RABBITMQ"}
    for text in texts(document):
        assert {found[1] for found in VARIABLE.finditer(text)} <= known
        assert "$" not in VARIABLE.sub("", text).replace("$$", "")


def test_it_is_the_same_each_time(page: str) -> None:
    assert export("compose") == page


@pytest.mark.parametrize("settings", [NOTHING], indirect=True)
def test_without_any_settings_servers_come_with_it(document: Document) -> None:
    images = [one["image"] for one in document["services"].values() if not one["image"].startswith("footfall")]
    sink = document["services"]["cart-sink"]["environment"]

    assert [one.split(":")[0] for one in images] == ["apache/kafka", "redis", "postgres"]
    assert all(re.fullmatch(r"[a-z/]+:\d+\.\d+(\.\d+)?(-[a-z]+)?", one) for one in images), "pinned"
    assert sink["FOOTFALL_LOG"] == "kafka://kafka:9092"
    assert sink["FOOTFALL_STORE"] == "redis://redis:6379/0"
    assert document["networks"]["inside"] == {"internal": True}
    address = filled(sink["FOOTFALL_WAREHOUSE"], POSTGRES_PASSWORD="s3cret")  # noqa: S106 - made up
    told = psycopg.conninfo.conninfo_to_dict(address)
    assert told == {
        "host": "postgres",
        "port": "5432",
        "user": "footfall",
        "password": "s3cret",
        "dbname": "clickstream",
    }


@pytest.mark.parametrize("settings", [INSIDE], indirect=True)
def test_servers_are_called_as_the_settings_call_them(document: Document) -> None:
    services = document["services"]
    sink = services["offers-sink"]["environment"]

    assert list(services)[:3] == ["broker", "cache", "database"]
    assert sink["FOOTFALL_LOG"] == "kafka://broker:9092?format=avro&registry=http://registry:8081"
    assert sink["FOOTFALL_STORE"] == "redis://cache:6380/1"
    assert services["cache"]["command"][:3] == ["redis-server", "--port", "6380"]
    assert services["database"]["environment"]["POSTGRES_USER"] == "shop"
    assert services["database"]["environment"]["POSTGRES_DB"] == "clicks"
    assert "@database:5433/clicks" in sink["FOOTFALL_WAREHOUSE"]
    assert services["worker"]["deploy"]["replicas"] == 2


@pytest.mark.parametrize("settings", [OUTSIDE], indirect=True)
def test_servers_that_are_there_are_used_and_their_passwords_stay_where_they_are(page: str, document: Document) -> None:
    assert all(one["image"].startswith("footfall:") for one in document["services"].values())
    assert "hunter2" not in page
    assert document["services"]["worker"]["environment"]["FOOTFALL_LOG"].startswith("${FOOTFALL_LOG:?")
    assert all(f"#   {name}=…" in page for name in ("FOOTFALL_LOG", "FOOTFALL_STORE", "FOOTFALL_WAREHOUSE"))
    assert "POSTGRES_PASSWORD" not in page
    assert document["networks"]["inside"] == {"internal": False}, "the way to the servers"


@pytest.mark.parametrize("settings", [NOTHING], indirect=True)
def test_only_who_fills_tables_knows_the_password_of_the_database(document: Document) -> None:
    knowing = [name for name, one in ours(document).items() if "FOOTFALL_WAREHOUSE" in one["environment"]]

    assert knowing == ["cart-sink", "clicks-sink", "sessions-sink", "offers-sink"]


@pytest.mark.parametrize("settings", [EVERYTHING], indirect=True)
def test_look_up_data_are_loaded_before_anybody_begins(document: Document) -> None:
    services = ours(document)

    assert services["load-products"]["command"][:3] == ["load", "products", "/etc/footfall/products.json"]
    for name, one in services.items():
        loads = {other for other in one["depends_on"] if other.startswith("load-")}
        assert loads == (set() if name.startswith("load-") else {"load-products", "load-users"})


@pytest.mark.parametrize("settings", [EVERYTHING], indirect=True)
def test_a_service_of_the_users_finds_its_file_and_is_known_by_its_name(document: Document) -> None:
    shoes, again = document["services"]["shoes"], document["services"]["again"]

    assert shoes["command"][:3] == ["run", "/etc/footfall/shoes.py", "--batch-size=500"]
    assert shoes["healthcheck"]["test"] == ["CMD", "footfall", "health", "shoes"]
    assert again["healthcheck"]["test"] == ["CMD", "footfall", "health", "twice"]


@pytest.mark.parametrize("settings", [NOTHING], indirect=True)
def test_options_change_the_image_the_workers_and_the_name_of_the_dashboard() -> None:
    (found,) = documents(
        export(
            "compose",
            "--image",
            "registry.example.com:5000/shop/footfall:7",
            "--replicas",
            "2",
            "--known-as",
            "a.example.com",
        )
    )
    services = found["services"]

    jsonschema.Draft202012Validator(SCHEMA).validate(found)
    assert services["worker"]["image"] == "registry.example.com:5000/shop/footfall:7"
    assert "build" not in services["worker"]
    assert services["worker"]["deploy"]["replicas"] == 2
    assert "--known-as" in services["dashboard"]["command"]
    assert "https://a.example.com" in services["web"]["command"]


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ("replicas: 3\n", "3 workers for 2 partitions"),
        ("log: footfall-data/log\n", "log: this is not the address of a server"),
        ("store: redis://:6379\n", "store: this is not the address of a server"),
        ("warehouse: postgresql://db:port/x\n", "warehouse: this is not the address of a server"),
        ("log: kafka://broker:9092?sasl.password=hunter2\n", "broker comes with the Compose file"),
        ("patterns: nowhere.yaml\n", "File nowhere.yaml does not exist"),
        ("services: [{name: mine, run: [tail, 'http://me:hunter2@example.com']}]\n", "an address with a password"),
        ("products: products.json\nusers: own/products.json\n", "would both be /etc/footfall/products.json"),
    ],
    indirect=["settings"],
)
def test_what_cannot_be_deployed_is_said(settings: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "own/products.json").write_text("[]")

    with pytest.raises(UsageError, match=re.escape(why)) as refused:
        export("compose")

    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("settings", [NOTHING], indirect=True)
def test_offers_that_were_edited_go_with_it(tmp_path: Path) -> None:
    (tmp_path / "footfall-data").mkdir()
    (tmp_path / "footfall-data/offers.yaml").write_text("patterns: []\n")

    (found,) = documents(export("compose"))

    assert found["services"]["worker"]["volumes"][0]["source"] == "./footfall-data/offers.yaml"
    assert "/etc/footfall/offers.yaml" in found["services"]["web"]["command"]
