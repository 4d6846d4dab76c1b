"""Every sentence `stationctl` says of its own, in both languages, in one table.

Those about decisions are written in `texts_deciding`, those about the card in `texts_audio`.
Reasons and alarms have their texts in `agent.contract.reasons`. A test holds the two languages to
the same placeholders and every key to a use.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from agent.cli.texts_audio import AUDIO
from agent.cli.texts_deciding import DECIDING
from agent.contract.reasons import Lang

__all__ = ["TEXTS", "Lang", "say"]


class Both(NamedTuple):
    vi: str
    en: str


def say(lang: Lang, key: str, **values: object) -> str:
    """The text `key` with its placeholders filled. An unknown key is a bug: KeyError."""
    text = TEXTS[key]
    if lang == "vi":
        return text.vi.format(**values)

    def one_of_many(found: re.Match[str]) -> str:
        many = values.get(found[1]) != 1
        return found[0] if many else f"{{{found[1]}}} {SINGULAR[found[2]]}"

    return _COUNTED.sub(one_of_many, text.en).format(**values)


SINGULAR = {
    "HOURS": "HOUR",
    "days": "day",
    "starts": "start",
    "tries": "try",
    "zones": "zone",
}
"""English words that texts count, and what one of them is called."""

_COUNTED = re.compile(rf"\{{(\w+)\}} ({'|'.join(SINGULAR)})\b")


TEXTS: dict[str, Both] = {
    **{key: Both(*words) for key, words in (DECIDING | AUDIO).items()},
    # --- words
    "now": Both("ĐANG PHÁT", "ON AIR"),
    "now-drill": Both("DIỄN TẬP ĐANG PHÁT", "DRILL ON AIR"),
    "now-emergency": Both("KHẨN CẤP ĐANG PHÁT", "EMERGENCY ON AIR"),
    "now-nothing": Both("ĐANG NGHỈ, không phát gì", "IDLE, nothing on air"),
    "next": Both("TIẾP", "NEXT"),
    "next-nothing": Both("không có lượt nào trong lịch", "nothing is planned"),
    "left": Both("còn {time}", "{time} left"),
    "elapsed": Both("đã {time}", "for {time}"),
    "carried": Both("nguồn: {source} từ {time}", "source: {source} since {time}"),
    "source-stream": Both("luồng {number}", "stream {number}"),
    "source-input": Both("ngõ vào {name}", "input {name}"),
    "source-file": Both("tệp", "file"),
    "source-text": Both("giọng đọc máy", "spoken text"),
    "source-tone": Both("tiếng hiệu", "tone"),
    "now-no-sound": Both("ĐẾN GIỜ MÀ KHÔNG CÓ TIẾNG: {titles}", "DUE, BUT NO SOUND: {titles}"),
    "not-started": Both("chưa ra tiếng", "not sounding yet"),
    "not-measured": Both("không đo được", "not measured"),
    "unknown": Both("không rõ", "unknown"),
    "fetched": Both("đã tải", "fetched"),
    "not-fetched": Both("chưa tải xong", "not fetched yet"),
    "no-zone": Both("chưa nối cụm loa nào", "no zone takes part"),
    "all-zones": Both("tất cả cụm loa", "all zones"),
    "more": Both("và {count} nữa", "and {count} more"),
    "zones-count": Both("{mark} {count} cụm", "{mark} {count} zones"),
    "since": Both("từ {time}", "since {time}"),
    "class-1": Both("khẩn cấp", "emergency"),
    "class-2": Both("ưu tiên", "priority"),
    "class-3": Both("thông thường", "normal"),
    # --- status: faults that are no alarms
    "player-lost": Both("bộ phát tiếng đã dừng", "the sound player is gone"),
    "player-lost-next": Both(
        "đài tự mở lại; nếu còn: stationctl doctor",
        "it is reopened by itself; if it stays: stationctl doctor",
    ),
    "player-starting": Both("bộ phát tiếng đang khởi động", "the sound player is starting"),
    "broker-lost": Both("mất liên lạc hệ thống nguồn", "source system unreachable"),
    "broker-lost-next": Both(
        "kiểm tra 4G/mạng; đài vẫn phát theo lịch", "check 4G/network; the station plays on"
    ),
    "refusal": Both(
        "từ chối {what} {revision} của {authority}: {reason}",
        "refused {what} {revision} of {authority}: {reason}",
    ),
    "schedule-none": Both("chưa nhận lịch phát nào", "no timetable has arrived"),
    "schedule-none-next": Both("nhờ nơi gửi: districtctl push", "ask the sender: districtctl push"),
    "schedule-empty": Both("lịch phát không có lượt nào", "the timetable has no occurrence at all"),
    "schedule-endless": Both("không có ngày hết", "no end"),
    "schedule-ended": Both("lịch phát đã hết từ {date}", "the timetable ended on {date}"),
    "schedule-ends": Both(
        "lịch phát hết sau {days} ngày, {date}", "the timetable ends in {days} days, {date}"
    ),
    "schedule-ends-next": Both(
        "nhờ nơi gửi lịch mới: districtctl push", "ask for a new one: districtctl push"
    ),
    "warning-issued": Both("ban hành {time}", "issued {time}"),
    "warning-until": Both("đến {time}", "until {time}"),
    "warning-plays": Both("đã phát {count} lượt", "plays: {count}"),
    "warning-again": Both("phát lại {time}", "again {time}"),
    "warning-owed": Both("chưa nghe được “{what}”: {zones}", "“{what}” was not heard in: {zones}"),
    "warning-owed-next": Both(
        "có điện, có ampli là đài tự phát; tạm thời báo bằng cách khác",
        "said by itself once mains and amplifier are back; tell them otherwise until then",
    ),
    "without-languages": Both("thiếu bản tiếng: {names}", "missing languages: {names}"),
    "drill-active": Both("còn hiệu lực: {what}", "a drill, in force: {what}"),
    "warning-active": Both("cảnh báo còn hiệu lực: {what}", "warning in force: {what}"),
    # --- link
    "link-title": Both("ĐƯỜNG MẠNG", "LINK"),
    "link-up": Both("nối được hệ thống nguồn {since}", "source system reached {since}"),
    "link-way": Both("ĐƯỜNG RA", "WAY OUT"),
    "link-none": Both("không có", "none"),
    "link-signal": Both("sóng", "signal"),
    "link-quality": Both("sóng {percent} %", "signal {percent} %"),
    "link-band": Both("băng {band}", "band {band}"),
    "link-why": Both("LẦN NGẮT TRƯỚC {why}", "LAST DISCONNECTION {why}"),
    "link-last": Both("LỖI GẦN NHẤT {time}: {why}", "LAST FAULT {time}: {why}"),
    "link-probe-next": Both(
        "muốn biết vì sao: ghi probe_url vào [link]", "to know why: write probe_url into [link]"
    ),
    "kind-ethernet": Both("dây mạng", "cable"),
    "kind-wifi": Both("Wi-Fi", "Wi-Fi"),
    "kind-modem": Both("4G", "4G"),
    "kind-other": Both("mạng", "link"),
    "roaming-on": Both("đang chuyển vùng, rất tốn tiền", "roaming, which is dear"),
    "roaming-possible": Both(
        "kết nối 4G cho phép chuyển vùng", "the 4G connection permits roaming"
    ),
    "roaming-next": Both(
        "tắt chuyển vùng trong kết nối 4G", "switch roaming off in the 4G connection"
    ),
    "roaming-off": Both("chuyển vùng: tắt", "roaming: off"),
    "roaming-allowed": Both("chuyển vùng: cho phép", "roaming: allowed"),
    "sim-expires": Both("SIM hết hạn {date}", "SIM expires {date}"),
    "data-month": Both("DỮ LIỆU {size}", "DATA {size}"),
    "data-plan": Both("DỮ LIỆU {size}/{plan} ({percent} %)", "DATA {size}/{plan} ({percent} %)"),
    "data-today": Both("hôm nay {size}", "today {size}"),
    "data-from": Both("từ {date}", "since {date}"),
    "mains-on": Both("ĐIỆN lưới", "POWER mains"),
    "mains-lost": Both("ĐIỆN ✗ mất lưới", "POWER ✗ no mains"),
    "mains-unknown": Both("ĐIỆN ? không đo được", "POWER ? not measured"),
    "battery": Both("ắc quy {percent} %", "battery {percent} %"),
    # --- status: the last lines
    "source-up": Both("NGUỒN nối {since}", "SOURCE up {since}"),
    "source-down": Both("NGUỒN mất {since}", "SOURCE lost {since}"),
    "source-never": Both("NGUỒN chưa nối được lần nào", "SOURCE never connected"),
    "clock-trusted": Both("GIỜ tin được", "CLOCK trusted"),
    "clock-untrusted": Both("GIỜ ✗ chưa tin được", "CLOCK ✗ not trusted"),
    "schedule": Both("LỊCH {revisions}", "TIMETABLE {revisions}"),
    "unsent": Both("CHƯA GỬI {count} bản ghi", "UNSENT {count} records"),
    "storage": Both("TRỐNG {size}", "FREE {size}"),
    "memory": Both("RAM {size}", "RAM {size}"),
    "temperature": Both("{value} °C", "{value} °C"),
    "uptime": Both("chạy {time}", "up {time}"),
    # --- documents
    "doc-trust": Both("danh sách tin cậy", "trust document"),
    "doc-schedule": Both("lịch", "timetable"),
    "doc-content": Both("danh mục tệp", "content list"),
    "doc-warning": Both("cảnh báo", "warning"),
    "doc-command": Both("lệnh", "command"),
    "revision": Both("bản {number}", "revision {number}"),
    # --- plan
    "plan-title": Both("LỊCH PHÁT {hours} GIỜ TỚI", "PLAN, NEXT {hours} HOURS"),
    "plan-id": Both("mã {id}", "id {id}"),
    # --- zones
    "zones-title": Both("CỤM LOA", "ZONES"),
    "zones-none": Both(
        "chưa khai báo cụm loa nào trong cấu hình", "the configuration names no zone"
    ),
    "zones-none-next": Both("thêm [[zone]] vào cấu hình", "add [[zone]] to the configuration"),
    "gate-open": Both("đang mở", "open"),
    "gate-closed": Both("đang tắt", "closed"),
    "gate-unknown": Both("cổng ? không đọc được", "gate ? not readable"),
    "gate-stays-open": Both("đáng lẽ tắt mà vẫn mở", "should be closed and is open"),
    "gate-stays-closed": Both("đáng lẽ mở mà vẫn tắt", "should be open and is closed"),
    "gate-next": Both("kiểm tra bộ điều khiển {controller}", "check controller {controller}"),
    "line-unknown": Both("đường loa ? không đo được", "line ? not measured"),
    "line-ok": Both("đường loa tốt", "line good"),
    "zone-silent": Both("không xác nhận có tiếng", "does not confirm its sound"),
    "zone-not-measured": Both("có tiếng hay không: không đo được", "sounding or not: not measured"),
    "volume": Both("âm lượng {volume} ({source})", "volume {volume} ({source})"),
    "volume-ceiling": Both(
        "âm lượng {volume}, trần của quy chế ({source} {wanted})",
        "volume {volume}, the regulation's ceiling ({source} {wanted})",
    ),
    "volume-ceilings": Both(
        "quy chế đang giới hạn, chỉ phát ở mức: {zones}",
        "the regulation's ceiling holds now, it sounds at: {zones}",
    ),
    "zone-no-mains": Both("ampli mất điện lưới, không có tiếng", "its amplifier has no mains"),
    "zone-no-mains-next": Both(
        "kiểm tra aptomat và điện lưới ở cụm loa",
        "check the breaker and the mains of the zone",
    ),
    "playing-not-yet": Both("đến lượt: {title}", "due: {title}"),
    "volume-timetable": Both("theo lịch", "timetable"),
    "volume-local": Both("đặt tại đài", "set here"),
    "volume-command": Both("theo lệnh", "by command"),
    "gain": Both("{value} dB", "{value} dB"),
    "level": Both("mức {value} dBFS", "level {value} dBFS"),
    "level-unknown": Both("mức ? không đo được", "level ? not measured"),
    "power-on": Both("ampli bật", "amplifier on"),
    "power-warming": Both("ampli đang nóng máy", "amplifier warming"),
    "power-off": Both("ampli tắt", "amplifier off"),
    "power-unknown": Both("ampli ? không đọc được", "amplifier ? not readable"),
    "lease-unsupported": Both("không tự tắt khi đài treo", "stays on if the station hangs"),
    "controller-state": Both(
        "bộ điều khiển {controller} {state}", "controller {controller} {state}"
    ),
    "playing": Both("phát: {title}", "playing: {title}"),
    # --- alarms
    "alarms-title": Both("BÁO ĐỘNG ĐANG MỞ", "OPEN ALARMS"),
    "alarms-none": Both("không có báo động nào", "no alarm is open"),
    "alarms-ack": Both(
        "Đã biết một báo động thì gõ: stationctl alarms ack TÊN",
        "To take note of one: stationctl alarms ack NAME",
    ),
    "alarm-noted": Both("{by} đã nhận {time}", "noted by {by} {time}"),
    "ack-which": Both("nhận báo động nào?", "which alarm?"),
    "alarm-none-such": Both(
        "không có báo động nào đang mở tên {wanted}", "no open alarm is called {wanted}"
    ),
    "alarm-several": Both(
        "{wanted}: có nhiều báo động, phải ghi rõ một", "{wanted}: several alarms, name one"
    ),
    "see-alarms": Both("xem: stationctl alarms", "look: stationctl alarms"),
    "done-ack": Both("đã nhận báo động: {alarm}", "noted: {alarm}"),
    "alarm-unknown": Both("báo động lạ: {code}", "strange alarm: {code}"),
    "alarm-unknown-next": Both(
        "cập nhật stationctl cùng bản với đài", "update stationctl to the agent's version"
    ),
    # --- journal
    "journal-title": Both("NHẬT KÝ, mới nhất trước", "JOURNAL, newest first"),
    "journal-through": Both("hệ thống nguồn đã nhận đến số {seq}", "received above up to {seq}"),
    "journal-none": Both("chưa có bản ghi nào", "no record yet"),
    "journal-strange": Both("bản ghi lạ", "strange record"),
    "source-receipt": Both("báo lại HTTTN: {what}", "told the source system: {what}"),
    "item-began": Both("bắt đầu phát {title} · {zones}", "{title} began · {zones}"),
    "receipt-applied": Both("đã áp dụng", "applied"),
    "regulation-changed": Both("quy chế: {name}", "regulation: {name}"),
    "receipt-changed": Both("đã thay bản cũ", "replaced the one before"),
    "receipt-deleted": Both("đã xóa hết mục", "all entries deleted"),
    "receipt-dropped": Both("mất hiệu lực", "lost its right"),
    "receipt-refused": Both("bị từ chối", "refused"),
    "records-signed": Both("đài ký nhật ký đến số {seq}", "the records up to {seq} are signed"),
    "outcome-played": Both("phát đủ {time}", "played {time}"),
    "outcome-partial": Both("phát một phần {time}", "partly, {time}"),
    "outcome-skipped": Both("không phát", "not played"),
    "confirmed-yes": Both("loa xác nhận", "confirmed"),
    "confirmed-no": Both("loa không xác nhận", "not confirmed"),
    "confirmed-unknown": Both("? không đo được", "? not measured"),
    "start-error": Both("lệch {value} ms", "off by {value} ms"),
    "broke-rules": Both("khẩn cấp, vượt: {rules}", "emergency, broke: {rules}"),
    "above-ceiling": Both("to hơn mức trần {ceiling} %", "louder than its ceiling of {ceiling} %"),
    "approver-named": Both("nơi gửi ghi người duyệt: {who}", "its sender names as approver: {who}"),
    "alarm-raised": Both("báo động: {what}", "alarm: {what}"),
    "alarm-acknowledged": Both("{by} đã nhận báo động: {what}", "{by} noted the alarm: {what}"),
    "alarm-cleared": Both("hết báo động: {what}", "alarm over: {what}"),
    "audit": Both("{by}: {what}", "{by}: {what}"),
    "audit-done": Both("xong", "done"),
    "warning-received": Both(
        "nhận cảnh báo {id} bản {revision}", "warning {id} revision {revision} received"
    ),
    "warning-sounded": Both(
        "đã phát cảnh báo {id} bản {revision}", "warning {id} revision {revision} sounded"
    ),
    "warning-cancelled": Both("cảnh báo {id} đã hủy", "warning {id} cancelled"),
    "warning-expired": Both("cảnh báo {id} hết hiệu lực", "warning {id} expired"),
    # --- doctor
    "doctor-title": Both("KIỂM TRA ĐÀI", "STATION CHECK"),
    "doctor-well": Both("mọi mục tốt", "all is well"),
    "check-config": Both("cấu hình", "config"),
    "check-clock": Both("giờ", "clock"),
    "check-power": Both("nguồn điện", "power"),
    "check-box": Both("thân máy", "box"),
    "check-link": Both("đường mạng", "link"),
    "check-data": Both("dung lượng", "data"),
    "check-broker": Both("hệ thống nguồn", "broker"),
    "check-certificate": Both("chứng thư", "certificate"),
    "check-content": Both("tệp âm thanh", "content"),
    "check-devices": Both("thiết bị âm thanh", "sound devices"),
    "check-sound": Both("thẻ âm thanh", "sound"),
    "check-controller": Both("bộ điều khiển", "controller"),
    "check-zones": Both("cụm loa", "zones"),
    "check-storage": Both("bộ nhớ", "storage"),
    "check-records": Both("nhật ký", "records"),
    "check-plan": Both("lịch", "plan"),
    "check-zone-none": Both("không có cụm loa nào tên {zone}", "no zone is called {zone}"),
    # --- doctor without the agent
    "offline-unknown": Both("chưa biết: đài chưa chạy", "unknown: the agent is not running"),
    "offline-config-good": Both("đọc được {path}", "{path} can be read"),
    "offline-config-missing": Both("không có tệp {path}", "there is no file {path}"),
    "offline-config-missing-next": Both(
        "chép từ tệp mẫu config/ hoặc thêm --config TỆP",
        "copy the example from config/ or give --config FILE",
    ),
    "config-not-toml": Both(
        "không phải tệp cấu hình: {path} ({why})", "this is no configuration: {path} ({why})"
    ),
    "config-not-toml-next": Both(
        "station-agent --check --config {path}", "station-agent --check --config {path}"
    ),
    "config-missing-next": Both(
        "xem lại tên tệp sau --config", "check the name of the file behind --config"
    ),
    "offline-config-denied": Both("không được phép đọc {path}", "{path} may not be read"),
    "offline-config-wrong": Both("{path}: {problem}", "{path}: {problem}"),
    "offline-config-wrong-next": Both(
        "sửa chỗ được nêu, rồi systemctl restart station-agent",
        "mend that place, then systemctl restart station-agent",
    ),
    "offline-config-checker": Both(
        "không nạp được phần đọc cấu hình: {problem}", "the config reader is missing: {problem}"
    ),
    "offline-config-checker-next": Both("cài lại commune-radio", "install commune-radio again"),
    "offline-clock-wrong": Both(
        "đồng hồ chỉ {date}, chắc chắn sai", "the clock says {date}, surely wrong"
    ),
    "offline-clock-wrong-next": Both(
        "nối mạng để lấy giờ: timedatectl", "connect the network; see timedatectl"
    ),
    "offline-storage-low": Both("chỉ còn trống {size}", "only {size} are free"),
    "offline-storage-low-next": Both(
        "xem tệp nào lớn: du -sh /var/lib/*", "look for big files: du -sh /var/lib/*"
    ),
    "offline-storage-good": Both("còn trống {size}", "{size} are free"),
    # --- the agent cannot be asked
    "no-socket": Both("đài chưa chạy: không có {path}", "the agent is not running: no {path}"),
    "no-socket-next": Both(
        "sudo systemctl start station-agent; nếu nơi khác: --socket ĐƯỜNG-DẪN",
        "sudo systemctl start station-agent; if it is elsewhere: --socket PATH",
    ),
    "socket-dead": Both(
        "đài đã dừng: không ai nghe ở {path}", "the agent has stopped: nobody listens at {path}"
    ),
    "socket-dead-next": Both(
        "sudo systemctl restart station-agent; xem journalctl -u station-agent -n 30",
        "sudo systemctl restart station-agent; see journalctl -u station-agent -n 30",
    ),
    "socket-denied": Both("không được phép hỏi đài qua {path}", "no permission to ask at {path}"),
    "denied-next": Both(
        "sudo usermod -aG {group} $USER rồi đăng nhập lại",
        "sudo usermod -aG {group} $USER, then log in again",
    ),
    "socket-slow": Both(
        "đài không trả lời trong {seconds} giây ({path})",
        "no answer within {seconds} seconds ({path})",
    ),
    "socket-slow-next": Both(
        "thử lại; nếu còn: sudo systemctl restart station-agent",
        "try again; if it stays: sudo systemctl restart station-agent",
    ),
    "socket-odd": Both(
        "không hỏi được đài qua {path}: {problem}",
        "the agent could not be asked at {path}: {problem}",
    ),
    "socket-odd-next": Both(
        "stationctl và đài phải cùng phiên bản: stationctl --version",
        "stationctl and agent must be of one version: stationctl --version",
    ),
    # --- what was done, what was refused
    "tone-taken-up": Both(
        "đã nhận, thử tiếng {seconds} giây: {zones}", "taken up, test tone {seconds} s: {zones}"
    ),
    "tone-confirmed": Both(
        "{zone}: đã phát {seconds} giây, cụm loa xác nhận",
        "{zone}: sounded {seconds} s, confirmed by the zone",
    ),
    "tone-not-measured": Both(
        "{zone}: đã phát {seconds} giây, không đo được ở loa",
        "{zone}: sounded {seconds} s, not measured at the loudspeaker",
    ),
    "tone-unheard": Both(
        "{zone}: không nghe được: {reason}",
        "{zone}: not heard: {reason}",
    ),
    "tone-partial": Both(
        "{zone}: chỉ phát {seconds} giây: {reason}", "{zone}: only {seconds} s sounded: {reason}"
    ),
    "tone-skipped": Both("{zone}: không phát: {reason}", "{zone}: did not sound: {reason}"),
    "tone-not-over": Both(
        "chưa biết kết quả thử tiếng", "the test tone's outcome is not known yet"
    ),
    "tone-unknown": Both(
        "đài không còn nhớ tiếng thử này (vừa khởi động lại?)",
        "the station no longer knows of this tone (was it restarted?)",
    ),
    "tone-unknown-next": Both("xem cụm loa: stationctl zones", "look: stationctl zones"),
    "done-volume": Both("âm lượng {zones}: {volume}", "volume of {zones}: {volume}"),
    "done-volume-auto": Both(
        "âm lượng {zones}: lại theo lịch", "volume of {zones}: by the timetable again"
    ),
    "not-stored": Both(
        "chưa ghi được vào bộ nhớ, mất điện là mất",
        "not yet on the disk, a power cut loses it",
    ),
    "not-stored-next": Both(
        "xem thẻ nhớ: stationctl doctor", "look at the card: stationctl doctor"
    ),
    "done-hold": Both("giữ lại {entry}", "{entry} is held"),
    "done-release": Both("bỏ giữ {entry}", "{entry} is released"),
    "done-skip": Both("bỏ qua {entry} lúc {time}", "{entry} at {time} is skipped"),
    "done-order": Both("thứ tự của {entry}: {order}", "order of {entry}: {order}"),
    "refused": Both("không làm: {reason}", "not done: {reason}"),
    "refused-unknown": Both("không làm: {code}", "not done: {code}"),
    "answer-odd": Both("đài trả lời lạ: {what}", "strange answer: {what}"),
    "zone-unknown": Both("không có cụm loa “{wanted}”", "there is no zone “{wanted}”"),
    "zone-several": Both("“{wanted}” có thể là nhiều cụm loa", "“{wanted}” may be several zones"),
    "entry-unknown": Both(
        "không có mục “{wanted}” trong lịch", "there is no entry “{wanted}” in the plan"
    ),
    "entry-several": Both("“{wanted}” có ở nhiều nơi gửi", "“{wanted}” has several senders"),
    "understood": Both("“{wanted}” hiểu là {name}", "“{wanted}” understood as {name}"),
    "choose": Both("chọn: {names}", "choose: {names}"),
    "see-plan": Both("xem mã: stationctl plan", "see the ids: stationctl plan"),
    "see-zones": Both("xem tên: stationctl zones", "see the names: stationctl zones"),
    # --- usage
    "usage": Both("lệnh gõ chưa đúng: {problem}", "wrong usage: {problem}"),
    "usage-next": Both("xem {program} --help", "see {program} --help"),
    "usage-required": Both("còn thiếu {what}", "missing {what}"),
    "usage-choice": Both("không có lệnh hay lựa chọn {what}", "no such command or choice {what}"),
    "usage-unrecognized": Both("thừa {what}", "not understood: {what}"),
    "usage-no-number": Both("{what}: {given} không phải số", "{what}: {given} is no number"),
    "usage-one-of": Both("cần một trong {what}", "one of {what} is needed"),
    "usage-no-value": Both("sau {what} còn thiếu nội dung", "{what}: a value is missing"),
    "usage-not-both": Both("không ghi {what} cùng với {other}", "{what} not with {other}"),
    "usage-takes-none": Both("sau {what} không ghi gì thêm", "{what} takes no value"),
    "usage-about": Both("{what}: {why}", "{what}: {why}"),
    "usage-number": Both(
        "phải là số từ {low} đến {high}: {given}", "must be a number from {low} to {high}: {given}"
    ),
    "usage-volume": Both(
        "phải là số 0–100 hoặc auto: {given}", "must be a number 0–100 or auto: {given}"
    ),
    "help-about": Both(
        "Xem và điều khiển đài truyền thanh này.", "Look at and operate this loudspeaker station."
    ),
    "help-exit": Both(
        "Mã thoát: 0 tốt · 1 có lỗi hoặc bị từ chối · 2 gõ sai · 3 không hỏi được đài",
        "Exit status: 0 good · 1 fault or refused · 2 usage · 3 agent not reachable",
    ),
    "help-status": Both("đài đang thế nào, lỗi nặng nhất trước", "how the station is, worst first"),
    "help-plan": Both("sắp phát gì", "what comes next"),
    "help-zones": Both("từng cụm loa", "each loudspeaker zone"),
    "help-test-tone": Both("phát tiếng thử", "play a test tone"),
    "help-volume": Both("đặt âm lượng tại đài", "set the volume here"),
    "help-link": Both("đường mạng, sóng, dung lượng", "the way out, its signal, its data"),
    "help-ack": Both("nhận một báo động", "take note of an alarm"),
    "help-ack-what": Both(
        "báo động nào: vài chữ trên màn hình, hoặc mã", "which: words of the screen, or its code"
    ),
    "help-alarms": Both("báo động đang mở", "open alarms"),
    "help-journal": Both("đã phát gì, việc gì đã xảy ra", "what played, what happened"),
    "help-doctor": Both("từng mục kiểm tra, kèm cách xử lý", "checks, each with its next step"),
    "help-hold": Both("giữ một mục, chưa cho phát", "do not start an entry"),
    "help-release": Both("bỏ giữ một mục", "let a held entry play"),
    "help-skip": Both("bỏ qua một lượt phát", "skip one occurrence"),
    "help-order": Both("xếp thứ tự mục trùng giờ", "order entries of the same time"),
    "help-socket": Both("ổ cắm điều khiển của đài", "control socket of the agent"),
    "help-config": Both("tệp cấu hình", "configuration file"),
    "help-lang": Both("ngôn ngữ (mặc định theo máy)", "language (default: locale, else vi)"),
    "help-json": Both("in nguyên câu trả lời dạng JSON", "print the answer as JSON"),
    "help-width": Both("số cột", "columns"),
    "help-no-color": Both("không tô màu", "no colours"),
    "help-version": Both("phiên bản", "version"),
    "help-hours": Both("số giờ tới (1–336)", "hours ahead (1–336)"),
    "help-seconds": Both("số giây (1–60)", "seconds (1–60)"),
    "help-count": Both("số bản ghi (1–1000)", "records (1–1000)"),
    "help-zone": Both("tên cụm loa, không cần dấu", "zone; letters without marks will do"),
    "help-zone-all": Both("tên cụm loa, hoặc all", "zone, or all"),
    "help-level": Both("0–100, hoặc auto: theo lịch", "0–100, or auto: by the timetable"),
    "help-entry": Both("mã mục: nơi-gửi/mã hoặc mã", "entry: authority/id or id"),
    "help-nominal": Both("giờ của lượt (mặc định lượt tới)", "its time (default: the next)"),
    "help-rank": Both("số nhỏ đi trước (-1000…1000)", "lower goes first (-1000…1000)"),
}
