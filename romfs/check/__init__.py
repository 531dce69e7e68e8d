"""Static checks of a finished image, which a device does not do itself."""
