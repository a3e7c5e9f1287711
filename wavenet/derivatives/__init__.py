"""From the potential to the velocities next to a wall: networks, stencils, functions around the lip."""
