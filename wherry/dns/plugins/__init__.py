"""The plugins, one folder each: `setup` makes one of its directive, its README says what the directive may say.

A package may also say `MANY` (a server block may have several) and `settings` (reads a directive, doing nothing).
"""
