"""The zoo: one site with real sessions that plays many kinds of login, in three technical variants.

`site` is the machinery, `shell` the variants, the other modules the behaviours, `cases` the table of them all.
The pages restate what widely used sites and frameworks send to browsers, not what our rules look for.
"""
