"""What people do to runs and steps: pause, resume, cancel, skip, discard, retry."""
