"""What districtctl says, in both languages, and in which language it speaks.

Owns the closed table of phrases. Problems have their own wording (`problems`), timetable faults
theirs (`timetable.findings`), station reasons theirs (`agent.contract.reasons`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import NamedTuple

from agent.contract.reasons import Lang


class Phrase(NamedTuple):
    vi: str
    en: str


PHRASES: dict[str, Phrase] = {
    "keys_made": Phrase("đã tạo và thử xong {count} khóa", "{count} keys made and proven"),
    "keys_elsewhere": Phrase(
        "khóa của người giữ thứ hai hoặc bản sao lưu: {where}. Mang đi nơi khác.",
        "the second holder's keys or the backup: {where}. Take it elsewhere.",
    ),
    "keys_need_second": Phrase(
        "một người một khóa thì mất là mất cả: thêm --second-holder TÊN --second-dir USB, "
        "hoặc --backup THƯ_MỤC",
        "one person with one key can lose everything: add --second-holder NAME --second-dir "
        "STICK, or --backup FOLDER",
    ),
    "kept_home": Phrase("ở đây", "here"),
    "kept_holder": Phrase("nơi khác", "elsewhere"),
    "expires_in": Phrase("còn {days} ngày", "{days} days left"),
    "expired": Phrase("ĐÃ HẾT HẠN", "EXPIRED"),
    "enrolled": Phrase("đã ghi danh {name}", "{name} enrolled"),
    "bundle": Phrase("chép thư mục này sang đài: {where}", "copy this folder to the box: {where}"),
    "obeys": Phrase("nghe thêm: {names}", "obeys also: {names}"),
    "keys_exported": Phrase(
        "khóa công khai, không có bí mật: {where}. Bên kia: districtctl enrol ĐÀI --obey {where}",
        "public keys, no secret: {where}. Over there: districtctl enrol STATION --obey {where}",
    ),
    "csr_note": Phrase("khóa ở lại trên đài (CSR)", "its key stays on the box (CSR)"),
    "nothing_sent": Phrase(
        "CHƯA GỬI GÌ ({errors} lỗi, {warnings} cảnh báo)",
        "NOTHING WAS SENT ({errors} errors, {warnings} warnings)",
    ),
    "dry_run": Phrase("chỉ xem thử, chưa gửi gì", "a dry run, nothing was sent"),
    "diff": Phrase(
        "so bản {base}: +{added} −{removed}, đổi {changed}",
        "against revision {base}: +{added} −{removed}, {changed} changed",
    ),
    "diff_first": Phrase("bản đầu tiên: {added} mục", "the first revision: {added} entries"),
    "diff_none": Phrase("không khác bản {base}", "no different from revision {base}"),
    "next": Phrase("sắp tới", "next"),
    "never": Phrase("không còn lượt nào", "no occurrence is left"),
    "regulation_unnamed": Phrase("Quy chế hoạt động", "Operating regulation"),
    "regulation_written": Phrase(
        "đã chép ra {where}; sửa rồi gửi: districtctl regulation {where} --to ĐÀI",
        "copied to {where}; edit it, then: districtctl regulation {where} --to STATION",
    ),
    "regulation_goes_to": Phrase(
        "{station}: bản {revision}, lịch giữ nguyên",
        "{station}: revision {revision}, its timetable stays as it is",
    ),
    "regulation_keeps_none": Phrase(
        "14 ngày tới không mục nào bị giữ lại", "nothing is kept back in the coming 14 days"
    ),
    "regulation_keeps": Phrase(
        "14 ngày tới sẽ bị giữ lại hoặc cắt ({count}), lần đầu:",
        "kept back or cut in the coming 14 days ({count}), for the first time:",
    ),
    "rule_cut": Phrase("bị cắt", "cut"),
    "rule_any_time": Phrase("giờ nào cũng được phát", "at any time"),
    "rule_minutes": Phrase("tối đa {count} phút", "at most {count} minutes"),
    "rule_sessions": Phrase("tối đa {count} buổi một ngày", "at most {count} sessions a day"),
    "rule_silent": Phrase("không phát ngày {dates}", "silent on {dates}"),
    "rule_ceiling": Phrase("âm lượng tối đa {volume}", "volume at most {volume}"),
    "rule_languages": Phrase("ngôn ngữ: {languages}", "languages: {languages}"),
    "rule_nobody_asked": Phrase(
        "bản tin cấp trên phát không cần hỏi xã", "bulletins from above play without asking"
    ),
    "rule_asked": Phrase(
        "bản tin thông thường của cấp trên chờ xã duyệt",
        "ordinary bulletins from above wait for the commune",
    ),
    "rule_standing": Phrase(
        "{authority}: đã duyệt sẵn theo {document}", "{authority}: approved in advance, {document}"
    ),
    "rule_differs": Phrase("người soạn không được tự duyệt", "who made an item may not approve it"),
    "sending": Phrase(
        "gửi bản {revision}, chờ biên nhận…", "sending revision {revision}, then waiting…"
    ),
    "goes_to": Phrase(
        "bản {revision}: {entries} mục, {size}/{most} KB, cho {count} đài: {stations}",
        "revision {revision}: {entries} entries, {size}/{most} KB, to {count} stations: {stations}",
    ),
    "not_asked": Phrase(
        "không nối được máy chủ MQTT: chỉ so với những gì máy này đã gửi",
        "the broker cannot be reached: compared only with what this machine has sent",
    ),
    "newer": Phrase(
        "có người đã gửi bản mới hơn ({who}): xem khác biệt, rồi gửi với --base bản đó",
        "somebody has pushed a newer revision ({who}): look at the difference, then push with"
        " --base of it",
    ),
    "tone_taken_up": Phrase(
        "đã nhận, sắp phát; đài không báo là đã ra tiếng: hãy nghe hoặc xem districtctl status",
        "taken up, about to sound; whether it was heard is not told: listen, or districtctl status",
    ),
    "airs_again": Phrase(
        "{title}: hôm nay đã đến lượt lúc {was}, dời sang {again} thì phát thêm lần nữa",
        "{title}: was due today at {was} already; moved to {again} it plays once more",
    ),
    "slot_unwanted": Phrase(
        "không mục nào trong các lịch đã gửi dùng “{slot}”: chưa phát ở đâu",
        "no entry of the timetables that were sent uses “{slot}”: it plays nowhere yet",
    ),
    "slot_meant": Phrase("Ý bạn “{slot}”?", "Did you mean “{slot}”?"),
    "empty_slots": Phrase(
        "chưa có tệp cho {days} ngày tới:", "no file yet for the next {days} days:"
    ),
    "every_day": Phrase("mọi ngày", "every day"),
    "and_more": Phrase("… và {count} ô nữa", "… and {count} slots more"),
    "publish_hint": Phrase(
        "districtctl publish TỆP --slot {slot}{date} {to}",
        "districtctl publish FILE --slot {slot}{date} {to}",
    ),
    "delivered": Phrase(
        "bản {revision}: áp dụng {applied}/{all} · chờ mạng {waiting} · TỪ CHỐI {refused}",
        "revision {revision}: applied {applied}/{all} · waiting {waiting} · REFUSED {refused}",
    ),
    "rollback_hint": Phrase(
        "trả lại: districtctl push --rollback {base} {to}",
        "go back: districtctl push --rollback {base} {to}",
    ),
    "also_own": Phrase(
        "{stations} còn lịch riêng: hai lịch được gộp",
        "{stations} also have a timetable of their own: both play",
    ),
    "published": Phrase(
        "{slot} {date}: {length}, {size} kB, đo bằng {by}",
        "{slot} {date}: {length}, {size} kB, measured by {by}",
    ),
    "counted": Phrase("số mẫu trong tệp", "its sample count"),
    "replaced": Phrase("thay tệp cũ {old}", "replaces {old}"),
    "will_say": Phrase("Sẽ nói: “{text}”", "Will say: “{text}”"),
    "reaches": Phrase("{stations} đài, {zones} khu vực loa", "{stations} stations, {zones} zones"),
    "warned": Phrase("cảnh báo {id} đã gửi", "warning {id} sent"),
    "cancel_hint": Phrase(
        "hủy: districtctl warn cancel {id}", "cancel: districtctl warn cancel {id}"
    ),
    "cancelled": Phrase("đã hủy {id}", "{id} cancelled"),
    "second_needed": Phrase(
        "CHƯA PHÁT: lời tự do cần chữ ký thứ hai",
        "NOT ON AIR: free text needs a second signature",
    ),
    "second_hint": Phrase(
        "districtctl cosign {id} --key KHÓA_NGƯỜI_THỨ_HAI",
        "districtctl cosign {id} --key SECOND_OFFICERS_KEY",
    ),
    "no_warnings": Phrase("không có cảnh báo nào đang hiệu lực", "no warning is active"),
    "until": Phrase("đến {when}", "until {when}"),
    "command_sent": Phrase("lệnh {id} đã gửi", "command {id} sent"),
    "no_answer": Phrase("chưa trả lời", "no answer yet"),
    "state_online": Phrase("có mạng", "online"),
    "state_leaving": Phrase("đã tắt", "switched off"),
    "state_lost": Phrase("MẤT LIÊN LẠC", "LOST"),
    "state_never": Phrase("chưa thấy lần nào", "never seen"),
    "state_unheard": Phrase("lúc ấy còn mạng, bây giờ không rõ", "was online then, not known now"),
    "not_listening": Phrase(
        "KHÔNG AI ĐANG NGHE các đài: {why}; bên dưới là bức tranh {when}",
        "NOBODY LISTENS to the stations: {why}; below is the picture {when}",
    ),
    "broker_silent": Phrase("máy chủ MQTT không trả lời", "the broker does not answer"),
    "collector_silent": Phrase("bộ thu không chạy", "the collector does not run"),
    "picture_of": Phrase("lúc {time} ({ago} trước)", "of {time} ({ago} ago)"),
    "picture_none": Phrase("chưa có", "that is not there yet"),
    "unheard_count": Phrase("{count} đài không rõ bây giờ", "of {count} nothing is known now"),
    "alarms_old": Phrase(
        "{count} cảnh báo của lần cài đặt trước: không rõ kết thúc, không tính nữa",
        "{count} of an earlier installation: end unknown, no longer counted",
    ),
    "alarms_untold": Phrase(
        "nhịp báo cho biết {count} cảnh báo, ở đây mới có {known}",
        "the heartbeat counts {count} alarms, {known} have come here",
    ),
    "without_languages": Phrase("THIẾU TIẾNG: {names}", "NOT SAID IN: {names}"),
    "ago": Phrase("{time} trước", "{time} ago"),
    "applied": Phrase("áp dụng", "applied"),
    "behind": Phrase("đang chờ bản {revision}", "revision {revision} still waiting"),
    "refused": Phrase("TỪ CHỐI", "REFUSED"),
    "awaiting": Phrase("thiếu tệp: {slots}", "files not published: {slots}"),
    "missing": Phrase("chưa tải xong {count} tệp", "{count} files not fetched yet"),
    "noted": Phrase("{by} đã nhận", "noted by {by}"),
    "details_at": Phrase("chi tiết lúc {time}", "details of {time}"),
    "place_unknown": Phrase("vị trí ? chưa biết", "place ? unknown"),
    "place_fixed": Phrase("vị trí {where} (khai báo)", "place {where} (as configured)"),
    "place_gps": Phrase("vị trí {where} (GPS)", "place {where} (GPS)"),
    "undervoltage": Phrase("nguồn bo mạch đang yếu", "the board's supply is too low"),
    "undervoltage_seen": Phrase(
        "nguồn bo mạch từng yếu từ khi bật", "the board's supply was too low since its start"
    ),
    "storage": Phrase("bộ nhớ trống {free}", "storage free {free}"),
    "worn": Phrase("mòn {worn}", "worn {worn}"),
    "booted": Phrase("bật từ {time}, lần thứ {boots}", "up since {time}, start {boots}"),
    "counts": Phrase(
        "phần mềm chạy từ {since}, lần {starts}", "agent since {since}, start {starts}"
    ),
    "counts_done": Phrase(
        "{items} lượt phát, {connects} lần nối, {alarms} báo động",
        "{items} items, {connects} connects, {alarms} alarms",
    ),
    "counts_lost": Phrase(
        "mất tiếng {sound} lần, mất bộ điều khiển {controllers} lần",
        "sound lost {sound}, controller lost {controllers} times",
    ),
    "counts_torn": Phrase(
        "hụt tiếng {underruns} lần, mở lại thẻ {reopened} lần",
        "sound torn {underruns}, card re-opened {reopened} times",
    ),
    "zone_volume": Phrase("âm lượng {volume} ({by})", "volume {volume} ({by})"),
    "zone_playing": Phrase("đang phát {entry}", "playing {entry}"),
    "zone_level": Phrase("mức ra {level} dB lúc {time}", "output {level} dB at {time}"),
    "mains_yes": Phrase("ampli có điện", "amplifier on mains"),
    "mains_no": Phrase("AMPLI MẤT ĐIỆN", "NO MAINS AT THE AMPLIFIER"),
    "mains_unknown": Phrase("điện ampli ? không đo", "amplifier's mains ? not measured"),
    "alarms": Phrase("{count} cảnh báo kỹ thuật", "{count} alarms"),
    "on_air": Phrase("đang phát {what}", "on air: {what}"),
    "summary": Phrase(
        "{all} đài: {online} có mạng · {lost} mất liên lạc · {never} chưa thấy",
        "{all} stations: {online} online · {lost} lost · {never} never seen",
    ),
    "last_run": Phrase("vừa phát", "last"),
    "none": Phrase("chưa có gì", "nothing yet"),
    "certificate": Phrase("chứng thư còn {days} ngày", "certificate: {days} days left"),
    "played": Phrase("ĐÃ PHÁT", "PLAYED"),
    "partial": Phrase("MỘT PHẦN", "PARTLY"),
    "skipped": Phrase("KHÔNG PHÁT", "SKIPPED"),
    "confirmed_yes": Phrase("xác nhận có tiếng", "confirmed"),
    "confirmed_no": Phrase("KHÔNG RA TIẾNG", "NOT CONFIRMED"),
    "confirmed_unknown": Phrase("không đo được", "not measured"),
    "report_done": Phrase(
        "báo cáo {title}: {stations} đài, {plays} lượt theo lịch, phát đủ {played}",
        "report {title}: {stations} stations, {plays} plays planned, {played} played in full",
    ),
    "report_unfinished": Phrase(
        "kỳ chưa kết thúc: số liệu chỉ đến lúc này",
        "the period is not over: the figures end now",
    ),
    "report_silent": Phrase(
        "{station}: không có bản ghi nào trong kỳ", "{station}: not a single record in this period"
    ),
    "report_missing": Phrase(
        "thiếu {count} bản ghi, xem tờ Phạm vi dữ liệu",
        "{count} records are missing, see the sheet Phạm vi dữ liệu",
    ),
    "report_unchecked": Phrase("chuỗi băm chưa được kiểm", "the chains were not checked"),
    "calendar_examples": Phrase(
        "chưa có report-calendar.toml: đây là ví dụ từ các kế hoạch đã thấy",
        "there is no report-calendar.toml: these are examples from plans that were seen",
    ),
    "due_left": Phrase("còn {days} ngày", "{days} days left"),
    "due_today": Phrase("HÔM NAY LÀ NGÀY CUỐI", "TODAY IS THE LAST DAY"),
    "due_over": Phrase("ĐÃ QUA {days} ngày", "{days} days PAST"),
    "due_before": Phrase("trước {day}", "before {day}"),
    "due_by": Phrase("đến hết {day}", "by {day}"),
    "due_unknown": Phrase("chưa rõ hạn", "date not known"),
    "due_on_demand": Phrase("khi được yêu cầu", "on demand"),
    "due_folded": Phrase("gồm cả {what}", "with {what}"),
    "due_unfinished": Phrase(
        "hạn nộp trước khi hết kỳ: báo cáo sẽ ghi rõ số liệu đến ngày nào",
        "due before the period ends: the report says until when its figures go",
    ),
    "report_undelivered": Phrase(
        "các đài nói đã ghi thêm {count} bản ghi mà chưa gửi đến",
        "the stations say they wrote {count} records more that have not come",
    ),
    "registry_none": Phrase(
        "chưa có sổ danh mục ở {folder}; mẫu: config/examples/registry",
        "no registry is kept in {folder}; an example: config/examples/registry",
    ),
    "registry_good": Phrase(
        "sổ danh mục đúng: {stations} đài, {hamlets} thôn, {boards} bảng tin, {assets} tài sản",
        "the registry is good: {stations} stations, {hamlets} hamlets, {boards} boards, "
        "{assets} assets",
    ),
    "registry_wrong": Phrase("{count} chỗ phải sửa", "{count} places to mend"),
    "serving": Phrase(
        "hệ thống nguồn đang chạy; Ctrl-C để dừng", "the district is running; Ctrl-C ends it"
    ),
    "serve_broker": Phrase("MQTT cho đài", "MQTT for stations"),
    "serve_content": Phrase("tệp âm thanh", "sound files"),
    "serve_bundles": Phrase("thư mục ghi danh", "enrolment bundles"),
    "stopped": Phrase("đã dừng", "stopped"),
    "records": Phrase("nhật ký", "records"),
    "records_range": Phrase(
        "bản ghi {first}–{last}, {since} → {until}, {count} bản ghi",
        "records {first}–{last}, {since} → {until}, {count} of them",
    ),
    "records_signed": Phrase(
        "đài đã ký đến {seq} lúc {when}, khóa {signer}",
        "signed to {seq} at {when}, key {signer}",
    ),
    "records_after": Phrase(
        "{count} bản ghi sau đó chưa ký", "{count} records after it are not signed yet"
    ),
    "records_tonight": Phrase("đài ký mỗi đêm", "the station signs each night"),
    "records_late": Phrase(
        "đã quá một đêm: đài mất liên lạc, hoặc bản ghi mang chữ ký bị thiếu",
        "a night has passed: the station is out of reach, or the record that signs is missing",
    ),
    "key_only_seen": Phrase(
        "khóa này chỉ mới thấy lần đầu, chưa ai so vân tay",
        "this key was only seen at first contact, nobody compared it",
    ),
    "records_unsigned": Phrase(
        "có chuỗi nhưng chưa bản nào được đài ký", "chained, but nothing is signed by the station"
    ),
    "records_unchained": Phrase(
        "phần mềm cũ: không có chuỗi, không kiểm được", "older software: no chain to check"
    ),
    "records_lost": Phrase(
        "chính đài cũng không còn giữ những bản ghi này", "the station itself has lost them"
    ),
    "found_on_arrival": Phrase("{when} {name}, khi nhận:", "{when} {name}, on arrival:"),
    "first_contact": Phrase("lần gặp đầu, chưa ai so vân tay", "first contact, compared by nobody"),
    "key_current": Phrase("đang dùng từ {first} ({by})", "in use since {first} ({by})"),
    "key_retired": Phrase("đã thay lúc {when}", "replaced at {when}"),
    "key_waits": Phrase("CHƯA CHẤP NHẬN, thấy từ {first}", "NOT ACCEPTED, first shown at {first}"),
    "compare_key": Phrase(
        "so vân tay tại đài bằng stationctl doctor, đúng thì",
        "compare it at the box with stationctl doctor; if it is the same",
    ),
    "extract_made": Phrase(
        "trích lục: {where}, {count} lượt phát", "extract: {where}, {count} items"
    ),
    "extract_signed": Phrase(
        "ký bằng khóa của {holder}, vân tay {signer}",
        "signed with the key of {holder}, fingerprint {signer}",
    ),
    "extract_incomplete": Phrase(
        "bản ghi của thời gian này thiếu, sai hoặc chưa về đủ; trích lục có ghi rõ",
        "records of this time are missing, wrong or not all here yet; the extract says so",
    ),
    "extract_no_browser": Phrase(
        "không có chromium, chưa in PDF: mở tệp HTML rồi in",
        "there is no chromium to print a PDF: open the HTML file and print it",
    ),
    "extract_not_printed": Phrase("chưa in được PDF: {detail}", "no PDF was printed: {detail}"),
    "extract_holds": Phrase(
        "mọi tệp đúng chữ ký; {count} lượt phát khớp bản ghi gốc của đài",
        "all files are as signed; {count} items agree with the station's own records",
    ),
    "extract_station_key": Phrase(
        "bản ghi do đài ký, vân tay khóa {signer}", "records signed by the station, key {signer}"
    ),
    "signer_known": Phrase(
        "{holder} ({authority}) đã ký, vân tay {signer}",
        "signed by {holder} ({authority}), fingerprint {signer}",
    ),
    "signer_unproven": Phrase(
        "KHÔNG có chữ ký đúng của {holder} ({authority}), vân tay {signer}",
        "there is NO right signature of {holder} ({authority}), fingerprint {signer}",
    ),
    "signer_unknown": Phrase(
        "tự xưng {holder} ({authority}), KHÔNG BIẾT KHÓA NÀY: hỏi đơn vị vân tay của họ và so với "
        "{signer}, rồi thêm --key VÂN-TAY",
        "claims to be {holder} ({authority}), THIS KEY IS NOT KNOWN: ask them for their "
        "fingerprint, compare with {signer}, then add --key FINGERPRINT",
    ),
    "fault_file_missing": Phrase("thiếu tệp {where}", "file {where} is missing"),
    "fault_file_changed": Phrase("tệp {where} đã bị sửa", "file {where} was changed"),
    "fault_file_added": Phrase(
        "tệp {where} không thuộc trích lục", "file {where} is not part of the extract"
    ),
    "fault_not_an_extract": Phrase(
        "không phải trích lục, hoặc không đọc được: {where}",
        "not an extract, or it cannot be read: {where}",
    ),
    "fault_bad_signature": Phrase("chữ ký {where}không đúng", "the signature {where}is wrong"),
    "fault_key_differs": Phrase(
        "khóa kèm theo không phải khóa ghi trong trích lục {where}",
        "the key beside it is not the one the extract names {where}",
    ),
    "fault_records_wrong": Phrase(
        "bản ghi gốc của đài có chỗ sai mà trích lục không nêu: {where}",
        "the station's records are wrong where the extract does not say so: {where}",
    ),
    "fault_table_differs": Phrase(
        "trích lục khác bản ghi gốc của đài ({where})",
        "the extract says something else than the station's records ({where})",
    ),
    "fault_evidence_differs": Phrase(
        "khoảng bản ghi đã kiểm không đúng như trích lục nêu {where}",
        "the range of records is not what the extract says {where}",
    ),
    "doc_trust": Phrase("danh sách tin cậy", "trust document"),
    "doc_schedule": Phrase("lịch", "timetable"),
    "doc_content": Phrase("danh mục tệp", "content list"),
    "doc_warning": Phrase("cảnh báo", "warnings"),
    "receipt_applied": Phrase("áp dụng", "applied"),
    "receipt_regulation": Phrase("quy chế mới: {name}", "new regulation: {name}"),
    "receipt_changed": Phrase("thay", "changed"),
    "receipt_deleted": Phrase("xóa", "deleted"),
    "receipt_dropped": Phrase("mất hiệu lực", "dropped"),
    "receipt_refused": Phrase("TỪ CHỐI", "REFUSED"),
    "receipt_counts": Phrase(
        "{entries} mục: +{added} −{removed}, đổi {changed}",
        "{entries} entries: +{added} −{removed}, {changed} changed",
    ),
    "live_sent": Phrase(
        "TRỰC TIẾP {title}: bắt đầu {start}, tự hết {end}, {kbps} kbit/giây, mã {entry}",
        "LIVE {title}: begins {start}, ends by itself {end}, {kbps} kbit/s, id {entry}",
    ),
    "live_now": Phrase(
        "ĐANG PHÁT, Ctrl-C để dừng hẳn ở mọi đài", "ON THE AIR, Ctrl-C ends it at every station"
    ),
    "live_speak": Phrase(
        "NÓI ĐI, Ctrl-C để dừng hẳn ở mọi đài", "SPEAK NOW, Ctrl-C ends it at every station"
    ),
    "live_receivers": Phrase(
        "{now} kết nối đang nghe, nhiều nhất {most}, còn {left}",
        "{now} connected, {most} at most, {left} left",
    ),
    "live_soon": Phrase(
        "sắp tự hết: còn 30 giây, lời trong 4 giây cuối có thể không ra loa",
        "it ends by itself in 30 s; what is said in the last 4 s may not be heard",
    ),
    "live_draining": Phrase(
        "đã tắt tiếng vào, chờ {seconds} giây cho lời cuối ra loa (Ctrl-C: dừng ngay)",
        "nothing more is taken in; {seconds} s for the last words to be heard (Ctrl-C: at once)",
    ),
    "live_finished": Phrase("hết giờ, đã kết thúc", "over, it ended by itself"),
    "live_stopped": Phrase("đã dừng theo yêu cầu", "stopped, as was asked"),
    "live_studio_lost": Phrase(
        "MẤT TIẾNG TỪ PHÒNG THU, đã dừng ({why})", "THE STUDIO'S SOUND WAS LOST, ended ({why})"
    ),
    "live_refused": Phrase("mọi đài đều từ chối, đã dừng", "every station refused it, ended"),
    "live_told_end": Phrase("đã báo các đài là hết", "the stations were told that it is over"),
    "live_end_untold": Phrase(
        "chưa báo được cho đài; luồng đã ngắt và mục tự hết lúc {end}",
        "the stations could not be told; the stream is cut and the entry ends by itself {end}",
    ),
    "live_from": Phrase("{address}: {count} kết nối", "{address}: {count} connected"),
    "live_recording": Phrase(
        "bản ghi {where}, {kb} KB, sha256 {sha}", "recorded in {where}, {kb} KB, sha256 {sha}"
    ),
    "live_asrun": Phrase(
        "đài nào thật sự đã phát: districtctl asrun", "what was really played: districtctl asrun"
    ),
    "live_title": Phrase("Trực tiếp", "Live"),
    "live_now_short": Phrase("đang phát", "on the air"),
    "live_dead": Phrase(
        "chương trình phát đã mất mà chưa báo các đài: districtctl live stop {entry}",
        "its program was lost and the stations were not told: districtctl live stop {entry}",
    ),
    "live_none": Phrase("chưa có buổi trực tiếp nào", "there was no live session yet"),
    "ask_passphrase": Phrase("Mật khẩu khóa {name}: ", "Passphrase of {name}: "),
}

_MARKS: Mapping[str, str] = {"ok": "✓", "bad": "✗", "note": "!", "wait": "…", "unknown": "?"}


def language(asked: str | None, environment: Mapping[str, str] = os.environ) -> Lang:
    """--lang, else the locale, else Vietnamese."""
    if asked in ("vi", "en"):
        return "en" if asked == "en" else "vi"
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if environment.get(name, "").startswith("en"):
            return "en"
    return "vi"


SINGULAR = {
    "alarms": "alarm",
    "assets": "asset",
    "boards": "board",
    "days": "day",
    "entries": "entry",
    "errors": "error",
    "files": "file",
    "hamlets": "hamlet",
    "items": "item",
    "keys": "key",
    "minutes": "minute",
    "places": "place",
    "plays": "play",
    "records": "record",
    "sessions": "session",
    "slots": "slot",
    "stations": "station",
    "warnings": "warning",
    "zones": "zone",
}
"""English words that phrases count, and what one of them is called."""

_ONE_OF_MANY = re.compile(rf"(?<![\d.,:/-])1 ({'|'.join(SINGULAR)})\b")


def mark(name: str) -> str:
    return _MARKS[name]


def say(key: str, lang: Lang, **values: object) -> str:
    phrase = PHRASES[key]
    if lang == "vi":
        return phrase.vi.format(**values)
    return _ONE_OF_MANY.sub(lambda found: "1 " + SINGULAR[found[1]], phrase.en.format(**values))
