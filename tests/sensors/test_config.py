from dataclasses import dataclass

import pytest

from sensors.config import from_table, load_mission
from sensors.errors import ConfigError

DESIGN = """
[mission]
name = "harbour survey"
operator = "A. Pilot"
authority = "public prosecutor, order 12"
retention_days = 30
gas = "toluene"

[autopilot]
link = "udp:127.0.0.1:14550"

[[device]]
name = "pid"
driver = "mcu_cobs"
port = "/dev/pts/3"
lag_s = 3

[recorder]
folder = "recordings"

[detection]
reference_rate_g_s = 2
indicate_above = 0.9

[mapping]
"""
MINIMAL = '[mission]\nname = "m"\n[[device]]\ndriver = "winsen"\nport = "/dev/ttyS0"\n'


def written(tmp_path, text):
    path = tmp_path / "mission.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_designs_mission_file_is_read(tmp_path):
    mission = load_mission(written(tmp_path, DESIGN))
    assert mission.mission.gas == "toluene"
    assert mission.device[0].lag_s == 3.0
    assert isinstance(mission.detection.reference_rate_g_s, float)
    assert mission.warnings == ()


def test_all_but_the_required_has_a_default(tmp_path):
    mission = load_mission(written(tmp_path, MINIMAL))
    assert mission.mission.gas == "acetone"
    assert mission.detection.indicate_above == 0.95
    assert mission.autopilot.link == "udp:127.0.0.1:14550"
    assert "authority" in mission.warnings[0]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "lag_s = 3",
            "lag = 3",
            r'\[\[device\]\] "pid": unknown key "lag"; did you mean "lag_s"\?',
        ),
        ("[recorder]", "[recorders]", 'unknown key "recorders"; did you mean "recorder"'),
        ('name = "harbour survey"', "", r'\[mission\]: "name" is missing'),
        ('driver = "mcu_cobs"', "", r'\[\[device\]\] "pid": "driver" is missing'),
        ("retention_days = 30", 'retention_days = "30"', "must be a whole number, not '30'"),
        ("retention_days = 30", "retention_days = true", "must be a whole number, not True"),
        ("lag_s = 3", "lag_s = nan", "is nan"),
        ('gas = "toluene"', 'gas = "tolueen"', 'did you mean "toluene"'),
        ("indicate_above = 0.9", "indicate_above = 95", "between 0 and 1"),
        ("reference_rate_g_s = 2", "reference_rate_g_s = 0", "above 0"),
        ("[autopilot]", "[autopilot]\nsystem_id = 0", "system_id must lie between 1 and 250"),
        ("[autopilot]", "[autopilot]\nbudget_bytes_s = 399", "at least 400"),
        ("[mapping]", "[mapping", "is not TOML"),
        ("[[device]]", "[device]", "must be a list"),
        ("lag_s = 3", 'channels = "a"', "must be a list"),
        ("lag_s = 3", "calibration = { a = 'x' }", "calibration.a"),
    ],
)
def test_a_fault_is_named_with_its_place(tmp_path, old, new, message):
    path = written(tmp_path, DESIGN.replace(old, new))
    with pytest.raises(ConfigError, match=message) as caught:
        load_mission(path)
    assert "mission.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_mission_without_devices_is_refused(tmp_path):
    with pytest.raises(ConfigError, match='"device" is missing'):
        load_mission(written(tmp_path, '[mission]\nname = "m"\n'))
    with pytest.raises(ConfigError, match=r"no \[\[device\]\]"):
        load_mission(written(tmp_path, 'device = []\n[mission]\nname = "m"\n'))


def test_two_devices_need_two_names(tmp_path):
    twice = MINIMAL + '[[device]]\ndriver = "winsen"\nport = "/dev/ttyS1"\n'
    with pytest.raises(ConfigError, match='two are named "winsen"'):
        load_mission(written(tmp_path, twice))


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x80abc"])
def test_a_file_that_is_no_text_is_refused(tmp_path, content):
    path = tmp_path / "mission.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="UTF-8"):
        load_mission(path)


def test_a_missing_file_and_a_directory_are_refused(tmp_path):
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(ConfigError, match="check the name"):
            load_mission(path)


@dataclass(frozen=True, kw_only=True)
class Puff:
    place: tuple[float, float]
    rate: float | None = None
    tags: tuple[str, ...] = ()


def test_other_dataclasses_are_filled_the_same_way():
    assert from_table(Puff, {"place": [1, 2.5], "tags": ["a"]}, "x") == Puff(
        place=(1.0, 2.5), tags=("a",)
    )
    with pytest.raises(ConfigError, match="must have 2 values, not 3"):
        from_table(Puff, {"place": [1, 2, 3]}, "x")
    with pytest.raises(ConfigError, match="place 2"):
        from_table(Puff, {"place": [1, "b"]}, "x")
