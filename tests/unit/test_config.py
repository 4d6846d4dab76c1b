"""The configuration: what loads, and that every mistake is told with its place and its remedy."""

from __future__ import annotations

import hashlib
import json
import string
import tomllib
from pathlib import Path

import msgspec
import pytest

from agent import config
from agent.adapters.source_api.settings import Codes, Ids, Paths, SourceApiSection
from agent.config import VERSION, Loaded, load
from agent.config_texts import TEXTS
from agent.core.site import BusChoice, LinkTerms, Place
from agent.core.source_calls import SourceRules
from agent.errors import ConfigError

REPOSITORY = Path(__file__).parents[2]
EXAMPLE = REPOSITORY / "config" / "station.example.toml"


def root_keys(*publics: str, threshold: int = 1) -> str:
    keys = {
        hashlib.sha256(bytes.fromhex(public)).hexdigest()[:16]: {
            "public": public,
            "holder": "Chị Hoa",
            "not_after_ms": 1_900_000_000_000,
        }
        for public in publics
    }
    return json.dumps({"threshold": threshold, "keys": keys})


def load_text(folder: Path, text: str, roots: str | None = None) -> Loaded:
    (folder / "root.json").write_text(roots or root_keys("11" * 32, "22" * 32), encoding="utf-8")
    file = folder / "station.toml"
    file.write_text(text, encoding="utf-8")
    return load(file)


def example(**changes: str) -> str:
    text = EXAMPLE.read_text(encoding="utf-8")
    text = text.replace('root_keys = "/etc/commune-radio/root.json"', 'root_keys = "root.json"')
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return text


