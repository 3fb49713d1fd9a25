"""What this laptop has spent, what it may still spend, and the signed record of both."""
