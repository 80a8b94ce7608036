"""WHAT HAPPENS WHEN …? One function is one use case, one use case is one transaction."""
