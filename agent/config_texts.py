"""What is said of a wrong configuration, and what to do about it, in both languages.

A test holds the two languages to the same placeholders and every key to a use.
"""

from __future__ import annotations

from agent.contract.texts import Words

# The table is read and translated as a table.
# fmt: off
TEXTS: dict[str, Words] = {
    # --- the file
    "file": Words("không đọc được: {why}", "cannot be read: {why}"),
    "file-next": Words("kiểm tra đường dẫn và quyền đọc", "Check the path and who may read it"),
    "not-utf8": Words("không phải UTF-8 ở byte {at}", "not UTF-8 at byte {at}"),
    "not-utf8-next": Words("lưu lại tệp dạng UTF-8", "Save the file as UTF-8"),
    "toml": Words("không phải TOML: {why}", "not TOML: {why}"),
    "toml-next": Words(
        "sửa dòng này; chữ đứng trong ngoặc kép", "Mend this line; texts stand in quotes"),
    # --- keys
    "no-such-key": Words("không có khóa này", "no such key"),
    "did-you-mean": Words("Có phải \"{name}\"?", "Did you mean \"{name}\"?"),
    "unit-in-key": Words(
        "Khóa là \"{name}\": đơn vị nằm trong tên khóa, giá trị là số nguyên",
        "The key is \"{name}\": the unit is part of its name, the value a whole number"),
    "known-here": Words("Ở đây có: {names}", "Known here: {names}"),
    "missing": Words("còn thiếu", "is missing"),
    "missing-next": Words(
        "thêm vào, xem config/station.example.toml", "Add it; see config/station.example.toml"),
    # --- values
    "one-of": Words("không có giá trị {given}", "there is no value {given}"),
    "one-of-next": Words("Chọn: {names}", "Choose: {names}"),
    "no-quotes": Words("Số nguyên, không có ngoặc kép", "It is a whole number without quotes"),
    "milliseconds": Words(
        "Thời gian là số nguyên mili giây: 1,5 giây là 1500",
        "Durations are whole milliseconds: 1.5 seconds is 1500"),
    "centibels": Words(
        "Độ lợi là phần trăm decibel: -6,5 dB là -650",
        "Gains are whole hundredths of a decibel: -6.5 dB is -650"),
    "whole-number": Words(
        "Ghi không có phần lẻ, ví dụ {example}",
        "Write it without a fraction, for example {example}"),
    "value-next": Words("sửa giá trị như đã nêu", "Write a value like that"),
    # --- what must fit together
    "no-time-zone": Words(
        "{name!r} không phải múi giờ IANA", "{name!r} is not an IANA time zone"),
    "no-time-zone-next": Words("Thường là Asia/Ho_Chi_Minh", "Usually Asia/Ho_Chi_Minh"),
    "pair": Words("certificate và key phải đi cùng nhau", "certificate and key belong together"),
    "pair-next": Words("ghi cả hai hoặc bỏ cả hai", "Give both or neither"),
    "no-place": Words("{given} không có trên bản đồ", "{given} is on no map"),
    "no-place-next": Words(
        "vĩ độ trước, kinh độ sau, ví dụ \"21.8534, 106.7610\"",
        "Latitude first, then longitude, for example \"21.8534, 106.7610\""),
    "no-date": Words("{given} không phải ngày có thật", "there is no such day as {given}"),
    "no-date-next": Words("ghi năm-tháng-ngày", "Write year-month-day"),
    "not-described": Words(
        "{name!r} chưa được khai báo trong tệp này", "{name!r} is not described in this file"),
    "known": Words("Đã khai báo: {names}", "Known: {names}"),
    "other-controller": Words(
        "{name!r} thuộc bộ điều khiển khác", "{name!r} hangs on another controller"),
    "other-controller-next": Words(
        "cụm loa và âm ly của nó phải chung một bộ điều khiển",
        "A zone and its amplifier are on one controller"),
    "no-bus": Words(
        "không có kênh {bus}: sound.buses là {buses}",
        "bus {bus} does not exist: sound.buses is {buses}"),
    "no-bus-next": Words("Kênh đếm từ 0", "Buses count from 0"),
    "curve": Words(
        "âm lượng phải tăng, độ lợi không được giảm theo",
        "volumes must rise, and gain must not fall as they do"),
    "curve-next": Words(
        "ví dụ [[0, -6000], [1, -4000], [100, 0]]",
        "For example [[0, -6000], [1, -4000], [100, 0]]"),
    "twice": Words("{name!r} được khai báo hai lần", "{name!r} is described twice"),
    "twice-next": Words("đặt tên khác cho một trong hai", "Give one of them another name"),
    "terminal": Words(
        "cọc {index} của {controller!r} đã thuộc {other!r}",
        "terminal {index} of {controller!r} already belongs to {other!r}"),
    "terminal-next": Words(
        "xem số cọc trên bộ điều khiển", "Look at the numbers on the terminal strip"),
    # --- sound: what a station can start with, but should not
    "device-letters": Words(
        "tên thiết bị {name} có ký tự điều khiển hoặc quá dài",
        "the device's name {name} has control characters or is too long"),
    "device-letters-next": Words(
        "chép lại tên từ: stationctl audio", "Copy the name anew from: stationctl audio"),
    "device-blank": Words(
        "tên thiết bị chỉ có khoảng trắng", "the device's name is nothing but spaces"),
    "device-blank-next": Words(
        "chép tên từ: stationctl audio", "Copy the name from: stationctl audio"),
    "device-number": Words(
        "số trong {name!r} đổi khi khởi động lại hay cắm lại thẻ",
        "the number in {name!r} changes when the box is started or the card replugged"),
    "device-number-next": Words(
        "ghi mã của thẻ: \"hw:CARD={card},DEV=0\"; xem: stationctl audio",
        "Write the card's id: \"hw:CARD={card},DEV=0\"; see: stationctl audio"),
    "input-letters": Words(
        "tên {name} có ký tự điều khiển: không ai gọi được",
        "the name {name} has control characters: nobody can ask for it"),
    "input-letters-next": Words("gõ lại tên, một dòng", "Type the name anew, on one line"),
    "input-blank": Words("tên chỉ có khoảng trắng", "the name is nothing but spaces"),
    "input-blank-next": Words(
        "đặt tên cho ngõ vào, ví dụ micro", "Give the input a name, for example micro"),
    "input-marks": Words(
        "lịch phát không gọi được {name!r}: | ngăn các nguồn, ngoặc là tùy chọn",
        "no timetable can name {name!r}: | parts sources, brackets hold options"),
    "input-marks-next": Words(
        "bỏ các dấu | ( ) và ngoặc kép khỏi tên", "Leave | ( ) and quotes out of the name"),
    "input-spaces": Words(
        "có khoảng trắng quanh tên {name!r}: được hiểu là {plain!r}",
        "there are spaces around the name {name!r}: it is taken as {plain!r}"),
    "input-spaces-next": Words("ghi \"{plain}\"", "Write \"{plain}\""),
    "input-alike": Words(
        "{name!r} và {other!r} là một khi nói ra", "{name!r} and {other!r} sound the same"),
    "input-alike-next": Words(
        "đặt tên khác cho một trong hai", "Give one of them another name"),
    "return-shared": Words(
        "{name!r} cùng thiết bị và kênh với dây hồi {line!r}: không được mở làm nguồn",
        "{name!r} has device and channel of the return line {line!r}: never opened as a source"),
    "return-shared-next": Words(
        "sửa device hoặc channel của một trong hai", "Mend device or channel of one of them"),
    "return-named": Words(
        "dây hồi mang tên {name!r}, lịch phát gọi tên này: các mục đó sẽ không phát",
        "the return line is called {name!r}, as timetables call a source: those stay silent"),
    "return-named-next": Words(
        "đặt tên khác cho dây hồi, ví dụ day-hoi; {name} để cho nguồn",
        "Give the return line another name, for example return; {name} is for a source"),
    "device-absent": Words(
        "không thấy thiết bị {name!r} đủ {channels} kênh",
        "there is no device {name!r} with {channels} channels or more now"),
    "device-absent-next": Words(
        "cắm thẻ, hoặc ghi một trong: {there}", "Plug it in, or write one of: {there}"),
    "device-none-next": Words(
        "cắm thẻ; gõ bằng người dùng của đài hoặc nhóm audio",
        "Plug the card in; ask as the agent's user, or in the group audio"),
    "devices-unlisted": Words(
        "không liệt kê được thiết bị âm thanh: {why}",
        "the sound devices cannot be listed: {why}"),
    "devices-unlisted-next": Words(
        "rút thẻ ra cắm lại; xem: aplay -L", "Replug the sound card; look: aplay -L"),
    "emergency-quiet": Words(
        "tin khẩn cấp ({emergency} LUFS) nhỏ hơn chương trình thường ({target})",
        "emergencies ({emergency} LUFS) would be quieter than programmes ({target})"),
    "emergency-quiet-next": Words(
        "đặt emergency_lufs từ {target} trở lên", "Set emergency_lufs to {target} or more"),
    # --- root keys
    "roots-unreadable": Words("không đọc được {file}: {why}", "{file} cannot be read: {why}"),
    "roots-next": Words(
        "chép lại root.json từ bộ ghi danh: districtctl enrol",
        "Copy root.json from the enrolment again: districtctl enrol"),
    "roots-id": Words(
        "{file}: {keyid} không phải mã của khóa công khai này",
        "{file}: {keyid} is not the id of its public key"),
    "roots-single": Words(
        "{file}: chỉ một khóa gốc thì mất là không thay được",
        "{file}: a single root key cannot be replaced when it is lost"),
    "roots-threshold": Words(
        "{file}: cần {threshold} trong {count} khóa",
        "{file}: threshold {threshold} of {count} keys"),
    # --- warnings: what may come, but should not be missing
    "not-there": Words("{name} chưa có", "{name} does not exist (yet)"),
    "port-next": Words(
        "cắm bộ điều khiển; xem tên: python -m firmware_bridge probe",
        "Plug the controller in; see its name: python -m firmware_bridge probe"),
    "mains-next": Words(
        "kiểm tra chân GPIO đã xuất; chưa có thì đài không biết điện lưới",
        "Check that the GPIO line is exported; until then the mains are unknown"),
    "enrol-next": Words(
        "chép từ bộ ghi danh: districtctl enrol", "Copy it from the enrolment: districtctl enrol"),
    "no-certificate": Words(
        "không có chứng thư đài: phần lớn máy chủ sẽ từ chối",
        "no client certificate: most brokers will refuse"),
    "no-tls": Words("kết nối không mã hóa", "the connection is not encrypted"),
    "clock-believed": Words("giờ được tin mà không đo", "the clock is believed unmeasured"),
    "laboratory": Words("Chỉ dùng trong phòng thử", "Laboratory only"),
    "not-adopted": Words(
        "chưa nhận bộ điều khiển: các cụm loa của nó sẽ không phát",
        "the controller is not adopted: its zones will stay silent"),
    "not-adopted-next": Words(
        "chạy python -m firmware_bridge adopt --port {port}, rồi ghi mã vào đây",
        "Run python -m firmware_bridge adopt --port {port}, and write the id here"),
    # --- the state directory
    "state-not-a-directory": Words("{at} không phải thư mục", "{at} is not a directory"),
    "state-read-only": Words(
        "{at} chỉ đọc: không giữ được gì khi mất điện",
        "{at} is read-only: nothing survives a power cut"),
    "state-no-disk": Words(
        "{at} không phải nơi chứa tệp: không giữ được gì khi mất điện",
        "{at} holds no files: nothing survives a power cut"),
    "state-no-disk-next": Words(
        "sửa state_dir, ví dụ /var/lib/commune-radio",
        "Mend state_dir, for example /var/lib/commune-radio"),
    "state-forbidden": Words(
        "người dùng {user} không ghi được vào {at}: không giữ được gì khi mất điện",
        "user {user} may not write in {at}: nothing survives a power cut"),
    "state-broken": Words(
        "{at} không dùng được ({why}): không giữ được gì khi mất điện",
        "{at} cannot be used ({why}): nothing survives a power cut"),
    "state-not-a-directory-next": Words(
        "đổi tên tệp đó hoặc sửa state_dir", "Rename that file or mend state_dir"),
    "state-read-only-next": Words(
        "xem thẻ có lỗi không: dmesg | tail; rồi mount -o remount,rw, hoặc thay thẻ",
        "See whether the card is failing: dmesg | tail; then mount -o remount,rw, or change it"),
    "state-forbidden-next": Words(
        "sudo chown -R <người dùng của đài> {at}", "sudo chown -R <the agent's user> {at}"),
    "state-broken-next": Words(
        "xem dmesg | tail; kiểm tra thẻ", "See dmesg | tail; check the card"),
    # --- the source-system API
    "api-url": Words(
        "{given!r} không phải địa chỉ https", "{given!r} is not an https address"),
    "api-url-next": Words(
        "ghi như https://httn.tinh.example.vn; http chỉ khi allow_http = true",
        "Write it like https://httn.tinh.example.vn; http only with allow_http = true"),
    "api-needs": Words(
        "phương ngữ {dialect} cần giá trị này", "dialect {dialect} needs this value"),
    "api-needs-next": Words(
        "hỏi tỉnh rồi ghi đúng từng chữ (dialect {dialect})",
        "Ask the province and write it word for word (dialect {dialect})"),
    "api-volumes": Words(
        "lớn hơn volume_max, là {most}", "is above volume_max, which is {most}"),
    "api-volumes-next": Words(
        "đặt volume_min nhỏ hơn hoặc bằng {most}", "Set volume_min to at most {most}"),
    "api-deaf": Words(
        "cho phép nhưng không nghe lệnh nào", "allowed, but no call is ever looked for"),
    "api-deaf-next": Words(
        "đặt inbound = \"answers\" hoặc \"poll\", hoặc để allow trống",
        "Set inbound = \"answers\" or \"poll\", or leave allow empty"),
    "api-file": Words("{name} chưa có", "{name} is not there"),
    "api-file-next": Words(
        "tạo tệp {name}, chỉ người dùng của đài đọc được (chmod 600)",
        "Make the file {name}, readable by the agent's user only (chmod 600)"),
    "api-open": Words("mọi người trên máy đọc được {name}", "others on the box can read {name}"),
    "api-open-next": Words(
        "chmod 600 {name}, chủ tệp là người dùng của đài",
        "chmod 600 {name}, owned by the agent's user"),
    "api-unread": Words("không đọc được {name}", "{name} cannot be read"),
    "api-unread-next": Words(
        "kiểm tra chủ tệp và quyền: ls -l {name}; nội dung là chữ UTF-8",
        "Check owner and mode: ls -l {name}; it must be UTF-8 text"),
    "api-empty": Words("dòng đầu của {name} trống", "the first line of {name} is empty"),
    "api-empty-next": Words(
        "ghi mật khẩu vào dòng đầu của {name}", "Write the password into the first line of {name}"),
    "api-number": Words(
        "{name} không phải một số: MaXacThuc của phương ngữ a là số nguyên",
        "{name} holds no number: MaXacThuc of dialect a is an integer"),
    "api-number-next": Words(
        "ghi mã xác thực tỉnh cấp, chỉ chữ số, tối đa 18 chữ số",
        "Write the code the province gave out: digits only, at most 18"),
    "api-plain": Words(
        "mật khẩu và nhật ký đi không mã hóa", "password and journal travel unencrypted"),
    "api-plain-next": Words("chỉ dùng trong phòng thử", "Laboratory only"),
    "api-journal": Words(
        "chưa biết mã LoaiNhatKy: không gửi nhật ký phát",
        "the code LoaiNhatKy is not known: no journal is sent"),
    "api-journal-next": Words(
        "hỏi tỉnh mã của \"bắt đầu phát\"", "Ask the province for the code of \"began\""),
    # --- starting
    "another-agent": Words(
        "một đài khác đang chạy trên {dir}; xem: systemctl status station-agent",
        "another agent runs on {dir}; see: systemctl status station-agent"),
    # --- --check
    "check-warning": Words("cảnh báo", "warning"),
    "check-good": Words("mô tả đài {station}", "describes station {station}"),
    "check-bad": Words(
        "{count} lỗi; sửa rồi chạy lại --check", "faults: {count}; mend and run --check again"),
    "line": Words("dòng {line}, {path}", "line {line}, {path}"),
}
# fmt: on


def words(key: str, **values: object) -> Words:
    """The text `key` with its placeholders filled. An unknown key is a bug: KeyError."""
    return Words(*(text.format(**values) for text in TEXTS[key]))
