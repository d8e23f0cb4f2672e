"""What the rules of a site's policy say of a comment. Pure: no I/O; what Redis counts stays an open expression."""
