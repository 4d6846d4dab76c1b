"""What `stationctl` says about decisions: who decides, what awaits, quiet, stop, announcements.

Part of the one table in `agent.cli.texts`, under the same tests.
"""

from __future__ import annotations

from agent.contract.texts import Words

DECIDING: dict[str, Words] = {
    # --- what awaits a decision
    "awaiting-title": Words("CHỜ XÃ DUYỆT {count}", "AWAITING APPROVAL {count}"),
    "awaiting-none": Words(
        "không có bản tin nào chờ xã duyệt trong 14 ngày tới",
        "nothing awaits approval in the next 14 days",
    ),
    "awaiting-more": Words("và {count} lượt nữa đến {date}", "and {count} more until {date}"),
    "awaiting-over": Words(
        "đã quá giờ: chỉ phát được vào giờ khác trong ngày",
        "its hour has passed: it can play at another one today",
    ),
    "awaiting-count": Words(
        "{count} lượt phát trong 24 giờ tới chờ xã duyệt",
        "{count} starts awaiting approval in the next 24 hours",
    ),
    "awaiting-in-plan": Words("{count} lượt phát chờ xã duyệt", "{count} starts awaiting approval"),
    "made-by": Words("soạn: {who}", "made by {who}"),
    "approved-above": Words("trên duyệt: {who}", "approved above by {who}"),
    "document-number": Words("văn bản {number}", "document {number}"),
    "not-named": Words("? không ghi", "? not said"),
    "item-id": Words("mã {id}", "id {id}"),
    "item-digest": Words("dấu nội dung {digest}", "digest {digest}"),
    # --- how an item stands with the commune
    "approval-awaiting": Words("chờ xã duyệt", "awaits approval"),
    "approval-refused": Words("xã không duyệt", "not approved"),
    "decided-by": Words("người quyết định: {who}", "decided by {who}"),
    "approval-pin": Words("xã duyệt: {who} (mã PIN)", "approved by {who} (PIN)"),
    "approval-key": Words("xã duyệt: {who} (chữ ký số)", "approved by {who} (key)"),
    "approval-standing": Words("xã duyệt sẵn", "standing approval"),
    "approval-declared": Words("theo khai báo: {who}", "declared: {who}"),
    "by-pin": Words("{name} (mã PIN)", "{name} (PIN)"),
    # --- rules and quiet
    "kept-where": Words("{zones}: {rule}", "{zones}: {rule}"),
    "kept-from": Words("từ {time}", "from {time}"),
    "kept-to": Words("đến {time}", "until {time}"),
    # --- what really sounds of an item
    "sounds-part": Words("{length} từ {time}", "{length} from {time}"),
    "sounds-in": Words("phát {parts}: {zones}", "sounds {parts}: {zones}"),
    "sounds-not": Words("không phát: {zones}", "silent: {zones}"),
    "behind": Words("đứng sau: {other}", "behind: {other}"),
    "behind-higher": Words(
        "cần phát đủ thì chọn giờ khác", "for the whole of it choose another hour"
    ),
    "quiet-line": Words("YÊN LẶNG đến {until}: {zones}", "QUIET until {until}: {zones}"),
    "quiet-none": Words("không khu vực nào đang giữ yên lặng", "no zone is kept quiet"),
    "quiet-none-next": Words(
        'stationctl quiet "thôn đông" until 11:00 --reason "tang lễ"',
        'stationctl quiet "thon dong" until 11:00 --reason "funeral"',
    ),
    # --- asking for a decision
    "ask-number": Words("Số thứ tự (Enter: thôi): ", "Number (Enter: none): "),
    "ask-extent": Words(
        "Enter: chỉ lượt này; 2: mọi lượt: ", "Enter: this start only; 2: every one: "
    ),
    "extent-odd": Words(
        "không hiểu “{typed}”: Enter hoặc 1 là chỉ lượt này, 2 là mọi lượt",
        "“{typed}” is not understood: Enter or 1 for this start only, 2 for every one",
    ),
    "ask-name": Words("Người quyết định, họ tên: ", "Name of who decides: "),
    "ask-pin": Words("Mã PIN của {name}: ", "PIN of {name}: "),
    "ask-new-pin": Words("Mã PIN mới của {name}: ", "New PIN of {name}: "),
    "ask-again": Words("Nhập lại lần nữa: ", "Once more: "),
    "gave-up": Words("thôi, chưa làm gì", "nothing was done"),
    "number-odd": Words("không có số “{typed}”", "there is no number “{typed}”"),
    "number-odd-next": Words("chọn một số trong danh sách", "choose a number of the list"),
    "who-decides": Words(
        "cần biết ai quyết định, ở đây không hỏi được mã PIN",
        "who decides? no PIN can be asked for here",
    ),
    "who-decides-next": Words(
        'thêm --name "HỌ TÊN" --pin-file TỆP', 'add --name "NAME" --pin-file FILE'
    ),
    "pin-file-unread": Words("không đọc được {path}: {problem}", "cannot read {path}: {problem}"),
    "pin-file-unread-next": Words(
        "ghi mã PIN vào tệp đó, một dòng", "write the PIN into that file, on one line"
    ),
    "pin-file-open": Words("người khác cũng đọc được {path}", "others can read {path}"),
    "pin-file-none": Words(
        "dòng đầu của {path} không phải mã PIN: chưa tính lần thử nào",
        "the first line of {path} is no PIN: no try was counted",
    ),
    "pin-file-none-next": Words(
        "ghi 6 đến 12 chữ số vào dòng đầu", "write 6 to 12 digits into its first line"
    ),
    "pin-file-open-next": Words("chmod 600 {path}", "chmod 600 {path}"),
    "tries-left": Words("còn {count} lần", "{count} tries left"),
    "wait-left": Words("chờ {time}", "wait {time}"),
    "agent-old": Words(
        "đài đang chạy bản cũ, chưa biết lệnh này", "the agent is older and knows no such command"
    ),
    "agent-old-next": Words(
        "cập nhật rồi sudo systemctl restart station-agent",
        "update it, then sudo systemctl restart station-agent",
    ),
    # --- what was decided
    "which-once": Words("lượt {time}", "start of {time}"),
    "which-every": Words("mọi lượt", "every start"),
    "placed-at": Words("phát lúc {time}", "to play at {time}"),
    "done-approve": Words("đã duyệt {entry}, {which}", "approved {entry}, {which}"),
    "done-reject": Words("không duyệt {entry}, {which}", "not approved {entry}, {which}"),
    "done-stop": Words("đã dừng phát: {zones}", "stopped: {zones}"),
    "stop-follows": Words(
        "sau đó {time} phát tiếp “{title}”: {zones}",
        "“{title}” follows at {time}: {zones}",
    ),
    "done-quiet": Words("giữ yên lặng đến {until}: {zones}", "kept quiet until {until}: {zones}"),
    "done-quiet-next": Words(
        "bỏ sớm: stationctl quiet end {zones}", "to end it before: stationctl quiet end {zones}"
    ),
    "done-quiet-end": Words("hết giữ yên lặng: {zones}", "quiet is over: {zones}"),
    "done-announce": Words("sẽ đọc ở {zones}: “{text}”", "to be said in {zones}: “{text}”"),
    "done-announce-next": Words("theo dõi: stationctl status", "follow it: stationctl status"),
    "announce-kept": Words("không đọc ở {zones}: {why}", "not said in {zones}: {why}"),
    "own-placed": Words(
        "lượt {time} vẫn phát lúc {place}, vì đã duyệt riêng",
        "the start of {time} stays at {place}: it was approved on its own",
    ),
    "own-refused": Words(
        "lượt {time} vẫn không phát, vì đã quyết riêng",
        "the start of {time} stays off the air: it was refused on its own",
    ),
    "start-over": Words("{entry}: lượt {time} đã qua", "{entry}: its start {time} has passed"),
    "start-over-next": Words("thêm --at GIỜ:PHÚT", "add --at HH:MM"),
    "one-or-all": Words(
        "chọn một: mã bản tin hoặc --all-from", "either an item or --all-from, not both"
    ),
    "not-awaiting": Words(
        "{entry} không nằm trong lịch nên không có gì để duyệt",
        "{entry} is in no timetable, there is nothing to approve",
    ),
    "authority-unknown": Words(
        "không có bản tin nào của “{wanted}” chờ duyệt", "nothing of “{wanted}” awaits approval"
    ),
    "entry-not-then": Words("{wanted} không phát lúc {time}", "{wanted} does not start at {time}"),
    "beside-emergency": Words(
        "đang có khẩn cấp, không đọc chen vào", "nothing is said beside an emergency"
    ),
    "announce-emergency": Words(
        "không làm: đang có cảnh báo khẩn cấp, không đọc chen vào",
        "not done: a warning is in force and nothing is said beside it",
    ),
    "announce-emergency-next": Words(
        "hết cảnh báo rồi đọc: stationctl status; cần nói ngay thì nhờ nơi ban hành cảnh báo",
        "when it is over: stationctl status; what cannot wait belongs into a warning",
    ),
    "announce-empty": Words("chưa có lời cần đọc", "there are no words to say"),
    "announce-zone": Words(
        "“{text}” là tên cụm loa, chưa có lời cần đọc", "“{text}” is a zone, the words are missing"
    ),
    "announce-next": Words(
        'stationctl announce "thôn đông" "Mời bà con đi họp"',
        'stationctl announce "thon dong" "Please come to the meeting"',
    ),
    "announce-long": Words(
        "dài {letters} chữ, nhiều nhất {most}", "{letters} letters, at most {most}"
    ),
    "announce-long-next": Words("rút ngắn rồi gõ lại", "shorten it and type it again"),
    # --- the microphone
    "mic-taken-up": Words(
        "mở micro tới {zones}, nhiều nhất {minutes} phút: chờ âm ly ấm và nhạc hiệu",
        "microphone to {zones}, {minutes} min at most: wait for the amplifier and the chime",
    ),
    "mic-alone-next": Words(
        "tự tắt khi hết giờ; tắt sớm: stationctl stop", "closes by itself; earlier: stationctl stop"
    ),
    "mic-speak": Words(
        "NÓI ĐI ({input} → {zones}), còn {left}", "SPEAK NOW ({input} → {zones}), {left} left"
    ),
    "mic-speak-next": Words("nói xong bấm Ctrl-C", "Ctrl-C when you are done"),
    "mic-closed": Words("đã tắt micro", "the microphone is closed"),
    "mic-open": Words("micro đang mở: {title}", "a microphone is open already: {title}"),
    "mic-open-next": Words(
        "chờ người đó nói xong (Ctrl-C ở máy đó), hoặc: stationctl stop",
        "wait until they are done (Ctrl-C there), or: stationctl stop",
    ),
    "mic-over": Words(
        "micro đã tắt: xem stationctl journal", "the microphone is closed: see stationctl journal"
    ),
    "mic-not-free": Words(
        "chưa cụm loa nào rảnh, đã thôi chờ: xem stationctl status",
        "no zone became free and it was given up: see stationctl status",
    ),
    "mic-missing": Words(
        "--input, --minutes và --title chỉ dùng cùng --mic",
        "--input, --minutes and --title go with --mic",
    ),
    "mic-missing-next": Words(
        'stationctl announce --mic "thôn đông"', 'stationctl announce --mic "thon dong"'
    ),
    # --- times
    "time-odd": Words("không hiểu giờ “{typed}”", "“{typed}” is not a time"),
    "time-odd-next": Words("gõ 11:00 hoặc 24/11 11:00", "write 11:00 or 24/11 11:00"),
    "time-past": Words("{typed} đã qua", "{typed} has passed"),
    "quiet-long": Words(
        "giữ yên lặng lâu nhất {days} ngày", "a zone is kept quiet for {days} days at most"
    ),
    "quiet-until": Words("chưa ghi đến mấy giờ", "until when is missing"),
    "quiet-reason": Words("chưa ghi lý do", "the reason is missing"),
    # --- PINs
    "pins-title": Words("NGƯỜI CÓ MÃ PIN {count}", "PEOPLE WITH A PIN {count}"),
    "pins-none": Words("chưa ai có mã PIN, chưa ai duyệt được", "nobody has a PIN yet"),
    "pins-none-next": Words(
        'sudo stationctl pin set "Nguyễn Văn Hòa"', 'sudo stationctl pin set "Nguyen Van Hoa"'
    ),
    "pin-of": Words("{name}: {rights}", "{name}: {rights}"),
    "pin-set-at": Words("đặt {date}", "set {date}"),
    "right-approve": Words("duyệt", "approve"),
    "right-announce": Words("đọc thông báo", "announce"),
    "right-none": Words("chỉ ghi tên", "name only"),
    "done-pin": Words("đã đặt mã PIN của {name}: {rights}", "PIN of {name} is set: {rights}"),
    "pin-not-noted": Words(
        "chưa ghi vào nhật ký, vì station-agent không nhận: ghi lại bằng tay",
        "not in the journal, as the station-agent did not take it: write it down",
    ),
    "done-pin-removed": Words("đã bỏ mã PIN của {name}", "PIN of {name} is removed"),
    "pin-name-odd": Words("“{name}” không phải tên người", "“{name}” is not a name"),
    "pin-name-odd-next": Words(
        "ghi họ tên trong ngoặc kép, nhiều nhất 64 chữ", "the name in quotes, at most 64 letters"
    ),
    "pin-name-near": Words(
        "đã có {known}, bỏ dấu thì trùng tên", "there is {known}, without marks the same name"
    ),
    "pin-name-near-next": Words(
        "đặt lại mã cho người đó: stationctl pin set {quoted}; người khác thì ghi thêm chức danh",
        "a new PIN for them: stationctl pin set {quoted}; for another person add the office",
    ),
    "pin-no-keyboard": Words("ở đây không nhập được mã PIN", "no PIN can be typed here"),
    "pin-no-keyboard-next": Words("thêm --pin-file TỆP", "add --pin-file FILE"),
    "pin-nobody": Words("“{name}” không có mã PIN", "“{name}” has no PIN"),
    "pin-denied": Words(
        "chỉ root hoặc người dùng {user} được làm việc này", "only root or the user {user} may"
    ),
    "pin-denied-next": Words("sudo stationctl {command}", "sudo stationctl {command}"),
    "pin-no-state": Words("chưa có thư mục {path}", "there is no directory {path}"),
    "pin-no-state-next": Words(
        "sudo systemctl start station-agent; nếu nơi khác: --config TỆP",
        "sudo systemctl start station-agent; if it is elsewhere: --config FILE",
    ),
    "pin-not-written": Words("không ghi được {path}: {problem}", "{path}: {problem}"),
    "pin-not-written-next": Words("xem thẻ nhớ: stationctl doctor", "see: stationctl doctor"),
    "pins-rights": Words(
        "{path} đang để quyền {detail}, người khác đọc được",
        "{path} has mode {detail}, others can read it",
    ),
    "pins-rights-next": Words(
        "sudo chmod 600 {path} rồi đặt lại mọi mã PIN",
        "sudo chmod 600 {path}, then set every PIN again",
    ),
    "pins-owner": Words(
        "{path} thuộc người dùng lạ ({detail})", "{path} belongs to a stranger ({detail})"
    ),
    "pins-owner-next": Words(
        "sudo rm {path} rồi đặt lại mã PIN", "sudo rm {path}, then set the PINs again"
    ),
    "pins-unreadable": Words("không đọc được {path}: {detail}", "{path}: {detail}"),
    "pins-unreadable-next": Words("sudo ls -l {path}", "sudo ls -l {path}"),
    "pins-damaged": Words("{path} hỏng ({detail})", "{path} is damaged ({detail})"),
    "pins-damaged-next": Words(
        "sudo rm {path} rồi đặt lại mã PIN", "sudo rm {path}, then set the PINs again"
    ),
    "pins-differ": Words("hai lần nhập không giống nhau", "the two are not the same"),
    "pin-weak-next": Words(
        "chọn 6 đến 12 chữ số không theo thứ tự", "choose 6 to 12 digits in no order"
    ),
    "pin-weak-digits": Words("mã PIN chỉ gồm chữ số", "a PIN is digits only"),
    "pin-weak-short": Words("mã PIN quá ngắn", "the PIN is too short"),
    "pin-weak-long": Words("mã PIN quá dài", "the PIN is too long"),
    "pin-weak-few": Words("quá ít chữ số khác nhau", "too few different digits"),
    "pin-weak-row": Words("các chữ số theo thứ tự", "the digits are in a row"),
    "pin-weak-repeated": Words("lặp lại một nhóm số", "it repeats itself"),
    "pin-weak-year": Words("có năm ở đầu hoặc cuối, dễ đoán", "a year is easily guessed"),
    "pin-weak-date": Words("giống ngày tháng, dễ đoán", "a date is easily guessed"),
    # --- usage and help
    "usage-clock": Words("phải là giờ, như 06:15: {given}", "must be a time, as 06:15: {given}"),
    "usage-rights": Words("chọn trong {names}: {given}", "choose among {names}: {given}"),
    "help-approve": Words(
        "duyệt bản tin của cấp trên; không ghi mã: xem những gì đang chờ",
        "approve items from above; without an id: see what waits",
    ),
    "help-reject": Words("không duyệt một bản tin", "do not approve an item"),
    "help-stop": Words(
        "dừng phát (không dừng được khẩn cấp)", "end what is on air (never an emergency)"
    ),
    "help-quiet": Words(
        "giữ yên lặng: KHU-VỰC until GIỜ --reason LÝ-DO | end KHU-VỰC",
        "keep zones quiet: ZONES until TIME --reason WHY | end ZONES",
    ),
    "help-announce": Words(
        "đọc ngay một thông báo gõ bằng chữ, hoặc nói trực tiếp qua micro (--mic)",
        "say a typed notice now, or speak live through the microphone (--mic)",
    ),
    "help-pin": Words("mã PIN của người duyệt", "PINs of those who decide"),
    "help-pin-set": Words("đặt hoặc đổi mã PIN", "set or change a PIN"),
    "help-pin-list": Words("ai có mã PIN, được làm gì", "who has a PIN and may do what"),
    "help-pin-remove": Words("bỏ mã PIN", "remove a PIN"),
    "help-pin-name": Words("họ tên, trong ngoặc kép", "name, in quotes"),
    "help-may": Words(
        "quyền, cách nhau dấu phẩy: approve,announce (mặc định approve)",
        "rights with commas: approve,announce (default approve)",
    ),
    "help-approve-entry": Words(
        "mã bản tin; bỏ trống để xem danh sách", "the item; leave out to see the list"
    ),
    "help-when": Words(
        "giờ của lượt: 05:30 hoặc 24/11 05:30 (mặc định lượt tới)",
        "its start: 05:30 or 24/11 05:30 (default: the next)",
    ),
    "help-all-from": Words("mọi bản tin đang chờ của nơi gửi này", "all that waits of this sender"),
    "help-once": Words("chỉ lượt này (mặc định)", "this start only (default)"),
    "help-every": Words("mọi lượt của mục này", "every start of this entry"),
    "help-at": Words("phát lúc GIỜ:PHÚT thay cho giờ trong lịch", "play at HH:MM instead"),
    "help-document": Words("số văn bản của xã", "document number of the commune"),
    "help-name": Words("người quyết định", "who decides"),
    "help-pin-file": Words(
        "tệp chứa mã PIN (chmod 600), thay cho nhập tay",
        "file with the PIN (chmod 600) instead of typing",
    ),
    "help-quiet-words": Words(
        "như: thôn-đông until 24/11 11:00", "as: thon-dong until 24/11 11:00"
    ),
    "help-reason": Words("lý do, như tang lễ", "why, as a funeral"),
    "help-announce-words": Words(
        "các cụm loa (không ghi: tất cả), rồi lời cần đọc trong ngoặc kép (không cần với --mic)",
        "zones (none: all), then the words in quotes (none with --mic)",
    ),
    "help-over": Words(
        "nói đè lên chương trình: chương trình nhỏ đi rồi to trở lại",
        "over the programme, which is turned down meanwhile",
    ),
    "help-mic": Words(
        "mở micro của đài: chờ báo rồi nói; Ctrl-C là tắt",
        "open the station's microphone: wait to be told, then speak; Ctrl-C closes it",
    ),
    "help-input": Words(
        "ngõ vào nào, theo tên trong cấu hình (chỉ một thì khỏi ghi)",
        "which input, as the configuration names it (needless when there is one)",
    ),
    "help-minutes": Words(
        "micro tự tắt sau bao nhiêu phút (mặc định 5)",
        "minutes until the microphone closes by itself (default 5)",
    ),
    "help-title": Words("tên ghi vào nhật ký phát", "what the records call it"),
    "help-speak": Words(
        "tiếng của lời đọc (mặc định theo --lang, không có thì vi)",
        "language of the words (default: --lang, else vi)",
    ),
}
