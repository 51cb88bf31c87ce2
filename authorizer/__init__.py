"""What runs in Lambda: credentials in, an exact policy out."""
