"""The framed parts of the screen, one file each."""
