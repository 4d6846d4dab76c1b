"""What `stationctl audio` says, in both languages; part of the one table in `texts`."""

from __future__ import annotations

from agent.contract.reasons import Meaning

AUDIO: dict[str, tuple[str, str]] = {
    # --- the screen
    "audio-title": ("THẺ ÂM THANH", "SOUND CARD"),
    "audio-card": ("THẺ {name}", "CARD {name}"),
    "audio-runs": ("thẻ âm thanh chạy tốt", "the sound card runs well"),
    "audio-latency": ("trễ {value} ms (khối {frames})", "latency {value} ms (block {frames})"),
    "audio-underruns": ("hụt tiếng {count} lần", "underruns: {count}"),
    "audio-drift": ("đồng hồ thẻ lệch {value}", "card clock off by {value}"),
    "audio-reopened": ("mở lại {count} lần", "re-opened: {count}"),
    "audio-lost": ("mất thẻ {count} lần", "card lost: {count}"),
    "audio-callback": (
        "mỗi khối mất {p50}/{p99}/{worst} ms (p50/p99/lâu nhất)",
        "each block takes {p50}/{p99}/{worst} ms (p50/p99/worst)",
    ),
    "audio-bus": ("KÊNH {bus}", "BUS {bus}"),
    "audio-bus-idle": ("không phát gì", "nothing plays"),
    "audio-levelled": ("cân độ to {value} dB", "levelled {value} dB"),
    "audio-limited": ("đã ghìm {value} dB", "limited {value} dB"),
    "audio-back": ("DÂY HỒI, nghe kênh {bus}", "RETURN LINE, hears bus {bus}"),
    "audio-outputs": ("ĐẦU RA có thể dùng", "OUTPUTS there are"),
    "audio-inputs": ("ĐẦU VÀO có thể dùng", "INPUTS there are"),
    "audio-channels": ("{count} kênh, {rate} Hz", "channels: {count}, {rate} Hz"),
    "audio-card-ours": (
        "đài đang giữ thẻ này để phát",
        "the station holds this card and plays on it",
    ),
    "audio-card-held": (
        "có thẻ này nhưng không mở được: chương trình khác đang giữ?",
        "this card is there but cannot be opened: does another program hold it?",
    ),
    # --- what is wrong
    "audio-unseen": ("chưa đo được thẻ âm thanh", "the card was not measured yet"),
    "audio-stale": ("số đo dừng lại từ {time}", "nothing was measured since {time}"),
    "see-doctor": ("xem: stationctl doctor", "look: stationctl doctor"),
    "audio-no-name": ("không có đầu ra nào tên “{name}”", "no output is called “{name}”"),
    "audio-name-next": (
        "ghi device trong [sound], chọn: {names}; rồi systemctl restart station-agent",
        "write device in [sound], one of: {names}; then systemctl restart station-agent",
    ),
    "audio-no-input": (
        "đầu vào {name}: không thấy thiết bị “{device}”",
        "input {name}: no device is called “{device}”",
    ),
    "audio-input-next": (
        "cắm lại, đài tự tìm thấy; tên khác thì ghi device trong [[input]], chọn: {names}",
        "plug it in, it is found by itself; else write device in [[input]], one of: {names}",
    ),
    "audio-name-moves": (
        "tên “{name}” đổi khi cắm lại thẻ",
        "the name “{name}” changes when the card is replugged",
    ),
    "audio-list-failed": (
        "không liệt kê được thiết bị: {why}",
        "the devices cannot be listed: {why}",
    ),
    "audio-list-slow": ("không trả lời, thẻ bị treo?", "no answer, does a card hang?"),
    "audio-list-next": (
        "rút thẻ âm thanh ra cắm lại; rồi: stationctl audio",
        "replug the sound card; then: stationctl audio",
    ),
    "audio-no-device": (
        "ở đây không thấy thiết bị âm thanh nào",
        "no sound device can be seen from here",
    ),
    "audio-no-device-next": (
        "cắm thẻ; gõ bằng sudo, hoặc vào nhóm audio",
        "plug one in; use sudo or the group audio",
    ),
    "audio-slow": (
        "làm một khối mất {value} ms, khối dài {buffer} ms",
        "a block takes {value} ms, and lasts {buffer} ms",
    ),
    "audio-slow-next": (
        "máy quá bận: tăng frames trong [sound], bỏ bớt chương trình khác",
        "the box is too busy: raise frames in [sound], run less beside it",
    ),
    "audio-underruns-many": ("tiếng đã bị hụt {count} lần", "the sound was torn {count} times"),
    "audio-underruns-next": (
        'trong [sound] đặt frames = "auto", hoặc tăng gấp đôi số đang ghi',
        'in [sound] set frames = "auto", or double the number',
    ),
    "audio-drift-much": (
        "đồng hồ thẻ lệch {value} ppm, quá nhiều",
        "the card's clock is off by {value} ppm, too much",
    ),
    "audio-drift-next": (
        "đài tự chỉnh; nếu méo tiếng thì đổi thẻ khác",
        "it is corrected; if the sound is off, take another card",
    ),
    "audio-bus-quiet": ("kênh {bus}: {what} đã {time}", "bus {bus}: {what} for {time}"),
    "audio-bus-quiet-next": (
        "nghe thử bản ghi hoặc nguồn đang phát",
        "listen to the recording or source that plays",
    ),
    "audio-back-lacks": (
        "kênh {bus} có tiếng nhưng ampli không ra gì đã {time}",
        "bus {bus} sounds, but nothing has come back from the amplifier for {time}",
    ),
    "audio-back-lacks-next": (
        "kiểm tra ampli, núm âm lượng thẻ, dây hồi; rồi: stationctl audio selftest",
        "check amplifier, mixer of the card, return cable; then: stationctl audio selftest",
    ),
    "audio-back-fault": ("dây hồi: {why}", "return line: {why}"),
    # --- self-test
    "selftest-taken-up": (
        "đã nhận, phát tiếng đo 1 giây: {zones}",
        "taken up, measuring sound of 1 s: {zones}",
    ),
    "selftest-left": (
        "tiếng đã ra khỏi bộ trộn, mức {value} dBFS",
        "the sound left the mixer at {value} dBFS",
    ),
    "selftest-not-left": ("không có tiếng nào ra khỏi bộ trộn", "no sound left the mixer"),
    "selftest-heard": (
        "dây hồi nghe được: mức {level} dBFS, trên ồn {snr} dB, trễ {delay} ms",
        "heard on the return line: {level} dBFS, {snr} dB above the rest, {delay} ms late",
    ),
    "selftest-unheard": (
        "tiếng đã phát nhưng dây hồi không nghe được",
        "it was played, but the return line did not hear it",
    ),
    "selftest-unheard-next": (
        "kiểm tra ampli có bật, núm âm lượng, dây hồi",
        "check that the amplifier is on, its volume, the return cable",
    ),
    "selftest-noisy": (
        "tiếng hồi chỉ trên ồn {snr} dB",
        "what comes back is only {snr} dB above the rest",
    ),
    "selftest-noisy-next": (
        "kiểm tra dây, tiếp đất, mức vào của thẻ",
        "check cable, earth and the card's input level",
    ),
    "selftest-deaf": (
        "không nghe được dây hồi: {why}",
        "the return line could not be listened to: {why}",
    ),
    "selftest-no-line": (
        "phía loa: không rõ, đài không có dây hồi",
        "the loudspeaker side: unknown, the station has no return line",
    ),
    "selftest-no-line-next": (
        "nghe tại loa; muốn đo thì ghi return_input vào [sound]",
        "listen there; to have it measured, write return_input into [sound]",
    ),
    "selftest-other-bus": (
        "phía loa: không rõ, dây hồi không nghe kênh này",
        "the loudspeaker side: unknown, the return line hears another bus",
    ),
    "selftest-no-answer": ("chưa có kết quả từ dây hồi", "no result came from the return line"),
    # --- what the agent adds to a refusal
    "detail-on-air": ("đang phát: {names}", "on air: {names}"),
    "detail-there-are": ("{what}; có: {names}", "{what}; there are: {names}"),
    "detail-no-inputs": ("{what}; đài không có ngõ vào nào", "{what}; the station has no inputs"),
    # --- in the doctor
    "devices-absent": ("không thấy {names}", "{names} not there"),
    "devices-card": ("thẻ “{device}”", "card “{device}”"),
    "devices-input": ("{name} “{device}”", "{name} “{device}”"),
    "devices-there": ("có đủ ({count})", "all there ({count})"),
    "devices-next": (
        "cắm thẻ, hoặc sửa device, chọn: {names}",
        "plug it in, or mend device, one of: {names}",
    ),
    # --- a source that is tried
    "trial-begun": (
        "đang nghe thử {name}; không có gì ra loa",
        "listening to {name}; nothing is played",
    ),
    "trial-sound": (
        "có tiếng: nghe {time}, mức {value} dBFS, tiếng đầu sau {waited} s",
        "sound: listened for {time}, {value} dBFS, the first after {waited} s",
    ),
    "trial-quiet": ("{what}, nghe suốt {time}", "{what}, for all of {time}"),
    "trial-input-quiet-next": (
        "kiểm tra dây, kênh (channel), mức vào: alsamixer",
        "check cable, channel and the input's level: alsamixer",
    ),
    "trial-stream-quiet-next": (
        "hỏi nơi gửi: luồng chạy nhưng không có tiếng",
        "ask the sender: it sends, but no sound",
    ),
    "trial-clipped": ("tiếng vào quá to, bị vỡ", "the input is too loud and clips"),
    "trial-clipped-next": (
        "giảm mức vào: alsamixer, hoặc ở máy phát nguồn",
        "turn it down: alsamixer, or at what feeds it",
    ),
    "trial-no-answer": (
        "không nghe được gì từ tiến trình âm thanh",
        "the sound process told nothing",
    ),
    "trial-address": ("không phải địa chỉ luồng: {given}", "not a stream's address: {given}"),
    "trial-group": (
        "không phải nhóm multicast có số cổng: {given}",
        "not a multicast group with its port: {given}",
    ),
    "trial-address-next": (
        "ghi như https://dai.example/live.mp3; ngõ vào thì: stationctl audio input micro",
        "write it like https://dai.example/live.mp3; an input: stationctl audio input micro",
    ),
    "trial-input": ("không có ngõ vào tên “{given}”", "no input is called “{given}”"),
    "trial-input-next": ("đang có: {names}", "there are: {names}"),
    "trial-no-input-next": (
        "thêm [[input]] vào {file}; thiết bị: stationctl audio",
        "describe one as [[input]] in {file}; devices: stationctl audio",
    ),
    "trial-device-next": (
        "sửa device của [[input]] đó, chọn: {names}",
        "mend the device of that [[input]], one of: {names}",
    ),
    "trial-what": ("chưa ghi nghe thử cái gì", "what to listen to is not said"),
    "trial-what-next": (
        "stationctl audio test ĐỊA-CHỈ; stationctl audio input TÊN",
        "stationctl audio test ADDRESS; stationctl audio input NAME",
    ),
    "audio-option": ("{option} không dùng ở đây", "{option} has no meaning here"),
    "audio-zone-next": (
        "--zone đi với selftest; --seconds đi với test và input",
        "--zone goes with selftest; --seconds with test and input",
    ),
    # --- help
    "help-audio": (
        "thẻ âm thanh, mức tiếng, thiết bị; thử nguồn tiếng",
        "sound card, levels, devices; try a source of sound",
    ),
    "help-audio-act": (
        "selftest: phát tiếng đo, nghe lại qua dây hồi; "
        "test ĐỊA-CHỈ, input TÊN: nghe thử, không ra loa",
        "selftest: play a measuring sound, hear it on the return line; "
        "test ADDRESS, input NAME: listen, play nothing",
    ),
    "help-audio-what": (
        "địa chỉ luồng (test) hoặc tên [[input]] (input)",
        "a stream's address (test) or an [[input]]'s name (input)",
    ),
    "help-audio-seconds": ("nghe thử bao nhiêu giây (1–60)", "seconds to listen (1–60)"),
    "help-audio-zone": ("cụm loa để thử; không ghi: tất cả", "zone to test; none: all"),
}


