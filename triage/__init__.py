"""WHAT DO WE KNOW AND DECIDE? The product without its task engine and without its web server.

Imports point down only: services → storage | sources | channels | language → net → domain.
"""
