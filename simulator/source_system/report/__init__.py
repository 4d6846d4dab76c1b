"""Reports for any window of days, from the raw records that stations sent.

`columns` and `presence` say what is looked up of a record, `store` keeps that beside the raw bytes
in the collector's database; `figures`, `emergencies`, `episodes` and `ranges` count; `content`
arranges, and `xlsx`, `csv_files`, `page` and `document` write. `registry` and `due` are what
people tell: hamlets, assets, names over time, and when which report is due.
"""
