"""Judges what is published in engines that ask nobody before they publish. See docs/integrations."""