def complaints(folder: Path, text: str, roots: str | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        load_text(folder, text, roots)
    assert caught.value.exit_code == 78
    return str(caught.value)


def test_the_example_describes_a_station(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, example())
    assert loaded.site.station == "xa-mau-01"
    assert [zone.name for zone in loaded.site.zones] == ["Thôn Đông", "Thôn Tây"]
    assert loaded.site.zones[0].buses == (BusChoice(0, 1),)
    assert loaded.site.zones[0].tags == {"thon-dong", "ven-song"}
    assert loaded.site.amplifiers[0].warm_up_ms == 1_500
    assert loaded.roots.threshold == 1


def test_the_example_shows_every_key_there_is() -> None:
    written = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    plain = ("station", "clock", "broker", "content", "sound", "approvers")
    for section in (*plain, "identity", "place", "link", "power", "reports"):
        known = getattr(config, f"{section.capitalize()}Section").__struct_fields__
        assert set(written[section]) == set(known), section
    api = written["source_api"]
    assert set(api) == set(SourceApiSection.__struct_fields__)
    for name, kind in (("ids", Ids), ("paths", Paths), ("codes", Codes)):
        assert set(api[name]) == set(kind.__struct_fields__), name
        assert msgspec.convert(api[name], kind) == kind(), "the example shows the defaults"
    for section in ("controller", "amplifier", "zone"):
        known = getattr(config, f"{section.capitalize()}Section").__struct_fields__
        assert set(written[section][0]) == set(known), section


def test_what_may_come_later_is_a_warning_with_its_line(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, example())
    by_path = {warning.path: warning for warning in loaded.warnings}
    assert {"controller[0].port", "broker.ca", "broker.certificate", "broker.key"} <= set(by_path)
    line = by_path["controller[0].port"].line
    assert line is not None
    assert example().splitlines()[line - 1].startswith("port = ")


def test_relative_paths_start_at_the_configuration_file(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, example(**{'"/var/lib/commune-radio"': '"state"'}))
    assert loaded.config.station.state_dir == str(tmp_path / "state")


def test_the_box_and_its_surroundings_are_read(tmp_path: Path) -> None:
    site = load_text(
        tmp_path,
        example(
            **{
                'position = ""': 'position = "21.853421, 106.7610"',
                "data_plan_mib = 0": "data_plan_mib = 4096",
                "metered = []": 'metered = ["usb0"]',
                'sim_expires = ""': 'sim_expires = "2026-11-30"',
            }
        ),
    ).site
    assert site.place == Place(21_853_421, 106_761_000)
    assert site.link == LinkTerms(frozenset({"usb0"}), 4_096, 1, "", "2026-11-30")
    assert (site.heartbeat_ms, site.identity.area) == (300_000, "xã Mẫu, tỉnh Mẫu")


@pytest.mark.parametrize("frames", [64, 1_024, 8_192, "auto"])
def test_blocks_have_a_size_or_are_left_to_the_card(tmp_path: Path, frames: int | str) -> None:
    said = f'"{frames}"' if isinstance(frames, str) else frames
    loaded = load_text(tmp_path, example(**{'frames = "auto"': f"frames = {said}"}))
    assert loaded.config.sound.frames == frames


@pytest.mark.parametrize("frames", ["63", "8193", '"small"', "20.5", "true"])
def test_blocks_of_no_size_are_told_with_their_place(tmp_path: Path, frames: str) -> None:
    text = complaints(tmp_path, example(**{'frames = "auto"': f"frames = {frames}"}))
    assert "sound.frames:" in text


def test_a_mains_file_is_relative_to_the_configuration_and_may_come_later(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, example(**{'mains_file = ""': 'mains_file = "gpio17"'}))
    assert loaded.config.power.mains_file == str(tmp_path / "gpio17")
    assert "power.mains_file" in {warning.path for warning in loaded.warnings}
    (tmp_path / "gpio17").write_text("1")
    loaded = load_text(tmp_path, example(**{'mains_file = ""': 'mains_file = "gpio17"'}))
    assert "power.mains_file" not in {warning.path for warning in loaded.warnings}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('host = "mqtt', 'hots = "mqtt', 'broker.hots: no such key. Did you mean "host"?'),
        ('frames = "auto"', "frame = 2048", 'sound.frame: no such key. Did you mean "frames"?'),
        ("[broker]", "[brokers]", 'brokers: no such key. Did you mean "broker"?'),
        ("warm_up_ms = 1500", "warm_up_s = 1.5", 'The key is "warm_up_ms": the unit is part'),
        ("warm_up_ms = 1500", "warm_up_ms = 1.5", "1.5 seconds is 1500"),
        ("warm_up_ms = 1500", 'warm_up_ms = "1500"', "It is a whole number without quotes"),
        ("[1, -4000]", "[1, -40.5]", "whole hundredths of a decibel"),
        ("[1, -4000]", "[1, -7000]", "gain must not fall"),
        ('tz = "Asia/Ho_Chi_Minh"', 'tz = "Asia/Hanoi"', "is not an IANA time zone"),
        ('amplifier = "am-ly-chinh"\n# K', 'amplifier = "am-ly-chin"\n# K', 'mean "am-ly-chinh"?'),
        ("index = 2", "index = 1", "terminal 1 of 'tu-chinh' already belongs to 'Thôn Đông'"),
        ("index = 2", "index = 17", "zone[1].index: at most 16"),
        ('name = "Thôn Tây"', 'name = "Thôn Đông"', "'Thôn Đông' is described twice"),
        ("{ bus = 0, source = 1 }]\n# Âm", "{ bus = 1, source = 1 }]\n# Âm", "sound.buses is 1"),
        ('id = "xa-mau-01"', 'id = "Xã Mẫu"', "station.id"),
        ('host = "mqtt.tinh.example.vn"\n', "", "broker.host: is missing"),
        ('mqtt = "auto"', 'mqtt = "4"', "broker.mqtt"),
        ('position = ""', 'position = "106.7610, 21.8534"', "for example 21.8534, 106.7610"),
        ('position = ""', 'position = "97.7, 21.8"', "place.position: 97.7, 21.8 is on no map"),
        ('position = ""', "position = 21.8", "place.position: must be a text"),
        ('sim_expires = ""', 'sim_expires = "30/11/2026"', "for example 2026-11-25"),
        ('sim_expires = ""', 'sim_expires = "2026-02-30"', "no such day as 2026-02-30"),
        ("data_plan_mib = 0", "data_plan_gb = 4", 'The key is "data_plan_mib"'),
        ("data_plan_day = 1", "data_plan_day = 31", "link.data_plan_day: at most 28"),
        ("heartbeat_s = 300", "heartbeat_s = 1", "reports.heartbeat_s: at least 5"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_remedy(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    text = complaints(tmp_path, example(**{old: new}))
    assert told in text
    assert "line " in text


def test_the_line_of_an_unknown_key_is_where_it_stands(tmp_path: Path) -> None:
    text = example(**{"linger_ms = 60000": "lingers = 60000"})
    number = text.splitlines().index("lingers = 60000") + 1
    assert f"line {number}, amplifier[0].lingers" in complaints(tmp_path, text)


def test_all_unknown_keys_are_told_at_once(tmp_path: Path) -> None:
    text = complaints(tmp_path, example(**{"frames = ": "frams = ", "parallel = ": "paralel = "}))
    assert "frams" in text
    assert "paralel" in text


def test_faults_of_every_kind_are_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    changes = {
        'id = "xa-mau-01"': 'id = "Xã Mẫu"',
        'tz = "Asia/Ho_Chi_Minh"': "tz = 7",
        'host = "mqtt.tinh.example.vn"\n': "",
        'mqtt = "auto"': 'mqtt = "4"',
        'frames = "auto"': "frame = 2048",
        "warm_up_ms = 1500": "warm_up_ms = 1.5",
        "index = 2": "index = 1",
    }
    text = complaints(tmp_path, example(**changes))
    paths = [line.split(": ")[1].split(", ")[-1] for line in text.splitlines()]
    assert paths == [
        "station.id",
        "station.tz",
        "broker.host",
        "broker.mqtt",
        "sound.frame",
        "amplifier[0].warm_up_ms",
        "zone[1].index",
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('name = "am-ly-chinh"\n', 'name = ""\n'),
        ("buses = 1\n", "buses = 0\n"),
        ('id = "tu-chinh"', "id = 5"),
    ],
)
def test_a_fault_does_not_make_others_look_wrong(tmp_path: Path, old: str, new: str) -> None:
    """What refers to a thing with a fault in it is not told to be undescribed."""
    text = complaints(tmp_path, example(**{old: new}))
    assert len(text.splitlines()) == 1, text


def test_every_fault_and_every_warning_says_what_to_do_in_both_languages(tmp_path: Path) -> None:
    mistakes = [
        {'id = "xa-mau-01"': 'id = "Xã Mẫu"', "port = 8883": 'port = "8883"'},
        {'mqtt = "auto"': "mqtt = 4", "index = 2": "index = 1", '"Thôn Tây"': '"Thôn Đông"'},
        {'key = "/etc/commune-radio/station.key"': 'key = ""'},
        {'tz = "Asia/Ho_Chi_Minh"': 'tz = "Asia/Hanoi"', "[1, -4000]": "[1, -7000]"},
        {'root_keys = "root.json"': 'root_keys = "none.json"', "[sound]": "[sounds]"},
        {'root_keys = "root.json"\n': "", "parallel = 1": "parallel = []"},
    ]
    found = list(load_text(tmp_path, example()).warnings)
    for changes in mistakes:
        with pytest.raises(ConfigError) as caught:
            load_text(tmp_path, example(**changes))
        found += caught.value.problems
    for problem in found:
        assert problem.text.vi != problem.text.en, problem
        assert problem.hint.vi, problem
        assert problem.hint.en, problem
        assert not set("`$^") & set(problem.said("vi") + problem.said("en")), problem
        assert "Expected" not in problem.said("vi")


API_B = {
    'dialect = ""': 'dialect = "b"',
    'base_url = ""': 'base_url = "https://httn.example.vn"',
    'username = ""': 'username = "cum-loa"',
    'password_file = ""': 'password_file = "httn.txt"',
    'source_id = ""': 'source_id = "H24"',
    'target_id = ""': 'target_id = "D01"',
    'cluster_id = ""': 'cluster_id = "861234567890123"',
    'supplier_code = ""': 'supplier_code = "CR"',
    'position = ""': 'position = "20.7, 106.5"',
}


def test_without_a_dialect_the_source_system_api_is_off(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, example())
    assert loaded.site.source_rules is None
    assert not any(one.path.startswith("source_api") for one in loaded.warnings)


def test_the_source_system_api_takes_what_the_file_says_of_the_box(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, example(**API_B))
    section = loaded.config.source_api
    assert section.ids.vendor_id == "CR"
    assert section.password_file == str(tmp_path / "httn.txt")
    assert loaded.site.source_rules == SourceRules()
    assert [one.path for one in loaded.warnings if one.path.startswith("source_api")] == [
        "source_api.password_file"
    ]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({'base_url = "https://httn.example.vn"': 'base_url = "http://x"'}, "source_api.base_url"),
        ({'base_url = "https://httn.example.vn"': 'base_url = ""'}, "source_api.base_url"),
        ({'source_id = "H24"': 'source_id = ""'}, "source_api.ids.source_id"),
        ({'supplier_code = "CR"': 'supplier_code = ""'}, "source_api.ids.vendor_id"),
        ({'position = "20.7, 106.5"': 'position = ""'}, "place.position"),
        ({"volume_min = 0": "volume_min = 80"}, "source_api.volume_min"),
        ({"allow = []": 'allow = ["volume"]'}, "source_api.allow"),
        ({"allow = []": 'allow = ["play"]'}, "source_api.allow[0]"),
        ({'poll = "/poll"': 'poll = "poll"'}, "source_api.paths.poll"),
        ({"log_start = -1": "log_begin = -1"}, "source_api.codes.log_begin"),
    ],
)
def test_a_source_system_api_that_cannot_work_is_told_with_its_place(
    tmp_path: Path, change: dict[str, str], path: str
) -> None:
    text = example(**API_B)
    for old, new in change.items():
        assert old in text
        text = text.replace(old, new)
    with pytest.raises(ConfigError) as caught:
        load_text(tmp_path, text)
    [problem] = caught.value.problems
    assert problem.path == path
    assert problem.line is not None
    assert problem.text.vi != problem.text.en
    assert problem.hint.vi


