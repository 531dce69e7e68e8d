"""Pictures of an image in its partition."""
