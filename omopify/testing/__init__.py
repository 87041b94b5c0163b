"""Runs the given/expect rows beside the maps, makes new ones, and says what they cover."""
