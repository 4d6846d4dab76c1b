"""What an operator looks at: how many clusters there are, how many play, how many are lost. Pure.

A cluster is connected while its last status is younger than three intervals. Escapes everything
that stations say.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, tzinfo
from typing import Any

PLAYING = "0"
INTERVALS = 3
PAGE_EVERY_S = 60

Status = tuple[str, int, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Cluster:
    """id: CumLoaID. name: "" where none was given. state: đang phát, đang kết nối, mất kết nối."""

    id: str
    name: str
    state: str
    last_ms: int
    volume: str
    playing: str
    link: str


@dataclass(frozen=True, slots=True)
class Overview:
    """connected counts those that play, too: total = connected + lost."""

    at_ms: int
    total: int
    playing: int
    connected: int
    lost: int
    clusters: tuple[Cluster, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "ThoiDiem": self.at_ms // 1_000,
            "TongSo": self.total,
            "DangPhat": self.playing,
            "DangKetNoi": self.connected,
            "MatKetNoi": self.lost,
            "DanhSach": [asdict(one) for one in self.clusters],
        }


def look(statuses: Iterable[Status], now_ms: int, status_every_s: int) -> Overview:
    clusters = tuple(_cluster(one, now_ms, status_every_s) for one in statuses)
    lost = sum(one.state == "mất kết nối" for one in clusters)
    return Overview(
        at_ms=now_ms,
        total=len(clusters),
        playing=sum(one.state == "đang phát" for one in clusters),
        connected=len(clusters) - lost,
        lost=lost,
        clusters=clusters,
    )


def _cluster(status: Status, now_ms: int, status_every_s: int) -> Cluster:
    cluster, at_ms, body = status
    state = "đang phát" if str(body.get("TrangThaiHoatDong")) == PLAYING else "đang kết nối"
    if now_ms - at_ms > INTERVALS * status_every_s * 1_000:
        state = "mất kết nối"
    return Cluster(
        id=cluster,
        name=str(body.get("TenThietBi") or ""),
        state=state,
        last_ms=at_ms,
        volume=str(body.get("AmLuong", "")),
        playing=str(body.get("NoiDungPhat", "")),
        link=str(body.get("TrangThaiKetNoi", "")),
    )


def page(overview: Overview, tz: tzinfo) -> str:
    """One page without scripts; it renews itself every minute."""
    marks = {"đang phát": "▶", "đang kết nối": "●", "mất kết nối": "✗"}
    order = list(marks)
    rows = "".join(
        f"<tr class='s{order.index(one.state)}'>"
        f"<td><b>{html.escape(one.id)}</b> {html.escape(one.name)}</td>"
        f"<td>{marks[one.state]} {one.state}</td><td>{_clock(one.last_ms, tz)}</td>"
        f"<td>{html.escape(one.volume)}</td><td>{html.escape(one.link)}</td>"
        f"<td>{html.escape(one.playing)}</td></tr>"
        for one in sorted(
            overview.clusters, key=lambda one: (-order.index(one.state), one.name, one.id)
        )
    )
    counts = "".join(
        f"<div><b>{number}</b><span>{name}</span></div>"
        for name, number in (
            ("cụm thu phát thanh", overview.total),
            ("đang phát", overview.playing),
            ("đang kết nối", overview.connected),
            ("mất kết nối", overview.lost),
        )
    )
    return f"""<!doctype html>
<html lang="vi"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="{PAGE_EVERY_S}"><title>HTTTN mẫu</title><style>
body{{font:16px/1.5 system-ui,sans-serif;margin:1.5rem auto;max-width:64rem;padding:0 1rem}}
h1{{font-size:1.5rem}} .counts{{display:grid;gap:.7rem;
grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr))}}
.counts div{{border:1px solid #999;border-radius:.4rem;padding:.3rem .8rem}}
.counts b{{font-size:1.7rem}} .counts span{{display:block}}
table{{border-collapse:collapse;width:100%;margin-top:1rem}}
td,th{{border-bottom:1px solid #ccc;padding:.3rem .5rem;text-align:left;vertical-align:top}}
td:nth-child(-n+3){{white-space:nowrap}} td:last-child{{overflow-wrap:anywhere}}
.s2{{background:#fbe9e7}} .s0{{background:#e8f5e9}}
@media(max-width:40rem){{thead{{display:none}} tr{{display:block;padding:.4rem 0;
border-bottom:1px solid #ccc}} td{{display:inline-block;border:0;padding:.1rem .5rem}}
td:first-child,td:last-child{{display:block}} td:first-child{{font-weight:600}}}}</style></head>
<body><h1>Hệ thống thông tin nguồn (mẫu)</h1>
<p>Cập nhật {_clock(overview.at_ms, tz)}, mỗi phút một lần.</p>
<div class="counts">{counts}</div>
<table><thead><tr><th>Cụm</th><th>Trạng thái</th><th>Báo lúc</th><th>Âm lượng</th>
<th>Đường truyền</th><th>Đang phát</th></tr></thead><tbody>{rows}</tbody></table>
</body></html>"""


def _clock(at_ms: int, tz: tzinfo) -> str:
    return datetime.fromtimestamp(at_ms / 1_000, tz).strftime("%d/%m %H:%M:%S")
