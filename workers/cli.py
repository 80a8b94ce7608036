"""."""
def main() -> None:
    """Run."""
