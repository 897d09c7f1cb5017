"""What a value of a user's file has to look like: ids, tickers, days, codes, texts and numbers, for every source.

Nothing is guessed: a value is read where its meaning is certain, else it is refused with what is wrong and how to write
it instead. `columns` turns the types that files have into text, `kinds` says what text is a CIK or a ticker, `days` and
`numbers` what is a date or a price, `blank` what says nothing.
"""
