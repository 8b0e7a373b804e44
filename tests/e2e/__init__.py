"""What people see, tested as they see it: in a real browser, on real processes."""
