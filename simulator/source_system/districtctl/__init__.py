"""`districtctl`: the engineer's command, Vietnamese or English.

Owns arguments, screens and exit codes. Decides nothing: every subcommand is one call of
`District` and a screen of what came back.
"""