def test_the_laboratory_may_speak_plain_http_and_is_warned(tmp_path: Path) -> None:
    changes = {**API_B, 'base_url = ""': 'base_url = "http://127.0.0.1:8099"'}
    text = example(**changes).replace("[source_api]", "[source_api]", 1)
    head, _, rest = text.partition("[source_api]")
    text = head + "[source_api]" + rest.replace("allow_http = false", "allow_http = true", 1)
    paths = {one.path for one in load_text(tmp_path, text).warnings}
    assert "source_api.allow_http" in paths


def test_a_controller_that_is_not_adopted_is_a_warning_with_its_remedy(tmp_path: Path) -> None:
    warnings = {one.path: one for one in load_text(tmp_path, example()).warnings}
    told = warnings["controller[0].adopted_id"]
    assert "will stay silent" in told.said("en")
    assert "sẽ không phát" in told.said("vi")
    assert "python -m firmware_bridge adopt --port /dev/serial" in told.said("vi")
    adopted = example(**{'adopted_id = ""': 'adopted_id = "0123456789abcdef01234567"'})
    paths = {one.path for one in load_text(tmp_path, adopted).warnings}
    assert "controller[0].adopted_id" not in paths


def test_a_state_directory_that_cannot_be_written_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    text = example(**{'"/var/lib/commune-radio"': '"file"'})
    [told] = [one for one in load_text(tmp_path, text).warnings if one.path == "station.state_dir"]
    assert f"{tmp_path / 'file'} is not a directory" in told.said("en")
    assert "state_dir" in told.hint.vi
    assert told.line is not None


