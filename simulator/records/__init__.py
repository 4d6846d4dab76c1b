"""A year of a district's records, invented from a seed: what a collector would hold at its end.

`place` is the district, `mishaps` what happens to it, `life` turns both into the records of one
station, `writing` numbers, chains and stores them through the collector's own journal. Nothing is
counted here: reports are tested against these records, not against what was drawn.
"""
