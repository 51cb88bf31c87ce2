"""What tests of a project use."""
