"""Pairs inside peer groups: tested for cointegration, traded in one chronological book, summed up."""
