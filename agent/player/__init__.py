"""The sound child process: libVLC decodes, PortAudio plays; knows nothing of schedules."""
