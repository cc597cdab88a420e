"""Ways in and out: importers of what people had before, one file a kind, and exporters.

An importer reads a file and yields `records.SourceThread`s: a tree of messages each, as plain data. `importing.Import` writes them.
"""
