"""The small voice detector of the browser client: how its weights are fitted, and how good it is, against Silero."""
