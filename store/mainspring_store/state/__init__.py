"""What a run is made of, and the effects that follow from a change of state."""
