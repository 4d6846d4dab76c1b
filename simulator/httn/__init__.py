"""A reference source system (HTTTN) that speaks both dialects over HTTP, for tests and to try out.

`rules` refuses what the rules seen in practice refuse; `store` keeps what was accepted; `faults`
go wrong on demand; `server` is all of it on one port; `overview` is what an operator looks at.
It is written from the reference, not from the station's mapping, so that one can prove the other.
"""
