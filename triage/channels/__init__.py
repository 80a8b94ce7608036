"""HOW DO WE REACH PEOPLE? Nothing yet: notification channels are issue 4."""