@pytest.mark.parametrize("key", TEXTS)
def test_every_text_stands_in_both_languages_with_the_same_places_and_a_use(key: str) -> None:
    def places(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    vi, en = TEXTS[key]
    assert vi
    assert en
    assert places(vi) == places(en)
    folder = REPOSITORY / "agent"
    names = "config config_sound config_source_api errors state_dir app __main__".split()
    source = "".join((folder / f"{name}.py").read_text(encoding="utf-8") for name in names)
    assert any(f'"{one}"' in source for one in (key, key.removesuffix("-next")))


def test_broken_toml_is_told_with_its_line(tmp_path: Path) -> None:
    assert "line 3" in complaints(tmp_path, "[station]\nid = 'x'\nname = \n")


def test_a_missing_file_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("roots", "told"),
    [
        (root_keys("11" * 32), "a single root key cannot be replaced"),
        (root_keys("11" * 32, "22" * 32, threshold=3), "threshold 3 of 2 keys"),
        (root_keys("11" * 32, "22" * 32).replace('{"public": "11', '{"public": "33'), "not the id"),
        ("{", "root.json"),
    ],
)
def test_root_keys_that_cannot_found_trust_are_refused(
    tmp_path: Path, roots: str, told: str
) -> None:
    assert told in complaints(tmp_path, example(), roots)


