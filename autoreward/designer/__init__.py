"""The Designer: proposes reward programs."""