# The table is read and translated as a table.
# fmt: off
LIVE_FAULT: dict[str, dict[str, Meaning]] = {
    "stream": {
        "not_found": Meaning(
            "sender", "không có luồng nào ở địa chỉ này", "there is no stream at this address",
            "kiểm tra lại địa chỉ; nhóm multicast thì xem nơi gửi có đang gửi",
            "check the address; of a multicast group, whether somebody sends"),
        "refused": Meaning(
            "network", "máy chủ từ chối hoặc không trả lời",
            "the server refused or did not answer",
            "kiểm tra địa chỉ, cổng, mật khẩu và mạng: stationctl link",
            "check address, port, password and the network: stationctl link"),
        "not_audio": Meaning(
            "sender", "mở được nhưng không có âm thanh", "it opens, but there is no sound in it",
            "mở địa chỉ bằng trình duyệt: là trang web hay danh sách?",
            "open the address in a browser: is it a page or a list?"),
        "stalled": Meaning(
            "network", "có tiếng rồi luồng đứng lại", "it sounded, then nothing came any more",
            "mạng chậm hoặc nơi gửi dừng: thử lại, xem stationctl link",
            "a slow network, or the sender stopped: try again, see stationctl link"),
        "ended_early": Meaning(
            "sender", "nơi gửi đóng luồng", "the sender closed the stream",
            "hỏi nơi gửi luồng", "ask who sends it"),
        "too_fast": Meaning(
            "sender", "luồng nặng hơn mức cho phép", "the stream carries more than is allowed",
            "chọn luồng nhẹ hơn", "choose a lighter stream"),
        "too_slow": Meaning(
            "network", "luồng đến chậm hơn tốc độ phát nên tiếng bị ngắt quãng",
            "it comes slower than it is played, so the sound is broken",
            "chọn luồng nhẹ hơn; xem mạng: stationctl link",
            "choose a lighter stream; see the network: stationctl link"),
        "decoder_hung": Meaning(
            "technician", "bộ giải mã bị treo", "the decoder hung",
            "thử lại; nếu còn, gửi địa chỉ này cho người làm phần mềm",
            "try again; if it stays, report the address"),
        "no_program": Meaning(
            "technician", "thiếu chương trình ffmpeg để nhận luồng RTSP",
            "ffmpeg is missing, which fetches RTSP", "apt install ffmpeg", "apt install ffmpeg"),
        "silent": Meaning(
            "sender", "luồng chỉ có im lặng", "there is only silence in it",
            "hỏi nơi gửi luồng", "ask who sends it"),
    },
    "input": {
        "not_found": Meaning(
            "technician", "không tìm thấy thiết bị của ngõ vào",
            "the device of this input is not there",
            "cắm thẻ; xem: stationctl audio", "plug it in; see: stationctl audio"),
        "refused": Meaning(
            "technician", "ngõ vào không mở được, chương trình khác đang giữ?",
            "the input cannot be opened, does another program hold it?",
            "đài có thể đang dùng nó; xem: fuser -v /dev/snd/*",
            "the station itself may use it; see: fuser -v /dev/snd/*"),
        "stalled": Meaning(
            "technician", "ngõ vào ngừng cho tiếng", "the input gives no samples any more",
            "rút thẻ ra cắm lại", "replug the card"),
        "not_audio": Meaning(
            "technician", "ngõ vào mở được nhưng không cho tiếng",
            "the input opens, but gives no samples",
            "rút thẻ ra cắm lại", "replug the card"),
    },
}
"""Why a source that was tried gave no sound: what the sound child calls it."""
# fmt: on