def test_the_version_is_that_of_the_distribution() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["version"] == VERSION


INPUT = '[[input]]\nname = "{name}"\ndevice = "{device}"\nchannel = {channel}\n'


def with_inputs(*inputs: tuple[str, str, int], line: str = "") -> str:
    """The example with these inputs instead of its own; line: the return line."""
    text = example(**{'return_input = ""': f'return_input = "{line}"'})
    head, _, rest = text.partition("\n[[input]]\n")
    _, _, tail = rest.partition("channel = 0\n")
    blocks = (INPUT.format(name=name, device=device, channel=at) for name, device, at in inputs)
    return f"{head}\n{''.join(blocks)}{tail}"


def inputs_of(loaded: Loaded) -> tuple[list[str], list[str]]:
    """Those that may be opened as a source, and the return line's names."""
    return sorted(loaded.site.inputs), sorted(loaded.site.return_inputs)


def test_the_return_line_is_no_source(tmp_path: Path) -> None:
    text = with_inputs(("micro", "USB", 0), ("hoi", "USB", 1), line="hoi")
    loaded = load_text(tmp_path, text)
    assert (loaded.site.inputs, loaded.site.return_inputs) == (
        frozenset({"micro"}),
        frozenset({"hoi"}),
    )
    assert not any(one.path.startswith("input[") for one in loaded.warnings)


def test_an_input_that_is_the_same_socket_as_the_return_line_is_no_source_either(
    tmp_path: Path,
) -> None:
    text = with_inputs(("hoi", "USB", 1), ("micro", "USB", 1), line="hoi")
    loaded = load_text(tmp_path, text)
    assert (loaded.site.inputs, loaded.site.return_inputs) == (
        frozenset(),
        frozenset({"hoi", "micro"}),
    )
    [told] = [one for one in loaded.warnings if one.path == "input[1].device"]
    assert "never opened as a source" in told.said("en")


@pytest.mark.parametrize("name", ["micro", "fm", "line", "Micro"])
def test_a_return_line_that_timetables_would_mean_is_told(tmp_path: Path, name: str) -> None:
    loaded = load_text(tmp_path, with_inputs((name, "USB", 0), line=name))
    [told] = [one for one in loaded.warnings if one.path == "sound.return_input"]
    assert name in told.text.vi
    assert "another name" in told.hint.en


