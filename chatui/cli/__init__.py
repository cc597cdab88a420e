"""The command line: the only place that puts the parts together.

main.py      where `chatui` starts: the TUI by the shortest way, everything else by the table of commands
options.py   the options before any command, read without typer
commands.py  every command in one table, and the page that `chatui --help` prints
session.py   what the options mean: which config, database, user; opening the library
output.py    tables, JSON, times, colours
the others   one file a group of commands
"""
