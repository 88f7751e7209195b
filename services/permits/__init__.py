"""Permits: dossiers for new structures from filing to the standing mast, with dates that can be proven."""
