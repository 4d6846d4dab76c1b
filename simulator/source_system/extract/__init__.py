"""A signed extract of a station's records: what one zone heard in one stretch of time.

`content` picks and judges (pure), `gather` reads the district home, `page` and `plain` show it to
people, `folder` writes, signs and verifies. For a noise complaint it answers what was played and
how loud it was set; it never claims to know how loud it was at anybody's house.
"""
