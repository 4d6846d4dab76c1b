"""One pure function a screen: a view from the agent → lines no wider than the terminal."""
