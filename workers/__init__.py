"""WHAT RUNS, AND WHEN? Celery, the supervisor and the command line."""
