"""The transfer agent: device source, its start, and the framed protocol with it."""
