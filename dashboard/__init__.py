"""WHAT DO PEOPLE SEE AND PRESS? A Flask application over the services and the views."""
