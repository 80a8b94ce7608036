"""WHAT HAS THIS ORGANISATION DECIDED? Settings, process files and the one place where the parts are joined."""
