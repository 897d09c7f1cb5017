"""What companies say about themselves: annual reports and the Item 1 text in them."""
