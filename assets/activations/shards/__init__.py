"""Residual streams on disk: one file per block and part, written once, read by memory map."""
