"""Find concepts, and show what is around them."""
