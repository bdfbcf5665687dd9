"""The scheduler service: decides what runs when."""
