"""The arguments of districtctl. Owns names, help in both languages and nothing else."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from agent.cli.arguments import Parser
from agent.contract.reasons import Lang
from simulator.source_system.warning_templates import TEMPLATES

HELP: dict[str, tuple[str, str]] = {
    "districtctl": (
        "Soạn, ký, gửi lịch và cảnh báo cho các đài truyền thanh; xem đài nào đã nhận, đã phát.",
        "Prepare, sign and push timetables and warnings; see what arrived and what played.",
    ),
    "keys": ("khóa ký", "signing keys"),
    "keys init": ("tạo hệ thống nguồn và khóa", "make the district and its keys"),
    "keys show": ("khóa nào, ai giữ, hạn đến đâu", "which keys, who holds them, until when"),
    "enrol": ("ghi danh một đài", "enrol a station"),
    "stations": ("các đài đã ghi danh", "the enrolled stations"),
    "push": ("gửi lịch phát (CSV hoặc TOML)", "push a timetable (CSV or TOML)"),
    "regulation": (
        "gửi quy chế hoạt động của xã: khung giờ, số buổi, ngày nghỉ, âm lượng, duyệt",
        "send a commune's operating regulation: hours, sessions, silent dates, volume, approval",
    ),
    "--preset": ("mẫu có sẵn", "an example that comes with the software"),
    "--write": ("chép mẫu ra tệp để sửa", "copy it to a file to be edited"),
    "publish": ("đăng tệp âm thanh vào ô nội dung", "publish a sound file into a slot"),
    "--author": ("người soạn bản này", "who made this one"),
    "--pen-name": ("bút danh của người soạn", "the author's pen name"),
    "--email": ("thư điện tử của người soạn", "the author's e-mail"),
    "--summary": ("tóm tắt nội dung, một hai câu", "what it says, in a sentence or two"),
    "--produced": ("sản xuất lúc: ngày, có thể kèm giờ", "made on: a date, with its time if known"),
    "warn": ("phát cảnh báo khẩn cấp", "break in with an emergency"),
    "live": (
        "phát trực tiếp từ micrô, đường vào hoặc tệp tới các đài; list: các buổi; stop: dừng",
        "speak live from a microphone, line or file to stations; list: sessions; stop: end one",
    ),
    "--minutes": ("tự hết sau bao nhiêu phút", "minutes until it ends by itself"),
    "--kbps": ("kbit/giây của luồng", "kbit/s of the stream"),
    "--lead": ("giây từ lúc gửi đến lúc bắt đầu", "seconds from sending to the beginning"),
    "--fallback": (
        "ô nội dung phát thay khi đài mất luồng",
        "the slot that plays where a station loses the stream",
    ),
    "--live-title": ("tên ghi vào nhật ký phát", "what the records call it"),
    "--live-class": ("2 ưu tiên, 3 thông thường", "2 priority, 3 normal"),
    "--live-chime": ("nhạc hiệu trước khi vào", "a chime before it"),
    "cosign": ("chữ ký thứ hai cho cảnh báo", "the second signature of a warning"),
    "command": ("gửi một lệnh cho đài", "send a command to a station"),
    "status": ("các đài nói gì", "what the stations say"),
    "asrun": ("nhật ký phát", "what was really played"),
    "history": ("ai đã gửi gì, khi nào", "who pushed what, when"),
    "records": ("nhật ký của đài có nguyên vẹn không", "whether the stations' records are whole"),
    "records verify": (
        "kiểm chuỗi và chữ ký của nhật ký",
        "check their chain and signatures",
    ),
    "records keys": ("các đài ký bằng khóa nào", "which keys the stations sign with"),
    "records accept": (
        "chấp nhận khóa mới của đài, sau khi so vân tay",
        "accept a station's new key, after comparing its fingerprint",
    ),
    "receipts": (
        "đài đã áp dụng, thay, xóa, từ chối những gì",
        "what stations applied, changed, deleted and refused",
    ),
    "extract": (
        "trích lục có chữ ký: một khu vực loa đã phát gì, từ lúc nào đến lúc nào",
        "a signed extract: what one zone played in one stretch of time",
    ),
    "--reference": ("đơn, phản ánh được trả lời", "the complaint it answers"),
    "--pdf": ("in cả PDF nếu máy có chromium", "print a PDF too, if chromium is here"),
    "--key": ("vân tay khóa của người ký", "the signer's key fingerprint"),
    "--since-when": ("từ lúc: 2026-11-25 hoặc 2026-11-25T05:00", "from: 2026-11-25[T05:00]"),
    "--until-when": ("đến lúc", "until"),
    "report": (
        "lập báo cáo của một kỳ: bảng tính, trang, văn bản A4, CSV; xem hạn (calendar)",
        "write a period's report: spreadsheet, page, A4 document, CSV; see what is due (calendar)",
    ),
    "--period": ("kỳ: 2026-Q3, 2026-H1, 2026, 2026-09", "the period"),
    "--first-day": ("từ ngày, tính cả ngày này: 2025-12-15", "first day, inside"),
    "--last-day": ("đến ngày, tính cả ngày này: 2026-12-14", "last day, inside"),
    "--by": (
        "theo đơn vị cũ (tại thời điểm phát) hay mới (hiện nay)",
        "by the units of then (old) or of today (new)",
    ),
    "--out": ("thư mục để ghi", "where to write"),
    "--records": ("tệp bản ghi khác", "another file of records"),
    "--registry": ("thư mục sổ danh mục (CSV)", "the registry's folder (CSV)"),
    "--calendar": ("lịch báo cáo (TOML)", "the calendar of reports (TOML)"),
    "--today": ("coi hôm nay là ngày này", "take this day for today"),
    "--anew": (
        "dựng lại mọi con số từ nguyên văn bản ghi (lâu hơn)",
        "count everything anew from the raw records (takes longer)",
    ),
    "--no-check": ("không kiểm chuỗi băm (nhanh hơn)", "do not check the chains (faster)"),
    "keys export": (
        "viết khóa công khai ra tệp, cho đài của nơi khác",
        "write the public keys to a file, for stations elsewhere",
    ),
    "--through": (
        "dùng máy chủ của thư mục hệ thống nguồn này",
        "speak over the broker of this district home",
    ),
    "--obey": (
        "đài nghe thêm cơ quan trong tệp này (keys export)",
        "the station also obeys the authority in this file (keys export)",
    ),
    "serve": ("chạy hệ thống nguồn thí điểm", "run the pilot district"),
    "--home": ("thư mục hệ thống nguồn", "the district home"),
    "--json": ("kết quả cho máy đọc", "a result for machines"),
    "--lang": ("ngôn ngữ", "language"),
    "--to": ("một đài", "one station"),
    "--group": ("một nhóm", "a group"),
    "--all": ("tất cả các đài", "all stations"),
    "--wait": ("chờ biên nhận bao nhiêu giây", "seconds to wait for receipts"),
    "--dry-run": ("chỉ xem thử", "only look"),
    "--from": ("có hiệu lực từ", "takes effect from"),
    "--base": ("bản đã sửa từ đó", "the revision it was edited from"),
    "--rollback": ("gửi lại nội dung bản cũ", "push the content of an old revision"),
    "--confirm-long": ("chấp nhận mục dài hơn 4 giờ", "accept entries longer than 4 hours"),
    "--cosign": ("tệp khóa của người thứ hai", "the second officer's key file"),
    "--until": ("hết hiệu lực lúc (giờ:phút)", "ends at (hour:minute)"),
    "--repeat": ("nhắc lại sau N phút, 0: một lần", "repeat every N minutes, 0: once"),
    "--template": ("câu mẫu, một chữ ký là đủ", "an agreed text, one signature is enough"),
    "--recording": (
        "bản thu âm tiếng khác, đã đăng không ghi ngày",
        "a recording in another language, published without a date",
    ),
    "--drill": ("diễn tập, thống kê riêng", "a drill, counted apart"),
}
ABOUT = (
    ("--author", "NAME"),
    ("--pen-name", "NAME"),
    ("--email", "A@B.VN"),
    ("--summary", '"…"'),
    ("--produced", "2026-11-24"),
)
KBPS = (24, 32, 40, 48, 64, 96, 128)
COMMANDS = (
    "volume",
    "stop",
    "skip",
    "test-tone",
    "replay",
    "diagnose",
    "reboot",
    "log",
    "resend",
    "ack-alarm",
)


def build(lang: Lang) -> argparse.ArgumentParser:
    return _Builder(lang).parser


class _Builder:
    def __init__(self, lang: Lang) -> None:
        self._lang = lang
        # Those of the verbs are of the same class: all complain in the reader's language.
        spoken = type("Parser", (Parser,), {"lang": lang, "named_by": "verb"})
        self.parser: Parser = spoken(
            prog="districtctl", description=self._help("districtctl"), allow_abbrev=False
        )
        self._common(self.parser, top=True)
        commands = self.parser.add_subparsers(dest="verb", required=True, metavar="LỆNH")
        self._keys(commands)
        self._enrol(commands)
        self._push(commands)
        self._regulation(commands)
        self._publish(commands)
        self._warn(commands)
        self._live(commands)
        self._command(commands)
        self._looking(commands)
        self._report(commands)
        serve = self._verb(commands, "serve")
        serve.add_argument("--seconds", type=float, help=argparse.SUPPRESS)

    def _help(self, key: str) -> str:
        return HELP[key][0 if self._lang == "vi" else 1]

    def _common(self, parser: argparse.ArgumentParser, *, top: bool = False) -> None:
        """Accepted before and after the verb."""
        suppress: dict[str, Any] = {} if top else {"default": argparse.SUPPRESS}
        home: dict[str, Any] = {"default": Path("district")} if top else suppress
        parser.add_argument("--home", type=Path, help=self._help("--home"), **home)
        parser.add_argument("--json", action="store_true", help=self._help("--json"), **suppress)
        parser.add_argument("--lang", choices=("vi", "en"), help=self._help("--lang"), **suppress)

    def _verb(
        self,
        commands: argparse._SubParsersAction[argparse.ArgumentParser],
        name: str,
        key: str = "",
    ) -> argparse.ArgumentParser:
        text = self._help(key or name)
        parser = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        self._common(parser)
        if not key and isinstance(parser, Parser):
            self.parser.commands[name] = parser
        return parser

    def _flag(self, parser: argparse.ArgumentParser, name: str, **options: object) -> None:
        parser.add_argument(name, help=self._help(name), **options)  # type: ignore[arg-type]

    def _audience(self, parser: argparse.ArgumentParser, *, required: bool) -> None:
        one = parser.add_mutually_exclusive_group(required=required)
        one.add_argument("--to", metavar="STATION", help=self._help("--to"))
        one.add_argument("--group", help=self._help("--group"))
        one.add_argument("--all", action="store_true", help=self._help("--all"))

    def _wait(self, parser: argparse.ArgumentParser, seconds: float) -> None:
        self._flag(parser, "--wait", type=float, default=seconds, metavar="S")

    def _keys(self, commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
        keys = self._verb(commands, "keys").add_subparsers(dest="what", required=True)
        init = self._verb(keys, "init", "keys init")
        init.add_argument("--holder", required=True)
        second = init.add_mutually_exclusive_group()
        second.add_argument("--second-holder", metavar="NAME")
        second.add_argument("--backup", type=Path, metavar="FOLDER")
        init.add_argument("--second-dir", type=Path, metavar="FOLDER")
        init.add_argument("--authority", default="khu-vuc", metavar="ID")
        init.add_argument("--name", default="")
        init.add_argument("--rank", type=int, default=20)
        init.add_argument("--host", action="append", metavar="NAME_OR_IP")
        init.add_argument("--passphrase", action="store_true")
        self._flag(init, "--through", type=Path, metavar="HOME")
        self._verb(keys, "show", "keys show")
        export = self._verb(keys, "export", "keys export")
        export.add_argument("file", type=Path, metavar="FILE.json")

    def _enrol(self, commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
        enrol = self._verb(commands, "enrol")
        enrol.add_argument("station")
        enrol.add_argument("--name")
        enrol.add_argument("--zones", metavar='"thôn Đông:ha-luu;thôn Đoài"')
        enrol.add_argument("--describe", type=Path, metavar="STATION.toml")
        enrol.add_argument("--groups", default="", metavar="A,B")
        enrol.add_argument("--csr", type=Path, metavar="FILE.csr")
        obey: dict[str, Any] = {"action": "append", "default": [], "metavar": "FILE.json | none"}
        self._flag(enrol, "--obey", type=Path, **obey)
        self._wait(enrol, 0.0)

    def _push(self, commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
        push = self._verb(commands, "push")
        push.add_argument("file", type=Path, nargs="?")
        self._audience(push, required=True)
        self._flag(push, "--dry-run", action="store_true")
        self._flag(push, "--from", dest="effective", metavar="WHEN")
        self._flag(push, "--base", type=int, metavar="N")
        self._flag(push, "--rollback", type=int, metavar="N")
        self._flag(push, "--confirm-long", action="store_true")
        push.add_argument("--preview", type=int, default=3, metavar="N")
        self._wait(push, 15.0)

    def _regulation(self, commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
        regulation = self._verb(commands, "regulation")
        regulation.add_argument("file", type=Path, nargs="?", metavar="QUY-CHE.toml")
        self._flag(regulation, "--preset", metavar="NAME")
        self._flag(regulation, "--write", type=Path, metavar="FILE")
        self._audience(regulation, required=False)
        self._flag(regulation, "--dry-run", action="store_true")
        self._wait(regulation, 15.0)

    def _publish(self, commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
        publish = self._verb(commands, "publish")
        publish.add_argument("file", type=Path)
        publish.add_argument("--slot", required=True)
        publish.add_argument("--date", metavar="2026-11-25")
        publish.add_argument("--title", default="")
        for name, shown in ABOUT:
            self._flag(publish, name, default="", metavar=shown)
        self._audience(publish, required=False)
        self._wait(publish, 5.0)

    def _warn(self, commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
        warn = self._verb(commands, "warn")
        warn.add_argument("text", nargs="*", metavar='"…" | list | templates | cancel ID')
        self._audience(warn, required=False)
        warn.add_argument("--zones", metavar='"thôn Đông;thôn Đoài"')
        warn.add_argument("--tags", metavar="ha-luu,ven-song")
        self._flag(warn, "--until", metavar="HH:MM")
        self._flag(warn, "--repeat", type=int, default=5, metavar="MIN")
        self._flag(warn, "--template", choices=sorted(TEMPLATES))
        for slot in ("place", "level", "time"):
            warn.add_argument(f"--{slot}", dest=f"slot_{slot}")
        warn.add_argument("--severity", choices=("information", "watch", "warning", "extreme"))
        warn.add_argument("--language", default="vi")
        recording: dict[str, Any] = {"action": "append", "default": [], "metavar": "TÀY=SLOT"}
        self._flag(warn, "--recording", **recording)
        warn.add_argument("--no-siren", action="store_true")
        self._flag(warn, "--drill", action="store_true")
        self._flag(warn, "--dry-run", action="store_true")
        self._flag(warn, "--cosign", type=Path, action="append", default=[], metavar="KEYFILE")
        self._wait(warn, 10.0)
        cosign = self._verb(commands, "cosign")
        cosign.add_argument("pending", metavar="ID | FILE")
        cosign.add_argument("--key", type=Path, required=True)
        self._wait(cosign, 10.0)

    def _live(self, commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
        live = self._verb(commands, "live")
        live.add_argument(
            "source", nargs="+", metavar="micro | alsa:hw:1 | pulse:NAME | FILE | list | stop ID"
        )
        self._audience(live, required=False)
        live.add_argument("--zones", metavar='"thôn Đông;thôn Đoài"')
        live.add_argument("--tags", metavar="ha-luu,ven-song")
        self._flag(live, "--minutes", type=int, default=30, metavar="N")
        self._flag(live, "--kbps", type=int, default=48, choices=KBPS)
        self._flag(live, "--lead", type=int, default=12, metavar="S")
        self._flag(live, "--fallback", default="", metavar="SLOT")
        live.add_argument("--title", default="", help=self._help("--live-title"))
        live.add_argument("--author", default="", help=self._help("--author"))
        live.add_argument(
            "--class",
            dest="klass",
            type=int,
            choices=(2, 3),
            default=2,
            help=self._help("--live-class"),
        )
        live.add_argument("--chime", action="store_true", help=self._help("--live-chime"))
        self._wait(live, 10.0)

    def _command(self, commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
        command = self._verb(commands, "command")
        command.add_argument("station", metavar="STATION | g/GROUP")
        command.add_argument("action", choices=COMMANDS)
        command.add_argument("value", nargs="*")
        command.add_argument("--zones", metavar='"thôn Đông;thôn Đoài"')
        self._wait(command, 10.0)

    def _records(self, commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
        records = self._verb(commands, "records").add_subparsers(dest="what", required=True)
        verify = self._verb(records, "verify", "records verify")
        station = verify.add_mutually_exclusive_group()
        station.add_argument("named", nargs="?", metavar="STATION")
        station.add_argument("--station")
        self._time(verify, required=False)
        self._verb(records, "keys", "records keys").add_argument("--station")
        accept = self._verb(records, "accept", "records accept")
        accept.add_argument("station")
        accept.add_argument("fingerprint", nargs="+", metavar="FINGERPRINT")

    def _extract(self, commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
        extract = self._verb(commands, "extract")
        extract.add_argument("words", nargs="*", metavar="[verify FOLDER]")
        extract.add_argument("--station")
        extract.add_argument("--zone", metavar='"thôn Đông"')
        self._time(extract, required=False)
        extract.add_argument("--out", type=Path, metavar="FOLDER")
        self._flag(extract, "--reference", default="", metavar='"Đơn số 12"')
        self._flag(extract, "--pdf", action="store_true")
        self._flag(extract, "--key", metavar="FINGERPRINT")

    def _time(self, parser: argparse.ArgumentParser, *, required: bool) -> None:
        when: dict[str, Any] = {"metavar": "WHEN", "required": required}
        parser.add_argument("--from", dest="since", help=self._help("--since-when"), **when)
        parser.add_argument("--to", help=self._help("--until-when"), **when)

    def _report(self, commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
        report = self._verb(commands, "report")
        report.add_argument("what", nargs="?", choices=("calendar", "registry"))
        self._flag(report, "--period", metavar="2026-Q3")
        for flag, dest, key in (("--from", "first", "--first-day"), ("--to", "last", "--last-day")):
            report.add_argument(flag, dest=dest, metavar="2025-12-15", help=self._help(key))
        self._flag(report, "--by", choices=("old", "new"), default="new")
        for name in ("--out", "--registry"):
            self._flag(report, name, type=Path, metavar="FOLDER")
        for name in ("--records", "--calendar"):
            self._flag(report, name, type=Path, metavar="FILE")
        self._flag(report, "--today", metavar="2026-09-20")
        self._flag(report, "--no-check", dest="check", action="store_false")
        self._flag(report, "--anew", action="store_true")

    def _looking(self, commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
        self._verb(commands, "stations")
        status = self._verb(commands, "status")
        status.add_argument("station", nargs="?")
        asrun = self._verb(commands, "asrun")
        asrun.add_argument("--station")
        asrun.add_argument("--since", default="1d", metavar="2h | 3d | 2026-11-25")
        asrun.add_argument("--limit", type=int, default=200)
        self._records(commands)
        self._extract(commands)
        receipts = self._verb(commands, "receipts")
        receipts.add_argument("--station")
        receipts.add_argument("--since", default="30d", metavar="2h | 3d | 2026-11-25")
        receipts.add_argument("--limit", type=int, default=1_000)
        history = self._verb(commands, "history")
        history.add_argument("--limit", type=int, default=30)
