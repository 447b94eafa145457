"""Measurements, as ratios against named peers in the same run. They print, and assert nothing."""
