"""The fields of both dialects, copied by hand from what was seen in running systems.

Kept apart from the mapping on purpose: a field that is forgotten there stands here.
"""

from __future__ import annotations

A_OUT: dict[str, set[str]] = {
    "api1": {"NguonId", "CumLoaId", "MaXacThuc"},
    "api2": {"NguonId", "CumLoaId", "DiaBanQuanLy"},
    "api3": {"NguonId", "CumLoaId"},
    "api8": {"NguonId", "CumLoaId", "TrangThaiHoatDong", "TrangThaiKetNoi", "AmLuong"},
    "api9": {"NguonId", "BanTinId", "ThoiDiemGui", "LoaiNhatKy", "GiaTri"},
}
A_IN: dict[str, set[str]] = {
    "api4": {"NguonId", "CumLoaId", "AmLuong"},
    "api5": {
        "NguonId",
        "BanTinId",
        "NgayBatDau",
        "NgayKetThuc",
        "CheDoPhat",
        "LichPhat",
        "TieuDe",
        "LinhVuc",
        "NoiDungTomTat",
        "ThoiGianSanXuat",
        "ThoiLuong",
        "TacGia",
        "NoiDung",
        "DiaBanTao",
        "DanhSachDiaBanNhan",
    },
    "api5 LichPhat": {"ThoiDiemBatDau", "ThoiDiemKetThuc", "KieuLich", "DanhSachNgayPhat"},
    "api5 NoiDung": {"Link", "tanso", "thoigian", "order"},
    "api6": {"NguonId", "BanTinId"},
    "api7": {"NguonId", "BanTinId", "NgayBatDau", "NgayKetThuc", "CheDoPhat", "LichPhat"},
}
_DEVICE = {
    "NguonID",
    "TenNguon",
    "DichID",
    "TenDich",
    "CumLoaID",
    "TenThietBi",
    "MaNhaCungCap",
    "TenNhaCungCap",
}
_JOURNAL = _DEVICE | {
    "BanTinID",
    "LoaiBanTin",
    "MucDoUuTien",
    "TieuDe",
    "LoaiLinhVuc",
    "NoiDungTomTat",
    "ThoiGianSanXuat",
    "ThoiLuong",
    "TacGia.TenDayDu",
    "TacGia.ButDanh",
    "TacGia.Email",
    "ThoiDiemBatDau",
    "TiepAm",
    "NguonTiepAm",
    "NoiDung",
    "ThongTinChiTietBanTin",
    "NguonTin",
    "AmLuong",
    "CongSuat",
}
B_OUT: dict[str, set[str]] = {
    "login": {"Username", "Password"},
    "status": _DEVICE
    | {
        "TenLoaiThietBi",
        "AmLuong",
        "TrangThaiHoatDong",
        "TrangThaiKetNoi",
        "ViDo",
        "KinhDo",
        "ThongTinThietBi.CongSuat",
        "ThongTinThietBi.NhietDo",
        "ThongTinThietBi.DungLuongSuDung",
        "ThoiDiemBatDau",
        "NoiDungPhat",
        "PhienBanUngDung",
    },
    "journal": _JOURNAL,
    "journal_end": _JOURNAL,
    "schedule_saved": _DEVICE | {"LichPhatID", "TenLichPhat", "DanhSachDiaBan", "DanhSachBanTin"},
    "schedule_deleted": _DEVICE | {"DanhSachThietBi", "LichPhatID", "TenLichPhat"},
}
B_IN: dict[str, set[str]] = {
    "item": {
        "LichPhatID",
        "BanTinID",
        "IDBanTinString",
        "LoaiBanTin",
        "MucDoUuTien",
        "TieuDe",
        "LoaiLinhVuc",
        "NoiDungTomTat",
        "ThoiGianSanXuat",
        "ThoiLuong",
        "TacGia",
        "NoiDung",
        "NguonTin",
        "DanhSachNgayPhat",
    },
    "day": {"TimNgayPhat", "ThoiDiemPhat"},
    "playing": {"ThoiGianBatDau", "ThoiGianKetThuc", "DaPhat"},
    "author": {"TenDayDu", "ButDanh", "Email"},
    "command": {
        "NguonID",
        "TenNguon",
        "DanhSachDiaBanNhan",
        "DanhSachThietBi",
        "DieuKhienThietBi",
    },
    "area": {"DichID", "TenDich"},
    "devices": {"CumLoaID"},
    "order": {"MaLenh", "ThamSo"},
    "deleted": {"LichPhatID", "TenLichPhat"},
}
