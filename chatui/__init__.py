"""chatui: a terminal chat in which every conversation is a tree on disk."""

__version__ = "0.1.0"
