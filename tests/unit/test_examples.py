"""An example that comes with Footfall is settings as anybody's: `footfall up` finds and describes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from footfall.apps.supervisor.description import Where, described
from footfall.apps.supervisor.examples import example_settings
from footfall.apps.supervisor.settings import read_settings
from footfall.core.errors import UsageError


def test_an_example_is_found_by_its_name() -> None:
    assert example_settings("vip").name == "footfall.yaml"
    with pytest.raises(UsageError, match=r"no example vips\. There are: .*vip"):
        example_settings("vips")


def test_the_vip_example_has_its_source_and_its_processors_and_no_clicks_of_the_shop(tmp_path: Path) -> None:
    file = example_settings("vip")
    settings = read_settings(file, data_dir=tmp_path)
    where = Where(
        data_dir=tmp_path,
        settings=file,
        patterns=None,
        shop_port=1,
        dashboard_port=2,
        dashboard_address="http://127.0.0.1:2",
    )

    commands = {one.name: one.command[3:] for one in described(settings, where, source=None)}

    assert not settings.demo
    assert commands["vip-source"][:4] == ("generate", "--example", "vip", "--live")
    assert {"--name", "--settings", "--data-dir"} <= set(commands["vip-source"])
    assert commands["processors"][:2] == ("apply", str(file))
    assert settings.processor_names == ["vip", "shout"]
