"""APIServices kept right: one for all that is served here, and for the others whether their server answers.

local.py      those for what this server serves itself (pure)
verdict.py    whether the server of one can be asked, as far as objects tell (pure)
asking.py     what such a server says: its resources, its OpenAPI
keeper.py     the controller that writes it down
"""
