"""Drawings of recordings and runs: pure functions to text, HTML and SVG, without sockets."""
