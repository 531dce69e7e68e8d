"""How much RAM importing a module takes on a device."""