@pytest.mark.parametrize(
    ("inputs", "path", "told"),
    [
        ([(" micro ", "USB", 0)], "input[0].name", "taken as 'micro'"),
        ([("a|b", "USB", 0)], "input[0].name", "no timetable can name"),
        ([("micro (trễ 2 giây)", "USB", 0)], "input[0].name", "no timetable can name"),
        ([("mi\\ncro", "USB", 0)], "input[0].name", "control characters"),
        ([("  ", "USB", 0)], "input[0].name", "nothing but spaces"),
        ([("Micro", "USB", 0), ("micro", "USB", 1)], "input[1].name", "sound the same"),
        ([("micro", "hw:97,0", 0)], "input[0].device", "hw:CARD=…,DEV=0"),
        ([("micro", "USB Audio: - (hw:97,0)", 0)], "input[0].device", "hw:CARD=…,DEV=0"),
        ([("micro", "  ", 0)], "input[0].device", "nothing but spaces"),
        ([("micro", "US\\u0000B", 0)], "input[0].device", "control characters"),
        ([("micro", "US\\nB", 0)], "input[0].device", "control characters"),
    ],
)
def test_names_that_nobody_can_ask_for_are_told_but_the_station_starts(
    tmp_path: Path, inputs: list[tuple[str, str, int]], path: str, told: str
) -> None:
    loaded = load_text(tmp_path, with_inputs(*inputs))
    [warning] = [one for one in loaded.warnings if one.path == path]
    assert told in warning.said("en")
    assert warning.text.vi != warning.text.en
    assert warning.line is not None


def test_spaces_around_an_inputs_name_are_left_out_everywhere(tmp_path: Path) -> None:
    text = with_inputs((" micro ", "USB", 0), (" hoi", "USB", 1), line="hoi ")
    loaded = load_text(tmp_path, text)
    assert (loaded.site.inputs, loaded.site.return_inputs) == (
        frozenset({"micro"}),
        frozenset({"hoi"}),
    )
    assert loaded.config.sound.return_input == "hoi"
    assert [one.name for one in loaded.config.input] == ["micro", "hoi"]


def test_of_two_inputs_that_have_one_name_without_spaces_the_first_counts(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, with_inputs(("micro", "A", 0), ("micro ", "B", 0)))
    assert [(one.name, one.device) for one in loaded.config.input] == [("micro", "A")]
    assert "input[1].name" in {one.path for one in loaded.warnings}


@pytest.mark.parametrize("device", ["hw:1,0", "plughw:0"])
def test_a_card_by_its_number_is_told(tmp_path: Path, device: str) -> None:
    text = example().replace('device = "plughw:CARD=Device,DEV=0"', f'device = "{device}"', 1)
    [told] = [one for one in load_text(tmp_path, text).warnings if one.path == "sound.device"]
    assert "changes when" in told.said("en")
    assert "hw:CARD=" in told.hint.vi


def test_emergencies_quieter_than_programmes_are_told(tmp_path: Path) -> None:
    text = example(**{"emergency_lufs = -14": "emergency_lufs = -19"})
    [told] = [one for one in load_text(tmp_path, text).warnings if "loudness" in one.path]
    assert "-18 or more" in told.hint.en


@pytest.mark.parametrize(
    ("old", "new", "instead"),
    [
        ('frames = "auto"', "frames = 2048.5", "for example 2048"),
        ("target_lufs = -18", "target_lufs = -18.5", "for example -18"),
    ],
)
def test_a_fraction_is_told_with_the_whole_number_instead(
    tmp_path: Path, old: str, new: str, instead: str
) -> None:
    text = complaints(tmp_path, example(**{old: new}))
    assert "must be a whole number" in text
    assert instead in text
    assert text.count("whole number") == 1
