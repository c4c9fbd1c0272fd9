"""CSV of the tables of rules: out with names instead of ids, in by a plan that is looked at first.

`reading` makes rows of bytes, a table of `tables` says what its columns mean, `plan` compares
them with the rules that there are and makes one edit of it, `writing` streams them out.
"""
