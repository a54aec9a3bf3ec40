"""What a verdict rests on: events, tickets, audit sessions, output, and the redaction of secrets."""
